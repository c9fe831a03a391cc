//! Orders by anything that a shopper may say on the phone.

use anyhow::Result;
use promise::Day;
use rusqlite::{Connection, params};

use super::orders::{StoreInfo, hash_email, plain};

/// At most so many are found.
pub const MOST: usize = 50;

/// One found order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub id: String,
    /// As the shopper knows it.
    pub number: String,
    pub placed_at: String,
    pub place: String,
    /// Empty, while there is no document yet.
    pub status: String,
    pub items: String,
}

/// The ids of orders that fit, the best first; of no text, the newest.
fn ids(db: &Connection, store: &StoreInfo, text: &str) -> Result<Vec<String>> {
    let text = text.trim();
    let mut found: Vec<String> = Vec::new();
    let mut add = |sql: &str, arguments: &[&dyn rusqlite::ToSql]| -> Result<()> {
        let mut rows = db.prepare_cached(sql)?;
        for id in rows.query_map(arguments, |r| r.get::<_, String>(0))? {
            let id = id?;
            if !found.contains(&id) {
                found.push(id);
            }
        }
        Ok(())
    };
    let most = MOST as i64;
    if text.is_empty() {
        add("select id from orders where store = ?1 order by facts ->> '$.placed_at' desc limit ?2", params![store.id, most])?;
        return Ok(found);
    }
    if text.contains('@') {
        let hash = hash_email(&store.lookup_secret, text);
        add(
            "select id from orders where store = ?1 and email_hash = ?2 order by facts ->> '$.placed_at' desc limit ?3",
            params![store.id, hash, most],
        )?;
        return Ok(found);
    }
    if let Some(day) = Day::parse(text) {
        // The day as the store's own time says it.
        add(
            "select id from orders where store = ?1 and facts ->> '$.placed_at' >= ?2 and facts ->> '$.placed_at' < ?3
             order by facts ->> '$.placed_at' desc limit ?4",
            params![store.id, day.to_string(), Day(day.0 + 1).to_string(), most],
        )?;
        return Ok(found);
    }
    let code = plain(text);
    if !code.is_empty() {
        add(
            "select id from orders where store = ?1 and id in (select ?3 union select id from orders where store = ?1 and number = ?2) limit ?4",
            params![store.id, code, text, most],
        )?;
        add(
            "select order_id from parcels where store = ?1 and tracking_number in
                (select ?2 union select ?3 union select alias from parcel_aliases where store = ?1 and tracking_number in (?2, ?3)) limit ?4",
            params![store.id, text, code, most],
        )?;
        add(
            "select id from orders where store = ?1 and postal_code = ?2 order by facts ->> '$.placed_at' desc limit ?3",
            params![store.id, code, most],
        )?;
    }
    if let Some(words) = question(text) {
        add(
            "select s.order_id from order_words w join searchable s on s.id = w.rowid
             where w.order_words match ?2 and s.store = ?1 order by w.rowid desc limit ?3",
            params![store.id, words, most],
        )?;
    }
    found.truncate(MOST);
    Ok(found)
}

/// Every word, or its beginning, in FTS5's language: quoted, so that nothing in it has a meaning there.
fn question(text: &str) -> Option<String> {
    let words: Vec<String> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).take(8).map(|w| format!("\"{w}\"*")).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Finds orders.
pub fn find(db: &Connection, store: &StoreInfo, text: &str) -> Result<Vec<Found>> {
    let mut list = Vec::new();
    let mut row = db.prepare_cached(
        "select o.id, o.facts ->> '$.number', o.facts ->> '$.placed_at', o.facts ->> '$.destination.city', o.facts ->> '$.destination.country',
            d.body ->> '$.status', (select group_concat(l.value ->> '$.title', ', ') from json_each(o.facts, '$.lines') l)
         from orders o left join documents d on d.store = o.store and d.order_id = o.id where o.store = ?1 and o.id = ?2",
    )?;
    for id in ids(db, store, text)? {
        let found = row.query_row(params![store.id, id], |r| {
            let text = |n: usize| r.get::<_, Option<String>>(n).map(Option::unwrap_or_default);
            let place = [text(3)?, text(4)?].into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(", ");
            Ok(Found { id: r.get(0)?, number: text(1)?, placed_at: text(2)?, place, status: text(5)?, items: text(6)? })
        });
        list.extend(rusqlite::OptionalExtension::optional(found)?);
    }
    Ok(list)
}

/// Which sources were heard, and when last.
pub fn sources_heard(db: &Connection, store: &str) -> Result<Vec<(String, promise::Instant)>> {
    // By the newest events only: a year of them must not be read for this.
    let mut rows = db.prepare_cached(
        "select source, max(received_at) from (select source, received_at from events where store = ?1 order by id desc limit 1000)
         group by source order by 2 desc",
    )?;
    let rows = rows.query_map([store], |r| Ok((r.get(0)?, promise::Instant(r.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
