//! `run`: an estimate from text to text. `{"document":…,"request":…,"now":"2026-12-01T14:00:00Z"}` → the estimate; nothing, where that can't be read.
#![no_std]

extern crate alloc;

use alloc::{string::String, vec::Vec};

#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

#[derive(Default)]
struct Input {
    document: promise::Document,
    request: promise::Request,
    now: promise::Instant,
}
frugal::read!(Input { document, request, now });

/// Room for this many bytes of input.
#[unsafe(no_mangle)]
extern "C" fn room(len: usize) -> *mut u8 {
    Vec::leak(alloc::vec![0u8; len]).as_mut_ptr()
}

/// Where the answer stands: address in the upper half, length in the lower. Takes the input's room back.
///
/// # Safety
/// `at` and `len` are of the last [`room`].
#[unsafe(no_mangle)]
unsafe extern "C" fn run(at: *mut u8, len: usize) -> u64 {
    // SAFETY: this is the room that `room` leaked, given back once.
    let bytes = unsafe { Vec::from_raw_parts(at, len, len) };
    let answer = String::from_utf8(bytes).ok().and_then(|text| frugal::from_text::<Input>(&text)).map(answer).unwrap_or_default();
    let (at, len) = (answer.as_ptr() as u64, answer.len() as u64);
    core::mem::forget(answer);
    at << 32 | len
}

fn answer(input: Input) -> String {
    frugal::to_text(&promise::estimate(&input.document, &input.request, input.now))
}
