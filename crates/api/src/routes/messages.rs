//! Where messages end and answers come back: `/messages/stop/{token}` for people and for mail programs' one click, and what providers
//! say of bounces, complaints and answers.

use std::collections::BTreeMap;

use axum::{
    body::Bytes,
    extract::{Path, RawForm, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use promise::Instant;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use view::locale::say;

use super::track;
use crate::{
    messages::{decide, people},
    problem::Problem,
    state::AppState,
    store::orders::StoreInfo,
    token,
    words::Words,
};

/// Whose messages a link ends.
struct Subscription {
    store: StoreInfo,
    channel: String,
    hash: String,
}

fn subscription(state: &AppState, token: &str) -> Option<Subscription> {
    // Its store is in the token; a token of an unknown store is signed by nobody.
    let store = token.split('.').nth(1)?;
    let secrets = decide::stop_secrets(state, store);
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let claim = token::verify(token, |_| secrets.clone(), state.now().0).ok()?;
    let (channel, hash) = claim.order_id.split_once('/')?;
    Some(Subscription { store: state.store_info(&claim.store)?, channel: channel.to_owned(), hash: hash.to_owned() })
}

/// The page that asks. Nothing changes by being looked at: mail programs and their scanners follow links.
pub async fn stop_page(State(state): State<AppState>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let words = Words::accepted(&headers);
    let Some(s) = subscription(&state, &token) else { return invalid(&words) };
    let (id, channel, hash) = (s.store.id.clone(), s.channel.clone(), s.hash.clone());
    let stopped = state.db().read(move |db| people::suppressed(db, &id, &channel, &hash)).await;
    match stopped {
        Ok(stopped) => stop_form(&words, &s.store, stopped.is_some(), None),
        Err(e) => Problem::from(e).into_response(),
    }
}

/// Ends or resumes messages. One click (RFC 8058) posts `List-Unsubscribe=One-Click`, without cookies or anything else.
pub async fn stop(
    State(state): State<AppState>,
    Path(token): Path<String>,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Response {
    let words = Words::accepted(&headers);
    let Some(s) = subscription(&state, &token) else { return invalid(&words) };
    let form: BTreeMap<String, String> = serde_urlencoded::from_bytes(&form).unwrap_or_default();
    let resume = form.get("resume").is_some_and(|v| v == "1");
    let now = state.now();
    let (id, channel, hash) = (s.store.id.clone(), s.channel.clone(), s.hash.clone());
    let done = state
        .db()
        .write(move |db| {
            if !resume {
                return people::suppress(db, &id, &channel, &hash, None, "unsubscribed", now);
            }
            // Only what was asked for here is taken back here: a mailbox that bounces still does. What was agreed to before is not
            // agreed to anew by that.
            if people::suppressed(db, &id, &channel, &hash)?.as_deref() == Some("unsubscribed") {
                people::release(db, &id, &channel, &hash)?;
            }
            Ok(())
        })
        .await;
    match done {
        Ok(()) => stop_form(&words, &s.store, !resume, Some(if resume { "stop.resumed" } else { "stop.done" })),
        Err(e) => Problem::from(e).into_response(),
    }
}

fn stop_form(words: &Words, store: &StoreInfo, stopped: bool, done: Option<&str>) -> Response {
    let texts = &notify::texts::Texts::new(words);
    let title = say(texts, "stop.title", &[("store", &store.name)]);
    let body = html! {
        h1 { (title) }
        @if let Some(done) = done { p role="status" { (say(texts, done, &[])) } }
        @else if stopped { p role="status" { (say(texts, "stop.done", &[])) } }
        @else { p { (say(texts, "stop.ask", &[])) } }
        form method="post" {
            @if stopped {
                input type="hidden" name="resume" value="1";
                button type="submit" { (say(texts, "stop.resume", &[])) }
            } @else if done.is_none() {
                button type="submit" { (say(texts, "stop.button", &[])) }
            }
        }
    };
    track::page(StatusCode::OK, words, &title, shop(store), body)
}

pub(super) fn shop(store: &StoreInfo) -> Markup {
    let url = store.url.as_deref().filter(|u| u.starts_with("https://") || u.starts_with("http://"));
    html! { @if let Some(url) = url { a href=(url) { (store.name) } } @else { (store.name) } }
}

pub(super) fn invalid(words: &Words) -> Response {
    let text = say(words, "page.invalid", &[]);
    track::page(StatusCode::NOT_FOUND, words, &text, html! {}, html! { h1 { (text) } })
}

/// `POST /v1/messages/{store}/sms/{provider}`: answers to SMS (STOP, START), and what became of messages. Twilio signs with the auth token,
/// a generic gateway shows the bearer token.
#[utoipa::path(post, path = "/v1/messages/{store}/sms/{provider}", tag = "messages", params(("store" = String, Path), ("provider" = String, Path, description = "`twilio` or `generic`")),
    request_body(content = String, description = "Twilio's form fields, or JSON `{from, text}` and `{to, status: undelivered}`"),
    responses((status = 200, description = "Taken"), (status = 401, description = "Not signed by the provider", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn sms(
    State(state): State<AppState>,
    Path((store, provider)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let refused = || Problem::new(StatusCode::UNAUTHORIZED, "this is not signed by the store's SMS provider");
    let config = state.config();
    let account = config.store(&store).and_then(|s| s.sms.as_ref()).filter(|a| a.provider == provider).ok_or_else(refused)?;
    let info = state.store_info(&store).ok_or_else(refused)?;
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let token = account.token.expose_secret();
    let fields: BTreeMap<String, String> = if provider == "twilio" {
        let form: BTreeMap<String, String> =
            serde_urlencoded::from_bytes(&body).map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "not a form"))?;
        let url = format!("{}/v1/messages/{store}/sms/twilio", state.config().public_url.trim_end_matches('/'));
        if !notify::sms::genuine(token, &url, &form, header("x-twilio-signature")) {
            return Err(refused());
        }
        form
    } else {
        let given = header("authorization").strip_prefix("Bearer ").unwrap_or_default();
        if !same(given, token) {
            return Err(refused());
        }
        let fields: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&body).map_err(|e| Problem::new(StatusCode::BAD_REQUEST, format!("not JSON: {e}")))?;
        fields.into_iter().map(|(k, v)| (k, v.as_str().map_or_else(|| v.to_string(), str::to_owned))).collect()
    };
    let field = |names: [&str; 2]| names.iter().find_map(|n| fields.get(*n)).map(String::as_str).unwrap_or_default();
    let now = state.now();
    let status = field(["MessageStatus", "status"]).to_ascii_lowercase();
    if !status.is_empty() {
        let code = field(["ErrorCode", "error_code"]).parse().unwrap_or_default();
        let gone = notify::sms::gone(code) || provider != "twilio" && status == "undelivered";
        let to = field(["To", "to"]).to_owned();
        if gone && matches!(status.as_str(), "failed" | "undelivered") && !to.is_empty() {
            suppress(&state, info, "sms", to, "bounced", now).await?;
        }
        return Ok(StatusCode::OK.into_response());
    }
    let sender = field(["From", "from"]).to_owned();
    match notify::sms::answer(field(["Body", "text"])) {
        _ if sender.is_empty() => {}
        notify::sms::Answer::Stop => suppress(&state, info, "sms", sender, "stop", now).await?,
        notify::sms::Answer::Start => {
            let hash = people::address_hash(&info, "sms", &sender);
            let resumed = state.db().write(move |db| {
                if people::suppressed(db, &info.id, "sms", &hash)?.is_some_and(|r| r == "stop") {
                    people::release(db, &info.id, "sms", &hash)?;
                    let agreed = people::Consent { channel: "sms", address: &hash, granted: true, source: "start", words: None };
                    people::consent(db, &info.id, &agreed, now)?;
                }
                Ok(())
            });
            resumed.await?;
        }
        notify::sms::Answer::Other => {}
    }
    // Nothing to answer: the provider confirms STOP itself, as carriers ask of it.
    Ok(([(header::CONTENT_TYPE, "text/xml")], "<Response/>").into_response())
}

fn same(a: &str, b: &str) -> bool {
    use sha2::{Digest, Sha256};
    use subtle::ConstantTimeEq;
    Sha256::digest(a).ct_eq(&Sha256::digest(b)).into()
}

async fn suppress(
    state: &AppState,
    store: StoreInfo,
    channel: &'static str,
    address: String,
    reason: &'static str,
    now: Instant,
) -> Result<(), Problem> {
    let done = state.db().write(move |db| {
        let hash = people::address_hash(&store, channel, &address);
        people::suppress(db, &store.id, channel, &hash, Some(&people::hint(&address)), reason, now)
    });
    Ok(done.await?)
}

/// What a mail provider says of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Bounce {
    /// `bounce` or `complaint`; anything else changes nothing.
    pub r#type: String,
    pub address: String,
    /// A full mailbox is not: it may be written to again.
    pub permanent: Option<bool>,
}

/// `POST /v1/messages/{store}/bounces`: bounces and complaints, one or a list, signed as Standard Webhooks say with one of the store's
/// `webhook_secrets.bounces`.
#[utoipa::path(post, path = "/v1/messages/{store}/bounces", tag = "messages", params(("store" = String, Path)), request_body = Vec<Bounce>,
    responses((status = 200, description = "How many addresses are no longer written to", body = Object), (status = 400, description = "Not such a list", body = wire::Problem, content_type = "application/problem+json"), (status = 401, description = "Wrong signature", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn bounces(
    State(state): State<AppState>,
    Path(store): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<axum::Json<serde_json::Value>, Problem> {
    let refused = |why: String| Problem::new(StatusCode::UNAUTHORIZED, why);
    let config = state.config();
    let secrets = config.store(&store).and_then(|s| s.webhook_secrets.get("bounces")).filter(|s| !s.is_empty());
    let (Some(secrets), Some(info)) = (secrets, state.store_info(&store)) else {
        return Err(refused("there is no such store, or it has no webhook_secrets.bounces".into()));
    };
    let secrets: Vec<&str> = secrets.iter().map(ExposeSecret::expose_secret).collect();
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let now = state.now();
    tracking::signature::verify("standard", &secrets, &header, &body, now.0).map_err(|e| refused(e.to_string()))?;
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        Many(Vec<Bounce>),
        One(Bounce),
    }
    let list = match serde_json::from_slice(&body) {
        Ok(OneOrMany::Many(list)) => list,
        Ok(OneOrMany::One(one)) => vec![one],
        Err(_) => return Err(Problem::new(StatusCode::BAD_REQUEST, "write one or a list of {type, address, permanent}")),
    };
    let done = state.db().write(move |db| {
        let mut taken = 0;
        for b in list.iter().filter(|b| notify::mail::is_address(b.address.trim())) {
            let reason = match b.r#type.as_str() {
                "bounce" if b.permanent.unwrap_or(true) => "bounced",
                "complaint" => "complained",
                _ => continue,
            };
            let hash = people::address_hash(&info, "mail", &b.address);
            people::suppress(db, &info.id, "mail", &hash, Some(&people::hint(b.address.trim())), reason, now)?;
            taken += 1;
        }
        Ok(taken)
    });
    Ok(axum::Json(serde_json::json!({"suppressed": done.await?})))
}

/// What a shopper agrees to, or takes back, on the order's page.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Wish {
    /// `mail` or `sms`
    channel: String,
    agreed: bool,
    /// What was agreed to, as it was shown.
    words: Option<String>,
}

/// `POST /v1/orders/{token}/consents`: the shopper agrees to news of this order on a channel, or takes that back. It is about the address
/// in the order: no other can be written here.
#[utoipa::path(post, path = "/v1/orders/{token}/consents", tag = "order", params(("token" = String, Path)), request_body = Wish,
    responses((status = 204, description = "Recorded"), (status = 401, description = "Not a valid token", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "The order has no address on this channel", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Fields that can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn consent(
    State(state): State<AppState>,
    Path(token): Path<String>,
    body: Result<axum::Json<Wish>, axum::extract::rejection::JsonRejection>,
) -> Result<StatusCode, Problem> {
    let claim = super::orders::claim(&state, &token)?;
    let wish = super::admin::readable(body)?;
    let wrong = |field: &str, message: &str| {
        Problem::invalid(vec![wire::problem::FieldError { field: field.into(), message: message.into() }])
    };
    if !matches!(wish.channel.as_str(), "mail" | "sms") {
        return Err(wrong("channel", "mail or sms"));
    }
    if wish.words.as_ref().is_some_and(|w| w.len() > 1000) {
        return Err(wrong("words", "1000 characters at most"));
    }
    let now = state.now();
    let recorded = state.db().write(move |db| {
        let contact = people::contact(db, &claim.store, &claim.order_id)?.unwrap_or_default();
        let hash = if wish.channel == "mail" { contact.email_hash } else { contact.phone_hash };
        let Some(hash) = hash else { return Ok(false) };
        if wish.agreed {
            // Who asks for them again wants them again.
            if people::suppressed(db, &claim.store, &wish.channel, &hash)?.is_some_and(|r| r == "unsubscribed") {
                people::release(db, &claim.store, &wish.channel, &hash)?;
            }
        }
        let given = people::Consent {
            channel: &wish.channel,
            address: &hash,
            granted: wish.agreed,
            source: "order_page",
            words: wish.words.as_deref(),
        };
        people::consent(db, &claim.store, &given, now)?;
        Ok(true)
    });
    match recorded.await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::new(StatusCode::NOT_FOUND, "the order has no address on this channel")),
    }
}
