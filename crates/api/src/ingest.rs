//! From a verified webhook to order documents: the raw event is on disk before the answer, then projected in the background.

use anyhow::Result;
use bytes::Bytes;
use promise::Instant;
use rusqlite::{Connection, params};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tracking::signature;

use crate::{
    codes,
    poll::push,
    state::AppState,
    store::{insight, orders, privacy},
};

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
    body: Bytes,
) -> Result<bool, Refused> {
    let config = state.config();
    let store = config.store(store).ok_or(Refused::UnknownStore)?;
    let pushed = store.carriers.get(source).and_then(|c| c.push_secret.as_ref());
    let secrets = store.webhook_secrets.get(source).into_iter().flatten().chain(pushed);
    let secrets: Vec<&str> = secrets.map(ExposeSecret::expose_secret).collect();
    if secrets.is_empty() {
        return Err(Refused::UnknownSource);
    }
    let now = state.now();
    let verified = signature::verify(source, &secrets, header, &body, now.0).map_err(Refused::Signature)?;
    // About the subscription, not about a parcel: nothing to keep.
    if verified.topic.as_deref() == Some(signature::HANDSHAKE) {
        push::handshake(state, &store.id, source, &body);
        return Ok(false);
    }
    let event_id = verified.event_id.unwrap_or_else(|| format!("sha256:{}", hex::encode(Sha256::digest(&body))));
    let (store, source) = (store.id.clone(), source.to_owned());
    let new = state
        .db()
        .execute(move |db| append(db, &store, &source, verified.topic.as_deref(), &event_id, now.0, &body))
        .await
        .map_err(Refused::Storage)?;
    state.took();
    state.wake();
    Ok(new > 0)
}

/// Writes one event as it came, unless the source's id is known: returns how many were written.
pub fn append(
    db: &Connection,
    store: &str,
    source: &str,
    topic: Option<&str>,
    event_id: &str,
    at: i64,
    body: &[u8],
) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "insert or ignore into events (store, source, topic, event_id, received_at, body) values (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![store, source, topic, event_id, at, body])
}

struct Event {
    id: i64,
    store: String,
    source: String,
    topic: Option<String>,
    body: Vec<u8>,
    redacted: bool,
}

/// Events projected in one transaction: few, so that whoever waits to write does not wait long.
const BATCH: usize = 16;

/// Projects the oldest events that wait, in one transaction; returns false where none does. Running it twice is harmless: facts are
/// kept so that repetition and order don't matter.
pub async fn project_next(state: &AppState) -> Result<bool> {
    let at = state.clone();
    let now = state.now();
    let done = state
        .db()
        .write(move |db| {
            let mut waiting = db.prepare_cached(
                "select id, store, source, topic, body, state from (
                     select e.* from again a join events e on e.id = a.event
                     union all select * from (select * from events where id > (select projected from progress) order by id limit ?1))
                 limit ?1",
            )?;
            let waiting = waiting.query_map([BATCH as i64], |r| {
                let redacted = r.get::<_, i64>(5)? == 3;
                Ok(Event { id: r.get(0)?, store: r.get(1)?, source: r.get(2)?, topic: r.get(3)?, body: r.get(4)?, redacted })
            })?;
            let events: Vec<Event> = waiting.collect::<Result<_, _>>()?;
            let mut done = Vec::new();
            for event in events {
                let changed = if event.redacted { Some(Vec::new()) } else { project(db, &at, &event, now)? };
                let ends = changed.is_none();
                db.prepare_cached("delete from again where event = ?1")?.execute([event.id])?;
                // Where the newest events were deleted, their ids are given again: never further than there are events.
                db.prepare_cached(
                    "update progress set projected = min(max(projected, ?1), (select coalesce(max(id), 0) from events))",
                )?
                .execute([event.id])?;
                done.push((event.store, changed));
                // What was forgotten must not be projected from what was read before.
                if ends {
                    break;
                }
            }
            Ok(done)
        })
        .await?;
    let any = !done.is_empty();
    for (store, changed) in done {
        let Some(changed) = changed else {
            // Something was forgotten: what is kept in memory of it goes too.
            state.documents().forget();
            state.forget_published(&store);
            state.db().empty_log().await?;
            continue;
        };
        if !changed.is_empty() {
            state.wake_outbound();
        }
        for (order, version) in changed {
            state.changed(&store, &order, version);
        }
    }
    Ok(any)
}

/// Orders whose documents changed, with their new versions; nothing, where a compliance request was acted on.
type Changed = Option<Vec<(String, u64)>>;

fn project(db: &Connection, state: &AppState, event: &Event, now: Instant) -> Result<Changed> {
    let Some(store) = state.store_info(&event.store) else {
        db.execute("update events set state = 2 where id = ?1", [event.id])?;
        return Ok(Some(Vec::new()));
    };
    let mut changed = Vec::new();
    let outcome = match codes::read(db, &event.store, &event.source, event.topic.as_deref(), &event.body)? {
        Ok(facts) => {
            if let Some(request) = &facts.request {
                privacy::act(db, &store, event.id, request, now)?;
                return Ok(None);
            }
            codes::record(db, &event.store, event.id, &facts)?;
            for order in orders::keep(db, &store, event.id, &facts)? {
                if let Some(version) = orders::rebuild(db, &store, &order, now)? {
                    changed.push((order, version));
                }
            }
            "read"
        }
        Err(unreadable) => {
            db.execute(
                "insert into problems (store, event, kind, message) values (?1, ?2, 'unreadable', ?3)",
                params![event.store, event.id, unreadable.to_string()],
            )?;
            db.execute("update events set state = 2 where id = ?1", [event.id])?;
            "set_aside"
        }
    };
    metrics::counter!("events_projected_total", "source" => event.source.clone(), "outcome" => outcome).increment(1);
    Ok(Some(changed))
}

/// Takes bodies of the source `standard` and reads them at once, in one transaction: for very many that come together, before anything
/// else comes. With each the moment at which it shall have come.
pub async fn append_and_project(state: &AppState, store: &str, bodies: Vec<(Vec<u8>, Instant)>) -> Result<()> {
    let (at, store, now) = (state.clone(), store.to_owned(), state.now());
    state
        .db()
        .write(move |db| {
            let waiting: bool =
                db.query_row("select (select projected from progress) < (select coalesce(max(id), 0) from events)", [], |r| {
                    r.get(0)
                })?;
            anyhow::ensure!(!waiting, "other events wait to be read: start the server and let it read them first");
            for (body, came) in bodies {
                let event_id = format!("import:{}", hex::encode(Sha256::digest(&body)));
                if append(db, &store, "standard", Some("import"), &event_id, came.0, &body)? == 0 {
                    continue;
                }
                let id = db.last_insert_rowid();
                let event = Event {
                    id,
                    store: store.clone(),
                    source: "standard".into(),
                    topic: Some("import".into()),
                    body,
                    redacted: false,
                };
                project(db, &at, &event, now)?;
                db.prepare_cached("update progress set projected = ?1")?.execute([id])?;
            }
            Ok(())
        })
        .await
}

/// Takes bodies that need no signature, since whoever sends them holds the store's key: how many were new.
pub async fn import(state: &AppState, store: &str, bodies: Vec<Vec<u8>>) -> Result<usize> {
    let (store, now) = (store.to_owned(), state.now());
    let new = state
        .db()
        .write(move |db| {
            let mut new = 0;
            for body in bodies {
                let event_id = format!("import:{}", hex::encode(Sha256::digest(&body)));
                new += append(db, &store, "standard", Some("import"), &event_id, now.0, &body)?;
            }
            Ok(new)
        })
        .await?;
    state.wake();
    Ok(new)
}

/// Reads events that were set aside once more: one, or all of a store. Returns how many.
pub async fn retry(state: &AppState, store: &str, event: Option<i64>) -> Result<usize> {
    let store = store.to_owned();
    let found = state
        .db()
        .write(move |db| {
            let which = "select id from events where store = ?1 and (id = ?2 or ?2 is null and state = 2) and state <> 3";
            db.execute(&format!("delete from problems where event in ({which})"), params![store, event])?;
            let found = db.execute(&format!("insert or ignore into again {which}"), params![store, event])?;
            db.execute("update events set state = 0 where state = 2 and id in (select event from again)", [])?;
            Ok(found)
        })
        .await?;
    state.wake();
    Ok(found)
}

/// Forgets all that was made from events and makes it anew. The promise ledger stays: it is a record, not a projection; so do redacted
/// events, and documents' versions, which never go back.
pub async fn replay(state: &AppState) -> Result<()> {
    state
        .db()
        .write(|db| {
            insight::reset(db)?;
            Ok(db.execute_batch(
                "delete from problems; delete from orders; delete from fulfillments; delete from parcels; delete from parcel_parts;
                 delete from fulfillment_scans; delete from event_subjects; delete from parcel_aliases; delete from contacts;
                 update events set state = 0 where state = 2; delete from again; update progress set projected = 0;",
            )?)
        })
        .await?;
    state.documents().forget();
    while project_next(state).await? {}
    state
        .db()
        .write(|db| {
            Ok(db.execute_batch(
                "delete from documents where not exists (select 1 from orders o where o.store = documents.store and o.id = documents.order_id)",
            )?)
        })
        .await
}

/// A digest of all that is made from events, to compare before and after a replay. Windows move with the clock: every document is
/// made anew first.
pub async fn digest(state: &AppState) -> Result<String> {
    for store in &state.config().stores {
        let Some(info) = state.store_info(&store.id) else { continue };
        let now = state.now();
        state
            .db()
            .write(move |db| {
                let mut rows = db.prepare("select id from orders where store = ?1 order by id")?;
                let ids: Vec<String> = rows.query_map([&info.id], |r| r.get(0))?.collect::<Result<_, _>>()?;
                for id in ids {
                    orders::rebuild(db, &info, &id, now)?;
                }
                Ok(())
            })
            .await?;
    }
    state
        .db()
        .read(|db| {
            let mut digest = Sha256::new();
            for sql in [
                "select store || id || number || coalesce(email_hash, '') || coalesce(postal_code, '') || updated_at || open || facts from orders order by store, id",
                "select store || id || order_id || updated_at || facts from fulfillments order by store, id",
                "select store || fulfillment_id || hash from fulfillment_scans order by store, fulfillment_id, hash",
                "select store || tracking_number || order_id from parcels order by store, tracking_number, order_id",
                "select store || tracking_number || hash from parcel_parts order by store, tracking_number, hash",
                "select store || order_id || body from documents order by store, order_id",
                "select store || event || kind || coalesce(field, '') || coalesce(code, '') || message from problems order by store, event, kind, field, code, message",
                "select store || tracking_number || alias from parcel_aliases order by store, tracking_number, alias",
                "select store || order_id || updated_at || hex(sealed) || coalesce(email_hash, '') || coalesce(phone_hash, '') || coalesce(language, '') from contacts order by store, order_id",
                "select event || store || kind || id from event_subjects order by event, kind, id",
                "select store || order_id || outcome from insight_orders order by store, order_id",
                "select store || dimension || day || key || live || figures from insight order by store, dimension, day, key, live",
            ] {
                digest.update(sql);
                let mut rows = db.prepare(sql)?;
                for row in rows.query_map([], |r| r.get::<_, String>(0))? {
                    digest.update(row?);
                    digest.update([0]);
                }
            }
            Ok(hex::encode(digest.finalize()))
        })
        .await
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
