//! Where parcels are stolen: told by area, once it is many, and the safer ways to receive one come first there.

use anyhow::Result;
use promise::{Document, Instant, document::Place};
use rusqlite::{Connection, params};

use super::settings;

/// Days that thefts count.
const COUNT: i64 = 365;

/// Country and the part of a postal code that many share: `US-941`, `GB-SW1A`; never a whole code.
pub fn area(country: Option<&str>, postal: Option<&str>) -> Option<String> {
    let country = country?.to_ascii_uppercase();
    let code = crate::store::orders::plain(postal?);
    let long = match country.as_str() {
        "GB" | "IE" => code.len().checked_sub(3)?.min(4),
        "US" | "CA" => 3,
        _ => code.len().saturating_sub(2).min(3),
    };
    code.get(..long).filter(|c| !c.is_empty()).map(|c| format!("{country}-{c}"))
}

/// Areas where parcels were stolen from many orders within a year, with how many: fewer are nobody's business. A report counts once it was sent
/// and unless it was withdrawn or declined.
pub fn areas(db: &Connection, store: &str, now: Instant) -> Result<Vec<(String, u32)>> {
    many(db, store, now, settings::of(db, store)?.safer.from)
}

fn many(db: &Connection, store: &str, now: Instant, least: u32) -> Result<Vec<(String, u32)>> {
    let mut rows = db.prepare_cached(
        "select area, count(distinct order_id) from reports
         where store = ?1 and kind = 'stolen' and area is not null and state not in ('open', 'withdrawn', 'declined') and opened_at >= ?2
         group by area having count(distinct order_id) >= ?3 order by area",
    )?;
    let rows = rows.query_map(params![store, now.0 - COUNT * 86_400, least], |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The same as the promise document says it: none where that is switched off.
pub fn places(db: &Connection, store: &str, now: Instant) -> Result<Vec<Place>> {
    let safer = settings::of(db, store)?.safer;
    if !safer.on {
        return Ok(Vec::new());
    }
    let place = |(area, _): (String, u32)| {
        let (country, code) = area.split_once('-')?;
        Some(Place { country: country.into(), postal_codes: vec![(code.into(), code.into())], ..Place::default() })
    };
    Ok(many(db, store, now, safer.from)?.into_iter().filter_map(place).collect())
}

/// Says so in the document, where there is a safer way to offer. A method that ends in other hands than the doorstep's is one by itself.
pub fn offer_safer(document: &mut Document, places: Vec<Place>) {
    if places.is_empty() {
        return;
    }
    for m in &mut document.methods {
        let own = match m.to.as_str() {
            "" if m.signature => "signature",
            "" => continue,
            "locker" => "locker",
            _ => "pickup",
        };
        if m.safe.is_empty() {
            m.safe.push(own.into());
        }
    }
    if document.methods.iter().any(|m| !m.safe.is_empty()) {
        document.safer = places;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_is_never_a_whole_postal_code() {
        let ask = |country, code| area(Some(country), Some(code)).unwrap_or_default();
        assert_eq!(
            [
                ask("us", "94103-1234"),
                ask("GB", "SW1A 1AA"),
                ask("DE", "10115"),
                ask("NL", "1011 AB"),
                ask("AT", "1010"),
                ask("FO", "12")
            ],
            ["US-941", "GB-SW1A", "DE-101", "NL-101", "AT-10", ""]
        );
        assert_eq!(area(None, Some("94103")), None);
    }

    #[test]
    fn nothing_is_said_where_nothing_safer_can_be_offered() {
        let place = || vec![Place { country: "US".into(), ..Place::default() }];
        let mut document = Document { methods: vec![promise::document::Method::default()], ..Document::default() };
        offer_safer(&mut document, place());
        assert_eq!(document.safer, []);
        document.methods.push(promise::document::Method { to: "store".into(), ..Default::default() });
        offer_safer(&mut document, place());
        assert_eq!(
            (document.safer, &document.methods[0].safe, &document.methods[1].safe),
            (place(), &vec![], &vec!["pickup".to_owned()])
        );
    }
}
