//! Anything that somebody may paste: no panic, and no valid hit without a check digit or a form of its own behind it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tracking::number::{Hints, detect, find, published};

fuzz_target!(|text: &str| {
    // A courier's file is trusted to say what it wants, not to bring the process down.
    let _ = published::read(text.as_bytes());
    let hints = Hints { carriers: vec!["ups".into()], destination: "GB".into() };
    for found in find(text, &hints).into_iter().chain([detect(text, &hints)]) {
        for candidate in found.candidates {
            assert!((0.0..=1.0).contains(&candidate.confidence));
            assert!(candidate.tracking_url.is_none_or(|u| u.starts_with("https://") && !u.contains(['"', '<', ' '])));
        }
    }
});
