//! Carriers' own payloads, read by us and by an independent reader: the same events, at the same times, with equivalent statuses. Prints a
//! table by carrier (`cargo test -p whereabouts-tracking --test agreement -- --nocapture`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    cell::RefCell,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tracking::{facts::Checkpoint, source::read, status::Status};

/// What says so, where nothing outside the payload has to be asked.
const PAYLOAD: &str = "the payload itself";

/// Where we differ on purpose: carrier, what the other reader says, why we don't, and what says so: the payload itself, or a public document.
/// What could be followed is followed.
const DIFFERENCES: [(&str, &str, &str, &str); 19] = [
    ("asendia_us", "in_transit", "its newest scan, s10, is the delivery; the other reader gives the parcel its default", PAYLOAD),
    (
        "australiapost",
        "delivered",
        "the parcel's state is repeated on each of its scans, `Onboard for delivery` among them",
        PAYLOAD,
    ),
    ("boxknight", "on_hold", "GEOCODED: the order's address was found; nothing is held, and nothing is under way", PAYLOAD),
    (
        "canadapost",
        "in_transit",
        "signed for (20, with the name) after it was out for delivery (0174); the other reader gives its default",
        "the payload itself; Canada Post's tracking scan events, https://www.canadapost.ca/info/mc/business/productsservices/developers/messagescodetables.jsf",
    ),
    (
        "colissimo",
        "ET1",
        "La Poste's table: ET1 is under way (MD2 is out for delivery), and so say its words: en cours d'acheminement",
        "the payload itself; a recorded answer with ET1 as `transiting through our logistics platforms` and MD2 behind it, https://docs.digitalgenius.com/docs/colissimo-la-poste-track-trace",
    ),
    (
        "dhl_parcel_de",
        "PO",
        "`loaded onto the delivery vehicle` is out for delivery",
        "the payload itself; the same words before a delivery in https://docs.digitalgenius.com/docs/dhl-track-trace-v2",
    ),
    (
        "dhl_universal",
        "delivered",
        "DHL's made-up sample: statusCode pre-transit, status DELIVERED; the code is what DHL documents as binding",
        "DHL, https://support-developer.dhl.com/support/solutions/articles/47001197243: pre-transit is `currently awaiting shipment`, and `status` is free text (47001251141)",
    ),
    ("dhl_universal", "in_transit", "the same sample: its code is pre-transit, and nothing in it is under way", "as above"),
    ("dpd", "time", "the other reader drops AM and PM: 5:11:26 PM is 17:11, not 05:11", PAYLOAD),
    ("dpd", "out_for_delivery", "`After an unsuccessful delivery attempt the parcel is back`: an attempt failed", PAYLOAD),
    (
        "easypost",
        "on_hold",
        "pre_transit: EasyPost says a label exists, the carrier has nothing yet",
        "the payload itself (`Pre-Shipment Info Sent to USPS`); EasyPost's list of statuses, https://docs.easypost.com/docs/trackers",
    ),
    ("geodis", "delivered", "no scan of delivery is among its scans, and its own timeline stands at the first step", PAYLOAD),
    ("hay_post", "in_transit", "state 1 at the second in which the order was made: registered, not under way", PAYLOAD),
    ("landmark", "delivery_delayed", "400 `Attempted delivery` is a failed attempt, not a delay", PAYLOAD),
    ("laposte", "ET1", "as with Colissimo", "as above"),
    ("locate2u", "in_transit", "a stop that is Pending was not begun; Enroute is under way", PAYLOAD),
    ("mydhl", "pending", "PU `Shipment picked up`: DHL has it", PAYLOAD),
    (
        "roadie",
        "out_for_delivery",
        "its scans confirm the delivery (delivery_confirmed), and the second parcel's state is `delivered`",
        PAYLOAD,
    ),
    (
        "shipengine",
        "in_transit",
        "status code DE, and a scan of delivery; the other reader gives the parcel its default",
        "ShipEngine's StandardizedStatusCodes (DE is Delivered), https://www.npmjs.com/package/@shipengine/connect-carrier-api",
    ),
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
        "picked_up" | "in_transit" => ours == Status::InTransit,
        "on_hold" | "delivery_delayed" => ours == Status::Exception || ours == Status::InTransit && sub.is_some(),
        "delivery_failed" => matches!(ours, Status::AttemptFailed | Status::Exception),
        "ready_for_pickup" => ours == Status::AvailableForPickup,
        "out_for_delivery" => ours == Status::OutForDelivery,
        "delivered" => ours == Status::Delivered,
        "return_to_sender" | "cancelled" => ours == Status::Exception,
        _ => false,
    }
}

/// Is this a difference that has its reason? Counted where it is met.
fn difference(met: &RefCell<[u32; DIFFERENCES.len()]>, carrier: &str, what: &str) -> bool {
    let found = DIFFERENCES.iter().position(|(c, w, ..)| *c == carrier && *w == what);
    found.into_iter().for_each(|n| met.borrow_mut()[n] += 1);
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
    let met = RefCell::new([0; DIFFERENCES.len()]);
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
                    let halves = DIFFERENCES.iter().any(|(c, what, ..)| *c == carrier && *what == "time");
                    let shifted = || left.iter().position(|c| halves && later(c) && says(c));
                    let near = || left.iter().position(|c| !halves && then(c) && time.is_some());
                    let (at, counts) = match exact.or_else(near) {
                        Some(at) => (Some(at), 1),
                        None => (shifted(), 0),
                    };
                    let Some(at) = at else {
                        unexplained.push(format!("{carrier} {}: no event at {time:?} ({words:?})", case["case"]));
                        continue;
                    };
                    if counts == 0 {
                        difference(&met, &carrier, "time");
                    }
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
                if !events.is_empty() && !left.is_empty() {
                    unexplained.push(format!("{carrier} {}: {} events more than there are", case["case"], left.len()));
                }
            }
        }
    }
    let mut total = Row::default();
    let percent =
        |part: u32, of: u32| if of == 0 { "-".to_owned() } else { format!("{:.1}", 100.0 * f64::from(part) / f64::from(of)) };
    println!("| carrier | cases | events | same time | statuses | same | raw % | explained | left | % |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let print = |name: &str, r: &Row| {
        let (all, same) = (r.events + r.statuses, r.found + r.agreed);
        let left = all - same - r.contradicted;
        println!(
            "| {name} | {} | {} | {} | {} | {} | {} | {} | {left} | {} |",
            r.cases,
            r.events,
            r.found,
            r.statuses,
            r.agreed,
            percent(same, all),
            r.contradicted,
            percent(same + r.contradicted, all)
        );
    };
    for (carrier, r) in &rows {
        print(carrier, r);
        total.cases += r.cases;
        total.events += r.events;
        total.found += r.found;
        total.shifted += r.shifted;
        total.statuses += r.statuses;
        total.agreed += r.agreed;
        total.contradicted += r.contradicted;
        total.errors += r.errors;
        total.errors_found += r.errors_found;
    }
    print("all", &total);
    println!("\n{} of {} errors that carriers answer are told as such. Explained:\n", total.errors_found, total.errors);
    for ((carrier, what, why, source), times) in DIFFERENCES.iter().zip(met.borrow().iter()) {
        println!("* {carrier}, {times} × {what}: {why} ({source})");
        if *times == 0 {
            unexplained.push(format!("{carrier} {what}: no difference any more: strike it from the list"));
        }
    }
    let (all, same) = (total.events + total.statuses, total.found + total.agreed);
    println!("\nraw {} %; with what is explained {} %", percent(same, all), percent(same + total.contradicted, all));
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    // Every event is there, and at its time; of the values that contradict no payload more than 97 in a hundred agree.
    assert_eq!(total.found + total.shifted, total.events);
    assert!(f64::from(same) >= 0.97 * f64::from(all - total.contradicted));
    assert!(f64::from(same) >= 0.86 * f64::from(all), "too much is explained away");
}
