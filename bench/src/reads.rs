//! Order document and promise document, against a bare axum route that returns the same bytes.

use std::{
    io::Write,
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use axum::{
    Router,
    body::Bytes,
    response::sse::{Event, KeepAlive, Sse},
    routing::get,
};
use tokio::io::AsyncReadExt;
use tokio_stream::StreamExt;

use crate::{Figure, http, median, server::Server};

const CONNECTIONS: usize = 32;
const REQUESTS: usize = 20_000;
const ROUNDS: usize = 5;

/// `--reference-server`: a bare axum route that returns what it gets on standard input; prints its address.
pub async fn reference_server() -> Result<()> {
    let mut body = Vec::new();
    tokio::io::stdin().read_to_end(&mut body).await?;
    let body = Bytes::from(body);
    // A stream that says one thing, and then nothing.
    let live = || async {
        let first = tokio_stream::once(Ok::<_, std::convert::Infallible>(Event::default().data("x")));
        Sse::new(first.chain(tokio_stream::pending())).keep_alive(KeepAlive::default())
    };
    let app = Router::new().route("/", get(move || std::future::ready(body.clone()))).route("/live", get(live));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    axum::serve(listener, app).await?;
    Ok(())
}

/// A reference server as a process, ended when dropped.
pub struct Reference {
    child: Child,
    pub address: SocketAddr,
}

impl Reference {
    pub fn start(body: &[u8]) -> Result<Reference> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--reference-server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        child.stdin.take().context("no standard input")?.write_all(body)?;
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().context("no output")?), &mut line)?;
        Ok(Reference { child, address: line.trim().parse()? })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub async fn figures(server: &Server) -> Result<Vec<Figure>> {
    let order = Server::path_of(1001);
    let promise = format!("/v1/stores/{}/promise.json", server.store);
    Ok(vec![
        compare("order_read", server, &order, false, "bare axum route, same bytes").await?,
        compare("order_unchanged", server, &order, true, "bare axum route, same bytes (ours answers 304)").await?,
        compare("promise_read", server, &promise, false, "bare axum route, same bytes").await?,
    ])
}

async fn compare(name: &'static str, server: &Server, path: &str, unchanged: bool, against: &'static str) -> Result<Figure> {
    let first = http::Connection::open(server.address).await?.send(&http::get(path, &[])).await?;
    ensure!(first.status == 200, "GET {path} answers {}: {}", first.status, String::from_utf8_lossy(&first.body));
    let etag = header(&first.head, "etag").context("no ETag")?;
    let (request, status) = match unchanged {
        true => (http::get(path, &[("if-none-match", &etag)]), 304),
        false => (http::get(path, &[]), 200),
    };
    let reference = Reference::start(&first.body)?;
    let bare = http::get("/", &[]);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (a, b) = (request.clone(), bare.clone());
        let value = http::throughput(server.address, CONNECTIONS, REQUESTS, status, move |_| a.clone()).await?;
        let bare = http::throughput(reference.address, CONNECTIONS, REQUESTS, 200, move |_| b.clone()).await?;
        if round > 0 {
            ours.push(value);
            theirs.push(bare);
        }
    }
    Ok(Figure { name, value: median(ours), reference: median(theirs), unit: "req/s", against })
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|l| l.split_once(':').filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim().to_owned()))
}
