//! Past shipments from a table (CSV) or JSON lines, with the columns that a store happens to have.
//!
//! Each role has names that are known by themselves; others are mapped (`delivered=arrived_on`). What can't be used is left out and counted.

use std::{
    collections::{BTreeMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    io::{BufRead, Read},
};

use anyhow::{Context, Result, bail, ensure};
use promise::{Day, learn};
use serde_json::Value;

/// What a column can say, and the names by which it is known without being told.
pub const ROLES: [(&str, &[&str]); 13] = [
    ("id", &["id", "order_id", "shipment_id", "parcel_id", "order_number", "tracking_number"]),
    ("purchased", &["purchased", "purchased_at", "purchase_ts", "ordered_at", "order_date", "created_at", "po_sent", "pq_sent"]),
    ("handed_over", &["handed_over", "handed_over_at", "carrier_ts", "shipped_at", "fulfilled_at", "picked_up_at"]),
    ("delivered", &["delivered", "delivered_at", "delivered_ts", "delivery_date", "delivered_date"]),
    ("promised", &["promised", "promised_at", "estimated_date", "estimated_delivery", "promised_date", "scheduled_delivery"]),
    ("status", &["status", "order_status"]),
    ("origin", &["origin", "seller_state", "warehouse", "location", "fulfil_via"]),
    ("origin_area", &["origin_area", "seller_zip3", "vendor"]),
    ("service", &["service", "shipping_method", "shipment_mode"]),
    ("zone", &["zone"]),
    ("destination", &["destination", "customer_state", "country", "shipping_country"]),
    ("destination_area", &["destination_area", "customer_zip3", "shipping_postal_code"]),
    ("factors", &["freight_value", "n_items", "manufacturing_site", "weight_kg"]),
];

/// Statuses of orders that never became parcels, or never will.
const NEVER: [&str; 7] = ["canceled", "cancelled", "unavailable", "refunded", "voided", "failed", "returned"];
/// Statuses under which a delivery date counts.
const DELIVERED: [&str; 5] = ["delivered", "complete", "completed", "fulfilled", "closed"];

/// Why a row without a purchase date is left out.
pub const NO_PURCHASE: &str = "without a readable purchase date";

/// One row, as far as it is understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    pub purchased: Day,
    /// Second of the local day.
    pub second: u32,
    pub handed_over: Option<Day>,
    pub delivered: Option<Day>,
    pub promised: Option<Day>,
    pub origin: String,
    pub origin_area: String,
    pub service: String,
    pub zone: String,
    pub destination: String,
    pub destination_area: String,
    /// Column and value; numbers by their order of magnitude.
    pub factors: Vec<String>,
}

impl Row {
    /// For the back-test: groups from wide to narrow, and what else may matter.
    pub fn shipment(&self) -> learn::Shipment {
        let to = if self.destination.is_empty() { &self.zone } else { &self.destination };
        let mut groups = Vec::new();
        if !to.is_empty() {
            groups.push(format!("to {to}"));
            if !self.origin.is_empty() {
                groups.push(format!("{} to {to}", self.origin));
            }
            if !self.service.is_empty() {
                groups.push(format!("{} to {to} by {}", self.origin, self.service).trim_start().to_owned());
            }
        }
        let mut traits = self.factors.clone();
        if !self.destination_area.is_empty() {
            traits.push(format!("area {to} {}", self.destination_area));
        }
        if !self.origin_area.is_empty() {
            traits.push(format!("sender {} {}", self.origin, self.origin_area));
        }
        learn::Shipment {
            purchased: self.purchased,
            second: self.second,
            handed_over: self.handed_over,
            delivered: self.delivered,
            promised: self.promised,
            groups,
            traits,
        }
    }
}

/// What was read, and what was not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub rows: Vec<Row>,
    /// Reasons, with how many rows each.
    pub left_out: BTreeMap<&'static str, usize>,
    /// Kept, without the field.
    pub unreadable: BTreeMap<&'static str, usize>,
}

/// Which column plays which role.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns(BTreeMap<String, Vec<String>>);

impl Columns {
    /// Reads `role=column,role=column+column`.
    pub fn parse(text: &str) -> Result<Columns> {
        let mut columns = BTreeMap::new();
        for pair in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let Some((role, names)) = pair.split_once('=') else { bail!("columns: {pair}: write role=column") };
            let role = role.trim();
            ensure!(
                ROLES.iter().any(|r| r.0 == role),
                "columns: there is no role {role}; there are {}",
                ROLES.map(|r| r.0).join(", ")
            );
            let names: Vec<String> = names.split('+').map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()).collect();
            columns.insert(role.to_owned(), names);
        }
        Ok(Columns(columns))
    }

    /// The places of each role's columns in a header.
    fn find(&self, header: &[String]) -> Result<BTreeMap<&'static str, Vec<usize>>> {
        let at = |name: &str| header.iter().position(|h| h.trim().eq_ignore_ascii_case(name));
        let mut found: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
        for (role, known) in ROLES {
            match self.0.get(role) {
                Some(names) => {
                    for name in names {
                        let Some(at) = at(name) else {
                            bail!("no column {name}; there are {}", header.join(", "));
                        };
                        found.entry(role).or_default().push(at);
                    }
                }
                None if role == "factors" => found.entry(role).or_default().extend(known.iter().filter_map(|n| at(n))),
                None => found.entry(role).or_default().extend(known.iter().find_map(|n| at(n))),
            }
        }
        for role in ["purchased", "delivered"] {
            ensure!(
                found.get(role).is_some_and(|f| !f.is_empty()),
                "no column says when it was {role}: name it with --columns {role}=COLUMN; there are {}",
                header.join(", ")
            );
        }
        Ok(found)
    }
}

/// `YYYY-MM-DD`, with a time of day behind it or without. The day as written: a time zone's offset is not applied, because a promise is
/// about the days of the place.
fn moment(text: &str) -> Option<(Day, u32)> {
    let day = Day::parse(text.get(..10)?)?;
    let part = |from: usize| text.get(from..from + 2).and_then(|t| t.parse::<u32>().ok());
    let second = part(11).zip(part(14)).filter(|(h, m)| *h < 24 && *m < 60).map_or(43_200, |(h, m)| h * 3600 + m * 60);
    Some((day, second))
}

/// A factor's value: numbers by their order of magnitude, four steps to each factor of e; small counts as they are.
fn factor(name: &str, value: &str) -> Option<String> {
    if value.is_empty() {
        return None;
    }
    Some(match value.parse::<f64>() {
        Ok(n) if !n.is_finite() => return None,
        Ok(n) if (0.0..4.0).contains(&n) && n.fract() == 0.0 => format!("{name} {n}"),
        Ok(n) => format!("{name} ~{}", (n.max(1.0).ln() * 4.0).floor()),
        Err(_) => format!("{name} {}", value.chars().take(60).collect::<String>()),
    })
}

/// Reads a table with a header, or JSON lines: which of the two is seen from the first character.
pub fn read(from: impl Read, columns: &Columns) -> Result<Table> {
    let mut from = std::io::BufReader::new(from);
    let start = from.fill_buf()?;
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    match start.iter().find(|b| !b.is_ascii_whitespace()) {
        None => bail!("it is empty"),
        Some(b'{') => json_lines(from, columns),
        Some(_) => csv(from, columns),
    }
}

fn csv(from: impl Read, columns: &Columns) -> Result<Table> {
    let mut table = csv::ReaderBuilder::new().flexible(true).from_reader(from);
    let header: Vec<String> = table
        .byte_headers()
        .context("the header can't be read")?
        .iter()
        .map(|h| String::from_utf8_lossy(h).trim_start_matches('\u{feff}').trim().to_owned())
        .collect();
    let found = columns.find(&header)?;
    let mut keeper = Keeper::new(&found);
    let mut record = csv::ByteRecord::new();
    while table.read_byte_record(&mut record).context("a row can't be read")? {
        keeper.keep(&header, |at| String::from_utf8_lossy(record.get(at).unwrap_or_default()).trim().to_owned());
    }
    keeper.finish()
}

fn json_lines(from: impl BufRead, columns: &Columns) -> Result<Table> {
    let mut rows = Vec::new();
    let mut header: Vec<String> = Vec::new();
    for (n, line) in from.lines().enumerate() {
        let line = line.with_context(|| format!("line {}", n + 1))?;
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() {
            continue;
        }
        let row: serde_json::Map<String, Value> = serde_json::from_str(line).with_context(|| format!("line {}", n + 1))?;
        for key in row.keys() {
            if !header.contains(key) {
                ensure!(header.len() < 500, "line {}: more than 500 different names", n + 1);
                header.push(key.clone());
            }
        }
        rows.push(row);
    }
    let found = columns.find(&header)?;
    let mut keeper = Keeper::new(&found);
    for row in &rows {
        keeper.keep(&header, |at| match row.get(&header[at]) {
            Some(Value::String(text)) => text.trim().to_owned(),
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        });
    }
    keeper.finish()
}

/// Takes row after row.
struct Keeper<'a> {
    found: &'a BTreeMap<&'static str, Vec<usize>>,
    table: Table,
    placeless: Vec<Row>,
    /// Hashes of whole rows. Asked only where rows have ids: without, two orders may well look the same.
    seen: HashSet<u64>,
}

impl<'a> Keeper<'a> {
    fn new(found: &'a BTreeMap<&'static str, Vec<usize>>) -> Keeper<'a> {
        Keeper { found, table: Table::default(), placeless: Vec::new(), seen: HashSet::new() }
    }

    fn keep(&mut self, header: &[String], field: impl Fn(usize) -> String) {
        let text = |role: &str| self.found.get(role).and_then(|f| f.first()).map(|at| field(*at)).unwrap_or_default();
        let table = &mut self.table;
        if !text("id").is_empty() {
            let mut hash = DefaultHasher::new();
            (0..header.len()).for_each(|at| field(at).hash(&mut hash));
            if !self.seen.insert(hash.finish()) {
                *table.left_out.entry("the same as a row before").or_default() += 1;
                return;
            }
        }
        let status = text("status").to_ascii_lowercase();
        if NEVER.contains(&status.as_str()) {
            *table.left_out.entry("canceled, returned or never sent").or_default() += 1;
            return;
        }
        let Some((purchased, second)) = moment(&text("purchased")) else {
            *table.left_out.entry(NO_PURCHASE).or_default() += 1;
            return;
        };
        let mut day = |role: &str, unreadable: &'static str| {
            let value = text(role);
            let day = moment(&value).map(|m| m.0);
            if day.is_none() && !value.is_empty() {
                *table.unreadable.entry(unreadable).or_default() += 1;
            }
            day
        };
        let delivered =
            day("delivered", "an unreadable delivery date").filter(|_| status.is_empty() || DELIVERED.contains(&status.as_str()));
        let row = Row {
            purchased,
            second,
            handed_over: day("handed_over", "an unreadable hand-over date"),
            delivered,
            promised: day("promised", "an unreadable promised date"),
            origin: text("origin"),
            origin_area: text("origin_area"),
            service: text("service"),
            zone: text("zone"),
            destination: text("destination"),
            destination_area: text("destination_area"),
            factors: self.found["factors"].iter().filter_map(|at| factor(&header[*at], &field(*at))).collect(),
        };
        let has = |role: &str| self.found.get(role).is_some_and(|f| !f.is_empty());
        let placed = !(has("destination") && row.destination.is_empty() || has("origin") && row.origin.is_empty());
        if placed { self.table.rows.push(row) } else { self.placeless.push(row) }
    }

    fn finish(mut self) -> Result<Table> {
        // Where nothing says where to, times alone are learned from; among rows with places, those without belong to no lane.
        if self.table.rows.is_empty() {
            self.table.rows = self.placeless;
        } else if !self.placeless.is_empty() {
            self.table.left_out.insert("without origin or destination", self.placeless.len());
        }
        ensure!(!self.table.rows.is_empty(), "no row has a readable purchase date");
        Ok(self.table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str, columns: &str) -> Result<Table> {
        read(text.as_bytes(), &Columns::parse(columns)?)
    }

    #[test]
    fn known_names_are_found_and_others_mapped() {
        let text = "Order_Date,arrived,country,n_items,freight_value\n2026-03-02 14:30,2026-03-05,FR,2,31.5\n";
        let t = table(text, "delivered=arrived").unwrap();
        let row = &t.rows[0];
        assert_eq!((row.purchased.text(), row.second), ("2026-03-02".into(), 52_200));
        assert_eq!(row.delivered.map(Day::text), Some("2026-03-05".into()));
        assert_eq!((row.destination.as_str(), row.factors.clone()), ("FR", vec!["freight_value ~13".into(), "n_items 2".into()]));
        assert_eq!(row.shipment().groups, ["to FR"]);
        let e = table(text, "").unwrap_err().to_string();
        assert!(e.contains("when it was delivered") && e.contains("arrived"), "{e}");
        let e = table(text, "delivered=came").unwrap_err().to_string();
        assert_eq!(e, "no column came; there are Order_Date, arrived, country, n_items, freight_value");
        assert!(table(text, "color=blue").unwrap_err().to_string().contains("no role color"));
        assert!(table(text, "delivered").unwrap_err().to_string().contains("role=column"));
    }

    #[test]
    fn json_lines_are_read_alike() {
        let text = "{\"purchased\":\"2026-03-02T14:30:00Z\",\"delivered\":\"2026-03-05\",\"origin\":\"A\",\"destination\":\"FR\"}\n\n\
            {\"purchased\":\"2026-03-03\",\"delivered\":null,\"origin\":\"A\",\"destination\":\"FR\",\"service\":\"air\"}\n";
        let t = table(text, "").unwrap();
        assert_eq!(t.rows.len(), 2);
        assert_eq!(t.rows[1].delivered, None);
        assert_eq!(t.rows[1].shipment().groups, ["to FR", "A to FR", "A to FR by air"]);
        assert!(table("{\"purchased\":1}\nnot json", "").unwrap_err().to_string().contains("line 2"));
    }

    #[test]
    fn what_cannot_be_used_is_counted() {
        let text = "purchased,delivered,status,origin,destination\n\
            2026-03-02,2026-03-05,delivered,A,X\n\
            2026-03-02,2026-03-05,canceled,A,X\n\
            soon,2026-03-05,delivered,A,X\n\
            2026-03-02,05/03/2026,delivered,A,X\n\
            2026-03-02,2026-03-05,delivered,,\n\
            2026-03-02,2026-03-05,shipped,A,X\n\
            2026-03-02\n";
        let t = table(text, "").unwrap();
        assert_eq!(t.rows.iter().map(|r| r.delivered.is_some()).collect::<Vec<_>>(), [true, false, false]);
        assert_eq!(t.left_out.values().sum::<usize>(), 4);
        assert_eq!(t.unreadable["an unreadable delivery date"], 1);
        // A row that a file holds twice counts once; parcels of one order, or orders that nothing tells apart, all count.
        let t = table(
            "order_id,purchased,delivered\n1,2026-03-02,2026-03-05\n1,2026-03-02,2026-03-06\n1,2026-03-02,2026-03-05\n",
            "",
        )
        .unwrap();
        assert_eq!((t.rows.len(), t.left_out["the same as a row before"]), (2, 1));
        let t = table("purchased,delivered\n2026-03-02,2026-03-05\n2026-03-02,2026-03-05\n", "").unwrap();
        assert_eq!((t.rows.len(), t.left_out.len()), (2, 0));
        // Where no row has a place, places are not asked for.
        let t = table("purchased,delivered,destination\n2026-03-02,2026-03-05,\n", "").unwrap();
        assert_eq!((t.rows.len(), t.left_out.len()), (1, 0));
        for empty in ["", "\n \n", "purchased,delivered\n"] {
            assert!(table(empty, "").is_err());
        }
    }
}
