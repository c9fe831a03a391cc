//! What can be learned: how well promises are kept, by whom, where and when; what shoppers ask; what has changed.
//!
//! `observe` says what an order counts as ([`outcome`]); [`crate::store::insight`] keeps the sums ([`figures`]) in the transaction that
//! changes the order.

pub mod answers;
pub mod chart;
pub mod contacts;
pub mod csv;
pub mod figures;
pub mod looks;
pub mod observe;
pub mod outcome;
pub mod report;
pub mod share;
pub mod trends;

use anyhow::Result;

use crate::{
    state::AppState,
    store::{insight, orders},
};

/// Orders of one step.
const STEP: usize = 50;

/// Counts orders that were not counted yet: those that an older version left, which counted nothing. Harmless to run again.
pub async fn catch_up(state: &AppState) -> Result<()> {
    let config = state.config();
    for store in &config.stores {
        let Some(info) = state.store_info(&store.id) else { continue };
        let of = store.id.clone();
        let missing = state.db().read(move |db| {
            let mut rows = db.prepare(
                "select id from orders o where store = ?1 and not exists (
                     select 1 from insight_orders i where i.store = o.store and i.order_id = o.id and i.counts = ?2) order by id",
            )?;
            let rows = rows.query_map(rusqlite::params![of, insight::COUNTS], |r| r.get::<_, String>(0))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        });
        for some in missing.await?.chunks(STEP) {
            let (info, some, now) = (info.clone(), some.to_vec(), state.now());
            let changed = state.db().write(move |db| {
                let mut changed = Vec::new();
                for id in some {
                    changed.extend(orders::rebuild(db, &info, &id, now)?.map(|version| (id, version)));
                }
                Ok(changed)
            });
            for (order, version) in changed.await? {
                state.changed(&store.id, &order, version);
            }
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
