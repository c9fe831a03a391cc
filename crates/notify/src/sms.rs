//! SMS by a provider's HTTP interface: Twilio's, or a plain one that most gateways can be taught.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use sha1::Sha1;

use crate::{Outcome, hook};

/// A store's account with a provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// `twilio`, or `generic`: JSON `{"id","to","from","text"}` with `Authorization: Bearer`.
    pub provider: String,
    /// Twilio's account id; not for `generic`.
    #[serde(default)]
    pub account: String,
    /// Twilio's auth token, or the bearer token.
    pub token: SecretString,
    /// The sender's number or name; for Twilio a messaging service's id (`MG…`) too.
    pub from: String,
    /// Where a generic provider listens; another address of Twilio's.
    #[serde(default)]
    pub url: Option<String>,
}

/// Segments of an SMS that are paid for one by one: what is longer is cut.
const MOST_CHARACTERS: usize = 640;

impl Account {
    /// What is wrong with it.
    pub fn wrong(&self) -> Option<(&'static str, &'static str)> {
        match self.provider.as_str() {
            "twilio" if self.account.is_empty() || !self.account.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                Some(("account", "Twilio's account id (AC…)"))
            }
            "generic" if self.url.is_none() => Some(("url", "where the provider listens")),
            "twilio" | "generic" if self.token.expose_secret().is_empty() => Some(("token", "the provider's token")),
            "twilio" | "generic" if self.from.is_empty() => Some(("from", "the number or name that messages come from")),
            "twilio" | "generic" => None,
            _ => Some(("provider", "twilio or generic")),
        }
    }

    /// Where messages go to.
    pub fn endpoint(&self) -> String {
        match (self.provider.as_str(), &self.url) {
            ("twilio", url) => {
                let base = url.as_deref().unwrap_or("https://api.twilio.com").trim_end_matches('/');
                format!("{base}/2010-04-01/Accounts/{}/Messages.json", self.account)
            }
            (_, url) => url.clone().unwrap_or_default(),
        }
    }

    /// Whether a message that is sent twice with one id arrives once: the generic interface asks for that, Twilio's has no way to.
    pub fn deduplicates(&self) -> bool {
        self.provider == "generic"
    }

    /// Sends a text. `status_url`: where Twilio says what became of it.
    pub async fn send(&self, client: &reqwest::Client, id: &str, to: &str, text: &str, status_url: Option<&str>) -> Outcome {
        let text: String = text.chars().take(MOST_CHARACTERS).collect();
        if self.provider != "twilio" {
            let request = client
                .post(self.endpoint())
                .bearer_auth(self.token.expose_secret())
                .header("idempotency-key", id)
                .json(&json!({"id": id, "to": to, "from": self.from, "text": text}));
            let (outcome, body) = hook::answered(request.send().await).await;
            return match outcome {
                Outcome::Sent(_) => Outcome::Sent(said(&body, "id")),
                other => other,
            };
        }
        let sender = if self.from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        let mut form = vec![("To", to), (sender, &self.from), ("Body", &text)];
        form.extend(status_url.map(|url| ("StatusCallback", url)));
        let request = client.post(self.endpoint()).basic_auth(&self.account, Some(self.token.expose_secret())).form(&form);
        let (outcome, body) = hook::answered(request.send().await).await;
        match outcome {
            Outcome::Sent(_) => Outcome::Sent(said(&body, "sid")),
            Outcome::Refused(error, _) => {
                let code = body.get("code").and_then(Value::as_i64).unwrap_or_default();
                let message = said(&body, "message").unwrap_or_default();
                Outcome::Refused(format!("{error}: {code} {message}").trim().to_owned(), gone(code))
            }
            other => other,
        }
    }
}

fn said(body: &Value, field: &str) -> Option<String> {
    body.get(field).and_then(Value::as_str).map(|t| t.chars().take(200).collect())
}

/// Twilio's codes for a number that is not there, can't take SMS, or has said STOP.
pub fn gone(code: i64) -> bool {
    matches!(code, 21211 | 21214 | 21217 | 21610 | 21612 | 21614 | 30003 | 30005 | 30006)
}

/// A number as it is dialled from anywhere: `+` and up to 15 digits (E.164). A number without country code is read in the country's way
/// where that is simple, else it is none: a wrong guess would reach a stranger.
pub fn number(text: &str, country: Option<&str>) -> Option<String> {
    let text = text.trim();
    if text.chars().any(|c| !(c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.' | '/'))) {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let international = if text.starts_with('+') { Some(digits.clone()) } else { digits.strip_prefix("00").map(str::to_owned) };
    let full = match international {
        Some(full) => full,
        None => {
            let (code, trunk, lengths): (&str, &str, std::ops::RangeInclusive<usize>) =
                match country?.to_ascii_uppercase().as_str() {
                    "US" | "CA" | "PR" => ("1", "1", 10..=10),
                    "GB" => ("44", "0", 9..=10),
                    "DE" => ("49", "0", 9..=11),
                    "FR" => ("33", "0", 9..=9),
                    "NL" => ("31", "0", 9..=9),
                    "BE" => ("32", "0", 8..=9),
                    "AT" => ("43", "0", 9..=12),
                    "CH" => ("41", "0", 9..=9),
                    "SE" => ("46", "0", 7..=9),
                    "AU" => ("61", "0", 9..=9),
                    "NZ" => ("64", "0", 8..=10),
                    "JP" => ("81", "0", 9..=10),
                    "KR" => ("82", "0", 8..=10),
                    "IL" => ("972", "0", 8..=9),
                    "ES" => ("34", "", 9..=9),
                    "DK" => ("45", "", 8..=8),
                    "PL" => ("48", "", 9..=9),
                    "PT" => ("351", "", 9..=9),
                    _ => return None,
                };
            let rest = if trunk.is_empty() { digits.as_str() } else { digits.strip_prefix(trunk).unwrap_or(&digits) };
            // Without the trunk prefix, as `555 0100`, it is not clear that the area is in it.
            if !lengths.contains(&rest.len()) {
                return None;
            }
            format!("{code}{rest}")
        }
    };
    ((8..=15).contains(&full.len()) && !full.starts_with('0')).then(|| format!("+{full}"))
}

/// Whether a request comes from Twilio: `X-Twilio-Signature` is the HMAC-SHA1 of the address it was sent to and the form's fields in order.
pub fn genuine(token: &str, url: &str, form: &BTreeMap<String, String>, signature: &str) -> bool {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.as_bytes()) else { return false };
    mac.update(url.as_bytes());
    for (name, value) in form {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    BASE64.decode(signature).is_ok_and(|given| mac.verify_slice(&given).is_ok())
}

/// What somebody answers to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Stop,
    Start,
    Other,
}

/// The words that end and resume messages: those of the CTIA and of Twilio, and the same in our languages.
pub fn answer(text: &str) -> Answer {
    let word: String = text.trim().trim_end_matches(['.', '!']).to_uppercase();
    match word.as_str() {
        "STOP" | "STOPALL" | "STOP ALL" | "UNSUBSCRIBE" | "CANCEL" | "END" | "QUIT" | "OPTOUT" | "REVOKE" | "STOPP" | "ARRET"
        | "ARRÊT" | "ALTO" | "BAJA" | "PARAR" | "SAIR" | "BASTA" | "AFMELDEN" | "AVSLUTA" | "停止" | "退订" | "수신거부"
        | "توقف" | "הסר" => Answer::Stop,
        "START" | "UNSTOP" | "YES" | "RESUME" => Answer::Start,
        _ => Answer::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_where_they_can_be() {
        for (text, country, expected) in [
            ("+1 (415) 555-0100", None, Some("+14155550100")),
            ("0049 170 1234567", None, Some("+491701234567")),
            ("415-555-0100", Some("US"), Some("+14155550100")),
            ("1 415 555 0100", Some("us"), Some("+14155550100")),
            ("0170 1234567", Some("DE"), Some("+491701234567")),
            ("612 345 678", Some("ES"), Some("+34612345678")),
            ("555-0100", Some("US"), None),
            ("0170 1234567", None, None),
            ("0170 1234567", Some("ZZ"), None),
            ("+1", None, None),
            ("+12345678901234567", None, None),
            ("ada@example.com", Some("US"), None),
            ("+1415555\n0100", None, None),
            ("", Some("US"), None),
        ] {
            assert_eq!(number(text, country).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn twilios_own_example_is_genuine() {
        // From Twilio's documentation of request validation.
        let form: BTreeMap<String, String> = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675310"),
            ("Digits", "1234"),
            ("From", "+14158675310"),
            ("To", "+18005551212"),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        assert!(genuine("12345", url, &form, "GvWf1cFY/Q7PnoempGyD5oXAezc="));
        assert!(
            !genuine("12346", url, &form, "GvWf1cFY/Q7PnoempGyD5oXAezc=")
                && !genuine("12345", url, &form, "")
                && !genuine("12345", url, &form, "!!")
        );
    }

    #[test]
    fn stop_is_understood() {
        for stop in ["STOP", " stop ", "Stop.", "arrêt", "停止"] {
            assert_eq!(answer(stop), Answer::Stop, "{stop}");
        }
        assert_eq!(answer("start"), Answer::Start);
        assert_eq!(answer("Please stop by"), Answer::Other);
    }
}
