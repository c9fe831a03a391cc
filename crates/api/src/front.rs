//! The door: accepts connections, and answers two questions before the router.
//!
//! Thousands of order pages stay open for hours, each on a stream that says little. Under a general HTTP server such a stream holds two
//! buffers of 8 KB; here its connection is taken over by a task of its own that holds none ([`stream`]). And a page that asks
//! for an order which is in memory is answered from there ([`from_memory`]), and a webhook is taken without the layers that serve pages
//! ([`webhook`]). Everything else is the router's.

mod timer;

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use anyhow::Result;
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::{Buf, Bytes, BytesMut};
use http_body_util::{BodyExt, Collected, LengthLimitError, Limited};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt;

use crate::{
    insight::looks::{self, How},
    routes::{orders, webhooks},
    state::AppState,
    telemetry,
};

/// The longest head that is looked at here; a longer one is the router's to refuse.
const HEAD: usize = 8 * 1024;
/// How long a client may take for its head, and for reading what it was sent.
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves until the state stops; then finishes what has begun.
pub async fn serve(listener: TcpListener, state: AppState, app: Router) -> Result<()> {
    let graceful = GracefulShutdown::new();
    let mut stopping = state.stopping();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of files: those that are open must end first.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = stopped(&mut stopping) => break,
        };
        let (state, app, watcher) = (state.clone(), app.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let Some((stream, read)) = taken_over(stream, &state).await else { return };
            let service = service_fn(move |request: Request<Incoming>| answer(state.clone(), app.clone(), peer, request));
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(timer::Timer::default())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(Resumed { read, stream }), service);
            // A client that goes away is nobody's fault.
            let _ = watcher.watch(connection).await;
        });
    }
    drop(listener);
    tokio::time::timeout(PATIENCE, graceful.shutdown()).await.unwrap_or(());
    Ok(())
}

async fn stopped(stopping: &mut tokio::sync::watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

async fn answer(
    state: AppState,
    app: Router,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response, std::convert::Infallible> {
    if let Some(response) = from_memory(&state, request.method(), request.uri().path(), request.headers()) {
        return Ok(response);
    }
    let request = match webhook(&state, request).await {
        Ok(response) => return Ok(response),
        Err(other) => other,
    };
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    app.oneshot(request).await
}

/// The answer to a page that asks for an order which is in memory.
fn from_memory(state: &AppState, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
    let token = path.strip_prefix("/v1/orders/").filter(|t| method == Method::GET && !t.contains('/'))?;
    let began = std::time::Instant::now();
    let claim = orders::claim(state, token).ok()?;
    let kept = state.documents().get(&claim.store, &claim.order_id).ok()?;
    looks::looked(state, &claim.store, &claim.order_id, &kept, How::Document);
    let mut response = orders::respond(state, &kept, headers);
    response.headers_mut().extend(CORS.iter().map(|(name, value)| (name.clone(), value.clone())));
    telemetry::seen("/v1/orders/{token}", method, response.status().as_u16(), began.elapsed());
    Some(response)
}

/// The answer to a webhook; any other request comes back.
async fn webhook(state: &AppState, request: Request<Incoming>) -> Result<Response, Request<Incoming>> {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let path = request.uri().path().strip_prefix("/v1/webhooks/").and_then(|p| p.split_once('/'));
    let Some((store, source)) = path.filter(|(store, source)| plain(store) && plain(source)) else { return Err(request) };
    if request.method() != Method::POST {
        return Err(request);
    }
    let (store, source) = (store.to_owned(), source.to_owned());
    let began = std::time::Instant::now();
    let (head, body) = request.into_parts();
    let body = Limited::new(body, state.config().limits.body_bytes).collect().await;
    let body = body.map(Collected::to_bytes).map_err(|e| {
        let status = if e.is::<LengthLimitError>() { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
        (status, e.to_string())
    });
    let response = webhooks::take(state, &store, &source, &head.headers, body).await.into_response();
    telemetry::seen("/v1/webhooks/{store}/{source}", &Method::POST, response.status().as_u16(), began.elapsed());
    Ok(response)
}

/// Pages of any store may read the answer; nothing in it depends on cookies. As the router's layer says it.
static CORS: [(HeaderName, HeaderValue); 2] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("etag,date")),
];

/// Looks at the first request of a connection: one for a stream is served here, to its end. Anything else comes back with what was read.
async fn taken_over(mut stream: TcpStream, state: &AppState) -> Option<(TcpStream, Bytes)> {
    let mut read = BytesMut::with_capacity(512);
    let whole = tokio::time::timeout(PATIENCE, async {
        while could_be_stream(&read) && read.len() < HEAD {
            match stream.read_buf(&mut read).await {
                Ok(0) | Err(_) => return None,
                Ok(_) if read.windows(4).any(|w| w == b"\r\n\r\n") => return Some(true),
                Ok(_) => {}
            }
        }
        Some(false)
    });
    let whole = whole.await.ok()??;
    if !whole || !could_be_stream(&read) {
        return Some((stream, read.freeze()));
    }
    let Some(frames) = asked_for_stream(&read, state).await else { return Some((stream, read.freeze())) };
    drop(read);
    // Boxed, so that a connection that is none does not hold its room.
    Box::pin(self::stream(stream, frames, state.clone())).await;
    None
}

/// Whether what was read so far may become `GET /v1/orders/{token}/live`.
fn could_be_stream(read: &[u8]) -> bool {
    const START: &[u8] = b"GET /v1/orders/";
    let start = &read[..read.len().min(START.len())];
    let line = read.iter().position(|b| *b == b'\r').map(|end| &read[..end]);
    START.starts_with(start) && line.is_none_or(|l| l.ends_with(b"/live HTTP/1.1"))
}

/// The stream that a whole head asks for; nothing, where the router has to say why not.
async fn asked_for_stream(read: &[u8], state: &AppState) -> Option<orders::Frames> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    let length = match request.parse(read) {
        Ok(httparse::Status::Complete(length)) => length,
        _ => return None,
    };
    // A body, or a second request behind the first: not for us.
    if length != read.len()
        || request
            .headers
            .iter()
            .any(|h| h.name.eq_ignore_ascii_case("content-length") || h.name.eq_ignore_ascii_case("transfer-encoding"))
    {
        return None;
    }
    let token = request.path?.strip_prefix("/v1/orders/")?.strip_suffix("/live")?;
    let mut headers = HeaderMap::new();
    for field in request.headers.iter() {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(field.name.as_bytes()), HeaderValue::from_bytes(field.value)) {
            headers.append(name, value);
        }
    }
    let claim = orders::claim(state, token).ok()?;
    orders::Frames::open(state, claim, &headers).await.ok()?
}

/// Serves one stream until its client leaves, its token expires, or the server stops.
async fn stream(mut stream: TcpStream, mut frames: orders::Frames, state: AppState) {
    let _open = telemetry::Stream::open();
    telemetry::seen("/v1/orders/{token}/live", &Method::GET, 200, Duration::ZERO);
    let mut head =
        String::from("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\nx-accel-buffering: no\r\n");
    head.push_str("access-control-allow-origin: *\r\ncache-control: private, no-cache\r\nreferrer-policy: no-referrer\r\nvary: accept-language\r\n");
    head.push_str(&format!("date: {}\r\n\r\n", httpdate::fmt_http_date(std::time::SystemTime::now())));
    let mut frame = Some(Bytes::from(head));
    let mut stopping = state.stopping();
    loop {
        if let Some(bytes) = frame.take() {
            // Who reads slowly waits here, alone, and gets the newest next.
            let written = tokio::time::timeout(PATIENCE, stream.write_all(&bytes)).await;
            if !matches!(written, Ok(Ok(()))) {
                return;
            }
        }
        let mut gone = [0; 16];
        tokio::select! {
            next = frames.next(&state) => match next {
                Some(bytes) => frame = Some(bytes),
                None => return,
            },
            // Nothing more is due from a client; what comes is its end.
            _ = stream.read(&mut gone) => return,
            _ = stopping.changed() => return,
        }
    }
}

/// A connection of which something was read already.
struct Resumed {
    read: Bytes,
    stream: TcpStream,
}

impl AsyncRead for Resumed {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let n = self.read.len().min(buffer.remaining());
        buffer.put_slice(&self.read[..n]);
        self.read.advance(n);
        if self.read.is_empty() {
            self.read = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Resumed {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_stream_is_taken_over() {
        for (read, could) in [
            ("", true),
            ("GET /v1/or", true),
            ("GET /v1/orders/abc", true),
            ("GET /v1/orders/abc/live HTTP/1.1\r\nhost", true),
            ("GET /v1/orders/abc HTTP/1.1\r\n", false),
            ("GET /v1/orders/abc/live HTTP/1.0\r\n", false),
            ("POST /v1/orders/abc/live HTTP/1.1\r\n", false),
            ("GET /embed.js HTTP/1.1\r\n", false),
            ("PRI * HTTP/2.0\r\n", false),
        ] {
            assert_eq!(could_be_stream(read.as_bytes()), could, "{read}");
        }
    }
}
