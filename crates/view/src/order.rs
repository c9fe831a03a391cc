//! The order surface: where it is and when it arrives, parcel by parcel.

use std::{string::String, vec::Vec};

use promise::{Day, Instant};
use wire::{
    OrderDocument,
    order::{Checkpoint, Estimate, Item, Sentence, Shipment},
};

use crate::{
    estimate::delay,
    locale::{Locale, count, say},
    node::{Element, Node, el},
};

/// The nodes of an order's page.
pub fn order(d: &OrderDocument, l: &dyn Locale) -> Vec<Node> {
    let s = sentence(d, l);
    let mut root = el("section", "order").child(el("h2", "headline").with("aria-live", "polite").text(s.headline));
    if !s.detail.is_empty() {
        root = root.child(el("p", "detail").text(s.detail));
    }
    for x in &d.delays {
        root = root.child(
            el("p", "delay")
                .child(el("span", "dot").with("aria-hidden", "true").text("●"))
                .text(delay(&x.reason, x.days, &x.message, l)),
        );
    }
    root = root.children(d.shipments.iter().map(|s| parcel(s, l)));
    if !d.unshipped.is_empty() && d.cancelled_at.is_none() {
        root = root.child(
            el("article", "parcel").child(el("h3", "title").text(say(l, "order.unshipped", &[]))).child(items(&d.unshipped)),
        );
    }
    Vec::from([Node::Element(root)])
}

/// The headline, and what stands below it.
pub fn sentence(d: &OrderDocument, l: &dyn Locale) -> Sentence {
    let promised = d.promise.as_ref().and_then(|p| Day::parse(&p.to)).map(|day| l.day(day));
    let plain = |key: &str| say(l, key, &[]);
    let late = d.estimate.as_ref().is_some_and(|e| e.outlook == "late");
    let headline = match d.status.as_str() {
        "cancelled" => plain("order.cancelled"),
        "returned" => plain("order.returned"),
        "delivered" => delivered(d, l),
        _ => d.estimate.as_ref().map(|e| arriving(&d.status, d, e, l)).unwrap_or_default(),
    };
    let mut detail = Vec::new();
    if d.shipments.len() > 1 {
        detail.push(count(l, "order.parcels", d.shipments.len() as u32));
    }
    if d.status == "ordered" {
        detail.push(plain("order.packing"));
    }
    if let Some(day) = promised.filter(|_| d.estimate.is_some()) {
        detail.push(say(l, if late { "order.sorry" } else { "order.promised" }, &[("day", &day)]));
    }
    Sentence { headline, detail: detail.join(" · ") }
}

fn delivered(d: &OrderDocument, l: &dyn Locale) -> String {
    let last = d.shipments.iter().filter_map(|s| s.delivered_at.as_deref()).max();
    match last.and_then(Instant::parse_with_offset) {
        Some((at, offset)) => say(l, "order.delivered", &[("day", &l.day(at.local(offset).0)), ("time", &l.time(at, offset))]),
        None => say(l, "order.delivered_all", &[]),
    }
}

fn arriving(status: &str, d: &OrderDocument, e: &Estimate, l: &dyn Locale) -> String {
    let (Some(from), Some(to)) = (Day::parse(&e.from), Day::parse(&e.to)) else { return String::new() };
    let days = if from == to { l.day(to) } else { l.days(from, to) };
    let tried = d.shipments.iter().any(|s| s.status == "attempt_failed");
    let key = match (status, e.outlook.as_str()) {
        ("exception", _) if tried => "order.attempt_failed",
        ("exception", _) => "order.exception",
        ("available_for_pickup", _) => "order.available_for_pickup",
        ("out_for_delivery", _) => "order.out_for_delivery",
        (_, "late") => "order.late",
        _ if e.quiet => {
            let heard = d.shipments.iter().filter_map(|s| s.last_scan_at.as_deref()).max().and_then(Instant::parse_with_offset);
            let day = heard.map(|(at, offset)| l.day(at.local(offset).0)).unwrap_or_default();
            return say(l, "order.quiet", &[("day", &day)]);
        }
        (_, "at_risk") => "order.at_risk",
        _ => "order.arriving",
    };
    say(l, key, &[("days", &days)])
}

fn parcel(s: &Shipment, l: &dyn Locale) -> Element {
    let mut title = String::from("status.");
    title.push_str(&s.status);
    let mut card = el("article", "parcel").child(el("h3", "title").text(say(l, &title, &[]))).child(items(&s.items));
    if let Some(url) = s.tracking_url.as_ref().filter(|u| u.starts_with("https://")) {
        let link = el("a", "link").with("href", url.clone()).with("rel", "noreferrer noopener").with("target", "_blank");
        card = card.child(
            el("p", "carrier")
                .child(link.text(say(l, "order.track", &[("carrier", &s.carrier_name)])))
                .text(s.tracking_number.clone()),
        );
    }
    if let Some(name) = &s.signed_by {
        card = card.child(el("p", "signed").text(say(l, "order.signed", &[("name", name)])));
    }
    if let Some((at, offset)) = s.last_scan_at.as_deref().and_then(Instant::parse_with_offset) {
        let text = say(l, "order.last_scan", &[("day", &l.day(at.local(offset).0)), ("time", &l.time(at, offset))]);
        card = card.child(el("p", "freshness").text(text));
    }
    if !s.checkpoints.is_empty() {
        card = card.child(el("h4", "subtitle").text(say(l, "order.timeline", &[]))).children(timeline(&s.checkpoints, l));
    }
    card
}

/// Scans newest first, grouped by the day at the place of the scan.
fn timeline(checkpoints: &[Checkpoint], l: &dyn Locale) -> Vec<Element> {
    let mut groups: Vec<(Option<Day>, Element)> = Vec::new();
    for c in checkpoints {
        let at = c.time.as_deref().and_then(Instant::parse_with_offset);
        let day = at.map(|(at, offset)| at.local(offset).0);
        let mut key = String::from("status.");
        key.push_str(&c.status);
        let mut row = el("li", "scan");
        if let Some((at, offset)) = at {
            row = row.child(el("time", "time").with("datetime", c.time.clone().unwrap_or_default()).text(l.time(at, offset)));
        }
        row = row.child(el("span", "what").text(say(l, &key, &[])));
        if let Some(place) = &c.location {
            row = row.child(el("span", "place").text(place.clone()));
        }
        if let Some(words) = &c.message {
            row = row.child(el("q", "quote").with("dir", "auto").text(words.clone()));
        }
        match groups.last_mut().filter(|g| g.0 == day) {
            Some(group) => group.1.children.push(Node::Element(row)),
            None => groups.push((day, el("ol", "scans").child(row))),
        }
    }
    groups.into_iter().flat_map(|(day, list)| [el("h5", "day").text(day.map(|d| l.day(d)).unwrap_or_default()), list]).collect()
}

fn items(list: &[Item]) -> Element {
    el("ul", "items").children(list.iter().map(|i| {
        let mut text = i.title.clone();
        if i.quantity > 1 {
            text.push_str(" × ");
            text.push_str(&crate::number(i.quantity));
        }
        el("li", "item").text(text)
    }))
}
