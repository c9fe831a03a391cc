//! Carriers that are asked: local servers that speak their interfaces, with their answers, errors and throttling.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use api::{config::Account, poll};
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, Uri},
    response::{IntoResponse, Response},
};

use super::*;

pub type Reply = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// A carrier's server: gives tokens, and answers questions with what is queued, the last one for ever.
#[derive(Clone, Default)]
pub struct Server {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    /// Method, path and query, authorization or key, body.
    pub asked: Arc<Mutex<Vec<(String, String, String)>>>,
    tokens: Arc<Mutex<u32>>,
}

async fn answer(State(server): State<Server>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    if uri.path().contains("token") {
        let mut tokens = server.tokens.lock().unwrap();
        *tokens += 1;
        // USPS writes a number, UPS a text.
        let lives = if *tokens % 2 == 0 { serde_json::json!(3600) } else { serde_json::json!("3600") };
        return axum::Json(serde_json::json!({"access_token": format!("token-{tokens}"), "expires_in": lives})).into_response();
    }
    let who = ["authorization", "dhl-api-key", "x-ibm-client-secret"]
        .iter()
        .find_map(|h| headers.get(*h)?.to_str().ok())
        .unwrap_or("nobody");
    server.asked.lock().unwrap().push((format!("{method} {uri}"), who.to_owned(), String::from_utf8_lossy(&body).into_owned()));
    let mut replies = server.replies.lock().unwrap();
    let (status, extra, body) = if replies.len() > 1 { replies.pop_front().unwrap() } else { replies.front().cloned().unwrap() };
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    for (name, value) in extra {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

pub async fn serve(replies: Vec<Reply>) -> (Server, String) {
    let server = Server { replies: Arc::new(Mutex::new(replies.into())), ..Server::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(answer).with_state(server.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (server, url)
}

async fn polling(carrier: &str, url: String, per_hour: u32) -> Api {
    with_account(carrier, url, per_hour, |_| {}).await
}

pub async fn with_account(carrier: &str, url: String, per_hour: u32, change: impl FnOnce(&mut Account)) -> Api {
    account(carrier, url, per_hour, change, false).await
}

/// With a secret for what the carrier pushes by its own portal, too.
pub async fn with_pushes(carrier: &str, url: String, per_hour: u32, change: impl FnOnce(&mut Account)) -> Api {
    account(carrier, url, per_hour, change, true).await
}

async fn account(carrier: &str, url: String, per_hour: u32, change: impl FnOnce(&mut Account), pushes: bool) -> Api {
    let name = carrier.to_owned();
    let api = api_with(|config| {
        if pushes {
            config.stores[0].webhook_secrets.insert(name.clone(), vec![SECRET.into()]);
        }
        config.limits.internal_targets = true;
        let mut account = Account {
            client_id: "me".into(),
            client_secret: "hush".into(),
            per_hour: std::num::NonZeroU32::new(per_hour),
            url: Some(url),
            push_secret: None,
            push_contact: None,
        };
        change(&mut account);
        config.stores[0].carriers.insert(name, account);
    })
    .await;
    tokio::spawn(poll::run(api.state.clone()));
    api
}

/// An order with one parcel of a carrier, due at once.
pub async fn parcel(api: &Api, company: &str, number: &str) {
    shipped(api, company, number).await;
    due(api).await;
}

/// An order with one parcel of a carrier, due in a while.
pub async fn shipped(api: &Api, company: &str, number: &str) {
    api.webhook("shopify", "orders/create", "1", &order(1001, "2026-11-23T10:00:00Z")).await;
    let body = String::from_utf8(fulfillment(1001, number)).unwrap().replace("\"UPS\"", &format!("\"{company}\""));
    api.webhook("shopify", "fulfillments/create", "2", body.as_bytes()).await;
}

pub async fn due(api: &Api) {
    api.state.db().write(|db| Ok(db.execute("update polls set due_at = 0", [])?)).await.unwrap();
}

pub async fn until(what: &str, check: impl AsyncFn() -> bool) {
    for _ in 0..300 {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

fn ups(status: &str, code: &str, date: &str) -> Vec<u8> {
    serde_json::json!({"trackResponse": {"shipment": [{"inquiryNumber": "1Z1", "package": [{"trackingNumber": "1Z1",
        "alternateTrackingNumber": [{"number": "92419900000033499522966220", "type": "USPS_PIC"}],
        "activity": [{"date": date, "time": "101500", "gmtDate": date, "gmtTime": "18:15:00", "status": {"type": status, "code": code, "description": code},
            "location": {"address": {"city": "Reno", "stateProvince": "NV", "countryCode": "US"}}}]}]}]}})
    .to_string()
    .into_bytes()
}

pub const FAST: u32 = 3_600_000;

#[tokio::test]
async fn a_parcel_is_asked_for_until_it_is_delivered() {
    let (server, url) = serve(vec![(200, vec![], ups("I", "DP", "20261125")), (200, vec![], ups("D", "FS", "20261126"))]).await;
    let api = polling("ups", url, FAST).await;
    parcel(&api, "UPS", "1Z1").await;
    until("first answer", async || {
        api.settle().await;
        api.order("1001").await["shipments"][0]["status"] == "in_transit"
    })
    .await;
    let parcel = &api.order("1001").await["shipments"][0];
    assert_eq!(parcel["checkpoints"][0]["time"], "2026-11-25T10:15:00-08:00");
    let (_, polls) = api.admin("GET", "polls", "", b"").await;
    assert!(polls["parcels"][0]["checked_at"].is_string() && polls["accounts"][0]["answered_at"].is_string(), "{polls}");
    due(&api).await;
    until("delivery", async || {
        api.settle().await;
        api.order("1001").await["status"] == "delivered"
    })
    .await;
    let (_, polls) = api.admin("GET", "polls", "", b"").await;
    assert_eq!(polls["parcels"].as_array().unwrap().len(), 0, "nothing is asked about a delivered parcel");
    let asked = server.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 2, "no more than was due: {asked:?}");
    assert_eq!(asked[0].0, "GET /api/track/v1/details/1Z1?locale=en_US&returnMilestones=true");
    assert_eq!(asked[0].1, "Bearer token-1");
    // The next carrier's number leads to the same parcel.
    api.webhook(
        "easypost",
        "",
        "",
        &tracker("e1", "92419900000033499522966220", &[("2026-11-26T17:00:00Z", "out_for_delivery")]),
    )
    .await;
    let scans = api.order("1001").await["shipments"][0]["checkpoints"].as_array().unwrap().len();
    assert_eq!(scans, 3, "one journey");
}

#[tokio::test]
async fn throttling_failures_and_refused_tokens_are_met_calmly() {
    // An expired token is replaced at once.
    let (server, url) = serve(vec![(401, vec![], b"expired".to_vec()), (200, vec![], ups("I", "DP", "20261125"))]).await;
    let api = polling("ups", url, FAST).await;
    parcel(&api, "UPS", "1Z1").await;
    until("answer", async || server.asked.lock().unwrap().len() == 2).await;
    assert_eq!(server.asked.lock().unwrap()[1].1, "Bearer token-2");

    // Asked too often: the account rests as long as the carrier says.
    let (server, url) = serve(vec![(429, vec![("retry-after", "120".into())], vec![])]).await;
    let api = polling("ups", url, FAST).await;
    parcel(&api, "UPS", "1Z1").await;
    until("throttled", async || !server.asked.lock().unwrap().is_empty()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    due(&api).await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(server.asked.lock().unwrap().len(), 1);
    let (_, polls) = api.admin("GET", "polls", "", b"").await;
    assert_eq!(polls["accounts"][0]["error"], "asked too often");

    // A carrier that is down: after five failures the circuit opens.
    let (server, url) = serve(vec![(503, vec![], vec![])]).await;
    let api = polling("ups", url, FAST).await;
    parcel(&api, "UPS", "1Z1").await;
    until("five failures", async || {
        due(&api).await;
        server.asked.lock().unwrap().len() >= 5
    })
    .await;
    due(&api).await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(server.asked.lock().unwrap().len(), 5);
    let (_, polls) = api.admin("GET", "polls", "", b"").await;
    assert_eq!((polls["accounts"][0]["failures"].as_i64(), polls["parcels"][0]["failures"].as_i64()), (Some(5), Some(5)));
    assert_eq!(api.order("1001").await["status"], "ordered", "and nothing is lost or invented");
}

#[tokio::test]
async fn a_budget_survives_a_restart_and_what_pushes_is_not_asked() {
    let (server, url) = serve(vec![(200, vec![], ups("I", "DP", "20261125"))]).await;
    let api = polling("ups", url, 60).await;
    parcel(&api, "UPS", "1Z1").await;
    until("first", async || server.asked.lock().unwrap().len() == 1).await;
    // Another task, as after a restart, with the same database.
    tokio::spawn(poll::run(api.state.clone()));
    due(&api).await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(server.asked.lock().unwrap().len(), 1, "sixty an hour is one a minute");

    let (server, url) = serve(vec![(200, vec![], ups("I", "DP", "20261125"))]).await;
    let api = polling("ups", url, FAST).await;
    api.webhook("easypost", "", "", &tracker("e1", "1Z1", &[("2026-11-24T12:00:00Z", "in_transit")])).await;
    parcel(&api, "UPS", "1Z1").await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(server.asked.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn every_carriers_recorded_answer_reaches_the_order() {
    let root =
        std::env::var("WHEREABOUTS_DATA").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
    let root = Path::new(&root).join("carrier_payloads");
    if !root.exists() {
        println!("skipped: {} is not there", root.display());
        return;
    }
    for (carrier, company, number, file, path, who, scans) in [
        ("ups", "UPS", "string", "tracking_response_parsing.raw.json", "GET /api/track/v1/details/string", "Bearer token-1", 1),
        (
            "fedex",
            "FedEx",
            "738488882438",
            "parse_inconsistent_datetime_response.raw.json",
            "POST /track/v1/trackingnumbers",
            "Bearer token-1",
            17,
        ),
        (
            "usps",
            "USPS",
            "9400109104250532908587",
            "parse_tracking_response.raw.json",
            "POST /tracking/v3r2/tracking",
            "Bearer token-1",
            12,
        ),
        (
            "dhl_universal",
            "DHL Express",
            "7777777770",
            "parse_tracking_response.raw.json",
            "GET /track/shipments?trackingNumber=7777777770",
            "me",
            1,
        ),
        (
            "royalmail",
            "Royal Mail",
            "FQ087430672GB",
            "parse_tracking_response.raw.json",
            "GET /mailpieces/v2/FQ087430672GB/events",
            "hush",
            1,
        ),
        (
            "canadapost",
            "Canada Post",
            "7023210039414604",
            "parse_tracking_response.raw.xml",
            "GET /vis/track/pin/7023210039414604/detail",
            "Basic bWU6aHVzaA==",
            6,
        ),
    ] {
        let body = std::fs::read(root.join(carrier).join(file)).unwrap();
        // The carrier does not know it yet, then it does.
        let unknown = (404, vec![], br#"{"errors":[{"code":"404","message":"not found"}]}"#.to_vec());
        let (server, url) = serve(vec![unknown, (200, vec![], body)]).await;
        let api = polling(carrier, url, FAST).await;
        parcel(&api, company, number).await;
        until(carrier, async || !server.asked.lock().unwrap().is_empty()).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        due(&api).await;
        until(carrier, async || {
            api.settle().await;
            api.order("1001").await["shipments"][0]["checkpoints"].as_array().unwrap().len() >= scans
        })
        .await;
        let asked = server.asked.lock().unwrap()[0].clone();
        assert!(asked.0.starts_with(path), "{carrier}: {}", asked.0);
        assert_eq!(asked.1, who, "{carrier}");
        assert!(!matches!(carrier, "fedex" | "usps") || asked.2.contains(number), "{}", asked.2);
    }
}
