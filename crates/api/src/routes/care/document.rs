//! `GET /v1/orders/{token}/care`: the care document, made for the reader's language.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use view::{Locale, order::Reader};
use wire::{CareDocument, care};

use crate::{
    care::{
        checks,
        help::{self, Moment},
    },
    problem::Problem,
    push,
    routes::{
        orders::{claim, load, not_yet},
        stores::unchanged,
    },
    state::AppState,
    store::care as kept,
    token::Claim,
    words::Words,
};

/// An order, its reader, and what help there is.
pub struct Asked {
    pub claim: Claim,
    pub token: String,
    pub words: Arc<Words>,
    pub document: CareDocument,
}

/// Verifies the token and makes the document.
pub async fn asked(state: &AppState, token: &str, headers: &HeaderMap) -> Result<Asked, Problem> {
    let claim = claim(state, token)?;
    let words = state.words(&claim.store, headers).await?;
    let found = load(state, &claim).await?.ok_or_else(not_yet)?;
    let mut order = found.document.clone();
    let now = state.now();
    kept::complete(&mut order, now);
    order.sentence = Some(view::order::sentence(&order, Reader { now, offset: None }, &*words));
    let key = push::public_key(state).await?;
    let page = format!("/track/{token}");
    let public = state.config().public_url.trim_end_matches('/').to_owned();
    let (of, say) = (claim.clone(), words.clone());
    let info = state.store_info(&claim.store).ok_or_else(Problem::no_store)?;
    let document = state
        .db()
        .read(move |db| {
            let settings = kept::settings::of(db, &of.store)?;
            let peak = crate::store::policies::delays(db, &of.store)?
                .iter()
                .any(|d| d.reason == "peak" && d.from <= now && d.until.is_none_or(|until| until > now));
            let moment = Moment { open_reports: kept::reports::count_open(db, &of.store)?, peak };
            let help = settings.help.on.then(|| help::help(&order, &settings.help, moment, &*say));
            let kinds = if settings.reports.on { checks::kinds(&order, &settings.reports.kinds) } else { Vec::new() };
            let items = order.shipments.iter().flat_map(|s| &s.items).chain(&order.unshipped).map(|i| care::Item {
                sku: i.sku.clone(),
                title: i.title.clone(),
                quantity: i.quantity,
            });
            let mut items: Vec<care::Item> = items.filter(|i| !i.sku.is_empty()).collect();
            items.sort_by(|a, b| a.sku.cmp(&b.sku));
            items.dedup_by(|a, b| a.sku == b.sku);
            let mut reports = Vec::new();
            if settings.reports.on {
                for k in kept::reports::all(db, &of.store, &of.order_id)? {
                    reports.push(kept::reports::shown(db, k, &settings.reports, now)?);
                }
            }
            let due = order.care.as_ref().is_some_and(|c| c.ask) && !kept::feedback::answered(db, &of.store, &of.order_id)?;
            let updates = settings.updates;
            let push_page = updates.push_page.unwrap_or_else(|| format!("{public}/push/{}", page.trim_start_matches("/track/")));
            Ok(CareDocument {
                store: order.store.id.clone(),
                store_name: order.store.name.clone(),
                number: order.number.clone(),
                page,
                situation: checks::situation(&order).into(),
                help,
                kinds: kinds.into_iter().map(|k| checks::offered(&order, k, None)).collect(),
                items,
                reports,
                feedback: settings.feedback.on.then_some(care::Asked { due }),
                updates: care::Updates {
                    push: updates.push.then_some(push_page),
                    push_key: updates.push.then_some(key),
                    email: updates.email,
                    sms: updates.sms,
                    on: kept::subscribers::on(db, &info, &of.order_id)?,
                },
                history: settings.history.on,
            })
        })
        .await?;
    Ok(Asked { claim, token: token.to_owned(), words, document })
}

#[utoipa::path(get, path = "/v1/orders/{token}/care", tag = "care", params(("token" = String, Path, description = "Order token")),
    responses((status = 200, body = CareDocument), (status = 304, description = "Unchanged"), (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "Not known yet", body = wire::Problem, content_type = "application/problem+json"), (status = 410, description = "The token has expired", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn document(State(state): State<AppState>, Path(token): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let asked = asked(&state, &token, &headers).await?;
    let text = serde_json::to_vec(&asked.document).unwrap_or_default();
    let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&text)[..12]));
    let mut response = if unchanged(&headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], text).into_response()
    };
    private(&mut response);
    let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    response.headers_mut().extend([(header::ETAG, value(&etag)), (header::CONTENT_LANGUAGE, value(asked.words.tag()))]);
    Ok(response)
}

/// What one shopper sees is nobody else's.
pub fn private(response: &mut Response) {
    response.headers_mut().extend([
        (header::VARY, HeaderValue::from_static("accept-language")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ]);
}

/// The store's own wording, as `data-texts` takes it. Cached by anybody.
#[utoipa::path(get, path = "/v1/stores/{store}/texts.json", tag = "care", params(("store" = String, Path, description = "The store's public id")),
    responses((status = 200, description = "Texts by language and key", body = Object), (status = 304, description = "Unchanged"), (status = 404, description = "No such store", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn texts(State(state): State<AppState>, Path(store): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    state.config().store(&store).ok_or_else(Problem::no_store)?;
    let text = serde_json::to_string(&*state.own_texts(&store).await?.unwrap_or_default()).unwrap_or_default();
    Ok(open(&headers, text, "public, no-cache"))
}

/// What anybody may see and keep, by its content.
fn open(headers: &HeaderMap, text: String, keep: &'static str) -> Response {
    let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&text)[..12]));
    let head = [
        (header::ETAG, HeaderValue::from_str(&etag).unwrap_or(HeaderValue::from_static("\"\""))),
        (header::CACHE_CONTROL, HeaderValue::from_static(keep)),
    ];
    if unchanged(headers, &etag) {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// The public part of a store's settings: what is on. Cached by anybody.
#[utoipa::path(get, path = "/v1/stores/{store}/care.json", tag = "care", params(("store" = String, Path, description = "The store's public id")),
    responses((status = 200, description = "What is switched on, and the store's contacts", body = Object), (status = 304, description = "Unchanged"), (status = 404, description = "No such store", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn public(State(state): State<AppState>, Path(store): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    state.config().store(&store).ok_or_else(Problem::no_store)?;
    let settings = state.db().read(move |db| kept::settings::of(db, &store)).await?;
    let words = Words::accepted(&headers);
    let contacts: Vec<_> = settings
        .help
        .contacts
        .iter()
        .map(|c| {
            let text = |t| crate::care::settings::text(t, &words.language()).to_owned();
            serde_json::json!({"kind": c.kind, "label": text(&c.label), "hours": text(&c.hours), "address": c.address, "minutes": c.minutes})
        })
        .collect();
    let shown = serde_json::json!({"help": settings.help.on, "reports": settings.reports.on, "feedback": settings.feedback.on, "history": settings.history.on,
        "updates": {"push": settings.updates.push, "email": settings.updates.email, "sms": settings.updates.sms}, "contacts": contacts});
    let mut response = open(&headers, shown.to_string(), "public, max-age=300, stale-while-revalidate=86400");
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-language"));
    Ok(response)
}
