//! What a store says that a carrier's code means which no table knows. Applied when an event is read, so that a replay reads alike; and at
//! once to what was read before. What was mapped stays on record as a problem of its own kind (`mapped_code`), by which it is found again
//! when the meaning changes, or when a crash left some of it as it was.

use std::collections::{BTreeSet, HashMap};

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tracking::{facts::Facts, shipment::fold, source, status::Status};

use crate::{
    state::AppState,
    store::{
        audit,
        orders::{self, StoreInfo},
    },
};

/// The kinds of problems that tell of a code.
pub const KINDS: &str = "'unknown_code', 'unknown_status', 'mapped_code'";
/// Parcels read anew in one transaction.
const AT_ONCE: usize = 16;

/// What a code means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    pub status: Status,
    pub sub_status: Option<String>,
}

impl Meaning {
    /// What a mapped code says of itself; also what tells whether an event was read with this meaning.
    fn told(&self) -> String {
        let sub = self.sub_status.as_ref().map_or_else(String::new, |s| format!(" / {s}"));
        format!("the store says that it means {}{sub}", self.status.as_str())
    }
}

/// What a store's codes of a source mean.
fn meanings(db: &Connection, store: &str, source: &str) -> Result<HashMap<String, Meaning>> {
    let mut rows = db.prepare_cached("select code, status, sub_status from code_meanings where store = ?1 and source = ?2")?;
    let rows = rows.query_map([store, source], |r| {
        let status: String = r.get(1)?;
        Ok((r.get(0)?, Meaning { status: Status::from_word(&status).unwrap_or(Status::InTransit), sub_status: r.get(2)? }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Gives codes that no table knows the meaning that the store has given them.
fn apply(facts: &mut Facts, meanings: &HashMap<String, Meaning>) {
    if meanings.is_empty() {
        return;
    }
    let alone = facts.shipments.len() == 1;
    for p in &mut facts.problems {
        let Some((code, meaning)) = p.code.as_ref().and_then(|c| meanings.get_key_value(c)) else { continue };
        match p.kind.as_str() {
            "unknown_code" => {
                for s in &mut facts.shipments {
                    let summed_up = (s.status, s.sub_status.clone()) == newest(s);
                    for c in s.checkpoints.iter_mut().filter(|c| c.code.as_ref() == Some(code)) {
                        (c.status, c.sub_status) = (meaning.status, meaning.sub_status.clone());
                    }
                    if summed_up {
                        (s.status, s.sub_status) = newest(s);
                    }
                }
            }
            // Of several parcels nobody knows whose it was.
            "unknown_status" if alone => {
                let s = &mut facts.shipments[0];
                match p.field.as_deref().and_then(scan) {
                    // A scan's own status.
                    Some(n) => {
                        let summed_up = (s.status, s.sub_status.clone()) == newest(s);
                        let Some(c) = s.checkpoints.get_mut(n) else { continue };
                        (c.status, c.sub_status) = (meaning.status, meaning.sub_status.clone());
                        if summed_up {
                            (s.status, s.sub_status) = newest(s);
                        }
                    }
                    None => (s.status, s.sub_status) = (meaning.status, meaning.sub_status.clone()),
                }
            }
            _ => continue,
        }
        p.kind = "mapped_code".into();
        p.message = meaning.told();
    }
}

/// Which scan a field is of: `result.tracking_details[3].status`.
fn scan(field: &str) -> Option<usize> {
    field.rsplit_once('[')?.1.split_once(']')?.0.parse().ok()
}

fn newest(s: &tracking::facts::Shipment) -> (Status, Option<String>) {
    let state = fold([s]);
    (state.status, state.sub_status)
}

/// Reads a payload, with the meanings of the store's own.
pub fn read(
    db: &Connection,
    store: &str,
    source: &str,
    topic: Option<&str>,
    body: &[u8],
) -> Result<Result<Facts, source::Unreadable>> {
    let mut facts = match source::read(source, topic, body) {
        Ok(facts) => facts,
        Err(unreadable) => return Ok(Err(unreadable)),
    };
    if facts.problems.iter().any(|p| p.code.is_some()) {
        apply(&mut facts, &meanings(db, store, source)?);
    }
    Ok(Ok(facts))
}

/// The parcels of events that know a code, as far as they were not read with this meaning (or with none).
fn parcels(db: &Connection, store: &str, source: &str, code: &str) -> Result<Vec<String>> {
    let meaning = meanings(db, store, source)?.remove(code);
    let told = meaning.map(|m| m.told());
    let mut rows = db.prepare_cached(&format!(
        "select distinct s.id from problems p join events e on e.id = p.event join event_subjects s on s.event = e.id and s.kind = 'parcel'
         where p.store = ?1 and p.code = ?3 and e.source = ?2 and p.kind in ({KINDS})
            and iif(?4 is null, p.kind = 'mapped_code', p.message <> ?4)",
    ))?;
    let rows = rows.query_map(params![store, source, code, told], |r| r.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Reads all events about these parcels anew; what was read of them before gives way, in one transaction: nobody sees a parcel without
/// its scans. Returns the orders whose documents changed, with their versions.
fn reread(db: &Connection, store: &StoreInfo, numbers: &[String], now: Instant) -> Result<Vec<(String, u64)>> {
    let mut touched = BTreeSet::new();
    for number in numbers {
        let mut rows = db.prepare_cached(
            "select e.id, e.source, e.topic, e.body from event_subjects s join events e on e.id = s.event
             where s.store = ?1 and s.kind = 'parcel' and s.id = ?2 and e.state <> 3 order by e.id",
        )?;
        type Row = (i64, String, Option<String>, Vec<u8>);
        let events: Vec<Row> = rows
            .query_map([&store.id, number], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?
            .collect::<Result<_, _>>()?;
        db.execute("delete from parcel_parts where store = ?1 and tracking_number = ?2", [&store.id, number])?;
        for (id, source, topic, body) in events {
            let Ok(mut facts) = read(db, &store.id, &source, topic.as_deref(), &body)? else { continue };
            db.execute("delete from problems where event = ?1", [id])?;
            record(db, &store.id, id, &facts)?;
            // What it says of orders and of other parcels is there already.
            facts.orders.clear();
            facts.fulfillments.clear();
            facts.shipments.retain(|s| s.tracking_number == *number);
            touched.extend(orders::keep(db, store, id, &facts)?);
        }
    }
    let mut changed = Vec::new();
    for order in touched {
        if let Some(version) = orders::rebuild(db, store, &order, now)? {
            changed.push((order, version));
        }
    }
    Ok(changed)
}

/// Keeps what could not be read of an event.
pub fn record(db: &Connection, store: &str, event: i64, facts: &Facts) -> Result<()> {
    for p in &facts.problems {
        db.prepare_cached("insert into problems (store, event, kind, field, code, message) values (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![store, event, p.kind, p.field, p.code, p.message])?;
    }
    Ok(())
}

/// Says what a code means, or (`None`) takes that back; and reads anew what was read before. Returns how many parcels that were.
pub async fn say(
    state: &AppState,
    store: &str,
    actor: &str,
    source: &str,
    code: &str,
    meaning: Option<Meaning>,
) -> Result<usize> {
    let (of, actor, now) = (store.to_owned(), actor.to_owned(), state.now());
    let (from, what) = (source.to_owned(), code.to_owned());
    let there = state.db().write(move |db| {
        let detail = match &meaning {
            Some(m) => {
                db.execute(
                    "insert or replace into code_meanings (store, source, code, status, sub_status, said_at, said_by) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![of, from, what, m.status.as_str(), m.sub_status, now.0, actor],
                )?;
                json!({"code": what, "status": m.status.as_str(), "sub_status": m.sub_status})
            }
            None => {
                if db.execute("delete from code_meanings where store = ?1 and source = ?2 and code = ?3", [&of, &from, &what])? == 0 {
                    return Ok(false);
                }
                json!({"code": what, "status": null})
            }
        };
        audit::record(db, &of, &actor, "code.say", &from, &detail)?;
        Ok(true)
    });
    if !there.await? {
        return Ok(0);
    }
    settle(state, store, source, code).await
}

async fn settle(state: &AppState, store: &str, source: &str, code: &str) -> Result<usize> {
    let Some(info) = state.store_info(store) else { return Ok(0) };
    let (of, from, what) = (store.to_owned(), source.to_owned(), code.to_owned());
    let numbers = state.db().read(move |db| parcels(db, &of, &from, &what)).await?;
    for some in numbers.chunks(AT_ONCE) {
        let (info, some, now) = (info.clone(), some.to_vec(), state.now());
        let changed = state.db().write(move |db| reread(db, &info, &some, now)).await?;
        for (order, version) in changed {
            state.changed(store, &order, version);
        }
    }
    state.wake_outbound();
    state.wake_messages();
    Ok(numbers.len())
}

/// Finishes what a crash left: codes whose meaning is known, met by events that were read without it.
pub async fn catch_up(state: &AppState) -> Result<()> {
    let known: Vec<(String, String, String)> = state
        .db()
        .read(|db| {
            let mut rows = db.prepare(
                "select store, source, code from code_meanings
                 union select distinct p.store, e.source, p.code from problems p join events e on e.id = p.event where p.kind = 'mapped_code'",
            )?;
            let rows = rows.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await?;
    for (store, source, code) in known {
        settle(state, &store, &source, &code).await?;
    }
    Ok(())
}

/// [`catch_up`], for a server that starts.
pub async fn catch_up_at_start(state: AppState) {
    if let Err(e) = catch_up(&state).await {
        tracing::error!(error = format!("{e:#}"), "codes that the store has explained were not read anew");
    }
}

/// Codes that were met and no table knows, most frequent first; and those that the store has given a meaning (`status`).
pub fn list(db: &Connection, store: &str) -> Result<Vec<Value>> {
    let mut rows = db.prepare_cached(&format!(
        "select e.source, p.code, count(*), max(p.message), max(e.id), m.status, m.sub_status, max(p.field)
         from problems p join events e on e.id = p.event
            left join code_meanings m on m.store = p.store and m.source = e.source and m.code = p.code
         where p.store = ?1 and p.code is not null and p.kind in ({KINDS}) group by e.source, p.code order by m.status is not null, count(*) desc limit 300",
    ))?;
    let mut found: Vec<Value> = rows
        .query_map([store], |r| {
            Ok(json!({"source": r.get::<_, String>(0)?, "code": r.get::<_, Option<String>>(1)?, "count": r.get::<_, i64>(2)?,
                "message": r.get::<_, String>(3)?, "newest_event": r.get::<_, i64>(4)?, "status": r.get::<_, Option<String>>(5)?,
                "sub_status": r.get::<_, Option<String>>(6)?}))
        })?
        .collect::<Result<_, _>>()?;
    // Explained before they were ever met, or whose events are gone.
    let mut rows =
        db.prepare_cached("select source, code, status, sub_status from code_meanings where store = ?1 order by source, code")?;
    let said = rows.query_map([store], |r| {
        Ok(json!({"source": r.get::<_, String>(0)?, "code": r.get::<_, String>(1)?, "count": 0, "message": "", "newest_event": null,
            "status": r.get::<_, String>(2)?, "sub_status": r.get::<_, Option<String>>(3)?}))
    })?;
    for s in said {
        let s = s?;
        if !found.iter().any(|f| f["source"] == s["source"] && f["code"] == s["code"]) {
            found.push(s);
        }
    }
    Ok(found)
}

/// What the words of a form or a request mean; or what is wrong with them, by field.
pub fn meaning(status: &str, sub_status: Option<&str>) -> Result<Meaning, (&'static str, String)> {
    let Some(known) = Status::from_word(status) else {
        return Err((
            "status",
            format!("there is no status \"{status}\"; write in_transit, out_for_delivery, delivered, exception …"),
        ));
    };
    let sub_status = sub_status.map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned);
    if let Some(sub) = sub_status.as_deref().filter(|s| !tracking::status::SUB_STATUSES.contains(s)) {
        return Err(("sub_status", format!("there is no sub-status \"{sub}\"")));
    }
    Ok(Meaning { status: known, sub_status })
}
