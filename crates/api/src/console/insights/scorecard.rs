//! A carrier's or an origin's scorecard: for the store, and for whoever has a link to it.

use axum::{
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{name_of, page, parts, period};
use crate::{
    console::{
        Failure, Fields, Session,
        frame::{self, action, csrf, field, moment},
    },
    insight::{
        chart::{Columns, number},
        report::{self, Period, Row},
        share,
    },
    problem::Problem,
    routes::insight::{Asked, Link, ToShare, links, share_link, spreadsheet, take_back, today},
    state::AppState,
    store::people::Role,
};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Of {
    dimension: String,
    key: String,
    from: Option<String>,
    to: Option<String>,
    days: Option<i32>,
}

/// What both readers see.
fn card(row: &Row, weeks: &[Row], by_origin: bool) -> Markup {
    html! {
        div.tiles {
            (parts::tile("Parcels shipped", number(row.shipped), ""))
            (parts::tile("Delivered", number(row.delivered), ""))
            (parts::tile("Late", parts::percent(row.late_percent), &format!("{} of {} that were due", number(row.parcels_late), number(row.parcels_due))))
            @if by_origin { (parts::tile("Until it leaves, median", parts::days(row.handling_median), &format!("nine of ten within {}", parts::days(row.handling_p90)))) }
            (parts::tile("On the way, median", parts::days(row.transit_median), &format!("nine of ten within {}", parts::days(row.transit_p90))))
            (parts::tile("In trouble", number(row.troubled), &format!("{} lost, {} damaged, {} returned, {} failed attempts",
                number(row.lost), number(row.damaged), number(row.returned), number(row.attempts_failed))))
        }
        section {
            h2 { "By week" }
            (Columns {
                id: "weeks",
                title: "Parcels that were due, by week",
                says: format!("{} parcels were due, {} of them late.", number(row.parcels_due), number(row.parcels_late)),
                over: "Week of",
                labels: weeks.iter().map(|w| w.key.clone()).collect(),
                series: vec![("In time", weeks.iter().map(|w| w.parcels_due - w.parcels_late).collect()), ("Late", weeks.iter().map(|w| w.parcels_late).collect())],
                mark: None,
            }.draw())
        }
        p.hint { "Late: after the last day promised to the shopper. Days are calendar days, from the order to the carrier's first scan, and from there to the door. Parcels in trouble: any exception or failed attempt." }
    }
}

pub async fn one(State(state): State<AppState>, session: Session, Query(of): Query<Of>) -> Result<Markup, Failure> {
    let dimension =
        share::dimension_named(&of.dimension).filter(|_| !of.key.is_empty()).ok_or_else(|| Failure::none("scorecard"))?;
    let chosen = period(&Asked::new(of.from, of.to, of.days), today(&state, &session.store).await?);
    let (store, looked_at, key) = (session.store.clone(), chosen.0, of.key.clone());
    let (row, weeks) = state.db().read(move |db| report::of_key(db, &store, looked_at, dimension, &key)).await?;
    let may = session.may(Role::Support);
    let shared: Vec<Link> = if may { links(&state, &session.store).await.map_err(failed)? } else { Vec::new() };
    let now = state.now();
    let here = shared.iter().filter(|l| {
        l.shared.dimension == dimension && l.shared.key == of.key && l.shared.revoked_at.is_none() && l.shared.expires_at > now
    });
    let here: Vec<&Link> = here.collect();
    let public = state.config().public_url.trim_end_matches('/').to_owned();
    let body = html! {
        (card(&row, &weeks, dimension == "origin"))
        @if may {
            section {
                h2 { "Share it" }
                p { "A link shows this scorecard, and nothing else, to whoever has it, until it ends or you take it back." }
                form.narrow method="post" action=(session.to("insights/share")) {
                    (csrf(&session))
                    input type="hidden" name="dimension" value=(dimension);
                    input type="hidden" name="key" value=(of.key);
                    (field("It shows the last so many days", "days", "91").kind("number").required())
                    (field("It opens for so many days", "valid_days", "30").kind("number").required())
                    button.main type="submit" { "Make a link" }
                }
                @if !here.is_empty() {
                    ul.rows { @for l in here {
                        li {
                            span { a href={ (public) (l.path) } { "Link by " (l.shared.made_by) } br; span.hint { (l.shared.days) " days; until " (moment(l.shared.expires_at)) } }
                            (action(&session, &session.to("insights/revoke"), &[("id", &l.shared.id), ("dimension", dimension), ("key", &of.key)], "Take it back", "danger"))
                        }
                    } }
                }
            }
        }
    };
    let title = name_of(dimension, &of.key);
    Ok(page(&session, if dimension == "origin" { "insights/origins" } else { "insights/carriers" }, &title, chosen, body))
}

fn failed(problem: Problem) -> Failure {
    let p = problem.0;
    let said = p.errors.first().map_or(p.detail.clone(), |e| format!("{}: {}", e.field, e.message));
    anyhow::anyhow!("{said}").into()
}

fn back(fields: &Fields) -> String {
    format!("insights/scorecard?dimension={}&key={}", parts::encoded(fields.get("dimension")), parts::encoded(fields.get("key")))
}

pub async fn share(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let asked = ToShare {
        dimension: fields.get("dimension").into(),
        key: fields.get("key").into(),
        days: Some(fields.get("days").parse().unwrap_or(0)),
        valid_days: Some(fields.get("valid_days").parse().unwrap_or(0)),
    };
    match share_link(&state, &session.store, &asked, &session.person.name).await {
        Ok(_) => Ok(session.done(&back(&fields), "saved")),
        Err(problem) => {
            let errors: Vec<String> = problem.0.errors.iter().map(|e| format!("{}: {}", e.field, e.message)).collect();
            let body =
                html! { h1 { "Share a scorecard" } (frame::wrong(&errors)) p { a href=(session.to(&back(&fields))) { "Back" } } };
            Ok(frame::refused(frame::page("Share a scorecard", &session, body)))
        }
    }
}

pub async fn revoke(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    take_back(&state, &session.store, fields.get("id"), &session.person.name).await.map_err(failed)?;
    Ok(session.done(&back(&fields), "removed"))
}

/// What a link opens: the store, what is shown, and the figures.
async fn opened(state: &AppState, token: &str) -> anyhow::Result<Option<(String, share::Shared, Period, Row, Vec<Row>)>> {
    let config = state.config();
    let Some((store, id)) = share::verify(token, |store| config.token_secrets(store), state.now().0) else { return Ok(None) };
    let Some(name) = config.store(&store).map(|s| s.name.clone()) else { return Ok(None) };
    let today = today(state, &store).await?;
    let found = state.db().read(move |db| {
        let Some(shared) = share::open(db, &store, &id)? else { return Ok(None) };
        let Some(dimension) = share::dimension_named(&shared.dimension) else { return Ok(None) };
        let period = Period::back(today, shared.days);
        let (row, weeks) = report::of_key(db, &store, period, dimension, &shared.key)?;
        Ok(Some((shared, period, row, weeks)))
    });
    Ok(found.await?.map(|(shared, period, row, weeks)| (name, shared, period, row, weeks)))
}

const HEAD: [(header::HeaderName, HeaderValue); 4] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; img-src data:; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
];

/// `/scorecard/{token}`: for whoever has the link.
pub async fn shared(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    let (status, title, body) = match opened(&state, &token).await {
        Ok(Some((store, shared, period, row, weeks))) => {
            let title = format!("{}, for {store}", name_of(&shared.dimension, &shared.key));
            let body = html! {
                h1 { (title) }
                p { (period.from.to_string()) " to " (period.to.to_string()) }
                (card(&row, &weeks, shared.dimension == "origin"))
                p { a href={ "/scorecard/" (token) "/weeks.csv" } { "Weeks as a table (CSV)" } }
                p.hint { "This link ends on " (moment(shared.expires_at)) "." }
            };
            (StatusCode::OK, title, body)
        }
        Ok(None) => (
            StatusCode::NOT_FOUND,
            "No scorecard".to_owned(),
            html! { h1 { "This link opens nothing" } p { "It has ended, was taken back, or was not copied whole. Ask the store for a new one." } },
        ),
        Err(e) => {
            tracing::error!(error = format!("{e:#}"), "a scorecard was not shown");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "No scorecard".to_owned(),
                html! { h1 { "Something went wrong here" } p { "Try again in a moment." } },
            )
        }
    };
    (status, HEAD, frame::bare(&title, html! { div.wide { (body) } })).into_response()
}

/// The same as a table.
pub async fn shared_csv(State(state): State<AppState>, Path(token): Path<String>) -> Result<Response, Problem> {
    let found = opened(&state, &token).await?;
    let (_, shared, _, _, weeks) =
        found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "this link opens nothing: it has ended or was taken back"))?;
    Ok(spreadsheet(&format!("{}-weeks", shared.id), report::Table::Rows(weeks).csv()?))
}
