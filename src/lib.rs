//! The Whereabouts widget: what runs in the shopper's browser. The only Rust that knows the DOM; a shell without decisions.
//!
//! The loader (`www/embed.js`) fetches and hands over: documents as JavaScript values, texts as a JavaScript object, and the element's
//! shadow root. Each call draws; nothing here keeps state, so removing an element leaves nothing behind.

mod dom;
mod intl;

use js_sys::Object;
use wasm_bindgen::prelude::*;
use web_sys::ShadowRoot;

use crate::intl::Browser;

/// Draws an estimate. Returns `[document shown, milliseconds until the words change (0: never)]`, or throws: the fallback stays.
#[cfg(feature = "estimate")]
#[wasm_bindgen]
pub fn draw_estimate(
    root: &ShadowRoot,
    promise: JsValue,
    request: JsValue,
    surface: String,
    now: f64,
    texts: Object,
    language: String,
) -> Result<js_sys::Array, JsValue> {
    let document: promise::Document = serde_wasm_bindgen::from_value(promise)?;
    let request: promise::Request = serde_wasm_bindgen::from_value(request)?;
    let now = promise::Instant((now / 1000.0) as i64);
    let shown = promise::estimate(&document, &request, now);
    if shown.options.is_empty() {
        return Err(JsValue::from_str("the promise document answers nothing"));
    }
    let nodes = view::estimate::estimate(&shown, &view::estimate::Ui { surface }, now, &Browser::new(texts, &language));
    dom::draw(root, &nodes)?;
    let next = view::estimate::next_change(&shown, now).map_or(0.0, |at| ((at.0 - now.0) * 1000) as f64);
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    Ok(js_sys::Array::of2(&serde::Serialize::serialize(&shown, &serializer)?, &JsValue::from_f64(next)))
}

/// Draws an order.
#[cfg(feature = "order")]
#[wasm_bindgen]
pub fn draw_order(root: &ShadowRoot, document: JsValue, texts: Object, language: String) -> Result<(), JsValue> {
    let document: wire::OrderDocument = serde_wasm_bindgen::from_value(document)?;
    dom::draw(root, &view::order::order(&document, &Browser::new(texts, &language)))
}
