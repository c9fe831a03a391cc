//! Carriers' own payloads, read by us and by an independent reader: the same events, at the same times, with equivalent statuses. Prints a
//! table by carrier (`cargo test -p whereabouts-tracking --test agreement -- --nocapture`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tracking::{facts::Checkpoint, source::read, status::Status};

/// Where we differ on purpose, since the payload itself contradicts the other reader: carrier, what it says, why we don't.
const DIFFERENCES: [(&str, &str, &str); 16] = [
    ("asendia_us", "in_transit", "its newest scan is the delivery"),
    ("australiapost", "delivered", "the parcel's state is not that of each of its scans"),
    ("boxknight", "on_hold", "GEOCODED: the order's address was found; nothing is held"),
    ("canadapost", "in_transit", "delivered and signed for, by its scans"),
    ("colissimo", "ET1", "being forwarded, as its label says; not out for delivery"),
    ("dhl_parcel_de", "PO", "loaded onto the delivery vehicle"),
    ("dhl_universal", "delivered", "the sample's code says pre-transit, its words delivered; the code is what DHL documents"),
    ("dpd", "time", "the other reader drops AM and PM: 5:11 PM is 17:11"),
    ("dpd", "out_for_delivery", "back from the courier's round: an attempt failed"),
    ("easypost", "on_hold", "pre_transit: a label exists, the carrier has nothing yet"),
    ("geodis", "delivered", "no scan of delivery is among its scans"),
    ("landmark", "delivery_delayed", "an attempted delivery is a failed attempt, not a delay"),
    ("laposte", "ET1", "being forwarded, as its label says; not out for delivery"),
    ("mydhl", "pending", "picked up is on the way"),
    ("roadie", "out_for_delivery", "its scans confirm the delivery"),
    ("shipengine", "in_transit", "status code DE, and a scan of delivery"),
];

fn data() -> Option<PathBuf> {
    let root =
        std::env::var("WHEREABOUTS_DATA").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
    let path = Path::new(&root).join("carrier_payloads");
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

/// What the other reader's words may be in ours.
fn equivalent(theirs: &str, ours: Status, sub: Option<&str>) -> bool {
    match theirs {
        "pending" | "unknown" => matches!(ours, Status::Pending | Status::InfoReceived),
        "picked_up" | "in_transit" => {
            matches!(ours, Status::InTransit | Status::InfoReceived) && !(ours == Status::InfoReceived && theirs == "picked_up")
        }
        "on_hold" | "delivery_delayed" => ours == Status::Exception || ours == Status::InTransit && sub.is_some(),
        "delivery_failed" => matches!(ours, Status::AttemptFailed | Status::Exception),
        "ready_for_pickup" => ours == Status::AvailableForPickup,
        "out_for_delivery" => ours == Status::OutForDelivery,
        "delivered" => ours == Status::Delivered,
        "return_to_sender" | "cancelled" => ours == Status::Exception,
        _ => false,
    }
}

/// Is this a difference that has its reason?
fn difference(met: &std::cell::RefCell<std::collections::BTreeSet<usize>>, carrier: &str, what: &str) -> bool {
    let found = DIFFERENCES.iter().position(|(c, w, _)| *c == carrier && *w == what);
    met.borrow_mut().extend(found);
    found.is_some()
}

#[derive(Default)]
struct Row {
    cases: u32,
    events: u32,
    found: u32,
    shifted: u32,
    statuses: u32,
    agreed: u32,
    contradicted: u32,
    errors: u32,
    errors_found: u32,
}

#[test]
fn carriers_payloads_mean_the_same_to_an_independent_reader() {
    let Some(folder) = data() else { return };
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let mut unexplained = Vec::new();
    let met = std::cell::RefCell::new(std::collections::BTreeSet::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap().path();
        let carrier = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let manifest: Value = serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
        for case in manifest["cases"].as_array().unwrap() {
            let row = rows.entry(carrier.clone()).or_default();
            row.cases += 1;
            let expected: Value =
                serde_json::from_slice(&std::fs::read(folder.join(case["expected"].as_str().unwrap())).unwrap()).unwrap();
            let mut shipments = Vec::new();
            let mut errors = 0;
            for raw in case["raw"].as_array().unwrap() {
                let name = raw["source_name"].as_str().unwrap();
                if name.contains("ProofOfDelivery") {
                    continue;
                }
                let body = std::fs::read(folder.join(raw["file"].as_str().unwrap())).unwrap();
                let facts = read(&carrier, None, &body).unwrap_or_else(|e| panic!("{carrier} {}: {e}", raw["file"]));
                errors += facts.problems.iter().filter(|p| p.kind == "carrier_error").count();
                shipments.extend(facts.shipments);
            }
            let wanted = expected["messages"].as_array().unwrap().iter().filter(|m| m["code"] != 200).count() as u32;
            row.errors += wanted;
            row.errors_found += wanted.min(errors as u32);
            if (errors as u32) < wanted {
                unexplained.push(format!("{carrier} {}: {errors} of {wanted} errors", case["case"]));
            }
            let trackers = expected["trackers"].as_array().unwrap();
            for (n, tracker) in trackers.iter().enumerate() {
                let events = tracker["events"].as_array().cloned().unwrap_or_default();
                let Some(ours) = shipments.get(n) else {
                    if !events.is_empty() {
                        unexplained.push(format!("{carrier} {}: no shipment {n}", case["case"]));
                        row.events += events.len() as u32;
                    }
                    continue;
                };
                if let Some(status) = tracker["status"].as_str() {
                    row.statuses += 1;
                    let explained = |what: &str| difference(&met, &carrier, what);
                    if equivalent(status, ours.status, ours.sub_status.as_deref()) {
                        row.agreed += 1;
                    } else if explained(status) {
                        row.contradicted += 1;
                    } else {
                        unexplained.push(format!(
                            "{carrier} {}: parcel {status} is {:?}/{:?} to us",
                            case["case"], ours.status, ours.sub_status
                        ));
                    }
                }
                let mut left: Vec<&Checkpoint> = ours.checkpoints.iter().collect();
                for event in &events {
                    row.events += 1;
                    let time = event["timestamp"].as_str().map(|t| &t[..t.len().min(16)]).filter(|t| *t != "__ANY__");
                    let words = event["description"].as_str().map(|d| d.split_whitespace().collect::<Vec<_>>().join(" "));
                    let then = |c: &Checkpoint| time.is_none_or(|t| c.time.as_deref().is_some_and(|o| o.starts_with(t)));
                    let says = |c: &Checkpoint| words.is_none() || c.message == words;
                    // Of two at the same minute, the one with the same words.
                    let exact = left.iter().position(|c| then(c) && says(c));
                    let explained = |what: &str| difference(&met, &carrier, what);
                    // Where the other reader loses the half of the day: the same words, twelve hours later.
                    let later = |c: &Checkpoint| {
                        let (Some(theirs), Some(ours)) = (time, c.time.as_deref()) else { return false };
                        let hour = |t: &str| t[11..13].parse::<u32>().ok();
                        theirs[..11] == ours[..11] && theirs[13..] == ours[13..16] && hour(theirs).map(|h| h + 12) == hour(ours)
                    };
                    let shifted = || left.iter().position(|c| explained("time") && later(c) && says(c));
                    let near = || left.iter().position(|c| !explained("time") && then(c) && time.is_some());
                    let (at, counts) = match exact.or_else(near) {
                        Some(at) => (Some(at), 1),
                        None => (shifted(), 0),
                    };
                    let Some(at) = at else {
                        unexplained.push(format!("{carrier} {}: no event at {time:?} ({words:?})", case["case"]));
                        continue;
                    };
                    row.shifted += 1 - counts;
                    row.contradicted += 1 - counts;
                    let checkpoint = left.remove(at);
                    row.found += counts;
                    let Some(status) = event["status"].as_str() else { continue };
                    row.statuses += 1;
                    if equivalent(status, checkpoint.status, checkpoint.sub_status.as_deref()) {
                        row.agreed += 1;
                    } else if explained(status) || explained(checkpoint.code.as_deref().unwrap_or_default()) {
                        row.contradicted += 1;
                    } else {
                        unexplained.push(format!(
                            "{carrier} {}: {status} at {time:?} ({words:?}, {:?}) is {:?}/{:?} to us",
                            case["case"], checkpoint.code, checkpoint.status, checkpoint.sub_status
                        ));
                    }
                }
            }
        }
    }
    let mut total = Row::default();
    println!("{:<22}{:>6}{:>8}{:>8}{:>10}{:>8}{:>8}", "carrier", "cases", "events", "found", "statuses", "agreed", "errors");
    for (carrier, r) in &rows {
        println!(
            "{carrier:<22}{:>6}{:>8}{:>8}{:>10}{:>8}{:>8}",
            r.cases,
            r.events,
            r.found,
            r.statuses,
            r.agreed,
            format!("{}/{}", r.errors_found, r.errors)
        );
        total.cases += r.cases;
        total.events += r.events;
        total.found += r.found;
        total.shifted += r.shifted;
        total.statuses += r.statuses;
        total.agreed += r.agreed;
        total.contradicted += r.contradicted;
    }
    let all = total.events + total.statuses;
    let same = total.found + total.agreed;
    let share = f64::from(same) / f64::from(all);
    let sound = f64::from(same) / f64::from(all - total.contradicted);
    println!(
        "{} cases: {} of {} events at the same time ({} more half a day later), {} of {} statuses agree: {:.1} % of all. \
         {} values contradict their own payload; of the others {:.1} % agree. Contradicted:",
        total.cases,
        total.found,
        total.events,
        total.shifted,
        total.agreed,
        total.statuses,
        share * 100.0,
        total.contradicted,
        sound * 100.0
    );
    for (n, (carrier, what, why)) in DIFFERENCES.iter().enumerate() {
        println!("  {carrier} {what}: {why}");
        if !met.borrow().contains(&n) {
            unexplained.push(format!("{carrier} {what}: no difference any more: strike it from the list"));
        }
    }
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    assert!(total.found + total.shifted == total.events && share >= 0.88 && sound >= 0.97);
}
