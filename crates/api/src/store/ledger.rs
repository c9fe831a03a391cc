//! The promise ledger: what was promised, when, from what; append-only, a row for each version of an order that moved it.

use anyhow::Result;
use promise::{
    Instant, Request,
    estimate::{DelayShown, Destination, Line},
};
use rusqlite::{Connection, OptionalExtension, params};
use tracking::facts::Order;
use wire::order;

use super::orders::StoreInfo;

/// A promise, and the way that it counted on.
pub struct Promised {
    pub shown: order::Promise,
    pub origin: String,
    pub service: String,
    /// The known delays that it was made under.
    pub delays: Vec<DelayShown>,
    /// It counted on stock that was still to come.
    pub waits: bool,
}

/// The promise in the ledger, for an order's oldest known version; made and recorded now, as of the order's moment, where there is none
/// yet, or only one for a newer version.
pub fn promise_of(db: &Connection, store: &StoreInfo, order: &Order, basis: &str, now: Instant) -> Result<Option<Promised>> {
    let placed_at = Instant::parse(&order.placed_at).unwrap_or(now);
    let sql = "select window_from, window_to, confidence, method, made_at, offer ->> 'origin', offer ->> 'service', basis, seq, delays,
                   exists (select 1 from json_each(offer, '$.steps') s where s.value ->> '$.kind' in ('back_in_stock', 'back_order')) from promises
               where store = ?1 and order_id = ?2 order by seq desc limit 1";
    type Record = (Option<Promised>, String, i64);
    let read = |r: &rusqlite::Row| -> rusqlite::Result<Record> {
        let (from, to): (Option<String>, Option<String>) = (r.get(0)?, r.get(1)?);
        let (confidence, method, made_at) = (r.get(2)?, r.get(3)?, Instant(r.get(4)?).to_string());
        let (origin, service): (Option<String>, Option<String>) = (r.get(5)?, r.get(6)?);
        let (delays, waits): (String, bool) = (r.get(9)?, r.get(10)?);
        let promised = from.zip(to).map(|(from, to)| Promised {
            shown: order::Promise { from, to, confidence, method, made_at },
            origin: origin.unwrap_or_default(),
            service: service.unwrap_or_default(),
            delays: serde_json::from_str(&delays).unwrap_or_default(),
            waits,
        });
        Ok((promised, r.get(7)?, r.get(8)?))
    };
    let mut seq = 0;
    if let Some((found, of, last)) = db.prepare_cached(sql)?.query_row(params![store.id, order.id], read).optional()? {
        if of.as_str() <= basis {
            return Ok(found);
        }
        seq = last;
    }
    let Some(policy) = super::learned::in_force(db, &store.id, placed_at)? else { return Ok(None) };
    let document = policy.document(placed_at);
    let named = order.shipping_methods.iter().find_map(|m| document.method_named(m)).or_else(|| document.methods.first());
    let Some(method) = named.map(|m| m.id.clone()) else { return Ok(None) };
    let request = Request { items: lines(order), destination: destination(order), method: Some(method.clone()) };
    let estimate = promise::estimate(&document, &request, placed_at);
    let offer = estimate.options.first().cloned().unwrap_or_default();
    let shown = order.attributes.iter().find(|a| a.0 == "whereabouts_promise").map(|a| a.1.clone());
    db.execute(
        "insert into promises (store, order_id, seq, basis, made_at, recorded_at, policy_version, method, window_from, window_to, confidence, request, offer, shown, language, delays, learned_version)
         values (?1, ?2, ?14, ?15, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?16, ?17)",
        params![
            store.id, order.id, placed_at.0, now.0, estimate.policy_version.cast_signed(), method, offer.window.map(|w| w.from.to_string()),
            offer.window.map(|w| w.to.to_string()), offer.confidence, serde_json::to_string(&request)?, serde_json::to_string(&offer)?, shown, order.language, seq + 1, basis,
            serde_json::to_string(&estimate.delays)?, policy.learned.cast_signed()
        ],
    )?;
    Ok(db.query_row(sql, params![store.id, order.id], read)?.0)
}

fn lines(order: &Order) -> Vec<Line> {
    order.lines.iter().filter(|l| l.requires_shipping).map(|l| Line { sku: l.sku.clone(), quantity: l.quantity }).collect()
}

pub fn destination(order: &Order) -> Destination {
    let a = &order.destination;
    Destination {
        country: a.country.clone().unwrap_or_default(),
        region: a.region.clone().unwrap_or_default(),
        postal_code: a.postal_code.clone().unwrap_or_default(),
        po_box: a.po_box,
    }
}
