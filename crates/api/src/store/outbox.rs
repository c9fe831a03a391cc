//! Outbound webhooks, until they are delivered or given up: written with the change that they tell of.

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wire::{OrderDocument, order::Shipment};

use super::orders::StoreInfo;

/// An address that wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A hash of the address, which may hold a secret.
    pub id: String,
    /// Kinds that it wants; all, where it names none.
    pub events: Vec<String>,
}

impl Endpoint {
    pub fn of(url: &str, events: &[String]) -> Endpoint {
        Endpoint { id: hex::encode(&Sha256::digest(url)[..8]), events: events.to_vec() }
    }
}

/// What an outbound webhook may tell of.
pub const KINDS: [&str; 14] = [
    "shipment.status",
    "shipment.exception",
    "promise.at_risk",
    "promise.broken",
    "order.delivered",
    "report.opened",
    "report.offered",
    "report.agreed",
    "report.in_resolution",
    "report.settled",
    "report.withdrawn",
    "report.declined",
    "report.reopened",
    "delay_option.answered",
];

/// Seconds until the next try, after each that failed; then it is given up. Standard Webhooks' proposal, near enough.
const RETRIES: [i64; 9] = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// Writes what has changed from one document to the next, for every endpoint that wants it. The same change has the same id, so that
/// what a replay makes anew is not sent again.
pub fn tell(
    db: &Connection,
    store: &StoreInfo,
    order_id: &str,
    old: Option<&OrderDocument>,
    new: &OrderDocument,
    now: Instant,
) -> Result<()> {
    if store.outbound.is_empty() {
        return Ok(());
    }
    for (kind, subject, data) in changes(order_id, old, new) {
        put(db, store, order_id, kind, &subject, &data, now)?;
    }
    Ok(())
}

/// Writes one change for every endpoint that wants its kind. `subject`: what makes it one of its own.
pub fn put(
    db: &Connection,
    store: &StoreInfo,
    order_id: &str,
    kind: &str,
    subject: &str,
    data: &Value,
    now: Instant,
) -> Result<()> {
    for endpoint in store.outbound.iter().filter(|e| e.events.is_empty() || e.events.iter().any(|k| k == kind)) {
        let id = Sha256::digest(format!("{}\n{}\n{kind}\n{order_id}\n{subject}", store.id, endpoint.id));
        let id = format!("msg_{}", hex::encode(&id[..16]));
        let body = json!({"type": kind, "timestamp": now, "data": data}).to_string();
        db.prepare_cached(
            "insert or ignore into outbox (id, store, endpoint, order_id, kind, body, made_at, due_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
        )?
        .execute(params![id, store.id, endpoint.id, order_id, kind, body, now.0])?;
    }
    Ok(())
}

/// Kind, what makes the change one of its own, and what to say.
fn changes(order_id: &str, old: Option<&OrderDocument>, new: &OrderDocument) -> Vec<(&'static str, String, Value)> {
    let mut told = Vec::new();
    let base = || json!({"store": new.store.id, "order_id": order_id, "order_number": new.number, "order_status": new.status});
    let with = |more: Value| {
        let mut all = base();
        if let (Some(all), Some(more)) = (all.as_object_mut(), more.as_object()) {
            all.extend(more.clone());
        }
        all
    };
    let parcel = |s: &Shipment| {
        with(json!({"carrier": s.carrier, "tracking_number": s.tracking_number, "status": s.status, "sub_status": s.sub_status,
            "tracking_url": s.tracking_url, "checkpoint": s.checkpoints.first(), "estimate": s.estimate}))
    };
    for s in &new.shipments {
        let before = old.and_then(|o| o.shipments.iter().find(|b| b.id == s.id));
        if before.is_some_and(|b| (&b.status, &b.sub_status) == (&s.status, &s.sub_status)) || s.status == "pending" {
            continue;
        }
        let at = s.checkpoints.first().and_then(|c| c.time.clone()).unwrap_or_default();
        let subject = format!("{}\n{}\n{}\n{at}", s.id, s.status, s.sub_status.as_deref().unwrap_or_default());
        told.push(("shipment.status", subject.clone(), parcel(s)));
        if matches!(s.status.as_str(), "exception" | "attempt_failed" | "expired") {
            told.push(("shipment.exception", subject, parcel(s)));
        }
    }
    let outlook = |d: &OrderDocument| d.estimate.as_ref().map_or(String::new(), |e| e.outlook.clone());
    let now = outlook(new);
    if old.map(outlook).unwrap_or_default() != now && (now == "at_risk" || now == "late") {
        let kind = if now == "late" { "promise.broken" } else { "promise.at_risk" };
        // Told once for each promise, however often the outlook changes to and fro.
        let subject = new.promise.as_ref().map(|p| p.to.clone()).unwrap_or_default();
        told.push((kind, subject, with(json!({"promise": new.promise, "estimate": new.estimate, "delays": new.delays}))));
    }
    if new.status == "delivered" && old.is_none_or(|o| o.status != "delivered") {
        let at = new.shipments.iter().filter_map(|s| s.delivered_at.clone()).max().unwrap_or_default();
        told.push(("order.delivered", at, with(json!({"promise": new.promise}))));
    }
    told
}

/// One that waits to be sent.
pub struct Due {
    pub id: String,
    pub store: String,
    pub endpoint: String,
    pub body: String,
    pub attempts: i64,
}

/// Some of those that are due, and when the next one is.
pub fn due(db: &Connection, now: Instant, most: usize) -> Result<(Vec<Due>, Option<i64>)> {
    let mut rows = db.prepare_cached(
        "select id, store, endpoint, body, attempts from outbox where due_at <= ?1 order by due_at, id limit ?2",
    )?;
    let rows = rows.query_map(params![now.0, most as i64], |r| {
        Ok(Due { id: r.get(0)?, store: r.get(1)?, endpoint: r.get(2)?, body: r.get(3)?, attempts: r.get(4)? })
    })?;
    let list = rows.collect::<Result<Vec<_>, _>>()?;
    let next = db.prepare_cached("select min(due_at) from outbox where due_at is not null")?.query_row([], |r| r.get(0))?;
    Ok((list, next))
}

/// Records how a try ended. One that failed is tried again later, until it is given up: it stays, for whoever wants it sent again.
pub fn tried(db: &Connection, id: &str, outcome: Result<(), String>, now: Instant, jitter: f64) -> Result<()> {
    match outcome {
        Ok(()) => db.execute(
            "update outbox set due_at = null, sent_at = ?2, attempts = attempts + 1, error = null where id = ?1",
            params![id, now.0],
        )?,
        Err(error) => {
            let attempts: i64 =
                db.query_row("select attempts from outbox where id = ?1", [id], |r| r.get(0)).optional()?.unwrap_or_default();
            let wait = usize::try_from(attempts).ok().and_then(|n| RETRIES.get(n));
            let due = wait.map(|w| now.0 + (*w as f64 * (1.0 + jitter)) as i64);
            db.execute(
                "update outbox set due_at = ?2, attempts = attempts + 1, error = ?3 where id = ?1",
                params![id, due, error],
            )?
        }
    };
    Ok(())
}

/// The newest of a store, or only those that were given up.
pub fn list(db: &Connection, store: &str, dead: bool) -> Result<Vec<Value>> {
    let mut rows = db.prepare_cached(
        "select id, endpoint, order_id, kind, made_at, due_at, attempts, sent_at, error, body from outbox
         where store = ?1 and (?2 = 0 or due_at is null and sent_at is null) order by made_at desc, id limit 200",
    )?;
    let rows = rows.query_map(params![store, dead], |r| {
        let body: String = r.get(9)?;
        Ok(json!({"id": r.get::<_, String>(0)?, "endpoint": r.get::<_, String>(1)?, "order_id": r.get::<_, String>(2)?, "kind": r.get::<_, String>(3)?,
            "made_at": Instant(r.get(4)?), "due_at": r.get::<_, Option<i64>>(5)?.map(Instant), "attempts": r.get::<_, i64>(6)?,
            "sent_at": r.get::<_, Option<i64>>(7)?.map(Instant), "error": r.get::<_, Option<String>>(8)?,
            "body": serde_json::from_str::<Value>(&body).unwrap_or_default()}))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Sends one again, with all its tries before it.
pub fn again(db: &Connection, store: &str, id: &str, now: Instant) -> Result<bool> {
    let sql = "update outbox set due_at = ?3, attempts = 0, sent_at = null, error = null where store = ?1 and id = ?2";
    Ok(db.execute(sql, params![store, id, now.0])? > 0)
}
