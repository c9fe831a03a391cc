//! What others do, on the same orders: the store's own promise, one range for all, and plain quantiles by lane, made anew each week.

use alloc::{collections::BTreeMap, string::String, vec, vec::Vec};
use std::collections::HashMap;

use super::{
    Own, QUANTILES, Score,
    score::{Played, pinball, score},
};
use crate::{learn::Shipment, time::Day};

/// Days after which a purchase counts half, and the weight that a lane needs to speak for itself, in plain quantiles.
const HALF_LIFE: f64 = 30.0;
const ENOUGH: f64 = 15.0;

/// The store's own promises; `None` where it made none.
pub(super) fn own<'a>(scored: impl Iterator<Item = &'a Shipment>) -> Option<Own> {
    let pairs: Vec<(i32, i32)> =
        scored.filter_map(|s| Some((s.delivered?.0 - s.purchased.0, s.promised?.0 - s.purchased.0))).collect();
    let n = pairs.len() as f64;
    let mean = |f: &dyn Fn(&(i32, i32)) -> f64| pairs.iter().map(f).sum::<f64>() / n;
    let coverage = mean(&|p| f64::from(u8::from(p.0 <= p.1)));
    (!pairs.is_empty()).then(|| Own {
        orders: pairs.len(),
        coverage,
        mean_days: mean(&|p| f64::from(p.1)),
        mae: mean(&|p| f64::from((p.0 - p.1).abs())),
        pinball: mean(&|p| pinball(coverage, f64::from(p.0 - p.1))),
    })
}

pub(super) fn all(shipments: &[Shipment], split: Day, scored: &dyn Fn(&Shipment) -> bool) -> BTreeMap<&'static str, Score> {
    let mut took: Vec<i32> = shipments
        .iter()
        .filter(|s| s.purchased < split)
        .filter_map(|s| Some(s.delivered.filter(|d| *d < split)?.0 - s.purchased.0))
        .collect();
    took.sort_unstable();
    // One range for all, as typed into a shop's settings once: the quantiles of all that was delivered before the split.
    let fixed: Vec<f64> =
        QUANTILES.iter().map(|q| took.get((took.len() as f64 * q) as usize).map_or(0.0, |t| f64::from(*t))).collect();
    let orders: Vec<usize> = (0..shipments.len()).filter(|n| scored(&shipments[*n])).collect();
    let play = |promise: &mut dyn FnMut(&Shipment) -> Vec<f64>| {
        let played: Vec<Played> = orders
            .iter()
            .filter_map(|n| {
                let s = &shipments[*n];
                Some(Played { order: *n, purchased: s.purchased, took: s.delivered?.0 - s.purchased.0, promised: promise(s) })
            })
            .collect();
        score(&played)
    };
    // Young purchases are left out of the plain quantiles, as only the fast ones of them are known.
    let young = took.get(took.len() * 9 / 10).copied().unwrap_or(0);
    let mut weeks: BTreeMap<i32, Plain> = BTreeMap::new();
    for n in &orders {
        let week = (shipments[*n].purchased.0 - split.0) / 7;
        weeks.entry(week).or_insert_with(|| Plain::known_at(shipments, Day(split.0 + week * 7), young));
    }
    let week = |s: &Shipment| &weeks[&((s.purchased.0 - split.0) / 7)];
    BTreeMap::from([
        ("fixed_ranges", play(&mut |_| fixed.clone())),
        ("lane_quantiles", play(&mut |s| week(s).lane(s))),
        ("global_quantiles", play(&mut |s| week(s).all.clone())),
    ])
}

/// Weighted quantiles of what was known on a day.
struct Plain {
    all: Vec<f64>,
    groups: HashMap<String, Vec<f64>>,
}

impl Plain {
    fn known_at(shipments: &[Shipment], day: Day, young: i32) -> Plain {
        let mut all = Vec::new();
        let mut groups: HashMap<String, Vec<(i32, f64)>> = HashMap::new();
        for s in shipments {
            let Some(delivered) = s.delivered.filter(|d| *d < day && s.purchased.0 < day.0 - young) else { continue };
            let weight = (-f64::from(day.0 - s.purchased.0) / HALF_LIFE).exp2() + 1e-3;
            let took = (delivered.0 - s.purchased.0, weight);
            all.push(took);
            for group in &s.groups {
                groups.entry(group.clone()).or_default().push(took);
            }
        }
        groups.retain(|_, g| g.iter().map(|t| t.1).sum::<f64>() >= ENOUGH);
        Plain { all: quantiles(all), groups: groups.into_iter().map(|(name, g)| (name, quantiles(g))).collect() }
    }

    fn lane(&self, s: &Shipment) -> Vec<f64> {
        s.groups.iter().rev().find_map(|g| self.groups.get(g)).unwrap_or(&self.all).clone()
    }
}

fn quantiles(mut took: Vec<(i32, f64)>) -> Vec<f64> {
    took.sort_unstable_by_key(|t| t.0);
    let total: f64 = took.iter().map(|t| t.1).sum();
    let mut found = vec![0.0; QUANTILES.len()];
    for (q, days) in QUANTILES.iter().zip(&mut found) {
        let mut sum = 0.0;
        let at = took.iter().find(|t| {
            sum += t.1;
            sum >= q * total
        });
        *days = at.or(took.last()).map_or(0.0, |t| f64::from(t.0));
    }
    found
}
