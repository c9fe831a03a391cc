//! Messages until they are sent, dropped or given up.

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};

use super::{insight, policies};
use crate::insight::{
    days,
    figures::Figures,
    outcome::{Cell, Cells, dimension},
};

/// Seconds until the next try, after each that failed; then it is given up: a message that is a day old is no news.
const RETRIES: [i64; 8] = [10, 60, 300, 900, 3600, 10_800, 21_600, 43_200];

/// One that waits to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub id: String,
    pub store: String,
    pub order_id: Option<String>,
    pub channel: String,
    pub notice: String,
    pub subject: String,
    pub rule: String,
    pub recipient: String,
    pub sealed: Option<Vec<u8>>,
    pub language: Option<String>,
    pub made_at: i64,
    pub attempts: i64,
}

const COLUMNS: &str = "id, store, order_id, channel, notice, subject, rule, recipient, sealed, language, made_at, attempts";

fn read(r: &Row) -> rusqlite::Result<Message> {
    Ok(Message {
        id: r.get(0)?,
        store: r.get(1)?,
        order_id: r.get(2)?,
        channel: r.get(3)?,
        notice: r.get(4)?,
        subject: r.get(5)?,
        rule: r.get(6)?,
        recipient: r.get(7)?,
        sealed: r.get(8)?,
        language: r.get(9)?,
        made_at: r.get(10)?,
        attempts: r.get(11)?,
    })
}

/// Some of those that are due, and when the next one is.
pub fn due(db: &Connection, now: Instant, most: usize) -> Result<(Vec<Message>, Option<i64>)> {
    let mut rows = db.prepare_cached(&format!(
        "select {COLUMNS} from messages where due_at <= ?1 and state = 'waiting' order by due_at, id limit ?2"
    ))?;
    let list = rows.query_map(params![now.0, most as i64], read)?.collect::<Result<_, _>>()?;
    let next = db
        .prepare_cached("select min(due_at) from messages where due_at is not null and state = 'waiting'")?
        .query_row([], |r| r.get(0))?;
    Ok((list, next))
}

/// Others that tell the same kind of news of the same order on the same channel, and wait too: told together.
pub fn alike(db: &Connection, of: &Message) -> Result<Vec<Message>> {
    let mut rows = db.prepare_cached(&format!(
        "select {COLUMNS} from messages where store = ?1 and order_id = ?2 and channel = ?3 and notice = ?4 and rule <> '' and id <> ?5 and recipient = ?6
            and due_at is not null and state = 'waiting' order by made_at, id"
    ))?;
    let rows = rows.query_map(params![of.store, of.order_id, of.channel, of.notice, of.id, of.recipient], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// When another message about the same order is due on the same channel, of those that are due within a day.
pub fn next_other(db: &Connection, of: &Message, now: Instant) -> Result<Option<i64>> {
    let sql =
        "select min(due_at) from messages where store = ?1 and order_id = ?2 and channel = ?3 and notice <> ?4 and rule <> ''
        and due_at < ?5 and state = 'waiting'";
    Ok(db.prepare_cached(sql)?.query_row(params![of.store, of.order_id, of.channel, of.notice, now.0 + 86_400], |r| r.get(0))?)
}

/// Whether the same news of the same order goes to somebody else on the same channel too.
pub fn has_twin(db: &Connection, of: &Message) -> Result<bool> {
    let sql = "select exists (select 1 from messages where store = ?1 and order_id = ?2 and channel = ?3 and notice = ?4 and subject = ?5
        and recipient <> ?6 and rule <> '' and id <> ?7)";
    let found = db
        .prepare_cached(sql)?
        .query_row(params![of.store, of.order_id, of.channel, of.notice, of.subject, of.recipient, of.id], |r| r.get(0))?;
    Ok(found)
}

/// Its content is about to go: from here on it must not be sent a second time, unless the channel can tell that it is the same.
pub fn going(db: &Connection, id: &str) -> Result<()> {
    db.execute("update messages set state = 'sending', attempts = attempts + 1 where id = ?1", [id])?;
    Ok(())
}

/// Counts how a message ended, or (`-1`) takes that back.
fn count(db: &Connection, id: &str, state: &str, times: i64) -> Result<()> {
    let row = db
        .prepare_cached("select store, channel, notice, made_at, counted_day from messages where id = ?1")?
        .query_row([id], |r| {
            Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?, r.get::<_, String>(2)?, r.get(3).map(Instant)?, r.get(4)?))
        })
        .optional()?;
    let Some((store, channel, notice, made_at, counted_day)) = row else { return Ok(()) };
    // A tool's name is nobody's business here.
    let channel = channel.split(':').next().unwrap_or_default();
    // Taken back from where it was counted, though the store may live elsewhere by now.
    let day = match (times > 0, counted_day) {
        (true, _) => days::day(made_at, policies::zone(db, &store, made_at)?),
        (false, Some(day)) => day,
        (false, None) => days::day(made_at, chrono_tz::UTC),
    };
    db.prepare_cached("update messages set counted_day = ?2 where id = ?1")?.execute(params![id, (times > 0).then_some(day)])?;
    let cell = Cell { dimension: dimension::MESSAGE, key: format!("{channel}|{notice}"), day };
    let mut figures = Figures::default();
    figures.add(state, 1);
    insight::add(db, &store, insight::Part::Counted, &Cells::from([(cell, figures)]), times)
}

/// How one that has ended is counted; nothing while it has not.
fn counted_as(db: &Connection, id: &str) -> Result<Option<String>> {
    let sql = "select state from messages where id = ?1 and state in ('sent', 'dropped', 'failed', 'unknown')";
    Ok(db.prepare_cached(sql)?.query_row([id], |r| r.get(0)).optional()?)
}

/// Counts some of those anew that were counted by days of UTC. False: there are no more.
pub fn count_by_zone(db: &Connection, most: i64) -> Result<bool> {
    let sql = "select id, state from messages where counted_day is null and state in ('sent', 'dropped', 'failed', 'unknown') order by id limit ?1";
    let mut rows = db.prepare_cached(sql)?;
    let rows = rows.query_map([most], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?)))?;
    let some: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
    for (id, state) in &some {
        count(db, id, state, -1)?;
        count(db, id, state, 1)?;
    }
    Ok(!some.is_empty())
}

/// It was sent, and with it those that it told of too.
pub fn sent(
    db: &Connection,
    id: &str,
    with: &[String],
    provider_id: Option<&str>,
    window_to: Option<&str>,
    now: Instant,
) -> Result<()> {
    db.execute(
        "update messages set state = 'sent', due_at = null, sent_at = ?2, provider_id = ?3, window_to = ?4, reason = null, sealed = null where id = ?1",
        params![id, now.0, provider_id, window_to],
    )?;
    count(db, id, "sent", 1)?;
    for other in with {
        count(db, other, "sent", 1)?;
        db.execute(
            "update messages set state = 'sent', due_at = null, sent_at = ?2, sent_with = ?3, window_to = ?4, reason = null, sealed = null where id = ?1",
            params![other, now.0, id, window_to],
        )?;
    }
    Ok(())
}

/// It was not sent; later, perhaps. After the last try it is given up and stays, for whoever wants it sent again.
pub fn failed(db: &Connection, id: &str, error: &str, not_before: Option<i64>, now: Instant, jitter: f64) -> Result<()> {
    let attempts: i64 =
        db.query_row("select attempts from messages where id = ?1", [id], |r| r.get(0)).optional()?.unwrap_or_default();
    let wait = usize::try_from(attempts - 1).ok().and_then(|n| RETRIES.get(n));
    let due = wait.map(|w| now.0 + ((*w as f64 * (1.0 + jitter)) as i64).max(not_before.unwrap_or_default()));
    let state = if due.is_some() { "waiting" } else { "failed" };
    db.execute("update messages set state = ?2, due_at = ?3, reason = ?4 where id = ?1", params![id, state, due, error])?;
    if due.is_none() {
        count(db, id, "failed", 1)?;
    }
    Ok(())
}

/// It will not be sent: `dropped` because it should not, `failed` because it can't, `unknown` where it may have been.
pub fn ended(db: &Connection, id: &str, state: &str, reason: &str) -> Result<()> {
    let keep = state == "failed";
    db.execute(
        "update messages set state = ?2, due_at = null, reason = ?3, sealed = iif(?4, sealed, null) where id = ?1",
        params![id, state, reason, keep],
    )?;
    count(db, id, state, 1)
}

/// It waits until then.
pub fn defer(db: &Connection, id: &str, until: i64, reason: &str) -> Result<()> {
    db.execute("update messages set due_at = ?2, reason = ?3 where id = ?1", params![id, until, reason])?;
    Ok(())
}

/// A try that failed before anything was sent.
pub fn count_try(db: &Connection, id: &str) -> Result<()> {
    db.execute("update messages set attempts = attempts + 1 where id = ?1 and state = 'waiting'", [id])?;
    Ok(())
}

/// What a crash left in the middle. Where the channel can tell a repetition it is sent again; else it may have been sent, and the log
/// says so. Returns how many of each.
pub fn recover(db: &Connection, deduplicates: impl Fn(&str, &str) -> bool, now: Instant) -> Result<(usize, usize)> {
    let mut rows = db.prepare("select id, store, channel from messages where state = 'sending'")?;
    let found: Vec<(String, String, String)> =
        rows.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?.collect::<Result<_, _>>()?;
    let (mut again, mut unknown) = (0, 0);
    for (id, store, channel) in found {
        if deduplicates(&store, &channel) {
            db.execute("update messages set state = 'waiting', due_at = ?2 where id = ?1", params![id, now.0])?;
            again += 1;
        } else {
            ended(db, &id, "unknown", "the server stopped while it was being sent: it may have arrived, and is not sent again")?;
            unknown += 1;
        }
    }
    Ok((again, unknown))
}

/// The newest of a store; of one order, or in one state.
pub fn list(db: &Connection, store: &str, order: Option<&str>, state: Option<&str>, before: Option<i64>) -> Result<Vec<Value>> {
    let mut rows = db.prepare_cached(
        "select id, order_id, channel, notice, subject, rule, language, made_at, due_at, state, attempts, sent_at, reason, sent_with, provider_id,
            (select coalesce(o.facts ->> '$.number', o.number) from orders o where o.store = messages.store and o.id = messages.order_id)
         from messages
         where store = ?1 and (?2 is null or order_id = ?2) and (?3 is null or state = ?3) and (?4 is null or made_at < ?4)
         order by made_at desc, id limit 200",
    )?;
    let rows = rows.query_map(params![store, order, state, before], |r| {
        let at = |n: usize| -> rusqlite::Result<Option<Instant>> { Ok(r.get::<_, Option<i64>>(n)?.map(Instant)) };
        let text = |n: usize| r.get::<_, Option<String>>(n);
        Ok(json!({"id": text(0)?, "order_id": text(1)?, "channel": text(2)?, "notice": text(3)?, "subject": text(4)?, "rule": text(5)?,
            "language": text(6)?, "made_at": at(7)?, "due_at": at(8)?, "state": text(9)?, "attempts": r.get::<_, i64>(10)?, "sent_at": at(11)?,
            "reason": text(12)?, "sent_with": text(13)?, "provider_id": text(14)?, "order_number": text(15)?}))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Sends one again, with all its tries before it: also one that may have arrived.
pub fn again(db: &Connection, store: &str, id: &str, now: Instant) -> Result<bool> {
    let before = counted_as(db, id)?;
    let sql = "update messages set due_at = ?3, state = 'waiting', attempts = 0, reason = null where store = ?1 and id = ?2
        and state in ('failed', 'unknown', 'waiting') and (order_id is not null or sealed is not null)";
    let done = db.execute(sql, params![store, id, now.0])? > 0;
    if let Some(state) = before.filter(|_| done) {
        count(db, id, &state, -1)?;
    }
    Ok(done)
}

/// Writes one that was sent once more, as a message of its own: a mailbox drops a second one with the same id. Asked twice in a second, it
/// is written once. Letters are not: what they said is gone. False: there is no such message.
pub fn repeat(db: &Connection, store: &str, id: &str, now: Instant) -> Result<bool> {
    let which = "from messages where store = ?1 and id = ?2 and state = 'sent' and order_id is not null and rule <> '' and sent_with is null";
    let found: bool = db.query_row(&format!("select exists (select 1 {which})"), params![store, id], |r| r.get(0))?;
    let sql = format!(
        "insert or ignore into messages (id, store, order_id, channel, notice, subject, rule, recipient, language, made_at, due_at)
         select substr(?2, 1, 40) || '_' || ?3, store, order_id, channel, notice, subject, rule, recipient, language, ?3, ?3 {which}"
    );
    db.execute(&sql, params![store, id, now.0])?;
    Ok(found)
}
