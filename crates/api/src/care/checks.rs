//! What can be reported of an order now, and the checks that solve most cases before anybody is asked: what the carrier has said, and where
//! to look.

use promise::Instant;
use wire::{
    OrderDocument,
    care::{Check, Kind as Offered},
    order::Shipment,
};

use super::report::Kind;

/// The order's situation, in a word: decides which questions and kinds come first.
pub fn situation(d: &OrderDocument) -> &'static str {
    let sub = |name: &str| d.shipments.iter().any(|s| s.status == "exception" && s.sub_status.as_deref() == Some(name));
    let some = |status: &str| d.shipments.iter().any(|s| s.status == status);
    let estimate = d.estimate.as_ref();
    match d.status.as_str() {
        "cancelled" => "cancelled",
        "returned" => "returned",
        _ if sub("lost") => "lost",
        _ if sub("damaged") => "damaged",
        _ if some("attempt_failed") => "missed",
        "exception" => "exception",
        "delivered" => "delivered",
        "available_for_pickup" => "ready",
        _ if estimate.is_some_and(|e| e.outlook == "late") => "late",
        _ if estimate.is_some_and(|e| e.quiet) => "quiet",
        "ordered" => "ordered",
        _ => "under_way",
    }
}

/// Nothing has been handed over of what is still to come.
fn can_change_address(d: &OrderDocument) -> bool {
    let waits = |s: &Shipment| matches!(s.status.as_str(), "pending" | "info_received") && s.shipped_at.is_none();
    d.cancelled_at.is_none() && d.shipments.iter().all(waits) && !(d.shipments.is_empty() && d.unshipped.is_empty())
}

fn is_late(s: &Shipment) -> bool {
    let lost = s.sub_status.as_deref() == Some("lost") || s.status == "expired";
    s.status != "delivered" && (lost || s.estimate.as_ref().is_some_and(|e| e.outlook == "late" || e.quiet))
}

/// The parcel that a report of this kind is about: the one named, where it can be, else the likeliest.
pub fn parcel<'a>(d: &'a OrderDocument, kind: Kind, named: Option<&str>) -> Option<&'a Shipment> {
    let fits = |s: &&Shipment| match kind {
        Kind::AddressChange => true,
        Kind::Late => s.status != "delivered",
        _ => s.status == "delivered",
    };
    if let Some(id) = named {
        return d.shipments.iter().filter(fits).find(|s| s.id == id);
    }
    match kind {
        Kind::Late => d.shipments.iter().filter(fits).find(|s| is_late(s)).or_else(|| d.shipments.iter().find(fits)),
        _ => d.shipments.iter().filter(fits).max_by_key(|s| s.delivered_at.clone()),
    }
}

/// The kinds that can be reported now, the likeliest first.
pub fn kinds(d: &OrderDocument, allowed: &[String]) -> Vec<Kind> {
    let delivered = d.shipments.iter().any(|s| s.status == "delivered");
    let late =
        d.cancelled_at.is_none() && (d.shipments.iter().any(is_late) || d.estimate.as_ref().is_some_and(|e| e.outlook == "late"));
    Kind::ALL
        .iter()
        .copied()
        .filter(|k| match k {
            Kind::Late => late,
            Kind::AddressChange => can_change_address(d),
            _ => delivered,
        })
        .filter(|k| allowed.is_empty() || allowed.iter().any(|a| a == k.as_str()))
        .collect()
}

/// A kind with its checks.
pub fn offered(d: &OrderDocument, kind: Kind, named: Option<&str>) -> Offered {
    let s = parcel(d, kind, named);
    let mut checks = Vec::new();
    let mut check = |id: &str, values: &[(&str, &str)]| {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        checks.push(Check { id: id.into(), values });
    };
    let scan = s.and_then(|s| s.checkpoints.iter().find(|c| c.status == "delivered"));
    let place = scan.and_then(|c| c.location.as_deref()).unwrap_or_default();
    let carrier = s.map_or("", |s| s.carrier_name.as_str());
    let url = s.and_then(|s| s.tracking_url.as_deref()).filter(|u| u.starts_with("https://"));
    match kind {
        Kind::NotArrived | Kind::Stolen => {
            if let Some(at) = s.and_then(|s| s.delivered_at.as_deref()) {
                check("scanned", &[("at", at), ("place", place), ("carrier", carrier)]);
            }
            if let Some(words) = scan.and_then(|c| c.message.as_deref()).filter(|m| !m.eq_ignore_ascii_case("delivered")) {
                check("left", &[("quote", words), ("carrier", carrier)]);
            }
            if let Some(name) = s.and_then(|s| s.signed_by.as_deref()) {
                check("signed", &[("name", name)]);
            }
            check("safe_place", &[]);
            check("household", &[]);
            check("neighbours", &[]);
            if let Some(url) = url {
                check("proof", &[("carrier", carrier), ("url", url)]);
            }
        }
        Kind::MissingItem => {
            let parcels = d.shipments.len();
            if parcels > 1 || !d.unshipped.is_empty() {
                let on_the_way =
                    d.shipments.iter().filter(|s| s.status != "delivered").count() + usize::from(!d.unshipped.is_empty());
                if on_the_way > 0 {
                    check("split", &[("n", &on_the_way.to_string())]);
                }
            }
            check("wrapping", &[]);
        }
        Kind::Damaged => check("keep", &[]),
        Kind::WrongItem => check("slip", &[]),
        Kind::Late => {
            if let Some(e) = s.and_then(|s| s.estimate.as_ref()).or(d.estimate.as_ref()) {
                check("expected", &[("from", &e.from), ("to", &e.to)]);
            }
            if let Some(at) = s.and_then(|s| s.last_scan_at.as_deref()) {
                check("heard", &[("at", at), ("carrier", carrier)]);
            }
            if let Some(url) = url {
                check("proof", &[("carrier", carrier), ("url", url)]);
            }
        }
        Kind::AddressChange => check("not_sent", &[]),
    }
    Offered {
        kind: kind.as_str().into(),
        checks,
        items: kind.asks_items(),
        photos: kind.asks_photos(),
        address: kind == Kind::AddressChange,
    }
}

/// The order's last delivery.
pub fn delivered_at(d: &OrderDocument) -> Option<Instant> {
    d.shipments.iter().filter_map(|s| Instant::parse(s.delivered_at.as_deref()?)).max()
}

#[cfg(test)]
mod tests {
    use wire::order::{Checkpoint, Estimate, Item};

    use super::*;

    fn delivered() -> Shipment {
        Shipment {
            id: "a".into(),
            status: "delivered".into(),
            carrier_name: "UPS".into(),
            delivered_at: Some("2026-11-20T14:00:00-08:00".into()),
            tracking_url: Some("https://ups.example/1Z".into()),
            checkpoints: vec![Checkpoint {
                status: "delivered".into(),
                message: Some("Left at front door".into()),
                location: Some("San Francisco, CA, US".into()),
                ..Checkpoint::default()
            }],
            ..Shipment::default()
        }
    }

    fn names(kinds: &[Kind]) -> Vec<&'static str> {
        kinds.iter().map(|k| k.as_str()).collect()
    }

    #[test]
    fn what_can_be_reported_follows_from_where_the_order_is() {
        let mut d = OrderDocument { status: "ordered".into(), unshipped: vec![Item::default()], ..OrderDocument::default() };
        assert_eq!((names(&kinds(&d, &[])), situation(&d)), (vec!["address_change"], "ordered"));
        d.shipments = vec![Shipment {
            status: "in_transit".into(),
            shipped_at: Some("2026-11-18T10:00:00Z".into()),
            estimate: Some(Estimate { outlook: "on_time".into(), ..Estimate::default() }),
            ..Shipment::default()
        }];
        d.status = "shipped".into();
        assert_eq!((kinds(&d, &[]), situation(&d)), (Vec::new(), "under_way"));
        d.shipments[0].estimate = Some(Estimate { outlook: "late".into(), ..Estimate::default() });
        assert_eq!(names(&kinds(&d, &[])), ["late"]);
        d.shipments = vec![delivered()];
        d.status = "delivered".into();
        assert_eq!(names(&kinds(&d, &[])), ["not_arrived_though_delivered", "damaged", "missing_item", "wrong_item", "stolen"]);
        assert_eq!(names(&kinds(&d, &["damaged".into(), "late".into()])), ["damaged"]);
    }

    #[test]
    fn the_carriers_words_and_places_are_what_is_checked_first() {
        let d = OrderDocument { status: "delivered".into(), shipments: vec![delivered()], ..OrderDocument::default() };
        let ids: Vec<_> = offered(&d, Kind::NotArrived, None).checks.into_iter().map(|c| c.id).collect();
        assert_eq!(ids, ["scanned", "left", "safe_place", "household", "neighbours", "proof"]);
        assert!(parcel(&d, Kind::NotArrived, Some("b")).is_none() && parcel(&d, Kind::Late, None).is_none());
    }
}
