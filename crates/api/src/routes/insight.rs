//! `/v1/admin/stores/{store}/analytics…`: what can be learned; `…/contacts`: what support tools tell; `/scorecard/{token}`: what is shared.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::JsonRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use promise::{Day, Instant};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wire::problem::FieldError;

use super::admin::{Admin, readable};
use crate::{
    insight::{
        answers::{self, Heard, Messages, Reported},
        contacts::{self, CHANNELS, Contacts, REASONS},
        days,
        report::{self, Confidence, Count, Period, Row},
        share::{self, Shared},
        trends::{self, Trend},
    },
    problem::Problem,
    state::AppState,
    store::{audit, insight, orders::plain},
};

/// The days that are asked for: `from` and `to`, or so many `days` up to today.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    from: Option<String>,
    to: Option<String>,
    days: Option<i32>,
}

const MOST_DAYS: i32 = 1100;

impl Asked {
    pub fn new(from: Option<String>, to: Option<String>, days: Option<i32>) -> Asked {
        Asked { from, to, days }
    }

    pub fn period(&self, today: Day) -> Result<Period, Problem> {
        let wrong =
            |field: &str, message: &str| Problem::invalid(vec![FieldError { field: field.into(), message: message.into() }]);
        let day = |name: &'static str, text: &Option<String>| match text.as_deref().filter(|t| !t.is_empty()) {
            None => Ok(None),
            Some(text) => Day::parse(text).map(Some).ok_or_else(|| wrong(name, "write a day: 2026-12-01")),
        };
        let (from, to) = (day("from", &self.from)?, day("to", &self.to)?.unwrap_or(today));
        let days = self.days.unwrap_or(28);
        if !(1..=MOST_DAYS).contains(&days) {
            return Err(wrong("days", "write a number from 1 to 1100"));
        }
        let period = Period { from: from.unwrap_or(Day(to.0 - days + 1)), to };
        match period.days() {
            1..=MOST_DAYS => Ok(period),
            ..1 => Err(wrong("from", "must not be after to")),
            _ => Err(wrong("from", "at most 1100 days can be looked at together")),
        }
    }
}

/// The day that it is where the store lives.
pub async fn today(state: &AppState, store: &str) -> anyhow::Result<Day> {
    Ok(Day(days::day(state.now(), state.zone(store).await?)))
}

/// What can be learned of a period, in one document. Tables by carrier, place and so on have routes of their own.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Analytics)]
pub struct Overview {
    pub from: String,
    pub to: String,
    pub total: Row,
    /// The period of the same length before it.
    pub before: Row,
    /// Days between the last day promised and the arrival, with the number of orders; below zero: early.
    pub margins: Vec<(i64, i64)>,
    pub confidences: Vec<Confidence>,
    /// What went wrong with parcels.
    pub wrong: Vec<Count>,
    pub contacts: Contacts,
    /// What has changed by more than chance explains, in the last whole week.
    pub trends: Vec<Trend>,
}

/// The whole of it.
pub fn overview(db: &rusqlite::Connection, store: &str, period: Period, today: Day) -> anyhow::Result<Overview> {
    let total = report::total(db, store, period)?;
    let earlier = Period { from: Day(period.from.0 - period.days()), to: Day(period.from.0 - 1) };
    Ok(Overview {
        from: period.from.to_string(),
        to: period.to.to_string(),
        total: Row::of("", &total),
        before: Row::of("", &report::total(db, store, earlier)?),
        margins: report::margins(&total),
        confidences: report::confidences(db, store, period)?,
        wrong: report::wrong(&total),
        contacts: contacts::read(db, store, period)?,
        trends: trends::of_store(db, store, today)?,
    })
}

#[utoipa::path(get, path = "/v1/admin/stores/{store}/analytics", tag = "analytics", security(("admin" = [])),
    params(("store" = String, Path), ("from" = Option<String>, Query), ("to" = Option<String>, Query, description = "Today by default"), ("days" = Option<i32>, Query, description = "Where there is no `from`; 28 by default")),
    responses((status = 200, body = Overview), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "No such period", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn analytics(
    Admin(store): Admin,
    State(state): State<AppState>,
    Query(asked): Query<Asked>,
) -> Result<Json<Overview>, Problem> {
    let today = today(&state, &store).await?;
    let period = asked.period(today)?;
    Ok(Json(state.db().read(move |db| overview(db, &store, period, today)).await?))
}

/// What shoppers were told: messages by how they ended, by week, channel and notice; who opted out.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/analytics/messages", tag = "analytics", security(("admin" = [])),
    params(("store" = String, Path), ("from" = Option<String>, Query), ("to" = Option<String>, Query), ("days" = Option<i32>, Query)),
    responses((status = 200, body = Messages), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "No such period", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn messages(
    Admin(store): Admin,
    State(state): State<AppState>,
    Query(asked): Query<Asked>,
) -> Result<Json<Messages>, Problem> {
    let period = asked.period(today(&state, &store).await?)?;
    Ok(Json(state.db().read(move |db| answers::told(db, &store, period)).await?))
}

/// How it was: scores from 0 to 10, with comments.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/analytics/feedback", tag = "analytics", security(("admin" = [])),
    params(("store" = String, Path), ("from" = Option<String>, Query), ("to" = Option<String>, Query), ("days" = Option<i32>, Query)),
    responses((status = 200, body = Heard), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "No such period", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn feedback(
    Admin(store): Admin,
    State(state): State<AppState>,
    Query(asked): Query<Asked>,
) -> Result<Json<Heard>, Problem> {
    let period = asked.period(today(&state, &store).await?)?;
    Ok(Json(state.db().read(move |db| answers::heard(db, &store, period)).await?))
}

/// What was reported, by kind, with how it ended; thefts by place.
#[utoipa::path(get, path = "/v1/admin/stores/{store}/analytics/reports", tag = "analytics", security(("admin" = [])),
    params(("store" = String, Path), ("from" = Option<String>, Query), ("to" = Option<String>, Query), ("days" = Option<i32>, Query)),
    responses((status = 200, body = Reported), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "No such period", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn reports(
    Admin(store): Admin,
    State(state): State<AppState>,
    Query(asked): Query<Asked>,
) -> Result<Json<Reported>, Problem> {
    let period = asked.period(today(&state, &store).await?)?;
    Ok(Json(state.db().read(move |db| answers::reported(db, &store, period)).await?))
}

#[utoipa::path(get, path = "/v1/admin/stores/{store}/analytics/{table}", tag = "analytics", security(("admin" = [])),
    params(("store" = String, Path), ("table" = String, Path, description = "`days`, `weeks`, `carriers`, `origins`, `methods`, `places`, `lanes`, `areas`; with `.csv` for a spreadsheet"), ("from" = Option<String>, Query), ("to" = Option<String>, Query), ("days" = Option<i32>, Query)),
    responses((status = 200, body = Vec<Row>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "No such table", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "No such period", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn one_table(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let (_, name) = path.0;
    let period = asked.period(today(&state, &store).await?)?;
    let (plain, as_csv) = name.strip_suffix(".csv").map_or((name.as_str(), false), |n| (n, true));
    let asked = plain.to_owned();
    let found = state.db().read(move |db| report::table(db, &store, period, &asked)).await?;
    let rows = found.ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, format!("there is no such table; there are {}", report::TABLES.join(", ")))
    })?;
    if !as_csv {
        return Ok(Json(rows).into_response());
    }
    Ok(spreadsheet(&format!("{plain}-{}-{}", period.from, period.to), rows.csv()?))
}

/// A file for a spreadsheet.
pub fn spreadsheet(name: &str, csv: Vec<u8>) -> Response {
    let head = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    (head, csv).into_response()
}

/// A contact that the store's support had. What was said in it is not wanted and not kept.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = Contact)]
#[serde(default)]
pub struct Told {
    /// The tool's own id: the same one again is a correction.
    id: String,
    #[schema(example = "2026-12-01T09:30:00+01:00")]
    at: String,
    /// `where_is_it`, `late`, `not_received` (these ask where an order is), `damaged`, `wrong_item`, `address_change`, `cancel`, `return`,
    /// `other`; any other word counts as `other`.
    reason: String,
    /// `email`, `chat`, `phone`, `form`, `social`, `other`.
    channel: String,
    /// Which order it is about, if that is known: its id, or the number that the shopper knows.
    order_id: Option<String>,
    order_number: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = Contacts)]
#[serde(untagged)]
pub enum Log {
    Many { contacts: Vec<Told> },
    One(Told),
}

const MOST_CONTACTS: usize = 1000;

/// What support tools post: one contact, or up to a thousand.
#[utoipa::path(post, path = "/v1/admin/stores/{store}/contacts", tag = "analytics", security(("admin" = [])), params(("store" = String, Path)), request_body = Log,
    responses((status = 200, description = "`{accepted, corrected}`", body = Object), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Contacts that can't be taken; none is", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn log(
    Admin(store): Admin,
    State(state): State<AppState>,
    body: Result<Json<Log>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let told = match readable(body)? {
        Log::Many { contacts } => contacts,
        Log::One(contact) => vec![contact],
    };
    if told.len() > MOST_CONTACTS {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "send at most 1000 contacts at a time"));
    }
    let (now, mut wrong, mut good) = (state.now(), Vec::new(), Vec::new());
    for (n, contact) in told.into_iter().enumerate() {
        let mut bad = |field: &str, message: &str| {
            wrong.push(FieldError { field: format!("contacts[{n}].{field}"), message: message.into() });
        };
        if contact.id.is_empty() || contact.id.len() > 200 {
            bad("id", "write the tool's own id of the contact, at most 200 characters");
        }
        match Instant::parse(&contact.at) {
            None => bad("at", "write a time with its offset: 2026-12-01T09:30:00+01:00"),
            Some(at) if at.0 > now.0 + 86_400 => bad("at", "lies in the future"),
            Some(at) if at.0 < 946_684_800 => bad("at", "lies before the year 2000"),
            Some(at) => good.push((contact, at)),
        }
    }
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    // Looks of the last seconds count too: the contact may follow them closely.
    crate::insight::looks::flush(&state).await?;
    fn known(word: &str, words: &[&str]) -> String {
        let word = word.trim().to_lowercase();
        if words.contains(&word.as_str()) { word } else { "other".into() }
    }
    let count = state.db().write(move |db| {
        let mut new = 0;
        for (told, at) in &good {
            let order = match (&told.order_id, &told.order_number) {
                (Some(id), _) if !id.is_empty() => known_order(db, "id", &store, id)?,
                (_, Some(number)) if !number.is_empty() => known_order(db, "number", &store, &plain(number))?,
                _ => None,
            };
            let contact = insight::Contact {
                id: told.id.clone(),
                at: at.0,
                order,
                reason: known(&told.reason, &REASONS.map(|r| r.0)),
                channel: known(&told.channel, &CHANNELS),
            };
            new += usize::from(insight::contact(db, &store, &contact)?);
        }
        Ok(json!({"accepted": new, "corrected": good.len() - new}))
    });
    Ok(Json(count.await?))
}

fn known_order(db: &rusqlite::Connection, by: &str, store: &str, value: &str) -> anyhow::Result<Option<String>> {
    let sql = format!("select id from orders where store = ?1 and {by} = ?2 limit 1");
    Ok(rusqlite::OptionalExtension::optional(db.prepare_cached(&sql)?.query_row([store, value], |r| r.get(0)))?)
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct Baseline {
    /// Contacts that asked where an order is, per 100 orders, before shoppers had an order page; null: unknown.
    contacts_per_100_orders: Option<f64>,
}

/// Says what it was before: what avoided contacts are measured by, where the contact log does not reach so far back.
#[utoipa::path(put, path = "/v1/admin/stores/{store}/analytics/baseline", tag = "analytics", security(("admin" = [])), params(("store" = String, Path)), request_body = Baseline,
    responses((status = 204, description = "Noted"), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "No such rate", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn baseline(
    Admin(store): Admin,
    State(state): State<AppState>,
    body: Result<Json<Baseline>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let rate = readable(body)?.contacts_per_100_orders;
    if rate.is_some_and(|r| !(0.0..=1000.0).contains(&r)) {
        return Err(Problem::invalid(vec![FieldError {
            field: "contacts_per_100_orders".into(),
            message: "write a number from 0 to 1000".into(),
        }]));
    }
    let write = state.db().write(move |db| {
        insight::set_baseline(db, &store, rate)?;
        audit::record(db, &store, audit::KEY, "analytics.baseline", "", &json!({"contacts_per_100_orders": rate}))
    });
    write.await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct ToShare {
    /// `carrier` or `origin`.
    pub dimension: String,
    pub key: String,
    /// How far back it shows; 91 by default.
    pub days: Option<i32>,
    /// How long it opens; 30 by default, 366 at most.
    pub valid_days: Option<i64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Link {
    #[serde(flatten)]
    pub shared: Shared,
    /// Where it opens, below the public address.
    pub path: String,
}

/// Makes a link that shows one scorecard to whoever has it, until it ends.
pub async fn share_link(state: &AppState, store: &str, asked: &ToShare, by: &str) -> Result<Link, Problem> {
    let mut wrong = Vec::new();
    let mut bad = |field: &str, message: &str| wrong.push(FieldError { field: field.into(), message: message.into() });
    let (days, valid) = (asked.days.unwrap_or(91), asked.valid_days.unwrap_or(30));
    if share::dimension_named(&asked.dimension).is_none() {
        bad("dimension", "write carrier or origin");
    }
    if asked.key.is_empty() || asked.key.len() > 200 {
        bad("key", "write the carrier's code or the origin's id");
    }
    if !(1..=MOST_DAYS).contains(&days) {
        bad("days", "write a number from 1 to 1100");
    }
    if !(1..=share::LONGEST).contains(&valid) {
        bad("valid_days", "write a number from 1 to 366");
    }
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
    let now = state.now();
    let shared = Shared {
        id: hex::encode(id),
        dimension: asked.dimension.clone(),
        key: asked.key.clone(),
        days,
        made_at: now,
        made_by: by.to_owned(),
        expires_at: Instant(now.0 + valid * 86_400),
        revoked_at: None,
    };
    let (kept, of, by) = (shared.clone(), store.to_owned(), by.to_owned());
    let write = state.db().write(move |db| {
        share::make(db, &of, &kept)?;
        let detail = json!({"dimension": kept.dimension, "key": kept.key, "expires_at": kept.expires_at});
        audit::record(db, &of, &by, "scorecard.share", &kept.id, &detail)
    });
    write.await?;
    Ok(Link { path: path_of(state, store, &shared), shared })
}

fn path_of(state: &AppState, store: &str, shared: &Shared) -> String {
    let config = state.config();
    let secrets = config.token_secrets(store);
    format!("/scorecard/{}", share::token(store, shared, secrets.first().copied().unwrap_or_default()))
}

/// A store's links, with their addresses.
pub async fn links(state: &AppState, store: &str) -> Result<Vec<Link>, Problem> {
    let of = store.to_owned();
    let found = state.db().read(move |db| share::list(db, &of)).await?;
    Ok(found.into_iter().map(|shared| Link { path: path_of(state, store, &shared), shared }).collect())
}

/// Takes a link back: it opens nothing from now on.
pub async fn take_back(state: &AppState, store: &str, id: &str, by: &str) -> Result<bool, Problem> {
    let (of, id, by, now) = (store.to_owned(), id.to_owned(), by.to_owned(), state.now());
    let write = state.db().write(move |db| {
        let revoked = share::revoke(db, &of, &id, now)?;
        if revoked {
            audit::record(db, &of, &by, "scorecard.revoke", &id, &json!({}))?;
        }
        Ok(revoked)
    });
    Ok(write.await?)
}

#[utoipa::path(post, path = "/v1/admin/stores/{store}/scorecards", tag = "analytics", security(("admin" = [])), params(("store" = String, Path)), request_body = ToShare,
    responses((status = 201, body = Link), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Fields that can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn share_scorecard(
    Admin(store): Admin,
    State(state): State<AppState>,
    body: Result<Json<ToShare>, JsonRejection>,
) -> Result<(StatusCode, Json<Link>), Problem> {
    let asked = readable(body)?;
    Ok((StatusCode::CREATED, Json(share_link(&state, &store, &asked, audit::KEY).await?)))
}

#[utoipa::path(get, path = "/v1/admin/stores/{store}/scorecards", tag = "analytics", security(("admin" = [])), params(("store" = String, Path)),
    responses((status = 200, body = Vec<Link>), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn shared_scorecards(Admin(store): Admin, State(state): State<AppState>) -> Result<Json<Vec<Link>>, Problem> {
    Ok(Json(links(&state, &store).await?))
}

#[utoipa::path(delete, path = "/v1/admin/stores/{store}/scorecards/{id}", tag = "analytics", security(("admin" = [])), params(("store" = String, Path), ("id" = String, Path)),
    responses((status = 204, description = "It opens nothing any more"), (status = 401, description = "Wrong key", body = wire::Problem, content_type = "application/problem+json"), (status = 404, description = "No such link", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn revoke_scorecard(
    Admin(store): Admin,
    State(state): State<AppState>,
    path: Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (_, id) = path.0;
    match take_back(&state, &store, &id, audit::KEY).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::new(StatusCode::NOT_FOUND, "there is no scorecard link with this id")),
    }
}
