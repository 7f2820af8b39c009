//! What is with the application: partitions read apart, what was acknowledged, who waits and who is at work.

use std::task::Waker;
use std::time::{Duration, Instant};

use super::{Chunk, Partition, State, keep};
use crate::TopicPartition;

impl State {
    /// As [`State::take`], for the reader of one partition.
    pub(in crate::consumer) fn take_of(&mut self, partition: &TopicPartition) -> Option<(u64, i64, Chunk)> {
        let known = self.partitions.get_mut(partition).filter(|known| !known.is_paused && !self.is_held)?;
        let chunk = known.buffer.pop_front()?;
        known.buffered_bytes -= chunk.size();
        self.buffered_bytes -= chunk.size();
        let taken = (known.era, known.position.unwrap_or(0), chunk);
        if known.buffer.is_empty() {
            self.turn.retain(|waiting| waiting != partition);
        }
        Some(taken)
    }

    /// The reader of one partition came back: what it was given is processed, unless acknowledgements say so.
    pub(in crate::consumer) fn came_back(&mut self, partition: &TopicPartition, tenure: u64) {
        if let Some(known) = self.returned(partition, tenure) {
            known.processed = known.position;
        }
    }

    /// The reader of one partition went away without coming back: what it was given last is given again.
    pub(in crate::consumer) fn went_away(&mut self, partition: &TopicPartition, tenure: u64) {
        if let Some(known) = self.returned(partition, tenure) {
            known.position = known.processed;
            self.refetch(partition);
        }
    }

    /// Nothing of the partition is lent any more. Returns it if it was, and no acknowledgement says what is processed.
    fn returned(&mut self, partition: &TopicPartition, tenure: u64) -> Option<&mut Partition> {
        let known = self.partitions.get_mut(partition).filter(|known| known.tenure == tenure);
        let was_lent = known.is_some_and(|known| known.lent_at.take().is_some());
        self.has_yielded = !self.is_anything_lent();
        if was_lent && !self.commits_acked { self.partitions.get_mut(partition) } else { None }
    }

    /// The group goes on without this member: remembers it if the application is at work on what it was given.
    pub(in crate::consumer) fn lose_work(&mut self) {
        let is_at_work = |known: &Partition| match self.commits_acked {
            true => !known.acks.is_empty(),
            false => known.position != known.processed,
        };
        self.has_lost_work |= self.partitions.values().any(is_at_work);
    }

    /// Whether a commit would leave out what the application has been at work on. Readers of their own are told once.
    pub(in crate::consumer) fn commits_in_vain(&mut self) -> bool {
        let in_vain = self.has_lost_work;
        self.has_lost_work &= !self.is_split;
        in_vain
    }

    /// A partition that no reader serves gets one; returns it with its tenure.
    pub(in crate::consumer) fn claim_reader(&mut self) -> Option<(TopicPartition, u64)> {
        let (partition, known) = self.partitions.iter_mut().find(|(_, known)| !known.has_reader)?;
        known.has_reader = true;
        Some((partition.clone(), known.tenure))
    }

    /// A reader went away; another may come.
    pub(in crate::consumer) fn release_reader(&mut self, partition: &TopicPartition, tenure: u64) {
        if let Some(known) = self.partitions.get_mut(partition).filter(|known| known.tenure == tenure) {
            known.has_reader = false;
            known.waker = None;
            self.wake_application();
        }
    }

    /// Whether the partition is still held as it was when its reader came.
    pub(in crate::consumer) fn is_tenant(&self, partition: &TopicPartition, tenure: u64) -> bool {
        self.partitions.get(partition).is_some_and(|known| known.tenure == tenure)
    }

    /// Drops what was fetched beyond the position, and fetches it again.
    pub(in crate::consumer) fn refetch(&mut self, partition: &TopicPartition) {
        self.drop_buffer(partition);
        self.eras += 1;
        let Some(known) = self.partitions.get_mut(partition) else { return };
        known.era = self.eras;
        known.fetch_from = known.position.unwrap_or(known.fetch_from);
    }

    /// Whether a reader's task works on what it was given.
    pub(in crate::consumer) fn is_anything_lent(&self) -> bool {
        self.partitions.values().any(|known| known.lent_at.is_some())
    }

    /// The reader of one partition waits for its records.
    pub(in crate::consumer) fn wait_for(&mut self, partition: &TopicPartition, waker: &Waker) {
        if let Some(known) = self.partitions.get_mut(partition) {
            keep(&mut known.waker, waker);
        }
    }

    /// Nobody waits for records any more.
    pub(in crate::consumer) fn wait_no_more(&mut self, now: Instant) {
        if self.waker.take().is_some() {
            self.last_poll = now;
        }
    }

    /// Whether the application has been at work on what it was given for longer than `most`. Who waits for records is not.
    pub(in crate::consumer) fn is_away_longer_than(&self, most: Duration) -> bool {
        if self.is_split {
            return self.partitions.values().filter_map(|known| known.lent_at).any(|at| at.elapsed() > most);
        }
        self.waker.is_none() && self.last_poll.elapsed() > most
    }

    /// Records or a batch are done with. Returns whether the partition is still read from where they came.
    pub(in crate::consumer) fn acknowledge(
        &mut self,
        partition: &TopicPartition,
        course: u64,
        upto: i64,
    ) -> bool {
        let known = self.partitions.get_mut(partition).filter(|known| known.acks.course() == course);
        let Some(known) = known else { return false };
        if let Some(done) = known.acks.acknowledge(upto) {
            assert!(
                known.position.is_some_and(|position| done <= position),
                "only what was handed out is done with"
            );
            known.processed = if known.acks.is_empty() { known.position } else { Some(done) };
        }
        true
    }
}
