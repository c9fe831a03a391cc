//! What differs by language: texts, plural forms, and how dates and numbers are written.

use alloc::string::String;

use promise::{Day, Instant};

/// A language's texts and formats. The browser answers from `Intl`, the server from CLDR data.
pub trait Locale {
    /// The text with this key (`order.late.headline`), with `{placeholders}` still in it; absent: not in this language's file.
    fn text(&self, key: &str) -> Option<String>;
    /// CLDR plural category of a cardinal: `zero`, `one`, `two`, `few`, `many`, `other`.
    fn plural(&self, n: u32) -> &'static str;
    fn number(&self, n: u32) -> String;
    /// "Tue 2 Dec"
    fn day(&self, day: Day) -> String;
    /// "Tue 2 – Thu 4 Dec"
    fn days(&self, from: Day, to: Day) -> String;
    /// "14:12", at a place whose offset from UTC is `offset` minutes.
    fn time(&self, at: Instant, offset: i32) -> String;
    /// "$4.95", from minor units and ISO 4217.
    fn money(&self, minor: i64, currency: &str) -> String;
    /// Minutes east of UTC where the reader is, at this moment.
    fn offset(&self, at: Instant) -> i32;
    /// BCP 47.
    fn language(&self) -> String;
    /// `ltr` or `rtl`.
    fn direction(&self) -> &'static str;
}
