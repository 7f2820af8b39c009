//! What a seed stands for: how many brokers, which clients, which faults when.
//!
//! A plan is a value apart from the run, so that a failing one can be shrunk: take a fault away, and see whether it still fails.

use crate::Time;
use crate::draws::Draws;

/// Microseconds in a second.
pub const SECOND: Time = 1_000_000;
/// Microseconds in a millisecond.
pub const MS: Time = 1_000;

/// What happens to the cluster at some time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The processes die; what they wrote is there when they come back after this long.
    Kill { nodes: Vec<usize>, down: Time },
    /// The power goes: what was not synced survives in parts.
    PowerLoss { nodes: Vec<usize>, down: Time },
    /// The process stops in order and starts again.
    Bounce { node: usize, down: Time },
    /// The process stands still, then goes on as if nothing had been.
    Pause { node: usize, long: Time },
    /// The disk is replaced by an empty one.
    Wipe { node: usize, down: Time },
    /// Nothing gets from these nodes to the others, and back unless it is one-way.
    Partition { nodes: Vec<usize>, one_way: bool, long: Time },
    /// Clients do not reach these nodes.
    CutClients { nodes: Vec<usize>, long: Time },
    /// Every connection breaks.
    Reset,
    /// Messages take up to this long.
    Slow { delay: Time, long: Time },
    /// A disk takes this long for each sync.
    SlowDisk { node: usize, sync: Time, long: Time },
    /// A disk's next sync fails.
    SyncError { node: usize },
    /// The quorum's leader gives up.
    Depose,
    /// Preferred leaders are elected.
    Prefer,
}

/// What clients do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Workload {
    /// Sends and polls by assignment (W1).
    Assign,
    /// Sends, and polls as members of a group that commit their offsets (W2).
    Subscribe,
    /// Sends, each followed by a read of the whole partition (W4).
    Append,
}

/// A run, before it is run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it was drawn from, and what everything else in the run is drawn from.
    pub seed: u64,
    /// How many brokers, each a voter of the quorum too.
    pub brokers: usize,
    /// How many partitions clients use.
    pub partitions: usize,
    /// What each client does.
    pub clients: Vec<Workload>,
    /// Faults in the order of time.
    pub faults: Vec<(Time, Fault)>,
    /// When all faults are healed.
    pub heal_at: Time,
    /// When clients stop, and everything is read.
    pub end_at: Time,
    /// Out of a thousand messages, so many break their connection.
    pub loss: u64,
    /// The usual longest time of a message.
    pub delay: Time,
    /// The usual longest time of a sync.
    pub sync: Time,
    /// The least time between two operations of a client.
    pub think: Time,
}

impl Plan {
    /// The plan of a seed. One in twelve has no faults.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut draws = Draws::new(seed ^ 0x6d65_6b6f_6e67);
        let brokers = if draws.chance(200) { 5 } else { 3 };
        let workload = [Workload::Assign, Workload::Subscribe, Workload::Append];
        let workload = draws.one_of(&workload).unwrap_or(Workload::Assign);
        let clients = (0..draws.within(4, 6)).map(|client| match workload {
            Workload::Subscribe if client < 2 => Workload::Assign,
            other => other,
        });
        let mut plan = Self {
            seed,
            brokers,
            partitions: draws.place(3) + 1,
            clients: clients.collect(),
            faults: Vec::new(),
            heal_at: 48 * SECOND,
            end_at: 62 * SECOND,
            loss: draws.one_of(&[0, 0, 1, 5, 20]).unwrap_or(0),
            delay: draws.one_of(&[MS, 2 * MS, 10 * MS, 40 * MS]).unwrap_or(MS),
            sync: draws.one_of(&[MS, 5 * MS, 30 * MS]).unwrap_or(MS),
            think: draws.within(100, 350) * MS,
        };
        if !seed.is_multiple_of(12) {
            plan.draw_faults(&mut draws);
        } else {
            plan.loss = 0;
        }
        plan
    }

    fn draw_faults(&mut self, draws: &mut Draws) {
        // Swarm: each run has its own taste, so that rare mixtures happen.
        let kinds: Vec<u64> = (0..13).filter(|_| draws.chance(450)).collect();
        let kinds = if kinds.is_empty() { vec![0] } else { kinds };
        let count = draws.within(3, 12);
        let mut has_wiped = false;
        let mut times: Vec<Time> = (0..count).map(|_| draws.within(6 * SECOND, 44 * SECOND)).collect();
        times.sort_unstable();
        for at in times {
            let kind = draws.one_of(&kinds).unwrap_or(0);
            let fault = self.draw_fault(draws, kind);
            if matches!(fault, Fault::Wipe { .. }) && std::mem::replace(&mut has_wiped, true) {
                continue;
            }
            self.faults.push((at, fault));
        }
    }

    fn draw_fault(&self, draws: &mut Draws, kind: u64) -> Fault {
        let node = draws.place(self.brokers);
        let down = draws.within(10 * MS, 9 * SECOND);
        let long = draws.within(100 * MS, 12 * SECOND);
        let mut some = |most: usize| {
            let count = 1 + draws.place(most);
            let first = draws.place(self.brokers);
            (0..count).map(|more| (first + more) % self.brokers).collect::<Vec<_>>()
        };
        match kind {
            0 => Fault::Kill { nodes: some(self.brokers), down },
            1 => Fault::PowerLoss { nodes: some(1), down },
            2 => Fault::PowerLoss { nodes: (0..self.brokers).collect(), down },
            3 => Fault::Bounce { node, down },
            4 => Fault::Pause { node, long },
            5 => Fault::Wipe { node, down },
            6 => Fault::Partition { nodes: some(self.brokers / 2), one_way: false, long },
            7 => Fault::Partition { nodes: some(self.brokers / 2), one_way: true, long },
            8 => Fault::CutClients { nodes: some(self.brokers), long },
            9 => Fault::Slow { delay: draws.within(50 * MS, 4 * SECOND), long },
            10 => Fault::SlowDisk { node, sync: draws.within(50 * MS, 3 * SECOND), long },
            11 => Fault::SyncError { node },
            _ => draws
                .one_of(&[Fault::Reset, Fault::Depose, Fault::Prefer].map(Kind::of))
                .map_or(Fault::Reset, Kind::fault),
        }
    }

    /// The line that runs this again.
    #[must_use]
    pub fn repro(&self) -> String {
        format!("cargo run -p mekong-sim -- --seed {}", self.seed)
    }
}

/// Faults without content, which can be drawn from a list.
#[derive(Clone, Copy)]
enum Kind {
    Reset,
    Depose,
    Prefer,
}

impl Kind {
    fn of(fault: Fault) -> Self {
        match fault {
            Fault::Depose => Self::Depose,
            Fault::Prefer => Self::Prefer,
            _ => Self::Reset,
        }
    }

    fn fault(self) -> Fault {
        match self {
            Self::Reset => Fault::Reset,
            Self::Depose => Fault::Depose,
            Self::Prefer => Fault::Prefer,
        }
    }
}
