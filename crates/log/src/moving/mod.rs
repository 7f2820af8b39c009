//! Moving a partition to another log directory of the same node (KIP-113) while it is written and read.
//!
//! ```text
//! <to>/<topic>-<partition>.<unique>-future/   filled in the background; worth nothing after a crash
//!
//! copy … copy, caught up ─► sync ─► the owner holds still ─► last copy ─► to: bounds, then a note in `mekong-moves`
//!    ─► rename to <topic>-<partition>, sync ─► the partition's log is the copy ─► from: the folder departs, its deletion is committed
//!    ─► `from` has nothing of the partition left ─► the note goes
//! ```
//!
//! Invariants:
//! - What is acknowledged is in the folder that counts after a crash. It is the old one until the renaming is durable: nothing is
//!   acknowledged in the new one before. From then on it is the new one, since the note says that it replaces the old.
//! - A partition moves on only from a directory that has no note of it: the directory before has forgotten it, its commit log too.
//! - If the renaming fails, nobody knows which folder counts: both hold the same, and the partition is offline until a restart.

mod copy;
mod notes;
mod start;
mod swap;

pub use copy::FutureLog;
pub(crate) use notes::MoveNotes;
pub(crate) use start::remove_futures;
pub use start::{Interrupted, settle_moves};
pub use swap::{Departed, Swap};
