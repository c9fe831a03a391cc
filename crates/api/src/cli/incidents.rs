//! `whereabouts incidents`: a carrier's list of incidents to delay notices with few postal ranges.

use std::{fs::File, io::Read, path::PathBuf};

use anyhow::{Context, Result, bail};
use promise::incident;
use serde_json::json;

#[derive(clap::Args)]
pub struct Args {
    /// A CSV with the columns carrier, service, country, postal_code, from, until, days, reason, severity, language, message; `-`: standard input.
    list: PathBuf,
    /// Postal ranges that a notice may have; where more are needed, the smallest gaps between them are closed.
    #[arg(long, default_value_t = incident::MOST_RANGES)]
    ranges: usize,
    /// Print the notices, a line each, as POST /v1/admin/stores/{store}/delays takes them.
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<()> {
    let name = args.list.display().to_string();
    let text: Box<dyn Read> = match name.as_str() {
        "-" => Box::new(std::io::stdin()),
        _ => Box::new(File::open(&args.list).with_context(|| name.clone())?),
    };
    let rows = match api::incidents::read(text).with_context(|| name.clone())? {
        Ok(rows) => rows,
        Err(wrong) => {
            let more = if wrong.len() > 1 { format!(" (and {} more)", wrong.len() - 1) } else { String::new() };
            bail!("{name}: {}{more}", wrong[0])
        }
    };
    for (notice, besides) in incident::notices(&rows, args.ranges) {
        if args.json {
            println!("{}", json!(notice));
            continue;
        }
        let places = notice.scope.places.iter().map(|p| match p.postal_codes.len() {
            0 => p.country.clone(),
            n => format!("{} ({n} ranges)", p.country),
        });
        let until = notice.until.map_or("until it is ended".into(), |u| format!("until {u}"));
        let besides = if besides > 0 { format!("; the ranges hold {besides} more numbers than the list") } else { String::new() };
        println!("{}: from {}, {until}; {}{besides}", notice.id, notice.from, places.collect::<Vec<_>>().join(", "));
    }
    Ok(())
}
