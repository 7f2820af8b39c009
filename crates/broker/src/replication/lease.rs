//! This broker's right to lead, where every append can look at it without a lock.

use std::sync::atomic::{AtomicI64, Ordering};

use replica::Lease;

/// No lease is needed: this node is its own controller, and nobody else could have given its partitions away.
const NOT_NEEDED: i64 = i64::MAX;

/// When the lease ends, by the clock of [`super::Replication::now_ms`].
#[derive(Debug)]
pub(crate) struct SharedLease(AtomicI64);

impl Default for SharedLease {
    fn default() -> Self {
        Self(AtomicI64::new(NOT_NEEDED))
    }
}

impl SharedLease {
    /// Whether this broker may still take writes; `now_ms` is asked only where it matters.
    pub fn holds(&self, now_ms: impl FnOnce() -> i64) -> bool {
        let ends_ms = self.0.load(Ordering::Acquire);
        ends_ms == NOT_NEEDED || now_ms() < ends_ms
    }

    /// A heartbeat was accepted or refused, or a registration begins: from now on a lease is needed.
    pub fn set(&self, lease: &Lease) {
        self.0.store(lease.expires_ms().unwrap_or(i64::MIN), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_needed_until_it_is_granted() {
        let shared = SharedLease::default();
        assert!(shared.holds(|| i64::MAX));
        let mut lease = Lease::of_session(1000);
        shared.set(&lease);
        assert!(!shared.holds(|| 0));
        lease.renew(0);
        shared.set(&lease);
        assert!(shared.holds(|| 899));
        assert!(!shared.holds(|| 900));
    }
}
