//! Who wants to be told of an order: browsers (web push), and what was said yes or no to.

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wire::OrderDocument;

/// A browser's push subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub id: String,
    pub store: String,
    pub order: String,
    pub endpoint: String,
    /// base64url, as the browser gives them.
    pub p256dh: String,
    pub auth: String,
    pub language: String,
}

/// Browsers of one order.
pub const MOST: u32 = 10;

pub fn id(store: &str, order: &str, endpoint: &str) -> String {
    hex::encode(&Sha256::digest(format!("{store}\n{order}\n{endpoint}"))[..16])
}

/// Keeps a subscription; the same one again takes the place of the old. False: there are too many.
pub fn put(db: &Connection, s: &Subscription, now: Instant) -> Result<bool> {
    let others = "select count(*) from subscriptions where store = ?1 and order_id = ?2 and id <> ?3";
    let count: u32 = db.query_row(others, params![s.store, s.order, s.id], |r| r.get(0))?;
    if count >= MOST {
        return Ok(false);
    }
    db.execute(
        "insert into subscriptions (id, store, order_id, endpoint, p256dh, auth, language, made_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         on conflict (id) do update set p256dh = excluded.p256dh, auth = excluded.auth, language = excluded.language, failures = 0",
        params![s.id, s.store, s.order, s.endpoint, s.p256dh, s.auth, s.language, now.0],
    )?;
    Ok(true)
}

/// The browser has withdrawn it, or its push service has.
pub fn remove(db: &Connection, id: &str) -> Result<bool> {
    Ok(db.execute("delete from subscriptions where id = ?1", [id])? > 0)
}

fn row(r: &rusqlite::Row) -> rusqlite::Result<Subscription> {
    Ok(Subscription {
        id: r.get(0)?,
        store: r.get(1)?,
        order: r.get(2)?,
        endpoint: r.get(3)?,
        p256dh: r.get(4)?,
        auth: r.get(5)?,
        language: r.get(6)?,
    })
}

/// The browsers that want to hear of an order.
pub fn of(db: &Connection, store: &str, order: &str) -> Result<Vec<Subscription>> {
    let mut rows = db.prepare_cached(
        "select id, store, order_id, endpoint, p256dh, auth, language from subscriptions where store = ?1 and order_id = ?2 order by made_at",
    )?;
    let rows = rows.query_map(params![store, order], row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Records a yes or a no; what was said before stays.
#[allow(clippy::too_many_arguments, reason = "the columns of one record")]
pub fn record(
    db: &Connection,
    store: &str,
    order: &str,
    channel: &str,
    address: Option<&str>,
    given: bool,
    language: &str,
    words: &str,
    now: Instant,
) -> Result<()> {
    if !given {
        // The record stays, the address is needed no longer.
        db.execute(
            "update opt_ins set address = null where store = ?1 and order_id = ?2 and channel = ?3",
            params![store, order, channel],
        )?;
    }
    db.execute(
        "insert into opt_ins (store, order_id, channel, address, given, at, language, words) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![store, order, channel, address.filter(|_| given), given, now.0, language, words],
    )?;
    Ok(())
}

/// Channels that are said yes to now.
pub fn on(db: &Connection, store: &str, order: &str) -> Result<Vec<String>> {
    let mut rows = db.prepare_cached(
        "select channel from opt_ins where id in (select max(id) from opt_ins where store = ?1 and order_id = ?2 group by channel)
            and given = 1 and channel <> 'push'
         union select 'push' where exists (select 1 from subscriptions where store = ?1 and order_id = ?2) order by 1",
    )?;
    let rows = rows.query_map(params![store, order], |r| r.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Writes a message to every browser of an order for each change that one would want to hear of. The same change has the same id.
pub fn tell(
    db: &Connection,
    store: &str,
    order: &str,
    old: Option<&OrderDocument>,
    new: &OrderDocument,
    now: Instant,
) -> Result<()> {
    // What was before the subscription is no news.
    let Some(old) = old else { return Ok(()) };
    let list = of(db, store, order)?;
    if list.is_empty() {
        return Ok(());
    }
    let since = "select made_at from subscriptions where id = ?1";
    for news in news(old, new) {
        for s in &list {
            let made: i64 = db.prepare_cached(since)?.query_row([&s.id], |r| r.get(0))?;
            // A scan may be told of late; one of the day before is none to who asked today.
            if news.at.is_some_and(|at| at.0 < made - 12 * 3600) {
                continue;
            }
            let id = hex::encode(&Sha256::digest(format!("{}\n{}", s.id, news.subject))[..16]);
            let body = news.holds.to_string();
            db.prepare_cached(
                "insert or ignore into pushes (id, subscription, body, made_at, due_at) values (?1, ?2, ?3, ?4, ?4)",
            )?
            .execute(params![id, s.id, body, now.0])?;
        }
    }
    Ok(())
}

/// Something worth a message.
struct News {
    /// What makes it one of its own.
    subject: String,
    at: Option<Instant>,
    /// What must still be so when it is sent.
    holds: Value,
}

fn news(old: &OrderDocument, new: &OrderDocument) -> Vec<News> {
    let mut found = Vec::new();
    for s in &new.shipments {
        let before = old.shipments.iter().find(|b| b.id == s.id).map(|b| b.status.as_str());
        let worth = matches!(
            s.status.as_str(),
            "out_for_delivery" | "available_for_pickup" | "attempt_failed" | "delivered" | "exception"
        );
        let left =
            s.shipped_at.is_some() && before.is_none_or(|b| matches!(b, "pending" | "info_received")) && s.status == "in_transit";
        if before != Some(s.status.as_str()) && (worth || left) {
            let at = s.checkpoints.first().and_then(|c| c.time.clone()).unwrap_or_default();
            found.push(News {
                subject: format!("status\n{}\n{}\n{at}", s.id, s.status),
                at: Instant::parse(&at),
                holds: json!({"shipment": s.id, "status": s.status}),
            });
        }
    }
    let outlook = |d: &OrderDocument| d.estimate.as_ref().map_or(String::new(), |e| e.outlook.clone());
    if outlook(old) != outlook(new) && matches!(outlook(new).as_str(), "at_risk" | "late") {
        let promised = new.promise.as_ref().map(|p| p.to.as_str()).unwrap_or_default();
        found.push(News {
            subject: format!("outlook\n{}\n{promised}", outlook(new)),
            at: None,
            holds: json!({"outlook": outlook(new)}),
        });
    }
    if let (Some(was), Some(is)) = (&old.care, &new.care) {
        for r in &is.open {
            let before = was.open.iter().find(|b| b.id == r.id).map(|b| b.state.as_str());
            if before.is_some_and(|b| b != r.state)
                && matches!(r.state.as_str(), "offered" | "in_resolution" | "settled" | "declined")
            {
                found.push(News {
                    subject: format!("report\n{}\n{}\n{}", r.id, r.state, r.updated_at),
                    at: None,
                    holds: json!({"report": r.id, "state": r.state}),
                });
            }
        }
    }
    found
}

/// One that waits to be sent.
pub struct Due {
    pub id: String,
    pub subscription: Subscription,
    /// What it tells of.
    pub why: Value,
    pub attempts: i64,
}

/// Some of those that are due, and when the next one is.
pub fn due(db: &Connection, now: Instant, most: usize) -> Result<(Vec<Due>, Option<i64>)> {
    let mut rows = db.prepare_cached(
        "select s.id, s.store, s.order_id, s.endpoint, s.p256dh, s.auth, s.language, p.id, p.attempts, p.body from pushes p
         join subscriptions s on s.id = p.subscription where p.due_at <= ?1 order by p.due_at, p.id limit ?2",
    )?;
    let rows = rows.query_map(params![now.0, most as i64], |r| {
        let why: String = r.get(9)?;
        Ok(Due { id: r.get(7)?, attempts: r.get(8)?, subscription: row(r)?, why: serde_json::from_str(&why).unwrap_or_default() })
    })?;
    let list = rows.collect::<Result<Vec<_>, _>>()?;
    let next = db.prepare_cached("select min(due_at) from pushes where due_at is not null")?.query_row([], |r| r.get(0))?;
    Ok((list, next))
}

/// Seconds until the next try; then it is given up. News of yesterday is none.
const RETRIES: [i64; 5] = [10, 120, 900, 3600, 14_400];

/// Records how a try ended.
pub fn tried(db: &Connection, id: &str, outcome: Result<(), (String, Option<i64>)>, now: Instant) -> Result<()> {
    match outcome {
        Ok(()) => {
            db.execute(
                "update pushes set due_at = null, sent_at = ?2, attempts = attempts + 1, error = null where id = ?1",
                params![id, now.0],
            )?;
        }
        Err((error, wait)) => {
            let attempts: Option<i64> =
                db.query_row("select attempts from pushes where id = ?1", [id], |r| r.get(0)).optional()?;
            let own = attempts.and_then(|n| RETRIES.get(usize::try_from(n).ok()?)).copied();
            let due = own.map(|own| now.0 + wait.unwrap_or(own).clamp(own, 86_400));
            db.execute(
                "update pushes set due_at = ?2, attempts = attempts + 1, error = ?3 where id = ?1",
                params![id, due, error],
            )?;
        }
    }
    Ok(())
}

/// It will never be taken.
pub fn given_up(db: &Connection, id: &str, error: &str) -> Result<()> {
    db.execute("update pushes set due_at = null, attempts = attempts + 1, error = ?2 where id = ?1", params![id, error])?;
    Ok(())
}

/// The secret that signs messages to browsers, if it was made.
pub fn secret(db: &Connection) -> Result<Option<Vec<u8>>> {
    Ok(db.query_row("select secret from push_keys where one = 1", [], |r| r.get(0)).optional()?)
}

/// Keeps the secret, unless there is one: the first stays. Returns the one that counts.
pub fn keep_secret(db: &Connection, secret: &[u8], now: Instant) -> Result<Vec<u8>> {
    db.execute("insert or ignore into push_keys (one, made_at, secret) values (1, ?1, ?2)", params![now.0, secret])?;
    Ok(db.query_row("select secret from push_keys where one = 1", [], |r| r.get(0))?)
}

/// What was said about one order, newest first.
pub fn said(db: &Connection, store: &str, order: &str) -> Result<Vec<Value>> {
    let mut rows = db.prepare_cached(
        "select channel, given, at, language, words from opt_ins where store = ?1 and order_id = ?2 order by id desc limit 50",
    )?;
    let rows = rows.query_map([store, order], |r| {
        Ok(json!({"channel": r.get::<_, String>(0)?, "given": r.get::<_, bool>(1)?, "at": Instant(r.get(2)?), "language": r.get::<_, String>(3)?,
            "words": r.get::<_, String>(4)?}))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Opt-ins of a store, for whoever has to prove them.
pub fn opt_ins(db: &Connection, store: &str) -> Result<Vec<Value>> {
    let mut rows = db.prepare_cached(
        "select order_id, channel, given, at, language, words from opt_ins where store = ?1 order by id desc limit 500",
    )?;
    let rows = rows.query_map([store], |r| {
        Ok(json!({"order_id": r.get::<_, String>(0)?, "channel": r.get::<_, String>(1)?, "given": r.get::<_, bool>(2)?, "at": Instant(r.get(3)?),
            "language": r.get::<_, String>(4)?, "words": r.get::<_, String>(5)?}))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
