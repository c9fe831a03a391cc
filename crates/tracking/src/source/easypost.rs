//! EasyPost: tracker events, and trackers as the REST interface gives them.

use serde_json::Value;

use super::json::{list, text};
use crate::{
    carrier,
    facts::{Address, Checkpoint, Facts, Problem, Shipment},
    number,
    status::Status,
};

pub fn read(body: &Value) -> Facts {
    let mut facts = Facts::default();
    let result = body.get("result").unwrap_or(body);
    if let Some(error) = body.get("error").filter(|e| e.is_object()) {
        facts.problems.push(Problem {
            kind: "carrier_error".into(),
            field: Some("error".into()),
            code: text(error, "code"),
            message: text(error, "message").unwrap_or_else(|| "EasyPost refused, and does not say why".into()),
        });
        return facts;
    }
    let mut trackers: Vec<&Value> = list(result, "trackers").iter().collect();
    trackers.extend(list(result, "events").iter().filter_map(|e| e.get("result")));
    if trackers.is_empty() {
        trackers.push(result);
    }
    for tracker in trackers {
        match text(tracker, "tracking_code") {
            Some(number) => {
                let shipment = shipment(tracker, number, &mut facts.problems);
                facts.shipments.push(shipment);
            }
            None => facts.problems.push(Problem {
                kind: "unsupported_topic".into(),
                field: Some("result.tracking_code".into()),
                code: text(body, "description"),
                message: "not a tracker event".into(),
            }),
        }
    }
    facts
}

fn shipment(t: &Value, tracking_number: String, problems: &mut Vec<Problem>) -> Shipment {
    let details = t.get("carrier_detail").cloned().unwrap_or_default();
    let mut checkpoints: Vec<Checkpoint> =
        list(t, "tracking_details").iter().enumerate().map(|(n, d)| checkpoint(d, n, problems)).collect();
    checkpoints.sort_by(|a, b| a.time.cmp(&b.time));
    let (status, sub_status) =
        state(&text(t, "status").unwrap_or_default(), text(t, "status_detail").as_deref(), "result.status", problems);
    Shipment {
        carrier: text(t, "carrier").as_deref().map(carrier::code_of),
        // After a hand-over: the number of the carrier that took the parcel on.
        alternates: text(&details, "alternate_identifier")
            .map(|n| number::normalize(&n))
            .filter(|n| n.len() >= 8)
            .into_iter()
            .collect(),
        tracking_number,
        status,
        sub_status,
        estimated_delivery: text(&details, "est_delivery_date_local").or_else(|| text(t, "est_delivery_date")),
        checkpoints,
        service: text(&details, "service"),
        signed_by: text(t, "signed_by"),
        weight_grams: None,
        destination: details.get("destination_tracking_location").filter(|p| p.is_object()).map(address),
        origin: details.get("origin_tracking_location").filter(|p| p.is_object()).map(address),
        ..Shipment::default()
    }
}

fn checkpoint(d: &Value, n: usize, problems: &mut Vec<Problem>) -> Checkpoint {
    let field = format!("result.tracking_details[{n}].status");
    let (status, sub_status) =
        state(&text(d, "status").unwrap_or_default(), text(d, "status_detail").as_deref(), &field, problems);
    let place = d.get("tracking_location").filter(|p| p.is_object()).map(address);
    let location =
        place.as_ref().map(|p| [&p.city, &p.region, &p.country].into_iter().flatten().cloned().collect::<Vec<_>>().join(", "));
    Checkpoint {
        time: text(d, "datetime"),
        status,
        sub_status,
        code: text(d, "carrier_code"),
        message: text(d, "message").or_else(|| text(d, "description")),
        location: location.filter(|l| !l.is_empty()),
        place,
    }
}

fn address(p: &Value) -> Address {
    Address {
        city: text(p, "city"),
        region: text(p, "state"),
        postal_code: text(p, "zip"),
        country: text(p, "country"),
        po_box: false,
    }
}

/// What a status means, if EasyPost documents it.
pub fn code(word: &str) -> Option<(Status, Option<String>)> {
    let mut problems = Vec::new();
    let meaning = state(word, None, "", &mut problems);
    problems.is_empty().then_some(meaning)
}

/// EasyPost's status and detail, in our words.
fn state(word: &str, detail: Option<&str>, field: &str, problems: &mut Vec<Problem>) -> (Status, Option<String>) {
    let status = match word {
        "unknown" | "" => Status::Pending,
        "pre_transit" => Status::InfoReceived,
        "in_transit" => Status::InTransit,
        "out_for_delivery" => Status::OutForDelivery,
        "delivered" => Status::Delivered,
        "available_for_pickup" => Status::AvailableForPickup,
        "return_to_sender" => return (Status::Exception, Some("returned".into())),
        "failure" if detail.is_some_and(|d| d.contains("attempt")) => Status::AttemptFailed,
        "failure" | "cancelled" | "error" => Status::Exception,
        other => {
            problems.push(Problem {
                kind: "unknown_status".into(),
                field: Some(field.to_owned()),
                code: Some(other.to_owned()),
                message: "not a status that EasyPost documents; taken as in transit".into(),
            });
            Status::InTransit
        }
    };
    let sub_status = detail.filter(|d| !matches!(*d, "unknown" | "status_update")).map(|d| match d {
        "address_correction" | "bad_address" => "address".into(),
        "damaged" => "damaged".into(),
        "lost" => "lost".into(),
        "customs_delay" | "customs" => "customs".into(),
        "signature" | "delivered_signature" => "signed".into(),
        other => other.to_owned(),
    });
    (status, sub_status)
}
