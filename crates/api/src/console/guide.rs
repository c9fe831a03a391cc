//! The first-run guide: from an empty store to a widget that is seen on its pages.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use promise::Instant;
use serde_json::json;

use super::{
    Failure, Fields, Session,
    frame::{self, csrf, field, moment, refused, tick, wrong},
    policy::{self, method::minor, origin::WEEK},
    starter::{self, Answers, COUNTRIES},
    stores::described,
};
use crate::{
    outbound,
    state::AppState,
    store::{
        audit, drafts,
        people::Role,
        stores::{self, NewStore},
    },
};

/// Seen within this time is seen now.
const NOW: i64 = 600;
/// As much of a page is looked at.
const PAGE: usize = 2 * 1024 * 1024;

/// How far the store is.
pub struct Progress {
    pub policy: bool,
    pub draft: bool,
    pub webhook: bool,
    pub seen: Vec<(String, Instant)>,
}

impl Progress {
    pub fn done(&self) -> bool {
        self.policy && self.webhook && !self.seen.is_empty()
    }
}

pub async fn progress(state: &AppState, store: &str) -> Result<Progress, Failure> {
    let id = store.to_owned();
    let webhook = state.config().store(store).is_some_and(|s| !s.webhook_secrets.is_empty());
    let found = state.db().read(move |db| {
        Ok(Progress {
            policy: drafts::newest(db, &id)?.is_some(),
            draft: drafts::get(db, &id)?.is_draft(),
            webhook,
            seen: stores::seen(db, &id)?,
        })
    });
    Ok(found.await?)
}

pub async fn page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    show(&state, &session, &Fields::default(), &[], None).await
}

fn step(done: bool, n: u8, title: &str, body: Markup) -> Markup {
    html! {
        li.done[done] {
            h2 { (n) ". " (title) " " @if done { span.tag.good { "done" } } }
            (body)
        }
    }
}

/// What stands in the theme.
fn snippet(base: &str, store: &str) -> String {
    format!(
        "<script async src=\"{base}/embed.js\" data-store=\"{store}\"></script>\n\n<!-- where the date shall stand, on a product page -->\n\
         <whereabouts-estimate sku=\"…\" surface=\"product\">Usually arrives in 3 to 6 days</whereabouts-estimate>\n\n\
         <!-- on the order page -->\n<whereabouts-order token=\"…\">Your order is on its way</whereabouts-order>"
    )
}

async fn show(
    state: &AppState,
    session: &Session,
    fields: &Fields,
    errors: &[String],
    checked: Option<&Checked>,
) -> Result<Markup, Failure> {
    let progress = progress(state, &session.store).await?;
    let config = state.config();
    let Some(store) = config.store(&session.store) else { return Err(Failure::none("store")) };
    let in_file = state.file().store(&session.store).is_some();
    let owner = session.may(Role::Owner);
    let or = |name: &str, value: Option<&str>| fields.some(name).unwrap_or_else(|| value.unwrap_or_default().to_owned());
    let body = html! {
        h1 { "Getting started" }
        (wrong(errors))
        ol.steps {
            (step(true, 1, "The store", html! {
                p { (store.name) @if let Some(url) = &store.url { ", " (url) } }
                @if in_file { p.hint { "It stands in the configuration file, and is changed there." } } @else if owner {
                    details open[fields.has("url")] {
                        summary { "Change" }
                        form.narrow method="post" action=(session.to("guide/store")) {
                            (csrf(session))
                            (field("Name", "name", or("name", Some(&store.name))).required())
                            (field("Address", "url", or("url", store.url.as_deref())).kind("url"))
                            (field("Help page", "support_url", or("support_url", store.support_url.as_deref())).kind("url"))
                            button type="submit" { "Save" }
                        }
                    }
                }
            }))
            (step(progress.policy, 2, "How you ship", html! {
                @if progress.policy {
                    p { "A policy is published. " a href=(session.to("policy")) { "Look at it, or change it" } "." }
                } @else if progress.draft && !fields.has("country") {
                    p { "A draft is ready. " a.button.main href=(session.to("policy")) { "Look at it and publish" } }
                } @else if owner { (starter_form(session, fields)) }
            }))
            (step(progress.webhook, 3, "Orders come in", html! {
                p { "The store and the carriers tell us of orders and parcels by webhooks. " a href=(session.to("keys")) { "Add what they sign with" } "." }
            }))
            (step(!progress.seen.is_empty(), 4, "The widget in your store", html! {
                p { "Put this into the theme:" }
                pre #snippet tabindex="0" { (snippet(config.public_url.trim_end_matches('/'), &session.store)) }
                p.copy { button type="button" data-copy="#snippet" hidden { "Copy" } }
                div aria-live="polite" data-poll=(session.to("guide/seen")) { (seen(&progress, state.now())) }
                @if store.url.is_some() && session.may(Role::Support) {
                    form.inline method="post" action=(session.to("guide/check")) { (csrf(session)) button type="submit" { "Look at the store's page" } }
                }
                @if let Some(checked) = checked { (checked.told()) }
            }))
        }
    };
    Ok(frame::page("Getting started", session, body))
}

fn starter_form(session: &Session, fields: &Fields) -> Markup {
    let or = |name: &str, value: &str| if fields.has("country") { fields.get(name).to_owned() } else { value.to_owned() };
    let ticked = |day: &str| {
        if fields.has("country") { fields.all("days").iter().any(|d| d == day) } else { !matches!(day, "sat" | "sun") }
    };
    html! {
        form.narrow method="post" action=(session.to("guide/policy")) {
            (csrf(session))
            div.pair {
                (field("Parcels leave from", "origin", or("origin", "")).required().hint("A name, such as the city."))
                (field("Country", "country", or("country", "US")).choices(COUNTRIES.iter().map(|c| (c.code, c.name))))
            }
            (field("Time zone", "time_zone", or("time_zone", "")).list("zones").hint("Empty: the country's usual one."))
            (policy::origin::zones())
            (field("Orders until", "cutoff", or("cutoff", "14:00")).kind("time").required().hint("are handled the same day."))
            fieldset { legend { "On" } div.ticks { @for (day, name) in WEEK { (tick(name, "days", day, ticked(day))) } } }
            div.pair {
                (field("Handling takes at least, working days", "handling_min", or("handling_min", "0")).kind("number"))
                (field("At most", "handling_max", or("handling_max", "1")).kind("number"))
            }
            (field("Carrier's service", "service", or("service", "")).hint("Such as UPS Ground. Empty: the country's usual one."))
            (field("Shipping costs", "price", or("price", "0")).hint("In the country's currency; 0 is free."))
            (tick("We also ship abroad", "abroad", "yes", fields.has("abroad")))
            (field("Shipping abroad costs", "price_abroad", or("price_abroad", "0")))
            button.main type="submit" { "Make a draft" }
        }
    }
}

pub async fn starter_policy(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let mut errors = Vec::new();
    let country = fields.get("country").to_owned();
    let currency = starter::currency(&country);
    let mut price = |name: &str, what: &str| {
        minor(&fields.some(name).unwrap_or_else(|| "0".into()), currency).unwrap_or_else(|| {
            errors.push(format!("{what}: write an amount, such as 4.95."));
            0
        })
    };
    let (price_home, price_abroad) = (price("price", "Shipping costs"), price("price_abroad", "Shipping abroad costs"));
    let mut days = |name: &str| {
        fields.some(name).unwrap_or_else(|| "0".into()).parse::<u16>().ok().filter(|n| *n <= 60).unwrap_or_else(|| {
            errors.push("Handling: write a number of working days, at most 60.".into());
            0
        })
    };
    let handling = (days("handling_min"), days("handling_max"));
    let answers = Answers {
        origin: fields.some("origin").unwrap_or_default(),
        country,
        time_zone: fields.get("time_zone").to_owned(),
        cutoff: fields.get("cutoff").chars().take(5).collect(),
        days: fields.all("days"),
        handling,
        service: fields.get("service").to_owned(),
        abroad: fields.has("abroad"),
        price: price_home,
        price_abroad,
    };
    if answers.origin.is_empty() {
        errors.push("Parcels leave from: write a name.".into());
    }
    let made = starter::policy(&answers);
    match &made {
        None => errors.push("Choose a country.".into()),
        Some(p) => errors.extend(
            p.validate()
                .into_iter()
                .map(|i| format!("{}: {}.", i.field.rsplit('.').next().unwrap_or_default().replace('_', " "), i.message)),
        ),
    }
    let (Some(made), true) = (made, errors.is_empty()) else {
        return Ok(refused(show(&state, &session, &fields, &errors, None).await?));
    };
    let began = policy::draft(&state, &session.store).await?.revision;
    if !policy::keep(&state, &session, made, began).await? {
        return Ok(session.done("guide", "changed-meanwhile"));
    }
    Ok(session.done("policy", "drafted"))
}

pub async fn describe(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    if state.file().store(&session.store).is_some() {
        return Err(Failure::none("store that is changed here"));
    }
    let (store, errors) = described(&fields);
    if !errors.is_empty() {
        let texts: Vec<String> = errors.into_iter().map(|e| e.1).collect();
        return Ok(refused(show(&state, &session, &fields, &texts, None).await?));
    }
    let store = NewStore { id: session.store.clone(), ..store };
    let by = session.person.name.clone();
    state
        .db()
        .write(move |db| {
            stores::describe(db, &store)?;
            audit::record(db, &store.id, &by, "store.describe", "", &json!({"name": store.name, "url": store.url}))
        })
        .await?;
    state.reload_stores().await?;
    // Order documents name the store.
    crate::routes::admin::changed(&state, &session.store).await?;
    Ok(session.done("guide", "saved"))
}

fn seen(progress: &Progress, now: Instant) -> Markup {
    html! {
        @match progress.seen.first() {
            None => p.hint { "Waiting for the widget to be seen. Open a page of the store that holds it." },
            Some((origin, at)) => {
                p data-done[now.0 - at.0 < NOW] { span.tag.good { "seen" } " on " strong { (origin) } ", last " (moment(*at)) }
                @if progress.seen.len() > 1 {
                    p.hint { "And on " @for (origin, _) in progress.seen.iter().skip(1).take(5) { (origin) " " } }
                }
            }
        }
    }
}

pub async fn seen_fragment(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    Ok(seen(&progress(&state, &session.store).await?, state.now()))
}

/// What a look at the store's page found.
#[derive(Debug, PartialEq, Eq)]
enum Checked {
    Unreachable(String),
    NoScript,
    OtherStore,
    Found { elements: usize },
}

impl Checked {
    fn told(&self) -> Markup {
        html! {
            div.note role="status" {
                @match self {
                    Checked::Unreachable(why) => p { "The page could not be looked at: " (why) "." },
                    Checked::NoScript => p { "The page was found, but the script tag is not in it. Is the theme saved and published?" },
                    Checked::OtherStore => p { "The script tag is there, with another store's key. Compare " code { "data-store" } "." },
                    Checked::Found { elements: 0 } => p { "The script tag is on the page. No " code { "whereabouts-estimate" } " stands there yet; on product pages it may." },
                    Checked::Found { elements } => p { "The script tag is on the page, with " (elements) " places for the widget." },
                }
            }
        }
    }
}

/// What stands in a page, as far as its text tells.
fn read_page(html: &str, store: &str) -> Checked {
    let scripts: Vec<&str> =
        html.split("<script").skip(1).filter_map(|s| s.split('>').next()).filter(|s| s.contains("embed.js")).collect();
    let named = |s: &&str| {
        ["\"", "'"].iter().any(|q| s.contains(&format!("data-store={q}{store}{q}")))
            || s.split_whitespace().any(|w| w == format!("data-store={store}"))
    };
    if scripts.iter().any(named) {
        Checked::Found { elements: html.matches("<whereabouts-").count() }
    } else if scripts.iter().any(|s| s.contains("data-store")) {
        Checked::OtherStore
    } else {
        Checked::NoScript
    }
}

/// Fetches a page of the store's, never from inside: each address is looked at before it is asked.
async fn look_at(state: &AppState, url: &str, store: &str) -> Checked {
    let internal = state.config().limits.internal_targets;
    let found = async {
        let client = outbound::client(internal).map_err(|e| e.to_string())?;
        let mut url = outbound::allowed(url, internal)?;
        for _ in 0..5 {
            let answer = client.get(url.clone()).header("accept", "text/html").send().await;
            let mut answer = answer.map_err(|e| format!("{:#}", anyhow::Error::from(e.without_url())))?;
            if answer.status().is_redirection() {
                let to = answer.headers().get("location").and_then(|v| v.to_str().ok()).ok_or("it leads nowhere")?;
                url = outbound::allowed(url.join(to).map_err(|e| e.to_string())?.as_str(), internal)?;
                continue;
            }
            if !answer.status().is_success() {
                return Err(format!("it answered {}", answer.status()));
            }
            let mut bytes = Vec::new();
            while let Some(part) = answer.chunk().await.map_err(|e| e.without_url().to_string())? {
                bytes.extend_from_slice(&part);
                if bytes.len() > PAGE {
                    break;
                }
            }
            return Ok(read_page(&String::from_utf8_lossy(&bytes), store));
        }
        Err("it leads from one address to the next without end".to_owned())
    };
    found.await.unwrap_or_else(Checked::Unreachable)
}

pub async fn check(State(state): State<AppState>, session: Session) -> Result<Response, Failure> {
    let Some(url) = state.config().store(&session.store).and_then(|s| s.url.clone()) else {
        return Err(Failure::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, "The store has no address yet."));
    };
    let checked = look_at(&state, &url, &session.store).await;
    Ok(show(&state, &session, &Fields::default(), &[], Some(&checked)).await?.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_tells_whether_the_widget_is_in_it() {
        let found = |elements| Checked::Found { elements };
        for (html, checked) in [
            ("<script async src=\"https://w.example/embed.js\" data-store=\"tea\"></script><whereabouts-estimate>", found(1)),
            ("<script data-store='tea' src='/embed.js'>", found(0)),
            ("<script data-store=tea src=/embed.js>", found(0)),
            ("<script src=\"/embed.js\" data-store=\"teapot\">", Checked::OtherStore),
            ("<script src=\"/other.js\" data-store=\"tea\">", Checked::NoScript),
            ("", Checked::NoScript),
        ] {
            assert_eq!(read_page(html, "tea"), checked, "{html}");
        }
    }
}
