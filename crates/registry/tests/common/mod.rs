//! What tests of memory and of connections share.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]
#![allow(dead_code, reason = "each test file uses some")]

use std::sync::Arc;
use std::time::Duration;

use registry::{MemoryLog, Settings, http};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};

/// A registry on a log in memory.
pub async fn registry(settings: Settings) -> http::Handle {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let log = Box::new(Arc::new(MemoryLog::new(|| 0)));
    http::serve(listener, log, settings, || 0).await.unwrap()
}

/// The status of the answer.
pub async fn status(stream: &mut TcpStream) -> u16 {
    let mut head = [0; 12];
    tokio::time::timeout(Duration::from_secs(60), stream.read_exact(&mut head)).await.unwrap().unwrap();
    String::from_utf8_lossy(&head).rsplit(' ').next().unwrap().parse().unwrap()
}

/// The most that this process has held, in MiB; unknown where there is no `/proc`.
pub fn most_held() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? / 1024)
}
