//! Webhook signatures: each source's own scheme, over the raw bytes, compared in constant time.
//!
//! | source | covers | replay protection |
//! |---|---|---|
//! | `shopify`, `woocommerce`, `aftership`, `easypost` | the body | none in the scheme: drop repeated event ids |
//! | `17track`, `fedex` | the body | none in the scheme |
//! | `shippo`, `shipengine`, `standard` | timestamp and body | [`TOLERANCE`] |
//! | `usps` | timestamp and payload | none: the time is the event's, and events come late; drop repeated contents |
//! | `trackingmore`, `track123` | the timestamp alone | [`TOLERANCE`] |
//! | `ups`, `dhl_universal` | nothing: a shared credential comes with it | none |
//!
//! The last four don't protect the body: whoever sees one request can send another body, for five minutes or, with UPS's credential, until
//! the subscription ends. Serve them over TLS only.

mod query;
mod rsa;
mod sign;
#[cfg(test)]
mod tests;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;

pub use query::{Query, verify_query};
pub use sign::sign;

/// How far a signed timestamp may be from now, in seconds, before and after (Standard Webhooks' figure).
pub const TOLERANCE: i64 = 300;

/// The topic of what a source sends about its subscription, not about a parcel.
pub const HANDSHAKE: &str = "handshake";

/// What a verified request says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// The source's id of the event: the same event has the same id however often it is sent.
    pub event_id: Option<String>,
    pub topic: Option<String>,
    /// When the source made or sent the event, in seconds since 1970. Signed only where the table above says so.
    pub at: Option<i64>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    #[error("this source is not known")]
    UnknownSource,
    #[error("the signature header is missing")]
    Missing,
    #[error("the signature does not match")]
    Mismatch,
    #[error("the timestamp is too far from now")]
    Stale,
}

/// A request as the schemes see it.
struct Request<'a> {
    secrets: &'a [&'a str],
    header: &'a dyn Fn(&str) -> Option<String>,
    body: &'a [u8],
    now: i64,
}

/// Verifies a request of `source`, with any of several secrets (so that one can be replaced while the other is still in use).
/// `header` looks a header up by its lower-case name; `now` is in seconds since 1970. A secret is what the source shows as such;
/// for `17track` the API key, for `shipengine` its key set (JWKS) as JSON.
pub fn verify(
    source: &str,
    secrets: &[&str],
    header: &dyn Fn(&str) -> Option<String>,
    body: &[u8],
    now: i64,
) -> Result<Verified, Rejected> {
    let request = Request { secrets, header, body, now };
    match source {
        "shopify" => shopify(&request),
        "woocommerce" => woocommerce(&request),
        "easypost" => easypost(&request),
        "aftership" => aftership(&request),
        "shippo" => shippo(&request),
        "shipengine" => shipengine(&request),
        "17track" => seventeen_track(&request),
        "trackingmore" => timestamp_alone(&request, "timestamp", "signature"),
        "track123" => timestamp_alone(&request, "x-track123-timestamp", "x-track123-signature"),
        "standard" => standard(&request),
        "ups" => ups(&request),
        "fedex" => fedex(&request),
        "dhl_universal" => dhl(&request),
        "usps" => usps(&request),
        _ => Err(Rejected::UnknownSource),
    }
}

impl Request<'_> {
    /// The first of these headers that is there and not blank.
    fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| (self.header)(name)).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn need(&self, names: &[&str]) -> Result<String, Rejected> {
        self.first(names).ok_or(Rejected::Missing)
    }

    fn any(&self, check: impl Fn(&str) -> bool) -> Result<(), Rejected> {
        self.secrets.iter().any(|secret| !secret.is_empty() && check(secret)).then_some(()).ok_or(Rejected::Mismatch)
    }

    fn fresh(&self, at: i64) -> Result<(), Rejected> {
        if self.now.abs_diff(at) > TOLERANCE.unsigned_abs() { Err(Rejected::Stale) } else { Ok(()) }
    }

    /// What the body says of the event, beside the signature. Read only once the signature is right.
    fn head(&self) -> Head {
        serde_json::from_slice(self.body).unwrap_or_default()
    }
}

/// Ids, topics and times as sources write them at the top of their bodies; all else is passed over.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Head {
    id: Value,
    event_id: Value,
    description: Value,
    event: Value,
    resource_type: Value,
    created_at: Value,
    ts: Value,
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Shopify's headers come as `X-Shopify-…`, and as `Shopify-…` in its newer Events.
fn shopify(r: &Request) -> Result<Verified, Rejected> {
    let given = base64(&r.need(&["x-shopify-hmac-sha256", "shopify-hmac-sha256"])?)?;
    r.any(|secret| matches(secret.as_bytes(), &[r.body], &given))?;
    Ok(Verified {
        event_id: r.first(&["x-shopify-webhook-id", "shopify-webhook-id", "x-shopify-event-id", "shopify-event-id"]),
        topic: r.first(&["x-shopify-topic", "shopify-topic"]),
        at: r.first(&["x-shopify-triggered-at", "shopify-triggered-at"]).and_then(|t| rfc3339(&t)),
    })
}

fn woocommerce(r: &Request) -> Result<Verified, Rejected> {
    let given = base64(&r.need(&["x-wc-webhook-signature"])?)?;
    r.any(|secret| matches(secret.as_bytes(), &[r.body], &given))?;
    Ok(Verified { event_id: r.first(&["x-wc-webhook-delivery-id"]), topic: r.first(&["x-wc-webhook-topic"]), at: None })
}

fn easypost(r: &Request) -> Result<Verified, Rejected> {
    let given = hexadecimal(r.need(&["x-hmac-signature"])?.strip_prefix("hmac-sha256-hex=").unwrap_or_default())?;
    r.any(|secret| match secret.is_ascii() {
        true => matches(secret.as_bytes(), &[r.body], &given),
        false => matches(secret.nfkd().collect::<String>().as_bytes(), &[r.body], &given),
    })?;
    let head = r.head();
    Ok(Verified { event_id: text(&head.id), topic: text(&head.description), at: head.created_at.as_str().and_then(rfc3339) })
}

/// Tracking's own header, and the one of AfterShip's other products; one scheme.
fn aftership(r: &Request) -> Result<Verified, Rejected> {
    let given = base64(&r.need(&["aftership-hmac-sha256", "as-signature-hmac-sha256"])?)?;
    r.any(|secret| matches(secret.as_bytes(), &[r.body], &given))?;
    let head = r.head();
    Ok(Verified { event_id: text(&head.event_id), topic: text(&head.event), at: head.ts.as_i64() })
}

/// `Shippo-Auth-Signature: t=<seconds>,v1=<hex>` over `t.body`.
fn shippo(r: &Request) -> Result<Verified, Rejected> {
    let given = r.need(&["shippo-auth-signature"])?;
    let part = |name: &str| given.split(',').find_map(|p| p.trim().strip_prefix(name)?.strip_prefix('='));
    let (Some(time), Some(signature)) = (part("t"), part("v1")) else { return Err(Rejected::Missing) };
    let at = time.parse().map_err(|_| Rejected::Stale)?;
    r.fresh(at)?;
    let signature = hexadecimal(signature)?;
    r.any(|secret| matches(secret.as_bytes(), &[time.as_bytes(), b".", r.body], &signature))?;
    Ok(Verified { event_id: None, topic: text(&r.head().event), at: Some(at) })
}

/// RSA over `timestamp.body`, with the key that the header names.
fn shipengine(r: &Request) -> Result<Verified, Rejected> {
    let given = base64(&r.need(&["x-shipengine-rsa-sha256-signature"])?)?;
    let key = r.need(&["x-shipengine-rsa-sha256-key-id"])?;
    let time = r.need(&["x-shipengine-timestamp"])?;
    let at = rfc3339(&time).ok_or(Rejected::Stale)?;
    r.fresh(at)?;
    let message = [time.as_bytes(), b".", r.body].concat();
    r.any(|keys| rsa::verifies(keys, &key, &message, &given))?;
    Ok(Verified { event_id: None, topic: text(&r.head().resource_type), at: Some(at) })
}

/// `sign: hex(SHA256(body + "/" + key))`: a digest, not an HMAC.
fn seventeen_track(r: &Request) -> Result<Verified, Rejected> {
    let given = hexadecimal(&r.need(&["sign"])?)?;
    r.any(|key| {
        let digest = Sha256::new().chain_update(r.body).chain_update(b"/").chain_update(key.as_bytes()).finalize();
        digest.as_slice().ct_eq(&given).into()
    })?;
    Ok(Verified { event_id: None, topic: text(&r.head().event), at: None })
}

/// HMAC over the timestamp header and nothing else. Its unit is seconds at TrackingMore, milliseconds at Track123.
fn timestamp_alone(r: &Request, time: &str, signature: &str) -> Result<Verified, Rejected> {
    let given = r.need(&[signature])?;
    let time = r.need(&[time])?;
    // TrackingMore signs in hex; Track123 does not say, so both encodings of the same bytes are taken.
    let given = hexadecimal(&given).or_else(|_| base64(&given))?;
    let number: i64 = time.parse().map_err(|_| Rejected::Stale)?;
    let at = if number >= 100_000_000_000 { number / 1000 } else { number };
    r.fresh(at)?;
    r.any(|secret| matches(secret.as_bytes(), &[time.as_bytes()], &given))?;
    Ok(Verified { event_id: None, topic: None, at: Some(at) })
}

/// FedEx Advanced Integrated Visibility: `fdx-signature`, keyed with the webhook project's security token. Its guide says base64 in one
/// place and hex in another: both encodings of the same bytes are taken. No id comes with it.
fn fedex(r: &Request) -> Result<Verified, Rejected> {
    let given = r.need(&["fdx-signature"])?;
    let given = hexadecimal(&given).or_else(|_| base64(&given))?;
    r.any(|secret| matches(secret.as_bytes(), &[r.body], &given))?;
    Ok(Verified { event_id: None, topic: Some("push".into()), at: None })
}

/// UPS Track Alert sends the subscription's credential back, and signs nothing.
fn ups(r: &Request) -> Result<Verified, Rejected> {
    let given = r.need(&["credential"])?;
    // Digests, so that not even the length can be told from the time that it takes.
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    let given = digest(given.strip_prefix("Bearer ").unwrap_or(&given));
    r.any(|secret| digest(secret).as_slice().ct_eq(given.as_slice()).into())?;
    Ok(Verified { event_id: None, topic: Some("push".into()), at: None })
}

/// DHL's unified push sends our own token back in the header that it was told, and signs nothing.
fn dhl(r: &Request) -> Result<Verified, Rejected> {
    let given = Sha256::digest(r.need(&["x-push-token"])?.as_bytes());
    r.any(|secret| Sha256::digest(secret.as_bytes()).as_slice().ct_eq(given.as_slice()).into())?;
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Message {
        scope: String,
    }
    let message: Message = serde_json::from_slice(r.body).unwrap_or_default();
    let about_itself = message.scope.starts_with("subscription.") && message.scope != "subscription.push";
    Ok(Verified { event_id: None, topic: Some(if about_itself { HANDSHAKE } else { "push" }.into()), at: None })
}

/// `X-HMAC` over the notification's timestamp and its payload, a text.
fn usps(r: &Request) -> Result<Verified, Rejected> {
    let given = base64(&r.need(&["x-hmac"])?)?;
    #[derive(serde::Deserialize)]
    struct Notification {
        timestamp: String,
        payload: String,
    }
    let n: Notification = serde_json::from_slice(r.body).map_err(|_| Rejected::Mismatch)?;
    r.any(|secret| matches(secret.as_bytes(), &[n.timestamp.as_bytes(), n.payload.as_bytes()], &given))?;
    Ok(Verified { event_id: None, topic: Some("push".into()), at: rfc3339(&n.timestamp) })
}

/// Standard Webhooks: `v1` signatures in a list; other versions are passed over.
fn standard(r: &Request) -> Result<Verified, Rejected> {
    let id = r.need(&["webhook-id"])?;
    let time = r.need(&["webhook-timestamp"])?;
    let given = r.need(&["webhook-signature"])?;
    let at: i64 = time.parse().map_err(|_| Rejected::Stale)?;
    r.fresh(at)?;
    r.any(|secret| {
        let key = standard_key(secret);
        let signatures = given.split(' ').filter_map(|s| BASE64.decode(s.strip_prefix("v1,")?).ok());
        signatures.filter(|s| matches(&key, &[id.as_bytes(), b".", time.as_bytes(), b".", r.body], s)).count() > 0
    })?;
    Ok(Verified { event_id: Some(id), topic: None, at: Some(at) })
}

/// The key of a Standard Webhooks secret: base64, with or without `whsec_`. Empty where it is not base64.
fn standard_key(secret: &str) -> Vec<u8> {
    BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).unwrap_or_default()
}

/// HMAC-SHA256 over the parts, compared in constant time. An empty key signs nothing.
fn matches(key: &[u8], parts: &[&[u8]], given: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return false };
    for part in parts {
        mac.update(part);
    }
    !key.is_empty() && mac.verify_slice(given).is_ok()
}

fn base64(text: &str) -> Result<Vec<u8>, Rejected> {
    BASE64.decode(text).map_err(|_| Rejected::Mismatch)
}

fn hexadecimal(text: &str) -> Result<Vec<u8>, Rejected> {
    let mut bytes = vec![0; text.len() / 2];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| Rejected::Mismatch)?;
    Ok(bytes)
}

fn rfc3339(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|t| t.timestamp())
}
