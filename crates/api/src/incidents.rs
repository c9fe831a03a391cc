//! Incidents: lists of them to delay notices, and those that a store's own scans tell of. Looking twice is harmless: the same scans give the
//! same findings, by the same ids.

use std::{io::Read, time::Duration};

use anyhow::{Context, Result, anyhow};
use promise::{
    Day, Document, Instant,
    detect::{Leg, Settings, Slowdown, watch},
    estimate::Destination,
    incident::{self, Row},
    policy::{Delay, Detection, Invalid, Policy},
    scans::{Gaps, hours},
};
use rusqlite::Connection;
use serde_json::json;

use crate::{
    ingest,
    state::AppState,
    store::{
        audit,
        incidents::{self, Incident, Parcel},
        policies,
    },
};

/// As far back as is looked: long enough to know what is usual.
const DAYS_BACK: i64 = 200;
/// A slow-down that was found longer ago says nothing about today.
const FRESH_DAYS: i32 = 14;
/// How often is looked.
const EVERY: Duration = Duration::from_secs(3 * 3600);

/// Rows of a list (CSV with a header), or all that is wrong with it.
///
/// Columns: `carrier`, `service`, `country`, `postal_code` (a code, a prefix or a range), `from`, `until` (dates, or RFC 3339), `days` (`2` or `1-3`
/// extra working days), `reason`, `severity`, `language`, `message`. All but `from`, and `carrier` or `country`, may be left out.
pub fn read(text: impl Read) -> Result<Result<Vec<Row>, Vec<Invalid>>> {
    const COLUMNS: [&str; 11] =
        ["carrier", "service", "country", "postal_code", "from", "until", "days", "reason", "severity", "language", "message"];
    let mut table = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text);
    let header: Vec<String> = table.headers().context("the list can't be read")?.iter().map(str::to_lowercase).collect();
    let column = |name: &str| header.iter().position(|h| h.trim_start_matches('\u{feff}') == name);
    if column("from").is_none() {
        return Err(anyhow!("the first line must name the columns: {}", COLUMNS.join(", ")));
    }
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for (n, record) in table.records().enumerate() {
        let record = record.context("the list can't be read")?;
        let field = |name: &str| column(name).and_then(|at| record.get(at)).unwrap_or_default();
        // Lines as an editor counts them: the header is the first.
        let mut bad =
            |name: &str, message: &str| wrong.push(Invalid { field: format!("line {}, {name}", n + 2), message: message.into() });
        let moment = |name: &str, end: bool| match (Instant::parse(field(name)), Day::parse(field(name))) {
            (Some(at), _) => Some(at),
            // The whole of the last day.
            (None, Some(day)) => Some(Instant((i64::from(day.0) + i64::from(end)) * 86_400)),
            _ => None,
        };
        let from = moment("from", false);
        if from.is_none() {
            bad("from", "write a date (2026-12-01), or RFC 3339");
        }
        let until = moment("until", true);
        if until.is_none() && !field("until").is_empty() {
            bad("until", "write a date (2026-12-01), or RFC 3339; leave it empty where the end is not known");
        }
        let days = field("days");
        let (least, most) = days.split_once('-').unwrap_or((days, days));
        let days = match (least.trim().parse(), most.trim().parse()) {
            _ if days.is_empty() => Some((1, 1)),
            (Ok(least), Ok(most)) => Some((least, most)),
            _ => None,
        };
        if days.is_none() {
            bad("days", "write extra working days: 2, or 1-3");
        }
        let severity = if field("severity").is_empty() { Ok(0) } else { field("severity").parse() };
        if severity.is_err() {
            bad("severity", "write 1, 2 or 3");
        }
        if field("carrier").is_empty() && field("service").is_empty() && field("country").is_empty() {
            bad("carrier", "say what is late: a carrier, a service or a country");
        }
        if field("country").is_empty() && !field("postal_code").is_empty() {
            bad("country", "a postal code needs its country, such as US");
        }
        let (message, language) = (field("message"), field("language"));
        let row = Row {
            carrier: field("carrier").into(),
            service: field("service").into(),
            country: field("country").to_ascii_uppercase(),
            postal_code: field("postal_code").into(),
            from: from.unwrap_or_default(),
            until,
            days: days.unwrap_or_default(),
            reason: field("reason").to_lowercase(),
            severity: severity.unwrap_or_default(),
            message: (!message.is_empty()).then(|| (if language.is_empty() { "en" } else { language }.into(), message.into())),
        };
        // What a notice made of it would be refused for.
        for (delay, _) in incident::notices(std::slice::from_ref(&row), incident::MOST_RANGES) {
            for i in delay.validate() {
                let name = if i.field.starts_with("effect") { "days" } else { i.field.rsplit('.').next().unwrap_or_default() };
                wrong.push(Invalid { field: format!("line {}, {name}", n + 2), message: i.message });
            }
        }
        rows.push(row);
    }
    if rows.is_empty() && wrong.is_empty() {
        wrong.push(Invalid { field: "line 2".into(), message: "the list has no rows".into() });
    }
    Ok(if wrong.is_empty() { Ok(rows) } else { Err(wrong) })
}

/// Looks at all stores from time to time.
pub async fn keep(state: AppState) {
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tick.tick().await;
        for store in &state.config().stores {
            if let Err(e) = look(&state, &store.id).await {
                tracing::error!(error = format!("{e:#}"), store = store.id, "looking for delays failed");
            }
        }
    }
}

/// Looks at a store's scans: counts their gaps anew, and compares its deliveries with what was to be expected. Returns whether a notice changed.
pub async fn look(state: &AppState, store: &str) -> Result<bool> {
    let now = state.now();
    let id = store.to_owned();
    let found = state.db().read(move |db| {
        let Some(policy) = policies::at(db, &id, now)? else { return Ok(None) };
        let parcels = incidents::parcels(db, &id, Instant(now.0 - DAYS_BACK * 86_400))?;
        let document = policy.document(now);
        let gaps = gaps(&document, &parcels);
        let found = if policy.detection == Detection::Off { Vec::new() } else { slow(&document, &parcels, now) };
        Ok(Some((policy, gaps, found)))
    });
    let Some((policy, gaps, found)) = found.await? else { return Ok(false) };
    let id = store.to_owned();
    let changed = state
        .db()
        .write(move |db| {
            incidents::put_gaps(db, &id, &gaps)?;
            settle(db, &id, &policy, &found, now)
        })
        .await?;
    if changed {
        state.forget_published(store);
        ingest::reestimate(state, store).await?;
    }
    Ok(changed)
}

/// A parcel's groups, by its carrier, zone, origin and area.
fn groups(document: &Document, p: &Parcel) -> Vec<String> {
    let to = Destination {
        country: p.country.clone(),
        region: p.region.clone(),
        postal_code: p.postal_code.clone(),
        ..Destination::default()
    };
    incident::groups(&p.carrier, &p.origin, document.zone_of(&to).unwrap_or_default(), &p.country, &p.postal_code)
}

/// The gaps between scans that followed one another.
fn gaps(document: &Document, parcels: &[Parcel]) -> Gaps {
    let mut gaps = Gaps::default();
    for p in parcels {
        let groups = groups(document, p);
        let mut times: Vec<Instant> = p.scans.iter().filter_map(|t| Instant::parse(t)).collect();
        times.sort();
        for pair in times.windows(2) {
            gaps.add(&groups, hours(document, &p.carrier, pair[0], pair[1]));
        }
    }
    gaps
}

/// Slow-downs up to yesterday: today is not over.
fn slow(document: &Document, parcels: &[Parcel], now: Instant) -> Vec<Slowdown> {
    let day = |t: &str| Day::parse(t.get(..10)?);
    let leg = |p: &Parcel| {
        Some(Leg { from: day(&p.shipped_at)?, until: p.delivered_at.as_deref().and_then(day), groups: groups(document, p) })
    };
    let legs: Vec<Leg> = parcels.iter().filter_map(leg).collect();
    watch(&legs, &|day| document.delivers(day), Day(now.local(0).0.0 - 1), &Settings::default())
}

/// Brings what is on record in line with what was found. Returns whether a notice that holds changed.
fn settle(db: &Connection, store: &str, policy: &Policy, found: &[Slowdown], now: Instant) -> Result<bool> {
    let mut known = incidents::list(db, store)?;
    known.retain(Incident::open);
    let mut changed = false;
    let today = now.local(0).0;
    for slow in found {
        let same = known.iter().position(|k| k.group == slow.group);
        match same.map(|at| known.swap_remove(at)) {
            // Deliveries that are told late move its beginning: it stays the same incident.
            Some(mut old) => {
                let fresh = Incident::of(slow, &old.state);
                let held = old.notice.clone();
                (old.arrived, old.expected) = (fresh.arrived, fresh.expected);
                (old.notice.effect, old.notice.severity, old.notice.until) =
                    (fresh.notice.effect, fresh.notice.severity, fresh.notice.until);
                changed |= old.state == "applied" && follow(db, store, &held, &old.notice)?;
                if slow.ended.is_some() {
                    old.state = "ended".into();
                }
                incidents::put(db, store, &old)?;
            }
            None if slow.ended.is_none() && slow.found.0 + FRESH_DAYS >= today.0 => {
                let apply = policy.detection == Detection::Apply;
                let new = Incident::of(slow, if apply { "applied" } else { "proposed" });
                // Decided upon before: what was ended or dismissed by a person is not brought up again.
                if incidents::get(db, store, &new.id)?.is_some() {
                    continue;
                }
                incidents::put(db, store, &new)?;
                if apply {
                    policies::put_delay(db, store, &new.notice)?;
                    audit::record(db, store, audit::DETECTION, "delay.put", &new.id, &serde_json::to_value(&new.notice)?)?;
                    changed = true;
                }
            }
            None => {}
        }
    }
    // What the scans no longer tell is over.
    for mut gone in known {
        if gone.state == "applied" {
            let ended = Delay { until: Some(now.max(Instant(gone.notice.from.0 + 1))), ..gone.notice.clone() };
            changed |= follow(db, store, &gone.notice, &ended)?;
            gone.notice = ended;
        }
        gone.state = "ended".into();
        incidents::put(db, store, &gone)?;
    }
    Ok(changed)
}

/// Changes the notice as its measure does, unless a person has changed or ended it: that one stays.
fn follow(db: &Connection, store: &str, held: &Delay, new: &Delay) -> Result<bool> {
    let there = policies::delays(db, store)?.into_iter().find(|d| d.id == held.id);
    if there.as_ref() != Some(held) || held == new {
        return Ok(false);
    }
    policies::put_delay(db, store, new)?;
    if new.until != held.until {
        audit::record(db, store, audit::DETECTION, "delay.end", &new.id, &json!({}))?;
    }
    Ok(true)
}

/// A person's word on a finding: `approve` it, or `dismiss` it. `None`: there is no such finding, or it is over.
pub fn decide(db: &Connection, store: &str, id: &str, approve: bool, actor: &str, now: Instant) -> Result<Option<Incident>> {
    let Some(mut found) = incidents::get(db, store, id)?.filter(Incident::open) else { return Ok(None) };
    if approve {
        policies::put_delay(db, store, &found.notice)?;
        audit::record(db, store, actor, "delay.put", id, &serde_json::to_value(&found.notice)?)?;
    } else if found.state == "applied" {
        let ended = Delay { until: Some(now.max(Instant(found.notice.from.0 + 1))), ..found.notice.clone() };
        policies::put_delay(db, store, &ended)?;
        audit::record(db, store, actor, "delay.end", id, &json!({}))?;
        found.notice = ended;
    }
    found.state = if approve { "applied" } else { "dismissed" }.into();
    incidents::put(db, store, &found)?;
    Ok(Some(found))
}

/// What an imported notice holds, for whoever imports it.
pub fn summary(notices: &[(Delay, u64)], rows: usize) -> serde_json::Value {
    let told: Vec<_> = notices
        .iter()
        .map(|(d, besides)| {
            let ranges: usize = d.scope.places.iter().map(|p| p.postal_codes.len()).sum();
            json!({"id": d.id, "ranges": ranges, "besides": besides, "from": d.from, "until": d.until})
        })
        .collect();
    json!({"rows": rows, "notices": told})
}
