//! What a shopper is promised, from a policy as a merchant writes it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use promise::{
    Day, Document, Estimate, Instant, Request, estimate,
    estimate::{Destination, Line},
    policy::Policy,
};
use serde_json::json;

fn policy() -> serde_json::Value {
    json!({
        "currency": "USD", "confidence": 90,
        "origins": [{"id": "memphis", "name": "Memphis", "time_zone": "America/Chicago", "holidays": ["US"], "handling": {"min": 0, "max": 0},
            "cutoffs": {"mon": "14:00", "tue": "14:00", "wed": "14:00", "thu": "14:00", "fri": "14:00"}}],
        "services": [{"id": "ground", "carrier": "ups", "name": "Ground", "holidays": ["US"]}],
        "zones": [{"id": "alaska", "excluded": true, "places": [{"country": "US", "postal_codes": ["995-999"]}]},
            {"id": "east", "places": [{"country": "US", "postal_codes": ["010-269"]}]}, {"id": "west", "places": [{"country": "US"}]}],
        "transit": [{"zone": "east", "days": {"weights": [0, 0, 1]}}, {"zone": "west", "days": {"weights": [0, 0, 0, 0, 1]}}],
        "methods": [{"id": "standard", "name": "Standard", "price": 495, "services": ["ground"]}]
    })
}

fn document(change: impl FnOnce(&mut serde_json::Value)) -> Document {
    let mut value = policy();
    change(&mut value);
    let policy: Policy = serde_json::from_value(value).unwrap();
    assert_eq!(policy.validate(), []);
    policy.document(at("2026-11-24T12:00:00Z"))
}

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn ask(document: &Document, items: &[(&str, u32)], country: &str, postal_code: &str, now: &str) -> Estimate {
    let items = items.iter().map(|(sku, quantity)| Line { sku: (*sku).into(), quantity: *quantity }).collect();
    let destination = Destination { country: country.into(), postal_code: postal_code.into(), ..Destination::default() };
    estimate(document, &Request { items, destination, method: None }, at(now))
}

fn window(e: &Estimate) -> (String, String) {
    let w = e.options[0].window.expect("a window");
    (w.from.to_string(), w.to.to_string())
}

fn same(d: &str) -> (String, String) {
    (d.into(), d.into())
}

#[test]
fn the_cutoff_is_the_origins_local_time() {
    let d = document(|_| {});
    // Monday 30 November 2026, 13:59 and 14:00 in Chicago (UTC-6).
    assert_eq!(window(&ask(&d, &[("A", 1)], "US", "10001", "2026-11-30T19:59:59Z")), same("2026-12-02"));
    let missed = ask(&d, &[("A", 1)], "US", "10001", "2026-11-30T20:00:00Z");
    assert_eq!(window(&missed), same("2026-12-03"));
    assert!(missed.options[0].steps.iter().any(|s| s.kind == "cutoff_missed"));
    // 19:30 on Sunday in Chicago is Monday in UTC: still Sunday's order.
    assert_eq!(window(&ask(&d, &[("A", 1)], "US", "10001", "2026-11-30T01:30:00Z")), same("2026-12-02"));
}

#[test]
fn the_countdown_runs_to_the_cutoff_and_says_what_is_lost() {
    let d = document(|_| {});
    let e = ask(&d, &[("A", 1)], "US", "10001", "2026-11-30T18:00:00Z");
    let cutoff = e.options[0].cutoff.clone().expect("a cut-off");
    assert_eq!(cutoff.at, at("2026-11-30T20:00:00Z"));
    assert_eq!(cutoff.then.to, day("2026-12-03"));
}

#[test]
fn weekends_and_holidays_are_not_worked() {
    let d = document(|_| {});
    // Friday after the cut-off: handled on Monday, two days on the way.
    assert_eq!(window(&ask(&d, &[("A", 1)], "US", "10001", "2026-12-04T22:00:00Z")), same("2026-12-09"));
    // Thanksgiving (Thursday 26 November 2026) is worked by nobody.
    assert_eq!(window(&ask(&d, &[("A", 1)], "US", "10001", "2026-11-25T15:00:00Z")), same("2026-11-30"));
}

#[test]
fn zones_decide_by_postal_code_and_exclusion_is_an_answer() {
    let d = document(|_| {});
    assert_eq!(window(&ask(&d, &[("A", 1)], "US", "94103", "2026-11-30T15:00:00Z")), same("2026-12-04"));
    let alaska = ask(&d, &[("A", 1)], "US", "99501", "2026-11-30T15:00:00Z");
    assert_eq!(alaska.options[0].obstacle.as_deref(), Some("excluded_zone"));
    let abroad = ask(&d, &[("A", 1)], "FR", "75001", "2026-11-30T15:00:00Z");
    assert_eq!(abroad.options[0].obstacle.as_deref(), Some("excluded_zone"));
    // Country only: a window over its zones, saying so.
    let country = ask(&d, &[("A", 1)], "US", "", "2026-11-30T15:00:00Z");
    assert_eq!((country.precision.as_str(), window(&country)), ("country", ("2026-12-02".into(), "2026-12-04".into())));
}

#[test]
fn a_sum_of_distributions_is_exact() {
    let d = document(|p| {
        p["origins"][0]["handling"] = json!({"weights": [1, 1]});
        p["transit"] = json!([{"days": {"weights": [0, 1, 1]}}]);
    });
    // 0 or 1 day of handling, 1 or 2 of transit: 1, 2, 2 or 3 days with weights 1, 2, 1.
    assert_eq!(window(&ask(&d, &[("A", 1)], "US", "10001", "2026-11-30T15:00:00Z")), ("2026-12-01".into(), "2026-12-03".into()));
}

#[test]
fn lead_times_stock_and_release_days_count() {
    let d = document(|p| {
        p["items"] = json!([{"sku": "CHAIR", "lead": {"weights": [0, 0, 0, 1]}}, {"sku": "LAMP", "stock": {"memphis": 1}, "available_from": "2026-12-09"},
            {"sku": "GONE", "stock": {"memphis": 0}}]);
    });
    let now = "2026-11-30T15:00:00Z";
    assert_eq!(window(&ask(&d, &[("CHAIR", 1)], "US", "10001", now)), same("2026-12-07"));
    assert_eq!(window(&ask(&d, &[("LAMP", 1)], "US", "10001", now)), same("2026-12-02"));
    assert_eq!(
        window(&ask(&d, &[("LAMP", 2)], "US", "10001", now)),
        same("2026-12-11"),
        "quantity beyond stock waits for the next delivery"
    );
    assert_eq!(ask(&d, &[("GONE", 1)], "US", "10001", now).options[0].obstacle.as_deref(), Some("not_available"));
}

#[test]
fn a_cart_that_no_origin_holds_alone_is_split() {
    let d = document(|p| {
        let mut second = p["origins"][0].clone();
        second["id"] = json!("reno");
        second["handling"] = json!({"weights": [0, 0, 1]});
        p["origins"].as_array_mut().unwrap().push(second);
        p["items"] = json!([{"sku": "A", "stock": {"memphis": 5}}, {"sku": "B", "stock": {"reno": 5}}]);
    });
    let e = ask(&d, &[("A", 1), ("B", 1)], "US", "10001", "2026-11-30T15:00:00Z");
    assert_eq!(window(&e), ("2026-12-02".into(), "2026-12-04".into()));
    assert_eq!(
        e.options[0].parts.iter().map(|p| (p.origin.as_str(), p.items.clone())).collect::<Vec<_>>(),
        [("memphis", vec![0]), ("reno", vec![1])]
    );
}

#[test]
fn a_delay_moves_the_window_only_where_and_while_it_applies() {
    let delay = json!([{"id": "snow", "scope": {"origins": ["memphis"]}, "from": "2026-11-30T06:00:00Z", "until": "2026-12-04T06:00:00Z",
        "effect": {"weights": [0, 1]}, "reason": "weather", "severity": 2, "message": {"en": "Snow in Memphis"}}]);
    let d = document(|p| p["delays"] = delay.clone());
    let e = ask(&d, &[("A", 1)], "US", "10001", "2026-12-01T15:00:00Z");
    assert_eq!(window(&e), same("2026-12-04"));
    assert_eq!((e.delays[0].reason.as_str(), e.delays[0].days, e.options[0].delays.as_slice()), ("weather", 1, [0].as_slice()));
    let after = ask(&d, &[("A", 1)], "US", "10001", "2026-12-07T15:00:00Z");
    assert_eq!((window(&after), after.delays.len()), (same("2026-12-09"), 0));
    // On the way, by carrier: the parcel that is under way while it holds.
    let d = document(|p| {
        p["delays"] = delay;
        p["delays"][0]["scope"] = json!({"carriers": ["ups"], "zones": ["west"]});
    });
    assert_eq!(window(&ask(&d, &[("A", 1)], "US", "94103", "2026-12-01T15:00:00Z")), same("2026-12-08"));
    assert_eq!(window(&ask(&d, &[("A", 1)], "US", "10001", "2026-12-01T15:00:00Z")), same("2026-12-03"), "another zone");
}

#[test]
fn an_empty_policy_ends_in_a_clear_answer() {
    let empty = Policy::default();
    let fields: Vec<String> = empty.validate().into_iter().map(|i| i.field).collect();
    assert_eq!(fields, ["confidence", "currency", "origins", "services", "zones", "transit", "methods"]);
    let e = ask(&empty.document(Instant(0)), &[("A", 1)], "US", "10001", "2026-11-30T15:00:00Z");
    assert!(e.options.is_empty());
}

#[test]
fn the_document_is_the_same_after_a_round_trip() {
    let d = document(|_| {});
    let text = serde_json::to_string(&d).unwrap();
    assert_eq!(serde_json::from_str::<Document>(&text).unwrap(), d);
}

mod after_purchase {
    use super::*;
    use promise::{Progress, estimate::Window, remaining};

    fn progress() -> Progress {
        Progress {
            destination: Destination { country: "US".into(), postal_code: "10001".into(), ..Destination::default() },
            method: "standard".into(),
            carrier: "ups".into(),
            placed_at: at("2026-11-30T15:00:00Z"),
            shipped_at: Some(at("2026-11-30T23:00:00Z")),
            last_scan_at: Some(at("2026-12-01T10:00:00Z")),
            status: "in_transit".into(),
            promised: Some(Window { from: day("2026-12-02"), to: day("2026-12-02") }),
            ..Progress::default()
        }
    }

    #[test]
    fn on_time_then_late_but_never_silent() {
        let d = document(|_| {});
        let early = remaining(&d, &progress(), at("2026-12-01T15:00:00Z"));
        assert_eq!(
            (early.window.to, early.on_time, early.at_risk, early.late, early.quiet),
            (day("2026-12-02"), 1000, false, false, false)
        );
        for n in 0..40 {
            let now = Instant(at("2026-12-03T15:00:00Z").0 + n * 86_400);
            let late = remaining(&d, &progress(), now);
            assert!(late.late && late.window.from >= now.local(-360).0 && late.window.to >= late.window.from, "{late:?}");
            assert_eq!(late.on_time, 0);
        }
    }

    #[test]
    fn a_silent_parcel_is_recognised_by_its_lane() {
        let d = document(|_| {});
        assert!(remaining(&d, &progress(), at("2026-12-09T15:00:00Z")).quiet);
        let slow = document(|p| p["transit"] = json!([{"days": {"min": 10, "max": 20}}]));
        assert!(!remaining(&slow, &progress(), at("2026-12-09T15:00:00Z")).quiet);
    }

    #[test]
    fn what_its_lane_is_used_to_decides_where_it_is_known() {
        use promise::scans::{Gaps, hours};
        let d = document(|_| {});
        // Ground is scanned twice a day; the ship to the islands is out of sight for nine.
        let lane = |name: &str| vec!["carrier=ups".to_owned(), format!("zone={name}")];
        let mut gaps = Gaps::default();
        (0..3_000).for_each(|n| gaps.add(&lane("ground"), 6 + n % 12));
        (0..600).for_each(|n| gaps.add(&lane("islands"), if n % 4 == 0 { 216 } else { 12 }));
        let silent = |patience: Option<u32>, now: &str| remaining(&d, &Progress { patience, ..progress() }, at(now)).quiet;
        let patience = |name: &str| gaps.patience(&lane(name));
        // A day and a half after its last scan, and nine working days after it.
        assert!(silent(patience("ground"), "2026-12-02T22:00:00Z") && !silent(patience("islands"), "2026-12-11T10:00:00Z"));
        assert!(silent(patience("islands"), "2026-12-20T10:00:00Z"));
        assert!(!silent(patience("ground"), "2026-12-01T20:00:00Z"));
        // A lane that nobody has used goes by its carrier, a carrier that nobody knows by how long the way takes.
        let unknown = patience("nowhere").unwrap();
        assert!(patience("ground").unwrap() < unknown && unknown <= patience("islands").unwrap(), "{unknown}");
        assert_eq!(gaps.patience(&["carrier=dhl".to_owned()]), None);
        assert!(!silent(None, "2026-12-02T22:00:00Z") && silent(None, "2026-12-09T15:00:00Z"));
        // A parcel without a scan, or one that has come, is silent for no reason to worry.
        let never = Progress { last_scan_at: None, patience: patience("ground"), ..progress() };
        assert!(!remaining(&d, &never, at("2026-12-20T10:00:00Z")).quiet);
        // Days on which the carrier rests are no silence: Friday evening to Monday morning.
        let (friday, monday) = (at("2026-12-04T22:00:00Z"), at("2026-12-07T14:00:00Z"));
        assert!(hours(&d, "ups", friday, monday) < 24, "{}", hours(&d, "ups", friday, monday));
        assert_eq!(hours(&d, "nobody", friday, monday), 64, "nothing is known of its days off");
    }

    #[test]
    fn out_for_delivery_is_today_until_the_evening() {
        let d = document(|_| {});
        let p = Progress { status: "out_for_delivery".into(), ..progress() };
        assert_eq!(remaining(&d, &p, at("2026-12-02T15:00:00Z")).window.to, day("2026-12-02"));
        assert_eq!(remaining(&d, &p, at("2026-12-03T04:00:00Z")).window.to, day("2026-12-03"), "22:00 in Chicago");
    }

    #[test]
    fn not_shipped_yet_is_judged_from_today() {
        let d = document(|_| {});
        let p = Progress { shipped_at: None, last_scan_at: None, status: "pending".into(), ..progress() };
        let r = remaining(&d, &p, at("2026-12-02T15:00:00Z"));
        assert_eq!((r.window.to, r.at_risk), (day("2026-12-04"), true));
    }

    #[test]
    fn an_empty_document_still_answers() {
        let r = remaining(&Document::default(), &progress(), at("2026-12-02T15:00:00Z"));
        assert!(r.window.to >= day("2026-12-02"));
    }
}

#[test]
fn the_demo_policy_is_valid_and_answers_everywhere_it_says() {
    let policy: Policy = serde_json::from_str(include_str!("../../api/src/demo/policy.json")).unwrap();
    assert_eq!(policy.validate(), []);
    let d = policy.document(at("2026-11-24T12:00:00Z"));
    for (country, code, open) in
        [("US", "94103", true), ("US", "40202", true), ("US", "99501", false), ("DE", "10115", true), ("CA", "K1A", true)]
    {
        let e = ask(&d, &[("BLANKET-1", 1)], country, code, "2026-11-24T12:00:00Z");
        assert_eq!(e.options.iter().any(|o| o.window.is_some()), open, "{country} {code}: {e:?}");
    }
}
