//! How each type of field is read and written.

use alloc::vec::Vec;
use core::mem::size_of;

use base::{Str, Uuid};
use bytes::Bytes;

use crate::schema::{StructSchema, Type};
use crate::{
    DecodeError, DecodeErrorKind, Decoder, EncodeError, EncodeErrorKind, Encoder, ErrorCode, Records,
};

/// A type that a field can have.
pub trait Wire: Sized {
    /// The type in schemas.
    const TYPE: Type;

    /// A lower bound of the bytes that any value takes on the wire.
    fn min_size(version: i16, flexible: bool) -> usize;

    /// Reads a value. `nullable` says whether null is allowed, for types that have it.
    fn read(decoder: &mut Decoder, nullable: bool) -> Result<Self, DecodeError>;

    /// Writes the value. `nullable` says whether null is allowed, for types that have it.
    fn write(&self, encoder: &mut Encoder, nullable: bool) -> Result<(), EncodeError>;
}

/// A type that has null: `Option` of it is a type of a field too.
pub trait Nullable: Wire {
    /// Reads a value or null. Structs spend a byte on the question only where they may be null.
    fn read_or_null(decoder: &mut Decoder, nullable: bool) -> Result<Option<Self>, DecodeError>;

    /// Writes a value that may have been null.
    fn write_some(&self, encoder: &mut Encoder, nullable: bool) -> Result<(), EncodeError> {
        self.write(encoder, nullable)
    }

    /// Writes null.
    fn write_null(encoder: &mut Encoder) -> Result<(), EncodeError>;
}

/// Fields in order: what [`crate::message!`] makes of a definition.
pub trait Struct: Sized {
    /// Names, types and versions of the fields.
    const STRUCT: StructSchema;

    /// A lower bound of the bytes that any value takes on the wire.
    fn min_size(version: i16, flexible: bool) -> usize;

    /// Reads the fields that the decoder's version carries.
    fn read_fields(decoder: &mut Decoder) -> Result<Self, DecodeError>;

    /// Writes the fields that the encoder's version carries.
    fn write_fields(&self, encoder: &mut Encoder) -> Result<(), EncodeError>;
}

/// Numbers: big endian, fixed width, never null.
macro_rules! number {
    ($($ty:ty, $kind:ident, $size:literal;)*) => {$(
        impl Wire for $ty {
            const TYPE: Type = Type::$kind;

            #[inline]
            fn min_size(_: i16, _: bool) -> usize {
                $size
            }

            #[inline]
            fn read(decoder: &mut Decoder, _: bool) -> Result<Self, DecodeError> {
                Ok(Self::from_be_bytes(decoder.array::<$size>()?))
            }

            #[inline]
            fn write(&self, encoder: &mut Encoder, _: bool) -> Result<(), EncodeError> {
                encoder.put(&self.to_be_bytes());
                Ok(())
            }
        }
    )*};
}

number! {
    i8, Int8, 1;
    i16, Int16, 2;
    u16, Uint16, 2;
    i32, Int32, 4;
    u32, Uint32, 4;
    i64, Int64, 8;
    f64, Float64, 8;
}

/// Types that are another type in a coat.
macro_rules! coat {
    ($($ty:ty, $kind:ident, $size:literal, $array:ident => $from:expr, $value:ident => $to:expr;)*) => {$(
        impl Wire for $ty {
            const TYPE: Type = Type::$kind;

            #[inline]
            fn min_size(_: i16, _: bool) -> usize {
                $size
            }

            #[inline]
            fn read(decoder: &mut Decoder, _: bool) -> Result<Self, DecodeError> {
                let $array = decoder.array::<$size>()?;
                Ok($from)
            }

            #[inline]
            fn write(&self, encoder: &mut Encoder, _: bool) -> Result<(), EncodeError> {
                let $value = self;
                encoder.put(&$to);
                Ok(())
            }
        }
    )*};
}

coat! {
    bool, Bool, 1, bytes => bytes != [0], value => [u8::from(*value)];
    Uuid, Uuid, 16, bytes => Uuid(bytes), value => value.0;
    ErrorCode, Int16, 2, bytes => ErrorCode(i16::from_be_bytes(bytes)), value => value.0.to_be_bytes();
}

/// The error of a null that should not be.
fn some<T>(decoder: &Decoder, value: Option<T>) -> Result<T, DecodeError> {
    value.ok_or_else(|| decoder.error(DecodeErrorKind::Null))
}

impl Wire for Str {
    const TYPE: Type = Type::String;

    fn min_size(_: i16, flexible: bool) -> usize {
        if flexible { 1 } else { 2 }
    }

    fn read(decoder: &mut Decoder, nullable: bool) -> Result<Self, DecodeError> {
        let value = Self::read_or_null(decoder, nullable)?;
        some(decoder, value)
    }

    fn write(&self, encoder: &mut Encoder, _: bool) -> Result<(), EncodeError> {
        let text = self.as_bytes();
        encoder.put_text_length(Some(text.len()))?;
        encoder.put(text);
        Ok(())
    }
}

impl Nullable for Str {
    fn read_or_null(decoder: &mut Decoder, _: bool) -> Result<Option<Self>, DecodeError> {
        decoder.text_length()?.map(|len| decoder.text(len)).transpose()
    }

    fn write_null(encoder: &mut Encoder) -> Result<(), EncodeError> {
        encoder.put_text_length(None)
    }
}

/// The least size of what a four-byte or compact length precedes.
fn length_size(flexible: bool) -> usize {
    if flexible { 1 } else { 4 }
}

impl Wire for Bytes {
    const TYPE: Type = Type::Bytes;

    fn min_size(_: i16, flexible: bool) -> usize {
        length_size(flexible)
    }

    fn read(decoder: &mut Decoder, nullable: bool) -> Result<Self, DecodeError> {
        let value = Self::read_or_null(decoder, nullable)?;
        some(decoder, value)
    }

    fn write(&self, encoder: &mut Encoder, _: bool) -> Result<(), EncodeError> {
        encoder.put_length(Some(self.len()))?;
        encoder.put_shared(self);
        Ok(())
    }
}

impl Nullable for Bytes {
    fn read_or_null(decoder: &mut Decoder, _: bool) -> Result<Option<Self>, DecodeError> {
        decoder.length()?.map(|len| decoder.bytes(len)).transpose()
    }

    fn write_null(encoder: &mut Encoder) -> Result<(), EncodeError> {
        encoder.put_length(None)
    }
}

impl Wire for Records {
    const TYPE: Type = Type::Records;

    fn min_size(_: i16, flexible: bool) -> usize {
        length_size(flexible)
    }

    fn read(decoder: &mut Decoder, nullable: bool) -> Result<Self, DecodeError> {
        Bytes::read(decoder, nullable).map(Self::from)
    }

    fn write(&self, encoder: &mut Encoder, _: bool) -> Result<(), EncodeError> {
        encoder.put_length(Some(self.len()))?;
        for segment in self.segments() {
            encoder.put_segment(segment.clone());
        }
        Ok(())
    }
}

impl Nullable for Records {
    fn read_or_null(decoder: &mut Decoder, nullable: bool) -> Result<Option<Self>, DecodeError> {
        Ok(Bytes::read_or_null(decoder, nullable)?.map(Self::from))
    }

    fn write_null(encoder: &mut Encoder) -> Result<(), EncodeError> {
        encoder.put_length(None)
    }
}

impl<T: Wire> Wire for Vec<T> {
    const TYPE: Type = Type::Array(&T::TYPE);

    fn min_size(_: i16, flexible: bool) -> usize {
        length_size(flexible)
    }

    fn read(decoder: &mut Decoder, nullable: bool) -> Result<Self, DecodeError> {
        let value = Self::read_or_null(decoder, nullable)?;
        some(decoder, value)
    }

    fn write(&self, encoder: &mut Encoder, _: bool) -> Result<(), EncodeError> {
        encoder.put_length(Some(self.len()))?;
        self.iter().try_for_each(|element| element.write(encoder, false))
    }
}

impl<T: Wire> Nullable for Vec<T> {
    fn read_or_null(decoder: &mut Decoder, _: bool) -> Result<Option<Self>, DecodeError> {
        let Some(count) = decoder.length()? else { return Ok(None) };
        let min_size = T::min_size(decoder.version(), decoder.is_flexible());
        decoder.reserve(count, min_size, size_of::<T>())?;
        let mut elements = Self::with_capacity(count);
        for _ in 0..count {
            elements.push(T::read(decoder, false)?);
        }
        Ok(Some(elements))
    }

    fn write_null(encoder: &mut Encoder) -> Result<(), EncodeError> {
        encoder.put_length(None)
    }
}

impl<T: Struct> Wire for T {
    const TYPE: Type = Type::Struct(&T::STRUCT);

    fn min_size(version: i16, flexible: bool) -> usize {
        <T as Struct>::min_size(version, flexible)
    }

    fn read(decoder: &mut Decoder, _: bool) -> Result<Self, DecodeError> {
        T::read_fields(decoder)
    }

    fn write(&self, encoder: &mut Encoder, _: bool) -> Result<(), EncodeError> {
        self.write_fields(encoder)
    }
}

impl<T: Struct> Nullable for T {
    fn read_or_null(decoder: &mut Decoder, nullable: bool) -> Result<Option<Self>, DecodeError> {
        if nullable && i8::read(decoder, false)? < 0 {
            return Ok(None);
        }
        T::read_fields(decoder).map(Some)
    }

    fn write_some(&self, encoder: &mut Encoder, nullable: bool) -> Result<(), EncodeError> {
        if nullable {
            encoder.put(&[1]);
        }
        self.write_fields(encoder)
    }

    fn write_null(encoder: &mut Encoder) -> Result<(), EncodeError> {
        encoder.put(&(-1_i8).to_be_bytes());
        Ok(())
    }
}

impl<T: Nullable> Wire for Option<T> {
    const TYPE: Type = T::TYPE;

    fn min_size(version: i16, flexible: bool) -> usize {
        T::min_size(version, flexible).min(length_size(flexible))
    }

    fn read(decoder: &mut Decoder, nullable: bool) -> Result<Self, DecodeError> {
        let value = T::read_or_null(decoder, nullable)?;
        if value.is_none() && !nullable {
            return Err(decoder.error(DecodeErrorKind::Null));
        }
        Ok(value)
    }

    fn write(&self, encoder: &mut Encoder, nullable: bool) -> Result<(), EncodeError> {
        match self {
            Some(value) => value.write_some(encoder, nullable),
            None if nullable => T::write_null(encoder),
            None => Err(encoder.error(EncodeErrorKind::Null)),
        }
    }
}
