//! What the names of a file cost once each is written in full: bounded, because a short text of deeply nested messages with long
//! names stands for gigabytes of full names.

use super::model::{Extend, Field, Group, Message, OptionElement, OptionValue, ProtoFile, TypeElement};
use super::scope::is_scalar;
use crate::SchemaError;
use crate::names::NameBytes;

type Outcome = Result<(), SchemaError>;

/// Refuses a file whose full names, and the candidates tried in the search for them, are too many bytes together.
pub(super) fn check(file: &ProtoFile) -> Outcome {
    let mut meter = Meter { bytes: NameBytes::default() };
    let package = Prefix::default().enter(file.package.as_deref().unwrap_or(""));
    meter.options(package, &file.options)?;
    meter.types(package, &file.types)?;
    meter.extends(package, &file.extends)?;
    for service in &file.services {
        meter.options(package, &service.options)?;
        for rpc in &service.rpcs {
            meter.search(package, &rpc.request)?;
            meter.search(package, &rpc.response)?;
            meter.options(package, &rpc.options)?;
        }
    }
    Ok(())
}

/// Where a name stands: the bytes of package and enclosing messages, and how many parts they have.
#[derive(Clone, Copy, Default)]
struct Prefix {
    bytes: usize,
    parts: usize,
}

impl Prefix {
    fn enter(self, name: &str) -> Self {
        Self { bytes: self.bytes + name.len() + 1, parts: self.parts + 1 + name.matches('.').count() }
    }

    /// What looking for a name from here outwards takes: one candidate each part.
    fn searched(self, name: &str) -> usize {
        self.bytes.saturating_add(name.len()).saturating_mul(self.parts + 1)
    }
}

/// What looking for a name from a place outwards takes.
pub(super) fn searched(prefix: &str, name: &str) -> usize {
    Prefix::default().enter(prefix).searched(name)
}

struct Meter {
    bytes: NameBytes,
}

impl Meter {
    fn spend(&mut self, bytes: usize) -> Outcome {
        self.bytes.spend([bytes, 0])
    }

    fn search(&mut self, at: Prefix, name: &str) -> Outcome {
        self.spend(at.searched(name))
    }

    fn types(&mut self, at: Prefix, types: &[TypeElement]) -> Outcome {
        for element in types {
            let inner = at.enter(element.name());
            self.spend(inner.bytes)?;
            match element {
                TypeElement::Message(message) => self.message(inner, message)?,
                TypeElement::Enum(element) => {
                    self.options(at, &element.options)?;
                    for constant in &element.constants {
                        self.spend(inner.bytes)?;
                        self.options(at, &constant.options)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn message(&mut self, at: Prefix, message: &Message) -> Outcome {
        self.options(at, &message.options)?;
        self.fields(at, &message.fields)?;
        self.groups(at, &message.groups)?;
        for oneof in &message.oneofs {
            // It stands in the place of each difference of its fields.
            self.spend(oneof.name.len().saturating_mul(oneof.fields.len()))?;
            self.options(at, &oneof.options)?;
            self.fields(at, &oneof.fields)?;
            self.groups(at, &oneof.groups)?;
        }
        message.extensions.iter().try_for_each(|extensions| {
            self.options(at, &extensions.options)?;
            // Normalized, each of the ranges has them for itself.
            let each = extensions.options.iter().map(|option| option_bytes(at, option)).sum::<usize>();
            self.spend(each.saturating_mul(extensions.spans.len()))
        })?;
        self.extends(at, &message.extends)?;
        self.types(at, &message.nested)
    }

    /// A group's name is no part of others' names, and its fields are looked up from the message that it stands in.
    fn groups(&mut self, at: Prefix, groups: &[Group]) -> Outcome {
        groups.iter().try_for_each(|group| self.fields(at, &group.fields))
    }

    fn extends(&mut self, at: Prefix, extends: &[Extend]) -> Outcome {
        extends.iter().try_for_each(|extend| {
            self.search(at, &extend.name)?;
            self.fields(at, &extend.fields)
        })
    }

    fn fields(&mut self, at: Prefix, fields: &[Field]) -> Outcome {
        fields.iter().try_for_each(|field| {
            match is_scalar(&field.kind) {
                true => self.spend(at.bytes)?,
                false => self.search(at, &field.kind)?,
            }
            self.options(at, &field.options)
        })
    }

    fn options(&mut self, at: Prefix, options: &[OptionElement]) -> Outcome {
        options.iter().try_for_each(|option| {
            if option.parenthesized {
                self.search(at, &option.name)?;
            }
            self.value(at, &option.value)
        })
    }

    /// Extensions may stand for keys, and are looked for as the names of options are.
    fn value(&mut self, at: Prefix, value: &OptionValue) -> Outcome {
        match value {
            OptionValue::Text(_) | OptionValue::Word(..) => Ok(()),
            OptionValue::List(list) => list.iter().try_for_each(|value| self.value(at, value)),
            OptionValue::Map(entries) => entries.iter().try_for_each(|(key, value)| {
                if key.starts_with('[') {
                    self.search(at, key)?;
                }
                self.value(at, value)
            }),
        }
    }
}

/// What an option takes in memory, about.
fn option_bytes(at: Prefix, option: &OptionElement) -> usize {
    let path: usize = option.path.iter().map(|part| part.len() + size_of::<String>()).sum();
    size_of::<OptionElement>() + at.bytes + option.name.len() + path + value_bytes(at, &option.value)
}

fn value_bytes(at: Prefix, value: &OptionValue) -> usize {
    let inside = match value {
        OptionValue::Text(text) | OptionValue::Word(_, text) => text.len(),
        OptionValue::List(list) => list.iter().map(|value| value_bytes(at, value)).sum(),
        OptionValue::Map(entries) => entries
            .iter()
            .map(|(key, value)| size_of::<String>() + at.bytes + key.len() + value_bytes(at, value))
            .sum(),
    };
    size_of::<OptionValue>() + inside
}
