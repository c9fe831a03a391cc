//! `/v1/admin/stores/{store}/messages/…`: rules, words, the log, who is not written to, previews and test sends.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::JsonRejection},
    http::StatusCode,
};
use notify::{Outcome, notice::Override, rules::Rules, template};
use promise::Instant;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::problem::FieldError;

use super::admin::{Admin, readable};
use crate::{
    messages::{admin, people, rules},
    outbound,
    problem::Problem,
    state::AppState,
    store::{audit, messages},
};

/// The store's rules; the defaults, where it has none of its own. Hooks' headers are named, not shown.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/messages/rules", tag = "admin", security(("admin" = [])), params(("store" = String, Path)),
    responses((status = 200, body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn rules(Admin(store): Admin, State(state): State<AppState>) -> Result<Json<Rules>, Problem> {
    let mut kept = state.db().read(move |db| rules::of(db, &store)).await?;
    for hook in kept.hooks.values_mut() {
        hook.headers.values_mut().for_each(|v| *v = admin::HIDDEN.into());
    }
    Ok(Json(kept))
}

/// Puts the store's rules in place of what they were. A header that is `…` keeps its value.
#[utoipa::path(put, path = "/v1/admin/stores/{store}/messages/rules", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), request_body = Object,
    responses((status = 204, description = "Kept"), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Fields that can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn put_rules(
    Admin(store): Admin,
    State(state): State<AppState>,
    body: Result<Json<Rules>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    admin::put_rules(&state, &store, audit::KEY, readable(body)?).await.map_err(fields)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What can't be accepted, or what failed.
pub(super) fn fields(e: admin::Refused) -> Problem {
    match e {
        admin::Refused::Fields(wrong) => {
            Problem::invalid(wrong.into_iter().map(|(field, message)| FieldError { field, message }).collect())
        }
        admin::Refused::NotFound(what) => Problem::new(StatusCode::NOT_FOUND, what),
        admin::Refused::Failed(e) => e.into(),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    order: Option<String>,
    /// `waiting`, `sent`, `dropped`, `failed`, `unknown`
    state: Option<String>,
    /// RFC 3339: older than that.
    before: Option<String>,
}

/// The newest messages: to which order, how it ended, and why.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/messages", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("order" = Option<String>, Query), ("state" = Option<String>, Query), ("before" = Option<String>, Query)),
    responses((status = 200, body = Vec<Object>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn log(
    Admin(store): Admin,
    State(state): State<AppState>,
    Query(f): Query<Filter>,
) -> Result<Json<Vec<Value>>, Problem> {
    let before = f.before.as_deref().and_then(Instant::parse).map(|t| t.0);
    let list = state.db().read(move |db| messages::list(db, &store, f.order.as_deref(), f.state.as_deref(), before));
    Ok(Json(list.await?))
}

/// Sends one again that failed, or that may not have arrived.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/messages/{id}/again", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("id" = String, Path)),
    responses((status = 202, description = "It is due"), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "No such message, or one that was sent or dropped", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn again(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (_, id) = path.0;
    let now = state.now();
    if !state.db().write(move |db| messages::again(db, &store, &id, now)).await? {
        return Err(Problem::new(StatusCode::NOT_FOUND, "there is no message with this id that could be sent again"));
    }
    state.wake_messages();
    Ok(StatusCode::ACCEPTED)
}

/// Addresses that are not written to, and why: hashes, with a hint to recognise them by.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/messages/suppressions", tag = "admin", security(("admin" = [])), params(("store" = String, Path)),
    responses((status = 200, body = Vec<Object>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn suppressions(Admin(store): Admin, State(state): State<AppState>) -> Result<Json<Vec<Value>>, Problem> {
    Ok(Json(state.db().read(move |db| people::suppressions(db, &store)).await?))
}

/// One address and channel.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Address {
    /// `mail` or `sms`
    channel: String,
    /// The address itself, or its hash from the list.
    address: String,
    /// For consents: whether the shopper agreed, and to which words.
    granted: bool,
    words: Option<String>,
}

/// Writes to an address no more.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/messages/suppressions", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), request_body = Address,
    responses((status = 204, description = "Kept"), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Fields that can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn suppress(
    Admin(store): Admin,
    State(state): State<AppState>,
    body: Result<Json<Address>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let a = readable(body)?;
    let now = state.now();
    let (info, hash, hint) = hashed(&state, &store, &a)?;
    let done = state.db().write(move |db| {
        people::suppress(db, &info.id, &a.channel, &hash, hint.as_deref(), "merchant", now)?;
        audit::record(db, &info.id, audit::KEY, "messages.suppress", &a.channel, &json!({}))
    });
    done.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes to it again. What the shopper ended, the shopper must resume: with a link, or by START.
#[utoipa::path(delete, path = "/v1/admin/stores/{store}/messages/suppressions", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), request_body = Address,
    responses((status = 204, description = "Released"), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "Not suppressed", body = wire::Problem, content_type = "application/problem+json"), (status = 409, description = "The shopper asked for it", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn release(
    Admin(store): Admin,
    State(state): State<AppState>,
    body: Result<Json<Address>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let a = readable(body)?;
    let (info, hash, _) = hashed(&state, &store, &a)?;
    let done = state.db().write(move |db| {
        let reason = people::suppressed(db, &info.id, &a.channel, &hash)?;
        if reason.as_deref().is_some_and(|r| matches!(r, "bounced" | "merchant")) {
            people::release(db, &info.id, &a.channel, &hash)?;
            audit::record(db, &info.id, audit::KEY, "messages.release", &a.channel, &json!({}))?;
        }
        Ok(reason)
    });
    match done.await?.as_deref() {
        None => Err(Problem::new(StatusCode::NOT_FOUND, "this address is not suppressed")),
        Some("bounced" | "merchant") => Ok(StatusCode::NO_CONTENT),
        Some(_) => Err(Problem::new(StatusCode::CONFLICT, "the shopper asked for this: only the shopper can take it back")),
    }
}

/// Records what a shopper agreed to, or took back, elsewhere.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/messages/consents", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), request_body = Address,
    responses((status = 204, description = "Recorded"), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Fields that can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn consent(
    Admin(store): Admin,
    State(state): State<AppState>,
    body: Result<Json<Address>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let a = readable(body)?;
    let now = state.now();
    let (info, hash, _) = hashed(&state, &store, &a)?;
    let recorded = state.db().write(move |db| {
        let given = people::Consent {
            channel: &a.channel,
            address: &hash,
            granted: a.granted,
            source: "merchant",
            words: a.words.as_deref(),
        };
        people::consent(db, &info.id, &given, now)
    });
    recorded.await?;
    Ok(StatusCode::NO_CONTENT)
}

type Hashed = (crate::store::orders::StoreInfo, String, Option<String>);

fn hashed(state: &AppState, store: &str, a: &Address) -> Result<Hashed, Problem> {
    let info = state.store_info(store).ok_or_else(Problem::no_store)?;
    let wrong = |field: &str, message: &str| Problem::invalid(vec![FieldError { field: field.into(), message: message.into() }]);
    if !matches!(a.channel.as_str(), "mail" | "sms") {
        return Err(wrong("channel", "mail or sms"));
    }
    let text = a.address.trim();
    if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok((info, text.to_owned(), None));
    }
    let number = if a.channel == "sms" { notify::sms::number(text, None) } else { None };
    match (a.channel.as_str(), number) {
        ("mail", _) if notify::mail::is_address(text) => {
            let hash = people::address_hash(&info, "mail", text);
            Ok((info, hash, Some(people::hint(text))))
        }
        ("sms", Some(number)) => {
            let hash = people::address_hash(&info, "sms", &number);
            Ok((info, hash, Some(people::hint(&number))))
        }
        ("sms", None) => Err(wrong("address", "a number with its country code, such as +14155550100")),
        _ => Err(wrong("address", "a mail address")),
    }
}

/// The store's own words for notices.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/messages/words", tag = "admin", security(("admin" = [])), params(("store" = String, Path)),
    responses((status = 200, body = Vec<Object>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn words(Admin(store): Admin, State(state): State<AppState>) -> Result<Json<Vec<Value>>, Problem> {
    Ok(Json(state.db().read(move |db| rules::all_words(db, &store)).await?))
}

/// Says a notice in the store's own words: Jinja templates for `subject`, `headline`, `body`, `short`, `html`; what is absent stays ours.
#[utoipa::path(put, path = "/v1/admin/stores/{store}/messages/words/{notice}/{language}", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("notice" = String, Path), ("language" = String, Path)), request_body = Object,
    responses((status = 204, description = "Kept"), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Templates that can't be accepted, with the line", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn put_words(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, String, String)>,
    body: Result<Json<Override>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let (_, notice, language) = path.0;
    admin::put_words(&state, &store, audit::KEY, &notice, &language, readable(body)?).await.map_err(fields)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What to show, or to send as a test.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Asked {
    notice: String,
    language: String,
    /// An order's id; a made-up one, where it is absent.
    order: Option<String>,
    /// Words that are not kept yet.
    #[schema(value_type = Object)]
    words: Option<Override>,
    /// For a test: `mail` (default), `sms` or `hook`, and whom to.
    channel: Option<String>,
    to: String,
}

/// A message as it would be: `{subject, html, text, short, wrong}`.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/messages/preview", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), request_body = Asked,
    responses((status = 200, body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "No such order", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Fields that can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn preview(
    Admin(store): Admin,
    State(state): State<AppState>,
    body: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let a = readable(body)?;
    let (said, _) =
        admin::preview(&state, &store, &a.notice, &a.language, a.order.as_deref(), a.words.as_ref()).await.map_err(fields)?;
    let wrong = |w: &(&'static str, template::Wrong)| json!({"field": w.0, "line": w.1.line, "message": w.1.message});
    Ok(Json(
        json!({"subject": said.page.subject, "html": said.html, "text": said.text, "short": said.short, "bytes": said.html.len(),
        "wrong": said.wrong.iter().map(wrong).collect::<Vec<_>>()}),
    ))
}

/// Sends one as a test, at once, to whoever is named; says how that went.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/messages/test", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), request_body = Asked,
    responses((status = 200, description = "`{outcome, detail}`: sent, later, refused or unknown", body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Fields that can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn test(
    Admin(store): Admin,
    State(state): State<AppState>,
    body: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let a = readable(body)?;
    let client = outbound::client(state.config().limits.internal_targets)?;
    let test = admin::Test {
        notice: &a.notice,
        language: &a.language,
        order: a.order.as_deref(),
        words: a.words.as_ref(),
        channel: a.channel.as_deref().unwrap_or("mail"),
        to: a.to.trim(),
    };
    let outcome = admin::test(&state, &client, &store, &test).await.map_err(fields)?;
    let detail = match &outcome {
        Outcome::Sent(id) => id.clone().unwrap_or_default(),
        Outcome::Later(e, _) | Outcome::Refused(e, _) | Outcome::Unknown(e) => e.clone(),
    };
    Ok(Json(json!({"outcome": outcome.name(), "detail": detail})))
}
