//! The vocabulary of statuses that trackers share.

use serde::{Deserialize, Serialize};

/// Where a shipment stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing is known yet.
    #[default]
    Pending,
    /// A label exists; the carrier has not got it.
    InfoReceived,
    InTransit,
    OutForDelivery,
    AvailableForPickup,
    AttemptFailed,
    Delivered,
    Exception,
    /// No news for so long that none is expected.
    Expired,
}

impl Status {
    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::InfoReceived => "info_received",
            Status::InTransit => "in_transit",
            Status::OutForDelivery => "out_for_delivery",
            Status::AvailableForPickup => "available_for_pickup",
            Status::AttemptFailed => "attempt_failed",
            Status::Delivered => "delivered",
            Status::Exception => "exception",
            Status::Expired => "expired",
        }
    }
}
