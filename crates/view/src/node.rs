//! A small tree of elements and texts. Texts are texts: nothing in a tree is ever read as markup.

use std::{borrow::Cow, string::String, vec::Vec};

/// An element or a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Text(String),
    Element(Element),
}

/// An element. What it does when clicked or submitted is named by its `data-action` attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    pub tag: &'static str,
    pub attributes: Vec<(&'static str, Cow<'static, str>)>,
    pub children: Vec<Node>,
}

/// An element with a class, which is its part too: what a store's styles can reach.
pub fn el(tag: &'static str, part: &'static str) -> Element {
    let mut element = Element { tag, attributes: Vec::new(), children: Vec::new() };
    if !part.is_empty() {
        element.attributes.push(("class", part.into()));
        element.attributes.push(("part", part.into()));
    }
    element
}

impl Element {
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Element {
        self.attributes.push((name, value.into()));
        self
    }

    pub fn text(mut self, text: impl Into<String>) -> Element {
        self.children.push(Node::Text(text.into()));
        self
    }

    pub fn child(mut self, child: Element) -> Element {
        self.children.push(Node::Element(child));
        self
    }

    pub fn children(mut self, children: impl IntoIterator<Item = Element>) -> Element {
        self.children.extend(children.into_iter().map(Node::Element));
        self
    }
}

/// All text of a tree, in reading order, with spaces between elements.
pub fn plain(nodes: &[Node]) -> String {
    let mut text = String::new();
    for node in nodes {
        let part = match node {
            Node::Text(t) => t.clone(),
            Node::Element(e) => plain(&e.children),
        };
        if !part.is_empty() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&part);
        }
    }
    text
}
