use super::*;
use crate::learn::sound;

/// Orders of 200 days, three a day, on a quick and a slow lane; what each took follows a fixed pattern.
fn orders() -> Vec<Shipment> {
    let mut orders = Vec::new();
    for n in 0..600 {
        let purchased = Day(20_000 + n / 3);
        let slow = n % 3 == 0;
        let took = [2, 3, 3, 4, 3, 2, 5, 3, 4, 3][(n * 7 % 10) as usize] + if slow { 6 } else { 0 };
        orders.push(Shipment {
            purchased,
            second: 43_200,
            handed_over: Some(Day(purchased.0 + 1)),
            delivered: Some(Day(purchased.0 + took)),
            promised: Some(Day(purchased.0 + 12)),
            groups: Vec::from([String::from("to X"), String::from(if slow { "A to X" } else { "B to X" })]),
            traits: Vec::from([alloc::format!("sender {}", n % 7)]),
        });
    }
    orders
}

fn promises(orders: &[Shipment], until: Day) -> Vec<(Day, Vec<f64>)> {
    let all = play(orders, Settings::default(), Day(20_300), &|_| true, &QUANTILES, &mut |_| {});
    all.into_iter().filter(|p| p.purchased <= until).map(|p| (p.purchased, p.promised)).collect()
}

/// The orders as they were known when `today` began; all that came to be known later is changed by `change`.
fn other_future(orders: &[Shipment], today: Day, change: i32) -> Vec<Shipment> {
    let later = |day: Option<Day>| match day {
        // Some come later than they did, some never.
        Some(d) if d >= today => (d.0 % 3 != change % 3).then_some(Day(d.0 + change)),
        known => known,
    };
    orders
        .iter()
        .map(|s| {
            let mut s = Shipment { delivered: later(s.delivered), handed_over: later(s.handed_over), ..s.clone() };
            if s.purchased > today {
                s.groups.reverse();
                s.traits.clear();
                s.purchased = Day(s.purchased.0 + change % 5);
            }
            s
        })
        .collect()
}

#[test]
fn the_future_does_not_leak_into_a_promise() {
    let before = orders();
    for today in [20_003, 20_050, 20_120, 20_199].map(Day) {
        for change in [1, 7, 40] {
            let after = other_future(&before, today, change);
            assert_eq!(promises(&before, today), promises(&after, today), "{today:?} {change}");
        }
    }
    let after = other_future(&before, Day(20_120), 40);
    assert_ne!(promises(&before, Day(20_190)), promises(&after, Day(20_190)), "the test can fail");
}

#[test]
fn the_future_does_not_leak_into_the_choice_of_settings() {
    let before = orders();
    let split = Day(20_150);
    let chosen = choose::settings(&before, split, &mut |_| {});
    for change in [1, 40] {
        assert_eq!(chosen, choose::settings(&other_future(&before, split, change), split, &mut |_| {}));
    }
    // All that it may know is changed: it can choose otherwise.
    let mut varied = before.clone();
    for (n, s) in varied.iter_mut().enumerate() {
        s.delivered = s.delivered.map(|d| Day(d.0 + (n as i32 * 13 % 11) + if d.0 > 20_070 { 9 } else { 0 }));
    }
    assert_ne!(chosen, choose::settings(&varied, split, &mut |_| {}), "the test can fail");
}

#[test]
fn lanes_are_told_apart_and_promises_kept() {
    let report = run(&orders(), Day(20_100));
    let score = &report.score;
    assert_eq!(score.orders, 300);
    for (p, coverage, _) in &score.quantiles {
        assert!(*coverage >= p - 0.1, "P{p}: {coverage}");
    }
    // The lanes differ by six days: who knows them is much sharper than who does not.
    assert!(score.pinball < 0.6 * report.baselines["global_quantiles"].pinball);
    let own = report.store.unwrap();
    assert_eq!((own.orders, own.coverage, own.mean_days), (300, 1.0, 12.0));
    assert_eq!(score.lanes.keys().collect::<Vec<_>>(), ["A to X", "B to X"]);
    assert!(score.lanes["A to X"].mean_days[1] > score.lanes["B to X"].mean_days[1] + 5.0);
    assert_eq!(score.lanes.values().map(|l| l.orders).sum::<usize>(), 300);
    assert_eq!(score.months.values().map(|l| l.orders).sum::<usize>(), 300);
}

#[test]
fn parcels_under_way_count_as_slow_not_as_unknown() {
    // From a day on nothing arrives any more: promises must grow although no slow delivery was ever seen.
    let stop = Day(20_100);
    let mut stuck = orders();
    for s in &mut stuck {
        s.delivered = s.delivered.filter(|d| *d < stop);
    }
    let at = |day: i32| promises(&stuck, Day(day)).iter().filter(|p| p.0 == Day(day)).map(|p| p.1[3]).fold(0.0, f64::max);
    assert!(at(20_130) > at(20_095) + 3.0, "{} {}", at(20_130), at(20_095));
}

/// Deliveries of a year with chance in them; from a day on, all become `change` times as long.
fn drifting(change: f64) -> Vec<Shipment> {
    let mut seed = 7u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as f64 / f64::from(1u32 << 31)
    };
    (0..400 * 30)
        .map(|n| {
            let purchased = Day(20_000 + n / 30);
            // Gamma-like: the sum of three exponentials.
            let took: f64 = 2.0 + (0..3).map(|_| -3.0 * (1.0 - random()).ln()).sum::<f64>();
            let changed = purchased.0 + took as i32 >= 20_300;
            // What is under way when the change comes is changed from then on.
            let took = if changed {
                let before = f64::from((20_300 - purchased.0).max(0)).min(took);
                before + (took - before) * change
            } else {
                took
            };
            Shipment { purchased, delivered: Some(Day(purchased.0 + took as i32)), ..Shipment::default() }
        })
        .collect()
}

/// By how much each quantile's coverage is off, of orders bought from five weeks after the change on.
fn misses(change: f64, settings: Settings) -> Vec<f64> {
    let played = play(&drifting(change), settings, Day(20_460), &|_| true, &QUANTILES, &mut |_| {});
    let after: Vec<_> = played.iter().filter(|p| p.purchased >= Day(20_335) && p.purchased < Day(20_400)).collect();
    let kept = |k: usize| after.iter().filter(|p| f64::from(p.took) <= p.promised[k].floor()).count() as f64;
    QUANTILES.iter().enumerate().map(|(k, q)| kept(k) / after.len() as f64 - q).collect()
}

#[test]
fn ninety_percent_stays_ninety_percent_when_deliveries_become_faster_or_slower() {
    let faster = misses(0.6, Settings::default());
    assert!(faster.iter().all(|m| m.abs() < 0.03), "{faster:?}");
    // How late the late ones are in slow times is known only as they arrive: that takes longer than their being late.
    let slower = misses(1.5, Settings::default());
    assert!(slower[..4].iter().all(|m| m.abs() < 0.05) && slower[4].abs() < 0.08, "{slower:?}");
}

#[test]
fn a_quantile_of_whole_days_is_kept_as_often_as_asked_on_average() {
    // Uniform over 20 days: a day holds five hundredths.
    let by_day: Vec<f64> = (1..=20).map(|n| f64::from(n) / 20.0).collect();
    let levels: Vec<f64> = (40..960).map(|l| f64::from(l) / 1000.0).collect();
    let kept: f64 =
        levels.iter().map(|l| quantile(&by_day, *l).floor() as usize).map(|days| by_day[days]).sum::<f64>() / levels.len() as f64;
    assert!((kept - 0.5).abs() < 0.002, "{kept}");
    assert_eq!(quantile(&[], 0.5), 0.0);
    assert_eq!(quantile(&[0.2, 0.4], 0.9), 1.0, "past the end: the last day");
}

#[test]
fn empty_and_odd_input_ends_in_an_answer() {
    assert_eq!(run(&[], Day(0)).score.orders, 0);
    let odd = [
        Shipment::default(),
        Shipment { delivered: Some(Day(-5)), ..Shipment::default() },
        Shipment { delivered: Some(Day(5_000)), ..Shipment::default() },
        Shipment { delivered: Some(Day(3)), handed_over: Some(Day(4)), promised: Some(Day(-1)), ..Shipment::default() },
    ];
    let checked = sound(odd.to_vec());
    assert_eq!((checked.shipments.len(), checked.impossible.values().sum::<usize>()), (2, 2));
    assert_eq!(checked.repaired.values().sum::<usize>(), 2);
    assert_eq!(checked.shipments[1].handed_over, None);
    assert_eq!(run(&checked.shipments, Day(0)).score.orders, 1);
    let one = [Shipment { delivered: Some(Day(3)), ..Shipment::default() }];
    assert_eq!(run(&one, Day(0)).score.orders, 1);
}

#[test]
fn limits_are_judged_where_there_are_orders_enough() {
    let cell = |orders, coverage: [f64; 5]| Cell { orders, coverage: coverage.into(), ..Cell::default() };
    let mut score = Score { orders: 2_401, ..Score::default() };
    score.quantiles = QUANTILES.iter().map(|p| (*p, p + if *p == 0.5 { 0.021 } else { 0.019 }, 0.0)).collect();
    score.months.insert("2018-01".into(), cell(385, [0.1, 0.44, 0.8, 0.9, 0.95]));
    score.months.insert("2018-02".into(), cell(384, [0.1, 0.44, 0.8, 0.9, 0.95]));
    let judged = score.judge();
    let missed: Vec<_> = judged.missed.iter().map(|m| (m.month.as_deref(), m.p)).collect();
    assert_eq!(missed, [(None, 0.5), (Some("2018-01"), 0.5)]);
    assert_eq!(judged.too_few, ["2018-02"]);
    assert!((judged.missed[1].chance - 0.05).abs() < 0.001);
    assert_eq!(Score::default().judge().too_few, ["all"]);
}
