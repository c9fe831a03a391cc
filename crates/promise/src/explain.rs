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
#[inline(never)]
pub(crate) fn steps(document: &Document, method: &Method, answer: &Answer) -> Vec<Step> {
    let mut steps = Vec::new();
    let way = answer.last();
    let d = &way.dispatch;
    let origin = document.origins.get(way.lane.origin);
    let origin_name = origin.map_or("", |o| o.name.as_str());
    on(&mut steps, "ordered", Some(d.ordered), "");
    if d.start != d.ordered {
        on(&mut steps, if d.missed { "cutoff_missed" } else { "not_a_working_day" }, Some(d.start), origin_name);
    }
    if d.available.is_some() {
        on(&mut steps, "back_in_stock", d.available, "");
    }
    if !d.back_order.is_empty() {
        takes(&mut steps, "back_order", &d.back_order, "");
    }
    if !d.lead.is_empty() {
        takes(&mut steps, "lead_time", &d.lead, "");
    }
    let mut closed = Vec::new();
    let leaves = d.days.quantile(50).unwrap_or(d.start);
    if let Some(o) = origin {
        if journey::likely(&o.handling).1 > 0 {
            takes(&mut steps, "handling", &o.handling, &o.name);
        }
        holidays(&mut closed, Calendar::of_origin(document, o), d.ordered, leaves);
    }
    if method.to == "store" {
        on(&mut steps, "ready", d.ready.quantile(50), origin_name);
    } else {
        on(&mut steps, "dispatch", Some(leaves), origin_name);
        if let Some(service) = document.services.get(way.lane.service) {
            takes(&mut steps, "transit", journey::transit(document, way.lane).unwrap_or_default(), &service.name);
            holidays(&mut closed, Calendar::of_service(document, service), leaves, way.window.to);
        }
    }
    for day in closed {
        on(&mut steps, "holiday", Some(day), "");
    }
    for n in 0..d.delays.len() + way.delays.len() {
        let delay = d.delays.get(n).or_else(|| way.delays.get(n - d.delays.len()));
        if let Some(delay) = delay.and_then(|n| document.delays.get(*n)) {
            takes(&mut steps, "delay", &delay.effect, &delay.reason);
        }
    }
    several(&mut steps, "parts", answer.ways.len());
    several(&mut steps, "zones", answer.zones);
    steps
}

/// A step on a day.
fn on(steps: &mut Vec<Step>, kind: &str, day: Option<Day>, name: &str) {
    steps.push(Step { kind: kind.into(), day, name: name.into(), ..Step::default() });
}

/// A step that takes working days.
fn takes(steps: &mut Vec<Step>, kind: &str, weights: &[u32], name: &str) {
    steps.push(Step { kind: kind.into(), days: Some(journey::likely(weights)), name: name.into(), ..Step::default() });
}

/// How many there are, where it is more than one.
fn several(steps: &mut Vec<Step>, kind: &str, n: usize) {
    if n > 1 {
        steps.push(Step { kind: kind.into(), days: Some((n as u16, n as u16)), ..Step::default() });
    }
}

/// Days within a stretch on which a calendar rests, though the weekday is worked.
pub(crate) fn holidays(found: &mut Vec<Day>, calendar: Calendar, from: Day, to: Day) {
    for day in (from.0..=to.0).take(MOST_DAYS).map(Day) {
        if found.len() < MOST_HOLIDAYS && calendar.rests(day) && !found.contains(&day) {
            found.push(day);
        }
    }
}
