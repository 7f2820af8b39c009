//! What must be, and what may be, in each partition.

use std::collections::{BTreeMap, BTreeSet};

use base::{Offset, TopicIdPartition};
use bytes::Bytes;
use log::{LogReader, PartitionLog, ReadLimit, Slice};
use records::Batches;

/// One partition as its clients know it.
#[derive(Clone)]
pub struct Model {
    pub key: TopicIdPartition,
    /// Every batch that was tried, by its first offset: everything that the CRC covers. There are several where a write failed
    /// and its offset was given again.
    pub written: BTreeMap<i64, Vec<Bytes>>,
    /// Where the batches begin that the log took: what was tried and failed is not among them.
    pub starts: BTreeSet<i64>,
    /// Everything below was acknowledged.
    pub acked_end: i64,
    /// Batches that a truncation took away: they may be there until it is durable, and only in front of nothing newer.
    pub doomed: BTreeMap<i64, Vec<Bytes>>,
    /// In this life: only the committer's word counts then, not that of a second opening.
    pub was_cut: bool,
    /// What it brought before it was opened again may still be announced.
    pub reopened: bool,
    /// Of the batches that are written.
    pub epoch: i32,
    /// A start that was acknowledged.
    pub acked_start: i64,
    /// The furthest start that was asked for.
    pub asked_start: i64,
    /// The next sequence of its idempotent producer, and where the acknowledged one before that is.
    pub sequence: i32,
    pub last_acked_sequence: Option<(i32, i64)>,
    pub sent_sequences: Vec<(i32, i64)>,
}

impl Model {
    pub fn new(key: TopicIdPartition) -> Self {
        Self {
            key,
            written: BTreeMap::new(),
            starts: BTreeSet::new(),
            acked_end: 0,
            doomed: BTreeMap::new(),
            was_cut: false,
            reopened: false,
            epoch: 0,
            acked_start: 0,
            asked_start: 0,
            sequence: 0,
            last_acked_sequence: None,
            sent_sequences: Vec::new(),
        }
    }

    pub fn acked_upto(&mut self, end: i64) {
        self.acked_end = self.acked_end.max(end);
        for (sequence, offset) in std::mem::take(&mut self.sent_sequences) {
            if offset < end {
                self.last_acked_sequence = Some((sequence, offset));
            } else {
                self.sent_sequences.push((sequence, offset));
            }
        }
    }

    /// The last sequence of the idempotent producer that is in the log, read off the batches' own bytes.
    pub fn last_sequence(&self) -> Option<i32> {
        let number = |bytes: &Bytes, at: usize| Some(i32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
        let sequence = |bytes: &Bytes| {
            let producer = i64::from_be_bytes(*bytes.get(22..)?.first_chunk()?);
            (producer == 7).then_some(number(bytes, 32)? + number(bytes, 2)?)
        };
        self.written.values().rev().flatten().find_map(sequence)
    }

    /// The log is about to be cut at `offset`, the start of a batch: until that is durable, both are right.
    pub fn will_be_cut(&mut self, offset: i64) {
        self.starts.split_off(&offset);
        self.acked_end = self.acked_end.min(offset);
        self.acked_start = self.acked_start.min(offset);
        for (first, tried) in self.written.split_off(&offset) {
            self.doomed.entry(first).or_default().extend(tried);
        }
        self.sent_sequences.retain(|(_, first)| *first < offset);
        self.last_acked_sequence = self.last_acked_sequence.filter(|(_, first)| *first < offset);
        self.epoch += 1;
        self.was_cut = true;
    }

    /// The cut was refused, or came halfway.
    pub fn was_not_cut(&mut self) {
        for (first, tried) in &self.doomed {
            self.written.entry(*first).or_default().extend(tried.iter().cloned());
        }
    }

    /// What must be and may be between this moment and a later one of the same life.
    pub fn upto(&self, later: &Self) -> Self {
        let mut between = later.clone();
        if self.key != later.key {
            (between.acked_end, between.acked_start) = (0, 0);
            between.last_acked_sequence = None;
            return between;
        }
        between.acked_end = self.acked_end.min(later.acked_end);
        between.acked_start = self.acked_start.min(later.acked_start);
        between.last_acked_sequence =
            self.last_acked_sequence.filter(|(_, first)| *first < between.acked_end);
        for (first, tried) in self.written.iter().chain(&self.doomed) {
            between.doomed.entry(*first).or_default().extend(tried.iter().cloned());
        }
        between
    }

    /// Where the cut may be: the starts of batches, the end, and before everything that can be read.
    pub fn cuts(&self, start: i64, end: i64) -> Vec<i64> {
        let before = (start > 0).then(|| start - 1);
        self.starts.range(start..end).copied().chain([end]).chain(before).collect()
    }

    /// An append failed: what was not acknowledged of the producer's is not there.
    pub fn resume(&mut self, log: &PartitionLog) {
        let state = log.producers().find(|producer| producer.id == 7.into());
        self.sequence = state.map_or(0, |state| state.last_sequence.wrapping_add(1));
        let end = log.log_end().0;
        self.starts.split_off(&end);
        self.sent_sequences.retain(|(_, offset)| *offset < end);
    }

    /// Compares a log that was just opened, and takes it for the truth from here on.
    pub fn check(&mut self, log: &PartitionLog) {
        let (start, end) = (log.log_start().0, log.log_end().0);
        let here = format!("partition {} {start}..{end}: {self:?}", self.key.partition);
        let empty = self.acked_end <= self.acked_start;
        assert!(end >= self.acked_end || empty, "acknowledged records are gone: {here}");
        assert!(start >= self.acked_start || empty, "deleted records are back: {here}");
        assert!(start <= self.asked_start.max(0), "records are gone that nobody deleted: {here}");
        let found = batches(&log.reader(), start, end);
        let (mut next, mut epoch) = (start, 0);
        for (first, Found { bytes, behind, epoch: found }) in &found {
            assert!(*found >= epoch, "older records follow newer ones at {first}: {here}");
            epoch = *found;
            assert!(*first <= next, "there is a hole at {next}, {first} follows: {here}");
            let known = |tried: &Vec<Bytes>| tried.contains(bytes);
            let known =
                self.written.get(first).is_some_and(known) || self.doomed.get(first).is_some_and(known);
            assert!(known, "another batch is at {first}: {here}");
            next = *behind;
        }
        assert_eq!(next, end, "the log ends early: {here}");
        self.starts = found.keys().copied().collect();
        self.written = found.into_iter().map(|(first, found)| (first, vec![found.bytes])).collect();
        self.doomed.clear();
        self.was_cut = false;
        self.acked_end = end;
        self.acked_start = start;
        self.asked_start = start;
        self.sent_sequences.clear();
    }
}

/// A batch of a log.
pub struct Found {
    /// What the CRC covers.
    bytes: Bytes,
    /// The offset behind.
    behind: i64,
    epoch: i32,
}

/// All batches of a log by first offset.
fn batches(reader: &LogReader, start: i64, end: i64) -> BTreeMap<i64, Found> {
    let mut found = BTreeMap::new();
    let mut next = start;
    while next < end {
        let limit = ReadLimit { bound: Offset(end), max_bytes: 2000, whole_first_batch: true };
        let result = reader.read(Offset(next), limit).expect("a read");
        assert!(result.next_offset.0 > next, "nothing is readable at {next} of {start}..{end}");
        let pieces = result.slices.iter().map(|slice| match slice {
            Slice::Bytes(bytes) => bytes.to_vec(),
            Slice::File { file, position, len } => {
                let mut bytes = vec![0; *len];
                file.read_exact_at(&mut bytes, *position).expect("a read");
                bytes
            }
        });
        let bytes = pieces.collect::<Vec<_>>().concat();
        for batch in Batches::new(&bytes) {
            let batch = batch.expect("whole batches");
            batch.check_crc().expect("sound batches");
            let bytes = Bytes::copy_from_slice(batch.bytes.get(21..).expect("a header"));
            let (behind, epoch) = (batch.header.next_offset().0, batch.header.partition_leader_epoch.0);
            found.insert(batch.header.base_offset.0, Found { bytes, behind, epoch });
        }
        next = result.next_offset.0;
    }
    found
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { key, acked_end, acked_start, asked_start, .. } = self;
        let written: Vec<_> = self.written.keys().collect();
        write!(
            f,
            "{key} acknowledged {acked_start}..{acked_end}, asked to start at {asked_start}, written {written:?}"
        )
    }
}
