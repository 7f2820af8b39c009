//! What becomes of records that lost, so that compaction cannot make winners of them.
//!
//! A compacted log keeps the last record of a key. A loser that is the last of its key would count once nothing before it
//! does, so the registry that writes sees to each of them:
//!
//! - under a key that a version has: that version's record is written again;
//! - under a key of its own, once its writer has had its time: the key is claimed for a deleted version with an id of its
//!   own, and when that has won, by the same rule as every write, it gets a tombstone. What others put there in between has
//!   lost, so that the tombstone undoes nothing that was acknowledged.
//!
//! The second comes before the first where both claim the same id: the winner's record must not come to stand behind a loser's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::config::Mode;
use crate::election::Leader;
use crate::log::LogEntry;
use crate::record::{Change, Key, Record, SchemaValue, What};
use crate::service::Registry;
use crate::store::{Applied, Live, Store};
use crate::subject;

/// So many losers are kept in mind; more are seen to after the next start.
const LOSERS_MAX: usize = 10_000;

/// How long to rest after something failed.
const PAUSE: Duration = Duration::from_secs(1);

/// The losers that are the last records of their keys.
pub(crate) struct Mender {
    losers: Mutex<BTreeMap<Vec<u8>, Loser>>,
    /// Changes when there are more.
    more: watch::Sender<u64>,
    /// One at a time sees to them.
    working: tokio::sync::Mutex<()>,
}

struct Loser {
    value: Vec<u8>,
    since: Instant,
}

/// What is to be done next.
#[derive(Default)]
struct Plan {
    /// Winners to be written again.
    again: Vec<Record>,
    /// A key to be claimed, with the record that does so.
    claim: Option<(Key, Record)>,
    /// When to look again.
    wait: Option<Duration>,
}

impl Mender {
    pub fn new() -> Self {
        Self { losers: Mutex::default(), more: watch::Sender::new(0), working: tokio::sync::Mutex::default() }
    }

    fn losers(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Loser>> {
        self.losers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what became of records, in the log's order.
    pub fn met(&self, entries: impl Iterator<Item = (LogEntry, Applied)>) {
        let mut losers = self.losers();
        let mut more = false;
        for (entry, applied) in entries {
            match entry.value {
                Some(value) if applied == Applied::Lost && losers.len() < LOSERS_MAX => {
                    losers.insert(entry.key, Loser { value, since: Instant::now() });
                    more = true;
                }
                _ if losers.is_empty() => {}
                _ => drop(losers.remove(&entry.key)),
            }
        }
        drop(losers);
        if more {
            self.more.send_modify(|times| *times += 1);
        }
    }

    /// What to do, by what is committed and what is decided; a loser whose writer may still be at it is left for `patience`.
    fn plan(&self, committed: &Store, ahead: &Store, patience: Duration) -> Plan {
        let mut plan = Plan::default();
        let (mut disputed, mut claimed) = (Vec::new(), BTreeSet::new());
        for (key, loser) in self.losers().iter() {
            let Some(change) = Change::read(key, Some(&loser.value)) else { continue };
            let (Key::Schema { subject, version }, What::Schema(value)) = (&change.key, &change.what) else {
                continue;
            };
            let stands = |store: &Store| store.version(subject, *version, Live::WithDeleted).is_some();
            match (stands(committed), ahead.version(subject, *version, Live::WithDeleted)) {
                // Under a key of another layout the winner's record would not replace it.
                (true, Some((_, winner))) if change.layout.is_none() => {
                    let (id, content) = (winner.id, winner.content.clone());
                    let winner = SchemaValue { id, content, deleted: winner.deleted };
                    disputed.push((subject.clone(), *version, winner));
                }
                // An import may put anything there.
                (false, None) if ahead.mode_in_scope(subject) != Mode::Import => {
                    let context = subject::context_of(subject);
                    claimed.insert((context.to_owned(), value.id));
                    match patience.checked_sub(loser.since.elapsed()) {
                        Some(rest) => plan.wait = Some(plan.wait.map_or(rest, |wait| wait.min(rest))),
                        None if plan.claim.is_none() => {
                            plan.claim = claim(ahead, context, change.key.clone(), value);
                        }
                        None => plan.wait = Some(Duration::ZERO),
                    }
                }
                _ => {}
            }
        }
        disputed.retain(|(subject, _, winner)| {
            !claimed.contains(&(subject::context_of(subject).to_owned(), winner.id))
        });
        plan.again =
            disputed.iter().map(|(subject, version, winner)| winner.record(subject, *version)).collect();
        plan
    }
}

/// The record that takes a loser's key away from it.
fn claim(store: &Store, context: &str, key: Key, loser: &SchemaValue) -> Option<(Key, Record)> {
    let Key::Schema { subject, version } = &key else { return None };
    let id = store.id_of(context, &loser.content.guid).or_else(|| store.next_id(context))?;
    let record = SchemaValue { id, content: loser.content.clone(), deleted: true }.record(subject, *version);
    Some((key, record))
}

impl Registry {
    /// Sees to the losers; the answer is when to do so again, if that is known.
    pub(crate) async fn mend(&self) -> Option<Duration> {
        if self.mender().losers().is_empty() {
            return None;
        }
        let _working = self.mender().working.lock().await;
        let Some(turn) = self.turn("Repair").await else { return Some(PAUSE) };
        let (committed, ahead) = self.states();
        let plan = self.mender().plan(&committed, &ahead, self.settings().timeout);
        drop((committed, ahead));
        if let Some((key, record)) = plan.claim {
            let claimed = matches!(self.append(turn, vec![record], "Repair").await, Ok(true));
            if !claimed || !self.bury(&key).await {
                return Some(PAUSE);
            }
            return Some(Duration::ZERO);
        }
        if !plan.again.is_empty()
            && let Err(error) = self.append(turn, plan.again, "Repair").await
        {
            tracing::warn!(error = %error.message, "a record that lost against another writer's could not be undone");
            return Some(PAUSE);
        }
        plan.wait
    }

    /// Writes tombstones for a key that was claimed to be buried; false if that failed.
    async fn bury(&self, key: &Key) -> bool {
        let Some(turn) = self.turn("Repair").await else { return false };
        let (_, ahead) = self.states();
        let tombstones = ahead.layouts(key).into_iter().map(|key| Record { key, value: None }).collect();
        drop(ahead);
        self.append(turn, tombstones, "Repair").await.is_ok()
    }
}

/// Sees to losers, and that brokers do not forget the fence, until the registry is gone: whenever it is elected, whenever there are
/// more losers, and in time.
pub(crate) async fn keep_mended(
    registry: Weak<Registry>,
    mut leader: watch::Receiver<Leader>,
    mut closed: watch::Receiver<bool>,
) {
    loop {
        let Some(strong) = registry.upgrade() else { return };
        let mut more = strong.mender().more.subscribe();
        more.borrow_and_update();
        let leads = *leader.borrow_and_update() == Leader::This;
        let wait = if leads {
            let (mend, keep) = (strong.mend().await, strong.keep_fence().await);
            Some(mend.map_or(keep, |mend| mend.min(keep)))
        } else {
            None
        };
        drop(strong);
        tokio::select! {
            changed = leader.changed() => if changed.is_err() { return },
            // The sender lives as long as the registry.
            changed = more.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(wait.unwrap_or(Duration::MAX)), if wait.is_some() => {}
            _ = closed.wait_for(|closed| *closed) => return,
        }
    }
}
