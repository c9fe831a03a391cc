//! Public holidays by country (`US`) and subdivision (`US-TN`), from `data/holidays.txt`, which `tools/make_holidays.py` makes.

use std::collections::BTreeSet;

use crate::time::Day;

static DATA: &str = include_str!("../data/holidays.txt");

/// Is there a calendar with this code?
pub fn known(code: &str) -> bool {
    line(code).is_some()
}

/// The public holidays of a country or subdivision; empty where the code is not known.
///
/// ```
/// use promise::{Day, holidays};
/// assert!(holidays::days("US").contains(&Day::from_ymd(2026, 7, 4).unwrap()));
/// assert!(holidays::days("DE-BY").contains(&Day::from_ymd(2026, 6, 4).unwrap()), "Corpus Christi, in Bavaria");
/// assert!(!holidays::days("DE").contains(&Day::from_ymd(2026, 6, 4).unwrap()));
/// ```
pub fn days(code: &str) -> BTreeSet<Day> {
    let mut days = BTreeSet::new();
    if let Some((country, _)) = code.split_once('-') {
        days = self::days(country);
    }
    for word in line(code).unwrap_or_default().split(' ') {
        match (word.strip_prefix('+').unwrap_or(word), word.strip_prefix('-')) {
            (_, Some(gone)) => drop(Day::parse(gone).map(|d| days.remove(&d))),
            (more, None) => days.extend(Day::parse(more)),
        }
    }
    days
}

/// What stands behind a code.
fn line(code: &str) -> Option<&'static str> {
    let code = code.to_ascii_uppercase();
    DATA.lines().find_map(|l| match l.split_once(' ') {
        Some((name, rest)) => (name.eq_ignore_ascii_case(&code)).then_some(rest),
        None => l.eq_ignore_ascii_case(&code).then_some(""),
    })
}
