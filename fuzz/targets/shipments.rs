//! Past shipments as a table or JSON lines, and learned lanes as bytes: what is read is learned from without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promise::learn::{self, lanes::Lanes};

#[path = "../../crates/api/src/shipments.rs"]
#[allow(dead_code)]
mod shipments;

fuzz_target!(|data: &[u8]| {
    if let Ok(lanes) = Lanes::read(data) {
        assert_eq!(Lanes::read(&lanes.bytes()).as_ref(), Ok(&lanes));
        for [origin, service, zone] in lanes.lanes() {
            lanes.transit(origin, service, zone, &[], &[3]);
        }
    }
    // The first line may map columns.
    let split = data.iter().position(|b| *b == b'\n').unwrap_or(0);
    for (columns, text) in [("", data), (std::str::from_utf8(&data[..split]).unwrap_or("?"), &data[split..])] {
        let Ok(columns) = shipments::Columns::parse(columns) else { continue };
        let Ok(table) = shipments::read(text, &columns) else { continue };
        assert!(!table.rows.is_empty());
        let checked = learn::sound(table.rows.iter().map(shipments::Row::shipment).collect());
        for s in &checked.shipments {
            assert!(s.delivered.is_none_or(|d| d >= s.purchased));
        }
    }
});
