//! One connection to one broker: many requests under way, answers matched by correlation id.
//!
//! [`Connection::submit`] queues a request without waiting, so that requests of one caller leave in the order of its calls.
//! A request that times out closes the connection, as in Kafka's clients: what comes later could not be trusted to be an answer.

mod throttle;
mod transport;
mod versions;

use std::collections::HashMap;
use std::io::IoSlice;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::Str;
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot, watch};
use wire::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use wire::{ApiKey, ErrorCode, Message, Request, Rope, Segment, frame};

use crate::{Address, CallError};
use throttle::Throttle;
use transport::{Reader, Writer};
pub(crate) use versions::Offered;

/// No answer may be longer; Kafka's largest default (`fetch.max.bytes`) is 50 MiB.
const RESPONSE_BYTES_MAX: usize = 512 * 1024 * 1024;
/// What stands before the body of a message of Mekong's own.
const OWN_HEAD_BYTES: usize = 10;
/// Bytes sent in one go at most.
const SLICES_PER_WRITE: usize = 64;

type Pending = Mutex<Waiting>;

/// Requests that wait for their answers.
#[derive(Debug, Default)]
struct Waiting {
    replies: HashMap<i32, oneshot::Sender<Bytes>>,
    closed: bool,
}

/// A live connection. Dropping the last handle closes it.
#[derive(Debug)]
pub struct Connection {
    address: Address,
    client_id: Option<Str>,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    pending: Arc<Pending>,
    next_correlation: AtomicI32,
    offered: Offered,
    request_timeout: Duration,
    close: watch::Sender<bool>,
    failed: Arc<AtomicBool>,
    sent_bytes: AtomicU64,
    throttle: Arc<Throttle>,
}

/// A request to be written, and who wants to hear when it was.
struct Outgoing {
    rope: Rope,
    written: Option<oneshot::Sender<()>>,
}

/// An answer under way.
#[derive(Debug)]
pub struct Reply {
    receiver: oneshot::Receiver<Bytes>,
    api: ApiKey,
    address: Address,
    version: i16,
    throttle: Arc<Throttle>,
}

impl Reply {
    /// Waits for the answer of type `R::Response`.
    pub async fn read<R: Request>(self) -> Result<R::Response, CallError> {
        let lost = CallError::Disconnected { address: self.address, api: self.api };
        let frame = self.receiver.await.map_err(|_| lost)?;
        let (_, response) = frame::decode_response::<R>(frame, self.version)?;
        self.throttle.heed(&response, self.version);
        Ok(response)
    }
}

impl Connection {
    /// Connects and asks for the versions.
    pub async fn open(
        address: Address,
        client_id: &str,
        connect_timeout: Duration,
        request_timeout: Duration,
    ) -> Result<Self, CallError> {
        let (reader, writer) = transport::connect(&address, connect_timeout).await?;
        let (outgoing, queue) = mpsc::unbounded_channel();
        let (close, closed) = watch::channel(false);
        let pending = Arc::new(Pending::default());
        let failed = Arc::new(AtomicBool::new(false));
        let throttle = Arc::new(Throttle::default());
        let writing = write_all(writer, queue, Arc::clone(&throttle));
        tokio::spawn(run(reader, writing, Arc::clone(&pending), closed, Arc::clone(&failed)));
        let mut connection = Self {
            address,
            client_id: Some(Str::from(client_id)),
            outgoing,
            pending,
            next_correlation: AtomicI32::new(0),
            offered: Offered::default(),
            request_timeout,
            close,
            failed,
            sent_bytes: AtomicU64::new(0),
            throttle,
        };
        connection.offered = connection.negotiate().await?;
        Ok(connection)
    }

    /// Asks in our newest version; who does not know it answers in version 0 with what it knows (KIP-511).
    async fn negotiate(&self) -> Result<Offered, CallError> {
        let newest = ApiKey::ApiVersions.versions().max;
        let request = ApiVersionsRequest {
            client_software_name: Str::from_static("mekong"),
            client_software_version: Str::from_static(env!("CARGO_PKG_VERSION")),
        };
        let mut response = self.ask_versions(&request, newest).await?;
        if response.error_code == ErrorCode::UNSUPPORTED_VERSION {
            let theirs = Offered::new(&response).choose::<ApiVersionsRequest>().unwrap_or(0);
            response = self.ask_versions(&ApiVersionsRequest::default(), theirs).await?;
        }
        CallError::check(ApiKey::ApiVersions, response.error_code, None)?;
        Ok(Offered::new(&response))
    }

    async fn ask_versions(
        &self,
        request: &ApiVersionsRequest,
        version: i16,
    ) -> Result<ApiVersionsResponse, CallError> {
        let reply = self.submit(request, version)?;
        let lost = CallError::Disconnected { address: self.address.clone(), api: ApiKey::ApiVersions };
        let frame = self
            .within(ApiKey::ApiVersions, self.request_timeout, async {
                reply.receiver.await.map_err(|_| lost)
            })
            .await?;
        // Correlation id, then the error code in every version.
        let code = frame.get(4..6).and_then(|code| code.first_chunk()).map(|code| i16::from_be_bytes(*code));
        let version = if code == Some(ErrorCode::UNSUPPORTED_VERSION.code()) { 0 } else { version };
        let mut decoder = wire::Decoder::new(frame.slice(4.min(frame.len())..));
        Ok(ApiVersionsResponse::decode(&mut decoder, version)?)
    }

    /// Who is at the other end.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What the broker offers.
    pub(crate) fn offered(&self) -> &Offered {
        &self.offered
    }

    /// Whether nothing can be sent any more.
    pub fn is_closed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// How many requests wait for their answers.
    pub fn waiting(&self) -> usize {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).replies.len()
    }

    /// The version in which `R` goes over this connection.
    pub fn version_of<R: Request>(&self) -> Result<i16, CallError> {
        self.offered.choose::<R>().ok_or_else(|| CallError::Unsupported {
            address: self.address.clone(),
            api: R::KEY,
            ours: show(R::KEY.versions()),
            theirs: self.offered.of(R::KEY).map_or_else(|| "none".to_owned(), show),
        })
    }

    /// Queues a request; its answer is awaited separately.
    pub fn submit<R: Request>(&self, request: &R, version: i16) -> Result<Reply, CallError> {
        let correlation = self.next_correlation.fetch_add(1, Ordering::Relaxed) & i32::MAX;
        let rope = frame::encode_request(correlation, self.client_id.clone(), version, request)?;
        let (sender, receiver) = oneshot::channel();
        {
            let mut waiting = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            if !waiting.closed {
                waiting.replies.insert(correlation, sender);
            }
        }
        self.send(rope, None);
        let throttle = Arc::clone(&self.throttle);
        Ok(Reply { receiver, api: R::KEY, address: self.address.clone(), version, throttle })
    }

    /// Queues a request that gets no answer: Produce with `acks=0`. What comes back waits until it was handed to the system.
    pub fn submit_unanswered<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<impl Future<Output = Result<(), CallError>> + Send + use<R>, CallError> {
        let correlation = self.next_correlation.fetch_add(1, Ordering::Relaxed) & i32::MAX;
        let (sender, written) = oneshot::channel();
        self.send(
            frame::encode_request(correlation, self.client_id.clone(), version, request)?,
            Some(sender),
        );
        let lost = CallError::Disconnected { address: self.address.clone(), api: R::KEY };
        Ok(async move { written.await.map_err(|_| lost) })
    }

    /// A connection that is gone drops the request; its waiter then sees the sender dropped.
    fn send(&self, rope: Rope, written: Option<oneshot::Sender<()>>) {
        self.sent_bytes.fetch_add(rope.len() as u64, Ordering::Relaxed);
        let _ = self.outgoing.send(Outgoing { rope, written });
    }

    /// One exchange within the request timeout and `extra`.
    pub async fn call<R: Request>(
        &self,
        request: &R,
        version: i16,
        extra: Duration,
    ) -> Result<R::Response, CallError> {
        let reply = self.submit(request, version)?;
        self.within(R::KEY, self.request_timeout + extra, reply.read::<R>()).await
    }

    /// One exchange of bytes under an API key of Mekong's own, which stands outside Kafka's range.
    ///
    /// ```text
    /// key int16 │ version int16 (0) │ correlation id int32 │ client id int16 (-1) │ body       answered by: correlation id │ body
    /// ```
    pub async fn exchange(&self, key: i16, body: &Bytes, within: Duration) -> Result<Bytes, CallError> {
        let correlation = self.next_correlation.fetch_add(1, Ordering::Relaxed) & i32::MAX;
        let mut encoder = wire::Encoder::with_capacity(32);
        encoder.put(&i32::try_from(body.len() + OWN_HEAD_BYTES).unwrap_or(i32::MAX).to_be_bytes());
        encoder.put(&key.to_be_bytes());
        encoder.put(&[0; 2]);
        encoder.put(&correlation.to_be_bytes());
        encoder.put(&(-1_i16).to_be_bytes());
        encoder.put_shared(body);
        let (sender, receiver) = oneshot::channel();
        {
            let mut waiting = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            if !waiting.closed {
                waiting.replies.insert(correlation, sender);
            }
        }
        self.send(encoder.finish(), None);
        let lost = CallError::Disconnected { address: self.address.clone(), api: ApiKey::Envelope };
        let answer = async { receiver.await.map_err(|_| lost) };
        let frame = self.within(ApiKey::Envelope, within, answer).await?;
        Ok(frame.slice(4.min(frame.len())..))
    }

    /// Waits for `answer`; gives the connection up when it does not come.
    pub(crate) async fn within<T>(
        &self,
        api: ApiKey,
        after: Duration,
        answer: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let mut answer = std::pin::pin!(answer);
        let mut deadline = tokio::time::Instant::now() + after;
        loop {
            // What waits here because the broker asked for it is not the broker's delay.
            deadline = self.throttle.until().map_or(deadline, |until| deadline.max(until + after));
            if let Ok(answer) = tokio::time::timeout_at(deadline, &mut answer).await {
                return answer;
            }
            if self.throttle.until().is_none() {
                self.close();
                return Err(CallError::TimedOut { address: self.address.clone(), api, after });
            }
        }
    }

    /// Ends the connection; whatever waits gets [`CallError::Disconnected`].
    pub fn close(&self) {
        self.failed.store(true, Ordering::Release);
        let _ = self.close.send(true);
    }
}

fn show(versions: wire::schema::Versions) -> String {
    format!("{}–{}", versions.min, versions.max)
}

/// Reads and writes until either side ends.
async fn run(
    reader: Reader,
    writing: impl Future<Output = std::io::Result<()>>,
    pending: Arc<Pending>,
    mut closed: watch::Receiver<bool>,
    failed: Arc<AtomicBool>,
) {
    tokio::select! {
        result = read_all(reader, &pending) => tracing::debug!(?result, "the broker ended the connection"),
        result = writing => tracing::debug!(?result, "the connection's writing side ended"),
        _ = closed.wait_for(|closed| *closed) => {}
    }
    failed.store(true, Ordering::Release);
    let mut waiting = pending.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.closed = true;
    waiting.replies.clear();
}

async fn read_all(mut reader: Reader, pending: &Pending) -> std::io::Result<()> {
    loop {
        let size = reader.read_i32().await?;
        let size = usize::try_from(size).ok().filter(|size| (4..=RESPONSE_BYTES_MAX).contains(size));
        let size =
            size.ok_or_else(|| std::io::Error::other("an answer of absurd size; is this a Kafka broker?"))?;
        // Room grows with what came, not with what the other side says that will come.
        let mut frame = BytesMut::with_capacity(size.min(1 << 20));
        let mut body = (&mut reader).take(size as u64);
        while frame.len() < size {
            if body.read_buf(&mut frame).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        let frame = frame.freeze();
        let correlation = frame.first_chunk().map_or(-1, |id| i32::from_be_bytes(*id));
        let waiter = pending.lock().unwrap_or_else(PoisonError::into_inner).replies.remove(&correlation);
        match waiter {
            Some(waiter) => drop(waiter.send(frame)),
            None => return Err(std::io::Error::other("an answer that nobody asked for")),
        }
    }
}

async fn write_all(
    mut writer: Writer,
    mut queue: mpsc::UnboundedReceiver<Outgoing>,
    throttle: Arc<Throttle>,
) -> std::io::Result<()> {
    let mut unflushed = Vec::new();
    while let Some(Outgoing { mut rope, written }) = queue.recv().await {
        if throttle.until().is_some() {
            writer.flush().await?;
            throttle.over().await;
        }
        while !rope.is_empty() {
            let sent = {
                let pieces: Vec<Bytes> =
                    rope.segments().take(SLICES_PER_WRITE).filter_map(in_memory).collect();
                let slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
                writer.write_vectored(&slices).await?
            };
            if sent == 0 {
                return Err(std::io::ErrorKind::WriteZero.into());
            }
            rope.advance(sent);
        }
        unflushed.extend(written);
        if queue.is_empty() {
            writer.flush().await?;
            // Who went away need not know.
            for written in unflushed.drain(..) {
                let _ = oneshot::Sender::send(written, ());
            }
        }
    }
    Ok(())
}

/// A client's requests hold no files.
fn in_memory(segment: &Segment) -> Option<Bytes> {
    match segment {
        Segment::Bytes(bytes) => Some(bytes.clone()),
        Segment::File(_) => None,
    }
}
