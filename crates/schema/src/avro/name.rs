//! Names and namespaces.

use super::Strictness;
use crate::SchemaError;

/// The name of a record, enum or fixed, with its namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The namespace, absent when empty.
    pub space: Option<String>,
    /// The last part.
    pub name: String,
}

impl Name {
    /// Reads a name as it stands in a schema: one with dots carries its own namespace.
    pub fn read(name: &str, space: Option<&str>, strictness: Strictness) -> Result<Self, SchemaError> {
        let (space, simple) = match name.rsplit_once('.') {
            Some((space, simple)) => (Some(space), simple),
            None => (space, name),
        };
        validate(simple)?;
        let space = space.filter(|s| !s.is_empty());
        if strictness == Strictness::New {
            for part in space.into_iter().flat_map(|s| s.split('.')) {
                validate(part)?;
            }
        }
        Ok(Self { space: space.map(str::to_owned), name: simple.to_owned() })
    }

    /// `namespace.name`.
    pub fn full(&self) -> String {
        match &self.space {
            Some(space) => format!("{space}.{}", self.name),
            None => self.name.clone(),
        }
    }

    /// As short as it can be written inside a namespace. A name that is also a type's keyword is never shortened.
    pub fn qualified(&self, enclosing: Option<&str>) -> String {
        let same = self.space.is_some() && self.space.as_deref() == enclosing;
        if same && !is_type_word(&self.name) { self.name.clone() } else { self.full() }
    }
}

fn is_type_word(name: &str) -> bool {
    super::Primitive::of_name(name).is_some()
        || matches!(name, "record" | "enum" | "array" | "map" | "union" | "fixed")
}

/// `[A-Za-z_][A-Za-z0-9_]*`.
pub fn validate(name: &str) -> Result<(), SchemaError> {
    let mut chars = name.chars();
    let Some(first) = chars.next() else {
        return Err(SchemaError::new("Empty name"));
    };
    if !(first.is_ascii_alphabetic() || first == '_') {
        return Err(SchemaError::new(format!("Illegal initial character: {name}")));
    }
    if chars.any(|c| !(c.is_ascii_alphanumeric() || c == '_')) {
        return Err(SchemaError::new(format!("Illegal character in: {name}")));
    }
    Ok(())
}
