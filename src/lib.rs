//! The Whereabouts widget: what runs in the shopper's browser. A shell without decisions.
//!
//! The loader (`www/embed/`) puts documents into [`input`], as numbers and texts (`frugal`), calls, and reads the page that was written from [`output`].
//! It does what a browser does best: `fetch`, `JSON`, `Intl` and the DOM. Everything that is decided is decided here.

#[cfg(target_family = "wasm")]
mod arena;

use std::{cell::Cell, mem::ManuallyDrop};

use frugal::{Out, Reader};
use promise::Instant;
use view::Page;
use wasm_bindgen::prelude::*;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ARENA: arena::Arena = arena::Arena::new();

/// What a call is given: numbers first, then the bytes of the texts, in one piece of memory that is aligned for the numbers. And what it gives.
#[derive(Default)]
struct Crossing {
    input: ManuallyDrop<Vec<f64>>,
    numbers: usize,
    bytes: usize,
    output: ManuallyDrop<Out>,
}

// Nothing of a call is dropped: all of its memory is given back at once. Taken out while a call works, so that one that traps leaves nothing locked.
thread_local! {
    static CROSSING: Cell<Crossing> = Cell::default();
    /// What was taken by the last call is kept.
    static KEEP: Cell<bool> = const { Cell::new(false) };
    static PLACE: Cell<[usize; 2]> = const { Cell::new([0; 2]) };
}

/// Begins a call: all that the one before took is given back. Returns where so many numbers, and after them so many bytes of UTF-8, are to be put.
#[wasm_bindgen]
pub fn input(numbers: usize, bytes: usize) -> *mut f64 {
    CROSSING.take();
    let length = numbers + bytes.div_ceil(8);
    #[cfg(target_family = "wasm")]
    // SAFETY: the crossing was just forgotten, undropped; the promise document is kept; nothing else outlives a call. Zeros are numbers.
    let mut input = unsafe {
        let Ok(layout) = std::alloc::Layout::array::<f64>(length) else { return std::ptr::null_mut() };
        let at = ARENA.begin(KEEP.take(), layout);
        if at.is_null() {
            std::alloc::handle_alloc_error(layout);
        }
        at.write_bytes(0, layout.size());
        Vec::from_raw_parts(at.cast::<f64>(), length, length)
    };
    #[cfg(not(target_family = "wasm"))]
    let mut input = vec![0.0; length];
    let at = input.as_mut_ptr();
    CROSSING.set(Crossing { input: ManuallyDrop::new(input), numbers, bytes, output: ManuallyDrop::default() });
    at
}

/// Where the output lies: the addresses of its numbers and of its texts' bytes.
#[wasm_bindgen]
pub fn output() -> *const usize {
    PLACE.with(|place| place.as_ptr().cast_const().cast())
}

fn call(work: impl FnOnce(&mut Reader) -> Out) {
    let mut c = CROSSING.take();
    let (numbers, rest) = c.input.split_at(c.numbers.min(c.input.len()));
    let bytes = c.bytes.min(rest.len() * 8);
    // SAFETY: so many bytes lie there. The page writes what `TextEncoder` gives, which is UTF-8.
    let text = unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(rest.as_ptr().cast(), bytes)) };
    let out = work(&mut Reader::new(numbers, text));
    PLACE.set([out.numbers.as_ptr() as usize, out.text.as_ptr() as usize]);
    c.output = ManuallyDrop::new(out);
    CROSSING.set(c);
}

#[cfg(feature = "estimate")]
thread_local! {
    /// A page has one store, hence one promise document; kept for good, so that redrawing reads nothing anew.
    static PROMISE: Cell<Option<&'static promise::Document>> = const { Cell::new(None) };
}

/// Takes the promise document, and keeps it.
#[cfg(feature = "estimate")]
#[wasm_bindgen]
pub fn load_promise() {
    call(|from| {
        PROMISE.set(Some(Box::leak(Box::new(from.read()))));
        Out::default()
    });
    KEEP.set(true);
}

/// Writes an estimate from the promise document: first the milliseconds until the words change (0: never), then the document shown, then the page.
/// The input is a request, what the element is asked to show, and the language.
#[cfg(feature = "estimate")]
#[wasm_bindgen]
pub fn draw_estimate(now: f64) {
    call(|from| {
        let request = ManuallyDrop::new(from.read::<promise::Request>());
        let ui = ManuallyDrop::new(from.read::<view::estimate::Ui>());
        let mut page = Page::new(from.read());
        let now = Instant((now / 1000.0) as i64);
        let Some(document) = PROMISE.get() else { return Out::default() };
        let shown = ManuallyDrop::new(promise::estimate(document, &request, now));
        page.out.number(view::estimate::next_change(&shown, now).map_or(0.0, |at| ((at.0 - now.0) * 1000) as f64));
        frugal::Write::write(&*shown, &mut page.out);
        view::estimate::draw(&mut page, &shown, &ui, now);
        page.finish()
    });
}

/// Writes an order's page. `now` is the server's clock in milliseconds, `offset` the reader's minutes east of UTC; `stale` the seconds since the document
/// was known to be true, negative where it is. The input is the document and the language.
#[cfg(feature = "order")]
#[wasm_bindgen]
pub fn draw_order(now: f64, offset: i32, stale: f64) {
    call(|from| {
        let document = ManuallyDrop::new(from.read::<wire::OrderDocument>());
        let mut page = Page::new(from.read());
        let reader = view::order::Reader { now: Instant((now / 1000.0) as i64), offset: Some(offset) };
        view::order::draw(&mut page, &document, reader, (stale >= 0.0).then_some(stale as i64));
        page.finish()
    });
}
