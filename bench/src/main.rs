//! `./build.sh bench`: the real binary's speed, as a ratio to a stated reference in the same run.
//!
//! Servers run as processes of their own on loopback; measured and reference alternate, and medians are reported, because
//! machines are noisy. A ratio of 1 is the reference's own speed.

mod estimates;
mod http;
mod insight;
mod learn;
mod live;
mod reads;
mod server;
mod webhooks;

use anyhow::Result;
use serde_json::{Value, json};

/// One figure.
pub struct Figure {
    pub name: &'static str,
    pub value: f64,
    pub reference: f64,
    pub unit: &'static str,
    /// What the reference is.
    pub against: &'static str,
}

impl Figure {
    fn json(&self) -> Value {
        let round = |x: f64| (x * 1000.0).round() / 1000.0;
        json!({"name": self.name, "value": round(self.value), "reference": round(self.reference),
            "ratio": round(self.value / self.reference), "unit": self.unit})
    }
}

/// The median of an odd or even number of values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 { f64::NAN } else { (values[(n - 1) / 2] + values[n / 2]) / 2.0 }
}

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|a| a == "--reference-server") {
        return reads::reference_server().await;
    }
    let mut figures = Vec::new();
    // Names may be given, to look at a few: `whereabouts-bench webhook live`.
    let wanted = |name: &str| {
        let mut names = args.iter().filter(|a| !a.starts_with('-') && !a.contains('/') && a.parse::<u64>().is_err()).peekable();
        names.peek().is_none() || names.any(|n| name.contains(n.as_str()))
    };
    let soak = args.iter().position(|a| a == "--soak");
    if soak.is_some() || wanted("order_read order_unchanged promise_read webhook_ack live_p99 live_memory") {
        let server = server::Server::start().await?;
        if let Some(at) = soak {
            let minutes = args.get(at + 1).and_then(|m| m.parse().ok()).unwrap_or(10);
            return live::soak(&server, minutes).await;
        }
        if wanted("order_read order_unchanged promise_read") {
            figures.extend(reads::figures(&server).await?);
        }
        if wanted("webhook_ack") {
            figures.push(webhooks::figure(&server).await?);
        }
        if wanted("live_p99 live_memory") {
            figures.extend(live::figures(&server).await?);
        }
    }
    if wanted("learn learn_state") {
        figures.extend([learn::figure(), learn::state()]);
    }
    if wanted("estimate_native") {
        figures.push(estimates::native()?);
    }
    if wanted("estimate_browser") {
        figures.extend(estimates::browser()?);
    }
    if wanted("console_cold_median console_cold_p95 console_median console_p95 console_memory") {
        // A year of a store: `--orders 1000000` is a large one's; the default keeps the run short.
        let at = args.iter().position(|a| a == "--orders");
        let kept = args.iter().position(|a| a == "--keep").and_then(|at| args.get(at + 1)).map(std::path::PathBuf::from);
        let orders = at.and_then(|at| args.get(at + 1)).and_then(|n| n.parse().ok()).unwrap_or(20_000);
        figures.extend(insight::figures(orders, kept.as_deref()).await?);
    }
    if args.iter().any(|a| a == "--json") {
        println!("{}", serde_json::to_string_pretty(&figures.iter().map(Figure::json).collect::<Vec<_>>())?);
    } else {
        println!("{:<18} {:>12} {:>12} {:>7}  {:<8} against", "figure", "value", "reference", "ratio", "unit");
        for f in &figures {
            println!(
                "{:<18} {:>12.1} {:>12.1} {:>7.2}  {:<8} {}",
                f.name,
                f.value,
                f.reference,
                f.value / f.reference,
                f.unit,
                f.against
            );
        }
    }
    Ok(())
}
