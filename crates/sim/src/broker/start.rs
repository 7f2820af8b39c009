//! From an empty process to one that asks to be registered; and the end of one that stops in order.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ::metadata::MetadataImage;
use base::{BrokerId, Uuid};
use env::{Disk, Random, SeededRandom};
use log::{FileCache, HotBudget, LogConfig, LogDir, LogError, MetaProperties, OpenedDir, Policy};
use replica::Lease;

use super::{Broker, Running, SESSION_MS, Timer, broker_of};
use crate::ctx::Ctx;
use crate::plan::MS;

/// Where every broker's log directory is, on its own disk.
const DIR: &str = "/data";
/// The cluster's identity.
pub const CLUSTER: &str = "5L6g3nShT-eMCtK--X86sw";

impl Broker {
    /// Starts the process.
    ///
    /// # Errors
    /// The disk failed; it is to be tried again.
    pub fn start(&mut self, nodes: usize, ctx: &mut Ctx<'_>) -> Result<(), String> {
        assert!(self.running.is_none(), "a process is started once");
        let running = Running::open(self, broker_of(ctx.node), nodes, ctx);
        let mut running = running.map_err(|error| error.to_string())?;
        running.recall(ctx);
        self.running = Some(running);
        ctx.wake(MS, Timer::Heartbeat);
        ctx.wake(2 * MS, Timer::Metadata);
        ctx.wake(3 * MS, Timer::Tick);
        Ok(())
    }

    /// The process ends, whatever it was doing.
    pub fn end(&mut self) {
        self.running = None;
        self.life += 1;
        self.is_paused = false;
        self.closing = None;
    }

    /// The process ends in order: everything is synced, and says so.
    pub fn close(&mut self, now_ms: i64) {
        let Some(mut running) = self.running.take() else { return };
        let epoch = running.epoch;
        let closed =
            running.held.values_mut().try_for_each(|held| running.dir.close_partition(&mut held.log));
        let closed = closed.and_then(|()| running.dir.close(running.committer, now_ms));
        self.clean_epoch = epoch.filter(|_| closed.is_ok());
        self.end();
    }
}

impl Running {
    fn open(
        broker: &Broker,
        me: BrokerId,
        nodes: usize,
        ctx: &mut Ctx<'_>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let disk: Arc<dyn Disk> = Arc::new(broker.disk.clone());
        let (files, hot) = (Arc::new(FileCache::new(disk, 64)), HotBudget::new(1 << 20));
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(ctx.draws.bits()));
        let meta = MetaProperties {
            cluster_id: CLUSTER.into(),
            node_id: me,
            directory_id: broker.directory,
            is_new: false,
        };
        // Small files, so that they turn often.
        let policy = Policy { file_bytes: 24 << 10, turn_after_ms: 5_000, ..Policy::default() };
        let OpenedDir { dir, committer, report } =
            LogDir::open(Path::new(DIR), &meta, &files, &hot, &random, policy)?;
        ctx.coverage.count(if report.clean {
            "starts after a stop in order"
        } else {
            "starts after a crash"
        });
        let config = LogConfig { segment_bytes: 8 << 10, index_interval_bytes: 512, ..LogConfig::default() };
        Ok(Self {
            me,
            incarnation: Uuid::from_random(bytes(ctx)),
            directory: dir.id(),
            clean_epoch: broker.clean_epoch,
            dir,
            committer,
            config: Arc::new(config),
            epoch: None,
            lease: Lease::of_session(SESSION_MS),
            controller: ctx.draws.place(nodes),
            nodes,
            asked: BTreeMap::new(),
            image: MetadataImage::default(),
            read: 0,
            is_known: false,
            planted: ctx.planted,
            held: BTreeMap::new(),
            fetchers: BTreeMap::new(),
            parked: Vec::new(),
            groups: BTreeMap::new(),
            is_sync_due: false,
            is_closing: false,
            may_stop: false,
        })
    }

    /// Opens every partition that has a folder: what is there must be what was.
    fn recall(&mut self, ctx: &mut Ctx<'_>) {
        for partition in ctx.watch.partitions_of(ctx.node) {
            let opened = self.hold(partition, ctx);
            if let Err(error) = opened {
                ctx.watch.note(format!("broker {} cannot open {partition}: {error}", self.me));
            }
        }
    }
}

/// Drawn bytes of an identity.
pub fn bytes(ctx: &mut Ctx<'_>) -> [u8; 16] {
    ((u128::from(ctx.draws.bits()) << 64) | u128::from(ctx.draws.bits())).to_be_bytes()
}

/// Whether an error ends the process, as the loss of its only directory does.
pub fn is_fatal(error: &LogError) -> bool {
    error.is_storage_failure()
}
