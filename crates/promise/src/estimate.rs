//! Before the purchase: a cart and a destination to one window per shipping method.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    document::{Delay, Document, Method},
    journey::{self, Dispatch, Lane},
    place,
    spread::Spread,
    time::{Day, Instant},
};

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Request {
    pub items: Vec<Line>,
    /// As much as is known; all empty: unknown.
    pub destination: Destination,
    /// Only this shipping method, by id; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Line {
    pub sku: String,
    pub quantity: u32,
}

/// ISO 3166-1 country, ISO 3166-2 region without the country, postal code. Empty: not known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Destination {
    pub country: String,
    pub region: String,
    pub postal_code: String,
}

frugal::read!(Request { items, destination, method });
frugal::read!(Line { sku, quantity });
frugal::read!(Destination { country, region, postal_code });

/// First and last day of arrival.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Window {
    pub from: Day,
    pub to: Day,
}

/// What is answered. `options` holds one entry per shipping method, in the policy's order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Estimate {
    pub policy_version: u64,
    pub computed_at: Instant,
    pub destination: Destination,
    /// How exactly the destination was known: `postal_code`, `region`, `country`, `unknown`.
    pub precision: String,
    /// The zone's name, where it is known which one it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub zone: String,
    /// `range`, `latest` or `single`: how the merchant wants windows shown.
    pub style: String,
    /// ISO 4217, of the prices.
    pub currency: String,
    pub options: Vec<Offer>,
    /// The known delays that bear on any of the options.
    pub delays: Vec<DelayShown>,
}

/// One shipping method's answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Offer {
    pub method: String,
    pub name: String,
    /// Minor units.
    pub price: i64,
    pub carrier: String,
    pub service: String,
    pub origin: String,
    /// Absent: can't be delivered this way; `obstacle` says why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Why there is no window: `excluded_zone`, `method_not_in_zone`, `item_not_by_method`, `no_service`, `not_available`, `no_origin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
    /// Percent of parcels that arrive by the window's last day.
    pub confidence: u8,
    /// The day the parcel leaves, most likely.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatch: Option<Day>,
    /// Days from today to the window's ends, for "within 3 to 6 days" where the destination is not known.
    pub days: (u16, u16),
    /// Order before this moment to keep this window; absent where waiting a little costs nothing (nothing is lost).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cutoff: Option<Cutoff>,
    /// `fastest`, `cheapest`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Safe ways to receive it: `signature`, `locker`, `pickup`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub safe: Vec<String>,
    /// Indices into [`Estimate::delays`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delays: Vec<u16>,
    /// Why this date: what led to it, in order.
    pub steps: Vec<Step>,
    /// Where the cart can't travel together: its parts (indices of the request's items) and their windows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Cutoff {
    /// Order before this.
    pub at: Instant,
    /// What it is after that.
    pub then: Window,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Part {
    pub items: Vec<u16>,
    pub origin: String,
    pub window: Window,
}

/// One step of the explanation. `kind` is one of: `ordered`, `cutoff_missed`, `not_a_working_day`, `holiday` (`place`: its name
/// or the calendar's), `lead_time`, `back_in_stock`, `handling`, `dispatch`, `transit`, `no_delivery_day`, `delay`, `zones`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Step {
    pub kind: String,
    /// The day it leads to, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<Day>,
    /// Working days it takes, from and to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<(u16, u16)>,
    /// An origin's, service's, zone's, holiday's or delay's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// A known delay, as shown: `days` is what it adds to the options it bears on, at the shown confidence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct DelayShown {
    pub id: String,
    pub reason: String,
    pub severity: u8,
    pub days: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// `(language, text)`, as the merchant wrote it.
    pub message: Vec<(String, String)>,
}

frugal::write!(Destination { country, region, postal_code });
frugal::write!(Window { from, to });
frugal::write!(Estimate { policy_version, computed_at, destination, precision, zone if some, style, currency, options, delays });
frugal::write!(Offer {
    method, name, price, carrier, service, origin, window if some, obstacle if some, confidence, dispatch if some, days, cutoff if some, tags if some, safe if some, delays if some, steps, parts if some,
});
frugal::write!(Cutoff { at, then });
frugal::write!(Part { items, origin, window });
frugal::write!(Step { kind, day if some, days if some, name if some });
frugal::write!(DelayShown { id, reason, severity, days, until if some, message });

/// Computes the windows of all shipping methods for this cart and destination.
///
/// Never fails: what can't be delivered is an answer ([`Offer::obstacle`]).
pub fn estimate(document: &Document, request: &Request, now: Instant) -> Estimate {
    let zones: Vec<usize> = place::zones(document, &request.destination);
    let mut shown: Vec<usize> = Vec::new();
    let mut options: Vec<Offer> = document
        .methods
        .iter()
        .enumerate()
        .filter(|(_, m)| request.method.as_ref().is_none_or(|only| *only == m.id))
        .map(|(index, _)| {
            let mut offer = offer(document, request, index, &zones, now, &mut shown);
            if let (Some(window), Some(at)) = (offer.window, offer.cutoff.take().map(|c| c.at)) {
                let then = self::offer(document, request, index, &zones, at, &mut Vec::new()).window;
                offer.cutoff = then.filter(|t| t.to > window.to || t.from > window.from).map(|then| Cutoff { at, then });
            }
            offer
        })
        .collect();
    tag(&mut options);
    Estimate {
        policy_version: document.version,
        computed_at: now,
        destination: request.destination.clone(),
        precision: place::precision(&request.destination).into(),
        zone: match zones.as_slice() {
            [only] => document.zones.get(*only).map(|z| z.name.clone()).unwrap_or_default(),
            _ => String::new(),
        },
        style: document.style.clone(),
        currency: document.currency.clone(),
        options,
        delays: shown.into_iter().filter_map(|d| document.delays.get(d)).map(delay_shown).collect(),
    }
}

pub(crate) fn delay_shown(delay: &Delay) -> DelayShown {
    DelayShown {
        id: delay.id.clone(),
        reason: delay.reason.clone(),
        severity: delay.severity,
        days: journey::likely(&delay.effect).1,
        until: delay.until,
        message: delay.message.clone(),
    }
}

/// Marks the fastest and the cheapest, where there is a choice.
fn tag(options: &mut [Offer]) {
    let open: Vec<usize> = (0..options.len()).filter(|i| options[*i].window.is_some()).collect();
    if open.len() < 2 {
        return;
    }
    let ends = |i: &usize| options[*i].window.map(|w| (w.to, w.from));
    let fastest = open.iter().copied().min_by_key(|i| (ends(i), options[*i].price));
    let cheapest = open.iter().copied().min_by_key(|i| (options[*i].price, ends(i)));
    for (index, word) in [(fastest, "fastest"), (cheapest, "cheapest")] {
        if let Some(offer) = index.and_then(|i| options.get_mut(i)) {
            offer.tags.push(word.into());
        }
    }
}

/// One part of the cart on its way from one origin.
struct Way {
    lines: Vec<u16>,
    lane: Lane,
    dispatch: Dispatch,
    days: Spread,
    delays: Vec<usize>,
}

/// One method's answer. Its `cutoff` holds the next cut-off's moment only; the caller finds what it is after that.
fn offer(document: &Document, request: &Request, index: usize, zones: &[usize], now: Instant, shown: &mut Vec<usize>) -> Offer {
    let Some(method) = document.methods.get(index) else { return Offer::default() };
    let mut offer = Offer {
        method: method.id.clone(),
        name: method.name.clone(),
        price: method.price,
        confidence: document.confidence,
        safe: method.safe.clone(),
        ..Offer::default()
    };
    let ways = match ways(document, request, index, zones, now) {
        Ok(ways) => ways,
        Err(obstacle) => {
            offer.obstacle = Some(obstacle.into());
            return offer;
        }
    };
    let windows: Vec<Window> = ways.iter().filter_map(|w| window(&w.days, &document.style, document.confidence)).collect();
    // The part that comes last speaks for the cart.
    let Some((last, _)) = ways.iter().zip(&windows).max_by_key(|(_, w)| (w.to, w.from)) else {
        offer.obstacle = Some("no_service".into());
        return offer;
    };
    let whole = Window {
        from: windows.iter().map(|w| w.from).min().unwrap_or_default(),
        to: windows.iter().map(|w| w.to).max().unwrap_or_default(),
    };
    let origin = document.origins.get(last.lane.origin);
    let service = document.services.get(last.lane.service);
    offer.carrier = service.map(|s| s.carrier.clone()).unwrap_or_default();
    offer.service = service.map(|s| s.id.clone()).unwrap_or_default();
    offer.origin = origin.map(|o| o.id.clone()).unwrap_or_default();
    offer.window = Some(whole);
    offer.dispatch = last.dispatch.days.quantile(50);
    let days = |day: Day| (day.0 - last.dispatch.ordered.0).clamp(0, i32::from(u16::MAX)) as u16;
    offer.days = (days(whole.from), days(whole.to));
    offer.cutoff = origin.and_then(|o| journey::next_cutoff(document, o, now)).map(|at| Cutoff { at, then: whole });
    offer.steps = steps(document, last, zones.len());
    for delay in ways.iter().flat_map(|w| w.dispatch.delays.iter().chain(&w.delays)) {
        let at = shown.iter().position(|d| d == delay).unwrap_or_else(|| {
            shown.push(*delay);
            shown.len() - 1
        }) as u16;
        if !offer.delays.contains(&at) {
            offer.delays.push(at);
        }
    }
    if ways.len() > 1 {
        offer.parts = ways
            .iter()
            .zip(&windows)
            .map(|(w, window)| Part {
                items: w.lines.clone(),
                origin: document.origins.get(w.lane.origin).map(|o| o.id.clone()).unwrap_or_default(),
                window: *window,
            })
            .collect();
    }
    offer
}

/// The shown window: its days hold the confidence asked for. `range`: as much is cut off at either end; `latest`: all that is cut off
/// lies behind the last day; `single`: the last day alone.
pub(crate) fn window(days: &Spread, style: &str, confidence: u8) -> Option<Window> {
    let confidence = u64::from(confidence.clamp(50, 99));
    Some(match style {
        "latest" => Window { from: days.quantile(0)?, to: days.quantile(confidence)? },
        "single" => {
            let to = days.quantile(confidence)?;
            Window { from: to, to }
        }
        _ => {
            let cut = (100 - confidence) / 2;
            Window { from: days.quantile(cut.max(1))?, to: days.quantile(100 - cut)? }
        }
    })
}

/// How the cart travels by a method: together from the origin that is there first, else in parts; or why it can't.
fn ways(document: &Document, request: &Request, index: usize, zones: &[usize], now: Instant) -> Result<Vec<Way>, &'static str> {
    let method = document.methods.get(index).ok_or("no_service")?;
    let open: Vec<usize> = zones.iter().copied().filter(|z| !document.zones.get(*z).is_some_and(|z| z.excluded)).collect();
    if open.is_empty() {
        return Err("excluded_zone");
    }
    let offered: Vec<usize> =
        open.into_iter().filter(|z| method.zones.is_empty() || method.zones.iter().any(|m| *m as usize == *z)).collect();
    if offered.is_empty() {
        return Err("method_not_in_zone");
    }
    let lines: Vec<&Line> = request.items.iter().collect();
    if lines.iter().filter_map(|l| journey::item(document, &l.sku)).any(|i| i.not_by.iter().any(|m| *m as usize == index)) {
        return Err("item_not_by_method");
    }
    if document.origins.is_empty() {
        return Err("no_origin");
    }
    let all: Vec<u16> = (0..lines.len() as u16).collect();
    if let Some(way) = best_way(document, method, &offered, &request.destination, &lines, &all, now) {
        return Ok(Vec::from([way]));
    }
    // Not together: each line by its own best way, those from one origin together.
    let mut ways: Vec<Way> = Vec::new();
    let mut by_origin: Vec<(usize, Vec<u16>)> = Vec::new();
    for n in &all {
        let one = best_way(document, method, &offered, &request.destination, &lines, &[*n], now);
        let Some(way) = one else {
            let sold = journey::item(document, &request.items[usize::from(*n)].sku)
                .is_some_and(|i| i.stock.is_some() && i.available_from.is_none());
            return Err(if sold { "not_available" } else { "no_service" });
        };
        match by_origin.iter_mut().find(|e| e.0 == way.lane.origin) {
            Some(group) => group.1.push(*n),
            None => by_origin.push((way.lane.origin, Vec::from([*n]))),
        }
    }
    for (origin, group) in by_origin {
        let way = way_from(document, origin, method, &offered, &request.destination, &lines, &group, now);
        ways.push(way.ok_or("no_service")?);
    }
    Ok(ways)
}

/// The way that promises the earliest last day, of all origins that have these lines.
fn best_way(
    document: &Document,
    method: &Method,
    zones: &[usize],
    to: &Destination,
    lines: &[&Line],
    group: &[u16],
    now: Instant,
) -> Option<Way> {
    let ways = (0..document.origins.len()).filter_map(|o| way_from(document, o, method, zones, to, lines, group, now));
    ways.min_by_key(|w| window(&w.days, &document.style, document.confidence).map(|w| (w.to, w.from)))
}

#[expect(clippy::too_many_arguments, reason = "one call per origin; a struct would be made for it alone")]
fn way_from(
    document: &Document,
    origin: usize,
    method: &Method,
    zones: &[usize],
    to: &Destination,
    lines: &[&Line],
    group: &[u16],
    now: Instant,
) -> Option<Way> {
    let chosen: Vec<&Line> = group.iter().filter_map(|n| lines.get(usize::from(*n)).copied()).collect();
    let has = |line: &&Line| {
        journey::item(document, &line.sku).is_none_or(|item| {
            (item.origins.is_empty() || item.origins.iter().any(|o| *o as usize == origin))
                && (journey::in_stock(item, origin, line.quantity) || item.available_from.is_some())
        })
    };
    if !chosen.iter().all(has) {
        return None;
    }
    let mut dispatch: Option<Dispatch> = None;
    for service in &method.services {
        let service = *service as usize;
        let mut days = Spread::default();
        let mut delays = Vec::new();
        let mut lane = None;
        for zone in zones {
            let on = Lane { origin, service, zone: *zone };
            if journey::transit(document, on).is_none() {
                continue;
            }
            if dispatch.is_none() {
                dispatch = Some(journey::dispatch(document, origin, &chosen, now)?);
            }
            let Some((arrives, bearing)) = journey::arrival(document, on, to, &chosen, &dispatch.as_ref()?.days) else {
                continue;
            };
            days.merge(&arrives.scaled());
            for delay in bearing {
                if !delays.contains(&delay) {
                    delays.push(delay);
                }
            }
            lane = lane.or(Some(on));
        }
        if let Some(lane) = lane {
            return Some(Way { lines: group.to_vec(), lane, dispatch: dispatch?, days, delays });
        }
    }
    None
}

/// Why this date, in order.
fn steps(document: &Document, way: &Way, zones: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut step = |kind: &str, day: Option<Day>, days: Option<(u16, u16)>, name: &str| {
        steps.push(Step { kind: kind.into(), day, days, name: name.into() });
    };
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
    if !d.lead.is_empty() {
        step("lead_time", None, Some(journey::likely(&d.lead)), "");
    }
    if let Some(o) = origin.filter(|o| journey::likely(&o.handling).1 > 0) {
        step("handling", None, Some(journey::likely(&o.handling)), &o.name);
    }
    step("dispatch", d.days.quantile(50), None, origin_name);
    let service = document.services.get(way.lane.service).map_or("", |s| s.name.as_str());
    step("transit", None, journey::transit(document, way.lane).map(journey::likely), service);
    for n in d.delays.iter().chain(&way.delays) {
        if let Some(delay) = document.delays.get(*n) {
            step("delay", None, Some(journey::likely(&delay.effect)), &delay.reason);
        }
    }
    if zones > 1 {
        step("zones", None, Some((zones as u16, zones as u16)), "");
    }
    steps
}
