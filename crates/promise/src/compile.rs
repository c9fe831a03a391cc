//! From the merchant's policy to the public promise document, and what is wrong with a policy.

use std::collections::BTreeSet;

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

use crate::{
    document::{self, Document},
    holidays,
    policy::{Delay, Duration, HandOver, Invalid, Place, Policy, Ship},
    time::{Day, Instant},
};

/// How far back and ahead a document lists closed days and offsets: orders under way, and pre-orders.
const DAYS_BACK: i32 = 45;
const DAYS_AHEAD: i32 = 400;

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MONDAY_TO_FRIDAY: u8 = 0b1_1111;

impl Policy {
    /// Checks everything a merchant can get wrong. Empty: the policy can be published.
    ///
    /// ```
    /// use promise::policy::Policy;
    /// let policy: Policy = serde_json::from_str(r#"{"currency": "US$", "confidence": 100}"#).unwrap();
    /// let wrong = policy.validate();
    /// assert_eq!((wrong[0].field.as_str(), wrong[0].message.as_str()), ("confidence", "write a percentage from 50 to 99"));
    /// assert!(wrong.iter().any(|w| w.field == "currency"));
    /// ```
    pub fn validate(&self) -> Vec<Invalid> {
        let mut found = Vec::new();
        let mut bad = |field: String, message: &str| found.push(Invalid { field, message: message.to_owned() });
        if !(50..=99).contains(&self.confidence) {
            bad("confidence".into(), "write a percentage from 50 to 99");
        }
        if self.warn_below > 99 {
            bad("warn_below".into(), "write a percentage from 1 to 99, or 0 for the usual 50");
        }
        if self.currency.len() != 3 || !self.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            bad("currency".into(), "write an ISO 4217 code such as USD");
        }
        for (name, none) in [
            ("origins", self.origins.is_empty()),
            ("services", self.services.is_empty()),
            ("zones", self.zones.is_empty()),
            ("transit", self.transit.is_empty()),
            ("methods", self.methods.is_empty()),
        ] {
            if none {
                bad(name.into(), "at least one is needed before an estimate can be made");
            }
        }
        let ids = |list: &mut dyn Iterator<Item = &String>| -> Vec<String> { list.cloned().collect() };
        let origins = ids(&mut self.origins.iter().map(|o| &o.id));
        let services = ids(&mut self.services.iter().map(|s| &s.id));
        let zones = ids(&mut self.zones.iter().map(|z| &z.id));
        let methods = ids(&mut self.methods.iter().map(|m| &m.id));
        for (what, list) in [("origins", &origins), ("services", &services), ("zones", &zones), ("methods", &methods)] {
            let mut seen = BTreeSet::new();
            for (n, id) in list.iter().enumerate() {
                if id.trim().is_empty() {
                    bad(format!("{what}[{n}].id"), "an id is needed, such as \"main\"");
                } else if !seen.insert(id) {
                    bad(format!("{what}[{n}].id"), "this id is used twice");
                }
            }
        }
        let mut known = |field: String, list: &[String], id: &str, what: &str| {
            if !list.iter().any(|k| k == id) {
                found.push(Invalid { field, message: format!("there is no {what} with the id \"{id}\"") });
            }
        };
        for (n, t) in self.transit.iter().enumerate() {
            for (name, id, list) in
                [("origin", &t.origin, &origins), ("service", &t.service, &services), ("zone", &t.zone, &zones)]
            {
                if !id.is_empty() {
                    known(format!("transit[{n}].{name}"), list, id, name);
                }
            }
        }
        for (n, z) in self.zones.iter().enumerate() {
            for (k, o) in z.origins.iter().enumerate() {
                known(format!("zones[{n}].origins[{k}]"), &origins, o, "origin");
            }
        }
        for (n, m) in self.methods.iter().enumerate() {
            for (k, s) in m.services.iter().enumerate() {
                known(format!("methods[{n}].services[{k}]"), &services, s, "service");
            }
            for (k, z) in m.zones.iter().enumerate() {
                known(format!("methods[{n}].zones[{k}]"), &zones, z, "zone");
            }
        }
        for (n, i) in self.items.iter().enumerate() {
            for (k, o) in i.origins.iter().enumerate() {
                known(format!("items[{n}].origins[{k}]"), &origins, o, "origin");
            }
            for o in i.stock.iter().flat_map(|s| s.keys()) {
                known(format!("items[{n}].stock.{o}"), &origins, o, "origin");
            }
            for (k, m) in i.not_by.iter().enumerate() {
                known(format!("items[{n}].not_by[{k}]"), &methods, m, "method");
            }
        }
        for (n, d) in self.delays.iter().enumerate() {
            for (name, list, all) in [
                ("origins", &d.scope.origins, &origins),
                ("zones", &d.scope.zones, &zones),
                ("services", &d.scope.services, &services),
            ] {
                for (k, id) in list.iter().enumerate() {
                    known(format!("delays[{n}].scope.{name}[{k}]"), all, id, name.trim_end_matches('s'));
                }
            }
        }
        self.validate_values(&mut found);
        found
    }

    fn validate_values(&self, found: &mut Vec<Invalid>) {
        let mut bad = |field: String, message: String| found.push(Invalid { field, message });
        let weekday = "write weekdays as mon, tue, wed, thu, fri, sat, sun";
        let clock = "write a local time as HH:MM, for example 14:00";
        for (n, o) in self.origins.iter().enumerate() {
            let at = format!("origins[{n}]");
            if o.time_zone.parse::<Tz>().is_err() {
                bad(format!("{at}.time_zone"), "write an IANA time zone such as America/Chicago".into());
            }
            if o.cutoffs.is_empty() {
                bad(
                    format!("{at}.cutoffs"),
                    "name at least one working day with its cut-off, such as {\"mon\":\"14:00\"}".into(),
                );
            }
            for (day, time) in &o.cutoffs {
                if !WEEKDAYS.contains(&day.as_str()) {
                    bad(format!("{at}.cutoffs.{day}"), weekday.into());
                }
                if minutes(time).is_none() {
                    bad(format!("{at}.cutoffs.{day}"), clock.into());
                }
            }
            for (k, h) in o.half_days.iter().enumerate() {
                if minutes(&h.cutoff).is_none() {
                    bad(format!("{at}.half_days[{k}].cutoff"), clock.into());
                }
            }
            for (k, day) in o.pickup_days.iter().enumerate() {
                if !WEEKDAYS.contains(&day.as_str()) {
                    bad(format!("{at}.pickup_days[{k}]"), weekday.into());
                }
            }
            if !o.pickup_days.is_empty() && !o.cutoffs.is_empty() && !o.pickup_days.iter().any(|d| o.cutoffs.contains_key(d)) {
                bad(format!("{at}.pickup_days"), "carriers collect on working days only: name at least one of them".into());
            }
            for (k, code) in o.holidays.iter().enumerate() {
                if !holidays::known(code) {
                    bad(
                        format!("{at}.holidays[{k}]"),
                        format!(
                            "no holidays are known for \"{code}\": write a country such as US, or a subdivision such as US-TN"
                        ),
                    );
                }
            }
            check_duration(&o.handling, format!("{at}.handling"), &mut bad);
        }
        for (n, s) in self.services.iter().enumerate() {
            if s.carrier.is_empty() {
                bad(format!("services[{n}].carrier"), "name the carrier, such as ups".into());
            }
            for (k, day) in s.days.iter().enumerate() {
                if !WEEKDAYS.contains(&day.as_str()) {
                    bad(format!("services[{n}].days[{k}]"), weekday.into());
                }
            }
            for (k, code) in s.holidays.iter().enumerate() {
                if !holidays::known(code) {
                    bad(format!("services[{n}].holidays[{k}]"), format!("no holidays are known for \"{code}\""));
                }
            }
        }
        for (n, z) in self.zones.iter().enumerate() {
            if z.places.is_empty() {
                bad(format!("zones[{n}].places"), "name at least one place, such as {\"country\":\"US\"}".into());
            }
            check_places(&z.places, format!("zones[{n}].places"), &mut bad);
        }
        for (n, t) in self.transit.iter().enumerate() {
            check_duration(&t.days, format!("transit[{n}].days"), &mut bad);
        }
        for (n, m) in self.methods.iter().enumerate() {
            if m.services.is_empty() && m.to != HandOver::Store {
                bad(format!("methods[{n}].services"), "name at least one service that carries it".into());
            }
            if m.signature && m.to == HandOver::Locker {
                bad(format!("methods[{n}].signature"), "nobody can sign at a locker".into());
            }
            if m.price < 0 {
                bad(format!("methods[{n}].price"), "a price can't be negative".into());
            }
        }
        let mut skus = BTreeSet::new();
        for (n, i) in self.items.iter().enumerate() {
            if i.sku.is_empty() {
                bad(format!("items[{n}].sku"), "a SKU is needed".into());
            } else if !skus.insert(&i.sku) {
                bad(format!("items[{n}].sku"), "this SKU is listed twice".into());
            }
            if let Some(lead) = &i.lead {
                check_duration(lead, format!("items[{n}].lead"), &mut bad);
            }
            if let Some(wait) = &i.back_order {
                check_duration(wait, format!("items[{n}].back_order"), &mut bad);
                if i.stock.is_none() {
                    bad(format!("items[{n}].back_order"), "say how much is in stock: without it there is always enough".into());
                }
            }
        }
        for (n, d) in self.delays.iter().enumerate() {
            for invalid in d.validate() {
                bad(format!("delays[{n}].{}", invalid.field), invalid.message);
            }
        }
    }

    /// Compiles the public document, as it is at `now`. References to things that don't exist are left out.
    ///
    /// ```
    /// use promise::{Day, Instant, estimate::Destination};
    /// let policy: promise::policy::Policy = serde_json::from_str(r#"{
    ///     "currency": "USD", "confidence": 90,
    ///     "origins": [{"id": "memphis", "time_zone": "America/Chicago", "holidays": ["US"], "handling": {"min": 0, "max": 0},
    ///         "cutoffs": {"mon": "14:00", "tue": "14:00", "wed": "14:00", "thu": "14:00", "fri": "14:00"}}],
    ///     "services": [{"id": "ground", "carrier": "ups", "holidays": ["US"]}],
    ///     "zones": [{"id": "us", "places": [{"country": "US"}]}],
    ///     "transit": [{"days": {"weights": [0, 0, 1, 1]}}],
    ///     "methods": [{"id": "standard", "services": ["ground"]}]
    /// }"#).unwrap();
    /// let now = Instant::parse("2026-11-30T15:00:00Z").unwrap();
    /// let document = policy.document(now);
    /// // It carries what a browser needs and has not: the origin's clock, and the days on which nothing moves.
    /// assert_eq!(document.local("memphis", now), (Day::parse("2026-11-30").unwrap(), 9 * 3600));
    /// assert!(!document.delivers(Day::parse("2026-12-25").unwrap()));
    /// let to = Destination { country: "US".into(), ..Destination::default() };
    /// assert_eq!(document.zone_of(&to), Some("us"));
    /// ```
    pub fn document(&self, now: Instant) -> Document {
        let today = now.local(0).0;
        let days = (Day(today.0 - DAYS_BACK), Day(today.0 + DAYS_AHEAD));
        let index = |ids: Vec<&String>, id: &str| ids.iter().position(|k| *k == id).map(|n| n as u32);
        let origin = |id: &String| index(self.origins.iter().map(|o| &o.id).collect(), id);
        let service = |id: &String| index(self.services.iter().map(|s| &s.id).collect(), id);
        let zone = |id: &String| index(self.zones.iter().map(|z| &z.id).collect(), id);
        let method = |id: &String| index(self.methods.iter().map(|m| &m.id).collect(), id);
        let any = |n: Option<u32>| n.map_or(-1, |n| n as i32);

        let mut closed: Vec<Vec<Day>> = Vec::new();
        let mut share = |list: Vec<Day>| -> u32 {
            closed.iter().position(|l| *l == list).unwrap_or_else(|| {
                closed.push(list);
                closed.len() - 1
            }) as u32
        };
        let origins = self
            .origins
            .iter()
            .map(|o| document::Origin {
                id: o.id.clone(),
                name: o.name.clone(),
                offsets: offsets(&o.time_zone, days),
                cutoffs: WEEKDAYS.iter().map(|d| o.cutoffs.get(*d).and_then(|t| minutes(t)).unwrap_or(-1)).collect(),
                half_days: o.half_days.iter().filter_map(|h| Some((h.date, minutes(&h.cutoff)?))).collect(),
                closed: share(closed_days(&o.holidays, &o.closures, days)),
                pickup: weekdays(&o.pickup_days),
                handling: weights(&o.handling),
            })
            .collect();
        let services = self
            .services
            .iter()
            .map(|s| document::Service {
                id: s.id.clone(),
                carrier: s.carrier.clone(),
                name: s.name.clone(),
                days: if s.days.is_empty() { MONDAY_TO_FRIDAY } else { weekdays(&s.days) },
                closed: share(closed_days(&s.holidays, &s.closures, days)),
                no_po_boxes: s.no_po_boxes,
                no_signature: s.no_signature,
            })
            .collect();
        Document {
            version: self.version,
            learned: self.learned,
            asked: self.asked,
            safer: Vec::new(),
            made_at: now,
            currency: self.currency.clone(),
            confidence: if self.confidence == 0 { 90 } else { self.confidence.clamp(50, 99) },
            style: self.style.word().into(),
            ship: match self.ship {
                Ship::Together => "",
                Ship::AsReady => "as_ready",
                Ship::Complete => "complete",
            }
            .into(),
            warn_below: if self.warn_below == 0 { 50 } else { self.warn_below.min(99) },
            origins,
            services,
            zones: self
                .zones
                .iter()
                .map(|z| document::Zone {
                    id: z.id.clone(),
                    name: z.name.clone(),
                    excluded: z.excluded,
                    places: z.places.iter().map(place).collect(),
                    origins: z.origins.iter().filter_map(origin).collect(),
                })
                .collect(),
            transit: self
                .transit
                .iter()
                .filter(|t| {
                    (t.origin.is_empty() || origin(&t.origin).is_some())
                        && (t.service.is_empty() || service(&t.service).is_some())
                        && (t.zone.is_empty() || zone(&t.zone).is_some())
                })
                .map(|t| document::Transit {
                    origin: any(origin(&t.origin)),
                    service: any(service(&t.service)),
                    zone: any(zone(&t.zone)),
                    days: weights(&t.days),
                })
                .collect(),
            methods: self
                .methods
                .iter()
                .map(|m| document::Method {
                    id: m.id.clone(),
                    name: m.name.clone(),
                    price: m.price,
                    services: m.services.iter().filter_map(service).collect(),
                    zones: m.zones.iter().filter_map(zone).collect(),
                    aliases: m.aliases.clone(),
                    safe: m.safe.clone(),
                    to: match m.to {
                        HandOver::Address => "",
                        HandOver::PickupPoint => "pickup_point",
                        HandOver::Locker => "locker",
                        HandOver::Store => "store",
                    }
                    .into(),
                    signature: m.signature,
                })
                .collect(),
            items: self
                .items
                .iter()
                .map(|i| document::Item {
                    sku: i.sku.clone(),
                    lead: i.lead.as_ref().map(weights).unwrap_or_default(),
                    stock: i.stock.as_ref().map(|s| s.iter().filter_map(|(o, n)| Some((origin(o)?, *n))).collect()),
                    available_from: i.available_from,
                    back_order: i.back_order.as_ref().map(weights).unwrap_or_default(),
                    origins: i.origins.iter().filter_map(origin).collect(),
                    not_by: i.not_by.iter().filter_map(method).collect(),
                    signature: i.signature,
                })
                .collect(),
            // What has ended long ago bears on nothing that is still under way.
            delays: self
                .delays
                .iter()
                .filter(|d| d.until.is_none_or(|u| u.local(0).0 >= days.0))
                .map(|d| document::Delay {
                    id: d.id.clone(),
                    from: d.from,
                    until: d.until,
                    effect: weights(&d.effect),
                    reason: d.reason.clone(),
                    severity: d.severity,
                    message: d.message.iter().map(|(l, t)| (l.clone(), t.clone())).collect(),
                    origins: d.scope.origins.iter().filter_map(origin).collect(),
                    zones: d.scope.zones.iter().filter_map(zone).collect(),
                    services: d.scope.services.iter().filter_map(service).collect(),
                    carriers: d.scope.carriers.clone(),
                    skus: d.scope.skus.clone(),
                    places: d.scope.places.iter().map(place).collect(),
                })
                .collect(),
            closed,
        }
    }
}

impl Duration {
    /// Weights of 0, 1, 2 … working days, as a document takes them; empty: no days.
    ///
    /// ```
    /// use promise::policy::Duration;
    /// let typed: Duration = serde_json::from_str(r#"{"min": 3, "max": 5}"#).unwrap();
    /// let weights = typed.weights();
    /// assert!(weights[..3].iter().all(|w| *w == 0) && weights[3] > 0 && weights[5] > 0);
    /// ```
    pub fn weights(&self) -> Vec<u32> {
        weights(self)
    }
}

impl Delay {
    /// What is wrong with a notice, apart from ids that only a policy knows.
    pub fn validate(&self) -> Vec<Invalid> {
        const REASONS: [&str; 8] = ["weather", "peak", "strike", "customs", "stock", "carrier", "holiday", "other"];
        let mut found = Vec::new();
        let mut bad = |field: String, message: String| found.push(Invalid { field, message });
        if self.id.is_empty() {
            bad("id".into(), "an id is needed".into());
        }
        if !REASONS.contains(&self.reason.as_str()) {
            bad("reason".into(), format!("write one of {}", REASONS.join(", ")));
        }
        if !(1..=3).contains(&self.severity) {
            bad("severity".into(), "write 1 (worth knowing), 2 or 3 (severe)".into());
        }
        if self.until.is_some_and(|u| u <= self.from) {
            bad("until".into(), "it must end after it begins".into());
        }
        check_duration(&self.effect, "effect".into(), &mut bad);
        check_places(&self.scope.places, "scope.places".into(), &mut bad);
        found
    }
}

fn check_duration(d: &Duration, at: String, bad: &mut dyn FnMut(String, String)) {
    const LONGEST: usize = 250;
    if d.weights.is_empty() && d.min.is_none() && d.max.is_none() {
        bad(at, "write working days, such as {\"min\":1,\"max\":2}".into());
    } else if d.weights.is_empty() {
        let (min, max) = (d.min.unwrap_or(0), d.max.or(d.min).unwrap_or(0));
        if min > max {
            bad(format!("{at}.min"), "the shortest can't be longer than the longest".into());
        } else if usize::from(max) > LONGEST {
            bad(format!("{at}.max"), format!("at most {LONGEST} working days"));
        }
    } else if d.weights.iter().all(|w| *w == 0) || d.weights.len() > LONGEST {
        bad(format!("{at}.weights"), format!("weights of 0, 1, 2 … working days, at most {LONGEST} and not all zero"));
    }
}

fn check_places(places: &[Place], at: String, bad: &mut dyn FnMut(String, String)) {
    for (k, p) in places.iter().enumerate() {
        if p.country.len() != 2 || !p.country.bytes().all(|b| b.is_ascii_alphabetic()) {
            bad(format!("{at}[{k}].country"), "write an ISO 3166 code such as US".into());
        }
        for (j, code) in p.postal_codes.iter().enumerate() {
            let (first, last) = range(code);
            if first.is_empty()
                || last.is_empty()
                || first.get(..first.len().min(last.len())) > last.get(..first.len().min(last.len()))
            {
                bad(format!("{at}[{k}].postal_codes[{j}]"), "write a prefix such as 941, or a range such as 900-961".into());
            }
        }
    }
}

/// `HH:MM` in minutes.
fn minutes(text: &str) -> Option<i32> {
    let (h, m) = text.split_once(':')?;
    if h.is_empty() || h.len() > 2 || m.len() != 2 || !h.bytes().chain(m.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (h, m): (i32, i32) = (h.parse().ok()?, m.parse().ok()?);
    (h * 60 + m <= 24 * 60 && m < 60).then_some(h * 60 + m)
}

fn weekdays(names: &[String]) -> u8 {
    WEEKDAYS.iter().enumerate().filter(|(_, d)| names.iter().any(|n| n == *d)).fold(0, |bits, (n, _)| bits | 1 << n)
}

fn range(code: &str) -> (String, String) {
    let clean = |s: &str| -> String { s.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_uppercase()).collect() };
    match code.split_once(['-', '–']) {
        Some((a, b)) => (clean(a), clean(b)),
        None => (clean(code), clean(code)),
    }
}

fn place(p: &Place) -> document::Place {
    document::Place {
        country: p.country.to_ascii_uppercase(),
        regions: p.regions.iter().map(|r| r.to_ascii_uppercase()).collect(),
        postal_codes: p.postal_codes.iter().map(|c| range(c)).collect(),
    }
}

/// What a merchant means by "3 to 5 days": any of these days alike, one parcel in twenty-five later (three in a hundred by one
/// day, one in a hundred by two). A prior, until the store's own deliveries are known.
fn weights(d: &Duration) -> Vec<u32> {
    const WHOLE: u64 = 10_000;
    if !d.weights.is_empty() {
        let total: u64 = d.weights.iter().map(|w| u64::from(*w)).sum::<u64>().max(1);
        // Scaled so that products of several stages stay far below 2^64; what was possible stays possible.
        return d
            .weights
            .iter()
            .map(|w| if total > WHOLE && *w > 0 { (u64::from(*w) * WHOLE / total).max(1) as u32 } else { *w })
            .collect();
    }
    let min = d.min.or(d.max).unwrap_or(0);
    let max = d.max.unwrap_or(min).max(min);
    if max == 0 {
        return Vec::new();
    }
    let days = u32::from(max - min) + 1;
    let mut list = vec![0; usize::from(min)];
    list.extend(std::iter::repeat_n(9_600 / days, days as usize));
    list.extend([300, 100]);
    list
}

fn closed_days(calendars: &[String], closures: &[Day], (from, to): (Day, Day)) -> Vec<Day> {
    let mut days: BTreeSet<Day> = closures.iter().copied().filter(|d| *d >= from && *d <= to).collect();
    for code in calendars {
        days.extend(holidays::days(code).range(from..=to));
    }
    days.into_iter().collect()
}

/// The offsets of a time zone over a stretch of days: the first, and each change.
fn offsets(zone: &str, (from, to): (Day, Day)) -> Vec<(Instant, i32)> {
    let Ok(zone) = zone.parse::<Tz>() else { return vec![(Instant(0), 0)] };
    let at = |second: i64| -> i32 {
        let utc = DateTime::from_timestamp(second, 0).unwrap_or_default().naive_utc();
        zone.offset_from_utc_datetime(&utc).fix().local_minus_utc() / 60
    };
    let first = i64::from(from.0) * 86_400;
    let (mut before, mut offset) = (first, at(first));
    let mut list = vec![(Instant(first), offset)];
    for day in from.0 + 1..=to.0 {
        let end = i64::from(day) * 86_400;
        let then = at(end);
        if then != offset {
            // The change lies within this day: found by halving.
            let (mut low, mut high) = (before, end);
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if at(middle) == offset { low = middle } else { high = middle }
            }
            list.push((Instant(high), at(high)));
        }
        (before, offset) = (end, then);
    }
    list
}
