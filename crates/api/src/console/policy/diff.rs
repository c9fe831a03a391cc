//! What differs between two policies, in words: by the ids of their parts, not by their places.

use std::collections::BTreeMap;

use promise::policy::Policy;
use serde_json::Value;

/// One difference: where, what was there, what is there now.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    pub at: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

pub fn changes(old: &Policy, new: &Policy) -> Vec<Change> {
    let flat = |policy: &Policy| {
        let mut all = BTreeMap::new();
        let mut value = serde_json::to_value(policy).unwrap_or_default();
        value.as_object_mut().map(|o| o.remove("version"));
        flatten(&value, String::new(), &mut all);
        all
    };
    let (old, new) = (flat(old), flat(new));
    let mut list: Vec<Change> = old
        .iter()
        .filter(|(at, before)| new.get(*at) != Some(before))
        .map(|(at, before)| Change { at: at.clone(), before: Some(before.clone()), after: new.get(at).cloned() })
        .collect();
    list.extend(new.iter().filter(|(at, _)| !old.contains_key(*at)).map(|(at, after)| Change {
        at: at.clone(),
        before: None,
        after: Some(after.clone()),
    }));
    list.sort_by(|a, b| a.at.cmp(&b.at));
    list
}

/// Leaves by path. Entries of a list are named by what tells them apart; a list of plain values is one leaf.
fn flatten(value: &Value, at: String, into: &mut BTreeMap<String, String>) {
    let below = |name: &str| if at.is_empty() { name.replace('_', " ") } else { format!("{at} › {}", name.replace('_', " ")) };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(value, below(name), into);
            }
        }
        Value::Array(list) if list.iter().any(Value::is_object) => {
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            for entry in list {
                let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                let name = ["id", "sku", "date"].into_iter().map(text).find(|t| !t.is_empty());
                let name = name.unwrap_or_else(|| {
                    let any = |t: String| if t.is_empty() { "any".to_owned() } else { t };
                    match entry.get("service") {
                        Some(_) => format!("{}, {}, {}", any(text("origin")), any(text("service")), any(text("zone"))),
                        None => text("country"),
                    }
                });
                let count = seen.entry(name.clone()).or_default();
                *count += 1;
                let name = if *count > 1 { format!("{name} ({count})") } else { name };
                // Not `below`: an id is no word of ours.
                flatten(entry, if at.is_empty() { name } else { format!("{at} › {name}") }, into);
            }
            // The order of zones and methods matters.
            let order: Vec<&str> = list.iter().filter_map(|e| e.get("id").and_then(Value::as_str)).collect();
            if order.len() > 1 {
                into.insert(below("order"), order.join(", "));
            }
        }
        Value::Array(list) => {
            if !list.is_empty() {
                let texts: Vec<String> = list.iter().map(leaf).collect();
                into.insert(at, texts.join(", "));
            }
        }
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        Value::Bool(false) => {}
        leaf_value => drop(into.insert(at, leaf(leaf_value))),
    }
}

fn leaf(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_by_what_changed() {
        let old: Policy = serde_json::from_str(include_str!("../../demo/policy.json")).unwrap();
        assert_eq!(changes(&old, &old), []);
        let mut new = old.clone();
        new.version = 7;
        new.origins[0].cutoffs.insert("mon".into(), "15:00".into());
        new.origins[0].closures.clear();
        new.items.remove(0);
        new.zones.swap(1, 2);
        let told: Vec<String> = changes(&old, &new)
            .iter()
            .map(|c| format!("{}: {} → {}", c.at, c.before.clone().unwrap_or_default(), c.after.clone().unwrap_or_default()))
            .collect();
        assert!(told.contains(&"origins › memphis › cutoffs › mon: 14:00 → 15:00".to_owned()), "{told:#?}");
        assert!(told.contains(&"origins › memphis › closures: 2026-11-27 → ".to_owned()));
        assert!(told.contains(&"items › MUG-1 › stock › memphis: 48 → ".to_owned()));
        assert!(told.iter().any(|t| t.starts_with("zones › order: far, us_south, us_east")));
        assert_eq!(told.len(), 6, "the mug had a SKU, a stock and an origin: {told:#?}");
    }
}
