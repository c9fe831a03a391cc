//! How the widget looks in the store: its colours, seen on the store's own, with a warning where somebody could not read it.

use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{Markup, PreEscaped, html};
use promise::{
    Instant, Request,
    estimate::{Destination, Line},
    policy::{Delay, Duration},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use view::{estimate::Ui, order::Reader};

use super::{
    Failure, Fields, Session,
    frame::{self, csrf, field, refused, wrong},
};
use crate::{
    problem::Problem,
    state::AppState,
    store::{audit, orders, people::Role, policies, search, stores},
    words::Words,
};

/// Colours as `#rrggbb`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    pub accent: String,
    pub warning: String,
    /// In pixels.
    pub radius: u8,
    /// Of the store's pages: to look at, and to reckon with.
    pub background: String,
    pub text: String,
}

impl Default for Look {
    fn default() -> Look {
        let c = |text: &str| text.to_owned();
        Look { accent: c("#1f6b4a"), warning: c("#b45309"), radius: 4, background: c("#ffffff"), text: c("#1c1917") }
    }
}

/// Red, green and blue of `#rrggbb`.
fn rgb(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6)?;
    let mut out = [0; 3];
    hex::decode_to_slice(digits, &mut out).ok()?;
    Some(out)
}

/// Relative luminance, as WCAG 2 has it.
fn luminance(c: [u8; 3]) -> f64 {
    let linear = |v: u8| {
        let v = f64::from(v) / 255.0;
        if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2])
}

/// The contrast of two colours, 1 to 21.
pub fn contrast(a: &str, b: &str) -> f64 {
    let (Some(a), Some(b)) = (rgb(a), rgb(b)) else { return 1.0 };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The colour, lightened or darkened until it can be read on another.
fn readable(colour: &str, on: &str) -> String {
    let Some(mut c) = rgb(colour) else { return colour.to_owned() };
    let towards = if luminance(rgb(on).unwrap_or_default()) < 0.2 { 255.0 } else { 0.0 };
    let mut text = colour.to_owned();
    for _ in 0..30 {
        if contrast(&text, on) >= 4.5 {
            break;
        }
        c = c.map(|v| (f64::from(v) + (towards - f64::from(v)) * 0.1).round() as u8);
        text = format!("#{}", hex::encode(c));
    }
    text
}

impl Look {
    fn read(fields: &Fields, before: Look) -> (Look, Vec<String>) {
        let mut errors = Vec::new();
        let mut colour = |name: &str, what: &str, old: String| match fields.some(name) {
            None => old,
            Some(text) => {
                let text = text.to_lowercase();
                let full = if text.starts_with('#') { text.clone() } else { format!("#{text}") };
                if rgb(&full).is_none() {
                    errors.push(format!("{what}: write a colour as #1f6b4a."));
                    return old;
                }
                full
            }
        };
        let mut look = Look {
            accent: colour("accent", "Accent", before.accent),
            warning: colour("warning", "Warning", before.warning),
            background: colour("background", "Background", before.background),
            text: colour("text", "Text", before.text),
            radius: before.radius,
        };
        if let Some(text) = fields.some("radius") {
            match text.parse::<u8>().ok().filter(|n| *n <= 32) {
                Some(n) => look.radius = n,
                None => errors.push("Corners: write a number of pixels from 0 to 32.".into()),
            }
        }
        (look, errors)
    }

    /// What somebody could not read, and how far it is from that.
    fn warnings(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (what, colour, least) in [
            ("Text", &self.text, 4.5),
            ("The accent, of links and buttons", &self.accent, 4.5),
            ("The sign of a warning", &self.warning, 3.0),
        ] {
            let n = contrast(colour, &self.background);
            if n < least {
                let better = readable(colour, &self.background);
                found.push(format!(
                    "{what} is hard to read on this background: contrast {n:.1}, at least {least} is needed. {better} would do."
                ));
            }
        }
        found
    }

    fn properties(&self) -> String {
        format!(
            "--whereabouts-accent: {}; --whereabouts-warning: {}; --whereabouts-radius: {}px;",
            self.accent, self.warning, self.radius
        )
    }

    /// What a store's page loads, or its theme holds.
    fn css(&self) -> String {
        format!("whereabouts-estimate, whereabouts-order {{ {} }}\n", self.properties())
    }
}

pub async fn of(state: &AppState, store: &str) -> anyhow::Result<Look> {
    Ok(kept(state, store).await?.unwrap_or_default())
}

/// What the merchant chose; nothing, where the widget takes everything from its page.
async fn kept(state: &AppState, store: &str) -> anyhow::Result<Option<Look>> {
    let store = store.to_owned();
    state.db().read(move |db| stores::setting(db, &store, "look")).await
}

fn stylesheet(text: String, cache: &'static str) -> Response {
    let head = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, cache),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (head, text).into_response()
}

/// `/v1/stores/{store}/look.css`: for a store's pages, so that a change in the console needs none in the theme.
pub async fn public(
    State(state): State<AppState>,
    Path(store): Path<String>,
    fields: axum::extract::RawQuery,
) -> Result<Response, Problem> {
    state.config().store(&store).ok_or_else(Problem::no_store)?;
    let cache = "public, max-age=300, stale-while-revalidate=86400";
    let Some(look) = kept(&state, &store).await? else { return Ok(stylesheet(String::new(), cache)) };
    let mut text = look.css();
    if fields.0.as_deref() == Some("hosted") {
        // Our own page has a dark form, whose background the merchant did not choose.
        let dark = |c: &str| readable(c, "#1c1917");
        let (accent, warning) = (dark(&look.accent), dark(&look.warning));
        text.push_str(&format!(
            "@media (prefers-color-scheme: dark) {{ whereabouts-order {{ --whereabouts-accent: {accent}; --whereabouts-warning: {warning}; }} }}\n"
        ));
    }
    Ok(stylesheet(text, cache))
}

/// The same for the preview, with what is being tried; below it the store's own colours.
pub async fn css(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let (look, _) = Look::read(&fields, of(&state, &session.store).await?);
    let text = format!(".look .widget {{ {} color: {}; background: {}; }}\n", look.properties(), look.text, look.background);
    Ok(stylesheet(text, "no-store"))
}

pub async fn page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    let look = of(&state, &session.store).await?;
    show(&state, &session, &look, &[]).await
}

async fn show(state: &AppState, session: &Session, look: &Look, errors: &[String]) -> Result<Markup, Failure> {
    let preview = preview(state, session, look).await?;
    let base = state.config().public_url.trim_end_matches('/').to_owned();
    let link = format!("<link rel=\"stylesheet\" href=\"{base}/v1/stores/{}/look.css\">", session.store);
    let owner = session.may(Role::Owner);
    let body = html! {
        h1 { "Look" }
        p { "The widget takes font, size and colour from the page it stands in. These are the few it can't know." }
        (wrong(errors))
        form.sides method="post" action=(session.to("look")) data-preview=(session.to("look/preview")) data-target="#shown" {
            div.fields {
                (csrf(session))
                div.pair {
                    (field("Accent", "accent", look.accent.clone()).kind("color").hint("Links, buttons, progress."))
                    (field("Warning", "warning", look.warning.clone()).kind("color").hint("The dot at a known delay."))
                }
                (field("Corners, in pixels", "radius", look.radius.to_string()).kind("number"))
                fieldset {
                    legend { "Your page" }
                    p.hint { "Not sent anywhere: to see the widget on it, and to reckon the contrast." }
                    div.pair {
                        (field("Background", "background", look.background.clone()).kind("color"))
                        (field("Text", "text", look.text.clone()).kind("color"))
                    }
                }
                @if owner { div.actions { button.main type="submit" { "Save" } } }
            }
            div.aside #shown aria-live="polite" { (preview) }
        }
        section {
            h2 { "In the store" }
            p { "Put this line into the theme once, and changes made here are seen within minutes:" }
            pre #line tabindex="0" { (link) }
            p.copy { button type="button" data-copy="#line" hidden { "Copy" } }
            p { "Or write the values themselves into the theme's styles, where the page allows no styles of others:" }
            pre tabindex="0" { (look.css()) }
        }
    };
    Ok(frame::page("Look", session, body))
}

pub async fn fragment(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Markup, Failure> {
    let (look, _) = Look::read(&fields, of(&state, &session.store).await?);
    preview(&state, &session, &look).await
}

/// Both surfaces with a known delay, on the store's colours.
async fn preview(state: &AppState, session: &Session, look: &Look) -> Result<Markup, Failure> {
    let (store, now) = (session.store.clone(), state.now());
    let info = state.store_info(&session.store).ok_or_else(|| Failure::none("store"))?;
    let found = state.db().read(move |db| {
        let newest = search::find(db, &info, "")?.into_iter().find(|f| f.status != "cancelled" && f.status != "ordered");
        let order = newest.map(|f| orders::document(db, &store, &f.id)).transpose()?.flatten();
        Ok((policies::at(db, &store, now)?.unwrap_or_default(), order))
    });
    let (mut policy, order) = found.await?;
    let words = Words::of(["en"]);
    policy.delays = vec![Delay {
        id: "sample".into(),
        from: Instant(now.0 - 86_400),
        effect: Duration { min: Some(1), max: Some(2), weights: Vec::new() },
        reason: "weather".into(),
        severity: 1,
        ..Delay::default()
    }];
    let country = policy.origins.first().map(|o| o.country.clone()).unwrap_or_default();
    let items = policy.items.iter().take(1).map(|i| Line { sku: i.sku.clone(), quantity: 1 }).collect();
    let place = policy.zones.iter().find(|z| !z.excluded).and_then(|z| z.places.first().cloned()).unwrap_or_default();
    let postal_code =
        place.postal_codes.first().map(|c| format!("{}00", c.split('-').next().unwrap_or_default())).unwrap_or_default();
    let country = if place.country.is_empty() { country } else { place.country };
    let request = Request { items, destination: Destination { country, postal_code, ..Destination::default() }, method: None };
    let estimate = promise::estimate(&policy.document(now), &request, now);
    let ui = Ui { surface: "product".into(), ..Ui { still: false, ..Ui::default() } };
    let drawn = view::node::html(&view::estimate::estimate(&estimate, &ui, now, &words));
    let warnings = look.warnings();
    let query = serde_urlencoded::to_string([
        ("accent", look.accent.as_str()),
        ("warning", &look.warning),
        ("background", &look.background),
        ("text", &look.text),
        ("radius", &look.radius.to_string()),
    ])
    .unwrap_or_default();
    Ok(html! {
        link rel="stylesheet" href=(format!("{}?{query}", session.to("look.css")));
        @if warnings.is_empty() { p.said role="status" { "Everything can be read: " (format!("text {:.1}, accent {:.1}", contrast(&look.text, &look.background), contrast(&look.accent, &look.background))) " to one." } }
        @else { div.problem { ul { @for w in &warnings { li { (w) } } } } }
        div.look {
            h2 { "Before the purchase" }
            // A picture of it: nothing in it can be pressed.
            div.widget inert { (PreEscaped(drawn)) }
            @if let Some(order) = &order {
                h2 { "After the purchase" }
                div.widget inert { (PreEscaped(view::node::html(&view::order::order(order, Reader { now, offset: None }, &words)))) }
            }
        }
    })
}

pub async fn save(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let (look, errors) = Look::read(&fields, of(&state, &session.store).await?);
    if !errors.is_empty() {
        return Ok(refused(show(&state, &session, &look, &errors).await?));
    }
    let (store, by) = (session.store.clone(), session.person.name.clone());
    state
        .db()
        .write(move |db| {
            stores::put_setting(db, &store, "look", &look)?;
            audit::record(db, &store, &by, "look.save", "", &json!(look))
        })
        .await?;
    // Mails wear it too.
    state.reload_stores().await?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, session.to("look?said=saved"))]).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_reckoned_as_wcag_does() {
        for (a, b, n) in [
            ("#000000", "#ffffff", 21.0),
            ("#777777", "#ffffff", 4.48),
            ("#ffffff", "#ffffff", 1.0),
            ("#0000ff", "#ffffff", 8.59),
        ] {
            assert!((contrast(a, b) - n).abs() < 0.01, "{a} on {b}: {}", contrast(a, b));
        }
    }

    #[test]
    fn a_colour_that_can_not_be_read_is_told_with_one_that_can() {
        assert_eq!(Look::default().warnings(), Vec::<String>::new());
        let pale = Look { accent: "#ffd54f".into(), ..Look::default() };
        let told = pale.warnings();
        assert!(told.len() == 1 && told[0].contains("accent"), "{told:?}");
        for (colour, on) in [("#ffd54f", "#ffffff"), ("#1f6b4a", "#1c1917"), ("#808080", "#808080")] {
            assert!(contrast(&readable(colour, on), on) >= 4.5, "{colour} on {on}: {}", readable(colour, on));
        }
    }

    #[test]
    fn nothing_but_colours_gets_into_a_stylesheet() {
        let fields = Fields(vec![
            ("accent".into(), "red;} body{display:none".into()),
            ("radius".into(), "4px".into()),
            ("text".into(), "AbCdEf".into()),
        ]);
        let (look, errors) = Look::read(&fields, Look::default());
        assert_eq!((look.accent.as_str(), look.text.as_str(), look.radius, errors.len()), ("#1f6b4a", "#abcdef", 4, 2));
    }
}
