//! The order surface: where it is and when it arrives, parcel by parcel.

use std::{string::String, vec::Vec};

use promise::{Day, Instant};
use wire::{
    OrderDocument,
    order::{Checkpoint, Estimate, Item, Sentence, Shipment},
};

use crate::{
    estimate::{cause, delay, notice},
    locale::{Locale, count, direction, key, say},
    node::{Element, Node, el},
};

/// What the reader's clock says: `now` in the server's time, and the reader's offset from UTC in minutes where it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reader {
    pub now: Instant,
    pub offset: Option<i32>,
}

/// What is said about one order, to one reader.
struct Words<'a> {
    d: &'a OrderDocument,
    reader: Reader,
    l: &'a dyn Locale,
}

/// Days of the timeline that stand open; older ones fold.
const OPEN_DAYS: usize = 2;

/// The nodes of an order's page.
pub fn order(d: &OrderDocument, reader: Reader, l: &dyn Locale) -> Vec<Node> {
    let w = Words { d, reader, l };
    let Sentence { headline, detail } = w.sentence();
    let mut root = el("section", "order")
        .with("dir", direction(&l.language()))
        .child(el("h2", "headline").with("aria-live", "polite").text(headline))
        .line("p", "detail", detail);
    if let Some(link) = w.help() {
        root = root.child(link);
    }
    root = root.children(d.delays.iter().map(|x| notice(delay(&x.reason, x.days, &x.message, l))));
    root = root.children(d.shipments.iter().map(|s| w.parcel(s)));
    if !d.unshipped.is_empty() && d.cancelled_at.is_none() {
        let mut card = el("article", "parcel").child(el("h3", "title").text(w.say("order.unshipped", &[])));
        if d.shipments.is_empty() {
            card = card.child(w.progress(0));
        }
        root = root.child(card.child(items(&d.unshipped)));
    }
    // Where there is script: opening it makes the loader import `care.js`, which fills the body. Nothing here draws into that.
    if reader.offset.is_some() {
        let ask = el("summary", "care-ask").text(w.say("order.care", &[]));
        root = root.child(el("details", "care").child(ask).child(el("div", "care-body").with("data-keep", "")));
    }
    Vec::from([Node::Element(root)])
}

/// The headline, and what stands below it.
pub fn sentence(d: &OrderDocument, reader: Reader, l: &dyn Locale) -> Sentence {
    Words { d, reader, l }.sentence()
}

/// How much of the way is behind a parcel: ordered, shipped, out for delivery, delivered.
fn stops(status: &str) -> usize {
    match status {
        "pending" | "info_received" => 0,
        "out_for_delivery" | "available_for_pickup" | "attempt_failed" => 2,
        "delivered" => 3,
        _ => 1,
    }
}

fn moment(text: &Option<String>) -> Option<(Instant, i32)> {
    text.as_deref().and_then(Instant::parse_with_offset)
}

impl Words<'_> {
    fn say(&self, key: &str, values: &[(&str, &str)]) -> String {
        say(self.l, key, values)
    }

    /// "tomorrow" where the reader's day is known, else "Tue 2 Dec".
    fn day(&self, day: Day) -> String {
        let from_today = self.reader.offset.map(|o| day.0 - self.reader.now.local(o).0.0);
        from_today.filter(|n| (-1..=1).contains(n)).and_then(|n| self.l.relative(n)).unwrap_or_else(|| self.l.day(day))
    }

    fn window(&self, e: &Estimate) -> String {
        match (Day::parse(&e.from), Day::parse(&e.to)) {
            (Some(from), Some(to)) if from == to => self.day(to),
            (Some(from), Some(to)) => self.l.days(from, to),
            _ => String::new(),
        }
    }

    /// The parcel that decides the headline: with trouble, else the last to come.
    fn foremost(&self) -> Option<&Shipment> {
        let troubled = |s: &&Shipment| matches!(s.status.as_str(), "exception" | "attempt_failed" | "available_for_pickup");
        let last =
            || self.d.shipments.iter().filter(|s| s.status != "delivered").max_by_key(|s| s.estimate.as_ref().map(|e| &e.to));
        self.d.shipments.iter().find(troubled).or_else(last)
    }

    fn heard(&self) -> Option<(Instant, i32)> {
        self.d.shipments.iter().filter_map(|s| moment(&s.last_scan_at)).max()
    }

    fn sentence(&self) -> Sentence {
        let d = self.d;
        let promised = d.promise.as_ref().and_then(|p| Day::parse(&p.to));
        let last = promised.map(|day| self.l.day(day)).unwrap_or_default();
        let mut headline = match d.status.as_str() {
            "cancelled" => self.say("order.cancelled", &[]),
            "delivered" => self.delivered(),
            "exception" | "returned" => self.trouble("order."),
            _ => d.estimate.as_ref().map(|e| self.arriving(e, promised)).unwrap_or_default(),
        };
        if headline.is_empty() {
            headline = self.say("order.unknown", &[]);
        }
        let mut detail = Vec::new();
        let n = d.shipments.len();
        if n > 1 {
            let done = d.shipments.iter().filter(|s| s.status == "delivered").count();
            let (parcels, done) = (count(self.l, "order.parcels", n as u32, &[]), count(self.l, "order.done", done as u32, &[]));
            detail.push([&parcels, " ", &done].concat());
        }
        let at_risk = d.estimate.as_ref().is_some_and(|e| e.outlook == "at_risk");
        match d.status.as_str() {
            "ordered" => detail.push(self.say("order.packing", &[])),
            "exception" | "returned" => detail.push(self.trouble("next.")),
            "delivered" | "cancelled" => {}
            _ if at_risk && !d.delays.is_empty() => {
                let why = &d.delays[0];
                detail.push(self.say("order.held", &[("why", &cause(&why.reason, &why.message, self.l))]));
            }
            _ if d.estimate.as_ref().is_some_and(|e| e.quiet) => detail.push(self.say("order.unusual", &[])),
            _ => {
                let seen = self.foremost().and_then(|s| s.checkpoints.first()).and_then(|c| c.location.as_deref());
                detail.extend(seen.map(|place| self.say("order.seen", &[("place", place)])));
            }
        }
        if let (Some(_), Some(e)) = (promised, &d.estimate) {
            let late = e.outlook == "late";
            detail.push(self.say(if late { "order.sorry" } else { "order.promised" }, &[("day", &last)]));
        }
        detail.retain(|part| !part.is_empty());
        Sentence { headline, detail: detail.join(" · ") }
    }

    fn delivered(&self) -> String {
        match self.d.shipments.iter().filter_map(|s| moment(&s.delivered_at)).max() {
            Some((at, offset)) => {
                let day = self.day(at.local(offset).0);
                self.say("order.delivered", &[("day", &day), ("time", &self.l.time(at, offset))])
            }
            None => self.say("order.delivered_all", &[]),
        }
    }

    /// What went wrong (`order.`), or what happens next (`next.`).
    fn trouble(&self, group: &str) -> String {
        let Some(s) = self.foremost() else { return String::new() };
        let window = s.estimate.as_ref().map(|e| self.window(e)).unwrap_or_default();
        let name = match s.status.as_str() {
            "exception" => s.sub_status.as_deref().unwrap_or("exception"),
            other => other,
        };
        let values: &[(&str, &str)] = &[("days", &window)];
        let known = self.l.text(&key(group, name), None).is_some();
        self.say(&key(group, if known { name } else { "exception" }), values)
    }

    fn arriving(&self, e: &Estimate, promised: Option<Day>) -> String {
        let days = self.window(e);
        let values: &[(&str, &str)] = &[("days", &days)];
        // By how much it comes later or earlier than promised, in days.
        let apart = |to: &str| {
            let (a, b) = (Day::parse(to), promised);
            a.zip(b).map_or(0, |(a, b)| (a.0 - b.0).unsigned_abs())
        };
        let plain = match (self.d.status.as_str(), e.outlook.as_str()) {
            ("available_for_pickup", _) => return self.trouble("order."),
            (_, "late") => "order.late",
            ("out_for_delivery", _) => "order.out_for_delivery",
            _ if e.quiet => {
                let day = self.heard().map(|(at, offset)| self.day(at.local(offset).0)).unwrap_or_default();
                return self.say("order.quiet", &[("day", &day)]);
            }
            (_, "at_risk") if apart(&e.to) > 0 => return count(self.l, "order.at_risk", apart(&e.to), values),
            (_, "early") if apart(&e.to) > 0 => return count(self.l, "order.early", apart(&e.to), values),
            _ => "order.arriving",
        };
        self.say(plain, values)
    }

    /// The way to the store's help, where something is not as it should be.
    fn help(&self) -> Option<Element> {
        let d = self.d;
        let url = d.store.support_url.as_ref().filter(|u| u.starts_with("https://") || u.starts_with("http://"))?;
        let wrong = matches!(d.status.as_str(), "exception" | "returned");
        let late = d.estimate.as_ref().is_some_and(|e| e.quiet || e.outlook == "late");
        let text = match d.status.as_str() {
            "delivered" => "order.not_there",
            _ if wrong || late => "order.help",
            _ => return None,
        };
        Some(el("p", "help").child(el("a", "link").with("href", url.clone()).text(self.say(text, &[]))))
    }

    fn progress(&self, at: usize) -> Element {
        let names = ["order.ordered", "status.shipped", "status.out_for_delivery", "status.delivered"];
        el("ol", "progress").children(names.iter().enumerate().map(|(n, name)| {
            let stop = el("li", if n <= at { "stop past" } else { "stop" }).text(self.say(name, &[]));
            if n == at { stop.with("aria-current", "step") } else { stop }
        }))
    }

    fn parcel(&self, s: &Shipment) -> Element {
        let l = self.l;
        let mut card = el("article", "parcel").child(el("h3", "title").text(self.say(&key("status.", &s.status), &[])));
        if self.d.shipments.len() > 1
            && let Some(e) = &s.estimate
        {
            card = card.line("p", "window", self.say("order.arriving", &[("days", &self.window(e))]));
        }
        card = card.child(self.progress(stops(&s.status))).child(items(&s.items));
        if let Some(p) = &s.pickup {
            card = card.children([&p.name, &p.address].into_iter().flatten().map(|t| el("p", "pickup").text(t.clone())));
            card = card.children(p.hours.iter().map(|h| el("p", "hours").text(h.clone())));
            let code = p.code.as_deref().map(|c| self.say("order.code", &[("code", c)]));
            card = card.line("p", "code", code.unwrap_or_default());
        }
        if let Some(name) = &s.signed_by {
            card = card.line("p", "signed", self.say("order.signed", &[("name", name)]));
        }
        let track = self.say("order.track", &[("carrier", &s.carrier_name)]);
        card = card.child(match s.tracking_url.as_ref().filter(|u| u.starts_with("https://")) {
            Some(url) => {
                let link = el("a", "link").with("href", url.clone()).with("rel", "noreferrer noopener").with("target", "_blank");
                el("p", "carrier").child(link.text(track)).child(el("span", "number").text(s.tracking_number.clone()))
            }
            None => el("p", "carrier")
                .text([&s.carrier_name, " "].concat())
                .child(el("span", "number").text(s.tracking_number.clone())),
        });
        if let Some((at, offset)) = moment(&s.last_scan_at) {
            let text = match l.ago(self.reader.now.0 - at.0).filter(|_| self.reader.now >= at) {
                Some(ago) => self.say("order.fresh", &[("ago", &ago)]),
                None => self.say("order.last_scan", &[("day", &self.day(at.local(offset).0)), ("time", &l.time(at, offset))]),
            };
            card = card.line("p", "freshness", text);
        }
        if s.checkpoints.is_empty() { card } else { self.timeline(card, &s.checkpoints) }
    }

    /// Scans newest first, grouped by the day at the place of the scan; older days fold.
    fn timeline(&self, card: Element, checkpoints: &[Checkpoint]) -> Element {
        let mut groups: Vec<(Option<Day>, Element)> = Vec::new();
        for c in checkpoints {
            let at = moment(&c.time);
            let day = at.map(|(at, offset)| at.local(offset).0);
            let row = self.scan(c, at);
            match groups.last_mut().filter(|g| g.0 == day) {
                Some(group) => group.1.children.push(Node::Element(row)),
                None => groups.push((day, el("ol", "scans").child(row))),
            }
        }
        let mut shown = el("div", "timeline").child(el("h4", "subtitle").text(self.say("order.timeline", &[])));
        let mut folded = el("details", "older").child(el("summary", "fold").text(self.say("order.older", &[])));
        for (n, (day, list)) in groups.into_iter().enumerate() {
            let title = el("h5", "day").text(day.map(|d| self.day(d)).unwrap_or_default());
            if n < OPEN_DAYS {
                shown = shown.child(title).child(list);
            } else {
                folded = folded.child(title).child(list);
            }
        }
        card.child(if folded.children.len() > 1 { shown.child(folded) } else { shown })
    }

    fn scan(&self, c: &Checkpoint, at: Option<(Instant, i32)>) -> Element {
        let mut row = el("li", "scan");
        if let Some((at, offset)) = at {
            let time = el("time", "time").with("datetime", c.time.clone().unwrap_or_default());
            row = row.child(time.text(self.l.time(at, offset)));
        }
        let mut what = String::new();
        if let Some(sub) = &c.sub_status {
            what = self.say(&key("sub.", sub), &[]);
        }
        if what.is_empty() {
            what = self.say(&key("status.", &c.status), &[]);
        }
        // The carrier's own words, where they say more than ours.
        let message = c.message.as_ref().filter(|m| !m.eq_ignore_ascii_case(&what));
        row = row.child(el("span", "what").text(what)).line("span", "place", c.location.clone().unwrap_or_default());
        match message {
            Some(words) => row.child(el("q", "quote").with("dir", "auto").text(words.clone())),
            None => row,
        }
    }
}

fn items(list: &[Item]) -> Element {
    el("ul", "items").children(list.iter().map(|i| {
        let mut text = i.title.clone();
        if let Some(variant) = &i.variant {
            text.push_str(", ");
            text.push_str(variant);
        }
        if i.quantity > 1 {
            text.push_str(" × ");
            text.push_str(&crate::number(i.quantity));
        }
        el("li", "item").text(text)
    }))
}
