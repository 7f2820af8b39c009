//! Which type a name means: Protobuf's search from the innermost scope outwards.

use std::collections::BTreeMap;

use super::ProtobufSchema;
use super::model::{Extend, Field, Label, Message, OptionValue, ProtoFile, TypeElement};
use super::wellknown;

/// Where a type comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source<'a> {
    /// The schema itself.
    Local,
    /// A file that the schema refers to, by subject and version.
    Registered(&'a str, i32),
    /// A file that only another import refers to.
    Indirect,
    /// A bundled file.
    Bundled,
}

/// A type that a schema can name.
#[derive(Clone, Copy, Debug)]
pub(super) struct TypeInfo<'a> {
    pub package: &'a str,
    pub source: Source<'a>,
    /// The declaration; bundled types have none here.
    pub element: Option<&'a TypeElement>,
    /// Key and value type, if it is a message that declares itself the entry of a map.
    pub map_entry: Option<(&'a str, &'a str)>,
    pub is_enum: bool,
}

impl<'a> TypeInfo<'a> {
    /// The message, if it is one of this schema or of its references.
    pub fn message(&self) -> Option<&'a Message> {
        match self.element {
            Some(TypeElement::Message(message)) => Some(message),
            _ => None,
        }
    }
}

/// Key and value type of a message that declares itself the entry of a map.
pub(super) fn map_entry(message: &Message) -> Option<(&str, &str)> {
    let declared = message.options.iter().any(|option| {
        option.name == "map_entry" && matches!(&option.value, OptionValue::Word(_, word) if word == "true")
    });
    if !declared {
        return None;
    }
    let kind = |name: &str| message.fields.iter().find(|f| f.name == name).map(|f| f.kind.as_str());
    Some((kind("key")?, kind("value")?))
}

/// Every type and extension that a schema can name, by full name.
pub(super) struct Scope<'a> {
    types: BTreeMap<String, TypeInfo<'a>>,
    extensions: BTreeMap<String, &'a Field>,
    package: &'a str,
}

impl<'a> Scope<'a> {
    pub fn new(schema: &'a ProtobufSchema) -> Self {
        let mut scope = Self {
            types: BTreeMap::new(),
            extensions: BTreeMap::new(),
            package: schema.file.package.as_deref().unwrap_or(""),
        };
        for dependency in schema.dependencies.iter() {
            let source = match &dependency.source {
                Some((subject, version)) => Source::Registered(subject, *version),
                None if wellknown::is_bundled(&dependency.name) => Source::Bundled,
                None => Source::Indirect,
            };
            scope.add_file(&dependency.file, source);
        }
        scope.add_file(&schema.file, Source::Local);
        scope
    }

    fn add_file(&mut self, file: &'a ProtoFile, source: Source<'a>) {
        let package = file.package.as_deref().unwrap_or("");
        self.add_extensions(package, &file.extends);
        self.add_types(package, package, &file.types, source);
    }

    fn add_types(&mut self, package: &'a str, prefix: &str, types: &'a [TypeElement], source: Source<'a>) {
        for element in types {
            let name = joined(prefix, element.name());
            if let TypeElement::Message(message) = element {
                self.add_extensions(&name, &message.extends);
                self.add_types(package, &name, &message.nested, source);
            }
            let map_entry = match element {
                TypeElement::Message(message) => map_entry(message),
                TypeElement::Enum(_) => None,
            };
            let is_enum = matches!(element, TypeElement::Enum(_));
            let info = TypeInfo { package, source, element: Some(element), map_entry, is_enum };
            self.types.insert(name, info);
        }
    }

    fn add_extensions(&mut self, prefix: &str, extends: &'a [Extend]) {
        for field in extends.iter().flat_map(|extend| &extend.fields) {
            self.extensions.insert(joined(prefix, &field.name), field);
        }
    }

    /// The package of the schema itself.
    pub fn package(&self) -> &'a str {
        self.package
    }

    /// The type of that full name.
    pub fn get(&self, full_name: &str) -> Option<TypeInfo<'a>> {
        let full_name = full_name.strip_prefix('.').unwrap_or(full_name);
        self.types.get(full_name).copied().or_else(|| {
            let (package, is_enum) = wellknown::find(full_name)?;
            let (source, element, map_entry) = (Source::Bundled, None, None);
            Some(TypeInfo { package, source, element, map_entry, is_enum })
        })
    }

    /// The full name of the type that `name` means inside `prefix` (package and enclosing messages).
    pub fn resolve(&self, name: &str, prefix: &str) -> Option<String> {
        search(name, prefix, |candidate| self.get(candidate).is_some())
    }

    /// The full name of the extension that `name` means inside `prefix`.
    pub fn resolve_extension(&self, name: &str, prefix: &str) -> Option<String> {
        search(name, prefix, |candidate| {
            self.extensions.contains_key(candidate) || wellknown::META_OPTIONS.contains(&candidate)
        })
    }

    /// The field of an extension, unless it is bundled.
    pub fn extension(&self, full_name: &str) -> Option<&'a Field> {
        self.extensions.get(full_name).copied()
    }

    /// Whether an extension is known and may occur once only.
    pub fn is_single_extension(&self, full_name: &str) -> bool {
        match self.extension(full_name) {
            Some(field) => field.label != Some(Label::Repeated),
            None => wellknown::META_OPTIONS.contains(&full_name),
        }
    }
}

/// `prefix.name`, or the name alone.
pub(super) fn joined(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

fn search(name: &str, prefix: &str, exists: impl Fn(&str) -> bool) -> Option<String> {
    if let Some(absolute) = name.strip_prefix('.') {
        return exists(absolute).then(|| absolute.to_owned());
    }
    let mut scope = prefix;
    while !scope.is_empty() {
        let candidate = format!("{scope}.{name}");
        if exists(&candidate) {
            return Some(candidate);
        }
        scope = scope.rsplit_once('.').map_or("", |(outer, _)| outer);
    }
    exists(name).then(|| name.to_owned())
}

/// Whether a word is one of Protobuf's scalar types.
pub(super) fn is_scalar(kind: &str) -> bool {
    matches!(
        kind,
        "bool"
            | "bytes"
            | "double"
            | "float"
            | "fixed32"
            | "fixed64"
            | "int32"
            | "int64"
            | "sfixed32"
            | "sfixed64"
            | "sint32"
            | "sint64"
            | "string"
            | "uint32"
            | "uint64"
    )
}

/// Key and value of `map<K, V>`.
pub(super) fn map_parts(kind: &str) -> Option<(&str, &str)> {
    kind.strip_prefix("map<")?.strip_suffix('>')?.split_once(", ")
}
