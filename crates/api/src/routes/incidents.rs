//! `/v1/admin/stores/{store}/incidents…`: delays found in the store's own scans, and lists of incidents.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
};
use promise::incident;
use serde_json::{Value, json};

use super::admin::{Admin, changed, refuse};
use crate::{
    incidents as list,
    problem::Problem,
    state::AppState,
    store::{
        audit,
        incidents::{self, Incident},
        policies,
    },
};

/// Of a list.
pub const MOST_BYTES: usize = 8 << 20;

/// Delays found in the store's own scans, newest first.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/incidents", tag = "admin", security(("admin" = [])), params(("store" = String, Path)),
    responses((status = 200, body = Vec<Incident>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn found(Admin(store): Admin, State(state): State<AppState>) -> Result<Json<Vec<Incident>>, Problem> {
    Ok(Json(state.db().read(move |db| incidents::list(db, &store)).await?))
}

/// Looks at the scans now; the server does so every few hours by itself.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/incidents/look", tag = "admin", security(("admin" = [])), params(("store" = String, Path)),
    responses((status = 200, body = Vec<Incident>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn look(Admin(store): Admin, State(state): State<AppState>) -> Result<Json<Vec<Incident>>, Problem> {
    list::look(&state, &store).await?;
    Ok(Json(state.db().read(move |db| incidents::list(db, &store)).await?))
}

/// `approve`: its notice holds from now on, and ends when the scans recover. `dismiss`: it is not brought up again.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/incidents/{id}/{decision}", tag = "admin", security(("admin" = [])),
    params(("store" = String, Path), ("id" = String, Path), ("decision" = String, Path, description = "`approve` or `dismiss`")),
    responses((status = 200, body = Incident), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "No such finding, or it is over", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn decide(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, String, String)>,
) -> Result<Json<Incident>, Problem> {
    let (_, id, decision) = path.0;
    let approve = match decision.as_str() {
        "approve" => true,
        "dismiss" => false,
        _ => return Err(Problem::new(StatusCode::NOT_FOUND, "a finding can be approved or dismissed: …/approve, …/dismiss")),
    };
    let (of, now) = (store.clone(), state.now());
    let decided = state.db().write(move |db| list::decide(db, &of, &id, approve, audit::KEY, now)).await?;
    let decided = decided.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no open finding with this id"))?;
    changed(&state, &store).await?;
    Ok(Json(decided))
}

/// Makes notices of a list of incidents (CSV): all of it, or nothing where a line can't be read. The same list again changes nothing.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/incidents", tag = "admin", security(("admin" = [])), params(("store" = String, Path)),
    request_body(content = String, content_type = "text/csv", description = "Columns: carrier, service, country, postal_code, from, until, days, reason, severity, language, message"),
    responses((status = 201, description = "`{rows, notices: [{id, ranges, besides, from, until}]}`: `besides` counts the numbers within the ranges that the list does not name", body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Lines that can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn import(
    Admin(store): Admin,
    State(state): State<AppState>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let read = list::read(&*body).map_err(|e| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{e:#}")))?;
    let rows = read.map_err(|wrong| refuse(wrong.into_iter().take(50).collect()))?;
    let notices = incident::notices(&rows, incident::MOST_RANGES);
    let answer = list::summary(&notices, rows.len());
    let of = store.clone();
    let put = state.db().write(move |db| {
        for (notice, _) in &notices {
            policies::put_delay(db, &of, notice)?;
            audit::record(db, &of, audit::KEY, "delay.import", &notice.id, &json!({}))?;
        }
        Ok(())
    });
    put.await?;
    changed(&state, &store).await?;
    Ok((StatusCode::CREATED, Json(answer)))
}
