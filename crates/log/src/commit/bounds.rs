//! What is known of each partition of a directory without opening its folder: recovery point, log start, high watermark.
//!
//! Kept in a file of our own, since Kafka's checkpoints name topics and not their ids: what they say of a topic that was
//! deleted would be taken for its namesake's. They are written too, at a stop in order, for whoever reads them.
//!
//! ```text
//! mekong-bounds: magic "MKBOUNDS" │ version u32 = 1 │ count u32 │ entries │ crc64 u64 of all before
//! entry: topic id 16 │ partition i32 │ recovery point i64 │ log start i64 │ high watermark i64 │ name's length u16 │ folder's name
//! ```

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base::{Offset, TopicId, TopicIdPartition, Uuid};
use env::Disk;

use super::Replayed;
use super::file::crc64;
use crate::checkpoint::{self, PartitionOffset};
use crate::error::{Context, LogError, Result};
use crate::names;
use crate::planted::{self, Bug};

const NAME: &str = "mekong-bounds";
const MAGIC: [u8; 8] = *b"MKBOUNDS";
const VERSION: u32 = 1;

/// What is known of one partition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Bound {
    pub folder: String,
    pub recovery_point: i64,
    pub log_start: i64,
    pub high_watermark: i64,
}

/// The partitions of a directory that anything is known of.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    bounds: Mutex<BTreeMap<TopicIdPartition, Bound>>,
    complete: bool,
    /// Held while the file is written, so that nobody replaces it by what was true before.
    writing: Mutex<()>,
}

impl Bounds {
    /// The bounds of a new directory.
    pub fn of_new() -> Self {
        Self { complete: true, ..Self::default() }
    }

    /// Whether nothing is missing: a partition that is not here has no log start but 0.
    pub fn are_complete(&self) -> bool {
        self.complete
    }

    /// What the last process wrote; nothing when the file is not there.
    pub fn read(disk: &dyn Disk, dir: &Path) -> Result<Self> {
        let path = dir.join(NAME);
        let bytes = match disk.read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            other => other.during("read", &path)?,
        };
        let corrupt =
            |reason| LogError::Corrupt { path: path.clone(), position: 0, offset: Offset(-1), reason };
        let bounds = decode(&bytes).map_err(corrupt)?;
        Ok(Self { bounds: Mutex::new(bounds), complete: true, ..Self::default() })
    }

    /// Takes over what a replay knows: where logs start, and that deleted partitions are gone.
    pub fn take_over(&self, replayed: &Replayed) {
        for (key, known) in &replayed.known {
            if let Some(start) = known.log_start {
                self.update(*key, &known.folder, |bound| {
                    let before = if known.restarted { 0 } else { bound.log_start };
                    bound.log_start = before.max(start.0);
                });
            }
            if let Some(end) = known.truncated.filter(|_| !planted::has(Bug::RecoveryPointAboveTruncation)) {
                self.update(*key, &known.folder, |bound| {
                    bound.recovery_point = bound.recovery_point.min(end.0)
                });
            }
        }
        replayed.deleted.iter().for_each(|(key, _)| self.forget(*key));
    }

    /// Forgets the partitions whose folder is not among these; whether there were any.
    pub fn keep(&self, is_there: impl Fn(&str) -> bool) -> bool {
        let mut bounds = self.lock();
        let before = bounds.len();
        bounds.retain(|_, bound| is_there(&bound.folder));
        bounds.len() < before
    }

    pub fn get(&self, key: TopicIdPartition) -> Option<Bound> {
        self.lock().get(&key).cloned()
    }

    pub fn update(&self, key: TopicIdPartition, folder: &str, change: impl FnOnce(&mut Bound)) {
        let mut bounds = self.lock();
        change(bounds.entry(key).or_insert_with(|| Bound { folder: folder.to_owned(), ..Bound::default() }));
    }

    pub fn forget(&self, key: TopicIdPartition) {
        self.lock().remove(&key);
    }

    /// Writes our file, durably.
    pub fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<()> {
        let path = dir.join(NAME);
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = encode(&self.lock());
        disk.replace(&path, &bytes).during("write", &path)
    }

    /// Writes Kafka's files, durably.
    pub fn write_checkpoints(&self, disk: &dyn Disk, dir: &Path) -> Result<()> {
        let bounds = self.lock().clone();
        let write = |name, offset: fn(&Bound) -> i64, from: i64| {
            let entries = bounds.values().filter(|bound| offset(bound) >= from).filter_map(|bound| {
                let (topic, partition) = names::parse_partition_dir(&bound.folder)?;
                Some(PartitionOffset { topic: topic.to_owned(), partition, offset: Offset(offset(bound)) })
            });
            checkpoint::write_partitions(disk, &dir.join(name), &entries.collect::<Vec<_>>())
        };
        write(checkpoint::RECOVERY_POINTS, |bound| bound.recovery_point, 0)?;
        write(checkpoint::LOG_STARTS, |bound| bound.log_start, 1)?;
        write(checkpoint::HIGH_WATERMARKS, |bound| bound.high_watermark, 0)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TopicIdPartition, Bound>> {
        self.bounds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encode(bounds: &BTreeMap<TopicIdPartition, Bound>) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    bytes.extend_from_slice(&(bounds.len() as u32).to_be_bytes());
    for (key, bound) in bounds {
        bytes.extend_from_slice(&key.topic.0.0);
        bytes.extend_from_slice(&key.partition.to_be_bytes());
        for number in [bound.recovery_point, bound.log_start, bound.high_watermark] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&(bound.folder.len() as u16).to_be_bytes());
        bytes.extend_from_slice(bound.folder.as_bytes());
    }
    let check = crc64(&bytes);
    bytes.extend_from_slice(&check.to_be_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Result<BTreeMap<TopicIdPartition, Bound>, &'static str> {
    let (before, check) = bytes.split_last_chunk().ok_or("it is cut off")?;
    if crc64(before) != u64::from_be_bytes(*check) {
        return Err("its checksum does not match");
    }
    let rest = before.strip_prefix(&MAGIC).ok_or("it is of another kind")?;
    let (version, rest) = rest.split_first_chunk().ok_or("it is cut off")?;
    if u32::from_be_bytes(*version) != VERSION {
        return Err("a later version of Mekong wrote it");
    }
    let (count, mut rest) = rest.split_first_chunk().ok_or("it is cut off")?;
    let mut bounds = BTreeMap::new();
    for _ in 0..u32::from_be_bytes(*count) {
        let (key, bound) = decode_entry(&mut rest).ok_or("an entry is cut off")?;
        bounds.insert(key, bound);
    }
    Ok(bounds)
}

fn decode_entry(rest: &mut &[u8]) -> Option<(TopicIdPartition, Bound)> {
    let topic = TopicId(Uuid(take(rest)?));
    let partition = i32::from_be_bytes(take(rest)?);
    let recovery_point = i64::from_be_bytes(take(rest)?);
    let log_start = i64::from_be_bytes(take(rest)?);
    let high_watermark = i64::from_be_bytes(take(rest)?);
    let len = u16::from_be_bytes(take(rest)?);
    let (folder, behind) = rest.split_at_checked(usize::from(len))?;
    *rest = behind;
    let folder = String::from_utf8(folder.to_vec()).ok()?;
    Some((TopicIdPartition { topic, partition }, Bound { folder, recovery_point, log_start, high_watermark }))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (field, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_come_back_and_notice_every_change() {
        let key = |partition| TopicIdPartition { topic: TopicId(Uuid([3; 16])), partition };
        let bound = Bound { folder: "orders-0".into(), recovery_point: 7, log_start: 2, high_watermark: 5 };
        let bounds =
            BTreeMap::from([(key(0), bound.clone()), (key(9), Bound { folder: "ö-9".into(), ..bound })]);
        let bytes = encode(&bounds);
        assert_eq!(decode(&bytes), Ok(bounds));
        for place in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[place] ^= 2;
            assert!(decode(&bad).is_err() && decode(&bytes[..place]).is_err());
        }
    }
}
