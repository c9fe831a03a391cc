//! Delays detected on real deliveries: how rare false alarms are in quiet weeks, and how soon a planted slow-down is found.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, io::Read, path::Path};

use promise::{
    Day,
    detect::{Leg, Settings, Slowdown, watch},
};

/// Hand-over to delivery, in the groups of a store with one carrier: all, destination state, lane, and destination area.
fn olist() -> Option<Vec<Leg>> {
    let data =
        std::env::var("WHEREABOUTS_DATA").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
    let path = Path::new(&data).join("delivery/olist.csv.gz");
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
        let (to, zip) = (f[state], f[area].get(..1)?);
        (!to.is_empty() && !f[origin].is_empty()).then_some(())?;
        Some(Leg {
            from: day(from)?,
            until: day(until),
            groups: vec!["all".into(), format!("to {to}"), format!("{} to {to}", f[origin]), format!("to area {to} {zip}")],
        })
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

/// Weeks (by their Mondays) that were quiet, as hindsight tells: parcels handed over in that week or the one before took no longer than those of
/// the eight weeks before, by more than a seventh; and on no busy lane by more than a third. The week of Black Friday is known not to be one.
fn quiet_weeks(legs: &[Leg]) -> Vec<Day> {
    const BUSY: usize = 30;
    let week = |d: Day| (d.0 - i32::from(d.weekday())).div_euclid(7);
    let mut took: BTreeMap<&str, BTreeMap<i32, Vec<i32>>> = BTreeMap::new();
    for l in legs {
        for group in [&l.groups[0], &l.groups[2]] {
            took.entry(group)
                .or_default()
                .entry(week(l.from))
                .or_default()
                .push(l.until.map_or(30, |u| (u.0 - l.from.0).min(30)));
        }
    }
    let mean = |group: &str, weeks: std::ops::Range<i32>| {
        let all: Vec<i32> = weeks.flat_map(|w| took[group].get(&w).cloned().unwrap_or_default()).collect();
        (all.len(), f64::from(all.iter().sum::<i32>()) / all.len().max(1) as f64)
    };
    let slower = |group: &str, w: i32, by: f64| {
        let (_, before) = mean(group, w - 9..w - 1);
        [w - 1, w].iter().any(|w| mean(group, *w..w + 1).0 >= BUSY && mean(group, *w..w + 1).1 > before * by)
    };
    (week(day(FIRST))..=week(day(LAST)))
        .filter(|w| !took.keys().any(|g| slower(g, *w, if *g == "all" { 8.0 / 7.0 } else { 4.0 / 3.0 })))
        .map(|w| Day((w * 7..w * 7 + 7).find(|d| Day(*d).weekday() == 0).unwrap()))
        .filter(|monday| *monday != day("2017-11-20"))
        .collect()
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

/// From `start` on, for ten days, parcels of a group that would have been delivered come four days later.
fn plant(legs: &[Leg], group: &str, start: Day) -> Vec<Leg> {
    let (mut planted, works) = (legs.to_vec(), works());
    let later = |u: Day| (u.0 + 4..).map(Day).find(|d| works(*d)).unwrap();
    for l in planted.iter_mut().filter(|l| l.groups.iter().any(|g| g == group)) {
        l.until = l.until.map(|u| if (start.0..start.0 + 10).contains(&u.0) { later(u) } else { u });
    }
    planted
}

#[test]
fn a_planted_slow_down_is_found_within_three_days_and_ends_when_scans_recover() {
    let Some(legs) = olist() else { return };
    let (mut planted, mut late) = (0, Vec::new());
    for start in ["2017-09-12", "2017-10-18", "2018-01-17", "2018-02-20", "2018-04-17"].map(day) {
        for group in ["all", "to SP", "SP to SP", "to RJ"] {
            // As many deliveries as a slow-down can be seen in.
            let due = legs
                .iter()
                .filter(|l| l.groups.iter().any(|g| g == group) && l.until.is_some_and(|u| (start.0..start.0 + 7).contains(&u.0)))
                .count();
            if due < 40 {
                continue;
            }
            let known = known_by(&plant(&legs, group, start), Day(start.0 + 40));
            let found = watch(&known, &works(), Day(start.0 + 40), &Settings::default());
            // A finding is about it where most of the parcels that it names are slowed.
            let family = |s: &&Slowdown| {
                let named: Vec<&Leg> = known.iter().filter(|l| l.groups.contains(&s.group)).collect();
                named.iter().filter(|l| l.groups.iter().any(|g| g == group)).count() * 2 > named.len()
            };
            let hit = found.iter().filter(family).find(|s| s.found >= start && s.found.0 <= start.0 + 20);
            planted += 1;
            println!("{start} {group} ({due} due in a week): {hit:?}");
            match hit {
                // The day it begins is the first; it is found by the end of the third day after it.
                Some(s) if s.found.0 <= start.0 + 3 => {
                    assert!(s.ended.is_some_and(|e| e.0 <= start.0 + 25), "it ends when the scans recover: {s:?}");
                    assert!(s.effect.iter().skip(1).sum::<u32>() > 0, "it has a measured effect");
                }
                other => late.push(format!("{start} {group}: {other:?}")),
            }
        }
    }
    assert!(planted >= 10, "{planted}");
    assert!(late.is_empty(), "{} of {planted}: {late:#?}", late.len());
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
    let odd = Leg { from: Day(5), until: Some(Day(1)), groups: vec![] };
    let none = Leg { from: Day(5), until: None, groups: vec![String::new(); 3] };
    assert_eq!(watch(&[odd, none], &|_| false, Day(100), &Settings::default()), []);
}
