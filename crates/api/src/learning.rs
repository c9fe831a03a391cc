//! What a store's own deliveries teach: distributions by origin and lane, the policy with them filled in, and whether promises were kept as
//! often as they said.
//!
//! Learned from what each kept order counts as (`insight_orders`), which every event keeps up with: so a replay, or an event that comes
//! twice, teaches nothing twice, and an order that is forgotten is unlearned.

use std::collections::BTreeMap;

use anyhow::Result;
use promise::{
    Day, Instant,
    learn::lanes::{self, Delivery, Lanes, Learned, Way},
    policy::Policy,
};
use rusqlite::Connection;
use serde::Serialize;

use crate::insight::outcome::Outcome;

/// Days after which a delivery counts half.
const HALF_LIFE: f64 = 60.0;
/// Days over which promises are compared with what they said.
const COMPARED: i32 = 90;

/// A learned distribution, in working days.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Figures {
    pub origin: String,
    /// Empty for handling.
    pub service: String,
    pub zone: String,
    pub parcels: u64,
    /// The same, recent ones for more.
    pub evidence: f64,
    pub under_way: usize,
    /// Under way for longer than all that arrived.
    pub overdue: usize,
    pub mean: f64,
    pub p10: usize,
    pub p50: usize,
    pub p90: usize,
    pub p95: usize,
    /// Of 0, 1, 2 … working days.
    pub weights: Vec<u32>,
}

impl Figures {
    pub fn of([origin, service, zone]: [&str; 3], learned: Learned) -> Figures {
        let round = |x: f64| (x * 100.0).round() / 100.0;
        let at = |share| learned.quantile(share);
        Figures {
            origin: origin.into(),
            service: service.into(),
            zone: zone.into(),
            parcels: learned.parcels,
            evidence: round(learned.evidence),
            under_way: learned.under_way,
            overdue: learned.overdue,
            mean: round(learned.mean()),
            p10: at(0.1),
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            weights: learned.weights,
        }
    }
}

/// Promises of one confidence, of the last ninety days.
#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Kept {
    /// Percent, as promised.
    pub confidence: u8,
    pub promises: usize,
    pub kept: usize,
}

/// What was learned.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Report {
    pub as_of: Day,
    pub delivered: u64,
    pub handling: Vec<Figures>,
    pub transit: Vec<Figures>,
    pub calibration: Vec<Kept>,
    /// The policy with what was learned filled in, to be published if it pleases; what was typed stays beside it.
    pub policy: Policy,
}

/// Learns from all orders that are kept.
pub fn report(db: &Connection, store: &str, policy: Policy, now: Instant) -> Result<Report> {
    let mut rows = db.prepare_cached("select outcome from insight_orders where store = ?1 order by order_id")?;
    let rows = rows.query_map([store], |r| r.get::<_, String>(0))?;
    let outcomes = rows.map(|text| Ok(serde_json::from_str(&text?)?)).collect::<Result<Vec<Outcome>>>()?;
    Ok(learn(&outcomes, policy, now))
}

/// The same, of outcomes.
pub fn learn(outcomes: &[Outcome], policy: Policy, now: Instant) -> Report {
    let document = policy.document(now);
    let today = now.local(0).0;
    let mut learned = Lanes::new(HALF_LIFE);
    let mut waiting = Vec::new();
    let mut compared: BTreeMap<u8, (usize, usize)> = BTreeMap::new();
    // In the order of delivery: the same whatever came first.
    let mut delivered: Vec<(Day, Delivery)> = Vec::new();
    for outcome in outcomes.iter().filter(|o| !o.cancelled) {
        let (country, region) = outcome.place.split_once('-').unwrap_or((&outcome.place, ""));
        let area = outcome.area.split_once('-').map_or("", |a| a.1);
        let zone = lanes::zone(&document, country, region, area).unwrap_or_default();
        for parcel in &outcome.parcels {
            let way = Way {
                origin: &parcel.origin,
                service: &parcel.service,
                zone,
                ordered: Day(outcome.placed),
                second: 0,
                handed_over: parcel.shipped.map(Day).filter(|d| d.0 >= outcome.placed),
                delivered: parcel.delivered.map(Day),
            };
            // Delivered before it was handed over: the days can't be right.
            if way.handed_over.zip(way.delivered).is_some_and(|(left, came)| came < left) {
                continue;
            }
            let measured = way.measure(&document, today);
            match way.delivered {
                Some(day) => delivered.push((day, measured)),
                None => waiting.push(measured),
            }
        }
        if let Some(promise) = &outcome.promise {
            let kept = match outcome.complete {
                Some(day) => Some(day <= promise.to),
                None => outcome.overdue.then_some(false),
            };
            if let Some(kept) = kept.filter(|_| promise.to > today.0 - COMPARED) {
                let entry = compared.entry(promise.confidence).or_default();
                entry.0 += 1;
                entry.1 += usize::from(kept);
            }
        }
    }
    delivered.sort_by_key(|d| d.0);
    for (day, delivery) in &delivered {
        learned.add(delivery, *day);
    }
    let filled = learned.fill(&policy, &waiting, now);
    let handling = learned.origins().into_iter().map(|origin| {
        let days: Vec<u16> =
            waiting.iter().filter(|w| w.origin == origin && w.transit.is_none()).filter_map(|w| w.handling).collect();
        Figures::of([origin, "", ""], learned.handling(origin, &[], &days))
    });
    let transit = learned.lanes().into_iter().map(|lane| {
        let days: Vec<u16> = waiting.iter().filter(|w| [w.origin, w.service, w.zone] == lane).filter_map(|w| w.transit).collect();
        Figures::of(lane, learned.transit(lane[0], lane[1], lane[2], &[], &days))
    });
    Report {
        as_of: today,
        delivered: learned.parcels(),
        handling: handling.collect(),
        transit: transit.collect(),
        calibration: compared.into_iter().map(|(confidence, (promises, kept))| Kept { confidence, promises, kept }).collect(),
        policy: filled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::outcome::{Parcel, Promise};

    #[test]
    fn what_was_delivered_fills_the_policy_and_what_was_promised_is_compared() {
        let policy: Policy = serde_json::from_str(include_str!("demo/policy.json")).unwrap();
        let now = Instant::parse("2026-12-01T12:00:00Z").unwrap();
        let (origin, service) = (policy.origins[0].id.clone(), policy.services[0].id.clone());
        let outcomes: Vec<Outcome> = (0..60)
            .map(|n| {
                let placed = Day::parse("2026-10-05").unwrap().0 + n / 2;
                let parcel = Parcel {
                    origin: origin.clone(),
                    service: service.clone(),
                    shipped: Some(placed + 1),
                    delivered: (n < 50).then_some(placed + 9),
                    ..Parcel::default()
                };
                Outcome {
                    placed,
                    place: "US-CA".into(),
                    area: "US-941".into(),
                    promise: Some(Promise { from: placed + 2, to: placed + if n % 10 == 0 { 5 } else { 12 }, confidence: 90 }),
                    complete: parcel.delivered,
                    overdue: parcel.delivered.is_none(),
                    parcels: vec![parcel],
                    ..Outcome::default()
                }
            })
            .collect();
        let report = learn(&outcomes, policy.clone(), now);
        assert_eq!((report.delivered, report.transit.len(), report.handling.len()), (50, 1, 1));
        assert_eq!(report.calibration, [Kept { confidence: 90, promises: 60, kept: 45 }]);
        assert!(report.transit[0].p50 >= 4 && report.transit[0].under_way + report.transit[0].overdue == 10);
        assert!(report.policy.validate().is_empty());
        let own = report
            .policy
            .transit
            .iter()
            .find(|t| [&t.origin, &t.service, &t.zone] == [&origin, &service, &report.transit[0].zone])
            .unwrap();
        assert!(own.days.weights.len() > 4);
        // Whatever order they come in, and learned again from the filled policy: the same.
        let mut shuffled = outcomes;
        shuffled.reverse();
        assert_eq!(learn(&shuffled, report.policy.clone(), now).policy, report.policy);
        // Nothing delivered: nothing changes.
        assert_eq!(learn(&[], policy.clone(), now).policy, policy);
    }
}
