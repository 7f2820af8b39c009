//! What an actor may do while it handles an event: look at the time, draw, ask, answer, set a timer. Everything else comes back to it.

use base::planted::Planted;

use crate::Time;
use crate::broker::Timer;
use crate::coverage::Coverage;
use crate::draws::Draws;
use crate::invariants::Watch;
use crate::message::{Address, Lane, Request, Response};
use crate::net::Rpc;

/// What an actor wants done.
#[derive(Debug)]
pub enum Out {
    /// A question is sent; without an answer by then, it is given up.
    Ask { rpc: Rpc, from: Address, to: usize, lane: Lane, request: Request, give_up_at: Time },
    /// An answer is sent.
    Reply { node: usize, rpc: Rpc, connection: u64, response: Response },
    /// A broker is woken.
    Wake { node: usize, life: u64, at: Time, timer: Timer },
    /// A broker ends by itself; how long until it is started again.
    Exit { node: usize, down: Time },
}

/// The world as a broker sees it.
pub struct Ctx<'a> {
    pub now: Time,
    pub node: usize,
    pub life: u64,
    pub planted: Planted,
    pub sync: Time,
    pub draws: &'a mut Draws,
    pub out: &'a mut Vec<Out>,
    pub watch: &'a mut Watch,
    pub coverage: &'a mut Coverage,
    pub next_rpc: &'a mut Rpc,
}

impl Ctx<'_> {
    pub fn ask(&mut self, to: usize, lane: Lane, request: Request, patience: Time) -> Rpc {
        *self.next_rpc += 1;
        let (rpc, from) = (*self.next_rpc, Address::Node(self.node));
        let give_up_at = self.now + patience;
        self.out.push(Out::Ask { rpc, from, to, lane, request, give_up_at });
        rpc
    }

    pub fn reply(&mut self, (rpc, connection): (Rpc, u64), response: Response) {
        self.out.push(Out::Reply { node: self.node, rpc, connection, response });
    }

    pub fn wake(&mut self, after: Time, timer: Timer) {
        let (node, life, at) = (self.node, self.life, self.now + after);
        self.out.push(Out::Wake { node, life, at, timer });
    }

    pub fn exit(&mut self, down: Time) {
        self.out.push(Out::Exit { node: self.node, down });
    }

    pub fn now_ms(&self) -> i64 {
        crate::quorum::millis(self.now)
    }
}
