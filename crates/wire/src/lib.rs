//! The documents that cross HTTP between the API and the widget: the order document and the problem document (RFC 9457).
//!
//! Frugal types: the widget pays for every enum and every parser. Days are `YYYY-MM-DD`, times RFC 3339 with offset, as text.

extern crate alloc;

pub mod care;
pub mod order;
pub mod problem;

pub use care::CareDocument;
pub use order::OrderDocument;
pub use problem::Problem;
