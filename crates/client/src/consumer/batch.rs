//! What a consumer hands out at a time: records of one partition, and the place in it that they take.

use std::ops::Deref;

use crate::{ConsumerRecord, TopicPartition};

/// Records of one partition, in the order of their offsets. Reads and iterates as a slice of records does.
///
/// Empty only where [`Consumer::poll`](super::Consumer::poll) found nothing in time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    records: Vec<ConsumerRecord>,
    place: Option<Place>,
}

/// Where a batch comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) partition: TopicPartition,
    /// Of the partition's acknowledgements when it was handed out.
    pub(super) course: u64,
    /// The position behind it.
    pub(super) next: i64,
}

impl Batch {
    pub(super) fn new(records: Vec<ConsumerRecord>, place: Place) -> Self {
        assert!(!records.is_empty(), "a batch that is handed out holds records");
        Self { records, place: Some(place) }
    }

    pub(super) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// The partition that all its records are of; `None` of an empty batch.
    pub fn partition(&self) -> Option<&TopicPartition> {
        self.place.as_ref().map(|place| &place.partition)
    }

    /// The position behind it: what a commit of the whole batch commits. `None` of an empty batch.
    pub fn next_offset(&self) -> Option<i64> {
        self.place.as_ref().map(|place| place.next)
    }

    /// The records, owned.
    pub fn into_records(self) -> Vec<ConsumerRecord> {
        self.records
    }
}

impl Deref for Batch {
    type Target = [ConsumerRecord];

    fn deref(&self) -> &Self::Target {
        &self.records
    }
}

impl IntoIterator for Batch {
    type Item = ConsumerRecord;
    type IntoIter = std::vec::IntoIter<ConsumerRecord>;

    fn into_iter(self) -> Self::IntoIter {
        self.records.into_iter()
    }
}

impl<'a> IntoIterator for &'a Batch {
    type Item = &'a ConsumerRecord;
    type IntoIter = std::slice::Iter<'a, ConsumerRecord>;

    fn into_iter(self) -> Self::IntoIter {
        self.records.iter()
    }
}
