//! One node on a simulated disk: it works until its power or its process ends, comes back, and is compared with the model.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use base::{BrokerId, LeaderEpoch, Offset, TopicId, TopicIdPartition, Uuid};
use bytes::Bytes;
use env::{Disk, Fault, Operation, Random, SeededRandom, SimDisk, Trace};
use log::{
    Append, Committer, FileCache, HotBudget, LogConfig, LogDir, LogError, MetaProperties, OpenedDir, Origin,
    PartitionFolder, PartitionLog, Policy,
};
use records::{BatchBuilder, BatchOptions, NewRecord, ProducerFields, ValidBatches};

use crate::model::Model;

mod actions;

const NOW: i64 = 1_700_000_000_000;
const DIR: &str = "/data";
const PARTITIONS: u64 = 4;

pub struct World {
    random: Arc<SeededRandom>,
    disk: SimDisk,
    now_ms: i64,
    config: Arc<LogConfig>,
    policy: Policy,
    models: BTreeMap<i32, Model>,
    topics: u8,
    node: Option<Node>,
    done: Done,
}

/// What a world has been through.
#[derive(Clone, Copy, Default)]
pub struct Done {
    pub appends: u64,
    pub rolls: u64,
    pub crashes: u64,
}

impl Done {
    /// What each seed must bring.
    pub fn is_enough(self) -> bool {
        self.appends >= 200 && self.rolls > 0 && self.crashes > 0
    }
}

/// What held at one place of a trace.
pub struct Moment {
    pub place: usize,
    pub models: BTreeMap<i32, Model>,
}

struct Node {
    dir: LogDir,
    committer: Committer,
    logs: BTreeMap<i32, PartitionLog>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut world = Self::bare(seed);
        world.restart_and_check();
        world
    }

    /// A world whose node was not started yet.
    fn bare(seed: u64) -> Self {
        let random = Arc::new(SeededRandom::new(seed));
        let config = LogConfig {
            segment_bytes: 9_500 + random.below(20_000),
            index_interval_bytes: 100 + random.below(1000),
            file_delete_delay_ms: random.below(2) as i64 * 1000,
            ..LogConfig::default()
        };
        let policy = Policy {
            sync_file_from_bytes: 500 + random.below(4000),
            sync_files_max: random.below(4) as usize,
            file_bytes: 2_000 + random.below(20_000),
            passed_bytes: 5_000 + random.below(50_000),
            turn_after_ms: 500,
            retire_syncs: 1 + random.below(3) as usize,
            sync_all_from: 1 + random.below(6) as usize,
        };
        Self {
            random,
            disk: SimDisk::new(),
            now_ms: NOW,
            config: Arc::new(config),
            policy,
            models: BTreeMap::new(),
            topics: 1,
            node: None,
            done: Done::default(),
        }
    }

    pub fn done(&self) -> Done {
        self.done
    }

    /// Works until the power goes, the process is killed, or it stops in order.
    pub fn live_until_it_ends(&mut self) {
        let steps = 20 + self.random.below(200);
        let power = self.random.below(3) > 0;
        if power {
            let operations = self.disk.operations();
            self.disk.cut_power_at(operations + 1 + self.random.below(steps * 4));
        }
        let mut outcome = Ok(());
        for _ in 0..steps {
            outcome = self.step();
            if outcome.is_err() {
                break;
            }
        }
        if outcome.is_ok() && self.random.below(4) == 0 {
            outcome = self.stop();
        }
        if let Err(error) = outcome {
            assert!(power, "it failed with its power on: {error}");
        }
        let node = self.node.take();
        drop(node);
        self.done.crashes += 1;
        if self.random.below(3) == 0 && !power {
            self.disk.kill();
        } else {
            self.disk.crash(self.random.next_u64());
        }
    }

    /// Works while calls fail: with short reads and writes nothing shows, want of room is only a refusal, and any other failure
    /// ends this life.
    pub fn live_with_faults(&mut self) {
        let kind = self.random.below(3);
        let rarity = 20 + self.random.below(200);
        let random = SeededRandom::new(self.random.next_u64());
        self.disk.set_faults(move |operation, _| fault(kind, operation, rarity, &random));
        for _ in 0..20 + self.random.below(200) {
            match self.step() {
                Ok(()) => {}
                Err(LogError::NoSpace { .. }) if kind == NO_SPACE => {
                    if !self.after_refusal() {
                        break;
                    }
                }
                Err(error) => {
                    assert!(kind != SHORT, "a short write became an error: {error}");
                    break;
                }
            }
        }
        self.node = None;
        self.done.crashes += 1;
        self.disk.crash(self.random.next_u64());
    }

    /// Works until one call has failed, the one behind `skipped` of its kind; whether there was one. What was acknowledged is read
    /// at once, what comes of it is looked at, and then the power goes.
    #[cfg(not(feature = "planted-bugs"))]
    pub fn live_with_one_fault(mut self, row: crate::table::Row, skipped: u64) -> bool {
        use std::sync::atomic::{AtomicU64, Ordering};
        let met = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&met);
        self.disk.set_faults(move |operation, path| {
            let is_it =
                operation == row.operation && row.class.is_none_or(|class| env::FileClass::of(path) == class);
            let fails = is_it && counter.fetch_add(1, Ordering::Relaxed) == skipped;
            if fails { Fault::Error(row.error) } else { Fault::None }
        });
        let bit = || met.load(Ordering::Relaxed) > skipped;
        let mut goes_on = true;
        for _ in 0..300 {
            goes_on = match self.step() {
                Ok(()) => true,
                Err(error) => error.may_pass() && self.after_refusal(),
            };
            if bit() || !goes_on {
                break;
            }
        }
        self.disk.clear_faults();
        if bit() && row.is_sync() {
            assert!(self.commit().is_err(), "it was acknowledged though a sync had failed");
        } else if bit() && goes_on && row.error == ErrorKind::StorageFull && !self.was_cut() {
            // No restart: it goes on as if nothing had been.
            (0..PARTITIONS as i32).for_each(|partition| self.append(partition).expect("an append"));
            self.commit().expect("a round");
        }
        self.read_acknowledged();
        self.node = None;
        self.disk.crash(self.random.next_u64());
        self.restart_and_check();
        bit()
    }

    /// A truncation that cannot be finished fences its directory, want of room or not.
    #[cfg(not(feature = "planted-bugs"))]
    fn was_cut(&self) -> bool {
        self.models.values().any(|model| model.was_cut)
    }

    /// What was acknowledged can be read now, whatever failed.
    #[cfg(not(feature = "planted-bugs"))]
    fn read_acknowledged(&self) {
        let Some(node) = &self.node else { return };
        for (partition, model) in &self.models {
            if let Some(log) = node.logs.get(partition).filter(|_| !model.was_cut) {
                model.clone().check(log);
            }
        }
    }

    /// Every log goes on as it was before the call that was refused; `false` when one could not be opened again.
    fn after_refusal(&mut self) -> bool {
        let node = self.node.as_ref().expect("a node");
        for (partition, model) in &mut self.models {
            if let Some(log) = node.logs.get(partition) {
                model.resume(log);
            }
        }
        node.logs.len() as u64 == PARTITIONS
    }

    /// Starts again, possibly several times with the power going while it does, and compares.
    pub fn restart_and_check(&mut self) {
        while self.random.below(4) == 0 {
            let operations = self.disk.operations();
            self.disk.cut_power_at(operations + 1 + self.random.below(40));
            let opened = self.open();
            drop(opened);
            self.disk.crash(self.random.next_u64());
        }
        let node = self.open().expect("it starts");
        for (partition, model) in &mut self.models {
            model.check(node.logs.get(partition).expect("a log"));
        }
        self.node = Some(node);
        self.check_producers();
    }

    /// Works on a disk that records, without any crash: the trace, and what held before each step.
    pub fn record(seed: u64) -> (Trace, Vec<Moment>) {
        let mut world = Self::bare(seed);
        world.disk.record();
        world.node = Some(world.open().expect("it starts"));
        let mut moments = Vec::new();
        while !(world.done.appends >= 60 && world.done.rolls > 0) {
            moments.push(Moment { place: world.disk.recorded(), models: world.models.clone() });
            world.step().expect("a step");
        }
        moments.push(Moment { place: world.disk.recorded(), models: world.models.clone() });
        (world.disk.take_trace(), moments)
    }

    /// Starts on the image of a disk and compares it with what must be and may be there.
    pub fn visit(seed: u64, disk: SimDisk, models: BTreeMap<i32, Model>) {
        let mut world = Self { disk, models, ..Self::bare(seed) };
        let node = world.open().expect("it starts");
        for (partition, model) in &mut world.models {
            model.check(node.logs.get(partition).expect("a log"));
        }
        world.node = Some(node);
        world.check_producers();
        // It goes on from there.
        (0..PARTITIONS as i32).for_each(|partition| world.append(partition).expect("an append"));
        world.commit().expect("a round");
    }

    fn open(&mut self) -> Result<Node, LogError> {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let files = Arc::new(FileCache::new(disk, 5));
        let random: Arc<dyn Random> = Arc::clone(&self.random) as Arc<dyn Random>;
        let hot = HotBudget::new(self.random.below(2) * 5_000);
        let opened = LogDir::open(Path::new(DIR), &meta(), &files, &hot, &random, self.policy);
        let OpenedDir { dir, committer, report } = opened.map_err(|error| match error {
            log::DirError::Log(error) => error,
            other => panic!("{other}"),
        })?;
        assert!(report.unreadable_checkpoints.is_none(), "{report:?}");
        let mut logs = BTreeMap::new();
        for partition in 0..PARTITIONS as i32 {
            let model = self.models.entry(partition).or_insert_with(|| Model::new(key(1, partition)));
            let opened = dir.open_partition("t", model.key, Arc::clone(&self.config), self.now_ms);
            let opened = match opened {
                Err(LogError::OtherTopic { .. }) => {
                    dir.discard(&PartitionFolder { topic: "t".into(), partition })?;
                    dir.open_partition("t", model.key, Arc::clone(&self.config), self.now_ms)?
                }
                other => other?,
            };
            assert!(opened.report.rot.is_empty(), "{:?} of {model:?}", opened.report);
            opened.log.advance_high_watermark(opened.log.log_end());
            logs.insert(partition, opened.log);
        }
        Ok(Node { dir, committer, logs })
    }

    fn stop(&mut self) -> Result<(), LogError> {
        let Some(mut node) = self.node.take() else { return Ok(()) };
        for mut log in std::mem::take(&mut node.logs).into_values() {
            node.dir.close_partition(&mut log)?;
        }
        node.dir.close(node.committer, self.now_ms)
    }

    fn step(&mut self) -> Result<(), LogError> {
        self.now_ms += self.random.below(100) as i64;
        let partition = self.random.below(PARTITIONS) as i32;
        match self.random.below(42) {
            0..=23 => self.append(partition),
            24..=33 => self.commit(),
            34 => self.roll(partition),
            41 => self.burst(partition),
            35 => self.delete_records(partition),
            36 => self.retain(partition),
            37 => self.recreate(partition),
            38 => self.reopen(partition),
            39 => self.truncate(partition),
            40 if self.random.below(3) == 0 => self.begin_anew(partition),
            _ => {
                let now_ms = self.now_ms;
                self.log(partition).on_tick(now_ms)
            }
        }
    }

    fn log(&mut self, partition: i32) -> &mut PartitionLog {
        self.node.as_mut().expect("a node").logs.get_mut(&partition).expect("a log")
    }
}

const SHORT: u64 = 0;
const NO_SPACE: u64 = 1;

fn fault(kind: u64, operation: Operation, rarity: u64, random: &SeededRandom) -> Fault {
    let data = matches!(operation, Operation::Read | Operation::Write);
    // Thin volumes and quotas say so only when they are asked to sync.
    let grows =
        matches!(operation, Operation::Write | Operation::Create | Operation::Allocate | Operation::Sync);
    match kind {
        SHORT if data => Fault::Short(1 + random.below(4000) as usize),
        NO_SPACE if grows && random.below(rarity) == 0 => Fault::Error(ErrorKind::StorageFull),
        SHORT | NO_SPACE => Fault::None,
        _ if random.below(rarity) == 0 => Fault::Error(ErrorKind::Other),
        _ => Fault::None,
    }
}

fn meta() -> MetaProperties {
    MetaProperties {
        cluster_id: "5L6g3nShT-eMCtK--X86sw".into(),
        node_id: BrokerId(1),
        directory_id: Uuid([9; 16]),
        is_new: false,
    }
}

fn key(topic: u8, partition: i32) -> TopicIdPartition {
    TopicIdPartition { topic: TopicId(Uuid([topic; 16])), partition }
}

fn batch(random: &SeededRandom, len: usize, producer: ProducerFields) -> ValidBatches {
    let mut builder = BatchBuilder::new(BatchOptions { producer, ..BatchOptions::default() });
    for _ in 0..1 + random.below(3) {
        let mut value = vec![0; len];
        random.fill(&mut value);
        let timestamp = NOW + random.below(10_000) as i64;
        let record = NewRecord { timestamp, key: None, value: Some(&value), headers: &[] };
        builder.append(record).expect("room for a record");
    }
    builder.build().into()
}
