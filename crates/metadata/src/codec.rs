//! Our own encoding of metadata records.
//!
//! ```text
//! record := format (1 byte, 1) kind (varint) version (varint) field*
//! ```
//!
//! Numbers are unsigned LEB128 varints, zigzagged where they may be negative; text and lists start with their length; an
//! optional value with 0 or 1. A later version of a kind appends fields, so that version N reads N-1 by defaults, and a reader
//! refuses a version that it does not know: guessing at metadata would be worse than not starting.

use alloc::vec::Vec;
use core::fmt;

use base::{Offset, ProducerId, Str, TopicId, Uuid};
use bytes::Bytes;

/// Why bytes are not a metadata record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// The bytes end inside a field, a length leads past the end, or bytes are left over.
    Length,
    /// A number has too many bits for its field, or text is not UTF-8.
    Value,
    /// Written by a later Mekong: an unknown format, kind or version of a kind.
    Newer {
        /// The record's kind; 0 if the format itself is unknown.
        kind: u32,
        /// The version of the format or of the kind.
        version: u32,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("a metadata record has the wrong length"),
            Self::Value => f.write_str("a metadata record holds an impossible value"),
            Self::Newer { kind, version } => {
                write!(
                    f,
                    "a metadata record (kind {kind}, version {version}) was written by a later version of Mekong"
                )
            }
        }
    }
}

impl core::error::Error for DecodeError {}

/// What is left to read of a record.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(DecodeError::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first().ok_or(DecodeError::Length)?;
            let bits = u64::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                return Err(DecodeError::Value);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::Value)
    }

    pub(crate) fn small(&mut self) -> Result<u32, DecodeError> {
        u32::try_from(self.varint()?).map_err(|_| DecodeError::Value)
    }
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A value that a record can hold.
pub(crate) trait Field: Sized {
    fn put(&self, out: &mut Vec<u8>);
    fn get(from: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

macro_rules! signed {
    ($($kind:ty),*) => {$(
        impl Field for $kind {
            fn put(&self, out: &mut Vec<u8>) {
                let value = i64::from(*self);
                put_varint(out, ((value << 1) ^ (value >> 63)) as u64);
            }

            fn get(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let bits = from.varint()?;
                let value = (bits >> 1) as i64 ^ -((bits & 1) as i64);
                Self::try_from(value).map_err(|_| DecodeError::Value)
            }
        }
    )*};
}

signed!(i8, i16, i32, i64);

macro_rules! unsigned {
    ($($kind:ty),*) => {$(
        impl Field for $kind {
            fn put(&self, out: &mut Vec<u8>) {
                put_varint(out, u64::from(*self));
            }

            fn get(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Self::try_from(from.varint()?).map_err(|_| DecodeError::Value)
            }
        }
    )*};
}

unsigned!(u16, u64);

macro_rules! wrapped {
    ($($kind:ident),*) => {$(
        impl Field for $kind {
            fn put(&self, out: &mut Vec<u8>) {
                self.0.put(out);
            }

            fn get(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Field::get(from).map($kind)
            }
        }
    )*};
}

wrapped!(Offset, ProducerId, TopicId);

impl Field for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match from.take(1)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(DecodeError::Value),
        }
    }
}

impl Field for f64 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_bits().to_be_bytes());
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = from.take(8)?.try_into().map_err(|_| DecodeError::Length)?;
        Ok(Self::from_bits(u64::from_be_bytes(bytes)))
    }
}

impl Field for Uuid {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        from.take(16)?.try_into().map(Self).map_err(|_| DecodeError::Length)
    }
}

impl Field for Bytes {
    fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.len() as u64);
        out.extend_from_slice(self);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = from.small()? as usize;
        from.take(count).map(Self::copy_from_slice)
    }
}

impl Field for Str {
    fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.len() as u64);
        out.extend_from_slice(self.as_bytes());
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_utf8(Bytes::get(from)?).map_err(|_| DecodeError::Value)
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        bool::get(from)?.then(|| T::get(from)).transpose()
    }
}

impl<T: Field> Field for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.len() as u64);
        for item in self {
            item.put(out);
        }
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = from.small()? as usize;
        // Every item takes at least one byte, so a greater count is a lie; nothing is reserved for it.
        if count > from.0.len() {
            return Err(DecodeError::Length);
        }
        (0..count).map(|_| T::get(from)).collect()
    }
}

/// Defines a struct whose fields are written in their order.
macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug, Default)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $kind,)*
        }

        impl $crate::codec::Field for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $($crate::codec::Field::put(&self.$field, out);)*
            }

            fn get(from: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::DecodeError> {
                Ok(Self { $($field: $crate::codec::Field::get(from)?,)* })
            }
        }
    )*};
}

pub(crate) use fields;
