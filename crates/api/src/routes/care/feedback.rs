//! How it went, being told, and links to other orders: small things that a shopper sends.

use axum::response::Response;
use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode},
};
use maud::html;
use secrecy::ExposeSecret;
use serde::Deserialize;
use view::{Locale, locale::say, order::Reader};

use super::{change, count, reports::readable};
use crate::{
    messages::{self, Letter, people},
    problem::Problem,
    routes::{
        orders::claim,
        track::{self, Peer},
    },
    state::AppState,
    store::{
        care::{feedback, reports::Refused, settings, subscribers},
        orders::{self, hash_email},
    },
    token::{self, Claim},
    words::Words,
};

/// How likely the shopper recommends the store: 0 to 10.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = Feedback)]
pub struct Said {
    pub score: Option<u8>,
    pub comment: String,
    /// Not to be asked again.
    pub dismiss: bool,
}

/// Records it, for the JSON route and for the form.
pub async fn say_it(state: &AppState, claim: &Claim, said: Said, language: &str) -> Result<Result<(), Refused>, Problem> {
    let score = if said.dismiss { None } else { said.score };
    if !said.dismiss && score.is_none_or(|s| s > 10) {
        return Ok(Err(Refused::Field("score", "write 0 to 10".into())));
    }
    if said.comment.len() > 4000 {
        return Ok(Err(Refused::Field("comment", "at most 4000 bytes".into())));
    }
    let (of, comment, language) = (claim.clone(), said.comment.trim().to_owned(), language.to_owned());
    change(state, &claim.store, &claim.order_id, move |db, _, now| {
        if !settings::of(db, &of.store)?.feedback.on {
            return Ok(Err(Refused::NotNow("the store does not ask".into())));
        }
        let delivered = orders::document(db, &of.store, &of.order_id)?;
        match delivered {
            None => return Ok(Err(Refused::Unknown)),
            Some(d) if d.status != "delivered" => return Ok(Err(Refused::NotNow("the order has not arrived yet".into()))),
            Some(_) => {}
        }
        match feedback::put(db, &of.store, &of.order_id, score, &comment, &language, now)? {
            true => Ok(Ok(())),
            false => Ok(Err(Refused::NotNow("it was said already".into()))),
        }
    })
    .await
}

/// Says how it went, or that the shopper would rather not; once an order.
#[utoipa::path(post, path = "/v1/orders/{token}/feedback", tag = "care", params(("token" = String, Path, description = "Order token")), request_body = Said,
    responses((status = 204, description = "Noted"), (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json"), (status = 409, description = "Said already, not delivered, or not asked", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "What can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn feedback(
    State(state): State<AppState>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Result<Json<Said>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let claim = claim(&state, &token)?;
    count(&state, &claim)?;
    say_it(&state, &claim, readable(body)?, Words::accepted(&headers).tag()).await??;
    Ok(StatusCode::NO_CONTENT)
}

/// A yes or a no to being told.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = OptIn)]
pub struct Wish {
    /// `email` or `sms`.
    pub channel: String,
    /// Where to: an email address, or a number with its country code.
    pub address: String,
    pub given: bool,
}

pub fn is_email(text: &str) -> bool {
    let (user, host) = text.split_once('@').unwrap_or_default();
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"' | '(' | ')' | '\\' | '@');
    !user.is_empty()
        && host.contains('.')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && text.len() <= 254
        && !user.contains(odd)
        && !host.contains(odd)
}

/// `+` and 8 to 15 digits (E.164), whatever stands between them.
fn phone(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let fine = text.trim().starts_with('+')
        && (8..=15).contains(&digits.len())
        && text.chars().all(|c| c.is_ascii_digit() || "+-(). ".contains(c));
    fine.then(|| format!("+{digits}"))
}

/// Records a yes with the words that were read, or a no.
pub async fn wish(state: &AppState, claim: &Claim, wish: Wish, words: &Words) -> Result<Result<(), Refused>, Problem> {
    let address = match wish.channel.as_str() {
        _ if !wish.given => None,
        "email" if is_email(wish.address.trim()) => Some(wish.address.trim().to_owned()),
        "email" => return Ok(Err(Refused::Field("email", "write an email address".into()))),
        "sms" => match phone(&wish.address) {
            Some(number) => Some(number),
            None => return Ok(Err(Refused::Field("phone", "write the number with its country code: +1 …".into()))),
        },
        _ => None,
    };
    if !matches!(wish.channel.as_str(), "email" | "sms") {
        return Ok(Err(Refused::Field("channel", "write email or sms".into())));
    }
    let (of, language) = (claim.clone(), words.tag().to_owned());
    let texts = words.clone();
    change(state, &claim.store, &claim.order_id, move |db, info, now| {
        let updates = settings::of(db, &of.store)?.updates;
        let on = if wish.channel == "email" { updates.email } else { updates.sms };
        if !on && wish.given {
            return Ok(Err(Refused::NotNow("the store does not send these".into())));
        }
        let Some(document) = orders::document(db, &of.store, &of.order_id)? else { return Ok(Err(Refused::Unknown)) };
        let read = say(&texts, "care.updates.yes", &[("number", &document.number)]);
        let read = if wish.given { read } else { say(&texts, "care.updates.stop", &[]) };
        let sealed = address.as_deref().map(|a| people::seal_said(info, &of.order_id, a)).transpose()?;
        subscribers::record(db, &of.store, &of.order_id, &wish.channel, sealed.as_deref(), wish.given, &language, &read, now)?;
        if let Some(address) = address.filter(|_| wish.channel == "email") {
            // Whoever ended mails by their link and asks for them again here, at the order's own address, gets them again.
            let hash = people::address_hash(info, "mail", &address);
            let own = people::contact(db, &info.id, &of.order_id)?.and_then(|c| c.email_hash);
            if own.as_ref() == Some(&hash) && people::suppressed(db, &info.id, "mail", &hash)?.as_deref() == Some("unsubscribed")
            {
                people::release(db, &info.id, "mail", &hash)?;
                let yes =
                    people::Consent { channel: "mail", address: &hash, granted: true, source: "order_page", words: Some(&read) };
                people::consent(db, &info.id, &yes, now)?;
            }
        }
        Ok(Ok(()))
    })
    .await
}

/// Says yes or no to being told of an order by email or text message. Each is recorded with the words that were read.
#[utoipa::path(post, path = "/v1/orders/{token}/updates", tag = "care", params(("token" = String, Path, description = "Order token")), request_body = Wish,
    responses((status = 204, description = "Noted"), (status = 401, description = "The token is not valid", body = wire::Problem, content_type = "application/problem+json"), (status = 409, description = "The store does not send these", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "What can't be accepted", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn updates(
    State(state): State<AppState>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Result<Json<Wish>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let claim = claim(&state, &token)?;
    count(&state, &claim)?;
    let words = state.words(&claim.store, &headers).await?;
    wish(&state, &claim, readable(body)?, &words).await??;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = HistoryAsked)]
pub struct Who {
    pub email: String,
}

/// How long the links of a letter are valid.
const LINKS: i64 = 30 * 86_400;

/// Sends the links to an address's orders to that address. Says the same whether or not there are any.
pub async fn send_history(
    state: &AppState,
    store: &str,
    email: &str,
    peer: &str,
    language: &str,
) -> Result<Result<(), Refused>, Problem> {
    let info = state.store_info(store).ok_or_else(Problem::no_store)?;
    let email = email.trim().to_owned();
    if !is_email(&email) {
        return Ok(Err(Refused::Field("email", "write an email address".into())));
    }
    if !state.may_look_up(store, &format!("history {}", email.to_lowercase()), "", peer) {
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many tries: wait a minute"));
    }
    let config = state.config();
    let signing = config.store(store).and_then(|s| s.token_secrets.first()).ok_or_else(Problem::no_store)?;
    let (signing, base) = (signing.expose_secret().to_owned(), state.config().public_url.trim_end_matches('/').to_owned());
    let (now, language, id) = (state.now(), language.to_owned(), store.to_owned());
    state
        .db()
        .write(move |db| {
            if !settings::of(db, &id)?.history.on {
                return Ok(Err(Refused::NotNow("the store does not send these".into())));
            }
            let hash = hash_email(&info.lookup_secret, &email);
            if orders::of_address(db, &id, &hash)?.is_empty() {
                return Ok(Ok(()));
            }
            let url = format!("{base}/history/{}", token::mint_history(&id, &hash, now.0 + LINKS, &signing));
            // One letter an hour, however often it is asked for.
            let values = serde_json::Map::from_iter([("url".to_owned(), url.into())]);
            let letter =
                Letter { to: &email, template: "history", language: &language, values, answers_for: 3600, ..Letter::default() };
            messages::post(db, &info, &letter, now)?;
            Ok(Ok(()))
        })
        .await
        .inspect(|_| state.wake_messages())
        .map_err(Problem::from)
}

/// The page that a letter's link opens: the orders of its address, each with its own link.
pub async fn history_page(State(state): State<AppState>, Path(pass): Path<String>, headers: HeaderMap) -> Response {
    let words = Words::accepted(&headers);
    let now = state.now();
    let config = state.config();
    let claim = match token::verify_history(&pass, |store| config.token_secrets(store), now.0) {
        Ok(claim) => claim,
        Err(e) => {
            let status = if e == token::Invalid::Expired { StatusCode::GONE } else { StatusCode::UNAUTHORIZED };
            return track::refusal(&words, &Problem::new(status, e.to_string()));
        }
    };
    let Some(store) = config.store(&claim.store) else { return track::refusal(&words, &Problem::no_store()) };
    let words = state.words(&claim.store, &headers).await.unwrap_or(words);
    let (id, hash, say_in) = (claim.store.clone(), claim.order_id.clone(), words.clone());
    let found = state.db().read(move |db| {
        if !settings::of(db, &id)?.history.on {
            return Ok(Vec::new());
        }
        let list = orders::of_address(db, &id, &hash)?.into_iter().map(|(order, number)| {
            let document = orders::document(db, &id, &order)?;
            let said = document.map(|d| view::order::sentence(&d, Reader { now, offset: None }, &*say_in)).unwrap_or_default();
            Ok((order, number, said.headline))
        });
        list.collect::<anyhow::Result<Vec<_>>>()
    });
    let list = match found.await {
        Ok(list) => list,
        Err(e) => return track::refusal(&words, &Problem::from(e)),
    };
    let Some(signing) = store.token_secrets.first() else { return track::refusal(&words, &Problem::no_store()) };
    let title = say(&*words, "care.history", &[]);
    let body = html! {
        h1 { (title) }
        ul.history {
            @for (order, number, headline) in &list {
                // Valid as long as the letter's own link: a new letter gives new ones.
                li { a.link href=(format!("/track/{}", token::mint(&claim.store, order, claim.expires_at, signing.expose_secret()))) { (number) } " " (headline) }
            }
        }
    };
    track::page(StatusCode::OK, &words, &title, html! { (store.name) }, body)
}

/// Asks for links to all orders of an email address, which are sent there. The answer never tells whether there are any.
#[utoipa::path(post, path = "/v1/stores/{store}/history", tag = "care", params(("store" = String, Path, description = "The store's public id")), request_body = Who,
    responses((status = 202, description = "If there are orders with this address, the links are on their way"), (status = 409, description = "Switched off", body = wire::Problem, content_type = "application/problem+json"), (status = 422, description = "Not an address", body = wire::Problem, content_type = "application/problem+json"), (status = 429, description = "Too many tries", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn history(
    State(state): State<AppState>,
    Path(store): Path<String>,
    peer: Peer,
    headers: HeaderMap,
    body: Result<Json<Who>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let who = readable(body)?;
    let words = Words::accepted(&headers);
    send_history(&state, &store, &who.email, peer.address(), &words.language()).await??;
    Ok(StatusCode::ACCEPTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers_are_told_from_what_is_none() {
        for good in ["a@b.example", "first.last+tag@sub.example.com"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@b",
            "@b.example",
            "a@.example",
            "a@b.example\r\nBcc: c@d.example",
            "a b@c.example",
            "a@b@c.example",
            "<a@b.example>",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
        assert_eq!(phone("+1 (415) 555-0100").as_deref(), Some("+14155550100"));
        for bad in ["4155550100", "+1", "+1 555 CALL", "+1234567890123456"] {
            assert_eq!(phone(bad), None, "{bad}");
        }
    }
}
