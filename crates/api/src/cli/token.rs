//! `whereabouts token mint|check`: order tokens, with the secret in the environment so that it stays out of the shell's history.

use anyhow::{Context, Result};
use api::token;
use serde_json::json;

#[derive(clap::Subcommand)]
pub enum Args {
    /// Sign a token for an order.
    Mint {
        #[arg(long)]
        store: String,
        #[arg(long)]
        order: String,
        /// Unix seconds.
        #[arg(long)]
        expires: i64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Verify a token and print what it opens, as JSON.
    Check {
        token: String,
        #[arg(long)]
        json: bool,
    },
}

pub fn run(args: Args) -> Result<()> {
    let secret = std::env::var("TOKEN_SECRET").context("put the store's token secret into the environment: TOKEN_SECRET")?;
    match args {
        Args::Mint { store, order, expires, json } => {
            let token = token::mint(&store, &order, expires, &secret);
            println!("{}", if json { json!({"token": token}).to_string() } else { token });
        }
        Args::Check { token, .. } => {
            let claim = token::verify(&token, |_| vec![secret.as_str()], chrono::Utc::now().timestamp())?;
            println!("{}", json!({"store": claim.store, "order": claim.order_id, "expires": claim.expires_at}));
        }
    }
    Ok(())
}
