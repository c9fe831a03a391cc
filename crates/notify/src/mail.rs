//! One mail: HTML and its plain twin, with the headers that mailbox providers ask of senders.

use lettre::{
    Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue},
    },
};

/// All of a mail but how it travels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// Stable: the same message has the same id, however often it is tried.
    pub id: String,
    /// `Fjord & Fern <orders@shop.example>`
    pub from: String,
    pub reply_to: Option<String>,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// BCP 47.
    pub language: String,
    /// Where one click ends these mails (RFC 8058); absent where there is nothing to end, as for a link that was asked for.
    pub unsubscribe: Option<String>,
    /// Unix seconds.
    pub made_at: i64,
}

/// Why a mail can't be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Unwritable {
    pub field: &'static str,
    pub message: String,
}

/// An address as mail has it: `Name <name@shop.example>` or the address alone.
pub fn mailbox(field: &'static str, text: &str) -> Result<Mailbox, Unwritable> {
    text.trim().parse().map_err(|e| Unwritable { field, message: format!("not a mail address ({e})") })
}

/// Whether a text may be an address to write to: no display name, no line breaks, one `@`.
pub fn is_address(text: &str) -> bool {
    text.len() <= 254 && text.parse::<lettre::Address>().is_ok()
}

impl Mail {
    /// The message, ready to be sent.
    pub fn message(&self) -> Result<Message, Unwritable> {
        let from = mailbox("from", &self.from)?;
        let to: lettre::Address =
            self.to.trim().parse().map_err(|e| Unwritable { field: "to", message: format!("not a mail address ({e})") })?;
        let domain = from.email.domain().to_owned();
        let date = std::time::UNIX_EPOCH + std::time::Duration::from_secs(self.made_at.max(0).unsigned_abs());
        let mut message = Message::builder()
            .from(from)
            .to(Mailbox::new(None, to))
            .subject(one_line(&self.subject))
            .date(date)
            .message_id(Some(format!("<{}@{domain}>", self.id)));
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(mailbox("reply_to", reply_to)?);
        }
        let raw = |name: &'static str, value: String| HeaderValue::new(HeaderName::new_from_ascii_str(name), value);
        // Out-of-office answers and such are for people, not for us (RFC 3834).
        message = message.raw_header(raw("Auto-Submitted", "auto-generated".into()));
        if !self.language.is_empty() {
            message = message.raw_header(raw("Content-Language", one_line(&self.language)));
        }
        if let Some(url) = &self.unsubscribe {
            message = message.raw_header(raw("List-Unsubscribe", format!("<{}>", one_line(url))));
            message = message.raw_header(raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".into()));
        }
        // Quoted-printable whatever is in it: relays without 8BITMIME take it, lines stay short, and text stays legible.
        let part = |kind: ContentType, body: &str| {
            SinglePart::builder().header(kind).header(ContentTransferEncoding::QuotedPrintable).body(body.to_owned())
        };
        let both = MultiPart::alternative()
            .singlepart(part(ContentType::TEXT_PLAIN, &self.text))
            .singlepart(part(ContentType::TEXT_HTML, &self.html));
        message.multipart(both).map_err(|e| Unwritable { field: "mail", message: e.to_string() })
    }
}

/// Header values are one line: what follows a line break would be a header of its own.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            id: "m1".into(),
            from: "Fjord & Fern <orders@shop.example>".into(),
            to: "ada@example.com".into(),
            subject: "Zugestellt: Bestellung #1\r\nBcc: eve@example.com".into(),
            text: "Grüße".into(),
            html: "<p>Grüße</p>".into(),
            language: "de".into(),
            unsubscribe: Some("https://w.example/messages/stop/x".into()),
            ..Mail::default()
        }
    }

    #[test]
    fn a_mail_has_both_forms_one_click_and_a_stable_id() {
        let text = String::from_utf8(mail().message().unwrap().formatted()).unwrap();
        for line in [
            "Message-ID: <m1@shop.example>",
            "List-Unsubscribe: <https://w.example/messages/stop/x>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            "Auto-Submitted: auto-generated",
            "Content-Language: de",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        assert!(text.contains("text/plain") && text.contains("text/html") && text.contains("Gr=C3=BC=C3=9Fe"), "{text}");
        assert!(text.is_ascii() && text.lines().all(|l| l.len() <= 998));
    }

    #[test]
    fn no_header_can_be_smuggled_in() {
        let text = String::from_utf8(mail().message().unwrap().formatted()).unwrap();
        assert!(!text.lines().any(|l| l.starts_with("Bcc:")), "{text}");
        for to in
            ["", "ada", "ada@example.com\r\nBcc: eve@example.com", "ada@example.com, eve@example.com", "Ada <ada@example.com>"]
        {
            assert!(Mail { to: to.into(), ..mail() }.message().is_err(), "{to:?}");
            assert!(!is_address(to), "{to:?}");
        }
        assert!(is_address("ada@example.com"));
    }
}
