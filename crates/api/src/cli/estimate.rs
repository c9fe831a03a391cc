//! `whereabouts estimate`: what a policy promises, for a moment, a destination and a cart.

use std::{io::Read, path::PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use promise::{
    Day, Estimate, Instant, Request,
    estimate::{Destination, Line, Offer, Step, Window},
};

#[derive(clap::Args)]
pub struct Args {
    /// The policy, as JSON; `-`: on standard input.
    #[arg(long)]
    policy: PathBuf,
    /// The moment of the order, RFC 3339.
    #[arg(long)]
    at: String,
    /// COUNTRY or COUNTRY-POSTAL_CODE, such as US-94103.
    #[arg(long)]
    destination: String,
    /// State or region of the destination, ISO 3166-2 without the country.
    #[arg(long, default_value = "")]
    region: String,
    /// A line of the address: is it a post-office box?
    #[arg(long, default_value = "")]
    address: String,
    /// SKU or SKU=QUANTITY; may be repeated.
    #[arg(long = "item")]
    items: Vec<String>,
    /// Only this shipping method, by id.
    #[arg(long)]
    method: Option<String>,
    /// Print JSON: what the widget and the API answer.
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<()> {
    let name = if args.policy.as_os_str() == "-" { "the policy".into() } else { args.policy.display().to_string() };
    let mut text = String::new();
    match args.policy.as_os_str() == "-" {
        true => std::io::stdin().read_to_string(&mut text).map(drop),
        false => std::fs::read_to_string(&args.policy).map(|read| text = read),
    }
    .with_context(|| name.clone())?;
    let policy = super::read_policy(&name, &text)?;
    let now =
        Instant::parse(&args.at).ok_or_else(|| anyhow!("--at {}: write RFC 3339, for example 2026-12-01T14:00:00Z", args.at))?;
    let (country, postal_code) = args.destination.split_once('-').unwrap_or((&args.destination, ""));
    if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_alphabetic()) {
        bail!("--destination {}: write COUNTRY or COUNTRY-POSTAL_CODE, for example US-94103", args.destination);
    }
    let mut request = Request {
        destination: Destination {
            country: country.to_ascii_uppercase(),
            postal_code: postal_code.into(),
            region: args.region.to_ascii_uppercase(),
            po_box: tracking::po_box::is_po_box(&args.address),
        },
        method: args.method,
        ..Request::default()
    };
    if let Some(method) = &request.method
        && !policy.methods.iter().any(|m| m.id == *method)
    {
        bail!(
            "--method {method}: the policy has {}",
            policy.methods.iter().map(|m| m.id.as_str()).collect::<Vec<_>>().join(", ")
        );
    }
    for item in &args.items {
        let (sku, quantity) = item.rsplit_once('=').unwrap_or((item, "1"));
        let quantity = quantity.parse().ok().filter(|n| *n > 0 && !sku.is_empty());
        let quantity = quantity.ok_or_else(|| anyhow!("--item {item}: write SKU=QUANTITY, a number from 1"))?;
        request.items.push(Line { sku: sku.into(), quantity });
    }
    let estimate = promise::estimate(&policy.document(now), &request, now);
    match args.json {
        true => println!("{}", serde_json::to_string(&estimate)?),
        false => tell(&estimate),
    }
    Ok(())
}

fn tell(e: &Estimate) {
    let place = [e.destination.country.as_str(), &e.destination.region, &e.destination.postal_code];
    let place: Vec<&str> = place.into_iter().filter(|p| !p.is_empty()).collect();
    let zone = if e.zone.is_empty() { String::new() } else { format!(" ({})", e.zone) };
    println!("ordered {} for {}{zone}", e.computed_at, place.join(" "));
    let width = e.options.iter().map(|o| o.name.chars().count()).max().unwrap_or(0);
    for o in &e.options {
        let name = if o.name.is_empty() { &o.method } else { &o.name };
        let answer = match (&o.window, &o.obstacle) {
            (Some(w), _) => window(w),
            (None, obstacle) => format!("no: {}", obstacle.as_deref().unwrap_or_default().replace('_', " ")),
        };
        let tags = if o.tags.is_empty() { String::new() } else { format!("  {}", o.tags.join(", ")) };
        println!("{name:<width$}  {answer}  {} {}{tags}", api::words::amount(o.price, &e.currency), e.currency);
        parts(o);
    }
    if let Some(o) = e.options.iter().find(|o| o.window.is_some()) {
        println!("why ({}, {} %):", if o.name.is_empty() { &o.method } else { &o.name }, o.confidence);
        o.steps.iter().for_each(|s| println!("  {}", step(s)));
        if let Some(cutoff) = &o.cutoff {
            println!("  ordered after {}: {}", cutoff.at, window(&cutoff.then));
        }
    }
    for d in &e.delays {
        let text = d.message.iter().find(|m| m.0 == "en").or(d.message.first()).map_or("", |m| m.1.as_str());
        println!("delay {} ({}): up to {} working days. {text}", d.id, d.reason, d.days);
    }
}

fn parts(o: &Offer) {
    for part in &o.parts {
        let line = |(k, n): (usize, &u16)| match part.quantities.get(k) {
            Some(quantity) => format!("{quantity} of line {}", n + 1),
            None => format!("line {}", n + 1),
        };
        let lines: Vec<String> = part.items.iter().enumerate().map(line).collect();
        println!("    {} from {}: {}", lines.join(", "), part.origin, window(&part.window));
    }
}

fn window(w: &Window) -> String {
    if w.from == w.to { day(w.to) } else { format!("{} to {}", day(w.from), day(w.to)) }
}

fn day(d: Day) -> String {
    let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    format!("{} {d}", names[usize::from(d.weekday())])
}

/// `cutoff missed: Memphis, Wed 2026-12-02`
fn step(s: &Step) -> String {
    let days = s.days.map(|(from, to)| if from == to { format!("{to}") } else { format!("{from} to {to}") });
    let unit = if matches!(s.kind.as_str(), "zones" | "parts") { "" } else { " working days" };
    let said = [Some(s.name.clone()).filter(|n| !n.is_empty()), s.day.map(day), days.map(|d| format!("{d}{unit}"))];
    let said: Vec<String> = said.into_iter().flatten().collect();
    let kind = s.kind.replace('_', " ");
    if said.is_empty() { kind } else { format!("{kind}: {}", said.join(", ")) }
}
