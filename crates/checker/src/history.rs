//! What a checker is given: operations in the order in which they completed, and observations beside them.
//!
//! An operation is invoked, and later completes: `ok`, `fail` (certainly not done) or `info` (unknown). Its micro-operations are sends
//! and polls; a transaction mixes them. A key is a partition, a value a record's content, unique within its key.

/// A partition.
pub type Key = u32;
/// A record's content, unique within its key.
pub type Value = u64;
/// One client: a producer and a consumer that act in turn; one that crashes comes back as another.
pub type Process = u32;

/// How an operation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Done.
    Ok,
    /// Certainly not done.
    Fail,
    /// Nobody knows.
    Info,
}

/// A part of an operation on records.
#[derive(Clone, PartialEq, Debug)]
pub enum Mop {
    /// A record was sent, and where it went, if that was told.
    Send {
        /// The partition.
        key: Key,
        /// The record.
        value: Value,
        /// The offset that the answer gave.
        offset: Option<i64>,
    },
    /// Records were polled, in the order in which the client got them.
    Poll {
        /// Each with its partition and offset.
        records: Vec<(Key, i64, Value)>,
    },
    /// During this operation the group's committed offset was seen to be this.
    SeenCommitted {
        /// The partition.
        key: Key,
        /// The offset.
        offset: i64,
    },
}

/// What was asked.
#[derive(Clone, PartialEq, Debug)]
pub enum Call {
    /// The consumer reads these partitions from now on.
    Assign(Vec<Key>),
    /// The consumer shares these partitions with its group from now on.
    Subscribe(Vec<Key>),
    /// Sends and polls, atomically if [`Settings::atomic`].
    Records(Vec<Mop>),
    /// One partition from its start to its end, by a fresh consumer.
    FullRead {
        /// The partition.
        key: Key,
        /// The offset at which the log begins.
        log_start: i64,
        /// What is there, in order.
        records: Vec<(i64, Value)>,
    },
    /// The process ends here.
    Crash,
    /// A register was set: a group's committed offset, a topic's existence, a config.
    Set {
        /// Which.
        register: u64,
        /// To what.
        value: i64,
    },
    /// A register was read.
    Get {
        /// Which.
        register: u64,
        /// What it held (meaningless unless ok).
        value: i64,
    },
    /// ListOffsets by timestamp.
    OffsetForTimestamp {
        /// The partition.
        key: Key,
        /// The timestamp asked for.
        timestamp: i64,
        /// The offset and timestamp answered, if there was such a record.
        found: Option<(i64, i64)>,
    },
}

/// One operation.
#[derive(Clone, PartialEq, Debug)]
pub struct Op {
    /// Who.
    pub process: Process,
    /// When it began, in any unit that all times share.
    pub invoked: u64,
    /// When it completed; for [`Outcome::Info`], when the client gave up.
    pub completed: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// What it was.
    pub call: Call,
    /// Partitions that a rebalance brought or took while it ran.
    pub rebalanced: Vec<Key>,
}

impl Op {
    /// An operation without rebalances.
    #[must_use]
    pub fn new(process: Process, invoked: u64, completed: u64, outcome: Outcome, call: Call) -> Self {
        Self { process, invoked, completed, outcome, call, rebalanced: Vec::new() }
    }

    /// Its micro-operations.
    #[must_use]
    pub fn mops(&self) -> &[Mop] {
        match &self.call {
            Call::Records(mops) => mops,
            _ => &[],
        }
    }

    /// What it sent: partition, record, offset.
    pub fn sends(&self) -> impl Iterator<Item = (Key, Value, Option<i64>)> {
        self.mops().iter().filter_map(|mop| match mop {
            Mop::Send { key, value, offset } => Some((*key, *value, *offset)),
            _ => None,
        })
    }

    /// What it polled: partition, offset, record.
    pub fn polled(&self) -> impl Iterator<Item = (Key, i64, Value)> {
        self.mops()
            .iter()
            .flat_map(|mop| match mop {
                Mop::Poll { records } => records.as_slice(),
                _ => &[],
            })
            .copied()
    }

    /// What it read by any means: partition, offset, record.
    pub fn reads(&self) -> impl Iterator<Item = (Key, i64, Value)> {
        let full: Option<(Key, &[(i64, Value)])> = match &self.call {
            Call::FullRead { key, records, .. } => Some((*key, records)),
            _ => None,
        };
        let full = full.into_iter();
        let full =
            full.flat_map(|(key, records)| records.iter().map(move |(offset, value)| (key, *offset, *value)));
        self.polled().chain(full)
    }

    /// Whether it is known to be done.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }
}

/// Numbers that a client sees in answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// The log's start.
    LogStart,
    /// The high watermark.
    HighWatermark,
    /// The last stable offset.
    LastStableOffset,
    /// The leader's epoch.
    LeaderEpoch,
}

/// Something seen beside operations.
#[derive(Clone, PartialEq, Debug)]
pub enum Observation {
    /// A client saw a number of a partition.
    Mark {
        /// Who.
        process: Process,
        /// The partition.
        key: Key,
        /// Which number.
        mark: Mark,
        /// Its value.
        value: i64,
    },
    /// A group's member was given partitions.
    Assignment {
        /// The group.
        group: u32,
        /// The generation, or member epoch.
        generation: i64,
        /// The member.
        member: u64,
        /// What it was given.
        keys: Vec<Key>,
    },
    /// The hash of what a replica holds below an offset at or below its high watermark.
    ReplicaHash {
        /// The partition.
        key: Key,
        /// The replica.
        replica: u32,
        /// Where the hash ends.
        end: i64,
        /// The hash of all bytes below.
        hash: u64,
    },
    /// What a coordinator says became of the transaction that sent this.
    Decided {
        /// The partition.
        key: Key,
        /// A record of the transaction.
        value: Value,
        /// Committed or aborted.
        committed: bool,
    },
    /// A record was made from another one, and both offsets belong to one transaction.
    Transformed {
        /// The source's partition and offset.
        source: (Key, i64),
        /// The result's partition and record.
        sink: (Key, Value),
    },
    /// The sum of all accounts when nothing is under way.
    BankTotal {
        /// What it was.
        total: i64,
        /// What it should be.
        expected: i64,
    },
    /// A compacted partition when compaction is done: offset, record's key, record.
    Compacted {
        /// The partition.
        key: Key,
        /// What is left, in order.
        records: Vec<(i64, u64, Value)>,
    },
    /// A line of a broker's log.
    LogLine {
        /// The broker.
        broker: u32,
        /// The line, level first.
        line: String,
    },
}

/// What the workload knows of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fact {
    /// The partition.
    pub key: Key,
    /// The record.
    pub value: Value,
    /// Its timestamp, if offsets are looked up by it.
    pub timestamp: Option<i64>,
    /// Its key, if the partition is compacted.
    pub record_key: Option<u64>,
}

/// Everything a checker is given.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// In the order of completion.
    pub ops: Vec<Op>,
    /// In the order in which they were made; those of one process lie in its own order.
    pub observations: Vec<Observation>,
    /// What the workload knows of records.
    pub facts: Vec<Fact>,
    /// When each fault began and ended, in the unit of the operations.
    pub faults: Vec<(u64, u64)>,
    /// When the last fault was healed.
    pub healed: Option<u64>,
}

/// What the workload promises, so that rules know when they apply.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// An operation's sends and polls are one transaction, and polls are read_committed.
    pub atomic: bool,
    /// The history ends with reads of everything: what was acknowledged must have been seen.
    pub final_reads: bool,
    /// Consumers share partitions by subscription, so that a rebalance may skip or repeat between polls.
    pub subscribes: bool,
    /// After an aborted poll the client goes back to where that poll began.
    pub rewinds: bool,
    /// The faults leave a majority and enough in-sync replicas, so that work goes on under them.
    pub recoverable: bool,
    /// Acknowledged records must be seen by a full read invoked so long after they were, and after the last fault.
    pub recency_max: u64,
    /// How long after the last fault work must go on again.
    pub recovery_max: u64,
    /// How many operations must succeed under recoverable faults.
    pub progress_min: usize,
}

impl Default for Settings {
    /// Times in nanoseconds.
    fn default() -> Self {
        Self {
            atomic: false,
            final_reads: true,
            subscribes: false,
            rewinds: false,
            recoverable: false,
            recency_max: 5_000_000_000,
            recovery_max: 30_000_000_000,
            progress_min: 100,
        }
    }
}
