//! From a value to bytes.

use std::collections::BTreeMap;

use ::schema::avro::{AvroSchema, Body, Field, Kind, NodeId, Primitive};
use ::schema::json::Json;
use base::limits::{SCHEMA_COMPARE_STEPS_MAX, SCHEMA_DEPTH_MAX};

use super::budget::Budget;
use super::datum::Datum;
use super::from_json::default_of;
use super::names::is_called;
use crate::SerdeError;
use crate::frame::put_varint;

/// The bytes of a value of that schema. Numbers widen, fields that are missing take their defaults, and a union takes the
/// branch that is named, or else the first that fits, of the same type before others.
pub fn encode(schema: &AvroSchema, value: &Datum) -> Result<Vec<u8>, SerdeError> {
    let mut writer = Writer { schema, tries: SCHEMA_COMPARE_STEPS_MAX, path: Vec::new(), out: Vec::new() };
    writer.write(schema.root(), value)?;
    Ok(writer.out)
}

struct Writer<'a> {
    schema: &'a AvroSchema,
    /// Branches of unions that may still be tried.
    tries: usize,
    /// Where we are, for errors.
    path: Vec<String>,
    out: Vec<u8>,
}

type Written = Result<(), SerdeError>;

impl Writer<'_> {
    fn wrong(&self, what: impl Into<String>) -> SerdeError {
        let what = what.into();
        SerdeError::Value(match self.path.is_empty() {
            true => what,
            false => format!("{}: {what}", self.path.join(".")),
        })
    }

    fn unlike(&self, id: NodeId, value: &Datum) -> SerdeError {
        self.wrong(format!("{} where the schema has {}", value.what(), self.schema.type_name(id)))
    }

    fn inside(&mut self, name: impl Into<String>, id: NodeId, value: &Datum) -> Written {
        if self.path.len() >= SCHEMA_DEPTH_MAX {
            return Err(SerdeError::Value("it is nested too deeply".to_owned()));
        }
        self.path.push(name.into());
        self.write(id, value)?;
        self.path.pop();
        Ok(())
    }

    fn write(&mut self, id: NodeId, value: &Datum) -> Written {
        let schema = self.schema;
        match (&schema.node(id).kind, value) {
            (Kind::Union(branches), _) => self.union(branches, value),
            (_, Datum::Union(name, value)) if is_called(schema, id, name) => self.write(id, value),
            (Kind::Primitive(primitive), _) => self.primitive(id, *primitive, value),
            (Kind::Array(items), Datum::Array(values)) => self.items(*items, values),
            (Kind::Map(values), Datum::Map(members) | Datum::Record(members)) => self.map(*values, members),
            (Kind::Named(named), _) => match (&named.body, value) {
                (Body::Record { fields, .. }, Datum::Record(members) | Datum::Map(members)) => {
                    self.record(fields, members)
                }
                (Body::Enum { symbols, .. }, Datum::Enum(symbol) | Datum::String(symbol)) => {
                    let place = symbols.iter().position(|known| known == symbol);
                    let place = place.ok_or_else(|| self.wrong(format!("`{symbol}` is no symbol")))?;
                    put_varint(&mut self.out, place as i64);
                    Ok(())
                }
                (Body::Fixed { size }, _) => self.fixed(id, *size as usize, value),
                _ => Err(self.unlike(id, value)),
            },
            _ => Err(self.unlike(id, value)),
        }
    }

    fn primitive(&mut self, id: NodeId, primitive: Primitive, value: &Datum) -> Written {
        let whole = match value {
            Datum::Int(value) => Some(i64::from(*value)),
            Datum::Long(value) => Some(*value),
            _ => None,
        };
        let real = match value {
            Datum::Float(value) => Some(f64::from(*value)),
            Datum::Double(value) => Some(*value),
            _ => whole.map(|whole| whole as f64),
        };
        match (primitive, value) {
            (Primitive::Null, Datum::Null) => {}
            (Primitive::Boolean, Datum::Boolean(value)) => self.out.push(u8::from(*value)),
            (Primitive::Int | Primitive::Long, _) => {
                let fits = whole.filter(|w| primitive == Primitive::Long || i32::try_from(*w).is_ok());
                let whole = fits.ok_or_else(|| self.unlike(id, value))?;
                put_varint(&mut self.out, whole);
            }
            (Primitive::Float, _) => {
                let real = real.ok_or_else(|| self.unlike(id, value))? as f32;
                self.out.extend_from_slice(&real.to_le_bytes());
            }
            (Primitive::Double, _) => {
                let real = real.ok_or_else(|| self.unlike(id, value))?;
                self.out.extend_from_slice(&real.to_le_bytes());
            }
            (Primitive::String, Datum::String(text) | Datum::Enum(text)) => self.bytes(text.as_bytes()),
            (Primitive::Bytes, Datum::String(text)) => self.bytes(text.as_bytes()),
            (Primitive::Bytes, _) => {
                let bytes = bytes_of(value).ok_or_else(|| self.unlike(id, value))?;
                self.bytes(&bytes);
            }
            _ => return Err(self.unlike(id, value)),
        }
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) {
        put_varint(&mut self.out, bytes.len() as i64);
        self.out.extend_from_slice(bytes);
    }

    fn fixed(&mut self, id: NodeId, size: usize, value: &Datum) -> Written {
        let bytes = bytes_of(value).ok_or_else(|| self.unlike(id, value))?;
        if bytes.len() != size {
            return Err(self.wrong(format!("{} bytes where the schema has {size}", bytes.len())));
        }
        self.out.extend_from_slice(&bytes);
        Ok(())
    }

    fn items(&mut self, id: NodeId, values: &[Datum]) -> Written {
        if !values.is_empty() {
            put_varint(&mut self.out, values.len() as i64);
        }
        for (place, value) in values.iter().enumerate() {
            self.inside(place.to_string(), id, value)?;
        }
        self.out.push(0);
        Ok(())
    }

    fn map(&mut self, id: NodeId, members: &[(String, Datum)]) -> Written {
        if !members.is_empty() {
            put_varint(&mut self.out, members.len() as i64);
        }
        for (key, value) in members {
            self.bytes(key.as_bytes());
            self.inside(key, id, value)?;
        }
        self.out.push(0);
        Ok(())
    }

    fn record(&mut self, fields: &[Field], members: &[(String, Datum)]) -> Written {
        let by_name: BTreeMap<&str, &Datum> =
            members.iter().map(|(name, value)| (name.as_str(), value)).collect();
        let mut used = 0;
        for field in fields {
            match by_name.get(field.name.as_str()) {
                Some(value) => {
                    used += 1;
                    self.inside(&field.name, field.schema, value)?;
                }
                None => {
                    let default = field.default.as_ref().ok_or_else(|| {
                        self.wrong(format!("the field `{}` is missing and has no default", field.name))
                    })?;
                    let value = self.default(field, default)?;
                    self.inside(&field.name, field.schema, &value)?;
                }
            }
        }
        if used < by_name.len() {
            let extra = by_name.keys().find(|name| fields.iter().all(|field| field.name != **name));
            let extra = extra.copied().unwrap_or_default();
            return Err(self.wrong(format!("the schema has no field `{extra}`")));
        }
        Ok(())
    }

    fn default(&self, field: &Field, default: &Json) -> Result<Datum, SerdeError> {
        default_of(self.schema, field.schema, default, &mut Budget::of(0), SCHEMA_DEPTH_MAX)
    }

    fn union(&mut self, branches: &[NodeId], value: &Datum) -> Written {
        if let Datum::Union(name, inner) = value {
            let named = branches.iter().position(|branch| is_called(self.schema, *branch, name));
            if let Some(place) = named {
                return self.branch(branches, place, inner);
            }
        }
        // A branch of the value's own type comes before one that it would have to become.
        let is_own = |id: &NodeId| is_of_type(self.schema, *id, value);
        let own = branches.iter().enumerate().filter(|(_, id)| is_own(id));
        let other = branches.iter().enumerate().filter(|(_, id)| !is_own(id));
        let order: Vec<usize> = own.chain(other).map(|(place, _)| place).collect();
        let (length, depth) = (self.out.len(), self.path.len());
        let mut reason = None;
        for place in order {
            self.tries = self
                .tries
                .checked_sub(1)
                .ok_or_else(|| SerdeError::Value("its unions take too long to choose from".to_owned()))?;
            match self.branch(branches, place, value) {
                Ok(()) => return Ok(()),
                Err(error) => {
                    self.out.truncate(length);
                    self.path.truncate(depth);
                    reason.get_or_insert(error);
                }
            }
        }
        Err(reason.unwrap_or_else(|| self.wrong("the union is empty")))
    }

    fn branch(&mut self, branches: &[NodeId], place: usize, value: &Datum) -> Written {
        put_varint(&mut self.out, place as i64);
        let id = branches.get(place).copied().ok_or_else(|| self.wrong("no such branch"))?;
        self.write(id, value)
    }
}

/// Bytes as such, or as the numbers that serde makes of `Vec<u8>`.
fn bytes_of(value: &Datum) -> Option<Vec<u8>> {
    match value {
        Datum::Bytes(bytes) | Datum::Fixed(bytes) => Some(bytes.clone()),
        Datum::Array(items) => items
            .iter()
            .map(|item| match item {
                Datum::Int(number) => u8::try_from(*number).ok(),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// Whether the value is of that very type, as far as its outside shows.
fn is_of_type(schema: &AvroSchema, id: NodeId, value: &Datum) -> bool {
    let is_one_of = |names: &[&str]| names.contains(&schema.type_name(id));
    match value {
        Datum::Null => is_one_of(&["null"]),
        Datum::Boolean(_) => is_one_of(&["boolean"]),
        Datum::Int(_) => is_one_of(&["int"]),
        Datum::Long(_) => is_one_of(&["long"]),
        Datum::Float(_) => is_one_of(&["float"]),
        Datum::Double(_) => is_one_of(&["double"]),
        Datum::Bytes(_) => is_one_of(&["bytes"]),
        Datum::String(_) => is_one_of(&["string"]),
        Datum::Fixed(_) => is_one_of(&["fixed"]),
        Datum::Enum(_) => is_one_of(&["enum"]),
        Datum::Array(_) => is_one_of(&["array"]),
        Datum::Map(_) => is_one_of(&["map"]),
        Datum::Record(_) => is_one_of(&["record"]),
        Datum::Union(..) => false,
    }
}
