//! What a shopper would see, with any policy, for any SKU, place and moment: drawn by the widget's own view.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use maud::{Markup, PreEscaped, html};
use promise::{
    Instant, Request,
    estimate::{Destination, Line, Offer},
    policy::{Delay, Policy},
};
use view::estimate::Ui;

use super::draft;
use crate::{
    console::{
        Failure, Fields, Session,
        frame::{field, moment},
        languages::LANGUAGES,
        time::instant,
    },
    state::{AppState, zone_of},
    store::{drafts, policies},
    words::Words,
};

/// What is asked; the fields' names begin with `try_`, so that they may stand in any form.
#[derive(Clone, Debug)]
pub struct Question {
    sku: String,
    quantity: String,
    country: String,
    region: String,
    postal_code: String,
    at: String,
    surface: String,
    language: String,
    published: bool,
}

impl Question {
    pub fn of(fields: &Fields, policy: &Policy) -> Question {
        let asked = fields.has("try_country");
        let or = |name: &str, otherwise: String| if asked { fields.get(name).to_owned() } else { otherwise };
        let country = policy.origins.first().map(|o| o.country.clone()).unwrap_or_default();
        let home = country.clone();
        Question {
            sku: or("try_sku", policy.items.first().map(|i| i.sku.clone()).unwrap_or_default()),
            quantity: or("try_quantity", "1".into()),
            country: or("try_country", country).to_uppercase(),
            region: or("try_region", String::new()),
            postal_code: or("try_postal_code", sample(policy, &home)),
            at: or("try_at", String::new()),
            surface: or("try_surface", "product".into()),
            language: or("try_language", "en".into()),
            published: asked && fields.get("try_which") == "published",
        }
    }

    /// The moment, in the first origin's zone; now, where none is named.
    fn moment(&self, policy: &Policy, now: Instant) -> Result<Instant, String> {
        if self.at.is_empty() {
            return Ok(now);
        }
        instant(&self.at, zone_of(policy)).ok_or_else(|| {
            "This moment can't be read (write it as 2026-12-01T14:00), or does not exist: the clocks skipped it.".to_owned()
        })
    }
}

/// A postal code that lies in a zone, where zones go by them: something to begin with.
fn sample(policy: &Policy, country: &str) -> String {
    let places = policy.zones.iter().filter(|z| !z.excluded).flat_map(|z| &z.places);
    let code = places.filter(|p| p.country == country).find_map(|p| p.postal_codes.first());
    let Some(first) = code.map(|c| c.split('-').next().unwrap_or_default()) else { return String::new() };
    let digits = first.bytes().all(|b| b.is_ascii_digit());
    if digits { format!("{first:0<5}") } else { first.to_owned() }
}

/// The fields of a question.
pub fn fields(policy: &Policy, q: &Question) -> Markup {
    let zone = zone_of(policy);
    let now_hint = format!("Empty: now. In the time of {zone}.");
    html! {
        div.pair {
            (field("SKU", "try_sku", q.sku.clone()).list("skus"))
            (field("Quantity", "try_quantity", q.quantity.clone()).kind("number"))
        }
        datalist #skus { @for i in policy.items.iter().take(200) { option value=(i.sku) {} } }
        div.pair {
            (field("Country", "try_country", q.country.clone()))
            (field("Postal code", "try_postal_code", q.postal_code.clone()))
        }
        (field("Ordered at", "try_at", q.at.clone()).kind("datetime-local").hint(&now_hint))
        div.pair {
            (field("On the", "try_surface", q.surface.clone()).choices([("product", "product page"), ("cart", "cart"), ("checkout", "checkout")]))
            (field("Language", "try_language", q.language.clone()).choices(LANGUAGES))
        }
    }
}

/// A form of its own beside a page, which answers as one types.
pub fn aside(session: &Session, policy: &Policy, q: &Question, shown: Markup) -> Markup {
    html! {
        form.aside method="get" action=(session.to("policy")) data-preview=(session.to("policy/preview")) data-target="#shown" {
            h2 { "What a shopper would see" }
            div #shown aria-live="polite" { (shown) }
            (field("With", "try_which", if q.published { "published" } else { "draft" }).choices([("draft", "the draft"), ("published", "what is published")]))
            (fields(policy, q))
            div.actions { button type="submit" { "Show" } }
        }
    }
}

pub async fn fragment(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let draft = draft(&state, &session.store).await?;
    let question = Question::of(&fields, &draft.policy);
    Ok(of_store(&state, &session.store, &draft.policy, &question).await?.into_response())
}

/// The answer with a draft, or with what is published, and the delay notices of the store.
pub async fn of_store(state: &AppState, store: &str, policy: &Policy, q: &Question) -> Result<Markup, Failure> {
    let (id, published) = (store.to_owned(), q.published);
    let found = state.db().read(move |db| {
        let newest =
            if published { drafts::newest(db, &id)?.map(|n| drafts::version(db, &id, n)).transpose()?.flatten() } else { None };
        Ok((newest, policies::delays(db, &id)?))
    });
    let (newest, delays) = found.await?;
    if published && newest.is_none() {
        return Ok(html! { p.hint { "Nothing is published yet." } });
    }
    Ok(answer(newest.as_ref().unwrap_or(policy), delays, q, state.now()))
}

/// The answer, with delay notices besides the policy's own.
pub fn answer(policy: &Policy, delays: Vec<Delay>, q: &Question, now: Instant) -> Markup {
    let at = match q.moment(policy, now) {
        Ok(at) => at,
        Err(e) => return html! { p.wrong { (e) } },
    };
    if policy.origins.is_empty() || policy.methods.is_empty() || policy.transit.is_empty() {
        return html! { p.hint { "There is no date before there is an origin, a service, a zone, a transit time and a shipping method." } };
    }
    let mut policy = policy.clone();
    policy.delays.extend(delays);
    let document = policy.document(Instant(at.0.div_euclid(86_400) * 86_400));
    let quantity = q.quantity.parse().unwrap_or(1).clamp(1, 1_000_000);
    let items = if q.sku.is_empty() { Vec::new() } else { vec![Line { sku: q.sku.clone(), quantity }] };
    let destination = Destination {
        country: q.country.clone(),
        region: q.region.clone(),
        postal_code: q.postal_code.clone(),
        ..Destination::default()
    };
    let estimate = promise::estimate(&document, &Request { items, destination, method: None }, at);
    let words = Words::of([q.language.as_str()]);
    let ui = Ui { surface: q.surface.clone(), ..Ui { still: true, ..Ui::default() } };
    let drawn = view::node::html(&view::estimate::estimate(&estimate, &ui, at, &words));
    html! {
        div.widget lang=(words.tag()) { (PreEscaped(drawn)) }
        details {
            summary { "By shipping method" }
            ul.rows {
                @for o in &estimate.options {
                    li {
                        span { strong { (o.name) } " " (window(o)) br; span.hint { (way(o)) } }
                        span.hint { @if o.window.is_some() { (o.confidence) " % by then" } }
                    }
                }
            }
            p.hint { "Computed for " (moment(at)) }
        }
    }
}

fn window(o: &Offer) -> String {
    match (&o.window, o.obstacle.as_deref()) {
        (Some(w), _) if w.from == w.to => w.from.to_string(),
        (Some(w), _) => format!("{} to {}", w.from, w.to),
        (None, Some(why)) => obstacle(why).into(),
        (None, None) => "no date".into(),
    }
}

fn way(o: &Offer) -> String {
    let parts = [o.origin.as_str(), o.service.as_str()];
    let way = parts.iter().filter(|p| !p.is_empty()).copied().collect::<Vec<_>>().join(", by ");
    let leaves = o.dispatch.map(|d| format!(", leaves {d}")).unwrap_or_default();
    if way.is_empty() { way } else { format!("from {way}{leaves}") }
}

fn obstacle(why: &str) -> &'static str {
    match why {
        "excluded_zone" => "not delivered there",
        "method_not_in_zone" => "not offered there",
        "item_not_by_method" => "this item can't go by it",
        "no_service" => "no service has a transit time there",
        "not_available" => "not in stock",
        "no_origin" => "no origin has it",
        _ => "not possible",
    }
}
