//! What can be learned, as pages: how promises are kept, by whom, where; what shoppers ask; and scorecards to share.

mod answers;
mod parts;
mod scorecard;

use axum::{
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use promise::{Day, policy::Learning};

use super::{Failure, Session, frame};
use crate::{
    insight::{
        chart::{Columns, number},
        contacts::{self, Contacts},
        outcome::dimension,
        report::{self, Confidence, Period, Row},
        trends::{self, carrier_name, place_name},
    },
    learning,
    problem::Problem,
    routes::insight::{Asked, Overview, overview as read_overview, today},
    state::AppState,
    store::policies,
};

pub use answers::{feedback, messages, reports};
pub use scorecard::{one as scorecard, revoke, share, shared, shared_csv};

/// A wrong period is answered with the usual one: whoever typed it sees the form again.
fn period(asked: &Asked, today: Day) -> (Period, Option<String>) {
    match asked.period(today) {
        Ok(period) => (period, None),
        Err(Problem(p)) => {
            let said = p.errors.first().map_or(p.detail.clone(), |e| format!("{}: {}", e.field, e.message));
            (Period::back(today, 28), Some(said))
        }
    }
}

/// The pages of this part: path, name.
const PARTS: [(&str, &str); 11] = [
    ("insights", "Promises"),
    ("insights/carriers", "Carriers"),
    ("insights/origins", "Origins"),
    ("insights/methods", "Methods"),
    ("insights/places", "Destinations"),
    ("insights/lanes", "Lanes"),
    ("insights/contacts", "Contacts"),
    ("insights/messages", "Messages"),
    ("insights/feedback", "How it was"),
    ("insights/reports", "Reports"),
    ("insights/areas", "Missing parcels"),
];

/// A page of this part: its own menu, the period, and what is on it.
fn page(session: &Session, at: &str, title: &str, chosen: (Period, Option<String>), body: Markup) -> Markup {
    let (period, wrong) = chosen;
    let query = format!("?from={}&to={}", period.from, period.to);
    let body = html! {
        h1 { (title) }
        nav.tabs aria-label="Insights" {
            @for (path, name) in PARTS {
                a href={ (session.to(path)) (query) } aria-current=[(path == at).then_some("page")] { (name) }
            }
        }
        form.period method="get" action=(session.to(at)) {
            @if let Some(wrong) = &wrong { p.wrong role="alert" { (wrong) } }
            div.field { label for="from" { "From" } input id="from" type="date" name="from" value=(period.from.to_string()); }
            div.field { label for="to" { "To" } input id="to" type="date" name="to" value=(period.to.to_string()); }
            button type="submit" { "Show" }
            span.actions {
                @for (days, name) in [(7, "7 days"), (28, "28 days"), (91, "13 weeks"), (365, "A year")] {
                    a href={ (session.to(at)) "?days=" (days) } { (name) }
                }
            }
        }
        (body)
    };
    frame::page(title, session, body)
}

pub async fn overview(State(state): State<AppState>, session: Session, Query(asked): Query<Asked>) -> Result<Markup, Failure> {
    let (today, now) = (today(&state, &session.store).await?, state.now());
    let chosen = period(&asked, today);
    let (store, looked_at) = (session.store.clone(), chosen.0);
    let (said, weeks, corrected) = state
        .db()
        .read(move |db| {
            let weeks = looked_at.days() > 35;
            let policy = policies::at(db, &store, now)?;
            let corrected = policy.map(|policy| learning::correction(db, &store, &policy, now)).transpose()?;
            Ok((read_overview(db, &store, looked_at, today)?, report::by_time(db, &store, looked_at, weeks)?, corrected))
        })
        .await?;
    Ok(page(&session, "insights", "Insights", chosen, promises(&session, &said, &weeks, corrected.as_ref(), looked_at)))
}

fn promises(
    session: &Session,
    said: &Overview,
    times: &[Row],
    corrected: Option<&learning::Correction>,
    period: Period,
) -> Markup {
    let total = &said.total;
    let weekly = period.days() > 35;
    let chart = Columns {
        id: "kept",
        title: if weekly { "Promises by week" } else { "Promises by day" },
        says: match total.kept_percent {
            Some(p) => format!("{} promises were decided; {p} % were kept.", number(total.due)),
            None => "No promise was decided in this time.".into(),
        },
        over: if weekly { "Week of" } else { "Day" },
        labels: times.iter().map(|r| r.key.clone()).collect(),
        series: vec![("Kept", times.iter().map(|r| r.kept).collect()), ("Late", times.iter().map(|r| r.late).collect())],
        mark: None,
    };
    html! {
        @if !said.trends.is_empty() {
            section.note {
                h2 { "What has changed" }
                ul { @for t in &said.trends { li { (t.sentence) } } }
                p.hint { "Said only where chance does not explain it: in at most one week in a hundred would it be said of nothing." }
            }
        }
        div.tiles {
            (parts::tile("Promises kept", parts::percent(total.kept_percent), &parts::against(total.kept_percent, said.before.kept_percent, " points")))
            (parts::tile("Orders", number(total.orders), &parts::against_count(said.before.orders)))
            (parts::tile("Late", number(total.late), &format!("of {} decided", number(total.due))))
            (parts::tile("On the way, median", parts::days(total.transit_median), &format!("nine of ten within {}", parts::days(total.transit_p90))))
            (parts::tile("Until it leaves, median", parts::days(total.handling_median), &format!("nine of ten within {}", parts::days(total.handling_p90))))
            (parts::tile("Parcels in trouble", number(total.troubled), &format!("of {} shipped", number(total.shipped))))
        }
        section { h2 { "Kept and late" } (chart.draw()) (parts::promise_words()) }
        section { h2 { "Early and late, by days" } (margins(&said.margins)) }
        section { h2 { "Is what is shown true?" } (confidences(&said.confidences)) (asked(session, corrected)) }
        section {
            h2 { "What went wrong with parcels" }
            (parts::counts(&said.wrong, "Kind", "Parcels", parts::kind_name, "Nothing did, in this time."))
        }
        section {
            h2 { "Where is my order?" }
            p { (parts::contacts_sentence(&said.contacts)) }
            p { a href={ (session.to("insights/contacts")) "?from=" (said.from) "&to=" (said.to) } { "Contacts, by reason and week" } }
        }
        p { a href={ (session.to("insights/weeks.csv")) "?from=" (said.from) "&to=" (said.to) } { "Weeks as a table (CSV)" } }
    }
}

/// Days between the last day promised and the arrival.
fn margins(bars: &[(i64, i64)]) -> Markup {
    const SHOWN: i64 = 10;
    let mut values = vec![0; (2 * SHOWN + 1) as usize];
    for (day, n) in bars {
        values[(day.clamp(&-SHOWN, &SHOWN) + SHOWN) as usize] += n;
    }
    let total: i64 = values.iter().sum();
    let late: i64 = values[(SHOWN + 1) as usize..].iter().sum();
    let label = |d: i64| match d {
        0 => "0".to_owned(),
        d if d.abs() == SHOWN => format!("{}{}+", if d < 0 { "−" } else { "" }, SHOWN),
        d => number(d),
    };
    Columns {
        id: "margins",
        title: "Arrivals by days after the last day promised",
        says: format!("Of {} orders that arrived, {} came after the last day promised.", number(total), number(late)),
        over: "Days",
        labels: (-SHOWN..=SHOWN).map(label).collect(),
        series: vec![("Orders", values)],
        mark: Some(((SHOWN + 1) as usize, "late")),
    }
    .draw()
}

fn confidences(rows: &[Confidence]) -> Markup {
    let word = |c: &Confidence| match c.verdict {
        "too_bold" => ("bad", "kept less often than it says"),
        "too_careful" => ("warning", "kept more often than it says: windows could be narrower"),
        "too_few" => ("", "too few to tell"),
        _ => ("good", "as it says"),
    };
    html! {
        p { "A window says how sure it is. Of a hundred windows that say 90 %, at least ninety should hold." }
        @if rows.is_empty() { p.hint { "No promise was decided in this time." } } @else {
            div.scroll tabindex="0" role="group" aria-label="Shown and kept" {
                table.figures {
                    thead { tr { th scope="col" { "Shown" } th scope="col" { "Promises" } th scope="col" { "Kept" } th scope="col" { "Surely between" } th scope="col" { "Within the days shown" } th scope="col" { "So it is" } } }
                    tbody { @for c in rows { tr {
                        th scope="row" { (c.confidence) " %" }
                        td { (number(c.due)) } td { (parts::percent(c.kept_percent)) } td { (c.low) " and " (c.high) " %" } td { (parts::percent(c.inside_percent)) }
                        td { @let (class, text) = word(c); span class={ "tag " (class) } { (text) } }
                    } } }
                }
            }
        }
    }
}

/// What the coverage correction asks for.
fn asked(session: &Session, report: Option<&learning::Correction>) -> Markup {
    let Some(report) =
        report.filter(|r| r.learning != Learning::Off && r.coverage.iter().any(|c| c.asked != c.goal || c.applied != c.goal))
    else {
        return html! {};
    };
    let percent = |n: u16| if n.is_multiple_of(10) { format!("{} %", n / 10) } else { format!("{}.{} %", n / 10, n % 10) };
    let last = report.coverage.len() - 1;
    html! {
        p {
            "So that a window holds as often as it says while conditions drift, each promise that is kept or broken corrects what is asked for: "
            @for (n, c) in report.coverage.iter().enumerate() {
                @if n > 0 { "; " }
                "for " (percent(c.goal)) @if n == last { " to come by the last day" } @else { " to come before the first day" } ", " (percent(c.asked))
            }
            ". "
            @match report.learning {
                Learning::Apply => { "Promises ask for it since version " (report.version) " of what was learned." }
                _ => { "It is not applied: " a href=(session.to("policy/learned")) { "what deliveries teach" } " is only suggested." }
            }
        }
    }
}

/// What a table of rows shows.
struct Shape {
    at: &'static str,
    dimension: &'static str,
    title: &'static str,
    first: &'static str,
    words: &'static str,
    /// Orders and promises; else parcels alone.
    orders: bool,
}

const SHAPES: [Shape; 5] = [
    Shape {
        at: "carriers",
        dimension: dimension::CARRIER,
        title: "Carriers",
        first: "Carrier",
        words: "Late: after the last day promised with the order. Days are calendar days.",
        orders: false,
    },
    Shape {
        at: "origins",
        dimension: dimension::ORIGIN,
        title: "Origins",
        first: "Origin",
        words: "Where parcels leave: warehouses, and suppliers who ship by themselves.",
        orders: false,
    },
    Shape {
        at: "methods",
        dimension: dimension::METHOD,
        title: "Shipping methods",
        first: "Method",
        words: "As shoppers pick them at checkout.",
        orders: true,
    },
    Shape {
        at: "places",
        dimension: dimension::PLACE,
        title: "Destinations",
        first: "Destination",
        words: "Countries, and regions where they are known.",
        orders: true,
    },
    Shape {
        at: "lanes",
        dimension: dimension::LANE,
        title: "Lanes",
        first: "Lane",
        words: "Carrier and service, from an origin to a destination. Kept by week: whole weeks that the time touches are shown.",
        orders: false,
    },
];

/// Rows that are shown; the table as CSV has all.
const SHOWN: usize = 200;

pub async fn table(State(state): State<AppState>, session: Session, Query(asked): Query<Asked>) -> Result<Response, Failure> {
    let name = session.path.rsplit('/').next().unwrap_or_default().to_owned();
    let today = today(&state, &session.store).await?;
    let chosen = period(&asked, today);
    let (store, looked_at) = (session.store.clone(), chosen.0);
    if let Some(plain) = name.strip_suffix(".csv") {
        let asked = plain.to_owned();
        let found = state.db().read(move |db| report::table(db, &store, looked_at, &asked)).await?;
        let found = found.ok_or_else(|| Failure::none("table"))?;
        return Ok(crate::routes::insight::spreadsheet(&format!("{plain}-{}-{}", looked_at.from, looked_at.to), found.csv()?));
    }
    let shape = SHAPES.iter().find(|s| s.at == name).ok_or_else(|| Failure::none("page"))?;
    let rows = state.db().read(move |db| report::by_key(db, &store, looked_at, shape.dimension)).await?;
    Ok(page(&session, &format!("insights/{}", shape.at), shape.title, chosen, table_of(&session, shape, &rows, looked_at))
        .into_response())
}

fn name_of(dimension: &str, key: &str) -> String {
    let or = |text: String| if text.is_empty() { "unknown".to_owned() } else { text };
    match dimension {
        dimension::CARRIER => or(carrier_name(key)),
        dimension::PLACE => or(place_name(key)),
        dimension::LANE => {
            let words: Vec<&str> = key.split('|').collect();
            let [carrier, service, origin, place] = words.as_slice() else { return key.to_owned() };
            let service = if service.is_empty() { String::new() } else { format!(" {service}") };
            format!("{}{service}, {} → {}", or(carrier_name(carrier)), or((*origin).to_owned()), or(place_name(place)))
        }
        _ => or(key.to_owned()),
    }
}

fn table_of(session: &Session, shape: &Shape, rows: &[Row], period: Period) -> Markup {
    let query = format!("?from={}&to={}", period.from, period.to);
    let has_card = matches!(shape.dimension, dimension::CARRIER | dimension::ORIGIN);
    html! {
        p { (shape.words) }
        @if rows.is_empty() { p.hint { "Nothing was shipped or decided in this time." } } @else {
            div.scroll tabindex="0" role="group" aria-label=(shape.title) {
                table.figures {
                    thead { tr {
                        th scope="col" { (shape.first) }
                        @if shape.orders { th scope="col" { "Orders" } th scope="col" { "Promises kept" } }
                        th scope="col" { "Shipped" } th scope="col" { "Delivered" } th scope="col" { "Parcels late" }
                        th scope="col" { "Until it leaves" } th scope="col" { "On the way" } th scope="col" { "In trouble" } th scope="col" { "Lost" } th scope="col" { "Damaged" }
                    } }
                    tbody { @for r in rows.iter().take(SHOWN) { tr {
                        th scope="row" {
                            @let name = name_of(shape.dimension, &r.key);
                            @if has_card && !r.key.is_empty() {
                                a href={ (session.to("insights/scorecard")) (query) "&dimension=" (shape.dimension) "&key=" (parts::encoded(&r.key)) } { (name) }
                            } @else { (name) }
                        }
                        @if shape.orders { td { (number(r.orders)) } td { (parts::percent(r.kept_percent)) } }
                        td { (number(r.shipped)) } td { (number(r.delivered)) }
                        td { (parts::percent(r.late_percent)) @if r.parcels_due > 0 { span.hint { " (" (number(r.parcels_late)) ")" } } }
                        td { (parts::median_and_p90(r.handling_median, r.handling_p90)) }
                        td { (parts::median_and_p90(r.transit_median, r.transit_p90)) }
                        td { (number(r.troubled)) } td { (number(r.lost)) } td { (number(r.damaged)) }
                    } } }
                }
            }
            @if rows.len() > SHOWN { p.hint { "The first " (SHOWN) " of " (number(rows.len() as i64)) "; the file below has all." } }
        }
        p { a href={ (session.to(&format!("insights/{}.csv", shape.at))) (query) } { "All of it as a table (CSV)" } }
    }
}

pub async fn contacts_page(
    State(state): State<AppState>,
    session: Session,
    Query(asked): Query<Asked>,
) -> Result<Markup, Failure> {
    let chosen = period(&asked, today(&state, &session.store).await?);
    let (store, looked_at) = (session.store.clone(), chosen.0);
    let c: Contacts = state.db().read(move |db| contacts::read(db, &store, looked_at)).await?;
    let body = html! {
        div.tiles {
            (parts::tile("Contacts: where is my order?", number(c.had), &c.had_per_100_orders.map_or(String::new(), |p| format!("{p} per 100 orders"))))
            (parts::tile("Looks at order pages", number(c.looks), &format!("{} orders, once a week each", number(c.orders_looked_at))))
            @match &c.avoided {
                Some(a) => (parts::tile("Contacts spared, probably", number(a.avoided as i64), &format!("between {} and {}", number(a.low as i64), number(a.high as i64)))),
                None => (parts::tile("Contacts spared, at most", number(c.avoided_at_most), "see below")),
            }
        }
        section {
            h2 { "By week" }
            (Columns {
                id: "contacts",
                title: "Contacts that ask where an order is, by week",
                says: format!("{} contacts in this time.", number(c.had)),
                over: "Week of",
                labels: c.weeks.iter().map(|w| w.week.clone()).collect(),
                series: vec![("Contacts", c.weeks.iter().map(|w| w.had).collect())],
                mark: None,
            }.draw())
        }
        section { h2 { "By reason" } (parts::counts(&c.reasons, "Reason", "Contacts", parts::kind_name, "No contact was logged in this time. Support tools post them to /v1/admin/stores/{store}/contacts.")) }
        section { h2 { "By channel" } (parts::counts(&c.channels, "Channel", "Contacts", parts::kind_name, "None.")) }
        section {
            h2 { "What pages said when they were looked at" }
            (parts::counts(&c.states, "The order was", "Looks", parts::kind_name, "No page was looked at in this time."))
            (parts::counts(&c.ways, "Way", "Orders and days", parts::kind_name, ""))
        }
        section {
            h2 { "How many contacts were spared?" }
            p { "Nobody can count what did not happen. Two things can be said." }
            p { "At most " (number(c.avoided_at_most)) ": that many orders were looked at and brought no such contact within a week. Most of these shoppers would not have written anyway." }
            p {
                @match (&c.before, &c.avoided) {
                    (Some(b), Some(a)) => {
                        "Probably " (number(a.avoided as i64)) " (between " (number(a.low as i64)) " and " (number(a.high as i64)) "): as before, with "
                        (b.per_100_orders) " per 100 orders, there would have been " (number(a.expected as i64)) "; there were " (number(c.had)) ". "
                        @if b.source == "measured" { "What it was before is measured in the contact log: " (number(b.contacts)) " contacts with " (number(b.orders)) " orders, before anybody saw an order page." }
                        @else { "What it was before is what you told; nobody has measured it." }
                    }
                    _ => { "More can be said once it is known what it was before: log contacts for four weeks before the order page is used, or tell it (PUT /v1/admin/stores/{store}/analytics/baseline)." }
                }
            }
        }
    };
    Ok(page(&session, "insights/contacts", "Contacts", chosen, body))
}

pub async fn areas(State(state): State<AppState>, session: Session, Query(asked): Query<Asked>) -> Result<Markup, Failure> {
    let chosen = period(&asked, today(&state, &session.store).await?);
    let (store, looked_at) = (session.store.clone(), chosen.0);
    let rows = state.db().read(move |db| report::areas(db, &store, looked_at)).await?;
    let body = html! {
        p { "Parcels that the carrier says were delivered and the shopper did not find, by the first characters of the postal code. Areas with fewer than "
            (report::FEWEST) " deliveries are told together, so that nobody is to be found by it. Whole months that the time touches." }
        @if rows.is_empty() { p.hint { "Nothing was delivered in this time." } } @else {
            div.scroll tabindex="0" role="group" aria-label="Areas" {
                table.figures {
                    thead { tr { th scope="col" { "Area" } th scope="col" { "Delivered" } th scope="col" { "Missing" } th scope="col" { "Per thousand" } } }
                    tbody { @for a in rows.iter().take(SHOWN) { tr {
                        th scope="row" { (a.key) } td { (number(a.delivered)) } td { (number(a.missing)) } td { @if let Some(x) = a.per_thousand { (x) } }
                    } } }
                }
            }
        }
        p { a href={ (session.to("insights/areas.csv")) "?from=" (looked_at.from) "&to=" (looked_at.to) } { "All of it as a table (CSV)" } }
    };
    Ok(page(&session, "insights/areas", "Missing parcels", chosen, body))
}

/// What has changed, for the store's first page; nothing where nothing has.
pub async fn news(state: &AppState, store: &str) -> anyhow::Result<Vec<String>> {
    let (store, today) = (store.to_owned(), today(state, store).await?);
    let trends = state.db().read(move |db| trends::of_store(db, &store, today)).await?;
    Ok(trends.into_iter().map(|t| t.sentence).collect())
}
