//! What happens to parcels on their way, from carriers' answers to the order document: hand-overs, several pieces, replacements, proof of
//! delivery, pick-up points, customs.

use serde_json::json;

use super::*;

impl Api {
    /// A carrier's answer, as if it had been asked.
    async fn hear(&self, source: &str, body: Value) {
        let (source, id, body) =
            (source.to_owned(), format!("t:{}", hex::encode(mac(body.to_string().as_bytes()))), body.to_string());
        let write = move |db: &rusqlite::Connection| {
            Ok(ingest::append(db, "demo", &source, Some("poll"), &id, 1_795_000_000, body.as_bytes())?)
        };
        self.state.db().write(write).await.unwrap();
        self.settle().await;
    }

    /// An order of two mugs, and a fulfillment with these parcels and so many of the mugs.
    async fn ships(&self, fulfillment: u32, company: &str, numbers: &[&str], quantity: u32) {
        self.webhook("shopify", "orders/create", "o", &order(1001, "2026-11-23T10:00:00Z")).await;
        let body = json!({"id": fulfillment, "order_id": 1001, "status": "success", "created_at": "2026-11-24T10:00:00Z",
            "updated_at": "2026-11-24T10:00:00Z", "tracking_company": company, "tracking_numbers": numbers,
            "line_items": [{"id": 7, "sku": "MUG-1", "title": "Mug", "quantity": quantity}]});
        self.webhook("shopify", "fulfillments/create", &format!("f{fulfillment}"), body.to_string().as_bytes()).await;
    }

    async fn shipment(&self) -> Value {
        self.order("1001").await["shipments"][0].clone()
    }
}

fn statuses(shipment: &Value) -> Vec<(&str, &str)> {
    let scans = shipment["checkpoints"].as_array().unwrap();
    scans.iter().map(|c| (c["time"].as_str().unwrap(), c["status"].as_str().unwrap())).collect()
}

fn usps(number: &str, events: &[(&str, &str, &str)]) -> Value {
    let events: Vec<Value> = events
        .iter()
        .map(|(time, code, kind)| {
            json!({"eventTimestamp": time, "eventCode": code, "eventType": kind, "eventCity": "RENO", "eventState": "NV", "eventZIP": "89501", "name": "A LOVELACE"})
        })
        .collect();
    json!([{"trackingNumber": number, "mailClass": "Parcel Select", "statusCategory": "", "trackingEvents": events}])
}

#[tokio::test]
async fn ups_hands_over_to_usps_and_it_is_one_journey() {
    let (ups, post) = ("1Z5R89390357567127", "92419900000033499522966220");
    let api = api().await;
    api.ships(1, "UPS", &[ups], 2).await;
    let scan = |day: &str, time: &str, code: &str, words: &str| {
        json!({"date": day, "time": time, "gmtDate": day, "gmtTime": "23:30:00", "status": {"type": "I", "code": code, "description": words},
            "location": {"address": {"city": "Sparks", "stateProvince": "NV", "countryCode": "US"}}})
    };
    api.hear(
        "ups",
        json!({"trackResponse": {"shipment": [{"inquiryNumber": ups, "package": [{"trackingNumber": ups,
            "alternateTrackingNumber": [{"number": post, "type": "USPS_PIC"}], "service": {"code": "YW", "description": "UPS SurePost"},
            "activity": [scan("20261125", "153000", "2Y", "Shipment tendered to local Post Office for final delivery"),
                scan("20261124", "153000", "DP", "Departed from Facility")]}]}]}}),
    )
    .await;
    assert_eq!(api.shipment().await["status"], "in_transit");
    api.hear(
        "usps",
        usps(
            post,
            &[
                ("2026-11-26T13:05:00", "01", "DELIVERED, LEFT WITH INDIVIDUAL"),
                ("2026-11-26T07:10:00", "OF", "OUT FOR DELIVERY"),
                ("2026-11-26T05:00:00", "07", "ARRIVAL AT UNIT"),
            ],
        ),
    )
    .await;
    let shipment = api.shipment().await;
    assert_eq!((shipment["status"].as_str(), shipment["signed_by"].as_str()), (Some("delivered"), Some("A LOVELACE")));
    assert_eq!(
        statuses(&shipment),
        [
            ("2026-11-26T13:05:00-08:00", "delivered"),
            ("2026-11-26T07:10:00-08:00", "out_for_delivery"),
            ("2026-11-26T05:00:00-08:00", "in_transit"),
            ("2026-11-25T15:30:00-08:00", "in_transit"),
            ("2026-11-24T15:30:00-08:00", "in_transit")
        ]
    );
    // Still the number that the shopper was told, at the carrier that it belongs to.
    assert_eq!((shipment["tracking_number"].as_str(), shipment["carrier"].as_str()), (Some(ups), Some("ups")));
    assert!(shipment["tracking_url"].as_str().unwrap().contains(ups) && shipment["service"] == "UPS SurePost", "{shipment}");
    assert_eq!(api.order("1001").await["shipments"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn dhl_ecommerce_hands_over_to_usps_whichever_is_heard_first() {
    let (dhl, post) = ("GM295337482100051", "9261290100130435082878");
    let unified = json!({"shipments": [{"id": dhl, "service": "ecommerce", "status": {"statusCode": "transit", "status": "In transit"},
        "details": {"references": [{"number": "A-1", "type": "customer-reference"}, {"number": post, "type": "local-tracking-number"}]},
        "events": [{"timestamp": "2026-11-25T04:00:00-08:00", "statusCode": "transit", "status": "TENDERED TO DELIVERY SERVICE PROVIDER",
            "location": {"address": {"addressLocality": "Reno, NV, US", "countryCode": "US"}}}]}]});
    let delivered = usps(post, &[("2026-11-26T13:05:00", "01", "DELIVERED, IN/AT MAILBOX")]);
    for post_first in [false, true] {
        let api = api().await;
        api.ships(1, "DHL eCommerce", &[dhl], 2).await;
        if post_first {
            api.hear("usps", delivered.clone()).await;
        }
        api.hear("dhl_universal", unified.clone()).await;
        if !post_first {
            api.hear("usps", delivered.clone()).await;
        }
        let order = api.order("1001").await;
        assert_eq!(
            (order["status"].as_str(), order["shipments"][0]["carrier"].as_str()),
            (Some("delivered"), Some("dhl_ecommerce"))
        );
        assert_eq!(order["shipments"][0]["checkpoints"].as_array().unwrap().len(), 2, "{order}");
    }
}

#[tokio::test]
async fn an_aggregator_names_the_next_carriers_number() {
    let (from, to) = ("LP00592000000000", "LP756776806FR");
    let api = api().await;
    api.ships(1, "Cainiao", &[from], 2).await;
    let event = |time: &str, sub: &str, words: &str| json!({"time_iso": time, "time_utc": time, "description": words, "sub_status": sub, "stage": null, "address": {"country": "FR"}});
    api.hear(
        "17track",
        json!({"event": "TRACKING_UPDATED", "data": {"number": from, "carrier": 190271, "track_info": {
            "latest_status": {"status": "InTransit", "sub_status": "InTransit_CustomsProcessing"},
            "misc_info": {"local_number": to, "local_provider": "La Poste"},
            "tracking": {"providers": [{"provider": {"key": 190271, "name": "Cainiao"},
                "events": [event("2026-11-25T10:00:00+01:00", "InTransit_CustomsProcessing", "Import customs clearance started")]}]}}}}),
    )
    .await;
    let shipment = api.shipment().await;
    assert_eq!((shipment["status"].as_str(), shipment["sub_status"].as_str()), (Some("in_transit"), Some("customs")));
    api.hear(
        "laposte",
        json!({"lang": "fr_FR", "scope": "open", "returnCode": 200, "shipment": {"idShip": to, "event": [
            {"code": "DI1", "label": "Votre colis est livré.", "date": "2026-11-27T11:00:00+01:00"}]}}),
    )
    .await;
    assert_eq!(api.shipment().await["status"], "delivered", "{}", api.shipment().await);
}

#[tokio::test]
async fn an_order_of_several_pieces_is_complete_with_the_last() {
    let api = api().await;
    api.ships(1, "UPS", &["1ZA", "1ZB"], 2).await;
    for (event, number, expected) in [("e1", "1ZA", "partly_delivered"), ("e2", "1ZB", "delivered")] {
        api.webhook("easypost", "", "", &tracker(event, number, &[("2026-11-26T12:00:00Z", "delivered")])).await;
        assert_eq!(api.order("1001").await["status"], expected);
    }
}

#[tokio::test]
async fn a_lost_parcel_that_was_sent_again_no_longer_stands_in_the_way() {
    let api = api().await;
    api.ships(1, "UPS", &["1ZLOST"], 2).await;
    api.webhook("easypost", "", "", &tracker("e1", "1ZLOST", &[("2026-11-26T12:00:00Z", "error")])).await;
    assert_eq!(api.order("1001").await["status"], "exception");
    // Half of it again does not make it whole.
    api.ships(2, "UPS", &["1ZAGAIN"], 1).await;
    assert_eq!(api.order("1001").await["status"], "exception");
    api.ships(3, "UPS", &["1ZREST"], 1).await;
    for (event, number) in [("e2", "1ZAGAIN"), ("e3", "1ZREST")] {
        api.webhook("easypost", "", "", &tracker(event, number, &[("2026-11-29T12:00:00Z", "delivered")])).await;
    }
    let order = api.order("1001").await;
    assert_eq!(order["status"], "delivered", "{order}");
    assert!(order["estimate"].is_null() && order["shipments"].as_array().unwrap().len() == 3, "{order}");
    // What was lost is still seen to be.
    assert!(order["shipments"].as_array().unwrap().iter().any(|s| s["status"] == "exception"));
}

#[tokio::test]
async fn a_pickup_point_comes_with_its_hours_and_the_code() {
    let api = api().await;
    api.ships(1, "DPD", &["05308801410058"], 2).await;
    let hours = ["Mo–Fr 08:00–20:00", "Sa 09:00–14:00"];
    api.hear(
        "standard",
        json!({"shipments": [{"carrier": "dpd", "tracking_number": "05308801410058", "status": "available_for_pickup",
            "pickup": {"name": "Kiosk am Markt", "address": "Markt 1, 50667 Köln", "hours": hours, "code": "4711", "until": "2026-12-03"},
            "checkpoints": [{"time": "2026-11-26T16:41:00+01:00", "status": "available_for_pickup", "message": "Ready for pickup"}]}]}),
    )
    .await;
    let order = api.order("1001").await;
    assert_eq!(order["status"], "available_for_pickup");
    assert_eq!(
        order["shipments"][0]["pickup"],
        json!({"name": "Kiosk am Markt", "address": "Markt 1, 50667 Köln", "hours": hours, "code": "4711", "until": "2026-12-03"})
    );
    // A later scan does not take it away; collecting it ends it.
    api.hear(
        "standard",
        json!({"shipments": [{"tracking_number": "05308801410058",
            "checkpoints": [{"time": "2026-11-27T09:00:00+01:00", "status": "delivered", "sub_status": "collected", "message": "Collected"}]}]}),
    )
    .await;
    let shipment = api.shipment().await;
    assert_eq!((shipment["status"].as_str(), shipment["sub_status"].as_str()), (Some("delivered"), Some("collected")));
    assert_eq!(shipment["pickup"]["name"], "Kiosk am Markt");
}

#[tokio::test]
async fn customs_hold_a_parcel_and_let_it_go() {
    let api = api().await;
    let number = "CX123456785US";
    api.ships(1, "USPS", &[number], 2).await;
    for (event, status, sub) in [
        (("2026-11-25T10:00:00", "Held in Customs"), "exception", "customs"),
        (("2026-11-26T10:00:00", "Customs Clearance processing complete"), "in_transit", "customs_cleared"),
    ] {
        api.hear("usps", usps(number, &[(event.0, "", event.1)])).await;
        let shipment = api.shipment().await;
        assert_eq!((shipment["status"].as_str(), shipment["sub_status"].as_str()), (Some(status), Some(sub)), "{shipment}");
    }
}

#[tokio::test]
async fn the_next_carrier_is_asked_as_well() {
    let account = || api::config::Account {
        client_id: "me".into(),
        client_secret: "hush".into(),
        per_hour: None,
        url: None,
        push_secret: None,
        push_contact: None,
    };
    let api = api_with(|config| {
        for carrier in ["ups", "usps"] {
            config.stores[0].carriers.insert(carrier.into(), account());
        }
    })
    .await;
    let (ups, post) = ("1Z5R89390357567127", "92419900000033499522966220");
    api.ships(1, "UPS", &[ups], 2).await;
    let asked = || {
        api.state.db().read(|db| {
            let mut rows = db.prepare("select poller || ' ' || tracking_number from polls order by 1")?;
            let rows = rows.query_map([], |r| r.get::<_, String>(0))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })
    };
    assert_eq!(asked().await.unwrap(), [format!("ups {ups}")]);
    let mut tracker: Value = serde_json::from_slice(&tracker("e1", ups, &[("2026-11-25T12:00:00Z", "in_transit")])).unwrap();
    tracker["result"]["carrier_detail"] = json!({"service": "SurePost", "alternate_identifier": post});
    api.webhook("easypost", "", "", tracker.to_string().as_bytes()).await;
    assert_eq!(asked().await.unwrap(), [format!("ups {ups}"), format!("usps {post}")]);
    api.hear("usps", usps(post, &[("2026-11-26T13:05:00", "01", "DELIVERED, IN/AT MAILBOX")])).await;
    assert_eq!(api.order("1001").await["status"], "delivered");
    assert!(asked().await.unwrap().is_empty(), "nothing is asked about a delivered parcel, by either number");
}
