//! Control records: what a control batch holds, one record each.
//!
//! ```text
//! key:   version i16 = 0 · type i16 (0 abort, 1 commit, 2 leader change, 3 snapshot header, 4 footer, 5 kraft version, 6 voters)
//! value of abort and commit: version i16 = 0 · coordinator epoch i32
//! ```

use base::{LeaderEpoch, Offset, ProducerId};

use crate::{BatchBuilder, BatchOptions, NewRecord, ProducerFields, ValidBatch};

/// What a control record says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlType {
    /// The producer's transaction is aborted.
    Abort,
    /// The producer's transaction is committed.
    Commit,
    /// A type that concerns the metadata log, or is newer than this program.
    Other(i16),
}

impl ControlType {
    /// Reads a control record's key; `None` when it is too short or of a version below 0.
    pub fn parse_key(key: &[u8]) -> Option<Self> {
        let (version, rest) = key.split_first_chunk()?;
        let kind = i16::from_be_bytes(*rest.first_chunk()?);
        (i16::from_be_bytes(*version) >= 0).then_some(match kind {
            0 => Self::Abort,
            1 => Self::Commit,
            other => Self::Other(other),
        })
    }

    /// The key of such a record.
    pub fn key(self) -> [u8; 4] {
        let kind = match self {
            Self::Abort => 0,
            Self::Commit => 1,
            Self::Other(kind) => kind,
        };
        let [high, low] = kind.to_be_bytes();
        [0, 0, high, low]
    }
}

/// The end of a producer's transaction in one partition (KIP-98).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndTransactionMarker {
    /// Committed, or aborted.
    pub committed: bool,
    /// The epoch of the transaction coordinator that decided it.
    pub coordinator_epoch: i32,
}

impl EndTransactionMarker {
    /// Reads a marker out of a control record's key and value; `None` when it is none.
    pub fn parse(key: &[u8], value: &[u8]) -> Option<Self> {
        let committed = match ControlType::parse_key(key)? {
            ControlType::Abort => false,
            ControlType::Commit => true,
            ControlType::Other(_) => return None,
        };
        let (version, rest) = value.split_first_chunk()?;
        let coordinator_epoch = i32::from_be_bytes(*rest.first_chunk()?);
        (i16::from_be_bytes(*version) >= 0).then_some(Self { committed, coordinator_epoch })
    }

    /// The value of such a record.
    pub fn value(self) -> [u8; 6] {
        let [a, b, c, d] = self.coordinator_epoch.to_be_bytes();
        [0, 0, a, b, c, d]
    }

    /// The control batch that holds just this marker.
    pub fn into_batch(
        self,
        base_offset: Offset,
        leader_epoch: LeaderEpoch,
        producer: (ProducerId, i16),
        now_ms: i64,
    ) -> ValidBatch {
        let (id, epoch) = producer;
        let kind = if self.committed { ControlType::Commit } else { ControlType::Abort };
        let mut builder = BatchBuilder::new(BatchOptions {
            base_offset,
            leader_epoch,
            producer: ProducerFields { id, epoch, base_sequence: -1 },
            transactional: true,
            control: true,
            ..BatchOptions::default()
        });
        let (key, value) = (kind.key(), self.value());
        let record = NewRecord { timestamp: now_ms, key: Some(&key), value: Some(&value), headers: &[] };
        let appended = builder.append(record);
        assert_eq!(appended, Ok(base_offset), "an empty batch takes a marker");
        builder.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_come_back() {
        for committed in [true, false] {
            let marker = EndTransactionMarker { committed, coordinator_epoch: 7 };
            let batch = marker.into_batch(Offset(41), LeaderEpoch(3), (ProducerId(9), 2), 1000);
            assert!(batch.header().attributes.is_control() && batch.header().attributes.is_transactional());
            let record = batch.header();
            assert_eq!(
                (record.last_offset(), record.records_count, record.base_sequence),
                (Offset(41), 1, -1)
            );
            let record = crate::Records::new(*batch.header(), batch.body()).next().unwrap().unwrap();
            assert_eq!(EndTransactionMarker::parse(record.key.unwrap(), record.value.unwrap()), Some(marker));
        }
    }

    #[test]
    fn what_is_no_marker_is_none() {
        let value = EndTransactionMarker { committed: true, coordinator_epoch: 0 }.value();
        for key in [&[][..], &[0, 0, 0], &[0, 0, 0, 2], &[0xff, 0xff, 0, 1]] {
            assert_eq!(EndTransactionMarker::parse(key, &value), None, "{key:?}");
        }
        assert_eq!(EndTransactionMarker::parse(&[0, 0, 0, 1], &value[..5]), None);
        assert_eq!(ControlType::parse_key(&[0, 0, 0, 6]), Some(ControlType::Other(6)));
    }
}
