//! What was found in a store's own scans: proposed, applied, dismissed, ended. And how long its scans let one wait.

use anyhow::Result;
use promise::{Instant, detect::Slowdown, policy::Delay, scans::Gaps};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

/// A finding, with the notice that it proposes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Incident)]
#[serde(default)]
pub struct Incident {
    /// The notice's id.
    pub id: String,
    /// `proposed`, `applied`, `dismissed`, `ended`.
    pub state: String,
    #[schema(value_type = String)]
    pub found_at: Instant,
    /// Parcels that arrived since it began, and that were to be expected.
    pub arrived: u32,
    pub expected: u32,
    pub notice: Delay,
    /// The group of parcels that it was found in.
    #[serde(skip_serializing)]
    #[schema(ignore)]
    pub group: String,
}

impl Incident {
    /// Holds or waits for a decision.
    pub fn open(&self) -> bool {
        matches!(self.state.as_str(), "proposed" | "applied" | "dismissed")
    }

    /// What a finding of the detector proposes.
    pub fn of(found: &Slowdown, state: &str) -> Incident {
        let notice = promise::incident::proposal(found);
        Incident {
            id: notice.id.clone(),
            state: state.into(),
            found_at: Instant(i64::from(found.found.0) * 86_400),
            arrived: found.arrived.round() as u32,
            expected: found.expected.round() as u32,
            notice,
            group: found.group.clone(),
        }
    }
}

/// All findings of a store, newest first.
pub fn list(db: &Connection, store: &str) -> Result<Vec<Incident>> {
    let mut rows = db.prepare_cached(
        "select id, state, found_at, arrived, expected, notice, scope from incidents where store = ?1 order by found_at desc, id limit 500",
    )?;
    let rows = rows.query_map([store], read)?;
    rows.map(|r| -> Result<Incident> { r? }).collect()
}

pub fn get(db: &Connection, store: &str, id: &str) -> Result<Option<Incident>> {
    db.prepare_cached("select id, state, found_at, arrived, expected, notice, scope from incidents where store = ?1 and id = ?2")?
        .query_row(params![store, id], read)
        .optional()?
        .transpose()
}

fn read(r: &rusqlite::Row) -> rusqlite::Result<Result<Incident>> {
    let (id, state, found_at) = (r.get(0)?, r.get(1)?, Instant(r.get(2)?));
    let (arrived, expected, notice, group) = (r.get(3)?, r.get(4)?, r.get::<_, String>(5)?, r.get(6)?);
    Ok(serde_json::from_str(&notice)
        .map(|notice| Incident { id, state, found_at, arrived, expected, notice, group })
        .map_err(Into::into))
}

pub fn put(db: &Connection, store: &str, i: &Incident) -> Result<()> {
    db.prepare_cached(
        "insert or replace into incidents (store, id, state, found_at, arrived, expected, notice, scope) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![store, i.id, i.state, i.found_at.0, i.arrived, i.expected, serde_json::to_string(&i.notice)?, i.group])?;
    Ok(())
}

/// The gaps between scans of a parcel's groups, as they were counted last.
pub fn gaps(db: &Connection, store: &str, groups: &[String]) -> Result<Gaps> {
    let mut gaps = Gaps::default();
    let mut of = db.prepare_cached("select counts from scan_gaps where store = ?1 and scope = ?2")?;
    for group in groups {
        let counts: Option<String> = of.query_row(params![store, group], |r| r.get(0)).optional()?;
        if let Some(counts) = counts.and_then(|c| serde_json::from_str(&c).ok()) {
            gaps.groups.insert(group.clone(), counts);
        }
    }
    Ok(gaps)
}

pub fn put_gaps(db: &Connection, store: &str, gaps: &Gaps) -> Result<()> {
    db.execute("delete from scan_gaps where store = ?1", [store])?;
    let mut put = db.prepare_cached("insert into scan_gaps (store, scope, counts) values (?1, ?2, ?3)")?;
    for (group, counts) in &gaps.groups {
        put.execute(params![store, group, serde_json::to_string(counts)?])?;
    }
    Ok(())
}

/// One parcel, as far as it tells how long things take.
pub struct Parcel {
    pub carrier: String,
    pub origin: String,
    pub country: String,
    pub region: String,
    pub postal_code: String,
    pub shipped_at: String,
    pub delivered_at: Option<String>,
    /// Times of its scans.
    pub scans: Vec<String>,
}

/// Takes the parcels of orders placed since a moment, one by one, by their documents: a store may have a million.
pub fn parcels(db: &Connection, store: &str, since: Instant, mut take: impl FnMut(Parcel)) -> Result<()> {
    let mut rows = db.prepare_cached(
        "select s.value ->> '$.carrier', s.value ->> '$.shipped_at', s.value ->> '$.delivered_at',
             o.facts ->> '$.destination.country', o.facts ->> '$.destination.region', o.facts ->> '$.destination.postal_code',
             (select offer ->> '$.origin' from promises p where p.store = o.store and p.order_id = o.id order by seq desc limit 1),
             (select json_group_array(c.value ->> '$.time') from json_each(s.value, '$.checkpoints') c)
         from orders o join documents d on d.store = o.store and d.order_id = o.id, json_each(d.body, '$.shipments') s
         where o.store = ?1 and o.facts ->> '$.placed_at' >= ?2 and s.value ->> '$.shipped_at' is not null",
    )?;
    let since = since.to_string();
    let rows = rows.query_map(params![store, since.get(..10)], |r| {
        let text = |n: usize| r.get::<_, Option<String>>(n).map(Option::unwrap_or_default);
        Ok(Parcel {
            carrier: text(0)?,
            shipped_at: text(1)?,
            delivered_at: r.get(2)?,
            country: text(3)?,
            region: text(4)?,
            postal_code: text(5)?,
            origin: text(6)?,
            scans: serde_json::from_str::<Vec<Option<String>>>(&text(7)?).unwrap_or_default().into_iter().flatten().collect(),
        })
    })?;
    for parcel in rows {
        take(parcel?);
    }
    Ok(())
}
