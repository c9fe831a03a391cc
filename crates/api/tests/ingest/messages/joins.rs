//! What is said on order pages, reports and browsers, as far as messages obey and tell of them: one truth, one set of rules, one log.

use api::{messages::people, store::people::Role};
use serde_json::json;

use super::*;
use crate::{
    smtp::decoded,
    web_push::{AUTH, PUBLIC, arrived, service},
};

async fn by_token(api: &Api, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = Request::post(format!("/v1/orders/{}/{path}", token::mint("demo", "1001", i64::MAX, SECRET)))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT_LANGUAGE, "de");
    let (status, _, answer) = api.send(request.body(Body::from(body.to_string())).unwrap()).await;
    (status, answer)
}

async fn updates(api: &Api) -> Value {
    let token = token::mint("demo", "1001", i64::MAX, SECRET);
    api.get(&format!("/v1/orders/{token}/care")).await.2["updates"]["on"].clone()
}

/// Only these notices, at once.
async fn telling(api: &Api, notices: &'static [&str]) {
    ruled(api, |r| {
        r.rules.retain(|r| notices.contains(&r.notice.as_str()));
        r.rules.iter_mut().for_each(|r| r.delay_minutes = 0);
    })
    .await;
}

async fn under_way(relay: &Relay, notices: &'static [&str]) -> Api {
    let api = mailing(relay).await;
    telling(&api, notices).await;
    api.webhook("shopify", "orders/create", "o", &bought(1001, json!({}))).await;
    api.webhook("shopify", "fulfillments/create", "f", &packed(1001, 1, "1Z1")).await;
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit"])).await;
    api
}

fn recipients(relay: &Relay) -> Vec<String> {
    relay.got.lock().unwrap().iter().map(|m| m.to.trim_matches(['<', '>']).to_lowercase()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_on_the_order_page_is_told_there_and_a_no_ends_all_about_the_order() {
    let relay = Relay::start().await;
    let api = under_way(&relay, &["out_for_delivery", "delivered"]).await;
    // Mail goes to who bought, unless they say stop: the page says so.
    assert_eq!(updates(&api).await, json!(["email"]));
    let yes = json!({"channel": "email", "address": "Bob@Example.com", "given": true});
    assert_eq!(by_token(&api, "updates", &yes).await.0, StatusCode::NO_CONTENT);
    let plain = "select count(*) from opt_ins where address like '%example%'";
    assert_eq!(api.state.db().read(move |db| Ok(db.query_row(plain, [], |r| r.get::<_, i64>(0))?)).await.unwrap(), 0, "sealed");
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit", "out_for_delivery"])).await;
    api.all_done().await;
    let mut to = recipients(&relay);
    to.sort();
    assert_eq!(to, ["ada@example.com", "bob@example.com"]);
    // Each in the language they read it in; the shopper's data has the address.
    let bob = relay.got.lock().unwrap().iter().find(|m| m.to.to_lowercase().contains("bob")).unwrap().clone();
    assert!(
        decoded(&bob.source, "text/plain").contains("Unterwegs") || bob.source.contains("Content-Language: de"),
        "{}",
        bob.source
    );
    let (_, data) = api.admin("POST", "shoppers/export", "application/json", br##"{"orders":["#1001"]}"##).await;
    assert!(data.to_string().contains("Bob@Example.com"), "{data}");
    assert_eq!(data["orders"][0]["contacts"][0]["sealed"]["email"], "Ada@Example.com", "{data}");
    // A no about this order: neither gets the next.
    assert_eq!(by_token(&api, "updates", &json!({"channel": "email", "given": false})).await.0, StatusCode::NO_CONTENT);
    assert_eq!(updates(&api).await, json!([]));
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit", "out_for_delivery", "delivered"])).await;
    let log = api.all_done().await;
    assert_eq!(recipients(&relay).len(), 2);
    assert!(log.iter().any(|m| m.0 == "delivered" && m.1 == "dropped" && m.3.contains("wants none")), "{log:?}");
    // Staff see all of it.
    let support = api.signed_in("demo", Role::Support).await;
    let (_, page) = api.open(&support, "/console/demo/messages/people?of=1001").await;
    assert!(page.contains("about this order, on its page") && page.contains(">no<") && page.contains(">yes<"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_word_counts_wherever_it_was_said() {
    let relay = Relay::start().await;
    let api = under_way(&relay, &["satisfied"]).await;
    let info = api.state.store_info("demo").unwrap();
    let ada = people::address_hash(&info, "mail", "ada@example.com");
    let agreed = async || {
        let (info, ada) = (info.clone(), ada.clone());
        api.state.db().read(move |db| people::agreed_about(db, &info, "1001", "mail", &ada)).await.unwrap()
    };
    assert!(!agreed().await);
    let say = |given: bool| json!({"channel": "email", "address": "ada@example.com", "given": given});
    by_token(&api, "updates", &say(true)).await;
    assert!(agreed().await);
    // Recorded by staff, later: it ends.
    api.state.set_clock_ahead(5);
    let no = br#"{"channel":"mail","address":"ada@example.com","granted":false}"#;
    assert_eq!(api.admin("POST", "messages/consents", "application/json", no).await.0, StatusCode::NO_CONTENT);
    assert!(!agreed().await);
    assert_eq!(updates(&api).await, json!([]));
    api.state.set_clock_ahead(5);
    by_token(&api, "updates", &say(true)).await;
    assert!(agreed().await);
    // The link in a mail ends them for the address; a yes on the order's page, at the order's own address, resumes them.
    let (of, hash) = (info.clone(), ada.clone());
    let now = api.state.now();
    api.state.db().write(move |db| people::suppress(db, &of.id, "mail", &hash, None, "unsubscribed", now)).await.unwrap();
    assert_eq!(updates(&api).await, json!([]));
    api.state.set_clock_ahead(5);
    by_token(&api, "updates", &say(true)).await;
    assert_eq!(updates(&api).await, json!(["email"]));
    // What bounces is not resumed by wishing.
    let (of, hash) = (info.clone(), ada.clone());
    api.state.db().write(move |db| people::suppress(db, &of.id, "mail", &hash, None, "bounced", now)).await.unwrap();
    by_token(&api, "updates", &say(true)).await;
    assert_eq!(updates(&api).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_obey_the_rules_the_night_and_the_count() {
    let (url, got) = service(&[201]).await;
    let relay = Relay::start().await;
    let api = under_way(&relay, &["out_for_delivery", "delivered"]).await;
    let browser = json!({"endpoint": url, "keys": {"p256dh": PUBLIC, "auth": AUTH}});
    assert_eq!(by_token(&api, "push", &browser).await.0, StatusCode::CREATED);
    // All day is night.
    ruled(&api, |r| {
        r.rules.retain(|r| r.channel == "push");
        r.rules.iter_mut().for_each(|r| r.delay_minutes = 0);
        r.quiet = notify::quiet::Quiet { from: "00:00".into(), to: "23:59".into() };
        r.per_day = 1;
    })
    .await;
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit", "out_for_delivery"])).await;
    let waits = async |reason: &str| {
        for _ in 0..100 {
            let log = api.log().await;
            if log.iter().any(|m| m.1 == "waiting" && m.3.contains(reason)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        panic!("{:?}", api.log().await);
    };
    waits("quiet hours").await;
    assert!(got.lock().unwrap().is_empty());
    ruled(&api, |r| {
        r.rules.retain(|r| r.channel == "push");
        r.rules.iter_mut().for_each(|r| r.delay_minutes = 0);
        r.per_day = 1;
    })
    .await;
    api.hurry().await;
    let first = arrived(&got, 1).await;
    assert!(
        first[0].1["body"].as_str().unwrap().starts_with("Wird heute zugestellt") || first[0].1["lang"] == "de",
        "{:?}",
        first[0].1
    );
    // One a day is enough: the next waits.
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit", "out_for_delivery", "delivered"])).await;
    waits("1 messages a day").await;
    // The log knows it as a message like any other; the store's own words are shown.
    let words = br#"{"short":"Da ist es: {{ order.number }}"}"#;
    assert_eq!(api.admin("PUT", "messages/words/delivered/de", "application/json", words).await.0, StatusCode::NO_CONTENT);
    ruled(&api, |r| r.rules.iter_mut().for_each(|r| r.delay_minutes = 0)).await;
    api.hurry().await;
    assert_eq!(arrived(&got, 2).await[1].1["body"], "Da ist es: #1001");
    let (_, log) = api.admin("GET", "messages?state=sent", "", b"").await;
    assert_eq!(log.as_array().unwrap().iter().filter(|m| m["channel"] == "push").count(), 2, "{log}");
    // Switched off, nothing goes, also of what was written before.
    by_token(&api, "push/end", &browser).await;
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit", "out_for_delivery", "delivered"])).await;
    assert_eq!(got.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_of_a_report_is_told_once_and_only_while_it_is_so() {
    let relay = Relay::start().await;
    let api = under_way(&relay, &["report"]).await;
    // News waits a little: what comes to nothing meanwhile is never told.
    ruled(&api, |r| {
        r.rules.retain(|r| r.notice == "report");
        r.rules.iter_mut().for_each(|r| r.delay_minutes = 5);
    })
    .await;
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit", "delivered"])).await;
    let (status, report) = by_token(&api, "reports", &json!({"kind": "damaged", "items": ["MUG-1"], "words": "Broken"})).await;
    assert_eq!(status, StatusCode::CREATED, "{report}");
    let id = report["id"].as_str().unwrap().to_owned();
    let act = async |step: &str, body: Value| {
        let path = format!("reports/{id}/{step}");
        api.admin("POST", &path, "application/json", body.to_string().as_bytes()).await
    };
    let (status, answer) = act("offer", json!({"offers": [{"option": "resend"}], "note": "A new one"})).await;
    assert!(status.is_success(), "{status} {answer}");
    api.all_done().await;
    let all = relay.got.lock().unwrap().clone();
    assert_eq!(all.len(), 1, "what the shopper did is no news to the shopper");
    assert!(decoded(&all[0].source, "text/plain").contains('·'), "{}", all[0].source);
    // Two steps at once: only the one that is so is told.
    act("start", json!({})).await;
    act("settle", json!({"note": "On its way"})).await;
    let log = api.all_done().await;
    assert_eq!(relay.got.lock().unwrap().len(), 2, "{log:?}");
    api.state.wake_messages();
    api.all_done().await;
    assert_eq!(relay.got.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_wear_the_accent_of_the_widget() {
    let relay = Relay::start().await;
    let api = under_way(&relay, &["out_for_delivery"]).await;
    let owner = api.signed_in("demo", Role::Owner).await;
    let fields = [("accent", "#7a1fa2"), ("warning", "#b45309"), ("radius", "4"), ("background", "#ffffff"), ("text", "#1c1917")];
    assert_eq!(api.submit(&owner, "/console/demo/look", &fields).await.0, StatusCode::SEE_OTHER);
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit", "out_for_delivery"])).await;
    api.all_done().await;
    let source = relay.got.lock().unwrap()[0].source.clone();
    assert!(decoded(&source, "text/html").contains("#7a1fa2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_law_names_no_day_the_merchant_names_one() {
    let relay = Relay::start().await;
    let api = mailing(&relay).await;
    ruled(&api, |r| {
        r.rules.clear();
        r.delay_options.answer_days = 5;
    })
    .await;
    let at = ago(30 * 24);
    let address = json!({"city": "Berlin", "zip": "10115", "country_code": "DE"});
    let more = json!({"created_at": at, "updated_at": at, "shipping_address": address});
    api.webhook("shopify", "orders/create", "o", &bought(1001, more)).await;
    let (_, list) = api.admin("GET", "delay-options", "", b"").await;
    assert_eq!((&list[0]["law"], &list[0]["silence"]), (&json!("eu"), &json!("nothing")), "{list}");
    let last = |days: i32| promise::Day(api.state.now().local(0).0.0 + days).to_string();
    assert_eq!(list[0]["until"], last(5));
    // However long the draft lay: so many days from when it is sent.
    api.state.set_clock_ahead(2 * 86_400);
    let id = list[0]["id"].as_str().unwrap();
    let (status, answer) = api.admin("POST", &format!("delay-options/{id}/send"), "application/json", b"{}").await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    api.all_done().await;
    let (_, list) = api.admin("GET", "delay-options", "", b"").await;
    assert_eq!(list[0]["until"], last(5));
    let text = decoded(&relay.got.lock().unwrap()[0].source, "text/plain");
    assert!(text.contains("Please let us know by"), "{text}");
    // Silence decides nothing.
    api.state.set_clock_ahead(20 * 86_400);
    api::messages::options::tick(&api.state, "demo").await.unwrap();
    let (_, list) = api.admin("GET", "delay-options", "", b"").await;
    assert_eq!(list[0]["state"], "sent");
}
