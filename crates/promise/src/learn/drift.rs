//! Drift: how much more or less happens these days than was to be expected, and how far back "these days" should reach.
//!
//! Nobody knows in advance how fast conditions change: a store with sixty arrivals a day can follow a strike within two days, one with six a day
//! would follow noise. So several memories are kept side by side, and each is believed by how well what it said a week ago fits what happens now
//! (a mixture of experts with a fixed share, Herbster and Warmuth, 1998; the likelihood is that of counts that vary by more than chance, by as
//! much as is measured). A change for the worse and one for the better are the same to it.

use alloc::{collections::VecDeque, vec, vec::Vec};

use serde::{Deserialize, Serialize};

use super::Factor;

/// Days after which what was seen counts half, by memory.
const MEMORIES: [f64; 5] = [2.0, 4.0, 8.0, 20.0, 60.0];
/// Arrivals by which a part is drawn to what was expected.
const DOUBT: f64 = 30.0;
/// Days from what is said to what it is judged by: what is promised now is for the week that begins.
const AHEAD: usize = 7;
/// A day's chance that another memory has become the right one.
const SHARE: f64 = 1.0 / 60.0;
/// Days after which a day's noise counts half.
const NOISE_HALF_LIFE: f64 = 60.0;
/// No part is said to be further off than this.
const MOST: f64 = 1.1;

/// Seen against expected, by part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Drift {
    /// By memory and part.
    factors: Vec<Vec<Factor>>,
    today: Vec<Factor>,
    /// What the memories said on the last days, the oldest first: logarithms of rates.
    said: VecDeque<Vec<Vec<f64>>>,
    /// How much each memory is believed.
    belief: Vec<f64>,
    /// Squared deviations as a share of what was expected, and the days that they are of.
    noise: (f64, f64),
    /// What follows from all that, by part.
    rates: Vec<f64>,
    /// By how much more than is seen is believed, as a power: what is drawn to the expected, and old by the time that it matters, is small.
    lean: f64,
}

impl Drift {
    pub fn new(parts: usize, lean: f64) -> Drift {
        Drift {
            factors: vec![vec![Factor::default(); parts]; MEMORIES.len()],
            today: vec![Factor::default(); parts],
            said: VecDeque::new(),
            belief: vec![1.0 / MEMORIES.len() as f64; MEMORIES.len()],
            noise: (30.0, 10.0),
            rates: vec![1.0; parts],
            lean,
        }
    }

    /// How much more happens in this part than was expected.
    pub fn rate(&self, part: usize) -> f64 {
        self.rates[part]
    }

    pub fn add(&mut self, part: usize, seen: f64, expected: f64) {
        self.today[part].add(seen, expected);
    }

    /// A day is over.
    pub fn close(&mut self) {
        if self.said.len() >= AHEAD
            && let Some(said) = self.said.pop_front()
        {
            self.judge(&said);
        }
        for (memory, half_life) in self.factors.iter_mut().zip(MEMORIES) {
            for (factor, today) in memory.iter_mut().zip(&self.today) {
                factor.age(half_life);
                factor.add(today.seen, today.expected);
            }
        }
        self.today.fill(Factor::default());
        let said: Vec<Vec<f64>> = self.factors.iter().map(|m| m.iter().map(|f| self.leant(f.rate(DOUBT))).collect()).collect();
        for (part, rate) in self.rates.iter_mut().enumerate() {
            *rate = self.belief.iter().zip(&said).map(|(belief, said)| belief * said[part]).sum::<f64>().exp();
        }
        self.said.push_back(said);
    }

    fn leant(&self, rate: f64) -> f64 {
        (rate.ln() * self.lean).clamp(-MOST, MOST)
    }

    /// What was said a week ago against what came today.
    fn judge(&mut self, said: &[Vec<f64>]) {
        if self.today.iter().map(|t| t.expected).sum::<f64>() < 0.5 {
            return;
        }
        let mut whole = 0.0;
        let mut fits = Vec::with_capacity(MEMORIES.len());
        for (said, belief) in said.iter().zip(&self.belief) {
            let means = self.today.iter().zip(said).map(|(t, log)| t.expected * log.exp());
            let mean: f64 = means.sum();
            fits.push(self.today.iter().zip(said).map(|(t, log)| t.seen * log).sum::<f64>() - mean);
            whole += belief * mean;
        }
        let seen: f64 = self.today.iter().map(|t| t.seen).sum();
        let kept = (-1.0 / NOISE_HALF_LIFE).exp2();
        self.noise = (self.noise.0 * kept + (seen - whole).powi(2) / whole.max(0.5), self.noise.1 * kept + 1.0);
        let noise = (self.noise.0 / self.noise.1).max(1.0);
        let best = fits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for (belief, fit) in self.belief.iter_mut().zip(&fits) {
            *belief *= ((fit - best) / noise).exp();
        }
        let total: f64 = self.belief.iter().sum();
        for belief in &mut self.belief {
            *belief = (1.0 - SHARE) * *belief / total + SHARE / fits.len() as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rate at the end of days on which so many arrive of so many expected.
    fn after(days: impl Iterator<Item = (f64, f64)>) -> Drift {
        let mut drift = Drift::new(1, 1.0);
        for (seen, expected) in days {
            drift.add(0, seen, expected);
            drift.close();
        }
        drift
    }

    #[test]
    fn a_change_is_followed_within_days_either_way() {
        for factor in [0.5, 2.0] {
            let steady = (0..60).map(|_| (50.0, 50.0));
            let drift = after(steady.chain((0..12).map(|_| (50.0 * factor, 50.0))));
            assert!((drift.rate(0).ln() / f64::ln(factor) - 1.0).abs() < 0.3, "{factor} {}", drift.rate(0));
        }
    }

    #[test]
    fn noise_is_not_followed() {
        // As many as expected on average; each day half of it or half more.
        let mut state = 1u64;
        let mut coin = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 63 == 0
        };
        let drift = after((0..240).map(|_| (if coin() { 25.0 } else { 75.0 }, 50.0)));
        assert!((drift.rate(0) - 1.0).abs() < 0.15, "{}", drift.rate(0));
        assert!(drift.belief[0] < drift.belief[4], "the long memory is right: {:?}", drift.belief);
        let changing = after((0..240).map(|n| (50.0 * (f64::from(n) / 40.0).sin().exp(), 50.0)));
        assert!(changing.belief[0] > changing.belief[4], "the short memory is right: {:?}", changing.belief);
    }

    #[test]
    fn nothing_and_extremes_stay_within_bounds() {
        let drift = after((0..400).map(|_| (0.0, 0.0)));
        assert_eq!(drift.rate(0), 1.0);
        for (seen, expected) in [(1e9, 0.0), (0.0, 1e9), (1e9, 1e9)] {
            let drift = after((0..40).map(|_| (seen, expected)));
            assert!(drift.rate(0).ln().abs() <= MOST + 1e-9, "{seen} {expected} {}", drift.rate(0));
            assert!(drift.belief.iter().all(|b| b.is_finite()));
        }
    }
}
