//! Schemas from one registry to another, with their ids.
//!
//! ```text
//! {"subject": …, "version": …, "id": …, "schemaType": …, "references": […], "schema": …}     one a version, by id
//! {"subject": …, "config": {"compatibilityLevel": …}}                                       one a subject with its own
//! ```

use std::collections::BTreeSet;
use std::path::PathBuf;

use schema_serde::{Method, RegistryClient, RegistryError};
use serde_json::{Value, json};

use super::read;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// `mekong schema export`
#[derive(clap::Args)]
pub struct Export {
    /// Only subjects that begin so [default: those of all contexts]
    #[arg(default_value = ":*:")]
    prefix: String,
}

impl Export {
    pub async fn run(self, registry: &RegistryClient, output: &Output) -> Outcome {
        let mut all = registry.all(&self.prefix, false, false).await?;
        // What is referred to was registered before what refers to it, so that it has the lower id.
        all.sort_by_key(|schema| (number(schema, "id"), number(schema, "version")));
        let subjects: BTreeSet<String> = all.iter().filter_map(|schema| text(schema, "subject")).collect();
        for schema in &all {
            output.value(schema)?;
        }
        for subject in subjects {
            match registry.config(Some(&subject), false).await {
                Ok(config) => output.value(&json!({ "subject": subject, "config": config }))?,
                Err(RegistryError::Refused(refusal)) if refusal.code == 40408 => {}
                Err(error) => return Err(error.into()),
            }
        }
        output.note(format!("{} versions", all.len()));
        Ok(())
    }
}

fn number(value: &Value, name: &str) -> i64 {
    value.get(name).and_then(Value::as_i64).unwrap_or_default()
}

fn text(value: &Value, name: &str) -> Option<String> {
    Some(value.get(name)?.as_str()?.to_owned())
}

/// `mekong schema import`
#[derive(clap::Args)]
pub struct Import {
    /// What `mekong schema export` printed; - is stdin.
    file: PathBuf,
    /// Import into subjects that have schemas already.
    #[arg(long)]
    force: bool,
}

impl Import {
    pub async fn run(self, registry: &RegistryClient, output: &Output) -> Outcome {
        let text = read::text(&self.file)?;
        let lines = text.lines().filter(|line| !line.trim().is_empty()).enumerate();
        let wrong = |number: usize, what: &str| Failure::new(format!("line {}: {what}", number + 1));
        let mut parsed = Vec::new();
        for (number, line) in lines {
            let value: Value = serde_json::from_str(line).map_err(|e| wrong(number, &e.to_string()))?;
            let subject =
                self::text(&value, "subject").ok_or_else(|| wrong(number, "it names no subject"))?;
            parsed.push((subject, value));
        }
        let (configs, schemas): (Vec<_>, Vec<_>) =
            parsed.into_iter().partition(|(_, value)| value.get("config").is_some());
        let subjects: BTreeSet<&str> = schemas.iter().map(|(subject, _)| subject.as_str()).collect();
        let mut before = Vec::new();
        for subject in &subjects {
            before.push((*subject, own_mode(registry, subject).await?));
        }
        let imported = import(registry, &subjects, &schemas, self.force).await;
        // Whatever happened, each of the subjects shall be as it was; the first failure is told.
        let mut restored = Ok(());
        for (subject, mode) in before {
            restored = restored.and(restore(registry, subject, mode).await);
        }
        imported.and(restored)?;
        for (subject, value) in &configs {
            registry.set_config(Some(subject), &change(value.get("config"))).await?;
        }
        let told = json!({ "versions": schemas.len(), "subjects": subjects.len(), "configs": configs.len() });
        let said = format!("{} versions of {} subjects imported", schemas.len(), subjects.len());
        output.either(said, &told)
    }
}

/// The mode that a subject has itself.
async fn own_mode(registry: &RegistryClient, subject: &str) -> Outcome<Option<String>> {
    match registry.mode(Some(subject), false).await {
        Ok(mode) => Ok(text(&mode, "mode")),
        Err(RegistryError::Refused(refusal)) if (40400..40500).contains(&refusal.code) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn restore(registry: &RegistryClient, subject: &str, mode: Option<String>) -> Outcome {
    if let Some(mode) = mode {
        return Ok(registry.set_mode(Some(subject), &mode, true).await.map(drop)?);
    }
    match registry.delete_mode(Some(subject)).await {
        Err(RegistryError::Refused(refusal)) if refusal.code == 40401 => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

async fn import(
    registry: &RegistryClient,
    subjects: &BTreeSet<&str>,
    schemas: &[(String, Value)],
    force: bool,
) -> Outcome {
    for subject in subjects {
        registry.set_mode(Some(subject), "IMPORT", force).await?;
    }
    for (subject, schema) in schemas {
        let path = format!("/subjects/{}/versions", schema_serde::encoded(subject));
        let kept = ["schema", "schemaType", "references", "metadata", "ruleSet", "id", "version"];
        let members = schema.as_object().into_iter().flatten();
        let body: serde_json::Map<String, Value> = members
            .filter(|(name, _)| kept.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        registry.call(Method::POST, &path, Some(&Value::Object(body))).await?;
    }
    Ok(())
}

/// A config is told and set under different names.
fn change(config: Option<&Value>) -> Value {
    let mut change = config.and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(level) = change.remove("compatibilityLevel") {
        change.insert("compatibility".to_owned(), level);
    }
    Value::Object(change)
}
