//! AddPartitionsToTxn: adds partitions to a transaction (KIP-98).
//!
//! Versions: 3 is flexible; 4 serves brokers, with many transactions at once (KIP-890); 5 may answer
//! TRANSACTION_ABORTABLE.

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request AddPartitionsToTxnRequest [AddPartitionsToTxn => AddPartitionsToTxnResponse, versions 0..=5, flexible 3..] {
        transactions:                  Vec<AddPartitionsToTxnTransaction> [4..],
        v3_and_below_transactional_id: Str                                [0..=3],
        v3_and_below_producer_id:      i64                                [0..=3],
        v3_and_below_producer_epoch:   i16                                [0..=3],
        v3_and_below_topics:           Vec<AddPartitionsToTxnTopic>       [0..=3],
    }

    /// One of [`AddPartitionsToTxnRequest::transactions`].
    struct AddPartitionsToTxnTransaction {
        transactional_id: Str                          [4..],
        producer_id:      i64                          [4..],
        producer_epoch:   i16                          [4..],
        verify_only:      bool                         [4..],
        topics:           Vec<AddPartitionsToTxnTopic> [4..],
    }

    /// A part that several structs of [`AddPartitionsToTxnRequest`] share.
    struct AddPartitionsToTxnTopic {
        name:       Str      [0..],
        partitions: Vec<i32> [0..],
    }

    /// The answer.
    response AddPartitionsToTxnResponse [AddPartitionsToTxn, versions 0..=5, flexible 3..] {
        throttle_time_ms:              i32                                [0..],
        error_code:                    ErrorCode                          [4.., ignorable],
        results_by_transaction:        Vec<AddPartitionsToTxnResult>      [4..],
        results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult> [0..=3],
    }

    /// One of [`AddPartitionsToTxnResponse::results_by_transaction`].
    struct AddPartitionsToTxnResult {
        transactional_id: Str                                [4..],
        topic_results:    Vec<AddPartitionsToTxnTopicResult> [4..],
    }

    /// A part that several structs of [`AddPartitionsToTxnResponse`] share.
    struct AddPartitionsToTxnTopicResult {
        name:                 Str                                    [0..],
        results_by_partition: Vec<AddPartitionsToTxnPartitionResult> [0..],
    }

    /// A part that several structs of [`AddPartitionsToTxnResponse`] share.
    struct AddPartitionsToTxnPartitionResult {
        partition_index:      i32       [0..],
        partition_error_code: ErrorCode [0..],
    }
}
