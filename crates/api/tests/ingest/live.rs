//! Live updates over real connections: every open page hears of each change, a page that comes back misses nothing, one that does not
//! read holds nobody up.

use std::{net::SocketAddr, time::Duration};

use api::server;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

struct Page {
    stream: TcpStream,
    read: String,
}

impl Page {
    async fn open(to: SocketAddr, seen: Option<u64>) -> Page {
        let token = token::mint("demo", "1001", i64::MAX, SECRET);
        let seen = seen.map_or_else(String::new, |id| format!("last-event-id: {id}\r\n"));
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        // Small, so that what a page does not read piles up at the sender's side.
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(to).await.unwrap();
        let request = format!("GET /v1/orders/{token}/live HTTP/1.1\r\nhost: x\r\n{seen}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Page { stream, read: String::new() }
    }

    /// The next event's id and document; nothing where none comes within this time.
    async fn next(&mut self, within: Duration) -> Option<(u64, Value)> {
        let event = async {
            loop {
                // What ends in an empty line is an event; the head and heartbeats are none.
                if let Some((event, rest)) = self.read.split_once("\n\n") {
                    let event = event.to_owned();
                    self.read = rest.to_owned();
                    let line = |name: &str| event.lines().find_map(|l| l.trim_end().strip_prefix(name)).map(str::to_owned);
                    if let (Some(id), Some(data)) = (line("id: "), line("data: ")) {
                        return Some((id.parse().unwrap(), serde_json::from_str(&data).unwrap()));
                    }
                    continue;
                }
                let mut more = vec![0; 65_536];
                match self.stream.read(&mut more).await {
                    Ok(n) if n > 0 => self.read.push_str(&String::from_utf8_lossy(&more[..n])),
                    _ => return None,
                }
            }
        };
        tokio::time::timeout(within, event).await.ok().flatten()
    }
}

async fn started() -> (Api, SocketAddr) {
    let api = api().await;
    api.webhook("shopify", "orders/create", "o", &order(1001, "2026-11-23T10:00:00Z")).await;
    api.webhook("shopify", "fulfillments/create", "f", &fulfillment(1001, "1Z1")).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server::run(listener, api.state.clone()));
    (api, address)
}

async fn scan(api: &Api, n: usize) {
    let time = format!("2026-11-{:02}T{:02}:{:02}:00Z", 24 + n / 1440, n / 60 % 24, n % 60);
    api.webhook("easypost", "", "", &tracker(&format!("e{n}"), "1Z1", &[(&time, "in_transit")])).await;
}

const SOON: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_comes_back_gets_the_newest_and_nothing_twice() {
    let (api, address) = started().await;
    let mut page = Page::open(address, None).await;
    let (first, document) = page.next(SOON).await.unwrap();
    assert_eq!(document["version"], first);
    scan(&api, 1).await;
    assert_eq!(page.next(SOON).await.unwrap().0, first + 1);
    drop(page);
    // Away, while two things happen.
    scan(&api, 2).await;
    scan(&api, 3).await;
    let mut page = Page::open(address, Some(first + 1)).await;
    let (id, document) = page.next(SOON).await.unwrap();
    assert_eq!(
        (id, document["shipments"][0]["checkpoints"].as_array().unwrap().len()),
        (first + 3, 3),
        "whole, not a difference"
    );
    drop(page);
    // Away, while nothing happens: nothing is said, until something does.
    let mut page = Page::open(address, Some(first + 3)).await;
    assert!(page.next(Duration::from_millis(500)).await.is_none());
    scan(&api, 4).await;
    assert_eq!(page.next(SOON).await.unwrap().0, first + 4);
    // An id from before the database was made anew, or from somebody's imagination: the newest is sent.
    let mut page = Page::open(address, Some(u64::MAX)).await;
    assert_eq!(page.next(SOON).await.unwrap().0, first + 4);
    api.state.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_does_not_read_holds_nobody_up() {
    let (api, address) = started().await;
    // A long story, so that each document is some 50 KB, and all of them more than the system keeps for a connection.
    let scans: Vec<(String, &str)> =
        (0..400).map(|n| (format!("2026-11-{:02}T{:02}:{:02}:00Z", 10 + n / 100, n / 10 % 10, n % 10), "in_transit")).collect();
    let scans: Vec<(&str, &str)> = scans.iter().map(|(time, status)| (time.as_str(), *status)).collect();
    api.webhook("easypost", "", "", &tracker("long", "1Z1", &scans)).await;
    let mut asleep = Page::open(address, None).await;
    let mut awake = Page::open(address, None).await;
    let (first, _) = awake.next(SOON).await.unwrap();
    const SCANS: usize = 100;
    for n in 1..=SCANS {
        scan(&api, n).await;
        let mut newest = awake.next(SOON).await.expect("the other page hears of it").0;
        // Versions may be passed over, never the newest.
        while newest < first + n as u64 {
            newest = awake.next(SOON).await.expect("and of the newest").0;
        }
    }
    // Woken, it ends at the newest as well; where it slept for longer than the server's patience, after coming back.
    let (mut last, mut came_back) = (0, 0);
    while last < first + SCANS as u64 {
        match asleep.next(SOON).await {
            Some((id, _)) => last = id,
            None => {
                assert!(came_back < 2, "the newest comes, however late");
                came_back += 1;
                asleep = Page::open(address, Some(last)).await;
            }
        }
    }
    api.state.stop();
}
