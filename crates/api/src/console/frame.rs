//! What every page of the console shares: its frame, its menu, its files, and the parts that forms are made of.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    body::Bytes,
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, Render, html};
use promise::Day;
use sha2::{Digest, Sha256};

pub use super::time::moment;
use super::{Failure, Session, time};
use crate::store::people::Role;

/// The widget's own styles, below a class, so that previews look as they will.
static WIDGET: [&str; 3] = [
    include_str!("../../../../www/styles/base.css"),
    include_str!("../../../../www/styles/estimate.css"),
    include_str!("../../../../www/styles/order.css"),
];

struct Asset {
    kind: &'static str,
    bytes: Bytes,
}

/// The console's files by their hashed names.
static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let style = format!(
        "{}{}\n.widget {{\n{}}}\n",
        include_str!("../../../../www/console/console.css"),
        include_str!("../../../../www/console/insights.css"),
        WIDGET.concat()
    );
    let script = concat!(include_str!("../../../../www/console/console.js"), include_str!("../../../../www/console/passkeys.js"))
        .to_owned();
    let named = |name: &str, ending: &str, kind: &'static str, text: String| {
        let hash = hex::encode(&Sha256::digest(&text)[..8]);
        (format!("{name}.{hash}.{ending}"), Asset { kind, bytes: text.into() })
    };
    BTreeMap::from([
        named("console", "css", "text/css; charset=utf-8", style),
        named("console", "js", "text/javascript; charset=utf-8", script),
    ])
});

fn address(ending: &str) -> String {
    let file = ASSETS.keys().find(|name| name.ends_with(ending)).cloned().unwrap_or_default();
    format!("/console/assets/{file}")
}

/// Where the console's styles are, for pages with a head of their own.
pub fn style() -> String {
    address(".css")
}

pub async fn asset(Path(file): Path<String>) -> Result<Response, Failure> {
    let found = ASSETS.get(&file).ok_or_else(|| Failure::none("file"))?;
    let head = [(header::CONTENT_TYPE, found.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((head, found.bytes.clone()).into_response())
}

/// The menu of a store: path below the store, name, and who sees it.
#[rustfmt::skip]
static MENU: &[(&str, &str, Role)] = &[
    ("overview", "Overview", Role::Viewer),
    ("orders", "Orders", Role::Viewer),
    ("reports", "Reports", Role::Viewer),
    ("messages", "Messages", Role::Viewer),
    ("delays", "Delay notices", Role::Viewer),
    ("policy", "Delivery policy", Role::Viewer),
    ("help", "Help and reports", Role::Viewer),
    ("insights", "Insights", Role::Viewer),
    ("look", "Look", Role::Viewer),
    ("problems", "What could not be read", Role::Viewer),
    ("carriers", "Carriers", Role::Viewer),
    ("privacy", "Shoppers' data", Role::Owner),
    ("webhooks", "Webhooks", Role::Support),
    ("keys", "Keys and secrets", Role::Owner),
    ("people", "People", Role::Owner),
    ("log", "Audit log", Role::Owner),
    ("guide", "Getting started", Role::Viewer),
];

/// What a change says when it is done, by the word in the query.
fn said(word: &str) -> &'static str {
    match word {
        "saved" => "Saved.",
        "removed" => "Removed.",
        "drafted" => "A draft is made. Look at it as a shopper would, then publish it.",
        "corrected" => "Added. The order is read anew: reload the page in a moment.",
        "taken-back" => "Taken back.",
        "looked" => "Looked: what was found stands here.",
        "meant" => "Kept. What came in before was read anew with it.",
        "replayed" => "Being read again.",
        "sent-again" => "It is sent again, if it still holds.",
        "option-sent" => "It is on its way to the shopper.",
        "published" => "Published. Shoppers see it within five minutes.",
        "discarded" => "The draft is gone.",
        "changed-meanwhile" => "Nothing was changed: somebody else has changed the draft meanwhile. Look at it, then try again.",
        "announced" => "Announced. Shoppers see it within five minutes.",
        "ended" => "Ended.",
        "invited" => "Invited.",
        "passkey" => "Your passkey works from now on.",
        "signed-out" => "Signed out everywhere else.",
        "password" => "Your password was changed; all other sessions have ended.",
        _ => "",
    }
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            link rel="icon" href="data:,";
            title { (title) " · Whereabouts" }
            link rel="stylesheet" href=(address(".css"));
            script type="module" src=(address(".js")) {}
        }
    }
}

/// A page without a menu: for who is not signed in, and for what went wrong.
pub fn bare(title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body.bare {
                header.top { span.mark { "Whereabouts" } }
                main #main { (body) }
            }
        }
    }
}

/// A page of the console: the menu of the store that the session is in, and what was just done.
pub fn page(title: &str, session: &Session, body: Markup) -> Markup {
    let said = said(&session.said);
    let inside = !session.store.is_empty();
    let here = session.path.split('/').nth(3).unwrap_or_default();
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.mark href="/console" { "Whereabouts" }
                    @if inside { span.store { (session.store_name) } }
                    nav.me aria-label="You" {
                        @if session.several || !inside { a href="/console?all" { "All stores" } }
                        a href="/console/account" { (session.person.name) }
                        form method="post" action="/console/sign-out" {
                            (csrf(session))
                            button.quiet type="submit" { "Sign out" }
                        }
                    }
                }
                div.frame {
                    @if inside {
                        nav.menu aria-label="Store" {
                            details open {
                                summary { "Menu" }
                                ul {
                                    @for (path, name, least) in MENU.iter().filter(|m| session.may(m.2)) {
                                        @let current = if *path == here { Some("page") } else { None };
                                        li { a href=(session.to(path)) aria-current=[current] data-least=(least.word()) { (name) } }
                                    }
                                }
                            }
                        }
                    }
                    main #main tabindex="-1" {
                        @if !said.is_empty() { p.said role="status" { (said) } }
                        (body)
                        @if let Some(zone) = time::zone().filter(|_| inside) { footer.zone { p.hint { "All times are those of " (zone.name()) "." } } }
                    }
                }
            }
        }
    }
}

/// A page that answers with another status than 200: a form that has something wrong in it.
pub fn refused(markup: Markup) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, markup).into_response()
}

/// What each form must hold.
pub fn csrf(session: &Session) -> Markup {
    html! { input type="hidden" name="csrf" value=(session.csrf); }
}

/// A field of a form: its label, what it holds, what helps to fill it in, and what is wrong with it.
pub struct Field<'a> {
    label: &'a str,
    name: &'a str,
    value: String,
    kind: &'a str,
    hint: &'a str,
    error: String,
    required: bool,
    lines: u32,
    complete: Option<&'a str>,
    choices: Option<Vec<(String, String)>>,
    list: Option<&'a str>,
}

pub fn field<'a>(label: &'a str, name: &'a str, value: impl Into<String>) -> Field<'a> {
    Field {
        label,
        name,
        value: value.into(),
        kind: "text",
        hint: "",
        error: String::new(),
        required: false,
        lines: 0,
        complete: None,
        choices: None,
        list: None,
    }
}

impl<'a> Field<'a> {
    pub fn kind(mut self, kind: &'a str) -> Self {
        self.kind = kind;
        self
    }

    pub fn hint(mut self, hint: &'a str) -> Self {
        self.hint = hint;
        self
    }

    pub fn error(mut self, error: impl Into<String>) -> Self {
        self.error = error.into();
        self
    }

    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Several lines.
    pub fn lines(mut self, lines: u32) -> Self {
        self.lines = lines;
        self
    }

    pub fn complete(mut self, what: &'a str) -> Self {
        self.complete = Some(what);
        self
    }

    /// One of these: value, name.
    pub fn choices<V: Into<String>, N: Into<String>>(mut self, choices: impl IntoIterator<Item = (V, N)>) -> Self {
        self.choices = Some(choices.into_iter().map(|(v, n)| (v.into(), n.into())).collect());
        self
    }

    /// Proposals from a `datalist`.
    pub fn list(mut self, id: &'a str) -> Self {
        self.list = Some(id);
        self
    }
}

impl Render for Field<'_> {
    fn render(&self) -> Markup {
        let id = format!("f-{}", self.name.replace(['.', '[', ']'], "-"));
        let (hint, wrong) = (format!("{id}-hint"), format!("{id}-wrong"));
        let mut about = Vec::new();
        if !self.hint.is_empty() {
            about.push(hint.as_str());
        }
        if !self.error.is_empty() {
            about.push(&wrong);
        }
        let about = Some(about.join(" ")).filter(|a| !a.is_empty());
        let invalid = (!self.error.is_empty()).then_some("true");
        html! {
            div.field {
                label for=(id) { (self.label) }
                @if let Some(choices) = &self.choices {
                    select id=(id) name=(self.name) aria-describedby=[&about] aria-invalid=[invalid] {
                        @for (value, name) in choices {
                            option value=(value) selected[*value == self.value] { (name) }
                        }
                    }
                } @else if self.lines > 0 {
                    textarea id=(id) name=(self.name) rows=(self.lines) required[self.required] aria-describedby=[&about] aria-invalid=[invalid] { (self.value) }
                } @else {
                    input id=(id) name=(self.name) type=(self.kind) value=(self.value) required[self.required] autocomplete=[self.complete]
                        list=[self.list] aria-describedby=[&about] aria-invalid=[invalid];
                }
                @if !self.hint.is_empty() { p.hint id=(hint) { (self.hint) } }
                @if !self.error.is_empty() { p.wrong id=(wrong) { (self.error) } }
            }
        }
    }
}

/// A box to tick.
pub fn tick(label: &str, name: &str, value: &str, ticked: bool) -> Markup {
    html! { label.tick { input type="checkbox" name=(name) value=(value) checked[ticked]; span { (label) } } }
}

/// A button that is a form of its own.
pub fn action(session: &Session, to: &str, fields: &[(&str, &str)], label: &str, class: &str) -> Markup {
    html! {
        form.inline method="post" action=(to) {
            (csrf(session))
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button class=(class) type="submit" { (label) }
        }
    }
}

/// What is wrong, above a form; nothing where nothing is.
pub fn wrong(errors: &[String]) -> Markup {
    html! {
        @if !errors.is_empty() {
            div.problem role="alert" {
                @if errors.len() == 1 { p { (errors[0]) } } @else { ul { @for e in errors { li { (e) } } } }
            }
        }
    }
}

pub fn day(day: Day) -> String {
    day.to_string()
}
