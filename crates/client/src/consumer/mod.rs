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

mod acks;
mod batch;
mod builder;
mod chunk;
mod error;
mod fetcher;
pub(crate) mod group;
mod handing;
mod membership;
mod named;
mod positions;
mod protocol;
mod session;
mod split;
mod state;
mod stream;
mod subscription;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::Str;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::admin::CommittedOffset;
use crate::cluster::Cluster;
use crate::{ConsumerRecord, TopicPartition};
pub use batch::Batch;
pub use builder::ConsumerBuilder;
use builder::Settings;
pub use error::{CommitError, ConsumeError};
use group::Group;
use handing::Decoded;
use membership::Command;
pub use positions::Reset;
pub(crate) use protocol::decode_assignment;
pub use split::{PartitionReader, Split};
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
    /// The application wants no more of it; a rebalance under way is not waited for.
    closing: watch::Sender<bool>,
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

    fn acknowledge(&self, batch: &Batch) -> bool {
        batch.next_offset().is_some_and(|next| self.acknowledge_upto(batch, next))
    }

    fn acknowledge_upto(&self, batch: &Batch, upto: i64) -> bool {
        let Some(place) = batch.place() else { return false };
        self.lock().acknowledge(&place.partition, place.course, upto.min(place.next))
    }

    fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Waits until the application wants no more.
    async fn closed(&self) {
        // The sender lives as long as this.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
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
        {
            let mut state = self.shared.lock();
            state.is_closed = true;
            state.wake();
        }
        self.shared.closing.send_replace(true);
        self.shared.fetch_news.notify_one();
        self.shared.cluster.release(self.shared.share);
    }
}

impl Consumer {
    fn new(shared: Arc<Shared>, commands: mpsc::UnboundedSender<Command>) -> Self {
        let records_max = shared.settings.poll_records_max;
        Self { shared, commands, decoded: VecDeque::new(), records_max }
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
        Ok(group.committed(partitions, self.shared.settings.read_committed).await?)
    }

    /// Says that a batch is processed. Returns whether its partition is still this consumer's and was not sought elsewhere: what was
    /// taken away meanwhile is not committed here.
    ///
    /// Where [`ConsumerBuilder::commit_acked`] is set, commits cover what was acknowledged, up to the first batch that was not.
    pub fn ack(&self, batch: &Batch) -> bool {
        self.shared.acknowledge(batch)
    }

    /// Says that a record and those before it in its batch are processed; else as [`Consumer::ack`].
    pub fn ack_record(&self, batch: &Batch, record: &ConsumerRecord) -> bool {
        self.shared.acknowledge_upto(batch, record.offset + 1)
    }

    /// Gives each partition a reader of its own, to be handed to a task. From now on [`Split::next_partition`] tells which partitions came.
    pub fn split(self) -> Split {
        Split::new(self)
    }

    /// Commits the positions: everything handed out so far counts as processed. With [`ConsumerBuilder::commit_acked`], commits what was
    /// acknowledged.
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

    /// Commits what is processed, if that is automatic, leaves the group and ends. Waits for no rebalance.
    pub async fn close(self) {
        let (done, answer) = oneshot::channel();
        self.shared.closing.send_replace(true);
        if self.commands.send(Command::Close { done }).is_ok() {
            let _ = answer.await;
        }
    }
}
