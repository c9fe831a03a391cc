//! `whereabouts backtest`: past orders in time order, knowing at each purchase only what was known then.

use std::{collections::BTreeMap, io::Read, path::PathBuf, time::Instant as Clock};

use anyhow::{Context, Result, anyhow, bail, ensure};
use promise::{
    Day,
    backtest::{self, Cell, Score},
    learn::{self, Shipment},
};
use serde_json::{Value, json};

#[derive(clap::Args)]
pub struct Args {
    /// Past orders: CSV with a header, or the same gzipped (.gz).
    #[arg(long)]
    shipments: PathBuf,
    /// Orders bought from this day on are scored; without it, the last quarter.
    #[arg(long)]
    split: Option<String>,
    /// Which column is what: purchased, delivered, promised, status, origin, origin_area, destination, destination_area. For example
    /// `purchased=order_date,delivered=arrived,destination=country`.
    #[arg(
        long,
        default_value = "purchased=purchase_ts,handed_over=carrier_ts,delivered=delivered_ts,promised=estimated_date,status=order_status,\
        origin=seller_state,origin_area=seller_zip3,destination=customer_state,destination_area=customer_zip3"
    )]
    columns: String,
    #[arg(long)]
    json: bool,
}

/// `YYYY-MM-DD`, with a time of day behind it or without.
fn moment(text: &str) -> Option<(Day, u32)> {
    let day = Day::parse(text.get(..10)?)?;
    let part = |from: usize| text.get(from..from + 2).and_then(|t| t.parse::<u32>().ok());
    let second = part(11).zip(part(14)).map_or(43_200, |(h, m)| h * 3600 + m * 60);
    Some((day, second))
}

fn read(path: &PathBuf, columns: &str) -> Result<(Vec<Shipment>, usize)> {
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    let text: Box<dyn Read> = match path.extension().is_some_and(|e| e == "gz") {
        true => Box::new(flate2::read::MultiGzDecoder::new(file)),
        false => Box::new(file),
    };
    let mut table = csv::ReaderBuilder::new().flexible(true).from_reader(text);
    let header = table.headers().with_context(|| path.display().to_string())?.clone();
    let mut named = BTreeMap::new();
    for pair in columns.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let (role, name) = pair.split_once('=').ok_or_else(|| anyhow!("--columns {pair}: write role=column"))?;
        ensure!(
            matches!(
                role,
                "purchased" | "handed_over" | "delivered" | "promised" | "status" | "origin" | "origin_area" | "destination" | "destination_area"
            ),
            "--columns: there is no role {role}"
        );
        if let Some(at) = header.iter().position(|h| h == name.trim()) {
            named.insert(role, at);
        } else if matches!(role, "purchased" | "delivered") {
            bail!("{}: no column {name}; it has {}", path.display(), header.iter().collect::<Vec<_>>().join(", "));
        }
    }
    let (mut shipments, mut unreadable) = (Vec::new(), 0);
    for row in table.records() {
        let row = row.with_context(|| path.display().to_string())?;
        let field = |role: &str| named.get(role).and_then(|at| row.get(*at)).map(str::trim).unwrap_or_default();
        let Some((purchased, second)) = moment(field("purchased")) else {
            unreadable += 1;
            continue;
        };
        let (from, to) = (field("origin"), field("destination"));
        // Orders that never became parcels say nothing about parcels; without a place they belong to no lane.
        if matches!(field("status"), "canceled" | "cancelled" | "unavailable")
            || named.contains_key("destination") && to.is_empty()
        {
            continue;
        }
        if named.contains_key("origin") && from.is_empty() {
            continue;
        }
        let delivered =
            moment(field("delivered")).map(|m| m.0).filter(|_| !named.contains_key("status") || field("status") == "delivered");
        let mut groups = Vec::new();
        let mut traits = Vec::new();
        for (group, key) in
            [(!to.is_empty(), format!("to {to}")), (!to.is_empty() && !from.is_empty(), format!("{from} to {to}"))]
        {
            if group {
                groups.push(key);
            }
        }
        if !field("destination_area").is_empty() {
            traits.push(format!("area {to} {}", field("destination_area")));
        }
        if !field("origin_area").is_empty() {
            traits.push(format!("sender {from} {}", field("origin_area")));
        }
        shipments.push(Shipment {
            purchased,
            second,
            handed_over: moment(field("handed_over")).map(|m| m.0),
            delivered,
            promised: moment(field("promised")).map(|m| m.0),
            groups,
            traits,
        });
    }
    ensure!(!shipments.is_empty(), "{}: no row has a readable purchase date", path.display());
    Ok((shipments, unreadable))
}

fn figures(score: &Score) -> Value {
    let round = |x: f64| (x * 10_000.0).round() / 10_000.0;
    let quantiles: Vec<Value> = score
        .quantiles
        .iter()
        .map(|(p, coverage, days)| json!({"p": p, "coverage": round(*coverage), "mean_days": round(*days)}))
        .collect();
    let months: Vec<Value> = score
        .months
        .iter()
        .map(|(month, c)| json!({"month": month, "orders": c.orders, "coverage": c.coverage.iter().map(|k| round(*k)).collect::<Vec<_>>()}))
        .collect();
    json!({"orders": score.orders, "pinball": round(score.pinball), "mae_p50": round(score.mae_p50), "quantiles": quantiles, "months": months})
}

pub fn run(args: Args) -> Result<()> {
    let started = Clock::now();
    let (shipments, unreadable) = read(&args.shipments, &args.columns)?;
    let checked = learn::sound(shipments);
    let (shipments, impossible) = (checked.shipments, checked.impossible);
    let split = match &args.split {
        Some(text) => Day::parse(text).ok_or_else(|| anyhow!("--split {text}: write YYYY-MM-DD"))?,
        None => {
            let mut days: Vec<Day> = shipments.iter().map(|s| s.purchased).collect();
            days.sort();
            days[days.len() * 3 / 4]
        }
    };
    let report = backtest::run(&shipments, split);
    ensure!(report.score.orders > 0, "no delivered order was bought on {split} or later");
    let mut said = json!({"split": split.to_string()});
    let part = figures(&report.score);
    for (key, value) in part.as_object().into_iter().flatten() {
        said[key] = value.clone();
    }
    said["at_store_on_time"] = json!({"store": report.store.as_ref().map(|s| json!({"coverage": s.coverage, "mean_days": s.mean_days})),
        "ours": report.at_store_share.as_ref().map(|s| json!({"coverage": s.matched.coverage, "mean_days": s.matched.mean_days}))});
    said["baselines"] = report
        .baselines
        .iter()
        .map(|(name, score)| ((*name).to_owned(), figures(score)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    said["settings"] = json!({"half_life": report.settings.half_life, "strength": report.settings.strength, "doubt": report.settings.doubt, "pace": report.settings.pace, "step": report.settings.step, "drift": report.settings.drift, "gain": report.settings.gain});
    said["left_out"] = json!({"unreadable": unreadable, "impossible": impossible});
    said["seconds"] = json!(started.elapsed().as_secs_f64());
    if args.json {
        println!("{said}");
        return Ok(());
    }
    println!(
        "{} orders from {split} on; settings from earlier data: {:?}; {:.1} s",
        report.score.orders,
        report.settings,
        started.elapsed().as_secs_f64()
    );
    if let (Some(own), Some(at)) = (&report.store, &report.at_store_share) {
        let (share, days, ours, shorter) = (own.coverage, own.mean_days, at.matched.coverage, at.matched.mean_days);
        println!("{at:?}");
        println!(
            "the store's own promise: kept {:.1} %, {days:.2} days; ours at that share: kept {:.1} %, {shorter:.2} days",
            share * 100.0,
            ours * 100.0
        );
    }
    let all = std::iter::once(("whereabouts", &report.score)).chain(report.baselines.iter().map(|(n, s)| (*n, s)));
    for (name, score) in all {
        let cells: Vec<String> =
            score.quantiles.iter().map(|(p, c, d)| format!("P{:.0} {:.1} % {d:.1} d", p * 100.0, c * 100.0)).collect();
        println!("{name:<15} pinball {:.3}  P50 off by {:.2} d  {}", score.pinball, score.mae_p50, cells.join("  "));
    }
    for (month, Cell { orders, coverage: kept, .. }) in &report.score.months {
        println!("  {month}  {orders:>5}  {}", kept.iter().map(|k| format!("{:.1} %", k * 100.0)).collect::<Vec<_>>().join("  "));
    }
    for (what, n) in &impossible {
        println!("left out: {n} {what}");
    }
    if unreadable > 0 {
        println!("left out: {unreadable} without a readable purchase date");
    }
    Ok(())
}
