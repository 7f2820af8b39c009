//! Batches that a leader has already proven and numbered: a follower's door, and recovery's.

use base::Offset;
use bytes::Bytes;

use super::{ReplicaRejected, ValidBatch, ValidBatches};
use crate::{Batches, BreakKind, HEADER_SIZE};

impl ValidBatches {
    /// Checks lengths, magic, CRC and that offsets grow from `from` on; records are not looked at. A torn batch at the end, as
    /// a fetch limit leaves it, is dropped. `Ok(None)` when no whole batch is there.
    pub fn check_replicated(payload: &Bytes, from: Offset) -> Result<Option<Self>, ReplicaRejected> {
        let mut found = Vec::new();
        let mut next = from;
        for batch in Batches::new(payload) {
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) if matches!(error.kind, BreakKind::Torn { .. }) => break,
                Err(error) => return Err(ReplicaRejected::Break(error)),
            };
            batch.check_crc().map_err(ReplicaRejected::Crc)?;
            let header = batch.header;
            if header.base_offset < next || header.last_offset_delta < 0 || header.base_offset.0 < 0 {
                return Err(ReplicaRejected::OutOfOrder { base_offset: header.base_offset.0 });
            }
            next = header.next_offset();
            let body = batch.position + HEADER_SIZE..batch.position + batch.bytes.len();
            found.push(ValidBatch::trusted(header, payload.slice(body)));
        }
        Ok(ValidBatches::new(found))
    }
}
