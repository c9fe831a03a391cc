//! A carrier's service level.

use maud::{Markup, html};
use promise::{
    Day,
    policy::{Policy, Service},
};

use super::{
    entry::{Entry, Errors, id_of},
    origin::{WEEK, days},
};
use crate::console::{
    Fields,
    frame::{field, tick},
};

impl Entry for Service {
    const SECTION: &str = "services";
    const NAMES: (&str, &str) = ("Services", "a service");

    fn all(policy: &Policy) -> &Vec<Self> {
        &policy.services
    }

    fn all_mut(policy: &mut Policy) -> &mut Vec<Self> {
        &mut policy.services
    }

    fn title(&self) -> String {
        if self.name.is_empty() { self.id.clone() } else { self.name.clone() }
    }

    fn summary(&self, _: &Policy) -> String {
        let days = if self.days.is_empty() { "Monday to Friday".to_owned() } else { self.days.join(", ") };
        let carrier = tracking::carrier::by_code(&self.carrier).map_or(self.carrier.as_str(), |c| c.name);
        format!("{carrier} · {days}")
    }

    fn fields(&self, _: &Policy, new: bool, errors: &Errors) -> Markup {
        let closures = self.closures.iter().map(Day::to_string).collect::<Vec<_>>().join("\n");
        html! {
            (field("Name", "name", self.name.clone()).required().hint("Such as UPS Ground.").error(errors.at("name")))
            @if new { (field("Id", "id", self.id.clone()).hint("Made from the name where you leave it empty.").error(errors.at("id"))) }
            (field("Carrier", "carrier", self.carrier.clone()).required().hint("As tracking knows it: ups, fedex, usps, dhl_express, royalmail …").error(errors.at("carrier")))
            fieldset {
                legend { "Moves and delivers on" }
                p.hint { "None ticked: Monday to Friday." }
                div.ticks { @for (day, name) in WEEK { (tick(name, "days", day, self.days.iter().any(|d| d == day))) } }
            }
            (field("Public holidays", "holidays", self.holidays.join(", ")).hint("Calendars observed, with commas between.").error(errors.at("holidays")))
            (field("Closed besides", "closures", closures).lines(3).hint("Dates, a line each.").error(errors.at("closures")))
            (tick("Can't deliver to post-office boxes", "no_po_boxes", "yes", self.no_po_boxes))
            (tick("Can't ask for a signature", "no_signature", "yes", self.no_signature))
        }
    }

    fn read(&mut self, f: &Fields, policy: &Policy, errors: &mut Errors) {
        self.name = f.get("name").to_owned();
        if self.id.is_empty() {
            let taken: Vec<_> = policy.services.iter().map(|s| &s.id).collect();
            self.id = f.some("id").unwrap_or_else(|| id_of(&self.name, &taken));
        }
        self.carrier = tracking::carrier::code_of(f.get("carrier"));
        self.days = f.all("days");
        self.holidays = f.list("holidays").iter().map(|c| c.to_uppercase()).collect();
        self.closures = days(f, "closures", errors);
        self.no_po_boxes = f.has("no_po_boxes");
        self.no_signature = f.has("no_signature");
    }
}
