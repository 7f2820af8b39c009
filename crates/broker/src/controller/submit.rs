//! Asking the controller, wherever it is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use metadata::controller::Command;
use quorum::{Leadership, Peer};
use tokio::sync::watch;
use wire::{ErrorCode, Request};

use crate::Broker;
use crate::cluster::{self, Decided, Purpose};

/// How long a command is tried, as long as Kafka's clients wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait for another leader before asking again.
const RETRY: Duration = Duration::from_millis(50);

impl Broker {
    /// Asks the active controller; the answer comes when what it says is committed and true on this node. While nobody leads it is
    /// tried again.
    pub async fn submit<C>(&self, command: C) -> Result<C::Answer, ErrorCode>
    where
        C: Command<Answer = <C as Request>::Response> + Request + Clone + Send + Sync + 'static,
        C::Answer: Send + 'static,
    {
        let until = Instant::now() + PATIENCE;
        let mut leadership = self.leadership()?;
        loop {
            leadership.mark_unchanged();
            let within = until.saturating_duration_since(Instant::now());
            match self.submit_once(&command, within).await {
                Err(ErrorCode::NOT_CONTROLLER) if !within.is_zero() => {
                    let _ = tokio::time::timeout(RETRY, leadership.changed()).await;
                }
                Ok((answer, offset)) => {
                    self.follow_to(offset, within).await;
                    return Ok(answer);
                }
                Err(code) => return Err(code),
            }
        }
    }

    /// The same, once.
    pub(crate) async fn submit_once<C>(&self, command: &C, within: Duration) -> Decided<C::Answer>
    where
        C: Command<Answer = <C as Request>::Response> + Request + Clone + Send + Sync + 'static,
        C::Answer: Send + 'static,
    {
        match self.other_leader()? {
            None => {
                let decided = tokio::time::timeout(within, self.decide(command.clone())).await;
                decided.unwrap_or(Err(ErrorCode::REQUEST_TIMED_OUT))
            }
            Some(leader) => {
                let own = self.config.node_id;
                let purpose =
                    if command.heard_from().is_some() { Purpose::Heartbeats } else { Purpose::Commands };
                let mut leadership = self.leadership()?;
                tokio::select! {
                    decided = cluster::ask(&self.links, own, &leader, command, purpose, within) => decided,
                    // One that hangs is not waited for once another leads: a lease would run out meanwhile.
                    _ = leadership.wait_for(|now| now.leader.is_some_and(|id| id != leader.id)) => {
                        Err(ErrorCode::NOT_CONTROLLER)
                    }
                }
            }
        }
    }

    /// Has the controller on this node decide.
    pub(crate) async fn decide<C>(&self, command: C) -> Decided<C::Answer>
    where
        C: Command + Send + 'static,
        C::Answer: Send + 'static,
    {
        self.mailbox()?.decide(command).await
    }

    /// Where the quorum's leader is, if it is another node and known.
    pub(crate) fn other_leader(&self) -> Result<Option<Peer>, ErrorCode> {
        let log = self.mailbox()?.log();
        let leads = log.leadership().borrow().is_own;
        Ok(log.leader().filter(|_| !leads))
    }

    /// Who leads the quorum, as it changes.
    pub(crate) fn leadership(&self) -> Result<watch::Receiver<Leadership>, ErrorCode> {
        Ok(self.mailbox()?.log().leadership())
    }

    /// How far this node has followed the metadata.
    pub(crate) fn followed_to(&self) -> u64 {
        self.mailbox().map_or(0, |mailbox| *mailbox.applied().borrow())
    }

    /// Waits until this node has followed so far.
    pub(crate) async fn follow_to(&self, offset: u64, within: Duration) {
        let Ok(mailbox) = self.mailbox() else { return };
        let mut applied = mailbox.applied();
        // The command is done all the same.
        let _ = tokio::time::timeout(within, applied.wait_for(|applied| *applied >= offset)).await;
    }

    /// A connection with another node of the cluster ended: perhaps its process did.
    pub(crate) fn lost_connection(self: &Arc<Self>, node: i32) {
        let Some(thread) = &self.thread else { return };
        let broker = Arc::clone(self);
        thread.handle().spawn(async move {
            if let Some(raft) = broker.metadata.raft() {
                raft.lost(node).await;
            }
            broker.fence_if_gone(node).await;
        });
    }

    /// A controller that takes over asks all machines whether their brokers are still there.
    pub(super) fn look_for_the_gone(self: &Arc<Self>) {
        let Some(thread) = &self.thread else { return };
        for id in self.image().brokers().keys().copied().filter(|id| *id != self.config.node_id) {
            let broker = Arc::clone(self);
            thread.handle().spawn(async move { broker.fence_if_gone(id).await });
        }
    }

    /// Fences a broker at once if its machine refuses to connect where it listened.
    async fn fence_if_gone(&self, id: i32) {
        let leads = self.leadership().is_ok_and(|leadership| leadership.borrow().is_own);
        let image = self.image();
        let Some(broker) = image.live_broker(id).filter(|_| leads) else { return };
        // What clients are told may be another machine's business; brokers must reach each other.
        let listener = self.config.inter_broker_listener();
        let only = || broker.endpoints.first().filter(|_| broker.endpoints.len() == 1);
        let Some(endpoint) = broker.endpoint(&listener).or_else(only) else { return };
        if cluster::refuses(&endpoint.host, endpoint.port).await
            && let Ok(mailbox) = self.mailbox()
        {
            tracing::warn!(broker = id, "fenced a broker: its process is gone");
            mailbox.gone(id).await;
        }
    }
}
