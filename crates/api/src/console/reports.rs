//! The inbox of shoppers' reports: what is missing, damaged, late; what was offered and agreed; and the next step.

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use promise::Instant;
use serde_json::{Value, json};
use wire::care::Offer;

use super::{
    Failure, Fields, Session,
    frame::{self, csrf, field, moment, refused, wrong},
};
use crate::{
    care::report::{Action, Actor, Choice, Kind, State as ReportState, next},
    routes::care::change,
    state::AppState,
    store::{
        audit,
        care::reports::{self, Did, Refused},
        people::Role,
    },
};

/// What a store can do: action, its name.
const STEPS: [(Action, &str); 4] = [
    (Action::Start, "Begin with it"),
    (Action::Settle, "It is settled"),
    (Action::Decline, "Decline it"),
    (Action::Reopen, "Open it again"),
];

const OFFERS: [(&str, &str); 5] = [
    ("resend", "Send it again"),
    ("refund", "Refund"),
    ("discount", "Discount"),
    ("claim", "A claim at the carrier"),
    ("change", "A change, such as another address"),
];

fn text<'a>(v: &'a Value, key: &str) -> &'a str {
    v[key].as_str().unwrap_or_default()
}

fn at(v: &Value, key: &str) -> Markup {
    html! { @if let Some(at) = v[key].as_str().and_then(Instant::parse) { (moment(at)) } }
}

fn words(word: &str) -> String {
    word.replace('_', " ")
}

fn tag(state: &str) -> Markup {
    let kind = match state {
        "settled" => "tag good",
        "agreed" | "checking" => "tag warning",
        "declined" => "tag bad",
        _ => "tag",
    };
    html! { span class=(kind) { (words(state)) } }
}

pub async fn page(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Markup, Failure> {
    let which = fields.some("state").filter(|s| ReportState::parse(s).is_some());
    let kind = fields.some("kind").filter(|k| Kind::parse(k).is_some());
    let (store, s, k) = (session.store.clone(), which.clone(), kind.clone());
    let list = state.db().read(move |db| reports::list(db, &store, s.as_deref(), k.as_deref())).await?;
    let all = |name: &str| std::iter::once((String::new(), name.to_owned()));
    let states = all("Any state").chain(ReportState::ALL.iter().map(|s| (s.as_str().to_owned(), words(s.as_str()))));
    let kinds = all("Any kind").chain(Kind::ALL.iter().map(|k| (k.as_str().to_owned(), words(k.as_str()))));
    let body = html! {
        h1 { "Reports" }
        p { "What shoppers say is wrong. Those that wait longest stand first." }
        form.actions method="get" {
            (field("State", "state", which.unwrap_or_default()).choices(states))
            (field("Kind", "kind", kind.unwrap_or_default()).choices(kinds))
            button type="submit" { "Show" }
        }
        ul.rows {
            @for r in &list {
                li {
                    span {
                        a.strong href=(session.to(&format!("reports/{}", text(r, "id")))) { (words(text(r, "kind"))) }
                        " " (tag(text(r, "state")))
                        br;
                        span.hint {
                            "Order " (r["order_number"].as_str().unwrap_or_else(|| text(r, "order_id")))
                            ", since " (at(r, "opened_at"))
                            @if r["photos"].as_i64().unwrap_or(0) > 0 { ", " (r["photos"]) " photos" }
                            @if !text(r, "words").is_empty() { " · “" (text(r, "words").chars().take(120).collect::<String>()) "”" }
                        }
                    }
                    @if let Some(option) = r["agreement"]["option"].as_str() { span.hint { "agreed: " (words(option)) } }
                }
            }
            @if list.is_empty() { li { span.hint { "None." } } }
        }
    };
    Ok(frame::page("Reports", &session, body))
}

async fn whole(state: &AppState, session: &Session, id: &str) -> Result<Value, Failure> {
    let (store, id) = (session.store.clone(), id.to_owned());
    state.db().read(move |db| reports::whole(db, &store, &id)).await?.ok_or_else(|| Failure::none("report"))
}

pub async fn one(
    State(state): State<AppState>,
    Path((_, id)): Path<(String, String)>,
    session: Session,
) -> Result<Markup, Failure> {
    let report = whole(&state, &session, &id).await?;
    Ok(show(&session, &id, &report, &Fields::default(), &[]))
}

fn show(session: &Session, id: &str, r: &Value, fields: &Fields, errors: &[String]) -> Markup {
    let now = ReportState::parse(text(r, "state"));
    let may = |a: Action| session.may(Role::Support) && now.is_some_and(|s| next(s, a, Actor::Store).is_some());
    let details = &r["details"];
    let list = |key: &str| {
        details[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(words).collect::<Vec<_>>().join(", ")
    };
    let path = session.to(&format!("reports/{id}"));
    let support = session.may(Role::Support);
    let body = html! {
        p { a href=(session.to("reports")) { "Reports" } }
        h1 { (words(text(r, "kind"))) " " (tag(text(r, "state"))) }
        (wrong(errors))
        dl.facts {
            dt { "Order" } dd { a href=(super::orders::to(session, text(r, "order_id"))) { (text(r, "order_number")) } }
            dt { "Since" } dd { (at(r, "opened_at")) }
            @if let Some(parcel) = details["shipment"].as_str() { dt { "Parcel" } dd { (parcel) } }
            @if !list("items").is_empty() { dt { "Items" } dd { (list("items")) } }
            @if support && !text(details, "words").is_empty() { dt { "Says" } dd { "“" (text(details, "words")) "”" } }
            @if !list("checked").is_empty() { dt { "Looked" } dd { (list("checked")) } }
            @if support && let Some(address) = details["address"].as_str() { dt { "New address" } dd { (address) } }
            @if let Some(chance) = details["chance"].as_u64() { dt { "Chance that it turns up" } dd { (chance / 10) " %" } }
            @if let Some(option) = details["agreement"]["option"].as_str() {
                dt { "Agreed" } dd { (words(option)) @if let Some(p) = details["agreement"]["percent"].as_u64() { " " (p) " %" } }
            }
        }
        @let photos = r["photos"].as_array().map(Vec::as_slice).unwrap_or_default();
        @if support && !photos.is_empty() {
            section {
                h2 { "Photos" }
                div.photos {
                    @for (n, p) in photos.iter().enumerate() {
                        @let at = format!("{path}/photos/{}", text(p, "id"));
                        a href=(at) { img src=(at) alt=(format!("Photo {} of the shopper", n + 1)) loading="lazy"; }
                    }
                }
            }
        }
        @if STEPS.iter().any(|(a, _)| may(*a)) || may(Action::Offer) {
            section {
                h2 { "What to do" }
                @if may(Action::Offer) {
                    details open[fields.has("option")] {
                        summary { "Offer something" }
                        form.narrow method="post" action=(format!("{path}/offer")) {
                            (csrf(session))
                            (field("What", "option", fields.get("option")).choices(OFFERS))
                            (field("Percent of the order's value", "percent", fields.get("percent")).kind("number").hint("For a refund or a discount."))
                            (field("Your words about it", "note", fields.get("note")).lines(2).hint("The shopper reads them."))
                            button.main type="submit" { "Offer it" }
                        }
                    }
                }
                @for (step, name) in STEPS.iter().filter(|(a, _)| may(*a)) {
                    details {
                        summary { (name) }
                        form.narrow method="post" action=(format!("{path}/{}", step.as_str())) {
                            (csrf(session))
                            (field("Words for the shopper", &format!("note-{}", step.as_str()), "").lines(2))
                            @if matches!(step, Action::Start | Action::Settle) {
                                (field("Reference", &format!("reference-{}", step.as_str()), "").hint("Of a new order, a refund, a claim."))
                            }
                            button.main type="submit" { (name) }
                        }
                    }
                }
            }
        }
        section {
            h2 { "What has happened" }
            ul.rows {
                @for e in r["events"].as_array().into_iter().flatten().rev() {
                    li {
                        span {
                            strong { (words(text(e, "action"))) } " by " (text(e, "by")) ", now " (words(text(e, "state")))
                            @if support && e["note"].as_object().is_some_and(|n| !n.is_empty()) { br; code { (e["note"]) } }
                        }
                        span.hint { (at(e, "at")) }
                    }
                }
            }
        }
    };
    frame::page("Report", session, body)
}

pub async fn act(
    State(state): State<AppState>,
    Path((_, id, name)): Path<(String, String, String)>,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    let report = whole(&state, &session, &id).await?;
    let step = Action::parse(&name)
        .filter(|a| *a == Action::Offer || STEPS.iter().any(|s| s.0 == *a))
        .ok_or_else(|| Failure::none("step"))?;
    let suffix = |field: &str| if step == Action::Offer { field.to_owned() } else { format!("{field}-{name}") };
    let note: String = fields.get(&suffix("note")).chars().take(1000).collect();
    let mut did =
        Did { words: note.clone(), reference: fields.get(&suffix("reference")).chars().take(200).collect(), ..Did::default() };
    let mut errors = Vec::new();
    if step == Action::Offer {
        let option = fields.get("option").to_owned();
        let percent = fields.some("percent").map(|p| p.parse::<u8>().unwrap_or(0));
        if Choice::parse(&option).is_none_or(|c| c == Choice::Wait) {
            errors.push("Choose what to offer.".to_owned());
        }
        if percent.is_some_and(|p| !(1..=100).contains(&p)) {
            errors.push("Percent: write 1 to 100.".to_owned());
        }
        if option == "discount" && percent.is_none() {
            errors.push("Percent: say how much of the order's value.".to_owned());
        }
        did.offers = vec![Offer { option, percent, note, ..Offer::default() }];
        did.words = String::new();
    }
    if !errors.is_empty() {
        return Ok(refused(show(&session, &id, &report, &fields, &errors)));
    }
    let (which, by) = (id.clone(), session.person.name.clone());
    let done = change(&state, &session.store, text(&report, "order_id"), move |db, info, now| {
        let done = reports::act(db, info, &which, None, step, Actor::Store, &did, now)?;
        if done.is_ok() {
            audit::record(db, &info.id, &by, &format!("report.{}", step.as_str()), &which, &json!({}))?;
        }
        Ok(done)
    });
    if let Err(e) = done.await? {
        let text = match e {
            Refused::Unknown => return Err(Failure::none("report")),
            Refused::NotNow(why) | Refused::TooMany(why) => format!("Not now: {why}."),
            Refused::Open(_) => "Another one of the same is open.".into(),
            Refused::Field(name, why) => format!("{name}: {why}."),
        };
        let report = whole(&state, &session, &id).await?;
        return Ok(refused(show(&session, &id, &report, &fields, &[text])));
    }
    Ok(session.done(&format!("reports/{id}"), "saved"))
}

/// A shopper's picture, for who helps them.
pub async fn photo(
    State(state): State<AppState>,
    Path((_, report, photo)): Path<(String, String, String)>,
    session: Session,
) -> Result<Response, Failure> {
    let store = session.store.clone();
    let found = state.db().read(move |db| reports::photo(db, &store, None, &report, &photo)).await?;
    let (kind, bytes) = found.ok_or_else(|| Failure::none("photo"))?;
    // Never run as anything but a picture.
    let kind = if kind == "image/png" { "image/png" } else { "image/jpeg" };
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, "inline")], bytes).into_response())
}

/// How many wait for the store.
pub async fn waiting(state: &AppState, store: &str) -> Result<u32, Failure> {
    let store = store.to_owned();
    Ok(state.db().read(move |db| reports::count_open(db, &store)).await?)
}
