//! This node's membership in the cluster: the lease that heartbeats renew (KIP-631).
//!
//! Heartbeats go out from the quorum's thread, by a connection of their own, at every interval and at once when another node
//! leads the quorum. The lease counts from when an accepted heartbeat was sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use replica::Lease;
use wire::ErrorCode;
use wire::messages::broker_heartbeat::{BrokerHeartbeatRequest, BrokerHeartbeatResponse};

use crate::Broker;

/// The lease of this broker; none is needed by a node that is its own controller.
#[derive(Debug, Default)]
pub(crate) struct Membership {
    lease: Mutex<Option<Lease>>,
}

impl Membership {
    fn lock(&self) -> MutexGuard<'_, Option<Lease>> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Broker {
    /// From now on a lease is needed.
    pub(crate) fn need_lease(&self) {
        let lease = Lease::of_session(self.config.quorum.session_ms);
        *self.membership.lock() = Some(lease);
        self.set_lease(&lease);
    }

    /// A heartbeat that was sent at this time was accepted; the lease is no longer than the session of either side.
    pub(crate) fn renew_lease(&self, sent_ms: i64, answer: &BrokerHeartbeatResponse) {
        let told = Some(i64::from(answer.session_ms)).filter(|told| *told > 0);
        let own = self.config.quorum.session_ms;
        self.change_lease(|lease| {
            lease.judged_by(told.map_or(own, |told| told.min(own)));
            lease.renew(sent_ms);
        });
    }

    fn change_lease(&self, change: impl FnOnce(&mut Lease)) {
        if let Some(lease) = &mut *self.membership.lock() {
            change(lease);
            self.set_lease(lease);
        }
    }
}

/// Sends heartbeats for as long as the broker runs.
pub(crate) async fn keep(broker: Arc<Broker>) {
    let config = &broker.config.quorum;
    let session = Duration::from_millis(u64::try_from(config.session_ms).unwrap_or_default());
    let interval = config.heartbeat_interval.min(session / 4);
    let Ok(mut leadership) = broker.leadership() else { return };
    loop {
        leadership.mark_unchanged();
        let wait = if broker.heartbeat(session).await { interval } else { interval.min(RETRY) };
        // Another leader is told at once that this broker lives.
        let _ = tokio::time::timeout(wait, leadership.changed()).await;
    }
}

const RETRY: Duration = Duration::from_millis(100);

impl Broker {
    /// Sends one heartbeat; false if it was not accepted.
    async fn heartbeat(self: &Arc<Self>, within: Duration) -> bool {
        let Some(broker_epoch) = self.logs.dirs().first().map(|dir| dir.broker_epoch()) else { return false };
        let sent_ms = self.lease_clock_ms();
        let heartbeat = BrokerHeartbeatRequest {
            broker_id: self.config.node_id,
            broker_epoch,
            current_metadata_offset: i64::try_from(self.followed_to()).unwrap_or(i64::MAX),
            offline_log_dirs: self.logs.failed(),
            cordoned_log_dirs: Some(self.logs.cordoned()),
            ..Default::default()
        };
        match self.submit_once(&heartbeat, within).await {
            Ok((answer, _)) if answer.error_code == ErrorCode::NONE => {
                if !answer.is_fenced {
                    self.renew_lease(sent_ms, &answer);
                }
                true
            }
            Ok((answer, _)) => {
                tracing::warn!(code = %answer.error_code, "the controller refused a heartbeat");
                self.change_lease(Lease::revoke);
                self.register_again().await;
                false
            }
            Err(code) => {
                tracing::debug!(%code, "a heartbeat was not answered");
                false
            }
        }
    }

    /// The registration is void: another one is asked for.
    async fn register_again(self: &Arc<Self>) {
        if let Err(error) = self.register().await {
            tracing::warn!(%error, "this broker could not register again");
        }
    }
}
