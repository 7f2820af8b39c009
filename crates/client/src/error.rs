//! Why a call to a cluster failed.
//!
//! [`CallError`] is what any exchange can end in; the producer, the consumer and the admin client have errors of their own around
//! it, so that each operation names only what can happen to it.

use std::time::Duration;

use base::Str;
use wire::{ApiKey, DecodeError, EncodeError, ErrorCode};

use crate::Address;
use crate::address::BadBootstrap;

/// One exchange with a broker did not bring what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No connection.
    #[error("cannot connect to {address}: {reason}")]
    Unreachable {
        /// Whom.
        address: Address,
        /// The system's words.
        reason: String,
    },
    /// Every broker known was tried.
    #[error("no broker answers ({tried}): {last}; check that the addresses are right and the brokers run")]
    NoBroker {
        /// The addresses tried.
        tried: String,
        /// What the last one said.
        last: Box<CallError>,
    },
    /// The connection broke after the request was sent: the broker may or may not have done it.
    #[error("{address} closed the connection before it answered {api}")]
    Disconnected {
        /// Who.
        address: Address,
        /// What was asked.
        api: ApiKey,
    },
    /// No answer in time: the broker may or may not have done it.
    #[error("{address} did not answer {api} within {after:?}")]
    TimedOut {
        /// Who.
        address: Address,
        /// What was asked.
        api: ApiKey,
        /// How long was waited.
        after: Duration,
    },
    /// The broker and this client share no version of an API.
    #[error("{address} does not offer {api} in a version this client speaks ({ours}; offered: {theirs})")]
    Unsupported {
        /// Who.
        address: Address,
        /// Which API.
        api: ApiKey,
        /// Our versions.
        ours: String,
        /// Theirs.
        theirs: String,
    },
    /// The request cannot be written.
    #[error("the request cannot be sent: {0}")]
    Encode(#[from] EncodeError),
    /// The answer cannot be read.
    #[error("the answer cannot be read: {0}")]
    Decode(#[from] DecodeError),
    /// The broker said no.
    #[error("{api}: {}", describe(*code, message.as_deref()))]
    Refused {
        /// What was asked.
        api: ApiKey,
        /// Kafka's error.
        code: ErrorCode,
        /// The broker's words, where it has some.
        message: Option<Str>,
    },
    /// The metadata knows no such topic or partition, or no leader for it.
    #[error("{0}")]
    NoLeader(String),
    /// The client was closed.
    #[error("the client is closed")]
    Closed,
}

impl CallError {
    /// The error of an answer that carries one.
    pub(crate) fn refused(api: ApiKey, code: ErrorCode, message: Option<Str>) -> Self {
        Self::Refused { api, code, message: message.filter(|text| !text.is_empty()) }
    }

    /// `Ok` where the code is none.
    pub(crate) fn check(api: ApiKey, code: ErrorCode, message: Option<Str>) -> Result<(), Self> {
        if code.is_error() { Err(Self::refused(api, code, message)) } else { Ok(()) }
    }

    /// Kafka's error code, where a broker gave one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the same call may succeed later without anyone changing anything else.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::NoBroker { .. }
            | Self::Disconnected { .. }
            | Self::TimedOut { .. }
            | Self::NoLeader(_) => true,
            Self::Refused { code, .. } => code.is_retriable(),
            Self::Unsupported { .. } | Self::Encode(_) | Self::Decode(_) | Self::Closed => false,
        }
    }

    /// Whether the broker may have acted on the request although no answer came.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Disconnected { .. } | Self::TimedOut { .. } | Self::Decode(_))
    }
}

/// Kafka's name and words for a code, and the broker's own words.
pub(crate) fn describe(code: ErrorCode, message: Option<&str>) -> String {
    match message {
        Some(message) if !message.is_empty() => {
            format!("{} ({})", message.trim_end_matches('.'), code.name())
        }
        _ => format!("{} ({})", code.message().trim_end_matches('.'), code.name()),
    }
}

/// The client could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The bootstrap text is wrong.
    #[error(transparent)]
    Bootstrap(#[from] BadBootstrap),
    /// Nobody answered.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A setting contradicts itself or is not supported.
    #[error("{0}")]
    Setting(String),
}
