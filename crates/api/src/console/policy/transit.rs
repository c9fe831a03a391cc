//! How long a service takes from an origin to a zone.

use maud::{Markup, html};
use promise::policy::{Policy, Transit};

use super::{
    duration_fields,
    entry::{Entry, Errors},
    read_duration,
};
use crate::console::{Fields, frame::field};

/// Names by id, after a first line for "any".
fn choices<'a>(any: &str, list: impl Iterator<Item = (&'a String, String)>) -> Vec<(String, String)> {
    std::iter::once((String::new(), any.to_owned())).chain(list.map(|(id, name)| (id.clone(), name))).collect()
}

impl Entry for Transit {
    const SECTION: &str = "transit";
    const NAMES: (&str, &str) = ("Transit times", "a transit time");

    fn all(policy: &Policy) -> &Vec<Self> {
        &policy.transit
    }

    fn all_mut(policy: &mut Policy) -> &mut Vec<Self> {
        &mut policy.transit
    }

    fn title(&self) -> String {
        let or = |id: &str, any: &str| if id.is_empty() { any.to_owned() } else { id.to_owned() };
        format!("{}: {} to {}", or(&self.service, "any service"), or(&self.origin, "any origin"), or(&self.zone, "any zone"))
    }

    fn summary(&self, _: &Policy) -> String {
        match (self.days.min, self.days.max) {
            _ if !self.days.weights.is_empty() => {
                format!("learned, up to {} working days", self.days.weights.len().saturating_sub(1))
            }
            (Some(a), Some(b)) if a != b => format!("{a} to {b} working days"),
            (Some(n), _) | (_, Some(n)) => format!("{n} working days"),
            _ => "no time yet".into(),
        }
    }

    fn fields(&self, policy: &Policy, _: bool, errors: &Errors) -> Markup {
        html! {
            (field("Service", "service", self.service.clone()).choices(choices("Any", policy.services.iter().map(|s| (&s.id, s.title())))).error(errors.at("service")))
            (field("From", "origin", self.origin.clone()).choices(choices("Any origin", policy.origins.iter().map(|o| (&o.id, o.title())))).error(errors.at("origin")))
            (field("To", "zone", self.zone.clone()).choices(choices("Any zone", policy.zones.iter().map(|z| (&z.id, z.title())))).error(errors.at("zone")))
            (duration_fields("Takes", "days", &self.days, errors))
        }
    }

    fn read(&mut self, f: &Fields, _: &Policy, errors: &mut Errors) {
        self.service = f.get("service").to_owned();
        self.origin = f.get("origin").to_owned();
        self.zone = f.get("zone").to_owned();
        read_duration(f, "days", &mut self.days, errors);
    }
}
