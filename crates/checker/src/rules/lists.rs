//! ListOffsets by timestamp: the first record that is not older.

use super::Case;
use crate::history::{Call, Key};
use crate::report::{Report, Rule};

pub(super) fn timestamps(case: &Case<'_>, report: &mut Report) {
    let facts = case.facts();
    for (place, op) in case.ops().filter(|(_, op)| op.is_ok()) {
        let Call::OffsetForTimestamp { key, timestamp, found } = &op.call else { continue };
        let known = known(case, &facts, *key);
        // What was there before the question was asked, and is young enough, is the answer or lies behind it.
        let young =
            known.iter().find(|record| record.acknowledged < op.invoked && record.timestamp >= *timestamp);
        let wrong = match (found, young) {
            (None, Some(_)) => true,
            (None, None) => false,
            (Some((offset, stamp)), young) => {
                stamp < timestamp
                    || young.is_some_and(|young| young.offset < *offset)
                    || known.iter().any(|record| record.offset == *offset && record.timestamp != *stamp)
                    || known.iter().any(|record| record.offset < *offset && record.timestamp >= *timestamp)
            }
        };
        if wrong {
            report.add(Rule::TimestampOffset, Some(*key), &[place], || {
                format!("asked for {timestamp}, was told {found:?}, but {young:?} is there")
            });
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Known {
    offset: i64,
    timestamp: i64,
    acknowledged: u64,
}

/// Records with a timestamp, by offset.
fn known(case: &Case<'_>, facts: &super::Facts, key: Key) -> Vec<Known> {
    let Some(log) = case.versions.logs.get(&key) else { return Vec::new() };
    let records = (0..log.len()).flat_map(|place| log.at(place).iter().map(move |id| (place, *id as usize)));
    let records = records.filter_map(|(place, id)| {
        let (key, value) = case.index.value(id);
        let timestamp = facts.get(key, value)?.timestamp?;
        let acknowledged =
            case.writer(id).filter(|(_, op)| op.is_ok()).map_or(u64::MAX, |(_, op)| op.completed);
        Some(Known { offset: log.offsets[place], timestamp, acknowledged })
    });
    records.collect()
}
