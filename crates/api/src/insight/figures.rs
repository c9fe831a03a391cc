//! Counts by name, and what can be said of them. They only ever add and take away, so that sums over any dimension agree.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Counts by name; a name that counts nothing is not there. A histogram is the names `transit.0`, `transit.1` …
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Figures(BTreeMap<String, i64>);

impl Figures {
    pub fn add(&mut self, name: &str, n: i64) {
        if n == 0 {
            return;
        }
        match self.0.get_mut(name) {
            Some(sum) if *sum + n == 0 => drop(self.0.remove(name)),
            Some(sum) => *sum += n,
            None => drop(self.0.insert(name.to_owned(), n)),
        }
    }

    /// Adds another's counts, so many times: `-1` takes them away.
    pub fn add_all(&mut self, other: &Figures, times: i64) {
        for (name, n) in &other.0 {
            self.add(name, n * times);
        }
    }

    /// Adds counts as they are stored, without making them first.
    pub fn add_stored(&mut self, text: &str) -> serde_json::Result<()> {
        struct Into<'a>(&'a mut Figures);
        impl<'de> serde::de::Visitor<'de> for Into<'_> {
            type Value = ();
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("counts by name")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
                while let Some((name, n)) = map.next_entry::<&str, i64>()? {
                    self.0.add(name, n);
                }
                Ok(())
            }
        }
        serde::Deserializer::deserialize_map(&mut serde_json::Deserializer::from_str(text), Into(self))
    }

    pub fn get(&self, name: &str) -> i64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names that begin with `group.`, without it, with their counts.
    pub fn group<'a>(&'a self, group: &'a str) -> impl Iterator<Item = (&'a str, i64)> {
        let after = move |(name, n): (&'a String, &'a i64)| Some((name.strip_prefix(group)?.strip_prefix('.')?, *n));
        self.0.range(format!("{group}.")..).map_while(move |e| e.0.starts_with(group).then_some(e)).filter_map(after)
    }

    /// A histogram, ascending.
    pub fn histogram(&self, name: &str) -> Vec<(i64, i64)> {
        let mut bars: Vec<(i64, i64)> = self.group(name).filter_map(|(at, n)| Some((at.parse().ok()?, n))).collect();
        bars.sort_unstable();
        bars
    }

    /// The smallest value that this part (per cent) of a histogram does not exceed: 50 is the median. Absent: it is empty.
    pub fn quantile(&self, name: &str, percent: i64) -> Option<i64> {
        let bars = self.histogram(name);
        let total: i64 = bars.iter().map(|b| b.1).sum();
        let mut seen = 0;
        bars.iter()
            .find(|bar| {
                seen += bar.1;
                seen * 100 >= total * percent
            })
            .map(|bar| bar.0)
    }

    /// One count of another, in per cent, to a tenth. Absent: there is nothing to count of.
    pub fn percent(&self, part: &str, whole: &str) -> Option<f64> {
        percent(self.get(part), self.get(whole))
    }
}

/// `part` of `whole` in per cent, to a tenth.
pub fn percent(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 * 1000.0 / whole as f64).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_away_leaves_no_trace() {
        let mut sum = Figures::default();
        sum.add("due", 2);
        sum.add("transit.3", 1);
        let once = sum.clone();
        sum.add_stored(r#"{"due":1,"transit.10":4}"#).unwrap();
        assert_eq!((sum.get("due"), sum.get("late")), (3, 0));
        assert_eq!(sum.histogram("transit"), [(3, 1), (10, 4)]);
        sum.add_all(&serde_json::from_str(r#"{"due":1,"transit.10":4}"#).unwrap(), -1);
        assert_eq!(sum, once);
        sum.add_all(&once, -1);
        assert!(sum.is_empty());
    }

    #[test]
    fn quantiles_are_days_that_occurred() {
        let mut f = Figures::default();
        assert_eq!(f.quantile("transit", 50), None);
        for (day, n) in [(2, 5), (3, 4), (9, 1)] {
            f.add(&format!("transit.{day}"), n);
        }
        f.add("transits", 100);
        assert_eq!([10, 50, 51, 90, 91].map(|p| f.quantile("transit", p).unwrap()), [2, 2, 3, 3, 9]);
        assert_eq!(percent(1, 3), Some(33.3));
        assert_eq!(percent(0, 0), None);
    }
}
