//! Chat and social tools: where messages are posted to, and what is posted.

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};
use notify::{
    Outcome,
    hook::SHAPES,
    rules::{Hook, Rules},
};

use super::{
    errors,
    rules::{keep, of, revision, sentences, unchanged},
};
use crate::{
    console::{
        Failure, Fields, Session,
        frame::{self, action, csrf, field, refused, tick, wrong},
    },
    messages::admin,
    outbound,
    state::AppState,
};

pub async fn one(
    State(state): State<AppState>,
    Path((_, name)): Path<(String, String)>,
    session: Session,
) -> Result<Markup, Failure> {
    let rules = of(&state, &session.store).await?;
    let hook = match name.as_str() {
        "new" => Hook { shape: Some("slack".into()), ..Hook::default() },
        name => rules.hooks.get(name).cloned().ok_or_else(|| Failure::none("tool"))?,
    };
    Ok(show(&session, &rules, &name, &hook, "", &[], None))
}

fn show(
    session: &Session,
    rules: &Rules,
    name: &str,
    h: &Hook,
    new_name: &str,
    wrongs: &[String],
    tried: Option<&str>,
) -> Markup {
    let path = session.to(&format!("messages/hooks/{name}"));
    let shapes = SHAPES.iter().map(|s| (s.0, s.0)).chain([("", "A body of its own")]);
    let headers: Vec<String> = h.headers.keys().map(|header| format!("{header}: {}", admin::HIDDEN)).collect();
    let body = html! {
        p { a href=(session.to("messages/rules")) { "Rules of messages" } }
        h1 { @if name == "new" { "A chat or social tool" } @else { (name) } }
        (wrong(wrongs))
        @if let Some(text) = tried { p.note role="status" { (text) } }
        form.narrow method="post" action=(path) {
            (csrf(session))
            input type="hidden" name="revision" value=(revision(rules));
            @if name == "new" { (field("Name", "name", new_name).required().hint("Letters, digits, - and _: rules call it by this.")) }
            (field("Address", "url", h.url.clone()).required().kind("url").hint("https://…; never one inside your own network."))
            (field("What it takes", "shape", if h.body.is_some() { String::new() } else { h.shape.clone().unwrap_or_default() }).choices(shapes))
            (field("Body of its own", "body", h.body.clone().unwrap_or_default()).lines(6).hint("A Jinja template that makes JSON, such as {\"text\": {{ short }}}. Values are written as JSON literals."))
            (field("Headers", "headers", headers.join("\n")).lines(2).hint("Authorization: Bearer …, one a line. Kept ones are shown as …; they stay as they are where … is left, as long as the address is the same."))
            (tick("It knows a message by its id, and takes it once", "deduplicates", "yes", h.deduplicates))
            p.hint { "After a crash a message of which nobody knows whether it arrived is sent again only to such a tool; else the log says so." }
            div.actions { button.main type="submit" { "Save" } a.button href=(session.to("messages/rules")) { "Cancel" } }
        }
        @if name != "new" {
            div.actions {
                (action(session, &path, &[("test", "yes")], "Send a test", ""))
                (action(session, &path, &[("revision", &revision(rules)), ("remove", "yes")], "Remove", "danger"))
            }
        }
    };
    frame::page("A chat or social tool", session, body)
}

pub async fn save(
    State(state): State<AppState>,
    Path((_, name)): Path<(String, String)>,
    session: Session,
    f: Fields,
) -> Result<Response, Failure> {
    if f.has("test") {
        return test(&state, &session, &name).await;
    }
    let old = unchanged(&state, &session, &f).await?;
    let mut rules = old.clone();
    if name != "new" && !rules.hooks.contains_key(&name) {
        return Err(Failure::none("tool"));
    }
    if f.has("remove") {
        rules.hooks.remove(&name);
        // Rules that have nowhere to post to go with it.
        rules.rules.retain(|r| r.hook.as_deref() != Some(&name));
        keep(&state, &session, rules).await?;
        return Ok(session.done("messages/rules", "removed"));
    }
    let mut wrongs = Vec::new();
    let called = if name == "new" { f.get("name").to_owned() } else { name.clone() };
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if called.is_empty() || called.len() > 40 || !called.chars().all(fine) || called == "new" {
        wrongs.push("Name: letters, digits, - and _, up to 40.".to_owned());
    } else if name == "new" && rules.hooks.contains_key(&called) {
        wrongs.push("Name: another one has it.".to_owned());
    }
    let mut headers = std::collections::BTreeMap::new();
    for line in f.get("headers").lines().map(str::trim).filter(|l| !l.is_empty()) {
        match line.split_once(':') {
            Some((header, value)) => drop(headers.insert(header.trim().to_owned(), value.trim().to_owned())),
            None => wrongs.push(format!("Headers: “{line}” has no colon.")),
        }
    }
    let hook = Hook {
        url: f.get("url").to_owned(),
        shape: f.some("shape"),
        body: f.some("body").filter(|_| f.get("shape").is_empty()),
        headers,
        deduplicates: f.has("deduplicates"),
    };
    rules.hooks.insert(called.clone(), hook.clone());
    if wrongs.is_empty() {
        wrongs = sentences(&keep(&state, &session, rules).await?);
    }
    if !wrongs.is_empty() {
        return Ok(refused(show(&session, &old, &name, &hook, &called, &wrongs, None)));
    }
    Ok(session.done("messages/rules", "saved"))
}

/// Posts a made-up message, marked as a test, and says what came back.
async fn test(state: &AppState, session: &Session, name: &str) -> Result<Response, Failure> {
    let rules = of(state, &session.store).await?;
    let hook = rules.hooks.get(name).cloned().ok_or_else(|| Failure::none("tool"))?;
    let client = outbound::client(state.config().limits.internal_targets)?;
    let channel = format!("hook:{name}");
    let asked = admin::Test { notice: "shipped", language: &rules.language, order: None, words: None, channel: &channel, to: "" };
    let text = match admin::test(state, &client, &session.store, &asked).await {
        Ok(outcome) => tried(&outcome),
        Err(refused) => sentences(&errors(refused)?).join(" "),
    };
    Ok(axum::response::IntoResponse::into_response(show(session, &rules, name, &hook, "", &[], Some(&text))))
}

/// How a test went.
pub(super) fn tried(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Sent(_) => "Sent.".into(),
        Outcome::Later(e, _) => format!("It was not taken for now: {e}. A real message would be tried again."),
        Outcome::Refused(e, _) => format!("It was refused: {e}."),
        Outcome::Unknown(e) => format!("Nobody knows whether it arrived: {e}."),
    }
}
