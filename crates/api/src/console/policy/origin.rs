//! Where parcels leave.

use maud::{Markup, html};
use promise::{
    Day, holidays,
    policy::{HalfDay, Origin, Policy},
};

use super::{
    duration_fields,
    entry::{Entry, Errors, id_of},
    read_duration,
};
use crate::console::{
    Fields,
    frame::{field, tick},
};

pub const WEEK: [(&str, &str); 7] = [
    ("mon", "Monday"),
    ("tue", "Tuesday"),
    ("wed", "Wednesday"),
    ("thu", "Thursday"),
    ("fri", "Friday"),
    ("sat", "Saturday"),
    ("sun", "Sunday"),
];

impl Entry for Origin {
    const SECTION: &str = "origins";
    const NAMES: (&str, &str) = ("Origins", "an origin");

    fn all(policy: &Policy) -> &Vec<Self> {
        &policy.origins
    }

    fn all_mut(policy: &mut Policy) -> &mut Vec<Self> {
        &mut policy.origins
    }

    fn title(&self) -> String {
        if self.name.is_empty() { self.id.clone() } else { self.name.clone() }
    }

    fn summary(&self, _: &Policy) -> String {
        let days = WEEK.iter().filter_map(|(d, name)| Some(format!("{} {}", &name[..3], self.cutoffs.get(*d)?)));
        format!("{} · {}", days.collect::<Vec<_>>().join(", "), self.time_zone)
    }

    fn fields(&self, _: &Policy, new: bool, errors: &Errors) -> Markup {
        let closures = self.closures.iter().map(Day::to_string).collect::<Vec<_>>().join("\n");
        let half = self.half_days.iter().map(|h| format!("{} {}", h.date, h.cutoff)).collect::<Vec<_>>().join("\n");
        let next = next_holidays(&self.holidays);
        html! {
            (field("Name", "name", self.name.clone()).required().error(errors.at("name")))
            @if new { (field("Id", "id", self.id.clone()).hint("Made from the name where you leave it empty.").error(errors.at("id"))) }
            div.pair {
                (field("Country", "country", self.country.clone()).hint("ISO 3166, such as US.").error(errors.at("country")))
                (field("State or region", "region", self.region.clone().unwrap_or_default()).error(errors.at("region")))
            }
            (field("Time zone", "time_zone", self.time_zone.clone()).required().list("zones").hint("Such as America/Chicago.").error(errors.at("time_zone")))
            (zones())
            fieldset {
                legend { "Cut-off on each working day" }
                p.hint { "Orders until then are handled the same day. A day without a time is not worked." }
                div.week {
                    @for (day, name) in WEEK {
                        @let key = format!("cutoffs.{day}");
                        (field(name, &key, self.cutoffs.get(day).cloned().unwrap_or_default()).kind("time").error(errors.at(&key)))
                    }
                }
                @if !errors.only("cutoffs").is_empty() { p.wrong { (errors.only("cutoffs")) } }
            }
            (duration_fields("Handling time, from the order to the carrier", "handling", &self.handling, errors))
            (field("Public holidays", "holidays", self.holidays.join(", ")).hint("Calendars observed: US, US-TN, DE-BY … with commas between.").error(errors.at("holidays")))
            @if !next.is_empty() { p.hint { "Next: " (next.join(", ")) } }
            (field("Closed besides", "closures", closures).lines(3).hint("Dates such as 2026-12-24, a line each.").error(errors.at("closures")))
            (field("Shorter days", "half_days", half).lines(3).hint("A date and its cut-off, such as 2026-12-24 11:00, a line each.").error(errors.at("half_days")))
            fieldset {
                legend { "Carriers collect on" }
                p.hint { "None ticked: on every working day." }
                div.ticks { @for (day, name) in WEEK { (tick(name, "pickup_days", day, self.pickup_days.iter().any(|d| d == day))) } }
            }
        }
    }

    fn read(&mut self, f: &Fields, policy: &Policy, errors: &mut Errors) {
        self.name = f.get("name").to_owned();
        if self.id.is_empty() {
            let taken: Vec<_> = policy.origins.iter().map(|o| &o.id).collect();
            self.id = f.some("id").unwrap_or_else(|| id_of(&self.name, &taken));
        }
        self.country = f.get("country").to_uppercase();
        self.region = f.some("region");
        self.time_zone = f.get("time_zone").to_owned();
        self.cutoffs = WEEK
            .iter()
            .filter_map(|(day, _)| {
                // Browsers may send seconds.
                let time: String = f.get(&format!("cutoffs.{day}")).chars().take(5).collect();
                (!time.is_empty()).then(|| ((*day).to_owned(), time))
            })
            .collect();
        read_duration(f, "handling", &mut self.handling, errors);
        self.holidays = f.list("holidays").iter().map(|c| c.to_uppercase()).collect();
        self.closures = days(f, "closures", errors);
        self.half_days = Vec::new();
        for line in f.get("half_days").lines().map(str::trim).filter(|l| !l.is_empty()) {
            match line.split_once(char::is_whitespace).and_then(|(d, t)| Some((Day::parse(d)?, t.trim()))) {
                Some((date, cutoff)) => self.half_days.push(HalfDay { date, cutoff: cutoff.to_owned() }),
                None => errors.add("half_days", format!("“{line}”: write a date and a time, such as 2026-12-24 11:00.")),
            }
        }
        self.pickup_days = f.all("pickup_days");
    }
}

/// Dates, a line each or with commas.
pub fn days(f: &Fields, name: &str, errors: &mut Errors) -> Vec<Day> {
    let mut list = Vec::new();
    for text in f.list(name) {
        match Day::parse(&text) {
            Some(day) => list.push(day),
            None => errors.add(name, format!("“{text}” is not a date: write it as 2026-12-24.")),
        }
    }
    list
}

/// The next few days that these calendars close.
pub fn next_holidays(codes: &[String]) -> Vec<String> {
    let today = Day((chrono::Utc::now().timestamp() / 86_400) as i32);
    let mut all: std::collections::BTreeSet<Day> = std::collections::BTreeSet::new();
    for code in codes {
        all.extend(holidays::days(code).range(today..));
    }
    all.into_iter().take(4).map(|d| d.to_string()).collect()
}

/// All time zones, to choose from while typing.
pub fn zones() -> Markup {
    html! {
        datalist #zones {
            @for zone in chrono_tz::TZ_VARIANTS.iter().map(|z| z.name()).filter(|n| n.contains('/') && !n.starts_with("Etc/")) { option value=(zone) {} }
        }
    }
}
