//! What a new schema must fulfil beyond being parsable.

use super::{AvroSchema, Kind, default, print};
use crate::SchemaError;
use crate::json::Spelling;

/// Every default must be a value of its field's type (for a union: of any of its branches).
pub(super) fn defaults(schema: &AvroSchema) -> Result<(), SchemaError> {
    let mut validity = default::Validity::of(schema);
    for id in 0..schema.nodes.len() {
        let Kind::Named(_) = schema.node(id as u32).kind else { continue };
        for field in schema.record_fields(id as u32).unwrap_or_default() {
            let Some(value) = &field.default else { continue };
            if !validity.accepts(field.schema, value)? {
                return Err(SchemaError::new(format!(
                    "Invalid default for field {}: {} not a {}",
                    field.name,
                    value.spelled(Spelling::Double),
                    print::of_node(schema, field.schema)?
                )));
            }
        }
    }
    Ok(())
}
