//! Codes that staff explain, carriers' accounts, delays that were found, and shoppers' data.

use serde_json::json;

use super::*;

const NUMBER: &str = "1Z5R89390357567127";

/// A parcel whose carrier says something that no table knows.
fn coded(event: &str, status: &str, code: &str) -> Vec<u8> {
    let at = |hours: i64| Instant(now() / 60 * 60 - hours * 3600).to_string();
    json!({"id": event, "object": "Event", "description": "tracker.updated", "result": {"object": "Tracker", "tracking_code": NUMBER, "carrier": "UPS", "status": "in_transit",
        "tracking_details": [
            {"datetime": at(30), "status": "in_transit", "message": "Departed"},
            {"datetime": at(5), "status": status, "message": "Zustellhindernis", "status_detail": code}]}})
    .to_string()
    .into_bytes()
}

async fn state_of(api: &Api) -> (String, String) {
    let parcel = api.order("1001").await["shipments"][0].clone();
    (parcel["status"].as_str().unwrap_or_default().into(), parcel["sub_status"].as_str().unwrap_or_default().into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_explained_at_once_on_replay_and_taken_back() {
    let api = api().await;
    api.webhook("shopify", "orders/create", "o", &order(1001, &Instant(now() - 4 * 86_400).to_string())).await;
    api.webhook("shopify", "fulfillments/create", "f", &fulfillment(1001, NUMBER)).await;
    api.webhook("easypost", "", "", &coded("e1", "zz_hindered", "zz_hindered")).await;
    assert_eq!(state_of(&api).await.0, "in_transit");
    let (_, codes) = api.admin("GET", "codes", "", b"").await;
    let code = codes[0]["code"].as_str().unwrap().to_owned();
    let support = api.signed_in("demo", Role::Support).await;
    let (_, page) = api.open(&support, "/console/demo/problems").await;
    assert!(page.contains(&code) && page.contains("Nothing known"), "{page}");
    let say = async |status: &str, sub: &str| {
        let fields = [("source", "easypost"), ("code", code.as_str()), ("status", status), ("sub_status", sub)];
        api.submit(&support, "/console/demo/problems/code", &fields).await.0
    };
    let version = || async { api.order("1001").await["version"].as_u64().unwrap_or_default() };
    let before = version().await;
    assert_eq!(say("exception", "held").await, StatusCode::SEE_OTHER);
    assert_eq!(state_of(&api).await, ("exception".into(), "held".into()), "at once");
    assert!(version().await >= before);
    let scans = api.order("1001").await["shipments"][0]["checkpoints"].as_array().unwrap().len();
    assert_eq!(scans, 2, "each scan once");
    let (_, page) = api.open(&support, "/console/demo/problems").await;
    assert!(page.contains("Codes that you have explained") && page.contains("exception"), "{page}");
    // What comes later is read with it, a replay reads alike, and the meaning can be changed and taken back.
    api.webhook("easypost", "", "", &coded("e2", "zz_hindered", "zz_hindered")).await;
    let digest = ingest::digest(&api.state).await.unwrap();
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(ingest::digest(&api.state).await.unwrap(), digest);
    assert_eq!(state_of(&api).await.0, "exception");
    assert_eq!(say("attempt_failed", "").await, StatusCode::SEE_OTHER);
    assert_eq!(state_of(&api).await, ("attempt_failed".into(), String::new()));
    assert_eq!(say("", "").await, StatusCode::SEE_OTHER);
    assert_eq!(state_of(&api).await.0, "in_transit");
    assert_eq!(say("nonsense", "").await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(say("exception", "nonsense").await, StatusCode::UNPROCESSABLE_ENTITY);
    // The same by key; and what a crash left half done is done at the next start.
    let body = json!({"source": "easypost", "code": code, "status": "exception", "sub_status": "lost"}).to_string();
    let (status, answer) = api.admin("PUT", "codes", "application/json", body.as_bytes()).await;
    assert_eq!((status, &answer["parcels"]), (StatusCode::OK, &json!(1)), "{answer}");
    assert_eq!(state_of(&api).await, ("exception".into(), "lost".into()));
    api.state.db().write(|db| Ok(db.execute("update code_meanings set sub_status = 'damaged'", [])?)).await.unwrap();
    ::api::codes::catch_up(&api.state).await.unwrap();
    assert_eq!(state_of(&api).await, ("exception".into(), "damaged".into()));
    // Another store's codes are its own.
    let other = api.signed_in("other", Role::Owner).await;
    let fields = [("source", "easypost"), ("code", code.as_str()), ("status", "delivered"), ("sub_status", "")];
    assert_eq!(api.submit(&other, "/console/other/problems/code", &fields).await.0, StatusCode::SEE_OTHER);
    assert_eq!(state_of(&api).await.0, "exception");
}

#[tokio::test(flavor = "multi_thread")]
async fn carriers_say_how_they_fare() {
    let api = api_with(|config| {
        let account = toml::from_str("client_id = \"i\"\nclient_secret = \"s\"\n").unwrap();
        config.stores[0].carriers.insert("ups".into(), account);
    })
    .await;
    api.webhook("easypost", "", "", &coded("e1", "in_transit", "x")).await;
    let viewer = api.signed_in("demo", Role::Viewer).await;
    let (_, page) = api.open(&viewer, "/console/demo/carriers").await;
    assert!(page.contains("UPS") && page.contains("not asked yet") && page.contains("easypost"), "{page}");
    let sql = "insert into pollers (store, poller, failures, error, answered_at) values ('demo', 'ups', 3, 'answered 401 <b>', unixepoch() - 90)";
    api.state.db().write(move |db| Ok(db.execute(sql, [])?)).await.unwrap();
    let (_, page) = api.open(&viewer, "/console/demo/carriers").await;
    assert!(page.contains("trouble") && page.contains("3 times in a row: answered 401 &lt;b&gt;"), "{page}");
    let (_, page) = api.open(&api.signed_in("other", Role::Viewer).await, "/console/other/carriers").await;
    assert!(page.contains("None.") && page.contains("royalmail"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_that_was_found_is_shown_and_dismissed() {
    let api = api().await;
    let found = r#"{"id":"seen-ups","scope":{"carriers":["ups"]},"from":"2026-11-01T00:00:00Z","until":null,"effect":{"min":1,"max":2},"reason":"carrier","severity":1,"message":{}}"#;
    let sql = "insert into incidents (store, id, state, found_at, arrived, expected, notice, scope) values ('demo', 'seen-ups', 'proposed', unixepoch(), 12, 40, ?1, 'ups')";
    api.state.db().write(move |db| Ok(db.execute(sql, [found])?)).await.unwrap();
    let viewer = api.signed_in("demo", Role::Viewer).await;
    let (_, page) = api.open(&viewer, "/console/demo/incidents").await;
    assert!(page.contains("12 of 40") && page.contains("UPS") && !page.contains("Dismiss<"), "{page}");
    assert!(api.open(&viewer, "/console/demo/delays").await.1.contains("1 proposed"));
    let support = api.signed_in("demo", Role::Support).await;
    assert_eq!(api.submit(&support, "/console/demo/incidents/seen-ups/approve", &[]).await.0, StatusCode::SEE_OTHER);
    let (_, delays) = api.admin("GET", "delays", "", b"").await;
    assert_eq!(delays[0]["id"], "seen-ups");
    assert_eq!(api.submit(&support, "/console/demo/incidents/seen-ups/dismiss", &[]).await.0, StatusCode::SEE_OTHER);
    let (_, list) = api.admin("GET", "incidents", "", b"").await;
    assert_eq!(list[0]["state"], "dismissed");
    assert_eq!(api.submit(&support, "/console/demo/incidents/other/approve", &[]).await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.submit(&support, "/console/demo/incidents/seen-ups/eat", &[]).await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.submit(&support, "/console/demo/incidents/look", &[]).await.0, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shoppers_data_is_handed_over_and_forgotten() {
    let api = api().await;
    api.webhook("shopify", "orders/create", "o", &order(1001, "2026-11-23T15:00:00-06:00")).await;
    let asked = json!({"shop_domain": "x", "customer": {"email": "ada@example.com"}, "orders_requested": [1001], "data_request": {"id": 1}});
    api.webhook("shopify", "customers/data_request", "r", asked.to_string().as_bytes()).await;
    let owner = api.signed_in("demo", Role::Owner).await;
    let (_, page) = api.open(&owner, "/console/demo/privacy").await;
    assert!(page.contains("A shopper wants a copy") && page.contains("open"), "{page}");
    let id = hidden(&page);
    let (status, text) = api.open(&owner, &format!("/console/demo/privacy/requests/{id}")).await;
    assert!(status == StatusCode::OK && text.contains("Secret Street"), "all that is kept: {text}");
    assert_eq!(api.submit(&owner, "/console/demo/privacy/done", &[("id", &id)]).await.0, StatusCode::SEE_OTHER);
    let (_, page) = api.open(&owner, "/console/demo/privacy").await;
    assert!(page.contains(">done<") && !page.contains("It was handed over"), "{page}");
    let (status, _, text) =
        api.submit(&owner, "/console/demo/privacy/shopper", &[("do", "export"), ("email", "ada@example.com")]).await;
    assert!(status == StatusCode::OK && text.contains("Secret Street"));
    assert_eq!(api.submit(&owner, "/console/demo/privacy/shopper", &[("do", "erase")]).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (_, _, page) = api.submit(&owner, "/console/demo/privacy/shopper", &[("do", "erase"), ("orders", "#1001")]).await;
    assert!(page.contains("1 orders were forgotten"), "{page}");
    let sql = "select count(*) from events where cast(body as text) like '%Secret Street%'";
    assert_eq!(api.state.db().read(move |db| Ok(db.query_row(sql, [], |r| r.get::<_, i64>(0))?)).await.unwrap(), 0);
    let other = api.signed_in("other", Role::Owner).await;
    assert_eq!(api.open(&other, &format!("/console/other/privacy/requests/{id}")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.submit(&other, "/console/other/privacy/done", &[("id", &id)]).await.0, StatusCode::NOT_FOUND);
}

fn hidden(page: &str) -> String {
    page.split("name=\"id\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newer_fields_of_a_policy_have_their_forms() {
    let api = api().await;
    let owner = api.signed_in("demo", Role::Owner).await;
    let (_, page) = api.open(&owner, "/console/demo/policy/basics").await;
    let revision = page.split("name=\"revision\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let fields = |warn: &'static str| {
        [
            ("revision", revision.clone()),
            ("currency", "USD".into()),
            ("confidence", "90".into()),
            ("style", "range".into()),
            ("ship", "as_ready".into()),
            ("detection", "apply".into()),
            ("warn_below", warn.into()),
        ]
    };
    let send = async |f: [(&str, String); 7]| {
        let f: Vec<(&str, &str)> = f.iter().map(|(n, v)| (*n, v.as_str())).collect();
        api.submit(&owner, "/console/demo/policy/basics", &f).await
    };
    let (status, _, text) = send(fields("many")).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && text.contains("number of percent"), "{text}");
    assert_eq!(send(fields("70")).await.0, StatusCode::SEE_OTHER);
    let (_, page) = api.open(&owner, "/console/demo/policy/json").await;
    for part in ["as_ready", "apply", "&quot;warn_below&quot;: 70"] {
        assert!(page.contains(part), "{part}");
    }
}
