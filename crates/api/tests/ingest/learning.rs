//! What a store's deliveries teach, through the API: learned from events, the same after a replay; suggested, or applied.

use api::{ingest, learning};
use promise::{Day, Instant};
use serde_json::json;

use super::{
    insight::{bodies, import},
    *,
};

async fn roomy() -> Api {
    api_with(|c| c.limits.body_bytes = 10_000_000).await
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_teach_the_policy_and_a_replay_teaches_nothing_twice() {
    let api = roomy().await;
    import(&api, &bodies()).await;
    let (status, said) = api.admin("GET", "learning", "", b"").await;
    assert_eq!(status, StatusCode::OK, "{said}");
    assert!(said["delivered"].as_u64().unwrap() > 10, "{said}");
    let lanes = said["transit"].as_array().unwrap();
    assert!(!lanes.is_empty() && lanes.iter().all(|l| l["weights"].as_array().is_some_and(|w| !w.is_empty())), "{lanes:?}");
    let calibration = said["calibration"].as_array().unwrap();
    assert!(calibration.iter().all(|c| c["kept"].as_u64() <= c["promises"].as_u64()), "{calibration:?}");
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(api.admin("GET", "learning", "", b"").await.1, said);
    // What was learned can be published as it is.
    let policy = serde_json::to_vec(&said["policy"]).unwrap();
    let (status, answer) = api.admin("PUT", "policy", "application/json", &policy).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

fn today() -> i32 {
    now().div_euclid(86_400) as i32
}

/// Monday to Friday, and no holiday of the demo's origin within reach of these tests' comparisons.
fn works(day: Day) -> bool {
    day.weekday() < 5 && !promise::holidays::days("US").contains(&day) && day.to_string() != "2026-11-27"
}

fn after(day: Day, steps: u16) -> Day {
    (0..steps).fold(day, |d, _| (d.0 + 1..).map(Day).find(|d| works(*d)).unwrap())
}

/// Orders of past working days from Memphis to the west: each handed over after `handling` working days, delivered `transit` later.
fn parcels(ids: std::ops::Range<i32>, days: (i32, i32), clock: &str, way: impl Fn(i32) -> (u16, u16)) -> Vec<Value> {
    let placed: Vec<Day> = (today() - days.0..today() - days.1).map(Day).filter(|d| works(*d)).collect();
    ids.map(|n| {
        let (placed, (handling, transit)) = (placed[n as usize % placed.len()], way(n));
        let (shipped, number) = (after(placed, handling), format!("L{n}"));
        let delivered = after(shipped, transit);
        let mut scans = vec![json!({"time": format!("{shipped}T17:00:00-06:00"), "status": "in_transit"})];
        if delivered.0 < today() {
            scans.push(json!({"time": format!("{delivered}T12:00:00-06:00"), "status": "delivered"}));
        }
        json!({"orders": [{"id": format!("L{n}"), "number": format!("#L{n}"), "placed_at": format!("{placed}T{clock}"), "currency": "USD",
            "shipping_method": "Standard", "shipping_methods": ["Standard"], "destination": {"country": "US", "region": "CA", "city": "SF", "postal_code": "94103"},
            "lines": [{"id": "1", "sku": "MUG-1", "title": "Mug", "quantity": 1, "requires_shipping": true}],
            "fulfillments": [{"id": format!("L{n}/1"), "order_id": format!("L{n}"), "status": "success", "lines": [{"id": "1", "sku": "MUG-1", "quantity": 1}],
                "tracking": [{"carrier": "ups", "number": number}]}]}],
            "shipments": [{"carrier": "ups", "tracking_number": number, "order_id": format!("L{n}"), "status": "info_received", "checkpoints": scans}]})
    })
    .collect()
}

async fn publish(api: &Api, change: impl Fn(&mut Value)) {
    let mut policy: Value = serde_json::from_str(include_str!("../../src/demo/policy.json")).unwrap();
    change(&mut policy);
    let (status, answer) = api.admin("PUT", "policy", "application/json", policy.to_string().as_bytes()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

async fn lane(api: &Api) -> Value {
    let (_, said) = api.admin("GET", "learning", "", b"").await;
    let mine =
        |l: &&Value| [&l["origin"], &l["service"], &l["zone"]] == [&json!("memphis"), &json!("ups_ground"), &json!("us_west")];
    said["transit"].as_array().unwrap().iter().find(mine).cloned().unwrap_or_else(|| panic!("{said}"))
}

/// The last day of the window, in days from now.
async fn promised(api: &Api) -> (Value, Value) {
    let (_, _, e) = api.get("/v1/stores/demo/estimate?sku=MUG-1&country=US&postal_code=94103&method=standard").await;
    (e["options"][0]["days"][0].clone(), e["options"][0]["days"][1].clone())
}

async fn document(api: &Api) -> Value {
    api.get("/v1/stores/demo/promise.json").await.2
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_learned_is_suggested_applied_and_off_again_at_once() {
    let api = roomy().await;
    // "3 to 5 days" are stated for the lane; it takes nine.
    import(&api, &parcels(0..160, (120, 40), "09:00:00-06:00", |_| (0, 9))).await;
    let mine = lane(&api).await;
    assert_eq!((mine["p50"].as_u64(), mine["parcels"].as_u64()), (Some(9), Some(160)), "{mine}");
    assert_eq!((mine["stated"]["p10"].as_u64(), mine["stated"]["p90"].as_u64()), (Some(3), Some(5)), "{mine}");
    // Suggested only: promises are as stated, whoever asks for a new version.
    assert_eq!(learning::renew(&api.state, "demo").await.unwrap(), None);
    let (stated, before) = (promised(&api).await, document(&api).await);
    assert!(before["learned"].is_null() && before["asked"].is_null());
    api.webhook("shopify", "orders/create", "1", &order(1001, &Instant(now() - 60).to_string())).await;

    publish(&api, |p| p["learning"] = "apply".into()).await;
    // Publishing makes the first version in the background; making it here finds it there, or makes it.
    learning::renew(&api.state, "demo").await.unwrap();
    let applied = document(&api).await;
    assert_eq!(applied["learned"], 1, "{applied}");
    // Every promise was broken: more is asked for at both ends, and no more than is bounded.
    let [first, last] = [0, 1].map(|n| applied["asked"][n].as_u64().unwrap());
    assert!((51..=125).contains(&first) && (970..=983).contains(&last), "{first} {last}");
    let (_, said) = api.admin("GET", "learning", "", b"").await;
    let ends = json!([{"goal": 50, "asked": first, "applied": first}, {"goal": 950, "asked": last, "applied": last}]);
    assert_eq!(said["coverage"], ends);
    let slower = promised(&api).await;
    assert!(slower.1.as_u64() > stated.1.as_u64().map(|d| d + 3), "{slower:?} {stated:?}");
    assert_eq!(learning::renew(&api.state, "demo").await.unwrap(), None, "the same deliveries teach the same");
    assert_eq!(lane(&api).await["applied"]["p50"], 9);
    // The ledger says what a promise was made with.
    api.webhook("shopify", "orders/create", "2", &order(1002, &Instant(now()).to_string())).await;
    let record = |id: &'static str| {
        let api = &api;
        async move { api.admin("GET", &format!("promises/{id}"), "", b"").await.1 }
    };
    let (old, new) = (record("1001").await, record("1002").await);
    assert_eq!([&old["learned_version"], &new["learned_version"]], [0, 1], "{old} {new}");
    assert_eq!([&old["policy_version"], &new["policy_version"]], [1, 2]);
    assert!(new["to"].as_str() > old["to"].as_str(), "{old} {new}");
    // The merchant's own words stay as they are.
    assert!(!api.admin("GET", "policy", "", b"").await.1.to_string().contains("weights\":[0"));

    // The two new orders wait: that counts too.
    learning::renew(&api.state, "demo").await.unwrap();
    let digest = ingest::digest(&api.state).await.unwrap();
    let said = api.admin("GET", "learning", "", b"").await.1;
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(ingest::digest(&api.state).await.unwrap(), digest);
    assert_eq!(api.admin("GET", "learning", "", b"").await.1, said);
    assert_eq!(learning::renew(&api.state, "demo").await.unwrap(), None, "nor does a replay");

    publish(&api, |p| p["learning"] = "off".into()).await;
    assert!(document(&api).await["learned"].is_null());
    assert_eq!(promised(&api).await, stated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_week_moves_promises_by_a_day_at_most() {
    let api = roomy().await;
    publish(&api, |p| p["learning"] = "apply".into()).await;
    import(&api, &parcels(0..200, (120, 40), "09:00:00-06:00", |_| (0, 4))).await;
    learning::renew(&api.state, "demo").await.unwrap();
    assert_eq!(lane(&api).await["applied"]["p90"], 4);
    // Four hundred parcels that arrive in these days, after four weeks.
    import(&api, &parcels(1_000..1_400, (34, 29), "09:00:00-06:00", |_| (0, 19))).await;
    learning::renew(&api.state, "demo").await.unwrap();
    let mine = lane(&api).await;
    assert!(mine["p90"].as_u64().unwrap() > 15, "it is seen: {mine}");
    assert!(mine["applied"]["p90"].as_u64().unwrap() <= 5, "and bounded: {mine}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hour_of_purchase_and_the_cut_off_decide_how_long_handling_took() {
    // Collected on the next working day: a day of handling for the morning's orders, none for those after the cut-off at 14:00 in Memphis.
    for (clock, days) in [("13:59:59-06:00", 1), ("14:00:00-06:00", 0), ("21:00:00+01:00", 0), ("20:30:00+01:00", 1)] {
        // The first policy holds for all that was before it.
        let api = api_with(|c| c.stores[0].policy = None).await;
        publish(&api, |p| p["origins"][0]["time_zone"] = "Etc/GMT+6".into()).await;
        import(&api, &parcels(0..30, (60, 30), clock, |_| (1, 4))).await;
        let (_, said) = api.admin("GET", "learning", "", b"").await;
        let memphis = said["handling"].as_array().unwrap().iter().find(|h| h["origin"] == "memphis").unwrap();
        assert_eq!((memphis["p50"].as_u64(), memphis["parcels"].as_u64()), (Some(days), Some(30)), "{clock}: {memphis}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_counts_what_is_impossible_is_told_and_what_is_forgotten_stays_counted() {
    let api = roomy().await;
    import(&api, &parcels(0..60, (60, 30), "09:00:00-06:00", |n| (0, 3 + (n % 3) as u16))).await;
    // Ten that left two weeks ago and have not come.
    import(&api, &parcels(100..110, (16, 12), "09:00:00-06:00", |_| (0, 200))).await;
    let mut wrong = parcels(200..201, (40, 30), "09:00:00-06:00", |_| (0, 3));
    let scans = wrong[0]["shipments"][0]["checkpoints"].as_array_mut().unwrap();
    scans[1]["time"] = format!("{}T12:00:00-06:00", Day(today() - 90)).into();
    import(&api, &wrong).await;
    let mine = lane(&api).await;
    assert_eq!(mine["parcels"], 60, "{mine}");
    assert_eq!(mine["under_way"].as_u64().unwrap() + mine["overdue"].as_u64().unwrap(), 10, "{mine}");
    let (_, said) = api.admin("GET", "learning", "", b"").await;
    assert!(said["impossible"].as_u64() > Some(0), "{said}");
    // One that is forgotten was counted all the same.
    let gone = br#"{"shop_id":1,"orders_to_redact":["L5"],"customer":{"email":"none@example.com"}}"#;
    api.webhook("shopify", "customers/redact", "r", gone).await;
    assert_eq!(lane(&api).await["parcels"], 60);
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(lane(&api).await["parcels"], 60);
}
