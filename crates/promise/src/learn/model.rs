//! The hazard model: the chance of arriving on each day, for a parcel that has not arrived before.
//!
//! ```
//! use promise::{Day, learn::{Model, Settings, Shipment, quantile}};
//!
//! let mut model = Model::new(Settings::default(), 90.0, Day(20_000));
//! // Ten parcels a day; each takes two to four days.
//! let shipment = |day: i32| Shipment { purchased: Day(day), ..Shipment::default() };
//! let mut open = Vec::new();
//! for day in 20_000..20_120 {
//!     model.begin_day(Day(day));
//!     for n in 0..10 {
//!         open.push((model.know(&shipment(day)), day + 2 + n % 3));
//!     }
//!     open.retain_mut(|(parcel, comes)| {
//!         model.observe(parcel, *comes == day);
//!         *comes > day
//!     });
//!     model.end_day(10.0);
//! }
//! model.begin_day(Day(20_120));
//! let known = model.know(&shipment(20_120));
//! let by_day = model.by_day(&known);
//! assert!(by_day[1] < 0.1 && by_day[4] > 0.9, "{by_day:?}");
//! assert!((2.5..3.5).contains(&quantile(&by_day, 0.5)));
//! ```

use alloc::{format, string::String, vec, vec::Vec};
use std::collections::HashMap;

use super::{DAYS, Factor, Settings, Shipment, feasts::Feasts};
use crate::time::Day;

/// Ages that are told apart: by the day at first, then by a sixteenth of the age.
const BINS: usize = 80;
const DAILY: usize = 24;
/// Days after which the latest pace counts half, and arrivals that it needs to be believed.
const PACE: f64 = 2.0;
const PACE_DOUBT: f64 = 30.0;
/// Parcels by which the hazard of an age is drawn to that of the age before.
const SMOOTH: f64 = 10.0;
/// Arrivals that the horizon needs.
const ENOUGH: f64 = 50.0;
/// A distribution ends where so little is left.
const LEFT: f64 = 0.002;

/// The age by which 99 of 100 have arrived.
fn nearly_all(ages: &[f64]) -> usize {
    let all: f64 = ages.iter().sum();
    let mut sum = 0.0;
    ages.iter()
        .position(|w| {
            sum += w;
            sum >= 0.99 * all
        })
        .unwrap_or_default()
}

/// Weights of parcels that were waiting at each age, and of those that arrived.
#[derive(Clone, Debug)]
struct Curve {
    waiting: [f64; BINS],
    arrived: [f64; BINS],
}

impl Curve {
    const EMPTY: Curve = Curve { waiting: [0.0; BINS], arrived: [0.0; BINS] };
}

/// One parcel's place in the model, looked up once.
#[derive(Clone, Debug)]
pub struct Known {
    purchased: Day,
    curves: Vec<usize>,
    factors: Vec<usize>,
    /// Hazards added up over the days that it has been under way.
    progress: f64,
    /// It has arrived, or reached the horizon.
    old: bool,
}

/// What has been learned so far; it grows day by day.
#[derive(Clone, Debug)]
pub struct Model {
    settings: Settings,
    /// Days after which a purchase counts half.
    half_life: f64,
    /// The first day seen: weights are relative to it.
    first: Day,
    bins: Vec<u8>,
    names: HashMap<String, usize>,
    curves: Vec<Curve>,
    factor_names: HashMap<String, usize>,
    factors: Vec<Factor>,
    weekdays: [Factor; 7],
    feasts: Feasts,
    /// Arrivals of the last days against what was to be expected: strikes, peaks, and their ends show here first.
    pace: Factor,
    /// Weight of arrivals by age.
    ages: Vec<f64>,
    /// The hazard of all parcels by age, smoothed: each age drawn to the one before.
    whole: [f64; BINS],
    /// The age by which 99 of 100 have arrived. What is older is mostly lost: it says nothing about those that will come.
    horizon: usize,
    /// Parcels that arrived or reached the horizon; how many of them reached it.
    old: f64,
    overdue: f64,
    today: Day,
    unit: f64,
    /// Factors of today and the days ahead: weekday and public holidays.
    calendar: Vec<f64>,
    /// Today's arrivals against what a usual day would have brought.
    day: Factor,
}

impl Model {
    /// Nothing is known yet; `first` is the first day that will be seen.
    pub fn new(settings: Settings, half_life: f64, first: Day) -> Model {
        let bin = |n: usize| if n < DAILY { n } else { DAILY + ((n as f64 / DAILY as f64).ln() * 16.0) as usize };
        Model {
            settings,
            half_life,
            first,
            bins: (0..DAYS).map(|n| bin(n).min(BINS - 1) as u8).collect(),
            names: HashMap::new(),
            curves: vec![Curve::EMPTY],
            factor_names: HashMap::new(),
            factors: Vec::new(),
            weekdays: [Factor::default(); 7],
            feasts: Feasts::default(),
            pace: Factor::default(),
            ages: vec![0.0; DAYS],
            whole: [0.05; BINS],
            horizon: DAYS,
            old: 0.0,
            overdue: 0.0,
            today: first,
            unit: 1.0,
            calendar: vec![1.0; DAYS],
            day: Factor::default(),
        }
    }

    /// A day begins: what was seen before counts less.
    pub fn begin_day(&mut self, today: Day) {
        self.today = today;
        self.unit = self.weight(today);
        self.pace.age(PACE);
        let weekdays: Vec<f64> = self.weekdays.iter().map(|f| self.factor(f)).collect();
        let feasts = &self.feasts;
        for (n, factor) in self.calendar.iter_mut().enumerate() {
            let day = Day(today.0 + n as i32);
            *factor = weekdays[usize::from(day.weekday())] * feasts.factor(day);
        }
        self.horizon = match self.old - self.overdue > ENOUGH {
            true => (nearly_all(&self.ages) + 2).clamp(14, DAYS),
            false => DAYS,
        };
        let mut hazard = 0.05;
        for (bin, whole) in self.whole.iter_mut().enumerate() {
            let (arrived, waiting) = (self.curves[0].arrived[bin], self.curves[0].waiting[bin]);
            let chance = (arrived + SMOOTH * self.unit * hazard) / (waiting + SMOOTH * self.unit);
            hazard = -(1.0 - chance.clamp(1e-5, 0.999)).ln();
            *whole = hazard;
        }
        self.day = Factor::default();
    }

    /// The day is over. `handed_over`: parcels that carriers got today.
    pub fn end_day(&mut self, handed_over: f64) {
        let usual = self.day.expected * self.pace();
        let weekday = self.factor(&self.weekdays[usize::from(self.today.weekday())]);
        if weekday > 0.5 {
            self.feasts.learn(self.today, self.day.seen, usual / self.feasts.factor(self.today), handed_over);
        }
        // One strange day moves the pace no further than twice or half of what was to be expected.
        self.pace.add(self.day.seen.clamp((usual / 2.0 - 2.0).max(0.0), usual * 2.0 + 2.0), self.day.expected);
    }

    /// How much faster parcels move these days than they did.
    fn pace(&self) -> f64 {
        self.pace.rate(PACE_DOUBT).clamp(0.3, 3.0)
    }

    /// A parcel's groups and traits.
    pub fn know(&mut self, s: &Shipment) -> Known {
        let mut curves = vec![0];
        for name in &s.groups {
            let next = self.curves.len();
            let at = *self.names.entry(name.clone()).or_insert(next);
            if at == next {
                self.curves.push(Curve::EMPTY);
            }
            curves.push(at);
        }
        let hour = s.second / 3600;
        let part = if hour < 12 {
            "am"
        } else if hour < 18 {
            "pm"
        } else {
            "eve"
        };
        let mut factors = Vec::new();
        for name in s.traits.iter().chain([&format!("{} {part}", s.purchased.weekday())]) {
            let next = self.factors.len();
            let at = *self.factor_names.entry(name.clone()).or_insert(next);
            if at == next {
                self.factors.push(Factor::default());
            }
            factors.push(at);
        }
        Known { purchased: s.purchased, curves, factors, progress: 0.0, old: false }
    }

    fn weight(&self, purchased: Day) -> f64 {
        (f64::from(purchased.0 - self.first.0) / self.half_life).exp2()
    }

    /// A factor, drawn to 1 where little is known.
    fn factor(&self, f: &Factor) -> f64 {
        f.rate(self.settings.doubt * self.unit).clamp(0.02, 5.0)
    }

    /// The hazard at an age, apart from factors: each group's, drawn to that of the wider one by so many arrivals' worth of doubt, so that a
    /// few parcels that got stuck do not speak for all that are late.
    fn base(&self, known: &Known, n: usize) -> f64 {
        let bin = usize::from(self.bins[n.min(self.horizon - 1).min(DAYS - 1)]);
        let mut hazard = self.whole[bin];
        for at in &known.curves[1..] {
            let curve = &self.curves[*at];
            let doubt = self.settings.strength * self.unit;
            hazard *= (curve.arrived[bin] + doubt) / (curve.waiting[bin] * hazard + doubt);
        }
        hazard.clamp(1e-5, 7.0)
    }

    fn own(&self, known: &Known) -> f64 {
        known.factors.iter().map(|f| self.factor(&self.factors[*f])).product::<f64>().clamp(0.1, 10.0)
    }

    /// The share of parcels that don't arrive within the horizon: lost, for all that a promise can say.
    fn lost(&self) -> f64 {
        ((self.overdue + 2.0) / (self.old + 100.0)).clamp(0.002, 0.08)
    }

    /// The chance that a parcel still under way will come at all.
    fn alive(&self, known: &Known) -> f64 {
        let (lost, waiting) = (self.lost(), (-known.progress).exp());
        (1.0 - lost) * waiting / ((1.0 - lost) * waiting + lost)
    }

    /// One day of one parcel that was still under way this morning: did it arrive? Returns the chance that it was under way at all.
    pub fn observe(&mut self, known: &mut Known, arrived: bool) -> f64 {
        let Ok(n) = usize::try_from(self.today.0 - known.purchased.0) else { return 0.0 };
        let seen = f64::from(u8::from(arrived));
        let weight = self.weight(known.purchased);
        if n < DAYS {
            self.ages[n] += seen * weight;
        }
        if !known.old && (arrived || n + 1 >= self.horizon) {
            known.old = true;
            self.old += 1.0;
            self.overdue += f64::from(u8::from(!arrived));
        }
        if n >= self.horizon {
            return 0.0;
        }
        let alive = if arrived { 1.0 } else { self.alive(known) };
        let pace = self.pace();
        let own = self.own(known) * self.calendar[0];
        let usual = self.base(known, n) * own;
        known.progress += usual;

        self.day.add(seen, alive * (1.0 - (-usual).exp()));
        let expected = alive * weight * (1.0 - (-usual * pace).exp());
        let bin = usize::from(self.bins[n]);
        let waited = weight * alive * (own * pace).clamp(0.1, 10.0);
        for at in &known.curves {
            self.curves[*at].waiting[bin] += waited;
            self.curves[*at].arrived[bin] += seen * weight;
        }
        for at in &known.factors {
            self.factors[*at].add(seen * weight, expected);
        }
        self.weekdays[usize::from(self.today.weekday())].add(seen * weight, expected);
        alive
    }

    /// The chance of having arrived by the end of day 0, 1, 2 … after a purchase today; it ends where hardly anything is left.
    pub fn by_day(&self, known: &Known) -> Vec<f64> {
        let own = self.own(known) * self.pace();
        let mut left = 1.0;
        let mut days = Vec::with_capacity(64);
        for n in 0..DAYS {
            left *= (-self.base(known, n) * own * self.calendar[n]).exp();
            days.push(1.0 - left);
            if left < LEFT {
                break;
            }
        }
        days
    }
}
