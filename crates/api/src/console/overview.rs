//! The first page of a store: what wants to be looked at.

use axum::extract::State;
use maud::{Markup, html};

use super::{Failure, Session, frame};
use crate::state::AppState;

pub async fn page(State(_state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    let body = html! {
        h1 { (session.store_name) }
    };
    Ok(frame::page("Overview", &session, body))
}
