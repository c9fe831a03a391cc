//! The rules: what shoppers are told, when, on which channel. A set of rules is kept whole; a revision tells two people apart who change it.

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};
use notify::rules::{Rule, Rules, When};
use sha2::{Digest, Sha256};

use super::{NOTICES, channel_name, errors, notice_name, tabs};
use crate::{
    console::{
        Failure, Fields, Session,
        frame::{self, action, csrf, field, refused, tick, wrong},
        languages::LANGUAGES,
    },
    messages::{admin, rules},
    state::AppState,
    store::{care::settings, people::Role},
};

pub(super) async fn of(state: &AppState, store: &str) -> Result<Rules, Failure> {
    let store = store.to_owned();
    Ok(state.db().read(move |db| rules::of(db, &store)).await?)
}

/// What a set of rules is recognised by.
pub(super) fn revision(rules: &Rules) -> String {
    hex::encode(&Sha256::digest(serde_json::to_vec(rules).unwrap_or_default())[..8])
}

/// The rules as they are, unless somebody has changed them since the form was opened.
pub(super) async fn unchanged(state: &AppState, session: &Session, f: &Fields) -> Result<Rules, Failure> {
    let rules = of(state, &session.store).await?;
    if f.get("revision") != revision(&rules) {
        let text = "Nothing was changed: somebody else has changed the rules meanwhile. Open the page anew, then try again.";
        return Err(Failure::new(axum::http::StatusCode::CONFLICT, text));
    }
    Ok(rules)
}

/// Keeps rules that are in order; what is wrong with them, where they are not.
pub(super) async fn keep(state: &AppState, session: &Session, new: Rules) -> Result<Vec<(String, String)>, Failure> {
    match admin::put_rules(state, &session.store, &session.person.name, new).await {
        Ok(()) => Ok(Vec::new()),
        Err(refused) => errors(refused),
    }
}

/// `rules[3].when.tags` is "Tags".
pub(super) fn sentences(wrong: &[(String, String)]) -> Vec<String> {
    let name = |field: &str| {
        let last = field.rsplit('.').next().unwrap_or_default();
        let text = last.split('[').next().unwrap_or_default().replace('_', " ");
        text[..1.min(text.len())].to_uppercase() + text.get(1..).unwrap_or_default()
    };
    wrong.iter().map(|(field, message)| format!("{}: {message}.", name(field))).collect()
}

fn hidden_revision(rules: &Rules) -> Markup {
    html! { input type="hidden" name="revision" value=(revision(rules)); }
}

/// When, in a few words.
fn summary(rule: &Rule) -> String {
    let mut said = Vec::new();
    let w = &rule.when;
    if rule.notice == notify::notice::SATISFIED {
        said.push(format!("{} days after the delivery", rule.days));
    } else if rule.notice == "sent_back_soon" {
        said.push(format!("{} days before", rule.days));
    } else if rule.delay_minutes > 0 {
        said.push(format!("after {} min", rule.delay_minutes));
    }
    for (name, list) in [("by", &w.carriers), ("to", &w.destinations), ("tagged", &w.tags), ("not tagged", &w.not_tags)] {
        if !list.is_empty() {
            said.push(format!("{name} {}", list.join(", ")));
        }
    }
    match (w.value_from, w.value_to) {
        (Some(from), Some(to)) => said.push(format!("worth {from} to {to}")),
        (Some(from), None) => said.push(format!("worth {from} and more")),
        (None, Some(to)) => said.push(format!("worth {to} and less")),
        (None, None) => {}
    }
    if let Some(days) = w.days_late {
        said.push(format!("{days} days late and more"));
    }
    if rule.basis == "consent" {
        said.push("to who agreed".into());
    }
    if rule.at_night {
        said.push("also at night".into());
    }
    if let Some(l) = &rule.language {
        said.push(format!("in {l}"));
    }
    said.join(" · ")
}

pub async fn page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    let rules = of(&state, &session.store).await?;
    Ok(show(&session, &rules, &missing(&state, &session.store).await?, &[]))
}

/// What channels lack to be used at all.
async fn missing(state: &AppState, store: &str) -> Result<Vec<&'static str>, Failure> {
    let channels = state.store_info(store).map(|i| i.channels).unwrap_or_default();
    let of = store.to_owned();
    let push = state.db().read(move |db| settings::of(db, &of)).await?.updates.push;
    let has = |channel: &str| channels.iter().any(|c| c == channel);
    let all = [
        (has("mail"), "No mail is sent: the server's configuration names no mail server ([mail])."),
        (has("sms"), "No SMS is sent: the configuration names no account for this store ([stores.sms])."),
        (push, "No browser notifications are sent: they are switched off under “Help and reports”."),
    ];
    Ok(all.into_iter().filter(|a| !a.0).map(|a| a.1).collect())
}

fn show(session: &Session, rules: &Rules, missing: &[&str], wrongs: &[String]) -> Markup {
    let owner = session.may(Role::Owner);
    let revision = revision(rules);
    let body = html! {
        h1 { "Rules of messages" }
        (tabs(session, "messages/rules"))
        p { "Who is told what, on which channel, when. The first rule that fits a piece of news and a channel counts." }
        (wrong(wrongs))
        @for text in missing { p.note { (text) } }
        @if !rules.enabled { p.note { "Nothing is sent about orders: messages are switched off below." } }
        @for (notice, name) in NOTICES {
            @let list: Vec<&Rule> = rules.rules.iter().filter(|r| r.notice == notice).collect();
            section {
                h2 { (name) }
                ul.rows {
                    @for rule in &list {
                        @let path = format!("messages/rules/{}", rule.id);
                        @let shown = channel_name(&rule.hook.as_ref().map_or_else(|| rule.channel.clone(), |h| format!("hook:{h}")));
                        li {
                            span {
                                @if owner { a.strong href=(session.to(&path)) { (shown) span.hidden { " about " (name) } } } @else { strong { (shown) } }
                                " " @if rule.enabled { span.tag.good { "on" } } @else { span.tag { "off" } }
                                br; span.hint { (summary(rule)) }
                            }
                            @if owner {
                                (action(session, &session.to(&path), &[("revision", &revision), ("switch", if rule.enabled { "off" } else { "on" })], if rule.enabled { "Switch off" } else { "Switch on" }, ""))
                            }
                        }
                    }
                    @if list.is_empty() { li { span.hint { "Nobody is told." } } }
                }
                @if owner { p { a href=(session.to(&format!("messages/rules/new?notice={notice}"))) { "Add a rule" span.hidden { " about " (name) } } } }
            }
        }
        section {
            h2 { "Chat and social tools" }
            p { "Addresses that messages are posted to: Slack, WhatsApp, Klaviyo, or anything that takes JSON. Rules name them as their channel." }
            ul.rows {
                @for (name, hook) in &rules.hooks {
                    li {
                        span { @if owner { a.strong href=(session.to(&format!("messages/hooks/{name}"))) { (name) } } @else { strong { (name) } } br; span.hint { (hook.shape.as_deref().unwrap_or("a body of its own")) @if owner { " · " (hook.url) } } }
                    }
                }
                @if rules.hooks.is_empty() { li { span.hint { "None." } } }
            }
            @if owner { p { a.button href=(session.to("messages/hooks/new")) { "Add one" } } }
        }
        section {
            h2 { "For all of them" }
            form.narrow method="post" action=(session.to("messages/rules")) {
                (csrf(session)) (hidden_revision(rules))
                (tick("Messages about orders are sent", "enabled", "yes", rules.enabled))
                (field("Messages a day", "per_day", rules.per_day.to_string()).kind("number").hint("To one person on one channel, at most. What is more waits, and is dropped where it no longer holds."))
                fieldset {
                    legend { "Quiet hours" }
                    p.hint { "In the shopper's own time. The same twice: none." }
                    div.pair {
                        (field("From", "quiet.from", rules.quiet.from.clone()).kind("time"))
                        (field("To", "quiet.to", rules.quiet.to.clone()).kind("time"))
                    }
                }
                (field("Language", "language", rules.language.clone()).choices(LANGUAGES).hint("For orders that name none."))
                @if owner { button.main type="submit" { "Save" } }
            }
        }
    };
    frame::page("Rules of messages", session, body)
}

/// What holds for all rules.
pub async fn save_all(State(state): State<AppState>, session: Session, f: Fields) -> Result<Response, Failure> {
    let mut rules = unchanged(&state, &session, &f).await?;
    rules.enabled = f.has("enabled");
    rules.per_day = f.get("per_day").parse().unwrap_or(0);
    rules.quiet.from = f.get("quiet.from").to_owned();
    rules.quiet.to = f.get("quiet.to").to_owned();
    rules.language = f.get("language").to_owned();
    let wrong = keep(&state, &session, rules.clone()).await?;
    if !wrong.is_empty() {
        return Ok(refused(show(&session, &rules, &missing(&state, &session.store).await?, &sentences(&wrong))));
    }
    Ok(session.done("messages/rules", "saved"))
}

fn empty(notice: &str) -> Rule {
    Rule {
        id: String::new(),
        notice: if NOTICES.iter().any(|n| n.0 == notice) { notice.into() } else { "shipped".into() },
        channel: "mail".into(),
        hook: None,
        enabled: true,
        basis: if notice == notify::notice::SATISFIED { "consent".into() } else { "transactional".into() },
        delay_minutes: 5,
        days: 0,
        at_night: false,
        language: None,
        when: When::default(),
    }
}

pub async fn one(
    State(state): State<AppState>,
    Path((_, id)): Path<(String, String)>,
    session: Session,
    f: Fields,
) -> Result<Markup, Failure> {
    let rules = of(&state, &session.store).await?;
    let rule = match id.as_str() {
        "new" => empty(f.get("notice")),
        id => rules.by_id(id).cloned().ok_or_else(|| Failure::none("rule"))?,
    };
    Ok(show_one(&session, &rules, &id, &rule, &[]))
}

fn show_one(session: &Session, rules: &Rules, id: &str, r: &Rule, wrongs: &[String]) -> Markup {
    let path = session.to(&format!("messages/rules/{id}"));
    let channel = r.hook.as_ref().map_or_else(|| r.channel.clone(), |h| format!("hook:{h}"));
    let channels: Vec<String> =
        ["mail", "sms", "push"].into_iter().map(str::to_owned).chain(rules.hooks.keys().map(|h| format!("hook:{h}"))).collect();
    let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    let languages = [("", "The order's own")].into_iter().chain(LANGUAGES);
    let body = html! {
        p { a href=(session.to("messages/rules")) { "Rules of messages" } }
        h1 { @if id == "new" { "A new rule" } @else { (notice_name(&r.notice)) " · " (channel_name(&channel)) } }
        (wrong(wrongs))
        form.narrow method="post" action=(path) {
            (csrf(session)) (hidden_revision(rules))
            (tick("On", "enabled", "yes", r.enabled))
            (field("News", "notice", r.notice.clone()).choices(NOTICES))
            (field("Channel", "channel", channel.clone()).choices(channels.iter().map(|c| (c.clone(), channel_name(c)))))
            (field("Who gets it", "basis", r.basis.clone()).choices([("transactional", "Everybody who bought, unless they say stop"), ("consent", "Only who agreed")]).hint("SMS, and what is no news of the order, need the shopper's consent."))
            fieldset {
                legend { "When" }
                (field("Wait, minutes", "delay_minutes", r.delay_minutes.to_string()).kind("number").hint("What comes to nothing meanwhile is never told, and what comes together is told together."))
                (field("Days", "days", r.days.to_string()).kind("number").hint("After the delivery (“How was it?”), or before the parcel goes back."))
                (tick("Also in the quiet hours", "at_night", "yes", r.at_night))
            }
            (field("Language", "language", r.language.clone().unwrap_or_default()).choices(languages))
            fieldset {
                legend { "Only where" }
                p.hint { "All that is filled in must hold." }
                (field("Carrier", "carriers", r.when.carriers.join(", ")).hint("Such as ups, dhl_parcel_de; with commas between."))
                (field("Destination", "destinations", r.when.destinations.join(", ")).hint("US, US-CA, DE"))
                (field("Tagged with one of", "tags", r.when.tags.join(", ")))
                (field("Not tagged with", "not_tags", r.when.not_tags.join(", ")))
                div.pair {
                    (field("Worth at least", "value_from", number(r.when.value_from)).kind("number").hint("In cents, in the order's own currency."))
                    (field("At most", "value_to", number(r.when.value_to)).kind("number"))
                }
                (field("Days late, at least", "days_late", number(r.when.days_late.map(i64::from))).kind("number").hint("After the last day promised."))
            }
            div.actions { button.main type="submit" { "Save" } a.button href=(session.to("messages/rules")) { "Cancel" } }
        }
        @if id != "new" { (action(session, &path, &[("revision", &revision(rules)), ("remove", "yes")], "Remove this rule", "danger")) }
    };
    frame::page("A rule of messages", session, body)
}

/// What a form says of a rule, and what can't be read in it.
fn read(f: &Fields, before: &Rule) -> (Rule, Vec<String>) {
    let mut wrong = Vec::new();
    let mut number = |name: &str, what: &str| -> Option<i64> {
        let text = f.get(name);
        let read = text.parse().ok();
        if !text.is_empty() && read.is_none() {
            wrong.push(format!("{what}: write a whole number."));
        }
        read
    };
    let (channel, hook) = match f.get("channel").strip_prefix("hook:") {
        Some(name) => ("hook".to_owned(), Some(name.to_owned())),
        None => (f.get("channel").to_owned(), None),
    };
    let whole = |n: Option<i64>| n.map_or(0, |n| u32::try_from(n).unwrap_or(u32::MAX));
    let rule = Rule {
        id: before.id.clone(),
        notice: f.get("notice").into(),
        channel,
        hook,
        enabled: f.has("enabled"),
        basis: f.get("basis").into(),
        delay_minutes: whole(number("delay_minutes", "Wait")),
        days: whole(number("days", "Days")),
        at_night: f.has("at_night"),
        language: f.some("language"),
        when: When {
            carriers: f.list("carriers"),
            destinations: f.list("destinations").into_iter().map(|d| d.to_uppercase()).collect(),
            tags: f.list("tags"),
            not_tags: f.list("not_tags"),
            value_from: number("value_from", "Worth at least"),
            value_to: number("value_to", "At most"),
            days_late: number("days_late", "Days late").and_then(|n| i32::try_from(n).ok()),
        },
    };
    (rule, wrong)
}

/// A name of its own for a new rule.
fn name(rules: &Rules, rule: &Rule) -> String {
    let base = format!("{}-{}", rule.notice.replace('_', "-"), rule.hook.as_deref().unwrap_or(&rule.channel));
    let base: String = base.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(56).collect();
    let mut names = std::iter::once(base.clone()).chain((2..).map(|n| format!("{base}-{n}")));
    names.find(|n| rules.by_id(n).is_none()).unwrap_or(base)
}

pub async fn save(
    State(state): State<AppState>,
    Path((_, id)): Path<(String, String)>,
    session: Session,
    f: Fields,
) -> Result<Response, Failure> {
    let old = unchanged(&state, &session, &f).await?;
    let mut rules = old.clone();
    let at = rules.rules.iter().position(|r| r.id == id);
    let before = match at {
        Some(n) => rules.rules[n].clone(),
        None if id == "new" => empty(""),
        None => return Err(Failure::none("rule")),
    };
    if f.has("remove") || f.has("switch") {
        let Some(n) = at else { return Err(Failure::none("rule")) };
        if f.has("remove") {
            rules.rules.remove(n);
        } else {
            rules.rules[n].enabled = f.get("switch") == "on";
        }
        let wrong = keep(&state, &session, rules).await?;
        if !wrong.is_empty() {
            return Ok(refused(show(&session, &old, &missing(&state, &session.store).await?, &sentences(&wrong))));
        }
        return Ok(session.done("messages/rules", if f.has("remove") { "removed" } else { "saved" }));
    }
    let (mut rule, mut wrong) = read(&f, &before);
    if at.is_none() {
        rule.id = name(&rules, &rule);
    }
    match at {
        Some(n) => rules.rules[n] = rule.clone(),
        // The first that fits counts: a new one is narrower than what was there before, or takes its place.
        None => {
            let first =
                rules.rules.iter().position(|r| r.notice == rule.notice && r.channel == rule.channel && r.hook == rule.hook);
            rules.rules.insert(first.unwrap_or(rules.rules.len()), rule.clone());
        }
    }
    if wrong.is_empty() {
        wrong = sentences(&keep(&state, &session, rules).await?);
    }
    if !wrong.is_empty() {
        return Ok(refused(show_one(&session, &old, &id, &rule, &wrong)));
    }
    Ok(session.done("messages/rules", "saved"))
}
