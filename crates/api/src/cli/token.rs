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
    },
    /// Verify a token and print what it opens.
    Check { token: String },
}

pub fn run(args: Args) -> Result<()> {
    let secret = std::env::var("TOKEN_SECRET").context("put the store's token secret into the environment: TOKEN_SECRET")?;
    match args {
        Args::Mint { store, order, expires } => println!("{}", token::mint(&store, &order, expires, &secret)),
        Args::Check { token } => {
            let claim = token::verify(&token, |_| vec![secret.as_str()], chrono::Utc::now().timestamp())?;
            println!("{}", json!({"store": claim.store, "order": claim.order_id, "expires": claim.expires_at}));
        }
    }
    Ok(())
}
