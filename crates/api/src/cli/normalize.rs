//! `whereabouts normalize --source SOURCE`: a payload on standard input to canonical shipments.

use std::io::{IsTerminal, Read};

use anyhow::Result;
use serde_json::json;

#[derive(clap::Args)]
pub struct Args {
    /// A platform, an aggregator or a carrier: shopify, easypost, ups, fedex … An unknown one lists them all.
    #[arg(long)]
    source: String,
    /// What the source's headers call the event, such as orders/create.
    #[arg(long)]
    topic: Option<String>,
    /// Print JSON on one line, for programs; without it the same, for people.
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<()> {
    let mut body = Vec::new();
    std::io::stdin().read_to_end(&mut body)?;
    let facts = tracking::source::read(&args.source, args.topic.as_deref(), &body)?;
    let said = json!({"shipments": facts.shipments, "problems": facts.problems});
    println!("{}", if args.json || !std::io::stdout().is_terminal() { said.to_string() } else { format!("{said:#}") });
    Ok(())
}
