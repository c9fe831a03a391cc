//! Durably acknowledged webhooks, against bare group-committed SQLite inserts of the same bytes.
//!
//! Ours: 64 keep-alive connections, each of which sends its next signed event as soon as the last is answered 200: over loopback, HTTP,
//! signature, the event's id, and a row with a unique key that is on disk (WAL, `synchronous=FULL`) before the answer. The load client runs
//! on the same machine, and its work is in our figure.
//!
//! The reference: 64 writers in one process, each of which waits for its commit as a sender waits for its answer, and one thread that
//! commits whatever waits together: the same bodies, the same durability, a unique key, prepared statements; no HTTP, no signature, no
//! sender. It is what the disk and SQLite allow on this machine, not what another server would reach. Both run in turn, with nothing else
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
    for round in 0..=ROUNDS {
        // Signed beforehand: the sender's work is not what is measured.
        let requests: Vec<Bytes> = (0..EVENTS).map(|n| server.signed("easypost", "", &event(round, n)).into()).collect();
        let value = http::throughput(server.address, CONNECTIONS, EVENTS, 200, move |n| requests[n].clone()).await?;
        // What has been acknowledged is projected in the background: let it finish, so that it does not load the next round.
        server.settled().await?;
        let bare = bare_inserts(round).await?;
        if round > 0 {
            ours.push(value);
            theirs.push(bare);
        }
    }
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

/// The same bodies, inserted by as many writers, each of which waits for its commit as a sender waits for its answer: into a table with
/// a unique key, WAL and `synchronous=FULL`, by one thread that commits whatever waits together. Inserts per second.
async fn bare_inserts(round: usize) -> Result<f64> {
    let dir = tempfile::tempdir_in(crate::server::disk())?;
    let mut db = Connection::open(dir.path().join("bare.sqlite"))?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    db.execute("create table events (id integer primary key, event_id text unique, body blob not null)", [])?;
    let (queue, waiting) = mpsc::channel::<(String, Vec<u8>, oneshot::Sender<()>)>();
    let writer = std::thread::spawn(move || -> Result<()> {
        while let Ok(first) = waiting.recv() {
            let group: Vec<_> = std::iter::once(first).chain(waiting.try_iter().take(CONNECTIONS)).collect();
            let tx = db.transaction()?;
            {
                let mut insert = tx.prepare_cached("insert into events (event_id, body) values (?1, ?2)")?;
                for (id, body, _) in &group {
                    insert.execute(params![id, body])?;
                }
            }
            tx.commit()?;
            for (_, _, done) in group {
                let _ = done.send(());
            }
        }
        Ok(())
    });
    let bodies: Vec<Vec<u8>> = (0..EVENTS).map(|n| event(round, n)).collect();
    let bodies = Arc::new(bodies);
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for lane in 0..CONNECTIONS {
        let (queue, bodies) = (queue.clone(), bodies.clone());
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
    let rate = EVENTS as f64 / started.elapsed().as_secs_f64();
    drop(queue);
    writer.join().map_err(|_| anyhow::anyhow!("the writer failed"))??;
    Ok(rate)
}
