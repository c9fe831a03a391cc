//! Tables for spreadsheets.

use anyhow::Result;
use serde::Serialize;

/// A row whose key may have been written by a carrier or a shop.
pub trait Keyed {
    fn key(&mut self) -> &mut String;
}

/// Rows of one shape as CSV, their fields as columns. A key that a spreadsheet would take for a formula is quoted with an apostrophe.
pub fn write<T: Serialize + Keyed + Clone>(rows: &[T]) -> Result<Vec<u8>> {
    let mut out = ::csv::Writer::from_writer(Vec::new());
    for row in rows {
        let mut row = row.clone();
        let key = row.key();
        if key.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            key.insert(0, '\'');
        }
        out.serialize(row)?;
    }
    Ok(out.into_inner()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::report::Area;

    #[test]
    fn formulas_are_texts() {
        let area = |key: &str| Area { key: key.into(), delivered: -1, missing: 2, per_thousand: None };
        let text = String::from_utf8(write(&[area("=HYPERLINK(\"x\")"), area("a,b")]).unwrap()).unwrap();
        assert_eq!(text, "key,delivered,missing,per_thousand\n\"'=HYPERLINK(\"\"x\"\")\",-1,2,\n\"a,b\",-1,2,\n");
        assert!(write::<Area>(&[]).unwrap().is_empty());
    }
}
