//! From webhook to order document, through the router and through the real binary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backtest;
mod care;
mod commands;
mod console;
mod crash;
mod days;
mod engine;
mod erasure;
mod front;
mod incidents;
mod insight;
mod journeys;
mod learning;
mod live;
mod messages;
mod outbound;
mod pages;
mod poll;
mod promises;
mod push;
mod recounts;
mod routes;
mod self_hosting;
mod settings;
mod silence;
mod smtp;
mod upgrade;
mod upkeep;
mod web_push;
mod webhooks;

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use api::{config::Config, ingest, routes::app, state::AppState, token};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tower::ServiceExt;

pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub const ADMIN: &str = "admin-key-0123456789abcdef0123456789";

/// A configuration with one store, in a folder of its own.
pub fn configuration(dir: &Path) -> PathBuf {
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/src/demo/policy.json");
    let text = format!(
        r#"listen = "127.0.0.1:0"
database = "{}"
[limits]
body_bytes = 100000
[[stores]]
id = "demo"
name = "Fjord & Fern"
policy = "{policy}"
admin_keys = ["{ADMIN}"]
token_secrets = ["{SECRET}"]
lookup_secret = "{SECRET}"
webhook_secrets = {{ shopify = ["{SECRET}"], easypost = ["{SECRET}"], woocommerce = ["{SECRET}"], aftership = ["{SECRET}"] }}
[[stores]]
id = "other"
name = "Other"
admin_keys = ["other-key-0123456789abcdef0123456789"]
token_secrets = ["other-secret-0123456789abcdef01234"]
lookup_secret = "{SECRET}"
"#,
        dir.join("test.sqlite").display()
    );
    let path = dir.join("config.toml");
    std::fs::write(&path, text).unwrap();
    path
}

pub struct Api {
    pub state: AppState,
    pub app: Router,
    _dir: tempfile::TempDir,
}

/// By how much the tests' clock is ahead: whatever day they run, they begin on a Wednesday at noon, and say the same.
pub static AHEAD: LazyLock<i64> =
    LazyLock::new(|| promise::Instant::parse("2026-11-25T12:00:00Z").unwrap().0 - chrono::Utc::now().timestamp());

/// What time it is in the tests: Unix seconds.
pub fn now() -> i64 {
    chrono::Utc::now().timestamp() + *AHEAD
}

pub async fn api() -> Api {
    api_with(|_| {}).await
}

pub async fn api_with(change: impl FnOnce(&mut Config)) -> Api {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::load(Some(&configuration(dir.path())), std::iter::empty()).unwrap();
    change(&mut config);
    let state = AppState::start(config).await.unwrap();
    state.set_clock_ahead(*AHEAD);
    Api { app: app(state.clone()), state, _dir: dir }
}

impl Api {
    pub async fn send(&self, request: Request<Body>) -> (StatusCode, axum::http::HeaderMap, Value) {
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (head.status, head.headers, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    pub async fn get(&self, path: &str) -> (StatusCode, axum::http::HeaderMap, Value) {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// A signed webhook, then all projections.
    pub async fn webhook(&self, source: &str, topic: &str, id: &str, body: &[u8]) -> StatusCode {
        let (status, _, _) = self.send(webhook(source, topic, id, body)).await;
        while ingest::project_next(&self.state).await.unwrap() {}
        status
    }

    /// A request with the store's admin key.
    pub async fn admin(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/v1/admin/stores/demo/{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {ADMIN}"))
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body.to_vec()))
            .unwrap();
        let (status, _, answer) = self.send(request).await;
        (status, answer)
    }

    pub async fn settle(&self) {
        while ingest::project_next(&self.state).await.unwrap() {}
    }

    pub async fn order(&self, id: &str) -> Value {
        let token = token::mint("demo", id, i64::MAX, SECRET);
        let (status, _, document) = self.get(&format!("/v1/orders/{token}")).await;
        assert_eq!(status, StatusCode::OK, "{document}");
        document
    }
}

pub fn mac(body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

pub fn webhook(source: &str, topic: &str, id: &str, body: &[u8]) -> Request<Body> {
    let request = Request::post(format!("/v1/webhooks/demo/{source}")).header(header::CONTENT_TYPE, "application/json");
    let request = match source {
        "shopify" => request
            .header("x-shopify-hmac-sha256", BASE64.encode(mac(body)))
            .header("x-shopify-topic", topic)
            .header("x-shopify-webhook-id", id),
        "woocommerce" => request
            .header("x-wc-webhook-signature", BASE64.encode(mac(body)))
            .header("x-wc-webhook-topic", topic)
            .header("x-wc-webhook-delivery-id", id),
        "aftership" => request.header("aftership-hmac-sha256", BASE64.encode(mac(body))),
        _ => request.header("x-hmac-signature", format!("hmac-sha256-hex={}", hex::encode(mac(body)))),
    };
    request.body(Body::from(body.to_vec())).unwrap()
}

/// An order of two mugs, as Shopify sends it.
pub fn order(id: u32, placed_at: &str) -> Vec<u8> {
    format!(
        r##"{{"id":{id},"name":"#{id}","created_at":"{placed_at}","updated_at":"{placed_at}","currency":"USD","total_price":"40.00","email":"Ada@Example.com",
        "shipping_address":{{"address1":"1 Secret Street","first_name":"Ada","city":"San Francisco","province_code":"CA","zip":"94103","country_code":"US"}},
        "shipping_lines":[{{"code":"Standard","title":"Standard"}}],"note_attributes":[{{"name":"whereabouts_promise","value":"Tue 1 – Thu 3 Dec"}}],
        "line_items":[{{"id":7,"sku":"MUG-1","title":"Mug","quantity":2,"price":"20.00","requires_shipping":true}}]}}"##
    )
    .into_bytes()
}

pub fn fulfillment(order: u32, number: &str) -> Vec<u8> {
    format!(
        r#"{{"id":{order}1,"order_id":{order},"status":"success","created_at":"2026-11-24T10:00:00Z","updated_at":"2026-11-24T10:00:00Z","tracking_company":"UPS",
        "tracking_numbers":["{number}"],"line_items":[{{"id":7,"sku":"MUG-1","title":"Mug","quantity":2}}]}}"#
    )
    .into_bytes()
}

pub fn tracker(event: &str, number: &str, scans: &[(&str, &str)]) -> Vec<u8> {
    let details: Vec<Value> = scans
        .iter()
        .map(|(time, status)| serde_json::json!({"datetime": time, "status": status, "message": status, "tracking_location": {"city": "MEMPHIS", "state": "TN", "country": "US"}}))
        .collect();
    serde_json::json!({"id": event, "object": "Event", "description": "tracker.updated",
        "result": {"tracking_code": number, "carrier": "UPS", "status": scans.last().unwrap().1, "tracking_details": details}})
    .to_string()
    .into_bytes()
}
