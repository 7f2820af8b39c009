//! From any type that serde can write to a [`Datum`].
//!
//! Structs become records, maps with text as keys maps; a variant without content becomes a symbol, one with content a
//! value of the union's branch of that name.

use serde::ser::{self, Serialize, Serializer};

use super::datum::{Datum, DatumError};
use crate::SerdeError;

/// The value as a datum.
pub fn to_datum<T: Serialize + ?Sized>(value: &T) -> Result<Datum, SerdeError> {
    value.serialize(Into).map_err(|error| SerdeError::Value(error.into_reason()))
}

type Made = Result<Datum, DatumError>;

struct Into;

macro_rules! whole_numbers {
    ($($name:ident $ty:ty => $variant:ident,)*) => {$(
        fn $name(self, value: $ty) -> Made {
            Ok(Datum::$variant(value.into()))
        }
    )*};
}

impl Serializer for Into {
    type Ok = Datum;
    type Error = DatumError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Members;
    type SerializeStruct = Members;
    type SerializeStructVariant = Members;

    whole_numbers! {
        serialize_bool bool => Boolean,
        serialize_i8 i8 => Int,
        serialize_i16 i16 => Int,
        serialize_i32 i32 => Int,
        serialize_i64 i64 => Long,
        serialize_u8 u8 => Int,
        serialize_u16 u16 => Int,
        serialize_u32 u32 => Long,
        serialize_f32 f32 => Float,
        serialize_f64 f64 => Double,
        serialize_char char => String,
        serialize_str &str => String,
        serialize_bytes &[u8] => Bytes,
    }

    fn serialize_u64(self, value: u64) -> Made {
        let value = i64::try_from(value);
        value.map(Datum::Long).map_err(|_| ser::Error::custom("a number is beyond Avro's long"))
    }

    fn serialize_none(self) -> Made {
        Ok(Datum::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Made {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Made {
        Ok(Datum::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Made {
        Ok(Datum::Record(Vec::new()))
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Made {
        Ok(Datum::Enum(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Made {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Made {
        Ok(Datum::Union(variant.to_owned(), Box::new(value.serialize(self)?)))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, DatumError> {
        Ok(Items::default())
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, DatumError> {
        Ok(Items::default())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, DatumError> {
        Ok(Items::default())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items, DatumError> {
        Ok(Items { branch: Some(variant), ..Items::default() })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members, DatumError> {
        Ok(Members { is_map: true, ..Members::default() })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members, DatumError> {
        Ok(Members::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members, DatumError> {
        Ok(Members { branch: Some(variant), ..Members::default() })
    }
}

fn in_branch(branch: Option<&'static str>, value: Datum) -> Datum {
    match branch {
        Some(branch) => Datum::Union(branch.to_owned(), Box::new(value)),
        None => value,
    }
}

#[derive(Default)]
struct Items {
    branch: Option<&'static str>,
    items: Vec<Datum>,
}

impl Items {
    fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), DatumError> {
        self.items.push(value.serialize(Into)?);
        Ok(())
    }

    fn made(self) -> Made {
        Ok(in_branch(self.branch, Datum::Array(self.items)))
    }
}

macro_rules! sequences {
    ($($what:ident $put:ident,)*) => {$(
        impl ser::$what for Items {
            type Ok = Datum;
            type Error = DatumError;

            fn $put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), DatumError> {
                self.put(value)
            }

            fn end(self) -> Made {
                self.made()
            }
        }
    )*};
}

sequences! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

#[derive(Default)]
struct Members {
    branch: Option<&'static str>,
    is_map: bool,
    key: Option<String>,
    members: Vec<(String, Datum)>,
}

impl Members {
    fn made(self) -> Made {
        let value = if self.is_map { Datum::Map(self.members) } else { Datum::Record(self.members) };
        Ok(in_branch(self.branch, value))
    }
}

impl ser::SerializeMap for Members {
    type Ok = Datum;
    type Error = DatumError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), DatumError> {
        self.key = Some(match key.serialize(Into)? {
            Datum::String(text) | Datum::Enum(text) => text,
            Datum::Int(number) => number.to_string(),
            Datum::Long(number) => number.to_string(),
            other => {
                return Err(ser::Error::custom(format!("{} cannot be the key of a map", other.what())));
            }
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), DatumError> {
        let key = self.key.take().ok_or_else(|| ser::Error::custom("a value came without its key"))?;
        self.members.push((key, value.serialize(Into)?));
        Ok(())
    }

    fn end(self) -> Made {
        self.made()
    }
}

macro_rules! structs {
    ($($what:ident)*) => {$(
        impl ser::$what for Members {
            type Ok = Datum;
            type Error = DatumError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), DatumError> {
                self.members.push((name.to_owned(), value.serialize(Into)?));
                Ok(())
            }

            fn end(self) -> Made {
                self.made()
            }
        }
    )*};
}

structs! { SerializeStruct SerializeStructVariant }
