//! `whereabouts estimate`: what a policy promises, for a moment, a destination and a cart.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use promise::{
    Instant, Request,
    estimate::{Destination, Line},
    policy::Policy,
};

#[derive(clap::Args)]
pub struct Args {
    /// The policy, as JSON.
    #[arg(long)]
    policy: PathBuf,
    /// The moment of the order, RFC 3339.
    #[arg(long)]
    at: String,
    /// COUNTRY or COUNTRY-POSTAL_CODE, such as US-94103.
    #[arg(long)]
    destination: String,
    /// SKU or SKU=QUANTITY; may be repeated.
    #[arg(long = "item")]
    items: Vec<String>,
    /// Print JSON (the only format so far).
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<()> {
    let text = std::fs::read_to_string(&args.policy).with_context(|| args.policy.display().to_string())?;
    let policy: Policy = serde_json::from_str(&text).with_context(|| args.policy.display().to_string())?;
    if let Some(wrong) = policy.validate().first() {
        bail!("{}: {}: {}", args.policy.display(), wrong.field, wrong.message);
    }
    let now = Instant::parse(&args.at).ok_or_else(|| anyhow!("--at: write RFC 3339, for example 2026-12-01T14:00:00Z"))?;
    let (country, postal_code) = args.destination.split_once('-').unwrap_or((&args.destination, ""));
    let mut request = Request {
        destination: Destination { country: country.into(), postal_code: postal_code.into(), ..Destination::default() },
        ..Request::default()
    };
    for item in &args.items {
        let (sku, quantity) = item.rsplit_once('=').unwrap_or((item, "1"));
        let quantity = quantity.parse().map_err(|_| anyhow!("--item {item}: write SKU=QUANTITY"))?;
        request.items.push(Line { sku: sku.into(), quantity });
    }
    let estimate = promise::estimate(&policy.document(now), &request, now);
    println!("{}", if args.json { serde_json::to_string(&estimate)? } else { serde_json::to_string_pretty(&estimate)? });
    Ok(())
}
