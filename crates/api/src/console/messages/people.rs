//! Who agreed to what, who does not want to be written to, and why: by address or by order.

use axum::{extract::State, response::Response};
use maud::{Markup, html};
use promise::Instant;
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::{channel_name, order_id, tabs};
use crate::{
    console::{
        Failure, Fields, Session,
        frame::{self, action, csrf, field, moment, refused, wrong},
        orders,
    },
    messages::people,
    state::AppState,
    store::{
        audit,
        care::subscribers,
        orders::{Numbers, StoreInfo},
    },
};

/// A line of an address's history.
struct Line {
    channel: String,
    granted: bool,
    source: String,
    words: String,
    at: Instant,
}

/// What is known of a shopper who was asked for.
#[derive(Default)]
struct Known {
    /// Channel, hash, and enough of the address to recognise.
    addresses: Vec<(String, String, String)>,
    lines: Vec<Line>,
    suppressed: Vec<(String, String)>,
    order: Option<String>,
    /// What was said on the order's own page.
    said: Vec<Value>,
    browsers: usize,
}

/// The address that somebody wrote: its channel and hash.
fn hashed(info: &StoreInfo, text: &str) -> Option<(&'static str, String, String)> {
    if notify::mail::is_address(text) {
        return Some(("mail", people::address_hash(info, "mail", text), people::hint(text)));
    }
    let number = notify::sms::number(text, None)?;
    Some(("sms", people::address_hash(info, "sms", &number), people::hint(&number)))
}

fn look(db: &Connection, info: &StoreInfo, text: &str) -> anyhow::Result<Option<Known>> {
    let mut known = Known::default();
    if let Some((channel, hash, hint)) = hashed(info, text) {
        known.addresses.push((channel.into(), hash, hint));
    } else if let Some(order) = order_id(db, &info.id, text)? {
        let contact = people::contact(db, &info.id, &order)?.unwrap_or_default();
        let addresses = contact.addresses(info, &order).unwrap_or_default();
        for (channel, hash, address) in
            [("mail", contact.email_hash, addresses.email), ("sms", contact.phone_hash, addresses.phone)]
        {
            if let (Some(hash), Some(address)) = (hash, address) {
                known.addresses.push((channel.into(), hash, people::hint(&address)));
            }
        }
        known.said = subscribers::said(db, &info.id, &order)?;
        known.browsers = subscribers::of(db, &info.id, &order)?.len();
        known.order = Some(order);
    } else {
        return Ok(None);
    }
    let mut rows = db.prepare_cached(
        "select channel, granted, source, coalesce(words, ''), at from consents where store = ?1 and channel = ?2 and address = ?3 order by id desc limit 50",
    )?;
    for (channel, hash, _) in &known.addresses {
        let lines = rows.query_map(params![info.id, channel, hash], |r| {
            Ok(Line { channel: r.get(0)?, granted: r.get(1)?, source: r.get(2)?, words: r.get(3)?, at: Instant(r.get(4)?) })
        })?;
        known.lines.extend(lines.collect::<Result<Vec<_>, _>>()?);
        if let Some(reason) = people::suppressed(db, &info.id, channel, hash)? {
            known.suppressed.push((channel.clone(), reason));
        }
    }
    Ok(Some(known))
}

fn reason_name(reason: &str) -> String {
    match reason {
        "unsubscribed" => "they followed the link that ends messages".into(),
        "stop" => "they answered STOP".into(),
        "bounced" => "the mailbox or number is not there".into(),
        "complained" => "they called it spam".into(),
        "merchant" => "your decision".into(),
        other => other.replace('_', " "),
    }
}

/// May the merchant take it back? What shoppers ended, they resume.
fn ours(reason: &str) -> bool {
    matches!(reason, "bounced" | "merchant")
}

pub async fn page(State(state): State<AppState>, session: Session, f: Fields) -> Result<Markup, Failure> {
    show(&state, &session, f.get("of"), &[]).await
}

async fn show(state: &AppState, session: &Session, asked: &str, wrongs: &[String]) -> Result<Markup, Failure> {
    let info = state.store_info(&session.store).ok_or_else(|| Failure::none("store"))?;
    let text = asked.to_owned();
    let read = state.db().read(move |db| {
        let found = if text.is_empty() { None } else { look(db, &info, &text)? };
        let opt_ins = subscribers::opt_ins(db, &info.id)?;
        let ids = opt_ins.iter().filter_map(|s| s["order_id"].as_str()).chain(found.iter().filter_map(|k| k.order.as_deref()));
        let numbers = Numbers::of(db, &info.id, ids)?;
        Ok((found, people::suppressions(db, &info.id)?, opt_ins, numbers))
    });
    let (found, list, opt_ins, numbers) = read.await?;
    let path = session.to("messages/people");
    let word = |v: &Value, name: &str| v[name].as_str().unwrap_or_default().to_owned();
    let body = html! {
        h1 { "Consent" }
        (tabs(session, "messages/people"))
        p { "Addresses are kept sealed and compared by a fingerprint: here you see enough to recognise one, and find anyone by the whole of it." }
        (wrong(wrongs))
        form.actions method="get" action=(path) {
            (field("Mail address, number or order", "of", asked.to_owned()))
            button.main type="submit" { "Find" }
        }
        @if !asked.is_empty() {
            section aria-live="polite" {
                h2 { "About " (asked) }
                @match &found {
                    None => p { "Nothing is known of it: it is no order, and no address or number with its country code." },
                    Some(k) => {
                        @if let Some(order) = &k.order { p { a href=(orders::to(session, order)) { "Order " (numbers.get(order)) } @if k.browsers > 0 { " · told in " (k.browsers) " browser" @if k.browsers != 1 { "s" } } } }
                        @for (channel, hash, hint) in &k.addresses {
                            @let stopped = k.suppressed.iter().find(|s| &s.0 == channel);
                            div.actions {
                                strong { (channel_name(channel)) " " (hint) }
                                @match stopped {
                                    Some((_, reason)) => {
                                        span.tag.bad { "not written to" } span.hint { (reason_name(reason)) }
                                        @if ours(reason) { (action(session, &path, &[("do", "release"), ("channel", channel), ("address", hash), ("of", asked)], "Write to it again", "")) }
                                    }
                                    None => { span.tag.good { "written to" } (action(session, &path, &[("do", "suppress"), ("channel", channel), ("address", hash), ("hint", hint), ("of", asked)], "Write no more", "danger")) }
                                }
                            }
                        }
                        @if k.addresses.is_empty() { p { "The order has no address." } }
                        h3 { "What was said" }
                        ul.rows {
                            @for l in &k.lines {
                                li {
                                    span { @if l.granted { span.tag.good { "yes" } } @else { span.tag.bad { "no" } } " to " (channel_name(&l.channel)) ", " (l.source.replace('_', " ")) @if !l.words.is_empty() { br; span.hint { "“" (l.words) "”" } } }
                                    span.hint { (moment(l.at)) }
                                }
                            }
                            @for s in &k.said {
                                li {
                                    span { @if s["given"].as_bool() == Some(true) { span.tag.good { "yes" } } @else { span.tag.bad { "no" } } " to " (channel_name(&word(s, "channel").replace("email", "mail"))) " about this order, on its page" br; span.hint { "“" (word(s, "words")) "”" } }
                                    span.hint { @if let Some(at) = Instant::parse(&word(s, "at")) { (moment(at)) } }
                                }
                            }
                            @if k.lines.is_empty() && k.said.is_empty() { li { span.hint { "Nothing was said: news of what was bought is sent, nothing else." } } }
                        }
                        @for (channel, hash, hint) in &k.addresses {
                            (action(session, &path, &[("do", "withdraw"), ("channel", channel), ("address", hash), ("of", asked)], &format!("Record that {hint} agrees no longer"), ""))
                        }
                    }
                }
            }
        }
        section {
            h2 { "Not written to" }
            ul.rows {
                @for s in &list {
                    li {
                        span { strong { (channel_name(&word(s, "channel"))) " " @if s["hint"].is_null() { code { (&word(s, "address")[..12]) "…" } } @else { (word(s, "hint")) } } br; span.hint { (reason_name(&word(s, "reason"))) " · " @if let Some(at) = Instant::parse(&word(s, "at")) { (moment(at)) } } }
                        @if ours(&word(s, "reason")) { (action(session, &path, &[("do", "release"), ("channel", &word(s, "channel")), ("address", &word(s, "address"))], "Write to it again", "")) }
                    }
                }
                @if list.is_empty() { li { span.hint { "Nobody." } } }
            }
            form.narrow method="post" action=(path) {
                (csrf(session))
                input type="hidden" name="do" value="suppress";
                (field("Write no more to", "address", "").required().hint("A mail address, or a number with its country code."))
                button type="submit" { "Write no more" }
            }
        }
        section {
            h2 { "Said on order pages" }
            ul.rows {
                @for s in &opt_ins {
                    li {
                        span { @if s["given"].as_bool() == Some(true) { span.tag.good { "yes" } } @else { span.tag.bad { "no" } } " " (channel_name(&word(s, "channel").replace("email", "mail"))) " · " a href=(orders::to(session, &word(s, "order_id"))) { (numbers.get(&word(s, "order_id"))) } br; span.hint { "“" (word(s, "words")) "”" } }
                        span.hint { @if let Some(at) = Instant::parse(&word(s, "at")) { (moment(at)) } }
                    }
                }
                @if opt_ins.is_empty() { li { span.hint { "Nothing yet." } } }
            }
        }
    };
    Ok(frame::page("Consent", session, body))
}

pub async fn save(State(state): State<AppState>, session: Session, f: Fields) -> Result<Response, Failure> {
    let info = state.store_info(&session.store).ok_or_else(|| Failure::none("store"))?;
    let text = f.get("address").to_owned();
    let hash = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let named = if hash {
        let channel = if f.get("channel") == "sms" { "sms" } else { "mail" };
        Some((channel, text, f.get("hint").to_owned()))
    } else {
        hashed(&info, &text)
    };
    let Some((channel, address, hint)) = named else {
        let wrong = ["Write a mail address, or a number with its country code, such as +14155550100.".to_owned()];
        return Ok(refused(show(&state, &session, "", &wrong).await?));
    };
    let (by, now, what) = (session.person.name.clone(), state.now(), f.get("do").to_owned());
    let done = state.db().write(move |db| {
        match what.as_str() {
            "suppress" => people::suppress(
                db,
                &info.id,
                channel,
                &address,
                Some(&hint).filter(|h| !h.is_empty()).map(String::as_str),
                "merchant",
                now,
            )?,
            "release" => {
                let reason = people::suppressed(db, &info.id, channel, &address)?;
                if !reason.as_deref().is_some_and(ours) || !people::release(db, &info.id, channel, &address)? {
                    return Ok(false);
                }
            }
            "withdraw" => {
                let no = people::Consent { channel, address: &address, granted: false, source: "merchant", words: None };
                people::consent(db, &info.id, &no, now)?;
            }
            _ => return Ok(false),
        }
        audit::record(db, &info.id, &by, &format!("messages.{what}"), channel, &json!({}))?;
        Ok(true)
    });
    if !done.await? {
        return Err(Failure::new(
            axum::http::StatusCode::CONFLICT,
            "Nothing was changed: it is not there any more, or the shopper asked for it and only the shopper can take it back.",
        ));
    }
    let query = serde_urlencoded::to_string([("of", f.get("of"))]).unwrap_or_default();
    let to = if f.get("of").is_empty() { "messages/people".to_owned() } else { format!("messages/people?{query}") };
    Ok(session.done(&to, "saved"))
}
