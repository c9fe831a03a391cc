//! WooCommerce: orders as webhooks or REST resources; parcels as plugins keep them in `meta_data` ([`parcels`]).

use serde_json::Value;

use super::{
    clock::{self, Slashes, Written},
    json::{list, minor_units, text},
};
use crate::{
    carrier,
    facts::{Address, Facts, Fulfillment, Line, Order, Problem, Shipment, Tracking},
    number,
    status::Status,
};

pub fn read(topic: Option<&str>, body: &Value) -> Facts {
    let mut facts = Facts::default();
    // WooCommerce pings a new webhook with `webhook_id=…`; the shipment tracking REST route gives tracking items alone.
    let bodies = body.as_array().map_or_else(|| std::slice::from_ref(body), Vec::as_slice);
    for order in bodies {
        if order.get("line_items").is_some_and(Value::is_array) {
            facts.orders.push(read_order(order, &mut facts.problems));
        } else if topic == Some("order.deleted") {
            // Only the id is left of it; the order's own last state stands.
            facts.problems.push(Problem {
                kind: "unsupported_topic".into(),
                field: Some("id".into()),
                code: text(order, "id"),
                message: "an order was deleted in WooCommerce; what is known of it stays until it is redacted".into(),
            });
        }
    }
    let parts: Vec<Fulfillment> = facts.orders.iter().flat_map(|o| o.fulfillments.clone()).collect();
    for part in &parts {
        facts.shipments.extend(part.tracking.iter().map(|t| Shipment {
            carrier: t.carrier.clone(),
            tracking_number: t.number.clone(),
            status: Status::InfoReceived,
            tracking_url: t.url.clone(),
            order_id: Some(part.order_id.clone()).filter(|id| !id.is_empty()),
            ..Shipment::default()
        }));
    }
    if facts.orders.is_empty() && facts.problems.is_empty() {
        facts.problems.push(Problem {
            kind: "unsupported_topic".into(),
            message: format!("nothing here is an order (topic {})", topic.unwrap_or("unknown")),
            ..Problem::default()
        });
    }
    facts
}

fn read_order(o: &Value, problems: &mut Vec<Problem>) -> Order {
    let currency = text(o, "currency").unwrap_or_default();
    let id = text(o, "id").unwrap_or_default();
    if id.is_empty() {
        problems.push(Problem {
            kind: "missing_field".into(),
            field: Some("id".into()),
            code: None,
            message: "an order without id".into(),
        });
    }
    let modified = time(o, "date_modified", problems);
    let status = text(o, "status").unwrap_or_default();
    let lines: Vec<Line> = list(o, "line_items").iter().map(|l| read_line(l, &currency)).collect();
    // A shipping address without country is an empty form: WooCommerce sends it for orders that ship to the billing address.
    let address = ["shipping", "billing"].iter().find_map(|k| o.get(*k).filter(|a| text(a, "country").is_some()));
    let methods = list(o, "shipping_lines")
        .iter()
        .flat_map(|s| [text(s, "method_id"), text(s, "method_title")])
        .flatten()
        .collect::<Vec<_>>();
    Order {
        number: text(o, "number").map(|n| if n.starts_with('#') { n } else { format!("#{n}") }).unwrap_or_default(),
        placed_at: time(o, "date_created", problems).unwrap_or_default(),
        cancelled_at: matches!(status.as_str(), "cancelled" | "failed" | "trash").then(|| modified.clone()).flatten(),
        updated_at: modified,
        financial_status: Some(match status.as_str() {
            "pending" | "on-hold" => "pending".into(),
            "processing" | "completed" => "paid".into(),
            "refunded" => "refunded".into(),
            other => other.to_owned(),
        })
        .filter(|s: &String| !s.is_empty()),
        email: o.get("billing").and_then(|b| text(b, "email")),
        phone: o.get("billing").and_then(|b| text(b, "phone")),
        consents: Vec::new(),
        language: meta(o, "wpml_language").and_then(Value::as_str).map(str::to_owned),
        total: text(o, "total").and_then(|t| minor_units(&t, &currency)),
        destination: address
            .map(|a| Address {
                city: text(a, "city"),
                region: text(a, "state"),
                postal_code: text(a, "postcode"),
                country: text(a, "country"),
                po_box: ["address_1", "address_2"].iter().any(|k| text(a, k).is_some_and(|line| crate::po_box::is_po_box(&line))),
            })
            .unwrap_or_default(),
        shipping_method: methods.get(1).or(methods.first()).cloned(),
        shipping_methods: methods,
        fulfillments: parts(o, &id, &lines),
        tags: Vec::new(),
        attributes: list(o, "meta_data")
            .iter()
            .filter_map(|m| Some((text(m, "key")?, text(m, "value")?)))
            .filter(|(key, _)| !key.starts_with('_'))
            .collect(),
        lines,
        currency,
        id,
    }
}

fn meta<'a>(o: &'a Value, key: &str) -> Option<&'a Value> {
    list(o, "meta_data").iter().find(|m| m.get("key").and_then(Value::as_str) == Some(key))?.get("value")
}

/// `<field>_gmt` is in UTC, `<field>` in the store's zone: together they give the offset.
fn time(o: &Value, field: &str, problems: &mut Vec<Problem>) -> Option<String> {
    let read = |key: &str| text(o, key).and_then(|t| clock::read(&t, Slashes::default()));
    match (read(field), read(&format!("{field}_gmt"))) {
        (Some(Written::Instant(t)), _) => Some(Written::Instant(t).print()),
        (Some(local), Some(utc)) => {
            let offset = i32::try_from((local.local() - utc.local()).num_seconds()).ok().and_then(chrono::FixedOffset::east_opt);
            let at = offset.and_then(|o| chrono::TimeZone::from_local_datetime(&o, &local.local()).single());
            at.map(|t| Written::Instant(t).print())
        }
        (None, Some(utc)) => Some(format!("{}Z", utc.local().format("%Y-%m-%dT%H:%M:%S"))),
        (Some(local), None) => {
            problems.push(Problem {
                kind: "time_without_zone".into(),
                field: Some(field.to_owned()),
                code: text(o, field),
                message: format!("no {field}_gmt beside it: taken as UTC"),
            });
            Some(format!("{}Z", local.local().format("%Y-%m-%dT%H:%M:%S")))
        }
        (None, None) => None,
    }
}

fn read_line(l: &Value, currency: &str) -> Line {
    let variant: Vec<String> = list(l, "meta_data")
        .iter()
        .filter(|m| text(m, "key").is_some_and(|k| !k.starts_with('_')))
        .filter_map(|m| text(m, "display_value").or_else(|| text(m, "value")))
        .collect();
    Line {
        id: text(l, "id").unwrap_or_default(),
        sku: text(l, "sku").unwrap_or_default(),
        title: text(l, "parent_name").or_else(|| text(l, "name")).map(|t| entities(&t)).unwrap_or_default(),
        variant: (!variant.is_empty()).then(|| variant.join(" / ")),
        quantity: l.get("quantity").and_then(Value::as_u64).map_or(1, |n| n.min(u64::from(u32::MAX)) as u32),
        price: text(l, "price").and_then(|p| minor_units(&p, currency)),
        image: l.get("image").and_then(|i| text(i, "src")).filter(|u| u.starts_with("https://")),
        requires_shipping: true,
    }
}

/// WooCommerce escapes titles for HTML (`&ndash;`); the widget shows texts as texts.
fn entities(title: &str) -> String {
    [
        ("&ndash;", "–"),
        ("&#8211;", "–"),
        ("&mdash;", "—"),
        ("&quot;", "\""),
        ("&#039;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(title.to_owned(), |t, (entity, plain)| t.replace(entity, plain))
}

/// One part of the order for each parcel.
fn parts(o: &Value, order_id: &str, lines: &[Line]) -> Vec<Fulfillment> {
    let parcels = parcels(o);
    let alone = parcels.len() == 1;
    let part = |parcel: Parcel| {
        let held = |l: &Line| {
            let (_, quantity) = parcel.holds.iter().find(|(id, _)| *id == l.id)?;
            Some(Line { quantity: quantity.unwrap_or(l.quantity), ..l.clone() })
        };
        Fulfillment {
            order_id: order_id.to_owned(),
            status: "success".into(),
            shipment_status: None,
            updated_at: parcel.shipped.clone(),
            lines: if parcel.holds.is_empty() && alone { lines.to_vec() } else { lines.iter().filter_map(held).collect() },
            id: parcel.id,
            created_at: parcel.shipped,
            location: None,
            events: Vec::new(),
            tracking: vec![Tracking {
                carrier: parcel.provider.as_deref().map(carrier::code_of),
                number: parcel.number,
                url: parcel.url,
            }],
        }
    };
    parcels.into_iter().map(part).collect()
}

#[derive(Default)]
struct Parcel {
    id: String,
    number: String,
    provider: Option<String>,
    url: Option<String>,
    shipped: Option<String>,
    /// Lines by their ids, and how many of each; empty where nothing says it.
    holds: Vec<(String, Option<u32>)>,
}

/// WooCommerce has no parcels of its own; plugins write them into the order's meta data, each in its way: Shipment Tracking (and
/// Advanced Shipment Tracking), AfterShip, YITH, Orders Tracking, and many by a bare number.
fn parcels(o: &Value) -> Vec<Parcel> {
    let mut found: Vec<Parcel> = Vec::new();
    let mut add =
        |parcel: Parcel| match found.iter_mut().find(|p| number::normalize(&p.number) == number::normalize(&parcel.number)) {
            // Two plugins tell of the same; one plugin tells of each line.
            Some(known) => {
                let new =
                    parcel.holds.into_iter().filter(|(id, _)| !known.holds.iter().any(|(k, _)| k == id)).collect::<Vec<_>>();
                known.holds.extend(new);
            }
            None => found.push(parcel),
        };
    let of_field = o.get("shipment_trackings").map(items).unwrap_or_default();
    let of_meta =
        ["_wc_shipment_tracking_items", "_aftership_tracking_items"].into_iter().filter_map(|k| meta(o, k)).flat_map(items);
    for item in of_meta.chain(of_field) {
        let Some(number) = text(&item, "tracking_number") else { continue };
        let products = [("products_list", "item_id", "qty"), ("line_items", "id", "quantity")];
        let holds = products.iter().flat_map(|(list_of, id, quantity)| {
            let list = item.get(*list_of).map(items).unwrap_or_default();
            list.into_iter()
                .filter_map(|p| Some((text(&p, id)?, text(&p, quantity).and_then(|q| q.parse().ok()))))
                .collect::<Vec<_>>()
        });
        add(Parcel {
            id: text(&item, "tracking_id").unwrap_or_else(|| number.clone()),
            provider: ["custom_tracking_provider", "tracking_provider", "slug"].iter().find_map(|k| text(&item, k)),
            url: text(&item, "custom_tracking_link").filter(|u| u.starts_with("https://")),
            shipped: text(&item, "date_shipped").and_then(|d| day_of(&d)),
            holds: holds.collect(),
            number,
        });
    }
    for line in list(o, "line_items") {
        // The last one of a line counts.
        let told = meta(line, "_vi_wot_order_item_tracking_data").map(items).unwrap_or_default();
        let Some((item, number)) = told.last().and_then(|i| Some((i, text(i, "tracking_number")?))) else { continue };
        add(Parcel {
            id: number.clone(),
            provider: text(item, "carrier_name").or_else(|| text(item, "carrier_slug")),
            shipped: text(item, "time").and_then(|d| day_of(&d)),
            holds: text(line, "id").map(|id| (id, None)).into_iter().collect(),
            number,
            url: None,
        });
    }
    let said = |keys: &[&str]| keys.iter().find_map(|k| plain(meta(o, k)?));
    for (number, provider, shipped) in [
        (
            &["_aftership_tracking_number"][..],
            &["_aftership_tracking_provider_name", "_aftership_tracking_provider"][..],
            &[][..],
        ),
        (&["ywot_tracking_code"], &["ywot_carrier_name", "ywot_carrier_id"], &["ywot_pick_up_date"]),
        (
            &["_tracking_number", "tracking_number"],
            &["_tracking_provider", "tracking_provider", "tracking_company"],
            &["_date_shipped"],
        ),
    ] {
        // Several in one field, as people type them.
        let numbers = said(number).unwrap_or_default();
        for number in numbers.split([',', ';', '\n']).map(str::trim).filter(|n| !n.is_empty()) {
            add(Parcel {
                id: number.to_owned(),
                number: number.to_owned(),
                provider: said(provider),
                shipped: said(shipped).and_then(|d| day_of(&d)),
                ..Parcel::default()
            });
        }
    }
    found
}

/// A list; PHP writes one with gaps as an object, and some plugins write it as text.
fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list.clone(),
        Value::Object(map) => map.values().cloned().collect(),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(inner @ (Value::Array(_) | Value::Object(_))) => items(&inner),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn day_of(text: &str) -> Option<String> {
    Some(match clock::read(text, Slashes::default())? {
        Written::Day(day) => format!("{day}T12:00:00Z"),
        Written::Local(local) => format!("{}Z", local.format("%Y-%m-%dT%H:%M:%S")),
        instant => instant.print(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_order_with_two_parcels() {
        let facts = read(
            Some("order.updated"),
            &json!({"id": 727, "number": "727", "status": "completed", "currency": "EUR", "total": "21.90",
                "date_created": "2026-11-20T10:00:00", "date_created_gmt": "2026-11-20T09:00:00", "date_modified_gmt": "2026-11-21T09:00:00",
                "billing": {"email": "a@example.com", "country": "DE", "postcode": "10115"}, "shipping": {"country": ""},
                "line_items": [{"id": 1, "name": "Mug &ndash; blue", "sku": "MUG-1", "quantity": 3, "price": 7.3},
                               {"id": 2, "name": "Lamp", "sku": "LAMP-1", "quantity": 1, "price": 0}],
                "shipping_lines": [{"method_id": "flat_rate", "method_title": "Standard"}],
                "meta_data": [{"key": "_wc_shipment_tracking_items", "value": [
                    {"tracking_id": "a", "tracking_provider": "dhl-paket", "tracking_number": "00340434161094015902", "date_shipped": "1795255200",
                     "products_list": [{"item_id": "1", "qty": "2"}]},
                    {"tracking_id": "b", "custom_tracking_provider": "Bike", "custom_tracking_link": "javascript:1", "tracking_number": "B1"}]}]}),
        );
        let order = &facts.orders[0];
        assert_eq!((order.number.as_str(), order.placed_at.as_str()), ("#727", "2026-11-20T10:00:00+01:00"));
        assert_eq!((order.total, order.destination.country.as_deref()), (Some(2190), Some("DE")));
        assert_eq!((order.lines[0].title.as_str(), order.lines[0].price), ("Mug – blue", Some(730)));
        assert_eq!(order.shipping_method.as_deref(), Some("Standard"));
        let [first, second] = &order.fulfillments[..] else { panic!("two parts") };
        assert_eq!((first.lines.len(), first.lines[0].quantity), (1, 2));
        assert_eq!(first.tracking[0].carrier.as_deref(), Some("dhl_parcel_de"));
        assert_eq!((second.tracking[0].carrier.as_deref(), second.tracking[0].url.as_deref()), (Some("bike"), None));
        assert_eq!(facts.shipments.len(), 2);
    }

    #[test]
    fn parcels_are_found_where_plugins_write_them() {
        let numbers = |meta: Value, line: Value| {
            let facts = read(
                Some("order.updated"),
                &json!({"id": 1, "currency": "USD", "date_created_gmt": "2026-11-20T09:00:00", "meta_data": meta,
                    "line_items": [{"id": 5, "name": "Mug", "quantity": 2, "meta_data": line}, {"id": 6, "name": "Lamp", "quantity": 1}]}),
            );
            let told = facts.orders[0].fulfillments.iter().map(|f| {
                let lines: Vec<_> = f.lines.iter().map(|l| format!("{}x{}", l.id, l.quantity)).collect();
                format!("{} {} [{}]", f.tracking[0].number, f.tracking[0].carrier.as_deref().unwrap_or("-"), lines.join(" "))
            });
            told.collect::<Vec<_>>()
        };
        let number = "1Z999AA10123456784";
        let both = |n: &str| vec![format!("{n} ups [5x2 6x1]")];
        // As PHP writes a list of which the first was deleted.
        let gap = json!([{"key": "_wc_shipment_tracking_items", "value": {"1": {"tracking_provider": "ups", "tracking_number": number, "date_shipped": 1795255200}}}]);
        assert_eq!(numbers(gap, json!([])), both(number));
        let aftership = json!([{"key": "_aftership_tracking_items", "value": [{"slug": "ups", "tracking_number": number, "line_items": [{"id": 5, "quantity": 1}]}]},
            {"key": "_aftership_tracking_number", "value": number}, {"key": "_aftership_tracking_provider_name", "value": "UPS"}]);
        assert_eq!(numbers(aftership, json!([])), [format!("{number} ups [5x1]")]);
        let yith = json!([{"key": "ywot_tracking_code", "value": number}, {"key": "ywot_carrier_name", "value": "UPS"}, {"key": "ywot_pick_up_date", "value": "2026-11-21"}]);
        assert_eq!(numbers(yith, json!([])), both(number));
        let by_line = json!([{"key": "_vi_wot_order_item_tracking_data", "value": format!(r#"[{{"tracking_number": "{number}", "carrier_slug": "ups", "carrier_name": "UPS", "time": 1795255200}}]"#)}]);
        assert_eq!(numbers(json!([]), by_line), [format!("{number} ups [5x2]")]);
        let typed = json!([{"key": "_tracking_number", "value": format!("{number}, 1Z999AA10123456785")}, {"key": "_tracking_provider", "value": "UPS"}]);
        assert_eq!(numbers(typed, json!([])).len(), 2);
        for broken in [json!("a:1:{i:0;s:1:\"x\";}"), json!(7), json!(null), json!([[]]), json!({"a": {"tracking_number": {}}})] {
            assert!(
                numbers(
                    json!([{"key": "_wc_shipment_tracking_items", "value": broken}, {"key": "ywot_tracking_code", "value": []}]),
                    json!([])
                )
                .is_empty()
            );
        }
    }

    #[test]
    fn what_is_no_order_says_so() {
        assert_eq!(read(None, &json!({"webhook_id": 5})).problems[0].kind, "unsupported_topic");
        assert_eq!(read(Some("order.deleted"), &json!({"id": 5})).problems[0].kind, "unsupported_topic");
    }
}
