//! The browser's own formats: `Intl` does dates, numbers and plurals. Its calls stand in `www/intl.js`, where they weigh least.

use promise::{Day, Instant};
use view::Locale;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The class of `www/intl.js`.
    pub type Words;

    #[wasm_bindgen(method)]
    fn text(this: &Words, key: &str, plural: Option<&str>) -> Option<String>;
    #[wasm_bindgen(method)]
    fn plural(this: &Words, n: u32) -> String;
    #[wasm_bindgen(method)]
    fn number(this: &Words, n: u32) -> String;
    #[wasm_bindgen(method)]
    fn day(this: &Words, day: i32) -> String;
    #[wasm_bindgen(method)]
    fn days(this: &Words, from: i32, to: i32) -> String;
    #[wasm_bindgen(method)]
    fn time(this: &Words, seconds: f64) -> String;
    #[wasm_bindgen(method)]
    fn money(this: &Words, minor: f64, currency: &str) -> String;
    #[wasm_bindgen(method)]
    fn relative(this: &Words, n: f64, unit: &str) -> String;
    #[wasm_bindgen(method, getter)]
    fn language(this: &Words) -> String;
}

/// The texts and formats of one language.
pub struct Browser<'a>(pub &'a Words);

impl Locale for Browser<'_> {
    fn text(&self, key: &str, plural: Option<&str>) -> Option<String> {
        self.0.text(key, plural)
    }

    fn plural(&self, n: u32) -> String {
        self.0.plural(n)
    }

    fn number(&self, n: u32) -> String {
        self.0.number(n)
    }

    fn day(&self, day: Day) -> String {
        self.0.day(day.0)
    }

    fn days(&self, from: Day, to: Day) -> String {
        self.0.days(from.0, to.0)
    }

    fn time(&self, at: Instant, offset: i32) -> String {
        self.0.time((at.0 + i64::from(offset) * 60) as f64)
    }

    fn money(&self, minor: i64, currency: &str) -> String {
        self.0.money(minor as f64, currency)
    }

    fn relative(&self, days: i32) -> Option<String> {
        Some(self.0.relative(days.into(), "day"))
    }

    fn ago(&self, seconds: i64) -> Option<String> {
        let (size, unit) = match seconds {
            0..3_600 => (60, "minute"),
            3_600..86_400 => (3_600, "hour"),
            _ => (86_400, "day"),
        };
        Some(self.0.relative(-(seconds / size) as f64, unit))
    }

    fn language(&self) -> String {
        self.0.language()
    }
}
