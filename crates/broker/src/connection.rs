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

mod ending;
mod mute;
mod parse;
mod receive;
#[cfg(test)]
mod tests;
mod ticket;

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use net::{FrameBuffer, Outgoing, Reservation, WriteProgress};
use tokio::net::TcpStream;
use wire::Rope;

use crate::accounting::{Account, Party};
use crate::dispatch::{Answer, Later, Outcome};
use crate::request::ConnectionInfo;
use base::limits::UNSENT_BYTES_MAX;
use ending::Ending;
use mute::Muted;
use parse::Parsed;
use ticket::Ticket;

/// Requests of one connection whose answers may be outstanding.
const REQUESTS_IN_FLIGHT_MAX: usize = 64;

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
    memory_wanted: Option<Pin<Box<dyn Future<Output = Option<Reservation>> + Send>>>,
    running: Option<(Later, Ticket)>,
    held: Option<Box<Parsed>>,
    replies: VecDeque<(Reply, Ticket)>,
    outgoing: Outgoing<Ticket>,
    received: Instant,
    /// Until when nothing more is read or started: the client is over its quota.
    muted: Muted,
    /// The peer sends no more.
    at_end: bool,
    /// Why it ends, once the answers before that have left.
    ending: Option<Ending>,
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
            muted: Muted::default(),
            at_end: false,
            ending: None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            match self.turn(cx) {
                Ok(true) => {}
                Ok(false) if self.at_end && self.is_quiet() && !self.muted.stands() => {
                    return Poll::Ready(End::Closed);
                }
                Ok(false) => {
                    self.settle();
                    return Poll::Pending;
                }
                Err(end) => {
                    if let Some(end) = self.end_after_answers(end) {
                        return Poll::Ready(end);
                    }
                }
            }
        }
    }

    /// Does what can be done now; `false` if nothing could, and wakers stand for everything waited for.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if self.ending.is_some() {
            return self.poll_ending(cx);
        }
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
        let waited = if let Outcome::Answer(answer) = &outcome { answer.waited } else { None };
        ticket.stamps.ordered(waited.unwrap_or_else(Instant::now));
        let reply = self.take(outcome)?;
        self.replies.push_back((reply, ticket));
        Ok(true)
    }

    /// What becomes of an outcome; one that tells its client to wait mutes the connection.
    fn take(&mut self, outcome: Outcome) -> Result<Reply, End> {
        Ok(match outcome {
            Outcome::Answer(Answer { rope, memory, throttle, .. }) => {
                self.mute(throttle);
                Reply::Ready(rope, memory)
            }
            Outcome::Silent(throttle) => {
                self.mute(throttle);
                Reply::Silent
            }
            Outcome::Later(later) => Reply::Later(later),
            Outcome::Close(reason) => return Err(End::Refused(reason)),
        })
    }

    /// Moves answers from the front of the queue to the socket's.
    fn poll_replies(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let mut moved = false;
        while let Some((reply, _)) = self.replies.front_mut() {
            if let Reply::Later(later) = reply {
                let Poll::Ready(outcome) = later.as_mut().poll(cx) else { break };
                let taken = match self.take(outcome) {
                    Ok(taken) => taken,
                    Err(end) => {
                        // What stands before it has its answer; what stands behind it does not.
                        self.replies.clear();
                        self.running = None;
                        return Err(end);
                    }
                };
                if let Some((reply, _)) = self.replies.front_mut() {
                    *reply = taken;
                }
                continue;
            }
            let Some((reply, mut ticket)) = self.replies.pop_front() else { break };
            moved = true;
            ticket.stamps.committed();
            match reply {
                Reply::Ready(rope, memory) => {
                    // The request's own memory is free; the answer's takes its place.
                    ticket._memory = memory;
                    ticket.uncounted = 0;
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
            && !self.is_muted(cx)
            && self.replies.len() < REQUESTS_IN_FLIGHT_MAX
            && self.outgoing.bytes() < UNSENT_BYTES_MAX
        {
            let parsed = match self.held.take() {
                Some(parsed) => parsed,
                None if !self.poll_whole(cx) => break,
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
            let Parsed { row, mut ctx, decoder, mut ticket } = *parsed;
            ctx.started = Instant::now();
            ticket.stamps.started(ctx.started);
            self.running = Some(((row.run)(ctx, decoder), ticket));
            self.poll_running(cx)?;
            self.poll_replies(cx)?;
        }
        Ok(moved)
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
            if progress == WriteProgress::Paused {
                // Others first; this one is called again behind them.
                cx.waker().wake_by_ref();
                break;
            }
        }
        while let Some(ticket) = self.outgoing.pop_sent() {
            moved = true;
            ticket.close(&self.info.broker.metrics);
        }
        Ok(moved)
    }
}
