//! Looks at order pages, on their way to the tables: a page is answered without waiting for them. What a crash loses is a few seconds
//! of looks, nothing that anybody was told.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use promise::Instant;

use crate::{
    documents::Kept,
    insight::{days, observe},
    state::AppState,
    store::insight::{self, Look},
};

/// How somebody looked: the bits of the table.
#[derive(Clone, Copy, Debug)]
pub enum How {
    Document = 1,
    Page = 2,
    Live = 4,
    LookUp = 8,
}

/// More are not kept between two writes: who asks for more orders than this in a few seconds is no shopper.
const MOST: usize = 50_000;
const EVERY: Duration = Duration::from_secs(5);
/// Written in one transaction, so that webhooks don't wait long.
const BATCH: usize = 500;

/// Zones differ by quarters of hours: within one, it is the same day everywhere.
const QUARTER: i64 = 900;

/// By store, order and quarter of an hour; the day is known once the store's zone is.
type Waiting = HashMap<(String, String, i64), (u8, &'static str)>;

#[derive(Default)]
pub struct Looks(Mutex<Waiting>);

impl Looks {
    fn note(&self, store: &str, order: &str, at: Instant, how: How, state: &'static str) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MOST {
            return;
        }
        let quarter = at.0.div_euclid(QUARTER);
        waiting.entry((store.to_owned(), order.to_owned(), quarter)).or_insert((0, state)).0 |= how as u8;
    }

    fn take(&self) -> Waiting {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Somebody looked at an order. Costs a comparison where the same was seen today.
pub fn looked(state: &AppState, store: &str, order: &str, kept: &Kept, how: How) {
    let now = state.now();
    // Where nobody has asked yet in which zone the store is, the database tells whether it is the first.
    let first = state.zone_known(store).is_none_or(|zone| kept.first_look(days::day(now, zone), how as u8));
    if first {
        state.looks().note(store, order, now, how, observe::state(&kept.document));
    }
}

/// Writes what waits, now.
pub async fn flush(state: &AppState) -> Result<()> {
    let mut waiting = Vec::new();
    for ((store, order, quarter), (how, state_)) in state.looks().take() {
        let day = days::day(Instant(quarter * QUARTER), state.zone(&store).await?);
        waiting.push((store, Look { order, day, how, state: state_ }));
    }
    for batch in waiting.chunks(BATCH) {
        let batch = batch.to_vec();
        let write = state.db().write(move |db| batch.iter().try_for_each(|(store, look)| insight::look(db, store, look)));
        write.await?;
    }
    Ok(())
}

/// Writes them now and then, and at the end.
pub async fn keep(state: AppState) {
    let mut stopping = state.stopping();
    loop {
        let stop = tokio::select! {
            () = tokio::time::sleep(EVERY) => false,
            _ = stopping.wait_for(|stop| *stop) => true,
        };
        if let Err(e) = flush(&state).await {
            tracing::error!(error = format!("{e:#}"), "looks were not kept");
        }
        if stop {
            return;
        }
    }
}
