//! Calibration: what keeps 90 % at 90 % while conditions drift, in either direction.
//!
//! Outcomes come late: whether a P90 of thirty days was kept is known after thirty days, and those known early are the fast ones. So the
//! correction looks at days, not at parcels. Each promise was a distribution; on every day that its parcel is under way, that distribution
//! said with what chance it would arrive on this day. All parcels' chances against all arrivals, by how far along a parcel is, say *now* by
//! how much promises are too slow or too fast, also for their late part.
//!
//! What then remains is made up for level by level: a promise kept lowers its level a little, one broken raises it more, as adaptive
//! conformal inference does (Gibbs and Candès, 2021); a promise counts as broken on the day on which it breaks, not when the parcel comes.

use alloc::vec::Vec;

use super::{Factor, Settings};

/// Parts of a promise, by the chance of having arrived.
const PARTS: usize = 6;
/// Arrivals that a part needs to be believed.
const DOUBT: f64 = 30.0;

#[derive(Clone, Debug)]
pub struct Calibration {
    parts: [Factor; PARTS],
    levels: Vec<(f64, f64)>,
    settings: Settings,
}

fn part(chance: f64) -> usize {
    ((chance * PARTS as f64) as usize).min(PARTS - 1)
}

/// The hazard between two chances of having arrived.
fn hazard(before: f64, after: f64) -> f64 {
    -((1.0 - after) / (1.0 - before).max(1e-12)).max(1e-9).ln()
}

impl Calibration {
    pub fn new(quantiles: &[f64], settings: Settings) -> Calibration {
        Calibration { parts: Default::default(), levels: quantiles.iter().map(|q| (*q, *q)).collect(), settings }
    }

    /// A day begins: what was seen before counts less.
    pub fn begin_day(&mut self) {
        for part in &mut self.parts {
            part.age(self.settings.drift);
        }
    }

    fn rate(&self, chance: f64) -> f64 {
        self.parts[part(chance)].rate(DOUBT).powf(self.settings.gain).clamp(0.4, 2.5)
    }

    /// A promise's distribution (the chance of having arrived by the end of day 0, 1, 2 …), corrected by what has been seen.
    pub fn correct(&self, by_day: &[f64]) -> Vec<f64> {
        let (mut before, mut left) = (0.0, 1.0);
        by_day
            .iter()
            .map(|after| {
                left *= (-hazard(before, *after) * self.rate(f64::midpoint(before, *after))).exp();
                before = *after;
                1.0 - left
            })
            .collect()
    }

    /// One day of one parcel under way: what its promise, before correction, said of this day; did it arrive? `alive`: the chance that it is
    /// under way at all, and not lost.
    pub fn observe(&mut self, by_day: &[f64], n: usize, arrived: bool, alive: f64) {
        let Some(after) = by_day.get(n) else { return };
        let before = if n == 0 { 0.0 } else { by_day[n - 1] };
        self.parts[part(f64::midpoint(before, *after))].add(f64::from(u8::from(arrived)), alive * hazard(before, *after));
    }

    /// What to ask the corrected distribution for, so that the quantile comes out.
    pub fn level(&self, n: usize) -> f64 {
        self.levels[n].1
    }

    /// The end of day `n` of a parcel under way: a promise of `promised` whole days has just been kept, has just been broken, or neither.
    pub fn settle(&mut self, level: usize, promised: f64, n: usize, arrived: bool, alive: f64) {
        let day = n as f64;
        let (goal, asked) = &mut self.levels[level];
        if arrived && day <= promised {
            *asked -= self.settings.step * (1.0 - *goal);
        } else if !arrived && day == promised {
            *asked += self.settings.step * alive * *goal;
        }
        *asked = asked.clamp(*goal * 0.5, 1.0 - (1.0 - *goal) * 0.35);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A promise that says: a tenth of what is left arrives each day.
    fn steady() -> Vec<f64> {
        (1..60).map(|n| 1.0 - 0.9f64.powi(n)).collect()
    }

    #[test]
    fn promises_too_slow_become_faster_and_the_other_way_round() {
        for (speed, quicker) in [(2.0, true), (0.5, false)] {
            let mut calibration = Calibration::new(&[0.9], Settings::default());
            let promise = steady();
            for day in 0..40 {
                calibration.begin_day();
                for k in 0..100 {
                    // Of a hundred parcels at different ages, `speed` times as many arrive as was said.
                    calibration.observe(&promise, k % 30, ((k * 37 % 100 + day % 3) as f64) < 10.5 * speed, 1.0);
                }
            }
            let corrected = calibration.correct(&promise);
            assert_eq!(corrected[10] > promise[10], quicker, "{} {}", corrected[10], promise[10]);
            assert!(corrected.windows(2).all(|w| w[0] <= w[1]) && corrected.iter().all(|c| (0.0..=1.0).contains(c)));
        }
    }

    #[test]
    fn without_evidence_nothing_is_corrected() {
        let corrected = Calibration::new(&[0.5], Settings::default()).correct(&steady());
        for (a, b) in corrected.iter().zip(steady()) {
            assert!((a - b).abs() < 1e-9);
        }
    }

    #[test]
    fn a_promise_breaks_on_its_day_not_when_the_parcel_comes() {
        let mut calibration = Calibration::new(&[0.9], Settings { step: 0.01, ..Settings::default() });
        calibration.settle(0, 5.0, 4, false, 1.0);
        assert_eq!(calibration.level(0), 0.9, "still within the promise");
        calibration.settle(0, 5.0, 5, false, 1.0);
        assert!((calibration.level(0) - 0.909).abs() < 1e-9, "broken");
        calibration.settle(0, 5.0, 9, true, 1.0);
        assert!((calibration.level(0) - 0.909).abs() < 1e-9, "counted once");
        calibration.settle(0, 5.0, 5, true, 1.0);
        assert!((calibration.level(0) - 0.908).abs() < 1e-9, "kept");
    }
}
