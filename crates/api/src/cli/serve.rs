//! `whereabouts serve`: the API, until it is told to stop.

use std::path::PathBuf;

use anyhow::{Context, Result};
use api::{config::Config, couriers, server, state::AppState};

#[derive(clap::Args)]
pub struct Args {
    /// A configuration file; what it leaves out has its default (see config.default.toml).
    #[arg(long)]
    config: Option<PathBuf>,
}

#[tokio::main]
pub async fn run(args: Args) -> Result<()> {
    let config = Config::load(args.config.as_deref(), std::env::vars())?;
    super::log(&config.log)?;
    if let Some(path) = &config.couriers {
        let added = couriers::add(path)?;
        tracing::info!(added, path = %path.display(), "couriers added");
    }
    let listener = tokio::net::TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("can't listen on {}: choose another port", config.listen))?;
    let address = listener.local_addr()?;
    let state = AppState::start(config).await?;
    println!("{{\"listen\":\"http://{address}\"}}");
    tracing::info!(%address, "listening");
    let stop = state.clone();
    tokio::spawn(async move {
        server::asked_to_stop().await;
        stop.stop();
    });
    server::run(listener, state).await?;
    tracing::info!("stopped");
    Ok(())
}
