//! What a store's own deliveries teach: distributions by origin and lane, beside what the policy states; and what of it is applied.
//!
//! Taught by what each order counts as (`insight::outcome`), which every event keeps up with in its own transaction: so a replay, or an event that comes
//! twice, teaches nothing twice. What is learned is read from sums by week and lane, never from orders: some kilobytes a lane and year, however many
//! parcels. What has come to an end teaches how long it took; what is still under way, that it took longer than it has by now.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use promise::{
    Day, Document, Instant,
    learn::lanes::{self, Delivery, Lanes, Learned as Lane},
    learned::{self, Learned},
    policy::{Learning, Policy},
};
use rusqlite::Connection;
use serde::Serialize;

use crate::{
    ingest,
    insight::{
        figures::Figures as Counts,
        outcome::{self, Outcome, dimension},
    },
    state::AppState,
    store::{self, insight, policies},
};

/// Days after which a delivery counts half.
const HALF_LIFE: f64 = 60.0;
/// Days back after which nothing counts: a two hundredth of today's.
const OLDEST: i32 = 460;
/// Days over which promises are compared with what they said.
const COMPARED: i32 = 90;
/// The newest weeks, which may move a distribution by a day at most.
const NEWEST: i32 = 14;
/// How often it is looked whether there is something new to apply.
const EVERY: Duration = Duration::from_secs(1800);

/// Working days, as a distribution is summed up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = LearnedSummary)]
pub struct Summary {
    pub mean: f64,
    pub p10: usize,
    pub p50: usize,
    pub p90: usize,
    pub p95: usize,
}

impl Summary {
    pub fn of(weights: &[u32]) -> Summary {
        let total: f64 = weights.iter().map(|w| f64::from(*w)).sum();
        let mean = weights.iter().enumerate().map(|(n, w)| n as f64 * f64::from(*w)).sum::<f64>() / total.max(1.0);
        let [p10, p50, p90, p95] = [10, 50, 90, 95].map(|p| learned::quantile(weights, p));
        Summary { mean: (mean * 100.0).round() / 100.0, p10, p50, p90, p95 }
    }
}

/// A learned distribution, in working days.
#[derive(Clone, Serialize, utoipa::ToSchema)]
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
    #[serde(flatten)]
    pub learned: Summary,
    /// What the policy states for it, where it states something.
    pub stated: Option<Summary>,
    /// What promises count on now, where it is applied.
    pub applied: Option<Summary>,
    /// Of 0, 1, 2 … working days.
    pub weights: Vec<u32>,
}

impl Figures {
    pub fn of([origin, service, zone]: [&str; 3], lane: Lane) -> Figures {
        Figures {
            origin: origin.into(),
            service: service.into(),
            zone: zone.into(),
            parcels: lane.parcels,
            evidence: (lane.evidence * 100.0).round() / 100.0,
            under_way: lane.under_way,
            overdue: lane.overdue,
            learned: Summary::of(&lane.weights),
            stated: None,
            applied: None,
            weights: lane.weights,
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
    /// `suggest`, `apply` or `off`, as the policy says.
    #[schema(value_type = String)]
    pub learning: Learning,
    /// The version that promises count on; 0: none.
    pub version: u64,
    pub delivered: u64,
    /// Left out: days that can't be (delivered before it left), and parcels that a known delay bore on.
    pub impossible: u64,
    pub noticed: u64,
    pub handling: Vec<Figures>,
    pub transit: Vec<Figures>,
    pub calibration: Vec<Kept>,
    /// The policy with what was learned filled in, to be published if it pleases; what was stated stays beside it.
    pub policy: Policy,
}

/// What deliveries taught, by lane and week.
#[derive(Default)]
pub struct Taught {
    handling: BTreeMap<(String, i32), Counts>,
    transit: BTreeMap<(String, i32), Counts>,
    promises: BTreeMap<String, Counts>,
    under_way: Vec<Outcome>,
}

impl Taught {
    pub fn read(db: &Connection, store: &str, now: Instant) -> Result<Taught> {
        let today = now.local(0).0.0;
        // Days are the carriers': tomorrow has begun somewhere.
        let of = |dimension, days: i32| insight::Query { store, dimension, from: today - days, to: today + 1 };
        Ok(Taught {
            handling: of(dimension::HANDLING, OLDEST).by_key_and_day(db, |week| week)?,
            transit: of(dimension::TRANSIT, OLDEST).by_key_and_day(db, |week| week)?,
            promises: of(dimension::CONFIDENCE, COMPARED).by_key(db)?,
            under_way: insight::under_way(db, store)?,
        })
    }

    /// What was learned by the weeks that begin before a day.
    fn lanes(&self, before: i32) -> Lanes {
        let mut lanes = Lanes::new(HALF_LIFE);
        // The middle of its week, as often as there were parcels.
        let mut add =
            |week: i32, parcels: i64, delivery: &Delivery| (0..parcels).for_each(|_| lanes.add(delivery, Day(week + 3)));
        let days = |counts: &Counts| -> Vec<(u16, i64)> {
            counts.histogram("days").into_iter().filter_map(|(days, n)| Some((u16::try_from(days).ok()?, n))).collect()
        };
        for ((origin, week), counts) in self.handling.iter().filter(|c| c.0.1 < before) {
            for (days, parcels) in days(counts) {
                add(*week, parcels, &Delivery { origin, handling: Some(days), ..Delivery::default() });
            }
        }
        for ((lane, week), counts) in self.transit.iter().filter(|c| c.0.1 < before) {
            let Ok([origin, service, zone]) = <[&str; 3]>::try_from(lane.split('|').collect::<Vec<_>>()) else { continue };
            for (days, parcels) in days(counts) {
                add(*week, parcels, &Delivery { origin, service, zone, transit: Some(days), ..Delivery::default() });
            }
        }
        lanes
    }

    /// Parcels under way, with the working days so far.
    fn waiting(&self, document: &Document, today: Day) -> Vec<Delivery<'_>> {
        let mut waiting = Vec::new();
        for o in &self.under_way {
            let parcels = o.parcels.iter().filter(|p| p.delivered.is_none());
            waiting.extend(parcels.filter_map(|p| so_far(p.way.as_ref()?, &p.service, p.shipped, document, today)));
            waiting.extend(o.waits.as_ref().and_then(|way| so_far(way, "", None, document, today)));
        }
        waiting
    }

    fn count(&self, name: &str) -> u64 {
        let all = self.handling.values().chain(self.transit.values());
        all.map(|c| c.get(name)).sum::<i64>().unsigned_abs()
    }

    /// What is to be applied to a policy.
    pub fn learned(&self, policy: &Policy, now: Instant) -> Learned {
        let today = now.local(0).0;
        let document = policy.document(now);
        let (all, before) = (self.lanes(i32::MAX), self.lanes(today.0 - NEWEST + 1));
        Learned::of(policy, &all, &before, &self.waiting(&document, today), now)
    }

    /// All of it, for a person to read.
    pub fn report(&self, policy: &Policy, applied: Option<&store::learned::Version>, now: Instant) -> Report {
        let today = now.local(0).0;
        let document = policy.document(now);
        let (lanes, waiting) = (self.lanes(i32::MAX), self.waiting(&document, today));
        let applied = applied.filter(|_| policy.learning == Learning::Apply);
        let applied_to = |list: fn(&Learned) -> &Vec<learned::Way>, lane: [&str; 3]| {
            let found = list(&applied?.learned).iter().find(|w| [w.origin.as_str(), &w.service, &w.zone] == lane)?;
            Some(Summary::of(&found.weights))
        };
        let handling = lanes.origins().into_iter().map(|origin| {
            let days: Vec<u16> =
                waiting.iter().filter(|w| w.origin == origin && w.transit.is_none()).filter_map(|w| w.handling).collect();
            let stated = policy.origins.iter().find(|o| o.id == origin).map(|o| Summary::of(&o.handling.weights()));
            let lane = [origin, "", ""];
            Figures {
                stated,
                applied: applied_to(|l| &l.handling, lane),
                ..Figures::of(lane, lanes.handling(origin, &[], &days))
            }
        });
        let transit = lanes.lanes().into_iter().map(|lane| {
            let days: Vec<u16> =
                waiting.iter().filter(|w| [w.origin, w.service, w.zone] == lane).filter_map(|w| w.transit).collect();
            let [origin, service, zone] = lane.map(str::to_owned);
            let stated = learned::stated(policy, &learned::Way { origin, service, zone, ..learned::Way::default() });
            Figures {
                stated: stated.map(|d| Summary::of(&d.weights())),
                applied: applied_to(|l| &l.transit, lane),
                ..Figures::of(lane, lanes.transit(lane[0], lane[1], lane[2], &[], &days))
            }
        });
        let kept = |(confidence, counts): (&String, &Counts)| {
            let [promises, kept] = ["due", "kept"].map(|n| usize::try_from(counts.get(n)).unwrap_or_default());
            (promises > 0).then(|| Some(Kept { confidence: confidence.parse().ok()?, promises, kept }))?
        };
        let mut filled = policy.clone();
        self.learned(policy, now).fill(&mut filled);
        Report {
            as_of: today,
            learning: policy.learning,
            version: applied.map_or(0, |a| a.version),
            delivered: lanes.parcels(),
            impossible: self.count("impossible"),
            noticed: self.count("noticed"),
            handling: handling.collect(),
            transit: transit.collect(),
            calibration: self.promises.iter().filter_map(kept).collect(),
            policy: filled,
        }
    }
}

/// The working days so far of what is under way.
fn so_far<'a>(
    way: &'a outcome::Way,
    service: &'a str,
    shipped: Option<i32>,
    document: &Document,
    today: Day,
) -> Option<Delivery<'a>> {
    let went = lanes::Way {
        origin: &way.origin,
        service,
        zone: &way.zone,
        ordered: Day(way.ordered),
        second: way.second,
        handed_over: shipped.map(Day),
        delivered: None,
    };
    way.but.is_empty().then(|| went.measure(document, today))
}

/// What a store has learned, beside what a policy of it states.
pub fn report(db: &Connection, store: &str, policy: &Policy, now: Instant) -> Result<Report> {
    let applied = store::learned::at(db, store, now)?;
    Ok(Taught::read(db, store, now)?.report(policy, applied.as_ref(), now))
}

/// Makes the next version of what is applied, where the policy says so and there is something new. Returns it.
pub async fn renew(state: &AppState, store: &str) -> Result<Option<u64>> {
    let (now, id) = (state.now(), store.to_owned());
    let found = state.db().read(move |db| {
        let Some(policy) = policies::at(db, &id, now)?.filter(|p| p.learning == Learning::Apply) else { return Ok(None) };
        Ok(Some(Taught::read(db, &id, now)?.learned(&policy, now)))
    });
    let Some(learned) = found.await? else { return Ok(None) };
    let id = store.to_owned();
    let version = state.db().write(move |db| store::learned::keep(db, &id, &learned, now)).await?;
    if version.is_some() {
        state.forget_published(store);
    }
    Ok(version)
}

/// Keeps what is applied new, store by store: once a day, so that a page and its server agree all day.
pub async fn keep(state: AppState) {
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tick.tick().await;
        for store in &state.config().stores {
            if let Err(e) = daily(&state, &store.id).await {
                tracing::error!(error = format!("{e:#}"), store = store.id, "learning failed; trying again");
            }
        }
    }
}

async fn daily(state: &AppState, store: &str) -> Result<()> {
    let (now, id) = (state.now(), store.to_owned());
    let newest = state.db().read(move |db| store::learned::at(db, &id, now)).await?;
    let day = |at: Instant| at.0.div_euclid(86_400);
    if newest.is_some_and(|n| day(n.made_at) == day(now)) {
        return Ok(());
    }
    if renew(state, store).await?.is_some() {
        ingest::reestimate(state, store).await?;
    }
    Ok(())
}
