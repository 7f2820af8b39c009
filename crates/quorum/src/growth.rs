//! When a log wants a snapshot: once as much was written since the last one as that one is long, and no less than
//! [`SNAPSHOT_AFTER_BYTES`].
//!
//! So snapshots cost at most as much again as the log itself, however large the image is, and a start reads at most about two
//! images. What is counted is what was written, not how long the file is: it may hold entries that are kept for others.

use std::sync::atomic::{AtomicU64, Ordering};

/// No snapshot before so many bytes of log.
pub(crate) const SNAPSHOT_AFTER_BYTES: u64 = 4 * 1024 * 1024;

/// How much was written since the last snapshot, and how long that one is.
#[derive(Debug)]
pub(crate) struct Growth {
    written: AtomicU64,
    snapshot: AtomicU64,
}

impl Growth {
    /// Of a log that was recovered: all of its file counts as written, as nobody knows how much a snapshot covers.
    pub fn new(log_bytes: u64, snapshot_bytes: u64) -> Self {
        Self { written: AtomicU64::new(log_bytes), snapshot: AtomicU64::new(snapshot_bytes) }
    }

    /// So many bytes were appended.
    pub fn wrote(&self, bytes: u64) {
        self.written.fetch_add(bytes, Ordering::Relaxed);
    }

    /// An image of so many bytes is being made a snapshot. Should that fail, the next is wanted as if it had not.
    pub fn begin_anew(&self, snapshot_bytes: u64) {
        self.snapshot.store(snapshot_bytes, Ordering::Relaxed);
        self.written.store(0, Ordering::Relaxed);
    }

    /// Whether it is time.
    pub fn wants_snapshot(&self) -> bool {
        let after = self.snapshot.load(Ordering::Relaxed).max(SNAPSHOT_AFTER_BYTES);
        self.written.load(Ordering::Relaxed) > after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_come_as_seldom_as_they_are_large() {
        const MIB: u64 = 1 << 20;
        for (image, entry, entries, snapshots) in [
            (0, MIB, 40, 8),
            (MIB, MIB, 40, 8),
            (15 * MIB, MIB, 40, 3),
            // Entries that are kept behind it do not count again.
            (15 * MIB, 100, 10_000, 0),
        ] {
            let (growth, mut made) = (Growth::new(0, 0), 0);
            for _ in 0..entries {
                growth.wrote(entry);
                if growth.wants_snapshot() {
                    growth.begin_anew(image);
                    made += 1;
                }
            }
            assert_eq!(made, snapshots, "{image} {entry}");
        }
    }
}
