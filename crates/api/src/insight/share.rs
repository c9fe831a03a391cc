//! Scorecards that are shown to a carrier or a supplier: a link opens one of them, alone, until it ends or is taken back.
//!
//! `s1.{store}.{id}.{expiry, unix seconds}.{hex HMAC-SHA256 over all before the last dot}`. The key is made from the store's token secret
//! for this purpose alone, so that no order token opens a scorecard, nor the other way round.

use anyhow::Result;
use hmac::{Hmac, KeyInit, Mac};
use promise::Instant;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use sha2::Sha256;

use super::outcome::dimension;

/// Longest validity, in days.
pub const LONGEST: i64 = 366;

/// What a link shows.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SharedScorecard)]
pub struct Shared {
    pub id: String,
    /// `carrier` or `origin`.
    pub dimension: String,
    pub key: String,
    /// How far back it shows, from the day that it is opened.
    pub days: i32,
    #[schema(value_type = String)]
    pub made_at: Instant,
    pub made_by: String,
    #[schema(value_type = String)]
    pub expires_at: Instant,
    #[schema(value_type = Option<String>)]
    pub revoked_at: Option<Instant>,
}

pub fn dimension_named(name: &str) -> Option<&'static str> {
    [dimension::CARRIER, dimension::ORIGIN].into_iter().find(|d| *d == name)
}

fn signature(secret: &str, text: &str) -> Option<Hmac<Sha256>> {
    let mut derive = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes()).ok()?;
    derive.update(b"whereabouts scorecard");
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&derive.finalize().into_bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}

/// The token of a link.
pub fn token(store: &str, shared: &Shared, secret: &str) -> String {
    let signed = format!("s1.{store}.{}.{}", shared.id, shared.expires_at.0);
    let mac = signature(secret, &signed).map(|m| hex::encode(m.finalize().into_bytes())).unwrap_or_default();
    format!("{signed}.{mac}")
}

/// The store and the id of a token that is signed and not over.
pub fn verify<'a>(token: &str, secrets: impl Fn(&str) -> Vec<&'a str>, now: i64) -> Option<(String, String)> {
    let (signed, given) = token.rsplit_once('.')?;
    let fields: Vec<&str> = signed.split('.').collect();
    let ["s1", store, id, expiry] = fields.as_slice() else { return None };
    let given = hex::decode(given).ok()?;
    let valid = secrets(store).iter().filter_map(|s| signature(s, signed)).any(|mac| mac.verify_slice(&given).is_ok());
    let until: i64 = expiry.parse().ok()?;
    (valid && now < until).then(|| ((*store).to_owned(), (*id).to_owned()))
}

pub fn make(db: &Connection, store: &str, shared: &Shared) -> Result<()> {
    db.execute(
        "insert into shared_links (id, store, dimension, key, days, made_at, made_by, expires_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![shared.id, store, shared.dimension, shared.key, shared.days, shared.made_at.0, shared.made_by, shared.expires_at.0],
    )?;
    Ok(())
}

fn read(r: &rusqlite::Row) -> rusqlite::Result<Shared> {
    Ok(Shared {
        id: r.get(0)?,
        dimension: r.get(1)?,
        key: r.get(2)?,
        days: r.get(3)?,
        made_at: Instant(r.get(4)?),
        made_by: r.get(5)?,
        expires_at: Instant(r.get(6)?),
        revoked_at: r.get::<_, Option<i64>>(7)?.map(Instant),
    })
}

const FIELDS: &str = "id, dimension, key, days, made_at, made_by, expires_at, revoked_at";

/// A store's links, newest first.
pub fn list(db: &Connection, store: &str) -> Result<Vec<Shared>> {
    let mut rows =
        db.prepare_cached(&format!("select {FIELDS} from shared_links where store = ?1 order by made_at desc, id limit 200"))?;
    let rows = rows.query_map([store], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A link that still opens something.
pub fn open(db: &Connection, store: &str, id: &str) -> Result<Option<Shared>> {
    let sql = format!("select {FIELDS} from shared_links where store = ?1 and id = ?2 and revoked_at is null");
    Ok(db.prepare_cached(&sql)?.query_row([store, id], read).optional()?)
}

pub fn revoke(db: &Connection, store: &str, id: &str, now: Instant) -> Result<bool> {
    let sql = "update shared_links set revoked_at = ?3 where store = ?1 and id = ?2 and revoked_at is null";
    Ok(db.execute(sql, params![store, id, now.0])? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_only_what_was_signed_and_only_in_time() {
        let shared = Shared {
            id: "abc".into(),
            dimension: "carrier".into(),
            key: "ups".into(),
            days: 91,
            made_at: Instant(0),
            made_by: "ada".into(),
            expires_at: Instant(1000),
            revoked_at: None,
        };
        let secret = "0123456789abcdef0123456789abcdef";
        let made = token("demo", &shared, secret);
        let secrets = |_: &str| vec!["another, retired", secret];
        assert_eq!(verify(&made, secrets, 999), Some(("demo".into(), "abc".into())));
        assert_eq!(verify(&made, secrets, 1000), None);
        assert_eq!(verify(&made, |_| vec!["another"], 0), None);
        for wrong in [made.replace("abc", "abd"), made.replace(".1000.", ".9000."), made.replace("demo", "else"), "s1..".into()] {
            assert_eq!(verify(&wrong, secrets, 0), None, "{wrong}");
        }
        let order = crate::token::mint("demo", "abc", 1000, secret);
        assert_eq!(verify(&order, secrets, 0), None);
        assert!(crate::token::verify(&made, secrets, 0).is_err());
    }
}
