//! Couriers added at run time: files in the published format of tracking numbers, as they are.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use tracking::number::{self, published};

/// Reads a file, or every `*.json` of a folder, and adds what it says for as long as this process runs.
pub fn add(path: &Path) -> Result<usize> {
    let mut files = Vec::new();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).with_context(|| path.display().to_string())? {
            let file = entry?.path();
            if file.extension().is_some_and(|e| e == "json") {
                files.push(file);
            }
        }
        files.sort();
        ensure!(!files.is_empty(), "{}: no .json file there", path.display());
    } else {
        files.push(path.to_owned());
    }
    let mut couriers = Vec::new();
    for file in files {
        let text = std::fs::read(&file).with_context(|| file.display().to_string())?;
        couriers.push(published::read(&text).with_context(|| file.display().to_string())?);
    }
    let count = couriers.len();
    ensure!(number::add(couriers), "couriers were added before");
    Ok(count)
}
