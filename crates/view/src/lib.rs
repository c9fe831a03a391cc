//! What is said and shown.
//!
//! Pure: a document and `now` go in, a [`Page`] comes out, which says what stands where, and leaves how it is written to its reader: the
//! widget draws it into its shadow root, the API writes it as HTML. Both say the same, in the same words.

pub mod care;
pub mod estimate;
pub mod locale;
pub mod node;
pub mod order;
pub mod page;
pub mod render;

pub use locale::{Locale, direction};
pub use node::Node;
pub use page::Page;
