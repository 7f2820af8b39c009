//! JSON with a JSON Schema: the payload is the JSON text.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use client::Header;
use jsonschema::{Retrieve, Uri, Validator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::serializer::{Writer, setting, wrong_language};
use crate::{
    Encoded, Field, Framed, Language, RegistryClient, Resolved, Schema, SerdeError, SerializerOptions,
};

/// Where a schema without an id of its own stands, so that its references have something to be relative to.
const BASE: &str = "json-schema:///";

/// Validators are kept for so many schemas.
const VALIDATORS_MAX: usize = 1_000;

/// Validators by schema id or GUID.
#[derive(Clone, Default)]
struct Validators(Arc<Mutex<BTreeMap<String, Arc<Validator>>>>);

impl Validators {
    fn of(&self, resolved: &Resolved) -> Result<Arc<Validator>, SerdeError> {
        if resolved.registered.schema.language != Language::Json {
            return Err(wrong_language(resolved, "JSON"));
        }
        let registered = &resolved.registered;
        let key = registered.guid.map_or_else(|| registered.id.to_string(), |guid| guid.to_string());
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(known));
        }
        let fresh = Arc::new(validator(resolved)?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= VALIDATORS_MAX {
            kept.clear();
        }
        kept.insert(key, Arc::clone(&fresh));
        Ok(fresh)
    }
}

/// The texts that a schema refers to, by name; nothing is fetched from anywhere.
struct References(BTreeMap<String, Value>);

impl Retrieve for References {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let uri = uri.as_str();
        let name = uri.strip_prefix(BASE).unwrap_or(uri);
        let found = self.0.get(uri).or_else(|| self.0.get(name)).or_else(|| {
            // Relative to an id of the schema's own: what the reference was is the end of the result.
            self.0.iter().find(|(name, _)| uri.ends_with(&format!("/{name}"))).map(|(_, schema)| schema)
        });
        found.cloned().ok_or_else(|| format!("`{name}` is not among the schema's references").into())
    }
}

fn validator(resolved: &Resolved) -> Result<Validator, SerdeError> {
    let json = |text: &str| {
        serde_json::from_str::<Value>(text)
            .map_err(|error| SerdeError::Schema(format!("it is no JSON: {error}")))
    };
    let references = resolved.references.iter().map(|r| Ok((r.name.clone(), json(&r.text)?)));
    let references: BTreeMap<String, Value> = references.collect::<Result<_, SerdeError>>()?;
    let schema = json(&resolved.registered.schema.text)?;
    let mut options = jsonschema::options().with_retriever(References(references));
    if schema.get("$id").or_else(|| schema.get("id")).is_none() {
        options = options.with_base_uri(BASE);
    }
    if schema.get("$schema").is_none() {
        options = options.with_draft(jsonschema::Draft::Draft7);
    }
    options.build(&schema).map_err(|error| SerdeError::Schema(error.to_string()))
}

fn validate(validator: &Validator, value: &Value) -> Result<(), SerdeError> {
    validator.validate(value).map_err(|error| {
        let at = error.instance_path().to_string();
        SerdeError::Value(if at.is_empty() { error.to_string() } else { format!("{at}: {error}") })
    })
}

/// Writes values as JSON, checked against the schema.
#[derive(Clone)]
pub struct JsonSerializer {
    writer: Writer,
    validators: Validators,
}

impl JsonSerializer {
    /// A serializer that registers this schema with the first record and checks values against it.
    pub fn new(registry: RegistryClient, schema: &str) -> Result<Self, SerdeError> {
        Self::with(registry, Some(Schema::new(Language::Json, schema)), SerializerOptions::default())
    }

    /// A serializer with options. It needs no schema if it is to write with the latest or a given version.
    pub fn with(
        registry: RegistryClient,
        schema: Option<Schema>,
        options: SerializerOptions,
    ) -> Result<Self, SerdeError> {
        if schema.is_none() && !options.use_latest && options.version.is_none() {
            return Err(setting("a serializer without a schema must use the latest or a given version"));
        }
        let named = |schema: Schema| {
            let json: Option<Value> = serde_json::from_str(&schema.text).ok();
            let title = json.as_ref().and_then(|json| json.get("title")).and_then(Value::as_str);
            let title = title.map(str::to_owned);
            (schema, title)
        };
        let writer = Writer { registry, options, schema: schema.map(named) };
        Ok(Self { writer, validators: Validators::default() })
    }

    /// A value of any type that serde can write.
    pub async fn serialize<T: Serialize + ?Sized>(
        &self,
        topic: &str,
        field: Field,
        value: &T,
    ) -> Result<Encoded, SerdeError> {
        let value = serde_json::to_value(value).map_err(|error| SerdeError::Value(error.to_string()))?;
        let (registered, resolved) = self.writer.resolved_for(topic, field).await?;
        validate(&*self.validators.of(&resolved)?, &value)?;
        self.writer.framed(&registered, field, None, value.to_string().as_bytes()).await
    }
}

/// Reads JSON, checked against the schema that the record names.
#[derive(Clone)]
pub struct JsonDeserializer {
    registry: RegistryClient,
    validators: Validators,
    validates: bool,
}

impl JsonDeserializer {
    /// One that checks what it reads.
    pub fn new(registry: RegistryClient) -> Self {
        Self { registry, validators: Validators::default(), validates: true }
    }

    /// Whether values are checked against the schema.
    #[must_use]
    pub fn validates(mut self, validates: bool) -> Self {
        self.validates = validates;
        self
    }

    /// A value of any type that serde can read.
    pub async fn deserialize<T: DeserializeOwned>(
        &self,
        field: Field,
        bytes: &[u8],
        headers: &[Header],
    ) -> Result<T, SerdeError> {
        let framed = Framed::read(field, bytes, headers)?;
        let value: Value =
            serde_json::from_slice(framed.rest).map_err(|error| SerdeError::Bytes(error.to_string()))?;
        if self.validates {
            let resolved = self.registry.schema(framed.id, None).await?;
            validate(&*self.validators.of(&resolved)?, &value)?;
        }
        serde_json::from_value(value).map_err(|error| SerdeError::Value(error.to_string()))
    }
}
