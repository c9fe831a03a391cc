//! What became of an order, as far as it is counted, and where it counts. Pure: the same order gives the same figures, so that what an
//! order counted before can be taken away exactly.
//!
//! Every figure has one day ([`super::days`]): an order counts as placed on the store's day; a parcel as shipped and delivered on the
//! days that those scans had where they were; a promise as kept or broken on the day that decided it: the day of the last parcel's delivery, or the day after
//! the last day promised, whichever is first. So a parcel that is late and still under way counts as late at once, and its arrival
//! later on does not move the figure.

use std::collections::{BTreeMap, BTreeSet};

use promise::{Day, learn::coverage::ends};
use serde::{Deserialize, Serialize};

use super::figures::Figures;

/// Counted of one order. Holds neither name nor address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// Days since 1970, as [`Day`] counts them; so are all others.
    pub placed: i32,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
    /// `US-TX`, `DE`; empty: unknown.
    pub place: String,
    /// A part of it, by the first characters of its postal code: `US-782`.
    pub area: String,
    pub method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promise: Option<Promise>,
    /// All of it has arrived, on this day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete: Option<i32>,
    /// The last day promised has passed without it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub overdue: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parcels: Vec<Parcel>,
    /// Nothing has left yet: what it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits: Option<Way>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Promise {
    pub from: i32,
    pub to: i32,
    pub confidence: u8,
    /// How it was shown, where that is not `range`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub style: String,
}

impl Promise {
    /// The two ends of the window: the share that should have come by then (in parts of a thousand), and the day.
    pub fn ends(&self) -> Vec<(u16, i32)> {
        let (before, by) = ends(&self.style, self.confidence);
        let goal = |share: f64| (share * 1000.0).round() as u16;
        before.map(|share| (goal(share), self.from - 1)).into_iter().chain([(goal(by), self.to)]).collect()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parcel {
    pub carrier: String,
    pub service: String,
    pub origin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipped: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered: Option<i32>,
    /// What went wrong, each kind once, with its first day.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub wrong: BTreeMap<String, i32>,
    /// What it teaches; absent: nothing, as where nobody knows where it left from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
}

/// How a parcel went, in working days of its origin and its service, by the policy that held when it was ordered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Way {
    pub origin: String,
    pub zone: String,
    /// The origin's day and second of the order.
    pub ordered: i32,
    pub second: u32,
    /// From the order (the next day, after the cut-off) to the carrier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handling: Option<u16>,
    /// From there to the door.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transit: Option<u16>,
    /// Why it teaches nothing of its own after all: `noticed` (a known delay bore on it), `waited` (for stock, or to be made: says nothing of handling),
    /// `impossible` (days that can't be).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub but: String,
}

impl Way {
    /// Does it say how long handling takes? And transit?
    pub fn teaches(&self) -> (bool, bool) {
        (self.but.is_empty(), matches!(self.but.as_str(), "" | "waited"))
    }
}

/// A place in the tables: figures of one kind of thing, in one period.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    pub dimension: &'static str,
    pub key: String,
    /// A day; for lanes the Monday of its week, for areas the first of its month.
    pub day: i32,
}

/// Dimensions: what a key is.
pub mod dimension {
    /// Everything, by day. The key is empty.
    pub const ALL: &str = "all";
    pub const CARRIER: &str = "carrier";
    pub const ORIGIN: &str = "origin";
    pub const METHOD: &str = "method";
    pub const PLACE: &str = "place";
    /// `carrier|service|origin|place`, by week.
    pub const LANE: &str = "lane";
    /// The confidence shown, by day.
    pub const CONFIDENCE: &str = "confidence";
    /// An area, by month: where parcels arrive, and where they were gone when they should have been there.
    pub const AREA: &str = "area";
    /// Looks at order pages, by the order's state.
    pub const LOOK: &str = "look";
    /// Contacts, by reason.
    pub const CONTACT: &str = "contact";
    /// Messages, by `channel|notice`, on the day they were written; figures by how they ended.
    pub const MESSAGE: &str = "message";
    /// Working days from order to carrier, by origin and by the week of hand-over.
    pub const HANDLING: &str = "handling";
    /// Working days from there to the door, by `origin|service|zone` and by the week of delivery.
    pub const TRANSIT: &str = "transit";
    /// Ends of windows, by the share that should have come by then, on the day that decided it: kept or late, and how many days after the order.
    pub const COVERAGE: &str = "coverage";
    /// The same of promises that are still open, on the day on which that end will have passed: from then on it is known that it was not kept.
    pub const WAITING: &str = "waiting";
}

pub type Cells = BTreeMap<Cell, Figures>;

/// Histograms end here: what took longer counts as this long.
const LONGEST: i32 = 90;

/// The Monday of a day's week.
pub fn week(day: i32) -> i32 {
    // 1970-01-01 was a Thursday.
    day - (day + 3).rem_euclid(7)
}

/// The first of a day's month.
pub fn month(day: i32) -> i32 {
    let (year, month, _) = Day(day).ymd();
    Day::from_ymd(year, month, 1).map_or(day, |d| d.0)
}

/// Words to one key, and back; a word's own bar becomes a space.
pub fn lane_key<const N: usize>(words: [&str; N]) -> String {
    words.map(|w| w.replace('|', " ")).join("|")
}

impl Outcome {
    /// The day on which the promise was kept or broken; absent: it is not decided, or there is none.
    fn decided(&self) -> Option<(i32, bool)> {
        let promise = self.promise.as_ref().filter(|_| !self.cancelled)?;
        match self.complete {
            Some(day) if day <= promise.to => Some((day, true)),
            Some(_) => Some((promise.to + 1, false)),
            None => self.overdue.then_some((promise.to + 1, false)),
        }
    }

    /// The same for one parcel of it.
    fn parcel_decided(&self, parcel: &Parcel) -> Option<(i32, bool)> {
        let promise = self.promise.as_ref().filter(|_| !self.cancelled)?;
        match parcel.delivered {
            Some(day) if day <= promise.to => Some((day, true)),
            Some(_) => Some((promise.to + 1, false)),
            None => self.overdue.then_some((promise.to + 1, false)),
        }
    }

    /// Where this order counts, and what.
    pub fn cells(&self) -> Cells {
        use dimension::*;
        let mut cells = Cells::new();
        let mut count = |dimension: &'static str, key: &str, day: i32, name: &str| {
            cells.entry(Cell { dimension, key: key.to_owned(), day }).or_default().add(name, 1);
        };
        let whole = [(ALL, ""), (METHOD, self.method.as_str()), (PLACE, self.place.as_str())];
        for (dimension, key) in whole {
            count(dimension, key, self.placed, if self.cancelled { "cancelled" } else { "orders" });
        }
        if let (Some((day, kept)), Some(promise)) = (self.decided(), &self.promise) {
            let mut names = BTreeSet::from(["due", if kept { "kept" } else { "late" }]);
            let margin = self.complete.map(|c| format!("margin.{}", (c - promise.to).clamp(-LONGEST, LONGEST)));
            match self.complete {
                Some(c) if c < promise.from => drop(names.insert("early")),
                Some(c) if c <= promise.to => drop(names.insert("inside")),
                _ => {}
            }
            for name in names.iter().copied().chain(margin.as_deref()) {
                for (dimension, key) in whole {
                    count(dimension, key, day, name);
                }
            }
            for name in names {
                count(CONFIDENCE, &promise.confidence.to_string(), day, name);
            }
        }
        for (goal, last) in self.promise.iter().filter(|_| !self.cancelled).flat_map(Promise::ends) {
            let (dimension, day, word) = match self.complete {
                Some(day) if day <= last => (COVERAGE, day, "kept"),
                Some(_) => (COVERAGE, last + 1, "late"),
                None if self.overdue => (COVERAGE, last + 1, "late"),
                None => (WAITING, last + 1, "late"),
            };
            count(dimension, &goal.to_string(), day, &format!("{word}.{}", (day - self.placed).clamp(0, LONGEST)));
        }
        for parcel in &self.parcels {
            let lane = lane_key([&parcel.carrier, &parcel.service, &parcel.origin, &self.place]);
            let mut parcel_counts = |day: i32, name: &str| {
                for (dimension, key) in whole.into_iter().chain([(CARRIER, parcel.carrier.as_str()), (ORIGIN, &parcel.origin)]) {
                    count(dimension, key, day, name);
                }
                count(LANE, &lane, week(day), name);
            };
            if let Some(shipped) = parcel.shipped {
                parcel_counts(shipped, "shipped");
                parcel_counts(shipped, &format!("handling.{}", (shipped - self.placed).clamp(0, LONGEST)));
                if let Some(delivered) = parcel.delivered {
                    parcel_counts(delivered, &format!("transit.{}", (delivered - shipped).clamp(0, LONGEST)));
                }
            }
            if let Some(delivered) = parcel.delivered {
                parcel_counts(delivered, "delivered");
            }
            if let Some((day, kept)) = self.parcel_decided(parcel) {
                parcel_counts(day, "parcels_due");
                if !kept {
                    parcel_counts(day, "parcels_late");
                }
            }
            if let Some(first) = parcel.wrong.values().min() {
                parcel_counts(*first, "troubled");
            }
            for (kind, day) in &parcel.wrong {
                parcel_counts(*day, &format!("wrong.{kind}"));
            }
            if let Some(delivered) = parcel.delivered {
                count(AREA, &self.area, month(delivered), "delivered");
            }
            if let Some(way) = parcel.way.as_ref().filter(|_| !self.cancelled) {
                let lane = lane_key([&way.origin, &parcel.service, &way.zone]);
                let (handling, transit) = way.teaches();
                if let Some((days, shipped)) = way.handling.zip(parcel.shipped) {
                    let said = if handling { format!("days.{days}") } else { way.but.clone() };
                    count(HANDLING, &way.origin, week(shipped), &said);
                }
                if let Some((days, delivered)) = way.transit.zip(parcel.delivered) {
                    let said = if transit { format!("days.{days}") } else { way.but.clone() };
                    count(TRANSIT, &lane, week(delivered), &said);
                }
            }
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn late_order() -> Outcome {
        Outcome {
            placed: 100,
            place: "US-TX".into(),
            area: "US-782".into(),
            method: "standard".into(),
            promise: Some(Promise { from: 103, to: 105, confidence: 90, ..Promise::default() }),
            overdue: true,
            parcels: vec![Parcel { carrier: "ups".into(), shipped: Some(101), ..Parcel::default() }],
            ..Outcome::default()
        }
    }

    fn sum(cells: &Cells, dimension: &str, name: &str) -> i64 {
        cells.iter().filter(|c| c.0.dimension == dimension).map(|c| c.1.get(name)).sum()
    }

    #[test]
    fn a_late_parcel_counts_as_late_before_it_arrives_and_on_the_same_day_after() {
        let open = late_order();
        let mut done = open.clone();
        done.complete = Some(108);
        done.parcels[0].delivered = Some(108);
        for outcome in [&open, &done] {
            let cells = outcome.cells();
            let day = &cells[&Cell { dimension: "all", key: String::new(), day: 106 }];
            assert_eq!((day.get("due"), day.get("late"), day.get("kept"), day.get("parcels_late")), (1, 1, 0, 1));
        }
        assert_eq!(sum(&open.cells(), "all", "margin.3"), 0);
        assert_eq!(sum(&done.cells(), "all", "margin.3"), 1);
        assert_eq!(sum(&done.cells(), "lane", "transit.7"), 1);
    }

    #[test]
    fn kept_inside_early_and_cancelled() {
        let mut order = late_order();
        order.overdue = false;
        assert_eq!(sum(&order.cells(), "all", "due"), 0, "not decided yet");
        for (day, kept, inside, early) in [(102, 1, 0, 1), (103, 1, 1, 0), (105, 1, 1, 0), (106, 0, 0, 0)] {
            order.complete = Some(day);
            let cells = order.cells();
            let said = ["due", "kept", "inside", "early"].map(|n| sum(&cells, "confidence", n));
            assert_eq!(said, [1, kept, inside, early], "day {day}");
        }
        order.cancelled = true;
        let cells = order.cells();
        assert_eq!((sum(&cells, "all", "due"), sum(&cells, "all", "cancelled"), sum(&cells, "all", "orders")), (0, 1, 0));
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        assert_eq!(week(Day::parse("2026-11-29").unwrap().0), Day::parse("2026-11-23").unwrap().0);
        assert_eq!(week(Day::parse("2026-11-23").unwrap().0), Day::parse("2026-11-23").unwrap().0);
        assert_eq!(month(Day::parse("2026-11-29").unwrap().0), Day::parse("2026-11-01").unwrap().0);
    }

    proptest! {
        /// Whatever an order is, every dimension counts the same of it.
        #[test]
        fn dimensions_agree(to in 100i32..110, complete in proptest::option::of(100i32..120), overdue: bool, cancelled: bool,
            parcels in prop::collection::vec((0usize..3, proptest::option::of(98i32..110), proptest::option::of(100i32..120), 0usize..3), 0..4)) {
            let parcels = parcels.into_iter().map(|(c, shipped, delivered, wrong)| Parcel {
                carrier: ["ups", "usps", ""][c].into(), shipped, delivered,
                wrong: ["lost", "damaged"].iter().take(wrong).map(|k| ((*k).to_owned(), 105)).collect(), ..Parcel::default() }).collect();
            let order = Outcome { promise: Some(Promise { from: 99, to, confidence: 90, ..Promise::default() }), complete, overdue, cancelled, parcels, ..late_order() };
            let cells = order.cells();
            for name in ["shipped", "delivered", "parcels_due", "parcels_late", "troubled", "wrong.lost", "transit.5"] {
                for d in ["carrier", "origin", "method", "place", "lane"] {
                    prop_assert_eq!(sum(&cells, d, name), sum(&cells, "all", name), "{} by {}", name, d);
                }
            }
            for name in ["orders", "due", "kept", "late", "inside", "early", "cancelled"] {
                for d in ["method", "place"] {
                    prop_assert_eq!(sum(&cells, d, name), sum(&cells, "all", name), "{} by {}", name, d);
                }
            }
            prop_assert_eq!(sum(&cells, "confidence", "due"), sum(&cells, "all", "kept") + sum(&cells, "all", "late"));
            prop_assert!(sum(&cells, "all", "inside") + sum(&cells, "all", "early") == sum(&cells, "all", "kept"));
        }
    }
}
