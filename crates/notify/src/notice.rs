//! What is said: the page of a mail, and the short forms, for letters that were asked for and for notices about an order.

use promise::{Day, Instant};
use serde_json::{Map, Value, json};
use view::{
    Locale,
    locale::{key, say},
    order::Reader,
};
use wire::{
    OrderDocument,
    order::{Estimate, Shipment},
};

use crate::{
    layout::{Link, Page, Parcel, Sender},
    template::{self, Form},
    texts::Texts,
};

/// What an order's shopper may be told, in the order of an order's life.
pub const NOTICES: [&str; 12] = [
    "ordered",
    "shipped",
    "out_for_delivery",
    "ready_to_collect",
    "sent_back_soon",
    "delivered",
    "attempt_failed",
    "exception",
    "at_risk",
    "new_window",
    "quiet",
    "report",
];
/// Asked some days after the delivery; no news about the order, so it needs consent.
pub const SATISFIED: &str = "satisfied";

/// Letters that somebody asked for, or that one person sends to another.
pub const LETTERS: [&str; 3] = ["lookup", "history", "invitation"];

/// Who writes, and where the reader can go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct From {
    pub name: String,
    pub url: Option<String>,
    pub support_url: Option<String>,
    pub accent: String,
}

impl From {
    pub(crate) fn sender(&self) -> Sender {
        let url = self.url.clone().filter(|u| web(u));
        Sender { name: self.name.clone(), url, accent: self.accent.clone() }
    }

    pub(crate) fn help(&self, l: &dyn Locale) -> Option<Link> {
        let url = self.support_url.clone().filter(|u| web(u))?;
        Some(Link { text: say(l, "message.help", &[]), url })
    }
}

/// A day that ends in an abbreviation (“Sa., 12. Dez.”) ends the sentence as well.
pub(crate) fn one_stop(paragraphs: &mut [String]) {
    paragraphs.iter_mut().filter(|p| p.contains("..")).for_each(|p| *p = p.replace("..", "."));
}

fn web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// A letter: `<template>.subject`, `.headline`, `.body` and `.button`, with `values` for its placeholders; `values.url` is where the
/// button leads.
pub fn letter(template: &str, values: &Map<String, Value>, from: &From, l: &Texts) -> Page {
    let mut pairs: Vec<(&str, &str)> = values.iter().filter_map(|(k, v)| Some((k.as_str(), v.as_str()?))).collect();
    pairs.push(("store", &from.name));
    let said = |part: &str| say(l, &key(template, part), &pairs);
    let url = values.get("url").and_then(Value::as_str).filter(|u| web(u));
    Page {
        language: l.language(),
        store: from.sender(),
        subject: said(".subject"),
        preheader: said(".body"),
        headline: said(".headline"),
        tone: "plain",
        paragraphs: vec![said(".body")],
        buttons: url.map(|u| Link { text: said(".button"), url: u.to_owned() }).into_iter().collect(),
        footer: vec![from.name.clone()],
        links: from.help(l).into_iter().collect(),
        ..Page::default()
    }
}

/// What a merchant says in other words: Jinja templates; what is absent stays ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Override {
    pub subject: Option<String>,
    pub headline: Option<String>,
    /// Paragraphs, an empty line between them.
    pub body: Option<String>,
    /// A whole mail instead of our layout.
    pub html: Option<String>,
    /// The short form, for SMS and push.
    pub short: Option<String>,
}

/// One notice about an order.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    pub notice: &'a str,
    pub order: &'a OrderDocument,
    /// The parcels that it is about; none: the whole order.
    pub parcels: &'a [String],
    pub from: &'a From,
    /// The order's page.
    pub url: &'a str,
    /// Where these messages end.
    pub stop_url: Option<&'a str>,
    /// More for the texts: `until`, `message` …
    pub values: &'a [(&'a str, String)],
    pub now: Instant,
    pub test: bool,
}

/// A notice in all its forms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    pub page: Page,
    pub html: String,
    pub text: String,
    pub short: String,
    /// What a merchant's template could not say; ours stands in its place.
    pub wrong: Vec<(&'static str, template::Wrong)>,
}

/// Puts a notice into words.
pub fn said(t: Told, over: &Override, l: &Texts) -> Said {
    let mut page = t.page(l);
    let values = t.context(&page, l);
    let mut wrong = Vec::new();
    let mut part = |name: &'static str, source: &Option<String>, form: Form| -> Option<String> {
        let source = source.as_ref().filter(|s| !s.trim().is_empty())?;
        match template::render(source, &values, form, false) {
            Ok(text) if !text.trim().is_empty() => Some(text),
            Ok(_) => None,
            Err(e) => {
                wrong.push((name, e));
                None
            }
        }
    };
    let line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(subject) = part("subject", &over.subject, Form::Text) {
        page.subject = line(subject);
    }
    if let Some(headline) = part("headline", &over.headline, Form::Text) {
        page.headline = line(headline);
    }
    if let Some(body) = part("body", &over.body, Form::Text) {
        page.paragraphs =
            body.replace("\r\n", "\n").split("\n\n").map(|p| line(p.to_owned())).filter(|p| !p.is_empty()).collect();
        page.preheader = page.paragraphs.first().cloned().unwrap_or_default();
    }
    let short = part("short", &over.short, Form::Text).map(line);
    let short = short.unwrap_or_else(|| format!("{}: {}", t.from.name, page.subject));
    let own = part("html", &over.html, Form::Html);
    let html =
        own.unwrap_or_else(|| page.html().unwrap_or_else(|_| format!("<p>{}</p>", crate::layout::escaped(&page.headline))));
    Said { html, text: page.text(), short, wrong, page }
}

impl Told<'_> {
    fn parcels(&self) -> Vec<&Shipment> {
        let all = self.order.shipments.iter();
        let named: Vec<&Shipment> = all.clone().filter(|s| self.parcels.contains(&s.id)).collect();
        if named.is_empty() { all.collect() } else { named }
    }

    fn page(&self, l: &Texts) -> Page {
        let d = self.order;
        let parcels = self.parcels();
        let local = |time: &Option<String>| {
            time.as_deref().and_then(Instant::parse_with_offset).map(|(at, offset)| l.day(at.local(offset).0)).unwrap_or_default()
        };
        let given = |name: &str| self.values.iter().find(|v| v.0 == name).map(|v| v.1.clone()).unwrap_or_default();
        let late = d.estimate.as_ref().is_some_and(|e| e.outlook == "late");
        let name = if self.notice == "at_risk" && late { "late" } else { self.notice };
        let day = match self.notice {
            "delivered" | SATISFIED => local(&parcels.iter().filter_map(|s| s.delivered_at.clone()).max()),
            "quiet" => local(&parcels.iter().filter_map(|s| s.last_scan_at.clone()).max()),
            "sent_back_soon" | "ready_to_collect" => given("until"),
            _ => {
                parcels.iter().find_map(|s| s.estimate.as_ref()).or(d.estimate.as_ref()).map(|e| window(e, l)).unwrap_or_default()
            }
        };
        let days = d.estimate.as_ref().map(|e| window(e, l)).unwrap_or_default();
        let promised = d.promise.as_ref().and_then(|p| Day::parse(&p.to)).map(|p| l.day(p)).unwrap_or_default();
        let pairs: &[(&str, &str)] = &[
            ("number", &d.number),
            ("store", &self.from.name),
            ("day", &day),
            ("days", &days),
            ("promised", &promised),
            ("until", &day),
        ];
        let said = |part: &str| say(l, &key(name, part), pairs);
        // The same answer as on the order's page.
        let sentence = view::order::sentence(d, Reader { now: self.now, offset: None }, l);
        let mut paragraphs = Vec::new();
        let mut headline = said(".headline");
        match self.notice {
            "ordered" | "shipped" => {
                paragraphs.push(sentence.headline.clone());
                paragraphs.push(said(".body"));
                if self.notice == "shipped" && (!d.unshipped.is_empty() || parcels.len() < d.shipments.len()) {
                    paragraphs.push(said(".rest"));
                }
            }
            "exception" => {
                headline = sentence.headline.clone();
                let next = parcels.iter().find_map(|s| Some(say(l, &key("next.", s.sub_status.as_deref()?), &[])));
                paragraphs.push(next.filter(|n| !n.is_empty()).unwrap_or_else(|| said(".body")));
                let over = parcels.iter().any(|s| matches!(s.sub_status.as_deref(), Some("lost" | "damaged" | "returned")));
                if !over && !days.is_empty() {
                    paragraphs.push(say(l, "message.expected", pairs));
                }
            }
            "attempt_failed" => {
                paragraphs.push(said(".body"));
                if !days.is_empty() {
                    paragraphs.push(say(l, "message.expected", pairs));
                }
            }
            "ready_to_collect" => {
                paragraphs.push(said(".body"));
                if !day.is_empty() {
                    paragraphs.push(said(".until"));
                }
            }
            "report" => {
                paragraphs.extend(Some(given("message")).filter(|m| !m.is_empty()));
                paragraphs.push(said(".body"));
            }
            _ => paragraphs.push(said(".body")),
        }
        paragraphs.retain(|p| !p.is_empty());
        one_stop(&mut paragraphs);
        let tone = match name {
            "delivered" | "ready_to_collect" => "good",
            "attempt_failed" | "exception" | "at_risk" | "late" | "quiet" | "sent_back_soon" => "warning",
            _ => "plain",
        };
        let bare = matches!(self.notice, "report" | SATISFIED);
        let stop = self.stop_url.map(|url| Link { text: say(l, "message.stop", &[]), url: url.to_owned() });
        Page {
            language: l.language(),
            store: self.from.sender(),
            subject: said(".subject"),
            preheader: paragraphs.first().cloned().unwrap_or_default(),
            headline,
            tone,
            note: self.test.then(|| say(l, "message.test", &[])),
            paragraphs,
            parcels: if bare { Vec::new() } else { self.cards(&parcels, l) },
            buttons: vec![Link { text: say(l, "message.track", &[]), url: self.url.to_owned() }],
            footer: vec![say(l, "message.why", &[("store", &self.from.name)])],
            links: self.from.help(l).into_iter().chain(stop).collect(),
        }
    }

    fn cards(&self, parcels: &[&Shipment], l: &Texts) -> Vec<Parcel> {
        let mut cards: Vec<Parcel> = parcels.iter().map(|s| card(s, self.order.shipments.len() > 1, l)).collect();
        if self.notice == "ordered" && !self.order.unshipped.is_empty() {
            let items = self.order.unshipped.iter().map(item).collect();
            cards.push(Parcel { title: self.order.number.clone(), lines: Vec::new(), items });
        }
        cards
    }

    /// What a merchant's template may use.
    fn context(&self, page: &Page, l: &Texts) -> Value {
        let d = self.order;
        let estimate =
            d.estimate.as_ref().map(|e| json!({"from": e.from, "to": e.to, "outlook": e.outlook, "days": window(e, l)}));
        let parcels: Vec<Value> = self
            .parcels()
            .iter()
            .map(|s| {
                json!({"carrier": s.carrier_name, "number": s.tracking_number, "tracking_url": s.tracking_url, "status": s.status,
                    "sub_status": s.sub_status, "delivered_at": s.delivered_at, "pickup": s.pickup, "days": s.estimate.as_ref().map(|e| window(e, l)),
                    "items": s.items.iter().map(|i| json!({"title": i.title, "variant": i.variant, "quantity": i.quantity, "sku": i.sku})).collect::<Vec<_>>()})
            })
            .collect();
        let mut all = json!({
            "notice": self.notice, "language": page.language, "url": self.url, "stop_url": self.stop_url, "test": self.test,
            "subject": page.subject, "headline": page.headline, "body": page.paragraphs.join("\n\n"),
            "store": {"name": self.from.name, "url": self.from.url, "support_url": self.from.support_url},
            "order": {"number": d.number, "status": d.status, "placed_at": d.placed_at, "country": d.destination.country, "city": d.destination.city,
                "promise": d.promise.as_ref().map(|p| json!({"from": p.from, "to": p.to})), "estimate": estimate},
            "parcels": parcels,
        });
        for (name, value) in self.values {
            all[*name] = json!(value);
        }
        all
    }

    /// The values of [`Override`]'s templates and of hooks, with our own words among them.
    pub fn values(&self, l: &Texts) -> Value {
        self.context(&self.page(l), l)
    }
}

fn window(e: &Estimate, l: &Texts) -> String {
    match (Day::parse(&e.from), Day::parse(&e.to)) {
        (Some(from), Some(to)) => l.days(from, to),
        _ => String::new(),
    }
}

fn item(i: &wire::order::Item) -> String {
    let variant = i.variant.as_deref().filter(|v| !v.is_empty()).map(|v| format!(", {v}")).unwrap_or_default();
    if i.quantity > 1 { format!("{} × {}{variant}", i.quantity, i.title) } else { format!("{}{variant}", i.title) }
}

fn card(s: &Shipment, several: bool, l: &Texts) -> Parcel {
    let mut lines = Vec::new();
    if let Some(e) = s.estimate.as_ref().filter(|_| several) {
        lines.push(say(l, "message.expected", &[("days", &window(e, l))]));
    }
    if let Some(p) = &s.pickup {
        lines.extend([&p.name, &p.address].into_iter().flatten().cloned());
        lines.extend(p.hours.iter().cloned());
        lines.extend(p.code.as_deref().map(|c| say(l, "order.code", &[("code", c)])));
    }
    lines.extend(s.signed_by.as_deref().map(|name| say(l, "order.signed", &[("name", name)])));
    lines.push([s.carrier_name.as_str(), &s.tracking_number].join(" ").trim().to_owned());
    Parcel { title: say(l, &key("status.", &s.status), &[]), lines, items: s.items.iter().map(item).collect() }
}
