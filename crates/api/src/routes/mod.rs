//! The routes, as a table.

mod admin;
mod assets;
mod orders;
mod stores;
mod track;
mod webhooks;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::{Method, StatusCode, header},
    response::IntoResponse,
    routing::{get, post},
};
use tower_http::cors::{Any, CorsLayer};

use crate::{problem::Problem, state::AppState};

/// The whole API.
pub fn app(state: AppState) -> Router {
    // Pages of any store read these; nothing here depends on cookies.
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE, header::IF_NONE_MATCH])
        .expose_headers([header::ETAG, header::DATE]);
    let public = Router::new()
        .route("/v1/stores/{store}/promise.json", get(stores::promise))
        .route("/v1/stores/{store}/estimate", get(stores::estimate))
        .route("/embed.js", get(assets::loader))
        .route("/assets/{file}", get(assets::asset))
        .route("/v1/orders/{token}", get(orders::document))
        .route("/v1/orders/{token}/live", get(orders::live))
        .route("/v1/stores/{store}/lookup", post(track::lookup))
        .layer(cors);
    Router::new()
        .merge(public)
        .route("/track", get(track::lookup_page).post(track::lookup_form))
        .route("/track/{token}", get(track::order))
        .route("/v1/webhooks/{store}/{source}", post(webhooks::receive))
        .route("/v1/admin/stores/{store}/policy", get(admin::policy).put(admin::publish))
        .route("/v1/admin/stores/{store}/delays", get(admin::delays).post(admin::put_delay))
        .route("/v1/admin/stores/{store}/delays/{id}", axum::routing::delete(admin::end_delay))
        .route("/v1/admin/stores/{store}/problems", get(admin::problems))
        .route("/v1/admin/stores/{store}/promises/{order}", get(admin::promise))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not take that method")
        })
        .layer(DefaultBodyLimit::max(state.config().limits.body_bytes))
        .with_state(state)
}

async fn ready(State(state): State<AppState>) -> Result<impl IntoResponse, Problem> {
    state.db().read(|db| Ok(db.query_row("select 1", [], |r| r.get::<_, i64>(0))?)).await?;
    Ok(Json(serde_json::json!({"ready": true})))
}
