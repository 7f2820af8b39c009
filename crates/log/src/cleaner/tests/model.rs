//! What was written, kept apart from the log, and what a reader must find of it after cleaning.

use std::collections::BTreeMap;

use base::{LeaderEpoch, Offset, ProducerId};
use env::{Random, SeededRandom};
use records::control::EndTransactionMarker;
use records::{BatchBuilder, BatchOptions, Batches, Compression, CompressionType, NewRecord, ProducerFields};

use crate::{Append, Origin, PartitionLog, ReadLimit, Slice};

pub(super) const NOW: i64 = 1_700_000_000_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    Committed,
    Open,
    Aborted,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Written {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub timestamp: i64,
    pub fate: Fate,
    producer: i64,
}

/// One record as a reader sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Found {
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub timestamp: i64,
    pub is_control: bool,
}

#[derive(Default)]
pub(super) struct Model {
    pub written: BTreeMap<i64, Written>,
    sequences: BTreeMap<i64, i32>,
    now: i64,
}

impl Model {
    /// Appends a batch of `count` records with drawn keys; a fifth of them are tombstones.
    pub fn append(
        &mut self,
        log: &mut PartitionLog,
        random: &SeededRandom,
        producer: Option<i64>,
        transactional: bool,
    ) {
        let count = 1 + random.below(5) as i32;
        let fields = producer.map_or(ProducerFields::NONE, |id| {
            let next = self.sequences.entry(id).or_default();
            let base_sequence = *next;
            *next += count;
            ProducerFields { id: ProducerId(id), epoch: 0, base_sequence }
        });
        let codec = CompressionType::ALL[random.below(5) as usize];
        let options = BatchOptions {
            producer: fields,
            transactional,
            compression: Compression::of(codec),
            ..BatchOptions::default()
        };
        let mut builder = BatchBuilder::new(options);
        let mut records = Vec::new();
        for _ in 0..count {
            self.now += 1;
            let key = format!("key-{}", random.below(12)).into_bytes();
            let value = (random.below(5) > 0).then(|| format!("value of {}", self.now).into_bytes());
            let timestamp = NOW + self.now;
            let record = NewRecord { timestamp, key: Some(&key), value: value.as_deref(), headers: &[] };
            builder.append(record).unwrap();
            records.push((key, value, timestamp));
        }
        let first = log.append(builder.build().into(), &how(Origin::Client)).unwrap().first_offset.0;
        for (offset, (key, value, timestamp)) in (first..).zip(records) {
            let fate = if transactional { Fate::Open } else { Fate::Committed };
            let producer = producer.unwrap_or(-1);
            self.written.insert(offset, Written { key: Some(key), value, timestamp, fate, producer });
        }
    }

    /// Ends a producer's transaction.
    pub fn end(&mut self, log: &mut PartitionLog, id: i64, committed: bool) {
        let marker = EndTransactionMarker { committed, coordinator_epoch: 1 };
        let batch = marker.into_batch(Offset(0), LeaderEpoch(0), (ProducerId(id), 0), NOW + self.now);
        log.append(batch.into(), &how(Origin::Coordinator)).unwrap();
        let fate = if committed { Fate::Committed } else { Fate::Aborted };
        let open =
            self.written.values_mut().filter(|record| record.producer == id && record.fate == Fate::Open);
        open.for_each(|record| record.fate = fate);
    }

    /// Checks that nothing is there that was not written; that below `clean` there is no more than there must be; that from
    /// `dirty` on nothing is missing.
    pub fn check(&self, log: &PartitionLog, clean: i64, dirty: i64) {
        let found = read_all(log);
        assert!(found.windows(2).all(|pair| pair[0].offset < pair[1].offset), "offsets rise");
        let found: BTreeMap<i64, Found> = found
            .into_iter()
            .filter(|record| !record.is_control)
            .map(|record| (record.offset, record))
            .collect();
        let mut last = BTreeMap::new();
        for (offset, record) in &found {
            let written = &self.written[offset];
            let Found { key, value, timestamp, .. } = record;
            assert_eq!(
                (key, value, *timestamp),
                (&written.key, &written.value, written.timestamp),
                "{offset}"
            );
            assert!(
                written.fate != Fate::Aborted || *offset >= clean,
                "{offset} is of an aborted transaction"
            );
            let before = last.insert(key.clone(), *offset);
            assert!(
                *offset >= clean || before.is_none(),
                "{offset} is not the first of its key below {clean}"
            );
        }
        for (offset, written) in &self.written {
            let is_there = found.contains_key(offset);
            assert!(is_there || *offset < dirty, "{offset} was not to be cleaned");
            let later = last.get(&written.key).is_some_and(|last| last > offset);
            let superseded = later || written.value.is_none() || written.fate == Fate::Aborted;
            assert!(is_there || superseded, "{offset} was the last of its key");
        }
    }

    /// Of each key what a reader that has read everything knows.
    pub fn table(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let committed = self.written.values().filter(|written| written.fate == Fate::Committed);
        fold(committed.map(|written| (written.key.clone(), written.value.clone())))
    }

    /// The same, from the log.
    pub fn table_of(&self, log: &PartitionLog) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let found = read_all(log).into_iter().filter(|record| !record.is_control);
        let committed = found.filter(|record| self.written[&record.offset].fate == Fate::Committed);
        fold(committed.map(|record| (record.key, record.value)))
    }
}

fn fold(records: impl Iterator<Item = (Option<Vec<u8>>, Option<Vec<u8>>)>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut table = BTreeMap::new();
    for (key, value) in records {
        match (key, value) {
            (Some(key), Some(value)) => drop(table.insert(key, value)),
            (Some(key), None) => drop(table.remove(&key)),
            _ => {}
        }
    }
    table
}

pub(super) fn how(origin: Origin) -> Append {
    Append { leader_epoch: LeaderEpoch(0), origin, now_ms: NOW }
}

/// Everything in the log, read as a consumer does.
pub(super) fn read_all(log: &PartitionLog) -> Vec<Found> {
    let mut found = Vec::new();
    let mut next = log.log_start();
    loop {
        let limit = ReadLimit { bound: log.log_end(), max_bytes: 1 << 20, whole_first_batch: true };
        let result = log.reader().read(next, limit).unwrap();
        if result.slices.is_empty() {
            return found;
        }
        for slice in &result.slices {
            let Slice::Bytes(bytes) = slice else { panic!("read_cold brings bytes") };
            for batch in Batches::new(bytes) {
                let batch = batch.unwrap();
                batch.check_crc().unwrap();
                let is_control = batch.header.attributes.is_control();
                let body = batch.decompress(1 << 20).unwrap();
                found.extend(batch.records(&body).map(|record| record.unwrap()).map(|record| Found {
                    offset: record.offset.0,
                    key: record.key.map(<[u8]>::to_vec),
                    value: record.value.map(<[u8]>::to_vec),
                    timestamp: record.timestamp,
                    is_control,
                }));
            }
        }
        assert!(result.next_offset > next);
        next = result.next_offset;
    }
}

/// Checks that the indexes of closed segments are those of their batches.
pub(super) fn check_indexes(log: &PartitionLog) {
    let view = log.view();
    for (segment, next) in view.segments.iter().zip(view.segments.iter().skip(1)) {
        let file = segment.log().unwrap();
        let (mut position, mut largest, mut end) = (0, -1, segment.base_offset().0);
        while let Some(header) = segment.header_at(&*file, position).unwrap() {
            assert!(header.base_offset.0 >= end, "offsets rise");
            assert!(
                segment.position_for(header.base_offset.0).unwrap() <= position,
                "an index entry points beyond its batch"
            );
            largest = largest.max(header.max_timestamp);
            position += header.size() as u64;
            end = header.next_offset().0;
        }
        assert!(end <= next.base_offset().0, "segments overlap");
        assert_eq!(segment.largest().unwrap().timestamp, largest, "segment {}", segment.base_offset());
        let indexed = segment.position_for(end).unwrap();
        assert!(
            indexed + 2_000 > position,
            "the index of segment {} ends at {indexed} of {position}",
            segment.base_offset()
        );
    }
}
