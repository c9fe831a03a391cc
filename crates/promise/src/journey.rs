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

/// Pieces of one line of the cart that travel together.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'a> {
    /// Index of the request's line.
    pub line: u16,
    pub sku: &'a str,
    /// What the document says about the SKU, if it says anything.
    pub item: Option<&'a Item>,
    pub quantity: u32,
    pub stock: Stock,
}

/// All pieces of these lines.
pub(crate) fn pieces<'a>(document: &'a Document, lines: &'a [Line], stock: Stock) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    for (n, l) in lines.iter().enumerate() {
        let item = document.items.iter().find(|i| i.sku == l.sku);
        pieces.push(Piece { line: n as u16, sku: &l.sku, item, quantity: l.quantity, stock });
    }
    pieces
}

/// Where pieces come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stock {
    /// As much as the origin has of all pieces of the SKU decides.
    Judged,
    /// On hand: set aside, or counted already.
    OnHand,
    /// Beyond what is on hand.
    Beyond,
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
    /// The longest wait for pieces beyond the stock, and the longest lead time, of the items.
    pub back_order: Vec<u32>,
    pub lead: Vec<u32>,
    /// Packed on, and collected by the carrier on.
    pub ready: Spread,
    pub days: Spread,
    /// Indices of the delays that bear on it.
    pub delays: Vec<usize>,
}

impl Dispatch {
    /// Something of it is not there yet.
    pub fn waits(&self) -> bool {
        self.available.is_some() || !self.back_order.is_empty()
    }
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

/// When these pieces leave the origin, ordered at `at`. `None`: the origin never works.
pub(crate) fn dispatch(document: &Document, index: usize, pieces: &[Piece], at: Instant) -> Option<Dispatch> {
    let origin = document.origins.get(index)?;
    let calendar = Calendar::of_origin(document, origin);
    let (ordered, second) = at.local(Document::offset(origin, at));
    let today = cutoff(document, origin, ordered);
    let in_time = today.is_some_and(|minutes| i64::from(second) < i64::from(minutes) * 60);
    let start = if in_time { ordered } else { calendar.after(ordered)? };
    let mut available = None;
    let (mut lead, mut back_order): (&[u32], &[u32]) = (&[], &[]);
    for piece in pieces {
        let Some(item) = piece.item else { continue };
        let beyond = beyond(item, index, piece, pieces);
        // Without a word about stock, the day is that of a release.
        if beyond || item.stock.is_none() {
            available = available.max(item.available_from);
        }
        if beyond && item.available_from.is_none() {
            longer(&mut back_order, &item.back_order);
        }
        longer(&mut lead, &item.lead);
    }
    let available = available.filter(|day| *day > start);
    let mut days = Spread::on(start);
    if let Some(day) = available {
        days = days.at_least(day);
    }
    for weights in [back_order, lead, &origin.handling] {
        days = days.plus(weights, &calendar)?;
    }
    let mut bearing = Vec::new();
    for (n, delay) in document.delays.iter().enumerate() {
        if at_origin(delay)
            && delay_names_origin(delay, index)
            && names_items(delay, pieces)
            && let Some(later) = delayed(&days, origin_days(origin, delay), &delay.effect, &calendar)
        {
            if shows(&days, &later) {
                bearing.push(n);
            }
            days = later;
        }
    }
    Some(Dispatch {
        ordered,
        start,
        missed: today.is_some() && !in_time,
        available,
        back_order: back_order.to_vec(),
        lead: lead.to_vec(),
        days: days.moved_to(&Calendar::of_pickup(document, origin))?,
        ready: days,
        delays: bearing,
    })
}

/// Keeps the weights that mean more days.
fn longer<'a>(kept: &mut &'a [u32], other: &'a [u32]) {
    if mean(other) > mean(kept) {
        *kept = other;
    }
}

/// Does a delay move what is shown? Where it does not, nobody is bothered with it.
fn shows(before: &Spread, after: &Spread) -> bool {
    let moved = |p| before.quantile(p) != after.quantile(p);
    moved(5) || moved(50) || moved(95)
}

/// Is a piece beyond what the origin has on hand, all pieces of its SKU counted?
fn beyond(item: &Item, origin: usize, piece: &Piece, among: &[Piece]) -> bool {
    match piece.stock {
        Stock::OnHand => false,
        Stock::Beyond => true,
        Stock::Judged => {
            let wanted = among.iter().filter(|p| p.sku == piece.sku).fold(0, |sum: u32, p| sum.saturating_add(p.quantity));
            on_hand(item, origin) < wanted
        }
    }
}

/// How many of the item an origin has.
pub(crate) fn on_hand(item: &Item, origin: usize) -> u32 {
    let Some(stock) = &item.stock else { return u32::MAX };
    stock.iter().find(|(o, _)| *o as usize == origin).map_or(0, |(_, n)| *n)
}

/// Has the origin these pieces, or will it get them?
pub(crate) fn holds(origin: usize, pieces: &[Piece]) -> bool {
    pieces.iter().all(|piece| {
        piece.item.is_none_or(|item| {
            names(&item.origins, origin)
                && (item.available_from.is_some() || !item.back_order.is_empty() || !beyond(item, origin, piece, pieces))
        })
    })
}

/// The transit weights of a lane: the entry that names most of origin, service and zone.
pub(crate) fn transit(document: &Document, lane: Lane) -> Option<&[u32]> {
    let fits = |named: i32, index: usize| named < 0 || named as usize == index;
    let mut best: Option<(u8, &[u32])> = None;
    for t in &document.transit {
        if fits(t.origin, lane.origin) && fits(t.service, lane.service) && fits(t.zone, lane.zone) {
            let named = u8::from(t.origin >= 0) + u8::from(t.service >= 0) + u8::from(t.zone >= 0);
            // The first of the most specific.
            if best.is_none_or(|b| named > b.0) {
                best = Some((named, &t.days));
            }
        }
    }
    best.map(|b| b.1)
}

/// The days of arrival, dispatched on `days`; with the delays that bear on the way.
pub(crate) fn arrival(
    document: &Document,
    lane: Lane,
    to: &Destination,
    pieces: &[Piece],
    days: &Spread,
) -> Option<(Spread, Vec<usize>)> {
    let weights = transit(document, lane)?;
    let calendar = Calendar::of_service(document, document.services.get(lane.service)?);
    let origin = document.origins.get(lane.origin)?;
    let mut sum = days.plus(weights, &calendar)?;
    let mut bearing = Vec::new();
    // Once a delay bears on them: a row for each day of dispatch; and the service's working days, each looked up once.
    let mut rows: Vec<Row> = Vec::new();
    let mut worked: Vec<Day> = Vec::new();
    for (n, delay) in document.delays.iter().enumerate() {
        if at_origin(delay) || !names_lane(document, delay, lane, to) || !names_items(delay, pieces) {
            continue;
        }
        let (from, until) = origin_days(origin, delay);
        if until.is_some_and(|u| days.0.iter().all(|d| d.0 > u)) || sum.0.iter().all(|d| d.0 < from) {
            continue;
        }
        if rows.is_empty() {
            let first = days.0.first()?.0;
            worked.push(calendar.at_or_after(first)?);
            let weights = if weights.is_empty() { &[1] } else { weights };
            // Where a delay is still to begin, a parcel may arrive before: then each step of transit has a row of its own.
            let begun = document.delays.iter().all(|d| origin_days(origin, d).0 <= first);
            for (dispatched, weight) in &days.0 {
                while worked.last()? < dispatched {
                    worked.push(calendar.after(*worked.last()?)?);
                }
                let at = worked.partition_point(|d| d < dispatched);
                for (step, weights) in weights.chunks(if begun { weights.len() } else { 1 }).enumerate() {
                    rows.push(Row { dispatched: *dispatched, at, first: at + step, late: Vec::from([weight << 10]), weights });
                }
            }
        }
        let furthest = rows.iter().fold(0, |last, r| last.max(r.first + r.late.len() + r.weights.len())) + delay.effect.len();
        while worked.len() < furthest {
            worked.push(calendar.after(*worked.last()?)?);
        }
        // What is on its way while the delay holds comes later by the delay's effect, but no later than what leaves when all is over, so
        // that to order later never means to get it earlier.
        let over = until.map_or(usize::MAX, |u| worked.partition_point(|d| *d <= u));
        // Shares of one, as parts of 2^14: what was possible stays possible.
        let total = total(&delay.effect).max(1);
        let mut shares: Vec<u64> = Vec::new();
        for e in &delay.effect {
            shares.push((u64::from(*e) << 14).div_ceil(total));
        }
        let unchanged = [1 << 14];
        let mut total: u64 = 0;
        for row in &mut rows {
            let gone = shares.is_empty() || until.is_some_and(|u| row.dispatched > u);
            let mut later: Vec<u64> = alloc::vec![0; row.late.len() + shares.len()];
            for (late, weight) in row.late.iter().enumerate() {
                let spared = gone || worked[row.first + late] < from;
                let latest = over.saturating_sub(row.at).max(late);
                for (extra, share) in if spared { unchanged.as_slice() } else { &shares }.iter().enumerate() {
                    let weight = weight.wrapping_mul(*share) >> 4;
                    later[(late + extra).min(latest)] += weight;
                    total = total.saturating_add(weight);
                }
            }
            row.late = later;
        }
        // Weights stay far below what a number holds, also after many delays.
        let shift = (64 - total.leading_zeros()).saturating_sub(34);
        let mut sums: Vec<u64> = alloc::vec![0; worked.len()];
        for row in &mut rows {
            for (late, weight) in row.late.iter_mut().enumerate() {
                if *weight > 0 {
                    *weight = (*weight >> shift).max(1);
                    for (step, w) in row.weights.iter().enumerate() {
                        let sum = &mut sums[row.first + late + step];
                        *sum = sum.saturating_add(weight.wrapping_mul(u64::from(*w)));
                    }
                }
            }
        }
        let moved = Spread::of(&worked, &sums);
        if shows(&sum, &moved) {
            bearing.push(n);
        }
        sum = moved;
    }
    Some((sum, bearing))
}

/// Parcels dispatched on a day: the weights of 0, 1, 2 … days of delay; and those of transit, from a working day on. Working days by their index.
struct Row<'a> {
    dispatched: Day,
    at: usize,
    first: usize,
    late: Vec<u64>,
    weights: &'a [u32],
}

/// Keeps the parts of a weight that a delay's effect divides it into from rounding to nothing.
const SHARE: u64 = 1 << 10;

/// Moves the days within a delay's period on by its effect, but not past the period's end. `None`: nothing is moved.
fn delayed(days: &Spread, (from, until): (Day, Option<Day>), effect: &[u32], calendar: &Calendar) -> Option<Spread> {
    let total = total(effect).max(1);
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
            later.add(moved, (weight * SHARE).wrapping_mul(u64::from(*e)) / total);
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

/// Without names, all are meant.
#[inline(never)]
pub(crate) fn names(list: &[u32], index: usize) -> bool {
    list.is_empty() || list.iter().any(|n| *n as usize == index)
}

fn delay_names_origin(delay: &Delay, origin: usize) -> bool {
    names(&delay.origins, origin)
}

fn names_items(delay: &Delay, pieces: &[Piece]) -> bool {
    delay.skus.is_empty() || pieces.iter().any(|p| delay.skus.iter().any(|sku| sku == p.sku))
}

fn names_lane(document: &Document, delay: &Delay, lane: Lane, to: &Destination) -> bool {
    let carrier = document.services.get(lane.service).map_or("", |s| s.carrier.as_str());
    delay_names_origin(delay, lane.origin)
        && names(&delay.zones, lane.zone)
        && names(&delay.services, lane.service)
        && (delay.carriers.is_empty() || delay.carriers.iter().any(|c| c == carrier))
        && (delay.places.is_empty() || place::surely(&delay.places, to))
}

fn total(weights: &[u32]) -> u64 {
    weights.iter().fold(0, |sum, w| sum + u64::from(*w))
}

/// The weights' mean in thousandths of a day.
fn mean(weights: &[u32]) -> u64 {
    let total = total(weights);
    let mut sum = 0;
    for (n, w) in weights.iter().enumerate() {
        sum += n as u64 * u64::from(*w);
    }
    sum * 1000 / total.max(1)
}

/// Number of days at both ends of what is likely (5 % to 95 %).
pub(crate) fn likely(weights: &[u32]) -> (u16, u16) {
    let total = total(weights);
    let (mut sum, mut first, mut last) = (0, None, None);
    for (n, w) in weights.iter().enumerate() {
        sum += u64::from(*w);
        if sum > 0 && sum * 100 >= total * 5 {
            first = first.or(Some(n as u16));
        }
        if sum > 0 && sum * 100 >= total * 95 {
            last = last.or(Some(n as u16));
        }
    }
    (first.unwrap_or(0), last.unwrap_or(0))
}
