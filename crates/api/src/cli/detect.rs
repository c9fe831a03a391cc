//! `whereabouts detect NUMBER…`: whose number is it?

use std::{
    io::{BufRead, IsTerminal},
    path::PathBuf,
};

use anyhow::Result;
use tracking::number::{self, Hints};

#[derive(clap::Args)]
pub struct Args {
    /// Numbers, or texts with numbers in them; without any, lines of standard input.
    numbers: Vec<String>,
    /// A carrier that the store uses; may be repeated.
    #[arg(long = "carrier")]
    carriers: Vec<String>,
    /// Where the parcel goes: a country code such as US.
    #[arg(long, default_value = "")]
    destination: String,
    /// More couriers: a folder of files, or one file, in the published format of tracking numbers. Also: WHEREABOUTS_COURIERS.
    #[arg(long)]
    couriers: Option<PathBuf>,
    /// Print JSON, one line per number.
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<()> {
    if let Some(path) = args.couriers.or_else(|| std::env::var_os("WHEREABOUTS_COURIERS").map(PathBuf::from)) {
        api::couriers::add(&path)?;
    }
    let hints = Hints { carriers: args.carriers, destination: args.destination.to_ascii_uppercase() };
    let print = |text: &str| -> Result<()> {
        for found in number::find(text, &hints) {
            if args.json || !std::io::stdout().is_terminal() {
                println!("{}", serde_json::to_string(&found)?);
                continue;
            }
            println!("{}{}", found.number, if found.candidates.is_empty() { ": no carrier is known for it" } else { "" });
            for c in &found.candidates {
                let check = if c.valid { "" } else { ", but the check digit is wrong" };
                println!(
                    "  {:>3.0} %  {}, {}{check}  {}",
                    c.confidence * 100.0,
                    c.name,
                    c.service,
                    c.tracking_url.as_deref().unwrap_or_default()
                );
            }
        }
        Ok(())
    };
    if args.numbers.is_empty() {
        anyhow::ensure!(!std::io::stdin().is_terminal(), "name a number, or pipe lines in");
        for line in std::io::stdin().lock().lines() {
            print(&line?)?;
        }
    }
    args.numbers.iter().try_for_each(|n| print(n))
}
