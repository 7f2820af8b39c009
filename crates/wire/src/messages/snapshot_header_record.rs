//! SnapshotHeaderRecord: the control record at the start of a snapshot (KIP-630).

crate::message! {
    /// The record.
    data SnapshotHeaderRecord [versions 0..=0, flexible 0..] {
        version:                      i16 [0..],
        last_contained_log_timestamp: i64 [0..],
    }
}
