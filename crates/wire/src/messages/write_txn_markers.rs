//! WriteTxnMarkers: writes the markers that end a transaction; between brokers (KIP-98).
//!
//! Versions: 0 is gone (4.0); 1 is flexible; 2 says which transaction version ended it (KIP-1228).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request WriteTxnMarkersRequest [WriteTxnMarkers => WriteTxnMarkersResponse, versions 1..=2, flexible 1..] {
        markers: Vec<WritableTxnMarker> [0..],
    }

    /// One of [`WriteTxnMarkersRequest::markers`].
    struct WritableTxnMarker {
        producer_id:         i64                         [0..],
        producer_epoch:      i16                         [0..],
        transaction_result:  bool                        [0..],
        topics:              Vec<WritableTxnMarkerTopic> [0..],
        coordinator_epoch:   i32                         [0..],
        transaction_version: i8                          [2.., ignorable],
    }

    /// One of [`WritableTxnMarker::topics`].
    struct WritableTxnMarkerTopic {
        name:              Str      [0..],
        partition_indexes: Vec<i32> [0..],
    }

    /// The answer.
    response WriteTxnMarkersResponse [WriteTxnMarkers, versions 1..=2, flexible 1..] {
        markers: Vec<WritableTxnMarkerResult> [0..],
    }

    /// One of [`WriteTxnMarkersResponse::markers`].
    struct WritableTxnMarkerResult {
        producer_id: i64                               [0..],
        topics:      Vec<WritableTxnMarkerTopicResult> [0..],
    }

    /// One of [`WritableTxnMarkerResult::topics`].
    struct WritableTxnMarkerTopicResult {
        name:       Str                                   [0..],
        partitions: Vec<WritableTxnMarkerPartitionResult> [0..],
    }

    /// One of [`WritableTxnMarkerTopicResult::partitions`].
    struct WritableTxnMarkerPartitionResult {
        partition_index: i32       [0..],
        error_code:      ErrorCode [0..],
    }
}
