//! The list of duties: by when they are due, and of some no more than one of each partition.

use std::collections::BTreeMap;
use std::time::Duration;

use base::TopicIdPartition;

use super::Duty;

/// What is on the list only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Once {
    RemoveFiles(usize),
    Sync(TopicIdPartition),
}

/// When a duty is due, in milliseconds since the start, and its number among those of that moment.
type Place = (u64, u64);

/// The duties by when they are due. Whoever adds again what is on the list once finds it done no later than asked.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    pub(super) due: BTreeMap<Place, Duty>,
    once: BTreeMap<Once, Place>,
}

impl Agenda {
    /// Whether the list has changed: of what is there once, the earlier one stays.
    pub fn add(&mut self, at_ms: u64, duty: Duty) -> bool {
        let once = duty.once();
        match once.and_then(|once| self.once.get(&once)) {
            Some((armed_ms, _)) if *armed_ms <= at_ms => return false,
            Some(later) => drop(self.due.remove(later)),
            None => {}
        }
        // Duties of one moment keep the order in which they came.
        let of_moment = self.due.range((at_ms, 0)..=(at_ms, u64::MAX));
        let place = (at_ms, of_moment.last().map_or(0, |((_, last), _)| last + 1));
        self.due.insert(place, duty);
        self.once.extend(once.map(|once| (once, place)));
        true
    }

    /// Takes what is due; else how long until something is.
    pub fn take(&mut self, now_ms: u64) -> Result<Duty, Option<Duration>> {
        let Some(first) = self.due.first_entry() else { return Err(None) };
        match first.key().0.saturating_sub(now_ms) {
            0 => {
                let duty = first.remove();
                // Before it is done: what comes up meanwhile is not covered by it.
                duty.once().map(|once| self.once.remove(&once));
                Ok(duty)
            }
            wait => Err(Some(Duration::from_millis(wait))),
        }
    }
}
