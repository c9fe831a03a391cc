//! The promise document: the public, compact form of a policy. Integers and short lists; no personal data.
//!
//! Everything that needs a database of time zones or holidays has been resolved when the document was made, so that a browser
//! needs integer arithmetic only, and agrees with the server exactly.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    calendar::Calendar,
    estimate::Destination,
    place,
    time::{Day, Instant},
};

/// What `GET /v1/stores/{store}/promise.json` serves. Opaque to everything outside this crate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Document {
    /// Of the policy that it was made from.
    pub version: u64,
    /// The version of what was learned that went into it; 0: none.
    #[serde(skip_serializing_if = "usual")]
    pub learned: u64,
    /// Parts of a thousand of parcels that are asked for before the first day of a window and by its last, so that it holds as often as it says; zeros: as
    /// the confidence and the style say.
    #[serde(skip_serializing_if = "usual")]
    pub asked: (u16, u16),
    /// Made for this day and the year that follows; offsets and closed days are listed that far.
    pub made_at: Instant,
    /// ISO 4217, of the prices.
    pub currency: String,
    /// Percent.
    pub confidence: u8,
    /// `range`, `latest`, `single`.
    pub style: String,
    /// `as_ready`, `complete`; empty: together where it can.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ship: String,
    /// Percent.
    pub warn_below: u8,
    /// Lists of days that are not worked, shared by origins and services by index.
    pub closed: Vec<Vec<Day>>,
    /// In the order of the policy; all that follow refer to each other by index.
    pub origins: Vec<Origin>,
    /// Carriers' services.
    pub services: Vec<Service>,
    /// The first that matches a destination wins.
    pub zones: Vec<Zone>,
    /// The most particular that matches a lane wins.
    pub transit: Vec<Transit>,
    /// In the order in which they are offered.
    pub methods: Vec<Method>,
    /// Only those that something is particular about.
    pub items: Vec<Item>,
    /// Those that have not ended long ago.
    pub delays: Vec<Delay>,
    /// Where parcels were stolen from several orders: the safer ways to receive one are offered first there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub safer: Vec<Place>,
}

/// Is it what it would be anyway?
fn usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Weights of 0, 1, 2 … working days. Empty: none are needed (0 days).
pub type Weights = Vec<u32>;

/// Where items ship from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// As the policy names it.
    pub id: String,
    /// For people.
    pub name: String,
    /// Minutes east of UTC from each moment on; the first holds for all that is earlier.
    pub offsets: Vec<(Instant, i32)>,
    /// Cut-off of Monday … Sunday in minutes of the local day; negative: not worked.
    pub cutoffs: Vec<i32>,
    /// Days with a cut-off of their own.
    pub half_days: Vec<(Day, i32)>,
    /// Index into [`Document::closed`].
    pub closed: u32,
    /// Weekdays on which carriers collect: bit 0 is Monday.
    pub pickup: u8,
    /// Working days from the order to the hand-over.
    pub handling: Weights,
}

/// A carrier's service: the days on which it moves, and what it can't do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Service {
    /// As the policy names it.
    pub id: String,
    /// As tracking knows it: `ups`, `dhl` …
    pub carrier: String,
    /// For people.
    pub name: String,
    /// Weekdays on which it moves and delivers: bit 0 is Monday.
    pub days: u8,
    /// Index into [`Document::closed`].
    pub closed: u32,
    /// Can't deliver to a post-office box.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub no_po_boxes: bool,
    /// Can't ask for a signature.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub no_signature: bool,
}

/// Places that share transit times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Zone {
    /// As the policy names it.
    pub id: String,
    /// For people.
    pub name: String,
    /// Nothing is delivered there.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub excluded: bool,
    /// What belongs to it.
    pub places: Vec<Place>,
    /// Indices, preferred first; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<u32>,
}

/// A country, or a part of it by regions, by postal codes, or by both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// ISO 3166-1, two letters.
    pub country: String,
    /// ISO 3166-2 without the country; empty: the whole country.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// First and last prefix of a range, upper case, without spaces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub postal_codes: Vec<(String, String)>,
}

/// Indices of origin, service and zone; negative: any.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Transit {
    /// Index of the origin.
    pub origin: i32,
    /// Index of the service.
    pub service: i32,
    /// Index of the zone.
    pub zone: i32,
    /// Working days from the hand-over to the delivery.
    pub days: Weights,
}

/// What the shopper picks at checkout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Method {
    /// As the policy names it.
    pub id: String,
    /// For people.
    pub name: String,
    /// Minor units of [`Document::currency`].
    pub price: i64,
    /// Indices, best first.
    pub services: Vec<u32>,
    /// Indices; empty: every zone that is not excluded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<u32>,
    /// Names under which a platform's order may mention it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Safe ways to receive it: `signature`, `locker`, `pickup`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub safe: Vec<String>,
    /// `pickup_point`, `locker`, `store`; empty: the shopper's address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// Someone has to sign.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub signature: bool,
}

/// What is particular about a SKU; those that are not listed are on hand everywhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Item {
    /// As the store's pages name it.
    pub sku: String,
    /// Made to order: working days before handling starts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lead: Weights,
    /// Pieces by origin's index; absent: enough everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock: Option<Vec<(u32, u32)>>,
    /// A pre-order's release; with stock, the day on which more comes in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_from: Option<Day>,
    /// Working days until it comes in, beyond the stock.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub back_order: Weights,
    /// Indices; empty: all origins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<u32>,
    /// Indices of methods that can't carry it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_by: Vec<u32>,
    /// Someone has to sign for it.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub signature: bool,
}

/// A delay notice: where and while it applies, and what it adds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Delay {
    /// As the policy names it.
    pub id: String,
    /// It applies to what is handled or under way from here on.
    pub from: Instant,
    /// Absent: until it is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// Extra working days.
    pub effect: Weights,
    /// `weather`, `peak`, `strike`, `customs`, `stock`, `carrier`, `holiday`, `other`.
    pub reason: String,
    /// 1 (worth knowing) to 3 (severe).
    pub severity: u8,
    /// Language and text.
    pub message: Vec<(String, String)>,
    /// Indices; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<u32>,
    /// Indices; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<u32>,
    /// Indices; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<u32>,
    /// Restricts to services of these carriers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub carriers: Vec<String>,
    /// Empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skus: Vec<String>,
    /// Empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
}

impl Document {
    /// The origin's offset from UTC, in minutes, at a moment.
    pub(crate) fn offset(origin: &Origin, at: Instant) -> i32 {
        let mut offset = origin.offsets.first().map_or(0, |o| o.1);
        for (from, minutes) in &origin.offsets {
            if *from <= at {
                offset = *minutes;
            }
        }
        offset
    }

    /// The civil day at an origin, and the second of it; in UTC where the origin is not known.
    pub fn local(&self, origin: &str, at: Instant) -> (Day, u32) {
        at.local(self.origins.iter().find(|o| o.id == origin).map_or(0, |o| Document::offset(o, at)))
    }

    /// The id of the zone that a destination surely lies in.
    pub fn zone_of(&self, to: &Destination) -> Option<&str> {
        match place::zones(self, to).as_slice() {
            [only] => self.zones.get(*only).map(|z| z.id.as_str()),
            _ => None,
        }
    }

    /// Is this a day on which any of the services delivers?
    pub fn delivers(&self, day: Day) -> bool {
        self.services.iter().any(|s| Calendar::of_service(self, s).works(day))
    }

    /// The shipping method that a platform's order names: by id, name or alias, whatever the case.
    pub fn method_named(&self, name: &str) -> Option<&Method> {
        let same = |other: &str| other.trim().eq_ignore_ascii_case(name.trim());
        self.methods.iter().find(|m| same(&m.id) || same(&m.name) || m.aliases.iter().any(|a| same(a)))
    }
}

frugal::read!(Document {
    version,
    made_at,
    currency,
    confidence,
    style,
    ship,
    warn_below,
    closed,
    origins,
    services,
    zones,
    transit,
    methods,
    items,
    delays,
    learned,
    asked,
    safer
});
frugal::read!(Origin { id, name, offsets, cutoffs, half_days, closed, pickup, handling });
frugal::read!(Service { id, carrier, name, days, closed, no_po_boxes, no_signature });
frugal::read!(Zone { id, name, excluded, places, origins });
frugal::read!(Place { country, regions, postal_codes });
frugal::read!(Transit { origin, service, zone, days });
frugal::read!(Method { id, name, price, services, zones, aliases, safe, to, signature });
frugal::read!(Item { sku, lead, stock, available_from, back_order, origins, not_by, signature });
frugal::read!(Delay { id, from, until, effect, reason, severity, message, origins, zones, services, carriers, skus, places });
