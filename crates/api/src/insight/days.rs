//! Which day it is, and was: by the clocks of the store's zone.
//!
//! A day is as long as its clocks say: 23 hours in spring, 25 in autumn, and where clocks are put forward at midnight it begins at one.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, TimeZone};
use chrono_tz::Tz;
use promise::{Day, Instant};

/// Days from the year one to 1970.
const UNTIL_1970: i32 = 719_163;

/// The day of a moment, as [`Day`] counts.
pub fn day(at: Instant, zone: Tz) -> i32 {
    DateTime::from_timestamp(at.0, 0).map_or(0, |t| t.with_timezone(&zone).num_days_from_ce() - UNTIL_1970)
}

/// The first moment of a day.
pub fn begins(day: i32, zone: Tz) -> i64 {
    let midnight = NaiveDate::from_num_days_from_ce_opt(day.saturating_add(UNTIL_1970)).and_then(|d| d.and_hms_opt(0, 0, 0));
    // Clocks skip an hour, or (once, in Samoa) a day.
    let mut quarters = (0..=104).filter_map(|n| midnight?.checked_add_signed(TimeDelta::minutes(15 * n)));
    let first = quarters.find_map(|local| zone.from_local_datetime(&local).earliest());
    first.map_or(i64::from(day) * 86_400, |t| t.timestamp())
}

/// The day of something that happened to a parcel, where that was: the carrier's clock says it, by its offset. A time that is told in UTC
/// has lost where it was; its day is the store's.
pub fn of_scan(time: &str, zone: Tz) -> Option<i32> {
    let told = Day::parse(time.get(..10)?)?.0;
    let utc = ["Z", "z", "+00:00", "-00:00", "+0000"].iter().any(|end| time.len() > 10 && time.ends_with(end));
    Some(Instant::parse(time).filter(|_| utc).map_or(told, |at| day(at, zone)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn on(text: &str) -> i32 {
        Day::parse(text).unwrap().0
    }

    #[test]
    fn a_day_ends_at_the_stores_midnight_whatever_its_clocks_do() {
        use chrono_tz::{America::Chicago, Asia::Tokyo, UTC};
        for (moment, zone, day_) in [
            ("2026-11-26T05:59:59Z", Chicago, "2026-11-25"),
            ("2026-11-26T06:00:00Z", Chicago, "2026-11-26"),
            // Summer time: an hour earlier.
            ("2026-07-02T04:59:59Z", Chicago, "2026-07-01"),
            ("2026-07-02T05:00:00Z", Chicago, "2026-07-02"),
            ("2026-11-25T14:59:59Z", Tokyo, "2026-11-25"),
            ("2026-11-25T15:00:00Z", Tokyo, "2026-11-26"),
            ("1969-12-31T23:59:59Z", UTC, "1969-12-31"),
        ] {
            assert_eq!(day(at(moment), zone), on(day_), "{moment} in {zone}");
        }
    }

    #[test]
    fn days_follow_one_another_without_a_gap_and_are_as_long_as_clocks_say() {
        use chrono_tz::{
            Africa::Cairo,
            America::{Chicago, Havana, Santiago},
            Asia::Beirut,
            Europe::Berlin,
            Pacific::Apia,
        };
        for zone in [Chicago, Havana, Santiago, Beirut, Berlin, Cairo] {
            let mut lengths = std::collections::BTreeSet::new();
            for d in on("2026-01-01")..on("2027-01-01") {
                let (from, to) = (begins(d, zone), begins(d + 1, zone));
                assert_eq!([from, to - 1].map(|t| day(Instant(t), zone)), [d, d], "{zone} {}", Day(d));
                assert_eq!(day(Instant(from - 1), zone), d - 1, "{zone} {}", Day(d));
                lengths.insert((to - from) / 3600);
            }
            assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [23, 24, 25], "{zone}");
        }
        assert_eq!(begins(on("2026-03-08"), Chicago), at("2026-03-08T06:00:00Z").0);
        assert_eq!(begins(on("2026-03-09"), Chicago), at("2026-03-09T05:00:00Z").0);
        // A day that never was there is empty.
        assert_eq!(begins(on("2011-12-30"), Apia), begins(on("2011-12-31"), Apia));
    }

    #[test]
    fn a_scan_counts_on_the_day_that_it_was_where_it_happened() {
        let zone = chrono_tz::America::Chicago;
        for (time, said) in [
            ("2026-11-05T22:30:00-08:00", "2026-11-05"),
            ("2026-11-05T23:30:00+09:00", "2026-11-05"),
            // Nine in the evening in Chicago.
            ("2026-11-06T03:00:00Z", "2026-11-05"),
            ("2026-11-06T03:00:00.000+00:00", "2026-11-05"),
            ("2026-11-06T06:00:00Z", "2026-11-06"),
            // A day alone, or a time without its offset, is what it says.
            ("2026-11-06", "2026-11-06"),
            ("2026-11-06T03:00:00", "2026-11-06"),
        ] {
            assert_eq!(of_scan(time, zone), Some(on(said)), "{time}");
        }
        assert_eq!(of_scan("soon", zone), None);
        assert_eq!(of_scan("", zone), None);
    }
}
