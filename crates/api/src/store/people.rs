//! Staff: people, what they may do where, their sessions, and the one-time links that bring them in.

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

/// What somebody may do in a store. Each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees everything but secrets, changes nothing.
    Viewer,
    /// Helps shoppers: orders, reports, delay notices.
    Support,
    /// Everything.
    Owner,
}

impl Role {
    pub const ALL: [Role; 3] = [Role::Owner, Role::Support, Role::Viewer];

    pub fn word(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Support => "support",
            Role::Owner => "owner",
        }
    }

    pub fn parse(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|r| r.word() == word)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: i64,
    pub email: String,
    pub name: String,
    /// Runs the installation: owner of every store, makes new ones.
    pub installation: bool,
}

/// What a session's cookie is kept as.
pub fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

pub fn any(db: &Connection) -> Result<bool> {
    Ok(db.query_row("select exists (select 1 from people)", [], |r| r.get(0))?)
}

/// The person with an address, and the hash of their password.
pub fn by_email(db: &Connection, email: &str) -> Result<Option<(Person, String)>> {
    let sql = "select id, email, name, installation, password from people where email = ?1";
    let read = |r: &rusqlite::Row| {
        Ok((Person { id: r.get(0)?, email: r.get(1)?, name: r.get(2)?, installation: r.get(3)? }, r.get::<_, String>(4)?))
    };
    Ok(db.query_row(sql, [email.trim().to_lowercase()], read).optional()?)
}

pub fn create(db: &Connection, email: &str, name: &str, password: &str, installation: bool, now: Instant) -> Result<i64> {
    db.execute(
        "insert into people (email, name, password, installation, made_at) values (?1, ?2, ?3, ?4, ?5)",
        params![email.trim().to_lowercase(), name.trim(), password, installation, now.0],
    )?;
    Ok(db.last_insert_rowid())
}

/// A new password ends all sessions.
pub fn set_password(db: &Connection, person: i64, password: &str) -> Result<()> {
    db.execute("update people set password = ?2 where id = ?1", params![person, password])?;
    db.execute("delete from sessions where person = ?1", [person])?;
    // Links for a new password that were made before, too.
    db.execute("delete from invitations where kind = 'password' and email = (select email from people where id = ?1)", [person])?;
    Ok(())
}

/// What a person may do in a store, if anything.
pub fn role(db: &Connection, person: &Person, store: &str) -> Result<Option<Role>> {
    if person.installation {
        return Ok(Some(Role::Owner));
    }
    let sql = "select role from members where store = ?1 and person = ?2";
    let word: Option<String> = db.prepare_cached(sql)?.query_row(params![store, person.id], |r| r.get(0)).optional()?;
    Ok(word.as_deref().and_then(Role::parse))
}

/// The stores a person belongs to by name; nothing of it counts for who runs the installation.
pub fn stores_of(db: &Connection, person: i64) -> Result<Vec<String>> {
    let mut rows = db.prepare_cached("select store from members where person = ?1 order by store")?;
    let rows = rows.query_map([person], |r| r.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn join(db: &Connection, store: &str, person: i64, role: Role) -> Result<()> {
    db.execute("insert or replace into members (store, person, role) values (?1, ?2, ?3)", params![store, person, role.word()])?;
    Ok(())
}

/// Takes somebody's place in a store away.
pub fn leave(db: &Connection, store: &str, person: i64) -> Result<bool> {
    Ok(db.execute("delete from members where store = ?1 and person = ?2", params![store, person])? > 0)
}

/// Who works for a store; who runs the installation is listed first.
pub fn members(db: &Connection, store: &str) -> Result<Vec<(Person, Role)>> {
    let mut rows = db.prepare_cached(
        "select p.id, p.email, p.name, p.installation, coalesce(m.role, 'owner') from people p left join members m on m.person = p.id and m.store = ?1
         where p.installation or m.store is not null order by p.installation desc, p.name, p.id",
    )?;
    let rows = rows.query_map([store], |r| {
        let person = Person { id: r.get(0)?, email: r.get(1)?, name: r.get(2)?, installation: r.get(3)? };
        let role = if person.installation { Role::Owner } else { Role::parse(&r.get::<_, String>(4)?).unwrap_or(Role::Viewer) };
        Ok((person, role))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A session as long as nothing happens in it, and at most.
pub const IDLE: i64 = 12 * 3600;
pub const LONGEST: i64 = 7 * 86_400;

pub fn open_session(db: &Connection, secret: &str, person: i64, agent: &str, now: Instant) -> Result<()> {
    db.execute("delete from sessions where ends_at <= ?1 or seen_at <= ?2", params![now.0, now.0 - IDLE])?;
    db.execute(
        "insert into sessions (hash, person, made_at, seen_at, ends_at, agent) values (?1, ?2, ?3, ?3, ?4, ?5)",
        params![hash(secret), person, now.0, now.0 + LONGEST, agent],
    )?;
    Ok(())
}

/// Whose session it is, and when it was last seen; nothing once it has ended.
pub fn session(db: &Connection, secret: &str, now: Instant) -> Result<Option<(Person, i64)>> {
    let sql = "select p.id, p.email, p.name, p.installation, s.seen_at from sessions s join people p on p.id = s.person
               where s.hash = ?1 and s.ends_at > ?2 and s.seen_at > ?3";
    let read = |r: &rusqlite::Row| {
        Ok((Person { id: r.get(0)?, email: r.get(1)?, name: r.get(2)?, installation: r.get(3)? }, r.get::<_, i64>(4)?))
    };
    Ok(db.prepare_cached(sql)?.query_row(params![hash(secret), now.0, now.0 - IDLE], read).optional()?)
}

pub fn session_seen(db: &Connection, secret: &str, now: Instant) -> Result<()> {
    db.execute("update sessions set seen_at = ?2 where hash = ?1", params![hash(secret), now.0])?;
    Ok(())
}

pub fn end_session(db: &Connection, secret: &str) -> Result<()> {
    db.execute("delete from sessions where hash = ?1", [hash(secret)])?;
    Ok(())
}

/// Ends all sessions of a person but one.
pub fn end_others(db: &Connection, person: i64, secret: &str) -> Result<usize> {
    Ok(db.execute("delete from sessions where person = ?1 and hash <> ?2", params![person, hash(secret)])?)
}

/// A person's open sessions: when they began, when they were last used, with what, and whether it is this one.
pub fn sessions(db: &Connection, person: i64, secret: &str, now: Instant) -> Result<Vec<(Instant, Instant, String, bool)>> {
    let mut rows = db.prepare_cached(
        "select made_at, seen_at, agent, hash = ?2 from sessions where person = ?1 and ends_at > ?3 and seen_at > ?4 order by seen_at desc",
    )?;
    let rows = rows.query_map(params![person, hash(secret), now.0, now.0 - IDLE], |r| {
        Ok((Instant(r.get(0)?), Instant(r.get(1)?), r.get(2)?, r.get(3)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A one-time link.
#[derive(Clone, Debug, Default)]
pub struct Invitation {
    /// `set_up`, `join` or `password`.
    pub kind: String,
    pub store: String,
    pub role: String,
    pub email: String,
    pub made_by: String,
    pub ends_at: i64,
}

/// Keeps a link. One for setting up takes the place of those before it.
pub fn invite(db: &Connection, secret: &str, i: &Invitation, now: Instant) -> Result<()> {
    db.execute("delete from invitations where ends_at <= ?1 or kind = 'set_up' and ?2 = 'set_up'", params![now.0, i.kind])?;
    db.execute(
        "insert into invitations (hash, kind, store, role, email, made_by, made_at, ends_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![hash(secret), i.kind, i.store, i.role, i.email.trim().to_lowercase(), i.made_by, now.0, i.ends_at],
    )?;
    Ok(())
}

fn read_invitation(r: &rusqlite::Row) -> rusqlite::Result<Invitation> {
    Ok(Invitation {
        kind: r.get(0)?,
        store: r.get(1)?,
        role: r.get(2)?,
        email: r.get(3)?,
        made_by: r.get(4)?,
        ends_at: r.get(5)?,
    })
}

/// What a link is for, while it is valid.
pub fn invitation(db: &Connection, secret: &str, now: Instant) -> Result<Option<Invitation>> {
    let sql = "select kind, store, role, email, made_by, ends_at from invitations where hash = ?1 and ends_at > ?2";
    Ok(db.query_row(sql, params![hash(secret), now.0], read_invitation).optional()?)
}

/// Uses a link up.
pub fn take_invitation(db: &Connection, secret: &str, now: Instant) -> Result<Option<Invitation>> {
    let sql = "delete from invitations where hash = ?1 and ends_at > ?2 returning kind, store, role, email, made_by, ends_at";
    Ok(db.query_row(sql, params![hash(secret), now.0], read_invitation).optional()?)
}

/// Links of a store that nobody has used yet: email, role, until when, and their hashes, to take them back by.
pub fn invited(db: &Connection, store: &str, now: Instant) -> Result<Vec<(String, String, i64, String)>> {
    let mut rows = db.prepare_cached(
        "select email, role, ends_at, hash from invitations where store = ?1 and kind = 'join' and ends_at > ?2 order by made_at",
    )?;
    let rows = rows.query_map(params![store, now.0], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn uninvite(db: &Connection, store: &str, hash: &str) -> Result<bool> {
    Ok(db.execute("delete from invitations where store = ?1 and hash = ?2", params![store, hash])? > 0)
}
