//! Help after the purchase: what can be reported and what is offered for it, questions and contacts. Decisions only, as functions of their
//! arguments; `store::care` keeps, `routes::care` answers.

pub mod checks;
pub mod help;
pub mod offers;
pub mod photo;
pub mod report;
pub mod settings;
