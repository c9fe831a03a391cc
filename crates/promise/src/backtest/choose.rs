//! Settings, chosen on what was known before the split.

use alloc::vec::Vec;

use super::{QUANTILES, Score, Step, play, score::score};
use crate::{
    learn::{Settings, Shipment},
    time::Day,
};

/// Deliveries without which there is nothing to choose by.
const ENOUGH: usize = 300;
/// Deliveries within a half-life, without which it is too short.
const PACE_NEEDS: f64 = 40.0;
const HALF_LIFE_NEEDS: f64 = 400.0;
const SLOWEST: Settings = Settings { half_life: 365.0, strength: 1.0, doubt: 15.0, pace: 60.0, drift: 120.0, gain: 1.0 };

/// The settings that would have done best before the split.
pub(super) fn settings(shipments: &[Shipment], split: Day, told: &mut dyn FnMut(Step)) -> Settings {
    let known: Vec<Shipment> = shipments
        .iter()
        .filter(|s| s.purchased < split)
        .map(|s| Shipment {
            delivered: s.delivered.filter(|d| *d < split),
            handed_over: s.handed_over.filter(|d| *d < split),
            ..s.clone()
        })
        .collect();
    let mut took: Vec<i32> = known.iter().filter_map(|s| Some(s.delivered?.0 - s.purchased.0)).collect();
    took.sort_unstable();
    let Some(first) = known.iter().map(|s| s.purchased).min().filter(|_| took.len() >= ENOUGH) else {
        return Settings::default();
    };
    // What was bought too late to have arrived says little about the slow; of the rest, what has not arrived is lost.
    let until = Day(split.0 - took[took.len() * 98 / 100]);
    let from = Day(first.0 + (until.0 - first.0) * 2 / 5);
    let scored = |s: &Shipment| s.purchased >= from && s.purchased < until && s.delivered.is_some();
    let tried = |settings: Settings| {
        let score = score(&play(&known, settings, split, &scored, &QUANTILES, &mut |_| {}));
        if score.orders == 0 { (f64::INFINITY, f64::INFINITY) } else { (score.pinball, off(&score)) }
    };
    // What is said on too little evidence is noise: half-lives have to hold enough of the deliveries of late.
    let late = Day(split.0 - (split.0 - first.0) / 4);
    let recent = known.iter().filter(|s| s.delivered.is_some_and(|d| d >= late)).count();
    let rate = recent as f64 / f64::from((split.0 - late.0).max(1));
    let enough = |s: &Settings| {
        let slowest = SLOWEST;
        (s.pace >= slowest.pace || rate * s.pace >= PACE_NEEDS)
            && (s.half_life >= slowest.half_life || rate * s.half_life >= HALF_LIFE_NEEDS)
    };
    let start = if enough(&Settings::default()) { Settings::default() } else { SLOWEST };
    let mut best = (start, tried(start));
    let total = 1 + ROUNDS.iter().map(|(_, vary)| vary(best.0).len()).sum::<usize>();
    let mut done = 1;
    // One setting after the other, each at its best given the others.
    for (judged, vary) in ROUNDS {
        for settings in vary(best.0) {
            told(Step::Choosing(done, total));
            done += 1;
            if !enough(&settings) {
                continue;
            }
            let found = if settings == best.0 { best.1 } else { tried(settings) };
            let better = match judged {
                By::Loss => found.0 < best.1.0,
                By::Truth => found.1 < best.1.1,
            };
            if better {
                best = (settings, found);
            }
        }
    }
    best.0
}

/// What a setting is judged by: what tells parcels apart by the loss, what decides how fast it forgets by how often promises were kept.
#[derive(Clone, Copy)]
enum By {
    Loss,
    Truth,
}

type Vary = fn(Settings) -> Vec<Settings>;
const ROUNDS: [(By, Vary); 6] = [
    (By::Truth, agility),
    (By::Truth, half_life),
    (By::Loss, strength),
    (By::Loss, doubt),
    (By::Truth, agility),
    (By::Truth, half_life),
];

/// By how much coverage is off, over quantiles and months (months by their orders), the root of the mean square: one month in which 90 %
/// were 80 % is worse than ten in which they were 89 %.
fn off(score: &Score) -> f64 {
    let miss =
        |coverage: &[f64]| QUANTILES.iter().zip(coverage).map(|(p, c)| (p - c).powi(2)).sum::<f64>() / QUANTILES.len() as f64;
    (score.months.values().map(|m| miss(&m.coverage) * m.orders as f64).sum::<f64>() / score.orders.max(1) as f64).sqrt()
}

fn agility(s: Settings) -> Vec<Settings> {
    [(2.0, 4.0), (4.0, 8.0), (8.0, 16.0), (20.0, 40.0), (60.0, 120.0)].map(|(pace, drift)| Settings { pace, drift, ..s }).into()
}

fn half_life(s: Settings) -> Vec<Settings> {
    [30.0, 60.0, 120.0, 365.0].map(|half_life| Settings { half_life, ..s }).into()
}

fn strength(s: Settings) -> Vec<Settings> {
    [0.25, 0.5, 1.0, 2.0, 4.0].map(|strength| Settings { strength, ..s }).into()
}

fn doubt(s: Settings) -> Vec<Settings> {
    [15.0, 40.0].map(|doubt| Settings { doubt, ..s }).into()
}
