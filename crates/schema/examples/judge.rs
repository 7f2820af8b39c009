//! Judges schemas line by line, for comparing with other registries: reads JSON commands, prints JSON answers.
//!
//! `{"schema": TEXT, "references": [TEXT…]}` prints the canonical forms; with `"writer": TEXT` it prints the differences
//! that keep `schema` from reading it.

use std::io::{BufRead, Write};

use schema::avro::{AvroSchema, Strictness};
use schema::json::{Json, escape_into, parse};
use schema::jsonschema::{JsonSchema, Policy};
use schema::protobuf::ProtobufSchema;
use schema::{Metadata, Reference, RuleSet};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = parse(&line?).map_or_else(|e| vec![("error", quoted(&e.to_string()))], |c| judge(&c));
        let members: Vec<String> = answer.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        writeln!(out, "{{{}}}", members.join(","))?;
    }
    Ok(())
}

type Answer = Vec<(&'static str, String)>;

fn judge(command: &Json) -> Answer {
    let judged = match command.get("type").and_then(Json::as_str) {
        Some("JSON") => json_schema(command),
        Some("PROTOBUF") => protobuf(command),
        Some("GUID") => identity(command),
        _ => avro(command),
    };
    judged.unwrap_or_else(|error| vec![("error", quoted(error.reason()))])
}

fn avro(command: &Json) -> Result<Answer, schema::SchemaError> {
    let references: Vec<&str> = command
        .get("references")
        .and_then(Json::as_array)
        .unwrap_or_default()
        .iter()
        .filter_map(Json::as_str)
        .collect();
    let text = |key: &str| command.get(key).and_then(Json::as_str);
    let schema = AvroSchema::parse(text("schema").unwrap_or_default(), &references, Strictness::New)?;
    let Some(writer) = text("writer") else {
        return Ok(vec![
            ("canonical", quoted(&schema.canonical()?)),
            ("normalized", quoted(&schema.normalized()?.canonical()?)),
            ("pcf", quoted(&schema.parsing_canonical_form()?)),
        ]);
    };
    let writer = AvroSchema::parse(writer, &references, Strictness::New)?;
    let rows: Result<Vec<String>, _> = schema.read_differences(&writer).map(|differences| {
        let row = |d: &schema::avro::AvroDifference| {
            format!("[{},{},{}]", quoted(d.kind.name()), quoted(&d.path), quoted(&d.detail))
        };
        differences.iter().map(row).collect()
    });
    Ok(match rows {
        Ok(rows) => vec![("differences", format!("[{}]", rows.join(",")))],
        Err(error) => vec![("differences", "[]".to_owned()), ("exception", quoted(error.reason()))],
    })
}

fn json_schema(command: &Json) -> Result<Answer, schema::SchemaError> {
    let references = |key: &str| -> Vec<(&str, &str)> {
        let members = command.get(key).and_then(Json::as_object);
        members.into_iter().flat_map(|o| o.iter()).filter_map(|(k, v)| Some((k, v.as_str()?))).collect()
    };
    let text = |key: &str| command.get(key).and_then(Json::as_str);
    let schema = JsonSchema::parse(text("schema").unwrap_or_default(), &references("schema_refs"))?;
    let Some(original) = text("writer") else {
        return Ok(vec![
            ("canonical", quoted(&schema.canonical())),
            ("normalized", quoted(&schema.normalized())),
        ]);
    };
    let original = JsonSchema::parse(original, &references("writer_refs"))?;
    let lenient = command.get("lenient").and_then(Json::as_bool) == Some(true);
    let policy = if lenient { Policy::Lenient } else { Policy::Strict };
    let differences = schema.differences(&original, policy)?;
    let rows: Vec<String> =
        differences.iter().map(|d| format!("[{},{}]", quoted(d.kind.name()), quoted(&d.path))).collect();
    let compatible = differences.iter().all(|d| d.kind.is_compatible(policy));
    Ok(vec![("differences", format!("[{}]", rows.join(","))), ("compatible", compatible.to_string())])
}

fn protobuf(command: &Json) -> Result<Answer, schema::SchemaError> {
    let parsed = |key: &str| {
        let names = command.get(&format!("{key}_refs")).and_then(Json::as_object);
        let versions = command.get(&format!("{key}_versions")).and_then(Json::as_object);
        let source = |name: &str| {
            let given = versions?.get(name)?.as_array()?;
            Some((given.first()?.as_str()?.to_owned(), given.get(1)?.as_number()?.as_i64()? as i32))
        };
        let references: Vec<_> = names
            .into_iter()
            .flat_map(|object| object.iter())
            .filter_map(|(name, text)| Some((name, text.as_str()?, source(name))))
            .collect();
        ProtobufSchema::parse(command.get(key).and_then(Json::as_str).unwrap_or_default(), &references)
    };
    let schema = parsed("schema")?;
    if command.get("writer").is_none() {
        let normalized = schema.normalized().and_then(|n| n.canonical());
        return Ok(vec![
            ("canonical", quoted(&schema.canonical()?)),
            match normalized {
                Ok(text) => ("normalized", quoted(&text)),
                Err(error) => ("normalized_error", quoted(error.reason())),
            },
        ]);
    }
    let differences = schema.differences(&parsed("writer")?)?;
    let rows: Vec<String> =
        differences.iter().map(|d| format!("[{},{}]", quoted(d.kind.name()), quoted(&d.path))).collect();
    let compatible = differences.iter().all(|d| d.kind.is_compatible());
    Ok(vec![("differences", format!("[{}]", rows.join(","))), ("compatible", compatible.to_string())])
}

/// The identity of a text with references, metadata and rules.
fn identity(command: &Json) -> Result<Answer, schema::SchemaError> {
    let text = |json: &Json, key: &str| json.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    let references: Vec<Reference> = command
        .get("references")
        .and_then(Json::as_array)
        .unwrap_or_default()
        .iter()
        .map(|r| Reference {
            name: text(r, "name"),
            subject: text(r, "subject"),
            version: r.get("version").and_then(Json::as_number).and_then(|n| n.as_i64()).unwrap_or(0) as i32,
        })
        .collect();
    let metadata = command.get("metadata").map(Metadata::read).transpose()?;
    let rules = command.get("rules").map(RuleSet::read).transpose()?;
    let id = schema::guid(&text(command, "schema"), &references, metadata.as_ref(), rules.as_ref());
    Ok(vec![("guid", quoted(&id.to_string()))])
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    escape_into(text, &mut out);
    out
}
