//! When will it arrive.
//!
//! Everything about dates is decided here, for the browser, the API and the command line alike: the same input gives the
//! same answer, byte for byte. The crate is pure: no clock, no I/O; `now` is an argument.
//!
//! A merchant's [`policy`] is compiled (on the server) to the public promise [`document`]; [`estimate()`] answers a cart and a
//! destination from it, before the purchase; [`remaining()`] answers a shipment under way, until it is delivered.
#![warn(missing_docs)]
#![cfg_attr(not(feature = "std"), no_std)]
extern crate alloc;

#[cfg(feature = "std")]
pub mod backtest;
mod calendar;
mod cart;
#[cfg(feature = "std")]
mod compile;
#[cfg(feature = "std")]
pub mod detect;
pub mod document;
pub mod estimate;
mod explain;
#[cfg(feature = "std")]
pub mod holidays;
#[cfg(feature = "std")]
pub mod incident;
mod journey;
#[cfg(feature = "std")]
pub mod learn;
#[cfg(feature = "std")]
pub mod learned;
mod place;
#[cfg(feature = "std")]
pub mod policy;
pub mod remaining;
#[cfg(feature = "std")]
pub mod scans;
mod spread;
pub mod time;
pub mod turn_up;

pub use document::Document;
pub use estimate::{Estimate, Request, estimate};
pub use remaining::{Progress, Remaining, remaining};
pub use time::{Day, Instant};
pub use turn_up::{TurnUp, turn_up};
