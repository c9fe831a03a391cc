//! How fresh an order is: what was heard of each parcel last, and when its carrier is asked next.

use anyhow::Result;
use maud::{Markup, html};
use promise::Instant;
use rusqlite::{Connection, params};

use super::frame::moment;

/// One parcel, as far as it is asked about.
pub struct Parcel {
    number: String,
    /// When something came in about it, whoever sent it.
    heard: Option<Instant>,
    asked: Option<Asked>,
}

struct Asked {
    carrier: String,
    /// When the carrier last answered.
    answered: Option<Instant>,
    next: Instant,
    pushes_until: Option<Instant>,
    failures: i64,
    error: Option<String>,
}

pub fn of(db: &Connection, store: &str, order: &str) -> Result<Vec<Parcel>> {
    let mut rows = db.prepare_cached(
        "select p.tracking_number,
            (select max(e.received_at) from event_subjects s join events e on e.id = s.event
                where s.store = p.store and s.kind = 'parcel' and s.id = p.tracking_number),
            q.poller, q.checked_at, q.due_at, q.pushed_until, q.failures, coalesce(q.error, a.error)
         from parcels p left join polls q on q.store = p.store and q.tracking_number = p.tracking_number
            left join pollers a on a.store = q.store and a.poller = q.poller
         where p.store = ?1 and p.order_id = ?2 order by p.tracking_number",
    )?;
    let parcels = rows.query_map(params![store, order], |r| {
        let asked = match r.get::<_, Option<String>>(2)? {
            None => None,
            Some(carrier) => Some(Asked {
                carrier,
                answered: r.get::<_, Option<i64>>(3)?.map(Instant),
                next: Instant(r.get(4)?),
                pushes_until: Some(Instant(r.get(5)?)).filter(|at| at.0 > 0),
                failures: r.get(6)?,
                error: r.get(7)?,
            }),
        };
        Ok(Parcel { number: r.get(0)?, heard: r.get::<_, Option<i64>>(1)?.map(Instant), asked })
    })?;
    Ok(parcels.collect::<Result<_, _>>()?)
}

pub fn section(parcels: &[Parcel], now: Instant) -> Markup {
    html! {
        @if !parcels.is_empty() {
            section {
                h2 { "How fresh it is" }
                div.scroll tabindex="0" role="region" aria-label="Freshness" {
                    table {
                        thead { tr { th scope="col" { "Parcel" } th scope="col" { "Last news" } th scope="col" { "Carrier answered" } th scope="col" { "Asked next" } } }
                        tbody { @for p in parcels { (row(p, now)) } }
                    }
                }
            }
        }
    }
}

fn row(p: &Parcel, now: Instant) -> Markup {
    html! {
        tr {
            td { (p.number) }
            td { @match p.heard { Some(at) => (moment(at)), None => "none yet" } }
            @match &p.asked {
                None => td colspan="2" { "not asked: it is told by webhooks, is delivered, or its carrier has no account here" },
                Some(a) => {
                    td {
                        @match a.answered { Some(at) => (moment(at)), None => "never" }
                        @if let Some(error) = &a.error { br; span.tag.warning { "failing" } " " span.hint { (error) @if a.failures > 1 { ", " (a.failures) " times" } } }
                    }
                    td {
                        @if a.next <= now { "as soon as " (a.carrier) "'s budget allows" } @else { (moment(a.next)) }
                        @if let Some(until) = a.pushes_until.filter(|until| *until > now) { br; span.hint { "pushes until " (moment(until)) } }
                    }
                }
            }
        }
    }
}
