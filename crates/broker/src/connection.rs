//! One client's connection: frames in, answers out, in the order of the requests.
//!
//! A request runs alone, but for produce requests: while the answers of some are still to come, the next may pass its ordered stage.
//! Answers leave in the order of the requests whatever order they are ready in, many by one write.
//!
//! ```text
//!            ┌────────┐  ordered  ┌─────────────────┐  in order  ┌──────────┐
//! frames ──► │ running│ ────────► │ replies (queue) │ ─────────► │ outgoing │ ──► socket
//!            └────────┘           └─────────────────┘            └──────────┘
//! ```
//!
//! Idle, it is a task that waits for its socket and holds no buffer. A peer that does not read stops being read from.

mod ticket;

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use net::{FrameBuffer, Outgoing, Reservation, WriteProgress};
use tokio::io::Interest;
use tokio::net::TcpStream;
use wire::{ApiKey, Decoder, Rope, frame};

use crate::accounting::{Account, Party};
use crate::cluster;
use crate::dispatch::{self, Later, Outcome, Row};
use crate::metrics::Stamps;
use crate::request::{ConnectionInfo, RequestContext};
use base::limits::UNSENT_BYTES_MAX;
use ticket::Ticket;

/// Requests of one connection whose answers may be outstanding.
const REQUESTS_IN_FLIGHT_MAX: usize = 64;
/// Frames up to this size are not counted against the broker's memory budget.
const UNCOUNTED_FRAME_BYTES: usize = 16 * 1024;

/// How long a frame that grows waits for memory before it has slow senders closed …
const PATIENCE: Duration = Duration::from_secs(1);
/// … which are those whose frame began this long ago and is not there yet.
const SLOW: Duration = Duration::from_secs(10);

/// Why a connection ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The peer closed it, or we did while it idled.
    Closed,
    /// The socket failed.
    Failed(io::Error),
    /// The peer sent what gets no answer.
    Refused(String),
}

/// Serves one connection until it ends.
pub(crate) async fn serve(stream: Arc<TcpStream>, info: Arc<ConnectionInfo>) -> End {
    let mut connection = Connection::new(stream, info);
    poll_fn(|cx| connection.poll(cx)).await
}

/// A request parsed, not started.
struct Parsed {
    row: &'static Row,
    ctx: RequestContext,
    decoder: Decoder,
    ticket: Ticket,
}

/// An answer, or the promise of one.
enum Reply {
    Ready(Rope, Reservation),
    Silent,
    Later(Later),
}

struct Connection {
    stream: Arc<TcpStream>,
    info: Arc<ConnectionInfo>,
    account: Option<(Party, Arc<Account>)>,
    frames: FrameBuffer,
    /// Memory reserved for the frame being received.
    memory: Reservation,
    memory_wanted: Option<Pin<Box<dyn Future<Output = Reservation> + Send>>>,
    running: Option<(Later, Ticket)>,
    held: Option<Box<Parsed>>,
    replies: VecDeque<(Reply, Ticket)>,
    outgoing: Outgoing<Ticket>,
    received: Instant,
    /// The peer sends no more.
    at_end: bool,
}

impl Connection {
    fn new(stream: Arc<TcpStream>, info: Arc<ConnectionInfo>) -> Self {
        Self {
            stream,
            info,
            account: None,
            frames: FrameBuffer::default(),
            memory: Reservation::default(),
            memory_wanted: None,
            running: None,
            held: None,
            replies: VecDeque::new(),
            outgoing: Outgoing::default(),
            received: Instant::now(),
            at_end: false,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            match self.turn(cx) {
                Ok(true) => {}
                Ok(false) if self.at_end && self.is_quiet() => return Poll::Ready(End::Closed),
                Ok(false) => {
                    self.settle();
                    return Poll::Pending;
                }
                Err(end) => return Poll::Ready(end),
            }
        }
    }

    /// Does what can be done now; `false` if nothing could, and wakers stand for everything waited for.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let mut moved = self.poll_running(cx)?;
        moved |= self.start_requests(cx)?;
        moved |= self.poll_replies(cx)?;
        moved |= self.poll_write(cx)?;
        moved |= self.poll_read(cx)?;
        Ok(moved)
    }

    /// Whether nothing is in progress.
    fn is_quiet(&self) -> bool {
        self.running.is_none() && self.held.is_none() && self.replies.is_empty() && self.outgoing.is_empty()
    }

    /// Gives back what an idle connection need not hold.
    fn settle(&mut self) {
        if self.is_quiet() {
            self.frames.release();
            self.outgoing.release();
            if self.replies.capacity() > 0 {
                self.replies = VecDeque::new();
            }
        }
    }

    fn poll_running(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let Some((running, _)) = &mut self.running else { return Ok(false) };
        let Poll::Ready(outcome) = running.as_mut().poll(cx) else { return Ok(false) };
        let Some((_, mut ticket)) = self.running.take() else { return Ok(false) };
        ticket.stamps.ordered();
        let reply = match outcome {
            Outcome::Answer(rope, memory) => Reply::Ready(rope, memory),
            Outcome::Silent => Reply::Silent,
            Outcome::Later(later) => Reply::Later(later),
            Outcome::Close(reason) => return Err(End::Refused(reason)),
        };
        self.replies.push_back((reply, ticket));
        Ok(true)
    }

    /// Moves answers from the front of the queue to the socket's.
    fn poll_replies(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let mut moved = false;
        while let Some((reply, _)) = self.replies.front_mut() {
            if let Reply::Later(later) = reply {
                let Poll::Ready(outcome) = later.as_mut().poll(cx) else { break };
                *reply = match outcome {
                    Outcome::Answer(rope, memory) => Reply::Ready(rope, memory),
                    Outcome::Silent => Reply::Silent,
                    Outcome::Later(again) => Reply::Later(again),
                    Outcome::Close(reason) => return Err(End::Refused(reason)),
                };
                continue;
            }
            let Some((reply, mut ticket)) = self.replies.pop_front() else { break };
            moved = true;
            ticket.stamps.committed();
            match reply {
                Reply::Ready(rope, memory) => {
                    // The request's own memory is free; the answer's takes its place.
                    ticket._memory = memory;
                    ticket.stamps.bytes_out = rope.len();
                    self.outgoing.push(rope, ticket);
                }
                Reply::Silent | Reply::Later(_) => ticket.close(&self.info.broker.metrics),
            }
        }
        Ok(moved)
    }

    /// Starts requests that were received, as far as they may run now.
    fn start_requests(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let mut moved = false;
        while self.running.is_none()
            && self.replies.len() < REQUESTS_IN_FLIGHT_MAX
            && self.outgoing.bytes() < UNSENT_BYTES_MAX
        {
            let parsed = match self.held.take() {
                Some(parsed) => parsed,
                None => match self.next_request()? {
                    Some(parsed) => Box::new(parsed),
                    None => break,
                },
            };
            if !parsed.row.staged && !self.replies.is_empty() {
                self.held = Some(parsed);
                break;
            }
            moved = true;
            let Parsed { row, ctx, decoder, mut ticket } = *parsed;
            ticket.stamps.started();
            self.running = Some(((row.run)(ctx, decoder), ticket));
            self.poll_running(cx)?;
            self.poll_replies(cx)?;
        }
        Ok(moved)
    }

    fn next_request(&mut self) -> Result<Option<Parsed>, End> {
        let max = self.info.broker.config.network.request_max_bytes;
        match self.frames.next_frame(max) {
            Ok(None) => Ok(None),
            Ok(Some(body)) => self.parse(body).map(Some),
            Err(error) => Err(End::Refused(error.to_string())),
        }
    }

    fn parse(&mut self, body: Bytes) -> Result<Parsed, End> {
        let bytes_in = body.len();
        if self.info.listener.config.is_controllers && cluster::is_own(&body) {
            return self.parse_own(body);
        }
        let (header, key, decoder) = frame::decode_request_header(body)
            .map_err(|error| End::Refused(format!("cannot read header: {error}")))?;
        let refused = || {
            let (api, version) = (header.request_api_key, header.request_api_version);
            End::Refused(format!(
                "Received request for api with key {api} ({key:?}) and unsupported version {version}"
            ))
        };
        let row = dispatch::row_on(&self.info.listener.config, key).ok_or_else(refused)?;
        let version_is_served = row.versions.contains(&header.request_api_version);
        if !version_is_served && key != ApiKey::ApiVersions {
            return Err(refused());
        }
        let client_id = header.client_id.unwrap_or_default();
        let (ticket, mut ctx) = self.admit(row, client_id, header.correlation_id, bytes_in);
        (ctx.version, ctx.version_is_served) = (header.request_api_version, version_is_served);
        Ok(Parsed { row, ctx, decoder, ticket })
    }

    /// A message between nodes of the cluster.
    fn parse_own(&mut self, body: Bytes) -> Result<Parsed, End> {
        let row = cluster::row(&body)
            .ok_or_else(|| End::Refused("a message of a later Mekong's between nodes".to_owned()))?;
        let (ticket, ctx) = self.admit(row, base::Str::default(), cluster::correlation_id(&body), body.len());
        Ok(Parsed { row, ctx, decoder: Decoder::new(cluster::body(body)), ticket })
    }

    /// What goes with a request of version 0 until its answer has left.
    fn admit(
        &mut self,
        row: &'static Row,
        client_id: base::Str,
        correlation_id: i32,
        bytes_in: usize,
    ) -> (Ticket, RequestContext) {
        let ticket = Ticket {
            stamps: Stamps::received(self.received),
            key: row.key,
            account: self.account(&client_id),
            bytes_in,
            _memory: std::mem::take(&mut self.memory),
        };
        let ctx = RequestContext {
            connection: Arc::clone(&self.info),
            key: row.key,
            version: 0,
            correlation_id,
            client_id,
            received: self.received,
            bytes_in,
            memory: Default::default(),
            version_is_served: true,
            needs: row.needs,
        };
        (ticket, ctx)
    }

    /// The account of the client id; looked up when it changes, which it does not.
    fn account(&mut self, client_id: &base::Str) -> Arc<Account> {
        match &self.account {
            Some((party, account)) if party.client_id == *client_id => Arc::clone(account),
            _ => {
                let party = Party { principal: self.info.principal.clone(), client_id: client_id.detached() };
                let account = self.info.broker.accounts.of(&party);
                self.account = Some((party, Arc::clone(&account)));
                account
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let mut moved = false;
        while !self.outgoing.is_empty() {
            if self.stream.poll_write_ready(cx).map_err(End::Failed)?.is_pending() {
                break;
            }
            let progress = self.outgoing.write(&self.stream).map_err(End::Failed)?;
            moved |= progress == WriteProgress::Done;
            self.info.slot.writes(progress == WriteProgress::Blocked);
        }
        while let Some(ticket) = self.outgoing.pop_sent() {
            moved = true;
            ticket.close(&self.info.broker.metrics);
        }
        Ok(moved)
    }

    /// Reads once, if more may come in.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if self.running.is_some() && self.info.parked.waits() && self.stream.poll_read_ready(cx).is_ready() {
            self.info.parked.interrupt();
            return Ok(true);
        }
        if self.at_end || self.running.is_some() || self.held.is_some() || !self.outgoing.is_empty() {
            return Ok(false);
        }
        if self.replies.len() >= REQUESTS_IN_FLIGHT_MAX || !self.poll_memory(cx) {
            return Ok(false);
        }
        if self.stream.poll_read_ready(cx).map_err(End::Failed)?.is_pending() {
            return Ok(false);
        }
        match self.read_once() {
            Ok(0) => self.at_end = true,
            Ok(_) => {
                self.received = Instant::now();
                self.info.slot.touch(self.received);
                self.info.slot.receives(self.frames.len() > UNCOUNTED_FRAME_BYTES);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(End::Failed(error)),
        }
        Ok(true)
    }

    /// One read. A short one has emptied the socket, so its readiness is spent without asking the kernel again.
    fn read_once(&mut self) -> io::Result<usize> {
        let max = self.info.broker.config.network.request_max_bytes;
        let room = self.frames.room(max).map_err(io::Error::other)?;
        let free = room.capacity() - room.len();
        let mut outcome = Err(io::ErrorKind::WouldBlock.into());
        let stream = &self.stream;
        let spent = stream.try_io(Interest::READABLE, || {
            outcome = stream.try_read_buf(room);
            match &outcome {
                Ok(count) if *count > 0 && *count < free => Err(io::ErrorKind::WouldBlock.into()),
                _ => Ok(()),
            }
        });
        drop(spent);
        outcome
    }

    /// Whether the frame being received may take more memory.
    fn poll_memory(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(wanted) = &mut self.memory_wanted {
            let Poll::Ready(memory) = wanted.as_mut().poll(cx) else { return false };
            self.memory = memory;
            self.memory_wanted = None;
        }
        let needed = self.frames.len().saturating_mul(2);
        if needed <= UNCOUNTED_FRAME_BYTES || self.info.broker.memory.try_grow(&mut self.memory, needed) {
            return true;
        }
        let (budget, mut memory) = (self.info.broker.memory.clone(), std::mem::take(&mut self.memory));
        let connections = Arc::clone(&self.info.broker.connections);
        self.memory_wanted = Some(Box::pin(async move {
            while tokio::time::timeout(PATIENCE, budget.grow(&mut memory, needed)).await.is_err() {
                connections.close_slow(SLOW);
            }
            memory
        }));
        self.poll_memory(cx)
    }
}
