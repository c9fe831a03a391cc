//! From payload to facts: one module per platform or aggregator.

mod easypost;
mod json;
mod shopify;
mod standard;

use crate::facts::Facts;

/// Why a payload could not be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("unknown source `{0}`: this version reads shopify, easypost and standard")]
    UnknownSource(String),
    #[error("not readable as {format}: {reason}")]
    Malformed { format: &'static str, reason: String },
}

/// Reads a payload of `source` (`shopify`, `easypost`, `standard`). `topic` is what the source's headers call the event
/// (Shopify's `orders/create`); without it the payload's own shape decides.
pub fn read(source: &str, topic: Option<&str>, body: &[u8]) -> Result<Facts, Unreadable> {
    let parse = || serde_json::from_slice(body).map_err(|e| Unreadable::Malformed { format: "JSON", reason: e.to_string() });
    match source {
        "shopify" => Ok(shopify::read(topic, &parse()?)),
        "easypost" => Ok(easypost::read(&parse()?)),
        "standard" => standard::read(body),
        _ => Err(Unreadable::UnknownSource(source.to_owned())),
    }
}
