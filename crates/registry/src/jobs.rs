//! Work that takes a processor's time, apart from the threads that serve connections: so much of each kind at a time, whether those who
//! asked for it still wait or went away. The broker's own work on such threads never waits behind more than that.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// Kinds that do not wait for each other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Looking for a schema, as producers do.
    LookUp,
    /// Judging, printing and listing.
    Check,
    /// Deciding on a write: one at a time, but for those that nobody waits for any more.
    Decision,
}

/// The places of each kind.
pub(crate) struct Jobs {
    look_ups: Arc<Semaphore>,
    checks: Arc<Semaphore>,
    decisions: Arc<Semaphore>,
}

impl Default for Jobs {
    fn default() -> Self {
        let places = 2 * available_parallelism().map_or(1, usize::from).max(2);
        let places = || Arc::new(Semaphore::new(places));
        Self { look_ups: places(), checks: places(), decisions: places() }
    }
}

impl Jobs {
    /// Begins the work once there is a place for it; nothing if there is none until then.
    pub async fn begin<T: Send + 'static>(
        &self,
        kind: Kind,
        until: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<JoinHandle<T>> {
        let places = match kind {
            Kind::LookUp => &self.look_ups,
            Kind::Check => &self.checks,
            Kind::Decision => &self.decisions,
        };
        let place = timeout_at(until, Arc::clone(places).acquire_owned()).await.ok()?.ok()?;
        Some(tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_place() {
        let jobs = Jobs::default();
        let places = jobs.checks.available_permits();
        let (go, held) = mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let soon = || Instant::now() + Duration::from_millis(50);
        for _ in 0..places {
            let held = Arc::clone(&held);
            let work = move || _ = held.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recv();
            drop(jobs.begin(Kind::Check, soon(), work).await.expect("there is a place"));
        }
        assert!(jobs.begin(Kind::Check, soon(), || ()).await.is_none());
        let other = jobs.begin(Kind::LookUp, soon(), || 7).await.expect("they do not wait for each other");
        assert_eq!(other.await.ok(), Some(7));
        drop(go);
        let later = Instant::now() + Duration::from_secs(60);
        assert!(jobs.begin(Kind::Check, later, || ()).await.is_some());
    }
}
