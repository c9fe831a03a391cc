//! How often to ask a carrier about a parcel: often when a change is likely, rarely when not.

use crate::status::Status;

/// What the question depends on. Times in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub struct Parcel {
    pub status: Status,
    /// Its newest scan.
    pub last_scan_at: Option<i64>,
    /// When it was first known here.
    pub known_since: i64,
    /// Its expected last day, as the start of that day.
    pub expected: Option<i64>,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// Seconds until the next question; `None` where there is nothing more to ask.
///
/// ```
/// use tracking::{cadence::{Parcel, wait}, status::Status};
/// let parcel = Parcel { status: Status::OutForDelivery, last_scan_at: Some(0), known_since: 0, expected: None };
/// assert_eq!(wait(&parcel, 3600), Some(15 * 60));
/// ```
pub fn wait(p: &Parcel, now: i64) -> Option<i64> {
    let silent = now - p.last_scan_at.unwrap_or(p.known_since);
    if p.status == Status::Delivered || silent > 60 * DAY {
        return None;
    }
    let soon = p.expected.is_some_and(|day| now >= day - DAY / 2 && now < day + 2 * DAY);
    let usual = match p.status {
        Status::OutForDelivery => 15 * MINUTE,
        Status::AttemptFailed => HOUR,
        Status::Exception => 2 * HOUR,
        Status::AvailableForPickup => 4 * HOUR,
        Status::InTransit if soon => HOUR,
        Status::InTransit => 3 * HOUR,
        Status::Pending | Status::InfoReceived => 3 * HOUR,
        Status::Expired => DAY,
        Status::Delivered => return None,
    };
    // The longer nothing moves, the less a question is worth: after two quiet days twice as long for each two days, up to a day.
    let doublings = ((silent - 2 * DAY) / (2 * DAY)).clamp(0, 6);
    Some((usual << doublings).min(DAY))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parcel(status: Status, silent: i64) -> Option<i64> {
        wait(&Parcel { status, last_scan_at: Some(1_000_000), known_since: 0, expected: None }, 1_000_000 + silent)
    }

    #[test]
    fn likely_changes_are_asked_for_often() {
        assert_eq!(parcel(Status::OutForDelivery, HOUR), Some(15 * MINUTE));
        assert_eq!(parcel(Status::InTransit, HOUR), Some(3 * HOUR));
        assert_eq!(parcel(Status::InTransit, 7 * DAY), Some(12 * HOUR));
        assert_eq!(parcel(Status::InTransit, 30 * DAY), Some(DAY));
        assert_eq!(parcel(Status::InTransit, 61 * DAY), None);
        assert_eq!(parcel(Status::Delivered, 0), None);
        let due = Parcel { status: Status::InTransit, last_scan_at: Some(0), known_since: 0, expected: Some(DAY) };
        assert_eq!(wait(&due, DAY), Some(HOUR));
    }

    proptest! {
        #[test]
        fn silence_never_makes_it_more_frequent(silent in 0i64..59 * DAY, more in 0i64..DAY) {
            for status in [Status::Pending, Status::InTransit, Status::OutForDelivery, Status::Exception] {
                let (a, b) = (parcel(status, silent).unwrap(), parcel(status, silent + more).unwrap());
                prop_assert!(a <= b && a >= 15 * MINUTE && b <= DAY);
            }
        }
    }
}
