//! Whether a parcel still turns up, asked of the promise's own lanes with the store's own record.

use anyhow::Result;
use promise::{
    Day, Document, Instant, Progress, TurnUp,
    estimate::{Destination, Line, Window},
    turn_up::{Losses, Searches, turn_up, turn_up_delivered},
};
use rusqlite::{Connection, OptionalExtension, params};
use tracking::facts::Order;
use wire::{OrderDocument, order::Shipment};

use crate::{care::report::Kind, store::learned};

/// What was bought, and for how much in minor units.
pub fn order(db: &Connection, store: &str, id: &str) -> Result<Option<(Order, Option<i64>)>> {
    let sql = "select facts from orders where store = ?1 and id = ?2";
    let facts: Option<String> = db.prepare_cached(sql)?.query_row(params![store, id], |r| r.get(0)).optional()?;
    let Some(facts) = facts else { return Ok(None) };
    let order: Order = serde_json::from_str(&facts)?;
    let lines: Option<i64> = order.lines.iter().map(|l| Some(l.price? * i64::from(l.quantity))).sum();
    let value = order.total.or(lines);
    Ok(Some((order, value)))
}

/// The chance of the parcel that a report is about; nothing, where that is not the question.
#[allow(clippy::too_many_arguments, reason = "what is known of the order, of the question, and of the moment")]
pub fn of(
    db: &Connection,
    store: &str,
    order: &Order,
    document: &OrderDocument,
    parcel: Option<&Shipment>,
    kind: Kind,
    give_up_below: u8,
    now: Instant,
) -> Result<Option<TurnUp>> {
    if !kind.waits() {
        return Ok(None);
    }
    let Some(s) = parcel else { return Ok(None) };
    let policy: Document = learned::in_force(db, store, now)?.unwrap_or_default().document(now);
    let time = |t: &Option<String>| t.as_deref().and_then(Instant::parse);
    let promised = document.promise.as_ref().and_then(|p| Some(Window { from: Day::parse(&p.from)?, to: Day::parse(&p.to)? }));
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    let progress = Progress {
        items: s.items.iter().map(|i| Line { sku: i.sku.clone(), quantity: i.quantity }).collect(),
        destination: Destination {
            country: text(&order.destination.country),
            region: text(&order.destination.region),
            postal_code: text(&order.destination.postal_code),
            ..Destination::default()
        },
        method: document.promise.as_ref().map(|p| p.method.clone()).unwrap_or_default(),
        carrier: s.carrier.clone(),
        placed_at: Instant::parse(&document.placed_at).unwrap_or(now),
        shipped_at: time(&s.shipped_at),
        last_scan_at: time(&s.last_scan_at),
        status: s.status.clone(),
        promised,
        ..Progress::default()
    };
    let enough = u16::from(give_up_below) * 10;
    if kind == Kind::NotArrived {
        let Some(delivered) = time(&s.delivered_at) else { return Ok(None) };
        return Ok(Some(turn_up_delivered(&policy, &progress, delivered, &searches(db, store)?, enough, now)));
    }
    // The carrier itself has given it up: nothing to wait for.
    if s.sub_status.as_deref() == Some("lost") {
        return Ok(Some(TurnUp { chance: 0, until: Day(now.0.div_euclid(86_400) as i32) }));
    }
    Ok(Some(turn_up(&policy, &progress, losses(db, store)?, enough, now)))
}

/// Of all parcels, those that never came: late ones whose report ended with a new one, the money, or a claim.
fn losses(db: &Connection, store: &str) -> Result<Losses> {
    let lost =
        "select count(*) from reports where store = ?1 and kind = 'late' and state in ('agreed', 'in_resolution', 'settled')
                and body ->> '$.agreement.option' in ('resend', 'refund', 'claim')";
    let all = "select count(*) from parcels where store = ?1";
    Ok(Losses {
        lost: db.prepare_cached(lost)?.query_row([store], |r| r.get(0))?,
        parcels: db.prepare_cached(all)?.query_row([store], |r| r.get(0))?,
    })
}

/// How those turned up that had been delivered and were not there.
fn searches(db: &Connection, store: &str) -> Result<Searches> {
    let mut found = Searches::default();
    let mut rows = db.prepare_cached(
        "select body ->> '$.waited', state from reports where store = ?1 and kind = 'not_arrived_though_delivered'
            and (state = 'withdrawn' and body ->> '$.waited' is not null or state in ('in_resolution', 'settled'))",
    )?;
    for row in rows.query_map([store], |r| Ok((r.get::<_, Option<i64>>(0)?, r.get::<_, String>(1)?)))? {
        let (waited, state) = row?;
        match waited.filter(|_| state == "withdrawn").and_then(|n| found.found.get_mut(usize::try_from(n).ok()?)) {
            Some(count) => *count += 1,
            None if state != "withdrawn" => found.never += 1,
            None => {}
        }
    }
    Ok(found)
}
