//! AddOffsetsToTxn: adds a group's offsets to a transaction (KIP-98).
//!
//! Versions: 3 is flexible; 4 may answer TRANSACTION_ABORTABLE (KIP-890).

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request AddOffsetsToTxnRequest [AddOffsetsToTxn => AddOffsetsToTxnResponse, versions 0..=4, flexible 3..] {
        transactional_id: Str [0..],
        producer_id:      i64 [0..],
        producer_epoch:   i16 [0..],
        group_id:         Str [0..],
    }

    /// The answer.
    response AddOffsetsToTxnResponse [AddOffsetsToTxn, versions 0..=4, flexible 3..] {
        throttle_time_ms: i32       [0..],
        error_code:       ErrorCode [0..],
    }
}
