//! Policies by version, and delay notices.

use anyhow::Result;
use chrono_tz::Tz;
use promise::{
    Instant,
    policy::{Delay, Policy},
};
use rusqlite::{Connection, OptionalExtension, params};

/// The policy that held at a moment (the first one for earlier moments), with the delay notices; absent: none was published.
pub fn at(db: &Connection, store: &str, moment: Instant) -> Result<Option<Policy>> {
    let sql = "select version, body from policies where store = ?1
               order by published_at <= ?2 desc, case when published_at <= ?2 then -version else version end limit 1";
    let found = db.query_row(sql, params![store, moment.0], |r| Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?))).optional()?;
    let Some((version, body)) = found else { return Ok(None) };
    let mut policy: Policy = serde_json::from_str(&body)?;
    policy.version = version.unsigned_abs();
    policy.delays.extend(delays(db, store)?);
    Ok(Some(policy))
}

/// The zone that a store lived in at a moment: its first origin's, by the policy that held. Greenwich's while none was published.
pub fn zone(db: &Connection, store: &str, moment: Instant) -> Result<Tz> {
    let sql = "select body ->> '$.origins[0].time_zone' from policies where store = ?1
               order by published_at <= ?2 desc, case when published_at <= ?2 then -version else version end limit 1";
    let row = db.prepare_cached(sql)?.query_row(params![store, moment.0], |r| r.get::<_, Option<String>>(0)).optional()?;
    Ok(row.flatten().and_then(|name| name.parse().ok()).unwrap_or(Tz::UTC))
}

/// Publishes a policy as the next version.
pub fn publish(db: &Connection, store: &str, policy: &Policy, now: Instant) -> Result<u64> {
    let next: i64 = db.query_row("select coalesce(max(version), 0) + 1 from policies where store = ?1", [store], |r| r.get(0))?;
    db.execute(
        "insert into policies (store, version, published_at, body) values (?1, ?2, ?3, ?4)",
        params![store, next, now.0, serde_json::to_string(policy)?],
    )?;
    Ok(next.unsigned_abs())
}

pub fn delays(db: &Connection, store: &str) -> Result<Vec<Delay>> {
    let mut rows = db.prepare_cached("select body from delays where store = ?1 order by id")?;
    let rows = rows.query_map([store], |r| r.get::<_, String>(0))?;
    rows.map(|body| Ok(serde_json::from_str(&body?)?)).collect()
}

pub fn put_delay(db: &Connection, store: &str, delay: &Delay) -> Result<()> {
    db.execute(
        "insert or replace into delays (store, id, body) values (?1, ?2, ?3)",
        params![store, delay.id, serde_json::to_string(delay)?],
    )?;
    Ok(())
}

pub fn delete_delay(db: &Connection, store: &str, id: &str) -> Result<bool> {
    Ok(db.execute("delete from delays where store = ?1 and id = ?2", params![store, id])? > 0)
}
