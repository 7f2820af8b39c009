//! `OffsetCommitValue`: the offset that a group committed for a partition.
//!
//! ```text
//! v0    offset:i64 metadata:string commit_timestamp:i64
//! v1    … expire_timestamp:i64          (written only where the client asked for a retention of its own, OffsetCommit 2–4)
//! v2    as v0
//! v3    offset:i64 leader_epoch:i32 metadata:string commit_timestamp:i64
//! v4    as v3, flexible; tag 0 = topic_id:uuid
//! ```

use base::{Str, TopicId, Uuid};
use bytes::{BufMut, Bytes};

use super::bytes::{Malformed, Reader, Writer};

/// What a group committed for one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetCommitValue {
    /// The next offset to read.
    pub offset: i64,
    /// The leader epoch of the last record read (KIP-320); -1 is unknown.
    pub leader_epoch: i32,
    /// Whatever the client wants to find again.
    pub metadata: Str,
    /// When it was committed, in milliseconds since 1970.
    pub commit_timestamp_ms: i64,
    /// When it expires, if the client asked for a retention of its own, in milliseconds since 1970.
    pub expire_timestamp_ms: Option<i64>,
    /// The topic's identity, where the log knows it.
    pub topic_id: TopicId,
}

const NONE: i64 = -1;
const TAG_TOPIC_ID: u32 = 0;

impl OffsetCommitValue {
    /// The same, without what the format in which it will be written cannot hold: so state equals what a reload yields.
    #[must_use]
    pub fn storable(mut self) -> Self {
        if self.expire_timestamp_ms.is_some() {
            self.leader_epoch = -1;
            self.topic_id = TopicId::ZERO;
        }
        self
    }

    pub(super) fn encode(&self) -> Bytes {
        match self.expire_timestamp_ms {
            Some(expire_timestamp_ms) => self.encode_v1(expire_timestamp_ms),
            None => self.encode_v4(),
        }
    }

    fn encode_v1(&self, expire_timestamp_ms: i64) -> Bytes {
        let mut writer = Writer::new(1);
        writer.i64(self.offset);
        writer.text(&self.metadata);
        writer.i64(self.commit_timestamp_ms);
        writer.i64(expire_timestamp_ms);
        writer.finish()
    }

    fn encode_v4(&self) -> Bytes {
        let mut writer = Writer::new(4);
        writer.i64(self.offset);
        writer.i32(self.leader_epoch);
        writer.compact_text(&self.metadata);
        writer.i64(self.commit_timestamp_ms);
        if self.topic_id == TopicId::ZERO {
            writer.unsigned_varint(0);
        } else {
            writer.0.put_slice(&[1, TAG_TOPIC_ID as u8, 16]);
            writer.0.put_slice(&self.topic_id.0.0);
        }
        writer.finish()
    }

    pub(super) fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let version = reader.i16()?;
        if !(0..=4).contains(&version) {
            return Err(Malformed);
        }
        reader.flexible = version >= 4;
        let offset = reader.i64()?;
        let leader_epoch = if version >= 3 { reader.i32()? } else { -1 };
        let metadata = reader.text()?;
        let commit_timestamp_ms = reader.i64()?;
        let expires = if version == 1 { reader.i64()? } else { NONE };
        let topic_id = topic_id(&mut reader)?;
        let expire_timestamp_ms = (expires != NONE).then_some(expires);
        Ok(Self { offset, leader_epoch, metadata, commit_timestamp_ms, expire_timestamp_ms, topic_id })
    }
}

fn topic_id(reader: &mut Reader) -> Result<TopicId, Malformed> {
    let mut topic_id = TopicId::ZERO;
    reader.tagged(|tag, bytes| {
        if tag == TAG_TOPIC_ID {
            let id = <[u8; 16]>::try_from(bytes.as_ref()).map_err(|_| Malformed)?;
            topic_id = TopicId(Uuid(id));
        }
        Ok(())
    })?;
    Ok(topic_id)
}
