//! What platforms ask for on a shopper's or a merchant's behalf: data requests, redaction.

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tracking::facts;

use super::orders::{StoreInfo, hash_email};

/// Does what a compliance topic promises, and records that it was asked and done.
pub fn act(db: &Connection, store: &StoreInfo, event: i64, request: &facts::Request, now: Instant) -> Result<()> {
    let email_hash = request.email.as_deref().map(|e| hash_email(&store.lookup_secret, e));
    if request.topic == "shop/redact" {
        // The request itself goes with the rest: nothing of the store stays.
        return forget_store(db, &store.id);
    }
    db.execute(
        "insert or replace into requests (event, store, topic, orders, email_hash, received_at) values (?1, ?2, ?3, ?4, ?5, ?6)",
        params![event, store.id, request.topic, serde_json::to_string(&request.orders)?, email_hash, now.0],
    )?;
    if request.topic == "customers/redact" {
        for order in orders_of(db, &store.id, &request.orders, email_hash.as_deref())? {
            forget_order(db, &store.id, &order)?;
        }
        // The body names the customer.
        db.execute("update events set body = x'', state = 3 where id = ?1", [event])?;
        db.execute("update requests set done_at = ?2, email_hash = null where event = ?1", params![event, now.0])?;
    }
    if request.topic == "app/uninstalled" {
        // Orders stay until `shop/redact` comes, two days later: shoppers still wait for them. Of the owner, whom the body names, nothing
        // stays, and there is nothing to do.
        db.execute("update events set body = x'', state = 3 where id = ?1", [event])?;
        db.execute("update requests set done_at = ?2 where event = ?1", params![event, now.0])?;
    }
    Ok(())
}

/// The named orders; where none is named, those with the address.
fn orders_of(db: &Connection, store: &str, named: &[String], email_hash: Option<&str>) -> Result<Vec<String>> {
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    let mut rows = db.prepare_cached("select id from orders where store = ?1 and email_hash = ?2")?;
    let rows = rows.query_map(params![store, email_hash], |r| r.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Forgets an order: facts, parcels, documents, and the bodies of all events about it. Of its promise the window stays, without the
/// place: it proves what was promised, to nobody in particular.
pub fn forget_order(db: &Connection, store: &str, order: &str) -> Result<()> {
    super::insight::forget(db, store, order)?;
    let own = params![store, order];
    let parcels = "select tracking_number from parcels where store = ?1 and order_id = ?2";
    let mut about = db.prepare_cached(&format!(
        "select event from event_subjects where store = ?1 and kind = 'order' and id = ?2
         union select event from event_subjects where store = ?1 and kind = 'parcel' and id in ({parcels})"
    ))?;
    let about: Vec<i64> = about.query_map(own, |r| r.get(0))?.collect::<Result<_, _>>()?;
    for event in about {
        db.prepare_cached("update events set body = x'', state = 3 where id = ?1")?.execute([event])?;
        db.prepare_cached("delete from problems where event = ?1")?.execute([event])?;
        db.prepare_cached("delete from event_subjects where event = ?1")?.execute([event])?;
    }
    db.execute(
        &format!("delete from parcel_aliases where store = ?1 and (tracking_number in ({parcels}) or alias in ({parcels}))"),
        own,
    )?;
    db.execute(
        "delete from fulfillment_scans where store = ?1 and fulfillment_id in (select id from fulfillments where store = ?1 and order_id = ?2)",
        own,
    )?;
    super::shoppers::delete_rows(db, store, order)?;
    super::care::forget_order(db, store, order)?;
    db.execute(
        "create temp table kept as select store, order_id, seq, basis, made_at, recorded_at, policy_version, method, window_from, window_to, confidence, learned_version
         from promises where store = ?1 and order_id = ?2",
        own,
    )?;
    db.execute("insert into redacting values (1)", [])?;
    db.execute("delete from promises where store = ?1 and order_id = ?2", own)?;
    db.execute("delete from redacting", [])?;
    db.execute_batch(
        "insert into promises (store, order_id, seq, basis, made_at, recorded_at, policy_version, method, window_from, window_to, confidence, learned_version, request, offer)
         select store, order_id, seq, basis, made_at, recorded_at, policy_version, method, window_from, window_to, confidence, learned_version, '{}', '{}' from kept;
         drop table kept;",
    )?;
    Ok(())
}

/// All of a store but its staff and its settings: whoever runs it may still sign in and see that nothing is left.
fn forget_store(db: &Connection, store: &str) -> Result<()> {
    db.execute("insert into redacting values (1)", [])?;
    super::care::forget_store(db, store)?;
    const STAY: [&str; 5] = ["members", "invitations", "store_keys", "store_settings", "store_endpoints"];
    for holder in super::holders::TABLES.iter().filter(|h| h.by_store && !STAY.contains(&h.table)) {
        db.execute(&format!("delete from {} where store = ?1", holder.table), [store])?;
    }
    db.execute("delete from redacting", [])?;
    Ok(())
}

/// The requests of a store, newest first.
pub fn requests(db: &Connection, store: &str) -> Result<Vec<Value>> {
    let mut rows = db
        .prepare_cached("select event, topic, orders, received_at, done_at from requests where store = ?1 order by event desc")?;
    let rows = rows.query_map([store], |r| {
        let orders: String = r.get(2)?;
        Ok(json!({"id": r.get::<_, i64>(0)?, "topic": r.get::<_, String>(1)?, "orders": serde_json::from_str::<Value>(&orders).unwrap_or_default(),
            "received_at": Instant(r.get(3)?), "done_at": r.get::<_, Option<i64>>(4)?.map(Instant)}))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// All that is kept about the orders of a data request, for the merchant to hand over.
pub fn export(db: &Connection, info: &StoreInfo, request: i64, now: Instant) -> Result<Option<Value>> {
    let store = info.id.as_str();
    let found = db
        .prepare_cached("select orders, email_hash from requests where store = ?1 and event = ?2")?
        .query_row(params![store, request], |r| Ok((r.get::<_, String>(0)?, r.get::<_, Option<String>>(1)?)));
    let Some((named, email_hash)) = rusqlite::OptionalExtension::optional(found)? else { return Ok(None) };
    let mut orders = Vec::new();
    for order in orders_of(db, store, &serde_json::from_str::<Vec<String>>(&named)?, email_hash.as_deref())? {
        let text = |sql: &str| -> Result<Vec<Value>> {
            let mut rows = db.prepare_cached(sql)?;
            let rows = rows.query_map(params![store, order], |r| r.get::<_, String>(0))?;
            rows.map(|t| Ok(serde_json::from_str(&t?)?)).collect()
        };
        let events = text(
            "select json_object('source', source, 'topic', topic, 'received_at', received_at, 'body', cast(body as text)) from events
             where id in (select event from event_subjects where store = ?1 and kind = 'order' and id = ?2) order by id",
        )?;
        orders.push(json!({
            "order": order,
            "facts": text("select facts from orders where store = ?1 and id = ?2")?,
            "fulfillments": text("select facts from fulfillments where store = ?1 and order_id = ?2 order by id")?,
            "parcels": text("select facts from parcel_parts where store = ?1 and tracking_number in
                (select tracking_number from parcels where store = ?1 and order_id = ?2) order by tracking_number")?,
            "promise": text("select json_object('from', window_from, 'to', window_to, 'request', json(request), 'shown', shown, 'language', language)
                from promises where store = ?1 and order_id = ?2 order by seq")?,
            "care": super::care::export(db, info, &order)?,
            "events": events,
        }));
    }
    Ok(Some(json!({"made_at": now, "orders": orders})))
}

/// The merchant has handed the data over.
pub fn done(db: &Connection, store: &str, request: i64, now: Instant) -> Result<bool> {
    Ok(db.execute("update requests set done_at = ?3 where store = ?1 and event = ?2", params![store, request, now.0])? > 0)
}
