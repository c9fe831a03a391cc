//! Which zone a destination lies in, as far as it is known.

use alloc::{string::String, vec::Vec};

use crate::{
    document::{Document, Place},
    estimate::Destination,
};

/// How a place answers to a destination that may be known only in part.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Match {
    No,
    /// What would decide it is not known.
    Maybe,
    Yes,
}

/// A postal code as it is compared: upper case, without spaces and hyphens; in the US the first five digits.
fn postal(country: &str, code: &str) -> Vec<u8> {
    let mut text = Vec::new();
    for c in code.bytes() {
        if c.is_ascii_alphanumeric() {
            text.push(c.to_ascii_uppercase());
        }
    }
    if country.eq_ignore_ascii_case("US") {
        text.truncate(5);
    }
    text
}

pub(crate) fn matches(place: &Place, to: &Destination) -> Match {
    if to.country.is_empty() {
        return Match::Maybe;
    }
    if !place.country.eq_ignore_ascii_case(&to.country) {
        return Match::No;
    }
    let region = match (place.regions.is_empty(), to.region.is_empty()) {
        (true, _) => Match::Yes,
        (false, true) => Match::Maybe,
        (false, false) if place.regions.iter().any(|r| r.eq_ignore_ascii_case(&to.region)) => Match::Yes,
        _ => Match::No,
    };
    let code = postal(&to.country, &to.postal_code);
    let by_code = match (place.postal_codes.is_empty(), code.is_empty()) {
        (true, _) => Match::Yes,
        (false, true) => Match::Maybe,
        (false, false) if place.postal_codes.iter().any(|range| within(&code, range)) => Match::Yes,
        _ => Match::No,
    };
    region.min(by_code)
}

/// Whether a destination surely lies in one of these.
#[inline(never)]
pub(crate) fn surely(places: &[Place], to: &Destination) -> bool {
    places.iter().any(|p| matches(p, to) == Match::Yes)
}

/// `900`–`961` holds `94103`: compared by the prefixes' own lengths.
fn within(code: &[u8], (first, last): &(String, String)) -> bool {
    let prefix = |of: &str| code.get(..of.len()).unwrap_or(code);
    prefix(first) >= first.as_bytes() && prefix(last) <= last.as_bytes()
}

/// The zones that the destination may lie in: the first that surely matches ends the list.
pub(crate) fn zones(document: &Document, to: &Destination) -> Vec<usize> {
    let mut found = Vec::new();
    for (index, zone) in document.zones.iter().enumerate() {
        let mut best = Match::No;
        for place in &zone.places {
            best = best.max(matches(place, to));
        }
        if best > Match::No {
            found.push(index);
        }
        if best == Match::Yes {
            break;
        }
    }
    found
}

/// What the destination's precision is called.
pub(crate) fn precision(to: &Destination) -> &'static str {
    if to.country.is_empty() {
        "unknown"
    } else if !postal("", &to.postal_code).is_empty() {
        "postal_code"
    } else if !to.region.is_empty() {
        "region"
    } else {
        "country"
    }
}
