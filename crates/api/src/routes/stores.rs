//! `/v1/stores/{store}/…`: the promise document, and the estimate computed from it by the server.

use axum::{
    Json,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use promise::{
    Day, Estimate, Request,
    estimate::{Destination, Line},
};
use view::estimate::Ui;

use super::assets::takes;
use crate::{problem::Problem, state::AppState};

const MOST_LINES: usize = 100;

#[utoipa::path(get, path = "/v1/stores/{store}/promise.json", tag = "store", params(("store" = String, Path, description = "The store's public id")),
    responses((status = 200, description = "The promise document: opaque to all but the estimator", body = Object), (status = 304, description = "Unchanged"), (status = 404, description = "No such store, or no policy", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn promise(State(state): State<AppState>, Path(store): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let published = published(&state, &store).await?;
    if let Some(origin) = headers.get(header::ORIGIN).and_then(|v| v.to_str().ok()) {
        state.saw(&store, origin);
    }
    let (encoding, body) = if takes(&headers, "br") {
        ("br", &published.brotli)
    } else if takes(&headers, "gzip") {
        ("gzip", &published.gzip)
    } else {
        ("", &published.json)
    };
    // Each form is another representation, hence another strong tag.
    let etag = format!("\"{}{}{encoding}\"", published.etag, if encoding.is_empty() { "" } else { "-" });
    let cache = [
        (header::ETAG, HeaderValue::from_str(&etag).unwrap_or(HeaderValue::from_static("\"\""))),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300, stale-while-revalidate=86400")),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    if unchanged(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, cache).into_response());
    }
    let mut answer = (cache, [(header::CONTENT_TYPE, "application/json")], body.clone()).into_response();
    if !encoding.is_empty() {
        answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Ok(answer)
}

/// Does `If-None-Match` name this ETag?
pub fn unchanged(headers: &HeaderMap, etag: &str) -> bool {
    let given = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok());
    given.flat_map(|v| v.split(',')).any(|tag| matches!(tag.trim(), "*") || tag.trim().trim_start_matches("W/") == etag)
}

/// The estimate with its sentence: what the widget would say, for where it can't run.
#[derive(serde::Serialize, utoipa::ToSchema)]
struct Answer {
    #[serde(flatten)]
    estimate: Estimate,
    sentence: wire::order::Sentence,
}

#[utoipa::path(get, path = "/v1/stores/{store}/estimate", tag = "store",
    params(("store" = String, Path, description = "The store's public id"), ("sku" = Option<Vec<String>>, Query, description = "Repeat with `quantity` after it for more"),
        ("quantity" = Option<u32>, Query), ("item" = Option<Vec<String>>, Query, description = "SKU:QUANTITY, may be repeated"), ("country" = Option<String>, Query),
        ("postal_code" = Option<String>, Query), ("region" = Option<String>, Query),
        ("po_box" = Option<bool>, Query, description = "The address is a post-office box"), ("method" = Option<String>, Query, description = "Only this shipping method, by id"),
        ("need_by" = Option<String>, Query, description = "The day by which the shopper needs it, YYYY-MM-DD: ways that are in time say so"),
        ("title" = Option<Vec<String>>, Query, description = "Names of the items, in their order, for a cart that comes apart"),
        ("surface" = Option<String>, Query, description = "`product`, `cart` or `checkout`: how much the fragment shows")),
    responses((status = 200, description = "The estimate, with its sentence in the language of Accept-Language; an HTML fragment by Accept", body = Answer,
        content_type = "application/json"), (status = 400, description = "What is wrong with the query", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "No such store, or no policy", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn estimate(
    State(state): State<AppState>,
    Path(store): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (request, ui) = question(query.as_deref().unwrap_or_default())?;
    let published = published(&state, &store).await?;
    if let Some(method) = &request.method {
        known_method(&published.document, method)?;
    }
    let now = state.now();
    let estimate = promise::estimate(&published.document, &request, now);
    let words = state.words(&store, &headers).await?;
    let head = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::VARY, HeaderValue::from_static("accept, accept-language")),
        (header::CONTENT_LANGUAGE, HeaderValue::from_str(words.tag()).unwrap_or(HeaderValue::from_static("en"))),
    ];
    if prefers_html(&headers) {
        let nodes = view::estimate::estimate(&estimate, &ui, now, &*words);
        return Ok((head, Html(view::node::html(&nodes))).into_response());
    }
    let (headline, detail) = view::estimate::sentence(&estimate, &*words);
    Ok((head, Json(Answer { estimate, sentence: wire::order::Sentence { headline, detail } })).into_response())
}

/// Is HTML named in `Accept` before JSON?
fn prefers_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    accept.find("text/html").is_some_and(|html| accept.find("application/json").is_none_or(|json| html < json))
}

async fn published(state: &AppState, store: &str) -> Result<std::sync::Arc<crate::state::Published>, Problem> {
    state.config().store(store).ok_or_else(Problem::no_store)?;
    let none = || {
        Problem::new(
            StatusCode::NOT_FOUND,
            "this store has published no delivery policy yet: PUT one to /v1/admin/stores/{store}/policy",
        )
    };
    state.published(store).await?.ok_or_else(none)
}

/// A shipping method that isn't the store's is a mistake of whoever asks, not a place that can't be delivered to.
fn known_method(document: &promise::Document, method: &str) -> Result<(), Problem> {
    let ids: Vec<&str> = document.methods.iter().map(|m| m.id.as_str()).collect();
    if ids.contains(&method) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::BAD_REQUEST,
        format!("method: there is no such shipping method; this store has {}", ids.join(", ")),
    ))
}

/// `sku=A&quantity=2&country=US&postal_code=94103`; several items as `sku`, `quantity` repeated, or as `item=SKU:QTY`.
fn question(query: &str) -> Result<(Request, Ui), Problem> {
    let bad = |text: String| Problem::new(StatusCode::BAD_REQUEST, text);
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str(query).map_err(|e| bad(format!("the query can't be read: {e}")))?;
    let mut request = Request::default();
    let mut ui = Ui { still: true, ..Ui::default() };
    let number = |text: &str| text.parse::<u32>().ok().filter(|n| (1..=1_000_000).contains(n));
    for (key, value) in pairs {
        if value.len() > 200 {
            return Err(bad(format!("{key} is too long")));
        }
        let to: &mut Destination = &mut request.destination;
        match key.as_str() {
            "sku" => request.items.push(Line { sku: value, quantity: 1 }),
            "quantity" => {
                let line = request.items.last_mut().ok_or_else(|| bad("quantity: name the sku before it".into()))?;
                line.quantity = number(&value).ok_or_else(|| bad("quantity: write a number from 1".into()))?;
            }
            "item" => {
                let (sku, quantity) = value.rsplit_once(':').unwrap_or((&value, "1"));
                let quantity = number(quantity).ok_or_else(|| bad("item: write SKU:QUANTITY".into()))?;
                request.items.push(Line { sku: sku.to_owned(), quantity });
            }
            "country" if value.is_empty() || value.len() == 2 && value.bytes().all(|b| b.is_ascii_alphabetic()) => {
                to.country = value.to_ascii_uppercase()
            }
            "country" => return Err(bad("country: write an ISO 3166 code such as US".into())),
            "postal_code" => to.postal_code = value,
            "region" => to.region = value,
            "po_box" => {
                to.po_box = match value.as_str() {
                    "true" | "1" => true,
                    "" | "false" | "0" => false,
                    _ => return Err(bad("po_box: write true or false".into())),
                }
            }
            "need_by" if value.is_empty() => {}
            "need_by" => ui.need = Some(Day::parse(&value).ok_or_else(|| bad("need_by: write a day such as 2026-12-24".into()))?),
            "title" if ui.titles.len() < MOST_LINES => ui.titles.push(value),
            "surface" => ui.surface = value,
            "method" if !value.is_empty() => request.method = Some(value),
            _ => {}
        }
        if request.items.len() > MOST_LINES {
            return Err(bad(format!("at most {MOST_LINES} items")));
        }
    }
    Ok((request, ui))
}
