//! Learning: how long deliveries take, from a store's own.
//!
//! A delivery is a race against days: on each day that a parcel is still under way it arrives with some chance, the day's hazard. Hazards are
//! counted by lane, borrowing strength from wider groups where a lane is thin; recent purchases count more; parcels still under way count for
//! the days that they have been waiting (censored), so that recency does not favour the fast ones. What else makes parcels faster or slower
//! (weekday of arrival, the sender, the area, the hour of purchase) multiplies the hazard by a factor, learned as seen against expected.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use std::collections::HashMap;

use crate::time::Day;

/// Days after the purchase that are told apart; all that is later counts as the last.
pub const DAYS: usize = 150;

/// An order, from purchase to delivery.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shipment {
    pub purchased: Day,
    /// Second of the day, local.
    pub second: u32,
    /// Absent: not delivered as far as is known.
    pub delivered: Option<Day>,
    /// What the store itself promised.
    pub promised: Option<Day>,
    /// From wide to narrow: destination, lane … Each borrows from the one before.
    pub groups: Vec<String>,
    /// What else may matter: sender, area …
    pub traits: Vec<String>,
}

/// What is chosen, by trying it on earlier data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Days after which a purchase counts half.
    pub half_life: f64,
    /// How many parcels' worth of evidence a narrower group needs to speak for itself.
    pub strength: f64,
    /// The same for factors.
    pub doubt: f64,
    /// Days after which the latest pace counts half.
    pub pace: f64,
    /// How fast the calibration follows.
    pub step: f64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { half_life: 45.0, strength: 20.0, doubt: 30.0, pace: 7.0, step: 0.0006 }
    }
}

/// Arrivals that the pace needs to be believed.
const PACE_DOUBT: f64 = 30.0;

/// Weights of parcels that were waiting on each day, and of those that arrived.
#[derive(Clone, Debug)]
struct Curve {
    waiting: Vec<f64>,
    arrived: Vec<f64>,
}

impl Default for Curve {
    fn default() -> Curve {
        Curve { waiting: alloc::vec![0.0; DAYS], arrived: alloc::vec![0.0; DAYS] }
    }
}

/// Arrivals seen, and arrivals that were to be expected.
#[derive(Clone, Copy, Debug, Default)]
struct Factor {
    seen: f64,
    expected: f64,
}

/// One parcel's place in the model, looked up once.
#[derive(Clone, Debug)]
pub struct Known {
    purchased: Day,
    curves: Vec<usize>,
    factors: Vec<usize>,
}

/// What has been learned so far; it grows day by day.
#[derive(Clone, Debug)]
pub struct Model {
    settings: Settings,
    /// The first day seen: weights are relative to it.
    first: Day,
    names: HashMap<String, usize>,
    curves: Vec<Curve>,
    factor_names: HashMap<String, usize>,
    factors: Vec<Factor>,
    weekdays: [Factor; 7],
    /// Arrivals of the last days against what was to be expected: strikes, peaks, and their ends show here first.
    pace: Factor,
}

impl Model {
    pub fn new(settings: Settings, first: Day) -> Model {
        Model {
            settings,
            first,
            names: HashMap::new(),
            curves: alloc::vec![Curve::default()],
            factor_names: HashMap::new(),
            factors: Vec::new(),
            weekdays: [Factor::default(); 7],
            pace: Factor::default(),
        }
    }

    /// A day begins: what was seen before counts less.
    pub fn begin_day(&mut self) {
        let kept = (-1.0 / self.settings.pace).exp2();
        self.pace.seen *= kept;
        self.pace.expected *= kept;
    }

    /// How much faster parcels move these days than they did.
    fn pace(&self) -> f64 {
        ((self.pace.seen + PACE_DOUBT) / (self.pace.expected + PACE_DOUBT)).clamp(0.3, 3.0)
    }

    /// A parcel's groups and traits.
    pub fn know(&mut self, s: &Shipment) -> Known {
        let mut curves = alloc::vec![0];
        for name in &s.groups {
            let next = self.curves.len();
            let at = *self.names.entry(name.clone()).or_insert(next);
            if at == next {
                self.curves.push(Curve::default());
            }
            curves.push(at);
        }
        let hour = s.second / 3600;
        let when = alloc::format!(
            "{} {}",
            s.purchased.weekday(),
            if hour < 12 {
                "am"
            } else if hour < 18 {
                "pm"
            } else {
                "eve"
            }
        );
        let mut factors = Vec::new();
        for name in s.traits.iter().chain([&when]) {
            let next = self.factors.len();
            let at = *self.factor_names.entry(name.clone()).or_insert(next);
            if at == next {
                self.factors.push(Factor::default());
            }
            factors.push(at);
        }
        Known { purchased: s.purchased, curves, factors }
    }

    fn weight(&self, purchased: Day) -> f64 {
        (f64::from(purchased.0 - self.first.0) / self.settings.half_life).exp2()
    }

    /// A factor, drawn to 1 where little is known. `unit`: what one parcel weighs now.
    fn factor(&self, f: &Factor, unit: f64) -> f64 {
        let doubt = self.settings.doubt * unit;
        ((f.seen + doubt) / (f.expected + doubt)).clamp(0.2, 5.0)
    }

    /// The chance that it arrives on day `n` after the purchase, if it has not arrived before.
    fn hazard(&self, known: &Known, n: usize, unit: f64, own: f64) -> f64 {
        let n = n.min(DAYS - 1);
        let mut hazard: f64 = 0.05;
        for (level, at) in known.curves.iter().enumerate() {
            let strength = if level == 0 { 1.0 } else { self.settings.strength } * unit;
            let curve = &self.curves[*at];
            hazard = (curve.arrived[n] + strength * hazard) / (curve.waiting[n] + strength);
        }
        let weekday = self.factor(&self.weekdays[usize::from(Day(known.purchased.0 + n as i32).weekday())], unit);
        1.0 - (1.0 - hazard.clamp(1e-6, 0.999)).powf(weekday * own)
    }

    fn own(&self, known: &Known, unit: f64) -> f64 {
        known.factors.iter().map(|f| self.factor(&self.factors[*f], unit)).product::<f64>().clamp(0.1, 10.0)
    }

    /// One day of one parcel that was still under way that morning: did it arrive?
    pub fn observe(&mut self, known: &Known, today: Day, arrived: bool) {
        let Ok(n) = usize::try_from(today.0 - known.purchased.0) else { return };
        if n >= DAYS {
            return;
        }
        let weight = self.weight(known.purchased);
        let unit = self.weight(today);
        let own = self.own(known, unit);
        let pace = self.pace();
        self.pace.expected += self.hazard(known, n, unit, own);
        self.pace.seen += f64::from(u8::from(arrived));
        let expected = weight * self.hazard(known, n, unit, own * pace);
        let seen = if arrived { weight } else { 0.0 };
        for at in &known.curves {
            self.curves[*at].waiting[n] += weight;
            self.curves[*at].arrived[n] += seen;
        }
        for at in &known.factors {
            self.factors[*at].seen += seen;
            self.factors[*at].expected += expected;
        }
        let weekday = &mut self.weekdays[usize::from(today.weekday())];
        weekday.seen += seen;
        weekday.expected += expected;
    }

    /// The chance of having arrived by the end of day 0, 1, 2 … after a purchase on `today`.
    pub fn by_day(&self, known: &Known, today: Day) -> Vec<f64> {
        let unit = self.weight(today);
        let own = self.own(known, unit) * self.pace();
        let mut left = 1.0;
        (0..DAYS)
            .map(|n| {
                left *= 1.0 - self.hazard(known, n, unit, own);
                1.0 - left
            })
            .collect()
    }
}

/// Keeps promises true while conditions drift: a level that was kept too rarely is asked for more, and the other way round.
#[derive(Clone, Debug)]
pub struct Calibration {
    levels: Vec<(f64, f64)>,
    step: f64,
}

impl Calibration {
    pub fn new(quantiles: &[f64], step: f64) -> Calibration {
        Calibration { levels: quantiles.iter().map(|q| (*q, *q)).collect(), step }
    }

    /// What to ask the model for, so that `quantile` comes out.
    pub fn level(&self, n: usize) -> f64 {
        self.levels[n].1
    }

    /// A promise was kept or not.
    pub fn learn(&mut self, n: usize, kept: bool) {
        let (goal, level) = &mut self.levels[n];
        *level = (*level + self.step * (*goal - f64::from(u8::from(kept)))).clamp(*goal * 0.5, 1.0 - (1.0 - *goal) * 0.35);
    }
}

/// The first day by which the chance is at least `level`.
pub fn quantile(by_day: &[f64], level: f64) -> usize {
    by_day.partition_point(|p| *p < level).min(DAYS - 1)
}

/// Shipments that can't be: how many of which kind.
pub type Impossible = BTreeMap<&'static str, usize>;

/// Splits off what can't be true; it is counted, not swallowed.
pub fn sound(shipments: Vec<Shipment>) -> (Vec<Shipment>, Impossible) {
    let mut impossible = Impossible::new();
    let kept = shipments
        .into_iter()
        .filter(|s| {
            let wrong = s.delivered.is_some_and(|d| d < s.purchased);
            if wrong {
                *impossible.entry("delivered before it was bought").or_default() += 1;
            }
            !wrong
        })
        .collect();
    (kept, impossible)
}
