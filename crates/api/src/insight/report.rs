//! What the pages, the JSON and the tables say: figures read, with names and shares.

use std::collections::BTreeMap;

use anyhow::Result;
use promise::Day;
use rusqlite::Connection;
use serde::Serialize;

use super::{
    csv::Keyed,
    figures::{Figures, percent},
    outcome::{dimension, month, week},
};
use crate::store::insight::Query;

/// First and last day of what is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub from: Day,
    pub to: Day,
}

impl Period {
    /// So many days up to this one.
    pub fn back(today: Day, days: i32) -> Period {
        Period { from: Day(today.0 - days + 1), to: today }
    }

    pub fn days(self) -> i32 {
        self.to.0 - self.from.0 + 1
    }

    fn query<'a>(&self, store: &'a str, dimension: &'static str) -> Query<'a> {
        // Lanes are kept by week, areas by month: of those, whole ones that the period touches.
        let from = match dimension {
            dimension::LANE => week(self.from.0),
            dimension::AREA => month(self.from.0),
            _ => self.from.0,
        };
        Query { store, dimension, from, to: self.to.0 }
    }
}

/// One line of a table: all that is counted of a carrier, a place, a day …
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsRow)]
pub struct Row {
    /// A code of a carrier, an id of an origin, a place (`US-TX`), a day.
    pub key: String,
    pub orders: i64,
    pub cancelled: i64,
    /// Promises that were decided: kept, or late.
    pub due: i64,
    pub kept: i64,
    pub kept_percent: Option<f64>,
    pub late: i64,
    /// Kept, before the first day promised; kept within the days promised.
    pub early: i64,
    pub inside: i64,
    pub shipped: i64,
    pub delivered: i64,
    /// The same by parcel.
    pub parcels_due: i64,
    pub parcels_late: i64,
    pub late_percent: Option<f64>,
    /// Calendar days from the order to the carrier's first scan, and from there to the door.
    pub handling_median: Option<i64>,
    pub handling_p90: Option<i64>,
    pub transit_median: Option<i64>,
    pub transit_p90: Option<i64>,
    /// Parcels that anything went wrong with.
    pub troubled: i64,
    pub lost: i64,
    pub damaged: i64,
    pub returned: i64,
    pub attempts_failed: i64,
}

impl Row {
    pub fn of(key: &str, f: &Figures) -> Row {
        Row {
            key: key.to_owned(),
            orders: f.get("orders"),
            cancelled: f.get("cancelled"),
            due: f.get("due"),
            kept: f.get("kept"),
            kept_percent: f.percent("kept", "due"),
            late: f.get("late"),
            early: f.get("early"),
            inside: f.get("inside"),
            shipped: f.get("shipped"),
            delivered: f.get("delivered"),
            parcels_due: f.get("parcels_due"),
            parcels_late: f.get("parcels_late"),
            late_percent: f.percent("parcels_late", "parcels_due"),
            handling_median: f.quantile("handling", 50),
            handling_p90: f.quantile("handling", 90),
            transit_median: f.quantile("transit", 50),
            transit_p90: f.quantile("transit", 90),
            troubled: f.get("troubled"),
            lost: f.get("wrong.lost"),
            damaged: f.get("wrong.damaged"),
            returned: f.get("wrong.returned"),
            attempts_failed: f.get("wrong.attempt_failed"),
        }
    }
}

/// How often windows of one confidence held.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsConfidence)]
pub struct Confidence {
    /// Shown, in per cent.
    pub confidence: i64,
    pub due: i64,
    /// Arrived by the last day promised, and within the days promised; early ones are in the first alone.
    pub kept_percent: Option<f64>,
    pub inside_percent: Option<f64>,
    /// Where the true share of kept ones lies, at 95 %.
    pub low: f64,
    pub high: f64,
    /// `as_shown`, `too_bold`, `too_careful`, or `too_few` to tell.
    pub verdict: &'static str,
}

/// A kind, and how often.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsCount)]
pub struct Count {
    pub key: String,
    pub count: i64,
}

/// Parcels that were gone when they should have been there, by area. Areas with few parcels are told together.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsArea)]
pub struct Area {
    pub key: String,
    pub delivered: i64,
    pub missing: i64,
    pub per_thousand: Option<f64>,
}

/// Fewer deliveries than this in an area, and what happened there is told of all such areas together: nobody is to be found by it.
pub const FEWEST: i64 = 20;
/// Fewer decided promises than this say nothing of a confidence.
const TOO_FEW: i64 = 50;
const ELSEWHERE: &str = "elsewhere";

impl Keyed for Row {
    fn key(&mut self) -> &mut String {
        &mut self.key
    }
}

impl Keyed for Area {
    fn key(&mut self) -> &mut String {
        &mut self.key
    }
}

/// The tables that there are, by the names of their routes.
pub const TABLES: [&str; 8] = ["days", "weeks", "carriers", "origins", "methods", "places", "lanes", "areas"];

/// A table, of either shape.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Table {
    Rows(Vec<Row>),
    Areas(Vec<Area>),
}

impl Table {
    pub fn csv(&self) -> Result<Vec<u8>> {
        match self {
            Table::Rows(rows) => super::csv::write(rows),
            Table::Areas(rows) => super::csv::write(rows),
        }
    }
}

/// The table with a name of [`TABLES`].
pub fn table(db: &Connection, store: &str, period: Period, name: &str) -> Result<Option<Table>> {
    let by_key = |dimension| by_key(db, store, period, dimension).map(Table::Rows);
    let found = match name {
        "days" | "weeks" => Table::Rows(by_time(db, store, period, name == "weeks")?),
        "carriers" => by_key(dimension::CARRIER)?,
        "origins" => by_key(dimension::ORIGIN)?,
        "methods" => by_key(dimension::METHOD)?,
        "places" => by_key(dimension::PLACE)?,
        "lanes" => by_key(dimension::LANE)?,
        "areas" => Table::Areas(areas(db, store, period)?),
        _ => return Ok(None),
    };
    Ok(Some(found))
}

pub fn total(db: &Connection, store: &str, period: Period) -> Result<Figures> {
    Ok(period.query(store, dimension::ALL).by_key(db)?.remove("").unwrap_or_default())
}

/// By key, most parcels or orders first.
pub fn by_key(db: &Connection, store: &str, period: Period, dimension: &'static str) -> Result<Vec<Row>> {
    let sums = period.query(store, dimension).by_key(db)?;
    let mut rows: Vec<Row> = sums.iter().map(|(key, f)| Row::of(key, f)).collect();
    rows.sort_by_key(|r| std::cmp::Reverse((r.orders + r.shipped, r.due + r.parcels_due, r.key.clone())));
    Ok(rows)
}

/// By day or by week, also those on which nothing was.
pub fn by_time(db: &Connection, store: &str, period: Period, weeks: bool) -> Result<Vec<Row>> {
    let step = |day: i32| if weeks { week(day) } else { day };
    let sums = period.query(store, dimension::ALL).by_day(db, step)?;
    let none = Figures::default();
    let mut days: Vec<i32> = (period.from.0..=period.to.0).map(step).collect();
    days.dedup();
    Ok(days.into_iter().map(|d| Row::of(&Day(d).to_string(), sums.get(&d).unwrap_or(&none))).collect())
}

/// A carrier's or an origin's own course, by week.
pub fn of_key(db: &Connection, store: &str, period: Period, dimension: &'static str, key: &str) -> Result<(Row, Vec<Row>)> {
    let mut sums: BTreeMap<i32, Figures> = BTreeMap::new();
    let mut total = Figures::default();
    let all = period.query(store, dimension).by_key_and_day(db, week)?;
    for ((k, day), f) in all.into_iter().filter(|((k, _), _)| k == key) {
        debug_assert_eq!(k, key);
        total.add_all(&f, 1);
        sums.insert(day, f);
    }
    let weeks = sums.iter().map(|(day, f)| Row::of(&Day(*day).to_string(), f)).collect();
    Ok((Row::of(key, &total), weeks))
}

pub fn margins(total: &Figures) -> Vec<(i64, i64)> {
    total.histogram("margin")
}

/// What went wrong with parcels, most frequent first.
pub fn wrong(total: &Figures) -> Vec<Count> {
    let mut kinds: Vec<Count> = total.group("wrong").map(|(key, count)| Count { key: key.to_owned(), count }).collect();
    kinds.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
    kinds
}

pub fn confidences(db: &Connection, store: &str, period: Period) -> Result<Vec<Confidence>> {
    let sums = period.query(store, dimension::CONFIDENCE).by_key(db)?;
    let mut all: Vec<Confidence> = sums
        .iter()
        .map(|(key, f)| {
            let shown: i64 = key.parse().unwrap_or_default();
            let (low, high) = interval(f.get("kept"), f.get("due"));
            let verdict = match () {
                () if f.get("due") < TOO_FEW => "too_few",
                () if high < shown as f64 => "too_bold",
                // Windows are whole days: they hold a little more than they say. Much more is a promise that could be sharper.
                () if low > (shown as f64 + 100.0) / 2.0 + 2.0 => "too_careful",
                () => "as_shown",
            };
            Confidence {
                confidence: shown,
                due: f.get("due"),
                kept_percent: f.percent("kept", "due"),
                inside_percent: f.percent("inside", "due"),
                low,
                high,
                verdict,
            }
        })
        .collect();
    all.sort_by_key(|c| c.confidence);
    Ok(all)
}

/// Wilson's interval of a share at 95 %, in per cent.
pub fn interval(part: i64, whole: i64) -> (f64, f64) {
    if whole <= 0 {
        return (0.0, 100.0);
    }
    let (n, p, z) = (whole as f64, part as f64 / whole as f64, 1.96_f64);
    let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let round = |x: f64| (x * 1000.0).round() / 10.0;
    (round((centre - half).max(0.0)), round((centre + half).min(1.0)))
}

/// Areas by what was missing there, most first, few deliveries told together.
pub fn areas(db: &Connection, store: &str, period: Period) -> Result<Vec<Area>> {
    let sums = period.query(store, dimension::AREA).by_key(db)?;
    let (many, few): (Vec<_>, Vec<_>) = sums.iter().partition(|(key, f)| f.get("delivered") >= FEWEST && !key.is_empty());
    let area = |key: &str, delivered, missing| Area {
        key: key.to_owned(),
        delivered,
        missing,
        per_thousand: percent(missing * 10, delivered),
    };
    let mut rows: Vec<Area> = many.iter().map(|(key, f)| area(key, f.get("delivered"), f.get("missing"))).collect();
    rows.sort_by(|a, b| b.missing.cmp(&a.missing).then_with(|| b.delivered.cmp(&a.delivered)).then_with(|| a.key.cmp(&b.key)));
    let sum = |name: &str| few.iter().map(|(_, f)| f.get(name)).sum();
    if !few.is_empty() {
        rows.push(area(ELSEWHERE, sum("delivered"), sum("missing")));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilsons_interval_is_as_published() {
        // Newcombe 1998, table I: 81 of 263 and 0 of 20.
        assert_eq!(interval(81, 263), (25.5, 36.6));
        assert_eq!(interval(0, 20), (0.0, 16.1));
        assert_eq!(interval(0, 0), (0.0, 100.0));
    }
}
