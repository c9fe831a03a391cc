//! The browser's own formats, by `Intl`. Days are formatted in UTC, since a civil day belongs to no zone.

use js_sys::{Array, Date, Function, Intl, Object, Reflect};
use promise::{Day, Instant};
use view::Locale;
use wasm_bindgen::{JsCast, JsValue};

pub struct Browser {
    texts: Object,
    language: String,
    day: Intl::DateTimeFormat,
    plural: Intl::PluralRules,
    number: Intl::NumberFormat,
}

impl Browser {
    pub fn new(texts: Object, language: &str) -> Browser {
        let locales = Array::of1(&language.into());
        let options = options(&[("weekday", "short"), ("day", "numeric"), ("month", "short"), ("timeZone", "UTC")]);
        Browser {
            texts,
            language: language.into(),
            day: Intl::DateTimeFormat::new(&locales, &options),
            plural: Intl::PluralRules::new(&locales, &Object::new()),
            number: Intl::NumberFormat::new(&locales, &Object::new()),
        }
    }
}

fn options(pairs: &[(&str, &str)]) -> Object {
    let object = Object::new();
    for (name, value) in pairs {
        let _ = Reflect::set(&object, &(*name).into(), &(*value).into());
    }
    object
}

fn noon(day: Day) -> Date {
    Date::new(&JsValue::from_f64(f64::from(day.0) * 86_400_000.0 + 43_200_000.0))
}

/// Calls a method of an object; nothing where that fails.
fn call(on: &JsValue, method: &str, arguments: &[JsValue]) -> Option<String> {
    let method: Function = Reflect::get(on, &method.into()).ok()?.dyn_into().ok()?;
    let list = Array::new();
    for argument in arguments {
        list.push(argument);
    }
    Reflect::apply(&method, on, &list).ok()?.as_string()
}

impl Locale for Browser {
    fn text(&self, key: &str, plural: Option<&str>) -> Option<String> {
        let found = Reflect::get(&self.texts, &key.into()).ok()?;
        match plural {
            Some(category) => Reflect::get(&found, &category.into()).ok()?.as_string(),
            None => found.as_string(),
        }
    }

    fn plural(&self, n: u32) -> String {
        self.plural.select(f64::from(n)).into()
    }

    fn number(&self, n: u32) -> String {
        call(&self.number, "format", &[f64::from(n).into()]).unwrap_or_default()
    }

    fn day(&self, day: Day) -> String {
        call(&self.day, "format", &[noon(day).into()]).unwrap_or_default()
    }

    fn days(&self, from: Day, to: Day) -> String {
        call(&self.day, "formatRange", &[noon(from).into(), noon(to).into()]).unwrap_or_else(|| self.day(to))
    }

    fn time(&self, at: Instant, offset: i32) -> String {
        let local = Date::new(&JsValue::from_f64((at.0 + i64::from(offset) * 60) as f64 * 1000.0));
        let options = options(&[("hour", "numeric"), ("minute", "2-digit"), ("timeZone", "UTC")]);
        let format = Intl::DateTimeFormat::new(&Array::of1(&self.language.as_str().into()), &options);
        call(&format, "format", &[local.into()]).unwrap_or_default()
    }

    fn money(&self, minor: i64, currency: &str) -> String {
        let options = options(&[("style", "currency"), ("currency", currency)]);
        let format = Intl::NumberFormat::new(&Array::of1(&self.language.as_str().into()), &options);
        // The currency knows its own decimals.
        let digits = call_number(&format, "maximumFractionDigits").unwrap_or(2.0);
        call(&format, "format", &[(minor as f64 / 10f64.powi(digits as i32)).into()]).unwrap_or_default()
    }

    fn language(&self) -> String {
        self.language.clone()
    }
}

/// A number among a format's resolved options.
fn call_number(format: &JsValue, name: &str) -> Option<f64> {
    let method: Function = Reflect::get(format, &"resolvedOptions".into()).ok()?.dyn_into().ok()?;
    Reflect::get(&method.call0(format).ok()?, &name.into()).ok()?.as_f64()
}
