//! What the shopper is asked, and may ask for: how it went, being told, links to other orders.

use std::{string::String, vec::Vec};

use super::{Page, away, build::el, button, group, named_button};
use crate::node::{Element, Node};

/// How it went: asked once, and taken no for an answer.
pub fn asked(p: &Page) -> Element {
    let title = p.say("care.asked", &[("store", &p.d.store_name)]);
    let mut scores = group(title);
    let list = (0..=10u32).map(|n| {
        let mut text = String::new();
        text.push_str(&p.l.number(n));
        let value = n.to_string();
        let mut choice = p.choice("radio", "score", &value, text);
        if let Some(Node::Element(field)) = choice.children.first_mut() {
            field.attributes.push(("required".into(), "".into()));
        }
        choice.attributes.retain(|a| a.0 != "class" && a.0 != "part");
        choice.with("class", "care-score").with("part", "care-score")
    });
    scores = scores.child(el("div", "care-scores").children(list));
    let ends = el("p", "care-ends").child(el("span", "care-hint").text(p.say("care.asked.low", &[])));
    scores = scores.child(ends.child(el("span", "care-hint").text(p.say("care.asked.high", &[]))));
    let words = p.area("words", p.say("care.asked.why", &[]), String::new(), false);
    let later = named_button(p.say("care.asked.no", &[]), "outcome", "dismiss");
    let actions = el("p", "care-actions").child(button(p.say("care.send", &[]))).child(later);
    p.form("feedback").with("data-asked", "").child(scores.child(words)).child(actions)
}

/// Where to be told of this order.
pub fn updates(p: &Page) -> Vec<Node> {
    let u = &p.d.updates;
    let mut root = p.screen(p.say("care.updates", &[]), Some("help"));
    let on = |channel: &str| u.on.iter().any(|c| c == channel);
    if let Some(url) = u.push.as_deref().and_then(away) {
        // Its own page asks the browser: a page of the store's can't hold our worker.
        let link = el("a", "link").with("href", url).with("target", "_blank").with("rel", "noopener").with("data-push", "");
        let mut row = el("p", "care-item").child(link.text(p.say("care.updates.push", &[])));
        if on("push") {
            row = row.child(el("span", "care-hint").text(p.say("care.updates.on", &[])));
        }
        root = root.child(row);
    }
    for (channel, offered, field, kind, complete) in
        [("email", u.email, "care.email", "email", "email"), ("sms", u.sms, "care.phone", "tel", "tel")]
    {
        if !offered {
            continue;
        }
        let path = ["updates/", channel].concat();
        let title = p.named("care.updates.", channel);
        if on(channel) {
            let stop = named_button(p.say("care.updates.stop", &[]), "outcome", "stop");
            let state = el("p", "care-fact").text(p.say("care.updates.on", &[]));
            root = root.child(p.form(&path).child(group(title).child(state).child(el("p", "care-actions").child(stop))));
            continue;
        }
        let address = p.line(if channel == "email" { "email" } else { "phone" }, kind, p.say(field, &[]), complete);
        // The words are part of what is recorded.
        let mut yes = p.choice("checkbox", "yes", "yes", p.say("care.updates.yes", &[("number", &p.d.number)]));
        if let Some(Node::Element(tick)) = yes.children.first_mut() {
            tick.attributes.push(("required".into(), "".into()));
        }
        let send = el("p", "care-actions").child(button(p.say("care.send", &[])));
        root = root.child(p.form(&path).child(group(title).child(address).child(yes).child(send)));
    }
    Vec::from([Node::Element(root)])
}

/// Links to the shopper's other orders, sent to their address.
pub fn history(p: &Page, sent: bool) -> Vec<Node> {
    let root = p.screen(p.say("care.history", &[]), Some("help"));
    let root = if sent {
        root.child(el("p", "care-fact").with("role", "status").text(p.say("care.history.sent", &[])))
    } else {
        let email = p.line("email", "email", p.say("care.email", &[]), "email");
        let text = p.say("care.history.text", &[("store", &p.d.store_name)]);
        let send = el("p", "care-actions").child(button(p.say("care.history.send", &[])));
        root.line("p", "care-fact", text).child(p.form("history").child(email).child(send))
    };
    Vec::from([Node::Element(root)])
}
