//! One partition's batches in order, with the rules by which they are sent, sent again and given up.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use wire::{ErrorCode, Records};

use super::accumulator::{Attempt, Identity, Settings};
use super::batch::{Batch, BatchId, Place, Stamp};
use super::completion::Appended;
use super::error::ProduceError;
use crate::TopicPartition;
use crate::cluster::retriable_with_refresh;

/// Whether a queue has something to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Now; `since` orders partitions among each other.
    Send {
        /// When the batch was begun.
        since: Instant,
    },
    /// Not before this, or when something under way ends.
    Later(Option<Instant>),
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) batches: VecDeque<Batch>,
    /// Of the next batch sent for the first time.
    next: Option<Stamp>,
    /// The broker has acknowledged a batch with the present id and epoch, so that it knows which number comes next.
    is_established: bool,
    /// The first batch was refused for its number: once nothing is under way, number anew.
    renumber: bool,
    /// How many batches were split.
    splits: u64,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.batches.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The place of the batch to send next, if the rules of order allow one.
    fn next_place(&self) -> Option<usize> {
        match self.batches.front()?.place {
            Place::Retry { .. } => Some(0),
            _ if self.batches.iter().any(|batch| matches!(batch.place, Place::Retry { .. })) => None,
            _ => self.batches.iter().position(|batch| batch.place == Place::Waiting),
        }
    }

    /// `None` for an empty queue.
    pub(super) fn verdict(&self, settings: &Settings, now: Instant, flushing: bool) -> Option<Verdict> {
        self.batches.front()?;
        let in_flight = self.batches.iter().filter(|batch| batch.is_in_flight()).count();
        // A broker that does not know the producer yet takes any number: were the first batch refused (a new partition without
        // leader) and the second taken, they would change places.
        let most = if settings.idempotent && !self.is_established { 1 } else { settings.in_flight_max };
        let place = self.next_place().filter(|_| !self.renumber && in_flight < most);
        let Some((place, batch)) = place.and_then(|place| Some((place, self.batches.get(place)?))) else {
            return Some(Verdict::Later(None));
        };
        let due = match batch.place {
            Place::Retry { not_before } => not_before,
            _ if flushing || place + 1 < self.batches.len() || batch.is_full(settings.batch_size) => now,
            _ => batch.created + settings.linger,
        };
        Some(if due <= now { Verdict::Send { since: batch.created } } else { Verdict::Later(Some(due)) })
    }

    /// The size of what [`Queue::take`] would take.
    pub(super) fn next_size(&self) -> usize {
        self.next_place().and_then(|place| self.batches.get(place)).map_or(0, Batch::size)
    }

    /// Takes the next batch to send; `None` if the identity's epochs are spent.
    pub(super) fn take(&mut self, identity: Option<Identity>) -> Option<(BatchId, Records)> {
        let place = self.next_place()?;
        let batch = self.batches.get_mut(place)?;
        if !batch.is_sealed() {
            let fresh =
                identity.map(|identity| Stamp { id: identity.id, epoch: identity.epoch, sequence: 0 });
            // A new producer id starts at 0; within one id, a partition goes on with its own epoch.
            let stamp = match (self.next, fresh) {
                (Some(next), Some(fresh)) if next.id == fresh.id => Some(next),
                (_, fresh) => {
                    self.is_established = false;
                    fresh
                }
            };
            batch.seal(stamp);
            self.next = stamp.map(|stamp| stamp.next(batch.records));
        }
        batch.place = Place::InFlight;
        batch.attempts += 1;
        Some((batch.id, batch.records()))
    }

    /// Returns whether the metadata should be refreshed.
    pub(super) fn finish(
        &mut self,
        partition: &TopicPartition,
        id: BatchId,
        attempt: Attempt,
        settings: &Settings,
        now: Instant,
        backoff: impl FnOnce(u32) -> Duration,
    ) -> bool {
        let Some(place) = self.batches.iter().position(|batch| batch.id == id) else { return false };
        let Some(batch) = self.batches.get_mut(place) else { return false };
        assert!(batch.is_in_flight(), "only what was sent is answered");
        let is_overdue =
            now >= batch.created + settings.delivery_timeout || batch.attempts > settings.retries;
        let stale = matches!(&attempt, Attempt::Failed(_))
            || matches!(&attempt, Attempt::Refused(code, _) if retriable_with_refresh(*code));
        match judge(&attempt, settings.idempotent) {
            Judgement::Done(appended) => {
                self.is_established |= same_epoch(batch.stamp, self.next);
                self.end(place, Ok(appended));
            }
            Judgement::Again if !is_overdue => {
                if let Attempt::Failed(error) = attempt {
                    batch.possibly_written |= error.is_outcome_unknown();
                    batch.last_error = Some(error);
                } else if let Attempt::Refused(code, message) = attempt {
                    batch.possibly_written |= may_be_there(code);
                    batch.last_error = Some(crate::CallError::refused(wire::ApiKey::Produce, code, message));
                }
                batch.place = Place::Retry { not_before: now + backoff(batch.attempts) };
            }
            // Behind another batch that is still on its way, the gap may yet close.
            Judgement::Renumber if !is_overdue && (place > 0 || settings.fixed.is_none()) => {
                batch.place = Place::Retry { not_before: now };
                self.renumber |= place == 0;
            }
            Judgement::TooLarge if !is_overdue && batch.records > 1 => {
                self.split(partition, place, settings, now);
            }
            Judgement::Again | Judgement::Renumber | Judgement::TooLarge | Judgement::Never => {
                let error = give_up(partition, batch, attempt, settings);
                self.end(place, Err(error));
            }
        }
        stale
    }

    /// Sends a batch that the broker finds too large again in two halves, as often as that is needed. The broker has taken none
    /// of its sequence numbers, which the halves share.
    fn split(&mut self, partition: &TopicPartition, place: usize, settings: &Settings, now: Instant) {
        // Numbers from the other end than the accumulator's.
        self.splits += 1;
        let second = BatchId(u64::MAX - self.splits);
        let Some(batch) = self.batches.remove(place) else { return };
        match batch.split(second, settings.compression) {
            Ok((mut former, mut latter)) => {
                former.place = Place::Retry { not_before: now };
                latter.place = Place::Retry { not_before: now };
                self.batches.insert(place, latter);
                self.batches.insert(place, former);
            }
            Err(mut whole) => {
                let attempt = Attempt::Refused(ErrorCode::MESSAGE_TOO_LARGE, None);
                let error = give_up(partition, &mut whole, attempt, settings);
                whole.end(Err(error));
            }
        }
    }

    fn end(&mut self, place: usize, result: Result<Appended, ProduceError>) {
        if let Some(batch) = self.batches.remove(place) {
            batch.end(result);
        }
    }

    /// Raises the epoch and numbers everything from 0, once nothing is under way; `true` if that wants another identity than this.
    pub(super) fn renumber_if_due(&mut self, identity: Option<Identity>, now: Instant) -> bool {
        if !self.renumber || self.batches.iter().any(Batch::is_in_flight) {
            return false;
        }
        self.is_established = false;
        let Some(old) = self.next.or_else(|| self.batches.front().and_then(|batch| batch.stamp)) else {
            self.renumber = false;
            return false;
        };
        let mut stamp = match (old.epoch.checked_add(1), identity) {
            (Some(epoch), _) => Stamp { epoch, sequence: 0, ..old },
            // The last epoch of an id: the broker takes a new id at 0.
            (None, Some(identity)) if identity.id != old.id => {
                Stamp { id: identity.id, epoch: identity.epoch, sequence: 0 }
            }
            (None, _) => return true,
        };
        self.renumber = false;
        for batch in self.batches.iter_mut().filter(|batch| batch.is_sealed()) {
            batch.seal(Some(stamp));
            batch.place = Place::Retry { not_before: now };
            stamp = stamp.next(batch.records);
        }
        self.next = Some(stamp);
        false
    }

    pub(super) fn expire(&mut self, partition: &TopicPartition, settings: &Settings, now: Instant) {
        let is_expired =
            |batch: &Batch| !batch.is_in_flight() && now >= batch.created + settings.delivery_timeout;
        while let Some(place) = self.batches.iter().position(is_expired) {
            let Some(batch) = self.batches.get(place) else { return };
            let error = expired(partition, batch, settings);
            self.end(place, Err(error));
        }
    }

    pub(super) fn fail_waiting(&mut self, error: &ProduceError) {
        while let Some(place) = self.batches.iter().position(|batch| !batch.is_in_flight()) {
            self.end(place, Err(error.clone()));
        }
    }
}

fn same_epoch(left: Option<Stamp>, right: Option<Stamp>) -> bool {
    left.zip(right).is_some_and(|(left, right)| (left.id, left.epoch) == (right.id, right.epoch))
}

/// What an attempt's end means for its batch.
enum Judgement {
    Done(Appended),
    Again,
    Renumber,
    TooLarge,
    Never,
}

fn judge(attempt: &Attempt, idempotent: bool) -> Judgement {
    match attempt {
        Attempt::Done(appended) => Judgement::Done(*appended),
        // It is there from an earlier attempt, so far back that the broker forgot where.
        Attempt::Refused(ErrorCode::DUPLICATE_SEQUENCE_NUMBER, _) => {
            Judgement::Done(Appended { base_offset: None, append_time: None })
        }
        Attempt::Refused(
            ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER
            | ErrorCode::UNKNOWN_PRODUCER_ID
            | ErrorCode::INVALID_PRODUCER_EPOCH,
            _,
        ) if idempotent => Judgement::Renumber,
        Attempt::Refused(ErrorCode::MESSAGE_TOO_LARGE, _) => Judgement::TooLarge,
        Attempt::Refused(code, _) if code.is_retriable() => Judgement::Again,
        Attempt::Failed(error) if error.is_retriable() => Judgement::Again,
        Attempt::Refused(..) | Attempt::Failed(_) => Judgement::Never,
    }
}

/// Refusals that may come after the append: by a leader that lost its followers, its office or its disk meanwhile.
fn may_be_there(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND
            | ErrorCode::REQUEST_TIMED_OUT
            | ErrorCode::NOT_LEADER_OR_FOLLOWER
            | ErrorCode::KAFKA_STORAGE_ERROR
            | ErrorCode::UNKNOWN_SERVER_ERROR
    )
}

fn give_up(
    partition: &TopicPartition,
    batch: &mut Batch,
    attempt: Attempt,
    settings: &Settings,
) -> ProduceError {
    let partition = partition.clone();
    match attempt {
        Attempt::Failed(error) if error.is_retriable() => {
            batch.possibly_written |= error.is_outcome_unknown();
            batch.last_error = Some(error);
            expired(&partition, batch, settings)
        }
        Attempt::Failed(error) => ProduceError::Call { partition, error: Box::new(error) },
        // A refusal now does not undo what an earlier attempt may have done, unless the broker has looked at the sequence numbers:
        // under an epoch that has passed, or before it looks at the log at all, it does not.
        Attempt::Refused(code, message) => {
            let has_looked = code == ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER
                && settings.idempotent
                && settings.fixed.is_none();
            ProduceError::Refused {
                partition,
                code,
                message: message.filter(|text| !text.is_empty()),
                possibly_written: !has_looked && (batch.possibly_written || may_be_there(code)),
            }
        }
        Attempt::Done(_) => ProduceError::Closed,
    }
}

fn expired(partition: &TopicPartition, batch: &Batch, settings: &Settings) -> ProduceError {
    ProduceError::Expired {
        partition: partition.clone(),
        after: settings.delivery_timeout,
        possibly_written: batch.possibly_written,
        last: batch.last_error.clone().map(Box::new),
    }
}
