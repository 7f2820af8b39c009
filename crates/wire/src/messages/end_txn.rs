//! EndTxn: commits or aborts a transaction (KIP-98).
//!
//! Versions: 3 is flexible; 4 may answer TRANSACTION_ABORTABLE; 5 returns the bumped epoch (KIP-890).

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request EndTxnRequest [EndTxn => EndTxnResponse, versions 0..=5, flexible 3..] {
        transactional_id: Str  [0..],
        producer_id:      i64  [0..],
        producer_epoch:   i16  [0..],
        committed:        bool [0..],
    }

    /// The answer.
    response EndTxnResponse [EndTxn, versions 0..=5, flexible 3..] {
        throttle_time_ms: i32       [0..],
        error_code:       ErrorCode [0..],
        producer_id:      i64       [5.., ignorable] = -1,
        producer_epoch:   i16       [5.., ignorable] = -1,
    }
}
