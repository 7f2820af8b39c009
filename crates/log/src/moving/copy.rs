//! The copy that is being made: `<topic>-<partition>.<unique>-future` in the directory that the partition moves to.

use std::sync::Arc;

use base::{LeaderEpoch, Offset};
use bytes::{Bytes, BytesMut};
use records::ValidBatches;

use crate::config::LogConfig;
use crate::context::LogContext;
use crate::dir::LogDir;
use crate::error::{Context, LogError, Result};
use crate::hot::HotBudget;
use crate::names;
use crate::partition::{Append, Load, PartitionLog};
use crate::producers::Origin;
use crate::read::{LogReader, ReadLimit, Slice};

/// A copy of a partition's log in another directory, on its way to take the log's place.
#[derive(Debug)]
pub struct FutureLog {
    pub(super) log: PartitionLog,
    pub(super) source: LogReader,
    /// The partition's folder, as it is named once it counts.
    pub(super) folder: String,
    /// As the source had been truncated when the copy was begun.
    pub(super) truncations: u64,
    context: Arc<LogContext>,
    config: Arc<LogConfig>,
}

impl FutureLog {
    /// Begins a copy in `to`. Nothing of it is on disk before the first [`Self::copy`].
    pub fn begin(
        to: &LogDir,
        topic: &str,
        source: LogReader,
        config: Arc<LogConfig>,
        now_ms: i64,
    ) -> Result<Self> {
        // Nothing waits for the copy to be durable, and nobody reads it.
        let context =
            Arc::new(LogContext { commits: None, hot: HotBudget::new(0), ..(**to.context()).clone() });
        let key = source.key();
        let folder = names::partition_dir(topic, key.partition);
        let truncations = source.0.truncations();
        let log = open(&context, &source, to, &folder, &config, now_ms)?;
        Ok(Self { log, source, folder, truncations, context, config })
    }

    /// Records that the copy lacks, by offsets.
    #[must_use]
    pub fn lag(&self) -> i64 {
        (self.source.view().log_end.0 - self.log.log_end().0).max(0)
    }

    /// The end of the copy.
    #[must_use]
    pub fn log_end(&self) -> Offset {
        self.log.log_end()
    }

    /// Bytes of batches in the copy.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.log.size()
    }

    /// Copies up to about `max_bytes` more, and says how many it was: 0 when the copy has all there is.
    pub fn copy(&mut self, max_bytes: usize, now_ms: i64) -> Result<usize> {
        let view = self.source.view();
        let is_fresh = self.log.view().segments.is_empty();
        let lost = self.log.log_end() < view.log_start || self.source.0.truncations() != self.truncations;
        if lost && !is_fresh {
            self.begin_anew(now_ms)?;
        }
        let from = if lost || is_fresh { view.log_start } else { self.log.log_end() };
        let bytes = self.read(from, view.log_end, max_bytes)?;
        let batches = ValidBatches::check_replicated(&bytes, Offset(0)).map_err(|_| self.corrupt(from))?;
        if lost || is_fresh {
            let first = batches.as_ref().and_then(|found| found.iter().next());
            // The first batch may begin before the log does.
            let start = first.map_or(from, |batch| batch.header().base_offset.min(from));
            self.log.truncate_fully(start, now_ms)?;
            self.log.roll(now_ms)?;
        }
        let Some(batches) = batches else { return Ok(0) };
        let size = batches.size();
        self.make_room(size as u64)?;
        let how = Append { leader_epoch: LeaderEpoch(-1), origin: Origin::Replica, now_ms };
        self.log.append(batches, &how)?;
        Ok(size)
    }

    /// Makes durable what was copied, so that little is left to do when the copy takes the log's place.
    pub fn sync(&mut self) -> Result<()> {
        self.log.sync_copy()
    }

    /// Gives the copy up and removes its folder.
    pub fn discard(&mut self) -> Result<()> {
        self.log.remove_dir()
    }

    fn read(&self, from: Offset, end: Offset, max_bytes: usize) -> Result<Bytes> {
        let limit = ReadLimit { bound: end, max_bytes, whole_first_batch: true };
        let result = self.source.read(from, limit)?;
        let mut bytes = BytesMut::with_capacity(result.bytes);
        for slice in &result.slices {
            match slice {
                Slice::Bytes(piece) => bytes.extend_from_slice(piece),
                Slice::File { file, position, len } => {
                    let begun = bytes.len();
                    bytes.resize(begun + len, 0);
                    let piece = bytes.get_mut(begun..).unwrap_or_default();
                    file.read_exact_at(piece, *position).during("read", &self.log.dir())?;
                }
            }
        }
        Ok(bytes.freeze())
    }

    fn begin_anew(&mut self, now_ms: i64) -> Result<()> {
        self.log.remove_dir()?;
        self.truncations = self.source.0.truncations();
        let load = Load::clean(now_ms);
        let dir = self.log.dir();
        self.log =
            PartitionLog::open(&self.context, self.source.key(), &dir, Arc::clone(&self.config), &load)?.log;
        Ok(())
    }

    /// What was accepted under a larger `segment.bytes` is copied all the same.
    fn make_room(&mut self, bytes: u64) -> Result<()> {
        if bytes <= self.log.config().segment_bytes {
            return Ok(());
        }
        self.log.set_config(Arc::new(LogConfig { segment_bytes: bytes, ..(*self.config).clone() }))
    }

    fn corrupt(&self, offset: Offset) -> LogError {
        let reason = "what was read is not a row of sound batches";
        LogError::Corrupt { path: self.log.dir(), position: 0, offset, reason }
    }
}

fn open(
    context: &Arc<LogContext>,
    source: &LogReader,
    to: &LogDir,
    folder: &str,
    config: &Arc<LogConfig>,
    now_ms: i64,
) -> Result<PartitionLog> {
    let unique = (u128::from(context.random.next_u64()) << 64) | u128::from(context.random.next_u64());
    let dir = to.path().join(names::departing_dir(folder, unique, names::FUTURE_DIR));
    Ok(PartitionLog::open(context, source.key(), &dir, Arc::clone(config), &Load::clean(now_ms))?.log)
}
