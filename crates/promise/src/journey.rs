//! From an order's moment to the day of arrival: handling at the origin, dispatch, transit, known delays.
//!
//! Each step is a distribution over civil days, combined exactly through the calendars of the origin and the service.

use alloc::vec::Vec;

use crate::{
    calendar::Calendar,
    document::{Delay, Document, Item, Origin},
    estimate::{Destination, Line},
    place,
    spread::Spread,
    time::{Day, Instant},
};

/// Origin, service and zone, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    pub origin: usize,
    pub service: usize,
    pub zone: usize,
}

/// When an order's items leave an origin.
pub(crate) struct Dispatch {
    /// The civil day of the order at the origin, and the working day on which handling can start.
    pub ordered: Day,
    pub start: Day,
    /// The order came after the cut-off of a working day.
    pub missed: bool,
    /// The items are there from this day.
    pub available: Option<Day>,
    /// The longest lead time of the items.
    pub lead: Vec<u32>,
    pub days: Spread,
    /// Indices of the delays that bear on it.
    pub delays: Vec<usize>,
}

/// The cut-off of a day at an origin, in minutes; `None`: not worked.
fn cutoff(document: &Document, origin: &Origin, day: Day) -> Option<i32> {
    if !Calendar::of_origin(document, origin).works(day) {
        return None;
    }
    let own = origin.half_days.iter().find(|h| h.0 == day).map(|h| h.1);
    own.or_else(|| origin.cutoffs.get(usize::from(day.weekday())).copied()).filter(|c| *c >= 0)
}

/// The next cut-off after `now` at an origin.
pub(crate) fn next_cutoff(document: &Document, origin: &Origin, now: Instant) -> Option<Instant> {
    let (today, _) = now.local(Document::offset(origin, now));
    let calendar = Calendar::of_origin(document, origin);
    let mut day = calendar.at_or_after(today)?;
    for _ in 0..3 {
        if let Some(minutes) = cutoff(document, origin, day) {
            let local = i64::from(day.0) * 86_400 + i64::from(minutes) * 60;
            // The offset that holds at that local time: guess with now's, correct once.
            let guess = Instant(local - i64::from(Document::offset(origin, now)) * 60);
            let at = Instant(local - i64::from(Document::offset(origin, guess)) * 60);
            if at > now {
                return Some(at);
            }
        }
        day = calendar.after(day)?;
    }
    None
}

pub(crate) fn item<'a>(document: &'a Document, sku: &str) -> Option<&'a Item> {
    document.items.iter().find(|i| i.sku == sku)
}

/// When these lines leave the origin, ordered at `at`. `None`: the origin never works.
pub(crate) fn dispatch(document: &Document, index: usize, lines: &[&Line], at: Instant) -> Option<Dispatch> {
    let origin = document.origins.get(index)?;
    let calendar = Calendar::of_origin(document, origin);
    let (ordered, second) = at.local(Document::offset(origin, at));
    let today = cutoff(document, origin, ordered);
    let in_time = today.is_some_and(|minutes| i64::from(second) < i64::from(minutes) * 60);
    let start = if in_time { ordered } else { calendar.after(ordered)? };
    let mut available = None;
    let mut lead: &[u32] = &[];
    for line in lines {
        let Some(item) = item(document, &line.sku) else { continue };
        if !in_stock(item, index, line.quantity) || item.stock.is_none() {
            available = available.max(item.available_from);
        }
        if mean(&item.lead) > mean(lead) {
            lead = &item.lead;
        }
    }
    let available = available.filter(|day| *day > start);
    let mut days = Spread::on(start);
    if let Some(day) = available {
        days = days.at_least(day);
    }
    days = days.plus(lead, &calendar)?.plus(&origin.handling, &calendar)?;
    let mut bearing = Vec::new();
    for (n, delay) in document.delays.iter().enumerate() {
        if at_origin(delay)
            && delay_names_origin(delay, index)
            && names_items(delay, lines)
            && let Some(later) = delayed(&days, origin_days(origin, delay), &delay.effect, &calendar)
        {
            bearing.push(n);
            days = later;
        }
    }
    days = days.moved_to(&Calendar::of_pickup(document, origin))?;
    Some(Dispatch { ordered, start, missed: today.is_some() && !in_time, available, lead: lead.to_vec(), days, delays: bearing })
}

/// Has the origin this many of the item?
pub(crate) fn in_stock(item: &Item, origin: usize, quantity: u32) -> bool {
    item.stock.as_ref().is_none_or(|stock| stock.iter().any(|(o, n)| *o as usize == origin && *n >= quantity))
}

/// The transit weights of a lane: the entry that names most of origin, service and zone.
pub(crate) fn transit(document: &Document, lane: Lane) -> Option<&[u32]> {
    let fits = |named: i32, index: usize| named < 0 || named as usize == index;
    document
        .transit
        .iter()
        .filter(|t| fits(t.origin, lane.origin) && fits(t.service, lane.service) && fits(t.zone, lane.zone))
        // The first of the most specific: max_by_key takes the last, hence the reversal.
        .rev()
        .max_by_key(|t| [t.origin, t.service, t.zone].iter().filter(|n| **n >= 0).count())
        .map(|t| t.days.as_slice())
}

/// The days of arrival, dispatched on `days`; with the delays that bear on the way.
pub(crate) fn arrival(
    document: &Document,
    lane: Lane,
    to: &Destination,
    lines: &[&Line],
    days: &Spread,
) -> Option<(Spread, Vec<usize>)> {
    let weights = transit(document, lane)?;
    let calendar = Calendar::of_service(document, document.services.get(lane.service)?);
    let mut sum = days.plus(weights, &calendar)?;
    let mut bearing = Vec::new();
    for (n, delay) in document.delays.iter().enumerate() {
        if at_origin(delay) || !names_lane(document, delay, lane, to) || !names_items(delay, lines) {
            continue;
        }
        let origin = document.origins.get(lane.origin)?;
        let (from, until) = origin_days(origin, delay);
        // Day by day of dispatch: a parcel on its way while the delay holds comes later by the delay's effect, but no later than one
        // that leaves when all is over, so that to order later never means to get it earlier.
        let mut later = Spread::default();
        for (day, weight) in &days.0 {
            let single = Spread(Vec::from([(*day, *weight)]));
            let undelayed = single.plus(weights, &calendar)?;
            let after =
                until.map(|u| Spread(Vec::from([((*day).max(Day(u.0 + 1)), *weight)])).plus(weights, &calendar)).unwrap_or(None);
            for (k, (arrives, w)) in undelayed.0.iter().enumerate() {
                if *arrives < from || until.is_some_and(|u| *day > u) {
                    later.add(*arrives, w * SHARE);
                    continue;
                }
                let cap = after.as_ref().and_then(|a| a.0.get(k)).map(|e| e.0);
                let total: u64 = delay.effect.iter().map(|e| u64::from(*e)).sum::<u64>().max(1);
                for (extra, e) in delay.effect.iter().enumerate() {
                    let moved = calendar.step(*arrives, extra)?;
                    let moved = cap.map_or(moved, |c| moved.min(c)).max(*arrives);
                    later.add(moved, w * SHARE * u64::from(*e) / total);
                }
            }
        }
        let later = later.scaled();
        if later.quantile(50) != sum.quantile(50) || later.quantile(95) != sum.quantile(95) {
            bearing.push(n);
            sum = later;
        }
    }
    Some((sum, bearing))
}

/// Keeps the parts of a weight that a delay's effect divides it into from rounding to nothing.
const SHARE: u64 = 1 << 10;

/// Moves the days within a delay's period on by its effect, but not past the period's end. `None`: nothing is moved.
fn delayed(days: &Spread, (from, until): (Day, Option<Day>), effect: &[u32], calendar: &Calendar) -> Option<Spread> {
    let total: u64 = effect.iter().map(|e| u64::from(*e)).sum::<u64>().max(1);
    let mut moved_any = false;
    let mut later = Spread::default();
    for (day, weight) in &days.0 {
        if *day < from || until.is_some_and(|u| *day > u) || effect.is_empty() {
            later.add(*day, weight * SHARE);
            continue;
        }
        let cap = until.and_then(|u| calendar.at_or_after(Day(u.0 + 1)));
        for (extra, e) in effect.iter().enumerate() {
            let moved = calendar.step(*day, extra)?;
            let moved = cap.map_or(moved, |c| moved.min(c)).max(*day);
            moved_any |= moved > *day;
            later.add(moved, weight * SHARE * u64::from(*e) / total);
        }
    }
    moved_any.then(|| later.scaled())
}

/// A delay's period in the origin's civil days.
fn origin_days(origin: &Origin, delay: &Delay) -> (Day, Option<Day>) {
    let day = |at: Instant| at.local(Document::offset(origin, at)).0;
    (day(delay.from), delay.until.map(day))
}

/// Without a word about the way, a delay happens at the origin.
fn at_origin(delay: &Delay) -> bool {
    delay.zones.is_empty() && delay.services.is_empty() && delay.carriers.is_empty() && delay.places.is_empty()
}

fn delay_names_origin(delay: &Delay, origin: usize) -> bool {
    delay.origins.is_empty() || delay.origins.iter().any(|o| *o as usize == origin)
}

fn names_items(delay: &Delay, lines: &[&Line]) -> bool {
    delay.skus.is_empty() || lines.iter().any(|l| delay.skus.contains(&l.sku))
}

fn names_lane(document: &Document, delay: &Delay, lane: Lane, to: &Destination) -> bool {
    let carrier = document.services.get(lane.service).map_or("", |s| s.carrier.as_str());
    delay_names_origin(delay, lane.origin)
        && (delay.zones.is_empty() || delay.zones.iter().any(|z| *z as usize == lane.zone))
        && (delay.services.is_empty() || delay.services.iter().any(|s| *s as usize == lane.service))
        && (delay.carriers.is_empty() || delay.carriers.iter().any(|c| c == carrier))
        && (delay.places.is_empty() || delay.places.iter().any(|p| place::matches(p, to) == place::Match::Yes))
}

/// The weights' mean in thousandths of a day.
fn mean(weights: &[u32]) -> u64 {
    let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
    let sum: u64 = weights.iter().enumerate().map(|(n, w)| n as u64 * u64::from(*w)).sum();
    sum * 1000 / total.max(1)
}

/// Number of days at both ends of what is likely (5 % to 95 %).
pub(crate) fn likely(weights: &[u32]) -> (u16, u16) {
    let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
    let at = |percent: u64| {
        let mut sum = 0;
        weights
            .iter()
            .position(|w| {
                sum += u64::from(*w);
                sum * 100 >= total * percent && sum > 0
            })
            .unwrap_or(0) as u16
    };
    (at(5), at(95))
}
