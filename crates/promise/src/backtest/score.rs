//! How good promises were: how often kept, how long, and what being off cost.

use alloc::{collections::BTreeMap, string::String, vec, vec::Vec};

use super::{QUANTILES, month};
use crate::{learn::Shipment, time::Day};

/// One order's promises: days by level (real-valued; the shopper is told their whole days), and the days it took.
#[derive(Clone, Debug)]
pub(super) struct Played {
    pub order: usize,
    pub purchased: Day,
    pub took: i32,
    pub promised: Vec<f64>,
}

/// How good a method's promises were.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    /// Orders that were scored.
    pub orders: usize,
    /// Mean pinball loss over the quantiles, in days.
    pub pinball: f64,
    /// Mean distance between the median promised and the delivery, in days.
    pub mae_p50: f64,
    /// Quantile, share delivered by the promise, and mean promised (whole) days.
    pub quantiles: Vec<(f64, f64, f64)>,
    /// By month of purchase.
    pub months: BTreeMap<String, Cell>,
    /// By lane.
    pub lanes: BTreeMap<String, Cell>,
}

/// A part of the orders; by quantile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// Orders of this part.
    pub orders: usize,
    /// Mean pinball loss over the quantiles, in days.
    pub pinball: f64,
    /// Share delivered by the promise.
    pub coverage: Vec<f64>,
    /// Mean promised (whole) days.
    pub mean_days: Vec<f64>,
}

/// A store's own promises.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Own {
    /// Orders with a promise of the store.
    pub orders: usize,
    /// Share delivered by it.
    pub coverage: f64,
    /// Days that it promised, on average.
    pub mean_days: f64,
    /// Mean distance between promise and delivery.
    pub mae: f64,
    /// Pinball loss at the share that it kept.
    pub pinball: f64,
}

/// How far off a share may be over all orders.
pub const LIMIT: f64 = 0.02;
/// How far it may be off in a single month.
pub const MONTH_LIMIT: f64 = 0.05;

/// A quantile that was kept too often or not often enough.
#[derive(Clone, Debug, PartialEq)]
pub struct Miss {
    /// Absent: over all orders.
    pub month: Option<String>,
    /// Orders that it was measured on.
    pub orders: usize,
    /// The quantile.
    pub p: f64,
    /// The share that was kept.
    pub coverage: f64,
    /// How far off it may be: [`LIMIT`] or [`MONTH_LIMIT`].
    pub limit: f64,
    /// By how much chance alone moves such a share, in 95 of 100 cases.
    pub chance: f64,
}

/// What a score missed of its limits, and what there are too few orders for to say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// What is further off than its limit.
    pub missed: Vec<Miss>,
    /// Months (and `all`) in which chance alone moves a median by more than its limit.
    pub too_few: Vec<String>,
}

impl Score {
    /// Compares each share with its limit. Where there are so few orders that chance alone would break it, nothing is said either way: 2,401 are
    /// enough to tell a median to two points, 385 to five. (Fewer, far off, would not prove much either: orders of the same days share their weather.)
    ///
    /// ```
    /// use promise::backtest::Score;
    /// let mut score = Score { orders: 10_000, quantiles: vec![(0.1, 0.1, 3.0), (0.5, 0.53, 8.0), (0.8, 0.81, 14.0)], ..Score::default() };
    /// assert_eq!(score.judge().missed.len(), 1, "three points off at the median");
    /// score.orders = 300;
    /// assert_eq!(score.judge().too_few, ["all"], "of so few nobody can say");
    /// ```
    pub fn judge(&self) -> Judged {
        let mut judged = Judged::default();
        let all: Vec<f64> = self.quantiles.iter().map(|q| q.1).collect();
        let months = self.months.iter().map(|(month, c)| (Some(month), c.orders, &c.coverage, MONTH_LIMIT));
        for (month, orders, coverage, limit) in core::iter::once((None, self.orders, &all, LIMIT)).chain(months) {
            let chance = |p: f64| 1.96 * (p * (1.0 - p) / orders.max(1) as f64).sqrt();
            if chance(0.5) > limit {
                judged.too_few.push(month.cloned().unwrap_or_else(|| "all".into()));
                continue;
            }
            for (p, c) in QUANTILES.iter().zip(coverage).filter(|(p, c)| (**p - **c).abs() > limit) {
                judged.missed.push(Miss { month: month.cloned(), orders, p: *p, coverage: *c, limit, chance: chance(*p) });
            }
        }
        judged
    }
}

pub(super) fn pinball(level: f64, miss: f64) -> f64 {
    (level * miss).max((level - 1.0) * miss)
}

impl Cell {
    fn add(&mut self, p: &Played) {
        if self.coverage.is_empty() {
            self.coverage = vec![0.0; QUANTILES.len()];
            self.mean_days = vec![0.0; QUANTILES.len()];
        }
        self.orders += 1;
        for (k, q) in QUANTILES.iter().enumerate() {
            let took = f64::from(p.took);
            self.pinball += pinball(*q, took - p.promised[k]) / QUANTILES.len() as f64;
            self.coverage[k] += f64::from(u8::from(took <= p.promised[k].floor()));
            self.mean_days[k] += p.promised[k].floor();
        }
    }

    fn finish(&mut self) {
        let n = self.orders.max(1) as f64;
        self.pinball /= n;
        self.coverage.iter_mut().chain(&mut self.mean_days).for_each(|x| *x /= n);
    }
}

pub(super) fn score(played: &[Played]) -> Score {
    score_by_lane(played, &[])
}

/// With a table by lane: the narrowest group of each order.
pub(super) fn score_by_lane(played: &[Played], shipments: &[Shipment]) -> Score {
    let mut all = Cell::default();
    let mut score = Score { orders: played.len(), ..Score::default() };
    for p in played {
        all.add(p);
        score.mae_p50 += (f64::from(p.took) - p.promised[1]).abs() / played.len() as f64;
        score.months.entry(month(p.purchased)).or_default().add(p);
        if let Some(lane) = shipments.get(p.order).and_then(|s| s.groups.last()) {
            score.lanes.entry(lane.clone()).or_default().add(p);
        }
    }
    all.finish();
    score.months.values_mut().chain(score.lanes.values_mut()).for_each(Cell::finish);
    score.pinball = all.pinball;
    all.coverage.resize(QUANTILES.len(), 0.0);
    all.mean_days.resize(QUANTILES.len(), 0.0);
    score.quantiles = QUANTILES.iter().enumerate().map(|(k, q)| (*q, all.coverage[k], all.mean_days[k])).collect();
    score
}
