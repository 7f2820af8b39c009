//! One partition's log on disk, in Kafka's own format; the commit log that makes appends durable; recovery.
//!
//! Synchronous, sees the world through `env`, and spawns nothing but the few threads that sync the segments of one round side by side
//! where the disk takes several syncs at once (a simulated one takes one). What a broker does with it:
//!
//! ```text
//! let files = Arc::new(FileCache::new(disk, 512));           // open files of the node
//! let hot   = HotBudget::new(64 << 20);                      // memory for hot tails of the node
//!
//! // per log directory (`inspect` says first, without touching anything, whether it is empty, ours, or neither):
//! let OpenedDir { dir, mut committer, report } = LogDir::open(path, &meta, &files, &hot, &random, Policy::default())?;
//!
//! // one OS thread per directory owns the committer:
//! let queue = Arc::clone(committer.queue());
//! while queue.wait(Duration::from_secs(1)) {                 // a round also when nothing waits
//!     match committer.commit_round(now_ms) {
//!         // each partition whose durable end moved, with its reader: advance watermarks and answer those who wait
//!         Ok(round) => for Committed { key, reader, durable_end } in round.committed { … },
//!         Err(error) if error.may_pass() => { /* everything waits on: free space, try again in a while */ }
//!         Err(error) => { /* the directory is fenced: fail those who wait with KAFKA_STORAGE_ERROR, end the thread */ }
//!     }
//! }
//!
//! // a partition, when it is first used (cheap after a clean stop; recovers what needs it after a crash):
//! let Loaded { log, report } = dir.open_partition("orders", key, config, now_ms)?;
//! let reader = log.reader();                                 // clone it, hand it to fetch handlers
//!
//! // the owner, per turn:
//! let info = log.stage(valid_batches, &Append { leader_epoch, origin: Origin::Client, now_ms })?;   // once per request
//! log.flush()?;                                              // once: one write, visible to readers as log end
//! // committed once view.durable_end > info.last_offset: at once where !log.is_durable() (relaxed), else after a round
//!
//! // any thread:
//! reader.advance_high_watermark(offset);
//! let limit = ReadLimit { bound: reader.view().high_watermark, max_bytes, whole_first_batch: true };
//! match reader.read_hot(offset, limit)? {                    // memory only: fit for an async thread
//!     Some(result) => result,
//!     None => reader.read(offset, limit)?,                   // reads a file: for a thread that may wait
//! };
//!
//! // DeleteRecords: log.advance_log_start(offset)?; answer once view.durable_log_start >= offset (it shows in `committed`)
//! // delete a topic: dir.delete_partition(&mut log)?; after file.delete.delay.ms log.remove_dir()?
//! // move to another directory (KIP-113): FutureLog::begin, copy …, sync, swap; Departed::leave, LogDir::settle_move, remove
//! // stop: dir.close_partition(&mut log)? for each; queue.stop(); join the thread; dir.close(committer, now_ms)?
//! ```
//!
//! * [`PartitionLog`]: the single writer: `append` (= `stage` + `flush`), `roll`, `truncate_to`, `truncate_fully`,
//!   `advance_log_start` (DeleteRecords), `delete_old_segments` (retention), `on_tick`/`next_tick_ms` (delayed removal of files),
//!   `end_offset_for_epoch`, `producers`, `mark_deleted`/`remove_dir`, `close` (clean stop).
//! * [`LogReader`]: `view`, `read`, `read_hot`, `offset_for_timestamp`, `offset_of_max_timestamp`, `aborted_transactions`.
//! * [`cleaner`]: compaction: `cleanable`, `cleaning_task`, a worker of its own, `replace_segments`.
//! * [`LogError`]: each variant names the Kafka error that answers it.
//!
//! After a restart the high watermark starts at the log's start: the owner advances it from the checkpoint, or to the durable end
//! where there is one replica.

mod batch;
pub mod checkpoint;
pub mod cleaner;
mod commit;
mod config;
mod context;
mod dir;
mod epochs;
mod error;
mod fence;
mod files;
mod hot;
mod index;
mod intent;
mod moving;
pub mod names;
mod partition;
pub mod planted;
mod producers;
mod read;
mod segment;
mod view;

pub use commit::{CommitQueue, Committed, Committer, Known, Policy, Replayed, Round};
pub use config::{Durability, LogConfig};
pub use context::LogContext;
pub use dir::{DirError, DirReport, LogDir, MetaProperties, OpenedDir, PartitionFolder, inspect};
pub use epochs::EpochStart;
pub use error::{LogError, Result};
pub use fence::Fence;
pub use files::FileCache;
pub use hot::HotBudget;
pub use index::txn::AbortedTxn;
pub use moving::{Departed, FutureLog, Interrupted, Swap, settle_moves};
pub use partition::{
    Append, AppendInfo, Cut, Deleted, DeletedBecause, Load, Loaded, PartitionLog, RecoveryReport, Rot,
    TimestampOffset,
};
pub use producers::{Origin, ProducerView};
pub use read::{LogReader, ReadLimit, ReadResult, Slice};
pub use segment::Segment;
pub use view::View;
