//! One estimate for a large cart: twenty lines, ten methods, three origins, three delays; native, and by the widget's own Wasm in Chromium.
//!
//! The reference is an amount of work that does not change with the code: hashing a text of 256 KB, natively and by Chromium's own
//! `crypto.subtle`. A ratio of 1: an estimate takes as long as that.

use std::{
    hint::black_box,
    process::{Command, Stdio},
    time::Instant as Clock,
};

use anyhow::{Context, Result};
use promise::Instant;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{Figure, median};

const TEXT: usize = 256 * 1024;
const ROUNDS: usize = 9;
const CALLS: u32 = 50;

#[path = "../../crates/promise/examples/cases.rs"]
#[allow(dead_code, reason = "an example of another crate, of which one case is taken")]
mod cases;

const NOW: &str = "2026-12-01T15:00:00Z";

/// `estimate_native`, in microseconds.
pub fn native() -> Result<Figure> {
    let (document, request) = cases::large();
    let now = Instant::parse(NOW).context("now")?;
    let text = vec![b'a'; TEXT];
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Clock::now();
        for _ in 0..CALLS {
            black_box(promise::estimate(black_box(&document), black_box(&request), now));
        }
        ours.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
        let start = Clock::now();
        for _ in 0..CALLS {
            black_box(Sha256::digest(black_box(&text)));
        }
        theirs.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
    }
    Ok(Figure {
        name: "estimate_native",
        value: median(ours),
        reference: median(theirs),
        unit: "µs",
        against: "SHA-256 of 256 KB, natively",
    })
}

/// `estimate_browser`, in microseconds: from request to answer, as the widget asks and reads it. `None`: there is no browser, or nothing to run in it.
pub fn browser() -> Result<Option<Figure>> {
    let mut child = Command::new("node")
        .arg("bench/estimate_browser.mjs")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("node")?;
    let (document, request) = cases::large();
    let input = json!({"document": document, "request": request, "now": NOW});
    serde_json::to_writer(child.stdin.take().context("no standard input")?, &input)?;
    let done = child.wait_with_output()?;
    if !done.status.success() {
        eprintln!("skipped: estimate_browser needs ./build.sh setup, a Chromium and the widget's files (./build.sh build)");
        return Ok(None);
    }
    let said: Value = serde_json::from_slice(&done.stdout)?;
    let figure = |name: &str| said[name].as_f64().context("a figure");
    Ok(Some(Figure {
        name: "estimate_browser",
        value: figure("value")?,
        reference: figure("reference")?,
        unit: "µs",
        against: "SHA-256 of 256 KB, by Chromium",
    }))
}
