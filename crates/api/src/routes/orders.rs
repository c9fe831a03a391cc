//! `/v1/orders/{token}`: the order document, and its live updates.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use promise::Instant;
use tokio_stream::wrappers::ReceiverStream;
use view::order::Reader;
use wire::OrderDocument;

use crate::{
    documents::Kept,
    problem::Problem,
    routes::stores::unchanged,
    state::AppState,
    store::orders,
    telemetry::Stream,
    token::{self, Claim, Invalid},
    words::Words,
};

#[utoipa::path(get, path = "/v1/orders/{token}", tag = "order", params(("token" = String, Path, description = "Order token")),
    responses((status = 200, description = "The order document", body = OrderDocument), (status = 304, description = "Unchanged"), (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "Not known yet", body = wire::Problem, content_type = "application/problem+json"), (status = 410, description = "The token has expired", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn document(State(state): State<AppState>, Path(token): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let claim = claim(&state, &token)?;
    let kept = load(&state, &claim).await?.ok_or_else(not_yet)?;
    let words = Words::accepted(&headers);
    let etag = format!("\"{}-{}\"", kept.document.version, words.tag());
    let head = [
        (header::VARY, HeaderValue::from_static("accept-language")),
        (header::CONTENT_LANGUAGE, HeaderValue::from_str(words.tag()).unwrap_or(HeaderValue::from_static("en"))),
        (header::ETAG, HeaderValue::from_str(&etag).unwrap_or(HeaderValue::from_static("\"\""))),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    if unchanged(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }
    let now = state.now();
    let text = kept.text(words.tag(), now, || {
        let mut document = kept.document.clone();
        complete(&mut document, &words, now);
        serde_json::to_vec(&document).unwrap_or_default().into()
    });
    Ok((head, [(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// What depends on the moment and the reader.
fn complete(document: &mut OrderDocument, words: &Words, now: Instant) {
    document.computed_at = now.to_string();
    document.sentence = Some(view::order::sentence(document, Reader { now, offset: None }, words));
}

/// Server-sent events: the newest document at once, and whenever it changes; whole, so that there is never a difference to miss.
#[utoipa::path(get, path = "/v1/orders/{token}/live", tag = "order", params(("token" = String, Path, description = "Order token"), ("last-event-id" = Option<u64>, Header)),
    responses((status = 200, description = "Server-sent events: `event: order`, the whole document as data, its version as id", body = String, content_type = "text/event-stream"),
        (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "Not known yet", body = wire::Problem, content_type = "application/problem+json"), (status = 410, description = "The token has expired", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn live(State(state): State<AppState>, Path(token): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let claim = claim(&state, &token)?;
    let words = Words::accepted(&headers);
    let mut versions = state.live().subscribe(&claim.store, &claim.order_id);
    let first = load(&state, &claim).await?.ok_or_else(not_yet)?;
    let seen = headers.get("last-event-id").and_then(|v| v.to_str().ok()?.parse::<u64>().ok()).unwrap_or(0);
    // One event of room: who reads slowly gets the newest next, and holds nobody up.
    let (send, receive) = tokio::sync::mpsc::channel::<Result<Event, Infallible>>(1);
    let mut stopping = state.stopping();
    let stream = Stream::open();
    tokio::spawn(async move {
        let _open = stream;
        let mut sent = seen;
        let mut next = Some(first);
        loop {
            if let Some(kept) = next.take().filter(|k: &Arc<Kept>| k.document.version != sent) {
                let mut document = kept.document.clone();
                sent = document.version;
                complete(&mut document, &words, state.now());
                let event =
                    Event::default().event("order").id(sent.to_string()).retry(Duration::from_secs(3)).json_data(&document);
                let Ok(event) = event else { return };
                if send.send(Ok(event)).await.is_err() {
                    return;
                }
            }
            let left = Duration::from_secs((claim.expires_at - state.now().0).max(0).unsigned_abs());
            tokio::select! {
                changed = versions.changed() => if changed.is_err() { return },
                _ = stopping.changed() => return,
                () = send.closed() => return,
                () = tokio::time::sleep(left) => return,
            }
            next = load(&state, &claim).await.unwrap_or_default();
        }
    });
    let stream = Sse::new(ReceiverStream::new(receive)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
    Ok(([(header::CACHE_CONTROL, "private, no-cache"), (header::REFERRER_POLICY, "no-referrer")], stream).into_response())
}

pub fn claim(state: &AppState, token: &str) -> Result<Claim, Problem> {
    token::verify(token, |store| state.token_secrets(store), state.now().0).map_err(|e| match e {
        Invalid::Expired => {
            Problem::new(StatusCode::GONE, "this link has expired: ask the store for a new one, or look the order up")
        }
        Invalid::Forged | Invalid::Malformed => {
            Problem::new(StatusCode::UNAUTHORIZED, "this link is not valid: check that it was copied whole")
        }
    })
}

pub fn not_yet() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "the store has not told us of this order yet: try again in a minute")
}

pub async fn load(state: &AppState, claim: &Claim) -> anyhow::Result<Option<Arc<Kept>>> {
    let began = match state.documents().get(&claim.store, &claim.order_id) {
        Ok(kept) => return Ok(Some(kept)),
        Err(began) => began,
    };
    let asked = claim.clone();
    let found = state.db().read(move |db| orders::document(db, &asked.store, &asked.order_id)).await?;
    Ok(found.map(|document| {
        let kept = Arc::new(Kept::new(document));
        state.documents().keep(&claim.store, &claim.order_id, began, &kept);
        kept
    }))
}
