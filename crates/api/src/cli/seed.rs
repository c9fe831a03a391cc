//! `whereabouts seed`: a store's year, made up. For measuring; not listed among the commands.

use std::path::PathBuf;

use anyhow::Result;
use api::{config::Config, seed, state::AppState, upkeep};
use serde_json::json;

#[derive(clap::Args)]
pub struct Args {
    /// A configuration file, as `serve` takes it. Not for a store that is in use.
    #[arg(long)]
    config: Option<PathBuf>,
    #[arg(long)]
    store: String,
    #[arg(long, default_value_t = 100_000)]
    orders: u64,
    #[arg(long, default_value_t = 365)]
    days: u32,
    /// The same seed is the same year.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
pub async fn run(args: Args) -> Result<()> {
    let config = Config::load(args.config.as_deref(), std::env::vars())?;
    super::log(&config.log)?;
    let _lock = upkeep::lock(&config.database)?;
    let state = AppState::start(config).await?;
    let began = std::time::Instant::now();
    let tell = |made: u64| {
        if made.is_multiple_of(50_000) {
            eprintln!("{made} orders after {:.0} s", began.elapsed().as_secs_f64());
        }
    };
    seed::fill(&state, &args.store, args.orders, args.days, args.seed, tell).await?;
    println!("{}", json!({"orders": args.orders, "seconds": began.elapsed().as_secs_f64().round()}));
    Ok(())
}
