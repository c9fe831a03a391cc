//! The tracking API: receives webhooks, keeps what they say, and answers stores' pages.
