//! Learning: deliveries a second into a large store's state, against a bare histogram in a hash map; and how large that state becomes.

use std::{collections::HashMap, hint::black_box, time::Instant};

use promise::{
    Day,
    learn::lanes::{Delivery, Lanes},
};

use crate::{Figure, median};

const DELIVERIES: usize = 400_000;
const ROUNDS: usize = 5;

pub fn figure() -> Figure {
    // Ten origins, twenty services, fifty zones: ten thousand lanes, over two hundred days.
    let names: Vec<String> = (0..80).map(|n| format!("name-{n}")).collect();
    let deliveries: Vec<(Delivery, Day)> = (0..DELIVERIES)
        .map(|n| {
            let lane = n.wrapping_mul(2_654_435_761) % 10_000;
            let delivery = Delivery {
                origin: &names[lane % 10],
                service: &names[10 + lane / 10 % 20],
                zone: &names[30 + lane / 200],
                handling: Some((n % 4) as u16),
                transit: Some((n * 7 % 23) as u16),
            };
            (delivery, Day(20_000 + (n * 200 / DELIVERIES) as i32))
        })
        .collect();
    let (mut value, mut reference) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let mut lanes = Lanes::new(60.0);
        for (delivery, day) in &deliveries {
            lanes.add(black_box(delivery), *day);
        }
        black_box(&lanes);
        value.push(DELIVERIES as f64 / started.elapsed().as_secs_f64());

        let started = Instant::now();
        let mut counts: HashMap<(&str, &str, &str, Option<u16>), u32> = HashMap::new();
        for (d, _) in &deliveries {
            *counts.entry((d.origin, d.service, d.zone, black_box(d).transit)).or_default() += 1;
        }
        black_box(&counts);
        reference.push(DELIVERIES as f64 / started.elapsed().as_secs_f64());
    }
    Figure {
        name: "learn",
        value: median(value),
        reference: median(reference),
        unit: "deliveries/s",
        against: "a bare count in a hash map",
    }
}

/// The state of a store of ten million deliveries over two years: twenty origins, twenty-five services and a hundred zones, fifty thousand lanes in all,
/// some taking six weeks.
pub fn state() -> Figure {
    const DELIVERIES: usize = 10_000_000;
    const MEGABYTE: f64 = 1e6;
    let names: Vec<String> = (0..145).map(|n| format!("name-{n}")).collect();
    let mut lanes = Lanes::new(60.0);
    for n in 0..DELIVERIES {
        let lane = n.wrapping_mul(2_654_435_761) % 50_000;
        let delivery = Delivery {
            origin: &names[lane % 20],
            service: &names[20 + lane / 20 % 25],
            zone: &names[45 + lane / 500],
            handling: Some((n % 6) as u16),
            transit: Some((n.wrapping_mul(11_400_714_819_323_198_485) >> 40) as u16 % (3 + lane % 28) as u16),
        };
        lanes.add(&delivery, Day(20_000 + (n / (DELIVERIES / 730)) as i32));
    }
    Figure {
        name: "learn_state",
        value: lanes.bytes().len() as f64 / MEGABYTE,
        reference: DELIVERIES as f64 * 12.0 / MEGABYTE,
        unit: "MB",
        against: "the same ten million deliveries at twelve bytes each",
    }
}
