//! The first page of a store: what wants to be looked at.

use axum::extract::State;
use maud::{Markup, html};

use super::{Failure, Session, delays, frame, guide, orders, reports};
use crate::{
    state::AppState,
    store::{people::Role, search},
};

pub async fn page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    let progress = guide::progress(&state, &session.store).await?;
    let info = state.store_info(&session.store).ok_or_else(|| Failure::none("store"))?;
    let store = session.store.clone();
    let found = state.db().read(move |db| {
        let count = |sql: &str| db.prepare_cached(sql)?.query_row([&store], |r| r.get::<_, i64>(0));
        let aside = count("select count(*) from events where store = ?1 and state = 2")?;
        let dead = count("select count(*) from outbox where store = ?1 and due_at is null and sent_at is null")?;
        let mut newest = search::find(db, &info, "")?;
        newest.truncate(8);
        Ok((aside, dead, newest))
    });
    let (aside, dead, newest) = found.await?;
    let waiting = reports::waiting(&state, &session.store).await?;
    let running = delays::running(&state, &session.store).await?;
    let body = html! {
        h1 { (session.store_name) }
        @if !progress.done() {
            div.note {
                p {
                    @if !progress.policy { "Shoppers see no dates yet." } @else if !progress.webhook { "No orders come in yet." } @else { "The widget was not seen on a page yet." }
                    " " a href=(session.to("guide")) { "Go on with the guide" }
                }
            }
        }
        form.actions method="get" action=(session.to("orders")) role="search" {
            div.field.grow { label for="q" { "Find an order" } input #q name="q" type="search"; }
            button.main type="submit" { "Find" }
        }
        section {
            h2 { "Now" }
            ul.rows {
                li {
                    a href=(session.to("delays")) { "Delay notices" }
                    span { @if running.is_empty() { span.hint { "none" } } @else { (running.join(", ")) } }
                }
                li { a href=(session.to("reports")) { "Reports" } span { @if waiting == 0 { span.hint { "none open" } } @else { span.tag.warning { (waiting) " open" } } } }
                li { a href=(session.to("problems")) { "Set aside" } span { @if aside == 0 { span.hint { "nothing" } } @else { span.tag.bad { (aside) } } } }
                @if session.may(Role::Support) {
                    li { a href=(session.to("webhooks?show=failed")) { "Webhooks given up" } span { @if dead == 0 { span.hint { "none" } } @else { span.tag.bad { (dead) } } } }
                }
            }
        }
        section {
            h2 { "Newest orders" }
            @if newest.is_empty() { p { "None yet." } } @else { (orders::table(&session, &newest)) }
        }
    };
    Ok(frame::page("Overview", &session, body))
}
