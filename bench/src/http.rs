//! A load client that costs little: keep-alive connections, requests as prepared bytes, answers read by their length.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Status and body of one answer.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

/// One keep-alive connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(to: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends one request and reads its whole answer.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer> {
        let (status, end) = self.exchange(request).await?;
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        Ok(Answer { status, head, body: self.buffer[end..].to_vec() })
    }

    /// The same, where only the status matters: the answer stays in the buffer. Returns the status, and where the head ends.
    async fn exchange(&mut self, request: &[u8]) -> Result<(u16, usize)> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (mut head_end, mut length) = (None, 0);
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("connection closed before the answer was complete");
            }
            if head_end.is_none()
                && let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n")
            {
                head_end = Some(at + 4);
                length = content_length(&self.buffer[..at])?;
            }
            if let Some(end) = head_end
                && self.buffer.len() >= end + length
            {
                let status = self.buffer.get(9..12).and_then(|s| std::str::from_utf8(s).ok()?.parse().ok());
                return Ok((status.context("no status line")?, end));
            }
        }
    }
}

fn content_length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head)?;
    for line in head.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        ensure!(!name.eq_ignore_ascii_case("transfer-encoding"), "the load client reads no chunked answers");
        if name.eq_ignore_ascii_case("content-length") {
            return Ok(value.trim().parse()?);
        }
    }
    Ok(0)
}

/// `GET path`, with further header lines.
pub fn get(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    request("GET", path, headers, b"")
}

/// `POST path`.
pub fn post(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    request("POST", path, headers, body)
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Sends `count` requests over `connections` connections, as fast as answers come; every answer must have the status `expect`.
/// Returns answers per second.
pub async fn throughput<R>(
    to: SocketAddr,
    connections: usize,
    count: usize,
    expect: u16,
    make: impl Fn(usize) -> R + Send + Sync + 'static,
) -> Result<f64>
where
    R: AsRef<[u8]> + Send + 'static,
{
    let make = Arc::new(make);
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(to).await?);
    }
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for (lane, mut connection) in open.into_iter().enumerate() {
        let make = make.clone();
        tasks.spawn(async move {
            for n in (lane..count).step_by(connections) {
                let (status, end) = connection.exchange(make(n).as_ref()).await?;
                ensure!(
                    status == expect,
                    "status {status} where {expect} was due: {}",
                    String::from_utf8_lossy(&connection.buffer[end..])
                );
            }
            Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}
