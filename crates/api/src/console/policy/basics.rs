//! What holds for the whole policy, and the whole policy as text.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use promise::policy::{Detection, Policy, Ship, Style};

use super::{draft, entry::Errors, keep, learned};
use crate::{
    console::{
        Failure, Fields, Session,
        frame::{self, csrf, field, refused},
    },
    state::AppState,
    store::{drafts::Draft, people::Role},
    written,
};

const STYLES: [(&str, &str); 3] = [
    ("range", "As a range: Tue 2 – Thu 4 Dec"),
    ("latest", "By its last day: by Thu 4 Dec"),
    ("single", "As one day: Thu 4 Dec"),
];

const SHIPS: [(&str, &str); 3] = [
    ("together", "Together, where one origin has or gets it all; else in parts"),
    ("as_ready", "As each is ready: what is there goes now, the rest when it comes"),
    ("complete", "Never in parts: what no origin has whole can't be delivered"),
];

const DETECTIONS: [(&str, &str); 3] =
    [("propose", "Proposed: they hold once you approve them"), ("apply", "They hold at once"), ("off", "Nothing is looked for")];

fn ship_word(ship: Ship) -> &'static str {
    match ship {
        Ship::Together => "together",
        Ship::AsReady => "as_ready",
        Ship::Complete => "complete",
    }
}

fn detection_word(detection: Detection) -> &'static str {
    match detection {
        Detection::Propose => "propose",
        Detection::Apply => "apply",
        Detection::Off => "off",
    }
}

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
            (field("A cart whose lines are not all there at once goes", "ship", ship_word(policy.ship)).choices(SHIPS))
            (field("Warn a shopper once the chance of keeping the promise is below, in percent", "warn_below", if policy.warn_below == 0 { String::new() } else { policy.warn_below.to_string() }).kind("number")
                .hint("Empty: 50.").error(errors.at("warn_below")))
            (field("Delays seen in your own scans are", "detection", detection_word(policy.detection)).choices(DETECTIONS))
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
    policy.ship = match fields.get("ship") {
        "as_ready" => Ship::AsReady,
        "complete" => Ship::Complete,
        _ => Ship::Together,
    };
    policy.detection = match fields.get("detection") {
        "apply" => Detection::Apply,
        "off" => Detection::Off,
        _ => Detection::Propose,
    };
    let mut errors = Errors::default();
    policy.warn_below = match fields.get("warn_below") {
        "" => 0,
        text => text.parse().unwrap_or_else(|_| {
            errors.add("warn_below", "Write a number of percent, or nothing.");
            0
        }),
    };
    for invalid in policy.validate().into_iter().filter(|i| matches!(i.field.as_str(), "currency" | "confidence" | "warn_below"))
    {
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
    let policy: Policy = match written::read(text) {
        Ok(policy) => policy,
        Err(wrong) => {
            let errors: Vec<String> = wrong
                .iter()
                .map(|w| match w.field.as_str() {
                    "" => format!("This is not a policy: {}.", w.message),
                    _ => w.to_string(),
                })
                .collect();
            return Ok(refused(show_json(&session, text, began, &errors)));
        }
    };
    if !keep(&state, &session, policy, began).await? {
        let now = draft(&state, &session.store).await?.revision;
        let error =
            "Somebody has changed the draft since you opened this page. Saving again takes the place of their change.".to_owned();
        return Ok(refused(show_json(&session, text, now, &[error])));
    }
    Ok(session.done("policy", "saved").into_response())
}
