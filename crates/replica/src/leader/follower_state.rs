//! What a leader knows of one other replica.

use base::{BrokerId, Offset};

use super::fetch::FollowerFetch;

/// How far a replica is, by its fetches in this leader epoch.
#[derive(Clone, Debug)]
pub(super) struct FollowerState {
    pub id: BrokerId,
    pub is_observer: bool,
    /// Its last fetch came under the broker epoch that is registered, from a broker that may be in sync, as far as the metadata
    /// were known at the last fetch or change of the brokers.
    pub is_eligible: bool,
    /// By its last fetch; `None` until it fetched in this epoch.
    pub ends: Option<Ends>,
    /// It last had durably what the leader's log had at this moment.
    pub caught_up_ms: Option<i64>,
    /// The leader's log end at an earlier moment: once the replica has it durably, it was caught up as of then.
    mark: Option<(Offset, i64)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub log_start: Offset,
    pub log_end: Offset,
    pub durable_end: Offset,
    pub broker_epoch: i64,
}

/// What is known of a replica, for those who describe the partition or choose whom to read from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplicaView {
    /// The replica's broker.
    pub id: BrokerId,
    /// Its log's start, end and durable end, if it fetched in this epoch.
    pub ends: Option<(Offset, Offset, Offset)>,
    /// When it last had all that the leader had.
    pub caught_up_ms: Option<i64>,
}

impl FollowerState {
    pub fn new(id: BrokerId) -> Self {
        Self { id, is_observer: false, is_eligible: false, ends: None, caught_up_ms: None, mark: None }
    }

    /// Takes over what a fetch says.
    ///
    /// A follower fetches ahead of its disk, so its durable end lies some round trips behind. A single mark of the past, replaced when
    /// it is reached, tells that it keeps up however many round trips those are.
    pub fn fetched(&mut self, fetch: &FollowerFetch, leaders_end: Offset, now_ms: i64) {
        let durable_end = fetch.durable_end.min(fetch.log_end);
        self.ends = Some(Ends {
            log_start: fetch.log_start,
            log_end: fetch.log_end,
            durable_end,
            broker_epoch: fetch.broker_epoch,
        });
        if durable_end >= leaders_end {
            self.caught_up_ms = self.caught_up_ms.max(Some(now_ms));
            self.mark = None;
            return;
        }
        match self.mark {
            Some((end, at_ms)) if durable_end >= end => {
                self.caught_up_ms = self.caught_up_ms.max(Some(at_ms));
                self.mark = Some((leaders_end, now_ms));
            }
            Some(_) => {}
            None => self.mark = Some((leaders_end, now_ms)),
        }
    }

    /// The leader's log grows beyond `before`: who had all of that was caught up until now, though it had no reason to fetch again.
    pub fn leader_moves_on(&mut self, before: Offset, now_ms: i64) {
        if self.has_all(before) {
            self.caught_up_ms = self.caught_up_ms.max(Some(now_ms));
        }
    }

    /// Whether it keeps up: it has all, or had all of a moment not long ago.
    pub fn is_caught_up(&self, leaders_end: Offset, lag_time_max_ms: i64, now_ms: i64) -> bool {
        self.has_all(leaders_end) || now_ms <= self.expires_ms(leaders_end, lag_time_max_ms)
    }

    /// Until when it counts as keeping up if nothing more is heard of it.
    pub fn expires_ms(&self, leaders_end: Offset, lag_time_max_ms: i64) -> i64 {
        if self.has_all(leaders_end) {
            return i64::MAX;
        }
        self.caught_up_ms.map_or(i64::MIN, |caught_up| caught_up.saturating_add(lag_time_max_ms))
    }

    pub fn durable_end(&self) -> Option<Offset> {
        self.ends.map(|ends| ends.durable_end)
    }

    fn has_all(&self, leaders_end: Offset) -> bool {
        self.durable_end().is_some_and(|end| end >= leaders_end)
    }

    pub fn view(&self) -> ReplicaView {
        let ends = self.ends.map(|ends| (ends.log_start, ends.log_end, ends.durable_end));
        ReplicaView { id: self.id, ends, caught_up_ms: self.caught_up_ms }
    }
}
