//! ControlRecordTypeSchema: the key of control records: what kind of record it is.

crate::message! {
    /// The record.
    data ControlRecordTypeSchema [versions 0..=0, flexible none] {
        r#type: i16 [0..],
    }
}
