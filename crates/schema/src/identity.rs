//! What makes two schemas the same: text, references, metadata and rules, hashed as the Java registry hashes them.
//!
//! ```text
//! MD5( text ‖ for each reference: name ‖ subject ‖ be32(version) ‖ [0x01 ‖ metadata] ‖ [0x01 ‖ rules] )
//! ```
//!
//! The language is not part of it.

use core::fmt;

use crate::md5::Md5;
use crate::{Metadata, RuleSet};

/// A schema that another refers to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// How the schema names it: a type's full name, a `$ref`, an import.
    pub name: String,
    /// The subject under which it is registered.
    pub subject: String,
    /// Its version there; -1 for the latest.
    pub version: i32,
}

/// The identity of a schema, written as a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// Reads the form with dashes.
    pub fn parse(text: &str) -> Option<Self> {
        let groups: Vec<&str> = text.split('-').collect();
        if groups.iter().map(|group| group.len()).ne([8, 4, 4, 4, 12]) {
            return None;
        }
        let value = u128::from_str_radix(&groups.concat(), 16).ok().filter(|_| !text.contains('+'))?;
        Some(Self(value.to_be_bytes()))
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, b) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{b:02x}")?;
        }
        Ok(())
    }
}

/// The identity of a schema.
pub fn guid(
    text: &str,
    references: &[Reference],
    metadata: Option<&Metadata>,
    rules: Option<&RuleSet>,
) -> Guid {
    let mut md5 = Md5::new();
    md5.update(text.as_bytes());
    for reference in references {
        md5.update(reference.name.as_bytes());
        md5.update(reference.subject.as_bytes());
        md5.update(&reference.version.to_be_bytes());
    }
    if let Some(metadata) = metadata {
        md5.update(&[1]);
        metadata.hash_into(&mut |part| md5.update(part));
    }
    if let Some(rules) = rules {
        md5.update(&[1]);
        rules.hash_into(&mut |part| md5.update(part));
    }
    Guid(md5.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn reference(name: &str, version: i32) -> Reference {
        Reference { name: name.to_owned(), subject: name.to_owned(), version }
    }

    #[test]
    fn identities_are_those_of_the_java_registry() {
        assert_eq!(guid("\"string\"", &[], None, None).to_string(), "095d71cf-1255-6b9d-5e33-0ad575b3df5d");
    }

    #[test]
    fn every_part_counts() {
        let metadata = Metadata::read(&parse(r#"{"properties":{"a":"b"}}"#).unwrap()).unwrap();
        let rules = RuleSet::read(&parse(r#"{"domainRules":[{"name":"r","type":"CEL"}]}"#).unwrap()).unwrap();
        let mut all = vec![
            guid("x", &[], None, None),
            guid("y", &[], None, None),
            guid("x", &[reference("r", 1)], None, None),
            guid("x", &[reference("r", 2)], None, None),
            guid("x", &[], Some(&Metadata::default()), None),
            guid("x", &[], Some(&metadata), None),
            guid("x", &[], Some(&metadata), Some(&rules)),
        ];
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 7);
    }

    #[test]
    fn guids_read_what_they_print() {
        let id = guid("x", &[], None, None);
        assert_eq!(Guid::parse(&id.to_string()), Some(id));
        for text in ["", "x", "095d71cf12556b9d5e330ad575b3df5d", "+95d71cf-1255-6b9d-5e33-0ad575b3df5d"] {
            assert_eq!(Guid::parse(text), None, "{text}");
        }
    }
}
