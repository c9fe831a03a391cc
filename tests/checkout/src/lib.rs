//! An estimate from a promise document, a request and a moment: [`input`], [`run`], [`output`], as the widget's module does it (`frugal`).
#![no_std]

extern crate alloc;

use alloc::vec::Vec;
use core::cell::UnsafeCell;

use frugal::{Out, Reader, Write};

#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

/// What a call is given and what it gives.
#[derive(Default)]
struct Call {
    input: Vec<f64>,
    numbers: usize,
    bytes: usize,
    output: Out,
    place: [usize; 2],
}

struct One(UnsafeCell<Option<Call>>);
// SAFETY: a module without threads.
unsafe impl Sync for One {}
static CALL: One = One(UnsafeCell::new(None));

#[allow(clippy::mut_from_ref, reason = "each export takes it once, and none calls another")]
fn current() -> &'static mut Call {
    // SAFETY: see above.
    unsafe { &mut *CALL.0.get() }.get_or_insert_default()
}

/// Room for so many numbers, and after them so many bytes of UTF-8.
#[unsafe(no_mangle)]
extern "C" fn input(numbers: usize, bytes: usize) -> *mut f64 {
    let call = current();
    *call = Call { input: alloc::vec![0.0; numbers + bytes.div_ceil(8)], numbers, bytes, ..Call::default() };
    call.input.as_mut_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn run() {
    let call = current();
    let (numbers, rest) = call.input.split_at(call.numbers);
    // SAFETY: `input` made room for so many bytes there.
    let bytes = unsafe { core::slice::from_raw_parts(rest.as_ptr().cast::<u8>(), call.bytes) };
    let mut from = Reader::new(numbers, core::str::from_utf8(bytes).unwrap_or_default());
    let (document, request, now): (promise::Document, promise::Request, promise::Instant) = (from.read(), from.read(), from.read());
    let mut out = Out::default();
    promise::estimate(&document, &request, now).write(&mut out);
    call.place = [out.numbers.as_ptr() as usize, out.text.as_ptr() as usize];
    call.output = out;
}

/// The addresses of the answer's numbers and of its text.
#[unsafe(no_mangle)]
extern "C" fn output() -> *const [usize; 2] {
    &raw const current().place
}
