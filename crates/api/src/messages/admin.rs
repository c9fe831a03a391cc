//! What the merchant does with messages: the same functions for the admin routes and for the console.

use notify::{
    Outcome,
    notice::{NOTICES, Override, SATISFIED, Said},
    rules::Rules,
    template::{self, Form},
};
use promise::{Day, Instant};
use serde_json::{Value, json};
use wire::{OrderDocument, order};

use super::{decide, people, rules, sender};
use crate::{
    outbound,
    state::AppState,
    store::{audit, orders},
};

/// Stands for a secret that is kept.
pub const HIDDEN: &str = "…";

/// Why something is not done.
#[derive(Debug)]
pub enum Refused {
    /// Field and reason.
    Fields(Vec<(String, String)>),
    NotFound(&'static str),
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Refused {
    fn from(e: anyhow::Error) -> Refused {
        Refused::Failed(e)
    }
}

fn field(field: &str, message: impl Into<String>) -> Refused {
    Refused::Fields(vec![(field.to_owned(), message.into())])
}

/// Puts a store's rules in place of what they were; hidden headers keep their values.
pub async fn put_rules(state: &AppState, store: &str, actor: &str, mut new: Rules) -> Result<(), Refused> {
    let (of, now) = (store.to_owned(), state.now());
    let old = state.db().read(move |db| rules::of(db, &of)).await?;
    for (name, hook) in &mut new.hooks {
        for (header, value) in hook.headers.iter_mut().filter(|(_, v)| *v == HIDDEN) {
            let kept = old.hooks.get(name).filter(|h| h.url == hook.url).and_then(|h| h.headers.get(header));
            // A secret must not be sent to another address than the one it was written for.
            *value = kept.cloned().unwrap_or_default();
        }
    }
    let internal = state.config().limits.internal_targets;
    let wrong = new.wrong(|url| outbound::allowed(url, internal).map(drop));
    if !wrong.is_empty() {
        return Err(Refused::Fields(wrong));
    }
    let of = store.to_owned();
    let actor = actor.to_owned();
    let done = state.db().write(move |db| {
        rules::put(db, &of, &new, now)?;
        audit::record(db, &of, &actor, "messages.rules", "", &json!({"rules": new.rules.len(), "enabled": new.enabled}))
    });
    Ok(done.await?)
}

fn known(notice: &str, language: &str) -> Result<&'static str, Refused> {
    if !NOTICES.contains(&notice) && notice != SATISFIED {
        return Err(field("notice", format!("one of {}, {SATISFIED}", NOTICES.join(", "))));
    }
    let found = notify::texts::language(language);
    if !language.is_empty() && found != language.split('-').next().unwrap_or_default() {
        return Err(field("language", format!("one of {}", notify::texts::languages().join(", "))));
    }
    Ok(found)
}

/// Keeps a store's own words, if they can be rendered.
pub async fn put_words(
    state: &AppState,
    store: &str,
    actor: &str,
    notice: &str,
    language: &str,
    words: Override,
) -> Result<(), Refused> {
    let language = known(notice, language)?;
    let (_, values) = preview(state, store, notice, language, None, Some(&Override::default())).await?;
    let wrong: Vec<_> = wrong_words(&words, &values).into_iter().map(|(name, e)| (name.to_owned(), e.to_string())).collect();
    if !wrong.is_empty() {
        return Err(Refused::Fields(wrong));
    }
    let (store, notice, actor, now) = (store.to_owned(), notice.to_owned(), actor.to_owned(), state.now());
    let done = state.db().write(move |db| {
        rules::put_words(db, &store, &notice, language, &words, now)?;
        audit::record(db, &store, &actor, "messages.words", &format!("{notice} {language}"), &json!({}))
    });
    Ok(done.await?)
}

/// Parts of a store's own words that can't be rendered, or name what has no value.
pub fn wrong_words(words: &Override, values: &Value) -> Vec<(&'static str, template::Wrong)> {
    let parts = [
        ("subject", &words.subject, Form::Text),
        ("headline", &words.headline, Form::Text),
        ("body", &words.body, Form::Text),
        ("short", &words.short, Form::Text),
        ("html", &words.html, Form::Html),
    ];
    let wrong = |(name, source, form): (&'static str, &Option<String>, Form)| {
        Some((name, template::render(source.as_deref()?, values, form, true).err()?))
    };
    parts.into_iter().filter_map(wrong).collect()
}

/// A notice about an order, or about a made-up one, in the store's words or in words that are not kept yet; and the values of templates.
pub async fn preview(
    state: &AppState,
    store: &str,
    notice: &str,
    language: &str,
    order: Option<&str>,
    words: Option<&Override>,
) -> Result<(Said, Value), Refused> {
    let language = known(notice, language)?.to_owned();
    let info = state.store_info(store).ok_or(Refused::NotFound("there is no such store"))?;
    let (at, now) = (state.clone(), state.now());
    let (order, notice, words) = (order.map(str::to_owned), notice.to_owned(), words.cloned());
    let said = state.db().read(move |db| {
        let document = match &order {
            Some(id) => match orders::document(db, &info.id, id)? {
                Some(found) => found,
                None => return Ok(None),
            },
            None => sample(&info, &notice, now),
        };
        let id = order.unwrap_or_else(|| "sample".into());
        let stop = decide::stop_url(&at, &info, "mail", "preview", now);
        let subject = document.shipments.first().map(|s| format!("{}|", s.id)).unwrap_or_default();
        let saying = decide::Saying { db, state: &at, store: &info, order: &id, document: &document, now, test: true };
        let made = match &words {
            Some(words) => saying.say_with(&notice, &subject, &[], &language, Some(&stop), words)?,
            None => saying.say(&notice, &subject, &[], &language, Some(&stop))?,
        };
        Ok(Some(made))
    });
    said.await?.ok_or(Refused::NotFound("there is no order with this id"))
}

/// A message to try things out with.
pub struct Test<'a> {
    pub notice: &'a str,
    pub language: &'a str,
    pub order: Option<&'a str>,
    pub words: Option<&'a Override>,
    /// `mail`, `sms`, or `hook:` and its name.
    pub channel: &'a str,
    pub to: &'a str,
}

/// Sends it at once: it is marked as a test, counts for nobody, and is not in the log.
pub async fn test(state: &AppState, client: &reqwest::Client, store: &str, t: &Test<'_>) -> Result<Outcome, Refused> {
    let info = state.store_info(store).ok_or(Refused::NotFound("there is no such store"))?;
    let (said, mut values) = preview(state, store, t.notice, t.language, t.order, t.words).await?;
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|e| anyhow::anyhow!("no random numbers: {e}"))?;
    let id = format!("test_{}", hex::encode(random));
    let config = state.config();
    match t.channel {
        "mail" if !notify::mail::is_address(t.to) => Err(field("to", "a mail address")),
        "mail" if state.mailer().is_off() => {
            Err(field("channel", "no mail transport is configured: see [mail] in the configuration"))
        }
        "mail" => {
            let mail = decide::mail(state, &info, &id, state.now().0, t.to.to_owned(), said, None);
            Ok(sender::now(state, &mail).await)
        }
        "sms" => {
            let account = config.store(store).and_then(|s| s.sms.as_ref());
            let account =
                account.ok_or_else(|| field("channel", "the store has no SMS account: see [stores.sms] in the configuration"))?;
            let to = notify::sms::number(t.to, None).ok_or_else(|| field("to", "a number with its country code"))?;
            Ok(account.send(client, &id, &to, &said.short, None).await)
        }
        channel => {
            let name = channel.strip_prefix("hook:").ok_or_else(|| field("channel", "mail, sms, or hook: and its name"))?;
            values["id"] = id.clone().into();
            values["at"] = state.now().to_string().into();
            values["short"] = said.short.into();
            values["email"] = Value::Null;
            values["phone"] = Some(t.to).filter(|t| !t.is_empty()).into();
            Ok(sender::post(state, client, store, name, &id, &values).await)
        }
    }
}

/// Records that somebody agreed to something; see [`people::consent`].
pub use people::consent;

/// An order to try words out on, in the state that a notice is about.
pub fn sample(store: &orders::StoreInfo, notice: &str, now: Instant) -> OrderDocument {
    let today = now.local(0).0;
    let day = |n: i32| Day(today.0 + n).to_string();
    let ago = |hours: i64| Some(Instant(now.0 - hours * 3600).to_string());
    let status = match notice {
        "ordered" => "pending",
        "out_for_delivery" | "delivered" | "attempt_failed" | "exception" => notice,
        "ready_to_collect" | "sent_back_soon" => "available_for_pickup",
        SATISFIED => "delivered",
        _ => "in_transit",
    };
    let estimate = order::Estimate {
        from: day(if status == "out_for_delivery" { 0 } else { 2 }),
        to: day(if status == "out_for_delivery" { 0 } else { 3 }),
        outlook: if notice == "at_risk" { "at_risk" } else { "on_time" }.into(),
        quiet: notice == "quiet",
        on_time: 900,
        ..order::Estimate::default()
    };
    let mug = order::Item { sku: "MUG-1".into(), title: "Mug".into(), variant: None, quantity: 2, image: None };
    let parcel = order::Shipment {
        id: "sample".into(),
        carrier: "ups".into(),
        carrier_name: "UPS".into(),
        tracking_number: "1Z999AA10123456784".into(),
        status: status.into(),
        shipped_at: ago(30),
        last_scan_at: ago(20),
        delivered_at: if status == "delivered" { ago(2) } else { None },
        estimate: (status != "delivered").then(|| estimate.clone()),
        pickup: (status == "available_for_pickup").then(|| order::Pickup {
            name: Some("Corner Shop".into()),
            address: Some("12 Market Street".into()),
            hours: vec!["08:00 – 20:00".into()],
            code: Some("4711".into()),
            until: Some(day(5)),
        }),
        items: vec![mug.clone()],
        ..order::Shipment::default()
    };
    let (shipments, unshipped) = if notice == "ordered" { (vec![], vec![mug]) } else { (vec![parcel], vec![]) };
    OrderDocument {
        store: order::Store {
            id: store.id.clone(),
            name: store.name.clone(),
            url: store.url.clone(),
            support_url: store.support_url.clone(),
        },
        number: "#1001".into(),
        placed_at: ago(48).unwrap_or_default(),
        status: match status {
            "pending" => "ordered",
            "in_transit" => "shipped",
            "attempt_failed" => "exception",
            other => other,
        }
        .into(),
        destination: order::Destination {
            country: Some("US".into()),
            city: Some("San Francisco".into()),
            region: Some("CA".into()),
            utc_offset: None,
        },
        promise: Some(order::Promise {
            from: day(0),
            to: if notice == "at_risk" { day(2) } else { day(3) },
            confidence: 90,
            method: "standard".into(),
            made_at: ago(48).unwrap_or_default(),
        }),
        estimate: (status != "delivered").then_some(estimate),
        shipments,
        unshipped,
        ..OrderDocument::default()
    }
}
