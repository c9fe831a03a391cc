//! What is special about one SKU.

use maud::{Markup, html};
use promise::{
    Day,
    policy::{Duration, Item, Policy},
};

use super::{
    duration_fields,
    entry::{Entry, Errors},
    read_duration,
};
use crate::console::{
    Fields,
    frame::{field, tick},
};

impl Entry for Item {
    const SECTION: &str = "items";
    const NAMES: (&str, &str) = ("Items", "an item");

    fn all(policy: &Policy) -> &Vec<Self> {
        &policy.items
    }

    fn all_mut(policy: &mut Policy) -> &mut Vec<Self> {
        &mut policy.items
    }

    fn title(&self) -> String {
        self.sku.clone()
    }

    fn summary(&self, _: &Policy) -> String {
        let mut parts = Vec::new();
        if let Some(lead) = &self.lead {
            parts.push(format!(
                "made to order, {} to {} working days",
                lead.min.unwrap_or(0),
                lead.max.or(lead.min).unwrap_or(0)
            ));
        }
        if let Some(stock) = &self.stock {
            let by = stock.iter().map(|(o, n)| format!("{n} in {o}")).collect::<Vec<_>>().join(", ");
            parts.push(if by.is_empty() { "none in stock".into() } else { by });
        }
        parts.extend(self.available_from.map(|d| format!("from {d}")));
        if !self.origins.is_empty() && self.stock.is_none() {
            parts.push(format!("from {} only", self.origins.join(", ")));
        }
        if !self.not_by.is_empty() {
            parts.push(format!("not by {}", self.not_by.join(", ")));
        }
        if parts.is_empty() { "in stock everywhere".into() } else { parts.join(" · ") }
    }

    fn fields(&self, policy: &Policy, _: bool, errors: &Errors) -> Markup {
        let lead = self.lead.clone().unwrap_or_default();
        html! {
            (field("SKU", "sku", self.sku.clone()).required().error(errors.at("sku")))
            (duration_fields("Made to order: time before handling starts", "lead", &lead, errors))
            fieldset {
                legend { "Pieces on hand" }
                p.hint { "All empty: enough everywhere." }
                div.pair {
                    @for o in &policy.origins {
                        @let name = format!("stock.{}", o.id);
                        @let n = self.stock.as_ref().and_then(|s| s.get(&o.id)).map(u32::to_string).unwrap_or_default();
                        (field(&o.title(), &name, n).kind("number").error(errors.at(&name)))
                    }
                }
            }
            (field("Back in stock, or released, on", "available_from", self.available_from.map(|d| d.to_string()).unwrap_or_default()).kind("date").error(errors.at("available_from")))
            (duration_fields("Beyond the stock it can be ordered all the same: comes in within", "back_order", &self.back_order.clone().unwrap_or_default(), errors))
            fieldset {
                legend { "Ships from" }
                p.hint { "None ticked: from all origins." }
                div.ticks { @for o in &policy.origins { (tick(&o.title(), "origins", &o.id, self.origins.contains(&o.id))) } }
            }
            fieldset {
                legend { "Can't go by" }
                div.ticks { @for m in &policy.methods { (tick(&m.title(), "not_by", &m.id, self.not_by.contains(&m.id))) } }
            }
            (tick("Someone has to sign for it", "signature", "yes", self.signature))
        }
    }

    fn read(&mut self, f: &Fields, policy: &Policy, errors: &mut Errors) {
        self.sku = f.get("sku").to_owned();
        if policy.items.iter().filter(|i| i.sku == self.sku).count() > usize::from(policy.items.contains(self))
            && !self.sku.is_empty()
        {
            errors.add("sku", "There is an entry for this SKU already.");
        }
        let mut lead = self.lead.clone().unwrap_or_default();
        read_duration(f, "lead", &mut lead, errors);
        self.lead = Some(lead).filter(|l| *l != Duration::default());
        let mut stock = std::collections::BTreeMap::new();
        for o in &policy.origins {
            let name = format!("stock.{}", o.id);
            match (f.get(&name), f.get(&name).parse::<u32>()) {
                ("", _) => {}
                (_, Ok(n)) => drop(stock.insert(o.id.clone(), n)),
                _ => errors.add(&name, "Write a number of pieces."),
            }
        }
        self.stock = Some(stock).filter(|s| !s.is_empty());
        self.available_from = match f.get("available_from") {
            "" => None,
            text => Day::parse(text).or_else(|| {
                errors.add("available_from", "Write a date as 2026-12-24.");
                None
            }),
        };
        self.origins = f.all("origins");
        self.not_by = f.all("not_by");
        let mut back_order = self.back_order.clone().unwrap_or_default();
        read_duration(f, "back_order", &mut back_order, errors);
        self.back_order = Some(back_order).filter(|b| *b != Duration::default());
        self.signature = f.has("signature");
    }
}
