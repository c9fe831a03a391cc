//! Where news of parcels comes from: accounts with carriers that are asked, what they push, and what platforms send; and how each fares.

use axum::extract::State;
use maud::{Markup, html};
use promise::Instant;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Failure, Session,
    frame::{self, moment},
};
use crate::{poll::clients, state::AppState};

/// Of what came in, the newest so many are looked at.
const NEWEST: i64 = 5000;

/// How an account fares.
#[derive(Default)]
struct Account {
    name: String,
    shown: &'static str,
    parcels: i64,
    waiting: i64,
    failing: i64,
    pushed: i64,
    answered_at: Option<Instant>,
    rests_until: Option<Instant>,
    failures: i64,
    error: String,
    can_push: bool,
}

/// What came in from a source.
struct Source {
    name: String,
    count: i64,
    aside: i64,
    newest: Instant,
}

fn accounts(db: &Connection, store: &str, names: &[(String, bool)], now: Instant) -> anyhow::Result<Vec<Account>> {
    let mut found = Vec::new();
    for (name, can_push) in names {
        let mut a = Account {
            name: name.clone(),
            shown: tracking::carrier::by_code(name).map_or("", |c| c.name),
            can_push: *can_push,
            ..Account::default()
        };
        (a.parcels, a.waiting, a.failing, a.pushed) = db
            .prepare_cached(
                "select count(*), count(*) filter (where due_at <= ?3), count(*) filter (where failures > 0), count(*) filter (where pushed_until > ?3)
                 from polls where store = ?1 and poller = ?2",
            )?
            .query_row(params![store, name, now.0], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
        let row = db
            .prepare_cached(
                "select next_at_ms, failures, coalesce(error, ''), answered_at from pollers where store = ?1 and poller = ?2",
            )?
            .query_row(params![store, name], |r| {
                Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?, r.get::<_, String>(2)?, r.get::<_, Option<i64>>(3)?))
            })
            .optional()?;
        if let Some((next, failures, error, answered)) = row {
            a.rests_until = Some(Instant(next / 1000)).filter(|n| n.0 > now.0 + 60);
            (a.failures, a.error, a.answered_at) = (failures, error, answered.map(Instant));
        }
        if a.error.is_empty() && a.failing > 0 {
            let last =
                "select error from polls where store = ?1 and poller = ?2 and error is not null order by due_at desc limit 1";
            a.error = db.query_row(last, params![store, name], |r| r.get(0)).optional()?.unwrap_or_default();
        }
        found.push(a);
    }
    Ok(found)
}

fn sources(db: &Connection, store: &str) -> anyhow::Result<Vec<Source>> {
    let mut rows = db.prepare_cached(
        "select source, count(*), max(received_at) from events
         where id > (select coalesce(max(id), 0) from events) - ?2 and +store = ?1 group by +source order by max(received_at) desc",
    )?;
    let rows = rows.query_map(params![store, NEWEST], |r| {
        Ok(Source { name: r.get(0)?, count: r.get(1)?, aside: 0, newest: Instant(r.get(2)?) })
    })?;
    let mut found: Vec<Source> = rows.collect::<Result<_, _>>()?;
    // By an index of what is set aside: in the table the state stands behind the body.
    let mut rows = db.prepare_cached("select source, count(*) from events where store = ?1 and state = 2 group by +source")?;
    for row in rows.query_map([store], |r| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?)))? {
        let (name, n) = row?;
        if let Some(of) = found.iter_mut().find(|s| s.name == name) {
            of.aside = n;
        }
    }
    Ok(found)
}

pub async fn page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    let config = state.config();
    let settings = config.store(&session.store).ok_or_else(|| Failure::none("store"))?;
    let names: Vec<(String, bool)> = settings.carriers.iter().map(|(name, a)| (name.clone(), a.push_secret.is_some())).collect();
    let (store, now) = (session.store.clone(), state.now());
    let read = state.db().read(move |db| Ok((accounts(db, &store, &names, now)?, sources(db, &store)?)));
    let (accounts, sources) = read.await?;
    let others: Vec<&str> = clients::names().filter(|n| !settings.carriers.contains_key(*n)).collect();
    let body = html! {
        h1 { "Carriers" }
        p { "Where news of parcels comes from, and how that goes." }
        section {
            h2 { "Accounts that are asked" }
            @if accounts.is_empty() {
                p { "None. Carriers that don't push are asked with your own account: name it in the server's configuration, under " code { "[stores.carriers.…]" } ". These can be asked: " (others.join(", ")) "." }
            } @else {
                ul.rows {
                    @for a in &accounts {
                        li {
                            div {
                                strong { (if a.shown.is_empty() { a.name.as_str() } else { a.shown }) } " "
                                @if a.failures > 0 || a.failing > 0 { span.tag.bad { "trouble" } } @else if a.answered_at.is_some() { span.tag.good { "answers" } } @else { span.tag { "not asked yet" } }
                                br;
                                span.hint {
                                    (a.parcels) " parcels followed, " (a.waiting) " due now"
                                    @if a.can_push { " · " (a.pushed) " of them are pushed" }
                                    @if let Some(at) = a.answered_at { " · answered last " (moment(at)) }
                                    @if let Some(until) = a.rests_until { " · rests until " (moment(until)) }
                                }
                                @if !a.error.is_empty() {
                                    p.wrong { @if a.failures > 0 { (a.failures) " times in a row: " } (a.error) }
                                    p.hint { "Parcels are asked about again by themselves. An account that is refused needs its key or its right to track mended at the carrier, and then in the configuration." }
                                }
                            }
                        }
                    }
                }
            }
        }
        section {
            h2 { "What comes in" }
            p.hint { "Of the newest " (NEWEST) " events." }
            @if sources.is_empty() { p { "Nothing yet. Webhooks of your store and carriers go to the addresses under " a href=(session.to("guide")) { "Getting started" } "." } } @else {
                ul.rows {
                    @for s in &sources {
                        li {
                            span { strong { (s.name) } @if s.aside > 0 { " " a.tag.bad href=(session.to("problems")) { (s.aside) " set aside" } } br; span.hint { (s.count) " events · the newest " (moment(s.newest)) } }
                        }
                    }
                }
            }
        }
    };
    Ok(frame::page("Carriers", &session, body))
}
