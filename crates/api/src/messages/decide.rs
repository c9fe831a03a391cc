//! Whether a message that is due should be sent, to whom, and in which words. Asked just before it goes: what is no longer true, no longer
//! wanted or too much is not sent.

use anyhow::Result;
use notify::{
    mail::Mail,
    notice::{self, From, Said, Told},
    quiet,
    rules::Rule,
    texts::Texts,
};
use promise::Instant;
use rusqlite::{Connection, params};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use view::Locale;
use wire::OrderDocument;

use super::{
    changes, options, people,
    people::{Addresses, Contact},
    rules,
};
use crate::{
    state::AppState,
    store::{
        care::{
            reports, settings,
            subscribers::{self, Subscription},
        },
        messages::{self, Message},
        orders::{self, StoreInfo},
    },
    token,
    words::Words,
};

/// What is to be done with a message, now that it is due.
pub enum Decision {
    Send(Box<Ready>),
    /// Not before that moment.
    Defer(i64, String),
    Drop(String),
}

/// A message in words, on its channel.
pub struct Ready {
    pub what: What,
    /// Others that it tells of too.
    pub with: Vec<String>,
    /// The last day that it tells.
    pub window_to: Option<String>,
    /// Whom it goes to.
    pub to_hash: String,
}

pub enum What {
    Mail(Mail),
    Sms { to: String, text: String },
    Hook { name: String, values: Value },
    Push { browser: Box<Subscription>, payload: Value },
}

/// News that could not be told for so long are none.
const STALE: i64 = 5 * 86_400;
/// The state of events that wait to be read is unknown: messages wait for them where they have waited so long.
const BEHIND: i64 = 60;
/// Links in messages open the order's page for half a year.
const LINK: i64 = 180 * 86_400;

pub fn decide(db: &Connection, state: &AppState, message: &Message, now: Instant) -> Result<Decision> {
    let Some(store) = state.store_info(&message.store) else {
        return Ok(Decision::Drop("the store is no longer configured".into()));
    };
    if message.channel == "mail" && state.mailer().is_off() {
        return Ok(Decision::Defer(now.0 + 3600, "no mail transport is configured: see [mail] in the configuration".into()));
    }
    match message.rule.as_str() {
        "" => letter(db, state, &store, message),
        options::RULE => options::decide(db, state, &store, message, now),
        _ => about_order(db, state, &store, message, now),
    }
}

/// Who writes.
pub fn from(store: &StoreInfo) -> From {
    From {
        name: store.name.clone(),
        url: store.url.clone(),
        support_url: store.support_url.clone(),
        accent: store.accent.clone().unwrap_or_default(),
    }
}

/// What somebody asked for: sent whatever they said about messages, but not to a mailbox that is not there.
fn letter(db: &Connection, state: &AppState, store: &StoreInfo, message: &Message) -> Result<Decision> {
    if let Some(reason @ ("bounced" | "complained")) = people::suppressed(db, &store.id, "mail", &message.recipient)?.as_deref() {
        return Ok(Decision::Drop(format!("the address is not written to: {reason}")));
    }
    let opened = people::open(store, &message.id, message.sealed.as_deref().unwrap_or_default());
    let content = opened.and_then(|content| Ok(serde_json::from_slice::<(String, Map<String, Value>)>(&content)?));
    let (to, values) = match content {
        Ok(content) => content,
        Err(e) => return Ok(Decision::Drop(format!("{e:#}"))),
    };
    let words = Words::of([message.language.as_deref().unwrap_or("en")]);
    let page = notice::letter(&message.notice, &values, &from(store), &Texts::new(&words));
    let said = Said { html: page.html()?, text: page.text(), page, ..Said::default() };
    let mail = mail(state, store, &message.id, message.made_at, to, said, None);
    let to_hash = message.recipient.clone();
    Ok(Decision::Send(Box::new(Ready { what: What::Mail(mail), with: Vec::new(), window_to: None, to_hash })))
}

/// A mail of a store's.
pub fn mail(state: &AppState, store: &StoreInfo, id: &str, made_at: i64, to: String, said: Said, stop: Option<String>) -> Mail {
    Mail {
        id: id.to_owned(),
        from: state.config().mail_from(&store.id),
        reply_to: state.config().mail_reply_to(&store.id),
        to,
        subject: said.page.subject,
        text: said.text,
        html: said.html,
        language: said.page.language,
        unsubscribe: stop,
        made_at,
    }
}

fn about_order(db: &Connection, state: &AppState, store: &StoreInfo, message: &Message, now: Instant) -> Result<Decision> {
    let drop = |reason: &str| Ok(Decision::Drop(reason.to_owned()));
    let order = message.order_id.as_deref().unwrap_or_default();
    let waits: Option<i64> = db
        .prepare_cached("select received_at from events where id > (select projected from progress) order by id limit 1")?
        .query_row([], |r| r.get(0))
        .map(Some)
        .or_else(|e| if e == rusqlite::Error::QueryReturnedNoRows { Ok(None) } else { Err(e) })?;
    if waits.is_some_and(|since| since < now.0 - BEHIND) {
        return Ok(Decision::Defer(now.0 + 30, "events wait to be read: what they say may change this".into()));
    }
    let Some(document) = orders::document(db, &store.id, order)? else { return drop("the order is no longer known") };
    let rules = rules::of(db, &store.id)?;
    let Some(rule) = rules.by_id(&message.rule).filter(|r| r.enabled && rules.enabled) else { return drop("its rule is off") };
    if let Some(reason) = changes::untrue(&message.notice, &message.subject, &document, now) {
        return Ok(Decision::Drop(reason));
    }
    if message.notice == "report"
        && let Some(reason) = report_moved(db, &store.id, order, &message.subject)?
    {
        return Ok(Decision::Drop(reason));
    }
    if message.notice == "new_window" {
        if let Some(other) = messages::next_other(db, message, now)? {
            return Ok(Decision::Defer(other.max(now.0) + 60, "another message may tell the new date".into()));
        }
        if !changes::far(db, &store.id, order, &document, parcel_of_rest(&message.subject))? {
            return drop("another message told the new date");
        }
    }
    // Those that wait for their own moment are as old as that, not as their making.
    let scheduled = matches!(message.notice.as_str(), notice::SATISFIED | "sent_back_soon");
    if !scheduled && message.made_at < now.0 - STALE - i64::from(rule.delay_minutes) * 60 {
        return drop("too old to be news");
    }
    let contact = people::contact(db, &store.id, order)?.unwrap_or_default();
    let addresses = match contact.addresses(store, order) {
        Ok(addresses) => addresses,
        Err(e) => return Ok(Decision::Drop(format!("{e:#}"))),
    };
    let to = match recipient(db, store, message, rule, &contact, &addresses)? {
        Ok(to) => to,
        Err(reason) => return Ok(Decision::Drop(reason)),
    };
    let zone = quiet::zone_of(document.destination.country.as_deref(), document.destination.region.as_deref());
    if rule.channel != "hook"
        && !rule.at_night
        && let Some(until) = rules.quiet.until(now, zone)
    {
        return Ok(Decision::Defer(until.0, "quiet hours".into()));
    }
    if rule.channel != "hook"
        && let Some(until) = full_day(db, &store.id, message, &to.hash, rules.per_day, now)?
    {
        return Ok(Decision::Defer(until, format!("{} messages a day are enough", rules.per_day)));
    }
    // What came together is told together.
    let mut with = messages::alike(db, message)?;
    with.retain(|m| changes::untrue(&m.notice, &m.subject, &document, now).is_none());
    let parcels: Vec<String> = std::iter::once(message).chain(&with).map(|m| parcel_of(&m.subject).to_owned()).collect();
    let language = message.language.as_deref().unwrap_or(&rules.language);
    let saying = Saying { db, state, store, order, document: &document, now, test: false };
    let stop = matches!(rule.channel.as_str(), "mail" | "sms").then(|| stop_url(state, store, &rule.channel, &to.hash, now));
    let (said, values) = saying.say(&message.notice, &message.subject, &parcels, language, stop.as_deref())?;
    for (part, wrong) in &said.wrong {
        tracing::warn!(store = store.id, notice = message.notice, language, part, %wrong, "a template of the store's can't be used; ours is");
    }
    let url = saying.url();
    let tells = matches!(
        message.notice.as_str(),
        "ordered" | "shipped" | "out_for_delivery" | "attempt_failed" | "exception" | "at_risk" | "new_window"
    );
    let window_to = document.estimate.as_ref().filter(|_| tells).map(|e| e.to.clone());
    let what = match rule.channel.as_str() {
        "mail" => What::Mail(mail(state, store, &message.id, message.made_at, to.address, said, stop)),
        "sms" => {
            let first = people::first_time(db, &store.id, "sms", &to.hash)?;
            let words = Words::of([language]);
            let how = if first {
                format!(" {}", Texts::new(&words).text("message.sms_stop", None).unwrap_or_default())
            } else {
                String::new()
            };
            What::Sms { to: to.address, text: format!("{} {url}{how}", said.short) }
        }
        "hook" => What::Hook {
            name: rule.hook.clone().unwrap_or_default(),
            values: hook_values(values, &said, message, &addresses, Instant(message.made_at)),
        },
        "push" => {
            let Some(browser) = to.browser else { return drop("the browser is no longer told") };
            let payload = payload(store, &document.number, &said, &browser, &url);
            What::Push { browser: Box::new(browser), payload }
        }
        other => return Ok(Decision::Drop(format!("there is no channel {other}"))),
    };
    let with = with.into_iter().map(|m| m.id).collect();
    Ok(Decision::Send(Box::new(Ready { what, with, window_to, to_hash: to.hash })))
}

/// The parcel in a message's subject; empty: the whole order.
fn parcel_of(subject: &str) -> &str {
    subject.split('|').next().unwrap_or_default()
}

/// What stands beside the parcel.
fn parcel_of_rest(subject: &str) -> &str {
    subject.split_once('|').map_or("", |s| s.1)
}

#[derive(Default)]
struct To {
    address: String,
    hash: String,
    browser: Option<Subscription>,
}

/// Whom a rule's message goes to, or why to nobody.
fn recipient(
    db: &Connection,
    store: &StoreInfo,
    message: &Message,
    rule: &Rule,
    contact: &Contact,
    addresses: &Addresses,
) -> Result<Result<To, String>> {
    let order = message.order_id.as_deref().unwrap_or_default();
    let (own, own_hash) = match rule.channel.as_str() {
        "mail" => (&addresses.email, &contact.email_hash),
        "sms" => (&addresses.phone, &contact.phone_hash),
        "push" => {
            let browser = subscribers::get(db, &message.recipient)?.filter(|s| s.store == store.id && s.order == order);
            let on = settings::of(db, &store.id)?.updates.push;
            let hash = message.recipient.clone();
            return Ok(match browser.filter(|_| on) {
                Some(browser) => Ok(To { hash, browser: Some(browser), ..To::default() }),
                None => Err("the browser is no longer told".into()),
            });
        }
        _ => return Ok(Ok(To::default())),
    };
    let said = people::said(db, store, order, &rule.channel)?;
    if said.as_ref().is_some_and(|s| !s.given) {
        return Ok(Err("the shopper wants none about this order".into()));
    }
    let named = said.filter(|s| s.hash.as_ref() == Some(&message.recipient) && s.hash != *own_hash);
    let (address, hash) = match named {
        Some(s) => (s.address, s.hash),
        // One that was named on the order's page and is not any more: the order's own address has a message of its own.
        None if Some(&message.recipient) != own_hash.as_ref() && messages::has_twin(db, message)? => {
            return Ok(Err("the address was taken back".into()));
        }
        None => (own.clone(), own_hash.clone()),
    };
    let (Some(address), Some(hash)) = (address, hash) else { return Ok(Err("the order has no address for it".into())) };
    if let Some(reason) = people::suppressed(db, &store.id, &rule.channel, &hash)? {
        return Ok(Err(format!("the address is not written to: {reason}")));
    }
    if rule.basis == "consent" && !people::agreed_about(db, store, order, &rule.channel, &hash)? {
        return Ok(Err("the shopper has not agreed".into()));
    }
    Ok(Ok(To { address, hash, browser: None }))
}

/// What a browser shows. A store's own short form takes the place of ours. The tag is the browser's for this order: a later message takes
/// the place of an earlier one, and the same one twice is one.
fn payload(store: &StoreInfo, number: &str, said: &Said, browser: &Subscription, url: &str) -> Value {
    let words = Words::of([browser.language.as_str()]);
    let ours = format!("{}: {}", store.name, said.page.subject);
    let body = match &said.page.preheader {
        _ if said.short != ours => said.short.clone(),
        more if more.is_empty() => said.page.headline.clone(),
        more => format!("{}\n{more}", said.page.headline),
    };
    let cut: String = body.chars().take(400).collect();
    serde_json::json!({"title": format!("{} {number}", store.name), "body": cut, "lang": words.language(), "dir": words.direction(), "tag": browser.id, "url": url})
}

/// Which report a message is about, and the state that it tells: `|{id} {state}`.
fn report_of(subject: &str) -> Option<(&str, &str)> {
    subject.strip_prefix('|')?.split_once(' ')
}

/// Why news of a report is none any more.
fn report_moved(db: &Connection, store: &str, order: &str, subject: &str) -> Result<Option<String>> {
    let Some((id, told)) = report_of(subject) else { return Ok(None) };
    Ok(match reports::get(db, store, order, id)? {
        Some(r) if r.state.as_str() != told => Some(format!("no longer true: the report is {}", r.state.as_str())),
        _ => None,
    })
}

/// When the next message may go, where there were enough in the last 24 hours.
fn full_day(db: &Connection, store: &str, message: &Message, hash: &str, most: u32, now: Instant) -> Result<Option<i64>> {
    let since = now.0 - 86_400;
    let mut rows = db.prepare_cached(
        "select sent_at from messages where store = ?1 and recipient = ?2 and channel = ?3 and sent_at > ?4 and rule <> '' and sent_with is null
         order by sent_at desc limit ?5",
    )?;
    let sent: Vec<i64> =
        rows.query_map(params![store, hash, message.channel, since, most], |r| r.get(0))?.collect::<Result<_, _>>()?;
    Ok((sent.len() >= most as usize).then(|| sent.last().copied().unwrap_or(now.0) + 86_400))
}

/// Where messages on a channel to an address end.
pub fn stop_url(state: &AppState, store: &StoreInfo, channel: &str, hash: &str, now: Instant) -> String {
    let secret = signing(state, &store.id);
    let token = token::mint(&store.id, &format!("{channel}/{hash}"), now.0 + 2 * 365 * 86_400, &stop_secret(&secret));
    format!("{}/messages/stop/{token}", state.config().public_url.trim_end_matches('/'))
}

/// The secret that a store's links are signed with.
pub fn signing(state: &AppState, store: &str) -> String {
    let config = state.config();
    config.store(store).and_then(|s| s.token_secrets.first()).map(|s| s.expose_secret().to_owned()).unwrap_or_default()
}

/// Its own key: no order's token opens this, and this opens no order.
pub fn stop_secret(secret: &str) -> String {
    format!("messages\n{secret}")
}

/// What hooks' templates may use.
fn hook_values(mut values: Value, said: &Said, message: &Message, addresses: &Addresses, at: Instant) -> Value {
    values["id"] = message.id.clone().into();
    values["at"] = at.to_string().into();
    values["short"] = said.short.clone().into();
    values["subject"] = said.page.subject.clone().into();
    values["headline"] = said.page.headline.clone().into();
    values["body"] = said.page.paragraphs.join("\n\n").into();
    values["order"]["id"] = message.order_id.clone().into();
    values["email"] = addresses.email.clone().into();
    values["phone"] = addresses.phone.clone().into();
    values
}

/// An order's news in words.
pub struct Saying<'a> {
    pub db: &'a Connection,
    pub state: &'a AppState,
    pub store: &'a StoreInfo,
    pub order: &'a str,
    pub document: &'a OrderDocument,
    pub now: Instant,
    pub test: bool,
}

impl Saying<'_> {
    /// The order's page, for who has the link.
    pub fn url(&self) -> String {
        let secret = signing(self.state, &self.store.id);
        let token = token::mint(&self.store.id, self.order, self.now.0 + LINK, &secret);
        format!("{}/track/{token}", self.state.config().public_url.trim_end_matches('/'))
    }

    /// The notice in all its forms, in the store's words where it has some, and the values of templates.
    pub fn say(
        &self,
        notice: &str,
        subject: &str,
        parcels: &[String],
        language: &str,
        stop: Option<&str>,
    ) -> Result<(Said, Value)> {
        let over = rules::words(self.db, &self.store.id, notice, notify::texts::language(language))?;
        self.say_with(notice, subject, parcels, language, stop, &over)
    }

    /// The same, in words that are not kept yet.
    pub fn say_with(
        &self,
        notice: &str,
        subject: &str,
        parcels: &[String],
        language: &str,
        stop: Option<&str>,
        over: &notice::Override,
    ) -> Result<(Said, Value)> {
        let words = Words::of([language]);
        let texts = Texts::new(&words);
        let url = self.url();
        let until = self.until(notice, subject, &words);
        let from = from(self.store);
        let mut values: Vec<(&str, String)> = until.into_iter().map(|u| ("until", u)).collect();
        if let Some((id, state)) = report_of(subject).filter(|_| notice == "report")
            && let Some(r) = reports::get(self.db, &self.store.id, self.order, id)?
        {
            let text = |key: String| view::locale::say(&words, &key, &[]);
            values.push((
                "message",
                format!("{} · {}", text(format!("care.kind.{}", r.kind.as_str())), text(format!("care.state.{state}"))),
            ));
        }
        let told = Told {
            notice,
            order: self.document,
            parcels,
            from: &from,
            url: &url,
            stop_url: stop,
            values: &values,
            now: self.now,
            test: self.test,
        };
        Ok((notice::said(told, over, &texts), told.values(&texts)))
    }

    /// The last day that a parcel is kept.
    fn until(&self, notice: &str, subject: &str, words: &Words) -> Option<String> {
        if !matches!(notice, "ready_to_collect" | "sent_back_soon") {
            return None;
        }
        let parcel = parcel_of(subject);
        let parcel = self.document.shipments.iter().find(|s| s.id == parcel).or(self.document.shipments.first())?;
        let text = parcel.pickup.as_ref()?.until.as_deref()?;
        let day = Instant::parse_with_offset(text)
            .map(|(at, offset)| at.local(offset).0)
            .or_else(|| promise::Day::parse(text.get(..10)?));
        day.map(|d| words.day(d))
    }
}

/// The secrets that links of a store may be signed with.
pub fn stop_secrets(state: &AppState, store: &str) -> Vec<String> {
    let config = state.config();
    let all = config.store(store).map(|s| s.token_secrets.as_slice()).unwrap_or_default();
    all.iter().map(|s| stop_secret(s.expose_secret())).collect()
}
