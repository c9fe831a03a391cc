//! Errors as problem documents (RFC 9457): what was wrong, and what to do.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use wire::problem::FieldError;

/// An error on its way out.
#[derive(Debug)]
pub struct Problem(pub Box<wire::Problem>);

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem(Box::new(wire::Problem {
            r#type: "about:blank".into(),
            title: status.canonical_reason().unwrap_or("Error").into(),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
        }))
    }

    pub fn invalid(errors: Vec<FieldError>) -> Problem {
        let mut p = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "some fields can't be accepted: see errors");
        p.0.errors = errors;
        p
    }

    pub fn no_store() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "there is no store with this id: compare it with data-store in the script tag")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        (status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))], body).into_response()
    }
}

impl From<anyhow::Error> for Problem {
    fn from(e: anyhow::Error) -> Problem {
        tracing::error!(error = format!("{e:#}"), "request failed");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "this is our fault, not yours: try again; if it stays, look into the server's log",
        )
    }
}
