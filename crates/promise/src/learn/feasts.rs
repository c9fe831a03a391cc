//! Public holidays, found in the deliveries themselves.
//!
//! On a public holiday (nearly) nothing is handed over and (nearly) nothing arrives. Such a day comes again next year: on the same distance
//! from Easter if it is one of the days that move with it, else on the same date. Whoever knows that does not mistake carnival for a
//! slow-down, and promises around it.

use std::collections::HashMap;

use crate::time::Day;

/// Days from Easter Sunday that are public holidays somewhere: carnival to Ash Wednesday, Maundy Thursday, Good Friday, Easter Monday,
/// Ascension, Whit Monday, Corpus Christi.
const MOVING: [i32; 9] = [-48, -47, -46, -3, -2, 1, 39, 50, 60];

/// Arrivals that a day must have been expected to bring before their absence says anything.
const ENOUGH: f64 = 8.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Feast {
    FromEaster(i32),
    /// Month and day.
    Date(u32, u32),
}

/// Easter Sunday of a year (the anonymous Gregorian algorithm, Nature 13 (1876), 487).
fn easter(year: i32) -> Day {
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (b - (b + 8) / 25 + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    Day::from_ymd(year, (n / 31).clamp(1, 12) as u32, (n % 31 + 1) as u32).unwrap_or_default()
}

fn feast(day: Day) -> Feast {
    let (year, month, date) = day.ymd();
    let distance = day.0 - easter(year).0;
    if MOVING.contains(&distance) { Feast::FromEaster(distance) } else { Feast::Date(month, date) }
}

/// The holidays found so far, with the share of a usual day's arrivals that they bring.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feasts {
    found: HashMap<Feast, f64>,
    /// Hand-overs of the last four of each weekday.
    handed_over: [[f64; 4]; 7],
}

impl Feasts {
    /// What share of a usual day's arrivals this day will bring.
    pub fn factor(&self, day: Day) -> f64 {
        if self.found.is_empty() {
            return 1.0;
        }
        self.found.get(&feast(day)).copied().unwrap_or(1.0)
    }

    /// A working day is over: arrivals seen, those that a usual day would have brought, and hand-overs.
    pub fn learn(&mut self, day: Day, seen: f64, expected: f64, handed_over: f64) {
        let recent = &mut self.handed_over[usize::from(day.weekday())];
        let usual = recent.iter().sum::<f64>() / 4.0;
        let still = handed_over < 0.4 * usual;
        recent.rotate_left(1);
        recent[3] = handed_over;
        if expected <= ENOUGH {
            return;
        }
        if seen < 0.3 * expected && still {
            // A holiday does not make the next week's usual.
            recent[3] = usual;
            self.found.insert(feast(day), (seen + 2.0) / (expected + 2.0));
        } else {
            self.found.remove(&feast(day));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easter_is_where_the_churches_put_it() {
        for text in ["2016-03-27", "2017-04-16", "2018-04-01", "2019-04-21", "2024-03-31", "2026-04-05", "2038-04-25"] {
            let day = Day::parse(text).unwrap();
            assert_eq!(easter(day.ymd().0), day);
        }
    }

    #[test]
    fn a_still_day_comes_again_and_an_outage_does_not() {
        let mut feasts = Feasts::default();
        let day = |text| Day::parse(text).unwrap();
        for week in 0..4 {
            for d in 0..5 {
                feasts.learn(Day(day("2017-01-30").0 + week * 7 + d), 40.0, 40.0, 35.0);
            }
        }
        // Carnival Monday: nothing moves. Tuesday a week later: nothing arrives, but parcels are handed over as ever.
        feasts.learn(day("2017-02-27"), 0.0, 40.0, 1.0);
        feasts.learn(day("2017-03-07"), 0.0, 40.0, 33.0);
        assert!(feasts.factor(day("2018-02-12")) < 0.1, "Easter moved, carnival with it");
        assert_eq!(feasts.factor(day("2018-02-27")), 1.0);
        assert_eq!(feasts.factor(day("2018-03-07")), 1.0);
        // It was a day as any other this time.
        feasts.learn(day("2018-02-12"), 50.0, 40.0, 33.0);
        assert_eq!(feasts.factor(day("2019-03-04")), 1.0);
    }
}
