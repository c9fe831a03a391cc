//! Asks carriers that don't push: each parcel as often as it is worth, each account within its budget.
//!
//! Those that push when they are asked to are asked to first ([`push`]). An answer is an event like any other, under the carrier's name: it is on disk before it is read, and one that says nothing new is
//! not even kept. What a store's account may be asked is kept in the database, so that a restart neither forgets the budget nor
//! starts a stampede.

pub mod clients;
pub mod push;

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};
use tracking::{
    cadence::{self, Parcel},
    status::Status,
};
use wire::OrderDocument;

use self::clients::{Account, Answer, Carrier, Tokens};
use crate::{
    ingest,
    outbound::{self, spread},
    state::AppState,
    store::orders::{self, StoreInfo},
};

/// Failures in a row after which an account rests; each further one doubles the rest, up to an hour.
const BREAKS: u32 = 5;
/// Sources that tell us by themselves.
const PUSHED: &str = "'easypost', 'aftership', 'shippo', 'shipengine', '17track', 'track123', 'trackingmore'";

/// Notes which parcels of an order are to be asked for. In the transaction that changed its document.
pub fn follow(db: &Connection, store: &StoreInfo, document: &OrderDocument, now: i64) -> Result<()> {
    if store.pollers.is_empty() {
        return Ok(());
    }
    for (s, number, carrier) in numbers(db, store, document)? {
        let poller = clients::for_code(&carrier).map(|c| c.name).filter(|name| store.pollers.iter().any(|p| p == name));
        match poller {
            Some(poller) if s.status != "delivered" && document.status != "cancelled" => {
                // A carrier knows a parcel only some time after its label is printed.
                db.prepare_cached(
                    "insert into polls (store, tracking_number, poller, known_since, due_at) values (?1, ?2, ?3, ?4, ?4 + 60)
                     on conflict (store, tracking_number) do update set poller = excluded.poller where poller <> excluded.poller",
                )?
                .execute(params![store.id, number, poller, now])?;
            }
            _ => {
                db.prepare_cached("delete from polls where store = ?1 and tracking_number = ?2")?
                    .execute(params![store.id, number])?;
            }
        }
    }
    Ok(())
}

/// The numbers of an order's parcels, and whose they are: after a hand-over, the next carrier's as well.
fn numbers<'a>(
    db: &Connection,
    store: &StoreInfo,
    document: &'a OrderDocument,
) -> Result<Vec<(&'a wire::order::Shipment, String, String)>> {
    let mut found = Vec::new();
    let mut aliases = db.prepare_cached("select alias from parcel_aliases where store = ?1 and tracking_number = ?2")?;
    for s in &document.shipments {
        found.push((s, s.tracking_number.clone(), s.carrier.clone()));
        for alias in aliases.query_map(params![store.id, s.tracking_number], |r| r.get::<_, String>(0))? {
            let alias = alias?;
            let own = |o: &wire::order::Shipment| o.tracking_number == alias;
            if let Some(carrier) = orders::by_number(&alias, String::new()).filter(|_| !document.shipments.iter().any(own)) {
                found.push((s, alias, carrier));
            }
        }
    }
    Ok(found)
}

/// Asks for what is due, account by account, until the server stops.
pub async fn run(state: AppState) -> Result<()> {
    let client = outbound::client(state.config().limits.internal_targets)?;
    let tokens = Arc::new(Tokens::default());
    let mut stopping = state.stopping();
    if state.config().stores.iter().all(|s| s.carriers.is_empty()) {
        let _ = stopping.wait_for(|stop| *stop).await;
        return Ok(());
    }
    loop {
        let mut asked = 0;
        for store in &state.config().stores {
            for name in store.carriers.keys() {
                if let Some(carrier) = clients::by_name(name) {
                    asked += usize::from(turn(&state, &client, &tokens, &store.id, carrier).await?);
                }
            }
        }
        let pause = Duration::from_millis(if asked > 0 { 10 } else { 500 });
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopping.wait_for(|stop| *stop) => return Ok(()),
        }
    }
}

/// One request for one account, if its budget has room and something is due. Returns whether it asked.
async fn turn(
    state: &AppState,
    client: &reqwest::Client,
    tokens: &Tokens,
    store: &str,
    carrier: &'static Carrier,
) -> Result<bool> {
    let config = state.config();
    let Some(settings) = config.store(store).and_then(|s| s.carriers.get(carrier.name)) else { return Ok(false) };
    let per_hour = settings.per_hour.map_or(carrier.per_hour, std::num::NonZeroU32::get);
    let (id, now, now_ms) = (store.to_owned(), state.now().0, state.now_ms());
    if push::turn(state, client, tokens, store, carrier, per_hour).await? {
        return Ok(true);
    }
    let numbers = state
        .db()
        .write(move |db| {
            if !free(db, &id, carrier, now_ms)? {
                return Ok(Vec::new());
            }
            let mut rows = db.prepare_cached(
                "select tracking_number from polls where store = ?1 and poller = ?2 and due_at <= ?3 order by due_at, tracking_number limit ?4",
            )?;
            let rows = rows.query_map(params![id, carrier.name, now, carrier.at_once as i64], |r| r.get::<_, String>(0))?;
            let mut numbers = Vec::new();
            for number in rows {
                let number = number?;
                if pushed_lately(db, &id, &number, now)? {
                    schedule(db, &id, &number, now, Some(12 * 3600))?;
                } else {
                    numbers.push(number);
                }
            }
            if !numbers.is_empty() {
                book(db, &id, carrier, now_ms, per_hour)?;
            }
            Ok(numbers)
        })
        .await?;
    if numbers.is_empty() {
        return Ok(false);
    }
    let account = Account::new(carrier, settings);
    let answer = clients::ask(client, carrier, &account, tokens, &numbers).await;
    let word = match &answer {
        Answer::Body(_) => "answered",
        Answer::Throttled(_) => "throttled",
        Answer::Refused(_) => "refused",
        Answer::Failed(_) => "failed",
    };
    metrics::counter!("polls_total", "carrier" => carrier.name, "outcome" => word).increment(1);
    if let Answer::Refused(error) | Answer::Failed(error) = &answer {
        tracing::warn!(store, carrier = carrier.name, error, "a carrier did not answer");
    }
    let (id, now, now_ms) = (store.to_owned(), state.now().0, state.now_ms());
    let new = state.db().write(move |db| settle(db, &id, carrier, &numbers, answer, now, now_ms)).await?;
    if new {
        state.wake();
    }
    Ok(true)
}

/// Has the account's budget room for a request?
fn free(db: &Connection, store: &str, carrier: &Carrier, now_ms: i64) -> Result<bool> {
    db.prepare_cached("insert or ignore into pollers (store, poller) values (?1, ?2)")?.execute(params![store, carrier.name])?;
    let free: i64 = db
        .prepare_cached("select next_at_ms from pollers where store = ?1 and poller = ?2")?
        .query_row(params![store, carrier.name], |r| r.get(0))?;
    Ok(free <= now_ms)
}

/// Books a request before it is made: a crash between costs one turn, never the budget.
fn book(db: &Connection, store: &str, carrier: &Carrier, now_ms: i64, per_hour: u32) -> Result<()> {
    db.prepare_cached("update pollers set next_at_ms = ?3 where store = ?1 and poller = ?2")?.execute(params![
        store,
        carrier.name,
        now_ms + 3_600_000 / i64::from(per_hour)
    ])?;
    Ok(())
}

/// Did somebody tell of this parcel within a day? An aggregator tells all that it knows; what a carrier pushes begins with its subscription,
/// so that its word counts once the parcel has been asked about.
fn pushed_lately(db: &Connection, store: &str, number: &str, now: i64) -> Result<bool> {
    let sql = format!(
        "select exists (select 1 from event_subjects s join events e on e.id = s.event
         where s.store = ?1 and s.kind = 'parcel' and s.id = ?2 and e.received_at > ?3 - 86400
         and (e.source in ({PUSHED}) or e.topic = 'push' and exists
             (select 1 from polls p where p.store = ?1 and p.tracking_number = ?2 and p.checked_at is not null)))"
    );
    Ok(db.prepare_cached(&sql)?.query_row(params![store, number, now], |r| r.get(0))?)
}

/// Records an answer. Returns whether it was a new one.
fn settle(
    db: &Connection,
    store: &str,
    carrier: &Carrier,
    numbers: &[String],
    answer: Answer,
    now: i64,
    now_ms: i64,
) -> Result<bool> {
    let rest = |failures: u32, seconds: u64, error: &str| -> Result<()> {
        db.prepare_cached(
            "update pollers set next_at_ms = max(next_at_ms, ?3), failures = ?4, error = ?5 where store = ?1 and poller = ?2",
        )?
        .execute(params![store, carrier.name, now_ms + seconds.cast_signed().saturating_mul(1000), failures, error])?;
        Ok(())
    };
    let failures: u32 = db
        .prepare_cached("select failures from pollers where store = ?1 and poller = ?2")?
        .query_row(params![store, carrier.name], |r| r.get(0))?;
    let pause = |failures: u32| if failures < BREAKS { 0 } else { (60u64 << (failures - BREAKS).min(6)).min(3600) };
    match answer {
        Answer::Body(body) => {
            db.prepare_cached(
                "update pollers set failures = 0, error = null, answered_at = ?3 where store = ?1 and poller = ?2",
            )?
            .execute(params![store, carrier.name, now])?;
            let event_id = format!("poll:{}", hex::encode(Sha256::digest(&body)));
            let new = ingest::append(db, store, carrier.name, Some("poll"), &event_id, now, &body)?;
            for number in numbers {
                db.prepare_cached(
                    "update polls set checked_at = ?3, failures = 0, error = null where store = ?1 and tracking_number = ?2",
                )?
                .execute(params![store, number, now])?;
                schedule(db, store, number, now, None)?;
            }
            return Ok(new > 0);
        }
        Answer::Throttled(seconds) => rest(failures, seconds.clamp(1, 86_400), "asked too often")?,
        Answer::Refused(error) => {
            // Nothing changes until somebody mends the account: one try every so often is enough.
            rest(failures + 1, pause(failures + 1).max(900), &error)?;
        }
        Answer::Failed(error) => {
            rest(failures + 1, pause(failures + 1), &error)?;
            for number in numbers {
                let tries: u32 = db
                    .prepare_cached("select failures from polls where store = ?1 and tracking_number = ?2")?
                    .query_row(params![store, number], |r| r.get(0))?;
                let wait = f64::from(60u32 << tries.min(7)) * (1.0 + spread() / 2.0);
                db.prepare_cached(
                    "update polls set failures = failures + 1, error = ?3, due_at = ?4 where store = ?1 and tracking_number = ?2",
                )?
                .execute(params![store, number, error, now + wait as i64])?;
            }
        }
    }
    Ok(false)
}

/// When to ask again, from what is known of the parcel: by its cadence, or after so many seconds. What needs no more questions goes.
fn schedule(db: &Connection, store: &str, number: &str, now: i64, wait: Option<i64>) -> Result<()> {
    let wait = match wait {
        Some(wait) => Some(wait),
        None if push::subscribed(db, store, number, now)? => {
            cadence::wait(&parcel(db, store, number)?, now).map(|wait| wait.max(push::SAFETY_NET.as_secs().cast_signed()))
        }
        None => cadence::wait(&parcel(db, store, number)?, now),
    };
    match wait {
        Some(wait) => {
            let wait = (wait as f64 * (0.9 + spread() * 0.2)) as i64;
            db.prepare_cached("update polls set due_at = ?3 where store = ?1 and tracking_number = ?2")?.execute(params![
                store,
                number,
                now + wait
            ])?;
        }
        None => {
            db.prepare_cached("delete from polls where store = ?1 and tracking_number = ?2")?.execute(params![store, number])?;
        }
    }
    Ok(())
}

/// What an order's document says of a parcel.
fn parcel(db: &Connection, store: &str, number: &str) -> Result<Parcel> {
    let known_since = db
        .prepare_cached("select known_since from polls where store = ?1 and tracking_number = ?2")?
        .query_row(params![store, number], |r| r.get(0))?;
    let mut parcel = Parcel { status: Status::Pending, last_scan_at: None, known_since, expected: None };
    let mut rows = db.prepare_cached(
        "select d.body, p.tracking_number from parcels p join documents d on d.store = p.store and d.order_id = p.order_id
         where p.store = ?1 and p.tracking_number in
            (select ?2 union select alias from parcel_aliases where store = ?1 and tracking_number = ?2)",
    )?;
    for row in rows.query_map(params![store, number], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?)))? {
        let (body, of) = row?;
        let document: OrderDocument = serde_json::from_str(&body)?;
        if let Some(s) = document.shipments.iter().find(|s| s.tracking_number == of) {
            parcel.status = Status::from_word(&s.status).unwrap_or_default();
            parcel.last_scan_at = s.last_scan_at.as_deref().and_then(promise::Instant::parse).map(|t| t.0);
            parcel.expected =
                s.estimate.as_ref().and_then(|e| promise::Instant::parse(&format!("{}T00:00:00Z", e.to))).map(|t| t.0);
        }
    }
    Ok(parcel)
}
