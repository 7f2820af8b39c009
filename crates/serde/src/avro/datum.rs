//! A value of any Avro schema.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// A value. A union's value stands alone where null is the only other branch.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are Avro's")]
pub enum Datum {
    Null,
    Boolean(bool),
    Int(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    Bytes(Vec<u8>),
    String(String),
    Fixed(Vec<u8>),
    Enum(String),
    Array(Vec<Datum>),
    Map(Vec<(String, Datum)>),
    Record(Vec<(String, Datum)>),
    /// A value of a union, with the branch's name: a full name, or a word such as `string`.
    Union(String, Box<Datum>),
}

impl Datum {
    /// What it is, for people.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Int(_) => "an int",
            Self::Long(_) => "a long",
            Self::Float(_) => "a float",
            Self::Double(_) => "a double",
            Self::Bytes(_) => "bytes",
            Self::String(_) => "a string",
            Self::Fixed(_) => "a fixed",
            Self::Enum(_) => "a symbol",
            Self::Array(_) => "an array",
            Self::Map(_) => "a map",
            Self::Record(_) => "a record",
            Self::Union(..) => "a value of a union",
        }
    }

    /// As Avro's JSON encoding has it, but that a value beside null stands alone. Numbers that JSON lacks become text.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Null => Value::Null,
            Self::Boolean(value) => Value::from(*value),
            Self::Int(value) => Value::from(*value),
            Self::Long(value) => Value::from(*value),
            // By way of text, so that 0.1 stays 0.1.
            Self::Float(value) => {
                value.to_string().parse().map_or_else(|_| special(f64::from(*value)), json_double)
            }
            Self::Double(value) => json_double(*value),
            Self::Bytes(bytes) | Self::Fixed(bytes) => {
                Value::String(bytes.iter().copied().map(char::from).collect())
            }
            Self::String(text) | Self::Enum(text) => Value::from(text.as_str()),
            Self::Array(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(members) | Self::Record(members) => {
                Value::Object(members.iter().map(|(name, value)| (name.clone(), value.to_json())).collect())
            }
            Self::Union(branch, value) => {
                Value::Object(std::iter::once((branch.clone(), value.to_json())).collect())
            }
        }
    }
}

fn json_double(value: f64) -> serde_json::Value {
    serde_json::Number::from_f64(value).map_or_else(|| special(value), serde_json::Value::Number)
}

fn special(value: f64) -> serde_json::Value {
    let text = if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    serde_json::Value::from(text)
}

impl Serialize for Datum {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Boolean(value) => to.serialize_bool(*value),
            Self::Int(value) => to.serialize_i32(*value),
            Self::Long(value) => to.serialize_i64(*value),
            Self::Float(value) => to.serialize_f32(*value),
            Self::Double(value) => to.serialize_f64(*value),
            Self::Bytes(bytes) | Self::Fixed(bytes) => to.serialize_bytes(bytes),
            Self::String(text) | Self::Enum(text) => to.serialize_str(text),
            Self::Array(items) => {
                let mut seq = to.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| seq.serialize_element(item))?;
                seq.end()
            }
            Self::Map(members) | Self::Record(members) => {
                let mut map = to.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
            Self::Union(branch, value) => {
                let mut map = to.serialize_map(Some(1))?;
                map.serialize_entry(branch, value)?;
                map.end()
            }
        }
    }
}

/// Why a value is not what a type wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatumError(String);

impl DatumError {
    /// The reason.
    pub(super) fn into_reason(self) -> String {
        self.0
    }
}

impl fmt::Display for DatumError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DatumError {}

impl de::Error for DatumError {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}

impl serde::ser::Error for DatumError {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}

impl IntoDeserializer<'_, DatumError> for Datum {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Datum {
    type Error = DatumError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Boolean(value) => visitor.visit_bool(value),
            Self::Int(value) => visitor.visit_i32(value),
            Self::Long(value) => visitor.visit_i64(value),
            Self::Float(value) => visitor.visit_f32(value),
            Self::Double(value) => visitor.visit_f64(value),
            Self::Bytes(bytes) | Self::Fixed(bytes) => visitor.visit_byte_buf(bytes),
            Self::String(text) | Self::Enum(text) => visitor.visit_string(text),
            Self::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter())),
            Self::Map(members) | Self::Record(members) => {
                visitor.visit_map(MapDeserializer::new(members.into_iter()))
            }
            Self::Union(_, value) => value.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        match self {
            Self::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    /// Bytes are a sequence of numbers too: `Vec<u8>` wants them so.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        match self {
            Self::Bytes(bytes) | Self::Fixed(bytes) => {
                visitor.visit_seq(SeqDeserializer::new(bytes.into_iter()))
            }
            value => value.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DatumError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DatumError> {
        visitor.visit_newtype_struct(self)
    }

    /// A symbol is a variant by itself; a union's branch is a variant that holds the value.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DatumError> {
        match self {
            Self::Enum(name) | Self::String(name) => visitor.visit_enum(Variant { name, value: None }),
            Self::Union(branch, value) => {
                // A variant may be called by the last part of a full name.
                let last = branch.rsplit('.').next().unwrap_or(&branch).to_owned();
                let name = if variants.contains(&branch.as_str()) { branch } else { last };
                visitor.visit_enum(Variant { name, value: Some(*value) })
            }
            other => Err(de::Error::custom(format!("{} is no variant", other.what()))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple_struct
        map struct identifier ignored_any
    }
}

struct Variant {
    name: String,
    value: Option<Datum>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = DatumError;
    type Variant = Content;

    fn variant_seed<V: de::DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content), DatumError> {
        let name: de::value::StringDeserializer<DatumError> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, Content(self.value)))
    }
}

struct Content(Option<Datum>);

impl Content {
    fn value(self) -> Result<Datum, DatumError> {
        self.0.ok_or_else(|| de::Error::custom("a symbol holds no value"))
    }
}

impl<'de> VariantAccess<'de> for Content {
    type Error = DatumError;

    fn unit_variant(self) -> Result<(), DatumError> {
        match self.0 {
            None | Some(Datum::Null) => Ok(()),
            Some(other) => Err(de::Error::custom(format!("{} where nothing was expected", other.what()))),
        }
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DatumError> {
        seed.deserialize(self.value()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DatumError> {
        self.value()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DatumError> {
        self.value()?.deserialize_any(visitor)
    }
}
