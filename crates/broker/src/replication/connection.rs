//! A connection to another broker's listener: requests out, frames in, in the order of the requests.

use std::io;
use std::time::Duration;

use base::Str;
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::Instant;
use wire::{Request, frame};

/// No answer may be longer.
const RESPONSE_BYTES_MAX: usize = 512 << 20;
/// Room for the first read of an answer.
const READ_BYTES: usize = 16 << 10;
/// Room for a long answer grows with what came of it, beginning with this much.
const GROWTH_BYTES: usize = 1 << 20;

/// A live connection. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Connection {
    reading: OwnedReadHalf,
    writing: OwnedWriteHalf,
    /// What was received of the next answer.
    received: BytesMut,
    /// When something was received last.
    heard: Instant,
    next_correlation: i32,
    client_id: Str,
    send_timeout: Duration,
}

impl Connection {
    /// Connects. Neither that nor sending a request may take longer than these two.
    pub async fn open(
        host: &str,
        port: u16,
        client_id: Str,
        (connect_timeout, send_timeout): (Duration, Duration),
    ) -> io::Result<Self> {
        let connecting = tokio::time::timeout(connect_timeout, TcpStream::connect((host, port)));
        let stream = connecting.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        stream.set_nodelay(true)?;
        let (reading, writing) = stream.into_split();
        let (received, heard) = (BytesMut::new(), Instant::now());
        Ok(Self { reading, writing, received, heard, next_correlation: 0, client_id, send_timeout })
    }

    /// When something was received last, be it a part of an answer; at first, when it was opened.
    pub fn heard(&self) -> Instant {
        self.heard
    }

    /// Sends a request; its answer is the next frame after those of the requests before.
    pub async fn send<R: Request>(&mut self, version: i16, request: &R) -> io::Result<()> {
        self.next_correlation = self.next_correlation.wrapping_add(1) & i32::MAX;
        let client_id = Some(self.client_id.clone());
        let rope = frame::encode_request(self.next_correlation, client_id, version, request);
        let bytes = rope.map_err(io::Error::other)?.read().map_err(|_| io::ErrorKind::InvalidData)?;
        let sending = tokio::time::timeout(self.send_timeout, self.writing.write_all(&bytes));
        sending.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
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
            self.received.reserve(wanted.min(self.received.len().max(GROWTH_BYTES)));
            if self.reading.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.heard = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_of_an_answer_is_a_sign_of_life_and_takes_no_more_room_than_it_has() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let second = Duration::from_secs(1);
        let mut connection =
            Connection::open("127.0.0.1", port, Str::default(), (second, second)).await.unwrap();
        let (mut leader, _) = listener.accept().await.unwrap();
        let opened = connection.heard();
        leader.write_all(&(400_i32 << 20).to_be_bytes()).await.unwrap();
        leader.write_all(&[0; 1000]).await.unwrap();
        let waited = tokio::time::timeout(Duration::from_millis(50), connection.next_frame()).await;
        assert!(waited.is_err(), "the rest is to come");
        assert!(connection.heard() > opened);
        assert!(connection.received.capacity() < 4 << 20, "{}", connection.received.capacity());
    }

    #[tokio::test]
    async fn a_leader_that_takes_no_request_is_gone() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let timeouts = (Duration::from_secs(1), Duration::from_millis(50));
        let mut connection = Connection::open("127.0.0.1", port, Str::default(), timeouts).await.unwrap();
        let topic =
            || wire::messages::fetch::ForgottenTopic { partitions: vec![0; 100_000], ..Default::default() };
        let forgotten_topics_data = (0..100).map(|_| topic()).collect();
        let request = wire::messages::fetch::FetchRequest { forgotten_topics_data, ..Default::default() };
        let sent = tokio::time::timeout(Duration::from_secs(60), connection.send(18, &request)).await;
        assert_eq!(sent.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
