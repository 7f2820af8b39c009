//! What can go wrong in a log, each with what the broker must know to answer with Kafka's error.

use std::borrow::{Borrow, Cow};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{LeaderEpoch, Offset, ProducerId};

use crate::names::Kind;
use crate::segment::Segment;

/// Why a call on a log failed. The comment names the `ErrorCode` that the wire gets.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// KAFKA_STORAGE_ERROR: the directory had a failed sync or write; nothing is accepted there until the process restarts.
    #[error("the log directory is fenced: {0}")]
    Fenced(Arc<str>),
    /// KAFKA_STORAGE_ERROR: a call on a file failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// KAFKA_STORAGE_ERROR, retriable: the process has no descriptor or memory to spare; the log is as it was before the call.
    #[error("cannot {action} {}: out of descriptors or memory", path.display())]
    Exhausted {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file.
        path: PathBuf,
    },
    /// KAFKA_STORAGE_ERROR, retriable: no room on the disk; the log is as it was before the call.
    #[error("no space left for {}", path.display())]
    NoSpace {
        /// The file that could not grow.
        path: PathBuf,
    },
    /// CORRUPT_MESSAGE on reading: the bytes on disk are not what was written.
    #[error("{} is corrupt at byte {position} (offset {offset} expected): {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        position: u64,
        /// The offset that was expected there.
        offset: Offset,
        /// What is wrong.
        reason: &'static str,
    },
    /// OFFSET_OUT_OF_RANGE.
    #[error("offset {offset} is outside {start} to {end}")]
    OffsetOutOfRange {
        /// The offset asked for.
        offset: Offset,
        /// The first offset there is.
        start: Offset,
        /// One past the last.
        end: Offset,
    },
    /// CORRUPT_MESSAGE: a batch handed to append is not one.
    #[error("not a record batch: {0}")]
    BadBatch(&'static str),
    /// RECORD_LIST_TOO_LARGE: the batches are larger than a segment may be.
    #[error("{bytes} bytes of batches exceed segment.bytes = {segment_bytes}")]
    LargerThanSegment {
        /// The batches' size.
        bytes: u64,
        /// The setting.
        segment_bytes: u64,
    },
    /// A replicated batch does not continue the log (the follower must truncate or refetch).
    #[error("batch at offset {first} does not continue a log that ends at {end}")]
    NotTheNextOffset {
        /// The batch's base offset.
        first: Offset,
        /// The log's end.
        end: Offset,
    },
    /// NOT_LEADER_OR_FOLLOWER (a stale leader's append): the log has seen a later epoch.
    #[error("epoch {epoch} is older than {latest}")]
    StaleEpoch {
        /// The epoch given.
        epoch: LeaderEpoch,
        /// The latest in the log.
        latest: LeaderEpoch,
    },
    /// OUT_OF_ORDER_SEQUENCE_NUMBER.
    #[error("producer {producer}: sequence {found} follows {last}")]
    OutOfOrderSequence {
        /// Whose.
        producer: ProducerId,
        /// The first sequence of the batch.
        found: i32,
        /// The last one in the log.
        last: i32,
    },
    /// INVALID_PRODUCER_EPOCH.
    #[error("producer {producer}: epoch {found} is older than {current}")]
    InvalidProducerEpoch {
        /// Whose.
        producer: ProducerId,
        /// The batch's epoch.
        found: i16,
        /// The latest one in the log.
        current: i16,
    },
    /// INVALID_TXN_STATE.
    #[error("producer {producer}: {reason}")]
    InvalidTxnState {
        /// Whose.
        producer: ProducerId,
        /// What does not fit.
        reason: &'static str,
    },
    /// TRANSACTION_COORDINATOR_FENCED.
    #[error("producer {producer}: marker of coordinator epoch {found}, but {current} was seen")]
    CoordinatorFenced {
        /// Whose.
        producer: ProducerId,
        /// The marker's coordinator epoch.
        found: i32,
        /// The latest seen.
        current: i32,
    },
    /// The folder belongs to another topic of the same name (INCONSISTENT_TOPIC_ID): one that was deleted.
    #[error("{} belongs to topic {found}, not {expected}", path.display())]
    OtherTopic {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        found: base::TopicId,
        /// Whose it should be.
        expected: base::TopicId,
    },
    /// The segments still need the commit log (see `PartitionLog::replace_segments`); try again after a checkpoint.
    #[error(
        "segments up to {needed} are asked for, but only those below {durable} are out of the commit log"
    )]
    NotYetDurable {
        /// The end of the segments.
        needed: Offset,
        /// The recovery point.
        durable: Offset,
    },
}

impl LogError {
    /// Wraps what the system said about a file. A failed sync is never anything but a failure, not even for want of room: the
    /// pages may be gone, and a second, successful one would prove nothing.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            _ if action == SYNC => Self::Io { action, path: path.to_owned(), source: Arc::new(source) },
            _ if is_exhausted(&source) => Self::Exhausted { action, path: path.to_owned() },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::NoSpace { path: path.to_owned() }
            }
            _ => Self::Io { action, path: path.to_owned(), source: Arc::new(source) },
        }
    }

    /// Whether the same call may succeed later, with nothing changed until then.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::NoSpace { .. } | Self::Exhausted { .. })
    }

    /// Whether the directory must be given up: the disk failed, and not for want of room.
    #[must_use]
    pub fn is_storage_failure(&self) -> bool {
        matches!(self, Self::Fenced(_) | Self::Io { .. })
    }
}

/// What every call that syncs is called.
pub(crate) const SYNC: &str = "sync";

/// Whether it is the process, or the machine, that ran out: of descriptors (its own, all) or of memory.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    const ENOMEM: i32 = 12;
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(error.raw_os_error(), Some(ENOMEM | ENFILE | EMFILE))
}

/// What the calls of this crate return.
pub type Result<T, E = LogError> = std::result::Result<T, E>;

/// Adds the action and the path to an [`io::Error`].
pub(crate) trait Context<T> {
    fn during(self, action: &'static str, place: impl Where) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn during(self, action: &'static str, place: impl Where) -> Result<T> {
        self.map_err(|source| LogError::io(action, &place.path(), source))
    }
}

/// Where a call was made: a path, or what knows it, so that nothing is put together for a call that succeeds.
pub(crate) trait Where {
    fn path(&self) -> Cow<'_, Path>;
}

impl<P: AsRef<Path> + ?Sized> Where for &P {
    fn path(&self) -> Cow<'_, Path> {
        Cow::Borrowed(self.as_ref())
    }
}

/// One of a segment's files.
impl<S: Borrow<Segment>> Where for (&S, Kind) {
    fn path(&self) -> Cow<'_, Path> {
        Cow::Owned(self.0.borrow().path(self.1))
    }
}
