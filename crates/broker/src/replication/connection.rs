//! A connection to another broker's listener: requests out, frames in, in the order of the requests.

use std::io;
use std::time::Duration;

use base::Str;
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use wire::{Request, frame};

/// No answer may be longer.
const RESPONSE_BYTES_MAX: usize = 512 << 20;
/// Room for the first read of an answer.
const READ_BYTES: usize = 16 << 10;

/// A live connection. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Connection {
    reading: OwnedReadHalf,
    writing: OwnedWriteHalf,
    /// What was received of the next answer.
    received: BytesMut,
    next_correlation: i32,
    client_id: Str,
}

impl Connection {
    pub async fn open(host: &str, port: u16, client_id: Str, timeout: Duration) -> io::Result<Self> {
        let connecting = tokio::time::timeout(timeout, TcpStream::connect((host, port)));
        let stream = connecting.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        stream.set_nodelay(true)?;
        let (reading, writing) = stream.into_split();
        Ok(Self { reading, writing, received: BytesMut::new(), next_correlation: 0, client_id })
    }

    /// Sends a request; its answer is the next frame after those of the requests before.
    pub async fn send<R: Request>(&mut self, version: i16, request: &R) -> io::Result<()> {
        self.next_correlation = self.next_correlation.wrapping_add(1) & i32::MAX;
        let client_id = Some(self.client_id.clone());
        let rope = frame::encode_request(self.next_correlation, client_id, version, request);
        let bytes = rope.map_err(io::Error::other)?.read().map_err(|_| io::ErrorKind::InvalidData)?;
        self.writing.write_all(&bytes).await
    }

    /// The next answer's frame. Nothing is lost if the future is dropped.
    pub async fn next_frame(&mut self) -> io::Result<Bytes> {
        loop {
            let wanted = match self.received.first_chunk() {
                None => READ_BYTES,
                Some(size) => {
                    let size = usize::try_from(i32::from_be_bytes(*size)).ok();
                    let size = size.filter(|size| *size <= RESPONSE_BYTES_MAX);
                    let size = size.ok_or_else(|| io::Error::other("an answer of absurd size"))?;
                    if self.received.len() >= size + 4 {
                        let mut whole = self.received.split_to(size + 4).freeze();
                        whole.advance(4);
                        return Ok(whole);
                    }
                    size + 4 - self.received.len()
                }
            };
            self.received.reserve(wanted);
            if self.reading.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}
