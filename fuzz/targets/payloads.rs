//! Bodies of every source, and the state folded from them: no panic, whatever they say; the same state twice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tracking::{
    shipment::{fold, settle},
    source::{names, read},
};

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else { return };
    let names = names();
    let source = names[usize::from(*first) % names.len()];
    // The other half of the bytes: what a carrier pushes.
    let topic = (usize::from(*first) >= names.len()).then_some("push");
    let Ok(mut facts) = read(source, topic, body) else { return };
    let state = fold(&facts.shipments);
    let reversed: Vec<_> = facts.shipments.iter().rev().chain(&facts.shipments).collect();
    assert_eq!(fold(reversed), state);
    facts.shipments.iter_mut().for_each(|s| settle(s, &Default::default()));
    for time in facts.shipments.iter().flat_map(|s| &s.checkpoints).filter_map(|c| c.time.as_deref()) {
        assert!(time.ends_with('Z') || time.contains(['+', '-']), "{source}: {time} has no offset");
    }
});
