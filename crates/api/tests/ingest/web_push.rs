//! Messages to browsers, to a push service that can open them.

use std::sync::{Arc, Mutex};

use axum::{body::Bytes, http::HeaderMap, routing::post};
use serde_json::json;
use web_push_native::{Auth, decrypt, p256::SecretKey};

use super::*;

/// A browser's keys, from the RFC's example.
pub const PUBLIC: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
pub const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

fn bytes(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()
}

pub type Got = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

/// A push service for one browser. `answers`: what it says to each try, the last one from then on.
pub async fn service(answers: &'static [u16]) -> (String, Got) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/push/abc", listener.local_addr().unwrap());
    let got = Got::default();
    let kept = got.clone();
    let app = Router::new().route(
        "/push/abc",
        post(move |headers: HeaderMap, body: Bytes| async move {
            let browser = SecretKey::from_slice(&bytes(PRIVATE)).unwrap();
            let opened = decrypt(body.to_vec(), &browser, &Auth::clone_from_slice(&bytes(AUTH))).unwrap();
            let mut kept = kept.lock().unwrap();
            kept.push((headers, serde_json::from_slice(&opened).unwrap()));
            StatusCode::from_u16(*answers.get(kept.len() - 1).or(answers.last()).unwrap()).unwrap()
        }),
    );
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, got)
}

pub async fn arrived(got: &Got, count: usize) -> Vec<(HeaderMap, Value)> {
    for _ in 0..200 {
        if got.lock().unwrap().len() >= count {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    got.lock().unwrap().clone()
}

async fn send(api: &Api, path: &str, body: Value) -> (StatusCode, Value) {
    let request = Request::post(format!("/v1/orders/{}/{path}", token::mint("demo", "1001", i64::MAX, SECRET)))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT_LANGUAGE, "en-GB");
    let (status, _, answer) = api.send(request.body(Body::from(body.to_string())).unwrap()).await;
    (status, answer)
}

fn browser(url: &str) -> Value {
    json!({"endpoint": url, "expirationTime": null, "keys": {"p256dh": PUBLIC, "auth": AUTH}})
}

fn ago(seconds: i64) -> String {
    promise::Instant(now() - seconds).to_string()
}

async fn under_way() -> Api {
    let api = api_with(|config| config.limits.internal_targets = true).await;
    messages::ruled(&api, |r| {
        r.rules.retain(|r| r.channel == "push" && !matches!(r.notice.as_str(), "at_risk" | "new_window" | "quiet"));
        r.rules.iter_mut().for_each(|r| r.delay_minutes = 0);
    })
    .await;
    api.webhook("shopify", "orders/create", "o", &order(1001, &ago(5 * 86_400))).await;
    api.webhook("shopify", "fulfillments/create", "f", &fulfillment(1001, "1Z1")).await;
    api.webhook("easypost", "", "", &tracker("t1", "1Z1", &[(&ago(86_400), "in_transit")])).await;
    api
}

/// Waiting, sent and given up.
async fn rows(api: &Api) -> (i64, i64, i64, i64) {
    let sql = "select count(*) filter (where due_at is not null), count(*) filter (where sent_at is not null),
        count(*) filter (where state = 'failed'), (select count(*) from subscriptions) from messages where channel = 'push'";
    api.state.db().read(move |db| Ok(db.query_row(sql, [], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_told_once_of_each_change_encrypted_and_signed() {
    let api = under_way().await;
    let (url, got) = service(&[201]).await;
    tokio::spawn(api::messages::sender::run(api.state.clone()));
    assert_eq!(send(&api, "push", browser(&url)).await.0, StatusCode::CREATED);
    assert_eq!(send(&api, "push", browser(&url)).await.0, StatusCode::CREATED, "again is harmless");
    assert_eq!(send(&api, "push/state", browser(&url)).await.1, json!({"on": true}));
    let scans = [(&*ago(86_400), "in_transit"), (&*ago(60), "out_for_delivery")];
    for id in ["t2", "t3"] {
        api.webhook("easypost", "", "", &tracker(id, "1Z1", &scans)).await;
    }
    let first = arrived(&got, 1).await;
    let (head, message) = &first[0];
    assert_eq!((message["title"].as_str(), message["lang"].as_str()), (Some("Fjord & Fern #1001"), Some("en-GB")));
    assert!(message["body"].as_str().unwrap().starts_with("Out for delivery"), "{message}");
    assert!(message["url"].as_str().unwrap().contains("/track/v1.demo."), "{message}");
    assert_eq!(head["content-encoding"], "aes128gcm");
    assert_eq!(head["ttl"], "86400");
    let signed = head["authorization"].to_str().unwrap();
    let (_, key) = signed.split_once(", k=").unwrap();
    // The key that browsers subscribe with is the one that signs.
    let (_, _, offer) = api.get(&format!("/v1/orders/{}/push", token::mint("demo", "1001", i64::MAX, SECRET))).await;
    assert_eq!(offer["key"], key);
    let claims: Value = serde_json::from_slice(&bytes(signed.split('.').nth(1).unwrap())).unwrap();
    assert_eq!(claims["aud"], url.trim_end_matches("/push/abc"));

    api.webhook("easypost", "", "", &tracker("t4", "1Z1", &[(&ago(86_400), "in_transit"), (&ago(5), "delivered")])).await;
    let all = arrived(&got, 2).await;
    assert!(all[1].1["body"].as_str().unwrap().starts_with("Delivered"), "{:?}", all[1].1);
    // What a replay makes anew is not told again.
    ingest::replay(&api.state).await.unwrap();
    api.state.wake_outbound();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(got.lock().unwrap().len(), 2);
    assert_eq!(send(&api, "push/end", browser(&url)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(send(&api, "push/state", browser(&url)).await.1, json!({"on": false}));
    assert_eq!(rows(&api).await, (0, 2, 0, 0), "the log keeps what was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_has_ended_is_forgotten_and_a_failure_tried_again() {
    let out = [(ago(86_400), "in_transit"), (ago(60), "out_for_delivery")];
    let out: Vec<(&str, &str)> = out.iter().map(|(at, s)| (at.as_str(), *s)).collect();
    for (answers, expected) in [
        (&[410][..], (0, 0, 1, 0)),
        (&[404][..], (0, 0, 1, 0)),
        (&[503][..], (1, 0, 0, 1)),
        (&[429][..], (1, 0, 0, 1)),
        (&[413][..], (0, 0, 1, 1)),
    ] {
        let api = under_way().await;
        let (url, got) = service(answers).await;
        tokio::spawn(api::messages::sender::run(api.state.clone()));
        send(&api, "push", browser(&url)).await;
        api.webhook("easypost", "", "", &tracker("t2", "1Z1", &out)).await;
        arrived(&got, 1).await;
        for _ in 0..100 {
            if rows(&api).await == expected {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(rows(&api).await, expected, "{answers:?}");
    }
    // It works at the second try.
    let api = under_way().await;
    let (url, got) = service(&[500, 201]).await;
    send(&api, "push", browser(&url)).await;
    api.webhook("easypost", "", "", &tracker("t2", "1Z1", &out)).await;
    tokio::spawn(api::messages::sender::run(api.state.clone()));
    arrived(&got, 1).await;
    for _ in 0..100 {
        let done: usize =
            api.state.db().write(|db| Ok(db.execute("update messages set due_at = 1 where attempts = 1", [])?)).await.unwrap();
        if done > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    api.state.wake_messages();
    assert_eq!(arrived(&got, 2).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_goes_inside_and_none_to_too_many() {
    let api = api().await;
    api.webhook("shopify", "orders/create", "o", &order(1001, &ago(86_400))).await;
    for inside in [
        "http://push.example/x",
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest",
        "https://[::1]/x",
        "file:///etc/passwd",
        "",
    ] {
        let (status, problem) = send(&api, "push", browser(inside)).await;
        assert_eq!(
            (status, problem["errors"][0]["field"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some("endpoint")),
            "{inside}"
        );
    }
    let wrong = json!({"endpoint": "https://push.example/x", "keys": {"p256dh": "AAAA", "auth": AUTH}});
    assert_eq!(send(&api, "push", wrong).await.1["errors"][0]["field"], "keys");
    for n in 0..10 {
        assert_eq!(send(&api, "push", browser(&format!("https://push.example/{n}"))).await.0, StatusCode::CREATED);
    }
    assert_eq!(send(&api, "push", browser("https://push.example/11")).await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_key_is_made_once_and_outlives_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let config = || Config::load(Some(&configuration(dir.path())), std::iter::empty()).unwrap();
    let first = api::push::public_key(&AppState::start(config()).await.unwrap()).await.unwrap();
    let second = api::push::public_key(&AppState::start(config()).await.unwrap()).await.unwrap();
    assert_eq!((bytes(&first).len(), &first), (65, &second));
}
