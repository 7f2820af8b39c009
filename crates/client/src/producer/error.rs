//! Why a record was not sent.

use std::time::Duration;

use base::Str;
use wire::ErrorCode;

use crate::error::describe;
use crate::{CallError, ConnectError, TopicPartition};

/// A record that was not sent, or of which that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProduceError {
    /// The topic or partition cannot be found.
    #[error("cannot place the record: {0}")]
    Metadata(Box<CallError>),
    /// There is no such partition.
    #[error("topic `{topic}` has no partition {partition}; it has {count}")]
    NoPartition {
        /// The topic.
        topic: Str,
        /// The partition asked for.
        partition: i32,
        /// How many there are.
        count: usize,
    },
    /// The record alone is larger than a request may be.
    #[error("a record of {size} bytes is larger than max.request.size, {most} bytes")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        most: usize,
    },
    /// The broker refused the batch.
    #[error("{partition}: {}{}", describe(*code, message.as_deref()),
        if *.possibly_written { "; the broker may have it nevertheless" } else { "" })]
    Refused {
        /// Where it should have gone.
        partition: TopicPartition,
        /// Kafka's error.
        code: ErrorCode,
        /// The broker's words.
        message: Option<Str>,
        /// Whether this attempt or one before it may have appended it all the same.
        possibly_written: bool,
    },
    /// `delivery.timeout.ms` passed.
    #[error("{partition}: not delivered within {after:?}{}{}", .last.as_ref().map(|last| format!("; last: {last}")).unwrap_or_default(),
        if *.possibly_written { "; the broker may have it nevertheless" } else { "" })]
    Expired {
        /// Where it should have gone.
        partition: TopicPartition,
        /// The timeout.
        after: Duration,
        /// Whether a broker may have appended it without telling.
        possibly_written: bool,
        /// What the last attempt said.
        last: Option<Box<CallError>>,
    },
    /// The exchange failed for good.
    #[error("{partition}: {error}")]
    Call {
        /// Where it should have gone.
        partition: TopicPartition,
        /// What happened.
        error: Box<CallError>,
    },
    /// No producer id, without which an idempotent producer sends nothing.
    #[error("no producer id: {0}")]
    NoProducerId(Box<CallError>),
    /// The producer could not be made.
    #[error("cannot make a producer: {0}")]
    NotBuilt(Box<ConnectError>),
    /// The producer was closed.
    #[error("the producer is closed")]
    Closed,
}

impl ProduceError {
    /// Whether sending the record again may succeed. It may then be there twice, if [`Self::possibly_written`].
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Metadata(error) | Self::NoProducerId(error) | Self::Call { error, .. } => {
                error.is_retriable()
            }
            Self::Refused { code, .. } => code.is_retriable(),
            Self::Expired { .. } => true,
            Self::NoPartition { .. } | Self::TooLarge { .. } | Self::NotBuilt(_) | Self::Closed => false,
        }
    }

    /// Whether the record may be in the log although this error says it was not sent.
    pub fn possibly_written(&self) -> bool {
        match self {
            Self::Expired { possibly_written, .. } | Self::Refused { possibly_written, .. } => {
                *possibly_written
            }
            Self::Call { error, .. } => error.is_outcome_unknown(),
            _ => false,
        }
    }

    /// Kafka's error code, where a broker gave one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Metadata(error) | Self::NoProducerId(error) | Self::Call { error, .. } => error.code(),
            _ => None,
        }
    }
}
