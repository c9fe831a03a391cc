//! What holds for the whole policy, and the whole policy as text.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use promise::policy::{Policy, Style};

use super::{draft, entry::Errors, keep, learned};
use crate::{
    console::{
        Failure, Fields, Session,
        frame::{self, csrf, field, refused},
    },
    state::AppState,
    store::{drafts::Draft, people::Role},
};

const STYLES: [(&str, &str); 3] = [
    ("range", "As a range: Tue 2 – Thu 4 Dec"),
    ("latest", "By its last day: by Thu 4 Dec"),
    ("single", "As one day: Thu 4 Dec"),
];

fn word(style: Style) -> &'static str {
    match style {
        Style::Range => "range",
        Style::Latest => "latest",
        Style::Single => "single",
    }
}

pub async fn page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    let draft = draft(&state, &session.store).await?;
    let confidence = draft.policy.confidence.to_string();
    Ok(show(&session, &draft.policy, &confidence, draft.revision, &Errors::default(), ""))
}

fn show(session: &Session, policy: &Policy, confidence: &str, revision: i64, errors: &Errors, problem: &str) -> Markup {
    let body = html! {
        p { a href=(session.to("policy")) { "Delivery policy" } }
        h1 { "Basics" }
        @if !problem.is_empty() { div.problem role="alert" { p { (problem) } } }
        form.narrow method="post" action=(session.to("policy/basics")) {
            (csrf(session))
            input type="hidden" name="revision" value=(revision);
            (field("Currency", "currency", policy.currency.clone()).required().hint("Of the prices of shipping methods; ISO 4217, such as USD.").error(errors.at("currency")))
            (field("Parcels that arrive within the window shown, in percent", "confidence", confidence).kind("number").required()
                .hint("50 to 99. More makes windows wider, and promises that are kept more often.").error(errors.at("confidence")))
            (field("How a window is shown", "style", word(policy.style)).choices(STYLES))
            (field("What deliveries teach", "learning", learned::word(policy.learning)).choices(learned::CHOICES)
                .hint("How long handling and transit really take. Switching it off takes effect with the next publication."))
            @if session.may(Role::Owner) { button.main type="submit" { "Save in the draft" } }
        }
    };
    frame::page("Basics", session, body)
}

pub async fn save(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let Draft { mut policy, revision, .. } = draft(&state, &session.store).await?;
    let began = fields.get("revision").parse().unwrap_or(-1);
    policy.currency = fields.get("currency").to_uppercase();
    policy.confidence = fields.get("confidence").parse().unwrap_or(0);
    policy.style = match fields.get("style") {
        "latest" => Style::Latest,
        "single" => Style::Single,
        _ => Style::Range,
    };
    policy.learning = learned::read(fields.get("learning"));
    let mut errors = Errors::default();
    for invalid in policy.validate().into_iter().filter(|i| matches!(i.field.as_str(), "currency" | "confidence")) {
        errors.add(&invalid.field, format!("Please {}.", invalid.message));
    }
    let confidence = fields.get("confidence");
    if !errors.is_empty() {
        return Ok(refused(show(&session, &policy, confidence, began, &errors, "")));
    }
    if !keep(&state, &session, policy.clone(), began).await? {
        let text = "Somebody has changed the draft since you opened this page. Check what is here, then save again.";
        return Ok(refused(show(&session, &policy, confidence, revision, &errors, text)));
    }
    Ok(session.done("policy", "saved"))
}

pub async fn json_page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    let draft = draft(&state, &session.store).await?;
    let text = serde_json::to_string_pretty(&draft.policy).map_err(anyhow::Error::from)?;
    Ok(show_json(&session, &text, draft.revision, &[]))
}

fn show_json(session: &Session, text: &str, revision: i64, errors: &[String]) -> Markup {
    let body = html! {
        p { a href=(session.to("policy")) { "Delivery policy" } }
        h1 { "The whole policy as JSON" }
        p { "As the admin route takes it: for what the forms don't show, for many items at once, and to copy a policy from another store." }
        (frame::wrong(errors))
        form method="post" action=(session.to("policy/json")) {
            (csrf(session))
            input type="hidden" name="revision" value=(revision);
            div.field {
                label for="json" { "Policy" }
                textarea.code #json name="json" rows="24" spellcheck="false" { (text) }
            }
            div.actions { button.main type="submit" { "Save in the draft" } }
        }
    };
    frame::page("Policy as JSON", session, body)
}

pub async fn save_json(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let began = fields.get("revision").parse().unwrap_or(-1);
    let text = fields.get("json");
    let policy: Policy = match serde_json::from_str(text) {
        Ok(policy) => policy,
        Err(e) => return Ok(refused(show_json(&session, text, began, &[format!("This is not a policy: {e}.")]))),
    };
    if !keep(&state, &session, policy, began).await? {
        let now = draft(&state, &session.store).await?.revision;
        let error =
            "Somebody has changed the draft since you opened this page. Saving again takes the place of their change.".to_owned();
        return Ok(refused(show_json(&session, text, now, &[error])));
    }
    Ok(session.done("policy", "saved").into_response())
}
