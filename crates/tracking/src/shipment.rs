//! Shipment state from checkpoints: the same state whatever order they came in, and however often.

use serde::{Deserialize, Serialize};

use crate::{
    facts::{Address, Checkpoint, Pickup, Shipment},
    source::clock,
    status::Status,
};

/// A shipment as all payloads about it tell it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    pub carrier: Option<String>,
    pub tracking_number: String,
    pub tracking_url: Option<String>,
    pub service: Option<String>,
    pub status: Status,
    pub sub_status: Option<String>,
    /// Oldest first, duplicates merged.
    pub checkpoints: Vec<Checkpoint>,
    /// RFC 3339: first scan with the parcel in the carrier's hands; newest scan; delivery.
    pub shipped_at: Option<String>,
    pub last_scan_at: Option<String>,
    pub delivered_at: Option<String>,
    pub attempts: u32,
    /// The carrier's own.
    pub estimated_delivery: Option<String>,
    pub signed_by: Option<String>,
    pub pickup: Option<Pickup>,
}

/// Failed attempts within so many seconds are one.
const AN_ATTEMPT: i64 = 3600;

/// Folds what several payloads say about one parcel. Order-free and idempotent: any permutation, with any repetition, gives the
/// same state.
///
/// The newest checkpoint decides the status. A delivery is final for scans of the ordinary way that come with a later time (a
/// depot's belated scan), but not for an exception or a return, nor for a new attempt of delivery a day later or more. A return is final
/// for scans on the way, not for a new delivery.
pub fn fold<'a>(parts: impl IntoIterator<Item = &'a Shipment>) -> State {
    // A canonical order first: from here on, the order of arrival can't matter.
    let mut parts: Vec<&Shipment> = parts.into_iter().collect();
    parts.sort_by_cached_key(|p| {
        let newest = p.checkpoints.iter().filter_map(|c| c.time.as_deref().and_then(instant)).max();
        (newest, p.checkpoints.len(), serde_json::to_string(p).unwrap_or_default())
    });
    let mut state = State::default();
    let mut checkpoints: Vec<Checkpoint> = Vec::new();
    for part in &parts {
        state.tracking_number.clone_from(&part.tracking_number);
        take(&mut state.carrier, &part.carrier);
        take(&mut state.tracking_url, &part.tracking_url);
        take(&mut state.service, &part.service);
        take(&mut state.estimated_delivery, &part.estimated_delivery);
        take(&mut state.signed_by, &part.signed_by);
        take(&mut state.pickup, &part.pickup);
        for c in &part.checkpoints {
            let same = |o: &Checkpoint| {
                o.status == c.status
                    && o.time.as_deref().map(instant) == c.time.as_deref().map(instant)
                    && (o.message == c.message || o.code.is_some() && o.code == c.code)
            };
            if !checkpoints.iter().any(same) {
                checkpoints.push(c.clone());
            }
        }
        // Without any scan, the payload's own word counts.
        if part.checkpoints.is_empty() && part.status > state.status {
            state.status = part.status;
            state.sub_status.clone_from(&part.sub_status);
        }
    }
    checkpoints
        .sort_by_cached_key(|c| (c.time.as_deref().and_then(instant), c.status, serde_json::to_string(c).unwrap_or_default()));
    // A platform repeats a parcel's state whenever it touches its own record: that says nothing new.
    let mut last = None;
    checkpoints.retain(|c| {
        let bare = c.message.is_none() && c.code.is_none() && c.location.is_none();
        let repeated = bare && last == Some(c.status) && c.status != Status::AttemptFailed;
        last = Some(c.status);
        !repeated
    });
    let mut delivered: Option<i64> = None;
    let mut tried: Option<i64> = None;
    for c in &checkpoints {
        let at = c.time.as_deref().and_then(instant);
        let moving =
            matches!(c.status, Status::InTransit | Status::OutForDelivery | Status::AttemptFailed | Status::AvailableForPickup);
        if moving && state.shipped_at.is_none() {
            state.shipped_at.clone_from(&c.time);
        }
        if c.status == Status::AttemptFailed {
            // "Nobody home" and "notice left" are one attempt; so is what carrier and aggregator both tell.
            let again = at.zip(tried).is_some_and(|(at, last)| at - last < AN_ATTEMPT);
            state.attempts += u32::from(!again);
            tried = if again { tried } else { at };
        }
        if at.is_some() {
            state.last_scan_at.clone_from(&c.time);
        }
        let stale = delivered.is_some_and(|d| match c.status {
            Status::Pending | Status::InfoReceived | Status::InTransit | Status::Expired => true,
            Status::OutForDelivery | Status::AttemptFailed | Status::AvailableForPickup => at.is_none_or(|a| a - d < 86_400),
            Status::Delivered | Status::Exception => false,
        });
        // On its way back it is scanned like any other; that does not send it to the shopper again.
        let back = state.status == Status::Exception && matches!(state.sub_status.as_deref(), Some("returning" | "returned"));
        let turned = matches!(c.sub_status.as_deref(), Some("resolved" | "forwarded"));
        if stale || back && matches!(c.status, Status::InfoReceived | Status::InTransit) && !turned {
            continue;
        }
        // Who tells of a delivery once more, and less of it, takes nothing back ("signed").
        if c.status != Status::Delivered || state.status != c.status || c.sub_status.is_some() {
            state.sub_status.clone_from(&c.sub_status);
        }
        state.status = c.status;
        if c.status == Status::Delivered {
            if delivered.is_none() {
                state.delivered_at.clone_from(&c.time);
            }
            delivered = delivered.or(at).or(Some(i64::MIN / 2));
        } else {
            delivered = None;
            state.delivered_at = None;
        }
    }
    // A carrier's summary may be finer than its newest scan ("delivered, signed").
    if let Some(newest) = parts.last().filter(|p| p.status == state.status && state.sub_status.is_none()) {
        state.sub_status.clone_from(&newest.sub_status);
    }
    state.checkpoints = checkpoints;
    state
}

fn take<T: Clone>(to: &mut Option<T>, from: &Option<T>) {
    if from.is_some() {
        to.clone_from(from);
    }
}

/// Seconds since 1970 of an RFC 3339 time; one without offset is taken as UTC, a day as its noon, for ordering only.
pub(crate) fn instant(text: &str) -> Option<i64> {
    let day = || Some(text.parse::<chrono::NaiveDate>().ok()?.and_hms_opt(12, 0, 0)?.and_utc().timestamp());
    let local = || text.parse::<chrono::NaiveDateTime>().map(|t| t.and_utc().timestamp()).ok();
    chrono::DateTime::parse_from_rfc3339(text).map(|t| t.timestamp()).ok().or_else(local).or_else(day)
}

/// Gives every time of a shipment an offset: where a source gave none (a problem said so), the scan's place has it, else the
/// destination's; else it is taken as UTC. A day alone becomes its noon.
pub fn settle(shipment: &mut Shipment, destination: &Address) {
    for c in &mut shipment.checkpoints {
        let Some(text) = c.time.as_deref().filter(|t| chrono::DateTime::parse_from_rfc3339(t).is_err()) else { continue };
        let noon = || text.parse::<chrono::NaiveDate>().ok()?.and_hms_opt(12, 0, 0);
        let local = text.parse::<chrono::NaiveDateTime>().ok().or_else(noon);
        c.time = local.map(|t| {
            let zone = [c.place.as_ref(), Some(destination)]
                .into_iter()
                .flatten()
                .find_map(|p| clock::zone_of(p.country.as_deref(), p.region.as_deref()));
            let offset = zone.and_then(|z| clock::in_zone(z, t)).map_or_else(|| "Z".to_owned(), |o| o.to_string());
            format!("{}{offset}", t.format("%Y-%m-%dT%H:%M:%S"))
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(scans: &[(&str, Status)]) -> Shipment {
        Shipment {
            tracking_number: "1Z".into(),
            checkpoints: scans
                .iter()
                .map(|(t, status)| Checkpoint { time: Some((*t).into()), status: *status, ..Checkpoint::default() })
                .collect(),
            ..Shipment::default()
        }
    }

    #[test]
    fn delivery_survives_a_stale_scan_and_yields_to_a_return() {
        use Status::{Delivered, Exception, InTransit};
        let stale = part(&[("2026-12-01T10:00:00Z", Delivered), ("2026-12-01T10:05:00Z", InTransit)]);
        assert_eq!(fold([&stale]).status, Delivered);
        let returned = part(&[("2026-12-01T10:00:00Z", Delivered), ("2026-12-03T10:05:00Z", Exception)]);
        let state = fold([&returned]);
        assert_eq!((state.status, state.delivered_at), (Exception, None));
    }

    #[test]
    fn the_same_scan_in_two_spellings_counts_once() {
        let a = part(&[("2026-12-01T10:00:00Z", Status::AttemptFailed)]);
        let b = part(&[("2026-12-01T11:00:00+01:00", Status::AttemptFailed)]);
        let state = fold([&a, &b]);
        assert_eq!((state.attempts, state.checkpoints.len()), (1, 1));
    }

    #[test]
    fn a_platform_that_repeats_itself_adds_nothing() {
        let said = part(&[("2026-12-01T10:00:00Z", Status::Delivered), ("2026-12-05T10:00:00Z", Status::Delivered)]);
        let state = fold([&said]);
        assert_eq!((state.checkpoints.len(), state.last_scan_at.as_deref()), (1, Some("2026-12-01T10:00:00Z")));
    }

    #[test]
    fn times_without_offset_get_the_places() {
        let mut p = part(&[
            ("2026-12-01T10:00:00", Status::InTransit),
            ("2026-12-02", Status::Delivered),
            ("2026-12-03T10:00:00Z", Status::Exception),
        ]);
        p.checkpoints[0].place = Some(Address { country: Some("JP".into()), ..Address::default() });
        settle(&mut p, &Address { country: Some("US".into()), region: Some("CA".into()), ..Address::default() });
        let times: Vec<_> = p.checkpoints.iter().filter_map(|c| c.time.as_deref()).collect();
        assert_eq!(times, ["2026-12-01T10:00:00+09:00", "2026-12-02T12:00:00-08:00", "2026-12-03T10:00:00Z"]);
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            scans in prop::collection::vec((0u32..28, 0u32..24, 0usize..6), 1..12),
            order in prop::collection::vec(any::<prop::sample::Index>(), 1..24),
        ) {
            use Status::{AttemptFailed, Delivered, Exception, InTransit, InfoReceived, OutForDelivery};
            let words = [InfoReceived, InTransit, OutForDelivery, AttemptFailed, Delivered, Exception];
            let parts: Vec<Shipment> =
                scans.iter().map(|(d, h, s)| part(&[(&format!("2026-12-{:02}T{h:02}:00:00Z", d + 1), words[*s])])).collect();
            let mut shuffled: Vec<&Shipment> = order.iter().map(|i| i.get(&parts)).collect();
            shuffled.extend(parts.iter().rev());
            prop_assert_eq!(fold(shuffled), fold(&parts));
        }
    }
}
