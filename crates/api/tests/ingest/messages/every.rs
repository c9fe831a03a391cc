//! Every rule, from the change that sets it off to the mail.

use serde_json::json;

use super::*;
use crate::smtp::decoded;

async fn shop() -> (Relay, Api) {
    let relay = Relay::start().await;
    let api = mailing(&relay).await;
    ruled(&api, |r| r.rules.iter_mut().for_each(|rule| rule.enabled = true)).await;
    (relay, api)
}

async fn said(relay: &Relay, api: &Api) -> Vec<String> {
    api.all_done().await;
    let got = relay.got.lock().unwrap();
    got.iter().map(|m| m.source.lines().find_map(|l| l.strip_prefix("Subject: ")).unwrap_or_default().to_owned()).collect()
}

/// What our own JSON says of a parcel.
async fn parcel(api: &Api, mut shipment: Value) {
    shipment["carrier"] = "ups".into();
    ingest::import(&api.state, "demo", vec![json!({"shipments": [shipment]}).to_string().into_bytes()]).await.unwrap();
    api.settle().await;
}

#[tokio::test]
async fn ordered_and_missed_and_collected_and_asked() {
    let (relay, api) = shop().await;
    api.webhook(
        "shopify",
        "orders/create",
        "1",
        &bought(1001, json!({"buyer_accepts_marketing": true, "created_at": ago(2), "updated_at": ago(2)})),
    )
    .await;
    assert_eq!(said(&relay, &api).await, ["We have your order #1001"]);
    api.webhook("shopify", "fulfillments/create", "2", &packed(1001, 1, "1Z1")).await;
    let scan = |status: &str, hours: i64| json!({"tracking_number": "1Z1", "status": status, "checkpoints": [{"time": ago(hours), "status": status}]});
    parcel(&api, scan("attempt_failed", 6)).await;
    assert_eq!(said(&relay, &api).await.last().unwrap(), "They missed you: your order #1001");
    let until = promise::Instant(now() + 5 * 86_400).to_string();
    let mut waiting = scan("available_for_pickup", 4);
    waiting["pickup"] = json!({"name": "Corner Shop", "address": "12 Market Street", "code": "4711", "until": until});
    parcel(&api, waiting).await;
    // Ready at once; that it goes back is told two days before.
    let due = "select (due_at - ?1) / 86400.0 from messages where notice = 'sent_back_soon'";
    let days = api.state.db().read(move |db| Ok(db.query_row(due, [now()], |r| r.get::<_, f64>(0))?)).await.unwrap();
    assert!((2.9..3.1).contains(&days), "{days}");
    let all = said(&relay, &api).await;
    assert_eq!(all[2..], ["Ready to collect: your order #1001", "Please collect your order #1001 soon"]);
    let text = decoded(&relay.got.lock().unwrap()[2].source, "text/plain");
    assert!(text.contains("Corner Shop") && text.contains("Code: 4711") && text.contains("It is kept until"), "{text}");
    parcel(&api, scan("delivered", 1)).await;
    let due = "select (due_at - ?1) / 86400.0 from messages where notice = 'satisfied'";
    let days = api.state.db().read(move |db| Ok(db.query_row(due, [now()], |r| r.get::<_, f64>(0))?)).await.unwrap();
    assert!((2.8..3.1).contains(&days), "{days}");
    assert_eq!(said(&relay, &api).await[4..], ["Delivered: your order #1001", "Is all well with your order #1001?"]);
}

#[tokio::test]
async fn what_may_be_late_and_what_is_late_are_told() {
    let (relay, api) = shop().await;
    // Whatever weekday it is: of orders of the last two weeks, some become late these days and some long ago.
    for days in 2..15i64 {
        let id = 2000 + days as u32;
        let at = ago(days * 24);
        api.webhook("shopify", "orders/create", &format!("o{id}"), &bought(id, json!({"created_at": at, "updated_at": at})))
            .await;
    }
    let all = said(&relay, &api).await;
    let late = all.iter().filter(|s| s.ends_with("is running late")).count();
    assert!((1..=4).contains(&late), "{all:?}");
    assert!(!all.iter().any(|s| s.contains("#2014")), "long late is no news: {all:?}");
    let text =
        decoded(&relay.got.lock().unwrap().iter().find(|m| m.source.contains("running late")).unwrap().source, "text/plain");
    assert!(text.contains("We are sorry.") && text.contains("We promised it by"), "{text}");
}

#[tokio::test]
async fn silence_is_told_once_and_not_when_it_is_over() {
    let (relay, api) = shop().await;
    let at = ago(10 * 24);
    api.webhook("shopify", "orders/create", "1", &bought(1001, json!({"created_at": at, "updated_at": at}))).await;
    api.webhook("shopify", "fulfillments/create", "2", &packed(1001, 1, "1Z1")).await;
    let scan = |hours: i64| json!({"tracking_number": "1Z1", "status": "in_transit", "checkpoints": [{"time": ago(hours), "status": "in_transit", "location": "Memphis"}]});
    parcel(&api, scan(8 * 24)).await;
    let all = said(&relay, &api).await;
    assert_eq!(all.iter().filter(|s| s.as_str() == "No news about your order #1001").count(), 1, "{all:?}");
    ingest::reestimate(&api.state, "demo").await.unwrap();
    assert_eq!(said(&relay, &api).await.len(), all.len());
}

#[tokio::test]
async fn a_new_date_is_told_once() {
    let (relay, api) = shop().await;
    ruled(&api, |r| r.rules.retain(|rule| rule.id == "new-window-mail")).await;
    api.webhook("shopify", "orders/create", "1", &bought(1001, json!({"created_at": ago(3), "updated_at": ago(3)}))).await;
    api.webhook("shopify", "fulfillments/create", "2", &packed(1001, 1, "1Z1")).await;
    let before = api.order("1001").await["estimate"]["to"].as_str().unwrap().to_owned();
    let soon = promise::Instant(now() + 86_400).to_string();
    parcel(&api, json!({"tracking_number": "1Z1", "status": "in_transit", "estimated_delivery": &soon[..10], "checkpoints": [{"time": ago(1), "status": "in_transit"}]})).await;
    let document = api.order("1001").await;
    let after = document["estimate"]["to"].as_str().unwrap();
    let far = promise::Day::parse(&before).unwrap().0 - promise::Day::parse(after).unwrap().0 >= 2;
    let all = said(&relay, &api).await;
    assert_eq!(all, if far { vec!["A new date for your order #1001"] } else { vec![] }, "{before} {after}");
    assert!(far, "the test wants a window that moves: {before} {after}");
    ingest::reestimate(&api.state, "demo").await.unwrap();
    assert_eq!(said(&relay, &api).await.len(), 1);
}
