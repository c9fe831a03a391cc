//! Webhooks at the router: spellings of headers, two keys at once, windows against replays, repetitions, what an app store asks for.

use serde_json::json;
use tracking::signature::sign;

use super::*;

const STANDARD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

impl Api {
    async fn send_signed(&self, source: &str, headers: &[(&str, String)], body: &[u8]) -> StatusCode {
        let mut request = Request::post(format!("/v1/webhooks/demo/{source}")).header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let status = self.send(request.body(Body::from(body.to_vec())).unwrap()).await.0;
        self.settle().await;
        status
    }

    async fn count(&self, what: &'static str) -> i64 {
        let sql = format!("select count(*) from {what}");
        self.state.db().read(move |db| Ok(db.query_row(&sql, [], |r| r.get(0))?)).await.unwrap()
    }
}

#[tokio::test]
async fn shopify_is_understood_in_both_spellings_and_repetitions_are_told_across_them() {
    let api = api().await;
    let body = order(1001, "2026-11-23T10:00:00Z");
    let signature = BASE64.encode(mac(&body));
    for prefix in ["x-shopify", "shopify"] {
        let names = ["hmac-sha256", "topic", "webhook-id"].map(|n| format!("{prefix}-{n}"));
        let headers = [(names[0].as_str(), signature.clone()), (&names[1], "orders/create".into()), (&names[2], "w-1".into())];
        assert_eq!(api.send_signed("shopify", &headers, &body).await, StatusCode::OK, "{prefix}");
        let wrong = [(names[0].as_str(), BASE64.encode(mac(b"other"))), (&names[1], "orders/create".into())];
        assert_eq!(api.send_signed("shopify", &wrong, &body).await, StatusCode::UNAUTHORIZED, "{prefix}");
    }
    assert_eq!(
        api.count("events where topic = 'orders/create' and event_id = 'w-1'").await,
        1,
        "one event, whatever the spelling"
    );
    assert_eq!(api.order("1001").await["number"], "#1001");
}

#[tokio::test]
async fn a_key_is_rotated_without_losing_a_webhook() {
    let (old, new) = ("old-secret-0123456789abcdef0123456789", "new-secret-0123456789abcdef0123456789");
    let secrets = |list: &[&str]| list.iter().map(|s| (*s).into()).collect::<Vec<secrecy::SecretString>>();
    let body = |n: u32| tracker(&format!("e{n}"), "1Z1", &[("2026-11-24T12:00:00Z", "in_transit")]);
    for (held, by_old, by_new) in
        [(&[old][..], true, false), (&[old, new], true, true), (&[new, old], true, true), (&[new], false, true)]
    {
        let api = api_with(|config| {
            config.stores[0].webhook_secrets.insert("easypost".into(), secrets(held));
        })
        .await;
        for (n, (secret, right)) in [(old, by_old), (new, by_new)].into_iter().enumerate() {
            let body = body(n as u32);
            let headers = sign("easypost", secret, "", 0, &body).unwrap();
            let expected = if right { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
            assert_eq!(api.send_signed("easypost", &headers, &body).await, expected, "{held:?} {secret}");
        }
        assert_eq!(api.count("events").await, i64::from(by_old) + i64::from(by_new));
    }
}

#[tokio::test]
async fn a_signed_time_counts_for_five_minutes_and_an_id_once() {
    let api = api_with(|config| {
        config.stores[0].webhook_secrets.insert("standard".into(), vec![STANDARD.into()]);
        config.stores[0].webhook_secrets.insert("shippo".into(), vec![SECRET.into()]);
    })
    .await;
    let body =
        br##"{"orders":[{"id":"7","number":"#7","placed_at":"2026-11-23T10:00:00Z","lines":[{"sku":"MUG-1","quantity":1}]}]}"##;
    let at = now();
    for (source, secret, shift, expected) in [
        ("standard", STANDARD, -330, StatusCode::UNAUTHORIZED),
        ("standard", STANDARD, 330, StatusCode::UNAUTHORIZED),
        ("standard", STANDARD, -200, StatusCode::OK),
        ("shippo", SECRET, -330, StatusCode::UNAUTHORIZED),
        ("shippo", SECRET, 0, StatusCode::OK),
    ] {
        let headers = sign(source, secret, "msg-1", at + shift, body).unwrap();
        assert_eq!(api.send_signed(source, &headers, body).await, expected, "{source} {shift}");
    }
    assert_eq!(api.order("7").await["number"], "#7");
    // The same id says the same, whatever comes with it; the same content without an id is the same event.
    let other = br##"{"orders":[{"id":"8","number":"#8","placed_at":"2026-11-23T10:00:00Z"}]}"##;
    assert_eq!(
        api.send_signed("standard", &sign("standard", STANDARD, "msg-1", at, other).unwrap(), other).await,
        StatusCode::OK
    );
    assert_eq!(api.send_signed("shippo", &sign("shippo", SECRET, "", at + 5, body).unwrap(), body).await, StatusCode::OK);
    assert_eq!((api.count("events").await, api.count("orders").await), (2, 1));
}

#[tokio::test]
async fn an_uninstalled_app_keeps_shoppers_orders_until_the_shop_is_redacted() {
    let api = api().await;
    api.webhook("shopify", "orders/create", "o", &order(1001, "2026-11-23T10:00:00Z")).await;
    let shop = br#"{"id": 1, "name": "Fjord", "email": "owner@example.com", "domain": "fjord.myshopify.com"}"#;
    assert_eq!(api.webhook("shopify", "app/uninstalled", "u", shop).await, StatusCode::OK);
    let (_, requests) = api.admin("GET", "requests", "", b"").await;
    assert_eq!((requests[0]["topic"].as_str(), requests[0]["done_at"].is_null()), (Some("app/uninstalled"), false), "{requests}");
    assert_eq!(api.order("1001").await["status"], "ordered");
    assert_eq!(api.count("events where cast(body as text) like '%owner@example.com%'").await, 0);
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(api.order("1001").await["status"], "ordered");
    // In the newer spelling as well.
    let body = br#"{"shop_domain":"fjord.myshopify.com"}"#;
    let headers = [("shopify-hmac-sha256", BASE64.encode(mac(body))), ("shopify-topic", "shop/redact".into())];
    assert_eq!(api.send_signed("shopify", &headers, body).await, StatusCode::OK);
    assert_eq!((api.count("orders").await, api.count("events").await), (0, 0));
}

#[tokio::test]
async fn json_lines_are_imported_once_and_a_wrong_one_is_named() {
    let api = api().await;
    let line = |id: u32| {
        json!({"orders": [{"id": id.to_string(), "number": format!("#{id}"), "placed_at": "2026-11-20T10:00:00Z", "destination": {"country": "DE", "postal_code": "10115"},
        "lines": [{"sku": "MUG-1", "quantity": 1}]}], "shipments": [{"carrier": "ups", "tracking_number": format!("1Z{id}"), "order_id": id.to_string(), "status": "in_transit",
        "checkpoints": [{"time": "2026-11-21T10:00:00Z", "status": "in_transit"}]}]})
    };
    let lines = format!("{}\n\nnonsense\r\n{}\n", line(31), line(32));
    let (status, answer) = api.admin("POST", "imports", "application/x-ndjson", lines.as_bytes()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!((answer["accepted"].as_i64(), answer["rejected"][0]["line"].as_i64()), (Some(2), Some(3)));
    api.settle().await;
    for id in ["31", "32"] {
        assert_eq!(api.order(id).await["status"], "shipped", "{id}");
    }
    let (_, answer) = api.admin("POST", "imports", "application/x-ndjson", lines.as_bytes()).await;
    assert_eq!((answer["accepted"].as_i64(), answer["repeated"].as_i64()), (Some(0), Some(2)));
}
