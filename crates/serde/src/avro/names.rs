//! Names of types in unions, and when two names mean the same type.

use ::schema::avro::{AvroSchema, Kind, Named, NodeId, Primitive};

/// What a union calls a branch: a full name, or the type's word.
pub(super) fn branch_name(schema: &AvroSchema, id: NodeId) -> String {
    match &schema.node(id).kind {
        Kind::Named(named) => named.name.full(),
        _ => schema.type_name(id).to_owned(),
    }
}

/// Whether a branch may be called so: by its full name or its last part.
pub(super) fn is_called(schema: &AvroSchema, id: NodeId, name: &str) -> bool {
    match &schema.node(id).kind {
        Kind::Named(named) => named.name.name == name || named.name.full() == name,
        _ => schema.type_name(id) == name,
    }
}

/// Whether data of `writer` may be read as `reader` as far as names go: the last parts agree, or the reader knows an alias.
pub(super) fn same(reader: &Named, writer: &Named) -> bool {
    reader.name.name == writer.name.name || reader.aliases.contains(&writer.name)
}

pub(super) fn is_null(schema: &AvroSchema, id: NodeId) -> bool {
    matches!(schema.node(id).kind, Kind::Primitive(Primitive::Null))
}

/// Whether a value of the union says by itself which branch it is of: there is one beside null at most.
pub(super) fn is_plain(schema: &AvroSchema, branches: &[NodeId]) -> bool {
    branches.iter().filter(|branch| !is_null(schema, **branch)).count() <= 1
}
