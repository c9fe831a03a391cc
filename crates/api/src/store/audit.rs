//! The audit log: who did what, and when. Append-only, written in the transaction of what was done, so that neither is there alone.

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, params};
use serde::Serialize;
use serde_json::Value;

/// Who holds one of the store's admin keys.
pub const KEY: &str = "admin key";
/// Who runs commands on the server.
pub const COMMAND: &str = "command";
/// What is found in the store's own scans.
pub const DETECTION: &str = "detection";

/// Records what was done. `action` is a word such as `policy.publish`; `subject` says to what, by id. Neither it nor `detail` may name a
/// shopper: the log outlives an erasure.
pub fn record(db: &Connection, store: &str, actor: &str, action: &str, subject: &str, detail: &Value) -> Result<()> {
    // The moment is the database's: no caller can say another.
    db.prepare_cached("insert into audit (store, at, actor, action, subject, detail) values (?1, unixepoch(), ?2, ?3, ?4, ?5)")?
        .execute(params![store, actor, action, subject, detail.to_string()])?;
    Ok(())
}

/// One line of the log.
#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = AuditEntry)]
pub struct Entry {
    pub id: i64,
    #[schema(value_type = String)]
    pub at: Instant,
    pub actor: String,
    pub action: String,
    pub subject: String,
    #[schema(value_type = Object)]
    pub detail: Value,
}

/// A page of the log, newest first: `before` is the last id of the page before. `action` may be a whole word or its part before the dot.
pub fn list(db: &Connection, store: &str, before: Option<i64>, action: Option<&str>) -> Result<Vec<Entry>> {
    let mut rows = db.prepare_cached(
        "select id, at, actor, action, subject, detail from audit
         where store = ?1 and (?2 is null or id < ?2) and (?3 is null or action = ?3 or substr(action, 1, length(?3) + 1) = ?3 || '.')
         order by id desc limit 100",
    )?;
    let rows = rows.query_map(params![store, before, action], |r| {
        let detail: String = r.get(5)?;
        Ok(Entry {
            id: r.get(0)?,
            at: Instant(r.get(1)?),
            actor: r.get(2)?,
            action: r.get(3)?,
            subject: r.get(4)?,
            detail: serde_json::from_str(&detail).unwrap_or_default(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_log_pages_and_can_not_be_rewritten() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("../../migrations/0005_audit.sql")).unwrap();
        for n in 0..150 {
            let action = if n % 2 == 0 { "policy.publish" } else { "policyholder.greet" };
            record(&db, "a", "ada", action, &n.to_string(), &json!({"n": n})).unwrap();
        }
        record(&db, "b", KEY, "policy.publish", "1", &json!({})).unwrap();
        let first = list(&db, "a", None, None).unwrap();
        assert_eq!((first.len(), first[0].subject.as_str()), (100, "149"));
        let rest = list(&db, "a", first.last().map(|e| e.id), None).unwrap();
        assert_eq!((rest.len(), rest[49].subject.as_str(), &rest[49].detail), (50, "0", &json!({"n": 0})));
        assert_eq!(list(&db, "a", None, Some("policy")).unwrap().len(), 75);
        assert!(db.execute("update audit set actor = 'nobody'", []).is_err());
    }
}
