//! Live updates: what ten thousand open streams cost, and how soon a change reaches them.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};

use crate::{Figure, http, median, reads::Reference, server::Server};

/// Streams at once, over so many orders.
const STREAMS: usize = 10_000;
const ORDERS: usize = 200;
/// Webhooks a second, and for how long.
const RATE: usize = 200;
const SECONDS: usize = 10;

pub async fn figures(server: &Server) -> Result<Vec<Figure>> {
    let streams = room()?.min(STREAMS);
    if streams < STREAMS {
        eprintln!("live: {streams} streams, not {STREAMS}: the limit of open files (ulimit -n) is low");
    }
    for order in 0..ORDERS {
        server.place(2000 + order as u32, &number(order)).await?;
    }
    server.settled().await?;
    let reference = Reference::start(b"")?;
    let bare = memory_of_streams(reference.address, reference.pid(), streams, |_| "/live".into(), None).await?;
    drop(reference);
    let (heard, mut arrivals) = mpsc::unbounded_channel();
    let path = |n: usize| Server::path_of(2000 + (n % ORDERS) as u32) + "/live";
    let open = memory_of_streams(server.address, server.pid(), streams, path, Some(heard)).await?;
    // First documents have arrived with the connections.
    while arrivals.try_recv().is_ok() {}
    let sent = Arc::new(std::sync::Mutex::new(vec![None::<Instant>; ORDERS]));
    let times = sent.clone();
    let listener = tokio::spawn(async move {
        let mut delays = Vec::new();
        while let Some((order, at)) = arrivals.recv().await {
            let began: Option<Instant> = times.lock().unwrap_or_else(|e| e.into_inner())[order];
            if let Some(began) = began {
                delays.push(at.duration_since(began).as_secs_f64() * 1000.0);
            }
        }
        delays
    });
    let mut connection = http::Connection::open(server.address).await?;
    let mut tick = tokio::time::interval(Duration::from_micros(1_000_000 / RATE as u64));
    for n in 0..RATE * SECONDS {
        tick.tick().await;
        let order = n % ORDERS;
        let body = serde_json::to_vec(
            &json!({"id": format!("evt_live_{n}"), "object": "Event", "result": {"tracking_code": number(order), "carrier": "UPS",
            "status": "in_transit", "tracking_details": [{"datetime": format!("2026-11-22T{:02}:{:02}:{:02}Z", n / 3600 % 24, n / 60 % 60, n % 60), "status": "in_transit",
            "message": format!("Scan {n}")}]}}),
        )?;
        sent.lock().unwrap_or_else(|e| e.into_inner())[order] = Some(Instant::now());
        let answer = connection.send(&server.signed("easypost", "", &body)).await?;
        ensure!(answer.status == 200, "webhook: {}", String::from_utf8_lossy(&answer.body));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let each = open.each;
    drop(open);
    let mut delays = listener.await?;
    ensure!(delays.len() > RATE * SECONDS, "only {} changes arrived", delays.len());
    delays.sort_by(f64::total_cmp);
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize];
    eprintln!(
        "live: {} streams, {} arrivals of {} changes; median {:.1} ms, p99 {:.1} ms",
        streams,
        delays.len(),
        RATE * SECONDS,
        median(delays.clone()),
        at(0.99)
    );
    Ok(vec![
        Figure {
            name: "live_p99",
            value: at(0.99),
            reference: 200.0,
            unit: "ms",
            against: "the limit that we set ourselves, 200 ms",
        },
        Figure { name: "live_memory", value: each, reference: bare.each, unit: "B", against: "a bare axum stream" },
    ])
}

/// By how much memory may grow over a soak, once it is warm: what a machine's noise and a rounder of pages do.
const FLAT: f64 = 0.05;

/// Streams, webhooks and readers for some minutes: what the server's memory does. Prints a line every half minute and a verdict; memory
/// that is not flat is an error.
pub async fn soak(server: &Server, minutes: u64) -> Result<()> {
    for order in 0..ORDERS {
        server.place(2000 + order as u32, &number(order)).await?;
    }
    server.settled().await?;
    let path = |n: usize| Server::path_of(2000 + (n % ORDERS) as u32) + "/live";
    let streams = room()?.min(2000);
    let open = memory_of_streams(server.address, server.pid(), streams, path, None).await?;
    let (began, mut looked, mut said) = (Instant::now(), Instant::now(), 0);
    let mut samples = Vec::new();
    let mut connection = http::Connection::open(server.address).await?;
    let mut tick = tokio::time::interval(Duration::from_micros(1_000_000 / RATE as u64));
    let mut n = 0usize;
    while began.elapsed() < Duration::from_secs(minutes * 60) {
        tick.tick().await;
        let order = n % ORDERS;
        // The same few scans again under new ids: what is stored grows, what is known does not.
        let scan = n / ORDERS % 4;
        let body = serde_json::to_vec(
            &json!({"id": format!("evt_soak_{n}"), "object": "Event", "result": {"tracking_code": number(order), "carrier": "UPS",
            "status": "in_transit", "tracking_details": [{"datetime": format!("2026-11-22T0{scan}:00:00Z"), "status": "in_transit", "message": format!("Scan {scan}")}]}}),
        )?;
        ensure!(connection.send(&server.signed("easypost", "", &body)).await?.status == 200, "webhook {n}");
        connection.send(&http::get(&Server::path_of(2000 + order as u32), &[])).await?;
        n += 1;
        if looked.elapsed() > Duration::from_secs(2) {
            looked = Instant::now();
            let now = resident(server.pid())? / 1e6;
            samples.push(now);
            let seconds = began.elapsed().as_secs();
            if seconds / 30 > said {
                said = seconds / 30;
                println!("{seconds:>4} s  {n:>7} webhooks  {now:>7.1} MB");
            }
        }
    }
    drop(open);
    let growth = growth(&samples).context("too short: a soak takes a minute at least")?;
    println!(
        "{n} webhooks and as many reads with {streams} open streams, {minutes} minutes: memory {:+.1} % from the first third to the last, once warm",
        growth * 100.0
    );
    ensure!(growth < FLAT, "memory is not flat: it may grow by {:.0} %", FLAT * 100.0);
    println!("memory is flat");
    Ok(())
}

/// By how much the last third of the samples lies above the first, the first fifth left out: then caches are filled.
fn growth(samples: &[f64]) -> Option<f64> {
    let warm = &samples[samples.len() / 5..];
    let third = warm.len() / 3;
    (third >= 5).then(|| median(warm[warm.len() - third..].to_vec()) / median(warm[..third].to_vec()) - 1.0)
}

fn number(order: usize) -> String {
    format!("LIVE{order:06}")
}

/// How many sockets this process may open, with some to spare.
fn room() -> Result<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find(|l| l.starts_with("Max open files")).context("no limit of open files")?;
    Ok(line.split_whitespace().nth(3).and_then(|n| n.parse::<usize>().ok()).unwrap_or(1024).saturating_sub(200))
}

struct Open {
    /// Bytes of the server's memory for each.
    each: f64,
    streams: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.streams.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// Opens streams, and looks what they cost the server.
async fn memory_of_streams(
    to: SocketAddr,
    pid: u32,
    count: usize,
    path: impl Fn(usize) -> String,
    heard: Option<mpsc::UnboundedSender<(usize, Instant)>>,
) -> Result<Open> {
    let before = resident(pid)?;
    let (mut streams, opened) = (Vec::new(), Arc::new(AtomicU64::new(0)));
    for n in 0..count {
        let request = format!("GET {} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n", path(n));
        // Not all at once: the queue of connections that wait to be accepted is short.
        let mut stream = TcpStream::connect(to).await?;
        stream.write_all(request.as_bytes()).await?;
        let (heard, opened) = (heard.clone(), opened.clone());
        streams.push(tokio::spawn(async move {
            let mut buffer = vec![0; 1024];
            let mut first = true;
            let mut tail: Vec<u8> = Vec::new();
            while let Ok(read) = stream.read(&mut buffer).await {
                if read == 0 {
                    return;
                }
                if std::mem::take(&mut first) {
                    opened.fetch_add(1, Ordering::Relaxed);
                }
                let at = Instant::now();
                // An event's name may lie across two reads.
                tail.extend_from_slice(&buffer[..read]);
                let events = tail.windows(12).filter(|w| *w == b"event: order").count();
                tail = tail[tail.len().saturating_sub(11)..].to_vec();
                if let Some(heard) = &heard {
                    for _ in 0..events {
                        let _ = heard.send((n % ORDERS, at));
                    }
                }
            }
        }));
    }
    for _ in 0..600 {
        if opened.load(Ordering::Relaxed) as usize == count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let opened = opened.load(Ordering::Relaxed) as usize;
    ensure!(opened == count, "only {opened} of {count} streams opened");
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(Open { each: (resident(pid)? - before) / count as f64, streams })
}

fn resident(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|l| l.starts_with("VmRSS")).context("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).context("no figure")?.parse::<f64>()? * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_is_told_from_noise_and_from_caches_that_fill() {
        let samples = |mb: fn(usize) -> f64| (0..300).map(mb).collect::<Vec<_>>();
        let flat = samples(|n| if n < 40 { 60.0 + n as f64 / 2.0 } else { 80.0 + (n % 7) as f64 / 2.0 });
        assert!(growth(&flat).unwrap() < FLAT);
        // Fifty bytes for each of 120,000 webhooks.
        let leak = samples(|n| 80.0 + n as f64 * 400.0 * 50.0 / 1e6);
        assert!(growth(&leak).unwrap() > 0.03, "{:?}", growth(&leak));
        let worse = samples(|n| 80.0 + n as f64 * 400.0 * 100.0 / 1e6);
        assert!(growth(&worse).unwrap() > FLAT, "{:?}", growth(&worse));
        assert_eq!(growth(&[80.0; 10]), None);
    }
}
