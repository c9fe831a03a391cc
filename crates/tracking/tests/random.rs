//! Ten thousand random strings of each shape that people type: none of them is a valid number without a check digit behind it.
//!
//! Some couriers' numbers have no check digit. Where such a number begins with letters of its own, nothing else looks like it; those few forms
//! that are plain enough to be met by chance are named here, and nothing beyond them may appear.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use tracking::number::{Detected, Hints, detect, find};

const EACH: usize = 10_000;

/// Small, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }

    fn of(&mut self, letters: &str) -> char {
        letters.as_bytes()[self.below(letters.len())].into()
    }

    fn text(&mut self, letters: &str, length: usize) -> String {
        (0..length).map(|_| self.of(letters)).collect()
    }
}

const DIGITS: &str = "0123456789";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const BOTH: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Digits of any length but that of the one form of plain digits that its courier gives no check digit.
fn digits(dice: &mut Dice) -> String {
    match 4 + dice.below(37) {
        14 => dice.text(DIGITS, 15),
        n => dice.text(DIGITS, n),
    }
}

fn mixed(dice: &mut Dice) -> String {
    let length = 4 + dice.below(37);
    dice.text(BOTH, length)
}

/// As the Universal Postal Union writes them.
fn postal(dice: &mut Dice) -> String {
    format!("{}{}{}", dice.text(LETTERS, 2), dice.text(DIGITS, 9), dice.text(LETTERS, 2))
}

/// As UPS, and a few others, begin.
fn labelled(dice: &mut Dice) -> String {
    let start = ["1Z", "92", "94", "420", "00", "96", "H"][dice.below(7)];
    let length = 13 + dice.below(20);
    format!("{start}{}", if dice.below(2) == 0 { dice.text(DIGITS, length) } else { dice.text(BOTH, length) })
}

/// With what people put between: spaces, hyphens, and what word processors make of them.
fn spaced(dice: &mut Dice, text: &str) -> String {
    let between = [" ", "-", "\u{a0}", "\u{2011}", "\u{2013}", "  ", "\t"];
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if dice.below(4) == 0 {
            out.push_str(between[dice.below(between.len())]);
        }
    }
    out
}

/// In full-width letters, as some keyboards type.
fn wide(text: &str) -> String {
    text.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect()
}

/// Is a check digit behind each valid candidate? One that holds whatever digit is changed is none.
fn sound(found: &Detected, shape: &str) -> usize {
    for c in found.candidates.iter().filter(|c| c.valid) {
        assert!(c.checked, "{shape} {:?}: {c:?}", found.number);
        let number = &found.normalized;
        let sensitive = number.bytes().enumerate().filter(|(_, b)| b.is_ascii_digit()).any(|(at, b)| {
            let mut changed = number.clone().into_bytes();
            changed[at] = if b == b'9' { b'0' } else { b + 1 };
            let changed = String::from_utf8(changed).unwrap();
            !detect(&changed, &Hints::default()).candidates.iter().any(|d| d.service_id == c.service_id && d.valid)
        });
        assert!(sensitive, "{shape} {:?}: nothing in it matters to {c:?}", found.number);
    }
    assert_eq!(found.valid, found.candidates.iter().any(|c| c.valid));
    usize::from(found.valid)
}

/// Makes one string.
type Make = fn(&mut Dice) -> String;

#[test]
fn no_random_string_is_valid_without_a_check_digit() {
    let shapes: [(&str, Make); 4] =
        [("digits", digits), ("letters and digits", mixed), ("postal", postal), ("labelled", labelled)];
    for (n, (shape, make)) in shapes.into_iter().enumerate() {
        let (mut dice, mut valid) = (Dice(n as u64 + 1), 0);
        for _ in 0..EACH {
            let text = make(&mut dice);
            let plain = detect(&text, &Hints::default());
            valid += sound(&plain, shape);
            // However it is written, it means the same.
            let written = match dice.below(3) {
                0 => spaced(&mut dice, &text),
                1 => wide(&text),
                _ => text.to_lowercase(),
            };
            if written.len() <= 120 {
                assert_eq!(detect(&written, &Hints::default()).valid, plain.valid, "{shape}: {written}");
            }
        }
        println!("{shape}: {valid} of {EACH} have a check digit that happens to be right");
        // Chance alone makes some right: a test that looked at nothing would not notice.
        assert!(shape == "letters and digits" || valid > 20, "{shape}: {valid}");
    }
}

#[test]
fn nor_within_sentences_and_addresses() {
    let frames = [
        "Hello, where is {}? Thanks",
        "https://shop.example/orders/{}?utm=1",
        "Order {} of 24 November 2026, 10:30, two mugs",
        "my number: {}.",
        "({})\n-- \nAda",
        "\u{1f4e6} {} \u{1f4e6}",
        "tel. +1 415 555 0100, ref {}",
    ];
    let mut dice = Dice(9);
    let makes: [fn(&mut Dice) -> String; 4] = [digits, mixed, postal, labelled];
    for n in 0..EACH {
        let text = makes[n % makes.len()](&mut dice);
        // Digits only: a cut in the middle of letters makes another string.
        let text = if dice.below(3) == 0 && n % makes.len() == 0 { spaced(&mut dice, &text) } else { text };
        let whole = frames[dice.below(frames.len())].replace("{}", &text);
        for found in find(&whole, &Hints::default()) {
            for c in found.candidates.iter().filter(|c| c.valid) {
                // Pieces of what was cut by spaces may have fourteen digits.
                assert!(c.checked || c.service_id == "dhl_ecommerce_14", "{whole:?}: {c:?}");
            }
        }
    }
}

#[test]
fn forms_without_a_check_digit_are_few_and_named() {
    // What each begins with is its own; the last four are plain, and least trusted.
    let own = [
        "TBA123456789012",
        "1LS712345678901",
        "1LSCX0123456789",
        "LX11234567",
        "JD0001234567890123",
        "LTN12345678N1",
        "GM2951173225174494",
    ];
    let plain = ["12345678901234", "KYV009956937", "C1004444443", "D576002440000001718010"];
    for number in own.into_iter().chain(plain) {
        let found = detect(number, &Hints::default());
        let best = found.candidates.first().unwrap_or_else(|| panic!("{number} is not known"));
        assert!(found.valid && !best.checked, "{number}: {best:?}");
        assert_eq!(best.confidence < 0.5, plain.contains(&number), "{number}: {best:?}");
    }
    // A postal number with a wrong check digit is none of a courier's that begins alike.
    for number in ["CN123456780DE", "IN123456780US", "LX123456780NL"] {
        let found = detect(number, &Hints::default());
        assert!(!found.valid, "{number}: {:?}", found.candidates);
        assert_eq!(found.candidates[0].confidence, 0.05, "{number}");
    }
}
