//! Stores, keys and endpoints that were made in the console: beside those of the configuration file, which it can't change.

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, OptionalExtension, params};
use secrecy::SecretString;

use crate::config::{Config, Outbound, Store};

/// A store as the console's first form asks for it.
#[derive(Clone, Debug, Default)]
pub struct NewStore {
    pub id: String,
    pub name: String,
    pub url: Option<String>,
    pub support_url: Option<String>,
}

/// The configuration file's stores and the database's, with all keys and endpoints.
pub fn complete(db: &Connection, file: &Config) -> Result<Config> {
    let mut config = file.clone();
    let mut rows = db.prepare("select id, name, url, support_url, lookup_secret from stores order by id")?;
    let rows = rows.query_map([], |r| {
        Ok(Store {
            id: r.get(0)?,
            name: r.get(1)?,
            url: r.get(2)?,
            support_url: r.get(3)?,
            lookup_secret: SecretString::from(r.get::<_, String>(4)?),
            ..Store::default()
        })
    })?;
    for store in rows {
        let store = store?;
        // The file has the last word on an id that both name.
        if config.store(&store.id).is_none() {
            config.stores.push(store);
        }
    }
    for store in &mut config.stores {
        store.accent = setting::<serde_json::Value>(db, &store.id, "look")?["accent"].as_str().map(str::to_owned);
        let mut rows = db.prepare_cached("select kind, source, secret from store_keys where store = ?1 order by id desc")?;
        let mut rows = rows.query([&store.id])?;
        let mut tokens = Vec::new();
        while let Some(r) = rows.next()? {
            let (kind, source, secret): (String, String, String) = (r.get(0)?, r.get(1)?, r.get(2)?);
            match kind.as_str() {
                "admin" => store.admin_key_hashes.extend(hex::decode(&secret).ok()),
                "token" => tokens.push(SecretString::from(secret)),
                _ => store.webhook_secrets.entry(source).or_default().push(SecretString::from(secret)),
            }
        }
        // The newest signs, all verify.
        tokens.append(&mut store.token_secrets);
        store.token_secrets = tokens;
        let mut rows = db.prepare_cached("select url, secret, events from store_endpoints where store = ?1 order by id")?;
        let mut rows = rows.query([&store.id])?;
        while let Some(r) = rows.next()? {
            let (url, events): (String, String) = (r.get(0)?, r.get(2)?);
            if store.outbound.iter().all(|o| o.url != url) {
                let secret = SecretString::from(r.get::<_, String>(1)?);
                store.outbound.push(Outbound { url, secret, events: serde_json::from_str(&events)? });
            }
        }
    }
    Ok(config)
}

/// Makes a store; false where there is one with this id.
pub fn create(db: &Connection, store: &NewStore, lookup_secret: &str, now: Instant) -> Result<bool> {
    let made = db.execute(
        "insert or ignore into stores (id, name, url, support_url, lookup_secret, made_at) values (?1, ?2, ?3, ?4, ?5, ?6)",
        params![store.id, store.name, store.url, store.support_url, lookup_secret, now.0],
    )?;
    Ok(made > 0)
}

/// Changes what a store of the database says of itself.
pub fn describe(db: &Connection, store: &NewStore) -> Result<bool> {
    let changed = db.execute(
        "update stores set name = ?2, url = ?3, support_url = ?4 where id = ?1",
        params![store.id, store.name, store.url, store.support_url],
    )?;
    Ok(changed > 0)
}

/// A key as it is listed: never the secret itself.
#[derive(Clone, Debug)]
pub struct Key {
    pub id: i64,
    pub kind: String,
    pub source: String,
    pub hint: String,
    pub made_at: Instant,
    pub made_by: String,
}

/// Keys of the database, newest first.
pub fn keys(db: &Connection, store: &str) -> Result<Vec<Key>> {
    let mut rows =
        db.prepare_cached("select id, kind, source, hint, made_at, made_by from store_keys where store = ?1 order by id desc")?;
    let rows = rows.query_map([store], |r| {
        Ok(Key {
            id: r.get(0)?,
            kind: r.get(1)?,
            source: r.get(2)?,
            hint: r.get(3)?,
            made_at: Instant(r.get(4)?),
            made_by: r.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A key that is to be kept.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// `admin`, `token` or `webhook`.
    pub kind: &'static str,
    /// Of a webhook: `shopify` …
    pub source: String,
    /// Its hash, where it only opens the admin routes.
    pub secret: String,
    pub hint: String,
    pub by: String,
}

pub fn add_key(db: &Connection, store: &str, key: &NewKey, now: Instant) -> Result<()> {
    db.execute(
        "insert into store_keys (store, kind, source, secret, hint, made_at, made_by) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![store, key.kind, key.source, key.secret, key.hint, now.0, key.by],
    )?;
    Ok(())
}

/// Takes a key back; what it was, where the store had it.
pub fn remove_key(db: &Connection, store: &str, id: i64) -> Result<Option<(String, String)>> {
    let sql = "delete from store_keys where store = ?1 and id = ?2 returning kind, source";
    Ok(db.query_row(sql, params![store, id], |r| Ok((r.get(0)?, r.get(1)?))).optional()?)
}

/// Endpoints of the database: id, address, kinds.
pub fn endpoints(db: &Connection, store: &str) -> Result<Vec<(i64, String, Vec<String>)>> {
    let mut rows = db.prepare_cached("select id, url, events from store_endpoints where store = ?1 order by id")?;
    let rows = rows.query_map([store], |r| Ok((r.get(0)?, r.get(1)?, r.get::<_, String>(2)?)))?;
    rows.map(|row| {
        let (id, url, events) = row?;
        Ok((id, url, serde_json::from_str(&events)?))
    })
    .collect()
}

/// Adds an endpoint, or changes its secret and kinds where the address is known.
pub fn put_endpoint(db: &Connection, store: &str, url: &str, secret: &str, events: &[String], now: Instant) -> Result<()> {
    db.execute(
        "insert into store_endpoints (store, url, secret, events, made_at) values (?1, ?2, ?3, ?4, ?5)
         on conflict (store, url) do update set secret = excluded.secret, events = excluded.events",
        params![store, url, secret, serde_json::to_string(events)?, now.0],
    )?;
    Ok(())
}

pub fn remove_endpoint(db: &Connection, store: &str, id: i64) -> Result<bool> {
    Ok(db.execute("delete from store_endpoints where store = ?1 and id = ?2", params![store, id])? > 0)
}

/// A JSON document that the store keeps under a topic.
pub fn setting<T: serde::de::DeserializeOwned + Default>(db: &Connection, store: &str, topic: &str) -> Result<T> {
    let sql = "select body from store_settings where store = ?1 and topic = ?2";
    let found = db.prepare_cached(sql)?.query_row([store, topic], |r| r.get::<_, String>(0)).optional()?;
    Ok(found.map(|body| serde_json::from_str(&body)).transpose()?.unwrap_or_default())
}

pub fn put_setting(db: &Connection, store: &str, topic: &str, value: &impl serde::Serialize) -> Result<()> {
    db.execute(
        "insert or replace into store_settings (store, topic, body) values (?1, ?2, ?3)",
        params![store, topic, serde_json::to_string(value)?],
    )?;
    Ok(())
}

/// Pages on which the widget was seen, newest first.
pub fn seen(db: &Connection, store: &str) -> Result<Vec<(String, Instant)>> {
    let mut rows = db.prepare_cached("select origin, last_at from seen where store = ?1 order by last_at desc")?;
    let rows = rows.query_map([store], |r| Ok((r.get(0)?, Instant(r.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Notes that the widget ran on a page; anybody may say so, hence only so many.
pub fn note_seen(db: &Connection, store: &str, origin: &str, now: Instant) -> Result<()> {
    const MOST: i64 = 20;
    db.execute(
        "insert into seen (store, origin, first_at, last_at) select ?1, ?2, ?3, ?3
         where (select count(*) from seen where store = ?1 and origin <> ?2) < ?4
         on conflict (store, origin) do update set last_at = excluded.last_at",
        params![store, origin, now.0, MOST],
    )?;
    Ok(())
}
