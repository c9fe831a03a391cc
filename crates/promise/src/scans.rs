//! How long scans usually let one wait, by lane: what "gone quiet" means there.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};

use serde::{Deserialize, Serialize};

use crate::{
    calendar::Calendar,
    document::{Document, Service},
    remaining,
    time::Instant,
};

/// Hours that are told apart.
const STEP: usize = 6;
const STEPS: usize = 80;
/// Gaps without which nothing is said of a carrier, and those by which a lane borrows from what is wider.
const LEAST: u32 = 60;
const STRENGTH: f64 = 60.0;
/// The share of gaps that are no reason to worry.
const USUAL: f64 = 0.99;

/// Gaps between scans that followed one another, counted by group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gaps {
    /// Counts by six working hours.
    pub groups: BTreeMap<String, Vec<u32>>,
}

impl Gaps {
    /// Counts a gap, in working hours (see [`hours`]), for a parcel's groups.
    pub fn add(&mut self, groups: &[String], hours: i64) {
        let step = usize::try_from(hours.max(0)).unwrap_or(0) / STEP;
        for group in groups {
            let counts = self.groups.entry(group.to_string()).or_insert_with(|| alloc::vec![0; STEPS]);
            counts[step.min(STEPS - 1)] += 1;
        }
    }

    /// Working hours within which nearly all scans follow one another for a parcel of these groups, from wide to narrow. `None`: too few have been
    /// seen.
    ///
    /// ```
    /// use promise::scans::Gaps;
    /// let (mut gaps, ups) = (Gaps::default(), vec!["ups".to_string()]);
    /// (0..1000).for_each(|n| gaps.add(&ups, n % 30));
    /// assert_eq!(gaps.patience(&ups), Some(30));
    /// assert_eq!(gaps.patience(&["dhl".to_string()]), None);
    /// ```
    pub fn patience(&self, groups: &[String]) -> Option<u32> {
        let mut known: Option<Vec<f64>> = None;
        for group in groups {
            let Some(counts) = self.groups.get(group) else { continue };
            let total: u32 = counts.iter().sum();
            known = Some(match known {
                None if total < LEAST => continue,
                None => counts.iter().map(|n| f64::from(*n) / f64::from(total)).collect(),
                Some(wide) => {
                    let mixed = counts.iter().zip(wide).map(|(n, share)| f64::from(*n) + STRENGTH * share);
                    mixed.map(|n| n / (f64::from(total) + STRENGTH)).collect()
                }
            });
        }
        let mut sum = 0.0;
        let step = known?.iter().position(|share| {
            sum += share;
            sum >= USUAL
        });
        Some(((step.unwrap_or(STEPS - 1) + 1) * STEP) as u32)
    }
}

/// Hours between two moments, without the days on which a carrier rests.
///
/// ```
/// use promise::{Document, Instant, scans::hours};
/// let at = |text| Instant::parse(text).unwrap();
/// let (friday, monday) = (at("2026-12-04T22:00:00Z"), at("2026-12-07T14:00:00Z"));
/// assert_eq!(hours(&Document::default(), "ups", friday, monday), 64, "of a carrier that is not known, every day counts");
/// ```
pub fn hours(document: &Document, carrier: &str, from: Instant, to: Instant) -> i64 {
    let every_day = Service { days: 0x7f, closed: u32::MAX, ..Service::default() };
    let service = document.services.iter().find(|s| s.carrier == carrier).unwrap_or(&every_day);
    let offset = document.origins.first().map_or(0, |o| Document::offset(o, from));
    remaining::working_hours(&Calendar::of_service(document, service), from, to, offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_judged_by_its_own_gaps_and_a_thin_one_by_its_carriers() {
        let lane = |name: &str| alloc::vec!["ups".to_string(), name.to_string()];
        let mut gaps = Gaps::default();
        (0..2_000).for_each(|n| gaps.add(&lane("short"), n % 20));
        (0..500).for_each(|n| gaps.add(&lane("long"), 20 + n % 100));
        (0..3).for_each(|_| gaps.add(&lane("thin"), 5));
        let patience = |name: &str| gaps.patience(&lane(name)).unwrap_or(0);
        assert!(patience("short") < 60 && patience("long") > 110, "{} {}", patience("short"), patience("long"));
        assert!((patience("thin") as i64 - patience("unknown") as i64).abs() <= 12);
        assert_eq!(Gaps::default().patience(&lane("short")), None);
    }
}
