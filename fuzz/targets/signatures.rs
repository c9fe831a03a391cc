//! Signatures and order tokens: nothing invented is ever accepted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tracking::signature::verify;

#[path = "../../crates/api/src/token.rs"]
#[allow(dead_code)]
mod token;

const SOURCES: [&str; 12] = [
    "ups",
    "usps",
    "shopify",
    "woocommerce",
    "easypost",
    "aftership",
    "shippo",
    "shipengine",
    "17track",
    "trackingmore",
    "track123",
    "standard",
];

fuzz_target!(|data: (u8, Vec<String>, Vec<u8>, String)| {
    let (which, headers, body, text) = data;
    let source = SOURCES[usize::from(which) % SOURCES.len()];
    // A secret that no input can know.
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr";
    let header = |name: &str| (!headers.is_empty()).then(|| headers[name.len() % headers.len()].clone());
    assert!(verify(source, &[secret, ""], &header, &body, 1_795_000_000).is_err());
    assert!(token::verify(&text, |_| vec![secret], 0).is_err());
    let minted = token::mint("demo", &text, i64::MAX, secret);
    assert_eq!(token::verify(&minted, |_| vec![secret], 0).map(|c| c.order_id), Ok(text));
});
