//! The estimate surface: the answer first, as a sentence; all else smaller and below.

use std::{string::String, vec::Vec};

use promise::{
    Estimate, Instant,
    estimate::{Offer, Step},
};

use crate::{
    locale::{Locale, count, direction, key, say},
    node::{Element, Node, el},
};

/// Where the element stands, and what the shopper did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ui {
    /// `product`, `cart` or `checkout`.
    pub surface: String,
    /// The shopper wants to write another postal code.
    pub ask: bool,
    /// Drawn by a server, where nothing can be typed or counted down.
    pub still: bool,
}

/// The nodes of an estimate. `now` is the server's clock.
pub fn estimate(e: &Estimate, ui: &Ui, now: Instant, l: &dyn Locale) -> Vec<Node> {
    let mut root = el("div", "estimate").with("dir", direction(&l.language()));
    let open = e.options.iter().filter(|o| o.window.is_some());
    if let Some(best) = open.clone().next() {
        let list = ui.surface == "checkout" && open.clone().nth(1).is_some();
        if list {
            root = root.children(delays(e, l)).child(el("ul", "methods").children(open.map(|o| method(e, o, l))));
        } else {
            root = root.child(el("p", "headline").with("aria-live", "polite").text(headline(e, best, l)));
        }
        let mut below = el("p", "detail");
        // Where the destination is not known, neither is what would be lost after the cut-off, nor why.
        let vague = vague(e);
        if !ui.still && !vague {
            below = below.line("span", "cutoff", count_down(e, best, now, l));
        }
        if e.precision == "postal_code" && !list {
            below = below.line("span", "to", say(l, "estimate.to", &[("place", &e.destination.postal_code)]));
            if !ui.still && !ui.ask {
                below = below.child(el("button", "change").with("type", "button").text(say(l, "estimate.change", &[])));
            }
        }
        if !below.children.is_empty() {
            root = root.child(below);
        }
        if !list {
            root = root.children(delays(e, l));
        }
        if !list && !vague {
            root = root.child(why(best, l));
        }
    } else {
        let missing = e.options.iter().any(|o| o.obstacle.as_deref() == Some("not_available"));
        root = root.child(el("p", "headline").with("aria-live", "polite").text(if missing {
            say(l, "estimate.unavailable", &[])
        } else if e.zone.is_empty() {
            say(l, "estimate.undeliverable", &[])
        } else {
            say(l, "estimate.not_to", &[("place", &e.zone)])
        }));
    }
    if !ui.still && (ui.ask || e.precision != "postal_code" || e.options.iter().all(|o| o.window.is_none())) {
        root = root.child(ask(e, l));
    }
    Vec::from([Node::Element(root)])
}

/// The answer as a sentence, and the known delays: for where the widget can't run.
pub fn sentence(e: &Estimate, l: &dyn Locale) -> (String, String) {
    let headline = match e.options.iter().find(|o| o.window.is_some()) {
        Some(best) => headline(e, best, l),
        None => say(l, "estimate.undeliverable", &[]),
    };
    let detail: Vec<String> = e.delays.iter().map(|d| delay(&d.reason, d.days, &d.message, l)).collect();
    (headline, detail.join(" · "))
}

/// The next moment at which the words change: a count-down's next minute, or its end.
pub fn next_change(e: &Estimate, now: Instant) -> Option<Instant> {
    let next = e.options.iter().filter_map(|o| o.cutoff.as_ref()).map(|c| c.at.0).filter(|at| *at > now.0).min()?;
    let seconds = (next - now.0) % 60;
    Some(Instant(now.0 + if seconds == 0 { 60 } else { seconds }.min(next - now.0)))
}

fn vague(e: &Estimate) -> bool {
    matches!(e.precision.as_str(), "unknown" | "country")
}

fn headline(e: &Estimate, o: &Offer, l: &dyn Locale) -> String {
    let Some(w) = o.window else { return String::new() };
    if vague(e) {
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

/// "Order within 2 h 13 min; after that Wed 3 – Fri 5 Dec": a real cut-off, and what is lost after it.
fn count_down(e: &Estimate, o: &Offer, now: Instant, l: &dyn Locale) -> String {
    let Some(cutoff) = &o.cutoff else { return String::new() };
    let left = cutoff.at.0 - now.0;
    if !(60..172_800).contains(&left) {
        return String::new();
    }
    let (h, m) = (l.number((left / 3600) as u32), l.number((left / 60 % 60) as u32));
    let key = if left >= 3600 { "estimate.hours" } else { "estimate.minutes" };
    let then = if e.style == "range" { l.days(cutoff.then.from, cutoff.then.to) } else { l.day(cutoff.then.to) };
    say(l, "estimate.cutoff", &[("time", &say(l, key, &[("h", &h), ("m", &m)])), ("then", &then)])
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
        row = row.line("span", "tag", say(l, &key("estimate.", tag), &[]));
    }
    row
}

fn delays(e: &Estimate, l: &dyn Locale) -> impl Iterator<Item = Element> {
    e.delays.iter().map(|d| notice(delay(&d.reason, d.days, &d.message, l)))
}

/// A known delay: a sign and words, never colour alone.
pub(crate) fn notice(text: String) -> Element {
    el("p", "delay").child(el("span", "dot").with("aria-hidden", "true").text("●")).text(text)
}

/// A delay in the merchant's words where they are in the reader's language, else in ours.
pub(crate) fn delay(reason: &str, days: u16, message: &[(String, String)], l: &dyn Locale) -> String {
    let mut text = cause(reason, message, l);
    text.push(' ');
    text.push_str(&count(l, "delay.days", days.max(1).into(), &[]));
    text
}

pub(crate) fn cause(reason: &str, message: &[(String, String)], l: &dyn Locale) -> String {
    let language = l.language();
    let own = message.iter().find(|m| m.0 == language).or_else(|| message.iter().find(|m| m.0.as_bytes() == base(&language)));
    let own = own.map(|m| m.1.clone());
    own.or_else(|| l.text(&key("delay.", reason), None)).unwrap_or_else(|| say(l, "delay.other", &[]))
}

/// `en` of `en-US`.
fn base(language: &str) -> &[u8] {
    let end = language.bytes().position(|b| b == b'-').unwrap_or(language.len());
    language.as_bytes().get(..end).unwrap_or_default()
}

/// Why this date: what leads to it, in order.
fn why(o: &Offer, l: &dyn Locale) -> Element {
    let steps = o.steps.iter().map(|s| step(s, l)).filter(|text| !text.is_empty());
    el("details", "why")
        .child(el("summary", "ask-why").text(say(l, "why", &[])))
        .child(el("ol", "steps").children(steps.map(|text| el("li", "step").text(text))))
}

fn step(s: &Step, l: &dyn Locale) -> String {
    let day = s.day.map(|d| l.day(d)).unwrap_or_default();
    let name = if s.kind == "delay" { cause(&s.name, &[], l) } else { s.name.clone() };
    let values: &[(&str, &str)] = &[("day", &day), ("name", &name)];
    let key = key("why.", &s.kind);
    match s.days {
        Some((from, to)) => {
            let mut span = l.number(to.into());
            if from != to {
                span = [&l.number(from.into()), "–", &span].concat();
            }
            count(l, &key, to.into(), &[values[0], values[1], ("days", &span)])
        }
        None => say(l, &key, values),
    }
}

fn ask(e: &Estimate, l: &dyn Locale) -> Element {
    el("form", "ask")
        .child(el("label", "label").with("for", "postal").text(say(l, "estimate.ask", &[])))
        .child(
            el("input", "input")
                .with("id", "postal")
                .with("name", "postal")
                .with("autocomplete", "postal-code")
                .with("maxlength", "12")
                .with("value", e.destination.postal_code.clone()),
        )
        .child(el("button", "button").with("type", "submit").text(say(l, "estimate.show", &[])))
}
