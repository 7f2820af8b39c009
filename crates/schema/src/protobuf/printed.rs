//! A text that grows while it is printed.

use base::limits::SCHEMA_PRINT_BYTES_MAX;

use crate::SchemaError;

/// A text that grows to its bound and no further.
#[derive(Default)]
pub(super) struct Text {
    pub text: String,
    is_over: bool,
}

impl Text {
    /// An error if there was more than it may hold.
    pub fn check(&self) -> Result<(), SchemaError> {
        match self.is_over {
            true => Err(SchemaError::new("Schema too large when printed")),
            false => Ok(()),
        }
    }

    pub fn push_str(&mut self, more: &str) {
        self.is_over |= self.text.len() + more.len() > SCHEMA_PRINT_BYTES_MAX;
        if !self.is_over {
            self.text.push_str(more);
        }
    }

    pub fn push(&mut self, c: char) {
        self.push_str(c.encode_utf8(&mut [0; 4]));
    }
}
