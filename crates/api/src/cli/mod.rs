//! The commands, one file each.

pub mod backtest;
pub mod console;
pub mod demo;
pub mod detect;
pub mod estimate;
pub mod incidents;
pub mod learn;
pub mod normalize;
pub mod replay;
pub mod seed;
pub mod serve;
pub mod token;
pub mod upkeep;

use anyhow::{Context, Result, anyhow};
use promise::policy::{Invalid, Policy};
use tracing_subscriber::EnvFilter;

/// A policy that can be used, or all that is wrong with it.
fn read_policy(name: &str, text: &str) -> Result<Policy> {
    let said = |wrong: Vec<Invalid>| {
        let list: Vec<String> = wrong.iter().map(|w| format!("{name}: {w}")).collect();
        anyhow!(list.join("\n"))
    };
    let policy: Policy = api::written::read(text).map_err(said)?;
    let wrong = policy.validate();
    if wrong.is_empty() { Ok(policy) } else { Err(said(wrong)) }
}

/// Logs to standard error, as configured.
fn log(config: &api::config::Log) -> Result<()> {
    let filter = EnvFilter::try_new(&config.filter).context("log.filter")?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if config.format == "json" {
        log.json().init()
    } else {
        log.init()
    }
    Ok(())
}
