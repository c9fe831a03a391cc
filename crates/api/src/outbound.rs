//! Sends outbound webhooks: signed, one try at a time, again after failures, never to an address inside.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::Result;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;
use tracking::signature;

use crate::{
    state::AppState,
    store::outbox::{self, Due, Endpoint},
};

/// Sent at the same time.
const AT_ONCE: usize = 16;
const TIMEOUT: Duration = Duration::from_secs(15);

/// Whether an address may be a target at all. What its name resolves to is looked at again before each connection.
pub fn allowed(url: &str, internal: bool) -> Result<Url, String> {
    let url = Url::parse(url).map_err(|e| format!("not an address: {e}"))?;
    if url.scheme() != "https" && !(internal && url.scheme() == "http") {
        return Err("use https".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("no user or password in the address: requests are signed".into());
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    match host.parse::<IpAddr>() {
        Ok(ip) if !internal && !is_public(ip) => Err(format!("{ip} is not a public address")),
        _ if host.is_empty() => Err("the address has no host".into()),
        _ if !internal && inside(&host) => Err(format!("{host} is not a public name")),
        _ => Ok(url),
    }
}

/// Names that are never public, whatever they resolve to (RFC 6761, RFC 6762, ICANN's `internal`); all others are looked at once they are
/// resolved.
fn inside(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    ["localhost", "local", "internal", "home.arpa"].iter().any(|name| host == *name || host.ends_with(&format!(".{name}")))
}

/// Addresses that anybody on the internet could reach; all others are refused (IANA's special-purpose registries).
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => public_v4(ip),
        IpAddr::V6(ip) => public_v6(ip),
    }
}

fn public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_broadcast()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a, b & 0xc0) == (100, 64)
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        || (a, b & 0xfe) == (198, 18))
}

fn public_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        public_v4(Ipv4Addr::new(a, b, c, d))
    };
    if let Some(v4) = ip.to_ipv4_mapped() {
        return public_v4(v4);
    }
    match s {
        // Addresses that carry one of IPv4: NAT64, 6to4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo and the other assignments of 2001::/23; documentation.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        // Global unicast is 2000::/3; loopback, unique local, link-local and multicast lie outside.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Resolves names, and refuses those that lead inside: the check and the connection see the same addresses.
struct Guard {
    internal: bool,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let internal = self.internal;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let kept: Vec<SocketAddr> = found.into_iter().filter(|a| internal || is_public(a.ip())).collect();
            if kept.is_empty() {
                return Err(format!("{} leads to no public address", name.as_str()).into());
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// Names the process's cryptography for TLS; every client needs that, also one that speaks to itself.
pub fn crypto() {
    // Already there where another client was made before.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client for addresses that others chose: follows no redirect, uses no proxy, connects to public addresses only.
pub fn client(internal: bool) -> Result<reqwest::Client> {
    crypto();
    Ok(reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(TIMEOUT)
        .connect_timeout(Duration::from_secs(5))
        .user_agent(concat!("whereabouts/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(Arc::new(Guard { internal }))
        .build()?)
}

/// Sends what is due, until the server stops. Running it twice sends twice: one server has one.
pub async fn run(state: AppState) -> Result<()> {
    let client = client(state.config().limits.internal_targets)?;
    loop {
        let now = state.now();
        let (list, next) = state.db().read(move |db| outbox::due(db, now, AT_ONCE)).await?;
        if list.is_empty() {
            if !state.rest(state.outbound_woken(), now, next).await {
                return Ok(());
            }
            continue;
        }
        let mut sending = JoinSet::new();
        for due in list {
            let (state, client) = (state.clone(), client.clone());
            sending.spawn(async move {
                let outcome = send(&state, &client, &due).await;
                metrics::counter!("outbound_webhooks_total", "outcome" => if outcome.is_ok() { "delivered" } else { "failed" })
                    .increment(1);
                if let Err(error) = &outcome {
                    tracing::warn!(
                        id = due.id,
                        store = due.store,
                        attempt = due.attempts + 1,
                        error,
                        "an outbound webhook was not delivered"
                    );
                }
                let (now, id) = (state.now(), due.id);
                // Spread, so that many which failed together don't come back together.
                let jitter = spread() * 0.2;
                state.db().write(move |db| outbox::tried(db, &id, outcome, now, jitter)).await
            });
        }
        while let Some(done) = sending.join_next().await {
            done??;
        }
    }
}

/// A number between 0 and 1, for waits that must not all end together.
pub fn spread() -> f64 {
    f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX)
}

async fn send(state: &AppState, client: &reqwest::Client, due: &Due) -> Result<(), String> {
    let config = state.config();
    let endpoint = config
        .store(&due.store)
        .and_then(|s| s.outbound.iter().find(|o| Endpoint::of(&o.url, &[]).id == due.endpoint))
        .ok_or("the endpoint is no longer configured")?;
    let url = allowed(&endpoint.url, config.limits.internal_targets)?;
    let signed = signature::sign("standard", endpoint.secret.expose_secret(), &due.id, state.now().0, due.body.as_bytes());
    let mut request = client.post(url).header("content-type", "application/json").body(due.body.clone());
    for (name, value) in signed.ok_or("the secret can't sign")? {
        request = request.header(name, value);
    }
    let answer = request.send().await.map_err(|e| format!("{:#}", anyhow::Error::from(e.without_url())))?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("answered {}", answer.status())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_are_no_targets() {
        for inside in [
            "https://127.0.0.1/",
            "https://10.1.2.3/",
            "https://169.254.169.254/latest",
            "https://192.168.0.1",
            "https://100.64.0.1/",
            "https://0.0.0.0",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:a00:1::]/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://198.18.0.1",
            "https://240.0.0.1",
            "https://224.0.0.1",
            "http://shop.example/",
            "ftp://shop.example/",
            "https://user:pw@shop.example/",
            "file:///etc/passwd",
            "shop.example",
            "",
        ] {
            assert!(allowed(inside, false).is_err(), "{inside}");
        }
        for public in ["https://shop.example/hook", "https://93.184.216.34/", "https://[2606:2800:220:1::1]/"] {
            assert!(allowed(public, false).is_ok(), "{public}");
        }
        assert!(allowed("http://127.0.0.1:9/", true).is_ok());
    }

    #[tokio::test]
    async fn names_that_lead_inside_are_refused_when_they_are_resolved() {
        let error = client(false).unwrap().get("https://localhost:9/").send().await.unwrap_err();
        assert!(format!("{:#}", anyhow::Error::from(error)).contains("no public address"));
    }
}
