//! Fetch: reads record batches of many partitions, waiting for new ones if asked to; replicas follow their
//! leaders with it.
//!
//! Versions: 0–3 are gone (4.0); 4 brings the isolation level (KIP-98); 5 the log's start offset; 7
//! incremental sessions (KIP-227); 9 leader epochs (KIP-320); 10 allows zstd (KIP-110); 11 the reader's
//! rack (KIP-392); 12 is flexible, tells diverging epochs (KIP-595); 13 names topics by id (KIP-516); 14
//! may answer that data moved to tiered storage (KIP-405); 15 carries the replica's state as a tagged field
//! (KIP-903); 16 tells the new leader (KIP-951); 17 adds the replica's directory (KIP-853); 18 the
//! follower's known high watermark (KIP-1166).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::{ErrorCode, Records};

crate::message! {
    /// The request.
    request FetchRequest [Fetch => FetchResponse, versions 4..=18, flexible 12..] {
        replica_id:            i32                 [0..=14] = -1,
        max_wait_ms:           i32                 [0..],
        min_bytes:             i32                 [0..],
        max_bytes:             i32                 [3.., ignorable] = i32::MAX,
        isolation_level:       i8                  [4.., ignorable],
        session_id:            i32                 [7.., ignorable],
        session_epoch:         i32                 [7.., ignorable] = -1,
        topics:                Vec<FetchTopic>     [0..],
        forgotten_topics_data: Vec<ForgottenTopic> [7..],
        rack_id:               Str                 [11.., ignorable],
    } tagged {
        0 cluster_id:    Option<Str>  [12.., nullable 12.., ignorable] = None,
        1 replica_state: ReplicaState [15..],
    }

    /// What [`FetchRequest::replica_state`] holds.
    struct ReplicaState {
        replica_id:    i32 [15..] = -1,
        replica_epoch: i64 [15..] = -1,
    }

    /// One of [`FetchRequest::topics`].
    struct FetchTopic {
        topic:      Str                 [0..=12, ignorable],
        topic_id:   Uuid                [13.., ignorable],
        partitions: Vec<FetchPartition> [0..],
    }

    /// One of [`FetchTopic::partitions`].
    struct FetchPartition {
        partition:            i32 [0..],
        current_leader_epoch: i32 [9.., ignorable] = -1,
        fetch_offset:         i64 [0..],
        last_fetched_epoch:   i32 [12..] = -1,
        log_start_offset:     i64 [5.., ignorable] = -1,
        partition_max_bytes:  i32 [0..],
    } tagged {
        0 replica_directory_id: Uuid [17.., ignorable],
        1 high_watermark:       i64  [18.., ignorable] = i64::MAX,
        /// Not Kafka's: below this the follower has made everything durable; -1 where it does not say.
        10_000 durable_end:     i64  [12.., ignorable] = -1,
    }

    /// One of [`FetchRequest::forgotten_topics_data`].
    struct ForgottenTopic {
        topic:      Str      [7..=12, ignorable],
        topic_id:   Uuid     [13.., ignorable],
        partitions: Vec<i32> [7..],
    }

    /// The answer.
    response FetchResponse [Fetch, versions 4..=18, flexible 12..] {
        throttle_time_ms: i32                         [1.., ignorable],
        error_code:       ErrorCode                   [7.., ignorable],
        session_id:       i32                         [7..],
        responses:        Vec<FetchableTopicResponse> [0..],
    } tagged {
        0 node_endpoints: Vec<NodeEndpoint> [16..],
    }

    /// One of [`FetchResponse::responses`].
    struct FetchableTopicResponse {
        topic:      Str                [0..=12, ignorable],
        topic_id:   Uuid               [13.., ignorable],
        partitions: Vec<PartitionData> [0..],
    }

    /// One of [`FetchableTopicResponse::partitions`].
    struct PartitionData {
        partition_index:        i32                             [0..],
        error_code:             ErrorCode                       [0..],
        high_watermark:         i64                             [0..],
        last_stable_offset:     i64                             [4.., ignorable] = -1,
        log_start_offset:       i64                             [5.., ignorable] = -1,
        aborted_transactions:   Option<Vec<AbortedTransaction>> [4.., nullable 4.., ignorable] = Some(Vec::new()),
        preferred_read_replica: i32                             [11..] = -1,
        records:                Option<Records>                 [0.., nullable 0..] = None,
    } tagged {
        0 diverging_epoch: EpochEndOffset   [12..],
        1 current_leader:  LeaderIdAndEpoch [12..],
        2 snapshot_id:     SnapshotId       [12..],
        /// Not Kafka's: where the leader's log ends, told to a follower that asked beyond it; else -1.
        10_000 log_end:    i64              [12.., ignorable] = -1,
    }

    /// What [`PartitionData::diverging_epoch`] holds.
    struct EpochEndOffset {
        epoch:      i32 [12..] = -1,
        end_offset: i64 [12..] = -1,
    }

    /// What [`PartitionData::current_leader`] holds.
    struct LeaderIdAndEpoch {
        leader_id:    i32 [12..] = -1,
        leader_epoch: i32 [12..] = -1,
    }

    /// What [`PartitionData::snapshot_id`] holds.
    struct SnapshotId {
        end_offset: i64 [0..] = -1,
        epoch:      i32 [0..] = -1,
    }

    /// One of [`PartitionData::aborted_transactions`].
    struct AbortedTransaction {
        producer_id:  i64 [4..],
        first_offset: i64 [4..],
    }

    /// One of [`FetchResponse::node_endpoints`].
    struct NodeEndpoint {
        node_id: i32         [16..],
        host:    Str         [16..],
        port:    i32         [16..],
        rack:    Option<Str> [16.., nullable 16..] = None,
    }
}
