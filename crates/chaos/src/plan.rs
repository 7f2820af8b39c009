//! What a seed stands for: the fault, the workload, whose clients.

use std::fmt;

/// What happens to the cluster, again and again while clients work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing: healthy clusters lose records, too.
    None,
    /// SIGKILL for the leader of the first partition.
    KillLeader,
    /// SIGKILL for any broker.
    KillAny,
    /// SIGKILL for all brokers at once.
    KillAll,
    /// SIGSTOP for the leader of the first partition, and SIGCONT after a while.
    PauseLeader,
    /// Brokers stop in order and start again, one after the other.
    Rolling,
    /// One broker reaches no other, and no other reaches it; clients reach all.
    Isolate,
    /// What one broker sends reaches no other broker; what they send reaches it.
    OneWay,
    /// Each broker reaches the next one only.
    Ring,
    /// Two brokers reach each other by a third one only.
    Bridge,
    /// One broker's link carries little, so that messages wait in it and are lost.
    SlowLink,
    /// One broker's disk is full for a while.
    FullDisk,
}

/// All of them.
pub const FAULTS: &[Fault] = &[
    Fault::KillLeader,
    Fault::PauseLeader,
    Fault::Isolate,
    Fault::Rolling,
    Fault::OneWay,
    Fault::KillAll,
    Fault::Ring,
    Fault::FullDisk,
    Fault::Bridge,
    Fault::KillAny,
    Fault::SlowLink,
    Fault::None,
];

/// What clients do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Workload {
    /// Idempotent sends, polls of assigned partitions (W1).
    Assign,
    /// Idempotent sends, polls as a group that commits (W2).
    Subscribe,
    /// Idempotent sends, and all of a partition read again and again (W4).
    Append,
    /// As [`Self::Subscribe`], with members that come and go (W9).
    Churn,
    /// As [`Self::Assign`], while topics are created and deleted (W10).
    Admin,
}

const WORKLOADS: &[Workload] =
    &[Workload::Assign, Workload::Subscribe, Workload::Append, Workload::Churn, Workload::Admin];

/// Whose clients.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Library {
    /// librdkafka, by confluent-kafka for Python.
    Librdkafka,
    /// Apache Kafka's Java client.
    Java,
    /// franz-go.
    FranzGo,
    /// Our own.
    Own,
}

const LIBRARIES: &[Library] = &[Library::Librdkafka, Library::Java, Library::FranzGo, Library::Own];

/// A run, before it is run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What it was made of.
    pub seed: u64,
    /// How long clients work.
    pub seconds: u64,
    /// What happens.
    pub fault: Fault,
    /// What clients do.
    pub workload: Workload,
    /// Whose clients, beside one of our own that reads.
    pub library: Library,
}

impl Plan {
    /// The plan of a seed: twelve faults, five workloads and four libraries, so that sixty seeds in a row hold every pair.
    pub fn new(seed: u64, seconds: u64) -> Self {
        let place = usize::try_from(seed).unwrap_or(0);
        let one_of = |count: usize, shift: usize| (place + shift) % count;
        let fault = FAULTS.get(one_of(FAULTS.len(), 0)).copied().unwrap_or(Fault::None);
        let workload = WORKLOADS.get(one_of(WORKLOADS.len(), 0)).copied().unwrap_or(Workload::Assign);
        // Twelve is a multiple of four: shifted each time round, or each fault would meet one library only.
        let library = one_of(LIBRARIES.len(), place / FAULTS.len());
        let library = LIBRARIES.get(library).copied().unwrap_or(Library::Own);
        Self { seed, seconds, fault, workload, library }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {} {:?} {:?} {:?}", self.seed, self.fault, self.workload, self.library)
    }
}
