//! What shoppers were told, what they said of it, and what they reported. Messages are counted as they end; scores and reports are few
//! enough to be counted when they are asked for.
//!
//! Whether a mail was opened is not counted: it would take a picture that tells on its reader, and mail programs load such pictures by
//! themselves. What can be said honestly is how often order pages were looked at ([`super::contacts`]).

use std::collections::BTreeMap;

use anyhow::Result;
use promise::Instant;
use rusqlite::{Connection, params};
use serde::Serialize;

use super::{
    days,
    figures::Figures,
    outcome::{dimension, week},
    report::{Count, Period},
};
use crate::store::{insight::Query, policies};

/// Messages by how they ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsEnds)]
pub struct Ends {
    /// A week's Monday, a channel or a notice; empty for all of them.
    pub key: String,
    pub sent: i64,
    /// No longer true, not wanted, or too many.
    pub dropped: i64,
    pub failed: i64,
    /// Of which nobody knows whether they arrived.
    pub unknown: i64,
}

impl Ends {
    fn of(key: &str, f: &Figures) -> Ends {
        Ends {
            key: key.to_owned(),
            sent: f.get("sent"),
            dropped: f.get("dropped"),
            failed: f.get("failed"),
            unknown: f.get("unknown"),
        }
    }
}

/// What shoppers were told in a period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsMessages)]
pub struct Messages {
    pub total: Ends,
    pub weeks: Vec<Ends>,
    pub channels: Vec<Ends>,
    pub notices: Vec<Ends>,
    /// Who ended messages, by how: `unsubscribed`, `stop`, `complained`, `order_page`.
    pub opted_out: Vec<Count>,
    /// Addresses that do not exist.
    pub bounced: i64,
}

pub fn told(db: &Connection, store: &str, period: Period) -> Result<Messages> {
    let of = Query { store, dimension: dimension::MESSAGE, from: period.from.0, to: period.to.0 };
    let mut total = Figures::default();
    let (mut channels, mut notices): (BTreeMap<String, Figures>, BTreeMap<String, Figures>) = Default::default();
    for (key, figures) in of.by_key(db)? {
        let (channel, notice) = key.split_once('|').unwrap_or((&key, ""));
        total.add_all(&figures, 1);
        channels.entry(channel.to_owned()).or_default().add_all(&figures, 1);
        notices.entry(notice.to_owned()).or_default().add_all(&figures, 1);
    }
    let by_week = of.by_day(db, week)?;
    let weeks = (week(period.from.0)..=period.to.0).step_by(7).map(|monday| {
        let name = promise::Day(monday).to_string();
        by_week.get(&monday).map_or_else(|| Ends { key: name.clone(), ..Ends::default() }, |f| Ends::of(&name, f))
    });
    let list = |by: BTreeMap<String, Figures>| -> Vec<Ends> {
        let mut all: Vec<Ends> = by.iter().map(|(key, f)| Ends::of(key, f)).collect();
        all.sort_by(|a, b| b.sent.cmp(&a.sent).then_with(|| a.key.cmp(&b.key)));
        all
    };
    let (from, to) = moments(db, store, period)?;
    let mut reasons: BTreeMap<String, i64> = BTreeMap::new();
    let mut rows =
        db.prepare_cached("select reason, count(*) from suppressions where store = ?1 and at >= ?2 and at < ?3 group by reason")?;
    for row in rows.query_map(params![store, from, to], |r| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?)))? {
        let (reason, n) = row?;
        reasons.insert(reason, n);
    }
    let page = "select count(distinct order_id || channel) from opt_ins where store = ?1 and given = 0 and at >= ?2 and at < ?3";
    let page: i64 = db.prepare_cached(page)?.query_row(params![store, from, to], |r| r.get(0))?;
    reasons.insert("order_page".into(), page);
    let bounced = reasons.remove("bounced").unwrap_or_default();
    reasons.remove("merchant");
    Ok(Messages {
        total: Ends::of("", &total),
        weeks: weeks.collect(),
        channels: list(channels),
        notices: list(notices),
        opted_out: counts(reasons),
        bounced,
    })
}

/// The period's first moment, and the one after its last, where the store lives.
fn moments(db: &Connection, store: &str, period: Period) -> Result<(i64, i64)> {
    let zone = policies::zone(db, store, Instant(i64::MAX))?;
    Ok((days::begins(period.from.0, zone), days::begins(period.to.0 + 1, zone)))
}

fn counts(by: BTreeMap<String, i64>) -> Vec<Count> {
    let mut all: Vec<Count> = by.into_iter().filter(|(_, n)| *n > 0).map(|(key, count)| Count { key, count }).collect();
    all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
    all
}

/// What one shopper wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsComment)]
pub struct Comment {
    pub order_id: String,
    pub at: String,
    pub score: i64,
    pub text: String,
    pub language: String,
}

/// How it was, from 0 to 10.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsFeedback)]
pub struct Heard {
    pub answers: i64,
    /// Asked, and waved away.
    pub dismissed: i64,
    /// 9 and 10.
    pub promoters: i64,
    /// 7 and 8.
    pub passives: i64,
    /// 0 to 6.
    pub detractors: i64,
    /// Promoters less detractors, in percent of the answers; absent while there are none.
    pub nps: Option<i64>,
    /// Answers by score, from 0 on.
    pub scores: Vec<i64>,
    /// The newest that say something.
    pub comments: Vec<Comment>,
}

const COMMENTS: i64 = 100;

/// Promoters less detractors, in percent of the answers; absent while there are none.
pub fn nps(promoters: i64, detractors: i64, answers: i64) -> Option<i64> {
    (answers > 0).then(|| ((promoters - detractors) as f64 * 100.0 / answers as f64).round() as i64)
}

pub fn heard(db: &Connection, store: &str, period: Period) -> Result<Heard> {
    let (from, to) = moments(db, store, period)?;
    let mut h = Heard { scores: vec![0; 11], ..Heard::default() };
    let mut rows =
        db.prepare_cached("select score, count(*) from feedback where store = ?1 and at >= ?2 and at < ?3 group by score")?;
    for row in rows.query_map(params![store, from, to], |r| Ok((r.get::<_, Option<i64>>(0)?, r.get::<_, i64>(1)?)))? {
        let (score, n) = row?;
        match score {
            None => h.dismissed = n,
            Some(score) => {
                if let Some(of) = usize::try_from(score).ok().and_then(|s| h.scores.get_mut(s)) {
                    *of = n;
                }
            }
        }
    }
    h.answers = h.scores.iter().sum();
    h.promoters = h.scores[9..].iter().sum();
    h.detractors = h.scores[..7].iter().sum();
    h.passives = h.answers - h.promoters - h.detractors;
    h.nps = nps(h.promoters, h.detractors, h.answers);
    let mut rows = db.prepare_cached(
        "select order_id, at, score, comment, language from feedback
         where store = ?1 and at >= ?2 and at < ?3 and score is not null and comment <> '' order by at desc limit ?4",
    )?;
    let comments = rows.query_map(params![store, from, to, COMMENTS], |r| {
        Ok(Comment {
            order_id: r.get(0)?,
            at: Instant(r.get(1)?).to_string(),
            score: r.get(2)?,
            text: r.get(3)?,
            language: r.get(4)?,
        })
    })?;
    h.comments = comments.collect::<Result<_, _>>()?;
    Ok(h)
}

/// Reports of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsReportKind)]
pub struct OfKind {
    pub key: String,
    pub opened: i64,
    /// Still open now.
    pub open: i64,
    pub settled: i64,
    pub withdrawn: i64,
    pub declined: i64,
    /// Settled ones of which the shopper said that it helped, or that it did not.
    pub helped: i64,
    pub not_helped: i64,
}

/// What was reported in a period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsReports)]
pub struct Reported {
    pub total: OfKind,
    pub kinds: Vec<OfKind>,
    /// Orders of which a parcel was stolen, by country and the beginning of the postal code.
    pub thefts: Vec<Count>,
    /// In places with too few to be told without pointing at somebody.
    pub thefts_elsewhere: i64,
}

/// Fewer thefts in one place point at somebody.
pub const FEWEST_THEFTS: i64 = crate::care::settings::LEAST_THEFTS as i64;

pub fn reported(db: &Connection, store: &str, period: Period) -> Result<Reported> {
    let (from, to) = moments(db, store, period)?;
    let mut kinds: BTreeMap<String, OfKind> = BTreeMap::new();
    let mut total = OfKind::default();
    let mut rows = db.prepare_cached(
        "select kind, state, body ->> '$.solved', count(*) from reports where store = ?1 and opened_at >= ?2 and opened_at < ?3 and state <> 'open' group by 1, 2, 3",
    )?;
    let rows = rows.query_map(params![store, from, to], |r| {
        Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?, r.get::<_, Option<bool>>(2)?, r.get::<_, i64>(3)?))
    })?;
    for row in rows {
        let (kind, state, solved, n) = row?;
        for of in [kinds.entry(kind.clone()).or_insert_with(|| OfKind { key: kind.clone(), ..OfKind::default() }), &mut total] {
            of.opened += n;
            match state.as_str() {
                "settled" => of.settled += n,
                "withdrawn" => of.withdrawn += n,
                "declined" => of.declined += n,
                _ => of.open += n,
            }
            match solved {
                Some(true) => of.helped += n,
                Some(false) => of.not_helped += n,
                None => {}
            }
        }
    }
    let mut kinds: Vec<OfKind> = kinds.into_values().collect();
    kinds.sort_by(|a, b| b.opened.cmp(&a.opened).then_with(|| a.key.cmp(&b.key)));
    let mut rows = db.prepare_cached(
        "select coalesce(area, ''), count(distinct order_id) from reports where store = ?1 and kind = 'stolen'
            and state not in ('open', 'withdrawn', 'declined') and opened_at >= ?2 and opened_at < ?3 group by 1",
    )?;
    let areas: BTreeMap<String, i64> =
        rows.query_map(params![store, from, to], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<Result<_, _>>()?;
    let (many, few): (BTreeMap<_, _>, BTreeMap<_, _>) =
        areas.into_iter().partition(|(area, n)| !area.is_empty() && *n >= FEWEST_THEFTS);
    Ok(Reported { total, kinds, thefts: counts(many), thefts_elsewhere: few.values().sum() })
}
