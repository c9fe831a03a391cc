//! Figures: kept up in the transaction of what changes them, read by dimension and period.

use std::collections::BTreeMap;

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, OptionalExtension, params};

use super::policies;
use crate::insight::{
    days,
    figures::Figures,
    outcome::{Cell, Cells, Outcome, dimension},
};

/// Figures of orders that are kept; or of what was counted once.
#[derive(Clone, Copy)]
pub enum Part {
    Counted = 0,
    Live = 1,
}

/// Adds figures, so many times: `-1` takes them away.
pub fn add(db: &Connection, store: &str, part: Part, cells: &Cells, times: i64) -> Result<()> {
    let mut find = db.prepare_cached(
        "select figures from insight where store = ?1 and dimension = ?2 and day = ?3 and key = ?4 and live = ?5",
    )?;
    let mut put = db.prepare_cached(
        "insert or replace into insight (store, dimension, day, key, live, figures) values (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (cell, figures) in cells {
        let at = params![store, cell.dimension, cell.day, cell.key, part as i64];
        let mut sum = Figures::default();
        if let Some(old) = find.query_row(at, |r| r.get::<_, String>(0)).optional()? {
            sum.add_stored(&old)?;
        }
        sum.add_all(figures, times);
        if sum.is_empty() {
            db.prepare_cached("delete from insight where store = ?1 and dimension = ?2 and day = ?3 and key = ?4 and live = ?5")?
                .execute(at)?;
        } else {
            put.execute(params![store, cell.dimension, cell.day, cell.key, part as i64, serde_json::to_string(&sum)?])?;
        }
    }
    Ok(())
}

/// What changes from one to the other.
fn difference(from: &Cells, to: &Cells) -> Cells {
    let mut change = to.clone();
    for (cell, figures) in from {
        change.entry(cell.clone()).or_default().add_all(figures, -1);
    }
    change.retain(|_, f| !f.is_empty());
    change
}

pub fn outcome(db: &Connection, store: &str, order: &str) -> Result<Option<Outcome>> {
    let sql = "select outcome from insight_orders where store = ?1 and order_id = ?2";
    let text: Option<String> = db.prepare_cached(sql)?.query_row([store, order], |r| r.get(0)).optional()?;
    Ok(text.map(|t| serde_json::from_str(&t)).transpose()?)
}

/// What is counted of an order: grows with each new dimension, so that orders that an older version counted are counted anew.
///
/// 1: coverage. 2: promises that are still open; and days of the store's zone.
pub const COUNTS: i64 = 2;

/// Takes the outcomes of orders of which something is still under way, one by one.
pub fn under_way(db: &Connection, store: &str, mut take: impl FnMut(Outcome)) -> Result<()> {
    let sql = "select outcome from insight_orders where store = ?1 and waited_for = 1 order by order_id";
    let mut rows = db.prepare_cached(sql)?;
    let mut rows = rows.query([store])?;
    while let Some(row) = rows.next()? {
        take(serde_json::from_str(row.get_ref(0)?.as_str()?)?);
    }
    Ok(())
}

/// What an order counted, by the version of the counting that counted it.
fn counted(db: &Connection, store: &str, order: &str) -> Result<Cells> {
    let Some(outcome) = outcome(db, store, order)? else { return Ok(Cells::new()) };
    let sql = "select counts from insight_orders where store = ?1 and order_id = ?2";
    let counts: i64 = db.prepare_cached(sql)?.query_row([store, order], |r| r.get(0))?;
    let mut cells = outcome.cells();
    cells.retain(|cell, _| match cell.dimension {
        dimension::COVERAGE => counts >= 1,
        dimension::WAITING => counts >= 2,
        _ => true,
    });
    Ok(cells)
}

/// Counts an order as what has become of it by now, in place of what it counted as before.
pub fn count(db: &Connection, store: &str, order: &str, outcome: &Outcome) -> Result<()> {
    let sql = "select counts from insight_orders where store = ?1 and order_id = ?2";
    let counts: Option<i64> = db.prepare_cached(sql)?.query_row([store, order], |r| r.get(0)).optional()?;
    if counts == Some(COUNTS) && self::outcome(db, store, order)?.as_ref() == Some(outcome) {
        return Ok(());
    }
    add(db, store, Part::Live, &difference(&counted(db, store, order)?, &outcome.cells()), 1)?;
    // What nobody waits for any more teaches no more.
    let waited_for = !outcome.cancelled && outcome.complete.is_none();
    db.prepare_cached(
        "insert or replace into insight_orders (store, order_id, outcome, counts, waited_for) values (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![store, order, serde_json::to_string(outcome)?, COUNTS, waited_for])?;
    Ok(())
}

/// An order is forgotten: that it was counted stays, without it.
pub fn forget(db: &Connection, store: &str, order: &str) -> Result<()> {
    let cells = counted(db, store, order)?;
    add(db, store, Part::Live, &cells, -1)?;
    add(db, store, Part::Counted, &cells, 1)?;
    db.execute("delete from insight_orders where store = ?1 and order_id = ?2", [store, order])?;
    db.execute("delete from looks where store = ?1 and order_id = ?2", [store, order])?;
    db.execute("update contact_log set order_id = null where store = ?1 and order_id = ?2", [store, order])?;
    Ok(())
}

/// Forgets what can be made anew from orders: before all of them are counted again.
pub fn reset(db: &Connection) -> Result<()> {
    Ok(db.execute_batch("delete from insight where live = 1; delete from insight_orders;")?)
}

/// Sums over a period, by key and then by day (or once for the period).
pub struct Query<'a> {
    pub store: &'a str,
    pub dimension: &'static str,
    /// First and last day.
    pub from: i32,
    pub to: i32,
}

impl Query<'_> {
    fn each(&self, db: &Connection, mut take: impl FnMut(&str, i32, &str) -> Result<()>) -> Result<()> {
        let mut rows = db.prepare_cached(
            "select key, day, figures from insight where store = ?1 and dimension = ?2 and day between ?3 and ?4 order by day, key",
        )?;
        let mut rows = rows.query(params![self.store, self.dimension, self.from, self.to])?;
        while let Some(row) = rows.next()? {
            take(row.get_ref(0)?.as_str()?, row.get(1)?, row.get_ref(2)?.as_str()?)?;
        }
        Ok(())
    }

    /// By key.
    pub fn by_key(&self, db: &Connection) -> Result<BTreeMap<String, Figures>> {
        let mut sums: BTreeMap<String, Figures> = BTreeMap::new();
        self.each(db, |key, _, figures| {
            if !sums.contains_key(key) {
                sums.insert(key.to_owned(), Figures::default());
            }
            if let Some(sum) = sums.get_mut(key) {
                sum.add_stored(figures)?;
            }
            Ok(())
        })?;
        Ok(sums)
    }

    /// By a period of days (the day itself, its week, its month).
    pub fn by_day(&self, db: &Connection, period: impl Fn(i32) -> i32) -> Result<BTreeMap<i32, Figures>> {
        let mut sums: BTreeMap<i32, Figures> = BTreeMap::new();
        self.each(db, |_, day, figures| Ok(sums.entry(period(day)).or_default().add_stored(figures)?))?;
        Ok(sums)
    }

    /// By key and period.
    pub fn by_key_and_day(&self, db: &Connection, period: impl Fn(i32) -> i32) -> Result<BTreeMap<(String, i32), Figures>> {
        let mut sums: BTreeMap<(String, i32), Figures> = BTreeMap::new();
        self.each(db, |key, day, figures| Ok(sums.entry((key.to_owned(), period(day))).or_default().add_stored(figures)?))?;
        Ok(sums)
    }
}

/// A look at an order's page.
#[derive(Clone, Debug)]
pub struct Look {
    pub order: String,
    pub day: i32,
    /// Bits, as in the table.
    pub how: u8,
    /// What the page said: `late`, `on_time` …
    pub state: &'static str,
}

pub const HOW: [&str; 4] = ["document", "page", "live", "look_up"];

/// Keeps looks: an order counts once a day, and each way once a day.
pub fn look(db: &Connection, store: &str, look: &Look) -> Result<()> {
    use crate::insight::outcome::{dimension, week};
    let find = "select how from looks where store = ?1 and order_id = ?2 and day = ?3";
    let known: Option<u8> = db.prepare_cached(find)?.query_row(params![store, look.order, look.day], |r| r.get(0)).optional()?;
    let new = look.how & !known.unwrap_or(0);
    if new == 0 {
        return Ok(());
    }
    let mut figures = Figures::default();
    for (bit, name) in HOW.iter().enumerate().filter(|(bit, _)| new & (1 << bit) != 0) {
        let _ = bit;
        figures.add(&format!("how.{name}"), 1);
    }
    let monday = week(look.day);
    if known.is_none() {
        figures.add("looks", 1);
        let earlier: bool = db
            .prepare_cached("select exists (select 1 from looks where store = ?1 and order_id = ?2 and day between ?3 and ?4)")?
            .query_row(params![store, look.order, monday, monday + 6], |r| r.get(0))?;
        if !earlier {
            figures.add("orders_looked_at", 1);
        }
    }
    let cell = Cell { dimension: dimension::LOOK, key: look.state.to_owned(), day: look.day };
    add(db, store, Part::Counted, &Cells::from([(cell, figures)]), 1)?;
    db.prepare_cached(
        "insert into looks (store, order_id, day, how) values (?1, ?2, ?3, ?4) on conflict do update set how = how | excluded.how",
    )?
    .execute(params![store, look.order, look.day, look.how])?;
    Ok(())
}

/// A contact, as a support tool tells it.
#[derive(Clone, Debug)]
pub struct Contact {
    pub id: String,
    pub at: i64,
    pub order: Option<String>,
    pub reason: String,
    pub channel: String,
}

/// Days in which a look at the page should have spared the contact.
pub const SPARED: i32 = 7;

/// Keeps a contact; one with a known id takes its place. Returns whether it was new.
pub fn contact(db: &Connection, store: &str, contact: &Contact) -> Result<bool> {
    use crate::insight::outcome::{dimension, month};
    type Counted = Vec<(String, String, i32, Figures)>;
    let known: Option<String> = db
        .prepare_cached("select counted from contact_log where store = ?1 and id = ?2")?
        .query_row([store, &contact.id], |r| r.get(0))
        .optional()?;
    if let Some(old) = &known {
        let old: Counted = serde_json::from_str(old)?;
        add(db, store, Part::Counted, &cells(old), -1)?;
    }
    let day = days::day(Instant(contact.at), policies::zone(db, store, Instant(contact.at))?);
    let mut figures = Figures::default();
    figures.add("contacts", 1);
    figures.add(&format!("channel.{}", contact.channel), 1);
    let mut counted: Counted = Vec::new();
    if let Some(order) = &contact.order {
        let looked: bool = db
            .prepare_cached("select exists (select 1 from looks where store = ?1 and order_id = ?2 and day between ?3 and ?4)")?
            .query_row(params![store, order, day - SPARED, day], |r| r.get(0))?;
        figures.add(if looked { "after_a_look" } else { "without_a_look" }, 1);
        // Gone when it should have been there: not where the carrier says it is still under way.
        let of = outcome(db, store, order)?.filter(|o| o.parcels.iter().any(|p| p.delivered.is_some()));
        if let (Some(of), "not_received") = (of, contact.reason.as_str()) {
            let mut missing = Figures::default();
            missing.add("missing", 1);
            counted.push((dimension::AREA.into(), of.area, month(day), missing));
        }
    }
    counted.push((dimension::CONTACT.into(), contact.reason.clone(), day, figures));
    let text = serde_json::to_string(&counted)?;
    add(db, store, Part::Counted, &cells(counted), 1)?;
    db.prepare_cached(
        "insert or replace into contact_log (store, id, at, order_id, reason, channel, counted) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![store, contact.id, contact.at, contact.order, contact.reason, contact.channel, text])?;
    Ok(known.is_none())
}

/// Contacts of a store that count on another day than that of its zone are counted where they belong: after the first so many, by id, after
/// this one. Returns the last one looked at.
pub fn contacts_by_zone(db: &Connection, after: &(String, String), most: i64) -> Result<Option<(String, String)>> {
    let sql = "select store, id, at, order_id, reason, channel from contact_log where (store, id) > (?1, ?2) order by store, id limit ?3";
    let mut rows = db.prepare_cached(sql)?;
    let rows = rows.query_map(params![after.0, after.1, most], |r| {
        let of = Contact { id: r.get(1)?, at: r.get(2)?, order: r.get(3)?, reason: r.get(4)?, channel: r.get(5)? };
        Ok((r.get::<_, String>(0)?, of))
    })?;
    let some: Vec<(String, Contact)> = rows.collect::<Result<_, _>>()?;
    for (store, of) in &some {
        contact(db, store, of)?;
    }
    Ok(some.into_iter().next_back().map(|(store, of)| (store, of.id)))
}

fn cells(counted: Vec<(String, String, i32, Figures)>) -> Cells {
    use crate::insight::outcome::dimension;
    let known = |d: &str| if d == dimension::AREA { dimension::AREA } else { dimension::CONTACT };
    counted.into_iter().map(|(d, key, day, f)| (Cell { dimension: known(&d), key, day }, f)).collect()
}

/// What a store said its contacts were before it had this, per 100 orders.
pub fn baseline(db: &Connection, store: &str) -> Result<Option<f64>> {
    let sql = "select contacts_per_100_orders from insight_settings where store = ?1";
    Ok(db.prepare_cached(sql)?.query_row([store], |r| r.get::<_, Option<f64>>(0)).optional()?.flatten())
}

pub fn set_baseline(db: &Connection, store: &str, rate: Option<f64>) -> Result<()> {
    db.execute(
        "insert into insight_settings (store, contacts_per_100_orders) values (?1, ?2)
         on conflict do update set contacts_per_100_orders = excluded.contacts_per_100_orders",
        params![store, rate],
    )?;
    Ok(())
}
