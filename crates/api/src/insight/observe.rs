//! From an order, as it is known, to what it counts as.

use anyhow::Result;
use chrono_tz::Tz;
use promise::{Day, Document, Instant, learn::lanes, policy::Policy};
use rusqlite::{Connection, params};
use tracking::{
    facts::{Address, Order},
    status,
};
use wire::{OrderDocument, order::Shipment};

use super::{
    days,
    outcome::{Outcome, Parcel, Promise, Way},
};
use crate::store::{insight, orders::plain, policies};

/// Longer words are no names of carriers, services, methods or places.
const LONGEST_WORD: usize = 60;

/// Counts an order by its document, in the transaction that made it.
pub fn follow(db: &Connection, store: &str, order: &Order, document: &OrderDocument, policy: &Policy) -> Result<()> {
    let counted = counted_on(db, store, &order.id)?;
    let placed_at = Instant::parse(&order.placed_at);
    // By the policy that held when it was placed: the same whenever it is counted.
    let zone = policies::zone(db, store, placed_at.unwrap_or(Instant(i64::MAX)))?;
    let day = |time: Option<&str>| days::of_scan(time?, zone);
    let Counted { origin, service, .. } = &counted;
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
            origin: word(known.unwrap_or(origin)),
            shipped: day(s.shipped_at.as_deref()),
            delivered: day(s.delivered_at.as_deref()).filter(|_| s.status == "delivered"),
            wrong: wrong(s, zone),
            way: None,
        }
    };
    let parcels: Vec<Parcel> = document.shipments.iter().map(parcel).collect();
    let promise = document.promise.as_ref().and_then(|p| {
        Some(Promise {
            from: Day::parse(&p.from)?.0,
            to: Day::parse(&p.to)?.0,
            confidence: p.confidence,
            style: counted.style.clone(),
        })
    });
    let complete = (document.status == "delivered").then(|| parcels.iter().filter_map(|p| p.delivered).max()).flatten();
    let place = &order.destination;
    let country = word(place.country.as_deref().unwrap_or_default());
    let postal = plain(place.postal_code.as_deref().unwrap_or_default());
    let mut outcome = Outcome {
        // Where it was placed is the store.
        placed: placed_at.map(|at| days::day(at, zone)).or_else(|| day(Some(&order.placed_at))).unwrap_or_default(),
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
        waits: None,
    };
    teach(db, store, order, &mut outcome, &counted)?;
    insight::count(db, store, &order.id, &outcome)
}

/// Writes down what an order's parcels teach, by the policy that held when it was placed: so that it is the same whenever it is read.
fn teach(db: &Connection, store: &str, order: &Order, outcome: &mut Outcome, counted: &Counted) -> Result<()> {
    let Some(placed_at) = Instant::parse(&order.placed_at).filter(|_| !outcome.cancelled) else { return Ok(()) };
    let before = insight::outcome(db, store, &order.id)?
        .filter(|b| (b.placed, &b.place, &b.area) == (outcome.placed, &outcome.place, &outcome.area));
    let known = |parcel: &Parcel| {
        let of = |p: &Parcel| [p.shipped, p.delivered].map(Option::unwrap_or_default);
        let same = |p: &&Parcel| of(p) == of(parcel) && p.origin == parcel.origin && p.service == parcel.service;
        before.as_ref()?.parcels.iter().find(same)?.way.clone()
    };
    // Made at most once: most of what comes about an order changes none of its days.
    let mut document: Option<Document> = None;
    let mut document = || -> Result<Document> {
        if document.is_none() {
            document = Some(policies::at(db, store, placed_at)?.unwrap_or_default().document(placed_at));
        }
        Ok(document.clone().unwrap_or_default())
    };
    let but = if counted.noticed {
        "noticed"
    } else if counted.waits {
        "waited"
    } else {
        ""
    };
    for parcel in &mut outcome.parcels {
        let way = match known(parcel) {
            Some(way) => way,
            None => measured(&document()?, &order.destination, placed_at, &parcel.origin, Some(parcel)),
        };
        parcel.way =
            Some(Way { but: if way.but == "impossible" { way.but } else { but.into() }, ..way }).filter(|w| !w.origin.is_empty());
    }
    if outcome.parcels.is_empty() && outcome.promise.is_some() && !counted.waits {
        let known = before.and_then(|b| b.waits).filter(|w| w.origin == counted.origin);
        let way =
            known.map_or_else(|| Ok(measured(&document()?, &order.destination, placed_at, &counted.origin, None)), anyhow::Ok)?;
        outcome.waits = Some(Way { but: but.into(), ..way });
    }
    Ok(())
}

/// How long a parcel's parts took, as far as they are over.
fn measured(document: &Document, to: &Address, placed_at: Instant, origin: &str, parcel: Option<&Parcel>) -> Way {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let zone = lanes::zone(document, &text(&to.country), &text(&to.region), &text(&to.postal_code)).unwrap_or_default();
    let (ordered, second) = document.local(origin, placed_at);
    let way = Way { origin: origin.into(), zone: zone.into(), ordered: ordered.0, second, ..Way::default() };
    let Some(Parcel { service, shipped: Some(shipped), delivered, .. }) = parcel else { return way };
    // The carrier writes its own days: one of them may be a day behind the origin's.
    if *shipped < ordered.0 - 1 || delivered.is_some_and(|d| d < *shipped) {
        return Way { handling: Some(0), transit: delivered.map(|_| 0), but: "impossible".into(), ..way };
    }
    let went =
        lanes::Way { origin, service, zone, ordered, second, handed_over: Some(Day(*shipped)), delivered: delivered.map(Day) };
    let took = went.measure(document, Day(delivered.unwrap_or(*shipped)));
    Way { handling: took.handling, transit: took.transit.filter(|_| delivered.is_some()), ..way }
}

/// What the promise counted on.
#[derive(Default)]
struct Counted {
    origin: String,
    service: String,
    /// Stock that was still to come, or making it.
    waits: bool,
    /// A known delay.
    noticed: bool,
    /// How windows were shown; empty: as a range.
    style: String,
}

fn counted_on(db: &Connection, store: &str, order: &str) -> Result<Counted> {
    let sql = "select coalesce(offer ->> 'origin', ''), coalesce(offer ->> 'service', ''), exists (select 1 from json_each(offer, '$.steps') s
                   where s.value ->> '$.kind' in ('back_in_stock', 'back_order', 'lead_time')), delays <> '[]',
                   coalesce((select nullif(body ->> '$.style', 'range') from policies p where p.store = ?1 and p.version = policy_version), '')
               from promises where store = ?1 and order_id = ?2 order by seq desc limit 1";
    let row = |r: &rusqlite::Row| {
        Ok(Counted { origin: r.get(0)?, service: r.get(1)?, waits: r.get(2)?, noticed: r.get(3)?, style: r.get(4)? })
    };
    let found = db.prepare_cached(sql)?.query_row([store, order], row);
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
fn wrong(s: &Shipment, zone: Tz) -> std::collections::BTreeMap<String, i32> {
    let mut kinds = std::collections::BTreeMap::new();
    for c in s.checkpoints.iter().rev() {
        let kind = match c.status.as_str() {
            "attempt_failed" => "attempt_failed",
            "expired" => "expired",
            "exception" => c.sub_status.as_deref().filter(|k| status::SUB_STATUSES.contains(k)).unwrap_or("other"),
            _ => continue,
        };
        if let Some(day) = c.time.as_deref().and_then(|time| days::of_scan(time, zone)) {
            kinds.entry(kind.to_owned()).or_insert(day);
        }
    }
    kinds
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
