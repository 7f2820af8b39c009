//! Listing, printing, registering and deleting.

use schema_serde::{Guid, Registered, RegistryClient, SchemaId, VersionSpec};
use serde_json::{Value, json};

use super::read::{Source, place};
use crate::ask::Consent;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// `mekong schema list`
#[derive(clap::Args)]
pub struct List {
    /// Only subjects that begin so; :*: for those of all contexts.
    #[arg(default_value = "")]
    prefix: String,
    /// Every version, not only the latest.
    #[arg(long)]
    versions: bool,
    /// Also what is deleted softly.
    #[arg(long)]
    deleted: bool,
}

impl List {
    pub async fn run(self, registry: &RegistryClient, output: &Output) -> Outcome {
        let all = registry.all(&self.prefix, !self.versions, self.deleted).await?;
        let text = |schema: &Value, name: &str| match schema.get(name) {
            None => "-".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(list)) => list.len().to_string(),
            Some(other) => other.to_string(),
        };
        let row = |schema: &Value| {
            let language = schema.get("schemaType").and_then(Value::as_str).unwrap_or("AVRO");
            let deleted = schema.get("deleted").and_then(Value::as_bool).unwrap_or(false);
            let mut row = vec![text(schema, "subject"), text(schema, "version"), language.to_owned()];
            row.extend([text(schema, "id"), text(schema, "references")]);
            row.push(if deleted { "yes" } else { "" }.to_owned());
            row
        };
        let rows: Vec<Vec<String>> = all.iter().map(row).collect();
        output.table(&["SUBJECT", "VERSION", "TYPE", "ID", "REFERENCES", "DELETED"], &rows, all)
    }
}

/// `mekong schema get`
#[derive(clap::Args)]
pub struct Get {
    /// The subject, and perhaps its version: SUBJECT, SUBJECT@3.
    #[arg(required_unless_present_any = ["id", "guid"])]
    subject: Option<String>,
    /// By its id.
    #[arg(long, conflicts_with_all = ["subject", "guid"])]
    id: Option<i32>,
    /// By its GUID.
    #[arg(long, conflicts_with = "subject")]
    guid: Option<String>,
}

impl Get {
    pub async fn run(self, registry: &RegistryClient, output: &Output) -> Outcome {
        let id = match (self.id, &self.guid) {
            (Some(id), _) => Some(SchemaId::Id(id)),
            (None, Some(text)) => {
                let guid = Guid::parse(text);
                Some(SchemaId::Guid(guid.ok_or_else(|| Failure::new(format!("`{text}` is no GUID")))?))
            }
            (None, None) => None,
        };
        let found = match id {
            Some(id) => registry.schema(id, None).await?.registered.clone(),
            None => {
                let (subject, version) = place(self.subject.as_deref().unwrap_or_default())?;
                registry.version(subject, version.unwrap_or_default()).await?
            }
        };
        output.either(&found.schema.text, &as_json(&found))
    }
}

/// A registered schema as the registry tells it, with every name there is.
pub fn as_json(found: &Registered) -> Value {
    let references = found.schema.references.iter();
    let references: Vec<Value> =
        references.map(|r| json!({ "name": r.name, "subject": r.subject, "version": r.version })).collect();
    let mut value = json!({
        "subject": found.subject, "version": found.version, "id": (found.id >= 0).then_some(found.id),
        "guid": found.guid.map(|guid| guid.to_string()), "schemaType": found.schema.language.name(),
        "references": references, "metadata": found.schema.metadata, "ruleSet": found.schema.rule_set,
        "schema": found.schema.text,
    });
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    value
}

/// `mekong schema register`
#[derive(clap::Args)]
pub struct Register {
    /// The subject, such as users-value.
    subject: String,
    #[command(flatten)]
    source: Source,
}

impl Register {
    pub async fn run(self, registry: &RegistryClient, output: &Output) -> Outcome {
        let schema = self.source.schema(registry, &self.subject).await?;
        let mut found = (*registry.register(&self.subject, &schema, self.source.normalize).await?).clone();
        if found.version.is_none() {
            let told = registry.lookup(&self.subject, &schema, self.source.normalize).await?;
            (found.version, found.guid) = (told.version, found.guid.or(told.guid));
        }
        let version = found.version.unwrap_or_default();
        output.either(
            format!("{} has it as version {version}, id {}", self.subject, found.id),
            &as_json(&found),
        )
    }
}

/// `mekong schema delete`
#[derive(clap::Args)]
pub struct Delete {
    /// The subject, or one version of it: SUBJECT, SUBJECT@3.
    subject: String,
    /// For good, what was deleted softly before.
    #[arg(long)]
    permanent: bool,
    #[command(flatten)]
    consent: Consent,
}

impl Delete {
    pub async fn run(self, registry: &RegistryClient, output: &Output) -> Outcome {
        let (subject, version) = place(&self.subject)?;
        let how = if self.permanent { "for good" } else { "softly" };
        self.consent.to(&format!("Delete {} {how}", self.subject))?;
        let gone = match version {
            Some(version) => vec![delete_version(registry, subject, version, self.permanent).await?],
            None => registry.delete_subject(subject, self.permanent).await?,
        };
        let numbers: Vec<String> = gone.iter().map(ToString::to_string).collect();
        let text = format!("deleted {how}: {subject} version {}", numbers.join(", "));
        output.either(text, &json!({ "subject": subject, "versions": gone, "permanent": self.permanent }))
    }
}

async fn delete_version(
    registry: &RegistryClient,
    subject: &str,
    version: VersionSpec,
    permanent: bool,
) -> Outcome<i32> {
    Ok(registry.delete_version(subject, version, permanent).await?)
}
