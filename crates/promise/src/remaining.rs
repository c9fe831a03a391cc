//! After the purchase: what remains, given what has happened.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{document::Document, estimate::{DelayShown, Destination, Line, Step, Window}, time::{Day, Instant}};

/// What is known of one shipment (or of an order's part that has not shipped).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    pub items: Vec<Line>,
    pub destination: Destination,
    /// Shipping method, service, carrier and origin by id, as far as known; empty: unknown.
    pub method: String,
    pub service: String,
    pub carrier: String,
    pub origin: String,
    pub placed_at: Instant,
    /// When the carrier had it in hand.
    pub shipped_at: Option<Instant>,
    pub last_scan_at: Option<Instant>,
    /// The shipment's status, in the vocabulary of the design: `pending`, `info_received`, `in_transit` …
    pub status: String,
    /// The carrier's own estimate.
    pub carrier_estimate: Option<Day>,
    /// What was promised at the purchase.
    pub promised: Option<Window>,
}

/// What remains.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remaining {
    /// Always there until it is delivered, also when it is late.
    pub window: Window,
    /// Chance, per mille, of arriving by the last day promised.
    pub on_time: u16,
    /// The promise will probably be broken: tell the shopper now.
    pub at_risk: bool,
    /// The last day promised has passed.
    pub late: bool,
    /// No scan for longer than usual on this lane.
    pub quiet: bool,
    pub delays: Vec<DelayShown>,
    pub steps: Vec<Step>,
}

/// Estimates what remains for a shipment under way, at `now`.
pub fn remaining(_document: &Document, progress: &Progress, now: Instant) -> Remaining {
    let _ = (progress, now);
    Remaining::default()
}
