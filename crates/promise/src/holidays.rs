//! Public holidays by country (`US`) and subdivision (`US-TN`), from `data/holidays.txt`, which `tools/make_holidays.py` makes.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, LazyLock, RwLock},
};

use crate::time::Day;

static DATA: &str = include_str!("../data/holidays.txt");

/// What stands behind each code, whose letters are upper case here.
static LINES: LazyLock<HashMap<String, &str>> = LazyLock::new(|| {
    let lines = DATA.lines().filter(|l| !l.starts_with('#')).map(|l| l.split_once(' ').unwrap_or((l, "")));
    lines.map(|(code, days)| (code.to_ascii_uppercase(), days)).collect()
});

type Calendars = HashMap<&'static str, Arc<BTreeSet<Day>>>;

/// The calendars that were asked for: policies are compiled for every order. Never more than there are codes.
static READ: LazyLock<RwLock<Calendars>> = LazyLock::new(RwLock::default);

/// Is there a calendar with this code?
pub fn known(code: &str) -> bool {
    LINES.contains_key(code.to_ascii_uppercase().as_str())
}

/// The public holidays of a country or subdivision; empty where the code is not known.
///
/// ```
/// use promise::{Day, holidays};
/// assert!(holidays::days("US").contains(&Day::from_ymd(2026, 7, 4).unwrap()));
/// assert!(holidays::days("DE-BY").contains(&Day::from_ymd(2026, 6, 4).unwrap()), "Corpus Christi, in Bavaria");
/// assert!(!holidays::days("DE").contains(&Day::from_ymd(2026, 6, 4).unwrap()));
/// ```
pub fn days(code: &str) -> Arc<BTreeSet<Day>> {
    let code = code.to_ascii_uppercase();
    let Some((name, line)) = LINES.get_key_value(code.as_str()) else {
        // A part without a calendar of its own has its country's.
        return code.split_once('-').map(|(country, _)| days(country)).unwrap_or_default();
    };
    let known = READ.read().unwrap_or_else(|e| e.into_inner()).get(name.as_str()).cloned();
    known.unwrap_or_else(|| {
        let read = Arc::new(read(name, line));
        READ.write().unwrap_or_else(|e| e.into_inner()).insert(name, read.clone());
        read
    })
}

fn read(name: &str, line: &str) -> BTreeSet<Day> {
    let mut days = name.split_once('-').map(|(country, _)| (*days(country)).clone()).unwrap_or_default();
    for word in line.split(' ') {
        match (word.strip_prefix('+').unwrap_or(word), word.strip_prefix('-')) {
            (_, Some(gone)) => drop(Day::parse(gone).map(|d| days.remove(&d))),
            (more, None) => days.extend(Day::parse(more)),
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        path::Path,
    };

    use super::*;

    /// Every public holiday of an independent table of fifteen countries with their subdivisions, and no day besides.
    #[test]
    fn agrees_with_a_table_of_fifteen_countries() {
        let data = std::env::var("WHEREABOUTS_DATA")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
        let path = Path::new(&data).join("holidays/2026-2028.csv");
        let Ok(text) = std::fs::read_to_string(&path) else {
            eprintln!("skipped: {} is not there", path.display());
            return;
        };
        let mut listed: BTreeMap<String, BTreeSet<Day>> = BTreeMap::new();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            // Names may hold commas: the kind stands last, the day third.
            let (country, part, day, kind) =
                (fields[0], fields[1], Day::parse(fields[2]).expect("a day"), fields[fields.len() - 1]);
            let code = if part.is_empty() { country.to_owned() } else { format!("{country}-{}", part.replace(' ', "_")) };
            let days = listed.entry(code).or_default();
            if kind == "public" {
                days.insert(day);
            }
        }
        let mut compared = 0;
        for (code, own) in &listed {
            assert!(known(code), "{code}");
            let gone: Vec<Day> = not_observed(&text, code);
            let mut want = own.clone();
            if let Some((country, _)) = code.split_once('-') {
                want.extend(listed[country].iter().filter(|d| !gone.contains(d)));
            }
            let have: BTreeSet<Day> = days(code).iter().copied().filter(|d| (2026..=2028).contains(&d.ymd().0)).collect();
            assert_eq!(have, want, "{code}");
            compared += want.len();
        }
        let countries: BTreeSet<&str> = listed.keys().map(|c| &c[..2]).collect();
        assert_eq!(countries.len(), 15);
        assert!(compared > 2_500, "{compared}");
    }

    fn not_observed(text: &str, code: &str) -> Vec<Day> {
        let (country, part) = code.split_once('-').unwrap_or((code, ""));
        let rows = text.lines().filter(|l| l.ends_with(",not_observed"));
        rows.filter_map(|l| {
            let mut fields = l.split(',');
            let same = fields.next() == Some(country) && fields.next().map(|p| p.replace(' ', "_")).as_deref() == Some(part);
            same.then(|| Day::parse(fields.next()?)).flatten()
        })
        .collect()
    }

    #[test]
    fn every_line_of_the_data_is_read() {
        for line in DATA.lines().filter(|l| !l.starts_with('#')) {
            let (code, rest) = line.split_once(' ').unwrap_or((line, ""));
            assert!(known(code));
            for word in rest.split(' ').filter(|w| !w.is_empty()) {
                assert!(Day::parse(word.trim_start_matches(['+', '-'])).is_some(), "{code} {word}");
            }
        }
    }
}
