//! A report: the checks and the questions that open it, and then its own page, from what is offered to whether it helped.

use std::{string::String, vec::Vec};

use wire::care::{Check, Kind, Offer, Report};

use super::{Page, away, build::el, button, group, named_button, of_ten};
use crate::{
    locale::count,
    node::{Element, Node},
};

/// The checks that solve most cases, then what is needed for the rest.
pub fn report_form(p: &Page, kind: &Kind, parcel: &str) -> Vec<Node> {
    let root = p.screen(p.named("care.kind.", &kind.kind), Some("help"));
    let mut form = p.form("report/new").with("enctype", "multipart/form-data");
    for (name, value) in [("kind", kind.kind.as_str()), ("parcel", parcel)] {
        if !value.is_empty() {
            form = form.child(el("input", "").with("type", "hidden").with("name", name).with("value", value.to_owned()));
        }
    }
    // A check can be ticked where there is a place to look; others only tell.
    let look =
        |c: &&Check| matches!(c.id.as_str(), "safe_place" | "household" | "neighbours" | "proof" | "wrapping" | "slip" | "left");
    if !kind.checks.is_empty() {
        let mut first = group(p.say("care.first", &[]));
        for c in &kind.checks {
            let text = check(p, c);
            let mut line = if look(&c) { p.choice("checkbox", "checked", &c.id, text) } else { el("p", "care-fact").text(text) };
            let url = c.values.iter().find(|v| v.0 == "url").and_then(|v| away(&v.1));
            if let Some(url) = url {
                let link = el("a", "link").with("href", url).with("rel", "noreferrer noopener").with("target", "_blank");
                line = el("div", "care-with").child(line).child(link.text(p.say("care.open", &[])));
            }
            first = first.child(line);
        }
        form = form.child(first);
    }
    // The questions: folded where looking mostly ends it.
    let ends = matches!(kind.kind.as_str(), "not_arrived_though_delivered" | "stolen" | "missing_item" | "late");
    let mut rest = Vec::new();
    if kind.items && p.d.items.len() > 1 {
        let boxes = p.d.items.iter().map(|i| p.choice("checkbox", "item", &i.sku, i.title.clone()));
        rest.push(group(p.say("care.which", &[])).children(boxes));
    }
    if kind.address {
        rest.push(p.area("address", p.say("care.address", &[]), String::new(), true));
    }
    rest.push(p.area("words", p.say("care.words", &[]), p.say("care.words.hint", &[]), false));
    if kind.photos {
        rest.push(photos(p));
    }
    rest.push(el("p", "care-actions").child(button(p.say("care.send", &[]))));
    if ends {
        form = form.child(el("p", "care-actions").child(named_button(p.say("care.found", &[]), "outcome", "found")));
        let mut more = el("details", "care-next").child(el("summary", "care-question").text(p.say("care.still", &[])));
        if p.problem.is_some() {
            more = more.with("open", "");
        }
        form = form.child(more.children(rest));
    } else {
        form = form.children(rest);
    }
    Vec::from([Node::Element(root.child(form))])
}

fn photos(p: &Page) -> Element {
    let field = el("input", "care-field").with("type", "file").with("name", "photo").with("multiple", "");
    let field = field.with("accept", "image/jpeg,image/png,image/webp");
    el("label", "care-label")
        .text(p.say("care.photos", &[]))
        .line("span", "care-hint", p.say("care.photos.hint", &[]))
        .child(field)
}

/// A check in words, with what is known of it.
fn check(p: &Page, c: &Check) -> String {
    let value = |name: &str| c.values.iter().find(|v| v.0 == name).map(|v| v.1.as_str()).unwrap_or_default();
    let key = ["care.check.", &c.id].concat();
    if c.id == "split" {
        return count(p.l, &key, value("n").parse().unwrap_or(1), &[]);
    }
    let (day, time) = p.moment(value("at"));
    let (from, to) = (promise::Day::parse(value("from")), promise::Day::parse(value("to")));
    let days = from.zip(to).map(|(a, b)| if a == b { p.l.day(a) } else { p.l.days(a, b) }).unwrap_or_default();
    let values = [
        ("carrier", value("carrier")),
        ("name", value("name")),
        ("quote", value("quote")),
        ("day", day.as_str()),
        ("time", time.as_str()),
        ("days", days.as_str()),
    ];
    let mut text = p.say(&key, &values);
    if !value("place").is_empty() {
        text.push_str(" · ");
        text.push_str(value("place"));
    }
    text
}

fn option(p: &Page, o: &Offer) -> String {
    let day = o.from.as_deref().map(|d| p.day(d)).unwrap_or_default();
    let mut text = p.say(&["care.option.", &o.option].concat(), &[("day", &day)]);
    if let Some(percent) = o.percent {
        text.push_str(&[" (", &p.l.number(percent.into()), " %)"].concat());
    }
    text
}

/// A report's page.
pub fn report(p: &Page, r: &Report) -> Vec<Node> {
    let mut root = p.screen(p.named("care.kind.", &r.kind), Some("help"));
    let can = |action: &str| r.actions.iter().any(|a| a == action);
    let at = |path: &str| ["report/", &r.id, "/", path].concat();
    root = root.child(
        el("p", "care-state").with("role", "status").with("data-state", r.state.clone()).text(p.named("care.state.", &r.state)),
    );
    if r.state == "checking" {
        let text = match &r.review_on {
            Some(day) => p.say("care.reviewed", &[("day", &p.day(day))]),
            None => p.say("care.pending", &[("store", &p.d.store_name)]),
        };
        root = root.line("p", "care-fact", text);
    }
    if let Some(chance) = r.chance.filter(|c| of_ten(*c) > 0 && matches!(r.state.as_str(), "checking" | "offered")) {
        root = root.line("p", "care-fact", count(p.l, "care.chance", of_ten(chance), &[]));
    }
    if let Some(day) = r.later.first().and_then(|o| o.from.as_deref()) {
        let options: Vec<String> = r.later.iter().map(|o| option(p, o)).collect();
        root = root.line("p", "care-fact", p.say("care.later", &[("day", &p.day(day)), ("options", &options.join(", "))]));
    }
    if let Some(a) = &r.agreement {
        let offer = Offer { option: a.option.clone(), percent: a.percent, ..Offer::default() };
        root = root.line("p", "care-fact", p.say("care.agreed", &[("option", &option(p, &offer))])).line(
            "p",
            "care-hint",
            a.note.clone(),
        );
    }
    if let Some(done) = &r.resolution {
        root = root.line("p", "care-fact", done.note.clone());
        if !done.reference.is_empty() {
            root = root.line("p", "care-hint", p.say("care.reference", &[("reference", &done.reference)]));
        }
    }
    if can("agree") && !r.offers.is_empty() {
        let mut choices = group(p.say("care.choose", &[]));
        for (n, o) in r.offers.iter().enumerate() {
            let mut choice = p.choice("radio", "option", &o.option, option(p, o));
            if let Some(Node::Element(field)) = choice.children.first_mut() {
                field.attributes.push(("required".into(), "".into()));
                if n == 0 && r.offers.len() == 1 {
                    field.attributes.push(("checked".into(), "".into()));
                }
            }
            choices = choices.child(choice.line("span", "care-hint", o.note.clone()));
        }
        let agree = el("p", "care-actions").child(button(p.say("care.agree", &[])));
        root = root.child(p.form(&at("agree")).child(choices).child(agree));
    }
    if r.ask {
        let (yes, no) = (p.say("care.yes", &[]), p.say("care.no", &[]));
        let words = p.area("words", p.say("care.words.more", &[]), String::new(), false);
        let yes = el("button", "care-button").with("type", "submit").with("name", "solved").with("value", "yes").text(yes);
        let no = el("button", "care-button quiet").with("type", "submit").with("name", "solved").with("value", "no").text(no);
        let question = group(p.say("care.solved", &[])).child(words).child(el("p", "care-actions").child(yes).child(no));
        root = root.child(p.form(&at("answer")).child(question));
    }
    if r.solved == Some(true) {
        root = root.line("p", "care-fact", p.say("care.thanks", &[]));
    }
    if !r.words.is_empty() {
        root = root.child(el("blockquote", "care-quote").with("dir", "auto").text(r.words.clone()));
    }
    if !r.photos.is_empty() {
        root = root.line("p", "care-hint", count(p.l, "care.photos.n", r.photos.len() as u32, &[]));
    }
    if can("add") && r.state != "agreed" {
        let fields = [p.area("words", p.say("care.words.more", &[]), String::new(), false), photos(p)];
        let form = p.form(&at("add")).with("enctype", "multipart/form-data").children(fields);
        let form = form.child(el("p", "care-actions").child(button(p.say("care.send", &[]))));
        let fold = el("details", "care-next").child(el("summary", "care-question").text(p.say("care.add", &[])));
        root = root.child(fold.child(form));
    }
    if can("withdraw") {
        let found = named_button(p.say("care.found", &[]), "outcome", "found");
        let drop = named_button(p.say("care.withdraw", &[]), "outcome", "mistake");
        root = root.child(p.form(&at("withdraw")).child(el("p", "care-actions").child(found).child(drop)));
    }
    if can("reopen") && !r.ask {
        let words = p.area("words", p.say("care.words", &[]), String::new(), true);
        let form = p.form(&at("reopen")).child(words).child(el("p", "care-actions").child(button(p.say("care.reopen", &[]))));
        root = root
            .child(el("details", "care-next").child(el("summary", "care-question").text(p.say("care.reopen", &[]))).child(form));
    }
    let steps = r.steps.iter().map(|s| {
        let (day, time) = p.moment(&s.at);
        let when = el("time", "care-hint").with("datetime", s.at.clone()).text([&day, ", ", &time].concat());
        el("li", "care-step").child(el("span", "").text(p.named("care.state.", &s.state))).child(when)
    });
    root = root.child(el("ol", "care-list care-steps").children(steps));
    Vec::from([Node::Element(root)])
}
