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

const NOTHING: Crossing = Crossing {
    input: ManuallyDrop::new(Vec::new()),
    numbers: 0,
    bytes: 0,
    output: ManuallyDrop::new(Out { numbers: Vec::new(), text: String::new() }),
};

struct Shell {
    crossing: Cell<Crossing>,
    /// What was taken by the last call is kept.
    keep: Cell<bool>,
    place: Cell<[usize; 2]>,
    /// A page has one store, hence one promise document; kept for good, so that redrawing reads nothing anew.
    #[cfg(feature = "estimate")]
    promise: Cell<Option<&'static promise::Document>>,
}

// Nothing of a call is dropped: all of its memory is given back at once. Taken out while a call works, so that one that traps leaves nothing locked.
thread_local! {
    static SHELL: Shell = const {
        Shell {
            crossing: Cell::new(NOTHING),
            keep: Cell::new(false),
            place: Cell::new([0; 2]),
            #[cfg(feature = "estimate")]
            promise: Cell::new(None),
        }
    };
}

/// Begins a call: all that the one before took is given back. Returns where so many numbers, and after them so many bytes of UTF-8, are to be put.
#[wasm_bindgen]
pub fn input(numbers: usize, bytes: usize) -> *mut f64 {
    SHELL.with(|shell| shell.crossing.take());
    let length = numbers + bytes.div_ceil(8);
    #[cfg(target_family = "wasm")]
    // SAFETY: the crossing was just forgotten, undropped; the promise document is kept; nothing else outlives a call. Zeros are numbers.
    let mut input = unsafe {
        let Ok(layout) = std::alloc::Layout::array::<f64>(length) else { return std::ptr::null_mut() };
        let at = ARENA.begin(SHELL.with(|shell| shell.keep.take()), layout);
        if at.is_null() {
            std::alloc::handle_alloc_error(layout);
        }
        at.write_bytes(0, layout.size());
        Vec::from_raw_parts(at.cast::<f64>(), length, length)
    };
    #[cfg(not(target_family = "wasm"))]
    let mut input = vec![0.0; length];
    let at = input.as_mut_ptr();
    let crossing = Crossing { input: ManuallyDrop::new(input), numbers, bytes, output: ManuallyDrop::default() };
    SHELL.with(|shell| shell.crossing.set(crossing));
    at
}

/// Where the output lies: the addresses of its numbers and of its texts' bytes.
#[wasm_bindgen]
pub fn output() -> *const usize {
    SHELL.with(|shell| shell.place.as_ptr().cast_const().cast())
}

fn call(work: impl FnOnce(&mut Reader) -> Out) {
    let mut c = SHELL.with(|shell| shell.crossing.take());
    let (numbers, rest) = c.input.split_at(c.numbers.min(c.input.len()));
    let bytes = c.bytes.min(rest.len() * 8);
    // SAFETY: so many bytes lie there. The page writes what `TextEncoder` gives, which is UTF-8.
    let text = unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(rest.as_ptr().cast(), bytes)) };
    let out = work(&mut Reader::new(numbers, text));
    let place = [out.numbers.as_ptr() as usize, out.text.as_ptr() as usize];
    c.output = ManuallyDrop::new(out);
    SHELL.with(|shell| {
        shell.place.set(place);
        shell.crossing.set(c);
    });
}

/// Takes the promise document, and keeps it.
#[cfg(feature = "estimate")]
#[wasm_bindgen]
pub fn load_promise() {
    call(|from| {
        let document: &promise::Document = Box::leak(Box::new(from.read()));
        SHELL.with(|shell| shell.promise.set(Some(document)));
        Out::default()
    });
    SHELL.with(|shell| shell.keep.set(true));
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
        let Some(document) = SHELL.with(|shell| shell.promise.get()) else { return Out::default() };
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
