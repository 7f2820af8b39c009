//! `mekong cluster quorum | add-voter | remove-voter | forget-broker`: who votes on the metadata, changed while it runs.

use base::Uuid;
use client::{Address, Admin};
use serde_json::json;

use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Shows the quorum.
pub async fn show(admin: &Admin, output: &Output) -> Outcome {
    let quorum = admin.describe_quorum().await?;
    let row = |member: &client::admin::QuorumMember| {
        let part = match (quorum.leader == Some(member.id) && member.votes, member.votes) {
            (true, _) => "leader",
            (_, true) => "voter",
            (_, false) => "observer",
        };
        let lag = if member.end_offset < 0 {
            "-".to_owned()
        } else {
            (quorum.high_watermark - member.end_offset).max(0).to_string()
        };
        let address = member.address.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        vec![member.id.to_string(), member.directory.to_string(), part.to_owned(), address, lag]
    };
    let rows: Vec<Vec<String>> = quorum.members.iter().map(row).collect();
    let objects = quorum.members.iter().map(|member| {
        json!({
            "id": member.id, "directory": member.directory.to_string(), "votes": member.votes,
            "leader": quorum.leader == Some(member.id) && member.votes, "end_offset": member.end_offset,
            "address": member.address.as_ref().map(ToString::to_string),
        })
    });
    output.note(format!("epoch {}, committed up to {}", quorum.epoch, quorum.high_watermark));
    output.table(&["NODE", "DIRECTORY", "PART", "ADDRESS", "LAG"], &rows, objects)
}

/// Gives an observer a vote.
pub async fn add(
    admin: &Admin,
    id: i32,
    address: &str,
    directory: Option<String>,
    output: &Output,
) -> Outcome {
    let address = address_of(address)?;
    let directory = match directory {
        Some(text) => directory_of(&text)?,
        None => sole(admin, id, false).await?,
    };
    admin.add_voter(id, directory, &address).await?;
    output.either(format!("node {id} votes"), &json!({ "voter": id, "directory": directory.to_string() }))
}

/// Takes a node's vote.
pub async fn remove(admin: &Admin, id: i32, directory: Option<String>, output: &Output) -> Outcome {
    let directory = match directory {
        Some(text) => directory_of(&text)?,
        None => sole(admin, id, true).await?,
    };
    admin.remove_voter(id, directory).await?;
    output.either(
        format!("node {id} votes no more"),
        &json!({ "removed": id, "directory": directory.to_string() }),
    )
}

/// Takes a broker off the books.
pub async fn forget(admin: &Admin, id: i32, output: &Output) -> Outcome {
    admin.unregister_broker(id).await?;
    output.either(format!("broker {id} is forgotten"), &json!({ "unregistered": id }))
}

/// The one directory of a node that votes, or does not.
async fn sole(admin: &Admin, id: i32, votes: bool) -> Outcome<Uuid> {
    let quorum = admin.describe_quorum().await?;
    let mut found = quorum.members.iter().filter(|member| member.id == id && member.votes == votes);
    match (found.next(), found.next()) {
        (Some(member), None) => Ok(member.directory),
        (None, _) if votes => {
            Err(Failure::new(format!("node {id} does not vote; see `mekong cluster quorum`")))
        }
        (None, _) => Err(Failure::new(format!(
            "node {id} is no observer: start it with controller.quorum.bootstrap.servers first; see `mekong cluster quorum`"
        ))),
        (Some(_), Some(_)) => {
            Err(Failure::new(format!("node {id} has several directories; name one with --directory")))
        }
    }
}

fn address_of(text: &str) -> Outcome<Address> {
    let wrong =
        || Failure::new(format!("{text} is no address; write HOST:PORT of the node's controller listener"));
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(Address { host, port: port.parse().map_err(|_| wrong())? })
}

fn directory_of(text: &str) -> Outcome<Uuid> {
    text.parse().map_err(|_| Failure::new(format!("{text} is no directory id; see `mekong cluster quorum`")))
}
