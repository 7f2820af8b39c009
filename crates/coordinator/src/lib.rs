//! Coordinators as pure state machines: what a group coordinator decides, apart from sockets, disks and clocks.
//!
//! - [`engine`] holds one shard (one partition of a coordinator's log): it hands requests to the shard's handlers, replays the
//!   records they make, keeps every answer back until the records before it are committed, and owns the deadlines.
//! - [`group`] is the shard of consumer groups, in the format of Kafka's `__consumer_offsets`.
//! - [`partition_of`] says which partition of the coordinator's topic an id belongs to.
//!
//! Invariant: nothing here knows the world. Time comes as milliseconds since 1970, randomness as bytes, the log as records.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod deadlines;
pub mod engine;
pub mod group;
mod partition;

pub use deadlines::Deadlines;
pub use partition::partition_of;
