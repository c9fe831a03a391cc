//! The carriers' tracking interfaces: where they are, how they want to be asked, how they say who asks.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use reqwest::{Client, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::push::{self, Push};

/// A carrier that can be asked.
pub struct Carrier {
    /// Its name in the configuration, and the source that reads its answers.
    pub name: &'static str,
    /// Our carrier codes that it answers for.
    pub codes: &'static [&'static str],
    pub url: &'static str,
    /// Requests an hour, where the store does not say otherwise.
    pub per_hour: u32,
    /// Numbers in one request.
    pub at_once: usize,
    /// How it is asked to push, where it can.
    pub push: Option<&'static Push>,
    auth: Auth,
    ask: fn(&Client, &str, &[String]) -> RequestBuilder,
}

enum Auth {
    /// OAuth 2 client credentials at a path; whether id and secret go in the `Authorization` header.
    Token { path: &'static str, basic: bool, json: bool },
    /// Headers with the id, and with the secret.
    Headers(&'static str, Option<&'static str>),
    /// HTTP Basic.
    Basic,
}

/// Where each is documented:
///
/// * UPS Tracking v1: `Tracking.yaml` in <https://github.com/UPS-API/api-documentation>; OAuth by HTTP Basic.
/// * FedEx Track v1: <https://developer.fedex.com/api/en-us/catalog/track/v1/docs.html>; thirty numbers at once; OAuth with id and secret in a form.
///   What it pushes (Advanced Integrated Visibility) is set up in its own portal, by account number: the project's security token belongs
///   into `webhook_secrets`, and what was told of by a push is asked about less.
/// * USPS Tracking 3.2: <https://developers.usps.com/trackingv3r2>; thirty-five numbers at once, answered 207 where some are not known; since
///   2026 only to the owner of the mailer id; sixty requests an hour by default.
/// * DHL Shipment Tracking – Unified: <https://developer.dhl.com/api-reference/shipment-tracking>; 250 requests a day in the entry plan.
/// * Royal Mail Tracking v2: <https://developer.royalmail.net>, `GET /mailpieces/v2/{mailPieceId}/events`. No push of theirs is known to us.
/// * Canada Post, Get Tracking Details: <https://www.canadapost-postescanada.ca/info/mc/business/productsservices/developers/services/tracking/trackingdetails.jsf>;
///   HTTP Basic with the API key's two halves. No push of theirs is known to us.
///
/// Budgets are the carriers' own defaults where they publish one.
pub static CARRIERS: [Carrier; 6] = [
    Carrier {
        name: "ups",
        codes: &["ups"],
        url: "https://onlinetools.ups.com",
        per_hour: 600,
        at_once: 1,
        push: Some(&push::UPS),
        auth: Auth::Token { path: "/security/v1/oauth/token", basic: true, json: false },
        ask: |client, url, numbers| {
            client
                .get(format!("{url}/api/track/v1/details/{}", segment(&numbers[0])))
                .query(&[("locale", "en_US"), ("returnMilestones", "true")])
                .header("transId", transaction())
                .header("transactionSrc", "whereabouts")
        },
    },
    Carrier {
        name: "fedex",
        codes: &["fedex"],
        url: "https://apis.fedex.com",
        per_hour: 600,
        at_once: 30,
        push: None,
        auth: Auth::Token { path: "/oauth/token", basic: false, json: false },
        ask: |client, url, numbers| {
            let numbers: Vec<_> = numbers.iter().map(|n| json!({"trackingNumberInfo": {"trackingNumber": n}})).collect();
            client
                .post(format!("{url}/track/v1/trackingnumbers"))
                .json(&json!({"includeDetailedScans": true, "trackingInfo": numbers}))
        },
    },
    Carrier {
        name: "usps",
        codes: &["usps"],
        url: "https://apis.usps.com",
        per_hour: 60,
        at_once: 35,
        push: Some(&push::USPS),
        auth: Auth::Token { path: "/oauth2/v3/token", basic: false, json: true },
        // Tracking 3.2: a list, whose entries may have nothing but their number.
        ask: |client, url, numbers| {
            let numbers: Vec<_> = numbers.iter().map(|n| json!({"trackingNumber": n})).collect();
            client.post(format!("{url}/tracking/v3r2/tracking")).json(&numbers)
        },
    },
    Carrier {
        name: "dhl_universal",
        codes: &["dhl_express", "dhl_parcel", "dhl_parcel_de", "dhl_ecommerce", "dhl_poland"],
        url: "https://api-eu.dhl.com",
        // 250 a day in the entry plan.
        per_hour: 10,
        at_once: 1,
        push: Some(&push::DHL),
        auth: Auth::Headers("DHL-API-Key", None),
        ask: |client, url, numbers| client.get(format!("{url}/track/shipments")).query(&[("trackingNumber", &numbers[0])]),
    },
    Carrier {
        name: "royalmail",
        codes: &["royalmail"],
        url: "https://api.royalmail.net",
        per_hour: 300,
        at_once: 1,
        push: None,
        auth: Auth::Headers("X-IBM-Client-Id", Some("X-IBM-Client-Secret")),
        ask: |client, url, numbers| {
            client
                .get(format!("{url}/mailpieces/v2/{}/events", segment(&numbers[0])))
                .header("X-Accept-RMG-Terms", "yes")
                .header("accept", "application/json")
        },
    },
    Carrier {
        name: "canadapost",
        codes: &["canadapost"],
        url: "https://soa-gw.canadapost.ca",
        per_hour: 600,
        at_once: 1,
        push: None,
        auth: Auth::Basic,
        ask: |client, url, numbers| {
            client
                .get(format!("{url}/vis/track/pin/{}/detail", segment(&numbers[0])))
                .header("accept", "application/vnd.cpc.track-v2+xml")
                .header("accept-language", "en-CA")
        },
    },
];

/// The carrier with a name in the configuration.
pub fn by_name(name: &str) -> Option<&'static Carrier> {
    CARRIERS.iter().find(|c| c.name == name)
}

/// All of them, by the names that a configuration calls them by.
pub fn names() -> impl Iterator<Item = &'static str> {
    CARRIERS.iter().map(|c| c.name)
}

/// The carrier that answers for one of our codes.
pub fn for_code(code: &str) -> Option<&'static Carrier> {
    CARRIERS.iter().find(|c| c.codes.contains(&code))
}

/// A number that can't change the address it stands in.
fn segment(number: &str) -> String {
    number.chars().filter(char::is_ascii_alphanumeric).collect()
}

pub fn transaction() -> String {
    hex::encode(getrandom::u64().unwrap_or_default().to_be_bytes())
}

/// How a question ended.
#[derive(Debug)]
pub enum Answer {
    /// A body worth reading: events, or the carrier's own "not found".
    Body(Vec<u8>),
    /// Too many: not before so many seconds.
    Throttled(u64),
    /// The account is refused: asking again at once changes nothing.
    Refused(String),
    /// The carrier or the way to it is down.
    Failed(String),
}

/// What a store asks with.
pub struct Account {
    pub url: String,
    pub client_id: String,
    pub client_secret: SecretString,
}

impl Account {
    pub fn new(carrier: &Carrier, settings: &crate::config::Account) -> Account {
        Account {
            url: settings.url.clone().unwrap_or_else(|| carrier.url.to_owned()),
            client_id: settings.client_id.clone(),
            client_secret: settings.client_secret.clone(),
        }
    }
}

/// Access tokens, until shortly before they expire.
#[derive(Default)]
pub struct Tokens(Mutex<HashMap<String, (SecretString, Instant)>>);

impl Tokens {
    fn get(&self, key: &str) -> Option<SecretString> {
        let tokens = self.0.lock().unwrap_or_else(|e| e.into_inner());
        tokens.get(key).filter(|(_, until)| *until > Instant::now()).map(|(token, _)| token.clone())
    }

    fn put(&self, key: &str, token: Option<(SecretString, Duration)>) {
        let mut tokens = self.0.lock().unwrap_or_else(|e| e.into_inner());
        match token {
            Some((token, lives)) => drop(tokens.insert(key.to_owned(), (token, Instant::now() + lives))),
            None => drop(tokens.remove(key)),
        }
    }
}

/// Largest answer that is read. Carriers' take some 30 KB for a parcel.
const LARGEST: usize = 4 << 20;

/// Asks for some numbers, at most `at_once`.
pub async fn ask(client: &Client, carrier: &Carrier, account: &Account, tokens: &Tokens, numbers: &[String]) -> Answer {
    exchange(client, carrier, account, tokens, &|| (carrier.ask)(client, &account.url, numbers)).await
}

/// Sends a request as the account that it is for. A token that is no longer accepted is replaced once.
pub async fn exchange(
    client: &Client,
    carrier: &Carrier,
    account: &Account,
    tokens: &Tokens,
    request: &(dyn Fn() -> RequestBuilder + Sync),
) -> Answer {
    let key = format!("{} {} {}", carrier.name, account.url, account.client_id);
    for fresh in [false, true] {
        let request = request();
        let request = match &carrier.auth {
            Auth::Token { path, basic, json } => {
                let token = match tokens.get(&key).filter(|_| !fresh) {
                    Some(token) => token,
                    None => match token(client, account, path, *basic, *json).await {
                        Ok((token, lives)) => {
                            tokens.put(&key, Some((token.clone(), lives)));
                            token
                        }
                        Err(answer) => return answer,
                    },
                };
                request.bearer_auth(token.expose_secret())
            }
            Auth::Headers(id, secret) => {
                let request = request.header(*id, &account.client_id);
                match secret {
                    Some(name) => request.header(*name, account.client_secret.expose_secret()),
                    None => request,
                }
            }
            Auth::Basic => request.basic_auth(&account.client_id, Some(account.client_secret.expose_secret())),
        };
        let answer = read(request).await;
        let stale = matches!(answer, Answer::Refused(_)) && matches!(carrier.auth, Auth::Token { .. });
        if !stale || fresh {
            return answer;
        }
        tokens.put(&key, None);
    }
    Answer::Refused("the token is not accepted".into())
}

async fn token(
    client: &Client,
    account: &Account,
    path: &str,
    basic: bool,
    as_json: bool,
) -> Result<(SecretString, Duration), Answer> {
    let (id, secret) = (account.client_id.as_str(), account.client_secret.expose_secret());
    let request = client.post(format!("{}{path}", account.url));
    let request = match (basic, as_json) {
        (true, _) => request.basic_auth(id, Some(secret)).form(&[("grant_type", "client_credentials")]),
        (_, true) => request.json(&json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret})),
        _ => request.form(&[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)]),
    };
    let body = match read(request).await {
        Answer::Body(body) => body,
        other => return Err(other),
    };
    let answer: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(token) = answer["access_token"].as_str() else { return Err(Answer::Refused("no access token was given".into())) };
    // Some write the life in a text.
    let lives = answer["expires_in"].as_u64().or_else(|| answer["expires_in"].as_str()?.parse().ok()).unwrap_or(900);
    Ok((token.to_owned().into(), Duration::from_secs(lives.saturating_sub(60).max(1))))
}

async fn read(request: RequestBuilder) -> Answer {
    let failed = |e: reqwest::Error| Answer::Failed(format!("{:#}", anyhow::Error::from(e.without_url())));
    let mut answer = match request.send().await {
        Ok(answer) => answer,
        Err(e) => return failed(e),
    };
    let status = answer.status();
    let after = answer.headers().get("retry-after").and_then(|v| v.to_str().ok()).and_then(|v| v.trim().parse().ok());
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LARGEST => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Answer::Failed("the answer is too large".into()),
            Ok(None) => break,
            Err(e) => return failed(e),
        }
    }
    match status {
        StatusCode::TOO_MANY_REQUESTS => Answer::Throttled(after.unwrap_or(60)),
        StatusCode::SERVICE_UNAVAILABLE if after.is_some() => Answer::Throttled(after.unwrap_or(60)),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Answer::Refused(format!("answered {status}: check the account")),
        s if s.is_server_error() => Answer::Failed(format!("answered {status}")),
        // 400 and 404 carry the carrier's own words about the number.
        s if s.is_success() || !body.is_empty() => Answer::Body(body),
        _ => Answer::Failed(format!("answered {status} without a word")),
    }
}
