//! Reading records, alone or as a member of a group.
//!
//! [`Consumer::next_batch`] waits for records; asking again says that those given before are processed, which is what automatic
//! commits commit. Fetching, heartbeats and rebalances go on in tasks of the consumer's own.
//!
//! ```no_run
//! # async fn example(client: client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let mut consumer = client.consumer("billing").topics(["orders"]).start().await?;
//! loop {
//!     for record in consumer.next_batch().await? {
//!         println!("{} {}: {:?}", record.partition, record.offset, record.text());
//!     }
//! }
//! # }
//! ```

mod builder;
mod chunk;
mod error;
mod fetcher;
pub(crate) mod group;
mod membership;
mod named;
mod positions;
mod protocol;
mod session;
mod state;
mod stream;
mod subscription;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use base::Str;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::admin::CommittedOffset;
use crate::cluster::Cluster;
use crate::{ConsumerRecord, TopicPartition};
pub use builder::ConsumerBuilder;
use builder::Settings;
pub use error::{CommitError, ConsumeError};
use group::Group;
use membership::Command;
pub use positions::Reset;
pub(crate) use protocol::decode_assignment;
pub use state::StartAt;
use state::State;
pub use stream::RecordStream;
pub use subscription::Subscription;

/// A change of the assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebalance {
    /// These partitions came; maybe none, when a rebalance changed nothing here.
    Assigned(Vec<TopicPartition>),
    /// These partitions go; what was processed of them has been committed if that is automatic.
    Revoked(Vec<TopicPartition>),
    /// These partitions went without notice: the group gave them to others.
    Lost(Vec<TopicPartition>),
}

type Listener = Box<dyn FnMut(&Rebalance) + Send>;

/// What the consumer and its tasks share.
struct Shared {
    cluster: Arc<Cluster>,
    share: u32,
    settings: Settings,
    metadata_max_age: Duration,
    group: Option<Arc<Group>>,
    state: Mutex<State>,
    subscription: Mutex<Option<Subscription>>,
    listener: Mutex<Option<Listener>>,
    topics_changed: AtomicBool,
    fetch_news: Notify,
    group_news: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subscription(&self) -> Option<Subscription> {
        self.subscription.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn end_subscription(&self) {
        *self.subscription.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn assignment(&self) -> Vec<TopicPartition> {
        self.lock().partitions().map(|(partition, _)| partition.clone()).collect()
    }

    /// The topics that are read now.
    fn topics(&self) -> Vec<Str> {
        let mut topics: Vec<Str> =
            self.lock().partitions().map(|(partition, _)| partition.topic.clone()).collect();
        topics.dedup();
        topics
    }

    fn take_topics_changed(&self) -> bool {
        self.topics_changed.swap(false, Ordering::AcqRel)
    }

    fn tell(&self, change: &Rebalance) {
        if let Some(listener) = self.listener.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            listener(change);
        }
    }
}

/// Decoded records that were not handed out yet.
#[derive(Debug)]
struct Decoded {
    partition: TopicPartition,
    era: u64,
    records: VecDeque<ConsumerRecord>,
    /// The position behind all of them.
    end: i64,
    leader_epoch: i32,
}

/// Reads records. [`Consumer::close`] commits all that was handed out and leaves the group; dropping it leaves too, in the background,
/// and commits only what was processed: what it had handed out before it was last asked for more.
pub struct Consumer {
    shared: Arc<Shared>,
    commands: mpsc::UnboundedSender<Command>,
    decoded: VecDeque<Decoded>,
    records_max: usize,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("assignment", &self.shared.assignment()).finish_non_exhaustive()
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.fetch_news.notify_one();
        self.shared.cluster.release(self.shared.share);
    }
}

impl Consumer {
    fn new(shared: Arc<Shared>, commands: mpsc::UnboundedSender<Command>) -> Self {
        let records_max = shared.settings.poll_records_max;
        Self { shared, commands, decoded: VecDeque::new(), records_max }
    }

    /// Waits for records: at least one, at most `max.poll.records`, all of one partition.
    ///
    /// Cancel-safe: a call that is dropped has taken nothing.
    pub async fn next_batch(&mut self) -> Result<Vec<ConsumerRecord>, ConsumeError> {
        let mut is_first = true;
        std::future::poll_fn(|context| {
            let poll = self.poll_batch(context, is_first);
            is_first = false;
            poll
        })
        .await
    }

    /// As [`Consumer::next_batch`], but gives back nothing after `timeout`.
    pub async fn poll(&mut self, timeout: Duration) -> Result<Vec<ConsumerRecord>, ConsumeError> {
        match tokio::time::timeout(timeout, self.next_batch()).await {
            Ok(result) => result,
            Err(_) => Ok(Vec::new()),
        }
    }

    /// Records one by one, as a `Stream`.
    pub fn records(&mut self) -> RecordStream<'_> {
        RecordStream::new(self)
    }

    fn poll_batch(
        &mut self,
        context: &Context<'_>,
        is_first: bool,
    ) -> Poll<Result<Vec<ConsumerRecord>, ConsumeError>> {
        loop {
            let shared = Arc::clone(&self.shared);
            let mut state = shared.lock();
            if state.is_closed {
                return Poll::Ready(Err(ConsumeError::Closed));
            }
            if is_first || state.is_held && !state.has_yielded {
                state.polled(Instant::now());
                shared.group_news.notify_one();
            }
            state.last_poll = Instant::now();
            if let Some(error) = state.take_error() {
                return Poll::Ready(Err(error));
            }
            if let Some(records) = self.hand_out(&mut state) {
                return Poll::Ready(Ok(records));
            }
            let Some((partition, era, position, chunk)) = state.take() else {
                state.wait(context.waker());
                return Poll::Pending;
            };
            drop(state);
            shared.fetch_news.notify_one();
            match chunk::decode(&chunk, &partition, position, shared.settings.check_crcs) {
                Ok(records) => self.decoded.push_back(Decoded {
                    partition,
                    era,
                    records: records.into(),
                    end: chunk.next_offset(),
                    leader_epoch: chunk.header.partition_leader_epoch.get(),
                }),
                Err(reason) => return Poll::Ready(Err(self.corrupt(partition, position, reason))),
            }
        }
    }

    /// Records of the first decoded batch that may be handed out.
    fn hand_out(&mut self, state: &mut State) -> Option<Vec<ConsumerRecord>> {
        if state.is_held {
            return None;
        }
        self.decoded.retain(|decoded| state.is_current(&decoded.partition, decoded.era));
        let most = self.records_max;
        loop {
            let is_served =
                |decoded: &Decoded| state.get(&decoded.partition).is_some_and(|known| !known.is_paused);
            let place = self.decoded.iter().position(is_served)?;
            let decoded = self.decoded.get_mut(place)?;
            let count = decoded.records.len().min(most);
            let records: Vec<ConsumerRecord> = decoded.records.drain(..count).collect();
            let position = decoded.records.front().map_or(decoded.end, |next| next.offset);
            state.advance(&decoded.partition, decoded.era, position, decoded.leader_epoch);
            if decoded.records.is_empty() {
                self.decoded.remove(place);
            }
            if !records.is_empty() {
                return Some(records);
            }
        }
    }

    /// A batch that cannot be read stops its partition where it is, until the application seeks.
    fn corrupt(&self, partition: TopicPartition, offset: i64, reason: String) -> ConsumeError {
        let mut state = self.shared.lock();
        state.seek(&partition, StartAt::Offset(offset));
        if let Some(known) = state.get_mut(&partition) {
            known.not_before = Some(Instant::now() + Duration::from_secs(1));
        }
        ConsumeError::Corrupt { partition, offset, reason }
    }

    /// Hands out at most so many records at once from now on.
    pub fn set_max_poll_records(&mut self, records: usize) {
        self.records_max = records.max(1);
    }

    /// The partitions that are read.
    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.shared.assignment()
    }

    /// Reads other topics from now on, as a member of the group.
    pub fn subscribe(&mut self, subscription: Subscription) {
        *self.shared.subscription.lock().unwrap_or_else(PoisonError::into_inner) = Some(subscription);
        self.shared.topics_changed.store(true, Ordering::Release);
        self.shared.group_news.notify_one();
    }

    /// Reads another partition, without sharing it with a group.
    pub fn assign(&mut self, partition: TopicPartition, start: StartAt) {
        self.shared.cluster.want(&partition.topic);
        let mut state = self.shared.lock();
        state.add(partition.clone(), start);
        state.seek(&partition, start);
        self.shared.fetch_news.notify_one();
    }

    /// Stops reading a partition that was assigned by hand.
    pub fn unassign(&mut self, partition: &TopicPartition) {
        self.shared.lock().remove(partition);
    }

    /// Goes on from elsewhere. Returns whether the partition is assigned.
    pub fn seek(&mut self, partition: &TopicPartition, to: StartAt) -> bool {
        let is_assigned = self.shared.lock().seek(partition, to);
        self.shared.fetch_news.notify_one();
        is_assigned
    }

    /// Hands out nothing of a partition until [`Consumer::resume`].
    pub fn pause(&mut self, partition: &TopicPartition) {
        if let Some(known) = self.shared.lock().get_mut(partition) {
            known.is_paused = true;
        }
    }

    /// Ends a pause.
    pub fn resume(&mut self, partition: &TopicPartition) {
        let mut state = self.shared.lock();
        if let Some(known) = state.get_mut(partition) {
            known.is_paused = false;
        }
        state.wake();
        self.shared.fetch_news.notify_one();
    }

    /// The offset of the next record, once it is known.
    pub fn position(&self, partition: &TopicPartition) -> Option<i64> {
        self.shared.lock().get(partition)?.position
    }

    /// How many offsets lie between the position and the end of the log, as of the last fetch.
    pub fn lag(&self, partition: &TopicPartition) -> Option<i64> {
        let state = self.shared.lock();
        let known = state.get(partition)?;
        Some((known.high_watermark? - known.position?).max(0))
    }

    /// What the group committed for `partitions`; partitions without are left out.
    pub async fn committed(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<HashMap<TopicPartition, CommittedOffset>, CommitError> {
        let group = self.shared.group.as_ref().ok_or(CommitError::NoGroup)?;
        Ok(group.committed(partitions).await?)
    }

    /// Commits the positions: everything handed out so far counts as processed.
    pub async fn commit(&self) -> Result<(), CommitError> {
        let offsets = self.shared.lock().positions();
        self.send_commit(offsets, Str::default()).await
    }

    /// Commits these offsets, each that of the next record to read.
    pub async fn commit_offsets(
        &self,
        offsets: impl IntoIterator<Item = (TopicPartition, i64)>,
        metadata: &str,
    ) -> Result<(), CommitError> {
        let offsets = offsets.into_iter().map(|(partition, offset)| (partition, offset, -1)).collect();
        self.send_commit(offsets, Str::from(metadata)).await
    }

    /// Commits behind a record: it and all before it in its partition count as processed.
    pub async fn commit_record(&self, record: &ConsumerRecord) -> Result<(), CommitError> {
        self.send_commit(
            vec![(record.partition.clone(), record.offset + 1, record.leader_epoch)],
            Str::default(),
        )
        .await
    }

    async fn send_commit(
        &self,
        offsets: Vec<(TopicPartition, i64, i32)>,
        metadata: Str,
    ) -> Result<(), CommitError> {
        if self.shared.group.is_none() {
            return Err(CommitError::NoGroup);
        }
        let (done, answer) = oneshot::channel();
        let command = Command::Commit { offsets, metadata, done };
        self.commands.send(command).map_err(|_| CommitError::Closed)?;
        answer.await.map_err(|_| CommitError::Closed)?
    }

    /// Commits what is processed, if that is automatic, leaves the group and ends.
    pub async fn close(self) {
        let (done, answer) = oneshot::channel();
        if self.commands.send(Command::Close { done }).is_ok() {
            let _ = answer.await;
        }
    }
}
