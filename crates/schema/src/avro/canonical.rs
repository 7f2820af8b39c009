//! Avro's Parsing Canonical Form: full names, only what readers need, in one order.

use std::collections::BTreeSet;

use base::limits::{SCHEMA_DEPTH_MAX, SCHEMA_PRINT_BYTES_MAX};

use super::{AvroSchema, Body, Kind, Named, NodeId};
use crate::SchemaError;
use crate::json::escape_into;

/// The Parsing Canonical Form of the whole schema, references inlined.
pub(super) fn print(schema: &AvroSchema) -> Result<String, SchemaError> {
    let mut out = String::new();
    node(schema, schema.root, &mut BTreeSet::new(), &mut out, SCHEMA_DEPTH_MAX)?;
    Ok(out)
}

fn node(
    schema: &AvroSchema,
    id: NodeId,
    written: &mut BTreeSet<String>,
    out: &mut String,
    depth: usize,
) -> Result<(), SchemaError> {
    let Some(depth) = depth.checked_sub(1).filter(|_| out.len() <= SCHEMA_PRINT_BYTES_MAX) else {
        return Err(SchemaError::new("Schema too large or too deep when printed"));
    };
    match &schema.node(id).kind {
        Kind::Primitive(primitive) => escape_into(primitive.name(), out),
        Kind::Array(inner) => {
            out.push_str("{\"type\":\"array\",\"items\":");
            node(schema, *inner, written, out, depth)?;
            out.push('}');
        }
        Kind::Map(inner) => {
            out.push_str("{\"type\":\"map\",\"values\":");
            node(schema, *inner, written, out, depth)?;
            out.push('}');
        }
        Kind::Union(branches) => {
            out.push('[');
            for (i, branch) in branches.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                node(schema, *branch, written, out, depth)?;
            }
            out.push(']');
        }
        Kind::Named(named) => self::named(schema, id, named, written, out, depth)?,
    }
    Ok(())
}

fn named(
    schema: &AvroSchema,
    id: NodeId,
    named: &Named,
    written: &mut BTreeSet<String>,
    out: &mut String,
    depth: usize,
) -> Result<(), SchemaError> {
    let full = named.name.full();
    if !written.insert(full.clone()) {
        escape_into(&full, out);
        return Ok(());
    }
    out.push_str("{\"name\":");
    escape_into(&full, out);
    out.push_str(",\"type\":");
    escape_into(schema.type_name(id), out);
    match &named.body {
        Body::Enum { symbols, .. } => {
            out.push_str(",\"symbols\":[");
            for (i, symbol) in symbols.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                escape_into(symbol, out);
            }
            out.push(']');
        }
        Body::Fixed { size } => {
            out.push_str(",\"size\":");
            out.push_str(&size.to_string());
        }
        Body::Record { fields, .. } => {
            out.push_str(",\"fields\":[");
            for (i, field) in fields.iter().enumerate() {
                out.push_str(if i > 0 { ",{\"name\":" } else { "{\"name\":" });
                escape_into(&field.name, out);
                out.push_str(",\"type\":");
                node(schema, field.schema, written, out, depth)?;
                out.push('}');
            }
            out.push(']');
        }
    }
    out.push('}');
    Ok(())
}
