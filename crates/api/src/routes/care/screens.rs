//! Help as screens: `/track/{token}/care/…` as pages that need no script, `/v1/orders/{token}/screens/…` as the same nodes in JSON for the
//! widget's module. One set of paths, one set of forms.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Multipart, Path, RawQuery, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use maud::{PreEscaped, html};
use serde_json::{Value, json};
use view::{
    Locale, Node,
    care::{self, Page},
    locale::say,
};

use super::{
    count,
    document::{self, asked},
    feedback::{self, Said, Wish},
    reports::{self, Asked as New, action_of, random_key},
};
use crate::{
    care::{checks, report::Kind},
    problem::Problem,
    routes::{
        orders::load,
        track::{self, Peer},
    },
    state::AppState,
    store::care::reports::{Did, Refused},
    words::Words,
};

/// What a form sends.
#[derive(Default)]
struct Sent {
    fields: Vec<(String, String)>,
    photos: Vec<Bytes>,
    /// Something was too large to be taken.
    too_large: bool,
}

impl Sent {
    fn one(&self, name: &str) -> &str {
        self.fields.iter().find(|f| f.0 == name).map_or("", |f| f.1.trim())
    }

    fn all(&self, name: &str) -> Vec<String> {
        self.fields.iter().filter(|f| f.0 == name).map(|f| f.1.clone()).collect()
    }
}

/// Fields, and bytes of one, that a form may have.
const MOST_FIELDS: usize = 200;
const LONGEST_FIELD: usize = 8000;

async fn sent(state: &AppState, request: Request) -> Result<Sent, Problem> {
    let unreadable = |status: StatusCode, e: String| Problem::new(status, format!("the form can't be read: {e}"));
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let mut sent = Sent::default();
    if !kind.starts_with("multipart/form-data") {
        let body = Bytes::from_request(request, state).await.map_err(|e| unreadable(e.status(), e.body_text()))?;
        let fields: Vec<(String, String)> =
            serde_urlencoded::from_bytes(&body).map_err(|e| unreadable(StatusCode::BAD_REQUEST, e.to_string()))?;
        if fields.len() > MOST_FIELDS || fields.iter().any(|f| f.1.len() > LONGEST_FIELD) {
            return Err(unreadable(StatusCode::PAYLOAD_TOO_LARGE, "it is too long".into()));
        }
        sent.fields = fields;
        return Ok(sent);
    }
    let largest = state.config().limits.photo_bytes;
    let mut parts = Multipart::from_request(request, state).await.map_err(|e| unreadable(e.status(), e.body_text()))?;
    while let Some(part) = parts.next_field().await.map_err(|e| unreadable(e.status(), e.body_text()))? {
        let name = part.name().unwrap_or_default().to_owned();
        // What a file is called says nothing: it is known by its bytes.
        let is_file = name == "photo";
        let bytes = part.bytes().await.map_err(|e| unreadable(e.status(), e.body_text()))?;
        if is_file {
            match bytes.len() {
                0 => {}
                n if n > largest || sent.photos.len() >= crate::store::care::reports::MOST_PHOTOS as usize => {
                    sent.too_large = true
                }
                _ => sent.photos.push(bytes),
            }
        } else if sent.fields.len() >= MOST_FIELDS || bytes.len() > LONGEST_FIELD {
            return Err(unreadable(StatusCode::PAYLOAD_TOO_LARGE, "it is too long".into()));
        } else {
            sent.fields.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    Ok(sent)
}

/// What a reader is shown: the screen's path, its nodes, and how it went.
struct Shown {
    path: String,
    nodes: Vec<Node>,
    status: StatusCode,
    title: String,
    words: Arc<Words>,
}

/// A path with its query: `report/new?kind=late`.
fn parts(path: &str) -> (&str, Vec<(String, String)>) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    (path.trim_matches('/'), serde_urlencoded::from_str(query).unwrap_or_default())
}

/// Makes a screen. What does not exist, or no longer, is the first one.
async fn screen(
    state: &AppState,
    token: &str,
    headers: &HeaderMap,
    path: &str,
    problem: Option<(&'static str, StatusCode)>,
    typed: &[(String, String)],
) -> Result<Shown, Problem> {
    let asked = asked(state, token, headers).await?;
    let (name, query) = parts(path);
    let of = |key: &str| query.iter().chain(typed).find(|q| q.0 == key).map(|q| q.1.clone()).unwrap_or_default();
    let key = random_key()?;
    let base = format!("/track/{token}/care/");
    let megabytes = asked.words.number((state.config().limits.photo_bytes / 1_000_000).max(1) as u32);
    let text = problem.map(|(text, _)| say(&*asked.words, text, &[("n", &megabytes)]));
    let search = if name == "help" { of("q") } else { String::new() };
    // The checks of the parcel that is named.
    let parcel = if name == "report/new" { of("parcel") } else { String::new() };
    let named = if parcel.is_empty() { None } else { load(state, &asked.claim).await?.zip(Kind::parse(&of("kind"))) };
    let named = named.map(|(order, kind)| checks::offered(&order.document, kind, Some(&parcel)));
    let page = Page { d: &asked.document, l: &*asked.words, base: &base, problem: text, typed, key: &key, search: &search };
    let nodes = match name.split('/').collect::<Vec<_>>().as_slice() {
        ["report", "new"] => {
            let kind = of("kind");
            let found = asked.document.kinds.iter().find(|k| k.kind == kind);
            found.map(|found| care::report_form(&page, named.as_ref().unwrap_or(found), &parcel))
        }
        ["report", id] => asked.document.reports.iter().find(|r| r.id == *id).map(|r| care::report(&page, r)),
        ["updates"] => Some(care::updates(&page)),
        ["history"] if asked.document.history => Some(care::history(&page, of("sent") == "1")),
        _ => None,
    };
    let (path, nodes) = match nodes {
        Some(nodes) => (path.to_owned(), nodes),
        None => ("help".to_owned(), care::help(&page)),
    };
    let status = problem.map_or(StatusCode::OK, |p| p.1);
    Ok(Shown {
        path,
        nodes,
        status,
        title: format!("{} {}", asked.document.store_name, asked.document.number),
        words: asked.words.clone(),
    })
}

/// Does what a form asks. The path of the next screen, or what was wrong and where.
async fn act(
    state: &AppState,
    token: &str,
    headers: &HeaderMap,
    peer: &str,
    path: &str,
    sent: &Sent,
) -> Result<Result<String, (String, Refused)>, Problem> {
    let asked = asked(state, token, headers).await?;
    let claim = &asked.claim;
    let language = asked.words.tag().to_owned();
    let key = Some(sent.one("key")).filter(|k| !k.is_empty() && k.len() <= 200).map(str::to_owned);
    let (name, _) = parts(path);
    let segments: Vec<&str> = name.split('/').collect();
    if let ["history"] = segments.as_slice() {
        let done = feedback::send_history(state, &claim.store, sent.one("email"), peer, &asked.words.language()).await?;
        return Ok(done.map(|()| "history?sent=1".into()).map_err(|e| ("history".into(), e)));
    }
    count(state, claim)?;
    match segments.as_slice() {
        ["report", "new"] => {
            let new = New {
                kind: sent.one("kind").into(),
                shipment: Some(sent.one("parcel").to_owned()),
                items: sent.all("item"),
                words: sent.one("words").into(),
                checked: sent.all("checked"),
                address: Some(sent.one("address").to_owned()),
                found: sent.one("outcome") == "found",
            };
            let back = || format!("report/new?kind={}", crate::care::help::encoded(sent.one("kind")));
            let key = key.map_or_else(random_key, Ok)?;
            let id = match reports::open(state, claim, new, key, &language).await? {
                Ok(id) | Err(Refused::Open(id)) => id,
                Err(e) => return Ok(Err((back(), e))),
            };
            if let Err(e) = photos(state, claim, &id, sent).await? {
                return Ok(Err((format!("report/{id}"), e)));
            }
            Ok(Ok(format!("report/{id}")))
        }
        ["report", id, action] => {
            let here = format!("report/{id}");
            let Some(action) = action_of(action) else { return Ok(Err((here, Refused::Unknown))) };
            if let Err(e) = photos(state, claim, id, sent).await? {
                return Ok(Err((here, e)));
            }
            if action == crate::care::report::Action::Add && sent.one("words").is_empty() {
                return Ok(Ok(here));
            }
            let did = Did {
                option: sent.one("option").into(),
                words: sent.one("words").into(),
                found: sent.one("outcome") == "found",
                solved: Some(sent.one("solved") == "yes"),
                language,
                key,
                ..Did::default()
            };
            let done = reports::act(state, claim, id, action, did).await?;
            Ok(done.map(|()| here.clone()).map_err(|e| (here, e)))
        }
        ["feedback"] => {
            let said = Said {
                score: sent.one("score").parse().ok(),
                comment: sent.one("words").into(),
                dismiss: sent.one("outcome") == "dismiss",
            };
            let done = feedback::say_it(state, claim, said, &language).await?;
            Ok(done.map(|()| "help".into()).map_err(|e| ("help".into(), e)))
        }
        ["updates", channel] => {
            let given = sent.one("outcome") != "stop";
            if given && sent.one("yes") != "yes" {
                return Ok(Err(("updates".into(), Refused::Field("yes", "is needed".into()))));
            }
            let address = if *channel == "email" { sent.one("email") } else { sent.one("phone") };
            let wish = Wish { channel: (*channel).into(), address: address.into(), given };
            let done = feedback::wish(state, claim, wish, &asked.words).await?;
            Ok(done.map(|()| "updates".into()).map_err(|e| ("updates".into(), e)))
        }
        _ => Err(Problem::new(StatusCode::NOT_FOUND, "there is no such form")),
    }
}

async fn photos(state: &AppState, claim: &crate::token::Claim, id: &str, sent: &Sent) -> Result<Result<(), Refused>, Problem> {
    for bytes in &sent.photos {
        if let Err(e) = reports::add_photo(state, claim, id, bytes.clone()).await? {
            return Ok(Err(e));
        }
    }
    Ok(if sent.too_large { Err(Refused::Field("photo", "is too large".into())) } else { Ok(()) })
}

/// What is said of a refusal, and its status.
fn said(refused: &Refused) -> (&'static str, StatusCode) {
    match refused {
        Refused::Field("photo", _) => ("care.problem.photo", StatusCode::UNPROCESSABLE_ENTITY),
        Refused::Field("address", _) => ("care.problem.address", StatusCode::UNPROCESSABLE_ENTITY),
        Refused::Field("email", _) => ("care.problem.email", StatusCode::UNPROCESSABLE_ENTITY),
        Refused::Field("phone", _) => ("care.problem.phone", StatusCode::UNPROCESSABLE_ENTITY),
        Refused::Field("kind" | "option", _) | Refused::NotNow(_) | Refused::Open(_) => {
            ("care.problem.now", StatusCode::CONFLICT)
        }
        Refused::TooMany(_) => ("care.problem.many", StatusCode::CONFLICT),
        Refused::Unknown => ("care.problem.now", StatusCode::NOT_FOUND),
        Refused::Field(..) => ("care.problem", StatusCode::UNPROCESSABLE_ENTITY),
    }
}

/// A tree as JSON: a text, or `[tag, attributes, children]`.
fn written(nodes: &[Node]) -> Value {
    nodes
        .iter()
        .map(|n| match n {
            Node::Text(text) => json!(text),
            Node::Element(e) => {
                let attributes: serde_json::Map<String, Value> =
                    e.attributes.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
                json!([e.tag, attributes, written(&e.children)])
            }
        })
        .collect()
}

fn as_json(shown: Shown) -> Response {
    // For when the next screen can't be had: the module has no texts of its own.
    let lost = say(&*shown.words, "care.problem.lost", &[]);
    let answer = json!({"screen": shown.path, "nodes": written(&shown.nodes), "lost": lost});
    let mut response = (shown.status, Json(answer)).into_response();
    document::private(&mut response);
    response
}

/// On a page of its own a screen's title is the first heading, and the others follow it.
fn lifted(nodes: Vec<Node>) -> Vec<Node> {
    nodes
        .into_iter()
        .map(|node| match node {
            Node::Element(mut e) => {
                if e.tag == "h3" {
                    let title = e.attributes.iter().any(|(name, value)| name == "class" && value == "care-title");
                    e.tag = if title { "h1" } else { "h2" }.into();
                }
                e.children = lifted(e.children);
                Node::Element(e)
            }
            text => text,
        })
        .collect()
}

fn as_page(state: &AppState, token: &str, shown: Shown) -> Response {
    let words = &shown.words;
    let config = state.config();
    let store = token.split('.').nth(1).and_then(|s| config.store(s));
    let link = html! { @if let Some(s) = store { (s.name) } };
    let body = html! {
        div.care { (PreEscaped(view::node::html(&lifted(shown.nodes)))) }
        p.care-back { a.link href=(format!("/track/{token}")) { (say(&**words, "care.order", &[])) } }
    };
    track::page(shown.status, words, &shown.title, link, body)
}

type At = (String, String);

fn with_query(path: &str, query: Option<String>) -> String {
    query.map_or_else(|| path.to_owned(), |q| format!("{path}?{q}"))
}

/// A screen's nodes.
#[utoipa::path(get, path = "/v1/orders/{token}/screens/{path}", tag = "care", params(("token" = String, Path, description = "Order token"), ("path" = String, Path, description = "help, report/new?kind=…, report/{id}, updates, history")),
    responses((status = 200, description = "`{screen, nodes}`: a node is a text or `[tag, attributes, children]`", body = Object), (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn nodes(
    State(state): State<AppState>,
    Path((token, path)): Path<At>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(as_json(screen(&state, &token, &headers, &with_query(&path, query), None, &[]).await?))
}

/// Sends a screen's form; answers the next screen.
#[utoipa::path(post, path = "/v1/orders/{token}/screens/{path}", tag = "care", params(("token" = String, Path, description = "Order token"), ("path" = String, Path, description = "The form's `data-form`")),
    request_body(content = String, content_type = "multipart/form-data"),
    responses((status = 200, description = "The next screen", body = Object), (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json"), (status = 409, description = "The screen as it stands now, with what is no longer possible", body = Object), (status = 422, description = "The same screen, with what was wrong", body = Object)))]
pub async fn send(
    State(state): State<AppState>,
    Path((token, path)): Path<At>,
    peer: Peer,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let sent = sent(&state, request).await?;
    let shown = match act(&state, &token, &headers, peer.address(), &path, &sent).await? {
        Ok(next) => screen(&state, &token, &headers, &next, None, &[]).await?,
        Err((at, refused)) => screen(&state, &token, &headers, &at, Some(said(&refused)), &sent.fields).await?,
    };
    Ok(as_json(shown))
}

/// A screen as a page.
pub async fn page(
    State(state): State<AppState>,
    Path((token, path)): Path<At>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match screen(&state, &token, &headers, &with_query(&path, query), None, &[]).await {
        Ok(shown) => as_page(&state, &token, shown),
        Err(problem) => track::refusal(&Words::accepted(&headers), &problem),
    }
}

/// A page's form.
pub async fn form(State(state): State<AppState>, Path((token, path)): Path<At>, peer: Peer, request: Request) -> Response {
    let headers = request.headers().clone();
    let words = Words::accepted(&headers);
    let sent = match sent(&state, request).await {
        Ok(sent) => sent,
        Err(problem) => return failed(&state, &headers, &token, &path, &problem, &[]).await,
    };
    match act(&state, &token, &headers, peer.address(), &path, &sent).await {
        Ok(Ok(next)) => Redirect::to(&format!("/track/{token}/care/{next}")).into_response(),
        Ok(Err((at, refused))) => match screen(&state, &token, &headers, &at, Some(said(&refused)), &sent.fields).await {
            Ok(shown) => as_page(&state, &token, shown),
            Err(problem) => track::refusal(&words, &problem),
        },
        Err(problem) => failed(&state, &headers, &token, &path, &problem, &sent.fields).await,
    }
}

/// A form that could not be taken at all: its screen again, with why.
async fn failed(
    state: &AppState,
    headers: &HeaderMap,
    token: &str,
    path: &str,
    problem: &Problem,
    typed: &[(String, String)],
) -> Response {
    let status = StatusCode::from_u16(problem.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let text = match status {
        StatusCode::TOO_MANY_REQUESTS => "care.problem.many",
        StatusCode::PAYLOAD_TOO_LARGE => "care.problem.photo",
        _ if status.is_server_error() => "care.problem.lost",
        _ => "care.problem",
    };
    let at = match path.split('/').collect::<Vec<_>>().as_slice() {
        ["report", id, _] => format!("report/{id}"),
        _ => path.to_owned(),
    };
    match screen(state, token, headers, &at, Some((text, status)), typed).await {
        Ok(shown) => as_page(state, token, shown),
        Err(problem) => track::refusal(&Words::accepted(headers), &problem),
    }
}
