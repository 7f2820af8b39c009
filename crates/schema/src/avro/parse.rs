//! From JSON to the model, with the checks and the messages of Java's parser.

use std::collections::BTreeMap;

use base::limits::{SCHEMA_DEPTH_MAX, SCHEMA_PRINT_BYTES_MAX};

use super::{AvroSchema, Body, Field, Kind, Name, Named, Node, NodeId, Order, Primitive, Strictness};
use super::{check, default, name, print};
use crate::SchemaError;
use crate::json::{Dialect, Json, Number, Object, parse_with};
use crate::names::NameBytes;

const RESERVED: &[&str] =
    &["doc", "fields", "items", "name", "namespace", "size", "symbols", "values", "type", "aliases"];
const FIELD_RESERVED: &[&str] = &["default", "doc", "name", "order", "type", "aliases"];

/// Parses `text`, in which the names of `references` are known.
pub(super) fn parse(
    text: &str,
    references: &[&str],
    strictness: Strictness,
) -> Result<AvroSchema, SchemaError> {
    let mut parser = Parser {
        schema: AvroSchema { nodes: Vec::new(), root: 0, external: Vec::new() },
        names: BTreeMap::new(),
        from_references: 0,
        strictness,
        name_bytes: NameBytes::default(),
        printed: 0,
    };
    for reference in references {
        let id = parser.text(reference)?;
        if matches!(parser.schema.node(id).kind, Kind::Named(_)) {
            parser.schema.external.push(id);
        }
        parser.from_references = parser.schema.nodes.len();
    }
    parser.schema.root = parser.text(text)?;
    if strictness == Strictness::New {
        check::defaults(&parser.schema)?;
    }
    Ok(parser.schema)
}

struct Parser {
    schema: AvroSchema,
    names: BTreeMap<String, NodeId>,
    /// Nodes below this index came with references.
    from_references: usize,
    strictness: Strictness,
    name_bytes: NameBytes,
    /// Bytes that were printed to compare types that are written out again.
    printed: usize,
}

impl Parser {
    fn text(&mut self, text: &str) -> Result<NodeId, SchemaError> {
        let json = parse_with(text, Dialect::Comments)?;
        self.schema(&json, None, SCHEMA_DEPTH_MAX)
    }

    fn add(&mut self, kind: Kind) -> NodeId {
        self.schema.nodes.push(Node { kind, props: Vec::new() });
        (self.schema.nodes.len() - 1) as NodeId
    }

    fn schema(&mut self, json: &Json, space: Option<&str>, depth: usize) -> Result<NodeId, SchemaError> {
        let depth = depth.checked_sub(1).ok_or_else(|| SchemaError::new("Schema nested too deeply"))?;
        match json {
            Json::String(word) => match Primitive::of_name(word) {
                Some(primitive) => Ok(self.add(Kind::Primitive(primitive))),
                None => self.lookup(word, space)?.ok_or_else(|| undefined(json)),
            },
            Json::Object(object) => self.object(json, object, space, depth),
            Json::Array(branches) => self.union(branches, space, depth),
            other => Err(SchemaError::new(format!("Schema not yet supported: {}", other.to_text()))),
        }
    }

    fn lookup(&mut self, word: &str, space: Option<&str>) -> Result<Option<NodeId>, SchemaError> {
        self.name_bytes.spend([word.len(), space.map_or(0, str::len)])?;
        let inside = match space {
            Some(space) if !word.contains('.') => self.names.get(&format!("{space}.{word}")),
            _ => None,
        };
        Ok(inside.or_else(|| self.names.get(word)).copied())
    }

    fn union(&mut self, branches: &[Json], space: Option<&str>, depth: usize) -> Result<NodeId, SchemaError> {
        let mut ids = Vec::with_capacity(branches.len());
        let mut seen = BTreeMap::new();
        for branch in branches {
            let id = self.schema(branch, space, depth)?;
            let name = match &self.schema.node(id).kind {
                Kind::Union(_) => {
                    let all = Json::Array(branches.to_vec()).to_text();
                    return Err(SchemaError::new(format!("Nested union: {all}")));
                }
                Kind::Named(named) => named.name.full(),
                _ => self.schema.type_name(id).to_owned(),
            };
            if seen.insert(name.clone(), ()).is_some() {
                return Err(SchemaError::new(format!("Duplicate in union:{name}")));
            }
            ids.push(id);
        }
        Ok(self.add(Kind::Union(ids)))
    }

    fn object(
        &mut self,
        json: &Json,
        object: &Object,
        space: Option<&str>,
        depth: usize,
    ) -> Result<NodeId, SchemaError> {
        let word = text_member(object, "type").ok_or_else(|| missing("No type", json))?;
        let id = match word {
            "record" | "error" | "enum" | "fixed" => self.named(word, json, object, space, depth)?,
            "array" => {
                let items = object.get("items").ok_or_else(|| missing("Array has no items type", json))?;
                let items = self.schema(items, space, depth)?;
                self.add(Kind::Array(items))
            }
            "map" => {
                let values = object.get("values").ok_or_else(|| missing("Map has no values type", json))?;
                let values = self.schema(values, space, depth)?;
                self.add(Kind::Map(values))
            }
            word => match Primitive::of_name(word) {
                Some(primitive) => self.add(Kind::Primitive(primitive)),
                None => {
                    return self
                        .lookup(word, space)?
                        .ok_or_else(|| SchemaError::new(format!("Type not supported: {word}")));
                }
            },
        };
        let props = object
            .iter()
            .filter(|(key, _)| !(RESERVED.contains(key) || word == "enum" && *key == "default"))
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .collect();
        if let Some(node) = self.schema.nodes.get_mut(id as usize) {
            node.props = props;
        }
        if matches!(self.schema.node(id).kind, Kind::Named(_)) {
            self.settle_redefinition(id)?;
        }
        Ok(id)
    }

    fn named(
        &mut self,
        word: &str,
        json: &Json,
        object: &Object,
        space: Option<&str>,
        depth: usize,
    ) -> Result<NodeId, SchemaError> {
        let own_space = text_member(object, "namespace").or(space);
        let given = text_member(object, "name").ok_or_else(|| missing("No name in schema", json))?;
        self.name_bytes.spend([given.len(), own_space.map_or(0, str::len)])?;
        let name = Name::read(given, own_space, self.strictness)?;
        let doc = text_member(object, "doc").map(str::to_owned);
        let aliases =
            aliases(object)?.map(|list| self.read_aliases(&list, &name)).transpose()?.unwrap_or_default();
        let error = word == "error";
        let body = match word {
            "enum" => self.enum_body(json, object)?,
            "fixed" => fixed_body(json, object)?,
            _ => Body::Record { fields: Vec::new(), error },
        };
        let record = matches!(body, Body::Record { .. });
        let id = self.add(Kind::Named(Box::new(Named { name: name.clone(), doc, aliases, body })));
        self.define(id)?;
        if record {
            // The name is known inside its own fields.
            let fields = self.fields(json, object, &name, depth)?;
            if let Some(Node { kind: Kind::Named(named), .. }) = self.schema.nodes.get_mut(id as usize) {
                named.body = Body::Record { fields, error };
            }
        }
        Ok(id)
    }

    /// Aliases without dots stand in the namespace of the type they rename.
    fn read_aliases(&mut self, list: &[String], of: &Name) -> Result<Vec<Name>, SchemaError> {
        let space = of.space.as_deref();
        let read = |alias: &String| {
            self.name_bytes.spend([alias.len(), space.map_or(0, str::len)])?;
            Name::read(alias, space, Strictness::Stored)
        };
        list.iter().map(read).collect()
    }

    fn define(&mut self, id: NodeId) -> Result<(), SchemaError> {
        let Kind::Named(named) = &self.schema.node(id).kind else { return Ok(()) };
        let full = named.name.full();
        if named.name.space.is_none() && Primitive::of_name(&full).is_some() {
            return Err(SchemaError::new(format!("Schemas may not be named after primitives: {full}")));
        }
        match self.names.get(&full) {
            Some(old) if *old as usize >= self.from_references => {
                Err(SchemaError::new(format!("Can't redefine: {full}")))
            }
            Some(_) => Ok(()),
            None => {
                self.names.insert(full, id);
                Ok(())
            }
        }
    }

    /// A type that a reference brought may be written out again if it is the same: the text of an earlier registration
    /// inlines types nested in its references.
    fn settle_redefinition(&mut self, id: NodeId) -> Result<(), SchemaError> {
        let Kind::Named(named) = &self.schema.node(id).kind else { return Ok(()) };
        let full = named.name.full();
        match self.names.get(&full) {
            Some(old) if *old != id => {
                let (old, new) = (print::of_node(&self.schema, *old)?, print::of_node(&self.schema, id)?);
                // What many types have in common is printed with each of them.
                self.printed = self.printed.saturating_add(old.len() + new.len());
                if self.printed > SCHEMA_PRINT_BYTES_MAX {
                    return Err(SchemaError::new("the types written out again are too large together"));
                }
                if old != new {
                    return Err(SchemaError::new(format!("Can't redefine: {full}")));
                }
                self.names.insert(full, id);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn enum_body(&mut self, json: &Json, object: &Object) -> Result<Body, SchemaError> {
        let list = object
            .get("symbols")
            .and_then(Json::as_array)
            .ok_or_else(|| missing("Enum has no symbols", json))?;
        let mut symbols = Vec::with_capacity(list.len());
        let mut seen = std::collections::BTreeSet::new();
        for symbol in list {
            let symbol = symbol.as_str().ok_or_else(|| SchemaError::new("Null name"))?;
            name::validate(symbol)?;
            if !seen.insert(symbol) {
                return Err(SchemaError::new(format!("Duplicate enum symbol: {symbol}")));
            }
            symbols.push(symbol.to_owned());
        }
        let default = object.get("default").and_then(Json::as_str).map(str::to_owned);
        if let Some(default) = &default
            && !seen.contains(default.as_str())
        {
            return Err(SchemaError::new(format!(
                "The Enum Default: {default} is not in the enum symbol set: [{}]",
                symbols.join(", ")
            )));
        }
        Ok(Body::Enum { symbols, default })
    }

    fn fields(
        &mut self,
        json: &Json,
        object: &Object,
        record: &Name,
        depth: usize,
    ) -> Result<Vec<Field>, SchemaError> {
        let list = object
            .get("fields")
            .and_then(Json::as_array)
            .ok_or_else(|| missing("Record has no fields", json))?;
        let mut fields: Vec<Field> = Vec::with_capacity(list.len());
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for json in list {
            let field = self.field(json, record.space.as_deref(), depth)?;
            if let Some(earlier) = seen.insert(field.name.clone(), fields.len()) {
                let old = fields.get(earlier).map(|f| self.describe(f, earlier)).unwrap_or_default();
                let new = self.describe(&field, fields.len());
                return Err(SchemaError::new(format!(
                    "Duplicate field {} in record {}: {new} and {old}.",
                    field.name,
                    record.full()
                )));
            }
            fields.push(field);
        }
        Ok(fields)
    }

    fn describe(&self, field: &Field, position: usize) -> String {
        let word = self.schema.type_name(field.schema).to_uppercase();
        format!("{} type:{word} pos:{position}", field.name)
    }

    fn field(&mut self, json: &Json, space: Option<&str>, depth: usize) -> Result<Field, SchemaError> {
        let Json::Object(object) = json else { return Err(missing("No field name", json)) };
        let name = text_member(object, "name").ok_or_else(|| missing("No field name", json))?.to_owned();
        let type_json = object.get("type").ok_or_else(|| missing("No field type", json))?;
        if let Json::String(word) = type_json
            && Primitive::of_name(word).is_none()
            && self.lookup(word, space)?.is_none()
        {
            return Err(SchemaError::new(format!(
                "{} is not a defined name. The type of the \"{name}\" field must be a defined name or a \
                 {{\"type\": ...}} expression.",
                type_json.to_text()
            )));
        }
        let schema = self.schema(type_json, space, depth)?;
        name::validate(&name)?;
        Ok(Field {
            doc: text_member(object, "doc").map(str::to_owned),
            default: object.get("default").map(|value| self.default_value(schema, value)).transpose()?,
            order: order(object)?,
            aliases: aliases(object)?.unwrap_or_default(),
            props: object
                .iter()
                .filter(|(key, _)| !FIELD_RESERVED.contains(key))
                .map(|(key, value)| (key.to_owned(), value.clone()))
                .collect(),
            name,
            schema,
        })
    }

    /// A floating-point default may be written as text, which is how NaN and infinities are written.
    fn default_value(&self, schema: NodeId, value: &Json) -> Result<Json, SchemaError> {
        let floating =
            matches!(self.schema.node(schema).kind, Kind::Primitive(Primitive::Float | Primitive::Double));
        match value {
            Json::String(text) if floating => default::number_of_text(text),
            value => Ok(value.clone()),
        }
    }
}

fn undefined(json: &Json) -> SchemaError {
    SchemaError::new(format!("Undefined name: {}", json.to_text()))
}

fn missing(what: &str, json: &Json) -> SchemaError {
    SchemaError::new(format!("{what}: {}", json.to_text()))
}

fn text_member<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Json::as_str)
}

fn fixed_body(json: &Json, object: &Object) -> Result<Body, SchemaError> {
    let size = object.get("size").and_then(Json::as_number).and_then(Number::as_i64);
    match size.map(i32::try_from) {
        Some(Ok(size)) => match u32::try_from(size) {
            Ok(size) => Ok(Body::Fixed { size }),
            Err(_) => Err(SchemaError::new(format!("Invalid fixed size: {size}"))),
        },
        _ => Err(missing("Invalid or no size", json)),
    }
}

fn order(object: &Object) -> Result<Order, SchemaError> {
    let Some(given) = object.get("order") else { return Ok(Order::Ascending) };
    let word = given.as_str().unwrap_or_default();
    Ok(match word.to_ascii_uppercase().as_str() {
        "ASCENDING" => Order::Ascending,
        "DESCENDING" => Order::Descending,
        "IGNORE" => Order::Ignore,
        upper => {
            return Err(SchemaError::new(format!(
                "No enum constant org.apache.avro.Schema.Field.Order.{upper}"
            )));
        }
    })
}

fn aliases(object: &Object) -> Result<Option<Vec<String>>, SchemaError> {
    let Some(given) = object.get("aliases") else { return Ok(None) };
    let list = given.as_array().ok_or_else(|| missing("aliases not an array", given))?;
    let mut names: Vec<String> = Vec::with_capacity(list.len());
    let mut seen = std::collections::BTreeSet::new();
    for alias in list {
        let alias = alias.as_str().ok_or_else(|| missing("alias not a string", alias))?;
        if seen.insert(alias) {
            names.push(alias.to_owned());
        }
    }
    Ok(Some(names))
}
