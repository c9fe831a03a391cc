//! What every handler and job shares.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use axum::{body::Bytes, http::HeaderMap};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use promise::{Document, Instant, policy::Policy};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, watch};

use crate::{
    config::Config,
    console::passkeys::Asked,
    documents::Documents,
    insight::looks::Looks,
    live::Hub,
    store::{Db, care, learned, orders::StoreInfo, outbox::Endpoint, policies, stores},
    words::{OwnTexts, Words},
};

/// A store's promise document, as it is served.
pub struct Published {
    /// Without quotes; a compressed form has its own, by an ending.
    pub etag: String,
    pub json: Bytes,
    pub brotli: Bytes,
    pub gzip: Bytes,
    pub document: Document,
    /// The zone that the store's staff live in: its first origin's.
    pub zone: chrono_tz::Tz,
    day: i64,
}

/// Look-ups that a store may have from everywhere, as a multiple of those of one address.
const STORE_LOOKUPS: std::num::NonZeroU32 = std::num::NonZeroU32::new(60).unwrap();

/// Reports, photos and answers about one order: more than a person sends.
const SENT_PER_MINUTE: std::num::NonZeroU32 = std::num::NonZeroU32::new(60).unwrap();

#[derive(Clone)]
pub struct AppState(Arc<Inner>);

struct Inner {
    /// As the file says.
    file: Config,
    /// The same with the stores and keys of the database.
    config: RwLock<Arc<Config>>,
    db: Db,
    live: Hub,
    documents: Documents,
    looks: Looks,
    work: Notify,
    outbound: Notify,
    messages: Notify,
    mailer: notify::transport::Mailer,
    push_key: tokio::sync::OnceCell<Arc<p256::ecdsa::SigningKey>>,
    /// Webhooks taken in this window of 25 milliseconds since the start, and in the one before.
    rush: Mutex<(u64, u32, u32)>,
    started: std::time::Instant,
    /// By how many seconds the clock is set ahead.
    ahead: AtomicI64,
    /// Work that comparing passwords has cost so far.
    hashing: AtomicU64,
    published: Mutex<HashMap<String, Arc<Published>>>,
    /// Stores' own wording; nothing where a store has none.
    texts: Mutex<HashMap<String, Option<Arc<OwnTexts>>>>,
    stopping: watch::Sender<bool>,
    lookups: DefaultKeyedRateLimiter<String>,
    store_lookups: DefaultKeyedRateLimiter<String>,
    sign_ins: DefaultKeyedRateLimiter<String>,
    passkeys: Asked,
    /// Pages that the widget was seen on, and when that was written down last.
    seen: Mutex<HashMap<(String, String), Instant>>,
    /// What shoppers send about an order.
    sent: DefaultKeyedRateLimiter<String>,
}

impl AppState {
    /// Opens the database, and publishes the policy files of stores that have no policy yet.
    pub async fn start(config: Config) -> Result<AppState> {
        let db = Db::open(&config.database)?;
        for store in &config.stores {
            let Some(path) = &store.policy else { continue };
            let text = std::fs::read_to_string(path).with_context(|| format!("policy of {}: {}", store.id, path.display()))?;
            let policy: Policy =
                serde_json::from_str(&text).with_context(|| format!("policy of {}: {}", store.id, path.display()))?;
            if let Some(wrong) = policy.validate().first() {
                anyhow::bail!("policy of {}: {}: {wrong}", store.id, path.display());
            }
            let id = store.id.clone();
            db.write(move |db| match policies::at(db, &id, Instant(0))? {
                Some(_) => Ok(0),
                None => policies::publish(db, &id, &policy, Instant(0)),
            })
            .await?;
        }
        let mailer =
            notify::transport::Mailer::new(config.mail.url.expose_secret()).map_err(|e| anyhow::anyhow!("mail.url: {e}"))?;
        // Mail over TLS needs it as web requests do.
        crate::outbound::crypto();
        let (per_minute, sign_ins) = (config.limits.lookups_per_minute, config.limits.sign_ins_per_minute);
        let file = config.clone();
        let config = RwLock::new(Arc::new(db.read(move |db| stores::complete(db, &config)).await?));
        Ok(AppState(Arc::new(Inner {
            file,
            config,
            db,
            live: Hub::default(),
            documents: Documents::default(),
            looks: Looks::default(),
            work: Notify::new(),
            outbound: Notify::new(),
            messages: Notify::new(),
            mailer,
            push_key: tokio::sync::OnceCell::new(),
            rush: Mutex::default(),
            started: std::time::Instant::now(),
            ahead: AtomicI64::new(0),
            hashing: AtomicU64::new(0),
            published: Mutex::default(),
            texts: Mutex::default(),
            stopping: watch::channel(false).0,
            lookups: RateLimiter::keyed(Quota::per_minute(per_minute)),
            store_lookups: RateLimiter::keyed(Quota::per_minute(per_minute.saturating_mul(STORE_LOOKUPS))),
            sign_ins: RateLimiter::keyed(Quota::per_minute(sign_ins)),
            passkeys: Asked::default(),
            seen: Mutex::default(),
            sent: RateLimiter::keyed(Quota::per_minute(SENT_PER_MINUTE)),
        })))
    }

    /// The configuration, with the stores and keys that were made in the console. Stays as it is for who holds it.
    pub fn config(&self) -> Arc<Config> {
        self.0.config.read().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// As the file says, without what was made in the console.
    pub fn file(&self) -> &Config {
        &self.0.file
    }

    /// Stores, keys or endpoints changed in the database.
    pub async fn reload_stores(&self) -> Result<()> {
        let file = self.0.file.clone();
        let config = self.db().read(move |db| stores::complete(db, &file)).await?;
        *self.0.config.write().unwrap_or_else(|e| e.into_inner()) = Arc::new(config);
        Ok(())
    }

    pub fn db(&self) -> &Db {
        &self.0.db
    }

    pub fn live(&self) -> &Hub {
        &self.0.live
    }

    pub fn documents(&self) -> &Documents {
        &self.0.documents
    }

    pub fn looks(&self) -> &Looks {
        &self.0.looks
    }

    /// An order has a new version, committed: whoever watches or asks gets it.
    pub fn changed(&self, store: &str, order: &str, version: u64) {
        self.0.documents.changed(store, order);
        self.0.live.publish(store, order, version);
        self.wake_messages();
    }

    pub fn now(&self) -> Instant {
        Instant(self.now_ms().div_euclid(1000))
    }

    pub fn now_ms(&self) -> i64 {
        chrono::Utc::now().timestamp_millis() + self.0.ahead.load(Relaxed) * 1000
    }

    /// Sets the clock ahead, or back: for tests, which live through days and say the same on every day of the year.
    pub fn set_clock_ahead(&self, seconds: i64) {
        self.0.ahead.fetch_add(seconds, Relaxed);
    }

    fn window(&self, add: u32) -> u32 {
        let now = self.0.started.elapsed().as_millis() as u64 / 25;
        let mut rush = self.0.rush.lock().unwrap_or_else(|e| e.into_inner());
        match now - rush.0 {
            0 => {}
            1 => *rush = (now, 0, rush.1),
            _ => *rush = (now, 0, 0),
        }
        rush.1 += add;
        rush.1.max(rush.2)
    }

    /// A webhook was taken.
    pub fn took(&self) {
        self.window(1);
    }

    /// Whether webhooks come faster than a thousand a second just now. Whole groups are answered at once, and a slow disk makes groups
    /// rare: so the windows are longer than its commits take.
    pub fn rushed(&self) -> bool {
        self.window(0) > 25
    }

    /// There is something to project.
    pub fn wake(&self) {
        self.0.work.notify_one();
    }

    pub async fn woken(&self) {
        self.0.work.notified().await;
    }

    /// There is something to send.
    pub fn wake_outbound(&self) {
        self.0.outbound.notify_one();
    }

    /// The key that messages to browsers are signed with, once it was asked for.
    pub fn push_key(&self) -> &tokio::sync::OnceCell<Arc<p256::ecdsa::SigningKey>> {
        &self.0.push_key
    }

    pub async fn outbound_woken(&self) {
        self.0.outbound.notified().await;
    }

    /// A message was written, committed.
    pub fn wake_messages(&self) {
        self.0.messages.notify_one();
    }

    pub async fn messages_woken(&self) {
        self.0.messages.notified().await;
    }

    pub fn mailer(&self) -> &notify::transport::Mailer {
        &self.0.mailer
    }

    pub fn stop(&self) {
        self.0.stopping.send_replace(true);
        self.0.live.close();
        self.wake();
    }

    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stopping.subscribe()
    }

    /// What a job with nothing to do does: waits until it is woken, its next moment has come or an hour is over. False: the server stops.
    pub async fn rest(&self, woken: impl Future<Output = ()>, now: Instant, next: Option<i64>) -> bool {
        let wait = next.map_or(3600, |at| (at - now.0).clamp(1, 3600));
        let mut stopping = self.stopping();
        tokio::select! {
            () = woken => true,
            () = tokio::time::sleep(Duration::from_secs(wait.unsigned_abs())) => true,
            _ = stopping.wait_for(|stop| *stop) => false,
        }
    }

    pub fn store_info(&self, id: &str) -> Option<StoreInfo> {
        let config = self.config();
        let s = config.store(id)?;
        Some(StoreInfo {
            id: s.id.clone(),
            name: s.name.clone(),
            url: s.url.clone(),
            support_url: s.support_url.clone(),
            lookup_secret: s.lookup_secret.expose_secret().to_owned(),
            outbound: s.outbound.iter().map(|o| Endpoint::of(&o.url, &o.events)).collect(),
            pollers: s.carriers.keys().cloned().collect(),
            channels: [("mail", !self.mailer().is_off()), ("sms", s.sms.is_some())]
                .iter()
                .filter(|c| c.1)
                .map(|c| c.0.to_owned())
                .collect(),
            accent: s.accent.clone(),
        })
    }

    /// Counts one try to look up an order of this number, from this address, with this word. False: too many of one of them, or of the
    /// store's as a whole.
    pub fn may_look_up(&self, store: &str, number: &str, word: &str, peer: &str) -> bool {
        if self.0.lookups.len() > 10_000 {
            self.0.lookups.retain_recent();
        }
        let free = |key: String| self.0.lookups.check_key(&key).is_ok();
        let by_order = free(format!("order {store} {number}"));
        let by_word = word.is_empty() || free(format!("word {store} {word}"));
        let by_peer = peer.is_empty() || free(format!("peer {peer}"));
        let by_store = self.0.store_lookups.check_key(&store.to_owned()).is_ok();
        by_order && by_word && by_peer && by_store
    }

    /// A password is compared, at this cost.
    pub fn hashed(&self, work: u64) {
        self.0.hashing.fetch_add(work, Relaxed);
    }

    /// What comparing passwords has cost: who signs in must not be able to tell who is known by how long it takes.
    pub fn hashing(&self) -> u64 {
        self.0.hashing.load(Relaxed)
    }

    /// Questions to authenticators that wait for their answers.
    pub fn passkeys(&self) -> &Asked {
        &self.0.passkeys
    }

    /// Counts one step of signing in by passkey from this address: there is nothing to guess, so there may be more of them. False: too many.
    pub fn may_ask_passkey(&self, peer: &str) -> bool {
        peer.is_empty() || self.may_send(&format!("passkey {peer}"))
    }

    /// Counts one try to sign in with this key (an account, or a browser that is known) from this address. False: too many.
    pub fn may_sign_in(&self, key: &str, peer: &str) -> bool {
        if self.0.sign_ins.len() > 10_000 {
            self.0.sign_ins.retain_recent();
        }
        let by_key = self.0.sign_ins.check_key(&key.to_owned()).is_ok();
        let by_peer = peer.is_empty() || self.0.sign_ins.check_key(&format!("peer {peer}")).is_ok();
        by_key && by_peer
    }

    /// The widget asked for its document from a page of this origin: written down, now and then.
    pub fn saw(&self, store: &str, origin: &str) {
        const AGAIN: i64 = 60;
        const MOST: usize = 4096;
        if origin.len() > 200 {
            return;
        }
        let now = self.now();
        let mut seen = self.0.seen.lock().unwrap_or_else(|e| e.into_inner());
        let key = (store.to_owned(), origin.to_owned());
        if seen.get(&key).is_some_and(|at| now.0 - at.0 < AGAIN) {
            return;
        }
        if seen.len() >= MOST {
            seen.clear();
        }
        seen.insert(key, now);
        let (db, store, origin) = (self.db().clone(), store.to_owned(), origin.to_owned());
        tokio::spawn(async move {
            if let Err(e) = db.write(move |db| stores::note_seen(db, &store, &origin, now)).await {
                tracing::warn!(error = format!("{e:#}"), "where the widget was seen is not written down");
            }
        });
    }

    /// Counts one thing that is sent about an order. False: too many.
    pub fn may_send(&self, order: &str) -> bool {
        if self.0.sent.len() > 10_000 {
            self.0.sent.retain_recent();
        }
        self.0.sent.check_key(&order.to_owned()).is_ok()
    }

    /// Where the store lives: its first origin's zone, Greenwich's until a policy names one.
    pub async fn zone(&self, store: &str) -> Result<chrono_tz::Tz> {
        Ok(self.published(store).await?.map_or(chrono_tz::UTC, |p| p.zone))
    }

    /// The same without waiting, where it is in memory.
    pub fn zone_known(&self, store: &str) -> Option<chrono_tz::Tz> {
        self.0.published.lock().unwrap_or_else(|e| e.into_inner()).get(store).map(|p| p.zone)
    }

    /// The policy or its delays changed: the next question is answered from what is stored.
    pub fn forget_published(&self, store: &str) {
        self.0.published.lock().unwrap_or_else(|e| e.into_inner()).remove(store);
    }

    /// A store's care settings changed: its order pages, its promise document and its words are made of what is stored.
    pub fn settings_changed(&self, store: &str) {
        self.0.texts.lock().unwrap_or_else(|e| e.into_inner()).remove(store);
        self.documents().forget();
        self.forget_published(store);
    }

    /// A store's own wording, where it has one.
    pub async fn own_texts(&self, store: &str) -> Result<Option<Arc<OwnTexts>>> {
        if let Some(found) = self.0.texts.lock().unwrap_or_else(|e| e.into_inner()).get(store) {
            return Ok(found.clone());
        }
        let id = store.to_owned();
        let own = self.db().read(move |db| Ok(care::settings::of(db, &id)?.texts)).await?;
        let own = (!own.is_empty()).then(|| Arc::new(own));
        self.0.texts.lock().unwrap_or_else(|e| e.into_inner()).insert(store.to_owned(), own.clone());
        Ok(own)
    }

    /// The reader's words, as the store words them.
    pub async fn words(&self, store: &str, headers: &HeaderMap) -> Result<Arc<Words>> {
        let words = Words::accepted(headers);
        // Only of stores that there are: their number is bounded.
        if self.config().store(store).is_none() {
            return Ok(words);
        }
        Ok(words.with(self.own_texts(store).await?))
    }

    /// A store's promise document, made once a day and after each change. Absent: the store has no policy yet.
    pub async fn published(&self, store: &str) -> Result<Option<Arc<Published>>> {
        let now = self.now();
        let day = now.0.div_euclid(86_400);
        if let Some(found) = self.0.published.lock().unwrap_or_else(|e| e.into_inner()).get(store).filter(|p| p.day == day) {
            return Ok(Some(found.clone()));
        }
        let id = store.to_owned();
        let found = self.db().read(move |db| {
            let Some(policy) = learned::in_force(db, &id, now)? else { return Ok(None) };
            Ok(Some((policy, care::thefts::places(db, &id, now)?)))
        });
        let Some((policy, thefts)) = found.await? else { return Ok(None) };
        // Made for the day, not for the second: the same policy has the same ETag all day, on every server.
        let mut document = policy.document(Instant(day * 86_400));
        care::thefts::offer_safer(&mut document, thefts);
        let json = serde_json::to_vec(&document)?;
        let etag = hex::encode(&Sha256::digest(&json)[..12]);
        let (brotli, gzip) = (compressed_brotli(&json)?, compressed_gzip(&json)?);
        let zone = zone_of(&policy);
        let made = Arc::new(Published { etag, json: json.into(), brotli, gzip, document, zone, day });
        self.0.published.lock().unwrap_or_else(|e| e.into_inner()).insert(store.to_owned(), made.clone());
        Ok(Some(made))
    }
}

/// A store's own zone: where its first origin is.
pub fn zone_of(policy: &Policy) -> chrono_tz::Tz {
    policy.origins.first().and_then(|o| o.time_zone.parse().ok()).unwrap_or(chrono_tz::UTC)
}

pub(crate) fn compressed_brotli(bytes: &[u8]) -> Result<Bytes> {
    let mut out = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 9, ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut out, &parameters)?;
    Ok(out.into())
}

fn compressed_gzip(bytes: &[u8]) -> Result<Bytes> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, bytes)?;
    Ok(encoder.finish()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use promise::{learned::Learned, policy::Learning};
    use serde_json::{Value, json};

    /// Three origins, ten services, twelve zones and methods by each service; three delays.
    fn typical() -> Policy {
        let cities = [("Memphis", "America/Chicago"), ("Reno", "America/Los_Angeles"), ("Harrisburg", "America/New_York")];
        let services = [
            "ups_ground",
            "ups_2nd_day",
            "ups_next_day",
            "fedex_home",
            "fedex_express_saver",
            "fedex_overnight",
            "usps_ground",
            "usps_priority",
            "dhl_express",
            "ontrac_ground",
        ];
        let zones = [
            "005-069", "070-089", "100-149", "150-199", "200-268", "270-349", "350-427", "430-549", "550-699", "700-799",
            "800-899", "900-961",
        ];
        let week = json!({"mon": "14:00", "tue": "14:00", "wed": "14:00", "thu": "14:00", "fri": "13:00"});
        let origins: Vec<Value> = cities.iter().map(|(name, zone)| json!({"id": name.to_lowercase(), "name": name, "country": "US", "time_zone": zone, "holidays": ["US"], "cutoffs": week,
            "half_days": [{"date": "2026-12-24", "cutoff": "11:00"}], "handling": {"min": 0, "max": 1}})).collect();
        let known: Vec<Value> = services.iter().map(|s| json!({"id": s, "carrier": s.split('_').next(), "name": s.replace('_', " ").to_uppercase(), "holidays": ["US"]})).collect();
        let areas: Vec<Value> = zones.iter().enumerate().map(|(n, codes)| json!({"id": format!("zone_{n}"), "name": format!("Zone {n}"), "places": [{"country": "US", "postal_codes": [codes]}]})).collect();
        let mut transit = Vec::new();
        for (o, (origin, _)) in cities.iter().enumerate() {
            for (z, _) in zones.iter().enumerate() {
                let far = (z + 4 * o) % 12 / 3;
                transit.push(json!({"origin": origin.to_lowercase(), "service": "ups_ground", "zone": format!("zone_{z}"), "days": {"min": 1 + far, "max": 2 + far}}));
            }
        }
        transit.extend(
            services[1..]
                .iter()
                .enumerate()
                .map(|(n, s)| json!({"service": s, "days": {"min": 1 + n % 3, "max": 2 + n % 3 + n % 2}})),
        );
        let methods: Vec<Value> = services
            .iter()
            .enumerate()
            .map(|(n, s)| json!({"id": s, "name": s.replace('_', " "), "price": 495 + 300 * n, "services": [s]}))
            .collect();
        let delay = |id: &str, scope: Value, text: &str| {
            json!({"id": id, "scope": scope, "from": "2026-11-24T00:00:00Z", "until": "2026-12-05T00:00:00Z", "effect": {"min": 1, "max": 2}, "reason": "weather", "severity": 2,
            "message": {"en": text, "de": text, "fr": text}})
        };
        let delays = [
            delay("snow", json!({"origins": ["memphis"]}), "Snow in Memphis"),
            delay("peak", json!({"carriers": ["ups"]}), "Many parcels before the holidays"),
            delay("storm", json!({"zones": ["zone_2"]}), "A storm in the North East"),
        ];
        serde_json::from_value(json!({"version": 12, "currency": "USD", "confidence": 90, "origins": origins, "services": known, "zones": areas, "transit": transit, "methods": methods, "delays": delays})).unwrap()
    }

    #[test]
    fn a_typical_stores_promise_document_is_small() {
        let mut policy = typical();
        assert_eq!(policy.validate(), []);
        let now = Instant::parse("2026-11-25T00:00:00Z").unwrap();
        let size = |policy: &Policy| {
            let json = serde_json::to_vec(&policy.document(now)).unwrap();
            (json.len(), compressed_brotli(&json).unwrap().len())
        };
        let stated = size(&policy);
        // Every lane learned: each a distribution of its own.
        policy.learning = Learning::Apply;
        let way = |n: usize, origin: &str, service: &str, zone: &str| {
            let mut dice = n as u64;
            let weights = (0..4 + n % 9)
                .map(|_| {
                    dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (dice >> 40) as u32 % 60
                })
                .collect();
            promise::learned::Way { origin: origin.into(), service: service.into(), zone: zone.into(), parcels: 100, weights }
        };
        let mut learned = Learned::default();
        for (n, origin) in policy.origins.iter().enumerate() {
            learned.handling.push(way(n, &origin.id, "", ""));
            for (k, service) in policy.services.iter().enumerate() {
                learned.transit.extend(
                    policy.zones.iter().enumerate().map(|(z, zone)| way(n * 120 + k * 12 + z, &origin.id, &service.id, &zone.id)),
                );
            }
        }
        learned.fill(&mut policy);
        let full = size(&policy);
        println!(
            "as stated: {} bytes, {} with brotli; all 360 lanes learned: {} bytes, {} with brotli",
            stated.0, stated.1, full.0, full.1
        );
        assert!(stated.1 < 4096, "{stated:?}");
        assert!(full.1 < 8192, "{full:?}");
    }
}
