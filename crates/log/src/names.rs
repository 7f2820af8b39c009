//! The names of files and folders, which are Kafka's.
//!
//! ```text
//! <log dir>/<topic>-<partition>/00000000000000000000.log        batches
//!                               00000000000000000000.index      offset → position
//!                               00000000000000000000.timeindex  timestamp → offset
//!                               00000000000000000000.txnindex   aborted transactions
//!                               00000000000000000000.snapshot   producer state before this offset
//!                               leader-epoch-checkpoint
//!                               partition.metadata              the topic's id
//! <log dir>/<topic>-<partition>.<unique>-delete | -future | -stray
//! ```

use std::path::{Path, PathBuf};

/// One of the files of a segment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// The batches.
    Log,
    /// The offset index.
    Index,
    /// The time index.
    TimeIndex,
    /// The transaction index.
    TxnIndex,
    /// The producers' state as it was before the segment's first offset.
    Snapshot,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Log, Self::Index, Self::TimeIndex, Self::TxnIndex, Self::Snapshot];

    /// What a segment consists of; the snapshot belongs to the offset, not to the segment that begins there.
    pub const WITHOUT_SNAPSHOT: [Self; 4] = [Self::Log, Self::Index, Self::TimeIndex, Self::TxnIndex];

    /// The file name's ending, with its dot.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Log => ".log",
            Self::Index => ".index",
            Self::TimeIndex => ".timeindex",
            Self::TxnIndex => ".txnindex",
            Self::Snapshot => ".snapshot",
        }
    }
}

/// Behind the ending of a file that waits for its deletion.
pub const DELETED: &str = ".deleted";
/// Behind the ending of a file that the cleaner is writing.
pub const CLEANED: &str = ".cleaned";
/// Behind the ending of a cleaned file that is complete and takes the place of others.
pub const SWAP: &str = ".swap";
/// Behind the name of a partition's folder that waits for its deletion.
pub const DELETE_DIR: &str = "-delete";
/// Behind the name of a partition's folder that is being filled from another log directory.
pub const FUTURE_DIR: &str = "-future";
/// Behind the name of a partition's folder that the cluster knows nothing of.
pub const STRAY_DIR: &str = "-stray";
/// In each partition's folder: which epoch began where.
pub const LEADER_EPOCHS: &str = "leader-epoch-checkpoint";
/// In each partition's folder: the topic's id.
pub const PARTITION_METADATA: &str = "partition.metadata";

/// The file of one kind in a segment that starts at `base`.
#[must_use]
pub fn segment_file(dir: &Path, base: i64, kind: Kind) -> PathBuf {
    dir.join(format!("{base:020}{}", kind.ending()))
}

/// The path with `suffix` behind it.
#[must_use]
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The name of a segment's file taken apart: base offset, kind, and what stands behind the ending (`""`, `.deleted`, …).
#[must_use]
pub fn parse_segment_file(name: &str) -> Option<(i64, Kind, &str)> {
    let (digits, rest) = name.split_at_checked(20)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let base = digits.parse().ok()?;
    Kind::ALL.into_iter().find_map(|kind| {
        let suffix = rest.strip_prefix(kind.ending())?;
        matches!(suffix, "" | DELETED | CLEANED | SWAP).then_some((base, kind, suffix))
    })
}

/// A partition's folder.
#[must_use]
pub fn partition_dir(topic: &str, partition: i32) -> String {
    format!("{topic}-{partition}")
}

/// The name that a partition's folder gets when it goes: `<topic>-<partition>.<32 hex digits><ending>`.
///
/// As in Kafka the topic is cut short where the whole would exceed 255 bytes.
#[must_use]
pub fn departing_dir(name: &str, unique: u128, ending: &str) -> String {
    let suffix = format!(".{unique:032x}{ending}");
    let room = 255_usize.saturating_sub(suffix.len());
    format!("{}{suffix}", name.get(..room).unwrap_or(name))
}

/// A folder's name taken apart into topic and partition, if it is a partition's.
#[must_use]
pub fn parse_partition_dir(name: &str) -> Option<(&str, i32)> {
    let (topic, partition) = name.rsplit_once('-')?;
    let digits = !partition.is_empty() && partition.bytes().all(|byte| byte.is_ascii_digit());
    (digits && !topic.is_empty()).then(|| partition.parse().ok().map(|partition| (topic, partition)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segment_names_are_taken_apart() {
        for (name, expected) in [
            ("00000000000000000000.log", Some((0, Kind::Log, ""))),
            ("00000000000000012345.timeindex", Some((12345, Kind::TimeIndex, ""))),
            ("00000000000000012345.index.deleted", Some((12345, Kind::Index, DELETED))),
            ("00000000000000012345.log.swap", Some((12345, Kind::Log, SWAP))),
            ("00000000000000012345.log.other", None),
            ("0000000000000012345.log", None),
            ("leader-epoch-checkpoint", None),
            ("0000000000000001234é.log", None),
        ] {
            assert_eq!(parse_segment_file(name), expected, "{name}");
        }
    }

    #[test]
    fn folder_names_are_taken_apart() {
        for (name, expected) in [
            ("orders-0", Some(("orders", 0))),
            ("a-b-12", Some(("a-b", 12))),
            ("orders-", None),
            ("-1", None),
            ("orders-0.uuid-delete", None),
            ("orders-99999999999", None),
        ] {
            assert_eq!(parse_partition_dir(name), expected, "{name}");
        }
    }
}
