//! The thread of a log directory: makes durable what waits, tells who waits for it, and watches the room on the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use env::{Clock, Space};
use log::{Committed, Committer, Round};

use super::Dir;
use crate::Broker;

/// A round is made this often even when nothing waits.
const ROUND_AT_LEAST_EVERY: Duration = Duration::from_secs(1);
/// How long to wait for room before trying again.
const NO_SPACE_PAUSE: Duration = Duration::from_millis(200);
/// The room that is kept free, so that what was accepted can be committed, and deleting still works: a part of the disk …
const RESERVE_SHARE: u64 = 20;
/// … but no more than this.
const RESERVE_BYTES_MAX: u64 = 1 << 30;

/// Runs until the queue is stopped, and gives the committer back; nothing once the directory has failed. A thread that ends by a
/// panic would leave a directory that takes everything and acknowledges nothing: then the broker ends, and says why.
pub(super) fn run(dir: &Arc<Dir>, broker: &Weak<Broker>, committer: Committer) -> Option<Committer> {
    let ended = catch_unwind(AssertUnwindSafe(|| commit_rounds(dir, broker, committer)));
    ended.unwrap_or_else(|_| {
        if let Some(broker) = broker.upgrade() {
            broker.fail(format!("the committer of {} has panicked", dir.path.display()));
        }
        None
    })
}

fn commit_rounds(dir: &Arc<Dir>, broker: &Weak<Broker>, mut committer: Committer) -> Option<Committer> {
    let queue = Arc::clone(committer.queue());
    let mut room = Room::new(dir);
    while queue.wait(ROUND_AT_LEAST_EVERY) {
        let Some(broker) = broker.upgrade() else { return Some(committer) };
        let failure = match committer.commit_round(broker.clock.wall_ms()) {
            Ok(round) => {
                room.look(dir, &round);
                if !round.committed.is_empty() {
                    dir.moved.store(true, Ordering::Relaxed);
                }
                round.committed.iter().for_each(|one| tell(&broker, one));
                round.not_retired
            }
            Err(error) => Some(error),
        };
        match failure {
            None => {}
            Some(error) if error.may_pass() => {
                if !dir.full.swap(true, Ordering::Relaxed) {
                    tracing::error!(dir = %dir.path.display(), %error, "nothing is accepted until this has passed");
                }
                std::thread::sleep(NO_SPACE_PAUSE);
                room.look_again(dir);
            }
            Some(error) => {
                tracing::error!(dir = %dir.path.display(), %error, "the log directory failed: its partitions are offline");
                broker.dir_failed(dir, &error);
                return None;
            }
        }
    }
    Some(committer)
}

fn tell(broker: &Broker, committed: &Committed) {
    let topic = broker.topics.by_id(committed.key.topic);
    if let Some(partition) = topic.and_then(|topic| topic.opened(committed.key.partition)) {
        partition.watermarks_moved();
    }
}

/// The room left on the disk of a directory.
struct Room {
    reserve: u64,
    /// Bytes that may be written before it is worth looking again.
    credit: u64,
    looked: Instant,
}

impl Room {
    fn new(dir: &Dir) -> Self {
        let mut room = Self { reserve: 0, credit: 0, looked: Instant::now() };
        room.look_again(dir);
        room
    }

    fn look(&mut self, dir: &Dir, round: &Round) {
        self.credit = self.credit.saturating_sub(round.frame_bytes + round.synced_bytes);
        if self.credit == 0 || self.looked.elapsed() > ROUND_AT_LEAST_EVERY {
            self.look_again(dir);
        }
    }

    fn look_again(&mut self, dir: &Dir) {
        let Ok(Space { available, total }) = dir.disk.space(&dir.path) else { return };
        self.looked = Instant::now();
        self.reserve = (total / RESERVE_SHARE).min(RESERVE_BYTES_MAX);
        self.credit = (available.saturating_sub(self.reserve) / 4).max(1 << 20);
        let full = available < self.reserve;
        if dir.full.swap(full, Ordering::Relaxed) != full {
            match full {
                true => {
                    tracing::error!(dir = %dir.path.display(), available, "the disk is nearly full: appends are refused")
                }
                false => {
                    tracing::info!(dir = %dir.path.display(), available, "there is room again: appends are accepted")
                }
            }
        }
    }
}
