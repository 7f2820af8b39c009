//! An error as an answer carries it: a code and, mostly, a message.

use alloc::string::String;

use base::Str;
use wire::ErrorCode;

/// Why a command, or one part of it, failed. Messages are Kafka's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiError {
    /// The code.
    pub code: ErrorCode,
    /// The message, where Kafka gives one.
    pub message: Option<Str>,
}

impl ApiError {
    /// An error with a message.
    pub fn new(code: ErrorCode, message: impl Into<Str>) -> Self {
        Self { code, message: Some(message.into()) }
    }

    /// An error with a static message.
    pub const fn fixed(code: ErrorCode, message: &'static str) -> Self {
        Self { code, message: Some(Str::from_static(message)) }
    }

    /// An error without a message.
    pub const fn silent(code: ErrorCode) -> Self {
        Self { code, message: None }
    }

    /// `INVALID_REQUEST`.
    pub fn invalid_request(message: impl Into<Str>) -> Self {
        Self::new(ErrorCode::INVALID_REQUEST, message)
    }

    /// `INVALID_CONFIG`.
    pub fn invalid_config(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::INVALID_CONFIG, message.into())
    }

    /// The pair that answers carry, for success too.
    pub fn pair(result: &Result<(), Self>) -> (ErrorCode, Option<Str>) {
        match result {
            Ok(()) => (ErrorCode::NONE, None),
            Err(error) => (error.code, error.message.clone()),
        }
    }
}
