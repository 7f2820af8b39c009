//! Whether bytes are a value of a schema: read to the end, and nothing built of them.

use ::schema::avro::{AvroSchema, Body, Kind, NodeId, Primitive};
use base::limits::SCHEMA_DEPTH_MAX;

use super::raw::is_raw;
use crate::SerdeError;
use crate::frame::take_varint;

/// So many values may stand in a payload, and this many more for each of its bytes: items of no bytes cost time all the same.
const VALUES_MAX: usize = 64 * 1024;
const VALUES_PER_BYTE: usize = 16;

/// Whether a record's payload can be read by its schema.
pub fn check(schema: &AvroSchema, bytes: &[u8]) -> Result<(), SerdeError> {
    if is_raw(schema) {
        return Ok(());
    }
    let left = VALUES_MAX.saturating_add(bytes.len().saturating_mul(VALUES_PER_BYTE));
    let mut walker = Walker { schema, bytes, left };
    walker.value(schema.root(), SCHEMA_DEPTH_MAX)?;
    match walker.bytes.len() {
        0 => Ok(()),
        more => Err(SerdeError::Bytes(format!("{more} bytes are left over"))),
    }
}

struct Walker<'a> {
    schema: &'a AvroSchema,
    bytes: &'a [u8],
    left: usize,
}

type Walked = Result<(), SerdeError>;

fn wrong(what: &str) -> SerdeError {
    SerdeError::Bytes(what.to_owned())
}

impl<'a> Walker<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], SerdeError> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or_else(|| wrong("they end too early"))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn long(&mut self) -> Result<i64, SerdeError> {
        take_varint(&mut self.bytes).ok_or_else(|| wrong("a number is cut short or too long"))
    }

    fn length(&mut self) -> Result<usize, SerdeError> {
        usize::try_from(self.long()?).map_err(|_| wrong("a length is negative"))
    }

    fn text(&mut self) -> Walked {
        let length = self.length()?;
        match std::str::from_utf8(self.take(length)?) {
            Ok(_) => Ok(()),
            Err(_) => Err(wrong("a string is not UTF-8")),
        }
    }

    fn value(&mut self, id: NodeId, depth: usize) -> Walked {
        let depth = depth.checked_sub(1).ok_or_else(|| wrong("values are nested too deeply"))?;
        self.left = self.left.checked_sub(1).ok_or_else(|| wrong("they hold too many values"))?;
        let schema = self.schema;
        match &schema.node(id).kind {
            Kind::Primitive(primitive) => self.primitive(*primitive),
            Kind::Union(branches) => {
                let place = self.length()?;
                let branch = branches.get(place);
                self.value(*branch.ok_or_else(|| wrong(&format!("a union has no branch {place}")))?, depth)
            }
            Kind::Array(items) => self.blocks(|walker| walker.value(*items, depth)),
            Kind::Map(values) => self.blocks(|walker| {
                walker.text()?;
                walker.value(*values, depth)
            }),
            Kind::Named(named) => match &named.body {
                Body::Record { fields, .. } => {
                    fields.iter().try_for_each(|field| self.value(field.schema, depth))
                }
                Body::Enum { symbols, .. } => match self.length()? {
                    place if place < symbols.len() => Ok(()),
                    place => Err(wrong(&format!("an enum has no symbol {place}"))),
                },
                Body::Fixed { size } => self.take(*size as usize).map(drop),
            },
        }
    }

    /// Counted blocks, each item by `one`.
    fn blocks(&mut self, one: impl Fn(&mut Self) -> Walked) -> Walked {
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                // The block's size in bytes, for those who skip it.
                self.long()?;
            }
            for _ in 0..count.unsigned_abs() {
                one(self)?;
            }
        }
    }

    fn primitive(&mut self, primitive: Primitive) -> Walked {
        match primitive {
            Primitive::Null => Ok(()),
            Primitive::Boolean => match self.take(1)? {
                [0 | 1] => Ok(()),
                _ => Err(wrong("a boolean is neither 0 nor 1")),
            },
            Primitive::Int => match i32::try_from(self.long()?) {
                Ok(_) => Ok(()),
                Err(_) => Err(wrong("an int is beyond 32 bits")),
            },
            Primitive::Long => self.long().map(drop),
            Primitive::Float => self.take(4).map(drop),
            Primitive::Double => self.take(8).map(drop),
            Primitive::Bytes => {
                let length = self.length()?;
                self.take(length).map(drop)
            }
            Primitive::String => self.text(),
        }
    }
}
