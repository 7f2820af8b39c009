//! The records of `__consumer_offsets`, byte for byte as Apache Kafka 4.3 writes them and as every version wrote them.
//!
//! ```text
//! key   ::= type:i16 fields            type 0 or 1 = offset commit, 2 = group metadata (classic),
//! value ::= version:i16 fields | null  3–8 consumer groups, 9–16 share and others, 17–… streams groups
//! ```
//!
//! A null value is a tombstone. Types that this version of Mekong does not serve are named, not decoded: they stay in the log.

pub(crate) mod bytes;
mod group_metadata;
mod offset_commit;

use ::bytes::Bytes;
use base::Str;

use self::bytes::{Malformed, Reader, Writer};
pub use group_metadata::{GroupMetadataValue, MemberMetadata};
pub use offset_commit::OffsetCommitValue;

/// One record of the log of groups.
#[derive(Clone, PartialEq, Debug)]
pub enum GroupRecord {
    /// What a group committed for a partition; no value drops it.
    OffsetCommit {
        /// The group's id.
        group: Str,
        /// The topic's name, as Kafka's key has it; its id stands in the value.
        topic: Str,
        /// The partition's index.
        partition: i32,
        /// The commit.
        value: Option<OffsetCommitValue>,
    },
    /// A classic group's generation with its members; no value drops the group.
    GroupMetadata {
        /// The group's id.
        group: Str,
        /// The generation.
        value: Option<GroupMetadataValue>,
    },
}

/// What a key and value of the log say.
#[derive(Clone, PartialEq, Debug)]
pub enum Decoded {
    /// A record that Mekong serves.
    Record(GroupRecord),
    /// A key of a type that it does not serve; to be kept in the log and skipped.
    Unknown(i16),
}

/// A record of a type that is served, whose bytes do not follow its format.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MalformedRecord {
    /// `OffsetCommitKey` and the like: Kafka's name of the format that is broken.
    pub format: &'static str,
}

impl core::fmt::Display for MalformedRecord {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "the bytes of a {} do not follow its format", self.format)
    }
}

impl core::error::Error for MalformedRecord {}

const LEGACY_OFFSET_COMMIT: i16 = 0;
const OFFSET_COMMIT: i16 = 1;
const GROUP_METADATA: i16 = 2;

impl GroupRecord {
    /// The key's bytes, which compaction goes by.
    pub fn key(&self) -> Bytes {
        match self {
            Self::OffsetCommit { group, topic, partition, .. } => {
                let mut writer = Writer::new(OFFSET_COMMIT);
                writer.text(group);
                writer.text(topic);
                writer.i32(*partition);
                writer.finish()
            }
            Self::GroupMetadata { group, .. } => {
                let mut writer = Writer::new(GROUP_METADATA);
                writer.text(group);
                writer.finish()
            }
        }
    }

    /// The value's bytes; none is a tombstone.
    pub fn value(&self) -> Option<Bytes> {
        match self {
            Self::OffsetCommit { value, .. } => value.as_ref().map(OffsetCommitValue::encode),
            Self::GroupMetadata { value, .. } => value.as_ref().map(GroupMetadataValue::encode),
        }
    }

    /// The group that the record belongs to.
    pub fn group(&self) -> &Str {
        match self {
            Self::OffsetCommit { group, .. } | Self::GroupMetadata { group, .. } => group,
        }
    }

    /// Reads a record; texts and bytes are copied out, so that the batch they came in can go.
    pub fn decode(key: Bytes, value: Option<Bytes>) -> Result<Decoded, MalformedRecord> {
        let mut key = Reader::new(key);
        match key.i16().map_err(broken("key"))? {
            LEGACY_OFFSET_COMMIT | OFFSET_COMMIT => {
                decode_offset_commit(&mut key, value).map(Decoded::Record)
            }
            GROUP_METADATA => decode_group_metadata(&mut key, value).map(Decoded::Record),
            unknown => Ok(Decoded::Unknown(unknown)),
        }
    }
}

fn decode_offset_commit(key: &mut Reader, value: Option<Bytes>) -> Result<GroupRecord, MalformedRecord> {
    let mut read = || Ok((key.text()?, key.text()?, key.i32()?));
    let (group, topic, partition) = read().map_err(broken("OffsetCommitKey"))?;
    let value = value.map(OffsetCommitValue::decode).transpose().map_err(broken("OffsetCommitValue"))?;
    Ok(GroupRecord::OffsetCommit { group, topic, partition, value })
}

fn decode_group_metadata(key: &mut Reader, value: Option<Bytes>) -> Result<GroupRecord, MalformedRecord> {
    let group = key.text().map_err(broken("GroupMetadataKey"))?;
    let value = value.map(GroupMetadataValue::decode).transpose().map_err(broken("GroupMetadataValue"))?;
    Ok(GroupRecord::GroupMetadata { group, value })
}

fn broken(format: &'static str) -> impl FnOnce(Malformed) -> MalformedRecord {
    move |_| MalformedRecord { format }
}

#[cfg(test)]
mod tests;
