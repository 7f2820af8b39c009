//! The world: everything there is, and the queue of what happens next.

mod control;
mod faults;
mod finish;

pub use finish::Outcome;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use base::Uuid;
use base::planted::Planted;
use env::SimDisk;

use crate::Time;
use crate::broker::{Broker, Timer};
use crate::client::{self, Port, Shared};
use crate::coverage::Coverage;
use crate::ctx::{Ctx, Out};
use crate::draws::Draws;
use crate::invariants::Watch;
use crate::message::{Address, Request};
use crate::net::{Net, Parcel, Rpc};
use crate::plan::{MS, Plan};
use crate::quorum::Quorum;

/// How often the quorum's clock ticks.
const QUORUM_TICK: Time = 4 * MS;

/// Something that happens.
#[derive(Debug)]
enum Event {
    Parcel(Box<Parcel>),
    GiveUp(Rpc),
    Wake {
        node: usize,
        life: u64,
        timer: Timer,
    },
    Client(usize),
    Quorum,
    /// Topics are created, once that is possible.
    Create,
    Fault(usize),
    /// The end of a fault.
    Over(faults::Over),
    Heal,
    /// Everything must have got going again.
    Converged,
    /// Clients come to their end.
    End,
    /// Everything is read.
    ReadAll,
    /// Nothing may take longer.
    Deadline,
}

type Running = Pin<Box<dyn Future<Output = ()>>>;

/// Everything.
struct World<'a> {
    plan: &'a Plan,
    planted: Planted,
    now: Time,
    queue: BTreeMap<(Time, u64), Event>,
    next_event: u64,
    draws: Draws,
    net: Net,
    quorum: Quorum,
    brokers: Vec<Broker>,
    /// What arrived at nodes that stand still.
    held: Vec<Vec<Event>>,
    /// How long syncs take.
    syncs: Vec<Time>,
    parked_metadata: Vec<control::Parked>,
    shared: Rc<RefCell<Shared>>,
    clients: Vec<Option<Running>>,
    watch: Watch,
    coverage: Coverage,
    trace: u64,
    /// How many faults changed something.
    bites: usize,
}

/// Runs a plan.
#[must_use]
pub fn run(plan: &Plan, planted: Planted) -> Outcome {
    let mut world = World::new(plan, planted);
    world.begin();
    while let Some(((at, number), event)) = world.queue.pop_first() {
        world.now = at;
        world.shared.borrow_mut().now = at;
        world.trace(number, &event);
        if matches!(event, Event::Deadline) || world.shared.borrow().is_read {
            break;
        }
        world.happen(event);
        if !world.watch.violations().is_empty() {
            break;
        }
    }
    world.finish()
}

impl<'a> World<'a> {
    fn new(plan: &'a Plan, planted: Planted) -> Self {
        let mut draws = Draws::new(plan.seed);
        let brokers = (0..plan.brokers).map(|_| Broker {
            disk: SimDisk::new(),
            directory: identity(&mut draws),
            clean_epoch: None,
            life: 0,
            running: None,
            is_paused: false,
            closing: None,
        });
        let brokers: Vec<Broker> = brokers.collect();
        let mut net = Net::default();
        (net.delay, net.loss) = (plan.delay, plan.loss);
        let shared = Shared { brokers: plan.brokers, ..Shared::default() };
        Self {
            plan,
            planted,
            now: 0,
            queue: BTreeMap::new(),
            next_event: 0,
            net,
            quorum: Quorum::new(control::settings(), planted),
            held: brokers.iter().map(|_| Vec::new()).collect(),
            syncs: vec![plan.sync; plan.brokers],
            brokers,
            draws,
            parked_metadata: Vec::new(),
            shared: Rc::new(RefCell::new(shared)),
            clients: Vec::new(),
            watch: Watch::default(),
            coverage: Coverage::default(),
            trace: 0xcbf2_9ce4_8422_2325,
            bites: 0,
        }
    }

    fn begin(&mut self) {
        (0..self.brokers.len()).for_each(|node| self.start(node));
        self.at(1, Event::Quorum);
        self.at(50 * MS, Event::Create);
        for place in 0..self.plan.faults.len() {
            let at = self.plan.faults.get(place).map_or(0, |(at, _)| *at);
            self.at(at, Event::Fault(place));
        }
        self.at(self.plan.heal_at, Event::Heal);
        self.at(self.plan.heal_at + finish::CONVERGE, Event::Converged);
        self.at(self.plan.end_at, Event::End);
        self.at(self.plan.end_at + finish::DRAIN, Event::ReadAll);
        self.at(self.plan.end_at + finish::DRAIN + finish::READ, Event::Deadline);
    }

    fn at(&mut self, at: Time, event: Event) {
        self.next_event += 1;
        self.queue.insert((at.max(self.now), self.next_event), event);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Parcel(parcel) => self.arrive(*parcel),
            Event::GiveUp(rpc) => self.give_up(rpc),
            Event::Wake { node, life, timer } => self.wake(node, life, timer),
            Event::Client(client) => self.poll_client(client),
            Event::Quorum => self.tick_quorum(),
            Event::Create => self.create_topics(),
            Event::Fault(place) => self.strike(place),
            Event::Over(over) => self.over(over),
            Event::Heal => self.heal(),
            Event::Converged => self.check_converged(),
            Event::End => self.shared.borrow_mut().is_over = true,
            Event::ReadAll => self.read_all(),
            Event::Deadline => {}
        }
    }

    fn trace(&mut self, number: u64, event: &Event) {
        let tag = match event {
            Event::Parcel(parcel) => match &**parcel {
                Parcel::Question { rpc, .. } => *rpc << 4,
                Parcel::Answer { rpc, answer, .. } => *rpc << 4 | 1 | u64::from(answer.is_ok()) << 3,
            },
            Event::GiveUp(rpc) => *rpc << 4 | 2,
            Event::Wake { node, timer, .. } => (*node as u64) << 8 | (*timer as u64) << 4 | 3,
            Event::Client(client) => (*client as u64) << 4 | 4,
            _ => 5,
        };
        for word in [self.now, number, tag] {
            self.trace = (self.trace ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(7);
        }
    }

    /// Lets a broker do something, and does what it wants done.
    fn with_broker(&mut self, node: usize, act: impl FnOnce(&mut Broker, &mut Ctx<'_>)) {
        let Some(broker) = self.brokers.get_mut(node) else { return };
        let mut out = Vec::new();
        let mut shared = self.shared.borrow_mut();
        let mut ctx = Ctx {
            now: self.now,
            node,
            life: broker.life,
            planted: self.planted,
            sync: self.syncs.get(node).copied().unwrap_or(MS),
            draws: &mut self.draws,
            out: &mut out,
            watch: &mut self.watch,
            coverage: &mut self.coverage,
            next_rpc: &mut shared.next_rpc,
        };
        act(broker, &mut ctx);
        drop(shared);
        self.perform(out);
    }

    fn perform(&mut self, out: Vec<Out>) {
        for one in out {
            match one {
                Out::Ask { rpc, from, to, lane, request, give_up_at } => {
                    self.ask((rpc, from, to, lane), request, give_up_at);
                }
                Out::Reply { node: _, rpc, connection, response } => {
                    let sent = self.net.answer(self.now, &mut self.draws, rpc, connection, response);
                    self.send(sent);
                }
                Out::Wake { node, life, at, timer } => self.at(at, Event::Wake { node, life, timer }),
                Out::Exit { node, down } => {
                    self.coverage.count("processes that ended by themselves");
                    self.kill(node, down);
                }
            }
        }
    }

    fn ask(&mut self, ask: (Rpc, Address, usize, crate::message::Lane), request: Request, give_up_at: Time) {
        let sent = self.net.ask(self.now, &mut self.draws, ask, request);
        self.send(sent);
        self.at(give_up_at, Event::GiveUp(ask.0));
    }

    fn send(&mut self, parcels: Vec<(Time, Parcel)>) {
        for (at, parcel) in parcels {
            self.at(at, Event::Parcel(Box::new(parcel)));
        }
    }

    fn arrive(&mut self, parcel: Parcel) {
        let at_node = match &parcel {
            Parcel::Question { to, .. } => Some(*to),
            Parcel::Answer { rpc, .. } => match self.net.asker(*rpc) {
                Some(Address::Node(node)) => Some(node),
                _ => None,
            },
        };
        if let Some(node) = at_node
            && self.brokers.get(node).is_some_and(|broker| broker.is_paused)
        {
            return self.hold(node, Event::Parcel(Box::new(parcel)));
        }
        let asker = match &parcel {
            Parcel::Answer { rpc, .. } => self.net.asker(*rpc),
            Parcel::Question { .. } => None,
        };
        match (self.net.deliver(parcel), asker) {
            (Some(Parcel::Question { rpc, connection, to, request, .. }), _) => {
                self.question(to, (rpc, connection), request);
            }
            (Some(Parcel::Answer { rpc, answer, .. }), Some(asker)) => self.answered(asker, rpc, answer),
            _ => {}
        }
    }

    fn question(&mut self, node: usize, to: (Rpc, u64), request: Request) {
        if self.brokers.get(node).is_none_or(|broker| broker.running.is_none()) {
            let refused = self.net.break_where(self.now + MS, |_, at| at == node);
            return self.send(refused);
        }
        let Some(request) = self.control(node, to, request) else { return };
        self.with_broker(node, |broker, ctx| {
            if let Some(running) = &mut broker.running {
                running.on_question(to.0, to.1, request, ctx);
            }
        });
    }

    fn answered(&mut self, asker: Address, rpc: Rpc, answer: crate::message::Answer) {
        match asker {
            Address::Node(node) => self.with_broker(node, |broker, ctx| {
                if let Some(running) = &mut broker.running {
                    running.on_answer(rpc, answer, ctx);
                }
            }),
            Address::Client(client) => {
                self.shared.borrow_mut().answers.insert(rpc, answer);
                self.poll_client(client);
            }
        }
    }

    fn give_up(&mut self, rpc: Rpc) {
        let Some(Address::Node(node)) = self.net.asker(rpc) else {
            if let Some((asker, answer)) = self.net.time_out(rpc) {
                self.answered(asker, rpc, answer);
            }
            return;
        };
        if self.brokers.get(node).is_some_and(|broker| broker.is_paused) {
            return self.hold(node, Event::GiveUp(rpc));
        }
        if let Some((asker, answer)) = self.net.time_out(rpc) {
            self.answered(asker, rpc, answer);
        }
    }

    fn wake(&mut self, node: usize, life: u64, timer: Timer) {
        let Some(broker) = self.brokers.get(node).filter(|broker| broker.life == life) else { return };
        if broker.is_paused {
            return self.hold(node, Event::Wake { node, life, timer });
        }
        self.with_broker(node, |broker, ctx| {
            if let Some(running) = &mut broker.running {
                running.on_timer(timer, ctx);
            }
        });
        self.close_if_due(node);
    }

    fn hold(&mut self, node: usize, event: Event) {
        if let Some(held) = self.held.get_mut(node) {
            held.push(event);
        }
    }

    fn add_client(&mut self, make: impl FnOnce(Rc<Port>) -> Running) {
        let client = self.clients.len();
        let port = Port::new(client, Rc::clone(&self.shared), self.draws.fork());
        self.clients.push(Some(make(Rc::new(port))));
        self.at(self.now, Event::Client(client));
    }

    fn add_clients(&mut self) {
        let think = self.plan.think;
        for workload in self.plan.clients.clone() {
            self.add_client(|port| Box::pin(client::run(port, workload, think)));
        }
    }

    fn poll_client(&mut self, client: usize) {
        let Some(running) = self.clients.get_mut(client) else { return };
        if let Some(future) = running {
            let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if polled == Poll::Ready(()) {
                *running = None;
            }
        }
        self.take_wishes();
    }

    fn take_wishes(&mut self) {
        let (asked, wakes) = {
            let mut shared = self.shared.borrow_mut();
            (std::mem::take(&mut shared.asked), std::mem::take(&mut shared.wakes))
        };
        for (rpc, client, node, request, patience) in asked {
            let ask = (rpc, Address::Client(client), node, crate::message::Lane::Client);
            self.ask(ask, request, self.now + patience);
        }
        for (at, client) in wakes {
            self.at(at, Event::Client(client));
        }
    }
}

fn identity(draws: &mut Draws) -> Uuid {
    let bits = (u128::from(draws.bits()) << 64) | u128::from(draws.bits());
    Uuid::from_random(bits.to_be_bytes())
}
