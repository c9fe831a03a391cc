//! Civil days and instants, as integers. Serialized as `YYYY-MM-DD` and as RFC 3339 in UTC.

use alloc::string::String;
use core::fmt;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A civil (calendar) day of the proleptic Gregorian calendar, counted from 1970-01-01.
///
/// A day belongs to no time zone: which day it is somewhere follows from an [`Instant`] and that place's offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(value_type = String, format = Date, example = "2026-12-02"))]
pub struct Day(pub i32);

/// Days from 0001-01-01 (chrono's day 1) to 1970-01-01.
const EPOCH_FROM_CE: i32 = 719_163;

impl Day {
    /// The day with this year, month (1 to 12) and day of month, if there is one.
    ///
    /// ```
    /// use promise::Day;
    /// let leap = Day::from_ymd(2028, 2, 29).unwrap();
    /// assert_eq!((leap.text(), leap.ymd(), leap.weekday()), ("2028-02-29".into(), (2028, 2, 29), 1)); // a Tuesday
    /// assert_eq!(Day(leap.0 + 1), Day::parse("2028-03-01").unwrap());
    /// assert_eq!(Day::from_ymd(2027, 2, 29), None);
    /// ```
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Day> {
        NaiveDate::from_ymd_opt(year, month, day).map(|d| Day(d.num_days_from_ce() - EPOCH_FROM_CE))
    }

    /// Year, month (1 to 12) and day of month.
    pub fn ymd(self) -> (i32, u32, u32) {
        let d = NaiveDate::from_num_days_from_ce_opt(self.0.saturating_add(EPOCH_FROM_CE)).unwrap_or(NaiveDate::MAX);
        (d.year(), d.month(), d.day())
    }

    /// 0 is Monday, 6 is Sunday.
    pub fn weekday(self) -> u8 {
        (self.0.rem_euclid(7) as u8 + 3) % 7
    }

    /// `YYYY-MM-DD`
    pub fn text(self) -> String {
        let (y, m, d) = self.ymd();
        let mut text = String::new();
        if y < 0 {
            text.push('-');
        }
        push(&mut text, y.unsigned_abs(), 4);
        text.push('-');
        push(&mut text, m, 2);
        text.push('-');
        push(&mut text, d, 2);
        text
    }

    /// Reads `YYYY-MM-DD`, exactly.
    pub fn parse(text: &str) -> Option<Day> {
        let b = text.as_bytes();
        if b.len() != 10 || b[4] != b'-' || b[7] != b'-' {
            return None;
        }
        Day::from_ymd(digits(&b[..4])? as i32, digits(&b[5..7])?, digits(&b[8..])?)
    }
}

/// A moment: whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(value_type = String, format = DateTime, example = "2026-12-01T14:00:00Z"))]
pub struct Instant(pub i64);

impl Instant {
    /// Reads RFC 3339 with any offset; fractions of a second are cut off. Returns the moment and the offset in minutes.
    pub fn parse_with_offset(text: &str) -> Option<(Instant, i32)> {
        let b = text.as_bytes();
        if b.len() < 20 || !matches!(b[10], b'T' | b't' | b' ') || b[13] != b':' || b[16] != b':' {
            return None;
        }
        let day = Day::parse(text.get(..10)?)?;
        let (h, m, s) = (digits(&b[11..13])?, digits(&b[14..16])?, digits(&b[17..19])?);
        if h > 23 || m > 59 || s > 60 {
            return None;
        }
        let mut rest = &b[19..];
        if rest[0] == b'.' {
            let n = rest[1..].iter().take_while(|c| c.is_ascii_digit()).count();
            rest = rest.get(1 + n..)?;
        }
        let offset = match rest {
            [b'Z' | b'z'] => 0,
            [sign @ (b'+' | b'-'), oh1, oh2, b':', om1, om2] => {
                let (oh, om) = (digits(&[*oh1, *oh2])?, digits(&[*om1, *om2])?);
                if oh > 23 || om > 59 {
                    return None;
                }
                let minutes = (oh * 60 + om) as i32;
                if *sign == b'-' { -minutes } else { minutes }
            }
            _ => return None,
        };
        let local = i64::from(day.0) * 86_400 + i64::from(h * 3600 + m * 60 + s.min(59));
        Some((Instant(local - i64::from(offset) * 60), offset))
    }

    /// Reads RFC 3339 with any offset.
    ///
    /// ```
    /// use promise::{Day, Instant};
    /// let noon = Instant::parse("2026-11-30T12:00:00-06:00").unwrap();
    /// assert_eq!(noon.text(), "2026-11-30T18:00:00Z");
    /// // The day is that of the place: minutes east of UTC.
    /// assert_eq!(noon.local(-360), (Day::parse("2026-11-30").unwrap(), 12 * 3600));
    /// assert_eq!(noon.local(9 * 60), (Day::parse("2026-12-01").unwrap(), 3 * 3600), "Tokyo is a day ahead");
    /// assert_eq!(Instant::parse("2026-11-30T12:00:00"), None, "without an offset it could be any");
    /// ```
    pub fn parse(text: &str) -> Option<Instant> {
        Instant::parse_with_offset(text).map(|(at, _)| at)
    }

    /// RFC 3339, in UTC.
    pub fn text(self) -> String {
        let (day, s) = self.local(0);
        let mut text = day.text();
        for (mark, n) in [('T', s / 3600), (':', s / 60 % 60), (':', s % 60)] {
            text.push(mark);
            push(&mut text, n, 2);
        }
        text.push('Z');
        text
    }

    /// The civil day, and the second of that day, at a place whose offset from UTC is `offset` minutes.
    pub fn local(self, offset: i32) -> (Day, u32) {
        let s = self.0.saturating_add(i64::from(offset) * 60);
        // No calendar goes further.
        (Day(s.div_euclid(86_400).clamp(-1 << 28, 1 << 28) as i32), s.rem_euclid(86_400) as u32)
    }
}

/// Appends a number with at least this many digits. (The formatter would weigh more than all of this module in the browser.)
fn push(text: &mut String, n: u32, width: usize) {
    let start = text.len();
    let mut rest = n;
    while rest > 0 || text.len() < start + width {
        text.insert(start, char::from(b'0' + (rest % 10) as u8));
        rest /= 10;
    }
}

fn digits(b: &[u8]) -> Option<u32> {
    b.iter().try_fold(0u32, |n, c| c.is_ascii_digit().then(|| n * 10 + u32::from(c - b'0')))
}

macro_rules! as_text {
    ($type:ty, $letter:literal, $what:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.text())
            }
        }
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.text())
            }
        }
        impl frugal::Write for $type {
            fn write(&self, to: &mut frugal::Out) {
                self.0.write(to);
            }

            fn shape(to: &mut String) {
                to.push_str($letter);
            }
        }
        impl frugal::Read for $type {
            fn read(from: &mut frugal::Reader) -> Self {
                Self(from.read())
            }

            fn shape(to: &mut String) {
                to.push_str($letter);
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                <$type>::parse(&text).ok_or_else(|| D::Error::custom($what))
            }
        }
    };
}
as_text!(Day, "\"d\"", "not a date: write YYYY-MM-DD");
as_text!(Instant, "\"t\"", "not a time: write RFC 3339, for example 2026-12-01T14:00:00Z");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_round_trip_and_know_their_weekday() {
        assert_eq!(Day::parse("1970-01-01"), Some(Day(0)));
        assert_eq!(Day::parse("2026-11-24").map(Day::weekday), Some(1), "a Tuesday");
        for n in [-800_000, -1, 0, 1, 11_016, 20_781] {
            assert_eq!(Day::parse(&alloc::format!("{}", Day(n))), (n > -719_162).then_some(Day(n)));
        }
        for bad in ["2026-02-29", "2026-13-01", "26-01-01", "2026-1-1", "2026-01-01T", ""] {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn instants_read_offsets_and_fractions() {
        assert_eq!(Instant::parse("1970-01-01T00:00:00Z"), Some(Instant(0)));
        assert_eq!(Instant::parse_with_offset("2008-01-10T11:00:00.123-05:00"), Some((Instant(1_199_980_800), -300)));
        for bad in
            ["2008-01-10T11:00:00", "2008-01-10T24:00:00Z", "2008-01-10", "2008-01-10T11:00:00+0500", "2008-01-10T11:00:00.1"]
        {
            assert_eq!(Instant::parse(bad), None, "{bad}");
        }
    }
}
