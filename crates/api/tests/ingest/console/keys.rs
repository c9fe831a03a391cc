//! Keys and webhooks: made, shown once, rotated; the guide, and the look.

use serde_json::json;

use super::*;

fn once(page: &str) -> String {
    page.split("id=\"secret\">").nth(1).and_then(|t| t.split('<').next()).map(|t| t.replace("&#x2F;", "/")).unwrap_or_default()
}

async fn admin_with(api: &Api, store: &str, key: &str) -> StatusCode {
    let request = Request::get(format!("/v1/admin/stores/{store}/delays")).header(header::AUTHORIZATION, format!("Bearer {key}"));
    api.send(request.body(Body::empty()).unwrap()).await.0
}

async fn remove_newest(api: &Api, owner: &Browser) -> StatusCode {
    let id: i64 = api
        .state
        .db()
        .read(|db| Ok(db.query_row("select max(id) from store_keys where store = 'demo'", [], |r| r.get(0))?))
        .await
        .unwrap();
    api.submit(owner, "/console/demo/keys/remove", &[("key", &id.to_string())]).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_shown_once_valid_together_and_gone_when_removed() {
    let api = api().await;
    let owner = api.signed_in("demo", Role::Owner).await;
    let (status, _, page) = api.submit(&owner, "/console/demo/keys/admin", &[]).await;
    let key = once(&page);
    assert!(status == StatusCode::OK && key.starts_with("wha_") && key.len() == 68, "{page}");
    assert_eq!(admin_with(&api, "demo", &key).await, StatusCode::OK);
    assert_eq!(admin_with(&api, "demo", ADMIN).await, StatusCode::OK, "the file's key works too");
    assert_eq!(admin_with(&api, "other", &key).await, StatusCode::UNAUTHORIZED, "in its own store alone");
    let (_, again) = api.open(&owner, "/console/demo/keys").await;
    assert!(!again.contains(&key) && again.contains(&key[64..]), "its end is all that is shown later");
    let kept: i64 = api
        .state
        .db()
        .read(move |db| Ok(db.query_row("select count(*) from store_keys where secret = ?1", [key], |r| r.get(0))?))
        .await
        .unwrap();
    assert_eq!(kept, 0, "not even the database has it");
    assert_eq!(remove_newest(&api, &owner).await, StatusCode::SEE_OTHER);
    assert_eq!(admin_with(&api, "demo", "wha_").await, StatusCode::UNAUTHORIZED);

    // Token secrets: the newest signs, both verify.
    api.webhook("shopify", "orders/create", "w1", &order(1001, "2026-11-23T15:00:00-06:00")).await;
    let (_, _, page) = api.submit(&owner, "/console/demo/keys/token", &[]).await;
    let secret = once(&page);
    let open = async |secret: &str| api.get(&format!("/v1/orders/{}", token::mint("demo", "1001", i64::MAX, secret))).await.0;
    assert_eq!((open(&secret).await, open(SECRET).await), (StatusCode::OK, StatusCode::OK));
    assert_eq!(api.state.config().token_secrets("demo")[0], secret);
    remove_newest(&api, &owner).await;
    assert_eq!((open(&secret).await, open(SECRET).await), (StatusCode::UNAUTHORIZED, StatusCode::OK));

    // Webhook secrets: the old one is valid until it is removed.
    let other = "a-new-secret-of-the-platform";
    let fields = [("source", "shopify"), ("secret", other)];
    assert_eq!(api.submit(&owner, "/console/demo/keys/webhook", &fields).await.0, StatusCode::SEE_OTHER);
    let body = order(1002, "2026-11-23T15:00:00-06:00");
    let mut mac = Hmac::<Sha256>::new_from_slice(other.as_bytes()).unwrap();
    mac.update(&body);
    let signed = BASE64.encode(mac.finalize().into_bytes());
    let mut request = webhook("shopify", "orders/create", "w2", &body);
    request.headers_mut().insert("x-shopify-hmac-sha256", signed.parse().unwrap());
    assert_eq!(api.send(request).await.0, StatusCode::OK);
    assert_eq!(api.webhook("shopify", "orders/create", "w3", &order(1003, "2026-11-23T15:00:00-06:00")).await, StatusCode::OK);
    for bad in [
        [("source", "nobody"), ("secret", "long enough")],
        [("source", "easypost"), ("secret", "short")],
        [("source", "standard"), ("secret", "whsec_no base64!")],
    ] {
        assert_eq!(api.submit(&owner, "/console/demo/keys/webhook", &bad).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{bad:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_keeps_its_last_token_secret() {
    let api = api().await;
    let owner = api.installer().await;
    api.submit(&owner, "/console/stores", &[("name", "Tea"), ("id", "tea")]).await;
    let id: i64 = api
        .state
        .db()
        .read(|db| Ok(db.query_row("select id from store_keys where store = 'tea'", [], |r| r.get(0))?))
        .await
        .unwrap();
    let remove = [("key", id.to_string())];
    let remove: Vec<(&str, &str)> = remove.iter().map(|(k, v)| (*k, v.as_str())).collect();
    assert_eq!(api.submit(&owner, "/console/tea/keys/remove", &remove).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(api.submit(&owner, "/console/demo/keys/remove", &remove).await.0, StatusCode::NOT_FOUND, "another store's key");
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_go_out_to_addresses_of_the_console() {
    let api = api().await;
    let owner = api.signed_in("demo", Role::Owner).await;
    for inside in
        ["http://hook.example/", "https://127.0.0.1/", "https://169.254.169.254/", "https://user:pw@hook.example/", "nonsense"]
    {
        let (status, _, _) = api.submit(&owner, "/console/demo/webhooks", &[("url", inside)]).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{inside}");
    }
    let fields = [("url", "https://hook.example/a"), ("events", "shipment.exception"), ("events", "order.delivered")];
    let (status, _, page) = api.submit(&owner, "/console/demo/webhooks", &fields).await;
    let first = once(&page);
    assert!(status == StatusCode::OK && first.starts_with("whsec_"), "{page}");
    let of = |api: &Api| api.state.config().store("demo").unwrap().outbound[0].clone();
    assert_eq!(of(&api).events, ["shipment.exception", "order.delivered"]);
    assert_eq!(secrecy::ExposeSecret::expose_secret(&of(&api).secret), first);
    // What is due to it is listed, and sent again on demand.
    api.webhook("shopify", "orders/create", "w1", &order(1001, "2026-11-23T15:00:00-06:00")).await;
    api.webhook("shopify", "fulfillments/create", "w2", &fulfillment(1001, "1Z5R89390357567127")).await;
    api.webhook("easypost", "", "", &tracker("evt_1", "1Z5R89390357567127", &[("2026-11-24T12:00:00Z", "delivered")])).await;
    api.state
        .db()
        .write(|db| Ok(db.execute("update outbox set due_at = null, attempts = 9, error = 'answered <b>500</b>'", [])?))
        .await
        .unwrap();
    let (_, page) = api.open(&owner, "/console/demo/webhooks?show=failed").await;
    assert!(page.contains("order.delivered") && page.contains("given up") && page.contains("answered &lt;b&gt;500"), "{page}");
    let id = page.split("name=\"delivery\" value=\"").nth(1).and_then(|t| t.split('"').next()).unwrap().to_owned();
    let stranger = api.signed_in("other", Role::Owner).await;
    assert_eq!(api.submit(&stranger, "/console/other/webhooks/again", &[("delivery", &id)]).await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.submit(&owner, "/console/demo/webhooks/again", &[("delivery", &id)]).await.0, StatusCode::SEE_OTHER);
    let endpoint: i64 =
        api.state.db().read(|db| Ok(db.query_row("select id from store_endpoints", [], |r| r.get(0))?)).await.unwrap();
    let endpoint = endpoint.to_string();
    let (_, _, page) = api.submit(&owner, "/console/demo/webhooks/rotate", &[("endpoint", &endpoint)]).await;
    assert_ne!(once(&page), first);
    assert_eq!(of(&api).events.len(), 2, "rotating keeps what it is told of");
    api.submit(&owner, "/console/demo/webhooks/remove", &[("endpoint", &endpoint)]).await;
    assert!(api.state.config().store("demo").unwrap().outbound.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_empty_store_to_a_published_policy() {
    let api = api().await;
    let owner = api.installer().await;
    api.submit(&owner, "/console/stores", &[("name", "Tea & Toast"), ("url", "https://tea.example")]).await;
    let (_, page) = api.open(&owner, "/console/tea-toast/guide").await;
    assert!(page.contains("data-store=&quot;tea-toast&quot;") && page.contains("Parcels leave from"), "{page}");
    let fields = [("origin", ""), ("country", "GB"), ("cutoff", "25:00"), ("price", "free")];
    let (status, _, page) = api.submit(&owner, "/console/tea-toast/guide/policy", &fields).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("write a name") && page.contains("an amount"), "{page}");
    let fields = [
        ("origin", "Leeds"),
        ("country", "GB"),
        ("cutoff", "16:00"),
        ("days", "mon"),
        ("days", "tue"),
        ("handling_max", "1"),
        ("price", "3.95"),
        ("abroad", "yes"),
        ("price_abroad", "12"),
    ];
    let (status, head, page) = api.submit(&owner, "/console/tea-toast/guide/policy", &fields).await;
    assert_eq!(
        (status, &head[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"/console/tea-toast/policy?said=drafted".parse::<axum::http::HeaderValue>().unwrap()),
        "{page}"
    );
    assert_eq!(api.get("/v1/stores/tea-toast/promise.json").await.0, StatusCode::NOT_FOUND);
    api.submit(&owner, "/console/tea-toast/policy/publish", &[("revision", "1")]).await;
    let request = Request::get("/v1/stores/tea-toast/promise.json").header(header::ORIGIN, "https://tea.example");
    assert_eq!(api.send(request.body(Body::empty()).unwrap()).await.0, StatusCode::OK);
    let estimate = api.get("/v1/stores/tea-toast/estimate?sku=X&country=GB&postal_code=LS1").await.2;
    assert!(estimate["options"][0]["window"].is_object() && estimate["options"][0]["price"] == json!(395), "{estimate}");
    for _ in 0..50 {
        let (_, seen) = api.open(&owner, "/console/tea-toast/guide/seen").await;
        if seen.contains("data-done") {
            assert!(seen.contains("https://tea.example"), "{seen}");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the widget's request was not noted");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_looks_at_the_stores_page_and_never_inside() {
    let page = "<html><script async src=\"http://x/embed.js\" data-store=\"demo\"></script><whereabouts-estimate></whereabouts-estimate></html>";
    let shop = Router::new()
        .route("/", axum::routing::get(|| async { axum::response::Redirect::to("/home") }))
        .route("/home", axum::routing::get(move || async move { axum::response::Html(page) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, shop).await });
    for (internal, said) in [(true, "with 1 places for the widget"), (false, "could not be looked at")] {
        let url = url.clone();
        let api = api_with(move |c| {
            c.stores[0].url = Some(url);
            c.limits.internal_targets = internal;
        })
        .await;
        let owner = api.signed_in("demo", Role::Owner).await;
        let (status, _, text) = api.submit(&owner, "/console/demo/guide/check", &[]).await;
        assert!(status == StatusCode::OK && text.contains(said), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_is_served_to_the_stores_pages() {
    let api = api().await;
    let owner = api.signed_in("demo", Role::Owner).await;
    let (_, page) = api.open(&owner, "/console/demo/look/preview?accent=%23ffee00&background=%23ffffff").await;
    assert!(page.contains("hard to read") && page.contains("look.css?accent=%23ffee00"), "{page}");
    let (status, css) = api.open(&owner, "/console/demo/look.css?accent=%23ffee00").await;
    assert!(status == StatusCode::OK && css.contains("--whereabouts-accent: #ffee00"));
    let fields = [("accent", "#123456"), ("warning", "#aa5500"), ("radius", "8"), ("background", "#ffffff"), ("text", "#000000")];
    assert_eq!(api.submit(&owner, "/console/demo/look", &fields).await.0, StatusCode::SEE_OTHER);
    let (_, head, text) = api.raw(Request::get("/v1/stores/demo/look.css").body(Body::empty()).unwrap()).await;
    assert_eq!(head[header::CONTENT_TYPE], "text/css; charset=utf-8");
    assert_eq!(
        text,
        "whereabouts-estimate, whereabouts-order { --whereabouts-accent: #123456; --whereabouts-warning: #aa5500; --whereabouts-radius: 8px; }\n"
    );
    assert_eq!(api.get("/v1/stores/nobody/look.css").await.0, StatusCode::NOT_FOUND);
    let evil = [("accent", "red;}*{display:none"), ("radius", "8")];
    assert_eq!(api.submit(&owner, "/console/demo/look", &evil).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}
