//! From an order, as it is known, to what it counts as.

use anyhow::Result;
use promise::{Day, policy::Policy};
use rusqlite::{Connection, params};
use tracking::{facts::Order, status};
use wire::{OrderDocument, order::Shipment};

use super::outcome::{Outcome, Parcel, Promise};
use crate::store::{insight, orders::plain};

/// Longer words are no names of carriers, services, methods or places.
const LONGEST_WORD: usize = 60;

/// Counts an order by its document, in the transaction that made it.
pub fn follow(db: &Connection, store: &str, order: &Order, document: &OrderDocument, policy: &Policy) -> Result<()> {
    let (origin, service) = counted_on(db, store, &order.id)?;
    let from = locations(db, store, &order.id)?;
    let carrier_of = |service: &str| policy.services.iter().find(|s| s.id == service).map(|s| s.carrier.as_str());
    let parcel = |s: &Shipment| {
        // Where it left: as the platform says, by the policy's name for it; else where it was expected to leave.
        let told = from.iter().find(|l| l.1 == s.tracking_number).map(|l| l.0.as_str());
        let known = told.map(|told| {
            let same = |name: &str| name.eq_ignore_ascii_case(told);
            policy.origins.iter().find(|o| same(&o.id) || same(&o.name)).map_or(told, |o| o.id.as_str())
        });
        // A service likewise: carriers write it in many ways.
        let said = s.service.as_deref().filter(|t| !t.is_empty());
        let same = |name: &str| said.is_some_and(|t| name.eq_ignore_ascii_case(t));
        let by_policy = policy.services.iter().find(|p| p.carrier == s.carrier && (same(&p.id) || same(&p.name)));
        let expected = Some(service.as_str()).filter(|e| carrier_of(e) == Some(s.carrier.as_str()));
        Parcel {
            carrier: word(&s.carrier),
            service: word(by_policy.map(|p| p.id.as_str()).or(expected).or(said).unwrap_or_default()),
            origin: word(known.unwrap_or(&origin)),
            shipped: day(s.shipped_at.as_deref()),
            delivered: day(s.delivered_at.as_deref()).filter(|_| s.status == "delivered"),
            wrong: wrong(s),
        }
    };
    let parcels: Vec<Parcel> = document.shipments.iter().map(parcel).collect();
    let promise = document
        .promise
        .as_ref()
        .and_then(|p| Some(Promise { from: Day::parse(&p.from)?.0, to: Day::parse(&p.to)?.0, confidence: p.confidence }));
    let complete = (document.status == "delivered").then(|| parcels.iter().filter_map(|p| p.delivered).max()).flatten();
    let place = &order.destination;
    let country = word(place.country.as_deref().unwrap_or_default());
    let postal = plain(place.postal_code.as_deref().unwrap_or_default());
    let outcome = Outcome {
        placed: day(Some(&order.placed_at)).unwrap_or_default(),
        cancelled: order.cancelled_at.is_some(),
        place: joined(&country, &word(place.region.as_deref().unwrap_or_default())),
        area: joined(&country, postal.get(..3).unwrap_or(&postal)),
        method: word(
            document.promise.as_ref().map(|p| p.method.as_str()).or(order.shipping_method.as_deref()).unwrap_or_default(),
        ),
        promise,
        complete,
        overdue: complete.is_none() && document.estimate.as_ref().is_some_and(|e| e.outlook == "late"),
        parcels,
    };
    insight::count(db, store, &order.id, &outcome)
}

/// The origin and the service that the promise counted on.
fn counted_on(db: &Connection, store: &str, order: &str) -> Result<(String, String)> {
    let sql = "select coalesce(offer ->> 'origin', ''), coalesce(offer ->> 'service', '') from promises
               where store = ?1 and order_id = ?2 order by seq desc limit 1";
    let found = db.prepare_cached(sql)?.query_row([store, order], |r| Ok((r.get(0)?, r.get(1)?)));
    Ok(rusqlite::OptionalExtension::optional(found)?.unwrap_or_default())
}

/// Locations that parcels left from, with their numbers.
fn locations(db: &Connection, store: &str, order: &str) -> Result<Vec<(String, String)>> {
    let mut rows = db.prepare_cached(
        "select f.facts ->> 'location', t.value ->> 'number' from fulfillments f, json_each(f.facts, '$.tracking') t
         where f.store = ?1 and f.order_id = ?2 and f.facts ->> 'location' <> '' and t.value ->> 'number' is not null order by f.id",
    )?;
    let rows = rows.query_map(params![store, order], |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What went wrong with a parcel, by the first day of each kind.
fn wrong(s: &Shipment) -> std::collections::BTreeMap<String, i32> {
    let mut kinds = std::collections::BTreeMap::new();
    for c in s.checkpoints.iter().rev() {
        let kind = match c.status.as_str() {
            "attempt_failed" => "attempt_failed",
            "expired" => "expired",
            "exception" => c.sub_status.as_deref().filter(|k| status::SUB_STATUSES.contains(k)).unwrap_or("other"),
            _ => continue,
        };
        if let Some(day) = day(c.time.as_deref()) {
            kinds.entry(kind.to_owned()).or_insert(day);
        }
    }
    kinds
}

/// The day that a time has where it was written down.
fn day(time: Option<&str>) -> Option<i32> {
    Day::parse(time?.get(..10)?).map(|d| d.0)
}

fn word(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(LONGEST_WORD).collect()
}

fn joined(country: &str, part: &str) -> String {
    if part.is_empty() || country.is_empty() { country.to_owned() } else { format!("{country}-{part}") }
}

/// What an order's page says, in one word: why somebody looks.
pub fn state(document: &OrderDocument) -> &'static str {
    let outlook = document.estimate.as_ref().map_or("", |e| e.outlook.as_str());
    let quiet = document.estimate.as_ref().is_some_and(|e| e.quiet);
    match document.status.as_str() {
        "delivered" => "delivered",
        "cancelled" => "cancelled",
        "exception" | "returned" => "trouble",
        _ if outlook == "late" => "late",
        _ if outlook == "at_risk" => "at_risk",
        _ if quiet => "quiet",
        "available_for_pickup" => "ready_to_collect",
        "out_for_delivery" => "out_for_delivery",
        "ordered" => "ordered",
        _ => "on_time",
    }
}
