//! One shard of a coordinator: handlers decide, `replay` changes, answers wait for their records.
//!
//! ```text
//! request ─► Shard::handle(&durable, &mut live) ─► records ─► Shard::replay(&mut durable) ─► the shell appends them
//!                                               └► answers ─► held until the write before them is committed ─► caller
//! ```
//!
//! A shard's state is two things. *Durable* state is what the log says; handlers see it read-only and only `replay` changes it.
//! *Live* state is what a restart may forget (who waits for a rebalance, when a session ends); handlers change it at once.
//!
//! Invariants:
//! 1. Records are replayed in the order in which they are handed out to be appended, and the shell appends them in that order.
//! 2. No answer leaves before every record handed out before it is committed; so nobody is told what a crash could take back.
//! 3. An append that fails ends the shard's life: the shell unloads it and loads it anew from the log, which is the truth.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::fmt::Debug;
use core::mem;

use base::{ProducerId, Str};
use wire::ErrorCode;

use crate::Deadlines;

/// Whoever waits for an answer; the number is the shell's own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Waiter(pub u64);

/// The place of a write among the writes of one shard's life, counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct WriteId(pub u64);

/// The place of a record among all that the shard replayed; ordered as the records' offsets are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Position(pub u64);

/// An answer that may leave: a response, or an error from which the caller's API makes its own.
pub type Answer<R> = (Waiter, Result<R, ErrorCode>);

/// What a coordinator's shard is: its two states and the functions on them.
pub trait Shard {
    /// What the log says.
    type Durable: Default;
    /// What a restart forgets.
    type Live;
    /// Everything a shard can be asked.
    type Request;
    /// Everything it answers.
    type Response;
    /// One record of its log.
    type Record;
    /// What a deadline is for.
    type Timer: Ord + Clone + Debug;

    /// Decides: reads `durable`, changes `live`, and leaves records, answers and deadlines in `effects`.
    fn handle(
        durable: &Self::Durable,
        live: &mut Self::Live,
        request: Self::Request,
        waiter: Waiter,
        effects: &mut Effects<'_, Self>,
    );

    /// A deadline has passed.
    fn expire(
        durable: &Self::Durable,
        live: &mut Self::Live,
        timer: Self::Timer,
        effects: &mut Effects<'_, Self>,
    );

    /// The only function that changes durable state. `producer` is set on records of a transaction.
    fn replay(
        durable: &mut Self::Durable,
        record: &Self::Record,
        producer: Option<ProducerId>,
        position: Position,
    );

    /// The transaction of `producer` ended: its records take effect, or vanish.
    fn end_transaction(durable: &mut Self::Durable, producer: ProducerId, committed: bool);

    /// All of the log has been replayed: live state begins.
    fn loaded(durable: &Self::Durable, live: &mut Self::Live, effects: &mut Effects<'_, Self>);

    /// The shard moves elsewhere or stops: every parked caller gets its answer.
    fn unloaded(live: &mut Self::Live, effects: &mut Effects<'_, Self>);

    /// After the records of a turn were replayed: checks and trims what the turn touched.
    fn settle(durable: &Self::Durable, live: &mut Self::Live, touched: &BTreeSet<Str>);
}

/// What a handler leaves behind.
pub struct Effects<'a, S: Shard + ?Sized> {
    /// The time of this turn, in milliseconds since 1970.
    pub now_ms: i64,
    /// What a clock on the wall shows, in milliseconds since 1970: for what outlives this process, and is judged by the next.
    pub wall_ms: i64,
    records: Vec<S::Record>,
    answers: Vec<Answer<S::Response>>,
    timers: &'a mut Deadlines<S::Timer>,
    touched: BTreeSet<Str>,
}

impl<S: Shard + ?Sized> Effects<'_, S> {
    /// Appends a record to the log after this turn.
    pub fn record(&mut self, record: S::Record) {
        self.records.push(record);
    }

    /// Answers a caller, now or one that was parked.
    pub fn answer(&mut self, waiter: Waiter, response: S::Response) {
        self.answers.push((waiter, Ok(response)));
    }

    /// Refuses a caller with an error from which its API makes the response.
    pub fn refuse(&mut self, waiter: Waiter, error: ErrorCode) {
        self.answers.push((waiter, Err(error)));
    }

    /// Sets or moves a deadline, `after_ms` from now.
    pub fn schedule(&mut self, timer: S::Timer, after_ms: i64) {
        self.timers.set(timer, self.now_ms.saturating_add(after_ms.max(0)));
    }

    /// Drops a deadline.
    pub fn cancel(&mut self, timer: &S::Timer) {
        self.timers.cancel(timer);
    }

    /// Notes that the state under `id` changed, so that it is checked and trimmed after the turn.
    pub fn touch(&mut self, id: &Str) {
        if !self.touched.contains(id) {
            self.touched.insert(id.clone());
        }
    }
}

/// What one turn of the engine asks of the shell.
#[derive(Debug)]
pub struct Outcome<Record, Response> {
    /// Records to append, in order, before those of any later turn.
    pub records: Vec<Record>,
    /// The number under which the shell reports these records committed; none without records.
    pub write: Option<WriteId>,
    /// Answers that may leave at once.
    pub answers: Vec<Answer<Response>>,
}

/// One shard of a coordinator, from loading to unloading.
pub struct Engine<S: Shard> {
    durable: S::Durable,
    live: S::Live,
    timers: Deadlines<S::Timer>,
    wall_ahead_ms: i64,
    active: bool,
    position: Position,
    written: WriteId,
    committed: WriteId,
    held: VecDeque<(WriteId, Answer<S::Response>)>,
}

impl<S: Shard> Engine<S> {
    /// A shard that has replayed nothing yet.
    pub fn new(live: S::Live) -> Self {
        Self {
            durable: S::Durable::default(),
            live,
            timers: Deadlines::default(),
            wall_ahead_ms: 0,
            active: false,
            position: Position::default(),
            written: WriteId::default(),
            committed: WriteId::default(),
            held: VecDeque::new(),
        }
    }

    /// Replays one record of the log while loading.
    pub fn load(&mut self, record: &S::Record, producer: Option<ProducerId>) {
        assert!(!self.active, "records are loaded before the shard serves");
        self.position.0 += 1;
        S::replay(&mut self.durable, record, producer, self.position);
    }

    /// Replays one transaction marker of the log while loading.
    pub fn load_marker(&mut self, producer: ProducerId, committed: bool) {
        assert!(!self.active, "markers are loaded before the shard serves");
        S::end_transaction(&mut self.durable, producer, committed);
    }

    /// The whole log is replayed: the shard serves from now on.
    pub fn loaded(&mut self, now_ms: i64) -> Outcome<S::Record, S::Response> {
        assert!(!self.active, "a shard is loaded once");
        self.active = true;
        self.turn(now_ms, |durable, live, effects| S::loaded(durable, live, effects))
    }

    /// Says what the wall's clock shows at `now_ms` of the clock that turns are given, which never jumps; they agree until told.
    pub fn set_wall(&mut self, wall_ms: i64, now_ms: i64) {
        self.wall_ahead_ms = wall_ms.saturating_sub(now_ms);
    }

    /// Whether the shard has loaded and serves.
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Hands a request to the shard; while it loads, the answer is COORDINATOR_LOAD_IN_PROGRESS.
    pub fn handle(
        &mut self,
        request: S::Request,
        waiter: Waiter,
        now_ms: i64,
    ) -> Outcome<S::Record, S::Response> {
        if !self.active {
            let refused = (waiter, Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS));
            return Outcome { records: Vec::new(), write: None, answers: alloc::vec![refused] };
        }
        self.turn(now_ms, |durable, live, effects| S::handle(durable, live, request, waiter, effects))
    }

    /// When [`Engine::on_tick`] wants to be called next, in milliseconds since 1970.
    pub fn next_deadline(&self) -> Option<i64> {
        if self.active { self.timers.next() } else { None }
    }

    /// Lets one deadline that has passed take effect; to be called until [`Engine::next_deadline`] lies ahead.
    pub fn on_tick(&mut self, now_ms: i64) -> Outcome<S::Record, S::Response> {
        let due = if self.active { self.timers.take_due(now_ms) } else { None };
        self.turn(now_ms, |durable, live, effects| {
            if let Some(timer) = due {
                S::expire(durable, live, timer, effects);
            }
        })
    }

    /// All writes up to `write` are durable and replicated: the answers that waited for them leave.
    pub fn on_committed(&mut self, write: WriteId) -> Vec<Answer<S::Response>> {
        assert!(write <= self.written, "a write is committed after it was handed out");
        self.committed = self.committed.max(write);
        let mut answers = Vec::new();
        while self.held.front().is_some_and(|(after, _)| *after <= self.committed) {
            answers.extend(self.held.pop_front().map(|(_, answer)| answer));
        }
        answers
    }

    /// Lets nobody wait any longer for what is written and not committed: those held back are answered with `error`, which says nothing
    /// of what came of their requests.
    pub fn give_up(&mut self, error: ErrorCode) -> Vec<Answer<S::Response>> {
        self.held.drain(..).map(|(_, (waiter, _))| (waiter, Err(error))).collect()
    }

    /// Ends the shard's life; every caller, parked or held back, is answered with `error` or the shard's own refusal.
    pub fn unload(&mut self, error: ErrorCode, now_ms: i64) -> Vec<Answer<S::Response>> {
        let mut answers = self.give_up(error);
        let mut effects = Self::effects(&mut self.timers, now_ms, self.wall_ahead_ms);
        S::unloaded(&mut self.live, &mut effects);
        answers.append(&mut effects.answers);
        self.active = false;
        self.timers = Deadlines::default();
        answers
    }

    /// What the log says, for look-ups that need no answer.
    pub fn durable(&self) -> &S::Durable {
        &self.durable
    }

    /// What a restart would forget.
    pub fn live(&self) -> &S::Live {
        &self.live
    }

    fn effects(timers: &mut Deadlines<S::Timer>, now_ms: i64, wall_ahead_ms: i64) -> Effects<'_, S> {
        let wall_ms = now_ms.saturating_add(wall_ahead_ms);
        Effects {
            now_ms,
            wall_ms,
            records: Vec::new(),
            answers: Vec::new(),
            timers,
            touched: BTreeSet::new(),
        }
    }

    fn turn(
        &mut self,
        now_ms: i64,
        decide: impl FnOnce(&S::Durable, &mut S::Live, &mut Effects<'_, S>),
    ) -> Outcome<S::Record, S::Response> {
        let mut effects = Self::effects(&mut self.timers, now_ms, self.wall_ahead_ms);
        decide(&self.durable, &mut self.live, &mut effects);
        let Effects { records, mut answers, touched, .. } = effects;
        for record in &records {
            self.position.0 += 1;
            S::replay(&mut self.durable, record, None, self.position);
        }
        S::settle(&self.durable, &mut self.live, &touched);
        let write = self.number(&records);
        if self.committed < self.written {
            let after = self.written;
            self.held.extend(mem::take(&mut answers).into_iter().map(|answer| (after, answer)));
        }
        Outcome { records, write, answers }
    }

    fn number(&mut self, records: &[S::Record]) -> Option<WriteId> {
        if records.is_empty() {
            return None;
        }
        self.written.0 += 1;
        Some(self.written)
    }
}
