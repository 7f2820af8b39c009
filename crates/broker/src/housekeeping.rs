//! What must happen by the clock: retention, files whose delay is over, idle connections. One task, one queue of deadlines.
//!
//! A partition costs something here while it has something to delete, and one look per `log.retention.check.interval.ms` if it holds
//! records at all.

mod agenda;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::TopicIdPartition;
use env::{Clock, SystemClock};
use log::LogError;
use metadata::config::BrokerConfigs;
use tokio::sync::Notify;

use crate::Broker;
use crate::partition::{Partition, Topic};
use agenda::{Agenda, Once};

/// How long until what failed is tried again.
const RETRY_MS: u64 = 10_000;

/// Something to do at its time.
#[derive(Debug)]
enum Duty {
    /// Look at every partition for what retention takes.
    Sweep,
    /// Remove a partition's files whose delay is over.
    RemoveFiles(Arc<Partition>),
    /// Remove the folder of a partition that is gone.
    RemoveFolder(Arc<Partition>),
    /// Sync what was appended to a relaxed partition (`flush.ms`).
    Sync(TopicIdPartition),
    /// Remove what a partition left in the directory that it moved away from.
    RemoveDeparted(Box<log::Departed>),
    /// Close connections that idled too long.
    CloseIdle,
    /// Write down how far partitions are committed.
    Checkpoint,
}

impl Duty {
    /// One that is never over, to be put on the list again.
    fn again(&self) -> Option<Self> {
        match self {
            Self::Sweep => Some(Self::Sweep),
            Self::CloseIdle => Some(Self::CloseIdle),
            Self::Checkpoint => Some(Self::Checkpoint),
            Self::RemoveFiles(_) | Self::RemoveFolder(_) | Self::Sync(_) | Self::RemoveDeparted(_) => None,
        }
    }

    /// What is on the list only once.
    fn once(&self) -> Option<Once> {
        match self {
            // The list holds the partition, so that no other has its address meanwhile: not even the one that comes after it with
            // the same key, where a replica left this node and came back.
            Self::RemoveFiles(partition) => Some(Once::RemoveFiles(Arc::as_ptr(partition).addr())),
            Self::Sync(key) => Some(Once::Sync(*key)),
            _ => None,
        }
    }
}

/// What is to be done when, by the time since the start: a wall clock that jumps delays none of it.
#[derive(Debug, Default)]
pub(crate) struct Housekeeping {
    agenda: Mutex<Agenda>,
    added: Notify,
    clock: SystemClock,
}

impl Housekeeping {
    fn lock(&self) -> MutexGuard<'_, Agenda> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, at_ms: u64, duty: Duty) {
        if self.lock().add(at_ms, duty) {
            self.added.notify_one();
        }
    }

    /// What failed is tried again if there may be room, or descriptors, by then.
    fn retry(&self, now_ms: u64, error: &LogError, duty: Duty) {
        if error.may_pass() {
            self.add(now_ms.saturating_add(RETRY_MS), duty);
        }
    }

    fn take(&self, now_ms: u64) -> Result<Duty, Option<Duration>> {
        self.lock().take(now_ms)
    }

    /// Without duties; `clock` is the broker's.
    pub fn new(clock: SystemClock) -> Self {
        Self { clock, ..Self::default() }
    }

    /// The time since the start that is `after_ms` from now.
    pub fn in_ms(&self, after_ms: i64) -> u64 {
        let after_ms = u64::try_from(after_ms).unwrap_or_default();
        (self.clock.monotonic_ns() / 1_000_000).saturating_add(after_ms)
    }

    /// Has a relaxed partition looked at by then, for what it has to sync.
    pub fn sync_by(&self, key: TopicIdPartition, at_ms: u64) {
        self.add(at_ms, Duty::Sync(key));
    }

    /// Has a folder removed once `delay_ms` is over.
    pub fn remove_folder(&self, partition: Arc<Partition>, now_ms: u64, delay_ms: i64) {
        let delay_ms = u64::try_from(delay_ms).unwrap_or_default();
        self.add(now_ms.saturating_add(delay_ms), Duty::RemoveFolder(partition));
    }

    /// Has what a partition left behind removed once `delay_ms` is over.
    pub fn remove_departed(&self, departed: log::Departed, now_ms: u64, delay_ms: i64) {
        let delay_ms = u64::try_from(delay_ms).unwrap_or_default();
        self.add(now_ms.saturating_add(delay_ms), Duty::RemoveDeparted(Box::new(departed)));
    }
}

impl Broker {
    /// Has the files removed that a partition's log let go of, once their delay is over.
    pub(crate) fn remove_files_later(&self, partition: &Arc<Partition>, after_at_least_ms: u64) {
        if let Some(at_ms) = partition.with_log(|log| log.next_tick_ms()) {
            let wait_ms = u64::try_from(at_ms.saturating_sub(self.clock.wall_ms())).unwrap_or_default();
            let at_ms = self.uptime_ms().saturating_add(wait_ms.max(after_at_least_ms));
            self.housekeeping.add(at_ms, Duty::RemoveFiles(Arc::clone(partition)));
        }
    }
}

impl Broker {
    fn checkpoint_ms(&self) -> u64 {
        checkpoint_ms(&self.broker_configs(&self.image()))
    }
}

/// How long until the first sweep.
fn first_sweep_ms(configs: &BrokerConfigs<'_>, retention_check_ms: u64) -> u64 {
    interval_ms(configs, "log.initial.task.delay.ms").min(retention_check_ms)
}

fn checkpoint_ms(configs: &BrokerConfigs<'_>) -> u64 {
    interval_ms(configs, "replica.high.watermark.checkpoint.interval.ms").max(1)
}

fn interval_ms(configs: &BrokerConfigs<'_>, name: &str) -> u64 {
    u64::try_from(configs.number(name)).unwrap_or_default()
}

/// Does what is due, until the runtime ends.
pub(crate) async fn keep(broker: Arc<Broker>) {
    let house = &broker.housekeeping;
    let first_ms = first_sweep_ms(&broker.broker_configs(&broker.image()), broker.config.retention_check_ms);
    house.add(first_ms, Duty::Sweep);
    house.add(0, Duty::CloseIdle);
    house.add(broker.checkpoint_ms(), Duty::Checkpoint);
    loop {
        let added = house.added.notified();
        match house.take(broker.uptime_ms()) {
            Ok(duty) => {
                let (of, again) = (Arc::clone(&broker), duty.again());
                attempt(house, broker.uptime_ms(), again, move || perform(&of, duty)).await;
            }
            Err(None) => added.await,
            Err(Some(wait)) => {
                let _ = tokio::time::timeout(wait, added).await;
            }
        }
    }
}

/// A duty that ends by a bug is not done; it comes `again` all the same, and the others go on.
async fn attempt(
    house: &Housekeeping,
    now_ms: u64,
    again: Option<Duty>,
    duty: impl FnOnce() + Send + 'static,
) {
    if let Err(error) = tokio::task::spawn_blocking(duty).await {
        tracing::error!(%error, tried_again = ?again, "a duty of housekeeping ended by a bug");
        if let Some(again) = again {
            house.add(now_ms.saturating_add(RETRY_MS), again);
        }
    }
}

/// Has the bug of one partition hold up none of the others.
fn guarded(partition: &Arc<Partition>, work: impl FnOnce()) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
        tracing::error!(?partition, "housekeeping of a partition ended by a bug");
    }
}

fn perform(broker: &Arc<Broker>, duty: Duty) {
    let (house, now_ms) = (&broker.housekeeping, broker.uptime_ms());
    match duty {
        Duty::Sweep => {
            sweep(broker, broker.clock.wall_ms());
            house.add(now_ms.saturating_add(broker.config.retention_check_ms), Duty::Sweep);
        }
        Duty::RemoveFiles(partition) => {
            let wall_ms = broker.clock.wall_ms();
            if let Err(error) = partition.with_log(|log| log.on_tick(wall_ms)) {
                tracing::warn!(?partition, %error, "cannot remove files");
            }
            broker.remove_files_later(&partition, RETRY_MS);
        }
        Duty::RemoveFolder(partition) => {
            if let Err(error) = partition.with_log(|log| log.remove_dir()) {
                tracing::warn!(?partition, %error, "cannot remove a deleted partition's folder");
                house.retry(now_ms, &error, Duty::RemoveFolder(partition));
            }
        }
        Duty::Sync(key) => {
            let topic = broker.topics.by_id(key.topic);
            let Some(partition) = topic.and_then(|topic| topic.opened(key.partition)) else { return };
            // What this was armed for may have been synced by `flush.messages`, and what came behind it have time yet.
            if partition.sync_due_ms() > now_ms {
                return house.sync_by(key, partition.sync_due_ms());
            }
            if let Err(error) = partition.with_log(|log| log.sync_relaxed()) {
                tracing::error!(?partition, %error, "cannot sync a relaxed partition");
                house.retry(now_ms, &error, Duty::Sync(key));
            }
        }
        Duty::RemoveDeparted(mut departed) => {
            if let Err(error) = departed.remove() {
                tracing::warn!(%error, "cannot remove what a partition left behind");
                house.retry(now_ms, &error, Duty::RemoveDeparted(departed));
            }
        }
        Duty::Checkpoint => {
            broker.checkpoint_high_watermarks();
            house.add(now_ms.saturating_add(broker.checkpoint_ms()), Duty::Checkpoint);
        }
        Duty::CloseIdle => {
            if let Some(wait) = broker.connections.close_idle() {
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).clamp(10, 60_000);
                house.add(now_ms.saturating_add(wait_ms), Duty::CloseIdle);
            }
        }
    }
}

/// Retention, over all partitions that hold records; the fullest first, since the sweep may take its time.
fn sweep(broker: &Arc<Broker>, now_ms: i64) {
    let of_topic =
        |topic: Arc<Topic>| topic.partitions_where(|index| broker.logs.has_folder(topic.name(), index));
    let mut partitions: Vec<_> = broker.topics.all().into_iter().flat_map(of_topic).collect();
    partitions.retain(|partition| partition.holds_records());
    partitions.sort_by_key(|partition| Reverse(partition.reader().view().segments.len()));
    for partition in &partitions {
        guarded(partition, || sweep_one(broker, partition, now_ms));
    }
}

fn sweep_one(broker: &Arc<Broker>, partition: &Arc<Partition>, now_ms: i64) {
    // Also forgets producers that were silent for `producer.id.expiration.ms`.
    if let Err(error) = partition.with_log(|log| log.on_tick(now_ms)) {
        tracing::warn!(?partition, %error, "cannot remove files");
    }
    match partition.with_log(|log| log.delete_old_segments(now_ms)) {
        Ok(deleted) if deleted.is_empty() => {}
        Ok(deleted) => {
            for segment in &deleted {
                tracing::info!(?partition, base_offset = segment.base_offset.0, because = ?segment.because, "segment deleted");
            }
            partition.tell_readers();
            broker.remove_files_later(partition, 0);
        }
        Err(error) => tracing::warn!(?partition, %error, "retention failed"),
    }
}
