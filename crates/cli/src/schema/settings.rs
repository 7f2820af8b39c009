//! Compatibility and modes.

use schema_serde::RegistryClient;
use serde_json::{Map, Value};

use crate::ask::Consent;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// `mekong schema config`
#[derive(clap::Args)]
pub struct Config {
    /// The subject [default: what holds for all]
    subject: Option<String>,
    /// Set the compatibility: NONE, BACKWARD, FORWARD, FULL, or one of the last three with _TRANSITIVE.
    #[arg(long, short = 'c', value_name = "LEVEL")]
    compatibility: Option<String>,
    /// Set another setting by the registry's name, such as normalize=true or compatibilityPolicy=LENIENT; an empty value
    /// unsets it.
    #[arg(long, short = 's', value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Delete the settings, so that those of all hold.
    #[arg(long, conflicts_with_all = ["compatibility", "set"])]
    delete: bool,
    #[command(flatten)]
    consent: Consent,
}

impl Config {
    pub async fn run(self, registry: &RegistryClient, output: &Output) -> Outcome {
        let subject = self.subject.as_deref();
        if self.delete {
            self.consent.to(&format!("Delete the settings of {}", subject.unwrap_or("all")))?;
            registry.delete_config(subject).await?;
        } else if self.compatibility.is_some() || !self.set.is_empty() {
            registry.set_config(subject, &self.change()?).await?;
        }
        show(&registry.config(subject, true).await?, output)
    }

    fn change(&self) -> Outcome<Value> {
        let mut change = Map::new();
        if let Some(level) = &self.compatibility {
            change.insert("compatibility".to_owned(), Value::from(level.to_ascii_uppercase()));
        }
        for setting in &self.set {
            let (name, value) = setting
                .split_once('=')
                .ok_or_else(|| Failure::new(format!("`{setting}`: write a setting as name=value")))?;
            let value = match value {
                "" => Value::Null,
                // Booleans and objects as JSON, everything else as text.
                text => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
            };
            change.insert(name.to_owned(), value);
        }
        Ok(Value::Object(change))
    }
}

fn show(settings: &Value, output: &Output) -> Outcome {
    if output.is_json() {
        return output.value(settings);
    }
    for (name, value) in settings.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        output.line(format!("{name} = {value}"))?;
    }
    Ok(())
}

/// `mekong schema mode`
#[derive(clap::Args)]
pub struct Mode {
    /// The subject; `all` for what holds for all [default: all]
    #[arg(default_value = "all")]
    subject: String,
    /// Set it: READWRITE, READONLY, IMPORT or FORWARD.
    mode: Option<String>,
    /// Import although schemas are there.
    #[arg(long)]
    force: bool,
    /// Delete the mode, so that the one of all holds.
    #[arg(long, conflicts_with_all = ["mode", "force"])]
    delete: bool,
    #[command(flatten)]
    consent: Consent,
}

impl Mode {
    pub async fn run(self, registry: &RegistryClient, output: &Output) -> Outcome {
        let subject = Some(self.subject.as_str()).filter(|subject| *subject != "all");
        if self.delete {
            registry.delete_mode(subject).await?;
        } else if let Some(mode) = &self.mode {
            if mode.eq_ignore_ascii_case("IMPORT") {
                // It opens versions to overwriting, and removes for good what is deleted softly.
                self.consent.to(&format!("Open {} to imports", subject.unwrap_or("all")))?;
            }
            registry.set_mode(subject, &mode.to_ascii_uppercase(), self.force).await?;
        }
        show(&registry.mode(subject, true).await?, output)
    }
}
