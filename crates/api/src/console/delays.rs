//! Delay notices: announced in two clicks, looked at as shoppers will, scheduled, and ended.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use promise::{
    Instant,
    policy::{Delay, Duration, Policy, Scope},
};

use super::{
    Failure, Fields, Session,
    frame::{self, action, csrf, field, moment, refused, tick},
    languages::{LANGUAGES, text},
    policy::{
        entry::Errors,
        places,
        preview::{self, Question},
    },
    sign_in::random,
    time::{instant, local},
};
use crate::{
    routes::admin,
    state::{AppState, zone_of},
    store::{audit, people::Role, policies},
};

/// Reason, name, and what it adds by default, in working days.
const REASONS: [(&str, &str, u16, u16); 8] = [
    ("weather", "Weather", 1, 2),
    ("carrier", "Trouble at the carrier", 1, 2),
    ("peak", "Peak season", 1, 2),
    ("strike", "A strike", 2, 5),
    ("customs", "Customs", 1, 3),
    ("stock", "A late supply", 2, 4),
    ("holiday", "Holidays", 1, 1),
    ("other", "Something else", 1, 2),
];

const SEVERITIES: [(&str, &str); 3] = [("1", "Worth knowing"), ("2", "Serious"), ("3", "Severe")];

fn reason_name(reason: &str) -> &str {
    REASONS.iter().find(|r| r.0 == reason).map_or(reason, |r| r.1)
}

pub(super) async fn published(state: &AppState, store: &str) -> Result<Policy, Failure> {
    let (store, now) = (store.to_owned(), state.now());
    Ok(state.db().read(move |db| policies::at(db, &store, now)).await?.unwrap_or_default())
}

async fn notices(state: &AppState, store: &str) -> Result<Vec<Delay>, Failure> {
    let store = store.to_owned();
    Ok(state.db().read(move |db| policies::delays(db, &store)).await?)
}

/// The names of notices that hold now.
pub(super) async fn running(state: &AppState, store: &str) -> Result<Vec<String>, Failure> {
    let now = state.now();
    let list = notices(state, store).await?;
    Ok(list.iter().filter(|d| d.from <= now && d.until.is_none_or(|u| u > now)).map(message).collect())
}

pub async fn page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    let (now, policy) = (state.now(), published(&state, &session.store).await?);
    let mut list = notices(&state, &session.store).await?;
    list.sort_by_key(|d| std::cmp::Reverse(d.from));
    let store = session.store.clone();
    let count = "select count(*) from incidents where store = ?1 and state = 'proposed'";
    let proposed: i64 = state.db().read(move |db| Ok(db.query_row(count, [store], |r| r.get(0))?)).await?;
    let ended = |d: &Delay| d.until.is_some_and(|u| u <= now);
    let may = session.may(Role::Support);
    let groups: [(&str, Vec<&Delay>); 3] = [
        ("Shown now", list.iter().filter(|d| d.from <= now && !ended(d)).collect()),
        ("Scheduled", list.iter().filter(|d| d.from > now && !ended(d)).collect()),
        ("Ended", list.iter().filter(|d| ended(d)).take(50).collect()),
    ];
    let body = html! {
        h1 { "Delay notices" }
        p { "A notice moves the dates that it bears on, before the purchase and after it, and says why." }
        p { a href=(session.to("incidents")) { "Found in your own scans" } @if proposed > 0 { " " span.tag.warning { (proposed) " proposed" } } }
        @if may {
            section {
                h2 { "Announce a delay" }
                div.actions {
                    @for (reason, name, _, _) in REASONS { a.button href=(session.to(&format!("delays/new?reason={reason}"))) { (name) } }
                }
            }
        }
        @for (title, list) in &groups {
            @if !list.is_empty() || *title == "Shown now" {
                section {
                    h2 { (title) }
                    ul.rows {
                        @for d in list {
                            li {
                                span {
                                    strong { (message(d)) } " " span.tag { "+" (span(&d.effect)) }
                                    br;
                                    span.hint {
                                        (place(d, &policy)) " · "
                                        @if d.from > now { "from " (moment(d.from)) " " }
                                        @match d.until { Some(u) => { "until " (moment(u)) } None => "until it is ended" }
                                    }
                                }
                                @if may {
                                    span.actions {
                                        a.button href=(session.to(&format!("delays/{}", d.id))) { "Change" }
                                        @if !ended(d) { (action(&session, &session.to("delays/end"), &[("id", &d.id)], "End it", "")) }
                                    }
                                }
                            }
                        }
                        @if list.is_empty() { li { span.hint { "None: everything is as usual." } } }
                    }
                }
            }
        }
    };
    Ok(frame::page("Delay notices", &session, body))
}

fn message(d: &Delay) -> String {
    d.message.get("en").or_else(|| d.message.values().next()).cloned().unwrap_or_else(|| reason_name(&d.reason).to_owned())
}

pub(super) fn span(d: &Duration) -> String {
    let (a, b) = (d.min.unwrap_or(0), d.max.or(d.min).unwrap_or(0));
    if a == b { format!("{a} days") } else { format!("{a} to {b} days") }
}

/// Where it applies, in names.
pub(super) fn place(d: &Delay, policy: &Policy) -> String {
    let s = &d.scope;
    let mut parts: Vec<String> = Vec::new();
    parts.extend(
        s.origins.iter().map(|id| policy.origins.iter().find(|o| o.id == *id).map_or(id.clone(), |o| format!("from {}", o.name))),
    );
    parts.extend(s.carriers.iter().map(|c| tracking::carrier::by_code(c).map_or(c.clone(), |c| c.name.to_owned())));
    parts.extend(s.services.iter().map(|id| policy.services.iter().find(|x| x.id == *id).map_or(id.clone(), |x| x.name.clone())));
    parts.extend(
        s.zones.iter().map(|id| policy.zones.iter().find(|z| z.id == *id).map_or(id.clone(), |z| format!("to {}", z.name))),
    );
    if !s.places.is_empty() {
        parts.push(format!("to {}", places::write(&s.places).replace('\n', ", ")));
    }
    parts.extend(s.skus.iter().cloned());
    if parts.is_empty() { "Everywhere".into() } else { parts.join(" · ") }
}

/// The notice that a reason begins with: from now on, for a week. (A delay never moves a parcel past its own end: a short one over a
/// holiday would change nothing.)
fn proposed(reason: &str, now: Instant) -> Delay {
    let (reason, _, min, max) = REASONS.into_iter().find(|r| r.0 == reason).unwrap_or(REASONS[0]);
    Delay {
        from: now,
        until: Some(Instant(now.0 + 7 * 86_400)),
        effect: Duration { min: Some(min), max: Some(max), weights: Vec::new() },
        reason: reason.into(),
        severity: 1,
        ..Delay::default()
    }
}

pub async fn form(
    State(state): State<AppState>,
    Path((_, id)): Path<(String, String)>,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    let policy = published(&state, &session.store).await?;
    let delay = if id == "new" {
        proposed(fields.get("reason"), state.now())
    } else {
        notices(&state, &session.store).await?.into_iter().find(|d| d.id == id).ok_or_else(|| Failure::none("delay notice"))?
    };
    let question = Question::of(&Fields::default(), &policy);
    Ok(show(&state, &session, &policy, &id, &delay, &Errors::default(), &question).into_response())
}

fn show(
    state: &AppState,
    session: &Session,
    policy: &Policy,
    id: &str,
    d: &Delay,
    errors: &Errors,
    question: &Question,
) -> Markup {
    let path = session.to(&format!("delays/{id}"));
    let zone = zone_of(policy);
    let mut others = policy.clone();
    others.delays.retain(|o| o.id != d.id);
    let carriers: std::collections::BTreeSet<&String> = policy.services.iter().map(|s| &s.carrier).collect();
    let in_zone = format!("In the time of {zone}.");
    let more =
        !d.scope.services.is_empty() || !d.scope.places.is_empty() || !d.scope.skus.is_empty() || !errors.at("scope").is_empty();
    let number = |n: Option<u16>| n.map(|n| n.to_string()).unwrap_or_default();
    let body = html! {
        p { a href=(session.to("delays")) { "Delay notices" } }
        h1 { @if id == "new" { "Announce a delay" } @else { (message(d)) } }
        @if !errors.is_empty() { div.problem role="alert" { p { "Not announced: see below what can't be accepted." } } }
        form.sides method="post" action=(path) data-preview=(format!("{path}/preview")) data-target="#shown" data-method="post" {
            div.fields {
                (csrf(session))
                fieldset {
                    legend { "Where" }
                    p.hint { "Nothing ticked: everywhere." }
                    @if policy.origins.len() > 1 || !d.scope.origins.is_empty() {
                        p.strong #from { "From" }
                        div.ticks role="group" aria-labelledby="from" { @for o in &policy.origins { (tick(&o.name, "origins", &o.id, d.scope.origins.contains(&o.id))) } }
                    }
                    p.strong #by { "By" }
                    div.ticks role="group" aria-labelledby="by" {
                        @for c in carriers {
                            @let name = tracking::carrier::by_code(c).map_or(c.as_str(), |c| c.name);
                            (tick(name, "carriers", c, d.scope.carriers.contains(c)))
                        }
                    }
                    p.strong #to { "To" }
                    div.ticks role="group" aria-labelledby="to" { @for z in policy.zones.iter().filter(|z| !z.excluded) { (tick(&z.name, "zones", &z.id, d.scope.zones.contains(&z.id))) } }
                    details open[more] {
                        summary { "More exactly" }
                        div.ticks role="group" aria-label="Services" { @for s in &policy.services { (tick(&s.name, "services", &s.id, d.scope.services.contains(&s.id))) } }
                        (field("Places", "places", places::write(&d.scope.places)).lines(2).hint("Where a zone is too wide: US postal codes: 380-383, a line each.").error(errors.at("scope.places")))
                        (field("SKUs", "skus", d.scope.skus.join(", ")).hint("Only these, with commas between."))
                    }
                }
                (field("Why", "reason", d.reason.clone()).choices(REASONS.map(|r| (r.0, r.1))).error(errors.at("reason")))
                fieldset {
                    legend { "How long" }
                    div.pair {
                        (field("From", "from", local(d.from, zone)).kind("datetime-local").hint("Empty: now.").error(errors.at("from")))
                        (field("Until", "until", d.until.map(|u| local(u, zone)).unwrap_or_default()).kind("datetime-local").hint("Empty: until you end it.").error(errors.at("until")))
                    }
                    p.hint { (in_zone) }
                    div.pair {
                        (field("Adds at least, working days", "min", number(d.effect.min)).kind("number").error(errors.at("effect")))
                        (field("At most", "max", number(d.effect.max)).kind("number"))
                    }
                    (field("How bad", "severity", d.severity.to_string()).choices(SEVERITIES).error(errors.at("severity")))
                }
                fieldset {
                    legend { "What shoppers read" }
                    p.hint { "In front of “adds about 2 days”. Each language has its words already; say it more exactly where you can: “Snow in Memphis”." }
                    @for (language, name) in LANGUAGES.iter().take(1) { (words_of(d, language, name, errors)) }
                    details open[d.message.keys().any(|l| l != "en")] {
                        summary { "In " (LANGUAGES.len() - 1) " more languages" }
                        div.pair { @for (language, name) in LANGUAGES.iter().skip(1) { (words_of(d, language, name, errors)) } }
                    }
                }
                div.actions {
                    button.main type="submit" { @if id == "new" { "Announce" } @else { "Save" } }
                    a.button href=(session.to("delays")) { "Cancel" }
                }
            }
            div.aside {
                h2 { "What a shopper would see" }
                div #shown aria-live="polite" { (preview::answer(&others, vec![d.clone()], question, state.now())) }
                (preview::fields(policy, question))
            }
        }
    };
    frame::page("Delay notice", session, body)
}

/// The words of a language: what the merchant wrote, or else what the widget says of itself.
fn words_of(d: &Delay, language: &str, name: &str, errors: &Errors) -> Markup {
    let key = format!("message.{language}");
    let value = d.message.get(language).cloned().unwrap_or_else(|| text(language, &format!("delay.{}", d.reason)));
    html! { (field(name, &key, value).error(errors.at(&key))) }
}

/// What a form says; the notice it makes, and what is wrong with it.
fn read(fields: &Fields, policy: &Policy, before: &Delay, now: Instant) -> (Delay, Errors) {
    let zone = zone_of(policy);
    let mut errors = Errors::default();
    let mut d = Delay { message: Default::default(), ..before.clone() };
    d.scope = Scope {
        origins: fields.all("origins"),
        zones: fields.all("zones"),
        carriers: fields.all("carriers"),
        services: fields.all("services"),
        skus: fields.list("skus"),
        places: places::read(fields.get("places")).unwrap_or_else(|e| {
            errors.add("scope.places", e);
            Vec::new()
        }),
    };
    d.reason = fields.get("reason").to_owned();
    let unreadable = "This moment can't be read, or does not exist there.";
    d.from = match fields.get("from") {
        "" => now,
        // As it was shown: to the minute.
        text if before.from != Instant(0) && text == local(before.from, zone) => before.from,
        text => instant(text, zone).unwrap_or_else(|| {
            errors.add("from", unreadable);
            now
        }),
    };
    d.until = match fields.get("until") {
        "" => None,
        text => instant(text, zone).or_else(|| {
            errors.add("until", unreadable);
            None
        }),
    };
    if d.until.is_some_and(|u| u <= d.from) {
        errors.add("until", "This is before it begins.");
    }
    let number = |name: &str| fields.get(name).parse::<u16>().ok().filter(|n| *n <= 365);
    d.effect = Duration { min: number("min"), max: number("max"), weights: Vec::new() };
    if d.effect.min.is_none() && d.effect.max.is_none() {
        errors.add("effect", "Write how many working days it adds.");
    }
    d.severity = fields.get("severity").parse().unwrap_or(1);
    for (language, _) in LANGUAGES {
        let words = fields.get(&format!("message.{language}"));
        let own = text(language, &format!("delay.{}", d.reason));
        // Words of another reason were not chosen either: the reason was changed after they had been filled in.
        let template = REASONS.iter().any(|r| words == text(language, &format!("delay.{}", r.0)));
        if !words.is_empty() && words != own && !template {
            d.message.insert(language.to_owned(), words.chars().take(200).collect());
        }
    }
    if d.id.is_empty() {
        d.id = "new".into();
    }
    let known = |list: &[String], all: Vec<&String>| list.iter().all(|id| all.contains(&id));
    if !known(&d.scope.origins, policy.origins.iter().map(|o| &o.id).collect())
        || !known(&d.scope.zones, policy.zones.iter().map(|z| &z.id).collect())
        || !known(&d.scope.services, policy.services.iter().map(|s| &s.id).collect())
    {
        errors.add("scope", "The policy was changed meanwhile: choose again where it applies.");
    }
    for invalid in d.validate() {
        if errors.at(&invalid.field).is_empty() {
            errors.add(&invalid.field, format!("{}.", invalid.message));
        }
    }
    (d, errors)
}

/// The notice before a form is applied to it, and all others.
async fn before(state: &AppState, session: &Session, id: &str) -> Result<(Delay, Vec<Delay>), Failure> {
    let mut all = notices(state, &session.store).await?;
    if id == "new" {
        return Ok((Delay::default(), all));
    }
    let at = all.iter().position(|d| d.id == id).ok_or_else(|| Failure::none("delay notice"))?;
    Ok((all.remove(at), all))
}

pub async fn look(
    State(state): State<AppState>,
    Path((_, id)): Path<(String, String)>,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    let (before, others) = before(&state, &session, &id).await?;
    let mut policy = published(&state, &session.store).await?;
    let (delay, errors) = read(&fields, &policy, &before, state.now());
    let question = Question::of(&fields, &policy);
    // What is published holds this notice as it was.
    policy.delays.retain(|d| d.id != delay.id && others.iter().all(|o| o.id != d.id));
    let delays = others.into_iter().chain([delay]).collect();
    Ok(html! {
        @for text in errors.texts() { p.wrong { (text) } }
        (preview::answer(&policy, delays, &question, state.now()))
    }
    .into_response())
}

pub async fn save(
    State(state): State<AppState>,
    Path((_, id)): Path<(String, String)>,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    let (before, _) = before(&state, &session, &id).await?;
    let policy = published(&state, &session.store).await?;
    let (mut delay, errors) = read(&fields, &policy, &before, state.now());
    if !errors.is_empty() {
        let question = Question::of(&fields, &policy);
        return Ok(refused(show(&state, &session, &policy, &id, &delay, &errors, &question)));
    }
    if id == "new" {
        delay.id = format!("{}-{}-{}", delay.reason, delay.from.local(0).0, &random()?[..6]);
    }
    let (store, by) = (session.store.clone(), session.person.name.clone());
    state
        .db()
        .write(move |db| {
            policies::put_delay(db, &store, &delay)?;
            audit::record(db, &store, &by, "delay.put", &delay.id, &serde_json::to_value(&delay)?)
        })
        .await?;
    admin::changed(&state, &session.store).await?;
    Ok(session.done("delays", "announced"))
}

/// Ends a notice now. Notices hold for whole days: its last one is yesterday, so that it bears on nothing any more; one that began later
/// than that is taken back, and the audit log keeps what it said.
pub async fn end(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let (mut delay, _) = before(&state, &session, fields.get("id")).await?;
    if delay.id.is_empty() {
        return Err(Failure::none("delay notice"));
    }
    let (store, by) = (session.store.clone(), session.person.name.clone());
    let yesterday = Instant(state.now().0 - 86_400);
    state
        .db()
        .write(move |db| {
            audit::record(db, &store, &by, "delay.end", &delay.id, &serde_json::to_value(&delay)?)?;
            if delay.from >= yesterday {
                policies::delete_delay(db, &store, &delay.id)?;
            } else {
                delay.until = Some(yesterday);
                policies::put_delay(db, &store, &delay)?;
            }
            Ok(())
        })
        .await?;
    admin::changed(&state, &session.store).await?;
    Ok(session.done("delays", "ended"))
}
