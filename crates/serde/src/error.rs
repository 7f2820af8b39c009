//! What can go wrong between a value and a record.

use schema::SchemaError;
use thiserror::Error;

/// Why the registry has no answer, or a refusal.
#[derive(Clone, Debug, Error)]
pub enum RegistryError {
    /// A setting that cannot be.
    #[error("{0}")]
    Setting(String),
    /// No registry answered.
    #[error("the schema registry at {url} does not answer: {reason}")]
    Unreachable {
        /// Where it was sought.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The registry refused.
    #[error("{0}")]
    Refused(Refusal),
    /// The answer is not what a registry says.
    #[error("the schema registry answered something else than expected: {0}")]
    Malformed(String),
}

/// A refusal, with Confluent's code and text.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message} (error code {code})")]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The `error_code`, such as 40401.
    pub code: i64,
    /// The text.
    pub message: String,
    /// Why schemas are incompatible and what would mend it; only Mekong's registry says.
    pub reasons: Vec<Reason>,
}

/// One incompatibility.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// The difference, by Confluent's name.
    pub error_type: String,
    /// Where in the schema.
    pub path: String,
    /// What is wrong.
    pub description: String,
    /// The change that would make it compatible.
    pub remedy: String,
}

impl RegistryError {
    /// The refusal's code.
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }
}

/// Why a value was not written or read.
#[derive(Clone, Debug, Error)]
pub enum SerdeError {
    /// The registry has no answer, or refused.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The schema is none, or does not fit the serializer.
    #[error("the schema: {0}")]
    Schema(String),
    /// The value does not fit the schema.
    #[error("the value does not fit the schema: {0}")]
    Value(String),
    /// The bytes are not what the schema says.
    #[error("the bytes do not fit the schema: {0}")]
    Bytes(String),
    /// The record names no schema.
    #[error("the record names no schema: {0}")]
    Frame(&'static str),
}

impl From<SchemaError> for SerdeError {
    fn from(error: SchemaError) -> Self {
        Self::Schema(error.reason().to_owned())
    }
}
