//! Settings, chosen on what was known before the split.

use alloc::{collections::BTreeMap, vec::Vec};

use super::{
    QUANTILES, Step, play,
    score::{Played, pinball},
};
use crate::{
    learn::{Settings, Shipment},
    time::Day,
};

/// Deliveries without which there is nothing to choose by.
const ENOUGH: usize = 300;

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
    let tried = |settings: Settings| weekly(&play(&known, settings, split, &scored, &QUANTILES, &mut |_| {}));
    let mut best = (Settings::default(), tried(Settings::default()));
    let total = 1 + ROUNDS.iter().map(|vary| vary(best.0).len()).sum::<usize>();
    let mut done = 1;
    // One setting after the other, each at its best given the others.
    for vary in ROUNDS {
        for settings in vary(best.0) {
            told(Step::Choosing(done, total));
            done += 1;
            if settings == best.0 {
                continue;
            }
            let found = tried(settings);
            if better(&found, &best.1) {
                best = (settings, found);
            }
        }
    }
    best.0
}

/// Loss by week of purchase.
type Weekly = BTreeMap<i32, f64>;

fn weekly(played: &[Played]) -> Weekly {
    let mut weeks = Weekly::new();
    for p in played {
        let loss: f64 = QUANTILES.iter().zip(&p.promised).map(|(q, days)| pinball(*q, f64::from(p.took) - days)).sum();
        *weeks.entry(p.purchased.0.div_euclid(7)).or_default() += loss;
    }
    weeks
}

/// Whether one loses less than the other by more than its standard error, week against week: what is no better than chance explains is
/// no reason to forget faster (the rule of one standard error).
fn better(new: &Weekly, old: &Weekly) -> bool {
    let gains: Vec<f64> = old.iter().map(|(week, loss)| loss - new.get(week).copied().unwrap_or_default()).collect();
    let n = gains.len() as f64;
    let gain: f64 = gains.iter().sum();
    let spread: f64 = gains.iter().map(|g| (g - gain / n).powi(2)).sum();
    n >= 2.0 && gain > (spread * n / (n - 1.0)).sqrt()
}

type Vary = fn(Settings) -> Vec<Settings>;
const ROUNDS: [Vary; 2] = [strength, doubt];

fn strength(s: Settings) -> Vec<Settings> {
    [0.25, 0.5, 1.0, 2.0, 4.0].map(|strength| Settings { strength, ..s }).into()
}

fn doubt(s: Settings) -> Vec<Settings> {
    [15.0, 40.0].map(|doubt| Settings { doubt, ..s }).into()
}
