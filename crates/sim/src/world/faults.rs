//! Faults: what strikes, and what ends them.

use env::{Fault as DiskFault, Operation, SimDisk};
use wire::messages::elect_leaders::ElectLeadersRequest;

use super::{Event, World, identity};
use crate::Time;
use crate::plan::{Fault, MS};

/// The end of a fault.
#[derive(Clone, Copy, Debug)]
pub enum Over {
    Start(usize),
    Resume(usize),
    Network,
    Delay,
    Disk(usize),
}

impl World<'_> {
    pub(super) fn strike(&mut self, place: usize) {
        let Some((_, fault)) = self.plan.faults.get(place).cloned() else { return };
        if self.now >= self.plan.heal_at {
            return;
        }
        self.note_fault(&fault);
        if self.bites(&fault) {
            self.bites += 1;
            self.coverage.count("faults that bit");
        }
        match fault {
            Fault::Kill { nodes, down } => nodes.into_iter().for_each(|node| self.kill(node, down)),
            Fault::PowerLoss { nodes, down } => {
                nodes.into_iter().for_each(|node| self.lose_power(node, down));
            }
            Fault::Bounce { node, down } => self.bounce(node, down),
            Fault::Pause { node, long } => self.pause(node, long),
            Fault::Wipe { node, down } => self.wipe(node, down),
            Fault::Partition { nodes, one_way, long } => {
                self.net.partition(&nodes, self.plan.brokers, one_way);
                self.at(self.now + long, Event::Over(Over::Network));
            }
            Fault::CutClients { nodes, long } => {
                self.net.cut_clients(&nodes);
                self.at(self.now + long, Event::Over(Over::Network));
            }
            Fault::Reset => {
                let broken = self.net.break_where(self.now + MS, |_, _| true);
                self.send(broken);
            }
            Fault::Slow { delay, long } => {
                self.net.delay = delay;
                self.at(self.now + long, Event::Over(Over::Delay));
            }
            Fault::SlowDisk { node, sync, long } => {
                if let Some(of_node) = self.syncs.get_mut(node) {
                    *of_node = sync;
                }
                self.at(self.now + long, Event::Over(Over::Disk(node)));
            }
            Fault::SyncError { node } => self.fail_next_sync(node),
            Fault::Depose => {
                let committed = self.quorum.depose(&mut self.draws);
                self.take(committed);
            }
            Fault::Prefer => {
                let request =
                    ElectLeadersRequest { election_type: 0, topic_partitions: None, ..Default::default() };
                if let Some(node) = self.quorum.leader() {
                    let _ = self.quorum.handle(node, self.now, &mut self.draws, &request, |_| None);
                }
            }
        }
    }

    /// Whether a fault changes anything now: a dead process cannot be killed, and what nobody sends cannot be held up.
    ///
    /// Brokers talk to each other all the time, so that whatever is done to the network between two live ones is felt.
    fn bites(&self, fault: &Fault) -> bool {
        let runs = |node: &usize| {
            self.brokers.get(*node).is_some_and(|broker| broker.running.is_some() && !broker.is_paused)
        };
        match fault {
            Fault::Kill { nodes, .. } | Fault::PowerLoss { nodes, .. } | Fault::CutClients { nodes, .. } => {
                nodes.iter().any(runs)
            }
            Fault::Partition { nodes, .. } => {
                let others = (0..self.plan.brokers).filter(|node| !nodes.contains(node));
                nodes.iter().any(runs) && others.into_iter().any(|node| runs(&node))
            }
            Fault::Bounce { node, .. }
            | Fault::Pause { node, .. }
            | Fault::Wipe { node, .. }
            | Fault::SlowDisk { node, .. }
            | Fault::SyncError { node } => runs(node),
            Fault::Reset | Fault::Slow { .. } => (0..self.plan.brokers).filter(runs).count() > 1,
            Fault::Depose => self.quorum.leader().is_some(),
            // No fault, only a change.
            Fault::Prefer => false,
        }
    }

    fn note_fault(&mut self, fault: &Fault) {
        let (name, long) = match fault {
            Fault::Kill { down, .. } => ("fault: kill", *down),
            Fault::PowerLoss { nodes, down } if nodes.len() > 1 => ("fault: power loss of all", *down),
            Fault::PowerLoss { down, .. } => ("fault: power loss", *down),
            Fault::Bounce { down, .. } => ("fault: bounce", *down),
            Fault::Pause { long, .. } => ("fault: pause", *long),
            Fault::Wipe { down, .. } => ("fault: wipe", *down),
            Fault::Partition { one_way: true, long, .. } => ("fault: one-way partition", *long),
            Fault::Partition { long, .. } => ("fault: partition", *long),
            Fault::CutClients { long, .. } => ("fault: clients cut off", *long),
            Fault::Reset => ("fault: connections reset", MS),
            Fault::Slow { long, .. } => ("fault: slow network", *long),
            Fault::SlowDisk { long, .. } => ("fault: slow disk", *long),
            Fault::SyncError { .. } => ("fault: sync error", MS),
            Fault::Depose => ("fault: quorum leader deposed", MS),
            Fault::Prefer => ("fault: preferred election", MS),
        };
        self.coverage.count(name);
        let end = (self.now + long).min(self.plan.heal_at);
        self.shared.borrow_mut().history.faults.push((self.now, end));
    }

    pub(super) fn start(&mut self, node: usize) {
        let nodes = self.plan.brokers;
        let mut failed = None;
        self.with_broker(node, |broker, ctx| {
            if broker.running.is_none()
                && let Err(error) = broker.start(nodes, ctx)
            {
                failed = Some(error);
            }
        });
        if failed.is_some() {
            // A disk that fails while it is opened: the process ends, and is started again.
            self.coverage.count("starts that failed");
            if let Some(broker) = self.brokers.get_mut(node) {
                broker.end();
                broker.disk.kill();
            }
            self.at(self.now + 500 * MS, Event::Over(Over::Start(node)));
        }
    }

    /// The process dies; what it wrote is in the page cache.
    pub(super) fn kill(&mut self, node: usize, down: Time) {
        if self.end_process(node) {
            if let Some(broker) = self.brokers.get(node) {
                broker.disk.kill();
            }
            self.at(self.now + down, Event::Over(Over::Start(node)));
        }
    }

    /// Whether there was a process to end.
    fn end_process(&mut self, node: usize) -> bool {
        let Some(broker) = self.brokers.get_mut(node).filter(|broker| broker.running.is_some()) else {
            return false;
        };
        broker.clean_epoch = None;
        broker.end();
        self.part(node);
        true
    }

    /// Its connections break, what it asked is asked no more.
    fn part(&mut self, node: usize) {
        self.net.forget(node);
        let broken = self
            .net
            .break_where(self.now + MS, |from, to| to == node || from == crate::message::Address::Node(node));
        self.send(broken);
        if let Some(held) = self.held.get_mut(node) {
            held.clear();
        }
    }

    fn lose_power(&mut self, node: usize, down: Time) {
        let seed = self.draws.bits();
        let mid_round = self.draws.chance(500);
        let more = self.draws.within(1, 6);
        if mid_round
            && let Some(broker) =
                self.brokers.get(node).filter(|broker| broker.running.is_some() && !broker.is_paused)
        {
            // The power goes in the middle of what the disk is doing.
            broker.disk.cut_power_at(broker.disk.operations() + more);
            self.coverage.count("power lost amid a sync");
            self.with_broker(node, |broker, ctx| {
                let before = ctx.out.len();
                if let Some(running) = &mut broker.running {
                    running.sync(ctx);
                }
                ctx.out.truncate(before);
            });
        }
        let directory = self.brokers.get(node).map(|broker| broker.disk.clone());
        if self.end_process(node) {
            if let Some(disk) = directory {
                disk.crash(seed);
            }
            self.at(self.now + down, Event::Over(Over::Start(node)));
        }
    }

    fn bounce(&mut self, node: usize, down: Time) {
        self.with_broker(node, |broker, ctx| {
            if !broker.is_paused
                && let Some(running) = &mut broker.running
            {
                running.begin_closing(ctx);
                broker.closing = Some(down);
            }
        });
    }

    /// Ends a process that was asked to stop, once it may.
    pub(super) fn close_if_due(&mut self, node: usize) {
        let now_ms = crate::quorum::millis(self.now);
        let Some(broker) = self.brokers.get_mut(node) else { return };
        let Some(down) = broker.closing.filter(|_| broker.running.as_ref().is_some_and(|one| one.may_stop))
        else {
            return;
        };
        broker.close(now_ms);
        if broker.clean_epoch.is_some() {
            self.coverage.count("stops in order");
        }
        if let Some(broker) = self.brokers.get(node) {
            broker.disk.kill();
        }
        self.part(node);
        self.at(self.now + down, Event::Over(Over::Start(node)));
    }

    fn pause(&mut self, node: usize, long: Time) {
        if let Some(broker) = self.brokers.get_mut(node).filter(|broker| broker.running.is_some()) {
            broker.is_paused = true;
            self.at(self.now + long, Event::Over(Over::Resume(node)));
        }
    }

    fn resume(&mut self, node: usize) {
        if let Some(broker) = self.brokers.get_mut(node) {
            broker.is_paused = false;
        }
        let held = self.held.get_mut(node).map(std::mem::take).unwrap_or_default();
        held.into_iter().for_each(|event| self.at(self.now, event));
    }

    fn wipe(&mut self, node: usize, down: Time) {
        if !self.end_process(node) {
            return;
        }
        let directory = identity(&mut self.draws);
        if let Some(broker) = self.brokers.get_mut(node) {
            broker.disk = SimDisk::new();
            broker.directory = directory;
        }
        self.watch.disk_lost(node);
        self.at(self.now + down, Event::Over(Over::Start(node)));
    }

    fn fail_next_sync(&mut self, node: usize) {
        let mut is_due = true;
        if let Some(broker) = self.brokers.get(node) {
            broker.disk.set_faults(move |operation, _| {
                if operation == Operation::Sync && std::mem::take(&mut is_due) {
                    DiskFault::Error(std::io::ErrorKind::Other)
                } else {
                    DiskFault::None
                }
            });
        }
    }

    pub(super) fn over(&mut self, over: Over) {
        match over {
            Over::Start(node) => self.start(node),
            Over::Resume(node) => self.resume(node),
            Over::Network => {
                let arriving = self.net.heal(self.now);
                self.send(arriving);
            }
            Over::Delay => self.net.delay = self.plan.delay,
            Over::Disk(node) => {
                if let Some(sync) = self.syncs.get_mut(node) {
                    *sync = self.plan.sync;
                }
            }
        }
    }

    /// Everything works again.
    pub(super) fn heal(&mut self) {
        self.net.loss = 0;
        self.over(Over::Network);
        self.over(Over::Delay);
        for node in 0..self.plan.brokers {
            self.over(Over::Disk(node));
            if let Some(broker) = self.brokers.get(node) {
                broker.disk.clear_faults();
            }
            self.resume(node);
            self.start(node);
        }
        self.shared.borrow_mut().history.healed = Some(self.now);
    }
}
