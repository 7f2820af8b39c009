//! What must hold at every moment, asserted while the run goes on: one file each.
//!
//! The watch keeps a shadow of every replica, which batches it holds and how much of it is durable, and one of every partition: which
//! batches are committed. The names are those of the specifications of Kafka's replication (KIP-966, KIP-320).

mod acknowledged_is_durable;
mod consistent_read;
mod controller_state;
mod disk_keeps_durable;
mod in_sync_has_committed;
mod leader_completeness;
mod log_matching;
mod monotonic_high_watermark;
mod no_truncation_of_committed;
mod single_leader;

use std::collections::{BTreeMap, BTreeSet};

use base::{LeaderEpoch, Offset, TopicIdPartition};
use bytes::Bytes;
use log::PartitionLog;
use metadata::MetadataImage;
use records::Batches;

use crate::broker;

/// A batch, as far as replicas must agree on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchId {
    pub first: i64,
    pub last: i64,
    pub epoch: i32,
    pub crc: u32,
}

/// What one replica holds.
#[derive(Debug, Default)]
pub struct Shadow {
    pub batches: Vec<BatchId>,
    pub durable_end: i64,
    /// Up to here its batches were compared with the committed ones, and are the same.
    same_to: i64,
    /// The highest high watermark it announced as a leader, by epoch.
    pub high_watermarks: BTreeMap<i32, i64>,
}

/// What one partition has committed.
#[derive(Debug, Default)]
pub struct CommittedLog {
    /// By first offset.
    pub batches: BTreeMap<i64, BatchId>,
    pub end: i64,
    /// In which epoch a batch was committed, by its first offset.
    pub committed_in: BTreeMap<i64, i32>,
    /// Who led in which epoch.
    pub leaders: BTreeMap<i32, usize>,
    /// Every batch that any replica ever held, by first offset and epoch.
    pub known: BTreeMap<(i64, i32), BatchId>,
}

/// All shadows, and what was found broken.
#[derive(Debug, Default)]
pub struct Watch {
    replicas: BTreeMap<(usize, TopicIdPartition), Shadow>,
    partitions: BTreeMap<TopicIdPartition, CommittedLog>,
    image: MetadataImage,
    /// Nodes whose disk was lost, until the controller knows.
    wiped: BTreeSet<usize>,
    /// Disks that were lost since, as they were.
    lost: BTreeMap<TopicIdPartition, Vec<Shadow>>,
    violations: Vec<String>,
}

/// What one invariant says of one event.
type Verdict = Result<(), String>;

impl Watch {
    /// What was found broken so far.
    #[must_use]
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Something that must not be, and is no invariant of its own.
    pub fn note(&mut self, text: String) {
        self.violations.push(text);
    }

    fn judge(&mut self, invariant: &str, verdict: Verdict) {
        if let Err(text) = verdict {
            self.violations.push(format!("{invariant}: {text}"));
        }
    }

    /// The partitions that a node holds.
    #[must_use]
    pub fn partitions_of(&self, node: usize) -> Vec<TopicIdPartition> {
        self.replicas.keys().filter(|(of, _)| *of == node).map(|(_, partition)| *partition).collect()
    }

    /// A replica's log was opened.
    pub fn opened(&mut self, node: usize, partition: TopicIdPartition, log: &PartitionLog) {
        let found = batches(log, Offset(0));
        let shadow = self.replicas.entry((node, partition)).or_default();
        let kept = disk_keeps_durable::check(shadow, &found);
        (shadow.batches, shadow.same_to) = (found, 0);
        shadow.durable_end = shadow.durable_end.max(log.view().durable_end.0);
        self.judge("DiskKeepsDurable", kept.map_err(|text| format!("node {node}, {partition}: {text}")));
    }

    /// A replica appended; its log from `first` on is new.
    pub fn appended(&mut self, node: usize, partition: TopicIdPartition, log: &PartitionLog, first: Offset) {
        let new = batches(log, first);
        let shadow = self.replicas.entry((node, partition)).or_default();
        shadow.batches.truncate(shadow.batches.partition_point(|batch| batch.first < first.0));
        shadow.same_to = shadow.same_to.min(first.0);
        shadow.batches.extend(&new);
        let of_partition = self.partitions.entry(partition).or_default();
        let matching = log_matching::check(of_partition, &new);
        self.judge("LogMatching", matching.map_err(|text| format!("node {node}, {partition}: {text}")));
    }

    /// A replica's durable end moved.
    pub fn durable(&mut self, node: usize, partition: TopicIdPartition, end: Offset) {
        self.replicas.entry((node, partition)).or_default().durable_end = end.0;
    }

    /// A replica is about to remove everything from `end` on.
    pub fn truncates(&mut self, node: usize, partition: TopicIdPartition, end: Offset) {
        let verdict = self.with(node, partition, |shadow, committed| {
            no_truncation_of_committed::check(shadow, committed, end.0)
        });
        self.judge(
            "NoCommittedRecordLost",
            verdict.map_err(|text| format!("node {node}, {partition}: {text}")),
        );
        // It may be done although the disk fails amid it, and the process ends without saying so.
        let shadow = self.replicas.entry((node, partition)).or_default();
        shadow.durable_end = shadow.durable_end.min(end.0);
    }

    /// It did.
    pub fn truncated(&mut self, node: usize, partition: TopicIdPartition, log: &PartitionLog) {
        let found = batches(log, Offset(0));
        let shadow = self.replicas.entry((node, partition)).or_default();
        (shadow.batches, shadow.same_to) = (found, 0);
        shadow.durable_end = shadow.durable_end.min(log.view().log_end.0);
        self.check_in_sync(partition);
    }

    /// A node leads in a new epoch.
    pub fn leader_began(
        &mut self,
        node: usize,
        partition: TopicIdPartition,
        epoch: LeaderEpoch,
        _log_end: Offset,
    ) {
        let of_partition = self.partitions.entry(partition).or_default();
        let single = single_leader::check(of_partition, epoch.0, node);
        self.judge("SingleLeader", single.map_err(|text| format!("{partition}: {text}")));
        let complete = self.with(node, partition, |shadow, committed| {
            leader_completeness::check(shadow, committed, epoch.0)
        });
        self.judge(
            "LeaderCompleteness",
            complete.map_err(|text| format!("node {node}, {partition}, epoch {epoch}: {text}")),
        );
    }

    /// A leader's high watermark moved.
    pub fn high_watermark(
        &mut self,
        node: usize,
        partition: TopicIdPartition,
        epoch: LeaderEpoch,
        offset: Offset,
    ) {
        let shadow = self.replicas.entry((node, partition)).or_default();
        let monotonic = monotonic_high_watermark::check(shadow, epoch.0, offset.0);
        self.judge(
            "MonotonicHighWatermark",
            monotonic.map_err(|text| format!("node {node}, {partition}: {text}")),
        );
        let committed =
            self.with(node, partition, |shadow, committed| committed.extend(shadow, epoch.0, offset.0));
        self.judge(
            "ConsistentCommittedData",
            committed.map_err(|text| format!("node {node}, {partition}: {text}")),
        );
        self.check_in_sync(partition);
    }

    /// An `acks=all` append is answered with success.
    pub fn acknowledged(&mut self, node: usize, partition: TopicIdPartition, end: Offset) {
        let disks = self.replicas.iter_mut().filter(|((_, of), _)| *of == partition);
        // What was committed stays so when a disk is lost: a retry of it may be answered then.
        let lost = self.lost.get_mut(&partition).into_iter().flatten();
        let disks = disks.map(|(_, shadow)| shadow).chain(lost);
        let committed = self.partitions.entry(partition).or_default();
        let verdict = acknowledged_is_durable::check(disks, committed, end.0, broker::MIN_ISR);
        self.judge(
            "AcknowledgedIsDurable",
            verdict.map_err(|text| format!("node {node}, {partition}: {text}")),
        );
    }

    /// A client is given records.
    pub fn client_read(&mut self, node: usize, partition: TopicIdPartition, records: &Bytes) {
        let given: Vec<BatchId> =
            Batches::new(records).filter_map(Result::ok).map(|batch| id(&batch)).collect();
        let committed = self.partitions.entry(partition).or_default();
        let verdict = consistent_read::check(committed, &given);
        self.judge("ConsistentRead", verdict.map_err(|text| format!("node {node}, {partition}: {text}")));
    }

    /// Metadata were committed.
    pub fn metadata(&mut self, image: &MetadataImage) {
        let mut changed = Vec::new();
        for topic in image.topics().values() {
            for (index, state) in topic.partitions() {
                let partition = TopicIdPartition { topic: topic.id(), partition: *index };
                let before = self.image.partition(partition.topic, *index);
                if before.is_some_and(|before| before == state) {
                    continue;
                }
                let verdict = controller_state::check(before.map(|before| &**before), state, broker::MIN_ISR);
                changed.push((partition, verdict));
            }
        }
        for node in self.wiped.clone() {
            let id = broker::broker_of(node).0;
            let epoch = |image: &MetadataImage| image.brokers().get(&id).map(|broker| broker.epoch);
            if epoch(image) != epoch(&self.image) {
                self.wiped.remove(&node);
            }
        }
        self.image = image.clone();
        for (partition, verdict) in changed {
            self.judge("ValidControllerIsrAndElr", verdict.map_err(|text| format!("{partition}: {text}")));
            self.check_in_sync(partition);
        }
    }

    /// A node's disk is gone.
    pub fn disk_lost(&mut self, node: usize) {
        for ((_, partition), shadow) in self.replicas.extract_if(.., |(of, _), _| *of == node) {
            self.lost.entry(partition).or_default().push(shadow);
        }
        self.wiped.insert(node);
    }

    /// Where a partition's committed records end.
    #[must_use]
    pub fn committed_end(&self, partition: TopicIdPartition) -> i64 {
        self.partitions.get(&partition).map_or(0, |committed| committed.end)
    }

    /// What a replica holds below an offset, as one number.
    #[must_use]
    pub fn hash(&self, node: usize, partition: TopicIdPartition, end: i64) -> Option<u64> {
        let shadow = self.replicas.get(&(node, partition))?;
        let below = shadow.batches.iter().filter(|batch| batch.last < end);
        Some(below.fold(0xcbf2_9ce4_8422_2325, |hash: u64, batch| {
            let word = (batch.first as u64) ^ (u64::from(batch.crc) << 20) ^ ((batch.epoch as u64) << 52);
            (hash ^ word).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    fn check_in_sync(&mut self, partition: TopicIdPartition) {
        let Some(state) = self.image.partition(partition.topic, partition.partition) else { return };
        let members =
            state.isr.iter().chain(&state.elr).filter_map(|id| broker::node_of(base::BrokerId(*id)));
        let members: Vec<usize> = members.filter(|node| !self.wiped.contains(node)).collect();
        let committed = self.partitions.entry(partition).or_default();
        let verdict = members.into_iter().try_for_each(|node| {
            in_sync_has_committed::check(node, self.replicas.get_mut(&(node, partition)), committed)
        });
        self.judge("ReplicationQuorumSuperset", verdict.map_err(|text| format!("{partition}: {text}")));
    }

    fn with(
        &mut self,
        node: usize,
        partition: TopicIdPartition,
        check: impl FnOnce(&Shadow, &mut CommittedLog) -> Verdict,
    ) -> Verdict {
        let shadow = self.replicas.entry((node, partition)).or_default();
        check(shadow, self.partitions.entry(partition).or_default())
    }
}

impl Shadow {
    /// Up to where it has durably what is committed, as it was committed.
    fn holds_durably(&mut self, committed: &CommittedLog) -> i64 {
        let from = self.batches.partition_point(|batch| batch.first < self.same_to);
        let own = self.batches.get(from..).unwrap_or_default();
        for (batch, (_, known)) in own.iter().zip(committed.batches.range(self.same_to..)) {
            if batch != known {
                break;
            }
            self.same_to = batch.last + 1;
        }
        self.same_to.min(self.durable_end)
    }
}

impl CommittedLog {
    /// Everything below `end` is committed now, as this replica has it.
    fn extend(&mut self, shadow: &Shadow, epoch: i32, end: i64) -> Verdict {
        // What was committed before is compared where leaders begin and where logs are truncated.
        let new = shadow.batches.partition_point(|batch| batch.last < self.end);
        for batch in shadow.batches.iter().skip(new).take_while(|batch| batch.first < end) {
            match self.batches.get(&batch.first) {
                None if batch.first >= self.end => {
                    self.batches.insert(batch.first, *batch);
                    self.committed_in.insert(batch.first, epoch);
                    self.end = self.end.max(batch.last + 1);
                }
                Some(known) if known == batch => {}
                other => return Err(format!("{batch:?} is committed where {other:?} was")),
            }
        }
        if self.end < end {
            return Err(format!("committed up to {end}, and holds less"));
        }
        Ok(())
    }
}

/// The batches of a log from an offset on.
fn batches(log: &PartitionLog, from: Offset) -> Vec<BatchId> {
    let (mut at, end) = (from.max(log.log_start()), log.log_end());
    let mut found = Vec::new();
    while at < end {
        let Ok(bytes) = broker::read(log, at, end, 64 << 10) else { break };
        let before = at;
        for batch in Batches::new(&bytes).filter_map(Result::ok) {
            found.push(id(&batch));
            at = batch.header.next_offset();
        }
        if at == before {
            break;
        }
    }
    found
}

fn id(batch: &records::Batch<'_>) -> BatchId {
    BatchId {
        first: batch.header.base_offset.0,
        last: batch.header.last_offset().0,
        epoch: batch.header.partition_leader_epoch.0,
        crc: batch.header.crc,
    }
}
