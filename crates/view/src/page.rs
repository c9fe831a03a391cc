//! What is drawn, written down as it is said: elements, attributes and texts by their keys, as numbers and texts. How words, dates and numbers
//! are written is left to whoever reads: the browser (`www/embed/draw.js`) by `Intl`, the server ([`crate::render`]) by CLDR data. So that no
//! text, no template and no format goes through the browser's Wasm.

use frugal::Out;
use promise::{Day, Instant};

/// What stands at the start of each entry. Elements end with [`END`], and so do a text's values.
pub const END: u8 = 0;
/// Tag and part.
pub const OPEN: u8 = 1;
/// Name and value.
pub const ATTRIBUTE: u8 = 2;
/// Name; a [`SAY`] follows, whose text is the value.
pub const ATTRIBUTE_SAID: u8 = 3;
pub const TEXT: u8 = 4;
/// Key, count + 1 (0: no count), values.
pub const SAY: u8 = 5;
/// As [`OPEN`], but the element is left out where it says nothing.
pub const LINE: u8 = 6;
/// " · " between texts of an element, where there are any on both sides.
pub const SEPARATOR: u8 = 7;
/// The `dir` of the language.
pub const DIRECTION: u8 = 8;
/// A country's code, whose name is the text.
pub const COUNTRY: u8 = 9;

/// Kinds of values; each is followed by its placeholder's name.
pub const V_TEXT: u8 = 1;
pub const V_NUMBER: u8 = 2;
pub const V_DAY: u8 = 3;
pub const V_DAYS: u8 = 4;
/// Local seconds since 1970.
pub const V_TIME: u8 = 5;
/// Minor units, currency.
pub const V_MONEY: u8 = 6;
/// Number, unit.
pub const V_RELATIVE: u8 = 7;
/// Two numbers: "3–5".
pub const V_SPAN: u8 = 8;
/// As [`SAY`]: key, count + 1, values.
pub const V_SAID: u8 = 9;
pub const V_COUNTRY: u8 = 10;

/// A page that is being written. Texts are texts: nothing in it is ever read as markup.
pub struct Page {
    pub out: Out,
    /// BCP 47, of the reader.
    pub language: String,
}

impl Page {
    pub fn new(language: String) -> Page {
        Page { out: Out::default(), language }
    }

    /// What was written.
    pub fn finish(mut self) -> Out {
        self.op(END);
        std::mem::forget(self.language);
        self.out
    }

    #[inline(never)]
    fn op(&mut self, op: u8) -> &mut Page {
        self.out.number(f64::from(op));
        self
    }

    #[inline(never)]
    fn op1(&mut self, op: u8, a: &str) -> &mut Page {
        self.op(op).out.text(a);
        self
    }

    #[inline(never)]
    fn op2(&mut self, op: u8, a: &str, b: &str) -> &mut Page {
        self.op1(op, a).out.text(b);
        self
    }

    /// An element with a class, which is its part too: what a store's styles can reach.
    #[inline(never)]
    pub fn open(&mut self, tag: &str, part: &str) -> &mut Page {
        self.op2(OPEN, tag, part)
    }

    /// An element that is left out where there is nothing to say.
    #[inline(never)]
    pub fn line(&mut self, tag: &str, part: &str) -> &mut Page {
        self.op2(LINE, tag, part)
    }

    /// Ends an element, or a text's values.
    #[inline(never)]
    pub fn end(&mut self) -> &mut Page {
        self.op(END)
    }

    #[inline(never)]
    pub fn attribute(&mut self, name: &str, value: &str) -> &mut Page {
        self.op2(ATTRIBUTE, name, value)
    }

    /// The next text is the value of this attribute.
    #[inline(never)]
    pub fn attribute_said(&mut self, name: &str) -> &mut Page {
        self.op1(ATTRIBUTE_SAID, name)
    }

    #[inline(never)]
    pub fn text(&mut self, text: &str) -> &mut Page {
        self.op1(TEXT, text)
    }

    pub fn direction(&mut self) -> &mut Page {
        self.op(DIRECTION)
    }

    pub fn separator(&mut self) -> &mut Page {
        self.op(SEPARATOR)
    }

    /// A country's name.
    pub fn country(&mut self, code: &str) -> &mut Page {
        self.op1(COUNTRY, code)
    }

    #[inline(never)]
    fn key(&mut self, op: u8, group: &str, name: &str, count: f64) -> &mut Page {
        self.op(op).named(group, name, count)
    }

    #[inline(never)]
    fn named(&mut self, group: &str, name: &str, count: f64) -> &mut Page {
        self.out.number((group.len() + name.len()) as f64);
        self.out.text.push_str(group);
        self.out.text.push_str(name);
        self.out.number(count);
        self
    }

    /// A text by its key; values follow, then [`Page::end`].
    #[inline(never)]
    pub fn say(&mut self, key: &str) -> &mut Page {
        self.key(SAY, key, "", 0.0)
    }

    /// A value alone, as `days`; then [`Page::end`].
    pub fn value(&mut self) -> &mut Page {
        self.say("")
    }

    /// A text by its key, without values.
    #[inline(never)]
    pub fn said(&mut self, key: &str) -> &mut Page {
        self.say(key).end()
    }

    /// A text by two parts of its key (`delay.` and `weather`), without values.
    #[inline(never)]
    pub fn said_of(&mut self, group: &str, name: &str) -> &mut Page {
        self.key(SAY, group, name, 0.0).end()
    }

    #[inline(never)]
    pub fn say_of(&mut self, group: &str, name: &str) -> &mut Page {
        self.key(SAY, group, name, 0.0)
    }

    /// A text in the plural form of `n`, which stands at `{n}`; values follow, then [`Page::end`].
    #[inline(never)]
    pub fn count(&mut self, key: &str, n: u32) -> &mut Page {
        self.count_of(key, "", n)
    }

    #[inline(never)]
    pub fn count_of(&mut self, group: &str, name: &str, n: u32) -> &mut Page {
        self.key(SAY, group, name, f64::from(n) + 1.0)
    }

    /// An element with one text.
    #[inline(never)]
    pub fn leaf(&mut self, tag: &str, part: &str, key: &str) -> &mut Page {
        self.line(tag, part).said(key).end()
    }

    /// An element with one given text; none where it is empty.
    #[inline(never)]
    pub fn given(&mut self, tag: &str, part: &str, text: &str) -> &mut Page {
        self.line(tag, part).text(text).end()
    }

    #[inline(never)]
    pub fn v_text(&mut self, name: &str, text: &str) -> &mut Page {
        self.op2(V_TEXT, name, text)
    }

    #[inline(never)]
    fn v(&mut self, kind: u8, name: &str, a: f64) -> &mut Page {
        self.op1(kind, name).out.number(a);
        self
    }

    pub fn v_number(&mut self, name: &str, n: u32) -> &mut Page {
        self.v(V_NUMBER, name, f64::from(n))
    }

    #[inline(never)]
    pub fn v_day(&mut self, name: &str, day: Day) -> &mut Page {
        self.v(V_DAY, name, f64::from(day.0))
    }

    #[inline(never)]
    pub fn v_days(&mut self, name: &str, from: Day, to: Day) -> &mut Page {
        self.v(V_DAYS, name, f64::from(from.0)).out.number(f64::from(to.0));
        self
    }

    /// The time at a place whose offset from UTC is `offset` minutes.
    pub fn v_time(&mut self, name: &str, at: Instant, offset: i32) -> &mut Page {
        self.v(V_TIME, name, (at.0 + i64::from(offset) * 60) as f64)
    }

    pub fn v_money(&mut self, name: &str, minor: i64, currency: &str) -> &mut Page {
        self.v(V_MONEY, name, minor as f64).out.text(currency);
        self
    }

    /// "tomorrow", "3 hours ago".
    pub fn v_relative(&mut self, name: &str, n: i64, unit: &str) -> &mut Page {
        self.v(V_RELATIVE, name, n as f64).out.text(unit);
        self
    }

    pub fn v_span(&mut self, name: &str, from: u32, to: u32) -> &mut Page {
        self.v(V_SPAN, name, f64::from(from)).out.number(f64::from(to));
        self
    }

    /// Another text as a value; its own values follow, then [`Page::end`].
    #[inline(never)]
    pub fn v_said(&mut self, name: &str, group: &str, key: &str) -> &mut Page {
        self.op1(V_SAID, name).named(group, key, 0.0)
    }

    pub fn v_said_count(&mut self, name: &str, key: &str, n: u32) -> &mut Page {
        self.op1(V_SAID, name).named(key, "", f64::from(n) + 1.0)
    }

    pub fn v_country(&mut self, name: &str, code: &str) -> &mut Page {
        self.op2(V_COUNTRY, name, code)
    }
}
