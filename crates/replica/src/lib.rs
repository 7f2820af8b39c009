//! One partition's replicas: a leader that knows who follows it how far, and followers that copy it.
//!
//! Pure: no clock, no disk, no sockets. What happens is told to a machine, and what is to be done comes back as effects that a shell
//! performs: move the high watermark, ask the controller for another ISR, truncate, append.
//!
//! ```text
//!            metadata ──► Replica::on_metadata ──► Became { Leader | Follower | … }
//!
//!   produce ─► log ─► Leader::on_append(log end, durable end) ─┐
//!   Fetch of a replica ─► Leader::on_follower_fetch ───────────┤─► Effects { high watermark, AlterPartition }
//!   AlterPartition's answer ─► Leader::on_alter_partition_answer ┤
//!   clock ─► Leader::on_tick ──────────────────────────────────┘
//!
//!   Follower::fetch ─► Fetch ─► Follower::on_fetch_response ─► Step { Append | Truncate | Restart | … }
//! ```
//!
//! # Invariants
//!
//! 1. The high watermark moves only while the ISR has at least `min.insync.replicas` members, and never beyond what *every* member of
//!    the maximal ISR (the committed one and what is asked for) has made durable and told so in this leader epoch.
//! 2. A follower joins the ISR only with a durable end at or beyond the high watermark and the epoch's start, after a fetch in this
//!    epoch under the broker epoch that is registered (KIP-903).
//! 3. A fetch counts only after its (epoch, end) was found on the leader's own history; else the follower truncates (KIP-101, 279, 320).
//! 4. A follower takes over the leader's high watermark only from an answer that it could append: never before it truncated.
//! 5. A process hears only of roles that stand in metadata which contain its own registration. What they said before was said to an
//!    earlier process of the same node; who leads on in that epoch with a shorter log makes followers remove what was committed. The
//!    shell keeps this one (`MetadataImage::is_registered`).
//!
//! A single node is the case of an ISR of one: `on_append` moves the high watermark to the durable end, and nothing else happens.

#![no_std]

extern crate alloc;

mod epochs;
mod follower;
mod leader;
mod lease;
mod role;
mod state;

pub use epochs::{EpochEnd, EpochHistory};
pub use follower::{FetchAnswer, FetchPosition, Follower, Poll, Step};
pub use leader::{
    AlterPartition, AlteredPartition, AppendRefused, Brokers, Effects, FetchRefused, Fetched, FollowerFetch,
    Leader, NotEnoughReplicasAfterAppend, ReadBound, ReplicaView, Settings,
};
pub use lease::Lease;
pub use role::{Became, Replica};
pub use state::{LogEnds, PartitionState};
