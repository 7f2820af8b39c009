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

/// So many losers are kept in mind, of so many bytes; more are seen to after the next start.
const LOSERS_MAX: usize = 10_000;
const LOSERS_BYTES_MAX: usize = 64 * 1024 * 1024;

/// So many records are written at a time, and no more once they have so many bytes: others wait for their turn.
const STEP_MAX: usize = 256;
const STEP_BYTES: usize = 1024 * 1024;

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
    /// The size of their records' values.
    bytes: usize,
    /// Keys that were claimed to be buried, and what they say.
    claimed: BTreeMap<Vec<u8>, Key>,
}

struct Loser {
    key: Key,
    /// Whether the key was written in another layout than ours.
    is_foreign: bool,
    value: SchemaValue,
    bytes: usize,
    since: Instant,
    /// Whether no version stood under its key.
    alone: bool,
}

impl Loser {
    /// What was claimed, if what counts under this loser's key claims it to be buried.
    fn claimed_by(&self, change: &Change) -> Option<Key> {
        let What::Schema(claim) = &change.what else { return None };
        let is_claim = self.alone && claim.deleted && claim.content.guid == self.value.content.guid;
        is_claim.then(|| change.key.clone())
    }
}

impl Kept {
    fn add(&mut self, key: Vec<u8>, loser: Loser) {
        self.bytes += loser.bytes;
        let before = self.losers.insert(key, loser);
        self.bytes -= before.map_or(0, |before| before.bytes);
    }

    fn remove(&mut self, key: &[u8]) -> Option<Loser> {
        let loser = self.losers.remove(key)?;
        self.bytes -= loser.bytes;
        Some(loser)
    }
}

/// What is to be done next.
#[derive(Default)]
struct Plan {
    records: Vec<Record>,
    /// The key that they claim, if it was written in another layout: what counts under ours does not tell that it was a loser's.
    claimed: Option<(Vec<u8>, Key)>,
    /// When to look again.
    then: Option<Duration>,
}

/// Where the losers stand.
#[derive(Default)]
struct Outlook<'a> {
    /// Under keys that versions have.
    disputed: Vec<&'a Loser>,
    /// Under keys that have to be claimed.
    alone: Vec<&'a Loser>,
    /// When the next may be claimed whose writer may still be at it.
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
    pub fn met(&self, entries: impl Iterator<Item = (LogEntry, Option<Change>, Applied)>) {
        let mut kept = self.kept();
        let mut more = false;
        for (LogEntry { key, value, .. }, change, applied) in entries {
            if applied.is_lost() {
                let bytes = value.map_or(0, |value| value.len());
                let has_room = kept.losers.len() < LOSERS_MAX && kept.bytes + bytes <= LOSERS_BYTES_MAX;
                if let Some(Change { key: of, layout, what: What::Schema(value) }) = change
                    && has_room
                {
                    let (is_foreign, alone) = (layout.is_some(), applied == Applied::LostId);
                    let since = Instant::now();
                    kept.add(key, Loser { key: of, is_foreign, value, bytes, since, alone });
                    more = true;
                }
            } else if !(kept.losers.is_empty() && kept.claimed.is_empty()) {
                kept.claimed.remove(&key);
                let loser = kept.remove(&key);
                let claimed = loser.zip(change).and_then(|(loser, change)| loser.claimed_by(&change));
                more |= claimed.is_some();
                kept.claimed.extend(claimed.map(|claimed| (key, claimed)));
            }
        }
        drop(kept);
        if more {
            self.more.send_modify(|times| *times += 1);
        }
    }

    /// Keys that were claimed and not buried; those that came to be something else by now are forgotten.
    fn to_bury(&self, ahead: &Store) -> Vec<Key> {
        let mut kept = self.kept();
        kept.claimed.retain(|_, key| {
            let Key::Schema { subject, version } = key else { return false };
            let still = ahead.version(subject, *version, Live::WithDeleted);
            still.is_some_and(|(_, still)| still.deleted)
                && ahead.referrers(subject, *version, Live::WithDeleted).is_empty()
                && ahead.mode_in_scope(subject) != Mode::Import
        });
        kept.claimed.values().take(STEP_MAX).cloned().collect()
    }

    /// What to do, by what is committed and what is decided; a loser whose writer may still be at it is left for `patience`.
    fn plan(&self, committed: &Store, ahead: &Store, patience: Duration) -> Plan {
        let layouts: Vec<_> = self.to_bury(ahead).iter().flat_map(|key| ahead.layouts(key)).collect();
        if !layouts.is_empty() {
            let records = layouts.into_iter().map(|key| Record { key, value: None }).collect();
            return Plan { records, claimed: None, then: Some(Duration::ZERO) };
        }
        let mut kept = self.kept();
        let settled = |loser: &Loser| stands(committed, loser) && stands(ahead, loser);
        // Under a key of another layout the winner's record would not replace it; when that version goes, the loser goes with it.
        let hopeless = kept.losers.iter().filter(|(_, loser)| loser.is_foreign && settled(loser));
        let hopeless: Vec<Vec<u8>> = hopeless.map(|(key, _)| key.clone()).collect();
        hopeless.iter().for_each(|key| _ = kept.remove(key));
        let outlook = outlook(&kept, committed, ahead, patience);
        if !outlook.alone.is_empty() {
            return claims(ahead, &outlook.alone);
        }
        again(ahead, &outlook)
    }
}

/// Whether a version stands under a loser's key.
fn stands(store: &Store, loser: &Loser) -> bool {
    let Key::Schema { subject, version } = &loser.key else { return false };
    store.version(subject, *version, Live::WithDeleted).is_some()
}

fn outlook<'k>(kept: &'k Kept, committed: &Store, ahead: &Store, patience: Duration) -> Outlook<'k> {
    let (mut outlook, mut claimed) = (Outlook::default(), BTreeSet::new());
    for loser in kept.losers.values() {
        let Key::Schema { subject, .. } = &loser.key else { continue };
        match (stands(committed, loser), stands(ahead, loser)) {
            (true, true) => outlook.disputed.push(loser),
            // An import may put anything there.
            (false, false) if ahead.mode_in_scope(subject) != Mode::Import => {
                claimed.insert((subject::context_of(subject), loser.value.id));
                match patience.checked_sub(loser.since.elapsed()) {
                    Some(rest) => outlook.wait = Some(outlook.wait.map_or(rest, |wait| wait.min(rest))),
                    None => outlook.alone.push(loser),
                }
            }
            _ => {}
        }
    }
    outlook.disputed.retain(|loser| {
        let Key::Schema { subject, version } = &loser.key else { return false };
        let winner = ahead.version(subject, *version, Live::WithDeleted);
        winner.is_some_and(|(_, winner)| !claimed.contains(&(subject::context_of(subject), winner.id)))
    });
    outlook
}

/// Claims as many keys as a step may: those of our layout together, or one of another.
fn claims(ahead: &Store, alone: &[&Loser]) -> Plan {
    let mut plan = Plan { then: Some(Duration::ZERO), ..Plan::default() };
    // Ids are given one after another.
    let mut ahead = ahead.clone();
    let mut bytes = 0;
    for loser in alone.iter().filter(|loser| !loser.is_foreign).take(STEP_MAX) {
        if bytes > STEP_BYTES {
            return plan;
        }
        let Some(record) = claim(&ahead, loser) else { continue };
        if let Some(change) = Change::read(&record.key, record.value.as_deref()) {
            ahead.change(&change, 0);
        }
        bytes += loser.bytes;
        plan.records.push(record);
    }
    if plan.records.is_empty()
        && let Some(loser) = alone.iter().find(|loser| loser.is_foreign)
        && let Some(record) = claim(&ahead, loser)
    {
        plan.claimed = Some((record.key.clone(), loser.key.clone()));
        plan.records.push(record);
    }
    if plan.records.is_empty() {
        // No ids are left; some may come back.
        plan.then = Some(PAUSE);
    }
    plan
}

/// Writes winners again, as many as a step may.
fn again(ahead: &Store, outlook: &Outlook<'_>) -> Plan {
    let mut plan = Plan { then: outlook.wait, ..Plan::default() };
    let mut bytes = 0;
    for loser in &outlook.disputed {
        if plan.records.len() >= STEP_MAX || bytes > STEP_BYTES {
            plan.then = Some(Duration::ZERO);
            break;
        }
        let Key::Schema { subject, version } = &loser.key else { continue };
        let Some((_, winner)) = ahead.version(subject, *version, Live::WithDeleted) else { continue };
        let winner = SchemaValue { id: winner.id, content: winner.content.clone(), deleted: winner.deleted };
        let record = winner.record(subject, *version);
        bytes += record.value.as_ref().map_or(0, Vec::len);
        plan.records.push(record);
    }
    plan
}

/// The record that takes a loser's key away from it.
fn claim(store: &Store, loser: &Loser) -> Option<Record> {
    let Key::Schema { subject, version } = &loser.key else { return None };
    let context = subject::context_of(subject);
    let id = store.id_of(context, &loser.value.content.guid).or_else(|| store.next_id(context))?;
    let content = loser.value.content.clone();
    Some(SchemaValue { id, content, deleted: true }.record(subject, *version))
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
        let Plan { records, claimed, then } = self.mender().plan(&committed, &ahead, self.settings().timeout);
        drop((committed, ahead));
        if records.is_empty() {
            return then;
        }
        match self.append(turn, records, "Repair").await {
            Ok(true) => {
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
