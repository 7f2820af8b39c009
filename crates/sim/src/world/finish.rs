//! After the last fault: everything must get going again, then everything is read, and the checker reads the history.

use base::TopicIdPartition;
use checker::{History, Observation, Settings};

use super::World;
use crate::Time;
use crate::client;
use crate::coverage::Coverage;
use crate::plan::{SECOND, Workload};

/// How long after the last fault every replica must be in sync.
pub const CONVERGE: Time = 12 * SECOND;
/// How long clients may take to come to their end.
pub const DRAIN: Time = 14 * SECOND;
/// How long reading everything may take.
pub const READ: Time = 30 * SECOND;

/// The least that a history must hold to be counted: client operations, and faults that bit where any were planned.
const OPERATIONS_MIN: usize = 500;
/// See [`OPERATIONS_MIN`].
const BITES_MIN: usize = 2;

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// Broken invariants and rules, in words.
    pub violations: Vec<String>,
    /// What clients did and were told.
    pub history: History,
    /// How often things happened.
    pub coverage: Coverage,
    /// A hash of everything that happened.
    pub trace: u64,
    /// How many events that were.
    pub events: u64,
    /// How long it took in virtual time.
    pub took: Time,
    /// Whether it was long and rough enough to prove something.
    pub counts: bool,
}

impl World<'_> {
    /// EventuallyUnfenced, EventuallyInSync: all brokers serve, and all replicas are in sync.
    pub(super) fn check_converged(&mut self) {
        let image = self.quorum.image().clone();
        if image.topics().is_empty() {
            return self.watch.note("Liveness: no topics could be created".into());
        }
        for (node, broker) in self.brokers.iter().enumerate() {
            if !broker.running.as_ref().is_some_and(crate::broker::Running::is_unfenced) {
                self.watch.note(format!("Liveness: node {node} is not unfenced long after the last fault"));
            }
        }
        for topic in image.topics().values() {
            for (index, state) in topic.partitions() {
                if state.leader < 0 || state.isr.len() < state.replicas.len() {
                    let partition = TopicIdPartition { topic: topic.id(), partition: *index };
                    let told: Vec<String> = self
                        .brokers
                        .iter_mut()
                        .filter_map(|broker| broker.running.as_mut()?.describe(partition))
                        .collect();
                    let name = topic.name();
                    self.watch.note(format!(
                        "Liveness: {name}-{index} is not whole long after the last fault: {state:?} {told:?}"
                    ));
                }
            }
        }
    }

    pub(super) fn read_all(&mut self) {
        if self.clients.iter().any(Option::is_some) {
            let left: Vec<usize> = (0..self.clients.len())
                .filter(|place| self.clients.get(*place).is_some_and(Option::is_some))
                .collect();
            return self.watch.note(format!("Liveness: clients {left:?} do not come to their end"));
        }
        let shared = std::rc::Rc::clone(&self.shared);
        self.add_client(|port| {
            Box::pin(async move {
                client::final_read(port).await;
                shared.borrow_mut().is_read = true;
            })
        });
    }

    /// Hashes of all replicas below what is committed, for the checker.
    fn observe_replicas(&mut self) {
        let image = self.quorum.image().clone();
        let mut observed = Vec::new();
        for topic in image.topics().values() {
            for (index, state) in topic.partitions() {
                let partition = TopicIdPartition { topic: topic.id(), partition: *index };
                let end = self.watch.committed_end(partition);
                for id in &state.isr {
                    let Some(node) = crate::broker::node_of(base::BrokerId(*id)) else { continue };
                    let Some(hash) = self.watch.hash(node, partition, end) else { continue };
                    let (key, replica) =
                        (u32::try_from(*index).unwrap_or(0), u32::try_from(*id).unwrap_or(0));
                    // The coordinator's partition is a key of its own.
                    let key = if topic.name() == "t" { key } else { key + 1000 };
                    observed.push(Observation::ReplicaHash { key, replica, end, hash });
                }
            }
        }
        self.shared.borrow_mut().history.observations.extend(observed);
    }

    pub(super) fn finish(mut self) -> Outcome {
        let mut violations: Vec<String> = self.watch.violations().to_vec();
        let is_read = self.shared.borrow().is_read;
        if violations.is_empty() && !is_read {
            violations.push("Liveness: not everything could be read in the end".into());
        }
        self.observe_replicas();
        let history = std::mem::take(&mut self.shared.borrow_mut().history);
        if violations.is_empty() {
            let report = checker::check(&history, &self.settings());
            violations.extend(report.illegal().map(ToString::to_string));
            self.coverage.count("histories checked");
        }
        self.coverage.count(if self.plan.faults.is_empty() { "healthy runs" } else { "runs with faults" });
        for op in &history.ops {
            self.coverage.count(match op.outcome {
                checker::Outcome::Ok => "operations ok",
                checker::Outcome::Fail => "operations failed",
                checker::Outcome::Info => "operations unknown",
            });
        }
        let is_rough = self.plan.faults.is_empty() || self.bites >= BITES_MIN;
        Outcome {
            counts: is_rough && history.ops.len() >= OPERATIONS_MIN,
            violations,
            history,
            coverage: self.coverage,
            trace: self.trace,
            events: self.next_event,
            took: self.now,
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            atomic: false,
            final_reads: true,
            subscribes: self.plan.clients.contains(&Workload::Subscribe),
            rewinds: false,
            recoverable: false,
            recency_max: 5 * SECOND,
            recovery_max: 20 * SECOND,
            progress_min: 0,
        }
    }
}
