//! The Whereabouts widget: what runs in the shopper's browser. The only Rust that knows the DOM; a shell without decisions.
//!
//! The loader (`www/embed.js`) fetches and hands over: documents as JavaScript values, texts as a JavaScript object, and the element's
//! shadow root. Each call draws; nothing here keeps state, so removing an element leaves nothing behind.

mod dom;
mod intl;

use wasm_bindgen::prelude::*;
use web_sys::ShadowRoot;

use crate::intl::{Browser, Words};

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[cfg(feature = "estimate")]
thread_local! {
    /// A page has one store, hence one promise document; kept, so that redrawing reads nothing anew.
    static PROMISE: std::cell::RefCell<Option<promise::Document>> = const { std::cell::RefCell::new(None) };
}

/// Takes the promise document, as text. False: it can't be read.
#[cfg(feature = "estimate")]
#[wasm_bindgen]
pub fn load_promise(text: &str) -> bool {
    let document = frugal::from_text(text).filter(|d: &promise::Document| !d.methods.is_empty());
    PROMISE.with_borrow_mut(|kept| *kept = document);
    PROMISE.with_borrow(Option::is_some)
}

/// Draws an estimate from the loaded promise document. `request` is JSON. Returns `[document shown as JSON, milliseconds until the words change
/// (0: never)]`; `undefined` where there is no answer: the fallback stays.
#[cfg(feature = "estimate")]
#[wasm_bindgen]
pub fn draw_estimate(
    root: &ShadowRoot,
    request: &str,
    surface: String,
    ask: bool,
    now: f64,
    words: &Words,
) -> Option<js_sys::Array> {
    let request: promise::Request = frugal::from_text(request)?;
    let now = promise::Instant((now / 1000.0) as i64);
    let shown = PROMISE.with_borrow(|d| Some(promise::estimate(d.as_ref()?, &request, now)))?;
    let nodes = view::estimate::estimate(&shown, &view::estimate::Ui { surface, ask, still: false }, now, &Browser(words));
    dom::draw(root, &nodes)?;
    let next = view::estimate::next_change(&shown, now).map_or(0.0, |at| ((at.0 - now.0) * 1000) as f64);
    Some(js_sys::Array::of2(&frugal::to_text(&shown).into(), &JsValue::from_f64(next)))
}

/// Draws an order from its document, as text. `now` is the server's clock in milliseconds, `offset` the reader's minutes east of UTC.
/// False: it can't be read.
#[cfg(feature = "order")]
#[wasm_bindgen]
pub fn draw_order(root: &ShadowRoot, document: &str, now: f64, offset: i32, words: &Words) -> bool {
    let Some(document) = frugal::from_text::<wire::OrderDocument>(document) else { return false };
    let reader = view::order::Reader { now: promise::Instant((now / 1000.0) as i64), offset: Some(offset) };
    dom::draw(root, &view::order::order(&document, reader, &Browser(words))).is_some()
}
