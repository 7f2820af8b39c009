//! The shell around the coordinators' cores: which shards this node has, their logs, their time.
//!
//! ```text
//! handler ─► Coordinators::ask ─► Shard (mailbox) ─► GroupEngine ─► records ─► Partition::append
//!                                    ▲    ▲                                        │ committed
//!              one timer for all ────┘    └────────────────────────────────────────┘
//! ```
//!
//! A shard is one partition of `__consumer_offsets` that this node leads. It has no task and no timer of its own; a group costs
//! memory alone. While its log is read, a shard answers COORDINATOR_LOAD_IN_PROGRESS; a partition led elsewhere is NOT_COORDINATOR.

mod batches;
mod client_host;
mod load;
mod settings;
mod shard;
mod timer;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use base::{LeaderEpoch, Str, TopicId};
use coordinator::group::{Call, Request, Response, Settings};
use coordinator::partition_of;
use env::Clock;
use metadata::MetadataImage;
use tokio::runtime::Handle;
use wire::ErrorCode;

use crate::Broker;
use crate::partition::Partition;
use crate::request::RequestContext;

use shard::Shard;
use timer::Timer;

/// The topic that keeps the state of groups.
pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// What a batch takes beside the key and value of its one record.
const BATCH_OVERHEAD_BYTES: usize = 128;

/// The shards that this node has.
#[derive(Debug)]
pub struct Coordinators {
    shards: RwLock<Shards>,
    timer: Arc<Timer>,
    clock: SteadyClock,
    /// Where shards load: those whose append failed do so from threads that have no runtime.
    runtime: Handle,
}

#[derive(Debug, Default)]
struct Shards {
    topic: TopicId,
    partitions: i32,
    led: BTreeMap<i32, Arc<Shard>>,
}

/// The wall's time at the start, moved on by the clock that never jumps: sessions do not end because someone set the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SteadyClock {
    offset_ms: i64,
}

impl SteadyClock {
    fn start(clock: &impl Clock) -> Self {
        Self { offset_ms: clock.wall_ms() - monotonic_ms(clock) }
    }

    pub fn now_ms(self, clock: &impl Clock) -> i64 {
        self.offset_ms + monotonic_ms(clock)
    }
}

fn monotonic_ms(clock: &impl Clock) -> i64 {
    i64::try_from(clock.monotonic_ns() / 1_000_000).unwrap_or(i64::MAX)
}

impl Coordinators {
    /// No shards yet. Must be made inside the runtime that serves.
    pub(crate) fn new(clock: &impl Clock) -> Self {
        let (clock, runtime) = (SteadyClock::start(clock), Handle::current());
        Self { shards: RwLock::default(), timer: Arc::default(), clock, runtime }
    }

    /// Lets time pass for all shards, until the broker is gone.
    pub(crate) async fn run_timer(broker: Arc<Broker>) {
        let weak = Arc::downgrade(&broker);
        let timer = Arc::clone(&broker.coordinators.timer);
        let clock = broker.coordinators.clock;
        drop(broker);
        loop {
            let Some(broker) = weak.upgrade() else { return };
            let now_ms = clock.now_ms(&broker.clock);
            for index in timer.take_due(now_ms) {
                if let Some(shard) = broker.coordinators.shard(index) {
                    shard.tick();
                }
            }
            drop(broker);
            timer.wait(now_ms).await;
        }
    }

    /// Follows the metadata: shards of partitions that this node leads now are loaded, others are let go.
    pub(crate) fn follow(&self, broker: &Arc<Broker>, image: &MetadataImage) {
        let Some(topic) = image.topic_named(OFFSETS_TOPIC) else { return self.unload_all() };
        let count = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
        if self.read().topic != topic.id() {
            self.unload_all();
        }
        let Some(led) = broker.topics.by_id(topic.id()) else { return };
        let mut shards = self.shards.write().unwrap_or_else(PoisonError::into_inner);
        let settings = settings::of(&broker.broker_configs(image));
        shards.topic = topic.id();
        shards.partitions = count;
        let me = broker.config.node_id;
        // A shard lives as long as a leader epoch: what it decided in one is not known to be committed in the next.
        let is_led = |index: i32, epoch: LeaderEpoch| {
            let state = topic.partitions().get(&index);
            state.is_some_and(|state| state.leader == me && state.leader_epoch == epoch.0)
        };
        let (mut new, mut gone) = (Vec::new(), Vec::new());
        shards.led.retain(|index, shard| {
            let stays = is_led(*index, shard.epoch());
            if !stays {
                gone.push(Arc::clone(shard));
            }
            stays
        });
        for partition in led.led() {
            let (index, epoch) = (partition.key().partition, partition.leader_epoch());
            if is_led(index, epoch) && !shards.led.contains_key(&index) {
                let shard = self.new_shard(broker, partition, settings.clone());
                new.push(Arc::clone(&shard));
                shards.led.insert(index, shard);
            }
        }
        drop(shards);
        gone.iter().for_each(Shard::unload);
        if !new.is_empty() {
            load::in_background(broker, new);
        }
    }

    fn new_shard(
        &self,
        broker: &Arc<Broker>,
        partition: Arc<Partition>,
        mut settings: Settings,
    ) -> Arc<Shard> {
        let weak = Arc::downgrade(broker);
        let bytes_max = partition.settings().validation.max_message_bytes;
        settings.record_bytes_max = bytes_max.saturating_sub(BATCH_OVERHEAD_BYTES);
        Shard::new(partition, settings, Arc::clone(&self.timer), self.clock, weak)
    }

    /// Topics are gone: so are the offsets that groups committed for them. A shard that still loads finds out by itself.
    pub(crate) fn topics_deleted(&self, topics: &[(Str, TopicId)]) {
        for shard in self.read().led.values() {
            shard.tell(Request::TopicsDeleted(topics.to_vec()));
        }
    }

    /// Answers everyone who waits: this node stops, or leads no shard any more.
    pub(crate) fn unload_all(&self) {
        let shards = std::mem::take(&mut *self.shards.write().unwrap_or_else(PoisonError::into_inner));
        for shard in shards.led.values() {
            shard.unload();
        }
    }

    /// The partition of `__consumer_offsets` that keeps `group`.
    pub(crate) fn partition_of(&self, group: &str) -> i32 {
        partition_of(group, self.read().partitions)
    }

    /// Asks the shard that keeps `group`.
    pub(crate) async fn ask(&self, group: &str, request: Request) -> Result<Response, ErrorCode> {
        let shard = self.shard_of(group)?;
        shard.ask(request).await
    }

    /// Groups those who ask about several groups by the shard that keeps each; none where this node does not.
    pub(crate) fn by_shard(&self, groups: Vec<Str>) -> BTreeMap<i32, Vec<Str>> {
        let mut by_shard: BTreeMap<i32, Vec<Str>> = BTreeMap::new();
        for group in groups {
            by_shard.entry(self.partition_of(&group)).or_default().push(group);
        }
        by_shard
    }

    /// Asks one shard.
    pub(crate) async fn ask_shard(&self, index: i32, request: Request) -> Result<Response, ErrorCode> {
        let shard = self.shard(index).ok_or(ErrorCode::NOT_COORDINATOR)?;
        shard.ask(request).await
    }

    /// All shards of this node.
    pub(crate) fn indexes(&self) -> Vec<i32> {
        self.read().led.keys().copied().collect()
    }

    fn shard_of(&self, group: &str) -> Result<Arc<Shard>, ErrorCode> {
        self.shard(self.partition_of(group)).ok_or(ErrorCode::NOT_COORDINATOR)
    }

    fn shard(&self, index: i32) -> Option<Arc<Shard>> {
        self.read().led.get(&index).cloned()
    }

    fn read(&self) -> RwLockReadGuard<'_, Shards> {
        self.shards.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who calls, as the cores want to know it.
pub(crate) fn call(ctx: &RequestContext) -> Call {
    Call {
        version: ctx.version,
        client_id: ctx.client_id.clone(),
        client_host: client_host::as_java_writes(ctx.connection.peer.ip()),
        random: ctx.broker().random_bytes(),
    }
}
