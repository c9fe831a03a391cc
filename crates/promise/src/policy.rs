//! The delivery policy, as the merchant edits it (JSON). [`Policy::document`] compiles it to the public promise document.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::time::{Day, Instant};

/// All that decides a store's dates before the purchase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Policy {
    /// Grows by one with each publication; set by the server.
    pub version: u64,
    /// ISO 4217.
    pub currency: String,
    /// The share of parcels, in percent, that shall arrive within the window shown (50 to 99).
    pub confidence: u8,
    /// How windows are shown.
    pub style: Style,
    /// What becomes of a cart whose lines are not all there at once.
    pub ship: Ship,
    /// The shopper is warned once the chance of keeping a promise, in percent, falls below this; 0: 50.
    pub warn_below: u8,
    /// What becomes of delays that are seen in the store's own scans.
    pub detection: Detection,
    /// What becomes of what the store's own deliveries teach.
    pub learning: Learning,
    /// The version of what was learned that is filled in; 0: none. Set by the server.
    #[serde(skip_deserializing, skip_serializing_if = "usual")]
    pub learned: u64,
    /// What the coverage correction asks for ([`crate::Document::asked`]); zeros: nothing of its own. Set by the server.
    #[serde(skip_deserializing, skip_serializing_if = "usual")]
    pub asked: (u16, u16),
    /// Locations that items ship from.
    pub origins: Vec<Origin>,
    /// Carriers' services.
    pub services: Vec<Service>,
    /// Groups of destinations; the first that matches wins.
    pub zones: Vec<Zone>,
    /// How long services take; the most particular that matches wins.
    pub transit: Vec<Transit>,
    /// What shoppers pick at checkout, in the order in which it is offered.
    pub methods: Vec<Method>,
    /// SKUs that something is particular about.
    pub items: Vec<Item>,
    /// Delay notices.
    pub delays: Vec<Delay>,
}

/// Is it what it would be anyway?
fn usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How a window is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PolicyStyle))]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// "Tue 2 – Thu 4 Dec"
    #[default]
    Range,
    /// "by Thu 4 Dec"
    Latest,
    /// "Wed 3 Dec"
    Single,
}

impl Style {
    /// As a document says it.
    pub fn word(self) -> &'static str {
        match self {
            Style::Range => "range",
            Style::Latest => "latest",
            Style::Single => "single",
        }
    }
}

/// How a cart is split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PolicyShip))]
#[serde(rename_all = "snake_case")]
pub enum Ship {
    /// From one origin at once where one has or gets it all; in parts where none does.
    #[default]
    Together,
    /// What is there goes now, the rest when it comes: also the pieces of one line.
    AsReady,
    /// Never in parts: what no origin has whole can't be delivered.
    Complete,
}

/// What becomes of a delay that is seen in the store's own scans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PolicyDetection))]
#[serde(rename_all = "snake_case")]
pub enum Detection {
    /// It is proposed, and holds once it is approved.
    #[default]
    Propose,
    /// It holds at once.
    Apply,
    /// Nothing is looked for.
    Off,
}

/// What becomes of what the store's own deliveries teach: how long handling and transit take, and whether windows hold as often as they say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PolicyLearning))]
#[serde(rename_all = "snake_case")]
pub enum Learning {
    /// It is shown beside what is stated, and holds once it is taken over.
    #[default]
    Suggest,
    /// It goes into the promise document by itself, day by day; what is stated is what is believed without deliveries.
    Apply,
    /// What is stated holds, and nothing is suggested.
    Off,
}

/// Where a shipping method ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PolicyHandOver))]
#[serde(rename_all = "snake_case")]
pub enum HandOver {
    /// At the shopper's address.
    #[default]
    Address,
    /// At a shop or counter of the carrier; identity can be checked and a signature taken there.
    PickupPoint,
    /// In a locker: nobody signs.
    Locker,
    /// At the origin itself: the window is when it is ready to be collected.
    Store,
}

/// A stretch of working days: what a merchant types (`{"min":3,"max":5}`), or a learned distribution (`{"weights":[0,1,5,3,1]}`:
/// weight of 0, 1, 2 … working days).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PolicyDuration))]
#[serde(default)]
pub struct Duration {
    /// Working days at least.
    pub min: Option<u16>,
    /// Working days at most, but for one parcel in twenty-five.
    pub max: Option<u16>,
    /// Weight of 0, 1, 2 … working days; counts more than `min` and `max`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<u32>,
}

/// A location that items ship from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PolicyOrigin))]
#[serde(default)]
pub struct Origin {
    /// What others name it by.
    pub id: String,
    /// For people.
    pub name: String,
    /// ISO 3166-1, two letters.
    pub country: String,
    /// ISO 3166-2 without the country.
    pub region: Option<String>,
    /// IANA name, for example `America/Chicago`.
    pub time_zone: String,
    /// The cut-off (`HH:MM`, local) of each working day, by `mon` … `sun`; a day that is not listed is not worked.
    pub cutoffs: BTreeMap<String, String>,
    /// Public holidays observed: `US`, `US-TN`, `DE-BY` …
    pub holidays: Vec<String>,
    /// Days closed besides.
    pub closures: Vec<Day>,
    /// Days with a cut-off of their own, of weekdays that are worked.
    pub half_days: Vec<HalfDay>,
    /// Weekdays on which carriers collect (`mon` …); empty: every working day.
    pub pickup_days: Vec<String>,
    /// Working days from the order to the hand-over.
    pub handling: Duration,
}

/// A day that is worked with another cut-off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct HalfDay {
    /// The day, local.
    pub date: Day,
    /// `HH:MM`, local.
    pub cutoff: String,
}

/// A carrier's service level.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PolicyService))]
#[serde(default)]
pub struct Service {
    /// What others name it by.
    pub id: String,
    /// A carrier code as tracking knows it: `ups`, `fedex`, `usps` …
    pub carrier: String,
    /// For people.
    pub name: String,
    /// Weekdays on which it moves and delivers; empty: Monday to Friday.
    pub days: Vec<String>,
    /// Public holidays on which it doesn't move: `US`, `DE-BY` …
    pub holidays: Vec<String>,
    /// Days closed besides.
    pub closures: Vec<Day>,
    /// Can't deliver to a post-office box.
    pub no_po_boxes: bool,
    /// Can't ask for a signature.
    pub no_signature: bool,
}

/// Destinations that share transit times. The first zone that matches wins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PolicyZone))]
#[serde(default)]
pub struct Zone {
    /// What others name it by.
    pub id: String,
    /// For people.
    pub name: String,
    /// Nothing is delivered there.
    pub excluded: bool,
    /// What belongs to it.
    pub places: Vec<Place>,
    /// The origins that serve it, the preferred first; a later one where those before it would have to wait for stock. Empty: all, the
    /// quickest first.
    pub origins: Vec<String>,
}

/// A country, or parts of one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PolicyPlace))]
#[serde(default)]
pub struct Place {
    /// ISO 3166-1, two letters.
    pub country: String,
    /// ISO 3166-2 without the country: `CA`; empty: the whole country.
    pub regions: Vec<String>,
    /// Prefixes (`941`) or ranges of prefixes (`900-961`); empty: all.
    pub postal_codes: Vec<String>,
}

/// The transit time of a service from an origin to a zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PolicyTransit))]
#[serde(default)]
pub struct Transit {
    /// Origin by id; empty: any.
    pub origin: String,
    /// Service by id; empty: any.
    pub service: String,
    /// Zone by id; empty: any.
    pub zone: String,
    /// Working days from the hand-over to the delivery.
    pub days: Duration,
}

/// What the shopper picks at checkout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PolicyMethod))]
#[serde(default)]
pub struct Method {
    /// What others name it by.
    pub id: String,
    /// As shoppers see it.
    pub name: String,
    /// In minor units of the policy's currency.
    pub price: i64,
    /// Services that may carry it, best first.
    pub services: Vec<String>,
    /// Zones it is offered in; empty: all that are not excluded.
    pub zones: Vec<String>,
    /// Names under which a platform's order may mention it (`Free Shipping`).
    pub aliases: Vec<String>,
    /// How it can be kept from thieves at the door: `signature`, `locker`, `pickup`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub safe: Vec<String>,
    /// Where it ends: `address`, `pickup_point`, `locker`, `store`.
    pub to: HandOver,
    /// Someone has to sign.
    pub signature: bool,
}

/// What is special about one SKU; an item that is not listed is in stock everywhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PolicyItem))]
#[serde(default)]
pub struct Item {
    /// As the store's pages and orders name it.
    pub sku: String,
    /// Made to order: time before handling starts.
    pub lead: Option<Duration>,
    /// Pieces on hand by origin; absent: enough.
    pub stock: Option<BTreeMap<String, u32>>,
    /// A pre-order's day of release; with `stock`, the day on which more comes in. Once it has passed, it counts as come.
    pub available_from: Option<Day>,
    /// Beyond the stock it can be ordered all the same: working days until it comes in, where no day is known.
    pub back_order: Option<Duration>,
    /// Origins that have it; empty: all.
    pub origins: Vec<String>,
    /// Methods that can't carry it.
    pub not_by: Vec<String>,
    /// Someone has to sign for it.
    pub signature: bool,
}

/// A delay notice: a known delay, where and while it applies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PolicyDelay))]
#[serde(default)]
pub struct Delay {
    /// What others name it by.
    pub id: String,
    /// Where it applies.
    pub scope: Scope,
    /// Applies to orders handled or parcels under way between these moments; `until` absent: until it is ended.
    pub from: Instant,
    /// When it ends; absent: until it is ended.
    pub until: Option<Instant>,
    /// Extra working days.
    pub effect: Duration,
    /// `weather`, `peak`, `strike`, `customs`, `stock`, `carrier`, `holiday`, `other`.
    pub reason: String,
    /// 1 (worth knowing) to 3 (severe).
    pub severity: u8,
    /// By language: `{"en":"Snow in Memphis"}`.
    pub message: BTreeMap<String, String>,
}

/// What a delay notice is about; an empty list is no restriction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PolicyScope))]
#[serde(default)]
pub struct Scope {
    /// Origins by id.
    pub origins: Vec<String>,
    /// Zones by id.
    pub zones: Vec<String>,
    /// Carriers by code.
    pub carriers: Vec<String>,
    /// Services by id.
    pub services: Vec<String>,
    /// SKUs.
    pub skus: Vec<String>,
    /// Destination places, where a zone is too wide.
    pub places: Vec<Place>,
}

/// What is wrong with a policy, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Invalid {
    /// A path such as `origins[0].time_zone`.
    pub field: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl core::fmt::Display for Invalid {
    fn fmt(&self, f: &mut core::fmt::Formatter) -> core::fmt::Result {
        match self.field.as_str() {
            "" => write!(f, "{}", self.message),
            field => write!(f, "{field}: {}", self.message),
        }
    }
}
