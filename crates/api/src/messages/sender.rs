//! Sends what is due, and decides before each one whether it should be.

use std::time::Duration;

use anyhow::Result;
use notify::{
    Outcome,
    mail::Mail,
    notice::{self, From},
    texts::Texts,
};
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use super::people;
use crate::{
    outbound::spread,
    state::AppState,
    store::messages::{self, Message},
    words::Words,
};

/// Sent at the same time.
const AT_ONCE: usize = 8;

/// What is to be done with a message, now that it is due.
enum Decision {
    Send(Box<Ready>),
    /// Not before that moment.
    Defer(i64, String),
    Drop(String),
}

/// A message in words, on its channel.
struct Ready {
    what: What,
    /// Others that it tells of too.
    with: Vec<String>,
    /// The last day that it tells.
    window_to: Option<String>,
}

enum What {
    Mail(Mail),
}

/// Sends until the server stops. One server has one: running it twice would send twice.
pub async fn run(state: AppState) -> Result<()> {
    let (at, now) = (state.clone(), state.now());
    let (again, unknown) =
        state.db().write(move |db| messages::recover(db, |_, channel| deduplicates(&at, channel), now)).await?;
    if again + unknown > 0 {
        tracing::warn!(
            again,
            unknown,
            "messages were being sent when the server stopped last; the unknown ones may have arrived and are not sent again"
        );
    }
    let mut stopping = state.stopping();
    loop {
        let now = state.now();
        let (list, next) = state.db().read(move |db| messages::due(db, now, AT_ONCE * 4)).await?;
        if list.is_empty() {
            let wait = next.map_or(3600, |at| (at - now.0).clamp(1, 3600));
            tokio::select! {
                () = state.messages_woken() => {}
                () = tokio::time::sleep(Duration::from_secs(wait.unsigned_abs())) => {}
                _ = stopping.wait_for(|stop| *stop) => return Ok(()),
            }
            continue;
        }
        // One at a time to one person, so that the day's count is right.
        let mut people: Vec<(String, String)> = Vec::new();
        let mut sending = JoinSet::new();
        for message in list {
            let person = (message.store.clone(), message.order_id.clone().unwrap_or_else(|| message.recipient.clone()));
            if people.len() < AT_ONCE && !people.contains(&person) {
                people.push(person);
                sending.spawn(handle(state.clone(), message));
            }
        }
        while let Some(done) = sending.join_next().await {
            done??;
        }
        if *stopping.borrow() {
            return Ok(());
        }
    }
}

/// Whether a channel, given the same message twice, shows it once.
fn deduplicates(state: &AppState, channel: &str) -> bool {
    match channel {
        "mail" => state.mailer().deduplicates(),
        _ => false,
    }
}

async fn handle(state: AppState, message: Message) -> Result<()> {
    let id = message.id.clone();
    match decide(&state, &message).await? {
        Decision::Send(ready) => send(&state, message, *ready).await,
        Decision::Defer(until, reason) => state.db().write(move |db| messages::defer(db, &id, until, &reason)).await,
        Decision::Drop(reason) => {
            tracing::info!(id, store = message.store, notice = message.notice, reason, "a message is not sent");
            metrics::counter!("messages_total", "channel" => message.channel, "outcome" => "dropped").increment(1);
            state.db().write(move |db| messages::ended(db, &id, "dropped", &reason)).await
        }
    }
}

async fn send(state: &AppState, message: Message, ready: Ready) -> Result<()> {
    let Ready { what, with, window_to } = ready;
    let (db, id) = (state.db().clone(), message.id.clone());
    let going = async move { db.write(move |db| messages::going(db, &id)).await.map_err(|e| format!("{e:#}")) };
    let outcome = match &what {
        What::Mail(mail) => state.mailer().send(mail, going).await,
    };
    metrics::counter!("messages_total", "channel" => message.channel.clone(), "outcome" => outcome.name()).increment(1);
    if let Outcome::Later(error, _) | Outcome::Refused(error, _) | Outcome::Unknown(error) = &outcome {
        tracing::warn!(
            id = message.id,
            store = message.store,
            channel = message.channel,
            notice = message.notice,
            attempt = message.attempts + 1,
            outcome = outcome.name(),
            error,
            "a message was not sent"
        );
    }
    let (now, jitter) = (state.now(), spread() * 0.2);
    state
        .db()
        .write(move |db| {
            messages::count_try(db, &message.id)?;
            match outcome {
                Outcome::Sent(provider) => messages::sent(db, &message.id, &with, provider.as_deref(), window_to.as_deref(), now),
                Outcome::Later(error, not_before) => messages::failed(db, &message.id, &error, not_before, now, jitter),
                Outcome::Refused(error, _) => messages::ended(db, &message.id, "failed", &error),
                Outcome::Unknown(error) => {
                    messages::ended(db, &message.id, "unknown", &format!("{error}: it may have arrived, and is not sent again"))
                }
            }
        })
        .await
}

async fn decide(state: &AppState, message: &Message) -> Result<Decision> {
    let Some(store) = state.store_info(&message.store) else {
        return Ok(Decision::Drop("the store is no longer configured".into()));
    };
    let words = Words::of([message.language.as_deref().unwrap_or("en")]);
    let texts = Texts::new(&words);
    let from =
        From { name: store.name.clone(), url: store.url.clone(), support_url: store.support_url.clone(), accent: String::new() };
    if state.mailer().is_off() {
        return Ok(Decision::Defer(
            state.now().0 + 3600,
            "no mail transport is configured: see [mail] in the configuration".into(),
        ));
    }
    let sealed = message.sealed.as_deref().unwrap_or_default();
    let opened = people::open(&store, &message.id, sealed);
    let content = opened.and_then(|content| Ok(serde_json::from_slice::<(String, Map<String, Value>)>(&content)?));
    let (to, values) = match content {
        Ok(content) => content,
        Err(e) => return Ok(Decision::Drop(format!("{e:#}"))),
    };
    let page = notice::letter(&message.notice, &values, &from, &texts);
    let mail = Mail {
        id: message.id.clone(),
        from: state.config().mail_from(&store.id),
        reply_to: state.config().mail_reply_to(&store.id),
        to,
        subject: page.subject.clone(),
        text: page.text(),
        html: page.html()?,
        language: page.language.clone(),
        unsubscribe: None,
        made_at: message.made_at,
    };
    Ok(Decision::Send(Box::new(Ready { what: What::Mail(mail), with: Vec::new(), window_to: None })))
}
