//! Learning: how long deliveries take, from a store's own.
//!
//! A delivery is a race against days: on each day that a parcel is still under way it arrives with some chance, the day's hazard
//! ([`Model`]). Hazards are counted by lane, borrowing strength from wider groups where a lane is thin; recent purchases count more;
//! parcels still under way count for the days that they have been waiting (censored), so that recency does not favour the fast ones. What
//! else makes parcels faster or slower (weekday, public holidays, the sender, the area, the hour of purchase, the pace of the last days)
//! multiplies the hazard, learned as seen against expected.
//!
//! A model is right on average and late with every change. [`Coverage`] makes up for that: it compares what was promised with what
//! happens day by day, so that it need not wait for a parcel's end to see that all promises have become too slow or too fast.
//!
//! For the promise document, [`lanes`] keeps a store's deliveries in a few bytes each and turns them into distributions over working days.

pub mod coverage;
mod drift;
mod feasts;
pub mod lanes;
pub mod model;

use alloc::{collections::BTreeMap, string::String, vec::Vec};

pub use coverage::Coverage;
pub use model::Model;

use crate::time::Day;

/// Days after the purchase that are told apart; what takes longer is left out as an outlier.
pub const DAYS: usize = 730;

/// An order, from purchase to delivery.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shipment {
    /// The day of the order, in the store's zone.
    pub purchased: Day,
    /// Second of the day, local.
    pub second: u32,
    /// When the carrier got it.
    pub handed_over: Option<Day>,
    /// Absent: not delivered as far as is known.
    pub delivered: Option<Day>,
    /// What the store itself promised.
    pub promised: Option<Day>,
    /// From wide to narrow: destination, lane. Each borrows from the one before.
    pub groups: Vec<String>,
    /// What else may matter: sender, area, weight …
    pub traits: Vec<String>,
}

/// What is chosen, by trying it on earlier data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// How many arrivals' worth of evidence a narrower group needs to speak for itself, at each age.
    pub strength: f64,
    /// The same for factors.
    pub doubt: f64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { strength: 1.0, doubt: 15.0 }
    }
}

/// Arrivals seen, and arrivals that were to be expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Factor {
    pub seen: f64,
    pub expected: f64,
}

impl Factor {
    /// Seen against expected, drawn to 1 by so many arrivals' worth of doubt.
    pub fn rate(&self, doubt: f64) -> f64 {
        (self.seen + doubt) / (self.expected + doubt)
    }

    pub fn add(&mut self, seen: f64, expected: f64) {
        self.seen += seen;
        self.expected += expected;
    }

    /// A day passes: what was seen before counts less.
    pub fn age(&mut self, half_life: f64) {
        let kept = (-1.0 / half_life).exp2();
        self.seen *= kept;
        self.expected *= kept;
    }
}

/// The real-valued quantile of a distribution over whole days, given as the chance of having arrived by the end of day 0, 1, 2 …
///
/// Each day's chance is spread evenly over the day around its middle, so that the promise of whole days, `floor` of the quantile, is kept
/// as often as asked *on average*: the first day whose chance is at least the level would be kept more often, by half a day's chance. At
/// P10, where a day holds some five hundredths, that is the difference between 10 % and 12 %.
///
/// ```
/// use promise::learn::quantile;
/// let by_day = [0.0, 0.2, 0.7, 1.0];
/// assert_eq!(quantile(&by_day, 0.7), 2.5, "the promise is day 2, its whole days");
/// assert_eq!(quantile(&by_day, 0.45), 2.0);
/// ```
pub fn quantile(by_day: &[f64], level: f64) -> f64 {
    let n = by_day.partition_point(|p| *p < level);
    if n >= by_day.len() {
        return by_day.len().saturating_sub(1) as f64;
    }
    let before = if n == 0 { 0.0 } else { by_day[n - 1] };
    let chance = by_day[n] - before;
    let part = if chance > 0.0 { ((level - before) / chance).clamp(0.0, 1.0) } else { 1.0 };
    (n as f64 - 0.5 + part).max(0.0)
}

/// How many records of which kind were not as they should be.
pub type Counts = BTreeMap<&'static str, usize>;

/// What became of a list of shipments: what can't be true is split off and counted, not swallowed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// What can be learned from.
    pub shipments: Vec<Shipment>,
    /// Left out.
    pub impossible: Counts,
    /// Kept, with what is wrong left out.
    pub repaired: Counts,
    /// Kept, but so far from the others that they deserve a look.
    pub outliers: Counts,
}

/// A year that was mistyped would be taken for today, or for the beginning: takes out the few (less than one of a hundred) at either end that lie
/// more than a year from all others, and says how many.
fn lone(shipments: &mut Vec<Shipment>) -> usize {
    let mut days: Vec<i32> = shipments.iter().map(|s| s.purchased.0).collect();
    days.sort_unstable();
    let few = days.len() / 100;
    let gap = |at: usize| days[at].saturating_sub(days[at - 1]) > 366;
    let first = (1..=few).rev().find(|at| gap(*at)).unwrap_or(0);
    let last = (days.len() - few..days.len()).find(|at| gap(*at)).unwrap_or(days.len());
    let Some((from, to)) = days.get(first).copied().zip(days[..last].last().copied()) else { return 0 };
    shipments.retain(|s| (from..=to).contains(&s.purchased.0));
    days.len() - shipments.len()
}

/// Splits off what can't be true.
///
/// ```
/// use promise::{Day, learn::{Shipment, sound}};
/// let good = Shipment { purchased: Day(20_000), delivered: Some(Day(20_003)), ..Shipment::default() };
/// let bad = Shipment { purchased: Day(20_000), delivered: Some(Day(19_999)), ..Shipment::default() };
/// let checked = sound(vec![good, bad]);
/// assert_eq!(checked.shipments.len(), 1);
/// assert_eq!(checked.impossible["delivered before it was bought"], 1);
/// // A year that was mistyped is not taken for today.
/// let many = (0..200).map(|n| Shipment { purchased: Day(if n == 7 { 40_000 } else { 20_000 + n }), ..Shipment::default() });
/// assert_eq!(sound(many.collect()).shipments.len(), 199);
/// ```
pub fn sound(shipments: Vec<Shipment>) -> Checked {
    let mut checked = Checked::default();
    for mut s in shipments {
        if let Some(delivered) = s.delivered {
            if delivered < s.purchased {
                *checked.impossible.entry("delivered before it was bought").or_default() += 1;
                continue;
            }
            if delivered.0.saturating_sub(s.purchased.0) >= DAYS as i32 {
                *checked.impossible.entry("under way for more than two years").or_default() += 1;
                continue;
            }
        }
        if let Some(handed_over) = s.handed_over {
            let wrong = if handed_over < s.purchased {
                Some("handed over before it was bought")
            } else if s.delivered.is_some_and(|d| d < handed_over) {
                Some("delivered before it was handed over")
            } else {
                None
            };
            if let Some(wrong) = wrong {
                *checked.repaired.entry(wrong).or_default() += 1;
                s.handed_over = None;
            }
        }
        if s.promised.is_some_and(|p| p < s.purchased) {
            *checked.repaired.entry("promised for a day before it was bought").or_default() += 1;
            s.promised = None;
        }
        checked.shipments.push(s);
    }
    let lone = lone(&mut checked.shipments);
    if lone > 0 {
        checked.impossible.insert("bought more than a year apart from all others", lone);
    }
    let mut took: Vec<i32> = checked.shipments.iter().filter_map(|s| Some(s.delivered?.0 - s.purchased.0)).collect();
    took.sort_unstable();
    // Three times what 99 of 100 take.
    if let Some(limit) = (took.len() >= 100).then(|| took[took.len() * 99 / 100] * 3) {
        let far = took.iter().filter(|t| **t > limit).count();
        if far > 0 {
            checked.outliers.insert("took three times as long as 99 of 100", far);
        }
    }
    checked
}
