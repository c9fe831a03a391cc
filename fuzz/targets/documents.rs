//! Policies and promise documents that were never meant to be: an answer or a clear error, never a panic or an endless loop.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promise::{Document, Instant, Request, policy::Policy};

fuzz_target!(|data: &[u8]| {
    let now = Instant(1_795_000_000);
    if let Ok(policy) = serde_json::from_slice::<Policy>(data)
        && policy.validate().is_empty()
    {
        let document = policy.document(now);
        let text = serde_json::to_string(&document).expect("a document can be written");
        let again: Document = serde_json::from_str(&text).expect("and read");
        assert_eq!(again, document);
        promise::estimate(&document, &Request::default(), now);
    }
    if let Ok(document) = serde_json::from_slice::<Document>(data) {
        promise::estimate(&document, &Request::default(), now);
    }
    // What the widget's Wasm is given: numbers and texts, whatever they are.
    let numbers: Vec<f64> = data.iter().map(|b| f64::from(*b) - 8.0).collect();
    let text = String::from_utf8_lossy(data);
    frugal::Reader::new(&numbers, &text).read::<wire::OrderDocument>();
    let document: Document = frugal::Reader::new(&numbers, &text).read();
    promise::estimate(&document, &Request::default(), now);
});
