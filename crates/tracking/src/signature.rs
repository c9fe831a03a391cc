//! Webhook signatures: each source's own scheme, over the raw bytes, compared in constant time.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use unicode_normalization::UnicodeNormalization;

/// Standard Webhooks' tolerance, in seconds, before and after.
const TOLERANCE: i64 = 300;

/// What a verified request says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// The source's id of the event: the same event has the same id however often it is sent.
    pub event_id: Option<String>,
    pub topic: Option<String>,
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

/// Verifies a request of `source`, with any of several secrets (so that one can be replaced while the other is still in use).
/// `header` looks a header up by its lower-case name; `now` is in seconds since 1970.
pub fn verify(
    source: &str,
    secrets: &[&str],
    header: &dyn Fn(&str) -> Option<String>,
    body: &[u8],
    now: i64,
) -> Result<Verified, Rejected> {
    let first = |names: &[&str]| names.iter().find_map(|n| header(n));
    let any = |check: &dyn Fn(&str) -> bool| secrets.iter().any(|s| check(s)).then_some(()).ok_or(Rejected::Mismatch);
    match source {
        "shopify" => {
            let given = first(&["x-shopify-hmac-sha256", "shopify-hmac-sha256"]).ok_or(Rejected::Missing)?;
            let given = BASE64.decode(given.trim()).map_err(|_| Rejected::Mismatch)?;
            any(&|secret| matches(secret.as_bytes(), &[body], &given))?;
            Ok(Verified {
                event_id: first(&["x-shopify-webhook-id", "shopify-webhook-id", "x-shopify-event-id", "shopify-event-id"]),
                topic: first(&["x-shopify-topic", "shopify-topic"]),
            })
        }
        "easypost" => {
            let given = first(&["x-hmac-signature"]).ok_or(Rejected::Missing)?;
            let given =
                hex::decode(given.trim().strip_prefix("hmac-sha256-hex=").unwrap_or_default()).map_err(|_| Rejected::Mismatch)?;
            any(&|secret| matches(secret.nfkd().collect::<String>().as_bytes(), &[body], &given))?;
            let id = serde_json::from_slice::<serde_json::Value>(body).ok();
            Ok(Verified { event_id: id.and_then(|v| Some(v.get("id")?.as_str()?.to_owned())), topic: None })
        }
        "standard" => {
            let id = first(&["webhook-id"]).ok_or(Rejected::Missing)?;
            let at = first(&["webhook-timestamp"]).ok_or(Rejected::Missing)?;
            let given = first(&["webhook-signature"]).ok_or(Rejected::Missing)?;
            let time: i64 = at.trim().parse().map_err(|_| Rejected::Stale)?;
            if now.abs_diff(time) > TOLERANCE.unsigned_abs() {
                return Err(Rejected::Stale);
            }
            any(&|secret| {
                let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).unwrap_or_default();
                !key.is_empty()
                    && given.split(' ').filter_map(|s| s.strip_prefix("v1,")).any(|signature| {
                        BASE64
                            .decode(signature)
                            .is_ok_and(|g| matches(&key, &[id.as_bytes(), b".", at.as_bytes(), b".", body], &g))
                    })
            })?;
            Ok(Verified { event_id: Some(id), topic: None })
        }
        _ => Err(Rejected::UnknownSource),
    }
}

/// HMAC-SHA256 over the parts, compared in constant time. An empty key signs nothing.
fn matches(key: &[u8], parts: &[&[u8]], given: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return false };
    for part in parts {
        mac.update(part);
    }
    !key.is_empty() && mac.verify_slice(given).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(key: &[u8], body: &[u8]) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(body);
        mac.finalize().into_bytes().to_vec()
    }

    #[test]
    fn shopify_in_both_spellings_with_either_secret_and_not_with_a_bit_flipped() {
        let good = BASE64.encode(sign(b"old", b"{}"));
        for name in ["x-shopify-hmac-sha256", "shopify-hmac-sha256"] {
            let header = |n: &str| (n == name).then(|| good.clone());
            assert!(verify("shopify", &["new", "old"], &header, b"{}", 0).is_ok());
            assert_eq!(verify("shopify", &["new"], &header, b"{}", 0), Err(Rejected::Mismatch));
            assert_eq!(verify("shopify", &["old"], &header, b"{ ", 0), Err(Rejected::Mismatch));
        }
        assert_eq!(verify("shopify", &["old"], &|_| None, b"{}", 0), Err(Rejected::Missing));
        assert_eq!(verify("shopify", &[""], &|_| Some(BASE64.encode(sign(b"", b"{}"))), b"{}", 0), Err(Rejected::Mismatch));
    }

    fn shared(path: &str) -> Option<serde_json::Value> {
        let root = std::env::var("WHEREABOUTS_DATA")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
        let text = std::fs::read(std::path::Path::new(&root).join(path));
        if text.is_err() {
            println!("skipped: {path} is not there");
        }
        serde_json::from_slice(&text.ok()?).ok()
    }

    #[test]
    fn standard_webhooks_published_vectors() {
        let Some(file) = shared("vectors/standard_webhooks.json") else { return };
        let mut count = 0;
        for case in file["cases"].as_array().unwrap() {
            let text = |key: &str| case[key].as_str().map(str::to_owned).or_else(|| case[key].as_i64().map(|n| n.to_string()));
            let (Some(secret), Some(body), Some(expect)) = (text("secret"), text("payload"), case["expect_valid"].as_bool())
            else {
                continue;
            };
            let header = |n: &str| match n {
                "webhook-id" => text("id"),
                "webhook-timestamp" => text("timestamp"),
                "webhook-signature" => text("signature"),
                _ => None,
            };
            let now = case["now"].as_i64().unwrap_or_default();
            assert_eq!(verify("standard", &[&secret], &header, body.as_bytes(), now).is_ok(), expect, "{}", case["name"]);
            count += 1;
        }
        assert!(count > 3);
    }
}
