//! The order document: what `GET /v1/orders/{token}` serves and every live event carries, whole.
//!
//! It shows what the token allows: city and country, never the street, name or email.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct OrderDocument {
    /// Grows with each change of this order; the live event's id.
    pub version: u64,
    /// The server's clock when this was made, RFC 3339.
    pub computed_at: String,
    pub store: Store,
    /// What the shopper knows it by: `#1001`.
    pub number: String,
    pub placed_at: String,
    /// `ordered`, `partly_shipped`, `shipped`, `out_for_delivery`, `available_for_pickup`, `partly_delivered`, `delivered`,
    /// `exception`, `returned`, `cancelled`.
    pub status: String,
    pub cancelled_at: Option<String>,
    pub destination: Destination,
    /// The promise at the purchase, frozen.
    pub promise: Option<Promise>,
    /// Today's window for all that has not arrived; absent once everything has, or when cancelled.
    pub estimate: Option<Estimate>,
    /// Parcels, in the order they were made.
    pub shipments: Vec<Shipment>,
    /// Items that are in no parcel yet.
    pub unshipped: Vec<Item>,
    /// Known delays that bear on this order now.
    pub delays: Vec<Delay>,
    /// The headline and what stands below it, in the language asked for: for pages without script or Wasm.
    pub sentence: Option<Sentence>,
    /// Help, and how far reports have come. The widget leaves it to the module that it loads for that.
    pub care: Option<crate::care::Brief>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = OrderStore))]
#[serde(default)]
pub struct Store {
    pub id: String,
    pub name: String,
    pub url: Option<String>,
    /// The shopper's way to the store's help.
    pub support_url: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = OrderDestination))]
#[serde(default)]
pub struct Destination {
    pub city: Option<String>,
    pub region: Option<String>,
    pub country: Option<String>,
    /// Minutes east of UTC there, now: what "today" means to the shopper. Absent: the browser's own.
    pub utc_offset: Option<i32>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = OrderPromise))]
#[serde(default)]
pub struct Promise {
    pub from: String,
    pub to: String,
    pub confidence: u8,
    pub method: String,
    pub made_at: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = OrderEstimate))]
#[serde(default)]
pub struct Estimate {
    pub from: String,
    pub to: String,
    /// `on_time`, `early`, `at_risk`, `late`.
    pub outlook: String,
    /// Nothing was heard for longer than usual on this lane.
    pub quiet: bool,
    /// Per mille, of arriving by the promise's last day.
    pub on_time: u16,
    /// Why this window: what led to it, in order. The widget passes over what it has no words for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// One step of an explanation: the kinds of the estimate's own, and `shipped`, `last_scan`, `carrier`, `attempt`, `exception`, `overdue`, `late`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = OrderStep))]
#[serde(default)]
pub struct Step {
    pub kind: String,
    /// The day it leads to, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// Working days it takes, from and to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<(u16, u16)>,
    /// An origin's or service's name, a delay's reason.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// One parcel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Shipment {
    pub id: String,
    pub carrier: String,
    pub carrier_name: String,
    pub carrier_phone: Option<String>,
    pub service: Option<String>,
    pub tracking_number: String,
    pub tracking_url: Option<String>,
    /// The vocabulary of the design: `pending`, `info_received`, `in_transit` …
    pub status: String,
    pub sub_status: Option<String>,
    pub shipped_at: Option<String>,
    pub delivered_at: Option<String>,
    pub last_scan_at: Option<String>,
    /// When the carrier last answered or told something about it, to the hour: how fresh all this is. Absent once it is delivered.
    pub checked_at: Option<String>,
    pub estimate: Option<Estimate>,
    pub signed_by: Option<String>,
    pub attempts: u32,
    pub pickup: Option<Pickup>,
    pub items: Vec<Item>,
    /// Newest first.
    pub checkpoints: Vec<Checkpoint>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Pickup {
    pub name: Option<String>,
    pub address: Option<String>,
    pub hours: Vec<String>,
    pub code: Option<String>,
    pub until: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = OrderItem))]
#[serde(default)]
pub struct Item {
    pub sku: String,
    pub title: String,
    pub variant: Option<String>,
    pub quantity: u32,
    pub image: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Checkpoint {
    /// RFC 3339 with the scan's own offset.
    pub time: Option<String>,
    pub status: String,
    pub sub_status: Option<String>,
    /// The carrier's own words: a quotation, never a headline.
    pub message: Option<String>,
    pub location: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = OrderDelay))]
#[serde(default)]
pub struct Delay {
    pub reason: String,
    pub severity: u8,
    /// What it adds, in days.
    pub days: u16,
    pub message: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Sentence {
    pub headline: String,
    pub detail: String,
}

frugal::read!(OrderDocument {
    version,
    computed_at,
    store,
    number,
    placed_at,
    status,
    cancelled_at,
    destination,
    promise,
    estimate,
    shipments,
    unshipped,
    delays,
    sentence
} and more);
frugal::read!(Store { id, name, url, support_url });
frugal::read!(Destination { city, region, country, utc_offset });
frugal::read!(Promise { from, to, confidence, method, made_at });
/// Without its explanation: the browser has no words for it.
impl frugal::Read for Estimate {
    fn read(from: &mut frugal::Reader) -> Estimate {
        Estimate {
            from: from.read(),
            to: from.read(),
            outlook: from.read(),
            quiet: from.read(),
            on_time: from.read(),
            steps: Vec::new(),
        }
    }

    fn shape(to: &mut frugal::Text) {
        let text = frugal::of(|e: &Estimate| &e.from);
        let quiet = frugal::of(|e: &Estimate| &e.quiet);
        let on_time = frugal::of(|e: &Estimate| &e.on_time);
        frugal::object(
            to,
            &[
                ("from", false, text),
                ("to", false, text),
                ("outlook", false, text),
                ("quiet", false, quiet),
                ("on_time", false, on_time),
            ],
        );
    }
}
frugal::read!(Shipment {
    id,
    carrier,
    carrier_name,
    carrier_phone,
    service,
    tracking_number,
    tracking_url,
    status,
    sub_status,
    shipped_at,
    delivered_at,
    last_scan_at,
    checked_at,
    estimate,
    signed_by,
    attempts,
    pickup,
    items,
    checkpoints
});
frugal::read!(Pickup { name, address, hours, code, until });
frugal::read!(Item { sku, title, variant, quantity, image });
frugal::read!(Checkpoint { time, status, sub_status, message, location });
frugal::read!(Delay { reason, severity, days, message });
frugal::read!(Sentence { headline, detail });
