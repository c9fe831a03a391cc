//! Which days are worked: steps over working days, always ending.

use crate::{
    document::{Document, Origin, Service},
    time::Day,
};

/// Steps give up after this many days: a calendar without working days has an end.
const HORIZON: i32 = 800;

/// The days on which something works: weekdays less closed days.
#[derive(Clone, Copy)]
pub(crate) struct Calendar<'a> {
    /// Bit 0 is Monday.
    days: u8,
    closed: &'a [Day],
}

impl<'a> Calendar<'a> {
    /// An origin's working days: those with a cut-off.
    pub fn of_origin(document: &'a Document, origin: &Origin) -> Calendar<'a> {
        let days = (0..7).filter(|d| origin.cutoffs.get(*d).is_some_and(|c| *c >= 0)).fold(0, |days, d| days | 1 << d);
        Calendar { days, closed: closed(document, origin.closed) }
    }

    /// The days on which carriers collect at an origin.
    pub fn of_pickup(document: &'a Document, origin: &Origin) -> Calendar<'a> {
        let own = Calendar::of_origin(document, origin);
        Calendar { days: if origin.pickup == 0 { own.days } else { own.days & origin.pickup }, ..own }
    }

    /// A service's days of movement and delivery.
    pub fn of_service(document: &'a Document, service: &Service) -> Calendar<'a> {
        Calendar { days: service.days, closed: closed(document, service.closed) }
    }

    pub fn works(&self, day: Day) -> bool {
        self.days & 1 << day.weekday() != 0 && self.closed.binary_search(&day).is_err()
    }

    /// Closed, on a weekday that is worked otherwise: a holiday, or days of the owner's own.
    pub fn rests(&self, day: Day) -> bool {
        self.days & 1 << day.weekday() != 0 && !self.works(day)
    }

    /// The first working day at or after `day`; none within the horizon: nothing is worked.
    pub fn at_or_after(&self, day: Day) -> Option<Day> {
        (day.0..day.0.saturating_add(HORIZON)).map(Day).find(|d| self.works(*d))
    }

    /// The first working day after `day`.
    pub fn after(&self, day: Day) -> Option<Day> {
        self.at_or_after(Day(day.0.saturating_add(1)))
    }

    /// The `n`th working day after `day`; for `n` = 0 the first at or after it.
    pub fn step(&self, day: Day, n: usize) -> Option<Day> {
        let mut at = if n == 0 { self.at_or_after(day)? } else { day };
        for _ in 0..n {
            at = self.after(at)?;
        }
        Some(at)
    }
}

fn closed(document: &Document, index: u32) -> &[Day] {
    document.closed.get(index as usize).map_or(&[], |days| days.as_slice())
}
