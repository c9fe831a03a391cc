//! Shoppers' data: what platforms asked for on their behalf, a copy of it, and its erasure.

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{
    Failure, Fields, Session,
    frame::{self, action, csrf, field, refused, wrong},
};
use crate::{
    insight::looks,
    state::AppState,
    store::{
        audit, privacy,
        shoppers::{self, Shopper},
    },
};

fn topic_name(topic: &str) -> &str {
    match topic {
        "customers/data_request" => "A shopper wants a copy of their data",
        "customers/redact" => "A shopper was forgotten",
        other => other,
    }
}

pub async fn page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    show(&state, &session, &[], None).await
}

async fn show(state: &AppState, session: &Session, wrongs: &[String], told: Option<&str>) -> Result<Markup, Failure> {
    let store = session.store.clone();
    let requests = state.db().read(move |db| privacy::requests(db, &store)).await?;
    let body = html! {
        h1 { "Shoppers' data" }
        (wrong(wrongs))
        @if let Some(text) = told { p.said role="status" { (text) } }
        section {
            h2 { "Requests" }
            p { "What your store's platform passed on. A copy has to be handed over within a month as a rule; forgetting was done at once." }
            ul.rows {
                @for r in &requests {
                    @let (id, done) = (r["id"].as_i64().unwrap_or_default(), !r["done_at"].is_null());
                    @let topic = r["topic"].as_str().unwrap_or_default();
                    li {
                        span {
                            strong { (topic_name(topic)) } " "
                            @if done { span.tag.good { "done" } } @else { span.tag.warning { "open" } }
                            br;
                            span.hint { (r["received_at"].as_str().and_then(promise::Instant::parse).map(frame::moment).unwrap_or_default()) @for order in r["orders"].as_array().into_iter().flatten() { " · " (order.as_str().unwrap_or_default()) } }
                        }
                        @if topic == "customers/data_request" {
                            span.actions {
                                a.button href=(session.to(&format!("privacy/requests/{id}"))) download=(format!("request-{id}.json")) { "The data" }
                                @if !done { (action(session, &session.to("privacy/done"), &[("id", &id.to_string())], "It was handed over", "main")) }
                            }
                        }
                    }
                }
                @if requests.is_empty() { li { span.hint { "None." } } }
            }
        }
        section {
            h2 { "One shopper" }
            p { "By mail address, by order, or both. Figures stay, without the shopper; so does the window that was promised." }
            form.narrow method="post" action=(session.to("privacy/shopper")) {
                (csrf(session))
                (field("Mail address", "email", "").kind("email"))
                (field("Orders", "orders", "").hint("Numbers, with commas between."))
                div.actions {
                    button type="submit" name="do" value="export" { "Get a copy" }
                    button.danger type="submit" name="do" value="erase" data-confirm="Forget this shopper? It can't be undone." { "Forget them" }
                }
            }
        }
    };
    Ok(frame::page("Shoppers' data", session, body))
}

/// A file to hand over.
fn file(name: &str, value: &Value) -> Response {
    let head = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (head, serde_json::to_string_pretty(value).unwrap_or_default()).into_response()
}

pub async fn request(
    State(state): State<AppState>,
    Path((_, id)): Path<(String, i64)>,
    session: Session,
) -> Result<Response, Failure> {
    let (info, now) = (state.store_info(&session.store).ok_or_else(|| Failure::none("store"))?, state.now());
    let found = state.db().read(move |db| privacy::export(db, &info, id, now)).await?.ok_or_else(|| Failure::none("request"))?;
    let (store, by) = (session.store.clone(), session.person.name.clone());
    state.db().write(move |db| audit::record(db, &store, &by, "request.export", &id.to_string(), &json!({}))).await?;
    Ok(file(&format!("request-{id}.json"), &found))
}

pub async fn done(State(state): State<AppState>, session: Session, f: Fields) -> Result<Response, Failure> {
    let id: i64 = f.get("id").parse().map_err(|_| Failure::none("request"))?;
    let (store, by, now) = (session.store.clone(), session.person.name.clone(), state.now());
    let done = state.db().write(move |db| {
        let done = privacy::done(db, &store, id, now)?;
        if done {
            audit::record(db, &store, &by, "request.done", &id.to_string(), &json!({}))?;
        }
        Ok(done)
    });
    if !done.await? {
        return Err(Failure::none("request"));
    }
    Ok(session.done("privacy", "saved"))
}

pub async fn shopper(State(state): State<AppState>, session: Session, f: Fields) -> Result<Response, Failure> {
    let shopper = Shopper { email: f.some("email"), orders: f.list("orders") };
    if shopper == Shopper::default() {
        let wrong = ["Name somebody: by mail address, by order, or both.".to_owned()];
        return Ok(refused(show(&state, &session, &wrong, None).await?));
    }
    let info = state.store_info(&session.store).ok_or_else(|| Failure::none("store"))?;
    let (by, now) = (session.person.name.clone(), state.now());
    match f.get("do") {
        "export" => {
            looks::flush(&state).await?;
            let write = state.db().write(move |db| {
                let found = shoppers::export(db, &info, &shopper, now)?;
                let orders = found["orders"].as_array().map_or(0, Vec::len);
                audit::record(db, &info.id, &by, "shopper.export", "", &json!({"orders": orders}))?;
                Ok(found)
            });
            Ok(file("shopper.json", &write.await?))
        }
        "erase" => {
            let done = shoppers::erase(&state, info, shopper, by).await?;
            let told = format!("{} orders were forgotten, and {} events emptied.", done.orders, done.events);
            Ok(show(&state, &session, &[], Some(&told)).await?.into_response())
        }
        _ => Err(Failure::none("choice")),
    }
}
