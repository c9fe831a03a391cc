//! The tracking API: receives webhooks, keeps what they say, and answers stores' pages.

pub mod config;
pub mod ingest;
pub mod live;
pub mod problem;
pub mod routes;
pub mod state;
pub mod store;
pub mod token;
