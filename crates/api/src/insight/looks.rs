//! Looks at order pages, on their way to the tables: a page is answered without waiting for them. What a crash loses is a few seconds
//! of looks, nothing that anybody was told.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;

use crate::{
    documents::Kept,
    insight::observe,
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

type Waiting = HashMap<(String, String), Look>;

#[derive(Default)]
pub struct Looks(Mutex<Waiting>);

impl Looks {
    fn note(&self, store: &str, order: &str, day: i32, how: How, state: &'static str) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MOST {
            return;
        }
        let look = waiting.entry((store.to_owned(), order.to_owned())).or_insert_with(|| Look {
            order: order.to_owned(),
            day,
            how: 0,
            state,
        });
        look.how |= how as u8;
    }

    fn take(&self) -> Waiting {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Somebody looked at an order. Costs a comparison where the same was seen today.
pub fn looked(state: &AppState, store: &str, order: &str, kept: &Kept, how: How) {
    let day = today(state);
    if kept.first_look(day, how as u8) {
        state.looks().note(store, order, day, how, observe::state(&kept.document));
    }
}

fn today(state: &AppState) -> i32 {
    i32::try_from(state.now().0.div_euclid(86_400)).unwrap_or_default()
}

/// Writes what waits, now.
pub async fn flush(state: &AppState) -> Result<()> {
    let waiting: Vec<_> = state.looks().take().into_iter().collect();
    for batch in waiting.chunks(BATCH) {
        let batch = batch.to_vec();
        let write = state.db().write(move |db| batch.iter().try_for_each(|((store, _), look)| insight::look(db, store, look)));
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
