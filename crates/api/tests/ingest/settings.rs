//! What a store sets for its shoppers: what is on, its own wording, and safer ways to receive a parcel where many were stolen; each seen on the
//! API and on the hosted page, and each in the ETag of what it changes.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};

use super::*;

const DAY: i64 = 86_400;

fn ago(seconds: i64) -> String {
    promise::Instant(now() - seconds).to_string()
}

fn token_of(order: u32) -> String {
    token::mint("demo", &order.to_string(), i64::MAX, SECRET)
}

async fn delivered(api: &Api, id: u32, hours: i64) {
    let number = format!("1Z00000000000{id:05}");
    api.webhook("shopify", "orders/create", &format!("o{id}"), &order(id, &ago(6 * DAY))).await;
    api.webhook("shopify", "fulfillments/create", &format!("f{id}"), &fulfillment(id, &number)).await;
    let (left, at) = (ago(4 * DAY), ago(hours * 3600));
    api.webhook("easypost", "", "", &tracker(&format!("t{id}"), &number, &[(&left, "in_transit"), (&at, "delivered")])).await;
}

async fn settings(api: &Api, body: Value) {
    let (status, answer) = api.admin("PUT", "care", "application/json", body.to_string().as_bytes()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

async fn post(api: &Api, path: &str, body: Value) -> StatusCode {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()));
    api.send(request.unwrap()).await.0
}

async fn page_in(api: &Api, path: &str, language: &str) -> String {
    let request = Request::get(path).header(header::ACCEPT, "text/html").header(header::ACCEPT_LANGUAGE, language);
    let answer = api.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn page(api: &Api, path: &str) -> String {
    page_in(api, path, "en").await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_feature_can_be_switched_off_by_itself() {
    let api = api().await;
    delivered(&api, 1001, 30).await;
    let token = token_of(1001);
    let [order_page, help] = [format!("/track/{token}"), format!("/track/{token}/care/help")];
    let history = json!({"email": "ada@example.com"});
    // How each shows itself on the pages, and what its route answers where it is off.
    let shown = [
        ("help", "Questions and answers"),
        ("reports", "report/new?kind=damaged"),
        ("feedback", "How likely are you to recommend"),
        ("history", "Your other orders"),
        ("updates", "Be told about this order"),
    ];
    let all = page(&api, &help).await;
    for (feature, text) in shown {
        assert!(all.contains(text), "{feature}: {text} in {all}");
    }
    assert!(page(&api, &order_page).await.contains("How did it go?"));
    for (off, _) in shown {
        let body = if off == "updates" { json!({"push": false, "email": false, "sms": false}) } else { json!({"on": false}) };
        settings(&api, json!({off: body})).await;
        let html = page(&api, &help).await;
        for (feature, text) in shown {
            assert_eq!(html.contains(text), feature != off, "{off} is off: {feature}");
        }
        let order = page(&api, &order_page).await;
        assert!(order.contains("/care/help"), "the others are still offered");
        assert_eq!(order.contains("How did it go?"), off != "feedback");
        let care = &api.order("1001").await["care"];
        assert_eq!((care["help"] == true, care["reports"] == true), (off != "help", off != "reports"));
        assert_eq!(care["ask"] == true, off != "feedback");
        let (_, _, public) = api.get("/v1/stores/demo/care.json").await;
        let said = if off == "updates" { &public["updates"]["email"] } else { &public[off] };
        assert_eq!(said, false);
        // The routes: refused where it is off, and nowhere else.
        let base = format!("/v1/orders/{token}");
        let refused = |status: StatusCode| status == StatusCode::CONFLICT || status == StatusCode::NOT_FOUND;
        let wish = json!({"channel": "email", "address": "a@example.com", "given": true});
        assert_eq!(refused(post(&api, &format!("{base}/updates"), wish).await), off == "updates");
        assert_eq!(refused(api.get(&format!("{base}/push")).await.0), off == "updates");
        assert_eq!(refused(post(&api, "/v1/stores/demo/history", history.clone()).await), off == "history");
        if off == "reports" || off == "feedback" {
            let asked = json!({"kind": "damaged", "score": 9});
            let path = if off == "reports" { "reports" } else { "feedback" };
            assert!(refused(post(&api, &format!("{base}/{path}"), asked).await));
        }
    }
    // All of them: no way in at all.
    settings(
        &api,
        json!({"help": {"on": false}, "reports": {"on": false}, "feedback": {"on": false}, "history": {"on": false},
        "updates": {"push": false, "email": false, "sms": false}}),
    )
    .await;
    assert!(!page(&api, &order_page).await.contains("/care/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn how_it_went_is_asked_by_itself_once_and_never_again() {
    let api = api().await;
    for (id, said) in [(1001, json!({"score": 9, "comment": "Well packed"})), (1002, json!({"dismiss": true}))] {
        delivered(&api, id, 1).await;
        let token = token_of(id);
        let [document, order_page] = [format!("/v1/orders/{token}"), format!("/track/{token}")];
        let asked = async || page(&api, &order_page).await.contains("How did it go?");
        // An hour after the delivery it is too early; the browser hears of the change by its own question.
        let (_, head, early) = api.get(&document).await;
        assert_eq!((early["care"]["ask"].as_bool(), asked().await), (Some(false), false));
        let again = async |tag: &header::HeaderValue| {
            let request = Request::get(&document).header(header::IF_NONE_MATCH, tag).body(Body::empty()).unwrap();
            api.send(request).await
        };
        assert_eq!(again(&head[header::ETAG]).await.0, StatusCode::NOT_MODIFIED);
        api.state.set_clock_ahead(2 * 3600);
        let (status, head, later) = again(&head[header::ETAG]).await;
        assert_eq!((status, later["care"]["ask"].as_bool(), asked().await), (StatusCode::OK, Some(true), true));
        assert_eq!(post(&api, &format!("{document}/feedback"), said.clone()).await, StatusCode::NO_CONTENT);
        let (status, _, after) = again(&head[header::ETAG]).await;
        assert_eq!((status, after["care"]["ask"].as_bool(), asked().await), (StatusCode::OK, Some(false), false));
        assert!(!page(&api, &format!("{order_page}/care/help")).await.contains("How likely are you"));
        // Neither another answer nor a replay brings it back.
        assert_eq!(post(&api, &format!("{document}/feedback"), json!({"score": 1})).await, StatusCode::CONFLICT);
        ingest::replay(&api.state).await.unwrap();
        assert!(!asked().await);
        api.state.set_clock_ahead(-2 * 3600);
    }
    let (_, found) = api.admin("GET", "feedback", "application/json", b"").await;
    assert_eq!((found["answers"].as_array().unwrap().len(), &found["answers"][0]["comment"]), (1, &json!("Well packed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orders_etag_changes_with_all_that_its_page_shows() {
    let api = api().await;
    delivered(&api, 1001, 30).await;
    let path = format!("/v1/orders/{}", token_of(1001));
    let tag = async || api.get(&path).await.1[header::ETAG].to_str().unwrap().to_owned();
    let mut tags = vec![tag().await];
    assert_eq!(tag().await, tags[0], "the same as long as nothing changes");
    for body in [
        json!({"feedback": {"on": false}}),
        json!({"texts": {"en": {"order.care": "Talk to us"}}}),
        json!({"help": {"faqs": [{"id": "a", "question": {"en": "Q"}, "answer": {"en": "A"}}]}}),
        json!({"help": {"contacts": [{"kind": "email", "address": "help@example.com"}]}}),
    ] {
        settings(&api, body.clone()).await;
        let newer = tag().await;
        assert!(!tags.contains(&newer), "{body}: {newer}");
        let old = Request::get(&path).header(header::IF_NONE_MATCH, tags.last().unwrap()).body(Body::empty()).unwrap();
        assert_eq!(api.send(old).await.0, StatusCode::OK, "{body}");
        tags.push(newer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stores_wording_is_the_servers_too() {
    let api = api().await;
    delivered(&api, 1001, 30).await;
    let token = token_of(1001);
    let evil = "<img src=x onerror=alert(1)>";
    settings(&api, json!({"texts": {
        "*": {"safe.signature": "SIGN"},
        "en": {"order.delivered": "It is yours since {day}, {time}", "estimate.range": "Yours {days}", "care.kind.damaged": "It broke", "care.back": evil,
            "page.lookup": "Find my mug", "care.push.text": "We ring you"},
        "de": {"order.delivered": "Seit {day}, {time} bei dir"}}}))
    .await;
    // The order's document and page, in the language asked for; the language that has none of its own keeps ours.
    let (_, _, document) = api.get(&format!("/v1/orders/{token}")).await;
    assert!(document["sentence"]["headline"].as_str().unwrap().starts_with("It is yours since"), "{document}");
    assert!(page(&api, &format!("/track/{token}")).await.contains("It is yours since"));
    assert!(page_in(&api, &format!("/track/{token}"), "de-AT").await.contains("Seit "));
    let french = page_in(&api, &format!("/track/{token}"), "fr").await;
    assert!(french.contains("Livré") && !french.contains("yours"), "{french}");
    // The widget on our own page takes the same, from our own origin.
    let hosted = page(&api, &format!("/track/{token}")).await;
    assert!(hosted.contains("data-texts=\"/v1/stores/demo/texts.json\""), "{hosted}");
    let (_, _, texts) = api.get("/v1/stores/demo/texts.json").await;
    assert_eq!(texts["de"]["order.delivered"], "Seit {day}, {time} bei dir");
    assert_eq!(api.get("/v1/stores/other/texts.json").await.2, json!({}));
    // Estimates, help as a page and as nodes, the look-up, the opt-in.
    let estimate = "/v1/stores/demo/estimate?sku=MUG-1&country=US&postal_code=94103";
    let (_, _, answer) = api.get(estimate).await;
    assert!(answer["sentence"]["headline"].as_str().unwrap().starts_with("Yours "), "{answer}");
    assert!(page(&api, estimate).await.contains("Yours "));
    let form = page(&api, &format!("/track/{token}/care/report/new?kind=damaged")).await;
    assert!(form.contains("It broke") && form.contains("&lt;img src=x") && !form.contains("<img"), "{form}");
    let (_, _, nodes) = api.get(&format!("/v1/orders/{token}/screens/help")).await;
    assert!(nodes.to_string().contains("It broke"));
    assert!(page(&api, "/track?store=demo").await.contains("Find my mug"));
    let (_, _, push) = api.get(&format!("/v1/orders/{token}/push")).await;
    assert_eq!(push["words"]["text"], "We ring you");
    // Another store's pages are not touched.
    assert!(!page(&api, "/track?store=other").await.contains("Find my mug"));
    // What can't be said is refused with its place, and changes nothing.
    let wrong = json!({"texts": {"en": {"order.delivered": "Since {when}", "nonsense": "x", "order.parcels": "plain"}, "tlh": {"order.delivered": "x"}}});
    let (status, problem) = api.admin("PUT", "care", "application/json", wrong.to_string().as_bytes()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields: Vec<&str> = problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["texts.en.nonsense", "texts.en.order.delivered", "texts.en.order.parcels", "texts.tlh"]);
    assert!(page(&api, &format!("/track/{token}")).await.contains("It is yours since"));
}

/// The demo's policy, with ways that keep parcels from thieves.
fn policy() -> Value {
    let mut policy: Value = serde_json::from_str(include_str!("../../src/demo/policy.json")).unwrap();
    for m in policy["methods"].as_array_mut().unwrap() {
        m.as_object_mut().unwrap().remove("safe");
    }
    policy["methods"][1]["safe"] = json!(["signature", "pickup"]);
    policy
}

#[tokio::test(flavor = "multi_thread")]
async fn where_many_parcels_were_stolen_safer_ways_come_first() {
    let api = api().await;
    let (status, answer) = api.admin("PUT", "policy", "application/json", policy().to_string().as_bytes()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let ask = |postal: &str, surface: &str| {
        format!("/v1/stores/demo/estimate?sku=MUG-1&country=US&postal_code={postal}&surface={surface}")
    };
    let first = |html: &str| {
        let at = |name: &str| html.find(&format!(">{name}<")).unwrap_or_else(|| panic!("{name} in {html}"));
        if at("Express") < at("Standard") { "Express" } else { "Standard" }
    };
    let headline = page(&api, &ask("94110", "product")).await;
    for n in 0..5 {
        let (_, _, promise) = api.get("/v1/stores/demo/promise.json").await;
        assert_eq!(promise.get("safer"), None, "{n} thefts are nobody's business");
        delivered(&api, 1001 + n, 30).await;
        let token = token_of(1001 + n);
        assert_eq!(post(&api, &format!("/v1/orders/{token}/reports"), json!({"kind": "stolen"})).await, StatusCode::CREATED);
        // Told once a day, so that nobody learns of one report by its moment.
        api.state.set_clock_ahead(DAY);
    }
    let (_, _, promise) = api.get("/v1/stores/demo/promise.json").await;
    assert_eq!(promise["safer"], json!([{"country": "US", "postal_codes": [["941", "941"]]}]));
    // Anywhere in that area the safer ways come first, with a word why; elsewhere nothing changes.
    let near = page(&api, &ask("94110", "checkout")).await;
    assert!(near.contains("Safer ways first: parcels went missing nearby"), "{near}");
    assert_eq!(first(&near), "Express");
    assert_eq!(near.matches("class=\"method\"").count(), 3, "and no other is taken away: {near}");
    let far = page(&api, &ask("10001", "checkout")).await;
    assert!(!far.contains("Safer ways"), "{far}");
    assert_eq!(first(&far), "Standard");
    let (_, _, answer) = api.get(&ask("94110", "checkout")).await;
    assert_eq!((answer["safer"].as_bool(), answer["options"][0]["method"].as_str()), (Some(true), Some("standard")));
    assert_eq!(api.get(&ask("10001", "checkout")).await.2.get("safer"), None);
    let german = page_in(&api, &ask("94110", "checkout"), "de").await;
    assert!(german.contains("sicherere Wege zuerst"), "{german}");
    // The product page speaks of the same method as ever.
    let product = page(&api, &ask("94110", "product")).await;
    assert_eq!(product.contains("Safer ways"), headline.contains("Safer ways"));
    // The store may ask for more of them, or for none of it; a year later they are forgotten.
    settings(&api, json!({"safer": {"from": 6}})).await;
    assert_eq!(api.get("/v1/stores/demo/promise.json").await.2.get("safer"), None);
    settings(&api, json!({"safer": {"on": false}})).await;
    assert_eq!(api.get("/v1/stores/demo/promise.json").await.2.get("safer"), None);
    settings(&api, json!({})).await;
    assert!(api.get("/v1/stores/demo/promise.json").await.2.get("safer").is_some());
    api.state.set_clock_ahead(366 * DAY);
    assert_eq!(api.get("/v1/stores/demo/promise.json").await.2.get("safer"), None);
    api.state.set_clock_ahead(-366 * DAY);
    // Withdrawn or declined, they count no longer.
    let (_, list) = api.admin("GET", "reports?kind=stolen", "application/json", b"").await;
    let path = format!("reports/{}/decline", list[0]["id"].as_str().unwrap());
    let (status, answer) = api.admin("POST", &path, "application/json", b"{\"note\":\"Found\"}").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    api.state.set_clock_ahead(DAY);
    assert_eq!(api.get("/v1/stores/demo/promise.json").await.2.get("safer"), None);
}
