//! Delay options: the shopper's answer at `/messages/option/{token}`, and what the merchant does with drafts.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use maud::html;
use serde::Deserialize;
use serde_json::{Value, json};
use view::locale::say;

use super::{
    admin::{Admin, readable},
    admin_messages::fields,
    messages::{invalid, shop},
    track,
};
use crate::{
    messages::{
        decide,
        options::{self, Answered, Change, Kept},
    },
    problem::Problem,
    state::AppState,
    store::{audit, orders::StoreInfo},
    token,
    words::Words,
};

/// What a link in a notice stands for: whose, which, and whether it cancels.
fn choice(state: &AppState, token: &str) -> Option<(StoreInfo, String, bool)> {
    let store = token.split('.').nth(1)?;
    let secrets = decide::stop_secrets(state, store);
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let claim = token::verify(token, |_| secrets.clone(), state.now().0).ok()?;
    let (id, answer) = claim.order_id.strip_prefix("option/")?.split_once('/')?;
    Some((state.store_info(&claim.store)?, id.to_owned(), answer == "cancel"))
}

/// Asks once more: nothing is decided by following a link, as mail scanners do.
pub async fn ask(State(state): State<AppState>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let words = Words::accepted(&headers);
    let Some((store, id, cancel)) = choice(&state, &token) else { return invalid(&words) };
    let (of, key) = (store.id.clone(), id);
    match state.db().read(move |db| options::by_id(db, &of, &key)).await {
        Ok(Some(kept)) => answered(&words, &store, kept_text(&kept), Some(cancel).filter(|_| asks(&kept, cancel))),
        Ok(None) => invalid(&words),
        Err(e) => Problem::from(e).into_response(),
    }
}

fn asks(kept: &Kept, cancel: bool) -> bool {
    match kept.state.as_str() {
        "sent" => true,
        "waits" | "deemed_waits" => cancel,
        _ => false,
    }
}

/// How it stands, where it is settled.
fn kept_text(kept: &Kept) -> Option<&'static str> {
    match kept.state.as_str() {
        "sent" => None,
        "waits" | "deemed_waits" => Some("option.waited"),
        "cancelled" | "deemed_cancelled" => Some("option.cancelled"),
        _ => Some("option.closed"),
    }
}

/// Takes the answer.
pub async fn answer(State(state): State<AppState>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let words = Words::accepted(&headers);
    let Some((store, id, cancel)) = choice(&state, &token) else { return invalid(&words) };
    let (info, now) = (store.clone(), state.now());
    match state.db().write(move |db| options::answer(db, &info, &id, cancel, now)).await {
        Ok(done) => {
            state.wake_outbound();
            let text = match done {
                Answered::Waits => "option.waited",
                Answered::Cancelled => "option.cancelled",
                Answered::Closed => "option.closed",
            };
            answered(&words, &store, Some(text), None)
        }
        Err(e) => Problem::from(e).into_response(),
    }
}

fn answered(words: &Words, store: &StoreInfo, text: Option<&str>, ask: Option<bool>) -> Response {
    let texts = notify::texts::Texts::new(words);
    let title = say(&texts, "option.headline", &[]);
    let body = html! {
        h1 { (title) }
        @if let Some(text) = text { p role="status" { (say(&texts, text, &[])) } }
        @if let Some(cancel) = ask {
            p { (say(&texts, if cancel { "option.ask_cancel" } else { "option.ask_wait" }, &[])) }
            form method="post" {
                button type="submit" { (say(&texts, if cancel { "option.cancel" } else { "option.wait" }, &[])) }
            }
        }
    };
    track::page(StatusCode::OK, words, &title, shop(store), body)
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    state: Option<String>,
}

/// The notices that are due or were sent because a promised date can't be kept, newest first.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/delay-options", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("state" = Option<String>, Query)),
    responses((status = 200, body = Vec<Object>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    Admin(store): Admin,
    State(state): State<AppState>,
    Query(f): Query<Filter>,
) -> Result<Json<Vec<Value>>, Problem> {
    let list = state.db().read(move |db| options::list(db, &store, f.state.as_deref())).await?;
    Ok(Json(list.iter().map(Kept::json).collect()))
}

/// One notice, with the words that the shopper gets.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/delay-options/{id}", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "No such notice", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn one(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let (_, id) = path.0;
    let info = state.store_info(&store).ok_or_else(Problem::no_store)?;
    let of = store.clone();
    let found = state.db().read(move |db| {
        let Some(kept) = options::by_id(db, &of, &id)? else { return Ok(None) };
        let document = crate::store::orders::document(db, &of, &kept.order_id)?;
        let language = crate::messages::people::contact(db, &of, &kept.order_id)?.and_then(|c| c.language);
        Ok(Some((kept, document.map(|d| d.number).unwrap_or_default(), language)))
    });
    let (kept, number, language) =
        found.await?.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no notice with this id"))?;
    let page = options::page(&state, &info, &kept, &number, language.as_deref().unwrap_or("en"), state.now());
    let mut all = kept.json();
    if let Some(page) = page {
        all["preview"] = json!({"subject": page.subject, "text": page.text(), "html": page.html().unwrap_or_default()});
    }
    Ok(Json(all))
}

/// Sends a draft, with changes: another last day, or that there is none; a reason.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/delay-options/{id}/send", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("id" = String, Path)), request_body = Change,
    responses((status = 202, description = "It is due"), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "No such draft", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Fields that can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn send(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, String)>,
    body: Result<Json<Change>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let (_, id) = path.0;
    options::approve(&state, &store, audit::KEY, &id, readable(body)?).await.map_err(fields)?;
    Ok(StatusCode::ACCEPTED)
}

/// Settles a draft without sending it.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/delay-options/{id}/dismiss", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("id" = String, Path)),
    responses((status = 204, description = "Dismissed"), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "No such draft", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn dismiss(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (_, id) = path.0;
    if !state.db().write(move |db| options::dismiss(db, &store, audit::KEY, &id)).await? {
        return Err(Problem::new(StatusCode::NOT_FOUND, "there is no draft with this id"));
    }
    Ok(StatusCode::NO_CONTENT)
}
