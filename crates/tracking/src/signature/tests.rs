//! Each scheme: what is right passes, whatever is changed fails. Published vectors are read from the shared data.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_764_000_000;

fn header<'a>(headers: &'a [(&'static str, String)]) -> impl Fn(&str) -> Option<String> + 'a {
    |name| headers.iter().find(|h| h.0 == name).map(|h| h.1.clone())
}

fn check(source: &str, secrets: &[&str], headers: &[(&'static str, String)], body: &[u8]) -> Result<Verified, Rejected> {
    verify(source, secrets, &header(headers), body, NOW)
}

const SIGNED: [(&str, &str); 6] = [
    ("shopify", "hush"),
    ("woocommerce", "a secret"),
    ("aftership", "another"),
    ("easypost", "sécret"),
    ("shippo", "s"),
    ("standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
];

#[test]
fn what_is_signed_is_verified_by_either_of_two_secrets_and_by_no_other() {
    for (source, secret) in SIGNED {
        let headers = sign(source, secret, "event-1", NOW, b"{}").unwrap();
        assert!(check(source, &["new", secret], &headers, b"{}").is_ok(), "{source}");
        assert_eq!(check(source, &["new"], &headers, b"{}"), Err(Rejected::Mismatch), "{source}");
        assert_eq!(check(source, &[], &headers, b"{}"), Err(Rejected::Mismatch), "{source}");
        assert_eq!(check(source, &[secret], &headers, b"{ }"), Err(Rejected::Mismatch), "{source}");
        assert_eq!(check(source, &[secret], &[], b"{}"), Err(Rejected::Missing), "{source}");
        assert_eq!(sign(source, "", "event-1", NOW, b"{}"), None, "{source}: an empty secret signs nothing");
    }
    assert_eq!(check("unheard_of", &["s"], &[], b""), Err(Rejected::UnknownSource));
}

#[test]
fn fedex_signs_the_body_in_either_encoding() {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"token").unwrap();
    mac.update(b"{}");
    let bytes = mac.finalize().into_bytes();
    for good in [BASE64.encode(bytes), hex::encode(bytes), hex::encode_upper(bytes)] {
        let headers = [("fdx-signature", good.clone())];
        assert_eq!(check("fedex", &["new", "token"], &headers, b"{}").unwrap().topic.as_deref(), Some("push"));
        assert_eq!(check("fedex", &["token"], &headers, b"{ }"), Err(Rejected::Mismatch));
        assert_eq!(check("fedex", &["other", ""], &headers, b"{}"), Err(Rejected::Mismatch));
        let cut = [("fdx-signature", good[..good.len() - 2].to_owned())];
        assert_eq!(check("fedex", &["token"], &cut, b"{}"), Err(Rejected::Mismatch));
    }
    assert_eq!(check("fedex", &["token"], &[], b"{}"), Err(Rejected::Missing));
}

#[test]
fn a_timestamp_counts_for_five_minutes_before_and_after() {
    for source in ["shippo", "standard"] {
        let secret = SIGNED.iter().find(|s| s.0 == source).unwrap().1;
        for (at, expected) in [(NOW - 300, true), (NOW + 300, true), (NOW - 301, false), (NOW + 301, false), (i64::MIN, false)] {
            let headers = sign(source, secret, "event-1", at, b"{}").unwrap();
            assert_eq!(check(source, &[secret], &headers, b"{}").is_ok(), expected, "{source} {at}");
        }
    }
}

#[test]
fn shopify_speaks_in_both_spellings() {
    let good = sign("shopify", "hush", "", 0, b"{}").unwrap().remove(0).1;
    for prefix in ["x-shopify", "shopify"] {
        let header = |name: &str| match name.strip_prefix(prefix)? {
            "-hmac-sha256" => Some(good.clone()),
            "-webhook-id" => Some("w-1".into()),
            "-topic" => Some("orders/create".into()),
            "-triggered-at" => Some("2026-11-24T10:00:00.5Z".into()),
            _ => None,
        };
        let verified = verify("shopify", &["hush"], &header, b"{}", NOW).unwrap();
        assert_eq!((verified.event_id.as_deref(), verified.topic.as_deref()), (Some("w-1"), Some("orders/create")));
        assert_eq!(verified.at, Some(1_795_514_400));
    }
}

#[test]
fn ids_and_topics_come_from_the_body_where_headers_have_none() {
    let body = br#"{"event":"tracking_update","event_id":"e-1","ts":1712741696}"#;
    let verified = check("aftership", &["s"], &sign("aftership", "s", "", 0, body).unwrap(), body).unwrap();
    assert_eq!((verified.event_id.as_deref(), verified.at), (Some("e-1"), Some(1_712_741_696)));
    let body = br#"{"id":"evt_1","description":"tracker.updated"}"#;
    let verified = check("easypost", &["s"], &sign("easypost", "s", "", 0, body).unwrap(), body).unwrap();
    assert_eq!((verified.event_id.as_deref(), verified.topic.as_deref()), (Some("evt_1"), Some("tracker.updated")));
}

/// A key made for this test alone; its private half was thrown away.
const KEYS: &str = concat!(
    r#"{"keys":[{"kty":"RSA","kid":"other","n":"AQAB","e":"AQAB"},{"kty":"RSA","kid":"k1","e":"AQAB","n":""#,
    "iRv42PRZxFfUHDjQGnoCEZZUvFiZBUT0IlmXnYx-2RK4RXyKspYogFrgggH3pOFMrIVcVUkprBKc_BMgdfIeRMtU-9Ev9mPZ9NOdITvWv_MZy9\
     TSkSmPu61FUx_i9-A_L0sduKY8cMLTxUHtatva0Y2GmuTI1dGiaNqP3RWuPK4KajeQIW63ou6YrxaHm9AvqDgd35Uz0zoSfyDkJetkwBs9oV98\
     bvv0LNzf02_4d9B_2ytKvqU009dcFtx0fFBUnBdBNb92VjXM3x9z2wnV3Eeakj6ckvpihigrsJTLvPmN5cZ6RtR8KTD6SQlrp2W9LMVCqRo66c\
     A8kllh2kuXNw",
    r#""}]}"#
);
const RSA_SIGNATURE: &str = "FDE5vWypqz0mwvXuQMf0mCSGLjBJaeIlTN3Bs55qLMSDvY+U0EOAnsmoixdpX3RmZgY/wEO1Ys3wCkWcXWHSaXlPS7kuMDu30lpHejHi+iwS9C\
     23viNVvJzctOsXqj13jjxTy+l3PJcjJygzZXyECh6neUhewLTWC9ylLv8Gdj1lYJFK7mEHgzCfbWx1LOPKZeiNczHGqykLMIf+3YFdBROqPwCf\
     3tX79NCQP1FiALZspNX1S88YSRbtuKfQsUZt0UWmF/Gp2oWdFb8qCxE0ng+2gGlgH4OOooeohYJ2wlSN4kcs/JG3Qe7Ksdusc/oJt74EIrEOyr\
     k4HAop/vudhQ==";

#[test]
fn shipengine_by_the_named_key_of_its_set() {
    let body = br#"{"resource_type":"API_TRACK"}"#;
    let at = 1_795_514_400;
    let with = |signature: &str, key: &str, time: &str| {
        vec![
            ("x-shipengine-rsa-sha256-signature", signature.to_owned()),
            ("x-shipengine-rsa-sha256-key-id", key.to_owned()),
            ("x-shipengine-timestamp", time.to_owned()),
        ]
    };
    let time = "2026-11-24T10:00:00Z";
    let check = |keys: &str, headers: &[(&'static str, String)], body: &[u8], now| {
        verify("shipengine", &["not a key set", keys], &header(headers), body, now)
    };
    let good = with(RSA_SIGNATURE, "k1", time);
    let verified = check(KEYS, &good, body, at + 300).unwrap();
    assert_eq!((verified.topic.as_deref(), verified.at), (Some("API_TRACK"), Some(at)));
    assert_eq!(check(KEYS, &good, body, at + 301), Err(Rejected::Stale));
    assert_eq!(check(KEYS, &good, b"{}", at), Err(Rejected::Mismatch));
    assert_eq!(check(KEYS, &with(RSA_SIGNATURE, "other", time), body, at), Err(Rejected::Mismatch));
    assert_eq!(check(KEYS, &with(RSA_SIGNATURE, "k1", "2026-11-24T10:00:01Z"), body, at), Err(Rejected::Mismatch));
    assert_eq!(check(KEYS, &with(RSA_SIGNATURE, "k1", "now"), body, at), Err(Rejected::Stale));
    assert_eq!(check("{}", &good, body, at), Err(Rejected::Mismatch));
}

#[test]
fn track123_signs_milliseconds_in_either_encoding() {
    let time = (NOW * 1000 + 243).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"token").unwrap();
    mac.update(time.as_bytes());
    let signature = mac.finalize().into_bytes();
    for text in [hex::encode(signature), BASE64.encode(signature)] {
        let headers = vec![("x-track123-timestamp", time.clone()), ("x-track123-signature", text)];
        assert_eq!(check("track123", &["token"], &headers, b"any").unwrap().at, Some(NOW));
        assert_eq!(verify("track123", &["token"], &header(&headers), b"any", NOW + 301), Err(Rejected::Stale));
    }
}

fn shared(path: &str) -> Option<Vec<u8>> {
    let root =
        std::env::var("WHEREABOUTS_DATA").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
    let bytes = std::fs::read(std::path::Path::new(&root).join(path));
    if bytes.is_err() {
        println!("skipped: {path} is not there");
    }
    bytes.ok()
}

fn json(path: &str) -> Option<Value> {
    serde_json::from_slice(&shared(path)?).ok()
}

#[test]
fn standard_webhooks_published_vectors() {
    let Some(file) = json("vectors/standard_webhooks.json") else { return };
    let mut count = 0;
    for case in file["cases"].as_array().unwrap() {
        let text = |key: &str| case[key].as_str().map(str::to_owned).or_else(|| case[key].as_i64().map(|n| n.to_string()));
        let Some(expected) = case["expect_valid"].as_bool() else {
            println!("skipped: {} has no expectation", case["name"]);
            continue;
        };
        let header = |n: &str| text(n.strip_prefix("webhook-")?);
        let now = case["now"].as_i64().unwrap_or_default();
        let body = text("payload").unwrap_or_default();
        let secret = text("secret").unwrap_or_default();
        assert_eq!(verify("standard", &[&secret], &header, body.as_bytes(), now).is_ok(), expected, "{}", case["name"]);
        count += 1;
    }
    assert!(count >= 10, "{count}");
}

#[test]
fn every_shared_vector_of_a_known_source() {
    let Some(file) = json("webhooks/signature_vectors.json") else { return };
    let mut seen = std::collections::BTreeSet::new();
    for case in file.as_array().unwrap() {
        let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
        let source = text("source");
        let Some(expected) = case["expect"].as_bool() else { continue };
        if let Some(kind) = source.strip_prefix("shopify-") {
            let (scheme, name, signed) = match kind {
                "oauth" => (Query::OAuth, "hmac", text("message")),
                _ => (Query::AppProxy, "signature", text("query")),
            };
            let at = signed.split_once("timestamp=").unwrap().1.split('&').next().unwrap().parse().unwrap();
            let query = format!("{signed}&{name}={}", text("value"));
            assert_eq!(verify_query(scheme, &[&text("secret")], &query, at).is_ok(), expected, "{case}");
            seen.insert(source);
            continue;
        }
        let body = match case["body_file"].as_str() {
            Some(file) => shared(&format!("webhooks/{}", file.split(' ').next().unwrap())).unwrap().trim_ascii_end().to_vec(),
            None => text("body").into_bytes(),
        };
        let secret = if text("key").is_empty() { text("secret") } else { text("key") };
        let name = if source == "trackingmore" { "signature".into() } else { text("header").to_lowercase() };
        let header = |n: &str| match n {
            "timestamp" => Some(text("timestamp")),
            n if n == name => Some(text("value")),
            _ => None,
        };
        let now = match source.as_str() {
            "shippo" => 1_688_493_073,
            "trackingmore" => 1_662_371_528,
            _ => 0,
        };
        assert_eq!(verify(&source, &[&secret], &header, &body, now).is_ok(), expected, "{case}");
        seen.insert(source);
    }
    assert_eq!(seen.len(), 9, "{seen:?}");
}

proptest! {
    #[test]
    fn any_body_verifies_and_a_changed_one_does_not(body in prop::collection::vec(any::<u8>(), 1..200), at in any::<prop::sample::Index>()) {
        let mut changed = body.clone();
        changed[at.index(body.len())] ^= 1;
        for (source, secret) in SIGNED {
            let headers = sign(source, secret, "id", NOW, &body).unwrap();
            prop_assert!(check(source, &[secret], &headers, &body).is_ok());
            prop_assert_eq!(check(source, &[secret], &headers, &changed), Err(Rejected::Mismatch));
        }
    }

    #[test]
    fn no_header_makes_it_panic(value in "\\PC{0,80}", body in prop::collection::vec(any::<u8>(), 0..50)) {
        for source in ["shopify", "woocommerce", "easypost", "aftership", "shippo", "shipengine", "17track", "trackingmore", "track123", "standard"] {
            prop_assert!(verify(source, &["secret"], &|_| Some(value.clone()), &body, NOW).is_err());
        }
    }
}
