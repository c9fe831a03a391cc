//! What was learned, by version; and the policy with it, where it is applied.

use anyhow::Result;
use promise::{
    Instant,
    learned::Learned,
    policy::{Learning, Policy},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::policies;

/// One version.
#[derive(Clone, Debug, Default)]
pub struct Version {
    pub version: u64,
    pub made_at: Instant,
    pub learned: Learned,
}

/// The policy that held at a moment, with what was learned by then, where the policy applies it.
pub fn in_force(db: &Connection, store: &str, moment: Instant) -> Result<Option<Policy>> {
    let Some(mut policy) = policies::at(db, store, moment)? else { return Ok(None) };
    if policy.learning == Learning::Apply
        && let Some(found) = at(db, store, moment)?
    {
        found.learned.fill(&mut policy);
        policy.learned = found.version;
    }
    Ok(Some(policy))
}

/// The newest version at a moment.
pub fn at(db: &Connection, store: &str, moment: Instant) -> Result<Option<Version>> {
    let sql = "select version, made_at, body from learned where store = ?1 and made_at <= ?2 order by version desc limit 1";
    let row = |r: &rusqlite::Row| Ok((r.get::<_, i64>(0)?, r.get(1)?, r.get::<_, String>(2)?));
    let found = db.prepare_cached(sql)?.query_row(params![store, moment.0], row).optional()?;
    let Some((version, made_at, body)) = found else { return Ok(None) };
    Ok(Some(Version { version: version.unsigned_abs(), made_at: Instant(made_at), learned: serde_json::from_str(&body)? }))
}

/// Keeps a new version, where it says something new. Returns it.
pub fn keep(db: &Connection, store: &str, learned: &Learned, now: Instant) -> Result<Option<u64>> {
    let newest = at(db, store, Instant(i64::MAX))?;
    if newest.as_ref().map_or(&Learned::default(), |n| &n.learned) == learned {
        return Ok(None);
    }
    let version = newest.as_ref().map_or(1, |n| n.version + 1);
    // Never before the one that it follows, whatever the clock did.
    let made_at = newest.map_or(now, |n| now.max(n.made_at));
    db.execute(
        "insert into learned (store, version, made_at, body) values (?1, ?2, ?3, ?4)",
        params![store, version.cast_signed(), made_at.0, serde_json::to_string(learned)?],
    )?;
    Ok(Some(version))
}
