//! A model of the metadata log: records that a majority has, in one order, and a leader that may change at any time.
//!
//! The consensus itself is not simulated here (the Raft library is, by itself); what it promises is: what is committed stays, a
//! leader's proposals commit in order while it reaches a majority, and those that were not committed when it is deposed survive as a
//! prefix or vanish. The leader runs the real controller. Every answer, also one without records, leaves only after a round of the
//! quorum in which the leader was still the leader; so a deposed controller accepts no heartbeat.

use std::collections::VecDeque;

use base::planted::{Bug, Planted};
use metadata::controller::{Command, Controller, FenceExpired, Moment, Settings};
use metadata::record::Record;
use metadata::{Delta, MetadataImage};

use crate::Time;
use crate::draws::Draws;
use crate::message::Response;
use crate::net::Rpc;
use crate::plan::MS;

/// How often the controller looks for brokers whose sessions ended.
const FENCE_EVERY: Time = 40 * MS;

/// Whom an answer goes to: the question's number and connection.
pub type ReplyTo = (Rpc, u64);

#[derive(Debug)]
struct Proposal {
    records: Vec<Record>,
    answer: Option<(ReplyTo, Response)>,
    due: Time,
}

#[derive(Debug)]
struct Leader {
    node: usize,
    controller: Controller,
    pending: VecDeque<Proposal>,
    /// Since when it has not reached a majority.
    alone_since: Option<Time>,
}

/// The metadata log and who leads it.
#[derive(Debug)]
pub struct Quorum {
    committed: Vec<Record>,
    image: MetadataImage,
    leader: Option<Leader>,
    settings: Settings,
    planted: Planted,
    patience: Time,
    /// When the leader looks next for brokers whose sessions ended.
    fence_at: Time,
}

/// What became committed.
#[derive(Debug, Default)]
pub struct Committed {
    /// The records, for those who watch.
    pub records: Vec<Record>,
    /// Answers that may leave, from this node.
    pub answers: Vec<(ReplyTo, Response)>,
}

impl Quorum {
    /// An empty log without a leader.
    #[must_use]
    pub fn new(settings: Settings, planted: Planted) -> Self {
        let image = MetadataImage::default();
        Self {
            committed: Vec::new(),
            image,
            leader: None,
            settings,
            planted,
            patience: 600 * MS,
            fence_at: 0,
        }
    }

    /// The node that leads.
    #[must_use]
    pub fn leader(&self) -> Option<usize> {
        self.leader.as_ref().map(|leader| leader.node)
    }

    /// What is committed.
    #[must_use]
    pub fn image(&self) -> &MetadataImage {
        &self.image
    }

    /// Committed records from a place on.
    #[must_use]
    pub fn read(&self, from: usize) -> &[Record] {
        self.committed.get(from..).unwrap_or_default()
    }

    /// Hands a command to the controller, if `node` is where it is.
    pub fn handle<C: Command>(
        &mut self,
        node: usize,
        now: Time,
        draws: &mut Draws,
        command: &C,
        answer: impl FnOnce(C::Answer) -> Option<(ReplyTo, Response)>,
    ) -> Option<Committed> {
        let planted = self.planted;
        let leader = self.leader.as_mut().filter(|leader| leader.node == node)?;
        let outcome = leader.controller.handle(command, moment(now, draws));
        replay(&mut leader.controller, &outcome.records);
        let mut answer = answer(outcome.answer);
        let early = if planted.has(Bug::AnswerBeforeCommit) { answer.take() } else { None };
        let due = now + draws.within(MS, 8 * MS);
        let due = leader.pending.back().map_or(due, |last| due.max(last.due));
        if !outcome.records.is_empty() || answer.is_some() {
            leader.pending.push_back(Proposal { records: outcome.records, answer, due });
        }
        Some(Committed { records: Vec::new(), answers: early.into_iter().collect() })
    }

    /// A broker gave a sign of life.
    pub fn contacted(&mut self, node: usize, broker: i32, epoch: i64, now: Time) {
        if let Some(leader) = self.leader.as_mut().filter(|leader| leader.node == node) {
            let known = leader.controller.image().brokers().get(&broker).map(|broker| broker.epoch);
            if known == Some(epoch) {
                leader.controller.contacted(broker, epoch, millis(now));
            }
        }
    }

    /// Time passes. `lives` says which nodes run, `connected` which of them reach each other.
    pub fn tick(
        &mut self,
        now: Time,
        draws: &mut Draws,
        nodes: usize,
        lives: impl Fn(usize) -> bool,
        connected: impl Fn(usize, usize) -> bool,
    ) -> Committed {
        let has_majority = |node: usize| {
            lives(node)
                && (0..nodes).filter(|other| lives(*other) && connected(node, *other)).count() * 2 > nodes
        };
        let mut committed = Committed::default();
        if let Some(leader) = &mut self.leader {
            if has_majority(leader.node) {
                leader.alone_since = None;
                committed = self.commit_due(now);
                self.fence(now, draws);
            } else if now - *leader.alone_since.get_or_insert(now) > self.patience || !lives(leader.node) {
                committed = self.depose(draws);
            }
        } else {
            let candidates: Vec<usize> = (0..nodes).filter(|node| has_majority(*node)).collect();
            // An election takes some rounds.
            if let Some(node) = draws.one_of(&candidates).filter(|_| draws.chance(150)) {
                self.elect(node, now, draws);
            }
        }
        committed
    }

    fn elect(&mut self, node: usize, now: Time, draws: &mut Draws) {
        let mut controller = Controller::new(self.settings.clone(), self.image.clone(), millis(now));
        controller = controller.with_planted(self.planted);
        self.patience = draws.within(200, 1200) * MS;
        self.leader = Some(Leader { node, controller, pending: VecDeque::new(), alone_since: None });
    }

    /// The leader is none any more; of what it had not committed a prefix survives.
    pub fn depose(&mut self, draws: &mut Draws) -> Committed {
        let mut committed = Committed::default();
        let Some(leader) = self.leader.take() else { return committed };
        let survive = draws.place(leader.pending.len() + 1);
        for proposal in leader.pending.into_iter().take(survive) {
            self.commit(proposal.records, &mut committed);
        }
        committed
    }

    fn commit_due(&mut self, now: Time) -> Committed {
        let mut committed = Committed::default();
        while let Some(leader) = &mut self.leader
            && leader.pending.front().is_some_and(|proposal| proposal.due <= now)
            && let Some(proposal) = leader.pending.pop_front()
        {
            self.commit(proposal.records, &mut committed);
            committed.answers.extend(proposal.answer);
        }
        committed
    }

    fn commit(&mut self, records: Vec<Record>, committed: &mut Committed) {
        let mut delta = Delta::default();
        for record in &records {
            let replayed = self.image.replay(record, &mut delta);
            assert!(replayed.is_ok(), "a controller's records replay: {replayed:?} {record:?}");
        }
        committed.records.extend(records.iter().cloned());
        self.committed.extend(records);
    }

    /// The controller's own clock.
    fn fence(&mut self, now: Time, draws: &mut Draws) {
        if let Some(node) = self.leader().filter(|_| self.fence_at <= now) {
            let fenced = self.leader.as_ref().map_or(0, |leader| leader.pending.len());
            let _ = self.handle(node, now, draws, &FenceExpired, |_| None);
            // One at a time: the next may be due at once.
            let is_quiet = self.leader.as_ref().is_none_or(|leader| leader.pending.len() == fenced);
            self.fence_at = now + if is_quiet { FENCE_EVERY } else { 0 };
        }
    }
}

fn replay(controller: &mut Controller, records: &[Record]) {
    let mut delta = Delta::default();
    for record in records {
        let replayed = controller.replay(record, &mut delta);
        assert!(replayed.is_ok(), "a controller's records replay: {replayed:?} {record:?}");
    }
}

fn moment(now: Time, draws: &mut Draws) -> Moment {
    Moment { now_ms: millis(now), seed: draws.bits() }
}

/// The time in milliseconds.
#[must_use]
pub fn millis(now: Time) -> i64 {
    i64::try_from(now / MS).unwrap_or(i64::MAX)
}
