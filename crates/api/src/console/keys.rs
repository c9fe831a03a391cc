//! Keys and secrets, webhooks in and out: made, shown once, rotated, and how deliveries went.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use maud::{Markup, html};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Failure, Fields, Session,
    frame::{self, action, csrf, field, moment, refused, tick, wrong},
    sign_in::random,
};
use crate::{
    outbound,
    state::AppState,
    store::{
        audit,
        orders::Numbers,
        outbox::{self, KINDS},
        people::Role,
        search,
        stores::{self, Key, NewKey},
    },
};

/// Sources that sign their webhooks: name, who makes the secret, what it is called.
const SOURCES: [(&str, &str, &str); 9] = [
    ("shopify", "Shopify", "The app's client secret, or the one below Settings, Notifications, Webhooks"),
    ("woocommerce", "WooCommerce", "The secret of the webhook, as you write it there"),
    ("aftership", "AfterShip", "The webhook secret of its settings"),
    ("easypost", "EasyPost", "The webhook secret, as you write it there"),
    ("shippo", "Shippo", "The secret that is agreed with Shippo"),
    ("shipengine", "ShipEngine", "As you write it there"),
    ("17track", "17TRACK", "The security key of your account"),
    ("trackingmore", "TrackingMore", "The webhook secret of its settings"),
    ("standard", "Our own JSON (Standard Webhooks)", "whsec_ and base64; leave it empty and one is made"),
];

/// A secret that is shown once.
struct Once {
    about: String,
    secret: String,
}

pub async fn page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    show(&state, &session, &Fields::default(), &[], None).await
}

async fn show(
    state: &AppState,
    session: &Session,
    fields: &Fields,
    errors: &[String],
    once: Option<Once>,
) -> Result<Markup, Failure> {
    let store = session.store.clone();
    let (keys, seen) = state.db().read(move |db| Ok((stores::keys(db, &store)?, search::sources_heard(db, &store)?))).await?;
    let file = state.file().store(&session.store).cloned();
    let base = state.config().public_url.trim_end_matches('/').to_owned();
    let of = |kind: &str| keys.iter().filter(|k| k.kind == kind).collect::<Vec<_>>();
    let in_file =
        |n: usize| html! { @if n > 0 { li { span { (n) " in the configuration file" } span.hint { "changed there" } } } };
    let from_file: Vec<(String, usize)> =
        file.as_ref().map(|f| f.webhook_secrets.iter().map(|(s, list)| (s.clone(), list.len())).collect()).unwrap_or_default();
    let body = html! {
        h1 { "Keys and secrets" }
        (wrong(errors))
        @if let Some(once) = &once {
            div.once role="status" {
                p { strong { (once.about) } " It is shown this once: copy it now." }
                p.copy { code #secret { (once.secret) } button type="button" data-copy="#secret" hidden { "Copy" } }
            }
        }
        section {
            h2 { "Webhooks that come in" }
            p { "Point the store's and the carriers' webhooks at these addresses, and say here what they sign with. Several secrets may be valid at once: add the new one, change it there, then remove the old one." }
            ul.rows {
                @for k in of("webhook") { (row(session, k, &format!("{base}/v1/webhooks/{}/{}", session.store, k.source))) }
                @for (source, n) in &from_file { li { span { strong { (source) } br; span.hint { (format!("{base}/v1/webhooks/{}/{source}", session.store)) } } span.hint { (n) " in the configuration file" } } }
                @if of("webhook").is_empty() && from_file.is_empty() { li { span.hint { "None yet: nothing can come in." } } }
            }
            @if !seen.is_empty() { ul.plain { @for (source, at) in &seen { li.hint { "Last heard from " (source) ": " (moment(*at)) } } } }
            form.narrow method="post" action=(session.to("keys/webhook")) {
                (csrf(session))
                (field("Source", "source", fields.get("source")).choices(SOURCES.map(|s| (s.0, s.1))))
                (field("Its secret", "secret", "").complete("off").hint("As the source has it; where you leave it empty, one is made for you to copy there."))
                button type="submit" { "Add the secret" }
            }
            details { summary { "Where each source keeps it" } dl.facts { @for (_, name, hint) in SOURCES { dt { (name) } dd { (hint) } } } }
        }
        section {
            h2 { "Order tokens" }
            p { "The store's pages sign order tokens with this secret. The newest signs what is made here; all verify. Removing one makes the links invalid that it signed." }
            ul.rows { @for k in of("token") { (row(session, k, "")) } (in_file(file.as_ref().map_or(0, |f| f.token_secrets.len()))) }
            (action(session, &session.to("keys/token"), &[], "Make a new token secret", ""))
        }
        section {
            h2 { "Admin keys" }
            p { "For tools that speak to the admin routes: " code { "Authorization: Bearer …" } }
            ul.rows {
                @for k in of("admin") { (row(session, k, "")) }
                (in_file(file.as_ref().map_or(0, |f| f.admin_keys.len())))
                @if of("admin").is_empty() && file.is_none() { li { span.hint { "None." } } }
            }
            (action(session, &session.to("keys/admin"), &[], "Make a new admin key", ""))
        }
    };
    Ok(frame::page("Keys and secrets", session, body))
}

fn row(session: &Session, key: &Key, about: &str) -> Markup {
    html! {
        li {
            span {
                strong { @if key.source.is_empty() { "…" (key.hint) } @else { (key.source) " …" (key.hint) } }
                br;
                span.hint { @if !about.is_empty() { (about) br; } "made by " (key.made_by) ", " (moment(key.made_at)) }
            }
            (action(session, &session.to("keys/remove"), &[("key", &key.id.to_string())], "Remove", "danger"))
        }
    }
}

async fn add(
    state: &AppState,
    session: &Session,
    kind: &'static str,
    source: &str,
    kept: String,
    hint: String,
) -> Result<(), Failure> {
    let by = session.person.name.clone();
    let (store, now) = (session.store.clone(), state.now());
    let key = NewKey { kind, source: source.to_owned(), secret: kept, hint, by };
    state
        .db()
        .write(move |db| {
            stores::add_key(db, &store, &key, now)?;
            audit::record(db, &store, &key.by, "key.add", kind, &json!({"source": key.source, "ends_in": key.hint}))
        })
        .await?;
    state.reload_stores().await?;
    Ok(())
}

/// The last characters, where that is not half of it.
fn hint_of(secret: &str) -> String {
    let n = secret.chars().count();
    secret.chars().skip(n.saturating_sub(4)).filter(|_| n >= 12).collect()
}

pub async fn admin_key(State(state): State<AppState>, session: Session) -> Result<Response, Failure> {
    let key = format!("wha_{}", random()?);
    // Only its hash is kept: nobody can read it out again.
    add(&state, &session, "admin", "", hex::encode(Sha256::digest(&key)), hint_of(&key)).await?;
    let once = Once { about: "A new admin key.".into(), secret: key };
    Ok(show(&state, &session, &Fields::default(), &[], Some(once)).await?.into_response())
}

pub async fn token_secret(State(state): State<AppState>, session: Session) -> Result<Response, Failure> {
    let secret = random()?;
    add(&state, &session, "token", "", secret.clone(), hint_of(&secret)).await?;
    let once = Once { about: "A new token secret, for the store's theme.".into(), secret };
    Ok(show(&state, &session, &Fields::default(), &[], Some(once)).await?.into_response())
}

fn signing_secret() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("the system's random numbers: {e}"))?;
    Ok(format!("whsec_{}", BASE64.encode(bytes)))
}

pub async fn webhook_secret(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let source = fields.get("source");
    let given = fields.get("secret");
    let problem = if !SOURCES.iter().any(|s| s.0 == source) {
        Some("Choose a source.")
    } else if !given.is_empty() && (given.len() < 8 || given.len() > 500) {
        Some("A secret has 8 to 500 characters.")
    } else if source == "standard" && !given.is_empty() && tracking::signature::sign("standard", given, "", 0, b"").is_none() {
        Some("Write whsec_ and 24 to 64 bytes in base64, or leave it empty.")
    } else {
        None
    };
    if let Some(problem) = problem {
        return Ok(refused(show(&state, &session, &fields, &[problem.to_owned()], None).await?));
    }
    let made = given.is_empty();
    let secret = match (made, source) {
        (false, _) => given.to_owned(),
        (true, "standard") => signing_secret()?,
        (true, _) => random()?,
    };
    add(&state, &session, "webhook", source, secret.clone(), hint_of(&secret)).await?;
    if !made {
        return Ok(session.done("keys", "saved"));
    }
    let once = Once { about: format!("A new secret for {source}."), secret };
    Ok(show(&state, &session, &Fields::default(), &[], Some(once)).await?.into_response())
}

pub async fn remove(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let id: i64 = fields.get("key").parse().map_err(|_| Failure::none("key"))?;
    let store = session.store.clone();
    let key = state
        .db()
        .read(move |db| stores::keys(db, &store))
        .await?
        .into_iter()
        .find(|k| k.id == id)
        .ok_or_else(|| Failure::none("key"))?;
    let last = key.kind == "token" && state.config().store(&session.store).is_some_and(|s| s.token_secrets.len() < 2);
    if last {
        let text = "This is the only token secret: make a new one first, or no order page can be opened.".to_owned();
        return Ok(refused(show(&state, &session, &Fields::default(), &[text], None).await?));
    }
    let (store, by) = (session.store.clone(), session.person.name.clone());
    state
        .db()
        .write(move |db| {
            stores::remove_key(db, &store, id)?;
            audit::record(db, &store, &by, "key.remove", &key.kind, &json!({"source": key.source, "ends_in": key.hint}))
        })
        .await?;
    state.reload_stores().await?;
    Ok(session.done("keys", "removed"))
}

pub async fn webhooks(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Markup, Failure> {
    show_webhooks(&state, &session, &fields, &[], None).await
}

async fn show_webhooks(
    state: &AppState,
    session: &Session,
    fields: &Fields,
    errors: &[String],
    once: Option<Once>,
) -> Result<Markup, Failure> {
    let (store, dead) = (session.store.clone(), fields.get("show") == "failed");
    let found = state.db().read(move |db| {
        let log = outbox::list(db, &store, dead)?;
        let numbers = Numbers::of(db, &store, log.iter().filter_map(|d| d["order_id"].as_str()))?;
        Ok((stores::endpoints(db, &store)?, log, numbers))
    });
    let (endpoints, log, numbers) = found.await?;
    let config = state.config();
    let all = config.store(&session.store).map(|s| s.outbound.clone()).unwrap_or_default();
    let address = |hash: &str| {
        let found = all.iter().find(|o| outbox::Endpoint::of(&o.url, &[]).id == hash);
        found.map_or_else(|| "an address that was removed".to_owned(), |o| o.url.clone())
    };
    let owner = session.may(Role::Owner);
    let text = |v: &Value, key: &str| v[key].as_str().unwrap_or_default().to_owned();
    let at = |v: &Value, key: &str| v[key].as_str().and_then(promise::Instant::parse);
    let chosen = fields.all("events");
    let body = html! {
        h1 { "Webhooks" }
        p { "Told at each change, signed as Standard Webhooks say, retried for three days, never to an address inside." }
        (wrong(errors))
        @if let Some(once) = &once {
            div.once role="status" {
                p { strong { (once.about) } " It is shown this once: copy it now." }
                p.copy { code #secret { (once.secret) } button type="button" data-copy="#secret" hidden { "Copy" } }
            }
        }
        ul.rows {
            @for (id, url, events) in &endpoints {
                li {
                    span { strong { (url) } br; span.hint { @if events.is_empty() { "everything" } @else { (events.join(", ")) } } }
                    @if owner {
                        span.actions {
                            (action(session, &session.to("webhooks/rotate"), &[("endpoint", &id.to_string())], "New secret", ""))
                            (action(session, &session.to("webhooks/remove"), &[("endpoint", &id.to_string())], "Remove", "danger"))
                        }
                    }
                }
            }
            @for o in all.iter().filter(|o| endpoints.iter().all(|e| e.1 != o.url)) { li { span { strong { (o.url) } } span.hint { "in the configuration file" } } }
            @if all.is_empty() { li { span.hint { "None yet." } } }
        }
        @if owner {
            details open[!errors.is_empty()] {
                summary { "Add an address" }
                form.narrow method="post" action=(session.to("webhooks")) {
                    (csrf(session))
                    (field("Address", "url", fields.get("url")).kind("url").required().hint("https://…"))
                    fieldset {
                        legend { "Tell it of" }
                        p.hint { "None ticked: everything." }
                        div.ticks { @for kind in KINDS { (tick(kind, "events", kind, chosen.iter().any(|c| c == kind))) } }
                    }
                    button.main type="submit" { "Add it" }
                }
            }
        }
        section {
            h2 { "Deliveries" }
            p.actions {
                a href=(session.to("webhooks")) aria-current=[(!dead).then_some("true")] { "All" }
                a href=(session.to("webhooks?show=failed")) aria-current=[dead.then_some("true")] { "Given up" }
            }
            @if log.is_empty() { p { "None." } } @else {
                div.scroll tabindex="0" role="region" aria-label="Deliveries" {
                    table {
                        thead { tr { th scope="col" { "What" } th scope="col" { "Made" } th scope="col" { "To" } th scope="col" { "State" } th scope="col" { "Again" } } }
                        tbody {
                            @for d in log.iter().take(100) {
                                tr {
                                    td { (text(d, "kind")) br; a href=(super::orders::to(session, &text(d, "order_id"))) { (numbers.get(&text(d, "order_id"))) } }
                                    td { @if let Some(at) = at(d, "made_at") { (moment(at)) } }
                                    td { (address(&text(d, "endpoint"))) }
                                    td {
                                        @if let Some(at) = at(d, "sent_at") { span.tag.good { "delivered" } " " (moment(at)) }
                                        @else if let Some(at) = at(d, "due_at") { span.tag { "waiting" } " next try " (moment(at)) }
                                        @else { span.tag.bad { "given up" } }
                                        br;
                                        span.hint { (d["attempts"]) " tries" @if let Some(e) = d["error"].as_str() { ": " (e) } }
                                    }
                                    td { @if owner { (action(session, &session.to("webhooks/again"), &[("delivery", &text(d, "id"))], "Send again", "")) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    Ok(frame::page("Webhooks", session, body))
}

/// Adds an address with a secret of its own.
pub async fn add_webhook(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let url = fields.get("url").to_owned();
    let events = fields.all("events");
    let problem = match outbound::allowed(&url, state.config().limits.internal_targets) {
        Err(e) => Some(format!("Address: {e}.")),
        Ok(_) if url.len() > 1000 => Some("Address: at most 1000 characters.".into()),
        Ok(_) if events.iter().any(|e| !KINDS.contains(&e.as_str())) => Some("There is no such event.".into()),
        Ok(_) if state.config().store(&session.store).is_some_and(|s| s.outbound.iter().any(|o| o.url == url)) => {
            Some("This address is told already.".into())
        }
        Ok(_) => None,
    };
    if let Some(problem) = problem {
        return Ok(refused(show_webhooks(&state, &session, &fields, &[problem], None).await?));
    }
    keep_endpoint(&state, &session, url, events, "webhook.add").await
}

async fn keep_endpoint(
    state: &AppState,
    session: &Session,
    url: String,
    events: Vec<String>,
    what: &'static str,
) -> Result<Response, Failure> {
    let secret = signing_secret()?;
    let (store, by, kept, now) = (session.store.clone(), session.person.name.clone(), secret.clone(), state.now());
    let host = outbound::allowed(&url, true).ok().and_then(|u| u.host_str().map(str::to_owned)).unwrap_or_default();
    state
        .db()
        .write(move |db| {
            stores::put_endpoint(db, &store, &url, &kept, &events, now)?;
            // The address may hold a secret: only its host is written down.
            audit::record(db, &store, &by, what, &host, &json!({"events": events}))
        })
        .await?;
    state.reload_stores().await?;
    let once = Once { about: "The secret that it is signed with.".into(), secret };
    Ok(show_webhooks(state, session, &Fields::default(), &[], Some(once)).await?.into_response())
}

async fn endpoint(state: &AppState, session: &Session, fields: &Fields) -> Result<(i64, String, Vec<String>), Failure> {
    let (store, id) = (session.store.clone(), fields.get("endpoint").parse().unwrap_or(0));
    let all = state.db().read(move |db| stores::endpoints(db, &store)).await?;
    all.into_iter().find(|e| e.0 == id).ok_or_else(|| Failure::none("address"))
}

pub async fn rotate_webhook(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let (_, url, events) = endpoint(&state, &session, &fields).await?;
    keep_endpoint(&state, &session, url, events, "webhook.rotate").await
}

pub async fn remove_webhook(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let (id, url, _) = endpoint(&state, &session, &fields).await?;
    let host = outbound::allowed(&url, true).ok().and_then(|u| u.host_str().map(str::to_owned)).unwrap_or_default();
    let (store, by) = (session.store.clone(), session.person.name.clone());
    state
        .db()
        .write(move |db| {
            stores::remove_endpoint(db, &store, id)?;
            audit::record(db, &store, &by, "webhook.remove", &host, &json!({}))
        })
        .await?;
    state.reload_stores().await?;
    Ok(session.done("webhooks", "removed"))
}

pub async fn send_again(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let (store, by, id, now) =
        (session.store.clone(), session.person.name.clone(), fields.get("delivery").to_owned(), state.now());
    let done = state.db().write(move |db| {
        let found = outbox::again(db, &store, &id, now)?;
        if found {
            audit::record(db, &store, &by, "webhook.again", &id, &json!({}))?;
        }
        Ok(found)
    });
    if !done.await? {
        return Err(Failure::none("delivery"));
    }
    state.wake_outbound();
    Ok(session.done("webhooks", "sent-again"))
}
