//! Destinations that share transit times.

use maud::{Markup, html};
use promise::policy::{Policy, Zone};

use super::{
    entry::{Entry, Errors, id_of},
    places,
};
use crate::console::{
    Fields,
    frame::{field, tick},
};

impl Entry for Zone {
    const SECTION: &str = "zones";
    const NAMES: (&str, &str) = ("Zones", "a zone");
    const ORDERED: bool = true;

    fn all(policy: &Policy) -> &Vec<Self> {
        &policy.zones
    }

    fn all_mut(policy: &mut Policy) -> &mut Vec<Self> {
        &mut policy.zones
    }

    fn title(&self) -> String {
        if self.name.is_empty() { self.id.clone() } else { self.name.clone() }
    }

    fn summary(&self, _: &Policy) -> String {
        let text = places::write(&self.places).replace('\n', " · ");
        let short: String = text.chars().take(120).collect();
        format!(
            "{}{short}{}",
            if self.excluded { "Nothing is delivered there: " } else { "" },
            if short.len() < text.len() { "…" } else { "" }
        )
    }

    fn fields(&self, _: &Policy, new: bool, errors: &Errors) -> Markup {
        html! {
            (field("Name", "name", self.name.clone()).required().hint("Shoppers read it where nothing is delivered: “We can't deliver this to Alaska”.").error(errors.at("name")))
            @if new { (field("Id", "id", self.id.clone()).hint("Made from the name where you leave it empty.").error(errors.at("id"))) }
            (field("Places", "places", places::write(&self.places)).lines(6).required()
                .hint("A line each: a country (US), parts of one (US regions: CA, NY), or postal codes by their beginnings (US postal codes: 900-961, 941).").error(errors.at("places")))
            (tick("Nothing is delivered there", "excluded", "yes", self.excluded))
        }
    }

    fn read(&mut self, f: &Fields, policy: &Policy, errors: &mut Errors) {
        self.name = f.get("name").to_owned();
        if self.id.is_empty() {
            let taken: Vec<_> = policy.zones.iter().map(|z| &z.id).collect();
            self.id = f.some("id").unwrap_or_else(|| id_of(&self.name, &taken));
        }
        self.excluded = f.has("excluded");
        match places::read(f.get("places")) {
            Ok(places) => self.places = places,
            Err(e) => errors.add("places", e),
        }
    }
}
