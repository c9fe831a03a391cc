//! A page in the words of a [`Locale`]: what the browser does in `www/embed/draw.js`, for the server.

use std::{borrow::Cow, string::String, vec::Vec};

use promise::{Day, Instant};

use crate::{
    locale::{Locale, direction},
    node::{Element, Node, plain},
    page::*,
};

/// The nodes of a page.
pub fn nodes(page: &Page, l: &dyn Locale) -> Vec<Node> {
    let mut reader = Reader { numbers: page.out.numbers.iter(), text: &page.out.text, l };
    let mut root = Element { tag: "".into(), attributes: Vec::new(), children: Vec::new() };
    reader.children(&mut root);
    root.children
}

struct Reader<'a> {
    numbers: std::slice::Iter<'a, f64>,
    text: &'a str,
    l: &'a dyn Locale,
}

impl Reader<'_> {
    fn number(&mut self) -> f64 {
        self.numbers.next().copied().unwrap_or(0.0)
    }

    fn string(&mut self) -> String {
        let length = self.number() as usize;
        let (text, rest) = self.text.split_at_checked(length).unwrap_or_default();
        self.text = rest;
        text.to_owned()
    }

    /// Up to the element's end.
    fn children(&mut self, parent: &mut Element) {
        let mut separator = false;
        let mut attribute: Option<String> = None;
        loop {
            let op = self.number() as u8;
            let text = match op {
                END => return,
                OPEN | LINE => {
                    let (tag, part) = (self.string(), self.string());
                    let mut element = Element { tag: tag.into(), attributes: Vec::new(), children: Vec::new() };
                    if !part.is_empty() {
                        element.attributes = Vec::from([("class".into(), part.clone().into()), ("part".into(), part.into())]);
                    }
                    self.children(&mut element);
                    // A carrier's words that say what ours say are not said twice.
                    let quoted = plain(&element.children);
                    let twice = element.tag == "q"
                        && parent.children.iter().any(|c| plain(std::slice::from_ref(c)).eq_ignore_ascii_case(&quoted));
                    if op == OPEN || !element.children.is_empty() && !twice {
                        parent.children.push(Node::Element(element));
                    }
                    continue;
                }
                ATTRIBUTE => {
                    let name: Cow<str> = self.string().into();
                    parent.attributes.push((name, self.string().into()));
                    continue;
                }
                ATTRIBUTE_SAID => {
                    attribute = Some(self.string());
                    continue;
                }
                SEPARATOR => {
                    separator = !parent.children.is_empty();
                    continue;
                }
                DIRECTION => {
                    parent.attributes.push(("dir".into(), direction(&self.l.language()).into()));
                    continue;
                }
                SAY => self.said(),
                COUNTRY => {
                    let code = self.string();
                    self.l.country(&code)
                }
                _ => self.string(),
            };
            if let Some(name) = attribute.take() {
                parent.attributes.push((name.into(), text.into()));
            } else if !text.is_empty() {
                if std::mem::take(&mut separator) {
                    parent.children.push(Node::Text(" · ".into()));
                }
                parent.children.push(Node::Text(text));
            }
        }
    }

    fn said(&mut self) -> String {
        let key = self.string();
        let count = self.number();
        let mut values: Vec<(String, String)> = Vec::new();
        let text = if count > 0.0 {
            let n = (count - 1.0) as u32;
            values.push(("n".into(), self.l.number(n)));
            self.l.text(&key, Some(&self.l.plural(n))).or_else(|| self.l.text(&key, Some("other")))
        } else if key.is_empty() {
            Some("{days}".into())
        } else {
            self.l.text(&key, None)
        };
        loop {
            let kind = self.number() as u8;
            if kind == END {
                break;
            }
            let name = self.string();
            let l = self.l;
            let value = match kind {
                V_NUMBER => l.number(self.number() as u32),
                V_DAY => l.day(Day(self.number() as i32)),
                V_DAYS => l.days(Day(self.number() as i32), Day(self.number() as i32)),
                V_TIME => l.time(Instant(self.number() as i64), 0),
                V_MONEY => {
                    let minor = self.number() as i64;
                    l.money(minor, &self.string())
                }
                V_RELATIVE => {
                    let n = self.number() as i64;
                    l.relative(n, &self.string())
                }
                V_SPAN => {
                    let from = l.number(self.number() as u32);
                    [&from, "–", &l.number(self.number() as u32)].concat()
                }
                V_SAID => self.said(),
                V_COUNTRY => l.country(&self.string()),
                _ => self.string(),
            };
            values.push((name, value));
        }
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        crate::locale::fill(&text.unwrap_or_default(), &values).trim().to_owned()
    }
}
