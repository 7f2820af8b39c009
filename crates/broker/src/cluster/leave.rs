//! Leaving in order: the quorum and the partitions that this node leads go to others before it stops (KIP-631).

use std::sync::Arc;
use std::time::{Duration, Instant};

use wire::messages::broker_heartbeat::BrokerHeartbeatRequest;

use crate::Broker;

/// How long others may take to take over.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait where nobody leads the quorum: the whole cluster may be stopping.
const WITHOUT_LEADER: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_millis(20);

impl Broker {
    /// Gives away what this node leads; returns when that is done or nobody is there to take it.
    pub(crate) async fn leave(self: &Arc<Self>) {
        if let Some(raft) = self.metadata.raft() {
            raft.hand_over().await;
        }
        if self.config.quorum.is_alone() || !self.config.quorum.roles.broker {
            return;
        }
        let (begun, mut heard) = (Instant::now(), Instant::now());
        while begun.elapsed() < PATIENCE && heard.elapsed() < WITHOUT_LEADER {
            match self.submit_once(&self.farewell(), WITHOUT_LEADER).await {
                Ok((answer, offset)) => {
                    heard = Instant::now();
                    if answer.should_shut_down || answer.error_code.is_error() {
                        self.follow_to(offset, WITHOUT_LEADER).await;
                        return;
                    }
                }
                Err(code) => tracing::debug!(%code, "the controller does not know yet that this node stops"),
            }
            tokio::time::sleep(RETRY).await;
        }
        tracing::warn!("this node stops before others took over all that it leads");
    }

    fn farewell(&self) -> BrokerHeartbeatRequest {
        BrokerHeartbeatRequest {
            broker_id: self.config.node_id,
            broker_epoch: self.logs.dirs().first().map_or(-1, |dir| dir.broker_epoch()),
            current_metadata_offset: i64::try_from(self.followed_to()).unwrap_or(i64::MAX),
            want_shut_down: true,
            ..Default::default()
        }
    }
}
