//! Why an admin operation failed, and on what.

use std::fmt;

use wire::ErrorCode;

use crate::CallError;

/// An operation that failed, with the thing it was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminError {
    /// Such as ``topic `orders` ``; empty if the operation is about the whole cluster.
    pub subject: String,
    /// What happened.
    pub error: CallError,
}

impl AdminError {
    pub(super) fn new(subject: impl Into<String>, error: CallError) -> Self {
        Self { subject: subject.into(), error }
    }

    /// Whether the same operation may succeed later.
    pub fn is_retriable(&self) -> bool {
        self.error.is_retriable()
    }

    /// Kafka's error code, where a broker gave one.
    pub fn code(&self) -> Option<ErrorCode> {
        self.error.code()
    }
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.subject, &self.error) {
            (subject, error) if subject.is_empty() => write!(f, "{error}"),
            (subject, CallError::Refused { code, message, .. }) => {
                write!(f, "{subject}: {}", crate::error::describe(*code, message.as_deref()))
            }
            (subject, error) => write!(f, "{subject}: {error}"),
        }
    }
}

impl std::error::Error for AdminError {}

impl From<CallError> for AdminError {
    fn from(error: CallError) -> Self {
        Self { subject: String::new(), error }
    }
}
