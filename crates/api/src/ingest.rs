//! From a verified webhook to order documents: the raw event is on disk before the answer, then projected in the background.

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, OptionalExtension, params};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tracking::{signature, source};

use crate::{state::AppState, store::orders};

/// Why a webhook is refused; nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("there is no store with this id")]
    UnknownStore,
    #[error("there is no such source, or the store has no secret for it")]
    UnknownSource,
    #[error("{0}")]
    Signature(signature::Rejected),
    #[error("not stored: {0}")]
    Storage(anyhow::Error),
}

/// Verifies and stores a webhook. Returns whether it was new.
pub async fn receive(
    state: &AppState,
    store: &str,
    source: &str,
    header: &(dyn Fn(&str) -> Option<String> + Sync),
    body: Vec<u8>,
) -> Result<bool, Refused> {
    let store = state.config().store(store).ok_or(Refused::UnknownStore)?;
    let secrets = store.webhook_secrets.get(source).filter(|s| !s.is_empty()).ok_or(Refused::UnknownSource)?;
    let secrets: Vec<&str> = secrets.iter().map(ExposeSecret::expose_secret).collect();
    let now = state.now();
    let verified = signature::verify(source, &secrets, header, &body, now.0).map_err(Refused::Signature)?;
    let event_id = verified.event_id.unwrap_or_else(|| format!("sha256:{}", hex::encode(Sha256::digest(&body))));
    let (store, source) = (store.id.clone(), source.to_owned());
    let new = state
        .db()
        .write(move |db| {
            let n = db
                .prepare_cached("insert or ignore into events (store, source, topic, event_id, received_at, body) values (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute(params![store, source, verified.topic, event_id, now.0, body])?;
            Ok(n > 0)
        })
        .await
        .map_err(Refused::Storage)?;
    state.wake();
    Ok(new)
}

struct Event {
    id: i64,
    store: String,
    source: String,
    topic: Option<String>,
    body: Vec<u8>,
}

/// Projects the oldest event that waits, in one transaction; returns false where none does. Running it twice is harmless: facts are
/// kept so that repetition and order don't matter.
pub async fn project_next(state: &AppState) -> Result<bool> {
    let at = state.clone();
    let now = state.now();
    let done = state
        .db()
        .write(move |db| {
            let event = db
                .prepare_cached("select id, store, source, topic, body from events where state = 0 order by id limit 1")?
                .query_row([], |r| {
                    Ok(Event { id: r.get(0)?, store: r.get(1)?, source: r.get(2)?, topic: r.get(3)?, body: r.get(4)? })
                })
                .optional()?;
            let Some(event) = event else { return Ok(None) };
            Ok(Some((event.store.clone(), project(db, &at, &event, now)?)))
        })
        .await?;
    let Some((store, changed)) = done else { return Ok(false) };
    for (order, version) in changed {
        state.changed(&store, &order, version);
    }
    Ok(true)
}

/// Orders whose documents changed, with their new versions.
type Changed = Vec<(String, u64)>;

fn project(db: &Connection, state: &AppState, event: &Event, now: Instant) -> Result<Changed> {
    let aside = |kind: &str, field: Option<&str>, code: Option<&str>, message: &str| -> Result<()> {
        db.execute(
            "insert into problems (store, event, kind, field, code, message) values (?1, ?2, ?3, ?4, ?5, ?6)",
            params![event.store, event.id, kind, field, code, message],
        )?;
        Ok(())
    };
    let Some(store) = state.store_info(&event.store) else {
        db.execute("update events set state = 2 where id = ?1", [event.id])?;
        return Ok(Vec::new());
    };
    let mut changed = Vec::new();
    let outcome = match source::read(&event.source, event.topic.as_deref(), &event.body) {
        Ok(facts) => {
            for p in &facts.problems {
                aside(&p.kind, p.field.as_deref(), p.code.as_deref(), &p.message)?;
            }
            for order in orders::keep(db, &store, &facts)? {
                if let Some(version) = orders::rebuild(db, &store, &order, now)? {
                    changed.push((order, version));
                }
            }
            1
        }
        Err(unreadable) => {
            aside("unreadable", None, None, &unreadable.to_string())?;
            2
        }
    };
    db.execute("update events set state = ?2 where id = ?1", params![event.id, outcome])?;
    let word = if outcome == 1 { "read" } else { "set_aside" };
    metrics::counter!("events_projected_total", "source" => event.source.clone(), "outcome" => word).increment(1);
    Ok(changed)
}

/// Forgets all that was made from events and makes it anew. The promise ledger stays: it is a record, not a projection.
pub async fn replay(state: &AppState) -> Result<()> {
    state
        .db()
        .write(|db| {
            Ok(db.execute_batch(
                "delete from problems; delete from orders; delete from fulfillments; delete from parcels; delete from parcel_parts;
                 delete from documents; update events set state = 0;",
            )?)
        })
        .await?;
    state.documents().forget();
    while project_next(state).await? {}
    Ok(())
}

/// Windows move with time: makes the documents of a store's open orders anew, and tells of those that changed.
pub async fn reestimate(state: &AppState, store: &str) -> Result<()> {
    let Some(info) = state.store_info(store) else { return Ok(()) };
    let id = store.to_owned();
    for order in state.db().read(move |db| orders::open(db, &id)).await? {
        let (info, order_id, now) = (info.clone(), order.clone(), state.now());
        if let Some(version) = state.db().write(move |db| orders::rebuild(db, &info, &order_id, now)).await? {
            state.changed(store, &order, version);
        }
    }
    Ok(())
}
