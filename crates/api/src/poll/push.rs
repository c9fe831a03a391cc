//! Carriers that push once they have been asked to: a subscription for each parcel, renewed before it ends.
//!
//! A subscription is worth having, never relied upon: each parcel is still asked about now and then, and as often as ever where the carrier
//! refuses to subscribe it, or the subscription has run out. What is pushed comes in by `POST /v1/webhooks/{store}/{carrier}`.

use std::time::Duration;

use anyhow::Result;
use reqwest::{Client, RequestBuilder};
use rusqlite::{Connection, params};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::clients::{self, Account, Answer, Carrier, Tokens, transaction};
use crate::{outbound, state::AppState};

const DAY: i64 = 86_400;

/// How a carrier is asked to push.
pub struct Push {
    /// Numbers in one request.
    pub at_once: usize,
    /// How long a subscription holds, in days; it is renewed a day earlier.
    days: i64,
    /// Characters that its secret must have, where it says so.
    pub secret: Option<usize>,
    /// Numbers that it can be asked for at all.
    fits: fn(&str) -> bool,
    subscribe: fn(&Client, &str, &Hook, &[String]) -> RequestBuilder,
    /// The numbers of a good answer that are subscribed.
    taken: fn(&Value, &[String]) -> Vec<String>,
    /// After how long what is not subscribed, or not surely, is asked for again.
    again: i64,
}

/// Where a carrier pushes to, and how it proves that it is itself.
struct Hook {
    url: String,
    secret: SecretString,
    /// Whom it writes to when the address can't be reached.
    contact: Option<String>,
}

/// UPS Track Alert: <https://github.com/UPS-API/api-documentation>, `UPSTrackAlert.yaml`. A hundred numbers, fourteen days, the secret comes
/// back in the header `credential`; no history, which is why a parcel is asked about once in any case.
pub static UPS: Push = Push {
    at_once: 100,
    days: 14,
    secret: None,
    fits: |_| true,
    again: DAY,
    subscribe: |client, url, hook, numbers| {
        client
            .post(format!("{url}/api/track/v1/subscription/standard/package"))
            .header("transId", transaction())
            .header("transactionSrc", "whereabouts")
            .json(&json!({
                "locale": "en_US",
                "countryCode": "US",
                "trackingNumberList": numbers,
                "destination": {"url": hook.url, "credentialType": "Bearer", "credential": hook.secret.expose_secret()},
            }))
    },
    taken: |answer, _| {
        let valid = answer["validTrackingNumbers"].as_array();
        valid.into_iter().flatten().filter_map(|n| n.as_str().map(|n| n.trim().to_owned())).collect()
    },
};

/// USPS Subscriptions – Tracking, 3.2: <https://developers.usps.com/subscriptions-trackingv3>. One number each, a secret of 32 characters that
/// signs what comes; a subscription that carried nothing for thirty days is deleted. Asking for the same twice is harmless.
pub static USPS: Push = Push {
    at_once: 1,
    days: 25,
    secret: Some(32),
    fits: |_| true,
    again: DAY,
    subscribe: |client, url, hook, numbers| {
        let contacts: Vec<Value> = hook.contact.iter().map(|email| json!({"email": email})).collect();
        client.post(format!("{url}/subscriptions-tracking/v3r2/subscriptions")).json(&json!({
            "listenerURL": hook.url,
            "secret": hook.secret.expose_secret(),
            "adminNotification": contacts,
            "filterProperties": {"trackingNumber": numbers.first(), "trackingEventTypes": ["ALL_UPDATES"]},
        }))
    },
    taken: |_, numbers| numbers.to_vec(),
};

/// DHL Shipment Tracking – Unified – Push, 1.2: <https://developer.dhl.com/api-reference/shipment-tracking-unified-push>. Ten numbers of one
/// service at most; a token of ours comes back in a header of our choice. A subscription lives only once it is activated with a secret
/// that is pushed ([`handshake`]), and nothing says which numbers that was: so the answer is not relied upon, and a parcel is asked about
/// until its first push.
pub static DHL: Push = Push {
    at_once: 1,
    days: 0,
    secret: None,
    fits: |number| dhl_service(number).is_some(),
    again: 30 * DAY,
    subscribe: |client, url, hook, numbers| {
        client.post(format!("{url}{DHL_SUBSCRIPTION}")).json(&json!({
            "hook": {"uri": hook.url, "authentication": {"type": "ApiKeyAuthentication", "header": "x-push-token", "token": hook.secret.expose_secret()}},
            "format": "Default",
            "type": "Shipment",
            "service": numbers.first().and_then(|n| dhl_service(n)),
            "events": ["Pre-Transit", "Transit", "Delivered", "Failure", "Unknown"],
            "shipmentIDs": numbers,
        }))
    },
    taken: |_, _| Vec::new(),
};

const DHL_SUBSCRIPTION: &str = "/tracking/push/v1/subscription";

/// Which of DHL's companies a number belongs to, as its interface names them.
fn dhl_service(number: &str) -> Option<&'static str> {
    let digits = number.bytes().all(|b| b.is_ascii_digit());
    match number.len() {
        10 if digits => Some("express"),
        12 if digits => Some("parcel-de"),
        20 if digits && number.starts_with("003404") => Some("parcel-de"),
        13 if number.ends_with("DE") => Some("post-de"),
        _ if number.starts_with("JD") || number.starts_with("JJD") => Some("express"),
        _ if number.starts_with("GM") || number.starts_with("LX") || number.starts_with("RX") => Some("ecommerce"),
        _ => None,
    }
}

/// What a carrier pushes before it pushes anything: a secret, with which the subscription is to be activated. Tried a few times; what is
/// not activated is asked about as ever. Only the subscription's id is taken from the message, never an address.
pub fn handshake(state: &AppState, store: &str, source: &str, body: &[u8]) {
    #[derive(serde::Deserialize)]
    struct Message {
        #[serde(rename = "self")]
        of: String,
        secret: SecretString,
    }
    let Some(carrier) = clients::by_name(source) else { return };
    let config = state.config();
    let Some(settings) = config.store(store).and_then(|s| s.carriers.get(carrier.name)) else { return };
    // `subscription.ready`, which follows, has no secret.
    let Ok(message) = serde_json::from_slice::<Message>(body) else { return };
    let id = message.of.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return;
    }
    let account = Account::new(carrier, settings);
    let (state, store) = (state.clone(), store.to_owned());
    tokio::spawn(async move {
        let Ok(client) = outbound::client(state.config().limits.internal_targets) else { return };
        let address = format!("{}{DHL_SUBSCRIPTION}/{id}", account.url);
        for wait in [0, 5, 60] {
            tokio::time::sleep(Duration::from_secs(wait)).await;
            let request = || client.post(&address).header("DHL-API-Hook-Secret", message.secret.expose_secret());
            match clients::exchange(&client, carrier, &account, &Tokens::default(), &request).await {
                // 204, which has no body, is the good answer.
                Answer::Body(_) => return,
                Answer::Refused(error) | Answer::Failed(error) => {
                    tracing::warn!(store, carrier = carrier.name, error, "a subscription is not activated yet");
                }
                Answer::Throttled(_) => {}
            }
        }
    });
}

/// Subscribes what is not subscribed, or soon no longer: one request within the account's budget. Returns whether it asked.
pub async fn turn(
    state: &AppState,
    client: &Client,
    tokens: &Tokens,
    store: &str,
    carrier: &'static Carrier,
    per_hour: u32,
) -> Result<bool> {
    let Some(push) = carrier.push else { return Ok(false) };
    let config = state.config();
    let Some(settings) = config.store(store).and_then(|s| s.carriers.get(carrier.name)) else { return Ok(false) };
    let Some(secret) = settings.push_secret.clone() else { return Ok(false) };
    let (id, now, now_ms) = (store.to_owned(), state.now().0, state.now_ms());
    let numbers = state
        .db()
        .write(move |db| {
            if !super::free(db, &id, carrier, now_ms)? {
                return Ok(Vec::new());
            }
            let mut rows = db.prepare_cached(
                "select tracking_number from polls where store = ?1 and poller = ?2 and pushed_until < ?3 and push_at <= ?4
                 order by push_at, tracking_number limit ?5",
            )?;
            let rows = rows.query_map(params![id, carrier.name, now + DAY, now, push.at_once as i64], |r| r.get(0))?;
            let mut numbers: Vec<String> = rows.collect::<Result<_, _>>()?;
            for other in numbers.extract_if(.., |n| !(push.fits)(n)) {
                db.prepare_cached("update polls set push_at = ?3 where store = ?1 and tracking_number = ?2")?
                    .execute(params![id, other, now + 365 * DAY])?;
            }
            if !numbers.is_empty() {
                super::book(db, &id, carrier, now_ms, per_hour)?;
            }
            Ok(numbers)
        })
        .await?;
    if numbers.is_empty() {
        return Ok(false);
    }
    let hook = Hook {
        url: format!("{}/v1/webhooks/{store}/{}", config.public_url.trim_end_matches('/'), carrier.name),
        secret,
        contact: settings.push_contact.clone(),
    };
    let account = Account::new(carrier, settings);
    let answer =
        clients::exchange(client, carrier, &account, tokens, &|| (push.subscribe)(client, &account.url, &hook, &numbers)).await;
    let (word, taken, again) = match &answer {
        Answer::Body(body) => {
            let answer: Value = serde_json::from_slice(body).unwrap_or_default();
            // An error comes as a body, too: it names nothing as subscribed.
            let refused = answer.get("error").is_some() || answer.get("response").is_some_and(|r| r.get("errors").is_some());
            (
                "answered",
                if refused { Vec::new() } else { (push.taken)(&answer, &numbers) },
                if refused { DAY } else { push.again },
            )
        }
        Answer::Throttled(seconds) => ("throttled", Vec::new(), seconds.cast_signed().clamp(60, DAY)),
        Answer::Refused(_) => ("refused", Vec::new(), DAY),
        Answer::Failed(_) => ("failed", Vec::new(), 3600),
    };
    metrics::counter!("subscriptions_total", "carrier" => carrier.name, "outcome" => word).increment(numbers.len() as u64);
    if let Answer::Refused(error) | Answer::Failed(error) = &answer {
        tracing::warn!(store, carrier = carrier.name, error, "a carrier did not subscribe; its parcels are asked about");
    }
    let (id, until) = (store.to_owned(), now + push.days * DAY);
    state
        .db()
        .write(move |db| {
            for number in &numbers {
                if taken.iter().any(|t| t.eq_ignore_ascii_case(number)) {
                    db.prepare_cached("update polls set pushed_until = ?3 where store = ?1 and tracking_number = ?2")?
                        .execute(params![id, number, until])?;
                } else {
                    db.prepare_cached("update polls set push_at = ?3 where store = ?1 and tracking_number = ?2")?
                        .execute(params![id, number, now + again])?;
                }
            }
            Ok(())
        })
        .await?;
    Ok(true)
}

/// Is the carrier bound to tell of this parcel by itself?
pub fn subscribed(db: &Connection, store: &str, number: &str, now: i64) -> Result<bool> {
    let sql = "select exists (select 1 from polls where store = ?1 and tracking_number = ?2 and pushed_until > ?3)";
    Ok(db.prepare_cached(sql)?.query_row(params![store, number, now], |r| r.get(0))?)
}

/// How seldom a subscribed parcel is asked about: often enough to notice that pushes have stopped.
pub const SAFETY_NET: Duration = Duration::from_secs(6 * 3600);
