//! Configuration and modes of subjects, contexts and the whole registry.

use schema::json::{Json, Object, parse};
use schema::{Level, Metadata, Policy, RuleSet};

use crate::error::RestError;
use crate::json::{Members, boolean, member, scalar, text};
use crate::record::{Key, Record};

/// What a configuration can say, in the order in which it is written.
const FIELDS: &[&str] = &[
    "alias",
    "aliasForDeks",
    "normalize",
    "validateFields",
    "validateNewSchemas",
    "validateRules",
    "compatibilityLevel",
    "compatibilityPolicy",
    "compatibilityGroup",
    "defaultMetadata",
    "overrideMetadata",
    "defaultRuleSet",
    "overrideRuleSet",
];

/// A configuration of one scope; what it does not say is left to the scope above.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config(Object);

impl Config {
    /// Reads a record's value.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let json = parse(core::str::from_utf8(bytes).ok()?).ok()?;
        Some(Self::of(&json))
    }

    fn of(json: &Json) -> Self {
        let known = FIELDS.iter().filter_map(|key| Some(((*key).to_owned(), member(json, key)?.clone())));
        Self(Object::from_unique(known.collect()))
    }

    /// The members of a request that a configuration has, each brought into its type; nothing else is kept of it.
    pub fn request(request: &Json) -> Result<Json, RestError> {
        RestError::object(request)?;
        let mut members = Vec::new();
        for key in FIELDS {
            let names = if *key == "compatibilityLevel" { &["compatibility", key][..] } else { &[*key] };
            let given = names.iter().find_map(|name| Some((*name, request.get(name)?)));
            let Some((name, value)) = given else { continue };
            members.push((name.to_owned(), typed(key, value).ok_or_else(|| RestError::wrong_type(name))?));
        }
        Ok(Json::Object(Object::from_unique(members)))
    }

    /// The configuration as a PUT answers it: the level has another name there.
    pub fn as_request(&self) -> Json {
        let renamed = |key: &str| if key == "compatibilityLevel" { "compatibility" } else { key }.to_owned();
        Json::Object(Object::from_unique(
            self.0.iter().map(|(key, value)| (renamed(key), value.clone())).collect(),
        ))
    }

    /// The configuration as a GET answers it.
    pub fn to_json(&self) -> Json {
        Json::Object(self.0.clone())
    }

    /// The record that stores it.
    pub fn record(&self, subject: Option<&str>) -> Record {
        let mut members = Members::default().some("subject", subject.map(Json::from));
        for (key, value) in self.0.iter() {
            members = members.put(key, value.clone());
        }
        let key = Key::Config { subject: subject.map(str::to_owned) };
        Record { key: key.to_bytes(), value: Some(members.build().to_text().into_bytes()) }
    }

    /// This configuration with a request laid over it: what is absent stays, what is null goes.
    #[must_use]
    pub fn updated(&self, request: &Json) -> Self {
        let written = |key: &str| match key {
            "compatibilityLevel" => request.get("compatibility").or_else(|| request.get(key)),
            key => request.get(key),
        };
        let next = FIELDS.iter().filter_map(|key| {
            let value = match written(key) {
                Some(Json::Null) => return None,
                Some(Json::String(level)) if *key == "compatibilityLevel" => {
                    Json::String(level.to_uppercase())
                }
                Some(value) => value.clone(),
                None => self.0.get(key)?.clone(),
            };
            Some(((*key).to_owned(), value))
        });
        Self(Object::from_unique(next.collect()))
    }

    /// Whether it adds to what is registered.
    pub fn completes(&self) -> bool {
        let parts = ["defaultMetadata", "overrideMetadata", "defaultRuleSet", "overrideRuleSet"];
        parts.iter().any(|part| self.0.get(part).is_some())
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The compatibility level.
    pub fn level(&self) -> Option<Level> {
        self.0.get("compatibilityLevel").and_then(Json::as_str).and_then(Level::of_name)
    }

    /// How strictly JSON Schema's open models are judged.
    pub fn policy(&self) -> Option<Policy> {
        match self.0.get("compatibilityPolicy").and_then(Json::as_str)? {
            "LENIENT" => Some(Policy::Lenient),
            _ => Some(Policy::Strict),
        }
    }

    /// A text field.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Json::as_str).filter(|text| !text.is_empty())
    }

    /// A switch.
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.0.get(key).and_then(Json::as_bool)
    }

    /// Metadata given to registrations, as a default or over theirs.
    pub fn metadata(&self, key: &str) -> Option<Metadata> {
        Metadata::read(self.0.get(key)?).ok()
    }

    /// Rules given to registrations, as a default or over theirs.
    pub fn rules(&self, key: &str) -> Option<RuleSet> {
        RuleSet::read(self.0.get(key)?).ok()
    }

    /// This configuration with the fields that a wider scope lends where it has none.
    #[must_use]
    pub fn over(&self, wider: &Config) -> Self {
        const LENT: &[&str] = &[
            "normalize",
            "validateFields",
            "validateNewSchemas",
            "validateRules",
            "compatibilityPolicy",
            "compatibilityGroup",
        ];
        let value = |key: &&str| {
            let lent = if LENT.contains(key) { wider.0.get(key) } else { None };
            Some(((*key).to_owned(), self.0.get(key).or(lent)?.clone()))
        };
        Self(Object::from_unique(FIELDS.iter().filter_map(value).collect()))
    }
}

/// A member's value as its type has it; nothing if it cannot be that.
fn typed(key: &str, value: &Json) -> Option<Json> {
    if *value == Json::Null {
        return Some(Json::Null);
    }
    match key {
        "normalize" | "validateFields" | "validateNewSchemas" | "validateRules" => {
            boolean(value).map(Json::Bool)
        }
        "defaultMetadata" | "overrideMetadata" => {
            Metadata::read(value).ok().map(|metadata| metadata.to_json())
        }
        "defaultRuleSet" | "overrideRuleSet" => RuleSet::read(value).ok().map(|rules| rules.to_json()),
        _ => scalar(value).map(Json::String),
    }
}

/// What may be done to a scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the registry's")]
pub enum Mode {
    #[default]
    ReadWrite,
    ReadOnly,
    ReadOnlyOverride,
    Import,
    Forward,
}

impl Mode {
    /// The mode of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "READWRITE" => Self::ReadWrite,
            "READONLY" => Self::ReadOnly,
            "READONLY_OVERRIDE" => Self::ReadOnlyOverride,
            "IMPORT" => Self::Import,
            "FORWARD" => Self::Forward,
            _ => return None,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadWrite => "READWRITE",
            Self::ReadOnly => "READONLY",
            Self::ReadOnlyOverride => "READONLY_OVERRIDE",
            Self::Import => "IMPORT",
            Self::Forward => "FORWARD",
        }
    }

    /// Reads a record's value.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let json = parse(core::str::from_utf8(bytes).ok()?).ok()?;
        Self::of_name(text(&json, "mode")?)
    }

    /// Whether what is registered comes from another registry.
    pub fn imports(self) -> bool {
        matches!(self, Self::Import | Self::Forward)
    }

    /// Whether schemas and configuration are closed to changes.
    pub fn is_read_only(self) -> bool {
        matches!(self, Self::ReadOnly | Self::ReadOnlyOverride)
    }
}
