//! From JSON to the model: which keywords make which shape, in each draft.
//!
//! A schema whose keywords make several shapes becomes an `allOf` of them. References are loaded from a queue, so the
//! recursion here is only as deep as the text nests.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use base::limits::{JSON_SCHEMA_BYTES_MAX, JSON_SCHEMA_PARTS_MAX};

use super::model::{Combined, Criterion, Id, Model, PATTERNS_BYTES_MAX, Schema, Shape};
use super::resolve::{Documents, Place};
use super::{Draft, node_type, shapes};
use crate::SchemaError;
use crate::json::{Json, Object};

/// Keywords by the type they apply to, for schemas that name no type.
pub(super) const TEXT: &[&str] = &["minLength", "maxLength", "pattern", "format"];
pub(super) const NUMBER: &[&str] =
    &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
pub(super) const OBJECT: &[&str] = &[
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
];
pub(super) const ARRAY: &[&str] = &[
    "items",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
];

/// Loads the schema at the root of `tree` and all that it reaches.
pub(super) fn load(tree: &Json, draft: Draft, references: &[(&str, Json)]) -> Result<Model, SchemaError> {
    let documents = Documents::new(tree, draft, references)?;
    let root = documents.root(draft);
    let mut loader = Loader {
        draft,
        documents,
        model: Model::default(),
        known: BTreeMap::new(),
        queue: VecDeque::new(),
        pattern_bytes: PATTERNS_BYTES_MAX,
        bytes: JSON_SCHEMA_BYTES_MAX,
    };
    loader.model.root = loader.reserve(root);
    while let Some((id, place)) = loader.queue.pop_front() {
        let schema = loader.schema(place.json, &place.base)?;
        if let Some(slot) = loader.model.schemas.get_mut(id as usize) {
            *slot = schema;
        }
    }
    Ok(loader.model)
}

pub(super) struct Loader<'a> {
    pub draft: Draft,
    documents: Documents<'a>,
    model: Model,
    /// Schemas that are referred to, by the address of their JSON: each is loaded once.
    known: BTreeMap<usize, Id>,
    queue: VecDeque<(Id, Place<'a>)>,
    /// What is left for compiled expressions.
    pub pattern_bytes: usize,
    /// And for everything else.
    bytes: usize,
}

impl<'a> Loader<'a> {
    fn spend(&mut self, bytes: usize) -> Result<(), SchemaError> {
        let left = self.bytes.checked_sub(bytes);
        self.bytes = left.ok_or_else(|| {
            SchemaError::new(
                "what stands in the schema is too much, counted for each reference that leads into it",
            )
        })?;
        Ok(())
    }

    /// The place of a schema to be loaded later.
    fn reserve(&mut self, place: Place<'a>) -> Id {
        let address = core::ptr::from_ref(place.json).addr();
        if let Some(id) = self.known.get(&address) {
            return *id;
        }
        let id = self.push(Schema::default());
        self.known.insert(address, id);
        self.queue.push_back((id, place));
        id
    }

    fn push(&mut self, schema: Schema) -> Id {
        self.model.schemas.push(schema);
        (self.model.schemas.len() - 1) as Id
    }

    /// Loads a subschema that stands in the text here.
    pub fn part(&mut self, json: &'a Json, base: &str) -> Result<Id, SchemaError> {
        let schema = self.schema(json, base)?;
        Ok(self.push(schema))
    }

    fn schema(&mut self, json: &'a Json, base: &str) -> Result<Schema, SchemaError> {
        // References that lead into each other's targets load what is innermost once for each of them.
        if self.model.schemas.len() >= JSON_SCHEMA_PARTS_MAX {
            return Err(SchemaError::new(format!(
                "more than {JSON_SCHEMA_PARTS_MAX} subschemas, counted for each reference that leads into them"
            )));
        }
        let object = match json {
            Json::Bool(true) => return Ok(Schema::default()),
            Json::Bool(false) => return Ok(Schema { shape: Shape::Never, ..Schema::default() }),
            Json::Object(object) => object,
            other => return Err(SchemaError::new(format!("expected a schema, found {}", node_type(other)))),
        };
        let weight = own_bytes(object);
        self.spend(weight)?;
        let base = match object.get(self.draft.id_keyword()).and_then(Json::as_str) {
            Some(id) if !id.starts_with('#') => Cow::Owned(super::resolve::resolve(base, id)),
            _ => Cow::Borrowed(base),
        };
        if let Cow::Owned(base) = &base {
            self.spend(base.len())?;
        }
        let mut parts = Vec::new();
        if let Some(target) = self.reference(object, &base)? {
            if !self.draft.is_modern() {
                // Before 2019-09 the neighbours of `$ref` have no meaning.
                return Ok(Schema { shape: target, weight, ..Schema::default() });
            }
            parts.push(target);
        }
        self.shapes(object, &base, weight, &mut parts)?;
        let text = |key: &str| object.get(key).and_then(Json::as_str).map(str::to_owned);
        Ok(Schema {
            shape: self.joined(parts, weight),
            // The registry's loader for the later drafts takes ids as addresses, not as a property to compare.
            id: text(self.draft.id_keyword()).filter(|_| !self.draft.is_modern()),
            title: text("title"),
            description: text("description"),
            default: object.get("default").cloned(),
            connect_bytes: object.get("connect.type").and_then(Json::as_str) == Some("bytes"),
            weight,
        })
    }

    fn reference(&mut self, object: &Object, base: &str) -> Result<Option<Shape>, SchemaError> {
        let keywords: &[&str] =
            if self.draft.is_modern() { &["$ref", "$dynamicRef", "$recursiveRef"] } else { &["$ref"] };
        let Some(given) = keywords.iter().find_map(|key| object.get(key)) else { return Ok(None) };
        let reference = given.as_str().ok_or_else(|| wrong("$ref", "a string", given))?;
        match self.documents.find(reference, base, self.draft)? {
            Some(place) => Ok(Some(Shape::Reference(self.reserve(place)))),
            None => Ok(Some(Shape::Any)),
        }
    }

    fn joined(&mut self, mut parts: Vec<Shape>, weight: usize) -> Shape {
        match parts.len() {
            0 => Shape::Any,
            1 => parts.pop().unwrap_or_default(),
            written => {
                // Combinations come first, as the registry counts them.
                parts.sort_by_key(|shape| !matches!(shape, Shape::Combined(_)));
                let parts =
                    parts.into_iter().map(|shape| self.push(Schema { shape, weight, ..Schema::default() }));
                Shape::Combined(Combined { criterion: Criterion::All, parts: parts.collect(), written })
            }
        }
    }

    fn shapes(
        &mut self,
        object: &'a Object,
        base: &str,
        weight: usize,
        parts: &mut Vec<Shape>,
    ) -> Result<(), SchemaError> {
        if let Some(given) = object.get("enum") {
            let values = given.as_array().ok_or_else(|| wrong("enum", "an array", given))?;
            parts.push(Shape::Enum(values.to_vec()));
        }
        for criterion in [Criterion::All, Criterion::Any, Criterion::One] {
            if let Some(given) = object.get(criterion.keyword()) {
                parts.push(self.combined(criterion, given, base)?);
            }
        }
        if let Some(given) = object.get("not") {
            parts.push(Shape::Not(self.part(given, base)?));
        }
        if let Some(given) = object.get("const")
            && self.draft > Draft::Draft4
        {
            parts.push(Shape::Const(given.clone()));
        }
        self.typed(object, base, weight, parts)?;
        if self.draft >= Draft::Draft7 && object.contains_key("if") {
            for keyword in ["if", "then", "else"] {
                if let Some(given) = object.get(keyword) {
                    self.part(given, base)?;
                }
            }
            parts.push(Shape::Conditional);
        }
        Ok(())
    }

    fn combined(&mut self, criterion: Criterion, given: &'a Json, base: &str) -> Result<Shape, SchemaError> {
        let list = given.as_array().ok_or_else(|| wrong(criterion.keyword(), "an array", given))?;
        let mut loaded = Vec::new();
        let mut seen = BTreeSet::new();
        for json in list {
            let schema = self.schema(json, base)?;
            // Repetitions are told by their text, which is printed again at every level and for every reference to one.
            let text = json.to_text();
            self.spend(text.len())?;
            if seen.insert(text) {
                loaded.push((!matches!(schema.shape, Shape::Combined(_)), self.push(schema)));
            }
        }
        loaded.sort_by_key(|(simple, _)| *simple);
        let parts = loaded.into_iter().map(|(_, id)| id).collect();
        Ok(Shape::Combined(Combined { criterion, parts, written: list.len() }))
    }

    fn typed(
        &mut self,
        object: &'a Object,
        base: &str,
        weight: usize,
        parts: &mut Vec<Shape>,
    ) -> Result<(), SchemaError> {
        let mut named: Vec<&str> = Vec::new();
        match object.get("type") {
            None => {}
            Some(Json::String(name)) => {
                named.push(name);
                parts.push(self.of_type(name, object, base)?);
            }
            Some(Json::Array(list)) => {
                let mut any = Vec::new();
                for given in list {
                    let name = given.as_str().ok_or_else(|| wrong("type", "a string", given))?;
                    if !named.contains(&name) {
                        named.push(name);
                        let shape = self.of_type(name, object, base)?;
                        any.push(self.push(Schema { shape, weight, ..Schema::default() }));
                    }
                }
                let (criterion, written) = (Criterion::Any, any.len());
                parts.push(Shape::Combined(Combined { criterion, parts: any, written }));
            }
            Some(given) => return Err(wrong("type", "a string or an array of strings", given)),
        }
        // Keywords of types that `type` does not name apply to values of those types all the same.
        let groups = [("array", ARRAY), ("object", OBJECT), ("number", NUMBER), ("string", TEXT)];
        for (name, keywords) in groups {
            let declared = named.iter().any(|n| *n == name || (*n == "integer" && name == "number"));
            if !declared && self.says_something(object, keywords) {
                parts.push(self.of_type(name, object, base)?);
            }
        }
        Ok(())
    }

    /// Whether any of the keywords is there. The later drafts' loader sees nothing in an empty `properties`.
    fn says_something(&self, object: &Object, keywords: &[&str]) -> bool {
        let modern = self.draft.is_modern();
        keywords.iter().any(|key| match (*key, object.get(key)) {
            (_, None) => false,
            ("properties" | "patternProperties" | "dependentRequired" | "dependencies", Some(given))
                if modern =>
            {
                given.as_object().is_some_and(|o| !o.is_empty())
            }
            ("format", Some(_)) => !modern,
            ("prefixItems", Some(_)) | ("minContains" | "maxContains", Some(_)) => modern,
            ("unevaluatedProperties" | "unevaluatedItems", Some(_)) => modern,
            (_, Some(_)) => true,
        })
    }

    fn of_type(&mut self, name: &str, object: &'a Object, base: &str) -> Result<Shape, SchemaError> {
        Ok(match name {
            "string" => Shape::Text(shapes::text(object)?),
            "number" => Shape::Number(shapes::number(object, false)?),
            "integer" => Shape::Number(shapes::number(object, true)?),
            "boolean" => Shape::Boolean,
            "null" => Shape::Null,
            "object" => Shape::Object(Box::new(shapes::object(self, object, base)?)),
            "array" => Shape::Array(Box::new(shapes::array(self, object, base)?)),
            other => return Err(SchemaError::new(format!("unknown type: [{other}]"))),
        })
    }
}

/// What a value takes in memory beside its text, about.
const VALUE_BYTES: usize = 64;

/// What is copied of a schema's own members: its subschemas are counted for themselves.
fn own_bytes(object: &Object) -> usize {
    let member = |(key, value): (&str, &Json)| match (key, value) {
        ("properties" | "patternProperties" | "dependentSchemas", Json::Object(members)) => {
            members.keys().map(|key| VALUE_BYTES + key.len()).sum()
        }
        ("dependencies" | "dependentRequired", Json::Object(members)) => {
            let own = |(key, value): (&str, &Json)| match value {
                Json::Array(_) => VALUE_BYTES + key.len() + value_bytes(value),
                _ => VALUE_BYTES + key.len(),
            };
            members.iter().map(own).sum()
        }
        ("enum" | "const" | "default" | "required" | "title" | "description" | "pattern", value) => {
            value_bytes(value)
        }
        (_, Json::String(text)) => text.len(),
        (_, Json::Number(number)) => number.literal().len(),
        _ => 0,
    };
    VALUE_BYTES + object.iter().map(member).sum::<usize>()
}

fn value_bytes(json: &Json) -> usize {
    VALUE_BYTES
        + match json {
            Json::String(text) => text.len(),
            Json::Number(number) => number.literal().len(),
            Json::Array(items) => items.iter().map(value_bytes).sum(),
            Json::Object(members) => members.iter().map(|(key, value)| key.len() + value_bytes(value)).sum(),
            Json::Null | Json::Bool(_) => 0,
        }
}

/// A keyword whose value is of the wrong type.
pub(super) fn wrong(keyword: &str, expected: &str, found: &Json) -> SchemaError {
    SchemaError::new(format!("#/{keyword}: expected {expected}, found {}", node_type(found)))
}
