//! What the shopper picks at checkout.

use maud::{Markup, html};
use promise::policy::{HandOver, Method, Policy};

use super::entry::{Entry, Errors, id_of};
use crate::console::{
    Fields,
    frame::{field, tick},
};

const ENDS: [(&str, &str); 4] = [
    ("address", "At the shopper's address"),
    ("pickup_point", "At a shop or counter of the carrier"),
    ("locker", "In a locker"),
    ("store", "With you: the shopper collects it"),
];

const SAFE: [(&str, &str); 3] = [("signature", "Somebody signs"), ("locker", "A locker"), ("pickup", "A counter")];

fn end_word(to: HandOver) -> &'static str {
    match to {
        HandOver::Address => "address",
        HandOver::PickupPoint => "pickup_point",
        HandOver::Locker => "locker",
        HandOver::Store => "store",
    }
}

/// Digits after the point of a currency's amounts (ISO 4217).
pub fn digits(currency: &str) -> u32 {
    match currency {
        "JPY" | "KRW" | "VND" | "CLP" | "ISK" | "XAF" | "XOF" | "XPF" | "PYG" | "UGX" => 0,
        "KWD" | "BHD" | "OMR" | "JOD" | "TND" | "IQD" | "LYD" => 3,
        _ => 2,
    }
}

/// `4.95` of 495.
pub fn amount(minor: i64, currency: &str) -> String {
    let d = digits(currency);
    let unit = 10_i64.pow(d);
    if d == 0 { minor.to_string() } else { format!("{}.{:0width$}", minor / unit, minor.abs() % unit, width = d as usize) }
}

/// And back; a comma may stand for the point.
pub fn minor(text: &str, currency: &str) -> Option<i64> {
    let text = text.replace(',', ".");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let d = digits(currency) as usize;
    if part.len() > d || whole.is_empty() || !whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{whole}{part:0<d$}").parse().ok()
}

impl Entry for Method {
    const SECTION: &str = "methods";
    const NAMES: (&str, &str) = ("Shipping methods", "a shipping method");
    const ORDERED: bool = true;

    fn all(policy: &Policy) -> &Vec<Self> {
        &policy.methods
    }

    fn all_mut(policy: &mut Policy) -> &mut Vec<Self> {
        &mut policy.methods
    }

    fn title(&self) -> String {
        if self.name.is_empty() { self.id.clone() } else { self.name.clone() }
    }

    fn summary(&self, policy: &Policy) -> String {
        let price = if self.price == 0 {
            "free".to_owned()
        } else {
            format!("{} {}", policy.currency, amount(self.price, &policy.currency))
        };
        format!("{price} · {}", self.services.join(", "))
    }

    fn fields(&self, policy: &Policy, new: bool, errors: &Errors) -> Markup {
        html! {
            (field("Name", "name", self.name.clone()).required().hint("As at checkout: Standard, Express …").error(errors.at("name")))
            @if new { (field("Id", "id", self.id.clone()).hint("Made from the name where you leave it empty.").error(errors.at("id"))) }
            (field("Price", "price", amount(self.price, &policy.currency)).hint(&policy.currency).error(errors.at("price")))
            fieldset {
                legend { "Carried by" }
                p.hint { "The quickest of those that can." }
                div.ticks { @for s in &policy.services { (tick(&s.title(), "services", &s.id, self.services.contains(&s.id))) } }
                @if !errors.at("services").is_empty() { p.wrong { (errors.at("services")) } }
            }
            fieldset {
                legend { "Offered in" }
                p.hint { "None ticked: everywhere that something is delivered." }
                div.ticks { @for z in policy.zones.iter().filter(|z| !z.excluded) { (tick(&z.title(), "zones", &z.id, self.zones.contains(&z.id))) } }
            }
            (field("Where it ends", "to", end_word(self.to)).choices(ENDS).error(errors.at("to")))
            (tick("Someone has to sign", "signature", "yes", self.signature))
            fieldset {
                legend { "Keeps parcels from thieves by" }
                p.hint { "Comes first at checkout where many parcels were stolen (see Help and reports)." }
                div.ticks { @for (word, name) in SAFE { (tick(name, "safe", word, self.safe.iter().any(|s| s == word))) } }
                @if !errors.at("safe").is_empty() { p.wrong { (errors.at("safe")) } }
            }
            (field("Other names", "aliases", self.aliases.join(", ")).hint("Under which orders mention it, with commas between: Free Shipping …").error(errors.at("aliases")))
        }
    }

    fn read(&mut self, f: &Fields, policy: &Policy, errors: &mut Errors) {
        self.name = f.get("name").to_owned();
        if self.id.is_empty() {
            let taken: Vec<_> = policy.methods.iter().map(|m| &m.id).collect();
            self.id = f.some("id").unwrap_or_else(|| id_of(&self.name, &taken));
        }
        match minor(f.some("price").as_deref().unwrap_or("0"), &policy.currency) {
            Some(price) => self.price = price,
            None => errors.add("price", format!("Write an amount such as {}.", amount(495, &policy.currency))),
        }
        // Those that were there keep their order: the best stands first.
        let ticked = f.all("services");
        self.services.retain(|s| ticked.contains(s));
        let new: Vec<_> = ticked.into_iter().filter(|s| !self.services.contains(s)).collect();
        self.services.extend(new);
        self.zones = f.all("zones");
        self.aliases = f.list("aliases");
        self.to = match f.get("to") {
            "pickup_point" => HandOver::PickupPoint,
            "locker" => HandOver::Locker,
            "store" => HandOver::Store,
            _ => HandOver::Address,
        };
        self.signature = f.has("signature");
        self.safe = f.all("safe");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_they_are_written() {
        for (n, currency, text) in [(495, "USD", "4.95"), (0, "EUR", "0.00"), (1500, "JPY", "1500"), (1234, "KWD", "1.234")] {
            assert_eq!(amount(n, currency), text);
            assert_eq!(minor(text, currency), Some(n));
        }
        assert_eq!((minor("4,9", "EUR"), minor("5", "EUR")), (Some(490), Some(500)));
        for bad in ["4.955", "-1", "abc", "1e3", "", ".5", "99999999999999999999"] {
            assert_eq!(minor(bad, "USD"), None, "{bad}");
        }
    }
}
