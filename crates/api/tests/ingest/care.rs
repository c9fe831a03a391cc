//! Help after the purchase: reports from the first check to whether it helped, photos, feedback, links, being told; and who may see what.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};

use super::*;

const NUMBER: &str = "1Z5R89390357567127";
const DAY: i64 = 86_400;

fn ago(seconds: i64) -> String {
    promise::Instant(now() - seconds).to_string()
}

fn token_of(order: &str) -> String {
    token::mint("demo", order, i64::MAX, SECRET)
}

/// An order whose one parcel was delivered some hours ago.
async fn delivered(api: &Api, id: u32, number: &str, hours: i64) {
    api.webhook("shopify", "orders/create", &format!("o{id}"), &order(id, &ago(6 * DAY))).await;
    api.webhook("shopify", "fulfillments/create", &format!("f{id}"), &fulfillment(id, number)).await;
    let (left, at) = (ago(4 * DAY), ago(hours * 3600));
    api.webhook("easypost", "", "", &tracker(&format!("t{id}"), number, &[(&left, "in_transit"), (&at, "delivered")])).await;
}

/// One whose parcel left many days ago, and was not seen since.
async fn silent(api: &Api, id: u32, number: &str, days: i64) {
    api.webhook("shopify", "orders/create", &format!("o{id}"), &order(id, &ago((days + 1) * DAY))).await;
    api.webhook("shopify", "fulfillments/create", &format!("f{id}"), &fulfillment(id, number)).await;
    api.webhook("easypost", "", "", &tracker(&format!("t{id}"), number, &[(&ago(days * DAY), "in_transit")])).await;
}

async fn settings(api: &Api, body: Value) {
    let (status, answer) = api.admin("PUT", "care", "application/json", body.to_string().as_bytes()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

fn rules() -> Value {
    json!({"reports": {"rules": [
        {"option": "resend", "max_value": 100_000, "note": {"en": "Sent the same day"}},
        {"option": "refund", "percent": 100, "automatic": true},
        {"option": "discount", "percent": 10, "kinds": ["late"], "at_once": true}]}})
}

async fn post(api: &Api, path: &str, body: Value) -> (StatusCode, Value) {
    let request =
        Request::post(path).header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap();
    let (status, _, answer) = api.send(request).await;
    (status, answer)
}

async fn report(api: &Api, order: &str, body: Value) -> (StatusCode, Value) {
    post(api, &format!("/v1/orders/{}/reports", token_of(order)), body).await
}

async fn act(api: &Api, order: &str, id: &Value, action: &str, body: Value) -> (StatusCode, Value) {
    post(api, &format!("/v1/orders/{}/reports/{}/{action}", token_of(order), id.as_str().unwrap()), body).await
}

async fn admin_act(api: &Api, id: &Value, action: &str, body: Value) -> (StatusCode, Value) {
    api.admin("POST", &format!("reports/{}/{action}", id.as_str().unwrap()), "application/json", body.to_string().as_bytes())
        .await
}

fn options(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|o| o["option"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_goes_from_the_checks_to_whether_it_helped() {
    let api = api().await;
    settings(&api, rules()).await;
    delivered(&api, 1001, NUMBER, 30).await;
    let (status, _, care) = api.get(&format!("/v1/orders/{}/care", token_of("1001"))).await;
    assert_eq!((status, care["situation"].as_str()), (StatusCode::OK, Some("delivered")));
    let checks: Vec<&str> = care["kinds"][0]["checks"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!(care["kinds"][0]["kind"], "not_arrived_though_delivered");
    assert!(checks.starts_with(&["scanned", "safe_place", "household", "neighbours"]), "{checks:?}");

    let (status, r) = report(&api, "1001", json!({"kind": "damaged", "items": ["MUG-1"], "words": "The handle is off"})).await;
    assert_eq!((status, r["state"].as_str()), (StatusCode::CREATED, Some("offered")), "{r}");
    assert_eq!(options(&r["offers"]), ["resend", "refund"]);
    assert_eq!(r["offers"][0]["note"], "Sent the same day");
    let shown = api.order("1001").await;
    assert_eq!(shown["care"]["open"][0]["state"], "offered", "the order page shows how far it is: {shown}");

    // Only what is offered can be agreed to.
    let (status, problem) = act(&api, "1001", &r["id"], "agree", json!({"option": "discount"})).await;
    assert_eq!((status, problem["errors"][0]["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("option")));
    let (_, r) = act(&api, "1001", &r["id"], "agree", json!({"option": "resend"})).await;
    assert_eq!((r["state"].as_str(), r["agreement"]["option"].as_str()), (Some("agreed"), Some("resend")));
    let (status, _) = act(&api, "1001", &r["id"], "agree", json!({"option": "refund"})).await;
    assert_eq!(status, StatusCode::CONFLICT, "agreed is agreed");

    let (status, _) = admin_act(&api, &r["id"], "start", json!({"reference": "#2001"})).await;
    assert_eq!(status, StatusCode::OK);
    let (_, whole) = admin_act(&api, &r["id"], "settle", json!({"note": "On its way"})).await;
    assert_eq!((whole["state"].as_str(), whole["details"]["resolution"]["reference"].as_str()), (Some("settled"), Some("#2001")));
    let log: Vec<&str> = whole["events"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(log, ["open", "submit", "offer", "agree", "start", "settle"]);
    assert_eq!(api.order("1001").await["care"]["open"][0]["ask"], true);

    // It did not help: that opens it again, with all that was said.
    let (_, r) = act(&api, "1001", &r["id"], "answer", json!({"solved": false, "words": "It is broken too"})).await;
    assert_eq!((r["state"].as_str(), r["words"].as_str()), (Some("offered"), Some("The handle is off\nIt is broken too")));
    let (_, r) = act(&api, "1001", &r["id"], "agree", json!({"option": "refund"})).await;
    assert_eq!(r["state"], "in_resolution", "the rule says that nobody has to look first");
    admin_act(&api, &r["id"], "settle", json!({})).await;
    let (_, r) = act(&api, "1001", &r["id"], "answer", json!({"solved": true})).await;
    assert_eq!((r["solved"].as_bool(), r["ask"].as_bool()), (Some(true), Some(false)));
    let (status, _) = act(&api, "1001", &r["id"], "answer", json!({"solved": false})).await;
    assert_eq!(status, StatusCode::CONFLICT);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_offered_when_follows_from_the_lane() {
    let api = api().await;
    settings(&api, rules()).await;
    // Late, and seen yesterday: it will probably come. The rest is named with its day.
    api.webhook("shopify", "orders/create", "a", &order(1001, &ago(16 * DAY))).await;
    api.webhook("shopify", "fulfillments/create", "b", &fulfillment(1001, NUMBER)).await;
    api.webhook("easypost", "", "", &tracker("c", NUMBER, &[(&ago(14 * DAY), "in_transit"), (&ago(DAY / 2), "in_transit")]))
        .await;
    let (status, r) = report(&api, "1001", json!({"kind": "late"})).await;
    assert_eq!(status, StatusCode::CREATED, "{r}");
    assert_eq!((options(&r["offers"]), options(&r["later"])), (vec!["wait", "discount"], vec!["resend", "refund"]));
    assert_eq!(r["offers"][0]["from"], r["later"][0]["from"]);
    assert!(r["chance"].as_u64().unwrap() > 500, "{r}");
    let (_, r) = act(&api, "1001", &r["id"], "agree", json!({"option": "wait"})).await;
    assert_eq!((r["state"].as_str(), r["review_on"].as_str()), (Some("checking"), r["later"][0]["from"].as_str()));
    // Its day comes by itself; meanwhile nothing has moved.
    let id = r["id"].as_str().unwrap().to_owned();
    let today = promise::Day((now() / DAY) as i32).to_string();
    assert!(r["review_on"].as_str().unwrap() > today.as_str());

    // Silent for weeks: nothing to wait for.
    silent(&api, 1002, "1Z0000000000000002", 40).await;
    let (_, gone) = report(&api, "1002", json!({"kind": "late"})).await;
    assert_eq!(options(&gone["offers"]), ["resend", "refund", "discount"], "{gone}");
    assert!(gone["chance"].as_u64().unwrap() < 500);

    // It arrives: what was reported ends by itself.
    let scans = [(&*ago(14 * DAY), "in_transit"), (&*ago(60), "delivered")];
    api.webhook("easypost", "", "", &tracker("d", NUMBER, &scans)).await;
    let (_, whole) = api.admin("GET", &format!("reports/{id}"), "application/json", b"").await;
    assert_eq!((whole["state"].as_str(), whole["details"]["withdrawn"].as_str()), (Some("withdrawn"), Some("arrived")));
    assert_eq!(whole["events"].as_array().unwrap().last().unwrap()["by"], "clock");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_waits_is_looked_at_again_on_its_day() {
    let api = api().await;
    settings(&api, rules()).await;
    delivered(&api, 1001, NUMBER, 3).await;
    let (_, r) = report(&api, "1001", json!({"kind": "not_arrived_though_delivered"})).await;
    assert_eq!((r["state"].as_str(), options(&r["offers"])), (Some("offered"), vec!["wait"]), "{r}");
    let (_, r) = act(&api, "1001", &r["id"], "agree", json!({"option": "wait"})).await;
    assert_eq!(r["state"], "checking");
    // Not before.
    api::routes::care::review(&api.state).await.unwrap();
    let id = r["id"].as_str().unwrap().to_owned();
    let state = async |api: &Api| {
        let (_, whole) = api.admin("GET", &format!("reports/{id}"), "application/json", b"").await;
        (whole["state"].as_str().unwrap().to_owned(), whole["events"].as_array().unwrap().len())
    };
    let before = state(&api).await;
    assert_eq!(before.0, "checking");
    // The days pass: the parcel was delivered two weeks ago, and is not there.
    let parcel = ago(14 * DAY);
    let moved = id.clone();
    api.state
        .db()
        .write(move |db| {
            db.execute("update reports set due_at = 1 where id = ?1", [&moved])?;
            db.execute(
                "update documents set body = json_set(body, '$.shipments[0].delivered_at', ?1) where order_id = '1001'",
                [parcel],
            )?;
            Ok(())
        })
        .await
        .unwrap();
    api::routes::care::review(&api.state).await.unwrap();
    let after = state(&api).await;
    assert_eq!(after.0, "offered");
    // Running it twice changes nothing.
    api::routes::care::review(&api.state).await.unwrap();
    assert_eq!(state(&api).await, after);
    let (_, _, list) = api.get(&format!("/v1/orders/{}/reports", token_of("1001"))).await;
    assert_eq!(options(&list[0]["offers"]), ["resend", "refund"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sent_twice_is_once_and_the_same_again_is_refused() {
    let api = api().await;
    settings(&api, rules()).await;
    delivered(&api, 1001, NUMBER, 30).await;
    let send = |key: &str| {
        let request =
            Request::post(format!("/v1/orders/{}/reports", token_of("1001"))).header(header::CONTENT_TYPE, "application/json");
        request.header("idempotency-key", key).body(Body::from(json!({"kind": "damaged"}).to_string())).unwrap()
    };
    let (_, _, first) = api.send(send("k1")).await;
    let (status, _, second) = api.send(send("k1")).await;
    assert_eq!((status, &second["id"]), (StatusCode::CREATED, &first["id"]));
    let (status, _, problem) = api.send(send("k2")).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(problem["detail"].as_str().unwrap().contains(first["id"].as_str().unwrap()));
    let (_, list) = api.admin("GET", "reports", "application/json", b"").await;
    assert_eq!(list.as_array().unwrap().len(), 1);
    // A check that finds it ends it before anybody is asked, and is kept.
    let (_, found) =
        report(&api, "1001", json!({"kind": "not_arrived_though_delivered", "checked": ["neighbours"], "found": true})).await;
    assert_eq!(found["state"], "withdrawn");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_can_be_so_is_taken_and_each_refusal_says_why() {
    let api = api().await;
    api.webhook("shopify", "orders/create", "a", &order(1001, &ago(3600))).await;
    for (body, field) in [
        (json!({"kind": "damaged"}), "kind"),
        (json!({"kind": "boredom"}), "kind"),
        (json!({"kind": "address_change"}), "address"),
        (json!({"kind": "address_change", "address": "1 New Street", "items": ["OTHER"]}), "items"),
        (json!({"kind": "address_change", "address": "x".repeat(5000)}), "address"),
        (json!({"kind": "address_change", "address": "1 New Street", "shipment": "nope"}), "shipment"),
    ] {
        let (status, problem) = report(&api, "1001", body.clone()).await;
        assert_eq!(
            (status, problem["errors"][0]["field"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some(field)),
            "{body} {problem}"
        );
    }
    let (status, r) = report(&api, "1001", json!({"kind": "address_change", "address": "1 New Street, Oakland"})).await;
    assert_eq!((status, options(&r["offers"])), (StatusCode::CREATED, vec!["change"]));
    let text = r.to_string();
    assert!(
        !text.contains("New Street") && !api.order("1001").await.to_string().contains("New Street"),
        "an address is not shown again"
    );
    let (_, whole) = api.admin("GET", &format!("reports/{}", r["id"].as_str().unwrap()), "application/json", b"").await;
    assert_eq!(whole["details"]["address"], "1 New Street, Oakland");
    act(&api, "1001", &r["id"], "agree", json!({"option": "change"})).await;
    let (_, whole) = admin_act(&api, &r["id"], "settle", json!({})).await;
    assert_eq!(whole["details"]["address"], Value::Null, "nobody needs it any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_may_decide_by_itself_and_must_say_why_not() {
    let api = api().await;
    // No rules: a report waits for the store.
    delivered(&api, 1001, NUMBER, 30).await;
    let (_, r) = report(&api, "1001", json!({"kind": "wrong_item"})).await;
    assert_eq!((r["state"].as_str(), options(&r["offers"])), (Some("checking"), vec![]));
    for (action, body, status) in [
        ("offer", json!({"offers": []}), StatusCode::UNPROCESSABLE_ENTITY),
        ("offer", json!({"offers": [{"option": "insurance"}]}), StatusCode::UNPROCESSABLE_ENTITY),
        ("decline", json!({}), StatusCode::UNPROCESSABLE_ENTITY),
        ("agree", json!({}), StatusCode::NOT_FOUND),
        ("settle", json!({}), StatusCode::CONFLICT),
        ("offer", json!({"offers": [{"option": "discount", "percent": 20, "note": "Keep it"}]}), StatusCode::OK),
    ] {
        assert_eq!(admin_act(&api, &r["id"], action, body.clone()).await.0, status, "{action} {body}");
    }
    let (_, r) = act(&api, "1001", &r["id"], "agree", json!({"option": "discount"})).await;
    assert_eq!((r["state"].as_str(), r["agreement"]["note"].as_str()), (Some("agreed"), Some("Keep it")));
    admin_act(&api, &r["id"], "decline", json!({"note": "Sold out, sorry"})).await;
    let (_, r) = act(&api, "1001", &r["id"], "reopen", json!({"words": "Please look again"})).await;
    assert_eq!((r["state"].as_str(), r["agreement"].is_null()), (Some("checking"), true));
    let (_, audit) = api.admin("GET", "audit", "application/json", b"").await;
    assert!(audit.to_string().contains("report.decline"), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reaches_another_orders_or_stores_reports() {
    let api = api().await;
    settings(&api, rules()).await;
    delivered(&api, 1001, NUMBER, 30).await;
    delivered(&api, 1002, "1Z0000000000000002", 30).await;
    let (_, r) = report(&api, "1001", json!({"kind": "damaged", "words": "secret words"})).await;
    let id = r["id"].as_str().unwrap();
    let mine = token_of("1001");
    let (status, photo) = upload(&api, &mine, id, PNG.to_vec()).await;
    assert_eq!(status, StatusCode::CREATED, "{photo}");
    let photo = photo["id"].as_str().unwrap();
    let other_store = token::mint("other", "1001", i64::MAX, "other-secret-0123456789abcdef01234");
    for token in [token_of("1002"), other_store.clone()] {
        let (status, _, answer) = api.get(&format!("/v1/orders/{token}/reports/{id}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
        assert_eq!(api.get(&format!("/v1/orders/{token}/reports/{id}/photos/{photo}")).await.0, StatusCode::NOT_FOUND);
        assert_eq!(post(&api, &format!("/v1/orders/{token}/reports/{id}/withdraw"), json!({})).await.0, StatusCode::NOT_FOUND);
        assert_eq!(upload(&api, &token, id, PNG.to_vec()).await.0, StatusCode::NOT_FOUND);
    }
    assert_eq!(api.get(&format!("/v1/orders/{}x/reports/{id}", mine)).await.0, StatusCode::UNAUTHORIZED);
    for path in
        [format!("reports/{id}"), format!("reports/{id}/photos/{photo}"), "reports".into(), "feedback".into(), "care".into()]
    {
        let (status, _, _) = api.get(&format!("/v1/admin/stores/demo/{path}")).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        let request = Request::get(format!("/v1/admin/stores/other/{path}"))
            .header(header::AUTHORIZATION, "Bearer other-key-0123456789abcdef0123456789");
        let (_, _, answer) = api.send(request.body(Body::empty()).unwrap()).await;
        assert!(!answer.to_string().contains("secret words"), "{path}: {answer}");
    }
    // For whom it is, a photo is a file that runs nothing.
    let request = Request::get(format!("/v1/orders/{mine}/reports/{id}/photos/{photo}")).body(Body::empty()).unwrap();
    let (status, head, _) = api.send(request).await;
    assert_eq!((status, &head[header::CONTENT_TYPE]), (StatusCode::OK, &"image/png".parse().unwrap()));
    assert_eq!(head[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(head[header::CONTENT_DISPOSITION], "attachment");
    assert!(head[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("sandbox"));
}

const PNG: &[u8] = include_bytes!("../../src/care/photo.png");

async fn upload(api: &Api, token: &str, report: &str, bytes: Vec<u8>) -> (StatusCode, Value) {
    let request = Request::post(format!("/v1/orders/{token}/reports/{report}/photos")).header(header::CONTENT_TYPE, "image/jpeg");
    let (status, _, answer) = api.send(request.body(Body::from(bytes)).unwrap()).await;
    (status, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_known_by_their_bytes_and_bounded() {
    let api = api_with(|config| config.limits.photo_bytes = 50_000).await;
    settings(&api, rules()).await;
    delivered(&api, 1001, NUMBER, 30).await;
    let (_, r) = report(&api, "1001", json!({"kind": "damaged"})).await;
    let (id, token) = (r["id"].as_str().unwrap(), token_of("1001"));
    for bytes in [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec(),
        b"GIF89a\x01\x00\x01\x00".to_vec(),
        b"PK\x03\x04\x14\x00\x00\x00".to_vec(),
        b"\xff\xd8\xff\xe0 no picture".to_vec(),
        Vec::new(),
    ] {
        let (status, problem) = upload(&api, &token, id, bytes).await;
        assert_eq!(
            (status, problem["errors"][0]["field"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some("photo")),
            "{problem}"
        );
    }
    assert_eq!(upload(&api, &token, id, vec![0; 60_000]).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    // The same twice is one; a picture with a script behind its end loses that.
    let mut polyglot = PNG.to_vec();
    polyglot.extend(b"<script>alert(document.domain)</script>");
    let (_, first) = upload(&api, &token, id, PNG.to_vec()).await;
    let (_, second) = upload(&api, &token, id, polyglot).await;
    assert_eq!(first["id"], second["id"]);
    // Different ones: eight, and no more.
    let mut last = StatusCode::CREATED;
    for n in 0..9u8 {
        let mut png = PNG.to_vec();
        // Another gamma, another picture.
        let chunk = {
            let mut c = b"gAMA\0\0".to_vec();
            c.extend([1, n]);
            c
        };
        let mut table = 0xffff_ffffu32;
        for b in &chunk {
            table ^= u32::from(*b);
            for _ in 0..8 {
                table = if table & 1 == 1 { table >> 1 ^ 0xedb8_8320 } else { table >> 1 };
            }
        }
        let mut whole = 4u32.to_be_bytes().to_vec();
        whole.extend(&chunk);
        whole.extend((!table).to_be_bytes());
        png.splice(33..33, whole);
        last = upload(&api, &token, id, png).await.0;
    }
    assert_eq!(last, StatusCode::CONFLICT);
    let (_, whole) = api.admin("GET", &format!("reports/{id}"), "application/json", b"").await;
    assert_eq!(whole["photos"].as_array().unwrap().len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn how_it_went_is_asked_once() {
    let api = api().await;
    settings(&api, json!({"feedback": {"after_hours": 2}})).await;
    delivered(&api, 1001, NUMBER, 30).await;
    delivered(&api, 1002, "1Z0000000000000002", 1).await;
    assert_eq!(api.order("1001").await["care"]["ask"], true);
    assert_eq!(api.order("1002").await["care"]["ask"], false, "the parcel has just come");
    let say = async |order: &str, body: Value| post(&api, &format!("/v1/orders/{}/feedback", token_of(order)), body).await.0;
    assert_eq!(say("1001", json!({"score": 11})).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(say("1001", json!({})).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(say("1001", json!({"score": 9, "comment": "<script>alert(1)</script>"})).await, StatusCode::NO_CONTENT);
    assert_eq!(say("1001", json!({"score": 0})).await, StatusCode::CONFLICT);
    assert_eq!(api.order("1001").await["care"]["ask"], false);
    assert_eq!(say("1002", json!({"dismiss": true})).await, StatusCode::NO_CONTENT);
    assert_eq!(say("1002", json!({"score": 3})).await, StatusCode::CONFLICT);
    let (_, list) = api.admin("GET", "feedback", "application/json", b"").await;
    assert_eq!((&list["summary"]["nps"], &list["summary"]["dismissed"]), (&json!(100), &json!(1)), "{list}");
    assert_eq!(list["answers"].as_array().unwrap().len(), 1);
    api.webhook("shopify", "orders/create", "x", &order(1003, &ago(60))).await;
    assert_eq!(say("1003", json!({"score": 9})).await, StatusCode::CONFLICT, "it has not arrived");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_go_to_the_address_and_the_answer_tells_nothing() {
    let api = api().await;
    delivered(&api, 1001, NUMBER, 30).await;
    api.webhook("shopify", "orders/create", "x", &order(1002, &ago(60))).await;
    let ask = async |email: &str| post(&api, "/v1/stores/demo/history", json!({"email": email})).await;
    let known = ask("ADA@example.com ").await;
    assert_eq!((known.0, &known), (StatusCode::ACCEPTED, &ask("nobody@example.com").await));
    assert_eq!(ask("ada@example.com").await.0, StatusCode::ACCEPTED);
    assert_eq!(ask("ada@example.com\r\nBcc: x@y.z").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let letters: Vec<(String, String)> = api
        .state
        .db()
        .read(|db| {
            let mut rows = db.prepare("select notice, state from messages")?;
            Ok(rows.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<Result<_, _>>()?)
        })
        .await
        .unwrap();
    assert_eq!(
        letters.iter().map(|l| l.0.as_str()).collect::<Vec<_>>(),
        ["history"],
        "one letter, however often it is asked for"
    );
    // The link's page, and what it opens. A pass is no order token, nor the other way.
    let info = api.state.store_info("demo").unwrap();
    let hash = api::store::orders::hash_email(&info.lookup_secret, "ada@example.com");
    let pass = token::mint_history("demo", &hash, i64::MAX, SECRET);
    let (status, html) = page(&api, &format!("/history/{pass}")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("#1001") && html.contains("#1002"), "{html}");
    assert_eq!(html.matches("/track/v1.demo.").count(), 2);
    assert_eq!(api.get(&format!("/v1/orders/{pass}")).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(page(&api, &format!("/history/{}", token_of("1001"))).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(page(&api, &format!("/history/{}", token::mint_history("demo", &hash, 1, SECRET))).await.0, StatusCode::GONE);
}

async fn page(api: &Api, path: &str) -> (StatusCode, String) {
    let answer = api.app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let (head, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (head.status, String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_is_recorded_with_the_words_that_were_read() {
    let api = api().await;
    settings(&api, json!({"updates": {"sms": true}})).await;
    delivered(&api, 1001, NUMBER, 30).await;
    let say = async |body: Value| post(&api, &format!("/v1/orders/{}/updates", token_of("1001")), body).await.0;
    for bad in [
        json!({"channel": "email", "address": "nonsense", "given": true}),
        json!({"channel": "sms", "address": "555", "given": true}),
        json!({"channel": "pigeon", "address": "x", "given": true}),
    ] {
        assert_eq!(say(bad).await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(say(json!({"channel": "email", "address": "new@example.com", "given": true})).await, StatusCode::NO_CONTENT);
    let (_, _, care) = api.get(&format!("/v1/orders/{}/care", token_of("1001"))).await;
    assert_eq!(care["updates"]["on"], json!(["email"]));
    assert!(!care.to_string().contains("new@example.com"));
    assert_eq!(say(json!({"channel": "email", "given": false})).await, StatusCode::NO_CONTENT);
    let (_, list) = api.admin("GET", "opt_ins", "application/json", b"").await;
    assert_eq!((list[0]["given"].as_bool(), list[1]["given"].as_bool()), (Some(false), Some(true)), "{list}");
    assert_eq!(list[1]["words"], "Yes, tell me about order #1001 there. I can stop it here at any time");
    settings(&api, json!({"updates": {"email": false}})).await;
    assert_eq!(say(json!({"channel": "email", "address": "new@example.com", "given": true})).await, StatusCode::CONFLICT);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_can_be_switched_off() {
    let api = api().await;
    delivered(&api, 1001, NUMBER, 30).await;
    let off = json!({"help": {"on": false}, "reports": {"on": false}, "feedback": {"on": false}, "history": {"on": false},
        "updates": {"push": false, "email": false, "sms": false}});
    settings(&api, off).await;
    let care = &api.order("1001").await["care"];
    assert_eq!(care, &json!({"help": false, "reports": false, "more": false, "ask": false, "ask_from": null, "open": []}));
    assert_eq!(report(&api, "1001", json!({"kind": "damaged"})).await.0, StatusCode::CONFLICT);
    assert_eq!(
        post(&api, &format!("/v1/orders/{}/feedback", token_of("1001")), json!({"score": 9})).await.0,
        StatusCode::CONFLICT
    );
    assert_eq!(post(&api, "/v1/stores/demo/history", json!({"email": "ada@example.com"})).await.0, StatusCode::CONFLICT);
    assert_eq!(api.get(&format!("/v1/orders/{}/push", token_of("1001"))).await.0, StatusCode::NOT_FOUND);
    assert_eq!(page(&api, &format!("/push/{}", token_of("1001"))).await.0, StatusCode::NOT_FOUND);
    let (_, html) = page(&api, &format!("/track/{}", token_of("1001"))).await;
    assert!(!html.contains("/care/"), "{html}");
    let (_, html) = page(&api, &format!("/track/{}/care/help", token_of("1001"))).await;
    assert!(!html.contains("<form") && !html.contains("report/new"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_checked_and_their_public_part_is_cached() {
    let api = api().await;
    let wrong = json!({"help": {"contacts": [{"kind": "page", "address": "javascript:alert(1)"}]}, "reports": {"rules": [{"option": "insurance"}]}});
    let (status, problem) = api.admin("PUT", "care", "application/json", wrong.to_string().as_bytes()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields: Vec<&str> = problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["help.contacts[0].address", "reports.rules[0].option"]);
    let (status, head, public) = api.get("/v1/stores/demo/care.json").await;
    assert_eq!((status, public["reports"].as_bool()), (StatusCode::OK, Some(true)));
    assert_eq!(head[header::CACHE_CONTROL], "public, max-age=300, stale-while-revalidate=86400");
    let again =
        |tag: &str| Request::get("/v1/stores/demo/care.json").header(header::IF_NONE_MATCH, tag).body(Body::empty()).unwrap();
    let tag = head[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(api.send(again(&tag)).await.0, StatusCode::NOT_MODIFIED);
    settings(&api, json!({"reports": {"on": false}})).await;
    assert_eq!(api.send(again(&tag)).await.0, StatusCode::OK);
    let (_, kept) = api.admin("GET", "care", "application/json", b"").await;
    assert_eq!((kept["reports"]["on"].as_bool(), kept["help"]["on"].as_bool()), (Some(false), Some(true)));
}

/// The fields of a form, as a browser without script sends them.
async fn submit(api: &Api, path: &str, fields: &[(&str, &str)]) -> (StatusCode, axum::http::HeaderMap, String) {
    let body = serde_urlencoded::to_string(fields).unwrap();
    let request =
        Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from(body)).unwrap();
    let answer = api.app.clone().oneshot(request).await.unwrap();
    let (head, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (head.status, head.headers, String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_works_without_script() {
    let api = api().await;
    settings(&api, rules()).await;
    delivered(&api, 1001, NUMBER, 30).await;
    let base = format!("/track/{}/care/", token_of("1001"));
    let (_, order_page) = page(&api, &format!("/track/{}", token_of("1001"))).await;
    assert!(order_page.contains(&format!("{base}help")));
    let (_, help) = page(&api, &format!("{base}help")).await;
    for text in
        ["It arrived damaged", "Questions and answers", "How likely are you to recommend Fjord &amp; Fern", "Your other orders"]
    {
        assert!(help.contains(text), "{text} in {help}");
    }
    let (_, found) = page(&api, &format!("{base}help?q=DAMAGED+box")).await;
    assert!(found.contains("Keep everything, also the box") && !found.contains("How sure is the date"), "{found}");
    let (_, form) = page(&api, &format!("{base}report/new?kind=damaged")).await;
    assert!(form.contains("enctype=\"multipart/form-data\"") && form.contains("type=\"file\""));

    // As multipart, with a photo.
    let boundary = "XXbounds";
    let mut body = Vec::new();
    for (name, value) in [("key", "k1"), ("kind", "damaged"), ("words", "<b>Broken</b>")] {
        body.extend(format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    body.extend(format!("--{boundary}\r\ncontent-disposition: form-data; name=\"photo\"; filename=\"../../x.svg\"\r\ncontent-type: image/svg+xml\r\n\r\n").bytes());
    body.extend(PNG);
    body.extend(format!("\r\n--{boundary}--\r\n").bytes());
    let request = Request::post(format!("{base}report/new"))
        .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"))
        .body(Body::from(body))
        .unwrap();
    let (status, head, _) = api.send(request).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let at = head[header::LOCATION].to_str().unwrap().to_owned();
    let (_, shown) = page(&api, &at).await;
    assert!(shown.contains("&lt;b&gt;Broken&lt;/b&gt;") && shown.contains("1 photo added"), "{shown}");
    assert!(shown.contains("A new one, sent again"));
    // Chosen, agreed, settled, answered.
    let (status, _, problem) = submit(&api, &format!("{at}/agree"), &[("option", "claim")]).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(problem.contains("role=\"alert\""), "{problem}");
    let (status, _, _) = submit(&api, &format!("{at}/agree"), &[("option", "resend")]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (_, order_page) = page(&api, &format!("/track/{}", token_of("1001"))).await;
    assert!(order_page.contains("What you reported") && order_page.contains("Agreed"), "{order_page}");
    let id = json!(at.rsplit('/').next().unwrap());
    admin_act(&api, &id, "settle", json!({"note": "Sent"})).await;
    let (_, shown) = page(&api, &at).await;
    assert!(shown.contains("Is it solved?"));
    submit(&api, &format!("{at}/answer"), &[("solved", "yes")]).await;
    assert!(page(&api, &at).await.1.contains("Thank you for telling us"));

    // What was wrong is said on the form, which keeps what was typed.
    let (status, _, back) = submit(&api, &format!("{base}updates/email"), &[("email", "no\"<address"), ("yes", "yes")]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(back.contains("Please check the email address") && back.contains("no&quot;&lt;address"), "{back}");
    let (status, _, _) = submit(&api, &format!("{base}feedback"), &[("score", "10"), ("words", "Fine")]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(!page(&api, &format!("{base}help")).await.1.contains("How likely are you"));
    let (status, head, _) = submit(&api, &format!("{base}history"), &[("email", "ada@example.com")]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(page(&api, head[header::LOCATION].to_str().unwrap()).await.1.contains("the links are on their way"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_shoppers_merchants_and_carriers_write_is_text_on_every_screen() {
    let api = api().await;
    let evil = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>";
    settings(&api, json!({"help": {"faqs": [{"id": "a", "question": {"en": evil}, "answer": {"en": evil}}],
        "contacts": [{"kind": "chat", "label": {"en": evil}, "hours": {"en": evil}, "address": "https://chat.example/\"onclick=alert(1)"}]},
        "reports": {"rules": [{"option": "resend", "note": {"en": evil}}]}}))
    .await;
    api.webhook("shopify", "orders/create", "o", &order(1001, &ago(6 * DAY))).await;
    let body = String::from_utf8(fulfillment(1001, NUMBER)).unwrap().replace("\"Mug\"", &json!(evil).to_string());
    api.webhook("shopify", "fulfillments/create", "f", body.as_bytes()).await;
    let at = ago(30 * 3600);
    let body = String::from_utf8(tracker("t", NUMBER, &[(&at, "delivered")])).unwrap();
    let body = body.replace("\"message\":\"delivered\"", &format!("\"message\":{}", json!(evil)));
    api.webhook("easypost", "", "", body.as_bytes()).await;
    let (_, r) = report(&api, "1001", json!({"kind": "damaged", "words": evil})).await;
    let base = format!("/track/{}/care/", token_of("1001"));
    let id = r["id"].as_str().unwrap();
    for path in [
        "help",
        "help?q=%3Cscript%3E",
        "report/new?kind=not_arrived_though_delivered",
        "report/new?kind=%22%3E%3Cscript%3E",
        &format!("report/{id}"),
        "updates",
        "history",
        "nowhere/%3Cscript%3E",
    ] {
        let (_, html) = page(&api, &format!("{base}{path}")).await;
        assert!(!html.contains("<img") && !html.contains("<script>") && !html.contains("\"onclick"), "{path}: {html}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thefts_count_by_area_once_they_are_many() {
    let api = api().await;
    for n in 0..5 {
        let id = 1001 + n;
        delivered(&api, id, &format!("1Z000000000000000{n}"), 30).await;
        let (status, _) = report(&api, &id.to_string(), json!({"kind": "stolen"})).await;
        assert_eq!(status, StatusCode::CREATED);
        let (_, areas) = api.admin("GET", "thefts", "application/json", b"").await;
        let expected = if n < 4 { json!([]) } else { json!([{"area": "US-941", "orders": 5}]) };
        assert_eq!(areas, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_is_handed_over_and_forgotten_with_the_order() {
    let api = api().await;
    settings(&api, rules()).await;
    delivered(&api, 1001, NUMBER, 30).await;
    let (_, r) = report(&api, "1001", json!({"kind": "damaged", "words": "my own words"})).await;
    upload(&api, &token_of("1001"), r["id"].as_str().unwrap(), PNG.to_vec()).await;
    post(
        &api,
        &format!("/v1/orders/{}/updates", token_of("1001")),
        json!({"channel": "email", "address": "me@example.com", "given": true}),
    )
    .await;
    api.webhook(
        "shopify",
        "customers/data_request",
        "r1",
        br#"{"orders_requested":[1001],"customer":{"email":"ada@example.com"},"data_request":{"id":1}}"#,
    )
    .await;
    let (_, list) = api.admin("GET", "requests", "application/json", b"").await;
    let (_, export) = api.admin("GET", &format!("requests/{}", list[0]["id"]), "application/json", b"").await;
    let text = export.to_string();
    assert!(text.contains("my own words") && text.contains("me@example.com"), "{text}");
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(api.order("1001").await["care"]["open"][0]["id"], r["id"], "reports are no projection: a replay keeps them");
    api.webhook("shopify", "customers/redact", "r2", br#"{"orders_to_redact":[1001],"customer":{"email":"ada@example.com"}}"#)
        .await;
    let left: i64 = api
        .state
        .db()
        .read(|db| {
            let sql = "select (select count(*) from reports) + (select count(*) from report_photos) + (select count(*) from report_events)
                + (select count(*) from feedback) + (select count(*) from opt_ins) + (select count(*) from subscriptions)";
            Ok(db.query_row(sql, [], |r| r.get(0))?)
        })
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_the_seven_is_settled_and_asked_after() {
    let api = api().await;
    settings(&api, rules()).await;
    let kinds = ["not_arrived_though_delivered", "damaged", "missing_item", "wrong_item", "stolen", "late", "address_change"];
    for (n, kind) in kinds.into_iter().enumerate() {
        let id = 1001 + n as u32;
        let (order_id, number) = (id.to_string(), format!("1Z000000000000000{n}"));
        match kind {
            "late" => silent(&api, id, &number, 30).await,
            "address_change" => {
                api.webhook("shopify", "orders/create", &format!("o{id}"), &order(id, &ago(3600))).await;
            }
            _ => delivered(&api, id, &number, 60).await,
        }
        let body = match kind {
            "address_change" => json!({"kind": kind, "address": "2 Other Street, 94103 San Francisco"}),
            "missing_item" | "wrong_item" | "damaged" => json!({"kind": kind, "items": ["MUG-1"], "words": "As I say"}),
            _ => json!({"kind": kind, "checked": ["household", "neighbours"]}),
        };
        let (status, r) = report(&api, &order_id, body).await;
        assert_eq!(status, StatusCode::CREATED, "{kind}: {r}");
        let first = r["offers"][0]["option"].as_str().unwrap_or_else(|| panic!("{kind}: nothing is offered: {r}"));
        let (status, agreed) = act(&api, &order_id, &r["id"], "agree", json!({"option": first})).await;
        assert_eq!(status, StatusCode::OK, "{kind}: {agreed}");
        let shown = api.order(&order_id).await["care"]["open"][0].clone();
        assert_eq!((&shown["kind"], &shown["state"]), (&json!(kind), &agreed["state"]), "the order page shows how far it is");
        let (status, settled) = admin_act(&api, &r["id"], "settle", json!({"note": "Done"})).await;
        assert_eq!((status, settled["state"].as_str()), (StatusCode::OK, Some("settled")), "{kind}: {settled}");
        assert_eq!(api.order(&order_id).await["care"]["open"][0]["ask"], true, "{kind}");
        let (_, asked) = page(&api, &format!("/track/{}/care/report/{}", token_of(&order_id), r["id"].as_str().unwrap())).await;
        assert!(asked.contains("Is it solved?"), "{kind}");
        let (_, r) = act(&api, &order_id, &r["id"], "answer", json!({"solved": true})).await;
        assert_eq!((r["solved"].as_bool(), r["ask"].as_bool()), (Some(true), Some(false)), "{kind}");
        assert_eq!(api.order(&order_id).await["care"]["open"][0]["ask"], false, "{kind}: asked once");
    }
}
