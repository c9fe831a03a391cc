//! Carts: stock by origin, parts, pre-orders and back-orders, boxes and lockers, signatures, pick-up.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use promise::{
    Estimate, Instant, Request, estimate,
    estimate::{Destination, Line, Part},
    policy::Policy,
};
use serde_json::{Value, json};

const NOW: &str = "2026-11-30T15:00:00Z"; // a Monday

fn ask(change: impl FnOnce(&mut Value), items: &[(&str, u32)], to: Destination) -> Estimate {
    let cutoffs = json!({"mon": "14:00", "tue": "14:00", "wed": "14:00", "thu": "14:00", "fri": "14:00"});
    let origin = |id: &str, handling: u32| json!({"id": id, "name": id, "time_zone": "America/Chicago", "handling": {"min": handling, "max": handling}, "cutoffs": cutoffs});
    let mut policy = json!({
        "currency": "USD", "confidence": 80,
        "origins": [origin("memphis", 0), origin("reno", 0)],
        "services": [{"id": "ground", "carrier": "ups", "name": "Ground"}, {"id": "post", "carrier": "usps", "name": "Post"}],
        "zones": [{"id": "us", "name": "US", "places": [{"country": "US"}]}],
        "transit": [{"service": "ground", "origin": "memphis", "days": {"weights": [0, 1]}}, {"service": "ground", "origin": "reno", "days": {"weights": [0, 0, 1]}},
            {"service": "post", "days": {"weights": [0, 0, 0, 1]}}],
        "methods": [{"id": "standard", "name": "Standard", "services": ["ground", "post"]}],
        "items": [{"sku": "A", "stock": {"memphis": 2, "reno": 3}}, {"sku": "B", "stock": {"reno": 5}}]
    });
    change(&mut policy);
    let policy: Policy = serde_json::from_value(policy).unwrap();
    assert_eq!(policy.validate(), []);
    let items = items.iter().map(|(sku, quantity)| Line { sku: (*sku).into(), quantity: *quantity }).collect();
    let now = Instant::parse(NOW).unwrap();
    estimate(&policy.document(now), &Request { items, destination: to, method: None }, now)
}

fn us() -> Destination {
    Destination { country: "US".into(), postal_code: "94103".into(), ..Destination::default() }
}

fn to(e: &Estimate) -> String {
    e.options[0].window.map(|w| w.to.to_string()).or_else(|| e.options[0].obstacle.clone()).unwrap()
}

/// Each part: origin, `(line, quantity)`, last day.
fn parts(e: &Estimate) -> Vec<String> {
    let part = |p: &Part| format!("{} {:?} {:?} {}", p.origin, p.items, p.quantities, p.window.to);
    e.options[0].parts.iter().map(part).collect()
}

#[test]
fn the_quickest_origin_with_stock_ships() {
    assert_eq!(to(&ask(|_| {}, &[("A", 2)], us())), "2026-12-01");
    assert_eq!(to(&ask(|_| {}, &[("A", 3)], us())), "2026-12-02", "memphis has two only");
    assert_eq!(to(&ask(|_| {}, &[("A", 1), ("B", 1)], us())), "2026-12-02", "reno has both");
    assert_eq!(to(&ask(|_| {}, &[("A", 1), ("A", 2)], us())), "2026-12-02", "lines of one SKU are counted together");
    let preferred = |p: &mut Value| p["zones"][0]["origins"] = json!(["reno", "memphis"]);
    assert_eq!(ask(preferred, &[("A", 2)], us()).options[0].origin, "reno");
    let only = |p: &mut Value| p["zones"][0]["origins"] = json!(["memphis"]);
    assert_eq!(to(&ask(only, &[("B", 1)], us())), "not_available", "the zone is served from memphis alone");
}

#[test]
fn quantity_beyond_stock_comes_in_parts_or_not_at_all() {
    let e = ask(|_| {}, &[("A", 4)], us());
    assert_eq!(parts(&e), ["reno [0] [3] 2026-12-02", "memphis [0] [1] 2026-12-01"]);
    assert_eq!(to(&e), "2026-12-02");
    assert_eq!(to(&ask(|_| {}, &[("A", 6)], us())), "not_available", "there are five");
    assert_eq!(to(&ask(|p| p["ship"] = json!("complete"), &[("A", 4)], us())), "not_together");
    assert_eq!(to(&ask(|p| p["ship"] = json!("complete"), &[("A", 9)], us())), "not_available");
}

#[test]
fn what_is_there_goes_now_and_the_rest_when_it_comes() {
    let more = |mode: &'static str| {
        move |p: &mut Value| {
            p["ship"] = json!(mode);
            p["items"][1] = json!({"sku": "B", "stock": {"reno": 2}, "available_from": "2026-12-09", "origins": ["reno"]});
        }
    };
    let together = ask(more("together"), &[("B", 5)], us());
    assert_eq!((to(&together).as_str(), parts(&together).len()), ("2026-12-11", 0));
    let e = ask(more("as_ready"), &[("B", 5), ("A", 1)], us());
    assert_eq!(parts(&e), ["reno [0] [2] 2026-12-02", "reno [0] [3] 2026-12-11", "memphis [1] [1] 2026-12-01"]);
    assert_eq!((e.options[0].window.unwrap().from.to_string(), to(&e)), ("2026-12-01".into(), "2026-12-11".into()));
    assert!(e.options[0].steps.iter().any(|s| s.kind == "parts" && s.days == Some((3, 3))));
    assert!(e.options[0].steps.iter().any(|s| s.kind == "back_in_stock"));
}

#[test]
fn back_orders_wait_working_days_and_pre_orders_for_a_day() {
    let back =
        |p: &mut Value| p["items"][1] = json!({"sku": "B", "stock": {"reno": 0}, "back_order": {"weights": [0, 0, 0, 0, 0, 1]}});
    let e = ask(back, &[("B", 1)], us());
    assert_eq!(to(&e), "2026-12-08", "five working days after Monday, one on the way: the quicker origin gets it");
    assert!(e.options[0].steps.iter().any(|s| s.kind == "back_order" && s.days == Some((5, 5))));
    let pre = |p: &mut Value| p["items"][1] = json!({"sku": "B", "available_from": "2027-01-04"});
    assert_eq!(to(&ask(pre, &[("B", 1)], us())), "2027-01-05");
    let wrong: Policy = serde_json::from_value(json!({"items": [{"sku": "B", "back_order": {"min": 1}}, {"sku": "B"}]})).unwrap();
    let fields: Vec<String> = wrong.validate().into_iter().map(|i| i.field).filter(|f| f.starts_with("items")).collect();
    assert_eq!(fields, ["items[0].back_order", "items[1].sku"]);
}

#[test]
fn post_office_boxes_take_another_service_or_none() {
    let no_boxes = |p: &mut Value| p["services"][0]["no_po_boxes"] = json!(true);
    let boxed = || Destination { po_box: true, ..us() };
    let e = ask(no_boxes, &[("A", 1)], boxed());
    assert_eq!((e.options[0].service.as_str(), to(&e).as_str()), ("post", "2026-12-03"));
    let neither = |p: &mut Value| (0..2).for_each(|n| p["services"][n]["no_po_boxes"] = json!(true));
    assert_eq!(to(&ask(neither, &[("A", 1)], boxed())), "no_po_boxes");
    let counter = |p: &mut Value| {
        p["services"][0]["no_po_boxes"] = json!(true);
        p["methods"][0]["to"] = json!("pickup_point");
    };
    let e = ask(counter, &[("A", 1)], boxed());
    assert_eq!((e.options[0].service.as_str(), e.options[0].to.as_str()), ("ground", "pickup_point"), "the shop is no box");
}

#[test]
fn signatures_need_a_service_and_somebody() {
    let signed = |p: &mut Value| {
        p["items"][0]["signature"] = json!(true);
        p["services"][0]["no_signature"] = json!(true);
    };
    let e = ask(signed, &[("A", 1)], us());
    assert_eq!((e.options[0].service.as_str(), e.options[0].signature), ("post", true));
    let locker = |p: &mut Value| {
        p["items"][0]["signature"] = json!(true);
        p["methods"][0]["to"] = json!("locker");
    };
    assert_eq!(to(&ask(locker, &[("A", 1)], us())), "no_signature");
    assert_eq!(to(&ask(locker, &[("B", 1)], us())), "2026-12-02");
    let wrong: Policy =
        serde_json::from_value(json!({"methods": [{"id": "x", "services": ["y"], "to": "locker", "signature": true}]})).unwrap();
    assert!(wrong.validate().iter().any(|i| i.field == "methods[0].signature"));
}

#[test]
fn collected_at_the_store_it_is_ready_when_it_is_packed() {
    let store = |p: &mut Value| {
        p["methods"][0] = json!({"id": "collect", "to": "store"});
        p["origins"][0]["pickup_days"] = json!(["fri"]);
    };
    let e = ask(store, &[("A", 1)], Destination { country: "FR".into(), ..Destination::default() });
    assert_eq!(
        (to(&e).as_str(), e.options[0].to.as_str()),
        ("2026-11-30", "store"),
        "today, whatever the carrier's days, wherever one lives"
    );
    assert!(e.options[0].steps.iter().any(|s| s.kind == "ready"));
}

#[test]
fn items_that_a_method_cannot_carry_say_so() {
    assert_eq!(to(&ask(|p| p["items"][0]["not_by"] = json!(["standard"]), &[("A", 1)], us())), "item_not_by_method");
}

#[test]
fn holidays_on_the_way_are_named() {
    let e = ask(|p| p["services"][0]["closures"] = json!(["2026-12-01"]), &[("B", 1)], us());
    let closed: Vec<_> = e.options[0].steps.iter().filter(|s| s.kind == "holiday").map(|s| s.day.unwrap().to_string()).collect();
    assert_eq!((closed, to(&e)), (vec!["2026-12-01".to_owned()], "2026-12-03".into()));
}
