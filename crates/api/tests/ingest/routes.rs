//! What the routes answer.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};

use super::*;

const NUMBER: &str = "1Z5R89390357567127";
const SCANS: &[(&str, &str)] =
    &[("2026-11-24T12:00:00Z", "pre_transit"), ("2026-11-24T23:00:00Z", "in_transit"), ("2026-11-27T15:00:00Z", "delivered")];

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_followed_from_purchase_to_delivery() {
    let api = api().await;
    assert_eq!(api.webhook("shopify", "orders/create", "w1", &order(1001, "2026-11-23T15:00:00-06:00")).await, StatusCode::OK);
    let ordered = api.order("1001").await;
    assert_eq!((ordered["status"].as_str(), ordered["version"].as_u64()), (Some("ordered"), Some(1)));
    assert_eq!(ordered["unshipped"][0]["title"], "Mug");
    // Placed on Monday after the cut-off: handled from Tuesday, Thanksgiving and the closure on Friday between.
    assert_eq!(ordered["promise"]["method"], "standard");
    let promise = ordered["promise"].clone();

    api.webhook("shopify", "fulfillments/create", "w2", &fulfillment(1001, NUMBER)).await;
    api.webhook("easypost", "", "", &tracker("evt_1", NUMBER, &SCANS[..2])).await;
    let moving = api.order("1001").await;
    assert_eq!((moving["status"].as_str(), moving["shipments"][0]["carrier"].as_str()), (Some("shipped"), Some("ups")));
    assert_eq!(moving["unshipped"], json!([]));
    assert!(moving["shipments"][0]["tracking_url"].as_str().unwrap().contains(NUMBER));

    api.webhook("easypost", "", "", &tracker("evt_2", NUMBER, SCANS)).await;
    let delivered = api.order("1001").await;
    assert_eq!(
        (delivered["status"].as_str(), delivered["shipments"][0]["checkpoints"].as_array().unwrap().len()),
        (Some("delivered"), 3)
    );
    assert_eq!(delivered["estimate"], Value::Null);
    assert_eq!(delivered["promise"], promise, "the promise is never rewritten");
    let text = delivered.to_string().to_lowercase();
    for private in ["ada", "secret street", "example.com", "94103"] {
        assert!(!text.contains(private), "{private} must not be in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn order_and_repetition_of_events_do_not_matter_and_replay_ends_equal() {
    let events = [
        ("shopify", "orders/create", "w1", order(1001, "2026-11-23T15:00:00-06:00")),
        ("shopify", "fulfillments/create", "w2", fulfillment(1001, NUMBER)),
        ("easypost", "", "", tracker("evt_1", NUMBER, &SCANS[..2])),
        ("easypost", "", "", tracker("evt_2", NUMBER, SCANS)),
    ];
    let mut documents = Vec::new();
    for sequence in [vec![0, 1, 2, 3], vec![3, 2, 1, 0], vec![2, 2, 0, 3, 1, 0, 3], vec![1, 3, 0, 2]] {
        let api = api().await;
        for n in sequence {
            let (source, topic, id, body) = &events[n];
            assert_eq!(api.webhook(source, topic, id, body).await, StatusCode::OK);
        }
        let mut document = api.order("1001").await;
        ingest::replay(&api.state).await.unwrap();
        let mut replayed = api.order("1001").await;
        for d in [&mut document, &mut replayed] {
            d["version"] = json!(0);
            d["computed_at"] = json!("");
        }
        assert_eq!(replayed, document);
        documents.push(document);
    }
    assert!(documents.windows(2).all(|d| d[0] == d[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_not_shipped_yet_goes_the_way_that_was_promised() {
    let api = api().await;
    // In stock at both origins, and promised from the one that is not snowed in.
    let snow = json!({"id": "snow", "scope": {"origins": ["memphis"]}, "from": "2020-01-01T00:00:00Z", "effect": {"min": 9, "max": 9}, "reason": "weather",
        "severity": 3, "message": {"en": "Snow"}});
    let request = Request::post("/v1/admin/stores/demo/delays").header(header::AUTHORIZATION, format!("Bearer {ADMIN}"));
    let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(snow.to_string())).unwrap();
    assert_eq!(api.send(request).await.0, StatusCode::CREATED);
    let now = promise::Instant(now()).to_string();
    let body = String::from_utf8(order(1001, &now)).unwrap().replace("MUG-1", "BLANKET-1");
    api.webhook("shopify", "orders/create", "w1", body.as_bytes()).await;
    let document = api.order("1001").await;
    assert_eq!(document["estimate"]["to"], document["promise"]["to"], "{document}");
    assert_eq!(document["delays"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_webhooks_leave_nothing_behind() {
    let api = api().await;
    let body = order(1001, "2026-11-23T15:00:00-06:00");
    let mut flipped = webhook("shopify", "orders/create", "w1", &body);
    let mut bytes = body.clone();
    bytes[20] ^= 1;
    *flipped.body_mut() = Body::from(bytes);
    let mut no_type = webhook("shopify", "orders/create", "w1", &body);
    no_type.headers_mut().remove(header::CONTENT_TYPE);
    let elsewhere = |path: &str| {
        let mut request = webhook("shopify", "orders/create", "w1", &body);
        *request.uri_mut() = path.parse().unwrap();
        request
    };
    for (request, status) in [
        (flipped, StatusCode::UNAUTHORIZED),
        (no_type, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (elsewhere("/v1/webhooks/nobody/shopify"), StatusCode::NOT_FOUND),
        (elsewhere("/v1/webhooks/demo/unheard"), StatusCode::NOT_FOUND),
        (webhook("shopify", "orders/create", "w1", &vec![b' '; 200_000]), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let (answered, head, problem) = api.send(request).await;
        assert_eq!(answered, status, "{problem}");
        assert_eq!(head[header::CONTENT_TYPE], "application/problem+json");
        assert!(problem["detail"].as_str().is_some_and(|d| !d.is_empty()));
    }
    let events: i64 = api.state.db().read(|db| Ok(db.query_row("select count(*) from events", [], |r| r.get(0))?)).await.unwrap();
    assert_eq!(events, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_kept_aside_and_listed() {
    let api = api().await;
    assert_eq!(api.webhook("shopify", "orders/create", "w1", b"{not json").await, StatusCode::OK);
    let request = Request::get("/v1/admin/stores/demo/problems").header(header::AUTHORIZATION, format!("Bearer {ADMIN}"));
    let (_, _, list) = api.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((list[0]["kind"].as_str(), list[0]["set_aside"].as_bool()), (Some("unreadable"), Some(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_decide_who_sees_an_order() {
    let api = api().await;
    api.webhook("shopify", "orders/create", "w1", &order(1001, "2026-11-23T15:00:00-06:00")).await;
    let at = |id: &str, expires: i64, secret: &str| format!("/v1/orders/{}", token::mint("demo", id, expires, secret));
    assert_eq!(api.get(&at("1001", 1, SECRET)).await.0, StatusCode::GONE);
    assert_eq!(api.get(&at("1001", i64::MAX, "forged-0123456789abcdef0123456789ab")).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(api.get("/v1/orders/nonsense").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(api.get(&at("9999", i64::MAX, SECRET)).await.0, StatusCode::NOT_FOUND);
    let (_, head, _) = api.get(&at("1001", i64::MAX, SECRET)).await;
    assert_eq!(
        (&head[header::CACHE_CONTROL], &head[header::REFERRER_POLICY]),
        (&"private, no-cache".parse().unwrap(), &"no-referrer".parse().unwrap())
    );
    let again = Request::get(at("1001", i64::MAX, SECRET))
        .header(header::IF_NONE_MATCH, &head[header::ETAG])
        .body(Body::empty())
        .unwrap();
    assert_eq!(api.send(again).await.0, StatusCode::NOT_MODIFIED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_notice_shows_in_the_estimate_and_in_the_promise_document() {
    let api = api().await;
    let ask = "/v1/stores/demo/estimate?sku=MUG-1&country=US&postal_code=94103";
    let (status, _, before) = api.get(ask).await;
    assert_eq!((status, before["options"].as_array().unwrap().len()), (StatusCode::OK, 3));
    let (_, head, _) = api.get("/v1/stores/demo/promise.json").await;
    assert_eq!(head[header::CACHE_CONTROL], "public, max-age=300, stale-while-revalidate=86400");
    let admin = |body: Value, key: &str| {
        let request = Request::post("/v1/admin/stores/demo/delays").header(header::AUTHORIZATION, format!("Bearer {key}"));
        request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap()
    };
    let notice = json!({"id": "snow", "scope": {"origins": ["memphis"]}, "from": "2020-01-01T00:00:00Z", "effect": {"min": 2, "max": 3},
        "reason": "weather", "severity": 2, "message": {"en": "Snow in Memphis"}});
    assert_eq!(api.send(admin(notice.clone(), "wrong")).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(api.send(admin(notice.clone(), "other-key-0123456789abcdef0123456789")).await.0, StatusCode::UNAUTHORIZED);
    let (status, _, problem) = api.send(admin(json!({"id": "x", "reason": "boredom"}), ADMIN)).await;
    assert_eq!((status, problem["errors"][0]["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("reason")));
    assert_eq!(api.send(admin(notice, ADMIN)).await.0, StatusCode::CREATED);
    let (_, _, after) = api.get(ask).await;
    assert_eq!(after["delays"][0]["reason"], "weather");
    assert!(after["options"][0]["window"]["to"].as_str() > before["options"][0]["window"]["to"].as_str());
    let (_, newer, _) = api.get("/v1/stores/demo/promise.json").await;
    assert_ne!(newer[header::ETAG], head[header::ETAG]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_questions_say_what_is_wrong() {
    let api = api().await;
    for (path, status) in [
        ("/v1/stores/nobody/promise.json", StatusCode::NOT_FOUND),
        ("/v1/stores/other/promise.json", StatusCode::NOT_FOUND),
        ("/v1/stores/demo/estimate?country=USA", StatusCode::BAD_REQUEST),
        ("/v1/stores/demo/estimate?sku=A&quantity=0", StatusCode::BAD_REQUEST),
        ("/v1/stores/demo/estimate?quantity=1", StatusCode::BAD_REQUEST),
        ("/v1/nothing", StatusCode::NOT_FOUND),
    ] {
        let (answered, head, problem) = api.get(path).await;
        assert_eq!(
            (answered, &head[header::CONTENT_TYPE]),
            (status, &"application/problem+json".parse().unwrap()),
            "{path} {problem}"
        );
    }
}

/// Orders, fulfillments and trackers as the platforms send them, read where they are.
#[tokio::test(flavor = "multi_thread")]
async fn real_payloads_show_up_on_an_order_page() {
    let root =
        std::env::var("WHEREABOUTS_DATA").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
    let file = |path: &str| std::fs::read(Path::new(&root).join("webhooks").join(path));
    let (Ok(placed), Ok(shipped), Ok(tracked)) = (
        file("shopify/webhook.orders_create.json"),
        file("shopify/webhook.fulfillments_create.json"),
        file("easypost/tracker.updated.raw"),
    ) else {
        println!("skipped: {root}/webhooks is not there");
        return;
    };
    let api = api().await;
    for body in [&placed, &placed] {
        assert_eq!(api.webhook("shopify", "orders/create", "w1", body).await, StatusCode::OK);
    }
    assert_eq!(api.webhook("shopify", "fulfillments/create", "w2", &shipped).await, StatusCode::OK);
    assert_eq!(api.webhook("easypost", "", "", &tracked).await, StatusCode::OK);
    // The store tells that its parcel is the one that the tracker follows.
    let text = String::from_utf8(shipped).unwrap().replace("1Z1234512345123456", "1").replace("11:38:15", "11:38:16");
    assert_eq!(api.webhook("shopify", "fulfillments/update", "w3", text.as_bytes()).await, StatusCode::OK);
    let document = api.order("450789469").await;
    assert_eq!(document["number"], "#1001");
    assert_eq!(document["shipments"][0]["checkpoints"].as_array().unwrap().len(), 7, "{document}");
    assert_eq!(document["shipments"][0]["carrier"], "fedex");
    assert_eq!(document["estimate"]["outlook"], "late");
    let events: i64 = api.state.db().read(|db| Ok(db.query_row("select count(*) from events", [], |r| r.get(0))?)).await.unwrap();
    assert_eq!(events, 4, "the same body twice is one event");
}

/// What the widget can ask, the route can ask too.
#[tokio::test]
async fn an_estimate_can_be_asked_for_a_box_by_a_day_and_with_names() {
    let api = api().await;
    let mut policy: Value = serde_json::from_str(include_str!("../../src/demo/policy.json")).unwrap();
    policy["services"].as_array_mut().unwrap().iter_mut().for_each(|s| s["no_po_boxes"] = (s["carrier"] == "ups").into());
    assert_eq!(api.admin("PUT", "policy", "application/json", policy.to_string().as_bytes()).await.0, StatusCode::OK);
    let base = "/v1/stores/demo/estimate?sku=MUG-1&country=US&postal_code=94103";
    let obstacle = |e: &Value| {
        let express = e["options"].as_array().unwrap().iter().find(|o| o["method"] == "express").unwrap();
        (e["destination"]["po_box"] == true, express["service"].clone())
    };
    let (_, _, at_home) = api.get(&format!("{base}&po_box=false")).await;
    let (_, _, boxed) = api.get(&format!("{base}&po_box=true")).await;
    assert_eq!(obstacle(&at_home), (false, "ups_2nd_day".into()), "{at_home}");
    assert_eq!(obstacle(&boxed), (true, "dhl_express".into()), "{boxed}");
    for bad in ["po_box=perhaps", "need_by=soon", "need_by=2026-02-30", "method=teleport"] {
        let (status, _, said) = api.get(&format!("{base}&{bad}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{bad}");
        assert!(said["detail"].as_str().unwrap().starts_with(bad.split('=').next().unwrap()), "{said}");
    }
    let fragment = |query: String| {
        let app = api.app.clone();
        async move {
            let request = Request::get(query).header(header::ACCEPT, "text/html").body(Body::empty()).unwrap();
            let body = app.oneshot(request).await.unwrap().into_body();
            String::from_utf8(axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap()
        }
    };
    let year = promise::Instant(now() + 300 * 86_400).to_string();
    assert!(fragment(format!("{base}&surface=checkout&need_by={}", &year[..10])).await.contains("in-time"));
    assert!(!fragment(format!("{base}&surface=checkout&need_by=2020-01-01")).await.contains("in-time"));
}
