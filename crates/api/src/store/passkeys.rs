//! Passkeys of staff, and the browsers that somebody has signed in from.

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, OptionalExtension, params};

use super::people::{self, hash};

/// More than anybody has.
pub const MOST: i64 = 20;
/// Browsers remembered by person: the newest.
const DEVICES: i64 = 20;

#[derive(Clone, Debug)]
pub struct Passkey {
    pub id: i64,
    pub person: i64,
    pub name: String,
    /// `SubjectPublicKeyInfo`, DER.
    pub key: Vec<u8>,
    pub count: u32,
    pub made_at: Instant,
    pub used_at: Option<Instant>,
}

const COLUMNS: &str = "id, person, name, key, count, made_at, used_at";

fn read(r: &rusqlite::Row) -> rusqlite::Result<Passkey> {
    Ok(Passkey {
        id: r.get(0)?,
        person: r.get(1)?,
        name: r.get(2)?,
        key: r.get(3)?,
        count: r.get(4)?,
        made_at: Instant(r.get(5)?),
        used_at: r.get::<_, Option<i64>>(6)?.map(Instant),
    })
}

pub fn of(db: &Connection, person: i64) -> Result<Vec<Passkey>> {
    let mut rows = db.prepare_cached(&format!("select {COLUMNS} from passkeys where person = ?1 order by id"))?;
    let rows = rows.query_map([person], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn by_credential(db: &Connection, credential: &str) -> Result<Option<Passkey>> {
    let sql = format!("select {COLUMNS} from passkeys where credential = ?1");
    Ok(db.prepare_cached(&sql)?.query_row([credential], read).optional()?)
}

/// What authenticators know already, so that one isn't asked twice.
pub fn credentials(db: &Connection, person: i64) -> Result<Vec<String>> {
    let mut rows = db.prepare_cached("select credential from passkeys where person = ?1 order by id")?;
    let rows = rows.query_map([person], |r| r.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// False: there is one of this name for an authenticator already, or the person has as many as can be.
pub fn add(db: &Connection, person: i64, credential: &str, name: &str, key: &[u8], count: u32, now: Instant) -> Result<bool> {
    let sql = "insert or ignore into passkeys (credential, person, name, key, count, made_at)
        select ?2, ?1, ?3, ?4, ?5, ?6 where (select count(*) from passkeys where person = ?1) < ?7";
    Ok(db.execute(sql, params![person, credential, name, key, count, now.0, MOST])? > 0)
}

/// False: it is gone, or was used meanwhile with a later count.
pub fn used(db: &Connection, id: i64, count: u32, now: Instant) -> Result<bool> {
    let sql = "update passkeys set count = ?2, used_at = ?3 where id = ?1 and (count < ?2 or (count = 0 and ?2 = 0))";
    Ok(db.execute(sql, params![id, count, now.0])? > 0)
}

pub fn remove(db: &Connection, person: i64, id: i64) -> Result<bool> {
    Ok(db.execute("delete from passkeys where person = ?1 and id = ?2", [person, id])? > 0)
}

pub fn remove_all(db: &Connection, person: i64) -> Result<()> {
    db.execute("delete from passkeys where person = ?1", [person])?;
    db.execute("delete from devices where person = ?1", [person])?;
    Ok(())
}

/// Somebody has signed in from this browser.
pub fn note_device(db: &Connection, secret: &str, person: i64, now: Instant) -> Result<()> {
    let sql = "insert into devices (hash, person, used_at) values (?1, ?2, ?3) on conflict (hash) do update set person = ?2, used_at = ?3";
    db.execute(sql, params![hash(secret), person, now.0])?;
    let sql = "delete from devices where person = ?1 and hash not in (select hash from devices where person = ?1 order by used_at desc, hash limit ?2)";
    db.execute(sql, params![person, DEVICES])?;
    Ok(())
}

/// Whether whoever has this address has signed in from this browser before.
pub fn knows_device(db: &Connection, secret: &str, email: &str) -> Result<bool> {
    let Some((person, _)) = people::by_email(db, email)? else { return Ok(false) };
    let sql = "select exists (select 1 from devices where hash = ?1 and person = ?2)";
    Ok(db.query_row(sql, params![hash(secret), person.id], |r| r.get(0))?)
}
