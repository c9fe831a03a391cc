//! A mail as it was written, where mails go into a folder: in a trial one sees what shoppers would get.

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use notify::transport::Letter;
use rusqlite::OptionalExtension;

use super::{notice_name, tabs, words::shown_as};
use crate::{
    console::{
        Failure, Fields, Session,
        frame::{self, moment},
        orders,
    },
    state::AppState,
    store::orders::Numbers,
};

/// A document of its own without any rights: what a template makes runs nothing and reaches nothing.
const SANDBOX: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

struct Found {
    order: Option<String>,
    numbers: Numbers,
    notice: String,
    language: Option<String>,
    sent_at: Option<i64>,
    letter: Letter,
}

/// A letter of this store.
async fn found(state: &AppState, store: &str, id: &str) -> Result<Found, Failure> {
    let (store, asked) = (store.to_owned(), id.to_owned());
    let row = state.db().read(move |db| {
        let sql = "select order_id, notice, language, sent_at from messages where store = ?1 and id = ?2 and channel = 'mail' and state = 'sent'";
        let read = |r: &rusqlite::Row| {
            Ok(Found {
                order: r.get(0)?,
                numbers: Numbers::default(),
                notice: r.get(1)?,
                language: r.get::<_, Option<String>>(2)?.filter(|l| !l.is_empty()),
                sent_at: r.get(3)?,
                letter: Letter::default(),
            })
        };
        let found = db.query_row(sql, [store.as_str(), &asked], read).optional()?;
        found.map(|f| Ok(Found { numbers: Numbers::of(db, &store, f.order.as_deref())?, ..f })).transpose()
    });
    let none = || Failure::none("letter");
    let row = row.await?.ok_or_else(none)?;
    Ok(Found { letter: state.mailer().letter(id).await.ok_or_else(none)?, ..row })
}

pub async fn page(
    State(state): State<AppState>,
    Path((_, id)): Path<(String, String)>,
    session: Session,
    f: Fields,
) -> Result<Markup, Failure> {
    let Found { order, numbers, notice, language, sent_at, letter } = found(&state, &session.store, &id).await?;
    let (dark, path) = (f.has("dark"), session.to(&format!("messages/letters/{id}")));
    let body = html! {
        h1 { (notice_name(&notice)) }
        (tabs(&session, "messages"))
        dl.facts {
            @if let Some(order) = &order { dt { "Order" } dd { a href=(orders::to(&session, order)) { (numbers.get(order)) } } }
            dt { "From" } dd { (letter.from) }
            dt { "To" } dd { (letter.to) }
            dt { "Subject" } dd lang=[&language] dir="auto" { (letter.subject) }
            @if let Some(at) = sent_at { dt { "Sent" } dd { (moment(promise::Instant(at))) " into a folder on this machine" } }
            dt { "Size" } dd { (format!("{:.1} KB", letter.html.len() as f64 / 1024.0)) @if letter.one_click { ", with one click to end these mails" } }
        }
        p { @if dark { a href=(path) { "As it looks by day" } } @else { a href=(format!("{path}?dark=yes")) { "As it looks in the dark" } } }
        iframe.letter.dark[dark].light[!dark] title="The mail" sandbox="" src=(format!("{path}/mail{}", if dark { "?dark=yes" } else { "" })) {}
        details { summary { "As plain text" } pre tabindex="0" { (letter.text) } }
    };
    Ok(frame::page("A letter", &session, body))
}

/// The mail itself, for the frame in the page.
pub async fn mail(
    State(state): State<AppState>,
    Path((_, id)): Path<(String, String)>,
    session: Session,
    f: Fields,
) -> Result<Response, Failure> {
    let html = shown_as(&found(&state, &session.store, &id).await?.letter.html, f.has("dark"));
    let head = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, SANDBOX)];
    Ok((head, html).into_response())
}
