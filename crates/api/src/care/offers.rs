//! What is offered, and when: the store's rules, and the lane's own chances that the parcel still turns up.

use promise::{Day, TurnUp};
use wire::care::Offer;

use super::{
    report::{Choice, Kind},
    settings::{Reports, Rule, text},
};

/// What decides.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// The order's value in minor units, as far as it is known.
    pub value: Option<i64>,
    /// Whole days since the delivery; since the order, where nothing is delivered.
    pub days: i64,
    /// Of the parcel that is waited for.
    pub turn_up: Option<TurnUp>,
    pub today: Day,
}

/// What can be agreed to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offers {
    pub now: Vec<Offer>,
    /// From a day on, if nothing moves until then.
    pub later: Vec<Offer>,
    /// When to look again.
    pub review: Option<Day>,
}

pub fn offers(kind: Kind, settings: &Reports, case: &Case, language: &str) -> Offers {
    let mut found = Offers::default();
    if kind == Kind::AddressChange {
        // Nothing has left yet: the store can still write another label.
        found.now.push(Offer { option: Choice::Change.as_str().into(), ..Offer::default() });
        return found;
    }
    let hopeful = case.turn_up.filter(|t| kind.waits() && t.until > case.today);
    if let Some(t) = hopeful {
        found.now.push(Offer { option: Choice::Wait.as_str().into(), from: Some(t.until.to_string()), ..Offer::default() });
        found.review = Some(t.until);
    }
    for rule in settings.rules.iter().filter(|r| applies(r, kind, case)) {
        let mut offer =
            Offer { option: rule.option.clone(), percent: rule.percent, from: None, note: text(&rule.note, language).to_owned() };
        if offer.option == Choice::Wait.as_str() {
            // Waiting is offered where it makes sense, whether or not a rule names it.
            continue;
        }
        if found.now.iter().chain(&found.later).any(|o| o.option == offer.option) {
            continue;
        }
        match hopeful.filter(|_| !rule.at_once) {
            Some(t) => {
                offer.from = Some(t.until.to_string());
                found.later.push(offer);
            }
            None => found.now.push(offer),
        }
    }
    found
}

/// The rule of an option, for what happens once it is agreed.
pub fn rule<'a>(kind: Kind, settings: &'a Reports, case: &Case, option: &str) -> Option<&'a Rule> {
    settings.rules.iter().find(|r| r.option == option && applies(r, kind, case))
}

/// Where the value is not known, a rule that asks for it does not apply: nothing is promised by mistake.
fn applies(rule: &Rule, kind: Kind, case: &Case) -> bool {
    (rule.kinds.is_empty() || rule.kinds.iter().any(|k| k == kind.as_str()))
        && rule.min_value.is_none_or(|min| case.value.is_some_and(|v| v >= min))
        && rule.max_value.is_none_or(|max| case.value.is_some_and(|v| v <= max))
        && rule.within_days.is_none_or(|most| case.days <= i64::from(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Reports {
        serde_json::from_value(serde_json::json!({"rules": [
            {"option": "resend", "max_value": 20000, "note": {"en": "Sent the same day", "de": "Am selben Tag"}},
            {"option": "refund", "within_days": 30, "percent": 100},
            {"option": "discount", "percent": 10, "kinds": ["late"], "at_once": true},
            {"option": "claim", "kinds": ["stolen", "damaged"], "min_value": 20001}
        ]}))
        .unwrap()
    }

    fn names(list: &[Offer]) -> Vec<&str> {
        list.iter().map(|o| o.option.as_str()).collect()
    }

    #[test]
    fn while_it_will_probably_come_waiting_is_offered_and_the_rest_named_with_its_day() {
        let case =
            Case { value: Some(5000), days: 8, turn_up: Some(TurnUp { chance: 800, until: Day(20_010) }), today: Day(20_005) };
        let found = offers(Kind::Late, &settings(), &case, "de-DE");
        assert_eq!(names(&found.now), ["wait", "discount"]);
        assert_eq!(names(&found.later), ["resend", "refund"]);
        assert_eq!((found.later[0].from.as_deref(), found.later[0].note.as_str()), (Some("2024-10-14"), "Am selben Tag"));
        assert_eq!(found.review, Some(Day(20_010)));
        // The day has come, and nothing has moved.
        let on = Case { turn_up: Some(TurnUp { chance: 480, until: Day(20_010) }), today: Day(20_010), ..case };
        let found = offers(Kind::Late, &settings(), &on, "en");
        assert_eq!((names(&found.now), found.review), (vec!["resend", "refund", "discount"], None));
    }

    #[test]
    fn conditions_hold_by_kind_value_and_days() {
        let case = |value, days| Case { value, days, turn_up: None, today: Day(20_000) };
        let ask = |kind, value, days| {
            let found = offers(kind, &settings(), &case(value, days), "en");
            names(&found.now).join(" ")
        };
        assert_eq!(ask(Kind::Damaged, Some(5000), 3), "resend refund");
        assert_eq!(ask(Kind::Damaged, Some(50_000), 3), "refund claim");
        assert_eq!(ask(Kind::Damaged, Some(50_000), 31), "claim");
        assert_eq!(ask(Kind::Damaged, None, 31), "");
        assert_eq!(ask(Kind::AddressChange, None, 1), "change");
    }
}
