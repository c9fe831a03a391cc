//! What can be learned: how well promises are kept, by whom, where and when; what shoppers ask; what has changed.
//!
//! `observe` says what an order counts as ([`outcome`]); [`crate::store::insight`] keeps the sums ([`figures`]) in the transaction that
//! changes the order.

pub mod answers;
pub mod chart;
pub mod contacts;
pub mod csv;
pub mod days;
pub mod figures;
pub mod looks;
pub mod observe;
pub mod outcome;
pub mod report;
pub mod share;
pub mod trends;

use anyhow::Result;
use rusqlite::{Connection, params};

use crate::{
    state::AppState,
    store::{insight, messages, orders},
};

/// Orders of one step.
const STEP: i64 = 50;

/// Counts what was not counted yet, or otherwise: what an older version left, and its migrations wrote down. Harmless to run again.
pub async fn catch_up(state: &AppState) -> Result<()> {
    while state.db().write(|db| messages::count_by_zone(db, STEP)).await? {}
    for chore in state.db().read(chores).await? {
        match chore.as_str() {
            "contacts_by_zone" => {
                let mut last = Some(Default::default());
                while let Some(after) = last {
                    last = state.db().write(move |db| insight::contacts_by_zone(db, &after, STEP)).await?;
                }
            }
            "count_orders" => count_orders(state).await?,
            // A newer version's.
            _ => continue,
        }
        state.db().execute(move |db| db.execute("delete from chores where name = ?1", [chore])).await?;
    }
    Ok(())
}

fn chores(db: &Connection) -> Result<Vec<String>> {
    let mut rows = db.prepare("select name from chores order by name")?;
    let rows = rows.query_map([], |r| r.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Counts the orders that were counted otherwise, a few at a time: a store may have millions.
async fn count_orders(state: &AppState) -> Result<()> {
    let config = state.config();
    for store in &config.stores {
        let Some(info) = state.store_info(&store.id) else { continue };
        let mut last = String::new();
        loop {
            let (info, after, now) = (info.clone(), last.clone(), state.now());
            let done = state.db().write(move |db| {
                let sql = "select id, exists (select 1 from insight_orders i where i.store = o.store and i.order_id = o.id and i.counts = ?3)
                           from orders o where store = ?1 and id > ?2 order by id limit ?4";
                let mut rows = db.prepare_cached(sql)?;
                let rows = rows.query_map(params![info.id, after, insight::COUNTS, STEP], |r| Ok((r.get(0)?, r.get(1)?)))?;
                let some: Vec<(String, bool)> = rows.collect::<Result<_, _>>()?;
                let mut changed = Vec::new();
                for (id, _) in some.iter().filter(|o| !o.1) {
                    changed.extend(orders::rebuild(db, &info, id, now)?.map(|version| (id.clone(), version)));
                }
                Ok((some.into_iter().next_back().map(|o| o.0), changed))
            });
            let (next, changed) = done.await?;
            for (order, version) in changed {
                state.changed(&store.id, &order, version);
            }
            let Some(next) = next else { break };
            last = next;
        }
    }
    Ok(())
}

/// The same in the background of a server that has just started.
pub async fn catch_up_at_start(state: AppState) {
    if let Err(e) = catch_up(&state).await {
        tracing::error!(error = format!("{e:#}"), "older orders were not all counted; the next start goes on");
    }
}
