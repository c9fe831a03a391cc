//! The server's words: the widget's texts (`www/i18n`) with dates, numbers and plurals from CLDR.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    str::FromStr,
    sync::{Arc, LazyLock, Mutex},
};

use axum::http::{HeaderMap, header};
use icu_calendar::{Date, Gregorian};
use icu_datetime::{FixedCalendarDateTimeFormatter, NoCalendarFormatter, fieldsets, input::Time};
use icu_decimal::{DecimalFormatter, input::Decimal};
use icu_locale_core::Locale as Tag;
use icu_plurals::{PluralCategory, PluralRules};
use promise::{Day, Instant};
use rust_embed::Embed;
use serde_json::{Map, Value};

#[derive(Embed)]
#[folder = "../../www/i18n"]
struct Files;

/// Texts by language; English is always there.
static TEXTS: LazyLock<HashMap<String, Map<String, Value>>> = LazyLock::new(|| {
    let read = |file: &str| serde_json::from_slice(&Files::get(file)?.data).ok();
    // Folders hold the texts of a topic of their own.
    let own = |file: &str| Some((file.strip_suffix(".json").filter(|name| !name.contains('/'))?.to_owned(), read(file)?));
    let mut texts: HashMap<String, Map<String, Value>> = Files::iter().filter_map(|file| own(&file)).collect();
    // Help is written by the server alone: its screens are the same in the hosted page and in the widget's module.
    for (language, all) in &mut texts {
        all.extend(read(&format!("care/{language}.json")).unwrap_or_default());
    }
    texts
});

/// Languages, as browsers list them, whose formats are kept.
const MOST_KEPT: usize = 256;

/// A store's own wording: by language (`*`: all of them) and the text's key.
pub type OwnTexts = BTreeMap<String, Map<String, Value>>;

/// One language's texts and formats.
#[derive(Clone)]
pub struct Words {
    tag: String,
    texts: &'static Map<String, Value>,
    own: Option<Arc<OwnTexts>>,
    formats: Arc<Formats>,
}

struct Formats {
    dates: Option<FixedCalendarDateTimeFormatter<Gregorian, fieldsets::MDE>>,
    times: Option<NoCalendarFormatter<fieldsets::T>>,
    numbers: Option<DecimalFormatter>,
    plurals: Option<PluralRules>,
}

impl Words {
    /// The first of the wished languages that there are texts for; else English.
    pub fn of<'a>(wishes: impl IntoIterator<Item = &'a str>) -> Words {
        let english = ("en".to_owned(), "en");
        let base = |tag: &'a str| tag.split('-').next().unwrap_or_default();
        let known = wishes.into_iter().find(|tag| TEXTS.contains_key(&base(tag).to_ascii_lowercase()));
        let (language, tag) = known.map_or(english, |tag| (base(tag).to_ascii_lowercase(), tag));
        static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        let locale = Tag::from_str(tag).unwrap_or(Tag::UNKNOWN);
        Words {
            tag: tag.to_owned(),
            texts: TEXTS.get(&language).unwrap_or(&NONE),
            own: None,
            formats: Arc::new(Formats {
                dates: FixedCalendarDateTimeFormatter::try_new((&locale).into(), fieldsets::MDE::medium()).ok(),
                times: NoCalendarFormatter::try_new((&locale).into(), fieldsets::T::hm()).ok(),
                numbers: DecimalFormatter::try_new((&locale).into(), Default::default()).ok(),
                plurals: PluralRules::try_new((&locale).into(), Default::default()).ok(),
            }),
        }
    }

    /// The same with a store's own wording, where it has one.
    pub fn with(self: Arc<Words>, own: Option<Arc<OwnTexts>>) -> Arc<Words> {
        match own {
            Some(own) => Arc::new(Words { own: Some(own), ..(*self).clone() }),
            None => self,
        }
    }

    /// A text as the store words it: for this very language, for its base, for all of them.
    fn own(&self, key: &str) -> Option<&Value> {
        let own = self.own.as_ref()?;
        let base = self.tag.split('-').next().unwrap_or_default();
        [self.tag.as_str(), &base.to_ascii_lowercase(), "*"].into_iter().find_map(|language| own.get(language)?.get(key))
    }

    /// By `Accept-Language`, the best first. Formats are costly to make: those that are asked for again are kept.
    pub fn accepted(headers: &HeaderMap) -> Arc<Words> {
        static KEPT: LazyLock<Mutex<HashMap<String, Arc<Words>>>> = LazyLock::new(Mutex::default);
        let given = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let mut kept = KEPT.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(found) = kept.get(given) {
            return found.clone();
        }
        let made = Arc::new(Words::negotiate(given));
        if kept.len() < MOST_KEPT && given.len() < 200 {
            kept.insert(given.to_owned(), made.clone());
        }
        made
    }

    fn negotiate(given: &str) -> Words {
        let mut wishes: Vec<(u16, &str)> = given
            .split(',')
            .filter_map(|part| {
                let (tag, rest) = part.split_once(';').unwrap_or((part, "q=1"));
                let quality: f32 = rest.trim().strip_prefix("q=")?.parse().ok()?;
                Some(((quality * 1000.0) as u16, tag.trim()))
            })
            .filter(|(quality, tag)| *quality > 0 && *tag != "*" && tag.len() < 36)
            .collect();
        wishes.sort_by_key(|w| std::cmp::Reverse(w.0));
        Words::of(wishes.into_iter().map(|w| w.1))
    }

    /// BCP 47.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// `rtl` for languages written from right to left.
    pub fn direction(&self) -> &'static str {
        view::direction(&self.tag)
    }
}

/// Names in `{}`.
fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

/// The forms of a text: itself, or one a plural category.
fn forms(text: &Value) -> Option<Vec<&str>> {
    match text {
        Value::String(text) => Some(vec![text]),
        Value::Object(forms) => forms.values().map(Value::as_str).collect(),
        _ => None,
    }
}

/// A text of one's own is at most this long, in bytes.
const LONGEST: usize = 1000;

/// What can't be accepted of a store's own texts, by language and key: those that nothing asks for, and those that would say `{…}`.
pub fn wrong(own: &OwnTexts) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (language, texts) in own {
        let base = language.split('-').next().unwrap_or_default();
        if language != "*" && !TEXTS.contains_key(base) {
            found.push((language.clone(), "is no language that there are texts in; write * for all".to_owned()));
        }
        for (key, text) in texts {
            let mut say = |message: String| found.push((format!("{language}.{key}"), message));
            let Some(ours) = TEXTS["en"].get(key) else {
                say("there is no text with this name".to_owned());
                continue;
            };
            let Some(theirs) = forms(text).filter(|_| text.is_string() == ours.is_string()) else {
                say(if ours.is_string() { "write a text" } else { "write a text a plural form: {\"one\": …, \"other\": …}" }
                    .to_owned());
                continue;
            };
            let known: BTreeSet<&str> = forms(ours).unwrap_or_default().into_iter().flat_map(placeholders).collect();
            if let Some(odd) = theirs.iter().flat_map(|t| placeholders(t)).find(|name| !known.contains(name)) {
                say(format!("there is no {{{odd}}} in it"));
            }
            if theirs.iter().any(|t| t.len() > LONGEST) {
                say(format!("at most {LONGEST} bytes a text"));
            }
        }
    }
    found
}

/// Minor units of a currency (ISO 4217) as a number of it: 495 are 4.95 dollars, and 495 yen.
pub fn amount(minor: i64, currency: &str) -> Decimal {
    let digits = match currency {
        "JPY" | "KRW" | "VND" | "CLP" | "ISK" | "XAF" | "XOF" | "XPF" | "PYG" | "UGX" => 0,
        "KWD" | "BHD" | "OMR" | "JOD" | "TND" | "IQD" | "LYD" => 3,
        _ => 2,
    };
    let mut amount = Decimal::from(minor);
    amount.multiply_pow10(-digits);
    amount
}

impl view::Locale for Words {
    fn text(&self, key: &str, plural: Option<&str>) -> Option<String> {
        let read = |found: &Value| plural.map_or(Some(found), |category| found.get(category))?.as_str().map(str::to_owned);
        self.own(key).and_then(read).or_else(|| read(self.texts.get(key)?))
    }

    fn plural(&self, n: u32) -> String {
        let category = self.formats.plurals.as_ref().map_or(PluralCategory::Other, |rules| rules.category_for(n));
        match category {
            PluralCategory::Zero => "zero",
            PluralCategory::One => "one",
            PluralCategory::Two => "two",
            PluralCategory::Few => "few",
            PluralCategory::Many => "many",
            PluralCategory::Other => "other",
        }
        .into()
    }

    fn number(&self, n: u32) -> String {
        self.formats.numbers.as_ref().map_or_else(|| n.to_string(), |f| f.format(&Decimal::from(n)).to_string())
    }

    fn day(&self, day: Day) -> String {
        let (year, month, of_month) = day.ymd();
        let date = Date::try_new_gregorian(year, month as u8, of_month as u8).ok();
        self.formats.dates.as_ref().zip(date).map_or_else(|| day.to_string(), |(f, date)| f.format(&date).to_string())
    }

    fn days(&self, from: Day, to: Day) -> String {
        format!("{} – {}", self.day(from), self.day(to))
    }

    fn time(&self, at: Instant, offset: i32) -> String {
        let second = at.local(offset).1;
        let (hour, minute) = ((second / 3600) as u8, (second / 60 % 60) as u8);
        let time = Time::try_new(hour, minute, 0, 0).ok();
        self.formats
            .times
            .as_ref()
            .zip(time)
            .map_or_else(|| format!("{hour:02}:{minute:02}"), |(f, time)| f.format(&time).to_string())
    }

    fn money(&self, minor: i64, currency: &str) -> String {
        let amount = amount(minor, currency);
        let amount = self.formats.numbers.as_ref().map_or_else(|| amount.to_string(), |f| f.format(&amount).to_string());
        format!("{currency} {amount}")
    }

    /// A page that stays as it is must not say "today": it is not asked to.
    fn relative(&self, n: i64, _: &str) -> String {
        n.to_string()
    }

    fn language(&self) -> String {
        self.tag.clone()
    }
}

#[cfg(test)]
mod tests {
    use view::Locale;

    use super::*;

    #[test]
    fn every_language_says_everything_with_its_own_plurals() {
        let english = &TEXTS["en"];
        assert!(TEXTS.len() >= 15, "{:?}", TEXTS.keys());
        for (language, texts) in TEXTS.iter() {
            let locale = Tag::from_str(language).unwrap();
            let rules = PluralRules::try_new((&locale).into(), Default::default()).unwrap();
            let needed: Vec<String> = rules
                .categories()
                .map(|c| format!("{c:?}").to_lowercase())
                .filter(|c| c != "many" || !matches!(language.as_str(), "es" | "fr" | "it" | "pt"))
                .collect();
            for key in english.keys() {
                let text = texts.get(key).unwrap_or_else(|| panic!("{language}: {key} is missing"));
                match (&english[key], text) {
                    (Value::String(ours), Value::String(theirs)) => {
                        assert_eq!(placeholders(theirs), placeholders(ours), "{language}: {key}");
                        assert_eq!(theirs.is_empty(), ours.is_empty(), "{language}: {key}");
                    }
                    (Value::Object(ours), Value::Object(theirs)) => {
                        let known: BTreeSet<&str> = ours.values().filter_map(Value::as_str).flat_map(placeholders).collect();
                        for category in &needed {
                            assert!(theirs.contains_key(category), "{language}: {key} has no form for `{category}`");
                        }
                        for form in theirs.values().filter_map(Value::as_str) {
                            assert!(placeholders(form).is_subset(&known), "{language}: {key}: {form}");
                        }
                    }
                    _ => panic!("{language}: {key} is plural here and not there"),
                }
            }
            for key in texts.keys() {
                assert!(english.contains_key(key), "{language}: {key} is used nowhere");
            }
        }
    }

    /// Steps that are not put into words before the purchase: that it was ordered goes without saying, and parts are listed.
    const SILENT: [&str; 2] = ["ordered", "parts"];

    #[test]
    fn every_step_and_every_obstacle_has_its_words_in_every_language() {
        use promise::estimate::{Estimate, OBSTACLES, Offer, STEPS, STEPS_AFTER, Step, Window};
        let day = Day::parse("2026-12-02").unwrap();
        let show = |offer: Offer, words: &Words| {
            let e = Estimate { precision: "postal_code".into(), options: vec![offer], ..Estimate::default() };
            let ui = view::estimate::Ui { surface: "product".into(), still: true, ..Default::default() };
            view::node::html(&view::estimate::estimate(&e, &ui, Instant(0), words))
        };
        for (language, texts) in TEXTS.iter() {
            let words = Words::of([language.as_str()]);
            for kind in STEPS {
                let plain = texts.get(&format!("why.{kind}")).is_some_and(Value::is_string);
                let step = Step { kind: kind.into(), day: Some(day), days: (!plain).then_some((2, 3)), name: "NAME".into() };
                let offer = Offer { window: Some(Window { from: day, to: day }), steps: vec![step], ..Offer::default() };
                let said = show(offer, &words).matches("<li").count();
                assert_eq!(said, usize::from(!SILENT.contains(&kind)), "{language}: {kind}");
            }
            // Those come after the purchase: the order's page shows the scans themselves.
            assert!(STEPS_AFTER.iter().all(|kind| !texts.contains_key(&format!("why.{kind}"))), "{language}");
            for key in texts.keys().filter_map(|k| k.strip_prefix("why.")) {
                assert!(STEPS.contains(&key), "{language}: there is no step {key}");
            }
            for obstacle in OBSTACLES {
                let said = show(Offer { obstacle: Some(obstacle.into()), ..Offer::default() }, &words);
                let key = match obstacle {
                    "not_available" => "estimate.unavailable",
                    "no_po_boxes" => "estimate.no_po_boxes",
                    _ => "estimate.undeliverable",
                };
                let text = texts[key].as_str().unwrap().replace('\'', "&#39;");
                let plainly = said.replace("&#x27;", "&#39;").replace('\'', "&#39;").replace("&apos;", "&#39;");
                assert!(plainly.contains(&text), "{language}: {obstacle}: {said}");
            }
        }
    }

    #[test]
    fn dates_numbers_and_plurals_are_written_as_the_language_does() {
        let day = Day::parse("2026-12-02").unwrap();
        let us = Words::of(["en-US"]);
        assert_eq!(us.day(day), "Wed, Dec 2");
        assert_eq!(us.time(Instant(51_120), 0), "2:12\u{202f}PM");
        assert_eq!(us.money(495, "USD"), "USD 4.95");
        assert_eq!(us.money(1500, "JPY"), "JPY 1,500");
        assert_eq!((us.plural(1), us.plural(2)), ("one".into(), "other".into()));
        assert_eq!(Words::of(["en-GB"]).day(day), "Wed 2 Dec");
        assert_eq!(Words::of(["tlh", "en-GB"]).tag(), "en-GB");
    }

    #[test]
    fn a_stores_own_wording_comes_before_ours() {
        let own: OwnTexts = serde_json::from_value(serde_json::json!({"*": {"estimate.free": "ALL", "estimate.fastest": "ALL"},
            "en": {"estimate.fastest": "Base", "order.parcels": {"one": "A box."}}, "en-GB": {"estimate.cheapest": "Own"}}))
        .unwrap();
        assert_eq!(wrong(&own), []);
        let words = Arc::new(Words::of(["en-GB"])).with(Some(Arc::new(own)));
        let say = |key: &str| words.text(key, None).unwrap_or_default();
        assert_eq!([say("estimate.free"), say("estimate.fastest"), say("estimate.cheapest")], ["ALL", "Base", "Own"]);
        assert_eq!(say("estimate.need"), "I need it by");
        // A form that the store has not written is ours.
        let form = |n: &str| words.text("order.parcels", Some(n)).unwrap_or_default();
        assert_eq!([form("one"), form("other")], ["A box.", "{n} parcels."]);
    }

    #[test]
    fn the_readers_best_language_counts() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, header::HeaderValue::from_static(text));
            Words::accepted(&headers).tag().to_owned()
        };
        assert_eq!(of("tlh, en-GB;q=0.8, en;q=0.9"), "en");
        for odd in ["", "*", ";;;", "en;q=", "en;q=0", "xx"] {
            assert_eq!(of(odd), "en", "{odd}");
        }
    }
}
