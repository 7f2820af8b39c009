//! What a replica is, as the metadata says it: leader, follower, or neither.

use base::BrokerId;

use crate::follower::Follower;
use crate::leader::{Effects, Leader, Settings};
use crate::state::{LogEnds, PartitionState};

/// One replica of a partition on this broker.
#[derive(Clone, Debug)]
pub struct Replica {
    me: BrokerId,
    settings: Settings,
    state: PartitionState,
    role: Role,
}

#[derive(Clone, Debug)]
enum Role {
    Leader(Leader),
    Follower(Follower),
    /// The partition has no leader.
    Idle,
}

/// What a change of the metadata made of the replica.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Became {
    /// The change is older than what is known: nothing happened.
    Stale,
    /// It leads in a new epoch: appends of earlier ones are fenced, those that waited fail.
    Leader(Effects),
    /// It goes on leading in its epoch; ISR or replicas changed.
    StillLeader(Effects),
    /// It follows in a new epoch: appends that waited here fail, and it fetches from the new leader.
    Follower,
    /// It goes on following the same leader in the same epoch.
    StillFollower,
    /// Nobody leads: appends that waited here fail, fetching stops.
    Idle,
}

impl Replica {
    /// A replica that has heard nothing yet.
    #[must_use]
    pub fn new(me: BrokerId, settings: Settings) -> Self {
        let state = PartitionState {
            leader: BrokerId(-1),
            leader_epoch: base::LeaderEpoch(-1),
            partition_epoch: -1,
            ..PartitionState::default()
        };
        Self { me, settings, state, role: Role::Idle }
    }

    /// The metadata's latest word on the partition; `log` is the local log at this moment.
    ///
    /// A leader that is elected again, or anew, learns its epoch's start from `log`: no append may come between.
    pub fn on_metadata(&mut self, state: &PartitionState, log: LogEnds, now_ms: i64) -> Became {
        if state.leader_epoch < self.state.leader_epoch || state.partition_epoch <= self.state.partition_epoch
        {
            return Became::Stale;
        }
        let same_epoch = state.leader_epoch == self.state.leader_epoch;
        self.state.clone_from(state);
        match &mut self.role {
            Role::Leader(leader) if same_epoch => Became::StillLeader(leader.on_metadata(state, now_ms)),
            Role::Follower(_) if same_epoch => Became::StillFollower,
            _ if state.leader == self.me => self.lead(log, now_ms),
            _ if state.leader.0 < 0 => {
                self.role = Role::Idle;
                Became::Idle
            }
            _ => {
                self.role =
                    Role::Follower(Follower::new(state.leader, state.leader_epoch, self.settings.planted));
                Became::Follower
            }
        }
    }

    fn lead(&mut self, log: LogEnds, now_ms: i64) -> Became {
        let mut leader = Leader::new(self.me, &self.state, self.settings, log, now_ms);
        let effects = leader.on_append(log.log_end, log.durable_end, now_ms);
        self.role = Role::Leader(leader);
        Became::Leader(effects)
    }

    /// New settings of the topic.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = settings;
        if let Role::Leader(leader) = &mut self.role {
            leader.set_settings(settings);
        }
    }

    /// The machine of a leader.
    pub fn leader(&mut self) -> Option<&mut Leader> {
        match &mut self.role {
            Role::Leader(leader) => Some(leader),
            _ => None,
        }
    }

    /// The machine of a follower.
    pub fn follower(&mut self) -> Option<&mut Follower> {
        match &mut self.role {
            Role::Follower(follower) => Some(follower),
            _ => None,
        }
    }

    /// What the metadata said last.
    #[must_use]
    pub fn state(&self) -> &PartitionState {
        &self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{LeaderEpoch, Offset};

    fn state(leader: i32, leader_epoch: i32, partition_epoch: i32) -> PartitionState {
        PartitionState {
            replicas: [1, 2].map(BrokerId).into(),
            isr: [1, 2].map(BrokerId).into(),
            leader: BrokerId(leader),
            leader_epoch: LeaderEpoch(leader_epoch),
            partition_epoch,
            ..PartitionState::default()
        }
    }

    #[test]
    fn roles_follow_the_epochs_and_never_go_back() {
        let mut replica = Replica::new(BrokerId(1), Settings::default());
        let log = LogEnds { log_end: Offset(5), durable_end: Offset(5), ..LogEnds::default() };
        let quiet = Effects::default;
        for (leader, leader_epoch, partition_epoch, expected) in [
            (1, 0, 0, Became::Leader(quiet())),
            (1, 0, 1, Became::StillLeader(quiet())),
            (1, 0, 1, Became::Stale),
            (2, 1, 2, Became::Follower),
            (2, 1, 3, Became::StillFollower),
            (1, 0, 9, Became::Stale),
            (-1, 2, 4, Became::Idle),
            (1, 3, 5, Became::Leader(quiet())),
        ] {
            let became = replica.on_metadata(&state(leader, leader_epoch, partition_epoch), log, 0);
            assert_eq!(became, expected, "{leader} {leader_epoch} {partition_epoch}");
        }
    }
}
