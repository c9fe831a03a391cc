//! Who asks, and whether they may: before every handler of the console.

use std::borrow::Cow;

use axum::{
    body::Body,
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use maud::html;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Least, frame};
use crate::{
    problem::Problem,
    state::AppState,
    store::people::{self, Person, Role},
};

/// The largest form that is taken.
const FORM: usize = 1024 * 1024;
const COOKIE: &str = "whereabouts_console";
/// Tells that somebody has signed in from a browser before; opens nothing.
pub(super) const DEVICE: &str = "whereabouts_device";
const YEAR: i64 = 365 * 86_400;

/// Who is signed in, and where they are.
#[derive(Clone, Debug)]
pub struct Session {
    pub person: Person,
    /// What every form carries, so that no other page can send it.
    pub csrf: String,
    /// The store that the page is about; empty outside of stores.
    pub store: String,
    pub store_name: String,
    pub role: Role,
    /// Several stores: there is something to choose from.
    pub several: bool,
    /// The page's path, for the menu.
    pub path: String,
    /// What was just done, as the query says it (`said=`).
    pub said: String,
    secret: String,
}

impl Session {
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// May they do what asks for this role?
    pub fn may(&self, least: Role) -> bool {
        self.role >= least
    }

    /// A path of this store.
    pub fn to(&self, rest: &str) -> String {
        format!("/console/{}/{rest}", self.store)
    }

    /// After a change: to a page of this store that says what was done.
    pub fn done(&self, rest: &str, said: &str) -> Response {
        let joint = if rest.contains('?') { '&' } else { '?' };
        let (path, anchor) = rest.split_once('#').unwrap_or((rest, ""));
        let anchor = if anchor.is_empty() { String::new() } else { format!("#{anchor}") };
        Redirect::to(&format!("/console/{}/{path}{joint}said={said}{anchor}", self.store)).into_response()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Session, Failure> {
        let found = parts.extensions.get::<Session>().cloned();
        found.ok_or_else(|| anyhow::anyhow!("{} asks for a session without a guard before it", parts.uri.path()).into())
    }
}

/// What a form or a query says.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// A field, without the space around it; empty where it was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|f| f.0 == name).map_or("", |f| f.1.trim())
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|f| f.0 == name)
    }

    /// All values of a field that may be sent several times, without empty ones.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|f| f.0 == name && !f.1.trim().is_empty()).map(|f| f.1.trim().to_owned()).collect()
    }

    /// A list that was written with commas or on lines of its own.
    pub fn list(&self, name: &str) -> Vec<String> {
        let text = self.get(name);
        text.split([',', ';', '\n']).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    pub fn some(&self, name: &str) -> Option<String> {
        Some(self.get(name)).filter(|v| !v.is_empty()).map(str::to_owned)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Fields {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Fields, Self::Rejection> {
        Ok(parts.extensions.get::<Fields>().cloned().unwrap_or_default())
    }
}

/// Why a page is not shown: a page that says so.
#[derive(Debug)]
pub struct Failure {
    pub status: StatusCode,
    pub text: Cow<'static, str>,
}

impl Failure {
    pub fn new(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Failure {
        Failure { status, text: text.into() }
    }

    pub fn none(what: &str) -> Failure {
        Failure::new(
            StatusCode::NOT_FOUND,
            format!("There is no such {what} here. It may have been removed since the page was opened."),
        )
    }
}

impl From<anyhow::Error> for Failure {
    fn from(e: anyhow::Error) -> Failure {
        tracing::error!(error = format!("{e:#}"), "a page of the console failed");
        Failure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong on our side; nothing was changed. Try again; if it stays, look into the server's log.",
        )
    }
}

impl From<Problem> for Failure {
    fn from(p: Problem) -> Failure {
        let status = StatusCode::from_u16(p.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Failure::new(status, p.0.detail)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let title = match self.status {
            StatusCode::FORBIDDEN => "Not allowed",
            StatusCode::NOT_FOUND => "Not found",
            StatusCode::INTERNAL_SERVER_ERROR => "That did not work",
            _ => "Not possible",
        };
        let body = html! {
            h1 { (title) }
            p { (self.text) }
            p { a href="/console" { "To the console" } }
        };
        (self.status, frame::bare(title, body)).into_response()
    }
}

/// Lets a request pass to its handler, if whoever sends it may do what it asks for.
pub async fn guard(State((state, least)): State<(AppState, Least)>, mut request: Request, next: Next) -> Response {
    let answer = match admit(&state, least, &mut request).await {
        Ok(None) => next.run(request).await,
        Ok(Some(zone)) => super::time::ZONE.scope(zone, next.run(request)).await,
        Err(refused) => refused,
    };
    safe(answer)
}

/// No other page may frame, feed or read what the console says; and no script or style but its own files runs in it.
fn safe(mut answer: Response) -> Response {
    let head = answer.headers_mut();
    let set = |head: &mut HeaderMap, name: header::HeaderName, value: &'static str| {
        head.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(
        head,
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    );
    // `same-origin`, not `no-referrer`: with the latter browsers send `Origin: null` along with forms.
    set(head, header::REFERRER_POLICY, "same-origin");
    set(head, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(head, header::CACHE_CONTROL, "no-store");
    set(head, header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(head, header::HeaderName::from_static("x-robots-tag"), "noindex");
    answer
}

/// Puts the session before the handler. The zone of the store that the path names, if it names one.
async fn admit(state: &AppState, least: Least, request: &mut Request) -> Result<Option<chrono_tz::Tz>, Response> {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && !from_here(state, request.headers()) {
        let text = "This form was sent from another site. Open the console and try again.";
        return Err(Failure::new(StatusCode::FORBIDDEN, text).into_response());
    }
    let fields = read_fields(request, changes).await.map_err(IntoResponse::into_response)?;
    let session = find(state, request.headers()).await.map_err(|e| Failure::from(e).into_response())?;
    if least == Least::Nobody {
        request.extensions_mut().insert(fields);
        if let Some((person, secret)) = session {
            request.extensions_mut().insert(outside(person, secret));
        }
        return Ok(None);
    }
    let Some((person, secret)) = session else {
        // Where they wanted to go, once they are signed in; a change must be asked for anew.
        let wanted = if changes { "/console" } else { request.uri().path_and_query().map_or("/console", |p| p.as_str()) };
        let query = serde_urlencoded::to_string([("next", wanted)]).unwrap_or_default();
        return Err(Redirect::to(&format!("/console/sign-in?{query}")).into_response());
    };
    let mut session = outside(person, secret);
    session.path = request.uri().path().to_owned();
    session.said = fields.get("said").to_owned();
    if changes {
        let sent = request.headers().get("x-csrf").and_then(|v| v.to_str().ok()).unwrap_or_else(|| fields.get("csrf"));
        if !bool::from(Sha256::digest(sent).ct_eq(&Sha256::digest(&session.csrf))) {
            let text = "This form is too old, or was not made here. Go back, reload the page and send it again.";
            return Err(Failure::new(StatusCode::FORBIDDEN, text).into_response());
        }
    }
    let not_allowed =
        || Failure::new(StatusCode::FORBIDDEN, "Your role does not allow this. Ask an owner of the store.").into_response();
    let mut zone = None;
    match least {
        Least::Nobody | Least::Anyone => {}
        Least::Installation if session.person.installation => {}
        Least::Installation => return Err(not_allowed()),
        Least::In(role) => {
            let store = request.uri().path().split('/').nth(2).unwrap_or_default().to_owned();
            let config = state.config();
            let (of, person) = (store.clone(), session.person.clone());
            let held = state.db().read(move |db| people::role(db, &person, &of)).await;
            let held = held.map_err(|e| Failure::from(e).into_response())?;
            // A store that one does not belong to and one that does not exist are answered alike.
            let (Some(found), Some(held)) = (config.store(&store), held) else {
                return Err(Failure::none("store").into_response());
            };
            if held < role {
                return Err(not_allowed());
            }
            // Until a policy says where the store is, its times are those of Greenwich.
            zone = Some(state.zone(&store).await.map_err(|e| Failure::from(e).into_response())?);
            session.store = store;
            session.store_name = found.name.clone();
            session.role = held;
            session.several = config.stores.len() > 1;
        }
    }
    request.extensions_mut().insert(fields);
    request.extensions_mut().insert(session);
    Ok(zone)
}

fn outside(person: Person, secret: String) -> Session {
    let csrf = hex::encode(Sha256::digest(format!("csrf {secret}")));
    Session {
        person,
        csrf,
        store: String::new(),
        store_name: String::new(),
        role: Role::Viewer,
        several: false,
        path: String::new(),
        said: String::new(),
        secret,
    }
}

/// Whose session the cookie names.
async fn find(state: &AppState, headers: &HeaderMap) -> anyhow::Result<Option<(Person, String)>> {
    let Some(secret) = cookie(headers, COOKIE) else { return Ok(None) };
    let now = state.now();
    let asked = secret.clone();
    let Some((person, seen_at)) = state.db().read(move |db| people::session(db, &asked, now)).await? else { return Ok(None) };
    if now.0 - seen_at > 60 {
        let of = secret.clone();
        state.db().write(move |db| people::session_seen(db, &of, now)).await?;
    }
    Ok(Some((person, secret)))
}

pub(super) fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|v| v.to_str().ok());
    let mut pairs = all.flat_map(|v| v.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned()).filter(|v| v.len() == 64)
}

/// The header that gives a browser its session, or takes it away. Only for HTTPS where shoppers reach us by it.
pub(super) fn set_cookie(state: &AppState, secret: Option<&str>) -> (header::HeaderName, HeaderValue) {
    let (value, age) = secret.map_or(("", 0), |s| (s, people::LONGEST));
    written(state, format!("{COOKIE}={value}; Path=/console; Max-Age={age}; HttpOnly; SameSite=Lax"))
}

/// The header that a browser is remembered by.
pub(super) fn device_cookie(state: &AppState, secret: &str) -> (header::HeaderName, HeaderValue) {
    written(state, format!("{DEVICE}={secret}; Path=/console/sign-in; Max-Age={YEAR}; HttpOnly; SameSite=Strict"))
}

fn written(state: &AppState, text: String) -> (header::HeaderName, HeaderValue) {
    let secure = if state.config().public_url.starts_with("https:") { "; Secure" } else { "" };
    (header::SET_COOKIE, HeaderValue::from_str(&format!("{text}{secure}")).unwrap_or(HeaderValue::from_static("")))
}

/// Is a change sent from a page of ours, as far as the browser says? Tools that are no browsers say nothing of it.
fn from_here(state: &AppState, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return false;
    }
    let Some(origin) = text("origin") else { return true };
    let public = state.config().public_url.trim_end_matches('/').eq_ignore_ascii_case(origin);
    let host = origin.split_once("://").map(|(_, host)| host);
    public || (host.is_some() && host == text("host"))
}

async fn read_fields(request: &mut Request, changes: bool) -> Result<Fields, Failure> {
    let bad = |what: String| Failure::new(StatusCode::BAD_REQUEST, what);
    let parse =
        |bytes: &[u8]| serde_urlencoded::from_bytes(bytes).map(Fields).map_err(|e| bad(format!("This can't be read: {e}.")));
    if !changes {
        return parse(request.uri().query().unwrap_or_default().as_bytes());
    }
    let body = std::mem::replace(request.body_mut(), Body::empty());
    let bytes = axum::body::to_bytes(body, FORM).await;
    let bytes = bytes.map_err(|_| Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "This form is too large: at most a megabyte."))?;
    parse(&bytes)
}
