//! `whereabouts doctor`: looks at everything that an installation needs, and says how to mend what is wrong.

use std::{path::Path, time::Duration};

use promise::Instant;
use rusqlite::{Connection, OpenFlags};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::beside;
use crate::{config::Config, outbound, poll::clients, routes, state::compressed_brotli, store};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Fine,
    /// Not looked at, and why.
    Skipped,
    /// It works; it should be otherwise.
    Warning,
    /// It does not work, or won't for long.
    Wrong,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    pub what: String,
    pub verdict: Verdict,
    pub says: String,
    /// How to mend it; empty where there is nothing to mend.
    pub mend: String,
}

#[derive(Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    fn add(&mut self, what: &str, verdict: Verdict, says: impl Into<String>, mend: impl Into<String>) {
        self.0.push(Finding { what: what.into(), verdict, says: says.into(), mend: mend.into() });
    }

    fn fine(&mut self, what: &str, says: impl Into<String>) {
        self.add(what, Verdict::Fine, says, "");
    }

    fn warn(&mut self, what: &str, says: impl Into<String>, mend: impl Into<String>) {
        self.add(what, Verdict::Warning, says, mend);
    }

    fn wrong(&mut self, what: &str, says: impl Into<String>, mend: impl Into<String>) {
        self.add(what, Verdict::Wrong, says, mend);
    }

    pub fn worst(&self) -> Verdict {
        self.0.iter().map(|f| f.verdict).max().unwrap_or(Verdict::Fine)
    }
}

/// How long anything outside may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
const MEGABYTE: u64 = 1 << 20;

/// Looks at all of it. `now` is the server's clock; without `network` nothing outside this machine is asked.
pub async fn examine(config: &Config, now: i64, network: bool) -> Findings {
    let mut found = Findings::default();
    settings(config, &mut found);
    database(&config.database, now, &mut found);
    assets(&mut found);
    if network {
        outside(config, now, &mut found).await;
    } else {
        found.add("network", Verdict::Skipped, "nothing outside was asked (--offline)", "");
    }
    found
}

fn settings(config: &Config, found: &mut Findings) {
    let loopback = |host: &str| host == "localhost" || host.starts_with("127.") || host == "[::1]";
    match reqwest::Url::parse(&config.public_url) {
        Err(e) => found.wrong(
            "public_url",
            format!("{} is no address: {e}", config.public_url),
            "write https:// and the name that shoppers reach the server by",
        ),
        Ok(url) if loopback(url.host_str().unwrap_or_default()) => found.warn(
            "public_url",
            format!("{} is this machine alone", config.public_url),
            "set public_url to the address that shoppers reach the server by: links in messages are made of it",
        ),
        Ok(url) if url.scheme() != "https" => found.wrong(
            "public_url",
            format!("{} is not encrypted: shops served over https can't load the widget from it", config.public_url),
            "put a reverse proxy with TLS in front, and write https:// here",
        ),
        Ok(_) => found.fine("public_url", config.public_url.clone()),
    }
    match (config.listen.ip().is_loopback(), config.limits.proxies) {
        (false, 0) => found.warn(
            "listen",
            format!("{} is open to the network, without TLS, and limits count by the peer's own address", config.listen),
            "listen on 127.0.0.1 behind a reverse proxy, and set limits.proxies = 1",
        ),
        (true, 0) if !config.public_url.contains("127.0.0.1") => found.warn(
            "limits.proxies",
            "no proxy is believed: all shoppers share one limit for look-ups, the proxy's",
            "set limits.proxies = 1, if one reverse proxy is in front",
        ),
        _ => found.fine("listen", config.listen.to_string()),
    }
    if config.limits.internal_targets {
        found.warn(
            "limits.internal_targets",
            "webhooks may go to private addresses",
            "set it to false, but for trials on one machine",
        );
    }
    if config.stores.is_empty() {
        found.warn("stores", "the configuration file has none", "add a [[stores]] section, or make a store in the console");
    }
    for store in &config.stores {
        let name = format!("store {}", store.id);
        match () {
            () if store.webhook_secrets.is_empty() => found.warn(
                &name,
                "no webhook is accepted: it has no webhook_secrets",
                "add the secret of the shop platform, and of the carrier or aggregator, under [stores.webhook_secrets]",
            ),
            () if store.url.is_none() => found.warn(&name, "its url is not set", "set url: pages and messages link to it"),
            () => found.fine(
                &name,
                format!(
                    "{} sources, {} webhooks, {} carriers",
                    store.webhook_secrets.len(),
                    store.outbound.len(),
                    store.carriers.len()
                ),
            ),
        }
    }
}

/// Every page of a store loads its promise document: it should stay small.
fn documents(db: &Connection, now: i64, found: &mut Findings) {
    const LARGE: usize = 8192;
    let stores = || -> anyhow::Result<Vec<String>> {
        let mut rows = db.prepare("select distinct store from policies order by store")?;
        let rows = rows.query_map([], |r| r.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    // A database of an older version is upgraded first.
    for id in stores().unwrap_or_default() {
        let Ok(Some(policy)) = store::learned::in_force(db, &id, Instant(now)) else { continue };
        let json = serde_json::to_vec(&policy.document(Instant(now))).unwrap_or_default();
        let Ok(small) = compressed_brotli(&json) else { continue };
        let says = format!("{id}: {} bytes, {} as they are sent", json.len(), small.len());
        match small.len() {
            ..LARGE => found.fine("promise document", says),
            _ => {
                found.warn("promise document", says, "every page loads it: fewer items of their own, wider zones, fewer notices")
            }
        }
    }
}

fn database(path: &Path, now: i64, found: &mut Findings) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        found.wrong(
            "database folder",
            format!("{} does not exist", folder.display()),
            format!("make it: mkdir -p {}", folder.display()),
        );
        return;
    }
    match tempfile::tempfile_in(folder) {
        Ok(_) => found.fine("database folder", folder.display().to_string()),
        Err(e) => found.wrong(
            "database folder",
            format!("{} can't be written to: {e}", folder.display()),
            format!("let the server's user own it: chown {}", folder.display()),
        ),
    }
    if let Ok(space) = rustix::fs::statvfs(folder) {
        let free = space.f_bavail * space.f_frsize / MEGABYTE;
        let size = std::fs::metadata(path).map_or(0, |m| m.len()) / MEGABYTE;
        let says = format!("{free} MB free, the database has {size} MB");
        match free {
            ..200 => found.wrong(
                "disk",
                says,
                "free some space: on a full disk webhooks are refused, and senders try again for a day or two only",
            ),
            _ if free < 2 * size => {
                found.warn("disk", says, "make room: a backup and an upgrade need as much as the database has")
            }
            _ => found.fine("disk", says),
        }
    }
    if !path.exists() {
        found.warn("database", format!("{} does not exist yet", path.display()), "it is made at the first start");
        return;
    }
    let modified = std::fs::metadata(path).and_then(|m| m.modified()).ok();
    let modified = modified.and_then(|m| m.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |d| d.as_secs());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mend = "stop the server; put a backup back with `whereabouts restore`, or, without one, recover what can be read with sqlite3's .recover";
    let opened = Connection::open_with_flags(path, flags).and_then(|db| {
        db.busy_timeout(PATIENCE)?;
        let schema: u32 = db.query_row("pragma user_version", [], |r| r.get(0))?;
        Ok((db, schema))
    });
    let (db, schema) = match opened {
        Ok(opened) => opened,
        Err(e) => return found.wrong("database", format!("{} can't be read: {e}", path.display()), mend),
    };
    match (schema, store::schema()) {
        (0, _) => return found.wrong("schema", "this is no database of Whereabouts", "set database to the right file"),
        (is, knows) if is > knows => {
            return found.wrong(
                "schema",
                format!("schema {is}, this version knows {knows}"),
                "it was made by a newer version: use that one, or put an older backup back",
            );
        }
        (is, knows) if is < knows => {
            found.warn("schema", format!("schema {is} of {knows}"), "it is upgraded at the next start: make a backup before")
        }
        (is, _) => found.fine("schema", format!("schema {is}")),
    }
    match db.query_row("pragma quick_check(1)", [], |r| r.get::<_, String>(0)) {
        Ok(said) if said == "ok" => found.fine("integrity", "the database is whole"),
        Ok(said) => found.wrong("integrity", said, mend),
        Err(e) => found.wrong("integrity", e.to_string(), mend),
    }
    documents(&db, now, found);
    let log = std::fs::metadata(beside(path, "-wal")).map_or(0, |m| m.len()) / MEGABYTE;
    match log {
        ..256 => found.fine("write-ahead log", format!("{log} MB")),
        _ => found.warn(
            "write-ahead log",
            format!("{log} MB"),
            "something reads without end: restart the server; see that no tool keeps the database open",
        ),
    }
    let number = |sql: &str| db.query_row(sql, [], |r| r.get::<_, Option<i64>>(0)).ok().flatten();
    let running = super::lock(path).is_err();
    found.fine("server", if running { "running" } else { "not running" });
    let waiting = number("select count(*) from events where id > (select projected from progress)").unwrap_or(0);
    match waiting {
        0..1000 => found.fine("events", format!("{waiting} wait to be read")),
        _ if running => found.warn(
            "events",
            format!("{waiting} wait to be read"),
            "more come than can be read, or reading fails: see the log",
        ),
        _ => found.warn("events", format!("{waiting} wait to be read"), "start the server: it reads them first"),
    }
    let aside = number("select count(*) from events where state = 2").unwrap_or(0);
    match aside {
        0 => found.fine("set aside", "no event is set aside"),
        n => found.warn(
            "set aside",
            format!("{n} events could not be read"),
            "look at them: GET /v1/admin/stores/{store}/problems; read them again once they can be: POST …/events/replay",
        ),
    }
    let newest = number("select max(received_at) from events").unwrap_or(0);
    match () {
        () if newest > now + 60 => found.wrong(
            "clock",
            format!("the newest event came {} minutes in the future", (newest - now) / 60),
            "the clock was set back: set it right (timedatectl set-ntp true), since windows and tokens depend on it",
        ),
        () if modified > now.unsigned_abs() + 60 => {
            found.wrong("clock", "the database was written in the future", "set the clock right: timedatectl set-ntp true")
        }
        () => found.fine("clock", "no file and no event is in the future"),
    }
    let given_up = number("select count(*) from outbox where due_at is null and sent_at is null").unwrap_or(0);
    if given_up > 0 {
        found.warn(
            "webhooks",
            format!("{given_up} could not be delivered and were given up"),
            "see why: GET /v1/admin/stores/{store}/outbox?dead=true; send them again with POST …/outbox/{id}/replay",
        );
    }
    let unsent =
        number("select count(*) from messages where state = 'failed' and made_at > unixepoch() - 7 * 86400").unwrap_or(0);
    if unsent > 0 {
        found.warn(
            "messages",
            format!("{unsent} of the last week could not be sent and were given up"),
            "see why in the console under Messages, or GET /v1/admin/stores/{store}/messages?state=failed; send them again there",
        );
    }
    push_key(&db, found);
    let mut failing = db
        .prepare("select store, poller, failures, coalesce(error, '') from pollers where failures > 0 order by store, poller")
        .and_then(|mut rows| {
            let rows = rows.query_map([], |r| {
                Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?, r.get::<_, i64>(2)?, r.get::<_, String>(3)?))
            })?;
            rows.collect::<Result<Vec<_>, _>>()
        })
        .unwrap_or_default();
    for (store, poller, failures, error) in failing.drain(..) {
        found.warn(
            &format!("carrier {poller} of {store}"),
            format!("{failures} failures in a row: {error}"),
            format!("compare client_id and client_secret in [stores.carriers.{poller}] with the carrier's developer pages"),
        );
    }
}

/// The key that messages to browsers are signed with: browsers remember it, so a new one means that all of them must be asked again.
fn push_key(db: &Connection, found: &mut Findings) {
    let key: Option<Vec<u8>> = db.query_row("select secret from push_keys where one = 1", [], |r| r.get(0)).ok();
    let browsers: i64 = db.query_row("select count(*) from subscriptions", [], |r| r.get(0)).unwrap_or(0);
    let mend =
        "restore the table push_keys from a backup; else empty it and the table subscriptions: browsers are then asked again";
    match key {
        Some(key) if crate::push::is_key(&key) => found.fine("push key", format!("it can be read; {browsers} browsers are told")),
        Some(_) => found.wrong("push key", "the key that messages to browsers are signed with is damaged", mend),
        None if browsers > 0 => {
            found.wrong("push key", format!("{browsers} browsers want to be told, and the key that signs is gone"), mend)
        }
        None => found.fine("push key", "it is made when the first browser asks"),
    }
}

fn assets(found: &mut Findings) {
    let missing = routes::assets_missing();
    match missing.as_slice() {
        [] => found.fine("widget", "the loader and all that it loads are in the binary"),
        names => found.wrong(
            "widget",
            format!("missing in the binary: {}", names.join(", ")),
            "build with ./build.sh build: the widget is built before the binary",
        ),
    }
}

async fn outside(config: &Config, now: i64, found: &mut Findings) {
    outbound::crypto();
    let client = match reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::limited(3)).build() {
        Ok(client) => client,
        Err(e) => return found.wrong("network", e.to_string(), "see that the system's certificates are installed"),
    };
    let health = format!("{}/healthz", config.public_url.trim_end_matches('/'));
    match client.get(&health).send().await {
        Ok(answer) if answer.status().is_success() => {
            date("public_url", &answer, now, found);
            found.fine("public address", format!("{health} answers"));
        }
        Ok(answer) => found.wrong(
            "public address",
            format!("{health} answers {}", answer.status()),
            "let the reverse proxy pass all paths to the server",
        ),
        Err(e) => found.warn(
            "public address",
            format!("{health}: {}", cause(&e)),
            "start the server; check DNS, the reverse proxy and its certificate",
        ),
    }
    mail(config, found).await;
    for store in &config.stores {
        if let Some(url) = &store.url {
            match client.head(url).send().await {
                Ok(answer) => date(&format!("clock, by {url}"), &answer, now, found),
                Err(e) => {
                    found.warn(&format!("store {}", store.id), format!("{url}: {}", cause(&e)), "check the address of the shop")
                }
            }
        }
        for endpoint in &store.outbound {
            let name = format!("webhook of {}", store.id);
            let host = reqwest::Url::parse(&endpoint.url).ok().and_then(|u| u.host_str().map(str::to_owned)).unwrap_or_default();
            match outbound::client(config.limits.internal_targets).map(|c| c.head(&endpoint.url).timeout(PATIENCE)) {
                Ok(request) => match request.send().await {
                    // Any answer will do: HEAD may not be allowed.
                    Ok(_) => found.fine(&name, format!("{host} answers")),
                    Err(e) => found.warn(
                        &name,
                        format!("{host}: {}", cause(&e)),
                        "check the address and its certificate; addresses inside need limits.internal_targets",
                    ),
                },
                Err(e) => found.wrong(&name, e.to_string(), "see that the system's certificates are installed"),
            }
        }
        for (carrier, account) in &store.carriers {
            let name = format!("carrier {carrier} of {}", store.id);
            let url = account.url.clone().or_else(|| clients::by_name(carrier).map(|c| c.url.to_owned())).unwrap_or_default();
            match client.head(&url).send().await {
                Ok(_) => found.fine(&name, format!("{url} answers")),
                Err(e) => found.warn(
                    &name,
                    format!("{url}: {}", cause(&e)),
                    "allow the server to reach it: a firewall or a proxy may be between",
                ),
            }
        }
    }
}

/// A clock that is off breaks tokens and signatures.
fn date(what: &str, answer: &reqwest::Response, now: i64, found: &mut Findings) {
    let said = answer.headers().get("date").and_then(|d| httpdate::parse_http_date(d.to_str().ok()?).ok());
    let said = said.and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok()).and_then(|d| i64::try_from(d.as_secs()).ok());
    match said.map(|s| s - now) {
        None => {}
        Some(off) if off.abs() <= 10 => found.fine(what, "its clock and ours agree"),
        Some(off) => {
            let verdict = if off.abs() > 120 { Verdict::Wrong } else { Verdict::Warning };
            found.add(
                what,
                verdict,
                format!("its clock is {off} seconds ahead of ours"),
                "set this machine's clock: timedatectl set-ntp true; signed webhooks that are minutes old are refused",
            );
        }
    }
}

async fn mail(config: &Config, found: &mut Findings) {
    let mailer = match notify::transport::Mailer::new(config.mail.url.expose_secret()) {
        Ok(mailer) => mailer,
        Err(e) => return found.wrong("mail", e, "write mail.url as config.default.toml says"),
    };
    if mailer.is_off() {
        return found.warn(
            "mail",
            "no mail is sent: mail.url is empty",
            "set mail.url to the relay, if shoppers shall be told by mail",
        );
    }
    if config.mail.from.is_empty() && config.stores.iter().any(|s| s.mail_from.as_deref().unwrap_or_default().is_empty()) {
        found.wrong("mail.from", "mail has no sender", "set mail.from, or mail_from of each store");
    }
    match tokio::time::timeout(PATIENCE, mailer.check()).await {
        Ok(Ok(())) => found.fine("mail", "the relay answers and lets us in"),
        Ok(Err(e)) => found.wrong("mail", e, "check host, port, user and password in mail.url with the relay's own pages"),
        Err(_) => found.wrong(
            "mail",
            "the relay does not answer within five seconds",
            "check host and port in mail.url; many hosts block port 25: use 465 or 587",
        ),
    }
}

/// The last cause of an error says most.
fn cause(e: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = e;
    while let Some(next) = last.source() {
        last = next;
    }
    if e.is_timeout() { "no answer within five seconds".into() } else { last.to_string() }
}
