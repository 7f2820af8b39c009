//! ListTransactions: lists the transactions a broker coordinates (KIP-664).
//!
//! Versions: 1 filters by duration (KIP-994); 2 by pattern (KIP-1152).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request ListTransactionsRequest [ListTransactions => ListTransactionsResponse, versions 0..=2, flexible 0..] {
        state_filters:            Vec<Str>    [0..],
        producer_id_filters:      Vec<i64>    [0..],
        duration_filter:          i64         [1..] = -1,
        transactional_id_pattern: Option<Str> [2.., nullable 2..] = None,
    }

    /// The answer.
    response ListTransactionsResponse [ListTransactions, versions 0..=2, flexible 0..] {
        throttle_time_ms:      i32                   [0..],
        error_code:            ErrorCode             [0..],
        unknown_state_filters: Vec<Str>              [0..],
        transaction_states:    Vec<TransactionState> [0..],
    }

    /// One of [`ListTransactionsResponse::transaction_states`].
    struct TransactionState {
        transactional_id:  Str [0..],
        producer_id:       i64 [0..],
        transaction_state: Str [0..],
    }
}
