//! A classic group while the coordinator runs: its members, its phase, and who waits for what.
//!
//! ```text
//!              a member joins                all joined, or time is up              the leader syncs
//!   Empty ──────────────────► PreparingRebalance ──────────────────► CompletingRebalance ────────────► Stable
//!     ▲                         │ ▲          ▲                          │                                │
//!     └── nobody joined ────────┘ └──────────┴── joins, leaves, expires, a new protocol ◄────────────────┘
//! ```
//!
//! Invariants:
//! 1. A member who waits for a join is in PreparingRebalance; one who waits for a sync is in CompletingRebalance.
//! 2. The generation only grows, and by one; within a generation the set of members only shrinks.
//! 3. The leader is a member; a group without members has none. In Stable and Empty the log holds this very generation.

mod generation;
mod heartbeat;
mod join;
mod leave;
mod member;
mod rebalance;
mod static_member;
mod sync;
mod vote;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use base::Str;
use bytes::Bytes;
use wire::ErrorCode;

use super::record::{GroupMetadataValue, GroupRecord};
use super::{Fx, Timer, subscription};
pub use generation::Generation;
pub(super) use join::Join;
pub(super) use leave::{answer, members_of};
pub(super) use member::{Member, Parked};
pub use rebalance::refusal as refused_join;

/// The protocol type of consumers, whose metadata the coordinator understands.
pub(super) const CONSUMER: &str = "consumer";

/// Where a classic group stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// No members; offsets may remain.
    Empty,
    /// Members are called to join again.
    PreparingRebalance,
    /// Members are known; the leader's assignment is awaited.
    CompletingRebalance,
    /// The assignment is distributed.
    Stable,
}

impl Phase {
    /// Kafka's name of the phase, as DescribeGroups and ListGroups show it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// How the initial rebalance of an empty group is drawn out (KIP-134).
#[derive(Clone, Copy, PartialEq, Debug)]
struct InitialDelay {
    delay_ms: i64,
    remaining_ms: i64,
}

/// The live part of a classic group.
#[derive(Debug)]
pub struct ClassicGroup {
    id: Str,
    phase: Phase,
    previous: Phase,
    since_ms: i64,
    generation: i32,
    protocol_type: Option<Str>,
    protocol: Option<Str>,
    leader: Option<Str>,
    members: BTreeMap<Str, Member>,
    static_members: BTreeMap<Str, Str>,
    pending_join: BTreeSet<Str>,
    pending_sync: BTreeSet<Str>,
    new_member_added: bool,
    initial_delay: Option<InitialDelay>,
    /// Topics of a `consumer` group's members; none while they are not known.
    subscribed: Option<BTreeSet<Str>>,
}

impl ClassicGroup {
    pub(super) fn new(id: Str, now_ms: i64) -> Self {
        Self {
            id,
            phase: Phase::Empty,
            previous: Phase::Empty,
            since_ms: now_ms,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            pending_join: BTreeSet::new(),
            pending_sync: BTreeSet::new(),
            new_member_added: false,
            initial_delay: None,
            subscribed: None,
        }
    }

    /// The group as its last generation in the log has it.
    pub(super) fn restored(id: Str, stored: &Generation, now_ms: i64) -> Self {
        let mut group = Self::new(id, stored.state_since_ms.unwrap_or(now_ms));
        group.phase = if stored.members.is_empty() { Phase::Empty } else { Phase::Stable };
        group.generation = stored.number;
        group.protocol_type.clone_from(&stored.protocol_type);
        group.protocol.clone_from(&stored.protocol);
        for member in &stored.members {
            // A log may hold anything; what it names twice counts once.
            let twice =
                member.group_instance_id.as_ref().is_some_and(|id| group.static_members.contains_key(id));
            if !twice && !group.members.contains_key(&member.member_id) {
                group.insert(Member::restored(member, stored.protocol.as_ref()));
            }
        }
        if let Some(leader) = stored.leader.as_ref().filter(|leader| group.members.contains_key(*leader)) {
            group.leader = Some(leader.clone());
        }
        group.subscribed = group.topics_of_members();
        group
    }

    /// The group's id.
    pub fn id(&self) -> &Str {
        &self.id
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The generation's number.
    pub fn generation(&self) -> i32 {
        self.generation
    }

    /// The leader's member id.
    pub fn leader(&self) -> Option<&Str> {
        self.leader.as_ref()
    }

    /// `consumer`, `connect` …
    pub fn protocol_type(&self) -> Option<&Str> {
        self.protocol_type.as_ref()
    }

    /// The protocol voted for.
    pub fn protocol(&self) -> Option<&Str> {
        self.protocol.as_ref()
    }

    /// Each member's id with its assignment.
    pub fn assignments(&self) -> impl Iterator<Item = (&Str, &Bytes)> {
        self.members.iter().map(|(id, member)| (id, &member.assignment))
    }

    /// Whether it is in [`Phase::Empty`]; a member may already have been promised its id.
    pub fn is_empty(&self) -> bool {
        self.phase == Phase::Empty
    }

    /// When it entered its phase, in milliseconds since 1970.
    pub fn since_ms(&self) -> i64 {
        self.since_ms
    }

    /// The group is deleted: ids that were promised are void.
    pub(super) fn cancel_promises(&self, fx: &mut Fx<'_>) {
        for member_id in &self.pending_join {
            fx.cancel(&Timer::Session(self.id.clone(), member_id.clone()));
        }
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// Whether nothing is left that only memory holds.
    pub(super) fn is_idle(&self) -> bool {
        self.phase == Phase::Empty && self.members.is_empty() && self.pending_join.is_empty()
    }

    pub(super) fn uses_consumer_protocol(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    /// Whether a member reads `topic`; a consumer group of which that is not known reads everything.
    pub(super) fn is_subscribed_to(&self, topic: &str) -> bool {
        self.subscribed.as_ref().map_or(self.uses_consumer_protocol(), |topics| topics.contains(topic))
    }

    pub(super) fn knows_its_topics(&self) -> bool {
        self.subscribed.is_some()
    }

    /// The group's generation as a record, with the assignment that `assignment_of` gives each member.
    fn record(&self, assignment_of: impl Fn(&Member) -> Bytes) -> GroupRecord {
        let members = self.members.values();
        let value = GroupMetadataValue {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            current_state_timestamp_ms: self.since_ms,
            members: members.map(|m| m.recorded(self.protocol.as_ref(), assignment_of(m))).collect(),
        };
        GroupRecord::GroupMetadata { group: self.id.clone(), value: Some(value) }
    }

    fn enter(&mut self, phase: Phase, now_ms: i64) {
        let from = match phase {
            Phase::Empty => self.phase == Phase::PreparingRebalance,
            Phase::PreparingRebalance => self.phase != Phase::PreparingRebalance,
            Phase::CompletingRebalance => self.phase == Phase::PreparingRebalance,
            Phase::Stable => self.phase == Phase::CompletingRebalance,
        };
        assert!(from, "a group does not go from {} to {}", self.phase.name(), phase.name());
        self.previous = self.phase;
        self.phase = phase;
        self.since_ms = now_ms;
    }

    fn insert(&mut self, member: Member) {
        if let Some(instance_id) = &member.instance_id {
            let before = self.static_members.insert(instance_id.clone(), member.id.clone());
            assert!(before.is_none(), "a static member is added once");
        }
        self.pending_join.remove(&member.id);
        self.leader.get_or_insert_with(|| member.id.clone());
        let before = self.members.insert(member.id.clone(), member);
        assert!(before.is_none(), "a member is added once");
    }

    /// Takes a member out, whether it has joined or was only promised its id; the caller answers those who wait.
    fn take_out(&mut self, member_id: &str) -> Option<Member> {
        let member = self.members.remove(member_id);
        if let Some(instance_id) = member.as_ref().and_then(|member| member.instance_id.as_ref()) {
            self.static_members.remove(instance_id);
        }
        if self.is_leader(member_id) {
            self.leader = self.members.keys().next().cloned();
        }
        self.pending_join.remove(member_id);
        self.pending_sync.remove(member_id);
        member
    }

    fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    /// Whether `member_id` is a member, and the one that `instance_id` names, if any (KIP-345).
    pub(super) fn validate_member(
        &self,
        member_id: &str,
        instance_id: Option<&Str>,
    ) -> Result<(), ErrorCode> {
        if let Some(instance_id) = instance_id {
            let current = self.static_members.get(instance_id).ok_or(ErrorCode::UNKNOWN_MEMBER_ID)?;
            if current != member_id {
                return Err(ErrorCode::FENCED_INSTANCE_ID);
            }
        }
        if self.members.contains_key(member_id) { Ok(()) } else { Err(ErrorCode::UNKNOWN_MEMBER_ID) }
    }

    fn topics_of_members(&self) -> Option<BTreeSet<Str>> {
        if !self.uses_consumer_protocol() {
            return None;
        }
        if self.members.is_empty() {
            return Some(BTreeSet::new());
        }
        let protocol = self.protocol.as_ref();
        protocol?;
        let each: Option<Vec<_>> =
            self.members.values().map(|m| subscription::topics(m.metadata(protocol))).collect();
        Some(each?.into_iter().flatten().collect())
    }

    /// The invariants that hold between turns; `stored` is what the log says.
    pub(super) fn check(&self, stored: Option<&Generation>) {
        let (phase, id) = (self.phase, &self.id);
        let leads = self.leader.as_ref().is_none_or(|leader| self.members.contains_key(leader));
        assert!(
            leads && self.leader.is_none() == self.members.is_empty(),
            "the leader of {id} is one of its members"
        );
        for member in self.members.values() {
            assert!(
                member.awaiting_join.is_none() || phase == Phase::PreparingRebalance,
                "joins of {id} wait in time"
            );
            assert!(
                member.awaiting_sync.is_none() || phase == Phase::CompletingRebalance,
                "syncs of {id} wait in time"
            );
        }
        if matches!(phase, Phase::Stable | Phase::Empty) {
            let number = stored.map(|stored| stored.number);
            assert!(number == Some(self.generation), "the log holds generation {} of {id}", self.generation);
        }
    }
}
