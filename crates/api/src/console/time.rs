//! Moments as the store's staff read and write them: in the store's own zone, whoever looks from where. A page names the zone once.

use chrono::{NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use maud::{Markup, html};
use promise::Instant;

tokio::task_local! {
    /// The zone of the store that the page is about, set by the guard; none outside of stores.
    pub(super) static ZONE: Tz;
}

/// The zone that the page's moments are in; none outside of stores.
pub(super) fn zone() -> Option<Tz> {
    ZONE.try_with(|zone| *zone).ok()
}

fn written(at: Instant, zone: Tz, format: &str) -> String {
    zone.timestamp_opt(at.0, 0).single().map(|t| t.format(format).to_string()).unwrap_or_default()
}

/// A moment as people read it. Outside of stores it is in UTC, and script shows it in the reader's own zone.
pub fn moment(at: Instant) -> Markup {
    let machine = at.to_string();
    match zone() {
        Some(zone) => {
            // The hour that an autumn night has twice is told apart by its offset.
            html! { time datetime=(machine) title=(written(at, zone, "%Y-%m-%d %H:%M:%S %:z")) { (written(at, zone, "%-d %b %Y, %H:%M")) } }
        }
        None => html! { time datetime=(machine) data-local { (written(at, Tz::UTC, "%-d %b %Y, %H:%M UTC")) } },
    }
}

/// As a field of a form holds a moment.
pub(super) fn local(at: Instant, zone: Tz) -> String {
    written(at, zone, "%Y-%m-%dT%H:%M")
}

/// What a field says; nothing where it can't be read, or where the clocks skipped that hour. Of an hour that was twice, the first.
pub(super) fn instant(text: &str, zone: Tz) -> Option<Instant> {
    let read = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"));
    zone.from_local_datetime(&read.ok()?).earliest().map(|t| Instant(t.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(at: &str, zone: Tz) -> String {
        ZONE.sync_scope(zone, || moment(Instant::parse(at).unwrap()).into_string())
    }

    #[test]
    fn moments_are_in_the_stores_zone_on_both_sides_of_a_change_of_clocks() {
        let zone = chrono_tz::America::Chicago;
        for (at, said, offset) in [
            ("2026-03-08T07:59:00Z", "8 Mar 2026, 01:59", "-06:00"),
            ("2026-03-08T08:00:00Z", "8 Mar 2026, 03:00", "-05:00"),
            ("2026-11-01T06:30:00Z", "1 Nov 2026, 01:30", "-05:00"),
            ("2026-11-01T07:30:00Z", "1 Nov 2026, 01:30", "-06:00"),
            ("2026-12-01T03:00:00Z", "30 Nov 2026, 21:00", "-06:00"),
        ] {
            let text = shown(at, zone);
            assert!(text.contains(&format!(">{said}<")) && text.contains(offset) && !text.contains("data-local"), "{text}");
        }
        let outside = moment(Instant::parse("2026-12-01T03:00:00Z").unwrap()).into_string();
        assert!(outside.contains("1 Dec 2026, 03:00 UTC") && outside.contains("data-local"), "{outside}");
    }

    #[test]
    fn fields_hold_the_same_time() {
        let zone = chrono_tz::Europe::Berlin;
        let at = Instant::parse("2026-07-01T22:30:00Z").unwrap();
        assert_eq!(local(at, zone), "2026-07-02T00:30");
        assert_eq!(instant("2026-07-02T00:30", zone), Some(at));
        assert_eq!(instant("2026-03-29T02:30", zone), None, "skipped");
        assert_eq!(instant("2026-10-25T02:30", zone), Instant::parse("2026-10-25T00:30:00Z"), "the first of two");
        assert_eq!(instant("soon", zone), None);
    }
}
