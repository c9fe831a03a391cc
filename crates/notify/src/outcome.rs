//! How a try to send ended.

/// What is known after a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The other side took it; its own id, where it says one.
    Sent(Option<String>),
    /// Not sent for certain, and worth another try: not before so many seconds, where the other side says so.
    Later(String, Option<i64>),
    /// Not sent for certain, and never will be. `true`: there is nobody at this address.
    Refused(String, bool),
    /// It may have been sent: the other side had all of it and did not answer. It must not be sent again where that can't be told apart.
    Unknown(String),
}

impl Outcome {
    /// For figures.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Sent(_) => "sent",
            Outcome::Later(..) => "later",
            Outcome::Refused(..) => "refused",
            Outcome::Unknown(_) => "unknown",
        }
    }
}
