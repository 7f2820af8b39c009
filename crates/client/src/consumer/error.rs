//! Why a consumer cannot go on, or could not commit.

use base::Str;
use wire::ErrorCode;

use crate::error::describe;
use crate::{CallError, TopicPartition};

/// What reading can end in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumeError {
    /// The position is not in the log, and `auto.offset.reset` is none.
    #[error("{partition}: offset {offset} is out of range, and no reset policy is set; seek, or set one")]
    OffsetOutOfRange {
        /// Where.
        partition: TopicPartition,
        /// The position.
        offset: i64,
    },
    /// The group has no offset for a partition, and `auto.offset.reset` is none.
    #[error("{partition}: the group has committed no offset, and no reset policy is set; seek, or set one")]
    NoOffset {
        /// Where.
        partition: TopicPartition,
    },
    /// A batch is not what was written.
    #[error("{partition}: the batch at offset {offset} is corrupt: {reason}; seek beyond it to go on")]
    Corrupt {
        /// Where.
        partition: TopicPartition,
        /// The batch's first offset.
        offset: i64,
        /// What is wrong.
        reason: String,
    },
    /// A broker refuses a partition for good.
    #[error("{partition}: {}", describe(*code, None))]
    Partition {
        /// Which.
        partition: TopicPartition,
        /// Kafka's error.
        code: ErrorCode,
    },
    /// The coordinator refuses the member for good.
    #[error("group `{group}`: {error}")]
    Group {
        /// The group.
        group: Str,
        /// What it said.
        error: CallError,
    },
    /// An exchange failed for good.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The consumer is not subscribed and has no partitions.
    #[error("nothing to read: subscribe to topics or assign partitions first")]
    NothingAssigned,
    /// A setting cannot be taken.
    #[error("{0}")]
    Setting(String),
    /// The consumer was closed.
    #[error("the consumer is closed")]
    Closed,
}

impl ConsumeError {
    /// Whether going on may succeed.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Call(error) | Self::Group { error, .. } => error.is_retriable(),
            _ => false,
        }
    }

    /// Kafka's error code, where a broker gave one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Call(error) | Self::Group { error, .. } => error.code(),
            Self::Partition { code, .. } => Some(*code),
            Self::OffsetOutOfRange { .. } => Some(ErrorCode::OFFSET_OUT_OF_RANGE),
            _ => None,
        }
    }
}

/// Why offsets were not committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// There is no group to commit for.
    #[error("a consumer without a group commits nothing")]
    NoGroup,
    /// The member is not part of the group any more; others read its partitions now.
    #[error("the member has left the group, so that others may have its partitions: {0}")]
    NotAMember(CallError),
    /// The group is rebalancing; committing after the next poll may succeed.
    #[error("the group is rebalancing; commit again after the next records")]
    Rebalancing,
    /// One partition was refused.
    #[error("{partition}: {}", describe(*code, None))]
    Partition {
        /// Which.
        partition: TopicPartition,
        /// Kafka's error.
        code: ErrorCode,
    },
    /// The exchange failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The consumer was closed.
    #[error("the consumer is closed")]
    Closed,
}

impl CommitError {
    /// Whether the same commit may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Rebalancing => true,
            Self::Call(error) => error.is_retriable(),
            Self::Partition { code, .. } => code.is_retriable(),
            Self::NoGroup | Self::NotAMember(_) | Self::Closed => false,
        }
    }
}
