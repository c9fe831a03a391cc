//! Reads and writes JSON text as plain structs, in as few bytes of Wasm as can be: documents cross between the page and the browser's
//! Wasm by this, since the general way (serde) costs more than the whole estimating part (`./build.sh size` tells).
//!
//! Only what such documents hold: objects, lists, strings, integers, booleans, `null`. When reading, unknown fields are skipped, absent ones and
//! `null` keep their default, anything else makes the whole text unreadable: there is one answer, `None`, and no message.
//!
//! ```
//! #[derive(Default)]
//! struct Parcel { number: String, weight: Option<u32> }
//! frugal::read!(Parcel { number, weight });
//! frugal::write!(Parcel { number, weight if some }); // left out where empty
//!
//! let parcel: Parcel = frugal::from_text(r#"{"number":"1Z","weight":200,"colour":"brown"}"#).unwrap();
//! assert_eq!((parcel.number.as_str(), parcel.weight), ("1Z", Some(200)));
//! assert!(frugal::from_text::<Parcel>(r#"{"number":1}"#).is_none());
//! assert_eq!(frugal::to_text(&Parcel { number: "1Z".into(), weight: None }), r#"{"number":"1Z"}"#);
//! ```
#![no_std]
extern crate alloc;

use alloc::{string::String, vec::Vec};

/// Lists and objects within each other, at most.
const DEEPEST: u8 = 32;

/// What can be read in place: the value holds its default before.
pub trait Read {
    fn read(&mut self, from: &mut Reader);
}

/// Reads a whole text. `None`: it is not JSON, or not of this shape.
pub fn from_text<T: Read + Default>(text: &str) -> Option<T> {
    let mut reader = Reader { text: text.as_bytes(), at: 0, bad: false, depth: 0 };
    let mut value = T::default();
    value.read(&mut reader);
    reader.space();
    (!reader.bad && reader.at == reader.text.len()).then_some(value)
}

/// A place in a text. After the first failure it stands still, so that no caller needs to ask.
pub struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    bad: bool,
    depth: u8,
}

impl Reader<'_> {
    /// The text is not what was expected.
    pub fn fail(&mut self) {
        self.bad = true;
        self.at = self.text.len();
    }

    fn space(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// The next byte that is not space; 0 at the end.
    fn peek(&mut self) -> u8 {
        self.space();
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == byte;
        self.at += usize::from(there);
        there
    }

    fn word(&mut self, word: &[u8]) -> bool {
        self.space();
        let there = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        if there {
            self.at += word.len();
        }
        there
    }

    pub fn null(&mut self) -> bool {
        self.word(b"null")
    }

    pub fn integer(&mut self) -> i64 {
        let negative = self.take(b'-');
        let start = self.at;
        let mut value = 0_i64;
        while let Some(digit @ b'0'..=b'9') = self.text.get(self.at) {
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
            self.at += 1;
        }
        // Eighteen digits fit. A fraction or an exponent is no integer.
        let length = self.at - start;
        let zero = length > 1 && self.text.get(start) == Some(&b'0');
        if length == 0 || length > 18 || zero || matches!(self.text.get(self.at), Some(b'.' | b'e' | b'E')) {
            self.fail();
        }
        if negative { -value } else { value }
    }

    pub fn string(&mut self) -> String {
        let mut bytes = Vec::new();
        if !self.take(b'"') {
            self.fail();
        }
        loop {
            let byte = self.text.get(self.at).copied().unwrap_or(0);
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => self.escape(&mut bytes),
                0..0x20 => {
                    self.fail();
                    break;
                }
                _ => bytes.push(byte),
            }
        }
        // Half of a pair of surrogates makes no character.
        String::from_utf8(bytes).unwrap_or_else(|_| {
            self.fail();
            String::new()
        })
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) {
        let byte = self.text.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        let plain = match byte {
            b'"' | b'\\' | b'/' => byte,
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 8,
            b'f' => 12,
            b'u' => {
                let mut code = self.hex();
                if code & 0xfc00 == 0xd800 && self.text.get(self.at..).is_some_and(|rest| rest.starts_with(b"\\u")) {
                    self.at += 2;
                    code = 0x1_0000 + ((code & 0x3ff) << 10) + (self.hex() & 0x3ff);
                }
                match char::from_u32(code) {
                    Some(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    None => self.fail(),
                }
                return;
            }
            _ => return self.fail(),
        };
        bytes.push(plain);
    }

    fn hex(&mut self) -> u32 {
        let mut code = 0;
        for _ in 0..4 {
            let digit = match self.text.get(self.at).copied().unwrap_or(0) {
                d @ b'0'..=b'9' => d - b'0',
                d @ (b'a'..=b'f' | b'A'..=b'F') => (d | 0x20) - b'a' + 10,
                _ => return self.fail_code(),
            };
            self.at += 1;
            code = code << 4 | u32::from(digit);
        }
        code
    }

    fn fail_code(&mut self) -> u32 {
        self.fail();
        0
    }

    /// Calls for each entry of a list; the callback reads it.
    pub fn each(&mut self, entry: &mut dyn FnMut(&mut Self)) {
        self.within(b'[', b']', entry);
    }

    /// Calls for each field of an object with its name; the callback reads the value, or skips it.
    pub fn fields(&mut self, field: &mut dyn FnMut(&mut Self, &str)) {
        self.within(b'{', b'}', &mut |r| {
            let name = r.string();
            if r.take(b':') {
                field(r, &name);
            } else {
                r.fail();
            }
        });
    }

    fn within(&mut self, open: u8, close: u8, entry: &mut dyn FnMut(&mut Self)) {
        if !self.take(open) || self.depth == DEEPEST {
            return self.fail();
        }
        self.depth += 1;
        if !self.take(close) {
            loop {
                entry(self);
                if self.take(close) {
                    break;
                }
                if !self.take(b',') {
                    self.fail();
                    break;
                }
            }
        }
        self.depth -= 1;
    }

    /// Reads past one value of any kind.
    pub fn skip(&mut self) {
        match self.peek() {
            b'"' => drop(self.string()),
            b'[' => self.each(&mut Reader::skip),
            b'{' => self.fields(&mut |r, _| r.skip()),
            b't' | b'f' | b'n' if self.word(b"true") || self.word(b"false") || self.word(b"null") => {}
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.fail(),
        }
    }

    /// Reads past a number of any kind.
    fn number(&mut self) {
        self.next_is(b"-");
        if !self.next_is(b"0") {
            self.digits();
        }
        if self.next_is(b".") {
            self.digits();
        }
        if self.next_is(b"eE") {
            self.next_is(b"+-");
            self.digits();
        }
    }

    fn next_is(&mut self, bytes: &[u8]) -> bool {
        let there = self.text.get(self.at).is_some_and(|b| bytes.contains(b));
        self.at += usize::from(there);
        there
    }

    fn digits(&mut self) {
        if !self.next_is(b"0123456789") {
            self.fail();
        }
        while self.next_is(b"0123456789") {}
    }
}

impl Read for String {
    fn read(&mut self, from: &mut Reader) {
        *self = from.string();
    }
}

impl Read for bool {
    fn read(&mut self, from: &mut Reader) {
        *self = from.word(b"true");
        if !*self && !from.word(b"false") {
            from.fail();
        }
    }
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Read for $type {
            fn read(&mut self, from: &mut Reader) {
                match <$type>::try_from(from.integer()) {
                    Ok(value) => *self = value,
                    Err(_) => from.fail(),
                }
            }
        }
    )*};
}
integers!(u8 u16 u32 u64 i32 i64);

impl<T: Read + Default> Read for Option<T> {
    fn read(&mut self, from: &mut Reader) {
        if !from.null() {
            self.insert(T::default()).read(from);
        }
    }
}

impl<T: Read + Default> Read for Vec<T> {
    fn read(&mut self, from: &mut Reader) {
        from.each(&mut |r| {
            let mut value = T::default();
            value.read(r);
            self.push(value);
        });
    }
}

/// A pair is a list of two.
impl<A: Read, B: Read> Read for (A, B) {
    fn read(&mut self, from: &mut Reader) {
        let mut n = 0;
        from.each(&mut |r| {
            match n {
                0 => self.0.read(r),
                1 => self.1.read(r),
                _ => r.fail(),
            }
            n += 1;
        });
        if n != 2 {
            from.fail();
        }
    }
}

/// Reads a struct field by field: `read!(Type { field, field });`.
#[macro_export]
macro_rules! read {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl $crate::Read for $type {
            fn read(&mut self, from: &mut $crate::Reader) {
                from.fields(&mut |r, name| match name {
                    $(stringify!($field) => if !r.null() { $crate::Read::read(&mut self.$field, r) },)*
                    _ => r.skip(),
                });
            }
        }
    };
}

/// What can be written; as `serde_json` would.
pub trait Write {
    fn write(&self, to: &mut String);

    /// Is left out where its field is marked so.
    fn is_empty(&self) -> bool {
        false
    }
}

/// Writes a whole text.
pub fn to_text(value: &dyn Write) -> String {
    let mut text = String::new();
    value.write(&mut text);
    text
}

impl Write for String {
    fn write(&self, to: &mut String) {
        to.push('"');
        for c in self.chars() {
            let short = match c {
                '"' | '\\' => c,
                '\n' => 'n',
                '\t' => 't',
                '\r' => 'r',
                '\u{8}' => 'b',
                '\u{c}' => 'f',
                '\0'..' ' => {
                    to.push_str("\\u00");
                    for digit in [c as u8 >> 4, c as u8 & 15] {
                        to.push(char::from(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }));
                    }
                    continue;
                }
                _ => {
                    to.push(c);
                    continue;
                }
            };
            to.push('\\');
            to.push(short);
        }
        to.push('"');
    }

    fn is_empty(&self) -> bool {
        self.as_str().is_empty()
    }
}

/// Appends an integer.
pub fn push_integer(to: &mut String, n: i64) {
    if n < 0 {
        to.push('-');
    }
    let (start, mut rest) = (to.len(), n.unsigned_abs());
    while rest > 0 || to.len() == start {
        to.insert(start, char::from(b'0' + (rest % 10) as u8));
        rest /= 10;
    }
}

macro_rules! write_integers {
    ($($type:ty)*) => {$(
        impl Write for $type {
            fn write(&self, to: &mut String) {
                push_integer(to, *self as i64);
            }
        }
    )*};
}
write_integers!(u8 u16 u32 u64 i32 i64);

impl<T: Write> Write for Option<T> {
    fn write(&self, to: &mut String) {
        match self {
            Some(value) => value.write(to),
            None => to.push_str("null"),
        }
    }

    fn is_empty(&self) -> bool {
        self.is_none()
    }
}

impl<T: Write> Write for Vec<T> {
    fn write(&self, to: &mut String) {
        for (n, value) in self.iter().enumerate() {
            to.push(if n == 0 { '[' } else { ',' });
            value.write(to);
        }
        to.push_str(if self.as_slice().is_empty() { "[]" } else { "]" });
    }

    fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }
}

impl<A: Write, B: Write> Write for (A, B) {
    fn write(&self, to: &mut String) {
        to.push('[');
        self.0.write(to);
        to.push(',');
        self.1.write(to);
        to.push(']');
    }
}

/// Writes the fields given, in order; `(name, left out where empty, value)`.
pub fn write_fields(to: &mut String, fields: &[(&str, bool, &dyn Write)]) {
    let mut before = '{';
    for (name, optional, value) in fields {
        if *optional && value.is_empty() {
            continue;
        }
        to.push(before);
        to.push('"');
        to.push_str(name);
        to.push_str("\":");
        value.write(to);
        before = ',';
    }
    if before == '{' {
        to.push('{');
    }
    to.push('}');
}

/// Writes a struct field by field: `write!(Type { field, optional if some });`.
#[macro_export]
macro_rules! write {
    ($type:ty { $($field:ident $(if $optional:ident)?),* $(,)? }) => {
        impl $crate::Write for $type {
            fn write(&self, to: &mut $crate::Text) {
                $crate::write_fields(to, &[$((stringify!($field), $crate::optional!($($optional)?), &self.$field)),*]);
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

    #[derive(Debug, Default, PartialEq)]
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

    #[derive(Default, serde::Serialize)]
    struct Written {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<i64>,
        null: Option<u8>,
        list: Vec<(String, i64)>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        none: Vec<u16>,
    }
    write!(Written { text, absent if some, null, list, none if some });

    #[test]
    fn every_kind_is_read_and_what_is_unknown_skipped() {
        let read: All = from_text(
            r#" { "text" : "a\n\u00e9\ud83d\ude00\"/", "yes":true, "small":255,"big":-9007199254740993, "maybe":null, "list":[["x",-1],["",2]],
                  "unknown":{"a":[1.5e3,null,false,"}"],"b":{}}, "inner":[{"text":"in"},{}] } "#,
        )
        .unwrap();
        assert_eq!(read.text, "a\né😀\"/");
        assert_eq!((read.yes, read.small, read.big, read.maybe), (true, 255, -9_007_199_254_740_993, None));
        assert_eq!(read.list, [("x".into(), -1), ("".into(), 2)]);
        assert_eq!(read.inner.unwrap()[0].text, "in");
    }

    #[test]
    fn what_is_not_of_the_shape_is_refused() {
        for bad in [
            "",
            "{",
            "{}}",
            "[]",
            "null",
            r#"{"text":1}"#,
            r#"{"small":256}"#,
            r#"{"small":-1}"#,
            r#"{"small":1.0}"#,
            r#"{"small":1e2}"#,
            r#"{"yes":"true"}"#,
            r#"{"list":[["x"]]}"#,
            r#"{"list":[["x",1,2]]}"#,
            r#"{"text":"\ud800"}"#,
            r#"{"text":"\x"}"#,
            r#"{"text":"a"#,
            r#"{"text" "a"}"#,
            r#"{"big":1234567890123456789}"#,
            r#"{"a":nul}"#,
            "{\"text\":\"\u{1}\"}",
            r#"{"a":1,}"#,
            "{,}",
            r#"{"a":1.2.3}"#,
            r#"{"a":01}"#,
            r#"{"small":01}"#,
            r#"{"a":-}"#,
            r#"{"a":1e}"#,
        ] {
            assert_eq!(from_text::<All>(bad), None, "{bad}");
        }
        // However deep: an answer, and no overflow.
        assert_eq!(from_text::<All>(&"{\"a\":".repeat(100_000)), None);
        assert_eq!(from_text::<All>(&format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000))), None);
    }

    extern crate std;
    use std::format;

    proptest! {
        #[test]
        fn any_bytes_end_in_an_answer(text in ".{0,200}") {
            let _ = from_text::<All>(&text);
        }

        #[test]
        fn strings_are_read_as_the_general_reader_reads_them(text in any::<String>()) {
            let json = serde_json::to_string(&serde_json::json!({"text": text})).unwrap();
            prop_assert_eq!(from_text::<All>(&json).unwrap().text, text);
        }

        #[test]
        fn writes_as_the_general_writer(text in any::<String>(), absent in any::<Option<i64>>(), null in any::<Option<u8>>(),
                                        list in any::<Vec<(String, i64)>>(), none in any::<Vec<u16>>()) {
            let value = Written { text, absent, null, list, none };
            prop_assert_eq!(to_text(&value), serde_json::to_string(&value).unwrap());
        }

        #[test]
        fn accepts_no_more_than_the_general_reader(text in r#"[\[\]{}",:a0-9.tru\\ n-]{0,24}"#) {
            if from_text::<All>(&text).is_some() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
            }
        }
    }
}
