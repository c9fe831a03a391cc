//! Help after the purchase, as screens: what the hosted pages show without script, and what the widget's module builds from the same nodes.
//!
//! A screen is links and forms. Links and forms lead to other screens by paths relative to [`Page::base`]; where there is script, the module
//! fetches those instead of leaving the page.

mod ask;
mod build;
mod help;
mod report;

use std::{borrow::Cow, string::String, vec::Vec};

use promise::{Day, Instant};
use wire::{CareDocument, care::BriefReport};

pub use ask::{asked, history, updates};
pub use help::help;
pub use report::{report, report_form};

use self::build::el;
use crate::{
    locale::{Locale, count, direction, say},
    node::{Element, Node},
};

/// What all screens need.
pub struct Page<'a> {
    pub d: &'a CareDocument,
    pub l: &'a dyn Locale,
    /// What the addresses of screens begin with: `/track/{token}/care/`.
    pub base: &'a str,
    /// What was wrong with what was sent, in the reader's words.
    pub problem: Option<String>,
    /// What was typed, for a form that comes back.
    pub typed: &'a [(String, String)],
    /// Makes a form's second sending harmless.
    pub key: &'a str,
    /// What was looked for, of a reader without script.
    pub search: &'a str,
}

impl Page<'_> {
    fn say(&self, key: &str, values: &[(&str, &str)]) -> String {
        say(self.l, key, values)
    }

    fn named(&self, group: &str, name: &str) -> String {
        say(self.l, &[group, name].concat(), &[])
    }

    fn to(&self, path: &str) -> String {
        [self.base, path].concat()
    }

    /// A screen's frame: its title, the way back, and what was wrong.
    fn screen(&self, title: String, back: Option<&str>) -> Element {
        let mut root = el("section", "care-screen").with("dir", direction(&self.l.language()));
        if let Some(path) = back {
            let link = el("a", "link").with("href", self.to(path)).with("data-screen", path.to_owned());
            root = root.child(el("p", "care-back").child(link.text(self.say("care.back", &[]))));
        }
        root = root.child(el("h3", "care-title").with("tabindex", "-1").text(title));
        match &self.problem {
            Some(text) => root.child(el("p", "care-problem").with("role", "alert").text(text.clone())),
            None => root,
        }
    }

    fn form(&self, path: &str) -> Element {
        let form =
            el("form", "care-form").with("method", "post").with("action", self.to(path)).with("data-form", path.to_owned());
        form.child(el("input", "").with("type", "hidden").with("name", "key").with("value", self.key.to_owned()))
    }

    fn typed(&self, name: &str) -> String {
        self.typed.iter().find(|t| t.0 == name).map(|t| t.1.clone()).unwrap_or_default()
    }

    fn ticked(&self, name: &str, value: &str) -> bool {
        self.typed.iter().any(|t| t.0 == name && t.1 == value)
    }

    /// A label with its field: several lines, or one.
    fn area(&self, name: &'static str, label: String, hint: String, required: bool) -> Element {
        let mut field = el("textarea", "care-field").with("name", name).with("rows", "3").with("maxlength", "2000");
        if required {
            field = field.with("required", "");
        }
        el("label", "care-label").text(label).line("span", "care-hint", hint).child(field.text(self.typed(name)))
    }

    fn line(&self, name: &'static str, kind: &'static str, label: String, complete: &'static str) -> Element {
        let field = el("input", "care-field").with("type", kind).with("name", name).with("required", "").with("maxlength", "200");
        let field = field.with("autocomplete", complete).with("value", self.typed(name));
        el("label", "care-label").text(label).child(field)
    }

    /// A box or a dot with its words.
    fn choice(&self, kind: &'static str, name: &'static str, value: &str, label: String) -> Element {
        let mut field = el("input", "").with("type", kind).with("name", name).with("value", value.to_owned());
        if self.ticked(name, value) {
            field = field.with("checked", "");
        }
        el("label", "care-choice").child(field).child(el("span", "").text(label))
    }

    fn day(&self, text: &str) -> String {
        Day::parse(text).map(|d| self.l.day(d)).unwrap_or_default()
    }

    /// Day and time of a moment, at its own place.
    fn moment(&self, text: &str) -> (String, String) {
        match Instant::parse_with_offset(text) {
            Some((at, offset)) => (self.l.day(at.local(offset).0), self.l.time(at, offset)),
            None => (self.day(text.get(..10).unwrap_or_default()), String::new()),
        }
    }
}

fn button(label: String) -> Element {
    el("button", "care-button").with("type", "submit").text(label)
}

fn named_button(label: String, name: &'static str, value: &'static str) -> Element {
    el("button", "care-button quiet")
        .with("type", "submit")
        .with("name", name)
        .with("value", value)
        .with("formnovalidate", "")
        .text(label)
}

fn group(title: String) -> Element {
    el("fieldset", "care-group").child(el("legend", "care-legend").text(title))
}

/// How far reports have come, for the order page: nothing where there are none.
pub fn brief(reports: &[BriefReport], l: &dyn Locale, base: &str) -> Vec<Node> {
    if reports.is_empty() {
        return Vec::new();
    }
    let list = reports.iter().map(|r| {
        let path = ["report/", &r.id].concat();
        let link = el("a", "link").with("href", [base, &path].concat()).with("data-screen", path);
        let mut state = say(l, &["care.state.", &r.state].concat(), &[]);
        if let Some(day) = r.review_on.as_deref().and_then(Day::parse).filter(|_| r.state == "checking") {
            state = say(l, "care.reviewed", &[("day", &l.day(day))]);
        }
        let row = el("li", "care-report").child(link.text(say(l, &["care.kind.", &r.kind].concat(), &[])));
        row.child(el("span", "care-state").with("data-state", r.state.clone()).text(state))
    });
    let root = el("section", "care-brief").with("dir", direction(&l.language()));
    let root = root.child(el("h3", "care-subtitle").text(say(l, "care.reports", &[])));
    Vec::from([Node::Element(root.child(el("ul", "care-list").children(list)))])
}

/// A link that leaves for elsewhere: only where that is safe to follow.
fn away(url: &str) -> Option<Cow<'static, str>> {
    let fine = ["https://", "http://", "mailto:", "tel:"].iter().any(|scheme| url.starts_with(scheme));
    fine.then(|| Cow::Owned(url.to_owned()))
}

/// "4 of 10", from per mille; nothing where that would be none.
fn of_ten(chance: u16) -> u32 {
    u32::from((chance + 50) / 100)
}

fn minutes(l: &dyn Locale, n: u32) -> String {
    if n == 0 { String::new() } else { count(l, "care.minutes", n, &[]) }
}
