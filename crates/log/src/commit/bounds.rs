//! What is known of each partition of a directory without opening its folder: recovery point, log start, high watermark.
//!
//! Kept in Kafka's checkpoint files. The recovery points and log starts of partitions that the commit log speaks of are written
//! when a generation is released; the rest is as it was read.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base::Offset;
use env::Disk;

use super::Replayed;
use crate::checkpoint::{self, PartitionOffset};
use crate::error::Result;
use crate::names;

type ByFolder = BTreeMap<String, i64>;

/// The checkpoint files of a directory, as they stand or are about to be written. Keys are names of folders.
#[derive(Debug, Default)]
pub(crate) struct Bounds(Mutex<Maps>);

#[derive(Debug, Default)]
pub(crate) struct Maps {
    pub recovery_points: ByFolder,
    pub log_starts: ByFolder,
    pub high_watermarks: ByFolder,
}

impl Maps {
    pub fn forget(&mut self, folder: &str) {
        self.recovery_points.remove(folder);
        self.log_starts.remove(folder);
        self.high_watermarks.remove(folder);
    }
}

impl Bounds {
    pub fn read(disk: &dyn Disk, dir: &Path) -> Result<Self> {
        let read = |name| -> Result<ByFolder> {
            let entries = checkpoint::read_partitions(disk, &dir.join(name))?;
            Ok(entries
                .into_iter()
                .map(|entry| (names::partition_dir(&entry.topic, entry.partition), entry.offset.0))
                .collect())
        };
        Ok(Self(Mutex::new(Maps {
            recovery_points: read(checkpoint::RECOVERY_POINTS)?,
            log_starts: read(checkpoint::LOG_STARTS)?,
            high_watermarks: read(checkpoint::HIGH_WATERMARKS)?,
        })))
    }

    /// Takes over what a replay knows: where logs start, and that deleted partitions are gone.
    pub fn take_over(&self, replayed: &Replayed) {
        let mut maps = self.lock();
        for known in replayed.known.values() {
            if let Some(start) = known.log_start {
                let held = maps.log_starts.entry(known.folder.clone()).or_default();
                *held = start.0.max(*held);
            }
        }
        for folder in &replayed.deleted {
            maps.forget(folder);
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Maps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes recovery points and log starts, durably.
    pub fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<()> {
        let (recovery_points, log_starts) = {
            let maps = self.lock();
            (entries(&maps.recovery_points), entries(&maps.log_starts))
        };
        checkpoint::write_partitions(disk, &dir.join(checkpoint::LOG_STARTS), &log_starts)?;
        checkpoint::write_partitions(disk, &dir.join(checkpoint::RECOVERY_POINTS), &recovery_points)
    }

    /// Writes the high watermarks, durably.
    pub fn write_high_watermarks(&self, disk: &dyn Disk, dir: &Path) -> Result<()> {
        let high_watermarks = entries(&self.lock().high_watermarks);
        checkpoint::write_partitions(disk, &dir.join(checkpoint::HIGH_WATERMARKS), &high_watermarks)
    }
}

fn entries(map: &ByFolder) -> Vec<PartitionOffset> {
    let parse = |(folder, offset): (&String, &i64)| {
        let (topic, partition) = names::parse_partition_dir(folder)?;
        Some(PartitionOffset { topic: topic.to_owned(), partition, offset: Offset(*offset) })
    };
    map.iter().filter_map(parse).collect()
}
