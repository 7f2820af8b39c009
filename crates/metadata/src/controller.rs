//! The controller: decides what becomes of topics, brokers, configs and features.
//!
//! Invariant: [`Controller::handle`] takes `&self`. It validates a command against the image, and returns the records that
//! would make it true together with the answer; [`Controller::replay`] is the only way in which the image changes. The shell
//! replays the records at once, so that the next command sees them, commits them, and only then lets the answer go.
//!
//! What is known of heartbeats is soft: it is not logged, and a controller that takes over starts all sessions anew.

mod allocate_producer_ids;
mod alter_configs;
mod alter_partition;
mod assign_replicas_to_dirs;
mod broker_heartbeat;
mod config_changes;
mod config_rules;
mod create_partitions;
mod create_topics;
mod delete_topics;
mod elect_leaders;
mod election;
mod error;
mod one_min_isr;
mod partition_reassignments;
mod placement;
mod register_broker;
mod topic_name;
mod update_features;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use base::planted::Planted;
use base::{Str, Uuid};

use crate::config::StaticConfigs;
use crate::image::{Delta, MetadataImage, ReplayError};
use crate::record::{FeatureRange, Record};

pub use broker_heartbeat::FenceExpired;
pub use error::ApiError;
pub use partition_reassignments::list_reassignments;
pub use topic_name::{check_topic_name, is_internal_topic};

/// How many producer ids a block holds, as in Kafka.
pub const PRODUCER_ID_BLOCK_SIZE: i32 = 1000;

/// What the controller must know besides the metadata.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This controller's node id.
    pub node_id: i32,
    /// The properties this node was started with, which give topics their defaults.
    pub static_configs: StaticConfigs,
    /// Whether all nodes are to judge by one `min.insync.replicas`: in every cluster, but not by a broker that is alone.
    pub one_min_isr: bool,
    /// What this version of Mekong can work at.
    pub features: Vec<FeatureRange>,
}

/// When, and with which chance, a command is handled.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Milliseconds since 1970.
    pub now_ms: i64,
    /// Fresh random bits, from which identities and the places of replicas are drawn.
    pub seed: u64,
}

/// What a command would do, and what its sender is told once that is committed.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome<A> {
    /// The records, all or none of which become true.
    pub records: Vec<Record>,
    /// The answer.
    pub answer: A,
}

impl<A> Outcome<A> {
    /// An answer that changes nothing.
    pub const fn only(answer: A) -> Self {
        Self { records: Vec::new(), answer }
    }
}

/// Something that the controller can be asked.
pub trait Command {
    /// What the sender is told.
    type Answer;

    /// The broker that this is a sign of life of, with its epoch.
    fn heard_from(&self) -> Option<(i32, i64)> {
        None
    }

    /// Decides; see [`Controller::handle`].
    fn decide(&self, controller: &Controller, at: Moment) -> Outcome<Self::Answer>;
}

/// The state machine; see the module's text.
#[derive(Clone, Debug)]
pub struct Controller {
    settings: Settings,
    image: MetadataImage,
    contacts: BTreeMap<i32, Contact>,
    planted: Planted,
}

/// The last sign of life of a broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Contact {
    epoch: i64,
    at_ms: i64,
}

impl Controller {
    /// A controller that goes on from `image`; every live broker's session begins at `now_ms`.
    pub fn new(settings: Settings, image: MetadataImage, now_ms: i64) -> Self {
        let live = image.brokers().iter().filter(|(_, broker)| !broker.fenced);
        let contacts =
            live.map(|(id, broker)| (*id, Contact { epoch: broker.epoch, at_ms: now_ms })).collect();
        Self { settings, image, contacts, planted: Planted::NONE }
    }

    /// The same with bugs on demand, for the simulator that must find them.
    #[must_use]
    pub fn with_planted(self, planted: Planted) -> Self {
        Self { planted, ..self }
    }

    /// The metadata as of the last record replayed.
    pub fn image(&self) -> &MetadataImage {
        &self.image
    }

    /// What it was told besides the metadata.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What `command` would do now, and the answer to it.
    pub fn handle<C: Command>(&self, command: &C, at: Moment) -> Outcome<C::Answer> {
        command.decide(self, at)
    }

    /// Makes a record true.
    pub fn replay(&mut self, record: &Record, delta: &mut Delta) -> Result<(), ReplayError> {
        self.image.replay(record, delta)
    }

    /// Notes a sign of life of a broker in the given epoch.
    pub fn contacted(&mut self, broker: i32, epoch: i64, now_ms: i64) {
        // What an earlier incarnation still says, or nobody, takes nothing from the one that is registered.
        if self.image.brokers().get(&broker).is_some_and(|known| known.epoch == epoch) {
            self.contacts.insert(broker, Contact { epoch, at_ms: now_ms });
        }
    }

    /// Forgets the last sign of life of a broker: its process is known to be gone.
    pub fn forget(&mut self, broker: i32) {
        self.contacts.remove(&broker);
    }

    /// Goes back to `image`, because what was replayed since did not come to be committed.
    pub fn reset(&mut self, image: MetadataImage) {
        self.image = image;
    }

    /// The effective integer of a broker's config on this node.
    fn setting(&self, name: &str) -> i64 {
        self.broker_configs().number(name)
    }

    fn broker_configs(&self) -> crate::config::BrokerConfigs<'_> {
        let (node_id, statics) = (self.settings.node_id, &self.settings.static_configs);
        crate::config::BrokerConfigs { node_id, statics, image: &self.image }
    }
}

/// A source of drawn values; the same seed draws the same.
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Sixty-four bits (SplitMix64).
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A place below `count`, or 0 if that is 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.bits() % (count.max(1) as u64)) as usize
    }

    /// A random identifier that does not begin with `-`, which command lines would take for an option.
    pub(crate) fn uuid(&mut self) -> Uuid {
        loop {
            let bits = (u128::from(self.bits()) << 64) | u128::from(self.bits());
            let id = Uuid::from_random(bits.to_be_bytes());
            // The first character is `-` for 62 in the alphabet's order, the top six bits.
            if bits >> 122 != 62 {
                return id;
            }
        }
    }
}

/// Text that outlives the frame it came in.
fn owned(text: &str) -> Str {
    Str::from(text)
}

#[cfg(test)]
mod tests;
