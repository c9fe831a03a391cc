//! Whether a parcel that is not there still turns up: when something else is offered follows from that, not from a number of days.
//!
//! A parcel that has not come is late or lost. How late parcels of its lane get is known (the same distribution that made the promise,
//! with a tail beyond it); how many are lost, the store's own record says. Silence counts too: who moves is scanned. Bayes' rule
//! puts the three together, day by day.

use serde::{Deserialize, Serialize};

use crate::{
    calendar::Calendar,
    document::{Document, Service},
    journey::{self, Stock},
    place,
    remaining::{Progress, lane},
    spread::Spread,
    time::{Day, Instant},
};

/// What a store has seen: parcels that never came, of all that went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Those that never came.
    pub lost: u32,
    /// All that went.
    pub parcels: u32,
}

/// How parcels that were not there although they had been delivered turned up: `found[n]` after `n` working days, `never`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Searches {
    /// After so many working days.
    pub found: [u32; 8],
    /// Those that never did.
    pub never: u32,
}

/// The answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnUp {
    /// Chance, per mille, that it still comes.
    pub chance: u16,
    /// The first day on which, nothing being heard until then, the chance is below what was called enough.
    pub until: Day,
}

/// Before a store has a record of its own: one parcel in 200 never comes.
const USUALLY_LOST: (u64, u64) = (1, 200);
/// One parcel in this many comes later than any that the lane knows of.
const LATER_THAN_KNOWN: u64 = 50;
/// Before a store has a record of its own: as many as these are found after 0, 1, 2 … working days (scanned too early, with a neighbour, in
/// another place), for ten that are not.
const USUALLY_FOUND: [u32; 8] = [8, 6, 3, 2, 1, 0, 0, 0];
const USUALLY_NOT: u32 = 10;
/// Days that are looked ahead.
const AHEAD: i32 = 120;
const ONE: u64 = 1 << 20;

/// For a parcel that is not delivered. `enough`: per mille, the least chance worth waiting for.
///
/// ```
/// use promise::{Instant, Progress, estimate::Destination, turn_up, turn_up::Losses};
/// # let policy: promise::policy::Policy = serde_json::from_str(r#"{
/// #     "currency": "USD", "confidence": 90,
/// #     "origins": [{"id": "memphis", "time_zone": "America/Chicago", "holidays": ["US"], "handling": {"min": 0, "max": 0},
/// #         "cutoffs": {"mon": "14:00", "tue": "14:00", "wed": "14:00", "thu": "14:00", "fri": "14:00"}}],
/// #     "services": [{"id": "ground", "carrier": "ups", "holidays": ["US"]}],
/// #     "zones": [{"id": "us", "places": [{"country": "US"}]}],
/// #     "transit": [{"days": {"weights": [0, 0, 1, 1]}}],
/// #     "methods": [{"id": "standard", "services": ["ground"]}]
/// # }"#).unwrap();
/// let at = |text| Instant::parse(text).unwrap();
/// let document = policy.document(at("2026-11-30T15:00:00Z"));
/// let progress = Progress {
///     destination: Destination { country: "US".into(), postal_code: "94103".into(), ..Destination::default() },
///     method: "standard".into(),
///     placed_at: at("2026-11-30T15:00:00Z"),
///     shipped_at: Some(at("2026-11-30T22:00:00Z")),
///     last_scan_at: Some(at("2026-12-01T10:00:00Z")),
///     status: "in_transit".into(),
///     ..Progress::default()
/// };
/// let chance = |now| turn_up(&document, &progress, Losses { lost: 3, parcels: 1_000 }, 500, at(now)).chance;
/// assert!(chance("2026-12-02T15:00:00Z") > 950, "it is on its way");
/// assert!(chance("2027-01-15T15:00:00Z") < 500, "six weeks late and silent");
/// ```
pub fn turn_up(document: &Document, progress: &Progress, losses: Losses, enough: u16, now: Instant) -> TurnUp {
    let lines = journey::pieces(document, &progress.items, Stock::OnHand);
    let zone = place::zones(document, &progress.destination);
    let zone = zone.into_iter().find(|z| !document.zones.get(*z).is_some_and(|z| z.excluded)).unwrap_or(0);
    let lane = lane(document, progress, zone);
    let offset = document.origins.get(lane.origin).map_or(0, |o| Document::offset(o, now));
    let today = now.local(offset).0;
    let every_day = Service { days: 0x7f, closed: u32::MAX, ..Service::default() };
    let calendar = Calendar::of_service(document, document.services.get(lane.service).unwrap_or(&every_day));
    let usual = journey::transit(document, lane).map_or((1, 5), journey::likely);
    let departure = match progress.shipped_at {
        Some(at) => Some(Spread::on(at.local(offset).0)),
        None => journey::dispatch(document, lane.origin, &lines, progress.placed_at).map(|d| d.days),
    };
    let arrival = departure
        .as_ref()
        .and_then(|days| journey::arrival(document, lane, &progress.destination, &lines, days))
        .map_or_else(|| Spread::on(today), |found| found.0);
    // Working days in which half of what is left comes, and after which a parcel that moves has mostly been scanned again.
    let half = u64::from(usual.1).div_ceil(3).max(1);
    let heard = progress.last_scan_at.or(progress.shipped_at).map(|at| at.local(offset).0);
    let before = heard.map_or(ONE, |day| survival(&arrival, day, half, &calendar)).max(1);
    let lost = (u64::from(losses.lost) + USUALLY_LOST.0) * ONE / (u64::from(losses.parcels) + USUALLY_LOST.1);
    let chance = |day: Day| {
        let silence = heard.map_or(0, |heard| worked(&calendar, heard, day).saturating_sub(1));
        let not_yet = survival(&arrival, day, half, &calendar).min(before) * ONE / before;
        let alive = (not_yet * halved(silence, half) / ONE).max(1) * (ONE - lost.min(ONE)) / ONE;
        (alive * 1000 / (alive + lost)) as u16
    };
    answer(today, enough, &calendar, chance)
}

/// For a parcel that is not there although its carrier says that it was delivered, on `delivered`.
pub fn turn_up_delivered(
    document: &Document,
    progress: &Progress,
    delivered: Instant,
    searches: &Searches,
    enough: u16,
    now: Instant,
) -> TurnUp {
    let lane = lane(document, progress, place::zones(document, &progress.destination).first().copied().unwrap_or(0));
    let offset = document.origins.get(lane.origin).map_or(0, |o| Document::offset(o, now));
    let every_day = Service { days: 0x7f, closed: u32::MAX, ..Service::default() };
    let calendar = Calendar::of_service(document, document.services.get(lane.service).unwrap_or(&every_day));
    let since = delivered.local(offset).0;
    let never = u64::from(searches.never + USUALLY_NOT);
    let chance = |day: Day| {
        let n = worked(&calendar, since, day) as usize;
        let found = searches.found.iter().zip(USUALLY_FOUND).skip(n).map(|(own, usual)| u64::from(own + usual));
        let found: u64 = found.sum();
        (found * 1000 / (found + never)) as u16
    };
    answer(now.local(offset).0, enough, &calendar, chance)
}

fn answer(today: Day, enough: u16, calendar: &Calendar, chance: impl Fn(Day) -> u16) -> TurnUp {
    let until = (today.0..today.0 + AHEAD).map(Day).find(|day| chance(*day) < enough).unwrap_or(Day(today.0 + AHEAD));
    // Nothing is heard on a day that is not worked.
    TurnUp { chance: chance(today), until: if until > today { calendar.at_or_after(until).unwrap_or(until) } else { until } }
}

/// Share, of [`ONE`], of the parcels that do come which come after `day`.
fn survival(arrival: &Spread, day: Day, half: u64, calendar: &Calendar) -> u64 {
    let total = arrival.total().max(1);
    let tail = total / LATER_THAN_KNOWN;
    let left: u64 = arrival.0.iter().filter(|e| e.0 > day).map(|e| e.1).sum();
    let beyond = arrival.0.last().map_or(0, |last| if day > last.0 { worked(calendar, last.0, day) } else { 0 });
    // In thousandths first, so that the products fit.
    let share = |n: u64| n / 64 * ONE / ((total + tail) / 64).max(1);
    share(left) + share(tail) * halved(beyond, half) / ONE
}

/// [`ONE`], halved every `half` steps.
fn halved(steps: u64, half: u64) -> u64 {
    let (times, rest) = (steps / half, steps % half);
    (ONE >> times.min(40)) * (2 * half - rest) / (2 * half)
}

/// Working days after `from`, up to `to`.
fn worked(calendar: &Calendar, from: Day, to: Day) -> u64 {
    ((from.0 + 1)..=to.0.min(from.0 + 400)).filter(|d| calendar.works(Day(*d))).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Origin, Transit, Zone};

    /// One origin, one service from Monday to Friday, transit by the weights given.
    fn document(weights: &[u32]) -> Document {
        Document {
            origins: vec![Origin { id: "o".into(), cutoffs: vec![720, 720, 720, 720, 720, -1, -1], ..Origin::default() }],
            services: vec![Service { id: "s".into(), carrier: "ups".into(), days: 0x1f, closed: u32::MAX, ..Service::default() }],
            zones: vec![Zone { id: "z".into(), places: Vec::new(), ..Zone::default() }],
            transit: vec![Transit { origin: -1, service: -1, zone: -1, days: weights.to_vec() }],
            ..Document::default()
        }
    }

    const DAY: i64 = 86_400;
    /// Monday, 2026-11-02, noon.
    const MONDAY: i64 = 1_793_620_800;

    fn progress(shipped: i64, scanned: i64) -> Progress {
        Progress {
            carrier: "ups".into(),
            status: "in_transit".into(),
            placed_at: Instant(shipped - DAY),
            shipped_at: Some(Instant(shipped)),
            last_scan_at: Some(Instant(scanned)),
            ..Progress::default()
        }
    }

    fn asked(weights: &[u32], scanned: i64, now: i64) -> TurnUp {
        turn_up(&document(weights), &progress(MONDAY, scanned), Losses::default(), 500, Instant(now))
    }

    #[test]
    fn the_chance_falls_while_nothing_is_heard_and_rises_with_a_scan() {
        let days: Vec<u16> = (0..30).map(|n| asked(&[0, 0, 1, 2, 1], MONDAY, MONDAY + n * DAY).chance).collect();
        assert!(days.windows(2).all(|d| d[0] >= d[1]), "{days:?}");
        assert!(days[0] > 980 && days[29] < 100, "{days:?}");
        let (silent, heard) =
            (asked(&[0, 0, 1, 2, 1], MONDAY, MONDAY + 9 * DAY), asked(&[0, 0, 1, 2, 1], MONDAY + 8 * DAY, MONDAY + 9 * DAY));
        assert!(heard.chance > silent.chance && heard.until > silent.until, "{silent:?} {heard:?}");
    }

    #[test]
    fn a_slow_lane_is_waited_for_longer_than_a_fast_one() {
        let fast = asked(&[0, 1, 4, 1], MONDAY, MONDAY);
        let mut slow = vec![0; 8];
        slow.extend([1, 2, 3, 3, 2, 1, 1, 1]);
        let slow = asked(&slow, MONDAY, MONDAY);
        assert!(slow.until.0 > fast.until.0 + 7, "{fast:?} {slow:?}");
        // The same at every moment before: nothing heard, nothing changed.
        assert_eq!(asked(&[0, 1, 4, 1], MONDAY, MONDAY + 2 * DAY).until, fast.until);
    }

    #[test]
    fn the_day_is_a_working_day_and_no_chance_is_called_enough_after_it() {
        let found = asked(&[0, 1, 4, 1], MONDAY, MONDAY);
        assert!(found.until.weekday() < 5);
        let on = asked(&[0, 1, 4, 1], MONDAY, i64::from(found.until.0) * DAY + DAY / 2);
        let eve = asked(&[0, 1, 4, 1], MONDAY, i64::from(found.until.0 - 3) * DAY + DAY / 2);
        assert!(on.chance < 500 && eve.chance >= 500, "{on:?} {eve:?}");
    }

    #[test]
    fn a_store_that_loses_many_waits_less() {
        let ask = |losses| turn_up(&document(&[0, 1, 4, 1]), &progress(MONDAY, MONDAY), losses, 500, Instant(MONDAY));
        let (few, many) = (ask(Losses { lost: 1, parcels: 10_000 }), ask(Losses { lost: 800, parcels: 10_000 }));
        assert!(many.until < few.until, "{few:?} {many:?}");
        // Odd records break nothing.
        assert!(ask(Losses { lost: u32::MAX, parcels: 0 }).chance <= 1);
    }

    #[test]
    fn delivered_and_not_there_is_mostly_found_within_days() {
        let ask = |now: i64, searches: &Searches| {
            turn_up_delivered(&document(&[0, 1]), &progress(MONDAY, MONDAY), Instant(MONDAY), searches, 500, Instant(now))
        };
        let none = Searches::default();
        let first = ask(MONDAY, &none);
        assert!(first.chance > 600, "{first:?}");
        assert_eq!(first.until, Day((MONDAY / DAY) as i32 + 2));
        assert!(ask(MONDAY + 8 * DAY, &none).chance < 100);
        // A weekend is not waiting.
        let friday = MONDAY + 4 * DAY;
        let over = turn_up_delivered(&document(&[0, 1]), &progress(MONDAY, MONDAY), Instant(friday), &none, 500, Instant(friday));
        assert_eq!(over.until.weekday(), 1);
        let never = Searches { never: 500, ..Searches::default() };
        assert_eq!(ask(MONDAY, &never).until, Day((MONDAY / DAY) as i32));
    }

    #[test]
    fn an_empty_document_answers() {
        let found = turn_up(&Document::default(), &Progress::default(), Losses::default(), 500, Instant(MONDAY));
        assert!(found.chance <= 1000);
    }
}
