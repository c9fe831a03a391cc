//! A store's care settings; the defaults where it has written none.

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, OptionalExtension, params};

use crate::care::settings::Settings;

pub fn of(db: &Connection, store: &str) -> Result<Settings> {
    let sql = "select body from care_settings where store = ?1";
    let body: Option<String> = db.prepare_cached(sql)?.query_row([store], |r| r.get(0)).optional()?;
    Ok(body.map(|b| serde_json::from_str(&b)).transpose()?.unwrap_or_default())
}

/// Grows with each change; 0: the defaults.
pub fn version(db: &Connection, store: &str) -> Result<u64> {
    let sql = "select version from care_settings where store = ?1";
    let found: Option<i64> = db.prepare_cached(sql)?.query_row([store], |r| r.get(0)).optional()?;
    Ok(found.unwrap_or_default().unsigned_abs())
}

pub fn put(db: &Connection, store: &str, settings: &Settings, now: Instant) -> Result<u64> {
    db.execute(
        "insert into care_settings (store, version, updated_at, body) values (?1, 1, ?2, ?3)
         on conflict (store) do update set version = version + 1, updated_at = excluded.updated_at, body = excluded.body",
        params![store, now.0, serde_json::to_string(settings)?],
    )?;
    version(db, store)
}
