//! ConsumerProtocolAssignment: what a consumer gets, inside a SyncGroup of the classic protocol.

use alloc::vec::Vec;

use base::Str;
use bytes::Bytes;

crate::message! {
    /// The message.
    data ConsumerProtocolAssignment [versions 0..=3, flexible none] {
        assigned_partitions: Vec<TopicPartition> [0..],
        user_data:           Option<Bytes>       [0.., nullable 0..] = None,
    }

    /// One of [`ConsumerProtocolAssignment::assigned_partitions`].
    struct TopicPartition {
        topic:      Str      [0..],
        partitions: Vec<i32> [0..],
    }
}
