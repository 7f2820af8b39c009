//! SnapshotFooterRecord: the control record at the end of a snapshot (KIP-630).

crate::message! {
    /// The record.
    data SnapshotFooterRecord [versions 0..=0, flexible 0..] {
        version: i16 [0..],
    }
}
