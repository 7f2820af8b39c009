//! The threads of the cleaner: they find the log that needs it most, and run a round of cleaning on it (see [`log::cleaner`]).
//!
//! A partition of a compacted topic is noted when one of its segments is closed, and looked at until nothing of it waits to be
//! cleaned. While none is noted the threads sleep without a timer: idle partitions cost nothing here.
//!
//! ```text
//! a segment is closed ─► noted ─► looked at every log.cleaner.backoff.ms ─► due: a round ─► swapped by the owner ─► checkpoint
//!                          └──────── nothing dirty, or not worth it before the next segment: forgotten
//! ```

mod dirty;
mod throttle;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use base::TopicIdPartition;
use env::{Clock, OsRandom};
use log::LogError;
use log::cleaner::{
    CleanError, Cleanable, Cleaned, Cleaner, CleaningTask, CompactionPolicy, Replacement, filthiest,
};
use metadata::config::BrokerConfigs;

use crate::Broker;
use crate::partition::Partition;
pub(crate) use dirty::Dirty;
pub(crate) use throttle::Throttle;

/// The cleaner's threads and what they are told.
#[derive(Debug, Default)]
pub(crate) struct Compaction {
    dirty: Arc<Dirty>,
    threads: Mutex<BTreeMap<usize, JoinHandle<()>>>,
}

/// What a thread's rounds may use.
#[derive(Debug, PartialEq)]
struct Share {
    /// Bytes of the map from keys to offsets.
    buffer: usize,
    /// How full that map may become, as a part of one.
    load: f64,
    bytes_per_second: f64,
}

impl Share {
    /// One of `log.cleaner.threads` equal shares.
    fn of(configs: &BrokerConfigs<'_>) -> Self {
        let threads = configs.number("log.cleaner.threads").max(1);
        let float = |name| configs.value(name).map_or(f64::MAX, |value| value.as_f64());
        let buffer = usize::try_from(configs.number("log.cleaner.dedupe.buffer.size") / threads);
        Self {
            buffer: buffer.unwrap_or_default(),
            load: float("log.cleaner.io.buffer.load.factor").clamp(0.01, 1.0),
            bytes_per_second: float("log.cleaner.io.max.bytes.per.second") / threads as f64,
        }
    }
}

/// How many threads clean.
fn threads(configs: &BrokerConfigs<'_>) -> usize {
    let wanted = if configs.flag("log.cleaner.enable") { configs.number("log.cleaner.threads") } else { 0 };
    usize::try_from(wanted).unwrap_or_default()
}

/// A log that a round is due for.
struct Due {
    partition: Arc<Partition>,
    policy: CompactionPolicy,
}

impl Compaction {
    /// Where partitions note that they may be dirty.
    pub fn dirty(&self) -> &Arc<Dirty> {
        &self.dirty
    }

    /// A partition is gone for good: nothing of it is clean when its name comes again.
    pub fn forget(&self, partition: &Partition) {
        self.dirty.forget(partition.key());
        let dir = partition.dir();
        let removed = dir.cleaned().remove(partition.topic(), partition.key().partition);
        if let Err(error) = removed {
            tracing::warn!(?partition, %error, "the cleaner's checkpoint keeps a deleted partition");
        }
    }

    /// Configurations have changed: the threads look again.
    pub fn reconfigured(&self) {
        self.dirty.look_again();
    }

    /// Ends the threads, and waits for them: their rounds are given up, which costs nothing but repeating them.
    pub fn stop(&self) {
        self.dirty.stop();
        let threads = std::mem::take(&mut *self.threads());
        for thread in threads.into_values() {
            if thread.join().is_err() {
                tracing::error!("a cleaner's thread has panicked");
            }
        }
    }

    fn threads(&self) -> MutexGuard<'_, BTreeMap<usize, JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the thread with this number run.
    fn start(&self, number: usize, broker: &Arc<Broker>) {
        let mut threads = self.threads();
        if self.dirty.is_stopped() || threads.get(&number).is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let (weak, dirty) = (Arc::downgrade(broker), Arc::clone(&self.dirty));
        let named = std::thread::Builder::new().name(format!("cleaner-{number}"));
        match named.spawn(move || run(number, &weak, &dirty)) {
            Ok(thread) => drop(threads.insert(number, thread)),
            Err(error) => tracing::error!(%error, "cannot start a cleaner"),
        }
    }
}

/// One thread: rounds while there is something due, then a pause. The first one also has the others run.
fn run(number: usize, broker: &Weak<Broker>, dirty: &Dirty) {
    while !dirty.is_stopped() {
        let Some(broker) = broker.upgrade() else { return };
        let wanted = broker.cleaner_threads();
        if number == 0 {
            (1..wanted).for_each(|other| broker.compaction.start(other, &broker));
        } else if number >= wanted {
            return;
        }
        if wanted > 0 && broker.clean_one() {
            continue;
        }
        let image = broker.image();
        let pause_ms = broker.broker_configs(&image).number("log.cleaner.backoff.ms");
        drop((image, broker));
        // At least a moment, so that what is not due yet is no busy loop.
        dirty.wait(Duration::from_millis(u64::try_from(pause_ms).unwrap_or_default().max(10)));
    }
}

impl Broker {
    /// Starts the cleaner, unless `log.cleaner.enable` says not to.
    pub(crate) fn start_cleaners(self: &Arc<Self>) {
        if self.cleaner_threads() > 0 {
            self.compaction.start(0, self);
        }
    }

    fn cleaner_threads(&self) -> usize {
        threads(&self.broker_configs(&self.image()))
    }

    /// Cleans the dirtiest log that is due; whether there was one and it went well.
    fn clean_one(&self) -> bool {
        let dirty = self.compaction.dirty();
        let (mut facts, mut logs) = (Vec::new(), Vec::new());
        for (key, note) in dirty.noted() {
            match self.look_at(key) {
                Look::Due(cleanable, due) => {
                    facts.push((cleanable, due.policy));
                    logs.push(due);
                }
                Look::Waits => {}
                Look::Settled => dirty.settle(key, note),
            }
        }
        let Some(due) = filthiest(&facts).and_then(|place| logs.into_iter().nth(place)) else { return false };
        let key = due.partition.key();
        if !dirty.take(key) {
            return true;
        }
        let round = std::panic::AssertUnwindSafe(|| self.clean(&due));
        let went_well = std::panic::catch_unwind(round).unwrap_or_else(|_| {
            tracing::error!(partition = ?due.partition, "a round of the cleaner ended by a bug: this log is not cleaned until the next start");
            dirty.give_up(key);
            true
        });
        dirty.give_back(key);
        went_well
    }

    fn look_at(&self, key: TopicIdPartition) -> Look {
        let opened = self.topics.by_id(key.topic).and_then(|topic| topic.opened(key.partition));
        let Some(partition) = opened.filter(|partition| partition.settings().validation.compacted) else {
            return Look::Settled;
        };
        let policy = self.topic_configs(&self.image(), partition.topic()).compaction();
        let (checkpoint, now_ms) = (clean_until(&partition), self.clock.wall_ms());
        match partition.with_log(|log| log.cleanable(&policy, checkpoint, now_ms)) {
            Ok(cleanable) if cleanable.is_due(&policy) => Look::Due(cleanable, Due { partition, policy }),
            Ok(cleanable) => {
                let active = partition.reader().view().segments.last().map_or(0, |one| one.base_offset().0);
                let comes_due = cleanable.dirty_bytes > 0 && policy.max_lag_ms < i64::MAX;
                let must_wait = cleanable.first_uncleanable.0 < active;
                if comes_due || must_wait { Look::Waits } else { Look::Settled }
            }
            Err(error) => {
                tracing::warn!(?partition, %error, "the cleaner cannot look at a log");
                Look::Settled
            }
        }
    }

    /// One round on one log; whether it came to its end and onward.
    fn clean(&self, due: &Due) -> bool {
        let partition = &due.partition;
        let truncations = partition.reader().truncations();
        let (first_dirty, outcome) = self.round(due);
        self.remove_files_later(partition, 0);
        match outcome {
            Ok(Cleaned { end, stats }) => {
                tracing::info!(?partition, from = first_dirty, to = end.0, ?stats, "cleaned");
                let dir = partition.dir();
                let mut cleaned = dir.cleaned();
                // Looked at under the lock: whoever deletes a partition closes it before it is forgotten here, so that the next
                // topic of its name finds nothing of it.
                // Whoever truncates it takes the checkpoint back afterwards.
                if partition.is_closed() || partition.reader().truncations() != truncations {
                    return false;
                }
                let set = cleaned.set(partition.topic(), partition.key().partition, end);
                drop(cleaned);
                if let Err(error) = &set {
                    tracing::warn!(?partition, %error, "cannot write down up to where a log is clean");
                }
                end.0 > first_dirty && set.is_ok()
            }
            Err(CleanError::Stopped) => false,
            Err(CleanError::Log(error)) if error.may_pass() => {
                tracing::error!(?partition, %error, "a log cannot be cleaned now");
                false
            }
            Err(CleanError::Log(error)) => {
                // Until someone has looked at it; the others are cleaned meanwhile.
                let why = "a log cannot be cleaned, and is not until the next start";
                tracing::error!(?partition, %error, "{why}");
                self.compaction.dirty().give_up(partition.key());
                true
            }
        }
    }

    fn round(&self, due: &Due) -> (i64, Result<Cleaned, CleanError>) {
        let (partition, policy) = (&due.partition, &due.policy);
        let (first_dirty, task) = match self.task(due) {
            Ok((cleanable, task)) => (cleanable.first_dirty.0, task),
            Err(error) => return (0, Err(error.into())),
        };
        let share = Share::of(&self.broker_configs(&self.image()));
        let mut throttle = Throttle::new(share.bytes_per_second);
        let goes_on = || !partition.is_closed() && !self.compaction.dirty().is_stopped();
        let mut cleaner = Cleaner::new(share.buffer, share.load, &OsRandom);
        let mut swap = |replacement| self.swap(partition, replacement);
        tracing::debug!(?partition, ?policy, first_dirty, "cleaning");
        (first_dirty, cleaner.clean(&task, &mut |bytes| throttle.pass(bytes, &goes_on), &mut swap))
    }

    fn task(&self, due: &Due) -> Result<(Cleanable, CleaningTask), LogError> {
        let (partition, now_ms) = (&due.partition, self.clock.wall_ms());
        let checkpoint = clean_until(partition);
        partition.with_log(|log| {
            let cleanable = log.cleanable(&due.policy, checkpoint, now_ms)?;
            Ok((cleanable, log.cleaning_task(&cleanable, &due.policy, now_ms)?))
        })
    }

    /// The owner puts a clean segment in the place of those it was made of.
    fn swap(&self, partition: &Partition, replacement: Replacement) -> Result<(), CleanError> {
        let now_ms = self.clock.wall_ms();
        let swapped = partition.with_log(|log| match partition.is_closed() {
            true => replacement.discard().map(|()| false),
            false => log.replace_segments(replacement, now_ms),
        });
        if swapped? { Ok(()) } else { Err(CleanError::Stopped) }
    }
}

/// What a look at a noted log gave.
enum Look {
    /// A round is worth it.
    Due(Cleanable, Due),
    /// There will be something, with time.
    Waits,
    /// Nothing before another segment is closed.
    Settled,
}

impl Partition {
    /// What is behind this offset is gone, and what comes in its place is not clean.
    pub(crate) fn soil(&self, end: base::Offset) {
        let truncated = self.dir().cleaned().truncate(self.topic(), self.key().partition, end);
        if let Err(error) = truncated {
            tracing::warn!(partition = ?self, %error, "cannot write down up to where a log is clean");
        }
    }
}

fn clean_until(partition: &Partition) -> Option<base::Offset> {
    partition.dir().cleaned().get(partition.topic(), partition.key().partition)
}

#[cfg(test)]
mod tests {
    use metadata::MetadataImage;
    use metadata::config::StaticConfigs;

    use super::*;

    #[test]
    fn threads_share_what_cleaning_may_use() {
        let set = |pairs: &[(&str, &str)]| {
            let statics: StaticConfigs =
                pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let image = MetadataImage::default();
            let configs = BrokerConfigs { node_id: 1, statics: &statics, image: &image };
            (threads(&configs), Share::of(&configs))
        };
        let usual = Share { buffer: 134_217_728, load: 0.9, bytes_per_second: f64::MAX };
        assert_eq!(set(&[]), (1, usual));
        let asked = [
            ("log.cleaner.threads", "2"),
            ("log.cleaner.dedupe.buffer.size", "4194304"),
            ("log.cleaner.io.buffer.load.factor", "0.5"),
            ("log.cleaner.io.max.bytes.per.second", "1000"),
        ];
        let half = Share { buffer: 2_097_152, load: 0.5, bytes_per_second: 500.0 };
        assert_eq!(set(&asked), (2, half));
        assert_eq!(set(&[("log.cleaner.enable", "false"), ("log.cleaner.threads", "2")]).0, 0);
    }
}
