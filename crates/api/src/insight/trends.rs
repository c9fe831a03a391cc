//! What has changed by more than chance explains, in plain sentences.
//!
//! The last whole week is compared with up to eight before it: by destination, carrier, origin, and carrier within a destination. How often
//! a parcel is late moves from week to week even where nothing has changed, and more than by throwing dice: snow makes many late together.
//! So a week's count is expected to follow a beta-binomial distribution, whose spread is what the weeks before showed, plus what is not
//! known of their mean. A change is told where that makes it improbable (two-sided, Holm's correction over everything that was tested, so
//! that at most one week in a hundred tells of anything where nothing is), and where it is large enough to matter.

use std::collections::BTreeMap;

use anyhow::Result;
use promise::Day;
use rusqlite::Connection;
use serde::Serialize;
use tracking::carrier;

use super::outcome::{dimension, week};
use crate::store::insight::Query;

/// Weeks that the last one is compared with, at most and at least.
const WEEKS: i32 = 8;
const FEWEST_WEEKS: usize = 4;
/// Parcels in the week, and in the weeks before together.
const FEWEST_NOW: i64 = 20;
const FEWEST_BEFORE: i64 = 60;
/// Cases in the week (or those expected, where there are fewer): below it is anecdote.
const FEWEST_CASES: f64 = 5.0;
/// The chance of telling of anything in a week in which nothing changed.
const FALSE_ALARM: f64 = 0.01;
/// What matters: half as many again (or a third less), and two parcels in a hundred.
const RATIO: f64 = 1.5;
const DIFFERENCE: f64 = 0.02;

/// Counts of one lane in one week.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weekly {
    pub carrier: String,
    pub origin: String,
    pub place: String,
    /// Its Monday.
    pub week: i32,
    pub due: i64,
    pub late: i64,
    pub shipped: i64,
    pub troubled: i64,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsTrend)]
pub struct Trend {
    /// `late` or `troubled` (anything that went wrong with a parcel).
    pub measure: &'static str,
    /// `up` or `down`.
    pub direction: &'static str,
    pub carrier: Option<String>,
    pub origin: Option<String>,
    pub place: Option<String>,
    /// Monday of the week that is compared.
    pub week: String,
    pub count: i64,
    pub of: i64,
    pub percent: f64,
    pub percent_before: f64,
    /// How improbable it is where nothing changed, before the correction for many looks.
    pub p_value: f64,
    pub sentence: String,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Measure {
    Late,
    Troubled,
}

/// A part of all lanes; absent: any.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
struct Slice {
    carrier: Option<String>,
    origin: Option<String>,
    place: Option<String>,
}

impl Slice {
    fn holds(&self, w: &Weekly) -> bool {
        let any = |of: &Option<String>, is: &str| of.as_deref().is_none_or(|o| o == is);
        any(&self.carrier, &w.carrier) && any(&self.origin, &w.origin) && any(&self.place, &w.place)
    }

    /// Slices of the same kind scatter alike.
    fn kind(&self) -> (bool, bool, bool) {
        (self.carrier.is_some(), self.origin.is_some(), self.place.is_some())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Series {
    now: (i64, i64),
    /// Cases and parcels, by week.
    before: Vec<(i64, i64)>,
}

impl Series {
    fn totals(&self) -> (i64, i64) {
        self.before.iter().fold((0, 0), |sum, w| (sum.0 + w.0, sum.1 + w.1))
    }

    /// Correlation within a week beyond chance, by the method of moments; may be negative. With its degrees of freedom.
    fn correlation(&self) -> Option<(f64, f64)> {
        let (cases, parcels) = self.totals();
        let p = cases as f64 / parcels as f64;
        let weeks: Vec<_> = self.before.iter().filter(|w| w.1 > 0).collect();
        if weeks.len() < FEWEST_WEEKS || p <= 0.0 || p >= 1.0 {
            return None;
        }
        let chi: f64 = weeks.iter().map(|w| (w.0 as f64 - w.1 as f64 * p).powi(2) / (w.1 as f64 * p * (1.0 - p))).sum();
        let freedom = weeks.len() as f64 - 1.0;
        let size = parcels as f64 / weeks.len() as f64;
        (size > 1.0).then(|| ((chi / freedom - 1.0) / (size - 1.0), freedom))
    }

    /// The chance of a week like this one, or one further off, on either side.
    fn chance(&self, correlation: f64) -> f64 {
        let (cases, parcels) = self.totals();
        let p = (cases as f64 + 0.5) / (parcels as f64 + 1.0);
        let weeks = self.before.iter().filter(|w| w.1 > 0).count() as f64;
        let spread = (correlation * (1.0 + 1.0 / weeks) + 1.0 / (parcels as f64 + 2.0)).clamp(1e-9, 0.9);
        let strength = 1.0 / spread - 1.0;
        let (upper, lower) = tails(self.now.0, self.now.1, p * strength, (1.0 - p) * strength);
        (2.0 * upper.min(lower)).min(1.0)
    }
}

/// `P(X >= x)` and `P(X <= x)` of a beta-binomial distribution.
fn tails(x: i64, n: i64, a: f64, b: f64) -> (f64, f64) {
    let lbeta = |a: f64, b: f64| libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    let (base, n_f) = (lbeta(a, b), n as f64);
    let choose = libm::lgamma(n_f + 1.0) - libm::lgamma(x as f64 + 1.0) - libm::lgamma((n - x) as f64 + 1.0);
    let here = (choose + lbeta(x as f64 + a, (n - x) as f64 + b) - base).exp();
    // From one count to the next by their ratio; what is too small to matter ends it.
    let (mut upper, mut lower) = (here, here);
    let mut mass = here;
    for k in x..n {
        let k = k as f64;
        mass *= (n_f - k) / (k + 1.0) * (k + a) / (n_f - k - 1.0 + b);
        upper += mass;
        if mass < upper * 1e-15 && k > n_f * a / (a + b) {
            break;
        }
    }
    mass = here;
    for k in (1..=x).rev() {
        let k = k as f64;
        mass *= k / (n_f - k + 1.0) * (n_f - k + b) / (k - 1.0 + a);
        lower += mass;
        if mass < lower * 1e-15 && k < n_f * a / (a + b) {
            break;
        }
    }
    (upper.min(1.0), lower.min(1.0))
}

fn series(lanes: &[Weekly], now: i32, measure: Measure, holds: impl Fn(&Weekly) -> bool) -> Series {
    let mut weeks: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
    for w in lanes.iter().filter(|w| w.week <= now && w.week >= now - WEEKS * 7 && holds(w)) {
        let sum = weeks.entry(w.week).or_default();
        let (cases, of) = match measure {
            Measure::Late => (w.late, w.due),
            Measure::Troubled => (w.troubled, w.shipped),
        };
        // What went wrong this week may have been shipped the week before.
        *sum = (sum.0 + cases, sum.1 + of.max(cases));
    }
    let current = weeks.remove(&now).unwrap_or_default();
    Series { now: current, before: weeks.into_values().collect() }
}

struct Candidate {
    slice: Slice,
    measure: Measure,
    series: Series,
    chance: f64,
}

impl Candidate {
    fn rates(&self) -> (f64, f64) {
        let (cases, parcels) = self.series.totals();
        (self.series.now.0 as f64 / self.series.now.1.max(1) as f64, cases as f64 / parcels.max(1) as f64)
    }

    fn up(&self) -> bool {
        let (now, before) = self.rates();
        now > before
    }

    fn matters(&self) -> bool {
        let (now, before) = self.rates();
        let cases = if now > before { self.series.now.0 as f64 } else { before * self.series.now.1 as f64 };
        let ratio = (now + 1e-9) / (before + 1e-9);
        cases >= FEWEST_CASES && (now - before).abs() >= DIFFERENCE && (ratio >= RATIO || ratio <= 1.0 / RATIO)
    }
}

/// What changed in the week that begins on `now`, a Monday. Most improbable first.
pub fn find(lanes: &[Weekly], now: i32) -> Vec<Trend> {
    let mut slices: Vec<Slice> = vec![Slice::default()];
    for w in lanes.iter().filter(|w| w.week == now) {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (carrier, origin, place) = (some(&w.carrier), some(&w.origin), some(&w.place));
        slices.push(Slice { carrier: carrier.clone(), ..Slice::default() });
        slices.push(Slice { origin, ..Slice::default() });
        slices.push(Slice { place: place.clone(), ..Slice::default() });
        slices.push(Slice { carrier, place, ..Slice::default() });
    }
    slices.sort();
    slices.dedup();
    // One carrier alone, or one origin, says the same as everything.
    for own in [
        |s: &Slice| s.carrier.is_some() && s.place.is_none(),
        |s: &Slice| s.origin.is_some(),
        |s: &Slice| s.place.is_some() && s.carrier.is_none(),
    ] {
        if slices.iter().filter(|s| own(s)).count() == 1 {
            slices.retain(|s| !own(s));
        }
    }
    let mut candidates = Vec::new();
    for measure in [Measure::Late, Measure::Troubled] {
        let mut all: Vec<(Slice, Series)> = Vec::new();
        for slice in &slices {
            let s = series(lanes, now, measure, |w| slice.holds(w));
            let weeks = s.before.iter().filter(|w| w.1 > 0).count();
            if s.now.1 >= FEWEST_NOW && s.totals().1 >= FEWEST_BEFORE && weeks >= FEWEST_WEEKS {
                all.push((slice.clone(), s));
            }
        }
        // A carrier that serves one place alone is that place: it is looked at once, by the name that says most.
        all.sort_by_key(|(slice, _)| {
            std::cmp::Reverse([&slice.carrier, &slice.origin, &slice.place].iter().filter(|w| w.is_some()).count())
        });
        let mut once: Vec<(Slice, Series)> = Vec::new();
        for (slice, series) in all {
            if !once.iter().any(|o| o.1 == series) {
                once.push((slice, series));
            }
        }
        let all = once;
        for (slice, series) in &all {
            // A slice's own eight weeks say little of how it scatters; all of its kind say more. Where its own say more still, they
            // count for a third.
            let alike = all.iter().filter(|o| o.0.kind() == slice.kind()).filter_map(|o| o.1.correlation());
            let (sum, weight) = alike.fold((0.0, 0.0), |s, (rho, freedom)| (s.0 + rho * freedom, s.1 + freedom));
            let pooled = if weight > 0.0 { sum / weight } else { 0.0 };
            let own = series.correlation().map_or(pooled, |c| (c.0 + 2.0 * pooled) / 3.0);
            let chance = series.chance(pooled.max(own).max(0.0));
            candidates.push(Candidate { slice: slice.clone(), measure, series: series.clone(), chance });
        }
    }
    candidates.sort_by(|a, b| a.chance.total_cmp(&b.chance).then_with(|| a.slice.cmp(&b.slice)));
    let tested = candidates.len();
    // Holm: the n-th smallest is held against the alarm rate shared among those that are left.
    let significant = candidates.iter().enumerate().take_while(|(n, c)| c.chance <= FALSE_ALARM / (tested - n) as f64).count();
    candidates.truncate(significant);
    let mut told: Vec<Candidate> = Vec::new();
    for c in candidates.into_iter().filter(Candidate::matters) {
        // Does it still say something once what was told already is left out?
        let same: Vec<&Slice> = told.iter().filter(|t| t.measure == c.measure && t.up() == c.up()).map(|t| &t.slice).collect();
        let series = series(lanes, now, c.measure, |w| c.slice.holds(w) && !same.iter().any(|s| s.holds(w)));
        let rest = Candidate { series, slice: c.slice.clone(), ..c };
        if same.is_empty() || rest.series.now.1 >= FEWEST_NOW && rest.up() == c.up() && rest.matters() {
            told.push(c);
        }
    }
    told.iter().map(|c| trend(c, lanes, now)).collect()
}

fn trend(c: &Candidate, lanes: &[Weekly], now: i32) -> Trend {
    let (rate, before) = c.rates();
    let percent = |x: f64| (x * 1000.0).round() / 10.0;
    Trend {
        measure: if c.measure == Measure::Late { "late" } else { "troubled" },
        direction: if c.up() { "up" } else { "down" },
        carrier: c.slice.carrier.clone(),
        origin: c.slice.origin.clone(),
        place: c.slice.place.clone(),
        week: Day(now).to_string(),
        count: c.series.now.0,
        of: c.series.now.1,
        percent: percent(rate),
        percent_before: percent(before),
        p_value: c.chance,
        sentence: sentence(c, lanes, now),
    }
}

fn sentence(c: &Candidate, lanes: &[Weekly], now: i32) -> String {
    let what = if c.measure == Measure::Late { "Late deliveries" } else { "Parcels in trouble" };
    let mut text = what.to_owned();
    if let Some(place) = &c.slice.place {
        text.push_str(&format!(" to {}", place_name(place)));
    }
    let (with, only) = share(c, lanes, now);
    // Where one carrier has all the cases of a place, the place's own figures are the plainer ones.
    let around = Slice { carrier: None, ..c.slice.clone() };
    let whole = Candidate { series: series(lanes, now, c.measure, |w| around.holds(w)), slice: around, ..*c };
    let shown = if only { &whole } else { c };
    if let Some(carrier) = shown.slice.carrier.as_deref() {
        text.push_str(&format!(" with {}", carrier_name(carrier)));
    }
    if let Some(origin) = &c.slice.origin {
        text.push_str(&format!(" from {origin}"));
    }
    let (rate, before) = shown.rates();
    text.push_str(&format!(" {} last week", change(rate, before)));
    if let Some(with) = with {
        text.push_str(&format!(", {with}"));
    }
    let before = (before * 1000.0).round() / 10.0;
    text.push_str(&format!(": {} of {}, {before} % before.", shown.series.now.0, shown.series.now.1));
    text
}

/// "all with UPS", where the cases are one carrier's though others carry a good part; and whether that says all that the slice says.
fn share(c: &Candidate, lanes: &[Weekly], now: i32) -> (Option<String>, bool) {
    if !c.up() || c.slice.origin.is_some() {
        return (None, false);
    }
    let around = Slice { place: c.slice.place.clone(), ..Slice::default() };
    let whole = series(lanes, now, c.measure, |w| around.holds(w)).now;
    let mut carriers: Vec<&str> = lanes.iter().filter(|w| w.week == now && around.holds(w)).map(|w| w.carrier.as_str()).collect();
    carriers.sort_unstable();
    carriers.dedup();
    let of = |carrier: &str| series(lanes, now, c.measure, |w| around.holds(w) && w.carrier == carrier).now;
    let Some(top) = carriers.into_iter().filter(|k| !k.is_empty()).max_by_key(|k| of(k).0) else { return (None, false) };
    let part = of(top);
    let (cases, parcels) = (part.0 as f64 / whole.0.max(1) as f64, part.1 as f64 / whole.1.max(1) as f64);
    // A slice of one carrier in one place is told as the place, where the place has no other cases to speak of.
    let named = c.slice.carrier.as_deref().is_none_or(|own| own == top) && (c.slice.place.is_some() || c.slice.carrier.is_none());
    if !named || parcels > 0.8 {
        return (None, false);
    }
    let name = carrier_name(top);
    match cases {
        1.0 => (Some(format!("all with {name}")), true),
        x if x >= 0.9 => (Some(format!("nearly all with {name}")), true),
        x if x >= 0.55 && x >= 1.5 * parcels && c.slice.carrier.is_none() => (Some(format!("most of them with {name}")), true),
        _ => (None, false),
    }
}

fn change(now: f64, before: f64) -> String {
    if before <= 0.0 {
        return "appeared".into();
    }
    let ratio = now / before;
    match ratio {
        r if (1.8..=2.25).contains(&r) => "doubled".into(),
        r if (2.7..=3.3).contains(&r) => "tripled".into(),
        r if r >= 10.0 => format!("rose to {r:.0} times as many"),
        r if r > 2.25 => format!("rose to {r:.1} times as many"),
        r if (0.45..=0.55).contains(&r) => "halved".into(),
        r if r > 1.0 => format!("rose by {:.0} %", (r - 1.0) * 100.0),
        r => format!("fell by {:.0} %", (1.0 - r) * 100.0),
    }
}

pub fn carrier_name(code: &str) -> String {
    carrier::by_code(code).map_or_else(|| code.to_owned(), |c| c.name.into())
}

/// `Texas` for `US-TX`; a code that has no name here stays a code.
pub fn place_name(code: &str) -> String {
    static REGIONS: &str = include_str!("regions.tsv");
    let mut lines = REGIONS.lines().filter_map(|l| l.split_once('\t'));
    lines.find(|l| l.0 == code).map_or_else(|| code.to_owned(), |l| l.1.to_owned())
}

/// A store's changes in the last whole week before today.
pub fn of_store(db: &Connection, store: &str, today: Day) -> Result<Vec<Trend>> {
    let now = week(today.0) - 7;
    let query = Query { store, dimension: dimension::LANE, from: now - WEEKS * 7, to: now };
    let lanes: Vec<Weekly> = query
        .by_key_and_day(db, |day| day)?
        .into_iter()
        .filter_map(|((key, week), f)| {
            let words: Vec<&str> = key.split('|').collect();
            let [carrier, _, origin, place] = words.as_slice() else { return None };
            Some(Weekly {
                carrier: (*carrier).into(),
                origin: (*origin).into(),
                place: (*place).into(),
                week,
                due: f.get("parcels_due"),
                late: f.get("parcels_late"),
                shipped: f.get("shipped"),
                troubled: f.get("troubled"),
            })
        })
        .collect();
    Ok(find(&lanes, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator (xorshift64*), so that the tests are the same everywhere.
    struct Dice(u64);

    impl Dice {
        fn next(&mut self) -> f64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
        }

        fn times(&mut self, n: i64, p: f64) -> i64 {
            (0..n).map(|_| i64::from(self.next() < p)).sum()
        }
    }

    const PLACES: [&str; 12] = ["US-TX", "US-CA", "US-NY", "US-FL", "US-WA", "US-IL", "US-GA", "US-OH", "DE", "NL", "FR", "GB"];

    /// Nine weeks of three carriers to twelve places; each week of each carrier has a rate of its own, as weather makes it. `planted`
    /// says how a lane's rate changes in the last week.
    fn weeks(dice: &mut Dice, scatter: f64, planted: impl Fn(&str, &str) -> f64) -> Vec<Weekly> {
        let mut lanes = Vec::new();
        for n in 0..=WEEKS {
            for carrier in ["ups", "usps", "fedex"] {
                for place in PLACES {
                    let moved = 1.0 + scatter * (2.0 * dice.next() - 1.0);
                    let times = if n == WEEKS { planted(carrier, place) } else { 1.0 };
                    let due = 20 + (dice.next() * 40.0) as i64;
                    let origin = if dice.next() < 0.5 { "memphis" } else { "reno" }.to_owned();
                    lanes.push(Weekly {
                        carrier: carrier.into(),
                        origin,
                        place: place.into(),
                        week: n * 7,
                        due,
                        late: dice.times(due, (0.08 * moved * times).min(1.0)),
                        shipped: due,
                        troubled: dice.times(due, 0.03),
                    });
                }
            }
        }
        lanes
    }

    #[test]
    fn where_nothing_changed_nothing_is_told() {
        let mut dice = Dice(7);
        for scatter in [0.0, 0.6] {
            let alarms = (0..300).filter(|_| !find(&weeks(&mut dice, scatter, |_, _| 1.0), WEEKS * 7).is_empty()).count();
            // One in a hundred is what is allowed: three expected, at most; eight would be far out.
            println!("scatter {scatter}: {alarms} of 300");
            assert!(alarms <= 7, "{alarms} of 300 weeks told of a change where there was none (scatter {scatter})");
        }
    }

    #[test]
    fn what_was_planted_is_found_and_named() {
        let mut dice = Dice(11);
        let (mut found, mut others) = (0, 0);
        for _ in 0..50 {
            let lanes = weeks(&mut dice, 0.3, |carrier, place| if (carrier, place) == ("ups", "US-TX") { 6.0 } else { 1.0 });
            let trends = find(&lanes, WEEKS * 7);
            let right = |t: &&Trend| {
                t.measure == "late" && t.direction == "up" && t.sentence.contains("Texas") && t.sentence.contains("UPS")
            };
            found += trends.iter().filter(right).count();
            for t in trends.iter().filter(|t| !right(t)) {
                println!("{}", t.sentence);
                others += 1;
            }
        }
        println!("found {found} of 50, and {others} others");
        assert!(found >= 45 && others <= 5, "found {found} of 50, and {others} others");
    }

    #[test]
    fn a_carrier_that_is_late_everywhere_is_one_sentence_not_twelve() {
        let mut dice = Dice(5);
        let (mut found, mut told) = (0, 0);
        for _ in 0..30 {
            let trends = find(&weeks(&mut dice, 0.3, |carrier, _| if carrier == "usps" { 2.5 } else { 1.0 }), WEEKS * 7);
            found += usize::from(trends.iter().any(|t| t.carrier.as_deref() == Some("usps") || t.sentence.contains("USPS")));
            told += trends.len();
        }
        assert!(found >= 28 && told <= 45, "found in {found} of 30 weeks, {told} sentences");
    }

    #[test]
    fn what_became_better_is_told_too() {
        let mut dice = Dice(3);
        let lanes = weeks(&mut dice, 0.1, |_, _| 0.3);
        let trends = find(&lanes, WEEKS * 7);
        assert!(trends.iter().any(|t| t.direction == "down" && t.place.is_none() && t.measure == "late"), "{trends:?}");
    }

    #[test]
    fn few_parcels_say_nothing() {
        let lane = |week, due, late| Weekly { carrier: "ups".into(), place: "DE".into(), week, due, late, ..Weekly::default() };
        let mut lanes: Vec<Weekly> = (0..8).map(|n| lane(n * 7, 5, 0)).collect();
        lanes.push(lane(56, 6, 6));
        assert!(find(&lanes, 56).is_empty());
        assert!(find(&[], 56).is_empty());
    }

    #[test]
    fn the_sentence_says_what_where_with_whom_and_how_much() {
        let lane = |carrier: &str, week, due, late| Weekly {
            carrier: carrier.into(),
            place: "US-TX".into(),
            week,
            due,
            late,
            ..Weekly::default()
        };
        let mut lanes = Vec::new();
        for n in 0..8 {
            lanes.push(lane("ups", n * 7, 200, 16 + n as i64 % 3));
            lanes.push(lane("usps", n * 7, 200, 15));
            lanes.push(Weekly { place: "US-CA".into(), ..lane("usps", n * 7, 400, 30) });
        }
        lanes.extend([lane("ups", 56, 200, 66), lane("usps", 56, 200, 0)]);
        lanes.push(Weekly { place: "US-CA".into(), ..lane("usps", 56, 400, 30) });
        let sentences: Vec<String> = find(&lanes, 56).into_iter().map(|t| t.sentence).collect();
        assert!(
            sentences.iter().any(|s| s.starts_with("Late deliveries to Texas") && s.contains("all with UPS: 66 of ")),
            "{sentences:?}"
        );
    }

    #[test]
    fn the_tails_are_those_of_a_binomial_where_weeks_do_not_differ() {
        // Binomial(10, 0.3): P(X >= 6) = 0.0473, P(X <= 1) = 0.1493.
        let s = 1e7;
        let (upper, _) = tails(6, 10, 0.3 * s, 0.7 * s);
        let (_, lower) = tails(1, 10, 0.3 * s, 0.7 * s);
        assert!((upper - 0.0473).abs() < 1e-4 && (lower - 0.1493).abs() < 1e-4, "{upper} {lower}");
        // Beta-binomial(5, 1, 1) is uniform.
        assert!((tails(4, 5, 1.0, 1.0).0 - 2.0 / 6.0).abs() < 1e-9);
    }
}
