//! Messages to shoppers: what was sent and why not, and the pages beside it (rules, words, people, delay options).

pub mod hooks;
pub mod letter;
pub mod options;
pub mod people;
pub mod rules;
pub mod words;

use axum::{extract::State, response::Response};
use maud::{Markup, html};
use promise::Instant;
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};

use super::{
    Failure, Fields, Session,
    frame::{self, csrf, field, moment},
    orders,
};
use crate::{
    insight::{answers, report::Period},
    messages::admin::Refused,
    routes::insight::today,
    state::AppState,
    store::{audit, messages, orders::plain, people::Role},
};

/// What shoppers are told, by its name in rules.
#[rustfmt::skip]
pub(super) const NOTICES: [(&str, &str); 13] = [
    ("ordered", "Ordered"),
    ("shipped", "Shipped"),
    ("out_for_delivery", "Out for delivery"),
    ("ready_to_collect", "Ready to collect"),
    ("sent_back_soon", "About to be sent back"),
    ("delivered", "Delivered"),
    ("attempt_failed", "They missed you"),
    ("exception", "Something went wrong"),
    ("at_risk", "The promise is at risk"),
    ("new_window", "A new date"),
    ("quiet", "Gone quiet"),
    ("report", "Progress of a report"),
    ("satisfied", "How was it?"),
];

const STATES: [(&str, &str); 7] = [
    ("", "Any"),
    ("waiting", "Waiting"),
    ("sending", "Being sent"),
    ("sent", "Sent"),
    ("dropped", "Not sent"),
    ("failed", "Failed"),
    ("unknown", "May have arrived"),
];

/// A notice's name on screen.
pub(super) fn notice_name(notice: &str) -> String {
    let other = || notice.replace('_', " ");
    NOTICES.iter().find(|n| n.0 == notice).map_or_else(other, |n| n.1.to_owned())
}

pub(super) fn channel_name(channel: &str) -> String {
    match channel {
        "mail" => "Email".into(),
        "sms" => "SMS".into(),
        "push" => "Browser notification".into(),
        other => other.strip_prefix("hook:").map_or_else(|| other.to_owned(), |name| format!("Hook {name}")),
    }
}

/// The pages about messages; which of them one is on.
fn tabs(session: &Session, here: &str) -> Markup {
    let pages = [
        ("messages", "Log", Role::Viewer),
        ("messages/rules", "Rules", Role::Viewer),
        ("messages/words", "Words", Role::Viewer),
        ("messages/people", "Consent", Role::Support),
        ("messages/options", "Delay options", Role::Viewer),
    ];
    html! {
        nav.tabs aria-label="Messages" {
            @for (path, name, _) in pages.iter().filter(|p| session.may(p.2)) {
                a href=(session.to(path)) aria-current=[(*path == here).then_some("page")] { (name) }
            }
        }
    }
}

/// What can't be accepted, in the words of who filled in a form; anything else is a page that says so.
fn errors(refused: Refused) -> Result<Vec<(String, String)>, Failure> {
    match refused {
        Refused::Fields(wrong) => Ok(wrong),
        Refused::NotFound(what) => {
            Err(Failure::new(axum::http::StatusCode::NOT_FOUND, format!("{}{}.", what[..1].to_uppercase(), &what[1..])))
        }
        Refused::Failed(e) => Err(e.into()),
    }
}

/// An order by its id, or by its number as the shopper knows it.
pub(super) fn order_id(db: &Connection, store: &str, text: &str) -> anyhow::Result<Option<String>> {
    let sql = "select id from orders where store = ?1 and (id = ?2 or number = ?3) order by id = ?2 desc limit 1";
    Ok(db.prepare_cached(sql)?.query_row([store, text, &plain(text)], |r| r.get(0)).optional()?)
}

fn tag(state: &str) -> Markup {
    let class = match state {
        "sent" => "tag good",
        "failed" | "unknown" => "tag bad",
        "waiting" | "sending" => "tag warning",
        _ => "tag",
    };
    html! { span class=(class) { (STATES.iter().find(|s| s.0 == state).map_or(state, |s| s.1)) } }
}

pub async fn page(State(state): State<AppState>, session: Session, f: Fields) -> Result<Markup, Failure> {
    let (store, wanted, asked) = (session.store.clone(), f.get("state").to_owned(), f.get("order").to_owned());
    let before = Instant::parse(f.get("before")).map(|t| t.0);
    let (wanted_state, text) = (wanted.clone(), asked.clone());
    // By the sums: a year of messages opens as quickly as a day.
    let week = Period::back(today(&state, &session.store).await?, 7);
    let read = state.db().read(move |db| {
        let order = match text.as_str() {
            "" => None,
            // Of an order that is not there, nothing.
            text => Some(order_id(db, &store, text)?.unwrap_or_else(|| text.to_owned())),
        };
        let state = Some(wanted_state.as_str()).filter(|s| !s.is_empty());
        let list = messages::list(db, &store, order.as_deref(), state, before)?;
        let counts = answers::told(db, &store, week)?.total;
        Ok((list, counts))
    });
    let (list, counts) = read.await?;
    let text = |m: &Value, name: &str| m[name].as_str().unwrap_or_default().to_owned();
    let at = |m: &Value, name: &str| m[name].as_str().and_then(Instant::parse);
    let support = session.may(Role::Support);
    let kept_here = state.mailer().is_folder();
    let older = (list.len() >= 200).then(|| list.last().map(|m| text(m, "made_at"))).flatten();
    let body = html! {
        h1 { "Messages" }
        (tabs(&session, "messages"))
        p { "Of the last seven days " strong { (counts.sent) } " sent, " strong { (counts.failed) } " failed, " strong { (counts.unknown) } " of which nobody knows whether they arrived. " a href=(session.to("insights/messages")) { "More" } }
        @if kept_here { p.note { "A trial: mails go into a folder on this machine, and nowhere else." } }
        form.actions method="get" action=(session.to("messages")) {
            (field("Order number", "order", asked.clone()))
            (field("State", "state", wanted.clone()).choices(STATES))
            button type="submit" { "Show" }
        }
        @if list.is_empty() { p { @if asked.is_empty() && wanted.is_empty() { "No message was written yet. They are written when orders change; " a href=(session.to("messages/rules")) { "the rules" } " say of what." } @else { "None." } } } @else {
            div.scroll tabindex="0" role="region" aria-label="Messages" {
                table {
                    thead { tr { th scope="col" { "Written" } th scope="col" { "Order" } th scope="col" { "About" } th scope="col" { "By" } th scope="col" { "How it went" } th scope="col" { span.hidden { "Send again" } } } }
                    tbody {
                        @for m in &list {
                            @let (id, kind, order) = (text(m, "id"), text(m, "state"), text(m, "order_id"));
                            tr {
                                td { @if let Some(made) = at(m, "made_at") { (moment(made)) } }
                                td { @if !order.is_empty() { @let number = text(m, "order_number"); a href=(orders::to(&session, &order)) { @if number.is_empty() { (order) } @else { (number) } } } }
                                td { (notice_name(&text(m, "notice"))) @if !text(m, "language").is_empty() { " " span.hint { (text(m, "language")) } } }
                                td { (channel_name(&text(m, "channel"))) }
                                td {
                                    (tag(&kind))
                                    @if kept_here && support && kind == "sent" && text(m, "channel") == "mail" && text(m, "sent_with").is_empty() { " " a href=(session.to(&format!("messages/letters/{id}"))) { "See the letter" } }
                                    @if !text(m, "sent_with").is_empty() { " " span.hint { "together with another" } }
                                    @if !text(m, "reason").is_empty() { br; span.hint { (text(m, "reason")) } }
                                    @if kind == "waiting" { @if let Some(due) = at(m, "due_at") { br; span.hint { "due " (moment(due)) } } }
                                }
                                td {
                                    @let again = matches!(kind.as_str(), "failed" | "unknown" | "waiting");
                                    @let once_more = kind == "sent" && !order.is_empty() && !text(m, "rule").is_empty() && text(m, "sent_with").is_empty();
                                    @if support && (again || once_more) {
                                        form.inline method="post" action=(session.to("messages/again")) {
                                            (csrf(&session))
                                            input type="hidden" name="id" value=(id);
                                            button type="submit" data-confirm=[(kind != "waiting").then_some(if kind == "failed" { "Send it again?" } else { "The shopper may get it twice. Send it again?" })] {
                                                @if kind == "waiting" { "Send now" } @else { "Send again" }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            @if let Some(before) = older {
                @let query = serde_urlencoded::to_string([("before", before.as_str()), ("order", asked.as_str()), ("state", wanted.as_str())]).unwrap_or_default();
                p { a href=(format!("{}?{query}", session.to("messages"))) { "Older ones" } }
            }
        }
    };
    Ok(frame::page("Messages", &session, body))
}

/// Sends one again: at once, with all of its tries before it. What was sent already becomes a message of its own, which is looked at as any
/// other before it goes: what is no longer true is not sent.
pub async fn again(State(state): State<AppState>, session: Session, f: Fields) -> Result<Response, Failure> {
    let (store, by, id, now) = (session.store.clone(), session.person.name.clone(), f.get("id").to_owned(), state.now());
    let done = state.db().write(move |db| {
        let done = messages::again(db, &store, &id, now)? || messages::repeat(db, &store, &id, now)?;
        if done {
            audit::record(db, &store, &by, "messages.again", &id, &json!({}))?;
        }
        Ok(done)
    });
    if !done.await? {
        return Err(Failure::none("message that could be sent again"));
    }
    state.wake_messages();
    Ok(session.done("messages", "sent-again"))
}
