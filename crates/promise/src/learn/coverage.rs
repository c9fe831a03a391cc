//! Coverage: what keeps 90 % at 90 % while conditions drift, in either direction.
//!
//! Outcomes come late: whether a P90 of thirty days was kept is known after thirty days, and those known early are the fast ones. So the
//! correction looks at two things, one quick and one sure.
//!
//! **Days, not parcels** ([`Coverage::observe`]). Each promise was a distribution; on every day that its parcel is under way, that distribution
//! said with what chance it would arrive on this day. All parcels' chances against all arrivals, by how far along a parcel is, say *now* by
//! how much promises are too slow or too fast, also for their late part.
//!
//! **Promises kept** ([`Coverage::settle`]). What then remains is made up for level by level, as adaptive conformal inference does (Gibbs and
//! Candès, 2021): the level that is asked for falls while more promises are kept than was asked, and rises while fewer are. A promise counts as
//! broken on the day on which it breaks, not when the parcel comes. How fast this may go is no matter of taste: a correction that works on
//! answers that are `L` days old overshoots, and in the end swings, once it makes up for more than `1 / (e · L)` of a miss in a day; so this is what
//! it does, and less where few promises come to an end.
//!
//! How far back to look is not asked of anybody either: several memories are kept, and believed by how well they foretold.
//!
//! The state is a few hundred bytes, can be stored (serde), and knows nothing of models: whoever promises asks it what to ask a distribution for.
//! A store that has shown windows, and has kept neither distributions nor days, gets it from [`Shown`].
//!
//! ```
//! use promise::{Day, learn::Coverage};
//!
//! let mut coverage = Coverage::default();
//! assert_eq!(coverage.ask(0.9), 0.9, "nothing is known against it");
//! // For two months, only 80 of 100 promises are kept of those that should have been in 90 of 100; known after ten days each.
//! for day in 0..60 {
//!     coverage.begin_day(Day(20_000 + day));
//!     for n in 0..100 {
//!         coverage.settle(0.9, 10.0, n < 80, 1.0);
//!     }
//! }
//! assert!(coverage.ask(0.9) > 0.95, "{}", coverage.ask(0.9));
//! ```

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::drift::Drift;
use crate::time::Day;

/// Parts of a promise, by the chance of having arrived.
const PARTS: usize = 6;
/// Promises that a correction rests on at least: chance alone then moves it by a point or so.
const ENOUGH: f64 = 500.0;
/// Days after which a promise's end counts half for how many there are and how long they last.
const RATE_HALF_LIFE: f64 = 14.0;

/// One level of promises, and what to ask for so that it comes out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Level {
    /// The share of promises to be kept.
    goal: f64,
    asked: f64,
    /// Promises that end, and the days that they lasted: sums of late, and how many end in a day.
    ended: f64,
    lasted: f64,
    days: f64,
}

impl Level {
    fn new(goal: f64) -> Level {
        Level { goal, asked: goal, ended: 0.0, lasted: 0.0, days: 1.0 }
    }

    fn age(&mut self, days: f64) {
        let kept = (-days / RATE_HALF_LIFE).exp2();
        self.ended *= kept;
        self.lasted *= kept;
        self.days = self.days * kept + days;
    }

    fn settle(&mut self, lasted: f64, kept: bool, weight: f64) {
        self.ended += weight;
        self.lasted += weight * lasted;
        let delay = (self.lasted / self.ended).max(1.0);
        let step = 1.0 / (core::f64::consts::E * delay * self.ended / self.days + ENOUGH);
        self.asked += weight * step * (self.goal - f64::from(u8::from(kept)));
        self.asked = self.asked.clamp(self.goal * 0.5, 1.0 - (1.0 - self.goal) * 0.35);
    }
}

/// What is known of how promises of late turn out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    today: Option<Day>,
    drift: Drift,
    /// By goal.
    levels: Vec<Level>,
}

impl Default for Coverage {
    fn default() -> Coverage {
        Coverage::leaning(1.0)
    }
}

fn hazard(chance: f64) -> f64 {
    -(1.0 - chance).max(1e-9).ln()
}

impl Coverage {
    /// For distributions that follow changes by themselves, but late: `lean` is the power by which what is seen to be left of a change is answered
    /// to. 1, the default, is right for those that stay as they are.
    pub fn leaning(lean: f64) -> Coverage {
        Coverage { today: None, drift: Drift::new(PARTS, lean), levels: Vec::new() }
    }

    /// A day begins: what was seen before counts less. Days that have begun before change nothing.
    pub fn begin_day(&mut self, today: Day) {
        let Some(before) = self.today.replace(today.max(self.today.unwrap_or(today))) else { return };
        let days = today.0.saturating_sub(before.0);
        if days > 0 {
            for _ in 0..days.min(400) {
                self.drift.close();
            }
            self.levels.iter_mut().for_each(|level| level.age(f64::from(days)));
        }
    }

    fn rate(&self, part: usize) -> f64 {
        self.drift.rate(part)
    }

    /// One day of one parcel under way: with which chance its promise, as it was before correction, said that it would have arrived before
    /// this day, and by its end; did it arrive? `alive`: the chance that it is under way at all, and not lost.
    ///
    /// ```
    /// use promise::{Day, learn::Coverage};
    /// let mut coverage = Coverage::default();
    /// // Promises say that a tenth of what is left arrives each day; a fifth does.
    /// let said = |n: i32| 1.0 - 0.9f64.powi(n);
    /// for day in 0..40 {
    ///     coverage.begin_day(Day(day));
    ///     for parcel in 0..500 {
    ///         let n = parcel % 20;
    ///         coverage.observe(said(n), said(n + 1), parcel / 20 % 5 == 0, 1.0);
    ///     }
    /// }
    /// assert!(coverage.corrected(0.5) > 0.7, "half is three quarters by now");
    /// assert!(coverage.ask(0.9) < 0.75, "and who wants nine of ten need not ask for so much");
    /// ```
    pub fn observe(&mut self, before: f64, after: f64, arrived: bool, alive: f64) {
        let part = ((f64::midpoint(before, after) * PARTS as f64) as usize).min(PARTS - 1);
        let expected = (hazard(after) - hazard(before)).max(0.0);
        self.drift.add(part, f64::from(u8::from(arrived)), alive * expected);
    }

    /// A promise that should be kept with a chance of `goal` has ended, `lasted` days after it was made: kept, or just broken. To be told of each
    /// promise once. `alive`: as in [`observe`](Coverage::observe).
    pub fn settle(&mut self, goal: f64, lasted: f64, kept: bool, alive: f64) {
        if !(goal > 0.0 && goal < 1.0 && lasted.is_finite() && alive > 0.0) {
            return;
        }
        let at = match self.levels.binary_search_by(|l| l.goal.total_cmp(&goal)) {
            Ok(at) => at,
            Err(at) => {
                self.levels.insert(at, Level::new(goal));
                at
            }
        };
        self.levels[at].settle(lasted.max(0.0), kept, alive.min(1.0));
    }

    /// What a chance that a distribution gives really is, these days.
    pub fn corrected(&self, chance: f64) -> f64 {
        let mut sum = 0.0;
        for part in 0..PARTS {
            let from = part as f64 / PARTS as f64;
            let to = if part + 1 == PARTS { chance } else { chance.min((part + 1) as f64 / PARTS as f64) };
            if to <= from {
                break;
            }
            sum += (hazard(to) - hazard(from)) * self.rate(part);
        }
        1.0 - (-sum).exp()
    }

    /// What chance to ask a distribution for, so that a promise is kept with a chance of `goal`.
    pub fn ask(&self, goal: f64) -> f64 {
        let mut left = hazard(self.level(goal).clamp(0.0, 1.0));
        let mut sum = 0.0;
        for part in 0..PARTS {
            let rate = self.rate(part);
            let here = hazard((part + 1) as f64 / PARTS as f64) - hazard(part as f64 / PARTS as f64);
            if part + 1 == PARTS || left <= here * rate {
                sum += left / rate;
                break;
            }
            left -= here * rate;
            sum += here;
        }
        1.0 - (-sum).exp()
    }

    /// What to ask the corrected distribution for: between levels whose promises are told of, in proportion.
    fn level(&self, goal: f64) -> f64 {
        let (mut below, mut least) = ((0.0, 0.0), 0.0f64);
        for level in &self.levels {
            // A higher level never asks for less than a lower one.
            least = least.max(level.asked);
            if level.goal == goal {
                return least;
            }
            if level.goal > goal {
                return between(below, (level.goal, least), goal);
            }
            below = (level.goal, least);
        }
        between(below, (1.0, 1.0), goal)
    }
}

/// The chances that the two ends of a window are about: by the day before its first, and by its last. With the style `range` as much is cut off at
/// either end, as whole percents; with `latest` and `single` nothing is cut off before.
///
/// ```
/// use promise::learn::coverage::ends;
/// assert_eq!(ends("range", 90), (Some(0.05), 0.95));
/// assert_eq!(ends("latest", 90), (None, 0.9));
/// ```
pub fn ends(style: &str, confidence: u8) -> (Option<f64>, f64) {
    let confidence = confidence.clamp(50, 99);
    let share = |percent: u8| f64::from(percent) / 100.0;
    match style {
        "latest" | "single" => (None, share(confidence)),
        _ => {
            let cut = (100 - confidence) / 2;
            (Some(share(cut.max(1))), share(100 - cut))
        }
    }
}

/// A window that a shopper was shown, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown<'a> {
    /// The day on which it was shown.
    pub made: Day,
    /// The window's first day.
    pub from: Day,
    /// The window's last day.
    pub to: Day,
    /// Percent, as promised (not as corrected).
    pub confidence: u8,
    /// `range`, `latest` or `single`.
    pub style: &'a str,
    /// Absent: not delivered as far as is known.
    pub delivered: Option<Day>,
}

/// One end of a window, on the day on which it turned out.
#[derive(Clone, Copy, Debug, PartialEq)]
struct End {
    day: Day,
    goal: f64,
    lasted: f64,
    kept: bool,
}

impl Shown<'_> {
    fn ends(&self) -> impl Iterator<Item = End> {
        let (before, by) = ends(self.style, self.confidence);
        let end = move |goal: f64, last: Day| {
            let kept = self.delivered.filter(|d| *d <= last);
            // Known to be broken when the day after its last begins; until then it lasts.
            let day = kept.unwrap_or(Day(last.0.saturating_add(1)));
            End { day, goal, lasted: f64::from(day.0.saturating_sub(self.made.0)), kept: kept.is_some() }
        };
        let first = before.map(|goal| end(goal, Day(self.from.0.saturating_sub(1))));
        first.into_iter().chain([end(by, self.to)])
    }
}

impl Coverage {
    /// What the windows that a store has shown say by the beginning of `today`, whatever their order. Windows that have not turned out yet say
    /// nothing.
    ///
    /// ```
    /// use promise::{Day, learn::coverage::{Coverage, Shown}};
    ///
    /// // Twenty windows a day, of two to five days; every fifth parcel comes on the seventh.
    /// let shown: Vec<Shown> = (0..1_200)
    ///     .map(|n| {
    ///         let made = Day(20_000 + n / 20);
    ///         let delivered = Some(Day(made.0 + if n % 5 == 0 { 7 } else { 3 }));
    ///         Shown { made, from: Day(made.0 + 2), to: Day(made.0 + 5), confidence: 90, style: "latest", delivered }
    ///     })
    ///     .collect();
    /// let coverage = Coverage::of(&shown, Day(20_061));
    /// assert!(coverage.ask(0.9) > 0.93, "{}", coverage.ask(0.9));
    /// ```
    pub fn of(shown: &[Shown], today: Day) -> Coverage {
        let mut ends: Vec<End> =
            shown.iter().filter(|s| s.made <= s.to).flat_map(Shown::ends).filter(|e| e.day < today).collect();
        let order = |e: &End| (e.day, e.kept);
        ends.sort_by(|a, b| order(a).cmp(&order(b)).then(a.goal.total_cmp(&b.goal)).then(a.lasted.total_cmp(&b.lasted)));
        let mut coverage = Coverage::default();
        for end in ends {
            coverage.begin_day(end.day);
            coverage.settle(end.goal, end.lasted, end.kept, 1.0);
        }
        coverage.begin_day(today);
        coverage
    }
}

fn between(a: (f64, f64), b: (f64, f64), at: f64) -> f64 {
    a.1 + (b.1 - a.1) * ((at - a.0) / (b.0 - a.0).max(1e-12)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A promise that says: a tenth of what is left arrives each day.
    fn steady(n: i32) -> f64 {
        1.0 - 0.9f64.powi(n)
    }

    #[test]
    fn promises_too_slow_become_faster_and_the_other_way_round() {
        for (speed, quicker) in [(2.0, true), (0.5, false)] {
            let mut coverage = Coverage::default();
            for day in 0..40 {
                coverage.begin_day(Day(day));
                // At each age, of a hundred parcels, `speed` times as many arrive as was said.
                for k in 0..3000 {
                    let n = k / 100;
                    coverage.observe(steady(n), steady(n + 1), f64::from(k % 100) + 0.5 < 10.54 * speed, 1.0);
                }
            }
            assert_eq!(coverage.corrected(0.6) > 0.6, quicker, "{}", coverage.corrected(0.6));
            assert_eq!(coverage.ask(0.9) < 0.9, quicker, "{}", coverage.ask(0.9));
            // Twice the hazard: what was said to be half is three quarters.
            let half = coverage.corrected(0.5);
            assert!((half - (1.0 - 0.5f64.powf(speed))).abs() < 0.04, "{half}");
        }
    }

    #[test]
    fn asking_undoes_the_correction_and_neither_turns_back() {
        let mut coverage = Coverage::default();
        for day in 0..20 {
            coverage.begin_day(Day(day));
            for k in 0..200 {
                coverage.observe(steady(k % 40), steady(k % 40 + 1), k * 7 % 40 < (k % 40) / 3, 1.0);
            }
        }
        let chances: Vec<f64> = (0..=200).map(|n| f64::from(n) / 200.0).collect();
        for chance in &chances[1..200] {
            let there = coverage.corrected(coverage.ask(*chance));
            assert!((there - chance).abs() < 1e-6, "{chance} {there}");
        }
        assert!(chances.windows(2).all(|c| coverage.corrected(c[0]) <= coverage.corrected(c[1])));
        assert!(chances.windows(2).all(|c| coverage.ask(c[0]) <= coverage.ask(c[1])));
        assert!((0.0..=1.0).contains(&coverage.ask(0.0)) && (0.0..=1.0).contains(&coverage.ask(1.0)));
    }

    #[test]
    fn without_evidence_nothing_is_corrected() {
        let coverage = Coverage::default();
        for chance in [0.0, 0.05, 0.3, 0.5, 0.9, 0.99] {
            assert!((coverage.corrected(chance) - chance).abs() < 1e-9);
            assert!((coverage.ask(chance) - chance).abs() < 1e-9);
        }
    }

    /// Windows of ten days for parcels that take `days(n)`, forty a day, until the correction rests; with what it then asks for, how many
    /// are kept of those that are uniform over a hundredth each.
    fn rest(truth: fn(f64) -> f64) -> f64 {
        let mut coverage = Coverage::default();
        for day in 0..600 {
            coverage.begin_day(Day(day));
            let asked = coverage.ask(0.9);
            for n in 0..40 {
                // The chance, as promised, by which this one comes; the promise is known after twelve days, asked as it is now.
                let comes = truth((f64::from(n) + 0.5) / 40.0);
                coverage.settle(0.9, 12.0, comes <= asked, 1.0);
            }
        }
        coverage.ask(0.9)
    }

    #[test]
    fn in_the_end_as_many_are_kept_as_were_asked_for() {
        // Parcels are later than the distribution says, and earlier.
        assert!((rest(|u| u.powf(0.5)) - 0.9f64.powf(0.5)).abs() < 0.02);
        assert!((rest(|u| u.powf(2.0)) - 0.9f64.powf(2.0)).abs() < 0.03);
    }

    #[test]
    fn answers_that_come_late_make_no_swing() {
        // Every promise is known only twenty days after it was made: 80 of 100 are kept at what is asked for at first.
        let mut coverage = Coverage::default();
        let mut asked = Vec::new();
        for day in 0..500usize {
            coverage.begin_day(Day(day as i32));
            asked.push(coverage.ask(0.9));
            if day >= 20 {
                for n in 0..200 {
                    let comes = (f64::from(n) + 0.5) / 200.0 + 0.1 * (f64::from(n) / 200.0);
                    coverage.settle(0.9, 20.0, comes <= asked[day - 20], 1.0);
                }
            }
        }
        let highest = asked.iter().copied().fold(0.0, f64::max);
        let last = asked[499];
        assert!((asked[100] - asked[20]).abs() > 0.03, "it answers: {}", asked[100]);
        assert!(highest - last < 0.015, "and rests: {highest} {last}");
        assert!(asked[400..].iter().all(|a| (a - last).abs() < 0.01));
    }

    #[test]
    fn few_promises_move_it_little_and_order_within_a_day_not_at_all() {
        let after = |per_day: i32| {
            let mut coverage = Coverage::default();
            coverage.begin_day(Day(0));
            for _ in 0..per_day {
                coverage.settle(0.9, 5.0, false, 1.0);
            }
            coverage.ask(0.9) - 0.9
        };
        assert!(after(1) < after(100) / 4.0, "{} {}", after(1), after(100));
        let of = |turned: bool| {
            let mut shown: Vec<Shown> = (0..300)
                .map(|n| Shown {
                    made: Day(n / 10),
                    from: Day(n / 10 + 2),
                    to: Day(n / 10 + 6),
                    confidence: 80,
                    style: "range",
                    delivered: (n % 7 > 0).then_some(Day(n / 10 + 1 + n % 8)),
                })
                .collect();
            if turned {
                shown.reverse();
            }
            Coverage::of(&shown, Day(40))
        };
        assert_eq!(of(false), of(true));
        assert_ne!(of(false), Coverage::of(&[], Day(40)));
    }

    #[test]
    fn a_window_breaks_when_its_last_day_is_over_not_when_the_parcel_comes() {
        let shown = Shown { made: Day(0), from: Day(3), to: Day(5), confidence: 90, style: "range", delivered: Some(Day(30)) };
        let ends: Vec<End> = shown.ends().collect();
        assert_eq!(ends[0], End { day: Day(3), goal: 0.05, lasted: 3.0, kept: false });
        assert_eq!(ends[1], End { day: Day(6), goal: 0.95, lasted: 6.0, kept: false });
        let latest = Shown { style: "latest", ..shown };
        assert_eq!(Coverage::of(&[latest], Day(6)).ask(0.9), 0.9, "still within the promise");
        let broken = Coverage::of(&[latest], Day(7)).ask(0.9);
        assert!(broken > 0.9);
        let never = Shown { delivered: None, ..latest };
        assert_eq!(Coverage::of(&[never], Day(40)).ask(0.9), broken);
        let early = Shown { delivered: Some(Day(1)), ..shown };
        assert_eq!(early.ends().map(|e| (e.day, e.kept)).collect::<Vec<_>>(), [(Day(1), true), (Day(1), true)]);
    }

    #[test]
    fn it_is_kept_as_json_and_nonsense_does_nothing() {
        let mut coverage = Coverage::default();
        for day in [5, 3, 2_000_000, i32::MIN, 0] {
            coverage.begin_day(Day(day));
            for (goal, lasted) in [(f64::NAN, 1.0), (0.0, 1.0), (1.0, 1.0), (0.9, f64::INFINITY), (0.9, -5.0)] {
                coverage.settle(goal, lasted, true, 1.0);
            }
            coverage.observe(0.9, 0.2, true, 1.0);
            coverage.observe(1.0, 1.0, false, 1.0);
        }
        for goal in [-1.0, 0.0, 0.5, 0.9, 1.0, 2.0] {
            assert!((0.0..=1.0).contains(&coverage.ask(goal)), "{goal} {}", coverage.ask(goal));
        }
        let text = serde_json::to_string(&coverage).unwrap();
        let read: Coverage = serde_json::from_str(&text).unwrap();
        assert!((read.ask(0.9) - coverage.ask(0.9)).abs() < 1e-12);
        let odd = Shown { made: Day(9), from: Day(3), to: Day(5), confidence: 255, style: "", delivered: None };
        assert_eq!(Coverage::of(&[odd], Day(40)).ask(0.9), 0.9);
    }
}
