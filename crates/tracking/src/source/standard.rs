//! Our own JSON: the facts as they are, for stores and tools that speak to the API themselves.

use super::Unreadable;
use crate::facts::{Facts, Problem};

/// Reads `{"orders":[…],"fulfillments":[…],"shipments":[…]}`, each as in [`crate::facts`].
pub fn read(body: &[u8]) -> Result<Facts, Unreadable> {
    let mut facts: Facts =
        serde_json::from_slice(body).map_err(|e| Unreadable::Malformed { format: "standard JSON", reason: e.to_string() })?;
    facts.request = None;
    let of_orders: Vec<_> = facts.orders.iter().flat_map(|o| o.fulfillments.clone()).collect();
    facts.fulfillments.extend(of_orders);
    if facts.orders.is_empty() && facts.fulfillments.is_empty() && facts.shipments.is_empty() {
        facts.problems.push(Problem {
            kind: "missing_field".into(),
            message: "none of `orders`, `fulfillments`, `shipments` has an entry".into(),
            ..Problem::default()
        });
    }
    Ok(facts)
}
