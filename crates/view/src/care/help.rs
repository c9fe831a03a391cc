//! The first screen: what is wrong, questions and answers, the ways to the store, and what else there is.

use std::{string::String, vec::Vec};

use wire::care::{Contact, Faq, Help};

use super::{Page, asked, away, brief, build::el, minutes};
use crate::node::{Element, Node};

pub fn help(p: &Page) -> Vec<Node> {
    let d = p.d;
    let mut root = p.screen(p.say("care.title", &[("number", &d.number)]), None);
    if d.feedback.as_ref().is_some_and(|f| f.due) {
        root = root.child(asked(p));
    }
    let open: Vec<_> = d
        .reports
        .iter()
        .map(|r| wire::care::BriefReport {
            id: r.id.clone(),
            kind: r.kind.clone(),
            state: r.state.clone(),
            review_on: r.review_on.clone(),
            ..Default::default()
        })
        .collect();
    root.children.extend(brief(&open, p.l, p.base));
    if !d.kinds.is_empty() {
        let list = d.kinds.iter().map(|k| {
            let path = ["report/new?kind=", &k.kind].concat();
            let link = el("a", "link").with("href", p.to(&path)).with("data-screen", path);
            el("li", "care-item").child(link.text(p.named("care.kind.", &k.kind)))
        });
        root = root.child(el("h3", "care-subtitle").text(p.say("care.wrong", &[]))).child(el("ul", "care-list").children(list));
    }
    if let Some(help) = &d.help {
        root = contacts(p, questions(p, root, help), help);
    }
    let more = [
        (d.updates.push.is_some() || d.updates.email || d.updates.sms, "updates", "care.updates"),
        (d.history, "history", "care.history"),
    ];
    let links = more.iter().filter(|m| m.0).map(|(_, path, key)| {
        let link = el("a", "link").with("href", p.to(path)).with("data-screen", *path);
        el("li", "care-item").child(link.text(p.say(key, &[])))
    });
    let links: Vec<Element> = links.collect();
    if !links.is_empty() {
        root = root.child(el("ul", "care-list care-more").children(links));
    }
    Vec::from([Node::Element(root)])
}

fn questions(p: &Page, mut root: Element, help: &Help) -> Element {
    if help.faqs.is_empty() {
        return root;
    }
    let searched: Vec<String> = p.search.split_whitespace().map(str::to_lowercase).collect();
    let fits = |f: &&Faq| {
        let text = [&f.question, " ", &f.answer].concat().to_lowercase();
        searched.iter().all(|word| text.contains(word.as_str()))
    };
    let found: Vec<&Faq> = help.faqs.iter().filter(fits).collect();
    // Where there is script, what is typed is looked for on the device; without, the form asks the server.
    let field =
        el("input", "care-field").with("type", "search").with("name", "q").with("maxlength", "100").with("autocomplete", "off");
    let field = field.with("data-search", "").with("value", p.search.to_owned());
    let label = el("label", "care-label").text(p.say("care.search", &[])).child(field);
    root = root.child(el("h3", "care-subtitle").text(p.say("care.faqs", &[])));
    let form = el("form", "care-form care-search").with("method", "get").with("action", p.to("help")).with("role", "search");
    root = root.child(form.child(label));
    let list = found.iter().map(|f| {
        let entry = el("details", "care-faq").child(el("summary", "care-question").text(f.question.clone()));
        el("li", "care-item").child(entry.child(el("p", "care-answer").text(f.answer.clone())))
    });
    root = root.child(el("ul", "care-list care-faqs").children(list));
    let none = el("p", "care-none").with("role", "status").with("data-none", p.say("care.search.none", &[]));
    root.child(if found.is_empty() { none.text(p.say("care.search.none", &[])) } else { none })
}

fn contacts(p: &Page, mut root: Element, help: &Help) -> Element {
    if help.contacts.is_empty() {
        return root;
    }
    root = root.child(el("h3", "care-subtitle").text(p.say("care.contacts", &[])));
    if help.busy {
        root = root.line("p", "care-hint", p.say("care.busy", &[]));
    }
    root.child(el("ul", "care-list").children(help.contacts.iter().filter_map(|c| contact(p, c))))
}

fn contact(p: &Page, c: &Contact) -> Option<Element> {
    let label = if c.label.is_empty() { p.named("care.contact.", &c.kind) } else { c.label.clone() };
    let mut link = el("a", "link").with("href", away(&c.url)?);
    if c.url.starts_with("http") {
        link = link.with("rel", "noreferrer noopener").with("target", "_blank");
    }
    let row = el("li", "care-item").child(link.text(label)).line("span", "care-hint", c.text.clone());
    Some(row.line("span", "care-hint", c.hours.clone()).line("span", "care-hint", minutes(p.l, c.minutes)))
}
