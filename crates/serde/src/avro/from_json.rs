//! From JSON to a value of a schema: Avro's JSON encoding, and plain JSON where it leaves no doubt.

use ::schema::avro::{AvroSchema, Body, Field, Kind, NodeId, Primitive};
use ::schema::json::Json;
use base::limits::{SCHEMA_COMPARE_STEPS_MAX, SCHEMA_DEPTH_MAX};
use serde_json::{Map, Value};

use super::budget::Budget;
use super::datum::Datum;
use super::names::{branch_name, is_called, is_null, is_plain};
use crate::SerdeError;

/// The value that `json` means in that schema. A union's value is tagged (`{"string": "x"}`) or stands alone; bytes are
/// text of characters up to U+00FF.
pub fn from_json(schema: &AvroSchema, json: &Value) -> Result<Datum, SerdeError> {
    let mut reader = Reader { schema, tries: SCHEMA_COMPARE_STEPS_MAX, budget: None };
    reader.read(schema.root(), json, "", SCHEMA_DEPTH_MAX)
}

/// The default of a field of that type. It may be far larger than its text: defaults of records have defaults inside.
pub(super) fn default_of(
    schema: &AvroSchema,
    id: NodeId,
    default: &Json,
    budget: &mut Budget,
    depth: usize,
) -> Result<Datum, SerdeError> {
    let text = default.to_text();
    budget.text(&text)?;
    let json = serde_json::from_str(&text);
    let json = json.map_err(|error| SerdeError::Schema(format!("a default is no JSON: {error}")))?;
    Reader { schema, tries: SCHEMA_COMPARE_STEPS_MAX, budget: Some(budget) }.read(id, &json, "", depth)
}

struct Reader<'a> {
    schema: &'a AvroSchema,
    tries: usize,
    /// What counts values that come out of the schema; those of the caller's own JSON are not counted.
    budget: Option<&'a mut Budget>,
}

type Read = Result<Datum, SerdeError>;

fn wrong(path: &str, what: impl Into<String>) -> SerdeError {
    let what = what.into();
    SerdeError::Value(if path.is_empty() { what } else { format!("{path}: {what}") })
}

fn deeper(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

impl Reader<'_> {
    fn read(&mut self, id: NodeId, json: &Value, path: &str, depth: usize) -> Read {
        let depth = depth.checked_sub(1).ok_or_else(|| wrong("", "it is nested too deeply"))?;
        if let Some(budget) = &mut self.budget {
            budget.value()?;
        }
        let schema = self.schema;
        let unlike = || wrong(path, format!("{} where the schema has {}", what(json), schema.type_name(id)));
        match (&schema.node(id).kind, json) {
            (Kind::Union(branches), _) => self.union(branches, json, path, depth),
            (Kind::Primitive(primitive), _) => primitive_of(*primitive, json).ok_or_else(unlike),
            (Kind::Array(items), Value::Array(values)) => {
                let read = |(place, value): (usize, &Value)| {
                    self.read(*items, value, &deeper(path, &place.to_string()), depth)
                };
                Ok(Datum::Array(values.iter().enumerate().map(read).collect::<Result<_, _>>()?))
            }
            (Kind::Map(values), Value::Object(members)) => {
                let read = |(key, value): (&String, &Value)| {
                    Ok((key.clone(), self.read(*values, value, &deeper(path, key), depth)?))
                };
                Ok(Datum::Map(members.iter().map(read).collect::<Result<_, SerdeError>>()?))
            }
            (Kind::Named(named), _) => match (&named.body, json) {
                (Body::Record { .. }, Value::Object(members)) => self.record(id, members, path, depth),
                (Body::Enum { symbols, .. }, Value::String(symbol)) => {
                    let known = symbols.contains(symbol);
                    known
                        .then(|| Datum::Enum(symbol.clone()))
                        .ok_or_else(|| wrong(path, format!("`{symbol}` is none of {}", symbols.join(", "))))
                }
                (Body::Fixed { .. }, Value::String(text)) => latin(text).map(Datum::Fixed).ok_or_else(unlike),
                _ => Err(unlike()),
            },
            _ => Err(unlike()),
        }
    }

    fn record(&mut self, id: NodeId, members: &Map<String, Value>, path: &str, depth: usize) -> Read {
        let schema = self.schema;
        let Kind::Named(named) = &schema.node(id).kind else { return Err(wrong(path, "no record")) };
        let Body::Record { fields, .. } = &named.body else { return Err(wrong(path, "no record")) };
        if let Some(extra) = members.keys().find(|key| fields.iter().all(|field| field.name != **key)) {
            return Err(wrong(path, format!("the schema has no field `{extra}`")));
        }
        let mut read = Vec::with_capacity(fields.len());
        for field in fields {
            let at = deeper(path, &field.name);
            let value = match (members.get(&field.name), &field.default) {
                (Some(value), _) => self.read(field.schema, value, &at, depth)?,
                (None, Some(default)) => self.default(field, default, depth)?,
                (None, None) => return Err(wrong(&at, "it is missing and has no default")),
            };
            read.push((field.name.clone(), value));
        }
        Ok(Datum::Record(read))
    }

    fn default(&mut self, field: &Field, default: &Json, depth: usize) -> Read {
        match &mut self.budget {
            Some(budget) => default_of(self.schema, field.schema, default, budget, depth),
            None => default_of(self.schema, field.schema, default, &mut Budget::of(0), depth),
        }
    }

    fn union(&mut self, branches: &[NodeId], json: &Value, path: &str, depth: usize) -> Read {
        let schema = self.schema;
        let tagged = json.as_object().filter(|object| object.len() == 1);
        if let Some((tag, value)) = tagged.and_then(|object| object.iter().next())
            && let Some(branch) = branches.iter().find(|branch| is_called(schema, **branch, tag))
            && let Ok(datum) = self.attempt(*branch, value, path, depth)
        {
            return Ok(self.in_branch(branches, *branch, datum));
        }
        let mut reasons = Vec::new();
        for branch in branches {
            match self.attempt(*branch, json, path, depth) {
                Ok(datum) => return Ok(self.in_branch(branches, *branch, datum)),
                Err(reason) if !is_null(schema, *branch) => reasons.push(reason),
                Err(_) => {}
            }
        }
        match reasons.pop() {
            // With one branch beside null, what is wrong with that one is what people want to know.
            Some(reason) if reasons.is_empty() => Err(reason),
            _ => {
                let names: Vec<String> = branches.iter().map(|branch| branch_name(schema, *branch)).collect();
                Err(wrong(path, format!("{} is none of {}", what(json), names.join(", "))))
            }
        }
    }

    fn attempt(&mut self, id: NodeId, json: &Value, path: &str, depth: usize) -> Read {
        let spent = || wrong(path, "its unions take too long to choose from");
        self.tries = self.tries.checked_sub(1).ok_or_else(spent)?;
        self.read(id, json, path, depth)
    }

    fn in_branch(&self, branches: &[NodeId], branch: NodeId, datum: Datum) -> Datum {
        if datum == Datum::Null || is_plain(self.schema, branches) {
            return datum;
        }
        Datum::Union(branch_name(self.schema, branch), Box::new(datum))
    }
}

fn what(json: &Value) -> &'static str {
    match json {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn primitive_of(primitive: Primitive, json: &Value) -> Option<Datum> {
    let real = || match json {
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        number => number.as_f64(),
    };
    match primitive {
        Primitive::Null => json.is_null().then_some(Datum::Null),
        Primitive::Boolean => json.as_bool().map(Datum::Boolean),
        Primitive::Int => json.as_i64().and_then(|number| i32::try_from(number).ok()).map(Datum::Int),
        Primitive::Long => json.as_i64().map(Datum::Long),
        Primitive::Float => real().map(|number| Datum::Float(number as f32)),
        Primitive::Double => real().map(Datum::Double),
        Primitive::String => json.as_str().map(|text| Datum::String(text.to_owned())),
        Primitive::Bytes => json.as_str().and_then(latin).map(Datum::Bytes),
    }
}

/// One byte a character.
fn latin(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|character| u8::try_from(character).ok()).collect()
}
