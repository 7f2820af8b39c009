//! From the model to a compiled `FileDescriptorProto`. Custom options go along uninterpreted.

use super::ProtobufSchema;
use super::descriptor::{
    CONSTANT_OPTIONS, DEPRECATED_33, ENUM_OPTIONS, FIELD_OPTIONS, FILE_OPTIONS, Form, MESSAGE_OPTIONS,
    METHOD_OPTIONS, SCALARS, json_name,
};
use super::model::{
    Enum, Extend, Field, Label, Message, OptionElement, OptionValue, Service, Span, Syntax, TypeElement,
};
use super::print::TAG_MAX;
use super::scope::{Scope, joined, map_parts};
use super::wire::{base64, put_bytes, put_int};
use crate::SchemaError;

/// The file as base64.
pub(super) fn file(schema: &ProtobufSchema, name: &str) -> Result<String, SchemaError> {
    let scope = Scope::new(schema);
    let encoder = Encoder { proto3: schema.file.syntax == Some(Syntax::Proto3), scope: &scope };
    let file = &schema.file;
    let prefix = scope.package().to_owned();
    let mut out = Vec::new();
    put_bytes(&mut out, 1, name.as_bytes());
    if let Some(package) = &file.package {
        put_bytes(&mut out, 2, package.as_bytes());
    }
    let imports = file.imports.iter().chain(&file.public_imports);
    imports.for_each(|import| put_bytes(&mut out, 3, import.as_bytes()));
    for index in 0..file.public_imports.len() {
        put_int(&mut out, 10, (file.imports.len() + index) as i64);
    }
    for element in &file.types {
        match element {
            TypeElement::Message(message) => put_bytes(&mut out, 4, &encoder.message(message, &prefix)?),
            TypeElement::Enum(element) => put_bytes(&mut out, 5, &enumeration(element)),
        }
    }
    for service in &file.services {
        put_bytes(&mut out, 6, &encoder.service(service, &prefix)?);
    }
    encoder.extensions(&file.extends, &prefix, 7, &mut out)?;
    put_options(&mut out, 8, &file.options, FILE_OPTIONS);
    if encoder.proto3 {
        put_bytes(&mut out, 12, b"proto3");
    }
    Ok(base64(&out))
}

struct Encoder<'a> {
    proto3: bool,
    scope: &'a Scope<'a>,
}

type Encoded = Result<Vec<u8>, SchemaError>;

impl Encoder<'_> {
    fn message(&self, message: &Message, prefix: &str) -> Encoded {
        let inner = joined(prefix, &message.name);
        let mut out = Vec::new();
        put_bytes(&mut out, 1, message.name.as_bytes());
        let mut entries = Vec::new();
        // proto3's `optional` fields stand in oneofs of their own, after all the others.
        let mut synthetic = Vec::new();
        for field in &message.fields {
            let mut oneof = None;
            if self.proto3 && field.label == Some(Label::Optional) {
                oneof = Some((message.oneofs.len() + synthetic.len(), true));
                synthetic.push(format!("_{}", field.name));
            }
            put_bytes(&mut out, 2, &self.field(field, &inner, oneof, &mut entries)?);
        }
        for (index, oneof) in message.oneofs.iter().enumerate() {
            for field in &oneof.fields {
                put_bytes(&mut out, 2, &self.field(field, &inner, Some((index, false)), &mut entries)?);
            }
        }
        for element in &message.nested {
            match element {
                TypeElement::Message(nested) => put_bytes(&mut out, 3, &self.message(nested, &inner)?),
                TypeElement::Enum(element) => put_bytes(&mut out, 4, &enumeration(element)),
            }
        }
        entries.iter().for_each(|entry| put_bytes(&mut out, 3, entry));
        for span in message.extensions.iter().flat_map(|extensions| &extensions.spans) {
            put_range(&mut out, 5, span, 1);
        }
        self.extensions(&message.extends, &inner, 6, &mut out)?;
        put_options(&mut out, 7, &message.options, MESSAGE_OPTIONS);
        for name in message.oneofs.iter().map(|oneof| &oneof.name).chain(&synthetic) {
            let mut declared = Vec::new();
            put_bytes(&mut declared, 1, name.as_bytes());
            put_bytes(&mut out, 8, &declared);
        }
        for span in message.reserved.iter().flat_map(|reserved| &reserved.0) {
            match span {
                Span::Name(name) => put_bytes(&mut out, 10, name.as_bytes()),
                span => put_range(&mut out, 9, span, 1),
            }
        }
        Ok(out)
    }

    /// `oneof`: its index, and whether proto3's `optional` made it.
    fn field(
        &self,
        field: &Field,
        prefix: &str,
        oneof: Option<(usize, bool)>,
        entries: &mut Vec<Vec<u8>>,
    ) -> Encoded {
        let mut out = Vec::new();
        put_bytes(&mut out, 1, field.name.as_bytes());
        put_int(&mut out, 3, i64::from(field.tag));
        let map = map_parts(&field.kind);
        let label = match field.label {
            _ if map.is_some() => 3,
            Some(Label::Repeated) => 3,
            Some(Label::Required) => 2,
            _ => 1,
        };
        put_int(&mut out, 4, label);
        if let Some((key, value)) = map {
            let name = entry_name(&field.name);
            put_int(&mut out, 5, 11);
            put_bytes(&mut out, 6, format!(".{prefix}.{name}").as_bytes());
            entries.push(self.map_entry(&name, key, value, prefix)?);
        } else {
            self.kind(&field.kind, prefix, &mut out)?;
        }
        if let Some(default) = &field.default {
            put_bytes(&mut out, 7, default.as_bytes());
        }
        put_options(&mut out, 8, &field.options, FIELD_OPTIONS);
        if let Some((index, _)) = oneof {
            put_int(&mut out, 9, index as i64);
        }
        let json = field.json_name.clone().unwrap_or_else(|| json_name(&field.name));
        put_bytes(&mut out, 10, json.as_bytes());
        if let Some((_, true)) = oneof {
            put_int(&mut out, 17, 1);
        }
        Ok(out)
    }

    fn kind(&self, kind: &str, prefix: &str, out: &mut Vec<u8>) -> Result<(), SchemaError> {
        if let Some((number, _)) = SCALARS.iter().find(|(_, word)| *word == kind) {
            put_int(out, 5, i64::from(*number));
            return Ok(());
        }
        let unresolved = || SchemaError::new(format!("Could not resolve type: {kind}"));
        let full = self.scope.resolve(kind, prefix).ok_or_else(unresolved)?;
        let is_enum = self.scope.get(&full).is_some_and(|info| info.is_enum);
        put_int(out, 5, if is_enum { 14 } else { 11 });
        put_bytes(out, 6, format!(".{full}").as_bytes());
        Ok(())
    }

    fn map_entry(&self, name: &str, key: &str, value: &str, prefix: &str) -> Encoded {
        let mut out = Vec::new();
        put_bytes(&mut out, 1, name.as_bytes());
        for (tag, name, kind) in [(1, "key", key), (2, "value", value)] {
            let mut field = Vec::new();
            put_bytes(&mut field, 1, name.as_bytes());
            put_int(&mut field, 3, tag);
            put_int(&mut field, 4, 1);
            self.kind(kind, prefix, &mut field)?;
            put_bytes(&mut field, 10, name.as_bytes());
            put_bytes(&mut out, 2, &field);
        }
        let mut options = Vec::new();
        put_int(&mut options, 7, 1);
        put_bytes(&mut out, 7, &options);
        Ok(out)
    }

    fn extensions(
        &self,
        extends: &[Extend],
        prefix: &str,
        number: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), SchemaError> {
        for extend in extends {
            let extendee = self.scope.resolve(&extend.name, prefix).unwrap_or_else(|| extend.name.clone());
            for field in &extend.fields {
                let mut encoded = self.field(field, prefix, None, &mut Vec::new())?;
                put_bytes(&mut encoded, 2, format!(".{extendee}").as_bytes());
                put_bytes(out, number, &encoded);
            }
        }
        Ok(())
    }

    fn service(&self, service: &Service, prefix: &str) -> Encoded {
        let mut out = Vec::new();
        put_bytes(&mut out, 1, service.name.as_bytes());
        for rpc in &service.rpcs {
            let mut method = Vec::new();
            put_bytes(&mut method, 1, rpc.name.as_bytes());
            for (number, kind) in [(2, &rpc.request), (3, &rpc.response)] {
                let unresolved = || SchemaError::new(format!("Could not resolve type: {kind}"));
                let full = self.scope.resolve(kind, prefix).ok_or_else(unresolved)?;
                put_bytes(&mut method, number, format!(".{full}").as_bytes());
            }
            put_options(&mut method, 4, &rpc.options, METHOD_OPTIONS);
            for (number, streams) in [(5, rpc.request_streams), (6, rpc.response_streams)] {
                if streams {
                    put_int(&mut method, number, 1);
                }
            }
            put_bytes(&mut out, 2, &method);
        }
        put_options(&mut out, 3, &service.options, DEPRECATED_33);
        Ok(out)
    }
}

/// `field_name` → `FieldNameEntry`.
fn entry_name(field: &str) -> String {
    let camel = json_name(field);
    let mut chars = camel.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).chain("Entry".chars()).collect()
}

fn enumeration(element: &Enum) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, 1, element.name.as_bytes());
    for constant in &element.constants {
        let mut value = Vec::new();
        put_bytes(&mut value, 1, constant.name.as_bytes());
        put_int(&mut value, 2, i64::from(constant.tag));
        put_options(&mut value, 3, &constant.options, CONSTANT_OPTIONS);
        put_bytes(&mut out, 2, &value);
    }
    put_options(&mut out, 3, &element.options, ENUM_OPTIONS);
    for span in element.reserved.iter().flat_map(|reserved| &reserved.0) {
        match span {
            Span::Name(name) => put_bytes(&mut out, 5, name.as_bytes()),
            span => put_range(&mut out, 4, span, 0),
        }
    }
    out
}

/// A range whose end is written `beyond` past the last number.
fn put_range(out: &mut Vec<u8>, number: u32, span: &Span, beyond: i64) {
    let (start, end) = match span {
        Span::One(one) => (*one, *one),
        Span::Range(start, end) if beyond == 1 => (*start, (*end).min(TAG_MAX)),
        Span::Range(start, end) => (*start, *end),
        Span::Name(_) => return,
    };
    let mut range = Vec::new();
    put_int(&mut range, 1, i64::from(start));
    put_int(&mut range, 2, i64::from(end) + beyond);
    put_bytes(out, number, &range);
}

fn put_options(out: &mut Vec<u8>, number: u32, options: &[OptionElement], known: &[(u32, &str, Form)]) {
    if options.is_empty() {
        return;
    }
    let mut encoded = Vec::new();
    for option in options {
        let form = known.iter().find(|(_, name, _)| *name == option.name && !option.parenthesized);
        match (form, &option.value) {
            (Some((number, _, Form::Text)), OptionValue::Text(text)) => {
                put_bytes(&mut encoded, *number, text.as_bytes());
            }
            (Some((number, _, Form::Bool)), OptionValue::Word(_, word)) => {
                put_int(&mut encoded, *number, i64::from(word == "true"));
            }
            (Some((number, _, Form::Enum(names))), OptionValue::Word(_, word)) => {
                let value = names.iter().find(|(_, name)| name == word).map_or(0, |(value, _)| *value);
                put_int(&mut encoded, *number, i64::from(value));
            }
            _ => put_bytes(&mut encoded, 999, &uninterpreted(option)),
        }
    }
    put_bytes(out, number, &encoded);
}

/// `UninterpretedOption`: names in 2, then identifier 3, integers 4 and 5, double 6, string 7, text format 8.
fn uninterpreted(option: &OptionElement) -> Vec<u8> {
    let mut out = Vec::new();
    let parts =
        core::iter::once((&option.name, option.parenthesized)).chain(option.path.iter().map(|p| (p, false)));
    for (name, extension) in parts {
        let mut part = Vec::new();
        put_bytes(&mut part, 1, name.as_bytes());
        put_int(&mut part, 2, i64::from(extension));
        put_bytes(&mut out, 2, &part);
    }
    match &option.value {
        OptionValue::Text(text) => put_bytes(&mut out, 7, text.as_bytes()),
        OptionValue::Word(_, word) => match (word.parse::<i64>(), word.parse::<f64>()) {
            (Ok(n), _) if n >= 0 => put_int(&mut out, 4, n),
            (Ok(n), _) => put_int(&mut out, 5, n),
            (_, Ok(n)) if !word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                super::wire::put_varint(&mut out, 6 << 3 | 1);
                out.extend_from_slice(&n.to_le_bytes());
            }
            _ => put_bytes(&mut out, 3, word.as_bytes()),
        },
        value => put_bytes(&mut out, 8, aggregate(value).as_bytes()),
    }
    out
}

fn aggregate(value: &OptionValue) -> String {
    match value {
        OptionValue::Text(text) => format!("{text:?}"),
        OptionValue::Word(_, word) => word.clone(),
        OptionValue::Map(entries) => {
            let parts: Vec<String> = entries
                .iter()
                .map(|(key, value)| match value {
                    OptionValue::Map(_) => format!("{key} {{ {} }}", aggregate(value)),
                    value => format!("{key}: {}", aggregate(value)),
                })
                .collect();
            parts.join(" ")
        }
        OptionValue::List(list) => {
            let parts: Vec<String> = list
                .iter()
                .map(|value| match value {
                    OptionValue::Map(_) => format!("{{ {} }}", aggregate(value)),
                    value => aggregate(value),
                })
                .collect();
            format!("[{}]", parts.join(", "))
        }
    }
}
