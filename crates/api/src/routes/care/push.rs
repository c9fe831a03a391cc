//! The opt-in to messages in the browser. A store's page can't hold our worker, so a small page of this server's own asks; a store that
//! places the files on its own origin has its own page ask the same way.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::html;
use serde::Deserialize;
use serde_json::{Value, json};
use view::{Locale, locale::say};

use super::{
    change, count,
    document::{asked, private},
    reports::readable,
};
use crate::{
    problem::Problem,
    push,
    routes::{orders::claim, track},
    state::AppState,
    store::care::{
        reports::Refused,
        settings,
        subscribers::{self, Subscription},
    },
    words::Words,
};

static PAGE_SCRIPT: &str = include_str!("../../../../../www/push/page.js");
static WORKER: &str = include_str!("../../../../../www/push/worker.js");

/// As the browser's `PushSubscription.toJSON()` gives it.
#[derive(Clone, Debug, Default, Deserialize, serde::Serialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = PushSubscription)]
pub struct Given {
    pub endpoint: String,
    pub keys: Keys,
}

#[derive(Clone, Debug, Default, Deserialize, serde::Serialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = PushKeys)]
pub struct Keys {
    pub p256dh: String,
    pub auth: String,
}

/// What the page that asks needs: the key to subscribe with, and its words.
#[utoipa::path(get, path = "/v1/orders/{token}/push", tag = "care", params(("token" = String, Path, description = "Order token")),
    responses((status = 200, description = "`{key, title, words}`", body = Object), (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "Not known yet, or switched off", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn offer(State(state): State<AppState>, Path(token): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let asked = asked(&state, &token, &headers).await?;
    let key = asked.document.updates.push_key.clone().ok_or_else(off)?;
    let word = |name: &str| say(&*asked.words, &format!("care.push.{name}"), &[]);
    let mut response = Json(json!({"key": key, "title": title(&asked.document), "lang": asked.words.language(), "dir": asked.words.direction(),
        "words": {"text": word("text"), "on": word("on"), "off": word("off"), "done": word("done"), "ended": word("ended"), "denied": word("denied"),
            "unsupported": word("unsupported"), "lost": say(&*asked.words, "care.problem.lost", &[])}}))
    .into_response();
    private(&mut response);
    Ok(response)
}

fn title(d: &wire::CareDocument) -> String {
    format!("{} {}", d.store_name, d.number)
}

fn off() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "the store sends no messages to browsers")
}

#[utoipa::path(post, path = "/v1/orders/{token}/push", tag = "care", params(("token" = String, Path, description = "Order token")), request_body = Given,
    responses((status = 201, description = "This browser will be told"), (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json"), (status = 409, description = "Switched off, or too many browsers", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Not a subscription that can be sent to", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn subscribe(
    State(state): State<AppState>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Result<Json<Given>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let claim = claim(&state, &token)?;
    count(&state, &claim)?;
    let given = readable(body)?;
    let words = state.words(&claim.store, &headers).await?;
    let s = Subscription {
        id: subscribers::id(&claim.store, &claim.order_id, &given.endpoint),
        store: claim.store.clone(),
        order: claim.order_id.clone(),
        endpoint: given.endpoint,
        p256dh: given.keys.p256dh,
        auth: given.keys.auth,
        language: words.tag().to_owned(),
    };
    push::check(&s, state.config().limits.internal_targets).map_err(|(field, why)| Problem::from(Refused::Field(field, why)))?;
    let read = say(&*words, "care.push.text", &[]);
    change(&state, &claim.store, &claim.order_id, move |db, _, now| {
        if !settings::of(db, &s.store)?.updates.push {
            return Ok(Err(Refused::NotNow("the store sends no messages to browsers".into())));
        }
        if crate::store::orders::document(db, &s.store, &s.order)?.is_none() {
            return Ok(Err(Refused::Unknown));
        }
        if !subscribers::put(db, &s, now)? {
            return Ok(Err(Refused::TooMany(format!("at most {} browsers an order", subscribers::MOST))));
        }
        subscribers::record(db, &s.store, &s.order, "push", None, true, &s.language, &read, now)?;
        Ok(Ok(()))
    })
    .await??;
    Ok(StatusCode::CREATED)
}

#[utoipa::path(post, path = "/v1/orders/{token}/push/end", tag = "care", params(("token" = String, Path, description = "Order token")), request_body = Given,
    responses((status = 204, description = "This browser is no longer told"), (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn unsubscribe(
    State(state): State<AppState>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Result<Json<Given>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let claim = claim(&state, &token)?;
    count(&state, &claim)?;
    let given = readable(body)?;
    let words = state.words(&claim.store, &headers).await?;
    let (language, read) = (words.tag().to_owned(), say(&*words, "care.push.off", &[]));
    let of = claim.clone();
    change(&state, &claim.store, &claim.order_id, move |db, _, now| {
        if subscribers::remove(db, &subscribers::id(&of.store, &of.order_id, &given.endpoint))? {
            subscribers::record(db, &of.store, &of.order_id, "push", None, false, &language, &read, now)?;
        }
        Ok(Ok(()))
    })
    .await??;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether this browser is told of this order.
#[utoipa::path(post, path = "/v1/orders/{token}/push/state", tag = "care", params(("token" = String, Path, description = "Order token")), request_body = Given,
    responses((status = 200, description = "`{on}`", body = Object), (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn known(
    State(state): State<AppState>,
    Path(token): Path<String>,
    body: Result<Json<Given>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let claim = claim(&state, &token)?;
    let id = subscribers::id(&claim.store, &claim.order_id, &readable(body)?.endpoint);
    let list = state.db().read(move |db| subscribers::of(db, &claim.store, &claim.order_id)).await?;
    Ok(Json(json!({"on": list.iter().any(|s| s.id == id)})))
}

/// The page that asks the browser.
pub async fn page(State(state): State<AppState>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let words = Words::accepted(&headers);
    match asked(&state, &token, &headers).await {
        Ok(asked) if asked.document.updates.push.is_some() => {
            let (d, words) = (&asked.document, asked.words.clone());
            let body = html! {
                h1 { (title(d)) }
                div #push data-token=(token) {
                    p { (say(&*words, "care.push.text", &[])) }
                    noscript { p { (say(&*words, "care.push.unsupported", &[])) } }
                }
                p { a href=(d.page) { (say(&*words, "care.back", &[])) } }
                script async src="/push/page.js" {}
            };
            track::page(StatusCode::OK, &words, &title(d), html! {}, body)
        }
        Ok(_) => track::refusal(&words, &off()),
        Err(problem) => track::refusal(&words, &problem),
    }
}

fn script(text: &'static str) -> Response {
    let head = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    (head, text).into_response()
}

pub async fn page_script() -> Response {
    script(PAGE_SCRIPT)
}

pub async fn worker() -> Response {
    script(WORKER)
}
