//! Elements, one within the other, as they are written down.

use std::{borrow::Cow, string::String, vec::Vec};

use crate::node::{Element, Node};

/// An element with a class, which is its part too: what a store's styles can reach.
pub fn el(tag: &'static str, part: &'static str) -> Element {
    let mut element = Element { tag: tag.into(), attributes: Vec::new(), children: Vec::new() };
    if !part.is_empty() {
        element.attributes.push(("class".into(), part.into()));
        element.attributes.push(("part".into(), part.into()));
    }
    element
}

impl Element {
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Element {
        self.attributes.push((name.into(), value.into()));
        self
    }

    pub(super) fn text(mut self, text: impl Into<String>) -> Element {
        self.children.push(Node::Text(text.into()));
        self
    }

    /// A child, where there is something to say.
    pub(super) fn line(self, tag: &'static str, part: &'static str, text: String) -> Element {
        if text.is_empty() { self } else { self.child(el(tag, part).text(text)) }
    }

    pub(super) fn child(mut self, child: Element) -> Element {
        self.children.push(Node::Element(child));
        self
    }

    pub(super) fn children(mut self, children: impl IntoIterator<Item = Element>) -> Element {
        self.children.extend(children.into_iter().map(Node::Element));
        self
    }
}
