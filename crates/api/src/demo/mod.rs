//! A demo that is no mock: the real API, and a store and carriers that call it as real ones do, by signed webhooks.

mod carriers;
mod samples;
mod shop;

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tracking::signature::sign;

use crate::{config::Config, outbound, server, state::AppState, token};

static POLICY: &str = include_str!("policy.json");
const STORE: &str = "demo";
const PERSON: &str = "demo@fjord-fern.example";

/// An order that the demo store has taken.
#[derive(Clone, Debug, Serialize)]
pub struct Placed {
    pub number: String,
    /// What it shows, in a word or two.
    pub shows: String,
    pub token: String,
}

/// A prepared demo: both addresses are known, nothing runs yet.
pub struct Demo {
    pub state: AppState,
    pub api: String,
    pub shop: String,
    /// How to sign in to the console: email, password.
    pub person: (&'static str, String),
    listener: TcpListener,
    shop_listener: TcpListener,
    world: World,
}

/// What the simulated store and carriers know.
#[derive(Clone)]
struct World(Arc<Inner>);

struct Inner {
    api: String,
    speed: f64,
    secret: String,
    client: reqwest::Client,
    orders: Mutex<Vec<Placed>>,
    /// Orders placed in the demo store, for their numbers and fates.
    count: Mutex<u32>,
}

fn secret() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the system's random numbers")?;
    Ok(hex::encode(bytes))
}

impl Demo {
    /// Writes a configuration and a policy into the folder, unless they are there, and opens both ports.
    pub async fn prepare(folder: &Path, port: u16, shop_port: u16, speed: f64) -> Result<Demo> {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        outbound::crypto();
        let bind = async |port: u16, flag: &str| {
            let bound = TcpListener::bind(("127.0.0.1", port)).await;
            bound.with_context(|| format!("port {port} is taken: choose another with {flag}"))
        };
        let listener = bind(port, "--port").await?;
        let shop_listener = bind(shop_port, "--shop-port").await?;
        let api = format!("http://{}", listener.local_addr()?);
        let shop = format!("http://{}", shop_listener.local_addr()?);
        let file = folder.join("whereabouts.toml");
        let fresh = !file.exists();
        if fresh {
            let (policy, database) = (folder.join("policy.json"), folder.join("whereabouts.sqlite"));
            std::fs::write(&policy, POLICY)?;
            // Letters are written as they would be, and stay in the folder.
            let mails = folder.join("mail");
            std::fs::create_dir_all(&mails)?;
            let mails = std::path::absolute(&mails)?;
            let mails =
                reqwest::Url::from_directory_path(&mails).map_err(|()| anyhow::anyhow!("no address for {}", mails.display()))?;
            let secret = secret()?;
            let written = format!(
                "# Made by `whereabouts demo`.\npublic_url = {api:?}\ndatabase = {database:?}\n\n[mail]\nurl = \"{mails}\"\nfrom = \"Fjord & Fern <orders@fjord-fern.example>\"\n\n[[stores]]\nid = {STORE:?}\nname = \"Fjord & Fern\"\n\
                 url = {shop:?}\nsupport_url = \"{shop}/help\"\npolicy = {policy:?}\nadmin_keys = [{:?}]\ntoken_secrets = [{secret:?}]\n\
                 lookup_secret = {:?}\nwebhook_secrets = {{ shopify = [{secret:?}], easypost = [{secret:?}] }}\n",
                self::secret()?,
                self::secret()?,
            );
            std::fs::write(&file, written)?;
        }
        let config = Config::load(Some(&file), std::iter::empty())?;
        let secret =
            config.store(STORE).and_then(|s| s.token_secrets.first()).context("whereabouts.toml has no store \"demo\"")?;
        let secret = secrecy::ExposeSecret::expose_secret(secret).to_owned();
        let state = AppState::start(config).await?;
        if fresh {
            tell_at_once(&state).await?;
        }
        let person = (PERSON, crate::console::demo_person(&state, PERSON).await?);
        let client = reqwest::Client::new();
        let world =
            World(Arc::new(Inner { api: api.clone(), speed, secret, client, orders: Mutex::default(), count: Mutex::new(1000) }));
        Ok(Demo { state, api, shop, person, listener, shop_listener, world })
    }

    /// Serves both until the API is told to stop; `ready` is called when the sample orders are in.
    pub async fn run(self, ready: impl FnOnce(&[Placed])) -> Result<()> {
        let mut stopping = self.state.stopping();
        let app = shop::app(self.world.clone());
        let shop = tokio::spawn(async move {
            let stopped = async move {
                let _ = stopping.wait_for(|stop| *stop).await;
            };
            axum::serve(self.shop_listener, app).with_graceful_shutdown(stopped).await
        });
        let api = tokio::spawn(server::run(self.listener, self.state.clone()));
        samples::announce_snow(&self.state).await?;
        let moving = samples::place(&self.world).await?;
        ready(&self.world.orders());
        let carriers = tokio::spawn(carriers::all(self.world.clone(), moving));
        api.await??;
        carriers.abort();
        shop.await??;
        Ok(())
    }
}

/// The demo's days pass in a minute, at any hour of the day, and all parcels go to one person: letters wait for none of it.
async fn tell_at_once(state: &AppState) -> Result<()> {
    let midnight = || "00:00".to_owned();
    let quiet = notify::quiet::Quiet { from: midnight(), to: midnight() };
    let mut rules = notify::rules::Rules { per_day: 100, quiet, ..Default::default() };
    for rule in &mut rules.rules {
        rule.delay_minutes = 0;
    }
    let now = state.now();
    state.db().write(move |db| crate::messages::rules::put(db, STORE, &rules, now)).await
}

impl World {
    fn orders(&self) -> Vec<Placed> {
        self.0.orders.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    fn note(&self, number: &str, shows: &str, id: u64) -> Placed {
        let token = token::mint(STORE, &id.to_string(), chrono::Utc::now().timestamp() + 90 * 86_400, &self.0.secret);
        let placed = Placed { number: number.into(), shows: shows.into(), token };
        self.0.orders.lock().unwrap_or_else(|e| e.into_inner()).push(placed.clone());
        placed
    }

    /// The next number that the store gives.
    fn next_number(&self) -> u32 {
        let mut count = self.0.count.lock().unwrap_or_else(|e| e.into_inner());
        *count += 1;
        *count
    }

    /// Waits, as long as the demo's speed says.
    async fn pause(&self, seconds: f64) {
        tokio::time::sleep(std::time::Duration::from_secs_f64(seconds / self.0.speed)).await;
    }

    /// Sends a webhook as the source would, signed.
    async fn send(&self, source: &str, topic: &str, body: &Value) -> Result<()> {
        let bytes = serde_json::to_vec(body)?;
        let now = chrono::Utc::now().timestamp();
        let id = secret()?;
        let headers = sign(source, &self.0.secret, &id, now, &bytes).context("a source that can be signed for")?;
        let mut request = self.0.client.post(format!("{}/v1/webhooks/{STORE}/{source}", self.0.api)).body(bytes);
        request = request.header("content-type", "application/json");
        if source == "shopify" {
            request = request.header("x-shopify-topic", topic);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await?;
        ensure!(answer.status().is_success(), "{source} {topic}: {}", answer.text().await.unwrap_or_default());
        Ok(())
    }
}
