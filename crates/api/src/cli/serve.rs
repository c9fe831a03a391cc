//! `whereabouts serve`: the API, until it is told to stop.

use std::path::PathBuf;

use anyhow::{Context, Result};
use api::{config::Config, console, couriers, server, state::AppState, upkeep};

#[derive(clap::Args)]
pub struct Args {
    /// A configuration file; what it leaves out has its default (see config.default.toml).
    #[arg(long)]
    config: Option<PathBuf>,
    /// By how many seconds its clock is ahead: for tests.
    #[arg(long, hide = true, default_value_t = 0)]
    clock_ahead: i64,
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
    // No other server, and no command that changes what this one holds in memory, works on the same file.
    let _lock = upkeep::lock(&config.database)?;
    let state = AppState::start(config).await?;
    state.set_clock_ahead(args.clock_ahead);
    // The address that it is known by; where that is this machine's, the port that it got.
    let base =
        Some(state.config().public_url.clone()).filter(|url| !url.contains("//127.0.0.1")).unwrap_or(format!("http://{address}"));
    let set_up = console::set_up_link(&state, &base).await?;
    println!("{}", serde_json::json!({"listen": format!("http://{address}"), "set_up": set_up}));
    tracing::info!(%address, "listening");
    if let Some(link) = set_up {
        tracing::info!(
            "nobody can sign in to the console yet: open the link that was printed as set_up, once, within three days"
        );
        eprintln!("\n  Set up the console:  {link}\n");
    }
    let stop = state.clone();
    tokio::spawn(async move {
        server::asked_to_stop().await;
        stop.stop();
    });
    server::run(listener, state).await?;
    tracing::info!("stopped");
    Ok(())
}
