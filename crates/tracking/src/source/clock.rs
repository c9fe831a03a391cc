//! Times as carriers write them, and the zone they are in.

use std::{collections::HashMap, sync::LazyLock};

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, SecondsFormat, TimeZone};
use chrono_tz::Tz;

/// A time as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// With its offset.
    Instant(DateTime<FixedOffset>),
    /// A wall clock somewhere.
    Local(NaiveDateTime),
    /// A day only.
    Day(NaiveDate),
}

impl Written {
    pub fn local(self) -> NaiveDateTime {
        match self {
            Written::Instant(t) => t.naive_local(),
            Written::Local(t) => t,
            Written::Day(d) => d.and_time(NaiveTime::MIN),
        }
    }

    /// RFC 3339; without offset where there is none; a day alone as `YYYY-MM-DD`.
    pub fn print(self) -> String {
        match self {
            Written::Instant(t) => t.to_rfc3339_opts(SecondsFormat::Secs, true),
            Written::Local(t) => t.format("%Y-%m-%dT%H:%M:%S").to_string(),
            Written::Day(d) => d.to_string(),
        }
    }
}

/// Whether `05/04/2026` is in May or in April.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slashes {
    #[default]
    MonthFirst,
    DayFirst,
}

/// Reads a time. Years outside 1990 to 2100 are no times of parcels (`0001-01-01` means "none").
pub fn read(text: &str, slashes: Slashes) -> Option<Written> {
    let written = any(text.trim(), slashes)?;
    (1990..=2100).contains(&chrono::Datelike::year(&written.local())).then_some(written)
}

fn any(text: &str, slashes: Slashes) -> Option<Written> {
    if text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 10 || text.len() == 13) {
        let seconds: i64 = text[..10].parse().ok()?;
        return DateTime::from_timestamp(seconds, 0).map(|t| Written::Instant(t.fixed_offset()));
    }
    if text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 14 || text.len() == 12) {
        return run_on(text).map(Written::Local);
    }
    let (date, rest) = date(text, slashes)?;
    let rest = rest.trim_start_matches(['T', 't', ' ', ',', '-']).trim();
    if rest.is_empty() {
        return Some(Written::Day(date));
    }
    let (clock, zone) = clock(rest)?;
    let local = date.and_time(clock);
    match zone.trim() {
        "" => Some(Written::Local(local)),
        zone => offset(zone).and_then(|o| o.from_local_datetime(&local).single()).map(Written::Instant),
    }
}

/// `20260504100320`, `202605041003`, or the day first: `04052026100320`. No day of our years reads both ways: its month would be 20.
fn run_on(digits: &str) -> Option<NaiveDateTime> {
    let (day, time) = digits.split_at(8);
    let (time, _) = clock(time)?;
    let near = |d: &NaiveDate| (1990..=2100).contains(&chrono::Datelike::year(d));
    let read = |format| NaiveDate::parse_from_str(day, format).ok().filter(near);
    Some(read("%Y%m%d").or_else(|| read("%d%m%Y"))?.and_time(time))
}

/// The date at the start of a text, and the rest.
fn date(text: &str, slashes: Slashes) -> Option<(NaiveDate, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | '/' | '.')).unwrap_or(text.len());
    let (head, rest) = text.split_at(end);
    let part = |s: &str| s.parse::<u32>().ok();
    let made = |y: u32, m: u32, d: u32| NaiveDate::from_ymd_opt(i32::try_from(y).ok()?, m, d);
    if head.len() == 8 && head.bytes().all(|b| b.is_ascii_digit()) {
        return Some((made(part(&head[..4])?, part(&head[4..6])?, part(&head[6..])?)?, rest));
    }
    let separator = head.chars().find(|c| !c.is_ascii_digit())?;
    let fields: Vec<u32> = head.split(separator).map(part).collect::<Option<_>>()?;
    let [a, b, c] = fields[..] else { return None };
    let date = match (head.find(separator)?, separator, slashes) {
        (4, _, _) => made(a, b, c),
        (_, '/', Slashes::MonthFirst) => made(c, a, b),
        _ => made(c, b, a),
    };
    Some((date?, rest))
}

/// The clock at the start of a text (`9:05`, `09:05:30.123`, `0905`, `090530`, with AM or PM), and the rest.
fn clock(text: &str) -> Option<(NaiveTime, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.')).unwrap_or(text.len());
    let (head, rest) = text.split_at(end);
    let whole = head.split('.').next()?;
    let fields: Vec<u32> = if whole.contains(':') {
        whole.split(':').map(|f| f.parse().ok()).collect::<Option<_>>()?
    } else {
        let padded = if whole.len() % 2 == 1 { format!("0{whole}") } else { whole.to_owned() };
        padded.as_bytes().chunks(2).map(|c| std::str::from_utf8(c).ok()?.parse().ok()).collect::<Option<_>>()?
    };
    let (mut hour, minute, second) = match fields[..] {
        [h, m] => (h, m, 0),
        [h, m, s] => (h, m, s),
        _ => return None,
    };
    let mut rest = rest.trim_start();
    for (word, add) in [("AM", 0), ("PM", 12)] {
        if rest.get(..2).is_some_and(|r| r.eq_ignore_ascii_case(word)) {
            // `14:03 PM` is met too: it is past noon already.
            hour = if hour > 12 { hour } else { hour % 12 + add };
            rest = &rest[2..];
        }
    }
    Some((NaiveTime::from_hms_opt(hour, minute, second.min(59))?, rest))
}

/// An offset from `Z`, `+0200`, `+02:00`, `-5`, `GMT-04:00`, `UTC`, or one of the abbreviations that North American carriers print.
pub fn offset(text: &str) -> Option<FixedOffset> {
    let text = text.trim();
    let hours = |h: i32| FixedOffset::east_opt(h * 3600);
    match text.to_ascii_uppercase().as_str() {
        "Z" | "UTC" | "GMT" => return hours(0),
        "NST" => return FixedOffset::east_opt(-12_600),
        "NDT" => return FixedOffset::east_opt(-9_000),
        "ADT" => return hours(-3),
        "AST" | "EDT" => return hours(-4),
        "EST" | "CDT" => return hours(-5),
        "CST" | "MDT" => return hours(-6),
        "MST" | "PDT" => return hours(-7),
        "PST" | "AKDT" => return hours(-8),
        "AKST" => return hours(-9),
        "HST" => return hours(-10),
        _ => {}
    }
    let text = text.strip_prefix("GMT").or_else(|| text.strip_prefix("UTC")).unwrap_or(text);
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (h, m) = match digits.split_once(':') {
        Some((h, m)) => (h, m.get(..2)?),
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None => (digits, "0"),
    };
    let seconds = h.parse::<i32>().ok()?.checked_mul(3600)? + m.parse::<i32>().ok()? * 60;
    (seconds <= 50_400).then(|| FixedOffset::east_opt(sign * seconds))?
}

/// The offset of a wall clock in a zone. A clock that an hour change skips or repeats is taken as before the change.
pub fn in_zone(zone: Tz, local: NaiveDateTime) -> Option<FixedOffset> {
    zone.offset_from_local_datetime(&local)
        .earliest()
        .or_else(|| zone.offset_from_local_datetime(&(local - chrono::TimeDelta::hours(1))).earliest())
        .map(|o| o.fix())
}

/// The zone of a place, where its country or its state has only one that counts.
pub fn zone_of(country: Option<&str>, region: Option<&str>) -> Option<Tz> {
    static ZONES: LazyLock<HashMap<&str, Tz>> = LazyLock::new(|| {
        include_str!("../../data/zones.tsv")
            .lines()
            .filter(|l| !l.starts_with('#'))
            .filter_map(|l| l.split_once('\t'))
            .flat_map(|(zone, places)| places.split(' ').map(move |p| (p, zone)))
            .filter_map(|(place, zone)| Some((place, zone.parse().ok()?)))
            .collect()
    });
    let country = country?.trim().to_ascii_uppercase();
    let region = region.map(|r| format!("{country}-{}", r.trim().to_ascii_uppercase()));
    region.and_then(|r| ZONES.get(r.as_str())).or_else(|| ZONES.get(country.as_str())).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriers_write_times_in_many_ways() {
        for (text, expected) in [
            ("2026-05-04T10:03:20.000+10:00", "2026-05-04T10:03:20+10:00"),
            ("2026-05-04T10:03:20Z", "2026-05-04T10:03:20Z"),
            ("2026-05-04T10:46:14+0200", "2026-05-04T10:46:14+02:00"),
            ("2026-05-04 18:56:00 UTC", "2026-05-04T18:56:00Z"),
            ("2026-05-04 23:59:00 GMT-04:00", "2026-05-04T23:59:00-04:00"),
            ("2026-05-04T08:59:20.5298", "2026-05-04T08:59:20"),
            ("20260504 091442", "2026-05-04T09:14:42"),
            ("20260504 71356", "2026-05-04T07:13:56"),
            ("20260504091442", "2026-05-04T09:14:42"),
            ("202605040914", "2026-05-04T09:14:00"),
            ("20122026091442", "2026-12-20T09:14:42"),
            ("5/4/2026 7:11:26 PM", "2026-05-04T19:11:26"),
            ("05/04/2026 12:35 AM", "2026-05-04T00:35:00"),
            ("04.05.2026 10:02", "2026-05-04T10:02:00"),
            ("2026-05-04", "2026-05-04"),
            ("1777889000", "2026-05-04T10:03:20Z"),
            ("1777889000000", "2026-05-04T10:03:20Z"),
        ] {
            assert_eq!(read(text, Slashes::MonthFirst).map(Written::print).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(read("04/05/2026", Slashes::DayFirst).map(Written::print).as_deref(), Some("2026-05-04"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "soon",
            "0001-01-01T00:00:00",
            "2026-13-01",
            "2026-05-04T25:00:00",
            "2026-05-04T10:00:00+99:00",
            "12",
            "-",
            "////",
            "20262026202620",
            "99999999999999",
        ] {
            assert_eq!(read(text, Slashes::MonthFirst), None, "{text}");
        }
    }

    #[test]
    fn places_have_zones() {
        let at = |c, r, t: &str| zone_of(Some(c), r).and_then(|z| in_zone(z, t.parse().ok()?)).map(|o| o.to_string());
        assert_eq!(at("DE", None, "2026-07-01T12:00:00").as_deref(), Some("+02:00"));
        assert_eq!(at("us", Some("ca"), "2026-12-01T12:00:00").as_deref(), Some("-08:00"));
        assert_eq!(at("US", None, "2026-12-01T12:00:00"), None, "the United States have many");
        assert_eq!(at("US", Some("TN"), "2026-12-01T12:00:00"), None, "Tennessee has two");
        // 02:30 does not exist on the night the clocks go forward.
        assert_eq!(at("GB", None, "2026-03-29T01:30:00").as_deref(), Some("+00:00"));
    }

    #[test]
    fn every_zone_in_the_table_exists_and_no_place_is_there_twice() {
        let mut seen = std::collections::HashSet::new();
        for line in include_str!("../../data/zones.tsv").lines().filter(|l| !l.starts_with('#')) {
            let (zone, places) = line.split_once('\t').unwrap();
            assert!(zone.parse::<Tz>().is_ok(), "{zone}");
            for place in places.split(' ') {
                assert!(seen.insert(place), "{place} twice");
            }
        }
    }
}
