//! Orders: found by anything, shown as the shopper sees them, with all that is behind it; corrected where the carrier is wrong.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use maud::{Markup, PreEscaped, html};
use promise::{
    Estimate, Instant,
    estimate::{DelayShown, Offer},
};
use rusqlite::{OptionalExtension, params};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tracking::{
    facts,
    status::{SUB_STATUSES, Status},
};
use view::{estimate::Ui, order::Reader};
use wire::OrderDocument;

use super::{
    Failure, Fields, Session,
    frame::{self, action, csrf, field, moment, refused, wrong},
    freshness,
    sign_in::random,
    time,
};
use crate::{
    ingest,
    state::AppState,
    store::{
        audit, orders,
        people::Role,
        search::{self, Found},
    },
    token,
    words::Words,
};

/// What staff write is an event of its own source, read like any other.
pub const SOURCE: &str = "console";
/// A link to the shopper's page is for looking at it now.
const LINK: i64 = 3600;

pub async fn page(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let info = state.store_info(&session.store).ok_or_else(|| Failure::none("store"))?;
    let asked = fields.get("q").chars().take(200).collect::<String>();
    let text = asked.clone();
    let list = state.db().read(move |db| search::find(db, &info, &text)).await?;
    if let ([only], false) = (list.as_slice(), asked.is_empty()) {
        return Ok(axum::response::Redirect::to(&to(&session, &only.id)).into_response());
    }
    let body = html! {
        h1 { "Orders" }
        form.actions method="get" role="search" {
            div.field.grow {
                label for="q" { "Find an order" }
                input #q name="q" type="search" value=(asked) aria-describedby="q-hint";
                p.hint #q-hint { "By number, email, tracking number, postal code, city, product, SKU, or the day it was placed (2026-11-24)." }
            }
            button.main type="submit" { "Find" }
        }
        @if asked.is_empty() { h2 { "Newest" } }
        @if list.is_empty() {
            @if asked.is_empty() { p { "No orders yet. They come in by the store's webhooks: see " a href=(session.to("keys")) { "keys and webhooks" } "." } }
            @else { p role="status" { "No order fits “" (asked) "”. Emails must be whole; other words may be beginnings." } }
        } @else {
            (table(&session, &list))
            @if list.len() >= search::MOST { p.hint { "The first " (search::MOST) " are shown." } }
        }
    };
    Ok(frame::page("Orders", &session, body).into_response())
}

pub(super) fn table(session: &Session, list: &[Found]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Orders" {
            table {
                thead { tr { th scope="col" { "Order" } th scope="col" { "Placed" } th scope="col" { "To" } th scope="col" { "Items" } th scope="col" { "Status" } } }
                tbody {
                    @for o in list {
                        tr {
                            td { a href=(to(session, &o.id)) { (if o.number.is_empty() { &o.id } else { &o.number }) } }
                            td { @if let Some(at) = Instant::parse(&o.placed_at) { (moment(at)) } @else { (o.placed_at) } }
                            td { (o.place) }
                            td { (o.items) }
                            td { (status_tag(&o.status)) }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn to(session: &Session, id: &str) -> String {
    session.to(&format!("orders/{}", escaped(id)))
}

/// As one segment of a path.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'~') {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

fn status_tag(status: &str) -> Markup {
    let kind = match status {
        "delivered" => "tag good",
        "exception" | "returned" | "expired" => "tag bad",
        "attempt_failed" | "available_for_pickup" => "tag warning",
        _ => "tag",
    };
    html! { @if !status.is_empty() { span class=(kind) { (status.replace('_', " ")) } } }
}

/// All that is known of an order.
struct Known {
    facts: Option<facts::Order>,
    document: Option<OrderDocument>,
    promises: Vec<Promised>,
    events: Vec<Event>,
    parcels: Vec<freshness::Parcel>,
}

/// A record of the ledger.
struct Promised {
    made_at: Instant,
    recorded_at: Instant,
    version: i64,
    method: String,
    window: Option<(String, String)>,
    confidence: i64,
    request: Value,
    offer: Offer,
    shown: Option<String>,
    language: Option<String>,
    learned: i64,
    delays: Vec<DelayShown>,
}

struct Event {
    id: i64,
    source: String,
    topic: String,
    at: Instant,
    state: i64,
}

async fn known(state: &AppState, store: &str, id: &str) -> Result<Known, Failure> {
    let (store, id) = (store.to_owned(), id.to_owned());
    let found = state.db().read(move |db| {
        let key = params![store, id];
        let facts: Option<String> = db.query_row("select facts from orders where store = ?1 and id = ?2", key, |r| r.get(0)).optional()?;
        let mut rows = db.prepare_cached(
            "select made_at, recorded_at, policy_version, method, window_from, window_to, confidence, request, offer, shown, language,
                    learned_version, delays
             from promises where store = ?1 and order_id = ?2 order by seq desc",
        )?;
        let promises = rows
            .query_map(key, |r| {
                let (from, to): (Option<String>, Option<String>) = (r.get(4)?, r.get(5)?);
                Ok(Promised {
                    made_at: Instant(r.get(0)?),
                    recorded_at: Instant(r.get(1)?),
                    version: r.get(2)?,
                    method: r.get(3)?,
                    window: from.zip(to),
                    confidence: r.get(6)?,
                    request: serde_json::from_str(&r.get::<_, String>(7)?).unwrap_or_default(),
                    offer: serde_json::from_str(&r.get::<_, String>(8)?).unwrap_or_default(),
                    shown: r.get(9)?,
                    language: r.get(10)?,
                    learned: r.get(11)?,
                    delays: serde_json::from_str(&r.get::<_, String>(12)?).unwrap_or_default(),
                })
            })?
            .collect::<Result<_, _>>()?;
        let mut rows = db.prepare_cached(
            "select id, source, coalesce(topic, ''), received_at, state from events where id in (
                select event from event_subjects where store = ?1 and kind = 'order' and id = ?2
                union select event from event_subjects where store = ?1 and kind = 'parcel'
                    and id in (select tracking_number from parcels where store = ?1 and order_id = ?2))
             order by id desc limit 500",
        )?;
        let events = rows
            .query_map(key, |r| {
                Ok(Event { id: r.get(0)?, source: r.get(1)?, topic: r.get(2)?, at: Instant(r.get(3)?), state: r.get(4)? })
            })?
            .collect::<Result<_, _>>()?;
        Ok(Known {
            facts: facts.map(|f| serde_json::from_str(&f)).transpose()?,
            document: orders::document(db, &store, &id)?,
            promises,
            events,
            parcels: freshness::of(db, &store, &id)?,
        })
    });
    Ok(found.await?)
}

pub async fn one(
    State(state): State<AppState>,
    Path((_, id)): Path<(String, String)>,
    session: Session,
) -> Result<Markup, Failure> {
    show(&state, &session, &id, &Fields::default(), &[]).await
}

async fn show(state: &AppState, session: &Session, id: &str, fields: &Fields, errors: &[String]) -> Result<Markup, Failure> {
    let known = known(state, &session.store, id).await?;
    let Some(order) = &known.facts else { return Err(Failure::none("order")) };
    let (now, words) = (state.now(), Words::of(["en"]));
    let drawn = known.document.as_ref().map(|d| view::node::html(&view::order::order(d, Reader { now, offset: None }, &words)));
    let config = state.config();
    let secret = config.store(&session.store).and_then(|s| s.token_secrets.first());
    let link = secret.map(|s| format!("/track/{}", token::mint(&session.store, id, now.0 + LINK, s.expose_secret())));
    let to = &order.destination;
    let place =
        [&to.city, &to.region, &to.postal_code, &to.country].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    let number = if order.number.is_empty() { id } else { &order.number };
    let support = session.may(Role::Support);
    let body = html! {
        p { a href=(session.to("orders")) { "Orders" } }
        h1 { "Order " (number) }
        (wrong(errors))
        div.sides {
            div.main {
                h2 { "What the shopper sees" }
                @match &drawn {
                    Some(drawn) => div.widget { (PreEscaped(drawn)) },
                    None => p { "Nothing yet: the order is being read." },
                }
                @if let Some(link) = &link { p { a href=(link) target="_blank" rel="noopener noreferrer" { "Open the shopper's page" } } }
            }
            div.aside {
                h2 { "The order" }
                dl.facts {
                    dt { "Id" } dd { (id) }
                    dt { "Placed" } dd { @if let Some(at) = Instant::parse(&order.placed_at) { (moment(at)) } @else { (order.placed_at) } }
                    dt { "To" } dd { (place) }
                    @if let Some(method) = &order.shipping_method { dt { "Method" } dd { (method) } }
                    @if let Some(paid) = &order.financial_status { dt { "Payment" } dd { (paid) } }
                    @if let Some(language) = &order.language { dt { "Language" } dd { (language) } }
                    dt { "Items" }
                    dd { ul.plain { @for l in &order.lines { li { (l.quantity) " × " (l.title) @if let Some(v) = &l.variant { ", " (v) } " " span.hint { (l.sku) } } } } }
                    @if !order.tags.is_empty() { dt { "Tags" } dd { (order.tags.join(", ")) } }
                }
            }
        }
        (freshness::section(&known.parcels, now))
        (why(&known.promises, &words, now))
        @if support { (correct(session, id, &known, fields)) }
        section {
            h2 { "Events" }
            p.hint { "All that stores, carriers and staff have said about it, as it came in." }
            ul.rows {
                @for e in &known.events {
                    li {
                        span {
                            @if support { a href=(session.to(&format!("events/{}", e.id))) { (e.source) " " (e.topic) } } @else { (e.source) " " (e.topic) }
                            @match e.state { 2 => { " " span.tag.bad { "set aside" } } 3 => { " " span.tag { "taken back or redacted" } } _ => {} }
                            br;
                            span.hint { (moment(e.at)) }
                        }
                        @if support && e.source == SOURCE && e.state != 3 {
                            (action(session, &session.to("orders/take-back"), &[("order", id), ("event", &e.id.to_string())], "Take back", "danger"))
                        }
                    }
                }
            }
        }
    };
    Ok(frame::page(&format!("Order {number}"), session, body))
}

/// What was promised, and what led to it.
fn why(promises: &[Promised], words: &Words, now: Instant) -> Markup {
    html! {
        section {
            h2 { "Why this date" }
            @if promises.is_empty() { p { "No promise is on record: no policy was published when the order was placed, or it names no shipping method that the policy knows." } }
            @for (n, p) in promises.iter().enumerate() {
                @if n == 1 { h3 { "Earlier records" } }
                dl.facts {
                    dt { "Promised" } dd { @match &p.window { Some((from, to)) => { (from) " to " (to) } None => "no date could be promised" } }
                    dt { "Confidence" } dd { (p.confidence) " %" }
                    dt { "Made" } dd { (moment(p.made_at)) ", recorded " (moment(p.recorded_at)) }
                    dt { "From" } dd { "policy version " (p.version) @if p.learned > 0 { ", with what deliveries taught (version " (p.learned) ")" } ", " (p.method) " from " (p.offer.origin) " by " (p.offer.service) }
                    @if !p.delays.is_empty() { dt { "Known delays" } dd { (p.delays.iter().map(told).collect::<Vec<_>>().join("; ")) } }
                    @if let Some(shown) = &p.shown { dt { "The page showed" } dd { (shown) @if let Some(l) = &p.language { " (" (l) ")" } } }
                }
                @if n == 0 { div.widget { (PreEscaped(steps(p, words, now))) } }
                details { summary { "The data it was made from" } pre tabindex="0" { (serde_json::to_string_pretty(&json!({"request": p.request, "offer": p.offer})).unwrap_or_default()) } }
            }
        }
    }
}

/// A delay as it was announced, with its id.
fn told(d: &DelayShown) -> String {
    let own = d.message.iter().find(|m| m.0 == "en").or_else(|| d.message.first());
    format!("{} ({})", own.map_or(d.reason.as_str(), |m| m.1.as_str()), d.id)
}

/// The recorded offer, as the product page would have shown it.
fn steps(p: &Promised, words: &Words, now: Instant) -> String {
    let estimate = Estimate {
        options: vec![p.offer.clone()],
        precision: "postal_code".into(),
        style: "range".into(),
        ..Estimate::default()
    };
    let ui = Ui { surface: "product".into(), ..Ui { still: true, ..Ui::default() } };
    view::node::html(&view::estimate::estimate(&estimate, &ui, now, words))
}

const STATUSES: [(&str, &str); 8] = [
    ("in_transit", "On its way"),
    ("out_for_delivery", "Out for delivery"),
    ("available_for_pickup", "Ready to collect"),
    ("attempt_failed", "They missed the shopper"),
    ("delivered", "Delivered"),
    ("exception", "Something is wrong"),
    ("info_received", "Label made, carrier has not got it"),
    ("expired", "No news expected any more"),
];

fn correct(session: &Session, id: &str, known: &Known, fields: &Fields) -> Markup {
    let parcels: Vec<(String, String)> = known
        .document
        .iter()
        .flat_map(|d| &d.shipments)
        .map(|s| (s.tracking_number.clone(), format!("{} {}", s.carrier_name, s.tracking_number)))
        .collect();
    let subs = std::iter::once((String::new(), "Nothing more exact".to_owned()))
        .chain(SUB_STATUSES.iter().map(|s| ((*s).to_owned(), s.replace('_', " "))));
    html! {
        section {
            h2 { "Correct it" }
            @if parcels.is_empty() { p { "There is no parcel yet whose state could be corrected." } } @else {
                p { "Says what you know and the carrier does not, as a scan of its own. It is on record who wrote it, and it can be taken back." }
                details open[fields.has("parcel")] {
                    summary { "Write a scan" }
                    form.narrow method="post" action=(to(session, id)) {
                        (csrf(session))
                        (field("Parcel", "parcel", fields.get("parcel")).choices(parcels))
                        (field("State", "status", fields.get("status")).choices(STATUSES))
                        (field("More exactly", "sub_status", fields.get("sub_status")).choices(subs))
                        (field("When", "at", fields.get("at")).kind("datetime-local").hint("In the store's time, as all times here. Empty: now."))
                        (field("Where", "location", fields.get("location")).hint("City, region, country."))
                        (field("Words", "message", fields.get("message")).hint("The shopper reads them, as a quotation."))
                        button.main type="submit" { "Add it" }
                    }
                }
            }
        }
    }
}

pub async fn save(
    State(state): State<AppState>,
    Path((_, id)): Path<(String, String)>,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    let known = known(&state, &session.store, &id).await?;
    if known.facts.is_none() {
        return Err(Failure::none("order"));
    }
    let mut errors = Vec::new();
    let parcel = known.document.iter().flat_map(|d| &d.shipments).find(|s| s.tracking_number == fields.get("parcel"));
    if parcel.is_none() {
        errors.push("Choose one of the order's parcels.".to_owned());
    }
    let status = Status::from_word(fields.get("status")).filter(|_| STATUSES.iter().any(|s| s.0 == fields.get("status")));
    if status.is_none() {
        errors.push("Choose a state.".to_owned());
    }
    let sub = fields.some("sub_status");
    if sub.as_deref().is_some_and(|s| !SUB_STATUSES.contains(&s)) {
        errors.push("There is no such more exact state.".to_owned());
    }
    let now = state.now();
    let at = match fields.get("at") {
        "" => Some(now),
        text => time::instant(text, time::zone().unwrap_or(chrono_tz::UTC)),
    };
    match at {
        None => errors.push("When: this moment can't be read, or the clocks skipped it.".to_owned()),
        Some(at) if at.0 > now.0 + 300 => errors.push("When: this is in the future.".to_owned()),
        _ => {}
    }
    if fields.get("message").chars().count() > 200 || fields.get("location").chars().count() > 100 {
        errors.push("Words of at most 200 characters, a place of at most 100.".to_owned());
    }
    let (Some(parcel), Some(status), Some(at), true) = (parcel, status, at, errors.is_empty()) else {
        return Ok(refused(show(&state, &session, &id, &fields, &errors).await?));
    };
    let scan = json!({"time": at, "status": status, "sub_status": sub, "message": fields.some("message"), "location": fields.some("location")});
    let body = json!({"shipments": [{"carrier": parcel.carrier, "tracking_number": parcel.tracking_number, "status": status, "checkpoints": [scan], "order_id": id}]});
    let (bytes, event_id) = (serde_json::to_vec(&body).map_err(anyhow::Error::from)?, random()?);
    let (store, by, number) = (session.store.clone(), session.person.name.clone(), parcel.tracking_number.clone());
    state
        .db()
        .write(move |db| {
            ingest::append(db, &store, SOURCE, Some("correction"), &event_id, now.0, &bytes)?;
            audit::record(db, &store, &by, "order.correct", &id, &json!({"parcel": number, "status": status.as_str()}))
        })
        .await?;
    state.wake();
    Ok(axum::response::Redirect::to(&format!("{}?said=corrected", to(&session, known.facts.as_ref().map_or("", |o| &o.id))))
        .into_response())
}

/// Takes a correction back: what it said is forgotten, that it was there is not.
pub async fn take_back(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let event: i64 = fields.get("event").parse().map_err(|_| Failure::none("correction"))?;
    let info = state.store_info(&session.store).ok_or_else(|| Failure::none("store"))?;
    let (order, by, now) = (fields.get("order").to_owned(), session.person.name.clone(), state.now());
    let id = order.clone();
    let done = state.db().write(move |db| {
        let sql = "select body from events where store = ?1 and id = ?2 and source = ?3 and state <> 3";
        let body: Option<Vec<u8>> = db.query_row(sql, params![info.id, event, SOURCE], |r| r.get(0)).optional()?;
        let Some(body) = body else { return Ok(None) };
        let read = tracking::source::read(SOURCE, None, &body)?;
        for part in &read.shipments {
            let hash = hex::encode(Sha256::digest(serde_json::to_string(part)?));
            let gone = "delete from parcel_parts where store = ?1 and tracking_number = ?2 and hash = ?3";
            db.execute(gone, params![info.id, part.tracking_number, hash])?;
        }
        // As redacted events are: never read again.
        db.execute("update events set state = 3, body = x'' where id = ?1", [event])?;
        audit::record(db, &info.id, &by, "order.take_back", &id, &json!({"event": event}))?;
        Ok(Some(orders::rebuild(db, &info, &id, now)?))
    });
    match done.await? {
        None => Err(Failure::none("correction")),
        Some(version) => {
            if let Some(version) = version {
                state.changed(&session.store, &order, version);
            }
            Ok(axum::response::Redirect::to(&format!("{}?said=taken-back", to(&session, &order))).into_response())
        }
    }
}
