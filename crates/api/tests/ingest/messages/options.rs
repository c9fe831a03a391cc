//! The notices that are due when a promised date can't be kept.

use serde_json::json;

use super::*;
use crate::smtp::decoded;

/// An order of so many days ago, whose promise has passed or soon will.
async fn late(api: &Api, id: u32, days: i64, country: &str) {
    let at = ago(days * 24);
    let address = if country == "US" {
        json!({"city": "San Francisco", "province_code": "CA", "zip": "94103", "country_code": "US"})
    } else {
        json!({"city": "Berlin", "zip": "10115", "country_code": country})
    };
    let more = json!({"created_at": at, "updated_at": at, "shipping_address": address});
    api.webhook("shopify", "orders/create", &format!("o{id}"), &bought(id, more)).await;
}

async fn shop(mode: &'static str) -> (Relay, Api) {
    let relay = Relay::start().await;
    let api = mailing(&relay).await;
    ruled(&api, move |r| {
        r.delay_options.mode = mode.into();
        r.rules.clear();
    })
    .await;
    (relay, api)
}

async fn drafts(api: &Api) -> Value {
    api.admin("GET", "delay-options", "", b"").await.1
}

async fn send(api: &Api, id: &str, change: &Value) -> (StatusCode, Value) {
    api.admin("POST", &format!("delay-options/{id}/send"), "application/json", change.to_string().as_bytes()).await
}

async fn page(api: &Api, method: &str, path: &str) -> (StatusCode, String) {
    let answer = api.app.clone().oneshot(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await.unwrap();
    let (head, body) = answer.into_parts();
    (head.status, String::from_utf8(axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap())
}

/// Where the two buttons of the newest mail lead: wait, cancel.
fn links(relay: &Relay) -> (String, String) {
    let source = relay.got.lock().unwrap().last().unwrap().source.clone();
    let text = decoded(&source, "text/plain");
    let mut all = text
        .lines()
        .filter_map(|l| l.strip_prefix("http://127.0.0.1:8080"))
        .filter(|l| l.contains("/messages/option/"))
        .map(str::to_owned);
    (all.next().unwrap(), all.next().unwrap())
}

#[tokio::test]
async fn a_late_order_is_drafted_and_sent_when_the_merchant_says_so() {
    let (relay, api) = shop("draft").await;
    late(&api, 1001, 20, "US").await;
    let list = drafts(&api).await;
    assert_eq!(
        (list[0]["law"].as_str(), list[0]["state"].as_str(), list[0]["silence"].as_str()),
        (Some("us"), Some("draft"), Some("consents")),
        "{list}"
    );
    assert_eq!(list[0]["until"], list[0]["revised"]["to"]);
    let id = list[0]["id"].as_str().unwrap().to_owned();
    let (_, one) = api.admin("GET", &format!("delay-options/{id}"), "", b"").await;
    assert!(one["preview"]["text"].as_str().unwrap().contains("Cancelling is free"), "{one}");
    assert!(api.all_done().await.is_empty(), "nothing goes by itself");
    // Bad changes are named.
    for (change, field) in [
        (json!({"revised_to": "soon"}), "revised_to"),
        (json!({"revised_to": "2020-01-01"}), "revised_to"),
        (json!({"indefinite": true}), "reason"),
        (json!({"indefinite": true, "revised_to": "2030-01-01"}), "revised_to"),
    ] {
        let (status, problem) = send(&api, &id, &change).await;
        assert_eq!((status, problem["errors"][0]["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(field)), "{change}");
    }
    assert_eq!(send(&api, &id, &json!({"reason": "The potter is ill"})).await.0, StatusCode::ACCEPTED);
    api.all_done().await;
    let text = decoded(&relay.got.lock().unwrap()[0].source, "text/plain");
    for part in [
        "We can't keep the date we promised",
        "Our new date is",
        "The reason: The potter is ill.",
        "you get all your money back",
        "we take it that you agree",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(send(&api, &id, &json!({})).await.0, StatusCode::NOT_FOUND, "it is no draft any more");
    // The shopper looks, which decides nothing, then waits, and then has had enough.
    let (wait, cancel) = links(&relay);
    assert!(page(&api, "GET", &wait).await.1.contains("Please confirm that you want to wait."));
    assert_eq!(drafts(&api).await[0]["state"], "sent");
    assert!(page(&api, "POST", &wait).await.1.contains("you'll wait"));
    assert_eq!(drafts(&api).await[0]["state"], "waits");
    assert!(page(&api, "POST", &cancel).await.1.contains("We've noted that you cancel"));
    assert_eq!(drafts(&api).await[0]["state"], "cancelled");
    assert!(page(&api, "POST", &wait).await.1.contains("We've noted that you cancel"), "cancelled is cancelled");
    for bad in [wait.replace("v1.demo", "v1.other"), format!("{wait}0"), "/messages/option/x".into()] {
        assert_eq!(page(&api, "POST", &bad).await.0, StatusCode::NOT_FOUND, "{bad}");
    }
}

#[tokio::test]
async fn the_merchant_is_told_of_answers() {
    let (relay, api) = shop("send").await;
    late(&api, 1001, 20, "US").await;
    api.all_done().await;
    let (_, cancel) = links(&relay);
    let (store, now) = (api.state.store_info("demo").unwrap(), api.state.now());
    let with = api::store::orders::StoreInfo {
        outbound: vec![api::store::outbox::Endpoint::of("https://shop.example/hook", &[])],
        ..store
    };
    let id = drafts(&api).await[0]["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let (with, id) = (with.clone(), id.clone());
        api.state.db().write(move |db| api::messages::options::answer(db, &with, &id, true, now)).await.unwrap();
    }
    let (_, outbox) = api.admin("GET", "outbox", "", b"").await;
    assert_eq!(outbox.as_array().unwrap().len(), 1);
    assert_eq!(
        (outbox[0]["kind"].as_str(), outbox[0]["body"]["data"]["answer"].as_str()),
        (Some("delay_option.answered"), Some("cancelled"))
    );
    assert!(page(&api, "GET", &cancel).await.1.contains("We've noted that you cancel"));
}

#[tokio::test]
async fn silence_means_what_the_notice_said() {
    let (_relay, api) = shop("send").await;
    late(&api, 1001, 20, "US").await;
    late(&api, 1002, 60, "US").await;
    late(&api, 1003, 20, "DE").await;
    api.all_done().await;
    let list = drafts(&api).await;
    let of = |list: &Value, order: &str| list.as_array().unwrap().iter().find(|o| o["order_id"] == order).unwrap().clone();
    assert_eq!(
        (of(&list, "1001")["silence"].as_str(), of(&list, "1002")["silence"].as_str(), of(&list, "1003")["silence"].as_str()),
        (Some("consents"), Some("cancels"), Some("nothing"))
    );
    let store = api.state.store_info("demo").unwrap();
    let later = promise::Instant(api.state.now().0 + 400 * 86_400);
    let settled = api.state.db().write(move |db| api::messages::options::settle(db, &store, later)).await.unwrap();
    assert_eq!(settled, 2);
    let list = drafts(&api).await;
    let state = |order: &str| of(&list, order)["state"].as_str().unwrap().to_owned();
    assert_eq!((state("1001"), state("1002"), state("1003")), ("deemed_waits".into(), "deemed_cancelled".into(), "sent".into()));
}

#[tokio::test]
async fn what_is_sent_is_past_the_american_rule_and_a_further_delay_needs_express_consent() {
    let (relay, api) = shop("send").await;
    late(&api, 1001, 20, "US").await;
    api.all_done().await;
    // The date that was told is over too.
    let earlier = "update delay_options set revised_from = '2020-01-01', revised_to = '2020-01-02', until = '2020-01-02'";
    api.state.db().write(move |db| Ok(db.execute(earlier, [])?)).await.unwrap();
    api.webhook(
        "shopify",
        "orders/updated",
        "x",
        &bought(1001, json!({"created_at": ago(20 * 24), "updated_at": ago(1), "tags": "again"})),
    )
    .await;
    let again = async || {
        let (state, now) = (api.state.clone(), api.state.now());
        let info = state.store_info("demo").unwrap();
        state
            .db()
            .write(move |db| {
                let d = api::store::orders::document(db, "demo", "1001")?.unwrap();
                api::messages::options::draft(db, &info, "1001", &d, now)
            })
            .await
            .unwrap();
    };
    again().await;
    again().await;
    api.all_done().await;
    let list = drafts(&api).await;
    let mut seen: Vec<(i64, String)> =
        list.as_array().unwrap().iter().map(|o| (o["nth"].as_i64().unwrap(), o["silence"].as_str().unwrap().into())).collect();
    seen.sort();
    assert_eq!(seen, [(1, "consents".into()), (2, "cancels".into())]);
    assert_eq!(relay.got.lock().unwrap().len(), 2);
    let (wait, _) = links(&relay);
    // It leaves: there is nothing to decide any more.
    api.webhook("shopify", "fulfillments/create", "2", &packed(1001, 1, "1Z1")).await;
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit"])).await;
    assert!(page(&api, "POST", &wait).await.1.contains("This question is closed"));
    let (store, now) = (api.state.store_info("demo").unwrap(), api.state.now());
    api.state.db().write(move |db| api::messages::options::settle(db, &store, now)).await.unwrap();
    assert!(drafts(&api).await.as_array().unwrap().iter().all(|o| o["state"] == "closed"));
}

#[tokio::test]
async fn where_nothing_is_due_nothing_is_drafted() {
    let (_relay, api) = shop("off").await;
    late(&api, 1001, 20, "US").await;
    assert_eq!(drafts(&api).await, json!([]));
    ruled(&api, |_| {}).await;
    late(&api, 1002, 20, "JP").await;
    late(&api, 1003, 0, "US").await;
    assert_eq!(drafts(&api).await, json!([]), "no law of ours, and in time");
    late(&api, 1004, 20, "DE").await;
    let list = drafts(&api).await;
    assert_eq!(list.as_array().unwrap().len(), 1);
    let id = list[0]["id"].as_str().unwrap();
    assert_eq!(api.admin("POST", &format!("delay-options/{id}/dismiss"), "", b"").await.0, StatusCode::NO_CONTENT);
    assert_eq!(api.admin("POST", &format!("delay-options/{id}/dismiss"), "", b"").await.0, StatusCode::NOT_FOUND);
}
