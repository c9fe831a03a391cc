//! Delays detected on real deliveries: how rare false alarms are in quiet weeks, and how soon a planted slow-down is found.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, io::Read, path::Path};

use promise::{
    Day,
    detect::{Leg, Settings, Slowdown, watch},
};

/// Hand-over to delivery, in the groups of a store with one carrier: all, destination state, lane, and destination area; `file` without places: all.
fn olist() -> Option<Vec<Leg>> {
    read("olist.csv.gz")
}

fn read(file: &str) -> Option<Vec<Leg>> {
    let data =
        std::env::var("WHEREABOUTS_DATA").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
    let path = Path::new(&data).join("delivery").join(file);
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    };
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at = |name: &str| header.iter().position(|h| *h == name).unwrap();
    let (from, until) = (at("carrier_ts"), at("delivered_ts"));
    let (origin, state, area) = (at("seller_state"), at("customer_state"), at("customer_zip3"));
    let leg = |line: &str| {
        let f: Vec<&str> = line.split(',').collect();
        let day = |n: usize| Day::parse(f[n].get(..10)?);
        let (to, zip) = (f[state], f[area].get(..1).unwrap_or_default());
        let mut groups: Vec<String> = vec!["all".into()];
        if !to.is_empty() && !f[origin].is_empty() {
            groups.extend([format!("to {to}"), format!("{} to {to}", f[origin]), format!("to area {to} {zip}")]);
        }
        Some(Leg { from: day(from)?, until: day(until), groups: groups.into() })
    };
    Some(lines.filter_map(leg).filter(|l| l.until.is_none_or(|u| u >= l.from)).collect())
}

/// Monday to Saturday, without Brazil's national holidays of these years (the package's own data begins later).
fn works() -> impl Fn(Day) -> bool {
    let fixed = ["01-01", "04-21", "05-01", "09-07", "10-12", "11-02", "11-15", "12-25"];
    let mut closed: Vec<Day> = (2016..=2018).flat_map(|y| fixed.map(|d| day(&format!("{y}-{d}")))).collect();
    // Carnival (Monday, Tuesday), Good Friday, Corpus Christi.
    let moving = ["2017-02-27", "2017-02-28", "2017-04-14", "2017-06-15", "2018-02-12", "2018-02-13", "2018-03-30", "2018-05-31"];
    closed.extend(moving.map(day));
    move |day: Day| day.weekday() != 6 && !closed.contains(&day)
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn known_by(legs: &[Leg], end: Day) -> Vec<Leg> {
    let known = legs.iter().filter(|l| l.from <= end).cloned();
    known.map(|l| Leg { until: l.until.filter(|u| *u <= end), ..l }).collect()
}

const FIRST: &str = "2017-06-05";
const LAST: &str = "2018-05-13";

/// How much later one sample is than another, in standard errors: the rank test of Mann and Whitney, with ties.
fn later(new: &[i32], old: &[i32]) -> f64 {
    let mut all: Vec<(i32, bool)> = new.iter().map(|t| (*t, true)).chain(old.iter().map(|t| (*t, false))).collect();
    all.sort_unstable();
    let (n, m) = (new.len() as f64, old.len() as f64);
    let (mut ranks, mut ties, mut at) = (0.0, 0.0, 0usize);
    while at < all.len() {
        let same = all[at..].iter().take_while(|a| a.0 == all[at].0).count();
        let mine = all[at..at + same].iter().filter(|a| a.1).count() as f64;
        let t = same as f64;
        ranks += mine * (at as f64 + (t + 1.0) / 2.0);
        ties += t * t * t - t;
        at += same;
    }
    let total = n + m;
    let spread = (n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)))).sqrt();
    (ranks - n * (n + 1.0) / 2.0 - n * m / 2.0) / spread.max(1e-9)
}

/// Weeks (by their Mondays) that were quiet, as what came of them tells, and not the detector: in no group did the parcels that were handed over in
/// that week and in the one before, which are those under way in it, take longer than those of the eight weeks before by more than chance explains:
/// a rank test at 1 %, shared by all groups (of which there are some forty: 3.5 standard errors). No week is left out by name.
fn quiet_weeks(legs: &[Leg]) -> Vec<Day> {
    const ERRORS: f64 = 3.5;
    let monday = |d: Day| d.0 - i32::from(d.weekday());
    let mut took: BTreeMap<&str, BTreeMap<i32, Vec<i32>>> = BTreeMap::new();
    for l in legs {
        for group in &*l.groups {
            let days = l.until.map_or(60, |u| (u.0 - l.from.0).min(60));
            took.entry(group).or_default().entry(monday(l.from)).or_default().push(days);
        }
    }
    let slower = |weeks: &BTreeMap<i32, Vec<i32>>, of: i32| {
        let took =
            |weeks: std::collections::btree_map::Range<i32, Vec<i32>>| weeks.flat_map(|w| w.1).copied().collect::<Vec<i32>>();
        let (before, here) = (took(weeks.range(of - 9 * 7..of - 7)), took(weeks.range(of - 7..=of)));
        here.len() >= 20 && before.len() >= 60 && later(&here, &before) > ERRORS
    };
    (monday(day(FIRST))..=day(LAST).0).step_by(7).filter(|w| !took.values().any(|weeks| slower(weeks, *w))).map(Day).collect()
}

fn in_weeks(found: &[Slowdown], weeks: &[Day]) -> Vec<String> {
    let hit = |w: &Day| {
        let here: Vec<String> = found
            .iter()
            .filter(|s| (w.0..w.0 + 7).contains(&s.found.0))
            .map(|s| format!("{} {}..{} {:.0} of {:.0}", s.group, s.since, s.found, s.arrived, s.expected))
            .collect();
        (!here.is_empty()).then(|| format!("{w}: {}", here.join(", ")))
    };
    weeks.iter().filter_map(hit).collect()
}

#[test]
fn false_alarms_are_rare_in_quiet_weeks() {
    let Some(legs) = olist() else { return };
    let found = watch(&legs, &works(), day(LAST), &Settings::default());
    let quiet = quiet_weeks(&legs);
    let alarms = in_weeks(&found, &quiet);
    for s in &found {
        println!(
            "{:<16} {} found {} ended {:?} {:.0}/{:.0} {:?}",
            s.group, s.since, s.found, s.ended, s.arrived, s.expected, s.effect
        );
    }
    println!("{} quiet weeks, {} with an alarm: {alarms:#?}", quiet.len(), alarms.len());
    assert!(quiet.len() >= 20, "{}", quiet.len());
    assert!(alarms.len() * 20 <= quiet.len(), "{alarms:#?}");
}

#[test]
fn without_any_change_of_pace_alarms_are_as_rare_as_is_accepted() {
    let Some(legs) = olist() else { return };
    // The time that each parcel took is given to another one of the same lane, handed over on the same weekday at another time of the year: no week
    // is slower than another by anything but chance.
    let mut weeks = 0;
    let mut alarms = 0;
    for seed in 1..=6u64 {
        let mut by_lane: BTreeMap<(String, u8), Vec<usize>> = BTreeMap::new();
        for (n, l) in legs.iter().enumerate() {
            by_lane.entry((l.groups[2].clone(), l.from.weekday())).or_default().push(n);
        }
        let mut shuffled = legs.clone();
        let mut state = seed;
        for members in by_lane.values() {
            let mut order = members.clone();
            for n in (1..order.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                order.swap(n, (state >> 33) as usize % (n + 1));
            }
            for (to, from) in members.iter().zip(order) {
                shuffled[*to].until = legs[from].until.map(|u| Day(legs[*to].from.0 + u.0 - legs[from].from.0));
            }
        }
        let found = watch(&shuffled, &works(), day(LAST), &Settings::default());
        let all: Vec<Day> = (0..).map(|w| Day(day(FIRST).0 + w * 7)).take_while(|d| *d <= day(LAST)).collect();
        weeks += all.len();
        alarms += in_weeks(&found, &all).len();
    }
    println!("{alarms} of {weeks} weeks");
    assert!(alarms * 20 <= weeks, "{alarms} of {weeks}");
}

/// What is planted, from a day on, in a group.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Slow {
    /// For ten days, what would have been delivered comes so many days later.
    Later(i32),
    /// For ten days, parcels move on at half their pace.
    HalfPace,
}

fn plant(legs: &[Leg], group: &str, start: Day, slow: Slow) -> Vec<Leg> {
    let (mut planted, works) = (legs.to_vec(), works());
    let next = |d: Day| (d.0..).map(Day).find(|d| works(*d)).unwrap();
    let end = start.0 + 10;
    for l in planted.iter_mut().filter(|l| l.groups.iter().any(|g| g == group)) {
        let Some(mut u) = l.until.filter(|u| u.0 >= start.0 && l.from.0 < end) else { continue };
        match slow {
            Slow::Later(days) if u.0 < end => u = next(Day(u.0 + days)),
            Slow::Later(_) => {}
            Slow::HalfPace => {
                let begun = l.from.max(start);
                let (left, slowed) = (u.0 - begun.0, end - begun.0);
                u = next(Day(u.0 + left.min(slowed / 2)));
            }
        }
        l.until = Some(u);
    }
    planted
}

/// Plants every so many days, whatever the week was like, and returns how many were planted, how many found within three days, and which were not.
fn planted(legs: &[Leg], group: &str, slow: Slow, least: usize, every: i32) -> (usize, Vec<String>) {
    let (mut planted, mut late) = (0, Vec::new());
    let starts = (0..).map(|n| Day(day("2017-07-11").0 + n * every)).take_while(|d| d.0 + 40 <= day(LAST).0);
    for start in starts {
        // As many deliveries as such a slow-down can be seen in.
        let due =
            |l: &&Leg| l.groups.iter().any(|g| g == group) && l.until.is_some_and(|u| (start.0..start.0 + 7).contains(&u.0));
        if legs.iter().filter(due).count() < least {
            continue;
        }
        let known = known_by(&plant(legs, group, start, slow), Day(start.0 + 40));
        let found = watch(&known, &works(), Day(start.0 + 40), &Settings::default());
        // A finding is about it where most of the parcels that it names are slowed.
        let about = |s: &&Slowdown| {
            let named: Vec<&Leg> = known.iter().filter(|l| l.groups.contains(&s.group)).collect();
            named.iter().filter(|l| l.groups.iter().any(|g| g == group)).count() * 2 > named.len()
        };
        // Where most of its parcels were known to be slow already, nothing new is to be found.
        let mine: Vec<&Leg> = known.iter().filter(|l| l.groups.iter().any(|g| g == group)).collect();
        let slow_already = |s: &Slowdown| {
            s.found < start
                && s.ended.is_none_or(|e| e >= start)
                && mine.iter().filter(|l| l.groups.contains(&s.group)).count() * 2 > mine.len()
        };
        if found.iter().any(slow_already) {
            continue;
        }
        planted += 1;
        match found.iter().filter(about).find(|s| s.found >= start && s.found.0 <= start.0 + 20) {
            // The day it begins is the first; it is found by the end of the third day after it.
            Some(s) if s.found.0 <= start.0 + 3 => {
                assert!(s.ended.is_some_and(|e| e.0 <= start.0 + 28), "it ends when the scans recover: {s:?}");
                assert!(s.effect.iter().skip(1).sum::<u32>() > 0, "it has a measured effect");
            }
            other => late.push(format!("{start} {group} {slow:?}: {:?}", other.map(|s| (s.found, s.since)))),
        }
    }
    println!("{group} {slow:?}: {planted} planted, {} not found within three days {late:?}", late.len());
    (planted, late)
}

#[test]
fn a_planted_slow_down_is_found_within_three_days_and_ends_when_scans_recover() {
    let Some(legs) = olist() else { return };
    // Size, deliveries a week in which it can be seen so soon, and where.
    let cases = [
        (Slow::Later(4), 40, &["all", "to SP", "SP to SP", "to RJ", "to MG", "SP to RJ"][..]),
        (Slow::Later(2), 60, &["all", "to SP", "SP to SP"]),
        (Slow::HalfPace, 150, &["all", "to SP", "SP to SP"]),
    ];
    for (slow, least, groups) in cases {
        let (mut all, mut late) = (0, Vec::new());
        for group in groups {
            let (n, missed) = planted(&legs, group, slow, least, 21);
            all += n;
            late.extend(missed);
        }
        assert!(all >= 8, "{slow:?}: {all}");
        assert!(late.is_empty(), "{slow:?}: {} of {all}: {late:#?}", late.len());
    }
}

#[test]
fn it_is_found_in_a_store_with_few_parcels_and_no_places() {
    let Some(legs) = read("olist_unjoined.csv.gz") else { return };
    let (all, late) = planted(&legs, "all", Slow::Later(4), 30, 14);
    assert!(all >= 4, "{all}");
    assert!(late.is_empty(), "{} of {all}: {late:#?}", late.len());
    let quiet = quiet_weeks(&legs);
    let found = watch(&legs, &works(), day(LAST), &Settings::default());
    let alarms = in_weeks(&found, &quiet);
    println!("{} quiet weeks, {} with an alarm: {alarms:#?}", quiet.len(), alarms.len());
    assert!(quiet.len() >= 20 && alarms.len() * 20 <= quiet.len(), "{} {alarms:#?}", quiet.len());
}

#[test]
fn the_future_does_not_leak() {
    let Some(legs) = olist() else { return };
    let whole = watch(&legs, &works(), day(LAST), &Settings::default());
    for end in ["2017-11-30", "2018-01-31", "2018-03-20"].map(day) {
        let then = watch(&known_by(&legs, end), &works(), end, &Settings::default());
        let then: Vec<_> = then.iter().map(|s| (&s.group, s.since, s.found)).collect();
        let later: Vec<_> = whole.iter().filter(|s| s.found <= end).map(|s| (&s.group, s.since, s.found)).collect();
        assert_eq!(then, later, "{end}");
    }
}

#[test]
fn nothing_and_nonsense_are_answered() {
    assert_eq!(watch(&[], &|_| true, Day(100), &Settings::default()), []);
    let odd = Leg { from: Day(5), until: Some(Day(1)), groups: [].into() };
    let none = Leg { from: Day(5), until: None, groups: vec![String::new(); 3].into() };
    assert_eq!(watch(&[odd, none], &|_| false, Day(100), &Settings::default()), []);
}
