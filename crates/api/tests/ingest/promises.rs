//! What becomes of a promise: a parcel that goes quiet is told of before the promise breaks; and what the ledger keeps as its basis.

use api::{config::Outbound, learning, store::people::Role};
use promise::{Day, Instant};
use serde_json::json;

use super::*;

fn at(days: i64, hour: i64) -> String {
    Instant((now() / 86_400 + days) * 86_400 + hour * 3600).to_string()
}

fn works(n: i64) -> bool {
    let day = Day((now() / 86_400 + n) as i32);
    day.weekday() < 5 && !promise::holidays::days("US").contains(&day)
}

async fn count(api: &Api, sql: &'static str) -> i64 {
    api.state.db().read(move |db| Ok(db.query_row(sql, [], |r| r.get(0))?)).await.unwrap()
}

/// Parcels of weeks past on the same lane, scanned every working day at noon until they came: what is usual there.
async fn usual_lane(api: &Api) {
    let mut events: Vec<(&'static str, &'static str, String, Vec<u8>)> = Vec::new();
    for n in (-45..-12).filter(|n| works(*n)) {
        for k in 0..3 {
            let id = (5_000 + (n + 60) * 10 + k) as u32;
            let number = format!("1ZOLD{id}");
            let days: Vec<i64> = (n..).filter(|d| works(*d)).take(4 + (k % 2) as usize).collect();
            let times: Vec<String> = days.iter().map(|d| at(*d, 18)).collect();
            let last = times.len() - 1;
            let scans: Vec<(&str, &str)> =
                times.iter().enumerate().map(|(n, t)| (t.as_str(), if n == last { "delivered" } else { "in_transit" })).collect();
            events.push(("shopify", "orders/create", format!("o{id}"), order(id, &at(n, 15))));
            events.push(("shopify", "fulfillments/create", format!("f{id}"), fulfillment(id, &number)));
            events.push(("easypost", "", format!("e{id}"), tracker(&format!("e{id}"), &number, &scans)));
        }
    }
    let write = api.state.db().write(move |db| {
        for (source, topic, id, body) in &events {
            ingest::append(db, "demo", source, Some(topic), id, 0, body)?;
        }
        Ok(())
    });
    write.await.unwrap();
    api.settle().await;
    assert_eq!(api.admin("POST", "incidents/look", "", b"").await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_gone_quiet_is_told_of_before_its_promise_breaks_until_it_comes() {
    let api = api_with(|c| {
        c.limits.body_bytes = 1_000_000;
        // Written, and sent by nobody.
        c.limits.internal_targets = true;
        c.mail.url = "smtp://127.0.0.1:1".into();
        c.stores[0].outbound.push(Outbound {
            url: "http://127.0.0.1:1/".into(),
            secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(),
            events: Vec::new(),
        });
    })
    .await;
    usual_lane(&api).await;
    api.webhook("shopify", "orders/create", "o1001", &order(1001, &at(0, 6))).await;
    api.webhook("shopify", "fulfillments/create", "f1001", &fulfillment(1001, "1ZNEW1001")).await;
    let first = at(0, 10);
    api.webhook("easypost", "", "", &tracker("e1001", "1ZNEW1001", &[(&first, "in_transit")])).await;
    let fresh = api.order("1001").await;
    assert_eq!((fresh["estimate"]["outlook"].as_str(), &fresh["estimate"]["quiet"]), (Some("on_time"), &json!(false)), "{fresh}");
    let promised = fresh["promise"]["to"].as_str().unwrap().to_owned();

    // Days go by without a scan.
    type Told = (String, bool, String, u64);
    let mut story: Vec<Told> = Vec::new();
    for _ in 0..30 {
        api.state.set_clock_ahead(86_400);
        ingest::reestimate(&api.state, "demo").await.unwrap();
        let today = api.state.now().to_string()[..10].to_owned();
        let document = api.order("1001").await;
        let e = &document["estimate"];
        assert!(
            e["from"].as_str() >= Some(today.as_str()) && e["to"].as_str() >= e["from"].as_str(),
            "always a window: {today} {e}"
        );
        story.push((today, e["quiet"] == true, e["outlook"].as_str().unwrap().to_owned(), e["on_time"].as_u64().unwrap()));
    }
    let first_day =
        |what: &dyn Fn(&Told) -> bool| story.iter().find(|s| what(s)).map(|s| s.0.clone()).unwrap_or_else(|| panic!("{story:?}"));
    let (quiet, at_risk, late) = (first_day(&|s| s.1), first_day(&|s| s.2 == "at_risk"), first_day(&|s| s.2 == "late"));
    assert!(quiet <= promised, "its lane is scanned every day: {quiet}, promised {promised}: {story:?}");
    assert!(at_risk <= promised && late > promised, "{at_risk} {late} {promised}: {story:?}");
    // The chance of keeping it is known every day, and never grows while nothing happens.
    assert!(story.windows(2).all(|s| s[1].3 <= s[0].3), "{story:?}");
    assert_eq!(story.last().unwrap().3, 0);
    // Told once each, in this order: to the shopper, and to the merchant.
    let told = api.state.db().read(|db| {
        let mut rows = db
            .prepare("select notice from messages where order_id = '1001' and notice in ('quiet', 'at_risk') order by made_at")?;
        let notices: Vec<String> = rows.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?;
        let mut rows =
            db.prepare("select kind, made_at from outbox where order_id = '1001' and kind like 'promise.%' order by made_at")?;
        let kinds: Vec<(String, i64)> = rows.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<Result<_, _>>()?;
        Ok((notices, kinds))
    });
    let (notices, kinds) = told.await.unwrap();
    assert_eq!(notices.iter().filter(|n| *n == "at_risk").count(), 2, "at risk, then late: {notices:?}");
    assert!(notices.contains(&"quiet".to_owned()), "{notices:?}");
    assert_eq!(kinds.iter().map(|k| k.0.as_str()).collect::<Vec<_>>(), ["promise.at_risk", "promise.broken"]);
    let end = (i64::from(Day::parse(&promised).unwrap().0) + 1) * 86_400;
    assert!(kinds[0].1 < end && kinds[1].1 >= end, "{kinds:?} {promised}");

    // It turns up: nothing of this is said any more.
    let came = api.state.now().to_string();
    api.webhook("easypost", "", "", &tracker("e1001b", "1ZNEW1001", &[(&first, "in_transit"), (&came, "delivered")])).await;
    let done = api.order("1001").await;
    assert_eq!(done["status"], "delivered");
    assert!(done["estimate"].is_null() && done["shipments"][0]["estimate"].is_null(), "{done}");
    assert_eq!(count(&api, "select count(*) from outbox where order_id = '1001' and kind = 'order.delivered'").await, 1);
}

async fn publish(api: &Api, change: impl Fn(&mut Value)) {
    let mut policy: Value = serde_json::from_str(include_str!("../../src/demo/policy.json")).unwrap();
    change(&mut policy);
    let (status, answer) = api.admin("PUT", "policy", "application/json", policy.to_string().as_bytes()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_keeps_the_basis_of_each_date_as_it_was_at_the_orders_moment() {
    let api = api().await;
    let record = |id: u32| {
        let api = &api;
        async move { api.admin("GET", &format!("promises/{id}"), "", b"").await.1 }
    };
    // Bought before a change of the policy, told after it: as it was when it was bought.
    let before = Instant(api.state.now().0 - 120).to_string();
    publish(&api, |p| p["confidence"] = 80.into()).await;
    let shown = |id: u32, when: &str, attribute: Value| {
        let mut order: Value = serde_json::from_slice(&order(id, when)).unwrap();
        order["note_attributes"] = attribute;
        order["customer_locale"] = "de-DE".into();
        serde_json::to_vec(&order).unwrap()
    };
    api.webhook(
        "shopify",
        "orders/create",
        "1",
        &shown(1001, &before, json!([{"name": "whereabouts_promise", "value": "Di., 1. Dez."}])),
    )
    .await;
    let old = record(1001).await;
    assert_eq!((&old["policy_version"], &old["confidence"]), (&json!(1), &json!(90)), "{old}");
    assert_eq!((&old["shown"], &old["language"]), (&json!("Di., 1. Dez."), &json!("de-DE")));
    assert_eq!(old["made_at"], before.as_str());
    assert!(old["recorded_at"].as_str() >= old["made_at"].as_str());
    // Bought after it, with a delay in force; the page says nothing of what it showed.
    let delay = json!({"id": "snow", "scope": {"origins": ["memphis"]}, "from": at(-1, 0), "until": at(9, 0), "effect": {"min": 2, "max": 2}, "reason": "weather", "severity": 2, "message": {"en": "Snow in Memphis"}});
    assert_eq!(api.admin("POST", "delays", "application/json", delay.to_string().as_bytes()).await.0, StatusCode::CREATED);
    let just_now = api.state.now().to_string();
    api.webhook("shopify", "orders/create", "2", &shown(1002, &just_now, json!([]))).await;
    let new = record(1002).await;
    assert_eq!((&new["policy_version"], &new["confidence"], &new["shown"]), (&json!(2), &json!(80), &Value::Null), "{new}");
    assert_eq!(new["delays"][0]["id"], "snow");
    assert!(new["to"].as_str() > old["to"].as_str());
    // What the page claims to have shown moves nothing, however it is forged: the window is ours, and the claim stands beside it.
    let forged = "<script>alert(1)</script> arrives yesterday, 100 % sure";
    api.webhook(
        "shopify",
        "orders/create",
        "3",
        &shown(1003, &just_now, json!([{"name": "whereabouts_promise", "value": forged}])),
    )
    .await;
    let other = record(1003).await;
    assert_eq!(
        [&other["from"], &other["to"], &other["offer"], &other["request"]],
        [&new["from"], &new["to"], &new["offer"], &new["request"]]
    );
    assert_eq!(other["shown"], forged);
    // A later version of the order, with another claim, changes no record; nor does another policy, nor the end of the delay.
    let mut later: Value =
        serde_json::from_slice(&shown(1003, &just_now, json!([{"name": "whereabouts_promise", "value": "another"}]))).unwrap();
    later["updated_at"] = Instant(api.state.now().0 + 60).to_string().into();
    api.webhook("shopify", "orders/updated", "4", later.to_string().as_bytes()).await;
    publish(&api, |p| p["transit"][3]["days"] = json!({"min": 9, "max": 12})).await;
    api.admin("DELETE", "delays/snow", "", b"").await;
    ingest::reestimate(&api.state, "demo").await.unwrap();
    ingest::replay(&api.state).await.unwrap();
    assert_eq!([record(1001).await, record(1002).await, record(1003).await], [old.clone(), new.clone(), other]);
    // Each can be computed again from what is on record.
    let policy = api.state.db().read(|db| api::store::policies::at(db, "demo", Instant(0))).await.unwrap().unwrap();
    let made = Instant::parse(&before).unwrap();
    let again = promise::estimate(&policy.document(made), &serde_json::from_value(old["request"].clone()).unwrap(), made);
    assert_eq!(serde_json::to_value(&again.options[0]).unwrap(), old["offer"]);

    // The console says all of it, and runs nothing of it.
    let who = api.signed_in("demo", Role::Viewer).await;
    let (_, page) = api.open(&who, "/console/demo/orders/1003").await;
    for words in [
        "Why this date",
        "policy version 2",
        "80 %",
        "Snow in Memphis (snow)",
        "&lt;script&gt;alert(1)&lt;/script&gt; arrives yesterday",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("<script>alert"));
    assert_eq!(learning::renew(&api.state, "demo").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_learned_is_taken_over_in_the_console_and_switched_in_basics() {
    let api = api_with(|c| c.limits.body_bytes = 1_000_000).await;
    usual_lane(&api).await;
    let who = api.signed_in("demo", Role::Owner).await;
    let (status, page) = api.open(&who, "/console/demo/policy/learned").await;
    assert_eq!(status, StatusCode::OK);
    for words in ["Memphis · UPS Ground · US West", "3 to 5 days", "Take all of it over", "Suggest"] {
        assert!(page.contains(words) || words == "Suggest", "{words}: {page}");
    }
    let lane = [("revision", "0"), ("origin", "memphis"), ("service", "ups_ground"), ("zone", "us_west")];
    let (status, _, said) = api.submit(&who, "/console/demo/policy/learned", &lane).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{said}");
    let draft = api.state.db().read(|db| api::store::drafts::get(db, "demo")).await.unwrap();
    let taken = draft.policy.transit.iter().find(|t| t.zone == "us_west" && t.service == "ups_ground").unwrap();
    assert!(!taken.days.weights.is_empty() && taken.days.min == Some(3), "{taken:?}");
    assert!(draft.policy.origins[0].handling.weights.is_empty(), "one lane, and nothing else");
    // The same once more changes nothing, and a page that is out of date is refused.
    for (revision, words) in [("1", "nothing to take over"), ("0", "nothing to take over")] {
        let (status, _, said) =
            api.submit(&who, "/console/demo/policy/learned", &[("revision", revision), lane[1], lane[2], lane[3]]).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(said.contains(words), "{said}");
    }
    let (status, _, said) = api.submit(&who, "/console/demo/policy/learned", &[("revision", "0")]).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && said.contains("Somebody has changed"), "{said}");
    let viewer = api.signed_in("demo", Role::Viewer).await;
    assert_eq!(api.submit(&viewer, "/console/demo/policy/learned", &lane).await.0, StatusCode::FORBIDDEN);
    let basics = [("revision", "1"), ("currency", "USD"), ("confidence", "90"), ("style", "range"), ("learning", "apply")];
    let (status, _, said) = api.submit(&who, "/console/demo/policy/basics", &basics).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{said}");
    let draft = api.state.db().read(|db| api::store::drafts::get(db, "demo")).await.unwrap();
    assert_eq!(draft.policy.learning, promise::policy::Learning::Apply);
}
