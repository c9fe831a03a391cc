//! Imported tables and JSON lines: what is taken can be read, what can't is refused by its line.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/api/src/import.rs"]
#[allow(dead_code)]
mod import;

fuzz_target!(|data: &[u8]| {
    let zone = chrono_tz::Europe::Berlin;
    let found = [Some(import::json_lines(data)), import::csv(data, zone).ok()];
    for body in found.into_iter().flatten().flat_map(|i| i.bodies) {
        tracking::source::read("standard", None, &body).expect("what was taken can be read");
    }
});
