//! Incidents: lists of them to delay notices, and those that a store's own scans tell of. Looking twice is harmless: the same scans give the
//! same findings, by the same ids.

mod list;

use std::{collections::HashSet, sync::Arc, time::Duration};

use anyhow::Result;
use promise::{
    Day, Document, Instant,
    detect::{Leg, Settings, Slowdown, watch},
    estimate::Destination,
    incident,
    policy::{Delay, Detection, Policy},
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

pub use list::read;

/// As far back as is looked: long enough to know what is usual.
const DAYS_BACK: i64 = 200;
/// A slow-down that was found longer ago says nothing about today.
const FRESH_DAYS: i32 = 14;
/// How often is looked.
const EVERY: Duration = Duration::from_secs(3 * 3600);

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
        let document = policy.document(now);
        let mut seen = Seen::default();
        incidents::parcels(db, &id, Instant(now.0 - DAYS_BACK * 86_400), |parcel| seen.take(&document, &parcel))?;
        let found = if policy.detection == Detection::Off { Vec::new() } else { slow(&document, &seen.legs, now) };
        Ok(Some((policy, seen.gaps, found)))
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

/// What parcels tell, each in a few bytes.
#[derive(Default)]
struct Seen {
    /// The gaps between scans that followed one another.
    gaps: Gaps,
    legs: Vec<Leg>,
    /// Groups that parcels share.
    known: HashSet<Arc<[String]>>,
}

impl Seen {
    fn take(&mut self, document: &Document, p: &Parcel) {
        let groups = groups(document, p);
        let mut times: Vec<Instant> = p.scans.iter().filter_map(|t| Instant::parse(t)).collect();
        times.sort();
        for pair in times.windows(2) {
            self.gaps.add(&groups, hours(document, &p.carrier, pair[0], pair[1]));
        }
        let day = |t: &str| Day::parse(t.get(..10)?);
        let Some(from) = day(&p.shipped_at) else { return };
        let groups = match self.known.get(groups.as_slice()) {
            Some(known) => known.clone(),
            None => {
                let groups: Arc<[String]> = groups.into();
                self.known.insert(groups.clone());
                groups
            }
        };
        self.legs.push(Leg { from, until: p.delivered_at.as_deref().and_then(day), groups });
    }
}

/// Slow-downs up to yesterday: today is not over.
fn slow(document: &Document, legs: &[Leg], now: Instant) -> Vec<Slowdown> {
    watch(legs, &|day| document.delivers(day), Day(now.local(0).0.0 - 1), &Settings::default())
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
