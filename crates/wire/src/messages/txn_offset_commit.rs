//! TxnOffsetCommit: stores how far a group has read as part of a transaction (KIP-98).
//!
//! Versions: 2 adds leader epochs (KIP-320); 3 is flexible and names the member (KIP-447); 4 may answer
//! TRANSACTION_ABORTABLE; 5 adds the group to the transaction by itself (KIP-890).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request TxnOffsetCommitRequest [TxnOffsetCommit => TxnOffsetCommitResponse, versions 0..=5, flexible 3..] {
        transactional_id:  Str                              [0..],
        group_id:          Str                              [0..],
        producer_id:       i64                              [0..],
        producer_epoch:    i16                              [0..],
        generation_id:     i32                              [3..] = -1,
        member_id:         Str                              [3..],
        group_instance_id: Option<Str>                      [3.., nullable 3..] = None,
        topics:            Vec<TxnOffsetCommitRequestTopic> [0..],
    }

    /// One of [`TxnOffsetCommitRequest::topics`].
    struct TxnOffsetCommitRequestTopic {
        name:       Str                                  [0..],
        partitions: Vec<TxnOffsetCommitRequestPartition> [0..],
    }

    /// One of [`TxnOffsetCommitRequestTopic::partitions`].
    struct TxnOffsetCommitRequestPartition {
        partition_index:        i32         [0..],
        committed_offset:       i64         [0..],
        committed_leader_epoch: i32         [2.., ignorable] = -1,
        committed_metadata:     Option<Str> [0.., nullable 0..] = Some(Str::default()),
    }

    /// The answer.
    response TxnOffsetCommitResponse [TxnOffsetCommit, versions 0..=5, flexible 3..] {
        throttle_time_ms: i32                               [0..],
        topics:           Vec<TxnOffsetCommitResponseTopic> [0..],
    }

    /// One of [`TxnOffsetCommitResponse::topics`].
    struct TxnOffsetCommitResponseTopic {
        name:       Str                                   [0..],
        partitions: Vec<TxnOffsetCommitResponsePartition> [0..],
    }

    /// One of [`TxnOffsetCommitResponseTopic::partitions`].
    struct TxnOffsetCommitResponsePartition {
        partition_index: i32       [0..],
        error_code:      ErrorCode [0..],
    }
}
