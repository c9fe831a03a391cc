//! A small tree of elements and texts. Texts are texts: nothing in a tree is ever read as markup.

use std::{borrow::Cow, string::String, vec::Vec};

/// An element or a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Text(String),
    Element(Element),
}

/// An element.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    pub tag: Cow<'static, str>,
    pub attributes: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    pub children: Vec<Node>,
}

/// All text of a tree, in reading order, with spaces between elements.
pub fn plain(nodes: &[Node]) -> String {
    let mut text = String::new();
    let mut before_is_text = false;
    for node in nodes {
        let is_text = matches!(node, Node::Text(_));
        let part = match node {
            Node::Text(t) => t.clone(),
            Node::Element(e) => plain(&e.children),
        };
        if !part.is_empty() {
            if !(text.is_empty() || is_text && before_is_text) {
                text.push(' ');
            }
            text.push_str(&part);
            before_is_text = is_text;
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
            out.push_str(&e.tag);
            for (name, value) in &e.attributes {
                out.push(' ');
                out.push_str(name);
                out.push_str("=\"");
                escape(value, out);
                out.push('"');
            }
            out.push('>');
            if !matches!(e.tag.as_ref(), "input" | "img") {
                e.children.iter().for_each(|c| write(c, out));
                out.push_str("</");
                out.push_str(&e.tag);
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
