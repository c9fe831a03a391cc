//! Nothing acknowledged is lost: the real binary, killed at random moments under a stream of webhooks.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;

use super::*;

/// The real binary, and where it listens.
pub struct Server(pub Child, pub String);

impl Server {
    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

pub fn start(config: &Path) -> Server {
    let mut child = Command::new(env!("CARGO_BIN_EXE_whereabouts"))
        .args(["serve", "--config"])
        .arg(config)
        .arg(format!("--clock-ahead={}", *AHEAD))
        // It is the tests' own: the server refuses settings that it does not know.
        .env_remove("WHEREABOUTS_CRASH_ROUNDS")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = serde_json::from_str::<Value>(&line).unwrap()["listen"].as_str().unwrap().replace("http://", "");
    Server(child, address)
}

/// Sends a signed webhook; true where it was acknowledged.
pub fn post(address: &str, source: &str, topic: &str, id: &str, body: &[u8]) -> bool {
    let send = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let request = webhook(source, topic, id, body);
        let mut head =
            format!("POST {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n", request.uri(), body.len());
        for (name, value) in request.headers() {
            head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        stream.write_all(body)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    };
    send().unwrap_or(false)
}

/// Reads a JSON document; nothing, where there is none.
pub fn get(address: &str, path: &str) -> Value {
    let read = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    read().ok().and_then(|a| serde_json::from_str(a.split_once("\r\n\r\n")?.1).ok()).unwrap_or_default()
}

/// How often it is killed: so many times, or as often as is asked for.
pub fn rounds(usually: u32) -> u32 {
    std::env::var("WHEREABOUTS_CRASH_ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(usually)
}

#[test]
fn every_acknowledged_event_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path());
    let mut acknowledged = BTreeSet::new();
    let rounds = u64::from(rounds(100));
    for round in 0..rounds {
        let mut server = start(&config);
        let taken = Arc::new(AtomicUsize::new(0));
        let senders: Vec<_> = (0..4)
            .map(|lane| {
                let (address, taken) = (server.1.clone(), taken.clone());
                std::thread::spawn(move || {
                    let mut known = Vec::new();
                    for n in 0.. {
                        let id = format!("evt_{round}_{lane}_{n}");
                        let body = tracker(&id, &format!("1Z{lane}"), &[("2026-11-24T12:00:00Z", "in_transit")]);
                        if !post(&address, "easypost", "", "", &body) {
                            return known;
                        }
                        known.push(id);
                        taken.fetch_add(1, Ordering::Relaxed);
                    }
                    known
                })
            })
            .collect();
        // A different moment each round, spread over 80 ms: of some rounds from the start, of most from the first answer, which a busy
        // machine may take its time for.
        for _ in 0..500 {
            if round % 10 == 0 || taken.load(Ordering::Relaxed) > 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(round * 37 % 80));
        server.kill();
        for sender in senders {
            acknowledged.extend(sender.join().unwrap());
        }
    }
    println!("{} acknowledged in {rounds} rounds", acknowledged.len());
    assert!(acknowledged.len() as u64 >= rounds / 2, "only {} were acknowledged", acknowledged.len());
    // Started once more, it finishes what was left.
    let mut server = start(&config);
    let db = Connection::open(dir.path().join("test.sqlite")).unwrap();
    let waiting = || {
        db.query_row("select coalesce(max(id), 0) - (select projected from progress) from events", [], |r| r.get::<_, i64>(0))
            .unwrap()
    };
    for _ in 0..600 {
        if waiting() == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(waiting(), 0);
    let mut rows = db.prepare("select event_id from events").unwrap();
    let stored: Vec<String> = rows.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
    let once: BTreeSet<String> = stored.iter().cloned().collect();
    assert_eq!(once.len(), stored.len(), "no event twice");
    let lost: Vec<_> = acknowledged.difference(&once).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    server.kill();
    // And what it made of them is what a replay makes.
    let replay =
        Command::new(env!("CARGO_BIN_EXE_whereabouts")).args(["replay", "--check", "--config"]).arg(&config).output().unwrap();
    assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stderr));
    let said: Value = serde_json::from_slice(&replay.stdout).unwrap();
    assert_eq!((said["equal"].as_bool(), said["events"].as_u64()), (Some(true), Some(once.len() as u64)));
}

/// Where nothing can be written, nothing is acknowledged; once it can, everything works again.
#[tokio::test]
async fn a_full_disk_and_a_locked_database_acknowledge_nothing() {
    let api = api().await;
    let send = async |n: u32| {
        let body = tracker(&format!("evt_{n}"), "1Z1", &[("2026-11-24T12:00:00Z", "in_transit")]);
        api.send(webhook("easypost", "", "", &body)).await.0
    };
    assert_eq!(send(1).await, StatusCode::OK);
    // No page more than there are: SQLite's own way of a full disk.
    let full = |db: &Connection| Ok(db.query_row("pragma max_page_count = 1", [], |r| r.get::<_, i64>(0))?);
    api.state.db().write(full).await.unwrap();
    let mut refused = 0;
    for n in 2..200 {
        match send(n).await {
            StatusCode::SERVICE_UNAVAILABLE => refused += 1,
            StatusCode::OK => assert_eq!(refused, 0),
            other => panic!("{other}"),
        }
        if refused == 3 {
            break;
        }
    }
    assert_eq!(refused, 3);
    let roomy = |db: &Connection| Ok(db.query_row("pragma max_page_count = 1000000", [], |r| r.get::<_, i64>(0))?);
    api.state.db().write(roomy).await.unwrap();
    assert_eq!(send(500).await, StatusCode::OK);
    // Somebody else holds the database.
    let path = api.state.config().database.clone();
    let other = Connection::open(path).unwrap();
    other.execute_batch("begin immediate").unwrap();
    assert_eq!(send(501).await, StatusCode::SERVICE_UNAVAILABLE);
    other.execute_batch("rollback").unwrap();
    assert_eq!(send(501).await, StatusCode::OK);
    let known = api
        .state
        .db()
        .read(|db| Ok(db.query_row("select count(*) from events where event_id like 'evt_50_'", [], |r| r.get::<_, i64>(0))?));
    assert_eq!(known.await.unwrap(), 2);
}
