//! What is said in each state, in English, by the texts that shoppers get.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use promise::{Day, Estimate, Instant};
use serde_json::{Value, json};
use view::{Locale, estimate::Ui, node::plain, order::sentence};
use wire::OrderDocument;

/// English, with ISO dates: what is tested is the words, not `Intl`.
struct English(Value);

impl Locale for English {
    fn text(&self, key: &str, plural: Option<&str>) -> Option<String> {
        let found = &self.0[key];
        Some(plural.map_or(found, |p| &found[p]).as_str()?.to_owned())
    }
    fn plural(&self, n: u32) -> String {
        if n == 1 { "one" } else { "other" }.into()
    }
    fn number(&self, n: u32) -> String {
        n.to_string()
    }
    fn day(&self, day: Day) -> String {
        day.to_string()
    }
    fn days(&self, from: Day, to: Day) -> String {
        format!("{from} – {to}")
    }
    fn time(&self, at: Instant, offset: i32) -> String {
        let s = at.local(offset).1;
        format!("{:02}:{:02}", s / 3600, s / 60 % 60)
    }
    fn money(&self, minor: i64, currency: &str) -> String {
        format!("{currency} {}.{:02}", minor / 100, minor % 100)
    }
    fn language(&self) -> String {
        "en-US".into()
    }
}

fn english() -> English {
    English(serde_json::from_str(include_str!("../../../www/i18n/en.json")).unwrap())
}

fn said(e: Value, surface: &str, now: &str) -> String {
    let e: Estimate = serde_json::from_value(e).unwrap();
    plain(&view::estimate::estimate(&e, &Ui { surface: surface.into() }, Instant::parse(now).unwrap(), &english()))
}

fn offer() -> Value {
    json!({"method": "standard", "name": "Standard", "price": 495, "window": {"from": "2026-12-02", "to": "2026-12-04"}, "days": [3, 6]})
}

#[test]
fn the_answer_comes_first_with_a_true_countdown() {
    let mut o = offer();
    o["cutoff"] = json!({"at": "2026-12-01T20:00:00Z", "then": {"from": "2026-12-03", "to": "2026-12-07"}});
    let e = json!({"precision": "postal_code", "style": "range", "destination": {"postal_code": "94103"}, "options": [o]});
    assert_eq!(
        said(e.clone(), "product", "2026-12-01T17:47:00Z"),
        "Get it 2026-12-02 – 2026-12-04 Order within 2 h 13 min · to 94103"
    );
    assert_eq!(said(e, "product", "2026-12-01T20:00:00Z"), "Get it 2026-12-02 – 2026-12-04 to 94103");
}

#[test]
fn unknown_destinations_get_a_range_and_a_question() {
    let e = json!({"precision": "unknown", "style": "range", "options": [offer()]});
    let text = said(e, "product", "2026-12-01T17:47:00Z");
    assert!(text.starts_with("In most places within 3 to 6 days Enter your postal code"), "{text}");
}

#[test]
fn checkout_shows_each_method_and_known_delays_above() {
    let mut fast = offer();
    fast["name"] = json!("Express");
    fast["tags"] = json!(["fastest"]);
    let delay = json!({"id": "s", "reason": "weather", "severity": 2, "days": 1, "message": [["en", "Snow in Memphis"]]});
    let e =
        json!({"precision": "postal_code", "style": "range", "currency": "USD", "options": [offer(), fast], "delays": [delay]});
    assert_eq!(
        said(e, "checkout", "2026-12-01T17:47:00Z"),
        "● Snow in Memphis adds about a day Standard 2026-12-02 – 2026-12-04 USD 4.95 Express 2026-12-02 – 2026-12-04 USD 4.95 Fastest"
    );
}

#[test]
fn what_cannot_be_delivered_is_said() {
    let e = json!({"precision": "postal_code", "options": [{"method": "s", "obstacle": "excluded_zone"}]});
    assert_eq!(said(e, "product", "2026-12-01T17:47:00Z"), "We can't deliver this to you");
}

#[test]
fn each_state_of_an_order_has_its_sentence() {
    let base = json!({"number": "#1", "promise": {"from": "2026-12-02", "to": "2026-12-04"}});
    for (change, headline, detail) in [
        (
            json!({"status": "ordered", "estimate": {"from": "2026-12-02", "to": "2026-12-04"}}),
            "Arriving 2026-12-02 – 2026-12-04",
            "We're packing it · Promised by 2026-12-04",
        ),
        (
            json!({"status": "shipped", "estimate": {"from": "2026-12-03", "to": "2026-12-03"}}),
            "Arriving 2026-12-03",
            "Promised by 2026-12-04",
        ),
        (
            json!({"status": "shipped", "estimate": {"from": "2026-12-06", "to": "2026-12-09", "outlook": "late"}}),
            "Running late. Now expected 2026-12-06 – 2026-12-09",
            "Sorry. Promised by 2026-12-04",
        ),
        (
            json!({"status": "shipped", "estimate": {"from": "2026-12-05", "to": "2026-12-05", "outlook": "at_risk"}}),
            "Probably 2026-12-05, later than promised",
            "Promised by 2026-12-04",
        ),
        (json!({"status": "cancelled"}), "This order was cancelled", ""),
        (
            json!({"status": "delivered", "shipments": [{"status": "delivered", "delivered_at": "2026-12-03T14:12:00-06:00"}]}),
            "Delivered 2026-12-03, 14:12",
            "",
        ),
    ] {
        let mut value = base.clone();
        value.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let d: OrderDocument = serde_json::from_value(value).unwrap();
        let s = sentence(&d, &english());
        assert_eq!((s.headline.as_str(), s.detail.as_str()), (headline, detail));
    }
}

#[test]
fn a_timeline_is_grouped_by_the_day_of_the_scan() {
    let d: OrderDocument = serde_json::from_value(json!({"status": "shipped", "shipments": [{"status": "in_transit", "carrier_name": "UPS",
        "checkpoints": [{"time": "2026-12-02T00:30:00+01:00", "status": "in_transit", "location": "Köln", "message": "<b>hub</b>"},
            {"time": "2026-12-01T22:00:00+01:00", "status": "info_received"}]}]}))
    .unwrap();
    let text = plain(&view::order::order(&d, &english()));
    assert!(text.contains("2026-12-02 00:30 On the way Köln <b>hub</b> 2026-12-01 22:00 Label made"), "{text}");
}
