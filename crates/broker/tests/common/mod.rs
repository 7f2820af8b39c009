//! A broker in this process and a bare socket to it.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

use broker::Handle;
use broker::config::{Config, Origin, Properties};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::{Request, frame};

/// A broker with a folder of its own, which goes with it.
#[allow(dead_code, reason = "each test file uses some")]
pub struct Lone {
    handle: Handle,
    _folder: Folder,
}

#[allow(dead_code, reason = "each test file uses some")]
impl Lone {
    pub async fn stop(self) {
        self.handle.stop().await;
    }
}

impl Deref for Lone {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

/// A broker on a free port with these properties, in a new folder.
#[allow(dead_code, reason = "each test file uses some")]
pub async fn broker(properties: &[(&str, &str)]) -> Lone {
    let folder = folder();
    Lone { handle: broker_in(&folder, properties).await, _folder: folder }
}

/// A folder that goes with its test, unless the test fails.
pub struct Folder(String);

impl Deref for Folder {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Folder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::fs::remove_dir_all(&self.0).ok();
        }
    }
}

/// A new folder.
pub fn folder() -> Folder {
    static FOLDERS: AtomicUsize = AtomicUsize::new(0);
    let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("mekong-test-{}-{number}", std::process::id()));
    std::fs::remove_dir_all(&folder).ok();
    Folder(folder.to_str().unwrap().to_owned())
}

/// A broker on a free port with these properties and this folder.
pub async fn broker_in(folder: &str, properties: &[(&str, &str)]) -> Handle {
    let mut all = Properties::default();
    all.set("log.dirs", folder, Origin::Embedder);
    all.set("listeners", "PLAINTEXT://127.0.0.1:0", Origin::Embedder);
    for (key, value) in properties {
        all.set(*key, *value, Origin::Embedder);
    }
    broker::serve(Config::new(all).unwrap()).await.unwrap()
}

/// A connection that speaks in bytes or in messages.
pub struct Raw {
    stream: TcpStream,
    correlation_id: i32,
}

#[allow(dead_code, reason = "each test file uses some")]
impl Raw {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), correlation_id: 0 }
    }

    /// Sends a request and leaves its answer for later.
    pub async fn send<R: Request>(&mut self, version: i16, request: &R) {
        let bytes = self.encode(version, request);
        self.send_bytes(&bytes).await;
    }

    /// A request's bytes, to be sent in the order of these calls.
    pub fn encode<R: Request>(&mut self, version: i16, request: &R) -> Bytes {
        self.correlation_id += 1;
        let rope = frame::encode_request(self.correlation_id, Some("raw".into()), version, request).unwrap();
        rope.read().unwrap()
    }

    /// Receives the answer to an earlier request; checks that it is the `back`-th last one sent.
    pub async fn receive<R: Request>(&mut self, version: i16, back: i32) -> R::Response {
        let body = self.receive_frame().await.expect("an answer");
        let (header, response) = frame::decode_response::<R>(body, version).unwrap();
        assert_eq!(
            header.correlation_id,
            self.correlation_id - back,
            "answers come in the order of the requests"
        );
        response
    }

    pub async fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        self.send(version, request).await;
        self.receive::<R>(version, 0).await
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next frame's body; `None` if the broker closed.
    pub async fn receive_frame(&mut self) -> Option<Bytes> {
        let size = self.stream.read_i32().await.ok()?;
        let mut body = vec![0; usize::try_from(size).unwrap()];
        self.stream.read_exact(&mut body).await.ok()?;
        Some(body.into())
    }
}
