//! Default values: which are valid for a type, and how the normalized form spells them.

use std::collections::BTreeMap;

use base::limits::{SCHEMA_COMPARE_STEPS_MAX, SCHEMA_DEPTH_MAX};

use super::{AvroSchema, Body, Kind, NodeId, Primitive};
use crate::SchemaError;
use crate::json::{Json, Object, java_double, java_float, parse};

/// A number written as text: `"NaN"` and infinities stay text (JSON has no such numbers), others become numbers.
pub(super) fn number_of_text(text: &str) -> Result<Json, SchemaError> {
    let trimmed = text.trim();
    match trimmed.trim_start_matches(['+', '-']) {
        "NaN" => return Ok(Json::from("NaN")),
        "Infinity" => return Ok(Json::from(trimmed.trim_start_matches('+'))),
        _ => {}
    }
    let value: f64 = match trimmed.trim_end_matches(['d', 'D', 'f', 'F']).parse() {
        Ok(value) => value,
        Err(_) => return Err(SchemaError::new(format!("For input string: \"{text}\""))),
    };
    if value.is_infinite() {
        return Ok(Json::from(if value > 0.0 { "Infinity" } else { "-Infinity" }));
    }
    Ok(parse(&java_double(value))?)
}

/// Whether `value` can be the default of a field of that type.
pub(super) fn is_valid(schema: &AvroSchema, id: NodeId, value: &Json) -> Result<bool, SchemaError> {
    Validity::of(schema).accepts(id, value)
}

/// Looks at the defaults of one schema, all of them for one budget of steps.
pub(super) struct Validity<'a> {
    schema: &'a AvroSchema,
    steps: usize,
}

impl<'a> Validity<'a> {
    pub fn of(schema: &'a AvroSchema) -> Self {
        Self { schema, steps: SCHEMA_COMPARE_STEPS_MAX }
    }

    /// Whether `value` can be the default of a field of that type.
    pub fn accepts(&mut self, id: NodeId, value: &Json) -> Result<bool, SchemaError> {
        self.check(id, value, SCHEMA_DEPTH_MAX)
    }

    fn check(&mut self, id: NodeId, value: &Json, depth: usize) -> Result<bool, SchemaError> {
        let spent = || SchemaError::new("Default value too complex to check");
        self.steps = self.steps.checked_sub(1).ok_or_else(spent)?;
        let depth = depth.checked_sub(1).ok_or_else(spent)?;
        let schema = self.schema;
        match &schema.node(id).kind {
            Kind::Primitive(primitive) => Ok(primitive_accepts(*primitive, value)),
            Kind::Array(items) => self.all(*items, value.as_array().map(|list| list.iter()), depth),
            Kind::Map(values) => {
                self.all(*values, value.as_object().map(|object| object.iter().map(|(_, v)| v)), depth)
            }
            Kind::Union(branches) => {
                for branch in branches {
                    if self.check(*branch, value, depth)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Kind::Named(named) => match &named.body {
                Body::Enum { .. } | Body::Fixed { .. } => Ok(value.as_str().is_some()),
                Body::Record { fields, .. } => {
                    let Json::Object(object) = value else { return Ok(false) };
                    for field in fields {
                        let Some(part) = object.get(&field.name).or(field.default.as_ref()) else {
                            return Ok(false);
                        };
                        if !self.check(field.schema, part, depth)? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                }
            },
        }
    }

    fn all<'v>(
        &mut self,
        id: NodeId,
        values: Option<impl Iterator<Item = &'v Json>>,
        depth: usize,
    ) -> Result<bool, SchemaError> {
        let Some(values) = values else { return Ok(false) };
        for value in values {
            if !self.check(id, value, depth)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn primitive_accepts(primitive: Primitive, value: &Json) -> bool {
    let integer = || value.as_number().and_then(|n| n.as_i64());
    match primitive {
        Primitive::Null => *value == Json::Null,
        Primitive::Boolean => value.as_bool().is_some(),
        Primitive::Int => integer().is_some_and(|n| i32::try_from(n).is_ok()),
        Primitive::Long => integer().is_some(),
        Primitive::Float | Primitive::Double => {
            value.as_number().is_some() || matches!(value.as_str(), Some("NaN" | "Infinity" | "-Infinity"))
        }
        Primitive::Bytes | Primitive::String => value.as_str().is_some(),
    }
}

/// The default as the normalized form has it: object keys sorted, numbers spelled as their type's.
pub(super) fn normalized(schema: &AvroSchema, id: NodeId, value: &Json) -> Json {
    match (&schema.node(id).kind, value) {
        (Kind::Union(branches), _) => {
            let branch = branches.iter().find(|b| is_valid(schema, **b, value).unwrap_or(false));
            branch.map_or_else(|| value.sorted(), |branch| normalized(schema, *branch, value))
        }
        (Kind::Primitive(Primitive::Double), Json::Number(number)) => spelled(&java_double(number.as_f64())),
        (Kind::Primitive(Primitive::Float), Json::Number(number)) => {
            spelled(&java_float(number.as_f64() as f32))
        }
        (Kind::Array(items), Json::Array(list)) => {
            Json::Array(list.iter().map(|item| normalized(schema, *items, item)).collect())
        }
        (Kind::Map(values), Json::Object(object)) => {
            sorted_object(object, |_, member| normalized(schema, *values, member))
        }
        (Kind::Named(_), Json::Object(object)) => {
            let fields = schema.record_fields(id).unwrap_or_default();
            let by_name: BTreeMap<&str, NodeId> =
                fields.iter().map(|field| (field.name.as_str(), field.schema)).collect();
            sorted_object(object, |key, member| match by_name.get(key) {
                Some(field) => normalized(schema, *field, member),
                None => member.sorted(),
            })
        }
        (_, value) => value.sorted(),
    }
}

fn spelled(text: &str) -> Json {
    parse(text).unwrap_or_else(|_| Json::from(text))
}

fn sorted_object(object: &Object, part: impl Fn(&str, &Json) -> Json) -> Json {
    let members: Vec<(String, Json)> = object.iter().map(|(k, v)| (k.to_owned(), part(k, v))).collect();
    // The parts are sorted already; sorting once more orders this level.
    match Json::Object(Object::from_unique(members)) {
        Json::Object(object) => {
            let mut entries = object.into_entries();
            entries.sort_by(|a, b| crate::json::utf16_order(&a.0, &b.0));
            Json::Object(Object::from_unique(entries))
        }
        other => other,
    }
}
