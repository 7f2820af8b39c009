//! Records as users write and read them.

use base::Str;
use bytes::Bytes;

use crate::TopicPartition;

/// One header of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The key.
    pub key: Str,
    /// The value; `None` is null.
    pub value: Option<Bytes>,
}

/// A record to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerRecord {
    /// The topic.
    pub topic: Str,
    /// The partition; by the key's hash, or wherever there is room, if none is named.
    pub partition: Option<i32>,
    /// The key; `None` is null.
    pub key: Option<Bytes>,
    /// The value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// The headers, in order.
    pub headers: Vec<Header>,
    /// Milliseconds since 1970; the time of sending if none is named.
    pub timestamp: Option<i64>,
}

impl ProducerRecord {
    /// A record of `value` for `topic`.
    pub fn new(topic: impl Into<Str>, value: impl IntoBytes) -> Self {
        Self { topic: topic.into(), value: Some(value.into_bytes()), ..Self::default() }
    }

    /// With a key.
    #[must_use]
    pub fn key(mut self, key: impl IntoBytes) -> Self {
        self.key = Some(key.into_bytes());
        self
    }

    /// For this partition.
    #[must_use]
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// With another header.
    #[must_use]
    pub fn header(mut self, key: impl Into<Str>, value: impl IntoBytes) -> Self {
        self.headers.push(Header { key: key.into(), value: Some(value.into_bytes()) });
        self
    }

    /// With a timestamp, in milliseconds since 1970.
    #[must_use]
    pub fn timestamp(mut self, millis: i64) -> Self {
        self.timestamp = Some(millis);
        self
    }

    /// The bytes it takes in memory, about.
    pub(crate) fn size(&self) -> usize {
        let length = |field: &Option<Bytes>| field.as_ref().map_or(0, Bytes::len);
        let headers: usize =
            self.headers.iter().map(|header| header.key.len() + length(&header.value) + 10).sum();
        length(&self.key) + length(&self.value) + headers + 30
    }
}

/// `(topic, value)`.
impl<T: Into<Str>, V: IntoBytes> From<(T, V)> for ProducerRecord {
    fn from((topic, value): (T, V)) -> Self {
        Self::new(topic, value)
    }
}

/// `(topic, key, value)`.
impl<T: Into<Str>, K: IntoBytes, V: IntoBytes> From<(T, K, V)> for ProducerRecord {
    fn from((topic, key, value): (T, K, V)) -> Self {
        Self::new(topic, value).key(key)
    }
}

/// What can be a key or a value.
pub trait IntoBytes {
    /// The bytes.
    fn into_bytes(self) -> Bytes;
}

macro_rules! into_bytes {
    ($($ty:ty: $value:ident => $bytes:expr;)*) => {$(
        impl IntoBytes for $ty {
            fn into_bytes(self) -> Bytes {
                let $value = self;
                $bytes
            }
        }
    )*};
}

into_bytes! {
    Bytes: value => value;
    Str: value => value.into_bytes();
    String: value => Bytes::from(value.into_bytes());
    Vec<u8>: value => Bytes::from(value);
    &str: value => Bytes::copy_from_slice(value.as_bytes());
    &[u8]: value => Bytes::copy_from_slice(value);
    &String: value => Bytes::copy_from_slice(value.as_bytes());
}

/// A record received. Key, value and headers share the memory of the answer they came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerRecord {
    /// Where it lies.
    pub partition: TopicPartition,
    /// Its place there.
    pub offset: i64,
    /// Milliseconds since 1970; -1 for none.
    pub timestamp: i64,
    /// Whether the broker set the timestamp when it appended the record.
    pub is_append_time: bool,
    /// The epoch of the leader that appended it; -1 where unknown.
    pub leader_epoch: i32,
    /// The key; `None` is null.
    pub key: Option<Bytes>,
    /// The value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// The headers, in order.
    pub headers: Vec<Header>,
}

impl ConsumerRecord {
    /// The topic's name.
    pub fn topic(&self) -> &str {
        &self.partition.topic
    }

    /// The value as text, if it is some.
    pub fn text(&self) -> Option<&str> {
        self.value.as_deref().and_then(|value| std::str::from_utf8(value).ok())
    }
}

/// What became of a record sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordMetadata {
    /// Where it went.
    pub partition: TopicPartition,
    /// Its offset; `None` with `acks=0`, and for a retry that the broker recognised as done before.
    pub offset: Option<i64>,
    /// Its timestamp, in milliseconds since 1970.
    pub timestamp: i64,
}
