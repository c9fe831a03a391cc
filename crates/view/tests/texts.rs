//! Every text that is asked for is there, and every text that is there is asked for.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Map, Value};

/// What is between quotes in a source file.
fn literals(file: &Path, into: &mut BTreeSet<String>) {
    let source = fs::read_to_string(file).unwrap();
    for quote in ['"', '\'', '`'] {
        into.extend(source.split(quote).filter(|s| s.len() < 40 && !s.contains(char::is_whitespace)).map(str::to_owned));
    }
}

fn walk(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs" || e == "js") {
            literals(&path, into);
        }
    }
}

#[test]
fn no_text_is_missing_and_none_is_unused() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let texts: Map<String, Value> = serde_json::from_str(include_str!("../../../www/i18n/en.json")).unwrap();
    let groups: BTreeSet<&str> = texts.keys().filter_map(|k| k.split_once('.').map(|(group, _)| group)).collect();
    let mut asked = BTreeSet::new();
    for folder in ["crates/view/src", "crates/api/src", "crates/notify/src", "www/embed"] {
        walk(&root.join(folder), &mut asked);
    }
    for file in ["www/embed.js", "www/actions.js"] {
        literals(&root.join(file), &mut asked);
    }
    // Asked for by two parts, whose second is data: `said_of("status.", …)`.
    let whole = |key: &str| asked.contains(&key[..=key.find('.').unwrap_or(key.len() - 1)]);
    let unused: Vec<&String> = texts.keys().filter(|k| !asked.contains(*k) && !whole(k)).collect();
    assert!(unused.is_empty(), "texts that nothing says: {unused:?}");

    let mut said = BTreeSet::new();
    for file in ["estimate.rs", "order.rs"] {
        literals(&root.join("crates/view/src").join(file), &mut said);
    }
    let is_key = |s: &&String| {
        s.split_once('.').is_some_and(|(group, name)| {
            groups.contains(group) && !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        })
    };
    let missing: Vec<&String> = said.iter().filter(is_key).filter(|k| !texts.contains_key(*k)).collect();
    assert!(missing.is_empty(), "texts that are not there: {missing:?}");
}
