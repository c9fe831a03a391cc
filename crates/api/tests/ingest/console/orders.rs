//! Orders: found by anything, explained, corrected; events that were set aside.

use super::*;

const NUMBER: &str = "1Z5R89390357567127";

async fn with_orders() -> Api {
    let api = api().await;
    api.webhook("shopify", "orders/create", "w1", &order(1001, "2026-11-23T15:00:00-06:00")).await;
    let second = String::from_utf8(order(1002, "2026-11-24T09:00:00-06:00")).unwrap();
    let second = second
        .replace("Ada@Example.com", "bo@example.com")
        .replace("94103", "10001")
        .replace("San Francisco", "Zürich")
        .replace("Mug", "Wool blanket");
    api.webhook("shopify", "orders/create", "w2", second.replace("MUG-1", "BLANKET-1").as_bytes()).await;
    api.webhook("shopify", "fulfillments/create", "w3", &fulfillment(1001, NUMBER)).await;
    api.webhook("easypost", "", "", &tracker("evt_1", NUMBER, &[("2026-11-24T12:00:00Z", "in_transit")])).await;
    api
}

async fn find(api: &Api, who: &Browser, text: &str) -> Vec<&'static str> {
    let query = serde_urlencoded::to_string([("q", text)]).unwrap();
    let request = Request::get(format!("/console/demo/orders?{query}"))
        .header(header::COOKIE, format!("whereabouts_console={}", who.secret));
    let (_, head, page) = api.raw(request.body(Body::empty()).unwrap()).await;
    // A single one is opened at once.
    let to = head.get(header::LOCATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
    ["1001", "1002"]
        .into_iter()
        .filter(|id| to.ends_with(&format!("/orders/{id}")) || page.contains(&format!("/orders/{id}\"")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_found_by_anything_a_shopper_may_say() {
    let api = with_orders().await;
    let viewer = api.signed_in("demo", Role::Viewer).await;
    for text in [
        "1001",
        "#1001",
        "ada@example.com",
        "ADA@example.com ",
        NUMBER,
        &NUMBER.to_lowercase(),
        "94103",
        "san fran",
        "mug",
        "MUG-1",
        "2026-11-23",
    ] {
        assert_eq!(find(&api, &viewer, text).await, ["1001"], "{text}");
    }
    for text in ["zurich", "Zürich", "blanket wool", "BLANKET", "10001", "bo@example.com"] {
        assert_eq!(find(&api, &viewer, text).await, ["1002"], "{text}");
    }
    assert_eq!(find(&api, &viewer, "").await, ["1001", "1002"], "the newest");
    for text in ["ada", "no such thing", "\"", "* OR 1", "NEAR(", "'; drop table orders; --", "2026-13-45"] {
        assert_eq!(find(&api, &viewer, text).await, Vec::<&str>::new(), "{text}");
    }
    // Not those of another store, by whatever word.
    let stranger = api.signed_in("other", Role::Owner).await;
    for text in ["", "1001", "mug", NUMBER, "94103"] {
        let (_, page) = api.open(&stranger, &format!("/console/other/orders?q={}", text.replace('#', ""))).await;
        assert!(!page.contains("orders/1001"), "{text}");
    }
    assert_eq!(api.open(&stranger, "/console/other/orders/1001").await.0, StatusCode::NOT_FOUND);
    // What changes is found as it is now, and what is forgotten is not found.
    let moved = String::from_utf8(order(1001, "2026-11-23T15:00:00-06:00")).unwrap();
    let moved = moved.replace("San Francisco", "Oakland").replacen(
        "\"updated_at\":\"2026-11-23T15:00",
        "\"updated_at\":\"2026-11-23T16:00",
        1,
    );
    api.webhook("shopify", "orders/updated", "w4", moved.as_bytes()).await;
    assert_eq!(find(&api, &viewer, "oakland").await, ["1001"]);
    assert_eq!(find(&api, &viewer, "francisco").await, Vec::<&str>::new());
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(find(&api, &viewer, "oakland").await, ["1001"]);
    api.state.db().write(|db| api::store::privacy::forget_order(db, "demo", "1001")).await.unwrap();
    assert_eq!(find(&api, &viewer, "oakland").await, Vec::<&str>::new());
    let left: i64 =
        api.state.db().read(|db| Ok(db.query_row("select count(*) from searchable", [], |r| r.get(0))?)).await.unwrap();
    assert_eq!(left, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_shows_what_the_shopper_sees_and_why() {
    let api = with_orders().await;
    let support = api.signed_in("demo", Role::Support).await;
    let (status, page) = api.open(&support, "/console/demo/orders/1001").await;
    assert_eq!(status, StatusCode::OK);
    for said in [
        "Order #1001",
        "class=\"widget\"",
        "Why this date",
        "policy version 1",
        "standard from memphis by ups_ground",
        "Tue 1 – Thu 3 Dec",
        "MEMPHIS",
        "shopify orders/create",
        "San Francisco, CA, 94103, US",
    ] {
        assert!(page.to_lowercase().contains(&said.to_lowercase()), "{said}: {page}");
    }
    assert!(!page.to_lowercase().contains("ada@example.com") && !page.contains("Secret Street"), "what is not kept is not shown");
    // How fresh it is: for who looks at it, and for staff with the carrier's own answers.
    assert!(page.contains("How fresh it is") && page.contains("not asked"), "{page}");
    assert!(page.contains("Checked ") && api.order("1001").await["shipments"][0]["checked_at"].is_string());
    let asked =
        "insert into polls (store, tracking_number, poller, known_since, due_at, checked_at, failures, error, pushed_until)
        values ('demo', ?1, 'ups', 0, 4000000000, 1790000000, 3, '<b>503</b>', 4000000000)";
    api.state.db().write(|db| Ok(db.execute(asked, [NUMBER])?)).await.unwrap();
    let (_, fresh) = api.open(&support, "/console/demo/orders/1001").await;
    for said in [
        "21 Sep 2026, 09:13<",
        "2 Oct 2096, 02:06<",
        "All times are those of America/Chicago",
        "pushes until",
        "failing",
        "&lt;b&gt;503",
        "3 times",
    ] {
        assert!(fresh.contains(said), "{said}: {fresh}");
    }
    // The raw event is for who may see it.
    let event = page.split("href=\"/console/demo/events/").nth(1).and_then(|t| t.split('"').next()).unwrap().to_owned();
    assert_eq!(api.open(&support, &format!("/console/demo/events/{event}")).await.0, StatusCode::OK);
    let viewer = api.signed_in("demo", Role::Viewer).await;
    assert_eq!(api.open(&viewer, &format!("/console/demo/events/{event}")).await.0, StatusCode::FORBIDDEN);
    let stranger = api.signed_in("other", Role::Owner).await;
    assert_eq!(api.open(&stranger, &format!("/console/other/events/{event}")).await.0, StatusCode::NOT_FOUND);
    let link = page.split("href=\"/track/").nth(1).and_then(|t| t.split('"').next()).unwrap();
    assert_eq!(api.raw(Request::get(format!("/track/{link}")).body(Body::empty()).unwrap()).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_an_event_of_its_own_and_can_be_taken_back() {
    let api = with_orders().await;
    let support = api.signed_in("demo", Role::Support).await;
    let path = "/console/demo/orders/1001";
    for wrong in [
        vec![("parcel", "1ZNOT"), ("status", "delivered")],
        vec![("parcel", NUMBER), ("status", "eaten")],
        vec![("parcel", NUMBER), ("status", "delivered"), ("at", "2999-01-01T00:00")],
        vec![("parcel", NUMBER), ("status", "delivered"), ("sub_status", "<b>")],
    ] {
        assert_eq!(api.submit(&support, path, &wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    }
    let fields = [
        ("parcel", NUMBER),
        ("status", "delivered"),
        ("at", "2026-11-24T18:00"),
        ("message", "The neighbour has it"),
        ("location", "San Francisco, CA, US"),
    ];
    assert_eq!(api.submit(&support, path, &fields).await.0, StatusCode::SEE_OTHER);
    api.settle().await;
    let corrected = api.order("1001").await;
    assert_eq!(corrected["status"], "delivered");
    assert_eq!(corrected["shipments"][0]["checkpoints"][0]["message"], "The neighbour has it");
    // It survives a replay, as any event does.
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(api.order("1001").await["status"], "delivered");
    let event: i64 = api
        .state
        .db()
        .read(|db| Ok(db.query_row("select id from events where source = 'console'", [], |r| r.get(0))?))
        .await
        .unwrap();
    let back = [("order", "1001"), ("event", &event.to_string())];
    let viewer = api.signed_in("demo", Role::Viewer).await;
    assert_eq!(api.submit(&viewer, "/console/demo/orders/take-back", &back).await.0, StatusCode::FORBIDDEN);
    assert_eq!(api.submit(&support, "/console/demo/orders/take-back", &back).await.0, StatusCode::SEE_OTHER);
    let now = api.order("1001").await;
    assert_eq!((now["status"].as_str(), now["shipments"][0]["checkpoints"].as_array().unwrap().len()), (Some("shipped"), 1));
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(api.order("1001").await["status"], "shipped", "nor does a replay bring it again");
    assert_eq!(api.submit(&support, "/console/demo/orders/take-back", &back).await.0, StatusCode::NOT_FOUND);
    // A carrier's event is no correction.
    let theirs: i64 = api
        .state
        .db()
        .read(|db| Ok(db.query_row("select id from events where source = 'easypost'", [], |r| r.get(0))?))
        .await
        .unwrap();
    let other = [("order", "1001"), ("event", &theirs.to_string())];
    assert_eq!(api.submit(&support, "/console/demo/orders/take-back", &other).await.0, StatusCode::NOT_FOUND);
    let log: String = api
        .state
        .db()
        .read(|db| Ok(db.query_row("select group_concat(action) from audit where action like 'order.%'", [], |r| r.get(0))?))
        .await
        .unwrap();
    assert_eq!(log, "order.correct,order.take_back");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_set_aside_is_listed_and_read_again() {
    let api = with_orders().await;
    api.webhook("shopify", "orders/create", "w9", b"{not json").await;
    let support = api.signed_in("demo", Role::Support).await;
    let (_, page) = api.open(&support, "/console/demo/problems").await;
    let event = page.split("href=\"/console/demo/events/").nth(1).and_then(|t| t.split('"').next()).unwrap().to_owned();
    assert!(event.parse::<i64>().is_ok(), "{page}");
    let (_, text) = api.open(&support, &format!("/console/demo/events/{event}")).await;
    assert!(text.contains("{not json") && text.contains("set aside"));
    // After a fix (here: of the body), it is read.
    let body = order(1003, "2026-11-24T10:00:00-06:00");
    let id: i64 = event.parse().unwrap();
    api.state
        .db()
        .write(move |db| Ok(db.execute("update events set body = ?2 where id = ?1", rusqlite::params![id, body])?))
        .await
        .unwrap();
    assert_eq!(api.submit(&support, "/console/demo/events/replay", &[]).await.0, StatusCode::SEE_OTHER);
    api.settle().await;
    assert_eq!(api.order("1003").await["number"], "#1003");
    let stranger = api.signed_in("other", Role::Owner).await;
    assert_eq!(api.submit(&stranger, "/console/other/events/replay", &[("event", &event)]).await.0, StatusCode::NOT_FOUND);
}
