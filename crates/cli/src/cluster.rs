//! `mekong cluster …`

use client::Admin;
use serde_json::json;

use crate::ask::Consent;
use crate::connect::Connect;
use crate::failure::Outcome;
use crate::output::{Output, bytes, thousands};
use crate::quorum;

/// `mekong cluster …`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Show the cluster's id, controller and brokers.
    Info,
    /// Show which APIs a broker speaks.
    Apis {
        /// Its node.id [default: the first].
        broker: Option<i32>,
    },
    /// Show what lies in the brokers' log directories.
    Dirs {
        /// Their node.ids [default: all].
        brokers: Vec<i32>,
        /// Every replica.
        #[arg(long, short)]
        replicas: bool,
    },
    /// Show who votes on the metadata, and who follows.
    Quorum,
    /// Give a controller a vote that follows the quorum already.
    AddVoter {
        /// Its node.id.
        node: i32,
        /// HOST:PORT of its controller listener.
        address: String,
        /// The identity of its directory [default: that of the observer with this id].
        #[arg(long, value_name = "ID")]
        directory: Option<String>,
    },
    /// Take a controller's vote.
    RemoveVoter {
        /// Its node.id.
        node: i32,
        /// The identity of its directory [default: that of the voter with this id].
        #[arg(long, value_name = "ID")]
        directory: Option<String>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Take a broker off the books that does not come back.
    ForgetBroker {
        /// Its node.id.
        broker: i32,
        #[command(flatten)]
        consent: Consent,
    },
    /// Measure how long each broker takes to answer.
    Ping,
}

/// Runs it.
pub async fn run(command: Command, connect: &Connect, output: &Output) -> Outcome {
    let admin = connect.client().await?.admin();
    let cluster = admin.describe_cluster().await?;
    let all: Vec<i32> = cluster.brokers.iter().map(|broker| broker.id).collect();
    match command {
        Command::Info => info(&with_controller(&admin, cluster).await, output),
        Command::Quorum => quorum::show(&admin, output).await,
        Command::AddVoter { node, address, directory } => {
            quorum::add(&admin, node, &address, directory, output).await
        }
        Command::RemoveVoter { node, directory, consent } => {
            consent.to(&format!("Take the vote of controller {node}"))?;
            quorum::remove(&admin, node, directory, output).await
        }
        Command::ForgetBroker { broker, consent } => {
            consent.to(&format!("Forget broker {broker}"))?;
            quorum::forget(&admin, broker, output).await
        }
        Command::Apis { broker } => apis(&admin, broker.or(all.first().copied()).unwrap_or(0), output).await,
        Command::Dirs { brokers, replicas } => {
            let brokers = if brokers.is_empty() { all } else { brokers };
            dirs(&admin, &brokers, replicas, output).await
        }
        Command::Ping => {
            for broker in all {
                admin.ping(broker).await?;
                let took = admin.ping(broker).await?;
                let text = format!("broker {broker}: {:.3} ms", took.as_secs_f64() * 1000.0);
                output.either(text, &json!({ "broker": broker, "micros": took.as_micros() as u64 }))?;
            }
            Ok(())
        }
    }
}

/// Brokers name any of them as the one to send admin requests to; who controls is who leads the quorum, where there is one.
async fn with_controller(
    admin: &Admin,
    mut cluster: client::admin::ClusterDescription,
) -> client::admin::ClusterDescription {
    if let Ok(quorum) = admin.describe_quorum().await {
        cluster.controller = quorum.leader;
    }
    cluster
}

fn info(cluster: &client::admin::ClusterDescription, output: &Output) -> Outcome {
    let brokers = cluster.brokers.iter();
    if output.is_json() {
        let brokers: Vec<_> = brokers
            .map(|broker| {
                json!({
                    "id": broker.id, "host": broker.address.host, "port": broker.address.port,
                    "rack": broker.rack.as_deref(), "controller": cluster.controller == Some(broker.id),
                })
            })
            .collect();
        return output.value(&json!({ "cluster_id": cluster.id.as_str(), "controller": cluster.controller, "brokers": brokers }));
    }
    output.line(format!("cluster {}", cluster.id))?;
    let row = |broker: &client::Broker| {
        let is_controller = cluster.controller == Some(broker.id);
        vec![
            broker.id.to_string(),
            broker.address.to_string(),
            broker.rack.as_deref().unwrap_or("-").to_owned(),
            if is_controller { "yes" } else { "" }.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = brokers.map(row).collect();
    output.table(&["BROKER", "ADDRESS", "RACK", "CONTROLLER"], &rows, [])
}

async fn apis(admin: &Admin, broker: i32, output: &Output) -> Outcome {
    let (address, apis) = admin.api_versions(broker).await?;
    output.note(format!("broker {broker} at {address}"));
    let range = |versions: wire::schema::Versions| format!("{}..{}", versions.min, versions.max);
    let row = |api: &client::admin::OfferedApi| {
        vec![
            api.key.to_string(),
            api.name.unwrap_or("?").to_owned(),
            range(api.versions),
            api.used.map_or_else(|| "-".to_owned(), range),
        ]
    };
    let rows: Vec<Vec<String>> = apis.iter().map(row).collect();
    let objects = apis.iter().map(|api| {
        json!({ "key": api.key, "name": api.name, "min_version": api.versions.min, "max_version": api.versions.max })
    });
    output.table(&["KEY", "API", "OFFERED", "KNOWN HERE"], &rows, objects)
}

async fn dirs(admin: &Admin, brokers: &[i32], replicas: bool, output: &Output) -> Outcome {
    let mut rows = Vec::new();
    let mut objects = Vec::new();
    for broker in brokers {
        for dir in admin.describe_log_dirs(*broker).await? {
            let size: i64 = dir.replicas.iter().map(|replica| replica.bytes).sum();
            let replicas_json: Vec<_> = dir
                .replicas
                .iter()
                .map(|one| json!({ "topic": one.partition.topic.as_str(), "partition": one.partition.partition, "bytes": one.bytes, "lag": one.lag, "future": one.is_future }))
                .collect();
            objects.push(json!({
                "broker": broker, "path": dir.path.as_str(), "error": dir.error.name(), "bytes": size,
                "total_bytes": dir.total_bytes, "usable_bytes": dir.usable_bytes, "replicas": replicas_json,
            }));
            if replicas {
                rows.extend(dir.replicas.iter().map(|one| {
                    vec![
                        broker.to_string(),
                        dir.path.to_string(),
                        one.partition.to_string(),
                        size_of(one.bytes),
                        thousands(one.lag),
                    ]
                }));
            } else {
                let usable = dir.usable_bytes.map_or_else(|| "-".to_owned(), size_of);
                rows.push(vec![
                    broker.to_string(),
                    dir.path.to_string(),
                    dir.replicas.len().to_string(),
                    size_of(size),
                    usable,
                ]);
            }
        }
    }
    let headings: &[&str] = if replicas {
        &["BROKER", "FOLDER", "PARTITION", "SIZE", "LAG"]
    } else {
        &["BROKER", "FOLDER", "REPLICAS", "SIZE", "FREE"]
    };
    output.table(headings, &rows, objects)
}

fn size_of(count: i64) -> String {
    bytes(u64::try_from(count).unwrap_or(0))
}
