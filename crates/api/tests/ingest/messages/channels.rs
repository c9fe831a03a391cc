//! SMS and chat tools, to services that fail as they are told.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{body::Bytes, extract::State, http::HeaderMap, response::IntoResponse};
use notify::rules::Hook;

use super::*;

type Requests = Arc<Mutex<Vec<(String, HeaderMap, String)>>>;

/// Status, a header, body.
type Answer = (u16, Option<(&'static str, &'static str)>, &'static str);

#[derive(Clone, Default)]
struct Service {
    url: String,
    got: Requests,
    /// Answers to come, each once. Then 200.
    answers: Arc<Mutex<Vec<Answer>>>,
}

async fn service() -> Service {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service { url: format!("http://{}", listener.local_addr().unwrap()), ..Service::default() };
    async fn take(State(s): State<Service>, request: Request<Body>) -> impl IntoResponse {
        let (head, body) = request.into_parts();
        let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let mut answers = s.answers.lock().unwrap();
        let (status, header, answer) =
            if answers.is_empty() { (200, None, "{\"sid\":\"SM1\",\"id\":\"x1\"}") } else { answers.remove(0) };
        s.got.lock().unwrap().push((head.uri.to_string(), head.headers, text));
        let header = header.unwrap_or(("x-none", "1"));
        (StatusCode::from_u16(status).unwrap(), [header], answer)
    }
    let app = Router::new().fallback(take).with_state(service.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    service
}

impl Service {
    fn bodies(&self) -> Vec<String> {
        self.got.lock().unwrap().iter().map(|g| g.2.clone()).collect()
    }
}

async fn texting(service: &Service, provider: &str) -> Api {
    let (url, provider) = (service.url.clone(), provider.to_owned());
    let api = api_with(move |config| {
        config.limits.internal_targets = true;
        config.stores[0].sms = Some(notify::sms::Account {
            provider,
            account: "AC1".into(),
            token: "tok".into(),
            from: "+15005550006".into(),
            url: Some(url),
        });
    })
    .await;
    tokio::spawn(sender::run(api.state.clone()));
    ruled(&api, |_| {}).await;
    api
}

async fn shipped(api: &Api, more: Value) {
    api.webhook("shopify", "orders/create", "1", &bought(1001, more)).await;
    api.webhook("shopify", "fulfillments/create", "2", &packed(1001, 1, "1Z1")).await;
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit", "out_for_delivery"])).await;
}

fn agrees() -> Value {
    serde_json::json!({"customer": {"sms_marketing_consent": {"state": "subscribed"}}})
}

#[tokio::test]
async fn sms_goes_to_who_agreed_and_says_how_to_stop_the_first_time() {
    let service = service().await;
    let api = texting(&service, "twilio").await;
    service.answers.lock().unwrap().extend([(429, Some(("retry-after", "7")), "{}"), (503, None, "")]);
    shipped(&api, agrees()).await;
    let log = api.all_done().await;
    assert_eq!(log, [("out_for_delivery".into(), "sent".into(), 3, String::new())]);
    let got = service.got.lock().unwrap().clone();
    assert_eq!(got[0].0, "/2010-04-01/Accounts/AC1/Messages.json");
    assert!(got[0].1["authorization"].to_str().unwrap().starts_with("Basic "));
    let form: BTreeMap<String, String> = serde_urlencoded::from_str(&got[2].2).unwrap();
    assert_eq!((form["To"].as_str(), form["From"].as_str()), ("+14155550100", "+15005550006"));
    assert!(
        form["Body"].starts_with("Fjord & Fern: Out for delivery: your order #1001 http")
            && form["Body"].ends_with("Reply STOP to end these messages"),
        "{form:?}"
    );
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit", "out_for_delivery", "failure"])).await;
    api.all_done().await;
    let form: BTreeMap<String, String> = serde_urlencoded::from_str(service.bodies().last().unwrap()).unwrap();
    assert!(!form["Body"].contains("STOP"), "once is enough");
}

#[tokio::test]
async fn nobody_gets_sms_without_agreeing() {
    let service = service().await;
    let api = texting(&service, "generic").await;
    shipped(&api, serde_json::json!({})).await;
    let log = api.all_done().await;
    assert!(log[0].1 == "dropped" && log[0].3.contains("not agreed"), "{log:?}");
    assert!(service.bodies().is_empty());
}

#[tokio::test]
async fn who_agrees_on_the_order_page_is_told_until_that_is_taken_back() {
    let service = service().await;
    let api = texting(&service, "generic").await;
    api.webhook("shopify", "orders/create", "1", &bought(1001, serde_json::json!({}))).await;
    let wish = async |order: &str, body: Value| {
        let token = token::mint("demo", order, i64::MAX, SECRET);
        let request = Request::post(format!("/v1/orders/{token}/consents")).header(header::CONTENT_TYPE, "application/json");
        api.send(request.body(Body::from(body.to_string())).unwrap()).await.0
    };
    assert_eq!(
        wish("1001", serde_json::json!({"channel": "sms", "agreed": true, "words": "Text me about this order"})).await,
        StatusCode::NO_CONTENT
    );
    shipped(&api, serde_json::json!({})).await;
    assert_eq!(api.all_done().await[0].1, "sent");
    // Within the same second the last word counts too.
    assert_eq!(wish("1001", serde_json::json!({"channel": "sms", "agreed": false})).await, StatusCode::NO_CONTENT);
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit", "out_for_delivery", "failure"])).await;
    assert!(api.all_done().await.iter().any(|m| m.0 == "exception" && m.3.contains("not agreed")));
    assert_eq!(wish("9", serde_json::json!({"channel": "sms", "agreed": true})).await, StatusCode::NOT_FOUND);
    assert_eq!(wish("1001", serde_json::json!({"channel": "fax"})).await, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_number_that_said_stop_is_not_written_to_again() {
    let service = service().await;
    let api = texting(&service, "twilio").await;
    service.answers.lock().unwrap().push((400, None, r#"{"code":21610,"message":"Attempt to send to unsubscribed recipient"}"#));
    shipped(&api, agrees()).await;
    let log = api.all_done().await;
    assert!(log[0].1 == "failed" && log[0].3.contains("21610"), "{log:?}");
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit", "out_for_delivery", "failure"])).await;
    let log = api.all_done().await;
    assert!(log.iter().any(|m| m.0 == "exception" && m.1 == "dropped" && m.3.contains("bounced")), "{log:?}");
    assert_eq!(service.bodies().len(), 1);
}

#[tokio::test]
async fn the_generic_gateway_gets_json_with_an_id() {
    let service = service().await;
    let api = texting(&service, "generic").await;
    shipped(&api, agrees()).await;
    api.all_done().await;
    let got = service.got.lock().unwrap()[0].clone();
    let body: Value = serde_json::from_str(&got.2).unwrap();
    assert_eq!(
        (body["to"].as_str(), &body["id"]),
        (Some("+14155550100"), &Value::from(got.1["idempotency-key"].to_str().unwrap()))
    );
    assert_eq!(got.1["authorization"], "Bearer tok");
}

async fn hooked(service: &Service, hook: Hook) -> Api {
    let api = api_with(|config| config.limits.internal_targets = true).await;
    tokio::spawn(sender::run(api.state.clone()));
    let url = service.url.clone();
    ruled(&api, move |r| {
        let rule = r.by_id("out-for-delivery-sms").unwrap().clone();
        r.hooks.insert("tool".into(), Hook { url, ..hook });
        r.rules.push(notify::rules::Rule { id: "tool".into(), channel: "hook".into(), hook: Some("tool".into()), ..rule });
    })
    .await;
    api
}

#[tokio::test]
async fn chat_tools_get_what_they_take() {
    for shape in ["slack", "whatsapp", "klaviyo"] {
        let service = service().await;
        let headers = BTreeMap::from([("Authorization".to_owned(), "Klaviyo-API-Key k".to_owned())]);
        let api = hooked(&service, Hook { shape: Some(shape.into()), headers, ..Hook::default() }).await;
        service.answers.lock().unwrap().push((500, None, ""));
        shipped(&api, agrees()).await;
        let log = api.all_done().await;
        assert_eq!((log.len(), log[0].1.as_str(), log[0].2), (1, "sent", 2), "{log:?}");
        let got = service.got.lock().unwrap()[1].clone();
        assert_eq!(got.1["authorization"], "Klaviyo-API-Key k");
        let body: Value = serde_json::from_str(&got.2).unwrap();
        match shape {
            "slack" => assert!(body["text"].as_str().unwrap().contains("Out for delivery: your order #1001")),
            "whatsapp" => assert_eq!(
                (body["to"].as_str(), body["template"]["name"].as_str()),
                (Some("14155550100"), Some("order_out_for_delivery"))
            ),
            _ => assert_eq!(body["data"]["attributes"]["profile"]["data"]["attributes"]["email"], "Ada@Example.com"),
        }
    }
}

#[tokio::test]
async fn what_a_gateway_may_have_passed_on_is_sent_again_only_where_ids_are_known() {
    for (shape, state, requests) in [("slack", "unknown", 1), ("klaviyo", "sent", 2)] {
        let service = service().await;
        let api = hooked(&service, Hook { shape: Some(shape.into()), ..Hook::default() }).await;
        service.answers.lock().unwrap().push((504, None, ""));
        shipped(&api, serde_json::json!({})).await;
        let log = api.all_done().await;
        assert_eq!((log[0].1.as_str(), service.bodies().len()), (state, requests), "{log:?}");
        let ids: std::collections::BTreeSet<String> =
            service.got.lock().unwrap().iter().map(|g| g.1["idempotency-key"].to_str().unwrap().to_owned()).collect();
        assert_eq!(ids.len(), 1);
    }
}

#[tokio::test]
async fn hooks_never_reach_addresses_inside() {
    let service = service().await;
    let api = api_with(|_| {}).await;
    tokio::spawn(sender::run(api.state.clone()));
    let port = service.url.rsplit(':').next().unwrap().to_owned();
    for (n, url) in [service.url.clone(), format!("https://localhost:{port}/"), "https://169.254.169.254/latest".into()]
        .into_iter()
        .enumerate()
    {
        ruled(&api, move |r| {
            let rule = r.by_id("out-for-delivery-sms").unwrap().clone();
            r.hooks.insert("tool".into(), Hook { url, shape: Some("slack".into()), ..Hook::default() });
            r.rules = vec![notify::rules::Rule { id: "tool".into(), channel: "hook".into(), hook: Some("tool".into()), ..rule }];
        })
        .await;
        let id = 1001 + n as u32;
        let number = format!("1Z{n}");
        api.webhook("shopify", "orders/create", &format!("o{n}"), &bought(id, agrees())).await;
        api.webhook("shopify", "fulfillments/create", &format!("f{n}"), &packed(id, 1, &number)).await;
        api.webhook("easypost", "", "", &scanned(&number, &["in_transit", "out_for_delivery"])).await;
    }
    let log = api.all_done().await;
    assert_eq!(log.len(), 3);
    assert!(log.iter().all(|m| m.1 == "failed"), "{log:?}");
    assert!(service.bodies().is_empty());
}
