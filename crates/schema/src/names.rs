//! Full names and absolute addresses, bounded: one long namespace, base or enclosing name stands in each name inside it, so that
//! a text of some hundred kilobytes can stand for gigabytes.

use base::limits::SCHEMA_NAME_BYTES_MAX;

use crate::SchemaError;

/// The bytes of names that a schema may still take.
pub(crate) struct NameBytes {
    left: usize,
}

impl Default for NameBytes {
    fn default() -> Self {
        Self { left: SCHEMA_NAME_BYTES_MAX }
    }
}

impl NameBytes {
    /// Counts a name that is made of parts of these lengths.
    pub fn spend(&mut self, parts: [usize; 2]) -> Result<(), SchemaError> {
        let left = parts.iter().try_fold(self.left, |left, part| left.checked_sub(*part));
        self.left = left.ok_or_else(|| {
            SchemaError::new(format!(
                "names written in full take more than {SCHEMA_NAME_BYTES_MAX} bytes: shorten namespaces, ids and enclosing names"
            ))
        })?;
        Ok(())
    }
}
