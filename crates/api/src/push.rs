//! Messages to browsers (web push): encrypted for one browser (RFC 8291), signed by this server (VAPID, RFC 8292), handed to the push service
//! that the browser named. Never to an address inside; a subscription that its service has ended is forgotten.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use notify::Outcome;
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use promise::Instant;
use reqwest::{StatusCode, Url, header};
use serde_json::{Value, json};
use web_push_native::{Auth, encrypt, p256::PublicKey};

use crate::{
    outbound,
    state::AppState,
    store::care::subscribers::{self, Subscription},
};

/// How long a push service keeps a message for a browser that is off: older news of a parcel is none.
const LIVES: u32 = 24 * 3600;
/// What a push service must be able to take, less what encryption adds (RFC 8030, RFC 8291).
const LARGEST: usize = 3900;
/// Sizes would tell what a message says.
const PADDED_TO: usize = 256;

/// The server's key, made at the first question and kept: browsers remember it.
pub async fn key(state: &AppState) -> Result<Arc<SigningKey>> {
    state
        .push_key()
        .get_or_try_init(|| async {
            let now = state.now();
            let kept = match state.db().read(subscribers::secret).await? {
                Some(kept) => kept,
                None => {
                    let made = loop {
                        let mut bytes = [0; 32];
                        getrandom::fill(&mut bytes).map_err(|e| anyhow!("the system's random numbers: {e}"))?;
                        // Nearly every number is one.
                        if SigningKey::from_slice(&bytes).is_ok() {
                            break bytes;
                        }
                    };
                    state.db().write(move |db| subscribers::keep_secret(db, &made, now)).await?
                }
            };
            Ok(Arc::new(SigningKey::from_slice(&kept).map_err(|_| anyhow!("the key kept for web push is damaged"))?))
        })
        .await
        .cloned()
}

/// Whether these bytes are a key.
pub fn is_key(bytes: &[u8]) -> bool {
    SigningKey::from_slice(bytes).is_ok()
}

/// What browsers subscribe with: the uncompressed point, base64url.
pub async fn public_key(state: &AppState) -> Result<String> {
    Ok(point(key(state).await?.as_ref()))
}

fn point(key: &SigningKey) -> String {
    BASE64URL.encode(key.verifying_key().to_encoded_point(false).as_bytes())
}

/// The `Authorization` that proves to a push service who sends.
pub fn vapid(key: &SigningKey, endpoint: &Url, contact: &str, now: Instant) -> String {
    let part = |value: Value| BASE64URL.encode(value.to_string());
    let head = part(json!({"typ": "JWT", "alg": "ES256"}));
    // Valid for half of the day that is allowed: clocks differ.
    let claims = part(json!({"aud": endpoint.origin().ascii_serialization(), "exp": now.0 + 12 * 3600, "sub": contact}));
    let signature: Signature = key.sign(format!("{head}.{claims}").as_bytes());
    format!("vapid t={head}.{claims}.{}, k={}", BASE64URL.encode(signature.to_bytes()), point(key))
}

fn contact(public_url: &str) -> &str {
    if public_url.starts_with("https://") { public_url } else { "mailto:postmaster@localhost.localdomain" }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64URL.decode(text.trim_end_matches('=')).ok()
}

fn keys(s: &Subscription) -> Option<(PublicKey, Auth)> {
    let public = PublicKey::from_sec1_bytes(&decoded(&s.p256dh)?).ok()?;
    let auth = decoded(&s.auth).filter(|a| a.len() == 16)?;
    Some((public, Auth::clone_from_slice(&auth)))
}

/// Whether a subscription can be sent to: field and what is wrong with it.
pub fn check(s: &Subscription, internal: bool) -> Result<(), (&'static str, String)> {
    if s.endpoint.len() > 1000 {
        return Err(("endpoint", "is too long".into()));
    }
    outbound::allowed(&s.endpoint, internal).map_err(|e| ("endpoint", e))?;
    keys(s).map(drop).ok_or(("keys", "send p256dh and auth as the browser gives them".into()))
}

/// Sends one message to one browser. `topic`: an older message of the same topic that still waits is replaced.
pub async fn send(state: &AppState, client: &reqwest::Client, s: &Subscription, payload: &Value, topic: &str) -> Outcome {
    let prepared = async {
        let url = outbound::allowed(&s.endpoint, state.config().limits.internal_targets).map_err(|e| anyhow!(e))?;
        let (public, auth) = keys(s).context("the subscription's keys can't be read")?;
        let mut text = payload.to_string();
        anyhow::ensure!(text.len() <= LARGEST, "the message is too long");
        let padded = text.len().next_multiple_of(PADDED_TO).min(LARGEST);
        text.extend(std::iter::repeat_n(' ', padded - text.len()));
        let body = encrypt(text.into_bytes(), &public, &auth).map_err(|e| anyhow!("{e}"))?;
        let signed = vapid(key(state).await?.as_ref(), &url, contact(&state.config().public_url), state.now());
        let topic: String = topic.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(32).collect();
        let mut request = client.post(url).header("ttl", LIVES).header("urgency", "normal").header(header::AUTHORIZATION, signed);
        if !topic.is_empty() {
            request = request.header("topic", topic);
        }
        anyhow::Ok(
            request
                .header(header::CONTENT_ENCODING, "aes128gcm")
                .header(header::CONTENT_TYPE, "application/octet-stream")
                .body(body),
        )
    };
    let request = match prepared.await {
        Ok(request) => request,
        Err(e) => return Outcome::Refused(format!("{e:#}"), false),
    };
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(e) => return Outcome::Later(format!("{:#}", anyhow::Error::from(e.without_url())), None),
    };
    let wait = answer.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok());
    match answer.status() {
        status if status.is_success() => Outcome::Sent(None),
        StatusCode::NOT_FOUND | StatusCode::GONE => Outcome::Refused("the browser has ended its subscription".into(), true),
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => {
            Outcome::Refused(format!("answered {}", answer.status()), false)
        }
        status => Outcome::Later(format!("answered {status}"), wait),
    }
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::{VerifyingKey, signature::Verifier};
    use web_push_native::{decrypt, p256::SecretKey};

    use super::*;

    fn vectors(name: &str) -> Option<Value> {
        let folder = std::env::var("WHEREABOUTS_DATA")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
        let text = std::fs::read_to_string(format!("{folder}/vectors/{name}")).ok();
        if text.is_none() {
            eprintln!("skipped: no {name} in {folder}");
        }
        serde_json::from_str(&text?).ok()
    }

    fn bytes(v: &Value) -> Vec<u8> {
        decoded(v.as_str().unwrap()).unwrap()
    }

    /// Reads `vapid t=…, k=…`, and verifies it as a push service does.
    fn verified(authorization: &str) -> Option<Value> {
        let rest = authorization.strip_prefix("vapid ")?;
        let field = |name: &str| rest.split(',').find_map(|f| f.trim().strip_prefix(name)).map(str::to_owned);
        let (token, key) = (field("t=")?, decoded(&field("k=")?)?);
        let (signed, signature) = token.rsplit_once('.')?;
        let key = VerifyingKey::from_sec1_bytes(&key).ok()?;
        key.verify(signed.as_bytes(), &Signature::from_slice(&decoded(signature)?).ok()?).ok()?;
        serde_json::from_slice(&decoded(signed.split_once('.')?.1)?).ok()
    }

    #[test]
    fn what_is_signed_verifies_and_says_to_whom() {
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        let url = Url::parse("https://push.example.net:8443/abc?x=1").unwrap();
        let signed = vapid(&key, &url, "https://track.example", Instant(1000));
        let claims = verified(&signed).expect("it verifies");
        assert_eq!(
            claims,
            json!({"aud": "https://push.example.net:8443", "exp": 1000 + 12 * 3600, "sub": "https://track.example"})
        );
        assert!(verified(&signed.replace("t=ey", "t=eY")).is_none());
    }

    #[test]
    fn the_rfcs_own_signature_verifies_as_ours_do() {
        let Some(v) = vectors("rfc8292_vapid.json") else { return };
        assert_eq!(verified(v["authorization"].as_str().unwrap()), Some(v["claims"].clone()));
    }

    #[test]
    fn the_rfcs_own_message_is_read_and_ours_can_be_read() {
        let Some(v) = vectors("rfc8291_webpush.json") else { return };
        let (browser, auth) =
            (SecretKey::from_slice(&bytes(&v["ua_private"])).unwrap(), Auth::clone_from_slice(&bytes(&v["auth_secret"])));
        let read = decrypt(bytes(&v["body"]), &browser, &auth).unwrap();
        assert_eq!(String::from_utf8(read).unwrap(), v["plaintext"].as_str().unwrap());
        // Ours, by the keys as a browser hands them over.
        let s = Subscription {
            p256dh: v["ua_public"].as_str().unwrap().into(),
            auth: format!("{}==", v["auth_secret"].as_str().unwrap()),
            endpoint: "https://push.example.net/x".into(),
            id: String::new(),
            store: String::new(),
            order: String::new(),
            language: "en".into(),
        };
        assert_eq!(check(&s, false), Ok(()));
        let (public, ours) = keys(&s).unwrap();
        let sent = encrypt(b"Delivered".to_vec(), &public, &ours).unwrap();
        assert_eq!(decrypt(sent, &browser, &auth).unwrap(), b"Delivered");
    }

    #[test]
    fn subscriptions_that_cannot_be_sent_to_are_refused() {
        let good = Subscription {
            p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4".into(),
            auth: "BTBZMqHH6r4Tts7J_aSIgg".into(),
            endpoint: "https://push.example.net/x".into(),
            id: String::new(),
            store: String::new(),
            order: String::new(),
            language: "en".into(),
        };
        assert_eq!(check(&good, false), Ok(()));
        let wrong = |change: fn(&mut Subscription)| {
            let mut s = good.clone();
            change(&mut s);
            check(&s, false).unwrap_err().0
        };
        assert_eq!(wrong(|s| s.endpoint = "https://169.254.169.254/latest".into()), "endpoint");
        assert_eq!(wrong(|s| s.endpoint = "http://push.example.net/x".into()), "endpoint");
        assert_eq!(wrong(|s| s.endpoint = "https://[::1]/".into()), "endpoint");
        assert_eq!(wrong(|s| s.auth = "short".into()), "keys");
        // A point that is not on the curve.
        assert_eq!(wrong(|s| s.p256dh = format!("BA{}", "A".repeat(85))), "keys");
    }
}
