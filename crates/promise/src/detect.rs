//! Delays seen in a store's own scans: a lane or an area whose parcels arrive later than chance explains.
//!
//! Day by day, each parcel that is under way arrives with some chance, its *hazard*, known from how long parcels of its groups took before.
//! A slow-down is a drop of all hazards of a group. Two hypotheses are compared by their likelihood: "as ever" against "slowed"; since nobody
//! knows when it begins, the ratios from all beginnings are added up (a Shiryaev–Roberts e-detector). Under "as ever" that sum grows by one a day on
//! average, whatever is done with the data, so that it rarely passes a limit: the limit is set by how many false alarms a week are
//! accepted, and shared by all groups that are watched at once. Days differ by more than chance (weekdays, vans, depots): the measured
//! over-dispersion of each group tempers its evidence.
//!
//! On real orders, judged by what came of them (`tests/detect.rs`): a stand-still is found within three days where forty deliveries a week are due, one
//! of two days where sixty are, half the pace where a hundred and fifty are; with fewer, some days later.
//!
//! Only the past is used: what is found up to a day does not depend on what comes after it.
//!
//! ```
//! use promise::{Day, detect::{Leg, Settings, watch}};
//!
//! // Ten parcels a day that take one or two days each; from day 100 on they stand still.
//! let legs: Vec<Leg> = (0..110)
//!     .flat_map(|day| (0..10).map(move |n| Leg {
//!         from: Day(day),
//!         until: Some(Day(day + 1 + n % 2)).filter(|d| d.0 < 100),
//!         groups: [String::from("ups"), format!("ups {}", n % 3)].into(),
//!     }))
//!     .collect();
//! let found = watch(&legs, &|_| true, Day(109), &Settings::default());
//! assert_eq!(found.len(), 1, "one cause, one finding: {found:?}");
//! assert_eq!((found[0].group.as_str(), found[0].since, found[0].ended), ("ups", Day(100), None));
//! assert!(found[0].found <= Day(102));
//! ```

use alloc::{
    collections::{BTreeMap, VecDeque},
    string::String,
    sync::Arc,
    vec::Vec,
};

use crate::time::Day;

/// A parcel between two scans: handed over, and delivered (or not yet).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Leg {
    /// The day of the first scan.
    pub from: Day,
    /// Absent: under way as far as is known.
    pub until: Option<Day>,
    /// What it belongs to, from wide to narrow: carrier, carrier and zone, area … A narrower group borrows from the ones before.
    /// Parcels of the same groups may share them: a store has a million parcels, and some hundred groups.
    pub groups: Arc<[String]>,
}

/// How sure a finding has to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Accepted share of weeks with a false alarm, over all groups: what is stated is a bound, and chance alone stays well below it.
    pub false_alarms: f64,
    /// Days after which a delivery counts half for what is to be expected.
    pub half_life: f64,
    /// Deliveries that a group needs before it is watched.
    pub least: f64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { false_alarms: 0.05, half_life: 35.0, least: 40.0 }
    }
}

/// A slow-down that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Slowdown {
    /// Which of [`Leg::groups`] it is.
    pub group: String,
    /// When it began.
    pub since: Day,
    /// The day on which that was clear.
    pub found: Day,
    /// When the scans had recovered; absent: it goes on.
    pub ended: Option<Day>,
    /// Parcels that arrived since it began.
    pub arrived: f64,
    /// Parcels that were to be expected in that time.
    pub expected: f64,
    /// Its measured effect: weights of 0, 1, 2 … extra working days.
    pub effect: Vec<u32>,
}

/// Working days of waiting that are told apart; all that is later counts as the last.
const WAITS: usize = 40;
/// Working days after which what was seen enters what is expected: a slow-down must not pass for normal before it is found.
const LAG: usize = 8;
/// Parcels' worth of evidence that a narrower group needs to speak for itself.
const STRENGTH: f64 = 30.0;
/// What hazards drop to, in the slow-downs that are looked for.
const SLOWED: [f64; 3] = [0.2, 0.45, 0.7];
/// Over-dispersion that is taken for granted, and the days of evidence that it weighs.
const DISPERSION: (f64, f64) = (1.6, 15.0);
/// What is left of a suspicion a day later: a drift over weeks is followed by what is expected, and is no incident.
const MEMORY: f64 = 0.85;
/// A smaller drop bothers nobody.
const WORTH: f64 = 0.75;
/// Evidence for recovery that ends a finding, as a likelihood ratio.
const RECOVERED: f64 = 20.0;

#[derive(Clone, Debug, Default)]
struct Group {
    name: String,
    /// Weights of parcels that had waited 0, 1, 2 … working days, and of those that arrived then.
    waiting: Vec<f64>,
    arrived: Vec<f64>,
    /// Squared deviations from what was expected, as a share of it, and the days that they are of.
    deviation: f64,
    days: f64,
    /// Sums of likelihood ratios, one for each of [`SLOWED`]; and the day on which the latest suspicion began.
    sums: [f64; SLOWED.len()],
    suspicion: f64,
    since: Option<Day>,
    /// Index of the finding that holds, and for how many days.
    alarm: Option<usize>,
    lasted: usize,
    recovery: f64,
    /// Of today.
    expected: f64,
    seen: f64,
    ratios: [f64; SLOWED.len()],
}

/// One parcel on one day.
#[derive(Clone, Copy)]
struct Seen {
    leg: usize,
    waited: usize,
    hazard: f64,
    arrived: bool,
}

struct Today {
    day: Day,
    seen: Vec<Seen>,
}

/// Plays past days in order and returns the slow-downs found by the end of `until`, in the order in which they were found.
///
/// `works` tells on which days parcels are delivered: holidays are not slow-downs. Legs that end before they begin are passed over.
pub fn watch(legs: &[Leg], works: &dyn Fn(Day) -> bool, until: Day, settings: &Settings) -> Vec<Slowdown> {
    Watch::new(legs, settings).run(works, until)
}

/// Which groups each leg has: few sets of them, many legs.
struct Sets {
    sets: Vec<Vec<usize>>,
    by_leg: Vec<u32>,
}

impl Sets {
    fn leg(&self, leg: usize) -> &[usize] {
        &self.sets[self.by_leg[leg] as usize]
    }
}

struct Watch<'a> {
    settings: &'a Settings,
    groups: Vec<Group>,
    of: Sets,
    legs: &'a [Leg],
    /// Arrivals by weekday: seen, expected.
    weekdays: [(f64, f64); 7],
    /// Days not yet learned from, and those learned from that a finding may still ask about.
    recent: VecDeque<Today>,
    learned: VecDeque<Today>,
    found: Vec<Slowdown>,
}

impl<'a> Watch<'a> {
    fn new(legs: &'a [Leg], settings: &'a Settings) -> Watch<'a> {
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        let mut groups: Vec<Group> = Vec::new();
        let mut known: BTreeMap<&[String], u32> = BTreeMap::new();
        let mut of = Sets { sets: Vec::new(), by_leg: Vec::with_capacity(legs.len()) };
        for leg in legs {
            if let Some(set) = known.get(&*leg.groups) {
                of.by_leg.push(*set);
                continue;
            }
            let mut mine = Vec::new();
            for name in &*leg.groups {
                let at = *names.entry(name).or_insert_with(|| {
                    groups.push(Group {
                        name: name.clone(),
                        waiting: alloc::vec![0.0; WAITS],
                        arrived: alloc::vec![0.0; WAITS],
                        ..Group::default()
                    });
                    groups.len() - 1
                });
                mine.push(at);
            }
            let set = of.sets.len() as u32;
            known.insert(&leg.groups, set);
            of.sets.push(mine);
            of.by_leg.push(set);
        }
        Watch {
            settings,
            groups,
            of,
            legs,
            weekdays: [(0.0, 0.0); 7],
            recent: VecDeque::new(),
            learned: VecDeque::new(),
            found: Vec::new(),
        }
    }

    fn run(mut self, works: &dyn Fn(Day) -> bool, until: Day) -> Vec<Slowdown> {
        let sound = |l: &Leg| l.until.is_none_or(|u| u >= l.from);
        let mut order: Vec<usize> =
            (0..self.legs.len()).filter(|n| sound(&self.legs[*n]) && self.legs[*n].from <= until).collect();
        order.sort_by_key(|n| self.legs[*n].from);
        let Some(first) = order.first().map(|n| self.legs[*n].from) else { return Vec::new() };
        let mut coming = order.into_iter().peekable();
        // Under way, with the working days waited.
        let mut open: Vec<(usize, usize)> = Vec::new();
        for day in (first.0..=until.0).map(Day) {
            while let Some(leg) = coming.next_if(|n| self.legs[*n].from < day) {
                open.push((leg, 0));
            }
            if !works(day) {
                // What arrives all the same says nothing about pace.
                open.retain(|(leg, _)| self.legs[*leg].until.is_none_or(|u| u > day));
                continue;
            }
            let mut today = Today { day, seen: Vec::with_capacity(open.len()) };
            open.retain_mut(|(leg, waited)| {
                let until = self.legs[*leg].until;
                // Arrived on the day of hand-over, or on one that is not worked.
                if until.is_some_and(|u| u < day) {
                    return false;
                }
                let arrived = until == Some(day);
                let hazard = self.hazard(*leg, *waited, day);
                today.seen.push(Seen { leg: *leg, waited: *waited, hazard, arrived });
                *waited += 1;
                // What has waited that long is lost, and says nothing about the others.
                !arrived && *waited < WAITS * 2
            });
            self.judge(&today);
            self.recent.push_back(today);
            if self.recent.len() > LAG
                && let Some(past) = self.recent.pop_front()
            {
                self.learn(&past);
                self.learned.push_back(past);
                if self.learned.len() > WAITS {
                    self.learned.pop_front();
                }
            }
        }
        self.found
    }

    /// The chance that a parcel arrives today, having waited this long.
    fn hazard(&self, leg: usize, waited: usize, day: Day) -> f64 {
        let n = waited.min(WAITS - 1);
        let mut hazard = 0.15;
        for (level, at) in self.of.leg(leg).iter().enumerate() {
            let strength = if level == 0 { 2.0 } else { STRENGTH };
            let g = &self.groups[*at];
            hazard = (g.arrived[n] + strength * hazard) / (g.waiting[n] + strength);
        }
        let (seen, expected) = self.weekdays[usize::from(day.weekday())];
        (hazard * (seen + 20.0) / (expected + 20.0)).clamp(1e-4, 0.98)
    }

    /// Compares a day with what was to be expected.
    fn judge(&mut self, today: &Today) {
        for g in &mut self.groups {
            (g.expected, g.seen, g.ratios) = (0.0, 0.0, [0.0; SLOWED.len()]);
        }
        for s in &today.seen {
            let of = self.of.leg(s.leg);
            let alarms = of.iter().filter(|g| self.groups[**g].alarm.is_some()).count();
            for at in of {
                let g = &mut self.groups[*at];
                g.expected += s.hazard;
                g.seen += f64::from(u8::from(s.arrived));
                // What is explained already is evidence for nothing else.
                if alarms > usize::from(g.alarm.is_some()) {
                    continue;
                }
                for (ratio, slowed) in g.ratios.iter_mut().zip(SLOWED) {
                    *ratio += ratio_of(s, slowed);
                }
            }
        }
        let least = self.settings.least;
        let watched = |g: &Group| g.arrived.iter().sum::<f64>() >= least;
        // The limit is shared by all groups that something can be said about.
        let count = self.groups.iter().filter(|g| watched(g)).count() as f64;
        let limit = 5.0 / self.settings.false_alarms.max(1e-6) * count.max(1.0);
        let (mut suspects, mut measured): (Vec<usize>, Vec<(usize, usize)>) = (Vec::new(), Vec::new());
        for (n, g) in self.groups.iter_mut().enumerate() {
            if !watched(g) || g.expected < 0.05 {
                continue;
            }
            let tempered = 1.0 / dispersion(g);
            for (sum, ratio) in g.sums.iter_mut().zip(g.ratios) {
                *sum = ((1.0 + *sum) * MEMORY * (ratio * tempered).exp()).min(1e15);
            }
            g.suspicion += g.ratios[1];
            if g.suspicion <= 0.0 {
                (g.suspicion, g.since) = (0.0, None);
            } else if g.since.is_none() {
                g.since = Some(today.day);
            }
            match g.alarm {
                Some(at) => {
                    let finding = &mut self.found[at];
                    g.lasted += 1;
                    measured.push((n, at));
                    finding.arrived += g.seen;
                    finding.expected += g.expected;
                    // The same comparison the other way round.
                    let slowed = (finding.arrived / finding.expected).clamp(0.1, WORTH);
                    let evidence = g.seen * (1.0 / slowed).ln() - g.expected * (1.0 - slowed);
                    g.recovery = (g.recovery + evidence * tempered).max(0.0);
                    if g.recovery >= RECOVERED.ln() {
                        finding.ended = Some(today.day);
                        (g.alarm, g.recovery, g.sums, g.suspicion, g.since) = (None, 0.0, [0.0; 3], 0.0, None);
                    }
                }
                None if mean(&g.sums) >= limit => suspects.push(n),
                None => {}
            }
        }
        for (n, at) in measured {
            let f = &self.found[at];
            self.found[at].effect = self.effect(n, f.arrived / f.expected, self.groups[n].lasted);
        }
        suspects.sort_by(|a, b| mean(&self.groups[*b].sums).total_cmp(&mean(&self.groups[*a].sums)).then(a.cmp(b)));
        for n in suspects {
            self.accuse(n, today, limit);
        }
    }

    /// Makes a finding of a suspicion, unless findings that hold explain it.
    fn accuse(&mut self, n: usize, today: &Today, limit: f64) {
        let since = self.groups[n].since.unwrap_or(today.day);
        let (mut expected, mut arrived) = (0.0, 0.0);
        let mut unexplained = [0.0; SLOWED.len()];
        let days = self.learned.iter().chain(&self.recent).chain([today]).filter(|d| d.day >= since);
        for s in days.flat_map(|d| &d.seen).filter(|s| self.of.leg(s.leg).contains(&n)) {
            expected += s.hazard;
            arrived += f64::from(u8::from(s.arrived));
            let explained = self.of.leg(s.leg).iter().any(|g| *g != n && self.groups[*g].alarm.is_some());
            if !explained {
                for (ratio, slowed) in unexplained.iter_mut().zip(SLOWED) {
                    *ratio += ratio_of(s, slowed);
                }
            }
        }
        let tempered = 1.0 / dispersion(&self.groups[n]);
        let rest: f64 = mean(&unexplained.map(|r| (r * tempered).exp()));
        if rest < limit / 20.0 || expected - arrived < 4.0 || arrived / expected > WORTH {
            return;
        }
        let lasted = self.learned.iter().chain(&self.recent).filter(|d| d.day >= since).count() + 1;
        let effect = self.effect(n, arrived / expected, lasted);
        let g = &mut self.groups[n];
        g.alarm = Some(self.found.len());
        (g.recovery, g.lasted) = (0.0, lasted);
        self.found.push(Slowdown { group: g.name.clone(), since, found: today.day, ended: None, arrived, expected, effect });
    }

    /// What a slow-down does to the time that a parcel takes: it moves on at a part of its pace, for as long again as this has lasted, at least
    /// three days; never longer than it would take at that pace all the way.
    fn effect(&self, n: usize, pace: f64, lasted: usize) -> Vec<u32> {
        const STEPS: usize = 32;
        const MOST: f64 = 20.0;
        let g = &self.groups[n];
        let pace = pace.clamp(0.05, 1.0);
        let lasts = lasted.max(3) as f64;
        let mut weights = alloc::vec![0; MOST as usize + 1];
        let (mut left, mut step) = (1.0, 0);
        for took in 0..WAITS * 2 {
            let k = took.min(WAITS - 1);
            left *= 1.0 - (g.arrived[k] + 0.3) / (g.waiting[k] + 2.0);
            while step < STEPS && 1.0 - left >= (step as f64 + 0.5) / STEPS as f64 {
                let later = ((took + 1) as f64 * (1.0 / pace - 1.0)).min(lasts * (1.0 - pace)).min(MOST);
                weights[later.round() as usize] += 1;
                step += 1;
            }
        }
        weights.truncate(weights.iter().rposition(|w| *w > 0).map_or(1, |n| n + 1));
        weights
    }

    /// Takes a past day into what is expected, but for groups that were slowed then.
    fn learn(&mut self, past: &Today) {
        let kept = (-1.0 / self.settings.half_life * 7.0 / 5.5).exp2();
        let slow: Vec<bool> = self.groups.iter().map(|g| g.alarm.is_some_and(|at| self.found[at].since <= past.day)).collect();
        let mut sums: Vec<(f64, f64)> = alloc::vec![(0.0, 0.0); self.groups.len()];
        for (g, slow) in self.groups.iter_mut().zip(&slow) {
            if !slow {
                g.waiting.iter_mut().chain(&mut g.arrived).for_each(|w| *w *= kept);
                (g.deviation, g.days) = (g.deviation * kept, g.days * kept);
            }
        }
        let weekday = &mut self.weekdays[usize::from(past.day.weekday())];
        *weekday = (weekday.0 * kept.powi(6), weekday.1 * kept.powi(6));
        for s in &past.seen {
            let n = s.waited.min(WAITS - 1);
            let arrived = f64::from(u8::from(s.arrived));
            if self.of.leg(s.leg).iter().any(|g| slow[*g]) {
                continue;
            }
            weekday.0 += arrived;
            weekday.1 += s.hazard;
            for at in self.of.leg(s.leg) {
                let g = &mut self.groups[*at];
                g.waiting[n] += 1.0;
                g.arrived[n] += arrived;
                sums[*at].0 += arrived;
                sums[*at].1 += s.hazard;
            }
        }
        for (g, (seen, expected)) in self.groups.iter_mut().zip(sums) {
            if expected > 0.5 {
                g.deviation += ((seen - expected).powi(2) / expected).min(25.0);
                g.days += 1.0;
            }
        }
    }
}

/// The logarithm of how much likelier a day of a parcel is when slowed.
fn ratio_of(s: &Seen, slowed: f64) -> f64 {
    if s.arrived { slowed.ln() } else { ((1.0 - slowed * s.hazard) / (1.0 - s.hazard)).ln() }
}

/// How much more a group's days differ than chance alone would have them, at least 1.
fn dispersion(g: &Group) -> f64 {
    let (usual, days) = DISPERSION;
    ((g.deviation + usual * days) / (g.days + days)).max(1.0)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
