//! A carrier's list of incidents, as a table.

use std::io::Read;

use anyhow::{Context, Result, anyhow};
use promise::{
    Day, Instant,
    incident::{self, Row},
    policy::Invalid,
};

/// Rows of a list (CSV with a header), or all that is wrong with it.
///
/// Columns: `carrier`, `service`, `country`, `postal_code` (a code, a prefix or a range), `from`, `until` (dates, or RFC 3339), `days` (`2` or `1-3`
/// extra working days), `reason`, `severity`, `language`, `message`. All but `from`, and `carrier` or `country`, may be left out.
pub fn read(text: impl Read) -> Result<Result<Vec<Row>, Vec<Invalid>>> {
    const COLUMNS: [&str; 11] =
        ["carrier", "service", "country", "postal_code", "from", "until", "days", "reason", "severity", "language", "message"];
    let mut table = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text);
    let header: Vec<String> = table.headers().context("the list can't be read")?.iter().map(str::to_lowercase).collect();
    let column = |name: &str| header.iter().position(|h| h.trim_start_matches('\u{feff}') == name);
    if column("from").is_none() {
        return Err(anyhow!("the first line must name the columns: {}", COLUMNS.join(", ")));
    }
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for (n, record) in table.records().enumerate() {
        let record = record.context("the list can't be read")?;
        let field = |name: &str| column(name).and_then(|at| record.get(at)).unwrap_or_default();
        // Lines as an editor counts them: the header is the first.
        let mut bad =
            |name: &str, message: &str| wrong.push(Invalid { field: format!("line {}, {name}", n + 2), message: message.into() });
        let moment = |name: &str, end: bool| match (Instant::parse(field(name)), Day::parse(field(name))) {
            (Some(at), _) => Some(at),
            // The whole of the last day.
            (None, Some(day)) => Some(Instant((i64::from(day.0) + i64::from(end)) * 86_400)),
            _ => None,
        };
        let from = moment("from", false);
        if from.is_none() {
            bad("from", "write a date (2026-12-01), or RFC 3339");
        }
        let until = moment("until", true);
        if until.is_none() && !field("until").is_empty() {
            bad("until", "write a date (2026-12-01), or RFC 3339; leave it empty where the end is not known");
        }
        let days = field("days");
        let (least, most) = days.split_once('-').unwrap_or((days, days));
        let days = match (least.trim().parse(), most.trim().parse()) {
            _ if days.is_empty() => Some((1, 1)),
            (Ok(least), Ok(most)) => Some((least, most)),
            _ => None,
        };
        if days.is_none() {
            bad("days", "write extra working days: 2, or 1-3");
        }
        let severity = if field("severity").is_empty() { Ok(0) } else { field("severity").parse() };
        if severity.is_err() {
            bad("severity", "write 1, 2 or 3");
        }
        if field("carrier").is_empty() && field("service").is_empty() && field("country").is_empty() {
            bad("carrier", "say what is late: a carrier, a service or a country");
        }
        if field("country").is_empty() && !field("postal_code").is_empty() {
            bad("country", "a postal code needs its country, such as US");
        }
        let (message, language) = (field("message"), field("language"));
        let row = Row {
            carrier: field("carrier").into(),
            service: field("service").into(),
            country: field("country").to_ascii_uppercase(),
            postal_code: field("postal_code").into(),
            from: from.unwrap_or_default(),
            until,
            days: days.unwrap_or_default(),
            reason: field("reason").to_lowercase(),
            severity: severity.unwrap_or_default(),
            message: (!message.is_empty()).then(|| (if language.is_empty() { "en" } else { language }.into(), message.into())),
        };
        // What a notice made of it would be refused for.
        for (delay, _) in incident::notices(std::slice::from_ref(&row), incident::MOST_RANGES) {
            for i in delay.validate() {
                let name = if i.field.starts_with("effect") { "days" } else { i.field.rsplit('.').next().unwrap_or_default() };
                wrong.push(Invalid { field: format!("line {}, {name}", n + 2), message: i.message });
            }
        }
        rows.push(row);
    }
    if rows.is_empty() && wrong.is_empty() {
        wrong.push(Invalid { field: "line 2".into(), message: "the list has no rows".into() });
    }
    Ok(if wrong.is_empty() { Ok(rows) } else { Err(wrong) })
}
