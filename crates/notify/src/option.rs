//! The notice that is due when a promised date can't be kept, and what the law lets follow from an answer or from silence.
//!
//! United States, 16 CFR 435.2(b): a definite revised date, or that there is none; a free way to cancel with a prompt full refund.
//! Silence is consent only to a first delay of at most 30 days; a longer or indefinite one, and every further one, needs express consent,
//! else the order is cancelled. It is about sending: what has been sent is past it.
//!
//! European Union, directive 2011/83/EU, article 18 (and alike in the EEA, and in the United Kingdom by the Consumer Rights Act 2015,
//! section 28): who was not delivered to in time may set a further period, end the contract when that passes too (at once, where the date
//! was essential), and is paid back without undue delay. Silence means nothing.

use promise::Day;
use view::{Locale, locale::say};

use crate::{
    layout::{Link, Page},
    notice::From,
    notice::one_stop,
    texts::Texts,
};

/// Whose law it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    Us,
    Eu,
}

impl Law {
    /// By the destination's country; nothing where neither holds.
    pub fn of(country: &str) -> Option<Law> {
        const EUROPE: [&str; 31] = [
            "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU", "IE", "IS", "IT", "LI",
            "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
        ];
        match country.to_ascii_uppercase().as_str() {
            "US" | "PR" | "VI" | "GU" | "AS" | "MP" => Some(Law::Us),
            other if EUROPE.contains(&other) => Some(Law::Eu),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Law::Us => "us",
            Law::Eu => "eu",
        }
    }
}

/// What follows when nobody answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The shopper is taken to agree.
    Consents,
    /// The order is cancelled, unless it was sent by then.
    Cancels,
    /// Nothing.
    Nothing,
}

/// What a notice has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    pub law: Law,
    pub promised: Day,
    /// The new window; none: no date can be given.
    pub revised: Option<(Day, Day)>,
    pub silence: Silence,
    /// The last day to answer, where silence means something.
    pub until: Option<Day>,
    /// Who agrees to wait may still cancel until it is sent.
    pub any_time: bool,
}

/// A delay that silence agrees to, in days after the date first promised.
const SHORT: i32 = 30;

/// The terms of a notice. `agreed`: the last date of the notice before it, for a further delay.
pub fn terms(law: Law, promised: Day, revised: Option<(Day, Day)>, agreed: Option<Day>) -> Terms {
    let short = revised.is_some_and(|(_, to)| to.0 - promised.0 <= SHORT);
    let (silence, until) = match (law, agreed) {
        (Law::Eu, _) => (Silence::Nothing, None),
        (Law::Us, Some(before)) => (Silence::Cancels, Some(before)),
        (Law::Us, None) if short => (Silence::Consents, revised.map(|r| r.1)),
        (Law::Us, None) => (Silence::Cancels, Some(Day(promised.0 + SHORT))),
    };
    Terms { law, promised, revised, silence, until, any_time: law == Law::Us && revised.is_none() }
}

/// The notice's words. `wait` and `cancel`: where the two buttons lead.
pub fn page(t: &Terms, number: &str, reason: Option<&str>, from: &From, wait: &str, cancel: &str, l: &Texts) -> Page {
    let day = |d: Day| l.day(d);
    let mut paragraphs = vec![say(l, "option.promised", &[("promised", &day(t.promised))])];
    paragraphs.push(match t.revised {
        Some((from, to)) => say(l, "option.revised", &[("days", &l.days(from, to))]),
        None => say(l, "option.unknown", &[]),
    });
    if let Some(reason) = reason.map(|r| r.trim().trim_end_matches(['.', '。'])).filter(|r| !r.is_empty()) {
        paragraphs.push(say(l, "option.reason", &[("reason", reason)]));
    }
    paragraphs.push(say(l, "option.free", &[]));
    let until = t.until.map(day).unwrap_or_default();
    match t.silence {
        Silence::Consents => paragraphs.push(say(l, "option.silence", &[("until", &until)])),
        Silence::Cancels => paragraphs.push(say(l, "option.express", &[("until", &until)])),
        Silence::Nothing if t.until.is_some() => paragraphs.push(say(l, "option.answer_by", &[("until", &until)])),
        Silence::Nothing => {}
    }
    if t.any_time {
        paragraphs.push(say(l, "option.any_time", &[]));
    }
    if t.law == Law::Eu {
        paragraphs.push(say(l, "option.eu", &[]));
    }
    one_stop(&mut paragraphs);
    let button = |key: &str, url: &str| Link { text: say(l, key, &[]), url: url.to_owned() };
    Page {
        language: l.language(),
        store: from.sender(),
        subject: say(l, "option.subject", &[("number", number)]),
        preheader: paragraphs[1].clone(),
        headline: say(l, "option.headline", &[]),
        tone: "warning",
        paragraphs,
        buttons: vec![button("option.wait", wait), button("option.cancel", cancel)],
        footer: vec![say(l, "message.why", &[("store", &from.name)])],
        links: from.help(l).into_iter().collect(),
        ..Page::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn silence_agrees_to_a_first_short_delay_alone() {
        let promised = day("2026-12-01");
        let to = |text: &str| Some((promised, day(text)));
        for (revised, agreed, silence, until) in [
            (to("2026-12-31"), None, Silence::Consents, "2026-12-31"),
            (to("2027-01-01"), None, Silence::Cancels, "2026-12-31"),
            (None, None, Silence::Cancels, "2026-12-31"),
            (to("2026-12-20"), Some(day("2026-12-10")), Silence::Cancels, "2026-12-10"),
            (None, Some(day("2026-12-10")), Silence::Cancels, "2026-12-10"),
        ] {
            let t = terms(Law::Us, promised, revised, agreed);
            assert_eq!((t.silence, t.until), (silence, Some(day(until))), "{revised:?} {agreed:?}");
            assert_eq!(t.any_time, revised.is_none());
        }
        let t = terms(Law::Eu, promised, None, None);
        assert_eq!((t.silence, t.until, t.any_time), (Silence::Nothing, None, false));
    }

    #[test]
    fn the_law_is_the_destinations() {
        let of = |c| Law::of(c).map(Law::name);
        assert_eq!((of("us"), of("DE"), of("GB"), of("JP"), of("")), (Some("us"), Some("eu"), Some("eu"), None, None));
    }
}
