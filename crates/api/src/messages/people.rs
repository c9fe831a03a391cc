//! Who is reached, and who does not want to be. Addresses are sealed with a key of the store's, and compared by their hashes.

use anyhow::{Result, anyhow};
use hmac::{Hmac, KeyInit, Mac};
use promise::Instant;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;
use tracking::facts::Order;

use super::rules;
use crate::store::{
    care::subscribers,
    orders::{StoreInfo, hash_email},
};

/// Bytes of a nonce, which stands before what it sealed.
const NONCE: usize = 12;

fn derived(store: &StoreInfo, purpose: &str, text: &[u8]) -> Result<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(store.lookup_secret.as_bytes()).map_err(|_| anyhow!("no key"))?;
    mac.update(purpose.as_bytes());
    mac.update(text);
    Ok(mac.finalize().into_bytes().into())
}

fn key(store: &StoreInfo) -> Result<LessSafeKey> {
    let key = derived(store, "contacts v1\n", b"")?;
    Ok(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).map_err(|_| anyhow!("no key"))?))
}

/// Seals a text for a place: elsewhere it can't be opened. The same text at the same place is the same bytes (a replay changes nothing),
/// and no nonce is used for two texts, since it is made from the text.
pub fn seal(store: &StoreInfo, place: &str, text: &[u8]) -> Result<Vec<u8>> {
    let of = [place.as_bytes(), b"\n", text].concat();
    let mut nonce = [0; NONCE];
    nonce.copy_from_slice(&derived(store, "nonce v1\n", &of)?[..NONCE]);
    let mut sealed = text.to_vec();
    key(store)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.as_bytes()), &mut sealed)
        .map_err(|_| anyhow!("sealing failed"))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Opens what [`seal`] sealed for this place. An error: another key, or not what was sealed.
pub fn open(store: &StoreInfo, place: &str, sealed: &[u8]) -> Result<Vec<u8>> {
    let wrong = || anyhow!("what is sealed can't be opened: was lookup_secret changed?");
    let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or_else(wrong)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
    let mut text = sealed.to_vec();
    let opened = key(store)?.open_in_place(nonce, Aad::from(place.as_bytes()), &mut text).map_err(|_| wrong())?;
    Ok(opened.to_vec())
}

/// How an address is compared: nobody can read it back without the store's secret.
pub fn address_hash(store: &StoreInfo, channel: &str, address: &str) -> String {
    match channel {
        "mail" => hash_email(&store.lookup_secret, address),
        // Spaces and hyphens are writing.
        _ => hash_email(&store.lookup_secret, &address.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>()),
    }
}

/// How an order's shopper is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    pub email_hash: Option<String>,
    pub phone_hash: Option<String>,
    pub language: Option<String>,
    sealed: Vec<u8>,
}

/// The addresses themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    pub email: Option<String>,
    /// E.164
    pub phone: Option<String>,
}

fn place(order: &str) -> String {
    format!("contact\n{order}")
}

/// Keeps how an order's shopper is reached, from the order's newest version, and what was agreed to at the checkout.
pub fn keep(db: &Connection, store: &StoreInfo, order: &Order, updated_at: &str) -> Result<()> {
    let email = order.email.as_deref().map(str::trim).filter(|e| notify::mail::is_address(e)).map(str::to_owned);
    let phone = order.phone.as_deref().and_then(|p| notify::sms::number(p, order.destination.country.as_deref()));
    let email_hash = email.as_deref().map(|e| address_hash(store, "mail", e));
    let phone_hash = phone.as_deref().map(|p| address_hash(store, "sms", p));
    let sealed = seal(store, &place(&order.id), &serde_json::to_vec(&Addresses { email, phone })?)?;
    // As with the order itself: the newest wins, and of two that are equally new the same one whichever came first.
    db.prepare_cached(
        "insert into contacts (store, order_id, updated_at, sealed, email_hash, phone_hash, language) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         on conflict (store, order_id) do update set updated_at = excluded.updated_at, sealed = excluded.sealed, email_hash = excluded.email_hash,
            phone_hash = excluded.phone_hash, language = excluded.language
         where (excluded.updated_at, excluded.sealed) > (contacts.updated_at, contacts.sealed)",
    )?
    .execute(params![store.id, order.id, updated_at, sealed, email_hash, phone_hash, order.language])?;
    let at = Instant::parse(&order.placed_at).unwrap_or_default();
    for (channel, address) in [("mail", &email_hash), ("sms", &phone_hash)] {
        if let Some(address) = address.as_ref().filter(|_| order.consents.iter().any(|c| c == channel)) {
            let new = Consent { channel, address, granted: true, source: "checkout", words: None };
            consent(db, &store.id, &new, at)?;
        }
    }
    Ok(())
}

pub fn contact(db: &Connection, store: &str, order: &str) -> Result<Option<Contact>> {
    let read =
        |r: &rusqlite::Row| Ok(Contact { email_hash: r.get(0)?, phone_hash: r.get(1)?, language: r.get(2)?, sealed: r.get(3)? });
    let sql = "select email_hash, phone_hash, language, sealed from contacts where store = ?1 and order_id = ?2";
    Ok(db.prepare_cached(sql)?.query_row([store, order], read).optional()?)
}

impl Contact {
    pub fn addresses(&self, store: &StoreInfo, order: &str) -> Result<Addresses> {
        if self.sealed.is_empty() {
            return Ok(Addresses::default());
        }
        Ok(serde_json::from_slice(&open(store, &place(order), &self.sealed)?)?)
    }
}

/// What somebody agreed to, or took back.
#[derive(Clone, Copy, Debug)]
pub struct Consent<'a> {
    pub channel: &'a str,
    pub address: &'a str,
    pub granted: bool,
    pub source: &'a str,
    pub words: Option<&'a str>,
}

/// Records it; the same record is kept once.
pub fn consent(db: &Connection, store: &str, c: &Consent, at: Instant) -> Result<()> {
    db.prepare_cached(
        "insert into consents (store, channel, address, granted, source, words, at) select ?1, ?2, ?3, ?4, ?5, ?6, ?7
         where not exists (select 1 from consents where store = ?1 and channel = ?2 and address = ?3 and granted = ?4 and source = ?5 and at = ?7)",
    )?
    .execute(params![store, c.channel, c.address, c.granted, c.source, c.words, at.0])?;
    Ok(())
}

/// Why an address is not written to: `unsubscribed`, `stop`, `bounced`, `complained`, `merchant`.
pub fn suppressed(db: &Connection, store: &str, channel: &str, address: &str) -> Result<Option<String>> {
    let sql = "select reason from suppressions where store = ?1 and channel = ?2 and address = ?3";
    Ok(db.prepare_cached(sql)?.query_row([store, channel, address], |r| r.get(0)).optional()?)
}

/// What was said last on an order's page about a channel (`mail`, `sms`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    pub given: bool,
    pub at: i64,
    pub address: Option<String>,
    pub hash: Option<String>,
    pub language: String,
}

/// An address that was said on an order's page, as it is kept.
pub fn seal_said(store: &StoreInfo, order: &str, address: &str) -> Result<String> {
    Ok(format!("sealed:{}", hex::encode(seal(store, &format!("said\n{order}"), address.as_bytes())?)))
}

/// And back; one from before they were sealed stands as it was said.
pub fn open_said(store: &StoreInfo, order: &str, kept: &str) -> Result<String> {
    let Some(sealed) = kept.strip_prefix("sealed:") else { return Ok(kept.to_owned()) };
    Ok(String::from_utf8(open(store, &format!("said\n{order}"), &hex::decode(sealed)?)?)?)
}

pub fn said(db: &Connection, store: &StoreInfo, order: &str, channel: &str) -> Result<Option<Said>> {
    let shown = if channel == "mail" { "email" } else { channel };
    let Some(newest) = subscribers::newest(db, &store.id, order, shown)? else { return Ok(None) };
    let address = newest.address.and_then(|kept| open_said(store, order, &kept).ok());
    let hash = address.as_deref().map(|a| address_hash(store, channel, a));
    Ok(Some(Said { given: newest.given, at: newest.at.0, address, hash, language: newest.language }))
}

/// Whether somebody agreed to be told about an order at this address. What was said on the order's page counts for the order; what was
/// said elsewhere for the address; a no that came later than a yes ends it, wherever it was said.
pub fn agreed_about(db: &Connection, store: &StoreInfo, order: &str, channel: &str, address: &str) -> Result<bool> {
    let sql =
        "select granted, at from consents where store = ?1 and channel = ?2 and address = ?3 order by at desc, id desc limit 1";
    let elsewhere: Option<(bool, i64)> =
        db.prepare_cached(sql)?.query_row([&store.id, channel, address], |r| Ok((r.get(0)?, r.get(1)?))).optional()?;
    Ok(match said(db, store, order, channel)? {
        Some(s) if !s.given => false,
        Some(s) if s.hash.as_deref() == Some(address) => elsewhere.is_none_or(|(granted, at)| granted || at <= s.at),
        _ => elsewhere.is_some_and(|e| e.0),
    })
}

/// Whether somebody is told about an order on a channel, as things are: because they asked, or because nobody objected.
pub fn told(db: &Connection, store: &StoreInfo, order: &str, channel: &str) -> Result<bool> {
    let said = said(db, store, order, channel)?;
    if said.as_ref().is_some_and(|s| !s.given) {
        return Ok(false);
    }
    let contact = contact(db, &store.id, order)?.unwrap_or_default();
    let own = if channel == "mail" { contact.email_hash } else { contact.phone_hash };
    let asked = said.is_some();
    let Some(hash) = said.and_then(|s| s.hash).or(own) else { return Ok(asked) };
    if suppressed(db, &store.id, channel, &hash)?.is_some() {
        return Ok(false);
    }
    if asked {
        return agreed_about(db, store, order, channel, &hash);
    }
    if !store.channels.iter().any(|c| c == channel) {
        return Ok(false);
    }
    let rules = rules::of(db, &store.id)?;
    let agreed = agreed_about(db, store, order, channel, &hash)?;
    Ok(rules.enabled && rules.rules.iter().any(|r| r.enabled && r.channel == channel && (r.basis == "transactional" || agreed)))
}

/// Whether nothing was sent to this address yet.
pub fn first_time(db: &Connection, store: &str, channel: &str, address: &str) -> Result<bool> {
    let sql =
        "select exists (select 1 from messages where store = ?1 and recipient = ?2 and channel = ?3 and sent_at is not null)";
    Ok(!db.prepare_cached(sql)?.query_row([store, address, channel], |r| r.get::<_, bool>(0))?)
}

/// Nothing is sent to it from here on. `hint`: enough of it for the merchant to recognise.
pub fn suppress(
    db: &Connection,
    store: &str,
    channel: &str,
    address: &str,
    hint: Option<&str>,
    reason: &str,
    now: Instant,
) -> Result<()> {
    // What was withdrawn stays withdrawn, whatever happens to the mailbox; the first reason is told.
    db.prepare_cached(
        "insert into suppressions (store, channel, address, hint, reason, at) values (?1, ?2, ?3, ?4, ?5, ?6)
         on conflict (store, channel, address) do update set hint = coalesce(suppressions.hint, excluded.hint)",
    )?
    .execute(params![store, channel, address, hint, reason, now.0])?;
    if matches!(reason, "unsubscribed" | "stop" | "complained") {
        consent(db, store, &Consent { channel, address, granted: false, source: reason, words: None }, now)?;
    }
    Ok(())
}

/// It may be written to again. Returns whether it was suppressed.
pub fn release(db: &Connection, store: &str, channel: &str, address: &str) -> Result<bool> {
    Ok(db.execute("delete from suppressions where store = ?1 and channel = ?2 and address = ?3", [store, channel, address])? > 0)
}

/// The newest of a store.
pub fn suppressions(db: &Connection, store: &str) -> Result<Vec<Value>> {
    let mut rows = db.prepare_cached(
        "select channel, address, hint, reason, at from suppressions where store = ?1 order by at desc, address limit 500",
    )?;
    let rows = rows.query_map([store], |r| {
        Ok(json!({"channel": r.get::<_, String>(0)?, "address": r.get::<_, String>(1)?, "hint": r.get::<_, Option<String>>(2)?,
            "reason": r.get::<_, String>(3)?, "at": Instant(r.get(4)?)}))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// `a…@example.com`, `…0100`: enough to recognise, too little to write to.
pub fn hint(address: &str) -> String {
    match address.split_once('@') {
        Some((name, domain)) => format!("{}…@{domain}", name.chars().next().unwrap_or_default()),
        None => format!("…{}", address.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_at_its_place() {
        let store = StoreInfo { lookup_secret: "s".repeat(32), ..StoreInfo::default() };
        let sealed = seal(&store, "order 1", b"ada@example.com").unwrap();
        assert_eq!(open(&store, "order 1", &sealed).unwrap(), b"ada@example.com");
        assert_eq!(sealed, seal(&store, "order 1", b"ada@example.com").unwrap());
        assert!(!sealed.windows(3).any(|w| w == b"ada"));
        assert!(open(&store, "order 2", &sealed).is_err());
        let other = StoreInfo { lookup_secret: "t".repeat(32), ..StoreInfo::default() };
        assert!(open(&other, "order 1", &sealed).is_err());
        for n in 0..sealed.len() {
            assert!(open(&store, "order 1", &sealed[..n]).is_err());
        }
    }

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        let store = StoreInfo::default();
        assert_eq!(address_hash(&store, "mail", " Ada@Example.com"), address_hash(&store, "mail", "ada@example.com"));
        assert_eq!((hint("ada@example.com").as_str(), hint("+14155550100").as_str()), ("a…@example.com", "…0100"));
        assert_eq!(address_hash(&store, "sms", "+1 (415) 555-0100"), address_hash(&store, "sms", "14155550100"));
    }
}
