//! The metadata log of a node that follows a quorum without being a member of it: a broker without the controller's role.
//!
//! One task asks the leader for what was committed and keeps what its user has not taken yet. Where the leader is not known, or does not
//! answer, it asks the voters in turn. It keeps nothing on disk: whoever starts needs the quorum anyway, and is handed its last snapshot.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::Uuid;
use metadata::Record;
use tokio::sync::watch;

use super::codec::Coded;
use super::follow::{Answer, Question};
use super::network::{Head, Kind, Lane, Peer, Transport, TransportError, read_answer};
use super::types::Key;
use crate::{Committed, Leadership, MetadataLog, Pending, ProposeError, Voter, Voters};

/// How long the leader may wait for something new.
const WAIT: Duration = Duration::from_millis(300);
/// Who answers later than this is doubted: others are asked who leads.
const DOUBT_AFTER: Duration = Duration::from_millis(600);
/// A question to one who is not known to lead.
const ASIDE_WITHIN: Duration = Duration::from_millis(500);
/// A snapshot may take its time.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Between two questions where nobody leads.
const RETRY: Duration = Duration::from_millis(50);
/// So much is fetched ahead of who follows.
const AHEAD_MAX: usize = 4_096;

/// What an observer is started with.
#[derive(Debug)]
pub struct ObserverOptions {
    /// This node's id.
    pub id: i32,
    /// The identity of its first log directory.
    pub directory: Uuid,
    /// Voters to ask; the id is -1 where it is not known.
    pub known: Vec<Peer>,
    /// The cluster that its directories belong to; empty if that is not known.
    pub cluster: String,
    /// The way to the voters.
    pub transport: Arc<dyn Transport>,
}

/// The engine; see the module's text.
#[derive(Debug)]
pub struct Observer {
    shared: Arc<Shared>,
    task: tokio::task::AbortHandle,
}

#[derive(Debug)]
struct Shared {
    own: Key,
    held: Mutex<Held>,
    /// Behind the last that is held.
    end: watch::Sender<u64>,
    leadership: watch::Sender<Leadership>,
    refusal: watch::Sender<Option<String>>,
}

#[derive(Debug, Default)]
struct Held {
    waiting: VecDeque<Committed>,
    leader: Option<Peer>,
    voters: Vec<Voter>,
    high_watermark: u64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Held> {
        // Whoever holds the lock only moves counted pointers; a panic there leaves nothing half done.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer {
    /// Begins to follow. Its task runs where this is called.
    pub fn start(options: ObserverOptions) -> Arc<Self> {
        let shared = Arc::new(Shared {
            own: Key { id: options.id, directory: options.directory },
            held: Mutex::default(),
            end: watch::Sender::new(0),
            leadership: watch::Sender::new(Leadership::default()),
            refusal: watch::Sender::new(None),
        });
        let poller = Poller {
            shared: Arc::clone(&shared),
            transport: options.transport,
            cluster: options.cluster,
            known: options.known,
            turn: 0,
        };
        let task = tokio::spawn(poller.run()).abort_handle();
        Arc::new(Self { shared, task })
    }

    /// Says why this node may not follow, once that is so.
    pub async fn failed(&self) -> String {
        let mut refusal = self.shared.refusal.subscribe();
        let refused = refusal.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        match refused {
            Some(reason) => reason,
            None => std::future::pending().await,
        }
    }

    fn not_leader(&self) -> ProposeError {
        ProposeError::NotLeader(self.shared.leadership.borrow().leader)
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Poller {
    shared: Arc<Shared>,
    transport: Arc<dyn Transport>,
    cluster: String,
    known: Vec<Peer>,
    turn: usize,
}

impl Poller {
    async fn run(mut self) {
        loop {
            let leader = self.shared.lock().leader.clone();
            let asked = match &leader {
                Some(leader) => self.ask_leader(leader).await,
                None => {
                    let next = self.next_voter();
                    self.ask(&next, false, ASIDE_WITHIN).await
                }
            };
            match asked {
                Ok(answer) => {
                    if let Some(refusal) = answer.refusal {
                        self.shared.refusal.send_replace(Some(refusal));
                        return;
                    }
                    let found = self.take(answer);
                    if !found {
                        tokio::time::sleep(RETRY).await;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "the quorum was asked in vain");
                    self.lose(leader.as_ref());
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    fn next_voter(&mut self) -> Peer {
        self.turn = self.turn.wrapping_add(1);
        let place = self.turn.checked_rem(self.known.len()).unwrap_or_default();
        let nobody = || Peer { id: -1, host: String::new(), port: 0 };
        self.known.get(place).cloned().unwrap_or_else(nobody)
    }

    async fn ask(&self, to: &Peer, waits: bool, within: Duration) -> Result<Answer, TransportError> {
        let (from, ahead) = (*self.shared.end.borrow(), self.shared.lock().waiting.len());
        let wait = if waits { WAIT } else { Duration::ZERO };
        let question =
            Question { cluster: self.cluster.clone(), from, wait, wants: waits && ahead < AHEAD_MAX };
        let target = Key { id: to.id, directory: Uuid::ZERO };
        let head = Head { from: self.shared.own, to: target, kind: Kind::Follow };
        let message = head.message(|out| question.put(out));
        let lane = if waits { Lane::Bulk } else { Lane::Control };
        let answer = self.transport.exchange(to.clone(), lane, message, within).await?;
        Answer::from_bytes(read_answer(&answer)?).map_err(|error| TransportError(error.to_string()))
    }

    /// Asks the leader; one that hangs is not waited for once another leads.
    async fn ask_leader(&mut self, leader: &Peer) -> Result<Answer, TransportError> {
        let epoch = self.shared.leadership.borrow().epoch;
        let mut others: Vec<Peer> = self.known.iter().filter(|peer| *peer != leader).cloned().collect();
        let first = self.turn.checked_rem(others.len()).unwrap_or_default();
        others.rotate_left(first);
        let this = &*self;
        let mut asked = std::pin::pin!(this.ask(leader, true, ANSWER_WITHIN));
        let mut doubted = std::pin::pin!(async {
            tokio::time::sleep(DOUBT_AFTER).await;
            loop {
                for other in &others {
                    match this.ask(other, false, ASIDE_WITHIN).await {
                        Ok(answer) if answer.epoch > epoch && answer.leader.is_some() => return answer,
                        _ => tokio::time::sleep(RETRY).await,
                    }
                }
                if others.is_empty() {
                    std::future::pending::<()>().await;
                }
            }
        });
        tokio::select! {
            answer = &mut asked => answer,
            answer = &mut doubted => Ok(answer),
        }
    }

    /// Takes what was told; false where nothing can be asked of a leader at once.
    fn take(&mut self, answer: Answer) -> bool {
        let now = *self.shared.leadership.borrow();
        if answer.epoch < now.epoch {
            return false;
        }
        let mut held = self.shared.lock();
        if answer.leads || !answer.voters.is_empty() && held.voters.is_empty() {
            held.voters = answer.voters.iter().map(voter).collect();
            let peer = |one: &(super::types::Key, super::types::Address)| Peer {
                id: one.0.id,
                host: one.1.host.clone(),
                port: one.1.port,
            };
            self.known = answer.voters.iter().map(peer).collect();
        }
        held.high_watermark = held.high_watermark.max(answer.high_watermark);
        let end = answer.handed.last().map(end_of);
        held.waiting.extend(answer.handed);
        held.leader.clone_from(&answer.leader);
        drop(held);
        if let Some(end) = end {
            self.shared.end.send_replace(end);
        }
        let leader = answer.leader.map(|leader| leader.id);
        self.tell(Leadership { leader, epoch: answer.epoch, is_own: false });
        leader.is_some()
    }

    /// A leader does not answer: it is looked for anew.
    fn lose(&self, leader: Option<&Peer>) {
        let mut held = self.shared.lock();
        if leader.is_some() && held.leader.as_ref() == leader {
            held.leader = None;
            drop(held);
            let epoch = self.shared.leadership.borrow().epoch;
            self.tell(Leadership { leader: None, epoch, is_own: false });
        }
    }

    fn tell(&self, now: Leadership) {
        if let Some(leader) = now.leader.filter(|id| self.shared.leadership.borrow().leader != Some(*id)) {
            tracing::info!(leader, epoch = now.epoch, "following the metadata quorum's leader");
        }
        self.shared.leadership.send_if_modified(|known| std::mem::replace(known, now) != now);
    }
}

fn voter((key, address): &(Key, super::types::Address)) -> Voter {
    Voter {
        id: key.id,
        directory: key.directory,
        address: Some((address.host.clone(), address.port)),
        end_offset: None,
        heard: None,
        caught_up: None,
    }
}

fn end_of(committed: &Committed) -> u64 {
    match committed {
        Committed::Snapshot { end_offset, .. } | Committed::Batch { end_offset, .. } => *end_offset,
    }
}

impl MetadataLog for Observer {
    fn propose(&self, _epoch: i32, _records: Vec<Record>) -> Pending<'_, Result<u64, ProposeError>> {
        Box::pin(async move { Err(self.not_leader()) })
    }

    fn leader(&self) -> Option<Peer> {
        self.shared.lock().leader.clone()
    }

    fn leadership(&self) -> watch::Receiver<Leadership> {
        self.shared.leadership.subscribe()
    }

    fn confirm(&self) -> Pending<'_, Result<u64, ProposeError>> {
        Box::pin(async move { Err(self.not_leader()) })
    }

    fn next(&self, from: u64) -> Pending<'_, Result<Committed, ProposeError>> {
        let mut end = self.shared.end.subscribe();
        Box::pin(async move {
            loop {
                end.mark_unchanged();
                {
                    let mut held = self.shared.lock();
                    while held.waiting.front().is_some_and(|first| end_of(first) <= from) {
                        held.waiting.pop_front();
                    }
                    if let Some(next) = held.waiting.front() {
                        return Ok(next.clone());
                    }
                }
                end.changed().await.map_err(|_| ProposeError::Closed)?;
            }
        })
    }

    fn snapshot(&self, _end_offset: u64, _records: Vec<Record>) {}

    fn wants_snapshot(&self) -> bool {
        false
    }

    fn voters(&self) -> Voters {
        let held = self.shared.lock();
        let now = *self.shared.leadership.borrow();
        Voters {
            leader: now.leader,
            epoch: now.epoch,
            voters: held.voters.clone(),
            observers: Vec::new(),
            high_watermark: held.high_watermark,
        }
    }
}
