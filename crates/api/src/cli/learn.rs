//! `whereabouts learn`: how long deliveries take, by origin and by lane, from past shipments; and a policy with it filled in.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};
use api::shipments::Row;
use promise::{
    Day, Document, Instant,
    learn::{
        self,
        lanes::{self, Delivery, Lanes, Learned, Way},
    },
    policy::Policy,
};
use serde_json::{Value, json};

/// Lanes shown in the table for people; all are in the JSON.
const LANES_SHOWN: usize = 40;

#[derive(clap::Args)]
pub struct Args {
    /// Past shipments: CSV with a header or JSON lines, plain or gzipped; `-` is standard input.
    #[arg(long)]
    shipments: PathBuf,
    /// Which column is what, as in `backtest`.
    #[arg(long, default_value = "")]
    columns: String,
    /// A policy, as JSON: its calendars count the working days, its zones are the lanes' zones, and it is printed with the learned
    /// distributions filled in. Origins and services are named by their ids in the table; where the table names none and the policy has
    /// only one, it is that one.
    #[arg(long)]
    policy: Option<PathBuf>,
    /// Days after which a delivery counts half.
    #[arg(long, default_value_t = 60.0)]
    half_life: f64,
    /// Lanes by lane instead of a table; with --policy, the report beside the policy.
    #[arg(long)]
    json: bool,
}

/// The names of a row's lane, as the policy knows them.
fn lane(row: &Row, document: Option<&Document>) -> [String; 3] {
    let Some(document) = document else {
        let zone = if row.zone.is_empty() { &row.destination } else { &row.zone };
        return [row.origin.clone(), row.service.clone(), zone.clone()];
    };
    let only = |named: &str, ids: Vec<&String>| match ids.as_slice() {
        [one] if named.is_empty() => (*one).clone(),
        _ => named.to_owned(),
    };
    let zone = if document.zones.iter().any(|z| z.id == row.zone) {
        row.zone.clone()
    } else {
        let (country, region) = row.destination.split_once('-').unwrap_or((&row.destination, ""));
        lanes::zone(document, country, region, &row.destination_area).unwrap_or(&row.destination).to_owned()
    };
    [
        only(&row.origin, document.origins.iter().map(|o| &o.id).collect()),
        only(&row.service, document.services.iter().map(|s| &s.id).collect()),
        zone,
    ]
}

pub fn run(args: Args) -> Result<()> {
    ensure!((1.0..=3650.0).contains(&args.half_life), "--half-life: days, from 1 to 3650");
    let policy = args.policy.as_ref().map(read_policy).transpose()?;
    let table = super::backtest::read(&args.shipments, &args.columns)?;
    let checked = learn::sound(table.rows.iter().map(Row::shipment).collect());
    // As of the last thing that is known to have happened.
    let known = checked.shipments.iter().flat_map(|s| [Some(s.purchased), s.handed_over, s.delivered]).flatten();
    let Some(today) = known.max() else { bail!("no shipment is left of {}: {:?}", table.rows.len(), checked.impossible) };
    // Without what is far from all others.
    let first = checked.shipments.iter().map(|s| s.purchased).min().unwrap_or(today);
    let bought = first..=today;
    let now = Instant((i64::from(today.0) + 1) * 86_400);
    let document = policy.as_ref().map(|p| p.document(now));
    let none = Document::default();

    let mut learned = Lanes::new(args.half_life);
    let mut open: Vec<([String; 3], Option<u16>, Option<u16>)> = Vec::new();
    let (mut delivered, mut whole) = (0usize, 0usize);
    for row in &table.rows {
        let sound = learn::sound(vec![row.shipment()]).shipments;
        let Some(s) = sound.first().filter(|s| bought.contains(&s.purchased)) else { continue };
        let names = lane(row, document.as_ref());
        let way = Way {
            origin: &names[0],
            service: &names[1],
            zone: &names[2],
            ordered: s.purchased,
            second: s.second,
            handed_over: s.handed_over,
            delivered: s.delivered,
        };
        let mut measured = way.measure(document.as_ref().unwrap_or(&none), today);
        if let Some(day) = s.delivered {
            if measured.transit.is_none() {
                // Without the hand-over, only the whole way is known: it is learned as such, under no policy.
                whole += 1;
                if document.is_some() {
                    continue;
                }
                measured = Way { handed_over: Some(s.purchased), ..way }.measure(&none, today);
                measured.handling = None;
            }
            delivered += 1;
            learned.add(&measured, day);
        } else {
            open.push((names.clone(), measured.handling, measured.transit));
        }
    }
    ensure!(
        delivered > 0,
        "{}",
        if whole > 0 {
            "no shipment says when it was handed over: map handed_over=COLUMN"
        } else {
            "no shipment has been delivered"
        }
    );
    let waiting: Vec<Delivery> = open
        .iter()
        .map(|([origin, service, zone], handling, transit)| Delivery {
            origin,
            service,
            zone,
            handling: *handling,
            transit: *transit,
        })
        .collect();
    let report = report(&learned, &waiting, today, delivered, whole, &table.left_out, &checked);
    match policy {
        Some(policy) => {
            let filled = learned.fill(&policy, &waiting, now);
            if let Some(wrong) = filled.validate().first() {
                bail!("{wrong}");
            }
            let said = if args.json { json!({"policy": filled, "learned": report}) } else { serde_json::to_value(&filled)? };
            println!("{}", if args.json { said.to_string() } else { serde_json::to_string_pretty(&said)? });
        }
        None if args.json => println!("{report}"),
        None => print(&report),
    }
    Ok(())
}

fn read_policy(path: &PathBuf) -> Result<Policy> {
    let name = path.display().to_string();
    super::read_policy(&name, &std::fs::read_to_string(path).with_context(|| name.clone())?)
}

fn figures(learned: &Learned) -> Value {
    let round = |x: f64| (x * 100.0).round() / 100.0;
    json!({"parcels": learned.parcels, "evidence": round(learned.evidence), "under_way": learned.under_way, "overdue": learned.overdue,
        "mean": round(learned.mean()), "p10": learned.quantile(0.1), "p50": learned.quantile(0.5), "p90": learned.quantile(0.9),
        "p95": learned.quantile(0.95), "weights": learned.weights})
}

fn report(
    lanes: &Lanes,
    waiting: &[Delivery],
    today: Day,
    delivered: usize,
    whole: usize,
    left_out: &BTreeMap<&'static str, usize>,
    checked: &learn::Checked,
) -> Value {
    let handling: Vec<Value> = lanes
        .origins()
        .into_iter()
        .map(|origin| {
            let days: Vec<u16> =
                waiting.iter().filter(|w| w.origin == origin && w.transit.is_none()).filter_map(|w| w.handling).collect();
            let mut said = figures(&lanes.handling(origin, &[], &days));
            said["origin"] = origin.into();
            said
        })
        .collect();
    let mut by_lane: BTreeMap<[&str; 3], Vec<u16>> = BTreeMap::new();
    for w in waiting {
        by_lane.entry([w.origin, w.service, w.zone]).or_default().extend(w.transit);
    }
    let mut transit: Vec<Value> = lanes
        .lanes()
        .into_iter()
        .map(|[origin, service, zone]| {
            let days = by_lane.get(&[origin, service, zone]).cloned().unwrap_or_default();
            let mut said = figures(&lanes.transit(origin, service, zone, &[], &days));
            said["origin"] = origin.into();
            said["service"] = service.into();
            said["zone"] = zone.into();
            said
        })
        .collect();
    transit.sort_by_key(|t| std::cmp::Reverse(t["parcels"].as_u64()));
    json!({"as_of": today, "unit": "working days", "delivered": delivered, "under_way": waiting.len(), "without_hand_over": whole,
        "handling": handling, "transit": transit, "left_out": left_out, "impossible": checked.impossible, "repaired": checked.repaired,
        "outliers": checked.outliers})
}

fn print(report: &Value) {
    let text = |v: &Value| match v {
        Value::String(s) => s.clone(),
        other => other.to_string(),
    };
    println!(
        "{} delivered, {} under way, as of {}; in working days",
        report["delivered"],
        report["under_way"],
        text(&report["as_of"])
    );
    let head = format!("{:>8} {:>9} {:>6} {:>4} {:>4} {:>4} {:>4}", "parcels", "under way", "mean", "P10", "P50", "P90", "P95");
    let line = |v: &Value| {
        let n = |key: &str| text(&v[key]);
        format!(
            "{:>8} {:>9} {:>6} {:>4} {:>4} {:>4} {:>4}",
            n("parcels"),
            n("under_way"),
            n("mean"),
            n("p10"),
            n("p50"),
            n("p90"),
            n("p95")
        )
    };
    let rows = |key: &str| report[key].as_array().cloned().unwrap_or_default();
    let short = |name: String, n: usize| name.chars().take(n).collect::<String>();
    if !rows("handling").is_empty() {
        println!("\n{:<44} {head}", "handling, by origin");
        for v in rows("handling").iter().take(LANES_SHOWN) {
            println!("{:<44} {}", short(text(&v["origin"]), 44), line(v));
        }
    }
    let what = if report["without_hand_over"].as_u64() == report["delivered"].as_u64() {
        "from purchase to delivery, by lane"
    } else {
        "transit, by lane"
    };
    println!("\n{what:<44} {head}");
    let transit = rows("transit");
    for v in transit.iter().take(LANES_SHOWN) {
        let names: Vec<String> = ["origin", "service", "zone"].iter().map(|k| text(&v[*k])).filter(|n| !n.is_empty()).collect();
        println!("{:<44} {}", short(names.join(" · "), 44), line(v));
    }
    if transit.len() > LANES_SHOWN {
        println!("and {} more (--json has them all)", transit.len() - LANES_SHOWN);
    }
    for key in ["left_out", "impossible", "repaired", "outliers"] {
        for (why, n) in report[key].as_object().into_iter().flatten() {
            println!("{}: {n} {why}", key.replace('_', " "));
        }
    }
}
