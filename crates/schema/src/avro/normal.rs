//! The normalized form: custom properties and aliases sorted, logical types first, empty docs dropped.

use super::{AvroSchema, Body, Kind, Node, Primitive, default, sort_java};
use crate::SchemaError;
use crate::json::{Json, utf16_order};

/// The same schema with everything whose order or spelling carries no meaning put in one order.
pub(super) fn normalize(schema: &AvroSchema) -> Result<AvroSchema, SchemaError> {
    let mut out = schema.clone();
    for (id, node) in out.nodes.iter_mut().enumerate() {
        node.props = props(schema.node(id as u32));
        let Kind::Named(named) = &mut node.kind else { continue };
        named.doc = named.doc.take().filter(|doc| !doc.is_empty());
        named.aliases.sort_by(|a, b| utf16_order(&a.full(), &b.full()));
        let Body::Record { fields, error } = &mut named.body else { continue };
        *error = false;
        for field in fields {
            sort_java(&mut field.aliases);
            field.props = sorted(&field.props);
            field.default =
                field.default.as_ref().map(|value| default::normalized(schema, field.schema, value));
        }
    }
    Ok(out)
}

fn sorted(props: &[(String, Json)]) -> Vec<(String, Json)> {
    let mut props: Vec<_> = props.iter().map(|(key, value)| (key.clone(), value.sorted())).collect();
    props.sort_by(|a, b| utf16_order(&a.0, &b.0));
    props
}

/// A logical type that applies to its type comes first, with what belongs to it.
fn props(node: &Node) -> Vec<(String, Json)> {
    let mut props = sorted(&node.props);
    if matches!(node.kind, Kind::Union(_)) || !applies(node) {
        return props;
    }
    let decimal = text(node, "logicalType") == Some("decimal");
    let rank = |key: &str| match key {
        "logicalType" => 0,
        "precision" if decimal => 1,
        "scale" if decimal && integer(node, "scale") != Some(0) => 2,
        _ => 3,
    };
    props.sort_by_key(|(key, _)| rank(key));
    props
}

fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.props.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.as_str())
}

fn integer(node: &Node, key: &str) -> Option<i64> {
    node.props.iter().find(|(name, _)| name == key)?.1.as_number()?.as_i64()
}

/// Whether the type has a logical type that Java's library knows and finds valid there.
fn applies(node: &Node) -> bool {
    let Some(logical) = text(node, "logicalType") else { return false };
    let fixed = match &node.kind {
        Kind::Named(named) => match named.body {
            Body::Fixed { size } => Some(size),
            _ => None,
        },
        _ => None,
    };
    let primitive = if let Kind::Primitive(primitive) = node.kind { Some(primitive) } else { None };
    match logical {
        "decimal" => {
            (fixed.is_some() || primitive == Some(Primitive::Bytes)) && decimal_is_valid(node, fixed)
        }
        "uuid" => primitive == Some(Primitive::String) || fixed == Some(16),
        "duration" => fixed == Some(12),
        "date" | "time-millis" => primitive == Some(Primitive::Int),
        "time-micros"
        | "timestamp-millis"
        | "timestamp-micros"
        | "timestamp-nanos"
        | "local-timestamp-millis"
        | "local-timestamp-micros"
        | "local-timestamp-nanos" => primitive == Some(Primitive::Long),
        _ => false,
    }
}

fn decimal_is_valid(node: &Node, fixed: Option<u32>) -> bool {
    let Some(precision) = integer(node, "precision") else { return false };
    let scale = integer(node, "scale").unwrap_or(0);
    let max = match fixed {
        None => i64::from(i32::MAX),
        Some(0) => 0,
        // floor(log10(2^(8n-1) - 1))
        Some(size) => ((8.0 * f64::from(size) - 1.0) * core::f64::consts::LOG10_2).floor() as i64,
    };
    precision > 0 && precision <= max && scale >= 0 && scale <= precision
}
