//! EndTxnMarker: the value of the control record that ends a transaction (KIP-98).

crate::message! {
    /// The record.
    data EndTxnMarker [versions 0..=0, flexible none] {
        coordinator_epoch: i32 [0..],
    }
}
