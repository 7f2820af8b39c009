//! A schema together with all that it refers to, parsed.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use prost_reflect::FileDescriptor;
use schema::{Parsed, Reference, ReferencedText, Strictness};

use super::client::context;
use super::{Registered, RegistryClient, Schema, VersionSpec};
use crate::SerdeError;

/// How many schemas one may refer to, directly or not.
const REFERENCES_MAX: usize = 1000;

/// A text that a schema refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Referenced {
    /// How it is named.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Subject and version, if the schema itself names it.
    source: Option<(String, i32)>,
}

/// A schema, what it refers to, and its model.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The schema as it is registered.
    pub registered: Registered,
    /// What it refers to, before what refers to it.
    pub(crate) references: Vec<Referenced>,
    /// The model.
    pub parsed: Parsed,
    /// The descriptors of a Protobuf schema, once they were asked for.
    pub(crate) compiled: OnceLock<FileDescriptor>,
}

/// What a schema refers to, last first. A subject without a context of its own is meant in that of the schema's subject.
fn inherited(schema: &Schema, subject: Option<&str>) -> impl Iterator<Item = Reference> {
    let context = context(subject);
    schema.references.iter().rev().map(move |reference| match reference.subject.starts_with(":.") {
        true => reference.clone(),
        false => Reference { subject: format!("{context}{}", reference.subject), ..reference.clone() },
    })
}

impl Resolved {
    /// Fetches what the schema refers to, and parses all.
    pub(super) async fn fetch(registry: &RegistryClient, registered: Registered) -> Result<Self, SerdeError> {
        let mut references = Vec::new();
        let mut seen = BTreeSet::new();
        // Depth first, so that what is referred to comes before what refers to it.
        let own = registered.subject.as_deref();
        let mut open: Vec<(Reference, bool, Option<String>)> =
            inherited(&registered.schema, own).map(|r| (r, true, None)).collect();
        while let Some((reference, is_direct, text)) = open.pop() {
            if let Some(text) = text {
                let source = is_direct.then(|| (reference.subject.clone(), reference.version));
                references.push(Referenced { name: reference.name, text, source });
                continue;
            }
            if !seen.insert(reference.name.clone()) {
                continue;
            }
            if seen.len() > REFERENCES_MAX {
                return Err(SerdeError::Schema(format!("it refers to more than {REFERENCES_MAX} others")));
            }
            let version = match reference.version {
                -1 => VersionSpec::Latest,
                number => VersionSpec::Number(number),
            };
            let found = registry.deleted_version_too(&reference.subject, version).await?;
            let subject = reference.subject.clone();
            open.push((reference, is_direct, Some(found.schema.text.clone())));
            open.extend(inherited(&found.schema, Some(&subject)).map(|r| (r, false, None)));
        }
        Self::parse(registered, references)
    }

    fn parse(registered: Registered, references: Vec<Referenced>) -> Result<Self, SerdeError> {
        let texts: Vec<ReferencedText<'_>> = references
            .iter()
            .map(|r| ReferencedText {
                name: &r.name,
                text: &r.text,
                source: r.source.as_ref().map(|(subject, version)| (subject.as_str(), *version)),
            })
            .collect();
        let schema = &registered.schema;
        let parsed = Parsed::parse(schema.language, &schema.text, &texts, Strictness::Stored)?;
        Ok(Self { registered, references, parsed, compiled: OnceLock::new() })
    }
}
