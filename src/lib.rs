//! The Whereabouts widget: what runs in the shopper's browser. The only Rust that knows the DOM; a shell without decisions.
