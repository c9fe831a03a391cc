//! What the store's own deliveries teach, beside what the policy states: taken over with one click, or applied by itself.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use promise::{
    learned::Learned,
    policy::{Learning, Policy},
};

use super::{draft, keep};
use crate::{
    console::{
        Failure, Fields, Session,
        frame::{self, csrf, moment, refused},
    },
    learning::{Figures, Report, Summary, Taught},
    state::AppState,
    store::{learned, people::Role},
};

/// What a store's word for it is.
pub(super) const CHOICES: [(&str, &str); 3] = [
    ("suggest", "Suggest: shown beside what is stated, to be taken over"),
    ("apply", "Apply: promises follow the deliveries by themselves"),
    ("off", "Off: what is stated holds"),
];

pub(super) fn word(learning: Learning) -> &'static str {
    match learning {
        Learning::Suggest => "suggest",
        Learning::Apply => "apply",
        Learning::Off => "off",
    }
}

pub(super) fn read(word: &str) -> Learning {
    match word {
        "apply" => Learning::Apply,
        "off" => Learning::Off,
        _ => Learning::Suggest,
    }
}

struct Found {
    report: Report,
    applied: Option<learned::Version>,
    learned: Learned,
}

async fn find(state: &AppState, store: &str, policy: Policy) -> Result<Found, Failure> {
    let (store, now) = (store.to_owned(), state.now());
    let read = state.db().read(move |db| {
        let applied = learned::at(db, &store, now)?;
        let taught = Taught::read(db, &store, now)?;
        let report = taught.report(&policy, applied.as_ref(), now);
        Ok(Found { report, applied, learned: taught.learned(&policy, now) })
    });
    Ok(read.await?)
}

pub async fn page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    let draft = draft(&state, &session.store).await?;
    let found = find(&state, &session.store, draft.policy.clone()).await?;
    Ok(show(&session, &draft.policy, &found, draft.revision, ""))
}

fn show(session: &Session, policy: &Policy, found: &Found, revision: i64, problem: &str) -> Markup {
    let report = &found.report;
    let may = session.may(Role::Owner) && policy.learning != Learning::Off;
    let body = html! {
        p { a href=(session.to("policy")) { "Delivery policy" } }
        h1 { "What deliveries teach" }
        @if !problem.is_empty() { div.problem role="alert" { p { (problem) } } }
        p {
            "How long handling and transit took, in working days: recent deliveries count for more, parcels still under way count for the days that they have \
             waited, and a lane with few parcels leans on wider ones and on what is stated. "
            @match policy.learning {
                Learning::Suggest => "Nothing of it is applied until it is taken over into the draft. ",
                Learning::Apply => "It is applied by itself once a day; the newest two weeks may move a lane by one working day at most. ",
                Learning::Off => "Learning is switched off: what is stated holds. ",
            }
            a href=(session.to("policy/basics")) { "Change that in Basics" } "."
        }
        @if let Some(applied) = found.applied.as_ref().filter(|_| policy.learning == Learning::Apply) {
            p.hint { "Version " (applied.version) ", made " (moment(applied.made_at)) ", is in force." }
        }
        @if report.impossible > 0 || report.noticed > 0 {
            p.hint {
                @if report.impossible > 0 { (report.impossible) " parcels are left out: their days can't be, such as delivered before they left. " }
                @if report.noticed > 0 { (report.noticed) " parcels are left out: a known delay bore on them." }
            }
        }
        @if report.handling.is_empty() && report.transit.is_empty() {
            p.note { span { "Nothing was delivered yet from which something could be learned." } }
        } @else {
            @if may {
                form.inline method="post" action=(session.to("policy/learned")) {
                    (csrf(session))
                    input type="hidden" name="revision" value=(revision);
                    button.main type="submit" { "Take all of it over into the draft" }
                }
            }
            (table(session, policy, "Handling, by origin", &report.handling, may, revision))
            (table(session, policy, "Transit, by lane", &report.transit, may, revision))
        }
    };
    frame::page("What deliveries teach", session, body)
}

fn table(session: &Session, policy: &Policy, title: &str, rows: &[Figures], may: bool, revision: i64) -> Markup {
    const MOST: usize = 200;
    let applies = policy.learning == Learning::Apply;
    let mut rows: Vec<&Figures> = rows.iter().collect();
    rows.sort_by_key(|r| std::cmp::Reverse(r.parcels));
    html! {
        @if !rows.is_empty() {
            section {
                h2 { (title) }
                div.scroll tabindex="0" role="group" aria-label=(title) {
                    table {
                        thead { tr {
                            th scope="col" { "Lane" } th scope="col" { "Parcels" } th scope="col" { "Under way" }
                            th scope="col" { "Stated" } th scope="col" { "Learned" } th scope="col" { "On average" }
                            @if applies { th scope="col" { "Applied" } }
                            @if may { th scope="col" { span.hidden { "Take over" } } }
                        } }
                        tbody { @for row in rows.iter().take(MOST) { tr {
                            th scope="row" { (name(policy, row)) }
                            td data-name="Parcels" { (row.parcels) }
                            td data-name="Under way" { (row.under_way) @if row.overdue > 0 { span.hint { " and " (row.overdue) " likely lost" } } }
                            td data-name="Stated" { @match &row.stated { Some(s) => (span(s)), None => "–" } }
                            td data-name="Learned" { strong { (span(&row.learned)) } }
                            td data-name="On average" { (row.learned.mean) }
                            @if applies { td data-name="Applied" { @match &row.applied { Some(s) => (span(s)), None => "–" } } }
                            @if may { td {
                                @if row.stated.is_some() {
                                    form.inline method="post" action=(session.to("policy/learned")) {
                                        (csrf(session))
                                        input type="hidden" name="revision" value=(revision);
                                        input type="hidden" name="origin" value=(row.origin);
                                        input type="hidden" name="service" value=(row.service);
                                        input type="hidden" name="zone" value=(row.zone);
                                        button type="submit" aria-label={ "Take over: " (name(policy, row)) } { "Take over" }
                                    }
                                }
                            } }
                        } } }
                    }
                }
                @if rows.len() > MOST { p.hint { "The " (MOST) " lanes with most parcels of " (rows.len()) " are shown." } }
            }
        }
    }
}

/// Nine of ten parcels.
fn span(s: &Summary) -> String {
    if s.p10 == s.p90 { format!("{} days", s.p90) } else { format!("{} to {} days", s.p10, s.p90) }
}

fn name(policy: &Policy, row: &Figures) -> String {
    let known = |found: Option<&String>, id: &str| found.filter(|n| !n.is_empty()).cloned().unwrap_or_else(|| id.to_owned());
    let origin = known(policy.origins.iter().find(|o| o.id == row.origin).map(|o| &o.name), &row.origin);
    let service = known(policy.services.iter().find(|s| s.id == row.service).map(|s| &s.name), &row.service);
    let zone = known(policy.zones.iter().find(|z| z.id == row.zone).map(|z| &z.name), &row.zone);
    [origin, service, zone].into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// Takes over into the draft: one lane, or all.
pub async fn take(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let draft = draft(&state, &session.store).await?;
    let began = fields.get("revision").parse().unwrap_or(-1);
    let found = find(&state, &session.store, draft.policy.clone()).await?;
    let mut learned = found.learned.clone();
    let lane = ["origin", "service", "zone"].map(|f| fields.get(f).to_owned());
    if !lane[0].is_empty() {
        let wanted = |w: &promise::learned::Way| [&w.origin, &w.service, &w.zone] == lane.each_ref();
        learned.handling.retain(wanted);
        learned.transit.retain(wanted);
    }
    let mut policy = draft.policy.clone();
    learned.fill_days(&mut policy);
    if policy == draft.policy {
        let text = "There is nothing to take over: too few parcels, or the draft has it already.";
        return Ok(refused(show(&session, &draft.policy, &found, draft.revision, text)));
    }
    if !keep(&state, &session, policy, began).await? {
        let text = "Somebody has changed the draft since you opened this page. Look at it again, then take over.";
        return Ok(refused(show(&session, &draft.policy, &found, draft.revision, text)));
    }
    Ok(session.done("policy", "saved").into_response())
}
