//! Answers that nobody reads share a bounded room, and are not kept for ever.
//!
//! Alone in its process, whose largest memory is looked at.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{most_held, registry, status};
use registry::Settings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

async fn ask(address: SocketAddr, request: &str) -> TcpStream {
    // What the kernel keeps is not the registry's.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn get(address: SocketAddr, path: &str) -> TcpStream {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_reads_hold_no_more_than_their_room() {
    let settings = Settings { idle_timeout: Duration::from_secs(8), ..Settings::default() };
    let handle = registry(settings).await;
    let address = handle.address;
    for number in 0..15 {
        let doc = "d".repeat(900 * 1024);
        let schema = format!(r#"{{\"type\":\"fixed\",\"name\":\"F\",\"size\":1,\"doc\":\"{doc}\"}}"#);
        let body = format!(r#"{{"schema":"{schema}"}}"#);
        let head = format!(
            "POST /subjects/s{number}/versions HTTP/1.1\r\nHost: x\r\nContent-Length: {}",
            body.len()
        );
        let mut stream = ask(address, &format!("{head}\r\n\r\n{body}")).await;
        assert_eq!(status(&mut stream).await, 200);
    }
    let before = most_held();
    let mut slow = Vec::new();
    for _ in 0..60 {
        slow.push(get(address, "/schemas").await);
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(status(&mut get(address, "/subjects").await).await, 200);
    let mut refused = 0;
    let mut whole = vec![0; 64 * 1024];
    for stream in &mut slow {
        match status(stream).await {
            200 => {}
            503 => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert!((40..60).contains(&refused), "{refused} of 60");
    let (before, after) = (before.unwrap_or(0), most_held().unwrap_or(0));
    assert!(after < before + 250, "{before} MiB became {after}");
    // Those that were begun and not read on are broken off, and others have their room.
    tokio::time::sleep(Duration::from_secs(9)).await;
    let mut late = get(address, "/schemas").await;
    assert_eq!(status(&mut late).await, 200);
    let mut read = 0;
    while read < 15 * 900 * 1024 {
        let count = timeout(Duration::from_secs(60), late.read(&mut whole)).await.unwrap().unwrap();
        assert!(count > 0, "it ends after {read} bytes");
        read += count;
    }
}
