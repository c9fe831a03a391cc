//! How people are told: channels (mail, SMS, web push, chat tools), texts and templates, rules. Knows no database: what is to be sent,
//! to whom, and whether it still holds is decided by who calls.

pub mod hook;
pub mod layout;
pub mod mail;
pub mod notice;
pub mod option;
pub mod outcome;
pub mod quiet;
pub mod rules;
pub mod sms;
pub mod smtp;
pub mod template;
pub mod texts;
pub mod transport;

pub use outcome::Outcome;
