//! `POST /v1/webhooks/{store}/{source}`.

use axum::{
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
};

use crate::{
    ingest::{self, Refused},
    problem::Problem,
    state::AppState,
};

pub async fn receive(
    State(state): State<AppState>,
    Path((store, source)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let body = body.map_err(|e| {
        let largest = state.config().limits.body_bytes;
        Problem::new(e.status(), format!("the body can't be taken: {e} (at most {largest} bytes)"))
    })?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    if !kind.contains("json") {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the webhook as application/json"));
    }
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    match ingest::receive(&state, &store, &source, &header, body.to_vec()).await {
        Ok(_) => Ok(StatusCode::OK),
        Err(e @ (Refused::UnknownStore | Refused::UnknownSource)) => Err(Problem::new(StatusCode::NOT_FOUND, e.to_string())),
        Err(Refused::Signature(e)) => Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            format!("{e}: compare the webhook secret on both sides; sign the raw body"),
        )),
        Err(Refused::Storage(e)) => {
            tracing::error!(error = format!("{e:#}"), "webhook not stored");
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not stored: send it again later"))
        }
    }
}
