//! The rules: each looks at the whole case and reports what breaks it.

mod cycles;
mod groups;
mod lists;
mod logs;
mod losses;
mod marks;
mod offsets;
mod polls;
mod progress;
mod reads;
mod registers;
mod sends;
mod streams;
mod transactions;

use crate::history::{Fact, History, Key, Op, Settings, Value};
use crate::index::{Index, NONE};
use crate::report::Report;
use crate::versions::Versions;

/// Everything that a rule may look at.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub history: &'a History,
    pub settings: &'a Settings,
    pub index: &'a Index,
    pub versions: &'a Versions,
}

/// A rule.
pub(crate) type Check = fn(&Case<'_>, &mut Report);

/// All rules; their order is that of the report.
pub(crate) const ALL: &[Check] = &[
    offsets::inconsistent,
    offsets::duplicate,
    offsets::acknowledged,
    reads::phantom,
    reads::aborted,
    reads::failed_write_visible,
    reads::precommitted,
    reads::early,
    losses::lost_write,
    losses::unseen,
    losses::stale,
    polls::within,
    polls::between,
    polls::rewind,
    polls::committed_too_far,
    polls::metrics,
    sends::within,
    sends::between,
    cycles::check,
    transactions::torn,
    transactions::decided,
    marks::check,
    registers::check,
    groups::assignments,
    groups::generations,
    streams::transformed,
    streams::bank,
    logs::compacted,
    logs::replicas,
    logs::lines,
    lists::timestamps,
    progress::check,
];

impl Case<'_> {
    fn ops(&self) -> impl Iterator<Item = (usize, &Op)> {
        self.history.ops.iter().enumerate()
    }

    /// The operation that sent a value.
    fn writer(&self, id: usize) -> Option<(usize, &Op)> {
        let place = self.index.writer[id];
        (place != NONE).then(|| (place as usize, &self.history.ops[place as usize]))
    }

    /// What the workload knows of a record.
    fn facts(&self) -> Facts {
        let mut facts: Vec<Fact> = self.history.facts.clone();
        facts.sort_unstable_by_key(|fact| (fact.key, fact.value));
        Facts(facts)
    }

    /// A value in words.
    fn name(&self, id: usize) -> String {
        let (key, value) = self.index.value(id);
        format!("value {value} of key {key}")
    }

    /// Whether a key's records may vanish by compaction.
    fn is_compacted(&self, key: Key) -> bool {
        self.history.observations.iter().any(
            |seen| matches!(seen, crate::history::Observation::Compacted { key: compacted, .. } if *compacted == key),
        )
    }
}

/// Facts by (key, value).
struct Facts(Vec<Fact>);

impl Facts {
    fn get(&self, key: Key, value: Value) -> Option<&Fact> {
        let place = self.0.binary_search_by_key(&(key, value), |fact| (fact.key, fact.value)).ok()?;
        self.0.get(place)
    }
}
