//! Help after the purchase: what is on, the store's own questions and answers, ways to reach it.

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};
use serde_json::json;

use super::{
    Failure, Fields, Session,
    frame::{self, action, csrf, field, refused, tick, wrong},
    languages::LANGUAGES,
};
use crate::{
    care::{
        report::Kind,
        settings::{Contact, OwnFaq, SITUATIONS, Settings, Texts, text},
    },
    ingest,
    state::AppState,
    store::{audit, care::settings, people::Role},
};

const AUTO: [(&str, &str); 3] = [("auto", "By itself"), ("on", "On"), ("off", "Off")];
const CONTACTS: [(&str, &str); 5] =
    [("email", "Email"), ("phone", "Phone"), ("chat", "Chat"), ("social", "Social network"), ("page", "A page")];

async fn of(state: &AppState, store: &str) -> Result<Settings, Failure> {
    let store = store.to_owned();
    Ok(state.db().read(move |db| settings::of(db, &store)).await?)
}

/// Keeps settings that are in order; what is wrong with them, where they are not.
async fn keep(state: &AppState, session: &Session, new: Settings, what: &'static str) -> Result<Vec<String>, Failure> {
    let wrong: Vec<String> = new.validate().into_iter().map(|w| format!("{}: {}.", told(&w.field), w.message)).collect();
    if !wrong.is_empty() {
        return Ok(wrong);
    }
    let (store, by, now) = (session.store.clone(), session.person.name.clone(), state.now());
    state
        .db()
        .write(move |db| {
            let version = settings::put(db, &store, &new, now)?;
            audit::record(db, &store, &by, "care.settings", what, &json!({"version": version}))
        })
        .await?;
    state.settings_changed(&session.store);
    // Order pages say what is switched on.
    let (state, store) = (state.clone(), session.store.clone());
    tokio::spawn(async move {
        if let Err(e) = ingest::reestimate(&state, &store).await {
            tracing::error!(error = format!("{e:#}"), store, "order documents were not made anew");
        }
    });
    Ok(Vec::new())
}

/// `help.contacts[0].address` is "address".
fn told(field: &str) -> String {
    field.rsplit('.').next().unwrap_or_default().replace('_', " ")
}

pub async fn page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    let settings = of(&state, &session.store).await?;
    Ok(show(&session, &settings, &[]))
}

fn show(session: &Session, s: &Settings, errors: &[String]) -> Markup {
    let owner = session.may(Role::Owner);
    let rules = serde_json::to_string_pretty(&s.reports.rules).unwrap_or_default();
    let body = html! {
        h1 { "Help and reports" }
        p { "What a shopper finds on the order page when something is not as it should be." }
        (wrong(errors))
        section {
            h2 { "Your own questions and answers" }
            p.hint { "They come before those that are there already." }
            ul.rows {
                @for (n, f) in s.help.faqs.iter().enumerate() {
                    li {
                        span { @if owner { a.strong href=(session.to(&format!("help/faqs/{n}"))) { (text(&f.question, "en")) } } @else { (text(&f.question, "en")) } br; span.hint { @if f.situations.is_empty() { "always" } @else { (f.situations.join(", ").replace('_', " ")) } } }
                        @if owner { (action(session, &session.to(&format!("help/faqs/{n}")), &[("remove", "yes")], "Remove", "danger")) }
                    }
                }
                @if s.help.faqs.is_empty() { li { span.hint { "None." } } }
            }
            @if owner { p { a.button href=(session.to("help/faqs/new")) { "Add a question" } } }
        }
        section {
            h2 { "Ways to reach you" }
            ul.rows {
                @for (n, c) in s.help.contacts.iter().enumerate() {
                    li {
                        span { @if owner { a.strong href=(session.to(&format!("help/contacts/{n}"))) { (c.address) } } @else { (c.address) } br; span.hint { (c.kind) @if !text(&c.hours, "en").is_empty() { ", " (text(&c.hours, "en")) } } }
                        @if owner { (action(session, &session.to(&format!("help/contacts/{n}")), &[("remove", "yes")], "Remove", "danger")) }
                    }
                }
                @if s.help.contacts.is_empty() { li { span.hint { "None: the store's help page is named, where there is one." } } }
            }
            @if owner { p { a.button href=(session.to("help/contacts/new")) { "Add one" } } }
        }
        section {
            h2 { "What is on" }
            form.narrow method="post" action=(session.to("help")) {
                (csrf(session))
                (tick("Questions and answers", "help.on", "yes", s.help.on))
                (field("Questions of the peak season", "help.peak", s.help.peak.clone()).choices(AUTO))
                (field("Support is busy", "help.busy", s.help.busy.clone()).choices(AUTO).hint("The calmest way to reach you then comes first."))
                (field("Busy from this many open reports", "help.busy_from", s.help.busy_from.to_string()).kind("number"))
                (tick("Shoppers can report what is wrong", "reports.on", "yes", s.reports.on))
                fieldset {
                    legend { "Reports of" }
                    p.hint { "None ticked: all kinds." }
                    div.ticks { @for k in Kind::ALL { (tick(&k.as_str().replace('_', " "), "reports.kinds", k.as_str(), s.reports.kinds.iter().any(|x| x == k.as_str()))) } }
                }
                (field("Offer something else when the chance that a parcel turns up is below, in percent", "reports.give_up_below", s.reports.give_up_below.to_string()).kind("number"))
                (field("A report can be opened again for, days", "reports.reopen_days", s.reports.reopen_days.to_string()).kind("number"))
                (tick("Ask how it went", "feedback.on", "yes", s.feedback.on))
                (field("Hours after the delivery", "feedback.after_hours", s.feedback.after_hours.to_string()).kind("number"))
                (tick("Safer ways to receive a parcel come first where many were stolen", "safer.on", "yes", s.safer.on))
                (field("Many: orders of an area within a year, at least", "safer.from", s.safer.from.to_string()).kind("number"))
                (tick("Earlier orders on the order page", "history.on", "yes", s.history.on))
                fieldset {
                    legend { "Shoppers can ask for updates by" }
                    div.ticks {
                        (tick("Notifications of the browser", "updates.push", "yes", s.updates.push))
                        (tick("Email", "updates.email", "yes", s.updates.email))
                        (tick("SMS", "updates.sms", "yes", s.updates.sms))
                    }
                }
                div.field {
                    label for="rules" { "Rules for what is offered" }
                    textarea.code #rules name="rules" rows="8" spellcheck="false" { (rules) }
                    p.hint { "As JSON: option (resend, refund, discount, claim, wait), kinds, min_value, max_value, within_days, percent, at_once, automatic, note." }
                }
                @if owner { button.main type="submit" { "Save" } }
            }
        }
    };
    frame::page("Help and reports", session, body)
}

pub async fn save(State(state): State<AppState>, session: Session, f: Fields) -> Result<Response, Failure> {
    let mut s = of(&state, &session.store).await?;
    let mut errors = Vec::new();
    let mut number = |name: &str, what: &str, most: u32| {
        f.get(name).parse::<u32>().ok().filter(|n| *n <= most).unwrap_or_else(|| {
            errors.push(format!("{what}: write a number, at most {most}."));
            0
        })
    };
    s.help.on = f.has("help.on");
    s.help.peak = f.get("help.peak").to_owned();
    s.help.busy = f.get("help.busy").to_owned();
    s.help.busy_from = number("help.busy_from", "Busy from", 1_000_000);
    s.reports.on = f.has("reports.on");
    s.reports.kinds = f.all("reports.kinds");
    s.reports.give_up_below = number("reports.give_up_below", "Chance", 99) as u8;
    s.reports.reopen_days = number("reports.reopen_days", "Days", 3650) as u16;
    s.feedback.on = f.has("feedback.on");
    s.feedback.after_hours = number("feedback.after_hours", "Hours", 1000) as u16;
    s.safer.on = f.has("safer.on");
    s.safer.from = number("safer.from", "Many", 100_000);
    s.history.on = f.has("history.on");
    s.updates.push = f.has("updates.push");
    s.updates.email = f.has("updates.email");
    s.updates.sms = f.has("updates.sms");
    match serde_json::from_str(f.get("rules")) {
        Ok(rules) => s.reports.rules = rules,
        Err(e) => errors.push(format!("Rules: {e}.")),
    }
    if errors.is_empty() {
        errors = keep(&state, &session, s.clone(), "switches").await?;
    }
    if errors.is_empty() { Ok(session.done("help", "saved")) } else { Ok(refused(show(&session, &s, &errors))) }
}

/// A text in each language; English first, the others folded.
fn texts(label: &str, name: &str, t: &Texts, lines: u32) -> Markup {
    let one = |language: &str, shown: &str| {
        let (key, value) = (format!("{name}.{language}"), t.get(language).cloned().unwrap_or_default());
        html! { (field(shown, &key, value).lines(lines)) }
    };
    let in_english = format!("{label}, in English");
    html! {
        (one("en", &in_english))
        details open[t.keys().any(|l| l != "en")] {
            summary { (label) " in " (LANGUAGES.len() - 1) " more languages" }
            div.pair { @for (language, shown) in LANGUAGES.iter().skip(1) { (one(language, &format!("{label}: {shown}"))) } }
        }
    }
}

fn read_texts(f: &Fields, name: &str) -> Texts {
    LANGUAGES.iter().filter_map(|(l, _)| Some(((*l).to_owned(), f.some(&format!("{name}.{l}"))?))).collect()
}

fn entry<T: Clone + Default>(list: &[T], which: &str) -> Result<(Option<usize>, T), Failure> {
    if which == "new" {
        return Ok((None, T::default()));
    }
    let n: usize = which.parse().map_err(|_| Failure::none("entry"))?;
    Ok((Some(n), list.get(n).cloned().ok_or_else(|| Failure::none("entry"))?))
}

fn put<T>(list: &mut Vec<T>, at: Option<usize>, value: T) {
    match at {
        Some(n) => list[n] = value,
        None => list.push(value),
    }
}

pub async fn faq(
    State(state): State<AppState>,
    Path((_, which)): Path<(String, String)>,
    session: Session,
) -> Result<Markup, Failure> {
    let (_, faq) = entry(&of(&state, &session.store).await?.help.faqs, &which)?;
    Ok(show_faq(&session, &which, &faq, &[]))
}

fn show_faq(session: &Session, which: &str, f: &OwnFaq, errors: &[String]) -> Markup {
    let body = html! {
        p { a href=(session.to("help")) { "Help and reports" } }
        h1 { "A question and its answer" }
        (wrong(errors))
        form.narrow method="post" action=(session.to(&format!("help/faqs/{which}"))) {
            (csrf(session))
            (texts("Question", "question", &f.question, 0))
            (texts("Answer", "answer", &f.answer, 3))
            fieldset {
                legend { "When an order is" }
                p.hint { "None ticked: always." }
                div.ticks { @for s in SITUATIONS { (tick(&s.replace('_', " "), "situations", s, f.situations.iter().any(|x| x == s))) } }
            }
            button.main type="submit" { "Save" }
        }
    };
    frame::page("A question", session, body)
}

pub async fn save_faq(
    State(state): State<AppState>,
    Path((_, which)): Path<(String, String)>,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    let mut s = of(&state, &session.store).await?;
    let (at, mut faq) = entry(&s.help.faqs, &which)?;
    if let (Some(n), true) = (at, fields.has("remove")) {
        s.help.faqs.remove(n);
        keep(&state, &session, s, "faq").await?;
        return Ok(session.done("help", "removed"));
    }
    faq.question = read_texts(&fields, "question");
    faq.answer = read_texts(&fields, "answer");
    faq.situations = fields.all("situations");
    if faq.id.is_empty() {
        faq.id = format!("own-{}", &super::sign_in::random()?[..8]);
    }
    put(&mut s.help.faqs, at, faq.clone());
    let errors = keep(&state, &session, s, "faq").await?;
    if errors.is_empty() { Ok(session.done("help", "saved")) } else { Ok(refused(show_faq(&session, &which, &faq, &errors))) }
}

pub async fn contact(
    State(state): State<AppState>,
    Path((_, which)): Path<(String, String)>,
    session: Session,
) -> Result<Markup, Failure> {
    let (_, contact) = entry(&of(&state, &session.store).await?.help.contacts, &which)?;
    Ok(show_contact(&session, &which, &contact, &[]))
}

fn show_contact(session: &Session, which: &str, c: &Contact, errors: &[String]) -> Markup {
    let body = html! {
        p { a href=(session.to("help")) { "Help and reports" } }
        h1 { "A way to reach you" }
        (wrong(errors))
        form.narrow method="post" action=(session.to(&format!("help/contacts/{which}"))) {
            (csrf(session))
            (field("Kind", "kind", c.kind.clone()).choices(CONTACTS))
            (field("Address", "address", c.address.clone()).required().hint("An email address, a phone number, or an https address, in which {order} becomes the order's number."))
            (texts("Name", "label", &c.label, 0))
            (texts("When somebody answers", "hours", &c.hours, 0))
            (field("Usual wait, in minutes", "minutes", c.minutes.to_string()).kind("number").hint("0: not known."))
            button.main type="submit" { "Save" }
        }
    };
    frame::page("A way to reach you", session, body)
}

pub async fn save_contact(
    State(state): State<AppState>,
    Path((_, which)): Path<(String, String)>,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    let mut s = of(&state, &session.store).await?;
    let (at, mut contact) = entry(&s.help.contacts, &which)?;
    if let (Some(n), true) = (at, fields.has("remove")) {
        s.help.contacts.remove(n);
        keep(&state, &session, s, "contact").await?;
        return Ok(session.done("help", "removed"));
    }
    contact.kind = fields.get("kind").to_owned();
    contact.address = fields.get("address").to_owned();
    contact.label = read_texts(&fields, "label");
    contact.hours = read_texts(&fields, "hours");
    contact.minutes = fields.get("minutes").parse().unwrap_or(0);
    put(&mut s.help.contacts, at, contact.clone());
    let errors = keep(&state, &session, s, "contact").await?;
    if errors.is_empty() {
        Ok(session.done("help", "saved"))
    } else {
        Ok(refused(show_contact(&session, &which, &contact, &errors)))
    }
}
