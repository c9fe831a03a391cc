//! `/v1/admin/stores/{store}/audit`: who did what.

use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;

use super::admin::Admin;
use crate::{
    problem::Problem,
    state::AppState,
    store::audit::{self, Entry},
};

#[derive(Deserialize)]
pub struct Which {
    before: Option<i64>,
    action: Option<String>,
}

/// The audit log, newest first, a hundred a page.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/audit", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("before" = Option<i64>, Query, description = "The last id of the page before"), ("action" = Option<String>, Query, description = "`policy.publish`, or `policy` for all that begin so")),
    responses((status = 200, body = Vec<Entry>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    Admin(store): Admin,
    State(state): State<AppState>,
    Query(which): Query<Which>,
) -> Result<Json<Vec<Entry>>, Problem> {
    Ok(Json(state.db().read(move |db| audit::list(db, &store, which.before, which.action.as_deref())).await?))
}
