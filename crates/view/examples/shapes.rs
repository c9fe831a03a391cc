//! The shapes of the documents that cross between the page and Wasm, as JSON: `tools/assets.mjs` puts them into what each surface loads.

use frugal::{shape, shape_written};

fn main() {
    println!(
        r#"{{"estimate":{{"document":{},"request":{},"ui":{},"estimate":{}}},"order":{{"document":{}}}}}"#,
        shape::<promise::Document>(),
        shape::<promise::Request>(),
        shape::<view::estimate::Ui>(),
        shape_written::<promise::Estimate>(),
        shape::<wire::OrderDocument>(),
    );
}
