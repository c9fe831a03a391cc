//! Who wants to be told of an order: browsers (web push), and what was said yes or no to.

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{messages::people, store::orders::StoreInfo};

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

/// What was said last about a channel (`email`, `sms`), on the order's page.
pub struct Said {
    pub given: bool,
    pub at: Instant,
    /// As it is kept: see [`people::open_said`].
    pub address: Option<String>,
    pub language: String,
}

pub fn newest(db: &Connection, store: &str, order: &str, channel: &str) -> Result<Option<Said>> {
    let sql = "select given, at, address, language from opt_ins where store = ?1 and order_id = ?2 and channel = ?3 order by id desc limit 1";
    let read = |r: &rusqlite::Row| Ok(Said { given: r.get(0)?, at: Instant(r.get(1)?), address: r.get(2)?, language: r.get(3)? });
    Ok(db.prepare_cached(sql)?.query_row([store, order, channel], read).optional()?)
}

/// Channels on which somebody is told of an order now.
pub fn on(db: &Connection, store: &StoreInfo, order: &str) -> Result<Vec<String>> {
    let mut on = Vec::new();
    for (channel, shown) in [("mail", "email"), ("sms", "sms")] {
        if people::told(db, store, order, channel)? {
            on.push(shown.to_owned());
        }
    }
    if !of(db, &store.id, order)?.is_empty() {
        on.push("push".into());
    }
    on.sort();
    Ok(on)
}

/// A browser, and since when it wants to hear.
pub fn get(db: &Connection, id: &str) -> Result<Option<Subscription>> {
    let sql = "select id, store, order_id, endpoint, p256dh, auth, language from subscriptions where id = ?1";
    Ok(db.prepare_cached(sql)?.query_row([id], row).optional()?)
}

pub fn since(db: &Connection, id: &str) -> Result<i64> {
    Ok(db.prepare_cached("select made_at from subscriptions where id = ?1")?.query_row([id], |r| r.get(0))?)
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
