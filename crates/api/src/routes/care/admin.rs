//! `/v1/admin/stores/{store}/care…`: settings, reports, feedback.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::JsonRejection},
    http::StatusCode,
    response::Response,
};
use promise::Instant;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::care::Offer;

use super::{
    change,
    reports::{readable, sent},
};
use crate::{
    care::{
        report::{Action, Actor, Choice, Kind, State as ReportState},
        settings::Settings,
    },
    problem::Problem,
    routes::admin::Admin,
    state::AppState,
    store::{
        audit,
        care::{
            feedback,
            reports::{self, Did, Refused},
            settings, subscribers, thefts,
        },
    },
};

#[utoipa::path(get, path = "/v1/admin/stores/{store}/care", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), responses((status = 200, body = Settings), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn read(Admin(store): Admin, State(state): State<AppState>) -> Result<Json<Settings>, Problem> {
    Ok(Json(state.db().read(move |db| settings::of(db, &store)).await?))
}

#[utoipa::path(put, path = "/v1/admin/stores/{store}/care", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), request_body = Settings, responses((status = 200, description = "`{version}`", body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Fields that can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn write(
    Admin(store): Admin,
    State(state): State<AppState>,
    body: Result<Json<Settings>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let new = readable(body)?;
    let wrong = new.validate();
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let (id, now) = (store.clone(), state.now());
    let version = state
        .db()
        .write(move |db| {
            let version = settings::put(db, &id, &new, now)?;
            audit::record(db, &id, audit::KEY, "care.settings", "", &json!({"version": version}))?;
            Ok(version)
        })
        .await?;
    state.settings_changed(&store);
    Ok(Json(json!({"version": version})))
}

#[derive(Deserialize)]
pub struct Which {
    state: Option<String>,
    kind: Option<String>,
}

/// Reports, those that wait longest first; ended ones last.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/reports", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("state" = Option<String>, Query), ("kind" = Option<String>, Query)),
    responses((status = 200, body = Vec<Object>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "No such state or kind", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    Admin(store): Admin,
    State(state): State<AppState>,
    Query(which): Query<Which>,
) -> Result<Json<Vec<Value>>, Problem> {
    if let Some(s) = which.state.as_deref().filter(|s| ReportState::parse(s).is_none()) {
        return Err(Refused::Field("state", format!("there is no \"{s}\"")).into());
    }
    if let Some(k) = which.kind.as_deref().filter(|k| Kind::parse(k).is_none()) {
        return Err(Refused::Field("kind", format!("there is no \"{k}\"")).into());
    }
    Ok(Json(state.db().read(move |db| reports::list(db, &store, which.state.as_deref(), which.kind.as_deref())).await?))
}

/// A report with all that happened to it.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/reports/{id}", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "None with this id", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn one(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let (_, id) = path.0;
    let found = state.db().read(move |db| reports::whole(db, &store, &id)).await?;
    found.map(Json).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no report with this id"))
}

#[utoipa::path(get, path = "/v1/admin/stores/{store}/reports/{id}/photos/{photo}", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("id" = String, Path), ("photo" = String, Path)),
    responses((status = 200, description = "The picture", body = Vec<u8>, content_type = "image/jpeg"), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "None with this id", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn picture(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let (_, report, photo) = path.0;
    sent(state.db().read(move |db| reports::photo(db, &store, None, &report, &photo)).await?)
}

/// What the store does with a report.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = AdminReportAct)]
pub struct Act {
    /// `offer`: the options to choose from.
    pub offers: Vec<Offer>,
    /// What the shopper reads.
    pub note: String,
    /// A new order's number, a refund's, a claim's.
    pub reference: String,
}

/// Offers something, begins (`start`), settles, declines, or opens a report again.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/reports/{id}/{action}", tag = "admin", security(("admin" = [])),
    params(("store" = String, Path), ("id" = String, Path), ("action" = String, Path, description = "offer, start, settle, decline, reopen")), request_body = Act,
    responses((status = 200, description = "The report", body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "None with this id", body = wire::Problem, content_type = "application/problem+json"), (status = 409, description = "Not from its state", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "What can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn acted(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, String, String)>,
    body: Result<Json<Act>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let (_, id, name) = path.0;
    let asked = readable(body)?;
    let action = Action::parse(&name)
        .filter(|a| matches!(a, Action::Offer | Action::Start | Action::Settle | Action::Decline | Action::Reopen))
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there are offer, start, settle, decline and reopen"))?;
    if action == Action::Offer {
        if asked.offers.is_empty() || asked.offers.len() > 6 {
            return Err(Refused::Field("offers", "name one to six".into()).into());
        }
        for offer in &asked.offers {
            if Choice::parse(&offer.option).is_none_or(|c| c == Choice::Wait) {
                return Err(Refused::Field(
                    "offers",
                    format!("there is no \"{}\"; there are resend, refund, discount, claim and change", offer.option),
                )
                .into());
            }
            if offer.percent.is_some_and(|p| !(1..=100).contains(&p)) || offer.note.len() > 4000 || offer.from.is_some() {
                return Err(Refused::Field(
                    "offers",
                    "percent is 1 to 100, a note is short, and from is not yours to set".into(),
                )
                .into());
            }
        }
    }
    if asked.note.len() > 4000 || asked.reference.len() > 200 {
        return Err(Refused::Field("note", "is too long".into()).into());
    }
    let (of, which) = (store.clone(), id.clone());
    let order = state.db().read(move |db| reports::of_store(db, &of, &which)).await?;
    let order = order.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no report with this id"))?.order;
    let did = Did { words: asked.note, reference: asked.reference, offers: asked.offers, ..Did::default() };
    let which = id.clone();
    change(&state, &store, &order, move |db, info, now| {
        let done = reports::act(db, info, &which, None, action, Actor::Store, &did, now)?;
        if done.is_ok() {
            audit::record(db, &info.id, audit::KEY, &format!("report.{}", action.as_str()), &which, &json!({}))?;
        }
        Ok(done)
    })
    .await??;
    let found = state.db().read(move |db| reports::whole(db, &store, &id)).await?;
    Ok(Json(found.unwrap_or_default()))
}

#[derive(Deserialize)]
pub struct Since {
    /// Days back; 90 by default.
    days: Option<u16>,
}

/// Answers to how it went, newest first, and their summary.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/feedback", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("days" = Option<u16>, Query, description = "Of the summary; 90 by default")),
    responses((status = 200, description = "`{summary, answers}`", body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn feedback(
    Admin(store): Admin,
    State(state): State<AppState>,
    Query(since): Query<Since>,
) -> Result<Json<Value>, Problem> {
    let from = Instant(state.now().0 - i64::from(since.days.unwrap_or(90)) * 86_400);
    let found = state
        .db()
        .read(move |db| Ok(json!({"summary": feedback::summary(db, &store, from)?, "answers": feedback::list(db, &store)?})));
    Ok(Json(found.await?))
}

/// What was said yes and no to, newest first, with the words that were read.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/opt_ins", tag = "admin", security(("admin" = [])), params(("store" = String, Path)),
    responses((status = 200, body = Vec<Object>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn opt_ins(Admin(store): Admin, State(state): State<AppState>) -> Result<Json<Vec<Value>>, Problem> {
    Ok(Json(state.db().read(move |db| subscribers::opt_ins(db, &store)).await?))
}

/// Areas (country and the beginning of the postal code) where parcels were stolen from at least five orders (`safer.from` of the care settings) within a year.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/thefts", tag = "admin", security(("admin" = [])), params(("store" = String, Path)),
    responses((status = 200, body = Vec<Object>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn theft_areas(Admin(store): Admin, State(state): State<AppState>) -> Result<Json<Vec<Value>>, Problem> {
    let now = state.now();
    let found = state.db().read(move |db| thefts::areas(db, &store, now)).await?;
    Ok(Json(found.into_iter().map(|(area, orders)| json!({"area": area, "orders": orders})).collect()))
}
