//! Tracking numbers: from what somebody typed or pasted to the carriers it may belong to.
//!
//! A courier is a file in `data/couriers`: its formats as patterns over the normalized number, their check digits, services and tracking
//! page. Adding one touches no code; files in the [`published`] format do as well, there or at run time ([`add`]).

mod check;
pub mod published;

use std::{
    collections::BTreeMap,
    sync::{LazyLock, OnceLock},
};

use include_dir::{Dir, include_dir};
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use check::Checksum;

static FILES: Dir = include_dir!("$CARGO_MANIFEST_DIR/data/couriers");

/// A courier's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Courier {
    carrier: String,
    name: String,
    #[serde(default)]
    tracking_url: Option<String>,
    /// Where it delivers, if in few countries.
    #[serde(default)]
    countries: Vec<String>,
    /// What other data calls it.
    #[serde(default)]
    also: Option<String>,
    /// Postal operators by country, where the number names one.
    #[serde(default)]
    operators: BTreeMap<String, Operator>,
    formats: Vec<Format>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Operator {
    name: String,
    carrier: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Format {
    id: String,
    name: String,
    /// The first that matches the whole number counts. Groups: `serial` and `check` for the check digit, `service`, `zip`, `country`.
    patterns: Vec<String>,
    /// The same, for what a number of this courier may look like and any letters and digits as well: a candidate, never valid.
    #[serde(default)]
    loose: Vec<String>,
    #[serde(default)]
    checksum: Option<Checksum>,
    /// Without check digit: is the form so peculiar that a match means something?
    #[serde(default = "yes")]
    distinct: bool,
    #[serde(default)]
    min: usize,
    #[serde(default)]
    max: Option<usize>,
    #[serde(default)]
    services: BTreeMap<String, String>,
    /// By the first letter of the service.
    #[serde(default)]
    service_prefixes: BTreeMap<String, String>,
    #[serde(default)]
    also: Option<String>,
    #[serde(skip)]
    compiled: Vec<Regex>,
    #[serde(skip)]
    compiled_loose: Vec<Regex>,
}

fn yes() -> bool {
    true
}

static COURIERS: LazyLock<Vec<Courier>> = LazyLock::new(|| {
    let read = |file: &include_dir::File| {
        let mut courier: Courier = serde_json::from_slice(file.contents()).ok()?;
        for format in &mut courier.formats {
            let compile = |p: &String| RegexBuilder::new(&format!("^(?:{p})$")).unicode(false).build().ok();
            format.compiled = format.patterns.iter().filter_map(compile).collect();
            format.compiled_loose = format.loose.iter().filter_map(compile).collect();
        }
        Some(courier)
    };
    FILES.files().filter_map(read).collect()
});

/// Files of the published format among the ones that come with this version.
static PUBLISHED: LazyLock<Vec<published::Courier>> =
    LazyLock::new(|| FILES.files().filter_map(|f| published::read(f.contents()).ok()).collect());

static ADDED: OnceLock<Vec<published::Courier>> = OnceLock::new();

/// Adds couriers for as long as the process runs; a format with the id of one that comes with this version takes its place. Once only:
/// returns false where that has been done.
pub fn add(couriers: Vec<published::Courier>) -> bool {
    ADDED.set(couriers).is_ok()
}

/// What is known about who sends what where; none of it is needed.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// The store's carriers, by code.
    pub carriers: Vec<String>,
    /// ISO 3166-1 alpha-2.
    pub destination: String,
}

/// What a number may be.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Detected {
    /// As it was written.
    pub number: String,
    /// Upper case, without spaces and hyphens.
    pub normalized: String,
    /// At least one candidate's check digit is right, or its form is its own.
    pub valid: bool,
    /// The most probable first.
    pub candidates: Vec<Candidate>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Candidate {
    pub carrier: String,
    pub name: String,
    pub service: String,
    pub service_id: String,
    /// What the number says of its service level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_postal_code: Option<String>,
    pub tracking_url: Option<String>,
    /// Between 0 and 1.
    pub confidence: f64,
    pub valid: bool,
    /// By a check digit.
    #[serde(skip)]
    pub checked: bool,
}

impl Detected {
    /// Nothing is valid but what a check digit says.
    fn keep_checked(&mut self) {
        self.candidates.retain(|c| !c.valid || c.checked);
        self.valid = self.candidates.iter().any(|c| c.valid);
    }
}

/// A full-width digit or letter as an ordinary one.
fn narrow(c: char) -> char {
    match c {
        '\u{ff10}'..='\u{ff5a}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    }
}

/// Upper case, without what people and labels put between digits.
pub fn normalize(text: &str) -> String {
    text.chars().map(narrow).filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// The longest text that can be a number, with its spaces.
const LONGEST: usize = 120;

/// What a single number may be.
pub fn detect(number: &str, hints: &Hints) -> Detected {
    let normalized = normalize(number);
    let mut candidates: Vec<Candidate> = Vec::new();
    if number.len() <= LONGEST && normalized.is_ascii() {
        let added = ADDED.get().map(Vec::as_slice).unwrap_or_default();
        let written = number.trim().to_uppercase();
        for courier in COURIERS.iter() {
            let formats = courier.formats.iter().filter(|f| !added.iter().any(|c| c.has(&f.id)));
            candidates.extend(formats.filter_map(|f| candidate(courier, f, &normalized, hints)));
        }
        check_digit_decides(&mut candidates);
        for courier in PUBLISHED.iter().chain(added) {
            candidates.extend(courier.candidates(&written, &normalized, hints));
        }
    }
    candidates.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then_with(|| a.service_id.cmp(&b.service_id)));
    // Two files may say the same of one courier: the surest is enough.
    let mut named = Vec::new();
    candidates.retain(|c| {
        let name = (c.carrier.clone(), c.service_id.clone());
        let new = !named.contains(&name);
        named.push(name);
        new
    });
    Detected { number: number.trim().to_owned(), valid: candidates.iter().any(|c| c.valid), normalized, candidates }
}

/// A number of a form that has a check digit, which is wrong, is not made right by a form of another courier that has none: letters, nine
/// digits and letters are a postal number first of all.
fn check_digit_decides(candidates: &mut [Candidate]) {
    let wrong = candidates.iter().any(|c| c.checked && !c.valid) && !candidates.iter().any(|c| c.checked && c.valid);
    if wrong {
        for c in candidates.iter_mut().filter(|c| !c.checked) {
            (c.valid, c.confidence) = (false, c.confidence.min(0.05));
        }
    }
}

fn candidate(courier: &Courier, format: &Format, number: &str, hints: &Hints) -> Option<Candidate> {
    if number.len() < format.min || format.max.is_some_and(|max| number.len() > max) {
        return None;
    }
    let mut found = None;
    let sure = format.compiled.iter().map(|p| (p, true)).chain(format.compiled_loose.iter().map(|p| (p, false)));
    for (pattern, sure) in sure {
        let Some(groups) = pattern.captures(number) else { continue };
        let group = |name: &str| groups.name(name).map(|m| m.as_str());
        let right = match (&format.checksum, group("serial"), group("check").and_then(|c| c.chars().next())) {
            _ if !sure => false,
            (Some(checksum), Some(serial), Some(check)) => checksum.holds(serial, check),
            (None, ..) => true,
            _ => false,
        };
        // Two readings of one number: the one that adds up.
        if right || found.is_none() {
            let service = group("service").unwrap_or_default().to_owned();
            found = Some((right, service, group("zip").map(str::to_owned), group("country").unwrap_or_default().to_owned()));
        }
        if right {
            break;
        }
    }
    let (mut valid, service, zip, country) = found?;
    let (mut carrier, mut name) = (courier.carrier.as_str(), courier.name.as_str());
    if !courier.operators.is_empty() {
        match courier.operators.get(&country) {
            Some(operator) => (carrier, name) = (&operator.carrier, &operator.name),
            None => valid = false,
        }
    }
    let mut confidence = certainty(valid, format.checksum.is_some(), format.distinct, number);
    let own = [Some(courier.carrier.as_str()), courier.also.as_deref(), format.also.as_deref(), Some(carrier)];
    if hints.carriers.iter().any(|c| own.iter().flatten().any(|o| o == c)) {
        confidence += (1.0 - confidence) / 2.0;
    }
    if !hints.destination.is_empty() && !courier.countries.is_empty() && !courier.countries.contains(&hints.destination) {
        confidence /= 2.0;
    }
    let by_prefix = || service.get(..1).and_then(|first| format.service_prefixes.get(first));
    Some(Candidate {
        carrier: carrier.to_owned(),
        name: name.to_owned(),
        service: format.name.clone(),
        service_id: format.id.clone(),
        service_type: format.services.get(&service).or_else(by_prefix).cloned(),
        destination_postal_code: zip,
        tracking_url: courier
            .tracking_url
            .as_ref()
            .map(|url| url.replace("{}", number))
            .or_else(|| crate::carrier::tracking_url(carrier, number)),
        confidence: (confidence * 1000.0).round() / 1000.0,
        valid,
        checked: format.checksum.is_some(),
    })
}

/// How sure a match is, before the store's carriers and the destination have their say.
fn certainty(valid: bool, checked: bool, distinct: bool, number: &str) -> f64 {
    // A number with letters of its own, or a form with a check digit, is rarely met by chance.
    let letters = number.bytes().filter(u8::is_ascii_alphabetic).count();
    match (valid, checked, distinct) {
        (false, ..) => 0.05,
        (true, true, _) if letters > 0 || number.len() >= 20 => 0.95,
        (true, true, _) => 0.7,
        (true, false, true) => 0.8,
        (true, false, false) => 0.3,
    }
}

/// The most words that one number is written in.
const WORDS: usize = 8;

/// Several words that make a number: mostly digits, else any sentence would be one.
struct Run<'t> {
    words: &'t [&'t str],
}

impl Run<'_> {
    /// A word of letters that belongs to a sentence, not to a number.
    fn is_prose(&self) -> bool {
        let digitless = |w: &&&str| !w.bytes().any(|b| b.is_ascii_digit());
        self.words.len() > 1 && self.words.iter().filter(digitless).any(|w| w.len() > 3)
    }

    /// Letters of a sentence ("in 1234567890") that would lead a number only by chance: nobody writes a label's letters small.
    fn needs_check_digit(&self) -> bool {
        self.words.len() > 1 && self.words.iter().any(|w| w.bytes().all(|b| b.is_ascii_lowercase()))
    }

    fn detect(&self, hints: &Hints) -> Option<Detected> {
        let joined = self.words.join(" ");
        if joined.bytes().filter(u8::is_ascii_digit).count() < 6 || self.is_prose() {
            return None;
        }
        let mut detected = detect(&joined, hints);
        if self.needs_check_digit() {
            detected.keep_checked();
        }
        (!detected.candidates.is_empty()).then_some(detected)
    }
}

/// The text in pieces that nothing but spaces and hyphens divides, each in its words.
fn pieces(text: &str) -> Vec<Vec<&str>> {
    let within = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '\u{a0}' | '\u{2010}'..='\u{2013}' | '\u{202f}');
    let words =
        |piece| str::split_whitespace(piece).filter(|w: &&str| w.len() <= 44 && w.contains(char::is_alphanumeric)).collect();
    text.split(|c| !within(c)).map(words).filter(|words: &Vec<&str>| !words.is_empty()).collect()
}

/// The numbers in a text, in its order: the text itself if it is one; else the runs of words in it that are, the surest and longest first.
/// Where none is right, what is a carrier's number but for its check digit; else the text as it is.
pub fn find(text: &str, hints: &Hints) -> Vec<Detected> {
    let mut whole = detect(text, hints);
    let folded: String = text.chars().map(narrow).collect();
    let pieces = pieces(&folded);
    if let [words] = pieces.as_slice()
        && (words.len() == 1 || whole.candidates.first().is_some_and(|c| c.valid && c.checked))
    {
        return Vec::from([whole]);
    }
    // Where it stands (piece, first word, last word), and what it is.
    let mut hits = Vec::new();
    for (piece, words) in pieces.iter().enumerate() {
        for from in 0..words.len() {
            for to in from + 1..=words.len().min(from + WORDS) {
                if let Some(found) = (Run { words: &words[from..to] }).detect(hints) {
                    hits.push((piece, from, to, found));
                }
            }
        }
    }
    let sure =
        |(_, from, to, d): &(usize, usize, usize, Detected)| d.valid && (to - from == 1 || d.candidates[0].confidence >= 0.7);
    if hits.iter().any(sure) {
        hits.retain(sure);
    }
    hits.sort_by(|(.., a_from, a_to, a), (.., b_from, b_to, b)| {
        b.candidates[0].confidence.total_cmp(&a.candidates[0].confidence).then((b_to - b_from).cmp(&(a_to - a_from)))
    });
    let mut found: Vec<(usize, usize, usize, Detected)> = Vec::new();
    for hit in hits {
        let apart = |f: &(usize, usize, usize, Detected)| f.0 != hit.0 || f.2 <= hit.1 || hit.2 <= f.1;
        if found.iter().all(|f| apart(f) && f.3.normalized != hit.3.normalized) {
            found.push(hit);
        }
    }
    found.sort_by_key(|f| (f.0, f.1));
    if found.is_empty() {
        // A sentence without its spaces is a number by chance only.
        whole.keep_checked();
        return Vec::from([whole]);
    }
    found.into_iter().map(|f| f.3).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn best(number: &str) -> (String, bool) {
        let found = detect(number, &Hints::default());
        (found.candidates.first().map(|c| c.service_id.clone()).unwrap_or_default(), found.valid)
    }

    #[test]
    fn every_courier_file_is_sound() {
        assert_eq!(COURIERS.len() + PUBLISHED.len(), FILES.files().count(), "a file that can't be read");
        for courier in COURIERS.iter() {
            for format in &courier.formats {
                assert_eq!(format.compiled.len(), format.patterns.len(), "{}: a pattern that can't be read", format.id);
                assert_eq!(format.compiled_loose.len(), format.loose.len(), "{}: a pattern that can't be read", format.id);
                for pattern in format.compiled.iter().chain(&format.compiled_loose) {
                    let names: Vec<&str> = pattern.capture_names().flatten().collect();
                    assert!(names.contains(&"serial"), "{}", format.id);
                    assert_eq!(names.contains(&"check"), format.checksum.is_some(), "{}", format.id);
                }
            }
            assert!(
                courier.tracking_url.as_ref().is_none_or(|u| u.starts_with("https://") && u.contains("{}")),
                "{}",
                courier.carrier
            );
        }
    }

    #[test]
    fn check_digits_decide() {
        assert_eq!(best("1Z5R89390357567127"), ("ups".into(), true));
        assert_eq!(best("1z 5r8 939 03 5756 712 7"), ("ups".into(), true));
        assert_eq!(best("1Z5R89390357567128"), ("ups".into(), false));
        assert_eq!(best("RB123456785GB"), ("s10".into(), true));
        assert_eq!(best("RB123456785XX"), ("s10".into(), false), "no postal operator there");
        for nothing in ["", "101", "hello", "💥", &"9".repeat(500), "１Z"] {
            assert!(!detect(nothing, &Hints::default()).valid, "{nothing}");
        }
    }

    #[test]
    fn the_stores_carriers_and_the_destination_help() {
        // Twelve digits that add up for FedEx and for Purolator alike.
        let both = (0..u64::MAX).map(|n| format!("{:012}", n * 7_919 + 100_000_000_000)).find(|n| {
            let found = detect(n, &Hints::default());
            ["fedex", "purolator"].iter().all(|c| found.candidates.iter().any(|x| x.carrier == *c && x.valid))
        });
        let both = both.unwrap();
        let first = |hints: &Hints| detect(&both, hints).candidates[0].carrier.clone();
        assert_eq!(first(&Hints { carriers: vec!["purolator".into()], ..Hints::default() }), "purolator");
        assert_eq!(first(&Hints { carriers: vec!["fedex".into()], ..Hints::default() }), "fedex");
        assert_eq!(first(&Hints { destination: "US".into(), ..Hints::default() }), "fedex");
    }

    #[test]
    fn numbers_are_found_in_text() {
        let text = "Hello, my parcels are 1Z5R89390357567127 and, I think, 9611020987654312345672. Where are they? Order 1001, 24 Nov 2026.";
        let found: Vec<String> = find(text, &Hints::default()).into_iter().map(|d| d.normalized).collect();
        assert_eq!(found, ["1Z5R89390357567127", "9611020987654312345672"]);
        let spaced = find("it says 0307 1790 0005 2348 3741 on the label", &Hints::default());
        assert_eq!((spaced.len(), spaced[0].normalized.as_str()), (1, "03071790000523483741"));
        for (text, numbers) in [
            ("my parcel 9400 1112 0108 0805 4830 16 please", &["9400111201080805483016"] as &[&str]),
            ("MY 1Z5R89390357567127", &["1Z5R89390357567127"]),
            ("tracking:RR123456785GB.", &["RR123456785GB"]),
            ("(RR123456785GB)", &["RR123456785GB"]),
            ("https://www.ups.com/track?tracknum=1Z5R89390357567127&x=1", &["1Z5R89390357567127"]),
            ("RR123456785GB/1Z5R89390357567127", &["RR123456785GB", "1Z5R89390357567127"]),
            ("RR123456785GB\n1Z5R89390357567127,RR123456785GB", &["RR123456785GB", "1Z5R89390357567127"]),
            ("it is \u{ff11}Z5R89390357567127 I think", &["1Z5R89390357567127"]),
            ("1Z\u{2011}5R8\u{2011}939\u{2011}0357567127", &["1Z5R89390357567127"]),
            ("rr 123 456 785 gb", &["RR123456785GB"]),
        ] {
            let found = find(text, &Hints::default());
            assert!(found.iter().all(|d| d.valid), "{text}: {found:?}");
            assert_eq!(found.iter().map(|d| d.normalized.as_str()).collect::<Vec<_>>(), numbers, "{text}");
        }
        // A slip of the pen is named; letters of a sentence are no part of a number.
        let slip = find("where is 1Z5R89390357567128?", &Hints::default());
        assert_eq!((slip[0].normalized.as_str(), slip[0].valid), ("1Z5R89390357567128", false));
        assert_eq!(slip[0].candidates[0].carrier, "ups");
        for prose in ["it is in 1234567890123, isn't it", "my 1000000001 orders", "order 1001 of 24 November 2026, 10:30"] {
            assert!(find(prose, &Hints::default()).iter().all(|d| !d.valid), "{prose}");
        }
    }

    proptest! {
        #[test]
        fn random_text_is_no_number_without_a_check_digit(text in "[A-Z0-9]{4,34}") {
            let found = detect(&text, &Hints::default());
            for c in found.candidates.iter().filter(|c| c.valid) {
                let format = COURIERS.iter().flat_map(|x| &x.formats).find(|f| f.id == c.service_id).unwrap();
                prop_assert!(format.checksum.is_some() || format.distinct, "{text}: {c:?}");
            }
        }

        #[test]
        fn any_text_ends_in_an_answer(text in any::<String>()) {
            let _ = find(&text, &Hints::default());
        }
    }
}
