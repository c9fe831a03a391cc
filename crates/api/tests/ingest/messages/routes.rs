//! What merchants, shoppers and providers ask of messages.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::smtp::{Fault, decoded};

const HOOK: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr";

async fn json_admin(api: &Api, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
    api.admin(method, path, "application/json", body.to_string().as_bytes()).await
}

async fn shipped(relay: &Relay) -> Api {
    let api = mailing(relay).await;
    ruled(&api, |_| {}).await;
    api.webhook("shopify", "orders/create", "1", &bought(1001, json!({}))).await;
    api.webhook("shopify", "fulfillments/create", "2", &packed(1001, 1, "1Z1")).await;
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit"])).await;
    api.all_done().await;
    api
}

async fn page(api: &Api, method: &str, path: &str, form: &str) -> (StatusCode, String) {
    let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = api.app.clone().oneshot(request.body(Body::from(form.to_owned())).unwrap()).await.unwrap();
    let (head, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (head.status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn one_click_ends_the_mails_and_a_look_does_not() {
    let relay = Relay::start().await;
    let api = shipped(&relay).await;
    let mail = relay.got.lock().unwrap()[0].clone();
    let url = mail
        .source
        .replace("\r\n ", "")
        .lines()
        .find_map(|l| l.strip_prefix("List-Unsubscribe: <"))
        .unwrap()
        .trim_end_matches('>')
        .to_owned();
    let path = url.strip_prefix("http://127.0.0.1:8080").unwrap().to_owned();
    // A scanner follows the link: nothing changes.
    let (status, text) = page(&api, "GET", &path, "").await;
    assert!(status == StatusCode::OK && text.contains("Shall we stop"), "{text}");
    let (_, list) = api.admin("GET", "messages/suppressions", "", b"").await;
    assert_eq!(list, json!([]));
    // RFC 8058.
    let (status, text) = page(&api, "POST", &path, "List-Unsubscribe=One-Click").await;
    assert!(status == StatusCode::OK && text.contains("no more messages"), "{text}");
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit", "out_for_delivery"])).await;
    assert!(api.all_done().await.iter().any(|m| m.1 == "dropped" && m.3.contains("unsubscribed")));
    // The merchant can't take it back; the shopper can.
    let (_, list) = api.admin("GET", "messages/suppressions", "", b"").await;
    assert_eq!(list[0]["reason"], "unsubscribed");
    let (status, _) =
        json_admin(&api, "DELETE", "messages/suppressions", &json!({"channel": "mail", "address": list[0]["address"]})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let (_, text) = page(&api, "POST", &path, "resume=1").await;
    assert!(text.contains("write to you about your orders again"), "{text}");
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit", "out_for_delivery", "delivered"])).await;
    api.all_done().await;
    assert_eq!(relay.got.lock().unwrap().len(), 2);
    // Neither an order's token nor a changed one opens it.
    let order = token::mint("demo", "1001", i64::MAX, SECRET);
    for bad in
        [format!("/messages/stop/{order}"), path.replace("v1.demo", "v1.other"), format!("{path}0"), "/messages/stop/x".into()]
    {
        let (status, _) = page(&api, "POST", &bad, "List-Unsubscribe=One-Click").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{bad}");
    }
    let stop = path.rsplit('/').next().unwrap();
    assert_ne!(api.get(&format!("/v1/orders/{stop}")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn rules_are_kept_and_what_is_wrong_is_named() {
    let relay = Relay::start().await;
    let api = mailing(&relay).await;
    let (status, mut rules) = api.admin("GET", "messages/rules", "", b"").await;
    assert_eq!((status, rules["per_day"].as_u64()), (StatusCode::OK, Some(4)));
    rules["hooks"] =
        json!({"chat": {"url": "https://hooks.example/x", "shape": "slack", "headers": {"authorization": "secret"}}});
    let (status, _) = json_admin(&api, "PUT", "messages/rules", &rules).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (_, kept) = api.admin("GET", "messages/rules", "", b"").await;
    assert_eq!(kept["hooks"]["chat"]["headers"]["authorization"], "…");
    // Put back as it was shown, the secret stays; at another address it does not.
    json_admin(&api, "PUT", "messages/rules", &kept).await;
    let stored = || async {
        api.state.db().read(|db| api::messages::rules::of(db, "demo")).await.unwrap().hooks["chat"].headers["authorization"]
            .clone()
    };
    assert_eq!(stored().await, "secret");
    let mut moved = kept.clone();
    moved["hooks"]["chat"]["url"] = "https://evil.example/x".into();
    json_admin(&api, "PUT", "messages/rules", &moved).await;
    assert_eq!(stored().await, "");
    let mut wrong = kept.clone();
    wrong["rules"][0]["channel"] = "fax".into();
    wrong["quiet"]["from"] = "late".into();
    let (status, problem) = json_admin(&api, "PUT", "messages/rules", &wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields: Vec<&str> = problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["quiet.from", "rules[0].channel"]);
    wrong["rulez"] = json!(1);
    assert_eq!(json_admin(&api, "PUT", "messages/rules", &wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(api.admin("PUT", "messages/rules", "application/json", b"{").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(api.get("/v1/admin/stores/demo/messages/rules").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn hooks_inside_are_refused_when_they_are_written() {
    let api = api().await;
    let (_, mut rules) = api.admin("GET", "messages/rules", "", b"").await;
    for inside in ["http://127.0.0.1/", "https://169.254.169.254/", "https://[::1]/", "ftp://x.example/"] {
        rules["hooks"] = json!({"chat": {"url": inside, "shape": "slack"}});
        let (status, problem) = json_admin(&api, "PUT", "messages/rules", &rules).await;
        assert_eq!(
            (status, problem["errors"][0]["field"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some("hooks.chat.url")),
            "{inside}"
        );
    }
}

#[tokio::test]
async fn providers_tell_of_bounces_and_complaints() {
    let relay = Relay::start().await;
    let api = shipped(&relay).await;
    api_with_bounces(&api).await;
    let other = api_with(|c| {
        c.stores[0].webhook_secrets.insert("bounces".into(), vec![HOOK.into()]);
    })
    .await;
    let body = json!([{"type": "bounce", "address": "Ada@example.com", "permanent": true}, {"type": "bounce", "address": "full@example.com", "permanent": false},
        {"type": "complaint", "address": "cross@example.com"}, {"type": "delivery", "address": "x@example.com"}, {"type": "bounce", "address": "nonsense"}]).to_string();
    let signed = |body: &str| {
        let mut request = Request::post("/v1/messages/demo/bounces").header(header::CONTENT_TYPE, "application/json");
        for (name, value) in tracking::signature::sign("standard", HOOK, "msg_1", now(), body.as_bytes()).unwrap() {
            request = request.header(name, value);
        }
        request.body(Body::from(body.to_owned())).unwrap()
    };
    let (status, _, answer) = other.send(signed(&body)).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({"suppressed": 2})));
    let (_, list) = other.admin("GET", "messages/suppressions", "", b"").await;
    let mut hints: Vec<(String, String)> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["hint"].as_str().unwrap().into(), s["reason"].as_str().unwrap().into()))
        .collect();
    hints.sort();
    assert_eq!(hints, [("A…@example.com".into(), "bounced".into()), ("c…@example.com".into(), "complained".into())]);
    let unsigned = Request::post("/v1/messages/demo/bounces").body(Body::from(body.clone())).unwrap();
    assert_eq!(other.send(unsigned).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(other.send(signed("{")).await.0, StatusCode::BAD_REQUEST);
    // A bounce the merchant may forgive; a complaint not.
    assert_eq!(
        json_admin(&other, "DELETE", "messages/suppressions", &json!({"channel": "mail", "address": "ada@example.com"})).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        json_admin(&other, "DELETE", "messages/suppressions", &json!({"channel": "mail", "address": "cross@example.com"}))
            .await
            .0,
        StatusCode::CONFLICT
    );
}

async fn api_with_bounces(api: &Api) {
    // Without a secret of its own, nobody is believed.
    let request = Request::post("/v1/messages/demo/bounces").body(Body::from("[]")).unwrap();
    assert_eq!(api.send(request).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn stop_and_start_by_sms_are_obeyed() {
    let api = api_with(|c| {
        c.public_url = "https://w.example".into();
        c.stores[0].sms = Some(notify::sms::Account {
            provider: "twilio".into(),
            account: "AC1".into(),
            token: "tok".into(),
            from: "+15005550006".into(),
            url: None,
        });
    })
    .await;
    let signature = |form: &BTreeMap<&str, &str>| {
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(b"tok").unwrap();
        mac.update(b"https://w.example/v1/messages/demo/sms/twilio");
        form.iter().for_each(|(k, v)| {
            mac.update(k.as_bytes());
            mac.update(v.as_bytes());
        });
        BASE64.encode(mac.finalize().into_bytes())
    };
    let says = async |form: &[(&str, &str)], forged: bool| {
        let form: BTreeMap<&str, &str> = form.iter().copied().collect();
        let signature = if forged { "AAAA".to_owned() } else { signature(&form) };
        let request = Request::post("/v1/messages/demo/sms/twilio")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("x-twilio-signature", signature)
            .body(Body::from(serde_urlencoded::to_string(&form).unwrap()))
            .unwrap();
        api.send(request).await.0
    };
    let reasons = async || {
        let (_, list) = api.admin("GET", "messages/suppressions", "", b"").await;
        list.as_array().unwrap().iter().map(|s| s["reason"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(says(&[("From", "+14155550100"), ("Body", "STOP")], true).await, StatusCode::UNAUTHORIZED);
    assert!(reasons().await.is_empty());
    assert_eq!(says(&[("From", "+14155550100"), ("Body", "Stop")], false).await, StatusCode::OK);
    assert_eq!(reasons().await, ["stop"]);
    assert_eq!(says(&[("From", "+14155550100"), ("Body", "START")], false).await, StatusCode::OK);
    assert!(reasons().await.is_empty());
    // What became of a message.
    assert_eq!(
        says(&[("To", "+14155550100"), ("MessageStatus", "undelivered"), ("ErrorCode", "30003")], false).await,
        StatusCode::OK
    );
    assert_eq!(reasons().await, ["bounced"]);
    assert_eq!(says(&[("To", "+14155550101"), ("MessageStatus", "delivered")], false).await, StatusCode::OK);
    assert_eq!(reasons().await.len(), 1);
}

#[tokio::test]
async fn own_words_are_previewed_checked_and_sent() {
    let relay = Relay::start().await;
    let api = mailing(&relay).await;
    ruled(&api, |_| {}).await;
    let words = json!({"subject": "Off it goes: {{ order.number }}", "body": "Hello from {{ store.name }}.\n\n{{ body }}"});
    let (status, made) =
        json_admin(&api, "POST", "messages/preview", &json!({"notice": "shipped", "language": "en", "words": words})).await;
    assert_eq!((status, made["subject"].as_str()), (StatusCode::OK, Some("Off it goes: #1001")), "{made}");
    assert!(made["html"].as_str().unwrap().contains("Hello from Fjord &amp; Fern."));
    assert!(made["text"].as_str().unwrap().contains("This is a test message."));
    // Mistakes are named; while they are only looked at, our own words stand in.
    let bad =
        json!({"subject": "{{ ordr.number }}", "html": "<p>\n{% for i in range(99999) %}{{ i }}{% endfor %}", "body": "{{ 7*7"});
    let (status, problem) = json_admin(&api, "PUT", "messages/words/shipped/en", &bad).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut fields: Vec<&str> = problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["body", "html", "subject"]);
    let (_, made) = json_admin(&api, "POST", "messages/preview", &json!({"notice": "shipped", "words": bad})).await;
    assert!(made["wrong"].as_array().unwrap().len() == 2 && made["html"].as_str().unwrap().contains("on its way"), "{made}");
    assert_eq!(json_admin(&api, "PUT", "messages/words/nothing/en", &words).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(json_admin(&api, "PUT", "messages/words/shipped/tlh", &words).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(json_admin(&api, "PUT", "messages/words/shipped/en", &words).await.0, StatusCode::NO_CONTENT);
    api.webhook("shopify", "orders/create", "1", &bought(1001, json!({}))).await;
    api.webhook("shopify", "fulfillments/create", "2", &packed(1001, 1, "1Z1")).await;
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit"])).await;
    api.all_done().await;
    let source = relay.got.lock().unwrap()[0].source.clone();
    assert!(
        source.contains("Subject: Off it goes: #1001") && decoded(&source, "text/plain").contains("Hello from Fjord & Fern.")
    );
    // On a real order; and back to ours.
    let (status, made) =
        json_admin(&api, "POST", "messages/preview", &json!({"notice": "shipped", "order": "1001", "language": "de"})).await;
    assert_eq!((status, made["subject"].as_str()), (StatusCode::OK, Some("Deine Bestellung #1001 ist unterwegs")));
    assert_eq!(
        json_admin(&api, "POST", "messages/preview", &json!({"notice": "shipped", "order": "9"})).await.0,
        StatusCode::NOT_FOUND
    );
    json_admin(&api, "PUT", "messages/words/shipped/en", &json!({})).await;
    assert_eq!(api.admin("GET", "messages/words", "", b"").await.1, json!([]));
}

#[tokio::test]
async fn a_test_is_sent_at_once_and_says_how_it_went() {
    let relay = Relay::start().await;
    let api = mailing(&relay).await;
    let ask = json!({"notice": "delivered", "language": "en", "to": "owner@shop.example"});
    let (status, answer) = json_admin(&api, "POST", "messages/test", &ask).await;
    assert_eq!((status, answer["outcome"].as_str()), (StatusCode::OK, Some("sent")));
    assert!(decoded(&relay.got.lock().unwrap()[0].source, "text/plain").starts_with("This is a test message."));
    relay.fail(&[Fault::Busy]);
    let (_, answer) = json_admin(&api, "POST", "messages/test", &ask).await;
    assert!(answer["outcome"] == "later" && answer["detail"].as_str().unwrap().contains("try later"), "{answer}");
    for (wrong, field) in [
        (json!({"notice": "delivered", "to": "nobody"}), "to"),
        (json!({"notice": "delivered", "channel": "sms", "to": "+14155550100"}), "channel"),
        (json!({"notice": "x", "to": "a@b.example"}), "notice"),
    ] {
        let (status, problem) = json_admin(&api, "POST", "messages/test", &wrong).await;
        assert_eq!((status, problem["errors"][0]["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(field)));
    }
    assert!(api.log().await.is_empty(), "tests are not in the log");
}

#[tokio::test]
async fn the_log_tells_what_became_of_each_message() {
    let relay = Relay::start().await;
    let api = shipped(&relay).await;
    let (_, log) = api.admin("GET", "messages?order=1001&state=sent", "", b"").await;
    assert_eq!(
        (log[0]["notice"].as_str(), log[0]["state"].as_str(), log[0]["rule"].as_str()),
        (Some("shipped"), Some("sent"), Some("shipped-mail"))
    );
    assert!(!log.to_string().to_lowercase().contains("ada@example.com"));
    let id = log[0]["id"].as_str().unwrap();
    assert_eq!(api.admin("POST", &format!("messages/{id}/again"), "", b"").await.0, StatusCode::NOT_FOUND, "it was sent");
    assert_eq!(api.admin("GET", "messages?order=9", "", b"").await.1, json!([]));
    // Another store's key opens nothing of it.
    let request = Request::get("/v1/admin/stores/demo/messages")
        .header(header::AUTHORIZATION, "Bearer other-key-0123456789abcdef0123456789");
    assert_eq!(api.send(request.body(Body::empty()).unwrap()).await.0, StatusCode::UNAUTHORIZED);
}
