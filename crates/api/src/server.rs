//! The running API: the listener, the projection of events, and the clock.

use std::time::Duration;

use anyhow::Result;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    codes, front, incidents, ingest,
    insight::{self, looks},
    learning, messages, outbound, poll, routes,
    state::AppState,
    store::retention,
    telemetry,
};

/// Serves until [`AppState::stop`] is called; then ends open streams, answers what has begun, and projects what has been stored.
pub async fn run(listener: TcpListener, state: AppState) -> Result<()> {
    let worker: JoinHandle<()> = tokio::spawn(work(state.clone()));
    let clock = tokio::spawn(reestimate(state.clone()));
    let delays = tokio::spawn(incidents::keep(state.clone()));
    let learning = tokio::spawn(learning::keep(state.clone()));
    let figures = tokio::spawn(telemetry::upkeep());
    let outbound = tokio::spawn(send(state.clone()));
    let messages = tokio::spawn(tell(state.clone()));
    let polling = tokio::spawn(ask(state.clone()));
    let looks = tokio::spawn(looks::keep(state.clone()));
    let reviews = tokio::spawn(review(state.clone()));
    let retention = tokio::spawn(retention::keep(state.clone()));
    tokio::spawn(insight::catch_up_at_start(state.clone()));
    tokio::spawn(codes::catch_up_at_start(state.clone()));
    front::serve(listener, state.clone(), routes::app(state.clone())).await?;
    worker.await?;
    outbound.await?;
    messages.await?;
    polling.await?;
    looks.await?;
    reviews.abort();
    retention.await?;
    clock.abort();
    delays.abort();
    learning.abort();
    figures.abort();
    state.db().empty_log().await
}

/// Resolves when the process is asked to end.
pub async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

/// Projects events as they come, and those that an earlier run left.
async fn work(state: AppState) {
    let stopping = state.stopping();
    loop {
        rest(&state).await;
        match ingest::project_next(&state).await {
            Ok(true) => {}
            Ok(false) if *stopping.borrow() => return,
            Ok(false) => state.woken().await,
            Err(e) => {
                tracing::error!(error = format!("{e:#}"), "projecting failed; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// In a rush of webhooks, answering them comes first: projecting waits until it is over, but no longer than a moment, so that pages
/// never lag behind by more.
async fn rest(state: &AppState) {
    const MOMENT: u32 = 40;
    for _ in 0..MOMENT {
        if !state.rushed() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Sends outbound webhooks; a failure of the database is met by trying again.
async fn send(state: AppState) {
    while let Err(e) = outbound::run(state.clone()).await {
        tracing::error!(error = format!("{e:#}"), "sending failed; trying again");
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

/// Sends messages, likewise.
async fn tell(state: AppState) {
    while let Err(e) = messages::sender::run(state.clone()).await {
        tracing::error!(error = format!("{e:#}"), "sending messages failed; trying again");
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

/// Asks carriers, likewise.
async fn ask(state: AppState) {
    while let Err(e) = poll::run(state.clone()).await {
        tracing::error!(error = format!("{e:#}"), "asking carriers failed; trying again");
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

/// Looks at reports again on the days that were named for it.
async fn review(state: AppState) {
    let mut tick = tokio::time::interval(Duration::from_secs(60));
    loop {
        tick.tick().await;
        if let Err(e) = routes::care::review(&state).await {
            tracing::error!(error = format!("{e:#}"), "reports were not looked at again; trying again");
        }
    }
}

/// Windows move with the days.
async fn reestimate(state: AppState) {
    let mut tick = tokio::time::interval(Duration::from_secs(1800));
    loop {
        tick.tick().await;
        for store in &state.config().stores {
            if let Err(e) = ingest::reestimate(&state, &store.id).await {
                tracing::error!(error = format!("{e:#}"), store = store.id, "re-estimating failed");
            }
            if let Err(e) = messages::options::tick(&state, &store.id).await {
                tracing::error!(error = format!("{e:#}"), store = store.id, "settling delay options failed");
            }
        }
    }
}
