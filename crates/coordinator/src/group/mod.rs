//! Consumer groups: the shard that one partition of `__consumer_offsets` keeps.
//!
//! - [`record`]: the log's format, which is Kafka's;
//! - [`Durable`]: what the log says; [`Live`]: who waits for what;
//! - [`classic`]: the classic protocol (JoinGroup, SyncGroup, Heartbeat, LeaveGroup);
//! - one file for each of the other APIs.
//!
//! Ids form one space over all kinds of groups. This version serves classic groups; an id is refused by the rules that Kafka has for
//! the kind it belongs to.

pub mod classic;
mod delete;
mod describe;
mod durable;
mod expire;
mod list;
mod live;
mod member_requests;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
pub mod offsets;
pub mod record;
mod subscription;

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use base::{ProducerId, Str, TopicId};
use wire::messages::delete_groups::DeletableGroupResult;
use wire::messages::describe_groups::DescribedGroup;
use wire::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use wire::messages::join_group::{JoinGroupRequest, JoinGroupResponse};
use wire::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse};
use wire::messages::list_groups::ListedGroup;
use wire::messages::offset_commit::{OffsetCommitRequest, OffsetCommitResponse};
use wire::messages::offset_delete::{OffsetDeleteRequest, OffsetDeleteResponse};
use wire::messages::offset_fetch::{OffsetFetchRequestGroup, OffsetFetchResponseGroup};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};

pub use self::durable::{Durable, Group};
pub use self::live::Live;
pub use self::offset_commit::refusal as refused_commit;
use self::record::GroupRecord;
use crate::engine::{Effects, Engine, Position, Shard, Waiter};

/// What a handler of this shard leaves behind.
pub(crate) type Fx<'a> = Effects<'a, Groups>;

/// The engine of one shard of groups.
pub type GroupEngine = Engine<Groups>;

/// The group coordinator's configuration; names and defaults are Kafka's.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// `group.min.session.timeout.ms`
    pub session_timeout_min_ms: i32,
    /// `group.max.session.timeout.ms`
    pub session_timeout_max_ms: i32,
    /// `group.max.size`
    pub group_max_size: usize,
    /// `group.initial.rebalance.delay.ms`
    pub initial_rebalance_delay_ms: i32,
    /// `offset.metadata.max.bytes`, which Kafka counts in UTF-16 units.
    pub offset_metadata_max: usize,
    /// `offsets.commit.timeout.ms`: how long the shell lets answers wait while no write is committed.
    pub commit_timeout_ms: i64,
    /// `offsets.retention.minutes`, in milliseconds.
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`
    pub offsets_retention_check_interval_ms: i64,
    /// The most bytes that a record of the log may take: what its topic's `max.message.bytes` leaves.
    pub record_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            session_timeout_min_ms: 6_000,
            session_timeout_max_ms: 1_800_000,
            group_max_size: i32::MAX as usize,
            initial_rebalance_delay_ms: 3_000,
            offset_metadata_max: 4_096,
            commit_timeout_ms: 5_000,
            offsets_retention_ms: 7 * 24 * 60 * 60 * 1000,
            offsets_retention_check_interval_ms: 600_000,
            record_bytes_max: 1_048_588 - 128,
        }
    }
}

/// Who calls, and in which version.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Call {
    /// The request's version.
    pub version: i16,
    /// The client's own name; empty where it gave none.
    pub client_id: Str,
    /// Where it connected from, as Java writes an address: `/127.0.0.1`.
    pub client_host: Str,
    /// Random bytes, from which a new member's id is made.
    pub random: [u8; 16],
}

/// Everything a shard of groups can be asked.
#[derive(Clone, PartialEq, Debug)]
pub enum Request {
    /// JoinGroup.
    Join(Call, JoinGroupRequest),
    /// SyncGroup.
    Sync(Call, SyncGroupRequest),
    /// Heartbeat.
    Heartbeat(HeartbeatRequest),
    /// LeaveGroup.
    Leave(Call, LeaveGroupRequest),
    /// OffsetCommit, with names and ids of topics both resolved.
    OffsetCommit(Call, OffsetCommitRequest),
    /// One group of OffsetFetch, with names and ids of topics both resolved.
    OffsetFetch {
        /// Whose offsets, and of which partitions; no topics stand for all.
        group: OffsetFetchRequestGroup,
        /// Offsets that wait for a transaction are an error (KIP-447).
        require_stable: bool,
    },
    /// OffsetDelete.
    OffsetDelete(OffsetDeleteRequest),
    /// DescribeGroups, for the groups of this shard.
    Describe(Call, Vec<Str>),
    /// ListGroups, for this shard.
    List {
        /// Names of states, in any case; none stand for all.
        states: Vec<Str>,
        /// Names of kinds, in any case; none stand for all.
        types: Vec<Str>,
    },
    /// DeleteGroups, for the groups of this shard.
    Delete(Vec<Str>),
    /// Topics were deleted: their offsets go, those of a topic that has the name now do not.
    TopicsDeleted(Vec<(Str, TopicId)>),
}

impl Request {
    /// Whether to decide on it may take a record of the log: it need not be asked while the log takes none.
    #[must_use]
    pub fn may_write(&self) -> bool {
        match self {
            // A new group is written down, and so is what a leader assigns, be it nothing.
            Self::Join(..) | Self::Sync(..) => true,
            Self::Leave(..) | Self::OffsetCommit(..) | Self::OffsetDelete(_) | Self::Delete(_) => true,
            Self::Heartbeat(_) | Self::OffsetFetch { .. } | Self::Describe(..) | Self::List { .. } => false,
            // Put off, since nobody waits for it and it is not said again.
            Self::TopicsDeleted(_) => false,
        }
    }
}

/// What a shard of groups answers.
#[derive(Clone, PartialEq, Debug)]
pub enum Response {
    /// To JoinGroup.
    Join(JoinGroupResponse),
    /// To SyncGroup.
    Sync(SyncGroupResponse),
    /// To Heartbeat.
    Heartbeat(HeartbeatResponse),
    /// To LeaveGroup.
    Leave(LeaveGroupResponse),
    /// To OffsetCommit.
    OffsetCommit(OffsetCommitResponse),
    /// To one group of OffsetFetch.
    OffsetFetch(OffsetFetchResponseGroup),
    /// To OffsetDelete.
    OffsetDelete(OffsetDeleteResponse),
    /// To DescribeGroups.
    Describe(Vec<DescribedGroup>),
    /// To ListGroups.
    List(Vec<ListedGroup>),
    /// To DeleteGroups.
    Delete(Vec<DeletableGroupResult>),
    /// The offsets of deleted topics are gone.
    TopicsDeleted,
}

/// What a deadline of this shard is for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Timer {
    /// The group's call to join ends.
    Join(Str),
    /// The group's members must have asked for their assignments.
    Sync(Str),
    /// The session of a member (second) of the group (first) ends.
    Session(Str, Str),
    /// Offsets are looked through for those that expired.
    Expiry,
}

/// The shard of consumer groups.
#[derive(Debug)]
pub struct Groups;

impl Shard for Groups {
    type Durable = Durable;
    type Live = Live;
    type Request = Request;
    type Response = Response;
    type Record = GroupRecord;
    type Timer = Timer;

    fn handle(durable: &Durable, live: &mut Live, request: Request, waiter: Waiter, fx: &mut Fx<'_>) {
        match request {
            Request::Join(call, request) => live.join(durable, call, &request, waiter, fx),
            Request::Sync(call, request) => live.sync(&call, &request, waiter, fx),
            Request::Heartbeat(request) => live.heartbeat(&request, waiter, fx),
            Request::Leave(call, request) => live.leave(&call, request, waiter, fx),
            Request::OffsetCommit(call, request) => live.commit_offsets(durable, &call, &request, waiter, fx),
            Request::OffsetFetch { group, require_stable } => {
                fx.answer(
                    waiter,
                    Response::OffsetFetch(offset_fetch::fetch(durable, &group, require_stable)),
                );
            }
            Request::OffsetDelete(request) => live.delete_offsets(durable, request, waiter, fx),
            Request::Describe(call, groups) => {
                fx.answer(waiter, Response::Describe(live.describe(durable, groups, call.version)));
            }
            Request::List { states, types } => {
                fx.answer(waiter, Response::List(live.list(durable, &states, &types)));
            }
            Request::Delete(groups) => live.delete_groups(durable, groups, waiter, fx),
            Request::TopicsDeleted(topics) => {
                expire::delete_topics(durable, &topics, fx);
                fx.answer(waiter, Response::TopicsDeleted);
            }
        }
    }

    fn expire(durable: &Durable, live: &mut Live, timer: Timer, fx: &mut Fx<'_>) {
        match timer {
            Timer::Join(group) => {
                live.with(&group, fx, |group, settings, fx| group.on_join_timeout(settings, fx))
            }
            Timer::Sync(group) => {
                live.with(&group, fx, |group, settings, fx| group.on_sync_timeout(settings, fx))
            }
            Timer::Session(group, member) => {
                live.with(&group, fx, |group, settings, fx| group.on_session_end(&member, settings, fx));
            }
            Timer::Expiry => live.expire_offsets(durable, fx),
        }
    }

    fn replay(durable: &mut Durable, record: &GroupRecord, producer: Option<ProducerId>, position: Position) {
        durable.replay(record, producer, position);
    }

    fn end_transaction(durable: &mut Durable, producer: ProducerId, committed: bool) {
        durable.end_transaction(producer, committed);
    }

    fn loaded(durable: &Durable, live: &mut Live, fx: &mut Fx<'_>) {
        live.begin(durable, fx);
    }

    fn unloaded(live: &mut Live, fx: &mut Fx<'_>) {
        live.end(fx);
    }

    fn settle(durable: &Durable, live: &mut Live, touched: &BTreeSet<Str>) {
        live.settle(durable, touched);
    }
}

#[cfg(test)]
mod tests;
