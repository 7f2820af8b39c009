//! What a check found.

use std::fmt;

use crate::history::Key;

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal;)*) => {
        /// A promise that a history can break.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Rule {
            $($(#[doc = $doc])* $name,)*
        }

        impl Rule {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name in reports; Jepsen's own where there is one.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

rules! {
    /// One offset holds two values.
    InconsistentOffsets = "inconsistent-offsets";
    /// One value lies at two offsets.
    Duplicate = "duplicate";
    /// A value was read that was certainly not written.
    AbortedRead = "G1a";
    /// A transaction read what it wrote itself.
    PrecommittedRead = "precommitted-read";
    /// A value is missing among those that were read around it.
    LostWrite = "lost-write";
    /// An acknowledged value was never read, though everything was in the end.
    Unseen = "unseen";
    /// One poll left values out.
    IntPollSkip = "int-poll-skip";
    /// One poll went back or repeated.
    IntNonmonotonicPoll = "int-nonmonotonic-poll";
    /// A poll began beyond where the one before ended.
    PollSkip = "poll-skip";
    /// A poll began before where the one before ended.
    NonmonotonicPoll = "nonmonotonic-poll";
    /// One operation's sends stand in another order.
    IntNonmonotonicSend = "int-nonmonotonic-send";
    /// Others' values stand between one operation's sends: legal.
    IntSendSkip = "int-send-skip";
    /// A process's later send stands before its earlier one.
    NonmonotonicSend = "nonmonotonic-send";
    /// A cycle of writes: legal, since Kafka does not isolate writes.
    WriteCycle = "G0";
    /// A cycle of writes and reads: legal where the order of writes is inferred.
    InferredCycle = "G1c-ww";
    /// A cycle of reads.
    ReadCycle = "G1c";
    /// A cycle of reads and of what happened before what.
    RealtimeReadCycle = "G1c-realtime";
    /// Two transactions read each other.
    EarlyRead = "early-read";
    /// After an aborted poll the next one did not begin where that did.
    AbortRewind = "abort-rewind";
    /// The group's committed offset was beyond the poll that was still in progress.
    CommittedTooFar = "committed-too-far";
    /// A value was read that nobody wrote.
    PhantomRead = "phantom-read";
    /// A transaction is visible in part.
    TornTransaction = "torn-txn";
    /// A transaction's outcome changed, or what is visible contradicts it.
    DecidedThenFlipped = "decided-then-flipped";
    /// A watermark or an epoch went back as one client saw it.
    MarkRegressed = "mark-regressed";
    /// A value was acknowledged at one offset and read at another.
    AckOffset = "ack-offset";
    /// A committed offset, or metadata, un-happened or came from nowhere.
    RegisterRegressed = "register-regressed";
    /// Two members of one generation own one partition.
    DoubleAssignment = "double-assignment";
    /// A member's generation went back.
    GenerationRegressed = "generation-regressed";
    /// A source record was transformed twice, or out of order.
    TransformedTwice = "transformed-twice";
    /// Money appeared or vanished.
    BankTotal = "bank-total";
    /// Compaction lost a last value, or kept what it should not.
    Compaction = "compaction";
    /// ListOffsets by timestamp disagrees with the log.
    TimestampOffset = "timestamp-offset";
    /// Two replicas differ below the high watermark.
    ReplicasDiffer = "replicas-differ";
    /// A fresh consumer did not see what was acknowledged long before.
    StaleRead = "stale-read";
    /// Nothing went on, under a fault that allows it or after all were healed.
    Stalled = "stalled";
    /// A value whose send certainly failed is in a log.
    FailedWriteVisible = "failed-write-visible";
    /// A broker said that it panicked, or that an assertion failed.
    BrokerPanicked = "broker-panicked";
}

impl Rule {
    /// Whether a system that keeps Kafka's promises may do this.
    #[must_use]
    pub const fn is_legal(self) -> bool {
        matches!(self, Self::IntSendSkip | Self::WriteCycle | Self::InferredCycle)
    }
}

/// One breach, with what shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// What was broken.
    pub rule: Rule,
    /// In which partition, if in one.
    pub key: Option<Key>,
    /// The operations that show it, as places in the history.
    pub ops: Vec<usize>,
    /// What happened, in words.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.name(), self.text)?;
        if let Some(key) = self.key {
            write!(f, " (key {key})")?;
        }
        if !self.ops.is_empty() {
            write!(f, " ops {:?}", self.ops)?;
        }
        Ok(())
    }
}

/// Everything that a check found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    violations: Vec<Violation>,
    counts: std::collections::BTreeMap<Rule, usize>,
    /// The longest time for which an acknowledged record was not among what a reader of its partition got.
    pub realtime_lag_max: u64,
    /// How many records were polled more than once, over all processes.
    pub polled_again: usize,
}

/// Of one rule this many breaches are kept with their text; all are counted.
const KEPT_PER_RULE: usize = 20;

impl Report {
    pub(crate) fn add(&mut self, rule: Rule, key: Option<Key>, ops: &[usize], text: impl FnOnce() -> String) {
        let count = self.counts.entry(rule).or_default();
        *count += 1;
        if *count <= KEPT_PER_RULE {
            self.violations.push(Violation { rule, key, ops: ops.to_vec(), text: text() });
        }
    }

    /// What breaks a promise.
    pub fn illegal(&self) -> impl Iterator<Item = &Violation> {
        self.violations.iter().filter(|violation| !violation.rule.is_legal())
    }

    /// Whether no promise is broken.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.illegal().next().is_none()
    }

    /// How often a rule was broken.
    #[must_use]
    pub fn count(&self, rule: Rule) -> usize {
        self.counts.get(&rule).copied().unwrap_or_default()
    }

    /// Everything, legal or not; of each rule the first few.
    #[must_use]
    pub fn all(&self) -> &[Violation] {
        &self.violations
    }
}
