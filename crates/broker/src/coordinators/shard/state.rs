//! What a shard's jobs do to its core and to those who wait for it.

use coordinator::engine::{Answer, Outcome, Waiter, WriteId};
use coordinator::group::record::GroupRecord;
use coordinator::group::{GroupEngine, Request, Response};
use wire::ErrorCode;

use super::{Core, Reply, State, Written};

impl State {
    pub(super) fn serves(&self) -> bool {
        matches!(self.core, Core::Serving(_))
    }

    pub(super) fn set_wall(&mut self, wall_ms: i64, now_ms: i64) {
        if let Core::Serving(core) = &mut self.core {
            core.set_wall(wall_ms, now_ms);
        }
    }

    pub(super) fn ask(&mut self, request: Request, reply: Option<Reply>, now_ms: i64, written: &mut Written) {
        let refusal = match &self.core {
            Core::Serving(_) => None,
            Core::Loading => Some(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS),
            Core::Gone => Some(ErrorCode::NOT_COORDINATOR),
        };
        if let Some(error) = refusal {
            if let Some(reply) = reply {
                let _ = reply.send(Err(error));
            }
            return;
        }
        self.next_waiter += 1;
        let waiter = Waiter(self.next_waiter);
        self.waiting.extend(reply.map(|reply| (waiter, reply)));
        let Core::Serving(core) = &mut self.core else { return };
        let outcome = core.handle(request, waiter, now_ms);
        self.take(outcome, written);
    }

    /// Deletes the offsets of topics whose deletion was put off; asked of a log that takes nothing it would fail, and the core be
    /// loaded again and again.
    pub(super) fn ask_gone(&mut self, is_stuck: bool, now_ms: i64, written: &mut Written) {
        if !is_stuck && self.serves() && !self.gone.is_empty() {
            let gone = std::mem::take(&mut self.gone);
            self.ask(Request::TopicsDeleted(gone), None, now_ms, written);
        }
    }

    pub(super) fn loaded(
        &mut self,
        mut core: Box<GroupEngine>,
        (wall_ms, now_ms): (i64, i64),
        written: &mut Written,
    ) {
        if !matches!(self.core, Core::Loading) {
            return;
        }
        self.life += 1;
        core.set_wall(wall_ms, now_ms);
        let outcome = core.loaded(now_ms);
        self.core = Core::Serving(core);
        self.take(outcome, written);
    }

    pub(super) fn tick(&mut self, now_ms: i64, written: &mut Written) {
        while let Core::Serving(core) = &mut self.core {
            if core.next_deadline().is_none_or(|at_ms| at_ms > now_ms) {
                return;
            }
            let outcome = core.on_tick(now_ms);
            self.take(outcome, written);
        }
    }

    /// Notes what was written last.
    pub(super) fn written(&mut self, last: Option<WriteId>, now_ms: i64) {
        if let Some(last) = last {
            let since = self.uncommitted.map_or(now_ms, |(_, since)| since);
            self.uncommitted = Some((last, since));
        }
    }

    /// When those who wait for what is written are to hear that it takes too long; they hear so now, if that has come.
    pub(super) fn patience_ends(&mut self, timeout_ms: i64, now_ms: i64) -> Option<i64> {
        let Core::Serving(core) = &mut self.core else { return None };
        let ends = self.uncommitted?.1.saturating_add(timeout_ms);
        if ends > now_ms {
            return Some(ends);
        }
        let answers = core.give_up(ErrorCode::COORDINATOR_NOT_AVAILABLE);
        self.answer(answers);
        None
    }

    pub(super) fn committed(&mut self, write: WriteId, now_ms: i64) {
        self.uncommitted = self.uncommitted.filter(|(last, _)| write < *last).map(|(last, _)| (last, now_ms));
        let Core::Serving(core) = &mut self.core else { return };
        let answers = core.on_committed(write);
        self.answer(answers);
    }

    /// Ends the core's life; whoever waits is told why.
    pub(super) fn end(&mut self, next: Core, error: ErrorCode, now_ms: i64) {
        if let Core::Serving(mut core) = std::mem::replace(&mut self.core, next) {
            let answers = core.unload(error, now_ms);
            self.answer(answers);
        }
        self.life += 1;
        self.uncommitted = None;
        for (_, reply) in self.waiting.drain() {
            let _ = reply.send(Err(error));
        }
    }

    pub(super) fn next_deadline(&self) -> Option<i64> {
        match &self.core {
            Core::Serving(_) if !self.gone.is_empty() => Some(i64::MIN),
            Core::Serving(core) => core.next_deadline(),
            Core::Loading | Core::Gone => None,
        }
    }

    fn take(&mut self, outcome: Outcome<GroupRecord, Response>, written: &mut Written) {
        written.records.extend(outcome.records);
        written.last = outcome.write.or(written.last);
        self.answer(outcome.answers);
    }

    fn answer(&mut self, answers: Vec<Answer<Response>>) {
        for (waiter, answer) in answers {
            if let Some(reply) = self.waiting.remove(&waiter) {
                let _ = reply.send(answer);
            }
        }
    }
}
