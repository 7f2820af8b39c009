//! A little model of partitions, clients and transactions, run one step after another; it records what clients would be told.
//!
//! Each operation takes effect at one moment between its invocation and its completion. Offsets have gaps, as markers and aborted
//! records leave them.

use std::collections::BTreeMap;

use checker::{Call, Fact, History, Mark, Mop, Observation, Op, Outcome, Settings};

/// What kind of workload is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Sends and polls apart, by assignment.
    Plain,
    /// Sends and polls together in transactions, rewinding after an abort.
    Transactions,
    /// A compacted partition.
    Compacted,
}

impl Shape {
    pub const ALL: [Self; 3] = [Self::Plain, Self::Transactions, Self::Compacted];
}

/// A sequence that its seed repeats (xorshift64*).
pub struct Draws(u64);

impl Draws {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x1234_5678_9abc_def1)
    }

    fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.bits() >> 16) as usize % bound.max(1)
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

const KEYS: usize = 3;
const PROCESSES: usize = 4;
const OPS: usize = 120;
/// Units of time per operation.
const STEP: u64 = 1_000_000_000;

#[derive(Default)]
struct Log {
    records: Vec<(i64, u64)>,
    next: i64,
}

struct Model<'a> {
    draws: &'a mut Draws,
    shape: Shape,
    logs: Vec<Log>,
    /// By process: the place in each log.
    places: Vec<Vec<usize>>,
    /// Rises when a process dies: the next one is another.
    lives: Vec<u32>,
    next_value: u64,
    now: u64,
    register: i64,
    history: History,
}

pub fn history(draws: &mut Draws, shape: Shape) -> (History, Settings) {
    let mut model = Model {
        draws,
        shape,
        logs: (0..KEYS).map(|_| Log::default()).collect(),
        places: vec![vec![0; KEYS]; PROCESSES],
        lives: vec![0; PROCESSES],
        next_value: 1,
        now: STEP,
        register: -1,
        history: History::default(),
    };
    model.run();
    let settings = Settings {
        atomic: shape == Shape::Transactions,
        rewinds: shape == Shape::Transactions,
        final_reads: true,
        recoverable: true,
        progress_min: 5,
        ..Settings::default()
    };
    (model.history, settings)
}

impl Model<'_> {
    fn run(&mut self) {
        let fault = (self.now + 20 * STEP, self.now + 50 * STEP);
        for _ in 0..OPS {
            self.now += STEP;
            match self.draws.below(20) {
                0 => self.registers(),
                1 => self.mark(),
                2 => self.look_up(),
                _ => self.records(),
            }
        }
        self.history.faults.push(fault);
        self.history.healed = Some(fault.1);
        self.now += 20 * STEP;
        (0..KEYS).for_each(|key| self.full_read(key));
        self.asides();
    }

    fn records(&mut self) {
        let process = self.draws.below(PROCESSES);
        let (sends, polls) = match self.shape {
            Shape::Transactions => (self.draws.below(4), self.draws.below(2)),
            _ if self.draws.chance(50) => (1 + self.draws.below(2), 0),
            _ => (0, 1),
        };
        if sends + polls == 0 {
            return;
        }
        let outcome = match self.draws.below(10) {
            0 => Outcome::Fail,
            1 => Outcome::Info,
            _ => Outcome::Ok,
        };
        let took_effect = match outcome {
            Outcome::Ok => true,
            Outcome::Fail => false,
            Outcome::Info => self.draws.chance(50),
        };
        let mut mops = Vec::new();
        let before = self.places[process].clone();
        // What it polls lies before what it sends: a transaction does not see itself.
        for _ in 0..polls {
            mops.push(self.poll(process));
        }
        for _ in 0..sends {
            mops.push(self.send(outcome, took_effect));
        }
        if outcome != Outcome::Ok {
            self.places[process] = before;
        }
        let (invoked, completed) = (self.now - self.draws.below(STEP as usize / 3) as u64, self.now + 1);
        let id = self.lives[process] * PROCESSES as u32 + process as u32;
        self.history.ops.push(Op::new(id, invoked, completed, outcome, Call::Records(mops)));
        if outcome == Outcome::Info {
            self.lives[process] += 1;
            self.places[process] = vec![0; KEYS];
        }
    }

    fn poll(&mut self, process: usize) -> Mop {
        let key = self.draws.below(KEYS);
        let (log, place) = (&self.logs[key], &mut self.places[process][key]);
        let count = self.draws.below(6).min(log.records.len() - *place);
        let records = log.records[*place..*place + count].iter();
        let records = records.map(|(offset, value)| (key as u32, *offset, *value)).collect();
        *place += count;
        Mop::Poll { records }
    }

    fn send(&mut self, outcome: Outcome, took_effect: bool) -> Mop {
        let (key, value) = (self.draws.below(KEYS), self.next_value);
        self.next_value += 1;
        let log = &mut self.logs[key];
        let offset = log.next;
        log.next += 1 + i64::from(self.draws.chance(20));
        if took_effect {
            log.records.push((offset, value));
        }
        let record_key = (self.shape == Shape::Compacted).then_some(value % 5);
        let timestamp = Some(value as i64 * 10);
        self.history.facts.push(Fact { key: key as u32, value, timestamp, record_key });
        let offset = match outcome {
            Outcome::Ok => Some(offset),
            Outcome::Info if took_effect && self.draws.chance(50) => Some(offset),
            _ => None,
        };
        Mop::Send { key: key as u32, value, offset }
    }

    fn registers(&mut self) {
        let set = self.draws.chance(50);
        if set {
            self.register += 1 + self.draws.below(5) as i64;
        }
        let value = self.register;
        let call = if set { Call::Set { register: 1, value } } else { Call::Get { register: 1, value } };
        self.history.ops.push(Op::new(50, self.now - 5, self.now, Outcome::Ok, call));
    }

    fn mark(&mut self) {
        let key = self.draws.below(KEYS);
        let value = self.logs[key].next;
        let process = self.draws.below(PROCESSES) as u32;
        for mark in [Mark::HighWatermark, Mark::LastStableOffset] {
            self.history.observations.push(Observation::Mark { process, key: key as u32, mark, value });
        }
    }

    fn look_up(&mut self) {
        let key = self.draws.below(KEYS);
        let timestamp = (self.draws.below(self.next_value as usize) * 10) as i64;
        let found = self.logs[key].records.iter().map(|(offset, value)| (*offset, *value as i64 * 10));
        let found = found.filter(|(_, stamp)| *stamp >= timestamp).min();
        let call = Call::OffsetForTimestamp { key: key as u32, timestamp, found };
        self.history.ops.push(Op::new(51, self.now - 5, self.now, Outcome::Ok, call));
    }

    fn full_read(&mut self, key: usize) {
        let records = self.logs[key].records.clone();
        self.now += STEP;
        let call = Call::FullRead { key: key as u32, log_start: 0, records };
        self.history.ops.push(Op::new(60 + key as u32, self.now - 5, self.now, Outcome::Ok, call));
    }

    /// What is observed beside the operations.
    fn asides(&mut self) {
        let mut seen = Vec::new();
        for generation in 1..4 {
            for member in 0..2 {
                let keys = (0..KEYS as u32).filter(|key| u64::from(*key) % 2 == member).collect();
                seen.push(Observation::Assignment { group: 0, generation, member, keys });
            }
        }
        for key in 0..KEYS {
            for replica in 1..=3 {
                let (end, hash) = (self.logs[key].next, 77 + key as u64);
                seen.push(Observation::ReplicaHash { key: key as u32, replica, end, hash });
            }
        }
        for (place, (_, value)) in self.logs[0].records.iter().enumerate() {
            seen.push(Observation::Transformed { source: (90, place as i64), sink: (0, *value) });
        }
        seen.push(Observation::BankTotal { total: 0, expected: 0 });
        seen.push(Observation::LogLine { broker: 1, line: "INFO started".into() });
        if self.shape == Shape::Transactions {
            for op in self.history.ops.iter().filter(|op| op.outcome == Outcome::Ok) {
                if let Some((key, value, _)) = op.sends().next() {
                    seen.push(Observation::Decided { key, value, committed: true });
                }
            }
        }
        if self.shape == Shape::Compacted {
            let mut last = BTreeMap::new();
            for (offset, value) in &self.logs[0].records {
                last.insert(value % 5, (*offset, value % 5, *value));
            }
            let mut records: Vec<_> = last.into_values().collect();
            records.sort_unstable();
            seen.push(Observation::Compacted { key: 0, records });
        }
        self.history.observations.extend(seen);
    }
}
