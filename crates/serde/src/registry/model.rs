//! What the registry is told and what it tells.

use std::fmt;

use schema::{Guid, Language, Reference};
use serde_json::{Map, Value, json};

use crate::{Reason, RegistryError};

/// A schema as it is registered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// Its language.
    pub language: Language,
    /// Its text.
    pub text: String,
    /// The schemas it uses.
    pub references: Vec<Reference>,
    /// Tags and properties, as the registry has them.
    pub metadata: Option<Value>,
    /// Rules, as the registry has them.
    pub rule_set: Option<Value>,
}

impl Schema {
    /// A schema that refers to no other.
    pub fn new(language: Language, text: impl Into<String>) -> Self {
        Self { language, text: text.into(), ..Self::default() }
    }

    /// The body of a request.
    pub(crate) fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("schema".into(), json!(self.text));
        if self.language != Language::Avro {
            body.insert("schemaType".into(), json!(self.language.name()));
        }
        if !self.references.is_empty() {
            let one = |r: &Reference| json!({ "name": r.name, "subject": r.subject, "version": r.version });
            body.insert("references".into(), self.references.iter().map(one).collect());
        }
        let notes = [("metadata", &self.metadata), ("ruleSet", &self.rule_set)];
        for (name, note) in notes {
            if let Some(note) = note {
                body.insert(name.into(), note.clone());
            }
        }
        body
    }

    /// Reads an answer.
    pub(crate) fn read(answer: &Value) -> Result<Self, RegistryError> {
        let malformed = |what: &str| RegistryError::Malformed(format!("{what} in {answer}"));
        let language = match answer.get("schemaType").and_then(Value::as_str) {
            None => Language::Avro,
            Some(name) => Language::of_name(name).ok_or_else(|| malformed("an unknown schema type"))?,
        };
        let text = answer.get("schema").and_then(Value::as_str).ok_or_else(|| malformed("no schema"))?;
        let references = answer.get("references").and_then(Value::as_array).into_iter().flatten();
        Ok(Self {
            language,
            text: text.to_owned(),
            references: references
                .map(reference)
                .collect::<Option<_>>()
                .ok_or_else(|| malformed("a bad reference"))?,
            metadata: answer.get("metadata").cloned(),
            rule_set: answer.get("ruleSet").cloned(),
        })
    }
}

fn reference(value: &Value) -> Option<Reference> {
    let text = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
    Some(Reference { name: text("name")?, subject: text("subject")?, version: int(value, "version")? })
}

pub(crate) fn int(value: &Value, name: &str) -> Option<i32> {
    value.get(name)?.as_i64().and_then(|number| i32::try_from(number).ok())
}

/// A schema with its places in the registry.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    /// Its id; -1 if the answer told none.
    pub id: i32,
    /// Its GUID, if the registry tells it.
    pub guid: Option<Guid>,
    /// The subject asked for.
    pub subject: Option<String>,
    /// The version there.
    pub version: Option<i32>,
    /// The schema.
    pub schema: Schema,
}

impl Registered {
    pub(crate) fn read(answer: &Value, schema: Schema) -> Self {
        Self {
            id: int(answer, "id").unwrap_or(-1),
            guid: answer.get("guid").and_then(Value::as_str).and_then(Guid::parse),
            subject: answer.get("subject").and_then(Value::as_str).map(str::to_owned),
            version: int(answer, "version"),
            schema,
        }
    }
}

/// A version of a subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum VersionSpec {
    /// The newest that is not deleted.
    #[default]
    Latest,
    /// This one.
    Number(i32),
}

impl VersionSpec {
    /// `latest`, or a number from 1 up.
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("latest") {
            return Some(Self::Latest);
        }
        text.parse().ok().filter(|number| *number > 0).map(Self::Number)
    }
}

impl fmt::Display for VersionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// The registry's verdict on a schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// Whether it may follow.
    pub is_compatible: bool,
    /// Confluent's lines on why not.
    pub messages: Vec<String>,
    /// The reasons one by one, each with a change that would mend it; only Mekong's registry says.
    pub reasons: Vec<Reason>,
}

impl Check {
    pub(crate) fn read(answer: &Value) -> Result<Self, RegistryError> {
        let is_compatible = answer.get("is_compatible").and_then(Value::as_bool);
        let messages = answer.get("messages").and_then(Value::as_array).into_iter().flatten();
        Ok(Self {
            is_compatible: is_compatible.ok_or_else(|| RegistryError::Malformed(answer.to_string()))?,
            messages: messages.filter_map(|line| Some(line.as_str()?.to_owned())).collect(),
            reasons: reasons(answer),
        })
    }
}

/// The reasons of an answer; none where a registry gives none.
pub(crate) fn reasons(answer: &Value) -> Vec<Reason> {
    let reasons = answer.get("reasons").cloned();
    reasons.and_then(|reasons| serde_json::from_value(reasons).ok()).unwrap_or_default()
}
