//! What has happened to a parcel.
//!
//! Pure: bytes in, facts out. [`source::read`] turns a payload of any platform, aggregator or carrier into [`facts::Facts`];
//! [`shipment::fold`] turns checkpoints, in any order, into one shipment's state; `number` detects carriers in pasted text.

pub mod cadence;
pub mod carrier;
pub mod facts;
pub mod number;
pub mod po_box;
pub mod shipment;
pub mod signature;
pub mod source;
pub mod status;
