//! `whereabouts backtest`: past orders in time order, knowing at each purchase only what was known then.

mod report;

use std::{
    io::{IsTerminal, Read, Write},
    path::PathBuf,
    time::Instant as Clock,
};

use anyhow::{Context, Result, anyhow, ensure};
use api::shipments::{self, Columns, Table};
use promise::{
    Day,
    backtest::{self, Asked, Cell, Judged, LIMIT, MONTH_LIMIT, Own, Report, Score, Step},
    learn::{self, Checked},
};
use serde_json::{Value, json};

/// Lanes shown in the table for people; all are in the JSON.
const LANES_SHOWN: usize = 20;

#[derive(clap::Args)]
pub struct Args {
    /// Past orders: CSV with a header or JSON lines, plain or gzipped; `-` is standard input.
    #[arg(long)]
    shipments: PathBuf,
    /// Orders bought from this day on are scored; without it, the last quarter.
    #[arg(long)]
    split: Option<String>,
    /// Which column is what, where its name does not say so: `purchased=order_date,delivered=arrived,destination=country`. Roles:
    /// id, purchased, handed_over, delivered, promised, status, origin, origin_area, service, zone, destination, destination_area, and
    /// factors (several: `factors=weight+price`).
    #[arg(long, default_value = "")]
    columns: String,
    /// Writes a report as one HTML page.
    #[arg(long)]
    html: Option<PathBuf>,
    #[arg(long)]
    json: bool,
}

/// Reads a file or standard input, gzipped or not.
pub fn read(path: &PathBuf, columns: &str) -> Result<Table> {
    let name = if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() };
    let columns = Columns::parse(columns)?;
    let file: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(std::io::stdin()),
        false => Box::new(std::fs::File::open(path).with_context(|| name.clone())?),
    };
    let mut file = std::io::BufReader::new(file);
    let start = std::io::BufRead::fill_buf(&mut file).with_context(|| name.clone())?;
    let text: Box<dyn Read> = match start.starts_with(&[0x1f, 0x8b]) {
        true => Box::new(flate2::read::MultiGzDecoder::new(file)),
        false => Box::new(file),
    };
    shipments::read(text, &columns).context(name)
}

/// What is seen of a run: the result, and all that is said beside it.
struct Seen<'a> {
    split: Day,
    report: &'a Report,
    table: &'a Table,
    checked: &'a Checked,
    seconds: f64,
}

pub fn run(args: Args) -> Result<()> {
    let started = Clock::now();
    let table = read(&args.shipments, &args.columns)?;
    let checked = learn::sound(table.rows.iter().map(shipments::Row::shipment).collect());
    let all = &checked.shipments;
    ensure!(!all.is_empty(), "no shipment is left of {}: {:?}", table.rows.len(), checked.impossible);
    let split = match &args.split {
        Some(text) => Day::parse(text).ok_or_else(|| anyhow!("--split {text}: write YYYY-MM-DD"))?,
        None => {
            let mut days: Vec<Day> = all.iter().map(|s| s.purchased).collect();
            days.sort();
            days[days.len() * 3 / 4]
        }
    };
    let from = all.iter().map(|s| s.purchased).min().unwrap_or(split);
    let scored = all.iter().any(|s| s.purchased >= split && s.delivered.is_some());
    ensure!(scored, "no delivered order was bought on {split} or later");
    let mut progress = Progress::new(from);
    let report = backtest::run_with(all, split, &mut |step| progress.tell(step));
    progress.end();
    let seen = Seen { split, report: &report, table: &table, checked: &checked, seconds: started.elapsed().as_secs_f64() };
    if let Some(path) = &args.html {
        std::fs::write(path, report::page(&seen)).with_context(|| path.display().to_string())?;
    }
    if args.json {
        println!("{}", as_json(&seen));
    } else {
        print(&seen);
    }
    Ok(())
}

/// Tells on standard error how far it is: one line that changes in a terminal, one line a step elsewhere.
struct Progress {
    from: Day,
    live: bool,
    said: String,
}

impl Progress {
    fn new(from: Day) -> Progress {
        Progress { from, live: std::io::stderr().is_terminal(), said: String::new() }
    }

    fn tell(&mut self, step: Step) {
        let percent = |done: usize, of: usize| done * 100 / of.max(1) / 10 * 10;
        let text = match step {
            Step::Choosing(done, of) => format!("choosing settings on earlier orders: {} %", percent(done, of)),
            Step::Playing(day, to) => {
                format!(
                    "playing orders: {} %",
                    percent((day.0 - self.from.0).max(0) as usize, (to.0 - self.from.0).max(1) as usize)
                )
            }
        };
        if text != self.said {
            // Nobody is told of a standard error that is closed.
            let _ = match self.live {
                true => write!(std::io::stderr(), "\r\x1b[K{text}"),
                false => writeln!(std::io::stderr(), "{text}"),
            };
            self.said = text;
        }
    }

    fn end(&self) {
        if self.live {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn round(x: f64) -> f64 {
    (x * 10_000.0).round() / 10_000.0
}

fn rounded(list: &[f64]) -> Vec<f64> {
    list.iter().map(|x| round(*x)).collect()
}

fn figures(score: &Score) -> Value {
    let quantiles: Vec<Value> = score
        .quantiles
        .iter()
        .map(|(p, coverage, days)| json!({"p": p, "coverage": round(*coverage), "mean_days": round(*days)}))
        .collect();
    let cells = |cells: &std::collections::BTreeMap<String, Cell>, name: &str| -> Vec<Value> {
        cells
            .iter()
            .map(|(key, c)| {
                json!({name: key, "orders": c.orders, "pinball": round(c.pinball), "coverage": rounded(&c.coverage),
                    "mean_days": rounded(&c.mean_days)})
            })
            .collect()
    };
    let mut said = json!({"orders": score.orders, "pinball": round(score.pinball), "mae_p50": round(score.mae_p50),
        "quantiles": quantiles, "months": cells(&score.months, "month")});
    if !score.lanes.is_empty() {
        said["lanes"] = cells(&score.lanes, "lane").into();
    }
    said
}

fn asked(a: &Asked) -> Value {
    json!({"level": round(a.level), "coverage": round(a.coverage), "mean_days": round(a.mean_days), "pinball": round(a.pinball)})
}

fn own(o: &Own) -> Value {
    json!({"orders": o.orders, "coverage": round(o.coverage), "mean_days": round(o.mean_days), "mae": round(o.mae),
        "pinball": round(o.pinball)})
}

fn as_json(seen: &Seen) -> Value {
    let report = seen.report;
    let mut said = json!({"split": seen.split.to_string()});
    for (key, value) in figures(&report.score).as_object().into_iter().flatten() {
        said[key] = value.clone();
    }
    said["at_store_on_time"] = match (&report.store, &report.at_store_share) {
        (Some(store), Some(at)) => {
            // Flat: ours, at the lowest level at which as many promises were kept as the store kept of its own.
            let mut flat = asked(&at.matched);
            flat["share"] = round(store.coverage).into();
            flat["store"] = own(store);
            flat["ours"] = asked(&at.matched);
            flat["asked"] = asked(&at.asked);
            flat
        }
        _ => Value::Null,
    };
    said["baselines"] = report
        .baselines
        .iter()
        .map(|(name, score)| ((*name).to_owned(), figures(score)))
        .chain(report.store.iter().map(|o| ("store".to_owned(), own(o))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let s = report.settings;
    said["settings"] = json!({"strength": s.strength, "doubt": s.doubt});
    let judged = report.score.judge();
    let missed: Vec<Value> = judged
        .missed
        .iter()
        .map(|m| {
            json!({"month": m.month, "orders": m.orders, "p": m.p, "coverage": round(m.coverage), "limit": m.limit,
                "chance": round(m.chance)})
        })
        .collect();
    said["limits"] = json!({"missed": missed, "too_few": judged.too_few});
    said["read"] = json!({"rows": seen.table.rows.len(), "left_out": seen.table.left_out, "unreadable": seen.table.unreadable});
    said["left_out"] =
        json!({"unreadable": seen.table.left_out.get(shipments::NO_PURCHASE), "impossible": seen.checked.impossible});
    said["impossible"] = json!(seen.checked.impossible);
    said["repaired"] = json!(seen.checked.repaired);
    said["outliers"] = json!(seen.checked.outliers);
    said["seconds"] = json!((seen.seconds * 100.0).round() / 100.0);
    said
}

/// Percent, with one decimal.
fn percent(x: f64) -> String {
    format!("{:.1} %", x * 100.0)
}

/// Where a share is further off than it may be, and where nobody can tell.
fn limits(score: &Score) -> Vec<String> {
    let Judged { missed, too_few } = score.judge();
    let mut lines: Vec<String> = missed
        .iter()
        .map(|m| {
            format!(
                "missed: P{:.0} {} is kept in {}, {:+.1} points off (limit {:.0}; chance explains {:.1})",
                m.p * 100.0,
                m.month.as_deref().map_or("over all".to_owned(), |month| format!("in {month}")),
                percent(m.coverage),
                (m.coverage - m.p) * 100.0,
                m.limit * 100.0,
                m.chance * 100.0
            )
        })
        .collect();
    if lines.is_empty() {
        // Only what can be told is said.
        let (all, few) = (!too_few.iter().any(|t| t == "all"), too_few.iter().filter(|t| *t != "all").count());
        let months = match few {
            0 => Some("in each month"),
            _ if few < score.months.len() => Some("in each month that has enough orders to tell"),
            _ => None,
        };
        let points = |limit: f64| format!("{:.0} points", limit * 100.0);
        let said: Vec<String> = all
            .then(|| format!("{} over all", points(LIMIT)))
            .into_iter()
            .chain(months.map(|months| format!("{} {months}", points(MONTH_LIMIT))))
            .collect();
        if !said.is_empty() {
            lines.push(format!("Within {}.", said.join(" and ")));
        }
    }
    if !too_few.is_empty() {
        lines.push(format!("too few orders to tell from chance: {}", too_few.join(", ")));
    }
    lines
}

/// All that was left out, mended or is odd, a line each.
fn remarks(seen: &Seen) -> Vec<String> {
    let list = |what: &'static str, counts: &std::collections::BTreeMap<&'static str, usize>| -> Vec<String> {
        counts.iter().map(|(why, n)| format!("{what}: {n} {why}")).collect()
    };
    [
        list("left out", &seen.table.left_out),
        list("left out, impossible", &seen.checked.impossible),
        list("kept without it", &seen.table.unreadable),
        list("kept without what can't be", &seen.checked.repaired),
        list("kept, but look at them", &seen.checked.outliers),
    ]
    .concat()
}

fn print(seen: &Seen) {
    let report = seen.report;
    let score = &report.score;
    println!("{} orders bought from {} on, {:.1} s", score.orders, seen.split, seen.seconds);
    if let (Some(store), Some(at)) = (&report.store, &report.at_store_share) {
        println!("\nThe store's own promise: kept in {}, {:.2} days on average.", percent(store.coverage), store.mean_days);
        let line =
            |a: &Asked| format!("kept in {}, {:.2} days (asked for {})", percent(a.coverage), a.mean_days, percent(a.level));
        println!("Ours, kept as often:     {}", line(&at.matched));
        println!("Ours, asked for as much: {}", line(&at.asked));
    }
    println!("\nShare delivered by the promise, and mean promised days:");
    println!(
        "{:<18} {:>8} {:>8}  {:>13} {:>13} {:>13} {:>13} {:>13}",
        "", "pinball", "P50 off", "P10", "P50", "P80", "P90", "P95"
    );
    let all = std::iter::once(("whereabouts", score)).chain(report.baselines.iter().map(|(n, s)| (*n, s)));
    for (name, score) in all {
        let cells: Vec<String> = score.quantiles.iter().map(|(_, c, d)| format!("{:>7} {d:>5.1}", percent(*c))).collect();
        println!("{name:<18} {:>8.3} {:>8.2}  {}", score.pinball, score.mae_p50, cells.join(" "));
    }
    println!("\nBy month of purchase:");
    for (month, cell) in &score.months {
        println!("{}", row(month, cell));
    }
    let mut lanes: Vec<_> = score.lanes.iter().collect();
    lanes.sort_by_key(|(name, c)| (std::cmp::Reverse(c.orders), *name));
    if !lanes.is_empty() {
        println!("\nBy lane{}:", if lanes.len() > LANES_SHOWN { ", the largest" } else { "" });
    }
    for (lane, cell) in lanes.iter().take(LANES_SHOWN) {
        println!("{}", row(lane, cell));
    }
    if lanes.len() > LANES_SHOWN {
        println!("and {} more (--json has them all)", lanes.len() - LANES_SHOWN);
    }
    println!("\n{}", limits(score).join("\n"));
    let remarks = remarks(seen);
    if !remarks.is_empty() {
        println!("\n{}", remarks.join("\n"));
    }
    let s = report.settings;
    println!("\nsettings, from orders before the split: strength {}, doubt {}", s.strength, s.doubt);
}

fn row(name: &str, cell: &Cell) -> String {
    let pairs: Vec<String> =
        cell.coverage.iter().zip(&cell.mean_days).map(|(c, d)| format!("{:>7} {d:>5.1}", percent(*c))).collect();
    format!("{:<18} {:>8.3} {:>8}  {}", name.chars().take(18).collect::<String>(), cell.pinball, cell.orders, pairs.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_to_hold_that_nobody_can_tell() {
        let kept = vec![0.1, 0.5, 0.8, 0.9, 0.95];
        let score = |orders: usize, months: &[usize]| Score {
            orders,
            quantiles: kept.iter().map(|p| (*p, *p, 3.0)).collect(),
            months: (1..)
                .zip(months)
                .map(|(n, orders)| (format!("2018-{n:02}"), Cell { orders: *orders, coverage: kept.clone(), ..Cell::default() }))
                .collect(),
            ..Score::default()
        };
        let said = |orders, months: &[usize]| limits(&score(orders, months)).join("; ");
        assert_eq!(said(5_000, &[2_500, 2_500]), "Within 2 points over all and 5 points in each month.");
        assert_eq!(
            said(5_000, &[4_900, 100]),
            "Within 2 points over all and 5 points in each month that has enough orders to tell.; too few orders to tell from chance: 2018-02"
        );
        assert_eq!(said(1_000, &[1_000]), "Within 5 points in each month.; too few orders to tell from chance: all");
        assert_eq!(said(2_500, &[100; 25][..]).split("; ").next(), Some("Within 2 points over all."));
        assert_eq!(said(3, &[3]), "too few orders to tell from chance: all, 2018-01");
    }
}
