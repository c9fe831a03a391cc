//! Random policies, carts and times with their answers, for whoever wants to compare another build with this one:
//! `cargo run -p whereabouts-promise --example cases -- 10000 [SEED]` prints a line each, `{"input":"…","answer":"…"}`, the golden vectors first.
//! `-- large` prints the input of a large cart alone.

#![allow(clippy::unwrap_used, reason = "an example ends by panicking")]

use std::io::Write;

use promise::{Day, Document, Instant, Request, estimate, policy::Policy};
use serde_json::{Value, json};

/// A generator of numbers, the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.roll(from.len() as u64) as usize]
    }

    fn days(&mut self) -> Value {
        match self.roll(3) {
            0 => json!({"min": self.roll(4), "max": 4 + self.roll(5)}),
            1 => json!({"min": self.roll(3)}),
            _ => json!({"weights": (0..=self.roll(9)).map(|_| self.roll(1000)).chain([1]).collect::<Vec<_>>()}),
        }
    }

    fn weekdays(&mut self) -> Vec<&'static str> {
        let all = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let mask = self.roll(128) | 1 << self.roll(7);
        (0..7).filter(|n| mask & 1 << n != 0).map(|n| all[n]).collect()
    }

    fn day(&mut self) -> String {
        Day(20_700 + self.roll(200) as i32).to_string()
    }

    fn some<'a>(&mut self, from: &[&'a str]) -> Vec<&'a str> {
        from.iter().copied().filter(|_| self.roll(3) == 0).collect()
    }
}

static ZONES: [&str; 8] = [
    "America/Chicago",
    "Europe/Berlin",
    "Pacific/Kiritimati",
    "Etc/GMT+12",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "UTC",
];

fn policy(d: &mut Dice) -> Value {
    let (origins, services, zones, methods) = (["a", "b", "c"], ["s", "t", "u"], ["near", "far", "never"], ["m", "n", "o"]);
    let origins = &origins[..1 + d.roll(3) as usize];
    let origin = |d: &mut Dice, id: &str| {
        let cutoffs: serde_json::Map<_, _> =
            d.weekdays().iter().map(|w| (w.to_string(), json!(format!("{:02}:{:02}", d.roll(24), d.roll(60))))).collect();
        json!({"id": id, "name": format!("Origin {id}"), "time_zone": d.pick(&ZONES), "cutoffs": cutoffs, "handling": d.days(),
            "holidays": d.some(&["US", "DE-BY", "JP"]), "closures": (0..d.roll(4)).map(|_| d.day()).collect::<Vec<_>>()})
    };
    let delays: Vec<Value> = (0..d.roll(4))
        .map(|n| {
            let from = 1_792_800_000 + d.roll(60) as i64 * 86_400;
            json!({"id": format!("d{n}"), "from": Instant(from), "until": if d.roll(3) == 0 { json!(null) } else { json!(Instant(from + 1 + d.roll(20) as i64 * 86_400)) },
                "scope": {"origins": d.some(origins), "zones": d.some(&zones[..2]), "services": d.some(&services), "carriers": d.some(&["ups", "dhl"]), "skus": d.some(&["A", "B"]),
                    "places": if d.roll(4) == 0 { json!([{"country": "US", "postal_codes": ["1-3"]}]) } else { json!([]) }},
                "effect": d.days(), "reason": d.pick(&["weather", "strike", "peak"]), "severity": 1 + d.roll(3), "message": {"en": "Snow \"here\"", "de": "Schnee – hier"}})
        })
        .collect();
    json!({
        "version": d.roll(1000), "currency": "USD", "confidence": 50 + d.roll(50), "style": d.pick(&["range", "latest", "single"]),
        "ship": d.pick(&["together", "as_ready", "complete"]), "warn_below": d.roll(100),
        "origins": origins.iter().map(|id| origin(d, id)).collect::<Vec<_>>(),
        "services": services.iter().map(|id| json!({"id": id, "carrier": d.pick(&["ups", "dhl"]), "name": format!("Service {id}"), "days": d.weekdays(),
            "holidays": d.some(&["US", "GB-SCT"]), "no_po_boxes": d.roll(2) == 0, "no_signature": d.roll(3) == 0})).collect::<Vec<_>>(),
        "zones": [{"id": "never", "name": "Never", "excluded": d.roll(2) == 0, "places": [{"country": "US", "postal_codes": ["995-999"]}]},
            {"id": "near", "name": "Near", "places": [{"country": "US", "postal_codes": ["0-4"]}, {"country": "DE"}], "origins": d.some(origins)},
            {"id": "far", "name": "Far", "places": [{"country": "US"}, {"country": "CA", "regions": ["ON"]}]}],
        "transit": (0..1 + d.roll(6)).map(|_| { let (o, s, z) = (d.roll(2), d.roll(2), d.roll(2));
            json!({"origin": if o == 0 { "" } else { d.pick(origins) }, "service": if s == 0 { "" } else { d.pick(&services) }, "zone": if z == 0 { "" } else { d.pick(&zones) }, "days": d.days()}) }).collect::<Vec<_>>(),
        "methods": methods.iter().map(|id| json!({"id": id, "name": format!("Method {id}"), "price": d.roll(2000), "services": [d.pick(&services), d.pick(&services)],
            "zones": d.some(&zones), "to": d.pick(&["address", "address", "pickup_point", "store"]), "signature": d.roll(4) == 0})).collect::<Vec<_>>(),
        "items": [{"sku": "A", "lead": d.days()}, {"sku": "B", "stock": {origins[0]: d.roll(4)}, "available_from": if d.roll(2) == 0 { json!(d.day()) } else { json!(null) }},
            {"sku": "C", "stock": {origins[origins.len() - 1]: d.roll(9)}, "back_order": d.days(), "signature": d.roll(5) == 0, "not_by": d.some(&methods)}],
        "delays": delays
    })
}

fn request(d: &mut Dice) -> Request {
    let (country, code) = *d.pick(&[
        &("US", "10001"),
        &("US", "94103-1234"),
        &("US", ""),
        &("DE", "10115"),
        &("CA", "K1A 0B1"),
        &("FR", ""),
        &("", ""),
        &("US", "99701"),
    ]);
    let items: Vec<Value> =
        (0..d.roll(5)).map(|_| json!({"sku": d.pick(&["A", "B", "C", "D", "Ünï"]), "quantity": d.roll(6)})).collect();
    let region = d.pick(&["", "ON", "CA"]);
    serde_json::from_value(json!({"items": items, "destination": {"country": country, "postal_code": code, "region": region, "po_box": d.roll(6) == 0}})).unwrap()
}

/// A store with three origins, ten services, ten methods and three delays, and a cart of twenty lines.
pub fn large() -> (Document, Request) {
    let ids = |prefix: &str, n: usize| -> Vec<String> { (0..n).map(|k| format!("{prefix}{k}")).collect() };
    let (origins, services) = (ids("o", 3), ids("s", 10));
    let cutoffs = json!({"mon": "14:00", "tue": "14:00", "wed": "14:00", "thu": "14:00", "fri": "14:00", "sat": "11:00"});
    let transit = origins.iter().flat_map(|o| {
        services.iter().map(move |s| json!({"origin": o, "service": s, "days": {"weights": [0, 5, 30, 40, 15, 6, 3, 1]}}))
    });
    let delay = |n: usize, scope: Value| {
        json!({"id": format!("d{n}"), "scope": scope, "from": "2026-11-28T00:00:00Z", "until": "2026-12-08T00:00:00Z",
        "effect": {"min": 1, "max": 2}, "reason": "weather", "severity": 2, "message": {"en": "Snow"}})
    };
    let policy: Policy = serde_json::from_value(json!({
        "currency": "USD", "confidence": 90,
        "origins": origins.iter().map(|o| json!({"id": o, "name": o, "time_zone": "America/Chicago", "cutoffs": cutoffs, "holidays": ["US"], "handling": {"weights": [50, 30, 15, 5]}})).collect::<Vec<_>>(),
        "services": services.iter().map(|s| json!({"id": s, "carrier": "ups", "name": s, "holidays": ["US"]})).collect::<Vec<_>>(),
        "zones": ids("z", 12).iter().enumerate().map(|(n, z)| json!({"id": z, "name": z, "places": [{"country": "US", "postal_codes": [format!("{:02}", n * 8), format!("{:02}-{:02}", n * 8 + 1, n * 8 + 7)]}]})).collect::<Vec<_>>(),
        "transit": transit.collect::<Vec<_>>(),
        "methods": services.iter().map(|s| json!({"id": s, "name": s, "services": [s]})).collect::<Vec<_>>(),
        "items": (0..20).map(|n| json!({"sku": format!("SKU-{n}"), "stock": {"o0": 5, "o1": 5, "o2": 5}, "lead": {"weights": [9, 1]}})).collect::<Vec<_>>(),
        "delays": [delay(0, json!({"origins": ["o0"]})), delay(1, json!({"carriers": ["ups"]})), delay(2, json!({"zones": ["z11"]}))]
    }))
    .unwrap();
    assert_eq!(policy.validate(), []);
    let items: Vec<Value> = (0..20).map(|n| json!({"sku": format!("SKU-{n}"), "quantity": 1 + n % 3})).collect();
    let request = json!({"items": items, "destination": {"country": "US", "postal_code": "94103"}});
    (policy.document(Instant::parse("2026-11-24T00:00:00Z").unwrap()), serde_json::from_value(request).unwrap())
}

fn input(document: &Document, request: &Request, now: Instant) -> String {
    json!({"document": document, "request": request, "now": now}).to_string()
}

/// RFC 7396.
fn patch(to: &mut Value, change: &Value) {
    match change.as_object() {
        Some(change) if to.is_object() => change.iter().for_each(|(name, value)| patch(&mut to[name], value)),
        _ => *to = change.clone(),
    }
}

fn main() {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().unwrap_or_else(|| "100".into());
    if first == "large" {
        let (document, request) = large();
        writeln!(out, "{}", input(&document, &request, Instant::parse("2026-12-01T15:00:00Z").unwrap())).unwrap();
        return;
    }
    let mut say = |document: &Document, request: &Request, now: Instant| {
        let answer = serde_json::to_string(&estimate(document, request, now)).unwrap();
        writeln!(out, "{}", json!({"input": input(document, request, now), "answer": answer})).unwrap();
    };
    let golden: Value = serde_json::from_str(include_str!("../../../tests/golden/estimates.json")).unwrap();
    let moment = |v: &Value| Instant::parse(v.as_str().unwrap()).unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let mut policy = golden["policy"].clone();
        patch(&mut policy, &case.get("patch").cloned().unwrap_or_else(|| json!({})));
        let policy: Policy = serde_json::from_value(policy).unwrap();
        let destination = case.get("destination").cloned().unwrap_or_else(|| json!({"country": "US", "postal_code": "94103"}));
        let request = json!({"items": [{"sku": "MUG-1", "quantity": 1}], "destination": destination});
        say(
            &policy.document(moment(case.get("made_at").unwrap_or(&golden["made_at"]))),
            &serde_json::from_value(request).unwrap(),
            moment(&case["at"]),
        );
    }
    let mut dice = Dice(arguments.next().and_then(|s| s.parse().ok()).unwrap_or(1));
    for _ in 0..first.parse().unwrap() {
        let value = policy(&mut dice);
        let policy: Policy = serde_json::from_value(value.clone()).unwrap();
        let mut policy = policy;
        if dice.roll(3) == 0 {
            // What the coverage correction asks for.
            policy.asked = (dice.roll(300) as u16, 700 + dice.roll(300) as u16);
        }
        assert_eq!(policy.validate(), [], "{value}");
        let (request, now) = (request(&mut dice), Instant(1_792_800_000 + dice.roll(90 * 86_400) as i64));
        say(&policy.document(Instant(1_792_800_000)), &request, now);
    }
}
