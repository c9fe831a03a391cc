//! Problem documents (RFC 9457): every error the API answers, saying what to do.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

/// `application/problem+json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Problem {
    /// A stable path under `/problems/`, or `about:blank`.
    pub r#type: String,
    pub title: String,
    pub status: u16,
    /// What was wrong here, and what to do.
    pub detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct FieldError {
    pub field: String,
    pub message: String,
}
