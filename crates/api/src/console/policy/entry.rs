//! One entry of a list: shown, edited, tried out and removed, the same way for each kind.

use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use promise::policy::Policy;

use super::{draft, keep, preview};
use crate::{
    console::{
        Failure, Fields, Session,
        frame::{self, action, csrf, refused},
    },
    state::AppState,
    store::people::Role,
};

/// What is wrong with a form, by field.
#[derive(Clone, Debug, Default)]
pub struct Errors(Vec<(String, String)>);

impl Errors {
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push((field.to_owned(), message.into()));
    }

    /// About a field, or anything below it: `handling` of `handling.min`.
    pub fn at(&self, field: &str) -> String {
        let below = |f: &str| f == field || f.strip_prefix(field).is_some_and(|rest| rest.starts_with(['.', '[']));
        self.0.iter().filter(|e| below(&e.0)).map(|e| e.1.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// About this field alone.
    pub fn only(&self, field: &str) -> String {
        self.0.iter().filter(|e| e.0 == field).map(|e| e.1.as_str()).collect::<Vec<_>>().join(" ")
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(|e| e.1.clone()).collect()
    }
}

/// A kind of entry.
pub trait Entry: Clone + Default + Send + Sync + PartialEq + 'static {
    const SECTION: &str;
    /// "Origins", "an origin".
    const NAMES: (&str, &str);
    /// The first one wins: their order can be changed.
    const ORDERED: bool = false;

    fn all(policy: &Policy) -> &Vec<Self>;
    fn all_mut(policy: &mut Policy) -> &mut Vec<Self>;
    fn title(&self) -> String;
    /// What it says, in a line.
    fn summary(&self, policy: &Policy) -> String;
    /// The fields. `new`: ids can still be chosen.
    fn fields(&self, policy: &Policy, new: bool, errors: &Errors) -> Markup;
    /// Reads them into what was there before: what the form does not know stays.
    fn read(&mut self, fields: &Fields, policy: &Policy, errors: &mut Errors);
}

const MOST_SHOWN: usize = 100;

pub async fn list<E: Entry>(state: &AppState, session: &Session, fields: &Fields) -> Result<Response, Failure> {
    let draft = draft(state, &session.store).await?;
    let owner = session.may(Role::Owner);
    let wanted = fields.get("q").to_lowercase();
    let all = E::all(&draft.policy);
    let found: Vec<(usize, &E)> =
        all.iter().enumerate().filter(|(_, e)| wanted.is_empty() || e.title().to_lowercase().contains(&wanted)).collect();
    let body = html! {
        p { a href=(session.to("policy")) { "Delivery policy" } }
        h1 { (E::NAMES.0) }
        @if all.len() > 20 {
            form.inline method="get" role="search" {
                label.hidden for="q" { "Find" }
                input #q name="q" type="search" value=(fields.get("q"));
                button type="submit" { "Find" }
            }
        }
        @if E::ORDERED && all.len() > 1 { p.hint { "The first one that fits wins." } }
        ul.rows {
            @for (n, entry) in found.iter().take(MOST_SHOWN) {
                li {
                    span {
                        @if owner { a.strong href=(session.to(&format!("policy/{}/{n}", E::SECTION))) { (entry.title()) } }
                        @else { strong { (entry.title()) } }
                        br;
                        span.hint { (entry.summary(&draft.policy)) }
                    }
                    @if owner && E::ORDERED && *n > 0 {
                        (action(session, &session.to(&format!("policy/{}/{n}", E::SECTION)), &[("move", "up"), ("revision", &draft.revision.to_string())], "Move up", ""))
                    }
                }
            }
            @if found.is_empty() { li { span.hint { "None yet." } } }
        }
        @if found.len() > MOST_SHOWN { p.hint { "The first " (MOST_SHOWN) " of " (found.len()) " are shown." } }
        @if owner { p { a.button.main href=(session.to(&format!("policy/{}/new", E::SECTION))) { "Add " (E::NAMES.1) } } }
    };
    Ok(frame::page(E::NAMES.0, session, body).into_response())
}

/// The entry that a path names; a new one where it says so.
fn find<E: Entry>(policy: &Policy, entry: &str) -> Result<(Option<usize>, E), Failure> {
    if entry == "new" {
        return Ok((None, E::default()));
    }
    let n: usize = entry.parse().map_err(|_| Failure::none("entry"))?;
    Ok((Some(n), E::all(policy).get(n).cloned().ok_or_else(|| Failure::none("entry"))?))
}

pub async fn form<E: Entry>(state: &AppState, session: &Session, entry: &str, _: &Fields) -> Result<Response, Failure> {
    let draft = draft(state, &session.store).await?;
    let (_, value) = find::<E>(&draft.policy, entry)?;
    let question = preview::Question::of(&Fields::default(), &draft.policy);
    let page = show(state, session, &draft.policy, draft.revision, entry, &value, &Errors::default(), &question, "").await?;
    Ok(page.into_response())
}

#[allow(clippy::too_many_arguments, reason = "a form's parts, used twice below")]
async fn show<E: Entry>(
    state: &AppState,
    session: &Session,
    policy: &Policy,
    revision: i64,
    entry: &str,
    value: &E,
    errors: &Errors,
    question: &preview::Question,
    problem: &str,
) -> Result<Markup, Failure> {
    let path = session.to(&format!("policy/{}/{entry}", E::SECTION));
    let title = if entry == "new" { format!("Add {}", E::NAMES.1) } else { value.title() };
    let mut changed = policy.clone();
    put(&mut changed, entry, value);
    let shown = preview::of_store(state, &session.store, &changed, question).await?;
    let body = html! {
        p { a href=(session.to("policy")) { "Delivery policy" } " / " a href=(session.to(&format!("policy/{}", E::SECTION))) { (E::NAMES.0) } }
        h1 { (title) }
        @if !problem.is_empty() { div.problem role="alert" { p { (problem) } } }
        @if !errors.is_empty() { div.problem role="alert" { p { "Not saved: see below what can't be accepted." } } }
        form #entry.sides method="post" action=(path) data-preview=(format!("{path}/preview")) data-target="#shown" data-method="post" {
            div.fields {
                (csrf(session))
                input type="hidden" name="revision" value=(revision);
                (value.fields(policy, entry == "new", errors))
                div.actions {
                    button.main type="submit" { "Save in the draft" }
                    a.button href=(session.to(&format!("policy/{}", E::SECTION))) { "Cancel" }
                }
            }
            div.aside {
                h2 { "What a shopper would see" }
                div #shown aria-live="polite" { (shown) }
                (preview::fields(policy, question))
            }
        }
        @if entry != "new" {
            section {
                h2 { "Remove it" }
                (action(session, &format!("{path}/remove"), &[("revision", &revision.to_string())], "Remove from the draft", "danger"))
            }
        }
    };
    Ok(frame::page(&title, session, body))
}

fn put<E: Entry>(policy: &mut Policy, entry: &str, value: &E) {
    let list = E::all_mut(policy);
    match entry.parse::<usize>().ok().and_then(|n| list.get_mut(n)) {
        Some(place) => *place = value.clone(),
        None if *value != E::default() => list.push(value.clone()),
        None => {}
    }
}

/// Applies a form: the value, the policy with it, and what is wrong with it.
fn apply<E: Entry>(policy: &Policy, entry: &str, fields: &Fields) -> Result<(E, Policy, Errors), Failure> {
    let (at, mut value) = find::<E>(policy, entry)?;
    let mut errors = Errors::default();
    value.read(fields, policy, &mut errors);
    let mut changed = policy.clone();
    let at = match at {
        Some(n) => {
            E::all_mut(&mut changed)[n] = value.clone();
            n
        }
        None => {
            E::all_mut(&mut changed).push(value.clone());
            E::all(&changed).len() - 1
        }
    };
    let prefix = format!("{}[{at}].", E::SECTION);
    for invalid in changed.validate() {
        if let Some(field) = invalid.field.strip_prefix(&prefix)
            && errors.only(field).is_empty()
        {
            let mut text = invalid.message.chars();
            let message = text.next().map(|c| c.to_uppercase().chain(text).collect::<String>()).unwrap_or_default();
            errors.add(field, format!("{message}."));
        }
    }
    Ok((value, changed, errors))
}

pub async fn save<E: Entry>(state: &AppState, session: &Session, entry: &str, fields: &Fields) -> Result<Response, Failure> {
    let draft = draft(state, &session.store).await?;
    let began: i64 = fields.get("revision").parse().unwrap_or(-1);
    let back = format!("policy/{}", E::SECTION);
    if fields.get("move") == "up" {
        let n: usize = entry.parse().map_err(|_| Failure::none("entry"))?;
        let mut policy = draft.policy;
        if n == 0 || n >= E::all(&policy).len() {
            return Err(Failure::none("entry"));
        }
        E::all_mut(&mut policy).swap(n, n - 1);
        let kept = keep(state, session, policy, began).await?;
        return Ok(session.done(&back, if kept { "saved" } else { "changed-meanwhile" }));
    }
    let (value, changed, errors) = apply::<E>(&draft.policy, entry, fields)?;
    let question = preview::Question::of(fields, &draft.policy);
    if !errors.is_empty() {
        return Ok(refused(show(state, session, &draft.policy, began, entry, &value, &errors, &question, "").await?));
    }
    if !keep(state, session, changed, began).await? {
        let text =
            "Somebody has changed the draft since you opened this page. What you wrote is still here: check it, then save again.";
        return Ok(refused(show(state, session, &draft.policy, draft.revision, entry, &value, &errors, &question, text).await?));
    }
    Ok(session.done(&back, "saved"))
}

pub async fn look<E: Entry>(state: &AppState, session: &Session, entry: &str, fields: &Fields) -> Result<Response, Failure> {
    let draft = draft(state, &session.store).await?;
    let (_, changed, errors) = apply::<E>(&draft.policy, entry, fields)?;
    let question = preview::Question::of(fields, &draft.policy);
    let shown = preview::of_store(state, &session.store, &changed, &question).await?;
    let texts = errors.texts();
    Ok(html! {
        @if !texts.is_empty() { ul.wrongs { @for t in texts { li.wrong { (t) } } } }
        (shown)
    }
    .into_response())
}

pub async fn remove<E: Entry>(state: &AppState, session: &Session, entry: &str, fields: &Fields) -> Result<Response, Failure> {
    let draft = draft(state, &session.store).await?;
    let (Some(n), _) = find::<E>(&draft.policy, entry)? else { return Err(Failure::none("entry")) };
    let mut policy = draft.policy;
    E::all_mut(&mut policy).remove(n);
    let kept = keep(state, session, policy, fields.get("revision").parse().unwrap_or(-1)).await?;
    Ok(session.done(&format!("policy/{}", E::SECTION), if kept { "removed" } else { "changed-meanwhile" }))
}

/// An id made of a name, unlike those that are taken.
pub fn id_of(name: &str, taken: &[&String]) -> String {
    let plain: String = name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
    let base = plain.split_whitespace().collect::<Vec<_>>().join("_");
    let base = if base.is_empty() { "main".to_owned() } else { base };
    let free = |id: &String| !taken.contains(&id);
    std::iter::once(base.clone()).chain((2..).map(|n| format!("{base}_{n}"))).find(free).unwrap_or(base)
}
