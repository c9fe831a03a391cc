//! The `whereabouts` command.

fn main() {}
