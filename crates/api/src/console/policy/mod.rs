//! The delivery policy: edited as a draft, looked at as a shopper would, published, and rolled back.

mod basics;
mod diff;
pub mod entry;
mod item;
mod learned;
pub mod method;
pub mod origin;
pub mod places;
pub mod preview;
mod service;
mod transit;
mod versions;
mod zone;

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};
use promise::policy::{self, Policy};
use serde_json::json;

pub use basics::{json_page, page as basics_page, save as save_basics, save_json};
use entry::Entry;
pub use learned::{page as learned_page, take as take_learned};
pub use preview::fragment as preview_fragment;
pub use versions::{history, one_version, roll_back};

use super::{
    Failure, Fields, Session,
    frame::{self, action, csrf, field, moment, refused},
};
use crate::{
    routes::admin,
    state::AppState,
    store::{
        audit,
        drafts::{self, Draft},
        people::Role,
    },
};

/// The parts of a policy that are lists: path, name, what they are.
const SECTIONS: [(&str, &str, &str); 6] = [
    ("origins", "Origins", "Where parcels leave: cut-offs, holidays, handling time"),
    ("services", "Services", "Who moves them, and on which days"),
    ("zones", "Zones", "Destinations that share transit times"),
    ("transit", "Transit times", "From an origin to a zone, by a service"),
    ("methods", "Shipping methods", "What the shopper picks at checkout"),
    ("items", "Items", "Lead times, stock, release dates of single SKUs"),
];

pub(super) async fn draft(state: &AppState, store: &str) -> Result<Draft, Failure> {
    let store = store.to_owned();
    Ok(state.db().read(move |db| drafts::get(db, &store)).await?)
}

/// What is wrong, with a way to where it can be put right.
fn problems(session: &Session, policy: &Policy) -> Markup {
    let found = policy.validate();
    html! {
        @if !found.is_empty() {
            div.problem {
                p { "Before it can be published:" }
                ul {
                    @for i in found.iter().take(20) {
                        li { a href=(session.to(&place_of(&i.field))) { (told(policy, &i.field)) } ": " (i.message) }
                    }
                    @if found.len() > 20 { li { "and " (found.len() - 20) " more" } }
                }
            }
        }
    }
}

/// The page that edits a field: `origins[0].time_zone` is on `policy/origins/0`.
fn place_of(field: &str) -> String {
    let (section, rest) = field.split_once('[').unwrap_or((field, ""));
    match rest.split_once(']') {
        Some((n, _)) if SECTIONS.iter().any(|s| s.0 == section) => format!("policy/{section}/{n}"),
        None if SECTIONS.iter().any(|s| s.0 == section) => format!("policy/{section}"),
        _ => "policy/basics".into(),
    }
}

/// A field in words: `origins[0].time_zone` is "Origins, Memphis, time zone".
fn told(policy: &Policy, field: &str) -> String {
    let (section, rest) = field.split_once('[').unwrap_or((field, ""));
    let name = SECTIONS.iter().find(|s| s.0 == section).map_or(section, |s| s.1);
    let Some((n, rest)) = rest.split_once(']') else { return name.replace('_', " ") };
    let n: usize = n.parse().unwrap_or_default();
    let which = match section {
        "origins" => policy.origins.get(n).map(|o| o.title()),
        "services" => policy.services.get(n).map(|o| o.title()),
        "zones" => policy.zones.get(n).map(|o| o.title()),
        "transit" => policy.transit.get(n).map(|o| o.title()),
        "methods" => policy.methods.get(n).map(|o| o.title()),
        _ => policy.items.get(n).map(|o| o.title()),
    };
    let rest = rest.trim_start_matches('.').replace(['_', '.', '['], " ").replace(']', "");
    [name.to_owned(), which.unwrap_or_default(), rest].into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(", ")
}

fn lengths(p: &Policy) -> [usize; 6] {
    [p.origins.len(), p.services.len(), p.zones.len(), p.transit.len(), p.methods.len(), p.items.len()]
}

pub async fn page(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Markup, Failure> {
    show(&state, &session, &fields, &[]).await
}

async fn show(state: &AppState, session: &Session, fields: &Fields, errors: &[String]) -> Result<Markup, Failure> {
    let draft = draft(state, &session.store).await?;
    let store = session.store.clone();
    let newest = state.db().read(move |db| drafts::newest(db, &store)).await?;
    let owner = session.may(Role::Owner);
    let question = preview::Question::of(fields, &draft.policy);
    let shown = preview::of_store(state, &session.store, &draft.policy, &question).await?;
    let body = html! {
        h1 { "Delivery policy" }
        (frame::wrong(errors))
        @if draft.is_draft() {
            p.note { span { "A draft, last changed " (moment(draft.changed_at)) " by " (draft.changed_by) ". Shoppers see version " (newest.unwrap_or_default()) " until it is published." } }
        } @else if let Some(version) = newest {
            p { "Version " (version) " is published. Whatever you change becomes a draft first. " a href=(session.to("policy/history")) { "History" } }
        } @else {
            p.note { span { "Nothing is published yet: shoppers see no dates. " a href=(session.to("guide")) { "Begin with the guide" } "." } }
        }
        (problems(session, &draft.policy))
        @if draft.is_draft() && owner {
            div.actions {
                form.inline method="post" action=(session.to("policy/publish")) {
                    (csrf(session))
                    input type="hidden" name="revision" value=(draft.revision);
                    label.hidden for="note" { "What changes" }
                    input #note name="note" maxlength="200" placeholder="What changes (optional)";
                    button.main type="submit" { "Publish" }
                }
                a.button href=(session.to("policy/history/draft")) { "See what changes" }
                (action(session, &session.to("policy/discard"), &[], "Discard the draft", "danger"))
            }
        }
        div.sides {
            ul.rows {
                li {
                    a.strong href=(session.to("policy/basics")) { "Basics" }
                    span.hint { (draft.policy.currency) ", " (draft.policy.confidence) " % arrive within the window shown" }
                }
                @for ((path, name, about), n) in SECTIONS.iter().zip(lengths(&draft.policy)) {
                    li { span { a.strong href=(session.to(&format!("policy/{path}"))) { (name) } br; span.hint { (about) } } span.hint { (n) } }
                }
                li { span { a.strong href=(session.to("policy/learned")) { "What deliveries teach" } br; span.hint { "Handling and transit as they were, beside what is stated" } } span.hint { (learned::word(draft.policy.learning)) } }
                @if owner { li { a href=(session.to("policy/json")) { "The whole policy as JSON" } } }
            }
            (preview::aside(session, &draft.policy, &question, shown))
        }
    };
    Ok(frame::page("Delivery policy", session, body))
}

pub async fn publish(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let draft = draft(&state, &session.store).await?;
    if !draft.is_draft() {
        return Err(Failure::none("draft"));
    }
    if fields.get("revision") != draft.revision.to_string() {
        let text = "Somebody has changed the draft since you opened this page. Look at it again, then publish.".to_owned();
        return Ok(refused(show(&state, &session, &Fields::default(), &[text]).await?));
    }
    if !draft.policy.validate().is_empty() {
        return Ok(refused(
            show(&state, &session, &Fields::default(), &["Not published: something is missing or wrong.".into()]).await?,
        ));
    }
    let note: String = fields.get("note").chars().take(200).collect();
    make_public(&state, &session, draft.policy, draft.revision, &note).await?;
    Ok(session.done("policy", "published"))
}

/// Publishes, unless the draft has changed meanwhile, and tells everything that depends on it.
async fn make_public(state: &AppState, session: &Session, policy: Policy, revision: i64, note: &str) -> Result<(), Failure> {
    let (store, by, note, now) = (session.store.clone(), session.person.name.clone(), note.to_owned(), state.now());
    let done = state.db().write(move |db| {
        if drafts::get(db, &store)?.revision != revision {
            return Ok(false);
        }
        let version = drafts::publish(db, &store, &policy, &by, &note, now)?;
        audit::record(db, &store, &by, "policy.publish", &version.to_string(), &json!({"note": note}))?;
        Ok(true)
    });
    if !done.await? {
        return Err(Failure::new(
            axum::http::StatusCode::CONFLICT,
            "Somebody changed the draft at the same moment. Nothing was published.",
        ));
    }
    admin::changed(state, &session.store).await?;
    Ok(())
}

pub async fn discard(State(state): State<AppState>, session: Session) -> Result<Response, Failure> {
    let (store, by) = (session.store.clone(), session.person.name.clone());
    let gone = state.db().write(move |db| {
        let gone = drafts::discard(db, &store)?;
        if gone {
            audit::record(db, &store, &by, "policy.discard", "", &json!({}))?;
        }
        Ok(gone)
    });
    if gone.await? { Ok(session.done("policy", "discarded")) } else { Err(Failure::none("draft")) }
}

/// Does the same with whichever list a path names.
macro_rules! by_section {
    ($section:expr, $do:ident ( $($argument:expr),* )) => {
        match $section {
            "origins" => entry::$do::<policy::Origin>($($argument),*).await,
            "services" => entry::$do::<policy::Service>($($argument),*).await,
            "zones" => entry::$do::<policy::Zone>($($argument),*).await,
            "transit" => entry::$do::<policy::Transit>($($argument),*).await,
            "methods" => entry::$do::<policy::Method>($($argument),*).await,
            "items" => entry::$do::<policy::Item>($($argument),*).await,
            _ => Err(Failure::none("page")),
        }
    };
}

pub async fn section(
    State(state): State<AppState>,
    Path((_, section)): Path<(String, String)>,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    by_section!(section.as_str(), list(&state, &session, &fields))
}

pub async fn edit(
    State(state): State<AppState>,
    Path((_, section, entry)): Path<(String, String, String)>,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    by_section!(section.as_str(), form(&state, &session, &entry, &fields))
}

pub async fn save(
    State(state): State<AppState>,
    Path((_, section, entry)): Path<(String, String, String)>,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    by_section!(section.as_str(), save(&state, &session, &entry, &fields))
}

/// What a shopper would see with the form as it stands, before it is saved.
pub async fn look(
    State(state): State<AppState>,
    Path((_, section, entry)): Path<(String, String, String)>,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    by_section!(section.as_str(), look(&state, &session, &entry, &fields))
}

pub async fn remove(
    State(state): State<AppState>,
    Path((_, section, entry)): Path<(String, String, String)>,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    by_section!(section.as_str(), remove(&state, &session, &entry, &fields))
}

/// Keeps a changed draft; says so where somebody else was quicker.
pub(super) async fn keep(state: &AppState, session: &Session, policy: Policy, began: i64) -> Result<bool, Failure> {
    let (store, by, now) = (session.store.clone(), session.person.name.clone(), state.now());
    Ok(state.db().write(move |db| drafts::put(db, &store, &policy, began, &by, now)).await?.is_some())
}

/// What a duration's two fields hold.
pub(super) fn duration_fields(label: &str, name: &str, d: &policy::Duration, errors: &entry::Errors) -> Markup {
    let (min, max) = (format!("{name}.min"), format!("{name}.max"));
    let number = |n: Option<u16>| n.map(|n| n.to_string()).unwrap_or_default();
    html! {
        fieldset {
            legend { (label) }
            @if !d.weights.is_empty() {
                p.hint { "Learned from deliveries: a distribution over " (d.weights.len()) " days. Leave both empty to keep it." }
            }
            div.pair {
                (field("At least, working days", &min, number(d.min)).kind("number").error(errors.at(&min)))
                (field("At most", &max, number(d.max)).kind("number").error(errors.at(&max)))
            }
            @if !errors.only(name).is_empty() { p.wrong { (errors.only(name)) } }
        }
    }
}

/// Reads them again. Both empty: as it was, where it was learned.
pub(super) fn read_duration(fields: &Fields, name: &str, d: &mut policy::Duration, errors: &mut entry::Errors) {
    let mut number = |end: &str| {
        let (name, text) = (format!("{name}.{end}"), fields.get(&format!("{name}.{end}")));
        if text.is_empty() {
            return None;
        }
        let read = text.parse::<u16>().ok().filter(|n| *n <= 365);
        if read.is_none() {
            errors.add(&name, "Write a number of days, from 0 to 365.");
        }
        read
    };
    let (min, max) = (number("min"), number("max"));
    if min.is_none() && max.is_none() && !d.weights.is_empty() {
        return;
    }
    *d = policy::Duration { min, max, weights: Vec::new() };
}
