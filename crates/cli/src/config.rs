//! `mekong config …`

use client::Admin;
use client::admin::{ConfigChange, ConfigEntry, ConfigResource, ConfigSource};
use serde_json::json;

use crate::connect::Connect;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::topic::pair;

/// RESOURCE is topic:NAME, broker:ID, brokers (all of them), logger:ID, group:ID or metrics:NAME.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Show configs of a resource: those that somebody set, or all.
    Describe {
        /// Of what: topic:NAME, broker:ID, brokers, logger:ID, group:ID, metrics:NAME.
        resource: String,
        /// Only these.
        names: Vec<String>,
        /// Defaults too.
        #[arg(long, short)]
        all: bool,
        /// With what each is for.
        #[arg(long, short)]
        doc: bool,
    },
    /// Set configs.
    Set {
        /// Of what: topic:NAME, broker:ID, brokers, logger:ID, group:ID, metrics:NAME.
        resource: String,
        /// Configs; KEY+=VALUE adds to a list, KEY-=VALUE takes from it.
        #[arg(value_name = "KEY=VALUE", required = true)]
        configs: Vec<String>,
        /// Only check.
        #[arg(long)]
        dry_run: bool,
    },
    /// Take configs back to their defaults.
    Unset {
        /// Of what: topic:NAME, broker:ID, brokers, logger:ID, group:ID, metrics:NAME.
        resource: String,
        /// Which.
        #[arg(required = true)]
        names: Vec<String>,
        /// Only check.
        #[arg(long)]
        dry_run: bool,
    },
    /// List everything that has configs.
    #[command(visible_alias = "ls")]
    List,
}

fn resource(text: &str) -> Outcome<ConfigResource> {
    let wrong = || {
        Failure::new(format!("`{text}` has no configs"))
            .advise("Write topic:NAME, broker:ID, brokers, logger:ID, group:ID or metrics:NAME.")
    };
    let id = |text: &str| text.parse().map_err(|_| wrong());
    Ok(match text.split_once(':') {
        None if text == "brokers" => ConfigResource::AllBrokers,
        Some(("topic", name)) => ConfigResource::Topic(name.into()),
        Some(("broker", number)) => ConfigResource::Broker(id(number)?),
        Some(("logger", number)) => ConfigResource::BrokerLogger(id(number)?),
        Some(("group", name)) => ConfigResource::Group(name.into()),
        Some(("metrics", name)) => ConfigResource::ClientMetrics(name.into()),
        _ => return Err(wrong()),
    })
}

/// Runs it.
pub async fn run(command: Command, connect: &Connect, output: &Output) -> Outcome {
    match command {
        Command::Describe { resource: text, names, all, doc } => {
            let resource = resource(&text)?;
            let configs = connect.client().await?.admin().describe_configs(&resource, doc).await?;
            if let Some(unknown) =
                names.iter().find(|name| !configs.iter().any(|config| config.name == name.as_str()))
            {
                return Err(Failure::new(format!("{resource} has no config `{unknown}`"))
                    .advise("Add --all without names to see all."));
            }
            let is_set = |config: &ConfigEntry| {
                !matches!(config.source, ConfigSource::Default | ConfigSource::Unknown)
            };
            let is_meant = |config: &ConfigEntry| match names.is_empty() {
                true => all || is_set(config),
                false => names.iter().any(|name| config.name == name.as_str()),
            };
            let shown: Vec<ConfigEntry> = configs.into_iter().filter(is_meant).collect();
            show(&shown, output)
        }
        Command::Set { resource: text, configs, dry_run } => {
            let changes: Vec<ConfigChange> =
                configs.iter().map(|config| change(config)).collect::<Outcome<_>>()?;
            alter(&connect.client().await?.admin(), &resource(&text)?, changes, dry_run, output).await
        }
        Command::Unset { resource: text, names, dry_run } => {
            let changes = names.iter().map(|name| ConfigChange::Delete(name.as_str().into())).collect();
            alter(&connect.client().await?.admin(), &resource(&text)?, changes, dry_run, output).await
        }
        Command::List => {
            let resources = connect.client().await?.admin().list_config_resources().await?;
            let rows: Vec<Vec<String>> =
                resources.iter().map(|resource| vec![resource.to_string()]).collect();
            output.table(
                &["RESOURCE"],
                &rows,
                resources.iter().map(|resource| json!({ "resource": resource.to_string() })),
            )
        }
    }
}

fn change(text: &str) -> Outcome<ConfigChange> {
    let (key, value) = pair(text)?;
    Ok(match (key.strip_suffix('+'), key.strip_suffix('-')) {
        (Some(key), _) => ConfigChange::Append(key.into(), value.into()),
        (_, Some(key)) => ConfigChange::Subtract(key.into(), value.into()),
        _ => ConfigChange::Set(key.into(), value.into()),
    })
}

async fn alter(
    admin: &Admin,
    resource: &ConfigResource,
    changes: Vec<ConfigChange>,
    dry_run: bool,
    output: &Output,
) -> Outcome {
    let count = changes.len();
    admin.alter_configs(resource, changes, dry_run).await?;
    let verb = if dry_run { "could be changed" } else { "changed" };
    output.either(
        format!("{resource}: {count} configs {verb}"),
        &json!({ "resource": resource.to_string(), "changed": if dry_run { 0 } else { count } }),
    )
}

fn show(configs: &[ConfigEntry], output: &Output) -> Outcome {
    let value = |config: &ConfigEntry| match (&config.value, config.is_sensitive) {
        (_, true) => "(secret)".to_owned(),
        (Some(value), _) => value.to_string(),
        (None, _) => "-".to_owned(),
    };
    let objects = configs.iter().map(|config| {
        let synonyms = config.synonyms.iter().map(|(name, value, source)| {
            json!({ "name": name.as_str(), "value": value.as_deref(), "source": source.name() })
        });
        json!({
            "name": config.name.as_str(), "value": config.value.as_deref(), "source": config.source.name(),
            "read_only": config.is_read_only, "sensitive": config.is_sensitive,
            "documentation": config.documentation.as_deref(), "synonyms": synonyms.collect::<Vec<_>>(),
        })
    });
    let has_docs = configs.iter().any(|config| config.documentation.is_some());
    let row = |config: &ConfigEntry| {
        let mut row = vec![config.name.to_string(), value(config), config.source.name().to_owned()];
        row.extend(has_docs.then(|| config.documentation.as_deref().unwrap_or("").to_owned()));
        row
    };
    let rows: Vec<Vec<String>> = configs.iter().map(row).collect();
    let headings: &[&str] =
        if has_docs { &["CONFIG", "VALUE", "SOURCE", "WHAT FOR"] } else { &["CONFIG", "VALUE", "SOURCE"] };
    output.table(headings, &rows, objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_and_changes() {
        assert_eq!(resource("broker:3").unwrap(), ConfigResource::Broker(3));
        assert_eq!(resource("brokers").unwrap(), ConfigResource::AllBrokers);
        assert!(resource("broker:x").is_err() && resource("orders").is_err());
        assert_eq!(change("a+=b").unwrap(), ConfigChange::Append("a".into(), "b".into()));
        assert_eq!(change("a=b=c").unwrap(), ConfigChange::Set("a".into(), "b=c".into()));
    }
}
