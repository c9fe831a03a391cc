//! What is said and shown.
//!
//! Pure: a document, `now`, a [`Locale`] and its texts go in, a small [`Node`] tree comes out. The widget patches the tree into its
//! shadow root, the API writes it as HTML: both say the same, in the same words.

pub mod estimate;
pub mod locale;
pub mod node;
pub mod order;

pub use locale::{Locale, direction};
pub use node::Node;

/// A number in Latin digits, without the weight of the formatter.
pub(crate) fn number(mut n: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from(b'0' + (n % 10) as u8));
        n /= 10;
        if n == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}
