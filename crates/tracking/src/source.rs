//! From payload to facts: one module per platform, aggregator or carrier.

use crate::facts::Facts;

/// Why a payload could not be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("unknown source `{0}`")]
    UnknownSource(String),
    #[error("not readable as {format}: {reason}")]
    Malformed { format: &'static str, reason: String },
}

/// Reads a payload of `source` (`shopify`, `easypost`, `ups` …). `topic` is what the source's headers call the event
/// (Shopify's `orders/create`); without it the payload's own shape decides.
pub fn read(source: &str, topic: Option<&str>, body: &[u8]) -> Result<Facts, Unreadable> {
    let _ = (topic, body);
    Err(Unreadable::UnknownSource(source.to_owned()))
}
