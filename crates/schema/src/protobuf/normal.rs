//! The normalized form: imports, options, fields and constants sorted, every type by its full name, map entries as maps.
//!
//! The order of messages stays: clients write indexes into it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::ProtobufSchema;
use super::merge::Merger;
use super::model::{
    Enum, Extend, Extensions, Field, Message, OneOf, OptionElement, OptionValue, ProtoFile, Reserved,
    Service, Span, Syntax, TypeElement, WordKind,
};
use super::names::searched;
use super::scope::{Scope, is_scalar, joined, map_entry, map_parts};
use crate::SchemaError;
use crate::names::NameBytes;

type Normal<T> = Result<T, SchemaError>;

/// The file in normalized form. A type that cannot be resolved is an error.
pub(super) fn normalize(schema: &ProtobufSchema) -> Normal<ProtoFile> {
    let (scope, merger, spelled) = (Scope::new(schema), Merger::default(), RefCell::default());
    Normalizer { scope, merger, spelled }.file(&schema.file)
}

struct Normalizer<'a> {
    scope: Scope<'a>,
    merger: Merger<'a>,
    /// What fields may yet take on of the map entries that they name.
    spelled: RefCell<NameBytes>,
}

impl Normalizer<'_> {
    fn file(&self, file: &ProtoFile) -> Normal<ProtoFile> {
        let prefix = self.scope.package();
        Ok(ProtoFile {
            syntax: file.syntax.filter(|syntax| *syntax == Syntax::Proto3),
            package: file.package.clone(),
            imports: sorted_unique(&file.imports),
            public_imports: sorted_unique(&file.public_imports),
            options: self.options(&file.options, prefix),
            types: self.types(&file.types, prefix)?,
            extends: self.extends(&file.extends, prefix)?,
            services: file.services.iter().map(|s| self.service(s, prefix)).collect::<Normal<_>>()?,
        })
    }

    fn types(&self, types: &[TypeElement], prefix: &str) -> Normal<Vec<TypeElement>> {
        let mut out = Vec::with_capacity(types.len());
        for element in types {
            match element {
                TypeElement::Message(message) if map_entry(message).is_some() => {}
                TypeElement::Message(message) => {
                    let inner = joined(prefix, &message.name);
                    out.push(TypeElement::Message(self.message(message, &inner)?));
                }
                TypeElement::Enum(element) => out.push(TypeElement::Enum(self.enumeration(element, prefix))),
            }
        }
        Ok(out)
    }

    fn message(&self, message: &Message, prefix: &str) -> Normal<Message> {
        let mut oneofs = Vec::new();
        for oneof in message.oneofs.iter().filter(|oneof| !oneof.fields.is_empty()) {
            oneofs.push(OneOf {
                name: oneof.name.clone(),
                options: self.options(&oneof.options, prefix),
                fields: self.fields(&oneof.fields, prefix)?,
                groups: oneof.groups.clone(),
            });
        }
        oneofs.sort_by_key(|oneof| oneof.fields.first().map(|field| field.tag));
        let mut groups = message.groups.clone();
        groups.sort_by_key(|group| group.tag);
        for group in &mut groups {
            group.fields = self.fields(&group.fields, prefix)?;
        }
        let mut extensions: Vec<Extensions> = Vec::new();
        for Extensions { spans, options } in &message.extensions {
            let options = self.options(options, prefix);
            let single = |span: &Span| Extensions { spans: vec![collapsed(span)], options: options.clone() };
            extensions.extend(spans.iter().map(single));
        }
        extensions.sort_by_key(|extension| extension.spans.first().map(start));
        Ok(Message {
            name: message.name.clone(),
            reserved: reserved(&message.reserved),
            options: self.options(&message.options, prefix),
            fields: self.fields(&message.fields, prefix)?,
            oneofs,
            groups,
            extensions,
            extends: self.extends(&message.extends, prefix)?,
            nested: self.types(&message.nested, prefix)?,
        })
    }

    fn enumeration(&self, element: &Enum, prefix: &str) -> Enum {
        let mut constants = element.constants.clone();
        constants.sort_by(|a, b| a.tag.cmp(&b.tag).then_with(|| a.name.cmp(&b.name)));
        for constant in &mut constants {
            constant.options = self.options(&constant.options, prefix);
        }
        Enum {
            name: element.name.clone(),
            reserved: reserved(&element.reserved),
            options: self.options(&element.options, prefix),
            constants,
        }
    }

    fn service(&self, service: &Service, prefix: &str) -> Normal<Service> {
        let mut out = service.clone();
        out.options = self.options(&service.options, prefix);
        for rpc in &mut out.rpcs {
            rpc.request = self.full(&rpc.request, prefix)?;
            rpc.response = self.full(&rpc.response, prefix)?;
            rpc.options = self.options(&rpc.options, prefix);
        }
        Ok(out)
    }

    /// Extensions of the same message become one block.
    fn extends(&self, extends: &[Extend], prefix: &str) -> Normal<Vec<Extend>> {
        let mut out: Vec<Extend> = Vec::new();
        let mut places = BTreeMap::new();
        for extend in extends.iter().filter(|extend| !extend.fields.is_empty()) {
            let name = self.full(&extend.name, prefix)?;
            let place = *places.entry(name.clone()).or_insert(out.len());
            match out.get_mut(place) {
                Some(known) => known.fields.extend(extend.fields.iter().cloned()),
                None => out.push(Extend { name, fields: extend.fields.clone() }),
            }
        }
        for extend in &mut out {
            extend.fields = self.fields(&extend.fields, prefix)?;
        }
        Ok(out)
    }

    fn fields(&self, fields: &[Field], prefix: &str) -> Normal<Vec<Field>> {
        let mut out: Vec<Field> =
            fields.iter().map(|field| self.field(field, prefix)).collect::<Normal<_>>()?;
        out.sort_by_key(|field| field.tag);
        Ok(out)
    }

    fn field(&self, field: &Field, prefix: &str) -> Normal<Field> {
        let mut kind = field.kind.clone();
        if !is_scalar(&kind) && map_parts(&kind).is_none() {
            let full = self.full(&kind, prefix)?;
            kind = match self.scope.get(&full).and_then(|info| info.map_entry) {
                Some((key, value)) => self.spelled_map(key, value, prefix)?,
                None => full,
            };
        }
        let mut label = field.label;
        if let Some((key, value)) = map_parts(&kind) {
            if let Some(full) = self.scope.resolve(value, prefix) {
                kind = format!("map<{key}, .{full}>");
            }
            label = None;
        }
        // The two special options take their place among the others by name.
        let mut options = field.options.clone();
        let plain = |name: &str, value| OptionElement {
            name: name.to_owned(),
            parenthesized: false,
            path: Vec::new(),
            value,
        };
        if let Some(default) = &field.default {
            options.push(plain("default", default_value(&kind, default)));
        }
        if let Some(name) = &field.json_name {
            options.push(plain("json_name", OptionValue::Text(name.clone())));
        }
        let options = self.options(&options, prefix);
        Ok(Field {
            label,
            kind,
            name: field.name.clone(),
            tag: field.tag,
            options,
            default: None,
            json_name: None,
        })
    }

    /// A field named an entry in a few letters, and has all of the entry's types from here on, looked for from its own place.
    fn spelled_map(&self, key: &str, value: &str, prefix: &str) -> Normal<String> {
        self.spelled.borrow_mut().spend([key.len(), searched(prefix, value)])?;
        Ok(format!("map<{key}, {value}>"))
    }

    fn full(&self, name: &str, prefix: &str) -> Normal<String> {
        match self.scope.resolve(name, prefix) {
            Some(full) => Ok(format!(".{full}")),
            None => Err(SchemaError::new(format!("Could not resolve type: {name}"))),
        }
    }

    /// Custom options by full name and as messages, everything sorted by name, parts of one option merged.
    fn options(&self, options: &[OptionElement], prefix: &str) -> Vec<OptionElement> {
        let mut out: Vec<OptionElement> = options.iter().map(|option| self.option(option, prefix)).collect();
        out.sort_by(|a, b| a.name.cmp(&b.name));
        let mut runs: Vec<(OptionElement, Vec<OptionValue>)> = Vec::with_capacity(out.len());
        for option in out {
            match runs.last_mut() {
                Some((first, more))
                    if first.name == option.name && self.scope.is_single_extension(&option.name) =>
                {
                    more.push(option.value);
                }
                _ => runs.push((option, Vec::new())),
            }
        }
        runs.into_iter().map(|(first, more)| self.merged(first, more)).collect()
    }

    fn option(&self, option: &OptionElement, prefix: &str) -> OptionElement {
        let resolved =
            option.parenthesized.then(|| self.scope.resolve_extension(&option.name, prefix)).flatten();
        let value = self.value(&option.value, prefix);
        match resolved {
            Some(name) => {
                let nest = |value, part: &String| OptionValue::Map(vec![(part.clone(), value)]);
                let value = option.path.iter().rev().fold(value, nest);
                OptionElement { name, parenthesized: true, path: Vec::new(), value }
            }
            None => OptionElement { value, ..option.clone() },
        }
    }

    fn merged(&self, first: OptionElement, more: Vec<OptionValue>) -> OptionElement {
        if more.is_empty() {
            return first;
        }
        let OptionElement { name, parenthesized, path, value } = first;
        let values = core::iter::once(value).chain(more).collect();
        let value = self.merger.merged(&self.scope, self.scope.extension(&name), values);
        let value = value.unwrap_or_else(|| OptionValue::Map(Vec::new()));
        OptionElement { name, parenthesized, path, value }
    }

    fn value(&self, value: &OptionValue, prefix: &str) -> OptionValue {
        match value {
            OptionValue::Text(text) => OptionValue::Text(text.clone()),
            OptionValue::Word(WordKind::Number, word) => OptionValue::Word(WordKind::Number, number(word)),
            OptionValue::Word(kind, word) => OptionValue::Word(*kind, word.clone()),
            OptionValue::List(list) => {
                OptionValue::List(list.iter().map(|item| self.inner(item, prefix)).collect())
            }
            OptionValue::Map(entries) => {
                let mut sorted: BTreeMap<String, OptionValue> = BTreeMap::new();
                for (key, value) in entries {
                    if matches!(value, OptionValue::List(list) if list.is_empty()) {
                        continue;
                    }
                    let extension = key.strip_prefix('[').and_then(|key| key.strip_suffix(']'));
                    let resolved = extension.and_then(|name| self.scope.resolve_extension(name, prefix));
                    let key = resolved.map_or_else(|| key.clone(), |name| format!("[{name}]"));
                    sorted.entry(key).or_insert_with(|| self.inner(value, prefix));
                }
                OptionValue::Map(sorted.into_iter().collect())
            }
        }
    }

    /// A value inside another: a list of one is the one.
    fn inner(&self, value: &OptionValue, prefix: &str) -> OptionValue {
        match value {
            OptionValue::List(list) => match list.as_slice() {
                [only] => self.inner(only, prefix),
                _ => self.value(value, prefix),
            },
            value => self.value(value, prefix),
        }
    }
}

fn sorted_unique(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names.dedup();
    names
}

/// One statement for each number, range or name, sorted; names last.
fn reserved(reserved: &[Reserved]) -> Vec<Reserved> {
    let mut spans: Vec<Span> = reserved.iter().flat_map(|r| r.0.iter().map(collapsed)).collect();
    let text = |span: &Span| match span {
        Span::One(number) => number.to_string(),
        Span::Range(start, end) => format!("{start}..{end}"),
        Span::Name(name) => name.clone(),
    };
    spans.sort_by(|a, b| start(a).cmp(&start(b)).then_with(|| text(a).cmp(&text(b))));
    spans.into_iter().map(|span| Reserved(vec![span])).collect()
}

fn start(span: &Span) -> i32 {
    match span {
        Span::One(start) | Span::Range(start, _) => *start,
        Span::Name(_) => i32::MAX,
    }
}

fn collapsed(span: &Span) -> Span {
    match span {
        Span::Range(start, end) if start == end => Span::One(*start),
        span => span.clone(),
    }
}

fn default_value(kind: &str, default: &str) -> OptionValue {
    match kind {
        "string" => OptionValue::Text(default.to_owned()),
        "bool" => OptionValue::Word(WordKind::Boolean, default.to_owned()),
        kind if is_scalar(kind) => OptionValue::Word(WordKind::Number, default.to_owned()),
        _ => OptionValue::Word(WordKind::Enum, default.to_owned()),
    }
}

/// Numbers that take more than this without an exponent stay as they are.
const FIXED_MAX: usize = 64;

/// A number as Java's plain decimal format prints it: no exponent, at most three digits after the point.
fn number(word: &str) -> String {
    let (sign, digits) = word.strip_prefix('-').map_or(("", word), |digits| ("-", digits));
    let radix = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => Some((digits.get(2..).unwrap_or(""), 16)),
        [b'0', b'0'..=b'7', ..] => Some((digits.get(1..).unwrap_or(""), 8)),
        _ => None,
    };
    if let Some((digits, radix)) = radix {
        return u64::from_str_radix(digits, radix).map_or_else(|_| word.to_owned(), |n| format!("{sign}{n}"));
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) && !digits.is_empty() {
        return word.to_owned();
    }
    match digits.trim_end_matches(['f', 'F', 'd', 'D']).parse::<f64>() {
        Ok(value) if value.is_finite() && digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            let fixed = format!("{value:.3}");
            // Three hundred digits for five: of many such numbers the text would be larger than any.
            if fixed.len() > FIXED_MAX {
                return word.to_owned();
            }
            format!("{sign}{}", fixed.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => word.to_owned(),
    }
}

/// The file without custom options, extension ranges and extensions.
pub(super) fn without_extensions(file: &ProtoFile) -> ProtoFile {
    let mut out = file.clone();
    plain(&mut out.options);
    out.extends.clear();
    out.types.iter_mut().for_each(plain_type);
    for service in &mut out.services {
        plain(&mut service.options);
        service.rpcs.iter_mut().for_each(|rpc| plain(&mut rpc.options));
    }
    out
}

fn plain(options: &mut Vec<OptionElement>) {
    options.retain(|option| {
        !option.parenthesized || option.name.trim_start_matches('.').starts_with("confluent")
    });
}

fn plain_type(element: &mut TypeElement) {
    match element {
        TypeElement::Enum(element) => {
            plain(&mut element.options);
            element.constants.iter_mut().for_each(|constant| plain(&mut constant.options));
        }
        TypeElement::Message(message) => {
            plain(&mut message.options);
            message.extensions.clear();
            message.extends.clear();
            message.fields.iter_mut().for_each(|field| plain(&mut field.options));
            for oneof in &mut message.oneofs {
                plain(&mut oneof.options);
                oneof.fields.iter_mut().for_each(|field| plain(&mut field.options));
            }
            message.nested.iter_mut().for_each(plain_type);
        }
    }
}
