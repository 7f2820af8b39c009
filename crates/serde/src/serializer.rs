//! What the serializers of all languages share: finding the subject and the schema to write with.

use std::sync::Arc;

use crate::{
    Encoded, Field, Frame, Registered, RegistryClient, RegistryError, Resolved, Schema, SerdeError,
    SubjectStrategy,
};

/// How a serializer finds its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SerializerOptions {
    /// Register the serializer's schema where it is not yet (`auto.register.schemas`).
    pub auto_register: bool,
    /// Write with the subject's latest version, not with the serializer's own schema (`use.latest.version`).
    pub use_latest: bool,
    /// Write with this version.
    pub version: Option<i32>,
    /// Have the registry normalize the schema (`normalize.schemas`).
    pub normalize: bool,
    /// How the subject is named.
    pub strategy: SubjectStrategy,
    /// Where the schema's id stands.
    pub frame: Frame,
}

impl Default for SerializerOptions {
    fn default() -> Self {
        Self {
            auto_register: true,
            use_latest: false,
            version: None,
            normalize: false,
            strategy: SubjectStrategy::default(),
            frame: Frame::default(),
        }
    }
}

/// A registry, options, and the schema to write with, if the serializer has one of its own.
#[derive(Clone)]
pub(crate) struct Writer {
    pub registry: RegistryClient,
    pub options: SerializerOptions,
    pub schema: Option<(Schema, Option<String>)>,
}

impl Writer {
    /// The schema that a record is to be written with, registered.
    pub async fn schema_for(&self, topic: &str, field: Field) -> Result<Arc<Registered>, SerdeError> {
        let record = self.schema.as_ref().and_then(|(_, name)| name.as_deref());
        let subject = self.options.strategy.subject(topic, field, record)?;
        if let Some(version) = self.options.version {
            return Ok(self.registry.version_known(&subject, version).await?);
        }
        match &self.schema {
            Some((schema, _)) if !self.options.use_latest => {
                let normalize = self.options.normalize;
                let found = match self.options.auto_register {
                    true => self.registry.register(&subject, schema, normalize).await,
                    false => self.registry.lookup(&subject, schema, normalize).await,
                };
                Ok(found?)
            }
            _ => Ok(self.registry.latest(&subject).await?),
        }
    }

    /// As [`Self::schema_for`], with what the schema refers to.
    pub async fn resolved_for(
        &self,
        topic: &str,
        field: Field,
    ) -> Result<(Arc<Registered>, Arc<Resolved>), SerdeError> {
        let registered = self.schema_for(topic, field).await?;
        let resolved = self.registry.resolved(&registered).await?;
        Ok((registered, resolved))
    }

    /// The bytes with the schema's name.
    pub async fn framed(
        &self,
        registered: &Registered,
        field: Field,
        indexes: Option<&[i32]>,
        payload: &[u8],
    ) -> Result<Encoded, SerdeError> {
        let guid = match self.options.frame {
            Frame::Prefix => None,
            Frame::Header => self.registry.guid(registered).await?,
        };
        Encoded::new(self.options.frame, field, (registered.id, guid), indexes, payload)
    }
}

/// The error for a schema of another language than the serializer's.
pub(crate) fn wrong_language(resolved: &Resolved, expected: &str) -> SerdeError {
    let found = resolved.registered.schema.language;
    SerdeError::Schema(format!("it is of type {found}, not {expected}"))
}

/// The error for a setting that contradicts another.
pub(crate) fn setting(what: &str) -> SerdeError {
    SerdeError::Registry(RegistryError::Setting(what.to_owned()))
}
