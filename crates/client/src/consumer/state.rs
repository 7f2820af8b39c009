//! What a consumer knows of its partitions: positions, what is buffered, what may be handed out. Pure but for its wakers.
//!
//! Three offsets matter per partition: `position`, behind the last record handed out; `processed`, the position when the
//! application last came back for more, so that what lies before it is done with, or what it acknowledged where it commits by
//! acknowledging; `fetch_from`, behind the last batch buffered.
//! Always `processed ≤ position ≤ fetch_from`. A seek or a revocation raises the partition's `era`; what was fetched in an earlier
//! era is dropped.

mod lending;

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;
use std::time::Instant;

use super::acks::Acks;
use super::chunk::Chunk;
use super::error::ConsumeError;
use crate::TopicPartition;

/// Where a partition without position shall begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// What the group committed, or else `auto.offset.reset`.
    Committed,
    /// `auto.offset.reset`.
    Reset,
    /// The first record there is.
    Earliest,
    /// Behind the last record there is.
    Latest,
    /// The first record of this time or later, in milliseconds since 1970; the end if there is none.
    Timestamp(i64),
    /// This offset.
    Offset(i64),
    /// This many records before the end.
    Tail(i64),
}

#[derive(Debug)]
pub(super) struct Partition {
    /// `None` until it is resolved.
    pub(super) position: Option<i64>,
    pub(super) start: StartAt,
    pub(super) processed: Option<i64>,
    /// The last offset committed by this consumer.
    pub(super) committed: Option<i64>,
    /// Of the last record handed out, for commits.
    pub(super) leader_epoch: i32,
    pub(super) is_paused: bool,
    pub(super) era: u64,
    /// Set once, when the partition came: tells this assignment from an earlier one.
    pub(super) tenure: u64,
    /// What was handed out and is not acknowledged; empty unless commits follow acknowledgements.
    pub(super) acks: Acks,
    /// A reader of its own serves it, in a consumer that was split.
    pub(super) has_reader: bool,
    /// Since when that reader's task works on what it was given.
    pub(super) lent_at: Option<Instant>,
    waker: Option<Waker>,
    fetch_from: i64,
    buffer: VecDeque<Chunk>,
    /// How many batches it may still hand out before the others have their turn.
    in_turn: usize,
    buffered_bytes: usize,
    /// `None` until a fetch told.
    pub(super) high_watermark: Option<i64>,
    pub(super) log_start: Option<i64>,
    /// Not fetched before this, after an error.
    pub(super) not_before: Option<Instant>,
}

impl Partition {
    fn new(start: StartAt, era: u64) -> Self {
        Self {
            position: None,
            start,
            processed: None,
            committed: None,
            leader_epoch: -1,
            is_paused: false,
            era,
            tenure: era,
            acks: Acks::new(era),
            has_reader: false,
            lent_at: None,
            waker: None,
            fetch_from: 0,
            buffer: VecDeque::new(),
            in_turn: 0,
            buffered_bytes: 0,
            high_watermark: None,
            log_start: None,
            not_before: None,
        }
    }
}

/// A partition that wants records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fetchable {
    pub(super) partition: TopicPartition,
    pub(super) offset: i64,
    pub(super) era: u64,
}

/// How a position moves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Advance {
    pub(super) position: i64,
    /// Of the batch that is passed.
    pub(super) leader_epoch: i32,
    /// Whether the application was given records.
    pub(super) is_handed_out: bool,
}

#[derive(Debug)]
pub(super) struct State {
    partitions: BTreeMap<TopicPartition, Partition>,
    /// Partitions with something buffered, in the order in which they are served.
    turn: VecDeque<TopicPartition>,
    eras: u64,
    buffered_bytes: usize,
    waker: Option<Waker>,
    errors: VecDeque<ConsumeError>,
    /// A rebalance wants the application to come back before it goes on, and nothing is handed out meanwhile.
    pub(super) is_held: bool,
    /// The application has come back since the hold began.
    pub(super) has_yielded: bool,
    pub(super) last_poll: Instant,
    pub(super) is_closed: bool,
    /// Offsets are committed as they are acknowledged.
    pub(super) commits_acked: bool,
    /// Each partition has a reader of its own.
    pub(super) is_split: bool,
    /// The group went on without this member while the application was at work on records.
    pub(super) has_lost_work: bool,
}

impl State {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            partitions: BTreeMap::new(),
            turn: VecDeque::new(),
            eras: 0,
            buffered_bytes: 0,
            waker: None,
            errors: VecDeque::new(),
            is_held: false,
            has_yielded: false,
            last_poll: now,
            is_closed: false,
            commits_acked: false,
            is_split: false,
            has_lost_work: false,
        }
    }

    pub(super) fn partitions(&self) -> impl Iterator<Item = (&TopicPartition, &Partition)> {
        self.partitions.iter()
    }

    pub(super) fn get(&self, partition: &TopicPartition) -> Option<&Partition> {
        self.partitions.get(partition)
    }

    pub(super) fn get_mut(&mut self, partition: &TopicPartition) -> Option<&mut Partition> {
        self.partitions.get_mut(partition)
    }

    /// Begins to read a partition; one that is read already goes on as it is.
    pub(super) fn add(&mut self, partition: TopicPartition, start: StartAt) {
        self.eras += 1;
        let era = self.eras;
        self.partitions.entry(partition).or_insert_with(|| Partition::new(start, era));
    }

    /// Stops reading a partition and drops what is buffered of it.
    pub(super) fn remove(&mut self, partition: &TopicPartition) {
        self.drop_buffer(partition);
        if let Some(waker) = self.partitions.remove(partition).and_then(|known| known.waker) {
            waker.wake();
        }
    }

    fn drop_buffer(&mut self, partition: &TopicPartition) {
        let Some(known) = self.partitions.get_mut(partition) else { return };
        self.buffered_bytes -= known.buffered_bytes;
        known.buffered_bytes = 0;
        known.in_turn = 0;
        known.buffer.clear();
        self.turn.retain(|waiting| waiting != partition);
    }

    /// Moves the position; `start` other than an offset is resolved later.
    pub(super) fn seek(&mut self, partition: &TopicPartition, start: StartAt) -> bool {
        self.drop_buffer(partition);
        self.eras += 1;
        let Some(known) = self.partitions.get_mut(partition) else { return false };
        known.era = self.eras;
        known.acks = Acks::new(self.eras);
        known.start = start;
        known.position = None;
        known.not_before = None;
        if let StartAt::Offset(offset) = start {
            self.resolve(partition, self.eras, offset);
        }
        true
    }

    /// Sets the position of a partition that had none. Ignored if it was sought or revoked meanwhile.
    pub(super) fn resolve(&mut self, partition: &TopicPartition, era: u64, offset: i64) {
        let Some(known) = self.partitions.get_mut(partition).filter(|known| known.era == era) else { return };
        known.position = Some(offset);
        known.processed = Some(offset);
        known.fetch_from = offset;
    }

    /// The partitions without position, with where they shall begin.
    pub(super) fn unresolved(&self, now: Instant) -> Vec<(TopicPartition, u64, StartAt)> {
        let waiting = self.partitions.iter().filter(|(_, known)| known.position.is_none());
        let due = waiting.filter(|(_, known)| known.not_before.is_none_or(|at| at <= now));
        due.map(|(partition, known)| (partition.clone(), known.era, known.start)).collect()
    }

    /// The partitions to fetch: with position, not paused, and with less than `per_partition` bytes buffered; none at all while
    /// `total` bytes are.
    pub(super) fn fetchable(&self, per_partition: usize, total: usize, now: Instant) -> Vec<Fetchable> {
        if self.buffered_bytes >= total {
            return Vec::new();
        }
        let wanting = self.partitions.iter().filter(|(_, known)| {
            known.position.is_some()
                && !known.is_paused
                && known.buffered_bytes < per_partition
                && known.not_before.is_none_or(|at| at <= now)
        });
        let fetchable = wanting.map(|(partition, known)| Fetchable {
            partition: partition.clone(),
            offset: known.fetch_from,
            era: known.era,
        });
        fetchable.collect()
    }

    /// The earliest time at which a partition that waits after an error is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.partitions.values().filter_map(|known| known.not_before).min()
    }

    /// Takes in batches fetched from `fetched.offset` on.
    pub(super) fn buffer(&mut self, fetched: &Fetchable, chunks: Vec<Chunk>) {
        let known = self.partitions.get_mut(&fetched.partition);
        let Some(known) =
            known.filter(|known| known.era == fetched.era && known.fetch_from == fetched.offset)
        else {
            return;
        };
        let Some(last) = chunks.last() else { return };
        known.fetch_from = last.next_offset();
        let bytes: usize = chunks.iter().map(Chunk::size).sum();
        known.buffered_bytes += bytes;
        self.buffered_bytes += bytes;
        if known.buffer.is_empty() {
            self.turn.push_back(fetched.partition.clone());
        }
        known.buffer.extend(chunks);
        match known.waker.take() {
            Some(reader) => reader.wake(),
            None if self.is_split => {}
            None => self.wake_application(),
        }
    }

    /// Takes the next batch to hand out, with the offset from which on its records are new.
    pub(super) fn take(&mut self) -> Option<(TopicPartition, u64, i64, Chunk)> {
        if self.is_held {
            return None;
        }
        for _ in 0..self.turn.len() {
            let partition = self.turn.pop_front()?;
            let Some(known) = self.partitions.get_mut(&partition) else { continue };
            if known.is_paused {
                self.turn.push_back(partition);
                continue;
            }
            // Neighbouring records stay together, but what is fetched meanwhile waits until the others had their turn.
            if known.in_turn == 0 {
                known.in_turn = known.buffer.len();
            }
            let Some(chunk) = known.buffer.pop_front() else { continue };
            known.in_turn -= 1;
            known.buffered_bytes -= chunk.size();
            self.buffered_bytes -= chunk.size();
            match (known.buffer.is_empty(), known.in_turn) {
                (true, _) => {}
                (false, 0) => self.turn.push_back(partition.clone()),
                (false, _) => self.turn.push_front(partition.clone()),
            }
            return Some((partition, known.era, known.position.unwrap_or(0), chunk));
        }
        None
    }

    /// Whether records of `era` may still be handed out.
    pub(super) fn is_current(&self, partition: &TopicPartition, era: u64) -> bool {
        self.partitions.get(partition).is_some_and(|known| known.era == era)
    }

    /// Moves the position behind what was handed out, or behind what holds nothing for readers.
    pub(super) fn advance(&mut self, partition: &TopicPartition, era: u64, to: Advance) {
        let Some(known) = self.partitions.get_mut(partition).filter(|known| known.era == era) else { return };
        let from = known.position.unwrap_or(to.position);
        assert!(from <= to.position, "a position only grows between seeks");
        known.position = Some(to.position);
        known.leader_epoch = to.leader_epoch;
        let is_all_processed = match self.commits_acked {
            true => known.acks.is_empty(),
            false => known.processed == Some(from),
        };
        match to.is_handed_out {
            true if self.commits_acked => known.acks.lend(from, to.position),
            // What holds nothing for readers is done with, once all before it is.
            false if is_all_processed => known.processed = known.position,
            true | false => {}
        }
    }

    /// The application came back: what it was given before is processed, unless it says so itself.
    pub(super) fn polled(&mut self, now: Instant) {
        self.last_poll = now;
        self.has_yielded = true;
        self.has_lost_work = false;
        for known in self.partitions.values_mut().filter(|_| !self.commits_acked) {
            known.processed = known.position;
        }
    }

    /// Offsets that are processed and not committed yet.
    pub(super) fn uncommitted(&self) -> Vec<(TopicPartition, i64, i32)> {
        let offsets = self.partitions.iter().filter_map(|(partition, known)| {
            let processed = known.processed.filter(|processed| Some(*processed) != known.committed)?;
            Some((partition.clone(), processed, known.leader_epoch))
        });
        offsets.collect()
    }

    /// What a commit by hand commits: all that was handed out, or all that was acknowledged.
    pub(super) fn positions(&self) -> Vec<(TopicPartition, i64, i32)> {
        let done = |known: &Partition| if self.commits_acked { known.processed } else { known.position };
        let offsets = self.partitions.iter();
        offsets
            .filter_map(|(partition, known)| Some((partition.clone(), done(known)?, known.leader_epoch)))
            .collect()
    }

    /// Tells the application, once until it has heard.
    pub(super) fn fail(&mut self, error: ConsumeError) {
        let text = error.to_string();
        if self.errors.iter().all(|known| known.to_string() != text) {
            self.errors.push_back(error);
        }
        self.wake();
    }

    pub(super) fn take_error(&mut self) -> Option<ConsumeError> {
        self.errors.pop_front()
    }

    pub(super) fn wait(&mut self, waker: &Waker) {
        keep(&mut self.waker, waker);
    }

    /// Whoever waits shall look again.
    pub(super) fn wake(&mut self) {
        self.partitions.values_mut().filter_map(|known| known.waker.take()).for_each(Waker::wake);
        self.wake_application();
    }

    fn wake_application(&mut self) {
        if let Some(waker) = self.waker.take() {
            // It has waited until now.
            self.last_poll = Instant::now();
            waker.wake();
        }
    }
}

fn keep(place: &mut Option<Waker>, waker: &Waker) {
    match place {
        Some(known) => known.clone_from(waker),
        None => *place = Some(waker.clone()),
    }
}
