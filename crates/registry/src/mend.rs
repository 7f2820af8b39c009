//! What becomes of records that lost, so that compaction cannot make winners of them.
//!
//! A compacted log keeps the last record of a key. A loser that is the last of its key would count once nothing before it
//! does, so the registry that writes sees to each of them:
//!
//! - under a key that a version has: that version's record is written again;
//! - under a key of its own, once its writer has had its time: the key is claimed for a deleted version with an id of its
//!   own, and when that has won, by the same rule as every write, it gets a tombstone. What others put there in between has
//!   lost, so that the tombstone undoes nothing that was acknowledged. A claim is known by what it stands behind, a loser of the
//!   same schema under a key without a version, so that whoever writes next puts the tombstone where its writer was stopped.
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

/// What is to be seen to.
pub(crate) struct Mender {
    kept: Mutex<Kept>,
    /// Changes when there are more.
    more: watch::Sender<u64>,
    /// One at a time sees to them.
    working: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Kept {
    /// The losers that are the last records of their keys.
    losers: BTreeMap<Vec<u8>, Loser>,
    /// Keys that were claimed to be buried, and what they say.
    claimed: BTreeMap<Vec<u8>, Key>,
}

struct Loser {
    value: Vec<u8>,
    since: Instant,
    /// Whether no version stood under its key.
    alone: bool,
}

impl Loser {
    /// What was claimed, if a record under this loser's key that counts claims it to be buried.
    fn claimed_by(&self, key: &[u8], value: &[u8]) -> Option<Key> {
        let schema = |value| match Change::read(key, Some(value))? {
            Change { key, what: What::Schema(value), .. } => Some((key, value)),
            _ => None,
        };
        let ((_, own), (key, claim)) = (schema(&self.value)?, schema(value)?);
        (self.alone && claim.deleted && claim.content.guid == own.content.guid).then_some(key)
    }
}

/// What is to be done next.
#[derive(Default)]
struct Plan {
    /// Winners to be written again.
    again: Vec<Record>,
    /// A key to be claimed, with the record that does so.
    claim: Option<(Key, Record)>,
    /// A key that is claimed and gets its tombstones.
    bury: Option<Key>,
    /// When to look again.
    wait: Option<Duration>,
}

impl Mender {
    pub fn new() -> Self {
        Self { kept: Mutex::default(), more: watch::Sender::new(0), working: tokio::sync::Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_idle(&self) -> bool {
        let kept = self.kept();
        kept.losers.is_empty() && kept.claimed.is_empty()
    }

    /// Takes note of what became of records, in the log's order.
    pub fn met(&self, entries: impl Iterator<Item = (LogEntry, Applied)>) {
        let mut kept = self.kept();
        let mut more = false;
        for (LogEntry { key, value, .. }, applied) in entries {
            if applied.is_lost() {
                if let Some(value) = value.filter(|_| kept.losers.len() < LOSERS_MAX) {
                    let alone = applied == Applied::LostId;
                    kept.losers.insert(key, Loser { value, since: Instant::now(), alone });
                    more = true;
                }
            } else if !(kept.losers.is_empty() && kept.claimed.is_empty()) {
                kept.claimed.remove(&key);
                let loser = kept.losers.remove(&key);
                let claimed = loser.zip(value).and_then(|(loser, value)| loser.claimed_by(&key, &value));
                more |= claimed.is_some();
                kept.claimed.extend(claimed.map(|claimed| (key, claimed)));
            }
        }
        drop(kept);
        if more {
            self.more.send_modify(|times| *times += 1);
        }
    }

    /// The next key that was claimed and not buried; one that came to be something else by now is forgotten.
    fn to_bury(&self, ahead: &Store) -> Option<Key> {
        let mut kept = self.kept();
        kept.claimed.retain(|_, key| {
            let Key::Schema { subject, version } = key else { return false };
            let still = ahead.version(subject, *version, Live::WithDeleted);
            still.is_some_and(|(_, still)| still.deleted)
                && ahead.referrers(subject, *version, Live::WithDeleted).is_empty()
                && ahead.mode_in_scope(subject) != Mode::Import
        });
        kept.claimed.values().next().cloned()
    }

    /// What to do, by what is committed and what is decided; a loser whose writer may still be at it is left for `patience`.
    fn plan(&self, committed: &Store, ahead: &Store, patience: Duration) -> Plan {
        let mut plan = Plan { bury: self.to_bury(ahead), ..Plan::default() };
        let (mut disputed, mut claimed) = (Vec::new(), BTreeSet::new());
        for (key, loser) in &self.kept().losers {
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
        if self.mender().is_idle() {
            return None;
        }
        let _working = self.mender().working.lock().await;
        let Some(turn) = self.turn("Repair").await else { return Some(PAUSE) };
        let (committed, ahead) = self.states();
        let plan = self.mender().plan(&committed, &ahead, self.settings().timeout);
        let mut claimed = None;
        let (records, then) = match (plan.bury, plan.claim) {
            (Some(key), _) => {
                let tombstones = ahead.layouts(&key).into_iter();
                (tombstones.map(|key| Record { key, value: None }).collect(), Some(Duration::ZERO))
            }
            (None, Some((key, record))) => {
                claimed = Some((record.key.clone(), key));
                (vec![record], Some(Duration::ZERO))
            }
            (None, None) => (plan.again, plan.wait),
        };
        drop((committed, ahead));
        if records.is_empty() {
            return then;
        }
        match self.append(turn, records, "Repair").await {
            Ok(true) => {
                // Whatever layout the loser's key has.
                self.mender().kept().claimed.extend(claimed);
                then
            }
            Ok(false) => Some(PAUSE),
            Err(error) => {
                tracing::warn!(error = %error.message, "a record that lost against another writer's could not be undone");
                Some(PAUSE)
            }
        }
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
