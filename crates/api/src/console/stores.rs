//! The stores of an installation: which ones somebody may enter, and making a new one.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use serde_json::json;

use super::{
    Failure, Fields, RESERVED, Session,
    frame::{self, csrf, field, refused},
    sign_in::random,
};
use crate::{
    state::AppState,
    store::{
        audit, people,
        stores::{self, NewKey, NewStore},
    },
};

/// Straight into the store, where there is only one; else a list of them.
pub async fn home(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let config = state.config();
    let person = session.person.id;
    let mine = state.db().read(move |db| people::stores_of(db, person)).await?;
    let open: Vec<_> = config.stores.iter().filter(|s| session.person.installation || mine.contains(&s.id)).collect();
    match open.as_slice() {
        [] if session.person.installation => return Ok(Redirect::to("/console/stores").into_response()),
        [only] if !fields.has("all") => return Ok(Redirect::to(&format!("/console/{}/overview", only.id)).into_response()),
        _ => {}
    }
    let body = html! {
        h1 { "Stores" }
        @if open.is_empty() { p { "You belong to no store any more. Ask an owner to invite you again." } }
        ul.rows {
            @for store in &open {
                li { a.strong href=(format!("/console/{}/overview", store.id)) { (store.name) } span.hint { (store.id) } }
            }
        }
        @if session.person.installation { p { a.button href="/console/stores" { "Add a store" } } }
    };
    Ok(frame::page("Stores", &session, body).into_response())
}

pub async fn new(session: Session) -> Markup {
    show(&session, &Fields::default(), &[])
}

fn show(session: &Session, fields: &Fields, errors: &[(&str, String)]) -> Markup {
    let error = |name: &str| errors.iter().find(|e| e.0 == name).map(|e| e.1.clone()).unwrap_or_default();
    let body = html! {
        h1 { "Your store" }
        p { "What it is called, and where it is. Everything else has a default that you can change later." }
        form.narrow method="post" action="/console/stores" {
            (csrf(session))
            (field("Name", "name", fields.get("name")).required().hint("As shoppers know it.").error(error("name")))
            (field("Address", "url", fields.get("url")).kind("url").hint("Of the store's home page, such as https://shop.example.").error(error("url")))
            (field("Help page", "support_url", fields.get("support_url")).kind("url").hint("Where a shopper finds you when something goes wrong. Can wait.").error(error("support_url")))
            (field("Key", "id", fields.get("id")).hint("Stands in the script tag; letters, digits, - and _. Made from the name where you leave it empty; can't be changed later.").error(error("id")))
            button.main type="submit" { "Go on" }
        }
    };
    frame::page("Your store", session, body)
}

/// `fjord-fern` of `Fjord & Fern`.
fn key_of(name: &str) -> String {
    let plain: String = name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
    let key = plain.split_whitespace().collect::<Vec<_>>().join("-");
    key.chars().take(40).collect()
}

/// Reads what a store says of itself; what is wrong with it by field.
pub(super) fn described(fields: &Fields) -> (NewStore, Vec<(&'static str, String)>) {
    let store = NewStore {
        id: fields.some("id").unwrap_or_else(|| key_of(fields.get("name"))),
        name: fields.get("name").to_owned(),
        url: fields.some("url"),
        support_url: fields.some("support_url"),
    };
    let mut errors = Vec::new();
    if store.name.is_empty() || store.name.chars().count() > 80 {
        errors.push(("name", "Write the store's name, in at most 80 characters.".to_owned()));
    }
    for (name, url) in [("url", &store.url), ("support_url", &store.support_url)] {
        let Some(url) = url else { continue };
        let readable = reqwest::Url::parse(url).ok().filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host());
        if readable.is_none() || url.len() > 500 {
            errors.push((name, "Write the whole address, such as https://shop.example.".to_owned()));
        }
    }
    (store, errors)
}

pub async fn create(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let (store, mut errors) = described(&fields);
    let fits = !store.id.is_empty()
        && store.id.len() <= 60
        && store.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !fits {
        errors.push(("id", "Write a key of at most 60 letters, digits, - and _.".into()));
    } else if RESERVED.contains(&store.id.as_str()) {
        errors.push(("id", "This word has a meaning of its own here: choose another.".into()));
    } else if state.config().store(&store.id).is_some() {
        errors.push(("id", "There is a store with this key already: choose another.".into()));
    }
    if !errors.is_empty() {
        return Ok(refused(show(&session, &fields, &errors)));
    }
    let (lookup, token, by, now) = (random()?, random()?, session.person.name.clone(), state.now());
    let made = store.clone();
    let new = state.db().write(move |db| {
        if !stores::create(db, &made, &lookup, now)? {
            return Ok(false);
        }
        let hint = token[60..].to_owned();
        let key = NewKey { kind: "token", source: String::new(), secret: token, hint, by: by.clone() };
        stores::add_key(db, &made.id, &key, now)?;
        audit::record(db, &made.id, &by, "store.create", &made.id, &json!({"name": made.name}))?;
        Ok(true)
    });
    if !new.await? {
        let taken = [("id", "There is a store with this key already: choose another.".to_owned())];
        return Ok(refused(show(&session, &fields, &taken)));
    }
    state.reload_stores().await?;
    Ok(Redirect::to(&format!("/console/{}/guide", store.id)).into_response())
}
