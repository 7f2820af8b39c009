//! The commit log of a log directory: what makes appends durable, whatever the number of partitions.
//!
//! Every append goes to its segment through the page cache. What acknowledges it is one *round* of the directory's committer,
//! which takes everything that waits and
//! - writes small appends as frames behind each other into the commit file and syncs that one file, or
//! - syncs the segment's own file, where the round brought much to it (a bounded number of files per round).
//!
//! ```text
//! mekong-commit-0, mekong-commit-1       two files, used in turn, preallocated, never longer than a limit
//! file  = header 64 │ frame │ frame │ … │ what an earlier generation left
//! header: magic "MKCOMMIT" │ version u32 = 1 │ zero u32 │ generation u64 │ seed u64 │ zero 24 │ crc64 u64 of all before
//! frame : see [`frame`]; its check covers the frame before it, so that no frame of an earlier generation is ever taken for one
//! ```
//!
//! When a file is full the other one becomes the next generation, and the full one *retires*: the segments it speaks of are
//! synced step by step, recovery points and log starts are recorded, and only then its header is wiped (*released*).
//!
//! Invariants:
//! - A durable end is announced only after the sync that covers it succeeded; a failed sync fences the directory for good.
//! - Replaying the generations that are not released, in order, over whatever segment files survived gives every
//!   acknowledged batch at its place.
//! - A truncation's intent stays in the partition's folder until the truncation's generation is released.
//! - A partition that was truncated goes through frames alone until the generation of the truncation is released: replaying a
//!   truncation must find everything that came after it in the frames behind it.
//! - Segments are replaced by the cleaner only below the recovery point, which moves only when a generation is released.

pub(crate) mod bounds;
mod committer;
mod file;
mod frame;
mod plan;
mod queue;
mod release;
mod replay;
mod syncers;
#[cfg(test)]
mod tests;

pub use committer::{Committed, Committer, Round};
pub(crate) use file::crc64;
pub use plan::Policy;
pub use queue::CommitQueue;
pub(crate) use queue::{Append, Item, Source};
pub(crate) use replay::replay;
pub use replay::{Known, Replayed};
