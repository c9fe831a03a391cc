//! The languages that shoppers are spoken to, by their own names.

use view::Locale;

use crate::words::Words;

pub const LANGUAGES: [(&str, &str); 15] = [
    ("en", "English"),
    ("ar", "العربية"),
    ("da", "Dansk"),
    ("de", "Deutsch"),
    ("es", "Español"),
    ("fr", "Français"),
    ("he", "עברית"),
    ("it", "Italiano"),
    ("ja", "日本語"),
    ("ko", "한국어"),
    ("nl", "Nederlands"),
    ("pl", "Polski"),
    ("pt", "Português"),
    ("sv", "Svenska"),
    ("zh", "中文"),
];

/// What a language says under a key; empty where it says nothing.
pub fn text(language: &str, key: &str) -> String {
    Words::of([language]).text(key, None).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_its_own_words_for_a_delay() {
        let all: std::collections::BTreeSet<String> = LANGUAGES.iter().map(|(l, _)| text(l, "delay.weather")).collect();
        assert!(all.len() > 10 && !all.contains(""), "{all:?}");
    }
}
