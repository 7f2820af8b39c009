//! A broker's right to lead, for as long as the controller cannot have given it to another.
//!
//! The controller fences a broker when `broker.session.timeout.ms` have passed since it *received* a heartbeat. The broker counts from
//! when it *sent* the last heartbeat that was accepted, and stops a little sooner. Assumption: over one session the two clocks' rates
//! differ by less than the margin between the two times.

/// What the controller's acceptance of heartbeats grants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    duration_ms: i64,
    /// When the last accepted heartbeat was sent.
    renewed_ms: Option<i64>,
}

impl Lease {
    /// A lease not granted yet, good for `duration_ms` from each renewal.
    #[must_use]
    pub const fn new(duration_ms: i64) -> Self {
        Self { duration_ms, renewed_ms: None }
    }

    /// The lease that suits a session: a tenth is kept as margin for clocks that run apart.
    #[must_use]
    pub const fn of_session(session_timeout_ms: i64) -> Self {
        Self::new(session_timeout_ms - session_timeout_ms / 10)
    }

    /// The session by which whoever accepts heartbeats judges, if that differs from what this broker was told.
    pub fn judged_by(&mut self, session_timeout_ms: i64) {
        self.duration_ms = Self::of_session(session_timeout_ms).duration_ms;
    }

    /// A heartbeat sent at `sent_ms` (of the clock that never goes back) was accepted.
    pub fn renew(&mut self, sent_ms: i64) {
        self.renewed_ms = self.renewed_ms.max(Some(sent_ms));
    }

    /// The registration is void: a heartbeat was refused, or a new registration begins.
    pub fn revoke(&mut self) {
        self.renewed_ms = None;
    }

    /// Whether this broker may still take writes.
    #[must_use]
    pub fn holds(&self, now_ms: i64) -> bool {
        self.expires_ms().is_some_and(|expires| now_ms < expires)
    }

    /// When it ends unless it is renewed.
    #[must_use]
    pub fn expires_ms(&self) -> Option<i64> {
        self.renewed_ms.map(|renewed| renewed.saturating_add(self.duration_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_when_the_heartbeat_was_sent() {
        let mut lease = Lease::of_session(10_000);
        assert!(!lease.holds(0));
        lease.renew(1_000);
        lease.renew(500);
        assert!(lease.holds(9_999));
        assert!(!lease.holds(10_000));
        lease.judged_by(5_000);
        assert!(lease.holds(5_499) && !lease.holds(5_500), "the controller's session rules");
        lease.revoke();
        assert!(!lease.holds(1_001));
    }
}
