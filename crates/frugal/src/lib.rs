//! Documents cross between the page and the browser's Wasm by this, in as few bytes of Wasm as can be: as numbers and texts in the order of the
//! fields, without names, numerals or quotes. The page, which has `JSON` and `Date` for nothing, goes from and to real documents
//! by their shapes (`www/embed/flat.js`); shapes are made from these very types (`shape`), so that the two can't disagree.
//!
//! Integers, booleans, options and lengths are numbers; a text is the number of its bytes, and the bytes; lists follow their length, pairs and structs
//! are their parts. What comes out of a [`Reader`] that was given nonsense is defaults, never a panic.
//!
//! ```
//! #[derive(Debug, Default, PartialEq)]
//! struct Parcel { number: String, weight: Option<u32> }
//! frugal::read!(Parcel { number, weight });
//! frugal::write!(Parcel { number, weight if some }); // the page leaves it out where it is empty
//!
//! let mut out = frugal::Out::default();
//! frugal::Write::write(&Parcel { number: "1Z".into(), weight: Some(200) }, &mut out);
//! assert_eq!((out.numbers.as_slice(), out.text.as_str()), ([2.0, 1.0, 200.0].as_slice(), "1Z"));
//! let parcel: Parcel = frugal::Reader::new(&out.numbers, &out.text).read();
//! assert_eq!((parcel.number.as_str(), parcel.weight), ("1Z", Some(200)));
//! assert_eq!(frugal::shape::<Parcel>(), r#"{"number":"s","weight":["o","n"]}"#);
//! ```
#![no_std]
extern crate alloc;

use alloc::{string::String, vec::Vec};

/// What can be read. `shape` says to the page, as JSON, what it looks like: `n` number, `b` boolean, `s` text, `d` day, `t` moment,
/// `["v", of]` list, `["o", of]` option, `["p", a, b]` pair, an object by its fields, in order.
pub trait Read {
    fn read(from: &mut Reader) -> Self;
    fn shape(to: &mut String);
}

/// The shape of what is read.
pub fn shape<T: Read>() -> String {
    let mut text = String::new();
    T::shape(&mut text);
    text
}

/// A place in numbers and texts.
pub struct Reader<'a> {
    numbers: &'a [f64],
    text: &'a str,
}

impl<'a> Reader<'a> {
    pub fn new(numbers: &'a [f64], text: &'a str) -> Reader<'a> {
        Reader { numbers, text }
    }

    pub fn read<T: Read>(&mut self) -> T {
        T::read(self)
    }

    #[inline(never)]
    pub fn number(&mut self) -> f64 {
        match self.numbers.split_first() {
            Some((first, rest)) => {
                self.numbers = rest;
                *first
            }
            None => 0.0,
        }
    }

    #[inline(never)]
    pub fn string(&mut self) -> String {
        let length = self.number() as usize;
        match self.text.split_at_checked(length) {
            Some((text, rest)) => {
                self.text = rest;
                text.into()
            }
            None => String::new(),
        }
    }

    /// A length, no more than there can be entries.
    #[inline(never)]
    fn length(&mut self) -> usize {
        (self.number() as usize).min(self.numbers.len())
    }
}

impl Read for String {
    fn read(from: &mut Reader) -> String {
        from.string()
    }

    fn shape(to: &mut String) {
        to.push_str("\"s\"");
    }
}

impl Read for bool {
    fn read(from: &mut Reader) -> bool {
        from.number() != 0.0
    }

    fn shape(to: &mut String) {
        to.push_str("\"b\"");
    }
}

impl<T: Read> Read for Option<T> {
    fn read(from: &mut Reader) -> Option<T> {
        (from.number() != 0.0).then(|| T::read(from))
    }

    fn shape(to: &mut String) {
        list(to, "o", &[T::shape]);
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(from: &mut Reader) -> Vec<T> {
        let length = from.length();
        let mut list: Vec<T> = Vec::with_capacity(length);
        // SAFETY: there is room for so many, each is written before it counts, and a place for a `T` is what `one` is given.
        #[allow(unsafe_code)]
        unsafe {
            each(from, length, list.as_mut_ptr().cast(), size_of::<T>(), |from, at| at.cast::<T>().write(T::read(from)));
            list.set_len(length);
        }
        list
    }

    fn shape(to: &mut String) {
        list(to, "v", &[T::shape]);
    }
}

/// Writes one after the other. One loop for lists of all kinds: most of what a list's own would be is the same.
#[inline(never)]
#[allow(unsafe_code)]
unsafe fn each(from: &mut Reader, length: usize, mut at: *mut u8, size: usize, one: unsafe fn(&mut Reader, *mut u8)) {
    for _ in 0..length {
        // SAFETY: as the caller's.
        unsafe {
            one(from, at);
            at = at.add(size);
        }
    }
}

impl<A: Read, B: Read> Read for (A, B) {
    fn read(from: &mut Reader) -> (A, B) {
        (A::read(from), B::read(from))
    }

    fn shape(to: &mut String) {
        list(to, "p", &[A::shape, B::shape]);
    }
}

fn list(to: &mut String, kind: &str, parts: &[Shape]) {
    to.push_str("[\"");
    to.push_str(kind);
    to.push('"');
    for part in parts {
        to.push(',');
        part(to);
    }
    to.push(']');
}

/// Writes a shape.
#[doc(hidden)]
pub type Shape = fn(&mut String);

/// Writes the shape of a struct; `(name, left out where empty, shape)`.
#[doc(hidden)]
pub fn object(to: &mut String, fields: &[(&str, bool, Shape)]) {
    for (n, (name, optional, shape)) in fields.iter().enumerate() {
        to.push_str(if n == 0 { "{\"" } else { ",\"" });
        to.push_str(name);
        to.push_str(if *optional { "?\":" } else { "\":" });
        shape(to);
    }
    to.push('}');
}

/// Reads a struct, all of its fields: `read!(Type { field, field });`.
#[macro_export]
macro_rules! read {
    // What is not named is left to others, and not read.
    ($type:ty { $($field:ident),* $(,)? } and more) => {
        impl $crate::Read for $type {
            fn read(from: &mut $crate::Reader) -> Self {
                Self { $($field: $crate::Read::read(from)),*, ..Default::default() }
            }

            fn shape(to: &mut $crate::Text) {
                $crate::object(to, &[$((stringify!($field), false, $crate::of(|t: &$type| &t.$field))),*]);
            }
        }
    };
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl $crate::Read for $type {
            fn read(from: &mut $crate::Reader) -> Self {
                Self { $($field: $crate::Read::read(from)),* }
            }

            fn shape(to: &mut $crate::Text) {
                $crate::object(to, &[$((stringify!($field), false, $crate::of(|t: &$type| &t.$field))),*]);
            }
        }
    };
}

/// The shape of what a function reaches.
#[doc(hidden)]
pub fn of<T, F: Read>(_: fn(&T) -> &F) -> Shape {
    F::shape
}

#[doc(hidden)]
pub fn written<T, F: Write>(_: fn(&T) -> &F) -> Shape {
    F::shape
}

/// What is written: numbers, and all texts in one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Out {
    pub numbers: Vec<f64>,
    pub text: String,
}

impl Out {
    #[inline(never)]
    pub fn number(&mut self, n: f64) {
        self.numbers.push(n);
    }

    #[inline(never)]
    pub fn text(&mut self, text: &str) {
        self.number(text.len() as f64);
        self.text.push_str(text);
    }
}

/// What can be written.
pub trait Write {
    fn write(&self, to: &mut Out);
    fn shape(to: &mut String);
}

/// The shape of what is written; fields that are left out where they are empty have a `?` after their name.
pub fn shape_written<T: Write>() -> String {
    let mut text = String::new();
    T::shape(&mut text);
    text
}

impl Write for String {
    fn write(&self, to: &mut Out) {
        to.text(self);
    }

    fn shape(to: &mut String) {
        <String as Read>::shape(to);
    }
}

impl Write for bool {
    fn write(&self, to: &mut Out) {
        to.number(f64::from(u8::from(*self)));
    }

    fn shape(to: &mut String) {
        <bool as Read>::shape(to);
    }
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        /// What does not fit becomes the nearest that does.
        impl Read for $type {
            fn read(from: &mut Reader) -> $type {
                from.number() as $type
            }

            fn shape(to: &mut String) {
                to.push_str("\"n\"");
            }
        }

        impl Write for $type {
            fn write(&self, to: &mut Out) {
                to.number(*self as f64);
            }

            fn shape(to: &mut String) {
                to.push_str("\"n\"");
            }
        }
    )*};
}
integers!(u8 u16 u32 u64 i32 i64);

impl<T: Write> Write for Option<T> {
    fn write(&self, to: &mut Out) {
        to.number(f64::from(u8::from(self.is_some())));
        if let Some(value) = self {
            value.write(to);
        }
    }

    fn shape(to: &mut String) {
        list(to, "o", &[T::shape]);
    }
}

impl<T: Write> Write for Vec<T> {
    fn write(&self, to: &mut Out) {
        to.number(self.len() as f64);
        for value in self {
            value.write(to);
        }
    }

    fn shape(to: &mut String) {
        list(to, "v", &[T::shape]);
    }
}

impl<A: Write, B: Write> Write for (A, B) {
    fn write(&self, to: &mut Out) {
        self.0.write(to);
        self.1.write(to);
    }

    fn shape(to: &mut String) {
        list(to, "p", &[A::shape, B::shape]);
    }
}

/// Writes a struct field by field: `write!(Type { field, optional if some });`.
#[macro_export]
macro_rules! write {
    ($type:ty { $($field:ident $(if $optional:ident)?),* $(,)? }) => {
        impl $crate::Write for $type {
            fn write(&self, to: &mut $crate::Out) {
                $($crate::Write::write(&self.$field, to);)*
            }

            fn shape(to: &mut $crate::Text) {
                $crate::object(to, &[$((stringify!($field), $crate::optional!($($optional)?), $crate::written(|t: &$type| &t.$field))),*]);
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! optional {
    () => {
        false
    };
    (some) => {
        true
    };
}

#[doc(hidden)]
pub use alloc::string::String as Text;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, Default, PartialEq)]
    struct All {
        text: String,
        yes: bool,
        small: u8,
        big: i64,
        maybe: Option<u32>,
        list: Vec<(String, i32)>,
        inner: Option<Vec<All>>,
    }
    read!(All { text, yes, small, big, maybe, list, inner });

    // `inner` would make the shape endless: what is written has none.
    #[derive(Debug, Default, PartialEq)]
    struct Flat {
        text: String,
        yes: bool,
        small: u8,
        big: i64,
        maybe: Option<u32>,
        list: Vec<(String, i32)>,
    }
    read!(Flat { text, yes, small, big, maybe, list });
    write!(Flat { text, yes, small, big, maybe if some, list });

    #[test]
    fn shapes_name_every_field_in_order() {
        let read = r#"{"text":"s","yes":"b","small":"n","big":"n","maybe":["o","n"],"list":["v",["p","s","n"]]}"#;
        assert_eq!(shape::<Flat>(), read);
        assert_eq!(shape_written::<Flat>(), read.replace("maybe", "maybe?"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in any::<String>(), yes in any::<bool>(), small in any::<u8>(), big in -(1_i64 << 53)..(1_i64 << 53),
                                   maybe in any::<Option<u32>>(), list in any::<Vec<(String, i32)>>()) {
            let value = Flat { text, yes, small, big, maybe, list };
            let mut out = Out::default();
            value.write(&mut out);
            let mut reader = Reader::new(&out.numbers, &out.text);
            prop_assert_eq!(reader.read::<Flat>(), value);
            prop_assert!(reader.numbers.is_empty() && reader.text.is_empty());
        }

        #[test]
        fn any_nonsense_ends_in_an_answer(numbers in proptest::collection::vec(any::<f64>(), 0..40), text in ".{0,40}") {
            let _: All = Reader::new(&numbers, &text).read();
        }
    }
}
