//! Orders and parcels of merchants without webhooks: tables (CSV) and JSON lines, made into events like any other.

use std::{borrow::Cow, collections::BTreeMap};

use anyhow::{Result, bail};
use chrono_tz::Tz;
use serde_json::{Value, json};
use tracking::{carrier, source, status::Status};

/// A line that was refused.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub struct Rejected {
    pub line: u64,
    pub message: String,
}

/// What an import holds: bodies as the source `standard` takes them, and the lines that can't be taken.
#[derive(Debug, Default)]
pub struct Import {
    pub bodies: Vec<Vec<u8>>,
    pub rejected: Vec<Rejected>,
    /// Columns that mean nothing here.
    pub ignored: Vec<String>,
}

/// The columns of a table. An order may have several rows: one for each line, parcel or scan.
pub const COLUMNS: [&str; 21] = [
    "order_id",
    "order_number",
    "placed_at",
    "email",
    "country",
    "region",
    "city",
    "postal_code",
    "shipping_method",
    "currency",
    "sku",
    "title",
    "quantity",
    "carrier",
    "tracking_number",
    "shipped_at",
    "delivered_at",
    "status",
    "time",
    "message",
    "location",
];

/// As spreadsheets save: with a byte order mark, or in UTF-16. What is neither is left as it is, for its reader to refuse by line.
fn utf8(text: &[u8]) -> Cow<'_, [u8]> {
    match encoding_rs::Encoding::for_bom(text) {
        None => text.into(),
        Some((encoding, mark)) => match encoding.decode_without_bom_handling_and_without_replacement(&text[mark..]) {
            Some(Cow::Borrowed(read)) => read.as_bytes().into(),
            Some(Cow::Owned(read)) => read.into_bytes().into(),
            None => text.into(),
        },
    }
}

/// What divides the columns: half of Europe's spreadsheets write semicolons, some tabs.
fn divider(text: &[u8]) -> u8 {
    let head = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let count = |divider: u8| head.iter().filter(|b| **b == divider).count();
    *b";\t".iter().max_by_key(|d| count(**d)).filter(|d| count(**d) > count(b',')).unwrap_or(&b',')
}

/// Reads JSON lines: each is what the source `standard` takes.
pub fn json_lines(text: &[u8]) -> Import {
    let text = &*utf8(text);
    let mut import = Import::default();
    for (n, line) in text.split(|b| *b == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let wrong = match source::read("standard", None, line) {
            Ok(facts) => facts.problems.first().map(|p| p.message.clone()),
            Err(e) => Some(e.to_string()),
        };
        match wrong {
            None => import.bodies.push(line.to_vec()),
            Some(message) => import.rejected.push(Rejected { line: n as u64 + 1, message }),
        }
    }
    import
}

#[derive(Default)]
struct Order {
    head: BTreeMap<&'static str, String>,
    lines: Vec<Value>,
    parts: BTreeMap<String, Part>,
}

#[derive(Default)]
struct Part {
    carrier: Option<String>,
    lines: Vec<Value>,
    scans: Vec<Value>,
}

/// Reads a table with a header line. Times without offset are in `zone`.
pub fn csv(text: &[u8], zone: Tz) -> Result<Import> {
    let mut import = Import::default();
    let text = &*utf8(text);
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).delimiter(divider(text)).from_reader(text);
    let names: Vec<String> = reader.headers()?.iter().map(|h| h.to_lowercase().replace([' ', '-'], "_")).collect();
    import.ignored = names.iter().filter(|n| !COLUMNS.contains(&n.as_str())).cloned().collect();
    let at = |name: &str| names.iter().position(|n| n == name);
    if at("order_id").or_else(|| at("order_number")).is_none() {
        bail!("the table needs a column order_id or order_number; its first line has: {}", names.join(", "));
    }
    let mut orders: Vec<(String, Order)> = Vec::new();
    for row in reader.records() {
        let row = match row {
            Ok(row) => row,
            Err(e) => {
                import.rejected.push(Rejected { line: e.position().map_or(0, csv::Position::line), message: e.to_string() });
                continue;
            }
        };
        let line = row.position().map_or(0, csv::Position::line);
        let field = |name: &str| at(name).and_then(|n| row.get(n)).filter(|v| !v.is_empty());
        let Some(id) = field("order_id").or_else(|| field("order_number")) else {
            import.rejected.push(Rejected { line, message: "order_id is empty".into() });
            continue;
        };
        let known = orders.iter().position(|o| o.0 == id).unwrap_or_else(|| {
            orders.push((id.to_owned(), Order::default()));
            orders.len() - 1
        });
        if let Err(message) = add(&mut orders[known].1, &field, zone) {
            import.rejected.push(Rejected { line, message });
        }
    }
    for (id, order) in orders {
        match finish(&id, order) {
            Ok(body) => import.bodies.push(body),
            Err(message) => import.rejected.push(Rejected { line: 0, message: format!("order {id}: {message}") }),
        }
    }
    Ok(import)
}

fn add<'a>(order: &mut Order, field: &dyn Fn(&str) -> Option<&'a str>, zone: Tz) -> Result<(), String> {
    let time = |name: &str| match field(name) {
        None => Ok(None),
        Some(text) => source::time(text, zone)
            .map(Some)
            .ok_or_else(|| format!("{name}: \"{text}\" is not a time; write 2026-12-01T09:30:00+01:00")),
    };
    let quantity: u32 = match field("quantity") {
        None => 1,
        Some(text) => {
            text.parse().ok().filter(|q| *q > 0).ok_or_else(|| format!("quantity: \"{text}\" is not a number from 1"))?
        }
    };
    let status = match field("status") {
        None => None,
        Some(word) => Some(Status::from_word(word).ok_or_else(|| format!("status: \"{word}\" is none of pending, info_received, in_transit, out_for_delivery, available_for_pickup, attempt_failed, delivered, exception, expired"))?),
    };
    let (placed, shipped, delivered, at) = (time("placed_at")?, time("shipped_at")?, time("delivered_at")?, time("time")?);
    if status.is_some() && at.is_none() {
        return Err("time: a status needs the time at which it was reached".into());
    }
    let number = field("tracking_number");
    if number.is_none() && (status.is_some() || shipped.is_some() || delivered.is_some()) {
        return Err("tracking_number: needed beside status, shipped_at and delivered_at".into());
    }
    // Only now, when the whole row is good, does any of it count.
    if let Some(placed) = placed {
        order.head.insert("placed_at", placed);
    }
    for name in ["order_number", "email", "country", "region", "city", "postal_code", "shipping_method", "currency"] {
        if let Some(value) = field(name) {
            order.head.insert(name, value.to_owned());
        }
    }
    let mut line = None;
    if field("sku").is_some() || field("title").is_some() {
        let sku = field("sku").unwrap_or_default();
        let id = format!("{sku}|{}", field("title").unwrap_or_default());
        let made = json!({"id": id, "sku": sku, "title": field("title").unwrap_or(sku), "quantity": quantity, "requires_shipping": true});
        if !order.lines.iter().any(|l| l["id"] == made["id"]) {
            order.lines.push(made.clone());
        }
        line = Some(made);
    }
    let Some(number) = number else { return Ok(()) };
    let part = order.parts.entry(number.to_owned()).or_default();
    part.carrier = field("carrier").map(carrier::code_of).or(part.carrier.take());
    part.lines.extend(line.filter(|l| !part.lines.iter().any(|p| p["id"] == l["id"])));
    for (time, status, sub) in [(shipped, Status::InTransit, Some("picked_up")), (delivered, Status::Delivered, None)] {
        part.scans.extend(time.map(|t| json!({"time": t, "status": status, "sub_status": sub})));
    }
    if let (Some(status), Some(at)) = (status, at) {
        part.scans.push(json!({"time": at, "status": status, "message": field("message"), "location": field("location")}));
    }
    Ok(())
}

fn finish(id: &str, order: Order) -> Result<Vec<u8>, String> {
    let head = |name: &str| order.head.get(name);
    let Some(placed) = head("placed_at") else { return Err("placed_at is missing in all its rows".into()) };
    let fulfillments: Vec<Value> = order
        .parts
        .iter()
        .map(|(number, part)| {
            json!({"id": format!("{id}/{number}"), "order_id": id, "status": "success", "created_at": placed, "lines": part.lines,
                "tracking": [{"carrier": part.carrier, "number": number}]})
        })
        .collect();
    let shipments: Vec<Value> = order
        .parts
        .iter()
        .map(|(number, part)| json!({"carrier": part.carrier, "tracking_number": number, "order_id": id, "status": "info_received", "checkpoints": part.scans}))
        .collect();
    let number = head("order_number").map_or(id, String::as_str);
    let body = json!({
        "orders": [{"id": id, "number": number, "placed_at": placed, "email": head("email"), "currency": head("currency").map_or("", String::as_str),
            "shipping_method": head("shipping_method"), "shipping_methods": head("shipping_method").into_iter().collect::<Vec<_>>(),
            "destination": {"country": head("country"), "region": head("region"), "city": head("city"), "postal_code": head("postal_code")},
            "lines": order.lines, "fulfillments": fulfillments}],
        "shipments": shipments,
    });
    serde_json::to_vec(&body).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_becomes_orders_with_parcels_and_scans() {
        let table = b"Order ID,placed_at,country,postal-code,sku,quantity,carrier,tracking_number,status,time,colour\n\
            1,2026-11-20 09:00,DE,10115,MUG-1,2,DHL Paket,A1,in_transit,2026-11-21 10:00,red\n\
            1,,,,MUG-1,2,,A1,delivered,2026-11-23T10:00:00+01:00,red\n\
            2,2026-11-20,US,94103,LAMP-1,0,,,,,\n\
            2,2026-11-20T09:00:00Z,US,94103,LAMP-1,1,,,,,\n\
            3,,US,,LAMP-1,1,,,delivered,2026-11-20,\n";
        let import = csv(table, chrono_tz::Europe::Berlin).unwrap();
        assert_eq!(import.ignored, ["colour"]);
        let said: Vec<_> = import.rejected.iter().map(|r| (r.line, r.message.split(':').next().unwrap())).collect();
        assert_eq!(said, [(4, "quantity"), (6, "tracking_number"), (0, "order 3")]);
        assert_eq!(import.bodies.len(), 2);
        let facts = source::read("standard", None, &import.bodies[0]).unwrap();
        assert_eq!(facts.orders[0].placed_at, "2026-11-20T09:00:00+01:00");
        let [parcel] = &facts.shipments[..] else { panic!("one parcel") };
        assert_eq!((parcel.carrier.as_deref(), parcel.checkpoints.len()), (Some("dhl_parcel_de"), 2));
        assert_eq!(facts.orders[0].fulfillments[0].lines.len(), 1);
    }

    #[test]
    fn tables_are_read_as_spreadsheets_save_them() {
        let plain = "order_id,placed_at,city,sku\n1,2026-11-20,\"M\u{fc}nchen, Ost\",MUG-1\n";
        let cities = |table: &[u8]| -> Vec<String> {
            let import = csv(table, chrono_tz::UTC).unwrap();
            assert_eq!((import.rejected, import.ignored), (vec![], vec![]));
            import
                .bodies
                .iter()
                .map(|b| serde_json::from_slice::<Value>(b).unwrap()["orders"][0]["destination"]["city"].to_string())
                .collect()
        };
        let right = vec!["\"M\u{fc}nchen, Ost\"".to_owned()];
        let divided = |d: &str| {
            plain
                .replace("placed_at,city,sku", &format!("placed_at{d}city{d}sku"))
                .replace("order_id,", &format!("order_id{d}"))
                .replace("1,2026-11-20,", &format!("1{d}2026-11-20{d}"))
                .replace("\",MUG", &format!("\"{d}MUG"))
        };
        for d in [",", ";", "\t"] {
            let table = divided(d);
            assert_eq!(cities(table.as_bytes()), right, "{table}");
            assert_eq!(cities(format!("\u{feff}{table}").as_bytes()), right, "with a mark");
            for wide in [u16::to_le_bytes, u16::to_be_bytes] {
                let wide: Vec<u8> = format!("\u{feff}{table}").encode_utf16().flat_map(wide).collect();
                assert_eq!(cities(&wide), right, "UTF-16");
            }
        }
        // What is none of these is refused by its line, the others are taken.
        let import = csv(b"order_id,placed_at,city\n1,2026-11-20,M\xfcnchen\n2,2026-11-20,Berlin\n", chrono_tz::UTC).unwrap();
        assert_eq!((import.bodies.len(), import.rejected[0].line), (1, 2));
        let half = b"\xff\xfeo\x00r";
        assert!(csv(&half[..5], chrono_tz::UTC).is_err());
    }

    #[test]
    fn json_lines_are_taken_one_by_one() {
        let import = json_lines(b"{\"shipments\":[{\"tracking_number\":\"1\"}]}\n\nnot json\n{}\n");
        assert_eq!((import.bodies.len(), import.rejected.iter().map(|r| r.line).collect::<Vec<_>>()), (1, vec![3, 4]));
    }
}
