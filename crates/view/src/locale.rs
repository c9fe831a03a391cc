//! What differs by language: texts, plural forms, and how dates and numbers are written.

use std::string::String;

use promise::{Day, Instant};

/// A language's texts and formats. The browser answers from `Intl`, the server from CLDR data.
pub trait Locale {
    /// The text with this key (`order.late`), with `{placeholders}` still in it; a plural text by `key` and category (`delay.days`,
    /// `one`). Absent: not in this language's file.
    fn text(&self, key: &str, plural: Option<&str>) -> Option<String>;
    /// CLDR plural category of a cardinal: `zero`, `one`, `two`, `few`, `many`, `other`.
    fn plural(&self, n: u32) -> String;
    fn number(&self, n: u32) -> String;
    /// "Tue 2 Dec"
    fn day(&self, day: Day) -> String;
    /// "Tue 2 – Thu 4 Dec"
    fn days(&self, from: Day, to: Day) -> String;
    /// "14:12", at a place whose offset from UTC is `offset` minutes.
    fn time(&self, at: Instant, offset: i32) -> String;
    /// "$4.95", from minor units and ISO 4217.
    fn money(&self, minor: i64, currency: &str) -> String;
    /// "tomorrow" for 1 and `day`, "3 hours ago" for -3 and `hour`. Not asked for where the words would stay on a page while time goes on.
    fn relative(&self, n: i64, unit: &str) -> String;
    /// "Germany"
    fn country(&self, code: &str) -> String {
        code.to_owned()
    }
    /// BCP 47.
    fn language(&self) -> String;
}

/// Which way a language is written: `rtl` or `ltr`.
pub fn direction(language: &str) -> &'static str {
    match language.split('-').next().unwrap_or_default() {
        "ar" | "he" | "fa" | "ur" => "rtl",
        _ => "ltr",
    }
}

/// A text with its placeholders filled: for pages and messages that are made of single texts. A missing text is left out: nobody reads keys.
pub fn say(l: &dyn Locale, key: &str, values: &[(&str, &str)]) -> String {
    fill(&l.text(key, None).unwrap_or_default(), values)
}

/// A text in the plural form of `n`, which stands at `{n}`.
pub fn count(l: &dyn Locale, key: &str, n: u32, values: &[(&str, &str)]) -> String {
    let text = l.text(key, Some(&l.plural(n))).or_else(|| l.text(key, Some("other")));
    let n = l.number(n);
    fill(&text.unwrap_or_default(), &[&[("n", n.as_str())], values].concat())
}

/// Two keys' parts as one: `delay.` and `weather`.
pub fn key(group: &str, name: &str) -> String {
    [group, name].concat()
}

/// Replaces `{name}` by its value; by nothing where there is none of this name.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut name: Option<String> = None;
    for c in text.chars() {
        match (&mut name, c) {
            (None, '{') => name = Some(String::new()),
            (Some(name_of), '}') => {
                if let Some((_, value)) = values.iter().find(|v| v.0 == name_of) {
                    filled.push_str(value);
                }
                name = None;
            }
            (Some(name), c) => name.push(c),
            (None, c) => filled.push(c),
        }
    }
    filled
}
