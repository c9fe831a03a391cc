//! Outbound webhooks, to a receiver that fails at first.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use api::{config::Outbound, outbound};
use axum::{body::Bytes, http::HeaderMap, routing::post};
use tracking::signature;

use super::*;

const HOOK: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr";

struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<(String, Value)>>>,
    failures: Arc<AtomicU32>,
}

/// Verifies what it gets, and answers 500 as long as it has failures left.
async fn receiver(failures: u32) -> Receiver {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let got = Arc::new(Mutex::new(Vec::new()));
    let left = Arc::new(AtomicU32::new(failures));
    let (kept, fail) = (got.clone(), left.clone());
    let app = Router::new().route(
        "/hook",
        post(move |headers: HeaderMap, body: Bytes| async move {
            let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
            let now = now();
            let verified = signature::verify("standard", &[HOOK], &header, &body, now).unwrap();
            if fail.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
                return StatusCode::INTERNAL_SERVER_ERROR;
            }
            kept.lock().unwrap().push((verified.event_id.unwrap(), serde_json::from_slice(&body).unwrap()));
            StatusCode::NO_CONTENT
        }),
    );
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Receiver { url, got, failures: left }
}

async fn told(receiver: &Receiver, count: usize) -> Vec<(String, Value)> {
    for _ in 0..200 {
        if receiver.got.lock().unwrap().len() >= count {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    receiver.got.lock().unwrap().clone()
}

async fn hooked(receiver: &Receiver, events: &[&str]) -> Api {
    let (url, events) = (receiver.url.clone(), events.iter().map(|e| (*e).to_owned()).collect());
    let api = api_with(|config| {
        config.limits.internal_targets = true;
        config.stores[0].outbound.push(Outbound { url, secret: HOOK.into(), events });
    })
    .await;
    tokio::spawn(outbound::run(api.state.clone()));
    api
}

#[tokio::test]
async fn each_change_is_told_once_signed_and_again_after_a_failure() {
    let receiver = receiver(1).await;
    let api = hooked(&receiver, &["shipment.status", "order.delivered"]).await;
    api.webhook("shopify", "orders/create", "1", &order(1001, "2026-11-23T10:00:00Z")).await;
    api.webhook("shopify", "fulfillments/create", "2", &fulfillment(1001, "1Z1")).await;
    let scans = [
        ("2026-11-24T12:00:00Z", "in_transit"),
        ("2026-11-25T08:00:00Z", "out_for_delivery"),
        ("2026-11-25T11:00:00Z", "delivered"),
    ];
    for n in 1..=scans.len() {
        let body = tracker(&format!("t{n}"), "1Z1", &scans[..n]);
        api.webhook("easypost", "", "", &body).await;
        api.webhook("easypost", "", "", &body).await;
    }
    let mut all = told(&receiver, 5).await;
    all.sort_by_key(|(_, body)| (body["type"].to_string(), body["data"]["status"].to_string()));
    let said: Vec<_> =
        all.iter().map(|(_, b)| (b["type"].as_str().unwrap(), b["data"]["status"].as_str().unwrap_or_default())).collect();
    assert_eq!(
        said,
        [
            ("order.delivered", ""),
            ("shipment.status", "delivered"),
            ("shipment.status", "in_transit"),
            ("shipment.status", "info_received"),
            ("shipment.status", "out_for_delivery")
        ]
    );
    assert_eq!(all[1].1["data"]["order_number"], "#1001");
    assert!(!all[1].1.to_string().to_lowercase().contains("ada@example.com"));
    // A replay makes the same changes anew: they are not told again.
    ingest::replay(&api.state).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(receiver.got.lock().unwrap().len(), 5);
    // Until somebody asks for one.
    let (status, _) = api.admin("POST", &format!("outbox/{}/replay", all[1].0), "", b"").await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let again = told(&receiver, 6).await;
    assert_eq!(again[5], all[1]);
    let (_, outbox) = api.admin("GET", "outbox", "", b"").await;
    assert!(outbox.as_array().unwrap().iter().all(|m| m["sent_at"].is_string() && m["error"].is_null()), "{outbox}");
}

#[tokio::test]
async fn what_fails_for_good_is_kept_as_a_dead_letter() {
    let receiver = receiver(u32::MAX).await;
    let api = hooked(&receiver, &["shipment.exception"]).await;
    api.webhook("shopify", "orders/create", "1", &order(1001, "2026-11-23T10:00:00Z")).await;
    api.webhook("shopify", "fulfillments/create", "2", &fulfillment(1001, "1Z1")).await;
    api.webhook("easypost", "", "", &tracker("t1", "1Z1", &[("2026-11-24T12:00:00Z", "failure")])).await;
    // Time passes: every try is due at once.
    for _ in 0..200 {
        api.state.db().write(|db| Ok(db.execute("update outbox set due_at = 1 where due_at is not null", [])?)).await.unwrap();
        api.state.wake_outbound();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let (_, dead) = api.admin("GET", "outbox?dead=true", "", b"").await;
        if dead.as_array().is_some_and(|d| !d.is_empty()) {
            assert_eq!((dead[0]["kind"].as_str(), dead[0]["attempts"].as_i64()), (Some("shipment.exception"), Some(10)));
            assert!(dead[0]["error"].as_str().unwrap().contains("500"), "{dead}");
            receiver.failures.store(0, Ordering::SeqCst);
            api.admin("POST", &format!("outbox/{}/replay", dead[0]["id"].as_str().unwrap()), "", b"").await;
            assert_eq!(told(&receiver, 1).await.len(), 1);
            return;
        }
    }
    panic!("it was never given up");
}
