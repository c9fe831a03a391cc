//! The routes, as a table.

pub mod admin;
mod admin_messages;
mod assets;
mod audit;
pub mod care;
mod delay_options;
mod events;
mod incidents;
pub mod insight;
mod learning;
mod messages;
pub mod orders;
mod shoppers;
pub mod stores;
pub mod track;
pub mod webhooks;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::{Method, StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use tower_http::cors::{Any, CorsLayer};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    console::{self, insights},
    problem::Problem,
    state::AppState,
    telemetry,
};

pub use assets::missing_files as assets_missing;

/// What no route says of itself.
#[derive(OpenApi)]
#[openapi(info(title = "Whereabouts", description = "When will it arrive, and where is it now. Errors are problem documents (RFC 9457)."), modifiers(&Keys))]
struct Description;

struct Keys;

impl Modify for Keys {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("One of the store's admin keys")).build(),
        );
        api.components.get_or_insert_default().add_security_scheme("admin", scheme);
    }
}

/// The whole API.
pub fn app(state: AppState) -> Router {
    telemetry::figures();
    // Pages of any store read these; nothing here depends on cookies.
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        // Pages replace `fetch` with their own, which adds headers.
        .allow_headers(Any)
        .expose_headers([header::ETAG, header::DATE])
        .max_age(std::time::Duration::from_secs(86_400));
    // Pictures are larger than anything else that is sent here.
    let largest = state.config().limits.photo_bytes;
    let uploads = OpenApiRouter::new().routes(routes!(care::reports::photo)).layer(DefaultBodyLimit::max(largest)).merge(
        OpenApiRouter::new()
            .route("/v1/orders/{token}/screens/{*path}", get(care::screens::nodes).post(care::screens::send))
            .layer(DefaultBodyLimit::max(largest.saturating_mul(3))),
    );
    let forms = OpenApiRouter::new()
        .route("/track/{token}/care/{*path}", get(care::screens::page).post(care::screens::form))
        .layer(DefaultBodyLimit::max(largest.saturating_mul(3)));
    let public = OpenApiRouter::new()
        .routes(routes!(stores::promise))
        .routes(routes!(stores::estimate))
        .routes(routes!(orders::document))
        .routes(routes!(orders::live))
        .routes(routes!(messages::consent))
        .routes(routes!(track::lookup))
        .route("/v1/stores/{store}/look.css", get(console::look::public))
        .routes(routes!(care::document::document))
        .routes(routes!(care::document::public))
        .routes(routes!(care::document::texts))
        .routes(routes!(care::reports::list, care::reports::create))
        .routes(routes!(care::reports::one))
        .routes(routes!(care::reports::acted))
        .routes(routes!(care::reports::picture))
        .routes(routes!(care::feedback::feedback))
        .routes(routes!(care::feedback::updates))
        .routes(routes!(care::feedback::history))
        .routes(routes!(care::push::offer, care::push::subscribe))
        .routes(routes!(care::push::unsubscribe))
        .routes(routes!(care::push::known))
        .merge(uploads)
        .route("/embed.js", get(assets::loader))
        .route("/assets/{file}", get(assets::asset));
    // The fallback comes below the layer, which answers what browsers ask before they send (OPTIONS).
    let (public, of_public) = public.split_for_parts();
    let public = public.method_not_allowed_fallback(wrong_method).layer(cors);
    let mut described = Description::openapi();
    described.merge(of_public);
    // A storm closes thousands of postal codes at once.
    let lists = OpenApiRouter::new().routes(routes!(incidents::import)).layer(DefaultBodyLimit::max(incidents::MOST_BYTES));
    let (routes, description) = OpenApiRouter::with_openapi(described)
        .merge(OpenApiRouter::from(public))
        .routes(routes!(webhooks::receive))
        .routes(routes!(admin_messages::rules, admin_messages::put_rules))
        .routes(routes!(admin_messages::log))
        .routes(routes!(admin_messages::again))
        .routes(routes!(admin_messages::suppressions, admin_messages::suppress, admin_messages::release))
        .routes(routes!(admin_messages::consent))
        .routes(routes!(admin_messages::words))
        .routes(routes!(admin_messages::put_words))
        .routes(routes!(admin_messages::preview))
        .routes(routes!(admin_messages::test))
        .routes(routes!(delay_options::list))
        .routes(routes!(delay_options::one))
        .routes(routes!(delay_options::send))
        .routes(routes!(delay_options::dismiss))
        .routes(routes!(messages::sms))
        .routes(routes!(messages::bounces))
        .route("/messages/stop/{token}", get(messages::stop_page).post(messages::stop))
        .route("/messages/option/{token}", get(delay_options::ask).post(delay_options::answer))
        .routes(routes!(admin::policy, admin::publish))
        .routes(routes!(admin::delays, admin::put_delay))
        .routes(routes!(admin::end_delay))
        .routes(routes!(incidents::found))
        .routes(routes!(incidents::look))
        .routes(routes!(incidents::decide))
        .merge(lists)
        .routes(routes!(admin::problems))
        .routes(routes!(admin::promise))
        .routes(routes!(audit::list))
        .routes(routes!(learning::learned))
        .routes(routes!(events::event))
        .routes(routes!(events::replay))
        .routes(routes!(events::replay_all))
        .routes(routes!(events::codes, events::put_code))
        .routes(routes!(events::imports))
        .routes(routes!(events::requests))
        .routes(routes!(events::request))
        .routes(routes!(events::request_done))
        .routes(routes!(events::outbox))
        .routes(routes!(events::send_again))
        .routes(routes!(events::polls))
        .routes(routes!(insight::analytics))
        .routes(routes!(insight::messages))
        .routes(routes!(insight::feedback))
        .routes(routes!(insight::reports))
        .routes(routes!(insight::one_table))
        .routes(routes!(insight::baseline))
        .routes(routes!(insight::log))
        .routes(routes!(insight::share_scorecard, insight::shared_scorecards))
        .routes(routes!(insight::revoke_scorecard))
        .routes(routes!(care::admin::read, care::admin::write))
        .routes(routes!(care::admin::list))
        .routes(routes!(care::admin::one))
        .routes(routes!(care::admin::acted))
        .routes(routes!(care::admin::picture))
        .routes(routes!(care::admin::feedback))
        .routes(routes!(care::admin::opt_ins))
        .routes(routes!(care::admin::theft_areas))
        .merge(forms)
        .route("/history/{pass}", get(care::feedback::history_page))
        .route("/push/worker.js", get(care::push::worker))
        .route("/push/page.js", get(care::push::page_script))
        .route("/push/{token}", get(care::push::page))
        .routes(routes!(shoppers::export))
        .routes(routes!(shoppers::erase))
        .route("/scorecard/{token}", get(insights::shared))
        .route("/scorecard/{token}/weeks.csv", get(insights::shared_csv))
        .route("/track", get(track::lookup_page).post(track::lookup_form))
        .route("/track/{token}", get(track::order))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(figures))
        .split_for_parts();
    routes
        .merge(console::routes(&state))
        .route("/openapi.json", get(move || std::future::ready(Json(description))))
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address") })
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(state.config().limits.body_bytes))
        .layer(axum::middleware::from_fn(telemetry::observe))
        .with_state(state)
}

async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not take that method")
}

async fn ready(State(state): State<AppState>) -> Result<impl IntoResponse, Problem> {
    state.db().read(|db| Ok(db.query_row("select 1", [], |r| r.get::<_, i64>(0))?)).await?;
    Ok(Json(serde_json::json!({"ready": true})))
}

/// How many events are not projected yet.
const WAITING: &str = "select coalesce(max(id), 0) - (select projected from progress) + (select count(*) from again) from events";

/// Prometheus's text format. No store's name and nothing of a shopper is in it.
async fn figures(State(state): State<AppState>) -> Result<impl IntoResponse, Problem> {
    let waiting = state.db().read(|db| Ok(db.query_row(WAITING, [], |r| r.get::<_, i64>(0))?)).await?;
    metrics::gauge!("events_waiting").set(waiting as f64);
    let figures = telemetry::figures();
    figures.run_upkeep();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], figures.render()))
}
