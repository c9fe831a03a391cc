//! Signing in and out, the one-time links that bring people in, and one's own account.

use anyhow::{Context, Result};
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use serde_json::json;
use std::sync::LazyLock;
use tokio::sync::Semaphore;

use super::{
    Failure, Fields, Session,
    frame::{self, bare, csrf, field, moment, refused, wrong},
    guard::{DEVICE, cookie, device_cookie, set_cookie},
    passkeys,
};
use crate::{
    routes::track::Peer,
    state::AppState,
    store::{
        audit, passkeys as passkeys_kept,
        people::{self, Invitation, Role},
    },
};

/// How long a link works that sets an installation up, or invites somebody.
pub(super) const LINK: i64 = 3 * 86_400;
const SHORTEST: usize = 12;
const LONGEST: usize = 200;

/// Hashing takes 19 MB each time: only so many at once.
static HASHING: Semaphore = Semaphore::const_new(4);

/// 256 random bits, in hex.
pub(super) fn random() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the system's random numbers")?;
    Ok(hex::encode(bytes))
}

async fn hashed(password: &str) -> Result<String> {
    let (password, _turn) = (password.to_owned(), HASHING.acquire().await?);
    let made = tokio::task::spawn_blocking(move || Argon2::default().hash_password(password.as_bytes()).map(|h| h.to_string()));
    made.await?.map_err(|e| anyhow::anyhow!("hashing: {e}"))
}

async fn matches(state: &AppState, password: &str, hash: &str) -> Result<bool> {
    state.hashed(work(hash));
    let (password, hash, _turn) = (password.to_owned(), hash.to_owned(), HASHING.acquire().await?);
    Ok(tokio::task::spawn_blocking(move || Argon2::default().verify_password(password.as_bytes(), hash.as_str()).is_ok()).await?)
}

/// What it costs to compare with a hash, as the hash says: memory times passes.
fn work(hash: &str) -> u64 {
    let cost = hash.split('$').nth(3).unwrap_or_default();
    cost.split(',').filter_map(|part| part.split_once('=')?.1.parse::<u64>().ok()).product()
}

/// What is wrong with a new password, if anything.
fn weak(password: &str, email: &str, name: &str) -> Option<String> {
    let plain = password.to_lowercase();
    let same = |other: &str| !other.is_empty() && plain.contains(&other.to_lowercase()) && plain.len() < other.len() + 6;
    let distinct = plain.chars().collect::<std::collections::BTreeSet<_>>().len();
    if password.chars().count() < SHORTEST {
        Some(format!("Use at least {SHORTEST} characters. A few words that don't belong together are good."))
    } else if password.len() > LONGEST {
        Some(format!("Use at most {LONGEST} characters."))
    } else if distinct < 5 || same(email) || same(email.split('@').next().unwrap_or_default()) || same(name) {
        Some("This one is too easy to guess: it repeats itself, or is your name.".into())
    } else {
        ["password", "whereabouts", "123456789", "qwertyuiop"]
            .iter()
            .find(|w| same(w))
            .map(|_| "This one is too easy to guess.".into())
    }
}

/// A link that opens an installation where nobody can sign in yet; nothing where somebody can.
pub async fn set_up_link(state: &AppState, base: &str) -> Result<Option<String>> {
    let (secret, now) = (random()?, state.now());
    let kept = secret.clone();
    let made = state.db().write(move |db| {
        if people::any(db)? {
            return Ok(false);
        }
        let link =
            Invitation { kind: "set_up".into(), made_by: "installation".into(), ends_at: now.0 + LINK, ..Invitation::default() };
        people::invite(db, &kept, &link, now)?;
        Ok(true)
    });
    Ok(made.await?.then(|| link_of(base, &secret)))
}

/// A link for somebody who has forgotten their password; nothing where nobody has this address.
pub async fn password_link(state: &AppState, base: &str, email: &str) -> Result<Option<String>> {
    let (secret, now, email) = (random()?, state.now(), email.to_lowercase());
    let kept = secret.clone();
    let made = state.db().write(move |db| {
        let Some((person, _)) = people::by_email(db, &email)? else { return Ok(false) };
        let link = Invitation {
            kind: "password".into(),
            email: person.email,
            made_by: audit::COMMAND.into(),
            ends_at: now.0 + LINK,
            ..Invitation::default()
        };
        people::invite(db, &kept, &link, now)?;
        Ok(true)
    });
    Ok(made.await?.then(|| link_of(base, &secret)))
}

/// Somebody to sign in as in the demo, with a password of this run.
pub async fn demo_person(state: &AppState, email: &'static str) -> Result<String> {
    let (password, now) = (random()?[..16].to_owned(), state.now());
    let hash = hashed(&password).await?;
    state
        .db()
        .write(move |db| match people::by_email(db, email)? {
            Some((person, _)) => people::set_password(db, person.id, &hash),
            None => people::create(db, email, "Demo", &hash, true, now).map(drop),
        })
        .await?;
    Ok(password)
}

pub(super) fn link_of(base: &str, secret: &str) -> String {
    format!("{}/console/set-up/{secret}", base.trim_end_matches('/'))
}

/// Where to go on: only to pages of the console.
fn next_of(fields: &Fields) -> String {
    let next = fields.get("next");
    let ours = (next == "/console" || next.starts_with("/console/") || next.starts_with("/console?"))
        && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
        && !next.contains("//")
        && next.len() < 1000;
    if ours { next.to_owned() } else { "/console".into() }
}

pub async fn page(
    State(state): State<AppState>,
    fields: Fields,
    session: Option<Extension<Session>>,
) -> Result<Response, Failure> {
    if session.is_some() {
        return Ok(Redirect::to(&next_of(&fields)).into_response());
    }
    let anybody = state.db().read(people::any).await?;
    if !anybody {
        let body = html! {
            h1 { "Nobody can sign in yet" }
            p { "This installation is new. The server printed a link when it was started, which opens it once: look into its output, or start it again for a new link." }
        };
        return Ok(bare("Sign in", body).into_response());
    }
    Ok(form(&state, &fields, None).into_response())
}

pub(super) fn form(state: &AppState, fields: &Fields, error: Option<&str>) -> Markup {
    let body = html! {
        h1 { "Sign in" }
        @if let Some(text) = error { div.problem role="alert" { p { (text) } } }
        form.narrow method="post" action="/console/sign-in" {
            input type="hidden" name="next" value=(next_of(fields));
            (field("Email", "email", fields.get("email")).kind("email").required().complete("username"))
            (field("Password", "password", "").kind("password").required().complete("current-password"))
            button.main type="submit" { "Sign in" }
        }
        (passkeys::button(state, &next_of(fields)))
        p.hint { "Forgot your password? An owner of the store can send you a link for a new one. If you are the only one, run " code { "whereabouts console link" } " on the server." }
    };
    bare("Sign in", body)
}

pub async fn sign_in(
    State(state): State<AppState>,
    Peer(peer): Peer,
    headers: HeaderMap,
    session: Option<Extension<Session>>,
    fields: Fields,
) -> Result<Response, Failure> {
    let email = fields.get("email").to_lowercase();
    let password = raw(&fields, "password");
    // A browser that its owner has signed in from has tries of its own: who guesses from elsewhere uses up those of strangers.
    let known = match cookie(&headers, DEVICE) {
        Some(secret) => {
            let asked = email.clone();
            let read = move |db: &_| Ok(passkeys_kept::knows_device(db, &secret, &asked)?.then(|| people::hash(&secret)));
            state.db().read(read).await?
        }
        None => None,
    };
    let key = known.map_or_else(|| format!("account {email}"), |device| format!("device {device}"));
    if !state.may_sign_in(&key, &peer) {
        let text = "Too many tries. Wait a minute, then try again.";
        return Ok((StatusCode::TOO_MANY_REQUESTS, form(&state, &fields, Some(text))).into_response());
    }
    let asked = email.clone();
    let found = state.db().read(move |db| people::by_email(db, &asked)).await?;
    // An address that nobody has takes as long as a wrong password.
    static NOBODY: LazyLock<String> =
        LazyLock::new(|| Argon2::default().hash_password(b"nobody").map(|h| h.to_string()).unwrap_or_default());
    let hash = found.as_ref().map_or_else(|| NOBODY.clone(), |f| f.1.clone());
    let right = password.len() <= LONGEST && matches(&state, &password, &hash).await?;
    let Some((person, _)) = found.filter(|_| right) else {
        tracing::info!(peer, "a sign-in to the console failed");
        return Ok((StatusCode::UNAUTHORIZED, form(&state, &fields, Some("Email and password don't match."))).into_response());
    };
    admit(&state, person.id, &headers, session, &fields).await
}

/// A field as it was typed: in passwords spaces count.
pub(super) fn raw(fields: &Fields, name: &str) -> String {
    fields.0.iter().find(|f| f.0 == name).map(|f| f.1.clone()).unwrap_or_default()
}

/// Is it the password of whoever has this address?
pub(super) async fn is_password(state: &AppState, email: &str, password: String) -> Result<bool> {
    let asked = email.to_owned();
    let hash = state.db().read(move |db| people::by_email(db, &asked)).await?.map(|f| f.1).unwrap_or_default();
    Ok(password.len() <= LONGEST && matches(state, &password, &hash).await?)
}

/// Lets somebody in who has shown who they are, and remembers the browser.
pub(super) async fn admit(
    state: &AppState,
    person: i64,
    headers: &HeaderMap,
    session: Option<Extension<Session>>,
    fields: &Fields,
) -> Result<Response, Failure> {
    let old = session.map(|s| s.secret().to_owned());
    let cookie = open(state, person, headers, old).await?;
    let (secret, now) = (random()?, state.now());
    let kept = secret.clone();
    state.db().write(move |db| passkeys_kept::note_device(db, &kept, person, now)).await?;
    Ok((AppendHeaders([cookie, device_cookie(state, &secret)]), Redirect::to(&next_of(fields))).into_response())
}

/// A new session under a new secret; the one before it ends.
async fn open(
    state: &AppState,
    person: i64,
    headers: &HeaderMap,
    old: Option<String>,
) -> Result<(header::HeaderName, axum::http::HeaderValue)> {
    let (secret, now) = (random()?, state.now());
    let agent = headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let (kept, agent) = (secret.clone(), agent.chars().take(200).collect::<String>());
    state
        .db()
        .write(move |db| {
            if let Some(old) = old {
                people::end_session(db, &old)?;
            }
            people::open_session(db, &kept, person, &agent, now)
        })
        .await?;
    Ok(set_cookie(state, Some(&secret)))
}

pub async fn sign_out(State(state): State<AppState>, session: Session) -> Result<Response, Failure> {
    let secret = session.secret().to_owned();
    state.db().write(move |db| people::end_session(db, &secret)).await?;
    Ok(([set_cookie(&state, None)], Redirect::to("/console/sign-in")).into_response())
}

fn no_link() -> Failure {
    Failure::new(
        StatusCode::NOT_FOUND,
        "This link is not valid: it was used already, or is too old. Ask for a new one; an installation that nobody has set up yet prints one when it is started.",
    )
}

/// What a link's form asks, by what the link is for and whether its address is known.
fn welcome(
    state: &AppState,
    link: &Invitation,
    secret: &str,
    known: bool,
    fields: &Fields,
    errors: &[(String, String)],
) -> Markup {
    let error = |name: &str| errors.iter().find(|e| e.0 == name).map(|e| e.1.clone()).unwrap_or_default();
    let store = state.config().store(&link.store).map(|s| s.name.clone()).unwrap_or_default();
    let title = match link.kind.as_str() {
        "set_up" => "Welcome".to_owned(),
        "password" => "Choose a new password".to_owned(),
        _ => format!("Join {store}"),
    };
    let body = html! {
        h1 { (title) }
        @match link.kind.as_str() {
            "set_up" => p { "You are the first here. Who sets this installation up runs it: makes stores, and invites others." },
            "password" => p { "For " strong { (link.email) } ". All open sessions end, and passkeys are removed." },
            _ => p { (link.made_by) " invites " strong { (link.email) } " as " (link.role) "." },
        }
        form.narrow method="post" action=(format!("/console/set-up/{secret}")) {
            @if link.kind == "set_up" {
                (field("Email", "email", fields.get("email")).kind("email").required().complete("username").error(error("email")))
            } @else {
                input type="hidden" name="email" autocomplete="username" value=(link.email);
            }
            @if link.kind != "password" && !known {
                (field("Your name", "name", fields.get("name")).required().complete("name").hint("As others here see it.").error(error("name")))
            }
            @if known && link.kind == "join" {
                (field("Your password", "password", "").kind("password").required().complete("current-password").hint("You have an account here already.").error(error("password")))
                button.main type="submit" { "Join" }
            } @else {
                (field("Password", "password", "").kind("password").required().complete("new-password").hint("At least 12 characters. A few words that don't belong together are good.").error(error("password")))
                button.main type="submit" { "Go on" }
            }
        }
    };
    bare(&title, body)
}

pub async fn set_up_page(State(state): State<AppState>, Path(secret): Path<String>) -> Result<Markup, Failure> {
    let (now, asked) = (state.now(), secret.clone());
    let found = state.db().read(move |db| {
        let link = people::invitation(db, &asked, now)?;
        let known = link.as_ref().map(|l| people::by_email(db, &l.email)).transpose()?.flatten().is_some();
        Ok(link.map(|l| (l, known)))
    });
    let (link, known) = found.await?.ok_or_else(no_link)?;
    Ok(welcome(&state, &link, &secret, known, &Fields::default(), &[]))
}

pub async fn set_up(
    State(state): State<AppState>,
    Path(secret): Path<String>,
    Peer(peer): Peer,
    headers: HeaderMap,
    session: Option<Extension<Session>>,
    fields: Fields,
) -> Result<Response, Failure> {
    let (now, asked) = (state.now(), secret.clone());
    let link = state.db().read(move |db| people::invitation(db, &asked, now)).await?.ok_or_else(no_link)?;
    let email = if link.kind == "set_up" { fields.get("email").to_lowercase() } else { link.email.clone() };
    let asked = email.clone();
    let known = state.db().read(move |db| people::by_email(db, &asked)).await?;
    let name = known.as_ref().map_or_else(|| fields.get("name").to_owned(), |k| k.0.name.clone());
    let password = raw(&fields, "password");
    let mut errors = Vec::new();
    if !is_email(&email) {
        errors.push(("email".to_owned(), "Write an email address, such as ada@shop.example.".to_owned()));
    }
    if name.is_empty() || name.chars().count() > 80 {
        errors.push(("name".into(), "Write your name, in at most 80 characters.".into()));
    }
    match &known {
        Some((_, hash)) if link.kind == "join" => {
            if !state.may_sign_in(&format!("account {email}"), &peer) {
                errors.push(("password".into(), "Too many tries. Wait a minute, then try again.".into()));
            } else if !matches(&state, &password, hash).await? {
                errors.push(("password".into(), "This is not the password of your account.".into()));
            }
        }
        _ => errors.extend(weak(&password, &email, &name).map(|e| ("password".to_owned(), e))),
    }
    if !errors.is_empty() {
        return Ok(refused(welcome(&state, &link, &secret, known.is_some(), &fields, &errors)));
    }
    let hash = if known.is_some() && link.kind == "join" { String::new() } else { hashed(&password).await? };
    let joined = state.db().write(move |db| {
        // Whoever comes second finds the link used up.
        let Some(link) = people::take_invitation(db, &secret, now)? else { return Ok(None) };
        let existing = people::by_email(db, &email)?.map(|k| k.0.id);
        let person = match (existing, link.kind.as_str()) {
            (_, "set_up") if people::any(db)? => return Ok(None),
            (None, "password") => return Ok(None),
            (None, kind) => people::create(db, &email, &name, &hash, kind == "set_up", now)?,
            (Some(person), "password") => {
                people::set_password(db, person, &hash)?;
                // Whoever had got in may have left a key behind.
                passkeys_kept::remove_all(db, person)?;
                person
            }
            (Some(person), _) => person,
        };
        if let (Some(role), "join") = (Role::parse(&link.role), link.kind.as_str()) {
            people::join(db, &link.store, person, role)?;
            audit::record(db, &link.store, &name, "people.join", &format!("person {person}"), &json!({"role": role.word()}))?;
        }
        Ok(Some(person))
    });
    let person = joined.await?.ok_or_else(no_link)?;
    let cookie = open(&state, person, &headers, session.map(|s| s.secret().to_owned())).await?;
    Ok(([cookie], Redirect::to("/console")).into_response())
}

/// Near enough: something, an @, something with a dot or a local name; no space.
pub(super) fn is_email(text: &str) -> bool {
    let Some((who, host)) = text.rsplit_once('@') else { return false };
    !who.is_empty() && !host.is_empty() && text.len() <= 200 && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

pub async fn account(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    show_account(&state, &session, &[], None).await
}

pub(super) async fn show_account(
    state: &AppState,
    session: &Session,
    errors: &[String],
    passkey: Option<&str>,
) -> Result<Markup, Failure> {
    let (person, secret, now) = (session.person.id, session.secret().to_owned(), state.now());
    let list = state.db().read(move |db| people::sessions(db, person, &secret, now)).await?;
    let keys = passkeys::section(state, session, passkey).await?;
    let body = html! {
        h1 { "Your account" }
        p { (session.person.name) ", " (session.person.email) }
        section {
            h2 { "Password" }
            (wrong(errors))
            form.narrow method="post" action="/console/account/password" {
                (csrf(session))
                input type="hidden" name="email" autocomplete="username" value=(session.person.email);
                (field("Your password now", "password", "").kind("password").required().complete("current-password"))
                (field("New password", "new", "").kind("password").required().complete("new-password").hint("At least 12 characters."))
                button type="submit" { "Change it" }
            }
        }
        (keys)
        section {
            h2 { "Where you are signed in" }
            ul.rows {
                @for (made, seen, agent, this) in &list {
                    li {
                        span { (browser(agent)) @if *this { strong { " – this one" } } }
                        span.hint { "since " (moment(*made)) ", last used " (moment(*seen)) }
                    }
                }
            }
            @if list.len() > 1 { (frame::action(session, "/console/account/sessions", &[], "Sign out everywhere else", "")) }
        }
    };
    Ok(frame::page("Your account", session, body))
}

pub(super) fn browser_of(headers: &HeaderMap) -> String {
    browser(headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default())
}

/// "Firefox on Linux", as far as its own words tell.
fn browser(agent: &str) -> String {
    let find = |list: &[(&str, &'static str)]| list.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name);
    let name = find(&[("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]);
    let system = find(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "Mac"),
        ("Linux", "Linux"),
    ]);
    match (name, system) {
        (Some(name), Some(system)) => format!("{name} on {system}"),
        (Some(name), None) => name.into(),
        _ => "Another client".into(),
    }
}

pub async fn new_password(
    State(state): State<AppState>,
    Peer(peer): Peer,
    headers: HeaderMap,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    let (old, new, email) = (raw(&fields, "password"), raw(&fields, "new"), session.person.email.clone());
    // Whoever guesses from outside does not use up the tries of who is within.
    if !state.may_sign_in(&format!("person {}", session.person.id), &peer) {
        let page = show_account(&state, &session, &["Too many tries. Wait a minute, then try again.".into()], None).await?;
        return Ok((StatusCode::TOO_MANY_REQUESTS, page).into_response());
    }
    let error = match is_password(&state, &email, old).await? {
        false => Some("Your password now is another one.".to_owned()),
        true => weak(&new, &email, &session.person.name),
    };
    if let Some(error) = error {
        return Ok(refused(show_account(&state, &session, &[error], None).await?));
    }
    let (hash, person) = (hashed(&new).await?, session.person.id);
    state.db().write(move |db| people::set_password(db, person, &hash)).await?;
    let cookie = open(&state, person, &headers, None).await?;
    Ok(([cookie], Redirect::to("/console/account?said=password")).into_response())
}

pub async fn end_others(State(state): State<AppState>, session: Session) -> Result<Redirect, Failure> {
    let (person, secret) = (session.person.id, session.secret().to_owned());
    state.db().write(move |db| people::end_others(db, person, &secret)).await?;
    Ok(Redirect::to("/console/account?said=signed-out"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_that_are_easy_to_guess_are_refused() {
        for bad in ["short", "aaaaaaaaaaaaaaaa", "ada.lovelace12", "password12345", "Whereabouts1!"] {
            assert!(weak(bad, "ada.lovelace@shop.example", "Ada").is_some(), "{bad}");
        }
        for good in ["correct horse battery", "kettle-lamp-orbit-9", "Ω≈ç√∫˜µ≤≥÷ unusual"] {
            assert!(weak(good, "ada@shop.example", "Ada").is_none(), "{good}");
        }
    }

    #[test]
    fn signing_in_leads_to_pages_of_the_console_only() {
        let next = |text: &str| next_of(&Fields(vec![("next".into(), text.into())]));
        assert_eq!(next("/console/demo/orders?q=1"), "/console/demo/orders?q=1");
        for elsewhere in [
            "https://evil.example",
            "//evil.example",
            "/consolex",
            "/console/..//evil.example",
            "/console/\\evil",
            "",
            "javascript:1",
            "/console/\r\nx",
        ] {
            assert_eq!(next(elsewhere), "/console", "{elsewhere}");
        }
    }
}
