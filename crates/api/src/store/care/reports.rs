//! Reports: durable records whose states follow `care::report`'s table, with a log of all that happened to each.

use anyhow::Result;
use promise::{Day, Instant};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wire::{
    OrderDocument,
    care::{Agreement, BriefReport, Offer, Report, Resolution, Step},
};

use super::{chance, settings, thefts};
use crate::{
    care::{
        checks,
        offers::{self, Case, Offers},
        photo::Photo,
        report::{Action, Actor, Kind, State, next, open_to_shopper},
        settings::Reports as Rules,
    },
    store::{
        orders::{self, StoreInfo},
        outbox,
    },
};

/// Reports of one order, and pictures of one report.
const MOST_REPORTS: usize = 20;
pub const MOST_PHOTOS: u32 = 8;
/// Hours after midnight UTC at which a report is looked at again on its day.
const LOOK_AT: i64 = 9 * 3600;

/// What stands in a report besides its columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Body {
    pub shipment: Option<String>,
    pub items: Vec<String>,
    pub words: String,
    /// Checks that were made without finding it.
    pub checked: Vec<String>,
    /// The new address, of an address change: gone once the report has ended.
    pub address: Option<String>,
    pub offers: Vec<Offer>,
    pub later: Vec<Offer>,
    /// The store has named the offers itself.
    pub by_store: bool,
    pub chance: Option<u16>,
    pub review: Option<Day>,
    pub agreement: Option<Agreement>,
    pub resolution: Option<Resolution>,
    /// How it was withdrawn: `found`, `arrived`, `mistake`.
    pub withdrawn: Option<String>,
    /// Working days from the delivery to its being found.
    pub waited: Option<i64>,
    pub solved: Option<bool>,
    pub comment: String,
    pub language: String,
}

#[derive(Clone, Debug)]
pub struct Kept {
    pub id: String,
    pub order: String,
    pub kind: Kind,
    pub state: State,
    pub opened_at: Instant,
    pub updated_at: Instant,
    pub body: Body,
}

/// What a shopper reports.
#[derive(Clone, Debug, Default)]
pub struct New {
    pub kind: Option<Kind>,
    pub shipment: Option<String>,
    pub items: Vec<String>,
    pub words: String,
    pub checked: Vec<String>,
    pub address: Option<String>,
    /// One of the checks has found it.
    pub found: bool,
    pub language: String,
    /// The sender's own.
    pub key: String,
}

/// Why something is not done; nothing is changed then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The order, or the report of this order.
    Unknown,
    /// Switched off, not possible for this order now, or not from this state.
    NotNow(String),
    /// Another one of the same is open: its id.
    Open(String),
    TooMany(String),
    /// What is wrong with a field.
    Field(&'static str, String),
}

fn random_id() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

const COLUMNS: &str = "id, order_id, kind, state, opened_at, updated_at, body";

type Row = (String, String, String, String, i64, i64, String);

fn row(r: &rusqlite::Row) -> rusqlite::Result<Row> {
    Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?, r.get(6)?))
}

fn kept((id, order, kind, state, opened, updated, body): Row) -> Result<Option<Kept>> {
    let (Some(kind), Some(state)) = (Kind::parse(&kind), State::parse(&state)) else { return Ok(None) };
    let body = serde_json::from_str(&body)?;
    Ok(Some(Kept { id, order, kind, state, opened_at: Instant(opened), updated_at: Instant(updated), body }))
}

/// A report of an order; another order's is not found.
pub fn get(db: &Connection, store: &str, order: &str, id: &str) -> Result<Option<Kept>> {
    let sql = format!("select {COLUMNS} from reports where store = ?1 and order_id = ?2 and id = ?3");
    let found = db.prepare_cached(&sql)?.query_row(params![store, order, id], row).optional()?;
    found.map_or(Ok(None), kept)
}

/// By a store's own key: any of its reports.
pub fn of_store(db: &Connection, store: &str, id: &str) -> Result<Option<Kept>> {
    let sql = format!("select {COLUMNS} from reports where store = ?1 and id = ?2");
    let found = db.prepare_cached(&sql)?.query_row(params![store, id], row).optional()?;
    found.map_or(Ok(None), kept)
}

/// An order's reports, newest first.
pub fn all(db: &Connection, store: &str, order: &str) -> Result<Vec<Kept>> {
    let sql = format!("select {COLUMNS} from reports where store = ?1 and order_id = ?2 order by opened_at desc, id");
    let mut rows = db.prepare_cached(&sql)?;
    let rows: Vec<Row> = rows.query_map(params![store, order], row)?.collect::<Result<_, _>>()?;
    Ok(rows.into_iter().map(kept).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// As the order page shows them.
pub fn brief(db: &Connection, store: &str, order: &str) -> Result<Vec<BriefReport>> {
    let list = all(db, store, order)?.into_iter();
    Ok(list
        .map(|k| BriefReport {
            ask: k.state == State::Settled && k.body.solved.is_none(),
            id: k.id,
            kind: k.kind.as_str().into(),
            state: k.state.as_str().into(),
            option: k.body.agreement.map(|a| a.option),
            review_on: k.body.review.map(|d| d.to_string()),
            updated_at: k.updated_at.to_string(),
        })
        .collect())
}

/// As its shopper sees it.
pub fn shown(db: &Connection, k: Kept, settings: &Rules, now: Instant) -> Result<Report> {
    let mut rows = db.prepare_cached("select id from report_photos where report = ?1 order by seq")?;
    let photos = rows.query_map([&k.id], |r| r.get(0))?.collect::<Result<_, _>>()?;
    let mut rows = db.prepare_cached("select at, state, actor from report_events where report = ?1 order by seq")?;
    let steps = rows.query_map([&k.id], |r| Ok(Step { at: Instant(r.get(0)?).to_string(), state: r.get(1)?, by: r.get(2)? }))?;
    let mut steps: Vec<Step> = steps.collect::<Result<_, _>>()?;
    // One line a state.
    steps.dedup_by(|b, a| a.state == b.state);
    let too_late = now.0 > k.updated_at.0 + i64::from(settings.reopen_days) * 86_400;
    let ask = k.state == State::Settled && k.body.solved.is_none();
    let actions = open_to_shopper(k.state).into_iter().filter(|a| match a {
        Action::Reopen => !too_late,
        Action::Answer => ask,
        _ => true,
    });
    Ok(Report {
        actions: actions.map(|a| a.as_str().to_owned()).collect(),
        ask,
        id: k.id,
        kind: k.kind.as_str().into(),
        state: k.state.as_str().into(),
        opened_at: k.opened_at.to_string(),
        updated_at: k.updated_at.to_string(),
        shipment: k.body.shipment,
        items: k.body.items,
        words: k.body.words,
        photos,
        offers: if k.state == State::Offered { k.body.offers } else { Vec::new() },
        later: if k.state.is_closed() { Vec::new() } else { k.body.later },
        chance: k.body.chance.filter(|_| !k.state.is_closed()),
        review_on: k.body.review.map(|d| d.to_string()),
        agreement: k.body.agreement,
        resolution: k.body.resolution,
        solved: k.body.solved,
        steps,
    })
}

/// Opens a report. The same one sent twice, by its key, is the same.
pub fn open(db: &Connection, store: &StoreInfo, order_id: &str, new: New, now: Instant) -> Result<Result<String, Refused>> {
    let settings = settings::of(db, &store.id)?.reports;
    let twice = "select id from reports where store = ?1 and order_id = ?2 and key = ?3";
    if let Some(id) = db.query_row(twice, params![store.id, order_id, new.key], |r| r.get(0)).optional()? {
        return Ok(Ok(id));
    }
    let Some(document) = orders::document(db, &store.id, order_id)? else { return Ok(Err(Refused::Unknown)) };
    let Some((order, _)) = chance::order(db, &store.id, order_id)? else { return Ok(Err(Refused::Unknown)) };
    if !settings.on {
        return Ok(Err(Refused::NotNow("the store takes no reports here: use its contacts".into())));
    }
    let possible = checks::kinds(&document, &settings.kinds);
    let named: Vec<_> = possible.iter().map(|k| k.as_str()).collect();
    let Some(kind) = new.kind.filter(|k| possible.contains(k)) else {
        let can = if named.is_empty() { "nothing".into() } else { named.join(", ") };
        return Ok(Err(Refused::Field("kind", format!("can't be reported of this order now; there is {can}"))));
    };
    let parcel = checks::parcel(&document, kind, new.shipment.as_deref());
    if new.shipment.is_some() && parcel.is_none() {
        return Ok(Err(Refused::Field("shipment", "this parcel can't be what it is about".into())));
    }
    let unknown = |sku: &&String| !order.lines.iter().any(|l| l.sku == **sku);
    if let Some(sku) = new.items.iter().find(unknown) {
        return Ok(Err(Refused::Field("items", format!("\"{sku}\" is not in this order"))));
    }
    if kind == Kind::AddressChange && !new.found && new.address.as_deref().is_none_or(|a| a.trim().len() < 8) {
        return Ok(Err(Refused::Field("address", "write the whole new address".into())));
    }
    let others = all(db, &store.id, order_id)?;
    let shipment = parcel.map(|p| p.id.clone());
    if let Some(same) = others.iter().find(|o| o.kind == kind && o.body.shipment == shipment && !o.state.is_closed()) {
        return Ok(Err(Refused::Open(same.id.clone())));
    }
    if others.len() >= MOST_REPORTS {
        return Ok(Err(Refused::TooMany("this order has many reports already: use the store's contacts".into())));
    }
    let id = random_id()?;
    let body = Body {
        shipment,
        items: new.items,
        words: new.words,
        checked: new.checked,
        address: new.address.filter(|_| kind == Kind::AddressChange),
        language: new.language,
        ..Body::default()
    };
    let a = &order.destination;
    let area = (kind == Kind::Stolen).then(|| thefts::area(a.country.as_deref(), a.postal_code.as_deref())).flatten();
    db.execute(
        "insert into reports (id, store, order_id, kind, state, opened_at, updated_at, area, key, body) values (?1, ?2, ?3, ?4, 'open', ?5, ?5, ?6, ?7, ?8)",
        params![id, store.id, order_id, kind.as_str(), now.0, area, new.key, serde_json::to_string(&body)?],
    )?;
    log(db, &id, now, Actor::Shopper, "open", State::Open, &json!({"checked": body.checked}), None)?;
    let mut k =
        Kept { id: id.clone(), order: order_id.to_owned(), kind, state: State::Open, opened_at: now, updated_at: now, body };
    if new.found {
        // Solved before anybody was asked: kept, since it shows what the checks are worth.
        withdraw(&mut k, &document, "found", now);
        step(db, store, &document, &mut k, Action::Withdraw, Actor::Shopper, &json!({"reason": "found"}), None, now)?;
        return Ok(Ok(id));
    }
    tell(db, store, &document, &k, "report.opened", now)?;
    step(db, store, &document, &mut k, Action::Submit, Actor::Shopper, &Value::Null, None, now)?;
    evaluate(db, store, &settings, &document, &mut k, now)?;
    Ok(Ok(id))
}

/// What someone does to a report.
#[derive(Clone, Debug, Default)]
pub struct Did {
    pub option: String,
    /// Words for the record, a reason.
    pub words: String,
    pub reference: String,
    pub found: bool,
    pub solved: Option<bool>,
    pub language: String,
    pub offers: Vec<Offer>,
    pub key: Option<String>,
}

/// Does it, where it may be done now. `order`: only where the report is of this one.
#[allow(clippy::too_many_arguments, reason = "which report, what, by whom, and when")]
pub fn act(
    db: &Connection,
    store: &StoreInfo,
    id: &str,
    order: Option<&str>,
    action: Action,
    by: Actor,
    did: &Did,
    now: Instant,
) -> Result<Result<(), Refused>> {
    let found = match order {
        Some(order) => get(db, &store.id, order, id)?,
        None => of_store(db, &store.id, id)?,
    };
    let Some(mut k) = found else { return Ok(Err(Refused::Unknown)) };
    if let Some(key) = &did.key {
        let twice = "select exists (select 1 from report_events where report = ?1 and key = ?2)";
        if db.query_row(twice, params![id, key], |r| r.get::<_, bool>(0))? {
            return Ok(Ok(()));
        }
    }
    let settings = settings::of(db, &store.id)?.reports;
    let Some(document) = orders::document(db, &store.id, &k.order)? else { return Ok(Err(Refused::Unknown)) };
    // To agree to wait is to be asked again.
    let action = if action == Action::Agree && did.option == "wait" { Action::Wait } else { action };
    if next(k.state, action, by).is_none() {
        let now = k.state.as_str();
        return Ok(Err(Refused::NotNow(format!("a report that is {now} can't be followed by \"{}\"", action.as_str()))));
    }
    let mut note = json!({});
    match action {
        Action::Agree | Action::Wait => {
            let Some(offer) = k.body.offers.iter().find(|o| o.option == did.option).cloned() else {
                let offered: Vec<_> = k.body.offers.iter().map(|o| o.option.as_str()).collect();
                return Ok(Err(Refused::Field("option", format!("is not offered now; there is {}", offered.join(", ")))));
            };
            note = json!({"option": offer.option, "percent": offer.percent, "note": offer.note});
            if action == Action::Wait {
                k.body.review = offer.from.as_deref().and_then(Day::parse);
            } else {
                k.body.review = None;
                k.body.agreement = Some(Agreement {
                    option: offer.option,
                    percent: offer.percent,
                    note: offer.note,
                    at: now.to_string(),
                    language: did.language.clone(),
                });
            }
        }
        Action::Withdraw => {
            let reason = if did.found { "found" } else { "mistake" };
            withdraw(&mut k, &document, reason, now);
            note = json!({"reason": reason});
        }
        Action::Reopen => {
            if by == Actor::Shopper && now.0 > k.updated_at.0 + i64::from(settings.reopen_days) * 86_400 {
                return Ok(Err(Refused::NotNow("it ended too long ago to be opened again: use the store's contacts".into())));
            }
            note = json!({"words": did.words});
            k.body.words =
                [k.body.words.as_str(), did.words.as_str()].into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join("\n");
            (k.body.agreement, k.body.resolution, k.body.solved, k.body.withdrawn) = (None, None, None, None);
            k.body.by_store = false;
        }
        Action::Add => {
            note = json!({"words": did.words});
            k.body.words =
                [k.body.words.as_str(), did.words.as_str()].into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join("\n");
        }
        Action::Answer => {
            if k.body.solved.is_some() {
                return Ok(Err(Refused::NotNow("that has been answered".into())));
            }
            k.body.solved = did.solved;
            k.body.comment = did.words.clone();
            note = json!({"solved": did.solved});
        }
        Action::Offer => {
            k.body.offers = did.offers.clone();
            k.body.later.clear();
            (k.body.by_store, k.body.review) = (true, None);
            note = json!({"offers": did.offers.iter().map(|o| &o.option).collect::<Vec<_>>()});
        }
        Action::Start | Action::Settle | Action::Decline => {
            if action == Action::Decline && did.words.trim().is_empty() {
                return Ok(Err(Refused::Field("note", "say why: the shopper reads it".into())));
            }
            let old = k.body.resolution.take().unwrap_or_default();
            let keep = |new: &str, old: String| if new.is_empty() { old } else { new.to_owned() };
            k.body.resolution =
                Some(Resolution { note: keep(&did.words, old.note), reference: keep(&did.reference, old.reference) });
            k.body.review = None;
            note = json!({"note": did.words, "reference": did.reference});
        }
        Action::Submit => {}
    }
    if k.body.words.len() > MOST_WORDS {
        return Ok(Err(Refused::TooMany("that is a long report already: use the store's contacts for more".into())));
    }
    step(db, store, &document, &mut k, action, by, &note, did.key.as_deref(), now)?;
    if action == Action::Agree {
        let option = &did.option;
        let case = case(db, store, &settings, &document, &k, now)?;
        if case.is_some_and(|c| offers::rule(k.kind, &settings, &c, option).is_some_and(|r| r.automatic)) && !k.body.by_store {
            step(db, store, &document, &mut k, Action::Start, Actor::Clock, &json!({"automatic": true}), None, now)?;
        }
    }
    // "No, it is not solved" opens it again; so does the shopper's own wish.
    if action == Action::Answer && did.solved == Some(false) {
        let again = Did { words: did.words.clone(), language: did.language.clone(), ..Did::default() };
        return act(db, store, id, order, Action::Reopen, Actor::Shopper, &again, now);
    }
    if action == Action::Reopen || action == Action::Submit {
        evaluate(db, store, &settings, &document, &mut k, now)?;
    }
    Ok(Ok(()))
}

/// Bytes of all that a shopper writes into one report.
const MOST_WORDS: usize = 20_000;

fn withdraw(k: &mut Kept, document: &OrderDocument, reason: &str, now: Instant) {
    k.body.withdrawn = Some(reason.into());
    k.body.review = None;
    if k.kind == Kind::NotArrived && reason == "found" {
        let parcel = document.shipments.iter().find(|s| Some(&s.id) == k.body.shipment.as_ref());
        let since = parcel.and_then(|s| Instant::parse(s.delivered_at.as_deref()?)).unwrap_or(k.opened_at);
        let days = since.0.div_euclid(86_400) + 1..=now.0.div_euclid(86_400);
        k.body.waited = Some(days.filter(|d| Day(*d as i32).weekday() < 5).count() as i64);
    }
}

fn case(
    db: &Connection,
    store: &StoreInfo,
    settings: &Rules,
    document: &OrderDocument,
    k: &Kept,
    now: Instant,
) -> Result<Option<Case>> {
    let Some((order, value)) = chance::order(db, &store.id, &k.order)? else { return Ok(None) };
    let parcel = document.shipments.iter().find(|s| Some(&s.id) == k.body.shipment.as_ref());
    let turn_up = chance::of(db, &store.id, &order, document, parcel, k.kind, settings.give_up_below, now)?;
    let time = |t: Option<&str>| t.and_then(Instant::parse);
    let since = time(parcel.and_then(|p| p.delivered_at.as_deref())).or(time(Some(&document.placed_at))).unwrap_or(now);
    Ok(Some(Case { value, days: (now.0 - since.0).div_euclid(86_400), turn_up, today: Day(now.0.div_euclid(86_400) as i32) }))
}

/// Works out what can be offered now, and offers it.
fn evaluate(
    db: &Connection,
    store: &StoreInfo,
    settings: &Rules,
    document: &OrderDocument,
    k: &mut Kept,
    now: Instant,
) -> Result<()> {
    if !matches!(k.state, State::Checking | State::Offered) || k.body.by_store {
        return Ok(());
    }
    let Some(case) = case(db, store, settings, document, k, now)? else { return Ok(()) };
    let waits = k.state == State::Checking && k.body.review.is_some();
    let Offers { now: offered, later, review } = offers::offers(k.kind, settings, &case, &k.body.language);
    k.body.chance = case.turn_up.map(|t| t.chance);
    k.body.later = later;
    let hopeful = review.is_some();
    if waits && hopeful {
        // It was agreed to wait, and something has moved meanwhile: nobody is asked again before the day.
        k.body.review = review;
        return save(db, k, now);
    }
    if offered.is_empty() {
        (k.body.offers, k.body.review) = (Vec::new(), None);
        // No rule fits: the store decides. What was offered and holds no longer is taken back.
        return save(db, k, now);
    }
    let changed = k.state != State::Offered || k.body.offers != offered;
    k.body.offers = offered;
    k.body.review = review;
    match changed {
        true => {
            let note = json!({"offers": k.body.offers.iter().map(|o| &o.option).collect::<Vec<_>>(), "chance": k.body.chance});
            step(db, store, document, k, Action::Offer, Actor::Clock, &note, None, now)
        }
        false => save(db, k, now),
    }
}

fn save(db: &Connection, k: &Kept, now: Instant) -> Result<()> {
    let due =
        k.body.review.filter(|_| matches!(k.state, State::Checking | State::Offered)).map(|d| i64::from(d.0) * 86_400 + LOOK_AT);
    // Never at once again: a day that has come is looked at every six hours until something changes.
    let due = due.map(|at| if at <= now.0 { now.0 + 6 * 3600 } else { at });
    db.prepare_cached("update reports set state = ?2, updated_at = ?3, due_at = ?4, body = ?5 where id = ?1")?
        .execute(params![k.id, k.state.as_str(), k.updated_at.0, due, serde_json::to_string(&k.body)?])?;
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "one place where a report's state changes, with all that is recorded of it")]
fn step(
    db: &Connection,
    store: &StoreInfo,
    document: &OrderDocument,
    k: &mut Kept,
    action: Action,
    by: Actor,
    note: &Value,
    key: Option<&str>,
    now: Instant,
) -> Result<()> {
    let Some(to) = next(k.state, action, by) else { return Ok(()) };
    let moved = to != k.state;
    (k.state, k.updated_at) = (to, now);
    if to.is_closed() {
        // Nobody needs it any more.
        (k.body.address, k.body.review) = (None, None);
        k.body.later.clear();
    }
    save(db, k, now)?;
    log(db, &k.id, now, by, action.as_str(), to, note, key)?;
    if moved && to != State::Checking {
        tell(db, store, document, k, &format!("report.{}", to.as_str()), now)?;
    }
    // What the shopper did is no news to the shopper.
    let worth = matches!(to, State::Offered | State::InResolution | State::Settled | State::Declined);
    if moved && worth && by != Actor::Shopper {
        crate::messages::report(db, store, &k.order, &format!("{} {}", k.id, to.as_str()), now)?;
    }
    if action == Action::Reopen {
        tell(db, store, document, k, "report.reopened", now)?;
    }
    metrics::counter!("reports_total", "kind" => k.kind.as_str(), "state" => to.as_str()).increment(u64::from(moved));
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "the columns of one row")]
fn log(
    db: &Connection,
    id: &str,
    now: Instant,
    by: Actor,
    action: &str,
    state: State,
    note: &Value,
    key: Option<&str>,
) -> Result<()> {
    db.prepare_cached(
        "insert into report_events (report, seq, at, actor, action, state, note, key)
         select ?1, coalesce(max(seq), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7 from report_events where report = ?1",
    )?
    .execute(params![id, now.0, by.as_str(), action, state.as_str(), note.to_string(), key])?;
    Ok(())
}

/// Tells the store, signed and durably. The shopper's words stay here: they are read with an admin key.
fn tell(db: &Connection, store: &StoreInfo, document: &OrderDocument, k: &Kept, kind: &str, now: Instant) -> Result<()> {
    let seq: i64 = db.query_row("select count(*) from report_events where report = ?1", [&k.id], |r| r.get(0))?;
    let data = json!({"store": store.id, "order_id": k.order, "order_number": document.number, "report": {
        "id": k.id, "kind": k.kind.as_str(), "state": k.state.as_str(), "shipment": k.body.shipment, "items": k.body.items,
        "agreement": k.body.agreement, "solved": k.body.solved, "review_on": k.body.review, "withdrawn": k.body.withdrawn}});
    outbox::put(db, store, &k.order, kind, &format!("{}\n{seq}", k.id), &data, now)
}

/// Keeps a picture with a report; the same one twice is one.
pub fn add_photo(
    db: &Connection,
    store: &StoreInfo,
    order: &str,
    id: &str,
    photo: &Photo,
    now: Instant,
) -> Result<Result<String, Refused>> {
    let Some(k) = get(db, &store.id, order, id)? else { return Ok(Err(Refused::Unknown)) };
    if next(k.state, Action::Add, Actor::Shopper).is_none() {
        return Ok(Err(Refused::NotNow("it has ended: open it again first".into())));
    }
    let hash = hex::encode(Sha256::digest(&photo.bytes));
    let twice = "select id from report_photos where report = ?1 and hash = ?2";
    if let Some(found) = db.query_row(twice, params![id, hash], |r| r.get(0)).optional()? {
        return Ok(Ok(found));
    }
    let count: u32 = db.query_row("select count(*) from report_photos where report = ?1", [id], |r| r.get(0))?;
    if count >= MOST_PHOTOS {
        return Ok(Err(Refused::TooMany(format!("at most {MOST_PHOTOS} photos"))));
    }
    let photo_id = random_id()?;
    db.execute(
        "insert into report_photos (id, report, seq, kind, hash, added_at, bytes) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![photo_id, id, count + 1, photo.kind, hash, now.0, &photo.bytes[..]],
    )?;
    log(db, id, now, Actor::Shopper, "photo", k.state, &json!({"photo": photo_id}), None)?;
    Ok(Ok(photo_id))
}

/// A picture: its kind and bytes. `order`: only where it belongs to this one.
pub fn photo(db: &Connection, store: &str, order: Option<&str>, report: &str, id: &str) -> Result<Option<(String, Vec<u8>)>> {
    let sql = "select p.kind, p.bytes from report_photos p join reports r on r.id = p.report
               where p.id = ?1 and p.report = ?2 and r.store = ?3 and (?4 is null or r.order_id = ?4)";
    let found = db.prepare_cached(sql)?.query_row(params![id, report, store, order], |r| Ok((r.get(0)?, r.get(1)?)));
    Ok(found.optional()?)
}

/// A parcel that was late has come: what was reported of it ends by itself. Called with each new document of an order.
pub fn arrived(db: &Connection, store: &StoreInfo, order: &str, document: &OrderDocument, now: Instant) -> Result<()> {
    let any = "select exists (select 1 from reports where store = ?1 and order_id = ?2 and kind = 'late' and state in ('open', 'checking', 'offered'))";
    if !db.prepare_cached(any)?.query_row(params![store.id, order], |r| r.get::<_, bool>(0))? {
        return Ok(());
    }
    for mut k in all(db, &store.id, order)? {
        let come = document.shipments.iter().any(|s| Some(&s.id) == k.body.shipment.as_ref() && s.status == "delivered");
        if k.kind == Kind::Late && come {
            withdraw(&mut k, document, "arrived", now);
            step(db, store, document, &mut k, Action::Withdraw, Actor::Clock, &json!({"reason": "arrived"}), None, now)?;
        }
    }
    Ok(())
}

/// Reports whose day has come: store, order and id.
pub fn due(db: &Connection, now: Instant) -> Result<Vec<(String, String, String)>> {
    let mut rows = db.prepare_cached("select store, order_id, id from reports where due_at <= ?1 order by due_at limit 100")?;
    let rows = rows.query_map([now.0], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Looks at a report again: what can be offered may have changed. Doing it twice changes nothing.
pub fn review(db: &Connection, store: &StoreInfo, order: &str, id: &str, now: Instant) -> Result<()> {
    let settings = settings::of(db, &store.id)?.reports;
    let Some(mut k) = get(db, &store.id, order, id)? else { return Ok(()) };
    let Some(document) = orders::document(db, &store.id, order)? else {
        db.execute("update reports set due_at = null where id = ?1", [id])?;
        return Ok(());
    };
    if !settings.on || k.body.by_store || !matches!(k.state, State::Checking | State::Offered) {
        db.execute("update reports set due_at = null where id = ?1", [id])?;
        return Ok(());
    }
    evaluate(db, store, &settings, &document, &mut k, now)
}

/// How many of a store are open.
pub fn count_open(db: &Connection, store: &str) -> Result<u32> {
    let sql = "select count(*) from reports where store = ?1 and state in ('checking', 'offered', 'agreed', 'in_resolution')";
    Ok(db.prepare_cached(sql)?.query_row([store], |r| r.get(0))?)
}

/// A store's reports for whoever works on them: those that wait longest first. `state`: only these.
pub fn list(db: &Connection, store: &str, state: Option<&str>, kind: Option<&str>) -> Result<Vec<Value>> {
    let mut rows = db.prepare_cached(
        "select r.id, r.order_id, r.kind, r.state, r.opened_at, r.updated_at, r.due_at, r.body, o.facts ->> '$.number',
            (select count(*) from report_photos p where p.report = r.id)
         from reports r left join orders o on o.store = r.store and o.id = r.order_id
         where r.store = ?1 and (?2 is null or r.state = ?2) and (?3 is null or r.kind = ?3)
         order by r.state in ('settled', 'withdrawn', 'declined'), r.updated_at limit 500",
    )?;
    let rows = rows.query_map(params![store, state, kind], |r| {
        let body: Body = serde_json::from_str(&r.get::<_, String>(7)?).unwrap_or_default();
        Ok(json!({"id": r.get::<_, String>(0)?, "order_id": r.get::<_, String>(1)?, "order_number": r.get::<_, Option<String>>(8)?,
            "kind": r.get::<_, String>(2)?, "state": r.get::<_, String>(3)?, "opened_at": Instant(r.get(4)?), "updated_at": Instant(r.get(5)?),
            "due_at": r.get::<_, Option<i64>>(6)?.map(Instant), "photos": r.get::<_, i64>(9)?, "agreement": body.agreement, "words": body.words,
            "chance": body.chance, "solved": body.solved}))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A report whole, with all that happened to it.
pub fn whole(db: &Connection, store: &str, id: &str) -> Result<Option<Value>> {
    let Some(k) = of_store(db, store, id)? else { return Ok(None) };
    let mut rows =
        db.prepare_cached("select at, actor, action, state, note from report_events where report = ?1 order by seq")?;
    let events: Vec<Value> = rows
        .query_map([id], |r| {
            let note: String = r.get(4)?;
            Ok(json!({"at": Instant(r.get(0)?), "by": r.get::<_, String>(1)?, "action": r.get::<_, String>(2)?, "state": r.get::<_, String>(3)?,
                "note": serde_json::from_str::<Value>(&note).unwrap_or_default()}))
        })?
        .collect::<Result<_, _>>()?;
    let mut rows =
        db.prepare_cached("select id, kind, length(bytes), added_at from report_photos where report = ?1 order by seq")?;
    let photos: Vec<Value> = rows
        .query_map([id], |r| {
            Ok(json!({"id": r.get::<_, String>(0)?, "kind": r.get::<_, String>(1)?, "bytes": r.get::<_, i64>(2)?, "added_at": Instant(r.get(3)?)}))
        })?
        .collect::<Result<_, _>>()?;
    let numbers = orders::Numbers::of(db, store, [k.order.as_str()])?;
    Ok(Some(
        json!({"id": k.id, "order_id": k.order, "order_number": numbers.get(&k.order), "kind": k.kind.as_str(), "state": k.state.as_str(), "opened_at": k.opened_at, "updated_at": k.updated_at,
        "details": k.body, "events": events, "photos": photos}),
    ))
}
