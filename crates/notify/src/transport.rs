//! How mail leaves: by a relay, into a folder, or into memory for tests.

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use reqwest::Url;

use crate::{Outcome, mail::Mail, smtp::Smtp};

/// Sends mails. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Mailer {
    /// No mail is sent.
    Off,
    Smtp(Arc<Smtp>),
    /// One `.eml` file a mail, named by its id.
    Folder(PathBuf),
    Memory(Arc<Mutex<Vec<Mail>>>),
}

impl Mailer {
    /// By address: `smtp://`, `smtps://`, `file:///folder`, `memory:`; empty: off.
    pub fn new(url: &str) -> Result<Mailer, String> {
        if url.is_empty() {
            return Ok(Mailer::Off);
        }
        let url = Url::parse(url).map_err(|e| format!("not an address: {e}"))?;
        match url.scheme() {
            "smtp" | "smtps" => Ok(Mailer::Smtp(Arc::new(Smtp::new(&url)?))),
            "file" => Ok(Mailer::Folder(url.to_file_path().map_err(|()| "write file:///folder")?)),
            "memory" => Ok(Mailer::Memory(Arc::default())),
            _ => Err("use smtp://, smtps:// or file:///".into()),
        }
    }

    pub fn is_off(&self) -> bool {
        matches!(self, Mailer::Off)
    }

    /// Whether the same mail, handed over twice, is there once.
    pub fn deduplicates(&self) -> bool {
        !matches!(self, Mailer::Smtp(_))
    }

    /// Whether mails stay on this machine, as they do in trials.
    pub fn is_folder(&self) -> bool {
        matches!(self, Mailer::Folder(_))
    }

    /// A mail that went into a folder, as it can be read there; nothing where it is not there, or went elsewhere.
    pub async fn letter(&self, id: &str) -> Option<Letter> {
        let Mailer::Folder(folder) = self else { return None };
        let bytes = tokio::fs::read(folder.join(format!("{}.eml", file_name(id)))).await.ok()?;
        let read = mail_parser::MessageParser::default().parse(&bytes)?;
        let address = |a: Option<&mail_parser::Address>| {
            let found = a.and_then(|a| a.first());
            found.and_then(|a| a.address()).unwrap_or_default().to_owned()
        };
        let name = read.from().and_then(|a| a.first()).and_then(|a| a.name());
        let from = name.map_or_else(|| address(read.from()), |name| format!("{name} <{}>", address(read.from())));
        Some(Letter {
            from,
            to: address(read.to()),
            subject: read.subject().unwrap_or_default().to_owned(),
            text: read.body_text(0).unwrap_or_default().into_owned(),
            html: read.body_html(0).unwrap_or_default().into_owned(),
            one_click: read.header_raw("List-Unsubscribe-Post").is_some(),
        })
    }

    /// What has been sent, where it went into memory.
    pub fn sent(&self) -> Vec<Mail> {
        match self {
            Mailer::Memory(sent) => sent.lock().unwrap_or_else(|e| e.into_inner()).clone(),
            _ => Vec::new(),
        }
    }

    /// Whether it works: what `doctor` asks.
    pub async fn check(&self) -> Result<(), String> {
        match self {
            Mailer::Smtp(smtp) => smtp.check().await,
            Mailer::Folder(folder) => match tokio::fs::metadata(folder).await {
                Ok(m) if m.is_dir() => Ok(()),
                Ok(_) => Err(format!("{} is no folder", folder.display())),
                Err(e) => Err(format!("{}: {e}", folder.display())),
            },
            Mailer::Off | Mailer::Memory(_) => Ok(()),
        }
    }

    /// Sends one mail. `point_of_no_return`: see [`Smtp::send`].
    pub async fn send(&self, mail: &Mail, point_of_no_return: impl Future<Output = Result<(), String>>) -> Outcome {
        let message = match mail.message() {
            Ok(message) => message,
            Err(e) => return Outcome::Refused(e.to_string(), e.field == "to"),
        };
        if let Mailer::Smtp(smtp) = self {
            return smtp.send(&message, point_of_no_return).await;
        }
        if let Err(error) = point_of_no_return.await {
            return Outcome::Later(error, None);
        }
        match self {
            Mailer::Folder(folder) => match write(folder, &mail.id, &message.formatted()).await {
                Ok(()) => Outcome::Sent(None),
                Err(e) => Outcome::Later(format!("{}: {e}", folder.display()), None),
            },
            Mailer::Memory(sent) => {
                let mut sent = sent.lock().unwrap_or_else(|e| e.into_inner());
                if !sent.iter().any(|m| m.id == mail.id) {
                    sent.push(mail.clone());
                }
                Outcome::Sent(None)
            }
            Mailer::Off | Mailer::Smtp(_) => Outcome::Refused("no mail transport is configured".into(), false),
        }
    }
}

/// A mail as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    pub from: String,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// Whether a mailbox offers to end these mails by one click.
    pub one_click: bool,
}

/// An id as the name of a file: no path, whatever it holds.
fn file_name(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect()
}

/// Whole or not at all, and once: the name is the mail's id.
async fn write(folder: &Path, id: &str, bytes: &[u8]) -> std::io::Result<()> {
    let name = file_name(id);
    let half = folder.join(format!(".{name}.part"));
    tokio::fs::write(&half, bytes).await?;
    tokio::fs::rename(&half, folder.join(format!("{name}.eml"))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_holds_each_mail_once() {
        let folder = std::env::temp_dir().join(format!("whereabouts-mails-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mailer = Mailer::new(&format!("file://{}", folder.display())).unwrap();
        let mail = Mail {
            id: "m/../1".into(),
            from: "Fjörd & Fern <shop@shop.example>".into(),
            to: "ada@example.com".into(),
            subject: "Zugestellt: Größe 3 – 5".into(),
            text: "Grüße".into(),
            html: "<p>Grüße = &lt;Ada&gt;</p>".into(),
            unsubscribe: Some("https://w.example/stop/x".into()),
            ..Mail::default()
        };
        for _ in 0..2 {
            assert_eq!(mailer.send(&mail, async { Ok(()) }).await, Outcome::Sent(None));
        }
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        assert!(folder.join("m1.eml").exists());
        let read = mailer.letter("m/../1").await.unwrap();
        assert_eq!((read.subject, read.text.trim(), read.html.trim()), (mail.subject.clone(), "Grüße", mail.html.as_str()));
        assert_eq!(
            (read.from.as_str(), read.to.as_str(), read.one_click),
            ("Fjörd & Fern <shop@shop.example>", "ada@example.com", true)
        );
        assert_eq!(mailer.letter("../m1").await.map(|l| l.to), Some("ada@example.com".into()), "never out of the folder");
        assert_eq!(mailer.letter("m2").await, None);
        std::fs::remove_dir_all(&folder).unwrap();
        let gone = mailer.send(&mail, async { Ok(()) }).await;
        assert!(matches!(gone, Outcome::Later(..)), "{gone:?}");
        assert!(mailer.check().await.is_err());
    }

    #[test]
    fn odd_addresses_are_refused() {
        for odd in ["relay.example", "http://relay.example", "smtp://", "file://relay/x"] {
            assert!(Mailer::new(odd).is_err(), "{odd}");
        }
        assert!(Mailer::new("").unwrap().is_off());
    }
}
