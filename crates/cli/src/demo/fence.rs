//! The fence: how far the old partitions must be processed before records of the new rule are.
//!
//! ```text
//! header `after`: PARTITION@OFFSET, comma-separated
//! ```

use std::collections::BTreeMap;
use std::fmt;

use client::ConsumerRecord;

/// The header's name.
pub const HEADER: &str = "after";

/// The ends of the old partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fence(pub BTreeMap<i32, i64>);

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (partition, offset)) in self.0.iter().enumerate() {
            write!(f, "{}{partition}@{offset}", if place > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

impl Fence {
    fn parse(text: &str) -> Option<Self> {
        let one = |part: &str| {
            part.split_once('@')
                .and_then(|(partition, offset)| Some((partition.parse().ok()?, offset.parse().ok()?)))
        };
        text.split(',').map(one).collect::<Option<_>>().map(Self)
    }

    /// The fence that a record names, if it was sent by the new rule.
    pub fn of(record: &ConsumerRecord) -> Option<Self> {
        let header = record.headers.iter().rfind(|header| header.key == HEADER)?;
        Self::parse(std::str::from_utf8(header.value.as_deref()?).ok()?)
    }

    /// What must still be committed before records of `partition` may be processed. Within an old partition the log's own order
    /// does it.
    pub fn open_ends(&self, partition: i32, committed: impl Fn(i32) -> Option<i64>) -> BTreeMap<i32, i64> {
        let ends = self.0.iter().filter(|(old, end)| **old != partition && **end > 0);
        ends.filter(|(old, end)| committed(**old).is_none_or(|offset| offset < **end))
            .map(|(old, end)| (*old, *end))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_opens_when_the_old_partitions_are_done() {
        let fence = Fence::parse("0@100,1@0").unwrap();
        assert_eq!(fence.to_string(), "0@100,1@0");
        for (partition, committed, is_open) in [
            (2, None, false),
            (2, Some(99), false),
            (2, Some(100), true),
            (0, Some(5), true),
            (1, Some(99), false),
        ] {
            let open = fence.open_ends(partition, |old| committed.filter(|_| old == 0));
            assert_eq!(open.is_empty(), is_open, "{partition} {committed:?}");
        }
        assert_eq!(Fence::parse("0"), None);
    }
}
