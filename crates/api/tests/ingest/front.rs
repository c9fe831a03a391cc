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

#[tokio::test]
async fn a_webhook_is_taken_at_the_door_as_the_router_takes_it() {
    let api = api().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server::run(listener, api.state.clone()));
    let body = order(1001, "2026-11-23T10:00:00Z");
    let signature = BASE64.encode(mac(&body));
    let send = async |path: &str, head: &str, body: &[u8]| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{head}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        // A refusal may come before the body is read, and close the connection on it.
        let _ = stream.write_all(body).await;
        let mut read = Vec::new();
        let _ = stream.read_to_end(&mut read).await;
        String::from_utf8_lossy(&read).into_owned()
    };
    let head = |signature: &str, length: usize| {
        format!(
            "content-type: application/json\r\nx-shopify-topic: orders/create\r\nx-shopify-hmac-sha256: {signature}\r\ncontent-length: {length}\r\n"
        )
    };
    let path = "/v1/webhooks/demo/shopify";
    assert!(send(path, &head(&signature, body.len()), &body).await.starts_with("HTTP/1.1 200 OK\r\n"));
    // In chunks, as proxies like to send.
    let chunked = head(&signature, 0).replace("content-length: 0", "transfer-encoding: chunked");
    let chunks = [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
    assert!(send(path, &chunked, &chunks).await.starts_with("HTTP/1.1 200 OK\r\n"));
    let refused = send(path, &head("AAAA", body.len()), &body).await;
    assert!(refused.starts_with("HTTP/1.1 401") && refused.contains("application/problem+json"), "{refused}");
    assert!(send("/v1/webhooks/nobody/shopify", &head(&signature, body.len()), &body).await.starts_with("HTTP/1.1 404"));
    let large = vec![b' '; api.state.config().limits.body_bytes + 1];
    assert!(send(path, &head(&signature, large.len()), &large).await.starts_with("HTTP/1.1 413"));
    // Paths that mean something else elsewhere mean nothing here; two lengths are no length.
    for path in [
        "/v1/webhooks/demo/../../healthz",
        "/v1/webhooks/demo/shopify/",
        "/v1/webhooks/demo%2Fshopify",
        "//v1/webhooks/demo/shopify",
    ] {
        assert!(send(path, &head(&signature, body.len()), &body).await.starts_with("HTTP/1.1 404"), "{path}");
    }
    let twice = format!("{}content-length: 5\r\n", head(&signature, body.len()));
    assert!(send(path, &twice, &body).await.starts_with("HTTP/1.1 400"));
    let both = format!("{}transfer-encoding: chunked\r\n", head(&signature, 4));
    let smuggled = send(path, &both, b"0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(!smuggled.contains("\r\n\r\nok"), "{smuggled}");
    assert_eq!(api.order("1001").await["number"], "#1001");
    api.state.stop();
}
