//! What is wrong with a schema.

use core::fmt;

/// Why a schema was refused, or why two could not be compared; the text is meant for the person who wrote the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError(String);

impl SchemaError {
    /// An error of that reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// The reason.
    pub fn reason(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for SchemaError {}

impl From<crate::json::JsonError> for SchemaError {
    fn from(error: crate::json::JsonError) -> Self {
        Self(error.to_string())
    }
}
