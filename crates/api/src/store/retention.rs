//! How long each kind of data is kept. What is over is deleted in small steps, so that nobody waits for it.

use std::collections::BTreeMap;

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{audit, privacy};
use crate::state::AppState;

/// Days, by kind of data; 0: for ever.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Orders, with their parcels, documents and raw events: days since the last event about them.
    pub orders: u32,
    /// Raw events about no order that is kept.
    pub events: u32,
    pub messages: u32,
    pub looks: u32,
    pub contacts: u32,
    pub webhooks: u32,
    pub audit: u32,
}

/// A store's own; what it leaves out is the installation's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Own {
    pub orders: Option<u32>,
    pub events: Option<u32>,
    pub messages: Option<u32>,
    pub looks: Option<u32>,
    pub contacts: Option<u32>,
    pub webhooks: Option<u32>,
    pub audit: Option<u32>,
}

impl Retention {
    pub fn with(&self, own: &Own) -> Retention {
        Retention {
            orders: own.orders.unwrap_or(self.orders),
            events: own.events.unwrap_or(self.events),
            messages: own.messages.unwrap_or(self.messages),
            looks: own.looks.unwrap_or(self.looks),
            contacts: own.contacts.unwrap_or(self.contacts),
            webhooks: own.webhooks.unwrap_or(self.webhooks),
            audit: own.audit.unwrap_or(self.audit),
        }
    }
}

/// Rows of one step, and orders of one.
const ROWS: i64 = 2000;
const ORDERS: usize = 50;
const DAY: i64 = 86_400;

/// What was removed, by kind.
pub type Removed = BTreeMap<&'static str, usize>;

/// Before this moment everything of a kind is over; nothing is, where it is kept for ever.
fn limit(days: u32, now: Instant) -> Option<i64> {
    (days > 0).then(|| now.0 - i64::from(days) * DAY)
}

/// Orders about which nothing has come since.
fn over(db: &Connection, store: &str, limit: i64) -> Result<Vec<String>> {
    let mut rows = db.prepare_cached(
        "select o.id from orders o where o.store = ?1 and o.updated_at < ?2 and not exists (
             select 1 from event_subjects s join events e on e.id = s.event
             where s.store = o.store and s.kind = 'order' and s.id = o.id and e.received_at >= ?3)
         order by o.id",
    )?;
    let rows = rows.query_map(params![store, Instant(limit).to_string(), limit], |r| r.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One step: rows of a kind that are over. `?1` is the store, `?2` the moment, `?3` how many.
const STEPS: [(&str, &str); 7] = [
    // The rows stay as long as their orders: they say what was told, so that a replay tells nothing twice.
    (
        "messages",
        "update messages set recipient = '', sealed = null, language = null, reason = null where id in (
             select id from messages where store = ?1 and made_at < ?2 and due_at is null and recipient <> '' limit ?3)",
    ),
    (
        "looks",
        "delete from looks where (store, order_id, day) in (select store, order_id, day from looks where store = ?1 and day < ?2 / 86400 limit ?3)",
    ),
    (
        "contacts",
        "delete from contact_log where (store, id) in (select store, id from contact_log where store = ?1 and at < ?2 limit ?3)",
    ),
    (
        "webhooks",
        "update outbox set body = '' where id in (select id from outbox where store = ?1 and made_at < ?2 and due_at is null and body <> '' limit ?3)",
    ),
    ("audit", "delete from audit where id in (select id from audit where store = ?1 and at < ?2 limit ?3)"),
    ("requests", "delete from requests where event in (select event from requests where store = ?1 and done_at < ?2 limit ?3)"),
    (
        "shared links",
        "delete from shared_links where id in (select id from shared_links where store = ?1 and expires_at < ?2 limit ?3)",
    ),
];

/// Events that were read and are about no order that is kept. The newest stays: its id must not be given again.
const LOOSE: &str = "+e.store = ?1 and e.id < (select max(id) from events) and e.id <= (select projected from progress)
    and e.id not in (select event from again)
    and not exists (select 1 from event_subjects s join orders o on o.store = s.store and o.id = s.id where s.event = e.id and s.kind = 'order')";

/// Removes raw events that are over. They are looked for by a reader: a store may have a million that stay, and webhooks must not wait.
async fn events(state: &AppState, store: &str, limit: i64) -> Result<usize> {
    let (mut removed, mut last) = (0, 0);
    loop {
        let of = store.to_owned();
        let found = state.db().read(move |db| {
            let sql =
                format!("select e.id from events e where e.id > ?3 and e.received_at < ?2 and {LOOSE} order by e.id limit ?4");
            let mut rows = db.prepare_cached(&sql)?;
            let rows = rows.query_map(params![of, limit, last, ROWS], |r| r.get(0))?;
            Ok(rows.collect::<Result<Vec<i64>, _>>()?)
        });
        let found = found.await?;
        let Some(newest) = found.last().copied() else { return Ok(removed) };
        last = newest;
        let of = store.to_owned();
        let remove = state.db().write(move |db| {
            let ids = json!(found).to_string();
            // An order may have come meanwhile. A note of what could not be read goes with its event.
            let still = format!("select e.id from json_each(?2) j join events e on e.id = j.value where {LOOSE}");
            db.execute(&format!("delete from problems where event in ({still})"), params![of, ids])?;
            Ok(db.execute(&format!("delete from events where id in ({still})"), params![of, ids])?)
        });
        removed += remove.await?;
    }
}

fn days(kind: &str, kept: &Retention) -> u32 {
    match kind {
        "messages" => kept.messages,
        "looks" => kept.looks,
        "contacts" => kept.contacts,
        "webhooks" => kept.webhooks,
        _ => kept.audit,
    }
}

/// Removes what is over, of one store. Running it twice removes nothing more.
pub async fn enforce(state: &AppState, store: &str, kept: &Retention, now: Instant) -> Result<Removed> {
    let mut removed = Removed::new();
    if let Some(limit) = limit(kept.orders, now) {
        let of = store.to_owned();
        let orders = state.db().read(move |db| over(db, &of, limit)).await?;
        for some in orders.chunks(ORDERS) {
            let (of, some) = (store.to_owned(), some.to_vec());
            let forget = state.db().write(move |db| some.iter().try_for_each(|order| privacy::forget_order(db, &of, order)));
            forget.await?;
        }
        if !orders.is_empty() {
            removed.insert("orders", orders.len());
            state.documents().forget();
        }
    }
    if let Some(limit) = limit(kept.events, now) {
        match events(state, store, limit).await? {
            0 => {}
            n => drop(removed.insert("events", n)),
        }
    }
    for (kind, sql) in STEPS {
        let Some(limit) = limit(days(kind, kept), now) else { continue };
        loop {
            let of = store.to_owned();
            let step = state.db().write(move |db| Ok(db.prepare_cached(sql)?.execute(params![of, limit, ROWS])?));
            match step.await? {
                0 => break,
                n => *removed.entry(kind).or_default() += n,
            }
        }
    }
    if !removed.is_empty() {
        let (of, detail) = (store.to_owned(), json!(removed));
        state.db().write(move |db| audit::record(db, &of, "retention", "retention.enforce", "", &detail)).await?;
        state.db().empty_log().await?;
    }
    Ok(removed)
}

/// Enforces it for every store, a few times a day.
pub async fn keep(state: AppState) {
    let mut stopping = state.stopping();
    let mut wait = std::time::Duration::from_secs(60);
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        wait = std::time::Duration::from_secs(6 * 3600);
        let config = state.config();
        for store in &config.stores {
            let kept = config.retention.with(&store.retention);
            match enforce(&state, &store.id, &kept, state.now()).await {
                Ok(removed) if removed.is_empty() => {}
                Ok(removed) => tracing::info!(store = store.id, removed = %json!(removed), "removed what is over"),
                Err(e) => {
                    tracing::error!(error = format!("{e:#}"), store = store.id, "retention failed; trying again in six hours")
                }
            }
        }
    }
}
