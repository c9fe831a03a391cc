//! Incidents: imported from a list, found in the store's own scans; and what an order remembers of the delays it was placed under.

use promise::{Day, Instant};

use super::*;

fn day(n: i64) -> String {
    Instant((now() / 86_400 + n) * 86_400 + 15 * 3_600).to_string()
}

#[tokio::test]
async fn thousands_of_postal_codes_are_a_small_notice() {
    let api = api().await;
    let mut list = String::from("carrier,country,postal_code,from,until,days,reason,severity,language,message\n");
    for n in 0..3_000 {
        list.push_str(&format!(
            "ups,US,{:05},{},{},1-3,weather,3,en,Winter storm\n",
            27_000 + n * 2 + n % 5 / 3,
            &day(-1)[..10],
            &day(5)[..10]
        ));
    }
    let (_, _, before) = api.get("/v1/stores/demo/promise.json").await;
    let (status, answer) = api.admin("POST", "incidents", "text/csv", list.as_bytes()).await;
    assert_eq!(
        (status, answer["rows"].as_u64(), answer["notices"].as_array().unwrap().len()),
        (StatusCode::CREATED, Some(3_000), 1),
        "{answer}"
    );
    assert!(answer["notices"][0]["ranges"].as_u64().unwrap() <= 200 && answer["notices"][0]["besides"].as_u64().unwrap() > 0);
    let published = api.state.published("demo").await.unwrap().unwrap();
    println!("{} bytes, brotli", published.brotli.len());
    assert!(published.brotli.len() < 4_096, "{}", published.brotli.len());
    // It holds where the list says, and nowhere else.
    for (code, there) in [("27001", true), ("94103", false)] {
        let (_, _, e) = api.get(&format!("/v1/stores/demo/estimate?sku=MUG-1&country=US&postal_code={code}")).await;
        assert_eq!(e["delays"].as_array().unwrap().iter().any(|d| d["message"][0][1] == "Winter storm"), there, "{code} {e}");
    }
    // The same list again changes nothing.
    let (_, delays) = api.admin("GET", "delays", "", b"").await;
    api.admin("POST", "incidents", "text/csv", list.as_bytes()).await;
    assert_eq!(api.admin("GET", "delays", "", b"").await.1, delays);
    drop(before);
}

#[tokio::test]
async fn a_list_with_a_bad_line_is_refused_whole_and_says_which() {
    let api = api().await;
    let list = "carrier,country,postal_code,from,until,days,reason\nups,US,27001,2026-12-01,,1,weather\nups,US,27002,soon,2026-11-01,many,aliens\n,,,2026-12-01,,1,\n";
    let (status, answer) = api.admin("POST", "incidents", "text/csv", list.as_bytes()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields: Vec<&str> = answer["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["line 3, from", "line 3, days", "line 3, reason", "line 4, carrier"], "{answer}");
    for bad in ["", "nothing", "from\n", "carrier,from\n\"ups"] {
        assert_eq!(api.admin("POST", "incidents", "text/csv", bad.as_bytes()).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
}

/// Events as they come in, without the time that a commit each takes.
async fn take(api: &Api, events: Vec<(&'static str, &'static str, String, Vec<u8>)>) {
    let write = api.state.db().write(move |db| {
        for (source, topic, id, body) in &events {
            ingest::append(db, "demo", source, Some(topic), id, 0, body)?;
        }
        Ok(())
    });
    write.await.unwrap();
    api.settle().await;
}

/// A store whose parcels take one or two working days each, until they stand still some days ago. Returns those that do.
async fn slowed(still: i64) -> (Api, Vec<String>) {
    let api = api().await;
    let works = |n: i64| Day((now() / 86_400 + n) as i32).weekday() < 5;
    let (mut id, mut events, mut standing) = (5_000, Vec::new(), Vec::new());
    for n in (-50..-1).filter(|n| works(*n)) {
        for k in 0..5 {
            id += 1;
            let number = format!("1ZTEST{id}");
            let mut scans = vec![(day(n), "in_transit")];
            let arrives = (n + 1..).filter(|d| works(*d)).nth((k % 2) as usize).unwrap();
            if arrives < still {
                scans.push((day(arrives), "delivered"));
            } else {
                standing.push(number.clone());
            }
            let scans: Vec<(&str, &str)> = scans.iter().map(|(t, s)| (t.as_str(), *s)).collect();
            events.push(("shopify", "orders/create", format!("o{id}"), order(id, &day(n))));
            events.push(("shopify", "fulfillments/create", format!("f{id}"), fulfillment(id, &number)));
            events.push(("easypost", "", format!("e{id}"), tracker(&format!("e{id}"), &number, &scans)));
        }
    }
    take(&api, events).await;
    (api, standing)
}

#[tokio::test]
async fn a_slow_down_is_proposed_approved_and_ends_when_the_scans_recover() {
    // Saturday and Sunday say nothing: long enough for three working days.
    let (api, standing) = slowed(-7).await;
    let (status, found) = api.admin("POST", "incidents/look", "", b"").await;
    assert_eq!((status, found.as_array().unwrap().len()), (StatusCode::OK, 1), "{found}");
    let incident = &found[0];
    assert_eq!(
        (incident["state"].as_str(), incident["notice"]["reason"].as_str()),
        (Some("proposed"), Some("carrier")),
        "{incident}"
    );
    assert_eq!(incident["notice"]["scope"]["carriers"][0], "ups");
    assert!(incident["expected"].as_u64() > incident["arrived"].as_u64());
    assert_eq!(api.admin("GET", "delays", "", b"").await.1.as_array().unwrap().len(), 0, "a proposal moves nothing");
    let id = incident["id"].as_str().unwrap();
    // Looking again finds the same one.
    assert_eq!(api.admin("POST", "incidents/look", "", b"").await.1.as_array().unwrap().len(), 1);
    assert_eq!(api.admin("POST", &format!("incidents/{id}/perhaps"), "", b"").await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.admin("POST", "incidents/nothing/approve", "", b"").await.0, StatusCode::NOT_FOUND);
    let (status, approved) = api.admin("POST", &format!("incidents/{id}/approve"), "", b"").await;
    assert_eq!((status, approved["state"].as_str()), (StatusCode::OK, Some("applied")));
    let (_, _, e) = api.get("/v1/stores/demo/estimate?sku=MUG-1&country=US&postal_code=94103").await;
    assert!(e["delays"].as_array().unwrap().iter().any(|d| d["id"] == id), "{e}");
    // All that stood still arrives: the notice ends by itself.
    let arrived = day(-1);
    let done = |number: &String| {
        ("easypost", "", format!("d{number}"), tracker(&format!("d{number}"), number, &[(&arrived, "delivered")]))
    };
    take(&api, standing.iter().map(done).collect()).await;
    let (_, after) = api.admin("POST", "incidents/look", "", b"").await;
    let mine = after.as_array().unwrap().iter().find(|i| i["id"] == id).unwrap();
    assert_eq!(mine["state"], "ended", "{after}");
    let (_, delays) = api.admin("GET", "delays", "", b"").await;
    assert!(delays[0]["until"].is_string(), "{delays}");
    assert_eq!(api.admin("POST", &format!("incidents/{id}/approve"), "", b"").await.0, StatusCode::NOT_FOUND, "it is over");
}

#[tokio::test]
async fn a_policy_may_apply_what_is_found_at_once_and_a_dismissal_holds() {
    let (api, _) = slowed(-7).await;
    let mut policy: Value = serde_json::from_str(include_str!("../../src/demo/policy.json")).unwrap();
    policy["detection"] = "apply".into();
    assert_eq!(api.admin("PUT", "policy", "application/json", policy.to_string().as_bytes()).await.0, StatusCode::OK);
    let (_, found) = api.admin("POST", "incidents/look", "", b"").await;
    assert_eq!(found[0]["state"], "applied", "{found}");
    assert_eq!(api.admin("GET", "delays", "", b"").await.1.as_array().unwrap().len(), 1);
    let id = found[0]["id"].as_str().unwrap();
    let (_, dismissed) = api.admin("POST", &format!("incidents/{id}/dismiss"), "", b"").await;
    assert_eq!(dismissed["state"], "dismissed");
    let (_, again) = api.admin("POST", "incidents/look", "", b"").await;
    assert_eq!(
        (again.as_array().unwrap().len(), again[0]["state"].as_str()),
        (1, Some("dismissed")),
        "it is not brought up again"
    );
    assert!(api.admin("GET", "delays", "", b"").await.1[0]["until"].is_string(), "and its notice has ended");
    policy["detection"] = "off".into();
    api.admin("PUT", "policy", "application/json", policy.to_string().as_bytes()).await;
    let (_, none) = api.admin("POST", "incidents/look", "", b"").await;
    assert_eq!(none[0]["state"], "ended");
}

#[tokio::test]
async fn an_order_remembers_the_delays_it_was_placed_under_and_the_ledger_keeps_all_of_it() {
    let api = api().await;
    let notice = |until: &str| {
        serde_json::json!({"id": "snow", "scope": {"origins": ["memphis"]}, "from": day(-3), "until": until, "effect": {"min": 2, "max": 2}, "reason": "weather",
            "severity": 2, "message": {"en": "Snow in Memphis"}})
    };
    api.admin("POST", "delays", "application/json", notice(&day(9)).to_string().as_bytes()).await;
    api.webhook("shopify", "orders/create", "1", &order(1001, &day(-1))).await;
    assert_eq!(api.order("1001").await["delays"][0]["reason"], "weather");
    // The snow is over. Whoever ordered while it lay still sees why the date is what it is.
    assert_eq!(api.admin("DELETE", "delays/snow", "", b"").await.0, StatusCode::NO_CONTENT);
    ingest::reestimate(&api.state, "demo").await.unwrap();
    assert_eq!(api.order("1001").await["delays"][0]["message"][0][1], "Snow in Memphis");
    let (_, record) = api.admin("GET", "promises/1001", "", b"").await;
    for field in
        ["made_at", "recorded_at", "policy_version", "method", "from", "to", "confidence", "request", "offer", "shown", "delays"]
    {
        assert!(!record[field].is_null(), "{field}: {record}");
    }
    assert_eq!((record["shown"].as_str(), record["delays"][0]["id"].as_str()), (Some("Tue 1 – Thu 3 Dec"), Some("snow")));
    assert!(record["offer"]["steps"].as_array().unwrap().iter().any(|s| s["kind"] == "delay"), "its reasons: {record}");
    assert_eq!(record["request"]["destination"]["postal_code"], "94103");
    // Nobody changes or deletes a record.
    for sql in ["update promises set window_to = '2030-01-01'", "delete from promises"] {
        let refused = api.state.db().write(move |db| Ok(db.execute(sql, [])?)).await;
        assert!(format!("{:#}", refused.unwrap_err()).contains("append-only"), "{sql}");
    }
}

#[tokio::test]
async fn a_post_office_box_is_known_and_its_street_is_not_kept() {
    let api = api().await;
    let boxed = String::from_utf8(order(1001, &day(-1))).unwrap().replace("1 Secret Street", "P.O. Box 4711");
    api.webhook("shopify", "orders/create", "1", boxed.as_bytes()).await;
    let (_, record) = api.admin("GET", "promises/1001", "", b"").await;
    assert_eq!(record["request"]["destination"]["po_box"], true);
    assert!(!record.to_string().contains("4711"));
}
