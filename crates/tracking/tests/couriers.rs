//! Ten couriers that the product does not come with, each by a file in the published format alone: what the format can say is understood.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use tracking::number::{Hints, add, detect, published};

/// Code, regex, validation, a number whose last character is its check digit or is none, whether it has a check digit.
fn couriers() -> Vec<(&'static str, Value, Value, &'static str, bool)> {
    let checksum = |name: &str| json!({"checksum": {"name": name}});
    vec![
        (
            "quill_parcel",
            json!(["\\s*(?<SerialNumber>(?<Depot>[0-9]{4})\\s*([0-9A-Z]\\s*){10})", "(?<CheckDigit>[0-9A-Z]\\s*)"]),
            checksum("mod_37_36"),
            "0998AB12345678",
            true,
        ),
        (
            "river_freight",
            json!("\\s*Q(?<SerialNumber>([0-9]\\s*){11})(?<CheckDigit>[0-9])"),
            json!({"checksum": {"name": "mod10", "evens_multiplier": 3, "odds_multiplier": 1}}),
            "Q50012345678",
            true,
        ),
        (
            "antipode_post",
            json!([
                "\\s*(?<ApplicationIdentifier>0\\s*0\\s*)?",
                "(?<SerialNumber>7(?<Extension>9)([0-9]\\s*){16})",
                "(?<CheckDigit>[0-9]\\s*)"
            ]),
            json!({"checksum": {"name": "mod10", "evens_multiplier": 3, "odds_multiplier": 1, "reverse": true}}),
            "00791234567890123456",
            true,
        ),
        (
            "crane_express",
            json!("\\s*CE-?(?<SerialNumber>[0-9]{4}-?[0-9]{4}-?[0-9]{3})(?<CheckDigit>[0-9])"),
            checksum("mod7"),
            "CE-1234-5678-901",
            true,
        ),
        (
            "ledger_line",
            json!("(?i)\\s*ll(?<SerialNumber>(?:[0-9]\\s*){9})(?<CheckDigit>[0-9])"),
            checksum("luhn"),
            "ll 123 456 789",
            true,
        ),
        (
            "harbour_ltl",
            json!("\\s*HB(?<SerialNumber>([0-9]\\s*){9})(?<CheckDigit>[0-9])"),
            json!({"checksum": {"name": "sum_product_with_weightings_and_modulo", "weightings": [2, 3, 4, 5, 6, 7, 2, 3, 4], "modulo1": 11, "modulo2": 10}}),
            "HB123456789",
            true,
        ),
        (
            "island_mail",
            json!("\\s*(?<ServiceType>(Z[A-Y]))(?<SerialNumber>([0-9]\\s*){8})(?<CheckDigit>[0-9])\\s*IM"),
            checksum("s10"),
            "ZB12345678?IM",
            true,
        ),
        ("swift_dragon", json!("\\s*S\\s*D\\s*(?!0000)(?<SerialNumber>([0-9]\\s*){12,13})"), json!({}), "SD1234567890123", false),
        (
            "tulip_post",
            json!("\\s*3T(?<SerialNumber>[A-Z]{4}[0-9]{7,9})"),
            json!({"additional": {"exists": ["Service Type"]}}),
            "3TABCD1234567",
            false,
        ),
        (
            "lock_box",
            json!("\\s*6(?:8|9)(?<SerialNumber>([0-9]\\s*){21})(?<CheckDigit>[0-9])"),
            json!({"checksum": {"name": "mod10", "evens_multiplier": 1, "odds_multiplier": 3}}),
            "68000000000012345678901",
            true,
        ),
    ]
}

#[test]
fn ten_couriers_are_known_by_their_files_alone() {
    let mut files = Vec::new();
    for (code, regex, mut validation, ..) in couriers() {
        let additional = match validation.get("additional").is_some() {
            // A look-up that has to find something.
            true => {
                json!([{"name": "Service Type", "regex_group_name": "SerialNumber", "lookup": [{"matches_regex": "AB.*", "name": "Letterbox"}, {"matches_regex": "CD.*", "name": "Parcel"}]}])
            }
            false => json!([]),
        };
        if validation.is_null() {
            validation = json!({});
        }
        let file = json!({"name": format!("The {code}"), "courier_code": code, "tracking_numbers": [{"name": format!("{code} standard"), "id": code, "regex": regex,
            "validation": validation, "additional": additional, "tracking_url": format!("https://{code}.example/%s"), "test_numbers": {"valid": [], "invalid": []}}]});
        files.push(published::read(&serde_json::to_vec(&file).unwrap()).unwrap_or_else(|e| panic!("{code}: {e}")));
    }
    assert!(add(files));
    for (code, _, _, number, checked) in couriers() {
        let own = |text: &str| detect(text, &Hints::default()).candidates.into_iter().find(|c| c.carrier == code);
        if !checked {
            let found = own(number).unwrap_or_else(|| panic!("{code}: {number} is not known"));
            assert!(found.valid && !found.checked, "{code}: as its file says, but no check digit stands behind it: {found:?}");
            let ruled_out = number.replace("SD1234", "SD0000").replace("3TAB", "3TXY");
            assert!(!own(&ruled_out).is_some_and(|c| c.valid), "{code}: {ruled_out}");
            continue;
        }
        let digits = if code == "quill_parcel" { "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" } else { "0123456789" };
        let with = |c: char| if number.contains('?') { number.replace('?', &c.to_string()) } else { format!("{number}{c}") };
        let right: Vec<String> = digits.chars().map(with).filter(|n| own(n).is_some_and(|c| c.valid)).collect();
        assert_eq!(right.len(), 1, "{code}: one check character is right, not {right:?}");
        let found = own(&right[0]).unwrap();
        assert!(found.tracking_url.unwrap().starts_with(&format!("https://{code}.example/")), "{code}");
        // In lower case, with spaces and dashes, as people paste it.
        let pasted: String = right[0].to_lowercase().chars().flat_map(|c| [c, ' ']).collect();
        assert!(own(&pasted).is_some_and(|c| c.valid), "{code}: {pasted}");
    }
}
