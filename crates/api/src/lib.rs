//! The tracking API: receives webhooks, keeps what they say, and answers stores' pages.

pub mod care;
pub mod config;
pub mod console;
pub mod couriers;
pub mod demo;
pub mod documents;
pub mod front;
pub mod import;
pub mod incidents;
pub mod ingest;
pub mod insight;
pub mod learning;
pub mod live;
pub mod messages;
pub mod outbound;
pub mod poll;
pub mod problem;
pub mod push;
pub mod routes;
pub mod server;
pub mod shipments;
pub mod state;
pub mod store;
pub mod telemetry;
pub mod token;
pub mod words;
