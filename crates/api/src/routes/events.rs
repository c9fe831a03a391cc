//! `/v1/admin/stores/{store}/…`: what came in, what was set aside, imports, compliance requests, and what went out.

use std::collections::BTreeMap;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
};
use rusqlite::OptionalExtension;
use serde::Deserialize;
use serde_json::{Value, json};

use super::admin::Admin;
use crate::{
    codes, import, ingest,
    problem::Problem,
    state::AppState,
    store::{audit, outbox, privacy},
};

fn none(what: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no {what} with this id"))
}

/// One event, as it came.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/events/{id}", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("id" = i64, Path)),
    responses((status = 200, description = "The raw event", body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "None with this id", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn event(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, i64)>,
) -> Result<Json<Value>, Problem> {
    let (_, id) = path.0;
    let found = state.db().read(move |db| {
        let sql = "select source, topic, event_id, received_at, case when state in (2, 3) then state
                when id > (select projected from progress) or id in (select event from again) then 0 else 1 end, body
            from events where store = ?1 and id = ?2";
        let row = db.query_row(sql, rusqlite::params![store, id], |r| {
            let body: Vec<u8> = r.get(5)?;
            let word = ["waiting", "read", "set_aside", "redacted"].get(r.get::<_, u8>(4)? as usize).copied();
            Ok(json!({"id": id, "source": r.get::<_, String>(0)?, "topic": r.get::<_, Option<String>>(1)?, "event_id": r.get::<_, String>(2)?,
                "received_at": promise::Instant(r.get(3)?), "state": word, "body": String::from_utf8_lossy(&body)}))
        });
        Ok(row.optional()?)
    });
    found.await?.map(Json).ok_or_else(|| none("event"))
}

/// Reads one event again.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/events/{id}/replay", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("id" = i64, Path)),
    responses((status = 202, description = "It is read again", body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "None with this id", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn replay(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, i64)>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (_, id) = path.0;
    match ingest::retry(&state, &store, Some(id)).await? {
        0 => Err(none("event that can be read again")),
        n => Ok((StatusCode::ACCEPTED, Json(json!({"events": n})))),
    }
}

/// Reads all events again that were set aside.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/events/replay", tag = "admin", security(("admin" = [])), params(("store" = String, Path)),
    responses((status = 202, description = "How many are read again", body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn replay_all(Admin(store): Admin, State(state): State<AppState>) -> Result<(StatusCode, Json<Value>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(json!({"events": ingest::retry(&state, &store, None).await?}))))
}

/// Codes that no table knows, by source, most frequent first: what to map; and those that the store has given a `status`.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/codes", tag = "admin", security(("admin" = [])), params(("store" = String, Path)),
    responses((status = 200, body = Vec<Object>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn codes(Admin(store): Admin, State(state): State<AppState>) -> Result<Json<Vec<Value>>, Problem> {
    Ok(Json(state.db().read(move |db| codes::list(db, &store)).await?))
}

/// What a code of a source means.
#[derive(Clone, Debug, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = CodeMeaning)]
pub struct Meant {
    source: String,
    code: String,
    /// A status of the vocabulary; absent: what was said before is taken back.
    status: Option<String>,
    sub_status: Option<String>,
}

/// Says what a code means that no table knows. What came in before is read anew with it, at once.
#[utoipa::path(put, path = "/v1/admin/stores/{store}/codes", tag = "admin", security(("admin" = [])), params(("store" = String, Path)), request_body = Meant,
    responses((status = 200, description = "How many parcels were read anew", body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Fields that can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn put_code(
    Admin(store): Admin,
    State(state): State<AppState>,
    body: Result<Json<Meant>, axum::extract::rejection::JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let m = super::admin::readable(body)?;
    let wrong = |field: &str, message: String| Problem::invalid(vec![wire::problem::FieldError { field: field.into(), message }]);
    for (field, value, most) in [("source", &m.source, 40), ("code", &m.code, 200)] {
        if value.is_empty() || value.len() > most {
            return Err(wrong(field, format!("name it, in at most {most} bytes")));
        }
    }
    let meaning = match &m.status {
        None => None,
        Some(status) => Some(codes::meaning(status, m.sub_status.as_deref()).map_err(|(field, e)| wrong(field, e))?),
    };
    let parcels = codes::say(&state, &store, audit::KEY, &m.source, &m.code, meaning).await?;
    Ok(Json(json!({"parcels": parcels})))
}

/// Orders and parcels as a table (`text/csv`) or as JSON lines (`application/x-ndjson`). Times without offset are in `zone`.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/imports", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("zone" = Option<String>, Query, description = "IANA zone of times without offset; UTC by default")),
    request_body(content = String, description = "text/csv or application/x-ndjson", content_type = "text/csv"),
    responses((status = 200, description = "Counts, and the lines that were refused", body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 415, description = "Neither", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "No line can be taken", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn imports(
    Admin(store): Admin,
    State(state): State<AppState>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    let body = body.map_err(|e| Problem::new(e.status(), format!("{e}: send the table in parts")))?;
    let zone = query.get("zone").map_or("UTC", String::as_str);
    let zone: chrono_tz::Tz = zone.parse().map_err(|_| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("zone: \"{zone}\" is no IANA time zone; write Europe/Berlin"))
    })?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let found = if kind.contains("csv") {
        import::csv(&body, zone).map_err(|e| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{e:#}")))?
    } else if kind.contains("ndjson") || kind.contains("jsonl") || kind.contains("json-lines") {
        import::json_lines(&body)
    } else {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send text/csv or application/x-ndjson"));
    };
    if found.bodies.is_empty() {
        let first = found.rejected.first().map_or_else(String::new, |r| format!(": line {}: {}", r.line, r.message));
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("no line can be taken{first}")));
    }
    let all = found.bodies.len();
    let new = ingest::import(&state, &store, found.bodies).await?;
    let counts = json!({"accepted": new, "repeated": all - new, "rejected": found.rejected.len()});
    state.db().write(move |db| audit::record(db, &store, audit::KEY, "orders.import", "", &counts)).await?;
    Ok(Json(json!({"accepted": new, "repeated": all - new, "rejected": found.rejected, "ignored_columns": found.ignored})))
}

/// Compliance requests that a platform passed on, newest first.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/requests", tag = "admin", security(("admin" = [])), params(("store" = String, Path)),
    responses((status = 200, body = Vec<Object>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn requests(Admin(store): Admin, State(state): State<AppState>) -> Result<Json<Vec<Value>>, Problem> {
    Ok(Json(state.db().read(move |db| privacy::requests(db, &store)).await?))
}

/// All that is kept about the shopper of a data request.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/requests/{id}", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("id" = i64, Path)),
    responses((status = 200, body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "None with this id", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn request(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, i64)>,
) -> Result<Json<Value>, Problem> {
    let (_, id) = path.0;
    let now = state.now();
    let info = state.store_info(&store).ok_or_else(Problem::no_store)?;
    state.db().read(move |db| privacy::export(db, &info, id, now)).await?.map(Json).ok_or_else(|| none("request"))
}

/// The data was handed over.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/requests/{id}/done", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("id" = i64, Path)),
    responses((status = 204, description = "Noted"), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "None with this id", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn request_done(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, i64)>,
) -> Result<StatusCode, Problem> {
    let (_, id) = path.0;
    let now = state.now();
    let done = state.db().write(move |db| {
        let done = privacy::done(db, &store, id, now)?;
        if done {
            audit::record(db, &store, audit::KEY, "request.done", &id.to_string(), &json!({}))?;
        }
        Ok(done)
    });
    match done.await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(none("request")),
    }
}

#[derive(Deserialize)]
pub struct Which {
    /// Only those that were given up.
    #[serde(default)]
    dead: bool,
}

/// Outbound webhooks, newest first, with their last errors.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/outbox", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("dead" = Option<bool>, Query, description = "Only those that were given up")),
    responses((status = 200, body = Vec<Object>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn outbox(
    Admin(store): Admin,
    State(state): State<AppState>,
    Query(which): Query<Which>,
) -> Result<Json<Vec<Value>>, Problem> {
    Ok(Json(state.db().read(move |db| outbox::list(db, &store, which.dead)).await?))
}

/// Sends one again.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/outbox/{id}/replay", tag = "admin", security(("admin" = [])), params(("store" = String, Path), ("id" = String, Path)),
    responses((status = 202, description = "It is sent again"), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "None with this id", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn send_again(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (_, id) = path.0;
    let now = state.now();
    if !state.db().write(move |db| outbox::again(db, &store, &id, now)).await? {
        return Err(none("outbound webhook"));
    }
    state.wake_outbound();
    Ok(StatusCode::ACCEPTED)
}

/// Parcels whose carriers are asked: when they last answered, when they are asked next, and the accounts' state.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/polls", tag = "admin", security(("admin" = [])), params(("store" = String, Path)),
    responses((status = 200, body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn polls(Admin(store): Admin, State(state): State<AppState>) -> Result<Json<Value>, Problem> {
    let found = state.db().read(move |db| {
        let at = |seconds: Option<i64>| seconds.map(promise::Instant);
        let mut rows = db.prepare_cached("select tracking_number, poller, due_at, checked_at, failures, error from polls where store = ?1 order by due_at limit 500")?;
        let parcels: Vec<Value> = rows
            .query_map([&store], |r| {
                Ok(json!({"tracking_number": r.get::<_, String>(0)?, "carrier": r.get::<_, String>(1)?, "due_at": at(r.get(2)?), "checked_at": at(r.get(3)?),
                    "failures": r.get::<_, i64>(4)?, "error": r.get::<_, Option<String>>(5)?}))
            })?
            .collect::<Result<_, _>>()?;
        let mut rows = db.prepare_cached("select poller, next_at_ms, failures, error, answered_at from pollers where store = ?1 order by poller")?;
        let accounts: Vec<Value> = rows
            .query_map([&store], |r| {
                Ok(json!({"carrier": r.get::<_, String>(0)?, "next_at": at(Some(r.get::<_, i64>(1)? / 1000)), "failures": r.get::<_, i64>(2)?,
                    "error": r.get::<_, Option<String>>(3)?, "answered_at": at(r.get(4)?)}))
            })?
            .collect::<Result<_, _>>()?;
        Ok(json!({"accounts": accounts, "parcels": parcels}))
    });
    Ok(Json(found.await?))
}
