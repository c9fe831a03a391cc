//! Durably acknowledged webhooks, against bare group-committed SQLite inserts of the same bytes.
//!
//! Ours: 64 keep-alive connections, each of which sends its next signed event as soon as the last is answered 200: over loopback, HTTP,
//! signature, the event's id, and a row with a unique key that is on disk (WAL, `synchronous=FULL`) before the answer. The load client runs
//! on the same machine, and its work is in our figure.
//!
//! The reference: 64 writers in one process, each of which waits for its commit as a sender waits for its answer, and one thread that
//! commits whatever waits together: the same rows in the same table, which grows as ours does, the same durability, prepared statements;
//! no HTTP, no signature, no sender. It is what the disk and SQLite allow on this machine, not what another server would reach. Both run in turn, with nothing else
//! of ours running; medians of eleven rounds.

use std::{
    sync::{Arc, mpsc},
    time::Instant,
};

use anyhow::Result;
use bytes::Bytes;
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use crate::{Figure, http, median, server::Server};

const CONNECTIONS: usize = 64;
const EVENTS: usize = 6_000;
const ROUNDS: usize = 11;

pub async fn figure(server: &Server) -> Result<Figure> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (mut cpu, mut bare_cpu) = (Vec::new(), Vec::new());
    let bare = Bare::open()?;
    for round in 0..=ROUNDS {
        // Signed beforehand: the sender's work is not what is measured.
        let requests: Vec<Bytes> = (0..EVENTS).map(|n| server.signed("easypost", "", &event(round, n)).into()).collect();
        let began = (cpu_time(server.pid())?, cpu_time(std::process::id())?);
        let address = server.address;
        // From one thread: senders are other machines, and as little of this one as possible is theirs.
        let value = tokio::task::spawn_blocking(move || {
            let sender = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            sender.block_on(http::throughput(address, CONNECTIONS, EVENTS, 200, move |n| requests[n].clone()))
        })
        .await??;
        let took = (cpu_time(server.pid())? - began.0, cpu_time(std::process::id())? - began.1);
        // What has been acknowledged is projected in the background: let it finish, so that it does not load the next round.
        server.settled().await?;
        let began = cpu_time(std::process::id())?;
        let bare = bare.insert(round).await?;
        let bare_took = cpu_time(std::process::id())? - began;
        if round > 0 {
            ours.push(value);
            theirs.push(bare);
            cpu.push(took);
            bare_cpu.push(bare_took);
        }
    }
    let each = |seconds: f64| seconds * 1e6 / EVENTS as f64;
    eprintln!(
        "webhook_ack: processor time of each event: {:.0} µs ours, {:.0} µs the sender's; {:.0} µs the bare insert's",
        each(median(cpu.iter().map(|c| c.0).collect())),
        each(median(cpu.iter().map(|c| c.1).collect())),
        each(median(bare_cpu))
    );
    Ok(Figure {
        name: "webhook_ack",
        value: median(ours),
        reference: median(theirs),
        unit: "req/s",
        against: "bare group-committed SQLite inserts, as many writers waiting",
    })
}

/// A tracker event as EasyPost sends it, for one of a thousand parcels.
fn event(round: usize, n: usize) -> Vec<u8> {
    let parcel = n % 1000;
    let (hour, minute, second) = (n / 3600 % 24, n / 60 % 60, n % 60);
    format!(
        r#"{{"id":"evt_{round}_{n}","object":"Event","description":"tracker.updated","mode":"production","result":{{"id":"trk_{parcel}","object":"Tracker","tracking_code":"94001{parcel:017}","status":"in_transit","status_detail":"arrived_at_facility","carrier":"USPS","est_delivery_date":"2026-12-02T00:00:00Z","tracking_details":[{{"object":"TrackingDetail","message":"Arrived at USPS Regional Facility","status":"in_transit","status_detail":"arrived_at_facility","datetime":"2026-11-{:02}T{hour:02}:{minute:02}:{second:02}Z","source":"USPS","tracking_location":{{"city":"MEMPHIS","state":"TN","country":"US","zip":"38101"}}}}]}}}}"#,
        round + 1
    )
    .into_bytes()
}

/// Processor time that a process has used, in seconds.
fn cpu_time(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|f| f.parse::<f64>().ok()).unwrap_or_default();
    // In hundredths of a second, which is what Linux shows everywhere.
    Ok((ticks(11) + ticks(12)) / 100.0)
}

type Row = (String, Bytes, oneshot::Sender<()>);

/// The table that events are kept in, and one thread that commits whatever waits together: WAL, `synchronous=FULL`.
struct Bare {
    queue: mpsc::Sender<Row>,
    _dir: tempfile::TempDir,
}

impl Bare {
    fn open() -> Result<Bare> {
        let dir = tempfile::tempdir_in(crate::server::disk())?;
        let mut db = Connection::open(dir.path().join("bare.sqlite"))?;
        db.execute_batch(
            "pragma journal_mode = wal; pragma synchronous = full;
             create table events (id integer primary key, store text not null, source text not null, topic text, event_id text not null,
                 received_at integer not null, body blob not null, state integer not null default 0, unique (store, source, event_id)) strict;",
        )?;
        let (queue, waiting) = mpsc::channel::<Row>();
        std::thread::spawn(move || -> Result<()> {
            while let Ok(first) = waiting.recv() {
                let group: Vec<_> = std::iter::once(first).chain(waiting.try_iter().take(CONNECTIONS)).collect();
                let tx = db.transaction()?;
                {
                    let mut insert = tx.prepare_cached(
                        "insert or ignore into events (store, source, topic, event_id, received_at, body) values (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?;
                    for (id, body, _) in &group {
                        insert.execute(params!["bench", "easypost", "tracker.updated", id, 1_764_000_000, &body[..]])?;
                    }
                }
                tx.commit()?;
                for (_, _, done) in group {
                    let _ = done.send(());
                }
            }
            Ok(())
        });
        Ok(Bare { queue, _dir: dir })
    }

    /// Inserts a round of events, by as many writers as there are senders. Inserts per second.
    async fn insert(&self, round: usize) -> Result<f64> {
        let bodies: Vec<Bytes> = (0..EVENTS).map(|n| event(round, n).into()).collect();
        let bodies = Arc::new(bodies);
        let started = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for lane in 0..CONNECTIONS {
            let (queue, bodies) = (self.queue.clone(), bodies.clone());
            tasks.spawn(async move {
                for n in (lane..EVENTS).step_by(CONNECTIONS) {
                    let (done, answer) = oneshot::channel();
                    queue.send((format!("evt_{round}_{n}"), bodies[n].clone(), done))?;
                    answer.await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(EVENTS as f64 / started.elapsed().as_secs_f64())
    }
}
