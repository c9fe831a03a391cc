//! A shopper asks what is kept of them, or to be forgotten: found by email or by orders, over every table that holds something
//! ([`super::holders`]).

use anyhow::Result;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use promise::Instant;
use rusqlite::{Connection, params, types::ValueRef};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    audit,
    holders::{Holds, TABLES},
    orders::{StoreInfo, hash_email, plain},
    privacy,
};
use crate::{ingest, insight::looks, messages::people, state::AppState};

/// Who it is about. With both, both count.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Shopper {
    pub email: Option<String>,
    /// Ids of orders, or the numbers that shoppers know them by.
    pub orders: Vec<String>,
}

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Erased {
    pub orders: usize,
    /// Raw events whose bodies were emptied.
    pub events: usize,
}

impl Shopper {
    fn email_hash(&self, store: &StoreInfo) -> Option<String> {
        self.email.as_deref().map(|e| e.trim()).filter(|e| !e.is_empty()).map(|e| hash_email(&store.lookup_secret, e))
    }

    /// The ids of all orders that are meant.
    fn found(&self, db: &Connection, store: &StoreInfo) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        let mut take = |sql: &str, value: &str| -> Result<()> {
            let mut rows = db.prepare_cached(sql)?;
            for id in rows.query_map([&store.id, value], |r| r.get::<_, String>(0))? {
                ids.push(id?);
            }
            Ok(())
        };
        if let Some(hash) = self.email_hash(store) {
            take("select id from orders where store = ?1 and email_hash = ?2", &hash)?;
            take("select order_id from contacts where store = ?1 and email_hash = ?2", &hash)?;
        }
        for order in self.orders.iter().filter(|o| !o.is_empty()) {
            take("select id from orders where store = ?1 and id = ?2", order)?;
            if !plain(order).is_empty() {
                take("select id from orders where store = ?1 and number = ?2", &plain(order))?;
            }
        }
        ids.sort();
        ids.dedup();
        Ok(ids)
    }
}

/// Forgets a shopper: all orders, and what is kept by the address alone, on disk and in memory. Says how much that was; the audit log keeps that
/// it was done, not for whom.
pub async fn erase(state: &AppState, store: StoreInfo, shopper: Shopper, actor: String) -> Result<Erased> {
    // Events that came and were not read yet may be about them too; so may looks.
    while ingest::project_next(state).await? {}
    looks::flush(state).await?;
    let done = state.db().write(move |db| erase_found(db, &store, &shopper, &actor)).await?;
    state.documents().forget();
    state.db().empty_log().await?;
    Ok(done)
}

fn erase_found(db: &Connection, store: &StoreInfo, shopper: &Shopper, actor: &str) -> Result<Erased> {
    let found = shopper.found(db, store)?;
    let redacted = "select count(*) from events where store = ?1 and state = 3";
    let before: i64 = db.query_row(redacted, [&store.id], |r| r.get(0))?;
    for order in &found {
        privacy::forget_order(db, &store.id, order)?;
    }
    let after: i64 = db.query_row(redacted, [&store.id], |r| r.get(0))?;
    if let Some(email) = shopper.email.as_deref().filter(|e| !e.trim().is_empty()) {
        let hash = people::address_hash(store, "mail", email);
        db.execute("delete from messages where store = ?1 and recipient = ?2", [&store.id, &hash])?;
        db.execute("delete from consents where store = ?1 and address = ?2", [&store.id, &hash])?;
        db.execute("update suppressions set hint = null where store = ?1 and address = ?2", [&store.id, &hash])?;
    }
    let erased = Erased { orders: found.len(), events: usize::try_from(after - before).unwrap_or(0) };
    audit::record(db, &store.id, actor, "shopper.erase", "", &serde_json::to_value(&erased)?)?;
    Ok(erased)
}

/// All that is kept of a shopper, by table, for the merchant to hand over.
pub fn export(db: &Connection, store: &StoreInfo, shopper: &Shopper, now: Instant) -> Result<Value> {
    let mut orders = Vec::new();
    for order in shopper.found(db, store)? {
        orders.push(of_order(db, store, &order)?);
    }
    let mut by_address = Map::new();
    if let Some(email) = shopper.email.as_deref().filter(|e| !e.trim().is_empty()) {
        let hash = people::address_hash(store, "mail", email);
        for (table, column) in [("consents", "address"), ("suppressions", "address"), ("messages", "recipient")] {
            let sql = format!("select * from {table} where store = ?1 and {column} = ?2");
            by_address.insert(table.into(), rows(db, &sql, &[&store.id, &hash])?);
        }
    }
    Ok(json!({"store": store.id, "made_at": now, "orders": orders, "by_address": by_address}))
}

/// An order's rows in every table that holds some.
pub fn of_order(db: &Connection, store: &StoreInfo, order: &str) -> Result<Value> {
    let parcels = "select tracking_number from parcels where store = ?1 and order_id = ?2";
    let mut all = Map::from_iter([("order".to_owned(), json!(order))]);
    for holder in TABLES {
        let table = holder.table;
        let sql = match (holder.holds, table) {
            (Holds::Order(column), _) => format!("select * from {table} where store = ?1 and {column} = ?2"),
            (Holds::Parcel(column), _) => format!("select * from {table} where store = ?1 and {column} in ({parcels})"),
            (_, "promises" | "insight_orders" | "contact_log" | "event_subjects") => match table {
                "event_subjects" => continue,
                _ => format!("select * from {table} where store = ?1 and order_id = ?2"),
            },
            (_, "fulfillment_scans") => "select * from fulfillment_scans where store = ?1 and fulfillment_id in
                (select id from fulfillments where store = ?1 and order_id = ?2)"
                .to_owned(),
            (_, "events") => format!(
                "select * from events where id in (
                    select event from event_subjects where store = ?1 and kind = 'order' and id = ?2
                    union select event from event_subjects where store = ?1 and kind = 'parcel' and id in ({parcels})) order by id"
            ),
            _ => continue,
        };
        let mut found = rows(db, &sql, &[&store.id, order])?;
        if matches!(table, "contacts" | "opt_ins") {
            unsealed(db, store, order, &mut found)?;
        }
        if found.as_array().is_some_and(|f| !f.is_empty()) {
            all.insert(table.to_owned(), found);
        }
    }
    Ok(Value::Object(all))
}

/// How the shopper is reached, and what was said on the order's page, stand sealed in the tables: the person it is about may read them.
fn unsealed(db: &Connection, store: &StoreInfo, order: &str, found: &mut Value) -> Result<()> {
    let contact = people::contact(db, &store.id, order)?.unwrap_or_default();
    for row in found.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        if row.contains_key("sealed") {
            // Where the key was changed meanwhile, nobody can.
            if let Ok(addresses) = contact.addresses(store, order) {
                row.insert("sealed".into(), json!(addresses));
            }
        }
        if let Some(kept) = row.get("address").and_then(Value::as_str)
            && let Ok(address) = people::open_said(store, order, kept)
        {
            row.insert("address".into(), address.into());
        }
    }
    Ok(())
}

/// Rows as they are, columns by name. A text that is JSON is shown as such.
fn rows(db: &Connection, sql: &str, by: &[&str]) -> Result<Value> {
    let mut statement = db.prepare_cached(sql)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = statement.query(rusqlite::params_from_iter(by))?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        let mut one = Map::new();
        for (n, name) in names.iter().enumerate() {
            let value = match row.get_ref(n)? {
                ValueRef::Null => continue,
                ValueRef::Integer(i) => json!(i),
                ValueRef::Real(x) => json!(x),
                ValueRef::Text(text) => text_value(text),
                ValueRef::Blob(bytes) => match std::str::from_utf8(bytes) {
                    Ok(text) => text_value(text.as_bytes()),
                    Err(_) => json!(BASE64.encode(bytes)),
                },
            };
            one.insert(name.clone(), value);
        }
        all.push(Value::Object(one));
    }
    Ok(Value::Array(all))
}

fn text_value(text: &[u8]) -> Value {
    let plain = || Value::String(String::from_utf8_lossy(text).into_owned());
    match text.first() {
        Some(b'{' | b'[') => serde_json::from_slice(text).unwrap_or_else(|_| plain()),
        _ => plain(),
    }
}

/// Deletes what a table holds of an order row by row: parcels first, since the table of parcels says which they are.
pub fn delete_rows(db: &Connection, store: &str, order: &str) -> Result<()> {
    for holder in TABLES {
        let table = holder.table;
        let sql = match holder.holds {
            Holds::Order(column) => format!("delete from {table} where store = ?1 and {column} = ?2"),
            Holds::Parcel(column) => format!(
                "delete from {table} where store = ?1 and {column} in (select tracking_number from parcels where store = ?1 and order_id = ?2)"
            ),
            _ => continue,
        };
        db.prepare_cached(&sql)?.execute(params![store, order])?;
    }
    Ok(())
}
