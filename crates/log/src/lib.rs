//! One partition's log on disk, in Kafka's own format; the commit log that makes appends durable; recovery.
//!
//! Synchronous, spawns nothing, sees the world through `env`. What a broker does with it:
//!
//! ```text
//! let files   = Arc::new(FileCache::new(disk, 512));         // open files of the node
//! let hot     = HotBudget::new(64 << 20);                    // memory for hot tails of the node
//! let context = Arc::new(LogContext::new(&files, &hot, random));   // one per log directory
//!
//! let Loaded { log, report } = PartitionLog::open(&context, key, &dir, config, &Load::clean(now_ms))?;
//! let reader = log.reader();                                 // clone it, hand it to fetch handlers
//!
//! // the owner, per turn:
//! let info = log.stage(valid_batches, &Append { leader_epoch, origin: Origin::Client, now_ms })?;   // once per request
//! log.flush()?;                                              // once: one write, visible to readers as log end
//! // the append is durable once reader.view().durable_end > info.last_offset; then, when replicated as asked:
//! reader.advance_high_watermark(offset);                     // from any thread
//!
//! // any thread:
//! let view = reader.view();
//! let limit = ReadLimit { bound: view.high_watermark, max_bytes, whole_first_batch: true };
//! match reader.read_hot(offset, limit)? {                    // memory only: fit for an async thread
//!     Some(result) => result,
//!     None => reader.read(offset, limit)?,                   // reads a file: for a thread that may wait
//! };
//! ```
//!
//! * [`PartitionLog`]: the single writer: `append` (= `stage` + `flush`), `roll`, `truncate_to`, `truncate_fully`,
//!   `advance_log_start` (DeleteRecords), `delete_old_segments` (retention), `on_tick`/`next_tick_ms` (delayed removal of files),
//!   `end_offset_for_epoch`, `producers`, `mark_deleted`/`remove_dir`, `close` (clean stop).
//! * [`LogReader`]: `view`, `read`, `read_hot`, `offset_for_timestamp`, `offset_of_max_timestamp`, `aborted_transactions`.
//! * [`LogError`]: each variant names the Kafka error that answers it.
//!
//! After a restart the high watermark starts at the log's start: the owner advances it from the checkpoint, or to the durable end
//! where there is one replica.

mod batch;
pub mod checkpoint;
pub mod cleaner;
mod config;
mod context;
mod epochs;
mod error;
mod fence;
mod files;
mod hot;
mod index;
pub mod names;
mod partition;
mod producers;
mod read;
mod segment;
mod view;

pub use config::{Durability, LogConfig};
pub use context::LogContext;
pub use epochs::EpochStart;
pub use error::{LogError, Result};
pub use fence::Fence;
pub use files::FileCache;
pub use hot::HotBudget;
pub use index::txn::AbortedTxn;
pub use partition::{
    Append, AppendInfo, Cut, Deleted, DeletedBecause, Load, Loaded, PartitionLog, RecoveryReport, Rot,
    TimestampOffset,
};
pub use producers::{Origin, ProducerView};
pub use read::{LogReader, ReadLimit, ReadResult, Slice};
pub use segment::Segment;
pub use view::View;
