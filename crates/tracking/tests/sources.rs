//! Payloads written by hand after each source's documents: what is newest in them, what they send to try a webhook, and what is broken.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use tracking::{
    facts::{Facts, Shipment},
    source::{names, read},
    status::Status,
};

fn facts(source: &str, body: &Value) -> Facts {
    read(source, None, &serde_json::to_vec(body).unwrap()).unwrap()
}

fn one(source: &str, body: &Value) -> Shipment {
    let mut facts = facts(source, body);
    assert_eq!(facts.shipments.len(), 1, "{source}: {:?}", facts.problems);
    facts.shipments.remove(0)
}

/// Each checkpoint as `time status/sub`.
fn told(shipment: &Shipment) -> Vec<String> {
    let word = |c: &tracking::facts::Checkpoint| {
        let sub = c.sub_status.as_deref().map_or_else(String::new, |s| format!("/{s}"));
        format!("{} {}{sub}", c.time.as_deref().unwrap_or("-"), c.status.as_str())
    };
    shipment.checkpoints.iter().map(word).collect()
}

#[test]
fn dpd_meta_pushes_one_state_at_a_time() {
    let parcel = one(
        "dpd_meta",
        &json!({"pushid": "335298", "ref": "4711", "pnr": "01234567890123", "depot": "0163", "status": "delivery_customer",
            "statusdate": "04122026071600", "receiver": "Muster", "services": "101_DE"}),
    );
    assert_eq!((parcel.carrier.as_deref(), parcel.tracking_number.as_str()), (Some("dpd"), "01234567890123"));
    assert_eq!((parcel.status, parcel.signed_by.as_deref()), (Status::Delivered, Some("Muster")));
    assert_eq!(told(&parcel), ["2026-12-04T07:16:00+01:00 delivered"]);
    let states = [
        ("start_order", "info_received"),
        ("pickup_driver", "in_transit/picked_up"),
        ("delivery_carload", "out_for_delivery"),
        ("delivery_shop", "available_for_pickup"),
        ("error_return", "exception/returning"),
        ("no_pickup_by_consignee", "exception/unclaimed"),
    ];
    for (code, status) in states {
        let parcel =
            one("dpd_meta", &json!({"pushid": 1, "pnr": "01234567890123", "status": code, "statusdate": "13122026235959"}));
        assert_eq!(told(&parcel), [format!("2026-12-13T23:59:59+01:00 {status}")], "{code}");
    }
    // Several at once; a date that is none loses its event's time, nothing else.
    let several = facts(
        "dpd_meta",
        &json!([{"pnr": "1", "status": "pickup_depot", "statusdate": "bad"}, {"pnr": "2", "status": "new_code"}]),
    );
    assert_eq!(several.shipments.len(), 2);
    assert!(["unreadable_time", "unknown_code"].iter().all(|kind| several.problems.iter().any(|p| p.kind == *kind)));
}

#[test]
fn austrian_posts_answer_is_read_by_its_state_keys() {
    let event = |key: &str, at: &str, text: &str| json!({"trackingStateKey": key, "timestamp": at, "textEn": text, "text": "…", "eventcountry": "AT", "eventpostalcode": "1010", "eventPlaceName": "Wien"});
    let parcel = one(
        "postat",
        &json!({"data": {"einzelsendung": {"sendungsnummer": "1000000000000000000001", "status": "ZU", "weight": 1.5,
            "estimatedDelivery": {"startDate": "2026-11-27"}, "shipper": {"city": "Graz", "country": "AT"},
            "sendungsEvents": [event("delivered", "2026-11-27T10:02:00", "Item delivered"), event("inDelivery", "2026-11-27T07:00:00", "Item in delivery"),
                event("inDistribution", "2026-11-26T20:00:00", "Item distributed"), event("deliveryHandOver", "2026-11-25T18:00:00", "Item accepted")]}}}),
    );
    assert_eq!((parcel.carrier.as_deref(), parcel.status), (Some("postat"), Status::Delivered));
    assert_eq!(
        told(&parcel),
        [
            "2026-11-25T18:00:00+01:00 in_transit/accepted",
            "2026-11-26T20:00:00+01:00 in_transit",
            "2026-11-27T07:00:00+01:00 out_for_delivery",
            "2026-11-27T10:02:00+01:00 delivered"
        ]
    );
    assert_eq!(parcel.checkpoints[3].location.as_deref(), Some("Wien, AT"));
    let unknown = facts(
        "postat",
        &json!({"errors": [{"message": "not found", "extensions": {"code": "404"}}], "data": {"einzelsendung": null}}),
    );
    assert_eq!((unknown.shipments.len(), unknown.problems[0].kind.as_str()), (0, "carrier_error"));
}

#[test]
fn track123_answers_as_it_pushes() {
    let content = json!({"trackNo": "1Z999AA10123456784", "transitStatus": "DELIVERED", "transitSubStatus": "DELIVERED_01",
        "localLogisticsInfo": {"courierCode": "ups", "courierNameEN": "UPS", "trackingDetails": [
            {"address": "Fontana, CA", "eventTime": "2026-11-20 16:15:00", "timezone": "-08:00", "eventDetail": "Delivered", "eventTimeZeroUTC": "2026-11-21T00:15:00Z"},
            {"address": "Fontana, CA", "eventTime": "2026-11-20 08:00:00", "timezone": "-08:00", "eventDetail": "Out for delivery", "eventTimeZeroUTC": "2026-11-20T16:00:00Z"}]}});
    let expected = ["2026-11-20T08:00:00-08:00 out_for_delivery", "2026-11-20T16:15:00-08:00 delivered"];
    for body in [
        json!({"code": "00000", "msg": "success", "data": {"accepted": {"content": [content]}, "rejected": []}}),
        json!({"data": [content]}),
        json!({"data": content}),
        content.clone(),
    ] {
        let parcel = one("track123", &body);
        assert_eq!(
            (parcel.carrier.as_deref(), parcel.status, told(&parcel)),
            (Some("ups"), Status::Delivered, expected.map(str::to_owned).into())
        );
    }
    let refused = facts("track123", &json!({"code": "A0400", "msg": "bad key"}));
    assert_eq!((refused.problems[0].kind.as_str(), refused.problems[0].code.as_deref()), ("carrier_error", Some("A0400")));
}

#[test]
fn trackingmore_pushes_one_and_answers_many() {
    let tracking = json!({"tracking_number": "9400110898825022579493", "courier_code": "usps", "delivery_status": "delivered", "substatus": "delivered001",
        "origin_info": {"courier_code": "usps", "trackinfo": [
            {"checkpoint_date": "2026-11-20T16:15:00-08:00", "checkpoint_delivery_status": "delivered", "checkpoint_delivery_substatus": "delivered001", "tracking_detail": "Delivered", "location": "Fontana, CA"},
            {"checkpoint_date": "2026-11-20T08:00:00-08:00", "checkpoint_delivery_status": "pickup", "checkpoint_delivery_substatus": "pickup001", "tracking_detail": "Out for Delivery"}]}});
    for body in [json!({"meta": {"code": 200}, "data": tracking}), json!({"meta": {"code": 200}, "data": [tracking]})] {
        let parcel = one("trackingmore", &body);
        assert_eq!((parcel.carrier.as_deref(), parcel.status), (Some("usps"), Status::Delivered));
        assert_eq!(told(&parcel), ["2026-11-20T08:00:00-08:00 out_for_delivery", "2026-11-20T16:15:00-08:00 delivered"]);
    }
    let refused = facts("trackingmore", &json!({"meta": {"code": 4031, "message": "No trackings found"}, "data": []}));
    assert_eq!(refused.problems[0].code.as_deref(), Some("4031"));
}

#[test]
fn aftership_says_the_same_in_each_version() {
    let checkpoint = |tag: &str, subtag: &str, at: &str| json!({"checkpoint_time": at, "tag": tag, "subtag": subtag, "message": "…", "city": "Boston", "country_iso3": "USA", "country_region": "USA"});
    let tracking = json!({"id": "x", "tracking_number": "1Z999AA10123456784", "slug": "ups", "tag": "AvailableForPickup", "subtag": "AvailableForPickup_001",
        "checkpoints": [checkpoint("InTransit", "InTransit_003", "2026-11-20T08:00:00-05:00"), checkpoint("AvailableForPickup", "AvailableForPickup_001", "2026-11-20T18:00:00-05:00")],
        "latest_estimated_delivery": {"type": "specific", "source": "AfterShip EDD", "datetime": "2026-11-21"}});
    for body in [
        json!({"event": "tracking_update", "msg": tracking, "ts": 1}),
        json!({"event": "tracking_update", "event_id": "e", "is_tracking_first_tag": true, "msg": tracking, "ts": 1}),
        json!({"meta": {"code": 200}, "data": {"tracking": tracking}}),
        json!({"meta": {"code": 200}, "data": {"trackings": [tracking]}}),
        tracking.clone(),
        json!({"meta": {"code": 200}, "data": tracking}),
    ] {
        let parcel = one("aftership", &body);
        assert_eq!(
            (parcel.status, parcel.estimated_delivery.as_deref()),
            (Status::AvailableForPickup, Some("2026-11-21")),
            "{body}"
        );
        assert_eq!(
            told(&parcel),
            ["2026-11-20T08:00:00-05:00 in_transit/arrived", "2026-11-20T18:00:00-05:00 available_for_pickup"]
        );
    }
}

/// What sources send when somebody presses "send a test": nothing of it is about a parcel of the store, and none is unreadable.
#[test]
fn events_that_only_try_the_webhook_are_read() {
    for (source, body) in [
        ("aftership", json!({"event": "test", "msg": {}, "ts": 1})),
        (
            "shippo",
            json!({"event": "track_updated", "test": true, "data": {"carrier": "shippo", "tracking_number": "SHIPPO_TRANSIT", "tracking_status": {"status": "TRANSIT", "status_date": "2026-11-20T08:00:00Z", "status_details": "On its way"},
            "tracking_history": [{"status": "TRANSIT", "status_date": "2026-11-20T08:00:00Z", "status_details": "On its way"}]}}),
        ),
        ("shippo", json!({"event": "transaction_created", "test": true, "data": {"object_state": "VALID", "status": "SUCCESS"}})),
        (
            "shipengine",
            json!({"resource_url": "https://api.shipengine.com/v1/tracking?carrier_code=usps", "resource_type": "API_TRACK", "data": {"tracking_number": "9400111298370264401222", "status_code": "IT",
            "events": [{"occurred_at": "2026-11-20T13:00:00Z", "carrier_occurred_at": "2026-11-20T08:00:00", "description": "Arrived", "status_code": "IT", "event_code": "10"}]}}),
        ),
        ("shipengine", json!({"resource_url": "https://api.shipengine.com/v1/batches/1", "resource_type": "API_BATCH"})),
        ("17track", json!({"event": "TRACKING_STOPPED", "data": {"number": "RR123456785CN", "carrier": 3011, "tag": null}})),
        (
            "17track",
            json!({"event": "TRACKING_UPDATED", "data": {"number": "RR123456785CN", "carrier": 3011, "track_info": {"latest_status": {"status": "InTransit", "sub_status": "InTransit_Other"},
            "tracking": {"providers": [{"provider": {"key": 3011, "name": "China Post"}, "events": [{"time_iso": "2026-11-20T08:00:00+08:00", "time_utc": "2026-11-20T00:00:00Z", "description": "Departed", "sub_status": "InTransit_Departure"}]}]}}}}),
        ),
        ("easypost", json!({"object": "Event", "description": "batch.created", "result": {"object": "Batch"}})),
        (
            "easypost",
            json!({"object": "Event", "description": "tracker.created", "mode": "test", "result": {"object": "Tracker", "tracking_code": "EZ1000000001", "status": "pre_transit", "carrier": "USPS", "tracking_details": []}}),
        ),
        ("woocommerce", json!({"webhook_id": 5})),
        ("trackingmore", json!({"meta": {"code": 200, "message": "Success"}, "data": {}})),
        ("track123", json!({})),
    ] {
        let found = facts(source, &body);
        assert!(found.orders.is_empty() && found.shipments.iter().all(|s| !s.tracking_number.is_empty()), "{source} {body}");
        assert!(
            !found.shipments.is_empty() || !found.problems.is_empty(),
            "{source} {body}: neither a parcel nor a word on why not"
        );
        assert!(found.shipments.iter().all(|s| s.status != Status::Delivered), "{source} {body}");
    }
}

#[test]
fn a_huge_number_a_deep_list_or_a_cut_body_is_refused_or_harmless_everywhere() {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(5000), close.repeat(5000)).into_bytes();
    let wide: Vec<u8> = "\u{feff}{\"a\": 1}".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let whole = br#"{"data": {"tracking_number": "1Z999AA10123456784", "msg": {"tracking_number": 1e400}}, "weight": 99999999999999999999999999999999999, "id": 1, "id": 2}"#;
    let bodies: Vec<Vec<u8>> = vec![
        deep("[", "]"),
        deep("{\"a\":", "}"),
        deep("<a>", "</a>"),
        whole.to_vec(),
        b"{\"tracking_number\": 123456789012345678901234567890, \"weight\": -1e308, \"status\": [null, [[]]], \"events\": {\"a\": 1}}".to_vec(),
        b"{\"tracking_number\": \"\\ud800\"}".to_vec(),
        b"{\"tracking_number\": \"\\u0000\", \"status\": \"\xff\"}".to_vec(),
        b"\xef\xbb\xbf".to_vec(),
        b"\xef\xbb\xbf[]".to_vec(),
        wide,
        b"<?xml version='1.0' encoding='no-such'?><a>\xff</a>".to_vec(),
        b"<!DOCTYPE l [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><l>&b;</l>".to_vec(),
        b"<?xml version='1.0'?><!DOCTYPE r SYSTEM 'file:///etc/passwd'><r/>".to_vec(),
        b"null".to_vec(),
        b"\"text\"".to_vec(),
        b"{} {}".to_vec(),
    ];
    for source in names() {
        for body in &bodies {
            if let Ok(found) = read(source, None, body) {
                assert!(
                    found.shipments.iter().all(|s| s.status != Status::Delivered),
                    "{source}: {}",
                    String::from_utf8_lossy(&body[..body.len().min(99)])
                );
                assert!(
                    !found.shipments.is_empty() || !found.orders.is_empty() || !found.problems.is_empty(),
                    "{source}: silence"
                );
            }
        }
        for end in 0..whole.len() {
            assert!(read(source, None, &whole[..end]).is_err(), "{source}: cut at {end}");
        }
    }
}
