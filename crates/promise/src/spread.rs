//! A distribution over civil days, with integer weights: the same sums in every browser and on every server.

use alloc::vec::Vec;

use crate::{calendar::Calendar, time::Day};

/// Weighted days, ascending, each once; weights are above zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Spread(pub Vec<(Day, u64)>);

/// Weights are scaled down to about this sum after each step, so that products stay far below 2^64.
const SCALE: u64 = 1 << 24;

impl Spread {
    pub fn on(day: Day) -> Spread {
        Spread(Vec::from([(day, SCALE)]))
    }

    pub fn add(&mut self, day: Day, weight: u64) {
        if weight == 0 {
            return;
        }
        match self.0.binary_search_by_key(&day, |e| e.0) {
            Ok(at) => self.0[at].1 += weight,
            Err(at) => self.0.insert(at, (day, weight)),
        }
    }

    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum: u64, e| sum.saturating_add(e.1))
    }

    /// Scaled to [`SCALE`]; no weight vanishes.
    pub fn scaled(mut self) -> Spread {
        let total = self.total();
        if total > SCALE {
            // Both below 2^39, so that the products fit.
            let shift = (64 - total.leading_zeros()).saturating_sub(39);
            for e in &mut self.0 {
                e.1 = ((e.1 >> shift) * SCALE / (total >> shift)).max(1);
            }
        }
        self
    }

    /// Adds working days (weights of 0, 1, 2 …) in a calendar. Day 0 is the day itself if it is worked, else the next that is.
    /// `None`: the calendar works on no day.
    pub fn plus(&self, weights: &[u32], calendar: &Calendar) -> Option<Spread> {
        let weights = if weights.is_empty() { &[1] } else { weights };
        // Working days one after the other from where each entry stands, and the weight that falls on each: every day is looked up once.
        let (mut days, mut sums): (Vec<Day>, Vec<u64>) = (Vec::new(), Vec::new());
        let mut at = 0;
        for (day, weight) in &self.0 {
            while days.get(at).is_none_or(|worked| worked < day) {
                if at == days.len() {
                    days.push(calendar.at_or_after(*day)?);
                } else {
                    at += 1;
                }
            }
            for (n, w) in weights.iter().enumerate() {
                if at + n == days.len() {
                    days.push(calendar.after(*days.last()?)?);
                }
                sums.resize(days.len(), 0);
                sums[at + n] = sums[at + n].saturating_add(weight.wrapping_mul(u64::from(*w)));
            }
        }
        Some(Spread::of(&days, &sums))
    }

    /// Days, ascending, with their weights; those without any are left out.
    pub fn of(days: &[Day], weights: &[u64]) -> Spread {
        let mut spread = Spread(Vec::with_capacity(days.len()));
        for (day, weight) in days.iter().zip(weights) {
            if *weight > 0 {
                spread.0.push((*day, *weight));
            }
        }
        spread.scaled()
    }

    /// The days moved on to the next day of a calendar.
    pub fn moved_to(&self, calendar: &Calendar) -> Option<Spread> {
        self.plus(&[], calendar)
    }

    /// No earlier than `day`.
    pub fn at_least(&self, day: Day) -> Spread {
        let mut later = Spread::default();
        for (d, w) in &self.0 {
            later.add((*d).max(day), *w);
        }
        later
    }

    /// Given that it is not before `day`; empty if that can't be.
    pub fn given_from(&self, day: Day) -> Spread {
        Spread(self.0.iter().copied().filter(|e| e.0 >= day).collect())
    }

    /// The first day by which at least `percent` have happened. A hair less counts as well: scaling rounds, and merchants write shares that
    /// lie exactly on a percentage.
    pub fn quantile(&self, percent: u64) -> Option<Day> {
        self.per_mille(percent * 10)
    }

    /// The same for parts of a thousand.
    pub fn per_mille(&self, share: u64) -> Option<Day> {
        let total = self.total();
        let goal = (total * share.min(1000)).saturating_sub(total / 64 * 10);
        let mut sum = 0;
        self.0
            .iter()
            .find(|e| {
                sum += e.1;
                sum * 1000 >= goal
            })
            .map(|e| e.0)
    }

    /// Share, per mille, that have happened by the end of `day`.
    pub fn by(&self, day: Day) -> u16 {
        let total = self.total().max(1);
        (self.0.iter().filter(|e| e.0 <= day).map(|e| e.1).sum::<u64>() * 1000 / total) as u16
    }
}
