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

    /// A child, where there is something to say.
    pub fn line(self, tag: &'static str, part: &'static str, text: String) -> Element {
        if text.is_empty() { self } else { self.child(el(tag, part).text(text)) }
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

/// A tree as HTML: for pages without script. Texts and attributes are escaped.
pub fn html(nodes: &[Node]) -> String {
    let mut out = String::new();
    for node in nodes {
        write(node, &mut out);
    }
    out
}

fn write(node: &Node, out: &mut String) {
    match node {
        Node::Text(text) => escape(text, out),
        Node::Element(e) => {
            out.push('<');
            out.push_str(e.tag);
            for (name, value) in &e.attributes {
                out.push(' ');
                out.push_str(name);
                out.push_str("=\"");
                escape(value, out);
                out.push('"');
            }
            out.push('>');
            if e.tag != "input" {
                e.children.iter().for_each(|c| write(c, out));
                out.push_str("</");
                out.push_str(e.tag);
                out.push('>');
            }
        }
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}
