//! Large bodies that come together: each has its turn, since none holds a part of the room while it waits for more.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use common::{registry, status};
use registry::Settings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::time::timeout;

/// Bytes of each.
const LENGTH: usize = 6 * 1024 * 1024;

/// How many of them: more than there is room for.
const COUNT: usize = 6;

/// Sends half of a body, as far as it is taken; all of it once everybody has got so far. The answer's first line.
async fn send(address: SocketAddr, halfway: &Barrier) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("POST /subjects/s/versions HTTP/1.1\r\nHost: x\r\nContent-Length: {LENGTH}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut half = vec![b' '; LENGTH / 2];
    let rest = vec![b' '; LENGTH / 2];
    while !half.is_empty() {
        match timeout(Duration::from_millis(500), stream.write(&half)).await {
            Ok(written) => half.truncate(half.len() - written.unwrap()),
            Err(_) => break,
        }
    }
    halfway.wait().await;
    stream.write_all(&half).await.unwrap();
    stream.write_all(&rest).await.unwrap();
    let mut head = [0; 12];
    timeout(Duration::from_secs(60), stream.read_exact(&mut head)).await.unwrap().unwrap();
    String::from_utf8_lossy(&head).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_that_come_together_have_their_turns() {
    let handle = registry(Settings::default()).await;
    let halfway = Arc::new(Barrier::new(COUNT));
    let mut together = tokio::task::JoinSet::new();
    for _ in 0..COUNT {
        let (address, halfway) = (handle.address, Arc::clone(&halfway));
        together.spawn(async move { send(address, &halfway).await });
    }
    for head in together.join_all().await {
        assert_eq!(head, "HTTP/1.1 400");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_announced_and_does_not_come_takes_no_room() {
    let handle = registry(Settings::default()).await;
    let mut silent = Vec::new();
    // More than there would be room for, all of them small.
    for _ in 0..300 {
        let mut stream = TcpStream::connect(handle.address).await.unwrap();
        let head = "POST /subjects/s/versions HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        silent.push(stream);
    }
    let mut stream = TcpStream::connect(handle.address).await.unwrap();
    let body = r#"{"schema":"\"int\""}"#;
    let request = format!(
        "POST /subjects/s/versions HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(status(&mut stream).await, 200);
    // And it is not waited for.
    assert_eq!(status(&mut silent[0]).await, 408);
}
