//! Schemas from one registry to another, with their ids.
//!
//! ```text
//! {"subject": …, "version": …, "id": …, "schemaType": …, "references": […], "schema": …}     one a version
//! {…, "deleted": true}                                                                      if it is deleted softly
//! {"subject": …, "config": {"compatibilityLevel": …}}                                       one a scope with its own
//! {"subject": …, "mode": "READONLY"}                                                        likewise
//! ```
//!
//! Versions stand by id, but those that are referred to before those that refer to them: ids are counted in each context for itself.
//! A scope is a subject, a context (`:.name:`), all contexts (`:.__GLOBAL:`), or without a name the registry as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schema_serde::{Method, RegistryClient, RegistryError, VersionSpec};
use serde_json::{Value, json};

use super::{order, read};
use crate::ask::Consent;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// The subjects of all contexts.
const EVERYTHING: &str = ":*:";

/// The scope above all contexts.
const ALL_CONTEXTS: &str = ":.__GLOBAL:";

/// `mekong schema export`
#[derive(clap::Args)]
pub struct Export {
    /// Only subjects that begin so, without the settings of contexts and of all [default: those of all contexts]
    #[arg(default_value = EVERYTHING)]
    prefix: String,
}

impl Export {
    pub async fn run(self, registry: &RegistryClient, output: &Output) -> Outcome {
        let live = registry.all(&self.prefix, false, false).await?;
        let live: BTreeSet<_> = live.iter().map(place).collect();
        let mut all = registry.all(&self.prefix, false, true).await?;
        all.sort_by_key(|schema| (number(schema, "id"), number(schema, "version")));
        let mut all = order::by_references(all);
        for schema in &mut all {
            // Registries before 8.0 do not mark what is deleted.
            let deleted = !live.contains(&place(schema));
            if let Some(members) = schema.as_object_mut().filter(|_| deleted) {
                members.insert("deleted".to_owned(), Value::from(true));
            }
            output.value(schema)?;
        }
        for scope in self.scopes(&all) {
            settings(registry, scope.as_deref(), output).await?;
        }
        output.note(format!("{} versions", all.len()));
        Ok(())
    }

    /// Whatever may have settings of its own.
    fn scopes(&self, all: &[Value]) -> BTreeSet<Option<String>> {
        let subjects: BTreeSet<String> = all.iter().filter_map(|schema| text(schema, "subject")).collect();
        let mut scopes: BTreeSet<Option<String>> = subjects.iter().cloned().map(Some).collect();
        if self.prefix == EVERYTHING {
            scopes.extend(subjects.iter().filter_map(|subject| context(subject)).map(Some));
            scopes.extend([None, Some(ALL_CONTEXTS.to_owned())]);
        }
        scopes
    }
}

/// Prints the config and the mode that a scope has itself.
async fn settings(registry: &RegistryClient, scope: Option<&str>, output: &Output) -> Outcome {
    if let Some(config) = own(registry.config(scope, false).await)? {
        output.value(&line(scope, "config", config))?;
    }
    if let Some(mode) = own(registry.mode(scope, false).await)?
        && let Some(name) = text(&mode, "mode")
        // A registry that was given no mode says so too.
        && (scope.is_some() || name != "READWRITE")
    {
        output.value(&line(scope, "mode", Value::from(name)))?;
    }
    Ok(())
}

fn line(scope: Option<&str>, name: &str, value: Value) -> Value {
    match scope {
        Some(scope) => json!({ "subject": scope, name: value }),
        None => json!({ name: value }),
    }
}

/// The context of a subject that is not in the default one, as a scope.
pub(super) fn context(subject: &str) -> Option<String> {
    let (context, _) = subject.strip_prefix(":.")?.split_once(':')?;
    Some(format!(":.{context}:"))
}

fn place(schema: &Value) -> (Option<String>, i64) {
    (text(schema, "subject"), number(schema, "version"))
}

/// What a scope has itself; nothing if it has none.
fn own(answer: Result<Value, RegistryError>) -> Outcome<Option<Value>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(RegistryError::Refused(refusal)) if (40400..40500).contains(&refusal.code) => Ok(None),
        Err(error) => Err(error.into()),
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
    /// Import into subjects that have schemas already: versions of the same number are overwritten.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    consent: Consent,
}

/// What is to be imported.
#[derive(Default)]
struct Copied {
    /// Versions in the order of the file as far as their references allow, with their subjects.
    schemas: Vec<(String, Value)>,
    /// The config of a scope.
    configs: Vec<(Option<String>, Value)>,
    /// The mode of a scope.
    modes: BTreeMap<Option<String>, String>,
}

impl Copied {
    fn read(text: &str) -> Outcome<Self> {
        let (mut copied, mut versions) = (Self::default(), Vec::new());
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let wrong = |what: &str| Failure::new(format!("line {}: {what}", number + 1));
            let value: Value = serde_json::from_str(line).map_err(|e| wrong(&e.to_string()))?;
            let scope = self::text(&value, "subject");
            if let Some(config) = value.get("config") {
                copied.configs.push((scope, config.clone()));
            } else if let Some(mode) = self::text(&value, "mode") {
                copied.modes.insert(scope, mode);
            } else {
                scope.ok_or_else(|| wrong("it names no subject"))?;
                versions.push(value);
            }
        }
        let named = |version: Value| Some((self::text(&version, "subject")?, version));
        copied.schemas = order::by_references(versions).into_iter().filter_map(named).collect();
        Ok(copied)
    }

    fn subjects(&self) -> BTreeSet<&str> {
        self.schemas.iter().map(|(subject, _)| subject.as_str()).collect()
    }
}

impl Import {
    pub async fn run(self, registry: &RegistryClient, output: &Output) -> Outcome {
        let copied = Copied::read(&read::text(&self.file)?)?;
        let subjects = copied.subjects();
        if self.force {
            self.consent.to("Import over versions that are there")?;
        }
        let mut modes = BTreeMap::new();
        for subject in &subjects {
            let mode = own(registry.mode(Some(subject), false).await)?;
            modes.insert(Some((*subject).to_owned()), mode.and_then(|mode| text(&mode, "mode")));
        }
        let imported = import(registry, &subjects, &copied, self.force).await;
        // Whatever happened, no subject shall stay in IMPORT; the first failure is told.
        if imported.is_ok() {
            modes.extend(copied.modes.iter().map(|(scope, mode)| (scope.clone(), Some(mode.clone()))));
        }
        let mut restored = Ok(());
        // The narrowest scopes first: a wider one may close what lies below.
        for (scope, mode) in modes.into_iter().rev() {
            restored = restored.and(restore(registry, scope.as_deref(), mode).await);
        }
        imported.and(restored)?;
        let (versions, configs) = (copied.schemas.len(), copied.configs.len());
        let told = json!({
            "versions": versions, "subjects": subjects.len(), "configs": configs, "modes": copied.modes.len()
        });
        output.either(format!("{versions} versions of {} subjects imported", subjects.len()), &told)
    }
}

async fn restore(registry: &RegistryClient, scope: Option<&str>, mode: Option<String>) -> Outcome {
    if let Some(mode) = mode {
        return Ok(registry.set_mode(scope, &mode, true).await.map(drop)?);
    }
    own(registry.delete_mode(scope).await).map(drop)
}

async fn import(
    registry: &RegistryClient,
    subjects: &BTreeSet<&str>,
    copied: &Copied,
    force: bool,
) -> Outcome {
    for subject in subjects {
        registry.set_mode(Some(subject), "IMPORT", force).await?;
    }
    for (subject, schema) in &copied.schemas {
        let path = format!("/subjects/{}/versions", schema_serde::encoded(subject));
        let kept = ["schema", "schemaType", "references", "metadata", "ruleSet", "id", "version"];
        let members = schema.as_object().into_iter().flatten();
        let body: serde_json::Map<String, Value> = members
            .filter(|(name, _)| kept.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        registry.call(Method::POST, &path, Some(&Value::Object(body))).await?;
    }
    // Deleted only when all are there, and what refers before what it refers to.
    for (subject, schema) in copied.schemas.iter().rev() {
        let version = i32::try_from(number(schema, "version")).ok();
        if let Some(version) = version.filter(|_| schema.get("deleted") == Some(&Value::Bool(true))) {
            registry.delete_version(subject, VersionSpec::Number(version), false).await?;
        }
    }
    for (scope, config) in &copied.configs {
        registry.set_config(scope.as_deref(), &change(Some(config))).await?;
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
