//! From a compiled `FileDescriptorProto` to the model, as the registry's text of it reads.

use std::collections::{BTreeMap, BTreeSet};

use base::limits::SCHEMA_DEPTH_MAX;

use super::model::{
    Enum, EnumConstant, Extend, Extensions, Field, Label, Message, OneOf, OptionElement, OptionValue,
    ProtoFile, Reserved, Rpc, Service, Span, Syntax, TypeElement, WordKind,
};
use super::wire::{Value, fields};
use crate::SchemaError;

type Decoded<T> = Result<T, SchemaError>;

/// Decodes a file.
pub(super) fn file(bytes: &[u8]) -> Decoded<ProtoFile> {
    let all = fields(bytes)?;
    let mut out = ProtoFile::default();
    let proto3 = all.iter().any(|(number, value)| *number == 12 && value.bytes() == b"proto3");
    let (mut imports, mut public, mut enums) = (Vec::new(), Vec::new(), Vec::new());
    let mut extensions = Vec::new();
    let mut named = false;
    for (number, value) in all {
        match number {
            1 => named = true,
            2 => out.package = Some(value.text()?),
            3 => imports.push(value.text()?),
            4 => out.types.push(TypeElement::Message(message(value.bytes(), proto3, SCHEMA_DEPTH_MAX)?)),
            5 => enums.push(TypeElement::Enum(enumeration(value.bytes())?)),
            6 => out.services.push(service(value.bytes())?),
            7 => extensions.push(value.bytes()),
            8 => out.options = options(value.bytes(), FILE_OPTIONS)?,
            10 => public.push(value.int()),
            12 => {
                out.syntax = match value.bytes() {
                    b"proto3" => Some(Syntax::Proto3),
                    b"proto2" => Some(Syntax::Proto2),
                    _ => return Err(SchemaError::new("editions are not supported")),
                }
            }
            14 => return Err(SchemaError::new("editions are not supported")),
            _ => {}
        }
    }
    if !named && out.types.is_empty() && enums.is_empty() && out.services.is_empty() {
        return Err(SchemaError::new("not a file descriptor"));
    }
    out.syntax = out.syntax.or(Some(Syntax::Proto2));
    out.types.extend(enums);
    out.extends = extends(&extensions, proto3)?;
    let public: BTreeSet<usize> = public.into_iter().filter_map(|at: i32| usize::try_from(at).ok()).collect();
    for (index, import) in imports.into_iter().enumerate() {
        if public.contains(&index) {
            out.public_imports.push(import);
        } else {
            out.imports.push(import);
        }
    }
    Ok(out)
}

fn message(bytes: &[u8], proto3: bool, depth: usize) -> Decoded<Message> {
    let depth = depth.checked_sub(1).ok_or_else(|| SchemaError::new("nested too deeply"))?;
    let mut out = Message::default();
    let mut enums = Vec::new();
    let mut members: Vec<(Field, Option<i32>, bool)> = Vec::new();
    let (mut ranges, mut names, mut extensions) = (Vec::new(), Vec::new(), Vec::new());
    for (number, value) in fields(bytes)? {
        match number {
            1 => out.name = value.text()?,
            2 => members.push(field(value.bytes(), proto3)?),
            3 => out.nested.push(TypeElement::Message(message(value.bytes(), proto3, depth)?)),
            4 => enums.push(TypeElement::Enum(enumeration(value.bytes())?)),
            5 => {
                out.extensions.push(Extensions { spans: vec![range(value.bytes(), 1)?], options: Vec::new() })
            }
            6 => extensions.push(value.bytes()),
            7 => out.options = options(value.bytes(), MESSAGE_OPTIONS)?,
            8 => out.oneofs.push(oneof(value.bytes())?),
            9 => ranges.push(range(value.bytes(), 1)?),
            10 => names.push(Span::Name(value.text()?)),
            _ => {}
        }
    }
    out.nested.extend(enums);
    out.extends = extends(&extensions, proto3)?;
    out.reserved = ranges.into_iter().chain(names).map(|span| Reserved(vec![span])).collect();
    for (field, oneof, optional) in members {
        // proto3's `optional` is written as a oneof of one, which was not there in the text.
        match oneof.and_then(|at| usize::try_from(at).ok()).filter(|_| !optional) {
            Some(at) => match out.oneofs.get_mut(at) {
                Some(oneof) => oneof.fields.push(Field { label: None, ..field }),
                None => return Err(SchemaError::new("a field of a oneof that is not there")),
            },
            None => out.fields.push(field),
        }
    }
    out.oneofs.retain(|oneof| !oneof.fields.is_empty());
    Ok(out)
}

fn oneof(bytes: &[u8]) -> Decoded<OneOf> {
    let mut out = OneOf::default();
    for (number, value) in fields(bytes)? {
        if number == 1 {
            out.name = value.text()?;
        }
    }
    Ok(out)
}

/// A range whose end is `beyond` past the last number.
fn range(bytes: &[u8], beyond: i32) -> Decoded<Span> {
    let (mut start, mut end) = (0, 0);
    for (number, value) in fields(bytes)? {
        match number {
            1 => start = value.int(),
            2 => end = value.int(),
            _ => {}
        }
    }
    let last = end.saturating_sub(beyond);
    Ok(if last == start { Span::One(start) } else { Span::Range(start, last) })
}

/// The field, the index of its oneof, and whether proto3's `optional` made that oneof.
fn field(bytes: &[u8], proto3: bool) -> Decoded<(Field, Option<i32>, bool)> {
    let mut out = Field::default();
    let (mut kind, mut type_name, mut label, mut oneof, mut optional) = (0, String::new(), 0, None, false);
    for (number, value) in fields(bytes)? {
        match number {
            1 => out.name = value.text()?,
            3 => out.tag = value.int(),
            4 => label = value.int(),
            5 => kind = value.int(),
            6 => type_name = value.text()?,
            7 => out.default = Some(value.text()?),
            8 => out.options = options(value.bytes(), FIELD_OPTIONS)?,
            9 => oneof = Some(value.int()),
            10 => out.json_name = Some(value.text()?),
            17 => optional = value.bool(),
            _ => {}
        }
    }
    out.kind = match scalar(kind) {
        Some(word) => word.to_owned(),
        None if type_name.is_empty() => return Err(SchemaError::new("a field without a type")),
        None => type_name,
    };
    out.label = match label {
        3 => Some(Label::Repeated),
        2 => Some(Label::Required),
        _ if proto3 && !optional => None,
        _ => Some(Label::Optional),
    };
    // Compilers fill in the name in JSON; only another one than that was written.
    if out.json_name.as_deref() == Some(json_name(&out.name).as_str()) {
        out.json_name = None;
    }
    Ok((out, oneof, optional))
}

/// `lowerCamelCase`, as compilers derive it.
pub(super) fn json_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for c in name.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                out.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    out
}

/// Scalar types by their number in descriptors; 10, 11 and 14 are group, message and enum.
pub(super) const SCALARS: &[(i32, &str)] = &[
    (1, "double"),
    (2, "float"),
    (3, "int64"),
    (4, "uint64"),
    (5, "int32"),
    (6, "fixed64"),
    (7, "fixed32"),
    (8, "bool"),
    (9, "string"),
    (12, "bytes"),
    (13, "uint32"),
    (15, "sfixed32"),
    (16, "sfixed64"),
    (17, "sint32"),
    (18, "sint64"),
];

fn scalar(kind: i32) -> Option<&'static str> {
    SCALARS.iter().find(|(number, _)| *number == kind).map(|(_, word)| *word)
}

fn extends(all: &[&[u8]], proto3: bool) -> Decoded<Vec<Extend>> {
    let mut out: Vec<Extend> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for bytes in all {
        let mut name = String::new();
        for (number, value) in fields(bytes)? {
            if number == 2 {
                name = value.text()?;
            }
        }
        let (field, _, _) = field(bytes, proto3)?;
        let place = *places.entry(name.clone()).or_insert(out.len());
        match out.get_mut(place) {
            Some(extend) => extend.fields.push(field),
            None => out.push(Extend { name, fields: vec![field] }),
        }
    }
    Ok(out)
}

fn enumeration(bytes: &[u8]) -> Decoded<Enum> {
    let mut out = Enum::default();
    for (number, value) in fields(bytes)? {
        match number {
            1 => out.name = value.text()?,
            2 => out.constants.push(constant(value.bytes())?),
            3 => out.options = options(value.bytes(), ENUM_OPTIONS)?,
            4 => out.reserved.push(Reserved(vec![range(value.bytes(), 0)?])),
            5 => out.reserved.push(Reserved(vec![Span::Name(value.text()?)])),
            _ => {}
        }
    }
    Ok(out)
}

fn constant(bytes: &[u8]) -> Decoded<EnumConstant> {
    let mut out = EnumConstant { name: String::new(), tag: 0, options: Vec::new() };
    for (number, value) in fields(bytes)? {
        match number {
            1 => out.name = value.text()?,
            2 => out.tag = value.int(),
            3 => out.options = options(value.bytes(), CONSTANT_OPTIONS)?,
            _ => {}
        }
    }
    Ok(out)
}

fn service(bytes: &[u8]) -> Decoded<Service> {
    let mut out = Service::default();
    for (number, value) in fields(bytes)? {
        match number {
            1 => out.name = value.text()?,
            2 => out.rpcs.push(rpc(value.bytes())?),
            3 => out.options = options(value.bytes(), DEPRECATED_33)?,
            _ => {}
        }
    }
    Ok(out)
}

fn rpc(bytes: &[u8]) -> Decoded<Rpc> {
    let mut out = Rpc::default();
    for (number, value) in fields(bytes)? {
        match number {
            1 => out.name = value.text()?,
            2 => out.request = value.text()?,
            3 => out.response = value.text()?,
            4 => out.options = options(value.bytes(), METHOD_OPTIONS)?,
            5 => out.request_streams = value.bool(),
            6 => out.response_streams = value.bool(),
            _ => {}
        }
    }
    Ok(out)
}

/// How an option's value is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Text,
    Bool,
    /// An enum's constants, by number.
    Enum(&'static [(i32, &'static str)]),
}

type Known = &'static [(u32, &'static str, Form)];

const MODES: &[(i32, &str)] = &[(1, "SPEED"), (2, "CODE_SIZE"), (3, "LITE_RUNTIME")];
const CTYPES: &[(i32, &str)] = &[(0, "STRING"), (1, "CORD"), (2, "STRING_PIECE")];
const JSTYPES: &[(i32, &str)] = &[(0, "JS_NORMAL"), (1, "JS_STRING"), (2, "JS_NUMBER")];
const IDEMPOTENCY: &[(i32, &str)] = &[(0, "IDEMPOTENCY_UNKNOWN"), (1, "NO_SIDE_EFFECTS"), (2, "IDEMPOTENT")];

pub(super) const FILE_OPTIONS: Known = &[
    (1, "java_package", Form::Text),
    (8, "java_outer_classname", Form::Text),
    (10, "java_multiple_files", Form::Bool),
    (20, "java_generate_equals_and_hash", Form::Bool),
    (27, "java_string_check_utf8", Form::Bool),
    (9, "optimize_for", Form::Enum(MODES)),
    (11, "go_package", Form::Text),
    (16, "cc_generic_services", Form::Bool),
    (17, "java_generic_services", Form::Bool),
    (18, "py_generic_services", Form::Bool),
    (42, "php_generic_services", Form::Bool),
    (23, "deprecated", Form::Bool),
    (31, "cc_enable_arenas", Form::Bool),
    (36, "objc_class_prefix", Form::Text),
    (37, "csharp_namespace", Form::Text),
    (39, "swift_prefix", Form::Text),
    (40, "php_class_prefix", Form::Text),
    (41, "php_namespace", Form::Text),
    (44, "php_metadata_namespace", Form::Text),
    (45, "ruby_package", Form::Text),
];
pub(super) const MESSAGE_OPTIONS: Known = &[
    (1, "message_set_wire_format", Form::Bool),
    (2, "no_standard_descriptor_accessor", Form::Bool),
    (3, "deprecated", Form::Bool),
    (7, "map_entry", Form::Bool),
];
pub(super) const FIELD_OPTIONS: Known = &[
    (1, "ctype", Form::Enum(CTYPES)),
    (2, "packed", Form::Bool),
    (6, "jstype", Form::Enum(JSTYPES)),
    (5, "lazy", Form::Bool),
    (15, "unverified_lazy", Form::Bool),
    (3, "deprecated", Form::Bool),
    (10, "weak", Form::Bool),
    (16, "debug_redact", Form::Bool),
];
pub(super) const ENUM_OPTIONS: Known = &[(2, "allow_alias", Form::Bool), (3, "deprecated", Form::Bool)];
pub(super) const CONSTANT_OPTIONS: Known = &[(1, "deprecated", Form::Bool), (3, "debug_redact", Form::Bool)];
pub(super) const DEPRECATED_33: Known = &[(33, "deprecated", Form::Bool)];
pub(super) const METHOD_OPTIONS: Known =
    &[(33, "deprecated", Form::Bool), (34, "idempotency_level", Form::Enum(IDEMPOTENCY))];

/// The options that Protobuf itself defines, in the order of its table. Custom ones are numbers without names here.
fn options(bytes: &[u8], known: Known) -> Decoded<Vec<OptionElement>> {
    let present = fields(bytes)?;
    let mut out = Vec::new();
    for (number, name, form) in known {
        let Some((_, value)) = present.iter().rev().find(|(field, _)| field == number) else { continue };
        out.push(OptionElement {
            name: (*name).to_owned(),
            parenthesized: false,
            path: Vec::new(),
            value: option_value(*value, *form)?,
        });
    }
    Ok(out)
}

fn option_value(value: Value<'_>, form: Form) -> Decoded<OptionValue> {
    Ok(match form {
        Form::Text => OptionValue::Text(value.text()?),
        Form::Bool => OptionValue::Word(WordKind::Boolean, value.bool().to_string()),
        Form::Enum(names) => {
            let number = value.int();
            let name = names.iter().find(|(known, _)| *known == number);
            OptionValue::Word(
                WordKind::Enum,
                name.map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned()),
            )
        }
    })
}
