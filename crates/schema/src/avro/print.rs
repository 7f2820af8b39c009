//! The text that Java's `Schema.toString` prints, byte for byte: the hash of it is the schema's identity.

use std::collections::BTreeSet;

use base::limits::{SCHEMA_DEPTH_MAX, SCHEMA_PRINT_BYTES_MAX};

use super::{AvroSchema, Body, Field, Kind, Name, Named, NodeId, Order};
use crate::SchemaError;
use crate::json::{Json, Spelling, escape_into};

/// Prints the whole schema; references are names unless `resolved`.
pub(super) fn print(schema: &AvroSchema, resolved: bool) -> Result<String, SchemaError> {
    let mut known = BTreeSet::new();
    if !resolved {
        for id in &schema.external {
            if let Kind::Named(named) = &schema.node(*id).kind {
                known.insert(named.name.full());
            }
        }
    }
    Printer { schema, known, out: String::new(), depth: 0 }.finish(schema.root)
}

/// Prints one type on its own, everything inlined.
pub(super) fn of_node(schema: &AvroSchema, id: NodeId) -> Result<String, SchemaError> {
    Printer { schema, known: BTreeSet::new(), out: String::new(), depth: 0 }.finish(id)
}

struct Printer<'a> {
    schema: &'a AvroSchema,
    /// Names already written out, or brought by references.
    known: BTreeSet<String>,
    out: String,
    /// Types around the one being printed. Types inlined by name nest deeper than the text that was parsed.
    depth: usize,
}

impl<'a> Printer<'a> {
    fn finish(mut self, id: NodeId) -> Result<String, SchemaError> {
        self.node(id, None)?;
        Ok(self.out)
    }

    fn node(&mut self, id: NodeId, space: Option<&str>) -> Result<(), SchemaError> {
        if self.out.len() > SCHEMA_PRINT_BYTES_MAX || self.depth >= SCHEMA_DEPTH_MAX {
            return Err(SchemaError::new("Schema too large or too deep when printed"));
        }
        self.depth += 1;
        let printed = self.type_of(id, space);
        self.depth -= 1;
        printed
    }

    fn type_of(&mut self, id: NodeId, space: Option<&str>) -> Result<(), SchemaError> {
        let node = self.schema.node(id);
        match &node.kind {
            Kind::Primitive(primitive) if node.props.is_empty() => {
                escape_into(primitive.name(), &mut self.out)
            }
            Kind::Primitive(primitive) => {
                self.out.push_str("{\"type\":");
                escape_into(primitive.name(), &mut self.out);
                self.props(&node.props);
                self.out.push('}');
            }
            Kind::Array(inner) => self.container("array", "items", *inner, &node.props, space)?,
            Kind::Map(inner) => self.container("map", "values", *inner, &node.props, space)?,
            Kind::Union(branches) => {
                self.out.push('[');
                for (i, branch) in branches.iter().enumerate() {
                    if i > 0 {
                        self.out.push(',');
                    }
                    self.node(*branch, space)?;
                }
                self.out.push(']');
            }
            Kind::Named(named) => self.named(named, &node.props, space)?,
        }
        Ok(())
    }

    fn container(
        &mut self,
        word: &str,
        part: &str,
        inner: NodeId,
        props: &[(String, Json)],
        space: Option<&str>,
    ) -> Result<(), SchemaError> {
        self.out.push_str("{\"type\":\"");
        self.out.push_str(word);
        self.out.push_str("\",\"");
        self.out.push_str(part);
        self.out.push_str("\":");
        self.node(inner, space)?;
        self.props(props);
        self.out.push('}');
        Ok(())
    }

    fn named(
        &mut self,
        named: &'a Named,
        props: &[(String, Json)],
        space: Option<&str>,
    ) -> Result<(), SchemaError> {
        let full = named.name.full();
        if self.known.contains(&full) {
            escape_into(&named.name.qualified(space), &mut self.out);
            return Ok(());
        }
        self.known.insert(full);
        self.out.push_str("{\"type\":\"");
        self.out.push_str(match &named.body {
            Body::Record { error: true, .. } => "error",
            Body::Record { .. } => "record",
            Body::Enum { .. } => "enum",
            Body::Fixed { .. } => "fixed",
        });
        self.out.push('"');
        self.name(&named.name, space);
        if let Some(doc) = &named.doc {
            self.text_member("doc", doc);
        }
        self.body(named)?;
        self.props(props);
        self.list("aliases", named.aliases.iter().map(|alias| alias.qualified(named.name.space.as_deref())));
        self.out.push('}');
        Ok(())
    }

    fn name(&mut self, name: &Name, space: Option<&str>) {
        self.text_member("name", &name.name);
        match name.space.as_deref() {
            Some(own) if Some(own) != space => self.text_member("namespace", own),
            None if space.is_some() => self.text_member("namespace", ""),
            _ => {}
        }
    }

    fn body(&mut self, named: &'a Named) -> Result<(), SchemaError> {
        match &named.body {
            Body::Record { fields, .. } => {
                self.out.push_str(",\"fields\":[");
                for (i, field) in fields.iter().enumerate() {
                    if i > 0 {
                        self.out.push(',');
                    }
                    self.field(field, named.name.space.as_deref())?;
                }
                self.out.push(']');
            }
            Body::Enum { symbols, default } => {
                self.out.push_str(",\"symbols\":[");
                self.comma_separated(symbols.iter().map(String::as_str));
                self.out.push(']');
                if let Some(default) = default {
                    self.text_member("default", default);
                }
            }
            Body::Fixed { size } => {
                self.out.push_str(",\"size\":");
                self.out.push_str(&size.to_string());
            }
        }
        Ok(())
    }

    fn field(&mut self, field: &'a Field, space: Option<&str>) -> Result<(), SchemaError> {
        self.out.push_str("{\"name\":");
        escape_into(&field.name, &mut self.out);
        self.out.push_str(",\"type\":");
        self.node(field.schema, space)?;
        if let Some(doc) = &field.doc {
            self.text_member("doc", doc);
        }
        if let Some(default) = &field.default {
            self.out.push_str(",\"default\":");
            default.print(&mut self.out, Spelling::Double);
        }
        match field.order {
            Order::Ascending => {}
            Order::Descending => self.text_member("order", "descending"),
            Order::Ignore => self.text_member("order", "ignore"),
        }
        self.list("aliases", field.aliases.iter().cloned());
        self.props(&field.props);
        self.out.push('}');
        Ok(())
    }

    fn text_member(&mut self, key: &str, text: &str) {
        self.out.push_str(",\"");
        self.out.push_str(key);
        self.out.push_str("\":");
        escape_into(text, &mut self.out);
    }

    fn list(&mut self, key: &str, texts: impl ExactSizeIterator<Item = String>) {
        if texts.len() == 0 {
            return;
        }
        self.out.push_str(",\"");
        self.out.push_str(key);
        self.out.push_str("\":[");
        let texts: Vec<String> = texts.collect();
        self.comma_separated(texts.iter().map(String::as_str));
        self.out.push(']');
    }

    fn comma_separated<'t>(&mut self, texts: impl Iterator<Item = &'t str>) {
        for (i, text) in texts.enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            escape_into(text, &mut self.out);
        }
    }

    fn props(&mut self, props: &[(String, Json)]) {
        for (key, value) in props {
            self.out.push(',');
            escape_into(key, &mut self.out);
            self.out.push(':');
            value.print(&mut self.out, Spelling::Double);
        }
    }
}
