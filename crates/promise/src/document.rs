//! The promise document: the public, compact form of a policy. Integers and short keys; no personal data.

use serde::{Deserialize, Serialize};

/// What `GET /v1/stores/{store}/promise.json` serves. Opaque to everything outside this crate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Document {
    pub version: u64,
}
