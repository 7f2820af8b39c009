//! `mekong group …`

use std::collections::{BTreeMap, HashMap};

use client::admin::{CommittedOffset, GroupDescription, MemberDescription, OffsetSpec};
use client::{Admin, TopicPartition};
use serde_json::json;

use crate::ask::Consent;
use crate::connect::Connect;
use crate::failure::{Failure, Outcome};
use crate::output::{Output, thousands};
use crate::time;

/// `mekong group …`
#[derive(clap::Subcommand)]
pub enum Command {
    /// List groups.
    #[command(visible_alias = "ls")]
    List,
    /// Show members, offsets and lag of groups.
    Describe {
        /// Their ids.
        #[arg(required = true)]
        groups: Vec<String>,
        /// Members with what they read, instead of offsets.
        #[arg(long, short)]
        members: bool,
    },
    /// Set the offsets of a group that has no members.
    Reset {
        /// Its id.
        group: String,
        /// A topic, or one partition of it as TOPIC:PARTITION; all the group has offsets for if none is given.
        #[arg(long, short)]
        topic: Vec<String>,
        /// beginning, end, current, an offset, +N or -N from where it is, or @TIME.
        #[arg(long, allow_hyphen_values = true)]
        to: String,
        /// Only show what would be set.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        consent: Consent,
    },
    /// Delete groups with their offsets, or the offsets of some topics.
    #[command(visible_alias = "rm")]
    Delete {
        /// Their ids.
        #[arg(required = true)]
        groups: Vec<String>,
        /// Forget only the offsets of this topic. May be given many times.
        #[arg(long, short)]
        topic: Vec<String>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Remove members from a group.
    Remove {
        /// Its id.
        group: String,
        /// Their ids or instance ids; all of them if none is given.
        members: Vec<String>,
        #[command(flatten)]
        consent: Consent,
    },
}

/// Runs it.
pub async fn run(command: Command, connect: &Connect, output: &Output) -> Outcome {
    let admin = connect.client().await?.admin();
    match command {
        Command::List => list(&admin, output).await,
        Command::Describe { groups, members } => {
            for group in groups {
                describe(&admin, &group, members, output).await?;
            }
            Ok(())
        }
        Command::Reset { group, topic, to, dry_run, consent } => {
            reset(&admin, &group, &topic, &to, dry_run, consent, output).await
        }
        Command::Delete { groups, topic, consent } => delete(&admin, &groups, &topic, consent, output).await,
        Command::Remove { group, members, consent } => {
            remove(&admin, &group, &members, consent, output).await
        }
    }
}

async fn list(admin: &Admin, output: &Output) -> Outcome {
    let groups = admin.list_groups().await?;
    let row = |group: &client::admin::ListedGroup| {
        vec![
            group.id.to_string(),
            group.state.to_string(),
            group.kind.to_string(),
            group.protocol_type.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = groups.iter().map(row).collect();
    let objects = groups.iter().map(|group| {
        json!({
            "group": group.id.as_str(), "state": group.state.as_str(), "type": group.kind.as_str(),
            "protocol_type": group.protocol_type.as_str(),
        })
    });
    output.table(&["GROUP", "STATE", "TYPE", "PROTOCOL"], &rows, objects)
}

async fn describe(admin: &Admin, id: &str, members: bool, output: &Output) -> Outcome {
    let group = admin.describe_group(id).await?;
    if group.state == "Dead" {
        return Err(Failure::new(format!("there is no group `{id}`"))
            .advise("`mekong group list` shows what there is."));
    }
    let committed = admin.group_offsets(id).await?;
    let ends = ends(admin, committed.keys().cloned()).await?;
    if output.is_json() {
        return output.value(&as_json(&group, &committed, &ends));
    }
    let coordinator = group.coordinator.map_or_else(|| "?".to_owned(), |id| id.to_string());
    output.line(format!(
        "{id}  {}  {} members  assignor {}  coordinator {coordinator}",
        group.state,
        group.members.len(),
        if group.protocol.is_empty() { "-" } else { &group.protocol },
    ))?;
    if members {
        describe_members(&group, output)
    } else {
        describe_offsets(&group, &committed, &ends, output)
    }
}

fn as_json(
    group: &GroupDescription,
    committed: &HashMap<TopicPartition, CommittedOffset>,
    ends: &HashMap<TopicPartition, i64>,
) -> serde_json::Value {
    let members = group.members.iter().map(|member| {
        let partitions: Vec<String> = member.partitions.iter().map(ToString::to_string).collect();
        json!({
            "member_id": member.member_id.as_str(), "instance_id": member.instance_id.as_deref(),
            "client_id": member.client_id.as_str(), "host": member.host.as_str(), "partitions": partitions,
        })
    });
    let sorted: BTreeMap<&TopicPartition, &CommittedOffset> = committed.iter().collect();
    let offsets = sorted.into_iter().map(|(partition, committed)| {
        let end = ends.get(partition).copied();
        json!({
            "topic": partition.topic.as_str(), "partition": partition.partition, "offset": committed.offset,
            "metadata": committed.metadata.as_str(), "end": end, "lag": end.map(|end| (end - committed.offset).max(0)),
        })
    });
    json!({
        "group": group.id.as_str(), "state": group.state.as_str(), "assignor": group.protocol.as_str(),
        "coordinator": group.coordinator, "members": members.collect::<Vec<_>>(), "offsets": offsets.collect::<Vec<_>>(),
    })
}

fn describe_members(group: &GroupDescription, output: &Output) -> Outcome {
    let row = |member: &MemberDescription| {
        let partitions: Vec<String> = member.partitions.iter().map(ToString::to_string).collect();
        vec![
            member.member_id.to_string(),
            member.instance_id.as_deref().unwrap_or("-").to_owned(),
            member.client_id.to_string(),
            member.host.to_string(),
            partitions.join(" "),
        ]
    };
    let rows: Vec<Vec<String>> = group.members.iter().map(row).collect();
    output.table(&["MEMBER", "INSTANCE", "CLIENT", "HOST", "PARTITIONS"], &rows, [])
}

fn describe_offsets(
    group: &GroupDescription,
    committed: &HashMap<TopicPartition, CommittedOffset>,
    ends: &HashMap<TopicPartition, i64>,
    output: &Output,
) -> Outcome {
    let owners: BTreeMap<&TopicPartition, &MemberDescription> = group
        .members
        .iter()
        .flat_map(|member| member.partitions.iter().map(move |partition| (partition, member)))
        .collect();
    let mut partitions: Vec<&TopicPartition> = committed.keys().chain(owners.keys().copied()).collect();
    partitions.sort();
    partitions.dedup();
    let show = |number: Option<i64>| number.map_or_else(|| "-".to_owned(), thousands);
    let row = |partition: &&TopicPartition| {
        let offset = committed.get(*partition).map(|committed| committed.offset);
        let end = ends.get(*partition).copied();
        let lag = offset.zip(end).map(|(offset, end)| (end - offset).max(0));
        vec![
            partition.topic.to_string(),
            partition.partition.to_string(),
            show(offset),
            show(end),
            show(lag),
            owners.get(*partition).map_or_else(|| "-".to_owned(), |member| member.client_id.to_string()),
        ]
    };
    let rows: Vec<Vec<String>> = partitions.iter().map(row).collect();
    output.table(&["TOPIC", "PARTITION", "OFFSET", "END", "LAG", "CLIENT"], &rows, [])
}

/// The ends of those partitions that exist.
pub async fn ends(
    admin: &Admin,
    partitions: impl Iterator<Item = TopicPartition>,
) -> Outcome<HashMap<TopicPartition, i64>> {
    let found = admin.list_offsets(partitions.map(|partition| (partition, OffsetSpec::Latest))).await?;
    Ok(found.into_iter().filter_map(|(partition, found)| Some((partition, found.ok()?.offset))).collect())
}

enum To {
    Spec(OffsetSpec),
    Current,
    Offset(i64),
    Shift(i64),
}

fn parse_to(text: &str) -> Outcome<To> {
    let wrong = || {
        Failure::new(format!("`{text}` is no offset"))
            .advise("Write beginning, end, current, 42, +10, -10 or @2026-01-31T12:00:00Z.")
    };
    Ok(match text {
        "beginning" | "earliest" => To::Spec(OffsetSpec::Earliest),
        "end" | "latest" => To::Spec(OffsetSpec::Latest),
        "current" => To::Current,
        _ if text.starts_with('@') => {
            let when = text.trim_start_matches('@');
            To::Spec(OffsetSpec::Timestamp(time::parse(when, time::now_ms()).ok_or_else(wrong)?))
        }
        _ if text.starts_with(['+', '-']) => To::Shift(text.parse().map_err(|_| wrong())?),
        _ => To::Offset(text.parse().map_err(|_| wrong())?),
    })
}

/// The partitions meant: those named, or all that the group has offsets for.
async fn meant(
    admin: &Admin,
    topics: &[String],
    committed: &HashMap<TopicPartition, CommittedOffset>,
) -> Outcome<Vec<TopicPartition>> {
    let mut partitions: Vec<TopicPartition> = Vec::new();
    for topic in topics {
        match topic
            .rsplit_once(':')
            .and_then(|(topic, partition)| Some((topic, partition.parse::<i32>().ok()?)))
        {
            Some((topic, partition)) => partitions.push(TopicPartition::new(topic, partition)),
            None => {
                let view = admin.describe_topic(topic).await?;
                partitions.extend(
                    view.partitions.keys().map(|partition| TopicPartition::new(topic.as_str(), *partition)),
                );
            }
        }
    }
    if topics.is_empty() {
        partitions.extend(committed.keys().cloned());
    }
    partitions.sort();
    partitions.dedup();
    Ok(partitions)
}

async fn reset(
    admin: &Admin,
    group: &str,
    topics: &[String],
    to: &str,
    dry_run: bool,
    consent: Consent,
    output: &Output,
) -> Outcome {
    let to = parse_to(to)?;
    let committed = admin.group_offsets(group).await?;
    let partitions = meant(admin, topics, &committed).await?;
    if partitions.is_empty() {
        return Err(
            Failure::new(format!("group `{group}` has no offsets")).advise("Name topics with --topic.")
        );
    }
    let begin = admin.list_offsets(partitions.iter().map(|tp| (tp.clone(), OffsetSpec::Earliest))).await?;
    let end = admin.list_offsets(partitions.iter().map(|tp| (tp.clone(), OffsetSpec::Latest))).await?;
    let found = match &to {
        To::Spec(spec) => admin.list_offsets(partitions.iter().map(|tp| (tp.clone(), *spec))).await?,
        _ => HashMap::new(),
    };
    let mut fresh = Vec::new();
    for partition in partitions {
        let bound =
            |bounds: &HashMap<TopicPartition, Result<client::admin::FoundOffset, client::AdminError>>| {
                bounds.get(&partition).cloned().transpose().map(|found| found.map_or(0, |found| found.offset))
            };
        let (first, last) = (bound(&begin)?, bound(&end)?);
        let now = committed.get(&partition).map(|committed| committed.offset);
        let wanted = match &to {
            To::Spec(_) => Some(bound(&found)?).filter(|offset| *offset >= 0).unwrap_or(last),
            To::Current => now.unwrap_or(last),
            To::Offset(offset) => *offset,
            To::Shift(by) => now.unwrap_or(last).saturating_add(*by),
        };
        fresh.push((partition, now, wanted.clamp(first, last)));
    }
    show_reset(&fresh, output)?;
    if dry_run {
        return Ok(());
    }
    consent.to(&format!("Set {} offsets of group `{group}`", fresh.len()))?;
    Ok(admin
        .set_group_offsets(group, fresh.into_iter().map(|(partition, _, offset)| (partition, offset)))
        .await?)
}

fn show_reset(fresh: &[(TopicPartition, Option<i64>, i64)], output: &Output) -> Outcome {
    let row = |(partition, now, wanted): &(TopicPartition, Option<i64>, i64)| {
        vec![
            partition.topic.to_string(),
            partition.partition.to_string(),
            now.map_or_else(|| "-".to_owned(), thousands),
            thousands(*wanted),
        ]
    };
    let rows: Vec<Vec<String>> = fresh.iter().map(row).collect();
    let objects = fresh.iter().map(|(partition, now, wanted)| {
        json!({ "topic": partition.topic.as_str(), "partition": partition.partition, "from": now, "to": wanted })
    });
    output.table(&["TOPIC", "PARTITION", "FROM", "TO"], &rows, objects)
}

async fn delete(
    admin: &Admin,
    groups: &[String],
    topics: &[String],
    consent: Consent,
    output: &Output,
) -> Outcome {
    if topics.is_empty() {
        consent.to(&format!("Delete {} with all offsets", groups.join(", ")))?;
    } else {
        consent.to(&format!("Forget the offsets of {} for {}", groups.join(", "), topics.join(", ")))?;
    }
    for group in groups {
        if topics.is_empty() {
            admin.delete_group(group).await?;
        } else {
            let committed = admin.group_offsets(group).await?;
            admin.delete_group_offsets(group, meant(admin, topics, &committed).await?).await?;
        }
        output.either(format!("{group} deleted"), &json!({ "group": group, "deleted": true }))?;
    }
    Ok(())
}

async fn remove(admin: &Admin, id: &str, names: &[String], consent: Consent, output: &Output) -> Outcome {
    let group = admin.describe_group(id).await?;
    let is_meant = |member: &MemberDescription| {
        let is_named =
            |name: &String| member.member_id == name.as_str() || member.instance_id.as_deref() == Some(name);
        names.is_empty() || names.iter().any(is_named)
    };
    let members: Vec<MemberDescription> = group.members.into_iter().filter(is_meant).collect();
    if members.is_empty() {
        return Err(Failure::new(format!("group `{id}` has no such member"))
            .advise("`mekong group describe -m` shows them."));
    }
    consent.to(&format!("Remove {} members from group `{id}`", members.len()))?;
    admin.remove_members(id, &members).await?;
    output.either(
        format!("{} members removed", members.len()),
        &json!({ "group": id, "removed": members.len() }),
    )
}
