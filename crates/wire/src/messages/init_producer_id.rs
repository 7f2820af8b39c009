//! InitProducerId: gives a producer its id and epoch (KIP-98).
//!
//! Versions: 2 is flexible; 3 bumps an epoch (KIP-360); 4 may answer PRODUCER_FENCED (KIP-588); 5
//! TRANSACTION_ABORTABLE (KIP-890); 6 serves two-phase commit (KIP-939) and is not released: brokers do not
//! advertise it.

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request InitProducerIdRequest [InitProducerId => InitProducerIdResponse, versions 0..=6, flexible 2..] {
        transactional_id:       Option<Str> [0.., nullable 0..] = Some(Str::default()),
        transaction_timeout_ms: i32         [0..],
        producer_id:            i64         [3..] = -1,
        producer_epoch:         i16         [3..] = -1,
        enable2_pc:             bool        [6..],
        keep_prepared_txn:      bool        [6..],
    }

    /// The answer.
    response InitProducerIdResponse [InitProducerId, versions 0..=6, flexible 2..] {
        throttle_time_ms:           i32       [0.., ignorable],
        error_code:                 ErrorCode [0..],
        producer_id:                i64       [0..] = -1,
        producer_epoch:             i16       [0..],
        ongoing_txn_producer_id:    i64       [6..] = -1,
        ongoing_txn_producer_epoch: i16       [6..] = -1,
    }
}
