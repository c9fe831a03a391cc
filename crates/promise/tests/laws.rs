//! Laws that hold for any policy, cart and moment.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use promise::{
    Day, Document, Estimate, Instant, Progress, Request, estimate,
    estimate::{Destination, Line, Window},
    policy::Policy,
    remaining,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const ZONES: [&str; 8] = [
    "America/Chicago",
    "Europe/Amsterdam",
    "Pacific/Kiritimati", // UTC+14
    "Etc/GMT+12",         // UTC-12
    "Asia/Kolkata",
    "Australia/Lord_Howe", // DST of half an hour
    "America/St_Johns",
    "UTC",
];
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn weights() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0u16..4, 0u16..4).prop_map(|(min, more)| json!({"min": min, "max": min + more})),
        proptest::collection::vec(0u32..50, 1..8)
            .prop_filter("not all zero", |w| w.iter().any(|n| *n > 0))
            .prop_map(|w| json!({"weights": w})),
    ]
}

fn days(least: usize) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(WEEKDAYS.to_vec(), least..=7)
}

fn origin(id: &'static str) -> impl Strategy<Value = Value> {
    (proptest::sample::select(ZONES.to_vec()), days(1), 0u32..1440, weights(), any::<bool>()).prop_map(
        move |(zone, days, cutoff, handling, holidays)| {
            let cutoffs: serde_json::Map<_, _> =
                days.iter().map(|d| (d.to_string(), json!(format!("{:02}:{:02}", cutoff / 60, cutoff % 60)))).collect();
            json!({"id": id, "name": id, "time_zone": zone, "cutoffs": cutoffs, "handling": handling, "holidays": if holidays { vec!["US"] } else { vec![] }})
        },
    )
}

fn delay(id: &'static str) -> impl Strategy<Value = Value> {
    (0i64..40, 1i64..20, weights(), 0usize..4).prop_map(move |(from, long, effect, scope)| {
        let scope = [json!({}), json!({"carriers": ["ups"]}), json!({"zones": ["east"]}), json!({"origins": ["a"]})][scope].clone();
        json!({"id": id, "scope": scope, "from": Instant(START + from * DAY), "until": Instant(START + (from + long) * DAY), "effect": effect,
            "reason": "weather", "severity": 1})
    })
}

const START: i64 = 1_792_800_000; // October 2026: DST ends, holidays and a year's end follow

prop_compose! {
    fn policy()(a in origin("a"), b in origin("b"), service in days(1), transit in weights(), far in weights(), confidence in 50u8..100,
        style in proptest::sample::select(vec!["range", "latest", "single"]), delays in proptest::collection::vec(delay("x"), 0..3), lead in weights()) -> Value {
        let mut delays = delays;
        for (n, d) in delays.iter_mut().enumerate() { d["id"] = json!(format!("d{n}")); }
        json!({"currency": "USD", "confidence": confidence, "style": style, "origins": [a, b],
            "services": [{"id": "ground", "carrier": "ups", "name": "Ground", "days": service, "holidays": ["US"]}],
            "zones": [{"id": "east", "places": [{"country": "US", "postal_codes": ["0-2"]}]}, {"id": "west", "places": [{"country": "US"}]}],
            "transit": [{"zone": "east", "days": transit}, {"days": far}],
            "methods": [{"id": "standard", "name": "Standard", "services": ["ground"]}],
            "items": [{"sku": "MADE", "lead": lead}, {"sku": "FEW", "stock": {"a": 2, "b": 1}, "available_from": "2026-11-20"}], "delays": delays})
    }
}

fn compiled(value: &Value) -> Document {
    let policy: Policy = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(policy.validate(), [], "{value}");
    policy.document(Instant(START))
}

fn ask(d: &Document, skus: &[(&str, u32)], code: &str, now: i64) -> Estimate {
    let items = skus.iter().map(|(sku, quantity)| Line { sku: (*sku).into(), quantity: *quantity }).collect();
    let destination = Destination { country: "US".into(), postal_code: code.into(), ..Destination::default() };
    estimate(d, &Request { items, destination, method: None }, Instant(now))
}

fn window(e: &Estimate) -> Option<Window> {
    e.options.first().and_then(|o| o.window)
}

/// The window, for a policy whose second origin is left out: from one origin both of a window's ends obey the laws.
fn single(policy: &Value) -> Value {
    let mut one = policy.clone();
    one["origins"].as_array_mut().unwrap().truncate(1);
    one["items"] = json!([{"sku": "MADE", "lead": policy["items"][0]["lead"]}]);
    one
}

/// `LAWS=5000 cargo test -p whereabouts-promise --test laws` looks longer.
fn cases() -> u32 {
    std::env::var("LAWS").ok().and_then(|n| n.parse().ok()).unwrap_or(200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_later_order_never_arrives_earlier(policy in policy(), at in 0i64..60 * DAY, later in 0i64..10 * DAY, sku in proptest::sample::select(vec!["A", "MADE"])) {
        let d = compiled(&single(&policy));
        let (first, second) = (window(&ask(&d, &[(sku, 1)], "10001", START + at)).unwrap(), window(&ask(&d, &[(sku, 1)], "10001", START + at + later)).unwrap());
        prop_assert!(second.from >= first.from && second.to >= first.to, "{first:?} {second:?}");
        // Of several origins, the one that promises the earliest last day is taken.
        let d = compiled(&policy);
        let (first, second) = (window(&ask(&d, &[(sku, 1)], "10001", START + at)).unwrap(), window(&ask(&d, &[(sku, 1)], "10001", START + at + later)).unwrap());
        prop_assert!(second.to >= first.to, "{first:?} {second:?}");
    }

    #[test]
    fn more_delay_never_makes_it_earlier(policy in policy(), more in delay("more"), at in 0i64..60 * DAY) {
        let before = single(&policy);
        let mut after = before.clone();
        after["delays"].as_array_mut().unwrap().push(more);
        let (a, b) = (window(&ask(&compiled(&before), &[("A", 1)], "10001", START + at)).unwrap(), window(&ask(&compiled(&after), &[("A", 1)], "10001", START + at)).unwrap());
        prop_assert!(b.from >= a.from && b.to >= a.to, "{a:?} {b:?}");
    }

    #[test]
    fn an_extra_holiday_never_makes_it_earlier(policy in policy(), at in 0i64..60 * DAY, closed in proptest::collection::vec(0i32..90, 1..5), origin in any::<bool>()) {
        let before = single(&policy);
        let mut after = before.clone();
        let list: Vec<Day> = closed.iter().map(|n| Day(Instant(START).local(0).0.0 + n)).collect();
        after[if origin { "origins" } else { "services" }][0]["closures"] = json!(list);
        let (a, b) = (window(&ask(&compiled(&before), &[("A", 1)], "10001", START + at)).unwrap(), window(&ask(&compiled(&after), &[("A", 1)], "10001", START + at)).unwrap());
        prop_assert!(b.from >= a.from && b.to >= a.to, "{a:?} {b:?}");
    }

    #[test]
    fn a_slower_service_never_makes_it_earlier(policy in policy(), at in 0i64..60 * DAY, slower in 1usize..6) {
        let before = single(&policy);
        let document = compiled(&before);
        let mut slow = document.clone();
        for t in &mut slow.transit {
            let days = if t.days.is_empty() { vec![1] } else { t.days.clone() };
            t.days = [vec![0; slower], days].concat();
        }
        let (a, b) = (window(&ask(&document, &[("A", 1)], "10001", START + at)).unwrap(), window(&ask(&slow, &[("A", 1)], "10001", START + at)).unwrap());
        prop_assert!(b.from >= a.from && b.to >= a.to, "{a:?} {b:?}");
    }

    #[test]
    fn no_window_begins_or_ends_on_a_day_without_delivery(policy in policy(), at in 0i64..60 * DAY) {
        let d = compiled(&policy);
        for code in ["10001", "94103", ""] {
            let w = window(&ask(&d, &[("A", 1), ("FEW", 3)], code, START + at)).unwrap();
            let service = &d.services[0];
            for day in [w.from, w.to] {
                prop_assert!(service.days & 1 << day.weekday() != 0 && !d.closed[service.closed as usize].contains(&day), "{day} in {service:?}");
            }
            prop_assert!(w.from <= w.to);
        }
    }

    #[test]
    fn windows_nest_with_confidence(policy in policy(), at in 0i64..60 * DAY, low in 50u8..99, more in 1u8..49) {
        let mut policy = single(&policy);
        let high = (low + more).min(99);
        policy["confidence"] = json!(low);
        let a = window(&ask(&compiled(&policy), &[("A", 1)], "10001", START + at)).unwrap();
        policy["confidence"] = json!(high);
        let b = window(&ask(&compiled(&policy), &[("A", 1)], "10001", START + at)).unwrap();
        prop_assert!(b.to >= a.to, "{a:?} {b:?}");
        prop_assert!(policy["style"] == "single" || b.from <= a.from, "{a:?} {b:?}");
    }

    #[test]
    fn a_whole_weeks_later_order_arrives_whole_weeks_later(policy in policy(), at in 0i64..60 * DAY, weeks in 1i32..20) {
        // Without holidays, delays, releases and changes of the clock nothing tells one week from another.
        let mut policy = single(&policy);
        policy["delays"] = json!([]);
        policy["origins"][0]["holidays"] = json!([]);
        policy["services"][0]["holidays"] = json!([]);
        policy["origins"][0]["time_zone"] = json!("Asia/Kolkata");
        let d = compiled(&policy);
        let (a, b) = (window(&ask(&d, &[("MADE", 1)], "10001", START + at)).unwrap(), window(&ask(&d, &[("MADE", 1)], "10001", START + at + i64::from(weeks) * 7 * DAY)).unwrap());
        prop_assert_eq!((a.from.0 + 7 * weeks, a.to.0 + 7 * weeks), (b.from.0, b.to.0));
    }

    #[test]
    fn a_destination_known_better_has_a_window_within_the_wider_one(policy in policy(), at in 0i64..60 * DAY) {
        let d = compiled(&policy);
        let wide = window(&ask(&d, &[("A", 1)], "", START + at)).unwrap();
        for code in ["10001", "94103"] {
            let w = window(&ask(&d, &[("A", 1)], code, START + at)).unwrap();
            prop_assert!(wide.from <= w.from && w.to <= wide.to, "{code}: {w:?} in {wide:?}");
        }
    }

    #[test]
    fn a_parcel_under_way_always_has_a_window_ahead_and_a_warning_before_its_promise_breaks(policy in policy(), at in 0i64..60 * DAY, status in proptest::sample::select(vec!["pending", "in_transit", "out_for_delivery", "attempt_failed", "exception", "info_received"]), shipped in any::<bool>()) {
        let d = compiled(&policy);
        let placed = Instant(START + at);
        let offered = ask(&d, &[("A", 1)], "10001", placed.0).options.remove(0);
        let promised = offered.window.unwrap();
        let origin = d.origins.iter().find(|o| o.id == offered.origin).unwrap();
        let progress = Progress {
            origin: offered.origin,
            destination: Destination { country: "US".into(), postal_code: "10001".into(), ..Destination::default() },
            method: "standard".into(), placed_at: placed, status: status.into(), promised: Some(promised),
            shipped_at: shipped.then_some(Instant(placed.0 + DAY)), ..Progress::default()
        };
        let (mut warned, mut announced) = (false, None);
        for hour in (0..60 * 24).step_by(3) {
            let now = Instant(placed.0 + hour * HOUR);
            let r = remaining(&d, &progress, now);
            let offset = origin.offsets.iter().rev().find(|o| o.0 <= now).map_or(0, |o| o.1);
            let today = now.local(offset).0;
            prop_assert!(r.window.from >= today && r.window.to >= r.window.from, "{r:?}");
            prop_assert!(!r.late || warned, "late without a warning, {now} {r:?}");
            prop_assert!(!r.late || r.on_time == 0);
            if announced == Some(today) && shipped && status == "in_transit" && !r.late { prop_assert!(r.at_risk, "a warning was announced for {today}: {r:?}"); }
            announced = r.warn_on.or(announced);
            warned |= r.at_risk;
            prop_assert!(r.steps.iter().any(|s| s.kind == if shipped { "shipped" } else { "ordered" }), "it says why");
            if r.late { break }
        }
    }

    #[test]
    fn a_delay_elsewhere_changes_nothing(policy in policy(), at in 0i64..60 * DAY, begins in 0i64..90) {
        let plain = ask(&compiled(&policy), &[("A", 1)], "10001", START + at);
        let mut more = policy.clone();
        more["delays"].as_array_mut().unwrap().push(json!({"id": "elsewhere", "scope": {"zones": ["west"]}, "from": Instant(START + begins * DAY),
            "effect": {"min": 3, "max": 9}, "reason": "strike", "severity": 3}));
        prop_assert_eq!(plain, ask(&compiled(&more), &[("A", 1)], "10001", START + at));
    }

    #[test]
    fn quantities_are_all_there_once_in_some_part(policy in policy(), at in 0i64..60 * DAY, few in 0u32..6, made in 0u32..3, mode in proptest::sample::select(vec!["together", "as_ready", "complete"])) {
        let mut policy = policy;
        policy["ship"] = json!(mode);
        let d = compiled(&policy);
        let e = ask(&d, &[("FEW", few), ("MADE", made), ("FEW", 1)], "10001", START + at);
        let offer = &e.options[0];
        prop_assert!(offer.window.is_some(), "{offer:?}");
        prop_assert!(mode != "complete" || offer.parts.is_empty());
        if !offer.parts.is_empty() {
            let mut sums = [0; 3];
            for part in &offer.parts {
                for (k, item) in part.items.iter().enumerate() {
                    sums[usize::from(*item)] += part.quantities.get(k).copied().unwrap_or([few, made, 1][usize::from(*item)]);
                }
            }
            prop_assert_eq!(sums, [few, made, 1]);
        }
    }

    #[test]
    fn absurd_policies_end_in_an_answer_or_an_error_that_names_a_field(mut policy in policy(), path in 0usize..24, odd in 0usize..8, at in any::<i32>()) {
        let odd = [json!(-1), json!(u32::MAX), json!(""), json!([]), json!(null), json!("9999-12-31"), json!({"weights": vec![u32::MAX; 250]}), json!({"min": 250, "max": 250})][odd].clone();
        let place = ["/confidence", "/style", "/origins", "/origins/0/time_zone", "/origins/0/cutoffs", "/origins/0/handling", "/origins/0/closures", "/services/0/days",
            "/services/0/closures", "/zones", "/zones/0/places", "/transit", "/transit/0/days", "/transit/1/days", "/methods", "/methods/0/services", "/items", "/items/0/lead",
            "/items/1/stock", "/items/1/available_from", "/delays", "/origins/1/pickup_days", "/warn_below", "/ship"][path];
        if let Some(there) = policy.pointer_mut(place) { *there = odd } else if let Some(name) = place.strip_prefix('/') { policy[name] = odd }
        if let Ok(policy) = serde_json::from_value::<Policy>(policy) {
            let wrong = policy.validate();
            prop_assert!(wrong.iter().all(|w| !w.field.is_empty() && !w.message.is_empty()));
            for now in [Instant(START), Instant(at.into()), Instant(i64::MAX), Instant(i64::MIN)] {
                let d = policy.document(Instant(START));
                let e = ask(&d, &[("A", u32::MAX), ("FEW", u32::MAX)], "10001", now.0);
                prop_assert!(e.options.iter().all(|o| o.window.is_some() != o.obstacle.is_some()));
                if now.0.unsigned_abs() < 1 << 40 { remaining(&d, &Progress { placed_at: now, promised: Some(Window::default()), ..Progress::default() }, now); }
            }
        }
    }
}
