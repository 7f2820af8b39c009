//! Batches that were proven, or built here.

use base::{LeaderEpoch, Offset};
use bytes::{BufMut, Bytes, BytesMut};

use crate::builder::batch_length;
use crate::{BatchHeader, HEADER_SIZE, Malformed, Records, TimestampType};

/// One batch known to be whole and right: built by [`crate::BatchBuilder`] or checked.
///
/// The header is kept apart from the records' bytes, so that patching it copies nothing; both leave together by
/// [`ValidBatch::write_into`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ValidBatch {
    header: BatchHeader,
    body: Bytes,
}

impl ValidBatch {
    /// Fills in the length and the CRC.
    pub(crate) fn seal(mut header: BatchHeader, body: Bytes) -> Self {
        header.batch_length = batch_length(body.len());
        header.crc = header.compute_crc(&body);
        Self { header, body }
    }

    /// Takes over what was checked elsewhere.
    pub(crate) fn trusted(header: BatchHeader, body: Bytes) -> Self {
        assert_eq!(header.size(), HEADER_SIZE + body.len(), "a batch's length field counts its bytes");
        Self { header, body }
    }

    /// The header, patched so far.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The records' bytes, compressed or not.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// All bytes of the batch.
    pub fn size(&self) -> usize {
        HEADER_SIZE + self.body.len()
    }

    /// Appends the batch to `out`.
    pub fn write_into(&self, out: &mut BytesMut) {
        out.reserve(self.size());
        out.put_slice(&self.header.encode());
        out.put_slice(&self.body);
    }

    /// The batch in one allocation.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.size());
        self.write_into(&mut out);
        out.freeze()
    }

    /// Gives the batch its place; both fields lie outside the CRC.
    pub fn assign(&mut self, base_offset: Offset, epoch: LeaderEpoch) {
        assert!(base_offset.0 >= 0, "offsets count from 0");
        self.header.base_offset = base_offset;
        self.header.partition_leader_epoch = epoch;
    }

    /// Sets timestamp type and max timestamp; the CRC is computed anew only when one of them changes.
    pub fn stamp(&mut self, kind: TimestampType, max_timestamp: i64) {
        let header = &mut self.header;
        if header.attributes.timestamp_type() == kind && header.max_timestamp == max_timestamp {
            return;
        }
        header.attributes = header.attributes.with_timestamp_type(kind);
        header.max_timestamp = max_timestamp;
        header.crc = header.compute_crc(&self.body);
    }

    /// The records, if the batch is not compressed; what compresses them is for [`crate::Batch::decompress`].
    pub fn uncompressed_records(&self) -> impl Iterator<Item = Result<crate::Record<'_>, Malformed>> {
        Records::new(self.header, &self.body)
    }
}

/// Batches of one partition, all proven, in the order in which they are to be appended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ValidBatches {
    batches: Vec<ValidBatch>,
}

impl From<ValidBatch> for ValidBatches {
    fn from(batch: ValidBatch) -> Self {
        Self { batches: vec![batch] }
    }
}

impl ValidBatches {
    /// Several batches at once; `None` for none at all.
    pub fn new(batches: Vec<ValidBatch>) -> Option<Self> {
        (!batches.is_empty()).then_some(Self { batches })
    }

    /// The batches in order, at least one.
    pub fn iter(&self) -> core::slice::Iter<'_, ValidBatch> {
        self.batches.iter()
    }

    /// Bytes of all of them.
    pub fn size(&self) -> usize {
        self.batches.iter().map(ValidBatch::size).sum()
    }

    /// Numbers the batches from `base` on, as a leader of this epoch does. Returns the offset after the last one.
    pub fn assign(&mut self, base: Offset, epoch: LeaderEpoch) -> Offset {
        self.batches.iter_mut().fold(base, |offset, batch| {
            batch.assign(offset, epoch);
            batch.header.next_offset()
        })
    }

    /// Makes `now_ms` the timestamp of all records, as `message.timestamp.type=LogAppendTime` asks.
    pub fn stamp_append_time(&mut self, now_ms: i64) {
        self.batches.iter_mut().for_each(|batch| batch.stamp(TimestampType::LogAppendTime, now_ms));
    }

    /// Appends all batches to `out`.
    pub fn write_into(&self, out: &mut BytesMut) {
        self.batches.iter().for_each(|batch| batch.write_into(out));
    }

    /// All batches in one allocation.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.size());
        self.write_into(&mut out);
        out.freeze()
    }
}

impl<'a> IntoIterator for &'a ValidBatches {
    type Item = &'a ValidBatch;
    type IntoIter = core::slice::Iter<'a, ValidBatch>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
