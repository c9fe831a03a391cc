//! `whereabouts demo`: the API with a demo store on a second port, sample orders, and parcels on the move.

use std::path::PathBuf;

use anyhow::{Context, Result};
use api::{
    demo::{self, Demo},
    server,
};

#[derive(clap::Args)]
pub struct Args {
    /// The API's port; 0: any that is free.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The demo store's port; 0: any that is free.
    #[arg(long, default_value_t = 8081)]
    shop_port: u16,
    /// A folder to keep everything in; without it the demo starts anew each time.
    #[arg(long)]
    data: Option<PathBuf>,
    /// How fast the simulated carriers work: 1 takes a parcel to its door in less than a minute.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Print the addresses as JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
pub async fn run(args: Args) -> Result<()> {
    anyhow::ensure!(args.speed.is_finite() && args.speed > 0.0, "--speed: write a number above zero");
    super::log(&api::config::Log { filter: "warn".into(), format: "text".into() })?;
    let temporary = match &args.data {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("whereabouts-demo-").tempdir().context("a temporary folder")?),
    };
    let folder = args.data.clone().or_else(|| temporary.as_ref().map(|t| t.path().to_owned())).unwrap_or_default();
    let demo = Demo::prepare(&folder, args.port, args.shop_port, args.speed).await?;
    let state = demo.state.clone();
    let (api, shop, (email, password)) = (demo.api.clone(), demo.shop.clone(), demo.person.clone());
    tokio::spawn(async move {
        server::asked_to_stop().await;
        state.stop();
    });
    let print = move |orders: &[demo::Placed]| {
        let page = |number: &str| orders.iter().find(|o| o.number == number).map(|o| format!("{shop}/orders/{}", o.token));
        if args.json {
            println!(
                "{}",
                serde_json::json!({"api": api, "shop": shop, "orders": orders,
                "console": {"url": format!("{api}/console"), "email": email, "password": password}})
            );
        } else {
            println!("\n  The demo store       {shop}");
            println!("  An order on its way  {}", page("#1001").unwrap_or_default());
            println!("  Every state          {shop}/gallery");
            println!("  The console          {api}/console  ({email}, password {password})");
            println!("  Letters to shoppers  {api}/console/demo/messages  (they stay on this machine)");
            println!("  The tracking API     {api}\n\n  Parcels move by themselves for the next minute. Ctrl-C ends it.\n");
        }
    };
    demo.run(print).await
}
