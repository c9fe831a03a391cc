//! After the purchase: what remains, given what has happened.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    calendar::Calendar,
    document::{Document, Service},
    estimate::{self, DelayShown, Destination, Line, Step, Window},
    journey::{self, Lane},
    place,
    spread::Spread,
    time::{Day, Instant},
};

/// What is known of one shipment (or of an order's part that has not shipped).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    pub items: Vec<Line>,
    pub destination: Destination,
    /// Shipping method, service, carrier and origin by id, as far as known; empty: unknown.
    pub method: String,
    pub service: String,
    pub carrier: String,
    pub origin: String,
    pub placed_at: Instant,
    /// When the carrier had it in hand.
    pub shipped_at: Option<Instant>,
    pub last_scan_at: Option<Instant>,
    /// The shipment's status, in the vocabulary of the design: `pending`, `info_received`, `in_transit` …
    pub status: String,
    /// The carrier's own estimate.
    pub carrier_estimate: Option<Day>,
    /// What was promised at the purchase.
    pub promised: Option<Window>,
}

/// What remains.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remaining {
    /// Always there until it is delivered, also when it is late.
    pub window: Window,
    /// Chance, per mille, of arriving by the last day promised.
    pub on_time: u16,
    /// The promise will probably be broken: tell the shopper now.
    pub at_risk: bool,
    /// The last day promised has passed.
    pub late: bool,
    /// No scan for longer than usual on this lane.
    pub quiet: bool,
    pub delays: Vec<DelayShown>,
    pub steps: Vec<Step>,
}

/// From this hour on, nothing more is delivered today.
const LAST_HOUR: u32 = 21;

/// Estimates what remains for a shipment under way, at `now`.
///
/// The distribution of the journey is conditioned on what has happened: a parcel that is not there yet can't arrive in the past,
/// so a late one always has a window ahead.
pub fn remaining(document: &Document, progress: &Progress, now: Instant) -> Remaining {
    let lines: Vec<&Line> = progress.items.iter().collect();
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

    let mut result = Remaining { steps: Vec::new(), ..Remaining::default() };
    let mut bearing = Vec::new();
    let on_its_way = progress.shipped_at.map(|at| Spread::on(at.local(offset).0));
    let departure = match on_its_way {
        Some(day) => Some(day),
        None => journey::dispatch(document, lane.origin, &lines, progress.placed_at).map(|d| {
            bearing.extend(d.delays);
            // Not gone yet: given that it leaves today or later. Where that was not to be expected, it leaves as if ordered now.
            let still = d.days.given_from(today);
            match still.0.is_empty() {
                false => still,
                true => journey::dispatch(document, lane.origin, &lines, now).map(|d| d.days).unwrap_or_else(|| Spread::on(next)),
            }
        }),
    };
    let arrival = departure
        .as_ref()
        .and_then(|days| journey::arrival(document, lane, &progress.destination, &lines, days))
        .map(|(days, delays)| {
            bearing.extend(delays);
            days
        })
        .unwrap_or_else(|| Spread::on(next));
    let usual = journey::transit(document, lane).map_or((1, 5), journey::likely);
    let days = given(&arrival, progress, next, &calendar, usual);
    let window = estimate::window(&days, if document.style == "single" { "range" } else { &document.style }, document.confidence);
    result.window = window.unwrap_or(Window { from: next, to: next });
    if let Some(promised) = progress.promised {
        result.on_time = days.by(promised.to);
        result.late = today > promised.to;
        result.at_risk = !result.late && result.on_time < AT_RISK;
    } else {
        result.on_time = 1000;
    }
    result.quiet = quiet(progress, &calendar, usual, now, offset);
    result.delays = bearing.iter().filter_map(|d| document.delays.get(*d)).map(estimate::delay_shown).collect();
    for delay in &result.delays {
        result.steps.push(Step {
            kind: "delay".into(),
            day: None,
            days: Some((delay.days, delay.days)),
            name: delay.reason.clone(),
        });
    }
    result
}

/// Below this chance, per mille, of keeping the promise the shopper is told.
const AT_RISK: u16 = 500;

/// The lane of a shipment: what is known of it, else what the method would take.
fn lane(document: &Document, progress: &Progress, zone: usize) -> Lane {
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

/// The days of arrival, given that it has not arrived before `next`, and its last milestone.
fn given(arrival: &Spread, progress: &Progress, next: Day, calendar: &Calendar, usual: (u16, u16)) -> Spread {
    let on = |day: Option<Day>| Spread::on(day.unwrap_or(next));
    match progress.status.as_str() {
        "out_for_delivery" => return on(Some(next)),
        "attempt_failed" => return on(calendar.after(next)),
        "available_for_pickup" => return on(Some(next)),
        _ => {}
    }
    let mut days = arrival.given_from(next);
    if days.0.is_empty() {
        // Longer under way than anything known: what is left is judged by the lane's own scale, most likely soon.
        let scale = usize::from(usual.1.max(2));
        let mut day = next;
        for n in 0..scale {
            days.add(day, 1 << (20 - n.min(20)));
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

/// Silent for longer than this lane takes for most of its way, in its own working days: at least two of them.
fn quiet(progress: &Progress, calendar: &Calendar, usual: (u16, u16), now: Instant, offset: i32) -> bool {
    if !matches!(progress.status.as_str(), "in_transit" | "out_for_delivery" | "attempt_failed") {
        return false;
    }
    let Some(last) = progress.last_scan_at else { return false };
    let patience = usize::from(usual.1).div_ceil(2).max(2) + 1;
    let (heard, second) = last.local(offset);
    let until = calendar.step(heard, patience);
    until.is_some_and(|day| now.0 >= (i64::from(day.0) * 86_400) + i64::from(second) - i64::from(offset) * 60)
}
