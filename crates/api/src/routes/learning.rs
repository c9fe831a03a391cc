//! `GET /v1/admin/stores/{store}/learning`: what the store's own deliveries teach.

use axum::{Json, extract::State, http::StatusCode};

use super::admin::Admin;
use crate::{learning, problem::Problem, state::AppState, store::policies};

/// How long handling and transit take, learned from the store's deliveries; whether promises were kept as often as they said; and the policy
/// with it filled in, which can be published as it is.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/learning", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), responses((status = 200, body = learning::Report), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "No policy is published yet", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn learned(Admin(store): Admin, State(state): State<AppState>) -> Result<Json<learning::Report>, Problem> {
    let now = state.now();
    let found = state.db().read(move |db| {
        let Some(policy) = policies::at(db, &store, now)? else { return Ok(None) };
        Ok(Some(learning::report(db, &store, &policy, now)?))
    });
    Ok(Json(found.await?.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "no policy is published yet"))?))
}
