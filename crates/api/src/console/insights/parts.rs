//! Parts that several of these pages are made of.

use maud::{Markup, html};

use crate::insight::{chart::number, contacts::Contacts, report::Count};

pub fn tile(name: &str, value: String, below: &str) -> Markup {
    html! { div.tile { p.name { (name) } p.value { (value) } @if !below.is_empty() { p.hint { (below) } } } }
}

pub fn percent(p: Option<f64>) -> String {
    p.map_or("–".into(), |p| format!("{p} %"))
}

pub fn days(n: Option<i64>) -> String {
    match n {
        None => "–".into(),
        Some(1) => "1 day".into(),
        Some(n) => format!("{n} days"),
    }
}

pub fn median_and_p90(median: Option<i64>, p90: Option<i64>) -> Markup {
    html! { @match (median, p90) {
        (Some(m), Some(p)) => { (days(Some(m))) span.hint { " (90 %: " (p) ")" } }
        _ => "–",
    } }
}

/// Against the time before.
pub fn against(now: Option<f64>, before: Option<f64>, unit: &str) -> String {
    match (now, before) {
        (Some(now), Some(before)) => {
            let by = ((now - before) * 10.0).round() / 10.0;
            match by {
                0.0 => "as in the time before".into(),
                by if by > 0.0 => format!("{by}{unit} more than in the time before"),
                by => format!("{}{unit} less than in the time before", -by),
            }
        }
        _ => String::new(),
    }
}

pub fn against_count(before: i64) -> String {
    if before == 0 { String::new() } else { format!("{} in the time before", number(before)) }
}

pub fn promise_words() -> Markup {
    html! {
        p.hint { "A promise is decided on the day on which all of the order has arrived, or on the day after the last day promised, whichever is first. "
            "What is late and still under way counts as late at once." }
    }
}

/// A word of a code: `attempt_failed` is "attempt failed".
pub fn kind_name(key: &str) -> String {
    match key {
        "where_is_it" => "where is it?".into(),
        "" => "unknown".into(),
        other => other.replace('_', " "),
    }
}

pub fn counts(rows: &[Count], first: &str, second: &str, name: fn(&str) -> String, none: &str) -> Markup {
    html! {
        @if rows.is_empty() { @if !none.is_empty() { p.hint { (none) } } } @else {
            div.scroll tabindex="0" role="group" aria-label={ (second) ", by " (first.to_lowercase()) } {
                table.figures {
                    thead { tr { th scope="col" { (first) } th scope="col" { (second) } } }
                    tbody { @for c in rows { tr { th scope="row" { (name(&c.key)) } td { (number(c.count)) } } } }
                }
            }
        }
    }
}

pub fn contacts_sentence(c: &Contacts) -> String {
    let rate = c.had_per_100_orders.map_or(String::new(), |p| format!(", {p} per 100 orders"));
    let spared = match &c.avoided {
        Some(a) => format!(" Probably {} were spared.", number(a.avoided as i64)),
        None => format!(" At most {} were spared.", number(c.avoided_at_most)),
    };
    format!("{} contacts asked{rate}; order pages were looked at {} times.{spared}", number(c.had), number(c.looks))
}

/// A value of a query.
pub fn encoded(text: &str) -> String {
    serde_urlencoded::to_string([("k", text)]).map(|t| t[2..].to_owned()).unwrap_or_default()
}
