//! The seam to the controller: the image of the metadata, and what the data plane does when it changes.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use base::{LeaderEpoch, Str, TopicId, TopicIdPartition, Uuid};
use env::Clock;
use metadata::record::{PartitionRecord, TopicRecord};
use metadata::{Delta, MetadataImage, Record};
use wire::ErrorCode;

use crate::Broker;
use crate::partition::Partition;
use crate::settings::TopicConfigs;

/// The metadata as this node knows it.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    image: ArcSwap<MetadataImage>,
    changing: Mutex<()>,
}

impl Metadata {
    pub fn image(&self) -> Arc<MetadataImage> {
        self.image.load_full()
    }
}

impl Broker {
    /// The metadata as of now.
    pub fn image(&self) -> Arc<MetadataImage> {
        self.metadata.image()
    }

    /// Makes a topic as `auto.create.topics.enable` says.
    pub(crate) async fn auto_create(self: &Arc<Self>, name: &Str) -> Result<(), ErrorCode> {
        let topic_id = TopicId(Uuid::from_random(self.random_bytes()));
        let partition = |partition| {
            Record::Partition(PartitionRecord {
                topic_id,
                partition,
                replicas: vec![self.config.node_id],
                directories: vec![Uuid::ZERO],
                isr: vec![self.config.node_id],
                removing_replicas: Vec::new(),
                adding_replicas: Vec::new(),
                elr: Vec::new(),
                last_known_elr: Vec::new(),
                leader: self.config.node_id,
                leader_recovery_state: 0,
                leader_epoch: 0,
                partition_epoch: 0,
            })
        };
        let mut records = vec![Record::Topic(TopicRecord { name: name.detached(), topic_id })];
        records.extend((0..self.config.topics.partitions).map(partition));
        self.commit(&records)
    }

    /// Makes records true: first in the data plane, then in the image that requests see.
    fn commit(self: &Arc<Self>, records: &[Record]) -> Result<(), ErrorCode> {
        let _one_at_a_time = self.metadata.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut image, mut delta) = (MetadataImage::clone(&self.image()), Delta::default());
        for record in records {
            image.replay(record, &mut delta).map_err(|_| ErrorCode::TOPIC_ALREADY_EXISTS)?;
        }
        self.apply(image, &delta);
        Ok(())
    }

    /// Brings the data plane to what a new image says; then requests see it. Not to be called twice at once.
    pub fn apply(self: &Arc<Self>, image: MetadataImage, delta: &Delta) {
        let image = Arc::new(image);
        for key in &delta.partitions {
            self.bring_up(&image, *key);
        }
        self.reconfigure(&image, delta);
        self.metadata.image.store(Arc::clone(&image));
        for id in delta.removed_topics.keys() {
            self.take_down(*id);
        }
    }

    fn bring_up(self: &Arc<Self>, image: &MetadataImage, key: TopicIdPartition) {
        let Some(topic) = image.topic(key.topic) else { return };
        let Some(state) = image.partition(key.topic, key.partition) else { return };
        let known = self.topics.get_or_add(key.topic, topic.name());
        let epoch = LeaderEpoch(state.leader_epoch);
        if state.leader != self.config.node_id {
            return;
        }
        match known.partition(key.partition) {
            Some(partition) => partition.set_leader_epoch(epoch),
            None => {
                let configs = self.topic_configs(image, topic.name());
                let opened = self.logs.partition(key, topic.name(), configs.log(), self.clock.wall_ms());
                match opened {
                    Ok(log) => {
                        let settings = configs.topic();
                        let waiters = Arc::clone(&self.waiters);
                        known.add(vec![Arc::new(Partition::new(
                            known.name().clone(),
                            log,
                            epoch,
                            settings,
                            waiters,
                        ))]);
                    }
                    Err(error) => {
                        tracing::error!(topic = %topic.name(), partition = key.partition, %error, "cannot open log")
                    }
                }
            }
        }
    }

    /// Gives changed configurations to the partitions they are for.
    fn reconfigure(&self, image: &MetadataImage, delta: &Delta) {
        let topics =
            match delta.configs.iter().any(|resource| resource.kind == metadata::ResourceType::BROKER) {
                true => self.topics.all(),
                false => {
                    delta.configs.iter().filter_map(|resource| self.topics.by_name(&resource.name)).collect()
                }
            };
        for topic in topics {
            let configs = self.topic_configs(image, topic.name());
            let (settings, log_config) = (configs.topic(), configs.log());
            for partition in topic.partitions() {
                partition.set_settings(Arc::clone(&settings));
                partition.with_log(|log| log.set_config(Arc::clone(&log_config)));
            }
        }
    }

    fn take_down(&self, id: TopicId) {
        let Some(topic) = self.topics.remove(id) else { return };
        for partition in topic.partitions() {
            partition.close();
            let dir = partition.with_log(|log| log.dir());
            if let Err(error) = self.logs.delete(&dir) {
                tracing::warn!(dir = %dir.display(), %error, "cannot delete a partition's folder");
            }
        }
    }

    fn topic_configs<'a>(&'a self, image: &'a MetadataImage, topic: &'a Str) -> TopicConfigs<'a> {
        TopicConfigs { image, properties: &self.config.properties, node_id: self.config.node_id, topic }
    }
}
