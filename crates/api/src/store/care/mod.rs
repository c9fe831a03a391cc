//! What is kept of help after the purchase: settings, reports, feedback, consents, browsers, letters.

pub mod chance;
pub mod feedback;
pub mod reports;
pub mod settings;
pub mod subscribers;
pub mod thefts;

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, params};
use serde_json::Value;
use wire::{OrderDocument, care::Brief};

use crate::care::{checks, report::State};
use crate::store::orders::StoreInfo;

/// What the order document says of it; what is switched off is left out when it is served ([`switched`]), since orders that are done are not
/// made anew.
pub fn brief(db: &Connection, store: &str, order: &str, document: &OrderDocument) -> Result<Brief> {
    let settings = settings::of(db, store)?;
    let wait = i64::from(settings.feedback.after_hours) * 3600;
    let delivered = document.status == "delivered" && !feedback::answered(db, store, order)?;
    // Where nobody says when it was delivered, there is nothing to wait for.
    let ask_from = delivered.then(|| checks::delivered_at(document).map_or(Instant(0), |at| Instant(at.0 + wait)));
    let open = reports::brief(db, store, order)?;
    // Not in the middle of a complaint.
    let calm = open.iter().all(|r| State::parse(&r.state).is_some_and(State::is_closed));
    Ok(Brief {
        help: true,
        reports: true,
        more: true,
        ask: false,
        ask_from: ask_from.filter(|_| calm).map(|at| at.to_string()),
        open,
    })
}

/// Leaves out what the store has switched off. Returns the version of its settings.
pub fn switched(db: &Connection, store: &str, order: &str, document: &mut OrderDocument) -> Result<u64> {
    let care = match document.care.take() {
        Some(care) => care,
        // Made by an older version, and not anew since.
        None => brief(db, store, order, document)?,
    };
    let care = document.care.insert(care);
    let settings = settings::of(db, store)?;
    (care.help, care.reports) = (settings.help.on, settings.reports.on);
    let updates = &settings.updates;
    care.more = updates.push || updates.email || updates.sms || settings.history.on;
    if !settings.reports.on {
        care.open.clear();
    }
    if !settings.feedback.on {
        care.ask_from = None;
    }
    settings::version(db, store)
}

/// What depends on the moment.
pub fn complete(document: &mut OrderDocument, now: Instant) {
    if let Some(care) = &mut document.care {
        care.ask = care.ask_from.as_deref().and_then(Instant::parse).is_some_and(|from| from <= now);
    }
}

/// Forgets what was said about an order.
pub fn forget_order(db: &Connection, store: &str, order: &str) -> Result<()> {
    for table in ["reports", "feedback", "opt_ins", "subscriptions"] {
        db.execute(&format!("delete from {table} where store = ?1 and order_id = ?2"), params![store, order])?;
    }
    Ok(())
}

pub fn forget_store(db: &Connection, store: &str) -> Result<()> {
    for table in ["care_settings", "reports", "feedback", "opt_ins", "subscriptions"] {
        db.execute(&format!("delete from {table} where store = ?1"), [store])?;
    }
    Ok(())
}

/// All that was said about an order, for a data request.
pub fn export(db: &Connection, info: &StoreInfo, order: &str) -> Result<Value> {
    let store = info.id.as_str();
    let rows = |sql: &str| -> Result<Vec<Value>> {
        let mut rows = db.prepare_cached(sql)?;
        let rows = rows.query_map(params![store, order], |r| r.get::<_, String>(0))?;
        rows.map(|t| Ok(serde_json::from_str(&t?)?)).collect()
    };
    let mut opt_ins = rows(
        "select json_object('channel', channel, 'address', address, 'given', given, 'at', at, 'words', words) from opt_ins
         where store = ?1 and order_id = ?2 order by id",
    )?;
    for said in &mut opt_ins {
        if let Some(kept) = said["address"].as_str() {
            said["address"] = crate::messages::people::open_said(info, order, kept)?.into();
        }
    }
    Ok(serde_json::json!({
        "reports": rows("select json_object('id', id, 'kind', kind, 'state', state, 'opened_at', opened_at, 'body', json(body)) from reports
            where store = ?1 and order_id = ?2 order by opened_at")?,
        "photos": rows("select json_object('id', p.id, 'report', p.report, 'kind', p.kind) from report_photos p join reports r on r.id = p.report
            where r.store = ?1 and r.order_id = ?2 order by p.report, p.seq")?,
        "feedback": rows("select json_object('at', at, 'score', score, 'comment', comment) from feedback where store = ?1 and order_id = ?2")?,
        "opt_ins": opt_ins,
    }))
}
