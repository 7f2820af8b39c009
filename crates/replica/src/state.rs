//! What the machines are told: the controller's word on a partition, and the ends of the local log.

use alloc::vec::Vec;

use base::{BrokerId, LeaderEpoch, Offset};

/// A partition as the controller last decided it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PartitionState {
    /// All replicas, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// Replicas that copy but are never in sync: they neither hold the high watermark back nor lead.
    pub observers: Vec<BrokerId>,
    /// The in-sync replicas.
    pub isr: Vec<BrokerId>,
    /// The leader, -1 for none.
    pub leader: BrokerId,
    /// Rises with each leader.
    pub leader_epoch: LeaderEpoch,
    /// Rises with each change.
    pub partition_epoch: i32,
    /// Whether the leader was elected uncleanly and has not said yet that it recovered (KIP-704).
    pub recovering: bool,
}

impl PartitionState {
    /// A partition of one replica, as a single node has it.
    #[must_use]
    pub fn single(broker: BrokerId, leader_epoch: LeaderEpoch) -> Self {
        Self {
            replicas: alloc::vec![broker],
            isr: alloc::vec![broker],
            leader: broker,
            leader_epoch,
            ..Self::default()
        }
    }
}

/// Where the local log begins and ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LogEnds {
    /// The first offset that may be read.
    pub log_start: Offset,
    /// The offset that the next record gets.
    pub log_end: Offset,
    /// Everything below survives a power loss.
    pub durable_end: Offset,
    /// Everything below was committed, as far as this replica knows.
    pub high_watermark: Offset,
}
