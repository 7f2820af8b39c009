//! The words that every part of Mekong shares.
//!
//! Pure: `no_std` with `alloc`; no clock, no disk, no randomness. Nothing here knows the wire or the log.

#![no_std]

extern crate alloc;

mod ids;
pub mod limits;
pub mod planted;
mod text;
mod uuid;

pub use ids::{BrokerId, LeaderEpoch, Offset, ProducerId, TopicId, TopicIdPartition};
pub use text::Str;
pub use uuid::Uuid;
