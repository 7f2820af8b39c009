//! Avro schemas: an order-keeping model, the registry's canonical and normalized forms, Java's compatibility rules.
//!
//! The model is an arena: named types are one node each however often they are used, so recursion is an index and
//! comparison can remember pairs of nodes. Semantics follow Apache Avro's Java library, since the registry's clients do.

mod canonical;
mod check;
mod compat;
mod default;
mod name;
mod normal;
mod parse;
mod print;
#[cfg(test)]
mod tests;

use crate::SchemaError;
use crate::json::{Json, utf16_order};

pub use compat::{AvroDifference, AvroDifferenceKind};
pub use name::Name;

/// How strictly a schema is read: new ones in full, stored ones leniently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// A schema about to be registered: names, namespaces and defaults must be right.
    New,
    /// A schema that an earlier registry accepted.
    Stored,
}

/// Where in the arena a type stands.
pub type NodeId = u32;

/// A parsed Avro schema.
#[derive(Clone, Debug)]
pub struct AvroSchema {
    nodes: Vec<Node>,
    root: NodeId,
    /// Names that came with references: printed as names, not inlined.
    external: Vec<NodeId>,
}

/// One type with its custom properties.
#[derive(Clone, Debug)]
pub struct Node {
    /// What type it is.
    pub kind: Kind,
    /// Properties Avro gives no meaning to (and `logicalType` with its own), in the order written.
    pub props: Vec<(String, Json)>,
}

/// The types of Avro.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A type without parts.
    Primitive(Primitive),
    /// An array of a type.
    Array(NodeId),
    /// A map from strings to a type.
    Map(NodeId),
    /// One of several types.
    Union(Vec<NodeId>),
    /// A record, enum or fixed.
    Named(Box<Named>),
}

/// The primitive types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Avro's")]
pub enum Primitive {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
}

impl Primitive {
    /// The type of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "int" => Self::Int,
            "long" => Self::Long,
            "float" => Self::Float,
            "double" => Self::Double,
            "bytes" => Self::Bytes,
            "string" => Self::String,
            _ => return None,
        })
    }

    /// Its name in a schema.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::String => "string",
        }
    }
}

/// A type with a name.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its name and namespace.
    pub name: Name,
    /// Its documentation.
    pub doc: Option<String>,
    /// Other names, in the order written, without repetition.
    pub aliases: Vec<Name>,
    /// What it is.
    pub body: Body,
}

/// What a named type is.
#[derive(Clone, Debug)]
pub enum Body {
    /// A record, or an error of a protocol.
    Record {
        /// The fields in order.
        fields: Vec<Field>,
        /// Whether it was declared as `error`.
        error: bool,
    },
    /// An enum.
    Enum {
        /// The symbols in order.
        symbols: Vec<String>,
        /// What a reader takes for a symbol it does not know.
        default: Option<String>,
    },
    /// So many bytes.
    Fixed {
        /// Bytes.
        size: u32,
    },
}

/// A field of a record.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub schema: NodeId,
    /// Its documentation.
    pub doc: Option<String>,
    /// What a reader takes when the writer had no such field.
    pub default: Option<Json>,
    /// Sort order.
    pub order: Order,
    /// Other names, in the order written, without repetition.
    pub aliases: Vec<String>,
    /// Custom properties in the order written.
    pub props: Vec<(String, Json)>,
}

/// How a field takes part in sorting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Avro's")]
pub enum Order {
    Ascending,
    Descending,
    Ignore,
}

impl AvroSchema {
    /// Parses a schema; `references` are the texts of the schemas it may use by name, in dependency order.
    pub fn parse(text: &str, references: &[&str], strictness: Strictness) -> Result<Self, SchemaError> {
        parse::parse(text, references, strictness)
    }

    /// The form whose hash is the schema's identity: what Java's `Schema.toString` prints, references left as names.
    pub fn canonical(&self) -> Result<String, SchemaError> {
        print::print(self, false)
    }

    /// As [`Self::canonical`] with references inlined (`format=resolved`).
    pub fn resolved(&self) -> Result<String, SchemaError> {
        print::print(self, true)
    }

    /// The schema with what does not matter put in one order (`normalize=true`).
    pub fn normalized(&self) -> Result<Self, SchemaError> {
        normal::normalize(self)
    }

    /// Avro's Parsing Canonical Form, from which fingerprints are made.
    pub fn parsing_canonical_form(&self) -> Result<String, SchemaError> {
        canonical::print(self)
    }

    /// The differences that keep `self` from reading what `writer` wrote; empty when it can.
    pub fn read_differences(&self, writer: &AvroSchema) -> Result<Vec<AvroDifference>, SchemaError> {
        compat::differences(self, writer)
    }

    /// The record's full name, if the schema is a record.
    pub fn record_name(&self) -> Option<String> {
        match &self.node(self.root).kind {
            Kind::Named(named) if matches!(named.body, Body::Record { .. }) => Some(named.name.full()),
            _ => None,
        }
    }

    /// The fields, if the schema is a record.
    pub fn fields(&self) -> Option<&[Field]> {
        self.record_fields(self.root)
    }

    /// The type the schema is.
    pub fn root(&self) -> NodeId {
        self.root
    }

    /// A type of this schema.
    ///
    /// # Panics
    /// On an id of another schema.
    pub fn node(&self, id: NodeId) -> &Node {
        assert!((id as usize) < self.nodes.len(), "a node id of another schema");
        #[expect(
            clippy::indexing_slicing,
            reason = "asserted above; ids come from the parser, not from input"
        )]
        &self.nodes[id as usize]
    }

    fn record_fields(&self, id: NodeId) -> Option<&[Field]> {
        match &self.node(id).kind {
            Kind::Named(named) => match &named.body {
                Body::Record { fields, .. } => Some(fields),
                _ => None,
            },
            _ => None,
        }
    }

    /// The lower-case name of a type's kind, as in `{"type": …}`.
    pub fn type_name(&self, id: NodeId) -> &'static str {
        match &self.node(id).kind {
            Kind::Primitive(primitive) => primitive.name(),
            Kind::Array(_) => "array",
            Kind::Map(_) => "map",
            Kind::Union(_) => "union",
            Kind::Named(named) => match named.body {
                Body::Record { .. } => "record",
                Body::Enum { .. } => "enum",
                Body::Fixed { .. } => "fixed",
            },
        }
    }
}

fn sort_java(names: &mut [String]) {
    names.sort_by(|a, b| utf16_order(a, b));
}
