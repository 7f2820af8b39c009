//! What a client sees of the world, and the futures that wait on it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use base::TopicIdPartition;
use checker::{History, Key, Observation, Op, Process};

use crate::Time;
use crate::draws::Draws;
use crate::message::{Answer, Led, NoAnswer, Request, Response};
use crate::net::Rpc;
use crate::plan::MS;

/// What all clients share with the world.
#[derive(Debug, Default)]
pub struct Shared {
    pub now: Time,
    /// Questions to be sent: number, client, node, question, patience.
    pub asked: Vec<(Rpc, usize, usize, Request, Time)>,
    pub answers: BTreeMap<Rpc, Answer>,
    pub next_rpc: Rpc,
    /// When to wake which client.
    pub wakes: Vec<(Time, usize)>,
    pub history: History,
    pub next_process: Process,
    pub next_value: u64,
    /// Clients come to an end.
    pub is_over: bool,
    pub brokers: usize,
    /// Everything was read in the end.
    pub is_read: bool,
    /// Partitions that clients use, by their key.
    pub keys: Vec<TopicIdPartition>,
}

/// One client's end.
#[derive(Debug)]
pub struct Port {
    pub client: usize,
    shared: Rc<RefCell<Shared>>,
    draws: RefCell<Draws>,
    led: RefCell<Vec<Led>>,
    /// The latest leader epoch it saw of each key.
    pub epochs: RefCell<BTreeMap<Key, i32>>,
}

impl Port {
    pub fn new(client: usize, shared: Rc<RefCell<Shared>>, draws: Draws) -> Self {
        Self {
            client,
            shared,
            draws: RefCell::new(draws),
            led: RefCell::default(),
            epochs: RefCell::default(),
        }
    }

    pub fn now(&self) -> Time {
        self.shared.borrow().now
    }

    pub fn is_over(&self) -> bool {
        self.shared.borrow().is_over
    }

    pub fn draw<R>(&self, draw: impl FnOnce(&mut Draws) -> R) -> R {
        draw(&mut self.draws.borrow_mut())
    }

    pub fn new_process(&self) -> Process {
        let mut shared = self.shared.borrow_mut();
        shared.next_process += 1;
        shared.next_process
    }

    pub fn new_value(&self) -> u64 {
        let mut shared = self.shared.borrow_mut();
        shared.next_value += 1;
        shared.next_value
    }

    pub fn record(&self, op: Op) {
        self.shared.borrow_mut().history.ops.push(op);
    }

    pub fn observe(&self, observation: Observation) {
        self.shared.borrow_mut().history.observations.push(observation);
    }

    pub fn keys(&self) -> Vec<Key> {
        (0..self.shared.borrow().keys.len() as Key).collect()
    }

    pub fn partition(&self, key: Key) -> Option<TopicIdPartition> {
        self.shared.borrow().keys.get(key as usize).copied()
    }

    /// Waits.
    pub async fn sleep(&self, long: Time) {
        let until = self.now() + long;
        self.shared.borrow_mut().wakes.push((until, self.client));
        Until { port: self, until }.await;
    }

    /// Asks a node.
    pub async fn ask(&self, node: usize, request: Request, patience: Time) -> Answer {
        let rpc = {
            let mut shared = self.shared.borrow_mut();
            shared.next_rpc += 1;
            let rpc = shared.next_rpc;
            shared.asked.push((rpc, self.client, node, request, patience));
            rpc
        };
        Answered { port: self, rpc }.await
    }

    /// Asks whoever leads a partition, by what this client last heard.
    pub async fn ask_leader(
        &self,
        wanted: impl Fn(&Led) -> bool,
        request: Request,
        patience: Time,
    ) -> Answer {
        let known = self.led.borrow().iter().find(|led| wanted(led)).and_then(|led| led.leader);
        let leader = match known {
            Some(leader) => Some(leader),
            None => self.look_up(&wanted).await,
        };
        match leader {
            Some(leader) => {
                let answer = self.ask(leader, request, patience).await;
                if !matches!(
                    &answer,
                    Ok(Response::Produce(Ok(_)) | Response::Read(Ok(_)) | Response::Group(Ok(_)))
                ) {
                    self.led.borrow_mut().clear();
                }
                answer
            }
            None => Err(NoAnswer::Disconnected),
        }
    }

    async fn look_up(&self, wanted: &impl Fn(&Led) -> bool) -> Option<usize> {
        let brokers = self.shared.borrow().brokers;
        let node = self.draw(|draws| draws.place(brokers));
        if let Ok(Response::Lookup(led)) = self.ask(node, Request::Lookup, 600 * MS).await {
            *self.led.borrow_mut() = led;
        }
        self.led.borrow().iter().find(|led| wanted(led)).and_then(|led| led.leader)
    }
}

struct Until<'a> {
    port: &'a Port,
    until: Time,
}

impl Future for Until<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.port.now() >= self.until { Poll::Ready(()) } else { Poll::Pending }
    }
}

struct Answered<'a> {
    port: &'a Port,
    rpc: Rpc,
}

impl Future for Answered<'_> {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Answer> {
        match self.port.shared.borrow_mut().answers.remove(&self.rpc) {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        }
    }
}
