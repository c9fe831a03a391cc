//! Why this date: the steps that led to it, as data. Words are found elsewhere, in any language.

use alloc::vec::Vec;

use crate::{
    calendar::Calendar,
    cart::Answer,
    document::{Document, Method},
    estimate::Step,
    journey,
    time::Day,
};

/// Closed days that are named, at most.
const MOST_HOLIDAYS: usize = 4;
/// Days that are looked at, at most: a pre-order may be years ahead.
const MOST_DAYS: usize = 400;

/// Why an offer has this window, in order.
pub(crate) fn steps(document: &Document, method: &Method, answer: &Answer) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut step = |kind: &str, day: Option<Day>, days: Option<(u16, u16)>, name: &str| {
        steps.push(Step { kind: kind.into(), day, days, name: name.into() });
    };
    let way = answer.last();
    let d = &way.dispatch;
    let origin = document.origins.get(way.lane.origin);
    let origin_name = origin.map_or("", |o| o.name.as_str());
    step("ordered", Some(d.ordered), None, "");
    if d.missed {
        step("cutoff_missed", Some(d.start), None, origin_name);
    } else if d.start != d.ordered {
        step("not_a_working_day", Some(d.start), None, origin_name);
    }
    if let Some(day) = d.available {
        step("back_in_stock", Some(day), None, "");
    }
    for (kind, weights) in [("back_order", &d.back_order), ("lead_time", &d.lead)] {
        if !weights.is_empty() {
            step(kind, None, Some(journey::likely(weights)), "");
        }
    }
    if let Some(o) = origin.filter(|o| journey::likely(&o.handling).1 > 0) {
        step("handling", None, Some(journey::likely(&o.handling)), &o.name);
    }
    let mut closed = Vec::new();
    let leaves = d.days.quantile(50).unwrap_or(d.start);
    if let Some(o) = origin {
        holidays(&mut closed, Calendar::of_origin(document, o), d.ordered, leaves);
    }
    if method.to == "store" {
        step("ready", d.ready.quantile(50), None, origin_name);
    } else {
        step("dispatch", Some(leaves), None, origin_name);
        if let Some(service) = document.services.get(way.lane.service) {
            step("transit", None, journey::transit(document, way.lane).map(journey::likely), &service.name);
            holidays(&mut closed, Calendar::of_service(document, service), leaves, way.window.to);
        }
    }
    for day in closed {
        step("holiday", Some(day), None, "");
    }
    for n in d.delays.iter().chain(&way.delays) {
        if let Some(delay) = document.delays.get(*n) {
            step("delay", None, Some(journey::likely(&delay.effect)), &delay.reason);
        }
    }
    for (kind, n) in [("parts", answer.ways.len()), ("zones", answer.zones)] {
        if n > 1 {
            step(kind, None, Some((n as u16, n as u16)), "");
        }
    }
    steps
}

/// Days within a stretch on which a calendar rests, though the weekday is worked.
pub(crate) fn holidays(found: &mut Vec<Day>, calendar: Calendar, from: Day, to: Day) {
    for day in (from.0..=to.0).take(MOST_DAYS).map(Day) {
        if found.len() < MOST_HOLIDAYS && calendar.rests(day) && !found.contains(&day) {
            found.push(day);
        }
    }
}
