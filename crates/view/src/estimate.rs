//! The estimate surface: the answer first, as a sentence; all else smaller and below.

use std::{string::String, vec::Vec};

use promise::{
    Day, Estimate, Instant,
    estimate::{Offer, Part, Step, Window},
};

use crate::{
    locale::Locale,
    node::{Node, plain},
    page::Page,
    render,
};

/// Where the element stands, and what the shopper did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ui {
    /// `product`, `cart` or `checkout`.
    pub surface: String,
    /// The shopper wants to write another destination.
    pub ask: bool,
    /// Drawn by a server, where nothing can be typed or counted down.
    pub still: bool,
    /// The destination was typed before, and is kept on this device.
    pub kept: bool,
    /// The day by which the shopper needs it.
    pub need: Option<Day>,
    /// Names of the request's items, in its order, where the page tells them.
    pub titles: Vec<String>,
    /// Countries that can be chosen.
    pub countries: Vec<String>,
}

frugal::read!(Ui { surface, ask, still, kept, need, titles, countries });

impl Ui {
    /// Never in the browser, which need not load what only a server says.
    fn still(&self) -> bool {
        self.still && !cfg!(target_family = "wasm")
    }
}

/// The nodes of an estimate. `now` is the server's clock.
pub fn estimate(e: &Estimate, ui: &Ui, now: Instant, l: &dyn Locale) -> Vec<Node> {
    let mut page = Page::new(l.language());
    draw(&mut page, e, ui, now);
    render::nodes(&page, l)
}

/// Writes an estimate's page.
pub fn draw(p: &mut Page, e: &Estimate, ui: &Ui, now: Instant) {
    p.open("div", "estimate").direction();
    let best = e.options.iter().find(|o| o.window.is_some());
    let vague = vague(e);
    let mut ask = ui.ask || e.precision != "postal_code";
    match best {
        Some(best) => {
            let list = ui.surface == "checkout" && e.options.iter().filter(|o| o.window.is_some()).count() > 1;
            if list {
                delays(p, e);
                methods(p, e, ui);
            } else {
                p.open("p", "headline").attribute("aria-live", "polite");
                headline(p, e, best);
                p.end();
            }
            p.line("p", "detail");
            // Where the destination is not known, neither is what would be lost after the cut-off, nor why.
            if !ui.still() && !vague {
                count_down(p, e, best, now);
            }
            if !list {
                place(p, e, ui);
            }
            p.end();
            if !list {
                parts(p, best, ui);
                delays(p, e);
                if !vague {
                    why(p, best);
                }
            }
        }
        None => {
            ask = true;
            p.open("p", "headline").attribute("aria-live", "polite");
            obstacle(p, e);
            p.end();
        }
    }
    if ask && !ui.still() {
        question(p, e, ui);
    }
    p.end();
}

/// The answer as a sentence, and the known delays: for where the widget can't run.
pub fn sentence(e: &Estimate, l: &dyn Locale) -> (String, String) {
    let said = |write: &dyn Fn(&mut Page)| {
        let mut page = Page::new(l.language());
        write(&mut page);
        plain(&render::nodes(&page, l))
    };
    let answer = said(&|p| match e.options.iter().find(|o| o.window.is_some()) {
        Some(best) => headline(p, e, best),
        None => obstacle(p, e),
    });
    let detail = said(&|p| {
        for d in &e.delays {
            p.separator();
            delay(p, &d.reason, d.days, &d.message);
        }
    });
    (answer, detail)
}

/// The next moment at which the words change: a count-down's next minute, or its end.
pub fn next_change(e: &Estimate, now: Instant) -> Option<Instant> {
    let mut next = i64::MAX;
    for at in e.options.iter().filter_map(|o| o.cutoff.as_ref()).map(|c| c.at.0) {
        if at > now.0 {
            next = next.min(at);
        }
    }
    if next == i64::MAX {
        return None;
    }
    let seconds = (next - now.0) % 60;
    Some(Instant(now.0 + if seconds == 0 { 60 } else { seconds }.min(next - now.0)))
}

fn vague(e: &Estimate) -> bool {
    matches!(e.precision.as_str(), "unknown" | "country")
}

fn headline(p: &mut Page, e: &Estimate, o: &Offer) {
    let Some(w) = o.window else { return };
    if vague(e) {
        p.say("estimate.within").v_number("from", o.days.0.into()).v_number("to", o.days.1.into()).end();
        return;
    }
    let stock = o.steps.iter().find(|s| s.kind == "back_in_stock").and_then(|s| s.day);
    let made = o.steps.iter().any(|s| s.kind == "lead_time");
    if let Some(day) = stock {
        p.say("estimate.available").v_day("day", day);
    } else if made {
        p.say("estimate.made").v_day("day", w.to);
    } else {
        p.say(if e.style == "latest" && w.from != w.to { "estimate.by" } else { "estimate.range" });
    }
    days(p, e, w);
    p.end();
}

fn obstacle(p: &mut Page, e: &Estimate) {
    let any = |why: &str| e.options.iter().any(|o| o.obstacle.as_deref() == Some(why));
    if any("not_available") {
        p.said("estimate.unavailable");
    } else if any("no_po_boxes") {
        p.said("estimate.no_po_boxes");
    } else if e.zone.is_empty() {
        p.said("estimate.undeliverable");
    } else {
        p.say("estimate.not_to").v_text("place", &e.zone).end();
    }
}

/// "Order within 2 h 13 min; after that Wed 3 – Fri 5 Dec": a real cut-off, and what is lost after it.
fn count_down(p: &mut Page, e: &Estimate, o: &Offer, now: Instant) {
    let Some(cutoff) = &o.cutoff else { return };
    let left = cutoff.at.0 - now.0;
    if !(60..172_800).contains(&left) {
        return;
    }
    let left = left as u32;
    p.open("span", "cutoff").say("estimate.cutoff");
    p.v_said("time", if left >= 3600 { "estimate.hours" } else { "estimate.minutes" }, "");
    p.v_number("h", left / 3600).v_number("m", left / 60 % 60).end();
    let then = cutoff.then;
    window(p, "then", if e.style == "range" { then.from } else { then.to }, then.to);
    p.end().end();
}

/// The destination, and the ways to another.
fn place(p: &mut Page, e: &Estimate, ui: &Ui) {
    let d = &e.destination;
    let exact = e.precision == "postal_code";
    if !exact && (ui.still() || d.country.is_empty()) {
        return;
    }
    p.open("span", "to").say("estimate.to");
    if exact {
        p.v_text("place", &d.postal_code);
    } else {
        p.v_country("place", &d.country);
    }
    p.end().end();
    if ui.still() || !exact {
        return;
    }
    if !ui.ask {
        p.open("button", "change").attribute("type", "button").said("estimate.change").end();
    }
    if ui.kept {
        p.open("button", "forget").attribute("type", "button").said("estimate.forget").end();
    }
}

/// `{days}`: the window as the merchant wants it shown.
fn days(p: &mut Page, e: &Estimate, w: Window) {
    window(p, "days", if e.style == "range" { w.from } else { w.to }, w.to);
}

fn window(p: &mut Page, name: &str, from: Day, to: Day) {
    if from == to {
        p.v_day(name, to);
    } else {
        p.v_days(name, from, to);
    }
}

/// Every way that is open, with what speaks for it.
fn methods(p: &mut Page, e: &Estimate, ui: &Ui) {
    if e.safer {
        p.leaf("p", "safer", "estimate.safer");
    }
    p.open("ul", "methods");
    let mut in_time = false;
    // The safe ones before the others, where that matters; each half as the store has it.
    let ways = &e.options;
    for at in 0..2 * ways.len() {
        let others = at >= ways.len();
        let o = &ways[at - if others { ways.len() } else { 0 }];
        let Some(w) = o.window else { continue };
        if (e.safer && o.safe.is_empty()) != others {
            continue;
        }
        p.open("li", "method");
        p.given("span", "name", &o.name).open("strong", "window").value();
        days(p, e, w);
        p.end().end().open("span", "price");
        if o.price == 0 {
            p.said("estimate.free");
        } else {
            p.value().v_money("days", o.price, &e.currency).end();
        }
        p.end();
        for tag in &o.tags {
            p.line("span", "tag").said_of("estimate.", tag).end();
        }
        if let Some(day) = ui.need.filter(|day| w.to <= *day) {
            in_time = true;
            p.open("span", "tag in-time").say("estimate.in_time").v_day("day", day).end().end();
        }
        for choice in &o.safe {
            p.line("span", "tag safe").said_of("safe.", choice).end();
        }
        parts(p, o, ui);
        why(p, o);
        p.end();
    }
    p.end();
    if ui.still() {
        return;
    }
    p.open("p", "need").open("label", "label").attribute("for", "need").said("estimate.need").end();
    p.open("input", "input").attribute("id", "need").attribute("type", "date").end().end();
    if let Some(day) = ui.need.filter(|_| !in_time) {
        p.open("p", "detail").attribute("role", "status").say("estimate.not_in_time").v_day("day", day).end().end();
    }
}

/// What comes apart: each parcel with its items and window.
fn parts(p: &mut Page, o: &Offer, ui: &Ui) {
    if o.parts.len() < 2 {
        return;
    }
    p.open("p", "detail").count("order.parcels", o.parts.len() as u32).end().end().open("ul", "parts");
    for Part { items, window: w, .. } in &o.parts {
        p.open("li", "part").open("span", "what");
        if ui.titles.is_empty() {
            p.count("estimate.items", items.len() as u32).end();
        }
        for title in items.iter().filter_map(|n| ui.titles.get(usize::from(*n))) {
            p.separator().text(title);
        }
        p.end().open("strong", "window").value();
        window(p, "days", w.from, w.to);
        p.end().end().end();
    }
    p.end();
}

fn delays(p: &mut Page, e: &Estimate) {
    for d in &e.delays {
        notice(p);
        delay(p, &d.reason, d.days, &d.message);
        p.end();
    }
}

/// A known delay: a sign and words, never colour alone.
pub(crate) fn notice(p: &mut Page) {
    p.open("p", "delay").open("span", "dot").attribute("aria-hidden", "true").text("●").end();
}

/// A delay in the merchant's words where they are in the reader's language, else in ours.
pub(crate) fn delay(p: &mut Page, reason: &str, days: u16, message: &[(String, String)]) {
    p.count("delay.days", days.max(1).into());
    cause(p, "why", reason, message);
    p.end();
}

/// A value: why there is a delay.
pub(crate) fn cause(p: &mut Page, name: &str, reason: &str, message: &[(String, String)]) {
    let language = p.language.as_bytes();
    // `en` of `en-US`.
    let base = language.split(|b| *b == b'-').next().unwrap_or_default();
    let own = message.iter().find(|m| m.0.as_bytes() == language).or_else(|| message.iter().find(|m| m.0.as_bytes() == base));
    match own {
        Some((_, text)) => {
            p.v_text(name, text);
        }
        None => {
            let known = matches!(reason, "weather" | "peak" | "strike" | "customs" | "stock" | "carrier" | "holiday");
            p.v_said(name, "delay.", if known { reason } else { "other" }).end();
        }
    }
}

/// Why this date: what leads to it, in order.
fn why(p: &mut Page, o: &Offer) {
    p.open("details", "why").leaf("summary", "ask-why", "why").open("ol", "steps");
    for s in &o.steps {
        step(p, s);
    }
    p.end().end();
}

fn step(p: &mut Page, s: &Step) {
    p.line("li", "step");
    match s.days {
        Some((from, to)) => {
            p.count_of("why.", &s.kind, to.into());
            if from == to {
                p.v_number("days", to.into());
            } else {
                p.v_span("days", from.into(), to.into());
            }
        }
        None => {
            p.say_of("why.", &s.kind);
        }
    }
    if let Some(day) = s.day {
        p.v_day("day", day);
    }
    if s.kind == "delay" {
        cause(p, "name", &s.name, &[]);
    } else {
        p.v_text("name", &s.name);
    }
    p.end().end();
}

/// Where to?
fn question(p: &mut Page, e: &Estimate, ui: &Ui) {
    p.open("form", "ask").open("label", "label").attribute("for", "postal").said("estimate.ask").end();
    p.open("input", "input").attribute("id", "postal").attribute("name", "postal").attribute("autocomplete", "postal-code");
    p.attribute("maxlength", "12").attribute("value", &e.destination.postal_code).end();
    if ui.countries.len() > 1 {
        p.open("select", "input").attribute("name", "country").attribute("autocomplete", "country");
        p.attribute_said("aria-label").said("estimate.country");
        for code in &ui.countries {
            p.open("option", "").attribute("value", code);
            if *code == e.destination.country {
                p.attribute("selected", "");
            }
            p.country(code).end();
        }
        p.end();
    }
    p.open("button", "button").attribute("type", "submit").said("estimate.show").end().end();
}
