//! The published vectors (`tests/golden/estimates.json`). `tests/checkout` runs the same ones in Wasm.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use promise::{Instant, Request, estimate, policy::Policy};
use serde_json::{Value, json};

/// RFC 7396.
fn patch(to: &mut Value, change: &Value) {
    match change {
        Value::Object(change) => {
            if !to.is_object() {
                *to = json!({});
            }
            for (name, value) in change {
                if value.is_null() { drop(to.as_object_mut().unwrap().remove(name)) } else { patch(&mut to[name], value) }
            }
        }
        other => *to = other.clone(),
    }
}

#[test]
fn golden_vectors() {
    let all: Value = serde_json::from_str(include_str!("../../../tests/golden/estimates.json")).unwrap();
    let moment = |v: &Value| Instant::parse(v.as_str().unwrap()).unwrap();
    let mut wrong = Vec::new();
    for case in all["cases"].as_array().unwrap() {
        let mut policy = all["policy"].clone();
        patch(&mut policy, &case["patch"].as_object().map_or(json!({}), |p| json!(p)));
        let policy: Policy = serde_json::from_value(policy).unwrap();
        assert_eq!(policy.validate(), [], "{}", case["name"]);
        let document = policy.document(moment(if case["made_at"].is_null() { &all["made_at"] } else { &case["made_at"] }));
        let destination = if case["destination"].is_null() {
            json!({"country": "US", "postal_code": "94103"})
        } else {
            case["destination"].clone()
        };
        let request: Request =
            serde_json::from_value(json!({"items": [{"sku": "MUG-1", "quantity": 1}], "destination": destination})).unwrap();
        let e = estimate(&document, &request, moment(&case["at"]));
        let said = match (&e.options[0].window, &e.options[0].obstacle) {
            (Some(w), _) => json!([w.from, w.to]),
            (None, why) => json!(why),
        };
        let expected = if case["expect"].is_null() { &case["obstacle"] } else { &case["expect"] };
        if said != *expected {
            wrong.push(format!("{}: expected {expected}, is {said}", case["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(all["cases"].as_array().unwrap().len() >= 35);
}
