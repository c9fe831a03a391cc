//! The back-test: past orders played in time order, knowing at each purchase only what was known then.
//!
//! On each day, promises for the day's purchases come first; then the day's arrivals are learned. Settings are chosen by playing the orders
//! before the split, with what was delivered before it, and nothing else: no constant is fitted to the orders that are scored.
//!
//! ```
//! use promise::{Day, backtest, learn::Shipment};
//! // Three orders a day; every third goes to a place that takes six days longer.
//! let orders: Vec<Shipment> = (0..600)
//!     .map(|n| {
//!         let purchased = Day(20_000 + n / 3);
//!         let far = n % 3 == 0;
//!         let took = [2, 3, 3, 4, 3, 2, 5, 3, 4, 3][n as usize * 7 % 10] + if far { 6 } else { 0 };
//!         Shipment {
//!             purchased,
//!             delivered: Some(Day(purchased.0 + took)),
//!             promised: Some(Day(purchased.0 + 12)),
//!             groups: vec![if far { "to the islands" } else { "to the mainland" }.to_owned()],
//!             ..Shipment::default()
//!         }
//!     })
//!     .collect();
//! let report = backtest::run(&orders, Day(20_100));
//! assert_eq!(report.score.orders, 300);
//! // Who knows the lanes is sharper than who makes one promise for all.
//! assert!(report.score.pinball < report.baselines["fixed_ranges"].pinball);
//! ```

mod baselines;
mod choose;
mod score;

use alloc::{collections::BTreeMap, string::String, vec::Vec};

pub use score::{Cell, Judged, LIMIT, MONTH_LIMIT, Miss, Own, Score};
use score::{Played, score_by_lane};

use crate::{
    learn::{Coverage, DAYS, Model, Settings, Shipment, quantile},
    time::Day,
};

/// How far the correction leans into what it sees: the model learns of a change as well, and by the time that promises made today come to their
/// end, a change that goes on has gone on.
const LEAN: f64 = 2.0;

/// The levels that are scored: a promise of P90 is to be kept in 90 of 100 cases.
pub const QUANTILES: [f64; 5] = [0.1, 0.5, 0.8, 0.9, 0.95];

/// A back-test's result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Chosen on what was known before the split.
    pub settings: Settings,
    /// Ours.
    pub score: Score,
    /// The store's own promises on the same orders.
    pub store: Option<Own>,
    /// Ours at the share of promises that the store kept.
    pub at_store_share: Option<AtShare>,
    /// `fixed_ranges`, `lane_quantiles`, `global_quantiles`.
    pub baselines: BTreeMap<&'static str, Score>,
}

/// Promises kept as often as the store kept its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AtShare {
    /// The lowest level, in steps of half a point, at which at least that share was kept: what makes the promised days comparable.
    pub matched: Asked,
    /// The share itself as the level, as one would have asked for it in advance.
    pub asked: Asked,
}

/// One promised day per order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Asked {
    /// The share of promises to be kept that was asked for.
    pub level: f64,
    /// The share that was kept.
    pub coverage: f64,
    /// Whole days.
    pub mean_days: f64,
    /// Pinball loss at this level.
    pub pinball: f64,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// So many settings tried, of so many.
    Choosing(usize, usize),
    /// This day is played, of the stretch until the other.
    Playing(Day, Day),
}

/// Plays the orders; those bought from `split` on are scored.
pub fn run(shipments: &[Shipment], split: Day) -> Report {
    run_with(shipments, split, &mut |_| {})
}

/// The same, telling how far it is.
pub fn run_with(shipments: &[Shipment], split: Day, told: &mut dyn FnMut(Step)) -> Report {
    let settings = choose::settings(shipments, split, told);
    let end = shipments.iter().filter_map(|s| s.delivered).max().unwrap_or(split);
    let scored = |s: &Shipment| s.purchased >= split && s.delivered.is_some();
    let own = baselines::own(shipments.iter().filter(|s| scored(s)));
    let mut levels = Vec::from(QUANTILES);
    if let Some(own) = &own {
        levels.push(own.coverage);
        levels.extend((-20..=20).map(|n| own.coverage + f64::from(n) * 0.005).filter(|l| (0.01..=0.995).contains(l)));
    }
    let played = play(shipments, settings, end, &scored, &levels, told);
    let at = |k: usize| {
        let n = played.len().max(1) as f64;
        let sum = |f: &dyn Fn(&Played) -> f64| played.iter().map(f).sum::<f64>() / n;
        let level = levels[k];
        Asked {
            level,
            coverage: sum(&|p| f64::from(u8::from(f64::from(p.took) <= p.promised[k].floor()))),
            mean_days: sum(&|p| p.promised[k].floor()),
            pinball: sum(&|p| score::pinball(level, f64::from(p.took) - p.promised[k])),
        }
    };
    let at_store_share = own.as_ref().map(|own| {
        let asked = at(QUANTILES.len());
        let matched = (QUANTILES.len() + 1..levels.len()).map(at).find(|a| a.coverage >= own.coverage);
        AtShare { matched: matched.unwrap_or(asked), asked }
    });
    let baselines = baselines::all(shipments, split, &scored);
    Report { settings, score: score_by_lane(&played, shipments), store: own, at_store_share, baselines }
}

/// Days after which a purchase counts half: what was long ago is more, what was of late is more like what comes. Which is worth more changes
/// with the times, so that no choice is better than their mean.
const HALF_LIVES: [f64; 3] = [30.0, 90.0, 270.0];

/// The mean of what several models say.
fn mean(said: &[Vec<f64>]) -> Vec<f64> {
    let days = said.iter().map(Vec::len).max().unwrap_or_default();
    let by = |days: &Vec<f64>, n: usize| days.get(n).or(days.last()).copied().unwrap_or_default();
    (0..days).map(|n| said.iter().map(|s| by(s, n)).sum::<f64>() / said.len() as f64).collect()
}

/// A parcel under way, with what was promised for it.
struct Open {
    order: usize,
    known: Vec<crate::learn::model::Known>,
    by_day: Vec<f64>,
    promised: Vec<f64>,
}

/// Plays all orders until the end of `end`; the first [`QUANTILES`]`.len()` of `levels` are those of the score. Orders not delivered by then
/// count as arriving at the end, if `scored` wants them.
fn play(
    shipments: &[Shipment],
    settings: Settings,
    end: Day,
    scored: &dyn Fn(&Shipment) -> bool,
    levels: &[f64],
    told: &mut dyn FnMut(Step),
) -> Vec<Played> {
    let mut order: Vec<usize> = (0..shipments.len()).collect();
    order.sort_by_key(|n| (shipments[*n].purchased, shipments[*n].second));
    let Some(first) = order.first().map(|n| shipments[*n].purchased) else { return Vec::new() };
    let mut handed_over: BTreeMap<Day, f64> = BTreeMap::new();
    for s in shipments {
        if let Some(day) = s.handed_over {
            *handed_over.entry(day).or_default() += 1.0;
        }
    }
    let mut models = Vec::from(HALF_LIVES.map(|half_life| Model::new(settings, half_life, first)));
    let mut coverage = Coverage::leaning(LEAN);
    let mut open: Vec<Open> = Vec::new();
    let mut played = Vec::new();
    let mut next = order.into_iter().peekable();
    let mut today = first;
    while today <= end {
        told(Step::Playing(today, end));
        models.iter_mut().for_each(|m| m.begin_day(today));
        coverage.begin_day(today);
        // Promises first: today's deliveries are not known yet.
        while let Some(n) = next.next_if(|n| shipments[*n].purchased == today) {
            let s = &shipments[n];
            let known: Vec<_> = models.iter_mut().map(|m| m.know(s)).collect();
            let said: Vec<Vec<f64>> = models.iter().zip(&known).map(|(m, k)| m.by_day(k)).collect();
            let by_day = mean(&said);
            let promised: Vec<f64> = levels.iter().map(|level| quantile(&by_day, coverage.ask(*level))).collect();
            if let Some(delivered) = s.delivered.or(Some(end)).filter(|_| scored(s)) {
                played.push(Played { order: n, purchased: today, took: delivered.0 - today.0, promised: promised.clone() });
            }
            open.push(Open { order: n, known, by_day, promised });
        }
        open.retain_mut(|o| {
            let s = &shipments[o.order];
            let arrived = s.delivered == Some(today);
            let n = (today.0 - s.purchased.0) as usize;
            let alive =
                models.iter_mut().zip(&mut o.known).map(|(m, k)| m.observe(k, arrived)).sum::<f64>() / models.len() as f64;
            if let Some(after) = o.by_day.get(n).filter(|_| alive > 0.0) {
                let before = if n == 0 { 0.0 } else { o.by_day[n - 1] };
                coverage.observe(before, *after, arrived, alive);
            }
            for (level, days) in levels.iter().zip(&o.promised) {
                let (day, promised) = (n as f64, days.floor());
                if arrived && day <= promised || !arrived && day == promised {
                    coverage.settle(*level, day, arrived, alive);
                }
            }
            !arrived && n < DAYS
        });
        let left = handed_over.get(&today).copied().unwrap_or_default();
        models.iter_mut().for_each(|m| m.end_day(left));
        today = Day(today.0 + 1);
    }
    played
}

/// `2018-02`
fn month(day: Day) -> String {
    let (year, month, _) = day.ymd();
    alloc::format!("{year}-{month:02}")
}

#[cfg(test)]
mod tests;
