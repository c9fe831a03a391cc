//! A report of something wrong: kinds, and the states it passes through. What may follow what is one table.

use serde::{Deserialize, Serialize};

macro_rules! named {
    ($(#[$about:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name {
            $(#[serde(rename = $text)] $variant),*
        }
        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),*];
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }
            pub fn parse(text: &str) -> Option<$name> {
                Self::ALL.iter().copied().find(|v| v.as_str() == text)
            }
        }
    };
}

named!(
    /// What went wrong.
    Kind {
        NotArrived = "not_arrived_though_delivered",
        Damaged = "damaged",
        MissingItem = "missing_item",
        WrongItem = "wrong_item",
        Stolen = "stolen",
        Late = "late",
        AddressChange = "address_change",
    }
);

named!(State {
    Open = "open",
    Checking = "checking",
    Offered = "offered",
    Agreed = "agreed",
    InResolution = "in_resolution",
    Settled = "settled",
    Withdrawn = "withdrawn",
    Declined = "declined",
});

named!(
    /// What the store's rules may allow. `claim` is the store's claim against its carrier: nobody is asked for insurance.
    Choice {
        Resend = "resend",
        Refund = "refund",
        Discount = "discount",
        Claim = "claim",
        Wait = "wait",
        Change = "change",
    }
);

named!(Actor { Shopper = "shopper", Store = "store", Clock = "clock" });

named!(Action {
    Submit = "submit",
    Offer = "offer",
    Agree = "agree",
    Wait = "wait",
    Start = "start",
    Settle = "settle",
    Withdraw = "withdraw",
    Decline = "decline",
    Reopen = "reopen",
    Add = "add",
    Answer = "answer",
});

/// The state that an action leads to; none: it is not to be done now, or not by this one.
pub fn next(state: State, action: Action, by: Actor) -> Option<State> {
    use Actor::{Clock, Shopper, Store};
    Some(match (state, action, by) {
        (State::Open, Action::Submit, Shopper) => State::Checking,
        (State::Checking | State::Offered, Action::Offer, Store | Clock) => State::Offered,
        (State::Offered, Action::Agree, Shopper) => State::Agreed,
        (State::Offered, Action::Wait, Shopper) => State::Checking,
        (State::Checking | State::Offered, Action::Start, Store) => State::InResolution,
        (State::Agreed, Action::Start, Store | Clock) => State::InResolution,
        (State::Agreed | State::InResolution, Action::Settle, Store) => State::Settled,
        (State::Open | State::Checking | State::Offered, Action::Withdraw, Shopper | Clock) => State::Withdrawn,
        (State::Agreed, Action::Withdraw, Shopper) => State::Withdrawn,
        (State::Checking | State::Offered | State::Agreed | State::InResolution, Action::Decline, Store) => State::Declined,
        (State::Settled | State::Withdrawn | State::Declined, Action::Reopen, Shopper | Store) => State::Checking,
        (State::Open | State::Checking | State::Offered | State::Agreed | State::InResolution, Action::Add, Shopper) => state,
        (State::Settled, Action::Answer, Shopper) => State::Settled,
        _ => return None,
    })
}

/// What the shopper can do now.
pub fn open_to_shopper(state: State) -> Vec<Action> {
    let all = [Action::Submit, Action::Agree, Action::Withdraw, Action::Add, Action::Answer, Action::Reopen];
    all.into_iter().filter(|a| next(state, *a, Actor::Shopper).is_some()).collect()
}

impl State {
    /// Nothing more is to be done about it, unless it is opened again.
    pub fn is_closed(self) -> bool {
        matches!(self, State::Settled | State::Withdrawn | State::Declined)
    }
}

impl Kind {
    /// Whether the question is if the parcel still turns up.
    pub fn waits(self) -> bool {
        matches!(self, Kind::NotArrived | Kind::Late)
    }

    pub fn asks_items(self) -> bool {
        matches!(self, Kind::Damaged | Kind::MissingItem | Kind::WrongItem)
    }

    pub fn asks_photos(self) -> bool {
        matches!(self, Kind::Damaged | Kind::MissingItem | Kind::WrongItem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_goes_from_open_to_settled_and_can_be_opened_again() {
        let way = [
            (Action::Submit, Actor::Shopper),
            (Action::Offer, Actor::Clock),
            (Action::Agree, Actor::Shopper),
            (Action::Start, Actor::Store),
            (Action::Settle, Actor::Store),
            (Action::Answer, Actor::Shopper),
            (Action::Reopen, Actor::Shopper),
        ];
        let end = way.iter().fold(State::Open, |state, (action, by)| next(state, *action, *by).unwrap());
        assert_eq!(end, State::Checking);
    }

    #[test]
    fn a_shopper_never_does_what_is_the_stores() {
        for state in State::ALL {
            for action in [Action::Offer, Action::Start, Action::Settle, Action::Decline] {
                assert_eq!(next(*state, action, Actor::Shopper), None, "{state:?} {action:?}");
            }
            for action in [Action::Agree, Action::Submit, Action::Answer, Action::Add] {
                assert_eq!(next(*state, action, Actor::Store), None, "{state:?} {action:?}");
            }
        }
    }

    #[test]
    fn what_is_closed_only_opens_again() {
        for state in State::ALL.iter().filter(|s| s.is_closed()) {
            for action in Action::ALL.iter().filter(|a| !matches!(a, Action::Reopen | Action::Answer)) {
                for by in Actor::ALL {
                    assert_eq!(next(*state, *action, *by), None, "{state:?} {action:?} {by:?}");
                }
            }
        }
        // Every open state leads to a closed one, whoever is silent.
        for state in State::ALL.iter().filter(|s| !s.is_closed() && **s != State::Open) {
            assert!(next(*state, Action::Decline, Actor::Store).is_some());
        }
    }
}
