//! The allocator: memory is taken in a row and given back all at once, when the next call begins. A draw takes some kilobytes, and nothing
//! outlives it but the promise document; so nothing needs to be given back piece by piece, and the code that would do so is not there at all,
//! a fifth of what a shopper would download.

use std::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
};

pub struct Arena {
    /// The first free byte; 0: nothing was taken yet.
    top: Cell<usize>,
    /// What lies below is kept.
    kept: Cell<usize>,
}

/// A page's Wasm has one thread.
unsafe impl Sync for Arena {}

const PAGE: usize = 1 << 16;

impl Arena {
    pub const fn new() -> Arena {
        Arena { top: Cell::new(0), kept: Cell::new(0) }
    }

    /// Gives back all that was taken since the beginning, or since `keep`, and takes the first piece anew. This is the only door to what lies within:
    /// compilers take it for granted that calls of the global allocator touch no memory that others see, and would move them around any other.
    ///
    /// # Safety
    /// Nothing that was taken since may be used again.
    pub unsafe fn begin(&self, keep: bool, layout: Layout) -> *mut u8 {
        if keep {
            self.kept.set(self.top.get());
        }
        self.top.set(self.kept.get());
        // SAFETY: as the caller's.
        unsafe { self.alloc(layout) }
    }

    #[cfg(target_family = "wasm")]
    fn room(&self, end: usize) -> bool {
        let have = core::arch::wasm32::memory_size(0) * PAGE;
        end <= have || core::arch::wasm32::memory_grow(0, (end - have).div_ceil(PAGE)) != usize::MAX
    }

    #[cfg(not(target_family = "wasm"))]
    fn room(&self, _: usize) -> bool {
        false
    }

    fn start(&self) -> usize {
        #[cfg(target_family = "wasm")]
        unsafe extern "C" {
            static __heap_base: u8;
        }
        #[cfg(target_family = "wasm")]
        let base = &raw const __heap_base as usize;
        #[cfg(not(target_family = "wasm"))]
        let base = PAGE;
        self.top.get().max(base)
    }
}

// SAFETY: each piece lies behind all that was taken before it, within the memory, aligned as asked.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let at = (self.start() + layout.align() - 1) & !(layout.align() - 1);
        let end = at + layout.size();
        if end < at || !self.room(end) {
            return std::ptr::null_mut();
        }
        self.top.set(end);
        at as *mut u8
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // The last piece grows where it is.
        if old as usize + layout.size() == self.top.get() && self.room(old as usize + size) {
            self.top.set(old as usize + size);
            return old;
        }
        // SAFETY: the caller's layout with another size; both pieces are at least `layout.size()` long, if it grows, and don't overlap.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                std::ptr::copy_nonoverlapping(old, new, layout.size().min(size));
            }
            new
        }
    }
}
