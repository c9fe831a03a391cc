//! What a store keeps of its deliveries, and the distributions that a promise document takes from it.
//!
//! Of each delivery two numbers are kept: the working days of handling, by origin, and those of transit, by lane (origin, service, zone).
//! They are counted, recent ones for more, so that a lane costs a few hundred bytes however many parcels it has seen, and a delivery some
//! hundred nanoseconds. A thin lane borrows from wider ones: the service to that zone, the service, all; at the end stands what the
//! merchant typed.
//!
//! ```
//! use promise::{Day, learn::lanes::{Delivery, Lanes}};
//! let mut lanes = Lanes::new(60.0);
//! for n in 0..200u16 {
//!     let delivery = Delivery { origin: "memphis", service: "ground", zone: "west", handling: Some(n % 2), transit: Some(2 + n % 3) };
//!     lanes.add(&delivery, Day(20_000 + i32::from(n)));
//! }
//! // The merchant had typed "3 to 5 days"; the parcels say 2 to 4.
//! let learned = lanes.transit("memphis", "ground", "west", &[0, 0, 0, 1, 1, 1], &[]);
//! assert!(learned.weights[2] > 2_000 && learned.quantile(0.9) <= 4);
//! assert_eq!(learned.parcels, 200);
//! // Nothing is known of this one but what the service does elsewhere.
//! assert_eq!(lanes.transit("memphis", "ground", "north", &[0, 0, 0, 1, 1, 1], &[]).parcels, 0);
//! // It is kept in a database as bytes.
//! assert_eq!(Lanes::read(&lanes.bytes()).unwrap(), lanes);
//! ```

use alloc::{string::String, vec::Vec};
use std::collections::HashMap;

use crate::{
    Document,
    calendar::Calendar,
    document::Weights,
    estimate::Destination,
    journey, place,
    policy::{Policy, Transit},
    time::{Day, Instant},
};

/// Working days that are told apart; what takes longer counts as the last.
const LONGEST: usize = 120;
/// Parcels' worth of evidence that a narrower group, or the store against what was typed, needs to speak for itself.
const STRENGTH: f64 = 20.0;
/// Weights add up to about this.
const WHOLE: f64 = 10_000.0;
/// Evidence below which a lane gets no entry of its own in a policy.
const OWN_ENTRY: f64 = 5.0;

/// One parcel's way, in working days of its origin and of its service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery<'a> {
    /// The origin's id.
    pub origin: &'a str,
    /// The service's id.
    pub service: &'a str,
    /// The zone's id.
    pub zone: &'a str,
    /// From the order to the hand-over; absent: not known.
    pub handling: Option<u16>,
    /// From the hand-over to the delivery; absent: not known.
    pub transit: Option<u16>,
}

/// Counts by working days; each day ago a delivery counts less.
#[derive(Clone, Debug, Default, PartialEq)]
struct Counts {
    /// The day that the weights are of.
    day: i32,
    parcels: u64,
    by: Vec<f32>,
}

impl Counts {
    fn add(&mut self, days: u16, day: Day, parcels: u32, half_life: f32) {
        let mut weight = parcels as f32;
        if self.parcels == 0 {
            self.day = day.0;
        } else if day.0 > self.day {
            let kept = (-(day.0.saturating_sub(self.day) as f32) / half_life).exp2();
            self.by.iter_mut().for_each(|w| *w *= kept);
            self.day = day.0;
        } else {
            weight *= (-(self.day.saturating_sub(day.0) as f32) / half_life).exp2();
        }
        let n = usize::from(days).min(LONGEST - 1);
        if self.by.len() <= n {
            self.by.resize(n + 1, 0.0);
        }
        self.by[n] += weight;
        self.parcels = self.parcels.saturating_add(u64::from(parcels));
    }
}

/// What a store has learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Lanes {
    half_life: f32,
    names: Vec<String>,
    ids: HashMap<String, u32>,
    handling: HashMap<u32, Counts>,
    transit: HashMap<[u32; 3], Counts>,
}

/// A learned distribution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learned {
    /// Of 0, 1, 2 … working days; as a document or a policy takes them.
    pub weights: Weights,
    /// Deliveries of this very group.
    pub parcels: u64,
    /// The same, recent ones for more.
    pub evidence: f64,
    /// Parcels under way that counted for the days that they have been waiting.
    pub under_way: usize,
    /// Parcels under way for longer than (nearly) all that arrived: likely lost, and left out.
    pub overdue: usize,
}

impl Learned {
    /// The working days by which at least this share has arrived.
    pub fn quantile(&self, share: f64) -> usize {
        let total: u64 = self.weights.iter().map(|w| u64::from(*w)).sum();
        let mut sum = 0;
        let at = self.weights.iter().position(|w| {
            sum += u64::from(*w);
            sum as f64 >= share * total as f64
        });
        at.unwrap_or_default()
    }

    /// The mean, in working days.
    pub fn mean(&self) -> f64 {
        let total: f64 = self.weights.iter().map(|w| f64::from(*w)).sum();
        self.weights.iter().enumerate().map(|(n, w)| n as f64 * f64::from(*w)).sum::<f64>() / total.max(1.0)
    }
}

impl Lanes {
    /// `half_life`: days after which a delivery counts half.
    pub fn new(half_life: f64) -> Lanes {
        Lanes {
            half_life: half_life.clamp(1.0, 1e6) as f32,
            names: Vec::new(),
            ids: HashMap::new(),
            handling: HashMap::new(),
            transit: HashMap::new(),
        }
    }

    fn id(&mut self, name: &str) -> u32 {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = self.names.len() as u32;
        self.names.push(name.into());
        self.ids.insert(name.into(), id);
        id
    }

    /// A parcel was delivered on `day`.
    pub fn add(&mut self, delivery: &Delivery, day: Day) {
        self.add_many(delivery, day, 1);
    }

    /// So many parcels went the same way and were delivered on `day`.
    pub fn add_many(&mut self, delivery: &Delivery, day: Day, parcels: u32) {
        if parcels == 0 {
            return;
        }
        let origin = self.id(delivery.origin);
        if let Some(days) = delivery.handling {
            self.handling.entry(origin).or_default().add(days, day, parcels, self.half_life);
        }
        if let Some(days) = delivery.transit {
            let lane = [origin, self.id(delivery.service), self.id(delivery.zone)];
            self.transit.entry(lane).or_default().add(days, day, parcels, self.half_life);
        }
    }

    /// Deliveries whose transit is known.
    pub fn parcels(&self) -> u64 {
        self.transit.values().fold(0, |sum, c| sum.saturating_add(c.parcels))
    }

    /// Origins whose handling is known.
    pub fn origins(&self) -> Vec<&str> {
        let mut list: Vec<&str> = self.handling.keys().map(|id| self.names[*id as usize].as_str()).collect();
        list.sort_unstable();
        list
    }

    /// Lanes (origin, service, zone) whose transit is known.
    pub fn lanes(&self) -> Vec<[&str; 3]> {
        let mut list: Vec<[&str; 3]> = self.transit.keys().map(|l| l.map(|id| self.names[id as usize].as_str())).collect();
        list.sort_unstable();
        list
    }

    /// How long an origin takes. `prior`: what is believed without deliveries; `waiting`: working days that parcels have been waiting there.
    pub fn handling(&self, origin: &str, prior: &[u32], waiting: &[u16]) -> Learned {
        let own = self.ids.get(origin).and_then(|id| self.handling.get(id));
        let all = Group::of(self.handling.values(), self.today(), self.half_life);
        let narrow = Group::of(own.into_iter(), self.today(), self.half_life);
        // One origin says little about another: what was typed for this one comes first.
        let groups = if prior.is_empty() { Vec::from([all, narrow]) } else { Vec::from([narrow]) };
        learned(groups, prior, waiting, own.map_or(0, |c| c.parcels))
    }

    /// How long a lane takes.
    pub fn transit(&self, origin: &str, service: &str, zone: &str, prior: &[u32], waiting: &[u16]) -> Learned {
        let lane = [origin, service, zone].map(|name| self.ids.get(name).copied());
        let group = |named: [bool; 3]| {
            let fits = |key: &[u32; 3]| (0..3).all(|k| !named[k] || lane[k] == Some(key[k]));
            Group::of(self.transit.iter().filter(|(key, _)| fits(key)).map(|(_, c)| c), self.today(), self.half_life)
        };
        let own = lane[0].zip(lane[1]).zip(lane[2]).and_then(|((o, s), z)| self.transit.get(&[o, s, z]));
        let mut groups = Vec::from([group([false, true, true]), group([true, true, true])]);
        if prior.is_empty() {
            groups.insert(0, group([false, true, false]));
            groups.insert(0, group([false, false, false]));
        }
        learned(groups, prior, waiting, own.map_or(0, |c| c.parcels))
    }

    /// The latest day of a delivery.
    pub fn today(&self) -> Day {
        Day(self.handling.values().chain(self.transit.values()).map(|c| c.day).max().unwrap_or_default())
    }

    /// The policy with what was learned filled in; what the merchant typed (`min`, `max`) stays beside it, as what is believed without
    /// deliveries. `waiting`: parcels under way, as deliveries with the working days so far.
    pub fn fill(&self, policy: &Policy, waiting: &[Delivery], now: Instant) -> Policy {
        let typed = typed(policy).document(now);
        let mut filled = policy.clone();
        for origin in &mut filled.origins {
            let Some(index) = typed.origins.iter().position(|o| o.id == origin.id) else { continue };
            let days: Vec<u16> =
                waiting.iter().filter(|w| w.origin == origin.id && w.transit.is_none()).filter_map(|w| w.handling).collect();
            let learned = self.handling(&origin.id, &typed.origins[index].handling, &days);
            if learned.parcels > 0 {
                origin.handling.weights = learned.weights;
            }
        }
        for [origin, service, zone] in self.lanes() {
            let at = |ids: Vec<&String>, id: &str| ids.iter().position(|k| *k == id);
            let lane = at(typed.origins.iter().map(|o| &o.id).collect(), origin)
                .zip(at(typed.services.iter().map(|s| &s.id).collect(), service))
                .zip(at(typed.zones.iter().map(|z| &z.id).collect(), zone));
            let Some(((o, s), z)) = lane else { continue };
            let prior = journey::transit(&typed, journey::Lane { origin: o, service: s, zone: z }).unwrap_or_default().to_vec();
            let days: Vec<u16> = waiting
                .iter()
                .filter(|w| w.origin == origin && w.service == service && w.zone == zone)
                .filter_map(|w| w.transit)
                .collect();
            let learned = self.transit(origin, service, zone, &prior, &days);
            if learned.evidence < OWN_ENTRY {
                continue;
            }
            let entry = filled.transit.iter_mut().find(|t| t.origin == origin && t.service == service && t.zone == zone);
            match entry {
                Some(entry) => entry.days.weights = learned.weights,
                None => {
                    // What held for this lane until now, typed for a wider one, is its prior from now on.
                    let wider = policy
                        .transit
                        .iter()
                        .filter(|t| {
                            (t.origin.is_empty() || t.origin == origin)
                                && (t.service.is_empty() || t.service == service)
                                && (t.zone.is_empty() || t.zone == zone)
                        })
                        .max_by_key(|t| [&t.origin, &t.service, &t.zone].iter().filter(|n| !n.is_empty()).count());
                    let mut days = wider.map(|t| t.days.clone()).unwrap_or_default();
                    days.weights = learned.weights;
                    filled.transit.push(Transit { origin: origin.into(), service: service.into(), zone: zone.into(), days });
                }
            }
        }
        filled
    }
}

/// The policy as typed: without what was learned where the merchant's own is still there.
fn typed(policy: &Policy) -> Policy {
    let mut typed = policy.clone();
    let durations = typed.origins.iter_mut().map(|o| &mut o.handling).chain(typed.transit.iter_mut().map(|t| &mut t.days));
    for duration in durations {
        if duration.min.is_some() || duration.max.is_some() {
            duration.weights.clear();
        }
    }
    typed
}

/// Weighted counts of a group.
#[derive(Clone, Debug, Default)]
struct Group {
    arrived: Vec<f64>,
}

impl Group {
    fn of<'a>(counts: impl Iterator<Item = &'a Counts>, today: Day, half_life: f32) -> Group {
        let mut group = Group::default();
        for c in counts {
            let kept = f64::from(-(today.0.saturating_sub(c.day) as f32) / half_life).exp2();
            if group.arrived.len() < c.by.len() {
                group.arrived.resize(c.by.len(), 0.0);
            }
            for (sum, w) in group.arrived.iter_mut().zip(&c.by) {
                *sum += f64::from(*w) * kept;
            }
        }
        group
    }

    fn total(&self) -> f64 {
        self.arrived.iter().sum()
    }
}

/// From wide to narrow, each drawn to the one before by the day's hazard, so that parcels under way count for the days that they wait.
fn learned(groups: Vec<Group>, prior: &[u32], waiting: &[u16], parcels: u64) -> Learned {
    let evidence = groups.last().map_or(0.0, Group::total);
    let widest: Vec<f64> = groups.iter().max_by_key(|g| g.arrived.len()).map(|g| g.arrived.clone()).unwrap_or_default();
    let length = prior.len().max(widest.len()).clamp(1, LONGEST);
    let mut hazards: Vec<f64> = (0..length)
        .map(|n| {
            let left: f64 = prior.iter().skip(n).map(|w| f64::from(*w)).sum();
            if left > 0.0 { f64::from(prior[n]) / left } else { 0.5 }
        })
        .collect();
    // The last of those that came, with a third on top: what waits longer says nothing of those that will come.
    let most = groups.iter().rev().find(|g| g.total() >= STRENGTH).map_or(length, |g| g.arrived.len());
    let limit = most + most / 3 + 2;
    let counted: Vec<usize> = waiting.iter().map(|w| usize::from(*w)).filter(|w| *w <= limit).collect();
    let count = groups.len();
    for (level, group) in groups.into_iter().enumerate() {
        let strength = if level == 0 && prior.is_empty() { 0.5 } else { STRENGTH };
        let mut risk = group.total();
        for (n, hazard) in hazards.iter_mut().enumerate() {
            let arrived = group.arrived.get(n).copied().unwrap_or_default();
            let censored = if level + 1 == count { counted.iter().filter(|w| **w >= n).count() as f64 } else { 0.0 };
            *hazard = (arrived + strength * *hazard) / (risk + censored + strength);
            risk = (risk - arrived).max(0.0);
        }
    }
    let mut left = 1.0;
    let mut weights: Weights = hazards
        .iter()
        .map(|hazard| {
            let weight = left * hazard;
            left -= weight;
            (weight * WHOLE).round() as u32
        })
        .collect();
    // What is left after the last day belongs to it.
    if let Some(last) = weights.last_mut() {
        *last += (left * WHOLE).round() as u32;
    }
    while weights.len() > 1 && weights.last() == Some(&0) {
        weights.pop();
    }
    Learned { weights, parcels, evidence, under_way: counted.len(), overdue: waiting.len() - counted.len() }
}

/// Working days from one day to another, counted as a promise steps: from the first worked day on; a day that is not worked counts as the
/// next that is.
pub(crate) fn working_days(calendar: &Calendar, from: Day, to: Day) -> Option<u16> {
    let mut at = calendar.at_or_after(from)?;
    let mut n = 0;
    while at < to && n < LONGEST as u16 {
        at = calendar.after(at)?;
        n += 1;
    }
    Some(n)
}

/// What is known of a parcel's way, in civil days of its origin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Way<'a> {
    /// The origin's id.
    pub origin: &'a str,
    /// The service's id.
    pub service: &'a str,
    /// The zone's id.
    pub zone: &'a str,
    /// The local day of the order.
    pub ordered: Day,
    /// Second of the local day of the order.
    pub second: u32,
    /// Absent: not yet, as far as is known.
    pub handed_over: Option<Day>,
    /// Absent: not yet, as far as is known.
    pub delivered: Option<Day>,
}

impl<'a> Way<'a> {
    /// In working days, by the calendars of a document; by Monday to Friday where it does not know origin or service. `until`: for a parcel
    /// under way, the day on which it still was.
    pub fn measure(&self, document: &Document, until: Day) -> Delivery<'a> {
        let weekdays = crate::document::Origin {
            cutoffs: Vec::from([1440, 1440, 1440, 1440, 1440, -1, -1]),
            closed: u32::MAX,
            ..Default::default()
        };
        let origin = document.origins.iter().find(|o| o.id == self.origin).unwrap_or(&weekdays);
        let calendar = Calendar::of_origin(document, origin);
        let cutoff = origin.half_days.iter().find(|h| h.0 == self.ordered).map(|h| h.1);
        let cutoff = cutoff.or_else(|| origin.cutoffs.get(usize::from(self.ordered.weekday())).copied()).unwrap_or(-1);
        let missed = calendar.works(self.ordered) && i64::from(self.second) >= i64::from(cutoff) * 60;
        let start = if missed { Day(self.ordered.0 + 1) } else { self.ordered };
        let transit_calendar = match document.services.iter().find(|s| s.id == self.service) {
            Some(service) => Calendar::of_service(document, service),
            None => Calendar::of_origin(document, &weekdays),
        };
        let left = self.handed_over;
        Delivery {
            origin: self.origin,
            service: self.service,
            zone: self.zone,
            handling: match (left, self.delivered) {
                (Some(left), _) => working_days(&calendar, start, left),
                (None, None) => working_days(&calendar, start, until),
                (None, Some(_)) => None,
            },
            transit: left.and_then(|left| working_days(&transit_calendar, left, self.delivered.unwrap_or(until))),
        }
    }
}

/// The zone of a destination, by its id.
///
/// ```
/// use promise::{Instant, learn::lanes::zone};
/// # let policy: promise::policy::Policy = serde_json::from_str(r#"{
/// #     "currency": "USD", "confidence": 90,
/// #     "origins": [{"id": "memphis", "time_zone": "America/Chicago", "holidays": ["US"], "handling": {"min": 0, "max": 0},
/// #         "cutoffs": {"mon": "14:00", "tue": "14:00", "wed": "14:00", "thu": "14:00", "fri": "14:00"}}],
/// #     "services": [{"id": "ground", "carrier": "ups", "holidays": ["US"]}],
/// #     "zones": [{"id": "us", "places": [{"country": "US"}]}],
/// #     "transit": [{"days": {"weights": [0, 0, 1, 1]}}],
/// #     "methods": [{"id": "standard", "services": ["ground"]}]
/// # }"#).unwrap();
/// let document = policy.document(Instant::parse("2026-11-30T15:00:00Z").unwrap());
/// assert_eq!(zone(&document, "US", "CA", "94103"), Some("us"));
/// assert_eq!(zone(&document, "FR", "", "75001"), None);
/// ```
pub fn zone<'a>(document: &'a Document, country: &str, region: &str, postal_code: &str) -> Option<&'a str> {
    let to =
        Destination { country: country.into(), region: region.into(), postal_code: postal_code.into(), ..Destination::default() };
    let fits = |z: &&crate::document::Zone| z.places.iter().any(|p| place::matches(p, &to) == place::Match::Yes);
    document.zones.iter().find(fits).map(|z| z.id.as_str())
}

/// What can be wrong with bytes that are said to be [`Lanes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these are not learned lanes of a version that is known, or they are cut short")]
pub struct Unreadable;

/// First of the bytes: the format and its version.
const MAGIC: &[u8; 4] = b"WLN1";

impl Lanes {
    /// As bytes, for a database: the same state, the same bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut to = Vec::from(MAGIC.as_slice());
        let number = |to: &mut Vec<u8>, n: u32| to.extend(n.to_le_bytes());
        to.extend(self.half_life.to_le_bytes());
        number(&mut to, self.names.len() as u32);
        for name in &self.names {
            number(&mut to, name.len() as u32);
            to.extend(name.as_bytes());
        }
        let counts = |to: &mut Vec<u8>, c: &Counts| {
            number(to, c.day.cast_unsigned());
            to.extend(c.parcels.to_le_bytes());
            number(to, c.by.len() as u32);
            c.by.iter().for_each(|w| to.extend(w.to_le_bytes()));
        };
        let mut handling: Vec<_> = self.handling.iter().collect();
        handling.sort_unstable_by_key(|e| e.0);
        number(&mut to, handling.len() as u32);
        for (origin, c) in handling {
            number(&mut to, *origin);
            counts(&mut to, c);
        }
        let mut transit: Vec<_> = self.transit.iter().collect();
        transit.sort_unstable_by_key(|e| e.0);
        number(&mut to, transit.len() as u32);
        for (lane, c) in transit {
            lane.iter().for_each(|id| number(&mut to, *id));
            counts(&mut to, c);
        }
        to
    }

    /// Reads what [`bytes`](Lanes::bytes) wrote.
    pub fn read(bytes: &[u8]) -> Result<Lanes, Unreadable> {
        let mut from = Bytes(bytes);
        if from.take(4)? != MAGIC {
            return Err(Unreadable);
        }
        let half_life = f32::from_bits(from.number()?);
        if !(1.0..=1e6).contains(&half_life) {
            return Err(Unreadable);
        }
        let mut lanes = Lanes::new(f64::from(half_life));
        for id in 0..from.number()? {
            let length = from.number()? as usize;
            let name = core::str::from_utf8(from.take(length)?).map_err(|_| Unreadable)?;
            if lanes.id(name) != id {
                return Err(Unreadable);
            }
        }
        let known = lanes.names.len() as u32;
        let id = |from: &mut Bytes| from.number().and_then(|id| if id < known { Ok(id) } else { Err(Unreadable) });
        for _ in 0..from.number()? {
            let origin = id(&mut from)?;
            lanes.handling.insert(origin, from.counts()?);
        }
        for _ in 0..from.number()? {
            let lane = [id(&mut from)?, id(&mut from)?, id(&mut from)?];
            lanes.transit.insert(lane, from.counts()?);
        }
        if from.0.is_empty() { Ok(lanes) } else { Err(Unreadable) }
    }
}

/// Bytes that are left to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(Unreadable)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, Unreadable> {
        Ok(u32::from_le_bytes(self.take(4)?.try_into().map_err(|_| Unreadable)?))
    }

    fn counts(&mut self) -> Result<Counts, Unreadable> {
        let day = self.number()?.cast_signed();
        let parcels = u64::from_le_bytes(self.take(8)?.try_into().map_err(|_| Unreadable)?);
        let length = self.number()? as usize;
        if length > LONGEST {
            return Err(Unreadable);
        }
        let by: Vec<f32> = (0..length).map(|_| self.number().map(f32::from_bits)).collect::<Result<_, _>>()?;
        if by.iter().any(|w| !w.is_finite() || *w < 0.0) {
            return Err(Unreadable);
        }
        Ok(Counts { day, parcels, by })
    }
}

#[cfg(test)]
mod tests;
