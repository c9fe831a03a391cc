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
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::InfoReceived,
        Self::InTransit,
        Self::OutForDelivery,
        Self::AvailableForPickup,
        Self::AttemptFailed,
        Self::Delivered,
        Self::Exception,
        Self::Expired,
    ];

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

    /// The status of a word used in JSON.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == word)
    }
}

/// The sub-statuses that the status tables use, and so the ones worth a sentence on screen. A source may bring others.
pub const SUB_STATUSES: [&str; 44] = [
    // On the way there.
    "label_created",
    "accepted",
    "picked_up",
    "arrived",
    "departed",
    "arrived_in_country",
    "at_delivery_depot",
    "handed_over",
    "forwarded",
    "customs",
    "customs_cleared",
    "customs_documents",
    "rescheduled",
    "delivery_arranged",
    "resolved",
    // Delivery.
    "signed",
    "collected",
    "neighbour",
    "mailbox",
    "safe_place",
    "cash_collected",
    "locker",
    // Failed attempts, and what else goes wrong.
    "no_one_home",
    "unreachable",
    "closed",
    "no_access",
    "address",
    "refused",
    "moved",
    "unclaimed",
    "payment_due",
    "delayed",
    "weather",
    "held",
    "security",
    "damaged",
    "lost",
    "missorted",
    "destroyed",
    "cancelled",
    "rejected",
    "delivered_in_error",
    "returning",
    "returned",
];
