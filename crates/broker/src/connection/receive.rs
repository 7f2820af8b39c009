//! Reading: when more may come in, and whose memory it takes.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use net::Reservation;
use tokio::io::Interest;

use super::{Connection, End, REQUESTS_IN_FLIGHT_MAX};
use crate::Broker;
use crate::connections::Slot;

/// Frames up to this size are not counted against the broker's memory budget.
pub(super) const UNCOUNTED_FRAME_BYTES: usize = 16 * 1024;

/// Nor are they while those of a connection are no more than this together.
const UNCOUNTED_FRAMES_BYTES: usize = 64 * 1024;

/// How long a frame that grows waits for memory before it has slow senders closed …
const PATIENCE: Duration = Duration::from_secs(1);
/// … which are those whose frame began this long ago and is not there yet.
const SLOW: Duration = Duration::from_secs(10);

impl Connection {
    /// Reads once, if more may come in.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if self.running.is_some() && self.info.parked.waits() && self.stream.poll_read_ready(cx).is_ready() {
            self.info.parked.interrupt();
            return Ok(true);
        }
        if self.at_end || self.running.is_some() || self.held.is_some() || !self.outgoing.is_empty() {
            return Ok(false);
        }
        if self.is_muted(cx) {
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
        let max = self.frame_max_bytes();
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
        let uncounted = self.replies.iter().map(|(_, ticket)| ticket.uncounted).sum();
        let needed = memory_needed(self.frames.len(), uncounted);
        let is_granted = self.poll_reserve(cx, needed);
        if is_granted && needed > 0 {
            // The next request has it; its answer leaves behind theirs.
            self.replies.iter_mut().for_each(|(_, ticket)| ticket.uncounted = 0);
        }
        is_granted
    }

    /// Whether the frame that is there may be taken: a large one that one read has brought whole has no memory reserved yet.
    pub(super) fn poll_whole(&mut self, cx: &mut Context<'_>) -> bool {
        match self.frames.whole(self.frame_max_bytes()) {
            Some(size) if size > UNCOUNTED_FRAME_BYTES => self.poll_reserve(cx, size),
            _ => true,
        }
    }

    fn poll_reserve(&mut self, cx: &mut Context<'_>, needed: usize) -> bool {
        if let Some(wanted) = &mut self.memory_wanted {
            let Poll::Ready(granted) = wanted.as_mut().poll(cx) else { return false };
            self.memory_wanted = None;
            let Some(memory) = granted else {
                // The rest of its frame will not be read: what that had is others'.
                self.at_end = true;
                return false;
            };
            self.memory = memory;
        }
        if needed == 0 || self.info.broker.memory.try_grow(&mut self.memory, needed) {
            return true;
        }
        let memory = std::mem::take(&mut self.memory);
        let slot = Arc::clone(&self.info.slot);
        self.memory_wanted = Some(Box::pin(grown(Arc::clone(&self.info.broker), slot, memory, needed)));
        self.poll_reserve(cx, needed)
    }
}

/// The memory, once there is enough; none if the connection is ended meanwhile: it looks at its socket no more.
async fn grown(
    broker: Arc<Broker>,
    slot: Arc<Slot>,
    mut memory: Reservation,
    needed: usize,
) -> Option<Reservation> {
    let is_granted = {
        // One wait, however often it is looked for slow ones: its turn comes.
        let mut growing = pin!(broker.memory.grow(&mut memory, needed));
        loop {
            tokio::select! {
                () = &mut growing => break true,
                () = slot.until_shut() => break false,
                () = tokio::time::sleep(PATIENCE) => broker.connections.close_slow(SLOW),
            }
        }
    };
    is_granted.then_some(memory)
}

/// What must be reserved before more is read: for the frame being received, unless it is small, and for the small ones whose
/// answers are to come, once they are many.
fn memory_needed(received: usize, uncounted: usize) -> usize {
    let frame = received.saturating_mul(2);
    let frame = if frame > UNCOUNTED_FRAME_BYTES { frame } else { 0 };
    frame + if uncounted > UNCOUNTED_FRAMES_BYTES { uncounted } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_frames_cost_nothing_until_they_are_many() {
        const KIB: usize = 1024;
        for (received, uncounted, needed) in [
            (0, 0, 0),
            (8 * KIB, 64 * KIB, 0),
            (8 * KIB + 1, 64 * KIB, 16 * KIB + 2),
            (0, 64 * KIB + 1, 64 * KIB + 1),
            (100 * KIB, 100 * KIB, 300 * KIB),
        ] {
            assert_eq!(memory_needed(received, uncounted), needed, "{received} {uncounted}");
        }
    }
}
