//! ConsumerProtocolSubscription: what a consumer wants, inside a JoinGroup of the classic protocol.
//!
//! Versions: 1 adds the partitions it owns (KIP-429); 2 the generation (KIP-792); 3 the rack (KIP-881).

use alloc::vec::Vec;

use base::Str;
use bytes::Bytes;

crate::message! {
    /// The message.
    data ConsumerProtocolSubscription [versions 0..=3, flexible none] {
        topics:           Vec<Str>            [0..],
        user_data:        Option<Bytes>       [0.., nullable 0..] = None,
        owned_partitions: Vec<TopicPartition> [1.., ignorable],
        generation_id:    i32                 [2.., ignorable] = -1,
        rack_id:          Option<Str>         [3.., nullable 3.., ignorable] = None,
    }

    /// One of [`ConsumerProtocolSubscription::owned_partitions`].
    struct TopicPartition {
        topic:      Str      [1..],
        partitions: Vec<i32> [1..],
    }
}
