//! News about an order, by mail.

use super::*;
use crate::smtp::{Fault, Got, decoded};

fn subject(mail: &Got) -> String {
    mail.source.lines().find_map(|l| l.strip_prefix("Subject: ")).unwrap_or_default().to_owned()
}

async fn shop() -> (Relay, Api) {
    let relay = Relay::start().await;
    let api = mailing(&relay).await;
    ruled(&api, |_| {}).await;
    (relay, api)
}

/// What was said, oldest first.
async fn said(relay: &Relay, api: &Api) -> Vec<String> {
    api.all_done().await;
    relay.got.lock().unwrap().iter().map(subject).collect()
}

async fn go(api: &Api, number: &str, statuses: &[&str]) {
    api.webhook("easypost", "", "", &scanned(number, statuses)).await;
}

#[tokio::test]
async fn each_step_is_told_once() {
    let (relay, api) = shop().await;
    api.webhook("shopify", "orders/create", "1", &bought(1001, serde_json::json!({}))).await;
    assert!(said(&relay, &api).await.is_empty(), "platforms confirm orders themselves");
    api.webhook("shopify", "fulfillments/create", "2", &packed(1001, 1, "1Z1")).await;
    let mut steps = Vec::new();
    let mut expected = Vec::new();
    for (status, news) in [
        ("in_transit", "Your order #1001 is on its way"),
        ("failure", "Your order #1001 is held up"),
        ("out_for_delivery", "Out for delivery: your order #1001"),
        ("delivered", "Delivered: your order #1001"),
    ] {
        steps.push(status);
        expected.push(news.to_owned());
        for _ in 0..2 {
            go(&api, "1Z1", &steps).await;
        }
        assert_eq!(said(&relay, &api).await, expected);
    }
    let all = relay.got.lock().unwrap().clone();
    assert!(all.iter().all(|m| m.to == "Ada@Example.com"));
    let text = decoded(&all[0].source, "text/plain");
    for part in [
        "It's on its way",
        "Arriving ",
        "UPS 1Z1",
        "Mug",
        "/track/v1.demo.",
        "You get this because you ordered from Fjord & Fern",
        "/messages/stop/",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(all[0].source.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"));
    let html = decoded(&all[3].source, "text/html");
    assert!(html.contains("lang=\"en-US\"") && html.len() < 102 * 1024);
    // What a replay makes anew was told before.
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(said(&relay, &api).await.len(), 4);
    // Whoever has not agreed is not asked how it was.
    let log = api.log().await;
    assert!(log.iter().any(|m| m.0 == "satisfied" && m.1 == "dropped" && m.3.contains("not agreed")), "{log:?}");
}

#[tokio::test]
async fn what_is_no_longer_true_is_not_told() {
    let (relay, api) = shop().await;
    api.webhook("shopify", "orders/create", "1", &bought(1001, serde_json::json!({}))).await;
    api.webhook("shopify", "fulfillments/create", "2", &packed(1001, 1, "1Z1")).await;
    // Shipped waits for a quarter of an hour; meanwhile it is there.
    go(&api, "1Z1", &["in_transit"]).await;
    go(&api, "1Z1", &["in_transit", "delivered"]).await;
    assert_eq!(said(&relay, &api).await, ["Delivered: your order #1001"]);
    let log = api.log().await;
    let dropped = log.iter().find(|m| m.0 == "shipped").unwrap();
    assert!(dropped.1 == "dropped" && dropped.3.contains("the parcel delivered"), "{dropped:?}");
}

#[tokio::test]
async fn a_reports_steps_are_told_once_each_also_at_the_day_after() {
    let (relay, api) = shop().await;
    api.webhook("shopify", "orders/create", "1", &bought(1001, serde_json::json!({}))).await;
    let tell = async |step: &'static str| {
        let (store, now) = (api.state.store_info("demo").unwrap(), api.state.now());
        api.state.db().write(move |db| api::messages::report(db, &store, "1001", step, now)).await.unwrap()
    };
    assert_eq!((tell("r1 seen").await, tell("r1 seen").await, tell("r1 refunded").await), (1, 0, 1));
    assert_eq!(said(&relay, &api).await, ["News on your report about order #1001"], "told together");
    assert_eq!(tell("r1 closed").await, 1);
    assert_eq!(said(&relay, &api).await.len(), 2);
}

#[tokio::test]
async fn a_cancelled_order_is_left_alone_and_old_news_are_none() {
    let (relay, api) = shop().await;
    api.webhook("shopify", "orders/create", "1", &bought(1001, serde_json::json!({}))).await;
    api.webhook("shopify", "fulfillments/create", "2", &packed(1001, 1, "1Z1")).await;
    go(&api, "1Z1", &["in_transit"]).await;
    api.webhook(
        "shopify",
        "orders/updated",
        "3",
        &bought(1001, serde_json::json!({"cancelled_at": ago(0), "updated_at": ago(0)})),
    )
    .await;
    assert!(said(&relay, &api).await.is_empty());
    // An order of last month turns up with all that happened to it.
    let old = promise::Instant(now() - 30 * 86_400).to_string();
    api.webhook("shopify", "orders/create", "4", &bought(1002, serde_json::json!({"created_at": old, "updated_at": old}))).await;
    api.webhook("shopify", "fulfillments/create", "5", &packed(1002, 1, "1Z2")).await;
    api.webhook("easypost", "", "", &tracker("old", "1Z2", &[(&old, "in_transit"), (&old, "delivered")])).await;
    assert_eq!(said(&relay, &api).await, [""; 0]);
    assert!(api.log().await.iter().all(|m| m.1 == "dropped"), "{:?}", api.log().await);
}

#[tokio::test]
async fn parcels_that_leave_together_are_told_together() {
    let (relay, api) = shop().await;
    api.webhook("shopify", "orders/create", "1", &bought(1001, serde_json::json!({}))).await;
    for (part, number) in [(1, "1Z1"), (2, "1Z2")] {
        api.webhook("shopify", "fulfillments/create", number, &packed(1001, part, number)).await;
        go(&api, number, &["in_transit"]).await;
    }
    assert_eq!(said(&relay, &api).await, ["Your order #1001 is on its way"]);
    let text = decoded(&relay.got.lock().unwrap()[0].source, "text/plain");
    assert!(text.contains("UPS 1Z1") && text.contains("UPS 1Z2"), "{text}");
    let with = api.state.db().read(|db| {
        Ok(db.query_row(
            "select count(*), count(sent_with) from messages where notice = 'shipped' and state = 'sent'",
            [],
            |r| Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?)),
        )?)
    });
    assert_eq!(with.await.unwrap(), (2, 1));
    // One of them goes on: that is about this one.
    go(&api, "1Z2", &["in_transit", "out_for_delivery"]).await;
    assert_eq!(said(&relay, &api).await.len(), 2);
    let text = decoded(&relay.got.lock().unwrap()[1].source, "text/plain");
    assert!(text.contains("UPS 1Z2") && !text.contains("UPS 1Z1"), "{text}");
}

#[tokio::test]
async fn nights_and_full_days_wait() {
    let (relay, api) = shop().await;
    ruled(&api, |r| r.per_day = 1).await;
    api.webhook("shopify", "orders/create", "1", &bought(1001, serde_json::json!({}))).await;
    api.webhook("shopify", "fulfillments/create", "2", &packed(1001, 1, "1Z1")).await;
    go(&api, "1Z1", &["in_transit"]).await;
    assert_eq!(said(&relay, &api).await.len(), 1);
    go(&api, "1Z1", &["in_transit", "out_for_delivery"]).await;
    let waiting = async |why: &str| {
        for _ in 0..100 {
            api.hurry().await;
            tokio::time::sleep(Duration::from_millis(30)).await;
            if api.log().await.iter().any(|m| m.1 == "waiting" && m.3.contains(why)) {
                return;
            }
        }
        panic!("{why}: {:?}", api.log().await);
    };
    waiting("messages a day").await;
    let due = "select due_at - ?1 from messages where state = 'waiting' and notice = 'out_for_delivery'";
    let due = api.state.db().read(move |db| Ok(db.query_row(due, [now()], |r| r.get::<_, i64>(0))?)).await.unwrap();
    assert!((86_300..=86_401).contains(&due), "{due}");
    // It is all night, where the shopper lives.
    ruled(&api, |r| r.quiet = notify::quiet::Quiet { from: "00:00".into(), to: "23:59".into() }).await;
    waiting("quiet hours").await;
    // Delivered meanwhile: what waited is not told any more.
    ruled(&api, |_| {}).await;
    go(&api, "1Z1", &["in_transit", "out_for_delivery", "delivered"]).await;
    assert_eq!(said(&relay, &api).await, ["Your order #1001 is on its way", "Delivered: your order #1001"]);
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_is_not_written_to_again() {
    let (relay, api) = shop().await;
    relay.fail(&[Fault::NobodyThere]);
    api.webhook("shopify", "orders/create", "1", &bought(1001, serde_json::json!({}))).await;
    api.webhook("shopify", "fulfillments/create", "2", &packed(1001, 1, "1Z1")).await;
    go(&api, "1Z1", &["in_transit"]).await;
    assert!(said(&relay, &api).await.is_empty());
    go(&api, "1Z1", &["in_transit", "out_for_delivery"]).await;
    assert!(said(&relay, &api).await.is_empty());
    let log = api.log().await;
    assert!(log.iter().any(|m| m.0 == "shipped" && m.1 == "failed" && m.3.contains("5.1.1")), "{log:?}");
    assert!(log.iter().any(|m| m.0 == "out_for_delivery" && m.1 == "dropped" && m.3.contains("bounced")), "{log:?}");
}

#[tokio::test]
async fn addresses_are_sealed_and_go_with_the_order() {
    let (relay, api) = shop().await;
    api.webhook("shopify", "orders/create", "1", &bought(1001, serde_json::json!({}))).await;
    api.webhook("shopify", "fulfillments/create", "2", &packed(1001, 1, "1Z1")).await;
    go(&api, "1Z1", &["in_transit"]).await;
    said(&relay, &api).await;
    let count = async |sql: &'static str| {
        api.state.db().read(move |db| Ok(db.query_row(sql, [], |r| r.get::<_, i64>(0))?)).await.unwrap()
    };
    let plain = "select count(*) from contacts where instr(lower(cast(sealed as text)), 'ada') > 0 or instr(cast(sealed as text), '5550100') > 0";
    assert_eq!((count("select count(*) from contacts").await, count(plain).await), (1, 0));
    let redact =
        serde_json::json!({"shop_domain": "x", "customer": {"id": 1, "email": "ada@example.com"}, "orders_to_redact": [1001]});
    api.webhook("shopify", "customers/redact", "r", redact.to_string().as_bytes()).await;
    assert_eq!((count("select count(*) from contacts").await, count("select count(*) from messages").await), (0, 0));
}
