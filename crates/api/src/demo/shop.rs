//! The demo store: plain pages of `www/demo`, a cart in a cookie, and a checkout that sends what Shopify would.

use std::{collections::HashMap, sync::LazyLock};

use anyhow::Context;
use axum::{
    Form, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use rust_embed::Embed;
use serde::Deserialize;

use super::{
    World,
    carriers::{Moving, carry, scan, ups, usual},
    samples::Order,
};
use crate::token;

#[derive(Embed)]
#[folder = "../../www/demo"]
struct Files;

#[derive(Clone, Deserialize)]
struct Product {
    sku: String,
    handle: String,
    title: String,
    price: u32,
    text: String,
}

static PRODUCTS: LazyLock<Vec<Product>> = LazyLock::new(|| {
    let file = Files::get("products.json").map(|f| f.data.into_owned()).unwrap_or_default();
    serde_json::from_slice(&file).unwrap_or_default()
});

/// Where the demo's shopper lives.
const POSTAL_CODE: &str = "94103";

pub fn app(world: World) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/products/{handle}", get(product))
        .route("/cart", get(cart).post(add))
        .route("/checkout", get(checkout).post(order))
        .route("/thank-you/{token}", get(thank_you))
        .route("/orders", get(orders))
        .route("/orders/{token}", get(order_page))
        .route("/lookup", get(async |State(w): State<World>, headers: HeaderMap| page(&w, &headers, "lookup.html", &[])))
        .route("/help", get(async |State(w): State<World>, headers: HeaderMap| page(&w, &headers, "help.html", &[])))
        .route("/gallery", get(gallery))
        .route("/{*file}", get(file))
        .with_state(world)
}

/// A page with its `{{names}}` filled: text is escaped, names that end in `_html` hold markup.
fn page(world: &World, headers: &HeaderMap, name: &str, values: &[(&str, &str)]) -> Response {
    let Some(file) = Files::get(name) else { return StatusCode::NOT_FOUND.into_response() };
    let count = basket(headers).iter().map(|l| l.1).sum::<u32>().to_string();
    let own = [("api", world.0.api.as_str()), ("cart_count", count.as_str()), ("postal_code", POSTAL_CODE)];
    let mut out = String::from_utf8_lossy(&file.data).into_owned();
    for (name, value) in own.iter().chain(values) {
        let value = if name.ends_with("_html") { (*value).to_owned() } else { escape(value) };
        out = out.replace(&format!("{{{{{name}}}}}"), &value);
    }
    let head = [(header::CACHE_CONTROL, "no-store"), (header::REFERRER_POLICY, "same-origin")];
    (head, Html(out)).into_response()
}

fn escape(text: &str) -> String {
    view::node::html(&[view::Node::Text(text.to_owned())])
}

async fn file(Path(name): Path<String>) -> Response {
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match Files::get(&name) {
        Some(found) => ([(header::CONTENT_TYPE, kind)], found.data).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn money(cents: u32) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}

async fn home(State(world): State<World>, headers: HeaderMap) -> Response {
    let list: String = PRODUCTS
        .iter()
        .map(|p| {
            let (handle, title, price) = (&p.handle, escape(&p.title), money(p.price));
            format!("    <li><a href=\"/products/{handle}\"><img src=\"/art/{handle}.svg\" alt=\"\" width=\"400\" height=\"400\"><h2>{title}</h2><p class=\"price\">{price}</p></a></li>\n")
        })
        .collect();
    page(&world, &headers, "home.html", &[("products_html", &list)])
}

async fn product(State(world): State<World>, Path(handle): Path<String>, headers: HeaderMap) -> Response {
    let Some(p) = PRODUCTS.iter().find(|p| p.handle == handle) else { return StatusCode::NOT_FOUND.into_response() };
    let values =
        [("handle", p.handle.as_str()), ("title", &p.title), ("price", &money(p.price)), ("text", &p.text), ("sku", &p.sku)];
    page(&world, &headers, "product.html", &values)
}

/// The cart's cookie: `MUG-1:2.VASE-1:1`. What is not sold here is not in it.
fn basket(headers: &HeaderMap) -> Vec<(&'static Product, u32)> {
    let cookies = headers.get(header::COOKIE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let cart = cookies.split(';').find_map(|c| c.trim().strip_prefix("cart=")).unwrap_or_default();
    cart.split('.')
        .filter_map(|line| {
            let (sku, quantity) = line.split_once(':')?;
            let product = PRODUCTS.iter().find(|p| p.sku == sku)?;
            Some((product, quantity.parse().ok().filter(|q| (1..=99).contains(q))?))
        })
        .collect()
}

#[derive(Deserialize)]
struct Added {
    sku: String,
    quantity: u32,
}

async fn add(headers: HeaderMap, Form(added): Form<Added>) -> Response {
    let mut lines: Vec<(String, u32)> = basket(&headers).into_iter().map(|(p, q)| (p.sku.clone(), q)).collect();
    match lines.iter_mut().find(|l| l.0 == added.sku) {
        Some(line) => line.1 = (line.1 + added.quantity).min(99),
        None => lines.push((added.sku, added.quantity.min(99))),
    }
    let cart: Vec<String> = lines.iter().map(|(sku, quantity)| format!("{sku}:{quantity}")).collect();
    set_cart(&cart.join("."), "/cart")
}

fn set_cart(cart: &str, to: &str) -> Response {
    let clean: String = cart.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.')).collect();
    ([(header::SET_COOKIE, format!("cart={clean}; Path=/; SameSite=Lax; HttpOnly"))], Redirect::to(to)).into_response()
}

fn joined(lines: &[(&Product, u32)]) -> (String, String, String) {
    let skus: Vec<&str> = lines.iter().map(|l| l.0.sku.as_str()).collect();
    let quantities: Vec<String> = lines.iter().map(|l| l.1.to_string()).collect();
    let titles: Vec<&str> = lines.iter().map(|l| l.0.title.as_str()).collect();
    (skus.join(","), quantities.join(","), titles.join("|"))
}

async fn cart(State(world): State<World>, headers: HeaderMap) -> Response {
    let lines = basket(&headers);
    if lines.is_empty() {
        return page(
            &world,
            &headers,
            "cart.html",
            &[("cart_html", "  <p>Nothing in it yet. <a href=\"/\">Have a look around</a>.</p>")],
        );
    }
    let rows: String = lines
        .iter()
        .map(|(p, q)| format!("<tr><td>{}</td><td>{q}</td><td>{}</td></tr>", escape(&p.title), money(p.price * q)))
        .collect();
    let (skus, quantities, titles) = joined(&lines);
    let titles = escape(&titles);
    let html = format!(
        "  <div class=\"cart\"><table><thead><tr><th>Product</th><th>Quantity</th><th>Price</th></tr></thead><tbody>{rows}</tbody></table>\n\
         <whereabouts-estimate sku=\"{skus}\" quantity=\"{quantities}\" titles=\"{titles}\" country=\"US\" postal-code=\"{POSTAL_CODE}\" surface=\"cart\">Usually arrives within two weeks</whereabouts-estimate>\n\
         <p><a href=\"/checkout\">Check out</a></p></div>"
    );
    page(&world, &headers, "cart.html", &[("cart_html", &html)])
}

async fn checkout(State(world): State<World>, headers: HeaderMap) -> Response {
    let lines = basket(&headers);
    if lines.is_empty() {
        return Redirect::to("/cart").into_response();
    }
    let (skus, quantities, titles) = joined(&lines);
    page(&world, &headers, "checkout.html", &[("skus", &skus), ("quantities", &quantities), ("titles", &titles)])
}

#[derive(Deserialize)]
struct Address {
    email: String,
    name: String,
    street: String,
    city: String,
    region: String,
    postal_code: String,
    country: String,
    method: String,
    #[serde(default)]
    whereabouts_promise: String,
}

/// Places the order as a store does: it tells the API by webhook, fulfils, and hands the parcel to a carrier.
async fn order(State(world): State<World>, headers: HeaderMap, Form(to): Form<Address>) -> Response {
    let lines = basket(&headers);
    if lines.is_empty() {
        return Redirect::to("/cart").into_response();
    }
    let number = world.next_number();
    let order = Order {
        number,
        at: chrono::Utc::now().timestamp(),
        email: to.email,
        city: to.city,
        region: to.region,
        postal_code: to.postal_code,
        country: to.country,
        name: to.name,
        street: to.street,
        method: to.method,
        lines: lines.iter().map(|(p, q)| (p.sku.clone(), p.title.clone(), p.price, *q)).collect(),
        shown: Some(to.whereabouts_promise).filter(|s| !s.is_empty()),
        cancelled: false,
    };
    if let Err(e) = world.send("shopify", "orders/create", &order.json()).await {
        tracing::error!(error = format!("{e:#}"), "the API did not take the order");
        return (StatusCode::BAD_GATEWAY, "The tracking API did not take the order. Is it running?").into_response();
    }
    let placed = world.note(&format!("#{number}"), "yours", order.id());
    tokio::spawn(async move {
        if let Err(e) = fulfil(&world, order).await {
            tracing::warn!(error = format!("{e:#}"), "fulfilment failed");
        }
    });
    set_cart("", &format!("/thank-you/{}", placed.token))
}

/// Ships the order: what comes from Rotterdam in a parcel of its own. Every third order meets an obstacle on its way.
async fn fulfil(world: &World, order: Order) -> anyhow::Result<()> {
    world.pause(6.0).await;
    let from_afar = |n: &usize| order.lines[*n].0 == "VASE-1";
    let (afar, near): (Vec<usize>, Vec<usize>) = (0..order.lines.len()).partition(from_afar);
    let mut parcels = Vec::new();
    for (n, (lines, origin)) in [(near, "Memphis, TN, US"), (afar, "Rotterdam, NL")].into_iter().enumerate() {
        if lines.is_empty() {
            continue;
        }
        let tracking = ups(order.number * 10 + n as u32);
        let now = chrono::Utc::now().timestamp();
        world.send("shopify", "fulfillments/create", &order.fulfillment(n as u64 + 1, now, &lines, &tracking)).await?;
        let mut next = usual(origin);
        if order.number.is_multiple_of(3) {
            let obstacle = scan(0, "failure", "address_correction", "The address is incomplete", "Oakland, CA, US");
            next.insert(4, (8.0, obstacle));
        }
        parcels.push(Moving { number: tracking, carrier: "UPS", scans: Vec::new(), next });
    }
    for parcel in parcels {
        tokio::spawn(carry(world.clone(), parcel));
    }
    Ok(())
}

/// The order that a token opens, by number; what a real store reads from its own database.
fn known(world: &World, token: &str) -> anyhow::Result<String> {
    let secret = world.0.secret.as_str();
    token::verify(token, |_| vec![secret], chrono::Utc::now().timestamp())?;
    world.orders().into_iter().find(|o| o.token == token).map(|o| o.number).context("not an order of this demo")
}

async fn thank_you(State(world): State<World>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let Ok(number) = known(&world, &token) else { return Redirect::to("/lookup").into_response() };
    page(&world, &headers, "thank-you.html", &[("token", &token), ("number", &number), ("name", "Robin")])
}

async fn order_page(State(world): State<World>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let Ok(number) = known(&world, &token) else { return Redirect::to("/lookup").into_response() };
    page(&world, &headers, "order.html", &[("token", &token), ("number", &number)])
}

async fn orders(State(world): State<World>, headers: HeaderMap) -> Response {
    let list: String = world
        .orders()
        .iter()
        .rev()
        .map(|o| {
            format!(
                "    <li><a href=\"/orders/{}\">{}</a> <span>{}</span></li>\n",
                escape(&o.token),
                escape(&o.number),
                escape(&o.shows)
            )
        })
        .collect();
    page(&world, &headers, "orders.html", &[("orders_html", &list)])
}

/// Every state, three times: on a light and on a dark ground, and from right to left.
async fn gallery(State(world): State<World>, headers: HeaderMap) -> Response {
    let estimate =
        |attributes: &str| format!("<whereabouts-estimate {attributes}>Usually arrives within two weeks</whereabouts-estimate>");
    let mut states: Vec<(String, String)> = [
        ("In stock", "sku=\"VASE-1\" country=\"US\" postal-code=\"94103\""),
        ("A known delay", "sku=\"MUG-1\" country=\"US\" postal-code=\"94103\""),
        ("Made to order", "sku=\"CHAIR-1\" country=\"US\" postal-code=\"10001\""),
        ("Back in stock later", "sku=\"LAMP-1\" country=\"US\" postal-code=\"10001\""),
        ("Can't be delivered", "sku=\"MUG-1\" country=\"US\" postal-code=\"99501\""),
        ("Destination unknown", "sku=\"MUG-1\""),
        (
            "A cart in two parcels",
            "sku=\"MUG-1,VASE-1\" quantity=\"2,1\" titles=\"Stoneware mug|Vase\" country=\"US\" postal-code=\"94103\" surface=\"cart\"",
        ),
        ("Needed by a date", "sku=\"MUG-1\" country=\"US\" postal-code=\"94103\" surface=\"checkout\" need-by=\"2030-01-02\""),
        ("Checkout", "sku=\"MUG-1,VASE-1\" quantity=\"2,1\" country=\"US\" postal-code=\"94103\" surface=\"checkout\""),
    ]
    .map(|(title, attributes)| (title.to_owned(), estimate(attributes)))
    .into();
    let order =
        |token: &str| format!("<whereabouts-order token=\"{}\">Your order is on its way</whereabouts-order>", escape(token));
    let orders: HashMap<String, String> = world.orders().into_iter().map(|o| (o.number, o.token)).collect();
    let mut shown: Vec<_> = world.orders().into_iter().filter(|o| o.number.starts_with("#20") || o.number == "#1004").collect();
    shown.sort_by(|a, b| a.number.cmp(&b.number));
    states.extend(shown.iter().map(|o| (o.shows.clone(), order(&o.token))));
    let expired = orders.get("#2001").and_then(|t| t.rsplit_once('.')).map(|(head, _)| format!("{head}.00")).unwrap_or_default();
    states.push(("a link that is not valid".into(), order(&expired)));
    let html: String = states
        .iter()
        .map(|(title, element)| {
            let tall = if element.contains("order") || element.contains("checkout") { "tall" } else { "" };
            let mut title = title.clone();
            if let Some(first) = title.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            format!("  <section><h2>{}</h2><div class=\"pair\"><div class=\"{tall}\" tabindex=\"0\">{element}</div><div class=\"dark {tall}\" tabindex=\"0\">{element}</div><div class=\"{tall}\" lang=\"ar\" dir=\"rtl\" tabindex=\"0\">{element}</div></div></section>\n", escape(&title))
        })
        .collect();
    page(&world, &headers, "gallery.html", &[("states_html", &html)])
}
