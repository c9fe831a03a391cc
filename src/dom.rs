//! Nodes to DOM: what is the same stays as it is, so that focus and a screen reader's place are kept. Texts are texts.

use view::{Node, node::Element};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, ShadowRoot};

/// Draws a tree into a shadow root, below its `slot` and styles.
pub fn draw(root: &ShadowRoot, nodes: &[Node]) -> Result<(), JsValue> {
    let document = web_sys::window().and_then(|w| w.document()).ok_or_else(|| JsValue::from_str("no document"))?;
    let host = match root.query_selector("[part=root]")? {
        Some(found) => found,
        None => {
            let made = document.create_element("div")?;
            made.set_attribute("part", "root")?;
            made
        }
    };
    patch(&document, &host, nodes)?;
    if host.parent_node().is_none() {
        // One step: the fallback goes as the answer comes.
        root.replace_children_with_node_1(&host);
    }
    Ok(())
}

fn patch(document: &Document, parent: &web_sys::Element, nodes: &[Node]) -> Result<(), JsValue> {
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
                patch(document, there, &e.children)?;
            }
            _ => {
                let made: web_sys::Node = match node {
                    Node::Text(text) => document.create_text_node(text).into(),
                    Node::Element(e) => {
                        let made = document.create_element(e.tag)?;
                        set(&made, e)?;
                        patch(document, &made, &e.children)?;
                        made.into()
                    }
                };
                match &old {
                    Some(there) => parent.replace_child(&made, there)?,
                    None => parent.append_child(&made)?,
                };
            }
        }
        old = next;
    }
    while let Some(rest) = old {
        old = rest.next_sibling();
        parent.remove_child(&rest)?;
    }
    Ok(())
}

fn set(there: &web_sys::Element, e: &Element) -> Result<(), JsValue> {
    for (name, value) in &e.attributes {
        if there.get_attribute(name).as_deref() != Some(value) {
            there.set_attribute(name, value)?;
        }
    }
    Ok(())
}
