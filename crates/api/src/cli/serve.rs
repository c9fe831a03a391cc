//! `whereabouts serve`: the API, until it is told to stop.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use api::{config::Config, ingest, routes, state::AppState};
use tracing_subscriber::EnvFilter;

#[derive(clap::Args)]
pub struct Args {
    /// A configuration file; what it leaves out has its default (see config.default.toml).
    #[arg(long)]
    config: Option<PathBuf>,
}

#[tokio::main]
pub async fn run(args: Args) -> Result<()> {
    let config = Config::load(args.config.as_deref(), std::env::vars())?;
    let filter = EnvFilter::try_new(&config.log.filter).context("log.filter")?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if config.log.format == "json" {
        log.json().init()
    } else {
        log.init()
    }
    let listener = tokio::net::TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("can't listen on {}: choose another port", config.listen))?;
    let address = listener.local_addr()?;
    let state = AppState::start(config).await?;
    let worker = tokio::spawn(work(state.clone()));
    let clock = tokio::spawn(reestimate(state.clone()));
    println!("{{\"listen\":\"http://{address}\"}}");
    tracing::info!(%address, "listening");
    let stop = state.clone();
    axum::serve(listener, routes::app(state.clone()))
        .with_graceful_shutdown(async move {
            signal().await;
            // Open streams would hold the server up.
            stop.stop();
        })
        .await?;
    worker.await?;
    clock.abort();
    tracing::info!("stopped");
    Ok(())
}

/// Projects events as they come, and those that an earlier run left.
async fn work(state: AppState) {
    let mut stopping = state.stopping();
    loop {
        match ingest::project_next(&state).await {
            Ok(true) => {}
            Ok(false) if *stopping.borrow_and_update() => return,
            Ok(false) => state.woken().await,
            Err(e) => {
                tracing::error!(error = format!("{e:#}"), "projecting failed; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Windows move with the days.
async fn reestimate(state: AppState) {
    let mut tick = tokio::time::interval(Duration::from_secs(1800));
    loop {
        tick.tick().await;
        for store in &state.config().stores {
            if let Err(e) = ingest::reestimate(&state, &store.id).await {
                tracing::error!(error = format!("{e:#}"), store = store.id, "re-estimating failed");
            }
        }
    }
}

async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}
