//! AllocateProducerIds: gives a broker a block of producer ids (KIP-730).

use crate::ErrorCode;

crate::message! {
    /// The request.
    request AllocateProducerIdsRequest [AllocateProducerIds => AllocateProducerIdsResponse, versions 0..=0, flexible 0..] {
        broker_id:    i32 [0..],
        broker_epoch: i64 [0..] = -1,
    }

    /// The answer.
    response AllocateProducerIdsResponse [AllocateProducerIds, versions 0..=0, flexible 0..] {
        throttle_time_ms:  i32       [0..],
        error_code:        ErrorCode [0..],
        producer_id_start: i64       [0..],
        producer_id_len:   i32       [0..],
    }
}
