//! FetchSnapshot: reads a snapshot of the metadata log (KIP-630).
//!
//! Versions: 1 adds the replica's directory and the leader's endpoints (KIP-853).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::{ErrorCode, Records};

crate::message! {
    /// The request.
    request FetchSnapshotRequest [FetchSnapshot => FetchSnapshotResponse, versions 0..=1, flexible 0..] {
        replica_id: i32                [0..] = -1,
        max_bytes:  i32                [0..] = i32::MAX,
        topics:     Vec<TopicSnapshot> [0..],
    } tagged {
        0 cluster_id: Option<Str> [0.., nullable 0..] = None,
    }

    /// One of [`FetchSnapshotRequest::topics`].
    struct TopicSnapshot {
        name:       Str                    [0..],
        partitions: Vec<PartitionSnapshot> [0..],
    }

    /// One of [`TopicSnapshot::partitions`].
    struct PartitionSnapshot {
        partition:            i32        [0..],
        current_leader_epoch: i32        [0..],
        snapshot_id:          SnapshotId [0..],
        position:             i64        [0..],
    } tagged {
        0 replica_directory_id: Uuid [1.., ignorable],
    }

    /// What [`PartitionSnapshot::snapshot_id`] holds.
    struct SnapshotId {
        end_offset: i64 [0..],
        epoch:      i32 [0..],
    }

    /// The answer.
    response FetchSnapshotResponse [FetchSnapshot, versions 0..=1, flexible 0..] {
        throttle_time_ms: i32                        [0.., ignorable],
        error_code:       ErrorCode                  [0..],
        topics:           Vec<TopicSnapshotResponse> [0..],
    } tagged {
        0 node_endpoints: Vec<NodeEndpoint> [1..],
    }

    /// One of [`FetchSnapshotResponse::topics`].
    struct TopicSnapshotResponse {
        name:       Str                            [0..],
        partitions: Vec<PartitionSnapshotResponse> [0..],
    }

    /// One of [`TopicSnapshotResponse::partitions`].
    struct PartitionSnapshotResponse {
        index:             i32                [0..],
        error_code:        ErrorCode          [0..],
        snapshot_id:       SnapshotIdResponse [0..],
        size:              i64                [0..],
        position:          i64                [0..],
        unaligned_records: Records            [0..],
    } tagged {
        0 current_leader: LeaderIdAndEpoch [0..],
    }

    /// What [`PartitionSnapshotResponse::snapshot_id`] holds.
    struct SnapshotIdResponse {
        end_offset: i64 [0..],
        epoch:      i32 [0..],
    }

    /// What [`PartitionSnapshotResponse::current_leader`] holds.
    struct LeaderIdAndEpoch {
        leader_id:    i32 [0..],
        leader_epoch: i32 [0..],
    }

    /// One of [`FetchSnapshotResponse::node_endpoints`].
    struct NodeEndpoint {
        node_id: i32 [1..],
        host:    Str [1..],
        port:    u16 [1..],
    }
}
