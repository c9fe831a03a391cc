//! The door, over a real connection: streams are taken over, everything else is the router's.

use api::server;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

async fn until(stream: &mut TcpStream, what: &str) -> String {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(what) {
        let next = tokio::time::timeout(std::time::Duration::from_secs(10), stream.read_buf(&mut read)).await;
        assert!(next.is_ok_and(|n| n.unwrap() > 0), "no {what} in {}", String::from_utf8_lossy(&read));
    }
    String::from_utf8_lossy(&read).into_owned()
}

#[tokio::test]
async fn a_stream_is_taken_over_and_refusals_are_the_routers() {
    let api = api().await;
    api.webhook("shopify", "orders/create", "1", &order(1001, "2026-11-23T10:00:00Z")).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server::run(listener, api.state.clone()));
    let ask = async |token: &str, rest: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // In two pieces, as a slow client sends it.
        stream.write_all(b"GET /v1/ord").await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        stream.write_all(format!("ers/{token}{rest} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        stream
    };
    let token = token::mint("demo", "1001", i64::MAX, SECRET);
    let mut stream = ask(&token, "/live").await;
    let first = until(&mut stream, "\n\n").await;
    // Only the task that takes streams over closes the connection with them.
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n") && first.contains("connection: close\r\n"), "{first}");
    assert!(first.contains("id: 1\nevent: order\nretry: 3000\ndata: {"), "{first}");
    api.webhook("shopify", "fulfillments/create", "2", &fulfillment(1001, "1Z1")).await;
    assert!(until(&mut stream, "\n\n").await.contains("1Z1"));
    assert!(until(&mut ask("v1.demo.MQ.4000000000.00", "/live").await, "}").await.starts_with("HTTP/1.1 401"));
    assert!(until(&mut ask(&token, "").await, "#1001").await.starts_with("HTTP/1.1 200"));
    api.state.stop();
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0, "a stream ends with the server");
}
