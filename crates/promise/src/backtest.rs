//! The back-test: past orders played in time order, knowing at each purchase only what was known then.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use crate::{
    learn::{Calibration, Model, Settings, Shipment, quantile},
    time::Day,
};

pub const QUANTILES: [f64; 5] = [0.1, 0.5, 0.8, 0.9, 0.95];

/// How good a method's promises were.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    pub orders: usize,
    /// Mean pinball loss over the quantiles, in days.
    pub pinball: f64,
    pub mae_p50: f64,
    /// Share delivered by the promise, and mean promised days, by quantile.
    pub quantiles: Vec<(f64, f64, f64)>,
    /// Coverage by quantile, by month of purchase.
    pub months: BTreeMap<String, (usize, Vec<f64>)>,
}

/// One order's promises: days by quantile, and the days it took.
struct Played {
    purchased: Day,
    took: i32,
    promised: [i32; 5],
}

/// A back-test's result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    pub settings: Settings,
    pub score: Score,
    /// The share of its own promises that the store kept, and its mean promised days; ours at the same share.
    pub store: Option<(f64, f64)>,
    pub at_store_share: Option<(f64, f64)>,
    pub baselines: Vec<(&'static str, Score)>,
}

/// Plays the orders; those bought from `split` on are scored. Settings are chosen on what was delivered before it.
pub fn run(shipments: &[Shipment], split: Day) -> Report {
    let settings = choose(shipments, split);
    let end = shipments.iter().filter_map(|s| s.delivered).max().unwrap_or(split);
    let scored = |s: &Shipment| s.purchased >= split && s.delivered.is_some();
    let played = play(shipments, settings, end, &scored, &QUANTILES, true);
    let own: Vec<(i32, i32)> = shipments
        .iter()
        .filter(|s| scored(s))
        .filter_map(|s| Some((s.delivered?.0 - s.purchased.0, s.promised?.0 - s.purchased.0)))
        .collect();
    let store = (!own.is_empty()).then(|| {
        let kept = own.iter().filter(|(took, promised)| took <= promised).count() as f64 / own.len() as f64;
        (kept, own.iter().map(|o| f64::from(o.1)).sum::<f64>() / own.len() as f64)
    });
    let at_store_share = store.map(|(share, _)| {
        let levels = [share; 5];
        let at = play(shipments, settings, end, &scored, &levels, true);
        let n = at.len().max(1) as f64;
        let kept = at.iter().filter(|p| p.took <= p.promised[0]).count() as f64 / n;
        (kept, at.iter().map(|p| f64::from(p.promised[0])).sum::<f64>() / n)
    });
    let plain: Vec<Shipment> = shipments
        .iter()
        .map(|s| Shipment { traits: Vec::new(), groups: s.groups.iter().take(2).cloned().collect(), ..s.clone() })
        .collect();
    let global: Vec<Shipment> =
        shipments.iter().map(|s| Shipment { traits: Vec::new(), groups: Vec::new(), ..s.clone() }).collect();
    let baselines = Vec::from([
        ("lane_hazards", score(&play(&plain, settings, end, &scored, &QUANTILES, false))),
        ("global_hazards", score(&play(&global, settings, end, &scored, &QUANTILES, false))),
    ]);
    Report { settings, score: score(&played), store, at_store_share, baselines }
}

/// The settings that would have done best before the split, on the last third of what was known then.
fn choose(shipments: &[Shipment], split: Day) -> Settings {
    let known: Vec<Shipment> = shipments
        .iter()
        .filter(|s| s.purchased < split)
        .map(|s| Shipment { delivered: s.delivered.filter(|d| *d < split), ..s.clone() })
        .collect();
    let Some(first) = known.iter().map(|s| s.purchased).min() else { return Settings::default() };
    let from = Day(split.0 - (split.0 - first.0) / 3);
    // What was bought too late to have arrived says little about the slow; of the rest, what has not arrived counts as arriving now.
    let until = Day(split.0 - 40);
    let scored = |s: &Shipment| s.purchased >= from && s.purchased < until;
    let mut best = (f64::INFINITY, Settings::default());
    // One setting after the other, twice around: each at its best given the others.
    for _ in 0..2 {
        let start = best.1;
        let mut tries = Vec::new();
        tries.extend([15.0, 25.0, 45.0, 90.0].map(|half_life| Settings { half_life, ..start }));
        try_all(&mut best, tries, &known, split, &scored);
        let start = best.1;
        let tries = [3.0, 8.0, 20.0, 50.0].map(|strength| Settings { strength, ..start });
        try_all(&mut best, tries.to_vec(), &known, split, &scored);
        let start = best.1;
        let tries = [5.0, 15.0, 60.0, 200.0].map(|doubt| Settings { doubt, ..start });
        try_all(&mut best, tries.to_vec(), &known, split, &scored);
    }
    best.1
}

fn try_all(best: &mut (f64, Settings), tries: Vec<Settings>, known: &[Shipment], split: Day, scored: &dyn Fn(&Shipment) -> bool) {
    for settings in tries {
        let result = score(&play(known, settings, split, scored, &QUANTILES, true));
        // Sharp and true: each point that a quantile is off costs a hundredth.
        let off = result.quantiles.iter().map(|(p, coverage, _)| (p - coverage).abs()).sum::<f64>() / 5.0;
        let cost = result.pinball * (1.0 + off);
        if result.orders > 0 && cost < best.0 {
            *best = (cost, settings);
        }
    }
}

fn play(
    shipments: &[Shipment],
    settings: Settings,
    end: Day,
    scored: &dyn Fn(&Shipment) -> bool,
    levels: &[f64; 5],
    calibrate: bool,
) -> Vec<Played> {
    let mut order: Vec<usize> = (0..shipments.len()).collect();
    order.sort_by_key(|n| (shipments[*n].purchased, shipments[*n].second));
    let Some(first) = order.first().map(|n| shipments[*n].purchased) else { return Vec::new() };
    let mut model = Model::new(settings, first);
    let mut calibration = Calibration::new(levels, if calibrate { settings.step } else { 0.0 });
    let mut open = Vec::new();
    let mut played = Vec::new();
    let mut next = order.into_iter().peekable();
    let mut today = first;
    while today <= end {
        model.begin_day();
        // Promises first: today's deliveries are not known yet.
        while let Some(n) = next.next_if(|n| shipments[*n].purchased == today) {
            let s = &shipments[n];
            let known = model.know(s);
            let by_day = model.by_day(&known, today);
            let mut promised = [0; 5];
            for (k, days) in promised.iter_mut().enumerate() {
                *days = quantile(&by_day, calibration.level(k)) as i32;
            }
            if let Some(delivered) = s.delivered.or(Some(end)).filter(|_| scored(s)) {
                played.push(Played { purchased: today, took: delivered.0 - today.0, promised });
            }
            open.push((n, known, promised));
        }
        open.retain(|(n, known, promised)| {
            let s = &shipments[*n];
            let arrived = s.delivered == Some(today);
            model.observe(known, today, arrived);
            if arrived {
                for (k, days) in promised.iter().enumerate() {
                    calibration.learn(k, today.0 - s.purchased.0 <= *days);
                }
            }
            !arrived && today.0 - s.purchased.0 < crate::learn::DAYS as i32
        });
        today = Day(today.0 + 1);
    }
    played
}

fn score(played: &[Played]) -> Score {
    let n = played.len().max(1) as f64;
    let mut result = Score { orders: played.len(), ..Score::default() };
    let mut months: BTreeMap<String, (usize, Vec<f64>)> = BTreeMap::new();
    for p in played {
        for (k, q) in QUANTILES.iter().enumerate() {
            let miss = f64::from(p.took - p.promised[k]);
            result.pinball += (q * miss).max((q - 1.0) * miss) / n / 5.0;
        }
        result.mae_p50 += f64::from((p.took - p.promised[1]).abs()) / n;
        let (year, month, _) = p.purchased.ymd();
        let entry = months.entry(alloc::format!("{year}-{month:02}")).or_insert((0, alloc::vec![0.0; 5]));
        entry.0 += 1;
        for k in 0..5 {
            entry.1[k] += f64::from(u8::from(p.took <= p.promised[k]));
        }
    }
    for (k, q) in QUANTILES.iter().enumerate() {
        let kept = played.iter().filter(|p| p.took <= p.promised[k]).count() as f64 / n;
        let days = played.iter().map(|p| f64::from(p.promised[k])).sum::<f64>() / n;
        result.quantiles.push((*q, kept, days));
    }
    for (count, kept) in months.values_mut() {
        kept.iter_mut().for_each(|k| *k /= *count as f64);
    }
    result.months = months;
    result
}

#[cfg(test)]
mod tests {
    use super::*;

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
                delivered: Some(Day(purchased.0 + took)),
                promised: Some(Day(purchased.0 + 12)),
                groups: Vec::from([String::from("to X"), String::from(if slow { "A to X" } else { "B to X" })]),
                traits: Vec::new(),
            });
        }
        orders
    }

    fn promises(orders: &[Shipment], until: Day) -> Vec<(Day, [i32; 5])> {
        let all = play(orders, Settings::default(), Day(20_300), &|_| true, &QUANTILES, true);
        all.iter().filter(|p| p.purchased <= until).map(|p| (p.purchased, p.promised)).collect()
    }

    #[test]
    fn the_future_does_not_leak_into_a_promise() {
        let today = Day(20_120);
        let before = orders();
        // Whatever is delivered from today on, comes at another time; whatever is bought later, differs.
        let after: Vec<Shipment> = before
            .iter()
            .map(|s| {
                let mut s = s.clone();
                if s.delivered.is_some_and(|d| d >= today) {
                    s.delivered = s.delivered.map(|d| Day(d.0 + 40));
                }
                if s.purchased > today {
                    s.groups.clear();
                }
                s
            })
            .collect();
        assert_eq!(promises(&before, today), promises(&after, today));
        assert_ne!(promises(&before, Day(20_190)), promises(&after, Day(20_190)), "the test can fail");
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
        let global = &report.baselines.iter().find(|b| b.0 == "global_hazards").unwrap().1;
        assert!(score.pinball < 0.6 * global.pinball, "{} {}", score.pinball, global.pinball);
        assert_eq!(report.store, Some((1.0, 12.0)));
    }

    #[test]
    fn parcels_under_way_count_as_slow_not_as_unknown() {
        // From a day on nothing arrives any more: promises must grow although no slow delivery was ever seen.
        let stop = Day(20_100);
        let mut stuck = orders();
        for s in &mut stuck {
            if s.delivered.is_some_and(|d| d >= stop) {
                s.delivered = None;
            }
        }
        let at = |day: i32| promises(&stuck, Day(day)).iter().filter(|p| p.0 == Day(day)).map(|p| p.1[3]).max().unwrap();
        assert!(at(20_130) > at(20_095) + 3, "{} {}", at(20_130), at(20_095));
    }

    #[test]
    fn empty_and_odd_input_ends_in_an_answer() {
        assert_eq!(run(&[], Day(0)).score.orders, 0);
        let odd = [Shipment::default(), Shipment { delivered: Some(Day(-5)), ..Shipment::default() }];
        let (kept, impossible) = crate::learn::sound(odd.to_vec());
        assert_eq!((kept.len(), impossible.values().sum::<usize>()), (1, 1));
        assert_eq!(run(&kept, Day(0)).score.orders, 0);
        let one = [Shipment { delivered: Some(Day(3)), ..Shipment::default() }];
        assert_eq!(run(&one, Day(0)).score.orders, 1);
    }
}
