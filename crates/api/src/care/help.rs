//! Help itself: which questions come first, and which way to the store is the calmest.

use view::{Locale, locale::say};
use wire::{
    OrderDocument,
    care::{Contact, Faq, Help},
};

use super::{
    checks::situation,
    settings::{self, text},
};

/// The questions that there are, by set, and the situations that they are about. Their words: `care.faq.{id}.q` and `.a`.
const QUESTIONS: [(&str, &str, &[&str]); 13] = [
    ("lost", "quiet", &["quiet", "late"]),
    ("lost", "lost_when", &["quiet", "late", "lost"]),
    ("lost", "lost_next", &["lost", "late"]),
    ("peak", "peak_longer", &["under_way", "late", "quiet", "ordered"]),
    ("peak", "peak_gift", &["under_way", "late", "ordered"]),
    ("delivered", "not_found", &["delivered"]),
    ("delivered", "part", &["delivered"]),
    ("damaged", "damaged", &["delivered", "damaged"]),
    ("general", "missed", &["missed", "ready"]),
    ("general", "customs", &["exception"]),
    ("general", "address", &["ordered"]),
    ("general", "date", &["ordered", "under_way"]),
    ("general", "returned", &["returned"]),
];

/// What the moment adds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// Reports of the store that are open.
    pub open_reports: u32,
    /// A delay notice for the peak season holds.
    pub peak: bool,
}

pub fn help(d: &OrderDocument, settings: &settings::Help, moment: Moment, l: &dyn Locale) -> Help {
    let now = situation(d);
    let language = l.language();
    let mut faqs: Vec<Faq> = settings
        .faqs
        .iter()
        .map(|f| Faq {
            id: f.id.clone(),
            set: "own".into(),
            question: text(&f.question, &language).to_owned(),
            answer: text(&f.answer, &language).to_owned(),
            fits: f.situations.iter().any(|s| s == now),
        })
        .collect();
    let peak = match settings.peak.as_str() {
        "on" => true,
        "off" => false,
        _ => moment.peak,
    };
    for (set, id, about) in QUESTIONS.iter().filter(|q| q.0 != "peak" || peak) {
        faqs.push(Faq {
            id: (*id).into(),
            set: (*set).into(),
            question: say(l, &format!("care.faq.{id}.q"), &[]),
            answer: say(l, &format!("care.faq.{id}.a"), &[]),
            fits: about.contains(&now),
        });
    }
    // Stable: within each half the store's own stay first.
    faqs.sort_by_key(|f| !f.fits);
    let busy = match settings.busy.as_str() {
        "on" => true,
        "off" => false,
        _ => moment.open_reports >= settings.busy_from.max(1),
    };
    Help { faqs, contacts: contacts(d, settings, busy, l), busy }
}

/// The store's contacts, with the order's context in their addresses.
fn contacts(d: &OrderDocument, settings: &settings::Help, busy: bool, l: &dyn Locale) -> Vec<Contact> {
    let language = l.language();
    let headline = d.sentence.as_ref().map_or("", |s| s.headline.as_str());
    let mut list: Vec<Contact> = settings
        .contacts
        .iter()
        .map(|c| {
            let address = c.address.trim();
            let url = match c.kind.as_str() {
                "email" => {
                    let subject = say(l, "care.mail.subject", &[("number", &d.number)]);
                    let body = say(l, "care.mail.body", &[("number", &d.number), ("headline", headline)]);
                    format!("mailto:{address}?subject={}&body={}", encoded(&subject), encoded(&format!("{body}\n\n")))
                }
                "phone" => format!("tel:{}", address.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect::<String>()),
                "chat" | "page" if !address.contains("{order}") => with_order(address, &d.number),
                _ => address.replace("{order}", &encoded(&d.number)),
            };
            Contact {
                kind: c.kind.clone(),
                label: text(&c.label, &language).to_owned(),
                url,
                text: if matches!(c.kind.as_str(), "email" | "phone") { address.to_owned() } else { String::new() },
                hours: text(&c.hours, &language).to_owned(),
                minutes: c.minutes,
            }
        })
        .collect();
    if busy {
        list.sort_by_key(calm);
    }
    let support = d.store.support_url.as_deref().filter(|u| u.starts_with("https://") || u.starts_with("http://"));
    if let Some(url) = support.filter(|_| list.is_empty()) {
        list.push(Contact { kind: "page".into(), url: with_order(url, &d.number), ..Contact::default() });
    }
    list
}

/// The shortest wait first, where waits are known; ways that keep nobody waiting before those that do.
fn calm(c: &Contact) -> (u32, u32) {
    let usual = match c.kind.as_str() {
        "page" => 0,
        "email" => 1,
        "social" => 2,
        "chat" => 3,
        _ => 4,
    };
    // Whoever writes can do something else while he waits.
    let holding = match c.kind.as_str() {
        "phone" | "chat" => c.minutes.max(if c.minutes == 0 { 30 } else { 0 }),
        _ => c.minutes / 60,
    };
    (holding, usual)
}

fn with_order(url: &str, number: &str) -> String {
    let (head, fragment) = url.split_once('#').map_or((url, None), |(h, f)| (h, Some(f)));
    let mark = if head.contains('?') { '&' } else { '?' };
    let fragment = fragment.map(|f| format!("#{f}")).unwrap_or_default();
    format!("{head}{mark}order={}{fragment}", encoded(number))
}

/// Percent-encoded, all but letters, digits and `-._~`.
pub fn encoded(text: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(b)),
            _ => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Words;

    fn store(busy: &str) -> settings::Help {
        serde_json::from_value(serde_json::json!({"busy": busy, "busy_from": 10, "peak": "auto",
            "faqs": [{"id": "gift", "situations": ["late"], "question": {"en": "Gift?"}, "answer": {"en": "Yes"}},
                {"id": "any", "question": {"en": "Any?"}, "answer": {"en": "No"}}],
            "contacts": [{"kind": "phone", "address": "+1 (555) 0100", "minutes": 40}, {"kind": "chat", "address": "https://chat.example/?o={order}", "minutes": 5},
                {"kind": "email", "address": "help@shop.example", "minutes": 600}, {"kind": "social", "address": "https://social.example/shop"}]}))
        .unwrap()
    }

    fn late() -> OrderDocument {
        let mut d = OrderDocument { number: "#1001 & more".into(), status: "shipped".into(), ..OrderDocument::default() };
        d.estimate = Some(wire::order::Estimate { outlook: "late".into(), ..Default::default() });
        d
    }

    #[test]
    fn questions_of_the_situation_come_first_and_the_stores_own_before_ours() {
        let l = Words::of(["en"]);
        let found = help(&late(), &store("off"), Moment::default(), &l);
        assert_eq!(found.faqs[0].id, "gift");
        assert!(found.faqs[1].fits && found.faqs[1].set == "lost", "{:?}", found.faqs[1]);
        assert!(found.faqs.iter().all(|f| f.set != "peak"));
        assert!(
            help(&late(), &store("off"), Moment { peak: true, ..Moment::default() }, &l).faqs.iter().any(|f| f.set == "peak")
        );
    }

    #[test]
    fn while_support_is_busy_the_calmest_way_comes_first() {
        let l = Words::of(["en"]);
        let order = |busy: &str, open_reports| {
            let found = help(&late(), &store(busy), Moment { open_reports, peak: false }, &l);
            found.contacts.into_iter().map(|c| c.kind).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(order("auto", 3), "phone chat email social");
        assert_eq!(order("auto", 10), "social chat email phone");
        assert_eq!(order("on", 0), order("auto", 10));
    }

    #[test]
    fn the_orders_context_goes_along_and_nothing_breaks_out_of_it() {
        let l = Words::of(["en"]);
        let mut d = late();
        d.number = "#1&cc=evil@x.y\r\nBcc: a".into();
        let contacts = help(&d, &store("off"), Moment::default(), &l).contacts;
        assert_eq!(contacts[0].url, "tel:+15550100");
        assert_eq!(contacts[1].url, "https://chat.example/?o=%231%26cc%3Devil%40x.y%0D%0ABcc%3A%20a");
        assert!(contacts[2].url.starts_with("mailto:help@shop.example?subject=Order%20%231%26cc"), "{}", contacts[2].url);
        assert_eq!(contacts[2].url.matches('&').count(), 1);
        assert_eq!(with_order("https://s.example/h?a=1#x", "#1"), "https://s.example/h?a=1&order=%231#x");
    }
}
