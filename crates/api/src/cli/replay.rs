//! `whereabouts replay`: all state anew from the raw events, with the server stopped.

use std::{io::IsTerminal, path::PathBuf};

use anyhow::Result;
use api::{config::Config, ingest, state::AppState, upkeep};
use serde_json::json;

#[derive(clap::Args)]
pub struct Args {
    /// A configuration file, as `serve` takes it. Stop the server first: it keeps documents in memory.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Fail where the state is not the same afterwards. It differs where this version reads payloads better than the one before.
    #[arg(long)]
    check: bool,
    /// Print JSON on one line.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
pub async fn run(args: Args) -> Result<()> {
    let config = Config::load(args.config.as_deref(), std::env::vars())?;
    super::log(&config.log)?;
    let _lock = upkeep::lock(&config.database)?;
    let state = AppState::start(config).await?;
    // What waits is not yet part of the state.
    while ingest::project_next(&state).await? {}
    let before = ingest::digest(&state).await?;
    ingest::replay(&state).await?;
    let after = ingest::digest(&state).await?;
    let count = |sql: &'static str| state.db().read(move |db| Ok(db.query_row(sql, [], |r| r.get::<_, i64>(0))?));
    let (events, orders, aside) = (
        count("select count(*) from events").await?,
        count("select count(*) from orders").await?,
        count("select count(*) from events where state = 2").await?,
    );
    let said = json!({"events": events, "orders": orders, "set_aside": aside, "equal": before == after, "digest": after});
    println!("{}", if args.json || !std::io::stdout().is_terminal() { said.to_string() } else { format!("{said:#}") });
    if args.check && before != after {
        anyhow::bail!("the state is not what it was: {before} before, {after} after");
    }
    Ok(())
}
