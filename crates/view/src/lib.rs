//! What is said and shown.
//!
//! Pure: a document, `now`, a [`Locale`] and its texts go in, a small [`Node`] tree comes out. The widget patches the tree into its
//! shadow root, the API writes it as HTML: both say the same, in the same words.

extern crate alloc;

pub mod locale;
pub mod node;

pub use locale::Locale;
pub use node::Node;
