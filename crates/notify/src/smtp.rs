//! SMTP in two steps: up to the recipient, and from the content on. What fails in the first was not sent and is tried again; after
//! the second has begun, only the server knows. SMTP has no way to say "the same as before", so whoever calls writes down between the
//! two that the content is about to go.

use std::{future::Future, time::Duration};

use lettre::{
    Message,
    transport::smtp::{
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Noop, Rcpt, Rset},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::Mutex, time::timeout};

use crate::Outcome;

const TIMEOUT: Duration = Duration::from_secs(30);
/// RFC 5321, 4.5.3.2.6: a server may take its time to accept a message that it has.
const LAST_TIMEOUT: Duration = Duration::from_secs(600);
/// Connections kept open.
const IDLE: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tls {
    /// From the first byte.
    Implicit,
    /// STARTTLS, or nothing is sent.
    Required,
    /// In clear: loopback, or told so.
    None,
}

/// A relay.
pub struct Smtp {
    host: String,
    port: u16,
    tls: Tls,
    login: Option<(String, SecretString)>,
    idle: Mutex<Vec<AsyncSmtpConnection>>,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Smtp({}:{})", self.host, self.port)
    }
}

impl Smtp {
    /// `smtps://user:password@relay.example` (TLS from the first byte) or `smtp://…` (STARTTLS, which must be there unless the relay is on
    /// this machine, or the address ends in `?tls=none`).
    pub fn new(url: &Url) -> Result<Smtp, String> {
        let host = url.host_str().filter(|h| !h.is_empty()).ok_or("the address has no host")?.trim_matches(['[', ']']).to_owned();
        let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let clear = url.query_pairs().any(|(k, v)| k == "tls" && v == "none");
        let (tls, port) = match (url.scheme(), local || clear) {
            ("smtps", _) => (Tls::Implicit, 465),
            ("smtp", true) => (Tls::None, 25),
            ("smtp", false) => (Tls::Required, 587),
            _ => return Err("use smtp:// or smtps://".into()),
        };
        let decoded = |text: &str| percent_decoded(text).ok_or("user or password: % must be written %25");
        let login = match (url.username(), url.password()) {
            ("", _) => None,
            (user, password) => Some((decoded(user)?, SecretString::from(decoded(password.unwrap_or_default())?))),
        };
        Ok(Smtp { host, port: url.port().unwrap_or(port), tls, login, idle: Mutex::default() })
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, String> {
        let name = ClientId::default();
        let tls = || TlsParameters::new_rustls(self.host.clone());
        let implicit = (self.tls == Tls::Implicit).then(tls).transpose().map_err(said)?;
        let to = (self.host.as_str(), self.port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(to, Some(TIMEOUT), &name, implicit, None).await.map_err(said)?;
        if self.tls == Tls::Required {
            connection.starttls(tls().map_err(said)?, &name).await.map_err(said)?;
        }
        if let Some((user, password)) = &self.login {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await.map_err(said)?;
        }
        Ok(connection)
    }

    /// Whether the relay answers, and takes our login.
    pub async fn check(&self) -> Result<(), String> {
        let work = async {
            let mut connection = self.connect().await?;
            connection.command(Noop).await.map_err(said)?;
            let _ = connection.quit().await;
            Ok(())
        };
        timeout(TIMEOUT, work).await.map_err(|_| "no answer in time".to_owned())?
    }

    /// Sends a message. `point_of_no_return` is awaited once the relay has taken the recipient and waits for the content; where that fails,
    /// nothing is sent.
    pub async fn send(&self, message: &Message, point_of_no_return: impl Future<Output = Result<(), String>>) -> Outcome {
        let mut connection = match timeout(TIMEOUT * 2, self.ready(message)).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(outcome)) => return outcome,
            Err(_) => return Outcome::Later("no answer in time".into(), None),
        };
        match timeout(TIMEOUT, connection.command(Data)).await {
            Ok(Ok(_)) => {}
            Ok(Err(e)) => return failed(&e, false),
            Err(_) => return Outcome::Later("no answer in time".into(), None),
        }
        // The relay waits for the content; a connection that is dropped here has sent nothing.
        if let Err(error) = point_of_no_return.await {
            return Outcome::Later(error, None);
        }
        match timeout(LAST_TIMEOUT, connection.message(&message.formatted())).await {
            Ok(Ok(answer)) => {
                let mut idle = self.idle.lock().await;
                if idle.len() < IDLE {
                    idle.push(connection);
                }
                Outcome::Sent(answer.first_line().map(|l| l.chars().take(200).collect()))
            }
            // An answer, whatever it says, is certain.
            Ok(Err(e)) if e.status().is_some() => failed(&e, false),
            Ok(Err(e)) => Outcome::Unknown(said(e)),
            Err(_) => Outcome::Unknown("the relay took the content and did not answer".into()),
        }
    }

    /// A connection that has taken sender and recipient.
    async fn ready(&self, message: &Message) -> Result<AsyncSmtpConnection, Outcome> {
        let envelope = message.envelope();
        let mut fresh = self.idle.lock().await.pop();
        if let Some(kept) = &mut fresh
            && kept.command(Rset).await.is_err()
        {
            // The relay closed it meanwhile.
            fresh = None;
        }
        let mut connection = match fresh {
            Some(kept) => kept,
            None => self.connect().await.map_err(|e| Outcome::Later(e, None))?,
        };
        let mut options = Vec::new();
        if !envelope.to().iter().chain(envelope.from()).all(|a| AsRef::<str>::as_ref(a).is_ascii()) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Outcome::Refused("the relay takes no addresses beyond ASCII (SMTPUTF8)".into(), false));
            }
            options.push(MailParameter::SmtpUtfEight);
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        connection.command(Mail::new(envelope.from().cloned(), options)).await.map_err(|e| failed(&e, false))?;
        for to in envelope.to() {
            // What is refused for good at this point is the address.
            connection.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(|e| failed(&e, true))?;
        }
        Ok(connection)
    }
}

/// A failure before the content, or an answer to it.
fn failed(e: &lettre::transport::smtp::Error, recipient: bool) -> Outcome {
    let text = said(e);
    if e.is_permanent() {
        // 5.1.x, 5.2.1: the mailbox; 5.7.x is about policy, and the address may be fine.
        let about_policy = text.contains("5.7.");
        let no_mailbox = text.contains("5.1.1") || text.contains("5.1.10") || text.contains("5.2.1");
        Outcome::Refused(text, (recipient && !about_policy) || no_mailbox)
    } else {
        Outcome::Later(text, None)
    }
}

/// An error with its causes, in one line.
fn said(e: impl std::error::Error) -> String {
    let mut text = e.to_string();
    let mut cause = e.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(tail.get(..2)?).ok()?, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_in_clear_stays_on_this_machine_unless_told_so() {
        let tls = |url: &str| Smtp::new(&Url::parse(url).unwrap()).map(|s| (s.tls, s.port));
        assert_eq!(tls("smtps://relay.example"), Ok((Tls::Implicit, 465)));
        assert_eq!(tls("smtp://relay.example"), Ok((Tls::Required, 587)));
        assert_eq!(tls("smtp://relay.example:25"), Ok((Tls::Required, 25)));
        assert_eq!(tls("smtp://relay.example:25?tls=none"), Ok((Tls::None, 25)));
        assert_eq!(tls("smtp://127.0.0.1:2525"), Ok((Tls::None, 2525)));
        assert!(tls("http://relay.example").is_err());
        let smtp = Smtp::new(&Url::parse("smtps://ada%40shop:p%25w@relay.example").unwrap()).unwrap();
        let (user, password) = smtp.login.as_ref().unwrap();
        assert_eq!((user.as_str(), password.expose_secret()), ("ada@shop", "p%w"));
        assert!(!format!("{smtp:?}").contains("p%w"));
    }
}
