//! Help after the purchase, over HTTP: JSON for whoever builds a page of their own, screens for the widget's module and for hosted pages.

pub mod admin;
pub mod document;
pub mod feedback;
pub mod push;
pub mod reports;
pub mod screens;

use anyhow::Result;
use axum::http::{HeaderMap, StatusCode};
use promise::Instant;
use rusqlite::Connection;
use wire::problem::FieldError;

use crate::{
    problem::Problem,
    state::AppState,
    store::{
        care::reports::{self as kept, Refused},
        orders::{self, StoreInfo},
    },
    token::Claim,
};

/// A change to what is kept of an order: done whole or not at all, with the new document of the order.
pub async fn change<T: Send + 'static>(
    state: &AppState,
    store: &str,
    order: &str,
    act: impl FnOnce(&Connection, &StoreInfo, Instant) -> Result<Result<T, Refused>> + Send + 'static,
) -> Result<Result<T, Refused>, Problem> {
    let info = state.store_info(store).ok_or_else(Problem::no_store)?;
    let (id, now) = (order.to_owned(), state.now());
    let (done, version) = state
        .db()
        .write(move |db| {
            let done = act(db, &info, now)?;
            let version = if done.is_ok() { orders::rebuild(db, &info, &id, now)? } else { None };
            Ok((done, version))
        })
        .await?;
    if let Some(version) = version {
        state.changed(store, order, version);
    }
    state.wake_outbound();
    Ok(done)
}

/// Looks at all reports whose day has come.
pub async fn review(state: &AppState) -> Result<()> {
    let now = state.now();
    let due = state.db().read(move |db| kept::due(db, now)).await?;
    for (store, order, id) in due {
        let which = order.clone();
        let done = change(state, &store, &order, move |db, info, now| {
            kept::review(db, info, &which, &id, now)?;
            Ok(Ok(()))
        });
        if let Err(problem) = done.await {
            // A store that is configured no longer: its reports wait with it.
            tracing::debug!(detail = problem.0.detail, store, "a report was passed over");
        }
    }
    Ok(())
}

/// Counts one thing that a shopper sends about an order.
pub fn count(state: &AppState, claim: &Claim) -> Result<(), Problem> {
    match state.may_send(&format!("{} {}", claim.store, claim.order_id)) {
        true => Ok(()),
        false => Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "that is a lot at once: wait a minute")),
    }
}

/// The sender's own key of a request, so that sending it twice does it once.
pub fn key(headers: &HeaderMap) -> Option<String> {
    let given = headers.get("idempotency-key")?.to_str().ok()?.trim();
    (!given.is_empty() && given.len() <= 200).then(|| given.to_owned())
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        match refused {
            Refused::Unknown => Problem::new(StatusCode::NOT_FOUND, "there is no such report of this order"),
            Refused::NotNow(why) => Problem::new(StatusCode::CONFLICT, why),
            Refused::Open(id) => {
                Problem::new(StatusCode::CONFLICT, format!("the same is reported already: see report {id}, and add to it"))
            }
            Refused::TooMany(why) => Problem::new(StatusCode::CONFLICT, why),
            Refused::Field(field, message) => Problem::invalid(vec![FieldError { field: field.into(), message }]),
        }
    }
}
