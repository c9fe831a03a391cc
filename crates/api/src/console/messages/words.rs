//! The store's own words for notices, language by language: templates in a sandbox, shown as they would be on a real order, tried by a test.

use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};
use notify::{
    notice::{Override, Said},
    template::Wrong,
};
use serde_json::Value;

use super::{NOTICES, channel_name, errors, hooks::tried, notice_name, order_id, rules, rules::sentences, tabs};
use crate::{
    console::{
        Failure, Fields, Session,
        frame::{self, csrf, field, refused, tick, wrong},
        languages::LANGUAGES,
    },
    messages::{admin, rules as kept},
    outbound,
    state::AppState,
    store::people::Role,
};

/// The parts of a notice that can be said otherwise: field, name, lines, hint.
const PARTS: [(&str, &str, u32, &str); 5] = [
    ("subject", "Subject", 0, ""),
    ("headline", "Headline", 0, ""),
    ("body", "Text", 5, "Paragraphs, with an empty line between them."),
    ("short", "Short form", 2, "For SMS and browser notifications; the link is added."),
    ("html", "A whole mail of your own", 6, "HTML instead of our layout. It must carry {{ stop_url }}, where messages end."),
];

fn part<'a>(words: &'a mut Override, name: &str) -> &'a mut Option<String> {
    match name {
        "subject" => &mut words.subject,
        "headline" => &mut words.headline,
        "body" => &mut words.body,
        "short" => &mut words.short,
        _ => &mut words.html,
    }
}

fn known(notice: &str, language: &str) -> Result<&'static str, Failure> {
    let found = LANGUAGES.iter().find(|l| l.0 == language).filter(|_| NOTICES.iter().any(|n| n.0 == notice));
    found.map(|l| l.0).ok_or_else(|| Failure::none("notice"))
}

pub async fn page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    let store = session.store.clone();
    let own: Vec<Value> = state.db().read(move |db| kept::all_words(db, &store)).await?;
    let has = |notice: &str| -> Vec<&str> {
        own.iter().filter(|w| w["notice"] == notice).filter_map(|w| w["language"].as_str()).collect()
    };
    let owner = session.may(Role::Owner);
    let body = html! {
        h1 { "Words of messages" }
        (tabs(&session, "messages/words"))
        p { "Every message has its words in " (LANGUAGES.len()) " languages. Say it in your own where you can say it better." }
        @for (notice, name) in NOTICES {
            @let there = has(notice);
            section {
                h2 { (name) }
                p.links {
                    @for (language, shown) in LANGUAGES {
                        @let own = there.contains(&language);
                        @if owner { a href=(session.to(&format!("messages/words/{notice}/{language}"))) lang=(language) { (shown) } } @else { span lang=(language) { (shown) } }
                        @if own { " " span.tag.good { "own words" } }
                        " "
                    }
                }
            }
        }
    };
    Ok(frame::page("Words of messages", &session, body))
}

async fn of(state: &AppState, store: &str, notice: &str, language: &str) -> Result<Override, Failure> {
    let (store, notice, language) = (store.to_owned(), notice.to_owned(), language.to_owned());
    Ok(state.db().read(move |db| kept::words(db, &store, &notice, &language)).await?)
}

/// What a form says; what stands there as it was shown is not the store's own.
fn read(f: &Fields) -> Override {
    let mut words = Override::default();
    for (name, ..) in PARTS {
        *part(&mut words, name) = f.some(name);
    }
    words
}

pub async fn one(
    State(state): State<AppState>,
    Path((_, notice, language)): Path<(String, String, String)>,
    session: Session,
) -> Result<Markup, Failure> {
    let language = known(&notice, &language)?;
    let words = of(&state, &session.store, &notice, language).await?;
    show(&state, &session, &notice, language, &words, &Fields::default(), &[], None).await
}

#[allow(clippy::too_many_arguments, reason = "one form, and how it went")]
async fn show(
    state: &AppState,
    session: &Session,
    notice: &str,
    language: &str,
    words: &Override,
    f: &Fields,
    wrongs: &[(String, String)],
    told: Option<&str>,
) -> Result<Markup, Failure> {
    let path = session.to(&format!("messages/words/{notice}/{language}"));
    let (_, values) =
        admin::preview(state, &session.store, notice, language, None, Some(&Override::default())).await.map_err(|e| {
            errors(e).map_or_else(|e| e, |w| Failure::new(axum::http::StatusCode::BAD_REQUEST, sentences(&w).join(" ")))
        })?;
    let store = session.store.clone();
    let orders: Vec<(String, String)> = state
        .db()
        .read(move |db| {
            let mut rows = db.prepare_cached("select number, id from orders where store = ?1 order by rowid desc limit 30")?;
            let rows = rows.query_map([store], |r| Ok((r.get(0)?, r.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await?;
    let rules = rules::of(state, &session.store).await?;
    let channels: Vec<String> =
        ["mail", "sms"].into_iter().map(str::to_owned).chain(rules.hooks.keys().map(|h| format!("hook:{h}"))).collect();
    let own_name = LANGUAGES.iter().find(|l| l.0 == language).map_or(language, |l| l.1);
    let mut words = words.clone();
    let ours = |name: &str| values[name].as_str().unwrap_or_default().to_owned();
    let body = html! {
        p { a href=(session.to("messages/words")) { "Words of messages" } }
        h1 { (notice_name(notice)) " · " span lang=(language) { (own_name) } }
        @if let Some(text) = told { p.said role="status" { (text) } }
        (wrong(&sentences(wrongs)))
        div.sides {
            form.fields method="post" action=(path) data-frame="shown" {
                (csrf(session))
                p.hint { "What is empty stays ours. Templates are Jinja: " code { "{{ order.number }}" } ", " code { "{% if order.estimate %}… {{ order.estimate.days }}{% endif %}" } ". They see the values below and nothing else." }
                @for (name, label, lines, hint) in PARTS {
                    @let error = wrongs.iter().find(|w| w.0 == name).map(|w| format!("{}.", w.1)).unwrap_or_default();
                    div lang=(language) { (field(label, name, part(&mut words, name).clone().unwrap_or_default()).lines(lines).hint(hint).error(error)) }
                    @if !ours(name).is_empty() { p.hint { "Ours: " span lang=(language) dir="auto" { (ours(name)) } } }
                }
                div.actions { button.main type="submit" { "Save" } a.button href=(session.to("messages/words")) { "Cancel" } }
                fieldset {
                    legend { "Look at it" }
                    datalist #orders { @for (number, _) in &orders { option value=(number) {} } }
                    (field("On the order", "order", f.get("order").to_owned()).list("orders").hint("Its number; empty: a made-up one."))
                    (tick("As it looks in the dark", "dark", "yes", f.has("dark")))
                    button type="submit" formaction=(format!("{path}/preview")) formtarget="shown" formnovalidate { "Show it" }
                }
                fieldset {
                    legend { "Send it as a test" }
                    (field("By", "channel", f.get("channel").to_owned()).choices(channels.iter().map(|c| (c.clone(), channel_name(c)))))
                    (field("To", "to", Some(f.get("to")).filter(|t| !t.is_empty()).map_or_else(|| session.person.email.clone(), str::to_owned)).hint("A mail address, or a number with its country code."))
                    button type="submit" formaction=(format!("{path}/test")) { "Send the test" }
                }
                details { summary { "Values" } pre tabindex="0" { (serde_json::to_string_pretty(&values).unwrap_or_default()) } }
            }
            div.aside {
                h2 { "As the shopper gets it" }
                iframe.mail name="shown" title="The message as the shopper gets it" src=(format!("{path}/preview")) {}
            }
        }
    };
    Ok(frame::page("Words of a message", session, body))
}

/// The order that a form names, by its id.
async fn named(state: &AppState, session: &Session, f: &Fields) -> Result<Result<Option<String>, String>, Failure> {
    let (store, text) = (session.store.clone(), f.get("order").to_owned());
    if text.is_empty() {
        return Ok(Ok(None));
    }
    let asked = text.clone();
    let found = state.db().read(move |db| order_id(db, &store, &asked)).await?;
    Ok(found.map(Some).ok_or_else(|| format!("There is no order {text}.")))
}

/// The message in a page of its own, which the form shows in a frame: as words say it that are not kept yet, or (asked by GET) as they are.
pub async fn preview(
    State(state): State<AppState>,
    Path((_, notice, language)): Path<(String, String, String)>,
    session: Session,
    method: axum::http::Method,
    f: Fields,
) -> Result<Response, Failure> {
    let language = known(&notice, &language)?;
    let words = if method == axum::http::Method::POST { read(&f) } else { of(&state, &session.store, &notice, language).await? };
    let order = match named(&state, &session, &f).await? {
        Ok(order) => order,
        Err(text) => return Ok(framed(html! { p.wrong role="alert" { (text) } })),
    };
    let said = admin::preview(&state, &session.store, &notice, language, order.as_deref(), Some(&words)).await;
    let (said, values) = match said {
        Ok(said) => said,
        Err(refused) => return Ok(framed(wrong(&sentences(&errors(refused)?)))),
    };
    let doubts = admin::wrong_words(&words, &values);
    Ok(framed(mail(&said, &doubts, f.has("dark"))))
}

fn mail(said: &Said, doubts: &[(&'static str, Wrong)], dark: bool) -> Markup {
    html! {
        @if !doubts.is_empty() {
            div.problem role="alert" { ul { @for (name, e) in doubts { li { (PARTS.iter().find(|p| p.0 == *name).map_or(*name, |p| p.1)) ": " (e) } } } }
        }
        dl.facts {
            dt { "Subject" } dd dir="auto" { (said.page.subject) }
            dt { "SMS" } dd dir="auto" { (said.short) }
            dt { "Size" } dd { (format!("{:.1} KB", said.html.len() as f64 / 1024.0)) @if said.html.len() > 100 * 1024 { " " span.tag.bad { "Gmail cuts it off" } } }
        }
        // A document of its own without any rights: what a template makes runs nothing and reaches nothing.
        iframe.body class=(if dark { "dark" } else { "light" }) title="The mail" sandbox="" srcdoc=(shown_as(&said.html, dark)) {}
        details { summary { "As plain text" } pre { (said.text) } }
    }
}

/// A mail as it looks by day or by night, whatever the reader's own screen is set to: what it asks for is answered beforehand.
pub(super) fn shown_as(html: &str, dark: bool) -> String {
    let (night, day) = if dark { ("(min-width: 0)", "(max-width: 0)") } else { ("(max-width: 0)", "(min-width: 0)") };
    let html = html.replace("(prefers-color-scheme: dark)", night).replace("(prefers-color-scheme:dark)", night);
    html.replace("(prefers-color-scheme: light)", day).replace("(prefers-color-scheme:light)", day)
}

/// A page for the frame. Mails bring their styles within; nothing else is allowed in it.
fn framed(body: Markup) -> Response {
    let policy = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "The message" }
                link rel="stylesheet" href=(frame::style());
            }
            body.framed { div.main { (body) } }
        }
    };
    ([(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy))], page).into_response()
}

pub async fn test(
    State(state): State<AppState>,
    Path((_, notice, language)): Path<(String, String, String)>,
    session: Session,
    f: Fields,
) -> Result<Response, Failure> {
    let language = known(&notice, &language)?;
    let words = read(&f);
    let (mut wrongs, mut told) = (Vec::new(), None);
    match named(&state, &session, &f).await? {
        Err(text) => wrongs.push(("order".to_owned(), text.trim_end_matches('.').to_owned())),
        Ok(order) => {
            let client = outbound::client(state.config().limits.internal_targets)?;
            let asked = admin::Test {
                notice: &notice,
                language,
                order: order.as_deref(),
                words: Some(&words),
                channel: f.get("channel"),
                to: f.get("to"),
            };
            match admin::test(&state, &client, &session.store, &asked).await {
                Ok(outcome) => told = Some(tried(&outcome)),
                Err(e) => wrongs = errors(e)?,
            }
        }
    }
    let page = show(&state, &session, &notice, language, &words, &f, &wrongs, told.as_deref()).await?;
    Ok(if wrongs.is_empty() { page.into_response() } else { refused(page) })
}

pub async fn save(
    State(state): State<AppState>,
    Path((_, notice, language)): Path<(String, String, String)>,
    session: Session,
    f: Fields,
) -> Result<Response, Failure> {
    let language = known(&notice, &language)?;
    let words = read(&f);
    let kept = admin::put_words(&state, &session.store, &session.person.name, &notice, language, words.clone()).await;
    if let Err(e) = kept {
        let wrongs = errors(e)?;
        return Ok(refused(show(&state, &session, &notice, language, &words, &f, &wrongs, None).await?));
    }
    Ok(session.done(&format!("messages/words/{notice}/{language}"), "saved"))
}
