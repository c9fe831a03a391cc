//! Every kind of step and every obstacle that the crate can give is listed: whoever puts them into words goes by the lists.

use std::collections::BTreeSet;

use promise::estimate::{OBSTACLES, STEPS, STEPS_AFTER};

/// Texts that stand between `before` and a quotation mark.
fn given<'a>(source: &'a str, before: &str) -> BTreeSet<&'a str> {
    source.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn all_kinds_of_steps_and_obstacles_are_listed() {
    let explain = include_str!("../src/explain.rs");
    // All its texts but the word for where a method goes.
    let steps: BTreeSet<&str> =
        explain.split('"').skip(1).step_by(2).filter(|text| !text.is_empty() && *text != "store").collect();
    assert_eq!(steps, BTreeSet::from(STEPS));

    let remaining = include_str!("../src/remaining.rs");
    let known: BTreeSet<&str> = STEPS.into_iter().chain(STEPS_AFTER).collect();
    let after = given(remaining, "step(\"");
    assert!(after.iter().all(|kind| known.contains(kind)), "{after:?}");
    assert!(STEPS_AFTER.iter().all(|kind| after.contains(kind)), "{after:?}");

    // What has an underscore there and is not a word of the document's.
    let cart = include_str!("../src/cart.rs");
    let obstacles = cart.split('"').skip(1).step_by(2).filter(|text| text.contains('_') && *text != "as_ready");
    assert_eq!(obstacles.collect::<BTreeSet<_>>(), BTreeSet::from(OBSTACLES));
}
