//! Facts read from a payload: orders, fulfillments, shipments, and what could not be read.

use serde::{Deserialize, Serialize};

use crate::status::Status;

/// All that one payload says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<Order>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fulfillments: Vec<Fulfillment>,
    pub shipments: Vec<Shipment>,
    pub problems: Vec<Problem>,
    /// What a platform's compliance topic asks for (`customers/data_request`, `customers/redact`, `shop/redact`, `app/uninstalled`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

/// A compliance request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    pub topic: String,
    pub email: Option<String>,
    pub orders: Vec<String>,
}

/// What was bought. Holds personal data (email, postal code) that is for look-up only and never reaches an order document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Order {
    /// The platform's id, as text.
    pub id: String,
    /// What the shopper knows it by: `#1001`.
    pub number: String,
    /// RFC 3339 with offset.
    pub placed_at: String,
    pub updated_at: Option<String>,
    pub cancelled_at: Option<String>,
    /// `paid`, `refunded`, `partially_refunded` … as the platform has it.
    pub financial_status: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// Channels that the shopper agreed to be written to by: `mail`, `sms`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<String>,
    /// BCP 47, if the platform says.
    pub language: Option<String>,
    /// ISO 4217.
    pub currency: String,
    /// In minor units.
    pub total: Option<i64>,
    pub destination: Address,
    /// The shipping method's name or code, as the platform has it.
    pub shipping_method: Option<String>,
    pub shipping_methods: Vec<String>,
    pub lines: Vec<Line>,
    pub tags: Vec<String>,
    /// Cart attributes (`note_attributes`): name, value. What the page showed is recorded here.
    pub attributes: Vec<(String, String)>,
    pub fulfillments: Vec<Fulfillment>,
}

/// Where to: no street, no name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    pub city: Option<String>,
    /// ISO 3166-2 without the country, or the name that the platform gives.
    pub region: Option<String>,
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// The street was a post-office box: all that is kept of it.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub po_box: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    pub id: String,
    pub sku: String,
    pub title: String,
    pub variant: Option<String>,
    pub quantity: u32,
    /// Minor units, for one.
    pub price: Option<i64>,
    pub image: Option<String>,
    pub requires_shipping: bool,
}

/// A part of an order that ships together; one or several parcels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fulfillment {
    pub id: String,
    pub order_id: String,
    /// `success`, `cancelled`, `failure`, `error`, `open`, `pending`.
    pub status: String,
    /// The platform's own view of the shipment, mapped.
    pub shipment_status: Option<Status>,
    pub created_at: Option<String>,
    pub updated_at: Option<String>,
    /// What the platform says of the state of all its parcels, at a time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Checkpoint>,
    /// The platform's location, an origin's alias.
    pub location: Option<String>,
    pub lines: Vec<Line>,
    pub tracking: Vec<Tracking>,
}

/// A parcel as the store knows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tracking {
    /// Our carrier code if the store's name for it is known, else its name as it stands.
    pub carrier: Option<String>,
    pub number: String,
    pub url: Option<String>,
}

/// One parcel, as one payload tells it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shipment {
    /// Our carrier code (`ups`, `fedex`, `usps`, `dhl_express` …), or the source's own word, lower case, where it is unknown.
    pub carrier: Option<String>,
    pub tracking_number: String,
    /// Other numbers of the same parcel: after a hand-over, the next carrier's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alternates: Vec<String>,
    pub status: Status,
    /// `damaged`, `customs`, `signed` …
    pub sub_status: Option<String>,
    /// A date, or RFC 3339.
    pub estimated_delivery: Option<String>,
    /// Newest last.
    pub checkpoints: Vec<Checkpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_grams: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pickup: Option<Pickup>,
    /// The order it belongs to, where the source says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
}

/// Where a parcel waits for the shopper.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pickup {
    pub name: Option<String>,
    pub address: Option<String>,
    pub hours: Vec<String>,
    pub code: Option<String>,
    pub until: Option<String>,
}

/// One carrier scan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Checkpoint {
    /// RFC 3339 with the scan's offset; without offset (`2024-05-01T10:00:00`) where the source has none and none could be
    /// derived; absent where there is no readable time. `problems` then says so.
    pub time: Option<String>,
    pub status: Status,
    pub sub_status: Option<String>,
    /// The source's own code.
    pub code: Option<String>,
    /// The source's own words.
    pub message: Option<String>,
    /// As one line: `Memphis, TN, US`.
    pub location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Address>,
}

/// What could not be read, or is doubtful; nothing is dropped silently.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// `unreadable`, `carrier_error`, `unknown_status`, `unknown_code`, `time_without_zone`, `time_contradiction`, `unreadable_time`,
    /// `missing_field`, `unsupported_topic`.
    pub kind: String,
    /// A path into the payload.
    pub field: Option<String>,
    pub code: Option<String>,
    pub message: String,
}
