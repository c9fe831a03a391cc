//! `/v1/admin/stores/{store}/…`, for who holds one of the store's admin keys.

use axum::{
    Json,
    extract::{FromRequestParts, Path, State, rejection::JsonRejection},
    http::{StatusCode, header, request::Parts},
};
use promise::policy::{Delay, Invalid, Policy};
use serde_json::{Value, json, value::RawValue};
use wire::problem::FieldError;

use crate::{
    ingest, learning,
    problem::Problem,
    state::AppState,
    store::{audit, policies},
    written,
};

/// The store whose key the request holds. A missing key, a wrong one, and another store's are answered alike.
pub struct Admin(pub(super) String);

impl FromRequestParts<AppState> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Admin, Problem> {
        let path = parts.uri.path().strip_prefix("/v1/admin/stores/").unwrap_or_default();
        let store = path.split('/').next().unwrap_or_default();
        let given = parts.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()?.strip_prefix("Bearer "));
        let open = state.config().store(store).is_some_and(|s| s.opens(given.unwrap_or_default()));
        match open {
            true => Ok(Admin(store.to_owned())),
            false => Err(Problem::new(StatusCode::UNAUTHORIZED, "send one of the store's admin keys: Authorization: Bearer …")),
        }
    }
}

pub(super) fn refuse(wrong: Vec<Invalid>) -> Problem {
    Problem::invalid(wrong.into_iter().map(|i| FieldError { field: i.field, message: i.message }).collect())
}

pub(super) fn readable<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    body.map(|b| b.0).map_err(|e| Problem::new(e.status(), e.body_text()))
}

#[utoipa::path(get, path = "/v1/admin/stores/{store}/policy", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), responses((status = 200, body = Policy), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "None published yet", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn policy(Admin(store): Admin, State(state): State<AppState>) -> Result<Json<Policy>, Problem> {
    let now = state.now();
    let found = state.db().read(move |db| policies::at(db, &store, now)).await?;
    Ok(Json(found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "no policy is published yet"))?))
}

#[utoipa::path(put, path = "/v1/admin/stores/{store}/policy", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), request_body = Policy, responses((status = 200, description = "`{version}`", body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Fields that can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn publish(
    Admin(store): Admin,
    State(state): State<AppState>,
    body: Result<Json<Box<RawValue>>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let policy: Policy = written::read(readable(body)?.get()).map_err(refuse)?;
    let wrong = policy.validate();
    if !wrong.is_empty() {
        return Err(refuse(wrong));
    }
    let (id, now) = (store.clone(), state.now());
    let version = state.db().write(move |db| {
        let version = policies::publish(db, &id, &policy, now)?;
        audit::record(db, &id, audit::KEY, "policy.publish", &version.to_string(), &json!({}))?;
        Ok(version)
    });
    let version = version.await?;
    changed(&state, &store).await?;
    Ok(Json(json!({"version": version})))
}

#[utoipa::path(get, path = "/v1/admin/stores/{store}/delays", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), responses((status = 200, body = Vec<Delay>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn delays(Admin(store): Admin, State(state): State<AppState>) -> Result<Json<Vec<Delay>>, Problem> {
    Ok(Json(state.db().read(move |db| policies::delays(db, &store)).await?))
}

/// Makes a delay notice, or changes the one with its id.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/delays", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), request_body = Delay, responses((status = 201, body = Delay), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Fields that can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn put_delay(
    Admin(store): Admin,
    State(state): State<AppState>,
    body: Result<Json<Box<RawValue>>, JsonRejection>,
) -> Result<(StatusCode, Json<Delay>), Problem> {
    let delay: Delay = written::read(readable(body)?.get()).map_err(refuse)?;
    let wrong = delay.validate();
    if !wrong.is_empty() {
        return Err(refuse(wrong));
    }
    let (id, kept) = (store.clone(), delay.clone());
    let put = state.db().write(move |db| {
        policies::put_delay(db, &id, &kept)?;
        audit::record(db, &id, audit::KEY, "delay.put", &kept.id, &serde_json::to_value(&kept)?)
    });
    put.await?;
    changed(&state, &store).await?;
    Ok((StatusCode::CREATED, Json(delay)))
}

#[utoipa::path(delete, path = "/v1/admin/stores/{store}/delays/{id}", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("id" = String, Path)),
    responses((status = 204, description = "Ended"), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "No such notice", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn end_delay(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (_, id) = path.0;
    let of = store.clone();
    let ended = state.db().write(move |db| {
        let ended = policies::delete_delay(db, &of, &id)?;
        if ended {
            audit::record(db, &of, audit::KEY, "delay.end", &id, &json!({}))?;
        }
        Ok(ended)
    });
    if !ended.await? {
        return Err(Problem::new(StatusCode::NOT_FOUND, "there is no delay notice with this id"));
    }
    changed(&state, &store).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a payload said that could not be read, newest first.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/problems", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), responses((status = 200, description = "What could not be read, newest first", body = Vec<Object>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn problems(Admin(store): Admin, State(state): State<AppState>) -> Result<Json<Vec<Value>>, Problem> {
    let list = state.db().read(move |db| {
        let mut rows = db.prepare_cached(
            "select p.event, p.kind, p.field, p.code, p.message, e.source, e.topic, e.state from problems p join events e on e.id = p.event
             where p.store = ?1 order by p.id desc limit 200",
        )?;
        let rows = rows.query_map([store], |r| {
            Ok(json!({"event": r.get::<_, i64>(0)?, "kind": r.get::<_, String>(1)?, "field": r.get::<_, Option<String>>(2)?,
                "code": r.get::<_, Option<String>>(3)?, "message": r.get::<_, String>(4)?, "source": r.get::<_, String>(5)?,
                "topic": r.get::<_, Option<String>>(6)?, "set_aside": r.get::<_, i64>(7)? == 2}))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    });
    Ok(Json(list.await?))
}

/// The promise ledger's record of an order: what was promised, from which data, and what the page says it showed.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/promises/{order}", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("order" = String, Path)),
    responses((status = 200, description = "The promise ledger's record", body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "None recorded", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn promise(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let (_, order) = path.0;
    let found = state.db().read(move |db| {
        let sql = "select made_at, recorded_at, policy_version, method, window_from, window_to, confidence, request, offer, shown, language, delays, learned_version
                   from promises where store = ?1 and order_id = ?2 order by seq desc limit 1";
        let row = db.query_row(sql, [store, order], |r| {
            let parsed = |text: String| serde_json::from_str::<Value>(&text).unwrap_or_default();
            Ok(json!({"made_at": promise::Instant(r.get(0)?), "recorded_at": promise::Instant(r.get(1)?), "policy_version": r.get::<_, i64>(2)?,
                "method": r.get::<_, String>(3)?, "from": r.get::<_, Option<String>>(4)?, "to": r.get::<_, Option<String>>(5)?,
                "confidence": r.get::<_, i64>(6)?, "request": parsed(r.get(7)?), "offer": parsed(r.get(8)?),
                "shown": r.get::<_, Option<String>>(9)?, "language": r.get::<_, Option<String>>(10)?, "delays": parsed(r.get(11)?),
                "learned_version": r.get::<_, i64>(12)?}))
        });
        Ok(rusqlite::OptionalExtension::optional(row)?)
    });
    found.await?.map(Json).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "no promise is recorded for this order"))
}

/// Estimates of open orders depend on what changed.
pub(crate) async fn changed(state: &AppState, store: &str) -> Result<(), Problem> {
    state.forget_published(store);
    let (state, store) = (state.clone(), store.to_owned());
    tokio::spawn(async move {
        if let Err(e) = learning::renew(&state, &store).await {
            tracing::error!(error = format!("{e:#}"), store, "learning failed");
        }
        if let Err(e) = ingest::reestimate(&state, &store).await {
            tracing::error!(error = format!("{e:#}"), store, "re-estimating failed");
        }
    });
    Ok(())
}
