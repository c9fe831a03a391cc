//! `/v1/admin/stores/{store}/shoppers/…`: what is kept of a shopper, and forgetting them. Whom it is about stands in the body: addresses
//! of routes are logged.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};
use serde_json::{Value, json};

use super::admin::{Admin, readable};
use crate::{
    problem::Problem,
    state::AppState,
    store::{
        audit,
        orders::StoreInfo,
        shoppers::{self, Erased, Shopper},
    },
};

fn asked(state: &AppState, store: &str, body: Result<Json<Shopper>, JsonRejection>) -> Result<(StoreInfo, Shopper), Problem> {
    let shopper = readable(body)?;
    if shopper.email.as_deref().unwrap_or_default().trim().is_empty() && shopper.orders.iter().all(String::is_empty) {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "say whom it is about: email, or orders"));
    }
    Ok((state.store_info(store).ok_or_else(Problem::no_store)?, shopper))
}

/// All that is kept of a shopper, by order and table.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/shoppers/export", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), request_body = Shopper,
    responses((status = 200, body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Nobody is named", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn export(
    Admin(store): Admin,
    State(state): State<AppState>,
    body: Result<Json<Shopper>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let (info, shopper) = asked(&state, &store, body)?;
    let now = state.now();
    crate::insight::looks::flush(&state).await?;
    let write = state.db().write(move |db| {
        let found = shoppers::export(db, &info, &shopper, now)?;
        let orders = found["orders"].as_array().map_or(0, Vec::len);
        audit::record(db, &info.id, audit::KEY, "shopper.export", "", &json!({"orders": orders}))?;
        Ok(found)
    });
    Ok(Json(write.await?))
}

/// Forgets a shopper. What is counted of their orders stays, without them; so does the window that was promised.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/shoppers/erase", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), request_body = Shopper,
    responses((status = 200, body = Erased), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Nobody is named", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn erase(
    Admin(store): Admin,
    State(state): State<AppState>,
    body: Result<Json<Shopper>, JsonRejection>,
) -> Result<Json<Erased>, Problem> {
    let (info, shopper) = asked(&state, &store, body)?;
    Ok(Json(shoppers::erase(&state, info, shopper, audit::KEY.to_owned()).await?))
}
