//! Before the purchase: a cart and a destination to one window per shipping method.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    cart::{Answer, Cart},
    document::{Delay, Document, Method},
    explain, journey, place,
    spread::Spread,
    time::{Day, Instant},
};

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Request {
    /// What is in the cart; empty: one thing that is on hand.
    pub items: Vec<Line>,
    /// As much as is known; all empty: unknown.
    pub destination: Destination,
    /// Only this shipping method, by id; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
}

/// A line of the cart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Line {
    /// As the store's pages name it.
    pub sku: String,
    /// How many of it.
    pub quantity: u32,
}

/// ISO 3166-1 country, ISO 3166-2 region without the country, postal code. Empty: not known. No street: a date doesn't need it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Destination {
    /// ISO 3166-1, two letters.
    pub country: String,
    /// ISO 3166-2 without the country.
    pub region: String,
    /// As typed; spaces and case make no difference.
    pub postal_code: String,
    /// The address is a post-office box.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub po_box: bool,
}

frugal::read!(Request { items, destination, method });
frugal::read!(Line { sku, quantity });
frugal::read!(Destination { country, region, postal_code, po_box });

/// First and last day of arrival.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Window {
    /// The first day.
    pub from: Day,
    /// The last day; not before the first.
    pub to: Day,
}

impl Window {
    /// By its last day, then by its first: what is less is quicker.
    pub(crate) fn rank(self) -> i64 {
        (i64::from(self.to.0) << 32) + i64::from(self.from.0)
    }
}

/// What is answered. `options` holds one entry per shipping method, in the policy's order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Estimate {
    /// The policy's that it was computed with.
    pub policy_version: u64,
    /// The moment that it holds for.
    pub computed_at: Instant,
    /// As it was asked for.
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
    /// By shipping method, in the policy's order.
    pub options: Vec<Offer>,
    /// The known delays that bear on any of the options.
    pub delays: Vec<DelayShown>,
    /// Parcels were stolen in this area: the safe ways ([`Offer::safe`]) are to be offered first.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub safer: bool,
}

/// One shipping method's answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Offer {
    /// The shipping method's id.
    pub method: String,
    /// The shipping method's name.
    pub name: String,
    /// Minor units.
    pub price: i64,
    /// The carrier's code; empty: can't be delivered this way.
    pub carrier: String,
    /// The service's id.
    pub service: String,
    /// The origin's id.
    pub origin: String,
    /// Absent: can't be delivered this way; `obstacle` says why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Why there is no window: `excluded_zone`, `method_not_in_zone`, `item_not_by_method`, `no_service`, `no_po_boxes`, `no_signature`,
    /// `not_available`, `not_together` (a cart that ships complete, and no origin has it all), `no_origin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
    /// Percent of parcels that arrive within the window (by its last day, where that is the one shown).
    pub confidence: u8,
    /// Where it ends: `pickup_point`, `locker`, `store`; empty: at the shopper's address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// Someone has to sign.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub signature: bool,
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

/// How long an offer's window can still be had, and what comes after.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Cutoff {
    /// Order before this.
    pub at: Instant,
    /// What it is after that.
    pub then: Window,
}

/// A part of the cart that travels on its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Part {
    /// Indices of the request's items.
    pub items: Vec<u16>,
    /// How many of each, where a line is divided; empty: all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quantities: Vec<u32>,
    /// The origin's id.
    pub origin: String,
    /// Of this part alone.
    pub window: Window,
}

/// One step of the explanation. `kind` is one of: `ordered`, `cutoff_missed`, `not_a_working_day`, `back_in_stock`, `back_order`,
/// `lead_time`, `handling`, `dispatch`, `ready` (to be collected), `transit`, `holiday` (closed on `day`), `delay` (`name`: its reason),
/// `parts` (`days`: how many), `zones` (how many the destination may lie in); after the purchase also `shipped`, `last_scan`, `carrier`
/// (its own date), `attempt`, `exception`, `overdue` (longer under way than was known), `late` (`day`: promised).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Step {
    /// What kind of step it is, as listed above.
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
    /// The notice's id.
    pub id: String,
    /// `weather`, `peak`, `strike`, `customs`, `stock`, `carrier`, `holiday`, `other`.
    pub reason: String,
    /// 1 (worth knowing) to 3 (severe).
    pub severity: u8,
    /// What it adds.
    pub days: u16,
    /// When it ends, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// `(language, text)`, as the merchant wrote it.
    pub message: Vec<(String, String)>,
}

/// Every kind of [`Step`] before the purchase, and those that come after it. Whoever puts steps into words has one for each, or is silent on purpose.
pub const STEPS: [&str; 14] = [
    "ordered",
    "cutoff_missed",
    "not_a_working_day",
    "back_in_stock",
    "back_order",
    "lead_time",
    "handling",
    "dispatch",
    "ready",
    "transit",
    "holiday",
    "delay",
    "parts",
    "zones",
];
/// Every kind of [`Step`] that is told only after the purchase.
pub const STEPS_AFTER: [&str; 7] = ["shipped", "last_scan", "carrier", "attempt", "exception", "overdue", "late"];
/// Every [`Offer::obstacle`].
pub const OBSTACLES: [&str; 9] = [
    "excluded_zone",
    "method_not_in_zone",
    "item_not_by_method",
    "no_service",
    "no_po_boxes",
    "no_signature",
    "not_available",
    "not_together",
    "no_origin",
];

frugal::write!(Destination { country, region, postal_code, po_box if some });
frugal::write!(Window { from, to });
frugal::write!(Estimate { policy_version, computed_at, destination, precision, zone if some, style, currency, options, delays, safer if some });
frugal::write!(Offer {
    method, name, price, carrier, service, origin, window if some, obstacle if some, confidence, to if some, signature if some, dispatch if some, days, cutoff if some, tags if some, safe if some, delays if some, steps, parts if some,
});
frugal::write!(Cutoff { at, then });
frugal::write!(Part { items, quantities if some, origin, window });
frugal::write!(Step { kind, day if some, days if some, name if some });
frugal::write!(DelayShown { id, reason, severity, days, until if some, message });

/// Computes the windows of all shipping methods for this cart and destination.
///
/// Never fails: what can't be delivered is an answer ([`Offer::obstacle`]). A destination that is known in part may lie in several zones:
/// the window then spans those of all of them ([`Estimate::precision`] and the step `zones` say so).
///
/// ```
/// use promise::{Instant, Request, estimate, estimate::{Destination, Line}, policy::Policy};
///
/// let policy: Policy = serde_json::from_str(r#"{
///     "currency": "USD", "confidence": 90,
///     "origins": [{"id": "memphis", "time_zone": "America/Chicago", "holidays": ["US"], "handling": {"min": 0, "max": 0},
///         "cutoffs": {"mon": "14:00", "tue": "14:00", "wed": "14:00", "thu": "14:00", "fri": "14:00"}}],
///     "services": [{"id": "ground", "carrier": "ups", "holidays": ["US"]}],
///     "zones": [{"id": "us", "places": [{"country": "US"}]}],
///     "transit": [{"days": {"weights": [0, 0, 1, 1]}}],
///     "methods": [{"id": "standard", "services": ["ground"]}]
/// }"#).unwrap();
/// assert_eq!(policy.validate(), []);
/// let now = Instant::parse("2026-11-30T15:00:00Z").unwrap(); // a Monday, in time for the cut-off
/// let request = Request {
///     items: vec![Line { sku: "MUG-1".into(), quantity: 2 }],
///     destination: Destination { country: "US".into(), postal_code: "94103".into(), ..Destination::default() },
///     method: None,
/// };
/// let window = estimate(&policy.document(now), &request, now).options[0].window.unwrap();
/// assert_eq!((window.from.to_string(), window.to.to_string()), ("2026-12-02".into(), "2026-12-03".into()));
/// ```
pub fn estimate(document: &Document, request: &Request, now: Instant) -> Estimate {
    let zones: Vec<usize> = place::zones(document, &request.destination);
    let cart = Cart::new(document, request, now);
    // Carts as they are at the cut-offs of origins.
    let mut after: Vec<(Instant, Cart)> = Vec::new();
    let mut shown: Vec<usize> = Vec::new();
    let mut options: Vec<Offer> = Vec::with_capacity(document.methods.len());
    for (index, method) in document.methods.iter().enumerate() {
        if request.method.as_ref().is_some_and(|only| *only != method.id) {
            continue;
        }
        let answer = cart.answer(index, &zones);
        let mut offer = offer(document, method, &cart, &answer, &mut shown);
        if let Ok(answer) = answer
            && let Some(origin) = document.origins.get(answer.last().lane.origin)
            && let Some(at) = journey::next_cutoff(document, origin, now)
        {
            let known = after.iter().position(|a| a.0 == at).unwrap_or_else(|| {
                after.push((at, Cart::new(document, request, at)));
                after.len() - 1
            });
            let then = after[known].1.answer(index, &zones).ok().map(|a| a.window);
            offer.cutoff =
                then.filter(|t| t.to > answer.window.to || t.from > answer.window.from).map(|then| Cutoff { at, then });
        }
        options.push(offer);
    }
    tag(&mut options);
    let mut delays = Vec::new();
    for delay in shown {
        if let Some(delay) = document.delays.get(delay) {
            delays.push(delay_shown(delay));
        }
    }
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
        safer: place::surely(&document.safer, &request.destination),
        options,
        delays,
    }
}

/// One method's answer, but for its cut-off.
#[inline(never)]
fn offer(document: &Document, method: &Method, cart: &Cart, answer: &Result<Answer, &str>, shown: &mut Vec<usize>) -> Offer {
    let mut offer = Offer {
        method: method.id.clone(),
        name: method.name.clone(),
        price: method.price,
        confidence: document.confidence,
        to: method.to.clone(),
        signature: cart.signature || method.signature,
        safe: method.safe.clone(),
        ..Offer::default()
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(obstacle) => {
            offer.obstacle = Some((*obstacle).into());
            return offer;
        }
    };
    let last = answer.last();
    let service = document.services.get(last.lane.service);
    let origin_id = |origin: usize| document.origins.get(origin).map(|o| o.id.clone()).unwrap_or_default();
    offer.carrier = service.map(|s| s.carrier.clone()).unwrap_or_default();
    offer.service = service.map(|s| s.id.clone()).unwrap_or_default();
    offer.origin = origin_id(last.lane.origin);
    offer.window = Some(answer.window);
    offer.dispatch = last.dispatch.days.quantile(50);
    let days = |day: Day| (day.0 - last.dispatch.ordered.0).clamp(0, i32::from(u16::MAX)) as u16;
    offer.days = (days(answer.window.from), days(answer.window.to));
    offer.steps = explain::steps(document, method, answer);
    for way in &answer.ways {
        for delay in &way.dispatch.delays {
            show(shown, &mut offer.delays, *delay);
        }
        for delay in &way.delays {
            show(shown, &mut offer.delays, *delay);
        }
        if answer.ways.len() > 1 {
            let mut part = Part { origin: origin_id(way.lane.origin), window: way.window, ..Part::default() };
            for piece in &way.pieces {
                part.items.push(piece.line);
                if answer.divided {
                    part.quantities.push(piece.quantity);
                }
            }
            offer.parts.push(part);
        }
    }
    offer
}

/// Notes that a delay bears on an offer, as its place among those shown.
fn show(shown: &mut Vec<usize>, of_offer: &mut Vec<u16>, delay: usize) {
    let at = shown.iter().position(|d| *d == delay).unwrap_or_else(|| {
        shown.push(delay);
        shown.len() - 1
    }) as u16;
    if !of_offer.contains(&at) {
        of_offer.push(at);
    }
}

/// The shown window: its days hold the confidence asked for. `range`: as much is cut off at either end; `latest`: all that is cut off
/// lies behind the last day; `single`: the last day alone. `asked`: what the two ends ask for instead, in parts of a thousand; zeros: nothing else.
pub(crate) fn window(days: &Spread, style: &str, confidence: u8, asked: (u16, u16)) -> Option<Window> {
    let confidence = u64::from(confidence.clamp(50, 99));
    let (mut first, mut last) = match style {
        "latest" => (0, confidence * 10),
        "single" => (confidence * 10, confidence * 10),
        _ => {
            let cut = (100 - confidence) / 2;
            (cut.max(1) * 10, 1000 - cut * 10)
        }
    };
    if asked.1 > 0 {
        (first, last) = (asked.0.min(asked.1).into(), asked.1.into());
    }
    Some(Window { from: days.per_mille(first)?, to: days.per_mille(last)? })
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
#[inline(never)]
fn tag(options: &mut [Offer]) {
    let (mut fastest, mut cheapest, mut open) = ((0, 0, 0), (0, 0, 0), 0);
    for (at, offer) in options.iter().enumerate() {
        let Some(window) = offer.window else { continue };
        let (quick, cheap) = ((window.rank(), offer.price, at), (offer.price, window.rank(), at));
        if open == 0 || quick < fastest {
            fastest = quick;
        }
        if open == 0 || cheap < cheapest {
            cheapest = cheap;
        }
        open += 1;
    }
    if open > 1 {
        options[fastest.2].tags.push("fastest".into());
        options[cheapest.2].tags.push("cheapest".into());
    }
}
