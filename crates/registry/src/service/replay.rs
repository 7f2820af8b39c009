//! Taking in what the log says.

use std::sync::PoisonError;

use super::pending::Pending;
use super::{Registry, lock};
use crate::fence::Fence;
use crate::log::LogEntry;
use crate::record::{Change, Key};
use crate::store::{Applied, Store};

/// So many of our own records are taken in by both states apart; then they are made one again, and share their memory.
const APART_MAX: usize = 256;

impl Registry {
    /// Makes `ahead` follow from `committed`.
    pub(super) fn realigned(&self) {
        let mut pending = lock(&self.pending);
        let committed = self.read(Store::clone);
        self.align(&mut pending, committed);
    }

    fn align(&self, pending: &mut Pending, committed: Store) {
        *self.ahead.write().unwrap_or_else(PoisonError::into_inner) = committed;
        pending.astray = false;
        pending.apart = 0;
    }

    /// Applies entries of the log; `next` is the offset after them.
    pub(crate) fn replay(&self, entries: Vec<LogEntry>, next: i64) {
        self.take_in(entries, next, false);
    }

    /// As [`Self::replay`]; while it is starting, nothing is decided and `ahead` is not needed.
    pub(super) fn take_in(&self, entries: Vec<LogEntry>, next: i64, starting: bool) {
        let mut pending = lock(&self.pending);
        let (mut met, mut outcomes) = (Vec::with_capacity(entries.len()), Vec::new());
        // What takes long is done before readers are held up.
        for entry in entries {
            if let Some(fence) = Fence::read(&entry) {
                pending.met_fence(fence, entry.timestamp);
                met.push((entry, None));
                continue;
            }
            let own = pending
                .queue
                .pop_front_if(|sent| sent.record.key == entry.key && sent.record.value == entry.value);
            let change = match own {
                Some(sent) => {
                    pending.stood_at = entry.timestamp;
                    outcomes.push((met.len(), sent.outcome));
                    sent.change
                }
                None => {
                    pending.astray = true;
                    pending.foreign += 1;
                    let change = Change::read(&entry.key, entry.value.as_deref());
                    if change.as_ref().is_some_and(|change| change.key == Key::Noop) {
                        pending.last = None;
                        pending.fence_anew();
                    }
                    change
                }
            };
            met.push((entry, change));
        }
        let mut committed = self.committed.write().unwrap_or_else(PoisonError::into_inner);
        let mut applied = Vec::with_capacity(met.len());
        for (entry, change) in &met {
            committed.seen(entry.offset);
            let change = change.as_ref();
            applied.push(change.map_or(Applied::Nothing, |change| committed.change(change, entry.timestamp)));
        }
        let copy = committed.clone();
        drop(committed);
        let became =
            met.into_iter().zip(&applied).map(|((entry, change), applied)| (entry, change, *applied));
        self.mender.met(became);
        pending.apart += outcomes.len();
        for (place, outcome) in outcomes {
            let applied = applied.get(place).copied().unwrap_or(Applied::Nothing);
            if applied.is_lost() {
                pending.astray = true;
                pending.undone += 1;
            }
            // Nobody may be waiting any more.
            let _ = outcome.send(applied);
        }
        if !starting && pending.queue.is_empty() && (pending.astray || pending.apart > APART_MAX) {
            self.align(&mut pending, copy);
        }
        drop(pending);
        self.applied.send_modify(|applied| *applied = next.max(*applied));
    }
}
