//! Protobuf schemas, proto2 and proto3: an order-keeping model, the registry's canonical and normalized text, differences.
//!
//! The parser is lenient as the registry's is: types that no import declares are let through unless checked. Editions are
//! refused by name.

mod compare;
mod descriptor;
mod encode;
mod findings;
mod kinds;
mod lexer;
mod merge;
mod model;
mod names;
mod normal;
mod options;
mod parse;
mod print;
mod printed;
mod scope;
#[cfg(test)]
mod tests;
mod wellknown;
mod wire;

use std::sync::Arc;

use crate::SchemaError;

pub use kinds::{ProtoDifference, ProtoDifferenceKind};
pub use model::{
    Enum, EnumConstant, Extend, Extensions, Field, Group, Label, Message, OneOf, OptionElement, OptionValue,
    ProtoFile, Reserved, Rpc, Service, Span, Syntax, TypeElement, WordKind,
};
pub use wellknown::is_bundled;

/// A file that a schema imports, as a registered reference.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The name in the `import`.
    pub name: String,
    /// Subject and version of the registered reference; two files of the same subject and version are the same file.
    pub source: Option<(String, i32)>,
    /// The file.
    pub file: ProtoFile,
}

/// A parsed Protobuf schema with all that it imports, directly or not.
#[derive(Clone, Debug)]
pub struct ProtobufSchema {
    file: ProtoFile,
    /// Shared by the schemas of all that it imports.
    dependencies: Arc<[Dependency]>,
}

/// Name, text and registered source of an import.
pub type ReferenceText<'a> = (&'a str, &'a str, Option<(String, i32)>);

impl ProtobufSchema {
    /// Parses `.proto` text, or a file descriptor in base64.
    pub fn parse(text: &str, references: &[ReferenceText<'_>]) -> Result<Self, SchemaError> {
        let mut dependencies = Vec::with_capacity(references.len());
        for (name, text, source) in references {
            let file = parse_file(text)?;
            dependencies.push(Dependency { name: (*name).to_owned(), source: source.clone(), file });
        }
        Ok(Self { file: parse_file(text)?, dependencies: dependencies.into() })
    }

    /// The file.
    pub fn file(&self) -> &ProtoFile {
        &self.file
    }

    /// What it imports.
    pub fn dependencies(&self) -> &[Dependency] {
        &self.dependencies
    }

    /// Each import by its name, as a schema that can name what the others declare.
    pub fn imports(&self) -> impl Iterator<Item = (&str, Self)> {
        self.dependencies.iter().map(|import| {
            let file = import.file.clone();
            (import.name.as_str(), Self { file, dependencies: self.dependencies.clone() })
        })
    }

    /// The form whose hash is the identity.
    pub fn canonical(&self) -> Result<String, SchemaError> {
        print::print(&self.file)
    }

    /// The same schema in the order and spelling of `normalize=true`.
    pub fn normalized(&self) -> Result<Self, SchemaError> {
        Ok(Self { file: normal::normalize(self)?, dependencies: self.dependencies.clone() })
    }

    /// The text without custom options and extensions (`format=ignore_extensions`).
    pub fn without_extensions(&self) -> Result<String, SchemaError> {
        print::print(&normal::without_extensions(&self.file))
    }

    /// The file as a `FileDescriptorProto` in base64 (`format=serialized`), named `name`.
    pub fn serialized(&self, name: &str) -> Result<String, SchemaError> {
        encode::file(self, name)
    }

    /// Everything in which `self` differs from `original`, compatible or not.
    pub fn differences(&self, original: &ProtobufSchema) -> Result<Vec<ProtoDifference>, SchemaError> {
        compare::differences(original, self)
    }

    /// Checks that every type a field or method names is declared here, imported or bundled.
    pub fn check_types(&self) -> Result<(), SchemaError> {
        normal::normalize(self).map(|_| ())
    }

    /// The full name of the first message.
    pub fn first_message(&self) -> Option<String> {
        let name = self.file.types.iter().find_map(|t| match t {
            TypeElement::Message(message) => Some(&message.name),
            TypeElement::Enum(_) => None,
        })?;
        Some(match &self.file.package {
            Some(package) => format!("{package}.{name}"),
            None => name.clone(),
        })
    }
}

/// A compiled descriptor's file; nothing where its text could not be read again, such as for want of a name.
fn described(bytes: &[u8]) -> Option<ProtoFile> {
    let file = descriptor::file(bytes).ok()?;
    parse::parse(&print::print(&file).ok()?).ok()?;
    Some(file)
}

fn parse_file(text: &str) -> Result<ProtoFile, SchemaError> {
    let file = match parse::parse(text) {
        Ok(file) => file,
        // Clients of other languages register the compiled descriptor.
        Err(error) => match wire::base64_decoded(text.trim()) {
            Some(bytes) if !bytes.is_empty() => described(&bytes).ok_or(error)?,
            _ => return Err(error),
        },
    };
    names::check(&file)?;
    Ok(file)
}
