//! Sends what is due. Whether it still should be is decided just before ([`decide`]); where a channel can't tell a repetition, what is
//! about to go is marked first, and what is found so marked after a crash is not sent again.

use anyhow::Result;
use notify::{Outcome, hook, mail::Mail};
use promise::Instant;
use serde_json::Value;
use tokio::task::JoinSet;

use super::{
    decide::{Decision, Ready, What, decide},
    people, rules,
};
use crate::{
    outbound::{self, spread},
    push,
    state::AppState,
    store::{
        care::subscribers,
        messages::{self, Message},
    },
};

/// Sent at the same time.
const AT_ONCE: usize = 8;

/// Sends until the server stops. One server has one: running it twice would send twice.
pub async fn run(state: AppState) -> Result<()> {
    let client = outbound::client(state.config().limits.internal_targets)?;
    recover(&state).await?;
    let stopping = state.stopping();
    loop {
        let now = state.now();
        let (list, next) = state.db().read(move |db| messages::due(db, now, AT_ONCE * 4)).await?;
        if list.is_empty() {
            if !state.rest(state.messages_woken(), now, next).await {
                return Ok(());
            }
            continue;
        }
        // One at a time about an order and to a person, so that the day's count is right and no two tell the same.
        let mut taken: Vec<(String, String)> = Vec::new();
        let mut sending = JoinSet::new();
        for message in list {
            let of = |key: &str| (message.store.clone(), key.to_owned());
            let keys = [message.order_id.as_deref().map(of), Some(message.recipient.as_str()).filter(|r| !r.is_empty()).map(of)];
            if sending.len() < AT_ONCE && !keys.iter().flatten().any(|k| taken.contains(k)) {
                taken.extend(keys.into_iter().flatten());
                sending.spawn(handle(state.clone(), client.clone(), message));
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

/// What a crash left in the middle.
async fn recover(state: &AppState) -> Result<()> {
    let (at, now) = (state.clone(), state.now());
    let (again, unknown) = state
        .db()
        .write(move |db| {
            let mut known: Vec<(String, notify::rules::Rules)> = Vec::new();
            for store in &at.config().stores {
                known.push((store.id.clone(), rules::of(db, &store.id).unwrap_or_default()));
            }
            let deduplicates = |store: &str, channel: &str| match channel.strip_prefix("hook:") {
                Some(name) => known.iter().any(|k| k.0 == store && k.1.hooks.get(name).is_some_and(|h| h.knows_ids())),
                None if channel == "mail" => at.mailer().deduplicates(),
                // A browser shows a second one in the place of the first: they have one tag.
                None if channel == "push" => true,
                None => {
                    at.config().store(store).and_then(|s| s.sms.as_ref()).is_some_and(|s| channel == "sms" && s.deduplicates())
                }
            };
            messages::recover(db, deduplicates, now)
        })
        .await?;
    if again + unknown > 0 {
        tracing::warn!(
            again,
            unknown,
            "messages were being sent when the server stopped; the unknown ones may have arrived and are not sent again"
        );
    }
    Ok(())
}

async fn handle(state: AppState, client: reqwest::Client, message: Message) -> Result<()> {
    let id = message.id.clone();
    let (at, now, of) = (state.clone(), state.now(), message.clone());
    match state.db().read(move |db| decide(db, &at, &of, now)).await? {
        Decision::Send(ready) => send(&state, &client, message, *ready).await,
        Decision::Defer(until, reason) => {
            state.db().write(move |db| messages::defer(db, &id, until.max(now.0 + 1), &reason)).await
        }
        Decision::Drop(reason) => {
            tracing::info!(id, store = message.store, notice = message.notice, reason, "a message is not sent");
            metrics::counter!("messages_total", "channel" => kind(&message.channel), "outcome" => "dropped").increment(1);
            state.db().write(move |db| messages::ended(db, &id, "dropped", &reason)).await
        }
    }
}

/// A channel without the name of a hook: figures name no store's things.
fn kind(channel: &str) -> String {
    channel.split(':').next().unwrap_or_default().to_owned()
}

async fn send(state: &AppState, client: &reqwest::Client, message: Message, ready: Ready) -> Result<()> {
    let Ready { what, with, window_to, to_hash } = ready;
    let (db, id) = (state.db().clone(), message.id.clone());
    let going = async move { db.write(move |db| messages::going(db, &id)).await.map_err(|e| format!("{e:#}")) };
    let (outcome, hint) = deliver(state, client, &message, &what, going).await;
    metrics::counter!("messages_total", "channel" => kind(&message.channel), "outcome" => outcome.name()).increment(1);
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
    state.db().write(move |db| record(db, &message, outcome, &Told { with, window_to, to_hash, hint }, now, jitter)).await
}

/// What a sent message told, and to whom.
struct Told {
    with: Vec<String>,
    window_to: Option<String>,
    to_hash: String,
    hint: String,
}

fn record(db: &rusqlite::Connection, message: &Message, outcome: Outcome, told: &Told, now: Instant, jitter: f64) -> Result<()> {
    messages::count_try(db, &message.id)?;
    match outcome {
        Outcome::Sent(provider) => {
            messages::sent(db, &message.id, &told.with, provider.as_deref(), told.window_to.as_deref(), now)
        }
        Outcome::Later(error, not_before) => messages::failed(db, &message.id, &error, not_before, now, jitter),
        Outcome::Refused(error, gone) => {
            if gone && message.channel == "push" {
                subscribers::remove(db, &told.to_hash)?;
            } else if gone && !told.to_hash.is_empty() {
                let channel = kind(&message.channel);
                people::suppress(db, &message.store, &channel, &told.to_hash, Some(&told.hint), "bounced", now)?;
            }
            messages::ended(db, &message.id, "failed", &error)
        }
        Outcome::Unknown(error) => {
            messages::ended(db, &message.id, "unknown", &format!("{error}: it may have arrived, and is not sent again"))
        }
    }
}

/// Hands a message over; returns what became of it, and a hint at who was written to.
async fn deliver(
    state: &AppState,
    client: &reqwest::Client,
    message: &Message,
    what: &What,
    going: impl Future<Output = Result<(), String>>,
) -> (Outcome, String) {
    match what {
        What::Mail(mail) => (state.mailer().send(mail, going).await, people::hint(&mail.to)),
        What::Sms { to, text } => {
            let config = state.config();
            let Some(account) = config.store(&message.store).and_then(|s| s.sms.as_ref()) else {
                return (Outcome::Refused("no SMS account is configured".into(), false), String::new());
            };
            if let Err(error) = going.await {
                return (Outcome::Later(error, None), String::new());
            }
            let public = &state.config().public_url;
            // Twilio refuses addresses that it can't reach.
            let status = public.starts_with("https://").then(|| format!("{public}/v1/messages/{}/sms/twilio", message.store));
            let outcome = match account.send(client, &message.id, to, text, status.as_deref()).await {
                Outcome::Unknown(error) if account.deduplicates() => Outcome::Later(error, None),
                outcome => outcome,
            };
            (outcome, people::hint(to))
        }
        What::Push { browser, payload } => {
            if let Err(error) = going.await {
                return (Outcome::Later(error, None), String::new());
            }
            (push::send(state, client, browser, payload, &browser.id).await, String::new())
        }
        What::Hook { name, values } => {
            if let Err(error) = going.await {
                return (Outcome::Later(error, None), String::new());
            }
            (post(state, client, &message.store, name, &message.id, values).await, String::new())
        }
    }
}

/// Posts values to one of a store's hooks.
pub async fn post(state: &AppState, client: &reqwest::Client, store: &str, name: &str, id: &str, values: &Value) -> Outcome {
    let of = store.to_owned();
    let rules = match state.db().read(move |db| rules::of(db, &of)).await {
        Ok(rules) => rules,
        Err(e) => return Outcome::Later(format!("{e:#}"), None),
    };
    let Some(to) = rules.hooks.get(name) else { return Outcome::Refused("the hook is no longer there".into(), false) };
    // Looked at when it was written, and again before each request, as is what its name resolves to.
    if let Err(error) = outbound::allowed(&to.url, state.config().limits.internal_targets) {
        return Outcome::Refused(error, false);
    }
    match to.payload(values) {
        Ok(payload) => match hook::post(client, &to.url, &to.headers, id, &payload).await {
            // It knows the id: sending again is no repetition.
            Outcome::Unknown(error) if to.knows_ids() => Outcome::Later(error, None),
            outcome => outcome,
        },
        Err(error) => Outcome::Refused(error, false),
    }
}

/// Sends a mail at once, for whoever waits for the outcome: a test.
pub async fn now(state: &AppState, mail: &Mail) -> Outcome {
    state.mailer().send(mail, async { Ok(()) }).await
}
