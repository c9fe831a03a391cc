//! Delays found in the store's own scans: what was seen, and what staff say to it.

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};
use promise::policy::Detection;

use super::{
    Failure, Session, delays,
    frame::{self, action, moment},
};
use crate::{
    incidents as found,
    routes::admin,
    state::AppState,
    store::{incidents, people::Role},
};

pub async fn page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    let store = session.store.clone();
    let list = state.db().read(move |db| incidents::list(db, &store)).await?;
    let policy = delays::published(&state, &session.store).await?;
    let support = session.may(Role::Support);
    let told = match policy.detection {
        Detection::Propose => "They are proposed here, and hold once you approve them.",
        Detection::Apply => "They hold at once, and end when deliveries recover.",
        Detection::Off => "Nothing is looked for.",
    };
    let groups: [(&str, &[&str]); 3] =
        [("Proposed", &["proposed"]), ("Shown to shoppers", &["applied"]), ("Dismissed or over", &["dismissed", "ended"])];
    let body = html! {
        p { a href=(session.to("delays")) { "Delay notices" } }
        h1 { "Found in your own scans" }
        p { "When a carrier's parcels arrive later than its own did before, by more than chance explains, a delay is found. " (told) " " a href=(session.to("policy/basics")) { "Change that" } }
        @if policy.origins.is_empty() { p.note { "There is no published policy yet: nothing can be compared." } }
        @for (title, states) in groups {
            @let some: Vec<_> = list.iter().filter(|i| states.contains(&i.state.as_str())).take(100).collect();
            section {
                h2 { (title) }
                ul.rows {
                    @for i in &some {
                        li {
                            span {
                                strong { (delays::place(&i.notice, &policy)) } " " span.tag.warning { "+" (delays::span(&i.notice.effect)) }
                                br;
                                span.hint { (i.arrived) " of " (i.expected) " parcels arrived that were to be expected · found " (moment(i.found_at)) @if let Some(until) = i.notice.until { " · until " (moment(until)) } }
                            }
                            @if support {
                                span.actions {
                                    @if i.state == "proposed" || i.state == "dismissed" { (action(&session, &session.to(&format!("incidents/{}/approve", i.id)), &[], "Show it to shoppers", if i.state == "proposed" { "main" } else { "" })) }
                                    @if i.state == "proposed" || i.state == "applied" { (action(&session, &session.to(&format!("incidents/{}/dismiss", i.id)), &[], if i.state == "applied" { "End it" } else { "Dismiss" }, "")) }
                                    @if i.state == "applied" { a.button href=(session.to(&format!("delays/{}", i.id))) { "Change its words" } }
                                }
                            }
                        }
                    }
                    @if some.is_empty() { li { span.hint { "None." } } }
                }
            }
        }
        @if support { (action(&session, &session.to("incidents/look"), &[], "Look again now", "")) }
    };
    Ok(frame::page("Found in your own scans", &session, body))
}

pub async fn look(State(state): State<AppState>, session: Session) -> Result<Response, Failure> {
    found::look(&state, &session.store).await?;
    Ok(session.done("incidents", "looked"))
}

pub async fn decide(
    State(state): State<AppState>,
    Path((_, id, decision)): Path<(String, String, String)>,
    session: Session,
) -> Result<Response, Failure> {
    let approve = match decision.as_str() {
        "approve" => true,
        "dismiss" => false,
        _ => return Err(Failure::none("decision")),
    };
    let (store, by, now) = (session.store.clone(), session.person.name.clone(), state.now());
    let decided = state.db().write(move |db| found::decide(db, &store, &id, approve, &by, now)).await?;
    if decided.is_none() {
        return Err(Failure::none("open finding"));
    }
    admin::changed(&state, &session.store).await?;
    Ok(session.done("incidents", if approve { "announced" } else { "saved" }))
}
