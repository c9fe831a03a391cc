//! `/v1/orders/{token}/reports…`: the token is the capability; reports of other orders are not found.

use axum::{
    Json,
    body::Bytes,
    extract::{
        Path, State,
        rejection::{BytesRejection, JsonRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use wire::care::Report;

use super::{change, count, document, key};
use crate::{
    care::{
        photo,
        report::{Action, Actor, Kind},
    },
    problem::Problem,
    routes::orders::claim,
    state::AppState,
    store::care::{
        reports::{self, Did, New, Refused},
        settings,
    },
    token::Claim,
    words::Words,
};

/// What is reported.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = NewReport)]
pub struct Asked {
    /// One of those that the care document lists.
    pub kind: String,
    /// The parcel's id; the likeliest by default.
    pub shipment: Option<String>,
    /// SKUs of this order.
    pub items: Vec<String>,
    pub words: String,
    /// Checks that were made.
    pub checked: Vec<String>,
    /// The new address, for `address_change`.
    pub address: Option<String>,
    /// One of the checks has found it: recorded, and ended at once.
    pub found: bool,
}

/// What a shopper does with a report; which fields count depends on what.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ReportAct)]
pub struct Act {
    /// `agree`: one of the offers.
    pub option: String,
    /// `add`, `reopen`, `answer`.
    pub words: String,
    /// `withdraw`: it has turned up.
    pub found: bool,
    /// `answer`: did it help? No opens the report again.
    pub solved: Option<bool>,
}

/// Longest text that is taken at once.
const LONGEST: usize = 4000;

pub fn readable<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    body.map(|b| b.0).map_err(|e| Problem::new(e.status(), e.body_text()))
}

pub fn short(field: &'static str, text: &str) -> Result<(), Refused> {
    if text.len() > LONGEST {
        return Err(Refused::Field(field, format!("at most {LONGEST} bytes")));
    }
    Ok(())
}

/// Opens a report: the work of the JSON route and of the form.
pub async fn open(
    state: &AppState,
    claim: &Claim,
    asked: Asked,
    key: String,
    language: &str,
) -> Result<Result<String, Refused>, Problem> {
    let texts = [("words", asked.words.as_str()), ("address", asked.address.as_deref().unwrap_or_default())];
    if let Some(e) = texts.into_iter().find_map(|(field, text)| short(field, text).err()) {
        return Ok(Err(e));
    }
    if asked.items.len() > 100 || asked.checked.len() > 20 || asked.checked.iter().any(|c| c.len() > 40) {
        return Ok(Err(Refused::Field("items", "are too many".into())));
    }
    let new = New {
        kind: Kind::parse(&asked.kind),
        shipment: asked.shipment.filter(|s| !s.is_empty()),
        items: asked.items,
        words: asked.words.trim().to_owned(),
        checked: asked.checked,
        address: asked.address.map(|a| a.trim().to_owned()).filter(|a| !a.is_empty()),
        found: asked.found,
        language: language.to_owned(),
        key,
    };
    let order = claim.order_id.clone();
    change(state, &claim.store, &claim.order_id, move |db, info, now| reports::open(db, info, &order, new, now)).await
}

/// Does something with a report, for its shopper.
pub async fn act(state: &AppState, claim: &Claim, id: &str, action: Action, did: Did) -> Result<Result<(), Refused>, Problem> {
    if let Err(e) = short("words", &did.words) {
        return Ok(Err(e));
    }
    let (id, order) = (id.to_owned(), claim.order_id.clone());
    change(state, &claim.store, &claim.order_id, move |db, info, now| {
        reports::act(db, info, &id, Some(&order), action, Actor::Shopper, &did, now)
    })
    .await
}

/// Cleans and keeps a picture.
pub async fn add_photo(state: &AppState, claim: &Claim, id: &str, bytes: Bytes) -> Result<Result<String, Refused>, Problem> {
    let photo = match photo::clean(&bytes) {
        Ok(photo) => photo,
        Err(e) => return Ok(Err(Refused::Field("photo", e.to_string()))),
    };
    let (id, order) = (id.to_owned(), claim.order_id.clone());
    change(state, &claim.store, &claim.order_id, move |db, info, now| reports::add_photo(db, info, &order, &id, &photo, now))
        .await
}

async fn shown(state: &AppState, claim: &Claim, id: &str) -> Result<Report, Problem> {
    let (of, id, now) = (claim.clone(), id.to_owned(), state.now());
    let found = state.db().read(move |db| {
        let settings = settings::of(db, &of.store)?.reports;
        let kept = reports::get(db, &of.store, &of.order_id, &id)?;
        kept.map(|k| reports::shown(db, k, &settings, now)).transpose()
    });
    found.await?.ok_or_else(|| Refused::Unknown.into())
}

fn answered(status: StatusCode, report: Report) -> Response {
    let mut response = (status, Json(report)).into_response();
    document::private(&mut response);
    response
}

/// The order's reports, newest first.
#[utoipa::path(get, path = "/v1/orders/{token}/reports", tag = "care", params(("token" = String, Path, description = "Order token")),
    responses((status = 200, body = Vec<Report>), (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(State(state): State<AppState>, Path(token): Path<String>) -> Result<Response, Problem> {
    let claim = claim(&state, &token)?;
    let now = state.now();
    let list = state.db().read(move |db| {
        let settings = settings::of(db, &claim.store)?.reports;
        let kept = reports::all(db, &claim.store, &claim.order_id)?;
        kept.into_iter().map(|k| reports::shown(db, k, &settings, now)).collect::<anyhow::Result<Vec<_>>>()
    });
    let mut response = Json(list.await?).into_response();
    document::private(&mut response);
    Ok(response)
}

/// Reports something wrong. With the same `Idempotency-Key` it is done once.
#[utoipa::path(post, path = "/v1/orders/{token}/reports", tag = "care", params(("token" = String, Path, description = "Order token"), ("Idempotency-Key" = Option<String>, Header)), request_body = Asked,
    responses((status = 201, body = Report), (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json"), (status = 409, description = "The same is reported already, or none is taken", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "What can't be accepted", body = wire::Problem, content_type = "application/problem+json"), (status = 429, description = "Too many at once", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn create(
    State(state): State<AppState>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Result<Json<Asked>, JsonRejection>,
) -> Result<Response, Problem> {
    let claim = claim(&state, &token)?;
    count(&state, &claim)?;
    let asked = readable(body)?;
    let key = key(&headers).map_or_else(random_key, Ok)?;
    let id = open(&state, &claim, asked, key, Words::accepted(&headers).tag()).await??;
    Ok(answered(StatusCode::CREATED, shown(&state, &claim, &id).await?))
}

pub fn random_key() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("the system's random numbers: {e}"))?;
    Ok(hex::encode(bytes))
}

#[utoipa::path(get, path = "/v1/orders/{token}/reports/{id}", tag = "care", params(("token" = String, Path, description = "Order token"), ("id" = String, Path)),
    responses((status = 200, body = Report), (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "Not of this order", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn one(State(state): State<AppState>, Path((token, id)): Path<(String, String)>) -> Result<Response, Problem> {
    let claim = claim(&state, &token)?;
    Ok(answered(StatusCode::OK, shown(&state, &claim, &id).await?))
}

/// Agrees to an offer, adds to the report, withdraws it, opens it again, or answers whether it helped.
#[utoipa::path(post, path = "/v1/orders/{token}/reports/{id}/{action}", tag = "care",
    params(("token" = String, Path, description = "Order token"), ("id" = String, Path), ("action" = String, Path, description = "agree, add, withdraw, reopen, answer"), ("Idempotency-Key" = Option<String>, Header)), request_body = Act,
    responses((status = 200, body = Report), (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "Not of this order", body = wire::Problem, content_type = "application/problem+json"), (status = 409, description = "Not from its state", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "What can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn acted(
    State(state): State<AppState>,
    Path((token, id, action)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Result<Json<Act>, JsonRejection>,
) -> Result<Response, Problem> {
    let claim = claim(&state, &token)?;
    count(&state, &claim)?;
    let asked = readable(body)?;
    let action = action_of(&action)
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there are agree, add, withdraw, reopen and answer"))?;
    if action == Action::Answer && asked.solved.is_none() {
        return Err(Refused::Field("solved", "write true or false".into()).into());
    }
    let did = Did {
        option: asked.option,
        words: asked.words.trim().to_owned(),
        found: asked.found,
        solved: asked.solved,
        language: Words::accepted(&headers).tag().to_owned(),
        key: key(&headers),
        ..Did::default()
    };
    act(&state, &claim, &id, action, did).await??;
    Ok(answered(StatusCode::OK, shown(&state, &claim, &id).await?))
}

/// What a shopper may do, by its name in an address.
pub fn action_of(name: &str) -> Option<Action> {
    Action::parse(name).filter(|a| matches!(a, Action::Agree | Action::Add | Action::Withdraw | Action::Reopen | Action::Answer))
}

/// A picture's id.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PhotoAdded)]
pub struct Added {
    pub id: String,
}

/// Adds a picture: JPEG, PNG or WebP by its bytes, without what it tells besides the picture.
#[utoipa::path(post, path = "/v1/orders/{token}/reports/{id}/photos", tag = "care", params(("token" = String, Path, description = "Order token"), ("id" = String, Path)),
    request_body(content = Vec<u8>, content_type = "image/jpeg"),
    responses((status = 201, body = Added), (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "Not of this order", body = wire::Problem, content_type = "application/problem+json"), (status = 409, description = "Enough, or ended", body = wire::Problem, content_type = "application/problem+json"), (status = 413, description = "Too large", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "No picture", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn photo(
    State(state): State<AppState>,
    Path((token, id)): Path<(String, String)>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Added>), Problem> {
    let claim = claim(&state, &token)?;
    count(&state, &claim)?;
    let largest = state.config().limits.photo_bytes;
    let bytes = body.map_err(|e| Problem::new(e.status(), format!("the picture can't be taken: at most {largest} bytes")))?;
    let id = add_photo(&state, &claim, &id, bytes).await??;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// A picture, for who holds the order's token.
#[utoipa::path(get, path = "/v1/orders/{token}/reports/{id}/photos/{photo}", tag = "care", params(("token" = String, Path, description = "Order token"), ("id" = String, Path), ("photo" = String, Path)),
    responses((status = 200, description = "The picture", body = Vec<u8>, content_type = "image/jpeg"), (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "Not of this order", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn picture(
    State(state): State<AppState>,
    Path((token, report, photo)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let claim = claim(&state, &token)?;
    let found = state.db().read(move |db| reports::photo(db, &claim.store, Some(&claim.order_id), &report, &photo)).await?;
    sent(found)
}

/// A picture on its way out: it is what it says, it runs nothing, and nobody keeps it.
pub fn sent(found: Option<(String, Vec<u8>)>) -> Result<Response, Problem> {
    let (kind, bytes) = found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such picture"))?;
    let kind = HeaderValue::from_str(&kind).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let mut response = ([(header::CONTENT_TYPE, kind)], bytes).into_response();
    document::private(&mut response);
    response.headers_mut().extend([
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ]);
    Ok(response)
}
