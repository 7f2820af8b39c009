//! Work that takes the disk's time, where it holds up nobody else: connections and fetchers share few threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};

/// Work that a connection brings again and again, done where the others wait for it unless it took long the last time.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    was_slow: AtomicBool,
}

impl Pace {
    /// Does it; from `slow_from` on it counts as slow.
    pub fn run<T>(&self, slow_from: Duration, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = if self.was_slow.load(Ordering::Relaxed) { in_place(work) } else { work() };
        self.was_slow.store(began.elapsed() > slow_from, Ordering::Relaxed);
        done
    }
}

/// Does it here, after what else waits for this thread went to another one.
pub(crate) fn in_place<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // No runtime, or one that nothing else could go to.
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn who_was_slow_once_is_not_for_ever() {
        let (pace, slow_from) = (Pace::default(), Duration::from_millis(200));
        let was_slow = || pace.was_slow.load(Ordering::Relaxed);
        pace.run(slow_from, || ());
        assert!(!was_slow());
        for _ in 0..2 {
            pace.run(slow_from, || std::thread::sleep(slow_from * 2));
            assert!(was_slow());
        }
        pace.run(slow_from, || ());
        assert!(!was_slow());
    }
}
