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
    telemetry,
};

#[utoipa::path(post, path = "/v1/webhooks/{store}/{source}", tag = "webhook",
    params(("store" = String, Path, description = "The store's public id"), ("source" = String, Path, description = "shopify, easypost, standard …")),
    request_body(content = Object, description = "As the source sends it, signed"),
    responses((status = 200, description = "On disk; a repetition too"), (status = 401, description = "Wrong signature", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "No such store or source", body = wire::Problem, content_type = "application/problem+json"), (status = 413, description = "Too large", body = wire::Problem, content_type = "application/problem+json"), (status = 415, description = "Not JSON", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn receive(
    State(state): State<AppState>,
    Path((store, source)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    take(&state, &store, &source, &headers, body.map_err(|e| (e.status(), e.to_string()))).await
}

/// Takes a webhook, or says why not.
pub async fn take(
    state: &AppState,
    store: &str,
    source: &str,
    headers: &HeaderMap,
    body: Result<Bytes, (StatusCode, String)>,
) -> Result<StatusCode, Problem> {
    let body = body.map_err(|(status, e)| {
        let largest = state.config().limits.body_bytes;
        Problem::new(status, format!("the body can't be taken: {e} (at most {largest} bytes)"))
    })?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    if !kind.contains("json") {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the webhook as application/json"));
    }
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let received = ingest::receive(state, store, source, &header, body).await;
    // An address that anybody may invent is no label.
    let known = if matches!(received, Err(Refused::UnknownStore | Refused::UnknownSource)) { "unknown" } else { source };
    let outcome = match &received {
        Ok(true) => "new",
        Ok(false) => "repeated",
        Err(_) => "refused",
    };
    telemetry::webhook(known, outcome);
    match received {
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
