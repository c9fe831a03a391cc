//! From payload to facts: platforms have a module each; carriers and aggregators a file each, read by [`layout`].

pub(crate) mod clock;
mod easypost;
mod json;
mod layout;
mod shopify;
mod standard;
mod tree;
mod woocommerce;

/// The zone of a place, where its country or its state has only one that counts.
pub use clock::zone_of;

use crate::{facts::Facts, status::Status};

/// Why a payload could not be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("unknown source `{0}`: this version reads {list}", list = names().join(", "))]
    UnknownSource(String),
    #[error("not readable as {format}: {reason}")]
    Malformed { format: &'static str, reason: String },
}

/// The sources that can be read.
pub fn names() -> Vec<&'static str> {
    let mut names = layout::names();
    names.extend(["easypost", "shopify", "standard", "woocommerce"]);
    names.sort_unstable();
    names
}

/// Reads a payload of `source`: a platform, an aggregator or a carrier ([`names`]). `topic` is what the source's headers call the event
/// (Shopify's `orders/create`); without it the payload's own shape decides.
///
/// ```
/// let body = br#"{"errors":[{"code":"TRACKING.TRACKINGNUMBER.NOTFOUND","message":"Not found"}]}"#;
/// let facts = tracking::source::read("fedex", None, body).unwrap();
/// assert_eq!(facts.problems[0].kind, "carrier_error");
/// ```
pub fn read(source: &str, topic: Option<&str>, body: &[u8]) -> Result<Facts, Unreadable> {
    let malformed = |(format, reason)| Unreadable::Malformed { format, reason };
    let json = || tree::json(body).map_err(malformed);
    match source {
        "shopify" => Ok(shopify::read(topic, &json()?)),
        "woocommerce" => Ok(woocommerce::read(topic, &json()?)),
        "easypost" => Ok(easypost::read(&json()?)),
        // What staff write in the console is told as stores tell it.
        "standard" | "console" => standard::read(body),
        _ => {
            let layout = layout::find(source).ok_or_else(|| Unreadable::UnknownSource(source.to_owned()))?;
            let body = tree::parse(body).map_err(malformed)?;
            let pushed = layout::pushed(source);
            match pushed.filter(|_| topic == Some("push")) {
                Some(pushed) => Ok(layout::read(pushed, &body)),
                None => {
                    let facts = layout::read(layout, &body);
                    // Nobody said that it was pushed, but it is no answer either.
                    let other = pushed.filter(|_| topic.is_none() && facts.shipments.is_empty()).map(|p| layout::read(p, &body));
                    Ok(other.filter(|o| !o.shipments.is_empty()).unwrap_or(facts))
                }
            }
        }
    }
}

/// What an event with this code alone would mean, coming from `source`; nothing where neither its table nor the code's own words tell.
pub fn code(source: &str, code: &str) -> Option<(Status, Option<String>)> {
    match source {
        "easypost" => easypost::code(code),
        _ => layout::find(source).unwrap_or(layout::words()).code(code),
    }
}

/// A time as people and tables write it, with its offset; one without is in `zone`, a day alone is its noon.
pub fn time(text: &str, zone: chrono_tz::Tz) -> Option<String> {
    use chrono::TimeZone;
    let local = match clock::read(text, clock::Slashes::default())? {
        with @ clock::Written::Instant(_) => return Some(with.print()),
        clock::Written::Local(t) => t,
        clock::Written::Day(d) => d.and_hms_opt(12, 0, 0)?,
    };
    let offset = clock::in_zone(zone, local)?;
    offset.from_local_datetime(&local).single().map(|t| clock::Written::Instant(t).print())
}
