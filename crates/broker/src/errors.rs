//! From what went wrong inside to Kafka's error codes.

use log::LogError;
use records::{Kind, Rejected};
use wire::ErrorCode;

/// The code of a failed call on a log.
pub(crate) fn of_log(error: &LogError) -> ErrorCode {
    match error {
        LogError::Fenced(_) | LogError::Io { .. } | LogError::NoSpace { .. } | LogError::Exhausted { .. } => {
            ErrorCode::KAFKA_STORAGE_ERROR
        }
        LogError::Corrupt { .. } | LogError::BadBatch(_) => ErrorCode::CORRUPT_MESSAGE,
        LogError::OffsetOutOfRange { .. } => ErrorCode::OFFSET_OUT_OF_RANGE,
        LogError::LargerThanSegment { .. } => ErrorCode::RECORD_LIST_TOO_LARGE,
        LogError::NotTheNextOffset { .. } | LogError::NotYetDurable { .. } => ErrorCode::UNKNOWN_SERVER_ERROR,
        LogError::StaleEpoch { .. } => ErrorCode::NOT_LEADER_OR_FOLLOWER,
        LogError::OutOfOrderSequence { .. } => ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
        LogError::InvalidProducerEpoch { .. } => ErrorCode::INVALID_PRODUCER_EPOCH,
        LogError::OtherTopic { .. } => ErrorCode::INCONSISTENT_TOPIC_ID,
        LogError::InvalidTxnState { .. } => ErrorCode::INVALID_TXN_STATE,
        LogError::CoordinatorFenced { .. } => ErrorCode::TRANSACTION_COORDINATOR_FENCED,
    }
}

/// The code of a refused batch.
pub(crate) fn of_rejected(rejected: &Rejected) -> ErrorCode {
    match rejected.kind() {
        Kind::CorruptMessage => ErrorCode::CORRUPT_MESSAGE,
        Kind::UnsupportedCompressionType => ErrorCode::UNSUPPORTED_COMPRESSION_TYPE,
        Kind::MessageTooLarge => ErrorCode::MESSAGE_TOO_LARGE,
        Kind::InvalidTimestamp => ErrorCode::INVALID_TIMESTAMP,
        Kind::InvalidRecord => ErrorCode::INVALID_RECORD,
        Kind::UnknownServerError => ErrorCode::UNKNOWN_SERVER_ERROR,
    }
}
