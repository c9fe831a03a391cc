//! Delay options: drafted from the promise ledger when a promised date can't be kept, sent when the merchant says so (or by themselves),
//! answered by the shopper, and closed by what happens or by time. Each step is on record, and told to the merchant.

use anyhow::Result;
use notify::{
    layout::Page,
    option::{self, Law, Silence, Terms},
    rules::Rules,
    texts::Texts,
};
use promise::{Day, Instant};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};
use view::{Locale, locale::say};
use wire::OrderDocument;

use super::{
    admin::Refused,
    decide::{self, Decision, Ready, What},
    id_of, people, rules,
};
use crate::{
    state::AppState,
    store::{
        audit,
        messages::Message,
        orders::{self, StoreInfo},
        outbox,
    },
    token,
    words::Words,
};

/// The name of these messages in the log.
pub const NOTICE: &str = "delay_option";
/// Stands where other messages have their rule: no rule turns these off.
pub const RULE: &str = "delay-option";

/// One notice, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub id: String,
    pub store: String,
    pub order_id: String,
    pub nth: i64,
    pub law: String,
    pub promised: String,
    pub revised: Option<(String, String)>,
    pub reason: Option<String>,
    pub silence: String,
    pub until: Option<String>,
    pub state: String,
    pub made_at: i64,
    pub sent_at: Option<i64>,
    pub answered_at: Option<i64>,
}

const COLUMNS: &str = "id, store, order_id, nth, law, promised, revised_from, revised_to, reason, silence, until, state, made_at, sent_at, answered_at";

fn read(r: &Row) -> rusqlite::Result<Kept> {
    let (from, to): (Option<String>, Option<String>) = (r.get(6)?, r.get(7)?);
    Ok(Kept {
        id: r.get(0)?,
        store: r.get(1)?,
        order_id: r.get(2)?,
        nth: r.get(3)?,
        law: r.get(4)?,
        promised: r.get(5)?,
        revised: from.zip(to),
        reason: r.get(8)?,
        silence: r.get(9)?,
        until: r.get(10)?,
        state: r.get(11)?,
        made_at: r.get(12)?,
        sent_at: r.get(13)?,
        answered_at: r.get(14)?,
    })
}

fn silence_name(s: Silence) -> &'static str {
    match s {
        Silence::Consents => "consents",
        Silence::Cancels => "cancels",
        Silence::Nothing => "nothing",
    }
}

impl Kept {
    fn terms(&self) -> Option<Terms> {
        let law = if self.law == "us" { Law::Us } else { Law::Eu };
        let revised = self.revised.as_ref().and_then(|(a, b)| Some((Day::parse(a)?, Day::parse(b)?)));
        Some(Terms {
            law,
            promised: Day::parse(&self.promised)?,
            revised,
            silence: match self.silence.as_str() {
                "consents" => Silence::Consents,
                "cancels" => Silence::Cancels,
                _ => Silence::Nothing,
            },
            until: self.until.as_deref().and_then(Day::parse),
            any_time: law == Law::Us && revised.is_none(),
        })
    }

    pub fn json(&self) -> Value {
        json!({"id": self.id, "order_id": self.order_id, "nth": self.nth, "law": self.law, "promised": self.promised,
            "revised": self.revised.as_ref().map(|(from, to)| json!({"from": from, "to": to})), "reason": self.reason, "silence": self.silence,
            "until": self.until, "state": self.state, "made_at": Instant(self.made_at), "sent_at": self.sent_at.map(Instant),
            "answered_at": self.answered_at.map(Instant)})
    }
}

pub fn list(db: &Connection, store: &str, state: Option<&str>) -> Result<Vec<Kept>> {
    let mut rows = db.prepare_cached(&format!(
        "select {COLUMNS} from delay_options where store = ?1 and (?2 is null or state = ?2) order by made_at desc, id limit 200"
    ))?;
    let rows = rows.query_map(params![store, state], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn by_id(db: &Connection, store: &str, id: &str) -> Result<Option<Kept>> {
    let sql = format!("select {COLUMNS} from delay_options where store = ?1 and id = ?2");
    Ok(db.prepare_cached(&sql)?.query_row([store, id], read).optional()?)
}

fn last_of(db: &Connection, store: &str, order: &str) -> Result<Option<Kept>> {
    let sql = format!("select {COLUMNS} from delay_options where store = ?1 and order_id = ?2 order by nth desc limit 1");
    Ok(db.prepare_cached(&sql)?.query_row([store, order], read).optional()?)
}

/// Whether what the law is about has not happened yet: sending it (United States), or delivering it.
fn due(law: Law, d: &OrderDocument) -> bool {
    let open = d.cancelled_at.is_none() && d.status != "delivered";
    open && (law == Law::Eu || !d.unshipped.is_empty() || d.shipments.is_empty())
}

/// The last day to answer: as the law says; where it names no moment, as many days after the notice as the merchant asks for.
fn until(t: &Terms, rules: &Rules, now: Instant) -> Option<String> {
    let asked = Day(now.local(0).0.0 + i32::try_from(rules.delay_options.answer_days).unwrap_or(14));
    t.until.or((t.silence == Silence::Nothing).then_some(asked)).map(|d| d.to_string())
}

/// Drafts the notice that is due for an order, where one is; within the change that shows it. With mode `send` it is sent by itself.
pub fn draft(db: &Connection, store: &StoreInfo, order: &str, d: &OrderDocument, now: Instant) -> Result<()> {
    let outlook = d.estimate.as_ref().map_or("", |e| e.outlook.as_str());
    let Some(law) = d.destination.country.as_deref().and_then(Law::of) else { return Ok(()) };
    // That it can't be sent in time is to be said before; that it was not delivered in time, afterwards.
    let broken = outlook == "late" || outlook == "at_risk" && law == Law::Us;
    let (Some(promise), Some(estimate)) = (&d.promise, &d.estimate) else { return Ok(()) };
    let (Some(promised), Some(from), Some(to)) = (Day::parse(&promise.to), Day::parse(&estimate.from), Day::parse(&estimate.to))
    else {
        return Ok(());
    };
    if !broken || !due(law, d) || to <= promised {
        return Ok(());
    }
    let last = last_of(db, &store.id, order)?;
    let rules = rules::of(db, &store.id)?;
    let agreed = match &last {
        None => None,
        // Nothing was told yet: the draft follows the estimate.
        Some(l) if l.state == "draft" => {
            let revised = (estimate.from.as_str(), estimate.to.as_str());
            if l.revised.as_ref().is_some_and(|r| (r.0.as_str(), r.1.as_str()) != revised) {
                let before = nth(db, &store.id, order, l.nth - 1)?.and_then(|b| b.revised).and_then(|r| Day::parse(&r.1));
                let t = option::terms(law, promised, Some((from, to)), before);
                db.execute(
                    "update delay_options set revised_from = ?2, revised_to = ?3, silence = ?4, until = ?5 where id = ?1",
                    params![l.id, revised.0, revised.1, silence_name(t.silence), until(&t, &rules, now)],
                )?;
            }
            return Ok(());
        }
        Some(l) => match (&l.revised, l.state.as_str()) {
            // A further delay: the date that was told last can't be kept either. Who agreed to wait without a date is asked no more.
            (Some((_, told)), "sent" | "waits" | "deemed_waits") if Day::parse(told).is_some_and(|told| to > told) => {
                Day::parse(told)
            }
            _ => return Ok(()),
        },
    };
    if rules.delay_options.mode == "off" {
        return Ok(());
    }
    let n = last.as_ref().map_or(1, |l| l.nth + 1);
    let terms = option::terms(law, promised, Some((from, to)), agreed);
    let id = id_of(&[&store.id, NOTICE, order, &n.to_string()]).replacen("msg_", "opt_", 1);
    let reason = d.delays.first().map(|why| why.reason.clone());
    db.execute(
        "insert or ignore into delay_options (id, store, order_id, nth, law, promised, revised_from, revised_to, reason, silence, until, made_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            id,
            store.id,
            order,
            n,
            law.name(),
            promise.to,
            estimate.from,
            estimate.to,
            reason,
            silence_name(terms.silence),
            until(&terms, &rules, now),
            now.0
        ],
    )?;
    // One that was told is settled by the next.
    if rules.delay_options.mode == "send" {
        send(db, store, &id, now)?;
    }
    Ok(())
}

fn nth(db: &Connection, store: &str, order: &str, n: i64) -> Result<Option<Kept>> {
    let sql = format!("select {COLUMNS} from delay_options where store = ?1 and order_id = ?2 and nth = ?3");
    Ok(db.prepare_cached(&sql)?.query_row(params![store, order, n], read).optional()?)
}

/// Puts a draft's message into the queue. False: it is no draft.
fn send(db: &Connection, store: &StoreInfo, id: &str, now: Instant) -> Result<bool> {
    let Some(kept) = by_id(db, &store.id, id)?.filter(|k| k.state == "draft") else { return Ok(false) };
    let contact = people::contact(db, &store.id, &kept.order_id)?.unwrap_or_default();
    let rules = rules::of(db, &store.id)?;
    let language = contact.language.clone().unwrap_or_else(|| rules.language.clone());
    // So many days from today, however long the draft lay.
    if let Some(last) =
        kept.terms().filter(|t| t.silence == Silence::Nothing).and_then(|t| until(&Terms { until: None, ..t }, &rules, now))
    {
        db.execute("update delay_options set until = ?2 where id = ?1", params![id, last])?;
    }
    db.execute(
        "insert or ignore into messages (id, store, order_id, channel, notice, subject, rule, recipient, language, made_at, due_at)
         values (?1, ?2, ?3, 'mail', ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
        params![
            id_of(&[&store.id, "mail", NOTICE, id]),
            store.id,
            kept.order_id,
            NOTICE,
            id,
            RULE,
            contact.email_hash.unwrap_or_default(),
            language,
            now.0
        ],
    )?;
    db.execute("update delay_options set state = 'sent', sent_at = ?2 where id = ?1", params![id, now.0])?;
    Ok(true)
}

/// What the merchant changes before it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    /// No date can be given.
    pub indefinite: bool,
    /// Another last day, `YYYY-MM-DD`.
    pub revised_to: Option<String>,
    pub reason: Option<String>,
}

/// Sends a draft, with the merchant's changes.
pub async fn approve(state: &AppState, store: &str, actor: &str, id: &str, change: Change) -> Result<(), Refused> {
    let wrong = |field: &str, message: &str| Refused::Fields(vec![(field.to_owned(), message.to_owned())]);
    let info = state.store_info(store).ok_or(Refused::NotFound("there is no such store"))?;
    let (of, key) = (store.to_owned(), id.to_owned());
    let kept = state.db().read(move |db| by_id(db, &of, &key)).await?;
    let kept = kept.filter(|k| k.state == "draft").ok_or(Refused::NotFound("there is no draft with this id"))?;
    let revised = match (&change.revised_to, change.indefinite, &kept.revised) {
        (Some(_), true, _) => return Err(wrong("revised_to", "either a date or indefinite")),
        (_, true, _) => None,
        (Some(to), false, revised) => {
            let day = Day::parse(to).ok_or_else(|| wrong("revised_to", "a date such as 2026-12-31"))?;
            if to.as_str() <= kept.promised.as_str() || day < state.now().local(0).0 {
                return Err(wrong("revised_to", "a day to come, after the one that was promised"));
            }
            let from = revised.as_ref().map_or(to.clone(), |r| r.0.clone().min(to.clone()));
            Some((from, to.clone()))
        }
        (None, false, revised) => revised.clone(),
    };
    let reason = change.reason.or(kept.reason.clone()).filter(|r| !r.trim().is_empty());
    if revised.is_none() && reason.is_none() {
        return Err(wrong("reason", "without a date the shopper must be told why"));
    }
    if reason.as_ref().is_some_and(|r| r.chars().count() > 300) {
        return Err(wrong("reason", "300 characters at most"));
    }
    let (id, actor) = (id.to_owned(), actor.to_owned());
    let now = state.now();
    let sent = state.db().write(move |db| {
        let before = nth(db, &info.id, &kept.order_id, kept.nth - 1)?.and_then(|b| b.revised).and_then(|r| Day::parse(&r.1));
        let days = revised.as_ref().and_then(|(a, b)| Some((Day::parse(a)?, Day::parse(b)?)));
        let Some(promised) = Day::parse(&kept.promised) else { return Ok(false) };
        let law = if kept.law == "us" { Law::Us } else { Law::Eu };
        let t = option::terms(law, promised, days, before);
        db.execute(
            "update delay_options set revised_from = ?2, revised_to = ?3, reason = ?4, silence = ?5, until = ?6 where id = ?1",
            params![
                id,
                revised.as_ref().map(|r| &r.0),
                revised.as_ref().map(|r| &r.1),
                reason,
                silence_name(t.silence),
                until(&t, &rules::of(db, &info.id)?, now)
            ],
        )?;
        audit::record(db, &info.id, &actor, "delay_option.send", &id, &json!({"revised_to": revised.as_ref().map(|r| &r.1)}))?;
        send(db, &info, &id, now)
    });
    if !sent.await? {
        return Err(Refused::NotFound("there is no draft with this id"));
    }
    state.wake_messages();
    Ok(())
}

/// The merchant settles it otherwise.
pub fn dismiss(db: &Connection, store: &str, actor: &str, id: &str) -> Result<bool> {
    let sql = "update delay_options set state = 'dismissed' where store = ?1 and id = ?2 and state = 'draft'";
    let done = db.execute(sql, [store, id])? > 0;
    if done {
        audit::record(db, store, actor, "delay_option.dismiss", id, &json!({}))?;
    }
    Ok(done)
}

/// The notice as the shopper gets it.
pub fn page(state: &AppState, store: &StoreInfo, kept: &Kept, number: &str, language: &str, now: Instant) -> Option<Page> {
    let words = Words::of([language]);
    let texts = Texts::new(&words);
    let link = |answer: &str| answer_url(state, &store.id, &kept.id, answer, now);
    let reason = kept.reason.as_deref().map(|r| reason_words(r, &texts));
    Some(option::page(&kept.terms()?, number, reason.as_deref(), &decide::from(store), &link("wait"), &link("cancel"), &texts))
}

/// A known reason (`weather`) in the reader's words; else as the merchant wrote it.
fn reason_words(reason: &str, l: &dyn Locale) -> String {
    Some(say(l, &format!("delay.{reason}"), &[])).filter(|t| !t.is_empty()).unwrap_or_else(|| reason.to_owned())
}

/// Half a year: an indefinite delay can be cancelled until it is sent.
fn answer_url(state: &AppState, store: &str, id: &str, answer: &str, now: Instant) -> String {
    let secret = decide::stop_secret(&decide::signing(state, store));
    let token = token::mint(store, &format!("option/{id}/{answer}"), now.0 + 180 * 86_400, &secret);
    format!("{}/messages/option/{token}", state.config().public_url.trim_end_matches('/'))
}

/// Whether a notice in the queue should go. It is no news but a notice that the law asks for: neither nights nor the day's count nor an
/// unsubscription hold it back; what can't arrive, and what is settled, is not sent.
pub fn decide(db: &Connection, state: &AppState, store: &StoreInfo, message: &Message, now: Instant) -> Result<Decision> {
    let drop = |reason: &str| Ok(Decision::Drop(reason.to_owned()));
    let order = message.order_id.as_deref().unwrap_or_default();
    let Some(kept) = by_id(db, &store.id, &message.subject)?.filter(|k| k.state == "sent") else { return drop("it is settled") };
    let Some(document) = orders::document(db, &store.id, order)? else { return drop("the order is no longer known") };
    let law = if kept.law == "us" { Law::Us } else { Law::Eu };
    if !due(law, &document) {
        return drop("no longer true: the order was sent, delivered or cancelled");
    }
    let contact = people::contact(db, &store.id, order)?.unwrap_or_default();
    let (Some(to), Some(hash)) = (contact.addresses(store, order).unwrap_or_default().email, contact.email_hash) else {
        return drop("the order has no address for it: tell the shopper in another way");
    };
    if people::suppressed(db, &store.id, "mail", &hash)?.as_deref() == Some("bounced") {
        return drop("the address bounces: tell the shopper in another way");
    }
    let language = message.language.as_deref().unwrap_or("en");
    let Some(page) = page(state, store, &kept, &document.number, language, now) else { return drop("its dates can't be read") };
    let said = notify::notice::Said { html: page.html()?, text: page.text(), page, ..Default::default() };
    let mail = decide::mail(state, store, &message.id, message.made_at, to, said, None);
    let window_to = kept.revised.map(|r| r.1);
    Ok(Decision::Send(Box::new(Ready { what: What::Mail(mail), with: Vec::new(), window_to, to_hash: hash })))
}

/// What an answer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    Waits,
    Cancelled,
    /// It was sent meanwhile, or is settled.
    Closed,
}

/// Records a shopper's answer and tells the merchant. Whoever waits may still cancel; who cancelled has cancelled.
pub fn answer(db: &Connection, store: &StoreInfo, id: &str, cancel: bool, now: Instant) -> Result<Answered> {
    let Some(kept) = by_id(db, &store.id, id)? else { return Ok(Answered::Closed) };
    let law = if kept.law == "us" { Law::Us } else { Law::Eu };
    let document = orders::document(db, &store.id, &kept.order_id)?;
    let open = document.as_ref().is_some_and(|d| due(law, d));
    match (kept.state.as_str(), cancel) {
        ("cancelled", _) => return Ok(Answered::Cancelled),
        ("waits", false) => return Ok(Answered::Waits),
        ("sent" | "waits" | "deemed_waits", _) if open => {}
        _ => return Ok(Answered::Closed),
    }
    let state = if cancel { "cancelled" } else { "waits" };
    db.execute("update delay_options set state = ?2, answered_at = ?3 where id = ?1", params![id, state, now.0])?;
    tell(db, store, &kept, state, document.as_ref(), now)?;
    Ok(if cancel { Answered::Cancelled } else { Answered::Waits })
}

/// Tells the merchant's endpoints how a notice was settled: a cancellation has to be carried out in the store.
fn tell(db: &Connection, store: &StoreInfo, kept: &Kept, state: &str, d: Option<&OrderDocument>, now: Instant) -> Result<()> {
    let data = json!({"store": store.id, "order_id": kept.order_id, "order_number": d.map(|d| &d.number), "delay_option": kept.id, "nth": kept.nth,
        "law": kept.law, "answer": state, "promised": kept.promised, "revised_to": kept.revised.as_ref().map(|r| &r.1)});
    outbox::put(db, store, &kept.order_id, "delay_option.answered", &format!("{}\n{state}", kept.id), &data, now)
}

/// Settles what time or events have settled: silence means what the notice said, and what was sent or delivered is past it.
pub fn settle(db: &Connection, store: &StoreInfo, now: Instant) -> Result<usize> {
    let mut rows = db.prepare_cached(&format!(
        "select {COLUMNS} from delay_options where store = ?1 and state in ('draft', 'sent', 'waits', 'deemed_waits') order by id"
    ))?;
    let open: Vec<Kept> = rows.query_map([&store.id], read)?.collect::<Result<_, _>>()?;
    let mut settled = 0;
    for kept in open {
        let law = if kept.law == "us" { Law::Us } else { Law::Eu };
        let document = orders::document(db, &store.id, &kept.order_id)?;
        let over = document.as_ref().is_none_or(|d| !due(law, d));
        // The whole last day is the shopper's, wherever that is: twelve hours more than UTC's.
        let passed = kept.until.as_deref().and_then(Day::parse).is_some_and(|d| now.0 >= (i64::from(d.0) + 1) * 86_400 + 43_200);
        let state = match (kept.state.as_str(), over, passed, kept.silence.as_str()) {
            (_, true, ..) => "closed",
            ("sent", _, true, "consents") => "deemed_waits",
            ("sent", _, true, "cancels") => "deemed_cancelled",
            _ => continue,
        };
        db.execute("update delay_options set state = ?2, answered_at = ?3 where id = ?1", params![kept.id, state, now.0])?;
        if state != "closed" {
            tell(db, store, &kept, state, document.as_ref(), now)?;
        }
        settled += 1;
    }
    Ok(settled)
}

/// [`settle`], for a store, by the clock.
pub async fn tick(state: &AppState, store: &str) -> Result<()> {
    let Some(info) = state.store_info(store) else { return Ok(()) };
    let now = state.now();
    if state.db().write(move |db| settle(db, &info, now)).await? > 0 {
        state.wake_outbound();
    }
    Ok(())
}
