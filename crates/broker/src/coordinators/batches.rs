//! What a shard writes, as batches for its log.

use coordinator::group::record::GroupRecord;
use records::{BatchBuilder, BatchOptions, NewRecord, ValidBatch};

/// The records as batches of at most `bytes_max`, each record's timestamp being now, as Kafka's coordinator writes them.
pub(super) fn batches(records: &[GroupRecord], bytes_max: usize, now_ms: i64) -> Vec<ValidBatch> {
    let mut batches = Vec::new();
    let mut batch = BatchBuilder::new(BatchOptions::default());
    for record in records {
        let (key, value) = (record.key(), record.value());
        let new = NewRecord { timestamp: now_ms, key: Some(&key), value: value.as_deref(), headers: &[] };
        if !batch.is_empty() && !batch.has_room_for(&new, bytes_max) {
            let full = std::mem::replace(&mut batch, BatchBuilder::new(BatchOptions::default()));
            batches.push(full.build());
        }
        if batch.append(new).is_err() {
            tracing::error!(group = %record.group(), "a record fits into no batch");
        }
    }
    if !batch.is_empty() {
        batches.push(batch.build());
    }
    batches
}
