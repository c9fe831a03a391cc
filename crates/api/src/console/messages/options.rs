//! Delay options: the notices that are due when a promised date can't be kept. Drafted from the promise ledger, sent when the merchant says
//! so, answered by shoppers.

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};
use promise::Instant;

use super::{
    errors,
    rules::{keep, of, revision, sentences, unchanged},
    tabs,
};
use crate::{
    console::{
        Failure, Fields, Session,
        frame::{self, action, csrf, field, moment, refused, tick, wrong},
        orders,
    },
    messages::{
        options::{self, Change, Kept},
        people,
    },
    state::AppState,
    store::{
        orders::{self as kept, Numbers},
        people::Role,
    },
};

const MODES: [(&str, &str); 3] =
    [("off", "Not written"), ("draft", "Drafted, for you to look at and send"), ("send", "Sent by themselves")];

fn state_tag(state: &str) -> Markup {
    let (class, text) = match state {
        "draft" => ("tag warning", "draft"),
        "sent" => ("tag", "sent, not answered"),
        "dismissed" => ("tag", "dismissed"),
        "waits" => ("tag good", "waits"),
        "deemed_waits" => ("tag good", "said nothing: waits"),
        "cancelled" => ("tag bad", "cancels: refund it"),
        "deemed_cancelled" => ("tag bad", "said nothing: refund it"),
        _ => ("tag", "over"),
    };
    html! { span class=(class) { (text) } }
}

fn law(k: &Kept) -> &'static str {
    if k.law == "us" { "United States" } else { "European Union" }
}

fn days(k: &Kept) -> String {
    k.revised
        .as_ref()
        .map_or_else(|| "no date".into(), |(from, to)| if from == to { to.clone() } else { format!("{from} – {to}") })
}

pub async fn page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    show(&state, &session, &[]).await
}

async fn show(state: &AppState, session: &Session, wrongs: &[String]) -> Result<Markup, Failure> {
    let store = session.store.clone();
    let read = state.db().read(move |db| {
        let list = options::list(db, &store, None)?;
        let numbers = Numbers::of(db, &store, list.iter().map(|k| k.order_id.as_str()))?;
        Ok((list, numbers))
    });
    let (list, numbers) = read.await?;
    let rules = of(state, &session.store).await?;
    let (owner, support) = (session.may(Role::Owner), session.may(Role::Support));
    let line = |k: &Kept| {
        html! {
            li {
                span {
                    @if support && k.state == "draft" { a.strong href=(session.to(&format!("messages/options/{}", k.id))) { "Order " (numbers.get(&k.order_id)) } } @else { a.strong href=(orders::to(session, &k.order_id)) { "Order " (numbers.get(&k.order_id)) } }
                    " " (state_tag(&k.state))
                    @if k.nth > 1 { " " span.tag.warning { "delay " (k.nth) } }
                    br;
                    span.hint { "promised by " (k.promised) ", now " (days(k)) " · " (law(k)) @if let Some(until) = &k.until { " · answers until " (until) } " · " (moment(Instant(k.answered_at.or(k.sent_at).unwrap_or(k.made_at)))) }
                }
            }
        }
    };
    let (drafts, others): (Vec<&Kept>, Vec<&Kept>) = list.iter().partition(|k| k.state == "draft");
    let body = html! {
        h1 { "Delay options" }
        (tabs(session, "messages/options"))
        p { "When a promised date can't be kept, the law asks that shoppers are told before it passes, with a new date and a free way to cancel (United States), or may set a last date and then cancel (European Union). These notices are written from the record of what was promised." }
        (wrong(wrongs))
        section {
            h2 { "Drafts" }
            ul.rows { @for k in &drafts { (line(k)) } @if drafts.is_empty() { li { span.hint { "None." } } } }
        }
        section {
            h2 { "Sent, and what shoppers answered" }
            ul.rows { @for k in &others { (line(k)) } @if others.is_empty() { li { span.hint { "None yet." } } } }
        }
        section {
            h2 { "How they are sent" }
            form.narrow method="post" action=(session.to("messages/options")) {
                (csrf(session))
                input type="hidden" name="revision" value=(revision(&rules));
                (field("Notices are", "mode", rules.delay_options.mode.clone()).choices(MODES))
                (field("Days to answer", "answer_days", rules.delay_options.answer_days.to_string()).kind("number").hint("Where the law names no moment: a notice of the European Union asks for an answer within so many days. 1 to 30."))
                @if owner { button.main type="submit" { "Save" } }
            }
        }
    };
    Ok(frame::page("Delay options", session, body))
}

pub async fn save_mode(State(state): State<AppState>, session: Session, f: Fields) -> Result<Response, Failure> {
    let mut rules = unchanged(&state, &session, &f).await?;
    rules.delay_options.mode = f.get("mode").into();
    rules.delay_options.answer_days = f.get("answer_days").parse().unwrap_or(0);
    let wrong = keep(&state, &session, rules).await?;
    if !wrong.is_empty() {
        return Ok(refused(show(&state, &session, &sentences(&wrong)).await?));
    }
    Ok(session.done("messages/options", "saved"))
}

/// A draft, with the notice as it would be.
async fn draft(state: &AppState, session: &Session, id: &str) -> Result<(Kept, String, String), Failure> {
    let (store, id) = (session.store.clone(), id.to_owned());
    let found = state.db().read(move |db| {
        let Some(found) = options::by_id(db, &store, &id)?.filter(|k| k.state == "draft") else { return Ok(None) };
        let document = kept::document(db, &store, &found.order_id)?;
        let language = people::contact(db, &store, &found.order_id)?.and_then(|c| c.language).unwrap_or_else(|| "en".into());
        Ok(Some((found, document.map(|d| d.number).unwrap_or_default(), language)))
    });
    found.await?.ok_or_else(|| Failure::none("draft"))
}

pub async fn one(
    State(state): State<AppState>,
    Path((_, id)): Path<(String, String)>,
    session: Session,
) -> Result<Markup, Failure> {
    let found = draft(&state, &session, &id).await?;
    Ok(show_one(&state, &session, found, &Change::default(), &[]))
}

fn show_one(state: &AppState, session: &Session, found: (Kept, String, String), c: &Change, wrongs: &[String]) -> Markup {
    let (k, number, language) = found;
    let path = session.to(&format!("messages/options/{}", k.id));
    let info = state.store_info(&session.store);
    let page = info.and_then(|i| options::page(state, &i, &k, &number, &language, state.now()));
    let to = c.revised_to.clone().or_else(|| k.revised.as_ref().map(|r| r.1.clone())).unwrap_or_default();
    let reason = c.reason.clone().or_else(|| k.reason.clone()).unwrap_or_default();
    let body = html! {
        p { a href=(session.to("messages/options")) { "Delay options" } }
        h1 { "Order " (number) ": promised by " (k.promised) ", now " (days(&k)) }
        (wrong(wrongs))
        div.sides {
            form.fields method="post" action=(path) {
                (csrf(session))
                p { (law(&k)) @if k.nth > 1 { ". It is delay " (k.nth) " of this order: it needs the shopper's express consent." } }
                (field("New last day", "revised_to", to).kind("date").hint("A day that you have a reasonable basis for."))
                (tick("No date can be given", "indefinite", "yes", c.indefinite))
                (field("Why", "reason", reason).hint("As the shopper reads it, or one of the reasons by name (weather, customs …). Needed where no date can be given."))
                div.actions { button.main type="submit" { "Send" } a.button href=(session.to("messages/options")) { "Cancel" } }
            }
            div.aside {
                h2 { "As the shopper would get it" }
                @if let Some(p) = page {
                    div.widget lang=(language) dir=(if matches!(language.split('-').next(), Some("ar" | "he")) { "rtl" } else { "ltr" }) {
                        p.strong { (p.subject) }
                        @for text in &p.paragraphs { p { (text) } }
                        p { @for b in &p.buttons { span.tag { (b.text) } " " } }
                    }
                }
            }
        }
        (action(session, &path, &[("dismiss", "yes")], "Settle it otherwise", "danger"))
    };
    frame::page("A delay option", session, body)
}

pub async fn act(
    State(state): State<AppState>,
    Path((_, id)): Path<(String, String)>,
    session: Session,
    f: Fields,
) -> Result<Response, Failure> {
    let found = draft(&state, &session, &id).await?;
    if f.has("dismiss") {
        let (store, by) = (session.store.clone(), session.person.name.clone());
        state.db().write(move |db| options::dismiss(db, &store, &by, &id)).await?;
        return Ok(session.done("messages/options", "saved"));
    }
    let indefinite = f.has("indefinite");
    let revised_to = f.some("revised_to").filter(|to| !indefinite && found.0.revised.as_ref().is_none_or(|r| &r.1 != to));
    let change = Change { indefinite, revised_to, reason: f.some("reason") };
    if let Err(e) = options::approve(&state, &session.store, &session.person.name, &id, change.clone()).await {
        let wrongs = sentences(&errors(e)?);
        return Ok(refused(show_one(&state, &session, found, &change, &wrongs)));
    }
    Ok(session.done("messages/options", "option-sent"))
}
