//! A store's care settings, as the merchant edits them (JSON): what is on, the rules for what is offered, its own questions and contacts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wire::problem::FieldError;

use super::report::{Choice, Kind};
use crate::words::{self, OwnTexts};

/// Texts by language: `{"en":"…","de":"…"}`.
pub type Texts = BTreeMap<String, String>;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = CareSettings)]
pub struct Settings {
    pub help: Help,
    pub reports: Reports,
    pub feedback: Feedback,
    pub history: Switch,
    pub updates: Updates,
    pub safer: Safer,
    /// The store's own wording of any text, by language (`*`: all) and the text's key, as in the file that `data-texts` names:
    /// `{"en": {"order.packing": "…"}}`.
    #[schema(value_type = Object)]
    pub texts: OwnTexts,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = CareSwitch)]
pub struct Switch {
    pub on: bool,
}

impl Default for Switch {
    fn default() -> Switch {
        Switch { on: true }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = CareHelp)]
pub struct Help {
    pub on: bool,
    /// The store's own questions; they come first.
    pub faqs: Vec<OwnFaq>,
    /// The peak-season set of questions: `auto` (while a delay notice for it holds), `on`, `off`.
    pub peak: String,
    pub contacts: Vec<Contact>,
    /// Support is busy: `auto` (by the number of open reports), `on`, `off`. The calmest contact then comes first.
    pub busy: String,
    /// Open reports from which support counts as busy.
    pub busy_from: u32,
}

impl Default for Help {
    fn default() -> Help {
        Help { on: true, faqs: Vec::new(), peak: "auto".into(), contacts: Vec::new(), busy: "auto".into(), busy_from: 25 }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = CareOwnFaq)]
pub struct OwnFaq {
    pub id: String,
    /// Situations it is about (`late`, `lost`, `delivered` …); empty: any.
    pub situations: Vec<String>,
    pub question: Texts,
    pub answer: Texts,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = CareContact)]
pub struct Contact {
    /// `chat`, `email`, `phone`, `social`, `page`.
    pub kind: String,
    pub label: Texts,
    /// An email address, a phone number, or an https address, in which `{order}` is replaced by the order's number.
    pub address: String,
    /// When somebody answers, in your words.
    pub hours: Texts,
    /// Usual wait in minutes; 0: not known.
    pub minutes: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = CareReports)]
pub struct Reports {
    pub on: bool,
    /// Kinds that can be reported; empty: all.
    pub kinds: Vec<String>,
    pub rules: Vec<Rule>,
    /// Something else is offered when the chance that a parcel still turns up is below this, in percent.
    pub give_up_below: u8,
    /// Days after its end in which a report can be opened again.
    pub reopen_days: u16,
}

impl Default for Reports {
    fn default() -> Reports {
        Reports { on: true, kinds: Vec::new(), rules: Vec::new(), give_up_below: 50, reopen_days: 30 }
    }
}

/// An option that is offered where all of its conditions hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = CareRule)]
pub struct Rule {
    /// `resend`, `refund`, `discount`, `claim`, `wait`.
    pub option: String,
    /// Empty: every kind.
    pub kinds: Vec<String>,
    /// The order's value in minor units: at least, at most.
    pub min_value: Option<i64>,
    pub max_value: Option<i64>,
    /// Days since the delivery (since the order, where nothing is delivered): at most.
    pub within_days: Option<u16>,
    /// Of the order's value: for `refund` and `discount`.
    pub percent: Option<u8>,
    /// Offered at once, also while the parcel will probably still turn up.
    pub at_once: bool,
    /// Once agreed, it counts as begun: nobody of the store has to look first.
    pub automatic: bool,
    /// Your words about it.
    pub note: Texts,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = CareFeedback)]
pub struct Feedback {
    pub on: bool,
    /// Hours after the delivery.
    pub after_hours: u16,
}

impl Default for Feedback {
    fn default() -> Feedback {
        Feedback { on: true, after_hours: 2 }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = CareUpdates)]
pub struct Updates {
    pub push: bool,
    pub email: bool,
    pub sms: bool,
    /// Your own page with the worker beside it, where you have placed the files; else the API's page asks.
    pub push_page: Option<String>,
}

impl Default for Updates {
    fn default() -> Updates {
        Updates { push: true, email: true, sms: false, push_page: None }
    }
}

/// Safer ways to receive a parcel are offered first where parcels were stolen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = CareSafer)]
pub struct Safer {
    pub on: bool,
    /// Orders of an area and a year that something was stolen from: at least. Fewer than five might point at somebody.
    pub from: u32,
}

impl Default for Safer {
    fn default() -> Safer {
        Safer { on: true, from: LEAST_THEFTS }
    }
}

/// Fewer thefts than this in an area say nothing about it, and might say something about somebody.
pub const LEAST_THEFTS: u32 = 5;

pub const SITUATIONS: [&str; 12] = [
    "ordered",
    "under_way",
    "late",
    "quiet",
    "ready",
    "missed",
    "delivered",
    "damaged",
    "lost",
    "exception",
    "returned",
    "cancelled",
];

const MOST_FAQS: usize = 60;
const MOST_CONTACTS: usize = 12;
const MOST_RULES: usize = 60;
const LONGEST: usize = 4000;

impl Settings {
    /// What can't be accepted, field by field.
    pub fn validate(&self) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        let mut say = |field: String, message: &str| wrong.push(FieldError { field, message: message.to_owned() });
        for (field, value) in [("help.peak", &self.help.peak), ("help.busy", &self.help.busy)] {
            if !matches!(value.as_str(), "auto" | "on" | "off") {
                say(field.into(), "write auto, on or off");
            }
        }
        for (field, len, most) in [
            ("help.faqs", self.help.faqs.len(), MOST_FAQS),
            ("help.contacts", self.help.contacts.len(), MOST_CONTACTS),
            ("reports.rules", self.reports.rules.len(), MOST_RULES),
        ] {
            if len > most {
                say(field.into(), &format!("at most {most}"));
            }
        }
        for (n, faq) in self.help.faqs.iter().enumerate() {
            let at = format!("help.faqs[{n}]");
            if faq.id.is_empty() || !faq.id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
                say(format!("{at}.id"), "use letters, digits, - and _ only");
            }
            if self.help.faqs.iter().take(n).any(|f| f.id == faq.id) {
                say(format!("{at}.id"), "is used twice");
            }
            if let Some(s) = faq.situations.iter().find(|s| !SITUATIONS.contains(&s.as_str())) {
                say(format!("{at}.situations"), &format!("there is no \"{s}\"; there are {}", SITUATIONS.join(", ")));
            }
            for (name, texts) in [("question", &faq.question), ("answer", &faq.answer)] {
                if texts.values().all(|t| t.trim().is_empty()) {
                    say(format!("{at}.{name}"), "write it in one language at least: {\"en\":\"…\"}");
                }
                long(&mut say, format!("{at}.{name}"), texts);
            }
        }
        for (n, contact) in self.help.contacts.iter().enumerate() {
            let at = format!("help.contacts[{n}]");
            if let Some(message) = contact.wrong() {
                say(format!("{at}.address"), message);
            }
            if !matches!(contact.kind.as_str(), "chat" | "email" | "phone" | "social" | "page") {
                say(format!("{at}.kind"), "write chat, email, phone, social or page");
            }
            long(&mut say, format!("{at}.label"), &contact.label);
            long(&mut say, format!("{at}.hours"), &contact.hours);
        }
        let kind = |field: String, kinds: &[String], say: &mut dyn FnMut(String, &str)| {
            if let Some(k) = kinds.iter().find(|k| Kind::parse(k).is_none()) {
                let all: Vec<_> = Kind::ALL.iter().map(|k| k.as_str()).collect();
                say(field, &format!("there is no \"{k}\"; there are {}", all.join(", ")));
            }
        };
        kind("reports.kinds".into(), &self.reports.kinds, &mut say);
        for (n, rule) in self.reports.rules.iter().enumerate() {
            let at = format!("reports.rules[{n}]");
            match Choice::parse(&rule.option) {
                None | Some(Choice::Change) => say(format!("{at}.option"), "write resend, refund, discount, claim or wait"),
                Some(Choice::Discount) if rule.percent.is_none() => {
                    say(format!("{at}.percent"), "say how much of the order's value")
                }
                _ => {}
            }
            if rule.percent.is_some_and(|p| !(1..=100).contains(&p)) {
                say(format!("{at}.percent"), "write 1 to 100");
            }
            if rule.min_value.zip(rule.max_value).is_some_and(|(min, max)| min > max) {
                say(format!("{at}.max_value"), "is below min_value");
            }
            kind(format!("{at}.kinds"), &rule.kinds, &mut say);
            long(&mut say, format!("{at}.note"), &rule.note);
        }
        if !(LEAST_THEFTS..=100_000).contains(&self.safer.from) {
            say("safer.from".into(), &format!("write {LEAST_THEFTS} or more"));
        }
        for (at, message) in words::wrong(&self.texts) {
            say(format!("texts.{at}"), &message);
        }
        if !(1..=99).contains(&self.reports.give_up_below) {
            say("reports.give_up_below".into(), "write 1 to 99, in percent");
        }
        if let Some(page) = &self.updates.push_page
            && !page.starts_with("https://")
        {
            say("updates.push_page".into(), "write an address that begins with https://");
        }
        wrong
    }
}

fn long(say: &mut dyn FnMut(String, &str), field: String, texts: &Texts) {
    if texts.values().any(|t| t.len() > LONGEST) {
        say(field, &format!("at most {LONGEST} bytes a text"));
    }
}

impl Contact {
    fn wrong(&self) -> Option<&'static str> {
        let a = self.address.trim();
        let plain = a.len() < 500 && !a.chars().any(|c| c.is_control() || c.is_whitespace());
        match self.kind.as_str() {
            "email" => {
                let (user, host) = a.split_once('@').unwrap_or_default();
                let fine =
                    plain && !user.is_empty() && host.contains('.') && !a.contains(['?', '&', '#', '%', '<', '>', '"', ',']);
                (!fine).then_some("write an email address")
            }
            "phone" => {
                let digits = a.bytes().filter(u8::is_ascii_digit).count();
                let fine = (3..=20).contains(&digits) && a.chars().all(|c| c.is_ascii_digit() || "+-(). /".contains(c));
                (!fine).then_some("write a phone number, with its country code")
            }
            _ => (!(plain && a.starts_with("https://"))).then_some("write an address that begins with https://"),
        }
    }
}

/// The text in a language, else in English, else in any.
pub fn text<'a>(texts: &'a Texts, language: &str) -> &'a str {
    let base = language.split('-').next().unwrap_or_default();
    let found = [language, base, "en"].into_iter().find_map(|l| texts.get(l));
    found.or_else(|| texts.values().next()).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_field_by_field() {
        assert_eq!(Settings::default().validate(), Vec::new());
        let settings: Settings = serde_json::from_value(serde_json::json!({
            "help": {"busy": "maybe", "faqs": [{"id": "a b", "situations": ["bored"], "question": {"en": "Q"}}],
                "contacts": [{"kind": "email", "address": "a@b.example?bcc=x@y.z"}, {"kind": "page", "address": "javascript:alert(1)"},
                    {"kind": "phone", "address": "+1 555 0100"}, {"kind": "smoke", "address": "https://x.example"}]},
            "reports": {"kinds": ["boredom"], "give_up_below": 0, "rules": [{"option": "insurance"}, {"option": "discount"}, {"option": "refund", "percent": 120}]},
            "updates": {"push_page": "http://x.example"}, "safer": {"from": 1},
            "texts": {"en": {"order.nothing": "x", "estimate.by": "By {day}"}, "xx": {}, "*": {"estimate.free": "Gratis"}, "de-AT": {"estimate.free": "Gratis"}}
        }))
        .unwrap();
        let fields: Vec<String> = settings.validate().into_iter().map(|w| w.field).collect();
        for field in [
            "help.busy",
            "help.faqs[0].id",
            "help.faqs[0].situations",
            "help.faqs[0].answer",
            "help.contacts[0].address",
            "help.contacts[1].address",
            "help.contacts[3].kind",
            "reports.kinds",
            "reports.rules[0].option",
            "reports.rules[1].percent",
            "reports.rules[2].percent",
            "reports.give_up_below",
            "updates.push_page",
            "safer.from",
            "texts.en.order.nothing",
            "texts.xx",
            "texts.en.estimate.by",
        ] {
            assert!(fields.iter().any(|f| f == field), "{field} in {fields:?}");
        }
        assert_eq!(fields.len(), 17, "{fields:?}");
    }

    #[test]
    fn texts_fall_back_to_what_there_is() {
        let texts: Texts = [("de".into(), "ja".into()), ("en".into(), "yes".into())].into();
        assert_eq!([text(&texts, "de-AT"), text(&texts, "fr"), text(&Texts::new(), "en")], ["ja", "yes", ""]);
    }
}
