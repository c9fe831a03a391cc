//! The binary under measurement, as a process of its own, with one store and one order.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::http;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub store: &'static str,
    _dir: tempfile::TempDir,
}

/// Where databases lie while they are measured: on the disk that the build lies on, not in memory.
pub fn disk() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target")
}

fn mac(text: &[u8]) -> Vec<u8> {
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(SECRET.as_bytes()).unwrap_or_else(|_| unreachable!("any length will do"));
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The binary that is measured.
pub fn binary() -> Result<PathBuf> {
    let binary = root().join("target/release/whereabouts");
    ensure!(binary.exists(), "{} is not built: run ./build.sh build", binary.display());
    Ok(binary)
}

/// Writes a configuration with one store, whose database has this name in the same folder.
pub fn configure(dir: &Path, database: &str) -> Result<PathBuf> {
    let config = dir.join("whereabouts.toml");
    std::fs::write(
        &config,
        format!(
            "listen = \"127.0.0.1:0\"\ndatabase = {:?}\n[log]\nfilter = \"warn\"\n[[stores]]\nid = \"bench\"\nname = \"Bench\"\npolicy = {:?}\n\
             admin_keys = [{SECRET:?}]\ntoken_secrets = [{SECRET:?}]\nlookup_secret = {SECRET:?}\n\
             webhook_secrets = {{ shopify = [{SECRET:?}], easypost = [{SECRET:?}] }}\n",
            dir.join(format!("{database}.sqlite")),
            root().join("crates/api/src/demo/policy.json"),
        ),
    )?;
    Ok(config)
}

impl Server {
    pub async fn start() -> Result<Server> {
        let dir = tempfile::tempdir_in(disk())?;
        let config = configure(dir.path(), "bench")?;
        let binary = binary()?;
        let mut child = Command::new(binary).arg("serve").arg("--config").arg(&config).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line).context("the server did not say its address")?;
        let address = said["listen"].as_str().unwrap_or_default().trim_start_matches("http://").parse()?;
        let server = Server { child, address, store: "bench", _dir: dir };
        server.place_order().await?;
        Ok(server)
    }

    /// The order that is read.
    async fn place_order(&self) -> Result<()> {
        self.place(1001, "1Z5R89390357567127").await?;
        self.settled().await
    }

    /// One order with a parcel of eight scans.
    pub async fn place(&self, id: u32, number: &str) -> Result<()> {
        let item = json!({"id": 7, "sku": "MUG-1", "title": "Stoneware mug", "quantity": 2, "requires_shipping": true});
        let order = json!({"id": id, "name": format!("#{id}"), "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:00Z", "currency": "USD",
            "shipping_lines": [{"code": "Standard"}], "shipping_address": {"city": "San Francisco", "province_code": "CA", "zip": "94103", "country_code": "US"},
            "line_items": [item]});
        let fulfillment = json!({"id": id + 1_000_000, "order_id": id, "status": "success", "created_at": "2026-11-20T12:00:00Z", "updated_at": "2026-11-20T12:00:00Z",
            "tracking_company": "UPS", "tracking_numbers": [number], "line_items": [item]});
        let scans: Vec<Value> = (0..8)
            .map(|n| json!({"datetime": format!("2026-11-21T{:02}:00:00Z", n + 1), "status": "in_transit", "message": format!("Scan {n}"),
                "tracking_location": {"city": "Memphis", "state": "TN", "country": "US"}}))
            .collect();
        let tracker = json!({"id": format!("evt_first_{id}"), "object": "Event", "result": {"tracking_code": number, "carrier": "UPS", "status": "in_transit",
            "tracking_details": scans}});
        let mut connection = http::Connection::open(self.address).await?;
        for (source, topic, body) in
            [("shopify", "orders/create", order), ("shopify", "fulfillments/create", fulfillment), ("easypost", "", tracker)]
        {
            let answer = connection.send(&self.signed(source, topic, &serde_json::to_vec(&body)?)).await?;
            ensure!(answer.status == 200, "{source} {topic}: {}", String::from_utf8_lossy(&answer.body));
        }
        Ok(())
    }

    /// A webhook, signed as its source does.
    pub fn signed(&self, source: &str, topic: &str, body: &[u8]) -> Vec<u8> {
        let signature = match source {
            "shopify" => ("x-shopify-hmac-sha256", BASE64.encode(mac(body))),
            _ => ("x-hmac-signature", format!("hmac-sha256-hex={}", hex::encode(mac(body)))),
        };
        let head = [("content-type", "application/json"), ("x-shopify-topic", topic), (signature.0, &signature.1)];
        http::post(&format!("/v1/webhooks/{}/{source}", self.store), &head, body)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The path of an order's document.
    pub fn path_of(id: u32) -> String {
        let signed = format!("v1.bench.{}.4000000000", URL_SAFE_NO_PAD.encode(id.to_string()));
        format!("/v1/orders/{signed}.{}", hex::encode(mac(signed.as_bytes())))
    }

    /// Waits until everything that was acknowledged is projected.
    pub async fn settled(&self) -> Result<()> {
        for _ in 0..3000 {
            let answer = http::Connection::open(self.address).await?.send(&http::get("/metrics", &[])).await?;
            if String::from_utf8_lossy(&answer.body).lines().any(|l| l == "events_waiting 0") {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("events still wait after five minutes")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
