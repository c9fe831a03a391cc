//! A small tree of elements and texts. Texts are texts: nothing in a tree is ever read as markup.

use alloc::{borrow::Cow, string::String, vec::Vec};

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
