//! What came in and could not be used: set aside, or with codes that no table knows; and single events as they came.

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};
use promise::Instant;
use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};
use tracking::status::{SUB_STATUSES, Status};

use super::{
    Failure, Fields, Session,
    frame::{self, action, csrf, moment},
};
use crate::{
    codes, ingest,
    state::AppState,
    store::{audit, orders::Numbers, people::Role},
};

struct Aside {
    event: i64,
    source: String,
    topic: String,
    message: String,
    at: Instant,
}

/// A status's words on screen.
fn words(text: &str) -> String {
    text.replace('_', " ")
}

pub async fn page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    let store = session.store.clone();
    let found = state.db().read(move |db| {
        let mut rows = db.prepare_cached(
            "select e.id, e.source, coalesce(e.topic, ''), coalesce((select p.message from problems p where p.event = e.id limit 1), ''), e.received_at
             from events e where e.store = ?1 and e.state = 2 order by e.id desc limit 200",
        )?;
        let aside: Vec<Aside> = rows
            .query_map([&store], |r| {
                Ok(Aside { event: r.get(0)?, source: r.get(1)?, topic: r.get(2)?, message: r.get(3)?, at: Instant(r.get(4)?) })
            })?
            .collect::<Result<_, _>>()?;
        let mut rows = db.prepare_cached(
            "select p.event, p.kind, coalesce(p.field, ''), p.message, e.source from problems p join events e on e.id = p.event
             where p.store = ?1 and p.kind not in ('unknown_code', 'unknown_status', 'mapped_code', 'unreadable') order by p.id desc limit 100",
        )?;
        let others: Vec<(i64, String, String, String, String)> = rows
            .query_map([&store], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?)))?
            .collect::<Result<_, _>>()?;
        Ok((aside, codes::list(db, &store)?, others))
    });
    let (aside, codes, others) = found.await?;
    let (known, unknown): (Vec<&Value>, Vec<&Value>) = codes.iter().partition(|c| !c["status"].is_null());
    let support = session.may(Role::Support);
    let event = |id: i64| session.to(&format!("events/{id}"));
    let body = html! {
        h1 { "What could not be read" }
        p { "Nothing that came in is lost. What could not be read is kept, and can be read again after a fix." }
        section {
            h2 { "Set aside" }
            @if aside.is_empty() { p { "Nothing." } } @else {
                @if support { (action(&session, &session.to("events/replay"), &[], "Read all of them again", "main")) }
                ul.rows {
                    @for a in &aside {
                        li {
                            span {
                                @if support { a href=(event(a.event)) { (a.source) " " (a.topic) } } @else { strong { (a.source) " " (a.topic) } }
                                br;
                                span.hint { (a.message) " · " (moment(a.at)) }
                            }
                            @if support { (action(&session, &session.to("events/replay"), &[("event", &a.event.to_string())], "Read again", "")) }
                        }
                    }
                }
            }
        }
        section {
            h2 { "Codes that no table knows" }
            @if unknown.is_empty() { p { "None." } } @else {
                p { "The parcels are followed all the same; these scans say less than they could. Say what a code means: what came in before is read anew with it, and so is what comes." }
                ul.rows { @for c in &unknown { (code(&session, c)) } }
            }
        }
        @if !known.is_empty() {
            section {
                h2 { "Codes that you have explained" }
                ul.rows { @for c in &known { (code(&session, c)) } }
            }
        }
        @if !others.is_empty() {
            section {
                h2 { "Doubtful" }
                ul.rows {
                    @for (id, kind, at, message, source) in &others {
                        li { span { @if support { a href=(event(*id)) { (source) } } @else { (source) } " " span.tag { (kind.replace('_', " ")) } br; span.hint { (message) @if !at.is_empty() { " (" (at) ")" } } } }
                    }
                }
            }
        }
    };
    Ok(frame::page("What could not be read", &session, body))
}

/// A code, what its source said with it, and the form that says what it means.
fn code(session: &Session, c: &Value) -> Markup {
    let text = |name: &str| c[name].as_str().unwrap_or_default();
    let (status, sub) = (text("status"), text("sub_status"));
    let support = session.may(Role::Support);
    html! {
        li {
            span {
                strong { (text("source")) } " " code { (text("code")) } " "
                @if !status.is_empty() { span.tag.good { (words(status)) @if !sub.is_empty() { ", " (words(sub)) } } }
                br;
                span.hint {
                    (c["count"].as_i64().unwrap_or_default()) " times" @if status.is_empty() { " · " (text("message")) }
                    @if let Some(id) = c["newest_event"].as_i64().filter(|_| support) { " · " a href=(session.to(&format!("events/{id}"))) { "the newest" span.hidden { " with code " (text("code")) } } }
                }
            }
            @if support {
                form.inline method="post" action=(session.to("problems/code")) {
                    (csrf(session))
                    input type="hidden" name="source" value=(text("source"));
                    input type="hidden" name="code" value=(text("code"));
                    select name="status" aria-label=(format!("What {} means", text("code"))) {
                        option value="" { "Nothing known" }
                        @for s in Status::ALL { option value=(s.as_str()) selected[s.as_str() == status] { (words(s.as_str())) } }
                    }
                    select name="sub_status" aria-label=(format!("More exactly, {}", text("code"))) {
                        option value="" { "no more exactly" }
                        @for s in SUB_STATUSES { option value=(s) selected[s == sub] { (words(s)) } }
                    }
                    button type="submit" { @if status.is_empty() { "Apply" } @else { "Change" } }
                }
            }
        }
    }
}

/// Says what a code means, or that it means nothing known.
pub async fn say(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let (source, code) = (fields.get("source"), fields.get("code"));
    if source.is_empty() || code.is_empty() || source.len() > 40 || code.len() > 200 {
        return Err(Failure::none("code"));
    }
    let meaning = match fields.get("status") {
        "" => None,
        status => {
            let meaning = codes::meaning(status, fields.some("sub_status").as_deref());
            Some(meaning.map_err(|(_, e)| Failure::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, e))?)
        }
    };
    codes::say(&state, &session.store, &session.person.name, source, code, meaning).await?;
    Ok(session.done("problems", "meant"))
}

pub async fn replay(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let event = match fields.get("event") {
        "" => None,
        text => Some(text.parse::<i64>().map_err(|_| Failure::none("event"))?),
    };
    let found = ingest::retry(&state, &session.store, event).await?;
    if found == 0 && event.is_some() {
        return Err(Failure::none("event"));
    }
    let (store, by, subject) =
        (session.store.clone(), session.person.name.clone(), event.map(|e| e.to_string()).unwrap_or_default());
    state.db().write(move |db| audit::record(db, &store, &by, "events.replay", &subject, &json!({"events": found}))).await?;
    Ok(session.done("problems", "replayed"))
}

pub async fn one(State(state): State<AppState>, Path((_, id)): Path<(String, i64)>, session: Session) -> Result<Markup, Failure> {
    let store = session.store.clone();
    let found = state.db().read(move |db| {
        let sql =
            "select source, coalesce(topic, ''), event_id, received_at, state, body from events where store = ?1 and id = ?2";
        let row = |r: &rusqlite::Row| {
            Ok((
                r.get::<_, String>(0)?,
                r.get::<_, String>(1)?,
                r.get::<_, String>(2)?,
                r.get::<_, i64>(3)?,
                r.get::<_, i64>(4)?,
                r.get::<_, Vec<u8>>(5)?,
            ))
        };
        let event = db.query_row(sql, params![store, id], row).optional()?;
        let mut rows =
            db.prepare_cached("select kind, coalesce(field, ''), message from problems where store = ?1 and event = ?2")?;
        let problems: Vec<(String, String, String)> =
            rows.query_map(params![store, id], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?.collect::<Result<_, _>>()?;
        let mut rows = db.prepare_cached("select id from event_subjects where store = ?1 and event = ?2 and kind = 'order'")?;
        let orders: Vec<String> = rows.query_map(params![store, id], |r| r.get(0))?.collect::<Result<_, _>>()?;
        let numbers = Numbers::of(db, &store, orders.iter().map(String::as_str))?;
        Ok(event.map(|e| (e, problems, orders, numbers)))
    });
    let ((source, topic, event_id, at, kept, bytes), problems, orders, numbers) =
        found.await?.ok_or_else(|| Failure::none("event"))?;
    let text = match serde_json::from_slice::<Value>(&bytes) {
        Ok(value) => serde_json::to_string_pretty(&value).unwrap_or_default(),
        Err(_) => String::from_utf8_lossy(&bytes).into_owned(),
    };
    let body = html! {
        p { a href=(session.to("problems")) { "What could not be read" } }
        h1 { "Event " (id) }
        dl.facts {
            dt { "Source" } dd { (source) " " (topic) }
            dt { "Came in" } dd { (moment(Instant(at))) }
            dt { "Its own id" } dd { (event_id) }
            dt { "State" } dd { @match kept { 2 => span.tag.bad { "set aside" }, 3 => span.tag { "taken back or redacted" }, _ => "read" } }
            @if !orders.is_empty() { dt { "About" } dd { @for o in &orders { a href=(super::orders::to(&session, o)) { (numbers.get(o)) } " " } } }
        }
        @if !problems.is_empty() {
            div.problem { ul { @for (kind, at, message) in &problems { li { (kind.replace('_', " ")) ": " (message) @if !at.is_empty() { " (" (at) ")" } } } } }
        }
        @if kept != 3 {
            (action(&session, &session.to("events/replay"), &[("event", &id.to_string())], "Read it again", ""))
            h2 { "As it came" }
            pre tabindex="0" { (text) }
        } @else { p { "What it said is gone." } }
    };
    Ok(frame::page(&format!("Event {id}"), &session, body))
}
