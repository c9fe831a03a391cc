//! What is said in each state, in English, by the texts that shoppers get.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use promise::{Day, Estimate, Instant};
use serde_json::{Value, json};
use view::{
    Locale,
    estimate::Ui,
    node::plain,
    order::{Reader, sentence},
};
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
    fn relative(&self, n: i64, unit: &str) -> String {
        match (n, unit) {
            (-1..=1, "day") => ["yesterday", "today", "tomorrow"][(n + 1) as usize].into(),
            _ => format!("{} {unit} ago", -n),
        }
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
    plain(&view::estimate::estimate(
        &e,
        &Ui { surface: surface.into(), ..Ui::default() },
        Instant::parse(now).unwrap(),
        &english(),
    ))
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
        "Get it 2026-12-02 – 2026-12-04 Order within 2 h 13 min; after that 2026-12-03 – 2026-12-07 to 94103 change Why this date?"
    );
    assert_eq!(said(e, "product", "2026-12-01T20:00:00Z"), "Get it 2026-12-02 – 2026-12-04 to 94103 change Why this date?");
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
        "● Snow in Memphis adds about a day Standard 2026-12-02 – 2026-12-04 USD 4.95 Why this date? \
         Express 2026-12-02 – 2026-12-04 USD 4.95 Fastest Why this date? I need it by"
    );
}

#[test]
fn what_cannot_be_delivered_is_said() {
    let e = json!({"precision": "postal_code", "options": [{"method": "s", "obstacle": "excluded_zone"}]});
    let text = said(e, "product", "2026-12-01T17:47:00Z");
    assert!(text.starts_with("We can't deliver this to you Enter your postal code"), "{text}");
    let e = json!({"precision": "postal_code", "zone": "Alaska", "options": [{"method": "s", "obstacle": "excluded_zone"}]});
    assert!(said(e, "product", "2026-12-01T17:47:00Z").starts_with("We can't deliver this to Alaska"));
    let e = json!({"precision": "postal_code", "options": [{"method": "s", "obstacle": "not_available"}]});
    assert!(said(e, "product", "2026-12-01T17:47:00Z").starts_with("Sold out for now"));
}

#[test]
fn every_step_of_why_has_words() {
    let mut o = offer();
    o["steps"] = json!([
        {"kind": "ordered", "day": "2026-12-01"}, {"kind": "cutoff_missed", "day": "2026-12-02", "name": "Memphis"},
        {"kind": "not_a_working_day", "day": "2026-12-02", "name": "Memphis"}, {"kind": "handling", "days": [0, 1], "name": "Memphis"},
        {"kind": "dispatch", "day": "2026-12-03", "name": "Memphis"}, {"kind": "transit", "days": [3, 5], "name": "UPS Ground"},
        {"kind": "delay", "days": [1, 1], "name": "weather"}, {"kind": "unheard_of", "days": [1, 1]}]);
    let e = json!({"precision": "postal_code", "style": "range", "destination": {"postal_code": "94103"}, "options": [o]});
    let text = said(e, "product", "2026-12-01T17:47:00Z");
    let why = text.split_once("Why this date? ").unwrap().1;
    assert_eq!(
        why,
        "Today's cut-off in Memphis has passed: we start on 2026-12-02 Memphis works again on 2026-12-02 Packing takes up to 1 working day \
         Leaves Memphis on 2026-12-03 3–5 working days on the way with UPS Ground Weather: about a day more"
    );
}

/// Midday of Thursday, 3 December 2026, in UTC.
const NOW: &str = "2026-12-03T12:00:00Z";

fn document(change: &Value) -> OrderDocument {
    let mut value = json!({"number": "#1", "promise": {"from": "2026-12-02", "to": "2026-12-04"}, "store": {"support_url": "https://shop.example/help"}});
    value.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

#[test]
fn each_state_of_an_order_has_its_sentence() {
    let to = |from: &str, to: &str, outlook: &str| json!({"from": from, "to": to, "outlook": outlook});
    let on_the_way = |status: &str, estimate: Value| {
        json!({"status": status, "estimate": estimate, "shipments": [{"status": "in_transit", "last_scan_at": "2026-11-30T09:00:00Z",
            "estimate": estimate, "checkpoints": [{"status": "in_transit", "location": "Memphis, TN, US"}]}]})
    };
    let trouble = |sub: &str| {
        json!({"status": "exception", "estimate": {"from": "2026-12-05", "to": "2026-12-07", "outlook": "at_risk"},
            "shipments": [{"status": "exception", "sub_status": sub, "estimate": {"from": "2026-12-05", "to": "2026-12-07"}}]})
    };
    for (change, headline, detail) in [
        (
            json!({"status": "ordered", "estimate": to("2026-12-05", "2026-12-06", "on_time")}),
            "Arriving 2026-12-05 – 2026-12-06",
            "We're packing it · Promised by 2026-12-04",
        ),
        (
            on_the_way("shipped", to("2026-12-04", "2026-12-04", "on_time")),
            "Arriving tomorrow",
            "Last seen in Memphis, TN, US · Promised by 2026-12-04",
        ),
        (
            on_the_way("shipped", to("2026-12-02", "2026-12-02", "early")),
            "Arriving 2026-12-02, 2 days early",
            "Last seen in Memphis, TN, US · Promised by 2026-12-04",
        ),
        (
            on_the_way("out_for_delivery", to("2026-12-03", "2026-12-03", "on_time")),
            "Out for delivery, arriving today",
            "Last seen in Memphis, TN, US · Promised by 2026-12-04",
        ),
        (
            on_the_way("shipped", to("2026-12-06", "2026-12-09", "late")),
            "Running late. Now expected 2026-12-06 – 2026-12-09",
            "Last seen in Memphis, TN, US · Sorry. Promised by 2026-12-04",
        ),
        (
            on_the_way("shipped", to("2026-12-05", "2026-12-05", "at_risk")),
            "Probably 2026-12-05, a day later than promised",
            "Last seen in Memphis, TN, US · Promised by 2026-12-04",
        ),
        (
            on_the_way("shipped", json!({"from": "2026-12-05", "to": "2026-12-05", "outlook": "on_time", "quiet": true})),
            "No news since 2026-11-30",
            "That is unusual for this route. We are watching it · Promised by 2026-12-04",
        ),
        (trouble("damaged"), "Damaged on the way", "We are sorry. We'll make it right · Promised by 2026-12-04"),
        (
            trouble("a code nobody knows"),
            "Held up on the way",
            "The carrier is working on it. We'll tell you when it moves on · Promised by 2026-12-04",
        ),
        (
            json!({"status": "exception", "estimate": to("2026-12-04", "2026-12-04", "on_time"),
                "shipments": [{"status": "attempt_failed", "estimate": {"from": "2026-12-04", "to": "2026-12-04"}}]}),
            "They missed you. Next try tomorrow",
            "Promised by 2026-12-04",
        ),
        (
            json!({"status": "partly_delivered", "estimate": to("2026-12-05", "2026-12-05", "on_time"),
                "shipments": [{"status": "delivered"}, {"status": "in_transit", "estimate": {"from": "2026-12-05", "to": "2026-12-05"}}]}),
            "Arriving 2026-12-05",
            "2 parcels. One delivered · Promised by 2026-12-04",
        ),
        (json!({"status": "cancelled"}), "This order was cancelled", "Nothing will be sent"),
        (json!({"status": "a status nobody knows"}), "We have your order", ""),
        (
            json!({"status": "delivered", "shipments": [{"status": "delivered", "delivered_at": "2026-12-01T14:12:00-06:00"}]}),
            "Delivered 2026-12-01, 14:12",
            "As promised",
        ),
    ] {
        let reader = Reader { now: Instant::parse(NOW).unwrap(), offset: Some(0) };
        let s = sentence(&document(&change), reader, &english());
        assert_eq!((s.headline.as_str(), s.detail.as_str()), (headline, detail), "{change}");
    }
}

#[test]
fn relative_days_only_where_the_readers_day_is_known() {
    let d = document(&json!({"status": "shipped", "estimate": {"from": "2026-12-04", "to": "2026-12-04"}}));
    let said = |offset| sentence(&d, Reader { now: Instant::parse(NOW).unwrap(), offset }, &english()).headline;
    assert_eq!(said(Some(0)), "Arriving tomorrow");
    assert_eq!(said(Some(14 * 60)), "Arriving today", "in Kiritimati it is the fourth already");
    assert_eq!(said(None), "Arriving 2026-12-04");
}

#[test]
fn help_is_offered_where_something_is_wrong() {
    let drawn = |change: Value| {
        let d = document(&change);
        view::node::html(&view::order::order(&d, Reader { now: Instant::parse(NOW).unwrap(), offset: None }, &english()))
    };
    let late = json!({"status": "shipped", "estimate": {"from": "2026-12-06", "to": "2026-12-07", "outlook": "late"}});
    assert!(
        drawn(late.clone()).contains("<a class=\"link\" part=\"link\" href=\"https://shop.example/help\">What you can do</a>")
    );
    assert!(!drawn(json!({"status": "ordered"})).contains("href"));
    let mut evil = late;
    evil["store"] = json!({"support_url": "javascript:alert(1)"});
    evil["number"] = json!("<script>");
    assert!(!drawn(evil).contains("javascript:"));
}

#[test]
fn a_timeline_is_grouped_by_the_day_of_the_scan_and_older_days_fold() {
    let d: OrderDocument =
        serde_json::from_value(json!({"status": "shipped", "shipments": [{"status": "in_transit", "carrier_name": "UPS",
        "last_scan_at": "2026-12-02T00:30:00+01:00", "checked_at": "2026-12-02T08:00:00Z", "checkpoints": [
            {"time": "2026-12-02T00:30:00+01:00", "status": "in_transit", "location": "Köln", "message": "<b>hub</b>"},
            {"time": "2026-12-01T22:00:00+01:00", "status": "info_received", "message": "label made"},
            {"time": "2026-11-30T22:00:00+01:00", "status": "in_transit", "sub_status": "customs"}]}]}))
        .unwrap();
    let reader = Reader { now: Instant::parse("2026-12-02T08:30:00Z").unwrap(), offset: Some(60) };
    let nodes = view::order::order(&d, reader, &english());
    let text = plain(&nodes);
    assert!(text.contains("Last scan 9 hour ago · Checked 30 minute ago What has happened today 00:30 On the way Köln <b>hub</b> yesterday 22:00 Label made Earlier 2026-11-30 22:00 At customs"), "{text}");
    let html = view::node::html(&nodes);
    assert!(html.contains("&lt;b&gt;hub&lt;/b&gt;") && !html.contains("<b>"), "{html}");
    assert!(html.contains("<details class=\"older\""));
}
