//! Lists of incidents: rows, or what is wrong by its line; and notices of them that a policy takes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promise::incident::{self, compress};

#[path = "../../crates/api/src/incidents/list.rs"]
#[allow(dead_code)]
mod list;

fuzz_target!(|data: &[u8]| {
    match list::read(data) {
        Ok(Ok(rows)) => {
            assert!(!rows.is_empty());
            for (delay, _) in incident::notices(&rows, incident::MOST_RANGES) {
                assert_eq!(delay.validate(), [], "what was taken makes notices that hold");
                assert!(delay.scope.places.iter().all(|p| p.postal_codes.len() <= incident::MOST_RANGES));
            }
        }
        Ok(Err(wrong)) => assert!(!wrong.is_empty()),
        Err(_) => {}
    }
    // Postal codes alone: as few ranges as are asked for, but for lengths (12) and first characters (36) that nothing joins; no more from
    // what came out.
    let text = String::from_utf8_lossy(data);
    for most in [1, 3, 50] {
        let found = compress(text.split_whitespace(), most);
        assert!(found.ranges.len() <= most.max(48));
        let again = compress(found.ranges.iter().map(String::as_str), most);
        assert!(again.ranges.len() <= found.ranges.len());
    }
});
