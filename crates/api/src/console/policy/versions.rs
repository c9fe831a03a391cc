//! What was published, when and by whom; what changed; and going back.

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};
use promise::policy::Policy;

use super::{diff, draft, make_public};
use crate::{
    console::{
        Failure, Fields, Session,
        frame::{self, action, moment},
    },
    state::AppState,
    store::{drafts, people::Role},
};

pub async fn history(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    let store = session.store.clone();
    let list = state.db().read(move |db| drafts::versions(db, &store)).await?;
    let body = html! {
        p { a href=(session.to("policy")) { "Delivery policy" } }
        h1 { "History" }
        p { "Promises that were made stay as they were, whatever is published later." }
        ul.rows {
            @for (n, v) in list.iter().enumerate() {
                li {
                    span {
                        a.strong href=(session.to(&format!("policy/history/{}", v.version))) { "Version " (v.version) }
                        @if n == 0 { " " span.tag.good { "published" } }
                        br;
                        span.hint { @if !v.note.is_empty() { "“" (v.note) "” " } @if !v.by.is_empty() { "by " (v.by) ", " } (moment(v.published_at)) }
                    }
                }
            }
            @if list.is_empty() { li { span.hint { "Nothing is published yet." } } }
        }
    };
    Ok(frame::page("History", &session, body))
}

async fn version(state: &AppState, store: &str, n: u64) -> Result<Option<Policy>, Failure> {
    let store = store.to_owned();
    Ok(state.db().read(move |db| drafts::version(db, &store, n)).await?)
}

/// A version, or the draft, against the one before it.
pub async fn one_version(
    State(state): State<AppState>,
    Path((_, which)): Path<(String, String)>,
    session: Session,
) -> Result<Markup, Failure> {
    let store = session.store.clone();
    let newest = state.db().read(move |db| drafts::newest(db, &store)).await?.unwrap_or_default();
    let (title, new, before) = if which == "draft" {
        ("The draft".to_owned(), draft(&state, &session.store).await?.policy, newest)
    } else {
        let n: u64 = which.parse().map_err(|_| Failure::none("version"))?;
        let found = version(&state, &session.store, n).await?.ok_or_else(|| Failure::none("version"))?;
        (format!("Version {n}"), found, n.saturating_sub(1))
    };
    let old = version(&state, &session.store, before).await?.unwrap_or_default();
    let changes = diff::changes(&old, &new);
    let text = serde_json::to_string_pretty(&new).map_err(anyhow::Error::from)?;
    let old_enough = which != "draft" && which != newest.to_string();
    let body = html! {
        p { a href=(session.to("policy")) { "Delivery policy" } " / " a href=(session.to("policy/history")) { "History" } }
        h1 { (title) }
        h2 { @if before == 0 { "All that it says" } @else { "What it changes in version " (before) } }
        @if changes.is_empty() { p { "Nothing." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Changes" {
                table {
                    thead { tr { th scope="col" { "Where" } th scope="col" { "Before" } th scope="col" { "After" } } }
                    tbody {
                        @for c in &changes {
                            tr {
                                td { (c.at) }
                                td { @if let Some(text) = &c.before { del { (text) } } }
                                td { @if let Some(text) = &c.after { ins { (text) } } }
                            }
                        }
                    }
                }
            }
        }
        @if old_enough && session.may(Role::Owner) {
            section {
                h2 { "Go back to it" }
                p { "It is published again, as the newest version. A draft that is being edited is given up." }
                (action(&session, &session.to("policy/roll-back"), &[("version", &which)], "Publish this version again", "main"))
            }
        }
        details { summary { "As JSON" } pre tabindex="0" { (text) } }
    };
    Ok(frame::page(&title, &session, body))
}

pub async fn roll_back(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let n: u64 = fields.get("version").parse().map_err(|_| Failure::none("version"))?;
    let policy = version(&state, &session.store, n).await?.ok_or_else(|| Failure::none("version"))?;
    if let Some(wrong) = policy.validate().first() {
        // A version from before a check was made stricter.
        let text = format!("This version can't be published any more: {}: {}.", wrong.field, wrong.message);
        return Err(Failure::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    let revision = draft(&state, &session.store).await?.revision;
    make_public(&state, &session, policy, revision, &format!("Back to version {n}")).await?;
    Ok(session.done("policy", "published"))
}
