//! What a store applies of what it learned: distributions by origin and lane that take the place of stated ranges, bounded so that a bad week
//! can't wreck promises.
//!
//! The newest deliveries (those of the last week or two) may move a distribution by one working day at most, at its early end, its middle and its late
//! end, against what all that came before them says; where nothing came before, against what the merchant stated. So a week of chaos costs a day, and a
//! change that lasts is followed day by day.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    document::Document,
    journey::{self, Lane},
    learn::{
        coverage::{Coverage, ends},
        lanes::{Delivery, Lanes},
    },
    policy::{Duration, Policy, Style, Transit},
    time::Instant,
};

/// One version of what was learned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Learned {
    /// By origin: from the order to the hand-over.
    pub handling: Vec<Way>,
    /// By origin, service and zone: from the hand-over to the delivery.
    pub transit: Vec<Way>,
    /// What to ask for so that a share of promises is kept, both in parts of a thousand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub coverage: Vec<(u16, u16)>,
}

/// How long a part of the way takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Way {
    /// The origin's id.
    pub origin: String,
    /// The service's id; empty for handling.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// The zone's id; empty for handling.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub zone: String,
    /// Deliveries of this very lane.
    pub parcels: u64,
    /// Of 0, 1, 2 … working days.
    pub weights: Vec<u32>,
}

/// Working days by which the newest deliveries may move a distribution.
const MOST_DAYS: usize = 1;
/// By how many times itself the share that an end of a window leaves out may grow by the coverage correction; and what of it always stays.
const MOST_MISS: f64 = 1.5;
const LEAST_MISS: f64 = 0.35;
/// The places of a distribution that are held, in percent.
const HELD: [u64; 4] = [10, 50, 90, 97];
/// Steps between what was known before and what is known now.
const STEPS: u64 = 16;
/// Weights add up to about this: half a percent is told apart, and a lane costs some ten bytes of a promise document.
const FINE: u64 = 250;
/// While two distributions are mixed.
const WHOLE: u64 = 10_000;

impl Learned {
    /// What is to be applied to a policy. `all`: what was learned by now; `before`: the same without the newest deliveries; `waiting`: parcels under way,
    /// with the working days so far.
    pub fn of(policy: &Policy, all: &Lanes, before: &Lanes, waiting: &[Delivery], now: Instant) -> Learned {
        let (known, held) = (all.fill(policy, waiting, now), before.fill(policy, &[], now));
        let (known, held) = (known.document(now), held.document(now));
        let mut learned = Learned::default();
        for id in all.origins() {
            let Some(index) = known.origins.iter().position(|o| o.id == id) else { continue };
            let Some(was) = held.origins.get(index) else { continue };
            let weights = fine(&bounded(&known.origins[index].handling, &was.handling));
            let parcels = all.handling(id, &[], &[]).parcels;
            learned.handling.push(Way { origin: id.into(), parcels, weights, ..Way::default() });
        }
        for [origin, service, zone] in all.lanes() {
            let Some(lane) = lane(&known, origin, service, zone) else { continue };
            // Nothing of its own: it goes by what is wider.
            let own = |t: &crate::document::Transit| {
                [t.origin, t.service, t.zone] == [lane.origin as i32, lane.service as i32, lane.zone as i32]
            };
            if !known.transit.iter().any(own) {
                continue;
            }
            let (Some(now), Some(was)) = (journey::transit(&known, lane), journey::transit(&held, lane)) else { continue };
            let parcels = all.transit(origin, service, zone, &[], &[]).parcels;
            let weights = fine(&bounded(now, was));
            learned.transit.push(Way { origin: origin.into(), service: service.into(), zone: zone.into(), parcels, weights });
        }
        learned
    }

    /// The same with what the coverage correction asks for at the two ends of the policy's windows.
    pub fn covering(mut self, policy: &Policy, coverage: &Coverage) -> Learned {
        let asked = |goal: f64| {
            let miss = goal.min(1.0 - goal);
            let bounds = ((goal - MOST_MISS * miss).max(0.001), (goal + MOST_MISS * miss).min(1.0 - LEAST_MISS * (1.0 - goal)));
            (per_mille(goal), per_mille(coverage.ask(goal).clamp(bounds.0, bounds.1)))
        };
        let (before, by) = ends(policy.style.word(), policy.confidence);
        self.coverage = before.into_iter().chain([by]).map(asked).filter(|(goal, asked)| goal != asked).collect();
        self
    }

    /// What to ask for at the two ends of a policy's windows; nothing, where it is what they say themselves.
    fn asked(&self, policy: &Policy) -> Option<(u16, u16)> {
        let of = |goal: f64| {
            let goal = per_mille(goal);
            self.coverage.iter().find(|c| c.0 == goal).map_or(goal, |c| c.1)
        };
        let (before, by) = ends(policy.style.word(), policy.confidence);
        let last = of(by);
        let first = match policy.style {
            Style::Single => last,
            Style::Latest => 0,
            Style::Range => before.map_or(0, of).min(last),
        };
        (last != per_mille(by) || before.is_some_and(|b| first != per_mille(b))).then_some((first, last))
    }

    /// Puts it into a policy, where its origins and lanes are still there. What is stated stays beside it.
    pub fn fill(&self, policy: &mut Policy) {
        policy.asked = self.asked(policy).unwrap_or_default();
        self.fill_days(policy);
    }

    /// Puts the distributions alone into a policy: what a person may take over.
    pub fn fill_days(&self, policy: &mut Policy) {
        for way in &self.handling {
            if let Some(origin) = policy.origins.iter_mut().find(|o| o.id == way.origin) {
                origin.handling.weights.clone_from(&way.weights);
            }
        }
        for way in &self.transit {
            let known = policy.origins.iter().any(|o| o.id == way.origin)
                && policy.services.iter().any(|s| s.id == way.service)
                && policy.zones.iter().any(|z| z.id == way.zone);
            if !known {
                continue;
            }
            let own =
                policy.transit.iter_mut().find(|t| t.origin == way.origin && t.service == way.service && t.zone == way.zone);
            match own {
                Some(entry) => entry.days.weights.clone_from(&way.weights),
                None => {
                    let days = Duration { weights: way.weights.clone(), ..stated(policy, way).cloned().unwrap_or_default() };
                    policy.transit.push(Transit {
                        origin: way.origin.clone(),
                        service: way.service.clone(),
                        zone: way.zone.clone(),
                        days,
                    });
                }
            }
        }
    }
}

fn per_mille(share: f64) -> u16 {
    (share * 1000.0).round().clamp(0.0, 1000.0) as u16
}

/// What a policy states for a lane: the entry that names most of it.
pub fn stated<'a>(policy: &'a Policy, way: &Way) -> Option<&'a Duration> {
    let fits = |named: &str, id: &str| named.is_empty() || named == id;
    let all = policy.transit.iter();
    all.filter(|t| fits(&t.origin, &way.origin) && fits(&t.service, &way.service) && fits(&t.zone, &way.zone))
        .rev()
        .max_by_key(|t| [&t.origin, &t.service, &t.zone].iter().filter(|n| !n.is_empty()).count())
        .map(|t| &t.days)
}

fn lane(document: &Document, origin: &str, service: &str, zone: &str) -> Option<Lane> {
    Some(Lane {
        origin: document.origins.iter().position(|o| o.id == origin)?,
        service: document.services.iter().position(|s| s.id == service)?,
        zone: document.zones.iter().position(|z| z.id == zone)?,
    })
}

/// The working days by which at least so many percent have happened.
pub fn quantile(weights: &[u32], percent: u64) -> usize {
    let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
    let mut sum = 0;
    weights
        .iter()
        .position(|w| {
            sum += u64::from(*w);
            sum > 0 && sum * 100 >= total * percent
        })
        .unwrap_or_default()
}

/// As near to what is known now as may be without going further from what was known before than [`MOST_DAYS`].
fn bounded(now: &[u32], before: &[u32]) -> Vec<u32> {
    let (now, before) = (scaled(now, WHOLE), scaled(before, WHOLE));
    let mixed = |step: u64| -> Vec<u32> {
        let at = |weights: &[u32], n: usize| weights.get(n).copied().map_or(0, u64::from);
        let length = now.len().max(before.len());
        (0..length).map(|n| (at(&now, n) * step + at(&before, n) * (STEPS - step)) as u32).collect()
    };
    let near = |weights: &Vec<u32>| {
        HELD.iter().all(|percent| quantile(weights, *percent).abs_diff(quantile(&before, *percent)) <= MOST_DAYS)
    };
    (0..=STEPS).rev().map(mixed).find(near).unwrap_or(before)
}

/// The same in few bytes, without what rounds to nothing.
fn fine(weights: &[u32]) -> Vec<u32> {
    let mut list = scaled(weights, FINE);
    while list.len() > 1 && list.last() == Some(&0) {
        list.pop();
    }
    list
}

/// With this sum, but for rounding. No weights mean no days.
fn scaled(weights: &[u32], to: u64) -> Vec<u32> {
    let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
    if total == 0 {
        return Vec::from([to as u32]);
    }
    weights.iter().map(|w| ((u64::from(*w) * to * 2 + total) / (total * 2)) as u32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Day;

    fn policy() -> Policy {
        serde_json::from_str(
            r#"{"currency": "USD", "confidence": 90,
            "origins": [{"id": "memphis", "time_zone": "America/Chicago", "handling": {"min": 0, "max": 1}, "cutoffs": {"mon": "14:00", "tue": "14:00", "wed": "14:00", "thu": "14:00", "fri": "14:00"}}],
            "services": [{"id": "ground", "carrier": "ups"}], "zones": [{"id": "us", "places": [{"country": "US"}]}],
            "transit": [{"service": "ground", "days": {"min": 3, "max": 5}}], "methods": [{"id": "standard", "services": ["ground"]}]}"#,
        )
        .unwrap()
    }

    fn lanes(from: i32, weeks: i32, days: u16) -> Lanes {
        let mut lanes = Lanes::new(60.0);
        for n in 0..weeks * 40 {
            let delivery = Delivery { origin: "memphis", service: "ground", zone: "us", handling: Some(0), transit: Some(days) };
            lanes.add(&delivery, Day(from + n / 40 * 7));
        }
        lanes
    }

    fn now() -> Instant {
        Instant::parse("2026-12-01T12:00:00Z").unwrap()
    }

    #[test]
    fn a_bad_week_costs_a_day_and_no_more() {
        let before = lanes(20_000, 8, 3);
        let mut all = before.clone();
        for _ in 0..5_000 {
            let late = Delivery { origin: "memphis", service: "ground", zone: "us", handling: Some(9), transit: Some(30) };
            all.add(&late, Day(20_060));
        }
        let learned = Learned::of(&policy(), &all, &before, &[], now());
        let (handling, transit) = (&learned.handling[0].weights, &learned.transit[0].weights);
        assert_eq!((quantile(handling, 90), quantile(transit, 90)), (0, 3), "{handling:?} {transit:?}");
        // All of it, without the bound, is another matter.
        assert!(all.transit("memphis", "ground", "us", &[], &[]).quantile(0.9) == 30);
        // A delivery of a day more is followed at once.
        let mut slower = before.clone();
        for _ in 0..5_000 {
            let late = Delivery { origin: "memphis", service: "ground", zone: "us", handling: Some(0), transit: Some(4) };
            slower.add(&late, Day(20_060));
        }
        let learned = Learned::of(&policy(), &slower, &before, &[], now());
        assert_eq!(quantile(&learned.transit[0].weights, 50), 4);
        assert_eq!(learned.transit[0].parcels, 5_320);
    }

    #[test]
    fn windows_ask_for_what_keeps_them_as_often_as_they_say() {
        let mut coverage = Coverage::default();
        for day in 0..40 {
            coverage.begin_day(Day(20_000 + day));
            for n in 0..50 {
                coverage.settle(0.95, 5.0, n % 5 > 0, 1.0);
                coverage.settle(0.05, 2.0, false, 1.0);
            }
        }
        let late = Learned::default().covering(&policy(), &coverage);
        let mut filled = policy();
        late.fill(&mut filled);
        assert!(filled.asked.0 > 50 && filled.asked.1 > 970, "{:?}", filled.asked);
        assert_eq!(filled.document(now()).asked, filled.asked);
        // It is about windows of this confidence: others are as they say.
        filled.confidence = 80;
        late.fill(&mut filled);
        assert_eq!(filled.asked, (0, 0));
        filled.confidence = 90;
        filled.style = Style::Single;
        late.fill(&mut filled);
        assert_eq!(filled.asked, (0, 0));
        for n in 0..2_000 {
            coverage.settle(0.9, 5.0, n % 100 > 1, 1.0);
        }
        let early = Learned::default().covering(&filled, &coverage);
        early.fill(&mut filled);
        assert!(filled.asked.0 == filled.asked.1 && filled.asked.1 < 890, "{:?}", filled.asked);
        // No merchant types it.
        let typed: Policy = serde_json::from_value(serde_json::to_value(&filled).unwrap()).unwrap();
        assert_eq!((typed.asked, typed.learned), ((0, 0), 0));
        // Nothing known: nothing asked.
        assert_eq!(Learned::default().covering(&policy(), &Coverage::default()), Learned::default());
    }

    #[test]
    fn without_a_past_the_stated_range_is_the_bound() {
        let learned = Learned::of(&policy(), &lanes(20_000, 1, 12), &Lanes::new(60.0), &[], now());
        let late = quantile(&learned.transit[0].weights, 90);
        assert!((5..=6).contains(&late), "{late} days where 3 to 5 were stated");
    }

    #[test]
    fn what_was_learned_fits_what_is_still_there_and_stands_beside_what_is_stated() {
        let lanes = lanes(20_000, 8, 4);
        let learned = Learned::of(&policy(), &lanes, &lanes, &[], now());
        let mut filled = policy();
        learned.fill(&mut filled);
        assert_eq!(filled.validate(), []);
        assert_eq!(filled.transit.len(), 2, "the lane has an entry of its own");
        assert_eq!((filled.transit[1].days.min, filled.transit[1].days.max), (Some(3), Some(5)), "what was stated is its prior");
        assert_eq!(quantile(&filled.transit[1].days.weights, 50), 4);
        let again = filled.clone();
        learned.fill(&mut filled);
        assert_eq!(filled, again, "twice is once");
        let mut renamed = policy();
        renamed.zones[0].id = "home".into();
        renamed.origins[0].id = "nashville".into();
        let before = renamed.clone();
        learned.fill(&mut renamed);
        assert_eq!(renamed, before);
    }
}
