//! Bugs planted on purpose, one at a time, to prove that the crash tests find such bugs. Only with the feature `planted-bugs`,
//! with which a release build does not compile; without it [`has`] is always false and costs nothing.

#[cfg(all(feature = "planted-bugs", not(debug_assertions)))]
compile_error!("planted-bugs is for tests alone");

/// A bug that can be planted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Bug {
    /// The commit file is written, not synced.
    AckBeforeSync = 1,
    /// Segments that take the short way are not synced.
    AckBeforeFileSync,
    /// … their indexes are synced instead.
    SyncOfTheWrongFile,
    /// A new segment's name is not synced.
    LostName,
    /// A new folder's name is not synced.
    LostFolder,
    /// A generation is released before its segments are synced.
    ReleasedTooEarly,
    /// … without writing the bounds.
    BoundsNotWritten,
    /// The recovery point moves with the commit, not with the release.
    RecoveryPointTooEarly,
    /// Frames are written and synced before the segments of the same round.
    FramesBeforeFiles,
    /// A frame is taken whatever its check says.
    ReplayPastATornTail,
    /// Frames of the generation before are taken for the present one's.
    NoChain,
    /// Replay writes without syncing.
    ReplayNotSynced,
    /// Replay writes into the folder of a namesake.
    ReplayIntoANamesake,
    /// Replay skips the generation before the last.
    OldGenerationForgotten,
    /// What is behind the recovery point is believed too.
    TailTrusted,
    /// An index is believed whatever it says.
    IndexTrusted,
    /// A snapshot from beyond the log's end is believed.
    StaleSnapshot,
    /// Segments may have gaps between them.
    GapsAllowed,
    /// Retention removes files before the log's start is durable.
    RetentionTooEarly,
    /// A log start is announced without a frame.
    LogStartNotLogged,
    /// A failed sync is tried again.
    SyncRetried,
    /// After a failed write the staged batches stay in the producers' state.
    WriteNotUndone,
    /// The mark of a clean stop stays.
    CleanMarkStays,
    /// A truncation begins before it is known to a restart.
    NoTruncationIntent,
    /// A generation is released before its truncations are synced.
    TruncationNotSynced,
    /// What follows a truncation in one round may take the short way.
    TruncatedPastFrames,
    /// A recovery point stays above a truncation.
    RecoveryPointAboveTruncation,
    /// A folder that lost the file that says whose it is counts as that of who opens it.
    NamesakeAdopted,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 28] = [
        Self::AckBeforeSync,
        Self::AckBeforeFileSync,
        Self::SyncOfTheWrongFile,
        Self::LostName,
        Self::LostFolder,
        Self::ReleasedTooEarly,
        Self::BoundsNotWritten,
        Self::RecoveryPointTooEarly,
        Self::FramesBeforeFiles,
        Self::ReplayPastATornTail,
        Self::NoChain,
        Self::ReplayNotSynced,
        Self::ReplayIntoANamesake,
        Self::OldGenerationForgotten,
        Self::TailTrusted,
        Self::IndexTrusted,
        Self::StaleSnapshot,
        Self::GapsAllowed,
        Self::RetentionTooEarly,
        Self::LogStartNotLogged,
        Self::SyncRetried,
        Self::WriteNotUndone,
        Self::CleanMarkStays,
        Self::NoTruncationIntent,
        Self::TruncationNotSynced,
        Self::TruncatedPastFrames,
        Self::RecoveryPointAboveTruncation,
        Self::NamesakeAdopted,
    ];
}

#[cfg(feature = "planted-bugs")]
mod switch {
    use std::sync::atomic::{AtomicU8, Ordering};

    static PLANTED: AtomicU8 = AtomicU8::new(0);

    /// Plants one bug in this process, or none.
    pub fn plant(bug: Option<super::Bug>) {
        PLANTED.store(bug.map_or(0, |bug| bug as u8), Ordering::SeqCst);
    }

    pub(crate) fn has(bug: super::Bug) -> bool {
        PLANTED.load(Ordering::SeqCst) == bug as u8
    }
}

#[cfg(not(feature = "planted-bugs"))]
mod switch {
    pub(crate) const fn has(_bug: super::Bug) -> bool {
        false
    }
}

pub(crate) use switch::has;
#[cfg(feature = "planted-bugs")]
pub use switch::plant;
