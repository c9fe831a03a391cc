//! Quiet hours: when people sleep, where they are.

use chrono::{DateTime, Duration, NaiveTime, TimeZone};
use chrono_tz::Tz;
use promise::Instant;
use serde::{Deserialize, Serialize};

/// From one time of day to another, over midnight as a rule. `from` equal to `to`: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// `21:00`
    pub from: String,
    /// `08:00`
    pub to: String,
}

impl Default for Quiet {
    fn default() -> Quiet {
        Quiet { from: "21:00".into(), to: "08:00".into() }
    }
}

fn time(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M").ok().filter(|_| text.len() == 5)
}

impl Quiet {
    /// The field that is no time of day.
    pub fn wrong(&self) -> Option<&'static str> {
        [("from", &self.from), ("to", &self.to)].into_iter().find(|(_, text)| time(text).is_none()).map(|(name, _)| name)
    }

    /// When it may be said: at once, or at the end of the quiet hours.
    pub fn until(&self, now: Instant, zone: Tz) -> Option<Instant> {
        let (from, to) = (time(&self.from)?, time(&self.to)?);
        let local = DateTime::from_timestamp(now.0, 0)?.with_timezone(&zone);
        let at = local.time();
        let quiet = if from <= to { (from..to).contains(&at) } else { at >= from || at < to };
        if !quiet {
            return None;
        }
        let day = if at < to { local.date_naive() } else { local.date_naive() + Duration::days(1) };
        // An end that a change of clocks skips is an hour later.
        let end = zone.from_local_datetime(&day.and_time(to)).earliest();
        let end = end.or_else(|| zone.from_local_datetime(&(day.and_time(to) + Duration::hours(1))).earliest())?;
        Some(Instant(end.timestamp()))
    }
}

/// The zone where somebody is, as far as a country and a region say. Countries with several have the one where most people live: a
/// message an hour early beats one in the night.
pub fn zone_of(country: Option<&str>, region: Option<&str>) -> Tz {
    let known = tracking::source::zone_of(country, region);
    let region = region.unwrap_or_default().to_ascii_uppercase();
    known.unwrap_or_else(|| match country.unwrap_or_default().to_ascii_uppercase().as_str() {
        "US" => us(&region),
        "CA" => match region.as_str() {
            "BC" | "YT" => Tz::America__Vancouver,
            "AB" | "NT" => Tz::America__Edmonton,
            "SK" => Tz::America__Regina,
            "MB" => Tz::America__Winnipeg,
            "NS" | "NB" | "PE" => Tz::America__Halifax,
            "NL" => Tz::America__St_Johns,
            _ => Tz::America__Toronto,
        },
        "AU" => match region.as_str() {
            "WA" => Tz::Australia__Perth,
            "QLD" => Tz::Australia__Brisbane,
            "SA" => Tz::Australia__Adelaide,
            "NT" => Tz::Australia__Darwin,
            _ => Tz::Australia__Sydney,
        },
        "BR" => Tz::America__Sao_Paulo,
        "MX" => Tz::America__Mexico_City,
        "RU" => Tz::Europe__Moscow,
        "ID" => Tz::Asia__Jakarta,
        "CN" => Tz::Asia__Shanghai,
        "ES" => Tz::Europe__Madrid,
        "PT" => Tz::Europe__Lisbon,
        "NZ" => Tz::Pacific__Auckland,
        "CL" => Tz::America__Santiago,
        "UA" => Tz::Europe__Kyiv,
        "KZ" => Tz::Asia__Almaty,
        _ => Tz::UTC,
    })
}

/// States of two zones have the one of most of their people.
fn us(region: &str) -> Tz {
    match region {
        "HI" => Tz::Pacific__Honolulu,
        "AK" => Tz::America__Anchorage,
        "CA" | "OR" | "WA" | "NV" => Tz::America__Los_Angeles,
        "AZ" => Tz::America__Phoenix,
        "CO" | "ID" | "MT" | "NM" | "UT" | "WY" => Tz::America__Denver,
        "AL" | "AR" | "IA" | "IL" | "KS" | "LA" | "MN" | "MO" | "MS" | "ND" | "NE" | "OK" | "SD" | "TN" | "TX" | "WI" => {
            Tz::America__Chicago
        }
        "PR" | "VI" => Tz::America__Puerto_Rico,
        "GU" => Tz::Pacific__Guam,
        _ => Tz::America__New_York,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(now: &str, country: &str, region: Option<&str>) -> Option<String> {
        Quiet::default().until(Instant::parse(now).unwrap(), zone_of(Some(country), region)).map(|t| t.to_string())
    }

    #[test]
    fn nobody_is_woken() {
        // 22:30 in Berlin: the next morning at eight.
        assert_eq!(until("2026-12-01T21:30:00Z", "DE", None).as_deref(), Some("2026-12-02T07:00:00Z"));
        // 05:00 in Berlin: the same morning.
        assert_eq!(until("2026-12-01T04:00:00Z", "DE", None).as_deref(), Some("2026-12-01T07:00:00Z"));
        assert_eq!(until("2026-12-01T12:00:00Z", "DE", None), None);
        // The same moment is night in California and morning in New York.
        assert_eq!(until("2026-12-01T13:30:00Z", "US", Some("NY")), None);
        assert_eq!(until("2026-12-01T13:30:00Z", "US", Some("CA")).as_deref(), Some("2026-12-01T16:00:00Z"));
        // The night when clocks go forward: eight is an hour earlier.
        assert_eq!(until("2026-03-28T23:00:00Z", "DE", None).as_deref(), Some("2026-03-29T06:00:00Z"));
    }

    #[test]
    fn hours_by_day_none_and_nonsense() {
        let quiet = |from: &str, to: &str| Quiet { from: from.into(), to: to.into() };
        let at = |q: Quiet, t: &str| q.until(Instant::parse(t).unwrap(), Tz::UTC).map(|t| t.to_string());
        assert_eq!(at(quiet("12:00", "14:00"), "2026-12-01T13:00:00Z").as_deref(), Some("2026-12-01T14:00:00Z"));
        assert_eq!(at(quiet("12:00", "14:00"), "2026-12-01T14:00:00Z"), None);
        assert_eq!(at(quiet("00:00", "00:00"), "2026-12-01T00:00:00Z"), None);
        assert_eq!(quiet("21:00", "25:00").wrong(), Some("to"));
        assert_eq!(quiet("9", "25:00").wrong(), Some("from"));
        // An end in the hour that is skipped.
        let skipped = quiet("22:00", "02:30").until(Instant::parse("2026-03-28T23:00:00Z").unwrap(), Tz::Europe__Berlin);
        assert_eq!(skipped.map(|t| t.to_string()).as_deref(), Some("2026-03-29T01:30:00Z"));
    }
}
