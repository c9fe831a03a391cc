//! Who is told what, on which channel, when: a store's rules. The defaults work untouched.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    notice::{NOTICES, SATISFIED},
    quiet::Quiet,
};

/// All of a store's rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Nothing is sent about orders where this is false.
    pub enabled: bool,
    /// Messages about orders to one person on one channel in 24 hours; what is more waits, and is dropped where it no longer holds.
    pub per_day: u32,
    pub quiet: Quiet,
    /// For orders that name no language.
    pub language: String,
    /// The first that fits a notice and a channel counts.
    pub rules: Vec<Rule>,
    /// Chat and social tools by name, for rules of channel `hook`.
    pub hooks: BTreeMap<String, Hook>,
    pub delay_options: DelayOptions,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its own name, such as `shipped-mail`.
    pub id: String,
    pub notice: String,
    /// `mail`, `sms`, `push`, `hook`.
    pub channel: String,
    /// Which of [`Rules::hooks`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<String>,
    #[serde(default = "yes")]
    pub enabled: bool,
    /// `transactional`: about what was bought, sent unless the shopper says stop. `consent`: only to who agreed.
    #[serde(default = "transactional")]
    pub basis: String,
    /// Minutes to wait: what comes to nothing meanwhile is never told, and what comes together is told together.
    #[serde(default)]
    pub delay_minutes: u32,
    /// Days after the delivery (`satisfied`), or before the end of the time it is kept (`sent_back_soon`).
    #[serde(default)]
    pub days: u32,
    /// Told also in the quiet hours.
    #[serde(default)]
    pub at_night: bool,
    /// Instead of the order's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(default)]
    pub when: When,
}

/// Conditions; all that are named must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// Of the parcel: `ups`, `dhl_parcel_de` …
    pub carriers: Vec<String>,
    /// `US`, `US-CA`, `DE`
    pub destinations: Vec<String>,
    /// Of these tags of the order, one at least.
    pub tags: Vec<String>,
    pub not_tags: Vec<String>,
    /// The order's total in minor units, in its own currency.
    pub value_from: Option<i64>,
    pub value_to: Option<i64>,
    /// Days after the promised last day that it is expected to arrive, at least.
    pub days_late: Option<i32>,
}

/// Where a chat or social tool takes messages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hook {
    pub url: String,
    /// `slack`, `whatsapp`, `klaviyo`, or absent with a `body` of its own.
    pub shape: Option<String>,
    /// A Jinja template that makes JSON.
    pub body: Option<String>,
    /// Of requests: `Authorization` and such. Never shown again.
    pub headers: BTreeMap<String, String>,
    /// The tool takes a message with an id that it knows as the same (Klaviyo does): after a crash it is sent again.
    pub deduplicates: bool,
}

/// The notices that are due when a promised date can't be kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DelayOptions {
    /// `off`, `draft`: written for the merchant to look at and send, `send`: sent by themselves.
    pub mode: String,
    /// Days that the shopper has to answer, where the law names no moment.
    pub answer_days: u32,
}

impl Default for DelayOptions {
    fn default() -> DelayOptions {
        DelayOptions { mode: "draft".into(), answer_days: 14 }
    }
}

fn yes() -> bool {
    true
}

fn transactional() -> String {
    "transactional".into()
}

impl Default for Rules {
    fn default() -> Rules {
        let rule = |notice: &str, channel: &str| Rule {
            id: format!("{}-{channel}", notice.replace('_', "-")),
            notice: notice.into(),
            channel: channel.into(),
            hook: None,
            // Store platforms confirm orders themselves.
            enabled: notice != "ordered",
            basis: if channel == "mail" && notice != SATISFIED { "transactional".into() } else { "consent".into() },
            delay_minutes: match notice {
                "ordered" | "out_for_delivery" | "report" => 0,
                "ready_to_collect" | "attempt_failed" | "delivered" => 5,
                "shipped" | "exception" => 15,
                "at_risk" | "quiet" => 30,
                _ => 60,
            },
            days: match notice {
                SATISFIED => 3,
                "sent_back_soon" => 2,
                _ => 0,
            },
            at_night: false,
            language: None,
            when: When::default(),
        };
        let mut rules: Vec<Rule> = NOTICES.iter().chain([&SATISFIED]).map(|n| rule(n, "mail")).collect();
        for channel in ["sms", "push"] {
            // What has to be known at once; SMS costs money and nerves.
            let told = NOTICES.iter().filter(|n| {
                channel == "push" && **n != "ordered"
                    || matches!(
                        **n,
                        "out_for_delivery" | "ready_to_collect" | "sent_back_soon" | "attempt_failed" | "exception" | "at_risk"
                    )
            });
            rules.extend(told.map(|n| rule(n, channel)));
        }
        Rules {
            enabled: true,
            per_day: 4,
            quiet: Quiet::default(),
            language: "en".into(),
            rules,
            hooks: BTreeMap::new(),
            delay_options: DelayOptions::default(),
        }
    }
}

/// What a rule's conditions look at.
#[derive(Clone, Debug, Default)]
pub struct Facts<'a> {
    pub carriers: Vec<&'a str>,
    pub country: &'a str,
    pub region: &'a str,
    pub tags: &'a [String],
    pub value: Option<i64>,
    /// By how many days the estimate's last day is after the promise's.
    pub days_late: Option<i32>,
}

impl When {
    pub fn holds(&self, f: &Facts) -> bool {
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        let place = format!("{}-{}", f.country, f.region);
        let tagged = |list: &[String]| list.iter().any(|t| f.tags.iter().any(|o| same(t.trim(), o)));
        (self.carriers.is_empty() || self.carriers.iter().any(|c| f.carriers.iter().any(|o| same(c, o))))
            && (self.destinations.is_empty() || self.destinations.iter().any(|d| same(d, f.country) || same(d, &place)))
            && (self.tags.is_empty() || tagged(&self.tags))
            && !tagged(&self.not_tags)
            && self.value_from.is_none_or(|v| f.value.is_some_and(|o| o >= v))
            && self.value_to.is_none_or(|v| f.value.is_some_and(|o| o <= v))
            && self.days_late.is_none_or(|d| f.days_late.is_some_and(|o| o >= d))
    }
}

impl Rules {
    /// The rules that a notice sets off: one a channel.
    pub fn of(&self, notice: &str, facts: &Facts) -> Vec<&Rule> {
        let mut found: Vec<&Rule> = Vec::new();
        if !self.enabled {
            return found;
        }
        for rule in self.rules.iter().filter(|r| r.enabled && r.notice == notice && r.when.holds(facts)) {
            if !found.iter().any(|f| f.channel == rule.channel && f.hook == rule.hook) {
                found.push(rule);
            }
        }
        found
    }

    pub fn by_id(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|r| r.id == id)
    }

    /// What can't be accepted: the field, and why. `allowed` says what is wrong with an address to send to.
    pub fn wrong(&self, allowed: impl Fn(&str) -> Result<(), String>) -> Vec<(String, String)> {
        let mut wrong: Vec<(String, String)> = Vec::new();
        let mut say = |field: String, message: &str| wrong.push((field, message.to_owned()));
        if !(1..=100).contains(&self.per_day) {
            say("per_day".into(), "1 to 100 messages a day");
        }
        if let Some(field) = self.quiet.wrong() {
            say(format!("quiet.{field}"), "a time of day such as 21:00");
        }
        if !known_language(&self.language) {
            say("language".into(), "a language that there are texts in, such as en");
        }
        if self.rules.len() > 500 {
            say("rules".into(), "500 rules at most");
        }
        for (n, rule) in self.rules.iter().enumerate() {
            let at = |field: &str| format!("rules[{n}].{field}");
            let name = |text: &str| {
                (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            };
            if !name(&rule.id) {
                say(at("id"), "letters, digits, - and _, up to 64");
            } else if self.rules.iter().take(n).any(|r| r.id == rule.id) {
                say(at("id"), "another rule has this id");
            }
            if !NOTICES.contains(&rule.notice.as_str()) && rule.notice != SATISFIED {
                say(at("notice"), &format!("one of {}, {SATISFIED}", NOTICES.join(", ")));
            }
            match (rule.channel.as_str(), &rule.hook) {
                ("mail" | "sms" | "push", None) => {}
                ("hook", Some(hook)) if self.hooks.contains_key(hook) => {}
                ("hook", _) => say(at("hook"), "the name of one of the hooks"),
                ("mail" | "sms" | "push", Some(_)) => say(at("hook"), "only for channel hook"),
                _ => say(at("channel"), "mail, sms, push or hook"),
            }
            if !matches!(rule.basis.as_str(), "transactional" | "consent") {
                say(at("basis"), "transactional or consent");
            } else if rule.basis == "transactional"
                && (rule.channel == "sms" || rule.notice == SATISFIED && rule.channel != "hook")
            {
                say(at("basis"), "this needs the shopper's consent: write consent");
            }
            if rule.delay_minutes > 7 * 1440 {
                say(at("delay_minutes"), "a week at most");
            }
            if rule.days > 60 {
                say(at("days"), "60 at most");
            }
            if rule.language.as_deref().is_some_and(|l| !known_language(l)) {
                say(at("language"), "a language that there are texts in");
            }
            if let (Some(from), Some(to)) = (rule.when.value_from, rule.when.value_to)
                && from > to
            {
                say(at("when.value_to"), "not less than value_from");
            }
            for (k, place) in rule.when.destinations.iter().enumerate() {
                let (country, region) = place.split_once('-').unwrap_or((place, "x"));
                if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_alphabetic()) || region.is_empty() {
                    say(at(&format!("when.destinations[{k}]")), "a country such as US, or a region such as US-CA");
                }
            }
        }
        for (name, hook) in &self.hooks {
            let at = |field: &str| format!("hooks.{name}.{field}");
            if let Err(e) = allowed(&hook.url) {
                say(at("url"), &e);
            }
            if let Err(e) = hook.check() {
                say(at(if hook.body.is_some() { "body" } else { "shape" }), &e);
            }
            for (header, value) in &hook.headers {
                let bad = reqwest::header::HeaderName::from_bytes(header.as_bytes()).is_err()
                    || reqwest::header::HeaderValue::from_str(value).is_err()
                    || ["host", "content-length", "transfer-encoding", "connection"]
                        .contains(&header.to_ascii_lowercase().as_str());
                if bad {
                    say(at(&format!("headers.{header}")), "not a header that can be set");
                }
            }
        }
        if !matches!(self.delay_options.mode.as_str(), "off" | "draft" | "send") {
            say("delay_options.mode".into(), "off, draft or send");
        }
        if !(1..=30).contains(&self.delay_options.answer_days) {
            say("delay_options.answer_days".into(), "1 to 30 days");
        }
        wrong
    }
}

fn known_language(tag: &str) -> bool {
    crate::texts::languages().contains(&tag.split('-').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts<'static> {
        Facts { carriers: vec!["ups"], country: "US", region: "CA", tags: &[], value: Some(4000), days_late: Some(2) }
    }

    #[test]
    fn the_defaults_are_valid_and_tell_by_mail_alone_without_consent() {
        let rules = Rules::default();
        assert_eq!(rules.wrong(|_| Ok(())), []);
        for notice in NOTICES.iter().filter(|n| **n != "ordered") {
            let free: Vec<&str> =
                rules.of(notice, &facts()).iter().filter(|r| r.basis == "transactional").map(|r| r.channel.as_str()).collect();
            assert_eq!(free, ["mail"], "{notice}");
        }
        assert!(rules.of("ordered", &facts()).is_empty());
        assert!(Rules { enabled: false, ..rules }.of("shipped", &facts()).is_empty());
    }

    #[test]
    fn conditions_hold_together_and_the_first_rule_counts() {
        let holds = |text: &str| serde_json::from_str::<When>(text).unwrap().holds(&facts());
        for (text, expected) in [
            ("{}", true),
            (r#"{"carriers":["UPS"],"destinations":["us-ca"]}"#, true),
            (r#"{"carriers":["ups"],"destinations":["DE"]}"#, false),
            (r#"{"destinations":["US"]}"#, true),
            (r#"{"destinations":["US-NY"]}"#, false),
            (r#"{"tags":["vip"]}"#, false),
            (r#"{"not_tags":["vip"]}"#, true),
            (r#"{"value_from":4000,"value_to":4000}"#, true),
            (r#"{"value_from":4001}"#, false),
            (r#"{"days_late":2}"#, true),
            (r#"{"days_late":3}"#, false),
        ] {
            assert_eq!(holds(text), expected, "{text}");
        }
        let mut rules = Rules::default();
        let first = Rule { id: "first".into(), delay_minutes: 7, ..rules.by_id("shipped-mail").unwrap().clone() };
        rules.rules.insert(0, first);
        assert_eq!(rules.of("shipped", &facts())[0].id, "first");
        assert_eq!(rules.of("shipped", &facts()).iter().filter(|r| r.channel == "mail").count(), 1);
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        let mut rules = Rules { per_day: 0, ..Rules::default() };
        rules.quiet.to = "8".into();
        rules.rules[0].notice = "nothing".into();
        rules.rules[1].id = rules.rules[2].id.clone();
        rules.rules[3].channel = "fax".into();
        rules.rules.iter_mut().find(|r| r.channel == "sms").unwrap().basis = "transactional".into();
        rules.rules[4].when.destinations = vec!["USA".into()];
        rules.hooks.insert("chat".into(), Hook { url: "x".into(), shape: Some("fax".into()), ..Hook::default() });
        let fields: Vec<String> = rules.wrong(|_| Err("use https".into())).into_iter().map(|w| w.0).collect();
        assert_eq!(
            fields,
            [
                "per_day",
                "quiet.to",
                "rules[0].notice",
                "rules[2].id",
                "rules[3].channel",
                "rules[4].when.destinations[0]",
                "rules[13].basis",
                "hooks.chat.url",
                "hooks.chat.shape"
            ]
        );
        assert!(serde_json::from_str::<Rules>(r#"{"ruels": []}"#).is_err());
    }
}
