//! The texts of messages, one file a language (`www/i18n/notices`).

use std::{collections::HashMap, sync::LazyLock};

use promise::{Day, Instant};
use rust_embed::Embed;
use serde_json::{Map, Value};
use view::Locale;

#[derive(Embed)]
#[folder = "../../www/i18n/notices"]
struct Files;

/// By language; English is always there.
static TEXTS: LazyLock<HashMap<String, Map<String, Value>>> = LazyLock::new(|| {
    let read = |file: &str| serde_json::from_slice(&Files::get(file)?.data).ok();
    Files::iter().filter_map(|file| Some((file.strip_suffix(".json")?.to_owned(), read(&file)?))).collect()
});

/// Languages that there are texts in.
pub fn languages() -> Vec<&'static str> {
    let mut all: Vec<&str> = TEXTS.keys().map(String::as_str).collect();
    all.sort_unstable();
    all
}

/// Our own language for a wish: `pt-BR` is `pt`, `tlh` is English.
pub fn language(wish: &str) -> &'static str {
    let base = wish.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    // Tags of old, as some platforms still write them.
    let base = if base == "iw" { "he" } else { base.as_str() };
    TEXTS.get_key_value(base).map_or("en", |(language, _)| language)
}

/// A language's texts of messages, before those of `formats`, which writes dates and numbers.
pub struct Texts<'a> {
    texts: Option<&'static Map<String, Value>>,
    formats: &'a dyn Locale,
}

impl<'a> Texts<'a> {
    pub fn new(formats: &'a dyn Locale) -> Texts<'a> {
        Texts { texts: TEXTS.get(language(&formats.language())), formats }
    }
}

impl Locale for Texts<'_> {
    fn text(&self, key: &str, plural: Option<&str>) -> Option<String> {
        let own = |texts: &Map<String, Value>| {
            let found = texts.get(key)?;
            plural.map_or(Some(found), |category| found.get(category))?.as_str().map(str::to_owned)
        };
        self.texts.and_then(own).or_else(|| self.formats.text(key, plural))
    }

    fn plural(&self, n: u32) -> String {
        self.formats.plural(n)
    }

    fn number(&self, n: u32) -> String {
        self.formats.number(n)
    }

    fn day(&self, day: Day) -> String {
        self.formats.day(day)
    }

    fn days(&self, from: Day, to: Day) -> String {
        if from == to { self.day(to) } else { self.formats.days(from, to) }
    }

    fn time(&self, at: Instant, offset: i32) -> String {
        self.formats.time(at, offset)
    }

    fn money(&self, minor: i64, currency: &str) -> String {
        self.formats.money(minor, currency)
    }

    /// A mail is read tomorrow too.
    fn relative(&self, n: i64, _: &str) -> String {
        n.to_string()
    }

    fn language(&self) -> String {
        self.formats.language()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
    }

    #[test]
    fn every_language_says_everything() {
        let english = &TEXTS["en"];
        assert_eq!(TEXTS.len(), 15, "{:?}", TEXTS.keys());
        for (language, texts) in TEXTS.iter() {
            assert_eq!(texts.keys().collect::<BTreeSet<_>>(), english.keys().collect::<BTreeSet<_>>(), "{language}");
            for (key, text) in texts {
                let (ours, theirs) = (english[key].as_str().unwrap(), text.as_str().unwrap());
                assert_eq!(placeholders(theirs), placeholders(ours), "{language}: {key}");
                assert!(!theirs.trim().is_empty() && !theirs.contains(['!', '！', '<', '&']), "{language}: {key}: {theirs}");
                assert!(language == "en" || theirs != ours || theirs.len() < 9, "{language}: {key} is not translated");
                assert!(!key.ends_with(".subject") || theirs.chars().count() < 80, "{language}: {key} is long for a subject");
            }
        }
    }

    #[test]
    fn languages_are_found_by_what_platforms_write() {
        for (wish, found) in [("pt-BR", "pt"), ("DE", "de"), ("zh_TW", "zh"), ("iw", "he"), ("tlh", "en"), ("", "en")] {
            assert_eq!(language(wish), found);
        }
    }
}
