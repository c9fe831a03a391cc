//! The tracking engine behind the routes: every source's way to an order document, redaction, imports, replays.

use proptest::prelude::*;

use super::*;

#[tokio::test]
async fn a_fulfillment_event_moves_its_parcels() {
    let api = api().await;
    api.webhook("shopify", "orders/create", "1", &order(1001, "2026-11-23T10:00:00Z")).await;
    // The event comes before the fulfillment that it is about.
    let event = |id: u32, status: &str, at: &str| {
        format!(
            r#"{{"id":{id},"fulfillment_id":10011,"order_id":1001,"status":"{status}","message":"At the depot","happened_at":"{at}","city":"Reno","province":"NV","country":"US"}}"#
        )
    };
    api.webhook("shopify", "fulfillment_events/create", "2", event(5, "in_transit", "2026-11-24T12:00:00-08:00").as_bytes())
        .await;
    api.webhook("shopify", "fulfillments/create", "3", &fulfillment(1001, "1Z1")).await;
    let document = api.order("1001").await;
    let parcel = &document["shipments"][0];
    assert_eq!(
        (parcel["status"].as_str(), parcel["last_scan_at"].as_str()),
        (Some("in_transit"), Some("2026-11-24T12:00:00-08:00"))
    );
    assert_eq!(parcel["checkpoints"][0]["location"], "Reno, NV, US");
    api.webhook("shopify", "fulfillment_events/create", "4", event(6, "delivered", "2026-11-25T09:00:00-08:00").as_bytes()).await;
    assert_eq!(api.order("1001").await["status"], "delivered");
}

#[tokio::test]
async fn a_woocommerce_order_and_an_aftership_tracking_meet() {
    let api = api().await;
    let order = serde_json::json!({"id": 9, "number": "9", "status": "completed", "currency": "EUR", "total": "20.00",
        "date_created": "2026-11-20T10:00:00", "date_created_gmt": "2026-11-20T09:00:00", "date_modified_gmt": "2026-11-20T09:00:00",
        "shipping": {"country": "DE", "postcode": "10115", "city": "Berlin"}, "line_items": [{"id": 1, "name": "Mug", "sku": "MUG-1", "quantity": 1, "price": 20}],
        "meta_data": [{"key": "_wc_shipment_tracking_items", "value": [{"tracking_provider": "DHL Paket", "tracking_number": "A1", "tracking_id": "x"}]}]});
    api.webhook("woocommerce", "order.updated", "1", order.to_string().as_bytes()).await;
    let update = serde_json::json!({"event": "tracking_update", "event_id": "e1", "msg": {"tracking_number": "A1", "slug": "dhl-germany", "tag": "OutForDelivery",
        "subtag": "OutForDelivery_001", "checkpoints": [
            {"checkpoint_time": "2026-11-22T08:00:00", "tag": "InTransit", "subtag": "InTransit_003", "message": "Arrived", "country_iso3": "DEU"},
            {"checkpoint_time": "2026-11-23", "tag": "OutForDelivery", "subtag": "OutForDelivery_001", "message": "Out"}]}});
    api.webhook("aftership", "", "2", update.to_string().as_bytes()).await;
    let document = api.order("9").await;
    assert_eq!((document["number"].as_str(), document["status"].as_str()), (Some("#9"), Some("out_for_delivery")));
    // Every time in a document has an offset: the place's, or else the destination's.
    let times: Vec<_> =
        document["shipments"][0]["checkpoints"].as_array().unwrap().iter().map(|c| c["time"].as_str().unwrap()).collect();
    assert_eq!(times, ["2026-11-23T12:00:00+01:00", "2026-11-22T08:00:00+01:00"]);
}

#[tokio::test]
async fn what_a_table_does_not_know_is_counted_and_can_be_read_again() {
    let api = api().await;
    let update = |id: &str, subtag: &str| {
        serde_json::json!({"event_id": id, "msg": {"tracking_number": "A1", "slug": "ups", "tag": "Teleported", "subtag": subtag, "checkpoints": []}}).to_string()
    };
    for n in 0..3 {
        api.webhook("aftership", "", "", update(&format!("e{n}"), "Teleported_001").as_bytes()).await;
    }
    let (_, codes) = api.admin("GET", "codes", "", b"").await;
    assert_eq!(
        (codes[0]["source"].as_str(), codes[0]["code"].as_str(), codes[0]["count"].as_i64()),
        (Some("aftership"), Some("Teleported_001"), Some(3))
    );
    // What can't be read at all is set aside, as it came.
    api.webhook("shopify", "orders/create", "x", b"{\"id\": 1,").await;
    let (_, problems) = api.admin("GET", "problems", "", b"").await;
    let aside = problems[0]["event"].as_i64().unwrap();
    assert_eq!((problems[0]["kind"].as_str(), problems[0]["set_aside"].as_bool()), (Some("unreadable"), Some(true)));
    let (_, event) = api.admin("GET", &format!("events/{aside}"), "", b"").await;
    assert_eq!((event["body"].as_str(), event["state"].as_str()), (Some("{\"id\": 1,"), Some("set_aside")));
    let (status, answer) = api.admin("POST", "events/replay", "", b"").await;
    assert_eq!((status, answer["events"].as_i64()), (StatusCode::ACCEPTED, Some(1)));
    api.settle().await;
    let (_, again) = api.admin("GET", "problems", "", b"").await;
    assert_eq!(again.as_array().unwrap().len(), problems.as_array().unwrap().len(), "it is set aside once more, and listed once");
    assert_eq!(api.admin("POST", "events/999/replay", "", b"").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_customer_is_handed_out_and_forgotten() {
    let api = api().await;
    // More than are projected at once, all of the customer who is forgotten.
    for n in 0..40 {
        api.webhook("easypost", "", "", &tracker(&format!("early{n}"), "1Z1001", &[("2026-11-24T12:00:00Z", "in_transit")]))
            .await;
    }
    for id in [1001, 1002] {
        api.webhook("shopify", "orders/create", &format!("o{id}"), &order(id, "2026-11-23T10:00:00Z")).await;
        api.webhook("shopify", "fulfillments/create", &format!("f{id}"), &fulfillment(id, &format!("1Z{id}"))).await;
        api.webhook(
            "easypost",
            "",
            "",
            &tracker(&format!("e{id}"), &format!("1Z{id}"), &[("2026-11-24T12:00:00Z", "in_transit")]),
        )
        .await;
    }
    let ask = br#"{"shop_domain":"x","customer":{"id":1,"email":"ada@example.com"},"orders_requested":[1001]}"#;
    api.webhook("shopify", "customers/data_request", "r1", ask).await;
    let (_, requests) = api.admin("GET", "requests", "", b"").await;
    let id = requests[0]["id"].as_i64().unwrap();
    assert!(requests[0]["done_at"].is_null());
    let (_, export) = api.admin("GET", &format!("requests/{id}"), "", b"").await;
    let text = export.to_string();
    assert!(
        text.contains("1 Secret Street") && text.contains("1Z1001") && !text.contains("1Z1002"),
        "all of one order, nothing of others"
    );
    assert_eq!(api.admin("POST", &format!("requests/{id}/done"), "", b"").await.0, StatusCode::NO_CONTENT);

    let forget = br#"{"shop_domain":"x","customer":{"id":1,"email":"ada@example.com"},"orders_to_redact":[1001]}"#;
    api.webhook("shopify", "customers/redact", "r2", forget).await;
    let token = token::mint("demo", "1001", i64::MAX, SECRET);
    assert_eq!(api.get(&format!("/v1/orders/{token}")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.order("1002").await["status"], "shipped");
    let left = |sql: &'static str| api.state.db().read(move |db| Ok(db.query_row(sql, [], |r| r.get::<_, i64>(0))?));
    // The data request itself names the customer: it stays until it is done, and is not about an order's contents.
    assert_eq!(
        left("select count(*) from events where cast(body as text) like '%1Z1001%' or cast(body as text) like '%#1001%'")
            .await
            .unwrap(),
        0
    );
    assert_eq!(left("select count(*) from parcel_parts where tracking_number = '1Z1001'").await.unwrap(), 0);
    assert_eq!(
        left("select count(*) from promises where order_id = '1001' and request = '{}' and window_to is not null").await.unwrap(),
        1
    );
    // What is forgotten stays forgotten.
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(api.get(&format!("/v1/orders/{token}")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.order("1002").await["status"], "shipped");

    api.webhook("shopify", "shop/redact", "r3", br#"{"shop_domain":"x"}"#).await;
    for table in [
        "select count(*) from events",
        "select count(*) from orders",
        "select count(*) from promises",
        "select count(*) from documents",
    ] {
        assert_eq!(left(table).await.unwrap(), 0, "{table}");
    }
}

#[tokio::test]
async fn a_table_is_imported_once() {
    let api = api().await;
    let table = b"order_id,order_number,placed_at,country,postal_code,sku,quantity,carrier,tracking_number,status,time\n\
        77,#77,2026-11-20 09:00,DE,10115,MUG-1,2,DHL Paket,T1,in_transit,2026-11-21 10:00\n\
        78,#78,tomorrow,DE,10115,MUG-1,2,,,,\n";
    let (status, answer) = api.admin("POST", "imports?zone=Europe/Berlin", "text/csv", table).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!((answer["accepted"].as_i64(), answer["rejected"][0]["line"].as_i64()), (Some(1), Some(3)));
    api.settle().await;
    let document = api.order("77").await;
    assert_eq!(
        (document["status"].as_str(), document["shipments"][0]["carrier"].as_str()),
        (Some("shipped"), Some("dhl_parcel_de"))
    );
    assert_eq!(document["placed_at"], "2026-11-20T09:00:00+01:00");
    let (_, answer) = api.admin("POST", "imports?zone=Europe/Berlin", "text/csv", table).await;
    assert_eq!((answer["accepted"].as_i64(), answer["repeated"].as_i64()), (Some(0), Some(1)));
    for (path, kind, body, expected) in [
        ("imports?zone=Mars/Olympus", "text/csv", &table[..], StatusCode::UNPROCESSABLE_ENTITY),
        ("imports", "image/png", table, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("imports", "text/csv", b"a,b\n1,2\n", StatusCode::UNPROCESSABLE_ENTITY),
        ("imports", "application/x-ndjson", b"nonsense\n", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let (status, answer) = api.admin("POST", path, kind, body).await;
        assert_eq!(status, expected, "{answer}");
    }
}

/// All that may happen to two orders, in the order in which it happened.
fn story() -> Vec<(&'static str, &'static str, String, Vec<u8>)> {
    let mut events = Vec::new();
    for id in [1001u32, 1002] {
        events.push(("shopify", "orders/create", format!("o{id}"), order(id, "2026-11-23T10:00:00Z")));
        let text = String::from_utf8(order(id, "2026-11-23T10:00:00Z")).unwrap();
        let changed = text
            .replace(r#""updated_at":"2026-11-23"#, r#""updated_at":"2026-11-24"#)
            .replace("\"zip\":\"94103\"", "\"zip\":\"10001\"");
        events.push(("shopify", "orders/updated", format!("u{id}"), changed.into_bytes()));
        events.push(("shopify", "fulfillments/create", format!("f{id}"), fulfillment(id, &format!("1Z{id}"))));
        let said = format!(
            r#"{{"id":{id}5,"fulfillment_id":{id}1,"order_id":{id},"status":"in_transit","happened_at":"2026-11-24T13:00:00Z"}}"#
        );
        events.push(("shopify", "fulfillment_events/create", format!("e{id}"), said.into_bytes()));
        let scans = [
            ("2026-11-24T12:00:00Z", "in_transit"),
            ("2026-11-25T08:00:00Z", "out_for_delivery"),
            ("2026-11-25T11:00:00Z", "failure"),
            ("2026-11-26T11:00:00Z", "delivered"),
        ];
        for n in 1..=scans.len() {
            events.push(("easypost", "", String::new(), tracker(&format!("t{id}-{n}"), &format!("1Z{id}"), &scans[..n])));
        }
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    /// Shuffled, repeated, delayed: the same state, and the same again from a replay.
    #[test]
    fn any_order_of_arrival_ends_in_the_same_state(order in prop::collection::vec(any::<prop::sample::Index>(), 8..40)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let story = story();
            let mut states = Vec::new();
            let shuffled: Vec<usize> = order.iter().map(|i| i.index(story.len())).chain((0..story.len()).rev()).collect();
            for arrival in [(0..story.len()).collect::<Vec<_>>(), shuffled] {
                let api = api().await;
                for n in arrival {
                    let (source, topic, id, body) = &story[n];
                    assert_eq!(api.webhook(source, topic, id, body).await, StatusCode::OK);
                }
                let mut documents = Vec::new();
                for id in ["1001", "1002"] {
                    let mut document = api.order(id).await;
                    for changing in ["version", "computed_at", "sentence"] {
                        document.as_object_mut().unwrap().remove(changing);
                    }
                    documents.push(document);
                }
                let before = ingest::digest(&api.state).await.unwrap();
                ingest::replay(&api.state).await.unwrap();
                assert_eq!(ingest::digest(&api.state).await.unwrap(), before, "a replay ends equal");
                states.push(documents);
            }
            assert_eq!(states[0], states[1]);
        });
    }
}

/// A courier that the product does not come with: a file beside the configuration, and nothing else.
#[test]
fn a_couriers_file_named_by_the_configuration_is_known_to_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path());
    let couriers = dir.path().join("couriers");
    std::fs::create_dir(&couriers).unwrap();
    std::fs::write(
        couriers.join("northwind.json"),
        r#"{"name":"Northwind","courier_code":"northwind","tracking_numbers":[{"name":"Northwind Express","regex":"NW(?<SerialNumber>[0-9]{9})(?<CheckDigit>[0-9])","validation":{"checksum":{"name":"mod7"}},"tracking_url":"https://northwind.example/%s"}]}"#,
    )
    .unwrap();
    let number = |serial: u32, off: u32| format!("NW{serial}{}", (serial % 7 + off) % 7);
    let carriers = |with: bool| {
        let text = std::fs::read_to_string(&config).unwrap();
        let line = format!("couriers = {couriers:?}\n");
        let text = if with { line + &text } else { text.replace(&line, "") };
        std::fs::write(&config, text).unwrap();
        let database = dir.path().join("test.sqlite");
        let _ = std::fs::remove_file(&database);
        let mut server = crash::start(&config);
        // The store does not say who carries it: the number does.
        for (order, number) in [(1, number(100_000_007, 0)), (2, number(100_000_007, 1))] {
            let placed = super::order(order, "2026-11-23T15:00:00Z");
            assert!(crash::post(&server.1, "shopify", "orders/create", &format!("o{order}"), &placed));
            let shipped = String::from_utf8(fulfillment(order, &number))
                .unwrap()
                .replace(r#""tracking_company":"UPS""#, r#""tracking_company":null"#);
            assert!(crash::post(&server.1, "shopify", "fulfillments/create", &format!("f{order}"), shipped.as_bytes()));
        }
        let read = |order: u32| {
            let token = token::mint("demo", &order.to_string(), i64::MAX, SECRET);
            for _ in 0..200 {
                let document = crash::get(&server.1, &format!("/v1/orders/{token}"));
                if document["shipments"][0]["tracking_number"].is_string() {
                    return document["shipments"][0].clone();
                }
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            panic!("the parcel of order {order} did not appear");
        };
        let found = [read(1), read(2)];
        server.kill();
        found
    };
    let [right, wrong] = carriers(true);
    assert_eq!((right["carrier"].as_str(), right["carrier_name"].as_str()), (Some("northwind"), Some("Northwind")), "{right}");
    assert_ne!(wrong["carrier"], "northwind", "{wrong}");
    assert!(right["tracking_url"].as_str().unwrap().starts_with("https://northwind.example/NW"), "{right}");
    let [right, _] = carriers(false);
    assert_ne!(right["carrier"], "northwind", "without the file nobody knows it: {right}");
}
