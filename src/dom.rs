//! Nodes to DOM: what is the same stays as it is, so that focus and a screen reader's place are kept. Texts are texts.

use view::{Node, node::Element};
use wasm_bindgen::JsCast;
use web_sys::{Document, ShadowRoot};

/// Draws a tree into a shadow root, below its `slot` and styles.
pub fn draw(root: &ShadowRoot, nodes: &[Node]) -> Option<()> {
    let document = root.owner_document()?;
    let host: web_sys::Element = match root.first_child().filter(|n| n.node_name() == "DIV") {
        Some(found) => found.unchecked_into(),
        None => {
            let made = document.create_element("div").ok()?;
            made.set_attribute("part", "root").ok()?;
            made
        }
    };
    patch(&document, &host, nodes)?;
    if host.parent_node().is_none() {
        // One step: the fallback goes as the answer comes.
        root.replace_children_with_node_1(&host);
    }
    Some(())
}

fn patch(document: &Document, parent: &web_sys::Element, nodes: &[Node]) -> Option<()> {
    let mut old = parent.first_child();
    for node in nodes {
        let next = old.as_ref().and_then(|o| o.next_sibling());
        match (node, &old) {
            (Node::Text(text), Some(there)) if there.node_type() == web_sys::Node::TEXT_NODE => {
                if there.node_value().as_deref() != Some(text) {
                    there.set_node_value(Some(text));
                }
            }
            (Node::Element(e), Some(there)) if there.node_name().eq_ignore_ascii_case(e.tag) => {
                let there: &web_sys::Element = there.unchecked_ref();
                set(there, e)?;
                // What is kept is filled by others.
                if e.attributes.iter().all(|a| a.0 != "data-keep") {
                    patch(document, there, &e.children)?;
                }
            }
            _ => {
                let made: web_sys::Node = match node {
                    Node::Text(text) => document.create_text_node(text).into(),
                    Node::Element(e) => {
                        let made = document.create_element(e.tag).ok()?;
                        set(&made, e)?;
                        patch(document, &made, &e.children)?;
                        made.into()
                    }
                };
                match &old {
                    Some(there) => parent.replace_child(&made, there).ok()?,
                    None => parent.append_child(&made).ok()?,
                };
            }
        }
        old = next;
    }
    while let Some(rest) = old {
        old = rest.next_sibling();
        parent.remove_child(&rest).ok()?;
    }
    Some(())
}

fn set(there: &web_sys::Element, e: &Element) -> Option<()> {
    for (name, value) in &e.attributes {
        if there.get_attribute(name).as_deref() != Some(value) {
            there.set_attribute(name, value).ok()?;
        }
    }
    Some(())
}
