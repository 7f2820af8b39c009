//! After a crash: copies that were being made go, and of two folders of one partition the one counts that it moved to.

use std::path::{Path, PathBuf};

use base::TopicIdPartition;
use env::Disk;

use super::notes::MoveNote;
use super::swap::folder_of_future;
use crate::dir::{LogDir, PartitionFolder, read_topic_id};
use crate::error::{Context, Result};
use crate::names;

/// A move that had been done but for its last steps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interrupted {
    /// The partition's folder.
    pub folder: String,
    /// Where it was.
    pub from: PathBuf,
    /// Where it is.
    pub to: PathBuf,
}

/// Removes the copies that were being made; the partitions that they were of.
pub(crate) fn remove_futures(disk: &dyn Disk, path: &Path) -> Result<Vec<PartitionFolder>> {
    let mut found = Vec::new();
    for entry in disk.list(path).during("list", path)? {
        let Some(folder) = folder_of_future(&entry.name).filter(|_| entry.is_dir) else { continue };
        let dir = path.join(&entry.name);
        disk.remove_dir_all(&dir).during("remove", &dir)?;
        let parsed = names::parse_partition_dir(folder);
        found.extend(parsed.map(|(topic, partition)| PartitionFolder { topic: topic.to_owned(), partition }));
    }
    Ok(found)
}

/// Ends the moves between these directories that a crash interrupted. Before any partition is opened.
pub fn settle_moves(dirs: &[&LogDir]) -> Result<Vec<Interrupted>> {
    let mut settled = Vec::new();
    for to in dirs {
        let mut over = Vec::new();
        for (key, note) in to.moves().all() {
            let from = dirs.iter().find(|dir| dir.id() == note.from);
            if !holds(to, key, &note)? {
                // The copy had not got its name yet.
                over.push(key);
            } else if let Some(from) = from {
                if holds(from, key, &note)? {
                    leave(from, key, &note)?;
                    let (from, to) = (from.path().to_owned(), to.path().to_owned());
                    settled.push(Interrupted { folder: note.folder.clone(), from, to });
                }
                over.push(key);
            }
        }
        to.moves().remove(&*to.context().disk, to.path(), &over)?;
    }
    Ok(settled)
}

fn holds(dir: &LogDir, key: TopicIdPartition, note: &MoveNote) -> Result<bool> {
    Ok(read_topic_id(&*dir.context().disk, &dir.path().join(&note.folder))? == Some(key.topic))
}

fn leave(from: &LogDir, key: TopicIdPartition, note: &MoveNote) -> Result<()> {
    let Some((topic, partition)) = names::parse_partition_dir(&note.folder) else { return Ok(()) };
    from.discard(&PartitionFolder { topic: topic.to_owned(), partition })?;
    from.forget(key);
    Ok(())
}
