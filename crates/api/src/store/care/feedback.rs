//! How it went: a score of 0 to 10 and a comment, once an order.

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, params};
use serde_json::{Value, json};

/// Answered or waved away.
pub fn answered(db: &Connection, store: &str, order: &str) -> Result<bool> {
    let sql = "select exists (select 1 from feedback where store = ?1 and order_id = ?2)";
    Ok(db.prepare_cached(sql)?.query_row(params![store, order], |r| r.get(0))?)
}

/// Records the answer; no score: waved away. False: there is one already, which stays.
pub fn put(
    db: &Connection,
    store: &str,
    order: &str,
    score: Option<u8>,
    comment: &str,
    language: &str,
    now: Instant,
) -> Result<bool> {
    let made = db.execute(
        "insert or ignore into feedback (store, order_id, at, score, comment, language) values (?1, ?2, ?3, ?4, ?5, ?6)",
        params![store, order, now.0, score, comment, language],
    )?;
    Ok(made > 0)
}

/// The newest answers of a store.
pub fn list(db: &Connection, store: &str) -> Result<Vec<Value>> {
    let mut rows = db.prepare_cached(
        "select f.order_id, o.facts ->> '$.number', f.at, f.score, f.comment, f.language from feedback f
         left join orders o on o.store = f.store and o.id = f.order_id
         where f.store = ?1 and f.score is not null order by f.at desc limit 500",
    )?;
    let rows = rows.query_map([store], |r| {
        Ok(json!({"order_id": r.get::<_, String>(0)?, "order_number": r.get::<_, Option<String>>(1)?, "at": Instant(r.get(2)?), "score": r.get::<_, i64>(3)?,
            "comment": r.get::<_, String>(4)?, "language": r.get::<_, String>(5)?}))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The net promoter score: promoters (9, 10) less detractors (0 to 6), in percent of the answers; absent while there are none.
pub fn summary(db: &Connection, store: &str, since: Instant) -> Result<Value> {
    let mut counts = [0u32; 11];
    let mut rows = db.prepare_cached(
        "select score, count(*) from feedback where store = ?1 and at >= ?2 and score is not null group by score",
    )?;
    for row in rows.query_map(params![store, since.0], |r| Ok((r.get::<_, u8>(0)?, r.get::<_, u32>(1)?)))? {
        let (score, n) = row?;
        if let Some(count) = counts.get_mut(usize::from(score)) {
            *count = n;
        }
    }
    let answers: u32 = counts.iter().sum();
    let (promoters, detractors): (u32, u32) = (counts[9..].iter().sum(), counts[..7].iter().sum());
    let waved: u32 = db.query_row(
        "select count(*) from feedback where store = ?1 and at >= ?2 and score is null",
        params![store, since.0],
        |r| r.get(0),
    )?;
    let nps = crate::insight::answers::nps(promoters.into(), detractors.into(), answers.into());
    Ok(json!({"answers": answers, "dismissed": waved, "promoters": promoters, "passives": answers - promoters - detractors,
        "detractors": detractors, "nps": nps, "scores": counts}))
}
