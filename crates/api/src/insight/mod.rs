//! What can be learned: how well promises are kept, by whom, where and when; what shoppers ask; what has changed.
//!
//! `observe` says what an order counts as ([`outcome`]); [`crate::store::insight`] keeps the sums ([`figures`]) in the transaction that
//! changes the order.

pub mod contacts;
pub mod csv;
pub mod figures;
pub mod looks;
pub mod observe;
pub mod outcome;
pub mod report;
pub mod share;
pub mod trends;
