//! Up to where each partition of a log directory is clean: Kafka's `cleaner-offset-checkpoint`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::Offset;
use env::Disk;

use crate::checkpoint::{self, PartitionOffset};
use crate::error::{LogError, Result};

/// The checkpoint of one log directory. It may lag behind the truth: cleaning again what is clean does no harm.
#[derive(Debug)]
pub struct CleanerOffsets {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    offsets: BTreeMap<(String, i32), Offset>,
}

impl CleanerOffsets {
    /// Reads the file of `log_dir`; one that cannot be read as a checkpoint counts as none.
    pub fn load(disk: &Arc<dyn Disk>, log_dir: &Path) -> Result<Self> {
        let path = log_dir.join(checkpoint::CLEANED);
        let entries = match checkpoint::read_partitions(&**disk, &path) {
            Err(LogError::Corrupt { .. }) => Vec::new(),
            other => other?,
        };
        let offsets =
            entries.into_iter().map(|entry| ((entry.topic, entry.partition), entry.offset)).collect();
        Ok(Self { disk: Arc::clone(disk), path, offsets })
    }

    /// Up to where a partition is clean.
    #[must_use]
    pub fn get(&self, topic: &str, partition: i32) -> Option<Offset> {
        self.offsets.get(&(topic.to_owned(), partition)).copied()
    }

    /// A partition is clean below `offset`.
    pub fn set(&mut self, topic: &str, partition: i32, offset: Offset) -> Result<()> {
        let before = self.offsets.insert((topic.to_owned(), partition), offset);
        if before == Some(offset) { Ok(()) } else { self.store() }
    }

    /// A partition was truncated to `offset`.
    pub fn truncate(&mut self, topic: &str, partition: i32, offset: Offset) -> Result<()> {
        match self.get(topic, partition) {
            Some(clean) if clean > offset => self.set(topic, partition, offset),
            _ => Ok(()),
        }
    }

    /// A partition is gone from this directory.
    pub fn remove(&mut self, topic: &str, partition: i32) -> Result<()> {
        match self.offsets.remove(&(topic.to_owned(), partition)) {
            Some(_) => self.store(),
            None => Ok(()),
        }
    }

    fn store(&self) -> Result<()> {
        let entries: Vec<_> = self
            .offsets
            .iter()
            .map(|((topic, partition), offset)| PartitionOffset {
                topic: topic.clone(),
                partition: *partition,
                offset: *offset,
            })
            .collect();
        checkpoint::write_partitions(&*self.disk, &self.path, &entries)
    }
}
