//! Contacts that a store had ("where is my order?"), and those that it was spared.
//!
//! How many were spared nobody can count: what did not happen leaves no trace. Two things can be said. **At most** as many as orders that
//! were looked at and brought no contact within a week: most of those shoppers would not have written anyway. And **probably** the
//! difference to before: contacts per 100 orders in the weeks before anybody saw an order page (from the contact log, where it reaches that
//! far back; else as the store says it was), times the orders since, minus the contacts since. Without a "before" there is no such figure.

use std::collections::BTreeMap;

use anyhow::Result;
use promise::Day;
use rusqlite::Connection;
use serde::Serialize;

use super::{
    figures::Figures,
    outcome::{dimension, week},
    report::{Count, Period},
};
use crate::store::insight::{self, Query};

/// Reasons that a contact may have, and whether it asks where an order is. Anything else is `other`.
pub const REASONS: [(&str, bool); 9] = [
    ("where_is_it", true),
    ("late", true),
    ("not_received", true),
    ("damaged", false),
    ("wrong_item", false),
    ("address_change", false),
    ("cancel", false),
    ("return", false),
    ("other", false),
];
pub const CHANNELS: [&str; 6] = ["email", "chat", "phone", "form", "social", "other"];

/// Fewer weeks, orders or contacts before say too little.
const WEEKS: i64 = 4;
const ORDERS: i64 = 200;
const CONTACTS: i64 = 10;

/// What a store's shoppers asked, in a period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsContacts)]
pub struct Contacts {
    /// Contacts that ask where an order is.
    pub had: i64,
    pub had_per_100_orders: Option<f64>,
    /// All contacts.
    pub all: i64,
    pub orders: i64,
    pub reasons: Vec<Count>,
    pub channels: Vec<Count>,
    pub weeks: Vec<Week>,
    /// Looks at order pages (an order counts once a day), by what the page said.
    pub looks: i64,
    pub states: Vec<Count>,
    /// Orders by way of looking, once a day each.
    pub ways: Vec<Count>,
    /// Orders that were looked at, once a week each.
    pub orders_looked_at: i64,
    /// Contacts about an order that was looked at in the week before.
    pub after_a_look: i64,
    /// No more than this were spared.
    pub avoided_at_most: i64,
    /// What it was before, and where that is known from.
    pub before: Option<Before>,
    /// Probably spared; negative: more than before.
    pub avoided: Option<Avoided>,
}

#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsWeek)]
pub struct Week {
    /// Its Monday.
    pub week: String,
    pub had: i64,
    pub looks: i64,
    pub orders: i64,
    pub reasons: Vec<Count>,
}

#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsBefore)]
pub struct Before {
    pub per_100_orders: f64,
    /// `measured` in the contact log, or `told` by the store.
    pub source: &'static str,
    /// What was measured.
    pub orders: i64,
    pub contacts: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsAvoided)]
pub struct Avoided {
    /// As before, there would have been so many.
    pub expected: f64,
    pub avoided: f64,
    /// Where it lies, at 95 %, by chance alone.
    pub low: f64,
    pub high: f64,
}

pub fn asks_where(reason: &str) -> bool {
    REASONS.iter().any(|r| r.0 == reason && r.1)
}

pub fn read(db: &Connection, store: &str, period: Period) -> Result<Contacts> {
    let of = |dimension| Query { store, dimension, from: period.from.0, to: period.to.0 };
    let orders_by_week = of(dimension::ALL).by_day(db, week)?;
    let by_reason = of(dimension::CONTACT).by_key(db)?;
    let by_week = of(dimension::CONTACT).by_key_and_day(db, week)?;
    let looks = of(dimension::LOOK).by_key(db)?;
    let looks_by_week = of(dimension::LOOK).by_day(db, week)?;

    let orders = orders_by_week.values().map(|f| f.get("orders")).sum();
    let had = by_reason.iter().filter(|r| asks_where(r.0)).map(|r| r.1.get("contacts")).sum();
    let mut all = Figures::default();
    by_reason.values().chain(looks.values()).for_each(|f| all.add_all(f, 1));
    let asked_after: i64 = by_reason.iter().filter(|r| asks_where(r.0)).map(|r| r.1.get("after_a_look")).sum();

    let mut weeks: BTreeMap<i32, Week> = BTreeMap::new();
    for day in (week(period.from.0)..=period.to.0).step_by(7) {
        let figure = |of: &BTreeMap<i32, Figures>, name: &str| of.get(&day).map_or(0, |f| f.get(name));
        weeks.insert(
            day,
            Week {
                week: Day(day).to_string(),
                had: 0,
                looks: figure(&looks_by_week, "looks"),
                orders: figure(&orders_by_week, "orders"),
                reasons: Vec::new(),
            },
        );
    }
    for ((reason, day), f) in &by_week {
        let Some(row) = weeks.get_mut(day) else { continue };
        row.reasons.push(Count { key: reason.clone(), count: f.get("contacts") });
        row.had += if asks_where(reason) { f.get("contacts") } else { 0 };
    }
    let before = before(db, store)?;
    let avoided = before.as_ref().map(|b| avoided(b, orders, had));
    let orders_looked_at = all.get("orders_looked_at");
    Ok(Contacts {
        had,
        had_per_100_orders: per_100(had, orders),
        all: all.get("contacts"),
        orders,
        reasons: counts(&by_reason, "contacts"),
        channels: sorted(all.group("channel").map(|(k, n)| Count { key: k.into(), count: n }).collect()),
        weeks: weeks.into_values().collect(),
        looks: all.get("looks"),
        states: counts(&looks, "looks"),
        ways: sorted(all.group("how").map(|(k, n)| Count { key: k.into(), count: n }).collect()),
        orders_looked_at,
        after_a_look: asked_after,
        avoided_at_most: (orders_looked_at - asked_after).max(0),
        before,
        avoided,
    })
}

fn counts(by: &BTreeMap<String, Figures>, name: &str) -> Vec<Count> {
    sorted(by.iter().map(|(key, f)| Count { key: key.clone(), count: f.get(name) }).filter(|c| c.count > 0).collect())
}

fn sorted(mut counts: Vec<Count>) -> Vec<Count> {
    counts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
    counts
}

fn per_100(n: i64, orders: i64) -> Option<f64> {
    (orders > 0).then(|| round(n as f64 * 100.0 / orders as f64))
}

fn round(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}

/// What it was before anybody saw an order page. What was measured counts for more than what was told.
fn before(db: &Connection, store: &str) -> Result<Option<Before>> {
    let first = |dimension: &str| -> Result<Option<i32>> {
        let sql = "select min(day) from insight where store = ?1 and dimension = ?2";
        Ok(db.prepare_cached(sql)?.query_row([store, dimension], |r| r.get(0))?)
    };
    if let (Some(look), Some(contact)) = (first(dimension::LOOK)?, first(dimension::CONTACT)?) {
        // Whole weeks, from the first contact to the last week without a look.
        let (from, to) = (week(contact), week(look) - 1);
        let of = |dimension| Query { store, dimension, from, to };
        let orders: i64 = of(dimension::ALL).by_day(db, week)?.values().map(|f| f.get("orders")).sum();
        let by_reason = of(dimension::CONTACT).by_key(db)?;
        let contacts: i64 = by_reason.iter().filter(|r| asks_where(r.0)).map(|r| r.1.get("contacts")).sum();
        if i64::from(to - from) / 7 + 1 >= WEEKS && orders >= ORDERS && contacts >= CONTACTS {
            let per_100_orders = contacts as f64 * 100.0 / orders as f64;
            return Ok(Some(Before { per_100_orders: round(per_100_orders), source: "measured", orders, contacts }));
        }
    }
    let told = insight::baseline(db, store)?;
    Ok(told.map(|per_100_orders| Before { per_100_orders, source: "told", orders: 0, contacts: 0 }))
}

fn avoided(before: &Before, orders: i64, had: i64) -> Avoided {
    let expected = before.per_100_orders * orders as f64 / 100.0;
    let avoided = expected - had as f64;
    // Counts scatter by about their root; what was measured before scatters too.
    let of_before = if before.contacts > 0 { expected * expected / before.contacts as f64 } else { 0.0 };
    let spread = 1.96 * (expected + had as f64 + of_before).sqrt();
    let whole = f64::round;
    Avoided { expected: whole(expected), avoided: whole(avoided), low: whole(avoided - spread), high: whole(avoided + spread) }
}
