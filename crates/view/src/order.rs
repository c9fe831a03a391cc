//! The order surface: where it is and when it arrives, parcel by parcel.

use std::vec::Vec;

use promise::{Day, Instant};
use wire::{
    OrderDocument,
    order::{Checkpoint, Estimate, Item, Pickup, Sentence, Shipment},
};

use crate::{
    estimate::{cause, delay, notice},
    locale::Locale,
    node::{Node, plain},
    page::Page,
    render,
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
}

/// Days of the timeline that stand open; older ones fold.
const OPEN_DAYS: usize = 2;

/// Places of the journey picture, at most.
const STATIONS: usize = 5;

/// The nodes of an order's page.
pub fn order(d: &OrderDocument, reader: Reader, l: &dyn Locale) -> Vec<Node> {
    let mut page = Page::new(l.language());
    draw(&mut page, d, reader, None);
    render::nodes(&page, l)
}

/// The headline, and what stands below it.
pub fn sentence(d: &OrderDocument, reader: Reader, l: &dyn Locale) -> Sentence {
    let said = |write: &dyn Fn(&Words, &mut Page)| {
        let mut page = Page::new(l.language());
        write(&Words { d, reader }, &mut page);
        plain(&render::nodes(&page, l))
    };
    Sentence { headline: said(&|w, p| w.headline(p)), detail: said(&|w, p| w.detail(p)) }
}

/// Writes an order's page. `stale`: it could not be asked for, and this was known so many seconds ago.
pub fn draw(p: &mut Page, d: &OrderDocument, reader: Reader, stale: Option<i64>) {
    let w = Words { d, reader };
    // Where there is script.
    let live = reader.offset.is_some();
    p.open("section", "order").direction();
    if let Some(seconds) = stale {
        p.open("p", "stale").attribute("role", "status").say("order.as_of");
        ago(p, seconds);
        p.end().end();
    }
    p.open("h2", "headline").attribute("aria-live", "polite");
    w.headline(p);
    p.end().line("p", "detail");
    w.detail(p);
    p.end();
    w.help(p);
    for x in &d.delays {
        notice(p);
        delay(p, &x.reason, x.days, &x.message);
        p.end();
    }
    w.promised_and_now(p);
    for s in &d.shipments {
        w.parcel(p, s);
    }
    if !d.unshipped.is_empty() && d.cancelled_at.is_none() {
        p.open("article", "parcel").leaf("h3", "title", "order.unshipped");
        if d.shipments.is_empty() {
            progress(p, 0);
        }
        items(p, &d.unshipped);
        p.end();
    }
    if live {
        p.open("p", "actions");
        if d.estimate.is_some() {
            action(p, "calendar");
        }
        action(p, "share");
        action(p, "print");
        action(p, "forget");
        p.end();
        // Opening it makes the loader import `care.js`, which fills the body. Nothing here draws into that.
        p.open("details", "care").leaf("summary", "care-ask", "order.care");
        p.open("div", "care-body").attribute("data-keep", "").end().end();
        // What the merchant puts into the element with this slot's name: other things to buy, say. Nothing by itself.
        p.open("slot", "").attribute("name", "recommendations").end();
    }
    p.end();
}

fn action(p: &mut Page, name: &str) {
    p.open("button", "action").attribute("type", "button").attribute("name", name).said_of("action.", name).end();
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

fn progress(p: &mut Page, at: usize) {
    p.open("ol", "progress");
    let names = ["order.ordered", "status.shipped", "status.out_for_delivery", "status.delivered"];
    for (n, name) in names.into_iter().enumerate() {
        p.open("li", if n <= at { "stop past" } else { "stop" });
        if n == at {
            p.attribute("aria-current", "step");
        }
        p.said(name).end();
    }
    p.end();
}

#[inline(never)]
fn moment(text: &Option<String>) -> Option<(Instant, i32)> {
    text.as_deref().and_then(Instant::parse_with_offset)
}

/// `{ago}`
fn ago(p: &mut Page, seconds: i64) {
    let (size, unit) = match seconds {
        ..3_600 => (60, "minute"),
        3_600..86_400 => (3_600, "hour"),
        _ => (86_400, "day"),
    };
    p.v_relative("ago", -(seconds / size), unit);
}

fn span(from: &str, to: &str) -> Option<(Day, Day)> {
    Some((Day::parse(from)?, Day::parse(to)?))
}

/// What a carrier means by its sub-status, where we have words for it.
fn known(sub: &str) -> bool {
    matches!(sub, "damaged" | "lost" | "customs" | "address" | "returned")
}

fn link<'p>(p: &'p mut Page, href: &str) -> &'p mut Page {
    p.open("a", "link").attribute("href", href)
}

impl Words<'_> {
    /// "tomorrow" where that is as near as `words` on the reader's own calendar, which may be a day ahead of the place's or behind
    /// it; else "Tue 2 Dec".
    fn near(&self, p: &mut Page, name: &str, day: Day, words: core::ops::RangeInclusive<i32>) {
        match self.reader.offset.map(|o| day.0 - self.reader.now.local(o).0.0) {
            Some(n) if words.contains(&n) => p.v_relative(name, n.into(), "day"),
            _ => p.v_day(name, day),
        };
    }

    /// `{day}` of what is to come: never "yesterday".
    fn coming(&self, p: &mut Page, name: &str, day: Day) {
        self.near(p, name, day, 0..=1);
    }

    fn window(&self, p: &mut Page, from: &str, to: &str) {
        match span(from, to) {
            Some((from, to)) if from == to => self.coming(p, "days", to),
            Some((from, to)) => {
                p.v_days("days", from, to);
            }
            None => {}
        }
    }

    /// `{day}` of what has happened: never "tomorrow".
    fn past(&self, p: &mut Page, name: &str, day: Day) {
        self.near(p, name, day, -1..=0);
    }

    /// `{day}` and `{time}` of what has happened, at its place.
    fn at(&self, p: &mut Page, (at, offset): (Instant, i32)) {
        self.past(p, "day", at.local(offset).0);
        p.v_time("time", at, offset);
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

    fn arrived(&self) -> Option<(Instant, i32)> {
        self.d.shipments.iter().filter_map(|s| moment(&s.delivered_at)).max()
    }

    fn promised(&self) -> Option<(Day, Day)> {
        self.d.promise.as_ref().and_then(|p| span(&p.from, &p.to))
    }

    fn headline(&self, p: &mut Page) {
        let d = self.d;
        match (d.status.as_str(), &d.estimate) {
            ("cancelled", _) => {
                p.said("order.cancelled");
            }
            ("delivered", _) => match self.arrived() {
                Some(moment) => {
                    p.say("order.delivered");
                    self.at(p, moment);
                    p.end();
                }
                None => {
                    p.said("order.delivered_all");
                }
            },
            ("exception" | "returned", _) => self.trouble(p, "order."),
            (_, Some(e)) => self.arriving(p, e),
            _ => {
                p.said("order.unknown");
            }
        }
    }

    fn detail(&self, p: &mut Page) {
        let d = self.d;
        let n = d.shipments.len();
        if n > 1 {
            let done = d.shipments.iter().filter(|s| s.status == "delivered").count();
            p.say("order.split").v_said_count("parcels", "order.parcels", n as u32).end();
            p.v_said_count("done", "order.done", done as u32).end().end();
        }
        p.separator();
        let outlook = d.estimate.as_ref().map_or("", |e| e.outlook.as_str());
        match d.status.as_str() {
            "ordered" => {
                p.said("order.packing");
            }
            "exception" | "returned" => self.trouble(p, "next."),
            "cancelled" => {
                p.said("order.nothing_more");
            }
            "delivered" => {}
            _ if matches!(outlook, "at_risk" | "late") && !d.delays.is_empty() => {
                p.say("order.held");
                cause(p, "why", &d.delays[0].reason, &d.delays[0].message);
                p.end();
            }
            _ if d.estimate.as_ref().is_some_and(|e| e.quiet) => {
                p.said("order.unusual");
            }
            "partly_shipped" => {
                p.said("order.partly_shipped");
            }
            _ => {
                let seen = self.foremost().and_then(|s| s.checkpoints.first()).and_then(|c| c.location.as_deref());
                if let Some(place) = seen {
                    p.say("order.seen").v_text("place", place).end();
                }
            }
        }
        let Some((_, last)) = self.promised() else { return };
        p.separator();
        if d.estimate.is_some() {
            p.say(if outlook == "late" { "order.sorry" } else { "order.promised" }).v_day("day", last).end();
        } else if let Some((at, offset)) = self.arrived().filter(|_| d.status == "delivered") {
            match at.local(offset).0.0 - last.0 {
                ..1 => p.said("order.kept"),
                n => p.count("order.broken", n as u32).end(),
            };
        }
    }

    /// What went wrong (`order.`), or what happens next (`next.`).
    fn trouble(&self, p: &mut Page, group: &str) {
        let Some(s) = self.foremost() else { return };
        let name = match (s.status.as_str(), s.sub_status.as_deref()) {
            (status @ ("attempt_failed" | "available_for_pickup"), _) => status,
            (_, Some(sub)) if known(sub) => sub,
            _ => "exception",
        };
        p.say_of(group, name);
        if let Some(e) = &s.estimate {
            self.window(p, &e.from, &e.to);
        }
        p.end();
    }

    fn arriving(&self, p: &mut Page, e: &Estimate) {
        if self.d.status == "available_for_pickup" {
            return self.trouble(p, "order.");
        }
        if e.outlook != "late" && self.d.status != "out_for_delivery" && e.quiet {
            p.say("order.quiet");
            if let Some((at, offset)) = self.heard() {
                self.past(p, "day", at.local(offset).0);
            }
            p.end();
            return;
        }
        let apart = match (Day::parse(&e.to), self.promised()) {
            (Some(now), Some((_, then))) => now.0.abs_diff(then.0),
            _ => 0,
        };
        match (e.outlook.as_str(), self.d.status.as_str()) {
            ("late", _) => p.say("order.late"),
            (_, "out_for_delivery") => p.say("order.out_for_delivery"),
            ("at_risk", _) if apart > 0 => p.count("order.at_risk", apart),
            ("early", _) if apart > 0 => p.count("order.early", apart),
            _ => p.say("order.arriving"),
        };
        self.window(p, &e.from, &e.to);
        p.end();
    }

    /// The way to the store's help, where something is not as it should be.
    fn help(&self, p: &mut Page) {
        let d = self.d;
        let url = d.store.support_url.as_deref().filter(|u| u.starts_with("https://") || u.starts_with("http://"));
        let Some(url) = url else { return };
        let late = d.estimate.as_ref().is_some_and(|e| e.quiet || e.outlook == "late");
        let text = match d.status.as_str() {
            "delivered" => "order.not_there",
            "exception" | "returned" => "order.help",
            _ if late => "order.help",
            _ => return,
        };
        p.open("p", "help");
        link(p, url).said(text).end().end();
    }

    /// The promise then and the estimate now, side by side where they differ: neither is hidden.
    fn promised_and_now(&self, p: &mut Page) {
        let (Some((from, to)), Some(now)) = (self.promised(), &self.d.estimate) else { return };
        if span(&now.from, &now.to) == Some((from, to)) {
            return;
        }
        p.open("dl", "windows").open("div", "then").leaf("dt", "label", "order.was_promised").open("dd", "window").value();
        if from == to {
            p.v_day("days", to);
        } else {
            p.v_days("days", from, to);
        }
        p.end().end().end().open("div", "now").leaf("dt", "label", "order.now").open("dd", "window").value();
        self.window(p, &now.from, &now.to);
        p.end().end().end().end();
    }

    fn parcel(&self, p: &mut Page, s: &Shipment) {
        p.open("article", "parcel").open("h3", "title").said_of("status.", &s.status).end();
        if let Some(e) = s.estimate.as_ref().filter(|_| self.d.shipments.len() > 1) {
            p.open("p", "window").say("order.arriving");
            self.window(p, &e.from, &e.to);
            p.end().end();
        }
        progress(p, stops(&s.status));
        self.journey(p, s);
        items(p, &s.items);
        if let Some(pickup) = &s.pickup {
            self.pickup(p, pickup);
        }
        if s.sub_status.as_deref() == Some("customs") && s.status != "delivered" {
            p.leaf("p", "customs", "next.customs");
        }
        self.proof(p, s);
        self.carrier(p, s);
        self.freshness(p, s);
        self.timeline(p, &s.checkpoints);
        p.end();
    }

    /// When the carrier last saw it, and when we last heard of it, be it nothing new.
    fn freshness(&self, p: &mut Page, s: &Shipment) {
        p.line("p", "freshness");
        let passed = |(at, _): (Instant, i32)| self.reader.now.0 - at.0;
        if let Some(moment) = moment(&s.last_scan_at) {
            if self.reader.offset.is_some() && passed(moment) >= 0 {
                p.say("order.fresh");
                ago(p, passed(moment));
            } else {
                p.say("order.last_scan");
                self.at(p, moment);
            }
            p.end();
        }
        if let Some(seconds) = moment(&s.checked_at).map(passed).filter(|s| *s >= 0) {
            p.separator().say("order.checked");
            ago(p, seconds);
            p.end();
        }
        p.end();
    }

    fn carrier(&self, p: &mut Page, s: &Shipment) {
        p.open("p", "carrier");
        match s.tracking_url.as_deref().filter(|u| u.starts_with("https://")) {
            Some(url) => {
                link(p, url).attribute("rel", "noreferrer noopener").attribute("target", "_blank");
                p.say("order.track").v_text("carrier", &s.carrier_name).end().end();
            }
            None => {
                p.given("span", "name", &s.carrier_name);
            }
        }
        p.given("span", "number", &s.tracking_number);
        if let Some(phone) = &s.carrier_phone {
            let digits: String = phone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
            link(p, &["tel:", &digits].concat()).say("order.call").v_text("phone", phone).end().end();
        }
        p.end();
    }

    /// Where and until when it waits, and what opens the door.
    fn pickup(&self, p: &mut Page, at: &Pickup) {
        for text in [&at.name, &at.address].into_iter().flatten() {
            p.given("p", "pickup", text);
        }
        for hours in &at.hours {
            p.given("p", "hours", hours);
        }
        if let Some(code) = &at.code {
            p.open("p", "code").say("order.code").v_text("code", code).end().end();
        }
        if let Some(day) = at.until.as_deref().and_then(|u| Day::parse(u.get(..10).unwrap_or_default())) {
            p.open("p", "until").say("order.until");
            self.coming(p, "day", day);
            p.end().end();
        }
        if let Some(address) = &at.address {
            let mut url = String::from("https://www.openstreetmap.org/search?query=");
            encode(&mut url, address);
            p.open("p", "directions");
            link(p, &url)
                .attribute("rel", "noreferrer noopener")
                .attribute("target", "_blank")
                .said("order.directions")
                .end()
                .end();
        }
    }

    /// What shows that it was handed over.
    fn proof(&self, p: &mut Page, s: &Shipment) {
        if s.status != "delivered" {
            return;
        }
        p.line("p", "proof");
        if let Some(moment) = moment(&s.delivered_at).filter(|_| self.d.shipments.len() > 1) {
            p.say("order.delivered");
            self.at(p, moment);
            p.end();
        }
        if let Some(name) = &s.signed_by {
            p.separator().say("order.signed").v_text("name", name).end();
        }
        if let Some(c) = s.checkpoints.iter().find(|c| c.status == "delivered") {
            if let Some(place) = &c.location {
                p.separator().text(place);
            }
            if let Some(words) = &c.message {
                p.given("q", "quote", words);
            }
        }
        p.end();
    }

    /// A simple picture of the way: the places of the scans in order, and the destination.
    fn journey(&self, p: &mut Page, s: &Shipment) {
        let mut places: Vec<&str> = Vec::new();
        for c in s.checkpoints.iter().rev() {
            // "Memphis" of "Memphis, TN, US": the picture has little room.
            let place = c.location.as_deref().unwrap_or_default();
            let place = place.split(',').next().unwrap_or_default();
            if !place.is_empty() && places.last() != Some(&place) {
                places.push(place);
            }
        }
        let here = places.len();
        let home = self.d.destination.city.as_deref().filter(|city| s.status != "delivered" && places.last() != Some(city));
        places.extend(home);
        if here == 0 || places.len() < 2 {
            return;
        }
        // The first, and the last ones.
        if places.len() > STATIONS {
            places.drain(1..places.len() - STATIONS + 1);
        }
        let ahead = usize::from(home.is_some());
        p.open("ol", "journey").attribute_said("aria-label").said("order.journey");
        for (n, place) in places.iter().enumerate() {
            let left = places.len() - 1 - n;
            let part = match left.cmp(&ahead) {
                std::cmp::Ordering::Less => "station ahead",
                std::cmp::Ordering::Equal => "station here",
                std::cmp::Ordering::Greater => "station",
            };
            p.open("li", part).open("svg", "track").attribute("viewBox", "0 0 100 12").attribute("preserveAspectRatio", "none");
            p.attribute("aria-hidden", "true");
            if left > 0 {
                p.open("path", "way").attribute("d", "M6 6H100").end();
            }
            p.end().open("svg", "dot").attribute("viewBox", "0 0 12 12").attribute("aria-hidden", "true");
            p.open("circle", "").attribute("cx", "6").attribute("cy", "6").attribute("r", "4").end().end();
            p.given("span", "name", place).end();
        }
        p.end();
    }

    /// Scans newest first, grouped by the day at the place of the scan; older days fold.
    fn timeline(&self, p: &mut Page, checkpoints: &[Checkpoint]) {
        if checkpoints.is_empty() {
            return;
        }
        p.open("div", "timeline").leaf("h4", "subtitle", "order.timeline");
        let mut last: Option<Option<Day>> = None;
        let mut days = 0;
        for c in checkpoints {
            let at = moment(&c.time);
            let day = at.map(|(at, offset)| at.local(offset).0);
            if last != Some(day) {
                if last.is_some() {
                    p.end();
                }
                last = Some(day);
                if days == OPEN_DAYS {
                    p.open("details", "older").leaf("summary", "fold", "order.older");
                }
                days += 1;
                if let Some(day) = day {
                    p.open("h5", "day").value();
                    self.past(p, "days", day);
                    p.end().end();
                }
                p.open("ol", "scans");
            }
            scan(p, c, at);
        }
        p.end();
        if days > OPEN_DAYS {
            p.end();
        }
        p.end();
    }
}

fn scan(p: &mut Page, c: &Checkpoint, at: Option<(Instant, i32)>) {
    p.open("li", "scan");
    if let Some((at, offset)) = at {
        p.open("time", "time").attribute("datetime", c.time.as_deref().unwrap_or_default());
        p.value().v_time("days", at, offset).end().end();
    }
    p.open("span", "what");
    match c.sub_status.as_deref().filter(|sub| known(sub) || *sub == "signed") {
        Some(sub) => p.said_of("sub.", sub),
        None => p.said_of("status.", &c.status),
    };
    p.end().given("span", "place", c.location.as_deref().unwrap_or_default());
    // The carrier's own words.
    if let Some(words) = &c.message {
        p.line("q", "quote").attribute("dir", "auto").text(words).end();
    }
    p.end();
}

fn items(p: &mut Page, list: &[Item]) {
    if list.is_empty() {
        return;
    }
    p.open("ul", "items");
    for i in list {
        p.open("li", "item");
        if let Some(image) = i.image.as_deref().filter(|u| u.starts_with("https://") || u.starts_with("http://")) {
            p.open("img", "image").attribute("src", image).attribute("alt", "").attribute("loading", "lazy");
            p.attribute("width", "48").attribute("height", "48").end();
        }
        p.open("span", "what").text(&i.title);
        if let Some(variant) = &i.variant {
            p.text(", ").text(variant);
        }
        if i.quantity > 1 {
            p.text(" × ").value().v_number("days", i.quantity).end();
        }
        p.end().end();
    }
    p.end();
}

/// For an address's query.
fn encode(to: &mut String, text: &str) {
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() {
            to.push(char::from(b));
        } else {
            to.push('%');
            for digit in [b >> 4, b & 15] {
                to.push(char::from(if digit < 10 { b'0' + digit } else { b'A' + digit - 10 }));
            }
        }
    }
}
