//! What a store's own deliveries teach: distributions by origin and lane, beside what the policy states; and what of it is applied.
//!
//! Taught by what each order counts as (`insight::outcome`), which every event keeps up with in its own transaction: so a replay, or an event that comes
//! twice, teaches nothing twice. What is learned is read from sums by week and lane, never from orders: some kilobytes a lane and year, however many
//! parcels. What has come to an end teaches how long it took; what is still under way, that it took longer than it has by now.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use anyhow::Result;
use promise::{
    Day, Document, Instant,
    learn::{
        coverage::{self, Coverage},
        lanes::{self, Delivery, Lanes, Learned as Lane},
    },
    learned::{self, Learned},
    policy::{self, Learning, Policy},
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

/// One end of a window of the policy's confidence and style, in parts of a thousand of parcels.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Asked {
    /// What should have come before the first day, or by the last.
    pub goal: u16,
    /// What is to be asked for these days, so that it comes out.
    pub asked: u16,
    /// What promises ask for now.
    pub applied: u16,
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
    pub coverage: Vec<Asked>,
    /// The policy with what was learned filled in, to be published if it pleases; what was stated stays beside it.
    pub policy: Policy,
}

/// What deliveries taught, by lane and week.
#[derive(Default)]
pub struct Taught {
    handling: BTreeMap<(String, i32), Counts>,
    transit: BTreeMap<(String, i32), Counts>,
    promises: BTreeMap<String, Counts>,
    /// Ends of windows, by day, then by the share that should have come by then.
    ends: Ends,
    under_way: Vec<UnderWay>,
}

type Ends = BTreeMap<(i32, u16), Counts>;

/// A parcel that has not arrived, or an order that nothing has left of: what they wait for.
struct UnderWay {
    way: outcome::Way,
    service: String,
    shipped: Option<i32>,
}

impl UnderWay {
    fn of(o: Outcome) -> impl Iterator<Item = UnderWay> {
        let waits = o.waits.map(|way| UnderWay { way, service: String::new(), shipped: None });
        let parcels = o.parcels.into_iter().filter(|p| p.delivered.is_none());
        let parcels = parcels.filter_map(|p| Some(UnderWay { way: p.way?, service: p.service, shipped: p.shipped }));
        parcels.chain(waits).filter(|w| w.way.but.is_empty())
    }
}

/// How the ends of windows turned out, of promises that were decided and of those whose end has passed without it.
fn ends(db: &Connection, store: &str, today: i32) -> Result<Ends> {
    let mut ends = Ends::new();
    for (dimension, to) in [(dimension::COVERAGE, today + 1), (dimension::WAITING, today)] {
        let of = insight::Query { store, dimension, from: today - OLDEST, to };
        for ((goal, day), counts) in of.by_key_and_day(db, |day| day)? {
            if let Ok(goal) = goal.parse() {
                ends.entry((day, goal)).or_default().add_all(&counts, 1);
            }
        }
    }
    Ok(ends)
}

/// What is to be asked for these days, by what promises of late turned out to be. Days that are not over say nothing yet.
fn coverage_of(ends: &Ends, today: Day) -> Coverage {
    let mut coverage = Coverage::default();
    let mut day = i32::MIN;
    for ((at, _), _) in ends.iter().filter(|e| e.0.0 < today.0) {
        if day == *at {
            continue;
        }
        day = *at;
        coverage.begin_day(Day(day));
        // Those that broke first, as if the others had come in the evening: whatever the order, the same.
        for (word, kept) in [("late", false), ("kept", true)] {
            for ((_, goal), counts) in ends.range((day, 0)..=(day, u16::MAX)) {
                for (lasted, promises) in counts.histogram(word) {
                    for _ in 0..promises {
                        coverage.settle(f64::from(*goal) / 1000.0, lasted as f64, kept, 1.0);
                    }
                }
            }
        }
    }
    coverage.begin_day(today);
    coverage
}

/// The ends of a policy's windows, with what is asked for.
fn asked(policy: &Policy, learned: &Learned, applied: Option<&store::learned::Version>) -> Vec<Asked> {
    let of = |list: &[(u16, u16)], goal: u16| list.iter().find(|c| c.0 == goal).map_or(goal, |c| c.1);
    let (first, last) = coverage::ends(policy.style.word(), policy.confidence);
    let ends = first.into_iter().chain([last]).map(|share| (share * 1000.0).round() as u16);
    let held: &[(u16, u16)] = applied.map_or(&[], |a| &a.learned.coverage);
    ends.map(|goal| Asked { goal, asked: of(&learned.coverage, goal), applied: of(held, goal) }).collect()
}

/// What promises are asked for so that they hold as often as they say: of a [`Report`] the part that costs no look at any order.
pub struct Correction {
    pub learning: Learning,
    pub version: u64,
    pub coverage: Vec<Asked>,
}

pub fn correction(db: &Connection, store: &str, policy: &Policy, now: Instant) -> Result<Correction> {
    let today = now.local(0).0;
    let applied = store::learned::at(db, store, now)?.filter(|_| policy.learning == Learning::Apply);
    let learned = Learned::default().covering(policy, &coverage_of(&ends(db, store, today.0)?, today));
    Ok(Correction {
        learning: policy.learning,
        version: applied.as_ref().map_or(0, |a| a.version),
        coverage: asked(policy, &learned, applied.as_ref()),
    })
}

impl Taught {
    pub fn read(db: &Connection, store: &str, now: Instant) -> Result<Taught> {
        let today = now.local(0).0.0;
        // Days are the carriers': tomorrow has begun somewhere.
        let of = |dimension, days: i32| insight::Query { store, dimension, from: today - days, to: today + 1 };
        let mut taught = Taught {
            handling: of(dimension::HANDLING, OLDEST).by_key_and_day(db, |week| week)?,
            transit: of(dimension::TRANSIT, OLDEST).by_key_and_day(db, |week| week)?,
            promises: of(dimension::CONFIDENCE, COMPARED).by_key(db)?,
            ends: ends(db, store, today)?,
            ..Taught::default()
        };
        insight::under_way(db, store, |o| taught.under_way.extend(UnderWay::of(o)))?;
        Ok(taught)
    }

    /// What was learned by the weeks that begin before a day.
    fn lanes(&self, before: i32) -> Lanes {
        let mut lanes = Lanes::new(HALF_LIFE);
        // The middle of its week, as often as there were parcels.
        let mut add = |week: i32, parcels: i64, delivery: &Delivery| {
            lanes.add_many(delivery, Day(week + 3), u32::try_from(parcels).unwrap_or_default());
        };
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
        // Calendars are slow, and of what left on the same day by the same lane the answer is the same, but for how long it was handled: which
        // nobody asks of what has left.
        let mut known: HashMap<(&str, &str, &str, i32), Delivery<'_>> = HashMap::new();
        let mut waiting = Vec::with_capacity(self.under_way.len());
        for w in &self.under_way {
            waiting.push(match w.shipped {
                None => so_far(&w.way, &w.service, None, document, today),
                Some(day) => *known
                    .entry((&w.way.origin, &w.service, &w.way.zone, day))
                    .or_insert_with(|| so_far(&w.way, &w.service, Some(day), document, today)),
            });
        }
        waiting
    }

    fn count(&self, name: &str) -> u64 {
        let all = self.handling.values().chain(self.transit.values());
        all.map(|c| c.get(name)).sum::<i64>().unsigned_abs()
    }

    /// What is to be applied to a policy.
    pub fn learned(&self, policy: &Policy, now: Instant) -> Learned {
        let waiting = self.waiting(&policy.document(now), now.local(0).0);
        self.learned_of(policy, &self.lanes(i32::MAX), &waiting, now)
    }

    fn learned_of(&self, policy: &Policy, all: &Lanes, waiting: &[Delivery<'_>], now: Instant) -> Learned {
        let today = now.local(0).0;
        Learned::of(policy, all, &self.lanes(today.0 - NEWEST + 1), waiting, now)
            .covering(policy, &coverage_of(&self.ends, today))
    }

    /// All of it, for a person to read.
    pub fn report(&self, policy: &Policy, applied: Option<&store::learned::Version>, now: Instant) -> Report {
        let today = now.local(0).0;
        let document = policy.document(now);
        let (lanes, waiting) = (self.lanes(i32::MAX), self.waiting(&document, today));
        let learned = self.learned_of(policy, &lanes, &waiting, now);
        let applied = applied.filter(|_| policy.learning == Learning::Apply);
        let applied_to = |list: fn(&Learned) -> &Vec<learned::Way>, lane: [&str; 3]| {
            let found = list(&applied?.learned).iter().find(|w| [w.origin.as_str(), &w.service, &w.zone] == lane)?;
            Some(Summary::of(&found.weights))
        };
        let handling = lanes.origins().into_iter().map(|origin| {
            let days: Vec<u16> =
                waiting.iter().filter(|w| w.origin == origin && w.transit.is_none()).filter_map(|w| w.handling).collect();
            let stated = policy.origins.iter().find(|o| o.id == origin).map(|o| Summary::of(&o.handling.weights()));
            let prior = policy.origins.iter().find(|o| o.id == origin).map(|o| typed(&o.handling)).unwrap_or_default();
            let lane = [origin, "", ""];
            Figures {
                stated,
                applied: applied_to(|l| &l.handling, lane),
                ..Figures::of(lane, lanes.handling(origin, &prior, &days))
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
                ..Figures::of(lane, lanes.transit(lane[0], lane[1], lane[2], &stated.map(typed).unwrap_or_default(), &days))
            }
        });
        let kept = |(confidence, counts): (&String, &Counts)| {
            let [promises, kept] = ["due", "kept"].map(|n| usize::try_from(counts.get(n)).unwrap_or_default());
            (promises > 0).then(|| Some(Kept { confidence: confidence.parse().ok()?, promises, kept }))?
        };
        let mut filled = policy.clone();
        learned.fill_days(&mut filled);
        let coverage = asked(policy, &learned, applied);
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
            coverage,
            policy: filled,
        }
    }
}

/// What the merchant typed, where that is still there: what is believed without deliveries.
fn typed(stated: &policy::Duration) -> Vec<u32> {
    let own = stated.min.is_none() && stated.max.is_none();
    policy::Duration { weights: if own { stated.weights.clone() } else { Vec::new() }, ..stated.clone() }.weights()
}

/// The working days so far of what is under way.
fn so_far<'a>(way: &'a outcome::Way, service: &'a str, shipped: Option<i32>, document: &Document, today: Day) -> Delivery<'a> {
    let went = lanes::Way {
        origin: &way.origin,
        service,
        zone: &way.zone,
        ordered: Day(way.ordered),
        second: way.second,
        handed_over: shipped.map(Day),
        delivered: None,
    };
    went.measure(document, today)
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

#[cfg(test)]
mod tests {
    use promise::{
        Request,
        estimate::{Destination, Line},
    };

    use super::*;
    use crate::insight::outcome::{Parcel, Promise, Way};

    impl Taught {
        /// What these orders teach.
        fn of(outcomes: &[Outcome], today: i32) -> Taught {
            let mut taught = Taught::default();
            for outcome in outcomes {
                for (cell, counts) in outcome.cells() {
                    match cell.dimension {
                        dimension::HANDLING => taught.handling.entry((cell.key, cell.day)).or_default().add_all(&counts, 1),
                        dimension::TRANSIT => taught.transit.entry((cell.key, cell.day)).or_default().add_all(&counts, 1),
                        dimension::WAITING if cell.day > today => {}
                        dimension::COVERAGE | dimension::WAITING => {
                            taught.ends.entry((cell.day, cell.key.parse().unwrap())).or_default().add_all(&counts, 1);
                        }
                        _ => {}
                    }
                }
                if outcome.complete.is_none() {
                    taught.under_way.extend(UnderWay::of(outcome.clone()));
                }
            }
            taught
        }
    }

    /// One store, ten orders a working day, whose parcels become slower by three days and then faster than they ever were.
    fn drift(learning: Learning, covers: bool) -> Vec<[f64; 3]> {
        let stated: Policy = serde_json::from_str(include_str!("demo/policy.json")).unwrap();
        let mut stated = Policy { learning, ..stated };
        for transit in stated.transit.iter_mut().filter(|t| t.zone == "us_west") {
            (transit.days.min, transit.days.max) = (Some(2), Some(7));
        }
        let first = Day::parse("2025-02-03").unwrap().0;
        let days = 240;
        let holidays = promise::holidays::days("US");
        let mut seed = 7u64;
        let mut dice = move |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % n
        };
        let request = Request {
            items: vec![Line { sku: "MUG-1".into(), quantity: 1 }],
            destination: Destination { country: "US".into(), postal_code: "94103".into(), ..Destination::default() },
            method: Some("standard".into()),
        };
        let mut orders: Vec<Outcome> = Vec::new();
        let mut learned = Learned::default();
        for n in 0..days {
            let today = first + n;
            if Day(today).weekday() >= 5 {
                continue;
            }
            let now = Instant(i64::from(today) * 86_400 + 15 * 3600);
            if learning == Learning::Apply && n % 3 == 0 {
                // What is known by this morning.
                let known: Vec<Outcome> = orders
                    .iter()
                    .map(|o| {
                        let mut o = o.clone();
                        let late = o.promise.as_ref().is_some_and(|p| p.to < today);
                        if o.complete.is_some_and(|d| d >= today) {
                            (o.complete, o.overdue) = (None, late);
                            o.parcels[0].delivered = None;
                            o.parcels[0].way.as_mut().unwrap().transit = None;
                        }
                        o
                    })
                    .collect();
                learned = Taught::of(&known, today).learned(&stated, now);
                if !covers {
                    learned.coverage.clear();
                }
            }
            let mut policy = stated.clone();
            learned.fill(&mut policy);
            let document = policy.document(now);
            let window = promise::estimate(&document, &request, now).options[0].window.unwrap();
            for _ in 0..10 {
                let slower = match n {
                    0..60 => 0,
                    60..150 => (n - 60) / 30 + 1,
                    _ => 0,
                };
                let took = 2 + (dice(3) + dice(3) + dice(2)) as i32 + slower - i32::from(n >= 190);
                let works = |d: &i32| Day(*d).weekday() < 5 && !holidays.contains(&Day(*d));
                let arrives = (today + 1..).filter(works).nth(took as usize - 1).unwrap();
                let way = Way {
                    origin: "memphis".into(),
                    zone: "us_west".into(),
                    ordered: today,
                    second: 9 * 3600,
                    handling: Some(0),
                    transit: Some(took as u16),
                    but: String::new(),
                };
                orders.push(Outcome {
                    placed: today,
                    promise: Some(Promise { from: window.from.0, to: window.to.0, confidence: 90, style: String::new() }),
                    complete: Some(arrives),
                    parcels: vec![Parcel {
                        carrier: "ups".into(),
                        service: "ups_ground".into(),
                        origin: "memphis".into(),
                        shipped: Some(today),
                        delivered: Some(arrives),
                        way: Some(way),
                        ..Parcel::default()
                    }],
                    ..Outcome::default()
                });
            }
        }
        // Within the window, by its last day, and its length in days, month by month.
        (0..8)
            .map(|month| {
                let of: Vec<(&Promise, i32)> = orders
                    .iter()
                    .filter(|o| (o.placed - first) / 30 == month)
                    .map(|o| (o.promise.as_ref().unwrap(), o.complete.unwrap()))
                    .collect();
                let mean = |value: &dyn Fn(&Promise, i32) -> f64| {
                    of.iter().map(|(p, day)| value(p, *day)).sum::<f64>() / of.len() as f64
                };
                [
                    mean(&|p, day| f64::from(u8::from((p.from..=p.to).contains(&day)))),
                    mean(&|p, day| f64::from(u8::from(day <= p.to))),
                    mean(&|p, _| f64::from(p.to - p.from + 1)),
                ]
            })
            .collect()
    }

    #[test]
    fn windows_hold_as_often_as_they_say_while_conditions_drift() {
        let stated = drift(Learning::Suggest, false);
        let learned = drift(Learning::Apply, false);
        let corrected = drift(Learning::Apply, true);
        let mean = |of: &[[f64; 3]], k: usize| of.iter().map(|m| m[k]).sum::<f64>() / of.len() as f64;
        let worst = |of: &[[f64; 3]]| of.iter().map(|m| m[1]).fold(1.0, f64::min);
        let told = format!("stated {stated:.2?}\nlearned {learned:.2?}\ncorrected {corrected:.2?}");
        assert!((mean(&corrected, 0) - 0.9).abs() < 0.03 && corrected.iter().all(|m| m[0] > 0.75), "{told}");
        assert!(worst(&corrected) > 0.84, "{told}");
        assert!(worst(&corrected) > worst(&learned) + 0.02 && worst(&learned) > worst(&stated) + 0.05, "{told}");
        assert!(mean(&corrected, 2) < mean(&learned, 2) && mean(&learned, 2) < mean(&stated, 2), "in shorter windows: {told}");
    }
}
