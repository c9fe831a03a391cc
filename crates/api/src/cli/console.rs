//! `whereabouts console`: ways into the console for who runs the server.

use std::path::PathBuf;

use anyhow::{Context, Result};
use api::{config::Config, console, state::AppState};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Print a one-time link: to set up a new installation, or for somebody to choose a new password.
    Link {
        /// The configuration file of the server.
        #[arg(long)]
        config: Option<PathBuf>,
        /// Whose password is forgotten.
        #[arg(long)]
        email: Option<String>,
    },
}

#[tokio::main]
pub async fn run(args: Args) -> Result<()> {
    let What::Link { config, email } = args.what;
    let state = AppState::start(Config::load(config.as_deref(), std::env::vars())?).await?;
    let base = state.config().public_url.clone();
    let link = match &email {
        Some(email) => {
            console::password_link(&state, &base, email).await?.with_context(|| format!("nobody signs in as {email}"))?
        }
        None => console::set_up_link(&state, &base)
            .await?
            .context("somebody can sign in already: say whose password is forgotten, with --email")?,
    };
    println!("{link}");
    Ok(())
}
