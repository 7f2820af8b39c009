//! The network: streams between two ends, in order within one connection, in any order across them.
//!
//! A message takes its time; a connection that breaks loses what is under way in both directions, and tells its ends. Where nothing
//! gets through, messages wait and arrive when it does again, as TCP's do: long after their sender gave up, perhaps.

use std::collections::BTreeMap;

use crate::Time;
use crate::draws::Draws;
use crate::message::{Address, Answer, Lane, NoAnswer, Request, Response};

/// A question's number.
pub type Rpc = u64;

/// Something that arrives.
#[derive(Clone, Debug)]
pub enum Parcel {
    /// A question, at the node asked.
    Question { rpc: Rpc, connection: u64, from: Address, to: usize, request: Request },
    /// An answer, at whoever asked.
    Answer { rpc: Rpc, connection: u64, answer: Answer },
}

#[derive(Debug)]
struct Connection {
    from: Address,
    to: usize,
    lane: Lane,
    /// The arrival of the last message there, and back.
    last: [Time; 2],
    /// What waits until something gets through, there and back.
    stalled: [Vec<Parcel>; 2],
    is_broken: bool,
}

/// All connections, and who waits for what.
#[derive(Debug, Default)]
pub struct Net {
    connections: BTreeMap<u64, Connection>,
    open: BTreeMap<(Address, usize, Lane), u64>,
    /// Questions without an answer: who asked, and over which connection.
    waiting: BTreeMap<Rpc, (Address, u64)>,
    next_connection: u64,
    /// Pairs of nodes between which nothing gets through, in this direction.
    blocked: Vec<(usize, usize)>,
    /// Nodes that clients do not reach.
    cut: Vec<usize>,
    /// The usual longest time of a message.
    pub delay: Time,
    /// Out of a thousand messages, so many break their connection.
    pub loss: u64,
}

const THERE: usize = 0;
const BACK: usize = 1;

impl Net {
    /// Sends a question; what arrives when.
    pub fn ask(
        &mut self,
        now: Time,
        draws: &mut Draws,
        (rpc, from, to, lane): (Rpc, Address, usize, Lane),
        request: Request,
    ) -> Vec<(Time, Parcel)> {
        let connection = self.connection(from, to, lane);
        self.waiting.insert(rpc, (from, connection));
        let parcel = Parcel::Question { rpc, connection, from, to, request };
        self.send(now, draws, connection, THERE, parcel)
    }

    /// Sends an answer back over the connection of its question.
    pub fn answer(
        &mut self,
        now: Time,
        draws: &mut Draws,
        rpc: Rpc,
        connection: u64,
        response: Response,
    ) -> Vec<(Time, Parcel)> {
        self.send(now, draws, connection, BACK, Parcel::Answer { rpc, connection, answer: Ok(response) })
    }

    fn connection(&mut self, from: Address, to: usize, lane: Lane) -> u64 {
        if let Some(open) = self.open.get(&(from, to, lane)) {
            return *open;
        }
        self.next_connection += 1;
        let id = self.next_connection;
        let connection =
            Connection { from, to, lane, last: [0; 2], stalled: [Vec::new(), Vec::new()], is_broken: false };
        self.connections.insert(id, connection);
        self.open.insert((from, to, lane), id);
        id
    }

    fn send(
        &mut self,
        now: Time,
        draws: &mut Draws,
        id: u64,
        way: usize,
        parcel: Parcel,
    ) -> Vec<(Time, Parcel)> {
        if draws.chance(self.loss) {
            let mut told = Vec::new();
            // Half of the time the message still arrives before the connection breaks.
            if draws.chance(500) {
                told.extend(self.arrival(now, draws, id, way).map(|at| (at, parcel)));
            }
            told.extend(self.break_connection(now + self.delay, id));
            return told;
        }
        self.arrival(now, draws, id, way).map(|at| (at, parcel)).into_iter().collect()
    }

    fn arrival(&mut self, now: Time, draws: &mut Draws, id: u64, way: usize) -> Option<Time> {
        let took = 50 + draws.below(self.delay);
        let connection = self.connections.get_mut(&id).filter(|connection| !connection.is_broken)?;
        let last = connection.last.get_mut(way)?;
        *last = (*last + 1).max(now + took);
        Some(*last)
    }

    /// Whether a parcel that is due gets through now; one that does not waits here.
    pub fn deliver(&mut self, parcel: Parcel) -> Option<Parcel> {
        let (id, way) = match &parcel {
            Parcel::Question { connection, .. } => (*connection, THERE),
            Parcel::Answer { connection, .. } => (*connection, BACK),
        };
        if matches!(&parcel, Parcel::Answer { answer: Err(_), .. }) {
            return self.take_answer(parcel);
        }
        let is_blocked = {
            let connection = self.connections.get(&id).filter(|connection| !connection.is_broken)?;
            self.is_blocked(connection, way)
        };
        let connection = self.connections.get_mut(&id)?;
        let stalled = connection.stalled.get_mut(way)?;
        if is_blocked || !stalled.is_empty() {
            stalled.push(parcel);
            return None;
        }
        if way == BACK { self.take_answer(parcel) } else { Some(parcel) }
    }

    fn take_answer(&mut self, parcel: Parcel) -> Option<Parcel> {
        let Parcel::Answer { rpc, .. } = &parcel else { return None };
        self.waiting.remove(rpc).map(|_| parcel)
    }

    /// Who waits for an answer.
    pub fn asker(&self, rpc: Rpc) -> Option<Address> {
        self.waiting.get(&rpc).map(|(from, _)| *from)
    }

    /// Whoever asked has waited long enough: it leaves the connection. What it sent may still arrive.
    pub fn time_out(&mut self, rpc: Rpc) -> Option<(Address, Answer)> {
        let (from, connection) = self.waiting.remove(&rpc)?;
        self.open.retain(|_, open| *open != connection);
        Some((from, Err(NoAnswer::TimedOut)))
    }

    /// Breaks a connection; who asked over it hears so, unless nothing gets back to it.
    fn break_connection(&mut self, at: Time, id: u64) -> Vec<(Time, Parcel)> {
        let Some(connection) = self.connections.get_mut(&id) else { return Vec::new() };
        connection.is_broken = true;
        connection.stalled = [Vec::new(), Vec::new()];
        self.open.retain(|_, open| *open != id);
        let connection = self.connections.remove(&id);
        if connection.is_some_and(|connection| self.is_blocked(&connection, BACK)) {
            return Vec::new();
        }
        let told = self.waiting.iter().filter(|(_, (_, over))| *over == id);
        told.map(|(rpc, _)| {
            (at, Parcel::Answer { rpc: *rpc, connection: id, answer: Err(NoAnswer::Disconnected) })
        })
        .collect()
    }

    /// Breaks what this test takes to.
    pub fn break_where(&mut self, at: Time, wanted: impl Fn(Address, usize) -> bool) -> Vec<(Time, Parcel)> {
        let broken: Vec<u64> = self
            .connections
            .iter()
            .filter(|(_, connection)| wanted(connection.from, connection.to))
            .map(|(id, _)| *id)
            .collect();
        broken.into_iter().flat_map(|id| self.break_connection(at, id)).collect()
    }

    /// Forgets what a node asked: it lives no more.
    pub fn forget(&mut self, node: usize) {
        self.waiting.retain(|_, (from, _)| *from != Address::Node(node));
    }

    fn is_blocked(&self, connection: &Connection, way: usize) -> bool {
        let _ = connection.lane;
        match connection.from {
            Address::Client(_) => self.cut.contains(&connection.to),
            Address::Node(from) => {
                let pair = if way == THERE { (from, connection.to) } else { (connection.to, from) };
                self.blocked.contains(&pair)
            }
        }
    }

    /// Whether two nodes reach each other both ways.
    pub fn are_connected(&self, one: usize, other: usize) -> bool {
        one == other || !(self.blocked.contains(&(one, other)) || self.blocked.contains(&(other, one)))
    }

    /// Nothing gets from `nodes` to the others of `count`, and back unless `one_way`.
    pub fn partition(&mut self, nodes: &[usize], count: usize, one_way: bool) {
        for from in nodes {
            for to in (0..count).filter(|to| !nodes.contains(to)) {
                self.blocked.push((*from, to));
                if !one_way {
                    self.blocked.push((to, *from));
                }
            }
        }
    }

    /// Clients do not reach these nodes.
    pub fn cut_clients(&mut self, nodes: &[usize]) {
        self.cut.extend(nodes);
    }

    /// Everything gets through again; what waited arrives, in order.
    pub fn heal(&mut self, now: Time) -> Vec<(Time, Parcel)> {
        self.blocked.clear();
        self.cut.clear();
        let mut arriving = Vec::new();
        for connection in self.connections.values_mut() {
            for (stalled, last) in connection.stalled.iter_mut().zip(&mut connection.last) {
                for parcel in stalled.drain(..) {
                    *last = (*last + 1).max(now);
                    arriving.push((*last, parcel));
                }
            }
        }
        arriving
    }
}
