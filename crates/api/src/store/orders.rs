//! Orders, fulfillments, parcels: facts kept so that the order in which they come does not matter, and the order document made of them.

use std::collections::HashMap;

use anyhow::Result;
use promise::{
    Day, Document, Instant, Progress,
    estimate::{DelayShown, Line, Window},
};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use tracking::{
    carrier,
    facts::{Address, Facts, Fulfillment, Order, Shipment},
    number::{self, Hints},
    shipment::{State, fold, settle},
    status::Status,
};
use wire::{OrderDocument, order};

use super::ledger::{self, Promised, destination};

/// What a document needs to know of its store.
#[derive(Clone, Debug, Default)]
pub struct StoreInfo {
    pub id: String,
    pub name: String,
    pub url: Option<String>,
    pub support_url: Option<String>,
    pub lookup_secret: String,
    /// Where changes are told.
    pub outbound: Vec<super::outbox::Endpoint>,
    /// Carriers that it has an account with, to be asked.
    pub pollers: Vec<String>,
    /// Channels that messages can go by: `mail`, `sms`.
    pub channels: Vec<String>,
    /// Of its look, for mails.
    pub accent: Option<String>,
}

/// Keeps the facts of an event; returns the orders whose documents may change.
pub fn keep(db: &Connection, store: &StoreInfo, event: i64, facts: &Facts) -> Result<Vec<String>> {
    let mut touched = Vec::new();
    let mut about = db.prepare_cached("insert or ignore into event_subjects (event, store, kind, id) values (?1, ?2, ?3, ?4)")?;
    for order in facts.orders.iter().filter(|o| !o.id.is_empty()) {
        keep_order(db, store, order)?;
        touched.push(order.id.clone());
    }
    let nested = facts.orders.iter().flat_map(|o| &o.fulfillments);
    for f in nested.chain(&facts.fulfillments).filter(|f| !f.id.is_empty()) {
        for said in &f.events {
            let text = serde_json::to_string(said)?;
            let hash = hex::encode(Sha256::digest(&text));
            db.prepare_cached(
                "insert or ignore into fulfillment_scans (store, fulfillment_id, hash, facts) values (?1, ?2, ?3, ?4)",
            )?
            .execute(params![store.id, f.id, hash, text])?;
        }
        touched.push(f.order_id.clone());
        // An event about a fulfillment says nothing of its contents: it must not take their place.
        if f.lines.is_empty() && f.tracking.is_empty() {
            continue;
        }
        keep_fulfillment(db, &store.id, f)?;
    }
    for part in facts.shipments.iter().filter(|s| !s.tracking_number.is_empty()) {
        let text = serde_json::to_string(part)?;
        let hash = hex::encode(Sha256::digest(&text));
        db.prepare_cached("insert or ignore into parcel_parts (store, tracking_number, hash, facts) values (?1, ?2, ?3, ?4)")?
            .execute(params![store.id, part.tracking_number, hash, text])?;
        about.execute(params![event, store.id, "parcel", part.tracking_number])?;
        if let Some(order) = &part.order_id {
            link(db, &store.id, &part.tracking_number, order)?;
        }
        for alias in &part.alternates {
            let mut both = db.prepare_cached(
                "insert or ignore into parcel_aliases (store, tracking_number, alias) values (?1, ?2, ?3), (?1, ?3, ?2)",
            )?;
            both.execute(params![store.id, part.tracking_number, alias])?;
        }
        let mut orders = db.prepare_cached(
            "select order_id from parcels where store = ?1 and tracking_number in
                (select ?2 union select alias from parcel_aliases where store = ?1 and tracking_number = ?2)",
        )?;
        for order in orders.query_map(params![store.id, part.tracking_number], |r| r.get::<_, String>(0))? {
            touched.push(order?);
        }
    }
    touched.retain(|id| !id.is_empty());
    touched.sort();
    touched.dedup();
    for order in &touched {
        about.execute(params![event, store.id, "order", order])?;
    }
    Ok(touched)
}

fn keep_order(db: &Connection, store: &StoreInfo, order: &Order) -> Result<()> {
    let mut kept = order.clone();
    let email_hash = kept.email.take().map(|e| hash_email(&store.lookup_secret, &e));
    kept.phone = None;
    kept.consents.clear();
    kept.fulfillments.clear();
    let postal = order.destination.postal_code.as_deref().map(plain);
    let open = order.cancelled_at.is_none();
    let facts = serde_json::to_string(&kept)?;
    let updated =
        order.updated_at.as_deref().map(sortable).filter(|t| !t.is_empty()).unwrap_or_else(|| sortable(&order.placed_at));
    // The newest wins; of two that say they are equally new, the same one whatever the order of arrival.
    db.prepare_cached(
        "insert into orders (store, id, number, email_hash, postal_code, updated_at, open, facts) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         on conflict (store, id) do update set number = excluded.number, email_hash = excluded.email_hash, postal_code = excluded.postal_code,
            updated_at = excluded.updated_at, open = excluded.open, facts = excluded.facts
         where (excluded.updated_at, excluded.facts) > (orders.updated_at, orders.facts)",
    )?
    .execute(params![store.id, order.id, plain(&order.number), email_hash, postal, updated, open, facts])?;
    crate::messages::people::keep(db, store, order, &updated)?;
    // The oldest version is kept beside it: the promise was made for that one.
    db.prepare_cached(
        "update orders set first_updated_at = ?3, first_facts = ?4 where store = ?1 and id = ?2
            and (first_updated_at = '' or (?3, ?4) < (first_updated_at, first_facts))",
    )?
    .execute(params![store.id, order.id, updated, facts])?;
    Ok(())
}

fn keep_fulfillment(db: &Connection, store: &str, f: &Fulfillment) -> Result<()> {
    let updated = sortable(f.updated_at.as_deref().or(f.created_at.as_deref()).unwrap_or_default());
    db.prepare_cached(
        "insert into fulfillments (store, id, order_id, updated_at, facts) values (?1, ?2, ?3, ?4, ?5)
         on conflict (store, id) do update set order_id = excluded.order_id, updated_at = excluded.updated_at, facts = excluded.facts
         where (excluded.updated_at, excluded.facts) > (fulfillments.updated_at, fulfillments.facts)",
    )?
    .execute(params![store, f.id, f.order_id, updated, serde_json::to_string(f)?])?;
    for t in &f.tracking {
        link(db, store, &t.number, &f.order_id)?;
    }
    Ok(())
}

fn link(db: &Connection, store: &str, number: &str, order: &str) -> Result<()> {
    if !order.is_empty() {
        db.prepare_cached("insert or ignore into parcels (store, tracking_number, order_id) values (?1, ?2, ?3)")?
            .execute(params![store, number, order])?;
    }
    Ok(())
}

/// Letters and digits, upper case: as numbers and postal codes are compared.
pub fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// An address's hash: what look-up compares, and nothing that could be read back without the store's secret.
pub fn hash_email(secret: &str, email: &str) -> String {
    hex::encode(Sha256::digest(format!("{secret}\n{}", email.trim().to_lowercase())))
}

/// A time as UTC, so that texts compare as times do.
fn sortable(time: &str) -> String {
    Instant::parse(time).map(|t| t.to_string()).unwrap_or_default()
}

/// Makes an order's document from all that is known, and stores it where it says something new. Returns its version if so.
pub fn rebuild(db: &Connection, store: &StoreInfo, order_id: &str, now: Instant) -> Result<Option<u64>> {
    let found: Option<(String, String, String)> = db
        .prepare_cached("select facts, first_facts, first_updated_at from orders where store = ?1 and id = ?2")?
        .query_row(params![store.id, order_id], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .optional()?;
    let Some((facts, first, basis)) = found else { return Ok(None) };
    let order: Order = serde_json::from_str(&facts)?;
    let placed_at = Instant::parse(&order.placed_at).unwrap_or(now);
    let promised = ledger::promise_of(db, store, &serde_json::from_str(&first)?, &basis, now)?;
    let policy = super::learned::in_force(db, &store.id, now)?.unwrap_or_default();
    let mut document = compose(db, store, &order, promised, &policy.document(now), placed_at, now)?;
    super::care::reports::arrived(db, store, order_id, &document, now)?;
    document.care = Some(super::care::brief(db, &store.id, order_id, &document)?);
    let old: Option<(i64, String)> = db
        .prepare_cached("select version, body from documents where store = ?1 and order_id = ?2")?
        .query_row(params![store.id, order_id], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    crate::insight::observe::follow(db, &store.id, &order, &document, &policy)?;
    let body = serde_json::to_string(&document)?;
    if old.as_ref().is_some_and(|o| o.1 == body) {
        return Ok(None);
    }
    document.version = old.as_ref().map_or(1, |o| o.0.unsigned_abs() + 1);
    // What has arrived, or never will, no longer moves with time.
    let open = !matches!(document.status.as_str(), "delivered" | "cancelled");
    db.prepare_cached("insert or replace into documents (store, order_id, version, body, open) values (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![store.id, order_id, document.version.cast_signed(), body, open])?;
    let before: Option<OrderDocument> = old.and_then(|o| serde_json::from_str(&o.1).ok());
    crate::poll::follow(db, store, &document, now.0)?;
    super::outbox::tell(db, store, order_id, before.as_ref(), &document, now)?;
    crate::messages::changes::tell(db, store, &order, before.as_ref(), &document, now)?;
    Ok(Some(document.version))
}

/// The stored document of an order.
pub fn document(db: &Connection, store: &str, order_id: &str) -> Result<Option<OrderDocument>> {
    let found: Option<(i64, String)> = db
        .prepare_cached("select version, body from documents where store = ?1 and order_id = ?2")?
        .query_row(params![store, order_id], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let Some((version, body)) = found else { return Ok(None) };
    let mut document: OrderDocument = serde_json::from_str(&body)?;
    document.version = version.unsigned_abs();
    Ok(Some(document))
}

/// The order with this number and this email or postal code.
pub fn lookup(db: &Connection, store: &StoreInfo, number: &str, secret_word: &str) -> Result<Option<String>> {
    let sql = "select id from orders where store = ?1 and number = ?2 and (email_hash = ?3 or postal_code = ?4) limit 1";
    Ok(db
        .prepare_cached(sql)?
        .query_row(params![store.id, plain(number), hash_email(&store.lookup_secret, secret_word), plain(secret_word)], |r| {
            r.get(0)
        })
        .optional()?)
}

/// The order with this number and this email.
pub fn lookup_by_email(db: &Connection, store: &StoreInfo, number: &str, email: &str) -> Result<Option<String>> {
    let sql = "select id from orders where store = ?1 and number = ?2 and email_hash = ?3 limit 1";
    let values = params![store.id, plain(number), hash_email(&store.lookup_secret, email)];
    Ok(db.prepare_cached(sql)?.query_row(values, |r| r.get(0)).optional()?)
}

/// Orders by the hash of an address, newest first: id and number.
pub fn of_address(db: &Connection, store: &str, email_hash: &str) -> Result<Vec<(String, String)>> {
    let mut rows = db.prepare_cached(
        "select id, facts ->> '$.number' from orders where store = ?1 and email_hash = ?2 order by facts ->> '$.placed_at' desc limit 100",
    )?;
    let rows = rows.query_map([store, email_hash], |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Orders' numbers, as shoppers know them, by id.
#[derive(Clone, Debug, Default)]
pub struct Numbers(HashMap<String, String>);

impl Numbers {
    pub fn of<'a>(db: &Connection, store: &str, ids: impl IntoIterator<Item = &'a str>) -> Result<Numbers> {
        let mut numbers = HashMap::new();
        let mut find = db.prepare_cached(
            "select coalesce(nullif(facts ->> '$.number', ''), number) from orders where store = ?1 and id = ?2",
        )?;
        for id in ids {
            if !numbers.contains_key(id)
                && let Some(number) = find.query_row([store, id], |r| r.get::<_, String>(0)).optional()?
            {
                numbers.insert(id.to_owned(), number);
            }
        }
        Ok(Numbers(numbers))
    }

    /// The number; of an order that is not there (any more), its id.
    pub fn get<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, |number| if number.is_empty() { id } else { number })
    }
}

/// Orders whose window moves with time.
pub fn open(db: &Connection, store: &str) -> Result<Vec<String>> {
    let mut rows = db.prepare_cached("select order_id from documents where store = ?1 and open = 1 order by order_id")?;
    let rows = rows.query_map([store], |r| r.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn compose(
    db: &Connection,
    store: &StoreInfo,
    order: &Order,
    promised: Option<Promised>,
    policy: &Document,
    placed_at: Instant,
    now: Instant,
) -> Result<OrderDocument> {
    let mut fulfillments = Vec::new();
    let mut rows = db.prepare_cached("select facts from fulfillments where store = ?1 and order_id = ?2 order by id")?;
    for facts in rows.query_map(params![store.id, order.id], |r| r.get::<_, String>(0))? {
        fulfillments.push(serde_json::from_str::<Fulfillment>(&facts?)?);
    }
    fulfillments.retain(|f| !matches!(f.status.as_str(), "cancelled" | "error"));
    let (origin, service) = promised.as_ref().map(|p| (p.origin.clone(), p.service.clone())).unwrap_or_default();
    let waits = promised.as_ref().is_some_and(|p| p.waits);
    // What is known to delay it: now, and when it was bought.
    let mut told: Vec<DelayShown> = promised.as_ref().map(|p| p.delays.clone()).unwrap_or_default();
    let promised = promised.map(|p| p.shown);
    let window = promised.as_ref().and_then(|p| Some(Window { from: Day::parse(&p.from)?, to: Day::parse(&p.to)? }));
    let progress = |items: Vec<Line>| Progress {
        items,
        destination: destination(order),
        method: promised.as_ref().map(|p| p.method.clone()).unwrap_or_default(),
        placed_at,
        promised: window,
        waits,
        ..Progress::default()
    };
    let mut shipments: Vec<order::Shipment> = Vec::new();
    let mut known: Vec<String> = Vec::new();
    let mut left: Vec<(String, u32)> =
        order.lines.iter().filter(|l| l.requires_shipping).map(|l| (l.id.clone(), l.quantity)).collect();
    let mut numbers: Vec<(String, Option<&Fulfillment>)> =
        fulfillments.iter().flat_map(|f| f.tracking.iter().map(move |t| (t.number.clone(), Some(f)))).collect();
    let mut rows =
        db.prepare_cached("select tracking_number from parcels where store = ?1 and order_id = ?2 order by tracking_number")?;
    for number in rows.query_map(params![store.id, order.id], |r| r.get::<_, String>(0))? {
        let number = number?;
        // A parcel of a cancelled fulfillment is no longer this order's.
        if !numbers.iter().any(|n| n.0 == number) && fulfillments.is_empty() {
            numbers.push((number, None));
        }
    }
    for f in &fulfillments {
        for line in &f.lines {
            if let Some(rest) = left.iter_mut().find(|l| l.0 == line.id) {
                rest.1 = rest.1.saturating_sub(line.quantity);
            }
        }
    }
    for (number, fulfillment) in numbers {
        if known.contains(&number) {
            continue;
        }
        known.push(number.clone());
        let state = parcel(db, &store.id, &number, fulfillment, &order.destination)?;
        let mut shipment = shipment(
            db,
            &store.id,
            (&number, fulfillment),
            &state,
            policy,
            |lines| Progress { origin: origin.clone(), ..progress(lines) },
            &mut told,
            now,
        )?;
        if state.status != Status::Delivered {
            shipment.checked_at = heard(db, &store.id, &number)?;
        }
        shipments.push(shipment);
    }
    let unshipped: Vec<order::Item> = order
        .lines
        .iter()
        .filter_map(|l| {
            let rest = left.iter().find(|r| r.0 == l.id)?.1;
            (rest > 0).then(|| item(l, rest))
        })
        .collect();
    let replaced: Vec<bool> = shipments.iter().map(|s| is_replaced(s, &shipments, &order.lines)).collect();
    let counting: Vec<&order::Shipment> = shipments.iter().zip(&replaced).filter(|(_, r)| !**r).map(|(s, _)| s).collect();
    let mut windows: Vec<order::Estimate> =
        counting.iter().filter(|s| s.status != "delivered").filter_map(|s| s.estimate.clone()).collect();
    let cancelled = order.cancelled_at.is_some();
    if !cancelled && (!unshipped.is_empty() || shipments.is_empty()) {
        let items = unshipped.iter().map(|i| Line { sku: i.sku.clone(), quantity: i.quantity }).collect();
        // Not gone yet: it goes the way that was counted on.
        let rest = Progress { status: "pending".into(), origin, service, ..progress(items) };
        let rest = promise::remaining(policy, &rest, now);
        told.extend(rest.delays.iter().cloned());
        windows.push(estimate(&rest, window));
    }
    if cancelled || windows.is_empty() {
        told.clear();
    }
    Ok(OrderDocument {
        store: order::Store {
            id: store.id.clone(),
            name: store.name.clone(),
            url: store.url.clone(),
            support_url: store.support_url.clone(),
        },
        number: order.number.clone(),
        placed_at: order.placed_at.clone(),
        status: status(cancelled, &counting, unshipped.is_empty()).into(),
        cancelled_at: order.cancelled_at.clone(),
        destination: order::Destination {
            city: order.destination.city.clone(),
            region: order.destination.region.clone(),
            country: order.destination.country.clone(),
            utc_offset: None,
        },
        promise: promised,
        estimate: if cancelled { None } else { together(windows) },
        shipments,
        unshipped,
        delays: shown(told),
        ..OrderDocument::default()
    })
}

/// When something was last heard of a parcel: an answer of its carrier, even one that said nothing new, or a source's event. To the hour,
/// so that a document does not change with every question.
fn heard(db: &Connection, store: &str, number: &str) -> Result<Option<String>> {
    let at: Option<i64> = db
        .prepare_cached(
            "select max(at) from (select checked_at as at from polls where store = ?1 and tracking_number = ?2
             union all select received_at from events
                 where id = (select max(event) from event_subjects where store = ?1 and kind = 'parcel' and id = ?2))",
        )?
        .query_row(params![store, number], |r| r.get(0))?;
    Ok(at.map(|at| Instant(at - at.rem_euclid(3600)).to_string()))
}

/// A parcel's state, from all that was said about it and about the fulfillment that it belongs to.
fn parcel(db: &Connection, store: &str, number: &str, of: Option<&Fulfillment>, destination: &Address) -> Result<State> {
    let mut rows = db.prepare_cached(
        "select facts, tracking_number from parcel_parts where store = ?1 and tracking_number in
            (select ?2 union select alias from parcel_aliases where store = ?1 and tracking_number = ?2)",
    )?;
    let mut parts: Vec<Shipment> = Vec::new();
    for row in rows.query_map(params![store, number], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?)))? {
        let (facts, of) = row?;
        let mut part = Shipment { tracking_number: number.to_owned(), ..serde_json::from_str(&facts)? };
        // The next carrier's scans are part of the journey; its name and page belong to its own number.
        if of != number {
            (part.carrier, part.tracking_url, part.service) = (None, None, None);
        }
        parts.push(part);
    }
    if let Some(f) = of {
        let mut rows =
            db.prepare_cached("select facts from fulfillment_scans where store = ?1 and fulfillment_id = ?2 order by hash")?;
        let mut said = Vec::new();
        for facts in rows.query_map(params![store, f.id], |r| r.get::<_, String>(0))? {
            said.push(serde_json::from_str(&facts?)?);
        }
        parts.push(Shipment { tracking_number: number.to_owned(), checkpoints: said, ..Shipment::default() });
    }
    parts.iter_mut().for_each(|p| settle(p, destination));
    Ok(fold(&parts))
}

/// Known delays, each once, by the notice's id.
fn shown(mut told: Vec<DelayShown>) -> Vec<order::Delay> {
    let mut seen = Vec::new();
    told.retain(|d| {
        let new = !seen.contains(&d.id);
        seen.push(d.id.clone());
        new
    });
    told.into_iter().map(|d| order::Delay { reason: d.reason, severity: d.severity, days: d.days, message: d.message }).collect()
}

#[expect(
    clippy::too_many_arguments,
    reason = "what a parcel's part of the document is made of; a struct would be made for one call"
)]
fn shipment(
    db: &Connection,
    store: &str,
    (number, f): (&str, Option<&Fulfillment>),
    state: &State,
    policy: &Document,
    progress: impl Fn(Vec<Line>) -> Progress,
    delays: &mut Vec<DelayShown>,
    now: Instant,
) -> Result<order::Shipment> {
    let told = f.and_then(|f| f.tracking.iter().find(|t| t.number == number));
    // The store's word for the carrier is typed by hand; who scans the parcel knows better.
    let code = state
        .carrier
        .clone()
        .or_else(|| told.and_then(|t| t.carrier.clone()).filter(|c| !c.is_empty()))
        .or_else(|| by_number(number, progress(Vec::new()).destination.country))
        .unwrap_or_default();
    let known = carrier::by_code(&code);
    // A courier that was added by its file: what that says of its numbers.
    let added = match known {
        None if !code.is_empty() => number::detect(number, &Hints::default()).candidates.into_iter().find(|c| c.carrier == code),
        _ => None,
    };
    let time = |t: &Option<String>| t.as_deref().and_then(Instant::parse);
    let lines: Vec<Line> =
        f.map(|f| f.lines.iter().map(|l| Line { sku: l.sku.clone(), quantity: l.quantity }).collect()).unwrap_or_default();
    let mut p = Progress {
        carrier: code.clone(),
        shipped_at: time(&state.shipped_at),
        last_scan_at: time(&state.last_scan_at),
        status: state.status.as_str().into(),
        carrier_estimate: state.estimated_delivery.as_deref().and_then(|t| Day::parse(t.get(..10)?)),
        ..progress(lines)
    };
    let mut estimate = None;
    if state.status != Status::Delivered {
        // Gone quiet: judged by how long this lane's own scans let one wait.
        let to = &p.destination;
        let zone = policy.zone_of(to).unwrap_or_default();
        let groups = promise::incident::groups(&code, &p.origin, zone, &to.country, &to.postal_code);
        p.patience = super::incidents::gaps(db, store, &groups)?.patience(&groups);
        let rest = promise::remaining(policy, &p, now);
        delays.extend(rest.delays.iter().cloned());
        estimate = Some(self::estimate(&rest, p.promised));
    }
    Ok(order::Shipment {
        id: hex::encode(&Sha256::digest(number)[..8]),
        carrier_name: match (&known, &added) {
            (Some(c), _) => c.name.into(),
            (None, Some(c)) => c.name.clone(),
            (None, None) => code.clone(),
        },
        carrier_phone: known.map(|c| c.phone.to_owned()).filter(|p| !p.is_empty()),
        tracking_url: carrier::tracking_url(&code, number)
            .or_else(|| added.and_then(|c| c.tracking_url).filter(|u| u.starts_with("https://")))
            .or_else(|| told.and_then(|t| t.url.clone()).filter(|u| u.starts_with("https://"))),
        carrier: code,
        service: state.service.clone(),
        tracking_number: number.to_owned(),
        status: state.status.as_str().into(),
        sub_status: state.sub_status.clone(),
        shipped_at: state.shipped_at.clone(),
        delivered_at: state.delivered_at.clone(),
        last_scan_at: state.last_scan_at.clone(),
        checked_at: None,
        estimate,
        signed_by: state.signed_by.clone(),
        attempts: state.attempts,
        pickup: state.pickup.as_ref().map(|p| order::Pickup {
            name: p.name.clone(),
            address: p.address.clone(),
            hours: p.hours.clone(),
            code: p.code.clone(),
            until: p.until.clone(),
        }),
        items: f.map(|f| f.lines.iter().map(|l| item(l, l.quantity)).collect()).unwrap_or_default(),
        checkpoints: state
            .checkpoints
            .iter()
            .rev()
            .map(|c| order::Checkpoint {
                time: c.time.clone(),
                status: c.status.as_str().into(),
                sub_status: c.sub_status.clone(),
                message: c.message.clone(),
                location: c.location.clone(),
            })
            .collect(),
    })
}

/// The carrier that a number alone tells: right for one, and for no other nearly as much.
pub fn by_number(number: &str, country: String) -> Option<String> {
    let hints = Hints { destination: country, ..Hints::default() };
    let mut valid = number::detect(number, &hints).candidates.into_iter().filter(|c| c.valid);
    let best = valid.next()?;
    let next = valid.next().map_or(0.0, |c| c.confidence);
    (best.confidence >= 0.7 && best.confidence - next > 0.2).then_some(best.carrier)
}

fn item(l: &tracking::facts::Line, quantity: u32) -> order::Item {
    order::Item { sku: l.sku.clone(), title: l.title.clone(), variant: l.variant.clone(), quantity, image: l.image.clone() }
}

fn estimate(r: &promise::Remaining, promised: Option<Window>) -> order::Estimate {
    let outlook = match promised {
        _ if r.late => "late",
        _ if r.at_risk => "at_risk",
        Some(p) if r.window.to < p.from => "early",
        _ => "on_time",
    };
    order::Estimate {
        from: r.window.from.to_string(),
        to: r.window.to.to_string(),
        outlook: outlook.into(),
        quiet: r.quiet,
        on_time: r.on_time,
        steps: r
            .steps
            .iter()
            .map(|s| order::Step { kind: s.kind.clone(), day: s.day.map(|d| d.to_string()), days: s.days, name: s.name.clone() })
            .collect(),
    }
}

/// One window for all that is still to come: the last of them, since the order is complete only then.
fn together(mut windows: Vec<order::Estimate>) -> Option<order::Estimate> {
    windows.sort_by(|a, b| (&a.to, &a.from).cmp(&(&b.to, &b.from)));
    windows.pop()
}

/// Has what went wrong with this parcel been sent once more? So much more was sent of each of its items than was ordered.
fn is_replaced(s: &order::Shipment, all: &[order::Shipment], ordered: &[tracking::facts::Line]) -> bool {
    let sent = |sku: &str| all.iter().flat_map(|o| &o.items).filter(|i| i.sku == sku).map(|i| i.quantity).sum::<u32>();
    let wanted = |sku: &str| ordered.iter().filter(|l| l.sku == sku).map(|l| l.quantity).sum::<u32>();
    let again = |i: &order::Item| sent(&i.sku) >= wanted(&i.sku).saturating_add(i.quantity);
    s.status == "exception" && !s.items.is_empty() && s.items.iter().all(again)
}

/// The order's status, from its parcels'; one that has been replaced is not among them.
fn status(cancelled: bool, shipments: &[&order::Shipment], all_shipped: bool) -> &'static str {
    let some = |s: &str| shipments.iter().any(|p| p.status == s);
    let moving = shipments.iter().any(|p| p.shipped_at.is_some() || p.status != "info_received" && p.status != "pending");
    let done = shipments.iter().filter(|p| p.status == "delivered").count();
    if cancelled {
        "cancelled"
    } else if shipments.iter().any(|p| p.status == "exception" && p.sub_status.as_deref() == Some("returned")) {
        "returned"
    } else if some("exception") || some("attempt_failed") {
        "exception"
    } else if !shipments.is_empty() && done == shipments.len() && all_shipped {
        "delivered"
    } else if done > 0 {
        "partly_delivered"
    } else if some("out_for_delivery") {
        "out_for_delivery"
    } else if some("available_for_pickup") {
        "available_for_pickup"
    } else if moving && all_shipped {
        "shipped"
    } else if moving {
        "partly_shipped"
    } else {
        "ordered"
    }
}
