//! Messages to people. A change writes what is to be told in its own transaction ([`post`]); [`sender`] sends it, and decides only then
//! whether it still holds.
//!
//! Sent once: what has no way to tell a repetition (SMTP, most SMS and chat services) is marked before its content goes out, and what is
//! found so marked after a crash is not sent again but says so in the log (`unknown`).

pub mod admin;
pub mod changes;
pub mod decide;
pub mod options;
pub mod people;
pub mod rules;
pub mod sender;

use anyhow::{Context, Result};
use promise::Instant;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::store::orders::{self, StoreInfo};

/// A letter that somebody asked for, or that one person sends to another: a link to an order, an invitation.
#[derive(Clone, Debug, Default)]
pub struct Letter<'a> {
    pub to: &'a str,
    /// One of [`notify::notice::LETTERS`].
    pub template: &'a str,
    /// BCP 47; texts exist in the languages of `www/i18n`.
    pub language: &'a str,
    /// For the texts' placeholders; `url` is where the button leads.
    pub values: Map<String, Value>,
    /// Letters with the same key are one letter; empty: each is one of its own.
    pub key: &'a str,
    /// For so many seconds one letter answers whoever asks: a second one about the same is not written, unless the first failed.
    pub answers_for: i64,
    /// Goes with the order, when it is forgotten.
    pub order: Option<&'a str>,
}

/// Writes a letter to be sent, within the caller's transaction; call [`AppState::wake_messages`](crate::state::AppState::wake_messages)
/// once that is committed. Returns the message's id.
pub fn post(db: &Connection, store: &StoreInfo, letter: &Letter, now: Instant) -> Result<String> {
    anyhow::ensure!(notify::notice::LETTERS.contains(&letter.template), "there is no letter \"{}\"", letter.template);
    anyhow::ensure!(notify::mail::is_address(letter.to.trim()), "not a mail address");
    let recipient = people::address_hash(store, "mail", letter.to);
    let answered = db
        .prepare_cached(
            "select id from messages where store = ?1 and recipient = ?2 and notice = ?3 and order_id is ?4 and made_at > ?5 and state <> 'failed'
             limit 1",
        )?
        .query_row(params![store.id, recipient, letter.template, letter.order, now.0 - letter.answers_for], |r| r.get(0))
        .optional()?;
    if let Some(id) = answered.filter(|_| letter.answers_for > 0) {
        return Ok(id);
    }
    let key = match letter.key {
        "" => {
            let mut random = [0; 16];
            getrandom::fill(&mut random).context("no random numbers")?;
            hex::encode(random)
        }
        key => key.to_owned(),
    };
    let id = id_of(&[&store.id, "mail", letter.template, &recipient, &key]);
    let content = serde_json::to_vec(&(letter.to.trim(), &letter.values))?;
    let sealed = people::seal(store, &id, &content)?;
    db.prepare_cached(
        "insert or ignore into messages (id, store, order_id, channel, notice, recipient, sealed, language, made_at, due_at)
         values (?1, ?2, ?3, 'mail', ?4, ?5, ?6, ?7, ?8, ?8)",
    )?
    .execute(params![id, store.id, letter.order, letter.template, recipient, sealed, letter.language, now.0])?;
    Ok(id)
}

/// Writes the news of a shopper's report (`report`: its id and how it stands, so that each step is told once), within the caller's
/// transaction. Returns how many messages that makes.
pub fn report(db: &Connection, store: &StoreInfo, order: &str, report: &str, now: Instant) -> Result<usize> {
    let facts: Option<String> = db
        .prepare_cached("select facts from orders where store = ?1 and id = ?2")?
        .query_row([&store.id, order], |r| r.get(0))
        .optional()?;
    let Some(document) = orders::document(db, &store.id, order)? else { return Ok(0) };
    let Some(order) = facts.map(|f| serde_json::from_str(&f)).transpose()? else { return Ok(0) };
    let happening = changes::Happening { notice: "report", subject: format!("|{report}"), at: now.0 };
    changes::write(db, store, &order, &document, &happening, &rules::of(db, &store.id)?, now)
}

/// The id of what tells this to this address: the same, whenever and however often it is made.
fn id_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    format!("msg_{}", hex::encode(&hash.finalize()[..16]))
}
