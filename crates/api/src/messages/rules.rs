//! A store's rules and its own words, as they are kept.

use anyhow::Result;
use notify::{notice::Override, rules::Rules};
use promise::Instant;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

/// A store's rules: its own, or the defaults.
pub fn of(db: &Connection, store: &str) -> Result<Rules> {
    let kept: Option<String> =
        db.prepare_cached("select body from message_rules where store = ?1")?.query_row([store], |r| r.get(0)).optional()?;
    let Some(body) = kept else { return Ok(Rules::default()) };
    Ok(serde_json::from_str(&body)?)
}

pub fn put(db: &Connection, store: &str, rules: &Rules, now: Instant) -> Result<()> {
    db.execute(
        "insert or replace into message_rules (store, body, updated_at) values (?1, ?2, ?3)",
        params![store, serde_json::to_string(rules)?, now.0],
    )?;
    Ok(())
}

/// A store's own words for a notice in a language; empty: ours.
pub fn words(db: &Connection, store: &str, notice: &str, language: &str) -> Result<Override> {
    let kept: Option<String> = db
        .prepare_cached("select body from message_templates where store = ?1 and notice = ?2 and language = ?3")?
        .query_row([store, notice, language], |r| r.get(0))
        .optional()?;
    Ok(kept.map(|body| serde_json::from_str(&body)).transpose()?.unwrap_or_default())
}

/// Keeps them; empty ones give way to ours.
pub fn put_words(db: &Connection, store: &str, notice: &str, language: &str, words: &Override, now: Instant) -> Result<()> {
    if *words == Override::default() {
        db.execute(
            "delete from message_templates where store = ?1 and notice = ?2 and language = ?3",
            [store, notice, language],
        )?;
        return Ok(());
    }
    db.execute(
        "insert or replace into message_templates (store, notice, language, body, updated_at) values (?1, ?2, ?3, ?4, ?5)",
        params![store, notice, language, serde_json::to_string(words)?, now.0],
    )?;
    Ok(())
}

/// All of a store's own words.
pub fn all_words(db: &Connection, store: &str) -> Result<Vec<Value>> {
    let mut rows = db.prepare_cached(
        "select notice, language, body, updated_at from message_templates where store = ?1 order by notice, language",
    )?;
    let rows = rows.query_map([store], |r| {
        let body: String = r.get(2)?;
        Ok(json!({"notice": r.get::<_, String>(0)?, "language": r.get::<_, String>(1)?,
            "words": serde_json::from_str::<Value>(&body).unwrap_or_default(), "updated_at": Instant(r.get(3)?)}))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
