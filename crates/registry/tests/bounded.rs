//! Bodies that come slowly share a bounded room: what they hold together is bounded, and small ones are still answered.
//!
//! Alone in its process, whose largest memory is looked at.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{most_held, registry, status};
use registry::Settings;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Sends a head that promises so many bytes, and the body given.
async fn begin(address: SocketAddr, promised: usize, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("POST /subjects/s/versions HTTP/1.1\r\nHost: x\r\nContent-Length: {promised}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // Not all of it is taken: where there is no room, it is not read.
    let _ = tokio::time::timeout(Duration::from_millis(500), stream.write_all(body)).await;
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_bodies_hold_no_more_than_their_room() {
    let handle = registry(Settings { idle_timeout: Duration::from_secs(10), ..Settings::default() }).await;
    let before = most_held();
    let mut slow = tokio::task::JoinSet::new();
    let address = handle.address;
    for _ in 0..64 {
        slow.spawn(async move {
            status(&mut begin(address, 8 * 1024 * 1024, &[b' '; 4 * 1024 * 1024]).await).await
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let body = br#"{"schema":"\"int\""}"#;
    assert_eq!(status(&mut begin(address, body.len(), body).await).await, 200);
    let statuses = slow.join_all().await;
    assert!(statuses.iter().all(|status| [408, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&503), "{statuses:?}");
    let (before, after) = (before.unwrap_or(0), most_held().unwrap_or(0));
    assert!(after < before + 128, "{before} MiB became {after}");
}
