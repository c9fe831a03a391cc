//! Couriers in the published format, taken as they are: every sample number means the same by those files as by ours.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use serde_json::Value;
use tracking::number::{Hints, add, detect, published};

/// A courier nobody has heard of, whose check character may be a letter.
const NORTHWIND: &str = r#"{
  "name": "Northwind Parcels", "courier_code": "northwind",
  "tracking_numbers": [{
    "name": "Northwind Express", "id": "northwind_express", "description": "two letters, twelve digits, a check character",
    "regex": ["\\s*N\\s*W\\s*(?<SerialNumber>(?<ServiceType>[A-Z0-9]\\s*)([0-9]\\s*){11})", "(?<CheckDigit>[A-Z0-9]\\s*)"],
    "validation": {"checksum": {"name": "mod_37_36"}},
    "tracking_url": "https://northwind.example/track?n=%s",
    "additional": [{"name": "Service Type", "regex_group_name": "ServiceType",
      "lookup": [{"matches": "1", "name": "Overnight"}, {"matches_regex": "[2-9]", "name": "Economy"}]}],
    "partners": [{"partner_id": "usps_91"}]
  }]
}"#;

#[test]
fn a_courier_is_added_by_its_file_and_the_others_stay_right() {
    let mut couriers = vec![published::read(NORTHWIND.as_bytes()).unwrap()];
    let root = std::env::var_os("WHEREABOUTS_DATA").map_or_else(|| PathBuf::from("../../../shared/data"), PathBuf::from);
    let folder = root.join("tracking_numbers");
    let mut samples = Vec::new();
    if folder.exists() {
        for entry in std::fs::read_dir(folder.join("patterns")).unwrap() {
            let path = entry.unwrap().path();
            couriers.push(published::read(&std::fs::read(&path).unwrap()).unwrap_or_else(|e| panic!("{}: {e}", path.display())));
            let Ok(text) = std::fs::read(folder.join(path.file_name().unwrap())) else { continue };
            let file: Value = serde_json::from_slice(&text).unwrap();
            samples.extend(file["samples"].as_array().unwrap().clone());
        }
    } else {
        println!("skipped in part: {} is not there", folder.display());
    }
    assert!(detect("NW100000000001X", &Hints::default()).candidates.is_empty());
    assert!(add(couriers));
    assert!(!add(Vec::new()), "once only");

    let check = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let valid: Vec<String> = check
        .chars()
        .map(|c| format!("NW 2000 0000 0017 {c}"))
        .filter(|n| detect(n, &Hints::default()).candidates.iter().any(|c| c.carrier == "northwind" && c.valid))
        .collect();
    assert_eq!(valid.len(), 1, "one check character is right: {valid:?}");
    let found = detect(&valid[0], &Hints::default());
    let best = &found.candidates[0];
    assert_eq!((best.name.as_str(), best.service_type.as_deref()), ("Northwind Parcels", Some("Economy")));
    assert_eq!(best.tracking_url.as_deref(), Some(format!("https://northwind.example/track?n={}", found.normalized)).as_deref());

    let mut wrong = Vec::new();
    for sample in &samples {
        let number = sample["number"].as_str().unwrap();
        let found = detect(number, &Hints::default());
        let own = found.candidates.iter().find(|c| {
            c.carrier == tracking::carrier::code_of(sample["courier_code"].as_str().unwrap())
                && c.service == sample["service"]
                && c.valid
        });
        if own.is_some() != sample["valid"].as_bool().unwrap() {
            wrong.push(format!("{number} {} {}: {:?}", sample["service"], sample["valid"], found.candidates));
        }
    }
    println!("{} of {} samples right by the published files alone", samples.len() - wrong.len(), samples.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_file_says_where() {
    for (file, says) in [
        ("[]", "the file: "),
        (r#"{"name":"A","courier_code":"a","tracking_numbers":[]}"#, "courier_code, tracking_numbers: "),
        (
            r#"{"name":"A","courier_code":"a","tracking_numbers":[{"name":"A","regex":"A(?<SerialNumber>[0-9]+)","validation":{"checksum":{"name":"luhn"}}}]}"#,
            "tracking_numbers[0].regex: a checksum needs",
        ),
        (
            r#"{"name":"A","courier_code":"a","tracking_numbers":[{"name":"A","regex":"A(?<SerialNumber>[0-9]+)(?<CheckDigit>[0-9])","validation":{"checksum":{"name":"mod9"}}}]}"#,
            "tracking_numbers[0].validation.checksum: `mod9` is not known",
        ),
    ] {
        let error = published::read(file.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(says), "{error}");
    }
}
