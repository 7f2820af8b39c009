//! What brokers hold and say: compacted logs, replicas, log lines.

use std::collections::BTreeMap;

use super::Case;
use crate::history::{Key, Observation, Value};
use crate::report::{Report, Rule};

/// After compaction each record's key has its last value, once, at its offset, in order.
pub(super) fn compacted(case: &Case<'_>, report: &mut Report) {
    let facts = case.facts();
    for seen in &case.history.observations {
        let Observation::Compacted { key, records } = seen else { continue };
        let mut last: BTreeMap<u64, (i64, Value)> = BTreeMap::new();
        let mut known: BTreeMap<i64, Value> = BTreeMap::new();
        if let Some(log) = case.versions.logs.get(key) {
            for place in 0..log.len() {
                for id in log.at(place) {
                    let (_, value) = case.index.value(*id as usize);
                    known.insert(log.offsets[place], value);
                    if let Some(record_key) = facts.get(*key, value).and_then(|fact| fact.record_key) {
                        last.insert(record_key, (log.offsets[place], value));
                    }
                }
            }
        }
        let mut tell = |text: String| report.add(Rule::Compaction, Some(*key), &[], || text);
        check_left(*key, records, &known, &mut tell);
        let left: BTreeMap<u64, (i64, Value)> =
            records.iter().map(|(offset, record_key, value)| (*record_key, (*offset, *value))).collect();
        for (record_key, (offset, value)) in last {
            if left.get(&record_key).is_none_or(|left| left.0 < offset) {
                tell(format!("the last value {value} of record key {record_key} at {offset} is gone"));
            }
        }
    }
}

fn check_left(
    _key: Key,
    records: &[(i64, u64, Value)],
    known: &BTreeMap<i64, Value>,
    tell: &mut impl FnMut(String),
) {
    let mut seen = std::collections::BTreeSet::new();
    for (place, (offset, record_key, value)) in records.iter().enumerate() {
        if place > 0 && records[place - 1].0 >= *offset {
            tell(format!("offset {offset} stands out of order"));
        }
        if known.get(offset).is_some_and(|known| known != value) {
            tell(format!("offset {offset} holds value {value}, which was not there before"));
        }
        if !seen.insert(*record_key) {
            tell(format!("record key {record_key} is there twice"));
        }
    }
}

/// Replicas are identical below their high watermarks.
pub(super) fn replicas(case: &Case<'_>, report: &mut Report) {
    let mut hashes: BTreeMap<(Key, i64), (u32, u64)> = BTreeMap::new();
    for seen in &case.history.observations {
        let Observation::ReplicaHash { key, replica, end, hash } = seen else { continue };
        let (other, known) = *hashes.entry((*key, *end)).or_insert((*replica, *hash));
        if known != *hash {
            report.add(Rule::ReplicasDiffer, Some(*key), &[], || {
                format!("replicas {other} and {replica} differ below offset {end}")
            });
        }
    }
}

/// No broker panicked.
pub(super) fn lines(case: &Case<'_>, report: &mut Report) {
    for seen in &case.history.observations {
        let Observation::LogLine { broker, line } = seen else { continue };
        let line_lower = line.to_ascii_lowercase();
        if line_lower.starts_with("error") && (line_lower.contains("panic") || line_lower.contains("assert"))
        {
            report.add(Rule::BrokerPanicked, None, &[], || format!("broker {broker} said: {line}"));
        }
    }
}
