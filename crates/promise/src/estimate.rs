//! Before the purchase: a cart and a destination to one window per shipping method.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{document::Document, time::{Day, Instant}};

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
#[serde(default)]
pub struct Line {
    pub sku: String,
    pub quantity: u32,
}

/// ISO 3166-1 country, ISO 3166-2 region without the country, postal code. Empty: not known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Destination {
    pub country: String,
    pub region: String,
    pub postal_code: String,
}

/// First and last day of arrival.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub from: Day,
    pub to: Day,
}

/// What is answered. `options` holds one entry per shipping method, in the policy's order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Estimate {
    pub policy_version: u64,
    pub computed_at: Instant,
    pub destination: Destination,
    /// How exactly the destination was known: `postal_code`, `region`, `country`, `unknown`.
    pub precision: String,
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
#[serde(default)]
pub struct Cutoff {
    /// Order before this.
    pub at: Instant,
    /// What it is after that.
    pub then: Window,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Part {
    pub items: Vec<u16>,
    pub origin: String,
    pub window: Window,
}

/// One step of the explanation. `kind` is one of: `ordered`, `cutoff_missed`, `not_a_working_day`, `holiday` (`place`: its name
/// or the calendar's), `lead_time`, `back_in_stock`, `handling`, `dispatch`, `transit`, `no_delivery_day`, `delay`, `zones`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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

/// Computes the windows of all shipping methods for this cart and destination.
///
/// Never fails: what can't be delivered is an answer ([`Offer::obstacle`]).
pub fn estimate(_document: &Document, request: &Request, now: Instant) -> Estimate {
    Estimate { computed_at: now, destination: request.destination.clone(), ..Estimate::default() }
}
