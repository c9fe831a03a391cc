//! `/track/{token}` and `/track`: the hosted order page and the look-up page, whole without script; and the look-up itself.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use axum::{
    Form, Json,
    extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Query, Request, State, rejection::JsonRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use view::{Locale, locale::say, order::Reader};
use wire::OrderDocument;

use super::orders::{claim, load, not_yet};
use crate::{
    insight::looks::{self, How},
    messages,
    problem::Problem,
    state::AppState,
    store::orders,
    token,
    words::Words,
};

static STYLE: &str = concat!(
    include_str!("../../../../www/styles/base.css"),
    include_str!("../../../../www/styles/order.css"),
    include_str!("../../../../www/styles/care.css"),
    include_str!("../../../../www/styles/hosted.css")
);

/// Nothing but our own: the page holds a capability in its address.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = BASE64.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; img-src data:; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'sha256-{style}'; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'"
    )
});

/// How long the links are valid that a look-up gives.
const LOOKED_UP: i64 = 30 * 86_400;

/// The address that a request comes from, as far as this server sees it; none in tests without a socket.
pub struct Peer(pub String);

impl Peer {
    pub fn address(&self) -> &str {
        &self.0
    }
}

impl FromRequestParts<AppState> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Peer, Self::Rejection> {
        let socket = parts.extensions.get::<ConnectInfo<std::net::SocketAddr>>().map(|c| c.0.ip().to_string());
        // Only as many proxies are believed as the configuration says there are.
        let hops = state.config().limits.proxies;
        let forwarded = parts.headers.get("x-forwarded-for").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let by_proxy = (hops > 0).then(|| forwarded.rsplit(',').nth(hops - 1).map(|a| a.trim().to_owned())).flatten();
        Ok(Peer(by_proxy.filter(|a| !a.is_empty()).or(socket).unwrap_or_default()))
    }
}

/// The hosted order page.
pub async fn order(State(state): State<AppState>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let words = Words::accepted(&headers);
    let found = match claim(&state, &token) {
        Ok(claim) => match load(&state, &claim).await {
            Ok(Some(kept)) => Ok((claim, kept)),
            Ok(None) => Err(not_yet()),
            Err(e) => Err(e.into()),
        },
        Err(e) => Err(e),
    };
    match found {
        Ok((claim, kept)) => {
            looks::looked(&state, &claim.store, &claim.order_id, &kept, How::Page);
            let words = kept.words(&headers);
            let mut document = kept.document.clone();
            let document = &mut document;
            crate::store::care::complete(document, state.now());
            let reader = Reader { now: state.now(), offset: None };
            let drawn = view::node::html(&view::order::order(document, reader, &*words));
            let base = format!("/track/{token}/care/");
            let care = document.care.clone().unwrap_or_default();
            let reports = view::node::html(&view::care::brief(&care.open, &*words, &base));
            let body = html! {
                h1 { (document.store.name) " " (document.number) }
                link rel="stylesheet" href=(format!("/v1/stores/{}/look.css?hosted", claim.store));
                // All of it goes where the widget draws: it has its own way to help.
                whereabouts-order token=(token) {
                    (PreEscaped(drawn))
                    (PreEscaped(reports))
                    @if care.ask { p { a.link href=(format!("{base}help")) { (say(&*words, "order.ask", &[])) } } }
                    @if care.any() { p { a.link href=(format!("{base}help")) { (say(&*words, "order.care", &[])) } } }
                }
                script async src="/embed.js" data-store=(claim.store) data-texts=[kept.reworded().then(|| format!("/v1/stores/{}/texts.json", claim.store))] {}
            };
            page(StatusCode::OK, &words, &format!("{} {}", document.store.name, document.number), store_link(document), body)
        }
        Err(problem) => refusal(&words, &problem),
    }
}

/// A link that opens nothing (any more), as a page.
pub fn refusal(words: &Words, problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let text = if status == StatusCode::GONE { "page.expired" } else { "page.invalid" };
    let body = html! {
        h1 { (say(words, text, &[])) }
        p { a href="/track" { (say(words, "page.lookup", &[])) } }
    };
    page(status, words, &say(words, "page.lookup", &[]), html! {}, body)
}

fn store_link(document: &OrderDocument) -> Markup {
    let url = document.store.url.as_deref().filter(|u| u.starts_with("https://") || u.starts_with("http://"));
    html! { @if let Some(url) = url { a href=(url) { (document.store.name) } } @else { (document.store.name) } }
}

#[derive(Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    store: String,
}

/// The look-up page.
pub async fn lookup_page(State(state): State<AppState>, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    let words = of_store(&state, &asked.store, &headers).await;
    let body = form(&state, &words, &Question { store: asked.store, ..Question::default() }, None);
    page(StatusCode::OK, &words, &say(&*words, "page.lookup", &[]), html! {}, body)
}

/// Its form, sent by a browser without script.
pub async fn lookup_form(
    State(state): State<AppState>,
    Peer(peer): Peer,
    headers: HeaderMap,
    asked: Result<Form<Question>, axum::extract::rejection::FormRejection>,
) -> Response {
    let asked = asked.map(|f| f.0).unwrap_or_default();
    let store = asked.store.clone();
    let words = of_store(&state, &store, &headers).await;
    match find(&state, &store, &asked, &peer, &words).await {
        Ok(Outcome::Found(found)) => Redirect::to(&found.url).into_response(),
        Ok(Outcome::Sent) => {
            let body = html! { h1 { (say(&*words, "page.lookup", &[])) } p role="status" { (say(&*words, "page.sent", &[])) } };
            page(StatusCode::OK, &words, &say(&*words, "page.lookup", &[]), html! {}, body)
        }
        Err(problem) => {
            let status = StatusCode::from_u16(problem.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let key = match status {
                StatusCode::TOO_MANY_REQUESTS => "page.too_many",
                StatusCode::UNPROCESSABLE_ENTITY => "page.email",
                _ => "page.not_found",
            };
            let body = form(&state, &words, &asked, Some(say(&*words, key, &[])));
            page(status, &words, &say(&*words, "page.lookup", &[]), html! {}, body)
        }
    }
}

/// The words of the store that is named, or of the only one.
async fn of_store(state: &AppState, named: &str, headers: &HeaderMap) -> Arc<Words> {
    let only = match state.config().stores.as_slice() {
        [only] => only.id.clone(),
        _ => named.to_owned(),
    };
    state.words(&only, headers).await.unwrap_or_else(|_| Words::accepted(headers))
}

fn form(state: &AppState, words: &Words, asked: &Question, problem: Option<String>) -> Markup {
    let config = state.config();
    let stores = &config.stores;
    let store = if stores.len() == 1 { stores.first() } else { config.store(&asked.store) };
    let by_mail = store.is_some_and(|s| s.lookup_by_mail);
    html! {
        h1 { (say(words, "page.lookup", &[])) }
        @if let Some(text) = problem { p.problem role="alert" { (text) } }
        form method="post" action="/track" {
            @if stores.len() == 1 {
                input type="hidden" name="store" value=(stores[0].id);
            } @else if !asked.store.is_empty() {
                input type="hidden" name="store" value=(asked.store);
            } @else {
                label { (say(words, "page.store", &[])) input name="store" required; }
            }
            label { (say(words, "page.number", &[])) input name="number" required maxlength="64" autocomplete="off" value=(asked.number); }
            @if by_mail {
                label { (say(words, "page.email", &[])) input name="secret" type="email" required maxlength="200" autocomplete="email" value=(asked.secret); }
            } @else {
                label { (say(words, "page.secret", &[])) input name="secret" required maxlength="200" autocomplete="email" value=(asked.secret); }
            }
            button type="submit" { (say(words, "page.find", &[])) }
        }
    }
}

/// What a look-up knows: the order's number, and the email or postal code it was ordered with.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Question {
    store: String,
    number: String,
    /// Either, where a form has one field for both.
    secret: String,
    email: String,
    postal_code: String,
}

/// What a look-up gives.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Found {
    pub token: String,
    pub url: String,
}

/// `POST /v1/stores/{store}/lookup`, as JSON or as a form.
#[utoipa::path(post, path = "/v1/stores/{store}/lookup", tag = "order", params(("store" = String, Path, description = "The store's public id")), request_body = Question,
    responses((status = 200, description = "A token for the order", body = Found), (status = 202, description = "Where links go by mail: one is on its way, if there is such an order", body = Sent), (status = 404, description = "No order has this number with this email or postal code", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Where links go by mail: no email was given", body = wire::Problem, content_type = "application/problem+json"), (status = 429, description = "Too many tries", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn lookup(
    State(state): State<AppState>,
    Path(store): Path<String>,
    Peer(peer): Peer,
    request: Request,
) -> Result<Response, Problem> {
    let words = Words::accepted(request.headers());
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|v| v.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let asked = if is_form {
        Form::<Question>::from_request(request, &state).await.map_err(|e| Problem::new(e.status(), e.body_text()))?.0
    } else {
        let read: Result<Json<Question>, JsonRejection> = Json::from_request(request, &state).await;
        read.map_err(|e| Problem::new(e.status(), e.body_text()))?.0
    };
    Ok(match find(&state, &store, &asked, &peer, &words).await? {
        Outcome::Found(found) => Json(found).into_response(),
        Outcome::Sent => (StatusCode::ACCEPTED, Json(Sent { sent: "if there is such an order" })).into_response(),
    })
}

/// What a look-up says where links go by mail, whether there is such an order or not.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Sent {
    #[schema(value_type = String)]
    sent: &'static str,
}

enum Outcome {
    Found(Found),
    /// To the order's email, if there is such an order.
    Sent,
}

/// How long a look-up takes, whatever it finds: well above what the work takes, so that the time tells nothing of it.
const PACE: Duration = Duration::from_millis(50);

/// An order that does not exist and one that was ordered with another email or postal code are answered alike, after the same time.
async fn find(state: &AppState, store: &str, asked: &Question, peer: &str, words: &Words) -> Result<Outcome, Problem> {
    let answer_at = tokio::time::Instant::now() + PACE;
    let info = state.store_info(store).ok_or_else(Problem::no_store)?;
    let secret = [&asked.secret, &asked.email, &asked.postal_code].into_iter().find(|s| !s.trim().is_empty());
    let (number, secret) = (asked.number.clone(), secret.cloned().unwrap_or_default());
    let by_mail = state.config().store(store).is_some_and(|s| s.lookup_by_mail);
    let word = orders::hash_email(&info.lookup_secret, &secret);
    if !state.may_look_up(store, &orders::plain(&number), if by_mail { &word } else { "" }, peer) {
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many tries: wait a minute"));
    }
    if by_mail {
        if !notify::mail::is_address(secret.trim()) {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "this store sends the link by mail: give the email that the order was placed with",
            ));
        }
        // Looked for and sent behind the answer's back: it comes no later where there is something to send.
        let (state, store, language) = (state.clone(), store.to_owned(), words.language().to_owned());
        tokio::spawn(async move {
            if let Err(e) = send_link(&state, &store, number, secret.trim().to_owned(), language).await {
                tracing::error!(store, error = format!("{e:#}"), "a link that was asked for could not be sent");
            }
        });
        tokio::time::sleep_until(answer_at).await;
        return Ok(Outcome::Sent);
    }
    let found = state.db().read(move |db| orders::lookup(db, &info, &number, &secret)).await;
    tokio::time::sleep_until(answer_at).await;
    let none = || Problem::new(StatusCode::NOT_FOUND, "no order has this number with this email or postal code: check both");
    let order = found?.ok_or_else(none)?;
    note(state, store, &order).await?;
    let token = looked_up(state, store, &order).ok_or_else(none)?;
    Ok(Outcome::Found(Found { url: format!("/track/{token}"), token }))
}

/// Somebody found the order by looking it up: one of the ways to look at it.
async fn note(state: &AppState, store: &str, order: &str) -> anyhow::Result<()> {
    let claim = token::Claim { store: store.to_owned(), order_id: order.to_owned(), expires_at: state.now().0 + LOOKED_UP };
    if let Some(kept) = load(state, &claim).await? {
        looks::looked(state, store, order, &kept, How::LookUp);
    }
    Ok(())
}

/// A token for an order that was looked up.
fn looked_up(state: &AppState, store: &str, order: &str) -> Option<String> {
    let config = state.config();
    let signing = config.store(store)?.token_secrets.first()?;
    Some(token::mint(store, order, state.now().0 + LOOKED_UP, signing.expose_secret()))
}

/// For how long a letter with a link is the answer to the same question.
const LETTER: i64 = 3600;

/// Writes the letter with the link, if there is such an order and it was not written within the last hour.
async fn send_link(state: &AppState, store: &str, number: String, email: String, language: String) -> anyhow::Result<()> {
    let Some(info) = state.store_info(store) else { return Ok(()) };
    let (at, id, now) = (state.clone(), store.to_owned(), state.now());
    let url = state.config().public_url.trim_end_matches('/').to_owned();
    let sent = state
        .db()
        .write(move |db| {
            let Some(order) = orders::lookup_by_email(db, &info, &number, &email)? else { return Ok(None) };
            let Some(token) = looked_up(&at, &id, &order) else { return Ok(None) };
            let values = json!({"number": number.trim(), "url": format!("{url}/track/{token}")});
            let letter = messages::Letter {
                to: &email,
                template: "lookup",
                language: &language,
                values: values.as_object().cloned().unwrap_or_default(),
                key: "",
                answers_for: LETTER,
                order: Some(&order),
            };
            messages::post(db, &info, &letter, now)?;
            Ok(Some(order))
        })
        .await?;
    if let Some(order) = sent {
        state.wake_messages();
        note(state, store, &order).await?;
    }
    Ok(())
}

pub fn page(status: StatusCode, words: &Words, title: &str, header: Markup, body: Markup) -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang=(words.language()) dir=(words.direction()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { (header) }
                main { (body) }
                footer { a href="/track" { (say(words, "page.another", &[])) } }
            }
        }
    };
    let head = [
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_str(&POLICY).unwrap_or(HeaderValue::from_static("default-src 'none'")),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::VARY, HeaderValue::from_static("accept-language")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (status, head, markup).into_response()
}
