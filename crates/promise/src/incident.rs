//! Incidents to delay notices: those that a carrier's list announces, and those that [`crate::detect`] finds.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    detect::Slowdown,
    policy::{Delay, Duration, Place, Scope},
    time::Instant,
};

/// One row of a list of incidents: a postal area that a carrier or a service reaches late.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Carrier by code; empty: any.
    pub carrier: String,
    /// The service's id; empty: any.
    pub service: String,
    /// ISO 3166-1, two letters.
    pub country: String,
    /// A postal code, a prefix, or a range of them; empty: the whole country.
    pub postal_code: String,
    /// When it begins.
    pub from: Instant,
    /// When it ends; absent: until it is ended.
    pub until: Option<Instant>,
    /// Extra working days, from and to.
    pub days: (u16, u16),
    /// `weather`, `peak`, `strike` …, as for any delay notice.
    pub reason: String,
    /// 1 (worth knowing) to 3 (severe).
    pub severity: u8,
    /// Language and text.
    pub message: Option<(String, String)>,
}

/// Postal codes as few ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compressed {
    /// Codes, prefixes and ranges, as [`Place::postal_codes`] takes them.
    pub ranges: Vec<String>,
    /// Numbers that the ranges hold besides the codes given: some may be no codes at all, others are places that are not affected.
    pub besides: u64,
}

/// Ranges that a notice may have: the promise document, which every shopper loads, stays small.
pub const MOST_RANGES: usize = 200;

/// Turns postal codes into at most `most` ranges; what numbers of different lengths and different first letters keep apart stays apart, though
/// (48 at the very most). Runs of numbers become ranges; where these are too many, the smallest gaps are closed, and what that adds is counted.
/// Codes with letters lose their last characters instead.
///
/// ```
/// use promise::incident::compress;
/// let codes = ["27003", "27001", "27002", "27101", "28000"];
/// assert_eq!(compress(codes, 9).ranges, ["27001-27003", "27101", "28000"]);
/// let few = compress(codes, 2);
/// assert_eq!((few.ranges, few.besides), (vec!["27001-27101".to_string(), "28000".to_string()], 97));
/// assert_eq!(compress(["SW1A 1AA", "SW1A 2AA", "EH1"], 9).ranges, ["EH1", "SW1A1AA", "SW1A2AA"]);
/// ```
pub fn compress<'a>(codes: impl IntoIterator<Item = &'a str>, most: usize) -> Compressed {
    let most = most.max(1);
    // By length: a prefix of three digits and a code of five are different numbers.
    let mut numbers: BTreeMap<usize, BTreeSet<(u64, u64)>> = BTreeMap::new();
    let mut words: BTreeSet<String> = BTreeSet::new();
    let plain = |s: &str| -> String { s.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect() };
    for code in codes {
        // A hyphen parts a range where both sides are alike; in "12345-6789" and "1010-001" it does not.
        let (first, last) = match code.split_once(['-', '–']) {
            Some((a, b)) if plain(a).len() == plain(b).len() => (plain(a), plain(b)),
            _ => (plain(code), plain(code)),
        };
        match (first.parse::<u64>(), last.parse::<u64>()) {
            (Ok(a), Ok(b)) if a <= b && first.len() <= 12 => drop(numbers.entry(first.len()).or_default().insert((a, b))),
            _ if first.is_empty() => {}
            _ => drop(words.insert(first)),
        }
    }
    // Runs of one length, and the gap before each.
    let mut runs: Vec<(usize, u64, u64)> = Vec::new();
    for (length, list) in numbers {
        for (a, b) in list {
            match runs.last_mut() {
                Some((l, _, end)) if *l == length && a <= end.saturating_add(1) => *end = (*end).max(b),
                _ => runs.push((length, a, b)),
            }
        }
    }
    let mut besides = 0;
    let room = most.saturating_sub(words.len()).max(1);
    if runs.len() > room {
        // The largest gaps stay open.
        let gap = |n: usize| if runs[n - 1].0 == runs[n].0 { runs[n].1 - runs[n - 1].2 - 1 } else { u64::MAX };
        let mut gaps: Vec<(u64, usize)> = (1..runs.len()).map(|n| (gap(n), n)).collect();
        gaps.sort_unstable();
        let closed: BTreeSet<usize> = gaps.iter().take(runs.len() - room).filter(|g| g.0 < u64::MAX).map(|g| g.1).collect();
        let mut merged: Vec<(usize, u64, u64)> = Vec::new();
        for (n, run) in runs.iter().enumerate() {
            match merged.last_mut() {
                Some(last) if closed.contains(&n) => {
                    besides += run.1 - last.2 - 1;
                    last.2 = run.2;
                }
                _ => merged.push(*run),
            }
        }
        runs = merged;
    }
    while words.len() > 1 && words.len() + runs.len() > most {
        let longest = words.iter().map(String::len).max().unwrap_or(0);
        if longest <= 1 {
            break;
        }
        words = words.iter().map(|w| w.get(..longest - 1).unwrap_or(w).to_string()).collect();
        besides += 1;
    }
    let text = |length: usize, n: u64| format!("{n:0length$}");
    let mut ranges: Vec<String> = runs
        .iter()
        .map(|(length, a, b)| if a == b { text(*length, *a) } else { format!("{}-{}", text(*length, *a), text(*length, *b)) })
        .collect();
    ranges.extend(words);
    Compressed { ranges, besides }
}

/// Notices made of a list: rows that differ in nothing but their place are one. With each, how many numbers its ranges hold besides.
///
/// The same list gives the same ids: to import it again changes nothing.
///
/// ```
/// use promise::incident::{Row, notices};
/// let row = |code: &str| Row { carrier: "ups".into(), country: "US".into(), postal_code: code.into(), days: (1, 2), ..Row::default() };
/// let found = notices(&[row("27001"), row("27002"), row("27003")], 200);
/// assert_eq!(found.len(), 1);
/// assert_eq!(found[0].0.scope.places[0].postal_codes, ["27001-27003"]);
/// ```
pub fn notices(rows: &[Row], most: usize) -> Vec<(Delay, u64)> {
    type Key<'a> = (&'a str, &'a str, Instant, Option<Instant>, (u16, u16), &'a str, u8);
    let mut groups: BTreeMap<Key, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let key = (&*row.carrier, &*row.service, row.from, row.until, row.days, &*row.reason, row.severity);
        groups.entry(key).or_default().push(row);
    }
    let list = |text: &str| if text.is_empty() { Vec::new() } else { alloc::vec![text.to_string()] };
    let notice = |((carrier, service, from, until, days, reason, severity), rows): (Key, Vec<&Row>)| {
        let mut countries: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for row in rows.iter().filter(|r| !r.country.is_empty()) {
            countries.entry(row.country.to_ascii_uppercase()).or_default().push(&row.postal_code);
        }
        let mut besides = 0;
        let share = most / countries.len().max(1);
        let mut places = Vec::new();
        for (country, codes) in countries {
            let whole = codes.iter().any(|c| c.trim().is_empty());
            let found = if whole { Compressed::default() } else { compress(codes, share) };
            besides += found.besides;
            places.push(Place { country, postal_codes: found.ranges, ..Place::default() });
        }
        let reason = if reason.is_empty() { "carrier" } else { reason };
        let delay = Delay {
            id: format!("{}-{}-{reason}-{}", [carrier, service].concat(), from.0, days.1).trim_start_matches('-').to_string(),
            scope: Scope { carriers: list(carrier), services: list(service), places, ..Scope::default() },
            from,
            until,
            effect: Duration { min: Some(days.0), max: Some(days.1), ..Duration::default() },
            reason: reason.to_string(),
            severity: if severity == 0 { 2 } else { severity },
            message: rows.iter().filter_map(|r| r.message.clone()).collect(),
        };
        (delay, besides)
    };
    groups.into_iter().map(notice).collect()
}

/// The groups that a parcel belongs to, from wide to narrow, as [`crate::detect::Leg::groups`]: its carrier, its carrier's way to the zone, its
/// origin, and its postal area. Each is a scope in words of its own, which [`scope`] reads.
pub fn groups(carrier: &str, origin: &str, zone: &str, country: &str, postal_code: &str) -> Vec<String> {
    let mut groups = Vec::new();
    let mut group = |parts: &[(&str, &str)]| {
        if parts.iter().all(|p| !p.1.is_empty()) {
            groups.push(parts.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("\u{1f}"));
        }
    };
    group(&[("carrier", carrier)]);
    group(&[("carrier", carrier), ("zone", zone)]);
    group(&[("carrier", carrier), ("origin", origin), ("zone", zone)]);
    let area = area(country, postal_code);
    group(&[("carrier", carrier), ("country", country), ("area", &area)]);
    groups
}

/// The part of a postal code that stands for a region: three digits in the US, the letters that others begin with, else two.
fn area(country: &str, code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    let letters = plain.chars().take_while(char::is_ascii_alphabetic).count();
    let length = match (country, letters) {
        ("CA", _) => 1,
        (_, 1..) => letters,
        ("US", _) => 3,
        _ => 2,
    };
    plain.get(..length).unwrap_or(&plain).to_string()
}

/// What a group of [`groups`] is about.
///
/// ```
/// use promise::incident::{groups, scope};
/// let all = groups("ups", "memphis", "west", "US", "94103");
/// let lane = scope(&all[2]);
/// assert_eq!((lane.carriers, lane.origins, lane.zones), (vec!["ups".to_string()], vec!["memphis".into()], vec!["west".into()]));
/// assert_eq!(scope(&all[3]).places[0].postal_codes, ["941"]);
/// ```
pub fn scope(group: &str) -> Scope {
    let mut scope = Scope::default();
    let mut place = Place::default();
    for (key, value) in group.split('\u{1f}').filter_map(|p| p.split_once('=')) {
        let value = value.to_string();
        match key {
            "carrier" => scope.carriers.push(value),
            "zone" => scope.zones.push(value),
            "origin" => scope.origins.push(value),
            "country" => place.country = value,
            "area" => place.postal_codes.push(value),
            _ => {}
        }
    }
    if !place.country.is_empty() {
        scope.places.push(place);
    }
    scope
}

/// The notice that a finding proposes: its scope and its measured effect. It has no end: it is ended when the scans recover.
pub fn proposal(found: &Slowdown) -> Delay {
    let weights = &found.effect;
    let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
    let mean = weights.iter().enumerate().map(|(n, w)| n as u64 * u64::from(*w)).sum::<u64>() as f64 / total.max(1) as f64;
    let name: String = found.group.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let begins = i64::from(found.since.0) * 86_400;
    Delay {
        id: format!("detected-{name}-{}", found.since),
        scope: scope(&found.group),
        from: Instant(begins),
        until: found.ended.map(|day| Instant((i64::from(day.0) * 86_400).max(begins + 1))),
        effect: Duration { weights: weights.clone(), ..Duration::default() },
        reason: "carrier".to_string(),
        severity: if mean >= 3.0 { 3 } else { 2 - u8::from(mean < 1.5) },
        message: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Day;

    #[test]
    fn thousands_of_codes_become_few_ranges_that_hold_them_all() {
        let codes: Vec<String> = (0..3_000u32).map(|n| format!("{:05}", 27_000 + n * 2 + n % 7 / 3)).collect();
        let found = compress(codes.iter().map(String::as_str), MOST_RANGES);
        assert!(found.ranges.len() <= MOST_RANGES && found.besides < 4_000, "{} {}", found.ranges.len(), found.besides);
        let ends: Vec<(u32, u32)> = found
            .ranges
            .iter()
            .map(|r| {
                r.split_once('-').map_or((r.parse().unwrap_or(0), r.parse().unwrap_or(0)), |(a, b)| {
                    (a.parse().unwrap_or(0), b.parse().unwrap_or(0))
                })
            })
            .collect();
        assert!(codes.iter().all(|c| ends.iter().any(|(a, b)| c.parse::<u32>().is_ok_and(|n| (*a..=*b).contains(&n)))));
        // Leading zeros stay.
        assert_eq!(compress(["00501", "00502"], 5).ranges, ["00501-00502"]);
        assert_eq!(compress(["900-961", "962"], 5).ranges, ["900-962"]);
        assert_eq!(compress(["", " ", "-"], 5).ranges, Vec::<String>::new());
        assert!(compress(["AB1", "AB2", "AC3", "B1", "12345"], 2).ranges.len() <= 3);
    }

    #[test]
    fn rows_that_differ_in_their_place_alone_are_one_notice() {
        let row = |code: &str, reason: &str| Row {
            carrier: "usps".into(),
            country: "us".into(),
            postal_code: code.into(),
            from: Instant(0),
            days: (1, 3),
            reason: reason.into(),
            ..Row::default()
        };
        let made = notices(&[row("27001", "weather"), row("27002", "weather"), row("", "strike"), row("1", "strike")], 100);
        assert_eq!(made.len(), 2);
        assert_eq!(made[1].0.scope.places[0].postal_codes, ["27001-27002"]);
        assert!(made[0].0.scope.places[0].postal_codes.is_empty(), "a row without a code is about the whole country");
        assert!(made.iter().all(|(d, _)| d.validate().is_empty()), "{made:?}");
        assert_eq!(notices(&[row("1", "weather")], 5)[0].0.id, made[1].0.id, "the same incident has the same id");
    }

    #[test]
    fn a_finding_proposes_a_valid_notice_about_its_group() {
        let groups = groups("ups", "memphis", "us east", "US", "27514-1234");
        assert_eq!(groups.len(), 4);
        let scopes: Vec<Scope> = groups.iter().map(|g| scope(g)).collect();
        assert_eq!(
            (scopes[1].carriers.as_slice(), scopes[1].zones.as_slice()),
            (["ups".to_string()].as_slice(), ["us east".to_string()].as_slice())
        );
        assert_eq!(
            scopes[3].places[0],
            Place { country: "US".into(), postal_codes: alloc::vec!["275".into()], ..Place::default() }
        );
        assert_eq!((area("GB", "SW1A 1AA"), area("DE", "10115"), area("CA", "K1A 0B1")), ("SW".into(), "10".into(), "K".into()));
        for group in groups {
            let found = Slowdown {
                group,
                since: Day(20_000),
                found: Day(20_002),
                ended: None,
                arrived: 3.0,
                expected: 20.0,
                effect: alloc::vec![0, 1, 3, 8],
            };
            let delay = proposal(&found);
            assert_eq!((delay.validate(), delay.severity, delay.until), (Vec::new(), 2, None), "{delay:?}");
        }
    }
}
