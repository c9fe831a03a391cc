//! The console's insights: the same figures as the JSON, for who may see them; and scorecards for who has a link.

use serde_json::json;

use super::*;
use crate::insight::{bodies, import};

const PERIOD: &str = "from=2026-09-01&to=2026-11-20";

#[tokio::test(flavor = "multi_thread")]
async fn pages_say_what_the_figures_say() {
    let api = api_with(|c| c.limits.body_bytes = 10_000_000).await;
    import(&api, &bodies()).await;
    let viewer = api.signed_in("demo", Role::Viewer).await;
    let (_, said) = api.admin("GET", &format!("analytics?{PERIOD}"), "", b"").await;
    let (status, page) = api.open(&viewer, &format!("/console/demo/insights?{PERIOD}")).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    for part in [
        format!("<p class=\"value\">{} %</p>", said["total"]["kept_percent"]),
        format!("<p class=\"value\">{}</p>", said["total"]["late"]),
        format!("{} promises were decided", said["total"]["due"]),
        "The same as a table".into(),
    ] {
        assert!(page.contains(&part), "{part} in {page}");
    }
    for table in ["carriers", "origins", "methods", "places", "lanes", "contacts", "areas"] {
        let (status, page) = api.open(&viewer, &format!("/console/demo/insights/{table}?{PERIOD}")).await;
        assert_eq!(status, StatusCode::OK, "{table}: {page}");
        assert!(page.contains("aria-current=\"page\""), "{table}");
        // Without anything counted, too.
        let (status, _) = api.open(&viewer, &format!("/console/demo/insights/{table}?from=2020-01-01&to=2020-01-02")).await;
        assert_eq!(status, StatusCode::OK, "{table}");
    }
    let (status, text) = api.open(&viewer, &format!("/console/demo/insights/lanes.csv?{PERIOD}")).await;
    assert!(status == StatusCode::OK && text.starts_with("key,orders,"), "{text}");
    let (status, page) = api.open(&viewer, "/console/demo/insights?from=never").await;
    assert!(status == StatusCode::OK && page.contains("from: write a day"), "a wrong period is said, and the usual one shown");
    for (path, status) in [
        ("insights/nonsense", StatusCode::NOT_FOUND),
        ("insights/nonsense.csv", StatusCode::NOT_FOUND),
        ("insights/scorecard?dimension=place&key=US-TX", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(api.open(&viewer, &format!("/console/demo/{path}")).await.0, status, "{path}");
    }
    // Another store's staff see nothing of it.
    let other = api.signed_in("other", Role::Owner).await;
    assert_ne!(api.open(&other, "/console/demo/insights").await.0, StatusCode::OK);
    let (_, page) = api.open(&other, &format!("/console/other/insights?{PERIOD}")).await;
    assert!(page.contains("No promise was decided"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scorecard_is_shared_until_it_is_taken_back() {
    let api = api_with(|c| c.limits.body_bytes = 10_000_000).await;
    import(&api, &bodies()).await;
    let support = api.signed_in("demo", Role::Support).await;
    let viewer = api.signed_in("demo", Role::Viewer).await;
    let fields = [("dimension", "carrier"), ("key", "ups"), ("days", "1000"), ("valid_days", "7")];
    assert_eq!(api.submit(&viewer, "/console/demo/insights/share", &fields).await.0, StatusCode::FORBIDDEN);
    assert_eq!(api.submit(&support, "/console/demo/insights/share", &fields).await.0, StatusCode::SEE_OTHER);
    let (_, links) = api.admin("GET", "scorecards", "", b"").await;
    let path = links[0]["path"].as_str().unwrap().to_owned();
    let (_, page) = api.open(&support, "/console/demo/insights/scorecard?dimension=carrier&key=ups").await;
    assert!(
        page.contains(&path)
            && !api.open(&viewer, "/console/demo/insights/scorecard?dimension=carrier&key=ups").await.1.contains(&path)
    );

    let (status, headers, page) = api.raw(Request::get(&path).body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
    let (_, rows) = api.admin("GET", "analytics/carriers?days=1000", "", b"").await;
    let ups = rows.as_array().unwrap().iter().find(|r| r["key"] == "ups").unwrap();
    assert!(page.contains(&format!("<p class=\"value\">{}</p>", ups["shipped"])) && page.contains("UPS, for Fjord"), "{page}");
    assert!(!page.contains("USPS") && !page.contains("/console/demo"), "nothing of others, no way in");
    let csv = format!("{path}/weeks.csv");
    let (status, _, text) = api.raw(Request::get(&csv).body(Body::empty()).unwrap()).await;
    assert!(status == StatusCode::OK && text.starts_with("key,"), "{text}");

    for wrong in [format!("{path}0"), path.replace("s1.demo", "s1.other"), "/scorecard/x".into()] {
        assert_eq!(api.raw(Request::get(wrong).body(Body::empty()).unwrap()).await.0, StatusCode::NOT_FOUND);
    }
    let id = links[0]["id"].as_str().unwrap();
    let back = [("id", id), ("dimension", "carrier"), ("key", "ups")];
    assert_eq!(api.submit(&support, "/console/demo/insights/revoke", &back).await.0, StatusCode::SEE_OTHER);
    for gone in [&path, &csv] {
        assert_eq!(api.raw(Request::get(gone).body(Body::empty()).unwrap()).await.0, StatusCode::NOT_FOUND);
    }
    for (field, value) in [("dimension", json!("place")), ("key", json!("")), ("days", json!(0)), ("valid_days", json!(400))] {
        let mut body = json!({"dimension": "carrier", "key": "ups", "days": 91, "valid_days": 30});
        body[field] = value;
        let (status, problem) = api.admin("POST", "scorecards", "application/json", body.to_string().as_bytes()).await;
        assert_eq!((status, problem["errors"][0]["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(field)));
    }
}
