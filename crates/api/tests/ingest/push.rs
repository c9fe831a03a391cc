//! Carriers that push when they are asked to: subscription, what they push, renewal, and asking where they don't.

use std::time::Duration;

use axum::http::{Request, StatusCode};

use super::{
    poll::{FAST, due, parcel, serve, shipped, until, with_account, with_pushes},
    *,
};

const NUMBER: &str = "1Z5R89390357567127";

fn event(code: &str, kind: &str, day: &str, time: &str) -> Vec<u8> {
    serde_json::json!({
        "trackingNumber": format!(" {NUMBER}"), "localActivityDate": day, "localActivityTime": time, "gmtActivityDate": day, "gmtActivityTime": "180000",
        "activityLocation": {"city": "Reno", "stateProvince": "NV", "postalCode": "", "country": "US"},
        "activityStatus": {"type": kind, "code": code, "description": "Out for Delivery", "descriptionCode": "021"},
        "scheduledDeliveryDate": "20261126", "actualDeliveryDate": "", "actualDeliveryTime": "", "deliveryTimeDescription": "end of day"
    })
    .to_string()
    .into_bytes()
}

fn pushed(source: &str, header: (&str, &str), body: &[u8]) -> Request<Body> {
    Request::post(format!("/v1/webhooks/demo/{source}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header.0, header.1)
        .body(Body::from(body.to_vec()))
        .unwrap()
}

async fn column(api: &Api, name: &'static str) -> i64 {
    let sql = format!("select {name} from polls");
    api.state.db().read(move |db| Ok(db.query_row(&sql, [], |r| r.get(0))?)).await.unwrap()
}

#[tokio::test]
async fn ups_is_subscribed_to_pushes_and_is_renewed() {
    let taken = format!(r#"{{"validTrackingNumbers":["{NUMBER}"],"invalidTrackingNumbers":[]}}"#).into_bytes();
    let none = br#"{"errors":[{"code":"TW0001","message":"Tracking Information Not Found"}]}"#.to_vec();
    let (server, url) =
        serve(vec![(200, vec![], taken.clone()), (404, vec![], none), (200, vec![], taken.clone()), (200, vec![], taken)]).await;
    let api = with_account("ups", url, FAST, |account| account.push_secret = Some(SECRET.into())).await;
    parcel(&api, "UPS", NUMBER).await;
    until("subscription", async || column(&api, "pushed_until").await > 0).await;
    let asked = server.asked.lock().unwrap()[0].clone();
    assert_eq!((asked.0.as_str(), asked.1.as_str()), ("POST /api/track/v1/subscription/standard/package", "Bearer token-1"));
    let body: Value = serde_json::from_str(&asked.2).unwrap();
    assert_eq!(body["trackingNumberList"], serde_json::json!([NUMBER]));
    assert!(body["destination"]["url"].as_str().unwrap().ends_with("/v1/webhooks/demo/ups"), "{body}");
    assert_eq!(body["destination"]["credential"], SECRET);

    let body = event("OT", "I", "20261126", "100000");
    assert_eq!(api.send(pushed("ups", ("credential", "another"), &body)).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(api.send(pushed("ups", ("x-other", SECRET), &body)).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(api.send(pushed("ups", ("credential", SECRET), &body)).await.0, StatusCode::OK);
    assert_eq!(api.send(pushed("ups", ("credential", SECRET), &body)).await.0, StatusCode::OK, "a repetition is none");
    api.settle().await;
    let shipment = &api.order("1001").await["shipments"][0];
    assert_eq!((shipment["status"].as_str(), shipment["carrier"].as_str()), (Some("out_for_delivery"), Some("ups")));
    assert_eq!(shipment["checkpoints"].as_array().unwrap().len(), 1);
    assert_eq!(shipment["checkpoints"][0]["time"], "2026-11-26T10:00:00-08:00");
    assert!(shipment["checked_at"].is_string(), "{shipment}");

    // The carrier was asked once for what was before; since it pushes, not again soon.
    until("the question", async || server.asked.lock().unwrap().len() == 2).await;
    due(&api).await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(server.asked.lock().unwrap().len(), 2);
    // Shortly before it ends, a subscription is made anew.
    let soon = column(&api, "pushed_until").await - 14 * 86_400 + 3600;
    api.state.db().write(move |db| Ok(db.execute("update polls set pushed_until = ?1", [soon])?)).await.unwrap();
    until("renewal", async || column(&api, "pushed_until").await > soon).await;
    assert_eq!(server.asked.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn what_came_before_a_subscription_is_asked_for_also_where_a_push_comes_first() {
    let taken = format!(r#"{{"validTrackingNumbers":["{NUMBER}"],"invalidTrackingNumbers":[]}}"#).into_bytes();
    let none = br#"{"errors":[{"code":"TW0001","message":"Tracking Information Not Found"}]}"#.to_vec();
    let (server, url) = serve(vec![(200, vec![], taken), (404, vec![], none)]).await;
    let api = with_account("ups", url, FAST, |account| account.push_secret = Some(SECRET.into())).await;
    shipped(&api, "UPS", NUMBER).await;
    until("subscription", async || column(&api, "pushed_until").await > 0).await;
    let body = event("OT", "I", "20261126", "100000");
    assert_eq!(api.send(pushed("ups", ("credential", SECRET), &body)).await.0, StatusCode::OK);
    api.settle().await;
    assert_eq!(server.asked.lock().unwrap().len(), 1);
    due(&api).await;
    until("the question", async || server.asked.lock().unwrap().len() == 2).await;
}

#[tokio::test]
async fn a_carrier_that_does_not_subscribe_is_asked_as_ever() {
    let refused = br#"{"response":{"errors":[{"code":"VSS210","message":"no valid number"}]}}"#.to_vec();
    let (server, url) = serve(vec![(400, vec![], refused.clone()), (404, vec![], refused)]).await;
    let api = with_account("ups", url, FAST, |account| account.push_secret = Some(SECRET.into())).await;
    parcel(&api, "UPS", NUMBER).await;
    until("a question after the refusal", async || server.asked.lock().unwrap().len() >= 2).await;
    assert!(server.asked.lock().unwrap()[1].0.starts_with("GET /api/track/v1/details/"));
    assert_eq!(column(&api, "pushed_until").await, 0);
    due(&api).await;
    until("and again", async || server.asked.lock().unwrap().len() >= 3).await;
    assert!(server.asked.lock().unwrap()[2].0.starts_with("GET "), "no second try at once");
}

#[tokio::test]
async fn usps_signs_what_it_pushes() {
    let number = "9400109104250532908587";
    let (server, url) =
        serve(vec![(200, vec![], br#"{"subscriptionId":"019db15c"}"#.to_vec()), (404, vec![], b"[]".to_vec())]).await;
    let api = with_account("usps", url, FAST, |account| {
        account.push_secret = Some(SECRET.into());
        account.push_contact = Some("it@shop.example".into());
    })
    .await;
    parcel(&api, "USPS", number).await;
    until("subscription", async || column(&api, "pushed_until").await > 0).await;
    let asked = server.asked.lock().unwrap()[0].clone();
    assert_eq!(asked.0, "POST /subscriptions-tracking/v3r2/subscriptions");
    let body: Value = serde_json::from_str(&asked.2).unwrap();
    assert_eq!((body["filterProperties"]["trackingNumber"].as_str(), body["secret"].as_str()), (Some(number), Some(SECRET)));

    let payload = serde_json::json!({"trackingNumber": number, "eventCode": "01", "eventType": "DELIVERED, FRONT DOOR/PORCH", "eventCity": "RENO",
        "eventState": "NV", "eventTimestamp": "2026-11-26T10:00:00", "GMTTimestamp": "2026-11-26T18:00:00Z", "GMTOffset": "-08:00"})
    .to_string();
    let time = "2026-11-26T18:00:05Z";
    let notification =
        serde_json::json!({"subscriptionId": "019db15c", "subscriptionType": "TRACKING", "timestamp": time, "payload": payload});
    let notification = notification.to_string().into_bytes();
    let signature = BASE64.encode(mac(format!("{time}{payload}").as_bytes()));
    let other = BASE64.encode(mac(payload.as_bytes()));
    assert_eq!(api.send(pushed("usps", ("x-hmac", &other), &notification)).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(api.send(pushed("usps", ("x-hmac", &signature), b"{}")).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(api.send(pushed("usps", ("x-hmac", &signature), &notification)).await.0, StatusCode::OK);
    api.settle().await;
    let order = api.order("1001").await;
    assert_eq!(
        (order["status"].as_str(), order["shipments"][0]["carrier"].as_str()),
        (Some("delivered"), Some("usps")),
        "{order}"
    );
    assert_eq!(order["shipments"][0]["delivered_at"], "2026-11-26T10:00:00-08:00");
}

#[tokio::test]
async fn fedex_pushes_by_its_own_portal_and_is_asked_less() {
    let number = "449044304137821";
    let (server, url) = serve(vec![(200, vec![], br#"{"output":{"completeTrackResults":[]}}"#.to_vec())]).await;
    let api = with_pushes("fedex", url, FAST, |_| {}).await;
    parcel(&api, "FedEx", number).await;
    until("the question for what was before", async || column(&api, "checked_at is not null").await > 0).await;
    let body = serde_json::json!({"completeTrackResults": [{"trackingNumber": number, "trackResults": [{"trackingNumberInfo": {"trackingNumber": number},
        "latestStatusDetail": {"code": "OD", "description": "On FedEx vehicle for delivery"},
        "scanEvents": [{"date": "2026-11-26T08:30:00-06:00", "eventType": "OD", "eventDescription": "On FedEx vehicle for delivery", "derivedStatusCode": "OD",
            "scanLocation": {"city": "MEMPHIS", "stateOrProvinceCode": "TN", "countryCode": "US"}}]}]}]})
    .to_string()
    .into_bytes();
    let good = BASE64.encode(mac(&body));
    assert_eq!(
        api.send(pushed("fedex", ("fdx-signature", &BASE64.encode(mac(b"other"))), &body)).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(api.send(pushed("fedex", ("x-other", &good), &body)).await.0, StatusCode::UNAUTHORIZED);
    for _ in 0..2 {
        assert_eq!(api.send(pushed("fedex", ("fdx-signature", &good), &body)).await.0, StatusCode::OK);
    }
    api.settle().await;
    let shipment = &api.order("1001").await["shipments"][0];
    assert_eq!((shipment["status"].as_str(), shipment["checkpoints"].as_array().unwrap().len()), (Some("out_for_delivery"), 1));
    let before = server.asked.lock().unwrap().len();
    due(&api).await;
    until("the question to be put off", async || column(&api, "due_at").await > 0).await;
    assert_eq!(server.asked.lock().unwrap().len(), before);
}

#[tokio::test]
async fn dhl_activates_a_subscription_by_a_secret_that_it_pushes() {
    let number = "00340434161094015902";
    let answer = br#"{"self":"https://api-eu.dhl.com/tracking/push/v1/subscription/sub-1"}"#.to_vec();
    let none = br#"{"status":404,"title":"No result found","detail":"No shipment with given tracking number found."}"#.to_vec();
    let (server, url) = serve(vec![(202, vec![], answer), (404, vec![], none), (204, vec![], Vec::new())]).await;
    let api = with_pushes("dhl_universal", url, FAST, |account| account.push_secret = Some(SECRET.into())).await;
    shipped(&api, "DHL Paket", number).await;
    let asked = |n: usize| server.asked.lock().unwrap().get(n).cloned();
    until("subscription", async || asked(0).is_some()).await;
    let first = asked(0).unwrap();
    assert_eq!((first.0.as_str(), first.1.as_str()), ("POST /tracking/push/v1/subscription", "me"));
    let body: Value = serde_json::from_str(&first.2).unwrap();
    assert_eq!((body["service"].as_str(), &body["shipmentIDs"]), (Some("parcel-de"), &serde_json::json!([number])));
    assert_eq!(body["hook"]["authentication"]["token"], SECRET);
    assert!(body["hook"]["uri"].as_str().unwrap().ends_with("/v1/webhooks/demo/dhl_universal"), "{body}");
    // Not relied upon: it is asked about as ever, and not subscribed again at once.
    due(&api).await;
    until("a question", async || asked(1).is_some()).await;
    assert!(asked(1).unwrap().0.starts_with("GET /track/shipments?trackingNumber="));

    let token = ("x-push-token", SECRET);
    let evil =
        |of: &str| serde_json::json!({"scope": "subscription.validate", "self": of, "secret": "hush-1"}).to_string().into_bytes();
    let good = evil("https://elsewhere.example/tracking/push/v1/subscription/sub-1");
    assert_eq!(api.send(pushed("dhl_universal", ("x-push-token", "another"), &good)).await.0, StatusCode::UNAUTHORIZED);
    for body in [evil("https://elsewhere.example/a/../?b"), evil(""), b"{}".to_vec(), b"{not json".to_vec()] {
        assert_eq!(api.send(pushed("dhl_universal", token, &body)).await.0, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    }
    assert_eq!(api.send(pushed("dhl_universal", token, &good)).await.0, StatusCode::OK);
    until("activation", async || asked(2).is_some()).await;
    // By the account's own address and key, whatever the message says.
    assert_eq!((asked(2).unwrap().0.as_str(), asked(2).unwrap().1.as_str()), ("POST /tracking/push/v1/subscription/sub-1", "me"));
    let ready = br#"{"scope":"subscription.ready","self":"https://api-eu.dhl.com/tracking/push/v1/subscription/sub-1"}"#;
    assert_eq!(api.send(pushed("dhl_universal", token, ready)).await.0, StatusCode::OK);
    let push = serde_json::json!({"scope": "subscription.push", "self": "x", "shipments": [{"id": number, "service": "parcel-de",
        "status": {"timestamp": "2026-11-26T09:00:00+01:00", "statusCode": "transit", "description": "Out for delivery"},
        "events": [{"timestamp": "2026-11-26T09:00:00+01:00", "statusCode": "transit", "description": "The shipment has been loaded onto the delivery vehicle"}]}]});
    assert_eq!(api.send(pushed("dhl_universal", token, push.to_string().as_bytes())).await.0, StatusCode::OK);
    api.settle().await;
    let shipment = &api.order("1001").await["shipments"][0];
    assert_eq!(shipment["checkpoints"].as_array().unwrap().len(), 1, "{shipment}");
    // The handshake is nobody's event.
    let kept = "select count(*) from events where body like '%hush-1%'";
    let kept: i64 = api.state.db().read(move |db| Ok(db.query_row(kept, [], |r| r.get(0))?)).await.unwrap();
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn a_push_secret_that_cannot_work_is_refused_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let base = std::fs::read_to_string(configuration(dir.path())).unwrap();
    let with = |carrier: &str, secret: &str, url: &str| {
        let account =
            format!("[stores.carriers.{carrier}]\nclient_id = \"a\"\nclient_secret = \"b\"\npush_secret = \"{secret}\"\n");
        let path = dir.path().join("push.toml");
        // The account belongs to the last store of the file.
        std::fs::write(&path, format!("public_url = \"{url}\"\n{base}{account}")).unwrap();
        Config::load(Some(&path), std::iter::empty()).map(drop).map_err(|e| format!("{e:#}"))
    };
    assert!(with("ups", SECRET, "https://track.example").is_ok());
    for (carrier, secret, url, says) in [
        ("ups", "short", "https://track.example", "at least 32"),
        ("usps", "0123456789abcdef0123456789abcdef0", "https://track.example", "exactly 32"),
        ("fedex", SECRET, "https://track.example", "can't be asked to push"),
        ("ups", SECRET, "http://track.example", "https"),
    ] {
        let error = with(carrier, secret, url).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}
