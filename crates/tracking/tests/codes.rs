//! Carriers' code tables, read by us and by an independent reader: each code that it knows means the same to us, by our table or by the
//! code's own words (`cargo test -p whereabouts-tracking --test codes -- --nocapture`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::Value;
use tracking::{
    source::{code, names},
    status::Status,
};

/// Where we differ on purpose: carrier, code, why.
const DIFFERENCES: [(&str, &str, &str); 32] = [
    ("allied_express", "Other", "says nothing; whatever stands around it decides"),
    ("allied_express_local", "Other", "says nothing; whatever stands around it decides"),
    ("allied_express", "CARD LEFT", "a card is left where nobody was home: a failed attempt"),
    ("allied_express_local", "CARD LEFT", "a card is left where nobody was home: a failed attempt"),
    ("asendia_us", "Out", "no code of Asendia's, which are s1 to s11"),
    ("boxknight", "CREATED", "an order was entered; nothing is held"),
    ("boxknight", "GEOCODED", "the order's address was found; nothing is held"),
    ("boxknight", "PICKUP_COMPLETED", "picked up at the store; a driver for the delivery is assigned later"),
    ("canadapost", "3001", "order information received: nothing was tried yet"),
    ("colissimo", "ET1", "being forwarded, as its label says; not out for delivery"),
    ("laposte", "ET1", "being forwarded, as its label says; not out for delivery"),
    ("dhl_express", "HP", "ready for pick-up with a receipt"),
    ("dhl_express", "CC", "awaiting collection by the consignee"),
    ("dhl_express", "DP", "departed from a facility"),
    ("dhl_parcel_de", "unknown", "unknown is not late"),
    ("dhl_universal", "unknown", "unknown is not late"),
    ("dpd", "ReturningFromDelivery", "back from the courier's round: an attempt failed"),
    ("easypost", "pre_transit", "a label exists, the carrier has nothing yet; nothing is held"),
    ("easypost", "unknown", "unknown is not held"),
    ("landmark", "400", "an attempted delivery is a failed attempt, not a delay"),
    ("locate2u", "Enroute", "the driver is on the way to this stop"),
    ("mydhl", "PU", "picked up"),
    ("mydhl", "PL", "processed at a location"),
    ("mydhl", "RW", "weighed on the way"),
    ("mydhl", "CC", "awaiting collection by the consignee"),
    ("mydhl", "DS", "destroyed or disposed of"),
    ("mydhl", "RT", "returned to the shipper"),
    ("sendle", "Card Left", "a card is left where nobody was home: a failed attempt"),
    ("sendle", "Delivery Attempted", "a failed attempt"),
    ("ups", "MV", "billing information voided: called off"),
    ("ups", "XD", "dropped off at an access point: the carrier has it"),
    ("ups", "DD", "delivered at the destination's freight station"),
];

/// What the other reader's words may be in ours.
fn equivalent(theirs: &str, ours: Status, sub: Option<&str>) -> bool {
    match theirs {
        "pending" | "unknown" => matches!(ours, Status::Pending | Status::InfoReceived),
        "picked_up" => ours == Status::InTransit,
        "in_transit" => matches!(ours, Status::InTransit | Status::InfoReceived),
        "on_hold" | "delivery_delayed" => ours == Status::Exception || ours == Status::InTransit && sub.is_some(),
        "delivery_failed" => matches!(ours, Status::AttemptFailed | Status::Exception),
        "ready_for_pickup" => ours == Status::AvailableForPickup,
        "out_for_delivery" => ours == Status::OutForDelivery,
        "delivered" => ours == Status::Delivered,
        "return_to_sender" | "cancelled" => ours == Status::Exception,
        _ => false,
    }
}

#[test]
fn every_code_of_every_carrier_is_known() {
    let root =
        std::env::var("WHEREABOUTS_DATA").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
    let folder = Path::new(&root).join("status_maps");
    if !folder.exists() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let (mut codes, mut agreed) = (0, 0);
    let mut met = BTreeSet::new();
    let mut unexplained = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let table: Value = serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
        let carrier = table["carrier"].as_str().unwrap();
        // A carrier whose payloads we don't read has no table here: what its codes say as words is all there is.
        let source = if names().contains(&carrier) { carrier } else { "standard_words" };
        // Some codes stand in two of the other reader's groups: either will do.
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (group, members) in table["maps"]["TrackingStatus"].as_object().into_iter().flatten() {
            for member in members.as_array().unwrap().iter().filter_map(Value::as_str).filter(|m| !m.is_empty()) {
                groups.entry(member).or_default().push(group);
            }
        }
        for (member, groups) in groups {
            codes += 1;
            let ours = code(source, member);
            let same = ours.as_ref().is_some_and(|(status, sub)| groups.iter().any(|g| equivalent(g, *status, sub.as_deref())));
            match DIFFERENCES.iter().find(|(c, code, _)| *c == carrier && *code == member) {
                _ if same => agreed += 1,
                Some((.., why)) => {
                    met.insert((carrier.to_owned(), member.to_owned()));
                    println!("{carrier} {member}: {groups:?}, to us {ours:?}: {why}");
                }
                None => unexplained.push(format!("{carrier} {member}: {groups:?}, to us {ours:?}")),
            }
        }
    }
    println!("{agreed} of {codes} codes mean the same; the others differ on purpose");
    for (carrier, code, _) in DIFFERENCES {
        if !met.contains(&(carrier.to_owned(), code.to_owned())) {
            unexplained.push(format!("{carrier} {code}: no difference any more: strike it from the list"));
        }
    }
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
}
