//! Shopify: orders, fulfillments, fulfillment events and compliance topics, as webhooks or as REST resources.

use serde_json::Value;

use super::json::{list, minor_units, text};
use crate::{
    carrier,
    facts::{Address, Checkpoint, Facts, Fulfillment, Line, Order, Problem, Request, Shipment, Tracking},
    status::Status,
};

pub fn read(topic: Option<&str>, body: &Value) -> Facts {
    let mut facts = Facts::default();
    if let Some(topic @ ("customers/data_request" | "customers/redact" | "shop/redact" | "app/uninstalled")) = topic {
        facts.request = Some(request(topic, body));
        return facts;
    }
    for order in one_or_many(body, "order", "orders") {
        facts.orders.push(read_order(order, &mut facts.problems));
    }
    for fulfillment in one_or_many(body, "fulfillment", "fulfillments") {
        facts.fulfillments.push(read_fulfillment(fulfillment));
    }
    if let Some(event) = body.get("fulfillment_event") {
        event_facts(event, &mut facts);
    } else if facts.orders.is_empty() && facts.fulfillments.is_empty() && body.get("id").is_some() {
        let is = |prefix: &str, key: &str| topic.map_or(body.get(key).is_some(), |t| t.starts_with(prefix));
        if is("fulfillment_events/", "fulfillment_id") {
            event_facts(body, &mut facts);
        } else if is("fulfillments/", "order_id") {
            facts.fulfillments.push(read_fulfillment(body));
        } else if is("orders/", "line_items") {
            facts.orders.push(read_order(body, &mut facts.problems));
        }
    }
    let nested: Vec<Fulfillment> = facts.orders.iter().flat_map(|o| o.fulfillments.clone()).collect();
    for fulfillment in nested.iter().chain(&facts.fulfillments) {
        facts.shipments.extend(shipments(fulfillment));
    }
    if facts.orders.is_empty() && facts.fulfillments.is_empty() && facts.shipments.is_empty() && facts.problems.is_empty() {
        facts.problems.push(Problem {
            kind: "unsupported_topic".into(),
            message: format!(
                "nothing here is an order, a fulfillment or a fulfillment event (topic {})",
                topic.unwrap_or("unknown")
            ),
            ..Problem::default()
        });
    }
    facts
}

fn one_or_many<'a>(body: &'a Value, one: &str, many: &str) -> Vec<&'a Value> {
    // An order has a list of its own fulfillments: only a wrapper without an id is a list of resources.
    match (body.get(one).filter(|v| v.is_object()), body.get("id")) {
        (Some(single), None) => vec![single],
        (_, None) => list(body, many).iter().collect(),
        _ => Vec::new(),
    }
}

fn read_order(o: &Value, problems: &mut Vec<Problem>) -> Order {
    let currency = text(o, "currency").unwrap_or_default();
    let money = |value: &Value, key: &str| text(value, key).and_then(|t| minor_units(&t, &currency));
    if text(o, "id").is_none() {
        problems.push(Problem {
            kind: "missing_field".into(),
            field: Some("id".into()),
            message: "an order without id".into(),
            code: None,
        });
    }
    let address = ["shipping_address", "billing_address"].iter().find_map(|k| o.get(*k).filter(|a| a.is_object()));
    let methods: Vec<String> =
        list(o, "shipping_lines").iter().flat_map(|s| [text(s, "code"), text(s, "title")]).flatten().collect();
    Order {
        id: text(o, "id").unwrap_or_default(),
        number: text(o, "name").or_else(|| text(o, "order_number")).unwrap_or_default(),
        placed_at: text(o, "created_at").or_else(|| text(o, "processed_at")).unwrap_or_default(),
        updated_at: text(o, "updated_at"),
        cancelled_at: text(o, "cancelled_at"),
        financial_status: text(o, "financial_status"),
        email: text(o, "email").or_else(|| text(o, "contact_email")),
        phone: text(o, "phone").or_else(|| address.and_then(|a| text(a, "phone"))),
        consents: consents(o),
        language: text(o, "customer_locale"),
        total: money(o, "total_price"),
        destination: address.map(read_address).unwrap_or_default(),
        shipping_method: methods.first().cloned(),
        shipping_methods: methods,
        lines: list(o, "line_items").iter().map(|l| read_line(l, &currency)).collect(),
        tags: text(o, "tags")
            .map(|t| t.split(',').map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect())
            .unwrap_or_default(),
        attributes: list(o, "note_attributes").iter().filter_map(|a| Some((text(a, "name")?, text(a, "value")?))).collect(),
        fulfillments: list(o, "fulfillments").iter().map(read_fulfillment).collect(),
        currency,
    }
}

/// What the shopper agreed to at the checkout, or in the customer account.
fn consents(o: &Value) -> Vec<String> {
    let customer = o.get("customer").unwrap_or(&Value::Null);
    let subscribed = |key: &str| customer.get(key).and_then(|c| text(c, "state")).is_some_and(|s| s == "subscribed");
    let accepts = o.get("buyer_accepts_marketing").and_then(Value::as_bool).unwrap_or(false);
    let all = [("mail", accepts || subscribed("email_marketing_consent")), ("sms", subscribed("sms_marketing_consent"))];
    all.into_iter().filter(|c| c.1).map(|c| c.0.to_owned()).collect()
}

fn read_address(a: &Value) -> Address {
    Address {
        city: text(a, "city"),
        region: text(a, "province_code").or_else(|| text(a, "province")),
        postal_code: text(a, "zip"),
        country: text(a, "country_code"),
        po_box: ["address1", "address2"].iter().any(|k| text(a, k).is_some_and(|line| crate::po_box::is_po_box(&line))),
    }
}

fn read_line(l: &Value, currency: &str) -> Line {
    Line {
        id: text(l, "id").unwrap_or_default(),
        sku: text(l, "sku").unwrap_or_default(),
        title: text(l, "title").or_else(|| text(l, "name")).unwrap_or_default(),
        variant: text(l, "variant_title"),
        quantity: l.get("quantity").and_then(Value::as_u64).map_or(1, |n| n.min(u64::from(u32::MAX)) as u32),
        price: text(l, "price").and_then(|p| minor_units(&p, currency)),
        image: None,
        requires_shipping: l.get("requires_shipping").and_then(Value::as_bool).unwrap_or(true),
    }
}

fn read_fulfillment(f: &Value) -> Fulfillment {
    let company = text(f, "tracking_company");
    let mut numbers: Vec<String> =
        list(f, "tracking_numbers").iter().filter_map(|n| n.as_str().map(|s| s.trim().to_owned())).collect();
    if let Some(single) = text(f, "tracking_number").filter(|n| !numbers.contains(n)) {
        numbers.push(single);
    }
    let urls: Vec<Option<String>> = list(f, "tracking_urls").iter().map(|u| u.as_str().map(str::to_owned)).collect();
    Fulfillment {
        id: text(f, "id").unwrap_or_default(),
        order_id: text(f, "order_id").unwrap_or_default(),
        status: text(f, "status").unwrap_or_default(),
        shipment_status: text(f, "shipment_status").and_then(|s| status(&s)),
        created_at: text(f, "created_at"),
        updated_at: text(f, "updated_at"),
        events: Vec::new(),
        location: text(f, "location_id"),
        lines: list(f, "line_items").iter().map(|l| read_line(l, "")).collect(),
        tracking: numbers
            .into_iter()
            .filter(|n| !n.is_empty())
            .enumerate()
            .map(|(k, number)| Tracking {
                carrier: company.as_deref().map(carrier::code_of),
                number,
                url: urls.get(k).cloned().flatten().or_else(|| text(f, "tracking_url")),
            })
            .collect(),
    }
}

/// Shopify's own words for a shipment's state.
fn status(word: &str) -> Option<Status> {
    Some(match word {
        "label_printed" | "label_purchased" | "confirmed" => Status::InfoReceived,
        "in_transit" | "carrier_picked_up" | "delayed" => Status::InTransit,
        "out_for_delivery" => Status::OutForDelivery,
        "attempted_delivery" => Status::AttemptFailed,
        "ready_for_pickup" => Status::AvailableForPickup,
        "delivered" => Status::Delivered,
        "failure" => Status::Exception,
        _ => return None,
    })
}

/// The parcels of a fulfillment; Shopify's view of them is a checkpoint without place.
fn shipments(f: &Fulfillment) -> Vec<Shipment> {
    let checkpoint = f.shipment_status.map(|status| Checkpoint { time: f.updated_at.clone(), status, ..Checkpoint::default() });
    f.tracking
        .iter()
        .map(|t| Shipment {
            carrier: t.carrier.clone(),
            tracking_number: t.number.clone(),
            status: f.shipment_status.unwrap_or(Status::InfoReceived),
            checkpoints: checkpoint.clone().into_iter().collect(),
            tracking_url: t.url.clone(),
            order_id: Some(f.order_id.clone()).filter(|id| !id.is_empty()),
            ..Shipment::default()
        })
        .collect()
}

/// A fulfillment event names the fulfillment, not the parcel: kept as a fulfillment's state.
fn event_facts(e: &Value, facts: &mut Facts) {
    let word = word_of(e);
    let known = status(&word);
    if known.is_none() {
        facts.problems.push(Problem {
            kind: "unknown_status".into(),
            field: Some("status".into()),
            code: Some(word),
            message: "not a status that Shopify documents".into(),
        });
    }
    let time = text(e, "happened_at").or_else(|| text(e, "created_at"));
    let place = Address {
        city: text(e, "city"),
        region: text(e, "province"),
        postal_code: text(e, "zip"),
        country: text(e, "country").filter(|c| c.len() == 2),
        po_box: false,
    };
    let line: Vec<String> = [text(e, "city"), text(e, "province"), text(e, "country")].into_iter().flatten().collect();
    let (status, sub_status) =
        known.map_or((Status::InTransit, None), |s| (s, (word_of(e) == "delayed").then(|| "delayed".to_owned())));
    let checkpoint = Checkpoint {
        time,
        status,
        sub_status,
        code: text(e, "status"),
        message: text(e, "message"),
        location: (!line.is_empty()).then(|| line.join(", ")),
        place: Some(place).filter(|p| *p != Address::default()),
    };
    facts.fulfillments.push(Fulfillment {
        id: text(e, "fulfillment_id").unwrap_or_default(),
        order_id: text(e, "order_id").unwrap_or_default(),
        shipment_status: known,
        updated_at: checkpoint.time.clone(),
        events: vec![checkpoint],
        ..Fulfillment::default()
    });
}

fn word_of(e: &Value) -> String {
    text(e, "status").unwrap_or_default()
}

fn request(topic: &str, body: &Value) -> Request {
    let orders = list(body, "orders_requested").iter().chain(list(body, "orders_to_redact"));
    Request {
        topic: topic.to_owned(),
        email: body.get("customer").and_then(|c| text(c, "email")),
        orders: orders.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)).collect(),
    }
}
