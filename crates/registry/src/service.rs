//! The registry at work: replaying the log, deciding writes one after another, answering when they have won.
//!
//! Two states are kept. `committed` is what the log says; reads are answered from it. `ahead` counts the decided records
//! that are still on their way besides, so that many writes can be in flight. Replay meets our own records in the order in
//! which they were sent; a record that is not the next of ours is another writer's, and `ahead` is then made anew.

mod fence;
mod pending;
mod replay;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use schema::json::Json;
use tokio::sync::{OwnedMutexGuard, oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};

use crate::candidate::Candidate;
use crate::core::{Decided, Decision, Parser};
use crate::election::{self, Leader};
use crate::error::RestError;
use crate::fence::Fence;
use crate::follow::follow;
use crate::http::{Forwarder, Room};
use crate::jobs::Kind;
use crate::log::{Appended, LogError, SchemasLog};
use crate::mend::{Mender, keep_mended};
use crate::record::{Change, Record};
use crate::settings::Settings;
use crate::store::{Applied, Store};
use pending::{Pending, Sent};

/// How often a write that lost against another writer is decided anew.
const ATTEMPTS: usize = 16;

/// How long deciding on one write may keep the turn.
const DECISION_MAX: Duration = Duration::from_secs(30);

/// A registry.
pub struct Registry {
    settings: Settings,
    log: Box<dyn SchemasLog>,
    committed: RwLock<Store>,
    ahead: RwLock<Store>,
    pending: Mutex<Pending>,
    /// The turn to decide, with the leader as the last to have it knew it.
    writer: Arc<tokio::sync::Mutex<watch::Receiver<Leader>>>,
    leader: watch::Receiver<Leader>,
    candidate: Option<Arc<Candidate>>,
    /// Keeps the leader known where there is no election.
    _settled: Option<watch::Sender<Leader>>,
    forwarder: Forwarder,
    room: Room,
    applied: watch::Sender<i64>,
    closed: watch::Sender<bool>,
    parser: Parser,
    mender: Mender,
    clock: fn() -> i64,
}

/// The right to decide on a write.
pub(crate) type Turn = OwnedMutexGuard<watch::Receiver<Leader>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    /// Replays the log to its present end and keeps on following it. Nothing is answered before that.
    pub async fn start(
        log: Box<dyn SchemasLog>,
        settings: Settings,
        clock: fn() -> i64,
    ) -> Result<Arc<Self>, LogError> {
        Self::start_elected(log, settings, clock, None).await
    }

    /// As [`Self::start`]; only the leader decides on writes.
    pub(crate) async fn start_elected(
        log: Box<dyn SchemasLog>,
        settings: Settings,
        clock: fn() -> i64,
        candidate: Option<Arc<Candidate>>,
    ) -> Result<Arc<Self>, LogError> {
        let (settled, leader) = match &candidate {
            Some(candidate) => (None, candidate.leader()),
            None => {
                let (sender, leader) = election::settled();
                (Some(sender), leader)
            }
        };
        let peers = settings.peers.clone();
        let registry = Arc::new(Self {
            settings,
            log,
            committed: RwLock::default(),
            ahead: RwLock::default(),
            pending: Mutex::default(),
            writer: Arc::new(tokio::sync::Mutex::new(leader.clone())),
            leader,
            candidate,
            _settled: settled,
            forwarder: Forwarder::new(peers),
            room: Room::default(),
            applied: watch::Sender::new(0),
            closed: watch::Sender::new(false),
            parser: Parser::new(),
            mender: Mender::new(),
            clock,
        });
        let end = registry.log.end().await?;
        let mut reader = registry.log.reader().await?;
        while *registry.applied.borrow() < end {
            let (entries, next) = reader.next().await?;
            registry.take_in(entries, next, true);
        }
        registry.realigned();
        let (weak, closed) = (Arc::downgrade(&registry), registry.closed.subscribe());
        tokio::spawn(keep_mended(weak.clone(), registry.leader.clone(), closed.clone()));
        tokio::spawn(follow(weak, reader, closed));
        Ok(registry)
    }

    /// How it was told to behave.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn parser(&self) -> &Parser {
        &self.parser
    }

    pub(crate) fn room(&self) -> &Room {
        &self.room
    }

    pub(crate) fn forwarder(&self) -> &Forwarder {
        &self.forwarder
    }

    /// Who writes. Waits while nobody is known to; a request that was forwarded here waits until this registry is elected,
    /// since it must not travel on.
    pub(crate) async fn writer(&self, deadline: Instant, was_forwarded: bool) -> Result<Leader, RestError> {
        if self.settings.read_only {
            return Err(RestError::not_permitted("This registry is a read-only replica"));
        }
        self.look().await;
        let mut leader = self.leader.clone();
        let fits = |leader: &Leader| match leader {
            Leader::This => true,
            Leader::Other(_) => !was_forwarded,
            Leader::Unknown => false,
        };
        let leader = timeout_at(deadline, leader.wait_for(fits)).await;
        leader.ok().and_then(Result::ok).map(|leader| leader.clone()).ok_or_else(RestError::no_leader)
    }

    /// A registry that writes alone sees whether it still may.
    async fn look(&self) {
        if let Some(candidate) = &self.candidate {
            candidate.look().await;
        }
    }

    /// Looks at what the log says.
    pub fn read<T>(&self, look: impl FnOnce(&Store) -> T) -> T {
        look(&self.committed.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until everything is replayed that is in the log now.
    pub async fn catch_up(&self) -> Result<(), RestError> {
        let end = self.log.end().await.map_err(|error| RestError::store(error.reason))?;
        self.replayed_to(end).await
    }

    async fn replayed_to(&self, end: i64) -> Result<(), RestError> {
        let mut applied = self.applied.subscribe();
        let reached = timeout(self.settings.timeout, applied.wait_for(|next| *next >= end)).await;
        reached.map(|_| ()).map_err(|_| RestError::timed_out("Catching up with the log"))
    }

    /// Decides, appends, and answers once the records count. `decide` may be called again when another writer was first.
    pub(crate) async fn write(
        self: &Arc<Self>,
        operation: &'static str,
        decide: impl Fn(&Self, &Store) -> Decided + Send + Sync + 'static,
    ) -> Result<Json, RestError> {
        if self.settings.read_only {
            return Err(RestError::not_permitted("This registry is a read-only replica"));
        }
        let decide = Arc::new(decide);
        let deadline = Instant::now() + self.settings.timeout;
        for attempt in 0..ATTEMPTS {
            fence::rest(attempt).await;
            let mut guard = self.turn_by(deadline, operation).await?;
            // Newly elected: what the leader before wrote counts.
            if guard.has_changed().unwrap_or(false) {
                self.catch_up().await?;
                guard.mark_unchanged();
            }
            let holds = lock(&self.pending).held().is_some();
            let (met, undone) = (self.met(), lock(&self.pending).undone);
            self.realign(operation).await?;
            let (registry, decide, store) = (Arc::clone(self), Arc::clone(&decide), self.ahead());
            // Parsing and comparing take time and stack: not on a thread that serves connections, and under no lock.
            let decided =
                self.room.jobs.begin(Kind::Decision, deadline, move || decide(&registry, &store)).await;
            let decided = decided.ok_or_else(|| RestError::timed_out(operation))?;
            // One that takes for ever does not stop all others: its outcome is not waited for.
            let decided =
                timeout(DECISION_MAX, decided).await.map_err(|_| RestError::timed_out(operation))?;
            let decided = decided.map_err(|_| RestError::store("A decision was broken off"))?;
            let Decision { records, answer } = match decided {
                Ok(decision) => decision,
                // A writer that was paused refuses by what it knew then: what others wrote since counts.
                Err(_) if !self.may_undo(met).await? => continue,
                // It may rest on records of our own that will not come to count.
                Err(refusal) if self.settle(guard, undone, operation).await? => return Err(refusal),
                Err(_) => continue,
            };
            if !records.is_empty() && !holds {
                // What is written is decided behind a fence of one's own. Who lost the log has lost one of its attempts.
                let _ = self.hold().await?;
                continue;
            }
            if !self.are_claims(&records) && !self.may_undo(met).await? {
                continue;
            }
            let counts = if records.is_empty() {
                // Nobody can have taken it away since.
                self.is_elected()?;
                self.settle(guard, undone, operation).await?
            } else {
                self.carry_out(guard, records, operation).await?
            };
            if counts {
                return Ok(answer);
            }
        }
        Err(RestError::store(format!("{operation} lost against other writers {ATTEMPTS} times")))
    }

    /// An answer that rests on records still on their way waits for them; false if one of those on their way since so many came to
    /// nothing did so too.
    async fn settle(&self, guard: Turn, undone: u64, operation: &'static str) -> Result<bool, RestError> {
        let sent = lock(&self.pending).sent;
        drop(guard);
        self.drained(sent, operation).await?;
        Ok(lock(&self.pending).undone == undone)
    }

    /// Sends records and sees to those that lost; false if there were any. A caller who goes away breaks nothing off: what was
    /// announced is sent, and what failed is forgotten.
    async fn carry_out(
        self: &Arc<Self>,
        guard: Turn,
        records: Vec<Record>,
        operation: &'static str,
    ) -> Result<bool, RestError> {
        let registry = Arc::clone(self);
        let task = tokio::spawn(async move {
            let counts = registry.append(guard, records, operation).await?;
            if !counts {
                registry.mend().await;
            }
            Ok(counts)
        });
        task.await.map_err(|_| RestError::store("A write was broken off"))?
    }

    /// Waits until none of our first `sent` records is on its way.
    async fn drained(&self, sent: u64, operation: &'static str) -> Result<(), RestError> {
        let mut applied = self.applied.subscribe();
        let waiting = async {
            while lock(&self.pending).queue.front().is_some_and(|first| first.number <= sent) {
                if applied.changed().await.is_err() {
                    return;
                }
            }
        };
        timeout(self.settings.timeout, waiting).await.map_err(|_| RestError::timed_out(operation))
    }

    /// Makes `ahead` follow from `committed` again, if it does not.
    async fn realign(&self, operation: &'static str) -> Result<(), RestError> {
        let (astray, sent) = {
            let pending = lock(&self.pending);
            (pending.astray, pending.sent)
        };
        if astray {
            self.drained(sent, operation).await?;
            self.realigned();
        }
        Ok(())
    }

    /// Sends records; false if one of them lost.
    pub(crate) async fn append(
        &self,
        guard: Turn,
        records: Vec<Record>,
        operation: &'static str,
    ) -> Result<bool, RestError> {
        let Some(fence) = lock(&self.pending).held() else { return Ok(false) };
        let (numbers, outcomes) = self.announce(&records);
        let sent = self.log.append(fence, records).await;
        drop(guard);
        let appended: Appended = match sent {
            Ok(appended) => appended,
            Err(error) => return self.failed(fence, &numbers, error),
        };
        let waiting = async {
            appended.await?;
            let mut counts = true;
            for outcome in outcomes {
                counts &= !outcome.await.is_ok_and(Applied::is_lost);
            }
            Ok(counts)
        };
        match timeout(self.settings.timeout, waiting).await {
            Ok(Ok(counts)) => Ok(counts),
            Ok(Err(error)) => self.failed(fence, &numbers, error),
            Err(_) => {
                self.forget(fence, &numbers);
                Err(RestError::timed_out(operation))
            }
        }
    }

    /// Counts records as decided and on their way.
    fn announce(&self, records: &[Record]) -> (Vec<u64>, Vec<oneshot::Receiver<Applied>>) {
        let mut pending = lock(&self.pending);
        let mut ahead = self.ahead.write().unwrap_or_else(PoisonError::into_inner);
        let now = (self.clock)();
        let mut numbers = Vec::new();
        let mut outcomes = Vec::new();
        for record in records {
            let change = Change::read(&record.key, record.value.as_deref());
            if let Some(change) = &change {
                ahead.change(change, now);
            }
            pending.sent += 1;
            let (outcome, receiver) = oneshot::channel();
            let number = pending.sent;
            pending.queue.push_back(Sent { number, record: record.clone(), change, outcome });
            numbers.push(number);
            outcomes.push(receiver);
        }
        (numbers, outcomes)
    }

    /// Records that will not come, or will come as if they were another's.
    fn forget(&self, fence: Fence, numbers: &[u64]) {
        let mut pending = lock(&self.pending);
        pending.queue.retain(|sent| !numbers.contains(&sent.number));
        // Behind a gap the log takes nothing more under this fence.
        pending.own = pending.own.filter(|own| *own != fence);
        pending.astray = true;
        pending.undone += 1;
        drop(pending);
        // Whoever waits for the queue looks again.
        self.applied.send_modify(|_| {});
    }

    /// What is said of records that did not come; a writer that another has taken over from decides anew.
    fn failed(&self, fence: Fence, numbers: &[u64], error: LogError) -> Result<bool, RestError> {
        self.forget(fence, numbers);
        if error.fenced {
            return Ok(false);
        }
        if error.too_large {
            return Err(RestError::schema_too_large(format!(
                "Write failed because schema is too large: {}",
                error.reason
            )));
        }
        Err(RestError::store(format!("Error while writing to the log: {}", error.reason)))
    }

    /// What the log says, and what is decided.
    pub(crate) fn states(&self) -> (Store, Store) {
        (self.read(Store::clone), self.ahead())
    }

    fn ahead(&self) -> Store {
        self.ahead.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn mender(&self) -> &Mender {
        &self.mender
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.closed.send_replace(true);
    }
}
