//! What a message looks like, as data: names, types, version ranges, defaults and tags.
//!
//! Each definition in [`crate::messages`] carries its schema as a constant. Tests compare it with Kafka's own
//! definitions and generate messages from it; tools can print a message by it.

use crate::ApiKey;

/// A range of versions, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Versions {
    /// The first version.
    pub min: i16,
    /// The last version; [`Versions::OPEN`] when nothing ended it yet.
    pub max: i16,
}

impl Versions {
    /// The end of a range that has none.
    pub const OPEN: i16 = i16::MAX;
    /// No version at all.
    pub const NONE: Self = Self { min: 0, max: -1 };

    /// The range from `min` to `max`, both included.
    pub const fn new(min: i16, max: i16) -> Self {
        Self { min, max }
    }

    /// Whether `version` lies in the range. A range from 0 without end holds whatever a decoder lets through, which
    /// spares the test.
    #[inline]
    pub const fn has(self, version: i16) -> bool {
        (self.min == 0 || version >= self.min) && (self.max == Self::OPEN || version <= self.max)
    }

    /// Whether no version lies in the range.
    pub const fn is_empty(self) -> bool {
        self.max < self.min
    }
}

/// The part that versions play for one field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldSpec {
    /// The versions that carry the field.
    pub versions: Versions,
    /// The versions in which the field may be null.
    pub nullable: Versions,
    /// Whether a value is dropped silently in versions without the field, instead of failing the encoding.
    pub ignorable: bool,
}

impl FieldSpec {
    /// Whether `version` carries the field.
    #[inline]
    pub const fn has(self, version: i16) -> bool {
        self.versions.has(version)
    }

    /// Whether the field may be null in `version`.
    #[inline]
    pub const fn may_be_null(self, version: i16) -> bool {
        self.nullable.has(version)
    }
}

/// A field's type on the wire.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Type {
    /// One byte; everything but 0 is true.
    Bool,
    /// A signed byte.
    Int8,
    /// Two bytes, big endian.
    Int16,
    /// Two bytes, big endian, unsigned.
    Uint16,
    /// Four bytes, big endian.
    Int32,
    /// Four bytes, big endian, unsigned.
    Uint32,
    /// Eight bytes, big endian.
    Int64,
    /// An IEEE 754 double, big endian.
    Float64,
    /// Sixteen bytes.
    Uuid,
    /// UTF-8, at most 32767 bytes.
    String,
    /// Bytes.
    Bytes,
    /// Record batches, one after the other.
    Records,
    /// A count, then that many.
    Array(&'static Type),
    /// Fields in order.
    Struct(&'static StructSchema),
}

/// One field of a struct.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FieldSchema {
    /// Kafka's name in `snake_case`.
    pub name: &'static str,
    /// The type, without nullability.
    pub ty: Type,
    /// Versions, nullability, ignorability.
    pub spec: FieldSpec,
    /// The default where it is not the type's own (zero, false, empty), as written in the definition.
    pub default: Option<&'static str>,
    /// The tag, for a field that travels in the tagged section (KIP-482).
    pub tag: Option<u32>,
}

/// A struct: the top of a message or a part of it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StructSchema {
    /// The struct's name in Rust.
    pub name: &'static str,
    /// Fields in the order of the wire, then the tagged ones in the order of their tags.
    pub fields: &'static [FieldSchema],
}

/// What a message is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessageKind {
    /// Sent by a client.
    Request,
    /// Sent back.
    Response,
    /// Precedes a request or a response.
    Header,
    /// Travels inside bytes of other messages or of records.
    Data,
}

/// A message as a whole.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct MessageSchema {
    /// Kafka's name of the message.
    pub name: &'static str,
    /// What it is for.
    pub kind: MessageKind,
    /// The API, for requests and responses.
    pub key: Option<ApiKey>,
    /// The versions that can be read and written.
    pub versions: Versions,
    /// The versions with compact lengths and tagged fields (KIP-482).
    pub flexible: Versions,
    /// The fields.
    pub root: StructSchema,
}
