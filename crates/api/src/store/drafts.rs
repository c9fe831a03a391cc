//! A policy while it is edited, and the versions that were published.

use anyhow::Result;
use promise::{Instant, policy::Policy};
use rusqlite::{Connection, OptionalExtension, params};

use super::policies;

/// A policy that is being edited.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub policy: Policy,
    /// Grows with each change; 0: there is no draft, this is what is published.
    pub revision: i64,
    pub changed_at: Instant,
    pub changed_by: String,
}

impl Draft {
    pub fn is_draft(&self) -> bool {
        self.revision > 0
    }
}

/// The draft; where there is none, what is published; where nothing is, an empty policy.
pub fn get(db: &Connection, store: &str) -> Result<Draft> {
    let sql = "select body, revision, changed_at, changed_by from drafts where store = ?1";
    let row = |r: &rusqlite::Row| Ok((r.get::<_, String>(0)?, r.get(1)?, r.get(2)?, r.get(3)?));
    if let Some((body, revision, changed_at, changed_by)) = db.query_row(sql, [store], row).optional()? {
        return Ok(Draft { policy: serde_json::from_str(&body)?, revision, changed_at: Instant(changed_at), changed_by });
    }
    let empty = Policy { confidence: 90, currency: "USD".into(), ..Policy::default() };
    let policy = newest(db, store)?.map(|n| version(db, store, n)).transpose()?.flatten();
    Ok(Draft { policy: policy.unwrap_or(empty), ..Draft::default() })
}

/// Keeps a change of the draft that began at a revision; nothing, where somebody else has changed it since.
pub fn put(db: &Connection, store: &str, policy: &Policy, began: i64, by: &str, now: Instant) -> Result<Option<i64>> {
    let current: i64 =
        db.query_row("select coalesce((select revision from drafts where store = ?1), 0)", [store], |r| r.get(0))?;
    if current != began {
        return Ok(None);
    }
    let body = serde_json::to_string(&Policy { version: 0, ..policy.clone() })?;
    db.execute(
        "insert or replace into drafts (store, body, revision, changed_at, changed_by) values (?1, ?2, ?3, ?4, ?5)",
        params![store, body, current + 1, now.0, by],
    )?;
    Ok(Some(current + 1))
}

pub fn discard(db: &Connection, store: &str) -> Result<bool> {
    Ok(db.execute("delete from drafts where store = ?1", [store])? > 0)
}

/// Publishes a policy in somebody's name, and ends the draft.
pub fn publish(db: &Connection, store: &str, policy: &Policy, by: &str, note: &str, now: Instant) -> Result<u64> {
    let version = policies::publish(db, store, policy, now)?;
    db.execute(
        "update policies set published_by = ?3, note = ?4 where store = ?1 and version = ?2",
        params![store, version.cast_signed(), by, note],
    )?;
    discard(db, store)?;
    Ok(version)
}

/// One published version.
#[derive(Clone, Debug)]
pub struct Version {
    pub version: u64,
    pub published_at: Instant,
    pub by: String,
    pub note: String,
}

/// All versions, newest first.
pub fn versions(db: &Connection, store: &str) -> Result<Vec<Version>> {
    let mut rows = db.prepare_cached(
        "select version, published_at, published_by, note from policies where store = ?1 order by version desc limit 500",
    )?;
    let rows = rows.query_map([store], |r| {
        let version: i64 = r.get(0)?;
        Ok(Version { version: version.unsigned_abs(), published_at: Instant(r.get(1)?), by: r.get(2)?, note: r.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn newest(db: &Connection, store: &str) -> Result<Option<u64>> {
    let newest: Option<i64> = db.query_row("select max(version) from policies where store = ?1", [store], |r| r.get(0))?;
    Ok(newest.map(i64::unsigned_abs))
}

/// A version as it was published, without the delay notices that are kept beside it.
pub fn version(db: &Connection, store: &str, version: u64) -> Result<Option<Policy>> {
    let sql = "select body from policies where store = ?1 and version = ?2";
    let body = db.query_row(sql, params![store, version.cast_signed()], |r| r.get::<_, String>(0)).optional()?;
    Ok(body.map(|b| serde_json::from_str(&b)).transpose()?)
}
