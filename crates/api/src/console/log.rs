//! What staff, keys and commands did.

use axum::extract::State;
use maud::{Markup, html};

use super::{
    Failure, Fields, Session,
    frame::{self, moment},
};
use crate::{
    state::AppState,
    store::{audit, orders::Numbers},
};

/// Its subject is an order's id.
fn about_an_order(e: &audit::Entry) -> bool {
    e.action.starts_with("order.")
}

pub async fn page(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Markup, Failure> {
    let (store, before, kind) = (session.store.clone(), fields.get("before").parse::<i64>().ok(), fields.some("action"));
    let read = state.db().read(move |db| {
        let list = audit::list(db, &store, before, kind.as_deref())?;
        let numbers = Numbers::of(db, &store, list.iter().filter(|e| about_an_order(e)).map(|e| e.subject.as_str()))?;
        Ok((list, numbers))
    });
    let (list, numbers) = read.await?;
    let body = html! {
        h1 { "Audit log" }
        p { "Who did what, and when. Nothing in it can be changed." }
        div.scroll tabindex="0" role="region" aria-label="Audit log" {
            table {
                thead { tr { th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "To what" } th scope="col" { "More" } } }
                tbody {
                    @for e in &list {
                        tr {
                            td { (moment(e.at)) } td { (e.actor) } td { (e.action) } td { @if about_an_order(e) { a href=(super::orders::to(&session, &e.subject)) { (numbers.get(&e.subject)) } } @else { (e.subject) } }
                            td { @if e.detail.as_object().is_some_and(|d| !d.is_empty()) { code { (e.detail) } } }
                        }
                    }
                }
            }
        }
        @if list.is_empty() { p { "Nothing." } }
        @if list.len() == 100 && let Some(last) = list.last() { p { a href=(format!("?before={}", last.id)) { "Older" } } }
    };
    Ok(frame::page("Audit log", &session, body))
}
