//! The estimate surface: the answer first, as a sentence; all else smaller and below.

use std::{string::String, vec::Vec};

use promise::{Estimate, Instant, estimate::Offer};

use crate::{
    locale::{Locale, count, say},
    node::{Element, Node, el},
};

/// Where the element stands, and what the shopper did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ui {
    /// `product`, `cart` or `checkout`.
    pub surface: String,
}

/// The nodes of an estimate. `now` is the server's clock.
pub fn estimate(e: &Estimate, ui: &Ui, now: Instant, l: &dyn Locale) -> Vec<Node> {
    let open: Vec<&Offer> = e.options.iter().filter(|o| o.window.is_some()).collect();
    let mut root = el("div", "estimate");
    if open.is_empty() {
        root = root.child(el("p", "headline").text(say(l, "estimate.undeliverable", &[])));
    } else if ui.surface == "checkout" && open.len() > 1 {
        root = root.children(delays(e, l));
        root = root.child(el("ul", "methods").children(open.iter().map(|o| method(e, o, l))));
    } else if let Some(best) = open.first() {
        root = root.child(el("p", "headline").with("aria-live", "polite").text(headline(e, best, l)));
        let mut below = Vec::new();
        if let Some(left) = best.cutoff.as_ref().map(|c| c.at.0 - now.0).filter(|left| (60..172_800).contains(left)) {
            let (h, m) = (l.number((left / 3600) as u32), l.number((left / 60 % 60) as u32));
            let key = if left >= 3600 { "estimate.hours" } else { "estimate.minutes" };
            below.push(say(l, "estimate.cutoff", &[("time", &say(l, key, &[("h", &h), ("m", &m)]))]));
        }
        if e.precision == "postal_code" {
            below.push(say(l, "estimate.to", &[("place", &e.destination.postal_code)]));
        }
        if !below.is_empty() {
            root = root.child(el("p", "detail").text(below.join(" · ")));
        }
        root = root.children(delays(e, l));
    }
    if e.precision != "postal_code" {
        root = root.child(ask(l));
    }
    Vec::from([Node::Element(root)])
}

/// The next moment at which the words change: a count-down's next minute, or its end.
pub fn next_change(e: &Estimate, now: Instant) -> Option<Instant> {
    let next = e.options.iter().filter_map(|o| o.cutoff.as_ref()).map(|c| c.at.0).filter(|at| *at > now.0).min()?;
    let seconds = (next - now.0) % 60;
    Some(Instant(now.0 + if seconds == 0 { 60 } else { seconds }.min(next - now.0)))
}

fn headline(e: &Estimate, o: &Offer, l: &dyn Locale) -> String {
    let Some(w) = o.window else { return String::new() };
    if e.precision == "unknown" || e.precision == "country" {
        let (from, to) = (l.number(o.days.0.into()), l.number(o.days.1.into()));
        return say(l, "estimate.within", &[("from", &from), ("to", &to)]);
    }
    let days = days(e, o, l);
    if let Some(day) = o.steps.iter().find(|s| s.kind == "back_in_stock").and_then(|s| s.day) {
        return say(l, "estimate.available", &[("day", &l.day(day)), ("days", &days)]);
    }
    if o.steps.iter().any(|s| s.kind == "lead_time") {
        return say(l, "estimate.made", &[("day", &l.day(w.to))]);
    }
    let key = if e.style == "latest" && w.from != w.to { "estimate.by" } else { "estimate.range" };
    say(l, key, &[("days", &days)])
}

/// The window as the merchant wants it shown.
fn days(e: &Estimate, o: &Offer, l: &dyn Locale) -> String {
    let Some(w) = o.window else { return String::new() };
    if e.style == "range" && w.from != w.to { l.days(w.from, w.to) } else { l.day(w.to) }
}

fn method(e: &Estimate, o: &Offer, l: &dyn Locale) -> Element {
    let price = if o.price == 0 { say(l, "estimate.free", &[]) } else { l.money(o.price, &e.currency) };
    let mut row = el("li", "method")
        .child(el("span", "name").text(o.name.clone()))
        .child(el("strong", "window").text(days(e, o, l)))
        .child(el("span", "price").text(price));
    for tag in &o.tags {
        let key = if tag == "fastest" { "estimate.fastest" } else { "estimate.cheapest" };
        row = row.child(el("span", "tag").text(say(l, key, &[])));
    }
    row
}

fn delays(e: &Estimate, l: &dyn Locale) -> Vec<Element> {
    e.delays
        .iter()
        .map(|d| {
            el("p", "delay")
                .child(el("span", "dot").with("aria-hidden", "true").text("●"))
                .text(delay(&d.reason, d.days, &d.message, l))
        })
        .collect()
}

/// A delay in the merchant's words where they are in the reader's language, else in ours.
pub(crate) fn delay(reason: &str, days: u16, message: &[(String, String)], l: &dyn Locale) -> String {
    let language = l.language();
    let base = language.split('-').next().unwrap_or_default();
    let own = message.iter().find(|m| m.0 == language).or_else(|| message.iter().find(|m| m.0 == base)).map(|m| m.1.clone());
    let mut key = String::from("delay.");
    key.push_str(reason);
    let mut text = own.or_else(|| l.text(&key, None)).unwrap_or_else(|| say(l, "delay.other", &[]));
    text.push(' ');
    text.push_str(&count(l, "delay.days", days.max(1).into()));
    text
}

fn ask(l: &dyn Locale) -> Element {
    el("form", "ask")
        .with("data-action", "postal")
        .child(el("label", "label").with("for", "postal").text(say(l, "estimate.ask", &[])))
        .child(
            el("input", "input")
                .with("id", "postal")
                .with("name", "postal")
                .with("autocomplete", "postal-code")
                .with("maxlength", "12")
                .with("aria-label", say(l, "estimate.postal", &[])),
        )
        .child(el("button", "button").with("type", "submit").text(say(l, "estimate.show", &[])))
}
