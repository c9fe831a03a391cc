//! Several stores in one installation, strictly apart: every route of the description is tried with another store's key.

use axum::http::Method;

use super::*;

/// Where no key is asked for, with the reason.
const OPEN: &[(&str, &str)] = &[
    ("/v1/stores/{store}/promise.json", "the same for every shopper"),
    ("/v1/stores/{store}/estimate", "computed from the same"),
    ("/v1/stores/{store}/care.json", "questions and contacts, the same for every shopper"),
    ("/v1/stores/{store}/texts.json", "the store's own wording, the same for every shopper"),
    ("/v1/stores/{store}/history", "sends links to the address itself; the answer tells nothing"),
    ("/v1/stores/{store}/lookup", "asks for number and email, and is counted"),
    ("/v1/webhooks/", "verifies the signature of a body"),
    ("/v1/messages/{store}/sms/{provider}", "verifies the provider's signature"),
    ("/v1/messages/{store}/bounces", "verifies the signature of a body"),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_route_opens_to_another_stores_key() {
    let api = api().await;
    api.webhook("shopify", "orders/create", "w1", &order(1001, "2026-11-23T15:00:00-06:00")).await;
    let (_, _, description) = api.get("/openapi.json").await;
    let other = "other-key-0123456789abcdef0123456789";
    let forged = token::mint("demo", "1001", i64::MAX, "other-secret-0123456789abcdef01234");
    let theirs = token::mint("other", "1001", i64::MAX, "other-secret-0123456789abcdef01234");
    let ask = async |method: &Method, path: &str, key: Option<&str>| {
        let mut request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        api.raw(request.body(Body::from("{}")).unwrap()).await
    };
    let (mut admin, mut by_token) = (0, 0);
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else { continue };
            let at = |store: &str, token: &str| {
                let path = path.replace("{store}", store).replace("{token}", token);
                path.split('/').map(|p| if p.starts_with('{') { "1" } else { p }).collect::<Vec<_>>().join("/")
            };
            let name = format!("{method} {path}");
            if path.starts_with("/v1/admin/") {
                admin += 1;
                assert!(path.starts_with("/v1/admin/stores/{store}/") || path == "/v1/admin/stores/{store}", "{name}");
                for key in [None, Some(""), Some(other), Some("admin-key-0123456789abcdef012345678"), Some(SECRET)] {
                    assert_eq!(ask(&method, &at("demo", ""), key).await.0, StatusCode::UNAUTHORIZED, "{name} with {key:?}");
                }
                assert_eq!(ask(&method, &at("nobody", ""), Some(ADMIN)).await.0, StatusCode::UNAUTHORIZED, "{name}");
                assert_ne!(
                    ask(&method, &at("demo", ""), Some(ADMIN)).await.0,
                    StatusCode::UNAUTHORIZED,
                    "{name} with its own key"
                );
                assert!(!methods[method.as_str().to_lowercase()]["security"].is_null(), "{name} says that it asks for a key");
            } else if path.contains("{token}") {
                by_token += 1;
                // Long-lived answers are asked for by their heads alone.
                let (status, _, _) = ask(&method, &at("", &forged), None).await;
                assert!(
                    matches!(status.as_u16(), 401 | 403 | 404 | 410),
                    "{name} with a token that another store signed: {status}"
                );
                // Its own token opens what is its own, under the same order's id: nothing of the other store's.
                let (_, _, text) = ask(&method, &at("", &theirs), None).await;
                for said in ["Mug", "San Francisco", "Fjord"] {
                    assert!(!text.contains(said), "{name} with another store's own token: {text}");
                }
            } else {
                assert!(
                    OPEN.iter().any(|(open, _)| path.starts_with(open)) || !path.contains("{store}"),
                    "{name}: a route about a store that asks for nothing; say why in this list"
                );
            }
        }
    }
    assert!(admin > 20 && by_token >= 2, "{admin} {by_token}");
    // A webhook signed with another store's secret, and one for a store that has none.
    let body = order(7, "2026-11-23T15:00:00-06:00");
    let mut signed = Hmac::<Sha256>::new_from_slice(b"other-secret-0123456789abcdef01234").unwrap();
    signed.update(&body);
    let mut request = webhook("shopify", "orders/create", "w7", &body);
    request.headers_mut().insert("x-shopify-hmac-sha256", BASE64.encode(signed.finalize().into_bytes()).parse().unwrap());
    assert_eq!(api.send(request).await.0, StatusCode::UNAUTHORIZED);
    let mut request = webhook("shopify", "orders/create", "w8", &body);
    *request.uri_mut() = "/v1/webhooks/other/shopify".parse().unwrap();
    assert_eq!(api.send(request).await.0, StatusCode::NOT_FOUND);
}
