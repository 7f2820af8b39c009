//! Kafka's `partition.metadata`: the topic's id, in each partition's folder.
//!
//! ```text
//! version: 0
//! topic_id: 5L6g3nShT-eMCtK--X86sw
//! ```

use std::io::ErrorKind;
use std::path::Path;

use base::TopicId;
use env::Disk;

use crate::checkpoint::replace_lazily;
use crate::error::{Context, Result};
use crate::names;

/// The topic's id; `None` when the file is not there or a crash left nothing readable in it.
pub(crate) fn read(disk: &dyn Disk, dir: &Path) -> Result<Option<TopicId>> {
    let path = dir.join(names::PARTITION_METADATA);
    let bytes = match disk.read(&path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        other => other.during("read", &path)?,
    };
    let text = String::from_utf8_lossy(&bytes);
    let id = text.lines().find_map(|line| line.strip_prefix("topic_id:"));
    Ok(id.and_then(|id| id.trim().parse().ok()).map(TopicId))
}

/// Writes the file; it becomes durable with the partition's first commit.
pub(crate) fn write(disk: &dyn Disk, dir: &Path, topic: TopicId) -> Result<()> {
    replace_lazily(disk, &dir.join(names::PARTITION_METADATA), text(topic).as_bytes())
}

/// Writes the file, durably.
pub(crate) fn write_durably(disk: &dyn Disk, dir: &Path, topic: TopicId) -> Result<()> {
    let path = dir.join(names::PARTITION_METADATA);
    disk.replace(&path, text(topic).as_bytes()).during("write", &path)
}

fn text(topic: TopicId) -> String {
    format!("version: 0\ntopic_id: {topic}\n")
}
