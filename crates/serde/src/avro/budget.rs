//! How much may come of a value's bytes. Few bytes can stand for much: arrays of nulls take none at all, and names, symbols
//! and defaults come out of the schema each time a value has them.

use crate::SerdeError;

/// So many values may come of bytes, and this many more of each byte.
const VALUES_MAX: usize = 1024 * 1024;
const VALUES_PER_BYTE: usize = 4;

/// So many bytes of text out of the schema count as one value.
const TEXT_PER_VALUE: usize = 32;

/// How many more values there may be.
pub(super) struct Budget(usize);

impl Budget {
    /// What so many bytes may come to.
    pub fn of(bytes: usize) -> Self {
        Self(VALUES_MAX.saturating_add(bytes.saturating_mul(VALUES_PER_BYTE)))
    }

    /// Counts one value.
    pub fn value(&mut self) -> Result<(), SerdeError> {
        self.spend(1)
    }

    /// Counts a text of the schema's that a value has.
    pub fn text(&mut self, text: &str) -> Result<(), SerdeError> {
        self.spend(text.len() / TEXT_PER_VALUE)
    }

    fn spend(&mut self, values: usize) -> Result<(), SerdeError> {
        let left = self.0.checked_sub(values);
        self.0 = left.ok_or_else(|| SerdeError::Bytes("they hold too many values".to_owned()))?;
        Ok(())
    }
}
