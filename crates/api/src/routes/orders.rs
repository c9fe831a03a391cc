//! `/v1/orders/{token}`: the order document, and its live updates.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use promise::Instant;
use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;
use view::order::Reader;
use wire::OrderDocument;

use crate::{
    documents::Kept,
    insight::looks::{self, How},
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
    looks::looked(&state, &claim.store, &claim.order_id, &kept, How::Document);
    Ok(respond(&state, &kept, &headers))
}

/// An order document as the reader's language and what it has already ask for.
pub fn respond(state: &AppState, kept: &Kept, headers: &HeaderMap) -> Response {
    let (words, now) = (kept.words(headers), state.now());
    let etag = kept.etag(words.tag(), now);
    let mut response = if unchanged(headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let text = kept.text(words.tag(), now, || written(kept, &words, now));
        ([(header::CONTENT_TYPE, "application/json")], text).into_response()
    };
    let text = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    response.headers_mut().reserve(12);
    response.headers_mut().extend([
        (header::ETAG, text(&etag)),
        (header::CONTENT_LANGUAGE, text(words.tag())),
        (header::VARY, HeaderValue::from_static("accept-language")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ]);
    response
}

/// What depends on the moment and the reader.
fn complete(document: &mut OrderDocument, words: &Words, now: Instant) {
    crate::store::care::complete(document, now);
    document.computed_at = now.to_string();
    document.sentence = Some(view::order::sentence(document, Reader { now, offset: None }, words));
}

/// Server-sent events: the newest document at once, and whenever it changes; whole, so that there is never a difference to miss.
#[utoipa::path(get, path = "/v1/orders/{token}/live", tag = "order", params(("token" = String, Path, description = "Order token"), ("last-event-id" = Option<u64>, Header)),
    responses((status = 200, description = "Server-sent events: `event: order`, the whole document as data, its version as id", body = String, content_type = "text/event-stream"),
        (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "Not known yet", body = wire::Problem, content_type = "application/problem+json"), (status = 410, description = "The token has expired", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn live(State(state): State<AppState>, Path(token): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let claim = claim(&state, &token)?;
    let mut frames = Frames::open(&state, claim, &headers).await?.ok_or_else(not_yet)?;
    // One frame of room: who reads slowly gets the newest next, and holds nobody up.
    let (send, receive) = tokio::sync::mpsc::channel::<Result<Bytes, Infallible>>(1);
    let mut stopping = state.stopping();
    let stream = Stream::open();
    tokio::spawn(async move {
        let _open = stream;
        loop {
            let next = tokio::select! {
                next = frames.next(&state) => next,
                _ = stopping.changed() => return,
                () = send.closed() => return,
            };
            let Some(frame) = next else { return };
            if send.send(Ok(frame)).await.is_err() {
                return;
            }
        }
    });
    let head = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok((head, Body::from_stream(ReceiverStream::new(receive))).into_response())
}

/// A comment at this distance keeps proxies from closing a silent stream.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The frames of one stream: the newest document at once, then at each change; a comment where nothing changes.
pub struct Frames {
    claim: Claim,
    words: Arc<Words>,
    versions: watch::Receiver<u64>,
    sent: u64,
    next: Option<Arc<Kept>>,
}

impl Frames {
    /// Of an order, if it is known. A version that the client has seen is not sent again.
    pub async fn open(state: &AppState, claim: Claim, headers: &HeaderMap) -> anyhow::Result<Option<Frames>> {
        // First the ear, then the look: what changes between the two is heard.
        let versions = state.live().subscribe(&claim.store, &claim.order_id);
        let sent = headers.get("last-event-id").and_then(|v| v.to_str().ok()?.parse().ok()).unwrap_or(0);
        let first = load(state, &claim).await?;
        if let Some(kept) = &first {
            looks::looked(state, &claim.store, &claim.order_id, kept, How::Live);
        }
        Ok(first.map(|first| Frames { claim, words: first.words(headers), versions, sent, next: Some(first) }))
    }

    /// The next frame; nothing, once the token has expired or the server stops. Harmless to drop while it waits.
    pub async fn next(&mut self, state: &AppState) -> Option<Bytes> {
        loop {
            if let Some(kept) = self.next.take().filter(|k| k.document.version != self.sent) {
                self.sent = kept.document.version;
                let now = state.now();
                let text = kept.text(self.words.tag(), now, || written(&kept, &self.words, now));
                let mut frame = BytesMut::with_capacity(text.len() + 64);
                frame.extend_from_slice(format!("id: {}\nevent: order\nretry: 3000\ndata: ", self.sent).as_bytes());
                frame.extend_from_slice(&text);
                frame.extend_from_slice(b"\n\n");
                return Some(frame.freeze());
            }
            let left = Duration::from_secs((self.claim.expires_at - state.now().0).max(0).unsigned_abs());
            tokio::select! {
                changed = self.versions.changed() => changed.ok()?,
                () = tokio::time::sleep(left) => return None,
                () = tokio::time::sleep(HEARTBEAT) => return Some(Bytes::from_static(b":\n\n")),
            }
            self.next = Box::pin(load(state, &self.claim)).await.unwrap_or_default();
        }
    }
}

/// The document as JSON, on one line.
fn written(kept: &Kept, words: &Words, now: Instant) -> Bytes {
    let mut document = kept.document.clone();
    complete(&mut document, words, now);
    serde_json::to_vec(&document).unwrap_or_default().into()
}

pub fn claim(state: &AppState, token: &str) -> Result<Claim, Problem> {
    let config = state.config();
    token::verify(token, |store| config.token_secrets(store), state.now().0).map_err(|e| match e {
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
    let found = state
        .db()
        .read(move |db| {
            let Some(mut document) = orders::document(db, &asked.store, &asked.order_id)? else { return Ok(None) };
            let settings = crate::store::care::switched(db, &asked.store, &asked.order_id, &mut document)?;
            Ok(Some((document, settings)))
        })
        .await?;
    let own = state.own_texts(&claim.store).await?;
    Ok(found.map(|(mut document, settings)| {
        // What the store says of itself is what it says today, also on orders that are done.
        if let Some(info) = state.store_info(&claim.store) {
            document.store = wire::order::Store { id: info.id, name: info.name, url: info.url, support_url: info.support_url };
        }
        let kept = Arc::new(Kept::new(document, settings, own));
        state.documents().keep(&claim.store, &claim.order_id, began, &kept);
        kept
    }))
}
