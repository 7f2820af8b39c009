//! What people and tools note down beside a schema: tags on its parts, properties, and which of these are sensitive.

use std::collections::{BTreeMap, BTreeSet};

use crate::SchemaError;
use crate::json::{Json, Object};

/// The property that says which version a schema was registered as.
const VERSION: &str = "confluent:version";

/// Notes beside a schema. They count to its identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Tags by the path of what they tag.
    pub tags: BTreeMap<String, BTreeSet<String>>,
    /// Properties by name.
    pub properties: BTreeMap<String, String>,
    /// Names of properties whose values are not to be shown.
    pub sensitive: BTreeSet<String>,
}

impl Metadata {
    /// Reads the registry's JSON; unknown members are passed over, `null` is absence.
    pub fn read(json: &Json) -> Result<Self, SchemaError> {
        let object = json.as_object().ok_or_else(|| SchemaError::new("metadata is not an object"))?;
        let mut metadata = Self::default();
        for (path, tags) in members(object, "tags")? {
            metadata.tags.insert(path.to_owned(), strings(tags)?);
        }
        for (name, value) in members(object, "properties")? {
            metadata.properties.insert(name.to_owned(), scalar(value)?);
        }
        if let Some(sensitive) = present(object, "sensitive") {
            metadata.sensitive = strings(sensitive)?;
        }
        Ok(metadata)
    }

    /// The registry's JSON; empty parts are left out.
    pub fn to_json(&self) -> Json {
        let texts =
            |set: &BTreeSet<String>| Json::Array(set.iter().map(|text| Json::from(text.as_str())).collect());
        let mut out = Vec::new();
        if !self.tags.is_empty() {
            let tags = self.tags.iter().map(|(path, tags)| (path.clone(), texts(tags))).collect();
            out.push(("tags".to_owned(), Json::Object(Object::from_unique(tags))));
        }
        if !self.properties.is_empty() {
            let properties =
                self.properties.iter().map(|(k, v)| (k.clone(), Json::from(v.as_str()))).collect();
            out.push(("properties".to_owned(), Json::Object(Object::from_unique(properties))));
        }
        if !self.sensitive.is_empty() {
            out.push(("sensitive".to_owned(), texts(&self.sensitive)));
        }
        Json::Object(Object::from_unique(out))
    }

    /// The version that `confluent:version` names.
    pub fn version(&self) -> Option<i32> {
        self.properties.get(VERSION)?.parse().ok()
    }

    /// Whether there is a `confluent:version`, be it a number or not.
    pub fn names_version(&self) -> bool {
        self.properties.contains_key(VERSION)
    }

    /// The same notes with `confluent:version` set or removed.
    #[must_use]
    pub fn with_version(&self, version: Option<i32>) -> Self {
        let mut out = self.clone();
        match version {
            Some(version) => out.properties.insert(VERSION.to_owned(), version.to_string()),
            None => out.properties.remove(VERSION),
        };
        out
    }

    /// These notes with `newer` ones laid over them.
    #[must_use]
    pub fn merged(&self, newer: &Metadata) -> Self {
        let mut out = self.clone();
        out.tags.extend(newer.tags.clone());
        out.properties.extend(newer.properties.clone());
        out.sensitive.extend(newer.sensitive.clone());
        out
    }

    pub(crate) fn hash_into(&self, update: &mut dyn FnMut(&[u8])) {
        for (path, tags) in &self.tags {
            update(path.as_bytes());
            tags.iter().for_each(|tag| update(tag.as_bytes()));
        }
        for (name, value) in &self.properties {
            update(name.as_bytes());
            update(value.as_bytes());
        }
        self.sensitive.iter().for_each(|name| update(name.as_bytes()));
    }
}

/// A member that is there and not `null`.
pub(crate) fn present<'a>(object: &'a Object, key: &str) -> Option<&'a Json> {
    object.get(key).filter(|value| **value != Json::Null)
}

/// The members of an object under `key`, none where it is absent.
pub(crate) fn members<'a>(object: &'a Object, key: &str) -> Result<Vec<(&'a str, &'a Json)>, SchemaError> {
    match present(object, key) {
        None => Ok(Vec::new()),
        Some(Json::Object(members)) => {
            Ok(members.iter().filter(|(_, value)| **value != Json::Null).collect())
        }
        Some(_) => Err(SchemaError::new(format!("{key} is not an object"))),
    }
}

pub(crate) fn strings(json: &Json) -> Result<BTreeSet<String>, SchemaError> {
    let list = json.as_array().ok_or_else(|| SchemaError::new("not a list of strings"))?;
    list.iter().map(scalar).collect()
}

/// Text, or what can be written as text: the Java registry takes numbers and booleans for strings.
pub(crate) fn scalar(json: &Json) -> Result<String, SchemaError> {
    match json {
        Json::String(text) => Ok(text.clone()),
        Json::Number(number) => Ok(number.literal().to_owned()),
        Json::Bool(value) => Ok(value.to_string()),
        _ => Err(SchemaError::new("not a string")),
    }
}
