//! After the purchase: what remains, given what has happened.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    calendar::Calendar,
    document::{Document, Service},
    estimate::{self, DelayShown, Destination, Line, Step, Window},
    explain,
    journey::{self, Lane, Stock},
    place,
    spread::Spread,
    time::{Day, Instant},
};

/// What is known of one shipment (or of an order's part that has not shipped).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// What is in it.
    pub items: Vec<Line>,
    /// Where it goes.
    pub destination: Destination,
    /// The shipping method by id; empty: unknown.
    pub method: String,
    /// The service's id; empty: unknown.
    pub service: String,
    /// The carrier's code; empty: unknown.
    pub carrier: String,
    /// The origin's id; empty: unknown.
    pub origin: String,
    /// When it was ordered.
    pub placed_at: Instant,
    /// When the carrier had it in hand.
    pub shipped_at: Option<Instant>,
    /// The last word from the carrier.
    pub last_scan_at: Option<Instant>,
    /// The shipment's status, in the vocabulary of the design: `pending`, `info_received`, `in_transit` …
    pub status: String,
    /// The carrier's own estimate.
    pub carrier_estimate: Option<Day>,
    /// What was promised at the purchase.
    pub promised: Option<Window>,
    /// The promise counted on stock that was still to come. Else what was bought has been set aside: that others buy the rest changes
    /// nothing for this order.
    pub waits: bool,
    /// Working hours within which nearly all scans of this lane follow one another (see `scans`); absent: judged by its transit time.
    pub patience: Option<u32>,
}

/// What remains.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remaining {
    /// Always there until it is delivered, also when it is late.
    pub window: Window,
    /// Chance, per mille, of arriving by the last day promised.
    pub on_time: u16,
    /// The promise will probably be broken (the policy says from which chance on): tell the shopper now.
    pub at_risk: bool,
    /// The day on which that will be so, if nothing happens until then.
    pub warn_on: Option<Day>,
    /// The last day promised has passed.
    pub late: bool,
    /// No scan for longer than usual on this lane.
    pub quiet: bool,
    /// The known delays that bear on it.
    pub delays: Vec<DelayShown>,
    /// Why this date: what led to it, in order.
    pub steps: Vec<Step>,
}

/// From this hour on, nothing more is delivered today.
const LAST_HOUR: u32 = 21;

/// Estimates what remains for a shipment under way, at `now`.
///
/// The distribution of the journey is conditioned on what has happened: a parcel that is not there yet can't arrive in the past,
/// so a late one always has a window ahead.
///
/// ```
/// use promise::{Day, Instant, Progress, estimate::{Destination, Window}, remaining};
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
/// let day = |text| Day::parse(text).unwrap();
/// let document = policy.document(at("2026-11-30T15:00:00Z"));
/// let progress = Progress {
///     destination: Destination { country: "US".into(), postal_code: "94103".into(), ..Destination::default() },
///     method: "standard".into(),
///     placed_at: at("2026-11-30T15:00:00Z"),
///     shipped_at: Some(at("2026-11-30T22:00:00Z")),
///     status: "in_transit".into(),
///     promised: Some(Window { from: day("2026-12-02"), to: day("2026-12-03") }),
///     ..Progress::default()
/// };
/// // On the second day half of such parcels have come; this one has not, and still keeps its promise.
/// let tuesday = remaining(&document, &progress, at("2026-12-01T15:00:00Z"));
/// assert_eq!((tuesday.window.to, tuesday.late), (day("2026-12-03"), false));
/// // Late, it has a window all the same.
/// let friday = remaining(&document, &progress, at("2026-12-04T15:00:00Z"));
/// assert!(friday.late && friday.on_time == 0 && friday.window.from >= day("2026-12-04"));
/// ```
pub fn remaining(document: &Document, progress: &Progress, now: Instant) -> Remaining {
    let stock = if progress.waits { Stock::Judged } else { Stock::OnHand };
    let pieces = journey::pieces(document, &progress.items, stock);
    let zones = place::zones(document, &progress.destination);
    let zone = zones.iter().copied().find(|z| !document.zones.get(*z).is_some_and(|z| z.excluded)).unwrap_or(0);
    let lane = lane(document, progress, zone);
    let origin = document.origins.get(lane.origin);
    let offset = origin.map_or(0, |o| Document::offset(o, now));
    let (today, second) = now.local(offset);
    let service = document.services.get(lane.service);
    let every_day = Service { days: 0x7f, closed: u32::MAX, ..Service::default() };
    let calendar = Calendar::of_service(document, service.unwrap_or(&every_day));
    // The first day on which it can still come.
    let next = if second >= LAST_HOUR * 3600 { Day(today.0 + 1) } else { today };
    let next = calendar.at_or_after(next).unwrap_or(next);

    let mut steps: Vec<Step> = Vec::new();
    let mut step = |kind: &str, day: Option<Day>, days: Option<(u16, u16)>, name: &str| {
        steps.push(Step { kind: kind.into(), day, days, name: name.into() });
    };
    let mut bearing = Vec::new();
    let shipped = progress.shipped_at.map(|at| at.local(offset).0);
    let departure = match shipped {
        Some(day) => {
            step("shipped", Some(day), None, origin.map_or("", |o| o.name.as_str()));
            Some(Spread::on(day))
        }
        None => journey::dispatch(document, lane.origin, &pieces, progress.placed_at).map(|d| {
            step("ordered", Some(d.ordered), None, "");
            if let Some(day) = d.available {
                step("back_in_stock", Some(day), None, "");
            }
            bearing.extend(d.delays);
            // Not gone yet: given that it leaves today or later. Where that was not to be expected, it leaves as if ordered now.
            let still = d.days.given_from(today);
            let leaves = match still.0.is_empty() {
                false => still,
                true => {
                    step("overdue", None, None, origin.map_or("", |o| o.name.as_str()));
                    let again = journey::dispatch(document, lane.origin, &pieces, now);
                    again.map(|d| d.days).unwrap_or_else(|| Spread::on(next))
                }
            };
            step("dispatch", leaves.quantile(50), None, origin.map_or("", |o| o.name.as_str()));
            leaves
        }),
    };
    if let Some(at) = progress.last_scan_at {
        step("last_scan", Some(at.local(offset).0), None, "");
    }
    let arrival = departure
        .as_ref()
        .and_then(|days| journey::arrival(document, lane, &progress.destination, &pieces, days))
        .map(|(days, delays)| {
            bearing.extend(delays);
            days
        })
        .unwrap_or_else(|| Spread::on(next));
    let transit = journey::transit(document, lane);
    let usual = transit.map_or((1, 5), journey::likely);
    if let Some(service) = service {
        step("transit", None, transit.map(journey::likely), &service.name);
    }
    if shipped.is_some() && arrival.given_from(next).0.is_empty() {
        step("overdue", None, None, service.map_or("", |s| s.name.as_str()));
    }
    match progress.status.as_str() {
        "attempt_failed" => step("attempt", calendar.after(next), None, ""),
        "exception" => step("exception", None, None, ""),
        _ => {}
    }
    if let Some(day) = progress.carrier_estimate.filter(|d| *d >= next) {
        step("carrier", Some(day), None, service.map_or("", |s| s.name.as_str()));
    }
    // Nothing is heard by then.
    let silent = |day: Day| {
        let then = Instant(now.0.saturating_add(i64::from(day.0.saturating_sub(today.0)).max(0) * 86_400));
        quiet(progress, &calendar, usual, then, offset)
    };
    let days = given(&arrival, progress, next, &calendar, usual, silent(today));
    let style = if document.style == "single" { "range" } else { &document.style };
    let asked = if document.style == "single" { (0, 0) } else { document.asked };
    let window = estimate::window(&days, style, document.confidence, asked).unwrap_or(Window { from: next, to: next });
    let mut closed = Vec::new();
    explain::holidays(&mut closed, calendar, shipped.unwrap_or(today).max(Day(today.0 - 14)), window.to);
    for day in closed {
        step("holiday", Some(day), None, "");
    }
    for n in &bearing {
        if let Some(delay) = document.delays.get(*n) {
            step("delay", None, Some(journey::likely(&delay.effect)), &delay.reason);
        }
    }
    let mut result = Remaining { window, on_time: 1000, ..Remaining::default() };
    if let Some(promised) = progress.promised {
        let goal = u16::from(document.warn_below) * 10;
        let safe = |days: &Spread| days.by(promised.to) >= goal;
        result.on_time = days.by(promised.to);
        result.late = today > promised.to;
        result.at_risk = !result.late && !safe(&days);
        if result.late {
            step("late", Some(promised.to), None, "");
        } else {
            let ahead = (today.0..=promised.to.0).map(Day);
            let then = |day: Day| calendar.at_or_after(day).unwrap_or(day).max(next);
            result.warn_on = ahead
                .take(MOST_DAYS_AHEAD)
                .find(|day| !safe(&given(&arrival, progress, then(*day), &calendar, usual, silent(*day))));
        }
    }
    result.quiet = silent(today);
    result.delays = bearing.iter().filter_map(|d| document.delays.get(*d)).map(estimate::delay_shown).collect();
    result.steps = steps;
    result
}

/// Days that are looked ahead for a warning.
const MOST_DAYS_AHEAD: usize = 120;

/// The lane of a shipment: what is known of it, else what the method would take.
pub(crate) fn lane(document: &Document, progress: &Progress, zone: usize) -> Lane {
    let origin = document.origins.iter().position(|o| !progress.origin.is_empty() && o.id == progress.origin);
    let method = document.methods.iter().find(|m| m.id == progress.method);
    let of_method = || method.and_then(|m| m.services.first()).map(|s| *s as usize);
    let service = document
        .services
        .iter()
        .position(|s| !progress.service.is_empty() && s.id == progress.service)
        .or_else(|| {
            let same = |s: usize| document.services.get(s).is_some_and(|s| s.carrier == progress.carrier);
            let planned = method.into_iter().flat_map(|m| &m.services).map(|s| *s as usize).find(|s| same(*s));
            planned.or_else(|| (0..document.services.len()).find(|s| !progress.carrier.is_empty() && same(*s)))
        })
        .or_else(of_method)
        .unwrap_or(0);
    let mut lane = Lane { origin: origin.unwrap_or(0), service, zone };
    if origin.is_none() {
        // The first origin that serves the zone by this service.
        if let Some(serves) =
            (0..document.origins.len()).find(|o| journey::transit(document, Lane { origin: *o, ..lane }).is_some())
        {
            lane.origin = serves;
        }
    }
    lane
}

/// One parcel in so many is held up: what its lane is used to says nothing of it.
const HELD_UP: u64 = 33;

/// The days of arrival, given that it has not arrived before `next`, its last milestone, and whether it has been silent for longer than its lane is used to.
fn given(arrival: &Spread, progress: &Progress, next: Day, calendar: &Calendar, usual: (u16, u16), silent: bool) -> Spread {
    let on = |day: Option<Day>| Spread::on(day.unwrap_or(next));
    match progress.status.as_str() {
        "out_for_delivery" => return on(Some(next)),
        "attempt_failed" => return on(calendar.after(next)),
        "available_for_pickup" => return on(Some(next)),
        _ => {}
    }
    let mut days = arrival.given_from(next);
    // The longer it takes, the likelier it is that it is held up; silence speaks for that twice over. What is left then is judged by the lane's own scale,
    // most likely soon.
    let (whole, left) = (arrival.total(), days.total());
    let held_up = if silent { left.saturating_mul(2).max(whole / HELD_UP) } else { whole / HELD_UP };
    if silent || left < whole / 10 {
        let scale = u64::from(usual.1.max(2)) + 1;
        let parts = scale * (scale + 1) / 2;
        let mut day = next;
        for n in 0..scale {
            days.add(day, (held_up * (scale - n) / parts).max(1));
            let Some(after) = calendar.after(day) else { break };
            day = after;
        }
    }
    if progress.status == "exception" {
        // It needs hands: not today, and as long again as the way usually takes at best.
        days = days.at_least(calendar.after(next).unwrap_or(next)).plus(&[0, 2, 1, 1], calendar).unwrap_or(days);
    }
    if let Some(carrier) = progress.carrier_estimate.filter(|d| *d >= next) {
        // The carrier knows this parcel, the lane knows its carrier: both count alike.
        let half = days.total();
        days.add(carrier, half);
    }
    days
}

/// Silent for longer than nearly all scans of this lane take to follow one another; where they are not known, for longer than it takes
/// for most of its way, at least two days. Both in its own working days.
fn quiet(progress: &Progress, calendar: &Calendar, usual: (u16, u16), now: Instant, offset: i32) -> bool {
    if !matches!(progress.status.as_str(), "in_transit" | "out_for_delivery" | "attempt_failed") {
        return false;
    }
    let Some(last) = progress.last_scan_at else { return false };
    if let Some(patience) = progress.patience {
        return working_hours(calendar, last, now, offset) > i64::from(patience);
    }
    let patience = usize::from(usual.1).div_ceil(2).max(2) + 1;
    let (heard, second) = last.local(offset);
    let until = calendar.step(heard, patience);
    until.is_some_and(|day| now.0 >= (i64::from(day.0) * 86_400) + i64::from(second) - i64::from(offset) * 60)
}

/// Hours between two moments, without the days on which nothing moves. Steps give up after a year.
pub(crate) fn working_hours(calendar: &Calendar, from: Instant, to: Instant, offset: i32) -> i64 {
    let seconds = to.0.saturating_sub(from.0).clamp(0, 366 * 86_400);
    let first = from.local(offset).0;
    let last = Instant(from.0.saturating_add(seconds)).local(offset).0;
    let resting = (first.0 + 1..last.0).filter(|d| !calendar.works(Day(*d))).count() as i64;
    (seconds - resting * 86_400).max(0) / 3600
}
