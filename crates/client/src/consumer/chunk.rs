//! From the bytes of a fetch answer to records: split into batches, aborted transactions and markers left out, batches decoded.

use std::collections::HashSet;

use base::Str;
use bytes::Bytes;
use records::{Batch, BatchHeader, Batches, TimestampType};
use wire::messages::fetch::AbortedTransaction;

use crate::{ConsumerRecord, Header, TopicPartition};

/// Uncompressed records of one batch may take this much; a compressed bomb stops here.
const DECOMPRESSED_BYTES_MAX: usize = 1 << 30;
/// The type of a control record that ends a transaction by aborting it.
const ABORT: i16 = 0;

/// One batch of a partition, whole.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) header: BatchHeader,
    bytes: Bytes,
    /// A marker, or part of an aborted transaction: there is nothing in it for readers.
    is_hidden: bool,
}

impl Chunk {
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn next_offset(&self) -> i64 {
        self.header.next_offset().get()
    }
}

/// The whole batches of an answer that reach `from` or beyond, and whether bytes were there that are no batch.
pub(super) fn split(
    bytes: &Bytes,
    aborted: Option<&[AbortedTransaction]>,
    from: i64,
) -> (Vec<Chunk>, Option<String>) {
    let mut aborts = Aborts::new(aborted.unwrap_or_default());
    let mut chunks = Vec::new();
    let mut next = i64::MIN;
    for batch in Batches::new(bytes) {
        match batch {
            Ok(batch)
                if !(next..batch.header.next_offset().get()).contains(&batch.header.base_offset.get()) =>
            {
                let base = batch.header.base_offset.get();
                return (
                    chunks,
                    Some(format!("the batch at {base} does not lie behind the one in front of it")),
                );
            }
            Ok(batch) => {
                next = batch.header.next_offset().get();
                let is_hidden = aborts.hides(&batch) || batch.header.attributes.is_control();
                if next > from {
                    let end = batch.position + batch.bytes.len();
                    chunks.push(Chunk {
                        header: batch.header,
                        bytes: bytes.slice(batch.position..end),
                        is_hidden,
                    });
                }
            }
            // An answer cut at its byte limit ends in the middle of a batch, but not of the first: brokers send that one whole.
            Err(torn) if matches!(torn.kind, records::BreakKind::Torn { .. }) && !chunks.is_empty() => break,
            Err(broken) => return (chunks, Some(broken.to_string())),
        }
    }
    (chunks, None)
}

/// Which producers' batches belong to aborted transactions at a place in the answer.
struct Aborts<'a> {
    waiting: Vec<&'a AbortedTransaction>,
    open: HashSet<i64>,
}

impl<'a> Aborts<'a> {
    fn new(aborted: &'a [AbortedTransaction]) -> Self {
        let mut waiting: Vec<&AbortedTransaction> = aborted.iter().collect();
        waiting.sort_by_key(|transaction| std::cmp::Reverse(transaction.first_offset));
        Self { waiting, open: HashSet::new() }
    }

    fn hides(&mut self, batch: &Batch<'_>) -> bool {
        let last = batch.header.last_offset().get();
        while let Some(transaction) = self.waiting.pop_if(|transaction| transaction.first_offset <= last) {
            self.open.insert(transaction.producer_id);
        }
        let producer = batch.header.producer_id.get();
        if batch.header.attributes.is_control() {
            if is_abort(batch) {
                self.open.remove(&producer);
            }
            return true;
        }
        batch.header.attributes.is_transactional() && self.open.contains(&producer)
    }
}

/// A marker's key is its version and its type, two bytes each.
fn is_abort(batch: &Batch<'_>) -> bool {
    let mut records = batch.records(batch.body());
    let key = records.next().and_then(Result::ok).and_then(|record| record.key);
    key.and_then(|key| key.get(2..4))
        .and_then(|kind| kind.first_chunk())
        .is_some_and(|kind| i16::from_be_bytes(*kind) == ABORT)
}

/// The records of a batch from `from` on.
pub(super) fn decode(
    chunk: &Chunk,
    partition: &TopicPartition,
    from: i64,
    check_crc: bool,
) -> Result<Vec<ConsumerRecord>, String> {
    if chunk.is_hidden {
        return Ok(Vec::new());
    }
    let batch = Batch::parse(&chunk.bytes).map_err(|broken| broken.to_string())?;
    if check_crc {
        batch.check_crc().map_err(|wrong| wrong.to_string())?;
    }
    let uncompressed = match batch.decompress(DECOMPRESSED_BYTES_MAX).map_err(|error| error.to_string())? {
        std::borrow::Cow::Borrowed(_) => chunk.bytes.slice(records::HEADER_SIZE..),
        std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let mut out =
        Vec::with_capacity(usize::try_from(batch.header.records_count).unwrap_or(0).min(uncompressed.len()));
    let mut next = batch.header.base_offset;
    for record in batch.records(&uncompressed) {
        let record = record.map_err(|malformed| malformed.to_string())?;
        if !(next..=batch.header.last_offset()).contains(&record.offset) {
            return Err(format!(
                "a record with offset {} does not lie behind those before it in its batch",
                record.offset.get()
            ));
        }
        next = record.offset.plus(1);
        if record.offset.get() >= from {
            out.push(owned(&record, &batch.header, partition, &uncompressed));
        }
    }
    Ok(out)
}

fn owned(
    record: &records::Record<'_>,
    header: &BatchHeader,
    partition: &TopicPartition,
    memory: &Bytes,
) -> ConsumerRecord {
    let share = |field: &[u8]| memory.slice_ref(field);
    let text = |key: &[u8]| match Str::from_utf8(memory.slice_ref(key)) {
        Ok(text) => text,
        Err(_) => Str::from(String::from_utf8_lossy(key).into_owned()),
    };
    ConsumerRecord {
        partition: partition.clone(),
        offset: record.offset.get(),
        timestamp: record.timestamp,
        is_append_time: header.attributes.timestamp_type() == TimestampType::LogAppendTime,
        leader_epoch: header.partition_leader_epoch.get(),
        key: record.key.map(share),
        value: record.value.map(share),
        headers: record
            .headers
            .map(|header| Header { key: text(header.key), value: header.value.map(share) })
            .collect(),
    }
}
