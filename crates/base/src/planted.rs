//! Bugs on demand: each is a mistake that some system made, switched on by the simulator to prove that it would find it.
//!
//! Without the feature `planted` no bug can be switched on and the tests for them compile to nothing; with it, a release build does
//! not compile.

#[cfg(all(feature = "planted", not(debug_assertions)))]
compile_error!("planted bugs do not belong in a release");

macro_rules! bugs {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// A mistake to make.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Bug {
            $($(#[doc = $doc])* $name,)*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

bugs! {
    /// The high watermark counts what replicas have received, not what they made durable.
    HighWatermarkCountsUndurable,
    /// The high watermark counts the leader's log end, not its durable end.
    HighWatermarkCountsLeadersUndurable,
    /// The high watermark ignores the ISR's members that have not fetched in this epoch.
    HighWatermarkSkipsSilentReplicas,
    /// The high watermark counts the committed ISR only, not members that are being added.
    HighWatermarkIgnoresPendingIsr,
    /// The high watermark takes a shrunk ISR for granted before the controller agreed.
    HighWatermarkTrustsPendingShrink,
    /// The high watermark moves though fewer than `min.insync.replicas` are in sync (Kafka 0.8 under Jepsen).
    HighWatermarkBelowMinIsr,
    /// A new leader takes its log's end for the high watermark (Redpanda #5090).
    NewLeaderTrustsItsEnd,
    /// A follower joins the ISR below the high watermark.
    JoinBelowHighWatermark,
    /// A follower joins the ISR below the start of the leader's epoch.
    JoinBelowEpochStart,
    /// A follower joins the ISR whatever its broker epoch (before KIP-903).
    JoinWithAnyBrokerEpoch,
    /// A fetch counts before its epoch was compared with the leader's history.
    CountDivergingFetch,
    /// A fetch counts whatever leader epoch it was made for (before KIP-320).
    CountFetchOfAnyEpoch,
    /// A follower never truncates (KAFKA-6361).
    NeverTruncate,
    /// A follower truncates to its high watermark, not by epoch (before KIP-101).
    TruncateToHighWatermark,
    /// A follower takes over the high watermark before it truncates (KAFKA-14704).
    HighWatermarkBeforeTruncation,
    /// A follower accepts an answer of an earlier leader epoch.
    AcceptStaleAnswer,
    /// A leader asks nothing of the epoch in between that has no record here.
    ForgetOwnEpoch,
    /// A leader appends without a lease.
    IgnoreLease,
    /// A process takes up a role that the metadata gave to an earlier one, before it has read of its own registration.
    LeadBeforeRegistered,
    /// A leader accepts acks=all with too few in-sync replicas.
    AppendBelowMinIsr,
    /// An answer leaves once the leader's log has the records (acks=all as acks=1).
    AckAtAppend,
    /// A parked answer leaves with success when leadership is lost.
    AckOnLeadershipLoss,
    /// A failed append carries offset 0 (Bufstream 0.1.0).
    FailWithOffsetZero,
    /// A retried batch is appended again (Redpanda #3039).
    NoIdempotence,
    /// A leader shows records up to its log's end (Redpanda #14794).
    ReadToLogEnd,
    /// The controller elects any live replica.
    ElectAnyone,
    /// The controller accepts an ISR proposed for an earlier partition epoch.
    AcceptStaleIsr,
    /// The controller keeps a broker in the ISR though it lost its disk (before KIP-966).
    KeepLostReplicaInIsr,
    /// A controller's answer leaves before its records are committed.
    AnswerBeforeCommit,
    /// A committed group offset is answered before it is replicated.
    AckOffsetEarly,
    /// A group's offset is kept in memory only.
    ForgetOffsets,
    /// A new coordinator serves before it has read its log.
    ServeBeforeLoaded,
    /// A produce is answered with failure after it was appended.
    FailAfterAppend,
    /// An answer gives the offset behind the right one.
    WrongOffset,
    /// A consumer is given the batch behind the one it asked for.
    SkipBatch,
}

/// The bugs that are switched on: none, unless the feature is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Planted {
    #[cfg(feature = "planted")]
    bugs: u64,
}

impl Planted {
    /// None.
    pub const NONE: Self = Self {
        #[cfg(feature = "planted")]
        bugs: 0,
    };

    /// With one more bug.
    #[cfg(feature = "planted")]
    #[must_use]
    pub const fn with(self, bug: Bug) -> Self {
        Self { bugs: self.bugs | 1 << bug as u64 }
    }

    /// Whether this bug is switched on.
    #[inline]
    #[must_use]
    pub const fn has(self, bug: Bug) -> bool {
        #[cfg(feature = "planted")]
        return self.bugs & (1 << bug as u64) != 0;
        #[cfg(not(feature = "planted"))]
        {
            let _ = bug;
            false
        }
    }
}

const _: () = assert!(Bug::ALL.len() <= 64, "the switches are bits of one word");
