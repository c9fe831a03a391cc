//! Passkeys: made on one's account's page, and used to sign in without an address or a password.

pub mod webauthn;

use std::{collections::HashMap, sync::Mutex};

use anyhow::Result;
use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use promise::Instant;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use self::webauthn::{ALGORITHMS, Act, Party};
use super::{
    Failure, Fields, Session,
    frame::{action, csrf, field, moment},
    sign_in::{self, random},
};
use crate::{routes::track::Peer, state::AppState, store::passkeys};

/// How long an authenticator may take.
const PATIENCE: i64 = 300;
/// Questions that wait for their answers; more are asked by nobody but an attacker.
const MOST: usize = 20_000;

/// Questions that were asked, and by whom: each is answered once.
#[derive(Default)]
pub struct Asked(Mutex<HashMap<String, (Option<i64>, Instant)>>);

impl Asked {
    fn ask(&self, person: Option<i64>, now: Instant) -> Result<Option<String>> {
        let challenge = webauthn::write(&hex::decode(random()?)?);
        let mut asked = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if asked.len() >= MOST {
            asked.retain(|_, (_, ends)| *ends > now);
        }
        if asked.len() >= MOST {
            return Ok(None);
        }
        asked.insert(challenge.clone(), (person, Instant(now.0 + PATIENCE)));
        Ok(Some(challenge))
    }

    /// Takes a question back that was asked for this person (or for nobody yet).
    fn answered(&self, challenge: &str, person: Option<i64>, now: Instant) -> Result<(), &'static str> {
        let mut asked = self.0.lock().unwrap_or_else(|e| e.into_inner());
        let (of, ends) = asked.remove(challenge).ok_or("no such question, or one that was answered already")?;
        if of == person && ends > now { Ok(()) } else { Err("a question to somebody else, or too old") }
    }
}

fn party(state: &AppState) -> Option<Party> {
    Party::of(&state.config().public_url)
}

fn no(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({"error": text}))).into_response()
}

const TOO_MANY: &str = "Too many tries. Wait a minute, then try again.";

fn question(challenge: &str, party: &Party, more: Value) -> Response {
    let mut all = json!({"challenge": challenge, "rp": party.id, "timeout": PATIENCE * 1000});
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    Json(all).into_response()
}

/// What an authenticator answered, as a form carries it.
fn answer(f: &Fields, name: &str) -> Result<Vec<u8>, &'static str> {
    webauthn::read(f.get(name))
}

/// The button on the page to sign in with, which script makes work.
pub(super) fn button(state: &AppState, next: &str) -> Markup {
    html! {
        @if let Some(party) = party(state) {
            form.narrow.passkey method="post" action="/console/sign-in/passkey" hidden data-passkey="get" data-ask="/console/sign-in/passkey/ask" data-host=(party.id) data-origin=(party.origin) {
                input type="hidden" name="next" value=(next);
                @for name in ["credential", "client", "authenticator", "signature"] { input type="hidden" name=(name); }
                p.wrong role="alert" {}
                button type="submit" { "Sign in with a passkey" }
            }
        }
    }
}

/// Asks whoever is there to show who they are.
pub async fn ask(State(state): State<AppState>, Peer(peer): Peer) -> Result<Response, Failure> {
    let Some(party) = party(&state) else { return Ok(no(StatusCode::NOT_FOUND, "Passkeys need a name as address.")) };
    if !state.may_ask_passkey(&peer) {
        return Ok(no(StatusCode::TOO_MANY_REQUESTS, TOO_MANY));
    }
    match state.passkeys().ask(None, state.now())? {
        Some(challenge) => Ok(question(&challenge, &party, json!({}))),
        None => Ok(no(StatusCode::SERVICE_UNAVAILABLE, TOO_MANY)),
    }
}

/// Whose passkey it is, if all of the answer holds.
async fn known(state: &AppState, f: &Fields) -> Result<Result<i64, &'static str>> {
    let checked = || {
        let party = party(state).ok_or("there are no passkeys here")?;
        let (client, data) = (answer(f, "client")?, answer(f, "authenticator")?);
        state.passkeys().answered(&webauthn::challenge(&client, Act::Get, &party)?, None, state.now())?;
        let said = webauthn::authenticator(&data, Act::Get, &party)?;
        Ok((client, data, answer(f, "signature")?, said))
    };
    let (client, data, signature, said) = match checked() {
        Ok(found) => found,
        Err(e) => return Ok(Err(e)),
    };
    let credential = f.get("credential").to_owned();
    let Some(key) = state.db().read(move |db| passkeys::by_credential(db, &credential)).await? else {
        return Ok(Err("this passkey is not known here, or was removed"));
    };
    if let Err(e) = webauthn::verify(&key.key, &client, &data, &signature) {
        return Ok(Err(e));
    }
    let now = state.now();
    // A count that does not grow is a copy of the key.
    let used = state.db().write(move |db| passkeys::used(db, key.id, said.count, now)).await?;
    Ok(if used { Ok(key.person) } else { Err("its count of signatures went backwards: it may be a copy") })
}

pub async fn sign_in(
    State(state): State<AppState>,
    Peer(peer): Peer,
    headers: HeaderMap,
    session: Option<Extension<Session>>,
    fields: Fields,
) -> Result<Response, Failure> {
    if !state.may_ask_passkey(&peer) {
        return Ok((StatusCode::TOO_MANY_REQUESTS, sign_in::form(&state, &fields, Some(TOO_MANY))).into_response());
    }
    match known(&state, &fields).await? {
        Ok(person) => sign_in::admit(&state, person, &headers, session, &fields).await,
        Err(why) => {
            tracing::info!(peer, why, "a sign-in by passkey failed");
            let text = "This passkey does not open this console. Try again, or use your password.";
            Ok((StatusCode::UNAUTHORIZED, sign_in::form(&state, &fields, Some(text))).into_response())
        }
    }
}

/// One's passkeys, on the account's page.
pub(super) async fn section(state: &AppState, session: &Session, error: Option<&str>) -> Result<Markup> {
    let person = session.person.id;
    let list = state.db().read(move |db| passkeys::of(db, person)).await?;
    let party = party(state);
    Ok(html! {
        section #passkeys {
            h2 { "Passkeys" }
            p { "A passkey signs you in by fingerprint, face or the device's own code; there is nothing to type, and nothing that can be told to a wrong page." }
            @if let Some(text) = error { div.problem role="alert" { p { (text) } } }
            @if !list.is_empty() {
                ul.rows {
                    @for key in &list {
                        li {
                            span { strong { (key.name) } br; span.hint { "made " (moment(key.made_at)) ", " @match key.used_at { Some(at) => { "last used " (moment(at)) } None => "not used yet" } } }
                            (action(session, "/console/account/passkeys/remove", &[("id", &key.id.to_string())], "Remove", "quiet"))
                        }
                    }
                }
            }
            @match &party {
                Some(party) => {
                    noscript { p.hint { "Making one needs script." } }
                    form.narrow.passkey method="post" action="/console/account/passkeys" hidden data-passkey="create" data-ask="/console/account/passkeys/ask" data-host=(party.id) data-origin=(party.origin) {
                        (csrf(session))
                        @for name in ["client", "authenticator", "key"] { input type="hidden" name=(name); }
                        (field("Name of the passkey", "name", "").hint("Such as “Laptop”. Empty: by the browser."))
                        (field("Your password, to make sure that it is you", "proof", "").kind("password").required().complete("current-password"))
                        p.wrong role="alert" {}
                        button type="submit" { "Add a passkey" }
                    }
                }
                None => p.hint { "Passkeys are made for a name. Give this installation one (" code { "public_url" } "), with HTTPS." },
            }
        }
    })
}

/// Asks for a new key, of whoever has shown that it is they.
pub async fn ask_new(
    State(state): State<AppState>,
    Peer(peer): Peer,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    let Some(party) = party(&state) else { return Ok(no(StatusCode::NOT_FOUND, "Passkeys need a name as address.")) };
    if !state.may_sign_in(&format!("person {}", session.person.id), &peer) {
        return Ok(no(StatusCode::TOO_MANY_REQUESTS, TOO_MANY));
    }
    if !sign_in::is_password(&state, &session.person.email, sign_in::raw(&fields, "proof")).await? {
        return Ok(no(StatusCode::UNPROCESSABLE_ENTITY, "This is not your password."));
    }
    let person = session.person.id;
    let there = state.db().read(move |db| passkeys::credentials(db, person)).await?;
    let Some(challenge) = state.passkeys().ask(Some(person), state.now())? else {
        return Ok(no(StatusCode::SERVICE_UNAVAILABLE, TOO_MANY));
    };
    // Names nobody, and is the same for all of a person's keys.
    let handle = webauthn::write(&Sha256::digest(format!("{} person {person}", party.id))[..16]);
    let more = json!({"name": session.person.email, "display": session.person.name, "handle": handle, "there": there, "algorithms": ALGORITHMS});
    Ok(question(&challenge, &party, more))
}

pub async fn add(
    State(state): State<AppState>,
    headers: HeaderMap,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    let (person, now) = (session.person.id, state.now());
    let checked = || {
        let party = party(&state).ok_or("there are no passkeys here")?;
        let (client, data, key) = (answer(&fields, "client")?, answer(&fields, "authenticator")?, answer(&fields, "key")?);
        state.passkeys().answered(&webauthn::challenge(&client, Act::Create, &party)?, Some(person), now)?;
        let said = webauthn::authenticator(&data, Act::Create, &party)?;
        webauthn::usable(&key)?;
        Ok::<_, &str>((webauthn::write(&said.credential.ok_or("no key was made")?), key, said.count))
    };
    let name =
        fields.some("name").map(|n| n.chars().take(60).collect::<String>()).unwrap_or_else(|| sign_in::browser_of(&headers));
    let added = match checked() {
        Ok((credential, key, count)) => {
            state.db().write(move |db| passkeys::add(db, person, &credential, &name, &key, count, now)).await?
        }
        Err(why) => {
            tracing::info!(person, why, "a passkey was not taken");
            false
        }
    };
    if added {
        return Ok(Redirect::to("/console/account?said=passkey#passkeys").into_response());
    }
    let text = "This passkey could not be taken: it is here already, was made too slowly, or for another site. Try again.";
    Ok(super::frame::refused(sign_in::show_account(&state, &session, &[], Some(text)).await?))
}

pub async fn remove(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let (person, id) = (session.person.id, fields.get("id").parse::<i64>().unwrap_or_default());
    if !state.db().write(move |db| passkeys::remove(db, person, id)).await? {
        return Err(Failure::none("passkey"));
    }
    Ok(Redirect::to("/console/account?said=removed#passkeys").into_response())
}
