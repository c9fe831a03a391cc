//! The care document: help with an order, reports of what went wrong, and what a shopper may be asked or told. Served by
//! `GET /v1/orders/{token}/care`; its short form stands in the order document.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

/// What the order document says of it: enough to know whether to offer help, and how far reports have come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = OrderCare))]
#[serde(default)]
pub struct Brief {
    /// There is a help page.
    pub help: bool,
    /// Something wrong can be reported.
    pub reports: bool,
    /// There is more behind the help page: updates, earlier orders.
    pub more: bool,
    /// The shopper may be asked, once, how it went: now.
    pub ask: bool,
    /// The moment from which that may be asked; absent: it may not, or has been.
    pub ask_from: Option<String>,
    /// Newest first.
    pub open: Vec<BriefReport>,
}

impl Brief {
    /// Whether the help page holds anything.
    pub fn any(&self) -> bool {
        self.help || self.reports || self.more || self.ask
    }
}

/// A report, as the order page shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct BriefReport {
    pub id: String,
    pub kind: String,
    pub state: String,
    /// What was agreed.
    pub option: Option<String>,
    /// The day on which it is looked at again.
    pub review_on: Option<String>,
    pub updated_at: String,
    /// It is settled, and whether that helped has not been said yet.
    pub ask: bool,
}

/// `GET /v1/orders/{token}/care`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct CareDocument {
    pub store: String,
    pub store_name: String,
    /// What the shopper knows the order by: `#1001`.
    pub number: String,
    /// The order's own page, hosted.
    pub page: String,
    /// `ordered`, `under_way`, `late`, `quiet`, `ready`, `missed`, `delivered`, `damaged`, `lost`, `exception`, `returned`, `cancelled`.
    pub situation: String,
    /// Absent where the store has switched help off.
    pub help: Option<Help>,
    /// What can be reported now, the likeliest first. Empty: reports are switched off.
    pub kinds: Vec<Kind>,
    pub items: Vec<Item>,
    /// Newest first.
    pub reports: Vec<Report>,
    /// How it went: absent where it is not to be asked.
    pub feedback: Option<Asked>,
    pub updates: Updates,
    /// Links to the shopper's other orders can be asked for.
    pub history: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Help {
    /// Questions of this situation first.
    pub faqs: Vec<Faq>,
    /// The calmest first while support is busy, else as the store lists them.
    pub contacts: Vec<Contact>,
    pub busy: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Faq {
    pub id: String,
    /// `own`, `lost`, `peak`, `delivered`, `damaged`, `general`.
    pub set: String,
    pub question: String,
    pub answer: String,
    /// It is about this order's situation.
    pub fits: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Contact {
    /// `chat`, `email`, `phone`, `social`, `page`.
    pub kind: String,
    /// The store's own name for it, where it gives one.
    pub label: String,
    /// With the order's context in it: `mailto:` with subject and body, a page with the order's number in its query.
    pub url: String,
    /// The number or address as people read it.
    pub text: String,
    /// When somebody answers, in the store's words.
    pub hours: String,
    /// Usual wait, in minutes; 0: not known.
    pub minutes: u32,
}

/// Something that can be reported.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ReportKind))]
#[serde(default)]
pub struct Kind {
    /// `not_arrived_though_delivered`, `damaged`, `missing_item`, `wrong_item`, `stolen`, `late`, `address_change`.
    pub kind: String,
    /// What solves most cases, in the order to look.
    pub checks: Vec<Check>,
    /// Which items it is about is asked.
    pub items: bool,
    /// Photos help.
    pub photos: bool,
    /// The new address is asked.
    pub address: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ReportCheck))]
#[serde(default)]
pub struct Check {
    pub id: String,
    /// What is known of it: `place`, `name`, `time`, `url` … and their values.
    pub values: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = CareItem))]
#[serde(default)]
pub struct Item {
    pub sku: String,
    pub title: String,
    pub quantity: u32,
}

/// A report, as its shopper sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Report {
    pub id: String,
    pub kind: String,
    /// `open`, `checking`, `offered`, `agreed`, `in_resolution`, `settled`, `withdrawn`, `declined`.
    pub state: String,
    pub opened_at: String,
    pub updated_at: String,
    /// The parcel it is about.
    pub shipment: Option<String>,
    pub items: Vec<String>,
    /// The shopper's own words.
    pub words: String,
    /// Photos, by id.
    pub photos: Vec<String>,
    /// Options that can be agreed to now.
    pub offers: Vec<Offer>,
    /// Options that can be agreed to from a day on, if nothing moves until then.
    pub later: Vec<Offer>,
    /// Chance, per mille, that the parcel still turns up; absent where that is not the question.
    pub chance: Option<u16>,
    /// The day on which it is looked at again.
    pub review_on: Option<String>,
    pub agreement: Option<Agreement>,
    /// What the store did, or why not.
    pub resolution: Option<Resolution>,
    /// It is settled: did that help? Absent: not asked, or not answered.
    pub solved: Option<bool>,
    pub ask: bool,
    /// What the shopper can do now: `agree`, `withdraw`, `add`, `answer`, `reopen`.
    pub actions: Vec<String>,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ReportOffer))]
#[serde(default)]
pub struct Offer {
    /// `resend`, `refund`, `discount`, `claim`, `wait`, `change`, `contact`.
    pub option: String,
    /// Of the order's value.
    pub percent: Option<u8>,
    /// Not before this day.
    pub from: Option<String>,
    /// The store's own words about it.
    pub note: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ReportAgreement))]
#[serde(default)]
pub struct Agreement {
    pub option: String,
    pub percent: Option<u8>,
    pub note: String,
    pub at: String,
    /// BCP 47: what it was read in.
    pub language: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ReportResolution))]
#[serde(default)]
pub struct Resolution {
    pub note: String,
    /// A new order's number, a refund's, a claim's.
    pub reference: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ReportStep))]
#[serde(default)]
pub struct Step {
    pub at: String,
    pub state: String,
    /// `shopper`, `store`, `clock`.
    pub by: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = FeedbackAsked))]
#[serde(default)]
pub struct Asked {
    /// Not answered and not dismissed yet.
    pub due: bool,
}

/// How the shopper can be told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = UpdateChannels))]
#[serde(default)]
pub struct Updates {
    /// The page that asks the browser, on the API's origin or on the store's.
    pub push: Option<String>,
    /// The key that messages are signed with, base64url.
    pub push_key: Option<String>,
    pub email: bool,
    pub sms: bool,
    /// Channels that were said yes to: `email`, `sms`, `push`.
    pub on: Vec<String>,
}
