//! Detection on real sample numbers, where they are at hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use serde_json::Value;
use tracking::number::{Hints, detect, find, normalize};

fn data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("WHEREABOUTS_DATA").map_or_else(|| PathBuf::from("../../../shared/data"), PathBuf::from);
    let path = root.join("tracking_numbers").join(path);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn read(path: &std::path::Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_sample_has_its_courier_service_and_validity() {
    let Some(dir) = data("ups.json").and_then(|p| p.parent().map(PathBuf::from)) else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "json") {
            continue;
        }
        for sample in read(&path)["samples"].as_array().unwrap() {
            seen += 1;
            let number = sample["number"].as_str().unwrap();
            let found = detect(number, &Hints::default());
            let own = found
                .candidates
                .iter()
                .find(|c| c.carrier == sample["courier_code"] && c.service == sample["service"] && c.valid);
            let valid = sample["valid"].as_bool().unwrap();
            if own.is_some() != valid || valid && !found.valid {
                wrong.push(format!("{number} {} {valid}: {:?}", sample["service"], found.candidates));
            }
        }
    }
    println!("{} of {seen} samples right", seen - wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 150);
}

#[test]
fn decoded_numbers_and_free_text() {
    let Some(path) = data("extra/decode_and_search.json") else { return };
    let extra = read(&path);
    for case in extra["decode"].as_array().unwrap() {
        let found = detect(case["number"].as_str().unwrap(), &Hints::default());
        let best = found.candidates.first().unwrap_or_else(|| panic!("{case}"));
        let expect = &case["expect"];
        assert!(found.valid && best.name == expect["courier_name"], "{case}: {found:?}");
        if let Some(zip) = expect["destination_zip"].as_str() {
            assert_eq!(best.destination_postal_code.as_deref(), Some(zip), "{case}");
        }
    }
    for case in extra["free_text"].as_array().unwrap() {
        let found = find(case["text"].as_str().unwrap(), &Hints::default());
        assert_eq!(found.len() as u64, case["expect_count"].as_u64().unwrap(), "{case}: {found:?}");
        for (n, expected) in case["expect_numbers"].as_array().into_iter().flatten().enumerate() {
            assert_eq!(found[n].normalized, expected.as_str().unwrap(), "{case}");
        }
    }
    for case in extra["normalise"].as_array().unwrap() {
        let input = case["input"].as_str().unwrap();
        if let Some(output) = case["output"].as_str() {
            assert_eq!(normalize(input), output);
        }
        if case["valid"] == false {
            assert!(!detect(input, &Hints::default()).valid);
        }
    }
}
