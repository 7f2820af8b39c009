//! `mekong topic …`

use std::collections::BTreeMap;

use client::admin::{ConfigChange, ConfigResource, ConfigSource, OffsetSpec};
use client::{Admin, TopicPartition, TopicView};
use serde_json::json;

use crate::ask::Consent;
use crate::connect::Connect;
use crate::failure::{Failure, Outcome};
use crate::output::{Output, thousands};

/// `mekong topic …`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Create topics.
    Create {
        /// Their names.
        #[arg(required = true)]
        names: Vec<String>,
        /// How many partitions [default: the broker's num.partitions].
        #[arg(long, short)]
        partitions: Option<i32>,
        /// How many replicas of each [default: the broker's default.replication.factor].
        #[arg(long, short)]
        replication_factor: Option<i16>,
        /// A config, such as retention.ms=86400000. May be given many times.
        #[arg(long, short, value_name = "KEY=VALUE")]
        config: Vec<String>,
        /// Do nothing if the topic exists.
        #[arg(long)]
        if_not_exists: bool,
        /// Only check whether it could be created.
        #[arg(long)]
        dry_run: bool,
    },
    /// List topics.
    #[command(visible_alias = "ls")]
    List {
        /// Kafka's own topics too.
        #[arg(long, short)]
        internal: bool,
    },
    /// Show partitions, offsets and configs of topics.
    Describe {
        /// Their names.
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Add partitions, change configs, delete records.
    Alter {
        /// Its name.
        name: String,
        /// The new number of partitions. Keys may move to other partitions by that.
        #[arg(long, short)]
        partitions: Option<i32>,
        /// Set a config. May be given many times.
        #[arg(long, short, value_name = "KEY=VALUE")]
        config: Vec<String>,
        /// Take a config back to its default. May be given many times.
        #[arg(long, value_name = "KEY")]
        delete_config: Vec<String>,
        /// Delete the records of a partition before an offset (-1: all of them). May be given many times.
        #[arg(long, value_name = "PARTITION:OFFSET", allow_hyphen_values = true)]
        delete_records: Vec<String>,
        /// Only check whether it could be changed.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        consent: Consent,
    },
    /// Delete topics with all their records.
    #[command(visible_alias = "rm")]
    Delete {
        /// Their names.
        #[arg(required = true)]
        names: Vec<String>,
        /// Do nothing if the topic does not exist.
        #[arg(long)]
        if_exists: bool,
        #[command(flatten)]
        consent: Consent,
    },
}

/// `key=value`, taken apart.
pub fn pair(text: &str) -> Outcome<(&str, &str)> {
    let (key, value) =
        text.split_once('=').ok_or_else(|| Failure::new(format!("`{text}`: write a config as key=value")))?;
    Ok((key.trim(), value))
}

/// Runs it.
pub async fn run(command: Command, connect: &Connect, output: &Output) -> Outcome {
    let admin = connect.client().await?.admin();
    match command {
        Command::Create { names, partitions, replication_factor, config, if_not_exists, dry_run } => {
            let configs: Vec<(&str, &str)> =
                config.iter().map(|config| pair(config)).collect::<Outcome<_>>()?;
            for name in names {
                let mut topic = admin.create_topic(&name).validate_only(dry_run);
                topic = partitions.into_iter().fold(topic, client::admin::CreateTopic::partitions);
                topic = replication_factor
                    .into_iter()
                    .fold(topic, client::admin::CreateTopic::replication_factor);
                topic = configs.iter().fold(topic, |topic, (key, value)| topic.config(*key, *value));
                match topic.await {
                    Ok(created) => say_created(&created, dry_run, output)?,
                    Err(error)
                        if if_not_exists && error.code() == Some(client::ErrorCode::TOPIC_ALREADY_EXISTS) =>
                    {
                        output
                            .either(format!("{name} exists"), &json!({ "topic": name, "created": false }))?;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        }
        Command::List { internal } => list(&admin.list_topics().await?, internal, output),
        Command::Describe { names } => describe(&admin, &names, output).await,
        Command::Alter { name, partitions, config, delete_config, delete_records, dry_run, consent } => {
            // All is read and asked before anything is done: a refusal leaves the topic as it was.
            let deletions: Vec<(i32, i64)> =
                delete_records.iter().map(|text| deletion(text)).collect::<Outcome<_>>()?;
            config.iter().try_for_each(|config| pair(config).map(drop))?;
            if !deletions.is_empty() && !dry_run {
                consent.to(&format!("Delete records of {} partitions of `{name}`", deletions.len()))?;
            }
            alter_configs(&admin, &name, &config, &delete_config, dry_run).await?;
            if let Some(count) = partitions {
                admin.create_partitions(&name, count, dry_run).await?;
            }
            for (partition, offset) in deletions.into_iter().filter(|_| !dry_run) {
                let partition = TopicPartition::new(name.as_str(), partition);
                let left = admin.delete_records(&partition, offset).await?;
                output.either(
                    format!("{partition} begins at {left}"),
                    &json!({ "topic": name, "partition": partition.partition, "log_start_offset": left }),
                )?;
            }
            if dry_run {
                output.note("It could be changed so.")
            }
            Ok(())
        }
        Command::Delete { names, if_exists, consent } => {
            consent.to(&format!("Delete {} with all records", names.join(", ")))?;
            for name in names {
                match admin.delete_topic(&name).await {
                    Err(error)
                        if if_exists
                            && error.code() == Some(client::ErrorCode::UNKNOWN_TOPIC_OR_PARTITION) => {}
                    other => other?,
                }
                output.either(format!("{name} deleted"), &json!({ "topic": name, "deleted": true }))?;
            }
            Ok(())
        }
    }
}

fn deletion(text: &str) -> Outcome<(i32, i64)> {
    let parsed = text
        .split_once(':')
        .and_then(|(partition, offset)| Some((partition.parse().ok()?, offset.parse().ok()?)));
    parsed.ok_or_else(|| Failure::new(format!("`{text}`: write --delete-records PARTITION:OFFSET")))
}

fn say_created(created: &client::admin::CreatedTopic, dry_run: bool, output: &Output) -> Outcome {
    let verb = if dry_run { "could be created" } else { "created" };
    let text = format!(
        "{} {verb}: {} partitions, {} replicas",
        created.name, created.partitions, created.replication_factor
    );
    let value = json!({
        "topic": created.name.as_str(), "id": created.id.to_string(), "partitions": created.partitions,
        "replication_factor": created.replication_factor, "created": !dry_run,
    });
    output.either(text, &value)
}

async fn alter_configs(
    admin: &Admin,
    name: &str,
    set: &[String],
    delete: &[String],
    dry_run: bool,
) -> Outcome {
    let mut changes: Vec<ConfigChange> = Vec::new();
    for config in set {
        let (key, value) = pair(config)?;
        changes.push(ConfigChange::Set(key.into(), value.into()));
    }
    changes.extend(delete.iter().map(|key| ConfigChange::Delete(key.as_str().into())));
    if !changes.is_empty() {
        admin.alter_configs(&ConfigResource::Topic(name.into()), changes, dry_run).await?;
    }
    Ok(())
}

fn replication(topic: &TopicView) -> usize {
    topic.partitions.values().map(|partition| partition.replicas.len()).min().unwrap_or(0)
}

fn list(topics: &[TopicView], internal: bool, output: &Output) -> Outcome {
    let shown: Vec<&TopicView> = topics.iter().filter(|topic| internal || !topic.is_internal).collect();
    let row = |topic: &&TopicView| {
        vec![topic.name.to_string(), topic.partitions.len().to_string(), replication(topic).to_string()]
    };
    let rows: Vec<Vec<String>> = shown.iter().map(row).collect();
    let objects = shown.iter().map(|topic| {
        json!({
            "topic": topic.name.as_str(), "id": topic.id.to_string(), "internal": topic.is_internal,
            "partitions": topic.partitions.len(), "replication_factor": replication(topic),
        })
    });
    output.table(&["TOPIC", "PARTITIONS", "REPLICAS"], &rows, objects)
}

async fn describe(admin: &Admin, names: &[String], output: &Output) -> Outcome {
    for name in names {
        let topic = admin.describe_topic(name).await?;
        let configs = admin.describe_configs(&ConfigResource::Topic(name.as_str().into()), false).await?;
        let offsets = offsets(admin, &topic).await?;
        let own: Vec<_> = configs.iter().filter(|config| config.source == ConfigSource::Topic).collect();
        if output.is_json() {
            let partitions = topic.partitions.values().map(|partition| {
                let (earliest, latest) = offsets.get(&partition.partition).copied().unwrap_or_default();
                json!({
                    "partition": partition.partition, "leader": partition.leader, "leader_epoch": partition.leader_epoch,
                    "replicas": partition.replicas, "isr": partition.isr, "offline": partition.offline,
                    "log_start_offset": earliest, "high_watermark": latest,
                })
            });
            let configs: serde_json::Map<_, _> =
                own.iter().map(|config| (config.name.to_string(), json!(config.value.as_deref()))).collect();
            output.value(&json!({
                "topic": name, "id": topic.id.to_string(), "internal": topic.is_internal,
                "partitions": partitions.collect::<Vec<_>>(), "configs": configs,
            }))?;
            continue;
        }
        output.line(format!(
            "{name}  id {}  {} partitions  {} replicas",
            topic.id,
            topic.partitions.len(),
            replication(&topic)
        ))?;
        for config in own {
            output.line(format!("  {} = {}", config.name, config.value.as_deref().unwrap_or("")))?;
        }
        let numbers = |brokers: &[i32]| brokers.iter().map(i32::to_string).collect::<Vec<_>>().join(",");
        let rows: Vec<Vec<String>> = topic
            .partitions
            .values()
            .map(|partition| {
                let bounds = offsets.get(&partition.partition).copied();
                let show =
                    |offset: Option<Option<i64>>| offset.flatten().map_or_else(|| "-".to_owned(), thousands);
                vec![
                    partition.partition.to_string(),
                    partition.leader.map_or_else(|| "none".to_owned(), |leader| leader.to_string()),
                    numbers(&partition.replicas),
                    numbers(&partition.isr),
                    show(bounds.map(|bounds| bounds.0)),
                    show(bounds.map(|bounds| bounds.1)),
                ]
            })
            .collect();
        output.table(&["PARTITION", "LEADER", "REPLICAS", "ISR", "BEGIN", "END"], &rows, [])?;
    }
    Ok(())
}

/// First and next offset of each partition, where the leader answers.
pub async fn offsets(admin: &Admin, topic: &TopicView) -> Outcome<BTreeMap<i32, (Option<i64>, Option<i64>)>> {
    let partitions = || {
        topic
            .partitions
            .values()
            .filter(|p| p.leader.is_some())
            .map(|p| TopicPartition::new(topic.name.clone(), p.partition))
    };
    let earliest =
        admin.list_offsets(partitions().map(|partition| (partition, OffsetSpec::Earliest))).await?;
    let latest = admin.list_offsets(partitions().map(|partition| (partition, OffsetSpec::Latest))).await?;
    let found = |map: &std::collections::HashMap<TopicPartition, Result<client::admin::FoundOffset, _>>,
                 partition: &TopicPartition| {
        map.get(partition)
            .and_then(|found: &Result<_, client::AdminError>| found.as_ref().ok())
            .map(|found| found.offset)
    };
    Ok(partitions()
        .map(|partition| (partition.partition, (found(&earliest, &partition), found(&latest, &partition))))
        .collect())
}
