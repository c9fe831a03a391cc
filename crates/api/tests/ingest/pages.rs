//! The server's words: sentences by language, hosted pages, look-up; and what is seen of the server itself.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use tower::ServiceExt;

use super::*;

const PLACED: &str = "2026-11-23T15:00:00-06:00";

/// Status, headers and text of an answer.
async fn text(api: &Api, request: Request<Body>) -> (StatusCode, axum::http::HeaderMap, String) {
    let answer = app(api.state.clone()).oneshot(request).await.unwrap();
    let (head, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (head.status, head.headers, String::from_utf8_lossy(&bytes).into_owned())
}

fn get(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = headers.iter().fold(Request::get(path), |r, (name, value)| r.header(*name, *value));
    request.body(Body::empty()).unwrap()
}

fn lookup(body: &str, kind: &str) -> Request<Body> {
    Request::post("/v1/stores/demo/lookup").header(header::CONTENT_TYPE, kind).body(Body::from(body.to_owned())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn estimates_come_with_a_sentence_as_json_or_html() {
    let api = api().await;
    let path = "/v1/stores/demo/estimate?sku=MUG-1&country=US&postal_code=94103";
    let (status, head, body) = text(&api, get(path, &[("accept-language", "en-GB")])).await;
    assert_eq!((status, &head[header::CONTENT_LANGUAGE]), (StatusCode::OK, &"en-GB".parse().unwrap()));
    let json: Value = serde_json::from_str(&body).unwrap();
    assert!(json["sentence"]["headline"].as_str().unwrap().starts_with("Get it "), "{json}");
    assert!(json["options"][0]["window"]["from"].is_string());
    let (_, head, html) = text(&api, get(path, &[("accept", "text/html")])).await;
    assert!(head[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
    assert!(
        html.starts_with("<div class=\"estimate\" part=\"estimate\" dir=\"ltr\"><p class=\"headline\"")
            && !html.contains("<form"),
        "{html}"
    );
    let evil = "/v1/stores/demo/estimate?country=US&postal_code=%3Cscript%3E1&sku=%3Cb%3E";
    let (_, _, html) = text(&api, get(evil, &[("accept", "text/html")])).await;
    assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_promise_document_is_compressed_once_and_each_form_has_its_tag() {
    let api = api().await;
    let mut tags = Vec::new();
    for (accept, encoding) in [("br, gzip", Some("br")), ("gzip, br;q=0", Some("gzip")), ("", None)] {
        let (status, head, _) = text(&api, get("/v1/stores/demo/promise.json", &[("accept-encoding", accept)])).await;
        assert_eq!((status, head.get(header::CONTENT_ENCODING).map(|v| v.to_str().unwrap())), (StatusCode::OK, encoding));
        let tag = head[header::ETAG].to_str().unwrap().to_owned();
        let again = get("/v1/stores/demo/promise.json", &[("accept-encoding", accept), ("if-none-match", &tag)]);
        assert_eq!(text(&api, again).await.0, StatusCode::NOT_MODIFIED);
        tags.push(tag);
    }
    assert!(tags[0] != tags[1] && tags[1] != tags[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hosted_page_is_whole_without_script() {
    let api = api().await;
    api.webhook("shopify", "orders/create", "w1", &order(1001, PLACED)).await;
    api.order("1001").await;
    let token = token::mint("demo", "1001", 4_000_000_000, SECRET);
    let (status, head, html) = text(&api, get(&format!("/track/{token}"), &[("accept-language", "en-GB,en;q=0.5")])).await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("<html lang=\"en-GB\" dir=\"ltr\">") && html.contains("packing it") && html.contains("Mug"), "{html}");
    assert!(head[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("frame-ancestors 'none'"));
    assert_eq!(head[header::REFERRER_POLICY], "no-referrer");
    for (token, status) in
        [(token::mint("demo", "1001", 1, SECRET), StatusCode::GONE), ("nonsense".into(), StatusCode::UNAUTHORIZED)]
    {
        let (answered, _, html) = text(&api, get(&format!("/track/{token}"), &[])).await;
        assert_eq!(answered, status);
        assert!(html.contains("href=\"/track\"") && !html.contains("Mug"), "{html}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_never_tells_whether_the_order_exists() {
    let api = api().await;
    api.webhook("shopify", "orders/create", "w1", &order(1001, PLACED)).await;
    api.order("1001").await;
    for right in [r##"{"number":"#1001","email":" ADA@example.com "}"##, r#"{"number":"1001","postal_code":"94103"}"#] {
        let (status, _, body) = text(&api, lookup(right, "application/json")).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let found: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(api.get(&format!("/v1/orders/{}", found["token"].as_str().unwrap())).await.0, StatusCode::OK);
    }
    let wrong_email = text(&api, lookup("number=1001&email=eve%40example.com", "application/x-www-form-urlencoded")).await;
    let no_order = text(&api, lookup("number=9999&email=ada%40example.com", "application/x-www-form-urlencoded")).await;
    let nothing = text(&api, lookup(r#"{"number":"1001"}"#, "application/json")).await;
    assert_eq!((wrong_email.0, &wrong_email.2), (StatusCode::NOT_FOUND, &no_order.2));
    assert_eq!((nothing.0, &nothing.2), (StatusCode::NOT_FOUND, &no_order.2));
    assert_eq!(text(&api, lookup("{", "application/json")).await.0, StatusCode::BAD_REQUEST);
    // Guessing ends soon.
    let mut last = StatusCode::OK;
    for _ in 0..20 {
        last = text(&api, lookup(r#"{"number":"1001","email":"x@y.example"}"#, "application/json")).await.0;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

/// What is answered alike takes alike: asked in turn, neither question is answered sooner more often than chance would have it (Mann and
/// Whitney's test, which a busy machine does not disturb).
async fn take_alike(api: &Api, a: &str, b: &str) {
    const ASKED: usize = 30;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mut took = (Vec::new(), Vec::new());
        for _ in 0..ASKED {
            for (body, took) in [(a, &mut took.0), (b, &mut took.1)] {
                let began = std::time::Instant::now();
                text(api, lookup(body, "application/json")).await;
                took.push(began.elapsed());
            }
        }
        let least = took.0.iter().chain(&took.1).min().unwrap();
        assert!(least.as_millis() >= 50, "an answer after {least:?}");
        let sooner = took.0.iter().map(|x| took.1.iter().filter(|y| x < y).count()).sum::<usize>();
        let share = sooner as f64 / (ASKED * ASKED) as f64;
        // Chance alone leaves these bounds once in some thirty thousand times.
        if (0.2..0.8).contains(&share) {
            return;
        }
        seen.push(share);
    }
    panic!("{a} is answered before {b} in {seen:?} of all pairs");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_that_a_lookup_takes_tells_nothing() {
    let api = api_with(|config| config.limits.lookups_per_minute = std::num::NonZeroU32::new(10_000).unwrap()).await;
    api.webhook("shopify", "orders/create", "w1", &order(1001, PLACED)).await;
    api.order("1001").await;
    let right = r#"{"number":"1001","email":"ada@example.com"}"#;
    let wrong = r#"{"number":"1001","email":"eve@example.com"}"#;
    let nothing = r#"{"number":"9999","email":"eve@example.com"}"#;
    for (a, b) in [(wrong, nothing), (right, wrong)] {
        take_alike(&api, a, b).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_goes_to_the_orders_email_and_the_answer_does_not_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = format!("file://{}", folder.path().display());
    let api = api_with(|config| {
        config.limits.lookups_per_minute = std::num::NonZeroU32::new(10_000).unwrap();
        config.public_url = "https://track.example".into();
        config.mail.url = outbox.into();
        config.mail.from = "Fjord & Fern <orders@shop.example>".into();
        config.stores[0].lookup_by_mail = true;
    })
    .await;
    api.webhook("shopify", "orders/create", "w1", &order(1001, PLACED)).await;
    api.order("1001").await;
    tokio::spawn(api::messages::sender::run(api.state.clone()));
    let right = r##"{"number":"#1001","email":" Ada@Example.com "}"##;
    let wrong = r#"{"number":"1001","email":"eve@example.com"}"#;
    let nothing = r#"{"number":"9999","email":"ada@example.com"}"#;
    let answer = text(&api, lookup(right, "application/json")).await;
    for other in [wrong, nothing] {
        let other = text(&api, lookup(other, "application/json")).await;
        assert_eq!((answer.0, &answer.2), (other.0, &other.2));
    }
    assert_eq!(answer.0, StatusCode::ACCEPTED);
    take_alike(&api, right, nothing).await;
    // One letter, however often it was asked for; to nobody else.
    let letters = || api.state.db().read(|db| Ok(db.query_row("select count(*) from messages", [], |r| r.get::<_, i64>(0))?));
    assert_eq!(letters().await.unwrap(), 1);
    let mail = async {
        loop {
            if let Some(file) =
                std::fs::read_dir(folder.path()).unwrap().flatten().find(|f| f.path().extension().is_some_and(|e| e == "eml"))
            {
                return std::fs::read_to_string(file.path()).unwrap();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let mail = tokio::time::timeout(std::time::Duration::from_secs(20), mail).await.unwrap();
    let plain = mail.replace("=\r\n", "").replace("=3D", "=");
    assert!(plain.to_lowercase().contains("to: ada@example.com"), "{plain}");
    let token = plain
        .split("https://track.example/track/")
        .nth(1)
        .unwrap()
        .split(|c: char| !(c.is_ascii_alphanumeric() || ".-_".contains(c)))
        .next()
        .unwrap();
    assert_eq!(api.get(&format!("/v1/orders/{token}")).await.0, StatusCode::OK, "{token}");
    // Within the hour that letter is the answer, whatever the clock's hour; later there is a new one.
    for (older, count) in [(3000, 1), (601, 2)] {
        let age = move |db: &rusqlite::Connection| Ok(db.execute("update messages set made_at = made_at - ?1", [older])?);
        api.state.db().write(age).await.unwrap();
        text(&api, lookup(right, "application/json")).await;
        let counted = async {
            while letters().await.unwrap() != count {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), counted).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        assert_eq!(letters().await.unwrap(), count);
    }
    // A postal code can't be written to; that says nothing of the order.
    let postal = text(&api, lookup(r#"{"number":"1001","postal_code":"94103"}"#, "application/json")).await;
    let unknown = text(&api, lookup(r#"{"number":"9999","postal_code":"94103"}"#, "application/json")).await;
    assert_eq!((postal.0, &postal.2), (StatusCode::UNPROCESSABLE_ENTITY, &unknown.2));
    // The page, without script.
    let form = Request::post("/track")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("store=demo&number=9999&secret=eve%40example.com"))
        .unwrap();
    let (status, _, html) = text(&api, form).await;
    assert!(status == StatusCode::OK && html.contains("a link is on its way there"), "{html}");
    let (_, _, html) = text(&api, get("/track?store=demo", &[])).await;
    assert!(html.contains("type=\"email\"") && !html.contains("postal code"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_not_searched_from_many_addresses() {
    let api = api_with(|config| {
        config.limits.lookups_per_minute = std::num::NonZeroU32::new(1).unwrap();
        config.limits.proxies = 1;
    })
    .await;
    let mut refused = 0;
    for n in 0..80 {
        let mut request = lookup(&format!(r#"{{"number":"{n}","email":"e{n}@example.com"}}"#), "application/json");
        request.headers_mut().insert("x-forwarded-for", format!("192.0.2.{n}").parse().unwrap());
        refused += usize::from(text(&api, request).await.0 == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused > 5, "{refused} of 80");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_describes_itself() {
    let api = api().await;
    let (_, _, body) = api.get("/openapi.json").await;
    let paths: Vec<&String> = body["paths"].as_object().unwrap().keys().collect();
    for path in
        ["/v1/orders/{token}", "/v1/stores/{store}/estimate", "/v1/webhooks/{store}/{source}", "/v1/admin/stores/{store}/policy"]
    {
        assert!(paths.iter().any(|p| *p == path), "{path} in {paths:?}");
    }
    assert!(body["components"]["schemas"]["OrderDocument"]["properties"]["shipments"].is_object());
    assert!(body["components"]["schemas"]["Policy"]["properties"]["origins"].is_object());
    api.webhook("shopify", "orders/create", "w1", &order(1001, PLACED)).await;
    api.order("1001").await;
    let token = token::mint("demo", "1001", 4_000_000_000, SECRET);
    api.get(&format!("/v1/orders/{token}")).await;
    let (_, _, figures) = text(&api, get("/metrics", &[])).await;
    assert!(
        figures.contains("http_requests_total{route=\"/v1/orders/{token}\"") && figures.contains("events_waiting 0"),
        "{figures}"
    );
    assert!(figures.contains("webhooks_total{source=\"shopify\",outcome=\"new\"}"), "{figures}");
    assert!(!figures.contains("v1.demo."), "no token in a label");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_adds_headers_of_its_own_may_still_ask() {
    let api = api().await;
    for path in ["/assets/any.wasm", "/embed.js", "/v1/stores/demo/promise.json", "/v1/stores/demo/lookup", "/v1/orders/any"] {
        let ask = Request::builder()
            .method("OPTIONS")
            .uri(path)
            .header("origin", "https://shop.example")
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "x-locale");
        let answer = app(api.state.clone()).oneshot(ask.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.headers()["access-control-allow-origin"], "*", "{path}");
        assert_eq!(answer.headers()["access-control-allow-headers"], "*", "{path}");
    }
    let ask = Request::builder().method("OPTIONS").uri("/v1/admin/stores/demo/policy").header("origin", "https://shop.example");
    let answer = app(api.state.clone()).oneshot(ask.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "what only servers call is not for pages");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loader_that_has_not_changed_is_not_sent_again() {
    let api = api().await;
    let ask = |encoding: &str, etag: &str| {
        let ask = Request::get("/embed.js").header("accept-encoding", encoding).header("if-none-match", etag);
        app(api.state.clone()).oneshot(ask.body(Body::empty()).unwrap())
    };
    let first = ask("identity", "\"old\"").await.unwrap();
    if first.status() == StatusCode::SERVICE_UNAVAILABLE {
        println!("skipped: the widget is not built");
        return;
    }
    assert_eq!(first.status(), StatusCode::OK);
    let etag = first.headers()["etag"].to_str().unwrap().to_owned();
    let again = ask("identity", &etag).await.unwrap();
    assert_eq!((again.status(), again.headers()["etag"].to_str().unwrap()), (StatusCode::NOT_MODIFIED, etag.as_str()));
    assert!(axum::body::to_bytes(again.into_body(), 1).await.unwrap().is_empty());
    let compressed = ask("br", &etag).await.unwrap();
    assert_eq!(compressed.status(), StatusCode::OK, "other bytes have another tag");
    assert_ne!(compressed.headers()["etag"].to_str().unwrap(), etag);
}
