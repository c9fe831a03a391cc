//! How a mail looks: one layout for all, as tables for old mail programs, with a dark form, readable from right to left, and its plain
//! twin.

use std::sync::LazyLock;

use minijinja::{Environment, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;

/// What stands in a mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Page {
    /// BCP 47.
    pub language: String,
    pub store: Sender,
    pub subject: String,
    /// What mail programs show beside the subject.
    pub preheader: String,
    pub headline: String,
    /// `plain`, `good`, `warning`: the headline's mark.
    pub tone: &'static str,
    /// Above all else: that it is a test, for one.
    pub note: Option<String>,
    pub paragraphs: Vec<String>,
    pub parcels: Vec<Parcel>,
    /// The first one is the main one.
    pub buttons: Vec<Link>,
    pub footer: Vec<String>,
    pub links: Vec<Link>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sender {
    pub name: String,
    pub url: Option<String>,
    /// `#1f6f54`
    pub accent: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Parcel {
    pub title: String,
    pub lines: Vec<String>,
    pub items: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Link {
    pub text: String,
    pub url: String,
}

/// The accent of stores that name none.
pub const ACCENT: &str = "#1f6f54";

static LAYOUT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    // As the engine's own, but for slashes: addresses stay legible.
    environment.set_formatter(|out, _, value| match value {
        value if value.is_undefined() || value.is_none() => Ok(()),
        value => out.write_str(&escaped(&value.to_string())).map_err(Into::into),
    });
    // Its source is part of the program: a test renders it.
    let _ = environment.add_template("mail.html", include_str!("../templates/mail.html"));
    environment
});

/// A text as it may stand in HTML, between tags and in quoted attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Whether a text is a colour as mails may have it.
pub fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl Page {
    /// The HTML form.
    pub fn html(&self) -> Result<String, minijinja::Error> {
        #[derive(Serialize)]
        struct Context<'a> {
            #[serde(flatten)]
            page: &'a Page,
            dir: &'static str,
            start: &'static str,
            accent: &'a str,
            on_accent: &'static str,
        }
        let dir = view::direction(&self.language);
        let accent = if is_colour(&self.store.accent) { &self.store.accent } else { ACCENT };
        let start = if dir == "rtl" { "right" } else { "left" };
        let context = Context { page: self, dir, start, accent, on_accent: ink_on(accent) };
        LAYOUT.get_template("mail.html")?.render(Serde(context))
    }

    /// The plain twin: the same, for programs and people that want text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut block = |lines: &[&str]| {
            let lines: Vec<&str> = lines.iter().copied().filter(|l| !l.is_empty()).collect();
            if !lines.is_empty() {
                text.push_str(&lines.join("\n"));
                text.push_str("\n\n");
            }
        };
        block(&[self.note.as_deref().unwrap_or_default()]);
        block(&[&self.headline]);
        for p in &self.paragraphs {
            block(&[p]);
        }
        for parcel in &self.parcels {
            let items: Vec<String> = parcel.items.iter().map(|i| format!("- {i}")).collect();
            let mut lines: Vec<&str> = vec![&parcel.title];
            lines.extend(parcel.lines.iter().map(String::as_str));
            lines.extend(items.iter().map(String::as_str));
            block(&lines);
        }
        for button in &self.buttons {
            block(&[&format!("{}:", button.text), &button.url]);
        }
        block(&["-- "]);
        block(&self.footer.iter().map(String::as_str).collect::<Vec<_>>());
        for link in &self.links {
            block(&[&format!("{}: {}", link.text, link.url)]);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }
}

/// Black or white, whichever is easier to read on a colour (WCAG's relative luminance).
fn ink_on(colour: &str) -> &'static str {
    let channel = |n: usize| {
        let value = colour.get(n..n + 2).and_then(|h| u8::from_str_radix(h, 16).ok()).unwrap_or_default();
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
    if luminance > 0.179 { "#000000" } else { "#ffffff" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        Page {
            language: "en".into(),
            store: Sender { name: "Fjord & <Fern>".into(), url: Some("https://shop.example".into()), accent: "red; }".into() },
            subject: "s".into(),
            preheader: "p".into(),
            headline: "<h>".into(),
            tone: "good",
            paragraphs: vec!["One".into()],
            parcels: vec![Parcel { title: "T".into(), lines: vec!["L".into()], items: vec!["2 × Mug".into()] }],
            buttons: vec![Link { text: "Track".into(), url: "https://w.example/\"x".into() }],
            footer: vec!["Why".into()],
            links: vec![Link { text: "Stop".into(), url: "https://w.example/stop".into() }],
            ..Page::default()
        }
    }

    #[test]
    fn all_that_comes_from_outside_is_escaped() {
        let html = page().html().unwrap();
        assert!(html.contains("Fjord &amp; &lt;Fern&gt;") && html.contains("&lt;h&gt;"), "{html}");
        assert!(!html.contains("red;") && html.contains(ACCENT), "a colour that is none is not used");
        assert!(!html.contains("/\"x"));
    }

    #[test]
    fn the_direction_follows_the_language() {
        let html = Page { language: "ar".into(), ..page() }.html().unwrap();
        assert!(html.contains("dir=\"rtl\"") && html.contains("lang=\"ar\"") && html.contains("align=\"right\""));
        assert!(page().html().unwrap().contains("dir=\"ltr\""));
    }

    #[test]
    fn the_plain_twin_says_the_same() {
        assert_eq!(
            page().text(),
            "<h>\n\nOne\n\nT\nL\n- 2 × Mug\n\nTrack:\nhttps://w.example/\"x\n\n-- \n\nWhy\n\nStop: https://w.example/stop\n"
        );
    }

    #[test]
    fn ink_can_be_read_on_any_accent() {
        assert_eq!((ink_on("#ffff00"), ink_on("#1f6f54"), ink_on("#000000")), ("#000000", "#ffffff", "#ffffff"));
    }
}
