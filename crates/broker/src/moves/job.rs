//! One partition on its way: its copy, and the moment when the copy takes the log's place.

use std::sync::Arc;
use std::time::{Duration, Instant};

use env::Clock;
use log::{Departed, FutureLog, LogError, Swap};

use super::Wanted;
use crate::Broker;
use crate::logs::Dir;
use crate::partition::Partition;

/// Bytes that are copied at a time.
const PIECE_BYTES: usize = 1 << 20;
/// How long the owner waits for what was appended to be durable, before it lets others append again.
const STILL_MAX: Duration = Duration::from_millis(500);
/// How long the old directory may take to forget the partition.
const FORGET_MAX: Duration = Duration::from_secs(30);

/// A partition that is being copied. Compaction leaves it alone meanwhile.
#[derive(Debug)]
pub(super) struct Job {
    partition: Arc<Partition>,
    pub to: Arc<Dir>,
    future: FutureLog,
}

/// What a step did.
#[derive(Debug)]
pub(super) enum Progress {
    /// So many bytes were copied.
    Copied(u64),
    /// Nothing can be done now.
    Waits,
    /// The partition is in its new directory.
    Moved,
    /// The partition is gone, or no longer this node's.
    Gone,
}

impl Job {
    /// Begins a copy; `None` while the cleaner works on the partition.
    pub fn begin(broker: &Arc<Broker>, wanted: &Wanted) -> Result<Option<Self>, LogError> {
        let partition = Arc::clone(&wanted.partition);
        if !broker.compaction.dirty().take(partition.key()) {
            return Ok(None);
        }
        let config = partition.with_log(|log| Arc::clone(log.config()));
        let (topic, reader) = (partition.topic(), partition.reader().clone());
        let now_ms = broker.clock.wall_ms();
        let begun = wanted.to.with(|to| FutureLog::begin(to, topic, reader, config, now_ms));
        match begun.unwrap_or_else(|| Err(closed())) {
            Ok(future) => Ok(Some(Self { partition, to: Arc::clone(&wanted.to), future })),
            Err(error) => {
                broker.compaction.dirty().give_back(partition.key());
                Err(error)
            }
        }
    }

    /// The copy's end.
    pub fn end(&self) -> i64 {
        self.future.log_end().0
    }

    /// The copy's bytes.
    pub fn bytes(&self) -> i64 {
        i64::try_from(self.future.size()).unwrap_or(i64::MAX)
    }

    /// Copies a piece; when nothing is left, tries to end it. After an error nothing is left of the copy.
    pub fn step(&mut self, broker: &Arc<Broker>) -> Result<Progress, LogError> {
        let stepped = self.try_step(broker);
        match &stepped {
            Ok(Progress::Copied(_) | Progress::Waits) => {}
            Ok(Progress::Moved) => self.let_go(broker),
            Ok(Progress::Gone) | Err(_) => {
                self.remove_copy();
                self.let_go(broker);
            }
        }
        stepped
    }

    /// Ends it without having moved.
    pub fn give_up(mut self, broker: &Arc<Broker>) {
        self.remove_copy();
        self.let_go(broker);
    }

    fn try_step(&mut self, broker: &Arc<Broker>) -> Result<Progress, LogError> {
        if self.partition.is_closed() {
            return Ok(Progress::Gone);
        }
        let now_ms = broker.clock.wall_ms();
        match self.future.copy(PIECE_BYTES, now_ms)? {
            0 => {}
            bytes => return Ok(Progress::Copied(bytes as u64)),
        }
        self.future.sync()?;
        match self.swap(now_ms)? {
            None => Ok(Progress::Waits),
            Some(departed) => {
                self.leave(broker, departed);
                Ok(Progress::Moved)
            }
        }
    }

    /// The owner holds still until everything is durable and copied, and goes on in the copy.
    fn swap(&mut self, now_ms: i64) -> Result<Option<Departed>, LogError> {
        let (partition, to, future) = (&self.partition, &self.to, &mut self.future);
        let from = partition.dir();
        let swapped = partition.with_log(|log| {
            log.flush()?;
            let begun = Instant::now();
            while log.view().durable_end < log.view().log_end && begun.elapsed() < STILL_MAX {
                std::thread::sleep(Duration::from_millis(1));
            }
            while future.copy(PIECE_BYTES, now_ms)? > 0 {}
            if partition.is_closed() {
                return Ok(Swap::NotYet);
            }
            let swap = to.with(|to_dir| from.with(|from_dir| future.swap(log, to_dir, from_dir, now_ms)));
            let swap = swap.flatten().unwrap_or_else(|| Err(closed()));
            // Where the renaming failed, the partition belongs to a directory that is offline now.
            if matches!(swap, Ok(Swap::Done(_))) || (swap.is_err() && to.has_failed()) {
                partition.moved_to(to);
            }
            // While nobody deletes it, so that nothing of it comes onto the new directory's lists behind that.
            if matches!(swap, Ok(Swap::Done(_))) {
                from.hand_over(to, partition.topic(), partition.key().partition);
            }
            swap
        })?;
        match swapped {
            Swap::NotYet => Ok(None),
            Swap::Done(departed) => Ok(Some(*departed)),
        }
    }

    /// The old directory forgets the partition. A failure there leaves a note, and the next start sees to it.
    fn leave(&self, broker: &Arc<Broker>, mut departed: Departed) {
        let partition = &self.partition;
        let left = departed.leave().map(|heard| heard.recv_timeout(FORGET_MAX).is_ok());
        match left {
            Ok(true) => {
                if let Some(Err(error)) = self.to.with(|to| to.settle_move(partition.key())) {
                    tracing::error!(?partition, %error, "cannot note that a partition has moved");
                }
            }
            Ok(false) => {
                tracing::warn!(?partition, "the old log directory still knows a partition that moved")
            }
            Err(error) => {
                tracing::error!(?partition, %error, "the old log directory keeps a partition that moved")
            }
        }
        let delay_ms = partition.with_log(|log| log.config().file_delete_delay_ms);
        broker.housekeeping.remove_departed(departed, broker.uptime_ms(), delay_ms);
        partition.tell_readers();
    }

    fn remove_copy(&mut self) {
        if Arc::ptr_eq(&self.partition.dir(), &self.to) {
            return;
        }
        if let Err(error) = self.future.discard() {
            tracing::warn!(partition = ?self.partition, %error, "cannot remove a copy; the next start does");
        }
    }

    fn let_go(&self, broker: &Arc<Broker>) {
        broker.compaction.dirty().give_back(self.partition.key());
        broker.compaction.reconfigured();
    }
}

fn closed() -> LogError {
    LogError::Fenced("the log directory is closed".into())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use super::super::Copied;
    use super::*;
    use crate::logs::tests::{append_one, broker, partition};

    /// Whoever deletes the partition then takes it off the list of the directory that it belongs to.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_partition_is_on_the_list_of_its_new_directory_as_soon_as_it_belongs_there() {
        let folder = std::env::temp_dir().join(format!("mekong-hand-over-{}", std::process::id()));
        let handle = broker(&[&folder.join("a"), &folder.join("b")], &[]).await;
        let (broker, partition) = (Arc::clone(handle.broker()), partition(&handle).await);
        append_one(&partition).await;
        let dirs = broker.logs.dirs();
        let to = dirs.iter().find(|dir| !Arc::ptr_eq(dir, &partition.dir())).unwrap();
        let copied = Arc::new(Copied { end: AtomicI64::new(-1), bytes: AtomicI64::new(0) });
        let wanted = Wanted { partition: Arc::clone(&partition), to: Arc::clone(to), copied };
        let mut job = Job::begin(&broker, &wanted).unwrap().unwrap();
        let now_ms = broker.clock.wall_ms();
        while job.future.copy(PIECE_BYTES, now_ms).unwrap() > 0 {}
        job.future.sync().unwrap();
        let from = partition.dir();
        let departed = job.swap(now_ms).unwrap().unwrap();
        assert!(Arc::ptr_eq(&partition.dir(), to));
        assert!(to.has_folder("t-0") && !from.has_folder("t-0"));
        job.leave(&broker, departed);
        job.let_go(&broker);
        drop((job, wanted, partition, broker, from));
        handle.stop().await;
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
