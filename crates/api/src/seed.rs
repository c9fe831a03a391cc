//! A store's year, made up: orders, parcels and scans as they come from an import, read as any other event. For measuring, and for
//! looking at pages with something on them.

use anyhow::{Context, Result};
use promise::{Day, Instant};
use serde_json::{Value, json};

use crate::{
    ingest,
    state::AppState,
    store::insight::{self, Contact, Look},
};

/// Orders of one transaction.
const BATCH: u64 = 500;

/// Places, and how many orders of a thousand go there.
const PLACES: [(&str, &str, &str, u64); 22] = [
    ("US", "CA", "941", 120),
    ("US", "TX", "782", 95),
    ("US", "FL", "331", 70),
    ("US", "NY", "100", 80),
    ("US", "PA", "191", 40),
    ("US", "IL", "606", 45),
    ("US", "OH", "432", 40),
    ("US", "GA", "303", 40),
    ("US", "NC", "282", 35),
    ("US", "MI", "482", 30),
    ("US", "WA", "981", 40),
    ("US", "MA", "021", 35),
    ("US", "AZ", "850", 25),
    ("US", "CO", "802", 30),
    ("US", "TN", "372", 25),
    ("US", "MN", "554", 20),
    ("DE", "", "101", 80),
    ("NL", "", "101", 60),
    ("FR", "", "750", 40),
    ("BE", "", "100", 20),
    ("CA", "ON", "M5V", 20),
    ("GB", "", "SW1", 10),
];
const CARRIERS: [(&str, u64); 3] = [("ups", 60), ("usps", 30), ("fedex", 10)];

/// A small generator (splitmix64): the same seed is the same year.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n.max(1)
    }

    fn of<T: Copy>(&mut self, from: &[(T, u64)]) -> T {
        let mut at = self.below(from.iter().map(|f| f.1).sum());
        for (what, weight) in from {
            if at < *weight {
                return *what;
            }
            at -= weight;
        }
        from[0].0
    }
}

/// One order, with all that happened to it until today.
fn order(n: u64, placed: Day, today: Day, dice: &mut Dice) -> Value {
    let places: Vec<(usize, u64)> = PLACES.iter().enumerate().map(|(k, p)| (k, p.3)).collect();
    let (country, region, postal, _) = PLACES[dice.of(&places)];
    let european = country != "US" && country != "CA";
    let carrier = if european { "dhl_parcel" } else { dice.of(&CARRIERS) };
    let number = format!("SEED{n:09}");
    let time = |day: i32, hour: u64, minute: u64| {
        format!("{}T{hour:02}:{minute:02}:00{}", Day(day), if european { "+01:00" } else { "-06:00" })
    };
    let shipped = placed.0 + dice.of(&[(0, 15), (1, 55), (2, 20), (3, 8), (5, 2)]);
    let mut transit = dice.of(&[(1, 10), (2, 30), (3, 28), (4, 16), (5, 8), (6, 4), (8, 3), (12, 1)]);
    // Last week something was wrong with one carrier in one place.
    if carrier == "ups" && region == "TX" && today.0 - placed.0 < 17 && today.0 - placed.0 > 6 {
        transit += 4;
    }
    let mut scans = vec![json!({"time": time(shipped, 17, dice.below(60)), "status": "in_transit", "location": "Origin depot"})];
    let delivered = shipped + transit;
    if transit > 2 {
        scans.push(json!({"time": time(shipped + 1, 6, dice.below(60)), "status": "in_transit", "location": "Hub"}));
    }
    match dice.below(1000) {
        0..4 => scans.push(json!({"time": time(shipped + 2, 9, 0), "status": "exception", "sub_status": "lost"})),
        4..8 => scans.push(json!({"time": time(shipped + 2, 9, 0), "status": "exception", "sub_status": "damaged"})),
        other => {
            if other < 40 {
                scans.push(json!({"time": time(delivered - 1, 12, 0), "status": "attempt_failed", "sub_status": "no_one_home"}));
            }
            scans.push(json!({"time": time(delivered, 8, dice.below(60)), "status": "out_for_delivery"}));
            scans.push(json!({"time": time(delivered, 9 + dice.below(9), dice.below(60)), "status": "delivered"}));
        }
    }
    // Not yet.
    scans.retain(|s| s["time"].as_str().is_some_and(|t| t[..10] <= *today.to_string()));
    let sku = dice.of(&[("MUG-1", 60), ("BLANKET-1", 40)]);
    let line = json!({"id": "1", "sku": sku, "title": sku, "quantity": 1 + dice.below(3), "requires_shipping": true});
    let id = format!("seed-{n}");
    let left = shipped <= today.0;
    let fulfillments = if left {
        json!([{"id": format!("{id}/1"), "order_id": id, "status": "success", "created_at": time(shipped, 12, 0), "lines": [line],
            "tracking": [{"carrier": carrier, "number": number}]}])
    } else {
        json!([])
    };
    let shipments = if left {
        json!([{"carrier": carrier, "tracking_number": number, "order_id": id, "status": "info_received", "checkpoints": scans}])
    } else {
        json!([])
    };
    json!({"orders": [{"id": id, "number": format!("#{n}"), "placed_at": time(placed.0, 8 + dice.below(12), dice.below(60)), "currency": "USD",
        "email": format!("shopper{n}@example.com"), "shipping_method": "Standard", "shipping_methods": ["Standard"],
        "destination": {"country": country, "region": Some(region).filter(|r| !r.is_empty()), "city": "Somewhere", "postal_code": format!("{postal}{:02}", dice.below(100))},
        "lines": [line], "fulfillments": fulfillments}], "shipments": shipments})
}

/// Makes so many orders of a store over the days up to `now`. `told` hears how many are there.
pub async fn fill(state: &AppState, store: &str, orders: u64, days: u32, seed: u64, told: impl Fn(u64)) -> Result<()> {
    state.store_info(store).with_context(|| format!("there is no store \"{store}\""))?;
    let now = state.now();
    let today = now.local(0).0;
    let mut dice = Dice(seed);
    let mut made = 0;
    while made < orders {
        let until = (made + BATCH).min(orders);
        let mut bodies = Vec::new();
        let mut seen = Vec::new();
        for n in made..until {
            // As many every day.
            let placed = Day(today.0 - (u64::from(days) * (orders - n - 1) / orders) as i32);
            bodies.push((serde_json::to_vec(&order(n, placed, today, &mut dice))?, placed));
            for _ in 0..dice.below(3) {
                let day = (placed.0 + dice.below(6) as i32).min(today.0);
                let state = dice.of(&[("ordered", 30), ("on_time", 50), ("late", 10), ("delivered", 10)]);
                seen.push(Look { order: format!("seed-{n}"), day, how: 1 << dice.below(3), state });
            }
        }
        let asked: Vec<Contact> = (made..until)
            .filter_map(|n| {
                let reason = dice.of(&[("", 92), ("where_is_it", 4), ("late", 2), ("not_received", 1), ("return", 1)]);
                let day = today.0 - (u64::from(days) * (orders - n - 1) / orders) as i32 + 4;
                (!reason.is_empty() && day <= today.0).then(|| Contact {
                    id: format!("seed-{n}"),
                    at: i64::from(day) * 86_400 + 40_000,
                    order: Some(format!("seed-{n}")),
                    reason: reason.into(),
                    channel: dice.of(&[("email", 60), ("chat", 30), ("phone", 10)]).into(),
                })
            })
            .collect();
        let of = store.to_owned();
        ingest::append_and_project(
            state,
            store,
            bodies.into_iter().map(|(body, placed)| (body, Instant(i64::from(placed.0) * 86_400))).collect(),
        )
        .await?;
        let write = state.db().write(move |db| {
            seen.iter().try_for_each(|look| insight::look(db, &of, look))?;
            asked.iter().try_for_each(|contact| insight::contact(db, &of, contact).map(drop))
        });
        write.await?;
        made = until;
        told(made);
    }
    Ok(())
}
